//! `agrees_with_options`: a field and the variant option of its name say the same.

use super::{RowCheck, RowKind, View};
use crate::product::options::folded_hash;
use crate::rules::kinds::FieldSet;
use crate::rules::option_fields::OptionFields;
use crate::spec::FieldId;

pub(crate) const AGREES_WITH_OPTIONS: RowKind = RowKind {
    name: "agrees_with_options",
    doc: "where the options (an object, and the other attributes) name the first attribute, both have the same value, case aside",
    reads: &["attributes", "options"],
    compile: |rule, names| {
        let fields = names.fields(&rule.attributes)?;
        let (&field, pairs) = fields.split_first().ok_or("an attribute is needed")?;
        let object = rule.options.as_deref().ok_or("`agrees_with_options` needs `options`")?;
        let options: Vec<FieldId> = std::iter::once(names.field(object)?).chain(pairs.iter().copied()).collect();
        let name = &names.spec.get(field).name;
        Ok(Box::new(Agrees {
            field,
            options: OptionFields::of(&options, names)?,
            any: FieldSet::of(options),
            name: folded_hash(name),
            spaced: folded_hash(&name.replace('_', " ")),
        }))
    },
};

#[derive(Debug)]
struct Agrees {
    field: FieldId,
    options: OptionFields,
    /// All fields that may hold options.
    any: FieldSet,
    name: u64,
    spaced: u64,
}

impl RowCheck for Agrees {
    fn broken(&self, row: &View<'_>) -> Option<FieldId> {
        if !row.is_present(self.field) || row.count_present(self.any) == 0 {
            return None;
        }
        let value = self.options.seen(row, |options| options.value_of(self.name).or_else(|| options.value_of(self.spaced)))??;
        (value != folded_hash(row.text(self.field))).then_some(self.field)
    }

    fn needs(&self) -> FieldSet {
        FieldSet::of([self.field])
    }
}
