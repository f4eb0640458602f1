//! Variant options: names and selected values, wherever a platform writes them.

use super::apply::slot;
use super::compile::Mapping;
use super::preset::NoOption;
use super::step::OptionPlan;
use crate::cell::{Cell, NO_COLUMN, Shape, Slot};
use crate::product::text;

impl Mapping {
    /// The options of a row: from the first place that holds any. What a row leaves blank about
    /// names, the row that carries the product says.
    pub(super) fn options(&self, buffer: &mut String, cells: &[Cell], carrier: &[Cell], options: &mut Vec<(Slot, Slot)>) {
        for plan in &self.options {
            plan.read(buffer, cells, carrier, options);
            if !options.is_empty() {
                return;
            }
        }
    }
}

impl OptionPlan {
    fn read(&self, buffer: &mut String, cells: &[Cell], carrier: &[Cell], options: &mut Vec<(Slot, Slot)>) {
        let or_carried = |buffer: &str, column: u16| {
            let own = slot(cells, column);
            if text::trim(own.text(buffer)).is_empty() { slot(carrier, column) } else { own }
        };
        match self {
            Self::Numbered { columns, none, tidy } => {
                for (name_column, value_column) in columns {
                    let (name, mut value) = (or_carried(buffer, *name_column), slot(cells, *value_column));
                    if let Some(tidied) = tidy.as_ref().map(|tidy| tidy.replace(value.text(buffer), "").into_owned())
                        && tidied != value.text(buffer)
                    {
                        value = Slot::store(buffer, &tidied, value.column);
                    }
                    if is_option(text::trim(name.text(buffer)), text::trim(value.text(buffer)), none.as_ref()) {
                        options.push((name, value));
                    }
                }
            }
            Self::Pairs { list, name, value, none } => {
                let found = slot(cells, *list);
                for (name, value) in objects(found, buffer, name, value) {
                    if is_option(&name, &value, none.as_ref()) {
                        push(buffer, options, &name, &value, found.column);
                    }
                }
            }
            Self::Packed { column, split, entry } => {
                let found = slot(cells, *column);
                let packed = found.text(buffer).to_owned();
                let entries = packed.split(split.as_str()).filter_map(|part| {
                    let caught = entry.captures(text::trim(part))?;
                    Some((text::trim(caught.name("name")?.as_str()).to_owned(), text::trim(caught.name("value")?.as_str()).to_owned()))
                });
                for (name, value) in entries {
                    if is_option(&name, &value, None) {
                        push(buffer, options, &name, &value, found.column);
                    }
                }
            }
            Self::Zipped { names, values, separators, cut } => {
                let found = slot(cells, *values);
                let entries = |text: &str| -> Vec<String> {
                    let one = |entry: &str| {
                        let entry = cut.as_ref().and_then(|cut| entry.split_once(cut.as_str())).map_or(entry, |(head, _)| head);
                        text::trim(entry).to_owned()
                    };
                    text.split(separators.as_slice()).map(one).collect()
                };
                let (names, values) = (entries(or_carried(buffer, *names).text(buffer)), entries(found.text(buffer)));
                for (name, value) in names.iter().zip(&values).filter(|(name, value)| is_option(name, value, None)) {
                    push(buffer, options, name, value, found.column);
                }
            }
            Self::Single { value, name, none } => {
                let found = slot(cells, *value);
                let word = text::trim(found.text(buffer));
                if !word.is_empty() && !none.as_ref().is_some_and(|none| none.eq_ignore_ascii_case(word)) {
                    options.push((Slot { cell: Cell::store(buffer, name, Shape::Text), column: NO_COLUMN }, found));
                }
            }
        }
    }
}

fn is_option(name: &str, value: &str, none: Option<&NoOption>) -> bool {
    !name.is_empty() && !value.is_empty() && !none.is_some_and(|none| name == none.name && value == none.value)
}

/// Adds a pair that was made, not read, from the cell of `column`.
pub(super) fn push(buffer: &mut String, options: &mut Vec<(Slot, Slot)>, name: &str, value: &str, column: u16) {
    let name = Slot { cell: Cell::store(buffer, name, Shape::Text), column: NO_COLUMN };
    options.push((name, Slot::store(buffer, value, column)));
}

/// Names and values of a list of objects, or of one object.
fn objects(found: Slot, buffer: &str, name: &str, value: &str) -> Vec<(String, String)> {
    let listed: Vec<serde_json::Value> = match serde_json::from_str(found.text(buffer)) {
        Ok(serde_json::Value::Array(listed)) => listed,
        Ok(single) => vec![single],
        Err(_) => Vec::new(),
    };
    let text_of = |object: &serde_json::Value, key: &str| {
        let value = key.split('.').try_fold(object, |inner, key| inner.get(key))?;
        match value {
            serde_json::Value::Null => None,
            serde_json::Value::String(text) => Some(text::trim(text).to_owned()),
            serde_json::Value::Array(listed) => {
                let words: Vec<&str> = listed.iter().filter_map(serde_json::Value::as_str).map(text::trim).collect();
                Some(words.join(", "))
            }
            other => Some(other.to_string()),
        }
    };
    listed.iter().filter_map(|object| Some((text_of(object, name)?, text_of(object, value)?))).collect()
}
