//! One small shop in every format that is read: each gives the same items, keeps what a cell
//! holds, knows its place, and is never taken for whole when it is not.

use crate::servers::{self, mysql, psql};
use crate::support::{Folder, fixture};
use crate::web::{Web, answer};
use serde_json::Value;
use std::collections::BTreeMap;
use std::process::Command;

/// How a reader is given the shop: what is put into the folder, and what is typed.
struct Given {
    folder: Folder,
    arguments: Vec<String>,
    /// The file that may be cut, where the source is one.
    file: Option<String>,
    /// What keeps a server alive.
    _held: Vec<Box<dyn std::any::Any>>,
}

impl Given {
    fn run(&self, verb: &str, more: &[&str]) -> crate::support::Run {
        let mut arguments = vec![verb];
        arguments.extend(self.arguments.iter().map(String::as_str));
        arguments.extend(more);
        self.folder.run(&arguments)
    }

    /// The items of the feed, by id.
    fn items(&self) -> Result<BTreeMap<String, Value>, String> {
        let run = self.run(
            "build",
            &["--target", TARGET, "--format", "jsonl", "--out", "out", "--seller-name", "Acme Store", "--output-format", "concise"],
        );
        if run.code > 1 || !self.folder.exists(FEED) {
            return Err(format!("exit {}: {}{}", run.code, run.err, run.out));
        }
        let item = |line: &str| {
            let mut item: Value = serde_json::from_str(line).expect("JSON");
            // Google's feeds have no count of what is left.
            item.as_object_mut().expect("an object").remove("inventory_quantity");
            (item["item_id"].as_str().unwrap_or("").to_owned(), item)
        };
        Ok(self.folder.read(FEED).lines().map(item).collect())
    }
}

