//! The command line: exit codes, settings, and what is found before the first row.

use crate::support::{Folder, SOUND};
use serde_json::Value;

#[test]
fn every_exit_code_has_a_run() {
    let folder = Folder::new();
    folder.write("good.csv", SOUND);
    folder.write("bad.csv", SOUND.replace("24.00 USD", "free"));
    folder.write("none.csv", SOUND.replace(" USD", ""));
    let code = |arguments: &[&str]| folder.run(arguments).code;
    assert_eq!(code(&["check", "good.csv"]), 0);
    assert_eq!(code(&["check", "bad.csv"]), 1);
    assert_eq!(code(&["check", "bad.csv", "--exit-zero"]), 0);
    assert_eq!(code(&["check", "bad.csv", "--fail-on", "never"]), 0);
    assert_eq!(code(&["build", "none.csv", "--fail-on", "never"]), 1, "nothing accepted is never success");
    assert_eq!(code(&["build", "none.csv", "--exit-zero"]), 1, "whatever is wished");
    assert!(!folder.exists("out/openai/feed.jsonl.gz"));
    assert_eq!(code(&["build", "none.csv", "--fail-on", "never", "--allow-empty", "--format", "csv"]), 0);
    assert_eq!(folder.read("out/openai/feed.csv").lines().count(), 1);
    assert_eq!(code(&["check", "good.csv", "--tagret", "openai"]), 2);
    assert_eq!(code(&["check", "good.csv", "--target", "opanai"]), 2);
    assert_eq!(code(&["build", "good.csv", "--format", "xls"]), 2);
    assert_eq!(code(&["check"]), 2);
    assert_eq!(code(&["check", "missing.csv"]), 3);
    assert_eq!(code(&["check", "missing*.csv"]), 3);
    assert_eq!(code(&["check", ""]), 2);
    assert_eq!(code(&["build", "good.csv", "--out", "good.csv/x"]), 12);
    assert_eq!(code(&["--version"]), 0);
}

#[test]
fn standard_input_is_a_catalog_too() {
    let folder = Folder::new();
    let run = folder.run_with(&["build", "-", "--format", "csv"], SOUND.as_bytes());
    assert_eq!(run.code, 0, "{}", run.err);
    assert_eq!(folder.read("out/openai/feed.csv").lines().count(), 3);
    // Without a line end nobody can tell whether a piped catalog came to its end.
    let run = folder.run_with(&["build", "-", "--format", "csv"], SOUND.trim_end().as_bytes());
    assert_eq!(run.code, 3, "{}", run.err);
    assert_eq!(folder.run_with(&["check", "-"], SOUND.trim_end().as_bytes()).code, 0);
}

#[test]
fn several_files_are_one_catalog() {
    let folder = Folder::new();
    folder.write("exports/a.csv", SOUND);
    folder.write("exports/b.csv", SOUND.replace("A2,", "B2,"));
    let run = folder.run(&["check", "exports/*.csv", "--output-format", "json"]);
    let report = run.json();
    assert_eq!((&report["summary"]["records"], &report["summary"]["accepted"]), (&4.into(), &3.into()));
    let twice =
        report["findings"].as_array().expect("a list").iter().find(|finding| finding["code"] == "item_id/duplicate").expect("found");
    assert_eq!(
        (&twice["file"], &twice["record"], &twice["related"]["file"], &twice["related"]["record"]),
        (&"exports/b.csv".into(), &1.into(), &"exports/a.csv".into(), &1.into())
    );
}

const PROJECT: &str = r#"
[source]
path = "exports/*.csv"

[defaults]
currency = "EUR"
base_url = "https://shop.example"
seller_name = "Northline"

[map]
item_id = "Artikel"
title = { from = "Name", clean = ["whitespace", "upper"] }
product_category = { from = ["Leer", "Gruppe"], lookup = "categories.csv" }
brand = { constant = "Acme" }
url = { template = "{{ base_url }}/p/{{ Artikel }}" }
price = { from = "Preis", currency = "CHF" }
availability = "Lager"

[[rule]]
when = "availability == 'out_of_stock'"
set = { is_eligible_search = false }

[[rule]]
when = "item_id == 'X9'"
drop = true

[check]
fail_on = "error"
[check.severity]
"item_id/duplicate" = "warning"

[[target]]
name = "chat"
spec = "openai"
format = "jsonl"
"#;

fn project() -> Folder {
    let folder = Folder::new();
    folder.write("feedmill.toml", PROJECT);
    folder.write("categories.csv", "1,Home > Mugs\n");
    folder.write(
        "exports/a.csv",
        "Artikel;Name;Description;Bild;Lager;Preis;Leer;Gruppe\nX1; blue  mug;A mug.;/i/1.jpg;in stock;5,50;;1\nX2;Cup;A cup.;/i/2.jpg;sold out;6.00 EUR;;2\nX9;Gone;No.;/i/9.jpg;in stock;1;;1\n",
    );
    folder
}

