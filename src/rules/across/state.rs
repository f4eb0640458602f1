//! The feed's half of the rules over several rows.
//!
//! While everything fits the memory it may take, a conflict is found at the row that makes
//! it. Beyond that, what is known goes to disk, cut by key into parts that fit one after the
//! other, and conflicts are found at the end.

use super::digest::{Digests, Key, RowDigest};
use super::groups::Groups;
use super::spill::Spill;
use super::spots::Spots;
use super::table::Table;
use super::{AcrossCheck, Asks, Called, Spot};
use crate::spec::FieldId;
use std::io;

/// A row breaks a rule together with an earlier one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// The rule, from 0.
    pub rule: usize,
    /// The earlier row.
    pub first: Spot,
    /// The column to blame.
    pub column: u16,
}

/// What shows only at the end of the feed.
#[derive(Clone, Copy, Debug)]
pub struct Late<'a> {
    /// The rule, from 0.
    pub rule: usize,
    /// The row it is reported at.
    pub spot: Spot,
    /// The earlier row it conflicts with, if it does.
    pub first: Option<Spot>,
    /// The column to blame; [`crate::cell::NO_COLUMN`] where it is not known any more.
    pub column: u16,
    /// What it is called.
    pub called: Called<'a>,
    /// Whether the row is refused for it.
    pub refused: bool,
}

/// Who is told what shows only at the end, with the number of the row among all that were seen.
pub type Say<'a> = dyn FnMut(Late<'_>, u32) + 'a;

/// What a rule is to the state.
#[derive(Clone, Copy, Debug)]
pub(super) enum Part {
    /// The n-th rule whose keys may not occur twice.
    Once(usize),
    /// The n-th rule about groups.
    Group(usize),
}

/// What the state knows of the rules.
#[derive(Clone, Debug, Default)]
pub(super) struct Shape {
    /// The rules, those first that refuse a row.
    pub(super) order: Vec<(usize, Part, bool)>,
    /// By rule whose keys may not occur twice: the field whose text alone is the key.
    pub(super) once: Vec<Option<FieldId>>,
    /// By rule about groups.
    pub(super) asks: Vec<Asks>,
}

impl Shape {
    /// The rule of the n-th list of keys, and whether it refuses.
    pub(super) fn of_once(&self, n: usize) -> Option<(usize, bool)> {
        self.order.iter().find(|(_, part, _)| matches!(part, Part::Once(m) if *m == n)).map(|(rule, _, refuses)| (*rule, *refuses))
    }

    /// The rule of the n-th value of groups.
    pub(super) fn of_group(&self, n: usize) -> Option<usize> {
        self.order.iter().find(|(_, part, _)| matches!(part, Part::Group(m) if *m == n)).map(|(rule, _, _)| *rule)
    }
}

/// All that is remembered of the rows of a feed.
#[derive(Debug)]
pub struct Across {
    shape: Shape,
    once: Vec<Table>,
    groups: Groups,
    spots: Spots,
    rows: u32,
    /// Most bytes the tables may take.
    memory: usize,
    spill: Option<Spill>,
}

/// How many rows pass between two looks at the memory.
const LOOK: u32 = 4096;

