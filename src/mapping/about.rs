//! What is said of a mapping: how its rows make items, and what each column is used for.

use super::compile::Mapping;
use super::step::{OptionPlan, RowPlan};
use super::wide::Child;
use std::sync::Arc;
use std::sync::atomic::Ordering;

impl Mapping {
    /// Whether a first pass over the source is needed to make items of rows.
    pub fn needs_survey(&self) -> bool {
        matches!(self.rows, RowPlan::Run(_) | RowPlan::Parents(_)) || self.views.is_some() || self.wide.joins_children()
    }

    /// Whether rows may be of several store views or languages.
    pub fn holds_views(&self) -> bool {
        self.views.is_some()
    }

    /// Whether rows make groups of variants.
    pub fn makes_groups(&self) -> bool {
        !matches!(self.rows, RowPlan::Flat { .. })
    }

    /// Whether sale prices may follow from what is taken off the price.
    pub fn takes_off(&self) -> bool {
        !self.discounts.is_empty()
    }

    /// Whether the rows imply the page of an item, once the shop's address is known.
    pub fn implies_page(&self) -> bool {
        match &self.rows {
            RowPlan::Flat { page, .. } => page.is_some(),
            RowPlan::Run(plan) => plan.page.is_some(),
            RowPlan::Parents(plan) => plan.page.is_some(),
            RowPlan::Nested(plan) => plan.page.is_some(),
        }
    }

    /// Of a column that is made of others: the column of the source it is made of, if it is one,
    /// and its name.
    pub fn origin(&self, column: u16) -> Option<(Option<u16>, Arc<str>)> {
        let place = usize::from(column);
        if let Some(view) = place.checked_sub(self.wide.from).and_then(|place| self.wide.views.get(place)) {
            return Some((Some(view.base).filter(|base| usize::from(*base) < self.wide.header), Arc::clone(&view.name)));
        }
        let join = self.wide.joins.iter().find(|join| (join.offset..join.offset + join.width).contains(&place))?;
        let name = join.names.get(place - join.offset)?;
        Some((Some(join.on).filter(|on| usize::from(*on) < self.wide.header), format!("{}.{name}", join.name).into()))
    }

    /// The column that is made for a path, if the mapping reads it.
    pub fn made(&self, path: &str) -> Option<u16> {
        let place = self.wide.views.iter().position(|view| *view.name == *path)?;
        Some((self.wide.from + place) as u16)
    }

    /// What a column that fills no attribute is used for, in a word.
    pub fn column_use(&self, column: u16) -> Option<&'static str> {
        let is = |other: u16| other == column || self.origin(other).is_some_and(|(base, _)| base == Some(column));
        let of_option = |plan: &OptionPlan| match plan {
            OptionPlan::Numbered { columns, .. } => columns.iter().any(|(name, value)| is(*name) || is(*value)),
            OptionPlan::Pairs { list, .. } => is(*list),
            OptionPlan::Packed { column, .. } => is(*column),
            OptionPlan::Zipped { names, values, .. } => is(*names) || is(*values),
            OptionPlan::Single { value, .. } => is(*value),
        };
        if self.options.iter().any(of_option) {
            return Some("(variant option)");
        }
        if self.skip.iter().any(|skip| is(skip.column)) {
            return Some("(what is skipped)");
        }
        if self.stock.as_ref().is_some_and(|stock| stock.inputs.values().flatten().any(|input| is(*input))) {
            return Some("(availability)");
        }
        let used = |columns: &[Option<u16>]| columns.iter().flatten().any(|known| is(*known));
        match &self.rows {
            RowPlan::Run(plan) => {
                let key = plan.key.map_or([None; 2], |key| [Some(key.column), key.other]);
                (used(&key) || used(&[plan.role, plan.image, plan.position])).then_some("(product and images)")
            }
            RowPlan::Parents(plan) if used(&[plan.role, plan.parent, plan.links, plan.link_names]) => Some("(parents)"),
            RowPlan::Nested(_) => match &self.wide.child {
                Some(Child::List(list, _) | Child::Text(list, ..)) if is(*list) => Some("(variants)"),
                _ => None,
            },
            RowPlan::Flat { .. } | RowPlan::Parents(_) => None,
        }
    }

    /// How rows make items, for people.
    pub fn shape(&self) -> &'static str {
        match self.rows {
            RowPlan::Flat { .. } => "one row an item, one pass",
            RowPlan::Run(_) => "rows continue a product, two passes",
            RowPlan::Parents(_) => "parents lend to variations, two passes",
            RowPlan::Nested(_) if self.wide.child.is_some() => "records hold their variants, one pass",
            RowPlan::Nested(_) => "records may hold variants, none do here; one pass",
        }
    }

    /// By rule of the project file: its condition and how many items it applied to.
    pub fn rule_counts(&self) -> Vec<(String, u64)> {
        self.rules.iter().map(|rule| (rule.source.clone(), rule.met.load(Ordering::Relaxed))).collect()
    }
}
