//! Rows made into items: the assembler hands each kind of row plan its rows, and settles what
//! all of them share: what is skipped, what an item is called, which page it has.

use super::apply::{Draft, slot};
use super::compile::{Mapping, REASON_VIEW, unit_of};
use super::kept::Kept;
use super::preset::Day;
use super::step::{OptionFrom, Page, PagePart, RowPlan, SkipPlan};
use super::survey::{Survey, is_word};
use super::transform::slug;
use super::variant::{IDS, as_single, as_variant, first_image, part_images, write_options};
use crate::catalog::{Batch, RecordHead};
use crate::cell::{Cell, NO_COLUMN, Shape, Slot};
use crate::product::attribute::AttributeId;
use crate::product::{date, text};

/// Takes the items and the skipped records of a batch, in the order of the records.
pub trait Receive {
    /// What the item that follows is made of, for those who ask where its values come from.
    fn rows(&mut self, _buffer: &str, _made: &MadeOf<'_>) {}
    /// An item; `buffer` is what its slots point into.
    fn item(&mut self, buffer: &mut String, draft: &mut Draft);
    /// A record that is no item, with the number of the reason.
    fn skipped(&mut self, head: RecordHead, reason: u16);
    /// A record that holds so many items more than one: each counts as a record.
    fn more(&mut self, records: u64);
}

/// The rows that an item is made of.
#[derive(Clone, Copy, Debug)]
pub struct MadeOf<'a> {
    /// Where its own row stands.
    pub head: RecordHead,
    /// The cells of its own row, widened.
    pub own: &'a [Cell],
    /// The row that lends it what its own leaves open, and its cells.
    pub lender: Option<(Lender<'a>, &'a [Cell])>,
}

/// Where a row stands that lends to others.
#[derive(Clone, Copy, Debug)]
pub enum Lender<'a> {
    /// At hand.
    Row(RecordHead),
    /// Among those that the first pass has kept; to look there takes time.
    Kept(&'a Kept, u64),
    /// Nobody knows.
    Somewhere,
}

impl Lender<'_> {
    /// Where it stands in the source.
    pub fn head(self) -> Option<RecordHead> {
        match self {
            Self::Row(head) => Some(head),
            Self::Kept(kept, place) => kept.head(place),
            Self::Somewhere => None,
        }
    }
}

/// Makes items of batches; reused from batch to batch.
pub struct Assembler<'a> {
    pub(super) with: With<'a>,
    pub(super) product: Draft,
    pub(super) draft: Draft,
}

/// What items are made with.
#[derive(Clone, Copy)]
pub(super) struct With<'a> {
    pub(super) mapping: &'a Mapping,
    pub(super) survey: &'a Survey,
}

impl<'a> Assembler<'a> {
    /// An assembler for one mapping; `survey` is empty where none was needed.
    pub fn new(mapping: &'a Mapping, survey: &'a Survey) -> Self {
        Self { with: With { mapping, survey }, product: Draft::default(), draft: Draft::default() }
    }

    /// Makes the items of a batch.
    pub fn run(&mut self, batch: &mut Batch, to: &mut dyn Receive) {
        self.with.mapping.wide.widen(&self.with.survey.tables, batch, true);
        let Batch { text, cells, heads, width, .. } = batch;
        if let Some(views) = &self.with.mapping.views {
            self.with.survey.overlay(views, text, cells, heads, *width);
        }
        let rows = Table { cells, heads, width: *width };
        match &self.with.mapping.rows {
            RowPlan::Flat { options, page } => {
                for place in 0..rows.heads.len() {
                    self.flat(text, &rows, place, options, page.as_ref(), to);
                }
            }
            RowPlan::Run(plan) => self.runs(text, &rows, plan, to),
            RowPlan::Parents(plan) => {
                for place in 0..rows.heads.len() {
                    self.with_parent(text, &rows, place, plan, to);
                }
            }
            RowPlan::Nested(plan) => {
                for place in 0..rows.heads.len() {
                    self.nested(text, &rows, place, plan, to);
                }
            }
        }
    }

