//! The Files API and import sets (v1).

use super::{PRODUCTS, Peer, Reply, WithForm, send};
use feedmill::sandbox::{Api, Fault, Options};
use reqwest::multipart::{Form, Part};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

const SETS: &str = "/v1/data_management/import_sets";
const PURPOSE: &str = "data_management_manual_upload";

impl Peer {
    pub(super) fn v1(&self, method: Method, api: Api, path: &str) -> RequestBuilder {
        self.bare(method, api, path).bearer_auth("sk_test_1").header("stripe-version", "2025-12-15.preview")
    }

    pub(super) async fn upload(&self, body: &str) -> Value {
        let reply = send(self.v1(Method::POST, Api::StripeFiles, "/v1/files").multipart(form(PURPOSE, body, "text/csv"))).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply.json()
    }

    pub(super) async fn import_set(&self, file: &str, format: &str) -> Reply {
        send(self.v1(Method::POST, Api::Stripe, SETS).with_form(&[("file", file), ("standard_data_format", format)])).await
    }
}

fn form(purpose: &'static str, body: &str, media: &str) -> Form {
    let file = Part::bytes(body.as_bytes().to_vec()).file_name("feed.csv").mime_str(media).expect("a media type");
    Form::new().text("purpose", purpose).part("file", file)
}

fn id(object: &Value) -> &str {
    object["id"].as_str().expect("an id")
}

#[tokio::test]
async fn a_file_becomes_an_import_set_and_its_report_a_file() {
    let peer = Peer::new().await;
    let file = peer.upload(&PRODUCTS.replace("12.50 USD", "cheap")).await;
    assert_eq!((&file["object"], &file["purpose"], &file["filename"]), (&json!("file"), &json!(PURPOSE), &json!("feed.csv")));
    assert_eq!(file["created"], 1_785_542_400);
    let made = peer.import_set(id(&file), "product_catalog_feed").await;
    assert_eq!((made.status, &made.json()["status"]), (200, &json!("pending")), "{}", made.text());
    let path = format!("{SETS}/{}", id(&made.json()));
    assert_eq!(send(peer.v1(Method::GET, Api::Stripe, &path)).await.json()["status"], "pending");
    let done = send(peer.v1(Method::GET, Api::Stripe, &path)).await.json();
    assert_eq!(done["status"], "succeeded_with_errors");
    let result = &done["result"];
    assert_eq!(
        (&result["rows_processed"], &result["successes"]["row_count"], &result["errors"]["row_count"]),
        (&json!(2), &json!(1), &json!(1))
    );
    assert_eq!(result["objects_created"], 1);
    let report = format!("/v1/files/{}/contents", result["errors"]["file"].as_str().expect("a file"));
    let report = send(peer.v1(Method::GET, Api::StripeFiles, &report)).await;
    let text = report.text();
    assert!(text.starts_with("stripe_error_message,id,title,"), "{text}");
    assert_eq!(text.lines().count(), 2);
    assert_eq!(peer.sandbox.products("acct_sandbox").len(), 1);
    let contents = send(peer.v1(Method::GET, Api::StripeFiles, &format!("/v1/files/{}/contents", id(&file)))).await;
    assert_eq!(contents.text(), PRODUCTS.replace("12.50 USD", "cheap"));
    let inventory = peer.upload("id,availability,availability_date,inventory_quantity\nA1,in_stock,,4\n").await;
    let set = peer.import_set(id(&inventory), "inventory_feed").await.json();
    let path = format!("{SETS}/{}", id(&set));
    send(peer.v1(Method::GET, Api::Stripe, &path)).await;
    assert_eq!(send(peer.v1(Method::GET, Api::Stripe, &path)).await.json()["status"], "succeeded");
    assert_eq!(peer.sandbox.products("acct_sandbox")[0].1["inventory_quantity"], "4");
}

#[tokio::test]
async fn an_upload_is_refused_unless_it_is_as_documented() {
    let peer = Peer::with(Options { file_bytes: 1000, ..Options::default() }).await;
    let post = || peer.v1(Method::POST, Api::StripeFiles, "/v1/files");
    for (request, status) in [
        (post().multipart(form("dispute_evidence", PRODUCTS, "text/csv")), 400),
        (post().multipart(form(PURPOSE, PRODUCTS, "application/json")), 400),
        (post().multipart(form(PURPOSE, "", "text/csv")), 400),
        (post().multipart(form(PURPOSE, &PRODUCTS.repeat(4), "text/csv")), 413),
        (post().multipart(form(PURPOSE, PRODUCTS, "text/csv").text("title", "x")), 400),
        (post().multipart(Form::new().text("purpose", PURPOSE)), 400),
        (post().multipart(Form::new().text("purpose", PURPOSE).text("file", "x")), 400),
        (post().body("purpose=x").header("content-type", "application/x-www-form-urlencoded"), 400),
        (peer.v1(Method::POST, Api::Stripe, "/v1/files").multipart(form(PURPOSE, PRODUCTS, "text/csv")), 404),
        (peer.bare(Method::POST, Api::StripeFiles, "/v1/files").multipart(form(PURPOSE, PRODUCTS, "text/csv")), 401),
        (post().multipart(form(PURPOSE, PRODUCTS, "text/tab-separated-values")), 200),
    ] {
        let reply = send(request).await;
        assert_eq!(reply.status, status, "{}", reply.text());
        if status == 400 {
            assert_eq!(reply.json()["error"]["type"], "invalid_request_error");
        }
    }
}

