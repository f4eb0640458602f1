//! Rows after rows: what a rule may skip, and what it must not.

use super::{Facts, Mode, RuleTable};
use crate::cell::Slot;
use crate::spec::{FieldId, load};

/// The codes of what each row breaks in a build, one row after the other.
fn broken(rules: &RuleTable, rows: &[[(FieldId, &str); 3]]) -> Vec<Vec<String>> {
    let mut buffer = String::new();
    let mut rows: Vec<Vec<Slot>> = rows
        .iter()
        .map(|values| {
            let mut row = vec![Slot::EMPTY; rules.width()];
            values.iter().for_each(|(field, value)| row[field.index()] = Slot::store(&mut buffer, value, 0));
            row
        })
        .collect();
    let mut facts = Facts::default();
    facts.begin(buffer.len(), true);
    let judged = rows.iter_mut().map(|row| {
        let mut faults = Vec::new();
        rules.judge(&mut buffer, row, &mut facts, Mode::Build, &mut faults);
        let codes = faults.iter().map(|fault| rules.said(fault).code.to_string());
        codes.filter(|code| code.starts_with("sale_price/")).collect()
    });
    judged.collect()
}

/// The second row differs from the first in its price alone, which the rule about the dates of a
/// sale does not look at; but the repair of another rule takes the sale's price away.
#[test]
fn what_a_repair_breaks_is_found_though_nothing_the_rule_looks_at_had_changed() {
    let spec = load::spec("openai-google").expect("built in");
    let mut rules = RuleTable::compile(&spec, jiff::civil::Date::constant(2026, 10, 1)).expect("sound");
    let [price, sale, dates] = ["price", "sale_price", "sale_price_effective_date"].map(|name| spec.field(name).expect("a field"));
    // The spec's own repair takes the dates with it.
    let not_below = "sale_price/not-below-price";
    let rule = rules.row.iter().position(|rule| &*rules.said[usize::from(rule.said)].code == not_below).expect("a rule");
    rules.row[rule].repair.omit = vec![sale];
    let row = |amount| [(price, amount), (sale, "10.00 USD"), (dates, "2026-02-01/2036-08-28")];
    let missing = [not_below.to_owned(), "sale_price/missing-for-window".to_owned()];
    assert_eq!(broken(&rules, &[row("20.00 USD"), row("5.00 USD")]), [vec![], missing.to_vec()]);
    assert_eq!(broken(&rules, &[row("5.00 USD")]), [missing.to_vec()]);
}
