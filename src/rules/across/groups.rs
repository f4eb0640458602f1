//! What is kept of groups: a few small numbers each, and the names of their first rows.

use super::digest::Key;
use super::table::Table;
use super::{Asks, Called};

/// Ids of items and groups, one after the other.
#[derive(Debug, Default)]
struct Names {
    bytes: Vec<u8>,
    last: Option<(u32, u32)>,
}

/// Longest part of an id that is kept for messages.
const LONGEST: usize = 255;

impl Names {
    /// Keeps the names of a row; returns where.
    fn keep(&mut self, row: u32, called: Called<'_>) -> u32 {
        if let Some((_, at)) = self.last.filter(|(known, _)| *known == row) {
            return at;
        }
        let at = self.bytes.len() as u32;
        for name in [called.item, called.group] {
            let name = name.get(..name.floor_char_boundary(LONGEST)).unwrap_or("");
            self.bytes.push(name.len() as u8);
            self.bytes.extend_from_slice(name.as_bytes());
        }
        self.last = Some((row, at));
        at
    }

    fn at(&self, at: u32) -> Called<'_> {
        let name = |at: usize| {
            let length = usize::from(self.bytes.get(at).copied().unwrap_or(0));
            (std::str::from_utf8(self.bytes.get(at + 1..at + 1 + length).unwrap_or_default()).unwrap_or(""), at + 1 + length)
        };
        let (item, next) = name(at as usize);
        Called { item, group: name(next).0 }
    }
}

/// All groups met so far.
#[derive(Debug)]
pub(super) struct Groups {
    asks: Vec<Asks>,
    /// From a group's key to its place in the lists.
    places: Table,
    /// By group and rule: the first value for [`Asks::Agree`], else 1 + where the names of
    /// the first row are; 0 where no row had a part yet.
    values: Vec<u32>,
    /// By group and rule: the first row that had a part.
    rows: Vec<u32>,
    /// By group, a bit for each rule: a difference was said, or a second row was met.
    settled: Vec<u32>,
    names: Names,
    /// Rows of a group mostly stand together.
    last: Option<(Key, usize)>,
}

/// A group as another part of the program may keep it.
pub(super) struct Kept<'a> {
    pub(super) key: Key,
    pub(super) rule: usize,
    pub(super) value: u32,
    pub(super) row: u32,
    pub(super) settled: bool,
    pub(super) called: Called<'a>,
}

impl Groups {
    pub(super) fn new(asks: Vec<Asks>) -> Self {
        Self {
            asks,
            places: Table::default(),
            values: Vec::new(),
            rows: Vec::new(),
            settled: Vec::new(),
            names: Names::default(),
            last: None,
        }
    }

    fn place(&mut self, key: Key) -> usize {
        if let Some((_, place)) = self.last.filter(|(known, _)| *known == key) {
            return place;
        }
        let next = self.settled.len();
        let place = match self.places.find_or_insert(key, next as u32) {
            Some(place) => place as usize,
            None => {
                self.settled.push(0);
                self.values.resize(self.values.len() + self.asks.len(), 0);
                self.rows.resize(self.rows.len() + self.asks.len(), 0);
                next
            }
        };
        self.last = Some((key, place));
        place
    }

    /// Takes a row of a group; `found` is told the rules it breaks, with the earlier row. One
    /// broken row is one finding, not one for each of its siblings.
    pub(super) fn observe(&mut self, key: Key, values: &[u32], row: u32, called: Called<'_>, found: &mut dyn FnMut(usize, u32)) {
        let place = self.place(key);
        let each = self.asks.len();
        for (rule, (&value, asks)) in values.iter().zip(&self.asks).enumerate() {
            if value == 0 {
                continue;
            }
            let at = place * each + rule;
            let bit = 1 << rule;
            if self.values[at] == 0 {
                self.rows[at] = row;
                self.values[at] = if *asks == Asks::Agree { value } else { 1 + self.names.keep(row, called) };
                continue;
            }
            let is_settled = self.settled[place] & bit != 0;
            match asks {
                Asks::Agree if self.values[at] == value || is_settled => {}
                Asks::Agree => {
                    self.settled[place] |= bit;
                    found(rule, self.rows[at]);
                }
                Asks::Several => self.settled[place] |= bit,
                Asks::NoItem(_) => {}
            }
        }
    }

    /// How many groups there are.
    pub(super) fn len(&self) -> usize {
        self.settled.len()
    }

    /// How much memory they take.
    pub(super) fn bytes(&self) -> usize {
        self.places.bytes() + 4 * (self.values.capacity() + self.rows.capacity() + self.settled.capacity()) + self.names.bytes.capacity()
    }

    /// Everything kept, group by group and rule by rule.
    pub(super) fn kept(&self) -> impl Iterator<Item = Kept<'_>> {
        self.places.entries().flat_map(move |(key, place)| {
            let place = place as usize;
            self.asks.iter().enumerate().filter_map(move |(rule, asks)| {
                let at = place * self.asks.len() + rule;
                let value = self.values[at];
                let called = if *asks == Asks::Agree { Called { item: "", group: "" } } else { self.names.at(value.saturating_sub(1)) };
                let value_of_rule = if *asks == Asks::Agree { value } else { value.min(1) };
                let settled = self.settled[place] >> rule & 1 == 1;
                (value != 0).then_some(Kept { key, rule, value: value_of_rule, row: self.rows[at], settled, called })
            })
        })
    }

    /// What shows only at the end: rule, row and names. `is_item` tells whether the text of a
    /// key is the id of an item.
    pub(super) fn finish(&self, is_item: &dyn Fn(crate::spec::FieldId, Key) -> bool) -> Vec<(usize, u32, Called<'_>)> {
        let mut late: Vec<_> = self
            .kept()
            .filter(|kept| match self.asks[kept.rule] {
                Asks::Agree => false,
                Asks::Several => !kept.settled,
                Asks::NoItem(item) => is_item(item, kept.key),
            })
            .map(|kept| (kept.rule, kept.row, kept.called))
            .collect();
        late.sort_by_key(|(rule, row, _)| (*rule, *row));
        late
    }
}
