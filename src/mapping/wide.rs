//! Wide rows: the cells of a record, then those of joined rows, then values from inside nested
//! cells. Where a mapping needs neither, batches stay as they were read.

use super::columns::{Pack, View};
use super::join::JoinTable;
use super::path::{self, Found, Tree};
use super::preset::Packed;
use crate::catalog::Batch;
use crate::cell::{Cell, Shape};
use crate::product::text;

/// How rows are widened.
#[derive(Debug, Default)]
pub(super) struct Wide {
    /// Columns of the source.
    pub(super) header: usize,
    /// Where made columns begin.
    pub(super) from: usize,
    /// Made columns.
    pub(super) views: Vec<View>,
    /// Paths that begin in the source's own columns.
    pub(super) early: Vec<(u16, Tree)>,
    /// Paths that begin in joined columns.
    pub(super) late: Vec<(u16, Tree)>,
    pub(super) packs: Vec<Pack>,
    /// Joined tables, by the order of their indexes.
    pub(super) joins: Vec<JoinColumns>,
    pub(super) child: Option<Child>,
}

/// Where the columns of a joined table stand.
#[derive(Debug)]
pub(super) struct JoinColumns {
    pub(super) name: String,
    pub(super) on: u16,
    pub(super) offset: usize,
    pub(super) width: usize,
    pub(super) many: bool,
    /// Whether its rows are the variants.
    pub(super) nested: bool,
    /// Its column names.
    pub(super) names: Vec<std::sync::Arc<str>>,
}

/// Where the variants of a record stand.
#[derive(Debug)]
pub(super) enum Child {
    /// In a list of objects.
    List(u16, Tree),
    /// In a text with a separator; its column is called so.
    Text(u16, String, String, Tree),
    /// In a joined table, by its number, with paths into its columns.
    Side(usize, Vec<(u16, Tree)>),
}

impl Wide {
    fn is_plain(&self) -> bool {
        self.views.is_empty() && self.joins.is_empty()
    }

    /// Cells in a wide row.
    pub(super) fn width(&self) -> usize {
        self.from + self.views.len()
    }

    /// Widens all rows of a batch; what finds no joined row is counted where `counting` says so,
    /// once in a run.
    pub(super) fn widen(&self, tables: &[JoinTable], batch: &mut Batch, counting: bool) {
        if self.is_plain() || batch.width == self.width() {
            return;
        }
        let (old, width) = (batch.width, self.width());
        let mut cells = Vec::with_capacity(batch.heads.len() * width);
        let mut extra = String::new();
        let mut lists = Vec::new();
        for row in 0..batch.heads.len() {
            let start = cells.len();
            cells.extend_from_slice(batch.row(row));
            cells.resize(start + width, Cell::ABSENT);
            let (own, made) = cells[start..].split_at_mut(self.from);
            read(&self.early, &batch.text, &mut extra, own, made, &mut lists);
            for pack in &self.packs {
                unpack(own.get(usize::from(pack.column)).copied().unwrap_or_default(), &batch.text, &pack.packed, &pack.keys, made);
            }
        }
        batch.text.push_str(&extra);
        extra.clear();
        if !self.joins.is_empty() {
            for (row, head) in batch.heads.iter().enumerate() {
                let row = &mut cells[row * width..(row + 1) * width];
                self.join(tables, &mut batch.text, row, counting.then_some(head.number));
            }
            for row in cells.chunks_exact_mut(width) {
                let (own, made) = row.split_at_mut(self.from);
                read(&self.late, &batch.text, &mut extra, own, made, &mut lists);
            }
            batch.text.push_str(&extra);
        }
        debug_assert_eq!(old, self.header);
        batch.cells = cells;
        batch.width = width;
    }

