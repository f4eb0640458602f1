//! Delimited text: a header and one record a row, quoted where needed (RFC 4180).

use super::{Before, RowWriter};
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
}

/// The text of a value in a format whose cells are text: a list of a JSON source is joined.
pub(crate) fn cell_text<'a>(slot: Slot, buffer: &'a str, separator: &str) -> Cow<'a, str> {
    let text = slot.text(buffer);
    if slot.cell.shape == Shape::List {
        let entries: Vec<String> = serde_json::from_str(text).unwrap_or_default();
        return entries.join(separator).into();
    }
    text.into()
}

/// Writes one cell.
pub(crate) fn write_cell(cell: &str, delimiter: u8, out: &mut String) {
    if !any_byte(cell.as_bytes(), |b| (b == b'"') | (b == b'\n') | (b == b'\r') | (b == delimiter)) {
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
            write_cell(name, self.delimiter as u8, &mut out);
        }
        out.push('\n');
        out
    }

    fn row(&self, buffer: &str, row: &[Slot], before: &mut Before, out: &mut String) {
        let start = out.len();
        let slots = self.columns.iter().map(|column| row.get(column.index()).unwrap_or(&Slot::EMPTY));
        before.row(slots, out, |place, slot, out| {
            if place > 0 {
                out.push(self.delimiter);
            }
            match slot.cell.shape {
                Shape::Absent => {}
                Shape::List => write_cell(&cell_text(*slot, buffer, &self.separator), self.delimiter as u8, out),
                _ => write_cell(slot.text(buffer), self.delimiter as u8, out),
            }
        });
        if out.len() == start {
            // The only cell of a record is quoted when it is empty, because a blank line is no record.
            out.push_str("\"\"");
        }
        out.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::Delimited;
    use crate::cell::Slot;
    use crate::render::{Before, RowWriter};
    use crate::spec::FieldId;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_csv_crate_reads_it_back(
            width in 1usize..4,
            cells in prop::collection::vec("[a\",\t\n\ré ]{0,5}|[a-z]{10,30}[\",\t]?[a-z]{0,9}", 3..15),
            tab in any::<bool>(),
        ) {
            let delimiter = if tab { b'\t' } else { b',' };
            let spec = crate::spec::load::spec("openai").expect("built in");
            let columns: Vec<FieldId> = (0..width).map(|place| FieldId(place as u16)).collect();
            let writer = Delimited::new(&spec, &columns, delimiter);
            let rows: Vec<&[String]> = cells.chunks_exact(width).collect();
            let (mut out, mut before) = (String::new(), Before::default());
            for row in &rows {
                before.clear();
                let mut buffer = String::new();
                let row: Vec<Slot> = row.iter().map(|cell| Slot::store(&mut buffer, cell, 0)).collect();
                writer.row(&buffer, &row, &mut before, &mut out);
            }
            let mut reader = csv::ReaderBuilder::new().has_headers(false).delimiter(delimiter).from_reader(out.as_bytes());
            let read: Vec<Vec<String>> = reader.records().map(|row| row.expect("sound").iter().map(str::to_owned).collect()).collect();
            prop_assert_eq!(read, rows);
        }
    }
}
