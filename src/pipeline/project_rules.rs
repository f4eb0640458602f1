//! The rules of the project file, applied to an item between normalizing and judging it.

use super::SourcePlan;
use crate::mapping::apply::Draft;
use crate::normalize::{Memo, Note, Words};
use crate::product::attribute::Attributes;

/// Applies the rules in their order, and notes what each changed; returns the reason where one
/// drops the item.
pub(crate) fn apply_rules(
    source: &SourcePlan,
    buffer: &mut String,
    draft: &mut Draft,
    memo: &mut Memo,
    notes: &mut Vec<Note>,
) -> Option<u16> {
    let attributes = Attributes::shared();
    for rule in &source.mapping.rules {
        let value_of = |name: &str| attributes.id(name).map(|id| draft.get(id).text(buffer));
        // An expression that cannot be evaluated for this item does not hold for it.
        if !rule.when.render(value_of).is_ok_and(|rendered| rendered == "1") {
            continue;
        }
        rule.met.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        if rule.drop.is_some() {
            return rule.drop;
        }
        for (attribute, value) in &rule.set {
            let old = draft.get(*attribute);
            if old.text(buffer) == value {
                continue;
            }
            notes.push(Note {
                attribute: *attribute,
                defect: "set-by-rule",
                message: format!("set by the rule `{}`", rule.source).into(),
                old: Words::Of(old.cell),
                new: Some(Words::Own(value.clone())),
                column: old.column,
            });
            draft.write(buffer, *attribute, value);
            source.normalizer.attribute(buffer, draft, *attribute, memo, notes);
        }
    }
    None
}
