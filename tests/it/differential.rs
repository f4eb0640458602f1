//! The fast ways against slow, obvious ones, with values that were made to tell them apart: what
//! each kind of value is judged to be, rows in one go against rows alone, one table in three
//! formats, and one thread against several in little memory.

use crate::support::Folder;
use feedmill::cell::{NO_COLUMN, Slot};
use feedmill::product::text::has_controls;
use feedmill::rules::registry::type_kind;
use feedmill::rules::{Facts, Mode, RuleTable};
use feedmill::spec::{self, FieldId, Spec};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::LazyLock;

const TODAY: jiff::civil::Date = jiff::civil::Date::constant(2026, 11, 22);
static SPEC: LazyLock<Spec> = LazyLock::new(|| spec::load::spec("openai").expect("a spec"));
static RULES: LazyLock<RuleTable> = LazyLock::new(|| RuleTable::compile(&SPEC, TODAY).expect("rules"));

fn field(name: &str) -> FieldId {
    FieldId(SPEC.fields.iter().position(|field| field.name == name).expect("a field") as u16)
}

/// What is said of rows of values, `None` where there is none; with one memory for all of them, or
/// with a new one for each.
fn judged(rows: &[Vec<(FieldId, String)>], in_one_go: bool) -> Vec<(bool, BTreeSet<String>)> {
    let mut text = String::new();
    let table: Vec<Vec<Slot>> = rows
        .iter()
        .map(|row| {
            let mut slots = vec![Slot::EMPTY; SPEC.fields.len()];
            for (field, value) in row {
                slots[field.index()] = Slot::store(&mut text, value, NO_COLUMN);
            }
            slots
        })
        .collect();
    let mut facts = Facts::default();
    facts.begin(text.len(), !has_controls(&text));
    let judge = |mut slots: Vec<Slot>| {
        if !in_one_go {
            // Not begun: nothing is known of the batch, so every check looks for itself.
            facts = Facts::default();
        }
        let mut faults = Vec::new();
        let accepted = RULES.judge(&mut text, &mut slots, &mut facts, Mode::AsIs, &mut faults);
        (accepted, faults.iter().map(|fault| RULES.said(fault).code.to_string()).collect())
    };
    table.into_iter().map(judge).collect()
}

/// Whether the type of a field finds something wrong with each of some values that follow each other.
fn refused(name: &str, values: &[String]) -> Vec<bool> {
    let field = field(name);
    let kind = type_kind(&SPEC.fields[field.index()].written.kind).expect("a kind");
    let codes: Vec<String> = kind.defects.iter().map(|defect| format!("{name}/{}", defect.name)).collect();
    let rows: Vec<_> = values.iter().map(|value| vec![(field, value.clone())]).collect();
    judged(&rows, true).into_iter().map(|(_, said)| codes.iter().any(|code| said.contains(code))).collect()
}

fn pattern(pattern: &str) -> regex::Regex {
    regex::Regex::new(pattern).expect("a pattern")
}

/// Digits, an optional fraction no longer than the currency's, one blank, the code.
static MONEY: LazyLock<regex::Regex> =
    LazyLock::new(|| pattern(r"^(?:[0-9]+ JPY|[0-9]+(?:\.[0-9]{1,2})? (?:USD|EUR)|[0-9]+(?:\.[0-9]{1,3})? KWD)$"));
/// Scheme, a host without user, and a port; nothing that may not stand in an address.
static URL: LazyLock<regex::Regex> = LazyLock::new(|| {
    pattern(
        r#"^(?i:https?)://[A-Za-z0-9\-_\u{80}-\u{10FFFF}]+(?:\.[A-Za-z0-9\-_\u{80}-\u{10FFFF}]+)*\.?(?::[0-9]{0,5})?(?:[/?#][^\x00-\x20\x7f\\<>"]*)?$"#,
    )
});

/// Whether an address that is sound else names a port that there is not.
fn has_no_such_port(address: &str) -> bool {
    let port = address.split(['/', '?', '#']).nth(2).and_then(|authority| authority.rsplit_once(':'));
    port.is_some_and(|(_, port)| port.parse::<u32>().is_ok_and(|port| port > 65_535))
}

/// Whether an address has a host without a dot, or a number of a private network.
fn is_private(address: &str) -> bool {
    let host = address.split("//").nth(1).and_then(|rest| rest.split(['/', '?', '#', ':']).next()).unwrap_or("");
    match url::Url::parse(address).ok().and_then(|url| url.host().map(|host| host.to_owned())) {
        Some(url::Host::Ipv4(number)) => {
            matches!(number.octets(), [0 | 10 | 127 | 224.., ..] | [100, 64..=127, ..] | [169, 254, ..] | [172, 16..=31, ..])
                || matches!(
                    number.octets(),
                    [192, 168, ..] | [192, 0, 0 | 2, _] | [198, 18 | 19, ..] | [198, 51, 100, _] | [203, 0, 113, _]
                )
        }
        _ => !host.strip_suffix('.').unwrap_or(host).contains('.'),
    }
}

