//! Rules: a spec compiled into checks, and the judgement of a row.
//!
//! Checks of single values run first, cheap ones before costly ones; rules over the fields
//! of the row follow and see what the values turned out to be; what rules over several rows
//! need is reduced to digests. In a build a broken optional value is left out and a broken
//! required one rejects the item; a finished feed is judged as it is.

pub mod across;
mod compile;
pub mod kinds;
mod option_fields;
pub mod registry;
mod repair;
pub mod row;
pub mod structure;
#[cfg(test)]
mod tests;
mod told;

use crate::cell::{Cell, Shape, Slot};
use crate::finding::{Applicability, Fix};
use crate::product::text;
use crate::spec::FieldId;
use crate::spec::terms::{Certainty, Consequence};
use across::{Across, AcrossCheck, Digests};
use kinds::{Defect, FieldSet, ValueCheck};
use repair::Repair;
use row::{RowCheck, View};
use std::sync::Arc;

/// How a row is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// A finished feed: the bytes as they are.
    AsIs,
    /// A row on its way into a feed: safe repairs are made.
    Build,
}

/// A rule that a row breaks. What it means stands in the table; see [`RuleTable::said`].
#[derive(Clone, Debug)]
pub struct Fault {
    /// The place in the table of what is said of it.
    said: u16,
    by: By,
    /// The value, as it was before any repair.
    cell: Cell,
    /// The field to blame.
    pub field: FieldId,
    /// The column its value came from, as it was before any repair.
    pub column: u16,
    /// What is wrong; empty until it was told.
    pub message: String,
    /// The offending value; nothing until it was told.
    pub value: Option<String>,
    /// What was done.
    pub fix: Option<Fix>,
    /// Whether the row leaves the feed for it.
    pub rejects: bool,
}

impl Fault {
    /// Whether the same is said of both.
    pub fn is_like(&self, other: &Self) -> bool {
        (self.said, self.field, self.column) == (other.said, other.field, other.column)
    }
}

/// What found a fault, and can tell what is wrong.
#[derive(Clone, Copy, Debug)]
enum By {
    /// The n-th check of the field.
    Check(u8),
    /// The field is required.
    Missing,
    /// The n-th rule over the fields of a row.
    Row(u16),
    /// The n-th rule over several rows.
    Across(u16),
}

struct Checked {
    check: Box<dyn ValueCheck>,
    about_controls: bool,
    /// By defect: what is said of it.
    said: Vec<(&'static str, u16)>,
}

/// Whether a row stays out of a feed for it: a value that makes the target refuse the whole file
/// must not get into it either.
fn is_refused(consequence: Consequence) -> bool {
    matches!(consequence, Consequence::RowRejected | Consequence::FileRefused)
}

/// What is said of a fault, whatever the row; made once, shared by all its findings.
#[derive(Debug)]
pub struct Said {
    /// `attribute/defect`.
    pub code: Arc<str>,
    /// Why it matters.
    pub why: Arc<str>,
    /// What to do.
    pub hint: Arc<str>,
    /// What the target does.
    pub consequence: Consequence,
    /// How well that is known.
    pub certainty: Certainty,
    /// Whether a row leaves the feed for it.
    rejects: bool,
}

struct FieldRules {
    attribute: Arc<str>,
    checks: Vec<Checked>,
    /// Whether a value that passed may be passed again unseen.
    repeatable: bool,
    /// What is said where the value is missing, if anything.
    missing: Option<u16>,
    required: bool,
    truncate: Option<usize>,
}

impl FieldRules {
    /// The first defect that the checks find in a value, from the n-th check on, and which found it.
    fn defect(
        &self,
        from: usize,
        cell: Cell,
        buffer: &str,
        field: usize,
        free_of_controls: bool,
        facts: &mut kinds::RowFacts,
    ) -> Option<(usize, Defect)> {
        let value = cell.text(buffer);
        for (number, checked) in self.checks.get(from..)?.iter().enumerate() {
            if free_of_controls && checked.about_controls {
                continue;
            }
            if let Err(defect) = checked.check.check(value, cell.shape, field, facts) {
                return Some((from + number, defect));
            }
        }
        None
    }
}

struct RowRule {
    check: Box<dyn RowCheck>,
    /// Fields without which no row can break the rule.
    needs: FieldSet,
    said: u16,
    what: String,
    repair: Repair,
    mentioned: Vec<FieldId>,
}

struct AcrossRule {
    check: AcrossCheck,
    said: u16,
    what: String,
    blamed: FieldId,
    of_group: bool,
}

/// The rules of one spec, ready to run.
pub struct RuleTable {
    fields: Vec<FieldRules>,
    /// The fields whose absence is a fault.
    needed: FieldSet,
    said: Vec<Said>,
    names: Vec<String>,
    row: Vec<RowRule>,
    /// By field: the rules over the fields of a row that look at it, by number.
    readers: Vec<u128>,
    across: Vec<AcrossRule>,
    exempt: Option<(FieldId, String, Vec<FieldId>)>,
    item: Option<FieldId>,
    group: Option<FieldId>,
    sale: Option<(FieldId, FieldId)>,
    /// Whether a build writes what bad values were probably meant to be.
    suggests: bool,
}

pub use kinds::RowFactsBox as Facts;

impl RuleTable {
    /// How many fields the spec has.
    pub fn width(&self) -> usize {
        self.fields.len()
    }

