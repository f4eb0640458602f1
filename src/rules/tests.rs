//! Rows after rows: what a rule may skip, and what it must not.

use super::{Facts, Mode, RuleTable};
use crate::cell::Slot;
use crate::spec::{FieldId, load};
use proptest::prelude::*;

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

/// By field: values that are sound, bad in one way or in several, only advised against, or absent.
const VALUES: [(&str, [&str; 4]); 10] = [
    ("title", ["Cup", "CUP CUP CUP", "a\u{7}b", "N/A"]),
    ("price", ["10.00 USD", "10 dollars", "-1.00 USD", "5.00 EUR"]),
    ("sale_price", ["8.00 USD", "eight", "8.00 EUR", ""]),
    ("shipping", ["US:ALL:Standard:3.95 USD:1:1:3:6", "US", "US:ALL:Standard:free", ""]),
    ("dimensions", ["{\"length\":\"1\",\"width\":\"2\",\"height\":\"3\",\"unit\":\"cm\"}", "1x2x3 cm", "{\"length\":\"x\"}", ""]),
    ("gtin", ["5020004434644", "5020004434645", "12", ""]),
    ("url", ["https://shop.example/a", "shop.example/a", "ftp://shop.example/a", "https://shop.example/a b"]),
    ("availability", ["in_stock", "preorder", "sold", ""]),
    ("variant_dict", ["{\"color\":\"Red\"}", "{\"color\":1}", "red", ""]),
    ("star_rating", ["4.5", "7", "good", ""]),
];

proptest! {
    /// What is remembered of the rows before changes nothing that is said of a row.
    #[test]
    fn a_row_is_judged_as_if_it_were_the_only_one(rows in prop::collection::vec(prop::collection::vec(0usize..4, VALUES.len()), 1..8), repairs: bool) {
        let spec = load::spec("openai").expect("built in");
        let rules = RuleTable::compile(&spec, jiff::civil::Date::constant(2026, 10, 1)).expect("sound");
        let mode = if repairs { Mode::Build } else { Mode::AsIs };
        let (mut buffer, mut remembering) = (String::new(), Facts::default());
        let mut slots = Vec::new();
        for choices in &rows {
            let mut row = vec![Slot::EMPTY; rules.width()];
            for ((name, values), choice) in VALUES.iter().zip(choices) {
                row[spec.field(name).expect("a field").index()] = Slot::store(&mut buffer, values[*choice], 0);
            }
            slots.push(row);
        }
        remembering.begin(buffer.len(), false);
        for row in slots {
            let mut judged = |facts: &mut Facts| {
                let (mut row, mut faults) = (row.clone(), Vec::new());
                let accepted = rules.judge(&mut buffer, &mut row, facts, mode, &mut faults);
                let codes: Vec<_> = faults.iter().map(|fault| (rules.said(fault).code.to_string(), fault.fix.clone())).collect();
                let values: Vec<_> = row.iter().map(|slot| slot.text(&buffer).to_owned()).collect();
                (accepted, codes, values)
            };
            let mut fresh = Facts::default();
            fresh.begin(0, false);
            prop_assert_eq!(judged(&mut remembering), judged(&mut fresh));
        }
    }
}
