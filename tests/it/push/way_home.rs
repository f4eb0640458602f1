//! A real export on its way to real-looking accounts: built, delivered to imports and to the import
//! sets of three connected accounts, refused in ten rows, and led home to the merchant's cells.
//! `cargo test --test it push::way_home -- --nocapture` prints the transcript and the refusals.

use super::stand::{IMPORTS, SETS, Stand, Way};
use crate::support::fixture;
use serde_json::Value;

const EXPORT: &str = "catalogs/shopify-gatsby-starter.csv";

/// What is broken on purpose: the row of the feed from 1, its column, and what stands there then.
const BROKEN: [(usize, &str, &str); 10] = [
    (2, "price", "20.03"),
    (9, "price", "USD 20.03"),
    (17, "price", "about twenty"),
    (30, "title", ""),
    (44, "description", ""),
    (58, "image_link", "no address"),
    (101, "availability", "perhaps"),
    (150, "brand", ""),
    (222, "price", "-4.00 USD"),
    (299, "title", ""),
];

fn project(stand: &Stand) {
    let base = format!("http://{}", stand.sandbox().address());
    let target = |name: &str, way: &Way, more: &str| {
        let deliver = way.deliver.replace("{base}", &base);
        format!("[[target]]\nname = \"{name}\"\nspec = \"stripe\"\n{more}deliver = {{ {deliver}, {} }}\n", super::stand::QUICK)
    };
    let settings = format!(
        "[source]\npath = \"export.csv\"\n\
         [defaults]\ncurrency = \"USD\"\nbase_url = \"https://shop.example\"\n\
         [map]\nmpn = {{ from = [\"Google shopping mpn\", \"Variant sku\"] }}\n\
         [[rule]]\nwhen = \"age_group == 'Baby'\"\nset = {{ age_group = \"infant\" }}\n{}{}",
        target("own", &IMPORTS, ""),
        target("vendors", &SETS, "accounts = [\"acct_1\", \"acct_2\", \"acct_3\"]\n"),
    );
    stand.folder.write("feedmill.toml", settings);
    stand.folder.write("export.csv", std::fs::read(fixture(EXPORT)).expect("the fixture"));
}

/// Breaks rows of a built feed behind the back of the build, which would not have let them through.
/// Returns the ids of the broken rows.
fn break_rows(stand: &Stand, target: &str) -> Vec<String> {
    let (feed, manifest) = (format!("out/{target}/feed.csv"), format!("out/{target}/feed.manifest.json"));
    let whole = stand.folder.read(&feed);
    let mut reader = csv::Reader::from_reader(whole.as_bytes());
    let header = reader.headers().expect("a header").clone();
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(&header).expect("written");
    let mut ids = Vec::new();
    for (number, row) in (1..).zip(reader.records()) {
        let row = row.expect("a row");
        let fault = BROKEN.iter().find(|(row, ..)| *row == number);
        if fault.is_some() {
            ids.push(row[0].to_owned());
        }
        let cells = header.iter().zip(&row);
        writer
            .write_record(cells.map(|(name, cell)| fault.filter(|(_, column, _)| *column == name).map_or(cell, |(.., broken)| broken)))
            .expect("written");
    }
    let broken = writer.into_inner().expect("in memory");
    let digest = |bytes: &[u8]| blake3::hash(bytes).to_hex().to_string();
    stand.folder.write(&manifest, stand.folder.read(&manifest).replace(&digest(whole.as_bytes()), &digest(&broken)));
    stand.folder.write(&feed, broken);
    ids
}

/// The line of the export on which each item stands, and its columns from 1, by the reader of
/// another crate.
fn lines(stand: &Stand) -> (Vec<(String, u64)>, Vec<String>) {
    let mut reader = csv::Reader::from_path(stand.folder.path("export.csv")).expect("the export");
    let header = reader.headers().expect("a header").clone();
    let place = |name: &str| header.iter().position(|column| column == name).expect("a column");
    let (handle, option, sku) = (place("Handle"), place("Option1 value"), place("Variant sku"));
    let rows = reader.records().map(|row| {
        let row = row.expect("a row");
        let line = row.position().expect("a position").line();
        // The first row of a product has no SKU here; its id is the handle and the option.
        let id = if row[sku].is_empty() { format!("{}-{}", &row[handle], &row[option]) } else { row[sku].to_owned() };
        (id, line)
    });
    (rows.collect(), header.iter().map(str::to_owned).collect())
}

