//! The differences for scripts: one document, or one difference a line. Fields are only ever added.
//!
//! Differences come as files are read, and are to be told in an order of their own; until then
//! they wait in temporary files where they are many.

use super::diff::{Opening, Report};
use super::error::Exit;
use crate::compare::{Change, Comparison, Counts, Found, Notice, Spot, Tell, Which};
use crate::summary::InputSummary;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::io::{self, Read, Seek, Write};
use tempfile::SpooledTempFile;

/// Bytes of a section that stay in memory.
const HELD: usize = 1 << 20;

/// Values that are listed one after the other.
struct Section {
    name: &'static str,
    file: SpooledTempFile,
    count: u64,
}

impl Section {
    fn new(name: &'static str) -> Self {
        Self { name, file: tempfile::spooled_tempfile(HELD), count: 0 }
    }

    fn push(&mut self, value: &Value) -> io::Result<()> {
        self.count += 1;
        writeln!(self.file, "{value}")
    }
}

pub(super) struct JsonDiff {
    opening: Opening,
    out: Box<dyn Write>,
    /// One value a line, instead of one document.
    lines: bool,
    /// Changes of prices and stock, other changes, what came, what went, and what is odd.
    sections: [Section; 5],
    by_name: BTreeMap<usize, u64>,
    /// The first thing that went wrong.
    failed: Option<io::Error>,
}

const FIRST: usize = 0;
const OTHER: usize = 1;
const ADDED: usize = 2;
const REMOVED: usize = 3;
const NOTICES: usize = 4;

impl JsonDiff {
    pub(super) fn new(opening: Opening, out: Box<dyn Write>, lines: bool) -> Self {
        let sections = ["changed", "changed", "added", "removed", "notices"].map(Section::new);
        Self { opening, out, lines, sections, by_name: BTreeMap::new(), failed: None }
    }

    fn push(&mut self, section: usize, mut value: Map<String, Value>) {
        let section = &mut self.sections[section];
        if self.lines {
            let kind = if section.name == "notices" { "notice" } else { section.name };
            let mut told = Map::from_iter([("type".to_owned(), json!(kind))]);
            told.append(&mut value);
            value = told;
        }
        if self.failed.is_none() {
            self.failed = section.push(&Value::Object(value)).err();
        }
    }

    fn place(&self, which: Which, spot: Spot) -> Map<String, Value> {
        let mut place = Map::from_iter([("file".to_owned(), json!(self.opening.file(which, spot)))]);
        let numbers = [("record", spot.record), ("line", spot.line)];
        place.extend(numbers.into_iter().filter(|(_, number)| *number > 0).map(|(key, number)| (key.to_owned(), json!(number))));
        place
    }

    /// The sections as members of a document that is open, or a line each.
    fn write_sections(&mut self) -> io::Result<()> {
        let mut room = vec![0; 64 << 10];
        let (mut last, mut is_first) = ("", true);
        for section in &mut self.sections {
            if !self.lines && section.name != last {
                let close = if last.is_empty() { "" } else { "\n]" };
                write!(self.out, "{close},\"{}\":[", section.name)?;
            }
            is_first |= section.name != last;
            last = section.name;
            section.file.rewind()?;
            let mut at_start = true;
            loop {
                let read = section.file.read(&mut room)?;
                let Some(bytes) = room.get(..read).filter(|bytes| !bytes.is_empty()) else { break };
                if self.lines {
                    self.out.write_all(bytes)?;
                    continue;
                }
                // Each value is a line; the comma stands in front of it.
                for line in bytes.split_inclusive(|byte| *byte == b'\n') {
                    if at_start {
                        self.out.write_all(if is_first { b"\n" } else { b",\n" })?;
                        is_first = false;
                    }
                    at_start = line.ends_with(b"\n");
                    self.out.write_all(line.strip_suffix(b"\n").unwrap_or(line))?;
                }
            }
        }
        if self.lines { Ok(()) } else { self.out.write_all(b"\n]") }
    }
}

