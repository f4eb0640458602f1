//! What is known of rows, in memory: all those of a feed, or some of them that are taken up
//! again from disk.

use super::Called;
use super::digest::{Digests, Key, RowDigest};
use super::groups::Groups;
use super::state::{Conflict, Part, Rows, Shape};
use super::table::Table;
use crate::spec::FieldId;
use std::io;

/// Tables of what was met, and where.
#[derive(Debug)]
pub(super) struct Known {
    once: Vec<Table>,
    groups: Groups,
    /// By row taken: its number in the feed; nothing where all rows are taken in that order.
    numbers: Option<Vec<u32>>,
    rows: u32,
}

impl Known {
    /// Nothing known of a whole feed.
    pub(super) fn of_all(shape: &Shape) -> Self {
        let once = shape.once.iter().map(|_| Table::default()).collect();
        Self { once, groups: Groups::new(&shape.asks), numbers: None, rows: 0 }
    }

    /// Nothing known of some rows of a feed.
    pub(super) fn of_some(shape: &Shape) -> Self {
        Self { numbers: Some(Vec::new()), ..Self::of_all(shape) }
    }

    /// Takes the row with this number in the feed; returns whether it stays in the feed.
    pub(super) fn take(
        &mut self,
        rows: &Rows,
        number: u32,
        (row, called): (RowDigest<'_>, Called<'_>),
        conflicts: &mut Vec<Conflict>,
    ) -> io::Result<bool> {
        let here = self.rows;
        self.rows += 1;
        if let Some(numbers) = &mut self.numbers {
            numbers.push(number);
        }
        for &(rule, part, refuses) in &rows.shape.order {
            let Part::Once(n) = part else { continue };
            let Some(key) = row.keys.get(n).copied().flatten() else { continue };
            let numbers = self.numbers.as_deref();
            let first = self.once[n].find_or_insert(key, here, |row| rows.texts.are_same(n, number_of(numbers, row), number))?;
            let Some(first) = first else { continue };
            let column = row.blamed.get(rule).copied().unwrap_or(crate::cell::NO_COLUMN);
            conflicts.push(Conflict { rule, first: rows.spots.at(number_of(numbers, first)), column });
            if refuses {
                return Ok(false);
            }
        }
        if let Some(group) = row.group {
            let numbers = self.numbers.as_deref();
            self.groups.observe(group, row.values, here, called, &mut |n, first| {
                let Some(rule) = rows.shape.of_group(n) else { return };
                let column = row.blamed.get(rule).copied().unwrap_or(crate::cell::NO_COLUMN);
                conflicts.push(Conflict { rule, first: rows.spots.at(number_of(numbers, first)), column });
            });
        }
        Ok(true)
    }

    /// What shows at the end of these rows: rule, the row's number in the feed, and its names.
    pub(super) fn settle(&self, rows: &Rows) -> io::Result<Vec<(usize, u32, Called<'_>)>> {
        let numbers = self.numbers.as_deref();
        let mut is_item = |field: FieldId, short, key: &dyn Fn() -> Key| {
            let ids = rows.shape.once.iter().position(|of| *of == Some(field));
            let Some((n, ids)) = ids.and_then(|n| Some((n, self.once.get(n)?))) else { return Ok(false) };
            let found = ids.find(short, |row| Ok::<_, io::Error>(rows.texts.key(n, number_of(numbers, row))? == key()))?;
            Ok(found.is_some())
        };
        let found = self.groups.finish(&mut is_item)?.into_iter();
        Ok(found.filter_map(|(n, row, called)| Some((rows.shape.of_group(n)?, number_of(numbers, row), called))).collect())
    }

    /// Looks at the places of the keys and groups of many rows without waiting for them; see [`Table::glance`].
    pub(super) fn glance(&self, rows: &Digests) {
        let mut seen = 0;
        if !self.once.is_empty() {
            let keys = rows.keys.iter().zip(self.once.iter().cycle());
            seen = keys.filter_map(|(key, table)| Some(table.glance((*key)?))).fold(seen, u32::wrapping_add);
        }
        // Rows of a group mostly stand together.
        let mut last = None;
        for group in rows.groups.iter().copied().filter(|group| std::mem::replace(&mut last, *group) != *group) {
            seen = seen.wrapping_add(group.map_or(0, |group| self.groups.glance(group)));
        }
        std::hint::black_box(seen);
    }

    /// Makes room for so many times what is known.
    pub(super) fn expect(&mut self, times: f64) {
        self.once.iter_mut().for_each(|table| table.expect(times));
        self.groups.expect(times);
    }

    /// Makes room for so many keys of the n-th rule whose keys may not occur twice.
    pub(super) fn expect_keys(&mut self, n: usize, keys: usize) {
        self.once[n].expect_keys(keys);
    }

    /// How much memory all of it takes.
    pub(super) fn bytes(&self) -> usize {
        let numbers = self.numbers.as_ref().map_or(0, Vec::capacity) * size_of::<u32>();
        self.once.iter().map(Table::bytes).sum::<usize>() + self.groups.bytes() + numbers
    }

    /// The tables of keys, in the order of their rules.
    pub(super) fn once(&self) -> &[Table] {
        &self.once
    }

    /// The groups.
    pub(super) fn groups(&self) -> &Groups {
        &self.groups
    }
}

/// The number in the feed of a row that was taken.
fn number_of(numbers: Option<&[u32]>, row: u32) -> u32 {
    numbers.and_then(|numbers| numbers.get(row as usize)).copied().unwrap_or(row)
}
