//! Normalization: what a catalog says, in the one form every target's fields are made from.
//!
//! Each change is a note: what stood there, what stands there now. Only readings without a
//! second meaning are made; anything else stays as it is, for the rules to judge. Nothing is
//! invented, and nothing here knows a target.

mod derive;
mod units;
mod value;

use crate::cell::{Cell, Shape, Slot};
use crate::mapping::apply::Draft;
use crate::product::attribute::{AttributeId, Attributes, Kind};
use crate::product::link::KnownHost;
use crate::product::money::Currency;
use crate::product::text;
use std::borrow::Cow;
use units::Parts;
use value::Change;

/// What normalization may do to a value: the second half of the note's code, what is done,
/// and the kinds of attribute it is done to.
pub static REPAIRS: &[(&str, &str, &[Kind])] = &[
    ("spreadsheet-guard", "the apostrophe that a spreadsheet puts before numbers is dropped", &[Kind::Id, Kind::Code]),
    ("control-character", "control characters are removed", &[Kind::Id, Kind::Code, Kind::Line, Kind::Prose]),
    ("html", "HTML becomes plain text", &[Kind::Line, Kind::Prose]),
    ("synonym", "a word of the shop's own becomes the listed value it stands for", &[Kind::Word, Kind::Flag]),
    ("notation", "the value is written in the one form feeds ask for", &[Kind::Money, Kind::Date, Kind::Packed]),
    ("decimal-comma", "a decimal comma becomes a point", &[Kind::Number]),
    ("separators", "blanks, hyphens and apostrophes are removed", &[Kind::Gtin]),
    ("address", "a relative or unencoded address is made absolute and encoded", &[Kind::Link]),
    ("bad-entry", "addresses of a list that are none are left out", &[Kind::Links]),
    ("unit", "a unit in the cell is kept apart from the number", &[Kind::Axis, Kind::Weight]),
    ("other-unit", "a box is left out whose unit is not that of the axes which are given beside it", &[Kind::Box]),
];

/// What follows from several values together: the whole code, and what is done.
pub static REPAIRS_BY_NAME: &[(&str, &str)] = &[
    ("variant_dict/too-many-options", "options beyond the numbered columns of the target are left out"),
    ("sale_price/other-amount", "a sale price without a currency takes the one that the price names"),
    ("price/other-amount", "a price without a currency takes the one that the sale price names"),
    ("sale_price/sale-over", "a sale price whose window has ended is left out"),
    ("sale_price/unreadable-window", "a sale price is left out where nobody can tell when it begins or ends"),
    ("inventory_quantity/oversold", "stock below zero is written as 0"),
    ("availability/from-quantity", "availability follows from the quantity"),
    ("is_eligible_checkout/not-purchasable", "an item that cannot be bought is not offered for checkout"),
];

/// What was changed about a value on its way.
#[derive(Clone, Debug)]
pub struct Note {
    /// The attribute.
    pub attribute: AttributeId,
    /// The second half of the finding's code.
    pub defect: &'static str,
    /// What was done, in one line.
    pub message: Cow<'static, str>,
    /// What stood there.
    pub old: Words,
    /// What stands there now; `None` where the value was left out.
    pub new: Option<Words>,
    /// The column it came from.
    pub column: u16,
}

/// The text of a value that a note tells of; most stand in the batch, and few of them are shown.
#[derive(Clone, Debug)]
pub enum Words {
    /// Where it stands.
    Of(Cell),
    /// The text itself.
    Own(String),
}

impl Words {
    /// The text, as a message shows it.
    pub fn shown(&self, buffer: &str) -> String {
        match self {
            Self::Of(cell) => text::excerpt(cell.text(buffer), SHOWN),
            Self::Own(text) => text::excerpt(text, SHOWN),
        }
    }
}

/// How many characters of a value are shown.
const SHOWN: usize = 200;

/// What values are read against.
#[derive(Clone, Debug)]
pub struct Normalizer {
    /// The currency of amounts that name none.
    pub currency: Option<Currency>,
    /// The decimal mark where one amount alone cannot tell.
    pub decimal: Option<char>,
    /// The shop's address, for relative ones.
    pub base_url: Option<url::Url>,
    /// Whether `price` holds what is paid now and `sale_price` the struck-through price.
    pub price_is_current: bool,
    /// Whether a target wants the options of an item one by one.
    pub reads_options: bool,
    /// The day that sale windows are compared with.
    pub today: jiff::civil::Date,
}

/// What is known of the values of a batch. Neighbours mostly share brand, category and flags, and
/// the variants of a product its text: what was sound needs no second look, and what was changed
/// is changed, and noted, once.
#[derive(Debug, Default)]
pub struct Memo {
    of: Vec<Known>,
}

/// How many changed values of an attribute are remembered: those of a product, and those that
/// only one target gets.
const REMEMBERED: usize = 8;

