//! Opening a source: from a file to a stream of text whose format, encoding and header are
//! known, with the parser that fits.

use super::block::{Align, Block, Blocks, Mark, Splitter};
use super::decode::Stream;
use super::locate::{Local, Located, Wanted, locate};
use super::spool;
use super::{Batch, Format, Header, MAX_COLUMNS, ReadError, SourceFacts, binary, csv, document, json, rows, sniff, xml};
use std::io::Read;
use std::sync::Arc;

/// How much of a source is looked at before the first record.
pub const SAMPLE: usize = 1 << 20;

/// How many rows of a sheet may stand in front of its header.
const ROWS_BEFORE_HEADER: usize = 20;

/// A source, ready to be read.
pub struct Source {
    /// What is known of it.
    pub facts: SourceFacts,
    /// Its columns.
    pub header: Header,
    /// The first part of its text, from the header on.
    pub sample: Vec<u8>,
    stream: Stream,
    /// What stands before the first record.
    lead: Vec<u8>,
    head: Vec<u8>,
    line: u64,
    seen: usize,
}

/// Turns blocks into batches, on any thread.
#[derive(Clone, Debug)]
pub enum Parser {
    /// For delimited text.
    Cells(csv::Cells),
    /// For JSON.
    Objects(json::Objects),
    /// For XML.
    Elements(xml::Elements),
    /// For rows of what is no text.
    Arrays(rows::Arrays),
}

impl Parser {
    /// The parser for a format and its columns.
    pub fn of(format: &Format, header: &Arc<Header>) -> Self {
        let width = header.names().len();
        match format {
            Format::Delimited { delimiter } => Self::Cells(csv::Cells { delimiter: *delimiter, width }),
            Format::JsonLines | Format::Json(_) => Self::Objects(json::Objects { header: Arc::clone(header) }),
            Format::Xml(shape) => Self::Elements(xml::Elements { header: Arc::clone(header), shape: Arc::clone(shape) }),
            Format::Rows { numbered, .. } => Self::Arrays(rows::Arrays { width, numbered: *numbered }),
        }
    }

    /// Parses a block.
    pub fn parse(&self, block: Block) -> Batch {
        match self {
            Self::Cells(cells) => cells.parse(block),
            Self::Objects(objects) => objects.parse(block),
            Self::Elements(elements) => elements.parse(block),
            Self::Arrays(arrays) => arrays.parse(block),
        }
    }
}

/// Finds the source at `path` and opens it.
///
/// # Errors
/// When it is not there, not whole, or no catalog.
pub fn open(path: &str, wanted: &Wanted) -> Result<Source, ReadError> {
    located(&locate(path, wanted)?, wanted)
}

