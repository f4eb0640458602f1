//! The endpoint for whole feeds.

use super::{Peer, send};
use crate::support::SOUND;
use feedmill::sandbox::{Api, Fault, Key, Options};
use reqwest::Method;

#[tokio::test]
async fn a_whole_feed_is_taken_and_judged() {
    let peer = Peer::new().await;
    let push = |body: String| peer.bare(Method::POST, Api::Https, "/openai@2026-09/feed").header("content-type", "text/csv").body(body);
    let reply = send(push(SOUND.replace("12.50 USD", "cheap"))).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    let taken = &peer.sandbox.deliveries()[0];
    assert_eq!((taken.accepted, taken.rejected, taken.path.as_str()), (1, 1, "/openai@2026-09/feed"));
    assert_eq!(taken.rows[0]["item_id"], "A1");
    assert_eq!(send(push(String::new())).await.status, 400);
    assert_eq!(send(push(SOUND.to_owned()).header("content-encoding", "br")).await.status, 415);
    assert_eq!(send(peer.bare(Method::POST, Api::Https, "").header("content-type", "text/html").body("x")).await.status, 415);
    assert_eq!(send(peer.bare(Method::GET, Api::Https, "/feed")).await.status, 405);
    peer.sandbox.fault("POST /https/*: body-failed x1".parse::<Fault>().expect("a fault"));
    let failed = send(push(SOUND.to_owned())).await;
    assert_eq!((failed.status, failed.json()["status"].as_str()), (200, Some("failed")));
    assert_eq!(peer.sandbox.deliveries().len(), 1);
}

#[tokio::test]
async fn a_credential_may_stand_in_any_header() {
    let peer = Peer::with(Options { keys: vec![Key::full("secret")], ..Options::default() }).await;
    let push = || peer.bare(Method::PUT, Api::Https, "/openai@2026-09").header("content-type", "text/csv").body(SOUND);
    assert_eq!(send(push()).await.status, 401);
    assert_eq!(send(push().header("x-api-key", "secret")).await.status, 200);
    assert_eq!(send(push().bearer_auth("secret")).await.status, 200);
}
