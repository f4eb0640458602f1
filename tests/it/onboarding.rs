//! `inspect` and `init`: what they say of a catalog, and that what `init` writes builds at once.

use crate::databases::sqlite;
use crate::support::{Folder, fixture};
use serde_json::Value;

const SHOP: [&str; 8] =
    ["--currency", "USD", "--base-url", "https://shop.example", "--seller-name", "Northline", "--set", "brand=Northline"];

#[test]
fn inspect_looks_into_nested_cells() {
    let folder = Folder::new();
    let run = folder.run(&["inspect", &fixture("catalogs/shopify-storefront-product.json"), "--config", "none", "--json"]);
    let source = &run.json()["sources"][0];
    let inside = source["inside"].as_array().expect("a list");
    let of = |path: &str| inside.iter().find(|column| column["name"] == path).unwrap_or_else(|| panic!("{path}: {source}"));
    // One record with two variants.
    let price = of("variants[].price");
    assert_eq!((&price["filled"], &price["distinct"], &price["attribute"]), (&1.into(), &2.into(), &"price".into()));
    assert_eq!(of("variants[].option1")["taken_for"], "(variant option)");
    assert_eq!((&of("variants[].weight")["attribute"], &of("variants[].weight")["examples"][0]), (&Value::Null, &"220".into()));
    assert_eq!(of("images[].src")["attribute"], "additional_image_urls");
    let shown = folder.run(&["inspect", &fixture("catalogs/shopify-storefront-product.json"), "--config", "none"]);
    assert!(shown.out.contains("variants[].sku"), "{}", shown.out);
}

#[test]
fn inspect_names_the_platform_and_what_is_missing() {
    let folder = Folder::new();
    let run = folder.run(&["inspect", &fixture("catalogs/bigcommerce-v3.csv"), "--config", "none", "--json"]);
    assert_eq!(run.code, 0, "{}", run.err);
    let source = &run.json()["sources"][0];
    assert_eq!((&source["preset"], &source["confidence"], &source["delimiter"]), (&"bigcommerce".into(), &"sure".into(), &",".into()));
    assert_eq!((&source["records"], &source["items"]), (&118.into(), &68.into()));
    assert_eq!(
        (&source["variants"]["groups"], &source["variants"]["items"], &source["variants"]["options"]["Size"]),
        (&2.into(), &57.into(), &57.into())
    );
    let missing: Vec<&str> =
        source["missing"].as_array().expect("a list").iter().map(|missing| missing["attribute"].as_str().expect("a name")).collect();
    assert_eq!(missing, ["url", "brand", "seller_name"]);
    let asks = source["asks"].to_string();
    assert!(asks.contains("--base-url") && asks.contains("--currency"), "{asks}");
    let column =
        |name: &str| source["columns"].as_array().expect("a list").iter().find(|column| column["name"] == name).expect("listed").clone();
    assert_eq!(
        (&column("Item")["distinct"], &column("Item")["filled"], &column("SKU")["attribute"]),
        (&3.into(), &118.into(), &"item_id".into())
    );
    assert_eq!(column("Internal Image URL (Export)")["type"], "address");
}

#[test]
fn what_init_writes_builds_at_once_and_is_never_overwritten() {
    for name in ["shopify-new-columns.csv", "bigcommerce-v3.csv", "squarespace.csv", "spree-products.csv", "bagisto-products.csv"] {
        let folder = Folder::new();
        let bytes = std::fs::read(fixture(&format!("catalogs/{name}"))).expect("a fixture");
        folder.write(name, bytes);
        let mut arguments = vec!["init", name];
        arguments.extend(SHOP);
        let run = folder.run(&arguments);
        assert_eq!(run.code, 0, "{name}: {}", run.err);
        let written = folder.read("feedmill.toml");
        assert!(written.contains(&format!("path = \"{name}\"")) && written.contains("currency = \"USD\""), "{written}");
        let build = folder.run(&["build", "--output-format", "json"]);
        assert!(build.code < 2, "{name}: {}", build.err);
        let summary = &build.json()["summary"];
        assert!(summary["accepted"].as_u64().expect("a number") > 0, "{name}: {summary}");
        let again = folder.run(&arguments);
        assert_eq!(again.code, 2, "{name}");
        assert!(again.err.contains("is not overwritten") && folder.read("feedmill.toml") == written);
    }
}

