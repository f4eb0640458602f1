//! Reports for other tools: one whole document each, whatever the catalog holds, read back here by
//! parsers that know nothing of ours.

use crate::support::{Folder, Run};
use quick_xml::Reader;
use quick_xml::events::Event;
use serde_json::Value;
use std::collections::BTreeMap;

/// What a catalog may hold to break out of a report.
const HOSTILE: &str = "a]]>b<c>&\"'%::error::\u{202e}\u{1b}[2J,x";

/// A catalog with a fault a row, hostile ids among them, in a folder of a name that needs escapes.
fn catalog() -> Folder {
    let folder = Folder::new();
    let mut text = String::from("item_id,title,description,url,brand,image_url,availability,price,seller_name,is_digital\n");
    for (id, price) in [("SKU-1", "10.00 USD"), ("SKU-2", "about ten"), (HOSTILE, ""), ("SKU-2", "12.00 USD"), ("SKU-5", "13.00")] {
        let id = id.replace('"', "\"\"");
        text.push_str(&format!(
            "\"{id}\",Bottle,A bottle.,https://shop.example/p,Acme,https://shop.example/p.jpg,in_stock,{price},Northline,maybe\n"
        ));
    }
    folder.write("my feeds/catalog.csv", text);
    folder
}

fn check(folder: &Folder, more: &[&str]) -> Run {
    folder.run(&[&["check", "my feeds/catalog.csv", "--target", "openai"], more].concat())
}

/// The findings as our own format has them: code, item and line.
fn known(folder: &Folder) -> Vec<(String, String, u64)> {
    let run = check(folder, &["--output-format", "json"]);
    let found = run.json()["findings"].as_array().expect("findings").clone();
    let text = |value: &Value| value.as_str().unwrap_or("").to_owned();
    found.iter().map(|one| (text(&one["code"]), text(&one["item"]), one["line"].as_u64().unwrap_or(0))).collect()
}

#[test]
fn sarif_has_every_finding_at_its_line_with_its_rule() {
    let folder = catalog();
    let known = known(&folder);
    assert!(known.len() >= 4, "{known:?}");
    let run = check(&folder, &["--output-format", "sarif"]);
    assert_eq!(run.code, 1, "{}", run.err);
    let report = run.json();
    assert_eq!((&report["version"], &report["$schema"]), (&"2.1.0".into(), &"https://json.schemastore.org/sarif-2.1.0.json".into()));
    let one = &report["runs"][0];
    assert_eq!((&one["invocations"][0]["exitCode"], &one["invocations"][0]["executionSuccessful"]), (&1.into(), &true.into()));
    let rules = one["tool"]["driver"]["rules"].as_array().expect("rules");
    let mut found = Vec::new();
    let mut prints = std::collections::BTreeSet::new();
    for result in one["results"].as_array().expect("results") {
        let rule = &rules[result["ruleIndex"].as_u64().expect("a place") as usize];
        assert_eq!(rule["id"], result["ruleId"]);
        assert!(["error", "warning", "note"].contains(&result["level"].as_str().expect("a level")));
        let location = &result["locations"][0]["physicalLocation"];
        assert_eq!(location["artifactLocation"]["uri"], "my%20feeds/catalog.csv");
        assert!(location["region"].get("startColumn").is_none(), "the number of a cell is no column of the text");
        assert!(prints.insert(result["partialFingerprints"]["primaryLocationLineHash"].to_string()), "each finding is one of its own");
        found.push((result["ruleId"].as_str().expect("a code").to_owned(), location["region"]["startLine"].as_u64().unwrap_or(0)));
    }
    let mut expected: Vec<_> = known.into_iter().map(|(code, _, line)| (code, line)).collect();
    expected.sort();
    found.sort();
    assert_eq!(found, expected);

    // The same faults one row further down are the same alerts.
    let moved = folder.read("my feeds/catalog.csv").replacen(
        '\n',
        "\nNEW,Bottle,A bottle.,https://shop.example/p,Acme,https://shop.example/p.jpg,in_stock,9.00 USD,Northline,true\n",
        1,
    );
    folder.write("my feeds/catalog.csv", moved);
    let again = check(&folder, &["--output-format", "sarif"]).json();
    let again = again["runs"][0]["results"].as_array().expect("results").iter();
    let again: std::collections::BTreeSet<_> =
        again.map(|result| result["partialFingerprints"]["primaryLocationLineHash"].to_string()).collect();
    assert_eq!(again, prints);
}

