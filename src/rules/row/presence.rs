//! `exclusive`, `together`, `at_least`, `any_of`: how many of some fields are filled.

use super::{Names, RowCheck, RowKind, View};
use crate::rules::kinds::FieldSet;
use crate::spec::FieldId;
use crate::spec::model::RuleFile;

pub(crate) const EXCLUSIVE: RowKind = RowKind {
    name: "exclusive",
    doc: "at most one of the attributes may be present",
    reads: &["attributes", "attribute"],
    compile: |rule, names| Counted::compile(rule, names, |present, _, _| present <= 1),
};
pub(crate) const TOGETHER: RowKind = RowKind {
    name: "together",
    doc: "the attributes are all present or all absent",
    reads: &["attributes", "attribute"],
    compile: |rule, names| Counted::compile(rule, names, |present, all, _| present == 0 || present == all),
};
pub(crate) const AT_LEAST: RowKind = RowKind {
    name: "at_least",
    doc: "if any of the attributes is present, at least `count` of them are",
    reads: &["attributes", "attribute", "count"],
    compile: |rule, names| {
        if rule.count.is_none() {
            return Err("`at_least` needs `count`".to_owned());
        }
        Counted::compile(rule, names, |present, _, count| present == 0 || present >= count)
    },
};
pub(crate) const ANY_OF: RowKind = RowKind {
    name: "any_of",
    doc: "at least one of the attributes is present",
    reads: &["attributes", "attribute"],
    compile: |rule, names| Counted::compile(rule, names, |present, _, _| present > 0),
};

type Fits = fn(present: usize, all: usize, count: usize) -> bool;

struct Counted {
    fields: FieldSet,
    all: usize,
    count: usize,
    fits: Fits,
    blamed: FieldId,
}

impl std::fmt::Debug for Counted {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Counted").field("fields", &self.fields).field("count", &self.count).finish_non_exhaustive()
    }
}

impl Counted {
    fn compile(rule: &RuleFile, names: &Names<'_>, fits: Fits) -> Result<Box<dyn RowCheck>, String> {
        let fields = names.fields(&rule.attributes)?;
        let blamed = names.blamed(rule, fields.first().copied())?;
        Ok(Box::new(Self { fields: FieldSet::of(fields.iter().copied()), all: fields.len(), count: rule.count.unwrap_or(0), fits, blamed }))
    }
}

impl RowCheck for Counted {
    fn broken(&self, row: &View<'_>) -> Option<FieldId> {
        (!(self.fits)(row.count_present(self.fields), self.all, self.count)).then_some(self.blamed)
    }
}
