//! Projection: an item of the catalog as a row of one spec, field by field.
//!
//! How a field is made stands in the spec folder (`write`); the row is then judged exactly as
//! it would be written.

use crate::cell::{NO_COLUMN, Slot};
use crate::mapping::apply::Draft;
use crate::product::attribute::{AttributeId, Attributes, known};
use crate::product::{date, synonyms};
use crate::spec::{FieldId, MOST_OPTIONS, Spec, Write};
use std::collections::HashSet;

/// How the fields of one spec are made.
#[derive(Debug)]
pub struct Projection {
    /// By field: the attribute that it is as it is, as most are, or one that no item has.
    same: Vec<AttributeId>,
    made: Vec<Made>,
    own_options: Vec<AttributeId>,
    option_places: usize,
    axes: [AttributeId; 3],
    unit: AttributeId,
    today: jiff::civil::Date,
}

/// How a field is made that is not simply an attribute.
#[derive(Debug)]
struct Made {
    field: FieldId,
    attribute: AttributeId,
    write: Write,
    when_absent: Option<String>,
}

/// An attribute beyond all that there are.
const NO_ATTRIBUTE: AttributeId = AttributeId(u16::MAX);

/// Names and values of options.
type Options = [Option<(Slot, Slot)>; MOST_OPTIONS];

impl Projection {
    /// Compiles the projection of a spec.
    pub fn new(spec: &Spec, today: jiff::civil::Date) -> Self {
        let (mut same, mut made) = (Vec::new(), Vec::new());
        for (place, field) in spec.fields.iter().enumerate() {
            let (id, when_absent) = (FieldId(place as u16), field.written.when_absent.clone());
            match (&field.write, when_absent) {
                (Write::Same | Write::Options, None) => same.push(field.attribute),
                (Write::None, None) => same.push(NO_ATTRIBUTE),
                (write, when_absent) => {
                    same.push(NO_ATTRIBUTE);
                    made.push(Made { field: id, attribute: field.attribute, write: write.clone(), when_absent });
                }
            }
        }
        Self {
            same,
            made,
            own_options: spec.identity.own_options.iter().filter_map(|name| Attributes::shared().id(name)).collect(),
            option_places: spec.fields.iter().filter(|field| matches!(field.write, Write::OptionName(_))).count(),
            axes: ["length", "width", "height"].map(known),
            unit: known("dimensions_unit"),
            today,
        }
    }

    /// Whether the options of an item have fields one by one in a spec.
    pub fn numbers_options(spec: &Spec) -> bool {
        spec.fields.iter().any(|field| matches!(field.write, Write::OptionName(_) | Write::OptionValue(_)))
    }

    /// Fills `row`, one slot a field, from an item.
    pub fn run(&self, buffer: &mut String, item: &Draft, row: &mut Vec<Slot>) {
        row.clear();
        row.extend(self.same.iter().map(|attribute| item.get(*attribute)));
        let mut options = [None; MOST_OPTIONS];
        if self.option_places > 0 {
            options.iter_mut().zip(self.free_options(buffer, item)).for_each(|(place, option)| *place = Some(*option));
        }
        for Made { field, attribute, write, when_absent } in &self.made {
            let mut slot = self.field(buffer, item, *attribute, write, &options);
            if let (false, Some(default)) = (slot.is_present(), when_absent) {
                slot = Slot::store(buffer, default, NO_COLUMN);
            }
            row[field.index()] = slot;
        }
    }

