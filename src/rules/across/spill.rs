//! What does not fit into memory: rows as records on disk, cut by key.
//!
//! Every rule looks at rows of one key only, so the rows of some keys can be judged without
//! the others. Each list of keys, and the groups, are cut into [`PARTS`] files; at the end
//! each file is read into fresh tables, in the order of the feed.

use super::digest::{Key, RowDigest};
use super::groups::Kept;
use super::known::Known;
use super::state::{Conflict, Late, Say, Shape};
use super::texts::Texts;
use super::{Called, Spot};
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, Write};

/// How many files each list is cut into.
const PARTS: usize = 64;
/// Bytes of one record that stand at fixed places.
const FIXED: usize = 31;

/// The files of a run.
#[derive(Debug)]
pub(super) struct Spill {
    /// One list for each rule whose keys may not occur twice, and one for the groups.
    lists: Vec<List>,
    record: Vec<u8>,
}

#[derive(Debug)]
struct List {
    parts: Vec<BufWriter<File>>,
    /// How many values and blamed columns a record has.
    width: usize,
}

/// A record as it is read again; its room is used for the next one.
#[derive(Default)]
struct Record {
    silent: bool,
    row: u32,
    spot: Spot,
    key: Option<Key>,
    values: Vec<u32>,
    blamed: Vec<u16>,
    item: Vec<u8>,
    group: Vec<u8>,
}

impl Spill {
    /// Empty files in the folder for temporary files; they have no names and go with the run.
    pub(super) fn new(shape: &Shape) -> io::Result<Self> {
        let list = |width: usize| {
            let part = |_| Ok(BufWriter::with_capacity(16 << 10, tempfile::tempfile()?));
            Ok(List { parts: (0..PARTS).map(part).collect::<io::Result<_>>()?, width })
        };
        let mut lists: Vec<List> = shape.once.iter().map(|_| list(1)).collect::<io::Result<_>>()?;
        lists.push(list(shape.asks.len())?);
        Ok(Self { lists, record: Vec::new() })
    }

    /// Writes a row to each list it has a part in.
    pub(super) fn push(&mut self, row: u32, digest: RowDigest<'_>, spot: Spot, called: Called<'_>) -> io::Result<()> {
        for (n, key) in digest.keys.iter().enumerate() {
            if let Some(key) = *key {
                self.write(n, false, row, spot, key, &[1], digest.blamed, called)?;
            }
        }
        match digest.group {
            Some(key) => self.write(self.lists.len() - 1, false, row, spot, key, digest.values, digest.blamed, called),
            None => Ok(()),
        }
    }

    /// Writes all that was known before.
    pub(super) fn take_over(&mut self, known: &Known) -> io::Result<()> {
        for (n, table) in known.once().iter().enumerate() {
            for (short, row) in table.entries() {
                // Other tables will find it by just this, and compare the texts of the rows.
                let key = Key::joined(short, 1, 0);
                self.write(n, true, row, known.spot(row), key, &[1], &[], Called { item: "", group: "" })?;
            }
        }
        let groups = known.groups();
        groups.kept().try_for_each(|kept| self.group(&kept, known.spot(kept.row), groups.called(&kept)))
    }

