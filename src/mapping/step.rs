//! A compiled mapping in parts: where values come from, what is skipped, how rows make items.

use super::apply::slot;
use super::expr::Expression;
use super::paths::Paths;
use super::preset::{Day, NoOption};
use super::stock::StockCondition;
use super::transform::Transform;
use crate::cell::{Cell, Slot};
use crate::product::attribute::AttributeId;
use crate::product::money::Currency;
use crate::product::text;
use std::collections::{BTreeMap, HashMap};

/// Where a value comes from.
#[derive(Debug)]
pub(super) enum From {
    Column(u16),
    FirstOf(Vec<u16>),
    Constant(String),
    Template(Box<OverColumns>),
    /// A sum, of which the first column must be filled.
    Sum(Vec<u16>),
    /// A sum of whatever is filled.
    Total(Vec<u16>),
    /// A list of whatever is filled.
    All(Vec<Marked>),
}

/// An expression over columns.
#[derive(Debug)]
pub(super) struct OverColumns {
    pub(super) expression: Expression,
    pub(super) values: Vec<(String, TemplateValue)>,
}

/// What a name in a template stands for.
#[derive(Debug)]
pub(super) enum TemplateValue {
    Column(u16),
    Text(String),
}

/// A table by which values are replaced.
#[derive(Debug)]
pub(super) struct Lookup {
    pub(super) exact: HashMap<String, String>,
    /// Longest first.
    pub(super) prefixes: Vec<(String, String)>,
    pub(super) otherwise: Option<String>,
}

impl Lookup {
    pub(super) fn get(&self, key: &str) -> Option<&String> {
        let listed =
            self.exact.get(key).or_else(|| self.prefixes.iter().find(|(start, _)| key.starts_with(start.as_str())).map(|(_, to)| to));
        listed.or(self.otherwise.as_ref())
    }
}

/// One of several columns that make a list, and the words of another that put it first.
pub(super) type Marked = (u16, Option<(u16, Vec<String>)>);

/// How one attribute is filled.
#[derive(Debug)]
pub struct Step {
    pub(super) attribute: AttributeId,
    pub(super) from: From,
    pub(super) when: Option<OverColumns>,
    pub(super) only_if: Option<(u16, Vec<String>)>,
    pub(super) split: Option<(String, Option<i32>)>,
    pub(super) clean: Vec<&'static Transform>,
    pub(super) lookup: Option<Lookup>,
    pub(super) values: BTreeMap<String, String>,
    pub(super) empty: Vec<String>,
    pub(super) currency: Option<Currency>,
    /// The column that names the currency.
    pub(super) currency_column: Option<u16>,
    pub(super) unit: Option<(AttributeId, String)>,
    pub(super) paths: Option<Paths>,
    pub(super) prefix: Option<String>,
    /// Whether a list becomes one text.
    pub(super) flattens: bool,
    /// What is tried where this step gives nothing.
    pub(super) or: Vec<Step>,
}

impl Step {
    /// Whether the value is a cell as it stands.
    pub(super) fn is_plain(&self) -> bool {
        self.clean.is_empty()
            && self.split.is_none()
            && self.lookup.is_none()
            && self.values.is_empty()
            && self.empty.is_empty()
            && self.currency.is_none()
            && self.currency_column.is_none()
            && self.unit.is_none()
            && self.paths.is_none()
            && self.prefix.is_none()
    }

    /// The column whose cell is taken as it stands, where the step does no more; a list may
    /// still have to become one text.
    pub(super) fn bare(&self) -> Option<u16> {
        match self.from {
            From::Column(column) if self.is_plain() && self.or.is_empty() && self.when.is_none() && self.only_if.is_none() => Some(column),
            _ => None,
        }
    }

    /// The columns the step reads.
    pub fn columns(&self) -> Vec<u16> {
        let mut columns = match &self.from {
            From::Column(column) => vec![*column],
            From::FirstOf(columns) | From::Sum(columns) | From::Total(columns) => columns.clone(),
            From::All(columns) => columns.iter().map(|(column, _)| *column).collect(),
            From::Constant(_) => Vec::new(),
            From::Template(template) => template.columns(),
        };
        columns.extend(self.or.iter().flat_map(Step::columns));
        columns
    }

    /// The attribute it fills.
    pub fn attribute(&self) -> AttributeId {
        self.attribute
    }
}

impl OverColumns {
    fn columns(&self) -> Vec<u16> {
        let column = |value: &TemplateValue| if let TemplateValue::Column(column) = value { Some(*column) } else { None };
        self.values.iter().filter_map(|(_, value)| column(value)).collect()
    }
}

/// A record that is no offer.
#[derive(Debug)]
pub(super) struct SkipPlan {
    pub(super) column: u16,
    pub(super) words: Vec<String>,
    pub(super) blank: bool,
    /// Which days count, as seen from the day of the run.
    pub(super) day: Option<(Day, jiff::civil::Date)>,
    pub(super) unless: Vec<String>,
    pub(super) alone: bool,
    pub(super) reason: u16,
}