#[test]
fn gitlab_gets_an_array_with_paths_and_lines() {
    let folder = catalog();
    let known = known(&folder);
    let run = check(&folder, &["--output-format", "gitlab"]);
    let entries = run.json().as_array().expect("an array").clone();
    assert_eq!(entries.len(), known.len());
    let mut prints = std::collections::BTreeSet::new();
    for entry in &entries {
        assert_eq!(entry["location"]["path"], "my feeds/catalog.csv");
        let line = entry["location"]["lines"]["begin"].as_u64().expect("a line");
        let code = entry["check_name"].as_str().expect("a name");
        assert!(known.iter().any(|(known, _, at)| known == code && (*at).max(1) == line), "{entry}");
        assert!(entry["description"].as_str().expect("text").starts_with(&format!("{code}: ")));
        assert!(["info", "minor", "major", "critical", "blocker"].contains(&entry["severity"].as_str().expect("a word")));
        assert!(prints.insert(entry["fingerprint"].to_string()));
    }
    folder.write("my feeds/catalog.csv", "item_id,title\n");
    let run = check(&folder, &["--output-format", "gitlab=quality.json"]);
    assert!(run.code != 0 && serde_json::from_str::<Value>(&folder.read("quality.json")).expect("JSON").is_array(), "{}", run.err);
}

/// A case of JUnit: its suite, its name, and what came of it.
fn cases(xml: &str) -> BTreeMap<(String, String), String> {
    let mut reader = Reader::from_str(xml);
    let (mut cases, mut open, mut counts) = (BTreeMap::new(), None, (0, 0));
    let value = |element: &quick_xml::events::BytesStart<'_>, name: &str| {
        let found = element.try_get_attribute(name).expect("attributes");
        found.map(|one| quick_xml::escape::unescape(&one.value).expect("text").into_owned()).unwrap_or_default()
    };
    loop {
        match reader.read_event().expect("XML") {
            Event::Start(one) | Event::Empty(one) if one.name().as_ref() == "testsuites" => {
                counts = (value(&one, "tests").parse().expect("a number"), value(&one, "failures").parse().expect("a number"));
            }
            Event::Start(one) | Event::Empty(one) if one.name().as_ref() == "testcase" => {
                let key = (value(&one, "classname"), value(&one, "name"));
                assert!(cases.insert(key.clone(), "passed".to_owned()).is_none(), "{key:?} occurs twice");
                open = Some(key);
            }
            Event::Start(one) | Event::Empty(one) if matches!(one.name().as_ref(), "failure" | "error" | "system-out") => {
                let word = one.name().as_ref().to_owned();
                let message = value(&one, "message");
                cases.insert(open.clone().expect("inside a case"), format!("{word} {message}").trim_end().to_owned());
            }
            Event::Eof => break,
            _ => {}
        }
    }
    let failures = cases.values().filter(|what| what.starts_with("failure")).count();
    assert_eq!((cases.len(), failures), counts, "what the head counts is there");
    cases
}

#[test]
fn junit_shows_what_passed_and_what_failed() {
    let folder = catalog();
    let of = |more: &[&str]| cases(&check(&folder, &[more, &["--output-format", "junit"]].concat()).out);
    let found = of(&[]);
    let is = |suite: &str, code: &str| found.get(&(suite.to_owned(), code.to_owned())).cloned().unwrap_or_default();
    assert!(is("openai", "price/missing").starts_with("failure 1 finding: "), "{found:?}");
    assert_eq!(is("openai", "title/too-long"), "passed", "a rule that found nothing shows");
    assert_eq!(is("feedmill", "run"), "passed");
    assert!(found.len() > 100, "{}", found.len());
    // What only warns fails where warnings fail the run, and where nothing does not even errors.
    let warned: Vec<_> = found.iter().filter(|(_, what)| what.starts_with("system-out")).map(|(key, _)| key.clone()).collect();
    assert!(!warned.is_empty());
    let strict = of(&["--fail-on", "warning"]);
    assert!(
        strict.values().filter(|what| what.starts_with("failure")).count()
            > found.values().filter(|what| what.starts_with("failure")).count()
    );
    assert!(of(&["--fail-on", "never"]).values().all(|what| !what.starts_with("failure")));
    let broken = folder.run(&["check", "nowhere.csv", "--target", "openai", "--output-format", "junit"]);
    let told = cases(&broken.out);
    assert!(told[&("feedmill".to_owned(), "run".to_owned())].starts_with("error "), "{told:?}");
}

