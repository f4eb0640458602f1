//! What the keys of all rows were made of: on disk, and read again when two rows seem to share a key.
//!
//! Tables know a key by some bits of its hash. With the texts at hand a row is called a duplicate
//! because its text is there twice, and for no other reason.

use super::digest::{Digests, Key};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};

/// Bytes that are kept in memory before they go to the file.
const RECENT: usize = 1 << 20;

/// The texts of all rows, batch after batch. A batch is the ends of its texts, from a 0 on, four
/// bytes each, by row and rule, and then the texts.
#[derive(Debug, Default)]
pub(super) struct Texts {
    /// How many texts a row has.
    each: usize,
    /// By batch: its first row, and where it begins.
    batches: Vec<(u32, u64)>,
    /// How many rows there are.
    rows: u32,
    /// The last batches, which are not in the file.
    recent: Vec<u8>,
    /// Where they begin.
    base: u64,
    file: Option<File>,
}

impl Texts {
    /// Nothing kept yet, of rows with so many texts each.
    pub(super) fn new(each: usize) -> Self {
        Self { each, ..Self::default() }
    }

    /// Keeps the texts of the next rows.
    pub(super) fn append(&mut self, digests: &Digests) -> io::Result<()> {
        self.put(&digests.ends, &digests.kept)
    }

    /// Keeps the next texts, row after row, which stand one after the other and end at these places.
    pub(super) fn put(&mut self, ends: &[u32], kept: &[u8]) -> io::Result<()> {
        let rows = ends.len().checked_div(self.each).unwrap_or(0) as u32;
        if rows == 0 {
            return Ok(());
        }
        if self.recent.len() + kept.len() + 4 * ends.len() > RECENT && !self.recent.is_empty() {
            self.move_out()?;
        }
        self.batches.push((self.rows, self.base + self.recent.len() as u64));
        self.rows = self.rows.checked_add(rows).ok_or_else(too_many)?;
        let from = self.recent.len() + 4;
        self.recent.resize(from + 4 * ends.len(), 0);
        let (places, _) = self.recent.get_mut(from..).unwrap_or_default().as_chunks_mut::<4>();
        for (place, end) in places.iter_mut().zip(ends) {
            *place = end.to_le_bytes();
        }
        self.recent.extend_from_slice(kept);
        Ok(())
    }

    /// Whether this is the number of the next row.
    pub(super) fn is_at(&self, row: u32) -> bool {
        self.each == 0 || self.rows == row
    }

    fn move_out(&mut self) -> io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            None => self.file.insert(tempfile::tempfile()?),
        };
        // A reading may have moved the place in the file.
        file.seek(SeekFrom::Start(self.base))?;
        file.write_all(&self.recent)?;
        self.base += self.recent.len() as u64;
        self.recent.clear();
        self.recent.shrink_to(RECENT);
        Ok(())
    }

    /// Whether the n-th texts of two rows are the same.
    pub(super) fn are_same(&self, n: usize, one: u32, other: u32) -> io::Result<bool> {
        let (one, other) = (self.place(n, one)?, self.place(n, other)?);
        let (mut room, mut more) = (Vec::new(), Vec::new());
        Ok(one.1 == other.1 && self.read(one, &mut room)? == self.read(other, &mut more)?)
    }

    /// The n-th text of a row; `room` may be used for it.
    pub(super) fn text<'a>(&'a self, n: usize, row: u32, room: &'a mut Vec<u8>) -> io::Result<&'a [u8]> {
        self.read(self.place(n, row)?, room)
    }

    /// The key that the n-th text of a row has.
    pub(super) fn key(&self, n: usize, row: u32) -> io::Result<Key> {
        let mut room = Vec::new();
        Ok(Key::of_kept(self.text(n, row, &mut room)?))
    }

    /// Where the n-th text of a row begins, and how long it is.
    fn place(&self, n: usize, row: u32) -> io::Result<(u64, usize)> {
        let after = self.batches.partition_point(|(first, _)| *first <= row);
        let next = self.batches.get(after).map_or(self.rows, |(first, _)| *first);
        let batch = after.checked_sub(1).and_then(|batch| self.batches.get(batch)).filter(|_| row < next && n < self.each);
        let (first, at) = *batch.ok_or_else(|| io::Error::other(format!("nothing was kept of row {row} to compare it by")))?;
        let number = (row - first) as usize * self.each + n;
        let mut room = Vec::new();
        let (ends, _) = self.read((at + 4 * number as u64, 8), &mut room)?.as_chunks::<4>();
        let (from, to) = match ends {
            [from, to] => (u32::from_le_bytes(*from), u32::from_le_bytes(*to)),
            _ => (0, 0),
        };
        let texts = at + 4 * ((next - first) as u64 * self.each as u64 + 1);
        Ok((texts + u64::from(from), to.saturating_sub(from) as usize))
    }

    /// So many bytes from somewhere on: where they lie, or read into `room`.
    fn read<'a>(&'a self, (at, length): (u64, usize), room: &'a mut Vec<u8>) -> io::Result<&'a [u8]> {
        if let Some(start) = at.checked_sub(self.base) {
            let start = start as usize;
            return self.recent.get(start..start + length).ok_or_else(|| io::ErrorKind::UnexpectedEof.into());
        }
        let Some(mut file) = self.file.as_ref() else { return Err(io::ErrorKind::UnexpectedEof.into()) };
        room.resize(length, 0);
        file.seek(SeekFrom::Start(at))?;
        file.read_exact(room)?;
        Ok(room)
    }

    /// How much memory they take.
    pub(super) fn bytes(&self) -> usize {
        self.recent.capacity() + self.batches.capacity() * size_of::<(u32, u64)>()
    }
}

