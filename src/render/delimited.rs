//! Delimited text: a header and one record a row, quoted where needed (RFC 4180).

use super::RowWriter;
use crate::cell::{Shape, Slot};
use crate::spec::{FieldId, Spec};

/// A writer of CSV or TSV.
pub struct Delimited {
    columns: Vec<FieldId>,
    names: Vec<String>,
    delimiter: u8,
    separator: String,
}

impl Delimited {
    /// A writer with these columns.
    pub fn new(spec: &Spec, columns: &[FieldId], delimiter: u8) -> Self {
        let names = columns.iter().map(|&column| spec.get(column).name.clone()).collect();
        Self { columns: columns.to_vec(), names, delimiter, separator: spec.formats.list_separator.clone() }
    }

    fn record<'a>(&self, cells: impl Iterator<Item = std::borrow::Cow<'a, str>>, out: &mut Vec<u8>) {
        let mut writer = csv::WriterBuilder::new().delimiter(self.delimiter).buffer_capacity(4096).from_writer(out);
        for cell in cells {
            // Writing into memory cannot fail.
            writer.write_field(cell.as_bytes()).unwrap_or_default();
        }
        writer.write_record(None::<&[u8]>).unwrap_or_default();
    }
}

impl RowWriter for Delimited {
    fn head(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.record(self.names.iter().map(|name| name.as_str().into()), &mut out);
        out
    }

    fn row(&self, buffer: &str, row: &[Slot], out: &mut Vec<u8>) {
        let cells = self.columns.iter().map(|column| {
            let slot = row.get(column.index()).copied().unwrap_or_default();
            let text = slot.text(buffer);
            if slot.cell.shape == Shape::List {
                let entries: Vec<String> = serde_json::from_str(text).unwrap_or_default();
                return entries.join(&self.separator).into();
            }
            text.into()
        });
        self.record(cells, out);
    }
}
