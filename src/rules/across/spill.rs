//! What does not fit into memory: rows as records on disk, cut by key.
//!
//! Every rule looks at rows of one key only, so the rows of some keys can be judged without
//! the others. Each list of keys, and the groups, are cut into [`PARTS`] files; at the end
//! each file is read into fresh tables, in the order of the feed. A record is as short as
//! that allows: what a finding says of a row is kept once for all lists, in [`Labels`].

use super::digest::{Key, RowDigest};
use super::groups::Kept;
use super::known::Known;
use super::labels::Labels;
use super::state::{Conflict, Late, Rows, Say};
use super::{Called, Spot};
use crate::cell::NO_COLUMN;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, Write};

/// How many files each list is cut into.
const PARTS: usize = 64;
/// Bytes of a record: the row, and what tables know of its key.
const SHORT: usize = 4 + 8;

/// The files of a run.
#[derive(Debug)]
pub(super) struct Spill {
    /// One list for each rule whose keys may not occur twice, and one for the groups.
    lists: Vec<List>,
    /// The first row that was not known when the run went to disk. Those before are there to be
    /// compared with; what they break was said.
    since: u32,
    labels: Labels,
    record: Vec<u8>,
}

#[derive(Debug)]
struct List {
    parts: Vec<BufWriter<File>>,
    width: Width,
}

/// What a record of a list holds beyond its row and the first half of its key.
#[derive(Clone, Copy, Debug)]
enum Width {
    /// Nothing: texts tell whether keys are the same.
    Once,
    /// The second half, and so many values.
    Group(usize),
}

impl Width {
    fn bytes(self) -> usize {
        match self {
            Self::Once => SHORT,
            Self::Group(values) => SHORT + 8 + 4 * values,
        }
    }
}

/// The files of a list that are read again.
struct Written {
    parts: Vec<File>,
    width: Width,
}

impl Spill {
    /// Takes over all that is known of the rows before this one. The files lie in the folder for
    /// temporary files; they have no names and go with the run.
    pub(super) fn new(rows: &Rows, known: &Known) -> io::Result<Self> {
        let list = |width| {
            let part = |_| Ok(BufWriter::with_capacity(16 << 10, tempfile::tempfile()?));
            Ok::<_, io::Error>(List { parts: (0..PARTS).map(part).collect::<io::Result<_>>()?, width })
        };
        let mut lists: Vec<List> = rows.shape.once.iter().map(|_| list(Width::Once)).collect::<io::Result<_>>()?;
        lists.push(list(Width::Group(rows.shape.asks.len()))?);
        let groups = known.groups();
        let mut named: Vec<(u32, u32)> = groups.kept().filter_map(|kept| Some((kept.row, kept.names?))).collect();
        named.sort_unstable();
        named.dedup_by_key(|(row, _)| *row);
        let labels = Labels::new(named.iter().map(|(row, _)| *row).collect(), rows.count);
        let mut spill = Self { lists, since: rows.count, labels, record: Vec::new() };
        for (_, names) in named {
            spill.labels.push(&[], groups.called(names))?;
        }
        for (n, table) in known.once().iter().enumerate() {
            for (short, row) in table.entries() {
                // Other tables will find it by just this, and compare the texts of the rows.
                spill.write(n, row, Key::joined(short, 1, 0), &[])?;
            }
        }
        groups.kept().try_for_each(|kept| spill.group(&kept))?;
        Ok(spill)
    }

    /// Writes the next row to each list it has a part in.
    pub(super) fn push(&mut self, row: u32, digest: RowDigest<'_>, called: Called<'_>) -> io::Result<()> {
        self.labels.push(digest.blamed, called)?;
        for (n, key) in digest.keys.iter().enumerate() {
            if let Some(key) = *key {
                self.write(n, row, key, &[])?;
            }
        }
        match digest.group {
            Some(key) => self.write(self.lists.len() - 1, row, key, digest.values),
            None => Ok(()),
        }
    }

    /// Writes what was known of a group for one rule: its first row, and where the rule was
    /// settled, a second one that settles it again without a word.
    fn group(&mut self, kept: &Kept) -> io::Result<()> {
        let list = self.lists.len() - 1;
        let Width::Group(values) = self.lists[list].width else { return Ok(()) };
        let mut values = vec![0; values];
        values[kept.rule] = kept.value;
        self.write(list, kept.row, kept.key, &values)?;
        if let Some(second) = kept.settled {
            values[kept.rule] = second;
            self.write(list, kept.row, kept.key, &values)?;
        }
        Ok(())
    }

    fn write(&mut self, list: usize, row: u32, key: Key, values: &[u32]) -> io::Result<()> {
        let record = &mut self.record;
        record.clear();
        record.extend(row.to_le_bytes());
        record.extend(key.head().to_le_bytes());
        let list = &mut self.lists[list];
        if let Width::Group(_) = list.width {
            record.extend(key.tail().to_le_bytes());
            record.extend(values.iter().flat_map(|value| value.to_le_bytes()));
        }
        debug_assert_eq!(record.len(), list.width.bytes(), "all records of a list are as long");
        list.parts[(key.head() >> 32) as usize % PARTS].write_all(record)
    }

