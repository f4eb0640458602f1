//! The Ads API for feeds.

use super::{Peer, send};
use crate::support::Folder;
use feedmill::sandbox::{Api, Fault};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

const ITEMS: &str = "item_id,group_id,title,description,url,brand,seller_name,image_url,availability,price,is_ads_eligible,variant_dict\n\
    A1,A,Steel bottle,Insulated steel bottle.,https://shop.example/a1,Acme,Acme Store,https://shop.example/a1.jpg,in_stock,24.00 USD,true,\"{\"\"size\"\":\"\"S\"\"}\"\n\
    A2,A,Steel bottle XL,Insulated steel bottle.,https://shop.example/a2,Acme,Acme Store,https://shop.example/a2.jpg,in_stock,29.00 USD,true,\"{\"\"size\"\":\"\"L\"\"}\"\n\
    B1,,Glass bottle,Clear glass bottle.,https://shop.example/b1,Acme,Acme Store,https://shop.example/b1.jpg,backorder,12.50 USD,false,\n";

impl Peer {
    pub(super) fn ads(&self, method: Method, path: &str) -> RequestBuilder {
        self.bare(method, Api::Ads, path).bearer_auth("advertiser")
    }

    pub(super) async fn ads_feed(&self) -> String {
        let made = send(self.ads(Method::POST, "/feeds").json(&json!({"name": "Main", "countries": ["US"]}))).await;
        assert_eq!(made.status, 200, "{}", made.text());
        made.json()["feed_id"].as_str().expect("an id").to_owned()
    }

    async fn uploads(&self) -> Vec<Value> {
        send(self.ads(Method::GET, "/feeds/uploads")).await.json()["uploads"].as_array().expect("a list").clone()
    }
}

#[tokio::test]
async fn an_upload_is_followed_to_its_diagnostics() {
    let (peer, folder) = (Peer::new().await, Folder::new());
    let feed = peer.ads_feed().await;
    let broken = ITEMS.replace("29.00 USD", "dear").replace(",https://shop.example/b1.jpg", ",");
    assert!(peer.sandbox.receive(&feed, "catalog.csv", &folder.write("catalog.csv", &broken)));
    let mut seen = Vec::new();
    for _ in 0..3 {
        seen.extend(peer.uploads().await);
    }
    let statuses: Vec<&str> = seen.iter().filter_map(|upload| upload["status"].as_str()).collect();
    assert_eq!(statuses, ["received", "processing", "completed_with_errors"]);
    let done = &seen[2];
    assert_eq!((&done["feed_id"], &done["rows_accepted"], &done["rows_rejected"]), (&json!(feed), &json!(1), &json!(2)), "{done}");
    assert_eq!(done["rows_ads_eligible"], 1);
    let found = |field: &str| {
        done["diagnostics"]
            .as_array()
            .expect("a list")
            .iter()
            .find(|found| found["field"] == field && found["severity"] == "error")
            .cloned()
    };
    let price = found("price").expect("a diagnostic of the price");
    assert_eq!((&price["code"], &price["rows_affected"]), (&json!("invalid_value"), &json!(1)));
    assert!(found("image_url").is_some(), "{done}");
    // A column that is missing altogether, a file of another kind, a folder.
    let without = ITEMS.lines().map(|line| line.split_once(',').expect("two cells").1).collect::<Vec<_>>().join("\n");
    assert!(peer.sandbox.receive(&feed, "catalog.csv", &folder.write("without.csv", &without)));
    assert!(peer.sandbox.receive(&feed, "catalog.xml", &folder.write("catalog.xml", "<a/>")));
    assert!(peer.sandbox.receive(&feed, "new/catalog.csv", &folder.write("other.csv", ITEMS)));
    assert!(!peer.sandbox.receive("adsfeed_9", "catalog.csv", &folder.write("lost.csv", ITEMS)));
    for _ in 0..3 {
        seen = peer.uploads().await;
    }
    let code = |place: usize| seen[place]["diagnostics"][0]["code"].as_str().expect("a code").to_owned();
    assert_eq!(
        [code(1), code(2), code(3)],
        ["missing_required_column", "unsupported_file_type", "invalid_sftp_directory_layout"],
        "{seen:?}"
    );
    assert_eq!([&seen[2]["status"], &seen[3]["status"]], [&json!("failed"), &json!("failed")]);
    peer.sandbox.fault("SFTP upload /*: body-failed x1".parse::<Fault>().expect("a fault"));
    assert!(peer.sandbox.receive(&feed, "catalog.csv", &folder.write("sound.csv", ITEMS)));
    for _ in 0..3 {
        seen = peer.uploads().await;
    }
    assert_eq!(seen[4]["status"], "failed");
}

