//! What changed between a feed and what a target holds, item by item, by digests.
//!
//! The index of the feed is sorted by the keys of its items, a part at a time so that memory
//! stays flat, and merged with the snapshots, which are sorted already. Where it is not certain
//! which of several snapshots the target holds, an item is unchanged only if all agree.

use super::again::Again;
use super::drift::Drift;
use super::error::PushError;
use super::feed::Built;
use super::filled::Counts;
use super::gone::GoneList;
use crate::render::index::{self, Entry, Print};
use crate::state::{Holding, Known, Snapshots, State, key_of};

/// Something but prices and stock changed, or the item is new.
pub const BODY: u8 = 1;
/// The prices changed.
pub const PRICE: u8 = 2;
/// Availability or stock changed.
pub const STOCK: u8 = 4;
/// The item is new.
pub const NEW: u8 = 8;

/// What changed.
#[derive(Debug, Default)]
pub struct Difference {
    /// Whether the target holds nothing of ours, so that everything is sent.
    pub first: bool,
    /// By place in the feed: what changed of the item.
    pub marks: Vec<u8>,
    /// What the target holds and the feed does not.
    pub gone: GoneList,
    /// Items that are new.
    pub added: u64,
    /// Items that changed.
    pub changed: u64,
    /// What the guards look at.
    pub drift: Drift,
    /// How full the columns are.
    pub(super) counts: Counts,
}

impl Difference {
    /// Whether there is anything to send.
    pub fn is_empty(&self) -> bool {
        !self.first && self.gone.is_empty() && self.added + self.changed == 0
    }
}

/// Items of the index that are sorted at once.
const PART: u64 = 512 << 10;

/// An item of the index, its names in a text that all share.
struct Row {
    key: u128,
    place: u32,
    print: Print,
    at: u32,
    item: u16,
    group: u16,
}

/// A part of the index, sorted.
struct Part {
    rows: Vec<Row>,
    names: String,
}

impl Part {
    /// Reads the items whose keys fall into one of `parts` equal ranges.
    fn read(built: &Built, part: u64, parts: u64) -> Result<Self, PushError> {
        let mut reader = built.index()?;
        let mut entry = Entry::default();
        let mut found = Self { rows: Vec::new(), names: String::new() };
        let mut place = 0;
        while reader.next(&mut entry).map_err(PushError::io(built.folder.join(index::NAME)))? {
            let key = key_of(&entry.item);
            if ((key >> 64) * u128::from(parts)) >> 64 == u128::from(part) {
                let at = found.names.len() as u32;
                found.names.push_str(&entry.item);
                found.names.push_str(&entry.group);
                found.rows.push(Row { key, place, print: entry.print, at, item: entry.item.len() as u16, group: entry.group.len() as u16 });
            }
            place += 1;
        }
        found.rows.sort_unstable_by_key(|row| row.key);
        Ok(found)
    }

    fn known(&self, row: &Row) -> Known {
        let start = row.at as usize;
        let middle = start + usize::from(row.item);
        let text = |from: usize, to: usize| self.names.get(from..to).unwrap_or("").to_owned();
        Known { key: row.key, item: text(start, middle), group: text(middle, middle + usize::from(row.group)), print: row.print }
    }
}

fn parts(built: &Built) -> u64 {
    built.manifest.items.div_ceil(PART).max(1)
}

/// Compares a feed with what an account may hold; what it refused `again` says.
///
/// # Errors
/// When the index or the state cannot be read.
pub async fn compare(built: &Built, state: &State, holdings: &[Holding], again: &mut Again) -> Result<Difference, PushError> {
    let mut merge = Merge {
        again,
        difference: Difference {
            first: !holdings.iter().any(|holding| holding.accepted),
            marks: vec![0; built.manifest.items as usize],
            drift: Drift { now: built.manifest.items, ..Drift::default() },
            ..Difference::default()
        },
        snapshots: holdings.iter().map(|holding| (state.read(holding.snapshot), holding.accepted)).collect(),
    };
    if let Some(accepted) = holdings.iter().find(|holding| holding.accepted) {
        merge.difference.drift.before = accepted.items;
    }
    let parts = parts(built);
    for part in 0..parts {
        let part = Part::read(built, part, parts)?;
        for row in &part.rows {
            merge.gone_before(Some(row.key)).await?;
            merge.row(row).await?;
        }
    }
    merge.gone_before(None).await?;
    Ok(merge.difference)
}

