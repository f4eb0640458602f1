//! Digests of all items, and which of them belong together: sorted by the digest of the id, a
//! part at a time, in memory as far as there is room.

use super::Which;
use crate::mapping::heaps::{HEAPS, Heaps};
use std::io;

/// Bytes of a digest with its item's number.
const WIDTH: usize = 16 + 16 + 8;
/// Says that a number is of the new side.
const NEW: u64 = 1 << 63;

/// What became of an item.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Fate(u8);

impl Fate {
    const CHANGED: u8 = 1;
    const ALONE: u8 = 2;
    const REPEATED: u8 = 4;

    /// Whether the other side has it with other values.
    pub(super) fn is_changed(self) -> bool {
        self.0 & Self::CHANGED != 0
    }

    /// Whether the other side does not have it.
    pub(super) fn is_alone(self) -> bool {
        self.0 & Self::ALONE != 0
    }

    /// Whether an earlier item of its side has its id.
    pub(super) fn is_repeated(self) -> bool {
        self.0 & Self::REPEATED != 0
    }
}

/// An item of both sides that changed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pair {
    /// Its number on the old side, and later the place where its values are kept.
    pub(super) old: u64,
    /// Its number on the new side.
    pub(super) new: u64,
    /// The source of the old side that it stands in.
    pub(super) source: u16,
}

/// What became of all items.
#[derive(Debug, Default)]
pub(super) struct Matched {
    /// By side and number.
    pub(super) fates: [Vec<Fate>; 2],
    pub(super) changed: Vec<Pair>,
    pub(super) same: u64,
    pub(super) removed: u64,
    pub(super) added: u64,
    repeated: u64,
}

impl Matched {
    /// Whether nothing is left to be told.
    pub(super) fn is_quiet(&self) -> bool {
        self.changed.is_empty() && self.removed + self.added + self.repeated == 0
    }
}

/// Digests on their way to be matched.
#[derive(Debug)]
pub(super) struct Pairs {
    heaps: Heaps,
    counts: [u64; 2],
}

impl Pairs {
    /// No digests yet; takes so many bytes of memory at most.
    pub(super) fn within(memory: usize) -> Self {
        Self { heaps: Heaps::within(memory), counts: [0; 2] }
    }

    /// Takes the next item of a side.
    ///
    /// # Errors
    /// When the temporary file cannot be written.
    pub(super) fn put(&mut self, which: Which, key: u128, print: u128) -> io::Result<()> {
        let count = &mut self.counts[which as usize];
        let number = *count | if which == Which::New { NEW } else { 0 };
        *count += 1;
        self.heaps.put(key, |out| {
            out.extend(key.to_le_bytes());
            out.extend(print.to_le_bytes());
            out.extend(number.to_le_bytes());
        })
    }

    /// Matches the sides. Of an id that occurs several times the first belongs to the first, the
    /// second to the second.
    ///
    /// # Errors
    /// When the temporary file cannot be read.
    pub(super) fn finish(mut self) -> io::Result<Matched> {
        let mut matched = Matched { fates: self.counts.map(|count| vec![Fate::default(); count as usize]), ..Matched::default() };
        for n in 0..HEAPS {
            let mut entries: Vec<(u128, u64, u128)> = Vec::new();
            self.heaps.take(n, |records| {
                entries.extend(records.as_chunks::<WIDTH>().0.iter().map(entry));
                Ok(())
            })?;
            // The new side's numbers stand behind the old one's.
            entries.sort_unstable();
            for same in entries.chunk_by(|one, other| one.0 == other.0) {
                let (old, new) = same.split_at(same.partition_point(|(_, number, _)| number & NEW == 0));
                matched.take(old, new);
            }
        }
        Ok(matched)
    }
}

fn entry(bytes: &[u8; WIDTH]) -> (u128, u64, u128) {
    let wide = |from: usize| bytes.get(from..).and_then(|rest| rest.first_chunk()).map_or(0, |word| u128::from_le_bytes(*word));
    let number = bytes.last_chunk().map_or(0, |word| u64::from_le_bytes(*word));
    (wide(0), number, wide(16))
}

impl Matched {
    /// Takes all items of one id.
    fn take(&mut self, old: &[(u128, u64, u128)], new: &[(u128, u64, u128)]) {
        for place in 0..old.len().max(new.len()) {
            let repeated = if place > 0 { Fate::REPEATED } else { 0 };
            self.repeated += u64::from(place > 0);
            let fate = match (old.get(place), new.get(place)) {
                (Some((_, old, before)), Some((_, new, after))) if before != after => {
                    self.changed.push(Pair { old: *old, new: new & !NEW, source: 0 });
                    Fate::CHANGED
                }
                (Some(_), Some(_)) => {
                    self.same += 1;
                    0
                }
                (Some(_), None) => {
                    self.removed += 1;
                    Fate::ALONE
                }
                (None, _) => {
                    self.added += 1;
                    Fate::ALONE
                }
            };
            for (fates, side) in self.fates.iter_mut().zip([old, new]) {
                let number = side.get(place).map(|(_, number, _)| (number & !NEW) as usize);
                if let Some(known) = number.and_then(|number| fates.get_mut(number)) {
                    *known = Fate(fate | repeated);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Pairs, Which};
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        /// Against maps, with room for all and for none.
        #[test]
        fn every_item_has_its_one_fate(
            old in prop::collection::vec((0u128..12, 0u128..3), 0..40),
            new in prop::collection::vec((0u128..12, 0u128..3), 0..40),
            memory in prop::sample::select(vec![0, 1 << 20]),
        ) {
            let mut pairs = Pairs::within(memory);
            let mut sides: [BTreeMap<u128, Vec<u128>>; 2] = Default::default();
            for (which, items) in [(Which::Old, &old), (Which::New, &new)] {
                for (key, print) in items {
                    pairs.put(which, key << 122, *print).expect("a disk");
                    sides[which as usize].entry(*key).or_default().push(*print);
                }
            }
            let matched = pairs.finish().expect("a disk");
            let (mut same, mut changed, mut removed, mut added) = (0, 0, 0, 0);
            for key in 0..12 {
                let [before, after] = [0, 1].map(|side| sides[side].get(&key).cloned().unwrap_or_default());
                let both = before.len().min(after.len());
                let equal = before.iter().zip(&after).filter(|(one, other)| one == other).count();
                same += equal;
                changed += both - equal;
                removed += before.len() - both;
                added += after.len() - both;
            }
            prop_assert_eq!((matched.same, matched.changed.len()), (same as u64, changed));
            prop_assert_eq!((matched.removed, matched.added), (removed as u64, added as u64));
            for pair in &matched.changed {
                let (before, after) = (old[pair.old as usize], new[pair.new as usize]);
                prop_assert!(before.0 == after.0 && before.1 != after.1);
                prop_assert!(matched.fates[0][pair.old as usize].is_changed() && matched.fates[1][pair.new as usize].is_changed());
            }
            let alone = |side: usize| matched.fates[side].iter().filter(|fate| fate.is_alone()).count();
            prop_assert_eq!((alone(0), alone(1)), (removed, added));
        }
    }
}