/// What is known of the values of one attribute.
#[derive(Debug, Default)]
struct Known {
    /// The last value that needed no change.
    sound: Cell,
    /// The last values that were changed, and what they became.
    made: Vec<(Cell, Cell)>,
    /// The last value of which nobody needs to hear that it was parted, and its parts.
    parted: Option<(Cell, Parts)>,
    host: KnownHost,
    /// How many values were looked at closely.
    seen: usize,
}

impl Memo {
    /// Forgets everything; cells of one batch mean nothing in the next.
    pub fn clear(&mut self) {
        self.of.clear();
    }

    /// The last value that needed no change, where this one is the same.
    fn sound(&self, place: usize, cell: Cell, buffer: &str) -> Option<Cell> {
        self.of.get(place).map(|known| known.sound).filter(|known| known.equals(cell, buffer))
    }

    /// How many values of an attribute there were, those not counted that are like one before.
    pub fn values(&self, attribute: AttributeId) -> usize {
        self.of.get(attribute.index()).map_or(0, |known| known.seen)
    }

    fn of(&mut self, attribute: AttributeId) -> &mut Known {
        let place = usize::from(attribute.0);
        if self.of.len() <= place {
            self.of.resize_with(place + 1, Known::default);
        }
        &mut self.of[place]
    }
}

impl Normalizer {
    /// Normalizes all values of a draft.
    pub fn run(&self, buffer: &mut String, draft: &mut Draft, memo: &mut Memo, notes: &mut Vec<Note>) {
        derive::one_currency(self, buffer, draft, notes);
        for place in 0..draft.slots.len() {
            if draft.slots[place].is_present() {
                self.attribute(buffer, draft, AttributeId(place as u16), memo, notes);
            }
        }
        derive::run(self, buffer, draft, notes);
    }

    /// Normalizes one value of a draft, such as one that a rule has set. A value that is the same as
    /// the last sound one, which most are, stands from now on where that stands: what comes after
    /// sees at a glance that both are the same.
    pub fn attribute(&self, buffer: &mut String, draft: &mut Draft, attribute: AttributeId, memo: &mut Memo, notes: &mut Vec<Note>) {
        let slot = draft.get(attribute);
        match memo.sound(attribute.index(), slot.cell, buffer) {
            Some(cell) => draft.set(attribute, Slot { cell, column: slot.column }),
            None if slot.is_present() => self.unknown(buffer, draft, attribute, memo, notes),
            None => {}
        }
    }

    /// Normalizes a value that is not the last sound one.
    fn unknown(&self, buffer: &mut String, draft: &mut Draft, attribute: AttributeId, memo: &mut Memo, notes: &mut Vec<Note>) {
        let slot = draft.get(attribute);
        let known = memo.of(attribute);
        // The same place in the buffer, not only the same text: that is the same value of the
        // catalog, which was told of already.
        if !known.made.is_empty()
            && let Some((_, cell)) = known.made.iter().find(|(from, _)| *from == slot.cell)
        {
            draft.set(attribute, Slot { cell: *cell, column: slot.column });
            return;
        }
        if let Some((_, parts)) = known.parted.as_ref().filter(|(from, _)| from.equals(slot.cell, buffer))
            && parts.put(buffer, draft, attribute, slot.column)
        {
            return;
        }
        known.seen += 1;
        let value = slot.text(buffer);
        let Some(change) = value::change(self, attribute, value, slot.cell.shape, &mut known.host) else {
            known.sound = slot.cell;
            return;
        };
        let Change { value: new, others, quiet, defect, message } = change;
        let shape = if matches!(Attributes::shared().kind(attribute), Kind::Options) { slot.cell.shape } else { Shape::Text };
        let cell = Cell::store(buffer, &new, shape);
        let others = others.into_iter().map(|(other, text)| (other, Cell::store(buffer, &text, Shape::Text))).collect();
        let parts = Parts { own: cell, others, give_way: quiet };
        if !parts.put(buffer, draft, attribute, slot.column) {
            // A number that names a unit of its own stays as it is, for the rules to judge.
            if quiet {
                let message = "its unit is not that of the axes that are given beside it".into();
                notes.push(Note { attribute, defect: "other-unit", message, old: Words::Of(slot.cell), new: None, column: slot.column });
                draft.set(attribute, Slot { cell, column: slot.column });
            }
            return;
        }
        if !quiet {
            let new = cell.is_present().then_some(Words::Of(cell));
            notes.push(Note { attribute, defect, message, old: Words::Of(slot.cell), new, column: slot.column });
        }
        if parts.others.is_empty() {
            known.made.truncate(REMEMBERED - 1);
            known.made.insert(0, (slot.cell, cell));
        } else if quiet {
            known.parted = Some((slot.cell, parts));
        }
    }
}
