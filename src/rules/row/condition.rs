//! Conditions on fields: the `when` and `then` of rules.

use super::{Names, View};
use crate::rules::kinds::Parsed;
use crate::spec::FieldId;
use crate::spec::model::ConditionFile;
use std::collections::BTreeMap;

/// A condition on one field.
#[derive(Debug)]
pub(crate) enum Condition {
    Present(FieldId),
    Absent(FieldId),
    Positive(FieldId),
    Zero(FieldId),
    /// One of these values; the empty text means absent.
    OneOf(FieldId, Vec<String>),
}

impl Condition {
    /// Whether the condition holds.
    pub(crate) fn holds(&self, row: &View<'_>) -> bool {
        match self {
            Self::Present(field) => row.is_present(*field),
            Self::Absent(field) => !row.is_present(*field),
            Self::Positive(field) => is_zero(row, *field) == Some(false),
            Self::Zero(field) => is_zero(row, *field) == Some(true),
            Self::OneOf(field, values) => {
                let text = row.text(*field);
                values.iter().any(|value| value == text)
            }
        }
    }
}

/// Whether the number or amount of a field is zero; nothing where it is none.
fn is_zero(row: &View<'_>, field: FieldId) -> Option<bool> {
    match row.facts.parsed(field) {
        Some(Parsed::Number(number)) => Some(number.is_zero()),
        Some(Parsed::Money(money)) => Some(!money.is_positive()),
        _ => None,
    }
}

impl Condition {
    /// The field that must have a value for the condition to hold, if one must.
    fn needed(&self) -> Option<FieldId> {
        match self {
            Self::Present(field) | Self::Positive(field) | Self::Zero(field) => Some(*field),
            Self::OneOf(field, values) => values.iter().all(|value| !value.is_empty()).then_some(*field),
            Self::Absent(_) => None,
        }
    }
}

/// The fields that must have values for all conditions to hold.
pub(crate) fn needed(conditions: &[Condition]) -> impl Iterator<Item = FieldId> {
    conditions.iter().filter_map(Condition::needed)
}

/// Compiles a table of conditions, all of which must hold.
pub(crate) fn compile(written: &BTreeMap<String, ConditionFile>, names: &Names<'_>) -> Result<Vec<Condition>, String> {
    written
        .iter()
        .map(|(name, condition)| {
            let field = names.field(name)?;
            Ok(match condition {
                ConditionFile::Values(values) => Condition::OneOf(field, values.clone()),
                ConditionFile::State(word) => match word.as_str() {
                    "present" => Condition::Present(field),
                    "absent" => Condition::Absent(field),
                    "positive" => Condition::Positive(field),
                    "zero" => Condition::Zero(field),
                    _ => return Err(format!("`{word}` is no condition; known: present, absent, positive, zero, or a list of values")),
                },
            })
        })
        .collect()
}

/// Whether all conditions hold; an empty list always does.
pub(crate) fn all(conditions: &[Condition], row: &View<'_>) -> bool {
    conditions.iter().all(|condition| condition.holds(row))
}
