//! The one list of rule kinds: the words spec files may use, what they check, and their
//! documentation. To add a kind, write its file and add its row.

use super::across::{self, AcrossKind};
use super::kinds::{self, Applies, DefectDoc, ValueKind};
use super::row::{self, RowKind};

/// Kinds of value: the words of `type`, and the bounds, in the order they run: cheap first.
pub static VALUE_KINDS: &[&ValueKind] = &[
    &kinds::text::TEXT,
    &kinds::text::ID,
    &kinds::link::URL,
    &kinds::link::URL_LIST,
    &kinds::money::MONEY,
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
    &kinds::text::MAX_LENGTH,
    &kinds::text::PLACEHOLDERS,
    &kinds::text::CONTROLS,
    &kinds::text::PATTERN,
    &kinds::date::FUTURE,
    &kinds::text::ALL_CAPITALS,
    &kinds::text::PLAIN_TEXT,
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
];

/// Kinds of rule over the rows of a group or of the whole feed.
pub static ACROSS_KINDS: &[&AcrossKind] = &[
    &across::unique::UNIQUE,
    &across::unique::UNIQUE_OPTIONS,
    &across::unique::GROUP_ID_DISTINCT,
    &across::group::GROUP_CONSISTENT,
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

/// What is known of a required field that is missing.
pub static MISSING: DefectDoc = DefectDoc {
    name: "missing",
    what: "a required field has no value",
    why: "rows without it do not enter the catalog, whatever else they say",
    fix: "map the column that holds it; where one value fits all items, `--set` gives it",
    bad: |_| Some(String::new()),
};
