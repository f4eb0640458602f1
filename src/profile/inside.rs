//! What is inside nested cells: the keys of objects, and of the objects in lists, as columns
//! under the paths by which a mapping reaches them.

use super::ColumnProfile;
use crate::cell::{Cell, Shape};
use serde_json::Value;
use std::collections::HashMap;

/// How many keys are told apart, and how deep they are looked for.
const MOST: usize = 200;
const DEEPEST: usize = 4;

/// The keys inside the cells of some columns.
#[derive(Debug, Default)]
pub(super) struct Inside {
    columns: Vec<ColumnProfile>,
    places: HashMap<String, usize>,
    /// By column: the last record that filled it.
    last: Vec<u64>,
}

impl Inside {
    /// Looks into a cell of the record of a number.
    pub(super) fn see(&mut self, column: &str, cell: Cell, text: &str, record: u64) {
        if matches!(cell.shape, Shape::List | Shape::Object)
            && let Ok(value) = serde_json::from_str(cell.text(text))
        {
            self.value(column.to_owned(), &value, record, 0);
        }
    }

    fn value(&mut self, path: String, value: &Value, record: u64, depth: usize) {
        match value {
            Value::Object(keys) if depth < DEEPEST => {
                for (key, value) in keys {
                    self.value(format!("{path}.{key}"), value, record, depth + 1);
                }
            }
            Value::Array(entries) if depth < DEEPEST => {
                for entry in entries {
                    self.value(format!("{path}[]"), entry, record, depth + 1);
                }
            }
            Value::Null => {}
            Value::String(text) => self.leaf(path, text, record),
            other => self.leaf(path, &other.to_string(), record),
        }
    }

    fn leaf(&mut self, path: String, value: &str, record: u64) {
        let place = match self.places.get(&path) {
            Some(place) => *place,
            None if self.columns.len() == MOST => return,
            None => {
                self.columns.push(ColumnProfile { name: path.clone(), ..ColumnProfile::default() });
                self.last.push(0);
                self.places.insert(path, self.columns.len() - 1);
                self.columns.len() - 1
            }
        };
        let (Some(column), Some(last)) = (self.columns.get_mut(place), self.last.get_mut(place)) else { return };
        let before = column.filled;
        column.see(value, false);
        // A record with many entries is one record.
        if *last == record {
            column.filled = before;
        } else if column.filled > before {
            *last = record;
        }
    }

    /// The keys, in the order they were met.
    pub(super) fn columns(self) -> Vec<ColumnProfile> {
        self.columns
    }
}
