//! Every format holds the same table, the same bytes come out of any number of threads, and
//! the manifest tells the truth.

use crate::support::{Folder, Run, SOUND, fixture};
use std::process::Command;

const FORMATS: &str = "csv,tsv,json,jsonl.gz,xml";
const SHOP: [&str; 6] = ["--currency", "USD", "--base-url", "https://shop.example", "--seller-name", "Northline"];

fn build(folder: &Folder, input: &str, more: &[&str]) -> Run {
    let mut arguments = vec!["build", input, "--config", "none", "--target", "openai", "--target", "stripe", "--format", FORMATS];
    arguments.extend(SHOP);
    arguments.extend(more);
    folder.run(&arguments)
}

fn read_back(folder: &Folder, target: &str) -> String {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/read_back.py");
    let output = Command::new("python3").arg(script).arg(folder.path(&format!("out/{target}"))).output().expect("python3 runs");
    assert!(output.status.success(), "{target}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text").trim().to_owned()
}

#[test]
fn an_independent_reader_sees_one_table() {
    let folder = Folder::new();
    let run = build(
        &folder,
        &fixture("catalogs/shopify-new-columns.csv"),
        &["--set", "delivery_options=US:ALL:Standard:3-5:5.00 USD", "--output-format", "json"],
    );
    let report = run.json();
    for (place, target) in ["openai", "stripe"].into_iter().enumerate() {
        let accepted = report["targets"][place]["summary"]["accepted"].as_u64().expect("a number");
        assert!(accepted > 0, "{target}: {}", run.out);
        assert_eq!(read_back(&folder, target), accepted.to_string(), "{target}");
    }
}

#[test]
fn hostile_text_survives_every_format() {
    let folder = Folder::new();
    let title = "\"Tab\tand \"\"quotes\"\", commas; <b> & ]]> \\n \u{2028} é 日本 'x' {\"\"a\"\":1}\"";
    folder.write("odd.csv", SOUND.replace("Insulated steel bottle.", &format!("{}\nsecond line\"", title.trim_end_matches('"'))));
    let run = folder.run(&["build", "odd.csv", "--config", "none", "--format", FORMATS]);
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
    assert_eq!(read_back(&folder, "openai"), "2");
}

#[test]
fn the_same_bytes_from_any_number_of_threads() {
    let one = Folder::new();
    let four = Folder::new();
    let mut rows = String::from(SOUND);
    for n in 0..20_000 {
        rows.push_str(&format!("N{n},Bottle {n},Text of some length {n}.,https://shop.example/{n},Acme,Acme Store,https://shop.example/{n}.jpg,In Stock,{n}.50\n"));
    }
    for (folder, threads) in [(&one, "1"), (&four, "4")] {
        folder.write("many.csv", &rows);
        let run = build(folder, "many.csv", &["--threads", threads, "--output-format", "jsonl=report.jsonl"]);
        assert!(run.code < 2, "{}", run.err);
    }
    for file in ["openai/feed.csv", "openai/feed.xml", "openai/feed.manifest.json"] {
        assert_eq!(one.read(&format!("out/{file}")), four.read(&format!("out/{file}")), "{file}");
    }
    assert_eq!(one.read("report.jsonl"), four.read("report.jsonl"));
    let packed = |folder: &Folder| std::fs::read(folder.path("out/openai/feed.jsonl.gz")).expect("written");
    assert_eq!(packed(&one), packed(&four));
}

#[test]
fn the_manifest_tells_the_truth() {
    let folder = Folder::new();
    folder.write("good.csv", SOUND);
    assert_eq!(folder.run(&["build", "good.csv", "--config", "none", "--format", "csv,csv.zst"]).code, 0);
    let manifest: serde_json::Value = serde_json::from_str(&folder.read("out/openai/feed.manifest.json")).expect("JSON");
    assert_eq!((&manifest["target"], &manifest["spec"], &manifest["items"]), (&"openai".into(), &"2026-09".into(), &2.into()));
    for file in manifest["files"].as_array().expect("a list") {
        let bytes = std::fs::read(folder.path("out/openai").join(file["name"].as_str().expect("a name"))).expect("written");
        assert_eq!(file["bytes"].as_u64(), Some(bytes.len() as u64));
        assert_eq!(file["blake3"].as_str(), Some(blake3::hash(&bytes).to_hex().as_str()));
    }
    assert_eq!(manifest["sources"][0]["blake3"].as_str(), Some(blake3::hash(SOUND.as_bytes()).to_hex().as_str()));
    // A format that is no longer asked for leaves with its manifest.
    assert_eq!(folder.run(&["build", "good.csv", "--config", "none", "--format", "csv"]).code, 0);
    assert_eq!(folder.files("out/openai"), ["feed.csv", "feed.manifest.json"]);
}

#[cfg(unix)]
#[test]
fn feeds_can_be_read_by_others() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new();
    folder.write("good.csv", SOUND);
    assert_eq!(folder.run(&["build", "good.csv", "--config", "none", "--format", "csv"]).code, 0);
    let mode = std::fs::metadata(folder.path("out/openai/feed.csv")).expect("written").permissions().mode();
    assert_eq!(mode & 0o444, 0o444);
}
