//! `agrees_with_options`: a field and the variant option of its name say the same.

use super::{RowCheck, RowKind, View};
use crate::product::options::{OptionsDigest, folded_hash};
use crate::rules::kinds::FieldSet;
use crate::spec::FieldId;

pub(crate) const AGREES_WITH_OPTIONS: RowKind = RowKind {
    name: "agrees_with_options",
    doc: "where the options name the attribute, both have the same value, case aside",
    reads: &["attributes", "options"],
    compile: |rule, names| {
        let field = names.fields(&rule.attributes)?.first().copied().ok_or("one attribute is needed")?;
        let options = rule.options.as_deref().ok_or("`agrees_with_options` needs `options`")?;
        let options = names.field(options)?;
        let name = &names.spec.get(field).name;
        Ok(Box::new(Agrees { field, options, name: folded_hash(name), spaced: folded_hash(&name.replace('_', " ")) }))
    },
};

#[derive(Debug)]
struct Agrees {
    field: FieldId,
    options: FieldId,
    name: u64,
    spaced: u64,
}

impl RowCheck for Agrees {
    fn broken(&self, row: &View<'_>) -> Option<FieldId> {
        let options: &OptionsDigest = row.facts.options.as_ref()?;
        if !row.is_present(self.field) {
            return None;
        }
        let value = options.value_of(self.name).or_else(|| options.value_of(self.spaced))?;
        (value != folded_hash(row.text(self.field))).then_some(self.field)
    }

    fn needs(&self) -> FieldSet {
        FieldSet::of([self.field, self.options])
    }
}
