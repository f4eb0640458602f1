//! Opening a source: from a path to a stream of text whose format, encoding and header are
//! known, with the parser that fits.

use super::block::{Align, Blocks, Splitter};
use super::decode::Stream;
use super::{Format, Header, MAX_COLUMNS, ReadError, SourceFacts, csv, json, sniff};
use crate::catalog::Batch;
use crate::catalog::block::Block;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

/// How much of a source is looked at before the first record.
pub const SAMPLE: usize = 1 << 20;

/// What a person may say about a source instead of leaving it to detection.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// The encoding's label, as in the WHATWG standard.
    pub encoding: Option<String>,
    /// The separator of a delimited file.
    pub delimiter: Option<u8>,
    /// The format's word: csv, tsv, json, jsonl.
    pub format: Option<String>,
}

/// A source, ready to be read.
pub struct Source {
    /// What is known of it.
    pub facts: SourceFacts,
    /// Its columns.
    pub header: Header,
    /// The first part of its text, from the header on.
    pub sample: Vec<u8>,
    stream: Stream,
    head: Vec<u8>,
    line: u64,
    raw: Vec<u8>,
    seen: usize,
}

/// Turns blocks into batches, on any thread.
#[derive(Clone, Debug)]
pub enum Parser {
    /// For delimited text.
    Cells(csv::Cells),
    /// For JSON.
    Objects(json::Objects),
}

impl Parser {
    /// The parser for a format and its columns.
    pub fn of(format: Format, header: &Arc<Header>) -> Self {
        match format {
            Format::Delimited { delimiter } => Self::Cells(csv::Cells { delimiter, width: header.names().len() }),
            Format::JsonLines | Format::Json => Self::Objects(json::Objects { header: Arc::clone(header) }),
        }
    }

    /// Parses a block.
    pub fn parse(&self, block: Block) -> Batch {
        match self {
            Self::Cells(cells) => cells.parse(block),
            Self::Objects(objects) => objects.parse(block),
        }
    }
}

/// Opens the file at `path`, or standard input for `-`.
pub fn open(path: &str, wanted: &Wanted) -> Result<Source, ReadError> {
    if path == "-" {
        return source(Box::new(std::io::stdin()), "<stdin>".into(), None, None, wanted);
    }
    let io = |source: std::io::Error| ReadError::Io { file: path.to_owned(), source };
    let meta = std::fs::metadata(path).map_err(io)?;
    if meta.is_dir() {
        let message = "a folder; give a file, or a glob such as `exports/*.csv`".to_owned();
        return Err(ReadError::NotACatalog { file: path.to_owned(), message });
    }
    let file = std::fs::File::open(path).map_err(io)?;
    source(Box::new(file), path.into(), Some(path.into()), meta.is_file().then_some(meta), wanted)
}