#[test]
fn more_than_a_report_takes_is_counted() {
    let folder = Folder::new();
    let mut text = String::from("item_id,title,description,url,brand,image_url,availability,price,seller_name\n");
    for n in 0..5_200 {
        // Every other price is missing, so that no whole column is.
        let price = if n % 100 < 97 { "" } else { "10.00 USD" };
        text.push_str(&format!(
            "S{n},Bottle,A bottle.,https://shop.example/{n},Acme,https://shop.example/{n}.jpg,in_stock,{price},Northline\n"
        ));
    }
    folder.write("catalog.csv", text);
    let run = folder.run(&["check", "catalog.csv", "--target", "openai", "--output-format", "sarif", "--output-format", "jsonl=all.jsonl"]);
    let errors: u64 = {
        let all = folder.read("all.jsonl");
        let findings = all.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()).filter(|one| one.get("code").is_some());
        findings.map(|one| one["values"].as_u64().unwrap_or(1)).sum()
    };
    let report = run.json();
    let results = report["runs"][0]["results"].as_array().expect("results");
    assert_eq!(results.len(), 5_000);
    let note = report["runs"][0]["invocations"][0]["toolExecutionNotifications"][0]["message"]["text"].as_str().expect("a note");
    assert!(note.starts_with(&format!("{} more findings", errors - 5_000)), "{note}, of {errors}");
}

#[test]
fn reviewdog_gets_every_finding_at_its_line() {
    let folder = catalog();
    let mut expected: Vec<_> = known(&folder).into_iter().map(|(code, _, line)| (code, line)).collect();
    expected.sort();
    let of = |diagnostics: &[Value]| {
        let mut found = Vec::new();
        for one in diagnostics {
            assert!(["ERROR", "WARNING", "INFO"].contains(&one["severity"].as_str().expect("a word")), "{one}");
            assert_eq!(one["location"]["path"], "my feeds/catalog.csv");
            assert!(one["message"].as_str().is_some_and(|message| !message.is_empty()));
            let code = one["code"]["value"].as_str().expect("a code").to_owned();
            found.push((code, one["location"]["range"]["start"]["line"].as_u64().unwrap_or(0)));
        }
        found.sort();
        found
    };
    let document = check(&folder, &["--output-format", "rdjson"]).json();
    assert_eq!(document["source"]["name"], "feedmill");
    assert_eq!(of(document["diagnostics"].as_array().expect("diagnostics")), expected);
    let lines = check(&folder, &["--output-format", "rdjsonl"]).out;
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(of(&lines), expected);

    for format in ["rdjson", "rdjsonl"] {
        let broken = folder.run(&["check", "nowhere.csv", "--target", "openai", "--output-format", format]);
        let told = broken.json();
        let told = told.get("diagnostics").map_or(&told, |all| &all[0]);
        assert_eq!((broken.code, &told["severity"], &told["code"]["value"]), (3, &"ERROR".into(), &"feedmill/error".into()));
    }
}

/// The rows of the tables of a page, without what separates them.
fn rows(page: &str) -> Vec<Vec<&str>> {
    let rows = page.lines().filter(|line| line.starts_with('|') && !line.starts_with("|---"));
    rows.map(|row| row.trim_matches('|').split(" | ").map(str::trim).collect()).collect()
}

#[test]
fn markdown_has_a_row_a_code_and_nothing_of_a_catalog_is_markup() {
    let folder = catalog();
    let page = check(&folder, &["--output-format", "markdown"]).out;
    let mut times = BTreeMap::new();
    for (code, ..) in known(&folder) {
        *times.entry(code.replace('_', "\\_")).or_insert(0) += 1;
    }
    let tables = rows(&page);
    let [head, counts, heads, codes @ ..] = tables.as_slice() else { panic!("{page}") };
    assert!(head[0] == "target" && heads[1..3] == ["code", "times"], "{page}");
    assert_eq!(counts[0..2], ["openai (2026-09)", "5"]);
    let found: BTreeMap<String, i32> = codes.iter().map(|row| (row[1].to_owned(), row[2].parse().expect("a number"))).collect();
    assert_eq!(found, times);
    let weights: Vec<usize> =
        codes.iter().map(|row| ["error", "warning", "advice"].iter().position(|word| *word == row[0]).expect("a word")).collect();
    assert!(weights.is_sorted(), "worst first: {page}");
    assert!(page.starts_with("## feedmill check: ") && !page.contains("b<c>") && !page.contains('\u{1b}'), "{page}");
}

#[test]
fn the_page_of_a_step_is_added_to() {
    let folder = catalog();
    let page = folder.write("step.md", "# before\n");
    let page = page.to_str().expect("text");
    let run = |format: &str| {
        let arguments = ["check", "my feeds/catalog.csv", "--target", "openai", "--output-format", format];
        folder.run_in(&[("GITHUB_STEP_SUMMARY", page)], &arguments, &[])
    };
    let annotations = run("github");
    assert!(annotations.out.starts_with("::error ") && !annotations.out.contains("## "), "{}", annotations.out);
    let told = folder.read("step.md");
    assert!(told.starts_with("# before\n## feedmill check: "), "{told}");
    run("json");
    assert_eq!(folder.read("step.md"), told, "only where annotations are asked for");
}
