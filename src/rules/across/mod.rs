//! Kinds of rule over several rows: unique ids, groups whose variants agree.
//!
//! A worker reduces each accepted row to a digest of a few words; one ledger sees the
//! digests in the order of the feed. No row is ever kept.

pub(crate) mod group;
pub(crate) mod unique;

use super::row::{Names, View};
use crate::spec::model::RuleFile;

/// What a rule keeps of one row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Digest {
    /// What the row is found by: 128 bits, so that two different texts do not meet in
    /// practice (a billion ids collide with a probability below 10⁻²⁰).
    pub key: u128,
    /// What is compared between rows of one key.
    pub value: u64,
}

/// Where a row stands, in few bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spot {
    /// Which source, from 0.
    pub source: u16,
    /// The record, from 1; the largest number where there are more than 32 bits hold.
    pub record: u32,
    /// The line, from 1; 0 where lines mean nothing.
    pub line: u32,
}

/// What a finding about several rows calls things.
#[derive(Clone, Copy, Debug)]
pub struct Called<'a> {
    /// The item's id.
    pub item: &'a str,
    /// The group's id; empty where there is none.
    pub group: &'a str,
}

/// A rule that turned out broken only at the end of the feed.
#[derive(Clone, Debug)]
pub struct Late {
    /// The row it is reported at.
    pub spot: Spot,
    /// The item's id.
    pub item: String,
    /// The group's id.
    pub group: String,
}

/// The worker's half of a rule.
pub(crate) trait AcrossCheck: Send + Sync + std::fmt::Debug {
    /// What the rule keeps of a row; `None` where the row has no part in it.
    fn digest(&self, row: &View<'_>) -> Option<Digest>;
    /// An empty ledger for a feed.
    fn ledger(&self) -> Box<dyn Ledger>;
}

/// The feed's half of a rule.
pub trait Ledger: Send {
    /// Takes a row; returns the earlier row it conflicts with.
    fn observe(&mut self, digest: Digest, spot: Spot, called: Called<'_>) -> Option<Spot>;
    /// What is known of a key, for other rules.
    fn find(&self, _key: u128) -> Option<Spot> {
        None
    }
    /// What shows only at the end; `ids` finds the row of an item id.
    fn finish(&mut self, _ids: &dyn Fn(u128) -> Option<Spot>) -> Vec<Late> {
        Vec::new()
    }
}

/// A compile function for one kind.
pub(crate) type Compile = fn(&RuleFile, &Names<'_>) -> Result<Box<dyn AcrossCheck>, String>;

/// One kind of rule over several rows.
pub struct AcrossKind {
    /// The word used in spec files.
    pub name: &'static str,
    /// What it checks.
    pub doc: &'static str,
    /// The keys of the rule it reads; any other key of the kind's own is an error.
    pub reads: &'static [&'static str],
    pub(crate) compile: Compile,
}

pub(crate) fn key_of(text: &str) -> u128 {
    xxhash_rust::xxh3::xxh3_128(text.as_bytes())
}

/// Keys are hashes already; hashing them again would only cost time.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct KeyHasher(u64);

impl std::hash::Hasher for KeyHasher {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(byte);
        }
    }
    fn write_u128(&mut self, key: u128) {
        self.0 = (key >> 64) as u64 ^ key as u64;
    }
    fn write_u64(&mut self, key: u64) {
        self.0 = key;
    }
}

pub(crate) type KeyMap<K, V> = std::collections::HashMap<K, V, std::hash::BuildHasherDefault<KeyHasher>>;