    /// The catalog attribute of a field, by name.
    pub fn attribute(&self, field: FieldId) -> &Arc<str> {
        &self.fields[field.index()].attribute
    }

    /// The field that holds the item's id.
    pub fn item_field(&self) -> Option<FieldId> {
        self.item
    }

    /// The field that holds the group's id.
    pub fn group_field(&self) -> Option<FieldId> {
        self.group
    }

    /// What is said of a fault, whatever the row.
    pub fn said(&self, fault: &Fault) -> &Said {
        &self.said[usize::from(fault.said)]
    }

    fn fault(&self, said: u16, by: By, field: FieldId, slot: Slot) -> Fault {
        let rejects = self.said[usize::from(said)].rejects;
        Fault { said, by, cell: slot.cell, field, column: slot.column, message: String::new(), value: None, fix: None, rejects }
    }

    /// Judges a row; returns whether it is accepted. What is wrong is said where [`Self::tell`]
    /// is asked for it, but for what a build repairs of several fields: there `slots` change.
    pub fn judge(&self, buffer: &mut String, slots: &mut [Slot], facts: &mut Facts, mode: Mode, faults: &mut Vec<Fault>) -> bool {
        facts.reset(self.fields.len());
        facts.row.present = FieldSet::present(slots);
        let before = facts.before.take();
        if let Some(needs) = self.needs_of_exempt(buffer, slots) {
            let missing = needs.iter().filter(|need| !slots[need.index()].is_present());
            let before = faults.len();
            faults.extend(missing.filter_map(|&need| self.missing(need)));
            return faults.len() == before;
        }
        let mut accepted = true;
        let repeated = facts.repeated(slots, buffer);
        let present = facts.row.present;
        // What the row before kept is kept by values that are the same.
        let changed = before.map(|before| present.or(before).without(present.and(before).and(repeated)));
        let mut left = changed.map_or(u128::MAX, |changed| self.readers(changed) | facts.broken);
        for place in present.without(repeated).or(self.needed.without(present)).places() {
            let rules = &self.fields[place];
            let slot = slots[place];
            if !slot.is_present() {
                if let Some(fault) = self.missing(FieldId(place as u16)) {
                    accepted &= !fault.rejects;
                    faults.push(fault);
                }
                continue;
            }
            facts.forget(place);
            // What a build makes of values may bring characters that the batch did not have.
            let free_of_controls = facts.is_free_of_controls && (mode == Mode::AsIs || slot.cell.end() <= facts.read);
            let known = facts.failed(FieldId(place as u16), slot.cell, buffer);
            match known.or_else(|| rules.defect(0, slot.cell, buffer, place, free_of_controls, &mut facts.row)) {
                None if rules.repeatable => facts.passed(place, slot.cell),
                None => {}
                Some(found) => accepted &= self.wrong(found, place, free_of_controls, buffer, slots, facts, mode, faults),
            }
        }
        if cfg!(debug_assertions) {
            self.look_at_no_other_fields(left, &View { buffer, slots, facts: &facts.row });
        }
        facts.broken = 0;
        while let Some(rule) = self.row.get(left.trailing_zeros() as usize) {
            let number = left.trailing_zeros() as usize;
            left &= left - 1;
            if !facts.row.present.has_all(rule.needs) {
                continue;
            }
            let view = View { buffer, slots, facts: &facts.row };
            let Some(field) = rule.check.broken(&view) else { continue };
            facts.broken |= kinds::bit(number);
            let mut fault = self.fault(rule.said, By::Row(number as u16), field, slots[field.index()]);
            if mode == Mode::Build {
                self.tell(&mut fault, buffer, slots);
                if rule.repair.is_any() {
                    let repaired = self.repair(rule, buffer, slots, facts);
                    // The rules behind this one, which see other values now.
                    left |= self.readers(repaired) & u128::MAX.checked_shl(number as u32 + 1).unwrap_or(0);
                    fault.fix = Some(Fix {
                        applicability: Applicability::Safe,
                        value: rule.repair.set.first().map(|(_, value)| value.clone()),
                        applied: true,
                    });
                    fault.rejects = false;
                }
            }
            accepted &= !fault.rejects;
            faults.push(fault);
        }
        facts.before = Some(facts.row.present);
        accepted
    }

