//! The index beside a feed: for each item, in the order of the feed, what it is called, digests
//! of what was written of it, and the record it was made of.
//!
//! Deliveries compare it with what a target has accepted to find what changed, and follow a
//! refusal back to the merchant's own row. It holds no values, only digests and positions.

use super::Compression;
use super::file::{Finished, Output, WriteError};
use std::collections::HashSet;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

/// The name of the index file.
pub const NAME: &str = "feed.items";
/// What the file begins with; the number is the version of its shape.
const MAGIC: &[u8; 16] = b"feedmill.items/2";

/// What was written of an item, as digests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Print {
    /// Digest of everything but prices and stock.
    pub body: u64,
    /// Digest of the prices.
    pub price: u64,
    /// Digest of availability and stock.
    pub stock: u64,
    /// The price in ten-thousandths of its currency's unit; negative where there is none.
    pub amount: i64,
    /// Whether it can be bought now.
    pub in_stock: bool,
    /// Whether it has a sale price.
    pub on_sale: bool,
    /// Digest of the currency of its price; 0 where there is none.
    pub currency: u16,
    /// Digest of the host that its link leads to; 0 where there is none.
    pub host: u16,
    /// The columns of the feed in which it has a value, as bits; without those of prices and stock.
    pub filled: u128,
}

impl Print {
    /// The yes-or-no parts in one byte.
    pub fn flags(&self) -> u8 {
        u8::from(self.in_stock) | u8::from(self.on_sale) << 1
    }

    /// Sets the yes-or-no parts.
    pub fn set_flags(&mut self, flags: u8) {
        self.in_stock = flags & 1 != 0;
        self.on_sale = flags & 2 != 0;
    }
}

/// An item of a feed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// Its id.
    pub item: String,
    /// Its group's id; empty where it has none.
    pub group: String,
    /// What was written of it.
    pub print: Print,
    /// The source, from 0.
    pub source: u16,
    /// The record, from 1.
    pub record: u32,
    /// The line, from 1; 0 where lines mean nothing.
    pub line: u32,
}

/// Appends an item as it stands in an index; `place` is its source, record and line.
pub fn encode(out: &mut Vec<u8>, item: &str, group: &str, print: &Print, place: (u16, u32, u32)) {
    let (source, record, line) = place;
    for number in [print.body, print.price, print.stock] {
        out.extend_from_slice(&number.to_le_bytes());
    }
    out.extend_from_slice(&print.amount.to_le_bytes());
    out.push(print.flags());
    out.extend_from_slice(&print.currency.to_le_bytes());
    out.extend_from_slice(&print.host.to_le_bytes());
    out.extend_from_slice(&print.filled.to_le_bytes());
    out.extend_from_slice(&source.to_le_bytes());
    out.extend_from_slice(&record.to_le_bytes());
    out.extend_from_slice(&line.to_le_bytes());
    for name in [item, group] {
        let name = crate::product::text::truncate(name, usize::from(u16::MAX) / 4);
        out.extend_from_slice(&(name.len() as u16).to_le_bytes());
        out.extend_from_slice(name.as_bytes());
    }
}

/// An index in the making.
pub struct Writer {
    output: Output,
    buffer: Vec<u8>,
}

impl Writer {
    /// Begins the index of the feed in `folder`.
    pub fn create(folder: &Path) -> Result<Self, WriteError> {
        let mut output = Output::create(&folder.join(NAME), Compression::None)?;
        output.write(MAGIC)?;
        Ok(Self { output, buffer: Vec::new() })
    }

    /// Appends an item.
    pub fn push(&mut self, item: &str, group: &str, print: &Print, source: u16, record: u32, line: u32) -> Result<(), WriteError> {
        self.buffer.clear();
        encode(&mut self.buffer, item, group, print, (source, record, line));
        self.output.write(&self.buffer)
    }

    /// Appends an item that was encoded before.
    pub fn append(&mut self, entry: &[u8]) -> Result<(), WriteError> {
        self.output.write(entry)
    }

    /// Ends the index; the entries at the places `refused` are left out of it.
    pub fn finish(self, refused: &[usize]) -> Result<Finished, WriteError> {
        let whole = self.output.finish()?;
        if refused.is_empty() {
            return Ok(whole);
        }
        let refused: HashSet<usize> = refused.iter().copied().collect();
        let fail = |source| WriteError { path: whole.path().to_owned(), source };
        let mut reader = Reader::over(File::open(whole.temporary()).map_err(fail)?).map_err(fail)?;
        let folder = whole.path().parent().unwrap_or(Path::new(".")).to_owned();
        let mut kept = Self::create(&folder)?;
        let mut entry = Entry::default();
        let mut place = 0;
        while reader.next(&mut entry).map_err(fail)? {
            if !refused.contains(&place) {
                kept.push(&entry.item, &entry.group, &entry.print, entry.source, entry.record, entry.line)?;
            }
            place += 1;
        }
        kept.output.finish()
    }
}

