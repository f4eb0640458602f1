//! A table from short hashes to row numbers, in 8 bytes an entry.
//!
//! An entry holds 32 bits of a key's hash, so two keys may well look the same here: what is
//! found is a candidate, and whoever asks says whether it is the one that was meant.
//!
//! Entries stand in buckets of one cache line each, in the order of their coming; a bucket
//! that is full runs over into the next. So looking a key up and putting it in mostly touch
//! one line. A map of the standard library doubles all at once, and right after that it is
//! half empty; with tens of millions of ids that decides how much memory a run needs. This one
//! is cut into parts that grow one at a time and by a third, from sizes of their own, so that
//! not all of them are nearly empty at once. A part grows by what its entries say alone: homes
//! are the hash scaled to the number of buckets.

use super::digest::Key;
use wide::u32x8;

/// How many parts there are: the low byte of a key's head chooses one, and so needs no place in it.
const PARTS: usize = 256;
/// How many entries a bucket holds.
const WIDTH: usize = 8;
/// The share of places that may be taken, in percent.
const FULL: usize = 87;
/// Buckets behind the last home, for entries that found theirs full; more are added where needed.
const BEHIND: usize = 2;

/// One cache line: the places that are taken come first.
#[derive(Clone, Copy, Debug, Default)]
#[repr(align(64))]
struct Bucket {
    hashes: [u32; WIDTH],
    /// The rows, plus one; 0 where the place is free.
    rows: [u32; WIDTH],
}

impl Bucket {
    /// A bit for each place that holds this hash; free places may be among them.
    fn like(&self, hash: u32) -> u32 {
        u32x8::new(self.hashes).simd_eq(u32x8::splat(hash)).to_bitmask()
    }

    /// How many places are taken.
    fn taken(&self) -> usize {
        let free = u32x8::new(self.rows).simd_eq(u32x8::ZERO).to_bitmask() | 1 << WIDTH;
        free.trailing_zeros() as usize
    }

    fn entries(&self) -> impl Iterator<Item = (u32, u32)> {
        self.hashes.into_iter().zip(self.rows).take(self.taken())
    }
}

/// Keys with the row each was first met in.
#[derive(Debug)]
pub(super) struct Table {
    parts: Box<[Part; PARTS]>,
    keys: usize,
}

#[derive(Clone, Debug, Default)]
struct Part {
    buckets: Vec<Bucket>,
    /// How many buckets are homes; the others stand behind them.
    homes: u32,
    /// How many entries may come before it grows.
    room: u32,
}

impl Default for Table {
    fn default() -> Self {
        Self { parts: Box::new(std::array::from_fn(|_| Part::default())), keys: 0 }
    }
}

impl Table {
    /// The row of a key, or `None` after the key was put in with `row`. `is_it` says of the row
    /// of a candidate whether its key is the same.
    ///
    /// # Errors
    /// When `is_it` has none to give.
    pub(super) fn find_or_insert<E>(
        &mut self,
        key: Key,
        row: u32,
        mut is_it: impl FnMut(u32) -> Result<bool, E>,
    ) -> Result<Option<u32>, E> {
        let (number, hash) = key.short();
        let part = &mut self.parts[usize::from(number)];
        if part.room == 0 {
            part.grow(part.more(number));
        }
        let mut at = part.home(hash);
        loop {
            let bucket = part.bucket(at);
            let taken = bucket.taken();
            if let Some(found) = among(bucket, hash, taken, &mut is_it)? {
                return Ok(Some(found));
            }
            if taken < WIDTH {
                (bucket.hashes[taken], bucket.rows[taken]) = (hash, row + 1);
                part.room -= 1;
                self.keys += 1;
                return Ok(None);
            }
            at += 1;
        }
    }

    /// The row of a key, by what of it tables know; `is_it` as above.
    ///
    /// # Errors
    /// When `is_it` has none to give.
    pub(super) fn find<E>(&self, (number, hash): (u8, u32), mut is_it: impl FnMut(u32) -> Result<bool, E>) -> Result<Option<u32>, E> {
        let part = &self.parts[usize::from(number)];
        for bucket in part.buckets.get(part.home(hash)..).unwrap_or_default() {
            let taken = bucket.taken();
            if let Some(found) = among(bucket, hash, taken, &mut is_it)? {
                return Ok(Some(found));
            }
            if taken < WIDTH {
                break;
            }
        }
        Ok(None)
    }

