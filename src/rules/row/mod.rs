//! Kinds of rule over the fields of one row: conditions, presence, comparisons.

pub(crate) mod compare;
pub(crate) mod condition;
pub(crate) mod logic;
pub(crate) mod options;
pub(crate) mod packed;
pub(crate) mod presence;

use super::kinds::{FieldSet, Parsed, RowFacts};
use crate::cell::Slot;
use crate::product::money::Money;
use crate::product::text_distance::nearest;
use crate::spec::model::RuleFile;
use crate::spec::{FieldId, Spec};

/// A row as rules see it: its values, and what the checks of single values found out.
#[derive(Clone, Copy)]
pub(crate) struct View<'a> {
    /// The buffer the slots point into.
    pub(crate) buffer: &'a str,
    /// By field.
    pub(crate) slots: &'a [Slot],
    /// What the values turned out to be.
    pub(crate) facts: &'a RowFacts,
}

impl<'a> View<'a> {
    /// The text of a field; empty where it is absent.
    pub(crate) fn text(&self, field: FieldId) -> &'a str {
        self.slots.get(field.index()).map_or("", |slot| slot.text(self.buffer))
    }

    /// How many of some fields have a value.
    pub(crate) fn count_present(&self, fields: FieldSet) -> usize {
        self.facts.present.count_of(fields)
    }

    /// Whether a field has a value.
    pub(crate) fn is_present(&self, field: FieldId) -> bool {
        self.facts.present.has(field)
    }

    /// The money of a field, if it is sound.
    pub(crate) fn money(&self, field: FieldId) -> Option<&'a Money> {
        match self.facts.parsed(field) {
            Some(Parsed::Money(money)) => Some(money),
            _ => None,
        }
    }
}

/// A compiled rule over one row.
pub(crate) trait RowCheck: Send + Sync + std::fmt::Debug {
    /// The field to blame where the row breaks the rule.
    fn broken(&self, row: &View<'_>) -> Option<FieldId>;

    /// Fields without which no row can break the rule, so that most rows need not be asked.
    fn needs(&self) -> FieldSet {
        FieldSet::default()
    }
}

/// A compile function for one kind.
pub(crate) type Compile = fn(&RuleFile, &Names<'_>) -> Result<Box<dyn RowCheck>, String>;

/// One kind of row rule.
pub struct RowKind {
    /// The word used in spec files.
    pub name: &'static str,
    /// What it checks.
    pub doc: &'static str,
    /// The keys of the rule it reads; any other key of the kind's own is an error.
    pub reads: &'static [&'static str],
    pub(crate) compile: Compile,
}

/// Turns field names of a rule into fields.
pub(crate) struct Names<'a> {
    pub(crate) spec: &'a Spec,
}

impl Names<'_> {
    /// The field of a name.
    pub(crate) fn field(&self, name: &str) -> Result<FieldId, String> {
        self.spec.field(name).ok_or_else(|| {
            let near = nearest(name, self.spec.column_names()).map(|near| format!("; did you mean `{near}`?"));
            format!("no field is called `{name}`{}", near.unwrap_or_default())
        })
    }

    /// The fields of a list of names.
    pub(crate) fn fields(&self, names: &[String]) -> Result<Vec<FieldId>, String> {
        names.iter().map(|name| self.field(name)).collect()
    }

    /// Exactly two fields.
    pub(crate) fn two(&self, names: &[String]) -> Result<[FieldId; 2], String> {
        self.fields(names)?.try_into().map_err(|_| "two attributes are needed".to_owned())
    }

    /// The field a finding names: the rule's `attribute`, else the first.
    pub(crate) fn blamed(&self, rule: &RuleFile, first: Option<FieldId>) -> Result<FieldId, String> {
        match &rule.attribute {
            Some(name) => self.field(name),
            None => first.ok_or_else(|| "no attribute is named".to_owned()),
        }
    }
}