/// Opens a source that was found, as often as needed.
///
/// # Errors
/// When it cannot be read or is no catalog.
pub fn located(found: &Located, wanted: &Wanted) -> Result<Source, ReadError> {
    let file = Arc::clone(&found.file);
    let path = match &found.local {
        Local::File(path) => path.as_path(),
        Local::Kept(kept) | Local::Rows(kept, _) => kept.path(),
    };
    let io = |source: std::io::Error| ReadError::Io { file: file.to_string(), source };
    let meta = std::fs::metadata(path).map_err(io)?;
    let own = matches!(found.local, Local::File(_));
    let mut facts = SourceFacts {
        file: Arc::clone(&file),
        path: own.then(|| path.to_owned()),
        format: Format::Json(None),
        compression: None,
        encoding: "UTF-8",
        bom: false,
        size: meta.is_file().then_some(meta.len()),
        modified: meta.modified().ok(),
        first_odd_byte: None,
        skipped_lines: 0,
        sheet: None,
        may_be_cut: found.may_be_cut,
        validators: found.validators.clone(),
    };
    let mut stream = Stream::raw(Box::new(std::fs::File::open(path).map_err(io)?), Arc::clone(&file));
    if let Local::Rows(_, word) = &found.local {
        facts.format = Format::Rows { word, numbered: false };
        return row_lines(stream, facts);
    }
    let refuse = |message: String| ReadError::NotACatalog { file: file.to_string(), message };
    let raw = read_head(&mut stream, 64)?;
    facts.compression = sniff::compression(&raw);
    stream = stream.with_head(raw);
    stream = match facts.compression {
        Some("gzip") => stream.gzip(),
        Some(_) => stream.zstd()?,
        None => stream,
    };
    let mut head = read_head(&mut stream, SAMPLE)?;
    if head.is_empty() {
        return Err(refuse("the file is empty".to_owned()));
    }
    if let Some(kind) = binary::kind(&head) {
        // These are read from several places at once, so a packed one is unpacked to disk first.
        let kept = facts.compression.map(|_| spool::unpack(stream.with_head(head))).transpose()?;
        return binary::open(kind, path, kept.as_ref(), facts, wanted).and_then(|(stream, facts)| row_lines(stream, facts));
    }
    if let Some(what) = sniff::foreign(&head) {
        return Err(refuse(format!("this is {what}")));
    }
    let bom = sniff::bom(&head);
    facts.bom = bom.is_some();
    let (encoding, first_odd_byte) = match (&wanted.encoding, bom) {
        (Some(label), _) => {
            let found = encoding_rs::Encoding::for_label(label.as_bytes());
            (found.ok_or_else(|| refuse(format!("`{label}` is no encoding; try utf-8, windows-1252 or utf-16le")))?, None)
        }
        (None, Some((encoding, _))) => (encoding, None),
        (None, None) => match sniff::declared(&head) {
            Some(encoding) => (encoding, None),
            None => sniff::encoding(&head),
        },
    };
    (facts.encoding, facts.first_odd_byte) = (encoding.name(), first_odd_byte);
    if !matches!(encoding.name(), "UTF-16LE" | "UTF-16BE") && sniff::is_binary(&head) {
        return Err(refuse("this is binary data, not text; `feedmill --help` lists the formats that are read".to_owned()));
    }
    if encoding != encoding_rs::UTF_8 || bom.is_some() {
        stream = stream.with_head(head).transcode(encoding);
        head = read_head(&mut stream, SAMPLE)?;
    }
    if sniff::is_dump(&found.name, &head) {
        let message = "this is an SQL dump, which is not read; load it into a database first \
            (`sqlite3 shop.db < dump.sql`, or with the client of your server) and give that as the input, with `--table` or `--query`";
        return Err(refuse(message.to_owned()));
    }
    facts.format = format(&found.name, &head, wanted).map_err(refuse)?;
    match facts.format.clone() {
        Format::Delimited { delimiter } if !wanted.header.is_empty() => Ok(without_header(stream, head, delimiter, facts, &wanted.header)),
        Format::Delimited { delimiter } => delimited(stream, &head, delimiter, facts),
        Format::Rows { .. } => {
            Err(ReadError::NotACatalog { file: file.to_string(), message: "this is no workbook or Parquet file".to_owned() })
        }
        Format::JsonLines | Format::Json(_) => {
            let keys = json::keys(&head, splitter(&facts.format).as_mut());
            keyed(stream, head, facts, &keys)
        }
        Format::Xml(shape) => {
            let keys = xml::columns(&head, &shape);
            keyed(stream, head, facts, &keys)
        }
    }
}

/// A source whose columns are the keys that its first records have.
fn keyed(stream: Stream, head: Vec<u8>, facts: SourceFacts, keys: &[String]) -> Result<Source, ReadError> {
    if keys.len() > MAX_COLUMNS {
        return Err(ReadError::NotACatalog { file: facts.file.to_string(), message: too_wide(keys.len()) });
    }
    let header = Header::new(keys.iter().map(String::as_str));
    let seen = header.names().len();
    Ok(Source { facts, header, sample: head.clone(), stream, lead: Vec::new(), head, line: 1, seen })
}

