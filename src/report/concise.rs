//! One line a finding: `file:line:column: CODE message`.

use super::{Ending, Opening, Out, Reporter};
use crate::finding::Finding;
use crate::finding::sink::Listen;
use crate::product::text::excerpt;
use std::collections::HashMap;
use std::io;

pub(super) struct Concise {
    opening: Opening,
    out: Out,
    shown: HashMap<String, u64>,
}

/// How many findings of a code are shown unless asked otherwise.
const DEFAULT_CAP: usize = 20;

impl Concise {
    pub(super) fn new(opening: Opening, out: Out) -> Self {
        Self { opening, out, shown: HashMap::new() }
    }
}

impl Listen for Concise {
    fn finding(&mut self, finding: &Finding) {
        let cap = self.opening.max_per_code.unwrap_or(DEFAULT_CAP);
        let count = self.shown.entry(finding.code.to_string()).or_default();
        *count += 1;
        if cap != 0 && *count > cap as u64 {
            return;
        }
        let item = if finding.item.is_empty() { String::new() } else { format!("{}: ", finding.item) };
        let message = excerpt(&format!("{item}{}", finding.message), 300);
        self.out.line(&format!("{}: {} {message}", self.opening.position(&finding.place), finding.code));
    }
}

impl Reporter for Concise {
    fn end(&mut self, ending: &Ending) -> io::Result<()> {
        let cap = self.opening.max_per_code.unwrap_or(DEFAULT_CAP) as u64;
        let mut hidden: Vec<(&String, u64)> =
            self.shown.iter().filter(|(_, count)| cap != 0 && **count > cap).map(|(code, count)| (code, count - cap)).collect();
        hidden.sort();
        for (code, count) in hidden {
            self.out.line(&format!("{count} more of {code}"));
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
