//! What left a feed: by far most often a handful, but nothing keeps it from being millions, so
//! beyond a megabyte it lies in a temporary file.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};

/// An item that left the feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gone {
    /// Its id.
    pub item: String,
    /// Its group's id.
    pub group: String,
}

/// Items that left, in the order in which they were added.
#[derive(Debug, Default)]
pub struct GoneList {
    count: u64,
    file: Option<File>,
    /// What is not in the file yet.
    recent: Vec<u8>,
}

/// Bytes that are kept in memory.
const KEPT: usize = 1 << 20;

impl GoneList {
    /// How many there are.
    pub fn len(&self) -> u64 {
        self.count
    }

    /// Whether nothing left.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Adds one.
    ///
    /// # Errors
    /// When the disk takes it not.
    pub fn push(&mut self, item: &str, group: &str) -> io::Result<()> {
        for name in [item, group] {
            self.recent.extend_from_slice(&(name.len() as u32).to_le_bytes());
            self.recent.extend_from_slice(name.as_bytes());
        }
        self.count += 1;
        if self.recent.len() >= KEPT {
            let file = match &mut self.file {
                Some(file) => file,
                None => self.file.insert(tempfile::tempfile()?),
            };
            // A reading may have moved the place in the file.
            file.seek(SeekFrom::End(0))?;
            file.write_all(&self.recent)?;
            self.recent.clear();
        }
        Ok(())
    }

    /// All of them; one reading at a time.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn iter(&self) -> io::Result<impl Iterator<Item = io::Result<Gone>>> {
        let spilled: Box<dyn Read + '_> = match &self.file {
            Some(file) => {
                let mut file: &File = file;
                file.seek(SeekFrom::Start(0))?;
                Box::new(BufReader::new(file))
            }
            None => Box::new(io::empty()),
        };
        let mut input = spilled.chain(self.recent.as_slice());
        Ok((0..self.count).map(move |_| Ok(Gone { item: name(&mut input)?, group: name(&mut input)? })))
    }
}

fn name(input: &mut impl Read) -> io::Result<String> {
    let mut length = [0; 4];
    input.read_exact(&mut length)?;
    let mut bytes = vec![0; u32::from_le_bytes(length) as usize];
    input.read_exact(&mut bytes)?;
    String::from_utf8(bytes).map_err(|_| io::ErrorKind::InvalidData.into())
}

#[cfg(test)]
mod tests {
    use super::GoneList;

    #[test]
    fn few_and_many_come_back_in_order() {
        for count in [0, 3, 100_000] {
            let mut list = GoneList::default();
            for n in 0..count {
                list.push(&format!("SKU-{n}"), if n % 2 == 0 { "" } else { "Größe" }).expect("written");
            }
            assert_eq!((list.len(), list.is_empty()), (count, count == 0));
            for _ in 0..2 {
                let read: Vec<_> = list.iter().expect("readable").map(|gone| gone.expect("whole")).collect();
                assert_eq!(read.len() as u64, count);
                assert!(read.iter().enumerate().all(|(n, gone)| gone.item == format!("SKU-{n}") && gone.group.is_empty() == (n % 2 == 0)));
            }
            list.push("last", "").expect("written");
            assert_eq!(list.iter().expect("readable").last().expect("one").expect("whole").item, "last");
        }
    }
}
