//! What is compared, by number: the attributes, and behind them the columns that no attribute
//! reads and both sides have.

use crate::pipeline::{PRICES, Plan, STOCK, SourcePlan};
use crate::product::attribute::{AttributeId, Attributes};
use std::collections::BTreeSet;
use std::sync::Arc;

/// What is compared, by number.
#[derive(Debug)]
pub struct Names {
    columns: Vec<Arc<str>>,
    /// What the columns are called in reports.
    shown: Vec<String>,
    /// Columns that only the old side has, and no attribute reads.
    pub only_old: Vec<Arc<str>>,
    /// Columns that only the new side has, and no attribute reads.
    pub only_new: Vec<Arc<str>>,
    /// Prices, then stock, then the others.
    order: Vec<usize>,
}

impl Names {
    /// What two sides have to be compared by.
    pub fn of(old: &Plan, new: &Plan) -> Self {
        let unread = |plan: &Plan| plan.sources.iter().flat_map(unread).map(|(name, _)| name).collect::<BTreeSet<_>>();
        let (old_columns, new_columns) = (unread(old), unread(new));
        // What the other side does read stands among the attributes.
        let only = |columns: &BTreeSet<Arc<str>>, other: &Plan| {
            let has = |name: &Arc<str>| other.sources.iter().any(|source| source.header.column(name).is_some());
            columns.iter().filter(|name| !has(name)).cloned().collect()
        };
        let columns: Vec<Arc<str>> = old_columns.intersection(&new_columns).cloned().collect();
        let attributes = Attributes::shared();
        let first: Vec<usize> = PRICES.iter().chain(&STOCK).filter_map(|name| attributes.id(name)).map(AttributeId::index).collect();
        // What is mapped to another attribute than its name says is told apart from that one.
        let shown = |name: &Arc<str>| attributes.id(name).map_or_else(|| name.to_string(), |_| format!("column {name}"));
        let shown = columns.iter().map(shown).collect();
        let all = attributes.count() + columns.len();
        let others = (0..all).filter(|name| !first.contains(name));
        let order = first.iter().copied().chain(others).collect();
        Self { only_old: only(&old_columns, new), only_new: only(&new_columns, old), columns, shown, order }
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.order.len()
    }

    /// All of them, prices and stock first.
    pub fn in_order(&self) -> impl Iterator<Item = usize> + '_ {
        self.order.iter().copied()
    }

    /// Whether a name is about what an item costs or whether it can be had.
    pub fn is_first(&self, name: usize) -> bool {
        self.order.iter().take(PRICES.len() + STOCK.len()).any(|first| *first == name)
    }

    /// The name of a number.
    pub fn name(&self, name: usize) -> &str {
        let attributes = Attributes::shared();
        match name.checked_sub(attributes.count()) {
            None => attributes.name(AttributeId(name as u16)),
            Some(column) => self.shown.get(column).map_or("", String::as_str),
        }
    }

    /// Columns that are called as an attribute is which the platform's rows do not have: the other
    /// side may have it.
    pub(super) fn by_name(source: &SourcePlan) -> Vec<(AttributeId, u16)> {
        let attributes = Attributes::shared();
        let id = |name: &str| attributes.id(name).filter(|id| !source.mapping.steps.iter().any(|step| step.attribute() == *id));
        all_unread(source).filter_map(|(name, column)| Some((id(&name)?, column))).collect()
    }

    /// The columns behind the attributes, as a source numbers them.
    pub(super) fn columns_of(&self, source: &SourcePlan) -> Vec<Option<u16>> {
        let unread = unread(source);
        self.columns.iter().map(|name| unread.iter().find(|(known, _)| known == name).map(|(_, column)| *column)).collect()
    }
}

/// The columns of a source that no attribute reads, the first of each name.
fn unread(source: &SourcePlan) -> Vec<(Arc<str>, u16)> {
    let by_name = Names::by_name(source);
    all_unread(source).filter(|(_, column)| !by_name.iter().any(|(_, known)| known == column)).collect()
}

/// The same, and those that are called as an attribute is.
fn all_unread(source: &SourcePlan) -> impl Iterator<Item = (Arc<str>, u16)> + '_ {
    let seen = source.header.names().iter().take(source.seen).zip(0..);
    let is_first = |name: &Arc<str>, column| source.header.column(name) == Some(column);
    seen.filter(move |(name, column)| is_first(name, *column) && !source.reads(*column)).map(|(name, column)| (Arc::clone(name), column))
}