/// Reads an index from its beginning.
pub struct Reader {
    input: BufReader<File>,
}

/// Fixed bytes of an entry, in front of its names.
const FIXED: usize = 8 * 4 + 1 + 2 + 2 + 16 + 2 + 4 + 4;

impl Reader {
    /// Opens the index of the feed in `folder`.
    ///
    /// # Errors
    /// When it is not there, or of another version.
    pub fn open(folder: &Path) -> io::Result<Self> {
        Self::over(File::open(folder.join(NAME))?)
    }

    fn over(file: File) -> io::Result<Self> {
        let mut input = BufReader::with_capacity(1 << 20, file);
        let mut magic = [0; MAGIC.len()];
        input.read_exact(&mut magic)?;
        if &magic == MAGIC { Ok(Self { input }) } else { Err(io::Error::new(io::ErrorKind::InvalidData, "the index has another version")) }
    }

    /// Reads the next item into `entry`; `false` at the end.
    ///
    /// # Errors
    /// When the file is cut or cannot be read.
    pub fn next(&mut self, entry: &mut Entry) -> io::Result<bool> {
        let mut fixed = [0; FIXED];
        let mut read = 0;
        while read < FIXED {
            match self.input.read(&mut fixed[read..])? {
                0 if read == 0 => return Ok(false),
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                more => read += more,
            }
        }
        let mut at = Cursor(&fixed);
        entry.print.body = u64::from_le_bytes(at.take());
        entry.print.price = u64::from_le_bytes(at.take());
        entry.print.stock = u64::from_le_bytes(at.take());
        entry.print.amount = i64::from_le_bytes(at.take());
        entry.print.set_flags(u8::from_le_bytes(at.take()));
        entry.print.currency = u16::from_le_bytes(at.take());
        entry.print.host = u16::from_le_bytes(at.take());
        entry.print.filled = u128::from_le_bytes(at.take());
        entry.source = u16::from_le_bytes(at.take());
        entry.record = u32::from_le_bytes(at.take());
        entry.line = u32::from_le_bytes(at.take());
        for name in [&mut entry.item, &mut entry.group] {
            let mut length = [0; 2];
            self.input.read_exact(&mut length)?;
            let mut bytes = std::mem::take(name).into_bytes();
            bytes.resize(usize::from(u16::from_le_bytes(length)), 0);
            self.input.read_exact(&mut bytes)?;
            *name = String::from_utf8(bytes).map_err(|_| io::Error::from(io::ErrorKind::InvalidData))?;
        }
        Ok(true)
    }
}

/// Takes fixed pieces off a slice.
struct Cursor<'a>(&'a [u8]);

impl Cursor<'_> {
    fn take<const N: usize>(&mut self) -> [u8; N] {
        let (head, rest) = self.0.split_first_chunk::<N>().map_or(([0; N], &[][..]), |(head, rest)| (*head, rest));
        self.0 = rest;
        head
    }
}

#[cfg(test)]
mod tests {
    use super::{Entry, Print, Reader, Writer};

    #[test]
    fn what_is_written_is_read_and_a_cut_shows() {
        let folder = tempfile::tempdir().expect("a folder");
        let print = Print { body: 1, price: 2, stock: 3, amount: -1, in_stock: true, on_sale: false, currency: 4, host: 5, filled: 6 };
        let mut writer = Writer::create(folder.path()).expect("created");
        writer.push("A-1", "", &print, 0, 7, 9).expect("written");
        writer.push("Ä-2", "G", &Print { amount: 799_900, ..print }, 1, 8, 11).expect("written");
        writer.finish(&[]).expect("finished").publish().expect("published");
        let read = |folder: &std::path::Path| -> std::io::Result<Vec<Entry>> {
            let mut reader = Reader::open(folder)?;
            let (mut entry, mut all) = (Entry::default(), Vec::new());
            while reader.next(&mut entry)? {
                all.push(entry.clone());
            }
            Ok(all)
        };
        let all = read(folder.path()).expect("readable");
        assert_eq!(all.len(), 2);
        assert_eq!(all[0].print, print);
        assert_eq!((all[1].item.as_str(), all[1].group.as_str(), all[1].print.amount, all[1].line), ("Ä-2", "G", 799_900, 11));
        let mut writer = Writer::create(folder.path()).expect("created");
        for (item, record) in [("A-1", 7), ("late", 8), ("B-1", 9)] {
            writer.push(item, "", &print, 0, record, record).expect("written");
        }
        writer.finish(&[1]).expect("finished").publish().expect("published");
        let ids: Vec<String> = read(folder.path()).expect("readable").into_iter().map(|entry| entry.item).collect();
        assert_eq!(ids, ["A-1", "B-1"]);
        let path = folder.path().join(super::NAME);
        let whole = std::fs::metadata(&path).expect("there").len();
        std::fs::OpenOptions::new().write(true).open(&path).expect("open").set_len(whole - 1).expect("cut");
        assert!(read(folder.path()).is_err());
    }
}
