//! A finished feed read as it is: its columns are the target's fields.

use super::nested::NestedFeed;
use crate::catalog::Header;
use crate::cell::{Cell, NO_COLUMN, Slot};
use crate::mapping::Mapping;
use crate::spec::{FieldId, Spec};

/// What became of a column of a finished feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ColumnFate {
    /// Another name of the same field is there too and wins.
    Loses {
        /// The column that counts.
        to: u16,
    },
    /// It carries a name of an earlier version; a build would rename it.
    Renamed {
        /// The name it has now.
        now: String,
    },
    /// The spec no longer reads it.
    Removed {
        /// What became of it.
        note: String,
    },
    /// The spec does not know it.
    Unknown,
}

/// How the columns of a feed are the fields of a spec.
#[derive(Debug)]
pub struct Direct {
    /// How rows are taken out of the groups of a nested target, which has no columns.
    pub(super) nested: Option<NestedFeed>,
    /// By field: its columns, the one that wins first; an empty cell is no value.
    columns: Vec<Vec<u16>>,
    /// The fields that have a column, with the first of it.
    firsts: Vec<(FieldId, u16)>,
    /// A row without values, each field with its first column.
    blank: Vec<Slot>,
    /// The fields that have several.
    several: Vec<FieldId>,
    /// Columns that need a word.
    pub fates: Vec<(u16, ColumnFate)>,
}

impl Direct {
    /// Resolves a header, of which the first `seen` columns are there for sure; `mapping`
    /// knows the names of other generations.
    pub fn new(spec: &Spec, header: &Header, seen: usize, mapping: &Mapping) -> Self {
        let mut columns: Vec<Vec<u16>> = vec![Vec::new(); spec.fields.len()];
        let mut fates = Vec::new();
        let mut used = vec![false; header.names().len()];
        for (place, field) in spec.fields.iter().enumerate() {
            let wins = field.written.alias_wins.iter();
            let names = wins.chain(std::iter::once(&field.name)).chain(&field.written.aliases);
            for column in names.filter_map(|name| header.column(name)) {
                if !columns[place].contains(&column) {
                    columns[place].push(column);
                    used[usize::from(column)] = true;
                }
            }
            let mut there = columns[place].iter().copied().filter(|column| usize::from(*column) < seen);
            if let Some(first) = there.next() {
                fates.extend(there.map(|other| (other, ColumnFate::Loses { to: first })));
            }
        }
        for step in &mapping.steps {
            let Some(field) = spec.field_of(step.attribute()) else { continue };
            for column in step.columns() {
                if !used[usize::from(column)] {
                    used[usize::from(column)] = true;
                    columns[field.index()].push(column);
                    fates.push((column, ColumnFate::Renamed { now: spec.get(field).name.clone() }));
                }
            }
        }
        for (column, name) in header.names().iter().enumerate().filter(|(column, _)| !used[*column]) {
            let fate = spec.identity.removed.get(&**name).map_or(ColumnFate::Unknown, |note| ColumnFate::Removed { note: note.clone() });
            fates.push((column as u16, fate));
        }
        fates.retain(|(column, _)| usize::from(*column) < seen);
        fates.sort_by_key(|(column, _)| *column);
        let first = |columns: &Vec<u16>| columns.first().copied();
        let firsts = columns.iter().enumerate().filter_map(|(place, columns)| Some((FieldId(place as u16), first(columns)?))).collect();
        let blank = columns.iter().map(|columns| Slot { column: first(columns).unwrap_or(NO_COLUMN), ..Slot::EMPTY }).collect();
        let several = columns.iter().enumerate().filter(|(_, columns)| columns.len() > 1).map(|(place, _)| FieldId(place as u16)).collect();
        Self { nested: None, columns, firsts, blank, several, fates }
    }

    /// A nested feed, whose records are groups.
    pub fn of_groups(nested: NestedFeed) -> Self {
        let (columns, firsts, blank, several, fates) = Default::default();
        Self { nested: Some(nested), columns, firsts, blank, several, fates }
    }

    /// Fills `row`, one slot a field, from the cells of a record.
    pub fn fill(&self, cells: &[Cell], row: &mut Vec<Slot>) {
        row.clone_from(&self.blank);
        for &(field, column) in &self.firsts {
            if let (Some(slot), Some(cell)) = (row.get_mut(field.index()), cells.get(usize::from(column))) {
                slot.cell = *cell;
            }
        }
        for &field in &self.several {
            row[field.index()] = self.slot(cells, field);
        }
    }

    /// The slot of one field.
    pub fn slot(&self, cells: &[Cell], field: FieldId) -> Slot {
        self.columns.get(field.index()).map_or(Slot::EMPTY, |columns| slot(columns, cells))
    }

    /// The column of a field: the one that wins where there are several.
    pub fn column(&self, field: FieldId) -> Option<u16> {
        self.columns.get(field.index())?.first().copied()
    }
}

/// The value of a field in the first of its columns that has one.
fn slot(columns: &[u16], cells: &[Cell]) -> Slot {
    let slot = |column: &u16| Slot { cell: cells.get(usize::from(*column)).copied().unwrap_or_default(), column: *column };
    match columns {
        [] => Slot::EMPTY,
        [only] => slot(only),
        several => several.iter().map(slot).find(|slot| slot.is_present()).unwrap_or_else(|| slot(&several[0])),
    }
}
