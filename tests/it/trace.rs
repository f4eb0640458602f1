//! `trace`: one item from its cells in the catalog to those of each target.

use crate::support::{Folder, SOUND, fixture};
use serde_json::{Value, json};
use std::collections::BTreeMap;

fn shop() -> Folder {
    let folder = Folder::new();
    folder.write("shop.csv", std::fs::read(fixture("catalogs/shopify-gatsby-starter.csv")).expect("a fixture"));
    folder
}

const SAID: [&str; 8] = ["--config", "none", "--currency", "USD", "--base-url", "https://shop.example", "--seller-name", "Northline"];

fn traced(folder: &Folder, arguments: &[&str]) -> Value {
    let run = folder.run(&[&["trace"], arguments, &["--output-format", "json"]].concat());
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
    run.json()
}

fn value<'a>(trace: &'a Value, attribute: &str) -> &'a Value {
    let values = trace["values"].as_array().expect("a list");
    values.iter().find(|value| value["attribute"] == attribute).unwrap_or(&Value::Null)
}

/// The second row of a product: what it leaves blank comes from the first, and is shown there.
#[test]
fn values_are_followed_from_their_cells() {
    let folder = shop();
    let trace =
        traced(&folder, &[&["fantastic-bronze-lamp-plum", "shop.csv", "--target", "openai", "--target", "stripe"], &SAID[..]].concat());
    assert_eq!(
        (&trace["schema"], &trace["item"]["line"], &trace["item"]["group"]),
        (&json!("feedmill.trace/1"), &json!(3), &json!("fantastic-bronze-lamp"))
    );
    let cell = |attribute: &str| {
        let source = &value(&trace, attribute)["sources"][0];
        (source["line"].clone(), source["column"].clone(), source["column_name"].clone(), source["raw"].clone(), source["lent"].clone())
    };
    let known =
        |line: u64, column: u64, name: &str, raw: &str, lent: bool| (json!(line), json!(column), json!(name), json!(raw), json!(lent));
    // Lines and columns counted in the file.
    assert_eq!(cell("title"), known(2, 2, "Title", "Fantastic Bronze Lamp", true));
    assert_eq!(cell("item_id"), known(3, 14, "Variant sku", "fantastic-bronze-lamp-plum", false));
    assert_eq!(cell("price"), known(3, 20, "Variant price", "20.03", false));
    assert_eq!(cell("age_group"), known(2, 29, "Google shopping age group", "Child", true));
    assert_eq!(value(&trace, "title")["steps"][0]["value"], "Fantastic Bronze Lamp - plum");
    assert_eq!(
        value(&trace, "age_group")["steps"],
        json!([{"stage": "normalize", "what": "`Child` is written `kids`", "code": "age_group/synonym", "value": "kids"}])
    );
    assert_eq!(
        value(&trace, "price")["cells"],
        json!([{"target": "openai", "field": "price", "value": "20.03 USD"}, {"target": "stripe", "field": "price", "value": "20.03 USD"}])
    );
    // Without GTIN and MPN one target takes the row and the other does not.
    assert_eq!([&trace["targets"][0]["accepted"], &trace["targets"][1]["accepted"]], [&json!(true), &json!(false)]);
    assert!(
        trace["findings"]
            .as_array()
            .expect("a list")
            .iter()
            .any(|finding| finding["code"] == "mpn/missing" && finding["target"] == "stripe")
    );
}