#[test]
fn what_only_a_person_can_decide_is_asked_for() {
    let folder = Folder::new();
    folder.write("shop.csv", "sku,name,price\nA,Cup,5.00\n");
    let run = folder.run(&["init", "shop.csv"]);
    assert_eq!(run.code, 0, "{}", run.err);
    let written = folder.read("feedmill.toml");
    for ask in
        ["# DECIDE: prices name no currency.", "# currency = \"USD\"", "# seller_name =", "1 of 1 items lack `brand`", "# title = \"name\""]
    {
        assert!(written.contains(ask), "{ask}: {written}");
    }
    // It is a sound project file all the same: the build runs, and rejects what is incomplete.
    let build = folder.run(&["build"]);
    assert_eq!(build.code, 1, "{}", build.err);
}

/// Whatever was said of a catalog stands in the file, so that it is read the same way from then on.
#[test]
fn what_was_typed_is_written() {
    let folder = Folder::new();
    let head = "id,title,description,link,brand,image_link,availability,price";
    let row = |id: &str| format!("{id},Mug,A mug.,/p/{id},Northline,i/{id}.jpg,in_stock,5.00 USD");
    folder.write("shop.csv", format!("{head}\n{}\n", row("A1")));
    folder.write("odd.txt", format!("{};5,00\n", row("A1").replace(',', ";").replace(";5.00 USD", "")));
    let list = |id: &str| format!("[{{\"id\":\"{id}\",\"title\":\"Mug\",\"price\":\"5.00 USD\"}}]");
    folder.write("shop.json", format!("{{\"old\":{},\"new\":{}}}", list("O1"), list("N1")));
    folder.write("names.csv", "id,title,\"a\nbrand = \"\"x\"\" label\",price\nA1,Mug,Northline,5.00 USD\n");
    let base = ["--base-url", "https://shop.example", "--image-base-url", "https://img.example/m/", "--seller-name", "Northline"];
    for (input, flags) in [
        ("shop.csv", &[][..]),
        ("odd.txt", &["--from", "csv", "--delimiter", ";", "--header", "id,title,description,link,brand,image_link,availability,price"]),
        ("shop.json", &["--record", "new"]),
        ("names.csv", &[]),
    ] {
        std::fs::remove_file(folder.path("feedmill.toml")).unwrap_or_default();
        let typed: Vec<&str> = [input].into_iter().chain(flags.iter().copied()).chain(base).collect();
        let summary = |arguments: &[&str]| {
            let run = folder.run(&[arguments, &["--output-format", "json"]].concat());
            assert!(run.code < 2, "{input}: {}{}", run.err, folder.read("feedmill.toml"));
            let report = run.json();
            (report["summary"].clone(), report["findings"].clone())
        };
        let before = summary(&[&["check", "--config", "none"], typed.as_slice()].concat());
        let run = folder.run(&[&["init"], typed.as_slice()].concat());
        assert_eq!(run.code, 0, "{input}: {}", run.err);
        assert_eq!(summary(&["check"]), before, "{input}: {}", folder.read("feedmill.toml"));
    }
}

#[test]
fn a_database_is_written_with_what_is_read_of_it() {
    let folder = Folder::new();
    let table =
        |name: &str| format!("create table {name} (id text, title text, price text); insert into {name} values ('1', 'Mug', '5.00 USD');");
    sqlite(&folder, "shop.db", &(table("product") + &table("draft")));
    let query = "select id, title, price from product where title <> \"it's\"";
    for (input, flags) in
        [("shop.db", ["--table", "product"]), ("sqlite:shop.db", ["--table", "draft"]), ("sqlite:shop.db", ["--query", query])]
    {
        std::fs::remove_file(folder.path("feedmill.toml")).unwrap_or_default();
        let run = folder.run(&[&["init", input], flags.as_slice()].concat());
        assert_eq!(run.code, 0, "{input}: {}", run.err);
        let check = folder.run(&["check", "--output-format", "json"]);
        assert!(check.code < 2, "{input}: {}{}", check.err, folder.read("feedmill.toml"));
        assert_eq!(check.json()["summary"]["records"], 1, "{}", check.out);
    }
}
