//! Parquet: columns of text, flags and whole numbers, compressed with Zstandard inside.
//!
//! Worker threads write each row as cells with their lengths; the ordered side gathers them
//! into row groups of a fixed size, so that memory stays flat and the same rows give the same
//! bytes. No target publishes column types, so whatever has parts (lists, objects, packed
//! entries) stands as the text of a delimited cell.

use super::delimited::cell_text;
use super::feed::{Body, Container, Rows};
use super::file::{Finished, Output, WriteError};
use super::{Before, RowWriter};
use crate::cell::Slot;
use crate::product::number;
use crate::spec::{FieldId, Spec};
use ::parquet::basic::{Compression, LogicalType, Repetition, Type as Physical, ZstdLevel};
use ::parquet::column::reader::ColumnReader;
use ::parquet::data_type::{BoolType, ByteArray, ByteArrayType, Int64Type};
use ::parquet::errors::ParquetError;
use ::parquet::file::metadata::KeyValue;
use ::parquet::file::properties::{WriterProperties, WriterPropertiesPtr};
use ::parquet::file::reader::{FileReader, RowGroupReader, SerializedFileReader};
use ::parquet::file::writer::SerializedFileWriter;
use ::parquet::schema::types::{Type as Node, TypePtr};
use std::fmt::Write;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Rendered bytes after which a row group is written: enough for columns to compress well,
/// little enough for several groups in memory.
const GROUP_BYTES: usize = 16 << 20;
/// Shards written at a time when a feed is split; each holds one row group in memory.
const SHARDS_AT_ONCE: usize = 8;

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Type {
    Text,
    Flag,
    Whole,
}

fn type_of(spec: &Spec, column: FieldId) -> Type {
    match spec.get(column).written.kind.as_str() {
        "boolean" => Type::Flag,
        "integer" => Type::Whole,
        _ => Type::Text,
    }
}

/// Writes the cells of a row, each as its length, a colon and its text; an absent one has no
/// length.
pub struct Cells {
    columns: Vec<FieldId>,
    separator: String,
}

impl Cells {
    /// A writer of these columns.
    pub fn new(spec: &Spec, columns: &[FieldId]) -> Self {
        Self { columns: columns.to_vec(), separator: spec.formats.list_separator.clone() }
    }
}

impl RowWriter for Cells {
    fn head(&self) -> String {
        String::new()
    }

    fn row(&self, buffer: &str, row: &[Slot], before: &mut Before, out: &mut String) {
        let slots = self.columns.iter().map(|column| row.get(column.index()).unwrap_or(&Slot::EMPTY));
        before.row(slots, out, |_, slot, out| {
            let text = cell_text(*slot, buffer, &self.separator);
            write_cell(slot.is_present().then_some(&*text), out);
        });
    }
}

fn write_cell(text: Option<&str>, out: &mut String) {
    if let Some(text) = text {
        // Writing into memory cannot fail.
        write!(out, "{}", text.len()).unwrap_or_default();
    }
    out.push(':');
    out.push_str(text.unwrap_or(""));
}

/// How Parquet fills files.
pub struct Table {
    types: Arc<[Type]>,
    schema: TypePtr,
    properties: WriterPropertiesPtr,
}

impl Table {
    /// Files of these columns.
    ///
    /// # Panics
    /// Never: the schema and the compression level are sound.
    pub fn new(spec: &Spec, columns: &[FieldId]) -> Self {
        let types: Arc<[Type]> = columns.iter().map(|&column| type_of(spec, column)).collect();
        let node = |(&column, kind): (&FieldId, &Type)| {
            let (physical, logical) = match kind {
                Type::Text => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
                Type::Flag => (Physical::BOOLEAN, None),
                Type::Whole => (Physical::INT64, None),
            };
            let node = Node::primitive_type_builder(&spec.get(column).name, physical).with_logical_type(logical);
            node.with_repetition(Repetition::OPTIONAL).build().map(Arc::new)
        };
        let nodes: Result<Vec<TypePtr>, ParquetError> = columns.iter().zip(types.iter()).map(node).collect();
        let schema = nodes.and_then(|nodes| Node::group_type_builder("feed").with_fields(nodes).build());
        let level = ZstdLevel::try_new(super::file::ZSTD_LEVEL);
        #[expect(clippy::expect_used, reason = "text, flags and whole numbers have these types, and the level is one of Zstandard's")]
        let (schema, level) = (schema.expect("a flat schema"), level.expect("a level"));
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(level))
            .set_created_by(concat!("feedmill version ", env!("CARGO_PKG_VERSION")).to_owned())
            .set_key_value_metadata(Some(vec![KeyValue::new("feedmill.spec".to_owned(), spec.name())]));
        Self { types, schema: Arc::new(schema), properties: Arc::new(properties.build()) }
    }
}

