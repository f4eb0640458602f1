//! Columns that are wrong as a whole: said once with their extent, not once a row.
//!
//! A catalog in an older or foreign form breaks the same rule in every row of a column. The
//! first block of a source says so row by row. In later blocks, a column of which every value
//! has one and the same defect is judged by itself, its rows are left alone, and what was
//! found is one finding with the number of values and the last record. Blocks follow from the
//! bytes of the source, so this is the same whatever the number of threads.

use super::{Direct, TargetPlan};
use crate::catalog::{Batch, RecordHead};
use crate::cell::Slot;
use crate::finding::{Extent, Finding};
use crate::rules::Fault;
use crate::rules::kinds::FieldSet;
use crate::spec::FieldId;
use std::sync::Arc;

/// A column of a batch that is wrong as a whole.
#[derive(Debug)]
pub(super) struct Whole {
    /// What is wrong with its first value.
    pub(super) fault: Fault,
    /// The record of that value.
    pub(super) first: RecordHead,
    /// Its column.
    pub(super) column: u16,
    /// How far it goes.
    pub(super) extent: Extent,
}

/// Fewer values than this are said one by one.
const LEAST: u64 = 64;

/// The columns of a batch of a finished feed that are wrong as a whole, and their fields.
pub(super) fn columns(batch: &Batch, direct: &Direct, target: &TargetPlan) -> (Vec<Whole>, FieldSet) {
    let mut found = Vec::new();
    if batch.index == 0 || !target.rules.judges_all_rows_alike() {
        return (found, FieldSet::default());
    }
    for place in 0..target.rules.width() {
        let field = FieldId(place as u16);
        found.extend(column(batch, direct, target, field));
    }
    let fields = FieldSet::of(found.iter().map(|whole| whole.fault.field));
    (found, fields)
}

fn column(batch: &Batch, direct: &Direct, target: &TargetPlan, field: FieldId) -> Option<Whole> {
    let mut whole: Option<Whole> = None;
    for (row, head) in batch.heads.iter().enumerate() {
        let slot: Slot = direct.slot(batch.row(row), field);
        if !slot.is_present() {
            continue;
        }
        // Most columns are settled by their first value.
        let fault = target.rules.lasting_fault(&batch.text, slot, field)?;
        match &mut whole {
            None => whole = Some(Whole { fault, first: *head, column: slot.column, extent: Extent { values: 1, last: head.number } }),
            Some(known) if known.fault.code == fault.code && known.column == slot.column => {
                known.extent.values += 1;
                known.extent.last = head.number;
            }
            Some(_) => return None,
        }
    }
    whole.filter(|whole| whole.extent.values >= LEAST)
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
            let same = |open: &Finding| Arc::ptr_eq(&open.code, &finding.code) && open.place.column == finding.place.column;
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
