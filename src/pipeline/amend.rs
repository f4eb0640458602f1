//! Repairs of a finished feed, made in the feed itself: which cells change is found out like any
//! other verdict, and then the file is copied with only those cells written anew. What is not
//! changed keeps its bytes: other records, other columns, their order, what could not be read.

use super::noted::Noted;
use super::{RunError, SourcePlan};
use crate::catalog::block::{Block, Mark};
use crate::catalog::csv::Cells;
use crate::catalog::{Format, ReadError, RecordHead};
use crate::cell::{Cell, Shape, Slot};
use crate::mapping::compile::unit_of;
use crate::render::delimited::{cell_text, write_cell};
use crate::render::file::WriteError;
use crate::render::json::value_of;
use crate::rules::Fault;
use crate::spec::{FieldId, Spec};
use crate::summary::Repaired;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;
use std::fmt;
use std::io::{self, BufRead, BufReader, BufWriter, Seek, Write};
use std::sync::Arc;

/// How a feed is written whose cells are amended.
#[derive(Clone, Debug)]
pub(crate) struct Amender {
    /// By column: the field it is.
    columns: Vec<Option<FieldId>>,
    is_json: bool,
}

/// A record with the cells that change, by column: the new text, JSON where the feed is; nothing
/// where the value is left out.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Amended {
    record: u64,
    cells: Vec<(u16, Option<String>)>,
}

impl Amender {
    /// For a feed of `spec` with these columns; nothing where the format cannot be amended.
    pub(crate) fn new(spec: &Spec, names: &[Arc<str>], format: &Format) -> Option<Self> {
        let is_json = match format {
            Format::Delimited { .. } => false,
            Format::JsonLines => true,
            _ => return None,
        };
        Some(Self { columns: names.iter().map(|name| spec.field(name)).collect(), is_json })
    }

    /// What changes of a record: cells whose value is written otherwise now, and those that a
    /// repair left out.
    pub(super) fn amended(
        &self,
        spec: &Spec,
        buffer: &str,
        head: RecordHead,
        (cells, row): (&[Cell], &[Slot]),
        faults: &[Fault],
        noted: &[Noted],
    ) -> Option<Amended> {
        let mut changed = Vec::new();
        for (column, (cell, field)) in cells.iter().zip(&self.columns).enumerate() {
            let Some(field) = field.filter(|_| cell.is_present()) else { continue };
            let (column, slot) = (column as u16, row.get(field.index()).copied().unwrap_or_default());
            if !slot.is_present() {
                if self.is_left_out(spec, field, head, faults, noted) {
                    changed.push((column, None));
                }
            } else if slot.column == column && !is_same(*cell, slot, buffer) && !lends_unit(spec, field, row) {
                let text = if self.is_json {
                    value_of(spec, field, slot, buffer)
                } else {
                    cell_text(slot, buffer, &spec.formats.list_separator).into_owned()
                };
                changed.push((column, Some(text)));
            }
        }
        (!changed.is_empty()).then_some(Amended { record: head.number, cells: changed })
    }

    /// Whether a repair left a value out and said so. One that is not written for another reason,
    /// such as a sale that has not begun, stays.
    fn is_left_out(&self, spec: &Spec, field: FieldId, head: RecordHead, faults: &[Fault], noted: &[Noted]) -> bool {
        let by_rule =
            faults.iter().any(|fault| fault.field == field && fault.fix.as_ref().is_some_and(|fix| fix.applied && fix.value.is_none()));
        let attribute = spec.get(field).attribute;
        let of_item = noted.iter().rev().take_while(|noted| noted.head.number == head.number);
        by_rule || of_item.into_iter().any(|noted| noted.note.attribute == attribute && noted.note.new.is_none())
    }
}

/// Whether the unit of a number came from the same cell: without it the cell would say less.
fn lends_unit(spec: &Spec, field: FieldId, row: &[Slot]) -> bool {
    let Some(unit) = unit_of(spec.get(field).attribute) else { return false };
    let column = |field: usize| row.get(field).filter(|slot| slot.is_present()).map(|slot| slot.column);
    let mut units = spec.fields.iter().enumerate().filter(|(_, field)| field.attribute == unit);
    units.any(|(place, _)| column(place).is_some() && column(place) == column(field.index()))
}

/// Whether a value is written as it was read; a list is the same as text and as JSON.
pub(super) fn is_same(cell: Cell, slot: Slot, buffer: &str) -> bool {
    let (old, new) = (cell.text(buffer), slot.text(buffer));
    old == new || cell.shape == Shape::List && serde_json::from_str::<Vec<String>>(old).is_ok_and(|entries| entries.join(",") == new)
}

/// The changes of a whole feed, in its order, in a temporary file.
#[derive(Debug)]
pub(crate) struct Changes {
    out: BufWriter<std::fs::File>,
    amount: Repaired,
}

