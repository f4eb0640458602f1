//! Product catalog imports (v2).

use super::{PRODUCTS, Peer, Reply, send};
use feedmill::sandbox::{Api, Key, Options};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

const IMPORTS: &str = "/v2/commerce/product_catalog/imports";
const VERSION: &str = "2026-06-24.dahlia";

impl Peer {
    pub(super) fn v2(&self, method: Method, path: &str) -> RequestBuilder {
        self.bare(method, Api::Stripe, path).header("stripe-version", VERSION).bearer_auth("sk_test_1")
    }

    pub(super) async fn create(&self, feed_type: &str, mode: &str) -> Value {
        let body = json!({"feed_type": feed_type, "mode": mode, "metadata": {"file_name": "feed.csv"}});
        let reply = send(self.v2(Method::POST, IMPORTS).json(&body)).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply.json()
    }

    pub(super) async fn put(&self, import: &Value, body: &str) -> Reply {
        let url = import["status_details"]["awaiting_upload"]["upload_url"]["url"].as_str().expect("an address");
        send(self.client.put(url).header("content-type", "text/csv").body(body.to_owned())).await
    }

    pub(super) async fn poll(&self, import: &Value) -> Value {
        let reply = send(self.v2(Method::GET, &format!("{IMPORTS}/{}", import["id"].as_str().expect("an id")))).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply.json()
    }

