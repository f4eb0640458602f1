//! `unique`, `unique_options`, `group_id_distinct`: nothing occurs twice that must not.

use super::{AcrossCheck, AcrossKind, Asks, Key, KeyOf, ValueOf};
use crate::rules::option_fields::OptionFields;
use crate::rules::row::View;
use crate::rules::row::condition::Conditions;
use crate::spec::FieldId;

pub(crate) const UNIQUE: AcrossKind = AcrossKind {
    name: "unique",
    doc: "the attribute has no value twice in the whole feed",
    reads: &["attributes", "attribute"],
    compile: |rule, names| {
        let field = names.fields(&rule.attributes)?.first().copied().ok_or("one attribute is needed")?;
        Ok(AcrossCheck::Once(Box::new(Unique { field })))
    },
};

#[derive(Debug)]
struct Unique {
    field: FieldId,
}

impl KeyOf for Unique {
    fn key(&self, row: &View<'_>, _: Option<Key>) -> Option<Key> {
        row.is_present(self.field).then(|| Key::of(row.text(self.field)))
    }

    fn field(&self) -> Option<FieldId> {
        Some(self.field)
    }
}

pub(crate) const UNIQUE_OPTIONS: AcrossKind = AcrossKind {
    name: "unique_options",
    doc: "no two rows of a group (the first attribute) have the same values of the other attributes, or none of them; rows without \
          any take part where `when` holds",
    reads: &["attributes", "attribute", "when"],
    compile: |rule, names| {
        let fields = names.fields(&rule.attributes)?;
        let Some((&group, options)) = fields.split_first() else {
            return Err("a group and the attributes that tell variants apart are needed".to_owned());
        };
        if names.spec.field_of(crate::product::attribute::known("group_id")) != Some(group) {
            return Err("the first attribute is the one that names the group".to_owned());
        }
        Ok(AcrossCheck::Once(Box::new(UniqueOptions {
            options: OptionFields::of(options, names)?,
            when: Conditions::compile(&rule.when, names)?,
        })))
    },
};

#[derive(Debug)]
struct UniqueOptions {
    options: OptionFields,
    /// Where a row without options is one that nothing tells apart.
    when: Conditions,
}

impl KeyOf for UniqueOptions {
    fn key(&self, row: &View<'_>, group: Option<Key>) -> Option<Key> {
        let group = group?;
        self.options.seen(row, |options| (options.count > 0 || self.when.hold(row)).then(|| group.with(options.pairs)))?
    }
}

pub(crate) const GROUP_ID_DISTINCT: AcrossKind = AcrossKind {
    name: "group_id_distinct",
    doc: "no group id (the first attribute) is the id of an item (the second)",
    reads: &["attributes", "attribute"],
    compile: |rule, names| {
        let [group, item] = names.two(&rule.attributes)?;
        Ok(AcrossCheck::OfGroup { group, value: Box::new(OtherThanItem { group, item }), asks: Asks::NoItem(item) })
    },
};

#[derive(Debug)]
struct OtherThanItem {
    group: FieldId,
    item: FieldId,
}

impl ValueOf for OtherThanItem {
    fn value(&self, row: &View<'_>) -> u32 {
        // A row whose own id is the group id forms no group by that; another rule says so.
        u32::from(row.text(self.group) != row.text(self.item))
    }
}