/// Why a feed ends that has more rows than can be told apart.
pub(super) fn too_many() -> io::Error {
    io::Error::other(format!("more than {} rows in one feed cannot be told apart; split the catalog", u32::MAX - 1))
}

#[cfg(test)]
mod tests {
    use super::{RECENT, Texts};
    use crate::rules::across::{Digests, Key};
    use proptest::prelude::*;

    /// A row's owner and two texts, of which the second may be missing.
    type Row = (String, String, Option<String>);

    /// The texts of some batches, and the first keys of their rows.
    fn kept(batches: &[Vec<Row>]) -> (Texts, Vec<Option<Key>>) {
        let (mut texts, mut keys) = (Texts::new(2), Vec::new());
        for rows in batches {
            let mut digests = Digests::default();
            for (owner, id, offer) in rows {
                digests.belong_to(owner);
                digests.push_group(None);
                digests.push_key(Some(Key::of(id)), Some(id));
                digests.push_key(offer.as_deref().map(Key::of), offer.as_deref());
            }
            texts.append(&digests).expect("a disk");
            keys.extend(digests.keys.iter().step_by(2));
        }
        (texts, keys)
    }

    proptest! {
        #[test]
        fn texts_are_compared_as_they_were(
            batches in prop::collection::vec(prop::collection::vec(("x?", "[aöx]{0,3}", prop::option::of("[ab]{1,2}")), 0..9), 0..9)
        ) {
            let (texts, keys) = kept(&batches);
            let rows: Vec<Row> = batches.concat();
            for (row, (owner, id, offer)) in rows.iter().enumerate() {
                prop_assert_eq!(Some(texts.key(0, row as u32).expect("kept")), keys[row]);
                for (other, (other_owner, other_id, other_offer)) in rows.iter().enumerate() {
                    let are_same = |n| texts.are_same(n, row as u32, other as u32).expect("kept");
                    prop_assert_eq!(are_same(0), (owner, id) == (other_owner, other_id));
                    let both_missing = offer.is_none() && other_offer.is_none();
                    prop_assert_eq!(are_same(1), both_missing || (owner, offer) == (other_owner, other_offer));
                }
            }
            prop_assert!(texts.key(0, rows.len() as u32).is_err());
        }
    }

    #[test]
    fn what_does_not_stay_in_memory_is_read_again() {
        let row = |number: usize| (String::new(), format!("{:0100}", number % 30_000), Some(format!("o{number}")));
        let batches: Vec<Vec<_>> = (0..400).map(|batch| (0..100).map(|place| row(batch * 100 + place)).collect()).collect();
        let (texts, _) = kept(&batches);
        assert!(texts.file.is_some() && texts.base > 3 << 20 && texts.recent.len() <= RECENT);
        for (one, other) in [(0, 30_000), (9_999, 39_999), (5, 6), (39_998, 39_999)] {
            assert_eq!(texts.are_same(0, one, other).expect("kept"), other - one == 30_000, "{one} and {other}");
            assert!(!texts.are_same(1, one, other).expect("kept"));
        }
        assert_eq!(texts.key(1, 12_345).expect("kept"), Key::of("o12345"));
    }
}
