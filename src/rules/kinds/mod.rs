//! Kinds of rule for a single value: one file a family, each compiled once from a field of a
//! spec into a check that runs without knowing the field's name.

pub(crate) mod date;
pub(crate) mod entries;
pub(crate) mod gtin;
pub(crate) mod link;
pub(crate) mod measure;
pub(crate) mod money;
pub(crate) mod number;
pub(crate) mod options;
pub(crate) mod policy;
pub(crate) mod records;
pub(crate) mod text;
pub(crate) mod word;

use crate::cell::Shape;
use crate::product::money::Money;
use crate::product::options::OptionsDigest;
use crate::spec::model::FieldFile;
use rust_decimal::Decimal;

/// What a value turned out to be, kept so that no rule parses it a second time.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) enum Parsed {
    /// Nothing, or nothing worth keeping.
    #[default]
    Nothing,
    /// Money.
    Money(Money),
    /// A number.
    Number(Decimal),
}

/// What the checks of one row leave behind for the rules over several fields.
#[derive(Debug, Default)]
pub(crate) struct RowFacts {
    /// By field.
    pub(crate) parsed: Vec<Parsed>,
    /// The options object of the row.
    pub(crate) options: Option<OptionsDigest>,
}

/// A value breaks a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Defect {
    /// The second half of the finding's code.
    pub(crate) name: &'static str,
    /// What is wrong, in one line; values in backticks.
    pub(crate) message: String,
}

impl Defect {
    /// A boxed defect: the rare path.
    pub(crate) fn new(name: &'static str, message: impl Into<String>) -> Box<Self> {
        Box::new(Self { name, message: message.into() })
    }
}

/// A compiled check of one value.
pub(crate) trait ValueCheck: Send + Sync + std::fmt::Debug {
    /// Judges a present value; `field` is where to leave what it turned out to be.
    fn check(&self, value: &str, shape: Shape, field: usize, facts: &mut RowFacts) -> Result<(), Box<Defect>>;
}

/// What a defect means, for people: one row of what `explain` prints.
#[derive(Clone, Copy, Debug)]
pub struct DefectDoc {
    /// The second half of the code.
    pub name: &'static str,
    /// What is wrong.
    pub what: &'static str,
    /// Why it matters.
    pub why: &'static str,
    /// What to do.
    pub fix: &'static str,
    /// A value with this defect, for a given field; `None` where the field cannot show it.
    pub bad: fn(&FieldFile) -> Option<String>,
}

/// When a kind takes part in a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applies {
    /// The field's `type` is this kind's name.
    Type,
    /// The field has the bound of this kind's name.
    Bound,
}

/// A compile function: `Ok(None)` where the field has no such bound.
pub(crate) type Compile = fn(&FieldFile, jiff::civil::Date) -> Result<Option<Box<dyn ValueCheck>>, String>;

/// One kind of value rule.
pub struct ValueKind {
    /// The word used in spec files.
    pub name: &'static str,
    /// When it takes part.
    pub applies: Applies,
    /// Whether breaking it is advice whatever the field says.
    pub advice: fn(&FieldFile) -> bool,
    /// Whether the rule is feedmill's own rather than the target's.
    pub own: bool,
    /// The keys of the field it reads; a key that no kind of the field reads is an error.
    pub reads: &'static [&'static str],
    /// What can be wrong.
    pub defects: &'static [DefectDoc],
    pub(crate) compile: Compile,
}

impl ValueKind {
    /// Whether a field has the bound of this kind.
    pub fn takes_part(&self, field: &FieldFile) -> bool {
        let day = jiff::civil::Date::constant(2026, 1, 1);
        (self.compile)(field, day).is_ok_and(|check| check.is_some())
    }
}

pub(crate) fn never(_: &FieldFile) -> bool {
    false
}
pub(crate) fn always(_: &FieldFile) -> bool {
    true
}

/// What the checks of a row found out; reused from row to row.
#[derive(Debug, Default)]
pub struct RowFactsBox(pub(crate) RowFacts);

impl RowFactsBox {
    pub(crate) fn reset(&mut self, width: usize) {
        self.0.parsed.clear();
        self.0.parsed.resize(width, Parsed::Nothing);
        self.0.options = None;
    }
}
