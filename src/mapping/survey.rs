//! The first pass over a source whose rows need others to become items: which ids occur more
//! than once, where the parents are, and which products are scattered over the file.
//!
//! Hashes and small numbers stay in memory; rows that others need go to the row store.

use super::apply::slot;
use super::compile::Mapping;
use super::family::{Role, link_grammar};
use super::join::JoinTable;
use super::kept::Kept;
use super::rows::With;
use super::run::KeptProduct;
use super::step::{From, ParentPlan, RowPlan, RunPlan, ViewPlan};
use super::wide::pairs;
use crate::catalog::{Batch, RecordHead};
use crate::cell::Cell;
use crate::product::attribute::known;
use crate::product::text;
use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};
use xxhash_rust::xxh3::xxh3_128;

/// A run of more rows than this is treated as a scattered one, so that no block must hold it.
const LONG_RUN: u64 = 10_000;

/// Takes a part of a key, which is a hash already, for its hash.
#[derive(Debug, Default)]
pub(super) struct Hashed(u64);

impl Hasher for Hashed {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.0 = self.0.rotate_left(8) ^ u64::from(*byte));
    }
    fn write_u128(&mut self, key: u128) {
        self.0 = key as u64;
    }
}

pub(super) type Keys = HashSet<u128, BuildHasherDefault<Hashed>>;
type ByKey<V> = HashMap<u128, V, BuildHasherDefault<Hashed>>;

/// What the first pass found out.
#[derive(Debug, Default)]
pub struct Survey {
    /// Joined tables, in the order of the mapping's joins.
    pub tables: Vec<JoinTable>,
    /// Ids that occur on more than one row; such an id cannot name an item.
    repeated: Keys,
    seen: Keys,
    /// Parent rows, by their id and by their code.
    parents: ByKey<u32>,
    /// What children name.
    named: Keys,
    /// Children that a parent lists: the parent, and where its entry stands.
    links: ByKey<(u32, u32, u32)>,
    link_text: String,
    /// Rows that others need.
    pub(super) kept: Kept,
    /// Keys of products whose rows do not stand together, or are very many.
    scattered: ByKey<KeptProduct>,
    ended: Keys,
    last: Option<u128>,
    run: u64,
    /// Codes of rows that have a base row, and rows of the view that was asked for.
    bases: ByKey<u128>,
    overlays: ByKey<u32>,
    view_rows: HashSet<u64>,
}

/// The key of a text in the tables of a survey.
pub(super) fn key_of(value: &str) -> u128 {
    xxh3_128(text::trim(value).as_bytes())
}

impl Survey {
    /// A survey with the tables that are joined.
    pub fn with_tables(tables: Vec<JoinTable>) -> Self {
        Self { tables, ..Self::default() }
    }

    /// Looks at the rows of a batch.
    pub fn observe(&mut self, mapping: &Mapping, batch: &mut Batch) {
        mapping.wide.widen(&self.tables, batch, false);
        for row in 0..batch.heads.len() {
            if let RowPlan::Nested(_) = &mapping.rows {
                self.children(mapping, row, batch);
                continue;
            }
            let cells = batch.row(row);
            if let Some(views) = &mapping.views
                && self.is_view_row(views, batch.heads[row], cells, &batch.text)
            {
                continue;
            }
            match &mapping.rows {
                RowPlan::Flat { .. } | RowPlan::Nested(_) => {}
                RowPlan::Run(plan) => {
                    self.id(mapping, cells, &batch.text);
                    self.run(plan, cells, &batch.text);
                }
                RowPlan::Parents(plan) => self.member(mapping, plan, batch.heads[row], cells, &batch.text),
            }
        }
    }

    /// The ids of a record's variants, where a joined table holds them: what people write there
    /// may occur twice, unlike what a platform counts inside its own records.
    fn children(&mut self, mapping: &Mapping, row: usize, batch: &mut Batch) {
        if !mapping.wide.joins_children() {
            return;
        }
        let mut cells = batch.row(row).to_vec();
        let children = mapping.wide.children(&self.tables, &batch.text, &cells);
        let mark = batch.text.len();
        for place in 0..children.count() {
            if let Some(child) = children.at(place) {
                mapping.wide.put_child(&self.tables, &mut batch.text, &mut cells, child);
                self.id(mapping, &cells, &batch.text);
                batch.text.truncate(mark);
            }
        }
    }

