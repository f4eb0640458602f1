//! Databases: real servers, one snapshot, nothing written when they die, no password shown.

use crate::servers::{self, Server, mysql, psql};
use crate::support::{Folder, Run, fixture, shared};
use serde_json::Value;
use std::process::{Command, Stdio};
use std::time::Duration;

fn project(folder: &Folder, source: &str) {
    folder.write("feedmill.toml", format!("[source]\n{source}\n"));
}

fn build(folder: &Folder) -> Run {
    folder.run(&["build", "--target", "openai", "--format", "jsonl", "--out", "out", "--output-format", "json"])
}

pub(crate) fn sqlite(folder: &Folder, name: &str, script: &str) {
    let script = folder.write("script.sql", script);
    let load = "import sqlite3, sys\nsqlite3.connect(sys.argv[1]).executescript(open(sys.argv[2], encoding='utf-8').read())";
    let loaded = Command::new("python3").args(["-c", load]).arg(folder.path(name)).arg(script).status().expect("python3 runs");
    assert!(loaded.success());
}

/// What `inspect` says of each column: name, filled, first example.
fn columns(run: &Run) -> Vec<(String, u64, String)> {
    let report = run.json();
    let columns = report["sources"][0]["columns"].as_array().expect("columns").clone();
    let text = |value: &Value| value.as_str().unwrap_or("").to_owned();
    columns
        .iter()
        .map(|column| (text(&column["name"]), column["filled"].as_u64().expect("a count"), text(&column["examples"][0])))
        .collect()
}

#[track_caller]
fn holds(run: &Run, expected: &[(&str, &str)]) {
    assert_eq!(run.code, 0, "{}", run.err);
    let found = columns(run);
    let found: Vec<(&str, &str)> = found.iter().map(|(name, _, example)| (name.as_str(), example.as_str())).collect();
    assert_eq!(found, expected);
}

#[test]
fn every_type_of_postgres() {
    let Some(server) = servers::postgres() else { return };
    let folder = Folder::new();
    let query = "select 12345678901234567890.10::numeric as exact, 9007199254740993::bigint as big, 1.5::float8 as float, true as yes, \
        date '2026-03-01' as day, timestamptz '2026-03-01 12:00:00+02' as moment, '{\\\"a\\\": [1, 2.50]}'::json as tree, \
        array['a,b', null, 'c\\\"d'] as words, array[1.50, 2]::numeric[] as sizes, '\\\\x00ff'::bytea as raw, null::text as none, '' as blank, \
        'Größe'::varchar as word, 'NaN'::float8 as odd";
    project(&folder, &format!("database = {{ url = \"postgres://feed@127.0.0.1:{}/postgres\", query = \"{query}\" }}", server.port));
    let run = folder.run(&["inspect", "--json"]);
    holds(
        &run,
        &[
            ("exact", "12345678901234567890.10"),
            ("big", "9007199254740993"),
            ("float", "1.5"),
            ("yes", "true"),
            ("day", "2026-03-01"),
            ("moment", "2026-03-01 10:00:00+00"),
            ("tree", "{\"a\": [1, 2.50]}"),
            ("words", "[\"a,b\",null,\"c\\\"d\"]"),
            ("sizes", "[1.50,2]"),
            ("raw", "\\x00ff"),
            ("none", ""),
            ("blank", ""),
            ("word", "Größe"),
            ("odd", "NaN"),
        ],
    );
    assert_eq!(run.json()["sources"][0]["format"], "postgres");
}

#[test]
fn every_type_of_mariadb() {
    let Some(server) = servers::mariadb() else { return };
    mysql(
        server.port,
        "create table t (exact decimal(30,10), big bigint unsigned, half double, yes boolean, few tinyint(1), day date, moment datetime, \
         tree json, raw varbinary(4), none text, word varchar(20), made year, kind enum('a','b')); \
         insert into t values (12345678901234567890.1234567890, 18446744073709551615, 1.5, true, 7, '2026-03-01', '2026-03-01 12:00:00', \
         '{\"a\": [1]}', x'00ff', null, 'Größe', 2026, 'b');",
    )
    .expect("loaded");
    let folder = Folder::new();
    project(&folder, &format!("database = {{ url = \"mysql://feed@127.0.0.1:{}/shop\", table = \"t\" }}", server.port));
    let run = folder.run(&["inspect", "--json"]);
    holds(
        &run,
        &[
            ("exact", "12345678901234567890.1234567890"),
            ("big", "18446744073709551615"),
            ("half", "1.5"),
            ("yes", "true"),
            ("few", "7"),
            ("day", "2026-03-01"),
            ("moment", "2026-03-01 12:00:00"),
            ("tree", "{\"a\": [1]}"),
            ("raw", "\\x00ff"),
            ("none", ""),
            ("word", "Größe"),
            ("made", "2026"),
            ("kind", "b"),
        ],
    );
}

