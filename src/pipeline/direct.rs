//! A finished feed read as it is: its columns are the target's fields.

use crate::catalog::Header;
use crate::cell::{Cell, Slot};
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
#[derive(Clone, Debug)]
pub struct Direct {
    /// By field: the column.
    columns: Vec<Option<u16>>,
    /// Columns that need a word.
    pub fates: Vec<(u16, ColumnFate)>,
}

impl Direct {
    /// Resolves a header; `mapping` knows the names of other generations.
    pub fn new(spec: &Spec, header: &Header, mapping: &Mapping) -> Self {
        let mut columns = vec![None; spec.fields.len()];
        let mut fates = Vec::new();
        let mut used = vec![false; header.names().len()];
        for (place, field) in spec.fields.iter().enumerate() {
            let wins = field.written.alias_wins.iter();
            let names = wins.chain(std::iter::once(&field.name)).chain(&field.written.aliases);
            let mut seen: Vec<u16> = Vec::new();
            for column in names.filter_map(|name| header.column(name)) {
                if !seen.contains(&column) {
                    seen.push(column);
                }
            }
            for &column in &seen {
                used[usize::from(column)] = true;
            }
            if let Some((&first, others)) = seen.split_first() {
                columns[place] = Some(first);
                fates.extend(others.iter().map(|&other| (other, ColumnFate::Loses { to: first })));
            }
        }
        for step in &mapping.steps {
            let Some(field) = spec.field_of(step.attribute()) else { continue };
            for column in step.columns() {
                if used[usize::from(column)] || columns[field.index()].is_some() {
                    continue;
                }
                used[usize::from(column)] = true;
                columns[field.index()] = Some(column);
                fates.push((column, ColumnFate::Renamed { now: spec.get(field).name.clone() }));
            }
        }
        for (column, name) in header.names().iter().enumerate().filter(|(column, _)| !used[*column]) {
            let fate = spec.identity.removed.get(&**name).map_or(ColumnFate::Unknown, |note| ColumnFate::Removed { note: note.clone() });
            fates.push((column as u16, fate));
        }
        fates.sort_by_key(|(column, _)| *column);
        Self { columns, fates }
    }

    /// Fills `row`, one slot a field, from the cells of a record.
    pub fn fill(&self, cells: &[Cell], row: &mut Vec<Slot>) {
        row.clear();
        row.extend(self.columns.iter().map(|column| match column {
            Some(column) => Slot { cell: cells.get(usize::from(*column)).copied().unwrap_or_default(), column: *column },
            None => Slot::EMPTY,
        }));
    }

    /// The column of a field.
    pub fn column(&self, field: FieldId) -> Option<u16> {
        self.columns.get(field.index()).copied().flatten()
    }
}
