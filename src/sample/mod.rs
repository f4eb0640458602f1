//! What is looked at in passing, for people: how full the fields of a feed are, what is said of
//! availability, and a few items as a shopper would meet them.
//!
//! Which items those are is drawn by a hash of what groups them: it depends on the catalog
//! alone, not on threads or order, the variants of a group come together, and a row more in the
//! catalog changes one of them at most.

mod looks;
mod pick;

pub use looks::{Glance, Looks};
pub use pick::{Group, Pick};

use crate::product::text::excerpt;
use crate::spec::Spec;
use crate::spec::model::Requirement;
use std::collections::BTreeMap;
use xxhash_rust::xxh3::xxh3_64;

/// Different words for availability that are counted one by one; a feed has a handful.
const WORDS: usize = 16;

/// What is said where there are more.
const OTHERS: &str = "(others)";

/// An item as it is shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Item {
    /// Which of the run's sources it comes from.
    pub source: u16,
    /// Its record.
    pub record: u64,
    /// The line on which that starts, 0 where lines mean nothing.
    pub line: u64,
    /// The place of its row among those that the rules over the whole feed see.
    pub(crate) number: u32,
    /// Its id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// The title of its group.
    pub group_title: String,
    /// The beginning of its description.
    pub description: String,
    /// Its brand.
    pub brand: String,
    /// What it costs without a sale.
    pub price: String,
    /// What it costs in a sale; empty without one.
    pub sale_price: String,
    /// When the sale is, where the feed says so.
    pub sale_dates: String,
    /// Whether it can be bought, in the target's words.
    pub availability: String,
    /// The address of its first image.
    pub image: String,
    /// The address of its page.
    pub link: String,
    /// What tells it from the other variants of its group: names and values.
    pub options: Vec<(String, String)>,
    /// Why it is not in the feed, where it is not.
    pub reasons: Vec<String>,
    /// Whether nothing but its id and its place is known: what refused it showed after it was let go.
    pub is_bare: bool,
}

/// An item that the rules over the whole feed refuse.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Refused<'a> {
    /// The number of its row.
    pub(crate) number: u32,
    /// Its id.
    pub(crate) id: &'a str,
    /// The id of its group.
    pub(crate) group: &'a str,
    /// Its source.
    pub(crate) source: u16,
    /// Its record.
    pub(crate) record: u64,
    /// The line of that.
    pub(crate) line: u64,
}

/// How often a field has a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fill {
    /// The field's name in the feed.
    pub field: String,
    /// Whether the target needs it.
    pub requirement: Requirement,
    /// How many items have it.
    pub filled: u64,
}

/// What was seen of the items of one target.
#[derive(Clone, Debug, Default)]
pub struct Sample {
    /// Items looked at, accepted or not.
    pub items: u64,
    /// By field of the spec.
    filled: Vec<u64>,
    availability: BTreeMap<String, u64>,
    /// Items of the feed.
    pub shown: Pick,
    /// Items that are left out of it.
    pub left_out: Pick,
}

impl Sample {
    /// Adds what was seen of further items.
    pub(crate) fn add(&mut self, other: Self, looks: &Looks) {
        self.items += other.items;
        if self.filled.len() < other.filled.len() {
            self.filled.resize(other.filled.len(), 0);
        }
        self.filled.iter_mut().zip(other.filled).for_each(|(sum, more)| *sum += more);
        for (word, items) in other.availability {
            self.says(&word, items);
        }
        self.shown.add(other.shown, looks.kept());
        self.left_out.add(other.left_out, looks.most_left_out());
    }

    fn says(&mut self, word: &str, items: u64) {
        if let Some(count) = self.availability.get_mut(word) {
            *count += items;
            return;
        }
        let word = if self.availability.len() < WORDS { word } else { OTHERS };
        *self.availability.entry(word.to_owned()).or_default() += items;
    }

    /// The rows of a batch begin at this number.
    pub(crate) fn begin_at(&mut self, number: u32) {
        self.shown.items_mut().for_each(|item| item.number += number);
    }

    /// The numbers of the items of the feed that are shown, in order.
    pub(crate) fn numbers(&mut self) -> Vec<u32> {
        let mut numbers: Vec<u32> = self.shown.items_mut().map(|item| item.number).collect();
        numbers.sort_unstable();
        numbers
    }

    /// Takes an item out of the feed that the rules over the whole of it refuse; `numbers` are those
    /// of the items that are shown. Of another one no more is known than what is said here.
    pub(crate) fn refuse(&mut self, looks: &Looks, numbers: &[u32], refused: &Refused<'_>, reason: impl FnOnce() -> String) {
        let most = looks.most_left_out();
        let name = if refused.group.is_empty() { refused.id } else { refused.group };
        let key = xxh3_64(name.as_bytes());
        if numbers.binary_search(&refused.number).is_ok() {
            if let Some((key, mut item)) = self.shown.take(refused.number) {
                item.reasons = vec![reason()];
                self.left_out.put(key, item, most);
            }
        } else if self.left_out.wants(key, most) {
            let Refused { source, record, line, .. } = *refused;
            let id = excerpt(refused.id, looks::NAME);
            self.left_out.put(key, Item { source, record, line, id, is_bare: true, reasons: vec![reason()], ..Item::default() }, most);
        }
    }

    /// What is shown of it.
    pub(crate) fn view(self, looks: &Looks, spec: &Spec) -> View {
        let counted = looks.listed.iter().map(|field| (spec.get(*field), self.filled.get(field.index()).copied().unwrap_or(0)));
        let fills = counted.map(|(field, filled)| Fill { field: field.name.clone(), requirement: field.written.requirement, filled });
        let mut availability: Vec<(String, u64)> = self.availability.into_iter().collect();
        // Most frequent first; the map has put equal ones in order.
        availability.sort_by_key(|(_, items)| std::cmp::Reverse(*items));
        View {
            items: self.items,
            fills: fills.collect(),
            availability,
            shown: self.shown.groups(looks.most),
            left_out: self.left_out.groups(looks.most_left_out()),
            images: looks.images,
        }
    }
}

/// What is shown of the items of one target.
#[derive(Clone, Debug, Default)]
pub struct View {
    /// Items looked at.
    pub items: u64,
    /// The fields that the feed can have, in its order.
    pub fills: Vec<Fill>,
    /// What is said of availability, and of how many items; nothing is said with an empty word.
    pub availability: Vec<(String, u64)>,
    /// Items of the feed, by group.
    pub shown: Vec<Group>,
    /// Items that are left out of it.
    pub left_out: Vec<Group>,
    /// Whether their images may be loaded.
    pub images: bool,
}
