//! `implies`, `requires`, `forbids`: one thing follows from another.

use super::condition::Conditions;
use super::{Names, RowCheck, RowKind, View};
use crate::rules::kinds::FieldSet;
use crate::spec::FieldId;
use crate::spec::model::RuleFile;

pub(crate) const IMPLIES: RowKind = RowKind {
    name: "implies",
    doc: "when the conditions of `when` hold, those of `then` must hold too",
    reads: &["when", "when_any", "then", "attribute"],
    compile: |rule, names| {
        let then = Conditions::compile(&rule.then, names)?;
        if then.is_empty() {
            return Err("`implies` needs `then`".to_owned());
        }
        let blamed = names.blamed(rule, None)?;
        Ok(Box::new(Implies { when: When::compile(rule, names)?, then, blamed }))
    },
};

/// When a rule applies: all conditions hold, and any of some fields is present.
#[derive(Debug)]
struct When {
    all: Conditions,
    any_present: Option<FieldSet>,
}

impl When {
    fn compile(rule: &RuleFile, names: &Names<'_>) -> Result<Self, String> {
        let any_present = Some(names.fields(&rule.when_any)?).filter(|fields| !fields.is_empty()).map(FieldSet::of);
        let when = Self { all: Conditions::compile(&rule.when, names)?, any_present };
        if when.all.is_empty() && when.any_present.is_none() {
            return Err(format!("`{}` needs `when` or `when_any`", rule.kind));
        }
        Ok(when)
    }

    fn holds(&self, row: &View<'_>) -> bool {
        self.any_present.is_none_or(|any| !row.facts.present.has_none(any)) && self.all.hold(row)
    }
}

#[derive(Debug)]
struct Implies {
    when: When,
    then: Conditions,
    blamed: FieldId,
}

impl RowCheck for Implies {
    fn broken(&self, row: &View<'_>) -> Option<FieldId> {
        (self.when.holds(row) && !self.then.hold(row)).then_some(self.blamed)
    }

    fn needs(&self) -> FieldSet {
        self.when.all.needed()
    }
}

pub(crate) const REQUIRES: RowKind = RowKind {
    name: "requires",
    doc: "when the condition holds, every field of `all` and one field of `any` must be present",
    reads: &["when", "when_any", "all", "any", "attribute"],
    compile: |rule, names| {
        let (all, any) = (names.fields(&rule.all)?, names.fields(&rule.any)?);
        if all.is_empty() == any.is_empty() {
            return Err("`requires` needs either `all` or `any`".to_owned());
        }
        let fixed = rule.attribute.as_ref().map(|_| names.blamed(rule, None)).transpose()?;
        let (needs_all, needs_any) = (FieldSet::of(all.iter().copied()), FieldSet::of(any.iter().copied()));
        Ok(Box::new(Requires { when: When::compile(rule, names)?, all, any, needs_all, needs_any, fixed }))
    },
};

#[derive(Debug)]
struct Requires {
    when: When,
    all: Vec<FieldId>,
    any: Vec<FieldId>,
    needs_all: FieldSet,
    needs_any: FieldSet,
    fixed: Option<FieldId>,
}

impl RowCheck for Requires {
    fn broken(&self, row: &View<'_>) -> Option<FieldId> {
        // What is asked for is mostly there, and looking is cheaper than judging conditions.
        let present = &row.facts.present;
        let has_any = self.any.is_empty() || !present.has_none(self.needs_any);
        if (has_any && present.has_all(self.needs_all)) || !self.when.holds(row) {
            return None;
        }
        let missing = self.all.iter().find(|&&field| !row.is_present(field)).or(self.any.first()).copied();
        missing.map(|field| self.fixed.unwrap_or(field))
    }

    fn needs(&self) -> FieldSet {
        self.when.all.needed()
    }
}

pub(crate) const FORBIDS: RowKind = RowKind {
    name: "forbids",
    doc: "when the condition holds, none of the attributes may be present",
    reads: &["when", "when_any", "attributes"],
    compile: |rule, names| {
        let fields = names.fields(&rule.attributes)?;
        Ok(Box::new(Forbids { when: When::compile(rule, names)?, any: FieldSet::of(fields.iter().copied()), fields }))
    },
};

#[derive(Debug)]
struct Forbids {
    when: When,
    fields: Vec<FieldId>,
    any: FieldSet,
}

impl RowCheck for Forbids {
    fn broken(&self, row: &View<'_>) -> Option<FieldId> {
        // The attributes are mostly absent, and looking is cheaper than judging conditions.
        if row.facts.present.has_none(self.any) || !self.when.holds(row) {
            return None;
        }
        self.fields.iter().find(|&&field| row.is_present(field)).copied()
    }

    fn needs(&self) -> FieldSet {
        let only = match self.fields.as_slice() {
            [only] => FieldSet::of([*only]),
            _ => FieldSet::default(),
        };
        self.when.all.needed().or(only)
    }
}
