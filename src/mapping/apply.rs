//! One record mapped to a draft: attribute values as the catalog has them.

use super::compile::Mapping;
use super::step::{From, Step, TemplateValue};
use crate::catalog::RecordHead;
use crate::cell::{Cell, Shape, Slot};
use crate::product::attribute::{AttributeId, Attributes};
use crate::product::text;

/// What the catalog says of one item, by attribute; reused from item to item.
#[derive(Clone, Debug)]
pub struct Draft {
    /// The record it comes from.
    pub head: RecordHead,
    /// By attribute.
    pub slots: Vec<Slot>,
    /// Variant options: name and selected value.
    pub options: Vec<(Slot, Slot)>,
    /// How many items the product has, as far as the rows show.
    pub siblings: u32,
}

impl Default for Draft {
    fn default() -> Self {
        let head = RecordHead { number: 0, line: 0 };
        Self { head, slots: vec![Slot::EMPTY; Attributes::shared().count()], options: Vec::new(), siblings: 1 }
    }
}

impl Draft {
    /// Empties the draft for the record at `head`.
    pub fn reset(&mut self, head: RecordHead) {
        self.head = head;
        self.slots.fill(Slot::EMPTY);
        self.options.clear();
        self.siblings = 1;
    }

    /// The slot of an attribute.
    pub fn get(&self, attribute: AttributeId) -> Slot {
        self.slots.get(attribute.index()).copied().unwrap_or_default()
    }

    /// Puts a slot in place.
    pub fn set(&mut self, attribute: AttributeId, slot: Slot) {
        if let Some(place) = self.slots.get_mut(attribute.index()) {
            *place = slot;
        }
    }

    /// Writes a made value behind the buffer and puts it in place; the column it came from stays.
    pub fn write(&mut self, buffer: &mut String, attribute: AttributeId, value: &str) {
        let column = self.get(attribute).column;
        self.set(attribute, Slot { cell: Cell::store(buffer, value, Shape::Text), column });
    }
}

impl Mapping {
    /// Fills `draft` from the cells of one record.
    pub(super) fn fill(&self, buffer: &mut String, cells: &[Cell], draft: &mut Draft) {
        for step in &self.steps {
            let slot = match &step.from {
                From::Column(column) => slot(cells, *column),
                From::FirstOf(columns) => {
                    let present = columns
                        .iter()
                        .map(|&column| slot(cells, column))
                        .find(|slot| slot.is_present() && !step.is_empty(slot.text(buffer)));
                    present.unwrap_or_default()
                }
                From::Constant(value) => Slot { cell: Cell::store(buffer, value, Shape::Text), column: crate::cell::NO_COLUMN },
                From::Template(expression, values) => {
                    let value_of = |name: &str| {
                        values.iter().find(|(known, _)| known == name).map(|(_, value)| match value {
                            TemplateValue::Column(column) => slot(cells, *column).text(buffer),
                            TemplateValue::Text(text) => text.as_str(),
                        })
                    };
                    let column = step.columns().first().copied().unwrap_or(crate::cell::NO_COLUMN);
                    // A template that cannot be rendered leaves the attribute empty, which the rules report.
                    let made = expression.render(value_of).unwrap_or_default();
                    Slot { cell: Cell::store(buffer, text::trim(&made), Shape::Text), column }
                }
            };
            if !slot.is_present() {
                continue;
            }
            let slot = if step.is_plain() { slot } else { step.finish(buffer, slot) };
            draft.set(step.attribute, slot);
            if let Some((unit, word)) = step.unit.as_ref().filter(|_| slot.is_present()) {
                let cell = Cell::store(buffer, word, Shape::Text);
                draft.set(*unit, Slot { cell, column: slot.column });
            }
        }
    }

    /// Fills what is still empty from the defaults.
    pub(super) fn fill_defaults(&self, buffer: &mut String, draft: &mut Draft) {
        for (attribute, value) in &self.defaults {
            if !draft.get(*attribute).is_present() {
                draft.write(buffer, *attribute, value);
            }
        }
    }
}

/// The slot of a column.
pub(super) fn slot(cells: &[Cell], column: u16) -> Slot {
    Slot { cell: cells.get(usize::from(column)).copied().unwrap_or_default(), column }
}

impl Step {
    fn is_empty(&self, value: &str) -> bool {
        !self.empty.is_empty() && self.empty.iter().any(|word| word.eq_ignore_ascii_case(text::trim(value)))
    }

    /// Transforms, looks up and renames a value.
    fn finish(&self, buffer: &mut String, slot: Slot) -> Slot {
        let value = slot.text(buffer);
        if self.is_empty(value) {
            return Slot::EMPTY;
        }
        let mut made: Option<String> = None;
        for transform in &self.clean {
            let value = made.as_deref().unwrap_or(value);
            let changed = (transform.apply)(value);
            if changed != value {
                made = Some(changed);
            }
        }
        if let Some((table, otherwise)) = &self.lookup {
            let key = text::trim(made.as_deref().unwrap_or(value));
            if let Some(found) = table.get(key).or(otherwise.as_ref()) {
                made = Some(found.clone());
            }
        }
        if !self.values.is_empty() {
            let word = text::trim(made.as_deref().unwrap_or(value)).to_ascii_lowercase();
            if let Some(other) = self.values.get(&word) {
                made = Some(other.clone());
            }
        }
        if let Some(separator) = &self.paths {
            made = deepest_path(made.as_deref().unwrap_or(value), separator).or(made);
        }
        if let Some(currency) = &self.currency {
            let amount = text::trim(made.as_deref().unwrap_or(value));
            if !amount.is_empty() && amount.bytes().all(|b| !b.is_ascii_alphabetic()) && amount.is_ascii() {
                made = Some(format!("{amount} {}", currency.code()));
            }
        }
        match made {
            None => slot,
            Some(made) => Slot { cell: Cell::store(buffer, &made, Shape::Text), column: slot.column },
        }
    }
}

/// The path with the most levels of a cell that lists several; a separator after a backslash
/// belongs to a name.
fn deepest_path(value: &str, separator: &str) -> Option<String> {
    let guarded = value.replace(&format!("\\{separator}"), "\u{1}");
    let mut paths = guarded.split(separator).map(text::trim).filter(|path| !path.is_empty());
    let first = paths.next()?;
    let depth = |path: &str| path.matches('>').count();
    let deepest = paths.fold(first, |best, path| if depth(path) > depth(best) { path } else { best });
    Some(deepest.replace('\u{1}', separator))
}

#[cfg(test)]
mod tests {
    use super::deepest_path;

    #[test]
    fn the_deepest_of_several_paths() {
        assert_eq!(deepest_path("Sale, Clothing > Hoodies, Clothing", ",").as_deref(), Some("Clothing > Hoodies"));
        assert_eq!(deepest_path("Home\\, Garden > Pots", ",").as_deref(), Some("Home, Garden > Pots"));
    }
}
