//! Rows that are kept until others need them: parents, products whose rows are scattered,
//! joined tables. Beyond a limit they go to a temporary file; whoever needs one keeps the place
//! where it stands.

use crate::catalog::RecordHead;
use crate::cell::{Cell, Shape};
use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::sync::Mutex;

/// How many bytes of rows stay in memory where nothing else is said.
const MOST: usize = 64 << 20;

/// Bytes in front of a row's values: how many these are, its record and its line.
const HEAD: usize = 4 + 8 + 8;
/// Bytes that are read at a time; most rows are shorter.
const READ: usize = 2 << 10;

/// Rows by the place where they are kept.
#[derive(Debug)]
pub struct Kept {
    count: usize,
    /// The rows that are not in the file, one after the other.
    tail: Vec<u8>,
    /// How long it may be.
    most: usize,
    /// Where the tail begins.
    base: u64,
    file: Option<File>,
    failed: Mutex<Option<std::io::Error>>,
}

impl Default for Kept {
    fn default() -> Self {
        Self::within(MOST)
    }
}

impl Kept {
    /// Nothing kept yet; so many bytes at most stay in memory, and one row more.
    pub fn within(most: usize) -> Self {
        Self { count: 0, tail: Vec::new(), most, base: 0, file: None, failed: Mutex::default() }
    }

    /// Keeps a row; returns its place.
    pub fn keep(&mut self, head: RecordHead, cells: &[Cell], text: &str) -> u64 {
        self.put(|out| write_row(head, cells, text, out))
    }

