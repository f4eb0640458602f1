//! Rows that somebody wants to see are looked at when they have been judged.

use super::TargetPlan;
use super::done::DoneTarget;
use crate::catalog::RecordHead;
use crate::cell::Slot;
use crate::rules::Fault;
use crate::sample::Glance;

/// A row that was judged.
#[derive(Clone, Copy)]
pub(super) struct Seen<'a> {
    pub(super) target: &'a TargetPlan,
    pub(super) buffer: &'a str,
    pub(super) row: &'a [Slot],
    pub(super) faults: &'a [Fault],
    pub(super) source: u16,
    pub(super) head: RecordHead,
}

/// Looks at a row, where somebody wants to see those of its target.
#[inline]
pub(super) fn look(seen: &Seen<'_>, accepted: bool, out: &mut DoneTarget) {
    let Some(looks) = &seen.target.looks else { return };
    // The row takes its place among the accepted ones after this.
    let number = out.accepted.len() as u32;
    let Seen { buffer, row, source, head, .. } = *seen;
    let sample = out.sample.get_or_insert_default();
    looks.at(sample, &Glance { buffer, row, source, head, number, accepted }, || reasons(seen));
}

/// Why the rules of a row keep it out of the feed.
fn reasons(seen: &Seen<'_>) -> Vec<String> {
    let is_repaired = |fault: &Fault| fault.fix.as_ref().is_some_and(|fix| fix.applied);
    let refusing = seen.faults.iter().filter(|fault| fault.rejects && !is_repaired(fault));
    let told = refusing.cloned().map(|mut fault| {
        seen.target.rules.tell(&mut fault, seen.buffer, seen.row);
        fault.message
    });
    told.collect()
}