/// What trace says of every item is what a build writes.
#[test]
fn the_cells_are_those_of_the_built_feed() {
    let folder = shop();
    let said = [&SAID[..], &["--quiet", "--target", "openai", "--target", "acp"]].concat();
    assert_eq!(folder.run(&[&["build", "shop.csv", "--format", "jsonl"], &said[..]].concat()).code, 1);
    let lines: Vec<Value> = folder.read("out/openai/feed.jsonl").lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let products: Vec<Value> =
        folder.read("out/acp/products.jsonl").lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    // The first, one whose text needs repairs, one from a later product, and the last.
    for row in [0, 3, 100, lines.len() - 1] {
        let built = &lines[row];
        let id = built["item_id"].as_str().expect("text");
        let trace = traced(&folder, &[&[id, "shop.csv"], &said[..]].concat());
        let written: Value = serde_json::from_str(trace["targets"][0]["written"]["row"].as_str().expect("text")).expect("JSON");
        assert_eq!(&written, built, "{id}");
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let expected: BTreeMap<&str, String> =
            built.as_object().expect("an object").iter().map(|(name, value)| (name.as_str(), text(value))).collect();
        let values = trace["values"].as_array().expect("a list").iter().flat_map(|value| value["cells"].as_array().expect("a list"));
        let cells: BTreeMap<&str, String> = values
            .filter(|cell| cell["target"] == "openai" && cell["value"] != "")
            .map(|cell| (cell["field"].as_str().expect("text"), text(&cell["value"])))
            .collect();
        assert_eq!(
            cells.keys().collect::<Vec<_>>(),
            {
                let mut names: Vec<_> = expected.keys().collect();
                names.sort();
                names
            },
            "{id}"
        );
        assert_eq!(cells["title"], expected["title"]);
        let variant =
            products.iter().flat_map(|product| product["variants"].as_array().expect("a list")).find(|variant| variant["id"] == id);
        let written: Value = serde_json::from_str(trace["targets"][1]["written"]["row"].as_str().expect("text")).expect("JSON");
        assert_eq!(Some(&written), variant, "{id}");
    }
}

#[test]
fn steps_repairs_and_rules_stand_in_their_order() {
    let folder = Folder::new();
    folder.write(
        "feedmill.toml",
        "[map]\nitem_id = \"Artikel\"\ntitle = { from = \"Name\", clean = [\"upper\"] }\nproduct_category = { from = [\"Leer\", \"Gruppe\"], lookup = \"groups.csv\" }\n\
         price = { from = \"Preis\", currency = \"EUR\" }\n\
         [[rule]]\nwhen = \"price == '5.50 EUR'\"\nset = { condition = \"used\" }\n[[rule]]\nwhen = \"item_id == 'X2'\"\ndrop = true\n",
    );
    folder.write("groups.csv", "1,Home > Mugs\n");
    folder.write(
        "shop.csv",
        "Artikel,Name,description,url,image_url,brand,seller_name,availability,Preis,Leer,Gruppe,gtin\n\
         X1,Mug,<b>Blue</b> mug.,https://shop.example/1,https://shop.example/1.jpg,B,S,in stock,\"5,50\",,1,12345\n\
         X2,Cup,A cup.,https://shop.example/2,https://shop.example/2.jpg,B,S,in stock,6,,2,\n",
    );
    let trace = traced(&folder, &["X1", "shop.csv", "--target", "openai"]);
    let steps = |attribute: &str| -> Vec<(String, String, String)> {
        let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
        let steps = value(&trace, attribute)["steps"].as_array().cloned().unwrap_or_default();
        steps.iter().map(|step| (text(&step["stage"]), text(&step["code"]), text(&step["value"]))).collect()
    };
    let step = |stage: &str, code: &str, value: &str| (stage.to_owned(), code.to_owned(), value.to_owned());
    assert_eq!(steps("title"), [step("map", "-", "MUG")]);
    assert_eq!(steps("product_category"), [step("map", "-", "Home > Mugs")]);
    assert_eq!(value(&trace, "product_category")["sources"][0]["column_name"], "Gruppe");
    assert_eq!(steps("description"), [step("normalize", "description/html", "Blue mug.")]);
    assert_eq!(steps("price")[0], step("map", "-", "5,50 EUR"));
    assert_eq!(value(&trace, "price")["value"], "5.50 EUR");
    assert_eq!(steps("condition"), [step("rule", "condition/set-by-rule", "used")]);
    // An optional value that breaks its rule is left out of the row, and the finding says so.
    assert_eq!(value(&trace, "gtin")["cells"], json!([{"target": "openai", "field": "gtin", "value": ""}]));
    assert!(
        trace["findings"].as_array().expect("a list").iter().any(|finding| finding["attribute"] == "gtin" && finding["value"] == "12345")
    );

    let run = folder.run(&["trace", "X2", "shop.csv", "--target", "openai"]);
    assert!(run.code == 2 && run.err.contains("`X2` is no item; shop.csv:3, record 2: dropped by rule: item_id == 'X2'"), "{}", run.err);
    let text = folder.run(&["trace", "X1", "shop.csv", "--target", "openai"]).out;
    assert!(
        text.contains("\nproduct_category\n  catalog  1            line 2, column 11 `Gruppe`\n  map      Home > Mugs  looked up\n"),
        "{text}"
    );
    assert!(text.contains("  rule    used  set by the rule `price == '5.50 EUR'` [condition/set-by-rule]\n"), "{text}");
}

