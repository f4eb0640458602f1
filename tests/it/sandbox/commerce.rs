//! OpenAI's commerce API.

use super::{Peer, send};
use feedmill::sandbox::Api;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

impl Peer {
    pub(super) fn commerce(&self, method: Method, path: &str) -> RequestBuilder {
        self.bare(method, Api::Commerce, path).bearer_auth("api_key_123")
    }

    pub(super) async fn product_feed(&self) -> String {
        let made = send(self.commerce(Method::POST, "/product_feeds").json(&json!({"target_country": "US"}))).await;
        assert_eq!(made.status, 200, "{}", made.text());
        made.json()["id"].as_str().expect("an id").to_owned()
    }
}

fn promotion() -> Value {
    json!({
        "id": "promo_spring_sale",
        "title": "Spring Sale",
        "status": "active",
        "active_period": {"start_time": "2026-03-01T00:00:00Z", "end_time": "2026-04-01T00:00:00Z"},
        "benefits": [{"type": "percent_off", "percent_off": 20}],
        "applies_to": [{"product_id": "p1"}],
    })
}

#[tokio::test]
async fn products_and_promotions_are_upserted_and_read_back() {
    let peer = Peer::new().await;
    let feed = peer.product_feed().await;
    let metadata = send(peer.commerce(Method::GET, &format!("/product_feeds/{feed}"))).await.json();
    assert_eq!((&metadata["target_country"], &metadata["updated_at"]), (&json!("US"), &json!("2026-08-01T00:00:00Z")));
    let products = format!("/product_feeds/{feed}/products");
    let body = json!({"target_country": "CA", "products": [{"id": "p1", "variants": [{"id": "v1", "title": "One"}]}]});
    let patch = peer.commerce(Method::PATCH, &products).header("idempotency-key", "k1").json(&body);
    let reply = send(patch).await;
    assert_eq!((reply.status, reply.json()), (200, json!({"id": feed, "accepted": true})));
    assert_eq!(reply.header("idempotency-key"), Some("k1"));
    assert!(reply.header("request-id").is_some());
    assert_eq!(send(peer.commerce(Method::GET, &products)).await.json(), body);
    let promotions = format!("/product_feeds/{feed}/promotions");
    assert_eq!(send(peer.commerce(Method::GET, &promotions)).await.json(), json!([]));
    let reply = send(peer.commerce(Method::PATCH, &promotions).json(&json!([promotion()]))).await;
    assert_eq!(reply.json(), json!({"id": feed, "accepted": true}));
    assert_eq!(send(peer.commerce(Method::GET, &promotions)).await.json(), json!([promotion()]));
}

#[tokio::test]
async fn what_is_not_as_documented_is_refused() {
    let peer = Peer::new().await;
    let feed = peer.product_feed().await;
    let (products, promotions) = (format!("/product_feeds/{feed}/products"), format!("/product_feeds/{feed}/promotions"));
    let marketplace = json!({"products": [{"id": "p", "variants": [{"id": "v", "title": "t", "marketplace": {"name": "M"}}]}]});
    let mut without_benefit = promotion();
    without_benefit["benefits"] = json!([{"type": "amount_off"}]);
    let mut renamed = promotion();
    renamed["effective_period"] = renamed["active_period"].clone();
    for (method, path, body, status, param) in [
        (Method::POST, "/product_feeds", json!({"target_country": "USA"}), 400, "target_country"),
        (Method::PATCH, &products, json!({"products": []}), 400, "products"),
        (Method::PATCH, &products, marketplace, 400, "products[0].variants[0].marketplace"),
        (Method::PATCH, &promotions, json!({"promotions": [promotion()]}), 400, ""),
        (Method::PATCH, &promotions, json!([without_benefit]), 400, "[0].benefits[0].amount_off"),
        (Method::PATCH, &promotions, json!([renamed]), 400, "[0].effective_period"),
        (Method::PATCH, &promotions, json!([promotion(), promotion()]), 400, "[1].id"),
        (Method::PATCH, "/product_feeds/feed_9/products", json!({"products": []}), 404, "id"),
    ] {
        let reply = send(peer.commerce(method, path).json(&body)).await;
        assert_eq!(reply.status, status, "{body}");
        assert_eq!(reply.json()["param"].as_str().unwrap_or_default(), param, "{}", reply.text());
    }
    assert_eq!(send(peer.bare(Method::GET, Api::Commerce, "/product_feeds/feed_9")).await.status, 401);
    assert_eq!(send(peer.commerce(Method::GET, "/product_feeds/feed_9/promotions")).await.status, 404);
    assert_eq!(send(peer.commerce(Method::DELETE, &products)).await.status, 405);
    let acp = peer.acp_feed().await;
    assert_eq!(send(peer.commerce(Method::GET, &format!("/product_feeds/{acp}"))).await.status, 404, "another API's feed");
}
