//! A table from keys to row numbers, in 12 bytes an entry.
//!
//! A map of the standard library doubles all at once, and right after that it is half empty;
//! with tens of millions of ids that decides how much memory a run needs. This one is cut
//! into parts that grow one at a time and by an eighth, each from a size of its own, so that
//! not all of them are nearly empty at once. A part keeps its entries in the order of their
//! words: a word that is not there is missed at the first greater one, which lets the part be
//! nearly full.

use super::digest::Key;

/// How many parts there are: the low byte of a key's head chooses one, and so needs no place in it.
const PARTS: usize = 256;
/// The share of places that may be taken, in percent.
const FULL: usize = 87;
/// Places behind the last home, for entries that found theirs taken; more are added where needed.
const BEHIND: usize = 24;

/// The rest of a key and its row, in three pieces of four bytes so that no room is lost between.
#[derive(Clone, Copy, Debug)]
struct Entry {
    high: u32,
    low: u32,
    row: u32,
}

const FREE: Entry = Entry { high: 0, low: 0, row: 0 };

impl Entry {
    fn of(word: u64, row: u32) -> Self {
        Self { high: (word >> 32) as u32, low: word as u32, row }
    }

    /// What is left of the key; 0 where the place is free.
    fn word(self) -> u64 {
        u64::from(self.high) << 32 | u64::from(self.low)
    }
}

/// Keys with the row each was first met in.
#[derive(Debug)]
pub(super) struct Table {
    parts: Vec<Part>,
}

#[derive(Clone, Debug, Default)]
struct Part {
    places: Vec<Entry>,
    /// How many places are homes; the others stand behind them.
    homes: usize,
    taken: usize,
}

impl Default for Table {
    fn default() -> Self {
        Self { parts: vec![Part::default(); PARTS] }
    }
}

/// The part of a key and what is kept of it there; never 0, because no head is below 256.
fn cut(key: Key) -> (usize, u64) {
    (key.head() as usize % PARTS, key.head() >> 8 << 8 | u64::from(key.tail()))
}

impl Table {
    /// The row of a key, or `None` after the key was put in with `row`.
    pub(super) fn find_or_insert(&mut self, key: Key, row: u32) -> Option<u32> {
        let (number, word) = cut(key);
        let part = self.parts.get_mut(number)?;
        if part.taken * 100 >= part.homes * FULL {
            part.grow(number);
        }
        let place = part.place(word);
        if let Some(entry) = part.places.get(place).filter(|entry| entry.word() == word) {
            return Some(entry.row);
        }
        part.put(place, Entry::of(word, row));
        None
    }

    /// Looks at the place of a key without waiting for it; what is returned means nothing.
    pub(super) fn glance(&self, key: Key) -> u64 {
        let (number, word) = cut(key);
        let part = self.parts.get(number);
        part.and_then(|part| part.places.get(part.home(word))).map_or(0, |entry| u64::from(entry.low))
    }

    /// The row of a key.
    pub(super) fn find(&self, key: Key) -> Option<u32> {
        let (number, word) = cut(key);
        let part = self.parts.get(number)?;
        part.places.get(part.place(word)).filter(|entry| entry.word() == word).map(|entry| entry.row)
    }

    /// All keys with their rows, in no order that means anything.
    pub(super) fn entries(&self) -> impl Iterator<Item = (Key, u32)> {
        self.parts.iter().enumerate().flat_map(|(number, part)| {
            let taken = part.places.iter().filter(|entry| entry.word() != 0);
            taken.map(move |entry| (Key::new(entry.word() >> 8 << 8 | number as u64, entry.word() as u8), entry.row))
        })
    }

    /// How much memory the table takes.
    pub(super) fn bytes(&self) -> usize {
        self.parts.iter().map(|part| part.places.capacity()).sum::<usize>() * size_of::<Entry>()
    }
}

impl Part {
    /// The first place of a word: scaled to the number of homes, so that the order of words is
    /// that of their homes.
    fn home(&self, word: u64) -> usize {
        ((u128::from(word) * self.homes as u128) >> 64) as usize
    }

