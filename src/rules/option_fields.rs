//! Where a spec keeps the options of a row: in one object, in numbered pairs of columns that
//! hold the name and the value of an option, in columns for one option each.

use super::row::{Names, View};
use crate::product::attribute::{Attributes, OptionPart, numbered_option};
use crate::product::options::{OptionsDigest, folded_hash, is_empty_object};
use crate::spec::FieldId;

/// The fields that say which variant a row is.
#[derive(Debug, Default)]
pub(crate) struct OptionFields {
    object: Option<FieldId>,
    /// By numbered pair: the field of the name, and that of the value.
    pairs: Vec<(FieldId, FieldId)>,
    /// The other fields, each with the folded hash of its name.
    columns: Vec<(FieldId, u64)>,
}

impl OptionFields {
    /// Sorts the fields of a rule by how they hold options.
    pub(crate) fn of(fields: &[FieldId], names: &Names<'_>) -> Result<Self, String> {
        let numbered = |field: FieldId| numbered_option(Attributes::shared().name(names.spec.get(field).attribute));
        let mut sorted = Self::default();
        for &field in fields {
            let known = names.spec.get(field);
            match numbered(field) {
                _ if known.written.kind == "options" => sorted.object = Some(field),
                Some((number, OptionPart::Name)) => {
                    let value = fields.iter().copied().find(|&other| numbered(other) == Some((number, OptionPart::Value)));
                    sorted.pairs.push((field, value.ok_or_else(|| format!("the value of `{}` is not among the attributes", known.name))?));
                }
                Some((_, OptionPart::Value)) => {}
                None => sorted.columns.push((field, folded_hash(&known.name))),
            }
        }
        Ok(sorted)
    }

    /// What `look` makes of the options of a row; `None` where there is an object that cannot be read.
    pub(crate) fn seen<T>(&self, row: &View<'_>, look: impl FnOnce(&OptionsDigest) -> T) -> Option<T> {
        if let Some(object) = self.object {
            if let Some(options) = &row.facts.options {
                return Some(look(options));
            }
            // An object without a pair says that there are no options, whatever the pairs say.
            let written = row.text(object);
            if !written.is_empty() {
                return is_empty_object(written).then(|| look(&OptionsDigest::default()));
            }
        }
        let mut digest = OptionsDigest::default();
        for &(field, name) in self.columns.iter().filter(|(field, _)| row.is_present(*field)) {
            digest.add(name, name, folded_hash(row.text(field)));
        }
        for &(name, value) in self.pairs.iter().filter(|(name, value)| row.is_present(*name) || row.is_present(*value)) {
            digest.add_pair(row.text(name), row.text(value));
        }
        Some(look(&digest))
    }
}
