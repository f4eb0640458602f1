//! `group_consistent`, `group_differs`, `group_option_names`, `group_same_filled`, `group_single`: what the
//! variants of one group have in common. Rows of a group need not stand together.

use super::{AcrossCheck, AcrossKind, Asks, ValueOf};
use crate::product::attribute::{Attributes, OptionPart, numbered_option};
use crate::product::options::folded_hash;
use crate::rules::option_fields::OptionFields;
use crate::rules::row::condition::Conditions;
use crate::rules::row::{Names, View};
use crate::spec::FieldId;
use crate::spec::model::RuleFile;

pub(crate) const GROUP_CONSISTENT: AcrossKind = AcrossKind {
    name: "group_consistent",
    doc: "all rows of a group that have the attribute agree on its value, case aside",
    reads: &["attributes", "group", "attribute"],
    compile: |rule, names| {
        let field = names.fields(&rule.attributes)?.first().copied().ok_or("one attribute is needed")?;
        Ok(agree(named(rule, names)?, What::Value(field)))
    },
};

pub(crate) const GROUP_DIFFERS: AcrossKind = AcrossKind {
    name: "group_differs",
    doc: "no row of a group repeats the value of the first row that has the attribute",
    reads: &["attributes", "group", "attribute"],
    compile: |rule, names| {
        let field = names.fields(&rule.attributes)?.first().copied().ok_or("one attribute is needed")?;
        Ok(AcrossCheck::OfGroup { group: named(rule, names)?, value: Box::new(What::Value(field)), asks: Asks::Differ })
    },
};

pub(crate) const GROUP_OPTION_NAMES: AcrossKind = AcrossKind {
    name: "group_option_names",
    doc: "all rows of a group name the same options, spelled alike",
    reads: &["attributes", "attribute"],
    compile: |rule, names| {
        let fields = names.fields(&rule.attributes)?;
        let Some((&group, options)) = fields.split_first() else {
            return Err("a group and the attributes that tell variants apart are needed".to_owned());
        };
        Ok(agree(group, What::OptionNames(OptionFields::of(options, names)?)))
    },
};

pub(crate) const GROUP_SAME_FILLED: AcrossKind = AcrossKind {
    name: "group_same_filled",
    doc: "all rows of a group fill the same set of attributes; where one of them names a numbered option, its text counts, case aside",
    reads: &["attributes", "group", "attribute"],
    compile: |rule, names| {
        let fields = names.fields(&rule.attributes)?;
        if fields.len() > 31 {
            return Err("31 attributes are the most".to_owned());
        }
        let names_option = |field: &FieldId| {
            let attribute = Attributes::shared().name(names.spec.get(*field).attribute);
            numbered_option(attribute).is_some_and(|(_, part)| part == OptionPart::Name)
        };
        let (options, columns) = fields.into_iter().partition(names_option);
        Ok(agree(named(rule, names)?, What::Filled { columns, options }))
    },
};

fn named(rule: &RuleFile, names: &Names<'_>) -> Result<FieldId, String> {
    names.field(rule.group.as_deref().ok_or_else(|| format!("`{}` needs `group`", rule.kind))?)
}

fn agree(group: FieldId, what: What) -> AcrossCheck {
    AcrossCheck::OfGroup { group, value: Box::new(what), asks: Asks::Agree }
}

#[derive(Debug)]
enum What {
    Value(FieldId),
    OptionNames(OptionFields),
    Filled {
        columns: Vec<FieldId>,
        /// The fields that name a numbered option.
        options: Vec<FieldId>,
    },
}

/// 32 of 64 bits, and not 0.
fn short(hash: u64) -> u32 {
    (hash as u32).max(1)
}

impl ValueOf for What {
    fn value(&self, row: &View<'_>) -> u32 {
        match self {
            Self::Value(field) if row.is_present(*field) => short(folded_hash(row.text(*field))),
            Self::Value(_) => 0,
            Self::OptionNames(options) => {
                options.seen(row, |options| if options.count > 0 { short(options.names) } else { 0 }).unwrap_or(0)
            }
            Self::Filled { columns, options } => {
                let filled = columns.iter().fold(1, |bits, &field| bits << 1 | u32::from(row.is_present(field)));
                let named = options.iter().filter(|&&field| row.is_present(field));
                // An option is the same one whatever its number is.
                named.fold(filled, |sum, &field| sum.wrapping_add(folded_hash(row.text(field)) as u32)).max(1)
            }
        }
    }

    fn field(&self) -> Option<FieldId> {
        match self {
            Self::Value(field) => Some(*field),
            Self::OptionNames(_) | Self::Filled { .. } => None,
        }
    }
}

pub(crate) const GROUP_SINGLE: AcrossKind = AcrossKind {
    name: "group_single",
    doc: "every group has at least two rows",
    reads: &["attributes", "when", "attribute"],
    compile: |rule, names| {
        let group = names.fields(&rule.attributes)?.first().copied().ok_or("one attribute is needed")?;
        let value = Box::new(Counted { when: Conditions::compile(&rule.when, names)? });
        Ok(AcrossCheck::OfGroup { group, value, asks: Asks::Several })
    },
};

#[derive(Debug)]
struct Counted {
    when: Conditions,
}

impl ValueOf for Counted {
    fn value(&self, row: &View<'_>) -> u32 {
        u32::from(self.when.hold(row))
    }
}
