//! `group_consistent`, `group_option_names`, `group_same_filled`, `group_single`: what the
//! variants of one group have in common. Rows of a group need not stand together.

use super::{AcrossCheck, AcrossKind, Called, Digest, KeyMap, Late, Ledger, Spot, key_of};
use crate::product::options::folded_hash;
use crate::rules::row::View;
use crate::rules::row::condition::{self, Condition};
use crate::spec::FieldId;

pub(crate) const GROUP_CONSISTENT: AcrossKind = AcrossKind {
    name: "group_consistent",
    doc: "all rows of a group that have the attribute agree on its value, case aside",
    reads: &["attributes", "group", "attribute"],
    compile: |rule, names| {
        let group = names.field(rule.group.as_deref().ok_or("`group_consistent` needs `group`")?)?;
        let field = names.fields(&rule.attributes)?.first().copied().ok_or("one attribute is needed")?;
        Ok(Box::new(Shared { group, what: What::Value(field) }))
    },
};

pub(crate) const GROUP_OPTION_NAMES: AcrossKind = AcrossKind {
    name: "group_option_names",
    doc: "all rows of a group name the same options",
    reads: &["attributes", "attribute"],
    compile: |rule, names| {
        let [group, _] = names.two(&rule.attributes)?;
        Ok(Box::new(Shared { group, what: What::OptionNames }))
    },
};

pub(crate) const GROUP_SAME_FILLED: AcrossKind = AcrossKind {
    name: "group_same_filled",
    doc: "all rows of a group fill the same set of attributes",
    reads: &["attributes", "group", "attribute"],
    compile: |rule, names| {
        let group = names.field(rule.group.as_deref().ok_or("`group_same_filled` needs `group`")?)?;
        Ok(Box::new(Shared { group, what: What::Filled(names.fields(&rule.attributes)?) }))
    },
};

#[derive(Debug)]
enum What {
    Value(FieldId),
    OptionNames,
    Filled(Vec<FieldId>),
}

#[derive(Debug)]
struct Shared {
    group: FieldId,
    what: What,
}

impl AcrossCheck for Shared {
    fn digest(&self, row: &View<'_>) -> Option<Digest> {
        if !row.is_present(self.group) {
            return None;
        }
        let value = match &self.what {
            What::Value(field) => row.is_present(*field).then(|| folded_hash(row.text(*field)))?,
            What::OptionNames => row.facts.options.as_ref()?.names,
            What::Filled(fields) => fields.iter().fold(0, |bits, &field| bits << 1 | u64::from(row.is_present(field))),
        };
        Some(Digest { key: key_of(row.text(self.group)), value })
    }

    fn ledger(&self) -> Box<dyn Ledger> {
        Box::new(Values::default())
    }
}

/// The first value of each group, and whether a difference was reported already: one broken
/// row is one finding, not one for each of its siblings.
#[derive(Default)]
struct Values {
    groups: KeyMap<u64, (u64, Spot, bool)>,
}

impl Ledger for Values {
    fn observe(&mut self, digest: Digest, spot: Spot, _: Called<'_>) -> Option<Spot> {
        let (value, first, reported) = self.groups.entry(digest.key as u64).or_insert((digest.value, spot, false));
        if *value == digest.value || *reported {
            return None;
        }
        *reported = true;
        Some(*first)
    }
}

pub(crate) const GROUP_SINGLE: AcrossKind = AcrossKind {
    name: "group_single",
    doc: "every group has at least two rows",
    reads: &["attributes", "when", "attribute"],
    compile: |rule, names| {
        let group = names.fields(&rule.attributes)?.first().copied().ok_or("one attribute is needed")?;
        Ok(Box::new(Single { group, when: condition::compile(&rule.when, names)? }))
    },
};

#[derive(Debug)]
struct Single {
    group: FieldId,
    when: Vec<Condition>,
}

impl AcrossCheck for Single {
    fn digest(&self, row: &View<'_>) -> Option<Digest> {
        (row.is_present(self.group) && condition::all(&self.when, row)).then(|| Digest { key: key_of(row.text(self.group)), value: 0 })
    }

    fn ledger(&self) -> Box<dyn Ledger> {
        Box::new(Counts::default())
    }
}

/// The only row of a group so far, with the words to report it by.
type Only = (Spot, Box<str>, Box<str>);

/// Groups with one row so far, and `None` for those with more.
#[derive(Default)]
struct Counts {
    groups: KeyMap<u64, Option<Box<Only>>>,
}

impl Ledger for Counts {
    fn observe(&mut self, digest: Digest, spot: Spot, called: Called<'_>) -> Option<Spot> {
        self.groups
            .entry(digest.key as u64)
            .and_modify(|only| *only = None)
            .or_insert_with(|| Some(Box::new((spot, called.item.into(), called.group.into()))));
        None
    }

    fn finish(&mut self, _: &dyn Fn(u128) -> Option<Spot>) -> Vec<Late> {
        let mut late: Vec<Late> = Vec::new();
        for only in self.groups.values().flatten() {
            let (spot, item, group) = &**only;
            late.push(Late { spot: *spot, item: item.to_string(), group: group.to_string() });
        }
        late.sort_by_key(|late| (late.spot.source, late.spot.record));
        late
    }
}