    /// Keeps what `write` appends; returns its place.
    pub(super) fn put(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> u64 {
        let start = self.tail.len();
        if self.tail.capacity() - start < READ {
            // Not twice as much: there may be many.
            self.tail.reserve_exact((start / 4).max(READ));
        }
        let place = self.base + start as u64;
        self.count += 1;
        write(&mut self.tail);
        if self.tail.len() > self.most {
            self.spill();
        }
        place
    }

    fn spill(&mut self) {
        let file = match self.file.take() {
            Some(file) => Ok(file),
            None => tempfile::tempfile(),
        };
        // A reading may have moved the place in the file.
        let written = file.and_then(|mut file| {
            file.seek(SeekFrom::Start(self.base))?;
            file.write_all(&self.tail)?;
            self.file = Some(file);
            Ok(())
        });
        match written {
            Ok(()) => {
                self.base += self.tail.len() as u64;
                self.tail.clear();
            }
            Err(error) => self.fail(error),
        }
    }

    fn fail(&self, error: std::io::Error) {
        if let Ok(mut failed) = self.failed.lock() {
            failed.get_or_insert(error);
        }
    }

    /// The first thing that went wrong with the temporary file.
    pub fn failure(&self) -> Option<std::io::Error> {
        self.failed.lock().ok().and_then(|mut failed| failed.take())
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Where the record of a row stands.
    pub fn head(&self, place: u64) -> Option<RecordHead> {
        self.bytes(place, |bytes| row(bytes).map(|(head, ..)| head))
    }

    /// Puts the values of a row behind `buffer`, and the cells that point at them into `cells`.
    pub fn load(&self, place: u64, buffer: &mut String, cells: &mut [Cell]) {
        self.bytes(place, |bytes| {
            let (_, values, _) = row(bytes)?;
            load(values, buffer, cells);
            Some(())
        });
    }

    /// What stands at a place, and what follows; `see` answers nothing where that is cut off before
    /// its end, and is asked again with more of it.
    pub(super) fn bytes<T>(&self, place: u64, mut see: impl FnMut(&[u8]) -> Option<T>) -> Option<T> {
        if let Some(start) = place.checked_sub(self.base) {
            return see(self.tail.get(start as usize..)?);
        }
        let file = self.file.as_ref()?;
        let (mut room, mut length) = (Vec::new(), READ);
        loop {
            let length_now = length.min((self.base - place) as usize);
            room.resize(length_now, 0);
            if let Err(error) = read_exact_at(file, place, &mut room) {
                self.fail(error);
                return None;
            }
            match see(&room) {
                None if length_now == length => length *= 8,
                seen => return seen,
            }
        }
    }
}

/// Writes a row as it is kept.
pub(super) fn write_row(head: RecordHead, cells: &[Cell], text: &str, out: &mut Vec<u8>) {
    let before = out.len();
    out.extend([0; 4]);
    out.extend(head.number.to_le_bytes());
    out.extend(head.line.to_le_bytes());
    for (column, cell) in cells.iter().enumerate().filter(|(_, cell)| cell.is_present()) {
        let value = cell.text(text);
        out.extend((column as u16).to_le_bytes());
        out.push(cell.shape as u8);
        out.extend((value.len() as u32).to_le_bytes());
        out.extend(value.as_bytes());
    }
    let length = (out.len() - before - HEAD) as u32;
    if let Some(place) = out.get_mut(before..before + 4) {
        place.copy_from_slice(&length.to_le_bytes());
    }
}

/// The row that stands here, with its values, and what follows it.
pub(super) fn row(bytes: &[u8]) -> Option<(RecordHead, &[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk()?;
    let (number, rest) = rest.split_first_chunk()?;
    let (line, rest) = rest.split_first_chunk()?;
    let (values, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
    Some((RecordHead { number: u64::from_le_bytes(*number), line: u64::from_le_bytes(*line) }, values, rest))
}

/// Puts the values of a row behind `buffer`, and the cells that point at them into `cells`.
pub(super) fn load(values: &[u8], buffer: &mut String, cells: &mut [Cell]) {
    let mut rest = values;
    while let Some(((column, shape, length), after)) = lead(rest) {
        let (value, after) = after.split_at_checked(length).unwrap_or((after, &[]));
        let start = buffer.len();
        buffer.push_str(std::str::from_utf8(value).unwrap_or_default());
        if let Some(cell) = cells.get_mut(column) {
            *cell = Cell::new(start, buffer.len(), shape);
        }
        rest = after;
    }
}

/// Reads from a place of a file. Threads that read need not wait for one another.
#[cfg(unix)]
pub(super) fn read_exact_at(file: &File, at: u64, bytes: &mut [u8]) -> std::io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, at)
}

/// Reads from a place of a file.
#[cfg(windows)]
pub(super) fn read_exact_at(file: &File, mut at: u64, mut bytes: &mut [u8]) -> std::io::Result<()> {
    while !bytes.is_empty() {
        match std::os::windows::fs::FileExt::seek_read(file, bytes, at)? {
            0 => return Err(std::io::ErrorKind::UnexpectedEof.into()),
            read => (at, bytes) = (at + read as u64, &mut bytes[read..]),
        }
    }
    Ok(())
}

/// Column, shape and length of a value.
type Lead = (usize, Shape, usize);

/// The lead of the value that begins here, and what follows it.
fn lead(bytes: &[u8]) -> Option<(Lead, &[u8])> {
    let (column, rest) = bytes.split_first_chunk::<2>()?;
    let (shape, rest) = rest.split_first()?;
    let (length, rest) = rest.split_first_chunk::<4>()?;
    let shape = match shape {
        2 => Shape::Number,
        3 => Shape::Boolean,
        4 => Shape::List,
        5 => Shape::Object,
        _ => Shape::Text,
    };
    Some(((usize::from(u16::from_le_bytes(*column)), shape, u32::from_le_bytes(*length) as usize), rest))
}

#[cfg(test)]
mod tests {
    use super::Kept;
    use crate::catalog::RecordHead;
    use crate::cell::{Cell, Shape};

    #[test]
    fn rows_come_back_from_memory_and_from_the_file() {
        let mut kept = Kept::within(1000);
        let head = |number| RecordHead { number, line: number + 1 };
        let text = "one two";
        let first = kept.keep(head(1), &[Cell::ABSENT, Cell::new(0, 3, Shape::Text), Cell::new(4, 7, Shape::Object)], text);
        // Longer than what is read at a time, so that this and all before it go to the file.
        let long = "x".repeat(100_000);
        let middle = kept.keep(head(2), &[Cell::new(0, long.len(), Shape::Text)], &long);
        assert!(kept.tail.is_empty() && kept.file.is_some());
        let second = kept.keep(head(3), &[Cell::new(4, 7, Shape::Number)], text);
        for (place, width, values) in [(first, 3, vec!["", "one", "two"]), (middle, 1, vec![&long]), (second, 1, vec!["two"])] {
            let (mut buffer, mut cells) = ("before".to_owned(), vec![Cell::ABSENT; width]);
            kept.load(place, &mut buffer, &mut cells);
            assert_eq!(cells.iter().map(|cell| cell.text(&buffer)).collect::<Vec<_>>(), values);
        }
        let mut cells = [Cell::ABSENT; 3];
        kept.load(first, &mut String::new(), &mut cells);
        assert_eq!((cells[2].shape, kept.head(second).map(|head| (head.number, head.line))), (Shape::Object, Some((3, 4))));
        assert_eq!(kept.head(middle).map(|head| head.number), Some(2));
        assert!(kept.failure().is_none());
    }
}
