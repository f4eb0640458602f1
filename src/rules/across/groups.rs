//! What is kept of groups: a few small numbers each, and the names of their first rows.

use super::digest::Key;
use super::table::Table;
use super::{Asks, Called};
use crate::spec::FieldId;
use std::collections::HashMap;
use std::convert::Infallible;
use std::io;

/// Ids of items and groups, one after the other.
#[derive(Debug, Default)]
struct Names {
    bytes: Vec<u8>,
    /// Where every so manyth pair begins.
    starts: Vec<u64>,
    count: u32,
    /// The last row whose names were kept.
    last: Option<u32>,
}

/// Longest part of an id that is kept for messages.
const LONGEST: usize = 255;
/// How many pairs of names are gone through at most to find one.
const STRETCH: u32 = 16;

impl Names {
    /// Keeps the names of a row; returns their number.
    fn keep(&mut self, row: u32, called: Called<'_>) -> u32 {
        if self.last == Some(row) {
            return self.count - 1;
        }
        if self.count.is_multiple_of(STRETCH) {
            self.starts.push(self.bytes.len() as u64);
        }
        for name in [called.item, called.group] {
            let name = name.get(..name.floor_char_boundary(LONGEST)).unwrap_or("");
            self.bytes.push(name.len() as u8);
            self.bytes.extend_from_slice(name.as_bytes());
        }
        self.last = Some(row);
        self.count += 1;
        self.count - 1
    }

    fn at(&self, number: u32) -> Called<'_> {
        let start = self.starts.get((number / STRETCH) as usize).copied().unwrap_or(0);
        let mut rest = self.bytes.get(start as usize..).unwrap_or_default();
        let mut name = || {
            let (length, after) = rest.split_first().unwrap_or((&0, &[]));
            let (name, after) = after.split_at_checked(usize::from(*length)).unwrap_or_default();
            rest = after;
            name
        };
        for _ in 0..2 * (number % STRETCH) {
            name();
        }
        let [item, group] = [name(), name()].map(|name| std::str::from_utf8(name).unwrap_or(""));
        Called { item, group }
    }

    fn bytes(&self) -> usize {
        self.bytes.capacity() + self.starts.capacity() * size_of::<u64>()
    }
}

/// Most rules about groups that there is a bit for.
pub(crate) const MOST_RULES: usize = 16;

/// A group, in few bytes.
///
/// Every further row of a group is found in the table, so groups are not compared by their texts
/// but by all 128 bits of their keys: those that the table has not are here. Two different ones
/// would be taken for one if all of these agreed; that there are two such among ten million
/// groups has a probability below 10⁻²⁴.
#[derive(Clone, Copy, Debug)]
struct Group {
    /// The last 64 bits of its key.
    tail: u64,
    /// The bits of its head that the table has not.
    middle: u32,
    /// The first row.
    row: u32,
    /// The number of its names, if a rule may need them.
    names: u32,
    /// A bit for each rule: whether a row had a part.
    met: u16,
    /// A bit for each rule: a difference was said, or a second row was met.
    settled: u16,
}

impl Group {
    /// Whether the bits of its key that the table has not are those of this one.
    fn is(&self, key: Key) -> bool {
        (self.tail, self.middle) == (key.tail(), key.middle())
    }
}

/// What a rule asks; of one that compares, the place of its value among those of a group.
#[derive(Clone, Copy, Debug)]
struct Asked {
    asks: Asks,
    value: usize,
}

/// All groups met so far.
#[derive(Debug)]
pub(super) struct Groups {
    asked: Vec<Asked>,
    /// How many rules compare values.
    compared: usize,
    /// From a group's key to its place in the lists.
    places: Table,
    groups: Vec<Group>,
    /// By group and rule that compares: the first value; 0 where no row had a part yet.
    values: Vec<u32>,
    /// By group and rule: the first row that had a part, and the number of its names, where that
    /// is not the group's first row; few are.
    later: HashMap<(u32, u8), (u32, u32)>,
    names: Names,
    /// Rows of a group mostly stand together.
    last: Option<(Key, usize)>,
}

/// A group as another part of the program may keep it.
pub(super) struct Kept {
    pub(super) key: Key,
    pub(super) rule: usize,
    pub(super) value: u32,
    pub(super) row: u32,
    /// The value of a second row that settles the rule, where one did.
    pub(super) settled: Option<u32>,
    /// The number of its names, where a rule may need them.
    pub(super) names: Option<u32>,
}

impl Groups {
    pub(super) fn new(asks: &[Asks]) -> Self {
        let mut compared = 0;
        let asked = asks.iter().map(|&asks| {
            let value = compared;
            compared += usize::from(asks.compares());
            Asked { asks, value }
        });
        Self {
            asked: asked.collect(),
            compared,
            places: Table::default(),
            groups: Vec::new(),
            values: Vec::new(),
            later: HashMap::new(),
            names: Names::default(),
            last: None,
        }
    }

    fn place(&mut self, key: Key, row: u32) -> usize {
        if let Some((_, place)) = self.last.filter(|(known, _)| *known == key) {
            return place;
        }
        let next = self.groups.len();
        let groups = &self.groups;
        let is_it = |place: u32| Ok::<_, Infallible>(groups[place as usize].is(key));
        let Ok(found) = self.places.find_or_insert(key, next as u32, is_it);
        let place = match found {
            Some(place) => place as usize,
            None => {
                self.groups.push(Group { tail: key.tail(), middle: key.middle(), row, names: 0, met: 0, settled: 0 });
                self.values.resize(self.values.len() + self.compared, 0);
                next
            }
        };
        self.last = Some((key, place));
        place
    }

