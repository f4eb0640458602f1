//! A few groups of many: those whose hashes are smallest.

use super::Item;
use std::collections::BTreeMap;

/// Variants of one group that are shown; the others are counted.
const VARIANTS: usize = 24;

/// Items that stand together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Group {
    /// The first of them.
    pub items: Vec<Item>,
    /// How many there are besides.
    pub more: u64,
}

/// The groups with the smallest hashes that hold as many items as asked for.
///
/// A group is needed only as long as the groups before it hold fewer items than that, and these
/// only become more: so what is dropped once is never missed.
#[derive(Clone, Debug, Default)]
pub struct Pick {
    groups: BTreeMap<u64, Group>,
    items: usize,
}

impl Pick {
    /// Whether an item with this hash would be kept.
    pub(crate) fn wants(&self, key: u64, most: usize) -> bool {
        most > 0 && (self.items < most || self.groups.last_key_value().is_some_and(|(last, _)| key <= *last))
    }

    /// Takes an item.
    pub(crate) fn put(&mut self, key: u64, item: Item, most: usize) {
        if !self.wants(key, most) {
            return;
        }
        let group = self.groups.entry(key).or_default();
        if group.items.len() < VARIANTS {
            group.items.push(item);
            self.items += 1;
        } else {
            group.more += 1;
        }
        self.trim(most);
    }

    fn trim(&mut self, most: usize) {
        while let Some(last) = self.groups.last_entry() {
            let held = last.get().items.len();
            if self.items < most + held {
                break;
            }
            self.items -= held;
            last.remove();
        }
    }

    /// Takes what was picked of further items, which come after these.
    pub(super) fn add(&mut self, other: Self, most: usize) {
        for (key, group) in other.groups {
            let wanted = self.wants(key, most);
            for item in group.items {
                self.put(key, item, most);
            }
            if let Some(held) = self.groups.get_mut(&key).filter(|_| wanted) {
                held.more += group.more;
            }
        }
    }

    pub(super) fn items_mut(&mut self) -> impl Iterator<Item = &mut Item> {
        self.groups.values_mut().flat_map(|group| &mut group.items)
    }

    /// Takes an item out by its number; with it comes the hash of its group.
    pub(super) fn take(&mut self, number: u32) -> Option<(u64, Item)> {
        let is_it = |item: &Item| item.number == number;
        let (key, group) = self.groups.iter_mut().find(|(_, group)| group.items.iter().any(is_it))?;
        let (key, place) = (*key, group.items.iter().position(is_it)?);
        let item = group.items.remove(place);
        if group.items.is_empty() && group.more == 0 {
            self.groups.remove(&key);
        }
        self.items -= 1;
        Some((key, item))
    }

    /// The groups, in the order of the catalog, with so many items at most.
    pub(super) fn groups(self, most: usize) -> Vec<Group> {
        let mut left = most;
        let mut groups: Vec<Group> = Vec::new();
        for mut group in self.groups.into_values().filter(|group| !group.items.is_empty()) {
            if left == 0 {
                break;
            }
            group.more += group.items.len().saturating_sub(left) as u64;
            group.items.truncate(left);
            left -= group.items.len();
            groups.push(group);
        }
        groups.sort_by_key(|group| group.items.first().map(|item| (item.source, item.record)));
        groups
    }
}

#[cfg(test)]
mod tests {
    use super::{Group, Pick};
    use crate::sample::Item;

    fn pick(keys: &[u64], most: usize) -> Pick {
        let mut pick = Pick::default();
        for (record, key) in keys.iter().enumerate() {
            pick.put(*key, Item { record: record as u64, ..Item::default() }, most);
        }
        pick
    }

    fn records(groups: &[Group]) -> Vec<Vec<u64>> {
        groups.iter().map(|group| group.items.iter().map(|item| item.record).collect()).collect()
    }

    #[test]
    fn the_smallest_hashes_stay_with_all_their_items() {
        // Groups 1, 2 and 3 hold records 1 and 5, 3, and 2 and 4: three items are the first two groups.
        let keys = [9, 1, 3, 2, 3, 1, 7];
        assert_eq!(records(&pick(&keys, 3).groups(3)), [vec![1, 5], vec![3]]);
        assert_eq!(pick(&keys, 3).items, 3);
        assert!(pick(&keys, 0).groups(0).is_empty());
        assert_eq!(records(&pick(&keys, 99).groups(99)).len(), 5);
    }

    #[test]
    fn it_does_not_matter_how_a_catalog_is_cut() {
        let keys: Vec<u64> = (0..400_u64).map(|n| n * 7919 % 101).collect();
        let whole = pick(&keys, 10).groups(10);
        for cut in [1, 57, 200, 399] {
            let mut first = pick(&keys[..cut], 10);
            let mut second = pick(&keys[cut..], 10);
            second.items_mut().for_each(|item| item.record += cut as u64);
            first.add(second, 10);
            assert_eq!(first.groups(10), whole, "cut at {cut}");
        }
    }

    #[test]
    fn a_large_group_is_cut_and_counted() {
        let groups = pick(&[5; 100], 60).groups(60);
        assert_eq!((groups[0].items.len(), groups[0].more), (24, 76));
        let groups = pick(&[5; 100], 10).groups(10);
        assert_eq!((groups[0].items.len(), groups[0].more), (10, 90));
    }

    #[test]
    fn what_is_refused_later_is_handed_over() {
        let mut pick = Pick::default();
        for (number, key) in [4, 4, 6].into_iter().enumerate() {
            pick.put(key, Item { record: number as u64, number: number as u32, ..Item::default() }, 9);
        }
        assert_eq!(pick.take(0).map(|(key, item)| (key, item.record)), Some((4, 0)));
        assert_eq!(pick.take(2).map(|(key, item)| (key, item.record)), Some((6, 2)));
        assert!(pick.take(0).is_none() && pick.take(3).is_none());
        assert_eq!((pick.items, records(&pick.groups(9))), (1, vec![vec![1]]));
    }
}
