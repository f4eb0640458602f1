//! Delimited text: a header and one record a row, quoted where needed (RFC 4180).

use super::RowWriter;
use crate::cell::{Shape, Slot};
use crate::product::text::any_byte;
use crate::spec::{FieldId, Spec};
use std::borrow::Cow;

/// A writer of CSV or TSV.
pub struct Delimited {
    columns: Vec<FieldId>,
    names: Vec<String>,
    delimiter: char,
    separator: String,
}

impl Delimited {
    /// A writer with these columns, separated by an ASCII character.
    pub fn new(spec: &Spec, columns: &[FieldId], delimiter: u8) -> Self {
        let names = columns.iter().map(|&column| spec.get(column).name.clone()).collect();
        Self { columns: columns.to_vec(), names, delimiter: char::from(delimiter), separator: spec.formats.list_separator.clone() }
    }

    fn slot(&self, row: &[Slot], place: usize) -> Slot {
        self.columns.get(place).and_then(|column| row.get(column.index())).copied().unwrap_or_default()
    }

    /// How far the values from `place` on stand in the buffer just as they are to be written, one
    /// separator behind another: where they end there, and the place after the last of them.
    ///
    /// A source of the same format gives whole stretches of a row in this way.
    fn stretch(&self, bytes: &[u8], row: &[Slot], place: usize) -> (usize, usize) {
        let delimiter = self.delimiter as u8;
        let (mut end, mut after) = (self.slot(row, place).cell.end(), place + 1);
        for (next, column) in self.columns.iter().enumerate().skip(place + 1) {
            let Some(cell) = row.get(column.index()).map(|slot| slot.cell).filter(|cell| cell.is_present()) else { continue };
            let start = end + next + 1 - after;
            let stands = cell.start() == start && cell.shape == Shape::Text && cell.end() > start;
            if !stands || !bytes.get(end..start).is_some_and(|between| between.iter().all(|byte| *byte == delimiter)) {
                break;
            }
            (end, after) = (cell.end(), next + 1);
        }
        (end, after)
    }

    fn cells(&self, buffer: &str, row: &[Slot], places: std::ops::Range<usize>, out: &mut String) {
        let only = self.columns.len() == 1;
        for place in places.clone() {
            if place > places.start {
                out.push(self.delimiter);
            }
            let slot = self.slot(row, place);
            match slot.cell.shape {
                Shape::List => write_cell(&cell_text(slot, buffer, &self.separator), self.delimiter as u8, only, out),
                _ => write_cell(slot.text(buffer), self.delimiter as u8, only, out),
            }
        }
    }
}

/// The text of a value in a format whose cells are text: a list of a JSON source is joined.
pub(super) fn cell_text<'a>(slot: Slot, buffer: &'a str, separator: &str) -> Cow<'a, str> {
    let text = slot.text(buffer);
    if slot.cell.shape == Shape::List {
        let entries: Vec<String> = serde_json::from_str(text).unwrap_or_default();
        return entries.join(separator).into();
    }
    text.into()
}

/// Whether a stretch is so many cells, none of which needs quotes.
fn is_plain(stretch: &str, delimiter: u8, cells: usize) -> bool {
    let bytes = stretch.as_bytes();
    memchr::memchr3(b'"', b'\n', b'\r', bytes).is_none() && memchr::memchr_iter(delimiter, bytes).count() + 1 == cells
}

/// Writes one cell; the only cell of a record is quoted when it is empty, because a blank line
/// is no record.
fn write_cell(cell: &str, delimiter: u8, only: bool, out: &mut String) {
    let plain = !any_byte(cell.as_bytes(), |b| (b == b'"') | (b == b'\n') | (b == b'\r') | (b == delimiter));
    if plain && !(only && cell.is_empty()) {
        return out.push_str(cell);
    }
    out.push('"');
    let mut written = 0;
    for quote in memchr::memchr_iter(b'"', cell.as_bytes()) {
        out.push_str(cell.get(written..=quote).unwrap_or_default());
        written = quote;
    }
    out.push_str(cell.get(written..).unwrap_or_default());
    out.push('"');
}

impl RowWriter for Delimited {
    fn head(&self) -> String {
        let mut out = String::new();
        for (place, name) in self.names.iter().enumerate() {
            if place > 0 {
                out.push(self.delimiter);
            }
            write_cell(name, self.delimiter as u8, self.names.len() == 1, &mut out);
        }
        out.push('\n');
        out
    }

    fn row(&self, buffer: &str, row: &[Slot], out: &mut String) {
        let mut place = 0;
        while place < self.columns.len() {
            if place > 0 {
                out.push(self.delimiter);
            }
            let cell = self.slot(row, place).cell;
            let (end, after) = if cell.shape == Shape::Text { self.stretch(buffer.as_bytes(), row, place) } else { (0, place + 1) };
            let stretch =
                buffer.get(cell.start()..end).filter(|stretch| after > place + 1 && is_plain(stretch, self.delimiter as u8, after - place));
            match stretch {
                Some(stretch) => out.push_str(stretch),
                None => self.cells(buffer, row, place..after, out),
            }
            place = after;
        }
        out.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::{Delimited, write_cell};
    use crate::cell::{Cell, Shape, Slot};
    use crate::render::RowWriter;
    use crate::spec::FieldId;
    use proptest::prelude::*;

    proptest! {
        /// Values anywhere in a buffer, side by side, apart, overlapping or out of order: a row is
        /// what its cells are, one by one.
        #[test]
        fn stretches_are_cells_one_by_one(text in "([a,\"é]|,,|,a,|\n){0,16}", cuts in prop::collection::vec((0usize..6, 0usize..4, 0u8..4), 1..8)) {
            let spec = crate::spec::load::spec("openai").expect("built in");
            let columns: Vec<FieldId> = (0..cuts.len()).map(|place| FieldId(place as u16)).collect();
            let writer = Delimited::new(&spec, &columns, b',');
            let edges: Vec<usize> = (0..=text.len()).filter(|at| text.is_char_boundary(*at)).collect();
            let edge = |at: usize| edges[at.min(edges.len() - 1)];
            let (mut row, mut at) = (Vec::new(), 0);
            for (skip, length, shape) in cuts {
                // Mostly the next value begins one character after the last.
                let start = if skip > 1 { at + 1 } else { skip };
                at = start + length;
                let shape = [Shape::Text, Shape::Text, Shape::Text, Shape::Number][usize::from(shape)];
                row.push(Slot { cell: Cell::new(edge(start), edge(at), shape), column: 0 });
            }
            let (mut made, mut expected) = (String::new(), String::new());
            writer.row(&text, &row, &mut made);
            writer.cells(&text, &row, 0..row.len(), &mut expected);
            expected.push('\n');
            prop_assert_eq!(made, expected);
        }

        #[test]
        fn the_csv_crate_reads_it_back(rows in prop::collection::vec(prop::collection::vec("[a\",\t\n\ré ]{0,5}", 2), 1..5), tab in any::<bool>()) {
            let delimiter = if tab { b'\t' } else { b',' };
            let mut out = String::new();
            for row in &rows {
                for (place, cell) in row.iter().enumerate() {
                    if place > 0 {
                        out.push(char::from(delimiter));
                    }
                    write_cell(cell, delimiter, row.len() == 1, &mut out);
                }
                out.push('\n');
            }
            let mut reader = csv::ReaderBuilder::new().has_headers(false).delimiter(delimiter).from_reader(out.as_bytes());
            let read: Vec<Vec<String>> = reader.records().map(|row| row.expect("sound").iter().map(str::to_owned).collect()).collect();
            prop_assert_eq!(read, rows);
        }
    }
}
