//! Rows that are kept until others need them: parents, products whose rows are scattered,
//! joined tables. Only where each row stands stays in memory; beyond a limit the rows
//! themselves go to a temporary file.

use crate::catalog::RecordHead;
use crate::cell::{Cell, Shape};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::sync::Mutex;

/// How many bytes of rows stay in memory.
const MOST: usize = 64 << 20;

/// Rows by the order in which they were kept.
#[derive(Debug, Default)]
pub struct Kept {
    rows: Vec<Row>,
    /// The rows that are not in the file, one after the other.
    tail: Vec<u8>,
    /// Where the tail begins.
    base: u64,
    file: Option<Mutex<File>>,
    failed: Mutex<Option<std::io::Error>>,
}

#[derive(Clone, Copy, Debug)]
struct Row {
    head: RecordHead,
    start: u64,
    length: u32,
}

impl Kept {
    /// Keeps a row; returns its place.
    pub fn keep(&mut self, head: RecordHead, cells: &[Cell], text: &str) -> u32 {
        let before = self.tail.len();
        for (column, cell) in cells.iter().enumerate().filter(|(_, cell)| cell.is_present()) {
            let value = cell.text(text);
            self.tail.extend((column as u16).to_le_bytes());
            self.tail.push(cell.shape as u8);
            self.tail.extend((value.len() as u32).to_le_bytes());
            self.tail.extend(value.as_bytes());
        }
        let row = Row { head, start: self.base + before as u64, length: (self.tail.len() - before) as u32 };
        self.rows.push(row);
        if self.tail.len() > MOST {
            self.spill();
        }
        (self.rows.len() - 1) as u32
    }

    fn spill(&mut self) {
        let written = match &self.file {
            Some(_) => Ok(()),
            None => tempfile::tempfile().map(|file| self.file = Some(Mutex::new(file))),
        };
        let written = written.and_then(|()| match &self.file {
            Some(file) => file.lock().map_or(Ok(()), |mut file| file.seek(SeekFrom::End(0)).and_then(|_| file.write_all(&self.tail))),
            None => Ok(()),
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
        self.rows.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Where the record of a row stands.
    pub fn head(&self, place: u32) -> Option<RecordHead> {
        self.rows.get(place as usize).map(|row| row.head)
    }

    /// Puts the values of a row behind `buffer`, and the cells that point at them into `cells`.
    pub fn load(&self, place: u32, buffer: &mut String, cells: &mut [Cell]) {
        let Some(row) = self.rows.get(place as usize) else { return };
        let held;
        let bytes = if row.start >= self.base {
            let start = (row.start - self.base) as usize;
            self.tail.get(start..start + row.length as usize).unwrap_or_default()
        } else {
            held = self.read(*row);
            held.as_slice()
        };
        let mut rest = bytes;
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

    fn read(&self, row: Row) -> Vec<u8> {
        let mut bytes = vec![0; row.length as usize];
        let Some(file) = &self.file else { return Vec::new() };
        let Ok(mut file) = file.lock() else { return Vec::new() };
        match file.seek(SeekFrom::Start(row.start)).and_then(|_| file.read_exact(&mut bytes)) {
            Ok(()) => bytes,
            Err(error) => {
                self.fail(error);
                Vec::new()
            }
        }
    }
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
        let mut kept = Kept::default();
        let head = |number| RecordHead { number, line: number + 1 };
        let text = "one two";
        let first = kept.keep(head(1), &[Cell::ABSENT, Cell::new(0, 3, Shape::Text), Cell::new(4, 7, Shape::Object)], text);
        kept.spill();
        let second = kept.keep(head(2), &[Cell::new(4, 7, Shape::Number)], text);
        for (place, width, values) in [(first, 3, vec!["", "one", "two"]), (second, 1, vec!["two"])] {
            let (mut buffer, mut cells) = ("before".to_owned(), vec![Cell::ABSENT; width]);
            kept.load(place, &mut buffer, &mut cells);
            assert_eq!(cells.iter().map(|cell| cell.text(&buffer)).collect::<Vec<_>>(), values);
        }
        let mut cells = [Cell::ABSENT; 3];
        kept.load(first, &mut String::new(), &mut cells);
        assert_eq!((cells[2].shape, kept.head(second).map(|head| head.number)), (Shape::Object, Some(2)));
        assert!(kept.failure().is_none());
    }
}
