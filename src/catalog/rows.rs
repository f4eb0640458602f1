//! Rows of sources that are no text: workbooks, Parquet files, databases.
//!
//! Their readers write each row as one line of text, a JSON array of cells, and from there on
//! such a source is read like any other: blocks are cut between lines, rows that belong
//! together stay together, samples, second passes and threads need no second way. A row
//! without a value is a blank line, so line numbers are row numbers where those mean anything.

use super::block::Block;
use super::json::{text_of, value_cell};
use super::{BadRecord, Batch, RecordHead};
use crate::cell::Cell;
use serde::de::{Deserializer, SeqAccess, Visitor};
use serde_json::value::RawValue;
use std::fmt;
use std::io::{self, Write};

/// Writes rows as lines.
pub struct RowWriter<'w> {
    out: &'w mut dyn Write,
    line: Vec<u8>,
    /// Absent cells that only count when another follows.
    skipped: usize,
}

impl<'w> RowWriter<'w> {
    /// A writer of lines to `out`.
    pub fn new(out: &'w mut dyn Write) -> Self {
        Self { out, line: Vec::new(), skipped: 0 }
    }

    fn begin(&mut self) {
        self.line.push(if self.line.is_empty() { b'[' } else { b',' });
        for _ in 0..std::mem::take(&mut self.skipped) {
            self.line.extend_from_slice(b"null,");
        }
    }

    /// A cell without a value.
    pub fn absent(&mut self) {
        self.skipped += 1;
    }

    /// A cell of text.
    pub fn text(&mut self, text: &str) {
        self.begin();
        // Memory takes whatever is written.
        serde_json::to_writer(&mut self.line, text).unwrap_or_default();
    }

    /// A cell with a number; one that JSON cannot write (`NaN`, `0x1`) is text.
    pub fn number(&mut self, digits: &str) {
        if serde_json::from_str::<serde_json::Number>(digits).is_ok() {
            self.begin();
            self.line.extend_from_slice(digits.as_bytes());
        } else {
            self.text(digits);
        }
    }

    /// A cell with a yes or no.
    pub fn boolean(&mut self, value: bool) {
        self.begin();
        self.line.extend_from_slice(if value { b"true" } else { b"false" });
    }

    /// A cell of JSON; what is no sound JSON is text.
    pub fn json(&mut self, json: &str) {
        // Line breaks between the values would end the row.
        match serde_json::from_str::<serde_json::Value>(json) {
            Err(_) => self.text(json),
            Ok(serde_json::Value::Null) => self.absent(),
            Ok(value) if json.contains(['\n', '\r']) => {
                self.begin();
                serde_json::to_writer(&mut self.line, &value).unwrap_or_default();
            }
            Ok(_) => {
                self.begin();
                self.line.extend_from_slice(json.as_bytes());
            }
        }
    }

    /// Ends the row.
    ///
    /// # Errors
    /// When the line cannot be written.
    pub fn end(&mut self) -> io::Result<()> {
        self.skipped = 0;
        if !self.line.is_empty() {
            self.line.push(b']');
        }
        self.line.push(b'\n');
        let written = self.out.write_all(&self.line);
        self.line.clear();
        written
    }
}

/// An error whose words are ready for people.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Told(pub(super) String);

/// The names in the line of a header.
pub(super) fn names(line: &str) -> Vec<String> {
    let cells: Vec<&RawValue> = serde_json::from_str(line).unwrap_or_default();
    let name = |raw: &&RawValue| match raw.get() {
        "null" => String::new(),
        text if text.starts_with('"') => serde_json::from_str(text).unwrap_or_default(),
        other => other.to_owned(),
    };
    cells.iter().map(name).collect()
}

/// Turns blocks of lines into batches.
#[derive(Clone, Copy, Debug)]
pub struct Arrays {
    /// How many cells a row has.
    pub width: usize,
    /// Whether line numbers are row numbers.
    pub numbered: bool,
}

impl Arrays {
    /// Parses a block.
    pub fn parse(&self, block: Block) -> Batch {
        let (mut batch, bytes, marks, first) = block.begin(self.width);
        let (text, _) = text_of(bytes, &marks);
        let mut extra = String::new();
        for (place, mark) in marks.iter().enumerate() {
            let head = RecordHead { number: first + place as u64, line: if self.numbered { mark.line } else { 0 } };
            let kept = batch.cells.len();
            batch.cells.resize(kept + self.width, Cell::ABSENT);
            let line = text.get(mark.start as usize..mark.end as usize).unwrap_or("");
            let row = Row { text: &text, cells: batch.cells.get_mut(kept..).unwrap_or_default(), extra: &mut extra };
            match serde_json::Deserializer::from_str(line).deserialize_seq(row) {
                Ok(count) if count <= self.width => batch.heads.push(head),
                outcome => {
                    batch.cells.truncate(kept);
                    let count = outcome.unwrap_or(0);
                    let message = format!("the record has a value in column {count}, the header names {}", self.width);
                    batch.bad.push(BadRecord { head, column: self.width as u32 + 1, defect: "too-many-cells", message });
                }
            }
        }
        batch.text = text;
        batch.text.push_str(&extra);
        batch
    }
}

/// The row that an array fills; its value is how far its cells reach.
struct Row<'a> {
    text: &'a str,
    cells: &'a mut [Cell],
    extra: &'a mut String,
}

impl<'de> Visitor<'de> for Row<'_> {
    type Value = usize;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut cells: A) -> Result<usize, A::Error> {
        let mut count = 0;
        while let Some(raw) = cells.next_element::<&'de RawValue>()? {
            if let Some(slot) = self.cells.get_mut(count) {
                *slot = value_cell(raw.get(), self.text, self.extra);
            }
            count += 1;
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::{Arrays, RowWriter, names};
    use crate::catalog::block::{Block, Splitter};
    use crate::catalog::json;

    #[test]
    fn rows_come_back_as_they_were_written() {
        let mut bytes = Vec::new();
        let mut rows = RowWriter::new(&mut bytes);
        rows.text("na\"me");
        rows.number("7");
        rows.end().expect("written");
        rows.absent();
        rows.end().expect("written");
        rows.absent();
        rows.number("0012");
        rows.number("12345678901234567890.10");
        rows.boolean(true);
        rows.json("{\"a\":\n[1]}");
        rows.json("{");
        rows.absent();
        rows.end().expect("written");
        let text = String::from_utf8(bytes.clone()).expect("text");
        assert_eq!(names(text.lines().next().expect("a header")), ["na\"me", "7"]);
        let mut marks = Vec::new();
        json::Lines.split(&bytes, 1, true, &mut marks).expect("lines");
        let block = |bytes: &[u8]| Block::of(bytes.to_vec(), marks[1..].to_vec());
        let batch = Arrays { width: 6, numbered: true }.parse(block(&bytes));
        let cells: Vec<&str> = batch.row(0).iter().map(|cell| cell.text(&batch.text)).collect();
        assert_eq!(cells, ["", "0012", "12345678901234567890.10", "true", "{\"a\":[1]}", "{"]);
        assert_eq!(batch.heads[0].line, 3);
        let narrow = Arrays { width: 3, numbered: false }.parse(block(&bytes));
        assert_eq!(narrow.bad[0].defect, "too-many-cells");
    }
}
