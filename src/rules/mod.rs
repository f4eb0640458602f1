//! Rules: a spec compiled into checks, and the judgement of a row.
//!
//! Checks of single values run first, cheap ones before costly ones; rules over the fields
//! of the row follow and see what the values turned out to be; what rules over several rows
//! need is reduced to digests. In a build a broken optional value is left out and a broken
//! required one rejects the item; a finished feed is judged as it is.

pub mod across;
mod compile;
pub mod kinds;
pub mod registry;
pub mod row;
pub mod structure;

use crate::cell::{Cell, NO_COLUMN, Shape, Slot};
use crate::finding::{Applicability, Fix};
use crate::product::text;
use crate::spec::FieldId;
use crate::spec::model::{Certainty, Consequence};
use across::{Across, AcrossCheck, Digests};
use kinds::{Defect, FieldSet, ValueCheck};
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

/// A rule that a row breaks.
#[derive(Clone, Debug)]
pub struct Fault {
    /// `attribute/defect`.
    pub code: Arc<str>,
    /// What the target does.
    pub consequence: Consequence,
    /// How well that is known.
    pub certainty: Certainty,
    /// The field to blame.
    pub field: FieldId,
    /// The column its value came from, as it was before any repair.
    pub column: u16,
    /// What is wrong.
    pub message: String,
    /// Why it matters.
    pub why: Arc<str>,
    /// What to do.
    pub hint: Arc<str>,
    /// The offending value.
    pub value: Option<String>,
    /// What was done.
    pub fix: Option<Fix>,
    /// Whether the row leaves the feed for it.
    pub rejects: bool,
}

struct Checked {
    check: Box<dyn ValueCheck>,
    about_controls: bool,
    said: Vec<Said>,
}

impl Checked {
    /// The fault that a defect of a value is.
    fn fault(&self, field: FieldId, defect: Defect, value: &str) -> Option<Fault> {
        let said = self.said.iter().find(|said| said.defect == defect.name)?;
        Some(said.fault(field, defect.message, Some(text::excerpt(value, 200))))
    }
}

/// Whether a row stays out of a feed for it: a value that makes the target refuse the whole file
/// must not get into it either.
fn is_refused(consequence: Consequence) -> bool {
    matches!(consequence, Consequence::RowRejected | Consequence::FileRefused)
}

/// What is said of one defect of one field; made once, shared by all its findings.
struct Said {
    defect: &'static str,
    code: Arc<str>,
    why: Arc<str>,
    hint: Arc<str>,
    consequence: Consequence,
    certainty: Certainty,
}

impl Said {
    fn fault(&self, field: FieldId, message: String, value: Option<String>) -> Fault {
        Fault {
            code: Arc::clone(&self.code),
            consequence: self.consequence,
            certainty: self.certainty,
            field,
            column: NO_COLUMN,
            message,
            why: Arc::clone(&self.why),
            hint: Arc::clone(&self.hint),
            value,
            fix: None,
            rejects: is_refused(self.consequence),
        }
    }
}

struct FieldRules {
    attribute: Arc<str>,
    checks: Vec<Checked>,
    /// Whether a value that passed may be passed again unseen.
    repeatable: bool,
    missing: Option<Said>,
    required: bool,
    truncate: Option<usize>,
}

#[derive(Debug, Default)]
struct Repair {
    omit: Vec<FieldId>,
    set: Vec<(FieldId, String)>,
    fold_sale: bool,
    fold: Option<(FieldId, FieldId)>,
}

/// The words of a rule, shared by its findings.
#[derive(Debug)]
struct Words {
    code: Arc<str>,
    what: String,
    why: Arc<str>,
    fix: Arc<str>,
    consequence: Consequence,
    certainty: Certainty,
    refuse: bool,
}

struct RowRule {
    check: Box<dyn RowCheck>,
    /// Fields without which no row can break the rule.
    needs: FieldSet,
    words: Words,
    repair: Repair,
    mentioned: Vec<FieldId>,
}

struct AcrossRule {
    check: AcrossCheck,
    words: Words,
    blamed: FieldId,
    of_group: bool,
}

