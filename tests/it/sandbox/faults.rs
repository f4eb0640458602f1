//! Faults on request, and the transcript.

use super::{PRODUCTS, Peer, send};
use feedmill::sandbox::{Api, Fault, Options};
use reqwest::Method;
use serde_json::json;

fn fault(text: &str) -> Fault {
    text.parse().unwrap_or_else(|error| panic!("{error}"))
}

#[tokio::test]
async fn a_status_strikes_as_often_as_asked_and_carries_its_headers() {
    let faults =
        vec![fault("POST /feeds: 429 x2 after=1 retry-after=7"), fault("GET /v2/*: 429 reason=endpoint-rate should-retry=true x1")];
    let peer = Peer::with(Options { faults, ..Options::default() }).await;
    let mut seen = Vec::new();
    for _ in 0..4 {
        let reply = send(peer.acp(Method::POST, "/feeds").json(&json!({}))).await;
        seen.push((reply.status, reply.header("retry-after").map(str::to_owned)));
    }
    let struck = || (429, Some("7".to_owned()));
    assert_eq!(seen, [(201, None), struck(), struck(), (201, None)]);
    assert_eq!(peer.sandbox.feeds().len(), 2, "a struck call does nothing");
    let imports = || peer.v2(Method::GET, "/v2/commerce/product_catalog/imports");
    let reply = send(imports()).await;
    assert_eq!((reply.status, reply.header("retry-after")), (429, None));
    assert_eq!((reply.header("stripe-rate-limited-reason"), reply.header("stripe-should-retry")), (Some("endpoint-rate"), Some("true")));
    assert_eq!(send(imports()).await.status, 200);
}

#[tokio::test]
async fn a_lost_answer_was_done_and_a_reset_was_not() {
    let peer = Peer::new().await;
    peer.sandbox.fault(fault("POST /acp/feeds: reset x1"));
    assert!(peer.acp(Method::POST, "/feeds").json(&json!({})).send().await.is_err());
    assert_eq!(peer.sandbox.feeds().len(), 0);
    peer.sandbox.fault(fault("POST /feeds: lost x1"));
    assert!(peer.acp(Method::POST, "/feeds").json(&json!({})).send().await.is_err());
    assert_eq!(peer.sandbox.feeds().len(), 1);
    let transcript = peer.sandbox.transcript();
    assert_eq!(transcript.iter().map(|exchange| exchange.status).collect::<Vec<_>>(), [None, None]);
    assert_eq!(transcript[0].fault.as_deref(), Some("POST /acp/feeds: reset x1"));
}

#[tokio::test]
async fn a_large_upload_is_reset_in_the_middle() {
    let peer = Peer::new().await;
    let import = peer.create("product", "upsert").await;
    peer.sandbox.fault(fault("PUT *: reset x1"));
    let url = import["status_details"]["awaiting_upload"]["upload_url"]["url"].as_str().expect("an address");
    let put = || peer.client.put(url).header("content-type", "text/csv").body(vec![b'x'; 20 << 20]).send();
    assert!(put().await.is_err());
    assert_eq!(peer.sandbox.imports()[0].status, "awaiting_upload");
    assert_eq!(put().await.expect("an answer").status(), 200);
}

#[tokio::test]
async fn a_cut_answer_is_an_error_in_head_and_body() {
    let peer = Peer::new().await;
    let feed = peer.acp_feed().await;
    peer.sandbox.fault(fault("GET *: cut x1"));
    let reply = peer.acp(Method::GET, &format!("/feeds/{feed}")).send().await.expect("a head");
    assert_eq!(reply.status(), 200);
    assert!(reply.bytes().await.is_err(), "half a body");
    let import = peer.create("product", "upsert").await;
    peer.sandbox.fault(fault("PUT *: cut x1"));
    let url = import["status_details"]["awaiting_upload"]["upload_url"]["url"].as_str().expect("an address");
    let put = peer.client.put(url).header("content-type", "text/csv").body(PRODUCTS);
    assert!(put.send().await.is_err(), "half a head");
    assert_eq!(peer.sandbox.imports()[0].status, "processing", "a cut call was done");
}

