//! How an item came by a value: the step of the mapping run once more over the rows it was made
//! of, each thing that is done told of; and in words what is no matter of a single step.

use super::compile::Mapping;
use super::rows::{Lender, MadeOf};
use super::step::{From, RowPlan, Step};
use super::variant::IDS;
use crate::catalog::RecordHead;
use crate::cell::{Cell, Slot};
use crate::product::attribute::AttributeId;
use crate::product::text;

/// A cell that a value comes from.
#[derive(Clone, Debug)]
pub struct Origin {
    /// Its column, from 0.
    pub column: u16,
    /// What stands there.
    pub raw: String,
    /// The row that lent it; `None` where it is the item's own.
    pub lender: Option<RecordHead>,
}

/// Something that was done, and the value then.
#[derive(Clone, Debug)]
pub struct Did {
    /// What, in words.
    pub what: String,
    /// The value then; empty where there is none any more.
    pub value: String,
}

/// How a value came to be.
#[derive(Clone, Debug, Default)]
pub struct Told {
    /// The cells that it comes from.
    pub origins: Vec<Origin>,
    /// What was done.
    pub did: Vec<Did>,
}

impl Mapping {
    /// How an attribute came by its value, which is `mapped`; `buffer` is a copy to write behind.
    pub fn told(&self, attribute: AttributeId, mapped: Slot, buffer: &mut String, made: &MadeOf<'_>) -> Told {
        let mapped_text = mapped.text(buffer).to_owned();
        let step = self.steps.iter().find(|step| step.attribute == attribute);
        let mut own = step.map(|step| step.trace(buffer, made.own, None)).unwrap_or_default();
        let lent = made.lender.and_then(|(lender, cells)| {
            let told = step?.trace(buffer, cells, Some(lender));
            (told.value == mapped_text && !told.told.origins.is_empty()).then_some(told)
        });
        let fits = |traced: &Traced| traced.value == mapped_text;
        if !fits(&own) || own.told.origins.is_empty() && mapped.is_present() {
            own = lent.unwrap_or(own);
        }
        let is_whole = fits(&own);
        let mut told = own.told;
        if !is_whole || told.origins.is_empty() && told.did.is_empty() {
            if let Some(stock) = self.decides_stock(attribute).filter(|_| mapped.is_present()) {
                told = Told { origins: cells_of(&stock, buffer, made, ""), did: Vec::new() };
            } else if told.origins.is_empty() || mapped.is_present() {
                told = Told { origins: cells_of(mapped_column(mapped).as_slice(), buffer, made, &mapped_text), did: Vec::new() };
            }
            if mapped.is_present() {
                told.did.push(Did { what: self.made_by(attribute, mapped.column, &mapped_text, made), value: mapped_text });
            }
        }
        told
    }

    /// The columns by which a stock table decides about an attribute.
    fn decides_stock(&self, attribute: AttributeId) -> Option<Vec<u16>> {
        let is_of_stock = [IDS.availability, IDS.inventory_quantity, IDS.inventory_not_tracked].contains(&attribute);
        let plan = self.stock.as_ref().filter(|_| is_of_stock)?;
        Some(plan.inputs.values().flatten().copied().collect())
    }

    /// What makes a value that no single step does, in words.
    fn made_by(&self, attribute: AttributeId, column: u16, value: &str, made: &MadeOf<'_>) -> String {
        let ids = &*IDS;
        let words = if self.defaults.iter().any(|(known, default)| *known == attribute && default == value) {
            "the default of the settings"
        } else if self.decides_stock(attribute).is_some() {
            "follows from the platform's stock columns"
        } else if attribute == ids.item_id {
            "made of what the product is called and of its options: the row has no id that no other has"
        } else if attribute == ids.title {
            "the product's title, with the options it does not name"
        } else if attribute == ids.url {
            "the page that the platform has for it"
        } else if attribute == ids.group_id {
            "what the product is called by"
        } else if attribute == ids.item_group_title {
            "the product's title"
        } else if attribute == ids.variant_dict || attribute == ids.listing_has_variations {
            "made of the item's options"
        } else if attribute == ids.image_url || attribute == ids.additional_image_urls {
            "from the images of the product, in their order"
        } else if attribute == ids.sale_price && !self.discounts.is_empty() {
            "the price without what is taken off"
        } else if self.column_use(column) == Some("(variant option)") {
            "the item's option of that name"
        } else if self.steps.iter().flat_map(|step| &step.unit).any(|(unit, word)| *unit == attribute && word == value) {
            "the unit that the numbers are in"
        } else if made.lender.is_some() || !matches!(self.rows, RowPlan::Flat { .. }) {
            "from the rows of the product"
        } else {
            "from the other values of the row"
        };
        words.to_owned()
    }
}

