//! Real exports pushed to feeds that take PATCH: every request as the published document draws
//! it, and what is refused shown at the row of the export that caused it.

use super::stand::{ACP, PRODUCT_FEEDS, Stand, Way};
use crate::openapi::OpenApi;
use crate::prism::Prism;
use crate::support::fixture;
use feedmill::sandbox::Api;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A real export with its project file.
fn export(stand: &Stand, name: &str, way: &Way, more: &str) {
    let map = "[defaults]\ncurrency = \"USD\"\nbase_url = \"https://shop.example\"\nseller_name = \"Northline\"\n";
    stand.project(&Way { map, ..*way }, more);
    stand.folder.write("catalog.csv", std::fs::read(fixture(&format!("catalogs/{name}"))).expect("a fixture"));
    stand.build();
}

#[test]
fn ten_broken_rows_of_a_real_export_are_shown_at_their_source_line() {
    for way in [ACP, PRODUCT_FEEDS] {
        let stand = Stand::new(&[], |_| {});
        export(&stand, "shopify-gatsby-starter.csv", &way, "batch_items = 40");
        let manifest: Value = serde_json::from_str(&stand.folder.read("out/shop/feed.manifest.json")).expect("JSON");
        let path = format!("out/shop/{}", manifest["files"][0]["name"].as_str().expect("a name"));
        let feed = stand.folder.read(&path);
        let export = stand.folder.read("catalog.csv");
        let mut expected = BTreeMap::new();
        let mut siblings = 0;
        let mut text = String::new();
        for (place, line) in feed.lines().enumerate() {
            let product = line.trim_end_matches(',');
            // One variant each of ten products, spread over three requests.
            let (Some(broken), Ok(mut product)) = ((place % 4 == 1).then_some(place / 4), serde_json::from_str::<Value>(product)) else {
                text.push_str(line);
                text.push('\n');
                continue;
            };
            if expected.len() < 10 {
                let variants = product["variants"].as_array_mut().expect("variants");
                let (count, variant) = (variants.len(), broken % variants.len());
                let id = variants[variant]["id"].as_str().expect("an id").to_owned();
                // The id is in the row of the export that made it, and in no other.
                let lines: Vec<_> =
                    export.lines().enumerate().filter(|(_, row)| row.contains(&format!(",{id},"))).map(|(at, _)| at + 1).collect();
                if let [at] = lines[..] {
                    variants[variant]["price"]["amount"] = json!(-1);
                    expected.insert(at as u64, id);
                    siblings += count - 1;
                }
            }
            text.push_str(&product.to_string());
            text.push_str(if line.ends_with(',') { ",\n" } else { "\n" });
        }
        assert_eq!(expected.len(), 10, "so many rows were broken");
        let digest = |text: &str| blake3::hash(text.as_bytes()).to_hex().to_string();
        let listed = stand.folder.read("out/shop/feed.manifest.json");
        stand.folder.write("out/shop/feed.manifest.json", listed.replace(&digest(&feed), &digest(&text)));
        stand.folder.write(&path, text);
        let run = stand.push();
        assert_eq!(run.code, 8, "{}{}", run.out, run.err);
        let report = run.json();
        let findings = report["findings"].as_array().expect("findings");
        let (own, others): (Vec<_>, Vec<_>) = findings.iter().partition(|finding| finding["attribute"] == "price");
        let found: BTreeMap<u64, String> = own
            .iter()
            .map(|finding| (finding["line"].as_u64().expect("a line"), finding["item"].as_str().expect("an item").to_owned()))
            .collect();
        assert_eq!(found, expected, "{}", way.name);
        for finding in &own {
            assert_eq!(
                (&finding["file"], &finding["column"], &finding["column_name"]),
                (&json!("catalog.csv"), &json!(20), &json!("Variant price"))
            );
        }
        assert!(others.len() == siblings && others.iter().all(|finding| finding["message"].as_str().expect("text").contains("because of")));
        assert_eq!(stand.ids(&way).len(), 299 - 10 - siblings);
        println!("{}: 10 rows and {siblings} of the same products refused, {} requests", way.name, stand.exchanges().len());
        for finding in own.iter().take(3) {
            println!("  catalog.csv:{}:{} {}", finding["line"], finding["column"], finding["message"].as_str().expect("text"));
        }
    }
}

/// Every kind of request: a feed, products in batches, a change, something gone, reading back.
fn everything(stand: &Stand, way: &Way) {
    for name in ["shopify-gatsby-starter.csv", "shopify-theme-course.csv", "shopify-new-columns.csv", "woocommerce-small.csv"] {
        export(stand, name, way, "batch_items = 25");
        let run = stand.run(&["push", "--full", "--approve", "none"]);
        // A whole other catalog looks like an accident, and is one that a person lets through.
        let digest = run.out.split("--approve ").nth(1).and_then(|rest| rest.split('`').next()).map(str::to_owned);
        if let Some(digest) = digest {
            let run = stand.run(&["push", "--full", "--approve", &digest]);
            assert_eq!(run.code, 0, "{name}: {}{}", run.out, run.err);
        } else {
            assert_eq!(run.code, 0, "{name}: {}{}", run.out, run.err);
        }
    }
    let verified = stand.run(&["verify"]);
    assert_eq!(verified.code, 0, "{}{}", verified.out, verified.err);
}

#[test]
fn every_request_is_as_the_published_document_draws_it() {
    for version in ["2026-04-17", "unreleased"] {
        let stand = Stand::new(&[], |_| {});
        let deliver = format!("{}, api_version = \"{version}\"", ACP.deliver);
        everything(&stand, &Way { deliver: Box::leak(deliver.into_boxed_str()), ..ACP });
        let document = OpenApi::acp(version);
        let exchanges = stand.exchanges();
        for exchange in &exchanges {
            assert_eq!(document.violations(exchange, false), [""; 0], "{exchange}");
        }
        let count = |method: &str| exchanges.iter().filter(|exchange| exchange.method == method).count();
        assert!(count("PATCH") > 5 && count("GET") > 1 && count("POST") == 1);
        let updated = exchanges
            .iter()
            .filter_map(|exchange| exchange.answer_json.as_ref()?["feed_update_id"].as_str().map(str::to_owned))
            .next_back();
        assert_eq!(updated.is_some(), version == "unreleased");
        if let Some(update) = updated {
            assert!(stand.run(&["history", "--json"]).out.contains(&update), "the update's id is kept");
        }
        println!("{version}: {} requests, 0 violations", exchanges.len());
    }
}

#[test]
fn every_request_passes_an_openapi_server_that_is_not_ours() {
    let stand = Stand::new(&[], |_| {});
    let Some(prism) = Prism::proxy("acp", &stand.sandbox().base(Api::Acp)) else { return };
    let deliver = format!("acp = \"{}\", key = {{ file = \"key\" }}, target_country = \"US\"", prism.url(""));
    everything(&stand, &Way { deliver: Box::leak(deliver.into_boxed_str()), ..ACP });
    println!("{} requests through Prism, 0 objections", stand.exchanges().len());
}