    fn flat(
        &mut self,
        buffer: &mut String,
        rows: &Table<'_>,
        place: usize,
        options: &[(OptionFrom, String)],
        page: Option<&Page>,
        to: &mut dyn Receive,
    ) {
        let with = self.with;
        let cells = rows.row(place);
        let head = rows.heads[place];
        if let Some(reason) = with.skips(buffer, head, cells, None) {
            return to.skipped(head, reason);
        }
        let draft = &mut self.draft;
        draft.reset(head);
        with.mapping.fill(buffer, cells, draft);
        super::stock::stock(with.mapping, buffer, cells, None, draft);
        with.mapping.fill_defaults(buffer, draft);
        part_images(buffer, draft);
        let is_told = [IDS.variant_dict, IDS.listing_has_variations].iter().any(|attribute| draft.get(*attribute).is_present());
        if draft.get(IDS.group_id).is_present() && !is_told {
            with.mapping.options(buffer, cells, cells, &mut draft.options);
            for (from, name) in options {
                let value = match from {
                    OptionFrom::Attribute(attribute) => draft.get(*attribute),
                    OptionFrom::Column(column) => slot(cells, *column),
                };
                let is_named = draft.options.iter().any(|(known, _)| known.text(buffer).eq_ignore_ascii_case(name));
                if value.is_present() && !is_named {
                    let name = Cell::store(buffer, name, Shape::Text);
                    draft.options.push((Slot { cell: name, column: NO_COLUMN }, value));
                }
            }
            write_options(buffer, draft);
        }
        if let Some(page) = page {
            with.page(buffer, page, cells, cells, Slot::EMPTY, draft);
        }
        with.select(buffer, draft);
        to.rows(buffer, &MadeOf { head, own: cells, lender: None });
        to.item(buffer, draft);
    }
}

impl With<'_> {
    /// Ends an item: a variant where it has a group, its main image, what stands for missing values.
    pub(super) fn finish(&self, buffer: &mut String, draft: &mut Draft, group: Option<Slot>, made: &MadeOf<'_>, to: &mut dyn Receive) {
        match group {
            Some(group) => {
                draft.set(IDS.group_id, group);
                as_variant(buffer, draft);
            }
            None => as_single(buffer, draft),
        }
        first_image(buffer, draft);
        self.mapping.fill_defaults(buffer, draft);
        to.rows(buffer, made);
        to.item(buffer, draft);
    }

    /// The reason why a record is no offer, if it is none; a blank cell says what the parent's says.
    pub(super) fn skips(&self, buffer: &str, head: RecordHead, cells: &[Cell], parent: Option<&[Cell]>) -> Option<u16> {
        if self.mapping.views.is_some() && self.survey.is_view(head.number) {
            return Some(REASON_VIEW);
        }
        let says = |cells: &[Cell], skip: &SkipPlan| {
            let value = text::trim(slot(cells, skip.column).text(buffer));
            if value.is_empty() {
                // A row that is not at hand leaves nothing blank.
                return skip.blank && !cells.is_empty();
            }
            is_word(value, &skip.words) || !skip.unless.is_empty() && !is_word(value, &skip.unless) || skip.is_day(value)
        };
        let skip = self.mapping.skip.iter().filter(|skip| !(skip.alone && parent.is_some())).find(|skip| match parent {
            // What the row leaves blank, its parent says.
            Some(parent) if slot(cells, skip.column).text(buffer).is_empty() => says(parent, skip),
            Some(parent) => says(cells, skip) || !(skip.words.is_empty() && skip.day.is_none()) && says(parent, skip),
            None => says(cells, skip),
        });
        skip.map(|skip| skip.reason)
    }

    /// The item's own id, where it has one that no other row has.
    pub(super) fn has_own_id(&self, buffer: &str, own: Slot) -> bool {
        let value = text::trim(own.text(buffer)).trim_start_matches('\'');
        !value.is_empty() && !self.survey.is_repeated(own.text(buffer))
    }

    /// Gives the item an id: its own where no other row has the same, else one made of the
    /// product's key and the options.
    pub(super) fn id(&self, buffer: &mut String, draft: &mut Draft, base: &str) {
        if self.has_own_id(buffer, draft.get(IDS.item_id)) {
            return;
        }
        let values: Vec<String> = draft.options.iter().map(|(_, value)| slug(value.text(buffer))).collect();
        let id = if values.is_empty() { base.to_owned() } else { format!("{base}-{}", values.join("-")) };
        draft.write(buffer, IDS.item_id, &id);
    }

    /// Makes the page of a product that of the variant, where the platform says how.
    pub(super) fn select(&self, buffer: &mut String, draft: &mut Draft) {
        let (page, id) = (draft.get(IDS.url), draft.get(IDS.item_id));
        let Some(query) = self.mapping.variant_query.as_ref().filter(|_| page.is_present() && id.is_present()) else { return };
        let (address, id) = (text::trim(page.text(buffer)), text::trim(id.text(buffer)));
        if draft.get(IDS.group_id).is_present() && !address.contains(&format!("{query}=")) {
            let joint = if address.contains('?') { '&' } else { '?' };
            let selected = format!("{address}{joint}{query}={id}");
            draft.write(buffer, IDS.url, &selected);
        }
    }

    /// Gives the item its page below the shop's address: what the product's row says, else its own.
    pub(super) fn page(&self, buffer: &mut String, page: &Page, cells: &[Cell], carrier: &[Cell], key: Slot, draft: &mut Draft) {
        let Some(base) = self.mapping.base_url.as_ref().filter(|_| !draft.get(IDS.url).is_present()) else { return };
        let base = base.as_str().trim_end_matches('/');
        let mut url = String::with_capacity(base.len() + 128);
        url.extend([base, "/"]);
        let mut column = key.column;
        for part in &page.0 {
            let value = match part {
                PagePart::Text(text) => {
                    url.push_str(text);
                    continue;
                }
                PagePart::Key => key,
                PagePart::Column(column) => {
                    let carried = slot(carrier, *column);
                    if carried.is_present() { carried } else { slot(cells, *column) }
                }
            };
            let text = text::trim(value.text(buffer)).trim_start_matches('/');
            // Without one of its parts the page is not known.
            if text.is_empty() {
                return;
            }
            column = if column == NO_COLUMN { value.column } else { column };
            url.push_str(text);
        }
        draft.set(IDS.url, Slot::store(buffer, &url, column));
    }
}

