//! `implies`, `requires`, `forbids`: one thing follows from another.

use super::condition::{self, Condition};
use super::{Names, RowCheck, RowKind, View};
use crate::rules::kinds::FieldSet;
use crate::spec::FieldId;
use crate::spec::model::RuleFile;

pub(crate) const IMPLIES: RowKind = RowKind {
    name: "implies",
    doc: "when the conditions of `when` hold, those of `then` must hold too",
    reads: &["when", "when_any", "then", "attribute"],
    compile: |rule, names| {
        let then = condition::compile(&rule.then, names)?;
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
    all: Vec<Condition>,
    any_present: Vec<FieldId>,
}

impl When {
    fn compile(rule: &RuleFile, names: &Names<'_>) -> Result<Self, String> {
        let when = Self { all: condition::compile(&rule.when, names)?, any_present: names.fields(&rule.when_any)? };
        if when.all.is_empty() && when.any_present.is_empty() {
            return Err(format!("`{}` needs `when` or `when_any`", rule.kind));
        }
        Ok(when)
    }

    fn holds(&self, row: &View<'_>) -> bool {
        condition::all(&self.all, row) && (self.any_present.is_empty() || self.any_present.iter().any(|&field| row.is_present(field)))
    }
}

#[derive(Debug)]
struct Implies {
    when: When,
    then: Vec<Condition>,
    blamed: FieldId,
}

impl RowCheck for Implies {
    fn broken(&self, row: &View<'_>) -> Option<FieldId> {
        (self.when.holds(row) && !condition::all(&self.then, row)).then_some(self.blamed)
    }

    fn needs(&self) -> FieldSet {
        FieldSet::of(condition::needed(&self.when.all))
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
        Ok(Box::new(Requires { when: When::compile(rule, names)?, all, any, fixed }))
    },
};

#[derive(Debug)]
struct Requires {
    when: When,
    all: Vec<FieldId>,
    any: Vec<FieldId>,
    fixed: Option<FieldId>,
}

impl RowCheck for Requires {
    fn broken(&self, row: &View<'_>) -> Option<FieldId> {
        if !self.when.holds(row) {
            return None;
        }
        let missing = self.all.iter().find(|&&field| !row.is_present(field)).copied();
        let none =
            (!self.any.is_empty() && !self.any.iter().any(|&field| row.is_present(field))).then(|| self.any.first().copied()).flatten();
        missing.or(none).map(|field| self.fixed.unwrap_or(field))
    }

    fn needs(&self) -> FieldSet {
        FieldSet::of(condition::needed(&self.when.all))
    }
}

pub(crate) const FORBIDS: RowKind = RowKind {
    name: "forbids",
    doc: "when the condition holds, none of the attributes may be present",
    reads: &["when", "when_any", "attributes"],
    compile: |rule, names| Ok(Box::new(Forbids { when: When::compile(rule, names)?, fields: names.fields(&rule.attributes)? })),
};

#[derive(Debug)]
struct Forbids {
    when: When,
    fields: Vec<FieldId>,
}

impl RowCheck for Forbids {
    fn broken(&self, row: &View<'_>) -> Option<FieldId> {
        // The attributes are mostly absent, and looking is cheaper than judging conditions.
        let present = self.fields.iter().find(|&&field| row.is_present(field)).copied()?;
        self.when.holds(row).then_some(present)
    }

    fn needs(&self) -> FieldSet {
        let only = match self.fields.as_slice() {
            [only] => Some(*only),
            _ => None,
        };
        FieldSet::of(condition::needed(&self.when.all).chain(only))
    }
}
