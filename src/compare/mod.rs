//! Two catalogs or feeds compared item by item, by id: what came, what went, what changed.
//!
//! Items are what a build makes of the rows, with values in the one form that feeds ask for, so
//! order and names of columns, formats and notations do not count as changes. What a build does
//! not read is compared as text where both sides have a column of that name.
//!
//! Each side is read twice. The first time 40 bytes an item are kept, digests of its id and of its
//! values, beyond a limit in a temporary file; then it is known which items differ. The second
//! time these alone are looked at: of the old side they are kept, beyond the same limit in a
//! temporary file, until the new one brings what became of them. An item that differs takes 24
//! bytes more, and any other one.

mod meaning;
mod names;
mod pairs;
mod side;

pub use names::Names;
pub use side::{Counts, Spot};

use crate::cancel::Cancel;
use crate::catalog::RecordHead;
use crate::cell::Cell;
use crate::mapping::kept::Kept;
use crate::pipeline::{Plan, RunError};
use crate::progress::Progress;
use pairs::{Fate, Matched, Pairs};
use side::{Item, Side};

/// One of the two sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// What was.
    Old,
    /// What is.
    New,
}

impl Which {
    /// The word used in reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Old => "old",
            Self::New => "new",
        }
    }
}

/// Something about a side that its reader must know.
#[derive(Clone, Debug)]
pub enum Notice {
    /// A record could not be read, so nobody knows whether it differs.
    Unreadable {
        /// What is wrong with it.
        message: String,
    },
    /// An item has no id: it is the same only as one that has all the same values.
    NoId,
    /// An id that an earlier item of the side has, too: the second is compared with the second.
    Repeated {
        /// The id.
        item: String,
    },
    /// A key that first appears after the columns were settled, and is not compared.
    LateKey {
        /// The key.
        key: String,
    },
}

/// A value of one side that is another on the other; `None` where it has none.
#[derive(Clone, Debug)]
pub struct Change {
    /// What differs, as a number in [`Names`].
    pub name: usize,
    /// What it was.
    pub old: Option<String>,
    /// What it is.
    pub new: Option<String>,
}

/// An item of one side.
#[derive(Clone, Copy, Debug)]
pub struct Found<'a> {
    /// Its id; empty where it has none.
    pub id: &'a str,
    /// Where it stands.
    pub spot: Spot,
    item: Item<'a>,
}

impl<'a> Found<'a> {
    /// The value of a name, empty where there is none.
    pub fn value(&self, name: usize) -> &'a str {
        self.item.value(name)
    }
}