#[test]
fn a_project_file_maps_defaults_rules_and_targets() {
    let folder = project();
    let run = folder.run(&["build", "--config", "feedmill.toml"]);
    // The image column has a name no synonym covers, so nothing is accepted yet.
    assert!(run.code == 1 && run.out.contains("no item has `image_url`"), "{}{}", run.out, run.err);
    folder.write("feedmill.toml", PROJECT.replace("[map]", "[map]\nimage_url = \"Bild\""));
    let run = folder.run(&["build"]);
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
    assert!(run.out.contains("dropped by rule: item_id == 'X9'"), "{}", run.out);
    let lines: Vec<Value> = folder.read("out/chat/feed.jsonl").lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let first = &lines[0];
    for (field, value) in [
        ("title", "BLUE MUG"),
        ("product_category", "Home > Mugs"),
        ("brand", "Acme"),
        ("url", "https://shop.example/p/X1"),
        ("image_url", "https://shop.example/i/1.jpg"),
        ("price", "5.50 CHF"),
        ("seller_name", "Northline"),
    ] {
        assert_eq!(first[field], value, "{field}");
    }
    assert_eq!((&lines[1]["is_eligible_search"], &lines[1]["price"]), (&false.into(), &"6.00 EUR".into()));
    // Flags win over the file, and the file is found from below.
    folder.write("below/x", "");
    let run = folder.run(&["build", "--seller-name", "Other", "--set", "brand=Flag"]);
    assert_eq!(run.code, 0, "{}", run.err);
    let feed = folder.read("out/chat/feed.jsonl");
    assert!(feed.contains("\"seller_name\":\"Other\"") && feed.contains("\"brand\":\"Flag\""), "{feed}");
}

#[test]
fn mistakes_in_a_project_file_are_found_before_the_first_row() {
    for (from, to, words) in [
        ("title = {", "titel = {", "no attribute is called `titel`; did you mean `title`?"),
        ("\"Name\"", "\"Nam\"", "no column is called `Nam`; did you mean `Name`?"),
        ("{{ Artikel }}", "{{ Artikle }}", "`Artikle` is not known here; did you mean `Artikel`?"),
        ("\"upper\"", "\"uper\"", "no transform is called `uper`; did you mean `upper`?"),
        ("categories.csv", "nowhere.csv", "nowhere.csv: No such file"),
        ("\"CHF\"", "\"CHX\"", "`CHX` is no ISO 4217 currency code"),
        ("availability ==", "availabilty ==", "did you mean `availability`?"),
        ("drop = true", "drp = true", "unknown key `drp`; did you mean `drop`?"),
        ("base_url =", "base_ulr =", "did you mean `base_url`?"),
        ("spec = \"openai\"", "spec = \"opanai\"", "did you mean `openai`?"),
        ("fail_on = \"error\"", "fail_on = \"maybe\"", "none of error, warning, never"),
        ("name = \"chat\"\nspec", "name = \"chat\"\nspec = \"openai\"\n[[target]]\nname = \"chat\"\nspec", "`chat` is named twice"),
        ("{{ Artikel }}", "{{ Artikel | nosuch }}", "nosuch"),
        ("\"item_id/duplicate\" =", "\"item_id/duplicat\" =", "no finding has the code `item_id/duplicat`"),
        ("[map]", "[map]\nurl = { constant = \"x\", template = \"y\" }\n#", "duplicate key"),
    ] {
        let folder = project();
        folder.write("feedmill.toml", PROJECT.replacen(from, to, 1));
        let run = folder.run(&["build"]);
        assert_eq!(run.code, 2, "{to}: {}{}", run.out, run.err);
        assert!(run.err.contains(words), "{to}: {}", run.err);
        assert!(!folder.exists("out"), "{to}");
    }
}

#[test]
fn inspect_says_what_is_there_and_what_is_missing() {
    let folder = Folder::new();
    folder.write("a.csv", "Handle,Title,Vendor,Variant Price,Variant SKU\ncup,Cup,Acme,5.00,C1\ncup,,,6.00,C2\n");
    let run = folder.run(&["inspect", "a.csv", "--json"]);
    let source = &run.json()["sources"][0];
    assert_eq!((&source["preset"], &source["records"], &source["encoding"]), (&"shopify".into(), &2.into(), &"UTF-8".into()));
    let columns = source["columns"].as_array().expect("a list");
    assert_eq!((&columns[3]["attribute"], &columns[3]["filled"], &columns[3]["type"]), (&"price".into(), &2.into(), &"number".into()));
    let missing: Vec<&str> =
        source["missing"].as_array().expect("a list").iter().map(|missing| missing["attribute"].as_str().expect("text")).collect();
    assert!(missing.contains(&"seller_name") && !missing.contains(&"title"), "{missing:?}");
}

