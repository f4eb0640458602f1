//! A table from keys to row numbers, in 16 bytes an entry.
//!
//! A map of the standard library doubles all at once, and right after that it is half empty;
//! with tens of millions of ids that decides how much memory a run needs. This one is cut
//! into parts that grow one at a time and by a quarter.

use super::digest::Key;

/// How many parts there are: a power of two, so that a few bits of the key choose one.
const PARTS: usize = 64;
/// The share of places that may be taken, in percent.
const FULL: usize = 75;

#[derive(Clone, Copy, Debug)]
struct Entry {
    /// 0 where the place is free.
    head: u64,
    tail: u32,
    row: u32,
}

const FREE: Entry = Entry { head: 0, tail: 0, row: 0 };

/// Keys with the row each was first met in.
#[derive(Debug)]
pub(super) struct Table {
    parts: Vec<Part>,
}

#[derive(Clone, Debug, Default)]
struct Part {
    places: Vec<Entry>,
    taken: usize,
}

impl Default for Table {
    fn default() -> Self {
        Self { parts: vec![Part::default(); PARTS] }
    }
}

impl Table {
    /// The row of a key, or `None` after the key was put in with `row`.
    pub(super) fn find_or_insert(&mut self, key: Key, row: u32) -> Option<u32> {
        let part = self.parts.get_mut(key.head() as usize % PARTS)?;
        if part.taken * 100 >= part.places.len() * FULL {
            part.grow();
        }
        let place = part.place(key);
        let entry = part.places.get_mut(place)?;
        if entry.head != 0 {
            return Some(entry.row);
        }
        *entry = Entry { head: key.head(), tail: key.tail(), row };
        part.taken += 1;
        None
    }

    /// Looks at the place of a key without waiting for it; what is returned means nothing.
    pub(super) fn glance(&self, key: Key) -> u64 {
        let part = self.parts.get(key.head() as usize % PARTS);
        part.and_then(|part| part.places.get(part.home(key))).map_or(0, |entry| entry.head)
    }

    /// The row of a key.
    pub(super) fn find(&self, key: Key) -> Option<u32> {
        let part = self.parts.get(key.head() as usize % PARTS)?;
        part.places.get(part.place(key)).filter(|entry| entry.head != 0).map(|entry| entry.row)
    }

    /// All keys with their rows, in no order that means anything.
    pub(super) fn entries(&self) -> impl Iterator<Item = (Key, u32)> {
        let taken = self.parts.iter().flat_map(|part| &part.places).filter(|entry| entry.head != 0);
        taken.map(|entry| (Key::new(entry.head, entry.tail), entry.row))
    }

    /// How much memory the table takes.
    pub(super) fn bytes(&self) -> usize {
        self.parts.iter().map(|part| part.places.capacity()).sum::<usize>() * size_of::<Entry>()
    }
}

impl Part {
    /// The first place of a key: its hash scaled to the number of places, which is no power of two.
    fn home(&self, key: Key) -> usize {
        ((u128::from(key.head()) * self.places.len() as u128) >> 64) as usize
    }

    /// Where a key stands, or would.
    fn place(&self, key: Key) -> usize {
        if self.places.is_empty() {
            return 0;
        }
        let mut place = self.home(key);
        while let Some(entry) = self.places.get(place)
            && entry.head != 0
            && (entry.head, entry.tail) != (key.head(), key.tail())
        {
            place = if place + 1 == self.places.len() { 0 } else { place + 1 };
        }
        place
    }

    fn grow(&mut self) {
        let places = (self.places.len() + self.places.len() / 4).max(16);
        let old = std::mem::replace(&mut self.places, vec![FREE; places]);
        for entry in old.into_iter().filter(|entry| entry.head != 0) {
            let place = self.place(Key::new(entry.head, entry.tail));
            self.places[place] = entry;
        }
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
        }
    }

    #[test]
    fn keys_that_share_their_head_are_told_apart() {
        let mut table = Table::default();
        assert_eq!(table.find_or_insert(Key::new(7, 1), 10), None);
        assert_eq!(table.find_or_insert(Key::new(7, 2), 11), None);
        assert_eq!((table.find(Key::new(7, 1)), table.find(Key::new(7, 2)), table.find(Key::new(7, 3))), (Some(10), Some(11), None));
    }
}