/// A column of what is taken off the price.
#[derive(Debug)]
pub(super) struct DiscountPlan {
    pub(super) column: u16,
    pub(super) percent: bool,
    pub(super) only_if: Option<(u16, Vec<String>)>,
}

/// Columns that decide availability.
#[derive(Debug)]
pub(super) struct StockPlan {
    /// By input: the column, and whether the preset names the input at all.
    pub(super) inputs: BTreeMap<String, Option<u16>>,
    pub(super) rules: Vec<(BTreeMap<String, StockCondition>, String, bool)>,
    /// Inputs that a blank cell takes from the product.
    pub(super) inherit: Vec<String>,
}

/// How rows make items, by column.
#[derive(Debug)]
pub(super) enum RowPlan {
    Flat { options: Vec<(OptionFrom, String)>, page: Option<Page> },
    Run(Box<RunPlan>),
    Parents(Box<ParentPlan>),
    Nested(Box<NestedPlan>),
}

/// Where an option of a flat row comes from.
#[derive(Debug)]
pub(super) enum OptionFrom {
    Attribute(AttributeId),
    Column(u16),
}

/// A page below the shop's address.
#[derive(Debug)]
pub(super) struct Page(pub(super) Vec<PagePart>);

#[derive(Debug)]
pub(super) enum PagePart {
    Text(String),
    /// What the product or group is called by.
    Key,
    Column(u16),
}

/// The columns that hold the key of a product.
#[derive(Clone, Copy, Debug)]
pub(super) struct KeyPlan {
    pub(super) column: u16,
    /// The one that counts where the first is blank.
    pub(super) other: Option<u16>,
}

impl KeyPlan {
    /// The key of a row.
    pub(super) fn of(self, buffer: &str, cells: &[Cell]) -> Slot {
        let own = slot(cells, self.column);
        let other = self.other.filter(|_| text::trim(own.text(buffer)).is_empty());
        other.map_or(own, |other| slot(cells, other))
    }

    /// The text of a row's key.
    pub(super) fn text<'a>(self, buffer: &'a str, cells: &[Cell]) -> &'a str {
        text::trim(self.of(buffer, cells).text(buffer))
    }
}

#[derive(Debug)]
pub(super) struct RunPlan {
    pub(super) key: Option<KeyPlan>,
    pub(super) role: Option<u16>,
    pub(super) product: Vec<String>,
    pub(super) variant: Vec<u16>,
    pub(super) variant_words: Vec<String>,
    pub(super) first_lends: bool,
    pub(super) image: Option<u16>,
    pub(super) position: Option<u16>,
    pub(super) main: Option<(u16, Vec<String>)>,
    pub(super) fill: Vec<u16>,
    pub(super) carry: Vec<AttributeId>,
    pub(super) lead: Vec<AttributeId>,
    pub(super) group: Option<u16>,
    pub(super) prefix: String,
    pub(super) page: Option<Page>,
    pub(super) adjust: Option<AdjustPlan>,
}

/// Rows that only change a variant of their product.
#[derive(Debug)]
pub(super) struct AdjustPlan {
    pub(super) role: u16,
    pub(super) words: Vec<String>,
    /// The column of the variant's code.
    pub(super) code: Option<u16>,
    pub(super) price: Option<u16>,
    /// Says that the rows behind it are about no variant that it is about.
    pub(super) stop: Option<(u16, Vec<String>)>,
}

#[derive(Debug)]
pub(super) struct ParentPlan {
    pub(super) role: Option<u16>,
    pub(super) parents: Vec<String>,
    pub(super) children: Vec<String>,
    pub(super) id: Option<u16>,
    pub(super) code: Option<u16>,
    pub(super) parent: Option<u16>,
    pub(super) links: Option<u16>,
    pub(super) link_key: String,
    pub(super) link_names: Option<u16>,
    pub(super) prefix: String,
    pub(super) carry: Vec<AttributeId>,
    pub(super) together: Vec<AttributeId>,
    pub(super) lead: Vec<AttributeId>,
    pub(super) page: Option<Page>,
}

#[derive(Debug)]
pub(super) struct NestedPlan {
    pub(super) group: Option<u16>,
    pub(super) prefix: String,
    pub(super) page: Option<Page>,
}

/// Rows of other languages or stores.
#[derive(Debug)]
pub(super) struct ViewPlan {
    pub(super) key: u16,
    pub(super) view: u16,
    /// The view whose values count, where one was asked for.
    pub(super) wanted: Option<String>,
    /// Whether somebody named it, and it does not only follow from the currency.
    pub(super) is_named: bool,
}

/// Where variant options stand.
#[derive(Debug)]
pub(super) enum OptionPlan {
    Numbered { columns: Vec<(u16, u16)>, none: Option<NoOption>, tidy: Option<regex::Regex> },
    Pairs { list: u16, name: String, value: String, none: Option<NoOption> },
    Packed { column: u16, split: String, entry: regex::Regex },
    Zipped { names: u16, values: u16, separators: Vec<char>, cut: Option<String> },
    Single { value: u16, name: String, none: Option<String> },
}
