//! What people write, compiled: the steps of `[map]`, of one target only, and the rules.

use super::compile::{Compiler, RulePlan, plain};
use super::expr::{Expression, variable};
use super::model::{LookupBy, LookupTable, MapStep};
use super::step::{From, Lookup, OverColumns, Step, TemplateValue};
use super::transform;
use crate::product::attribute::{AttributeId, Attributes};
use crate::product::money::Currency;
use crate::product::text_distance::nearest;
use std::collections::HashMap;
use std::sync::atomic::AtomicU64;

impl Compiler<'_> {
    /// Steps of one target only, and by target the attributes they fill.
    pub(super) fn only_for(&mut self) -> (Vec<Step>, Vec<Vec<(AttributeId, usize)>>) {
        let (mut steps, mut overrides) = (Vec::new(), Vec::new());
        for (target, name, written) in &self.given.wishes.map_of {
            let place = format!("[target.map] {name}");
            let Some(attribute) = self.attribute(name, &place) else { continue };
            let Some(step) = self.written_step(attribute, written, &place) else { continue };
            if overrides.len() <= *target {
                overrides.resize(*target + 1, Vec::new());
            }
            overrides[*target].push((attribute, steps.len()));
            steps.push(step);
        }
        (steps, overrides)
    }

    fn column(&mut self, name: &str, place: &str) -> Option<u16> {
        let found = self.columns.find(name).map(|(column, _)| column);
        if found.is_none() {
            self.no_column(name, place, &self.columns.names());
        }
        found
    }

    pub(super) fn written_step(&mut self, attribute: AttributeId, written: &MapStep, place: &str) -> Option<Step> {
        let columns_of = |compiler: &mut Self, names: &[String]| -> Option<Vec<u16>> {
            let found: Vec<Option<u16>> = names.iter().map(|name| compiler.column(name, place)).collect();
            found.into_iter().collect()
        };
        let from = if let Some(constant) = &written.constant {
            From::Constant(constant.clone())
        } else if let Some(template) = &written.template {
            From::Template(Box::new(self.over_columns(place, |names| Expression::template(template, names))?))
        } else if !written.sum.is_empty() {
            From::Sum(columns_of(self, &written.sum)?)
        } else {
            match columns_of(self, &written.from)?.as_slice() {
                [column] => From::Column(*column),
                columns => From::FirstOf(columns.to_vec()),
            }
        };
        let mut step = plain(attribute, from);
        if let Some(when) = &written.when {
            step.when = Some(self.over_columns(place, |names| Expression::condition(when, names))?);
        }
        step.split = written.split.clone().map(|separator| (separator, written.take));
        step.empty.clone_from(&written.empty);
        for name in &written.clean {
            match transform::find(name) {
                Some(transform) => step.clean.push(transform),
                None => {
                    let near = nearest(name, transform::TRANSFORMS.iter().map(|transform| transform.name))
                        .map(|near| format!("; did you mean `{near}`?"));
                    self.problems.push(format!("{place}: no transform is called `{name}`{}", near.unwrap_or_default()));
                }
            }
        }
        if let Some(table) = &written.lookup {
            let pairs = match table {
                LookupTable::Pairs(pairs) => Ok(pairs.clone().into_iter().collect()),
                LookupTable::File(file) => lookup(&self.given.wishes.folder.join(file)).map_err(|message| format!("{file}: {message}")),
            };
            match pairs {
                Ok(pairs) => step.lookup = Some(table_of(pairs, written.by, written.otherwise.clone())),
                Err(message) => self.problems.push(format!("{place}: {message}")),
            }
        }
        if let Some(code) = &written.currency {
            step.currency = Currency::parse(code);
            if step.currency.is_none() {
                self.problems.push(format!("{place}: `{code}` is no ISO 4217 currency code"));
            }
        }
        step.or = written.or.iter().filter_map(|other| self.written_step(attribute, other, place)).collect();
        Some(step)
    }

    /// Compiles an expression over columns and defaults.
    fn over_columns(&mut self, place: &str, compile: impl Fn(&[String]) -> Result<Expression, String>) -> Option<OverColumns> {
        let mut known: Vec<(String, TemplateValue)> = Vec::new();
        for (column, name) in self.given.header.names().iter().enumerate() {
            known.push((variable(name), TemplateValue::Column(column as u16)));
        }
        for side in self.columns.sides.iter().filter(|side| !side.many) {
            for (column, name) in side.header.names().iter().enumerate() {
                let value = || TemplateValue::Column(side.offset + column as u16);
                known.push((variable(&format!("{}.{name}", side.name)), value()));
                known.push((variable(name), value()));
            }
        }
        let wishes = self.given.wishes;
        let base = wishes.base_url.as_ref().map(|url| url.as_str().trim_end_matches('/').to_owned());
        known.extend(base.map(|base| ("base_url".to_owned(), TemplateValue::Text(base))));
        known.extend(wishes.currency.map(|currency| ("currency".to_owned(), TemplateValue::Text(currency.code().to_owned()))));
        known.extend(wishes.defaults.iter().map(|(name, value)| (name.clone(), TemplateValue::Text(value.clone()))));
        // Made columns can be named too, once something else has asked for them.
        let made = self.columns.made_from();
        let views = self.columns.views.iter().enumerate();
        known.extend(views.map(|(column, view)| (variable(&view.name), TemplateValue::Column(made + column as u16))));
        let names: Vec<String> = known.iter().map(|(name, _)| name.clone()).collect();
        match compile(&names) {
            Ok(expression) => {
                known.retain(|(name, _)| expression.names().contains(name));
                Some(OverColumns { expression, values: known })
            }
            Err(message) => {
                self.problems.push(format!("{place}: {message}"));
                None
            }
        }
    }

    pub(super) fn rules(&mut self, reasons: &mut Vec<String>) -> Vec<RulePlan> {
        let names: Vec<String> = Attributes::shared().iter().map(|(_, name, _)| name.to_owned()).collect();
        let mut plans = Vec::new();
        for (place, rule) in self.given.wishes.rules.iter().enumerate() {
            let place = format!("[[rule]] {}", place + 1);
            let when = match Expression::condition(&rule.when, &names) {
                Ok(when) => when,
                Err(message) => {
                    self.problems.push(format!("{place}: {message}"));
                    continue;
                }
            };
            let written: Vec<(String, String)> = rule
                .set
                .iter()
                .map(|(name, value)| (name.clone(), value.as_str().map_or_else(|| value.to_string(), str::to_owned)))
                .collect();
            let set = self.values(&place, &written);
            if set.is_empty() && !rule.drop {
                self.problems.push(format!("{place}: neither `set` nor `drop` says what to do"));
            }
            let drop = rule.drop.then(|| {
                reasons.push(format!("dropped by rule: {}", rule.when));
                reasons.len() as u16 - 1
            });
            plans.push(RulePlan { when, source: rule.when.clone(), set, drop, met: AtomicU64::new(0) });
        }
        plans
    }
}

fn table_of(pairs: Vec<(String, String)>, by: LookupBy, otherwise: Option<String>) -> Lookup {
    match by {
        LookupBy::Exact => Lookup { exact: pairs.into_iter().collect(), prefixes: Vec::new(), otherwise },
        LookupBy::Prefix => {
            let mut prefixes = pairs;
            prefixes.sort_by_key(|(start, _)| std::cmp::Reverse(start.len()));
            Lookup { exact: HashMap::new(), prefixes, otherwise }
        }
    }
}

/// Reads a table of two columns; the keys are compared as they are.
fn lookup(path: &std::path::Path) -> Result<Vec<(String, String)>, String> {
    let file = std::fs::File::open(path).map_err(|error| error.to_string())?;
    let mut table = Vec::new();
    for (place, record) in csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(file).records().enumerate() {
        let record = record.map_err(|error| error.to_string())?;
        let (Some(from), Some(to)) = (record.get(0), record.get(1)) else {
            return Err(format!("line {}: two columns are needed, from and to", place + 1));
        };
        table.push((from.trim().to_owned(), to.trim().to_owned()));
    }
    Ok(table)
}
