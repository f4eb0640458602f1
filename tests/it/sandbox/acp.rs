//! The ACP feed API.

use super::{Peer, send};
use feedmill::sandbox::Api;
use reqwest::{Method, RequestBuilder};
use serde_json::json;

impl Peer {
    fn acp(&self, method: Method, path: &str) -> RequestBuilder {
        self.bare(method, Api::Acp, path).bearer_auth("token").header("api-version", "2026-04-17")
    }

    async fn acp_feed(&self) -> String {
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
