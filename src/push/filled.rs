//! How many items have a value in each field: a column that goes empty between two runs changes no
//! count of items and no price, and is an accident all the same.

use super::feed::Built;
use crate::render::index::Print;
use std::collections::BTreeMap;

/// How many of a feed's items have a value in each of its fields; those of prices and stock, which
/// come and go with sales, are left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
pub struct Filled {
    /// Items of the feed.
    pub items: u64,
    /// By the target's name of the field.
    pub fields: BTreeMap<String, u64>,
}

/// The same, while it is counted.
#[derive(Clone, Debug, Default)]
pub(super) struct Counts {
    items: u64,
    by_place: Vec<u64>,
}

impl Counts {
    pub(super) fn item(&mut self, print: &Print) {
        self.items += 1;
        let mut left = print.filled;
        while left != 0 {
            let place = left.trailing_zeros() as usize;
            if self.by_place.len() <= place {
                self.by_place.resize(place + 1, 0);
            }
            self.by_place[place] += 1;
            left &= left - 1;
        }
    }

    /// The counts under the names of the fields, which the manifest lists in their order.
    pub(super) fn named(&self, built: &Built) -> Filled {
        let fields = built.manifest.index.as_ref().map_or(&[][..], |index| index.fields.as_slice());
        let named = fields.iter().zip(&self.by_place).filter(|(_, count)| **count > 0);
        Filled { items: self.items, fields: named.map(|(field, count)| (field.name.clone(), *count)).collect() }
    }
}
