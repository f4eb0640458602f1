//! Every field's examples pass, every defect and every rule can be shown alone, and a fault is
//! reported where it stands.

use crate::judge::{Row, codes, codes_across, example, slots, sound, specs, table, with};
use feedmill::cell::{Cell, Slot};
use feedmill::product::attribute::Attributes;
use feedmill::rules::{Facts, Mode, RuleTable, registry};
use feedmill::spec::load;
use feedmill::spec::model::Requirement;
use std::collections::BTreeMap;

#[test]
fn the_sound_row_is_sound() {
    for spec in specs() {
        assert_eq!(codes(&spec, &table(&spec), &with(&sound(&spec), &Row::new())), [""; 0], "{}", spec.name());
    }
}

#[test]
fn every_example_passes() {
    for spec in specs() {
        let rules = table(&spec);
        for (place, field) in spec.fields.iter().enumerate() {
            for value in field.written.example.iter().chain(&field.written.more_examples) {
                let (text, shape) = example(value);
                let (mut buffer, mut faults) = (String::new(), Vec::new());
                let mut slots = slots(&spec, &with(&sound(&spec), &Row::new()), &mut buffer);
                slots[place] = Slot { cell: Cell::store(&mut buffer, &text, shape), column: 0 };
                rules.judge(&mut buffer, &mut slots, &mut Facts::default(), Mode::AsIs, &mut faults);
                let of_field: Vec<_> = faults
                    .iter()
                    .filter(|fault| fault.field.index() == place && fault.value.as_deref() == Some(&*text))
                    .map(|fault| &fault.message)
                    .collect();
                let values_only: Vec<_> = of_field.into_iter().filter(|message| !message.contains(" = `")).collect();
                assert!(values_only.is_empty(), "{} {}: {values_only:?}", spec.name(), field.name);
            }
        }
    }
}

#[test]
fn every_defect_of_a_value_is_found_alone() {
    let mut shown = 0;
    for spec in specs() {
        let rules = table(&spec);
        for field in &spec.fields {
            let attribute = Attributes::shared().name(field.attribute);
            let kind = registry::type_kind(&field.written.kind).expect("compiled before");
            let bounds = registry::bounds().filter(|kind| kind.takes_part(&field.written));
            for doc in std::iter::once(kind).chain(bounds).flat_map(|kind| kind.defects) {
                let Some(bad) = (doc.bad)(&field.written) else { continue };
                let row = with(&sound(&spec), &Row::from([(field.name.clone(), bad.clone())]));
                let wanted = format!("{attribute}/{}", doc.name);
                let rules_over_fields: Vec<&str> = spec.rules.iter().map(|rule| rule.code.as_str()).collect();
                let mut found = codes(&spec, &rules, &row);
                // The other fields of such a row may lack company that rules ask for.
                found.retain(|code| *code == wanted || !rules_over_fields.contains(&code.as_str()));
                assert_eq!(found, [wanted], "{} {} = {bad}", spec.name(), field.name);
                shown += 1;
            }
        }
    }
    assert!(shown > 300, "only {shown} defects were shown");
}

#[test]
fn every_missing_required_value_is_found_alone() {
    for spec in specs() {
        let rules = table(&spec);
        for field in spec.fields.iter().filter(|field| field.written.requirement == Requirement::Required) {
            let row = with(&sound(&spec), &Row::from([(field.name.clone(), String::new())]));
            let wanted = format!("{}/missing", Attributes::shared().name(field.attribute));
            assert_eq!(codes(&spec, &rules, &row), [wanted], "{}", spec.name());
        }
    }
}

#[test]
fn every_rule_is_broken_alone_and_kept() {
    for spec in specs() {
        let rules = table(&spec);
        let base = sound(&spec);
        for rule in &spec.rules {
            let place = format!("{} {}", spec.name(), rule.code);
            if rule.bad_rows.is_empty() {
                assert!(!rule.bad.is_empty() && !rule.good.is_empty(), "{place}: no examples");
                let mut wanted = vec![rule.code.clone()];
                wanted.extend(rule.bad_also.clone());
                let mut found = codes(&spec, &rules, &with(&base, &rule.bad));
                found.sort();
                wanted.sort();
                assert_eq!(found, wanted, "{place}: bad");
                assert_eq!(codes(&spec, &rules, &with(&base, &rule.good)), [""; 0], "{place}: good");
            } else {
                let rows = |rows: &[Row]| rows.iter().map(|row| with(&base, row)).collect::<Vec<_>>();
                assert_eq!(codes_across(&spec, &rules, &rows(&rule.bad_rows)), [rule.code.as_str()], "{place}: bad");
                assert!(!rule.good_rows.is_empty(), "{place}: no good rows");
                assert_eq!(codes_across(&spec, &rules, &rows(&rule.good_rows)), [""; 0], "{place}: good");
            }
        }
    }
}