    fn join(&self, tables: &[JoinTable], text: &mut String, row: &mut [Cell], record: Option<u64>) {
        for (join, table) in self.joins.iter().zip(tables) {
            let key = row.get(usize::from(join.on)).copied().unwrap_or_default();
            let Some(first) = table.find(text::trim(key.text(text)), record) else { continue };
            if join.nested {
                table.all(first).into_iter().for_each(|place| table.take(place));
                continue;
            }
            let mut joined = vec![Cell::ABSENT; join.width];
            if join.many {
                let mut lists = vec![String::new(); join.width];
                for place in table.all(first) {
                    table.take(place);
                    let (mut buffer, mut cells) = (String::new(), vec![Cell::ABSENT; join.width]);
                    table.load(place, &mut buffer, &mut cells);
                    for (list, cell) in lists.iter_mut().zip(cells).filter(|(_, cell)| cell.is_present()) {
                        list.push(if list.is_empty() { '[' } else { ',' });
                        match cell.shape {
                            Shape::Text => text::write_json_string(cell.text(&buffer), list),
                            _ => list.push_str(cell.text(&buffer)),
                        }
                    }
                }
                for (list, cell) in lists.iter_mut().zip(&mut joined).filter(|(list, _)| !list.is_empty()) {
                    list.push(']');
                    *cell = Cell::store(text, list, Shape::List);
                }
            } else {
                table.take(first);
                table.load(first, text, &mut joined);
            }
            if let Some(place) = row.get_mut(join.offset..join.offset + join.width) {
                place.copy_from_slice(&joined);
            }
        }
    }

    /// The variants of a record.
    pub(super) fn children(&self, tables: &[JoinTable], text: &str, row: &[Cell]) -> Children {
        match &self.child {
            None => Children::None,
            Some(Child::List(column, _)) => {
                Children::Elements(path::elements(row.get(usize::from(*column)).copied().unwrap_or_default(), text))
            }
            Some(Child::Text(column, separator, ..)) => {
                let cell = row.get(usize::from(*column)).copied().unwrap_or_default();
                let mut at = cell.start();
                let parts = cell.text(text).split(separator.as_str()).filter_map(|part| {
                    let start = at + (part.len() - part.trim_start().len());
                    at += part.len() + separator.len();
                    (!part.trim().is_empty()).then(|| Cell::new(start, start + part.trim().len(), Shape::Text))
                });
                Children::Elements(parts.collect())
            }
            Some(Child::Side(side, _)) => {
                let (Some(join), Some(table)) = (self.joins.get(*side), tables.get(*side)) else { return Children::None };
                let key = row.get(usize::from(join.on)).copied().unwrap_or_default();
                match table.first(text::trim(key.text(text))) {
                    Some(first) => Children::Rows(table.all(first)),
                    None => Children::None,
                }
            }
        }
    }

    /// Whether the variants are rows of a joined table.
    pub(super) fn joins_children(&self) -> bool {
        matches!(self.child, Some(Child::Side(..)))
    }

    /// Whether the variants are entries of a plain text.
    pub(super) fn is_list_of_words(&self) -> bool {
        matches!(self.child, Some(Child::Text(..)))
    }

    /// The column of the list of variants, and its name.
    pub(super) fn list_name(&self) -> (u16, String) {
        match &self.child {
            Some(Child::Text(column, _, name, _)) => (*column, name.clone()),
            _ => (crate::cell::NO_COLUMN, String::new()),
        }
    }

    /// Puts one variant into the row of its record.
    pub(super) fn put_child(&self, tables: &[JoinTable], text: &mut String, row: &mut [Cell], child: ChildAt) {
        let mut extra = String::new();
        let mut lists = Vec::new();
        let (own, made) = row.split_at_mut(self.from);
        match (&self.child, child) {
            (Some(Child::List(_, tree)), ChildAt::Element(cell)) => {
                let mut found = Found { text, extra: &mut extra, cells: made, lists: &mut lists };
                tree.read(cell.text(text), &mut found);
                found.finish();
            }
            (Some(Child::Text(_, _, _, tree)), ChildAt::Element(cell)) => {
                for place in tree.root() {
                    if let Some(slot) = made.get_mut(usize::from(*place)) {
                        *slot = cell;
                    }
                }
            }
            (Some(Child::Side(side, trees)), ChildAt::Row(place)) => {
                if let (Some(join), Some(table)) = (self.joins.get(*side), tables.get(*side)) {
                    if let Some(cells) = own.get_mut(join.offset..join.offset + join.width) {
                        cells.fill(Cell::ABSENT);
                        table.load(place, text, cells);
                    }
                    read(trees, text, &mut extra, own, made, &mut lists);
                }
            }
            _ => {}
        }
        text.push_str(&extra);
    }
}

