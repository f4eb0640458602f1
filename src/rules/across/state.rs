//! The feed's half of the rules over several rows.
//!
//! While everything fits the memory it may take, a conflict is found at the row that makes
//! it. Beyond that, what is known goes to disk, cut by key into parts that fit one after the
//! other, and conflicts are found at the end.

use super::digest::{Digests, RowDigest};
use super::known::Known;
use super::spill::Spill;
use super::spots::Spots;
use super::texts::{Texts, too_many};
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

/// What is at hand of all rows, however many there are.
#[derive(Debug)]
pub(super) struct Rows {
    pub(super) shape: Shape,
    /// What their keys were made of.
    pub(super) texts: Texts,
    /// Where they stand.
    pub(super) spots: Spots,
    /// How many there are.
    pub(super) count: u32,
}

/// All that is remembered of the rows of a feed.
#[derive(Debug)]
pub struct Across {
    rows: Rows,
    known: Known,
    /// Most bytes that may be taken.
    memory: usize,
    /// Whether it was looked at how many rows will come.
    foreseen: bool,
    spill: Option<Spill>,
}

/// How many rows pass between two looks at the memory.
const LOOK: u32 = 4096;
/// How many rows show how much memory a row takes.
const SAMPLE: u32 = 65_536;

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

    fn of(shape: Shape, memory: usize) -> Self {
        let (known, texts) = (Known::of_all(&shape), Texts::new(shape.once.len()));
        let rows = Rows { shape, texts, spots: Spots::default(), count: 0 };
        Self { rows, known, memory, foreseen: false, spill: None }
    }

    /// Says how many bytes of the catalog were read, and how many there are: once enough rows
    /// were seen, room is made for all that will come, if that will do.
    pub fn foresee(&mut self, read: u64, total: u64) {
        if self.foreseen || self.rows.count < SAMPLE || read == 0 {
            return;
        }
        self.foreseen = true;
        let times = total as f64 / read as f64;
        if times > 1.0 && self.known.bytes() as f64 * times < self.memory as f64 {
            self.known.expect(times);
        }
    }

    /// Takes what is kept of the next rows; each of them is then asked about, in this order.
    ///
    /// # Errors
    /// When what the keys were made of cannot be written to disk.
    pub fn begin(&mut self, digests: &Digests) -> io::Result<()> {
        debug_assert!(self.rows.texts.is_at(self.rows.count), "the rows begun before were all asked about");
        if self.spill.is_none() {
            // The places of many keys lie far apart in memory, and this way the waits overlap.
            self.known.glance(digests);
        }
        self.rows.texts.append(digests)
    }

    /// Takes the next row; returns whether it stays in the feed as far as is known now.
    ///
    /// # Errors
    /// When what does not fit into memory cannot be written to disk, or read again.
    pub fn observe(&mut self, row: RowDigest<'_>, spot: Spot, called: Called<'_>, conflicts: &mut Vec<Conflict>) -> io::Result<bool> {
        let number = self.rows.count;
        self.rows.count = number.checked_add(1).ok_or_else(too_many)?;
        self.rows.spots.push(spot);
        if let Some(spill) = &mut self.spill {
            spill.push(number, row, called)?;
            return Ok(true);
        }
        let stays = self.known.take(&self.rows, number, (row, called), conflicts)?;
        let Rows { texts, spots, shape, .. } = &self.rows;
        if number % LOOK == LOOK - 1 && self.known.bytes() + texts.bytes() + spots.bytes() > self.memory {
            let known = std::mem::replace(&mut self.known, Known::of_all(shape));
            self.spill = Some(Spill::new(&self.rows, &known)?);
        }
        Ok(stays)
    }

    /// Ends the feed: tells `late` what shows only now and returns how many groups there are.
    ///
    /// # Errors
    /// When what was written to disk cannot be read again.
    pub fn finish(self, late: &mut Say<'_>) -> io::Result<u64> {
        if let Some(spill) = self.spill {
            return spill.finish(&self.rows, late);
        }
        for (rule, row, called) in self.known.settle(&self.rows)? {
            let (spot, column) = (self.rows.spots.at(row), crate::cell::NO_COLUMN);
            late(Late { rule, spot, first: None, column, called, refused: false }, row);
        }
        Ok(self.known.groups().len() as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::{Across, Part, Shape};
    use crate::rules::across::{Asks, Called, Digests, Key, Spot};
    use crate::spec::FieldId;

    /// Rule, row, earlier row, item, and whether the row is refused.
    type Told = (usize, Spot, Option<Spot>, String, bool);

    /// The rule that asks whether a group is called like an item.
    const NO_ITEM: usize = 5;

    /// The same key, but that tables find it by 11 bits instead of 40.
    fn crowded(key: &mut Key) {
        *key = Key::new(key.head() & 0x7f_ffff_ff0f, key.tail());
    }

    /// Ids that repeat now and then, groups whose rows are scattered, values that differ at times.
    fn told(memory: usize, is_crowded: bool) -> (Vec<Told>, u64) {
        let shape = Shape {
            order: vec![
                (1, Part::Once(0), true),
                (0, Part::Once(1), false),
                (2, Part::Group(0), false),
                (3, Part::Group(1), false),
                (4, Part::Group(2), false),
                (NO_ITEM, Part::Group(3), false),
            ],
            once: vec![Some(FieldId(0)), None],
            asks: vec![Asks::Agree, Asks::Several, Asks::Differ, Asks::NoItem(FieldId(0))],
        };
        let mut across = Across::of(shape, memory);
        let (mut told, mut conflicts, mut state) = (Vec::new(), Vec::new(), 7u64);
        let mut next = |below: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 33) % below
        };
        // Long enough for all of them not to stay in memory.
        let item_of = |number: u64| format!("i{number:060}");
        let mut row = 0u32;
        while row < 20_000 {
            let (mut digests, mut called) = (Digests::default(), Vec::new());
            for row in row..row + 1 + next(400) as u32 {
                let item = item_of(if next(50) == 0 { next(20_000) } else { u64::from(row) });
                let group = match next(40) {
                    0 => item_of(next(20_000)),
                    _ => format!("g{}", next(9_000)),
                };
                let key = Key::of(&group);
                digests.push_group((next(10) > 0).then_some(key));
                digests.push_key(Some(Key::of(&item)), Some(&item));
                digests.push_key((next(3) > 0).then(|| key.with(next(50))), None);
                digests.values.extend([1 + next(40) as u32 / 39, u32::from(next(4) > 0), next(60) as u32, u32::from(item != group)]);
                digests.blamed.extend([0, 1, 2, 3, 4, 5]);
                called.push((item, group));
            }
            if is_crowded {
                digests.keys.iter_mut().chain(&mut digests.groups).flatten().for_each(crowded);
            }
            across.begin(&digests).expect("a disk");
            for (place, (item, group)) in called.iter().enumerate() {
                let spot = Spot { source: u16::from(row > 15_000), record: row + 1, line: row + 2 };
                conflicts.clear();
                let stays = across.observe(digests.row(place), spot, Called { item, group }, &mut conflicts).expect("a disk");
                told.extend(conflicts.iter().map(|found| (found.rule, spot, Some(found.first), item.clone(), !stays)));
                row += 1;
            }
        }
        let groups = across.finish(&mut |late, _| told.push((late.rule, late.spot, late.first, late.called.item.to_owned(), late.refused)));
        told.sort();
        (told, groups.expect("a disk"))
    }

    #[test]
    fn disk_tells_what_memory_tells() {
        let (at_once, groups) = told(usize::MAX, false);
        for rule in 0..6 {
            assert!(at_once.iter().filter(|(found, ..)| *found == rule).count() > 20, "rule {rule} never broken");
        }
        assert_eq!(told(0, false), (at_once, groups));
    }

    #[test]
    fn keys_that_look_the_same_are_told_apart_in_memory_and_on_disk() {
        let (mut apart, groups) = told(usize::MAX, false);
        // The keys of items found by other bits than those of groups are not found.
        apart.retain(|(rule, ..)| *rule != NO_ITEM);
        for memory in [usize::MAX, 0] {
            let (mut crowded, count) = told(memory, true);
            crowded.retain(|(rule, ..)| *rule != NO_ITEM);
            assert_eq!(crowded, apart);
            assert_eq!(count, groups);
        }
    }

    /// The rows that repeat the id of an earlier one, and which; tables find ids by so many bits.
    fn repeated(memory: usize, bits: u32, rows: &[(&str, &str)]) -> Vec<(u32, u32)> {
        let shape = Shape { order: vec![(0, Part::Once(0), true)], once: vec![Some(FieldId(0))], asks: Vec::new() };
        let (mut across, mut digests) = (Across::of(shape, memory), Digests::default());
        for (owner, item) in rows {
            digests.belong_to(owner);
            digests.push_group(None);
            digests.push_key(Some(Key::of(item)), Some(item));
        }
        digests.keys.iter_mut().flatten().for_each(|key| *key = Key::new((key.head() % (1 << bits)) << 32 | 1, 1));
        across.begin(&digests).expect("a disk");
        let mut found = Vec::new();
        for row in 0..rows.len() {
            let (spot, mut conflicts) = (Spot { record: row as u32, ..Spot::default() }, Vec::new());
            let called = Called { item: "", group: "" };
            let stays = across.observe(digests.row(row), spot, called, &mut conflicts).expect("a disk");
            assert_eq!(stays, conflicts.is_empty());
            found.extend(conflicts.iter().map(|conflict| (row as u32, conflict.first.record)));
        }
        across.finish(&mut |late, _| found.push((late.spot.record, late.first.map_or(0, |first| first.record)))).expect("a disk");
        found.sort_unstable();
        found
    }

    #[test]
    fn only_what_is_the_same_text_of_the_same_owner_is_repeated() {
        // All keys are one: what tells rows apart are the texts.
        let rows = [("", "a"), ("", "b"), ("x", "a"), ("y", "a"), ("x", "b"), ("", "b"), ("y", "a"), ("x", "a"), ("xa", ""), ("", "")];
        assert_eq!(repeated(usize::MAX, 0, &rows), [(5, 1), (6, 3), (7, 2)]);
    }

    #[test]
    fn crowds_that_went_to_disk_are_told_apart_by_their_texts() {
        let names: Vec<String> = (0..4200).map(|row| format!("{}", if row % 1000 == 999 { 7 } else { row })).collect();
        let owners = ["", "x", "y"];
        let rows: Vec<(&str, &str)> =
            names.iter().enumerate().map(|(row, name)| (owners[row % 3 * usize::from(row < 3000)], name.as_str())).collect();
        let at_once = repeated(usize::MAX, 6, &rows);
        assert!(!at_once.is_empty());
        assert_eq!(repeated(0, 6, &rows), at_once);
    }
}
