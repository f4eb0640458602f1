//! `less_than`, `same_currency`, `differs`, `names_no_amount`, `ordered_range`, `same_unit`: two
//! values beside each other.

use super::condition::Conditions;
use super::{RowCheck, RowKind, View};
use crate::product::date;
use crate::rules::kinds::FieldSet;
use crate::spec::FieldId;
use std::cmp::Ordering;

pub(crate) const LESS_THAN: RowKind = RowKind {
    name: "less_than",
    doc: "the first amount is below the second (with `or_equal`, not above it); other currencies are not compared",
    reads: &["attributes", "or_equal"],
    compile: |rule, names| Ok(Box::new(LessThan { fields: names.two(&rule.attributes)?, or_equal: rule.or_equal })),
};

#[derive(Debug)]
struct LessThan {
    fields: [FieldId; 2],
    or_equal: bool,
}

impl RowCheck for LessThan {
    fn broken(&self, row: &View<'_>) -> Option<FieldId> {
        let [first, second] = self.fields;
        let (low, high) = (row.money(first)?, row.money(second)?);
        let sound = low.amount < high.amount || self.or_equal && low.amount == high.amount;
        (low.currency == high.currency && !sound).then_some(first)
    }

    fn needs(&self) -> FieldSet {
        FieldSet::of(self.fields)
    }
}

pub(crate) const SAME_CURRENCY: RowKind = RowKind {
    name: "same_currency",
    doc: "the two amounts are in one currency",
    reads: &["attributes"],
    compile: |rule, names| Ok(Box::new(SameCurrency { fields: names.two(&rule.attributes)? })),
};

#[derive(Debug)]
struct SameCurrency {
    fields: [FieldId; 2],
}

impl RowCheck for SameCurrency {
    fn broken(&self, row: &View<'_>) -> Option<FieldId> {
        let [first, second] = self.fields;
        (row.money(first)?.currency != row.money(second)?.currency).then_some(first)
    }

    fn needs(&self) -> FieldSet {
        FieldSet::of(self.fields)
    }
}

pub(crate) const DIFFERS: RowKind = RowKind {
    name: "differs",
    doc: "when the conditions of `when` hold, the two values are not the same",
    reads: &["attributes", "when"],
    compile: |rule, names| Ok(Box::new(Differs { when: Conditions::compile(&rule.when, names)?, fields: names.two(&rule.attributes)? })),
};

#[derive(Debug)]
struct Differs {
    when: Conditions,
    fields: [FieldId; 2],
}

impl RowCheck for Differs {
    fn broken(&self, row: &View<'_>) -> Option<FieldId> {
        let [first, second] = self.fields;
        (row.is_present(first) && row.text(first) == row.text(second) && self.when.hold(row)).then_some(first)
    }

    fn needs(&self) -> FieldSet {
        FieldSet::of(self.fields).or(self.when.needed())
    }
}

pub(crate) const ORDERED_RANGE: RowKind = RowKind {
    name: "ordered_range",
    doc: "the first date of a range is not after the second, and of two instants the first is the earlier one",
    reads: &["attributes"],
    compile: |rule, names| {
        let first = names.fields(&rule.attributes)?.first().copied();
        Ok(Box::new(OrderedRange { field: first.ok_or("one attribute is needed")? }))
    },
};

#[derive(Debug)]
struct OrderedRange {
    field: FieldId,
}

impl RowCheck for OrderedRange {
    fn broken(&self, row: &View<'_>) -> Option<FieldId> {
        let (start, end) = row.text(self.field).split_once('/')?;
        let (start, end) = (start.trim(), end.trim());
        let broken = match date::compare(start, end)? {
            Ordering::Less => false,
            Ordering::Equal => date::is_instant(start),
            Ordering::Greater => true,
        };
        broken.then_some(self.field)
    }

    fn needs(&self) -> FieldSet {
        FieldSet::of([self.field])
    }
}

pub(crate) const SAME_UNIT: RowKind = RowKind {
    name: "same_unit",
    doc: "the measures that are present share one unit",
    reads: &["attributes"],
    compile: |rule, names| Ok(Box::new(SameUnit { fields: names.fields(&rule.attributes)? })),
};

#[derive(Debug)]
struct SameUnit {
    fields: Vec<FieldId>,
}

impl RowCheck for SameUnit {
    fn broken(&self, row: &View<'_>) -> Option<FieldId> {
        let unit = |field: FieldId| row.text(field).rsplit(' ').next().unwrap_or("");
        let mut present = self.fields.iter().copied().filter(|&field| row.is_present(field));
        let first = present.next()?;
        present.find(|&field| unit(field) != unit(first))
    }
}

pub(crate) const NAMES_NO_AMOUNT: RowKind = RowKind {
    name: "names_no_amount",
    doc: "the first value does not hold the amount of the second; only amounts with a decimal point are told from other digits",
    reads: &["attributes"],
    compile: |rule, names| Ok(Box::new(NamesNoAmount { fields: names.two(&rule.attributes)? })),
};

#[derive(Debug)]
struct NamesNoAmount {
    fields: [FieldId; 2],
}

impl RowCheck for NamesNoAmount {
    fn broken(&self, row: &View<'_>) -> Option<FieldId> {
        let [id, price] = self.fields;
        if !row.is_present(id) {
            return None;
        }
        // An id without a point is settled at once, which most are.
        let id_text = row.text(id);
        if !id_text.contains('.') {
            return None;
        }
        let amount = row.text(price).split(' ').next().filter(|amount| amount.contains('.'))?;
        id_text.contains(amount).then_some(id)
    }
}