#[test]
fn codes_say_attribute_and_defect() {
    for spec in specs() {
        for rule in &spec.rules {
            let (attribute, defect) = rule.code.split_once('/').expect("a slash");
            assert!(Attributes::shared().id(attribute).is_some(), "{}", rule.code);
            assert!(defect.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'), "{}", rule.code);
        }
    }
}

#[test]
fn an_unknown_word_is_an_error_with_the_nearest_known_one() {
    let spec = load::spec("opanai").expect_err("unknown");
    assert!(spec.to_string().contains("did you mean `openai`?"), "{spec}");
}

/// Every defect and every rule of a row, through the program: one finding, at its line and column.
/// The rows of nested targets stand in no file of their own.
#[test]
fn every_fault_is_reported_at_its_line_and_column() {
    for spec in specs().into_iter().filter(|spec| spec.shape.is_none()) {
        let base = sound(&spec);
        let id = spec.get(table(&spec).item_field().expect("an id")).name.clone();
        let across: Vec<&str> = spec.rules.iter().filter(|rule| !rule.bad_rows.is_empty()).map(|rule| rule.code.as_str()).collect();
        let over_fields: Vec<&str> = spec.rules.iter().map(|rule| rule.code.as_str()).collect();
        let mut cases: Vec<(Row, String, String, bool)> = Vec::new();
        for field in &spec.fields {
            let kind = registry::type_kind(&field.written.kind).expect("compiled before");
            for doc in
                std::iter::once(kind).chain(registry::bounds().filter(|kind| kind.takes_part(&field.written))).flat_map(|kind| kind.defects)
            {
                // A value in CSV is text whatever it looks like, and an id repeated is another fault.
                let Some(bad) = (doc.bad)(&field.written).filter(|_| field.name != id) else { continue };
                let row = with(&base, &Row::from([(field.name.clone(), bad)]));
                cases.push((row, format!("{}/{}", Attributes::shared().name(field.attribute), doc.name), field.name.clone(), true));
            }
        }
        for rule in spec.rules.iter().filter(|rule| rule.bad_rows.is_empty() && rule.bad_also.is_empty()) {
            cases.push((with(&base, &rule.bad), rule.code.clone(), String::new(), false));
        }
        let names: Vec<&str> = spec.fields.iter().map(|field| field.name.as_str()).collect();
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(&names).expect("memory");
        for (number, (row, _, _, _)) in cases.iter().enumerate() {
            let own = format!("{}{number}", row.get(&id).map_or("", String::as_str));
            // Some cases are about the id itself; a repeated id is not judged here.
            let plain = row.get(&id).map_or("", String::as_str);
            let same_id = row.iter().any(|(name, value)| *name != id && value.contains(plain) && !plain.is_empty());
            let cell = |name: &&str| if *name == id && !same_id { own.clone() } else { row.get(*name).cloned().unwrap_or_default() };
            writer.write_record(names.iter().map(cell)).expect("memory");
        }
        let folder = crate::support::Folder::new();
        folder.write("feed.csv", writer.into_inner().expect("memory"));
        let run = folder.run(&["check", "feed.csv", "--config", "none", "--target", &spec.name(), "--output-format", "jsonl"]);
        let mut found: BTreeMap<u64, Vec<serde_json::Value>> = BTreeMap::new();
        for line in run.out.lines() {
            let finding: serde_json::Value = serde_json::from_str(line).expect("JSON");
            let code = finding["code"].as_str().unwrap_or("");
            if let Some(record) = finding["record"].as_u64().filter(|_| !across.contains(&code) && !code.ends_with("/in-the-past")) {
                found.entry(record).or_default().push(finding);
            }
        }
        for (number, (_, code, field, is_value)) in cases.iter().enumerate() {
            if code.ends_with("/in-the-past") {
                continue;
            }
            let mut of_row = found.remove(&(number as u64 + 1)).unwrap_or_default();
            // The other fields of a row with a bad value may lack company that rules ask for.
            of_row.retain(|finding| {
                !is_value || finding["code"] == code.as_str() || !over_fields.contains(&finding["code"].as_str().unwrap_or(""))
            });
            let place = format!("{} {code}: {of_row:?}", spec.name());
            assert_eq!(of_row.len(), 1, "{place}");
            assert_eq!(of_row[0]["code"], code.as_str(), "{place}");
            assert_eq!(of_row[0]["line"], number + 2, "{place}");
            let blamed = of_row[0]["column_name"].as_str().expect("a column").to_owned();
            let column = names.iter().position(|name| *name == blamed).expect("a field") + 1;
            assert_eq!(of_row[0]["column"], column, "{place}");
            assert!(!is_value || blamed == *field, "{place}");
        }
    }
}

#[test]
fn unknown_words_in_a_spec_file_are_refused() {
    let mut spec = load::spec("openai").expect("built in");
    spec.fields[1].written.kind = "txt".to_owned();
    let today = jiff::civil::Date::constant(2026, 1, 1);
    let Err(error) = RuleTable::compile(&spec, today) else { panic!("`txt` is no type") };
    assert!(error.to_string().contains("`txt` is no type; did you mean `text`?"), "{error}");
    let mut spec = load::spec("openai").expect("built in");
    spec.rules[0].kind = "implys".to_owned();
    let Err(error) = RuleTable::compile(&spec, today) else { panic!("`implys` is no kind") };
    assert!(error.to_string().contains("did you mean `implies`?"), "{error}");
    let mut spec = load::spec("openai").expect("built in");
    spec.rules[0].attribute = Some("is_eligible_chekout".to_owned());
    let Err(error) = RuleTable::compile(&spec, today) else { panic!("no such field") };
    assert!(error.to_string().contains("did you mean `is_eligible_checkout`?"), "{error}");
    let written = "group = \"x\"\nrequirement = \"required\"\ntype = \"text\"\nmax_lenght = 5\nconsequence_invalid = \"row-rejected\"\ncertainty = \"stated\"\n";
    let error = toml::from_str::<feedmill::spec::model::FieldFile>(written).expect_err("a misspelt key");
    assert!(error.message().contains("unknown field `max_lenght`"), "{error}");
}

/// The files of a folder that holds differences from the current flat file.
fn overlay(spec: &str, attributes: &str, rules: &str) -> Result<feedmill::spec::Spec, feedmill::spec::SpecError> {
    let spec = format!("target = \"mine\"\nversion = \"1\"\ntitle = \"x\"\nstatus = \"draft\"\n{spec}");
    load::folder("specs/mine", [&spec, attributes, rules, ""])
}

#[test]
fn a_folder_holds_differences_from_its_base() {
    let base = load::spec("openai@2026-09").expect("built in");
    let written = "[title]\nwithout = [\"length_is\"]\nmax_length = 80\n\n[motto]\nafter = \"title\"\nattribute = \"pricing_trend\"\ngroup = \"Own\"\nrequirement = \"optional\"\ntype = \"text\"\nconsequence_invalid = \"advice\"\ncertainty = \"own\"\n";
    let rules = "[[rule]]\ncode = \"item_id/duplicate\"\nwhat = \"changed\"\n";
    let without = "base = \"openai@2026-09\"\nwithout = { fields = [\"mpn\"], rules = [\"mpn/without-brand\"] }\n";
    let ours = overlay(without, written, rules).expect("sound");
    assert_eq!(ours.fields.len(), base.fields.len());
    assert_eq!(ours.fields.iter().map(|field| field.name.as_str()).nth(2), Some("motto"));
    let title = &ours.fields[1].written;
    assert_eq!((title.max_length, title.length_is.as_deref(), title.group.as_str()), (Some(80), None, "Basic product data"));
    assert_eq!((&*title.clause.file, title.clause.line), ("specs/mine/attributes.toml", 1));
    assert!(ours.field("mpn").is_none() && ours.field("gtin").is_some());
    let changed = ours.rules.iter().find(|rule| rule.code == "item_id/duplicate").expect("inherited");
    assert_eq!((changed.what.as_str(), changed.kind.as_str()), ("changed", "unique"));
    assert_eq!(ours.rules.len(), base.rules.len() - 1);
    // What the version says of itself is its own.
    assert!(!ours.identity.current && !ours.identity.default && ours.identity.source == base.identity.source);
    RuleTable::compile(&ours, jiff::civil::Date::constant(2026, 1, 1)).expect("sound");
}

#[test]
fn a_fault_of_a_spec_folder_names_file_and_line() {
    let base = "base = \"openai@2026-09\"\n";
    let faults = [
        (
            base,
            "# a field\n\n[title]\nmax_length = 80\nmax_lenght = 5\n",
            "",
            "specs/mine/attributes.toml:5: field `title`: unknown field `max_lenght`",
        ),
        (base, "[title]\n\nmax_length = \"long\"\n", "", "specs/mine/attributes.toml:3: field `title`: invalid type"),
        (
            base,
            "[title]\nunits = [\"cm\"]\n",
            "",
            "specs/mine/attributes.toml:1: `title`: `units` is read by nothing where the kind is `text`",
        ),
        (
            base,
            "",
            "\n[[rule]]\ncode = \"mpn/without-brand\"\ncount = 2\n",
            "specs/mine/rules.toml:2: `mpn/without-brand`: `count` is read by nothing",
        ),
        (
            base,
            "",
            "[[rule]]\ncode = \"mpn/without-brand\"\ncertainty = \"disputed\"\n",
            "specs/mine/rules.toml:1: `mpn/without-brand`: what is disputed needs `dispute`",
        ),
        (base, "[title]\nwithout = [\"pattern\"]\n", "", "specs/mine/attributes.toml:1: `without` names `pattern`"),
        (base, "[motto]\nafter = \"titel\"\n", "", "specs/mine/attributes.toml:1: `after` names `titel`"),
        ("base = \"opanai@1\"\n", "", "", "specs/mine/spec.toml:5: `opanai@1` is no spec"),
        (
            "base = \"openai@2026-09\"\nwithout = { fields = [\"colour\"] }\n",
            "",
            "",
            "specs/mine/spec.toml:1: `without` names the field `colour`",
        ),
    ];
    for (spec, attributes, rules, wanted) in faults {
        let loaded = overlay(spec, attributes, rules);
        let fault = loaded.and_then(|spec| RuleTable::compile(&spec, jiff::civil::Date::constant(2026, 1, 1)).map(drop)).expect_err(wanted);
        assert!(fault.to_string().starts_with(wanted), "{fault}");
    }
}

/// A key of a spec folder that no code reads would look like a rule and be none. Which kind of
/// rule reads which key is checked when a folder is compiled; here, that code reads each at all.
#[test]
fn every_key_of_a_spec_folder_is_read() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let model = std::fs::read_to_string(root.join("spec/model.rs")).expect("readable");
    let mut code = String::new();
    let mut folders = vec![root];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("readable") {
            let path = entry.expect("readable").path();
            if path.is_dir() {
                folders.push(path);
            } else if !path.ends_with("spec/model.rs") {
                code.push_str(&std::fs::read_to_string(&path).expect("readable"));
            }
        }
    }
    let fields = model.lines().filter(|line| !line.contains("pub const "));
    let keys = fields.filter_map(|line| line.strip_prefix("    pub ")?.split_once(": ").map(|(name, _)| name.to_owned()));
    let keys: std::collections::BTreeSet<String> = keys.collect();
    assert!(keys.len() > 60, "the keys were not found");
    let is_read = |key: &str| {
        code.match_indices(&format!(".{key}")).any(|(at, found)| {
            !code.get(at + found.len()..).is_some_and(|rest| rest.starts_with(|c: char| c.is_alphanumeric() || c == '_'))
        })
    };
    // `bad_also` says which other codes a bad example unavoidably has: it belongs to the tests.
    let unread: Vec<&String> = keys.iter().filter(|key| !is_read(key) && *key != "bad_also").collect();
    assert!(unread.is_empty(), "no code reads {unread:?}");
}

