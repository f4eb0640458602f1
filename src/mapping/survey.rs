//! What the first pass over a source found out, where its rows need others to become items: which
//! ids occur more than once, where the parents are, and which products are scattered over the file.

use super::Mapping;
use super::apply::slot;
use super::index::Index;
use super::join::JoinTable;
use super::kept::Kept;
use super::run::KeptProduct;
use super::scattered::Scattered;
use super::step::ViewPlan;
use crate::catalog::RecordHead;
use crate::cell::Cell;
use crate::product::text;
use std::collections::{BTreeSet, HashMap};
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;
use xxhash_rust::xxh3::xxh3_128;

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

pub(super) type ByKey<V> = HashMap<u128, V, BuildHasherDefault<Hashed>>;

/// What the first pass found out.
#[derive(Debug, Default)]
pub struct Survey {
    /// Joined tables, in the order of the mapping's joins.
    pub tables: Vec<JoinTable>,
    /// Ids that occur on more than one row; such an id cannot name an item.
    pub(super) repeated: Index,
    /// Parent rows, by their id and by their code.
    pub(super) parents: Index,
    /// What children name.
    pub(super) named: Index,
    /// Children that a parent lists, and where their entries stand.
    pub(super) links: Index,
    /// Rows that others need.
    pub(super) kept: Kept,
    /// Entries of lists of children, each with the place of its parent.
    pub(super) listed: Kept,
    /// Keys of products whose rows do not stand together, or are very many.
    pub(super) apart: Arc<Index>,
    /// What the rows of these products share.
    pub(super) scattered: Scattered,
    /// Rows of the view that was asked for, and the records that are rows of any.
    pub(super) overlays: ByKey<u64>,
    pub(super) views: Records,
    /// The names of views, or the first of them, and whether the one that was asked for is there.
    pub(super) view_names: BTreeSet<String>,
    pub(super) has_view: bool,
}

/// Numbers of records, a bit each.
#[derive(Debug, Default)]
pub(super) struct Records(Vec<u64>);

impl Records {
    pub(super) fn add(&mut self, number: u64) {
        let place = (number / 64) as usize;
        if self.0.len() <= place {
            self.0.resize(place + 1, 0);
        }
        self.0[place] |= 1 << (number % 64);
    }

    fn has(&self, number: u64) -> bool {
        self.0.get((number / 64) as usize).is_some_and(|bits| bits >> (number % 64) & 1 == 1)
    }
}

/// The key of a text in the tables of a survey.
pub(super) fn key_of(value: &str) -> u128 {
    xxh3_128(text::trim(value).as_bytes())
}

impl Survey {
    /// A survey of a source whose rows need no others, but for the tables that are joined.
    pub fn with_tables(tables: Vec<JoinTable>) -> Self {
        Self { tables, ..Self::default() }
    }

    /// Whether some products are scattered, so that what their rows share must be collected.
    pub fn is_scattered(&self) -> bool {
        !self.apart.is_empty()
    }

    /// The products whose rows are made into items one by one.
    pub(super) fn apart(&self) -> Arc<Index> {
        Arc::clone(&self.apart)
    }

    /// Takes what the rows of scattered products share.
    pub fn take(&mut self, scattered: Scattered) {
        self.scattered = scattered;
    }

    pub(super) fn scattered(&self, key: u128) -> Option<KeptProduct> {
        self.scattered.product(key)
    }

    /// The view that somebody named and no row is of, in words, with those that there are.
    pub fn missing_view(&self, mapping: &Mapping) -> Option<String> {
        let wanted = mapping.views.as_ref().filter(|views| views.is_named && !self.has_view)?.wanted.as_deref()?;
        let shown = |name: &String| if name.is_empty() { "the default one".to_owned() } else { format!("`{name}`") };
        let names: Vec<String> = self.view_names.iter().map(shown).collect();
        Some(format!("no row is of the view `{wanted}`; there is {}", names.join(", ")))
    }

    /// Whether an id occurs on more than one row.
    pub(super) fn is_repeated(&self, id: &str) -> bool {
        !self.repeated.is_empty() && self.repeated.has(key_of(id))
    }

    /// Whether a child names this.
    pub(super) fn is_named(&self, name: &str) -> bool {
        self.named.has(key_of(name))
    }

    /// The parent a child names: `id:12`, an id, or a code.
    pub(super) fn parent(&self, name: &str) -> Option<u64> {
        self.parents.get(named_key(name))
    }

    /// The parent that lists a child, and what it says of it.
    pub(super) fn link(&self, name: &str) -> Option<(u64, String)> {
        if self.links.is_empty() {
            return None;
        }
        self.listed.bytes(self.links.get(key_of(name))?, |bytes| {
            let (parent, rest) = bytes.split_first_chunk()?;
            let (length, rest) = rest.split_first_chunk()?;
            let entry = rest.get(..u32::from_le_bytes(*length) as usize)?;
            Some((u64::from_le_bytes(*parent), String::from_utf8_lossy(entry).into_owned()))
        })
    }

    /// Whether a record only says what another says.
    pub(super) fn is_view(&self, record: u64) -> bool {
        self.views.has(record)
    }

    /// Lays the values of the wanted view over the rows it says something about.
    pub(super) fn overlay(&self, views: &ViewPlan, text: &mut String, cells: &mut [Cell], heads: &[RecordHead], width: usize) {
        if self.overlays.is_empty() {
            return;
        }
        for (row, cells) in cells.chunks_exact_mut(width.max(1)).enumerate() {
            if heads.get(row).is_some_and(|head| !self.is_view(head.number)) {
                self.lay_over(views, text, cells);
            }
        }
    }

    /// Lays the values of the wanted view over one row.
    pub(super) fn lay_over(&self, views: &ViewPlan, text: &mut String, cells: &mut [Cell]) {
        if let Some(place) = self.overlays.get(&key_of(slot(cells, views.key).text(text))) {
            self.kept.load(*place, text, cells);
        }
    }

    /// What went wrong with rows that were set aside.
    pub fn failure(&self) -> Option<std::io::Error> {
        let indices = [&self.repeated, &self.parents, &self.named, &self.links, &*self.apart];
        let stores = [&self.kept, &self.listed];
        let failed = stores.into_iter().find_map(Kept::failure).or_else(|| indices.into_iter().find_map(Index::failure));
        failed.or_else(|| self.scattered.failure()).or_else(|| self.tables.iter().find_map(JoinTable::failure))
    }
}

pub(super) fn named_key(name: &str) -> u128 {
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
