//! What the rules over several rows keep of a row: keys and values as hashes.

use std::num::NonZeroU64;
use xxhash_rust::xxh3::xxh3_128;

/// What a row is found by: 72 bits of a hash.
///
/// Two texts with one key would be taken for one id. Among ten million ids that happens with
/// a probability of 10⁻⁸, among a million of 10⁻¹⁰: less often than a memory error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    head: NonZeroU64,
    tail: u8,
}

impl Key {
    /// The key of a text.
    pub fn of(text: &str) -> Self {
        let hash = xxh3_128(text.as_bytes());
        Self::new((hash >> 64) as u64, hash as u8)
    }

    /// A key from its parts. The least heads are not used, so that 0 can mean a place without a
    /// key also where the last byte of the head is known without being kept.
    pub(super) fn new(head: u64, tail: u8) -> Self {
        const LEAST: NonZeroU64 = NonZeroU64::MIN.saturating_add(u8::MAX as u64);
        Self { head: NonZeroU64::new(head).map_or(LEAST, |head| head.max(LEAST)), tail }
    }

    /// The key of this together with something else.
    pub(super) fn with(self, other: u64) -> Self {
        let mixed = other.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        Self::new(self.head.get() ^ mixed, self.tail ^ (mixed >> 32) as u8)
    }

    /// The first 64 bits.
    pub(super) fn head(self) -> u64 {
        self.head.get()
    }

    /// The last 8 bits.
    pub(super) fn tail(self) -> u8 {
        self.tail
    }
}

/// What is kept of some rows, in their order.
#[derive(Debug, Default)]
pub struct Digests {
    /// By row and rule: the keys that may not occur twice.
    pub(crate) keys: Vec<Option<Key>>,
    /// By row: the group.
    pub(crate) groups: Vec<Option<Key>>,
    /// By row and rule: the values that the rows of a group are compared by.
    pub(crate) values: Vec<u32>,
    /// By row and rule: the column a finding names.
    pub(crate) blamed: Vec<u16>,
}

/// What is kept of one row.
#[derive(Clone, Copy, Debug, Default)]
pub struct RowDigest<'a> {
    pub(super) keys: &'a [Option<Key>],
    pub(super) group: Option<Key>,
    pub(super) values: &'a [u32],
    pub(super) blamed: &'a [u16],
}

impl Digests {
    /// Forgets all rows; the room they took is kept.
    pub fn clear(&mut self) {
        let Self { keys, groups, values, blamed } = self;
        keys.clear();
        groups.clear();
        values.clear();
        blamed.clear();
    }

    /// Says whose the last row is: ids and groups of several owners have nothing to do with
    /// each other.
    pub fn last_belongs_to(&mut self, owner: u64) {
        let keys = self.keys.len().checked_div(self.groups.len()).unwrap_or(0);
        let rows = self.keys.iter_mut().rev().take(keys).chain(self.groups.last_mut());
        for key in rows.flatten() {
            *key = key.with(owner);
        }
    }

    /// What is kept of the n-th row.
    pub fn row(&self, row: usize) -> RowDigest<'_> {
        let part = |length: usize| {
            let each = length.checked_div(self.groups.len()).unwrap_or(0);
            row * each..(row + 1) * each
        };
        RowDigest {
            keys: self.keys.get(part(self.keys.len())).unwrap_or_default(),
            group: self.groups.get(row).copied().flatten(),
            values: self.values.get(part(self.values.len())).unwrap_or_default(),
            blamed: self.blamed.get(part(self.blamed.len())).unwrap_or_default(),
        }
    }
}