/// Which column of the merchant fills a field, as a person would say it.
fn column_of(field: &str) -> Option<&'static str> {
    match field {
        "price" => Some("Variant price"),
        "title" => Some("Title"),
        "description" => Some("Body"),
        "brand" => Some("Vendor"),
        "image_link" => Some("Variant image"),
        // It follows from the stock policy and has no column of its own.
        _ => None,
    }
}

#[test]
fn ten_broken_rows_of_a_real_export_are_refused_and_shown_at_their_cells() {
    let stand = Stand::new(&[], |_| {});
    project(&stand);
    stand.build();
    let broken = break_rows(&stand, "own");
    assert_eq!(break_rows(&stand, "vendors"), broken);
    assert_eq!(broken.len(), 10);
    let (rows, header) = lines(&stand);

    let run = stand.push();
    assert_eq!(run.code, 8, "{}{}", run.out, run.err);
    for exchange in stand.exchanges() {
        print!("{exchange}");
    }
    let found = run.json();
    let outcomes: Vec<(&Value, &Value, &Value, &Value)> = found["targets"]
        .as_array()
        .expect("targets")
        .iter()
        .map(|one| (&one["account"], &one["outcome"], &one["sent"], &one["refused"]))
        .collect();
    let (pushed, sent, refused) = (Value::from("pushed"), Value::from(299), Value::from(10));
    let accounts = [Value::Null, "acct_1".into(), "acct_2".into(), "acct_3".into()];
    assert_eq!(outcomes, accounts.each_ref().map(|account| (account, &pushed, &sent, &refused)));
    for account in ["acct_sandbox", "acct_1", "acct_2", "acct_3"] {
        let held = stand.sandbox().products(account);
        assert!(held.len() == 289 && broken.iter().all(|id| held.iter().all(|(known, _)| known != id)), "{account}: {}", held.len());
    }

    // Every refusal, each account for itself, at the line of the export and in the merchant's own column.
    let findings = found["findings"].as_array().expect("findings");
    assert_eq!(findings.len(), 40);
    for (place, finding) in findings.iter().enumerate() {
        let (_, field, _) = BROKEN[place % 10];
        let (id, line) = rows.iter().find(|(id, _)| *id == broken[place % 10]).expect("an item of the export");
        assert_eq!(
            (finding["item"].as_str(), finding["line"].as_u64(), finding["file"].as_str()),
            (Some(id.as_str()), Some(*line), Some("export.csv")),
            "{finding}"
        );
        assert_eq!(finding["code"], "delivery/row-refused");
        let whose = ["own", "vendors acct_1", "vendors acct_2", "vendors acct_3"];
        assert_eq!(finding["target"], whose[place / 10], "{finding}");
        assert_eq!(finding["column_name"].as_str(), column_of(field), "{field}: {finding}");
        let number = column_of(field).and_then(|name| header.iter().position(|column| column == name)).map(|place| place as u64 + 1);
        assert_eq!(finding["column"].as_u64().filter(|column| *column > 0), number, "{finding}");
    }

    let errors = stand.run(&["errors", "--max-per-code", "0"]);
    println!("{}", errors.out);
    assert_eq!(errors.code, 1);
    for id in &broken {
        let (_, line) = rows.iter().find(|(known, _)| known == id).expect("an item");
        let at = format!("export.csv:{line}");
        let shown = errors.out.lines().filter_map(|text| text.trim_start().strip_prefix(&at)).filter(|rest| rest.starts_with([':', ' ']));
        assert_eq!(shown.count(), 4, "{id}: {}", errors.out);
    }
}