    /// What a row must have all the same that nothing else is asked of; nothing for other rows.
    fn needs_of_exempt(&self, buffer: &str, slots: &[Slot]) -> Option<&[FieldId]> {
        let (field, value, needs) = self.exempt.as_ref()?;
        (slots.get(field.index())?.text(buffer) == value).then_some(needs)
    }

    /// The rules over the fields of a row that look at any of these.
    fn readers(&self, fields: FieldSet) -> u128 {
        let mut rules = 0;
        for place in fields.places() {
            rules |= self.readers[place];
        }
        rules
    }

    /// Makes sure that the rules which are not asked would not be broken.
    fn look_at_no_other_fields(&self, asked: u128, view: &View<'_>) {
        for (number, rule) in self.row.iter().enumerate().filter(|(number, _)| asked & kinds::bit(*number) == 0) {
            assert!(rule.check.broken(view).is_none(), "`{}`, rule {number}, looks at other fields than it names", rule.what);
        }
    }

    /// Records what is wrong with a value, of which the first was found; returns whether the row is
    /// accepted all the same.
    #[cold]
    #[expect(clippy::too_many_arguments, reason = "what judging a row works with, for the few values that are wrong")]
    fn wrong(
        &self,
        found: (usize, Defect),
        place: usize,
        free_of_controls: bool,
        buffer: &mut String,
        slots: &mut [Slot],
        facts: &mut Facts,
        mode: Mode,
        faults: &mut Vec<Fault>,
    ) -> bool {
        let rules = &self.fields[place];
        let (mut accepted, mut next) = (true, Some(found));
        while let Some((number, defect)) = next {
            // Every kind documents every defect it finds, which a test shows.
            let said = rules.checks[number].said.iter().find(|(name, _)| *name == defect.name);
            debug_assert!(said.is_some(), "`{}` stands in the list of its kind", defect.name);
            if let Some((_, said)) = said {
                let fault = self.fault(*said, By::Check(number as u8), FieldId(place as u16), slots[place]);
                let cell = fault.cell;
                let is_ignored = self.said(&fault).consequence == Consequence::ValueIgnored;
                let gone = self.value_fault(fault, defect, buffer, slots, mode, faults);
                accepted &= !faults.last().is_some_and(|fault| fault.rejects);
                if gone {
                    // Where an advice came first, later checks need what earlier ones left behind.
                    if rules.repeatable && number == found.0 {
                        facts.keep_failed(FieldId(place as u16), cell, found);
                    }
                    facts.row.parsed[place] = kinds::Parsed::Nothing;
                    // A value that the target treats as not given is none to its rules either.
                    facts.row.present.set(place, slots[place].is_present() && !is_ignored);
                    break;
                }
            }
            next = rules.defect(number + 1, slots[place].cell, buffer, place, free_of_controls, &mut facts.row);
        }
        accepted
    }

