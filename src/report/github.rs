//! Annotations for GitHub Actions: worst first, because only the first few are shown.

use super::worst::Worst;
use super::{Ending, Opening, Out, Reporter, sentence};
use crate::finding::sink::Listen;
use crate::finding::{Finding, Severity};
use std::io;

/// GitHub shows 10 of each kind a step; a few more help those who read the log.
const KEPT: usize = 50;

pub(super) struct Github {
    opening: Opening,
    out: Out,
    worst: Worst,
}

impl Github {
    pub(super) fn new(opening: Opening, out: Out) -> Self {
        Self { opening, out, worst: Worst::new(KEPT) }
    }
}

impl Listen for Github {
    fn finding(&mut self, finding: &Finding) {
        self.worst.add(finding);
    }
}

impl Reporter for Github {
    fn end(&mut self, ending: &Ending) -> io::Result<()> {
        for severity in [Severity::Error, Severity::Warning, Severity::Advice] {
            let word = match severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
                Severity::Advice => "notice",
            };
            for finding in self.worst.of(severity) {
                let place = &finding.place;
                let mut properties = format!("title={}", property(&format!("feedmill ({})", finding.code)));
                let file = self.opening.file(place);
                if !file.is_empty() {
                    properties.push_str(&format!(",file={}", property(file)));
                }
                if !file.is_empty() && place.line > 0 {
                    properties.push_str(&format!(",line={0},endLine={0}", place.line));
                    if place.column > 0 {
                        properties.push_str(&format!(",col={0},endColumn={0}", place.column));
                    }
                }
                self.out.line(&format!("::{word} {properties}::{}", message(&sentence(finding))));
            }
            let hidden = self.worst.hidden(severity);
            if hidden > 0 {
                self.out.line(&format!("::notice ::{hidden} more findings of severity {}, see the report", severity.word()));
            }
        }
        if let Some(error) = &ending.error {
            self.out.line(&format!("::error title=feedmill::{}", message(error)));
        }
        for target in &ending.targets {
            let counts = &target.counts;
            let [advice, warnings, errors] = counts.by_severity;
            self.out.line(&message(&format!(
                "{}: {} items, {} accepted, {} rejected; {errors} errors, {warnings} warnings, {advice} advice",
                target.name, counts.items, counts.accepted, counts.rejected
            )));
        }
        self.out.end()
    }
}

fn message(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    message(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::{message, property};

    #[test]
    fn catalog_text_cannot_begin_a_command() {
        assert_eq!(message("50%\n::error::x"), "50%25%0A::error::x");
        assert_eq!(property("a,b:c"), "a%2Cb%3Ac");
    }
}
