//! The JSON that scripts rely on: one document, or one finding a line. Fields are only ever
//! added. Findings are written as they come, so that memory does not grow with them.

use super::{Ending, Opening, Out, Reporter, TargetEnd};
use crate::finding::sink::Listen;
use crate::finding::{Finding, Place};
use crate::product::text::write_json_string;
use crate::summary::InputSummary;
use serde_json::{Map, Value, json};
use std::fmt::Write;
use std::io;

pub(super) struct Json {
    opening: Opening,
    out: Out,
    count: u64,
    line: String,
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
        Self { opening, out, count: 0, line: String::new() }
    }
}

impl Listen for Json {
    fn finding(&mut self, finding: &Finding) {
        if self.count > 0 {
            self.out.write(b",");
        }
        self.count += 1;
        self.line.clear();
        self.line.push('\n');
        write_finding(finding, &self.opening, &mut self.line);
        self.out.write(self.line.as_bytes());
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
    line: String,
}

impl JsonLines {
    pub(super) fn new(opening: Opening, out: Out) -> Self {
        Self { opening, out, line: String::new() }
    }
}

impl Listen for JsonLines {
    fn finding(&mut self, finding: &Finding) {
        self.line.clear();
        write_finding(finding, &self.opening, &mut self.line);
        self.line.push('\n');
        self.out.write(self.line.as_bytes());
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

/// A finding as reports have it.
pub fn finding_value(finding: &Finding, opening: &Opening) -> Value {
    let mut text = String::new();
    write_finding(finding, opening, &mut text);
    // What was written is sound JSON.
    serde_json::from_str(&text).unwrap_or_default()
}

/// Writes one finding as a JSON object. By hand, because a catalog may have millions of them.
fn write_finding(finding: &Finding, opening: &Opening, out: &mut String) {
    out.push('{');
    let mut object = Object { out, first: true };
    object.text("code", &finding.code);
    object.text("severity", finding.severity.word());
    object.text("consequence", finding.consequence.word());
    object.text("certainty", finding.certainty.word());
    if !finding.item.is_empty() {
        object.text("item", &finding.item);
    }
    object.maybe("group", finding.group.as_deref());
    object.maybe("attribute", finding.attribute.as_deref());
    object.text("message", &finding.message);
    object.maybe("value", finding.value.as_deref());
    object.maybe("hint", finding.hint.as_deref());
    object.place(&finding.place, opening);
    if let Some(extent) = finding.extent {
        object.number("values", extent.values);
        object.number("last_record", extent.last);
    }
    if let Some(related) = &finding.related {
        object.key("related");
        object.out.push('{');
        Object { out: object.out, first: true }.place(related, opening);
        object.out.push('}');
    }
    object.maybe("target", finding.target.as_deref());
    object.maybe("spec_source", finding.spec_source.as_deref());
    if let Some(fix) = &finding.fix {
        object.key("fix");
        object.out.push('{');
        let mut inner = Object { out: object.out, first: true };
        inner.text("applicability", fix.applicability.word());
        inner.maybe("value", fix.value.as_deref());
        inner.key("applied");
        inner.out.push_str(if fix.applied && opening.repairs() { "true" } else { "false" });
        object.out.push('}');
    }
    object.key("fingerprint");
    // Writing into memory cannot fail.
    write!(object.out, "\"{:016x}\"}}", finding.fingerprint()).unwrap_or_default();
}

/// An object in the making.
struct Object<'a> {
    out: &'a mut String,
    first: bool,
}

impl Object<'_> {
    fn key(&mut self, key: &str) {
        if !self.first {
            self.out.push(',');
        }
        self.first = false;
        self.out.push('"');
        self.out.push_str(key);
        self.out.push_str("\":");
    }

    fn text(&mut self, key: &str, value: &str) {
        self.key(key);
        write_json_string(value, self.out);
    }

    fn maybe(&mut self, key: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.text(key, value);
        }
    }

    fn number(&mut self, key: &str, value: u64) {
        if value > 0 {
            self.key(key);
            write!(self.out, "{value}").unwrap_or_default();
        }
    }

    fn place(&mut self, place: &Place, opening: &Opening) {
        self.text("file", opening.file(place));
        self.number("record", place.record);
        self.number("line", place.line);
        self.number("column", u64::from(place.column));
        self.maybe("column_name", place.column_name.as_deref());
    }
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
    let inputs: Vec<Value> = ending.inputs.iter().map(InputSummary::json).collect();
    value.insert("input".to_owned(), Value::Array(inputs));
    if let Some(first) = ending.targets.first() {
        value.insert("target".to_owned(), target_value(first));
        value.insert("summary".to_owned(), summary_value(first));
    }
    let outcomes = ending.outcomes.iter().map(|(outcome, _)| outcome.clone());
    let targets = ending.targets.iter().map(|target| {
        let files: Vec<Value> =
            target.files.iter().map(|(path, items, bytes)| json!({ "path": path, "items": items, "bytes": bytes })).collect();
        json!({ "target": target_value(target), "summary": summary_value(target), "files": files })
    });
    value.insert("targets".to_owned(), targets.chain(outcomes).collect());
    if let Some(account) = &ending.account {
        value.insert("account".to_owned(), super::account::value(account));
    }
    if let Some(repaired) = &ending.repaired {
        let value_of = json!({ "records": repaired.records, "changed": repaired.changed, "cells": repaired.cells });
        value.insert("repaired".to_owned(), value_of);
    }
    if let Some(known) = &ending.baseline {
        value.insert("baseline".to_owned(), json!({ "file": known.file, "hidden": known.hidden, "gone": known.gone }));
    }
    if let Some(unchanged) = &ending.unchanged {
        value.insert("unchanged".to_owned(), json!(unchanged));
    }
    if !ending.rules.is_empty() {
        let rules = ending.rules.iter().map(|(when, met)| json!({ "when": when, "items": met }));
        value.insert("rules".to_owned(), rules.collect());
    }
    if let Some(error) = &ending.error {
        value.insert("error".to_owned(), json!(error));
    }
    value.insert("exit".to_owned(), json!({ "code": ending.exit.0, "name": ending.exit.1 }));
    value
}
