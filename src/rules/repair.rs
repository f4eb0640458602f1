//! What a build repairs of several fields, where a rule over the fields of a row is broken.

use super::kinds::FieldSet;
use super::{Facts, RowRule, RuleTable};
use crate::cell::{Cell, Shape, Slot};
use crate::spec::FieldId;

/// What a build changes of a row that breaks a rule.
#[derive(Debug, Default)]
pub(super) struct Repair {
    pub(super) omit: Vec<FieldId>,
    pub(super) set: Vec<(FieldId, String)>,
    pub(super) fold_sale: bool,
    pub(super) fold: Option<(FieldId, FieldId)>,
}

impl Repair {
    /// Whether there is anything to change.
    pub(super) fn is_any(&self) -> bool {
        self.fold_sale || self.fold.is_some() || !self.omit.is_empty() || !self.set.is_empty()
    }
}

impl RuleTable {
    /// Repairs what breaks a rule; returns the fields that have other values now.
    pub(super) fn repair(&self, rule: &RowRule, buffer: &mut String, slots: &mut [Slot], facts: &mut Facts) -> FieldSet {
        let mut repaired = FieldSet::of(rule.repair.omit.iter().copied().chain(rule.repair.set.iter().map(|(field, _)| *field)));
        for &field in &rule.repair.omit {
            slots[field.index()] = Slot::EMPTY;
            facts.forget(field.index());
            facts.row.present.set(field.index(), false);
        }
        for (field, value) in &rule.repair.set {
            slots[field.index()].cell = Cell::store(buffer, value, Shape::Text);
            facts.forget(field.index());
            facts.row.present.set(field.index(), slots[field.index()].is_present());
        }
        if let Some((from, to)) = self.sale.filter(|_| rule.repair.fold_sale).or(rule.repair.fold) {
            repaired = repaired.or(FieldSet::of([from, to]));
            slots[to.index()] = slots[from.index()];
            slots[from.index()] = Slot::EMPTY;
            let parsed = facts.row.parsed[from.index()];
            facts.forget(from.index());
            facts.forget(to.index());
            facts.row.parsed[to.index()] = parsed;
            facts.row.present.set(to.index(), slots[to.index()].is_present());
            facts.row.present.set(from.index(), false);
        }
        repaired
    }
}