fn source(
    reader: Box<dyn Read + Send>,
    file: Arc<str>,
    path: Option<std::path::PathBuf>,
    meta: Option<std::fs::Metadata>,
    wanted: &Wanted,
) -> Result<Source, ReadError> {
    let refuse = |message: String| ReadError::NotACatalog { file: file.to_string(), message };
    let mut stream = Stream::raw(reader, Arc::clone(&file));
    let raw = read_head(&mut stream, 64)?;
    let compression = match raw.as_slice() {
        [0x1f, 0x8b, ..] => Some("gzip"),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Some("zstd"),
        _ => None,
    };
    stream = stream.with_head(raw);
    stream = match compression {
        Some("gzip") => stream.gzip(),
        Some(_) => stream.zstd()?,
        None => stream,
    };
    let mut head = read_head(&mut stream, SAMPLE)?;
    if head.is_empty() {
        return Err(refuse("the file is empty".to_owned()));
    }
    if let Some(what) = sniff::foreign(&head) {
        return Err(refuse(format!("this is {what}")));
    }
    let bom = sniff::bom(&head);
    let (encoding, first_odd_byte) = match (&wanted.encoding, bom) {
        (Some(label), _) => {
            let found = encoding_rs::Encoding::for_label(label.as_bytes());
            (found.ok_or_else(|| refuse(format!("`{label}` is no encoding; try utf-8, windows-1252 or utf-16le")))?, None)
        }
        (None, Some((encoding, _))) => (encoding, None),
        (None, None) => sniff::encoding(&head),
    };
    if !matches!(encoding.name(), "UTF-16LE" | "UTF-16BE") && sniff::is_binary(&head) {
        return Err(refuse("this is binary data, not text; give a CSV, TSV, JSON or JSONL file".to_owned()));
    }
    if encoding != encoding_rs::UTF_8 || bom.is_some() {
        stream = stream.with_head(head).transcode(encoding);
        head = read_head(&mut stream, SAMPLE)?;
    }
    let name = path.as_deref().and_then(Path::file_name).and_then(|name| name.to_str()).unwrap_or("").to_ascii_lowercase();
    if name.ends_with(".sql") {
        return Err(refuse("this is an SQL dump; load it into a database and export the table as CSV".to_owned()));
    }
    let format = format(&name, &head, wanted).map_err(|what| refuse(format!("this is {what}")))?;
    let mut facts = SourceFacts {
        file,
        path,
        format,
        compression,
        encoding: encoding.name(),
        bom: bom.is_some(),
        size: meta.as_ref().map(std::fs::Metadata::len),
        modified: meta.and_then(|meta| meta.modified().ok()),
        first_odd_byte,
        skipped_lines: 0,
    };
    match format {
        Format::Delimited { delimiter } => delimited(stream, head, delimiter, facts),
        Format::JsonLines | Format::Json => {
            let keys = json::keys(&head, splitter(format).as_mut());
            if keys.len() > MAX_COLUMNS {
                return Err(ReadError::NotACatalog { file: facts.file.to_string(), message: too_wide(keys.len()) });
            }
            facts.skipped_lines = 0;
            let header = Header::new(keys.iter().map(String::as_str));
            let seen = header.names().len();
            Ok(Source { facts, header, sample: head.clone(), stream, raw: head.clone(), head, line: 1, seen })
        }
    }
}

fn format(name: &str, head: &[u8], wanted: &Wanted) -> Result<Format, &'static str> {
    let delimited =
        |default: Option<u8>| Format::Delimited { delimiter: wanted.delimiter.or(default).unwrap_or_else(|| sniff::delimiter(name, head)) };
    match wanted.format.as_deref() {
        Some("csv") => Ok(delimited(None)),
        Some("tsv") => Ok(delimited(Some(b'\t'))),
        Some("jsonl") => Ok(Format::JsonLines),
        Some("json") => Ok(Format::Json),
        _ => Ok(sniff::format(name, head)?.unwrap_or_else(|| delimited(None))),
    }
}

fn too_wide(columns: usize) -> String {
    format!("the header has {columns} columns, {MAX_COLUMNS} are the most; check the delimiter")
}