    /// Takes a row of a group; `found` is told the rules it breaks, with the earlier row. One
    /// broken row is one finding, not one for each of its siblings.
    pub(super) fn observe(&mut self, key: Key, values: &[u32], row: u32, called: Called<'_>, found: &mut dyn FnMut(usize, u32)) {
        let place = self.place(key, row);
        let group = &mut self.groups[place];
        for (rule, (&value, asked)) in values.iter().zip(&self.asked).enumerate() {
            if value == 0 {
                continue;
            }
            let bit = 1 << rule;
            let compares = asked.asks.compares();
            let at = place * self.compared + asked.value;
            if group.met & bit == 0 {
                group.met |= bit;
                let names = if compares { group.names } else { self.names.keep(row, called) };
                if compares {
                    self.values[at] = value;
                }
                if group.row == row {
                    group.names = names;
                } else {
                    self.later.insert((place as u32, rule as u8), (row, names));
                }
                continue;
            }
            match asked.asks {
                Asks::NoItem(_) => {}
                Asks::Several => group.settled |= bit,
                _ if group.settled & bit != 0 || (self.values[at] == value) == (asked.asks == Asks::Agree) => {}
                _ => {
                    group.settled |= bit;
                    found(rule, self.later.get(&(place as u32, rule as u8)).map_or(group.row, |(row, _)| *row));
                }
            }
        }
    }

    /// Looks at the place of a group; see [`Table::glance`].
    pub(super) fn glance(&self, key: Key) -> u32 {
        self.places.glance(key)
    }

    /// Makes room for so many times as many groups.
    pub(super) fn expect(&mut self, times: f64) {
        self.places.expect(times);
    }

    /// How many groups there are.
    pub(super) fn len(&self) -> usize {
        self.groups.len()
    }

    /// How much memory they take.
    pub(super) fn bytes(&self) -> usize {
        let lists = self.groups.capacity() * size_of::<Group>() + self.values.capacity() * 4 + self.names.bytes();
        // A map keeps a byte more for each entry, and is filled to seven eighths.
        self.places.bytes() + lists + self.later.capacity() * 8 / 7 * 17
    }

    /// Everything kept, group by group and rule by rule.
    pub(super) fn kept(&self) -> impl Iterator<Item = Kept> {
        self.places.entries().flat_map(move |(short, place)| {
            let group = self.groups[place as usize];
            let key = Key::joined(short, group.middle, group.tail);
            let met = self.asked.iter().enumerate().filter(move |(rule, _)| group.met >> rule & 1 == 1);
            met.map(move |(rule, asked)| {
                let later = self.later.get(&(place, rule as u8));
                let (row, names) = later.copied().unwrap_or((group.row, group.names));
                let (value, names) = match asked.asks.compares() {
                    true => (self.values[place as usize * self.compared + asked.value], None),
                    false => (1, Some(names)),
                };
                let another = if value == 1 { 2 } else { 1 };
                let second = if asked.asks == Asks::Agree { another } else { value };
                Kept { key, rule, value, row, settled: (group.settled >> rule & 1 == 1).then_some(second), names }
            })
        })
    }

    /// The names of this number.
    pub(super) fn called(&self, names: u32) -> Called<'_> {
        self.names.at(names)
    }

    /// What shows only at the end: rule, row and names. `is_item` tells whether the text of a key
    /// is the id of an item; what tables know of the key is enough for nearly all of them.
    pub(super) fn finish(&self, is_item: &mut IsItem<'_>) -> io::Result<Vec<(usize, u32, Called<'_>)>> {
        let mut late = Vec::new();
        let is_met = |rule: usize, group: &Group| group.met >> rule & 1 == 1;
        for (rule, asked) in self.asked.iter().enumerate() {
            let mut say = |place: u32, group: &Group| {
                let (row, names) = self.later.get(&(place, rule as u8)).copied().unwrap_or((group.row, group.names));
                late.push((rule, row, self.names.at(names)));
            };
            match asked.asks {
                Asks::Agree | Asks::Differ => {}
                Asks::Several => {
                    let alone = self.groups.iter().zip(0..).filter(|(group, _)| is_met(rule, group) && group.settled >> rule & 1 == 0);
                    alone.for_each(|(group, place)| say(place, group));
                }
                Asks::NoItem(item) => {
                    // In the order of the table, which that of the ids shares.
                    for (short, place) in self.places.entries() {
                        let key = || {
                            let group = &self.groups[place as usize];
                            Key::joined(short, group.middle, group.tail)
                        };
                        if is_item(item, short, &key)? && is_met(rule, &self.groups[place as usize]) {
                            say(place, &self.groups[place as usize]);
                        }
                    }
                }
            }
        }
        late.sort_by_key(|(rule, row, _)| (*rule, *row));
        Ok(late)
    }
}

/// Tells whether an item is called like a group: its field, what tables know of the key, and the key.
pub(super) type IsItem<'a> = dyn FnMut(FieldId, (u8, u32), &dyn Fn() -> Key) -> io::Result<bool> + 'a;
