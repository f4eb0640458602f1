//! Conditions on fields: the `when` and `then` of rules.

use super::{Names, View};
use crate::rules::kinds::{FieldSet, Parsed, word};
use crate::spec::FieldId;
use crate::spec::model::ConditionFile;
use std::collections::BTreeMap;

/// Conditions, all of which must hold; none always do.
#[derive(Debug, Default)]
pub(crate) struct Conditions {
    /// Fields that must have a value.
    present: FieldSet,
    /// Fields that must have none.
    absent: FieldSet,
    /// What their values must be.
    values: Vec<Condition>,
}

/// What the value of one field must be.
#[derive(Debug)]
enum Condition {
    /// A number or an amount above zero.
    Positive(FieldId),
    /// A number or an amount of zero.
    Zero(FieldId),
    /// One of these values; the empty text means absent.
    OneOf { field: FieldId, values: Vec<String>, or_absent: bool, listed: Listed },
}

/// A bit for each word that the spec lists for a field, by its place.
#[derive(Clone, Copy, Debug)]
struct Listed(u64);

impl Listed {
    fn of(words: &[&str], values: &[String]) -> Self {
        let is_wanted = |word: &&str| values.iter().any(|value| value == word);
        Self(words.iter().take(64).enumerate().fold(0, |bits, (place, word)| bits | u64::from(is_wanted(word)) << place))
    }

    fn has(self, place: u8) -> Option<bool> {
        (place < 64).then(|| self.0 >> place & 1 == 1)
    }
}

impl Condition {
    fn holds(&self, row: &View<'_>) -> bool {
        match self {
            Self::Positive(field) => is_zero(row, *field) == Some(false),
            Self::Zero(field) => is_zero(row, *field) == Some(true),
            Self::OneOf { field, values, or_absent, listed } => {
                if !row.is_present(*field) {
                    return *or_absent;
                }
                let known = match row.facts.parsed(*field) {
                    Some(Parsed::Word(place)) => listed.has(*place),
                    _ => None,
                };
                known.unwrap_or_else(|| {
                    let text = row.text(*field);
                    values.iter().any(|value| value == text)
                })
            }
        }
    }

    /// The field that must have a value for the condition to hold, if one must.
    fn needed(&self) -> Option<FieldId> {
        match self {
            Self::Positive(field) | Self::Zero(field) => Some(*field),
            Self::OneOf { field, or_absent, .. } => (!or_absent).then_some(*field),
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

impl Conditions {
    /// Compiles a table of conditions.
    pub(crate) fn compile(written: &BTreeMap<String, ConditionFile>, names: &Names<'_>) -> Result<Self, String> {
        let mut all = Self::default();
        for (name, condition) in written {
            let field = names.field(name)?;
            match condition {
                ConditionFile::Values(values) => {
                    let listed = Listed::of(&word::listed(&names.spec.get(field).written), values);
                    let or_absent = values.iter().any(String::is_empty);
                    all.values.push(Condition::OneOf { field, values: values.clone(), or_absent, listed });
                }
                ConditionFile::State(word) => match word.as_str() {
                    "present" => all.present.set(field.index(), true),
                    "absent" => all.absent.set(field.index(), true),
                    "positive" => all.values.push(Condition::Positive(field)),
                    "zero" => all.values.push(Condition::Zero(field)),
                    _ => return Err(format!("`{word}` is no condition; known: present, absent, positive, zero, or a list of values")),
                },
            }
        }
        Ok(all)
    }

    /// Whether nothing is asked.
    pub(crate) fn is_empty(&self) -> bool {
        self.values.is_empty() && self.present.or(self.absent) == FieldSet::default()
    }

    /// Whether all conditions hold.
    pub(crate) fn hold(&self, row: &View<'_>) -> bool {
        let present = &row.facts.present;
        present.has_all(self.present) && present.has_none(self.absent) && self.values.iter().all(|condition| condition.holds(row))
    }

    /// The fields without whose values not all conditions can hold.
    pub(crate) fn needed(&self) -> FieldSet {
        self.present.or(FieldSet::of(self.values.iter().filter_map(Condition::needed)))
    }
}