/// The rules of one spec, ready to run.
pub struct RuleTable {
    fields: Vec<FieldRules>,
    names: Vec<String>,
    row: Vec<RowRule>,
    across: Vec<AcrossRule>,
    exempt: Option<(FieldId, String, Vec<FieldId>)>,
    item: Option<FieldId>,
    group: Option<FieldId>,
    sale: Option<(FieldId, FieldId)>,
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

    /// Judges a row; returns whether it is accepted. In a build, repairs change `slots`.
    pub fn judge(&self, buffer: &mut String, slots: &mut [Slot], facts: &mut Facts, mode: Mode, faults: &mut Vec<Fault>) -> bool {
        facts.reset(self.fields.len());
        if let Some((field, value, needs)) = &self.exempt
            && slots.get(field.index()).is_some_and(|slot| slot.text(buffer) == value)
        {
            let missing = needs.iter().filter(|need| !slots[need.index()].is_present());
            let before = faults.len();
            faults.extend(missing.filter_map(|&need| self.missing(need)));
            return faults.len() == before;
        }
        // What a build makes of values may bring characters that the batch did not have.
        let free_of_controls = mode == Mode::AsIs && facts.is_free_of_controls;
        let mut accepted = true;
        for (place, rules) in self.fields.iter().enumerate() {
            let slot = slots[place];
            if !slot.is_present() {
                facts.row.parsed[place] = kinds::Parsed::Nothing;
                if rules.missing.is_some()
                    && let Some(fault) = self.missing(FieldId(place as u16))
                {
                    accepted &= !fault.rejects;
                    faults.push(fault);
                }
                continue;
            }
            facts.row.present.set(place, true);
            if facts.passes_again(place, slot.cell, buffer) {
                continue;
            }
            facts.row.parsed[place] = kinds::Parsed::Nothing;
            let before = faults.len();
            for checked in &rules.checks {
                if checked.about_controls && free_of_controls {
                    continue;
                }
                let value = slots[place].text(buffer);
                let Err(defect) = checked.check.check(value, slot.cell.shape, place, &mut facts.row) else { continue };
                let gone = self.value_fault(place, checked, *defect, buffer, slots, mode, faults);
                accepted &= !faults.last().is_some_and(|fault| fault.rejects);
                if gone {
                    facts.row.parsed[place] = kinds::Parsed::Nothing;
                    facts.row.present.set(place, slots[place].is_present());
                    break;
                }
            }
            if rules.repeatable && faults.len() == before {
                facts.passed(place, slot.cell);
            }
        }
        for rule in &self.row {
            if !facts.row.present.has_all(&rule.needs) {
                continue;
            }
            let view = View { buffer, slots, facts: &facts.row };
            let Some(field) = rule.check.broken(&view) else { continue };
            let mut fault = rule.fault(field, &view, &self.names);
            fault.column = slots[field.index()].column;
            if mode == Mode::Build && rule.repair.is_any() {
                self.repair(rule, buffer, slots, facts);
                fault.fix = Some(Fix {
                    applicability: Applicability::Safe,
                    value: rule.repair.set.first().map(|(_, value)| value.clone()),
                    applied: true,
                });
                fault.rejects = false;
            }
            accepted &= !fault.rejects;
            faults.push(fault);
        }
        accepted
    }

