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

    fn record<'a>(&self, cells: impl ExactSizeIterator<Item = Cow<'a, str>>, out: &mut String) {
        let only = cells.len() == 1;
        for (place, cell) in cells.enumerate() {
            if place > 0 {
                out.push(self.delimiter);
            }
            write_cell(&cell, self.delimiter as u8, only, out);
        }
        out.push('\n');
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

/// Writes one cell; the only cell of a record is quoted when it is empty, because a blank line
/// is no record.
fn write_cell(cell: &str, delimiter: u8, only: bool, out: &mut String) {
    let plain = !any_byte(cell.as_bytes(), |b| (b == b'"') | (b == b'\n') | (b == b'\r') | (b == delimiter));
    if plain && !(only && cell.is_empty()) {
        return out.push_str(cell);
    }
    out.push('"');
    for (place, part) in cell.split('"').enumerate() {
        if place > 0 {
            out.push_str("\"\"");
        }
        out.push_str(part);
    }
    out.push('"');
}

impl RowWriter for Delimited {
    fn head(&self) -> String {
        let mut out = String::new();
        self.record(self.names.iter().map(|name| name.as_str().into()), &mut out);
        out
    }

    fn row(&self, buffer: &str, row: &[Slot], out: &mut String) {
        let cells = self.columns.iter().map(|column| {
            let slot = row.get(column.index()).copied().unwrap_or_default();
            cell_text(slot, buffer, &self.separator)
        });
        self.record(cells, out);
    }
}

#[cfg(test)]
mod tests {
    use super::write_cell;
    use proptest::prelude::*;

    proptest! {
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