impl SkipPlan {
    /// Whether a value is a day that counts. One that cannot be read says nothing.
    fn is_day(&self, value: &str) -> bool {
        self.day.is_some_and(|(which, today)| {
            let day = date::parse(value).or_else(|defect| date::repair(value).map_or(Err(defect), |repaired| date::parse(&repaired)));
            day.is_ok_and(|day| (day > today) == (which == Day::Ahead))
        })
    }
}

/// The rows of a batch.
pub(super) struct Table<'a> {
    cells: &'a [Cell],
    pub(super) heads: &'a [RecordHead],
    width: usize,
}

impl<'a> Table<'a> {
    pub(super) fn row(&self, place: usize) -> &'a [Cell] {
        self.cells.get(place * self.width..(place + 1) * self.width).unwrap_or_default()
    }
}

/// Takes over what the product says: where the variant says nothing, and always for what the
/// product has the say in.
pub(super) fn inherit(draft: &mut Draft, from: &Draft, carry: &[AttributeId], together: &[AttributeId], lead: &[AttributeId]) {
    let take = |draft: &mut Draft, attribute: AttributeId| {
        draft.set(attribute, from.get(attribute));
        // A number means nothing without the unit it came with.
        if let Some(unit) = unit_of(attribute).filter(|_| from.get(attribute).is_present()) {
            draft.set(unit, from.get(unit));
        }
    };
    for &attribute in lead.iter().filter(|attribute| from.get(**attribute).is_present()) {
        take(draft, attribute);
    }
    let has_own = together.iter().any(|attribute| draft.get(*attribute).is_present());
    for &attribute in carry.iter().chain(together.iter().filter(|_| !has_own)) {
        if !draft.get(attribute).is_present() {
            take(draft, attribute);
        }
    }
    for (own, carried) in draft.only_for.iter_mut().zip(&from.only_for) {
        if !own.is_present() {
            *own = *carried;
        }
    }
}
