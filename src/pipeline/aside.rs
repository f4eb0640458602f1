//! What is said once a source has been read: joins that found no partner, rules that met nothing.

use super::ordered::Ordered;
use crate::finding::sink::Sink;
use crate::finding::{Finding, Place, Severity};
use crate::mapping::join::{JoinCounts, JoinPlan};

impl Ordered<'_> {
    /// Reports what a join came to, where anything is left over on either side.
    pub(super) fn joined(&mut self, source: usize, plan: &JoinPlan, counts: &JoinCounts, sink: &mut Sink<'_>) {
        // Other records of the same file are joined by what is known of the platform; nothing is owed.
        let Some(file) = &plan.file else { return };
        let (on, key) = &plan.on;
        let place = |record: u64| Place { source: source as u16, record, column_name: Some(on.as_str().into()), ..Place::default() };
        let mut say = |code: &str, severity: Severity, message: String, hint: &str, place: Place| {
            let finding = Finding { hint: Some(hint.into()), ..Finding::own(code.into(), severity, message, place) };
            self.everywhere(finding, sink);
        };
        let same = "check that both columns hold the same keys, spelled alike";
        if counts.missed > 0 {
            let (record, example) = counts.missed_first.clone().unwrap_or_default();
            let message = format!(
                "{} of the records find no row in {file}: its `{key}` does not hold their `{on}`, such as `{example}`",
                counts.missed
            );
            say("join/no-match", Severity::Warning, message, same, place(record));
        }
        if counts.unused > 0 {
            let first = counts.unused_first.unwrap_or_default();
            let message =
                format!("{} of the {} rows of {file} belong to no record; the first is its record {first}", counts.unused, counts.rows);
            say("join/unused", Severity::Advice, message, same, place(0));
        }
        if counts.doubled > 0 {
            let example = counts.doubled_first.clone().unwrap_or_default();
            let message =
                format!("{} rows of {file} have a `{key}` that an earlier row has, such as `{example}`; the first counts", counts.doubled);
            say(
                "join/duplicate-key",
                Severity::Warning,
                message,
                "make the key unique, or set `many = true` under [[source.join]]",
                place(0),
            );
        }
        if counts.unkeyed > 0 {
            let message = format!("{} rows of {file} have no `{key}`", counts.unkeyed);
            say("join/unused", Severity::Advice, message, same, place(0));
        }
    }

    /// Reports rules of the project file that applied to no item.
    pub(super) fn rules(&mut self, sink: &mut Sink<'_>) {
        for (rule, met) in super::rules(self.plan) {
            if met == 0 {
                let message = format!("the rule `{rule}` applied to no item");
                let hint = "compare its condition with the values that `inspect` shows, or remove it";
                let place = Place { source: u16::MAX, ..Place::default() };
                let finding = Finding { hint: Some(hint.into()), ..Finding::own("rule/no-match".into(), Severity::Advice, message, place) };
                self.everywhere(finding, sink);
            }
        }
    }
}