struct Merge<'a> {
    again: &'a mut Again,
    difference: Difference,
    snapshots: Vec<(Snapshots<'a>, bool)>,
}

impl Merge<'_> {
    /// Takes everything below a key: the feed does not have it.
    async fn gone_before(&mut self, key: Option<u128>) -> Result<(), PushError> {
        loop {
            let mut least = self.again.peek().filter(|least| key.is_none_or(|key| *least < key));
            for (snapshot, _) in &mut self.snapshots {
                if let Some(known) = snapshot.peek().await?
                    && key.is_none_or(|key| known.key < key)
                {
                    least = Some(least.map_or(known.key, |least| least.min(known.key)));
                }
            }
            let Some(least) = least else { return Ok(()) };
            let mut gone = None;
            for (snapshot, accepted) in &mut self.snapshots {
                if snapshot.peek().await?.is_some_and(|known| known.key == least) {
                    gone = snapshot.take();
                    if let Some(known) = gone.as_ref().filter(|_| *accepted) {
                        self.difference.drift.gone(&known.print);
                    }
                }
            }
            let refused = self.again.gone(least, gone.is_some());
            let gone = gone.as_ref().map(|known| (known.item.as_str(), known.group.as_str())).or(refused);
            if let Some((item, group)) = gone {
                self.difference.gone.push(item, group).map_err(PushError::io("a temporary file"))?;
            }
        }
    }

    async fn row(&mut self, row: &Row) -> Result<(), PushError> {
        let (mut mark, mut seen) = (0, 0);
        let mut before = None;
        let held = self.snapshots.len();
        for (snapshot, accepted) in &mut self.snapshots {
            if snapshot.peek().await?.is_none_or(|known| known.key != row.key) {
                continue;
            }
            let Some(known) = snapshot.take() else { continue };
            seen += 1;
            mark |= changes(&known.print, &row.print);
            if *accepted {
                before = Some(known.print);
            }
        }
        self.difference.drift.item(before.as_ref(), &row.print);
        self.difference.counts.item(&row.print);
        if seen == 0 {
            mark = BODY | NEW;
            self.difference.added += 1;
            self.again.item(row.key, true);
        } else {
            // One of the snapshots does not have it: the whole row makes sure.
            mark |= if seen < held { BODY } else { 0 };
            mark |= if self.again.item(row.key, mark != 0) { BODY } else { 0 };
            self.difference.changed += u64::from(mark != 0);
        }
        if let Some(place) = self.difference.marks.get_mut(row.place as usize) {
            *place = mark;
        }
        Ok(())
    }
}

fn changes(before: &Print, now: &Print) -> u8 {
    let mut mark = 0;
    // How a sale is ended by a price feed alone is not documented; the whole row ends it.
    if before.body != now.body || before.on_sale && !now.on_sale {
        mark |= BODY;
    }
    if before.price != now.price {
        mark |= PRICE;
    }
    if before.stock != now.stock {
        mark |= STOCK;
    }
    mark
}

/// Writes the feed's items down as a snapshot, unless it is there already.
///
/// # Errors
/// When the index cannot be read or the state not be written.
pub async fn stage(built: &Built, state: &State, now: i64) -> Result<i64, PushError> {
    let digest = built.manifest.index.as_ref().map_or("", |index| index.blake3.as_str());
    if let Some(snapshot) = state.snapshot(digest).await? {
        return Ok(snapshot);
    }
    let mut draft = state.draft(now).await?;
    let parts = parts(built);
    for part in 0..parts {
        let part = Part::read(built, part, parts)?;
        for row in &part.rows {
            draft.push(&part.known(row)).await?;
        }
    }
    Ok(draft.finish(digest).await?)
}

/// The ids of a feed's items and of their groups, in the feed's order.
///
/// # Errors
/// When the index cannot be read.
pub fn items(built: &Built) -> Result<impl Iterator<Item = Result<(String, String), PushError>>, PushError> {
    let mut reader = built.index()?;
    let path = built.folder.join(index::NAME);
    let mut entry = Entry::default();
    Ok(std::iter::from_fn(move || match reader.next(&mut entry) {
        Ok(true) => Some(Ok((entry.item.clone(), entry.group.clone()))),
        Ok(false) => None,
        Err(error) => Some(Err(PushError::io(&path)(error))),
    }))
}
