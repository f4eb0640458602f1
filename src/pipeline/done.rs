//! What a worker made of a batch, on its way to where batches are put in order again.

use super::conversion::Tally;
use crate::catalog::{BadRecord, LateKeys, RecordHead};
use crate::finding::Finding;
use crate::render::index::Print;
use crate::rules::across::Digests;

/// What a worker made of a batch.
#[derive(Debug, Default)]
pub(super) struct Done {
    /// The place of the batch in its source.
    pub(super) index: u64,
    /// How far into the source it reaches.
    pub(super) position: u64,
    /// Records that could be read.
    pub(super) rows: u64,
    /// Records that could not be read.
    pub(super) bad: Vec<BadRecord>,
    /// Object keys no column stands for.
    pub(super) late: LateKeys,
    /// What was found, in the order of the records, each with the targets it counts for.
    pub(super) findings: Vec<(Option<usize>, Finding)>,
    /// By target.
    pub(super) targets: Vec<DoneTarget>,
    /// By target, where a feed is converted: what became of its values.
    pub(super) tallies: Vec<Tally>,
}

impl Done {
    /// Records in the batch.
    pub(super) fn records(&self) -> u64 {
        self.rows + self.bad.len() as u64
    }
}

/// A batch for one target.
#[derive(Debug, Default)]
pub(super) struct DoneTarget {
    /// Items made.
    pub(super) items: u64,
    /// Items rejected by rules on their own row.
    pub(super) rejected: u64,
    /// Items of records that hold several, beyond the first.
    pub(super) more: u64,
    /// Records that are no items, by reason.
    pub(super) skipped: Vec<u64>,
    /// Records that are groups without rows.
    pub(super) bare: u64,
    /// Accepted items, in order.
    pub(super) accepted: Vec<Accepted>,
    /// What the rules over several rows keep of them.
    pub(super) digests: Digests,
    /// Findings about columns that are wrong as a whole.
    pub(super) whole: Vec<Finding>,
    /// Ids of items, groups and accounts.
    pub(super) names: String,
    /// Rendered rows, by format.
    pub(super) rendered: Vec<String>,
    /// Where each row ends, by format.
    pub(super) ends: Vec<Vec<u32>>,
}

/// Where the rows of a nested target stand among what was rendered.
pub(super) const ROW: usize = 0;
/// Where what their groups say stands.
pub(super) const GROUP: usize = 1;

impl DoneTarget {
    /// Where a row stands in what was rendered.
    pub(super) fn range(&self, format: usize, row: usize) -> Option<std::ops::Range<usize>> {
        let ends = self.ends.get(format)?;
        let start = row.checked_sub(1).and_then(|before| ends.get(before)).map_or(0, |end| *end as usize);
        Some(start..*ends.get(row)? as usize)
    }

    /// A piece of what was rendered.
    pub(super) fn bytes(&self, format: usize, range: Option<std::ops::Range<usize>>) -> &[u8] {
        let rendered = self.rendered.get(format).map_or(&[][..], String::as_bytes);
        range.and_then(|range| rendered.get(range)).unwrap_or_default()
    }
}

/// An accepted item.
#[derive(Clone, Copy, Debug)]
pub(super) struct Accepted {
    /// Its record.
    pub(super) head: RecordHead,
    /// Where its id ends in the names.
    pub(super) item_end: u32,
    /// Where its group's id ends.
    pub(super) group_end: u32,
    /// Where the account it belongs to ends.
    pub(super) account_end: u32,
    /// What decides its shard.
    pub(super) shard: u64,
    /// What was written of it, for the index.
    pub(super) print: Print,
}