/// Finds the header of a delimited file: rows of comments stand in front of some.
fn delimited(stream: Stream, head: Vec<u8>, delimiter: u8, mut facts: SourceFacts) -> Result<Source, ReadError> {
    let file = facts.file.to_string();
    let mut records = csv::Records { delimiter };
    let mut marks = Vec::new();
    let whole = head.len() < SAMPLE;
    let cut = |(line, message): (u64, String)| ReadError::Incomplete { file: file.clone(), line, message };
    records.split(&head, 1, whole, &mut marks).map_err(cut)?;
    let comment = |mark: &&super::block::Mark| {
        let first = head.get(mark.start as usize).copied();
        let quoted = first == Some(b'"') && head.get(mark.start as usize + 1) == Some(&b'#');
        first == Some(b'#') || quoted
    };
    let Some(header_mark) = marks.iter().find(|mark| !comment(mark)).copied() else {
        let message = if whole {
            "the file holds no header".to_owned()
        } else {
            "the header is longer than 1 MiB; check that this is delimited text".to_owned()
        };
        return Err(ReadError::NotACatalog { file, message });
    };
    let record = head.get(header_mark.start as usize..header_mark.end as usize).unwrap_or_default();
    let mut reader = ::csv::ReaderBuilder::new().delimiter(delimiter).has_headers(false).flexible(true).from_reader(record);
    let names: Vec<String> = reader
        .byte_records()
        .next()
        .and_then(Result::ok)
        .map_or(Vec::new(), |record| record.iter().map(|cell| String::from_utf8_lossy(cell).into_owned()).collect());
    if names.len() > MAX_COLUMNS {
        return Err(ReadError::NotACatalog { file, message: too_wide(names.len()) });
    }
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    // Separators at the end of the header name no columns.
    let width = names.iter().rposition(|name| !name.trim().is_empty()).map_or(0, |last| last + 1);
    let header = Header::new(names.get(..width).unwrap_or_default().iter().copied());
    if header.names().is_empty() {
        return Err(ReadError::NotACatalog { file, message: "the header names no columns".to_owned() });
    }
    let after = memchr::memchr(b'\n', head.get(header_mark.end as usize..).unwrap_or_default());
    let start = after.map_or(head.len(), |feed| header_mark.end as usize + feed + 1);
    let lines_before = memchr::memchr_iter(b'\n', head.get(..start).unwrap_or_default()).count() as u64;
    facts.skipped_lines = header_mark.line - 1;
    let sample = head.get(start..).unwrap_or_default().to_vec();
    let seen = header.names().len();
    Ok(Source { facts, header, sample: sample.clone(), stream, raw: head, head: sample, line: lines_before + 1, seen })
}

fn splitter(format: Format) -> Box<dyn Splitter> {
    match format {
        Format::Delimited { delimiter } => Box::new(csv::Records { delimiter }),
        Format::JsonLines => Box::new(json::Lines),
        Format::Json => Box::new(json::Elements::default()),
    }
}

fn read_head(stream: &mut Stream, most: usize) -> Result<Vec<u8>, ReadError> {
    let mut head = Vec::new();
    let read = stream.take(most as u64).read_to_end(&mut head);
    read.map_err(|error| stream.error(error))?;
    Ok(head)
}

impl Source {
    /// Copies the text of the whole source, header included.
    ///
    /// # Errors
    /// When either side fails.
    pub fn copy_to(mut self, out: &mut std::fs::File) -> Result<(), ReadError> {
        use std::io::Write;
        let fail = |source| ReadError::Io { file: self.facts.file.to_string(), source };
        out.write_all(&self.raw).map_err(fail)?;
        std::io::copy(&mut self.stream, out).map_err(|error| self.stream.error(error))?;
        out.flush().map_err(fail)
    }

    /// How many columns were there when the source was opened; later ones are keys that may come.
    pub fn seen(&self) -> usize {
        self.seen
    }

    /// Adds columns for keys that may turn up later in a JSON source; a delimited header is final.
    pub fn expect_keys<'a>(&mut self, names: impl IntoIterator<Item = &'a str>) {
        if matches!(self.facts.format, Format::Delimited { .. }) {
            return;
        }
        for name in names {
            if self.header.column(name).is_none() && self.header.names().len() < MAX_COLUMNS {
                self.header.add(name);
            }
        }
    }

    /// The records of the sample, parsed.
    pub fn sample_batch(&self) -> Batch {
        let mut marks = Vec::new();
        let whole = self.sample.len() < SAMPLE / 2;
        // What the sample cuts off is read later and judged there.
        let _cut = splitter(self.facts.format).split(&self.sample, self.line, whole, &mut marks);
        let block = Block { index: 0, source: 0, bytes: self.sample.clone(), marks, first: 1, position: 0 };
        Parser::of(self.facts.format, &Arc::new(self.header.clone())).parse(block)
    }

    /// The blocks of the source; `align` keeps rows together that belong together.
    pub fn blocks(self, index: u16, align: Option<Align>) -> Blocks {
        Blocks::new(self.stream, self.head, splitter(self.facts.format), align, index, self.line)
    }
}