#[test]
fn every_type_of_sqlite() {
    let folder = Folder::new();
    sqlite(
        &folder,
        "t.db",
        "create table t (a, b real, c text, d blob, e); insert into t values (9007199254740993, 19.99, '0012', x'00ff', null);",
    );
    let run = folder.run(&["inspect", "t.db", "--json"]);
    holds(&run, &[("a", "9007199254740993"), ("b", "19.99"), ("c", "0012"), ("d", "\\x00ff"), ("e", "")]);
    // Nothing beside it: the file was opened for reading only.
    assert_eq!(folder.files("").iter().filter(|name| name.starts_with("t.db")).count(), 1);
    sqlite(&folder, "two.db", "create table products (id); create table stock (id);");
    let run = folder.run(&["inspect", "two.db"]);
    // Nothing is wrong with the database: what to read of it was not typed.
    assert_eq!(run.code, 2);
    assert!(run.err.contains("--table NAME") && run.err.contains("products, stock"), "{}", run.err);
    let run = folder.run(&["check", "two.db", "--config", "none", "--output-format", "json"]);
    assert_eq!((run.code, &run.json()["exit"]["name"]), (2, &"usage".into()));
    sqlite(&folder, "none.db", "create table t (id); drop table t;");
    let run = folder.run(&["inspect", "none.db"]);
    assert_eq!(run.code, 3);
    assert!(run.err.contains("no tables"), "{}", run.err);
    assert_eq!(folder.run(&["inspect", "sqlite:two.db", "--query", "drop table stock"]).code, 3);
    assert_eq!(folder.run(&["inspect", "two.db", "--query", "delete from stock returning id"]).code, 3);
}

const NORTHWIND: &str = "select p.product_id as item_id, p.product_name as title, c.description as description, s.company_name as brand, \
    case when p.discontinued = 1 or p.units_in_stock = 0 then 'out_of_stock' else 'in_stock' end as availability, \
    round(p.unit_price::numeric, 2) as price, p.units_in_stock as inventory_quantity, c.category_name as product_category, \
    'https://shop.example/p/' || p.product_id as url, 'https://shop.example/i/' || p.product_id || '.jpg' as image_url \
    from products p join categories c using (category_id) join suppliers s using (supplier_id) order by p.product_id";

#[test]
fn northwind_becomes_a_feed() {
    let (Some(dump), Some(server)) = (shared("catalogs/database-northwind-postgres.sql"), servers::postgres()) else { return };
    psql(server.port, "postgres", &std::fs::read_to_string(dump).expect("readable")).expect("loaded");
    let folder = Folder::new();
    project(
        &folder,
        &format!(
            "database = {{ url = \"postgres://feed@127.0.0.1:{}/postgres\", query = \"\"\"{NORTHWIND}\"\"\" }}\n[defaults]\ncurrency = \"USD\"\nseller_name = \"Northwind\"",
            server.port
        ),
    );
    let run = build(&folder);
    let report = run.json();
    assert_eq!(report["summary"]["records"], 77, "{}", run.err);
    assert_eq!(report["summary"]["accepted"], 77, "{}", run.out);
    let feed = folder.read("out/openai/feed.jsonl");
    let first: Value = serde_json::from_str(feed.lines().next().expect("an item")).expect("JSON");
    assert_eq!((&first["item_id"], &first["title"], &first["price"]), (&"1".into(), &"Chai".into(), &"18.00 USD".into()));
    assert!(feed.contains("Chef Anton's Gumbo Mix") && feed.contains("Gravad lax"), "{feed}");
}

#[test]
fn northwind_of_sqlite_becomes_a_feed() {
    let Some(dump) = shared("catalogs/database-northwind-sqlite.sql") else { return };
    let folder = Folder::new();
    sqlite(&folder, "northwind.db", &std::fs::read_to_string(dump).expect("readable"));
    let query = "select ProductID as item_id, ProductName as title, c.Description as description, s.CompanyName as brand, \
        'https://shop.example/p/' || ProductID as url, 'https://shop.example/i/' || ProductID || '.jpg' as image_url, UnitPrice as price, \
        UnitsInStock as inventory_quantity, 'in_stock' as availability \
        from Products p join Categories c using (CategoryID) join Suppliers s using (SupplierID) order by ProductID";
    let arguments = ["build", "northwind.db", "--query", query, "--config", "none", "--currency", "USD", "--seller-name", "Northwind"];
    let run = folder.run(&[arguments.as_slice(), &["--output-format", "json", "--format", "jsonl"]].concat());
    assert_eq!(run.json()["summary"]["accepted"], 77, "{}{}", run.out, run.err);
    let table = folder.run(&["inspect", "sqlite:northwind.db", "--table", "Order Details", "--json"]);
    assert_eq!(columns(&table)[0].0, "OrderID");
}

