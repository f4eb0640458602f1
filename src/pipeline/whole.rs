//! Columns that are wrong as a whole: said once with their extent, not once a row.
//!
//! A catalog in an older or foreign form breaks the same rule in every row of a column. The
//! first block of a source says so row by row. In later blocks, where every value of a column
//! has one and the same fault, the block has one finding of it, with the number of values and
//! the last record; those of neighbouring blocks become one. In a build, it is every item of
//! the block that must have the fault. Blocks follow from the bytes of the source, so this is
//! the same whatever the number of threads.

use crate::catalog::RecordHead;
use crate::finding::{Extent, Finding};
use crate::rules::Fault;
use crate::spec::FieldId;

/// A fault of a row of a batch.
#[derive(Debug)]
pub(super) struct Found {
    /// Its place in the batch.
    pub(super) row: usize,
    /// The column to blame.
    pub(super) column: u16,
    /// What is wrong.
    pub(super) fault: Fault,
}

/// Fewer faults or notes of a kind than this are said one by one.
pub(super) const LEAST: usize = 64;

/// Parts what was found in a batch: the faults that all values of their column share, the first
/// of each with how far it goes, and all others. `values` says how many there are of a field.
pub(super) fn part(found: Vec<Found>, heads: &[RecordHead], values: impl Fn(FieldId) -> usize) -> (Vec<(Found, Extent)>, Vec<Found>) {
    // Few kinds of fault are common enough to be a column's; the first of each stands for it.
    let mut kinds: Vec<(usize, usize)> = Vec::new();
    let is_like =
        |first: usize, one: &Found| found.get(first).is_some_and(|first| first.column == one.column && first.fault.is_like(&one.fault));
    let kind_of = |kinds: &[(usize, usize)], one: &Found| kinds.iter().position(|(first, _)| is_like(*first, one));
    let mut of = vec![None; found.len()];
    for (at, one) in found.iter().enumerate().filter(|(_, one)| !one.fault.rejects) {
        // What costs the row is said of each row.
        let kind = kind_of(&kinds, one).unwrap_or_else(|| {
            kinds.push((at, 0));
            kinds.len() - 1
        });
        kinds[kind].1 += 1;
        of[at] = Some(kind);
    }
    let is_whole: Vec<bool> = kinds
        .iter()
        .map(|&(first, count)| count >= LEAST && found.get(first).is_some_and(|first| count == values(first.fault.field)))
        .collect();
    let (mut whole, mut others): (Vec<(Found, Extent)>, Vec<Found>) = (Vec::new(), Vec::new());
    let mut started: Vec<Option<usize>> = vec![None; is_whole.len()];
    let record = |one: &Found| heads.get(one.row).map_or(0, |head| head.number);
    for (one, kind) in found.into_iter().zip(of) {
        let Some(kind) = kind.filter(|kind| is_whole[*kind]) else {
            others.push(one);
            continue;
        };
        match started[kind].and_then(|at| whole.get_mut(at)) {
            Some((_, extent)) => *extent = Extent { values: extent.values + 1, last: record(&one) },
            None => {
                started[kind] = Some(whole.len());
                let extent = Extent { values: 1, last: record(&one) };
                whole.push((one, extent));
            }
        }
    }
    (whole, others)
}

/// Findings with an extent, held back while the column goes on being wrong.
#[derive(Debug, Default)]
pub(super) struct Runs {
    open: Vec<Finding>,
}

impl Runs {
    /// Takes those of the next batch; returns those that have ended.
    pub(super) fn take(&mut self, next: Vec<Finding>) -> Vec<Finding> {
        let mut ended = std::mem::take(&mut self.open);
        for mut finding in next {
            let same = |open: &Finding| open.code == finding.code && open.place.column == finding.place.column;
            if let Some(open) = ended.iter().position(same).map(|open| ended.swap_remove(open))
                && let (Some(before), Some(extent)) = (open.extent, finding.extent)
            {
                let extent = Extent { values: before.values + extent.values, last: extent.last };
                finding = Finding { extent: Some(extent), ..open };
            }
            self.open.push(finding);
        }
        ended
    }

    /// Those that are still open.
    pub(super) fn end(self) -> Vec<Finding> {
        self.open
    }
}
