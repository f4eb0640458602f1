//! Products with variants: what is rendered fits the schema that others publish, rows find their
//! product wherever they stand, and finished feeds are judged as they are.

use crate::support::{Folder, Run, fixture, shared};
use serde_json::{Value, json};

const SHOP: [&str; 8] = ["--config", "none", "--currency", "USD", "--base-url", "https://shop.example", "--seller-name", "Northline"];
const HEADER: [&str; 8] =
    ["--set", "feed_id=feed_8f3K2x", "--set", "target_country=US", "--set", "account_id=acct_7F3K2x", "--set", "target_merchant=merch_123"];

fn build(folder: &Folder, input: &str, more: &[&str]) -> Run {
    let mut arguments = vec!["build", input, "--output-format", "json"];
    arguments.extend(SHOP);
    arguments.extend(HEADER);
    arguments.extend(more);
    let run = folder.run(&arguments);
    assert!(run.code < 2, "{input}: {}", run.err);
    run
}

fn lines(folder: &Folder, target: &str) -> Vec<Value> {
    folder.read(&format!("out/{target}/products.jsonl")).lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

fn bodies(folder: &Folder, target: &str) -> Vec<Value> {
    let names = folder.files(&format!("out/{target}/patches"));
    names.iter().map(|name| serde_json::from_str(&folder.read(&format!("out/{target}/patches/{name}"))).expect("JSON")).collect()
}

/// The published schema with one of its definitions as the root.
fn published(root: &str) -> jsonschema::Validator {
    let text = std::fs::read_to_string(fixture("schemas/acp-2026-04-17.schema.feed.json")).expect("a fixture");
    let mut schema: Value = serde_json::from_str(&text).expect("JSON");
    schema["$ref"] = format!("#/$defs/{root}").into();
    jsonschema::options().should_validate_formats(true).build(&schema).expect("a schema")
}

#[track_caller]
fn fits(validator: &jsonschema::Validator, value: &Value, what: &str) {
    let errors: Vec<String> = validator.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{what}: {errors:?}");
}

#[test]
fn feeds_of_real_catalogs_fit_the_schema_acp_publishes() {
    let mut catalogs: Vec<String> =
        ["shopify-gatsby-starter.csv", "shopify-theme-course.csv", "shopify-new-columns.csv", "woocommerce-small.csv"]
            .map(|name| fixture(&format!("catalogs/{name}")))
            .into();
    catalogs.extend(shared("catalogs/woocommerce-sample-products.csv").map(|path| path.display().to_string()));
    let (product, upsert, metadata) = (published("Product"), published("UpsertProductsRequest"), published("FeedMetadata"));
    for catalog in catalogs {
        let folder = Folder::new();
        let run = build(&folder, &catalog, &["--target", "acp"]);
        let summary = &run.json()["summary"];
        let products = lines(&folder, "acp");
        assert!(!products.is_empty(), "{catalog}: {}", run.out);
        let variants: usize = products.iter().map(|product| product["variants"].as_array().expect("a list").len()).sum();
        assert_eq!(summary["accepted"], variants, "{catalog}");
        for value in &products {
            fits(&product, value, &catalog);
        }
        for body in bodies(&folder, "acp") {
            fits(&upsert, &body, &catalog);
        }
        let text = folder.read("out/acp/metadata.json");
        fits(&metadata, &serde_json::from_str(&text).expect("JSON"), &catalog);
        // What was rendered is sound by our own rules too.
        let run = folder.run(&["check", "out/acp/products.jsonl", "--config", "none", "--target", "acp", "--output-format", "json"]);
        assert_eq!((run.code, &run.json()["summary"]["errors"]), (0, &0.into()), "{catalog}: {}", run.out);
        assert_eq!(run.json()["summary"]["items"], variants, "{catalog}");
    }
}

#[test]
fn a_small_feed_read_off_the_documents_by_hand() {
    let folder = Folder::new();
    folder.write(
        "shop.csv",
        "item_id,group_id,item_group_title,title,description,url,image_url,additional_image_urls,gtin,availability,price,sale_price,product_category,google_product_category,condition,variant_dict,seller_name,seller_privacy_policy,return_policy,marketplace_seller\n\
         tee-s,tee,Classic Tee,Classic Tee - S,Cotton.,https://shop.example/tee?s,https://shop.example/s.jpg,\"https://shop.example/2.jpg,https://shop.example/3.jpg\",4006381333931,in_stock,24.99 USD,19.99 USD,Apparel > Shirts,212,new,\"{\"\"Size\"\":\"\"S\"\"}\",Example Merchant,https://shop.example/privacy,https://shop.example/returns,Example Marketplace\n\
         mug,,,Mug,Blue.,https://shop.example/mug,https://shop.example/mug.jpg,,,out_of_stock,1500 JPY,,,,,,,,,\n\
         tee-m,tee,Classic Tee,Classic Tee - M,Cotton.,https://shop.example/tee?m,https://shop.example/m.jpg,,,pre_order,24.99 USD,,,,,\"{\"\"Size\"\":\"\"M\"\"}\",Example Merchant,,,\n",
    );
    let run =
        folder.run(&["build", "shop.csv", "--config", "none", "--target", "acp", "--set", "feed_id=feed_1", "--output-format", "json"]);
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
    let tee = json!({
        "id": "tee", "title": "Classic Tee", "description": { "plain": "Cotton." }, "url": "https://shop.example/tee?s",
        "media": [{ "type": "image", "url": "https://shop.example/s.jpg" }],
        "variants": [
            {
                "id": "tee-s", "title": "Classic Tee - S", "description": { "plain": "Cotton." }, "url": "https://shop.example/tee?s",
                "barcodes": [{ "type": "GTIN", "value": "4006381333931" }],
                "price": { "amount": 1999, "currency": "USD" }, "list_price": { "amount": 2499, "currency": "USD" },
                "availability": { "available": true, "status": "in_stock" },
                "categories": [{ "value": "Apparel > Shirts", "taxonomy": "merchant" }, { "value": "212", "taxonomy": "google_product_category" }],
                "condition": ["new"],
                "variant_options": [{ "name": "Size", "value": "S" }],
                "media": [
                    { "type": "image", "url": "https://shop.example/s.jpg" },
                    { "type": "image", "url": "https://shop.example/2.jpg" },
                    { "type": "image", "url": "https://shop.example/3.jpg" }
                ],
                "seller": {
                    "name": "Example Merchant",
                    "links": [{ "type": "privacy_policy", "url": "https://shop.example/privacy" }, { "type": "refund_policy", "url": "https://shop.example/returns" }]
                },
                "marketplace": { "name": "Example Marketplace" }
            },
            {
                "id": "tee-m", "title": "Classic Tee - M", "description": { "plain": "Cotton." }, "url": "https://shop.example/tee?m",
                "price": { "amount": 2499, "currency": "USD" },
                "availability": { "available": true, "status": "preorder" },
                "variant_options": [{ "name": "Size", "value": "M" }],
                "media": [{ "type": "image", "url": "https://shop.example/m.jpg" }],
                "seller": { "name": "Example Merchant" }
            }
        ]
    });
    let mug = json!({
        "id": "mug", "title": "Mug", "description": { "plain": "Blue." }, "url": "https://shop.example/mug",
        "media": [{ "type": "image", "url": "https://shop.example/mug.jpg" }],
        "variants": [{
            "id": "mug", "title": "Mug", "description": { "plain": "Blue." }, "url": "https://shop.example/mug",
            "price": { "amount": 1500, "currency": "JPY" },
            "availability": { "available": false, "status": "out_of_stock" },
            "media": [{ "type": "image", "url": "https://shop.example/mug.jpg" }]
        }]
    });
    assert_eq!(lines(&folder, "acp"), [tee.clone(), mug.clone()]);
    assert_eq!(bodies(&folder, "acp"), [json!({ "products": [tee, mug] })]);
    assert_eq!(folder.read("out/acp/metadata.json"), "{\"id\":\"feed_1\"}\n");
    let manifest: Value = serde_json::from_str(&folder.read("out/acp/feed.manifest.json")).expect("JSON");
    let files: Vec<(&str, &str, u64, u64)> = manifest["files"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|file| {
            let text = |name: &str| file[name].as_str().expect("text");
            (text("name"), text("role"), file["products"].as_u64().expect("a number"), file["items"].as_u64().expect("a number"))
        })
        .collect();
    assert_eq!(files, [("metadata.json", "header", 0, 0), ("products.jsonl", "feed", 2, 3), ("patches/0001.json", "body", 2, 3)]);
}

/// A catalog with generic column names.
fn rows(lines: &[String]) -> String {
    let mut text = "item_id,group_id,title,image_url,availability,price,sale_price,variant_dict\n".to_owned();
    for line in lines {
        text.push_str(line);
        text.push('\n');
    }
    text
}

fn row(id: &str, group: &str, price: &str) -> String {
    let options = if group.is_empty() { String::new() } else { format!("\"{{\"\"n\"\":\"\"{id}\"\"}}\"") };
    format!("{id},{group},T {id},https://shop.example/{id}.jpg,in_stock,{price},,{options}")
}

#[test]
fn variants_find_their_product_wherever_they_stand() {
    let count = 3000;
    let scattered: Vec<String> = (0..count).map(|n| row(&format!("I{n}"), &format!("G{}", n % 700), "1.00 USD")).collect();
    let text = rows(&scattered);
    let mut outputs = Vec::new();
    for threads in ["1", "2", "5"] {
        let folder = Folder::new();
        folder.write("many.csv", &text);
        let run = build(&folder, "many.csv", &["--target", "acp", "--target", "openai-api", "--threads", threads]);
        assert_eq!(run.code, 0, "{}", run.out);
        let products = lines(&folder, "acp");
        // In the order of their first row, each with all its variants in the order of theirs.
        let ids: Vec<String> = products.iter().map(|product| product["id"].as_str().expect("text").to_owned()).collect();
        assert_eq!(ids, (0..700).map(|n| format!("G{n}")).collect::<Vec<_>>());
        let variants: Vec<&str> =
            products[5]["variants"].as_array().expect("a list").iter().map(|variant| variant["id"].as_str().expect("text")).collect();
        assert_eq!(variants, ["I5", "I705", "I1405", "I2105", "I2805"]);
        outputs.push((folder.read("out/acp/products.jsonl"), folder.read("out/acp/feed.manifest.json"), run.out));
        assert!(folder.files("out/acp").iter().all(|name| !name.contains(".part")), "{:?}", folder.files("out/acp"));
    }
    assert!(outputs.iter().all(|(feed, manifest, _)| (feed, manifest) == (&outputs[0].0, &outputs[0].1)));
}

#[test]
fn ten_thousand_variants_are_one_product() {
    let folder = Folder::new();
    let many: Vec<String> = (0..10_000).map(|n| row(&format!("V{n}"), "G", "1.00 USD")).chain([row("X", "", "2.00 USD")]).collect();
    folder.write("many.csv", rows(&many));
    let run = build(&folder, "many.csv", &["--target", "acp"]);
    assert_eq!(run.code, 0, "{}", run.out);
    let products = lines(&folder, "acp");
    assert_eq!(products.iter().map(|product| product["variants"].as_array().expect("a list").len()).collect::<Vec<_>>(), [10_000, 1]);
}

#[test]
fn requests_hold_whole_products_and_keep_the_limits() {
    let folder = Folder::new();
    let many: Vec<String> = (0..50).map(|n| row(&format!("I{n}"), &format!("G{}", n / 2), "1.00 USD")).collect();
    folder.write("many.csv", rows(&many));
    let limit = 2000;
    folder.write(
        "feedmill.toml",
        format!(
            "[[target]]\nname = \"few\"\nspec = \"acp\"\nformat = \"json\"\nbody = {{ products = 10 }}\n\
             [[target]]\nname = \"small\"\nspec = \"acp\"\nformat = \"json\"\nbody = {{ bytes = {limit} }}\n\
             [[target]]\nname = \"tiny\"\nspec = \"acp\"\nformat = \"json\"\nbody = {{ bytes = 1 }}\n"
        ),
    );
    let run = folder.run(&["build", "many.csv", "--output-format", "json"]);
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
    let counts =
        |target: &str| bodies(&folder, target).iter().map(|body| body["products"].as_array().expect("a list").len()).collect::<Vec<_>>();
    assert_eq!(counts("few"), [10, 10, 5]);
    assert_eq!(folder.files("out/few/patches"), ["0001.json", "0002.json", "0003.json"]);
    for name in folder.files("out/small/patches") {
        assert!(folder.read(&format!("out/small/patches/{name}")).len() <= limit, "{name}");
    }
    assert_eq!(counts("small").iter().sum::<usize>(), 25);
    assert!(counts("small").len() > 1);
    // One product is never cut, however small a request may be.
    assert_eq!(counts("tiny"), [1; 25]);
    assert!(bodies(&folder, "tiny").iter().all(|body| body["products"][0]["variants"].as_array().expect("a list").len() == 2));
    // Bodies that a later build does not have leave with it.
    folder.write("many.csv", rows(many.get(..4).expect("rows")));
    assert_eq!(folder.run(&["build", "many.csv"]).code, 0);
    assert_eq!(folder.files("out/tiny/patches"), ["0001.json", "0002.json"]);
}

#[test]
fn money_is_whole_minor_units_of_its_currency() {
    let folder = Folder::new();
    let many = ["79.99 USD", "5 USD", "1500 JPY", "12.345 KWD", "0.05 EUR"].iter().enumerate();
    let many: Vec<String> = many.map(|(n, price)| row(&format!("I{n}"), "", price)).collect();
    folder.write("many.csv", rows(&many));
    assert_eq!(build(&folder, "many.csv", &["--target", "acp"]).code, 0);
    let amounts: Vec<Value> = lines(&folder, "acp").iter().map(|product| product["variants"][0]["price"].clone()).collect();
    let money = |amount: u64, currency: &str| json!({ "amount": amount, "currency": currency });
    assert_eq!(amounts, [money(7999, "USD"), money(500, "USD"), money(1500, "JPY"), money(12345, "KWD"), money(5, "EUR")]);
}

#[test]
fn what_cannot_be_said_is_found_and_nothing_becomes_purchasable() {
    let folder = Folder::new();
    folder.write(
        "shop.csv",
        "item_id,title,availability,price,sale_price,sale_price_start_date,is_eligible_search\n\
         gone,Gone,sold out,5.00 USD,,,\n\
         odd,Odd,on display,5.00 USD,,,\n\
         dear,Dear,in stock,5.00 USD,6.00 USD,,\n\
         cheap,Cheap,in stock,call us,,,\n\
         later,Later,in stock,5.00 USD,4.00 USD,2999-01-01,\n\
         secret,Secret,in stock,5.00 USD,,,false\n\
         blank,N/A,in stock,5.00 USD,,,\n",
    );
    let run = build(&folder, "shop.csv", &["--target", "acp"]);
    let report = run.json();
    let products = lines(&folder, "acp");
    let variant = |place: usize| products[place]["variants"][0].clone();
    assert_eq!(variant(0)["availability"], json!({ "available": false, "status": "out_of_stock" }));
    // A word nobody knows is sent as it is and says nothing about whether it can be bought.
    assert_eq!(variant(1)["availability"], json!({ "status": "on display" }));
    // A sale price above the regular one is a mistake: the regular price counts.
    assert_eq!((&variant(2)["price"]["amount"], &variant(2)["list_price"]), (&500.into(), &Value::Null));
    assert_eq!(variant(3)["price"], Value::Null);
    assert_eq!((&variant(4)["price"]["amount"], &variant(4)["list_price"]), (&500.into(), &Value::Null));
    assert_eq!(products.len(), 5);
    let codes = &report["summary"]["by_code"];
    // What the target would refuse the whole request for does not get into it.
    for code in [
        "title/placeholder",
        "availability/unknown-value",
        "price/not-below-list-price",
        "price/not-money",
        "is_eligible_search/not-expressible",
    ] {
        assert_eq!(codes[code], 1, "{code}: {codes}");
    }
    // Findings name the cell of the merchant's own file.
    let findings = report["findings"].as_array().expect("a list");
    let found = findings.iter().find(|finding| finding["code"] == "price/not-below-list-price").expect("found");
    assert_eq!((&found["line"], &found["column"], &found["column_name"]), (&4.into(), &5.into(), &"sale_price".into()));
}

#[test]
fn hostile_text_stays_text() {
    let folder = Folder::new();
    let title = "\"Quote \"\"q\"\" \\ back, tab\t, <b>, {\"\"a\"\":[1]}, \u{2028} 日本\"";
    folder.write(
        "odd.csv",
        format!(
            "item_id,group_id,title,variant_dict,price\n\"A\"\"1\",\"G\\\",{title},\"{{\"\"na\\\"\"me\"\":\"\"va,l}}\"\"}}\",1.00 USD\n"
        ),
    );
    assert_eq!(build(&folder, "odd.csv", &["--target", "acp"]).code, 0);
    let products = lines(&folder, "acp");
    let variant = &products[0]["variants"][0];
    assert_eq!((&products[0]["id"], &variant["id"]), (&"G\\".into(), &"A\"1".into()));
    assert_eq!(variant["variant_options"], json!([{ "name": "na\"me", "value": "va,l}" }]));
    assert!(variant["title"].as_str().expect("text").starts_with("Quote \"q\" \\ back"), "{variant}");
    fits(&published("Product"), &products[0], "hostile text");
}

#[test]
fn a_refused_first_row_does_not_take_its_product_along() {
    let folder = Folder::new();
    // The first row of the second product repeats an id and leaves the feed; its siblings stay.
    let many = [row("A", "", "1.00 USD"), row("A", "G", "1.00 USD"), row("B", "G", "1.00 USD")];
    folder.write("many.csv", rows(&many));
    let run = build(&folder, "many.csv", &["--target", "acp"]);
    assert_eq!(run.code, 1, "{}", run.out);
    let products = lines(&folder, "acp");
    assert_eq!(products.iter().map(|product| product["id"].clone()).collect::<Vec<_>>(), ["A", "G"]);
    assert_eq!(products[1]["variants"].as_array().expect("a list").len(), 1);
    assert_eq!(products[1]["variants"][0]["id"], "B");
}

#[test]
fn settings_that_a_header_needs_are_asked_for() {
    let folder = Folder::new();
    folder.write("shop.csv", rows(&[row("A", "", "1.00 USD")]));
    let run = folder.run(&[
        "build",
        "shop.csv",
        "--config",
        "none",
        "--target",
        "openai-structured",
        "--set",
        "feed_id=f",
        "--set",
        "target_country=us",
        "--output-format",
        "json",
    ]);
    let codes = &run.json()["summary"]["by_code"];
    assert_eq!(run.code, 1, "{}", run.out);
    assert_eq!((&codes["account_id/missing"], &codes["target_merchant/missing"]), (&1.into(), &1.into()), "{codes}");
    assert_eq!(codes["target_country/unknown-country"], 1, "{codes}");
    assert_eq!(folder.files("out/openai-structured"), ["feed.manifest.json", "products.jsonl"]);
    assert_eq!(build(&folder, "shop.csv", &["--target", "openai-structured"]).code, 0);
    let header: Value = serde_json::from_str(&folder.read("out/openai-structured/header.json")).expect("JSON");
    assert_eq!(
        header,
        json!({ "feed_id": "feed_8f3K2x", "account_id": "acct_7F3K2x", "target_merchant": "merch_123", "target_country": "US" })
    );
}

#[test]
fn a_flat_format_cannot_hold_variants() {
    let folder = Folder::new();
    folder.write("shop.csv", rows(&[row("A", "", "1.00 USD")]));
    let run = folder.run(&["build", "shop.csv", "--config", "none", "--target", "acp", "--format", "csv"]);
    assert_eq!(run.code, 2, "{}", run.err);
    assert!(run.err.contains("`csv` cannot hold products with variants; it is written as jsonl or json"), "{}", run.err);
    assert!(!folder.exists("out"));
}