/// A file in the making: row groups on disk, and the rows of the next one.
struct File {
    path: PathBuf,
    types: Arc<[Type]>,
    writer: SerializedFileWriter<Output>,
    pending: Vec<u8>,
}

fn failed(path: &Path, error: ParquetError) -> WriteError {
    WriteError { path: path.to_owned(), source: io::Error::other(error) }
}

impl Container for Table {
    fn begin(&self, path: &Path) -> Result<Box<dyn Body>, WriteError> {
        let output = Output::create(path, super::Compression::None)?;
        let writer = SerializedFileWriter::new(output, Arc::clone(&self.schema), Arc::clone(&self.properties));
        let writer = writer.map_err(|error| failed(path, error))?;
        Ok(Box::new(File { path: path.to_owned(), types: Arc::clone(&self.types), writer, pending: Vec::new() }))
    }

    fn reread(&self, whole: &Finished) -> Result<Box<dyn Rows>, WriteError> {
        let path = whole.path().to_owned();
        let file = std::fs::File::open(whole.temporary()).map_err(|source| WriteError { path: path.clone(), source })?;
        let reader = SerializedFileReader::new(file).map_err(|error| failed(&path, error))?;
        Ok(Box::new(Written { path, reader, width: self.types.len(), group: 0, left: 0, columns: Vec::new(), row: String::new() }))
    }

    fn at_once(&self) -> usize {
        SHARDS_AT_ONCE
    }

    /// What columns come to shows only in the file; until then only rows are counted.
    fn packed(&self, _: &[u8]) -> usize {
        0
    }
}

/// The rows of a complete file, of which one row group at a time is in memory.
struct Written {
    path: PathBuf,
    reader: SerializedFileReader<std::fs::File>,
    width: usize,
    /// The next row group.
    group: usize,
    /// How many rows of the last one are left.
    left: usize,
    columns: Vec<Stored>,
    row: String,
}

impl Rows for Written {
    fn next(&mut self, _: usize, row: &mut Vec<u8>) -> Result<(), WriteError> {
        while self.left == 0 {
            self.load().map_err(|error| failed(&self.path, error))?;
        }
        self.left -= 1;
        self.row.clear();
        self.columns.iter_mut().for_each(|column| column.next(&mut self.row));
        row.clear();
        row.extend_from_slice(self.row.as_bytes());
        Ok(())
    }
}

impl Written {
    fn load(&mut self) -> Result<(), ParquetError> {
        if self.group == self.reader.num_row_groups() {
            return Err(ParquetError::EOF("fewer rows than were written".to_owned()));
        }
        let group = self.reader.get_row_group(self.group)?;
        self.columns = (0..self.width).map(|place| Stored::read(&*group, place)).collect::<Result<_, _>>()?;
        self.left = usize::try_from(group.metadata().num_rows()).unwrap_or(0);
        self.group += 1;
        Ok(())
    }
}

impl Body for File {
    fn push(&mut self, row: &[u8]) -> Result<(), WriteError> {
        self.pending.extend_from_slice(row);
        if self.pending.len() >= GROUP_BYTES { self.group() } else { Ok(()) }
    }

    fn finish(mut self: Box<Self>) -> Result<Finished, WriteError> {
        if !self.pending.is_empty() {
            self.group()?;
        }
        let path = self.path;
        self.writer.into_inner().map_err(|error| failed(&path, error))?.finish()
    }
}

impl File {
    /// Writes the pending rows as one row group.
    fn group(&mut self) -> Result<(), WriteError> {
        let columns = Chunk::of(&self.types, std::mem::take(&mut self.pending));
        let mut written = || -> Result<(), ParquetError> {
            let mut group = self.writer.next_row_group()?;
            for chunk in &columns {
                let Some(mut column) = group.next_column()? else { break };
                let levels = Some(chunk.levels.as_slice());
                match &chunk.values {
                    Values::Text(values) => column.typed::<ByteArrayType>().write_batch(values, levels, None)?,
                    Values::Flag(values) => column.typed::<BoolType>().write_batch(values, levels, None)?,
                    Values::Whole(values) => column.typed::<Int64Type>().write_batch(values, levels, None)?,
                };
                column.close()?;
            }
            group.close().map(drop)
        };
        written().map_err(|error| failed(&self.path, error))
    }
}