    /// Looks at the place of a key without waiting for it, and at the next one, which a key goes to
    /// where its own is full; what is returned means nothing.
    pub(super) fn glance(&self, key: Key) -> u32 {
        let (number, hash) = key.short();
        let part = &self.parts[usize::from(number)];
        let near = part.buckets.get(part.home(hash)..).unwrap_or_default().iter().take(2);
        near.fold(0, |seen, bucket| seen ^ bucket.rows[0])
    }

    /// Makes room for so many times as many keys.
    pub(super) fn expect(&mut self, times: f64) {
        self.expect_keys((self.keys as f64 * times) as usize);
    }

    /// Makes room for so many keys.
    pub(super) fn expect_keys(&mut self, keys: usize) {
        // The keys of parts differ by chance; a sixteenth more is room enough for nearly all.
        let keys = keys + keys / 16;
        let homes = keys / PARTS * 100 / (WIDTH * FULL) + 1;
        for part in self.parts.iter_mut().filter(|part| (part.homes as usize) < homes) {
            part.grow(homes as u32);
        }
    }

    /// What is known of all keys, with their rows, in no order that means anything.
    pub(super) fn entries(&self) -> impl Iterator<Item = ((u8, u32), u32)> {
        let parts = self.parts.iter().zip(0..=u8::MAX);
        parts.flat_map(|(part, number)| {
            let entries = part.buckets.iter().flat_map(Bucket::entries);
            entries.map(move |(hash, row)| ((number, hash), row - 1))
        })
    }

    /// How much memory the table takes.
    pub(super) fn bytes(&self) -> usize {
        self.parts.iter().map(|part| part.buckets.capacity()).sum::<usize>() * size_of::<Bucket>() + size_of::<[Part; PARTS]>()
    }
}

/// The row of the first candidate that is the one meant.
fn among<E>(bucket: &Bucket, hash: u32, taken: usize, is_it: &mut impl FnMut(u32) -> Result<bool, E>) -> Result<Option<u32>, E> {
    let mut like = bucket.like(hash) & ((1 << taken) - 1);
    while like != 0 {
        let row = bucket.rows[like.trailing_zeros() as usize % WIDTH] - 1;
        if is_it(row)? {
            return Ok(Some(row));
        }
        like &= like - 1;
    }
    Ok(None)
}

impl Part {
    /// The first bucket of a hash.
    fn home(&self, hash: u32) -> usize {
        ((u64::from(hash) * u64::from(self.homes)) >> 32) as usize
    }

    fn bucket(&mut self, at: usize) -> &mut Bucket {
        if at >= self.buckets.len() {
            self.buckets.reserve_exact(BEHIND);
            self.buckets.push(Bucket::default());
        }
        &mut self.buckets[at]
    }

    fn put(&mut self, hash: u32, row: u32) {
        let mut at = self.home(hash);
        loop {
            let bucket = self.bucket(at);
            let taken = bucket.taken();
            if taken < WIDTH {
                (bucket.hashes[taken], bucket.rows[taken]) = (hash, row);
                return;
            }
            at += 1;
        }
    }

    /// How many homes this part has when it grows next.
    fn more(&self, number: u8) -> u32 {
        match self.homes {
            0 => 3,
            // From here on parts differ by up to a third, which is what they grow by.
            1..12 => 12 + u32::from(number) % 4,
            homes => homes + homes / 3,
        }
    }