impl Tell for JsonDiff {
    fn notice(&mut self, which: Which, spot: Spot, notice: &Notice) {
        let (kind, key, text) = match notice {
            Notice::Unreadable { message } => ("unreadable", "message", message.as_str()),
            Notice::NoId => ("no-id", "", ""),
            Notice::Repeated { item } => ("repeated-id", "item", item.as_str()),
            Notice::LateKey { key } => ("late-key", "key", key.as_str()),
        };
        let mut value = Map::from_iter([("side".to_owned(), json!(which.word())), ("kind".to_owned(), json!(kind))]);
        value.append(&mut self.place(which, spot));
        if !key.is_empty() {
            value.insert(key.to_owned(), json!(text));
        }
        self.push(NOTICES, value);
    }

    fn alone(&mut self, which: Which, found: &Found<'_>) {
        let mut value = Map::from_iter([("item".to_owned(), json!(found.id))]);
        value.append(&mut self.place(which, found.spot));
        let filled = self.opening.names.in_order().map(|name| (name, found.value(name))).filter(|(_, text)| !text.is_empty());
        let values = filled.map(|(name, text)| (self.opening.names.name(name).to_owned(), json!(text)));
        value.insert("values".to_owned(), Value::Object(values.collect()));
        self.push(if which == Which::Old { REMOVED } else { ADDED }, value);
    }

    fn changed(&mut self, old: Spot, new: &Found<'_>, changes: &[Change]) {
        let names = &self.opening.names;
        let is_first = changes.iter().any(|change| names.is_first(change.name));
        let told = changes.iter().map(|change| json!({ "attribute": names.name(change.name), "old": change.old, "new": change.new }));
        let value = Map::from_iter([
            ("item".to_owned(), json!(new.id)),
            ("changes".to_owned(), told.collect()),
            ("old".to_owned(), Value::Object(self.place(Which::Old, old))),
            ("new".to_owned(), Value::Object(self.place(Which::New, new.spot))),
        ]);
        for change in changes {
            *self.by_name.entry(change.name).or_default() += 1;
        }
        self.push(if is_first { FIRST } else { OTHER }, value);
    }
}

impl Report for JsonDiff {
    fn end(mut self: Box<Self>, comparison: &Comparison, exit: Exit) -> io::Result<()> {
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        let head = json!({ "schema": "feedmill.diff/1", "tool": { "name": "feedmill", "version": env!("CARGO_PKG_VERSION") } }).to_string();
        if !self.lines {
            self.out.write_all(head.strip_suffix('}').unwrap_or(&head).as_bytes())?;
        }
        self.write_sections()?;
        let names = &self.opening.names;
        let by_name = names.in_order().filter_map(|name| Some((names.name(name).to_owned(), json!(self.by_name.get(&name)?))));
        let rest = json!({
            "columns": { "only_old": strings(&names.only_old), "only_new": strings(&names.only_new) },
            "old": side(&comparison.old), "new": side(&comparison.new),
            "summary": {
                "same": comparison.same, "changed": comparison.changed, "added": comparison.added, "removed": comparison.removed,
                "by_attribute": Value::Object(by_name.collect()),
            },
            "exit": { "code": exit.code(), "name": exit.name() },
        })
        .to_string();
        let rest = rest.strip_prefix('{').unwrap_or(&rest);
        if self.lines {
            write!(self.out, "{{\"type\":\"summary\",{}", head.strip_prefix('{').and_then(|head| head.strip_suffix('}')).unwrap_or(&head))?;
        }
        writeln!(self.out, ",{rest}")?;
        self.out.flush()
    }
}

fn strings(names: &[std::sync::Arc<str>]) -> Vec<&str> {
    names.iter().map(AsRef::as_ref).collect()
}

fn side(counts: &Counts) -> Value {
    let inputs: Vec<Value> = counts.inputs.iter().map(InputSummary::json).collect();
    json!({ "input": inputs, "items": counts.items, "skipped_by": counts.skipped, "unreadable": counts.unreadable })
}
