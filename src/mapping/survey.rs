//! The first pass over a source whose rows need others to become items: which ids occur more
//! than once, where the parents are, and which products are scattered over the file.

use super::compile::Mapping;
use super::step::{From, RowPlan};
use crate::catalog::{Batch, RecordHead};
use crate::cell::Cell;
use crate::product::attribute::known;
use crate::product::text;
use std::collections::{HashMap, HashSet};
use xxhash_rust::xxh3::xxh3_128;

/// Rows kept from the first pass, each with its cells in one buffer.
#[derive(Debug, Default)]
pub struct Kept {
    /// The buffer.
    pub text: String,
    /// The rows.
    pub rows: Vec<(RecordHead, Vec<Cell>)>,
}

impl Kept {
    fn keep(&mut self, batch: &Batch, row: usize) -> usize {
        let cells = batch.row(row).iter().map(|cell| {
            let value = cell.text(&batch.text);
            let start = self.text.len();
            self.text.push_str(value);
            Cell::new(start, self.text.len(), cell.shape)
        });
        let cells = cells.collect();
        let head = batch.heads.get(row).copied().unwrap_or(RecordHead { number: 0, line: 0 });
        self.rows.push((head, cells));
        self.rows.len() - 1
    }
}

/// What the first pass found out.
#[derive(Debug, Default)]
pub struct Survey {
    /// Ids that occur on more than one row; such an id cannot name an item.
    repeated: HashSet<u128>,
    seen: HashSet<u128>,
    /// Parent rows, by their id and by their code.
    parents: HashMap<u128, usize>,
    /// The parents' rows.
    pub kept: Kept,
    /// Keys of products whose rows do not stand together.
    scattered: HashSet<u128>,
    ended: HashSet<u128>,
    last: Option<u128>,
    /// Rows of scattered products, by key; filled by a further pass.
    pub rows_of: HashMap<u128, Vec<usize>>,
}

/// The key of a text in the tables of a survey.
pub(super) fn key_of(value: &str) -> u128 {
    xxh3_128(text::trim(value).as_bytes())
}

impl Survey {
    /// Looks at the rows of a batch.
    pub fn observe(&mut self, mapping: &Mapping, batch: &Batch) {
        for row in 0..batch.heads.len() {
            let cells = batch.row(row);
            let text_of = |column: u16| cells.get(usize::from(column)).map_or("", |cell| cell.text(&batch.text));
            match &mapping.rows {
                RowPlan::Flat { .. } => {}
                RowPlan::Continuation { key, .. } => {
                    self.id(mapping, &text_of);
                    let key = text_of(*key);
                    if text::trim(key).is_empty() {
                        continue;
                    }
                    let key = key_of(key);
                    if self.last != Some(key) {
                        if let Some(last) = self.last {
                            self.ended.insert(last);
                        }
                        if self.ended.contains(&key) {
                            self.scattered.insert(key);
                        }
                        self.last = Some(key);
                    }
                }
                RowPlan::Parents(plan) => {
                    if is_word(text_of(plan.role), &plan.parents) {
                        let place = self.kept.keep(batch, row);
                        for column in [plan.id, plan.code].into_iter().flatten() {
                            let value = text_of(column);
                            if !text::trim(value).is_empty() {
                                self.parents.entry(key_of(value)).or_insert(place);
                            }
                        }
                    } else {
                        self.id(mapping, &text_of);
                    }
                }
            }
        }
    }

    fn id<'a>(&mut self, mapping: &Mapping, text_of: &impl Fn(u16) -> &'a str) {
        let item_id = known("item_id");
        let Some(step) = mapping.steps.iter().find(|step| step.attribute == item_id) else { return };
        let value = match &step.from {
            From::Column(column) => text_of(*column),
            From::FirstOf(columns) => {
                columns.iter().map(|&column| text_of(column)).find(|value| !text::trim(value).is_empty()).unwrap_or("")
            }
            From::Constant(_) | From::Template(..) => return,
        };
        if text::trim(value).is_empty() {
            return;
        }
        let key = key_of(value);
        if !self.seen.insert(key) {
            self.repeated.insert(key);
        }
    }

    /// Ends the pass; what only it needed is let go.
    pub fn finish(&mut self) {
        self.seen = HashSet::new();
        self.ended = HashSet::new();
    }

    /// Whether some products are scattered, so that their rows must be collected first.
    pub fn is_scattered(&self) -> bool {
        !self.scattered.is_empty()
    }

    /// Collects the rows of scattered products.
    pub fn collect(&mut self, mapping: &Mapping, batch: &Batch) {
        let RowPlan::Continuation { key: column, .. } = &mapping.rows else { return };
        for row in 0..batch.heads.len() {
            let key = batch.row(row).get(usize::from(*column)).map_or("", |cell| cell.text(&batch.text));
            // A blank key continues the product above, whichever that is.
            if !text::trim(key).is_empty() {
                self.last = Some(key_of(key));
            }
            let Some(key) = self.last.filter(|key| self.scattered.contains(key)) else { continue };
            let place = self.kept.keep(batch, row);
            self.rows_of.entry(key).or_default().push(place);
        }
    }

    /// Whether an id occurs on more than one row.
    pub(super) fn is_repeated(&self, id: &str) -> bool {
        self.repeated.contains(&key_of(id))
    }

    /// The parent a child names: `id:12`, an id, or a code.
    pub(super) fn parent(&self, name: &str) -> Option<(&RecordHead, &[Cell])> {
        let name = text::trim(name);
        let place = self.parents.get(&key_of(name.strip_prefix("id:").unwrap_or(name)))?;
        self.kept.rows.get(*place).map(|(head, cells)| (head, cells.as_slice()))
    }
}

/// Whether a cell is one of some words, or a list that holds one, case aside.
pub(super) fn is_word(cell: &str, words: &[String]) -> bool {
    cell.split(',').any(|part| words.iter().any(|word| word.eq_ignore_ascii_case(text::trim(part))))
}
