//! Judging rows made of field names and values, without a file.

use feedmill::cell::{Cell, Shape, Slot};
use feedmill::rules::across::{Called, Digests, Spot};
use feedmill::rules::{Facts, Mode, RuleTable};
use feedmill::spec::model::Requirement;
use feedmill::spec::{Spec, load};
use std::collections::BTreeMap;

/// Values by field name.
pub(crate) type Row = BTreeMap<String, String>;

/// Every built-in spec.
pub(crate) fn specs() -> Vec<Spec> {
    let identities = load::identities().expect("built in");
    identities.iter().map(|identity| load::spec(&format!("{}@{}", identity.target, identity.version)).expect("built in")).collect()
}

/// A day before every date that stands in an example.
pub(crate) fn table(spec: &Spec) -> RuleTable {
    RuleTable::compile(spec, jiff::civil::Date::constant(2025, 1, 1)).expect("built in")
}

/// An example as the text of a cell, and its shape.
pub(crate) fn example(value: &toml::Value) -> (String, Shape) {
    match value {
        toml::Value::String(text) => (text.clone(), Shape::Text),
        toml::Value::Array(_) => (serde_json::to_string(value).expect("JSON"), Shape::List),
        toml::Value::Table(_) => (serde_json::to_string(value).expect("JSON"), Shape::Object),
        other => (other.to_string(), Shape::Text),
    }
}

/// A row that breaks nothing: the examples of what is required, and what rules ask for besides.
pub(crate) fn sound(spec: &Spec) -> Row {
    let mut row = Row::new();
    let extra: &[&str] = match spec.identity.family.as_str() {
        "stripe" => &["brand", "product_category", "shipping"],
        _ => &["brand"],
    };
    // One GTIN for every row of a case would be a fault of its own where none is asked for.
    let is_identified = spec.rules.iter().any(|rule| rule.code == "mpn/missing");
    for field in &spec.fields {
        let is_extra = extra.contains(&field.name.as_str()) || is_identified && field.name == "gtin";
        if field.written.requirement == Requirement::Required || is_extra {
            let value = field.written.example.as_ref().map(|value| example(value).0);
            row.insert(field.name.clone(), value.unwrap_or_default());
        }
    }
    // Fields that the target asks for, or that the benefit of the example names.
    for field in &spec.fields {
        if field.written.consequence_missing.is_some() || field.name == "percent_off" {
            let value = field.written.example.as_ref().map(|value| example(value).0);
            row.insert(field.name.clone(), value.unwrap_or_default());
        }
    }
    if spec.field("inventory_not_tracked").is_some() && spec.field("title").is_some() {
        row.insert("inventory_not_tracked".into(), "true".into());
    }
    for flag in ["enable_checkout", "is_eligible_checkout"] {
        if row.contains_key(flag) {
            row.insert(flag.into(), "false".into());
        }
    }
    row
}

/// A row with changes; an empty value leaves a field out.
pub(crate) fn with(base: &Row, changes: &Row) -> Row {
    let mut row = base.clone();
    row.extend(changes.iter().map(|(name, value)| (name.clone(), value.clone())));
    row.retain(|_, value| !value.is_empty());
    row
}

/// The row as it lies in a buffer.
pub(crate) fn slots(spec: &Spec, row: &Row, buffer: &mut String) -> Vec<Slot> {
    let mut slots = vec![Slot::EMPTY; spec.fields.len()];
    for (name, value) in row {
        let field = spec.field(name).unwrap_or_else(|| panic!("{}: no field {name}", spec.name()));
        slots[field.index()] = Slot { cell: Cell::store(buffer, value, Shape::Text), column: field.0 };
    }
    slots
}

/// The codes a single row gives, judged as it is.
pub(crate) fn codes(spec: &Spec, rules: &RuleTable, row: &Row) -> Vec<String> {
    let (mut buffer, mut faults) = (String::new(), Vec::new());
    let mut slots = slots(spec, row, &mut buffer);
    rules.judge(&mut buffer, &mut slots, &mut Facts::default(), Mode::AsIs, &mut faults);
    faults.iter().map(|fault| rules.said(fault).code.to_string()).collect()
}

/// The codes of rules over several rows.
pub(crate) fn codes_across(spec: &Spec, rules: &RuleTable, rows: &[Row]) -> Vec<String> {
    let mut across = rules.across(usize::MAX);
    let mut found = Vec::new();
    let code = |rule: usize| rules.said(&rules.across_fault(rule).0).code.to_string();
    for (number, row) in rows.iter().enumerate() {
        let (mut buffer, mut faults, mut facts) = (String::new(), Vec::new(), Facts::default());
        let mut slots = slots(spec, row, &mut buffer);
        rules.judge(&mut buffer, &mut slots, &mut facts, Mode::AsIs, &mut faults);
        let (mut digests, mut conflicts) = (Digests::default(), Vec::new());
        rules.digests(&buffer, &slots, &mut facts, &mut digests);
        let spot = Spot { source: 0, record: number as u32 + 1, line: 0 };
        across.begin(&digests).expect("in memory");
        across.observe(digests.row(0), spot, Called { item: "item", group: "group" }, &mut conflicts).expect("in memory");
        found.extend(conflicts.iter().map(|conflict| code(conflict.rule)));
    }
    across.finish(&mut |late, _| found.push(code(late.rule))).expect("in memory");
    found
}
