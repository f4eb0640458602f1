//! `fix`: a finished feed with its safe repairs made, and every other byte as it was.

use crate::support::{Folder, Run};
use serde_json::json;

fn fix(folder: &Folder, arguments: &[&str]) -> Run {
    let mut all = vec!["fix"];
    all.extend(arguments);
    folder.run(&all)
}

const HEAD: &str = "item_id,title,description,url,brand,image_url,availability,price,gtin,mpn,seller_name,My own,weight\r\n";

/// What stands behind the price in every row that only shows something else.
const REST: &str = ",,X,N,\"keep, me\",1.5 kg";

#[test]
fn only_cells_that_are_repaired_change() {
    let folder = Folder::new();
    let row = |id: &str, title: &str, url: &str, availability: &str, price: &str, rest: &str| {
        format!("{id},{title},A shoe.,{url},Acme,https://s.example/i.jpg,{availability},{price}{rest}\r\n")
    };
    let url = "https://s.example/p";
    let before = [
        HEAD.to_owned(),
        row("A", "\"  Shoe, \"\"red\"\" \"", "//s.example/p", "in stock", "79.99 USD", REST),
        "\r\n".to_owned(),
        // What could not be read is still there afterwards.
        "B,cut\r\n".to_owned(),
        // Nothing to repair: the quotes stay as they are.
        row("C", "\"Plain\"", url, "in_stock", "5.00 USD", REST),
        // An optional value that cannot be a GTIN goes, as the report says; a price of `free` cannot be repaired.
        row("D", "Shoe", url, "in_stock", "free", ",123,X,N,,"),
    ];
    let after = [
        HEAD.to_owned(),
        row("A", "\"Shoe, \"\"red\"\"\"", "https://s.example/p", "in_stock", "79.99 USD", REST),
        "\r\n".to_owned(),
        "B,cut\r\n".to_owned(),
        row("C", "\"Plain\"", url, "in_stock", "5.00 USD", REST),
        row("D", "Shoe", url, "in_stock", "free", ",,X,N,,"),
    ];
    folder.write("feed.csv", before.concat());
    let run = fix(&folder, &["feed.csv", "-o", "fixed.csv", "--output-format", "json"]);
    assert_eq!(run.code, 1, "what cannot be repaired is found: {}", run.err);
    assert_eq!(folder.read("fixed.csv"), after.concat());
    let report = run.json();
    assert_eq!(report["repaired"], json!({"records": 4, "changed": 2, "cells": 4}));
    assert_eq!(report["summary"]["by_code"]["gtin/wrong-length"], 1);
    // Repaired in its own place, and the second time nothing is left to do.
    assert_eq!(fix(&folder, &["fixed.csv", "-o", "fixed.csv", "--output-format", "json"]).json()["repaired"]["cells"], 0);
    assert_eq!(folder.read("fixed.csv"), after.concat());
}

#[test]
fn objects_keep_their_members_and_types() {
    let folder = Folder::new();
    let line = |availability: &str, more: &str| {
        format!(
            "{{\"x\": 1.00,\"item_id\":\"A\",\"title\":\"Shoe\",\"description\":\"A shoe.\",\"url\":\"https://s.example/p\",\"brand\":\"Acme\",\
             \"image_url\":\"https://s.example/i.jpg\",\"availability\":\"{availability}\",\"price\":\"5.00 USD\",\"seller_name\":\"N\"{more}}}\n"
        )
    };
    folder.write(
        "feed.jsonl",
        [line("in_stock", ""), line("in stock", ",\"gtin\":\"123\",\"own\": [ {\"a\":1} ]")].concat().replacen("\"A\"", "\"B\"", 1),
    );
    let run = fix(&folder, &["feed.jsonl", "-o", "-"]);
    let expected = [line("in_stock", ""), line("in_stock", ",\"own\":[ {\"a\":1} ]").replace("\"x\": ", "\"x\":")]
        .concat()
        .replacen("\"A\"", "\"B\"", 1);
    assert_eq!((run.code, run.out.as_str()), (0, expected.as_str()), "{}", run.err);
    assert!(run.err.contains("2 records, 1 changed, 2 cells in all"), "{}", run.err);
    // From a pipe it is the same, whose feed it is being found out first.
    let piped = folder.run_with(&["fix", "-", "-o", "-"], folder.read("feed.jsonl").as_bytes());
    assert_eq!((piped.code, piped.out.as_str()), (0, expected.as_str()), "{}", piped.err);
}

#[test]
fn what_was_built_needs_no_repair() {
    let folder = Folder::new();
    let export = crate::support::fixture("catalogs/shopify-gatsby-starter.csv");
    let build = ["build", &export, "--target", "openai", "--target", "stripe", "--format", "csv,tsv,jsonl", "--currency", "USD"];
    folder.run(&[&build[..], &["--seller-name", "N", "--base-url", "https://s.example"]].concat());
    for feed in ["openai/feed.csv", "openai/feed.tsv", "openai/feed.jsonl", "stripe/feed.csv", "stripe/feed.tsv"] {
        let before = folder.read(&format!("out/{feed}"));
        let run = fix(&folder, &[&format!("out/{feed}"), "-o", "-"]);
        assert!(before.len() > 10_000 && run.code == 0 && run.out == before, "{feed}: {}", run.err);
    }
}

