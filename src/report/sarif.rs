//! SARIF 2.1.0 (OASIS), for code scanning: rules with what they mean, results worst first.
//!
//! Results stand at lines. The number of a cell is no column of a text file, so the cell is named
//! as a member of its item instead.

use super::worst::{Fingerprints, Worst};
use super::{Ending, Opening, Out, Reporter, sentence};
use crate::finding::sink::Listen;
use crate::finding::{Finding, Severity};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::io;

/// GitHub keeps 5,000 results of a run.
const KEPT: usize = 5_000;

pub(super) struct Sarif {
    opening: Opening,
    out: Out,
    worst: Worst,
}

impl Sarif {
    pub(super) fn new(opening: Opening, out: Out) -> Self {
        Self { opening, out, worst: Worst::new(KEPT) }
    }

    fn result(&self, finding: &Finding, rule: usize, fingerprint: &str) -> Value {
        let place = &finding.place;
        let mut location = serde_json::Map::new();
        if let Some(uri) = uri(self.opening.file(place)) {
            let mut physical = json!({ "artifactLocation": { "uri": uri } });
            if place.line > 0 {
                physical["region"] = json!({ "startLine": place.line });
            }
            location.insert("physicalLocation".to_owned(), physical);
        }
        if let Some(name) = place.column_name.as_deref().or(finding.attribute.as_deref()) {
            let whole = if finding.item.is_empty() { name.to_owned() } else { format!("{}/{name}", finding.item) };
            location.insert("logicalLocations".to_owned(), json!([{ "name": name, "fullyQualifiedName": whole, "kind": "member" }]));
        }
        let mut result = json!({
            "ruleId": &*finding.code, "ruleIndex": rule, "level": level(finding.severity),
            "message": { "text": sentence(finding) },
            "partialFingerprints": { "primaryLocationLineHash": fingerprint },
        });
        if !location.is_empty() {
            result["locations"] = json!([location]);
        }
        if let Some(target) = &finding.target {
            result["properties"] = json!({ "target": &**target });
        }
        result
    }
}

impl Listen for Sarif {
    fn finding(&mut self, finding: &Finding) {
        self.worst.add(finding);
    }
}

impl Reporter for Sarif {
    fn end(&mut self, ending: &Ending) -> io::Result<()> {
        let (mut rules, mut places) = (Vec::new(), HashMap::new());
        let (mut results, mut fingerprints) = (Vec::new(), Fingerprints::default());
        for finding in self.worst.all() {
            let rule = *places.entry(&*finding.code).or_insert_with(|| {
                rules.push(rule(finding));
                rules.len() - 1
            });
            results.push(self.result(finding, rule, &fingerprints.of(finding)));
        }
        let mut notes = Vec::new();
        if self.worst.beyond() > 0 {
            let text = format!("{} more findings are left out of this report; `--output-format jsonl` has all", self.worst.beyond());
            notes.push(json!({ "level": "warning", "message": { "text": text } }));
        }
        if let Some(error) = &ending.error {
            notes.push(json!({ "level": "error", "message": { "text": error } }));
        }
        let invocation = json!({
            "executionSuccessful": ending.error.is_none() && !ending.interrupted, "exitCode": ending.exit.0,
            "toolExecutionNotifications": notes,
        });
        let driver = json!({ "name": "feedmill", "semanticVersion": env!("CARGO_PKG_VERSION"), "rules": rules });
        let report = json!({
            "$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0",
            "runs": [{ "tool": { "driver": driver }, "invocations": [invocation], "results": results }],
        });
        self.out.line(&report.to_string());
        self.out.end()
    }
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Advice => "note",
    }
}

/// What a code means; the level is that of the first finding.
fn rule(finding: &Finding) -> Value {
    let why = finding.why.as_deref().unwrap_or("");
    let mut rule = json!({
        "id": &*finding.code, "shortDescription": { "text": &*finding.code },
        "defaultConfiguration": { "level": level(finding.severity) },
    });
    if !why.is_empty() {
        rule["fullDescription"] = json!({ "text": why });
    }
    if let Some(hint) = &finding.hint {
        rule["help"] = json!({ "text": &**hint });
    }
    rule
}

/// A file as a reference from the root of the repository, where it lies below the working folder;
/// nothing for standard input.
fn uri(file: &str) -> Option<String> {
    if file.is_empty() || file == "-" {
        return None;
    }
    if file.contains("://") {
        return Some(file.to_owned());
    }
    let file = super::relative(file).replace('\\', "/");
    let mut uri = String::with_capacity(file.len());
    if file.starts_with('/') {
        uri.push_str("file://");
    }
    for byte in file.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => uri.push(char::from(byte)),
            other => uri.push_str(&format!("%{other:02X}")),
        }
    }
    Some(uri)
}

#[cfg(test)]
mod tests {
    use super::uri;

    #[test]
    fn files_are_references() {
        assert_eq!(uri("./feeds/my catalog.csv").as_deref(), Some("feeds/my%20catalog.csv"));
        assert_eq!(uri("Größe#1.csv").as_deref(), Some("Gr%C3%B6%C3%9Fe%231.csv"));
        assert_eq!(uri("/elsewhere/a.csv").as_deref(), Some("file:///elsewhere/a.csv"));
        assert_eq!(uri("https://shop.example/a.csv").as_deref(), Some("https://shop.example/a.csv"));
        assert_eq!((uri("-"), uri("")), (None, None));
    }
}