fn is_gtin(value: &str) -> bool {
    let digits: Option<Vec<u32>> = value.chars().map(|c| c.to_digit(10)).collect();
    let Some(digits) = digits.filter(|digits| [8, 12, 13, 14].contains(&digits.len())) else { return false };
    // Filled up to fourteen, the weights are 3 and 1 in turn from the left.
    let padded = [vec![0; 14 - digits.len()], digits].concat();
    padded.iter().zip([3, 1].iter().cycle()).map(|(digit, weight)| digit * weight).sum::<u32>() % 10 == 0
}

/// Texts of a few, so that neighbours are often the same or nearly so.
fn some(one: impl Strategy<Value = String> + 'static) -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec(one, 1..4).prop_flat_map(|pool| prop::collection::vec(prop::sample::select(pool), 1..8))
}

/// A value of any kind, sound or hostile.
fn any_value() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("https://a.example/x".to_owned()),
        "[0-9]{1,3}(\\.[0-9]{1,3})? (USD|EUR|JPY|usd)",
        Just("4006381333931".to_owned()),
        "(true|false|in_stock|new|kg|cm|US)",
        "[0-9]{1,4}",
        "[a-zA-Z ,;:<>&é\u{0}\u{7}\u{202e}\n\"']{0,24}",
        Just("{\"Color\":\"Red\",\"Size\":\"S\"}".to_owned()),
        Just("n/a".to_owned()),
        "x{140,170}",
    ]
}

/// Rows of a handful of fields, with values from a pool that all share.
fn rows() -> impl Strategy<Value = Vec<Vec<(FieldId, String)>>> {
    let fields: Vec<FieldId> = (0..SPEC.fields.len()).map(|place| FieldId(place as u16)).collect();
    prop::collection::vec(any_value(), 1..8).prop_flat_map(move |pool| {
        let cell = (prop::sample::select(fields.clone()), prop::sample::select(pool));
        prop::collection::vec(prop::collection::vec(cell, 0..12), 1..10)
    })
}

proptest! {
    #[test]
    fn money(values in some("[-+]?(0|[0-9]{0,5})[.,]?[0-9]{0,4}[ \u{a0}]{0,2}(USD|EUR|JPY|KWD|usd|XXX|ZZZ)?")) {
        // A price is above zero.
        let is_zero = |value: &str| !value.bytes().any(|byte| matches!(byte, b'1'..=b'9'));
        let slow: Vec<bool> = values.iter().map(|value| !value.is_empty() && (!MONEY.is_match(value) || is_zero(value))).collect();
        prop_assert_eq!(refused("price", &values), slow, "{:?}", values);
    }

    #[test]
    fn addresses(values in some("(https?://|HTTPS://|ftp://|//|)(shop\\.example|(0|10|127|192)\\.(168\\.)?1|[a-z.@:_0-9é]{0,9})(:[0-9]{0,6})?(/[a-zé ?#%<\\\\\u{7}\u{7f}\"]{0,8})?")) {
        let slow: Vec<bool> = values.iter().map(|value| !value.is_empty() && (!URL.is_match(value) || has_no_such_port(value) || is_private(value))).collect();
        prop_assert_eq!(refused("url", &values), slow, "{:?}", values);
    }

    #[test]
    fn gtins(values in some("[0-9]{7,15}|[0-9]{12}[ -][0-9]|(0{0,6}4006381333931)|٣٠٠٦٣٨١٣٣٣٩٣")) {
        let slow: Vec<bool> = values.iter().map(|value| !is_gtin(value)).collect();
        prop_assert_eq!(refused("gtin", &values), slow, "{:?}", values);
    }

    #[test]
    fn flags_words_and_counts(values in some("(true|false|True|1|yes|in_stock|in stock|backorder|[0-9]{1,3}|-[0-9]|[0-9]\\.[0-9]| 1|)")) {
        let present = |value: &String| !value.is_empty();
        let flags: Vec<bool> = values.iter().map(|value| present(value) && value != "true" && value != "false").collect();
        prop_assert_eq!(refused("is_digital", &values), flags, "{:?}", values);
        let known = ["in_stock", "out_of_stock", "pre_order", "backorder", "unknown"];
        let words: Vec<bool> = values.iter().map(|value| present(value) && !known.contains(&value.as_str())).collect();
        prop_assert_eq!(refused("availability", &values), words, "{:?}", values);
        let counts: Vec<bool> = values.iter().map(|value| present(value) && !value.bytes().all(|byte| byte.is_ascii_digit())).collect();
        prop_assert_eq!(refused("review_count", &values), counts, "{:?}", values);
    }

    /// What was known of the row before changes no verdict.
    #[test]
    fn rows_in_one_go_are_judged_like_rows_alone(rows in rows()) {
        prop_assert_eq!(judged(&rows, true), judged(&rows, false), "{:?}", rows);
    }
}

