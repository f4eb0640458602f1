//! Keys with a number each, gathered first and looked up afterwards: sorted, in memory as far as
//! there is room, and in a temporary file beyond.
//!
//! Keys are hashes of 128 bits: that two of ten million texts share one has a probability below
//! 10^-24.

use super::heaps::{HEAPS, Heaps};
use super::kept::read_exact_at;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::sync::Mutex;

/// Bytes of an entry in a file.
const WIDTH: usize = 24;
/// Entries between two keys that are kept in memory.
const STRIDE: usize = 32;

/// A key and its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    /// The halves of the key apart, because a whole one would leave room unused behind the number.
    key: [u64; 2],
    number: u64,
}

impl Entry {
    fn new(key: u128, number: u64) -> Self {
        Self { key: [(key >> 64) as u64, key as u64], number }
    }

    fn bytes(self) -> [u8; WIDTH] {
        let mut bytes = [0; WIDTH];
        let (places, _) = bytes.as_chunks_mut::<8>();
        for (place, word) in places.iter_mut().zip([self.key[0], self.key[1], self.number]) {
            *place = word.to_le_bytes();
        }
        bytes
    }

    fn read(bytes: &[u8; WIDTH]) -> Self {
        let (words, _) = bytes.as_chunks::<8>();
        let word = |n: usize| words.get(n).map_or(0, |word| u64::from_le_bytes(*word));
        Self { key: [word(0), word(1)], number: word(2) }
    }
}

/// Keys on their way into an index.
#[derive(Debug)]
pub(super) struct Gathered {
    heaps: Heaps,
    most: usize,
    /// The first thing that went wrong with the temporary file.
    failed: Option<io::Error>,
}

impl Gathered {
    /// Nothing gathered yet; takes so many bytes of memory at most, as does the index.
    pub(super) fn within(most: usize) -> Self {
        Self { heaps: Heaps::within(most), most, failed: None }
    }

    /// Gathers a key with its number; what goes wrong shows at the end.
    pub(super) fn put(&mut self, key: u128, number: u64) {
        if self.failed.is_none() {
            self.failed = self.heaps.put(key, |out| out.extend(Entry::new(key, number).bytes())).err();
        }
    }

    /// Each key with the least of its numbers.
    ///
    /// # Errors
    /// When a temporary file could not be written or read.
    pub(super) fn least(self) -> io::Result<Index> {
        self.index(1)
    }

    /// The keys that were put in more than once.
    ///
    /// # Errors
    /// When a temporary file could not be written or read.
    pub(super) fn repeated(self) -> io::Result<Index> {
        self.index(2)
    }

    /// The keys that were put in so many times at least.
    fn index(self, times: usize) -> io::Result<Index> {
        let Self { mut heaps, most, failed } = self;
        failed.map_or(Ok(()), Err)?;
        let mut index = Builder { most: most / WIDTH, ..Builder::default() };
        for n in 0..HEAPS {
            let mut entries: Vec<Entry> = Vec::new();
            heaps.take(n, |records| {
                entries.extend(records.as_chunks::<WIDTH>().0.iter().map(Entry::read));
                Ok(())
            })?;
            entries.sort_unstable();
            for same in entries.chunk_by(|one, other| one.key == other.key).filter(|same| same.len() >= times) {
                same.first().map_or(Ok(()), |first| index.push(*first))?;
            }
        }
        index.finish()
    }
}

/// Takes entries in the order of their keys.
#[derive(Debug, Default)]
struct Builder {
    /// Every [`STRIDE`]th key.
    marks: Vec<[u64; 2]>,
    count: usize,
    entries: Vec<Entry>,
    /// How many entries stay in memory, if all of them can.
    most: usize,
    file: Option<BufWriter<File>>,
}