/// The present values of a column.
enum Values {
    Text(Vec<ByteArray>),
    Flag(Vec<bool>),
    Whole(Vec<i64>),
}

/// One column of a row group: which rows have a value (1) or none (0), and the values.
struct Chunk {
    levels: Vec<i16>,
    values: Values,
}

impl Chunk {
    /// Columns of rendered rows; text stays where it is and is pointed at.
    fn of(types: &[Type], rows: Vec<u8>) -> Vec<Self> {
        let empty = |kind: &Type| match kind {
            Type::Text => Values::Text(Vec::new()),
            Type::Flag => Values::Flag(Vec::new()),
            Type::Whole => Values::Whole(Vec::new()),
        };
        let mut chunks: Vec<Self> = types.iter().map(|kind| Self { levels: Vec::new(), values: empty(kind) }).collect();
        let rows = ByteArray::from(rows);
        let bytes = rows.data();
        let mut at = 0;
        while at < bytes.len() && !chunks.is_empty() {
            for chunk in &mut chunks {
                let rest = bytes.get(at..).unwrap_or_default();
                let colon = memchr::memchr(b':', rest).unwrap_or(rest.len());
                let digits = rest.get(..colon).unwrap_or_default();
                let length = digits.iter().fold(0, |sum, digit| sum * 10 + usize::from(digit.wrapping_sub(b'0')));
                let start = (at + colon + 1).min(bytes.len());
                at = (start + length).min(bytes.len());
                let text = || std::str::from_utf8(bytes.get(start..at).unwrap_or_default()).unwrap_or("");
                let present = !digits.is_empty()
                    && match &mut chunk.values {
                        Values::Text(values) => {
                            values.push(rows.slice(start, at - start));
                            true
                        }
                        Values::Flag(values) => {
                            values.push(text() == "true");
                            true
                        }
                        // The rules have let only whole numbers of 64 bits through.
                        Values::Whole(values) => number::parse_whole(text())
                            .and_then(|whole| i64::try_from(whole).ok())
                            .map(|whole| values.push(whole))
                            .is_some(),
                    };
                chunk.levels.push(i16::from(present));
            }
        }
        chunks
    }
}

/// A column of a row group read again.
struct Stored {
    chunk: Chunk,
    row: usize,
    value: usize,
}

impl Stored {
    fn read(group: &dyn RowGroupReader, place: usize) -> Result<Self, ParquetError> {
        let count = usize::try_from(group.metadata().num_rows()).unwrap_or(0);
        let mut levels = Vec::with_capacity(count);
        let values = match group.get_column_reader(place)? {
            ColumnReader::ByteArrayColumnReader(mut reader) => {
                let mut values = Vec::new();
                reader.read_records(count, Some(&mut levels), None, &mut values)?;
                Values::Text(values)
            }
            ColumnReader::BoolColumnReader(mut reader) => {
                let mut values = Vec::new();
                reader.read_records(count, Some(&mut levels), None, &mut values)?;
                Values::Flag(values)
            }
            ColumnReader::Int64ColumnReader(mut reader) => {
                let mut values = Vec::new();
                reader.read_records(count, Some(&mut levels), None, &mut values)?;
                Values::Whole(values)
            }
            _ => return Err(ParquetError::General("a column has a type that was not written".to_owned())),
        };
        Ok(Self { chunk: Chunk { levels, values }, row: 0, value: 0 })
    }

    /// Writes the next row's cell as [`Cells`] does.
    fn next(&mut self, out: &mut String) {
        let present = self.chunk.levels.get(self.row) == Some(&1);
        self.row += 1;
        if !present {
            return write_cell(None, out);
        }
        match &self.chunk.values {
            Values::Text(values) => {
                let text = values.get(self.value).map_or(&[][..], ByteArray::data);
                write_cell(Some(std::str::from_utf8(text).unwrap_or("")), out);
            }
            Values::Flag(values) => write_cell(Some(if values.get(self.value) == Some(&true) { "true" } else { "false" }), out),
            Values::Whole(values) => write_cell(Some(&values.get(self.value).copied().unwrap_or(0).to_string()), out),
        }
        self.value += 1;
    }
}