/// The variants of a record.
pub(super) enum Children {
    None,
    Elements(Vec<Cell>),
    Rows(Vec<u32>),
}

/// One of them.
#[derive(Clone, Copy)]
pub(super) enum ChildAt {
    Element(Cell),
    Row(u32),
}

impl Children {
    pub(super) fn count(&self) -> usize {
        match self {
            Self::None => 0,
            Self::Elements(cells) => cells.len(),
            Self::Rows(rows) => rows.len(),
        }
    }

    pub(super) fn at(&self, place: usize) -> Option<ChildAt> {
        match self {
            Self::None => None,
            Self::Elements(cells) => cells.get(place).copied().map(ChildAt::Element),
            Self::Rows(rows) => rows.get(place).copied().map(ChildAt::Row),
        }
    }
}

fn read(trees: &[(u16, Tree)], text: &str, extra: &mut String, own: &[Cell], made: &mut [Cell], lists: &mut Vec<(u16, String)>) {
    for (column, tree) in trees {
        let Some(cell) = own.get(usize::from(*column)).filter(|cell| cell.is_present()) else { continue };
        let mut found = Found { text, extra, cells: made, lists };
        tree.read(cell.text(text), &mut found);
        found.finish();
    }
}

/// Reads `key=value` pairs. A separator inside a value is told by what follows it: only a word
/// and the sign between key and value begin a new pair.
fn unpack(cell: Cell, text: &str, packed: &Packed, keys: &[(String, u16)], made: &mut [Cell]) {
    for (key, start, end) in pairs(cell.text(text), packed) {
        let Some((_, place)) = keys.iter().find(|(known, _)| known.eq_ignore_ascii_case(key)) else { continue };
        if let Some(slot) = made.get_mut(usize::from(*place)).filter(|slot| !slot.is_present()) {
            *slot = Cell::new(cell.start() + start, cell.start() + end, Shape::Text);
        }
    }
}

/// The pairs of a packed text: key, and where its value begins and ends.
pub(super) fn pairs<'a>(text: &'a str, packed: &Packed) -> Vec<(&'a str, usize, usize)> {
    let mut found: Vec<(&str, usize, usize)> = Vec::new();
    let mut at = 0;
    for part in text.split(packed.separator.as_str()) {
        let begins = part.split_once(packed.equals.as_str()).filter(|(key, _)| {
            let key = text::trim(key);
            !key.is_empty() && key.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | ' ' | '.'))
        });
        match (begins, found.last_mut()) {
            (Some((key, value)), _) => {
                let start = at + key.len() + packed.equals.len();
                found.push((text::trim(key), start, start + value.len()));
            }
            // What is no pair of its own belongs to the value in front of it.
            (None, Some((_, _, end))) => *end = at + part.len(),
            (None, None) => {}
        }
        at += part.len() + packed.separator.len();
    }
    found
}

#[cfg(test)]
mod tests {
    use super::{Packed, pairs};

    #[test]
    fn pairs_keep_separators_inside_values() {
        let packed = Packed { separator: ",".into(), equals: "=".into() };
        let text = "color=Red,size=L,features=light, warm,sale=Yes";
        let found: Vec<(&str, &str)> =
            pairs(text, &packed).into_iter().map(|(key, start, end)| (key, text.get(start..end).expect("inside"))).collect();
        assert_eq!(found, [("color", "Red"), ("size", "L"), ("features", "light, warm"), ("sale", "Yes")]);
        assert!(pairs("nothing here", &packed).is_empty());
    }
}
