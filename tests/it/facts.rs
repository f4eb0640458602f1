//! The specs beside the published tables: field by field, rule by rule. The tables stand in the
//! folder of shared material; without it these tests say nothing.

use crate::judge::{example, slots, sound, specs, table, with};
use feedmill::cell::{Cell, Shape, Slot};
use feedmill::finding::Severity;
use feedmill::rules::{Facts, Mode};
use feedmill::spec::Spec;
use feedmill::spec::terms::Consequence;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// The published profiles, each with its name there.
pub(crate) fn profiles() -> Vec<(String, Value)> {
    let mut found = Vec::new();
    for file in ["spec/openai-fields.json", "spec/stripe-fields.json"] {
        let Some(path) = crate::support::shared(file) else { continue };
        let facts: Value = serde_json::from_str(&std::fs::read_to_string(path).expect("readable")).expect("JSON");
        let profiles = facts["profiles"].as_array().expect("a list").clone();
        found.extend(profiles.into_iter().map(|profile| (profile["id"].as_str().expect("a name").to_owned(), profile)));
    }
    found
}

/// What the tables call a spec.
pub(crate) fn profile_of(spec: &Spec) -> String {
    match spec.identity.target.as_str() {
        "openai-google" => format!("openai-google-compatible-{}", spec.identity.version),
        "acp" => format!("acp-feed-{}", spec.identity.version),
        "stripe" => format!("stripe-{}", spec.identity.version),
        target if target.starts_with("stripe-") => target.to_owned(),
        target => format!("{target}-{}", spec.identity.version),
    }
}

/// The flat specs that have a published table, with it; `nested` compares the others.
fn flat() -> Vec<(Spec, Value)> {
    compared().into_iter().filter(|(spec, _)| spec.shape.is_none()).collect()
}

/// The specs that have a published table, with it.
pub(crate) fn compared() -> Vec<(Spec, Value)> {
    let profiles = profiles();
    let of = |spec: &Spec| profiles.iter().find(|(name, _)| *name == profile_of(spec)).map(|(_, profile)| profile.clone());
    specs().into_iter().filter_map(|spec| of(&spec).map(|profile| (spec, profile))).collect()
}

pub(crate) fn words(value: &Value) -> Vec<String> {
    value.as_array().map_or(Vec::new(), |words| words.iter().filter_map(Value::as_str).map(str::to_owned).collect())
}

