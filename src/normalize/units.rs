//! Cells that hold several things: a box with its three axes and their unit, a number with its
//! unit. The axes of an item share one unit, so a unit that stands in one cell is only taken
//! apart from its number where it holds for the numbers of the others too.

use crate::cell::{Cell, Slot};
use crate::mapping::apply::Draft;
use crate::product::attribute::{AttributeId, known};
use crate::product::measure;
use std::sync::LazyLock;

/// Length, width and height.
pub(super) static AXES: LazyLock<[AttributeId; 3]> = LazyLock::new(|| ["length", "width", "height"].map(known));
/// What they are measured in.
pub(super) static UNIT: LazyLock<AttributeId> = LazyLock::new(|| known("dimensions_unit"));

/// What a value becomes where several things stood in its cell.
#[derive(Debug)]
pub(super) struct Parts {
    /// What stays.
    pub(super) own: Cell,
    /// What goes to other attributes.
    pub(super) others: Vec<(AttributeId, Cell)>,
    /// Whether the others give way to what is given elsewhere.
    pub(super) give_way: bool,
}

impl Parts {
    /// Puts them in place of a value from `column`, where what is given elsewhere may stand
    /// beside them; returns whether it may.
    pub(super) fn put(&self, buffer: &str, draft: &mut Draft, attribute: AttributeId, column: u16) -> bool {
        let is_needed = !self.give_way || self.others.iter().any(|(other, _)| !draft.get(*other).is_present());
        let unit = self.others.iter().find(|(other, _)| *other == *UNIT).map(|(_, unit)| unit.text(buffer));
        if is_needed && unit.is_some_and(|unit| !fits(unit, buffer, draft, attribute)) {
            return false;
        }
        draft.set(attribute, Slot { cell: self.own, column });
        for &(other, cell) in self.others.iter().filter(|_| is_needed) {
            // The unit fits all numbers, so it is theirs even where another one was given.
            if !self.give_way || other == *UNIT || !draft.get(other).is_present() {
                draft.set(other, Slot { cell, column });
            }
        }
        true
    }
}

/// Whether all axes of an item, but for this one, may be said to be in a unit.
fn fits(unit: &str, buffer: &str, draft: &Draft, besides: AttributeId) -> bool {
    let given = measure::unit(draft.get(*UNIT).text(buffer));
    AXES.iter().filter(|axis| **axis != besides && draft.get(**axis).is_present()).all(|axis| {
        let own = measure::split(draft.get(*axis).text(buffer)).and_then(|(_, word)| measure::unit(word));
        own.or(given).is_none_or(|other| other == unit)
    })
}