    /// Where a word stands, or would: the first place from its home on that is free or holds
    /// no lesser one.
    fn place(&self, word: u64) -> usize {
        let home = self.home(word);
        let entries = self.places.get(home..).unwrap_or_default();
        // A free place holds 0, which minus one is greater than any word.
        home + entries.iter().position(|entry| entry.word().wrapping_sub(1) >= word - 1).unwrap_or(entries.len())
    }

    /// Puts an entry where it belongs; those behind it move up to the next free place.
    fn put(&mut self, place: usize, entry: Entry) {
        let behind = self.places.get(place..).unwrap_or_default();
        let free = place + behind.iter().position(|entry| entry.word() == 0).unwrap_or(behind.len());
        if free == self.places.len() {
            self.places.reserve_exact(BEHIND);
            self.places.push(FREE);
        }
        self.places.copy_within(place..free, place + 1);
        self.places[place] = entry;
        self.taken += 1;
    }

    fn grow(&mut self, number: usize) {
        self.homes = if self.homes == 0 { 16 + number % 16 } else { self.homes + (self.homes / 8).max(4) };
        let old = std::mem::replace(&mut self.places, Vec::with_capacity(self.homes + BEHIND));
        for entry in old.into_iter().filter(|entry| entry.word() != 0) {
            // All that came before belong in front of it.
            self.places.resize(self.home(entry.word()).max(self.places.len()), FREE);
            self.places.push(entry);
        }
        self.places.resize(self.places.len().max(self.homes + BEHIND), FREE);
    }
}

#[cfg(test)]
mod tests {
    use super::Table;
    use crate::rules::across::Key;
    use proptest::prelude::*;
    use std::collections::HashMap;

    proptest! {
        #[test]
        fn finds_what_a_map_finds(keys in prop::collection::vec(0u64..5000, 0..6000)) {
            let (mut table, mut map) = (Table::default(), HashMap::new());
            for (row, key) in keys.iter().enumerate() {
                let text = Key::of(&key.to_string());
                let known = map.get(key).copied();
                prop_assert_eq!(table.find(text), known);
                prop_assert_eq!(table.find_or_insert(text, row as u32), known);
                map.entry(*key).or_insert(row as u32);
            }
            prop_assert_eq!(table.entries().count(), map.len());
            for (key, row) in table.entries() {
                prop_assert_eq!(table.find(key), Some(row));
            }
        }
    }

    proptest! {
        /// Keys side by side: of one part, with homes that are taken, up to the end of the places.
        #[test]
        fn crowded_keys_find_their_places(keys in prop::collection::vec((0usize..3, 0u64..80, 0u8..3), 0..400)) {
            let (mut table, mut map) = (Table::default(), HashMap::new());
            for (row, (far, near, tail)) in keys.iter().enumerate() {
                let key = Key::new([1 << 62, 3 << 62, u64::MAX - 80 * 256][*far] + near * 256, *tail);
                let known = map.get(&key).copied();
                prop_assert_eq!(table.find_or_insert(key, row as u32), known);
                map.entry(key).or_insert(row as u32);
            }
            let mut entries: Vec<_> = table.entries().collect();
            let mut known: Vec<_> = map.into_iter().collect();
            entries.sort_by_key(|(_, row)| *row);
            known.sort_by_key(|(_, row)| *row);
            prop_assert_eq!(entries, known);
        }
    }

    #[test]
    fn parts_stay_nearly_full() {
        let mut table = Table::default();
        for row in 0..200_000u32 {
            table.find_or_insert(Key::of(&row.to_string()), row);
        }
        assert!(table.bytes() < 200_000 * 16, "{} bytes", table.bytes());
    }

    #[test]
    fn keys_that_share_their_head_are_told_apart() {
        let mut table = Table::default();
        assert_eq!(table.find_or_insert(Key::new(7 << 32, 1), 10), None);
        assert_eq!(table.find_or_insert(Key::new(7 << 32, 2), 11), None);
        assert_eq!(
            (table.find(Key::new(7 << 32, 1)), table.find(Key::new(7 << 32, 2)), table.find(Key::new(7 << 32, 3))),
            (Some(10), Some(11), None)
        );
    }
}
