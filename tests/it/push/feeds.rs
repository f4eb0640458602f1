//! Feeds that take objects by PATCH: only what changed goes, requests stay within their limits,
//! and a run that dies anywhere is made good.

use super::points::every_request;
use super::stand::{ACP, ADS, PRODUCT_FEEDS, PROMOTIONS, Stand, Way, items};
use feedmill::sandbox::Exchange;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A variant: id, group, price.
type Variant = (String, String, String);

/// Bottles in three sizes each.
fn sizes(bottles: usize) -> Vec<Variant> {
    let sizes = |bottle| ["S", "M", "L"].map(|size| (format!("B{bottle}-{size}"), format!("B{bottle}"), format!("{}.00 USD", 10 + bottle)));
    (1..=bottles).flat_map(sizes).collect()
}

/// Writes the bottles down as the catalog, and builds.
fn catalog(stand: &Stand, variants: &[Variant]) {
    let mut text = String::from(
        "item_id,group_id,item_group_title,title,description,url,brand,image_url,availability,price,seller_name,variant_dict\n",
    );
    for (id, group, price) in variants {
        let size = id.rsplit('-').next().expect("a size");
        text.push_str(&format!(
            "{id},{group},Bottle {group},Bottle {group} {size},Steel bottle.,https://shop.example/{group},Acme,https://shop.example/{group}.jpg,in_stock,{price},Northline,\"{{\"\"size\"\":\"\"{size}\"\"}}\"\n"
        ));
    }
    stand.folder.write("catalog.csv", text);
    stand.build();
}

fn bottles(way: &Way, more: &str) -> Stand {
    let stand = Stand::new(&[], |_| {});
    stand.project(way, more);
    if let Some((word, feed)) = way.feed {
        stand.sandbox().adopt(word, feed, sizes(4).into_iter().map(|(id, group, _)| (id, group)));
    }
    catalog(&stand, &sizes(4));
    stand
}

/// What was said since, and how many exchanges there are now.
fn since(stand: &Stand, seen: &mut usize) -> Vec<Exchange> {
    let new = stand.exchanges().split_off(*seen);
    *seen += new.len();
    new
}

fn calls(exchanges: &[Exchange]) -> Vec<&str> {
    exchanges.iter().map(|exchange| exchange.method.as_str()).collect()
}

/// The products of the one PATCH among exchanges.
fn patched(exchanges: &[Exchange]) -> Vec<Value> {
    let mut patches = exchanges.iter().filter(|exchange| exchange.method == "PATCH");
    let body = patches.next().and_then(|exchange| exchange.sent_json.as_ref()).expect("a PATCH");
    assert!(patches.next().is_none(), "one PATCH");
    body["products"].as_array().expect("products").clone()
}

/// The variants of a product by id, each with its price in minor units and its status.
fn told(product: &Value) -> Vec<(&str, Option<i64>, Option<&str>)> {
    let variants = product["variants"].as_array().expect("variants");
    let told = |variant: &'_ Value| variant["price"]["amount"].as_i64();
    variants
        .iter()
        .map(|variant| (variant["id"].as_str().expect("an id"), told(variant), variant["availability"]["status"].as_str()))
        .collect()
}

