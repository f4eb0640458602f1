//! Groups put together: rows of one group need not stand together in a catalog, but do in a
//! nested feed.
//!
//! Each row is rendered where it stands and goes to a temporary file; only where it lies there
//! is kept (16 bytes a row, and a hash a group). At the end the groups are written in the order
//! in which they first appeared, each with its rows in theirs, to all files of the feed.

use super::Compression;
use super::feed::FeedFile;
use super::file::{Output, WriteError};
use super::spool::{Piece, Spool, take_back};
use crate::spec::shape::{FeedOutput, OutputKind, ShapeFile};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

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
    spool: Spool,
    known: HashMap<u128, u32>,
    heads: Vec<Piece>,
    rows: Vec<Piece>,
}

impl Products {
    /// Begins a feed in `folder`.
    pub fn create(folder: &Path, shape: &ShapeFile, outputs: &[PlannedOutput], limits: BodyLimits) -> Result<Self, WriteError> {
        let spool = Spool::create(folder)?;
        let mut rows_key = String::new();
        if !shape.rows.is_empty() {
            crate::product::text::write_json_string(&shape.rows, &mut rows_key);
        }
        Ok(Self {
            folder: folder.to_owned(),
            rows_key,
            outputs: outputs.to_vec(),
            limits,
            spool,
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
            self.heads.push(self.spool.push(group, head)?);
        }
        self.rows.push(self.spool.push(group, row)?);
        Ok(())
    }

    /// Writes all files without the refused rows, given by the order in which they came; the
    /// files are complete, but not yet under their names.
    pub fn finish(mut self, refused: &[usize]) -> Result<Vec<(String, FeedFile)>, WriteError> {
        take_back(&mut self.rows, refused);
        let mut spool = self.spool.reread()?;
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
            if rows.peek().is_none_or(|row| row.part as usize != group) {
                continue;
            }
            text.clear();
            spool.read(*head, &mut text)?;
            let mut count = 0;
            let of_group = |row: &&Piece| row.part as usize == group;
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
                    spool.read(*row, &mut text)?;
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