#[test]
fn items_go_by_other_names_too_and_near_ones_are_named() {
    let folder = Folder::new();
    folder.write("woo.csv", std::fs::read(fixture("catalogs/woocommerce-small.csv")).expect("a fixture"));
    // Ids of this platform are its own; the SKU is another column of the same row.
    let trace = traced(&folder, &["NL-TEE-MOS-S", "woo.csv"]);
    assert_eq!((&trace["item"]["id"], &trace["item"]["found_by"]), (&json!("201"), &json!("column `SKU`")));
    // Its parent stands in the row below.
    let description = &value(&trace, "description")["sources"][0];
    assert_eq!((&description["line"], &description["lent"]), (&json!(3), &json!(true)));

    // A row that is no item is told of, and why it is none.
    let run = folder.run(&["trace", "NL-TEE", "woo.csv"]);
    assert!(
        run.code == 2 && run.err.contains("`NL-TEE` is no item; woo.csv:3, record 2: parent row, its variations are the items"),
        "{}",
        run.err
    );
    assert_eq!(folder.run(&["trace", " ", "woo.csv"]).code, 2);

    let folder = shop();
    let run = folder.run(&["trace", "fantastic-bronze-lamp-plim", "shop.csv", "--output-format", "json"]);
    assert_eq!((run.code, &run.json()["exit"]["name"]), (2, &json!("usage")));
    assert!(
        run.err.contains("no item is called `fantastic-bronze-lamp-plim`; the nearest of the 300: `fantastic-bronze-lamp-plum`"),
        "{}",
        run.err
    );
    let run = folder.run(&["trace", "fantastic-bronze-lamp", "shop.csv"]);
    assert!(
        run.code == 2 && run.err.contains("stands for 3 items, by column `Handle`; name one by its id: `fantastic-bronze-lamp-jade`"),
        "{}",
        run.err
    );
    let run = folder.run(&["trace", "zzz", "shop.csv"]);
    assert!(run.code == 2 && run.err.contains("none of the 300 is called alike"), "{}", run.err);
    assert_eq!(folder.run(&["trace", "x", "missing.csv"]).code, 3);
    assert_eq!(folder.run(&["trace", "x", "shop.csv", "--target", "opanai"]).code, 2);
    assert_eq!(folder.run(&["trace"]).code, 2);
}

/// What shows only among all rows belongs to the item, too.
#[test]
fn an_id_that_occurs_twice() {
    let folder = Folder::new();
    folder.write("shop.csv", format!("{SOUND}{}", SOUND.lines().nth(1).expect("a row").replace("Steel", "Other") + "\n"));
    let trace = traced(&folder, &["A1", "shop.csv", "--target", "openai"]);
    assert_eq!((&trace["item"]["record"], &trace["item"]["twins"]), (&json!(1), &json!([{"file": "shop.csv", "record": 3, "line": 4}])));
    assert_eq!(trace["findings"][0]["code"], "item_id/duplicate");
    assert_eq!(trace["targets"][0]["accepted"], true, "the first stays in the feed");
}

#[test]
fn a_finished_feed_is_followed_as_it_is() {
    let folder = shop();
    let said = [&SAID[..], &["--quiet"]].concat();
    folder.run(&[&["build", "shop.csv", "--format", "jsonl", "--target", "openai", "--target", "acp"], &said[..]].concat());
    let trace = traced(&folder, &["fantastic-bronze-lamp-plum", "out/openai/feed.jsonl", "--target", "openai", "--target", "stripe"]);
    assert_eq!((&trace["targets"][0]["as_it_is"], &trace["targets"][1]["as_it_is"]), (&json!(true), &json!(false)));
    let cells = &value(&trace, "item_id")["cells"];
    assert_eq!([&cells[0]["field"], &cells[1]["field"]], ["item_id", "id"]);
    let trace = traced(&folder, &["fantastic-bronze-lamp-plum", "out/acp/products.jsonl", "--target", "acp"]);
    // The second variant of the first product.
    assert_eq!(
        (&value(&trace, "title")["sources"][0]["column_name"], &trace["targets"][0]["accepted"]),
        (&json!("variants[1].title"), &json!(true))
    );
}