#[test]
fn nothing_one_price_one_variant_gone_one_product_gone() {
    for way in [ACP, PRODUCT_FEEDS] {
        let stand = bottles(&way, "");
        let (mut seen, mut now) = (0, sizes(4));
        assert_eq!(stand.push().code, 0);
        assert_eq!(calls(&since(&stand, &mut seen)), ["POST", "PATCH"]);
        let run = stand.run(&["run"]);
        assert_eq!((run.code, run.out.as_str(), since(&stand, &mut seen).len()), (0, "", 0), "nothing changed, nothing is sent");

        now[4].2 = "99.50 USD".to_owned();
        catalog(&stand, &now);
        let planned = stand.run(&["push", "--dry-run"]);
        let calls_planned: Vec<&str> = planned.out.lines().filter(|line| line.contains("http://")).collect();
        assert!(calls_planned.len() == 1 && calls_planned[0].ends_with("/feed_000001/products"), "the feed that is there: {}", planned.out);
        assert_eq!(stand.push().code, 0);
        let said = since(&stand, &mut seen);
        assert_eq!(calls(&said), ["PATCH"]);
        let products = patched(&said);
        assert_eq!((products.len(), &products[0]["id"]), (1, &json!("B2")), "the group of the variant, and nothing else");
        let in_stock = Some("in_stock");
        assert_eq!(told(&products[0]), [("B2-S", Some(1200), in_stock), ("B2-M", Some(9950), in_stock), ("B2-L", Some(1200), in_stock)]);

        // A variant that is gone is read back and marked; it cannot be deleted.
        now.remove(4);
        catalog(&stand, &now);
        let run = stand.push();
        assert_eq!((run.code, run.json()["targets"][0]["removed"].as_u64()), (0, Some(1)), "{}", run.out);
        let said = since(&stand, &mut seen);
        assert_eq!(calls(&said), ["GET", "PATCH"]);
        let products = patched(&said);
        assert_eq!(products.len(), 1);
        let gone = Some("discontinued");
        assert_eq!(told(&products[0]), [("B2-S", Some(1200), in_stock), ("B2-L", Some(1200), in_stock), ("B2-M", Some(9950), gone)]);
        assert_eq!(products[0]["variants"][2]["availability"], json!({"available": false, "status": "discontinued"}));
        assert_eq!(products[0]["variants"][2]["title"], "Bottle B2 M", "nothing that was there is lost");
        assert_eq!(stand.ids(&way).len(), 11);

        now.retain(|(_, group, _)| group != "B3");
        catalog(&stand, &now);
        assert_eq!(stand.push().code, 0);
        let said = since(&stand, &mut seen);
        assert_eq!(calls(&said), ["GET", "PATCH"]);
        let products = patched(&said);
        assert_eq!((products.len(), &products[0]["id"], &products[0]["title"]), (1, &json!("B3"), &json!("Bottle B3")));
        assert_eq!(told(&products[0]), ["B3-S", "B3-M", "B3-L"].map(|id| (id, Some(1300), gone)));
        let verified = stand.run(&["verify"]);
        assert_eq!(verified.code, 0, "{}: {}{}", way.name, verified.out, verified.err);
        assert_eq!(stand.ids(&way).len(), 8);
    }
}

