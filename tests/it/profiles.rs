//! Every profile beside its published table: how many fields and rules it has, and how many have
//! a case that breaks them and one that keeps them, both executed here.
//!
//! `cargo test --test it profiles -- --nocapture` prints the table.

use crate::facts::{profile_of, profiles};
use crate::judge::{Row, codes, codes_across, example, sound, specs, table, with};
use feedmill::product::attribute::Attributes;
use feedmill::rules::RuleTable;
use feedmill::rules::registry::Outcome;
use feedmill::spec::{Field, Spec};
use std::collections::BTreeSet;

/// An example as a delimited cell holds it.
fn cell(value: &toml::Value) -> String {
    match value.as_array() {
        Some(entries) if entries.iter().all(toml::Value::is_str) => {
            entries.iter().filter_map(toml::Value::as_str).collect::<Vec<_>>().join(",")
        }
        _ => example(value).0,
    }
}

/// Whether a value of a field shows a defect, and whether the field's own example passes.
fn shown(spec: &Spec, rules: &RuleTable, field: &Field) -> (usize, usize, usize) {
    let attribute = Attributes::shared().name(field.attribute);
    let row = |value: &str| with(&sound(spec), &Row::from([(field.name.clone(), value.to_owned())]));
    let (mut known, mut bad, mut good) = (0, 0, 0);
    for outcome in Outcome::all(&field.written) {
        let Some(value) = (outcome.doc.bad)(&field.written) else { continue };
        let code = format!("{attribute}/{}", outcome.doc.name);
        known += 1;
        bad += usize::from(codes(spec, rules, &row(&value)).contains(&code));
        // A field without an example is kept by leaving it out.
        let kept = field.written.example.as_ref().map_or_else(String::new, cell);
        good += usize::from(!codes(spec, rules, &row(&kept)).contains(&code));
    }
    (known, bad, good)
}

/// How many fields a spec publishes: those of its rows, or of the objects of a nested target. One
/// table may be two targets, such as products and promotions, which share objects.
fn published_fields(spec: &Spec) -> u64 {
    let of_one_table = specs().into_iter().filter(|other| {
        let is_part = other.shape.is_some() && other.identity.family == spec.identity.family;
        other.name() == spec.name() || is_part && spec.shape.is_some()
    });
    let names: BTreeSet<String> =
        of_one_table.flat_map(|spec| spec.published().iter().map(|(name, _)| (*name).to_owned()).collect::<Vec<_>>()).collect();
    names.len() as u64
}

#[test]
fn every_field_and_rule_of_every_profile_is_broken_and_kept() {
    let published = profiles();
    let mut lines = vec![format!(
        "{:34} {:>6} {:>9} {:>7} {:>5} {:>5} {:>6} {:>5} {:>5} {:>7}",
        "profile", "fields", "published", "defects", "bad", "good", "rules", "bad", "good", "not in a file"
    )];
    let mut missing = Vec::new();
    for spec in specs() {
        let rules = table(&spec);
        let (mut defects, mut bad, mut good) = (0, 0, 0);
        for field in &spec.fields {
            let (known, broken, kept) = shown(&spec, &rules, field);
            (defects, bad, good) = (defects + known, bad + broken, good + kept);
            if known == 0 || broken < known || kept < known {
                missing.push(format!("{} {}: {known} defects, {broken} broken, {kept} kept", spec.name(), field.name));
            }
        }
        let (mut rules_bad, mut rules_good) = (0, 0);
        let base = sound(&spec);
        for rule in &spec.rules {
            let rows = |rows: &[Row]| rows.iter().map(|row| with(&base, row)).collect::<Vec<_>>();
            let (broken, kept) = if rule.bad_rows.is_empty() {
                (codes(&spec, &rules, &with(&base, &rule.bad)), codes(&spec, &rules, &with(&base, &rule.good)))
            } else {
                (codes_across(&spec, &rules, &rows(&rule.bad_rows)), codes_across(&spec, &rules, &rows(&rule.good_rows)))
            };
            let (broken, kept) = (broken.contains(&rule.code), !kept.contains(&rule.code));
            (rules_bad, rules_good) = (rules_bad + usize::from(broken), rules_good + usize::from(kept));
            if !(broken && kept) {
                missing.push(format!("{} {}", spec.name(), rule.code));
            }
        }
        let facts = published.iter().find(|(name, _)| *name == profile_of(&spec));
        let count =
            facts.and_then(|(_, profile)| profile["field_count"].as_u64().or(profile["fields"].as_array().map(|all| all.len() as u64)));
        let fields = published_fields(&spec);
        assert!(count.is_none_or(|count| count == fields), "{}: {count:?} fields are published, {fields} are here", spec.name());
        lines.push(format!(
            "{:34} {:>6} {:>9} {defects:>7} {bad:>5} {good:>5} {:>6} {rules_bad:>5} {rules_good:>5} {:>7}",
            spec.name(),
            fields,
            count.map_or_else(|| "overlay".to_owned(), |count| count.to_string()),
            spec.rules.len(),
            spec.documented.iter().filter(|known| known.unseen.is_some()).count(),
        ));
    }
    let here: Vec<String> = specs().iter().map(profile_of).collect();
    for (name, profile) in published.iter().filter(|(name, _)| !here.contains(name)) {
        let count = profile["fields"].as_array().map_or(0, Vec::len);
        lines.push(format!("{name:34} {:>6} {count:>9}   no folder", "-"));
    }
    println!("{}", lines.join("\n"));
    assert!(missing.is_empty(), "without an executed bad and good case:\n{}", missing.join("\n"));
}