    /// Creates, uploads, polls to the end.
    pub(super) async fn import(&self, feed_type: &str, mode: &str, body: &str) -> Value {
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

fn code(reply: &Reply) -> (u16, String) {
    (reply.status, reply.json()["error"]["code"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn a_create_is_refused_unless_it_is_as_documented() {
    let peer = Peer::new().await;
    let sound = json!({"feed_type": "product", "mode": "upsert", "metadata": {}});
    let without = |name: &str| {
        let mut body = sound.clone();
        body.as_object_mut().expect("an object").remove(name);
        body
    };
    for (body, field) in [
        (without("feed_type"), "feed_type"),
        (without("mode"), "mode"),
        (without("metadata"), "metadata"),
        (json!({"feed_type": "catalog", "mode": "upsert", "metadata": {}}), "feed_type"),
        (json!({"feed_type": "product", "mode": "merge", "metadata": {}}), "mode"),
        (json!({"feed_type": "pricing", "mode": "replace", "metadata": {}}), "mode"),
        (json!({"feed_type": "product", "mode": "upsert", "metadata": {"rows": 2}}), "metadata.rows"),
        (json!({"feed_type": "product", "mode": "upsert", "metadata": {}, "file": "x"}), "file"),
    ] {
        let reply = send(peer.v2(Method::POST, IMPORTS).json(&body)).await;
        assert_eq!(code(&reply), (400, "invalid_fields".to_owned()), "{body}");
        let error = &reply.json()["error"];
        assert!(error["message"].as_str().expect("a message").contains(&format!("`{field}`")), "{error}");
        assert_eq!(error.get("type"), None, "v2 gives bad input no type");
        assert!(reply.header("request-id").is_some());
    }
    let form = peer.v2(Method::POST, IMPORTS).header("content-type", "application/x-www-form-urlencoded").body("feed_type=product");
    assert_eq!(send(form).await.status, 415);
    assert_eq!(send(peer.v2(Method::DELETE, IMPORTS)).await.status, 405);
    assert_eq!(send(peer.v2(Method::GET, &format!("{IMPORTS}/pcimprt_test_9"))).await.status, 404);
    assert_eq!(send(peer.v2(Method::GET, "/v2/commerce/products")).await.status, 404);
    assert!(peer.sandbox.imports().is_empty());
}

#[tokio::test]
async fn keys_permissions_and_versions_are_checked() {
    let mut reader = Key::full("rk_test_reader");
    reader.writes_imports = false;
    let mut writer = Key::full("rk_test_writer");
    writer.reads_imports = false;
    let keys = vec![Key::full("sk_test_1"), Key::full("sk_live_1"), reader, writer];
    let peer = Peer::with(Options { keys, ..Options::default() }).await;
    let body = json!({"feed_type": "product", "mode": "upsert", "metadata": {}});
    let create = || peer.bare(Method::POST, Api::Stripe, IMPORTS).header("stripe-version", VERSION).json(&body);
    let list = || peer.bare(Method::GET, Api::Stripe, IMPORTS).header("stripe-version", VERSION);
    for (request, status) in [
        (create(), 401),
        (create().bearer_auth("sk_test_2"), 401),
        (create().bearer_auth("pk_test_1"), 401),
        (create().header("authorization", "sk_test_1"), 401),
        (create().bearer_auth("rk_test_reader"), 403),
        (list().bearer_auth("rk_test_writer"), 403),
        (list().bearer_auth("rk_test_reader"), 200),
        (create().bearer_auth("rk_test_writer"), 200),
        (create().basic_auth("sk_test_1", Some("")), 200),
        (create().bearer_auth("sk_live_1"), 200),
    ] {
        assert_eq!(send(request).await.status, status);
    }
    let live: Vec<bool> = peer.sandbox.imports().iter().map(|import| import.live).collect();
    assert_eq!(live, [false, false, true]);
    for (version, feed_type, status) in [
        ("2026-06-24.dahlia", "promotion", 200),
        ("2026-05-27.dahlia", "promotion", 400),
        ("2026-05-27.dahlia", "product", 200),
        ("2025-12-15.preview", "product", 400),
        ("newest", "product", 400),
    ] {
        let body = json!({"feed_type": feed_type, "mode": "upsert", "metadata": {}});
        let request = peer.bare(Method::POST, Api::Stripe, IMPORTS).bearer_auth("sk_test_1").header("stripe-version", version);
        let reply = send(request.json(&body)).await;
        assert_eq!(reply.status, status, "{version} {feed_type}");
        if status == 200 {
            assert_eq!(reply.json().get("mode").is_some(), version == "2026-06-24.dahlia", "{version}");
        }
    }
}

#[tokio::test]
async fn only_the_presigned_address_takes_the_file() {
    let peer = Peer::with(Options { import_bytes: 1000, ..Options::default() }).await;
    let import = peer.create("product", "upsert").await;
    let url = import["status_details"]["awaiting_upload"]["upload_url"]["url"].as_str().expect("an address");
    let put = |url: &str| peer.client.put(url).header("content-type", "text/csv").body(PRODUCTS);
    assert_eq!(send(put(url).bearer_auth("sk_test_1")).await.status, 400, "a key must not go to storage");
    assert_eq!(send(put(url).header("stripe-version", VERSION)).await.status, 400);
    assert_eq!(send(put(&url.replace("signature=", "signature=0"))).await.status, 403);
    assert_eq!(send(put(&url.replace("expires=", "expires=9"))).await.status, 403);
    assert_eq!(send(peer.client.put(url).header("content-type", "application/json").body("{}")).await.status, 415);
    assert_eq!(send(peer.client.post(url).header("content-type", "text/csv").body(PRODUCTS)).await.status, 405);
    assert_eq!(send(put(url).body(PRODUCTS.repeat(4))).await.status, 413);
    assert_eq!(peer.sandbox.imports()[0].status, "awaiting_upload");
    // The whole file may be put again while the address lives.
    assert_eq!(send(put(url)).await.status, 200);
    assert_eq!(send(put(url)).await.status, 200);
    assert_eq!((peer.sandbox.imports()[0].uploads, peer.sandbox.imports()[0].status.as_str()), (2, "processing"));
    peer.wait(301);
    assert_eq!(send(put(url)).await.status, 403);
}

#[tokio::test]
async fn an_import_without_a_file_fails_when_its_address_ends() {
    let peer = Peer::new().await;
    let import = peer.create("product", "upsert").await;
    peer.wait(300);
    assert_eq!(peer.poll(&import).await["status"], "awaiting_upload");
    peer.wait(1);
    let failed = peer.poll(&import).await;
    assert_eq!(failed["status"], "failed");
    let details = &failed["status_details"]["failed"];
    assert_eq!((&details["code"], &details["type"]), (&json!("file_not_found"), &json!("cannot_proceed")));
}

#[tokio::test]
async fn a_file_that_is_no_feed_fails_whole() {
    let peer = Peer::new().await;
    for body in ["", "%PDF-1.7\n", "id,title\n"] {
        let failed = peer.import("product", "upsert", body).await;
        assert_eq!(failed["status_details"]["failed"]["code"], "invalid_file", "{body:?}: {failed}");
    }
}

#[tokio::test]
async fn upsert_replace_delete_and_the_delta_feeds_change_the_catalog() {
    let peer = Peer::new().await;
    let held = || peer.sandbox.products("acct_sandbox").into_iter().map(|(id, _)| id).collect::<Vec<_>>();
    let value = |id: &str, column: &str| {
        let products = peer.sandbox.products("acct_sandbox");
        products.iter().find(|(known, _)| known == id).and_then(|(_, row)| row.get(column).cloned())
    };
    peer.import("product", "upsert", PRODUCTS).await;
    let inventory = "id,availability,availability_date,inventory_quantity\nA1,out_of_stock,,0\nA9,in_stock,,1\n";
    let done = peer.import("inventory", "upsert", inventory).await;
    let details = &done["status_details"]["succeeded_with_errors"];
    assert_eq!((&details["samples"][0]["id"], &details["success_count"]), (&json!("A9"), &json!("1")), "{done}");
    assert_eq!(value("A1", "availability").as_deref(), Some("out_of_stock"));
    assert_eq!(value("A1", "price").as_deref(), Some("24.00 USD"), "what the delta feed does not carry stays");
    let pricing = "id,price,sale_price,sale_price_effective_date\nA2,11.00 USD,,\n";
    assert_eq!(peer.import("pricing", "upsert", pricing).await["status"], "succeeded");
    assert_eq!(value("A2", "price").as_deref(), Some("11.00 USD"));
    assert_eq!(peer.import("product", "upsert", "id,delete\nA1,true\nA7,true\n").await["status"], "succeeded");
    assert_eq!(held(), ["A2"]);
    let other = PRODUCTS.replace("A1,", "B1,").replace("A2,", "B2,");
    assert_eq!(peer.import("product", "replace", &other).await["status"], "succeeded");
    assert_eq!(held(), ["B1", "B2"]);
}

#[tokio::test]
async fn the_import_that_ends_last_wins() {
    let peer = Peer::new().await;
    let older = peer.create("product", "upsert").await;
    let newer = peer.create("product", "upsert").await;
    peer.put(&older, PRODUCTS).await;
    peer.put(&newer, &PRODUCTS.replace("24.00 USD", "26.00 USD")).await;
    for import in [&newer, &newer, &older, &older] {
        peer.poll(import).await;
    }
    assert_eq!(
        peer.sandbox.products("acct_sandbox")[0].1["price"],
        "24.00 USD",
        "an upload that did not wait is overwritten by an older one"
    );
}

#[tokio::test]
async fn connected_accounts_have_catalogs_of_their_own() {
    let accounts = vec!["acct_1".to_owned(), "acct_2".to_owned()];
    let peer = Peer::with(Options { accounts, polls_until_done: 0, ..Options::default() }).await;
    let body = json!({"feed_type": "product", "mode": "upsert", "metadata": {}});
    let create = |header: &'static str, value: &'static str| peer.v2(Method::POST, IMPORTS).header(header, value).json(&body);
    let first = send(create("stripe-account", "acct_1")).await.json();
    let second = send(create("stripe-context", "acct_sandbox/acct_2")).await.json();
    assert_eq!(send(create("stripe-account", "acct_3")).await.status, 403);
    assert_eq!(send(create("stripe-account", "acct_1").header("stripe-context", "acct_2")).await.status, 400);
    peer.put(&first, PRODUCTS).await;
    peer.put(&second, PRODUCTS.lines().take(2).collect::<Vec<_>>().join("\n").as_str()).await;
    let path = |import: &Value| format!("{IMPORTS}/{}", import["id"].as_str().expect("an id"));
    assert_eq!(send(peer.v2(Method::GET, &path(&first))).await.status, 404, "another account's import is not seen");
    let own = send(peer.v2(Method::GET, &path(&first)).header("stripe-account", "acct_1")).await.json();
    assert_eq!(own["status"], "succeeded", "{own}");
    let own = send(peer.v2(Method::GET, &path(&second)).header("stripe-context", "acct_2")).await.json();
    assert_eq!(own["status"], "succeeded", "{own}");
    let counts = ["acct_1", "acct_2", "acct_sandbox"].map(|account| peer.sandbox.products(account).len());
    assert_eq!(counts, [2, 1, 0]);
}

#[tokio::test]
async fn a_list_is_filtered_and_comes_in_pages() {
    let peer = Peer::with(Options { page_size: 2, ..Options::default() }).await;
    for (place, feed_type) in ["product", "pricing", "product", "inventory", "product"].into_iter().enumerate() {
        peer.create(feed_type, "upsert").await;
        assert_eq!(peer.sandbox.imports().len(), place + 1);
        peer.wait(10);
    }
    let ids = |page: &Value| page["data"].as_array().expect("a list").iter().map(|import| import["id"].clone()).collect::<Vec<_>>();
    let get = |path: String| {
        let request = peer.v2(Method::GET, &path);
        async move { send(request).await }
    };
    let first = get(IMPORTS.to_owned()).await.json();
    assert_eq!(ids(&first), ["pcimprt_test_000005", "pcimprt_test_000004"]);
    assert_eq!(first["previous_page_url"], Value::Null);
    let second = get(first["next_page_url"].as_str().expect("a page").to_owned()).await.json();
    assert_eq!(ids(&second), ["pcimprt_test_000003", "pcimprt_test_000002"]);
    let third = get(second["next_page_url"].as_str().expect("a page").to_owned()).await.json();
    assert_eq!((ids(&third).len(), &third["next_page_url"]), (1, &Value::Null));
    let back = get(third["previous_page_url"].as_str().expect("a page").to_owned()).await.json();
    assert_eq!(ids(&back), ids(&second));
    for (query, count) in [
        ("feed_type=product&limit=100", 3),
        ("status=processing", 0),
        ("status=awaiting_upload&limit=100", 5),
        ("created_gte=2026-08-01T00:00:20Z&created_lt=2026-08-01T00:00:40Z", 2),
        ("created_gt=2026-08-01T00:00:20.000Z&created_lte=2026-08-01T00:00:40.000Z", 2),
        ("created=2026-08-01T00:00:10Z", 1),
    ] {
        assert_eq!(ids(&get(format!("{IMPORTS}?{query}")).await.json()).len(), count, "{query}");
    }
    for query in ["limit=0", "limit=many", "status=done", "feed_type=x", "created_gt=yesterday", "page=2", "offset=2"] {
        assert_eq!(get(format!("{IMPORTS}?{query}")).await.status, 400, "{query}");
    }
}

#[tokio::test]
async fn a_key_makes_one_import_for_thirty_days() {
    let peer = Peer::new().await;
    let create = |key: &str, mode: &str| {
        let body = json!({"feed_type": "product", "mode": mode, "metadata": {}});
        let request = peer.v2(Method::POST, IMPORTS).header("idempotency-key", key).json(&body);
        async move { send(request).await }
    };
    let first = create("k1", "upsert").await.json();
    assert_eq!(create("k1", "upsert").await.json(), first);
    let other = create("k1", "replace").await;
    assert_eq!((other.status, &other.json()["error"]["type"]), (400, &json!("idempotency_error")));
    assert_ne!(create("k2", "upsert").await.json()["id"], first["id"]);
    assert_eq!(create(&"k".repeat(256), "upsert").await.status, 400);
    // A request that failed is tried again under its key.
    assert_eq!(create("k3", "merge").await.status, 400);
    assert_eq!(create("k3", "upsert").await.status, 200);
    peer.wait(30 * 86_400 + 1);
    assert_ne!(create("k1", "upsert").await.json()["id"], first["id"]);
}

#[tokio::test]
async fn promotions_are_imported_beside_products() {
    let peer = Peer::new().await;
    let header = "promotion_id,title,active_period,benefit_type,percent_off,target_selection,target_ids,application_type,promotion_code";
    let period = "2026-08-01T00:00:00Z/2026-09-01T00:00:00Z";
    let feed = format!(
        "{header}\nSPRING,Spring sale,{period},percent_off,20,all_products,,automatic,\nODD,Odd sale,{period},percent_off,many,all_products,,automatic,\n"
    );
    let done = peer.import("promotion", "upsert", &feed).await;
    let details = &done["status_details"]["succeeded_with_errors"];
    assert_eq!((&details["success_count"], &details["samples"][0]["field"]), (&json!("1"), &json!("percent_off")), "{done}");
    assert_eq!(peer.sandbox.promotions("acct_sandbox")[0].1["title"], "Spring sale");
    let done = peer.import("promotion", "upsert", "promotion_id,delete\nSPRING,true\n").await;
    assert_eq!(done["status"], "succeeded", "{done}");
    assert!(peer.sandbox.promotions("acct_sandbox").is_empty() && peer.sandbox.products("acct_sandbox").is_empty());
}