    /// Records a bad value; returns whether later checks of the field make no sense.
    fn value_fault(
        &self,
        mut fault: Fault,
        defect: Defect,
        buffer: &mut String,
        slots: &mut [Slot],
        mode: Mode,
        faults: &mut Vec<Fault>,
    ) -> bool {
        let place = fault.field.index();
        let rules = &self.fields[place];
        let is_advice = self.said(&fault).consequence == Consequence::Advice;
        if mode == Mode::Build && !is_advice {
            let value = slots[place].text(buffer);
            let shorter = match (fault.by, rules.truncate) {
                (_, Some(limit)) if defect.name == "too-long" => Some(text::truncate(value, limit).to_owned()),
                (By::Check(number), _) => rules.checks[usize::from(number)].check.shortened(value),
                _ => None,
            };
            if let Some(shorter) = shorter.filter(|shorter| !shorter.is_empty()) {
                slots[place].cell = Cell::store(buffer, &shorter, Shape::Text);
                fault.fix = Some(Fix { applicability: Applicability::Safe, value: Some(shorter), applied: true });
                fault.rejects = false;
                faults.push(fault);
                return false;
            }
            if self.suggests
                && let Some(meant) = self.suggestion(&fault, buffer)
            {
                slots[place].cell = Cell::store(buffer, &meant, Shape::Text);
                fault.fix = Some(Fix { applicability: Applicability::Suggested, value: Some(meant), applied: true });
                fault.rejects = false;
                faults.push(fault);
                return false;
            }
            if !rules.required {
                slots[place] = Slot::EMPTY;
                fault.fix = Some(Fix { applicability: Applicability::Safe, value: None, applied: true });
                fault.rejects = false;
            }
        }
        faults.push(fault);
        !is_advice
    }

    /// Lets a build write what bad values were probably meant to be.
    pub fn suggesting(&mut self, suggests: bool) {
        self.suggests = suggests;
    }

    fn missing(&self, field: FieldId) -> Option<Fault> {
        let rules = &self.fields[field.index()];
        let mut fault = self.fault(rules.missing?, By::Missing, field, Slot::EMPTY);
        fault.rejects |= rules.required;
        Some(fault)
    }

    /// What the rules over several rows keep of an accepted row.
    pub fn digests(&self, buffer: &str, slots: &[Slot], facts: &mut Facts, out: &mut Digests) {
        // Of a row that is exempt, the target reads who it is.
        let is_exempt = self.needs_of_exempt(buffer, slots).is_some();
        let group = self.group.filter(|_| !is_exempt);
        let group = group.and_then(|field| facts.group_key(slots[field.index()].cell, buffer));
        out.push_group(group);
        for (place, rule) in self.across.iter().enumerate() {
            let view = View { buffer, slots, facts: &facts.row };
            match &rule.check {
                AcrossCheck::Once(key) if is_exempt && key.field() != self.item => {
                    out.push_key(None, None);
                }
                AcrossCheck::Once(key) => {
                    let text = key.field().map(|field| slots[field.index()].text(buffer));
                    out.push_key(key.key(&view, group), text);
                }
                AcrossCheck::OfGroup { .. } if group.is_none() => out.values.push(0),
                AcrossCheck::OfGroup { value, .. } => {
                    let cell = value.field().map(|field| slots[field.index()].cell);
                    let known = cell.and_then(|cell| facts.known_value(place, cell, buffer));
                    let found = known.unwrap_or_else(|| value.value(&view));
                    if let (Some(cell), None) = (cell, known) {
                        facts.keep_value(place, cell, found);
                    }
                    out.values.push(found);
                }
            }
            out.blamed.push(slots[rule.blamed.index()].column);
        }
    }

    /// The feed's half of the rules over several rows, which may take so many bytes of memory.
    pub fn across(&self, memory: usize) -> Across {
        Across::new(self.across.iter().map(|rule| (&rule.check, self.said[usize::from(rule.said)].rejects)), memory)
    }

    /// The fault of a row that breaks the n-th rule over several rows, and whether it is
    /// about a group.
    pub fn across_fault(&self, place: usize) -> (Fault, bool) {
        let rule = &self.across[place];
        let mut fault = self.fault(rule.said, By::Across(place as u16), rule.blamed, Slot::EMPTY);
        self.tell(&mut fault, "", &[]);
        (fault, rule.of_group)
    }
}