    fn run(&mut self, plan: &RunPlan, cells: &[Cell], text: &str) {
        let Some(key) = plan.key.map(|key| text::trim(slot(cells, key).text(text))) else { return };
        self.run += 1;
        let key = if key.is_empty() { self.last } else { Some(key_of(key)) };
        if self.last != key {
            if let Some(last) = self.last {
                self.ended.insert(last);
            }
            self.last = key;
            self.run = 1;
        }
        let Some(key) = key else { return };
        if self.run > LONG_RUN || self.run == 1 && self.ended.contains(&key) {
            self.scattered.entry(key).or_default();
        }
    }

    fn member(&mut self, mapping: &Mapping, plan: &ParentPlan, head: RecordHead, cells: &[Cell], text: &str) {
        let role = plan.role(text, cells);
        if role == Role::Child {
            if let Some(parent) = plan.parent.map(|column| slot(cells, column).text(text)) {
                self.named.insert(named_key(parent));
            }
            return self.id(mapping, cells, text);
        }
        // Where no word tells a parent, any row may turn out to be one.
        let lends = role == Role::Parent || plan.parents.is_empty() && plan.links.is_none();
        if lends {
            let place = self.kept.keep(head, cells, text);
            for name in plan.names(text, cells) {
                self.parents.entry(key_of(name)).or_insert(place);
            }
            self.list(plan, place, cells, text);
        }
        if role != Role::Parent {
            self.id(mapping, cells, text);
        }
    }

    /// The children that a parent lists.
    fn list(&mut self, plan: &ParentPlan, parent: u32, cells: &[Cell], text: &str) {
        let Some(links) = plan.links.map(|column| slot(cells, column).text(text)) else { return };
        let grammar = link_grammar();
        for entry in links.split('|') {
            let code = pairs(entry, &grammar).into_iter().find(|(key, ..)| key.eq_ignore_ascii_case(&plan.link_key));
            let Some(code) = code.and_then(|(_, start, end)| entry.get(start..end)) else { continue };
            let start = self.link_text.len();
            self.link_text.push_str(entry);
            // A child of two parents belongs to the first.
            self.links.entry(key_of(code)).or_insert((parent, start as u32, self.link_text.len() as u32));
        }
    }

    /// Whether a row only says what another says, in another language or for another store.
    fn is_view_row(&mut self, views: &ViewPlan, head: RecordHead, cells: &[Cell], text: &str) -> bool {
        let key = key_of(slot(cells, views.key).text(text));
        let view = text::trim(slot(cells, views.view).text(text));
        // The first row of a code is the base; another row of the same view repeats it, and is no view.
        let base = *self.bases.entry(key).or_insert_with(|| key_of(view));
        if base == key_of(view) {
            return false;
        }
        self.view_rows.insert(head.number);
        if views.wanted.as_deref().is_some_and(|wanted| wanted.eq_ignore_ascii_case(view)) {
            let place = self.kept.keep(head, cells, text);
            self.overlays.entry(key).or_insert(place);
        }
        true
    }

