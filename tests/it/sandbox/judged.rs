//! The sandbox held against the ACP documents as published, by a validator that is not ours.

use super::{Peer, send};
use crate::openapi::OpenApi;
use feedmill::sandbox::Api;
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// A product with every attribute there is.
fn whole() -> Value {
    json!({
        "id": "prod_classic_tee",
        "title": "Classic Tee",
        "description": {"plain": "A tee.", "html": "<p>A tee.</p>", "markdown": "A tee."},
        "url": "https://shop.example/tee",
        "media": [{"type": "image", "url": "https://shop.example/tee.jpg", "alt_text": "A tee", "width": 800, "height": 600}],
        "variants": [{
            "id": "sku123-red-s",
            "title": "Classic Tee - Red / Small",
            "description": {"plain": "Red, small."},
            "url": "https://shop.example/tee?variant=1",
            "barcodes": [{"type": "GTIN", "value": "00012345600012"}],
            "price": {"amount": 1999, "currency": "USD"},
            "list_price": {"amount": 2499, "currency": "USD"},
            "unit_price": {
                "amount": 499, "currency": "USD", "measure": {"value": 1.5, "unit": "oz"}, "reference": {"value": 1, "unit": "oz"}
            },
            "availability": {"available": true, "status": "in_stock"},
            "categories": [{"value": "Apparel > Shirts", "taxonomy": "merchant"}],
            "condition": ["new"],
            "variant_options": [{"name": "Color", "value": "Red"}],
            "media": [{"type": "image", "url": "https://shop.example/red.jpg"}],
            "seller": {"name": "Northline", "links": [{"type": "faq", "title": "FAQ", "url": "https://shop.example/faq"}]},
            "marketplace": {"name": "Market", "links": []},
        }],
    })
}

/// Every value that differs from `value` in one place: a field gone, a field too many, or a
/// value of another kind.
fn mutants(value: &Value) -> Vec<Value> {
    let mut found = Vec::new();
    match value {
        Value::Object(fields) => {
            let mut more = fields.clone();
            more.insert("undeclared".to_owned(), json!(1));
            found.push(Value::Object(more));
            for (name, inner) in fields {
                let mut fewer = fields.clone();
                fewer.shift_remove(name);
                found.push(Value::Object(fewer));
                for mutant in mutants(inner) {
                    let mut changed = fields.clone();
                    changed.insert(name.clone(), mutant);
                    found.push(Value::Object(changed));
                }
            }
        }
        Value::Array(items) => {
            for (place, inner) in items.iter().enumerate() {
                for mutant in mutants(inner) {
                    let mut changed = items.clone();
                    changed[place] = mutant;
                    found.push(Value::Array(changed));
                }
            }
        }
        _ => {}
    }
    let others = [json!(null), json!("word"), json!("USD"), json!("usd"), json!(-1), json!(1.5), json!(true), json!([]), json!({})];
    found.extend(others.into_iter().filter(|other| other != value));
    found
}

/// Where a value that fits the schema makes no sense: a measure below nothing.
const STRICTER: [&str; 4] = [
    "products[0].media[0].height",
    "products[0].media[0].width",
    "products[0].variants[0].unit_price.measure.value",
    "products[0].variants[0].unit_price.reference.value",
];

#[tokio::test]
async fn it_takes_and_refuses_what_the_published_schema_does() {
    let peer = Peer::new().await;
    let document = OpenApi::acp("2026-04-17");
    assert_eq!(document.component_faults("Product", &whole()), [""; 0]);
    let feed = peer.acp_feed().await;
    let path = format!("/feeds/{feed}/products");
    let mutants = mutants(&whole());
    assert!(mutants.len() > 500, "{}", mutants.len());
    let (mut taken, mut refused) = (0, 0);
    let mut stricter = BTreeSet::new();
    for mutant in mutants {
        let sound = document.component_faults("Product", &mutant).is_empty();
        let reply = send(peer.acp(Method::PATCH, &path).json(&json!({"products": [mutant]}))).await;
        match (reply.status == 200, sound) {
            (true, true) => taken += 1,
            (false, false) => refused += 1,
            // The rules that `check` judges by are stricter than the shape, at these places only.
            (false, true) => drop(stricter.insert(reply.json()["param"].as_str().expect("a path").to_owned())),
            (true, false) => panic!("the schema refuses {mutant}"),
        }
    }
    assert!(taken > 50 && refused > 300, "{taken} taken, {refused} refused");
    assert_eq!(stricter.iter().map(String::as_str).collect::<Vec<_>>(), STRICTER);
}

#[tokio::test]
async fn everything_it_answers_is_drawn_as_published() {
    let peer = Peer::new().await;
    let feed = peer.acp_feed().await;
    for version in ["2026-04-17", "unreleased"] {
        let call = |method, path: &str| peer.bare(method, Api::Acp, path).bearer_auth("token").header("api-version", version);
        send(call(Method::POST, "/feeds").json(&json!({}))).await;
        send(call(Method::POST, "/feeds").json(&json!({"target_country": "usa"}))).await;
        for id in [feed.as_str(), "feed_9"] {
            send(call(Method::GET, &format!("/feeds/{id}"))).await;
            for products in [json!([whole()]), json!([]), json!([{"id": 1}])] {
                send(call(Method::PATCH, &format!("/feeds/{id}/products")).json(&json!({"products": products}))).await;
            }
            send(call(Method::GET, &format!("/feeds/{id}/products"))).await;
        }
    }
    let transcript = peer.sandbox.transcript();
    let mut judged = [0, 0];
    for exchange in &transcript {
        let version = exchange.headers.iter().find(|(name, _)| name == "api-version").map(|(_, value)| value.as_str());
        let document = OpenApi::acp(version.expect("a version"));
        assert_eq!(document.violations(exchange, true), [""; 0], "{exchange}");
        judged[usize::from(exchange.status.expect("an answer") >= 400)] += 1;
    }
    assert_eq!(judged, [9, 16]);
}