/// A published example as the text of a cell; where the table ends one in dots, what stands before them.
fn published(value: &Value) -> Option<String> {
    let text = match value {
        Value::Null => return None,
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    Some(text.trim_end_matches(",...").trim_end_matches(",\u{2026}").to_owned())
}

pub(crate) fn fields(profile: &Value) -> &Vec<Value> {
    profile["fields"].as_array().expect("a list of fields")
}

#[test]
fn fields_are_those_of_the_published_tables() {
    for (spec, profile) in flat() {
        let theirs = fields(&profile);
        let count_of_ours = spec.published().len();
        assert_eq!(count_of_ours, theirs.len(), "{}", spec.name());
        if let Some(count) = profile["field_count"].as_u64() {
            assert_eq!(count_of_ours as u64, count, "{}", spec.name());
        }
        for (ours, theirs) in spec.fields.iter().zip(theirs) {
            let place = format!("{} {}", spec.name(), ours.name);
            let written = &ours.written;
            assert_eq!(ours.name, theirs["name"].as_str().expect("a name"), "{place}");
            assert_eq!(written.group, theirs["group"].as_str().expect("a group"), "{place}");
            assert_eq!(written.requirement.word(), theirs["requirement"].as_str().expect("a word"), "{place}");
            assert_eq!(written.condition.as_deref(), theirs["condition"].as_str(), "{place}");
            assert_eq!(written.max_length.map(|most| most as u64), theirs["max_length"].as_u64(), "{place}");
            assert_eq!(written.length_is.as_deref(), theirs["max_length_is"].as_str(), "{place}");
            assert_eq!(written.default.as_deref(), theirs["default"].as_str(), "{place}");
            assert_eq!(written.setup_required, theirs["setup_required"].as_bool().unwrap_or(false), "{place}");
            assert_eq!(written.deprecated, theirs["deprecated"].as_bool().unwrap_or(false), "{place}");
            assert_eq!(
                written.max_items.filter(|_| theirs["max_items"].is_number()).map(|most| most as u64),
                theirs["max_items"].as_u64(),
                "{place}"
            );
            // Some tables give the words of an entry's first part only inside a pattern.
            if theirs["entry_enum"].is_array() || !theirs["pattern"].as_str().is_some_and(|form| form.starts_with("^(")) {
                assert_eq!(written.first, words(&theirs["entry_enum"]), "{place}");
            }
            let range = theirs["range"].as_array().map(|range| (range[0].as_i64(), range[1].as_i64()));
            assert!(range.is_none_or(|range| range == (written.min, written.max)), "{place}");
            // A flag's two words are its type here.
            if written.kind != "boolean" {
                assert_eq!(written.values, words(&theirs["enum"]), "{place}");
            }
            let ours = written.example.as_ref().map(|value| example(value).0);
            assert_eq!(ours, published(&theirs["example"]), "{place}");
        }
    }
}

#[test]
fn names_a_target_reads_and_their_winners_are_those_published() {
    for (spec, profile) in flat() {
        for (ours, theirs) in spec.fields.iter().zip(fields(&profile)) {
            let place = format!("{} {}", spec.name(), ours.name);
            // The Stripe tables list what other specs call a field (`upc`), not what Stripe reads.
            if !spec.identity.target.starts_with("stripe") {
                assert_eq!(ours.written.aliases, words(&theirs["aliases"]), "{place}");
            }
            if let Some(sentence) = theirs["alias_precedence"].as_str() {
                let winner = sentence.split(' ').next().expect("a word");
                let ours_wins = ours.written.alias_wins.first().map_or(ours.name.as_str(), String::as_str);
                assert_eq!(ours_wins, winner, "{place}");
            }
        }
    }
}

#[test]
fn bad_values_have_the_published_consequence() {
    for (spec, profile) in flat() {
        for (ours, theirs) in spec.fields.iter().zip(fields(&profile)) {
            let Some(words) = theirs["on_invalid"].as_str() else { continue };
            let wanted = match words {
                "row rejected" | "row rejected when it carries credentials" => "row-rejected",
                "ignored" | "treated as not supplied" | "link dropped" | "the bad URL is dropped" | "ignored, price is used" => {
                    "value-ignored"
                }
                other => panic!("{} {}: `{other}` is new", spec.name(), ours.name),
            };
            assert_eq!(ours.written.consequence_invalid.word(), wanted, "{} {}", spec.name(), ours.name);
        }
    }
}

#[test]
fn every_published_example_is_accepted_by_its_own_profile() {
    let mut shown = 0;
    for (spec, profile) in flat() {
        let rules = table(&spec);
        for (place, theirs) in fields(&profile).iter().enumerate() {
            for key in ["example", "example_2"] {
                let Some(text) = published(&theirs[key]) else { continue };
                let shape = match theirs[key] {
                    Value::Array(_) => Shape::List,
                    Value::Object(_) => Shape::Object,
                    _ => Shape::Text,
                };
                let (mut buffer, mut faults) = (String::new(), Vec::new());
                let mut slots = slots(&spec, &with(&sound(&spec), &BTreeMap::new()), &mut buffer);
                slots[place] = Slot { cell: Cell::store(&mut buffer, &text, shape), column: 0 };
                rules.judge(&mut buffer, &mut slots, &mut Facts::default(), Mode::AsIs, &mut faults);
                // Rules over fields may miss the company of this one; its value itself must pass.
                let over_fields: BTreeSet<&str> = spec.rules.iter().map(|rule| rule.code.as_str()).collect();
                faults.retain(|fault| fault.field.index() == place && !over_fields.contains(&*rules.said(fault).code));
                assert!(faults.is_empty(), "{} {}: {:?}", spec.name(), spec.fields[place].name, faults);
                shown += 1;
            }
        }
    }
    assert!(shown == 0 || shown > 400, "only {shown} examples were shown");
}

/// What the tables call an error is one here, but where a field's own row says what the target
/// makes of it: a checkout flag without search "takes effect only" with it.
#[test]
fn a_rule_whose_breach_is_published_as_an_error_is_an_error() {
    let mut shown = 0;
    for (spec, profile) in compared() {
        for theirs in profile["cross_field_rules"].as_array().expect("a list").iter().filter(|rule| rule["effect"] == "error") {
            let id = theirs["id"].as_str().expect("a name");
            for ours in spec.rules.iter().filter(|rule| rule.covers.iter().any(|covered| covered == id)) {
                let is_told = ours.consequence == Consequence::CheckoutOff;
                assert!(Severity::of(ours.consequence) == Severity::Error || is_told, "{} {}: `{id}`", spec.name(), ours.code);
                shown += 1;
            }
        }
    }
    assert!(shown == 0 || shown > 30, "only {shown} rules were compared");
}

/// Every documented rule over several fields is found by codes that are shown in tests, or says
/// why no file shows it. `cargo test --test it facts -- --nocapture` prints the list.
#[test]
fn every_documented_rule_is_covered() {
    for (spec, profile) in compared() {
        println!("\n{}", spec.name());
        let mut ids = BTreeSet::new();
        for rule in profile["cross_field_rules"].as_array().expect("a list") {
            let id = rule["id"].as_str().expect("a name");
            ids.insert(id.to_owned());
            let codes: Vec<&str> =
                spec.rules.iter().filter(|rule| rule.covers.iter().any(|covered| covered == id)).map(|rule| rule.code.as_str()).collect();
            let documented = spec.documented.iter().find(|known| known.id == id);
            let found = match documented {
                Some(known) if !known.by.is_empty() => known.by.join(", "),
                Some(known) => format!("not in a file: {}", known.unseen.as_deref().unwrap_or("")),
                None => codes.join(", "),
            };
            println!("  {id:38} {found}");
            assert!(!found.is_empty(), "{}: `{id}` is covered by nothing: {}", spec.name(), rule["rule"]);
        }
        let named = spec.rules.iter().flat_map(|rule| &rule.covers).chain(spec.documented.iter().map(|known| &known.id));
        for name in named {
            assert!(ids.contains(name), "{}: `{name}` is no documented rule", spec.name());
        }
    }
}
