//! Rules: a spec compiled into checks, and the judgement of a row.
//!
//! Checks of single values run first, cheap ones before costly ones; rules over the fields
//! of the row follow and see what the values turned out to be; what rules over several rows
//! need is reduced to digests. In a build a broken optional value is left out and a broken
//! required one rejects the item; a finished feed is judged as it is.

pub mod across;
pub mod kinds;
pub mod registry;
pub mod row;

use crate::cell::{Cell, Shape, Slot};
use crate::finding::{Applicability, Fix};
use crate::product::attribute::{Attributes, known};
use crate::product::text;
use crate::product::text_distance::nearest;
use crate::spec::model::{Certainty, Consequence, RuleFile};
use crate::spec::{FieldId, Spec, SpecError};
use across::{AcrossCheck, Digest, Ledger};
use kinds::{Defect, DefectDoc, ValueCheck};
use row::{Names, RowCheck, View};
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
    consequence: Consequence,
    said: Vec<Said>,
}

/// What is said of one defect of one field; made once, shared by all its findings.
struct Said {
    defect: &'static str,
    code: Arc<str>,
    why: Arc<str>,
    hint: Arc<str>,
}

impl Said {
    fn new(attribute: &str, doc: &DefectDoc) -> Self {
        Self { defect: doc.name, code: format!("{attribute}/{}", doc.name).into(), why: doc.why.into(), hint: doc.fix.into() }
    }
}

struct FieldRules {
    attribute: Arc<str>,
    checks: Vec<Checked>,
    missing: Option<Consequence>,
    said_missing: Said,
    required: bool,
    truncate: Option<usize>,
    certainty: Certainty,
}

#[derive(Debug, Default)]
struct Repair {
    omit: Vec<FieldId>,
    set: Vec<(FieldId, String)>,
    fold_sale: bool,
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
    words: Words,
    repair: Repair,
    mentioned: Vec<FieldId>,
}

struct AcrossRule {
    check: Box<dyn AcrossCheck>,
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
    /// Compiles a spec. `today` is the day that dates are compared with.
    pub fn compile(spec: &Spec, today: jiff::civil::Date) -> Result<Self, SpecError> {
        let attributes = Attributes::shared();
        let error = |file: &str, name: &str, message: String| SpecError::File {
            file: format!("schemas/{}/{}/{file}", spec.identity.target, spec.identity.version),
            line: 1,
            message: format!("`{name}`: {message}"),
        };
        let mut fields = Vec::with_capacity(spec.fields.len());
        for field in &spec.fields {
            let fault = |message: String| error("attributes.toml", &field.name, message);
            let written = &field.written;
            let kind = registry::type_kind(&written.kind).ok_or_else(|| {
                let words = registry::VALUE_KINDS.iter().map(|kind| kind.name);
                let near = nearest(&written.kind, words).map(|near| format!("; did you mean `{near}`?"));
                fault(format!("`{}` is no type{}", written.kind, near.unwrap_or_default()))
            })?;
            let mut checks = Vec::new();
            for kind in [kind].into_iter().chain(registry::bounds()) {
                if let Some(check) = (kind.compile)(written, today).map_err(fault)? {
                    let consequence = if (kind.advice)(written) { Consequence::Advice } else { written.consequence_invalid };
                    let said = kind.defects.iter().map(|doc| Said::new(attributes.name(field.attribute), doc));
                    checks.push(Checked { check, consequence, said: said.collect() });
                }
            }
            let required = written.requirement == crate::spec::model::Requirement::Required;
            fields.push(FieldRules {
                attribute: attributes.name(field.attribute).into(),
                checks,
                said_missing: Said::new(attributes.name(field.attribute), &registry::MISSING),
                missing: required.then(|| written.consequence_missing.unwrap_or(Consequence::Unspecified)),
                required,
                truncate: written.truncate.then_some(written.max_length).flatten(),
                certainty: written.certainty,
            });
        }
        let mut table = Self {
            fields,
            names: spec.fields.iter().map(|field| field.name.clone()).collect(),
            row: Vec::new(),
            across: Vec::new(),
            exempt: None,
            item: spec.field_of(known("item_id")),
            group: spec.field_of(known("group_id")),
            sale: spec.field_of(known("sale_price")).zip(spec.field_of(known("price"))),
        };
        let names = Names { spec };
        for rule in &spec.rules {
            table.add(rule, &names).map_err(|message| error("rules.toml", &rule.code, message))?;
        }
        if let Some(exempt) = &spec.identity.row_exempt {
            let fault = |message| error("spec.toml", "row_exempt", message);
            let field = names.field(&exempt.attribute).map_err(fault)?;
            table.exempt = Some((field, exempt.value.clone(), names.fields(&exempt.needs).map_err(fault)?));
        }
        Ok(table)
    }