/// The promotion feed through the program: found by its columns, judged, and refused at its cells.
#[test]
fn a_promotion_feed_is_checked() {
    let folder = crate::support::Folder::new();
    let head =
        "promotion_id,title,active_period,benefit_type,percent_off,target_selection,target_ids,application_type,promotion_code,delete\n";
    folder.write(
        "promo.csv",
        format!(
            "{head}PROMO_1,Spring sale,2026-05-01T00:00:00Z/2026-12-15T23:59:59Z,percent_off,20,all_products,,automatic,,\n\
             PROMO_2,Summer sale,2026-05-01/2026-12-15,percent_off,120,specific_products,,promotion_code,,\n\
             PROMO_3,,,,,,,,,true\n"
        ),
    );
    let run = folder.run(&["check", "promo.csv", "--target", "stripe-promotion", "--output-format", "json"]);
    let report = run.json();
    assert_eq!(report["input"][0]["preset"], "stripe-promotion-feed", "{}", run.out);
    assert_eq!((&report["summary"]["accepted"], &report["summary"]["rejected"]), (&2.into(), &1.into()), "{}", run.out);
    let codes: Vec<&str> =
        report["findings"].as_array().expect("a list").iter().map(|found| found["code"].as_str().expect("a code")).collect();
    let wanted = ["active_period/no-time-zone", "percent_off/out-of-range", "promotion_code/missing", "target_selection/no-target"];
    let mut sorted = codes.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, wanted);
    assert!(report["findings"].as_array().expect("a list").iter().all(|found| found["item"] == "PROMO_2" && found["line"] == 3));
}
