//! Code Quality of GitLab: an array of what was found, worst first, each at a line of a file.

use super::worst::{Fingerprints, Worst};
use super::{Ending, Opening, Out, Reporter, sentence};
use crate::finding::Finding;
use crate::finding::Severity;
use crate::finding::sink::Listen;
use crate::spec::terms::Consequence;
use serde_json::{Value, json};
use std::io;

/// As many as a person may still look through.
const KEPT: usize = 5_000;

pub(super) struct Gitlab {
    opening: Opening,
    out: Out,
    worst: Worst,
}

impl Gitlab {
    pub(super) fn new(opening: Opening, out: Out) -> Self {
        Self { opening, out, worst: Worst::new(KEPT) }
    }

    /// What is shown of one; the widget shows no `check_name`, so the description repeats it.
    fn entry(&self, name: &str, severity: &str, message: &str, (file, line): (&str, u64), fingerprint: &str) -> Value {
        let file = if file.is_empty() { self.opening.files.first().map_or("-", |file| file) } else { file };
        json!({
            "check_name": name, "description": format!("{name}: {message}"), "severity": severity, "fingerprint": fingerprint,
            "location": { "path": super::relative(file), "lines": { "begin": line.max(1) } },
        })
    }

    fn found(&self, finding: &Finding, fingerprint: &str) -> Value {
        let severity = match finding.severity {
            Severity::Error if finding.consequence == Consequence::FileRefused => "critical",
            Severity::Error => "major",
            Severity::Warning => "minor",
            Severity::Advice => "info",
        };
        self.entry(&finding.code, severity, &sentence(finding), (self.opening.file(&finding.place), finding.place.line), fingerprint)
    }
}

impl Listen for Gitlab {
    fn finding(&mut self, finding: &Finding) {
        self.worst.add(finding);
    }
}

impl Reporter for Gitlab {
    fn end(&mut self, ending: &Ending) -> io::Result<()> {
        let mut fingerprints = Fingerprints::default();
        let mut entries: Vec<Value> = self.worst.all().map(|finding| self.found(finding, &fingerprints.of(finding))).collect();
        if self.worst.beyond() > 0 {
            let message = format!("{} more findings are left out of this report; `--output-format jsonl` has all", self.worst.beyond());
            entries.push(self.entry("feedmill/left-out", "info", &message, ("", 1), "feedmill/left-out"));
        }
        if let Some(error) = &ending.error {
            entries.push(self.entry("feedmill/error", "blocker", error, ("", 1), "feedmill/error"));
        }
        self.out.line(&Value::Array(entries).to_string());
        self.out.end()
    }
}
