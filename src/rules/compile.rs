//! A spec compiled into a rule table: every word of its folder finds the kind that reads it, or
//! is an error at the line where it stands.

use super::across::{AcrossCheck, MOST_RULES};
use super::kinds::{FieldSet, bit};
use super::registry::{self, Outcome};
use super::row::Names;
use super::structure;
use super::{AcrossRule, Checked, FieldRules, Repair, RowRule, RuleTable, Said, is_refused};
use crate::product::attribute::{Attributes, known};
use crate::product::text_distance::nearest;
use crate::spec::model::{Requirement, RuleFile};
use crate::spec::terms::{Clause, with_dispute};
use crate::spec::{Field, FieldId, Spec, SpecError};

impl Said {
    fn new(attribute: &str, outcome: &Outcome<'_>) -> Self {
        let doc = outcome.doc;
        Self {
            code: format!("{attribute}/{}", doc.name).into(),
            why: outcome.why().into(),
            hint: doc.fix.into(),
            consequence: outcome.consequence,
            certainty: outcome.certainty,
            rejects: is_refused(outcome.consequence),
        }
    }
}

impl RuleTable {
    /// Compiles a spec. `today` is the day that dates are compared with.
    ///
    /// # Errors
    /// The first word no kind knows or reads, with its file and line.
    pub fn compile(spec: &Spec, today: jiff::civil::Date) -> Result<Self, SpecError> {
        if spec.fields.len() > FieldSet::MOST {
            return Err(SpecError::at(
                &format!("schemas/{}/{}/attributes.toml", spec.identity.target, spec.identity.version),
                1,
                &format!("{} fields are the most", FieldSet::MOST),
            ));
        }
        let mut said = Vec::new();
        let fields: Vec<FieldRules> = spec.fields.iter().map(|field| field_rules(field, today, &mut said)).collect::<Result<_, _>>()?;
        let needed = fields.iter().enumerate().filter(|(_, rules)| rules.missing.is_some());
        let names = Names { spec };
        let fault =
            |message: &str| SpecError::at(&format!("schemas/{}/{}/spec.toml", spec.identity.target, spec.identity.version), 1, message);
        let key = spec.identity.key.as_ref().map(|key| names.field(key)).transpose().map_err(|message| fault(&message))?;
        let mut table = Self {
            needed: FieldSet::of(needed.map(|(place, _)| FieldId(place as u16))),
            readers: vec![0; fields.len()],
            fields,
            said,
            names: spec.fields.iter().map(|field| field.name.clone()).collect(),
            row: Vec::new(),
            across: Vec::new(),
            exempt: None,
            item: key.or_else(|| spec.field_of(known("item_id"))),
            group: spec.field_of(known("group_id")),
            suggests: false,
            sale: spec.field_of(known("sale_price")).zip(spec.field_of(known("price"))),
        };
        for rule in &spec.rules {
            table.add(rule, &names).map_err(|message| at(&rule.clause, &rule.code, &message))?;
        }
        if let Some(exempt) = &spec.identity.row_exempt {
            let fault = |message: String| fault(&format!("`row_exempt`: {message}"));
            let field = names.field(&exempt.attribute).map_err(fault)?;
            table.exempt = Some((field, exempt.value.clone(), names.fields(&exempt.needs).map_err(fault)?));
        }
        for documented in &spec.documented {
            let of_objects = |code: &String| {
                spec.shape.as_ref().is_some_and(|shape| structure::codes(spec, shape).iter().any(|known| known.code == *code))
            };
            if let Some(code) = documented.by.iter().find(|code| !table.has_code(code) && !of_objects(code)) {
                return Err(at(&documented.clause, &documented.id, &format!("no finding has the code `{code}`")));
            }
        }
        Ok(table)
    }

    /// Whether a finding can have the code; codes of feedmill's own, about columns and records,
    /// are not known here.
    fn has_code(&self, code: &str) -> bool {
        let own = code.split_once('/').is_some_and(|(attribute, _)| Attributes::shared().id(attribute).is_none());
        own || self.said.iter().any(|said| &*said.code == code)
    }

