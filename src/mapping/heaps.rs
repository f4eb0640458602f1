//! Records put on heaps by a key, to be gone through one heap at a time: in memory as far as
//! there is room, and in one temporary file beyond.
//!
//! What concerns one key stands on one heap, in the order it came, so each heap can be worked
//! off without the others, in a fraction of the memory that all would take.

use super::kept::read_exact_at;
use std::fs::File;
use std::io::{self, Write};

/// How many heaps there are.
pub(crate) const HEAPS: usize = 64;

/// Records by key.
#[derive(Debug)]
pub(crate) struct Heaps {
    heaps: Vec<Heap>,
    /// Bytes in memory, and how many there may be.
    held: usize,
    most: usize,
    file: Option<File>,
    /// How long the file is.
    written: u64,
}

#[derive(Debug, Default)]
struct Heap {
    /// The records that are not in the file.
    held: Vec<u8>,
    /// Where those are that are: whole records each.
    chunks: Vec<(u64, usize)>,
}

impl Heaps {
    /// Empty heaps that take so many bytes of memory at most, and one record more.
    pub(crate) fn within(most: usize) -> Self {
        Self { heaps: (0..HEAPS).map(|_| Heap::default()).collect(), held: 0, most, file: None, written: 0 }
    }

    /// Puts a record of a key, which is a hash, on its heap: `write` appends it.
    ///
    /// # Errors
    /// When the temporary file cannot be written.
    pub(crate) fn put(&mut self, key: u128, write: impl FnOnce(&mut Vec<u8>)) -> io::Result<()> {
        let heap = &mut self.heaps[heap_of(key)].held;
        let before = heap.len();
        write(heap);
        self.held += heap.len() - before;
        if self.held > self.most { self.move_out() } else { Ok(()) }
    }

    fn move_out(&mut self) -> io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            None => self.file.insert(tempfile::tempfile()?),
        };
        for Heap { held, chunks } in self.heaps.iter_mut().filter(|heap| !heap.held.is_empty()) {
            file.write_all(held)?;
            chunks.push((self.written, held.len()));
            self.written += held.len() as u64;
            held.clear();
            held.shrink_to(self.most / HEAPS);
        }
        self.held = 0;
        Ok(())
    }

    /// Takes the n-th heap; `see` is given its records in their order, several at a time.
    ///
    /// # Errors
    /// When the temporary file cannot be read, or of `see`.
    pub(crate) fn take(&mut self, n: usize, mut see: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
        let Some(Heap { held, chunks }) = self.heaps.get_mut(n).map(std::mem::take) else { return Ok(()) };
        self.held -= held.len();
        let mut room = Vec::new();
        for (at, length) in chunks {
            room.resize(length, 0);
            if let Some(file) = &self.file {
                read_exact_at(file, at, &mut room)?;
            }
            see(&room)?;
        }
        see(&held)
    }
}

/// The heap of a key. Heaps are in the order of keys.
fn heap_of(key: u128) -> usize {
    (key >> (u128::BITS - HEAPS.ilog2())) as usize
}

#[cfg(test)]
mod tests {
    use super::{HEAPS, Heaps, heap_of};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_record_once_in_order_whatever_stays_in_memory(
            keys in prop::collection::vec(prop::sample::select(vec![0, 1, 1 << 125, u128::MAX, u128::MAX - 1]), 0..60),
            most in 0usize..80,
        ) {
            let mut heaps = Heaps::within(most);
            for (number, key) in keys.iter().enumerate() {
                heaps.put(*key, |out| out.push(number as u8)).expect("a disk");
                prop_assert!(heaps.held <= most);
            }
            prop_assert_eq!(heaps.file.is_some(), keys.len() > most);
            for n in 0..HEAPS {
                let mut found = Vec::new();
                heaps.take(n, |records| { found.extend_from_slice(records); Ok(()) }).expect("a disk");
                let expected: Vec<u8> = (0u8..).zip(&keys).filter(|(_, key)| heap_of(**key) == n).map(|(number, _)| number).collect();
                prop_assert_eq!(found, expected);
            }
            prop_assert_eq!(heaps.held, 0);
        }
    }
}
