//! JSON: one object a line. Objects in an array are found by `document`, and read here, too.
//!
//! The splitters only find where objects begin and end; serde_json reads what is in them,
//! so that numbers keep their digits and text its escapes.

use super::block::{Block, Mark, Splitter};
use super::{BadRecord, Batch, Header, LateKeys, RecordHead};
use crate::cell::{Cell, Shape};
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

/// Finds the lines of JSON Lines.
#[derive(Clone, Copy, Debug)]
pub struct Lines;

impl Splitter for Lines {
    fn split(&mut self, bytes: &[u8], mut line: u64, at_end: bool, marks: &mut Vec<Mark>) -> Result<usize, (u64, String)> {
        let mut start = 0;
        let mut push = |start: usize, end: usize, line: u64| {
            let text = bytes[start..end].trim_ascii();
            if !text.is_empty() {
                let lead = bytes[start..end].len() - bytes[start..end].trim_ascii_start().len();
                marks.push(Mark { start: (start + lead) as u32, end: (start + lead + text.len()) as u32, line });
            }
        };
        for end in memchr::memchr_iter(b'\n', bytes) {
            push(start, end, line);
            line += 1;
            start = end + 1;
        }
        if at_end && start < bytes.len() {
            push(start, bytes.len(), line);
            start = bytes.len();
        }
        Ok(start)
    }
}

/// Counts line feeds once, from left to right.
pub(super) struct Counter<'a> {
    bytes: &'a [u8],
    at: usize,
    line: u64,
}

impl<'a> Counter<'a> {
    /// A counter over bytes that begin on `line`.
    pub(super) fn new(bytes: &'a [u8], line: u64) -> Self {
        Self { bytes, at: 0, line }
    }

    /// The line of the byte at `to`.
    pub(super) fn at(&mut self, to: usize) -> u64 {
        self.line += memchr::memchr_iter(b'\n', &self.bytes[self.at..to]).count() as u64;
        self.at = to;
        self.line
    }
}

pub(super) fn skip_blank(bytes: &[u8], mut at: usize) -> usize {
    while bytes.get(at).is_some_and(u8::is_ascii_whitespace) {
        at += 1;
    }
    at
}

/// The byte after a string that opens at `at`.
pub(super) fn string_end(bytes: &[u8], at: usize) -> Option<usize> {
    let mut from = at + 1;
    loop {
        let found = from + memchr::memchr2(b'"', b'\\', bytes.get(from..)?)?;
        if bytes[found] == b'"' {
            return Some(found + 1);
        }
        from = found + 2;
    }
}

/// The byte after the value that begins at `at`; brackets are counted, not matched, because
/// the parser judges the text again.
pub(super) fn value_end(bytes: &[u8], at: usize) -> Option<usize> {
    match bytes.get(at)? {
        b'"' => string_end(bytes, at),
        b'{' | b'[' => {
            let mut depth = 0usize;
            let mut from = at;
            loop {
                match bytes.get(from)? {
                    b'"' => {
                        from = string_end(bytes, from)?;
                        continue;
                    }
                    b'{' | b'[' => depth += 1,
                    b'}' | b']' => {
                        depth -= 1;
                        if depth == 0 {
                            return Some(from + 1);
                        }
                    }
                    _ => {}
                }
                from += 1;
            }
        }
        _ => bytes[at..].iter().position(|b| matches!(b, b',' | b']' | b'}') || b.is_ascii_whitespace()).map(|end| at + end),
    }
}

/// Turns blocks of JSON objects into batches.
#[derive(Clone, Debug)]
pub struct Objects {
    /// The columns: object keys.
    pub header: Arc<Header>,
}

impl Objects {
    /// Parses a block. Elements that are no objects are listed, the others become rows.
    pub fn parse(&self, block: Block) -> Batch {
        let width = self.header.names().len();
        let (mut batch, bytes, marks, first) = block.begin(width);
        let (text, odd) = text_of(bytes, &marks);
        let mut extra = String::new();
        for (place, mark) in marks.iter().enumerate() {
            let head = RecordHead { number: first + place as u64, line: mark.line };
            let mut bad = |defect, message| batch.bad.push(BadRecord { head, column: 0, defect, message });
            if odd.contains(&place) {
                bad("not-utf8", "the text is not UTF-8".to_owned());
                continue;
            }
            let kept = batch.cells.len();
            batch.cells.resize(kept + width, Cell::ABSENT);
            let element = text.get(mark.start as usize..mark.end as usize).unwrap_or("");
            let row =
                Row { header: &self.header, text: &text, cells: &mut batch.cells[kept..], extra: &mut extra, late: &mut batch.late, head };
            let mut deserializer = serde_json::Deserializer::from_str(element);
            let read = deserializer.deserialize_map(row).and_then(|()| deserializer.end());
            match read {
                Ok(()) => batch.heads.push(head),
                Err(error) => {
                    batch.cells.truncate(kept);
                    let defect = if error.to_string().contains("occurs twice") { "repeated-key" } else { "not-json" };
                    bad(defect, format!("the record is not a sound JSON object: {error}"));
                }
            }
        }
        batch.text = text;
        batch.text.push_str(&extra);
        batch
    }
}

