//! Findings made of faults: what a broken rule says, at its place, for one target.

use super::TargetPlan;
use crate::finding::{Finding, Place, Severity};
use crate::product::text;
use crate::rules::Fault;
use crate::rules::structure::Broken;
use std::sync::Arc;
/// A finding from a fault.
pub(super) fn finding_of(fault: Fault, target: &TargetPlan, place: Place, item: &str) -> Finding {
    let attribute = target.rules.attribute(fault.field);
    let said = target.rules.said(&fault);
    let severity = Severity::of(said.consequence);
    // A repaired fault no longer costs the row; what was lost is still worth a warning.
    let repaired = fault.fix.as_ref().is_some_and(|fix| fix.applied);
    let refused = fault.rejects && !repaired;
    Finding {
        code: Arc::clone(&said.code),
        severity: if refused {
            Severity::Error
        } else if repaired {
            severity.min(Severity::Warning)
        } else {
            severity
        },
        consequence: said.consequence,
        certainty: said.certainty,
        item: text::excerpt(item, 120),
        group: None,
        attribute: Some(Arc::clone(attribute)),
        why: Some(Arc::clone(&said.why)),
        hint: Some(Arc::clone(&said.hint)),
        message: fault.message,
        value: fault.value,
        place,
        related: None,
        target: Some(Arc::clone(&target.name)),
        spec_source: Some(Arc::clone(&target.source)),
        fix: fault.fix,
        extent: None,
    }
}

/// A finding about an object of a nested feed.
pub(super) fn broken_finding(broken: Broken, target: &TargetPlan, place: &Place, item: &str, group: Option<&str>) -> Finding {
    let severity = if broken.rejects() { Severity::Error } else { Severity::of(broken.consequence) };
    Finding {
        consequence: broken.consequence,
        certainty: broken.certainty,
        item: text::excerpt(item, 120),
        group: group.filter(|group| !group.is_empty()).map(|group| text::excerpt(group, 120)),
        attribute: Some(broken.attribute),
        why: Some(broken.why.into()),
        hint: Some(broken.hint.into()),
        value: broken.value,
        target: Some(Arc::clone(&target.name)),
        spec_source: Some(Arc::clone(&target.source)),
        ..Finding::own(broken.code.into(), severity, broken.message, Place { column_name: Some(broken.path.into()), ..place.clone() })
    }
}
