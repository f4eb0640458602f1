//! Every format holds the same table, the same bytes come out of any number of threads, and
//! the manifest tells the truth.

use crate::support::{Folder, Run, SOUND, fixture, shared};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::process::Command;

const FORMATS: &str = "csv,tsv,json,jsonl.gz,xml,parquet";
const SHOP: [&str; 6] = ["--currency", "USD", "--base-url", "https://shop.example", "--seller-name", "Northline"];

fn build(folder: &Folder, input: &str, more: &[&str]) -> Run {
    let mut arguments = vec!["build", input, "--config", "none", "--target", "openai", "--target", "stripe", "--format", FORMATS];
    arguments.extend(SHOP);
    arguments.extend(more);
    folder.run(&arguments)
}

/// The number of rows that every format holds alike, by readers that are not ours: Python's,
/// and pyarrow where `tests/run` has installed it. The parquet crate reads Parquet in any case.
fn read_back(folder: &Folder, target: &str) -> usize {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let own = root.join("target/python/bin/python3");
    let python = if own.exists() { own } else { "python3".into() };
    let built = folder.path(&format!("out/{target}"));
    let output = Command::new(python).arg(root.join("tests/it/read_back.py")).arg(&built).output().expect("python3 runs");
    assert!(output.status.success(), "{target}: {}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8(output.stdout).expect("text");
    let mut words = said.split_whitespace();
    let rows: usize = words.next().and_then(|count| count.parse().ok()).expect("a number");
    if !words.any(|format| format == "parquet") {
        // Not through the captured streams: nobody is to take this for a full round trip.
        let note = "NOTE: pyarrow is not installed; Parquet was read back by the parquet crate alone. tests/run installs it.\n";
        std::io::stderr().write_all(note.as_bytes()).expect("standard error");
    }
    assert_eq!(parquet_rows(&built.join("feed.parquet")), csv_rows(&built.join("feed.csv")), "{target}");
    rows
}

type Table = Vec<BTreeMap<String, String>>;

fn csv_rows(path: &Path) -> Table {
    let mut reader = csv::Reader::from_path(path).expect("a feed");
    let names = reader.headers().expect("a header").clone();
    let present = |row: csv::StringRecord| {
        names.iter().zip(&row).filter(|(_, cell)| !cell.is_empty()).map(|(name, cell)| (name.to_owned(), cell.to_owned())).collect()
    };
    reader.records().map(|row| present(row.expect("sound"))).collect()
}

fn parquet_rows(path: &Path) -> Table {
    use parquet::file::reader::{FileReader, SerializedFileReader};
    use parquet::record::Field;
    let reader = SerializedFileReader::new(std::fs::File::open(path).expect("a feed")).expect("Parquet");
    let text = |field: &Field| match field {
        Field::Null => None,
        Field::Str(text) => Some(text.clone()),
        Field::Bool(flag) => Some(flag.to_string()),
        Field::Long(number) => Some(number.to_string()),
        other => panic!("{other:?} is no type of a feed"),
    };
    let rows = reader.get_row_iter(None).expect("rows");
    rows.map(|row| {
        let row = row.expect("sound");
        row.get_column_iter().filter_map(|(name, field)| Some((name.clone(), text(field)?))).collect()
    })
    .collect()
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
        assert_eq!(read_back(&folder, target) as u64, accepted, "{target}");
    }
}

/// Exports of real shops, for every flat target that accepts any of their items.
#[test]
fn real_exports_make_one_table_in_every_format() {
    let mut sources: Vec<String> = ["shopify-gatsby-starter.csv", "shopify-theme-course.csv", "woocommerce-small.csv"]
        .iter()
        .map(|name| fixture(&format!("catalogs/{name}")))
        .collect();
    let more = ["magento2-configurable-apparel.csv", "woocommerce-sample-products.csv", "google-rss-every-attribute.xml", "wix-2026.csv"];
    sources.extend(more.iter().filter_map(|name| shared(&format!("catalogs/{name}"))).map(|path| path.display().to_string()));
    let targets = ["openai", "openai@2025-09", "openai@2026-07", "openai-google", "stripe", "stripe-pricing"];
    let mut tables = 0;
    for source in sources {
        let folder = Folder::new();
        let mut arguments = vec!["build", source.as_str(), "--config", "none", "--format", FORMATS, "--output-format", "json"];
        arguments.extend(SHOP);
        arguments.extend(targets.iter().flat_map(|target| ["--target", target]));
        let run = folder.run(&arguments);
        // A platform that cannot be read yet is another test's matter.
        if run.code > 1 {
            continue;
        }
        let report = run.json();
        for (place, target) in targets.iter().enumerate() {
            let accepted = report["targets"][place]["summary"]["accepted"].as_u64().expect("a number");
            if accepted > 0 {
                assert_eq!(read_back(&folder, target) as u64, accepted, "{source} {target}");
                tables += 1;
            }
        }
    }
    assert!(tables >= 6, "only {tables} feeds had items");
}

#[test]
fn parquet_holds_text_flags_and_whole_numbers() {
    use parquet::file::reader::{FileReader, SerializedFileReader};
    let folder = Folder::new();
    folder.write("good.csv", SOUND);
    let flags = ["--set", "is_eligible_search=true", "--set", "review_count=12", "--set", "color=blue"];
    let mut arguments = vec!["build", "good.csv", "--config", "none", "--format", "parquet"];
    arguments.extend(flags);
    assert_eq!(folder.run(&arguments).code, 0);
    let file = std::fs::File::open(folder.path("out/openai/feed.parquet")).expect("a feed");
    let reader = SerializedFileReader::new(file).expect("Parquet");
    let meta = reader.metadata();
    let of =
        |name: &str| meta.row_group(0).columns().iter().find(|column| column.column_path().string() == name).expect("a column").clone();
    for (name, physical) in [("title", "BYTE_ARRAY"), ("is_eligible_search", "BOOLEAN"), ("review_count", "INT64"), ("price", "BYTE_ARRAY")]
    {
        assert_eq!(of(name).column_type().to_string(), physical, "{name}");
        assert!(format!("{:?}", of(name).compression()).starts_with("ZSTD"), "{name}");
    }
    assert_eq!(of("title").column_descr().logical_type_ref(), Some(&parquet::basic::LogicalType::String));
}

#[test]
fn hostile_text_survives_every_format() {
    let folder = Folder::new();
    let title = "\"Tab\tand \"\"quotes\"\", commas; <b> & ]]> \\n \u{2028} é 日本 'x' {\"\"a\"\":1}\"";
    folder.write("odd.csv", SOUND.replace("Insulated steel bottle.", &format!("{}\nsecond line\"", title.trim_end_matches('"'))));
    let run = folder.run(&["build", "odd.csv", "--config", "none", "--format", FORMATS]);
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
    assert_eq!(read_back(&folder, "openai"), 2);
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
    let columns = |folder: &Folder| std::fs::read(folder.path("out/openai/feed.parquet")).expect("written");
    assert_eq!(columns(&one), columns(&four));
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
