//! What a worker made of a batch, on its way to where batches are put in order again.

use super::amend::Amended;
use super::conversion::Tally;
use crate::catalog::block::BLOCK;
use crate::catalog::{BadRecord, LateKeys, RecordHead};
use crate::finding::Finding;
use crate::render::index::Print;
use crate::rules::across::Digests;
use crate::sample::Sample;
use std::sync::Mutex;

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
    /// Findings about repairs that all values of a column needed.
    pub(super) whole: Vec<Finding>,
    /// By target.
    pub(super) targets: Vec<DoneTarget>,
    /// By target, where a feed is converted: what became of its values.
    pub(super) tallies: Vec<Tally>,
    /// Where a feed is repaired in its own file: the records that change.
    pub(super) amended: Vec<Amended>,
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
    /// What was looked at, where somebody wants to see rows.
    pub(super) sample: Option<Sample>,
}

/// More room than this, which a single record may have needed, is not kept.
const LARGEST_ROOM: usize = 16 * BLOCK;

impl DoneTarget {
    /// Empties it for another batch with so many reasons to skip records; the room it took is kept.
    fn empty(&mut self, reasons: usize, formats: usize) {
        let Self { items, rejected, more, skipped, bare, accepted, digests, whole, names, rendered, ends, sample } = self;
        (*items, *rejected, *more, *bare) = (0, 0, 0, 0);
        skipped.clear();
        skipped.resize(reasons, 0);
        accepted.clear();
        digests.clear();
        whole.clear();
        names.clear();
        *sample = None;
        rendered.resize_with(formats, String::new);
        rendered.iter_mut().for_each(String::clear);
        ends.resize_with(formats, Vec::new);
        ends.iter_mut().for_each(Vec::clear);
    }
}

/// Room of batches that were written, for those that are next: memory that was used before is
/// cheaper than new memory.
#[derive(Debug, Default)]
pub(super) struct Rooms(Mutex<Vec<Vec<DoneTarget>>>);

impl Rooms {
    /// Room for a batch: one entry a target, with as many reasons and formats as `counts` says.
    pub(super) fn take(&self, counts: impl Iterator<Item = (usize, usize)>) -> Vec<DoneTarget> {
        let mut room = self.0.lock().ok().and_then(|mut rooms| rooms.pop()).unwrap_or_default();
        let mut targets = 0;
        for (place, (reasons, formats)) in counts.enumerate() {
            if room.len() == place {
                room.push(DoneTarget::default());
            }
            room[place].empty(reasons, formats);
            targets = place + 1;
        }
        room.truncate(targets);
        room
    }

    /// Takes the room of a batch that was written.
    pub(super) fn give(&self, room: Vec<DoneTarget>) {
        let largest = room.iter().flat_map(|target| &target.rendered).map(String::capacity).max();
        if let Ok(mut rooms) = self.0.lock()
            && largest.is_none_or(|largest| largest <= LARGEST_ROOM)
        {
            rooms.push(room);
        }
    }
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