/// Starts a build, waits until the server works on it, and kills the server.
fn dies_in_the_middle(server: &Server, source: &str, at_work: impl Fn() -> bool) {
    let folder = Folder::new();
    project(&folder, source);
    let child = Command::new(env!("CARGO_BIN_EXE_feedmill"))
        .args(["build", "--out", "out"])
        .current_dir(folder.path(""))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let begun = feedmill::clock::now();
    while !at_work() {
        assert!(begun.elapsed() < Duration::from_secs(60), "the query never ran");
        std::thread::yield_now();
    }
    server.kill();
    let output = child.wait_with_output().expect("the program ends");
    let err = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{err}");
    assert!(err.contains("the database stopped after"), "{err}");
    assert!(!folder.exists("out"), "nothing is written");
}

#[test]
fn postgres_dies_in_the_middle() {
    let Some(server) = servers::postgres() else { return };
    // Rows enough to fill every buffer on the way, and then none for long.
    let query = "select n as item_id, repeat('x', 1000) as title from generate_series(1, 2000) n \
        union all select 0, 'last' from pg_sleep(600)";
    let source = format!("database = {{ url = \"postgres://feed@127.0.0.1:{}/postgres\", query = \"{query}\" }}", server.port);
    let working = "select count(*) from pg_stat_activity where application_name = 'feedmill' and wait_event = 'PgSleep'";
    dies_in_the_middle(&server, &source, || psql(server.port, "postgres", working).is_ok_and(|count| count.trim() == "1"));
}

#[test]
fn mariadb_dies_in_the_middle() {
    let Some(server) = servers::mariadb() else { return };
    let query = "select seq as item_id, repeat('x', 1000) as title from seq_1_to_2000 union all select sleep(600), 'last'";
    let source = format!("database = {{ url = \"mariadb://feed@127.0.0.1:{}/shop\", query = \"{query}\" }}", server.port);
    let working = "select count(*) from information_schema.processlist where info like 'select seq as%'";
    dies_in_the_middle(&server, &source, || mysql(server.port, working).is_ok_and(|count| count.trim() == "1"));
}

#[test]
fn a_server_is_asked_to_read_and_for_so_long_only() {
    let Some(server) = servers::postgres() else { return };
    let folder = Folder::new();
    let url = format!("postgres://feed@127.0.0.1:{}/postgres", server.port);
    psql(server.port, "postgres", "create table kept (id int); insert into kept values (1)").expect("made");
    for (query, words) in [
        ("delete from kept returning id", "read-only transaction"),
        ("select 1; drop table kept", "multiple commands"),
        ("select no from kept", "\"no\" does not exist"),
    ] {
        let run = folder.run(&["build", &url, "--query", query, "--config", "none"]);
        assert_eq!(run.code, 3, "{query}: {}", run.out);
        assert!(run.err.contains(words), "{query}: {}", run.err);
    }
    assert_eq!(psql(server.port, "postgres", "select count(*) from kept").expect("there").trim(), "1");
    project(&folder, &format!("database = {{ url = \"{url}\", query = \"select 1 as id, pg_sleep(600)\" }}\ntimeout = 1"));
    let run = build(&folder);
    assert_eq!(run.code, 3);
    assert!(run.err.contains("longer than 1 s") || run.err.contains("statement timeout"), "{}", run.err);
    let nothing = folder.run(&["inspect", &url, "--config", "none"]);
    assert!(nothing.err.contains("public.kept"), "{}", nothing.err);
}

#[test]
fn passwords_are_neither_taken_nor_shown() {
    let folder = Folder::new();
    let typed = folder.run(&["check", "postgres://me:s3cret@127.0.0.1:1/shop", "--table", "t", "--config", "none"]);
    assert_eq!(typed.code, 2);
    assert!(typed.err.contains("url = { env = \"DATABASE_URL\" }") && !typed.err.contains("s3cret"), "{}", typed.err);
    project(&folder, "database = { url = \"mysql://me:s3cret@127.0.0.1:1/shop\", table = \"t\" }");
    let written = build(&folder);
    assert!(written.code == 2 && !written.err.contains("s3cret") && !written.out.contains("s3cret"), "{}{}", written.out, written.err);
    folder.secret("address", "postgres://me:s3cret@127.0.0.1:1/shop\n");
    project(&folder, "database = { url = { file = \"address\" }, table = \"t\" }");
    let told = build(&folder);
    assert_eq!(told.code, 3, "{}", told.err);
    assert!(
        told.err.contains("postgres://127.0.0.1:1/shop") && !told.err.contains("s3cret") && !told.out.contains("s3cret"),
        "{}",
        told.err
    );
    // Another machine is not talked to in the clear unless that is asked for.
    project(&folder, "database = { url = { env = \"FEEDMILL_TEST_NOT_SET\" }, table = \"t\" }");
    assert!(build(&folder).err.contains("`FEEDMILL_TEST_NOT_SET` is not set"));
}

#[test]
fn a_dump_is_not_read_but_explained() {
    let folder = Folder::new();
    folder.write("shop.sql", std::fs::read_to_string(fixture("catalogs/conformance/shop.sql")).expect("a fixture"));
    let run = folder.run(&["check", "shop.sql", "--config", "none"]);
    assert_eq!(run.code, 3);
    assert!(run.err.contains("sqlite3 shop.db < dump.sql"), "{}", run.err);
}
