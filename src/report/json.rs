//! The JSON that scripts rely on: one document, or one finding a line. Fields are only ever
//! added. Findings are written as they come, so that memory does not grow with them.

use super::{Ending, Opening, Out, Reporter, TargetEnd};
use crate::finding::sink::Listen;
use crate::finding::{Finding, Place};
use serde_json::{Map, Value, json};
use std::io;

pub(super) struct Json {
    opening: Opening,
    out: Out,
    count: u64,
}

impl Json {
    pub(super) fn new(opening: Opening, mut out: Out) -> Self {
        let head = json!({
            "schema": format!("feedmill.{}/1", opening.command),
            "tool": { "name": "feedmill", "version": env!("CARGO_PKG_VERSION") },
        });
        // The document stays open: findings follow one by one, the rest at the end.
        let head = head.to_string();
        out.write(head.strip_suffix('}').unwrap_or(&head).as_bytes());
        out.write(b",\"findings\":[");
        Self { opening, out, count: 0 }
    }
}

impl Listen for Json {
    fn finding(&mut self, finding: &Finding) {
        if self.count > 0 {
            self.out.write(b",");
        }
        self.count += 1;
        let value = finding_value(finding, &self.opening);
        self.out.write(b"\n");
        self.out.write(value.to_string().as_bytes());
    }
}

impl Reporter for Json {
    fn end(&mut self, ending: &Ending) -> io::Result<()> {
        let rest = Value::Object(ending_value(ending)).to_string();
        self.out.write(b"],");
        self.out.line(rest.strip_prefix('{').unwrap_or(&rest));
        self.out.end()
    }
}

pub(super) struct JsonLines {
    opening: Opening,
    out: Out,
}

impl JsonLines {
    pub(super) fn new(opening: Opening, out: Out) -> Self {
        Self { opening, out }
    }
}

impl Listen for JsonLines {
    fn finding(&mut self, finding: &Finding) {
        let value = finding_value(finding, &self.opening);
        self.out.line(&value.to_string());
    }
}

impl Reporter for JsonLines {
    fn end(&mut self, ending: &Ending) -> io::Result<()> {
        let mut last = Map::new();
        last.insert("schema".to_owned(), json!(format!("feedmill.{}/1", self.opening.command)));
        last.extend(ending_value(ending));
        self.out.line(&Value::Object(last).to_string());
        self.out.end()
    }
}

fn place_value(place: &Place, opening: &Opening, into: &mut Map<String, Value>) {
    into.insert("file".to_owned(), json!(opening.file(place)));
    if place.record > 0 {
        into.insert("record".to_owned(), json!(place.record));
    }
    if place.line > 0 {
        into.insert("line".to_owned(), json!(place.line));
    }
    if place.column > 0 {
        into.insert("column".to_owned(), json!(place.column));
    }
    if let Some(name) = &place.column_name {
        into.insert("column_name".to_owned(), json!(&**name));
    }
}

fn finding_value(finding: &Finding, opening: &Opening) -> Value {
    let mut value = Map::new();
    let mut put = |key: &str, item: Value| {
        if !item.is_null() {
            value.insert(key.to_owned(), item);
        }
    };
    put("code", json!(&*finding.code));
    put("severity", json!(finding.severity.word()));
    put("consequence", json!(finding.consequence.word()));
    put("certainty", json!(finding.certainty.word()));
    put("item", if finding.item.is_empty() { Value::Null } else { json!(finding.item) });
    put("group", json!(finding.group));
    put("attribute", json!(finding.attribute.as_deref()));
    put("message", json!(finding.message));
    put("value", json!(finding.value));
    put("hint", json!(finding.hint.as_deref()));
    place_value(&finding.place, opening, &mut value);
    if let Some(related) = &finding.related {
        let mut other = Map::new();
        place_value(related, opening, &mut other);
        value.insert("related".to_owned(), Value::Object(other));
    }
    let mut put = |key: &str, item: Value| {
        if !item.is_null() {
            value.insert(key.to_owned(), item);
        }
    };
    put("target", json!(finding.target.as_deref()));
    put("spec_source", json!(finding.spec_source.as_deref()));
    if let Some(fix) = &finding.fix {
        put(
            "fix",
            json!({ "applicability": fix.applicability.word(), "value": fix.value, "applied": fix.applied && opening.command == "build" }),
        );
    }
    put("fingerprint", json!(format!("{:016x}", finding.fingerprint())));
    Value::Object(value)
}

fn target_value(target: &TargetEnd) -> Value {
    json!({ "name": target.name.split('@').next(), "spec": target.spec })
}

fn summary_value(target: &TargetEnd) -> Value {
    let counts = &target.counts;
    let [advice, warnings, errors] = counts.by_severity;
    json!({
        "records": counts.records, "items": counts.items, "groups": counts.groups, "accepted": counts.accepted, "rejected": counts.rejected,
        "skipped": counts.skipped, "skipped_by": counts.skipped_by, "errors": errors, "warnings": warnings, "advice": advice, "by_code": counts.by_code,
    })
}

fn ending_value(ending: &Ending) -> Map<String, Value> {
    let mut value = Map::new();
    let inputs: Vec<Value> = ending
        .inputs
        .iter()
        .map(|input| {
            json!({ "file": input.file, "format": input.format, "encoding": input.encoding, "preset": input.preset, "records": input.records,
                    "bytes": input.bytes, "blake3": input.blake3 })
        })
        .collect();
    value.insert("input".to_owned(), Value::Array(inputs));
    if let Some(first) = ending.targets.first() {
        value.insert("target".to_owned(), target_value(first));
        value.insert("summary".to_owned(), summary_value(first));
    }
    let targets = ending.targets.iter().map(|target| {
        let files: Vec<Value> =
            target.files.iter().map(|(path, items, bytes)| json!({ "path": path, "items": items, "bytes": bytes })).collect();
        json!({ "target": target_value(target), "summary": summary_value(target), "files": files })
    });
    value.insert("targets".to_owned(), targets.collect());
    if let Some(error) = &ending.error {
        value.insert("error".to_owned(), json!(error));
    }
    value.insert("exit".to_owned(), json!({ "code": ending.exit.0, "name": ending.exit.1 }));
    value
}
