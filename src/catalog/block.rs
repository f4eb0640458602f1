//! Blocks: a stream cut into pieces that hold whole records.
//!
//! Where records end is found one block after the other, which is cheap; what stands in them is
//! left to the parsers, of which several may work. A record longer than a block makes the block grow, up to a limit.

use super::decode::Stream;
use super::{Batch, MAX_RECORD, ReadError};
use crate::cell::Cell;
use std::io::{ErrorKind, Read};
use std::sync::{Arc, Mutex};

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
    /// Room for its cells, with what was left in it.
    pub cells: Vec<Cell>,
}

impl Block {
    /// A block that stands by itself.
    pub fn of(bytes: Vec<u8>, marks: Vec<Mark>) -> Self {
        Self { index: 0, source: 0, bytes, marks, first: 1, position: 0, cells: Vec::new() }
    }

    /// A batch of so many columns without rows yet, and what its rows are parsed from: the
    /// bytes, where records stand in them, and the number of the first.
    pub(super) fn begin(self, width: usize) -> (Batch, Vec<u8>, Vec<Mark>, u64) {
        let Self { index, source, bytes, marks, first, position, mut cells } = self;
        cells.clear();
        (Batch { index, source, width, position, cells, ..Batch::default() }, bytes, marks, first)
    }
}

/// Buffers of batches that were worked off, for the next blocks: memory that was used before is
/// cheaper than new memory, which must be cleared first.
#[derive(Clone, Debug, Default)]
pub struct Spares(Arc<Mutex<Vec<Buffers>>>);

/// For the text of a block, and for its cells.
type Buffers = (Vec<u8>, Vec<Cell>);

/// Larger buffers, which a single record may have needed, are not kept.
const LARGEST_SPARE: usize = 4 * BLOCK;

impl Spares {
    /// Takes the buffers of a batch that nobody needs any more.
    pub fn give(&self, batch: &mut Batch) {
        let (bytes, cells) = (std::mem::take(&mut batch.text).into_bytes(), std::mem::take(&mut batch.cells));
        if let Ok(mut spares) = self.0.lock()
            && bytes.capacity() <= LARGEST_SPARE
            && cells.capacity() * size_of::<Cell>() <= LARGEST_SPARE
        {
            spares.push((bytes, cells));
        }
    }

    fn take(&self) -> Buffers {
        let spare = self.0.lock().ok().and_then(|mut spares| spares.pop());
        // A little more than a block, for what parsers write behind it.
        spare.unwrap_or_else(|| (Vec::with_capacity(BLOCK + BLOCK / 8), Vec::new()))
    }
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

    /// What else is in the content that could be records, and is not read.
    fn left(&self) -> &[String] {
        &[]
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
    /// What was read and not handed on, in its first `held` bytes.
    rest: Vec<u8>,
    held: usize,
    spares: Spares,
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
        let (held, spares) = (head.len(), Spares::default());
        Self { stream, splitter, align, source, rest: head, held, spares, line, record: 1, index: 0, ended: false, open_end: false }
    }

    /// Where buffers can be given back.
    pub fn spares(&self) -> Spares {
        self.spares.clone()
    }

    /// The next block, or `None` at the end.
    pub fn next_block(&mut self) -> Result<Option<Block>, ReadError> {
        let mut wanted = BLOCK;
        loop {
            if !self.ended {
                self.fill(wanted)?;
            }
            let rest = self.rest.get(..self.held).unwrap_or_default();
            if rest.is_empty() {
                self.splitter.finish(self.line).map_err(|error| self.broken(error))?;
                return Ok(None);
            }
            let mut marks = Vec::with_capacity(1024);
            let taken = self.splitter.split(rest, self.line, self.ended, &mut marks);
            let mut taken = taken.map_err(|error| self.broken(error))?;
            if let Some(align) = self.align.as_mut().filter(|_| !self.ended) {
                let keep = align(rest, &marks);
                if let Some(first_kept_back) = marks.get(keep) {
                    taken = first_kept_back.start as usize;
                    marks.truncate(keep);
                }
            }
            if (taken == 0 || marks.is_empty()) && !self.ended {
                if self.held > MAX_RECORD {
                    let message = format!("a record is longer than {} MiB; a quote that is never closed does that", MAX_RECORD >> 20);
                    return Err(self.broken((self.line, message)));
                }
                if taken > 0 {
                    self.advance(taken);
                }
                wanted = self.held.saturating_mul(2).max(BLOCK);
                continue;
            }
            if self.ended && taken == self.held {
                self.open_end = rest.last().is_some_and(|last| !matches!(last, b'\n' | b'\r')) && !marks.is_empty();
            }
            let (bytes, cells) = self.hand_over(taken);
            // The splitter has counted up to the last record.
            let (from, line) = marks.last().map_or((0, self.line), |last| (last.start as usize, last.line));
            self.line = line + memchr::memchr_iter(b'\n', bytes.get(from..).unwrap_or_default()).count() as u64;
            let (index, source, first, position) = (self.index, self.source, self.record, self.stream.position());
            let block = Block { index, source, bytes, marks, first, position, cells };
            self.record += block.marks.len() as u64;
            self.index += 1;
            if block.marks.is_empty() {
                // Blank lines, or an end that no record can be made of: the splitter judges which.
                if self.ended {
                    self.held = 0;
                }
                continue;
            }
            return Ok(Some(block));
        }
    }

    /// The first `taken` bytes in a buffer of their own, and room for their cells; the others
    /// are kept for the next block.
    fn hand_over(&mut self, taken: usize) -> Buffers {
        let (mut next, cells) = self.spares.take();
        let kept = self.rest.get(taken..self.held).unwrap_or_default();
        if next.len() < kept.len() {
            next.resize(kept.len(), 0);
        }
        next[..kept.len()].copy_from_slice(kept);
        self.held = kept.len();
        self.rest.truncate(taken);
        (std::mem::replace(&mut self.rest, next), cells)
    }

    fn advance(&mut self, taken: usize) {
        self.line += self.rest.get(..taken).map_or(0, |head| memchr::memchr_iter(b'\n', head).count()) as u64;
        self.rest.copy_within(taken..self.held, 0);
        self.held -= taken;
    }

    /// Reads until `wanted` bytes are at hand or the stream ends.
    fn fill(&mut self, wanted: usize) -> Result<(), ReadError> {
        if self.rest.len() < wanted {
            self.rest.resize(wanted, 0);
        }
        while self.held < wanted {
            match self.stream.read(self.rest.get_mut(self.held..wanted).unwrap_or_default()) {
                Ok(0) => {
                    self.ended = true;
                    return Ok(());
                }
                Ok(read) => self.held += read,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(self.stream.error(error)),
            }
        }
        Ok(())
    }

    fn broken(&self, (line, message): (u64, String)) -> ReadError {
        ReadError::Incomplete { file: self.stream.file().to_string(), line, message }
    }

    /// What else is in the content that could be records, and was not read.
    pub fn left(&self) -> Vec<String> {
        self.splitter.left().to_vec()
    }

    /// The digest and size of everything read, once the end is reached.
    pub fn digest(self) -> (String, u64) {
        self.stream.digest()
    }
}