/// Takes what differs: what is gone in the order of the old side, and after that what is new or
/// changed in the order of the new one.
pub trait Tell {
    /// Something about a side.
    fn notice(&mut self, which: Which, spot: Spot, notice: &Notice);
    /// An item that one side alone has.
    fn alone(&mut self, which: Which, found: &Found<'_>);
    /// An item that both have, and what differs, prices and stock first.
    fn changed(&mut self, old: Spot, new: &Found<'_>, changes: &[Change]);
}

/// What a comparison came to.
#[derive(Debug, Default)]
pub struct Comparison {
    /// Items of both sides that do not differ.
    pub same: u64,
    /// Items of both that do.
    pub changed: u64,
    /// Items that the old side alone has.
    pub removed: u64,
    /// Items that the new side alone has.
    pub added: u64,
    /// What was read of the old side.
    pub old: Counts,
    /// What was read of the new side.
    pub new: Counts,
}

impl Comparison {
    /// Whether the sides are known to be the same.
    pub fn is_same(&self) -> bool {
        self.changed + self.removed + self.added == 0 && self.old.unreadable + self.new.unreadable == 0
    }
}

/// How a comparison is made.
pub struct Effort<'a> {
    /// Who watches.
    pub progress: &'a dyn Progress,
    /// Who may stop it.
    pub cancel: &'a Cancel,
    /// Most bytes kept in memory of what is compared; the rest goes to disk.
    pub memory: usize,
}

/// Compares two sides and tells what differs.
///
/// # Errors
/// When a side cannot be read to its end, or a temporary file not be written.
pub fn compare(old: &Plan, new: &Plan, names: &Names, effort: &Effort<'_>, tell: &mut dyn Tell) -> Result<Comparison, RunError> {
    let (mut old, mut new) = (Side::new(Which::Old, old, names, effort)?, Side::new(Which::New, new, names, effort)?);
    let mut pairs = Pairs::within(effort.memory);
    let mut comparison = Comparison::default();
    for side in [&mut old, &mut new] {
        let which = side.which;
        let mut room = String::new();
        let counts = side.pass(effort, Some(&mut *tell), &mut |item| {
            let print = meaning::print(&item, &mut room);
            pairs.put(which, meaning::key(item.id(), print), print).map_err(RunError::aside)
        })?;
        match which {
            Which::Old => comparison.old = counts,
            Which::New => comparison.new = counts,
        }
        if effort.cancel.is_cancelled() {
            return Ok(comparison);
        }
    }
    let mut matched = pairs.finish().map_err(RunError::aside)?;
    comparison.same = matched.same;
    comparison.changed = matched.changed.len() as u64;
    (comparison.removed, comparison.added) = (matched.removed, matched.added);
    if matched.is_quiet() {
        return Ok(comparison);
    }
    let kept = keep_old(&mut old, &mut matched, effort, tell)?;
    tell_new(&mut new, &matched, &kept, names, effort, tell)?;
    kept.failure().map_or(Ok(comparison), |error| Err(RunError::aside(error)))
}

/// The second pass over the old side: tells what is gone, and keeps what changed. Where an item
/// stands in the pairs its number is replaced by the place where it is kept.
fn keep_old(side: &mut Side<'_>, matched: &mut Matched, effort: &Effort<'_>, tell: &mut dyn Tell) -> Result<Kept, RunError> {
    let mut kept = Kept::within(effort.memory);
    let mut next = 0;
    let Matched { fates: [fates, _], changed, .. } = matched;
    changed.sort_unstable_by_key(|pair| pair.old);
    side.pass(effort, None, &mut |item| {
        let fate = fates.get(item.number as usize).copied().unwrap_or_default();
        told_twice(Which::Old, fate, &item, tell);
        if fate.is_alone() {
            tell.alone(Which::Old, &item.found());
        } else if fate.is_changed()
            && let Some(pair) = changed.get_mut(next)
        {
            next += 1;
            let head = RecordHead { number: item.spot.record, line: item.spot.line };
            (pair.old, pair.source) = (kept.keep(head, item.cells, item.buffer), item.spot.source);
        }
        Ok(())
    })?;
    changed.sort_unstable_by_key(|pair| pair.new);
    Ok(kept)
}

/// The second pass over the new side: tells what is new, and what became of what was kept.
fn tell_new(
    side: &mut Side<'_>,
    matched: &Matched,
    kept: &Kept,
    names: &Names,
    effort: &Effort<'_>,
    tell: &mut dyn Tell,
) -> Result<(), RunError> {
    let [_, fates] = &matched.fates;
    let mut changed = matched.changed.iter();
    let (mut buffer, mut cells) = (String::new(), Vec::new());
    side.pass(effort, None, &mut |item| {
        let fate = fates.get(item.number as usize).copied().unwrap_or_default();
        told_twice(Which::New, fate, &item, tell);
        if fate.is_alone() {
            tell.alone(Which::New, &item.found());
        } else if fate.is_changed()
            && let Some(pair) = changed.next()
        {
            buffer.clear();
            cells.clear();
            cells.resize(names.count(), Cell::ABSENT);
            kept.load(pair.old, &mut buffer, &mut cells);
            let head = kept.head(pair.old).unwrap_or(RecordHead { number: 0, line: 0 });
            let spot = Spot { source: pair.source, record: head.number, line: head.line };
            let before = Item { buffer: &buffer, cells: &cells, number: 0, spot };
            tell.changed(spot, &item.found(), &differences(&before, &item, names));
        }
        Ok(())
    })?;
    Ok(())
}

/// What differs between two items, in the order in which it is told.
fn differences(old: &Item<'_>, new: &Item<'_>, names: &Names) -> Vec<Change> {
    let text = |value: &str| (!value.is_empty()).then(|| value.to_owned());
    let differs = |name: &usize| meaning::of(*name, old.value(*name)) != meaning::of(*name, new.value(*name));
    let changes = names.in_order().filter(differs);
    changes.map(|name| Change { name, old: text(old.value(name)), new: text(new.value(name)) }).collect()
}

fn told_twice(which: Which, fate: Fate, item: &Item<'_>, tell: &mut dyn Tell) {
    if fate.is_repeated() && !item.id().is_empty() {
        tell.notice(which, item.spot, &Notice::Repeated { item: item.id().to_owned() });
    }
}
