//! Cells that hold several things: a box with its three axes and their unit, a number with its
//! unit. The axes of an item share one unit, so a unit that stands in one cell is only taken
//! apart from its number where it holds for the numbers of the others too.

use crate::cell::{Cell, Slot};
use crate::mapping::apply::Draft;
use crate::product::attribute::{AttributeId, known};
use crate::product::{measure, number};
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
    /// Whether what is given elsewhere may stand beside them.
    pub(super) fn fit(&self, buffer: &str, draft: &Draft, attribute: AttributeId) -> bool {
        if self.give_way && self.others.iter().all(|(other, _)| draft.get(*other).is_present()) {
            return true;
        }
        let unit = self.others.iter().find(|(other, _)| *other == *UNIT);
        unit.is_none_or(|(_, unit)| fits(unit.text(buffer), buffer, draft, attribute))
    }

    /// Puts them in place of a value from `column`.
    pub(super) fn put(&self, draft: &mut Draft, attribute: AttributeId, column: u16) {
        draft.set(attribute, Slot { cell: self.own, column });
        // A unit given elsewhere is not that of these numbers.
        let is_alone = !AXES.iter().any(|axis| draft.get(*axis).is_present());
        for &(other, cell) in &self.others {
            if !self.give_way || is_alone || !draft.get(other).is_present() {
                draft.set(other, Slot { cell, column });
            }
        }
    }
}

/// Whether all axes of an item, but for this one, may be said to be in a unit.
fn fits(unit: &str, buffer: &str, draft: &Draft, besides: AttributeId) -> bool {
    let given = measure::unit(draft.get(*UNIT).text(buffer));
    AXES.iter().filter(|axis| **axis != besides && draft.get(**axis).is_present()).all(|axis| {
        let value = draft.get(*axis).text(buffer);
        let own = if number::parse(value).is_some() { None } else { measure::split(value).and_then(|(_, word)| measure::unit(word)) };
        own.or(given).is_none_or(|other| other == unit)
    })
}