    /// Judges part after part; see [`super::Across::finish`].
    pub(super) fn finish(mut self, rows: &Rows, late: &mut Say<'_>) -> io::Result<u64> {
        self.labels.flush()?;
        let mut lists = Vec::with_capacity(self.lists.len());
        for List { parts, width } in self.lists {
            let parts = parts.into_iter().map(|part| part.into_inner().map_err(io::IntoInnerError::into_error));
            lists.push(Written { parts: parts.collect::<io::Result<_>>()?, width });
        }
        let shape = &rows.shape;
        let groups = lists.len() - 1;
        let refused = Refused(vec![0; rows.count as usize / 64 + 1]);
        let mut again = Again { rows, since: self.since, labels: &self.labels, lists, refused };
        let refusing = |n: usize| shape.of_once(n).is_some_and(|(_, refuses)| refuses);
        // What refuses rows comes first, all of it: a refused row has no part in other rules.
        for n in (0..groups).filter(|&n| refusing(n)).chain((0..groups).filter(|&n| !refusing(n))) {
            for part in 0..PARTS {
                again.replay(part, n, &mut Known::of_some(shape), Some(&mut *late))?;
            }
        }
        let mut count = 0;
        for part in 0..PARTS {
            let mut known = Known::of_some(shape);
            // The ids of items, for rules that ask whether a group is called like one.
            for n in (0..groups).filter(|&n| shape.once[n].is_some()) {
                again.replay(part, n, &mut known, None)?;
            }
            again.replay(part, groups, &mut known, Some(&mut *late))?;
            for (rule, row, _) in known.settle(rows)? {
                again.say(row, rule, None, false, late)?;
            }
            count += known.groups().len() as u64;
        }
        Ok(count)
    }
}

/// The rows that were refused, a bit each.
struct Refused(Vec<u64>);

impl Refused {
    fn has(&self, row: u32) -> bool {
        self.0.get(row as usize / 64).is_some_and(|bits| bits >> (row % 64) & 1 == 1)
    }

    fn add(&mut self, row: u32) {
        if let Some(bits) = self.0.get_mut(row as usize / 64) {
            *bits |= 1 << (row % 64);
        }
    }
}

/// A run that is read again.
struct Again<'a> {
    rows: &'a Rows,
    since: u32,
    labels: &'a Labels,
    lists: Vec<Written>,
    refused: Refused,
}

impl Again<'_> {
    /// Takes up one part of a list; `say` is told what it shows, where that is wanted.
    fn replay(&mut self, part: usize, n: usize, known: &mut Known, mut say: Option<&mut Say<'_>>) -> io::Result<()> {
        let (mut file, width) = (self.lists[n].parts[part].try_clone()?, self.lists[n].width);
        let records = file.metadata()?.len() / width.bytes() as u64;
        file.rewind()?;
        let mut keys = vec![None; self.rows.shape.once.len()];
        let mut values = Vec::new();
        if let Width::Once = width {
            known.expect_keys(n, records as usize);
        }
        let mut reader = BufReader::with_capacity(256 << 10, file);
        let mut conflicts: Vec<Conflict> = Vec::new();
        let mut record = vec![0; width.bytes()];
        for _ in 0..records {
            reader.read_exact(&mut record)?;
            let (row, head, rest) = parts_of(&record);
            let is_known = row < self.since;
            if !is_known && self.refused.has(row) {
                continue;
            }
            let mut group = None;
            match rest.split_first_chunk() {
                None => keys[n] = Some(Key::new(head, 0)),
                Some((tail, rest)) => {
                    group = Some(Key::new(head, u64::from_le_bytes(*tail)));
                    values.clear();
                    values.extend(rest.as_chunks().0.iter().map(|value| u32::from_le_bytes(*value)));
                }
            }
            let digest = RowDigest { keys: &keys, group, values: &values, blamed: &[] };
            conflicts.clear();
            let stays = known.take(self.rows, row, (digest, Called { item: "", group: "" }), &mut conflicts)?;
            let (Some(say), false) = (&mut say, is_known) else { continue };
            if !stays {
                self.refused.add(row);
            }
            for conflict in &conflicts {
                let refuses = !stays && self.rows.shape.of_once(n).is_some_and(|(rule, refuses)| rule == conflict.rule && refuses);
                self.say(row, conflict.rule, Some(conflict.first), refuses, say)?;
            }
        }
        Ok(())
    }

    /// Tells what a row breaks: together with an earlier one, or as the first of its group.
    fn say(&self, row: u32, rule: usize, first: Option<Spot>, refused: bool, late: &mut Say<'_>) -> io::Result<()> {
        let label = self.labels.of(row)?;
        let column = first.map_or(NO_COLUMN, |_| label.blamed(rule));
        late(Late { rule, spot: self.rows.spots.at(row), first, column, called: label.called(), refused }, row);
        Ok(())
    }
}

/// The row of a record, the first half of its key, and what else it holds.
fn parts_of(record: &[u8]) -> (u32, u64, &[u8]) {
    let (row, rest) = record.split_first_chunk().unwrap_or((&[0; 4], &[]));
    let (head, rest) = rest.split_first_chunk().unwrap_or((&[0; 8], &[]));
    (u32::from_le_bytes(*row), u64::from_le_bytes(*head), rest)
}