fn bytes(name: &str) -> Vec<u8> {
    std::fs::read(fixture(&format!("catalogs/conformance/{name}"))).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn text(name: &str) -> String {
    String::from_utf8(bytes(name)).expect("text")
}

fn file(name: &'static str) -> Give {
    Box::new(move || {
        let folder = Folder::new();
        folder.write(name, bytes(name));
        let arguments = vec![name.to_owned(), "--config".to_owned(), "none".to_owned()];
        Some(Given { folder, arguments, file: Some(name.to_owned()), _held: Vec::new() })
    })
}

fn project(source: &str, held: Vec<Box<dyn std::any::Any>>) -> Given {
    let folder = Folder::new();
    folder.write("feedmill.toml", format!("[source]\n{source}\n"));
    Given { folder, arguments: Vec::new(), file: None, _held: held }
}

const QUERY: &str = "select item_id, title, description, url, brand, seller_name, image_url, availability, availability_date, price, gtin, \
    inventory_quantity, color from products order by place";

fn sqlite() -> Option<Given> {
    let folder = Folder::new();
    let script = folder.write("shop.sql", text("shop.sql"));
    let load = "import sqlite3, sys\nsqlite3.connect(sys.argv[1]).executescript(open(sys.argv[2], encoding='utf-8').read())";
    assert!(Command::new("python3").args(["-c", load]).arg(folder.path("shop.db")).arg(script).status().expect("python3 runs").success());
    let arguments = ["sqlite:shop.db", "--query", QUERY, "--config", "none"].map(str::to_owned).to_vec();
    Some(Given { folder, arguments, file: None, _held: Vec::new() })
}

fn postgres() -> Option<Given> {
    let server = servers::postgres()?;
    psql(server.port, "postgres", &text("shop.sql")).expect("loaded");
    let source = format!("database = {{ url = \"postgres://feed@127.0.0.1:{}/postgres\", query = \"{QUERY}\" }}", server.port);
    Some(project(&source, vec![Box::new(server)]))
}

fn mariadb() -> Option<Given> {
    let server = servers::mariadb()?;
    mysql(server.port, &text("shop.sql")).expect("loaded");
    let source = format!("database = {{ url = \"mariadb://feed@127.0.0.1:{}/shop\", query = \"{QUERY}\" }}", server.port);
    Some(project(&source, vec![Box::new(server)]))
}

fn http() -> Option<Given> {
    let web = Web::new(|_| answer("200 OK", &["content-type: text/csv"], &bytes("shop.csv")));
    let folder = Folder::new();
    let arguments = [web.url("/shop.csv").as_str(), "--allow-private", "--config", "none"].map(str::to_owned).to_vec();
    Some(Given { folder, arguments, file: None, _held: vec![Box::new(web)] })
}

fn command() -> Option<Given> {
    let given = project("command = [\"cat\", \"shop.csv\"]", Vec::new());
    given.folder.write("shop.csv", bytes("shop.csv"));
    Some(given)
}

fn packed(name: &'static str) -> Vec<u8> {
    use std::io::Write;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(&bytes(name)).expect("memory");
    encoder.finish().expect("memory")
}

const TARGET: &str = "openai";
const FEED: &str = "out/openai/feed.jsonl";

/// What gives a reader the shop; `None` where its server is not installed.
type Give = Box<dyn Fn() -> Option<Given>>;

type Case = (&'static str, fn(&Given, &BTreeMap<String, Value>) -> Result<(), String>);

fn check(holds: bool, what: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(what()) }
}

/// What every reader must do with the shop.
const CASES: [Case; 7] = [
    ("same items", |given, expected| {
        let items = given.items()?;
        check(items == *expected, || format!("{items:#?}"))
    }),
    ("ids keep digits", |given, _| {
        let items = given.items()?;
        check(items.contains_key("0012") && items.get("A1").is_some_and(|item| item["gtin"] == "4006381333931"), || format!("{items:#?}"))
    }),
    ("text is whole", |given, _| {
        let items = given.items()?;
        let (a1, glass) = (&items["A1"], &items["0012"]);
        check(
            a1["description"] == "Insulated, 0.5 l; \"keeps cold\""
                && a1["color"] == "Größe blau"
                && a1["brand"] == "Acme & Sons"
                && a1["url"] == "https://shop.example/a1?x=1&y=2"
                && glass["description"].as_str().is_some_and(|text| text.contains("Clear glass") && text.contains("with a cork")),
            || format!("{items:#?}"),
        )
    }),
    ("absent is absent", |given, _| {
        let items = given.items()?;
        check(items["0012"].get("gtin").is_none() && items["0012"].get("color").is_none(), || format!("{:#?}", items["0012"]))
    }),
    ("dates", |given, _| {
        let run = given.run("inspect", &["--json"]);
        let columns = run.json()["sources"][0]["columns"].clone();
        let named = |column: &&Value| column["name"].as_str().is_some_and(|name| name.ends_with("availability_date"));
        let found = columns.as_array().into_iter().flatten().find(named);
        check(found.is_some_and(|column| column["examples"][0] == "2030-03-01" && column["filled"] == 1), || columns.to_string())
    }),
    ("records and digest", |given, _| {
        let run = given.run("check", &["--output-format", "json", "--exit-zero"]);
        let input = &run.json()["input"][0];
        check(input["records"] == 3 && input["blake3"].as_str().is_some_and(|digest| digest.len() == 64), || run.out)
    }),
    ("cut is refused", |given, _| {
        let Some(name) = &given.file else { return Ok(()) };
        let whole = std::fs::read(given.folder.path(name)).expect("there");
        for part in [3, 6, 9] {
            given.folder.write(name, &whole[..whole.len() * part / 10]);
            let run = given.run("build", &["--out", "cut", "--fail-on", "never"]);
            if run.code != 3 || given.folder.exists("cut/openai") {
                return Err(format!("{part}/10: exit {}: {}{}", run.code, run.out, run.err));
            }
        }
        given.folder.write(name, &whole);
        Ok(())
    }),
];

#[test]
fn every_reader_gives_the_same_items() {
    let gz = || {
        let folder = Folder::new();
        folder.write("shop.parquet.gz", packed("shop.parquet"));
        let arguments = ["shop.parquet.gz", "--config", "none"].map(str::to_owned).to_vec();
        Some(Given { folder, arguments, file: Some("shop.parquet.gz".to_owned()), _held: Vec::new() })
    };
    let readers: Vec<(&str, Give)> = vec![
        ("csv", file("shop.csv")),
        ("tsv", file("shop.tsv")),
        ("json", file("shop.json")),
        ("jsonl", file("shop.jsonl")),
        ("xml", file("shop.xml")),
        ("xml rss", file("google.rss.xml")),
        ("xml atom", file("google.atom.xml")),
        ("parquet", file("shop.parquet")),
        ("parquet.gz", Box::new(gz)),
        ("xlsx", file("shop.xlsx")),
        ("xls", file("shop.xls")),
        ("ods", file("shop.ods")),
        ("sqlite", Box::new(sqlite)),
        ("postgres", Box::new(postgres)),
        ("mariadb", Box::new(mariadb)),
        ("http csv", Box::new(http)),
        ("command", Box::new(command)),
    ];
    let expected = file("shop.csv")().expect("a file").items().expect("a feed");
    assert_eq!(expected.len(), 3, "{expected:#?}");
    let mut table = format!("{:<12}{}\n", "", CASES.map(|(name, _)| format!("{name:<20}")).concat());
    let mut wrong = Vec::new();
    for (name, give) in readers {
        let Some(given) = give() else {
            table.push_str(&format!("{name:<12}no server here\n"));
            continue;
        };
        table.push_str(&format!("{name:<12}"));
        for (case, test) in CASES {
            let outcome = test(&given, &expected);
            let shown = match &outcome {
                Ok(()) if case == "cut is refused" && given.file.is_none() => "(other test)",
                Ok(()) => "ok",
                Err(_) => "WRONG",
            };
            table.push_str(&format!("{shown:<20}"));
            if let Err(what) = outcome {
                wrong.push(format!("{name}, {case}: {what}"));
            }
        }
        table.push('\n');
    }
    println!("{table}");
    assert!(wrong.is_empty(), "{table}\n{}", wrong.join("\n"));
}

/// A platform whose rows continue a product reads the same from a workbook as from its export.
#[test]
fn rows_that_continue_a_product_stand_in_sheets_too() {
    let items = |given: &Given| {
        let run = given.run(
            "build",
            &[
                "--target",
                TARGET,
                "--format",
                "jsonl",
                "--out",
                "out",
                "--currency",
                "USD",
                "--base-url",
                "https://shop.example",
                "--seller-name",
                "S",
            ],
        );
        assert!(run.code <= 1, "{}{}", run.out, run.err);
        given.folder.read(FEED)
    };
    let expected = {
        let folder = Folder::new();
        folder.write("shopify.csv", std::fs::read(fixture("catalogs/shopify-theme-course.csv")).expect("a fixture"));
        items(&Given { folder, arguments: ["shopify.csv", "--config", "none"].map(str::to_owned).to_vec(), file: None, _held: Vec::new() })
    };
    assert_eq!(items(&file("shopify.xlsx")().expect("a file")), expected);
}

#[test]
fn sheets_are_found_by_name_and_rows_by_number() {
    let given = file("shop.xlsx")().expect("a file");
    let run = given.run("inspect", &["--sheet", "products", "--json"]);
    assert_eq!(run.json()["sources"][0]["records"], 3, "{}", run.err);
    let run = given.run("inspect", &["--sheet", "Stock"]);
    assert_eq!(run.code, 3);
    assert!(run.err.contains("no sheet `Stock`; it has Notes, Products"), "{}", run.err);
    let run = given.run("check", &["--output-format", "concise", "--exit-zero"]);
    assert!(run.out.contains("shop.xlsx:4:2: title/html A3"), "the third record stands in row 4: {}", run.out);
}

#[test]
fn records_of_xml_are_named_and_placed() {
    let folder = Folder::new();
    let shop = text("shop.xml").replace("<product>", "<p:product>").replace("</product>", "</p:product>");
    folder
        .write("shop.xml", shop.replacen("<catalog ", "<catalog xmlns:p='urn:shop' ", 1).replacen("<price>24.00 USD<", "<price>24.00<", 1));
    let run = folder.run(&["check", "shop.xml", "--record", "p:product", "--config", "none", "--output-format", "json", "--exit-zero"]);
    let report = run.json();
    assert_eq!(report["summary"]["records"], 3, "{}", run.err);
    let finding = report["findings"].as_array().expect("a list").iter().find(|finding| finding["code"] == "price/currency-missing");
    let finding = finding.unwrap_or_else(|| panic!("{}", run.out));
    assert_eq!((&finding["line"], &finding["column_name"], &finding["item"]), (&3.into(), &"price".into(), &"A1".into()));
    let run = folder.run(&["check", "shop.xml", "--record", "offer", "--config", "none"]);
    assert_eq!(run.code, 3);
    assert!(run.err.contains("catalog/p:product"), "{}", run.err);
    // The encoding that the document declares.
    let latin: Vec<u8> = text("shop.xml").replace("UTF-8", "ISO-8859-1").chars().map(|letter| letter as u8).collect();
    folder.write("latin.xml", latin);
    let run = folder.run(&["build", "latin.xml", "--config", "none", "--format", "csv", "--fail-on", "never"]);
    assert!(run.code == 0 && folder.read("out/openai/feed.csv").contains("Größe blau"), "{}{}", run.out, run.err);
}