    /// Writes what was known of a group for one rule: its first row, and where the rule was
    /// settled, a second one that settles it again without a word.
    fn group(&mut self, kept: &Kept, spot: Spot, called: Called<'_>) -> io::Result<()> {
        let list = self.lists.len() - 1;
        let width = self.lists[list].width;
        let mut values = vec![0; width];
        values[kept.rule] = kept.value;
        self.write(list, true, kept.row, spot, kept.key, &values, &[], called)?;
        if kept.settled {
            values[kept.rule] = if kept.value == 1 { 2 } else { 1 };
            self.write(list, true, kept.row, spot, kept.key, &values, &[], called)?;
        }
        Ok(())
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one record")]
    fn write(
        &mut self,
        list: usize,
        silent: bool,
        row: u32,
        spot: Spot,
        key: Key,
        values: &[u32],
        blamed: &[u16],
        called: Called<'_>,
    ) -> io::Result<()> {
        let record = &mut self.record;
        record.clear();
        record.push(u8::from(silent));
        record.extend(row.to_le_bytes());
        record.extend(spot.source.to_le_bytes());
        record.extend(spot.record.to_le_bytes());
        record.extend(spot.line.to_le_bytes());
        record.extend(key.head().to_le_bytes());
        record.extend(key.tail().to_le_bytes());
        let list = &mut self.lists[list];
        for n in 0..list.width {
            record.extend(values.get(n).copied().unwrap_or(0).to_le_bytes());
        }
        record.push(blamed.len() as u8);
        for column in blamed {
            record.extend(column.to_le_bytes());
        }
        for name in [called.item, called.group] {
            let name = name.get(..name.floor_char_boundary(usize::from(u16::MAX))).unwrap_or("");
            record.extend((name.len() as u16).to_le_bytes());
            record.extend(name.as_bytes());
        }
        list.parts[(key.head() >> 32) as usize % PARTS].write_all(record)
    }

    /// Judges part after part; see [`super::Across::finish`].
    pub(super) fn finish(self, shape: &Shape, texts: &Texts, rows: u32, late: &mut Say<'_>) -> io::Result<u64> {
        let mut lists = Vec::with_capacity(self.lists.len());
        for list in self.lists {
            let parts = list.parts.into_iter().map(|part| part.into_inner().map_err(io::IntoInnerError::into_error));
            lists.push((parts.collect::<io::Result<Vec<File>>>()?, list.width));
        }
        let mut refused = Refused(vec![0; rows as usize / 64 + 1]);
        let groups = lists.len() - 1;
        let refusing = |n: usize| shape.of_once(n).is_some_and(|(_, refuses)| refuses);
        // What refuses rows comes first, all of it: a refused row has no part in other rules.
        for n in (0..groups).filter(|&n| refusing(n)).chain((0..groups).filter(|&n| !refusing(n))) {
            for part in 0..PARTS {
                let mut known = Known::of_some(shape);
                replay(&mut lists[n], part, n, &mut known, (shape, texts), &mut refused, Some(&mut *late))?;
            }
        }
        let mut count = 0;
        for part in 0..PARTS {
            let mut known = Known::of_some(shape);
            // The ids of items, for rules that ask whether a group is called like one.
            for n in (0..groups).filter(|&n| shape.once[n].is_some()) {
                replay(&mut lists[n], part, n, &mut known, (shape, texts), &mut refused, None)?;
            }
            replay(&mut lists[groups], part, groups, &mut known, (shape, texts), &mut refused, Some(&mut *late))?;
            known.settle(shape, texts, late)?;
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

/// Takes up one part of a list; `say` is told what it shows, where that is wanted.
fn replay(
    list: &mut (Vec<File>, usize),
    part: usize,
    n: usize,
    known: &mut Known,
    (shape, texts): (&Shape, &Texts),
    refused: &mut Refused,
    mut say: Option<&mut Say<'_>>,
) -> io::Result<()> {
    let (files, width) = list;
    let file = &mut files[part];
    file.rewind()?;
    let mut reader = BufReader::with_capacity(256 << 10, file);
    let mut keys = vec![None; shape.once.len()];
    let mut conflicts: Vec<Conflict> = Vec::new();
    let mut record = Record { values: vec![0; *width], ..Record::default() };
    while read(&mut reader, &mut record)? {
        if refused.has(record.row) && !record.silent {
            continue;
        }
        let group = if n < keys.len() {
            keys[n] = record.key;
            None
        } else {
            record.key
        };
        let digest = RowDigest { keys: &keys, group, values: &record.values, blamed: &record.blamed };
        let [item, group] = [&record.item, &record.group].map(|name| std::str::from_utf8(name).unwrap_or(""));
        let called = Called { item, group };
        conflicts.clear();
        let stays = known.take(shape, texts, record.row, (digest, record.spot, called), &mut conflicts)?;
        let (Some(say), false) = (&mut say, record.silent) else { continue };
        if !stays {
            refused.add(record.row);
        }
        for conflict in &conflicts {
            let refuses = !stays && shape.of_once(n).is_some_and(|(rule, refuses)| rule == conflict.rule && refuses);
            let late = Late {
                rule: conflict.rule,
                spot: record.spot,
                first: Some(conflict.first),
                column: conflict.column,
                called,
                refused: refuses,
            };
            say(late, record.row);
        }
    }
    Ok(())
}

/// Reads the next record in place of the last; says whether there is one.
fn read(reader: &mut impl Read, record: &mut Record) -> io::Result<bool> {
    let mut fixed = [0; FIXED];
    match reader.read(&mut fixed[..1])? {
        0 => return Ok(false),
        _ => reader.read_exact(&mut fixed[1..])?,
    }
    let mut at = 1;
    let mut number = |length: usize| {
        let mut bytes = [0; 8];
        bytes[..length].copy_from_slice(&fixed[at..at + length]);
        at += length;
        u64::from_le_bytes(bytes)
    };
    record.silent = fixed[0] == 1;
    record.row = number(4) as u32;
    record.spot = Spot { source: number(2) as u16, record: number(4) as u32, line: number(4) as u32 };
    record.key = Some(Key::new(number(8), number(8)));
    for value in &mut record.values {
        let mut bytes = [0; 4];
        reader.read_exact(&mut bytes)?;
        *value = u32::from_le_bytes(bytes);
    }
    let mut count = [0];
    reader.read_exact(&mut count)?;
    record.blamed.resize(usize::from(count[0]), 0);
    for column in &mut record.blamed {
        let mut bytes = [0; 2];
        reader.read_exact(&mut bytes)?;
        *column = u16::from_le_bytes(bytes);
    }
    for name in [&mut record.item, &mut record.group] {
        let mut length = [0; 2];
        reader.read_exact(&mut length)?;
        name.resize(usize::from(u16::from_le_bytes(length)), 0);
        reader.read_exact(name)?;
    }
    Ok(true)
}
