//! The endpoint of the launch feeds, whose address a merchant is given at onboarding: it takes a
//! whole feed. `/https/SPEC` judges by that spec, any other path by the launch one; with
//! `?uploads=FEED` it is an upload to that feed of the Ads API as well.
//!
//! What such an endpoint answers is not documented: here 200 with counts, 400 for a file that
//! cannot be read, 415 for a type that no document names.

use super::call::{Answer, Call, Payload, plain_media};
use super::fault::Twist;
use super::{Delivery, Shared, judge, snapshot};
use serde_json::json;

/// The generation that was pushed over HTTPS.
const SPEC: &str = "openai@2025-09";
const MEDIA: [&str; 9] = [
    "text/csv",
    "text/tab-separated-values",
    "application/json",
    "application/jsonl",
    "application/x-ndjson",
    "application/xml",
    "text/xml",
    "application/gzip",
    "application/octet-stream",
];

/// Answers a call.
pub(super) fn answer(shared: &Shared, call: &Call) -> Answer {
    let refuse = |status: u16, message: &str| Answer::json(status, json!({"error": {"message": message}}));
    if !matches!(call.method.as_str(), "POST" | "PUT") {
        return refuse(405, "a feed is sent with POST or PUT");
    }
    let keys = &shared.options.keys;
    let holds = |key: &super::Key| call.headers.values().any(|value| value.to_str().is_ok_and(|value| value.contains(&key.secret)));
    if !keys.is_empty() && !keys.iter().any(holds) {
        return refuse(401, "no header holds a credential that is accepted");
    }
    let media = plain_media(call.header("content-type").unwrap_or_default());
    if !MEDIA.contains(&media.as_str()) {
        return refuse(415, "the content type is that of no feed");
    }
    if !matches!(call.header("content-encoding"), None | Some("gzip")) {
        return refuse(415, "a feed is sent plain or with `Content-Encoding: gzip`");
    }
    let Payload::File(file, bytes) = &call.body else { return refuse(400, "a feed is sent as the body") };
    let named = call.segments().first().copied().filter(|name| crate::spec::load::spec(name).is_ok());
    let found = snapshot::read(file.path(), named.unwrap_or(SPEC), judge::date(shared.now()));
    if let Some(failure) = &found.judgement.failure {
        return refuse(400, failure);
    }
    if call.twist == Some(Twist::BodyFailed) {
        return Answer::json(200, json!({"status": "failed"}));
    }
    let (rows, accepted) = (found.judgement.rows, found.rows.len() as u64);
    let mut world = shared.world();
    let uploads = call.query.iter().find(|(name, _)| name == "uploads");
    if let Some(feed) = uploads.and_then(|(_, feed)| world.ads_feed(feed)) {
        // How whoever carries it there calls the file is their affair.
        feed.receive("feed.csv", found.clone(), None);
    }
    world.deliveries.push(Delivery {
        way: "https",
        path: call.path.clone(),
        bytes: *bytes,
        blake3: call.digest(),
        accepted,
        rejected: rows.saturating_sub(accepted),
        rows: found.rows,
    });
    Answer::json(200, json!({"status": "accepted", "rows_accepted": accepted, "rows_rejected": rows.saturating_sub(accepted)}))
}