impl Across {
    /// Nothing remembered yet; `rules` in their order, each with whether it refuses a row.
    pub(crate) fn new<'r>(rules: impl Iterator<Item = (&'r AcrossCheck, bool)>, memory: usize) -> Self {
        let mut shape = Shape::default();
        for (rule, (check, refuses)) in rules.enumerate() {
            let part = match check {
                AcrossCheck::Once(key) => {
                    shape.once.push(key.field());
                    Part::Once(shape.once.len() - 1)
                }
                AcrossCheck::OfGroup { asks, .. } => {
                    shape.asks.push(*asks);
                    Part::Group(shape.asks.len() - 1)
                }
            };
            shape.order.push((rule, part, refuses));
        }
        // What refuses a row is asked first: a refused row says nothing about its group.
        shape.order.sort_by_key(|(_, _, refuses)| !refuses);
        Self::of(shape, memory)
    }

    pub(super) fn of(shape: Shape, memory: usize) -> Self {
        let once = shape.once.iter().map(|_| Table::default()).collect();
        Self { once, groups: Groups::new(&shape.asks), spots: Spots::default(), rows: 0, memory, spill: None, shape }
    }

    /// Takes the next row; returns whether it stays in the feed as far as is known now.
    ///
    /// # Errors
    /// When what does not fit into memory cannot be written to disk.
    pub fn observe(&mut self, row: RowDigest<'_>, spot: Spot, called: Called<'_>, conflicts: &mut Vec<Conflict>) -> io::Result<bool> {
        let number = self.rows;
        self.rows = self.rows.saturating_add(1);
        if let Some(spill) = &mut self.spill {
            spill.push(number, row, spot, called)?;
            return Ok(true);
        }
        self.spots.push(spot);
        let stays = self.remember(number, row, called, conflicts);
        if number % LOOK == LOOK - 1 && self.bytes() > self.memory {
            let mut spill = Spill::new(&self.shape)?;
            self.move_out(&mut spill)?;
            self.spill = Some(spill);
        }
        Ok(stays)
    }

    /// Looks at the places of many rows' keys before they are asked for one by one. They lie far
    /// apart in memory, and this way the waits for them overlap.
    pub fn look_ahead(&self, digests: &Digests) {
        if self.spill.is_none() && !self.once.is_empty() {
            let tables = self.once.iter().cycle();
            let seen = digests.keys.iter().zip(tables).filter_map(|(key, table)| Some(table.glance((*key)?)));
            std::hint::black_box(seen.fold(0, u64::wrapping_add));
        }
    }

    fn remember(&mut self, number: u32, row: RowDigest<'_>, called: Called<'_>, conflicts: &mut Vec<Conflict>) -> bool {
        for &(rule, part, refuses) in &self.shape.order {
            let Part::Once(n) = part else { continue };
            let Some(key) = row.keys.get(n).copied().flatten() else { continue };
            let Some(first) = self.once[n].find_or_insert(key, number) else { continue };
            let column = row.blamed.get(rule).copied().unwrap_or(crate::cell::NO_COLUMN);
            conflicts.push(Conflict { rule, first: self.spots.at(first), column });
            if refuses {
                return false;
            }
        }
        if let Some(group) = row.group {
            let (shape, spots) = (&self.shape, &self.spots);
            self.groups.observe(group, row.values, number, called, &mut |n, first| {
                let Some(rule) = shape.of_group(n) else { return };
                let column = row.blamed.get(rule).copied().unwrap_or(crate::cell::NO_COLUMN);
                conflicts.push(Conflict { rule, first: spots.at(first), column });
            });
        }
        true
    }

    /// How much memory the tables take.
    fn bytes(&self) -> usize {
        self.once.iter().map(Table::bytes).sum::<usize>() + self.groups.bytes() + self.spots.bytes()
    }

    /// Writes everything known to disk, so that it can be taken up again part by part.
    fn move_out(&mut self, spill: &mut Spill) -> io::Result<()> {
        for (n, table) in std::mem::take(&mut self.once).into_iter().enumerate() {
            for (key, row) in table.entries() {
                spill.once(n, key, row, self.spots.at(row))?;
            }
        }
        let groups = std::mem::replace(&mut self.groups, Groups::new(&self.shape.asks));
        for kept in groups.kept() {
            spill.group(&kept, self.spots.at(kept.row))?;
        }
        self.spots = Spots::default();
        Ok(())
    }

    /// Ends the feed: tells `late` what shows only now and returns how many groups there are.
    ///
    /// # Errors
    /// When what was written to disk cannot be read again.
    pub fn finish(mut self, late: &mut Say<'_>) -> io::Result<u64> {
        if let Some(spill) = self.spill.take() {
            return spill.finish(&self.shape, self.rows, late);
        }
        self.settle(late);
        Ok(self.groups.len() as u64)
    }

    /// What shows at the end of what is in memory.
    pub(super) fn settle(&self, late: &mut Say<'_>) {
        let is_item = |field: FieldId, key: Key| {
            let ids = self.shape.once.iter().position(|of| *of == Some(field));
            ids.and_then(|ids| self.once.get(ids)).is_some_and(|ids| ids.find(key).is_some())
        };
        for (n, row, called) in self.groups.finish(&is_item) {
            let Some(rule) = self.shape.of_group(n) else { continue };
            let (spot, column) = (self.spots.at(row), crate::cell::NO_COLUMN);
            late(Late { rule, spot, first: None, column, called, refused: false }, row);
        }
    }

    /// How many groups are in memory.
    pub(super) fn groups(&self) -> usize {
        self.groups.len()
    }
}

#[cfg(test)]
mod tests {
    use super::{Across, Part, Shape};
    use crate::rules::across::{Asks, Called, Digests, Key, Spot};
    use crate::spec::FieldId;

    /// Rule, row, earlier row, item, and whether the row is refused.
    type Told = (usize, Spot, Option<Spot>, String, bool);

    /// Ids that repeat now and then, groups whose rows are scattered, values that differ at times.
    fn told(memory: usize) -> (Vec<Told>, u64) {
        let shape = Shape {
            order: vec![
                (1, Part::Once(0), true),
                (0, Part::Once(1), false),
                (2, Part::Group(0), false),
                (3, Part::Group(1), false),
                (4, Part::Group(2), false),
            ],
            once: vec![Some(FieldId(0)), None],
            asks: vec![Asks::Agree, Asks::Several, Asks::NoItem(FieldId(0))],
        };
        let mut across = Across::of(shape, memory);
        let (mut told, mut conflicts, mut state) = (Vec::new(), Vec::new(), 7u64);
        let mut next = |below: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 33) % below
        };
        for row in 0..20_000u32 {
            let item = format!("i{}", if next(50) == 0 { next(20_000) } else { u64::from(row) });
            let group = match next(40) {
                0 => format!("i{}", next(20_000)),
                _ => format!("g{}", next(9_000)),
            };
            let spot = Spot { source: u16::from(row > 15_000), record: row + 1, line: row + 2 };
            let key = Key::of(&group);
            let digests = Digests {
                keys: vec![Some(Key::of(&item)), (next(3) > 0).then(|| key.with(next(50)))],
                groups: vec![(next(10) > 0).then_some(key)],
                values: vec![1 + next(40) as u32 / 39, u32::from(next(4) > 0), u32::from(item != group)],
                blamed: vec![0, 1, 2, 3, 4],
            };
            conflicts.clear();
            let called = Called { item: &item, group: &group };
            let stays = across.observe(digests.row(0), spot, called, &mut conflicts).expect("a disk");
            told.extend(conflicts.iter().map(|found| (found.rule, spot, Some(found.first), item.clone(), !stays)));
        }
        let groups = across.finish(&mut |late, _| told.push((late.rule, late.spot, late.first, late.called.item.to_owned(), late.refused)));
        told.sort();
        (told, groups.expect("a disk"))
    }

    #[test]
    fn disk_tells_what_memory_tells() {
        let (at_once, groups) = told(usize::MAX);
        for rule in 0..5 {
            assert!(at_once.iter().filter(|(found, ..)| *found == rule).count() > 20, "rule {rule} never broken");
        }
        assert_eq!(told(0), (at_once, groups));
    }
}
