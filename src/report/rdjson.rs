//! Diagnostics for reviewdog (`rdjson`, `rdjsonl`), which comments on changes in any code host:
//! one document, or one diagnostic a line. Written as they come, so that memory does not grow.
//!
//! A diagnostic stands at a line: the number of a cell is no column of a text file.

use super::{Ending, Opening, Out, Reporter, relative, sentence};
use crate::finding::sink::Listen;
use crate::finding::{Finding, Severity};
use serde_json::{Value, json};
use std::io;

/// One document with all diagnostics.
pub(super) struct Rdjson {
    opening: Opening,
    out: Out,
    is_first: bool,
}

impl Rdjson {
    pub(super) fn new(opening: Opening, mut out: Out) -> Self {
        // The document stays open: diagnostics follow one by one.
        out.write(b"{\"source\":{\"name\":\"feedmill\"},\"diagnostics\":[");
        Self { opening, out, is_first: true }
    }

    fn push(&mut self, diagnostic: &Value) {
        if !std::mem::replace(&mut self.is_first, false) {
            self.out.write(b",");
        }
        self.out.write(format!("\n{diagnostic}").as_bytes());
    }
}

impl Listen for Rdjson {
    fn finding(&mut self, finding: &Finding) {
        let diagnostic = diagnostic(finding, &self.opening);
        self.push(&diagnostic);
    }
}

impl Reporter for Rdjson {
    fn end(&mut self, ending: &Ending) -> io::Result<()> {
        if let Some(error) = &ending.error {
            self.push(&trouble(error, &self.opening));
        }
        self.out.line("]}");
        self.out.end()
    }
}

/// One diagnostic a line.
pub(super) struct RdjsonLines {
    opening: Opening,
    out: Out,
}

impl RdjsonLines {
    pub(super) fn new(opening: Opening, out: Out) -> Self {
        Self { opening, out }
    }
}

impl Listen for RdjsonLines {
    fn finding(&mut self, finding: &Finding) {
        let mut diagnostic = diagnostic(finding, &self.opening);
        diagnostic["source"] = json!({ "name": "feedmill" });
        self.out.line(&diagnostic.to_string());
    }
}

impl Reporter for RdjsonLines {
    fn end(&mut self, ending: &Ending) -> io::Result<()> {
        if let Some(error) = &ending.error {
            self.out.line(&trouble(error, &self.opening).to_string());
        }
        self.out.end()
    }
}

fn diagnostic(finding: &Finding, opening: &Opening) -> Value {
    let mut location = json!({ "path": relative(opening.file(&finding.place)) });
    if finding.place.line > 0 {
        location["range"] = json!({ "start": { "line": finding.place.line } });
    }
    let severity = match finding.severity {
        Severity::Error => "ERROR",
        Severity::Warning => "WARNING",
        Severity::Advice => "INFO",
    };
    json!({ "message": sentence(finding), "location": location, "severity": severity, "code": { "value": &*finding.code } })
}

/// Why the run could not go on; it stands at the first file, because a diagnostic stands somewhere.
fn trouble(error: &str, opening: &Opening) -> Value {
    let path = opening.files.first().map_or("", |file| relative(file));
    json!({ "message": error, "location": { "path": path }, "severity": "ERROR", "code": { "value": "feedmill/error" } })
}
