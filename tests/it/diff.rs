//! `diff`: what differs between two catalogs or feeds, item by item.

use crate::support::{Folder, SOUND, fixture};
use serde_json::{Value, json};
use std::io::Write;

const NEW: &str = "price,item_id,availability,title,description,url,brand,seller_name,image_url\n\
    19.95 USD,A3,in_stock,Tin cup,A cup.,https://shop.example/a3,Acme,Acme Store,https://shop.example/a3.jpg\n\
    22.00 USD,A1,out of stock,Steel bottle,Insulated steel bottle.,https://shop.example/a1,Acme,Acme Store,https://shop.example/a1.jpg\n";

fn pair(old: &str, new: &str) -> Folder {
    let folder = Folder::new();
    folder.write("old.csv", old);
    folder.write("new.csv", new);
    folder
}

fn report(folder: &Folder, more: &[&str]) -> (i32, Value) {
    let arguments = [&["diff", "old.csv", "new.csv", "--output-format", "json"], more].concat();
    let run = folder.run(&arguments);
    (run.code, run.json())
}

#[test]
fn items_that_came_went_and_changed() {
    let folder = pair(SOUND, NEW);
    let (code, report) = report(&folder, &[]);
    assert_eq!((code, &report["schema"], &report["exit"]), (1, &json!("feedmill.diff/1"), &json!({"code": 1, "name": "findings"})));
    // By hand: A1 costs less and is out of stock; A2 went; A3 came.
    let changed = &report["changed"][0];
    assert_eq!((&changed["item"], report["changed"].as_array().map(Vec::len)), (&json!("A1"), Some(1)));
    assert_eq!((&changed["old"], &changed["new"]["line"]), (&json!({"file": "old.csv", "record": 1, "line": 2}), &json!(3)));
    assert_eq!(
        changed["changes"],
        json!([
            {"attribute": "price", "old": "24.00 USD", "new": "22.00 USD"},
            {"attribute": "availability", "old": "in_stock", "new": "out_of_stock"},
        ])
    );
    assert_eq!((&report["added"][0]["item"], &report["added"][0]["values"]["title"]), (&json!("A3"), &json!("Tin cup")));
    assert_eq!((&report["removed"][0]["item"], &report["removed"][0]["line"]), (&json!("A2"), &json!(3)));
    let summary = &report["summary"];
    assert_eq!(
        [&summary["same"], &summary["changed"], &summary["added"], &summary["removed"]],
        [0, 1, 1, 1].map(|count| json!(count)).each_ref()
    );
    assert_eq!((&summary["by_attribute"]["price"], &summary["by_attribute"]["title"]), (&json!(1), &Value::Null));

    let run = folder.run(&["diff", "old.csv", "new.csv"]);
    let text: Vec<&str> = run.out.lines().collect();
    assert_eq!(
        text[..5],
        ["price (1)", "  A1  24.00 USD -> 22.00 USD  (-8.3 %)", "", "availability (1)", "  A1  in_stock -> out_of_stock"]
    );
    assert!(
        run.out.contains("\nadded (1)\n  A3  Tin cup, 19.95 USD, in_stock\n") && run.out.contains("\nremoved (1)\n  A2  Glass bottle"),
        "{}",
        run.out
    );
    assert!(run.out.contains("\n1 changed, 1 added, 1 removed, 0 the same\n  price 1, availability 1"), "{}", run.out);
}