fn format(name: &str, head: &[u8], wanted: &Wanted) -> Result<Format, String> {
    let delimited =
        |default: Option<u8>| Format::Delimited { delimiter: wanted.delimiter.or(default).unwrap_or_else(|| sniff::delimiter(name, head)) };
    let xml = || xml::detect(head, wanted.record.as_deref()).map(|shape| Format::Xml(Arc::new(shape)));
    let json = |()| Format::Json(wanted.record.as_deref().map(Arc::from));
    match wanted.format.as_deref() {
        Some("csv") => Ok(delimited(None)),
        Some("tsv") => Ok(delimited(Some(b'\t'))),
        Some("jsonl") => Ok(Format::JsonLines),
        Some("json") => Ok(json(())),
        Some("xml") => xml(),
        Some(word) => Err(format!("this is no {word} file; leave `--from` out and the format is detected")),
        None if sniff::is_xml(head) => xml(),
        None => Ok(match sniff::format(name, head) {
            Some(Format::Json(_)) => json(()),
            Some(found) => found,
            None => delimited(None),
        }),
    }
}

fn too_wide(columns: usize) -> String {
    format!("the header has {columns} columns, {MAX_COLUMNS} are the most; check the delimiter")
}

/// A delimited file without a header, whose columns somebody has named.
fn without_header(stream: Stream, head: Vec<u8>, delimiter: u8, facts: SourceFacts, names: &[String]) -> Source {
    let facts = SourceFacts { format: Format::Delimited { delimiter }, ..facts };
    let header = Header::new(names.iter().map(String::as_str));
    let seen = header.names().len();
    Source { facts, header, sample: head.clone(), stream, lead: Vec::new(), head, line: 1, seen }
}

/// Whether a header looks like a record: a cell of it is an amount, a date or an address, which
/// no column is called.
pub fn looks_like_a_record(header: &Header) -> Option<&str> {
    header.names().iter().map(AsRef::as_ref).find(|name: &&str| {
        let is_number = name.bytes().any(|b| b.is_ascii_digit()) && name.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b','));
        is_number || name.starts_with("http://") || name.starts_with("https://")
    })
}

