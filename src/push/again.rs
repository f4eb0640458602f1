//! Rows that a target refused before, and that are sent again: merged into what changed while a
//! feed is compared, and written anew when the target has answered.

use super::Refused;
use super::difference::{Difference, items};
use super::error::PushError;
use super::feed::Built;
use crate::state::{Outstanding, key_of};
use std::collections::{HashMap, HashSet};

/// How often an item that is gone is deleted again where the target refuses that: it may never
/// have held it.
const MOST_DELETES: u32 = 5;

struct Row {
    key: u128,
    row: Outstanding,
    is_due: bool,
    is_in_feed: bool,
    is_sent: bool,
}

/// The rows that are outstanding, in the order of their keys.
#[derive(Default)]
pub struct Again {
    rows: Vec<Row>,
    next: usize,
}

impl Again {
    /// Rows of which those that are due are sent, or all of them.
    pub fn new(rows: Vec<Outstanding>, now: i64, all: bool) -> Self {
        let row = |row: Outstanding| Row { key: key_of(&row.item), is_due: all || row.due <= now, is_in_feed: false, is_sent: false, row };
        let mut rows: Vec<Row> = rows.into_iter().map(row).collect();
        rows.sort_unstable_by_key(|row| row.key);
        Self { rows, next: 0 }
    }

    /// The key of the next row.
    pub(super) fn peek(&self) -> Option<u128> {
        self.rows.get(self.next).map(|row| row.key)
    }

    fn take(&mut self, key: u128) -> Option<&mut Row> {
        let row = self.rows.get_mut(self.next).filter(|row| row.key == key)?;
        self.next += 1;
        Some(row)
    }

    /// An item of the feed comes by, and is sent or not; whether it has to be.
    pub(super) fn item(&mut self, key: u128, is_sent: bool) -> bool {
        let Some(row) = self.take(key) else { return false };
        row.is_in_feed = true;
        row.is_sent = is_sent || row.is_due;
        row.is_due
    }

    /// An item comes by that the feed does not have, and is deleted or not; what is to be deleted
    /// because of what was refused.
    pub(super) fn gone(&mut self, key: u128, is_deleted: bool) -> Option<(&str, &str)> {
        let row = self.take(key)?;
        row.is_sent = is_deleted || row.is_due;
        (row.is_due && !is_deleted).then_some((row.row.item.as_str(), row.row.group.as_str()))
    }

    /// How many rows are not sent this time, and from when on they are.
    pub fn waiting(&self) -> (u64, Option<i64>) {
        let waiting = || self.rows.iter().filter(|row| !row.is_sent);
        (waiting().count() as u64, waiting().map(|row| row.row.due).min())
    }

    /// What is outstanding once the target has answered: what it refused now, and what was not
    /// sent to it again.
    ///
    /// # Errors
    /// When the index of the feed, or the list of what left it, cannot be read.
    pub fn settle(self, refused: &[Refused], difference: &Difference, built: &Built, now: i64) -> Result<Vec<Outstanding>, PushError> {
        let mut before = HashMap::new();
        let mut left = Vec::new();
        for row in self.rows {
            if row.is_sent || difference.first && row.is_in_feed {
                before.insert(row.key, row.row);
            } else {
                left.push(row.row);
            }
        }
        let named = refused.iter().filter(|refused| !refused.warning).filter_map(|refused| refused.item.as_deref());
        let mut named: HashSet<u128> = named.map(key_of).collect();
        if named.is_empty() {
            return Ok(left);
        }
        let mut refuse = |item: String, group: String, most: u32| {
            let key = key_of(&item);
            // Each once, whether it is in the feed or has left it.
            if named.remove(&key) {
                let times = before.get(&key).map_or(0, |row| row.times).saturating_add(1);
                left.extend((times <= most).then(|| Outstanding::new(item, group, times, now)));
            }
        };
        for item in items(built)? {
            let (item, group) = item?;
            refuse(item, group, u32::MAX);
        }
        let unreadable = || PushError::io("a temporary file");
        for gone in difference.gone.iter().map_err(unreadable())? {
            let gone = gone.map_err(unreadable())?;
            refuse(gone.item, gone.group, MOST_DELETES);
        }
        Ok(left)
    }
}
