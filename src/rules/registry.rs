//! The one list of rule kinds: the words spec files may use, what they check, and their
//! documentation. To add a kind, write its file and add its row.

use super::across::{self, AcrossKind};
use super::kinds::{self, Applies, DefectDoc, ValueKind};
use super::row::{self, RowKind};
use crate::spec::model::{FieldFile, Requirement};
use crate::spec::terms::{Certainty, Consequence, with_dispute};

/// Kinds of value: the words of `type`, and the bounds, in the order they run: cheap first.
pub static VALUE_KINDS: &[&ValueKind] = &[
    &kinds::text::TEXT,
    &kinds::text::ID,
    &kinds::link::URL,
    &kinds::link::URL_LIST,
    &kinds::money::MONEY,
    &kinds::money::CURRENCY,
    &kinds::number::BOOLEAN,
    &kinds::number::INTEGER,
    &kinds::number::DECIMAL,
    &kinds::word::ONE_OF,
    &kinds::word::COUNTRY,
    &kinds::word::LIST,
    &kinds::word::CATEGORY,
    &kinds::word::TAXONOMY,
    &kinds::gtin::GTIN,
    &kinds::date::DATE,
    &kinds::date::DATE_RANGE,
    &kinds::measure::MEASURE,
    &kinds::measure::DIMENSIONS,
    &kinds::measure::DIMENSIONS_TEXT,
    &kinds::options::OPTIONS,
    &kinds::entries::ENTRIES,
    &kinds::records::RECORDS,
    &kinds::text::MAX_LENGTH,
    &kinds::text::PLACEHOLDERS,
    &kinds::text::CONTROLS,
    &kinds::text::PATTERN,
    &kinds::date::ZONED,
    &kinds::date::TIMES,
    &kinds::date::FUTURE,
    &kinds::text::ALL_CAPITALS,
    &kinds::text::PLAIN_TEXT,
    &kinds::policy::POLICY_WORDS,
];

/// Kinds of rule over the fields of one row.
pub static ROW_KINDS: &[&RowKind] = &[
    &row::logic::IMPLIES,
    &row::logic::REQUIRES,
    &row::logic::FORBIDS,
    &row::presence::EXCLUSIVE,
    &row::presence::TOGETHER,
    &row::presence::AT_LEAST,
    &row::presence::ANY_OF,
    &row::compare::LESS_THAN,
    &row::compare::SAME_CURRENCY,
    &row::compare::DIFFERS,
    &row::compare::ORDERED_RANGE,
    &row::compare::SAME_UNIT,
    &row::options::AGREES_WITH_OPTIONS,
    &row::packed::LABELS_IN,
    &row::packed::NOT_SELF,
    &row::packed::NO_REPEAT,
    &row::compare::NAMES_NO_AMOUNT,
];

/// Kinds of rule over the rows of a group or of the whole feed.
pub static ACROSS_KINDS: &[&AcrossKind] = &[
    &across::unique::UNIQUE,
    &across::unique::UNIQUE_OPTIONS,
    &across::unique::GROUP_ID_DISTINCT,
    &across::group::GROUP_CONSISTENT,
    &across::group::GROUP_DIFFERS,
    &across::group::GROUP_OPTION_NAMES,
    &across::group::GROUP_SAME_FILLED,
    &across::group::GROUP_SINGLE,
];

/// The kind a field's `type` names.
pub fn type_kind(name: &str) -> Option<&'static ValueKind> {
    VALUE_KINDS.iter().copied().find(|kind| kind.applies == Applies::Type && kind.name == name)
}

/// The bounds, which take part where a field has them.
pub fn bounds() -> impl Iterator<Item = &'static ValueKind> {
    VALUE_KINDS.iter().copied().filter(|kind| kind.applies == Applies::Bound)
}

/// The keys of a field that are read whatever its type is: by the loader, the projection, the
/// renderers, the mapping of names, and the commands that show a spec.
pub static FIELD_KEYS: &[&str] = &[
    "attribute",
    "group",
    "requirement",
    "condition",
    "type",
    "aliases",
    "alias_wins",
    "default",
    "when_absent",
    "only_judged",
    "write",
    "consequence_missing",
    "consequence_invalid",
    "certainty",
    "defects",
    "setup_required",
    "deprecated",
    "example",
    "more_examples",
    "notes",
];

/// The keys of a rule that are read whatever its kind is.
pub static RULE_KEYS: &[&str] = &["code", "kind", "consequence", "certainty", "dispute", "covers", "refuse", "what", "why", "fix"];

/// What a target does about one defect of a field.
#[derive(Clone, Copy, Debug)]
pub struct Outcome<'a> {
    /// The defect.
    pub doc: &'static DefectDoc,
    /// What the target does.
    pub consequence: Consequence,
    /// How well that is known.
    pub certainty: Certainty,
    /// Who says what, where sources disagree.
    pub dispute: Option<&'a str>,
}

impl<'a> Outcome<'a> {
    fn new(field: &'a FieldFile, doc: &'static DefectDoc, consequence: Consequence, certainty: Certainty) -> Self {
        let known = field.defects.get(doc.name);
        Self {
            doc,
            consequence: known.and_then(|known| known.consequence).unwrap_or(consequence),
            certainty: known.and_then(|known| known.certainty).unwrap_or(certainty),
            dispute: known.and_then(|known| known.dispute.as_deref()),
        }
    }

    /// The outcomes of the defects that a kind finds in a field.
    pub fn of(kind: &'static ValueKind, field: &'a FieldFile) -> impl Iterator<Item = Self> {
        let consequence = if (kind.advice)(field) { Consequence::Advice } else { field.consequence_invalid };
        let certainty = if kind.own { Certainty::Own } else { field.certainty };
        kind.defects.iter().map(move |doc| Self::new(field, doc, consequence, certainty))
    }

    /// The outcome where the field has no value; `None` where it may be left out.
    pub fn of_missing(field: &'a FieldFile) -> Option<Self> {
        let (doc, consequence) = if field.requirement == Requirement::Required {
            (&MISSING, field.consequence_missing.unwrap_or(Consequence::Unspecified))
        } else {
            (&NOT_GIVEN, field.consequence_missing?)
        };
        Some(Self::new(field, doc, consequence, field.certainty))
    }

    /// The outcomes of everything that can be wrong with a value of the field.
    pub fn all(field: &'a FieldFile) -> impl Iterator<Item = Self> {
        let kinds = type_kind(&field.kind).into_iter().chain(bounds().filter(|kind| kind.takes_part(field)));
        kinds.flat_map(|kind| Self::of(kind, field)).chain(Self::of_missing(field))
    }

    /// Why it matters, and what the sources say where they disagree.
    pub fn why(&self) -> String {
        with_dispute(self.doc.why, self.dispute)
    }
}

/// What is known of a field that the target asks for without refusing the row.
static NOT_GIVEN: DefectDoc = DefectDoc {
    name: "missing",
    what: "a field the target asks for has no value",
    why: "the documents ask for it on every row of such a feed; what the item loses without it stands with the field",
    fix: "map the column that holds it; where one value fits all items, `--set` gives it",
    bad: |_| Some(String::new()),
};

/// What is known of a required field that is missing.
pub(super) static MISSING: DefectDoc = DefectDoc {
    name: "missing",
    what: "a required field has no value",
    why: "rows without it do not enter the catalog, whatever else they say",
    fix: "map the column that holds it; where one value fits all items, `--set` gives it",
    bad: |_| Some(String::new()),
};