/// Another order of columns and rows, another format, another notation and compression: nothing of
/// that is a difference.
#[test]
fn the_same_items_written_otherwise_do_not_differ() {
    let folder = Folder::new();
    let old = "id,title,description,link,brand,seller_name,image_link,availability,price,inventory_quantity,shade\n\
        A1,Steel bottle,Insulated.,https://shop.example/a1,Acme,Acme Store,https://shop.example/a1.jpg,in stock,24 USD,7,007\n\
        A2,Glass,Clear.,https://shop.example/a2,Acme,Acme Store,https://shop.example/a2.jpg,out of stock,12.50 USD,0,red\n";
    let new = [
        json!({"shade": "red", "price": "12.50 USD", "availability": "out_of_stock", "item_id": "A2", "title": "Glass", "description": "Clear.",
               "url": "https://shop.example/a2", "image_url": "https://shop.example/a2.jpg", "brand": "Acme", "seller_name": "Acme Store", "inventory_quantity": 0}),
        json!({"inventory_quantity": 7, "shade": "007", "price": "24.00 USD", "availability": "in_stock", "item_id": "A1", "title": " Steel  bottle ",
               "description": "<p>Insulated.</p>", "url": "https://shop.example/a1", "image_url": "https://shop.example/a1.jpg", "brand": "Acme",
               "seller_name": "Acme Store"}),
    ];
    let lines = new.map(|line| line.to_string()).join("\n") + "\n";
    folder.write("old.csv", old);
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(lines.as_bytes()).expect("memory");
    folder.write("new.jsonl.gz", packed.finish().expect("memory"));
    folder.write("new.jsonl.zst", zstd::encode_all(lines.as_bytes(), 1).expect("memory"));
    for new in ["new.jsonl.gz", "new.jsonl.zst"] {
        let run = folder.run(&["diff", "old.csv", new]);
        assert_eq!(run.code, 0, "{}{}", run.out, run.err);
        assert!(run.out.ends_with("0 changed, 0 added, 0 removed, 2 the same\n"), "{}", run.out);
    }
    // A column that no attribute reads is text: 7 is not 007 there.
    folder.write("new.jsonl", lines.replace("\"007\"", "\"7\""));
    let report = folder.run(&["diff", "old.csv", "new.jsonl", "--output-format", "json"]).json();
    assert_eq!(report["changed"][0]["changes"], json!([{"attribute": "shade", "old": "007", "new": "7"}]));
}

#[test]
fn what_cannot_be_compared_is_said() {
    let header = "item_id,title,price,extra\n";
    let folder = pair(
        &format!("{header}A,One,1 USD,x\nA,Two,2 USD,x\n,Nameless,3 USD,x\n,Other,4 USD,x\nB,Cut\n"),
        &format!("{header}A,One,1 USD,x\nA,Three,2 USD,x\n,Nameless,3 USD,x\nB,Whole,5 USD,x\n"),
    );
    let (code, report) = report(&folder, &[]);
    assert_eq!(code, 1);
    // The second A is compared with the second A; what has no id is found by what it says.
    assert_eq!(report["changed"][0]["changes"], json!([{"attribute": "title", "old": "Two", "new": "Three"}]));
    assert_eq!(report["changed"][0]["old"]["line"], 3);
    assert_eq!((&report["removed"][0]["item"], &report["removed"][0]["values"]["title"]), (&json!(""), &json!("Other")));
    assert_eq!(report["added"][0]["item"], "B");
    assert_eq!(report["summary"]["same"], 2);
    let notices: Vec<(String, String, u64)> = report["notices"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|notice| {
            (
                notice["side"].as_str().expect("text").to_owned(),
                notice["kind"].as_str().expect("text").to_owned(),
                notice["line"].as_u64().expect("a line"),
            )
        })
        .collect();
    let of =
        |side: &str, kind: &str| notices.iter().filter(|(s, k, _)| s == side && k == kind).map(|(_, _, line)| *line).collect::<Vec<_>>();
    assert_eq!([of("old", "unreadable"), of("old", "no-id"), of("old", "repeated-id")], [vec![6], vec![4, 5], vec![3]]);
    assert_eq!([of("new", "unreadable"), of("new", "no-id"), of("new", "repeated-id")], [vec![], vec![4], vec![3]]);

    // The same file twice is the same, oddities included; unless a record of it cannot be read.
    assert_eq!(folder.run(&["diff", "new.csv", "new.csv"]).code, 0);
    let run = folder.run(&["diff", "old.csv", "old.csv"]);
    assert!(run.code == 1 && run.out.contains("old: 1 record could not be read"), "{}", run.out);
}

#[test]
fn columns_of_one_side_alone_are_named() {
    let folder = pair("item_id,title,price,shade,warehouse\nA,One,1 USD,red,W1\n", "item_id,title,price,shade,crate\nA,One,1 USD,red,C1\n");
    let (code, report) = report(&folder, &[]);
    assert_eq!((code, &report["columns"]), (0, &json!({"only_old": ["warehouse"], "only_new": ["crate"]})));
    assert!(
        folder.run(&["diff", "old.csv", "new.csv"]).out.contains("columns of the new side alone, which no attribute reads (1)\n  crate\n")
    );
}