/// The text of a block, and the places of the records that are no text; those are blanked out,
/// so that the others can be read.
pub(super) fn text_of(bytes: Vec<u8>, marks: &[Mark]) -> (String, Vec<usize>) {
    let mut odd = Vec::new();
    let text = String::from_utf8(bytes).unwrap_or_else(|error| {
        let mut bytes = error.into_bytes();
        for (place, mark) in marks.iter().enumerate() {
            let range = mark.start as usize..mark.end as usize;
            if std::str::from_utf8(&bytes[range.clone()]).is_err() {
                odd.push(place);
                bytes[range].fill(b'?');
            }
        }
        String::from_utf8_lossy(&bytes).into_owned()
    });
    (text, odd)
}

/// The row that an object fills.
struct Row<'a> {
    header: &'a Header,
    text: &'a str,
    cells: &'a mut [Cell],
    extra: &'a mut String,
    late: &'a mut LateKeys,
    head: RecordHead,
}

impl<'de> Visitor<'de> for Row<'_> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let (mut late, mut last): (Vec<Cow<'de, str>>, _) = (Vec::new(), None);
        while let Some(Key(key)) = map.next_key::<Key<'de>>()? {
            let raw: &'de RawValue = map.next_value()?;
            let Some(column) = self.header.column_behind(last, &key) else {
                late.push(key);
                continue;
            };
            last = Some(column);
            let cell = value_cell(raw.get(), self.text, self.extra);
            let slot = &mut self.cells[usize::from(column)];
            if slot.is_present() && cell.is_present() {
                return Err(serde::de::Error::custom(format_args!("the key `{key}` occurs twice")));
            }
            *slot = cell;
        }
        // Only now, because a record that breaks further on is none.
        for key in &late {
            self.late.add(key, self.head);
        }
        Ok(())
    }
}

/// A key, borrowed where it holds no escapes.
#[derive(serde::Deserialize)]
#[serde(transparent)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

/// The cell of a raw JSON value that borrows from `text`; what has escapes is decoded into `extra`.
pub(crate) fn value_cell(raw: &str, text: &str, extra: &mut String) -> Cell {
    // The raw value borrows from `text`, so their addresses tell where it stands.
    let start = (raw.as_ptr() as usize).saturating_sub(text.as_ptr() as usize);
    let end = start + raw.len();
    match raw.as_bytes().first() {
        Some(b'"') if !raw.contains('\\') => Cell::new(start + 1, end - 1, Shape::Text),
        Some(b'"') => {
            let base = text.len() + extra.len();
            let decoded: String = serde_json::from_str(raw).unwrap_or_default();
            extra.push_str(&decoded);
            Cell::new(base, base + decoded.len(), Shape::Text)
        }
        Some(b'{') => Cell::new(start, end, Shape::Object),
        Some(b'[') => Cell::new(start, end, Shape::List),
        Some(b't' | b'f') => Cell::new(start, end, Shape::Boolean),
        Some(b'n') | None => Cell::ABSENT,
        Some(_) => Cell::new(start, end, Shape::Number),
    }
}

/// The keys of the first objects of a sample, in the order they appear.
pub fn keys(sample: &[u8], splitter: &mut dyn Splitter) -> Vec<String> {
    let mut marks = Vec::new();
    let mut keys: Vec<String> = Vec::new();
    let mut known = std::collections::HashSet::new();
    // A cut sample is no fault here; whatever was marked before the cut is enough.
    let _cut = splitter.split(sample, 1, false, &mut marks);
    for mark in marks.iter().take(1000) {
        let element = std::str::from_utf8(&sample[mark.start as usize..mark.end as usize]).unwrap_or("");
        if let Ok(object) = serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(element) {
            for key in object.keys() {
                if known.insert(key.clone()) {
                    keys.push(key.clone());
                }
            }
        }
    }
    keys
}

#[cfg(test)]
mod tests {
    use super::{Lines, Objects};
    use crate::catalog::block::{Block, Splitter};
    use crate::catalog::{Batch, Header};
    use std::sync::Arc;

    #[test]
    fn values_keep_their_text() {
        let bytes = b"{\"id\":\"a\\u00e9\",\"price\":12345678901234567890.10,\"ok\":true,\"none\":null,\"o\":{\"x\":1}}\n{\"id\":1,\"id\":2}\n[1]\n{\"id\":\"b\",\"new\":1}\n".to_vec();
        let mut marks = Vec::new();
        Lines.split(&bytes, 1, true, &mut marks).expect("sound");
        let header = Arc::new(Header::new(["id", "price", "ok", "none", "o"]));
        let batch: Batch = Objects { header }.parse(Block::of(bytes, marks));
        let text: Vec<&str> = batch.row(0).iter().map(|cell| cell.text(&batch.text)).collect();
        assert_eq!(text, ["aé", "12345678901234567890.10", "true", "", "{\"x\":1}"]);
        assert_eq!(batch.bad.iter().map(|bad| (bad.head.number, bad.defect)).collect::<Vec<_>>(), [(2, "repeated-key"), (3, "not-json")]);
        assert_eq!(batch.late.keys[0].0, "new");
        assert_eq!(batch.heads[1].line, 4);
    }
}