#[test]
fn explain_and_spec_answer_offline() {
    let folder = Folder::new();
    let run = folder.run(&["explain", "gtin/check-digit"]);
    assert!(
        run.code == 0 && run.out.contains("openai@2026-09") && run.out.contains("4006381333932") && !run.out.contains("openai@2025-09"),
        "{}",
        run.out
    );
    let run = folder.run(&["explain", "gtin/chek-digit"]);
    assert!(run.code == 2 && run.err.contains("did you mean `gtin/check-digit`?"), "{}", run.err);
    let run = folder.run(&["spec", "openai", "--required", "--json"]);
    assert_eq!(run.json()["fields"].as_array().expect("a list").len(), 9);
    let targets = folder.run(&["spec", "--json"]).json()["targets"].as_array().expect("a list").len();
    assert_eq!(targets, feedmill::spec::load::identities().expect("built in").len());
}

/// Whatever code a run reports can be explained.
#[test]
fn every_reported_code_is_explained() {
    let folder = Folder::new();
    let known: Vec<String> = folder.run(&["explain", "--json"]).json()["codes"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|code| code["code"].as_str().expect("text").to_owned())
        .collect();
    folder.write(
        "odd.csv",
        "item_id,title,description,url,brand,seller_name,image_url,availability,price,gtin,weight,gender,accepts_returns,sale_price,quantity,dimensions,x,x\n\
         'A1,<b>T</b>,\"D\u{7}\",/p,B,S,//cdn.example/i.jpg,sold out,\"$1,000.00\",4006381-333931,2 lbs,Men,yes,\"5,00 USD\",-3,12x8x5 in,,\n\
         A2,T,D\n",
    );
    let run = folder.run(&[
        "build",
        "odd.csv",
        "--currency",
        "USD",
        "--base-url",
        "https://shop.example",
        "--format",
        "csv",
        "--output-format",
        "json",
    ]);
    let report = run.json();
    let found = report["findings"].as_array().expect("a list");
    assert!(found.len() > 10, "{}", run.out);
    for finding in found {
        let code = finding["code"].as_str().expect("text").to_owned();
        assert!(known.contains(&code), "{code} cannot be explained");
    }
}

/// The first of two equal ids is found again among several files.
#[test]
fn a_repeated_id_names_the_file_of_the_first() {
    let folder = Folder::new();
    let row = SOUND.lines().nth(1).expect("a row");
    let header = SOUND.lines().next().expect("a header");
    folder.write("a.csv", SOUND);
    folder.write("b.csv", format!("{header}\n{row}\n"));
    folder.write("both.csv", format!("{SOUND}{row}\n"));
    let message = |files: &[&str]| {
        let run = folder.run(&[&["check", "--config", "none", "--output-format", "json"], files].concat());
        let findings = run.json()["findings"].as_array().expect("findings").clone();
        let found = findings.iter().find(|finding| finding["code"] == "item_id/duplicate").expect("the id is there twice");
        found["message"].as_str().expect("text").to_owned()
    };
    let among = message(&["a.csv", "b.csv"]);
    assert!(among.contains("first in record 1 of a.csv"), "{among}");
    let alone = message(&["both.csv"]);
    assert!(alone.contains("first in record 1 ("), "{alone}");
}

/// What is said of a code goes with what the target does about it.
#[test]
fn a_length_that_is_advice_is_not_called_a_limit() {
    let folder = Folder::new();
    let explained = folder.run(&["explain", "title/too-long", "--json"]).json();
    let targets = explained["targets"].as_array().expect("targets");
    let advised = targets.iter().filter(|target| target["consequence"] == "advice").count();
    assert!(advised > 0 && advised < targets.len(), "a limit here and advice there");
    for target in targets {
        let why = target["why"].as_str().expect("text");
        assert!(!["refused", "cut"].iter().any(|word| why.contains(word)), "{why}");
    }
}

/// Behind `head` nobody reads to the end; what a run came to does not depend on that.
#[test]
fn a_reader_that_leaves_changes_no_exit_code() {
    let folder = Folder::new();
    folder.write("bad.csv", format!("{SOUND}A3,,,,,,,,\n"));
    folder.write("good.csv", SOUND);
    for format in ["full", "concise", "json", "jsonl", "github"] {
        for (file, code) in [("good.csv", 0), ("bad.csv", 1)] {
            let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_feedmill"))
                .args(["check", file, "--config", "none", "--target", "openai", "--output-format", format])
                .current_dir(folder.path(""))
                .stdout(std::process::Stdio::piped())
                .stderr(std::process::Stdio::piped())
                .spawn()
                .expect("the program starts");
            drop(child.stdout.take());
            let output = child.wait_with_output().expect("the program ends");
            let said = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(code), "{file} {format}: {said}");
            assert!(!said.contains("error"), "{said}");
        }
    }
}