/// The words of the policies.
static WORDS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/schemas/shared/policy-words.toml");
    let table: toml::Table = toml::from_str(&std::fs::read_to_string(path).expect("the words")).expect("TOML");
    let groups = table["group"].as_array().expect("groups").iter();
    groups.flat_map(|group| group["words"].as_array().expect("words")).map(|word| word.as_str().expect("text").to_lowercase()).collect()
});

/// Whether one of the words stands in a text as a whole word, each looked for by itself.
fn excluded(text: &str) -> bool {
    let text: Vec<char> = text.chars().map(|c| c.to_ascii_lowercase()).collect();
    let stands_at = |word: &[char], at: usize| {
        text[at..].starts_with(word)
            && !at.checked_sub(1).is_some_and(|before| text[before].is_alphanumeric())
            && !text.get(at + word.len()).is_some_and(|after| after.is_alphanumeric())
    };
    WORDS.iter().any(|word| {
        let word: Vec<char> = word.chars().collect();
        (0..text.len()).any(|at| stands_at(&word, at))
    })
}

#[test]
fn words_of_policies_are_found_like_one_by_one() {
    let mut texts = Vec::new();
    for word in WORDS.iter() {
        for text in [
            word.clone(),
            word.to_uppercase(),
            format!("{word}s"),
            format!("x{word}"),
            format!("é{word}"),
            format!("A {word}, red"),
            format!("{word}-{word}s"),
        ] {
            texts.push(text);
        }
        // A longer entry that goes on with other letters may hold a shorter one as a whole word.
        texts.extend(WORDS.iter().map(|other| format!("{other} {word}s")));
        let first = word.split([' ', '-']).next().expect("a word");
        texts.push(format!("{first} {word}ing {first}s"));
    }
    for text in &texts {
        let said = judged(&[vec![(field("title"), text.clone())]], true);
        assert_eq!(said[0].1.contains("title/policy-word"), excluded(text), "{text}");
    }
}

/// What `check` finds in a file, as record and code.
fn findings(folder: &Folder, arguments: &[&str]) -> BTreeSet<(u64, String)> {
    let run = folder.run(&[&["check", "--config", "none", "--target", "openai", "--output-format", "jsonl"], arguments].concat());
    assert!(run.code <= 1, "{}", run.err);
    let lines = run.out.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let findings = lines.filter(|line| line["place"]["record"].as_u64().is_some_and(|record| record > 0));
    findings.map(|line| (line["place"]["record"].as_u64().expect("a record"), line["code"].as_str().expect("a code").to_owned())).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// One table is judged the same as CSV, as JSON Lines and as JSON, by one thread and by three.
    #[test]
    fn one_table_in_three_formats(table in prop::collection::vec(prop::collection::vec(any_value(), 8), 1..12)) {
        let names = ["item_id", "title", "description", "url", "price", "availability", "gtin", "group_id"];
        let folder = Folder::new();
        let mut csv = csv::Writer::from_writer(Vec::new());
        csv.write_record(names).expect("written");
        let mut lines = String::new();
        let mut objects = Vec::new();
        for row in &table {
            // Few lines with many of these would be taken for no text at all.
            let row: Vec<String> = row.iter().map(|value| value.replace(['\0', '\u{7}'], "\u{85}")).collect();
            csv.write_record(&row).expect("written");
            let object: serde_json::Map<String, Value> = names.iter().zip(&row).map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
            lines.push_str(&format!("{}\n", json!(object)));
            objects.push(object);
        }
        folder.write("feed.csv", csv.into_inner().expect("written"));
        folder.write("feed.jsonl", lines);
        folder.write("feed.json", json!(objects).to_string());
        let alone = findings(&folder, &["feed.csv", "--threads", "1"]);
        prop_assert_eq!(&findings(&folder, &["feed.csv", "--threads", "3", "--memory", "1M"]), &alone);
        prop_assert_eq!(&findings(&folder, &["feed.jsonl", "--threads", "1"]), &alone);
        prop_assert_eq!(&findings(&folder, &["feed.json", "--threads", "3"]), &alone);
    }
}
