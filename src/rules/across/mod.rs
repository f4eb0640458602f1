//! Rules over several rows: unique ids, groups whose variants agree.
//!
//! A worker reduces each accepted row to a few numbers ([`Digests`]); [`Across`] sees them in
//! the order of the feed. No row is ever kept. Ids are found by a few bits of their hashes, of
//! which two different ids may well have the same; so what is found is compared by its text,
//! which lies on disk, before anything is said.

pub mod digest;
pub(crate) mod group;
mod groups;
mod known;
mod labels;
mod spill;
mod spots;
pub mod state;
mod table;
mod texts;
pub(crate) mod unique;

use super::row::{Names, View};
use crate::spec::FieldId;
use crate::spec::model::RuleFile;
pub use digest::{Digests, Key, RowDigest};
pub(crate) use groups::MOST_RULES;
pub use state::{Across, Conflict, Late};

/// Where a row stands, in few bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
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

/// What the rows of a group are asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asks {
    /// Whether their values are the same.
    Agree,
    /// Whether none has the value of the first that has any.
    Differ,
    /// Whether there are at least two of them.
    Several,
    /// Whether no item is called like the group; the field is that of items' ids.
    NoItem(FieldId),
}

impl Asks {
    /// Whether values are compared.
    fn compares(self) -> bool {
        matches!(self, Self::Agree | Self::Differ)
    }
}

/// The worker's half of a rule.
#[derive(Debug)]
pub(crate) enum AcrossCheck {
    /// No key occurs twice.
    Once(Box<dyn KeyOf>),
    /// The rows of a group are compared.
    OfGroup {
        /// The field that names the group.
        group: FieldId,
        /// What of a row counts.
        value: Box<dyn ValueOf>,
        /// What is asked.
        asks: Asks,
    },
}

/// What must be unique about a row.
pub(crate) trait KeyOf: Send + Sync + std::fmt::Debug {
    /// The key; `None` where the row has no part in the rule. `group` is that of the row.
    fn key(&self, row: &View<'_>, group: Option<Key>) -> Option<Key>;
    /// The field whose text alone is the key, if that is so.
    fn field(&self) -> Option<FieldId> {
        None
    }
}

/// What is compared between the rows of a group.
pub(crate) trait ValueOf: Send + Sync + std::fmt::Debug {
    /// 32 bits of the value, so that a difference is missed once in four billion; 0 where the
    /// row has no part in the rule.
    fn value(&self, row: &View<'_>) -> u32;
    /// The field whose text alone is the value, if that is so.
    fn field(&self) -> Option<FieldId> {
        None
    }
}

/// A compile function for one kind.
pub(crate) type Compile = fn(&RuleFile, &Names<'_>) -> Result<AcrossCheck, String>;

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