#[test]
fn the_ads_api_is_told_the_fields_that_changed_of_what_is_there() {
    let stand = bottles(&ADS, "");
    let (mut seen, mut now) = (0, sizes(4));
    assert_eq!(stand.push().code, 0);
    let products = patched(&since(&stand, &mut seen));
    assert_eq!((products.len(), products.iter().map(|product| told(product).len()).sum::<usize>()), (4, 12));
    now[4].2 = "99.50 USD".to_owned();
    // What is new is not there yet: an upload brings it.
    now.push(("B9-S".to_owned(), "B9".to_owned(), "5.00 USD".to_owned()));
    // What is gone is no longer in the next upload.
    now.remove(0);
    catalog(&stand, &now);
    let run = stand.push();
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
    let products = patched(&since(&stand, &mut seen));
    assert_eq!(products, [json!({"id": "B2", "variants": [{"id": "B2-M", "price": {"amount": 9950, "currency": "USD"}}]})]);
    assert_eq!(stand.sandbox().ads_feeds()[0].items["B2-M"]["price"], "99.50 USD");
    // Stock and title, each alone.
    let text = stand.folder.read("catalog.csv");
    let text = text.replace("B3-S,B3,Bottle B3,Bottle B3 S", "B3-S,B3,Bottle B3,Flask B3 S");
    let lines = text.lines().map(|line| if line.starts_with("B4-L") { line.replace("in_stock", "out_of_stock") } else { line.to_owned() });
    stand.folder.write("catalog.csv", lines.collect::<Vec<_>>().join("\n") + "\n");
    stand.build();
    assert_eq!(stand.push().code, 0);
    let products = patched(&since(&stand, &mut seen));
    assert_eq!(
        products[1],
        json!({"id": "B4", "variants": [{"id": "B4-L", "availability": {"available": false, "status": "out_of_stock"}}]})
    );
    assert_eq!((products.len(), &products[0]["variants"][0]["title"]), (2, &json!("Flask B3 S")));
    let run = stand.push();
    assert_eq!(run.json()["targets"][0]["outcome"], "unchanged", "{}", run.out);
    // An item that no upload has brought is refused, and its siblings go all the same.
    stand.sandbox().adopt("ads", "feed_shop", [("B9-M".to_owned(), "B9".to_owned())]);
    now.push(("B9-M".to_owned(), "B9".to_owned(), "5.00 USD".to_owned()));
    catalog(&stand, &now);
    assert_eq!(stand.push().code, 0);
    for variant in now.iter_mut().filter(|variant| variant.1 == "B9") {
        variant.2 = "6.00 USD".to_owned();
    }
    catalog(&stand, &now);
    let run = stand.push();
    let report = run.json();
    let findings = report["findings"].as_array().expect("findings");
    assert_eq!((run.code, findings.len(), &findings[0]["item"], &findings[0]["line"]), (8, 1, &json!("B9-S"), &json!(13)), "{}", run.out);
    assert_eq!(stand.sandbox().ads_feeds()[0].items["B9-M"]["price"], "6.00 USD");
}

#[test]
fn promotions_go_to_the_feed_of_the_products_and_end_when_they_are_gone() {
    let stand = Stand::built(&PRODUCT_FEEDS, 12, &[]);
    let settings = stand.folder.read("feedmill.toml");
    let promotions = settings
        .split_once("[[target]]")
        .map(|(_, target)| target.replace("\"shop\"", "\"promotions\"").replace("\"openai-api\"", "\"openai-api-promotions\""))
        .expect("a target")
        .replace(", target_country = \"US\"", ", feed_of = \"shop\"");
    let source = settings.split_once("[[target]]").expect("a target").0;
    stand.folder.write("feedmill.toml", format!("{source}{}[[target]]{promotions}", PROMOTIONS.map));
    stand.build();
    let early = stand.run(&["push", "promotions"]);
    assert!(early.code == 2 && early.out.contains("`shop` has made no feed yet; push it first"), "{}", early.out);
    let settings =
        format!("{source}{}[[target]]{}[[target]]{promotions}", PROMOTIONS.map, settings.split_once("[[target]]").expect("one").1);
    stand.folder.write("feedmill.toml", settings);
    stand.build();
    let run = stand.push();
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
    let feeds = stand.sandbox().feeds();
    assert_eq!((feeds.len(), feeds[0].products.len(), feeds[0].promotions.len()), (1, 12, 12));
    assert_eq!(feeds[0].promotions[0]["benefits"], json!([{"type": "amount_off", "amount_off": {"amount": 1100, "currency": "USD"}}]));
    let mut seen = stand.exchanges().len();
    let mut now = items(12);
    now.remove(11);
    now[0].1 = "3.00 USD".to_owned();
    stand.catalog(&now);
    stand.build();
    let run = stand.run(&["push", "promotions"]);
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
    let said = since(&stand, &mut seen);
    assert_eq!(calls(&said), ["GET", "PATCH"]);
    let body = said[1].sent_json.as_ref().and_then(Value::as_array).expect("a bare list");
    let sent: Vec<_> = body.iter().map(|promotion| (promotion["id"].clone(), promotion["status"].clone())).collect();
    assert_eq!(sent, [(json!("SKU-1"), json!(null)), (json!("SKU-12"), json!("disabled"))]);
}