    fn grow(&mut self, homes: u32) {
        let before = std::mem::replace(&mut self.homes, homes);
        let most = |homes: u32| (homes as usize * WIDTH * FULL / 100) as u32;
        self.room += most(homes) - most(before);
        let old = std::mem::replace(&mut self.buckets, vec![Bucket::default(); homes as usize + BEHIND]);
        for bucket in &old {
            for (hash, row) in bucket.entries() {
                self.put(hash, row);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Table;
    use crate::rules::across::Key;
    use proptest::prelude::*;
    use std::collections::HashMap;
    use std::convert::Infallible;

    /// A table whose rows say by themselves which keys they have.
    #[derive(Default)]
    struct Told {
        table: Table,
        rows: Vec<Key>,
    }

    impl Told {
        fn find(&self, key: Key) -> Option<u32> {
            let Ok(found) = self.table.find(key.short(), |row| Ok::<_, Infallible>(self.rows[row as usize] == key));
            found
        }

        fn find_or_insert(&mut self, key: Key) -> Option<u32> {
            let row = self.rows.len() as u32;
            self.rows.push(key);
            let rows = &self.rows;
            let Ok(found) = self.table.find_or_insert(key, row, |row| Ok::<_, Infallible>(rows[row as usize] == key));
            found
        }
    }

    fn finds_what_a_map_finds(keys: &[Key]) -> Result<(), TestCaseError> {
        let (mut told, mut map) = (Told::default(), HashMap::new());
        for (row, key) in keys.iter().enumerate() {
            let known = map.get(key).copied();
            prop_assert_eq!(told.find(*key), known);
            prop_assert_eq!(told.find_or_insert(*key), known);
            map.entry(*key).or_insert(row as u32);
        }
        let mut entries: Vec<_> = told.table.entries().collect();
        let mut known: Vec<_> = map.into_iter().map(|(key, row)| (key.short(), row)).collect();
        entries.sort_by_key(|(_, row)| *row);
        known.sort_by_key(|(_, row)| *row);
        prop_assert_eq!(entries, known);
        Ok(())
    }

    proptest! {
        #[test]
        fn texts_are_found(numbers in prop::collection::vec(0u64..2000, 0..3000)) {
            finds_what_a_map_finds(&numbers.iter().map(|number| Key::of(&number.to_string())).collect::<Vec<_>>())?;
        }

        /// Keys of one part with the same few homes, up to the end of the buckets, of which many
        /// look the same in the table.
        #[test]
        fn crowded_keys_are_told_apart(numbers in prop::collection::vec((0usize..3, 0u64..3, 0u64..80), 0..600)) {
            let key = |(far, near, tail): &(usize, u64, u64)| Key::new([1 << 62, 3 << 62, u64::MAX << 34][*far] + (near << 32), *tail);
            finds_what_a_map_finds(&numbers.iter().map(key).collect::<Vec<_>>())?;
        }
    }

    #[test]
    fn a_key_behind_another_that_looks_the_same_is_found() {
        let mut told = Told::default();
        // More of them than a bucket holds.
        let keys: Vec<Key> = (0..50).map(|tail| Key::new(7 << 32, tail)).collect();
        assert!(keys.iter().all(|key| told.find_or_insert(*key).is_none()));
        assert_eq!(keys.iter().map(|key| told.find_or_insert(*key)).collect::<Vec<_>>(), (0..50).map(Some).collect::<Vec<_>>());
        assert_eq!(told.find(Key::new(7 << 32, 50)), None);
    }

    #[test]
    fn keys_that_are_expected_find_room_and_those_before_stay() {
        let mut told = Told::default();
        let key = |row: u32| Key::of(&row.to_string());
        assert!((0..5_000).all(|row| told.find_or_insert(key(row)).is_none()));
        told.table.expect(80.0);
        let bytes = told.table.bytes();
        assert!((5_000..400_000).all(|row| told.find_or_insert(key(row)).is_none()));
        // Few parts, if any, had to grow.
        assert!(told.table.bytes() <= bytes + bytes / 50, "{bytes} became {}", told.table.bytes());
        assert!(bytes < 400_000 * 11, "{bytes}");
        told.table.expect(0.1);
        assert!((0..400_000).step_by(7).all(|row| told.find(key(row)) == Some(row)));
    }

    #[test]
    fn parts_stay_nearly_full() {
        let mut told = Told::default();
        let mut most = 0.0f64;
        for row in 0..400_000u32 {
            assert!(told.find_or_insert(Key::of(&row.to_string())).is_none());
            if row > 100_000 && row.is_multiple_of(10_000) {
                most = most.max(told.table.bytes() as f64 / f64::from(row));
            }
        }
        assert!(most < 12.0, "{most} bytes an entry");
    }
}
