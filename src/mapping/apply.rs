//! One record mapped to a draft: attribute values as the catalog has them.

use super::compile::Mapping;
use super::paths::Paths;
use super::step::{From, Marked, OverColumns, Step, TemplateValue};
use super::survey::is_word;
use super::transform;
use super::variant::IDS;
use crate::catalog::RecordHead;
use crate::cell::{Cell, Shape, Slot};
use crate::product::attribute::{AttributeId, Attributes};
use crate::product::money::Currency;
use crate::product::text;
use rust_decimal::{Decimal, RoundingStrategy};
use std::borrow::Cow;

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
    /// Values that only one target gets, by their place in the mapping's list.
    pub only_for: Vec<Slot>,
}

impl Default for Draft {
    fn default() -> Self {
        let head = RecordHead { number: 0, line: 0 };
        Self { head, slots: vec![Slot::EMPTY; Attributes::shared().count()], options: Vec::new(), siblings: 1, only_for: Vec::new() }
    }
}

impl Draft {
    /// Empties the draft for the record at `head`.
    pub fn reset(&mut self, head: RecordHead) {
        self.head = head;
        self.slots.fill(Slot::EMPTY);
        self.options.clear();
        self.only_for.clear();
        self.siblings = 1;
    }

    /// The slot of an attribute.
    pub fn get(&self, attribute: AttributeId) -> Slot {
        *self.slots.get(attribute.index()).unwrap_or(&Slot::EMPTY)
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
        for step in &self.only_for {
            draft.only_for.push(step.first_value(buffer, cells).0);
        }
        for (step, bare) in self.steps.iter().zip(&self.bare) {
            if let Some(column) = *bare
                && let Some(cell) = cells.get(usize::from(column))
                && cell.shape != Shape::List
            {
                let slot = Slot { cell: *cell, column };
                if cell.is_present() && !pads(slot, buffer) {
                    draft.set(step.attribute, slot);
                }
                continue;
            }
            let (slot, unit) = step.first_value(buffer, cells);
            if !slot.is_present() {
                continue;
            }
            draft.set(step.attribute, slot);
            if let Some((unit, word)) = unit {
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

/// The slot of a column; a cell that only pads is none.
fn filled(buffer: &str, cells: &[Cell], column: u16) -> Slot {
    let slot = slot(cells, column);
    if pads(slot, buffer) { Slot::EMPTY } else { slot }
}

/// Whether a value only pads.
fn pads(slot: Slot, buffer: &str) -> bool {
    buffer.as_bytes().get(slot.cell.start()).is_some_and(|byte| *byte <= b' ') && text::trim(slot.text(buffer)).is_empty()
}

/// The slot of a column.
pub(super) fn slot(cells: &[Cell], column: u16) -> Slot {
    Slot { cell: *cells.get(usize::from(column)).unwrap_or(&Cell::ABSENT), column }
}

impl Step {
    fn is_empty(&self, value: &str) -> bool {
        !self.empty.is_empty() && self.empty.iter().any(|word| word.eq_ignore_ascii_case(text::trim(value)))
    }

    /// The value of the step, or of the first of its alternatives that gives one, and its unit.
    fn first_value(&self, buffer: &mut String, cells: &[Cell]) -> (Slot, Option<&(AttributeId, String)>) {
        let slot = self.value(buffer, cells);
        if slot.is_present() || self.or.is_empty() {
            return (slot, self.unit.as_ref());
        }
        let mut others = self.or.iter().map(|other| (other.value(buffer, cells), other.unit.as_ref()));
        others.find(|(slot, _)| slot.is_present()).unwrap_or((Slot::EMPTY, None))
    }

    /// The value of the step for one record.
    fn value(&self, buffer: &mut String, cells: &[Cell]) -> Slot {
        self.told(buffer, cells, &mut |_, _, _| {})
    }

    /// The same; `tell` hears what is done to the value, with what, and what it is then. Nothing
    /// is spent on telling where nobody listens.
    pub(super) fn told(&self, buffer: &mut String, cells: &[Cell], tell: &mut impl FnMut(&'static str, &str, &str)) -> Slot {
        if let Some((column, words)) = &self.only_if
            && !is_word(slot(cells, *column).text(buffer), words)
        {
            return Slot::EMPTY;
        }
        if let Some(when) = &self.when
            && when.render(buffer, cells).is_none_or(|rendered| rendered != "1")
        {
            return Slot::EMPTY;
        }
        let slot = match &self.from {
            From::Column(column) => filled(buffer, cells, *column),
            From::FirstOf(columns) => {
                let present = columns
                    .iter()
                    .map(|&column| filled(buffer, cells, column))
                    .find(|slot| slot.is_present() && !self.is_empty(slot.text(buffer)));
                present.unwrap_or_default()
            }
            From::Constant(value) => Slot::store(buffer, value, crate::cell::NO_COLUMN),
            From::Template(template) => {
                // A template that cannot be rendered leaves the attribute empty, which the rules report.
                let made = template.render(buffer, cells).unwrap_or_default();
                let column = self.columns().first().copied().unwrap_or(crate::cell::NO_COLUMN);
                Slot::store(buffer, text::trim(&made), column)
            }
            From::Sum(columns) => sum(buffer, cells, columns, true),
            From::Total(columns) => sum(buffer, cells, columns, false),
            From::All(columns) => gathered(buffer, cells, columns),
        };
        if !slot.is_present() || self.is_plain() && !(self.flattens && slot.cell.shape == Shape::List) {
            return slot;
        }
        let code = self.currency_column.and_then(|column| Currency::parse(text::trim(self::slot(cells, column).text(buffer))));
        self.finish(buffer, slot, code, tell)
    }

    /// Transforms, looks up and renames a value.
    fn finish(&self, buffer: &mut String, slot: Slot, code: Option<Currency>, tell: &mut impl FnMut(&'static str, &str, &str)) -> Slot {
        let value = slot.text(buffer);
        if self.is_empty(value) {
            tell("stands for no value", "", "");
            return Slot::EMPTY;
        }
        let mut made: Option<String> = None;
        for transform in &self.clean {
            let value = made.as_deref().unwrap_or(value);
            if transform.sign.is_some_and(|sign| memchr::memchr(sign, value.as_bytes()).is_none()) {
                continue;
            }
            let changed = (transform.apply)(value);
            if changed != value {
                tell("clean", transform.name, &changed);
                made = Some(changed);
            }
        }
        if let Some((separator, take)) = &self.split {
            let parted = split(made.as_deref().unwrap_or(value), separator, *take);
            tell("split at", separator, &parted);
            made = Some(parted);
        } else if self.flattens && slot.cell.shape == Shape::List && made.is_none() {
            let joined = transform::joined(value, if self.paths.is_some() { "," } else { ", " });
            tell("entries in one text", "", &joined);
            made = Some(joined);
        }
        if let Some(table) = &self.lookup
            && let Some(found) = table.get(text::trim(made.as_deref().unwrap_or(value)))
        {
            tell("looked up", "", found);
            made = Some(found.clone());
        }
        if !self.values.is_empty() {
            let value = made.as_deref().unwrap_or(value);
            let mut word = Cow::Borrowed(text::trim(value));
            if word.bytes().any(|byte| byte.is_ascii_uppercase()) {
                word.to_mut().make_ascii_lowercase();
            }
            if let Some(other) = self.values.get(&*word).filter(|other| *other != value) {
                tell("a word of the platform", "", other);
                made = Some(other.clone());
            }
        }
        if let Some(paths) = &self.paths
            && let Some(deepest) = deepest_path(made.as_deref().unwrap_or(value), paths)
        {
            tell("the deepest of its paths", "", &deepest);
            made = Some(deepest);
        }
        if let Some(prefix) = &self.prefix
            && let Some(prefixed) = prefixed(made.as_deref().unwrap_or(value), prefix)
        {
            tell("below", prefix, &prefixed);
            made = Some(prefixed);
        }
        if let Some(currency) = code.or(self.currency) {
            let amount = text::trim(made.as_deref().unwrap_or(value));
            if !amount.is_empty() && amount.bytes().all(|b| !b.is_ascii_alphabetic()) && amount.is_ascii() {
                let amount = format!("{amount} {}", currency.code());
                tell("currency", currency.code(), &amount);
                made = Some(amount);
            }
        }
        match made {
            None => slot,
            Some(made) => Slot::store(buffer, text::trim(&made), slot.column),
        }
    }
}

impl OverColumns {
    fn render(&self, buffer: &str, cells: &[Cell]) -> Option<String> {
        let value_of = |name: &str| {
            self.values.iter().find(|(known, _)| known == name).map(|(_, value)| match value {
                TemplateValue::Column(column) => slot(cells, *column).text(buffer),
                TemplateValue::Text(text) => text.as_str(),
            })
        };
        self.expression.render(value_of).ok()
    }
}

impl Mapping {
    /// Makes the sale price of what is taken off the price, where none is given.
    pub(super) fn discount(&self, buffer: &mut String, cells: &[Cell], draft: &mut Draft) {
        let (price, sale) = (draft.get(IDS.price), draft.get(IDS.sale_price));
        if self.discounts.is_empty() || !price.is_present() || sale.is_present() {
            return;
        }
        let number = |buffer: &str, slot: Slot| decimal(slot.text(buffer));
        let Some(full) = number(buffer, price) else { return };
        for plan in &self.discounts {
            let counts = plan.only_if.as_ref().is_none_or(|(column, words)| is_word(slot(cells, *column).text(buffer), words));
            let Some(off) = number(buffer, slot(cells, plan.column)).filter(|off| counts && *off > Decimal::ZERO) else { continue };
            let off = if plan.percent { full.saturating_mul(off) / Decimal::ONE_HUNDRED } else { off };
            let digits = self.currency.map_or(2, Currency::digits);
            let left = (full - off).round_dp_with_strategy(digits, RoundingStrategy::MidpointAwayFromZero);
            if left > Decimal::ZERO && left < full {
                draft.set(IDS.sale_price, Slot::store(buffer, &left.to_string(), plan.column));
            }
            return;
        }
    }
}

/// A number with a point or a comma in front of its fraction.
fn decimal(value: &str) -> Option<Decimal> {
    text::trim(value).replace(',', ".").parse().ok()
}

/// The sum of columns. Where the first is needed and holds no number, it stays as it is.
fn sum(buffer: &mut String, cells: &[Cell], columns: &[u16], needs_first: bool) -> Slot {
    let amount = |column: u16| decimal(slot(cells, column).text(buffer));
    let mut amounts = columns.iter().filter_map(|&column| amount(column));
    let lacks_first = columns.first().is_none_or(|&column| amount(column).is_none());
    let first = match amounts.next() {
        Some(first) if !(needs_first && lacks_first) => first,
        _ if needs_first => return columns.first().map_or(Slot::EMPTY, |&column| slot(cells, column)),
        _ => return Slot::EMPTY,
    };
    let total: Decimal = amounts.fold(first, Decimal::saturating_add);
    let column = columns.first().copied().unwrap_or(crate::cell::NO_COLUMN);
    Slot::store(buffer, &total.to_string(), column)
}

/// All columns that are filled, as a list of addresses.
fn gathered(buffer: &mut String, cells: &[Cell], columns: &[Marked]) -> Slot {
    let is_first =
        |(_, mark): &Marked| mark.as_ref().is_some_and(|(column, words)| is_word(text::trim(slot(cells, *column).text(buffer)), words));
    let filled = columns.iter().filter(|(column, _)| slot(cells, *column).is_present());
    let (first, others): (Vec<&Marked>, Vec<&Marked>) = filled.partition(|marked| is_first(marked));
    let Some((column, _)) = first.first().or(others.first()) else { return Slot::EMPTY };
    let listed = first.iter().chain(&others).map(|(column, _)| text::trim(slot(cells, *column).text(buffer)).replace(',', "%2C"));
    let listed: Vec<String> = listed.collect();
    Slot::store(buffer, &listed.join(","), *column)
}

/// The entries of a list column, or one of them.
fn split(value: &str, separator: &str, take: Option<i32>) -> String {
    let entries: Vec<&str> = value.split(separator).map(text::trim).filter(|entry| !entry.is_empty()).collect();
    match take {
        None => entries.join(", "),
        Some(place) => {
            let place = if place < 0 { entries.len() as i64 + i64::from(place) } else { i64::from(place) - 1 };
            let entry = usize::try_from(place).ok().and_then(|place| entries.get(place));
            entry.map_or(String::new(), |entry| (*entry).to_owned())
        }
    }
}

/// A list of addresses with the prefix in front of those that are not absolute.
fn prefixed(value: &str, prefix: &str) -> Option<String> {
    let is_absolute = |entry: &str| entry.contains("://") || entry.starts_with("//");
    let entries: Vec<&str> = value.split(',').map(text::trim).filter(|entry| !entry.is_empty()).collect();
    if entries.iter().all(|entry| is_absolute(entry)) {
        return None;
    }
    let joined = entries.iter().map(|entry| {
        if is_absolute(entry) { (*entry).to_owned() } else { format!("{}/{}", prefix.trim_end_matches('/'), entry.trim_start_matches('/')) }
    });
    Some(joined.collect::<Vec<_>>().join(","))
}

/// The path with the most levels of a cell that lists several; a separator after a backslash
/// belongs to a name.
fn deepest_path(value: &str, paths: &Paths) -> Option<String> {
    let guarded = value.replace(&format!("\\{}", paths.separator), "\u{1}");
    let level = paths.level.as_deref().unwrap_or(">");
    let guarded = if paths.level.is_some() { guarded.replace(&format!("\\{level}"), "\u{2}") } else { guarded };
    let listed = guarded.split(paths.separator.as_str()).map(text::trim).filter_map(|path| {
        let mut levels: Vec<&str> = path.split(level).map(text::trim).filter(|level| !level.is_empty()).collect();
        if levels.first().copied() == paths.root.as_deref() && paths.root.is_some() {
            levels.remove(0);
        }
        (!levels.is_empty()).then_some(levels)
    });
    // The first of the deepest: `max_by_key` would take the last.
    let deepest = listed.reduce(|best, path| if path.len() > best.len() { path } else { best })?;
    Some(deepest.join(" > ").replace('\u{1}', &paths.separator).replace('\u{2}', level))
}

#[cfg(test)]
mod tests {
    use super::{Paths, deepest_path, prefixed, split};

    #[test]
    fn the_deepest_of_several_paths() {
        let commas = Paths { separator: ",".into(), level: None, root: None, shown: false };
        assert_eq!(deepest_path("Sale, Clothing > Hoodies, Clothing", &commas).as_deref(), Some("Clothing > Hoodies"));
        assert_eq!(deepest_path("Home\\, Garden > Pots", &commas).as_deref(), Some("Home, Garden > Pots"));
        let slashes = Paths { separator: ",".into(), level: Some("/".into()), root: Some("Default Category".into()), shown: false };
        assert_eq!(
            deepest_path("Default Category/Men/Tops,Default Category/Men,Default Category", &slashes).as_deref(),
            Some("Men > Tops")
        );
        assert_eq!(deepest_path("Default Category", &slashes), None);
    }

    #[test]
    fn entries_of_a_list() {
        assert_eq!(split("a; b;;c", ";", None), "a, b, c");
        assert_eq!(
            (split("a;b;c", ";", Some(2)), split("a;b;c", ";", Some(-1)), split("a", ";", Some(2))),
            ("b".into(), "c".into(), String::new())
        );
        assert_eq!(prefixed("/m/a.jpg, https://x.example/b.jpg", "media/").as_deref(), Some("media/m/a.jpg,https://x.example/b.jpg"));
        assert_eq!(prefixed("//cdn.example/b.jpg", "media/"), None);
    }
}
