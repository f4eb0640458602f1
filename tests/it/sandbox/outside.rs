//! The sandbox behind Prism: every request of a rehearsal and every answer of the sandbox, held
//! against the Stripe excerpt and the ACP document by a server that is not ours.

use super::{PRODUCTS, Peer, Reply, WithForm, send};
use crate::prism::Prism;
use feedmill::sandbox::{Api, Key, Options};
use reqwest::multipart::{Form, Part};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

const IMPORTS: &str = "/v2/commerce/product_catalog/imports";

/// What stands in every answer that is Prism's own.
const OBJECTION: &str = "stoplight.io/prism";

struct Behind {
    peer: Peer,
    stripe: Prism,
    files: Prism,
    keys: std::cell::Cell<u32>,
}

impl Behind {
    fn call(&self, method: &Method, url: &str, version: &str) -> RequestBuilder {
        self.keys.set(self.keys.get() + 1);
        let request = self.peer.client.request(method.clone(), url).bearer_auth("sk_test_1").header("stripe-version", version);
        if *method == Method::POST { request.header("idempotency-key", format!("k{}", self.keys.get())) } else { request }
    }

    fn v2(&self, method: &Method, path: &str) -> RequestBuilder {
        self.call(method, &self.stripe.url(path), "2026-06-24.dahlia")
    }

    fn v1(&self, method: &Method, path: &str) -> RequestBuilder {
        self.call(method, &self.stripe.url(path), "2026-09-30.preview")
    }

    fn file(&self, method: &Method, path: &str) -> RequestBuilder {
        self.call(method, &self.files.url(path), "2026-09-30.preview")
    }
}

/// The answer, in which Prism found nothing.
async fn judged(request: RequestBuilder, status: u16) -> Reply {
    let reply = send(request).await;
    assert!(!reply.text().contains(OBJECTION), "{}", reply.text());
    assert_eq!(reply.status, status, "{}", reply.text());
    reply
}

#[tokio::test]
async fn stripe_requests_and_answers_are_as_the_excerpt_draws_them() {
    let keys = vec![Key::full("sk_test_1")];
    let peer = Peer::with(Options { keys, page_size: 1, accounts: vec!["acct_1".to_owned()], ..Options::default() }).await;
    let base = |api| peer.sandbox.base(api);
    let Some(stripe) = Prism::proxy("proxy", &base(Api::Stripe)) else { return };
    let files = Prism::proxy("proxy", &base(Api::StripeFiles)).expect("a second one");
    let behind = Behind { peer, stripe, files, keys: 0.into() };
    for (mode, body) in [("upsert", PRODUCTS.to_owned()), ("replace", PRODUCTS.replace("12.50 USD", "cheap")), ("upsert", String::new())] {
        let create = json!({"feed_type": "product", "mode": mode, "metadata": {"a": "b"}});
        let import = judged(behind.v2(&Method::POST, IMPORTS).json(&create), 200).await.json();
        let path = format!("{IMPORTS}/{}", import["id"].as_str().expect("an id"));
        judged(behind.v2(&Method::GET, &path), 200).await;
        assert_eq!(behind.peer.put(&import, &body).await.status, 200);
        judged(behind.v2(&Method::GET, &path), 200).await;
        let done = judged(behind.v2(&Method::GET, &path), 200).await.json();
        assert!(["succeeded", "succeeded_with_errors", "failed"].iter().any(|status| done["status"] == *status), "{done}");
    }
    for query in ["", "?limit=2", "?status=failed&page=page_0", "?created_gt=2026-01-01T00:00:00Z"] {
        judged(behind.v2(&Method::GET, &format!("{IMPORTS}{query}")), 200).await;
    }
    judged(behind.v2(&Method::GET, &format!("{IMPORTS}/pcimprt_9")), 404).await;
    judged(behind.v2(&Method::GET, IMPORTS).header("stripe-account", "acct_2"), 403).await;
    for (media, body) in
        [("text/csv", PRODUCTS.to_owned()), ("text/csv", PRODUCTS.replace("12.50 USD", "cheap")), ("text/csv", "%PDF-1.7".to_owned())]
    {
        let part = Part::bytes(body.into_bytes()).file_name("feed.csv").mime_str(media).expect("a media type");
        let form = Form::new().text("purpose", "data_management_manual_upload").part("file", part);
        let file = judged(behind.file(&Method::POST, "/v1/files").multipart(form), 200).await.json();
        let id = file["id"].as_str().expect("an id").to_owned();
        judged(behind.file(&Method::GET, &format!("/v1/files/{id}")), 200).await;
        let fields = [("file", id.as_str()), ("standard_data_format", "product_catalog_feed")];
        let set = judged(behind.v1(&Method::POST, "/v1/data_management/import_sets").with_form(&fields), 200).await.json();
        let path = format!("/v1/data_management/import_sets/{}", set["id"].as_str().expect("an id"));
        judged(behind.v1(&Method::GET, &path), 200).await;
        let done = judged(behind.v1(&Method::GET, &path), 200).await.json();
        if let Value::String(report) = &done["result"]["errors"]["file"] {
            judged(behind.file(&Method::GET, &format!("/v1/files/{report}/contents")), 200).await;
        }
    }
    judged(behind.v1(&Method::GET, "/v1/data_management/import_sets/impset_9"), 404).await;
    // That Prism does judge shows at a request it must refuse.
    let odd = behind.v2(&Method::POST, IMPORTS).json(&json!({"feed_type": "product", "mode": "upsert", "metadata": {}, "more": 1}));
    let refused = send(odd).await;
    assert!(refused.text().contains(OBJECTION), "{} {}", refused.status, refused.text());
}

