//! Joined tables: the rows of another source by a key. Keys stay in memory as hashes, rows as
//! the row store keeps them; what found no partner on either side is counted.

use super::kept::Kept;
use super::survey::{is_word, key_of};
use super::wide::Wide;
use crate::catalog::Batch;
use crate::cell::Cell;
use crate::product::{number, text};
use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Most rows of a joined table.
pub const MOST_ROWS: usize = 50_000_000;

/// How a table is indexed.
#[derive(Debug)]
pub struct JoinPlan {
    /// What its columns go by.
    pub name: String,
    /// Its file; `None` where its rows are other records of the catalog.
    pub file: Option<String>,
    /// The names of the two columns, for messages.
    pub on: (String, String),
    pub(super) key: u16,
    pub(super) only: Vec<(u16, Vec<String>)>,
    pub(super) order: Option<u16>,
    pub(super) many: bool,
    pub(super) wide: Wide,
    pub(super) width: usize,
}

/// A table by its key.
#[derive(Debug, Default)]
pub struct JoinTable {
    kept: Kept,
    /// By row, where it is kept.
    places: Vec<u64>,
    /// The first and the last row of a key.
    rows: HashMap<u128, (u32, u32)>,
    /// By row, the next one of the same key.
    next: Vec<u32>,
    /// By row, its place among those of its key, where the table says one.
    order: Vec<u64>,
    taken: Vec<AtomicBool>,
    missed: AtomicU64,
    missed_first: Mutex<Option<(u64, String)>>,
    /// Rows whose key an earlier row has.
    doubled: u64,
    doubled_first: Option<String>,
    /// Rows without a key.
    unkeyed: u64,
}

const END: u32 = u32::MAX;

/// What a join came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JoinCounts {
    /// Rows of the table.
    pub rows: u64,
    /// Records of the catalog whose key is not in the table, and the first such record with its key.
    pub missed: u64,
    /// The first of them.
    pub missed_first: Option<(u64, String)>,
    /// Rows of the table that no record asked for, and the record number of the first.
    pub unused: u64,
    /// The first of them.
    pub unused_first: Option<u64>,
    /// Rows whose key an earlier row has, where only one can count.
    pub doubled: u64,
    /// The key of the first.
    pub doubled_first: Option<String>,
    /// Rows without a key.
    pub unkeyed: u64,
}

impl JoinTable {
    /// Takes the rows of a batch of the table's source.
    ///
    /// # Errors
    /// When there are more rows than can be indexed.
    pub fn observe(&mut self, plan: &JoinPlan, batch: &mut Batch) -> Result<(), String> {
        plan.wide.widen(&[], batch, false);
        for row in 0..batch.heads.len() {
            let cells = batch.row(row);
            let text_of = |column: u16| cells.get(usize::from(column)).map_or("", |cell| cell.text(&batch.text));
            if !plan.only.iter().all(|(column, words)| is_word(text_of(*column), words)) {
                continue;
            }
            let key = text::trim(text_of(plan.key));
            if key.is_empty() {
                self.unkeyed += 1;
                continue;
            }
            let head = batch.heads[row];
            let hash = key_of(key);
            if self.rows.contains_key(&hash) && !plan.many {
                self.doubled += 1;
                self.doubled_first.get_or_insert_with(|| text::excerpt(key, 60));
                continue;
            }
            let place = self.places.len() as u32;
            self.places.push(self.kept.keep(head, cells.get(..plan.width).unwrap_or(cells), &batch.text));
            self.next.push(END);
            if let Some(order) = plan.order {
                self.order.push(number::parse_whole(text_of(order)).unwrap_or(u64::MAX));
            }
            let entry = self.rows.entry(hash).or_insert((place, place));
            if entry.1 != place {
                if let Some(next) = self.next.get_mut(entry.1 as usize) {
                    *next = place;
                }
                entry.1 = place;
            }
            if self.kept.len() > MOST_ROWS {
                return Err(format!("a joined table has at most {MOST_ROWS} rows; join it in the database instead"));
            }
        }
        Ok(())
    }

    /// Ends the reading of the table.
    pub fn finish(&mut self) {
        self.taken.resize_with(self.kept.len(), AtomicBool::default);
    }

    /// The first row of a key; a key that is not there is counted for its record, where one is given.
    pub(super) fn find(&self, key: &str, record: Option<u64>) -> Option<u32> {
        let found = self.first(key);
        if let Some(record) = record.filter(|_| found.is_none() && !key.is_empty()) {
            self.missed.fetch_add(1, Ordering::Relaxed);
            if let Ok(mut first) = self.missed_first.lock()
                && first.as_ref().is_none_or(|(known, _)| record < *known)
            {
                *first = Some((record, text::excerpt(key, 60)));
            }
        }
        found
    }

    /// The first row of a key.
    pub(super) fn first(&self, key: &str) -> Option<u32> {
        self.rows.get(&key_of(key)).map(|(first, _)| *first)
    }

    /// The rows of a key, of which `first` is the first in the file.
    pub(super) fn all(&self, first: u32) -> Vec<u32> {
        let next = |place: &u32| self.next.get(*place as usize).copied().filter(|next| *next != END);
        let mut rows: Vec<u32> = std::iter::successors(Some(first), next).collect();
        if !self.order.is_empty() {
            rows.sort_by_key(|place| self.order.get(*place as usize));
        }
        rows
    }

    /// Notes that a row was asked for.
    pub(super) fn take(&self, place: u32) {
        if let Some(taken) = self.taken.get(place as usize) {
            taken.store(true, Ordering::Relaxed);
        }
    }

    pub(super) fn load(&self, place: u32, buffer: &mut String, cells: &mut [Cell]) {
        if let Some(place) = self.places.get(place as usize) {
            self.kept.load(*place, buffer, cells);
        }
    }

    /// What went wrong with the row store.
    pub fn failure(&self) -> Option<std::io::Error> {
        self.kept.failure()
    }

    /// What the join came to.
    pub fn counts(&self) -> JoinCounts {
        let is_unused = |taken: &AtomicBool| !taken.load(Ordering::Relaxed);
        JoinCounts {
            rows: self.kept.len() as u64 + self.doubled + self.unkeyed,
            missed: self.missed.load(Ordering::Relaxed),
            missed_first: self.missed_first.lock().ok().and_then(|first| first.clone()),
            unused: self.taken.iter().filter(|taken| is_unused(taken)).count() as u64,
            unused_first: self
                .taken
                .iter()
                .position(is_unused)
                .and_then(|row| self.kept.head(*self.places.get(row)?))
                .map(|head| head.number),
            doubled: self.doubled,
            doubled_first: self.doubled_first.clone(),
            unkeyed: self.unkeyed,
        }
    }
}