    /// Records a bad value; returns whether later checks of the field make no sense.
    #[expect(clippy::too_many_arguments, reason = "one call site; the parts of a row are borrowed apart")]
    fn value_fault(
        &self,
        place: usize,
        checked: &Checked,
        defect: Defect,
        buffer: &mut String,
        slots: &mut [Slot],
        mode: Mode,
        faults: &mut Vec<Fault>,
    ) -> bool {
        let rules = &self.fields[place];
        let is_too_long = defect.name == "too-long";
        let value = slots[place].text(buffer);
        // Every kind documents every defect it finds, which a test shows.
        let Some(mut fault) = checked.fault(FieldId(place as u16), defect, value) else { return false };
        fault.column = slots[place].column;
        let is_advice = fault.consequence == Consequence::Advice;
        if mode == Mode::Build && !is_advice {
            let shorter = rules.truncate.filter(|_| is_too_long).map(|limit| text::truncate(value, limit).to_owned());
            if let Some(shorter) = shorter.filter(|shorter| !shorter.is_empty()) {
                slots[place].cell = Cell::store(buffer, &shorter, Shape::Text);
                fault.fix = Some(Fix { applicability: Applicability::Safe, value: Some(shorter), applied: true });
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

    fn missing(&self, field: FieldId) -> Option<Fault> {
        let rules = &self.fields[field.index()];
        let said = rules.missing.as_ref()?;
        let mut fault = said.fault(field, format!("`{}` is missing", self.names[field.index()]), None);
        fault.rejects |= rules.required;
        Some(fault)
    }

    fn repair(&self, rule: &RowRule, buffer: &mut String, slots: &mut [Slot], facts: &mut Facts) {
        for &field in &rule.repair.omit {
            slots[field.index()] = Slot::EMPTY;
            facts.row.parsed[field.index()] = kinds::Parsed::Nothing;
            facts.row.present.set(field.index(), false);
        }
        for (field, value) in &rule.repair.set {
            slots[field.index()].cell = Cell::store(buffer, value, Shape::Text);
            facts.row.present.set(field.index(), slots[field.index()].is_present());
        }
        if let Some((from, to)) = self.sale.filter(|_| rule.repair.fold_sale).or(rule.repair.fold) {
            slots[to.index()] = slots[from.index()];
            slots[from.index()] = Slot::EMPTY;
            facts.row.parsed[to.index()] = std::mem::take(&mut facts.row.parsed[from.index()]);
            facts.row.present.set(to.index(), slots[to.index()].is_present());
            facts.row.present.set(from.index(), false);
        }
    }

    /// What the rules over several rows keep of an accepted row.
    pub fn digests(&self, buffer: &str, slots: &[Slot], facts: &mut Facts, out: &mut Digests) {
        let group = self.group.and_then(|field| facts.group_key(slots[field.index()].cell, buffer));
        out.groups.push(group);
        for (place, rule) in self.across.iter().enumerate() {
            let view = View { buffer, slots, facts: &facts.row };
            match &rule.check {
                AcrossCheck::Once(key) => out.keys.push(key.key(&view, group)),
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
        Across::new(self.across.iter().map(|rule| (&rule.check, rule.words.refuses())), memory)
    }

    /// The fault of a row that breaks the n-th rule over several rows, and whether it is
    /// about a group.
    pub fn across_fault(&self, place: usize) -> (Fault, bool) {
        let rule = &self.across[place];
        let words = &rule.words;
        let fault = words.fault(rule.blamed, words.what.clone(), None);
        (fault, rule.of_group)
    }
}

impl Words {
    /// Whether a row leaves the feed for breaking the rule.
    fn refuses(&self) -> bool {
        self.refuse || is_refused(self.consequence)
    }

    fn fault(&self, field: FieldId, message: String, value: Option<String>) -> Fault {
        Fault {
            code: Arc::clone(&self.code),
            consequence: self.consequence,
            certainty: self.certainty,
            field,
            column: NO_COLUMN,
            message,
            why: Arc::clone(&self.why),
            hint: Arc::clone(&self.fix),
            value,
            fix: None,
            rejects: self.refuses(),
        }
    }
}

impl RowRule {
    fn fault(&self, field: FieldId, row: &View<'_>, names: &[String]) -> Fault {
        let present = self.mentioned.iter().filter(|&&field| row.is_present(field));
        let values: Vec<String> =
            present.take(3).map(|&field| format!("{} = `{}`", names[field.index()], text::excerpt(row.text(field), 40))).collect();
        let message = if values.is_empty() { self.words.what.clone() } else { format!("{} ({})", self.words.what, values.join(", ")) };
        let value = Some(row.text(field)).filter(|value| !value.is_empty()).map(|value| text::excerpt(value, 200));
        self.words.fault(field, message, value)
    }
}

impl Repair {
    fn is_any(&self) -> bool {
        self.fold_sale || self.fold.is_some() || !self.omit.is_empty() || !self.set.is_empty()
    }
}