#[tokio::test]
async fn the_mock_refuses_what_departs_from_the_excerpt() {
    let Some(prism) = Prism::mock() else { return };
    let client = Peer::new().await.client;
    let create = |key: Option<&str>, version: &str, body: Value| {
        let request = client.post(prism.url(IMPORTS)).bearer_auth("sk_test_1").header("stripe-version", version).json(&body);
        key.map_or_else(
            || request.try_clone().expect("a body in memory"),
            |key| request.try_clone().expect("as above").header("idempotency-key", key),
        )
    };
    let sound = json!({"feed_type": "product", "mode": "upsert", "metadata": {}});
    for (request, status) in [
        (create(Some("k"), "2026-06-24.dahlia", sound.clone()), 200),
        (create(None, "2026-06-24.dahlia", sound.clone()), 400),
        (create(Some("k"), "2025-06-24.dahlia", sound.clone()), 400),
        (create(Some("k"), "2026-06-24.dahlia", json!({"feed_type": "product", "mode": "upsert"})), 400),
        (create(Some("k"), "2026-06-24.dahlia", json!({"feed_type": "pricing", "mode": "replace", "metadata": {}})), 400),
    ] {
        assert_eq!(send(request).await.status, status);
    }
}

#[tokio::test]
async fn acp_answers_are_as_the_published_document_draws_them() {
    let peer = Peer::new().await;
    let Some(prism) = Prism::proxy("acp", &peer.sandbox.base(Api::Acp)) else { return };
    let call =
        |method: Method, path: &str| peer.client.request(method, prism.url(path)).bearer_auth("token").header("api-version", "2026-04-17");
    let feed = judged(call(Method::POST, "/feeds").json(&json!({"target_country": "US"})), 201).await.json();
    let path = format!("/feeds/{}", feed["id"].as_str().expect("an id"));
    judged(call(Method::GET, &path), 200).await;
    let products = json!({"products": [{"id": "p1", "variants": [{"id": "v1", "title": "One"}]}]});
    judged(call(Method::PATCH, &format!("{path}/products")).json(&products), 200).await;
    judged(call(Method::PATCH, &format!("{path}/products")).json(&json!({"products": []})), 400).await;
    judged(call(Method::GET, &format!("{path}/products")), 200).await;
    judged(call(Method::GET, "/feeds/feed_9"), 404).await;
}
