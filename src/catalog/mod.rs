//! Catalogs: where records come from, whatever the file looks like.
//!
//! `locate` finds a source and keeps on disk what is no file: what an address, a command, a
//! database or standard input gives. `open` finds out what it is, `decode` undoes compression
//! and encoding, a format's splitter cuts the stream into blocks of whole records on the
//! reading thread, and its parser turns a block into a batch of cells on any thread. Readers of
//! what is no text write `rows`, which are read on like text. Nothing here knows attributes.

mod binary;
pub mod block;
#[cfg(any(feature = "excel", feature = "parquet"))]
mod chunks;
mod command;
pub mod csv;
pub mod database;
pub mod decode;
mod document;
#[cfg(feature = "excel")]
mod excel;
pub mod json;
pub mod locate;
pub mod open;
#[cfg(feature = "parquet")]
mod parquet;
mod places;
pub mod remote;
pub mod rows;
pub mod sniff;
mod spool;
pub mod xml;

use crate::cell::Cell;
use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;

/// Most columns a catalog may have.
pub const MAX_COLUMNS: usize = 16_384;
/// Most bytes of one record.
pub const MAX_RECORD: usize = 256 << 20;

/// A source cannot be read, or not to its end.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file cannot be opened or read.
    #[error("{file}: {source}")]
    Io {
        /// The file.
        file: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// The file is there, but it is no catalog.
    #[error("{file}: {message}")]
    NotACatalog {
        /// The file.
        file: String,
        /// What it is instead, and what to do.
        message: String,
    },
    /// What cannot be read twice cannot be kept either.
    #[error("{file} cannot be kept in a temporary file: {source}; is there room in the folder that TMPDIR names?")]
    Spool {
        /// The source.
        file: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// The server says that its catalog is the one that was read before.
    #[error("{file}: unchanged{}", if since.is_empty() { String::new() } else { format!(" since {since}") })]
    Unchanged {
        /// The address.
        file: String,
        /// When it was last changed, as the server says it; empty where it does not.
        since: String,
    },
    /// The source holds more than one catalog, and it is not said which.
    #[error("{file}: {message}")]
    Unsaid {
        /// The source.
        file: String,
        /// What there is, and what to type.
        message: String,
    },
    /// Somebody asked the program to stop while it waited for the source.
    #[error("{file}: stopped while it was read")]
    Stopped {
        /// The source.
        file: String,
    },
    /// The file ends, or breaks, before its content does.
    #[error("{file}{}: {message}", if *line > 0 { format!(":{line}") } else { String::new() })]
    Incomplete {
        /// The file.
        file: String,
        /// The line, from 1; 0 where lines mean nothing.
        line: u64,
        /// What is missing.
        message: String,
    },
}

/// Bytes that are no text, as databases show them.
fn hex(bytes: &[u8]) -> String {
    let digit = |half: u8| char::from_digit(u32::from(half), 16).unwrap_or('0');
    "\\x".chars().chain(bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)])).collect()
}

/// A format of catalog files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Format {
    /// Cells separated by a byte, quoted as in RFC 4180.
    Delimited {
        /// The separator.
        delimiter: u8,
    },
    /// One JSON object a line.
    JsonLines,
    /// A JSON array of objects, or an object that holds one: the first, or the one at a path.
    Json(Option<Arc<str>>),
    /// An XML document in which an element repeats.
    Xml(Arc<xml::Shape>),
    /// Rows of what is no text.
    Rows {
        /// The word for what that is.
        word: &'static str,
        /// Whether its rows have numbers that people see.
        numbered: bool,
    },
}

impl Format {
    /// The word used in reports and on the command line.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Delimited { delimiter: b'\t' } => "tsv",
            Self::Delimited { .. } => "csv",
            Self::JsonLines => "jsonl",
            Self::Json(_) => "json",
            Self::Xml(_) => "xml",
            Self::Rows { word, .. } => word,
        }
    }
}

/// What is known of a source before its first record.
#[derive(Clone, Debug)]
pub struct SourceFacts {
    /// The name for messages: the path as given, or `<stdin>`.
    pub file: Arc<str>,
    /// The path; `None` for what is no file of the merchant's.
    pub path: Option<PathBuf>,
    /// The format.
    pub format: Format,
    /// The compression, if any.
    pub compression: Option<&'static str>,
    /// The encoding's name.
    pub encoding: &'static str,
    /// Whether a byte order mark stood in front.
    pub bom: bool,
    /// The size on disk, where it is known.
    pub size: Option<u64>,
    /// When the file was last changed, where it is known.
    pub modified: Option<std::time::SystemTime>,
    /// Where the first byte that is not UTF-8 stands, where that decided the encoding.
    pub first_odd_byte: Option<u64>,
    /// Lines in front of the header that hold no records.
    pub skipped_lines: u64,
    /// The sheet of a workbook.
    pub sheet: Option<String>,
    /// Whether nothing but its last byte can show that the source is whole.
    pub may_be_cut: bool,
    /// What a server said of the version it sent.
    pub validators: Option<remote::Validators>,
}