/// With hardly any memory everything goes through temporary files, and comes out the same.
#[test]
fn memory_does_not_change_what_is_said() {
    let row = |n: u32, price: u32, title: &str| format!("R{n},{title} {n},{price}.00 USD,in_stock\n");
    let header = "item_id,title,price,availability\n";
    let old: String = (0..4000).map(|n| row(n, 10, "Bottle")).collect();
    // By hand: 1,000 are gone, 1,000 came; of the 3,000 others each tenth costs more, and of the
    // rest each hundredth from 1,005 on has another title.
    let new: String =
        (1000..5000).rev().map(|n| row(n, if n % 10 == 0 { 11 } else { 10 }, if n % 100 == 5 { "Flask" } else { "Bottle" })).collect();
    let folder = pair(&format!("{header}{old}"), &format!("{header}{new}"));
    let (code, all) = report(&folder, &[]);
    assert_eq!(code, 1);
    assert_eq!(
        all["summary"],
        json!({"same": 2670, "changed": 330, "added": 1000, "removed": 1000, "by_attribute": {"price": 300, "title": 30}})
    );
    assert_eq!(report(&folder, &["--memory", "1K"]).1, all);
    // Prices come first, and then in the order of the new side.
    let items: Vec<&str> = all["changed"].as_array().expect("a list").iter().map(|change| change["item"].as_str().expect("text")).collect();
    assert_eq!((&items[..2], &items[299..301]), (&["R3990", "R3980"][..], &["R1000", "R3905"][..]));

    let run = folder.run(&["diff", "old.csv", "new.csv", "--output-format", "jsonl", "--max-per-code", "1"]);
    let lines: Vec<Value> = run.out.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!((lines.len(), &lines[0]["type"], &lines[2330]["type"]), (2331, &json!("changed"), &json!("summary")));
    assert_eq!(lines[2330]["summary"], all["summary"]);
    let shown = |cap: &str| {
        folder.run(&["diff", "old.csv", "new.csv", "--max-per-code", cap]).out.lines().filter(|line| line.contains(" -> ")).count()
    };
    assert_eq!([shown("2"), shown("0")], [4, 330]);
}

#[test]
fn rows_of_a_platform_are_compared_as_the_items_they_make() {
    let text = std::fs::read_to_string(fixture("catalogs/shopify-gatsby-starter.csv")).expect("a fixture");
    let folder = Folder::new();
    folder.write("old.csv", &text);
    // The title stands in the first row of a product and is that of its three variants.
    folder.write("new.csv", text.replacen("Fantastic Bronze Lamp", "Fantastic Brass Lamp", 1));
    let (code, report) = report(&folder, &["--currency", "USD"]);
    assert_eq!((code, &report["summary"]["changed"], &report["summary"]["same"]), (1, &json!(3), &json!(297)));
    let items: Vec<&Value> = report["changed"].as_array().expect("a list").iter().map(|change| &change["item"]).collect();
    assert_eq!(items, ["fantastic-bronze-lamp-jade", "fantastic-bronze-lamp-plum", "fantastic-bronze-lamp-cerulean"]);
}

#[test]
fn wrong_input_has_one_message_and_its_exit_code() {
    let folder = pair(SOUND, NEW);
    folder.write("cut.csv", format!("{SOUND}A3,\"x"));
    let run = folder.run(&["diff", "old.csv", "missing.csv", "--output-format", "json"]);
    assert_eq!((run.code, &run.json()["exit"]["name"]), (3, &json!("input")));
    assert!(run.err.contains("missing.csv"), "{}", run.err);
    assert_eq!(folder.run(&["diff", "old.csv", "cut.csv"]).code, 3);
    assert_eq!(folder.run(&["diff", "old.csv"]).code, 2);
    assert_eq!(folder.run(&["diff", "-", "-"]).code, 2);
    let run = folder.run(&["diff", "old.csv", "new.csv", "--output-format", "sarif"]);
    assert!(run.code == 2 && run.err.contains("`sarif` is no format; known: human, json, jsonl"), "{}", run.err);
    let run = folder.run_with(&["diff", "-", "old.csv"], SOUND.as_bytes());
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
    // A project file maps one catalog's columns; it counts where it is named.
    folder.write("feedmill.toml", "[map]\ntitle = \"brand\"\n");
    assert_eq!(folder.run(&["diff", "old.csv", "old.csv"]).code, 0);
    let run = folder.run(&["diff", "old.csv", "new.csv", "--config", "feedmill.toml", "--output-format", "json=d.json"]);
    assert!(run.code == 1 && folder.read("d.json").contains("\"title\":\"Acme\""), "{}{}", run.out, run.err);
}