#[test]
fn packed_feeds_stay_packed() {
    let folder = Folder::new();
    let text = format!("{HEAD}A,Shoe,A shoe.,//s.example/p,Acme,https://s.example/i.jpg,in_stock,5.00 USD{REST}\r\n");
    let packed = {
        let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        std::io::Write::write_all(&mut out, text.as_bytes()).expect("memory");
        out.finish().expect("memory")
    };
    folder.write("feed.csv.gz", packed);
    assert_eq!(fix(&folder, &["feed.csv.gz", "-o", "fixed.csv.gz"]).code, 0);
    let fixed = std::fs::read(folder.path("fixed.csv.gz")).expect("written");
    let mut read = String::new();
    std::io::Read::read_to_string(&mut flate2::read::MultiGzDecoder::new(&*fixed), &mut read).expect("packed");
    assert_eq!(read, text.replace("//s", "https://s").replace("https:https:", "https:"));
}

#[test]
fn what_cannot_be_repaired_is_refused_before_anything_is_written() {
    let folder = Folder::new();
    let refused = |arguments: &[&str], words: &str| {
        let run = fix(&folder, arguments);
        assert!(run.code == 2 && run.err.contains(words) && run.out.is_empty(), "{arguments:?}: {} {}{}", run.code, run.out, run.err);
        assert!(!folder.exists("fixed"));
    };
    refused(
        &[&crate::support::fixture("catalogs/shopify-gatsby-starter.csv"), "-o", "fixed"],
        "a catalog and no finished feed; `feedmill build` makes one",
    );
    folder.write("table.csv", "id,name\n1,x\n");
    refused(&["table.csv", "-o", "fixed"], "`--target`");
    folder.write("feed.tsv", HEAD);
    folder.write("feed.json", r#"[{"item_id":"A","title":"Shoe","image_url":"x","seller_name":"N","availability":"in_stock"}]"#);
    refused(
        &["feed.json", "-o", "fixed", "--target", "openai"],
        "`feedmill convert feed.json --from openai@2026-09 --to openai@2026-09` renders it anew",
    );
    refused(&["feed.json", "-o", "fixed", "--target", "acp"], "`feedmill convert` renders them anew");
    refused(&["feed.*", "-o", "fixed", "--target", "openai"], "these are 2 feeds; repair one at a time");
    folder.write("feed.csv", HEAD);
    refused(&["feed.csv", "-o", "-", "--output-format", "json"], "standard output holds the feed");
}

/// What is only suggested is written where somebody allows it, and never what only looks alike.
#[test]
fn suggestions_are_made_where_they_are_allowed() {
    let folder = Folder::new();
    let head = "item_id,title,description,url,brand,image_url,availability,price,condition,seller_name\n";
    let row = |id: &str, url: &str, availability: &str, condition: &str| {
        format!("{id},Shoe,A shoe.,{url},Acme,https://s.example/i.jpg,{availability},5.00 USD,{condition},N\n")
    };
    let (right, wrong) = ("https://www.s.example/p", "www.s.example/p");
    let before = [
        row("A", wrong, "in_stok", "usd"),
        row("B", right, "no_stock", "new"),
        row("C", "https://me:secret@www.s.example/p", "in_stock", "new"),
    ];
    let after = [row("A", right, "in_stock", "used"), row("B", right, "no_stock", "new"), row("C", right, "in_stock", "new")];
    folder.write("feed.csv", format!("{head}{}", before.concat()));
    let plain = fix(&folder, &["feed.csv", "-o", "plain.csv", "--output-format", "json"]);
    assert_eq!(
        folder.read("plain.csv"),
        format!("{head}{}", before.concat()).replace(",usd,", ",,"),
        "an optional value that is wrong goes"
    );
    let findings = plain.json()["findings"].as_array().expect("a list").clone();
    let fixes = |item: &str, code: &str| {
        let found = findings.iter().find(|finding| finding["item"] == item && finding["code"] == code).expect("found");
        found["fix"].clone()
    };
    assert_eq!(fixes("A", "availability/unknown-value"), json!({"applicability": "suggested", "value": "in_stock", "applied": false}));
    assert_eq!(fixes("A", "url/not-absolute"), json!({"applicability": "suggested", "value": right, "applied": false}));
    assert_eq!(fixes("B", "availability/unknown-value"), json!(null));
    assert_eq!(fixes("C", "url/credentials"), json!({"applicability": "suggested", "value": right, "applied": false}));
    let fixed = fix(&folder, &["feed.csv", "-o", "fixed.csv", "--fix-suggested", "--output-format", "json"]);
    assert_eq!(folder.read("fixed.csv"), format!("{head}{}", after.concat()));
    assert_eq!((&fixed.json()["summary"]["accepted"], fixed.code), (&json!(2), 1));
    // A build is told in the project file, too.
    folder.write("feedmill.toml", "[source]\npath = \"feed.csv\"\n[check]\nfix_suggested = true\n[[target]]\nname = \"openai\"\nspec = \"openai\"\nformat = \"csv\"\n");
    assert_eq!(folder.run(&["build", "--output-format", "json"]).json()["summary"]["accepted"], 2);
}