fn mapped_column(mapped: Slot) -> Vec<u16> {
    if mapped.column == crate::cell::NO_COLUMN { Vec::new() } else { vec![mapped.column] }
}

/// What stands in some columns, in the item's own row, else in the one that lends to it; where both say
/// something, in those whose words are part of the value.
fn cells_of(columns: &[u16], buffer: &str, made: &MadeOf<'_>, value: &str) -> Vec<Origin> {
    let text_of = |cells: &[Cell], column: u16| cells.get(usize::from(column)).map_or("", |cell| cell.text(buffer)).to_owned();
    let cells = |column: &u16| -> Vec<Origin> {
        let own = Some(text_of(made.own, *column)).filter(|own| !text::trim(own).is_empty());
        let own = own.map(|raw| Origin { column: *column, raw, lender: None });
        let lent = made.lender.map(|(lender, cells)| Origin { column: *column, raw: text_of(cells, *column), lender: lender.head() });
        let lent = lent.filter(|lent| !text::trim(&lent.raw).is_empty() && own.as_ref().is_none_or(|own| own.raw != lent.raw));
        let is_part = |origin: &Origin| value.contains(text::trim(&origin.raw));
        if lent.as_ref().is_some_and(is_part) {
            return lent.into_iter().chain(own.filter(is_part)).collect();
        }
        own.or(lent).into_iter().collect()
    };
    columns.iter().flat_map(cells).collect()
}

/// A step that was run once more.
#[derive(Debug, Default)]
struct Traced {
    told: Told,
    value: String,
}

impl Step {
    fn trace(&self, buffer: &mut String, cells: &[Cell], lender: Option<Lender<'_>>) -> Traced {
        let mut traced = self.trace_one(buffer, cells, lender);
        for other in &self.or {
            if !traced.value.is_empty() {
                break;
            }
            let next = other.trace_one(buffer, cells, lender);
            if !next.value.is_empty() {
                traced = next;
            }
        }
        traced
    }

    fn trace_one(&self, buffer: &mut String, cells: &[Cell], lender: Option<Lender<'_>>) -> Traced {
        let mut did = Vec::new();
        let slot = self.told(buffer, cells, &mut |what, with, value| {
            let what = if with.is_empty() { what.to_owned() } else { format!("{what} `{with}`") };
            did.push(Did { what, value: value.to_owned() });
        });
        let value = slot.text(buffer).to_owned();
        let made = |words: &str| Did { what: words.to_owned(), value: value.clone() };
        let columns = match &self.from {
            From::Column(column) => vec![*column],
            From::FirstOf(columns) if slot.is_present() => columns.iter().copied().filter(|column| *column == slot.column).collect(),
            From::FirstOf(_) => Vec::new(),
            // Without a value nothing was done to make one.
            _ if !slot.is_present() => self.columns(),
            From::Constant(_) => {
                let says = self.only_if.as_ref().map(|(column, _)| *column);
                did.insert(0, made(if says.is_some() { "what that says, put as a flag" } else { "the same for all items" }));
                says.into_iter().collect()
            }
            From::Template(_) => {
                did.insert(0, made("template"));
                self.columns()
            }
            From::Sum(columns) | From::Total(columns) => {
                did.insert(0, made("sum"));
                columns.clone()
            }
            From::All(columns) => {
                did.insert(0, made("all that are filled"));
                columns.iter().map(|(column, _)| *column).collect()
            }
        };
        let cell = |column: u16| {
            let raw = cells.get(usize::from(column)).map_or("", |cell| cell.text(buffer)).to_owned();
            (!text::trim(&raw).is_empty()).then(|| Origin { column, raw, lender: lender.and_then(Lender::head) })
        };
        let origins = columns.into_iter().filter_map(cell).collect();
        Traced { told: Told { origins, did }, value }
    }
}