/// Finds the header of a delimited file: rows of comments stand in front of some.
fn delimited(stream: Stream, head: &[u8], delimiter: u8, mut facts: SourceFacts) -> Result<Source, ReadError> {
    let file = facts.file.to_string();
    let mut records = csv::Records::new(delimiter);
    let mut marks = Vec::new();
    let whole = head.len() < SAMPLE;
    let cut = |(line, message): (u64, String)| ReadError::Incomplete { file: file.clone(), line, message };
    records.split(head, 1, whole, &mut marks).map_err(cut)?;
    let comment = |mark: &&Mark| {
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
    let names = names(record, delimiter);
    facts.skipped_lines = header_mark.line - 1;
    headed(stream, head, header_mark, &names, facts)
}

/// The cells of a header. One that would be refused as a record is read all the same, more loosely.
fn names(record: &[u8], delimiter: u8) -> Vec<String> {
    let width = sniff::widths(delimiter, record).first().copied().unwrap_or_default();
    let mark = Mark { start: 0, end: record.len() as u32, line: 1 };
    let batch = csv::Cells { delimiter, width }.parse(Block::of(record.to_vec(), vec![mark]));
    if batch.bad.is_empty() {
        return batch.cells.iter().map(|cell| cell.text(&batch.text).to_owned()).collect();
    }
    let mut reader = ::csv::ReaderBuilder::new().delimiter(delimiter).has_headers(false).flexible(true).from_reader(record);
    let found = reader.byte_records().next().and_then(Result::ok).unwrap_or_default();
    found.iter().map(|cell| String::from_utf8_lossy(cell).into_owned()).collect()
}

/// The first line is the header; in front of that of a sheet, titles may stand.
fn row_lines(mut stream: Stream, mut facts: SourceFacts) -> Result<Source, ReadError> {
    let head = read_head(&mut stream, SAMPLE)?;
    let mut marks = Vec::new();
    let whole = head.len() < SAMPLE;
    // Lines cannot be broken.
    let _whole = json::Lines.split(&head, 1, whole, &mut marks);
    let names_of =
        |mark: &Mark| rows::names(&String::from_utf8_lossy(head.get(mark.start as usize..mark.end as usize).unwrap_or_default()));
    let is_header = |mark: &&Mark| names_of(mark).iter().filter(|name| !name.trim().is_empty()).count() > 1;
    let Some(mark) = marks.iter().take(ROWS_BEFORE_HEADER).find(is_header).or_else(|| marks.first()).copied() else {
        let message = if whole { "there are no rows in it" } else { "the header is longer than 1 MiB" }.to_owned();
        return Err(ReadError::NotACatalog { file: facts.file.to_string(), message });
    };
    if matches!(facts.format, Format::Rows { numbered: true, .. }) {
        facts.skipped_lines = mark.line - 1;
    }
    headed(stream, &head, mark, &names_of(&mark), facts)
}

/// A source whose header stands at a mark of `head`; the records follow on the next line.
fn headed(stream: Stream, head: &[u8], mark: Mark, names: &[String], facts: SourceFacts) -> Result<Source, ReadError> {
    let file = facts.file.to_string();
    if names.len() > MAX_COLUMNS {
        return Err(ReadError::NotACatalog { file, message: too_wide(names.len()) });
    }
    // Cells at the end of the header that name nothing are no columns.
    let width = names.iter().rposition(|name| !name.trim().is_empty()).map_or(0, |last| last + 1);
    let header = Header::new(names.get(..width).unwrap_or_default().iter().map(String::as_str));
    if header.names().is_empty() {
        return Err(ReadError::NotACatalog { file, message: "the header names no columns".to_owned() });
    }
    let after = memchr::memchr(b'\n', head.get(mark.end as usize..).unwrap_or_default());
    let start = after.map_or(head.len(), |feed| mark.end as usize + feed + 1);
    let lines_before = memchr::memchr_iter(b'\n', head.get(..start).unwrap_or_default()).count() as u64;
    let sample = head.get(start..).unwrap_or_default().to_vec();
    let seen = header.names().len();
    let lead = head.get(..start).unwrap_or_default().to_vec();
    Ok(Source { facts, header, sample: sample.clone(), stream, lead, head: sample, line: lines_before + 1, seen })
}

fn splitter(format: &Format) -> Box<dyn Splitter> {
    match format {
        Format::Delimited { delimiter } => Box::new(csv::Records::new(*delimiter)),
        Format::JsonLines | Format::Rows { .. } => Box::new(json::Lines),
        Format::Json(wanted) => Box::new(document::Elements::at(wanted.clone())),
        Format::Xml(shape) => Box::new(xml::Records::new(shape)),
    }
}

fn read_head(stream: &mut Stream, most: usize) -> Result<Vec<u8>, ReadError> {
    // Room for all of it at once: what is not filled costs nothing.
    let mut head = Vec::with_capacity(most);
    let read = stream.take(most as u64).read_to_end(&mut head);
    read.map_err(|error| stream.error(error))?;
    Ok(head)
}

impl Source {
    /// What stands before the first record: a header, and what is in front of that.
    pub fn lead(&self) -> &[u8] {
        &self.lead
    }

    /// How many columns were there when the source was opened; later ones are keys that may come.
    pub fn seen(&self) -> usize {
        self.seen
    }

    /// Whether the header names all columns there are; in JSON and XML a key may turn up later.
    pub fn is_final(&self) -> bool {
        matches!(self.facts.format, Format::Delimited { .. } | Format::Rows { .. })
    }

    /// Adds columns for keys that may turn up later.
    pub fn expect_keys<'a>(&mut self, names: impl IntoIterator<Item = &'a str>) {
        if self.is_final() {
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
        let _cut = splitter(&self.facts.format).split(&self.sample, self.line, whole, &mut marks);
        let block = Block::of(self.sample.clone(), marks);
        Parser::of(&self.facts.format, &Arc::new(self.header.clone())).parse(block)
    }

    /// The same source for a pass that nobody wants a digest of.
    pub fn undigested(self) -> Self {
        self.stream.undigested();
        self
    }

    /// The blocks of the source; `align` keeps rows together that belong together.
    pub fn blocks(self, index: u16, align: Option<Align>) -> Blocks {
        Blocks::new(self.stream, self.head, splitter(&self.facts.format), align, index, self.line)
    }
}