#[tokio::test]
async fn a_delta_changes_items_that_are_there() {
    let (peer, folder) = (Peer::new().await, Folder::new());
    let feed = peer.ads_feed().await;
    assert!(peer.sandbox.receive(&feed, "catalog.csv", &folder.write("catalog.csv", ITEMS)));
    let patch = |variants: Value, product: &str| {
        let request =
            peer.ads(Method::PATCH, &format!("/feeds/{feed}/products")).json(&json!({"products": [{"id": product, "variants": variants}]}));
        async move { send(request).await }
    };
    let delta = json!([
        {"id": "A1", "price": {"amount": 2199, "currency": "USD"}, "availability": {"available": true, "status": "backorder"}},
        {"id": "A2", "title": "Steel bottle 1 l", "availability": {"available": false}},
    ]);
    let reply = patch(delta, "A").await;
    assert_eq!((reply.status, reply.json()), (200, json!({"id": feed, "accepted": true})));
    let items = &peer.sandbox.ads_feeds()[0].items;
    assert_eq!((items["A1"]["price"].as_str(), items["A1"]["availability"].as_str()), ("21.99 USD", "backorder"));
    assert_eq!((items["A2"]["title"].as_str(), items["A2"]["availability"].as_str()), ("Steel bottle 1 l", "out_of_stock"));
    for (variants, product, status) in [
        (json!([{"id": "A1"}, {"id": "Z9"}]), "A", 422),
        (json!([{"id": "A1"}]), "B1", 422),
        (json!([{"id": "A1"}, {"id": "A1"}]), "A", 400),
        (json!([]), "A", 400),
        (json!([{"id": "A1", "description": "x"}]), "A", 400),
        (json!([{"id": "A1", "price": {"amount": 1.5, "currency": "USD"}}]), "A", 400),
        (json!([{"id": "A1", "price": {"amount": 1}}]), "A", 400),
        (json!([{"id": "B1", "title": "x"}]), "B1", 200),
    ] {
        let reply = patch(variants, product).await;
        assert_eq!(reply.status, status, "{}", reply.text());
    }
    let query = json!({"filters": [{"field": "price", "operator": "lt", "values": ["20.00"]}], "limit": 10});
    let found = send(peer.ads(Method::POST, &format!("/feeds/{feed}/products/query")).json(&query)).await.json();
    assert_eq!((&found["total_count"], &found["matched_count"], &found["products"][0]["item_id"]), (&json!(3), &json!(1), &json!("B1")));
    peer.sandbox.fault("PATCH *: 403 code=product_feed_delta_api_disabled x1".parse::<Fault>().expect("a fault"));
    let refused = patch(json!([{"id": "A1"}]), "A").await;
    assert_eq!((refused.status, &refused.json()["error"]["code"]), (403, &json!("product_feed_delta_api_disabled")));
    assert!(refused.header("x-request-id").is_some());
}

#[tokio::test]
async fn feeds_and_their_access_are_made_as_documented() {
    let peer = Peer::new().await;
    for body in [
        json!({"name": "x"}),
        json!({"name": "x", "countries": []}),
        json!({"name": "x", "countries": ["usa"]}),
        json!({"name": "x".repeat(256), "countries": ["US"]}),
    ] {
        assert_eq!(send(peer.ads(Method::POST, "/feeds").json(&body)).await.status, 400, "{body}");
    }
    assert_eq!(send(peer.bare(Method::GET, Api::Ads, "/feeds")).await.status, 401);
    let feed = peer.ads_feed().await;
    let list = send(peer.ads(Method::GET, "/feeds?include[]=product_count")).await.json();
    assert_eq!((&list["data"][0]["feed_id"], &list["data"][0]["product_count"]), (&json!(feed), &json!(0)));
    let access = format!("/feeds/{feed}/sftp_access");
    assert_eq!(send(peer.ads(Method::GET, &access)).await.json()["enabled"], false);
    assert_eq!(send(peer.ads(Method::POST, &format!("{access}/pause"))).await.status, 400);
    assert_eq!(send(peer.ads(Method::POST, &access).json(&json!({"authentication_method": "ssh_key"}))).await.status, 400);
    let made = send(peer.ads(Method::POST, &access).json(&json!({"authentication_method": "password"}))).await.json();
    let password = made["password"].as_str().expect("a password, once").to_owned();
    let again = send(peer.ads(Method::GET, &access)).await.json();
    assert_eq!((&again["enabled"], again.get("password")), (&json!(true), None));
    assert!(again["connection_uri"].as_str().expect("an address").starts_with("sftp://"));
    assert_eq!(send(peer.ads(Method::POST, &format!("{access}/pause"))).await.json()["enabled"], false);
    assert_eq!(send(peer.ads(Method::POST, &format!("{access}/activate"))).await.json()["enabled"], true);
    assert_eq!(send(peer.ads(Method::POST, &format!("/feeds/{feed}/archive"))).await.json()["archived"], true);
    assert_eq!(send(peer.ads(Method::POST, "/feeds/adsfeed_9/archive")).await.status, 404);
    let told: String = peer.sandbox.transcript().iter().map(ToString::to_string).collect();
    assert!(!told.contains(&password), "{told}");
}
