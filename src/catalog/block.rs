//! Blocks: a stream cut into pieces that hold whole records.
//!
//! One thread reads and finds where records end, which is cheap; what stands in them is left
//! to the parsers. A record longer than a block makes the block grow, up to a limit.

use super::decode::Stream;
use super::{MAX_RECORD, ReadError};
use std::io::Read;

/// How many bytes a block aims at: large enough to make hand-over cheap, small enough for
/// the caches.
pub const BLOCK: usize = 512 << 10;

/// Where a record starts inside its block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// The first byte of the record.
    pub start: u32,
    /// The byte after the record, its line end not included.
    pub end: u32,
    /// The line it starts on.
    pub line: u64,
}

/// Whole records in one buffer.
#[derive(Debug)]
pub struct Block {
    /// The place of the block in the run, from 0.
    pub index: u64,
    /// The source.
    pub source: u16,
    /// The buffer.
    pub bytes: Vec<u8>,
    /// The records.
    pub marks: Vec<Mark>,
    /// The number of the first record, from 1.
    pub first: u64,
    /// How far into the source file the block reaches.
    pub position: u64,
}

/// Finds where records end.
pub trait Splitter: Send {
    /// Marks the whole records of `bytes`, which begins between two records, and returns how
    /// many bytes they take. `line` is the line `bytes` begins on. At the end of the stream a
    /// record without a line end is whole too.
    ///
    /// # Errors
    /// A description and the line, where the content itself shows that it is cut or broken.
    fn split(&mut self, bytes: &[u8], line: u64, at_end: bool, marks: &mut Vec<Mark>) -> Result<usize, (u64, String)>;

    /// What the end of the stream has to say: `Err` where the content is not complete.
    fn finish(&mut self, _line: u64) -> Result<(), (u64, String)> {
        Ok(())
    }
}

/// Decides how many of the records of a block may be handed on; the rest is kept for the
/// next block, so that rows that belong together stay together.
pub type Align = Box<dyn FnMut(&[u8], &[Mark]) -> usize + Send>;

/// Cuts a stream into blocks.
pub struct Blocks {
    stream: Stream,
    splitter: Box<dyn Splitter>,
    align: Option<Align>,
    source: u16,
    rest: Vec<u8>,
    line: u64,
    record: u64,
    index: u64,
    ended: bool,
    /// Whether the last record had no line end.
    pub open_end: bool,
}

impl Blocks {
    /// A cutter over `stream`, of which `head` was read already; `line` is the line it begins on.
    pub fn new(stream: Stream, head: Vec<u8>, splitter: Box<dyn Splitter>, align: Option<Align>, source: u16, line: u64) -> Self {
        Self { stream, splitter, align, source, rest: head, line, record: 1, index: 0, ended: false, open_end: false }
    }

    /// The next block, or `None` at the end.
    pub fn next_block(&mut self) -> Result<Option<Block>, ReadError> {
        let mut wanted = BLOCK;
        loop {
            if !self.ended {
                self.fill(wanted)?;
            }
            if self.rest.is_empty() {
                self.splitter.finish(self.line).map_err(|error| self.broken(error))?;
                return Ok(None);
            }
            let mut marks = Vec::with_capacity(1024);
            let taken = self.splitter.split(&self.rest, self.line, self.ended, &mut marks);
            let mut taken = taken.map_err(|error| self.broken(error))?;
            if let Some(align) = self.align.as_mut().filter(|_| !self.ended) {
                let keep = align(&self.rest, &marks);
                if let Some(first_kept_back) = marks.get(keep) {
                    taken = first_kept_back.start as usize;
                    marks.truncate(keep);
                }
            }
            if (taken == 0 || marks.is_empty()) && !self.ended {
                if self.rest.len() > MAX_RECORD {
                    let message = format!("a record is longer than {} MiB; a quote that is never closed does that", MAX_RECORD >> 20);
                    return Err(self.broken((self.line, message)));
                }
                if taken > 0 {
                    self.advance(taken);
                }
                wanted = self.rest.len().saturating_mul(2).max(BLOCK);
                continue;
            }
            if self.ended && taken == self.rest.len() {
                self.open_end = self.rest.last().is_some_and(|last| !matches!(last, b'\n' | b'\r')) && !marks.is_empty();
            }
            let tail = self.rest.split_off(taken);
            let bytes = std::mem::replace(&mut self.rest, tail);
            // The splitter has counted up to the last record.
            let (from, line) = marks.last().map_or((0, self.line), |last| (last.start as usize, last.line));
            self.line = line + memchr::memchr_iter(b'\n', bytes.get(from..).unwrap_or_default()).count() as u64;
            let block =
                Block { index: self.index, source: self.source, bytes, marks, first: self.record, position: self.stream.position() };
            self.record += block.marks.len() as u64;
            self.index += 1;
            if block.marks.is_empty() {
                // Blank lines, or an end that no record can be made of: the splitter judges which.
                if self.ended {
                    self.rest.clear();
                }
                continue;
            }
            return Ok(Some(block));
        }
    }

    fn advance(&mut self, taken: usize) {
        self.line += self.rest.get(..taken).map_or(0, |head| memchr::memchr_iter(b'\n', head).count()) as u64;
        self.rest.drain(..taken);
    }

    /// Reads until `wanted` bytes are at hand or the stream ends.
    fn fill(&mut self, wanted: usize) -> Result<(), ReadError> {
        while self.rest.len() < wanted {
            let before = self.rest.len();
            let more = (wanted - before) as u64;
            let read = (&mut self.stream).take(more).read_to_end(&mut self.rest);
            let read = read.map_err(|error| self.stream.error(error))?;
            if read == 0 {
                self.ended = true;
                return Ok(());
            }
        }
        Ok(())
    }

    fn broken(&self, (line, message): (u64, String)) -> ReadError {
        ReadError::Incomplete { file: self.stream.file().to_string(), line, message }
    }

    /// The digest and size of everything read, once the end is reached.
    pub fn digest(self) -> (String, u64) {
        self.stream.digest()
    }
}
