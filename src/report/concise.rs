//! One line a finding: `file:line:column: CODE message`.

use super::{Ending, Opening, Out, Reporter, reach};
use crate::finding::Finding;
use crate::finding::sink::Listen;
use crate::product::text::excerpt;
use std::collections::BTreeMap;
use std::io;

pub(super) struct Concise {
    opening: Opening,
    out: Out,
    codes: BTreeMap<String, Seen>,
}

/// What there was of a code.
#[derive(Default)]
struct Seen {
    shown: usize,
    hidden: u64,
}

/// How many findings of a code are shown unless asked otherwise.
const DEFAULT_CAP: usize = 20;

impl Concise {
    pub(super) fn new(opening: Opening, out: Out) -> Self {
        Self { opening, out, codes: BTreeMap::new() }
    }
}

impl Listen for Concise {
    fn finding(&mut self, finding: &Finding) {
        let cap = self.opening.max_per_code.unwrap_or(DEFAULT_CAP);
        let seen = self.codes.entry(finding.code.to_string()).or_default();
        if cap != 0 && seen.shown == cap {
            seen.hidden += finding.times();
            return;
        }
        seen.shown += 1;
        let item = if finding.item.is_empty() { String::new() } else { format!("{}: ", finding.item) };
        let reach = finding.extent.map_or_else(String::new, |extent| format!(" ({})", reach(&finding.place, extent)));
        let message = excerpt(&format!("{item}{}", finding.message), 300) + &reach;
        self.out.line(&format!("{}: {} {message}", self.opening.position(&finding.place), finding.code));
    }
}

impl Reporter for Concise {
    fn end(&mut self, ending: &Ending) -> io::Result<()> {
        for (code, seen) in self.codes.iter().filter(|(_, seen)| seen.hidden > 0) {
            self.out.line(&format!("{} more of {code}", seen.hidden));
        }
        if let Some(unchanged) = &ending.unchanged {
            self.out.line(&format!("{unchanged}; nothing to do"));
        }
        for target in &ending.targets {
            let [advice, warnings, errors] = target.counts.by_severity;
            let counts = &target.counts;
            self.out.line(&format!(
                "{}@{}: {} items, {} accepted, {} rejected, {} skipped; {errors} errors, {warnings} warnings, {advice} advice",
                target.name.split('@').next().unwrap_or(&target.name),
                target.spec,
                counts.items,
                counts.accepted,
                counts.rejected,
                counts.skipped
            ));
        }
        for (_, line) in &ending.outcomes {
            self.out.line(line);
        }
        self.out.end()
    }
}
