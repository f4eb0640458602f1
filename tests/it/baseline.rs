//! Findings that are known: hidden as long as they are what they were, and nothing else with them.

use crate::support::{Folder, Run};

const HEAD: &str = "item_id,title,description,url,brand,image_url,availability,price,seller_name\n";

fn row(id: &str, price: &str) -> String {
    format!("{id},Bottle {id},A bottle.,https://shop.example/{id},Acme,https://shop.example/{id}.jpg,in_stock,{price},Northline\n")
}

fn catalog(folder: &Folder, rows: &[(&str, &str)]) {
    let rows: String = rows.iter().map(|(id, price)| row(id, price)).collect();
    folder.write("catalog.csv", format!("{HEAD}{rows}"));
}

fn check(folder: &Folder, more: &[&str]) -> Run {
    folder.run(&[&["check", "catalog.csv", "--target", "openai", "--output-format", "json"], more].concat())
}

/// The code and item of each finding, and what the report says of the baseline.
fn told(run: &Run) -> (Vec<(String, String)>, [u64; 2]) {
    let report = run.json();
    let text = |value: &serde_json::Value| value.as_str().unwrap_or("").to_owned();
    let found = report["findings"].as_array().expect("findings").iter().map(|one| (text(&one["code"]), text(&one["item"]))).collect();
    (found, ["hidden", "gone"].map(|key| report["baseline"][key].as_u64().unwrap_or(0)))
}

#[test]
fn what_is_known_is_hidden_and_what_is_new_fails() {
    let folder = Folder::new();
    catalog(&folder, &[("A", "10.00 USD"), ("B", "ten"), ("C", "12.00 USD")]);
    assert_eq!(check(&folder, &[]).code, 1);
    let written = check(&folder, &["--write-baseline", "known.jsonl"]);
    assert_eq!((written.code, told(&written)), (0, (Vec::new(), [1, 0])), "{}", written.err);

    // A row of its own in front, another fault behind, and what is known has moved.
    catalog(&folder, &[("NEW", "9.00 USD"), ("A", "10.00 USD"), ("B", "ten"), ("C", "twelve")]);
    let run = check(&folder, &["--baseline", "known.jsonl"]);
    let counts = run.json()["summary"].clone();
    assert_eq!((run.code, told(&run).1), (1, [1, 0]), "{}", run.err);
    assert_eq!(told(&run).0, [("price/not-money".to_owned(), "C".to_owned())]);
    assert_eq!((&counts["rejected"], &counts["errors"]), (&2.into(), &1.into()), "what the target refuses is counted all the same");

    // What was set right is said, so that the baseline can shrink.
    catalog(&folder, &[("A", "10.00 USD"), ("B", "11.00 USD")]);
    let run = check(&folder, &["--baseline", "known.jsonl"]);
    assert_eq!((run.code, told(&run)), (0, (Vec::new(), [0, 1])), "{}", run.err);

    // An earlier report will do, and so will the project file.
    catalog(&folder, &[("A", "10.00 USD"), ("B", "ten")]);
    folder.run(&["check", "catalog.csv", "--target", "openai", "--output-format", "jsonl=shared/report.jsonl"]);
    folder.write("feedmill.toml", "[check]\nbaseline = \"shared/report.jsonl\"\n");
    assert_eq!((check(&folder, &[]).code, check(&folder, &["--baseline", "none"]).code), (0, 1));
    let build = ["build", "catalog.csv", "--target", "openai", "--format", "jsonl", "--out", "out"];
    let run = folder.run(&build);
    assert_eq!(
        (run.code, folder.read("out/openai/feed.jsonl").lines().count()),
        (0, 1),
        "what is known is no item of the feed: {}",
        run.err
    );
}

#[test]
fn a_column_known_to_be_wrong_may_grow() {
    let folder = Folder::new();
    let filler = "d".repeat(600);
    let many = |rows: usize| {
        let row = |n| row(&format!("S{n}"), "10.00 USD").replace("A bottle.", &filler).replace("Northline", "Northline,123");
        let rows: String = (0..rows).map(row).collect();
        folder.write("catalog.csv", format!("{}{rows}", HEAD.replace("seller_name", "seller_name,gtin")));
    };
    many(7_000);
    let whole = told(&check(&folder, &[])).0;
    assert!(
        whole.contains(&("gtin/wrong-length".to_owned(), String::new())),
        "what stands behind the first block is said once: {}",
        whole.len()
    );
    check(&folder, &["--write-baseline", "known.jsonl"]);
    many(9_000);
    let run = check(&folder, &["--baseline", "known.jsonl", "--fail-on", "warning"]);
    let (found, [hidden, _]) = told(&run);
    assert_eq!((run.code, hidden, found.first()), (0, 9_000, None), "{} are new", found.len());
}

#[test]
fn what_leaves_nothing_to_publish_is_never_hidden() {
    let folder = Folder::new();
    catalog(&folder, &[("B", "ten")]);
    check(&folder, &["--write-baseline", "known.jsonl"]);
    let run = folder.run(&["build", "catalog.csv", "--target", "openai", "--out", "out", "--baseline", "known.jsonl"]);
    assert_eq!((run.code, folder.files("out").len()), (1, 0), "{}", run.out);
}

#[test]
fn a_baseline_that_cannot_be_used_stops_the_run() {
    let folder = Folder::new();
    catalog(&folder, &[("A", "10.00 USD")]);
    folder.write("table.csv", HEAD);
    for (file, words) in [("nowhere.jsonl", "nowhere.jsonl: the baseline cannot be read"), ("table.csv", "table.csv:1: ")] {
        let run = check(&folder, &["--baseline", file]);
        assert!(run.code == 2 && run.err.contains(words) && run.err.contains("--write-baseline"), "{}", run.err);
    }
    let both = check(&folder, &["--baseline", "a.jsonl", "--write-baseline", "b.jsonl"]);
    assert_eq!(both.code, 2, "{}", both.err);

    // What was found of half a file is no baseline.
    folder.write("catalog.csv", format!("{HEAD}{}B,\"cut", row("A", "ten")));
    let cut = check(&folder, &["--write-baseline", "known.jsonl"]);
    assert_eq!((cut.code, folder.files(".")), (3, vec!["catalog.csv".to_owned(), "table.csv".to_owned()]), "{}", cut.err);
}
