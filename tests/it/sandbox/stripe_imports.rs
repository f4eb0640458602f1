//! Product catalog imports (v2).

use super::{PRODUCTS, Peer, Reply, send};
use feedmill::sandbox::Api;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

const IMPORTS: &str = "/v2/commerce/product_catalog/imports";
const VERSION: &str = "2026-06-24.dahlia";

impl Peer {
    fn v2(&self, method: Method, path: &str) -> RequestBuilder {
        self.bare(method, Api::Stripe, path).header("stripe-version", VERSION).bearer_auth("sk_test_1")
    }

    async fn create(&self, feed_type: &str, mode: &str) -> Value {
        let body = json!({"feed_type": feed_type, "mode": mode, "metadata": {"file_name": "feed.csv"}});
        let reply = send(self.v2(Method::POST, IMPORTS).json(&body)).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply.json()
    }

    async fn put(&self, import: &Value, body: &str) -> Reply {
        let url = import["status_details"]["awaiting_upload"]["upload_url"]["url"].as_str().expect("an address");
        send(self.client.put(url).header("content-type", "text/csv").body(body.to_owned())).await
    }

    async fn poll(&self, import: &Value) -> Value {
        let reply = send(self.v2(Method::GET, &format!("{IMPORTS}/{}", import["id"].as_str().expect("an id")))).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply.json()
    }

    /// Creates, uploads, polls to the end.
    async fn import(&self, feed_type: &str, mode: &str, body: &str) -> Value {
        let import = self.create(feed_type, mode).await;
        assert_eq!(self.put(&import, body).await.status, 200);
        assert_eq!(self.poll(&import).await["status"], "processing");
        self.poll(&import).await
    }
}

#[tokio::test]
async fn a_feed_goes_from_upload_to_catalog() {
    let peer = Peer::new().await;
    let import = peer.create("product", "upsert").await;
    assert_eq!(import["object"], "v2.commerce.product_catalog_import");
    assert_eq!(import["created"], "2026-08-01T00:00:00.000Z");
    assert_eq!(import["livemode"], false);
    assert_eq!(import["mode"], "upsert");
    assert_eq!(import["metadata"]["file_name"], "feed.csv");
    assert_eq!(import["status"], "awaiting_upload");
    assert_eq!(import["status_details"]["awaiting_upload"]["upload_url"]["expires_at"], "2026-08-01T00:05:00.000Z");
    assert_eq!(peer.poll(&import).await["status"], "awaiting_upload");
    assert_eq!(peer.put(&import, PRODUCTS).await.status, 200);
    let seen = peer.poll(&import).await;
    assert_eq!((&seen["status"], &seen["status_details"]["processing"]["error_count"]), (&json!("processing"), &json!("0")));
    assert!(peer.sandbox.products("acct_sandbox").is_empty(), "rows are there before the import is done");
    let done = peer.poll(&import).await;
    assert_eq!(done["status"], "succeeded");
    assert_eq!(done["status_details"]["succeeded"]["success_count"], "2");
    let products = peer.sandbox.products("acct_sandbox");
    assert_eq!(
        products.iter().map(|(id, row)| (id.as_str(), row["price"].as_str())).collect::<Vec<_>>(),
        [("A1", "24.00 USD"), ("A2", "12.50 USD")]
    );
}

#[tokio::test]
async fn refused_rows_come_back_in_a_report() {
    let peer = Peer::new().await;
    let broken = PRODUCTS.replace("12.50 USD", "cheap");
    let done = peer.import("product", "upsert", &broken).await;
    assert_eq!(done["status"], "succeeded_with_errors");
    let details = &done["status_details"]["succeeded_with_errors"];
    assert_eq!((&details["success_count"], &details["error_count"]), (&json!("1"), &json!("1")));
    assert_eq!(details["samples"][0]["row"], "2");
    assert_eq!(details["samples"][0]["id"], "A2");
    assert_eq!(details["samples"][0]["field"], "price");
    let url = details["error_file"]["download_url"]["url"].as_str().expect("an address");
    let report = send(peer.client.get(url)).await;
    assert_eq!((report.status, report.header("content-type")), (200, Some("text/csv")));
    assert_eq!(details["error_file"]["size"], report.body.len().to_string());
    let text = report.text();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 2, "{text}");
    let header = PRODUCTS.lines().next().expect("a header");
    assert_eq!(lines[0], format!("stripe_error_message,{header}"));
    assert!(lines[1].ends_with(broken.lines().nth(2).expect("the second row")), "{text}");
    assert_eq!(peer.sandbox.products("acct_sandbox").len(), 1);
    // The address lives five minutes; another look at the import gives a new one.
    peer.wait(301);
    assert_eq!(send(peer.client.get(url)).await.status, 403);
    let again = peer.poll(&done).await;
    let fresh = again["status_details"]["succeeded_with_errors"]["error_file"]["download_url"]["url"].as_str().expect("an address");
    assert_eq!(send(peer.client.get(fresh)).await.status, 200);
}