#[test]
fn requests_stay_within_their_limits() {
    for way in [ACP, PRODUCT_FEEDS, PROMOTIONS, ADS] {
        for (more, products, bytes) in
            [("batch_items = 7", 7, usize::MAX), ("batch_bytes = 2500", 500, 2500), ("batch_bytes = 10", 1, usize::MAX)]
        {
            let stand = Stand::new(&[], |_| {});
            stand.project(&way, more);
            stand.catalog(&items(40));
            stand.build();
            assert_eq!(stand.push().code, 0);
            let mut sent = Vec::new();
            for exchange in stand.exchanges().iter().filter(|exchange| exchange.method == "PATCH") {
                let length = exchange.headers.iter().find(|(name, _)| name == "content-length").expect("a length");
                let body = exchange.sent_json.as_ref().expect("JSON");
                let list = body.as_array().or(body["products"].as_array()).expect("a list");
                assert!(list.len() <= products && length.1.parse::<usize>().expect("a number") <= bytes, "{} {more}: {exchange}", way.name);
                sent.extend(list.iter().map(|object| object["id"].clone()));
            }
            sent.dedup();
            assert_eq!(sent.len(), 40, "{} {more}", way.name);
            assert_eq!(stand.ids(&way).len(), 40, "{} {more}", way.name);
        }
    }
}

/// Successful requests that carried each body, a repetition with the same key counted once.
fn upserts(stand: &Stand) -> BTreeMap<String, usize> {
    let mut keys: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for exchange in stand.exchanges().iter().filter(|exchange| exchange.method == "PATCH" && exchange.fault.is_none()) {
        let key = exchange.headers.iter().find(|(name, _)| name == "idempotency-key").expect("a key").1.clone();
        let seen = keys.entry(exchange.sent_json.as_ref().expect("JSON").to_string()).or_default();
        if !seen.contains(&key) {
            seen.push(key);
        }
    }
    keys.into_iter().map(|(body, keys)| (body, keys.len())).collect()
}

#[test]
fn one_upsert_for_each_content_wherever_it_dies() {
    for way in [ACP, PRODUCT_FEEDS, PROMOTIONS, ADS] {
        let begin = || {
            let stand = Stand::new(&[], |_| {});
            stand.project(&way, "batch_items = 5");
            stand.catalog(&items(12));
            stand.build();
            stand
        };
        let told = every_request(way.name, 3, begin, |stand, place| {
            assert!(stand.sandbox().feeds().len() <= 1, "{place}: one feed");
            assert_eq!(stand.ids(&way).len(), 12, "{place}");
            let upserts = upserts(stand);
            assert!(upserts.len() == 3 && upserts.values().all(|count| *count == 1), "{place}: {upserts:?}");
            if matches!(way.spec, "acp" | "openai-api") {
                assert_eq!(stand.sandbox().feeds()[0].updates.len(), 3, "{place}");
            }
        });
        println!("{told}");
    }
}

#[test]
fn a_change_that_dies_anywhere_comes_to_the_same_end() {
    for way in [ACP, PRODUCT_FEEDS, ADS] {
        let begin = || {
            let stand = bottles(&way, "batch_items = 1");
            assert_eq!(stand.push().code, 0);
            let mut now = sizes(4);
            now[1].2 = "77.00 USD".to_owned();
            now[9].2 = "78.00 USD".to_owned();
            now.remove(4);
            catalog(&stand, &now);
            stand
        };
        let told = every_request(&format!("{}, two prices and one gone", way.name), 2, begin, |stand, place| {
            let prices: Vec<Value> = match way.spec {
                "openai-ads-delta" => {
                    let items = stand.sandbox().ads_feeds().remove(0).items;
                    ["B1-M", "B4-S"].map(|id| json!(items[id]["price"])).into()
                }
                _ => {
                    assert_eq!(stand.ids(&way).len(), 11, "{place}");
                    let held = stand.sandbox().feeds().remove(0).products;
                    [(0, 1), (3, 0)]
                        .map(|(product, variant): (usize, usize)| {
                            let amount = held[product]["variants"][variant]["price"]["amount"].as_i64().expect("minor units");
                            json!(format!("{}.{:02} USD", amount / 100, amount % 100))
                        })
                        .into()
                }
            };
            assert_eq!(prices, ["77.00 USD", "78.00 USD"], "{place}");
        });
        println!("{told}");
    }
}

