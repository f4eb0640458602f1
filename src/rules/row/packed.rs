//! `labels_in`, `not_self`, `no_repeat`: what the parts of packed cells refer to.

use super::{RowCheck, RowKind, View};
use crate::rules::kinds::FieldSet;
use crate::spec::FieldId;

/// The n-th part (from 1) of every entry of a packed cell.
fn parts(text: &str, part: usize) -> impl Iterator<Item = &str> {
    text.split(',').filter_map(move |entry| entry.trim().split(':').nth(part - 1))
}

pub(crate) const LABELS_IN: RowKind = RowKind {
    name: "labels_in",
    doc: "every label in part `part` of the first packed field occurs in the same part of the second",
    reads: &["attributes", "part"],
    compile: |rule, names| {
        let part = rule.part.filter(|part| *part > 0).ok_or("`labels_in` needs `part`, from 1")?;
        Ok(Box::new(LabelsIn { fields: names.two(&rule.attributes)?, part }))
    },
};

#[derive(Debug)]
struct LabelsIn {
    fields: [FieldId; 2],
    part: usize,
}

impl RowCheck for LabelsIn {
    fn broken(&self, row: &View<'_>) -> Option<FieldId> {
        let [first, second] = self.fields;
        if !row.is_present(first) {
            return None;
        }
        let known = |label: &str| parts(row.text(second), self.part).any(|known| known == label);
        (!parts(row.text(first), self.part).all(known)).then_some(first)
    }

    fn needs(&self) -> FieldSet {
        FieldSet::of([self.fields[0]])
    }
}

pub(crate) const NOT_SELF: RowKind = RowKind {
    name: "not_self",
    doc: "no entry of the packed field refers, in its second part, to the row's own id",
    reads: &["attributes"],
    compile: |rule, names| Ok(Box::new(NotSelf { fields: names.two(&rule.attributes)? })),
};

#[derive(Debug)]
struct NotSelf {
    fields: [FieldId; 2],
}

impl RowCheck for NotSelf {
    fn broken(&self, row: &View<'_>) -> Option<FieldId> {
        let [packed, id] = self.fields;
        (row.is_present(packed) && parts(row.text(packed), 2).any(|target| target == row.text(id))).then_some(packed)
    }

    fn needs(&self) -> FieldSet {
        FieldSet::of([self.fields[0]])
    }
}

pub(crate) const NO_REPEAT: RowKind = RowKind {
    name: "no_repeat",
    doc: "no value occurs twice in part `part` of the packed field",
    reads: &["attributes", "part"],
    compile: |rule, names| {
        let part = rule.part.filter(|part| *part > 0).ok_or("`no_repeat` needs `part`, from 1")?;
        let field = names.fields(&rule.attributes)?.first().copied().ok_or("one attribute is needed")?;
        Ok(Box::new(NoRepeat { field, part }))
    },
};

#[derive(Debug)]
struct NoRepeat {
    field: FieldId,
    part: usize,
}

impl RowCheck for NoRepeat {
    fn broken(&self, row: &View<'_>) -> Option<FieldId> {
        if !row.is_present(self.field) {
            return None;
        }
        let mut seen: Vec<&str> = parts(row.text(self.field), self.part).collect();
        let count = seen.len();
        seen.sort_unstable();
        seen.dedup();
        (seen.len() < count).then_some(self.field)
    }

    fn needs(&self) -> FieldSet {
        FieldSet::of([self.field])
    }
}