impl Builder {
    fn push(&mut self, entry: Entry) -> io::Result<()> {
        if self.count.is_multiple_of(STRIDE) {
            self.marks.push(entry.key);
        }
        self.count += 1;
        if self.file.is_none() && self.entries.len() < self.most {
            if self.entries.len() == self.entries.capacity() {
                self.entries.reserve_exact((self.entries.len() / 4).max(STRIDE));
            }
            self.entries.push(entry);
            return Ok(());
        }
        let file = match &mut self.file {
            Some(file) => file,
            None => self.file.insert(BufWriter::with_capacity(256 << 10, tempfile::tempfile()?)),
        };
        std::mem::take(&mut self.entries).into_iter().chain([entry]).try_for_each(|entry| file.write_all(&entry.bytes()))
    }

    fn finish(self) -> io::Result<Index> {
        let file = self.file.map(|file| file.into_inner().map_err(io::IntoInnerError::into_error)).transpose()?;
        Ok(Index { marks: self.marks, count: self.count, entries: self.entries, file, failed: Mutex::default() })
    }
}

/// Numbers by key.
#[derive(Debug, Default)]
pub(super) struct Index {
    /// The first key of each run of [`STRIDE`] entries.
    marks: Vec<[u64; 2]>,
    count: usize,
    /// All entries, or none where they are in the file.
    entries: Vec<Entry>,
    file: Option<File>,
    failed: Mutex<Option<io::Error>>,
}

impl Index {
    /// Whether there are no keys.
    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The number of a key. What goes wrong is kept for [`Self::failure`].
    pub(super) fn get(&self, key: u128) -> Option<u64> {
        if self.is_empty() {
            return None;
        }
        let key = Entry::new(key, 0).key;
        let run = self.marks.partition_point(|mark| *mark <= key).checked_sub(1)?;
        let (start, end) = (run * STRIDE, ((run + 1) * STRIDE).min(self.count));
        let Some(file) = &self.file else {
            return self.entries.get(start..end)?.iter().find(|entry| entry.key == key).map(|entry| entry.number);
        };
        let mut room = [0; STRIDE * WIDTH];
        let bytes = room.get_mut(..(end - start) * WIDTH)?;
        if let Err(error) = read_exact_at(file, (start * WIDTH) as u64, bytes) {
            if let Ok(mut failed) = self.failed.lock() {
                failed.get_or_insert(error);
            }
            return None;
        }
        bytes.as_chunks::<WIDTH>().0.iter().map(Entry::read).find(|entry| entry.key == key).map(|entry| entry.number)
    }

    /// Whether a key is there.
    pub(super) fn has(&self, key: u128) -> bool {
        self.get(key).is_some()
    }

    /// The first thing that went wrong with the temporary file.
    pub(super) fn failure(&self) -> Option<io::Error> {
        self.failed.lock().ok().and_then(|mut failed| failed.take())
    }
}

#[cfg(test)]
mod tests {
    use super::Gathered;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        /// Against a map; keys that differ in their last bit or their first, with room for all,
        /// for some, and for none.
        #[test]
        fn every_key_is_found_and_no_other(
            entries in prop::collection::vec((0u128..200, 0u64..9), 0..300),
            most in prop::sample::select(vec![0, 240, 100_000]),
        ) {
            let key = |n: u128| if n.is_multiple_of(2) { n << 120 } else { n };
            let (mut least, mut repeated) = (Gathered::within(most), Gathered::within(most));
            let mut expected: BTreeMap<u128, (u64, usize)> = BTreeMap::new();
            for (n, number) in &entries {
                least.put(key(*n), *number);
                repeated.put(key(*n), *number);
                let (known, times) = expected.entry(key(*n)).or_insert((*number, 0));
                (*known, *times) = ((*known).min(*number), *times + 1);
            }
            let (least, repeated) = (least.least().expect("a disk"), repeated.repeated().expect("a disk"));
            prop_assert_eq!(least.file.is_some(), least.count * 24 > most);
            for n in 0..256 {
                let known = expected.get(&key(n));
                prop_assert_eq!(least.get(key(n)), known.map(|(number, _)| *number));
                prop_assert_eq!(repeated.has(key(n)), known.is_some_and(|(_, times)| *times > 1));
            }
            prop_assert!(least.failure().is_none());
        }
    }
}