#[tokio::test]
async fn an_import_set_is_refused_unless_it_is_as_documented() {
    let peer = Peer::new().await;
    let file = peer.upload(PRODUCTS).await;
    for (file, format, param) in [
        ("", "product_catalog_feed", "file"),
        ("file_9", "product_catalog_feed", "file"),
        (id(&file), "", "standard_data_format"),
        (id(&file), "pricing_feed", "standard_data_format"),
    ] {
        let reply = peer.import_set(file, format).await;
        assert_eq!((reply.status, &reply.json()["error"]["param"]), (400, &json!(param)));
    }
    let sound = json!({"file": id(&file), "standard_data_format": "product_catalog_feed"});
    assert_eq!(send(peer.v1(Method::POST, Api::Stripe, SETS).json(&sound)).await.status, 400, "v1 takes forms");
    let form = [("file", id(&file)), ("standard_data_format", "product_catalog_feed")];
    let versioned = |version: &str| {
        peer.bare(Method::POST, Api::Stripe, SETS).bearer_auth("sk_test_1").header("stripe-version", version).with_form(&form)
    };
    assert_eq!(send(versioned("2026-06-24.dahlia")).await.status, 400, "import sets are a preview");
    assert_eq!(send(versioned("2025-09-30.clover;udap_beta=v1")).await.status, 200);
    let elsewhere = peer.v1(Method::POST, Api::Stripe, SETS).header("stripe-account", "acct_9").with_form(&form);
    assert_eq!(send(elsewhere).await.status, 400, "another account's file is not there");
    assert_eq!(send(peer.v1(Method::GET, Api::Stripe, SETS)).await.status, 405);
    assert_eq!(send(peer.v1(Method::GET, Api::Stripe, &format!("{SETS}/impset_9"))).await.status, 404);
    let broken = peer.upload("%PDF-1.7\n").await;
    let set = peer.import_set(id(&broken), "product_catalog_feed").await.json();
    let path = format!("{SETS}/{}", id(&set));
    send(peer.v1(Method::GET, Api::Stripe, &path)).await;
    let failed = send(peer.v1(Method::GET, Api::Stripe, &path)).await.json();
    assert_eq!(failed["status"], "failed");
    assert!(failed["failed_reason"].is_string());
}

#[tokio::test]
async fn the_first_answer_to_a_key_is_kept_for_a_day_even_a_500() {
    let peer = Peer::new().await;
    let file = peer.upload(PRODUCTS).await;
    let create = |key: &'static str, format: &'static str| {
        let form = [("file", id(&file)), ("standard_data_format", format)];
        let request = peer.v1(Method::POST, Api::Stripe, SETS).header("idempotency-key", key).with_form(&form);
        async move { send(request).await }
    };
    let first = create("k1", "product_catalog_feed").await.json();
    assert_eq!(create("k1", "product_catalog_feed").await.json(), first);
    let other = create("k1", "inventory_feed").await;
    assert_eq!((other.status, &other.json()["error"]["type"]), (400, &json!("idempotency_error")));
    // What did not pass validation was not begun, and is not kept.
    assert_eq!(create("k2", "pricing_feed").await.status, 400);
    assert_eq!(create("k2", "product_catalog_feed").await.status, 200);
    peer.sandbox.fault("POST /v1/*: 500 x1".parse::<Fault>().expect("a fault"));
    assert_eq!(create("k3", "product_catalog_feed").await.status, 500);
    assert_eq!(create("k3", "product_catalog_feed").await.status, 500, "the stored answer");
    peer.wait(86_401);
    assert_eq!(create("k3", "product_catalog_feed").await.status, 200);
    peer.sandbox.fault("POST /v1/*: 503 x1".parse::<Fault>().expect("a fault"));
    assert_eq!(create("k4", "product_catalog_feed").await.status, 503);
    assert_eq!(create("k4", "product_catalog_feed").await.status, 200, "a call that had not begun is not kept");
}