    fn add(&mut self, rule: &RuleFile, names: &Names<'_>) -> Result<(), String> {
        let words = Words {
            code: rule.code.as_str().into(),
            what: rule.what.clone(),
            why: rule.refuse.as_ref().map_or_else(|| rule.why.clone(), |refuse| format!("{}; {refuse}", rule.why)).into(),
            fix: rule.fix.as_str().into(),
            consequence: rule.consequence,
            certainty: rule.certainty,
            refuse: rule.refuse.is_some(),
        };
        let (attribute, defect) = rule.code.split_once('/').ok_or("a code is `attribute/defect`")?;
        if Attributes::shared().id(attribute).is_none() || defect.is_empty() {
            return Err(format!("`{attribute}` in the code is no catalog attribute"));
        }
        if let Some(kind) = registry::ROW_KINDS.iter().find(|kind| kind.name == rule.kind) {
            let check = (kind.compile)(rule, names)?;
            let mut repair = Repair::default();
            if let Some(written) = &rule.repair {
                repair.omit = names.fields(&written.omit)?;
                repair.fold_sale = written.fold_sale;
                for (name, value) in &written.set {
                    repair.set.push((names.field(name)?, value.clone()));
                }
            }
            let mentioned = rule.attributes.iter().chain(&rule.all).chain(rule.when.keys()).chain(rule.then.keys());
            let mut mentioned: Vec<FieldId> = mentioned.map(|name| names.field(name)).collect::<Result<_, _>>()?;
            mentioned.dedup();
            self.row.push(RowRule { check, words, repair, mentioned });
            return Ok(());
        }
        if let Some(kind) = registry::ACROSS_KINDS.iter().find(|kind| kind.name == rule.kind) {
            let check = (kind.compile)(rule, names)?;
            let last = rule.attributes.last().map(|name| names.field(name)).transpose()?;
            // A rule about a group and its options is blamed on the options, any other on its attribute.
            let first = if rule.kind.contains("option") && rule.attributes.len() == 2 {
                last
            } else {
                names.fields(&rule.attributes)?.first().copied()
            };
            let blamed = names.blamed(rule, first)?;
            self.across.push(AcrossRule { check, words, blamed, of_group: !matches!(rule.kind.as_str(), "unique") });
            return Ok(());
        }
        let words = registry::ROW_KINDS.iter().map(|kind| kind.name).chain(registry::ACROSS_KINDS.iter().map(|kind| kind.name));
        let near = nearest(&rule.kind, words).map(|near| format!("; did you mean `{near}`?"));
        Err(format!("`{}` is no kind of rule{}", rule.kind, near.unwrap_or_default()))
    }

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
            faults.extend(missing.map(|&need| self.missing(need, Consequence::RowRejected)));
            return faults.len() == before;
        }
        let mut accepted = true;
        for (place, rules) in self.fields.iter().enumerate() {
            let slot = slots[place];
            if !slot.is_present() {
                if let Some(consequence) = rules.missing {
                    faults.push(self.missing(FieldId(place as u16), consequence));
                    accepted = false;
                }
                continue;
            }
            for checked in &rules.checks {
                let value = slots[place].text(buffer);
                let Err(defect) = checked.check.check(value, slot.cell.shape, place, &mut facts.0) else { continue };
                let gone = self.value_fault(place, checked, *defect, buffer, slots, mode, faults);
                accepted &= !faults.last().is_some_and(|fault| fault.rejects);
                if gone {
                    facts.0.parsed[place] = kinds::Parsed::Nothing;
                    break;
                }
            }
        }
        for rule in &self.row {
            let view = View { buffer, slots, facts: &facts.0 };
            let Some(field) = rule.check.broken(&view) else { continue };
            let mut fault = rule.fault(field, &view, &self.names, mode);
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
        let said = checked.said.iter().find(|said| said.defect == defect.name).unwrap_or(&rules.said_missing);
        let value = slots[place].text(buffer);
        let mut fault = Fault {
            code: Arc::clone(&said.code),
            consequence: checked.consequence,
            certainty: rules.certainty,
            field: FieldId(place as u16),
            message: defect.message,
            why: Arc::clone(&said.why),
            hint: Arc::clone(&said.hint),
            value: Some(text::excerpt(value, 200)),
            fix: None,
            rejects: checked.consequence == Consequence::RowRejected,
        };
        if mode == Mode::Build && checked.consequence != Consequence::Advice {
            let shorter = rules.truncate.filter(|_| defect.name == "too-long").map(|limit| text::truncate(value, limit).to_owned());
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
        checked.consequence != Consequence::Advice
    }

    fn missing(&self, field: FieldId, consequence: Consequence) -> Fault {
        let rules = &self.fields[field.index()];
        Fault {
            code: Arc::clone(&rules.said_missing.code),
            consequence,
            certainty: rules.certainty,
            field,
            message: format!("`{}` is missing", self.names[field.index()]),
            why: Arc::clone(&rules.said_missing.why),
            hint: Arc::clone(&rules.said_missing.hint),
            value: None,
            fix: None,
            rejects: true,
        }
    }

    fn repair(&self, rule: &RowRule, buffer: &mut String, slots: &mut [Slot], facts: &mut Facts) {
        for &field in &rule.repair.omit {
            slots[field.index()] = Slot::EMPTY;
            facts.0.parsed[field.index()] = kinds::Parsed::Nothing;
        }
        for (field, value) in &rule.repair.set {
            slots[field.index()].cell = Cell::store(buffer, value, Shape::Text);
        }
        if let Some((sale, price)) = self.sale.filter(|_| rule.repair.fold_sale) {
            slots[price.index()] = slots[sale.index()];
            slots[sale.index()] = Slot::EMPTY;
            facts.0.parsed[price.index()] = std::mem::take(&mut facts.0.parsed[sale.index()]);
        }
    }

    /// What the rules over several rows keep of an accepted row.
    pub fn digests(&self, buffer: &str, slots: &[Slot], facts: &Facts, out: &mut Vec<Option<Digest>>) {
        let view = View { buffer, slots, facts: &facts.0 };
        out.extend(self.across.iter().map(|rule| rule.check.digest(&view)));
    }

    /// How many rules there are over several rows.
    pub fn across_count(&self) -> usize {
        self.across.len()
    }

    /// The fields that rules over several rows blame, in their order.
    pub fn across_blamed(&self) -> impl Iterator<Item = FieldId> {
        self.across.iter().map(|rule| rule.blamed)
    }

    /// Empty ledgers for a feed, one for each rule over several rows.
    pub fn ledgers(&self) -> Vec<Box<dyn Ledger>> {
        self.across.iter().map(|rule| rule.check.ledger()).collect()
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
    fn fault(&self, field: FieldId, message: String, value: Option<String>) -> Fault {
        Fault {
            code: Arc::clone(&self.code),
            consequence: self.consequence,
            certainty: self.certainty,
            field,
            message,
            why: Arc::clone(&self.why),
            hint: Arc::clone(&self.fix),
            value,
            fix: None,
            rejects: self.refuse || self.consequence == Consequence::RowRejected,
        }
    }
}

impl RowRule {
    fn fault(&self, field: FieldId, row: &View<'_>, names: &[String], _: Mode) -> Fault {
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
        self.fold_sale || !self.omit.is_empty() || !self.set.is_empty()
    }
}