    fn id(&mut self, mapping: &Mapping, cells: &[Cell], text: &str) {
        let item_id = known("item_id");
        let Some(step) = mapping.steps.iter().find(|step| step.attribute == item_id) else { return };
        let value = match &step.from {
            From::Column(column) => slot(cells, *column).text(text),
            From::FirstOf(columns) => {
                columns.iter().map(|&column| slot(cells, column).text(text)).find(|value| !text::trim(value).is_empty()).unwrap_or("")
            }
            From::Constant(_) | From::Template(_) | From::Sum(_) | From::Total(_) | From::All(_) => return,
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
        self.seen = Keys::default();
        self.ended = Keys::default();
        self.bases = ByKey::default();
        self.last = None;
    }

    /// Whether some products are scattered, so that what their rows share must be collected first.
    pub fn is_scattered(&self) -> bool {
        !self.scattered.is_empty()
    }

    /// Collects what the rows of scattered products share.
    pub fn collect(&mut self, mapping: &Mapping, batch: &mut Batch) {
        mapping.wide.widen(&self.tables, batch, false);
        let RowPlan::Run(plan) = &mapping.rows else { return };
        let Some(column) = plan.key else { return };
        let Batch { text, cells, heads, width, .. } = batch;
        for (row, head) in heads.iter().enumerate() {
            let cells = cells.get(row * *width..(row + 1) * *width).unwrap_or_default();
            // A blank key continues the product above, whichever that is.
            if !text::trim(slot(cells, column).text(text)).is_empty() {
                self.last = Some(key_of(slot(cells, column).text(text)));
            }
            let Some(key) = self.last else { continue };
            let Some(mut product) = self.scattered.remove(&key) else { continue };
            if product.carrier.is_none() {
                product.carrier = Some(self.kept.keep(*head, cells, text));
            }
            let mut carrier = vec![Cell::ABSENT; cells.len()];
            let mark = text.len();
            if let Some(place) = product.carrier {
                self.kept.load(place, text, &mut carrier);
            }
            let name = text::trim(slot(&carrier, plan.group.unwrap_or(column)).text(text)).to_owned();
            product.observe(With { mapping, survey: self }, plan, text, cells, &carrier, &name);
            text.truncate(mark);
            self.scattered.insert(key, product);
        }
    }

    /// The products whose rows are made into items one by one.
    pub(super) fn apart(&self) -> Keys {
        self.scattered.keys().copied().collect()
    }

    pub(super) fn scattered(&self, key: u128) -> Option<&KeptProduct> {
        self.scattered.get(&key)
    }

    /// Whether an id occurs on more than one row.
    pub(super) fn is_repeated(&self, id: &str) -> bool {
        self.repeated.contains(&key_of(id))
    }

    /// Whether a child names this.
    pub(super) fn is_named(&self, name: &str) -> bool {
        self.named.contains(&key_of(name))
    }

    /// The parent a child names: `id:12`, an id, or a code.
    pub(super) fn parent(&self, name: &str) -> Option<u32> {
        self.parents.get(&named_key(name)).copied()
    }

    /// The parent that lists a child, and what it says of it.
    pub(super) fn link(&self, name: &str) -> Option<(u32, &str)> {
        let (parent, start, end) = self.links.get(&key_of(name))?;
        Some((*parent, self.link_text.get(*start as usize..*end as usize).unwrap_or("")))
    }

    /// Whether a record only says what another says.
    pub(super) fn is_view(&self, record: u64) -> bool {
        self.view_rows.contains(&record)
    }

    /// Lays the values of the wanted view over the rows it says something about.
    pub(super) fn overlay(&self, views: &ViewPlan, text: &mut String, cells: &mut [Cell], heads: &[RecordHead], width: usize) {
        if self.overlays.is_empty() {
            return;
        }
        for (row, cells) in cells.chunks_exact_mut(width.max(1)).enumerate() {
            let key = key_of(slot(cells, views.key).text(text));
            let is_base = heads.get(row).is_some_and(|head| !self.is_view(head.number));
            if let Some(place) = self.overlays.get(&key).filter(|_| is_base) {
                self.kept.load(*place, text, cells);
            }
        }
    }

    /// What went wrong with rows that were set aside.
    pub fn failure(&self) -> Option<std::io::Error> {
        self.kept.failure().or_else(|| self.tables.iter().find_map(JoinTable::failure))
    }
}

fn named_key(name: &str) -> u128 {
    let name = text::trim(name);
    key_of(name.strip_prefix("id:").unwrap_or(name))
}

/// Whether a cell is one of some words, or a list that holds one, case aside; a word that ends
/// in `*` stands for all that begin so.
pub(super) fn is_word(cell: &str, words: &[String]) -> bool {
    cell.split(',').map(text::trim).any(|part| {
        words.iter().any(|word| match word.strip_suffix('*') {
            Some(start) => part.get(..start.len()).is_some_and(|head| head.eq_ignore_ascii_case(start)),
            None => word.eq_ignore_ascii_case(part),
        })
    })
}