    fn field(&self, buffer: &mut String, item: &Draft, attribute: AttributeId, write: &Write, options: &Options) -> Slot {
        let own = item.get(attribute);
        match write {
            Write::Same | Write::Options => own,
            Write::None => Slot::EMPTY,
            Write::Values(words) => {
                let value = own.text(buffer);
                match words.iter().find(|(from, _)| from == value) {
                    Some((_, to)) => Slot::store(buffer, to, own.column),
                    None => own,
                }
            }
            Write::Range(start, end) => {
                let (start, end) = (item.get(*start), item.get(*end));
                let day = |slot: Slot| date::parse(slot.text(buffer)).ok();
                match (day(start), day(end)) {
                    (Some(from), Some(to)) => Slot::store(buffer, &format!("{from}/{to}"), end.column),
                    _ => Slot::EMPTY,
                }
            }
            Write::Measure(number, unit) => {
                let (number, unit) = (item.get(*number), item.get(*unit));
                if !number.is_present() {
                    return Slot::EMPTY;
                }
                let text = format!("{} {}", number.text(buffer), unit.text(buffer));
                Slot::store(buffer, text.trim_end(), number.column)
            }
            Write::Since(start) => self.in_effect(buffer, item, attribute, *start).unwrap_or_default(),
            Write::Not(flag) => {
                let flag = item.get(*flag);
                match flag.text(buffer) {
                    "true" => Slot::store(buffer, "false", flag.column),
                    "false" => Slot::store(buffer, "true", flag.column),
                    _ => flag,
                }
            }
            Write::Else(other) => {
                if own.is_present() {
                    own
                } else {
                    item.get(*other)
                }
            }
            Write::Instead(other, start) => self.in_effect(buffer, item, *other, *start).unwrap_or(own),
            Write::Beside(own, other, start) => self.in_effect(buffer, item, *other, *start).map_or(Slot::EMPTY, |_| item.get(*own)),
            Write::OptionName(n) => option(options, *n).map_or(own, |(name, _)| name),
            Write::OptionValue(n) => option(options, *n).map_or(own, |(_, value)| value),
            Write::DimensionsText => {
                let [length, width, height] = self.axes.map(|axis| item.get(axis));
                let unit = item.get(self.unit);
                if ![length, width, height, unit].iter().all(|slot| slot.is_present()) {
                    return Slot::EMPTY;
                }
                let text = |slot: Slot| slot.text(buffer);
                let made = format!("{}x{}x{} {}", text(length), text(width), text(height), text(unit));
                Slot::store(buffer, &made, length.column)
            }
        }
    }

    /// The value of an attribute, unless it takes effect on a later day.
    fn in_effect(&self, buffer: &str, item: &Draft, attribute: AttributeId, start: AttributeId) -> Option<Slot> {
        let later = date::parse(item.get(start).text(buffer)).is_ok_and(|begins| begins > self.today);
        Some(item.get(attribute)).filter(|slot| slot.is_present() && !later)
    }

    /// The options that have no field of their own here, in order.
    fn free_options<'d>(&'d self, buffer: &'d str, item: &'d Draft) -> impl Iterator<Item = &'d (Slot, Slot)> {
        let is_own = |name: &str| synonyms::option_attribute(name).is_some_and(|attribute| self.own_options.contains(&attribute));
        item.options.iter().filter(move |(name, _)| !is_own(name.text(buffer)))
    }

    /// How many options of an item find no field here.
    pub fn lost_options(&self, buffer: &str, item: &Draft) -> usize {
        if self.option_places == 0 || item.options.len() <= self.option_places {
            return 0;
        }
        self.free_options(buffer, item).count().saturating_sub(self.option_places)
    }

    /// The fields that can be filled when `available` attributes may have values: the columns
    /// of the feed. Required fields are always among them.
    pub fn columns(spec: &Spec, available: &HashSet<AttributeId>) -> Vec<FieldId> {
        let has = |attribute: &AttributeId| available.contains(attribute);
        let can = |place: usize| {
            let field = &spec.fields[place];
            if field.written.only_judged {
                return false;
            }
            let required = field.written.requirement == crate::spec::model::Requirement::Required;
            required
                || field.written.when_absent.is_some()
                || match &field.write {
                    Write::None => false,
                    Write::Same | Write::Values(_) | Write::Since(_) => has(&field.attribute),
                    Write::Options => has(&known("variant_dict")),
                    Write::Else(other) | Write::Instead(other, _) => has(&field.attribute) || has(other),
                    Write::Beside(own, other, _) => has(own) && has(other),
                    Write::Range(first, second) => has(first) && has(second),
                    Write::Measure(number, _) => has(number),
                    Write::Not(flag) => has(flag),
                    Write::OptionName(_) | Write::OptionValue(_) => has(&known("variant_dict")) || has(&field.attribute),
                    Write::DimensionsText => has(&known("length")),
                }
        };
        (0..spec.fields.len()).filter(|&place| can(place)).map(|place| FieldId(place as u16)).collect()
    }
}

/// The n-th option, from 1, where there are so many.
fn option(options: &Options, n: usize) -> Option<(Slot, Slot)> {
    n.checked_sub(1).and_then(|place| options.get(place)).copied().flatten()
}