impl Changes {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self { out: BufWriter::new(tempfile::tempfile()?), amount: Repaired::default() })
    }

    pub(super) fn take(&mut self, records: Vec<Amended>) -> io::Result<()> {
        for record in records {
            self.amount.changed += 1;
            self.amount.cells += record.cells.len() as u64;
            serde_json::to_writer(&mut self.out, &record)?;
            self.out.write_all(b"\n")?;
        }
        Ok(())
    }

    /// Copies the feed with its changes, piece by piece, to `put`. `blake3` is the digest of what the
    /// changes were found in.
    ///
    /// # Errors
    /// When it cannot be read again or is another one by now, or cannot be written.
    pub(crate) fn write(
        self,
        source: &SourcePlan,
        blake3: &str,
        put: &mut dyn FnMut(&[u8]) -> Result<(), WriteError>,
    ) -> Result<Repaired, RunError> {
        let mut amount = self.amount;
        let mut file = self.out.into_inner().map_err(|error| RunError::aside(error.into_error()))?;
        file.rewind().map_err(RunError::aside)?;
        let mut lines = BufReader::new(file).lines();
        let mut next = || -> io::Result<Option<Amended>> {
            lines.next().transpose()?.map(|line| serde_json::from_str(&line).map_err(io::Error::from)).transpose()
        };
        let mut pending = next().map_err(RunError::aside)?;
        let opened = (source.reopen)()?;
        put(opened.lead())?;
        let mut blocks = opened.blocks(0, None);
        while let Some(block) = blocks.next_block()? {
            let mut written = 0;
            for (place, mark) in block.marks.iter().enumerate() {
                amount.records += 1;
                let Some(change) = pending.take_if(|change| change.record == block.first + place as u64) else { continue };
                pending = next().map_err(RunError::aside)?;
                let (start, end) = (mark.start as usize, mark.end as usize);
                put(block.bytes.get(written..start).unwrap_or_default())?;
                put(&amend(source, block.bytes.get(start..end).unwrap_or_default(), change.cells))?;
                written = end;
            }
            put(block.bytes.get(written..).unwrap_or_default())?;
        }
        if blocks.digest().0 != blake3 {
            let message = "it is another file than when its repairs were found: it was written meanwhile; try again".to_owned();
            return Err(ReadError::Incomplete { file: source.facts.file.to_string(), line: 0, message }.into());
        }
        Ok(amount)
    }
}

/// A record with other cells.
fn amend(source: &SourcePlan, record: &[u8], cells: Vec<(u16, Option<String>)>) -> Vec<u8> {
    match &source.facts.format {
        Format::Delimited { delimiter } => amend_delimited(record, *delimiter, source.header.names().len(), &cells),
        _ => amend_object(record, source, cells),
    }
}

fn amend_delimited(record: &[u8], delimiter: u8, width: usize, cells: &[(u16, Option<String>)]) -> Vec<u8> {
    let mark = Mark { start: 0, end: record.len() as u32, line: 1 };
    let batch = Cells { delimiter, width }.parse(Block::of(record.to_vec(), vec![mark]));
    let mut row: Vec<&str> = batch.cells.iter().map(|cell| cell.text(&batch.text)).collect();
    for (column, text) in cells {
        if let Some(cell) = row.get_mut(usize::from(*column)) {
            *cell = text.as_deref().unwrap_or_default();
        }
    }
    let mut out = String::with_capacity(record.len() + 64);
    for (place, cell) in row.into_iter().enumerate() {
        if place > 0 {
            out.push(char::from(delimiter));
        }
        write_cell(cell, delimiter, &mut out);
    }
    out.into_bytes()
}

fn amend_object(record: &[u8], source: &SourcePlan, cells: Vec<(u16, Option<String>)>) -> Vec<u8> {
    let Ok(Members(mut members)) = serde_json::from_slice(record) else { return record.to_vec() };
    for (column, json) in cells {
        let Some(name) = source.header.names().get(usize::from(column)) else { continue };
        match json.map(RawValue::from_string) {
            Some(Ok(value)) => members.iter_mut().filter(|(known, _)| **known == **name).for_each(|(_, old)| old.clone_from(&value)),
            Some(Err(_)) => {}
            None => members.retain(|(known, _)| **known != **name),
        }
    }
    let mut out = String::with_capacity(record.len() + 64);
    for (name, value) in &members {
        out.push(if out.is_empty() { '{' } else { ',' });
        crate::product::text::write_json_string(name, &mut out);
        out.extend([":", value.get()]);
    }
    out.push_str(if out.is_empty() { "{}" } else { "}" });
    out.into_bytes()
}

/// The members of an object in their order, values as they are written.
struct Members(Vec<(String, Box<RawValue>)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Members;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Object)
    }
}

#[cfg(test)]
mod tests {
    use super::{Members, amend_delimited};

    #[test]
    fn other_cells_keep_their_values() {
        let cells = vec![(1, Some("a \"b\"; c".to_owned())), (2, None)];
        let amended = amend_delimited("1;\"x;\ny\";gone;\"kept \"\"so\"\"\";".as_bytes(), b';', 5, &cells);
        assert_eq!(String::from_utf8_lossy(&amended), "1;\"a \"\"b\"\"; c\";;\"kept \"\"so\"\"\";");
    }

    #[test]
    fn members_keep_their_order_and_numbers_their_digits() {
        let Members(members) = serde_json::from_str(r#"{"z":1.00,"a":{"y":2e3},"b":[ 1 ]}"#).expect("an object");
        let read: Vec<(&str, &str)> = members.iter().map(|(name, value)| (name.as_str(), value.get())).collect();
        assert_eq!(read, [("z", "1.00"), ("a", r#"{"y":2e3}"#), ("b", "[ 1 ]")]);
    }
}