#[test]
fn refusals_of_a_run_that_dies_are_told_by_the_next() {
    for exchange in [3, 4, 5] {
        let stand = Stand::new(&[], |_| {});
        stand.project(&ACP, "batch_items = 2");
        stand.catalog(&items(6));
        stand.build();
        // Requests: the feed, the first two products, the second alone, and so on.
        stand.break_rows(&ACP, 1);
        assert!(stand.killed_at(exchange, &["push"]));
        let run = stand.push();
        let findings = run.json()["findings"].as_array().expect("findings").clone();
        assert_eq!((run.code, findings.len(), &findings[0]["line"]), (8, 1, &json!(2)), "killed at {exchange}: {}", run.out);
        assert_eq!(stand.run(&["errors"]).code, 1);
    }
}

#[test]
fn a_feed_is_created_once_whatever_is_sent_first() {
    let stand = bottles(&ACP, "");
    assert!(stand.killed_at(1, &["push"]), "it dies over the answer that names the feed");
    let mut now = sizes(4);
    now[0].2 = "3.00 USD".to_owned();
    catalog(&stand, &now);
    assert_eq!(stand.push().code, 0);
    let feeds = stand.sandbox().feeds();
    assert_eq!((feeds.len(), feeds[0].products.len()), (1, 4));
}

#[test]
fn what_is_wrong_throughout_is_not_taken_apart_object_by_object() {
    let stand = Stand::new(&["PATCH *: 400"], |_| {});
    stand.project(&ACP, "");
    stand.catalog(&items(300));
    stand.build();
    let run = stand.push();
    assert!(run.code == 7 && run.out.contains("too many products are refused to tell them apart"), "{} {}", run.code, run.out);
    assert_eq!(stand.exchanges().len(), 202, "the feed, two hundred parts, and the one that ends it");
    stand.sandbox().heal();
    assert_eq!(stand.push().code, 0, "nothing of it is taken for sent");
    assert_eq!(stand.ids(&ACP).len(), 300);
}

#[test]
fn an_answer_that_cannot_be_used_is_said_and_changes_nothing() {
    let stand = bottles(&ACP, "");
    assert_eq!(stand.push().code, 0);
    let mut now = sizes(4);
    now.remove(4);
    catalog(&stand, &now);
    let settings = stand.folder.read("feedmill.toml");
    stand.folder.write("feedmill.toml", settings.replace("target_country", "limits = { report_bytes = 100 }, target_country"));
    let run = stand.push();
    assert!(run.code == 2 && run.out.contains("raise `limits.report_bytes`"), "{} {}", run.code, run.out);
    stand.folder.write("feedmill.toml", &settings);
    stand.fault("GET *: 503");
    assert_eq!(stand.push().code, 5, "a target that is down may be up later");
    stand.sandbox().heal();
    stand.fault("GET *: cut x1");
    assert_eq!(stand.push().code, 0);
    assert_eq!(stand.ids(&ACP).len(), 11);
    // A feed that is gone is not made again behind anybody's back.
    stand.folder.write("feedmill.toml", settings.replace("target_country", "feed = \"feed_9\", target_country"));
    now.remove(0);
    catalog(&stand, &now);
    let run = stand.push();
    assert!(run.code == 7 && run.out.contains("name the feed that is there with `feed`"), "{} {}", run.code, run.out);
}