    fn add(&mut self, rule: &RuleFile, names: &Names<'_>) -> Result<(), String> {
        let why = rule.refuse.as_ref().map_or_else(|| rule.why.clone(), |refuse| format!("{}; {refuse}", rule.why));
        let said = Said {
            code: rule.code.as_str().into(),
            why: with_dispute(&why, rule.dispute.as_deref()).into(),
            hint: rule.fix.as_str().into(),
            consequence: rule.consequence,
            certainty: rule.certainty,
            rejects: rule.refuse.is_some() || is_refused(rule.consequence),
        };
        let what = rule.what.clone();
        let (attribute, defect) = rule.code.split_once('/').ok_or("a code is `attribute/defect`")?;
        if Attributes::shared().id(attribute).is_none() || defect.is_empty() {
            return Err(format!("`{attribute}` in the code is no catalog attribute"));
        }
        if let Some(kind) = registry::ROW_KINDS.iter().find(|kind| kind.name == rule.kind) {
            all_read(&rule.given, &[registry::RULE_KEYS, &["repair", "bad", "bad_also", "good"], kind.reads], &rule.kind)?;
            let check = (kind.compile)(rule, names)?;
            let mut repair = Repair::default();
            if let Some(written) = &rule.repair {
                repair.omit = names.fields(&written.omit)?;
                repair.fold_sale = written.fold_sale;
                repair.fold = written.fold.as_ref().map(|pair| names.two(pair)).transpose()?.map(|[from, to]| (from, to));
                for (name, value) in &written.set {
                    repair.set.push((names.field(name)?, value.clone()));
                }
            }
            let mentioned = rule.attributes.iter().chain(&rule.all).chain(rule.when.keys()).chain(rule.then.keys());
            let mut mentioned: Vec<FieldId> = mentioned.map(|name| names.field(name)).collect::<Result<_, _>>()?;
            mentioned.dedup();
            let number = self.row.len();
            if number == FieldSet::MOST {
                return Err(format!("{number} rules over the fields of a row are the most"));
            }
            for name in rule.names() {
                self.readers[names.field(name)?.index()] |= bit(number);
            }
            let said = saying(&mut self.said, said);
            self.row.push(RowRule { needs: check.needs(), check, said, what, repair, mentioned });
            return Ok(());
        }
        if let Some(kind) = registry::ACROSS_KINDS.iter().find(|kind| kind.name == rule.kind) {
            all_read(&rule.given, &[registry::RULE_KEYS, &["bad_rows", "good_rows"], kind.reads], &rule.kind)?;
            let check = (kind.compile)(rule, names)?;
            let last = rule.attributes.last().map(|name| names.field(name)).transpose()?;
            // A rule about a group and its options is blamed on the options, any other on its attribute.
            let first = if rule.kind.contains("option") && rule.attributes.len() == 2 {
                last
            } else {
                names.fields(&rule.attributes)?.first().copied()
            };
            let blamed = names.blamed(rule, first)?;
            if matches!(&check, AcrossCheck::OfGroup { group, .. } if self.group != Some(*group)) {
                return Err("only the field that names an item's group can hold a group".to_owned());
            }
            let of_group = |check: &AcrossCheck| matches!(check, AcrossCheck::OfGroup { .. });
            if of_group(&check) && self.across.iter().filter(|rule| of_group(&rule.check)).count() == MOST_RULES {
                return Err(format!("{MOST_RULES} rules about groups are the most"));
            }
            let said = saying(&mut self.said, said);
            self.across.push(AcrossRule { check, said, what, blamed, of_group: !matches!(rule.kind.as_str(), "unique") });
            return Ok(());
        }
        let words = registry::ROW_KINDS.iter().map(|kind| kind.name).chain(registry::ACROSS_KINDS.iter().map(|kind| kind.name));
        let near = nearest(&rule.kind, words).map(|near| format!("; did you mean `{near}`?"));
        Err(format!("`{}` is no kind of rule{}", rule.kind, near.unwrap_or_default()))
    }
}

/// Keeps what is said of a fault; returns where.
fn saying(all: &mut Vec<Said>, said: Said) -> u16 {
    all.push(said);
    (all.len() - 1) as u16
}

fn at(clause: &Clause, called: &str, message: &str) -> SpecError {
    SpecError::of(clause, &format!("`{called}`: {message}"))
}

/// The checks of one field, cheap ones before costly ones.
fn field_rules(field: &Field, today: jiff::civil::Date, said: &mut Vec<Said>) -> Result<FieldRules, SpecError> {
    let written = &field.written;
    let fault = |message: String| at(&written.clause, &field.name, &message);
    let attribute = Attributes::shared().name(field.attribute);
    let kind = registry::type_kind(&written.kind).ok_or_else(|| {
        let words = registry::VALUE_KINDS.iter().map(|kind| kind.name);
        let near = nearest(&written.kind, words).map(|near| format!("; did you mean `{near}`?"));
        fault(format!("`{}` is no type{}", written.kind, near.unwrap_or_default()))
    })?;
    let mut checks = Vec::new();
    let mut read: Vec<&[&str]> = vec![registry::FIELD_KEYS];
    for kind in [kind].into_iter().chain(registry::bounds()) {
        if let Some(check) = (kind.compile)(written, today).map_err(fault)? {
            checks.push(Checked {
                about_controls: check.is_about_controls(),
                check,
                said: Outcome::of(kind, written).map(|outcome| (outcome.doc.name, saying(said, Said::new(attribute, &outcome)))).collect(),
            });
            read.push(kind.reads);
        }
    }
    all_read(&written.given, &read, &written.kind).map_err(fault)?;
    let missing = Outcome::of_missing(written);
    let has = |name: &String| {
        let found = checks.iter().flat_map(|checked| &checked.said).any(|(defect, _)| defect == name);
        found || missing.as_ref().is_some_and(|outcome| outcome.doc.name == name)
    };
    if let Some(name) = written.defects.keys().find(|name| !has(name)) {
        return Err(fault(format!("no value of the field can have the defect `{name}`")));
    }
    Ok(FieldRules {
        attribute: attribute.into(),
        repeatable: checks.iter().all(|checked| checked.check.is_repeatable()),
        checks,
        missing: missing.map(|outcome| saying(said, Said::new(attribute, &outcome))),
        required: written.requirement == Requirement::Required,
        truncate: written.truncate.then_some(written.max_length).flatten(),
    })
}

/// Refuses a key that nothing reads: it would look like a rule and be none.
fn all_read(given: &[String], read: &[&[&str]], kind: &str) -> Result<(), String> {
    let known = || read.iter().flat_map(|keys| keys.iter().copied());
    match given.iter().find(|key| !known().any(|known| known == key.as_str())) {
        Some(key) => Err(format!("`{key}` is read by nothing where the kind is `{kind}`")),
        None => Ok(()),
    }
}
