//! The ACP feed API.

use super::{Peer, send};
use feedmill::sandbox::Api;
use reqwest::{Method, RequestBuilder};
use serde_json::json;

impl Peer {
    pub(super) fn acp(&self, method: Method, path: &str) -> RequestBuilder {
        self.bare(method, Api::Acp, path).bearer_auth("token").header("api-version", "2026-04-17")
    }

    pub(super) async fn acp_feed(&self) -> String {
        let made = send(self.acp(Method::POST, "/feeds").json(&json!({"target_country": "US"}))).await;
        assert_eq!(made.status, 201, "{}", made.text());
        made.json()["id"].as_str().expect("an id").to_owned()
    }
}

#[tokio::test]
async fn products_are_upserted_by_id_and_read_back() {
    let peer = Peer::new().await;
    let feed = peer.acp_feed().await;
    let metadata = send(peer.acp(Method::GET, &format!("/feeds/{feed}"))).await.json();
    assert_eq!(metadata, json!({"id": feed, "target_country": "US", "updated_at": "2026-08-01T00:00:00Z"}));
    let products = format!("/feeds/{feed}/products");
    let first = json!({"products": [
        {"id": "p1", "variants": [{"id": "v1", "title": "One", "price": {"amount": 1999, "currency": "USD"}}]},
        {"id": "p2", "variants": [{"id": "v2", "title": "Two"}]},
    ]});
    let taken = send(peer.acp(Method::PATCH, &products).json(&first)).await;
    assert_eq!((taken.status, taken.json()), (200, json!({"id": feed, "accepted": true})));
    let second =
        json!({"products": [{"id": "p1", "variants": [{"id": "v1", "title": "One", "availability": {"status": "out_of_stock"}}]}]});
    assert_eq!(send(peer.acp(Method::PATCH, &products).json(&second)).await.status, 200);
    let held = send(peer.acp(Method::GET, &products)).await.json();
    assert_eq!(held, json!({"products": [second["products"][0], first["products"][1]]}));
}

#[tokio::test]
async fn what_is_not_as_documented_is_refused() {
    let peer = Peer::new().await;
    let feed = peer.acp_feed().await;
    let products = format!("/feeds/{feed}/products");
    let with = |variant: serde_json::Value| json!({"products": [{"id": "p", "variants": [variant]}]});
    for (method, path, body, status, code, param) in [
        (Method::POST, "/feeds", json!({"target_country": "us"}), 400, "invalid_target_country", "target_country"),
        (Method::POST, "/feeds", json!({"name": "x"}), 400, "invalid_request", "name"),
        (Method::GET, "/feeds/feed_9", json!({}), 404, "feed_not_found", "id"),
        (Method::GET, "/feeds/feed_9/products", json!({}), 404, "feed_not_found", "id"),
        (Method::PATCH, "/feeds/feed_9/products", json!({"products": []}), 404, "feed_not_found", "id"),
        (Method::PATCH, &products, json!({"products": []}), 400, "invalid_product_payload", "products"),
        (Method::PATCH, &products, json!({"products": [{"id": "p"}]}), 400, "invalid_product_payload", "products[0].variants"),
        (Method::PATCH, &products, with(json!({"id": "v"})), 400, "invalid_product_payload", "products[0].variants[0].title"),
        (
            Method::PATCH,
            &products,
            with(json!({"id": "v", "title": "t", "price": {"amount": -1, "currency": "USD"}})),
            400,
            "invalid_product_payload",
            "products[0].variants[0].price.amount",
        ),
        (
            Method::PATCH,
            &products,
            with(json!({"id": "v", "title": "t", "description": {}})),
            400,
            "invalid_product_payload",
            "products[0].variants[0].description",
        ),
        (
            Method::PATCH,
            &products,
            with(json!({"id": "v", "title": "t", "media": [{"type": "image", "url": "/a.jpg"}]})),
            400,
            "invalid_product_payload",
            "products[0].variants[0].media[0].url",
        ),
        (
            Method::PATCH,
            &products,
            json!({"products": [{"id": "p", "variants": []}, {"id": "p", "variants": []}]}),
            400,
            "invalid_product_payload",
            "products[1].id",
        ),
        // Nothing is wrong with its shape; the rules that `check` judges by say so.
        (
            Method::PATCH,
            &products,
            with(json!({"id": "v", "title": "N/A"})),
            400,
            "invalid_product_payload",
            "products[0].variants[0].title",
        ),
        (Method::PATCH, &products, json!({"products": [], "target_country": "US"}), 400, "invalid_product_payload", "products"),
        (Method::GET, "/feeds", json!({}), 405, "method_not_allowed", ""),
        (Method::GET, "/promotions", json!({}), 404, "not_found", ""),
    ] {
        let reply = send(peer.acp(method, path).json(&body)).await;
        let error = reply.json();
        let shown = (reply.status, error["code"].as_str().unwrap_or_default(), error["param"].as_str().unwrap_or_default());
        assert_eq!(shown, (status, code, param), "{path} {body}: {error}");
    }
    let bare = || peer.bare(Method::POST, Api::Acp, "/feeds").json(&json!({}));
    assert_eq!(send(bare().header("api-version", "2026-04-17")).await.status, 401);
    assert_eq!(send(bare().bearer_auth("token")).await.status, 400, "the version is required");
    assert_eq!(send(bare().bearer_auth("token").header("api-version", "2025-01-01")).await.status, 400);
    assert_eq!(send(peer.acp(Method::POST, "/feeds").body("{}")).await.status, 415);
    let broken = peer.acp(Method::PATCH, &products).header("content-type", "application/json").body("{\"products\": [");
    assert_eq!(send(broken).await.json()["code"], "invalid_product_payload");
    assert!(peer.sandbox.feeds()[0].products.is_empty(), "a refused request changes nothing");
}

#[tokio::test]
async fn the_unreleased_version_names_its_updates() {
    let peer = Peer::new().await;
    let feed = peer.acp_feed().await;
    let products = format!("/feeds/{feed}/products");
    let unreleased = |method| peer.bare(method, Api::Acp, &products).bearer_auth("token").header("api-version", "unreleased");
    let body = json!({"products": [{"id": "p1", "variants": [], "last_update_id": "ignored"}]});
    let update = send(unreleased(Method::PATCH).json(&body)).await.json()["feed_update_id"].clone();
    assert!(update.is_string());
    assert_eq!(send(unreleased(Method::GET)).await.json()["products"][0]["last_update_id"], update);
    let released = send(peer.acp(Method::GET, &products)).await.json();
    assert_eq!(released, json!({"products": [{"id": "p1", "variants": []}]}), "the release knows no update ids");
    assert_eq!(send(peer.acp(Method::PATCH, &products).json(&body)).await.status, 400, "nor takes them");
}

#[tokio::test]
async fn a_key_makes_one_feed() {
    let peer = Peer::new().await;
    let create = |country: &str| {
        let request = peer.acp(Method::POST, "/feeds").header("idempotency-key", "k1").json(&json!({"target_country": country}));
        async move { send(request).await }
    };
    let first = create("US").await.json();
    assert_eq!(create("US").await.json(), first);
    assert_eq!(create("CA").await.status, 409);
    assert_eq!(peer.sandbox.feeds().len(), 1);
}