impl SourceFacts {
    /// How many bytes there are to read, for those who watch.
    pub fn length(&self) -> Option<u64> {
        self.size.filter(|_| !matches!(self.format, Format::Rows { .. }))
    }

    /// Checks, after `bytes` were read, that the file is still the one that was opened.
    ///
    /// # Errors
    /// When it has grown, shrunk or been written to: what was read is then neither the old
    /// catalog nor the new one.
    pub fn is_unchanged(&self, bytes: u64) -> Result<(), ReadError> {
        let (Some(path), Some(size)) = (&self.path, self.size) else { return Ok(()) };
        let now = std::fs::metadata(path);
        let same = now.is_ok_and(|now| now.len() == size && now.modified().ok() == self.modified);
        if same && bytes == size {
            return Ok(());
        }
        let message = "the file was changed while it was read; run again when it is complete".to_owned();
        Err(ReadError::Incomplete { file: self.file.to_string(), line: 0, message })
    }
}

/// How many columns are looked at before a name is searched for: values that are missing in a
/// record are passed over so.
const NEAR: usize = 4;

/// The columns of a source.
#[derive(Clone, Debug, Default)]
pub struct Header {
    names: Vec<Arc<str>>,
    by_name: HashMap<Arc<str>, u16>,
    /// Names that occur more than once; the first column of the name counts.
    pub repeated: Vec<Arc<str>>,
}

impl Header {
    /// A header of these names, trimmed; an empty one is called by its place.
    pub fn new<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let mut header = Self::default();
        for name in names {
            header.add(name);
        }
        header
    }

    /// Adds a column.
    pub fn add(&mut self, name: &str) {
        let name: Arc<str> = match crate::product::text::trim(name) {
            "" => format!("column {}", self.names.len() + 1).into(),
            name => name.into(),
        };
        if self.by_name.contains_key(&name) {
            self.repeated.push(Arc::clone(&name));
        } else {
            self.by_name.insert(Arc::clone(&name), self.names.len() as u16);
        }
        self.names.push(name);
    }

    /// The columns' names, in order.
    pub fn names(&self) -> &[Arc<str>] {
        &self.names
    }

    /// The column of a name, exactly as spelled.
    pub fn column(&self, name: &str) -> Option<u16> {
        self.by_name.get(name).copied()
    }

    /// The same, looked for among the next ones behind a column first: records mostly name their
    /// values in the order of the first.
    pub(crate) fn column_behind(&self, before: Option<u16>, name: &str) -> Option<u16> {
        let next = before.map_or(0, |before| usize::from(before) + 1);
        let near = self.names.get(next..).unwrap_or_default().iter().take(NEAR);
        match near.into_iter().position(|known| **known == *name) {
            Some(place) if self.repeated.is_empty() => Some((next + place) as u16),
            _ => self.column(name),
        }
    }
}

/// Where a record stands.
#[derive(Clone, Copy, Debug)]
pub struct RecordHead {
    /// Its number, from 1, the header not counted.
    pub number: u64,
    /// The line it starts on, from 1.
    pub line: u64,
}

/// A record that could not be read.
#[derive(Clone, Debug)]
pub struct BadRecord {
    /// Where it stands.
    pub head: RecordHead,
    /// The column, from 1, where one is known.
    pub column: u32,
    /// The second half of the finding's code.
    pub defect: &'static str,
    /// What is wrong.
    pub message: String,
}

/// Keys that no column stands for, each with the first record that has it. All of a batch are
/// kept: the batch itself bounds how many there can be.
#[derive(Debug, Default)]
pub struct LateKeys {
    /// In the order they were met.
    pub keys: Vec<(String, RecordHead)>,
    met: HashSet<u64>,
}

impl LateKeys {
    /// Notes a key, the first time it is met.
    pub fn add(&mut self, key: &str, head: RecordHead) {
        if self.met.insert(xxhash_rust::xxh3::xxh3_64(key.as_bytes())) {
            self.keys.push((key.to_owned(), head));
        }
    }
}

/// Some records with the buffer their cells point into.
#[derive(Debug, Default)]
pub struct Batch {
    /// The place of the batch in the run, from 0.
    pub index: u64,
    /// The source, from 0.
    pub source: u16,
    /// The buffer.
    pub text: String,
    /// Cells in a row.
    pub width: usize,
    /// All cells, row by row.
    pub cells: Vec<Cell>,
    /// One entry a row.
    pub heads: Vec<RecordHead>,
    /// Records that are not among the rows.
    pub bad: Vec<BadRecord>,
    /// Object keys that no column stands for.
    pub late: LateKeys,
    /// How far into the source file the batch reaches, in bytes on disk.
    pub position: u64,
}

impl Batch {
    /// The cells of a row.
    pub fn row(&self, place: usize) -> &[Cell] {
        self.cells.get(place * self.width..(place + 1) * self.width).unwrap_or_default()
    }
}
