//! Groups put together: rows of one group need not stand together in a catalog, but do in a
//! nested feed.
//!
//! Each row is rendered where it stands and goes to a temporary file; only where it lies there
//! is kept (16 bytes a row, and a hash a group). At the end the groups are written in the order
//! in which they first appeared, each with its rows in theirs, to all files of the feed.

use super::Compression;
use super::feed::FeedFile;
use super::file::{Output, WriteError};
use crate::spec::shape::{FeedOutput, OutputKind, ShapeFile};
use std::collections::HashMap;
use std::io::{BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// Where a piece of text lies in the temporary file.
#[derive(Clone, Copy, Debug)]
struct Piece {
    group: u32,
    length: u32,
    at: u64,
}

/// The group of a row that was refused after it had come.
const GONE: u32 = u32::MAX;

/// How large one body may become.
#[derive(Clone, Copy, Debug, Default)]
pub struct BodyLimits {
    /// Most groups.
    pub groups: Option<u64>,
    /// Most bytes; a single group beyond it gets a body of its own.
    pub bytes: Option<u64>,
}

/// A file of the feed, with what stands in front of its groups or instead of them.
#[derive(Clone, Debug)]
pub struct PlannedOutput {
    /// What the spec says of it.
    pub written: FeedOutput,
    /// The members about the whole feed, as an object; empty where there are none.
    pub about: String,
}

/// The groups of a feed in the making.
pub struct Products {
    folder: PathBuf,
    /// The member that lists rows, as JSON; empty where a row is a group of its own.
    rows_key: String,
    outputs: Vec<PlannedOutput>,
    limits: BodyLimits,
    spool: BufWriter<tempfile::NamedTempFile>,
    at: u64,
    known: HashMap<u128, u32>,
    heads: Vec<Piece>,
    rows: Vec<Piece>,
}

impl Products {
    /// Begins a feed in `folder`.
    pub fn create(folder: &Path, shape: &ShapeFile, outputs: &[PlannedOutput], limits: BodyLimits) -> Result<Self, WriteError> {
        let fail = |source| WriteError { path: folder.to_owned(), source };
        std::fs::create_dir_all(folder).map_err(fail)?;
        let spool = tempfile::Builder::new().prefix(".rows.").suffix(".part").tempfile_in(folder).map_err(fail)?;
        let mut rows_key = String::new();
        if !shape.rows.is_empty() {
            crate::product::text::write_json_string(&shape.rows, &mut rows_key);
        }
        Ok(Self {
            folder: folder.to_owned(),
            rows_key,
            outputs: outputs.to_vec(),
            limits,
            spool: BufWriter::with_capacity(256 << 10, spool),
            at: 0,
            known: HashMap::new(),
            heads: Vec::new(),
            rows: Vec::new(),
        })
    }

    /// Takes a row of the group `key`; `head` is what the group says, and counts where the
    /// group is new.
    pub fn push(&mut self, key: u128, head: &[u8], row: &[u8]) -> Result<(), WriteError> {
        let next = self.heads.len() as u32;
        let group = *self.known.entry(key).or_insert(next);
        if group == next {
            let piece = self.spool(group, head)?;
            self.heads.push(piece);
        }
        let piece = self.spool(group, row)?;
        self.rows.push(piece);
        Ok(())
    }

    fn spool(&mut self, group: u32, text: &[u8]) -> Result<Piece, WriteError> {
        let path = &self.folder;
        self.spool.write_all(text).map_err(|source| WriteError { path: path.clone(), source })?;
        let piece = Piece { group, length: text.len() as u32, at: self.at };
        self.at += text.len() as u64;
        Ok(piece)
    }

    /// Writes all files without the refused rows, given by the order in which they came; the
    /// files are complete, but not yet under their names.
    pub fn finish(mut self, refused: &[usize]) -> Result<Vec<(String, FeedFile)>, WriteError> {
        let path = self.folder.clone();
        let fail = |source| WriteError { path: path.clone(), source };
        for &row in refused {
            if let Some(row) = self.rows.get_mut(row) {
                row.group = GONE;
            }
        }
        // Stable, and quick where the rows of a group stood together.
        self.rows.sort_by_key(|row| row.group);
        let file = self.spool.into_inner().map_err(|error| fail(error.into_error()))?;
        let mut spool = Spool { reader: BufReader::with_capacity(256 << 10, file.reopen().map_err(fail)?), at: 0 };
        let mut sinks = Vec::new();
        let mut headers = Vec::new();
        for output in &self.outputs {
            match output.written.kind {
                OutputKind::Header => headers.push(header(&self.folder, output)?),
                OutputKind::Lines | OutputKind::Bodies => sinks.push(Sink::new(&self.folder, output, self.limits)?),
            }
        }
        let mut text = Vec::new();
        let mut rows = self.rows.iter().peekable();
        for (group, head) in self.heads.iter().enumerate() {
            // A group all of whose rows were refused is no product.
            if rows.peek().is_none_or(|row| row.group as usize != group) {
                continue;
            }
            text.clear();
            spool.read(*head, &mut text).map_err(fail)?;
            let mut count = 0;
            let of_group = |row: &&Piece| row.group as usize == group;
            if self.rows_key.is_empty() {
                while rows.next_if(of_group).is_some() {
                    count += 1;
                }
            } else {
                // The list of rows goes in before the bracket that closes the group's object.
                text.pop();
                text.extend_from_slice(if text.len() == 1 { b"" } else { b"," });
                text.extend_from_slice(self.rows_key.as_bytes());
                text.extend_from_slice(b":[");
                while let Some(row) = rows.next_if(of_group) {
                    text.extend_from_slice(if count > 0 { b"," } else { b"" });
                    spool.read(*row, &mut text).map_err(fail)?;
                    count += 1;
                }
                text.extend_from_slice(b"]}");
            }
            for sink in &mut sinks {
                sink.push(&text, count)?;
            }
        }
        let mut files = headers;
        for sink in sinks {
            files.extend(sink.finish()?);
        }
        Ok(files)
    }
}

/// The temporary file, read mostly from front to back.
struct Spool {
    reader: BufReader<std::fs::File>,
    at: u64,
}

impl Spool {
    fn read(&mut self, piece: Piece, into: &mut Vec<u8>) -> std::io::Result<()> {
        match i64::try_from(piece.at).ok().zip(i64::try_from(self.at).ok()) {
            Some((to, from)) if to != from => self.reader.seek_relative(to - from)?,
            Some(_) => {}
            None => drop(self.reader.seek(SeekFrom::Start(piece.at))?),
        }
        let start = into.len();
        into.resize(start + piece.length as usize, 0);
        self.reader.read_exact(into.get_mut(start..).unwrap_or_default())?;
        self.at = piece.at + u64::from(piece.length);
        Ok(())
    }
}

/// A file about the whole feed.
fn header(folder: &Path, output: &PlannedOutput) -> Result<(String, FeedFile), WriteError> {
    let mut file = Output::create(&folder.join(&output.written.file), Compression::None)?;
    file.write(output.about.as_bytes())?;
    file.write(b"\n")?;
    let file = FeedFile { file: file.finish()?, items: 0, groups: Some(0), role: "header" };
    Ok((output.written.format.clone(), file))
}

/// One file with all groups, or bodies one after the other.
struct Sink {
    folder: PathBuf,
    written: FeedOutput,
    limits: BodyLimits,
    head: String,
    tail: &'static str,
    between: &'static str,
    open: Option<Open>,
    done: Vec<FeedFile>,
}

struct Open {
    output: Output,
    items: u64,
    groups: u64,
    bytes: u64,
}

impl Sink {
    fn new(folder: &Path, output: &PlannedOutput, limits: BodyLimits) -> Result<Self, WriteError> {
        let lines = output.written.kind == OutputKind::Lines;
        let (head, tail) = match &output.written.list {
            _ if lines => (String::new(), "\n"),
            None => ("[\n".to_owned(), "\n]\n"),
            Some(list) => {
                let mut head = output.about.trim_end_matches('}').to_owned();
                head.push_str(if head.len() < 2 { "" } else { "," });
                let mut head = if head.is_empty() { "{".to_owned() } else { head };
                crate::product::text::write_json_string(list, &mut head);
                head.push_str(":[\n");
                (head, "\n]}\n")
            }
        };
        let limits = if lines { BodyLimits::default() } else { limits };
        let between = if lines { "\n" } else { ",\n" };
        let mut sink =
            Self { folder: folder.to_owned(), written: output.written.clone(), limits, head, tail, between, open: None, done: Vec::new() };
        if lines {
            // Whatever comes, there is one file; of bodies there is none where nothing is to be sent.
            sink.open = Some(sink.create()?);
        }
        Ok(sink)
    }

    fn create(&self) -> Result<Open, WriteError> {
        let name = self.written.file.replace("{n}", &format!("{:04}", self.done.len() + 1));
        let mut output = Output::create(&self.folder.join(name), Compression::None)?;
        output.write(self.head.as_bytes())?;
        Ok(Open { output, items: 0, groups: 0, bytes: (self.head.len() + self.tail.len()) as u64 })
    }

    fn push(&mut self, group: &[u8], rows: u64) -> Result<(), WriteError> {
        let more = (group.len() + self.between.len()) as u64;
        let is_full = |open: &Open| {
            self.limits.groups.is_some_and(|most| open.groups >= most)
                || open.groups > 0 && self.limits.bytes.is_some_and(|most| open.bytes + more > most)
        };
        if self.open.as_ref().is_some_and(is_full) {
            self.close()?;
        }
        let open = match &mut self.open {
            Some(open) => open,
            None => {
                let fresh = self.create()?;
                self.open.insert(fresh)
            }
        };
        if open.groups > 0 {
            open.output.write(self.between.as_bytes())?;
        }
        open.output.write(group)?;
        open.bytes += more;
        open.groups += 1;
        open.items += rows;
        Ok(())
    }

    fn close(&mut self) -> Result<(), WriteError> {
        let Some(mut open) = self.open.take() else { return Ok(()) };
        if open.groups > 0 || self.written.kind != OutputKind::Lines {
            open.output.write(self.tail.as_bytes())?;
        }
        let role = if self.written.kind == OutputKind::Lines { "feed" } else { "body" };
        self.done.push(FeedFile { file: open.output.finish()?, items: open.items, groups: Some(open.groups), role });
        Ok(())
    }

    fn finish(mut self) -> Result<Vec<(String, FeedFile)>, WriteError> {
        self.close()?;
        Ok(self.done.into_iter().map(|file| (self.written.format.clone(), file)).collect())
    }
}
