//! What the rules over several rows keep of a row: keys and values as hashes, and what the keys
//! were made of.

use std::num::NonZeroU64;
use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

/// What a row is found by: 128 bits of a hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    head: NonZeroU64,
    tail: u64,
}

impl Key {
    /// The key of a text.
    pub fn of(text: &str) -> Self {
        Self::of_bytes(text.as_bytes())
    }

    fn of_bytes(text: &[u8]) -> Self {
        let hash = xxh3_128(text);
        Self::new((hash >> 64) as u64, hash as u64)
    }

    /// A key from its parts.
    pub(super) fn new(head: u64, tail: u64) -> Self {
        Self { head: NonZeroU64::new(head).unwrap_or(NonZeroU64::MIN), tail }
    }

    /// The key of this together with something else.
    pub(super) fn with(self, other: u64) -> Self {
        let mixed = other.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        Self::new(self.head.get() ^ mixed, self.tail ^ mixed.rotate_left(32))
    }

    /// The first 64 bits.
    pub(super) fn head(self) -> u64 {
        self.head.get()
    }

    /// The last 64 bits.
    pub(super) fn tail(self) -> u64 {
        self.tail
    }

    /// What tables find a key by: the last 8 bits of the head, and the first 32.
    pub(super) fn short(self) -> (u8, u32) {
        (self.head() as u8, (self.head() >> 32) as u32)
    }

    /// The bits of the head between those.
    pub(super) fn middle(self) -> u32 {
        (self.head() >> 8) as u32 & 0xff_ffff
    }

    /// A key that is found by this, put together again from its pieces.
    pub(super) fn joined((last, first): (u8, u32), middle: u32, tail: u64) -> Self {
        Self::new(u64::from(first) << 32 | u64::from(middle) << 8 | u64::from(last), tail)
    }

    /// The key of what was kept of a row for a rule that is about the text of one field.
    pub(super) fn of_kept(kept: &[u8]) -> Self {
        match kept.iter().position(|byte| *byte == OWNED) {
            Some(end) => Self::of_bytes(&kept[..end]).with(xxh3_64(&kept[end + 1..])),
            None => Self::of_bytes(kept),
        }
    }
}

/// Stands between a text and whose it is; no text has it.
const OWNED: u8 = 0xff;

/// What is kept of some rows, in their order.
#[derive(Debug, Default)]
pub struct Digests {
    /// By row and rule: the keys that may not occur twice.
    pub(crate) keys: Vec<Option<Key>>,
    /// What they were made of, one after the other: a text and whose it is, or the key itself.
    pub(super) kept: Vec<u8>,
    /// By row and rule: where that ends.
    pub(super) ends: Vec<u32>,
    /// By row: the group.
    pub(crate) groups: Vec<Option<Key>>,
    /// By row and rule: the values that the rows of a group are compared by.
    pub(crate) values: Vec<u32>,
    /// By row and rule: the column a finding names.
    pub(crate) blamed: Vec<u16>,
    /// Whose the next rows are; empty where that is nobody's matter.
    owner: String,
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
        let Self { keys, kept, ends, groups, values, blamed, owner } = self;
        keys.clear();
        kept.clear();
        ends.clear();
        groups.clear();
        values.clear();
        blamed.clear();
        owner.clear();
    }

    /// Says whose the next rows are: ids and groups of several owners have nothing to do with
    /// each other.
    pub fn belong_to(&mut self, owner: &str) {
        self.owner.clear();
        self.owner.push_str(owner);
    }

    /// A key together with whose it is.
    fn owned(&self, key: Option<Key>) -> Option<Key> {
        if self.owner.is_empty() { key } else { key.map(|key| key.with(xxh3_64(self.owner.as_bytes()))) }
    }

    /// Takes the group of the next row.
    pub(crate) fn push_group(&mut self, group: Option<Key>) {
        self.groups.push(self.owned(group));
    }

    /// Takes the next key of a row, and the text it was made of where that is all it was made of.
    pub(crate) fn push_key(&mut self, key: Option<Key>, text: Option<&str>) {
        let key = self.owned(key);
        self.keys.push(key);
        if let Some(key) = key {
            match text {
                Some(text) => {
                    self.kept.extend_from_slice(text.as_bytes());
                    if !self.owner.is_empty() {
                        self.kept.push(OWNED);
                        self.kept.extend_from_slice(self.owner.as_bytes());
                    }
                }
                None => {
                    self.kept.extend_from_slice(&key.head().to_le_bytes());
                    self.kept.extend_from_slice(&key.tail().to_le_bytes());
                }
            }
        }
        self.ends.push(self.kept.len() as u32);
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