#[tokio::test]
async fn a_body_may_speak_of_failure_and_an_end_may_never_come() {
    let peer = Peer::new().await;
    let feed = peer.acp_feed().await;
    peer.sandbox.fault(fault("PATCH /feeds/*: body-failed x1"));
    let body = json!({"products": [{"id": "p1", "variants": []}]});
    let patch = || peer.acp(Method::PATCH, &format!("/feeds/{feed}/products")).json(&body);
    let reply = send(patch()).await;
    assert_eq!((reply.status, &reply.json()["accepted"]), (200, &json!(false)));
    assert!(peer.sandbox.feeds()[0].products.is_empty());
    assert_eq!(send(patch()).await.json()["accepted"], true);
    peer.sandbox.fault(fault("POST /v2/*: body-failed x1"));
    let failed = peer.create("product", "upsert").await;
    peer.put(&failed, PRODUCTS).await;
    let failed = peer.poll(&failed).await;
    assert_eq!(failed["status_details"]["failed"]["type"], "transient_failure", "{failed}");
    peer.sandbox.fault(fault("POST /v2/*: never-done x1"));
    let endless = peer.create("product", "upsert").await;
    peer.put(&endless, PRODUCTS).await;
    for _ in 0..5 {
        assert_eq!(peer.poll(&endless).await["status"], "processing");
    }
}

#[tokio::test]
async fn a_redirect_points_where_it_is_told() {
    let peer = Peer::with(Options { faults: vec![fault("* *: 307 location=http://127.0.0.1:9/elsewhere")], ..Options::default() }).await;
    let reply = send(peer.acp(Method::POST, "/feeds").json(&json!({}))).await;
    assert_eq!((reply.status, reply.header("location")), (307, Some("http://127.0.0.1:9/elsewhere")));
    peer.sandbox.heal();
    assert_eq!(send(peer.acp(Method::POST, "/feeds").json(&json!({}))).await.status, 201);
}

#[tokio::test]
async fn the_transcript_tells_everything_but_secrets() {
    let peer = Peer::new().await;
    let import = peer.create("product", "upsert").await;
    peer.put(&import, PRODUCTS).await;
    let create = peer.bare(Method::POST, Api::Acp, "/feeds?token=CANARY").bearer_auth("CANARY").header("x-api-key", "CANARY");
    send(create.header("api-version", "2026-04-17").json(&json!({"target_country": "usa"}))).await;
    send(peer.bare(Method::GET, Api::Stripe, "/v1/files/file_1").bearer_auth("sk_live_CANARY")).await;
    let text: String = peer.sandbox.transcript().iter().map(ToString::to_string).collect();
    assert!(!text.contains("CANARY"), "{text}");
    for part in [
        "#1 POST /stripe/v2/commerce/product_catalog/imports",
        "> authorization: Bearer sk_test_***",
        "> stripe-version: 2026-06-24.dahlia",
        "\"feed_type\":\"product\"",
        "#2 PUT /stripe-uploads/pcimprt_test_000001/upload?expires=1785542700&signature=***",
        "#3 POST /acp/feeds?token=***",
        "< 400",
        "invalid_target_country",
        "> authorization: Bearer sk_live_***",
    ] {
        assert!(text.contains(part), "`{part}` is not in\n{text}");
    }
    assert!(!text.contains("signature=0") && !text.contains("sk_test_1"), "{text}");
}

#[tokio::test]
async fn a_path_of_no_target_is_told_so() {
    let peer = Peer::new().await;
    let reply = send(peer.client.get(format!("http://{}/striped/v2", peer.sandbox.address()))).await;
    assert_eq!(reply.status, 404);
    assert!(reply.text().contains("/stripe-uploads"), "{}", reply.text());
}
