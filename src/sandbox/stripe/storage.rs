//! The storage behind presigned addresses: the file of an import goes up, the report of refused
//! rows comes down. A signature in the address is the only credential.

use super::imports::Upload;
use crate::sandbox::call::{Answer, Call, Payload};
use crate::sandbox::{Api, Shared, judge};
use jiff::Timestamp;
use std::sync::Arc;

/// What an address is for: the file of an import.
pub(super) const UPLOAD: &str = "upload";
/// What an address is for: the report of refused rows.
pub(super) const REPORT: &str = "report";

/// A presigned address.
pub(super) fn address(shared: &Shared, id: &str, what: &str, expires: Timestamp) -> String {
    let expires = expires.as_second();
    format!("{}/{id}/{what}?expires={expires}&signature={}", shared.base(Api::StripeUploads), sign(id, what, expires))
}

/// Ties an address to its object and its end. Whoever runs the sandbox may forge it; no one else can reach it.
fn sign(id: &str, what: &str, expires: i64) -> String {
    blake3::hash(format!("{id} {what} {expires}").as_bytes()).to_hex().chars().take(32).collect()
}

/// Answers a call: 403 for an address that is not valid or no longer.
pub(super) fn answer(shared: &Shared, call: &Call) -> Answer {
    let segments = call.segments();
    let [id, what] = segments.as_slice() else { return Answer::empty(404) };
    let value = |name: &str| call.query.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
    let expires = value("expires").and_then(|expires| expires.parse::<i64>().ok()).unwrap_or(0);
    if value("signature") != Some(sign(id, what, expires).as_str()) || shared.now().as_second() > expires {
        return Answer::empty(403);
    }
    // A key sent to a presigned address has left the house.
    let foreign = call.headers.keys().any(|name| name == "authorization" || name.as_str().starts_with("stripe-"));
    if foreign {
        return Answer::empty(400);
    }
    match (call.method.as_str(), *what) {
        ("PUT", UPLOAD) => put(shared, call, id),
        ("GET", REPORT) => {
            let report = shared.world().stripe.imports.iter().find(|import| import.id == *id).and_then(super::imports::Import::report);
            report.map_or_else(
                || Answer::empty(404),
                |report| Answer { content: crate::sandbox::call::Content::Csv(report), ..Answer::empty(200) },
            )
        }
        _ => Answer::empty(405),
    }
}

fn put(shared: &Shared, call: &Call, id: &str) -> Answer {
    let Payload::File(file, size) = &call.body else { return Answer::empty(400) };
    if *size > shared.options.import_bytes {
        return Answer::empty(413);
    }
    let Some((format, delimiter)) = format(&call.media()) else { return Answer::empty(415) };
    let feed_type = shared.world().stripe.imports.iter().find(|import| import.id == id).map(|import| import.feed_type.clone());
    let Some(feed_type) = feed_type else { return Answer::empty(404) };
    // Judging takes its time; others may call meanwhile.
    let judgement = judge::judge(file.path(), super::spec_of(&feed_type), Some(format), judge::date(shared.now()));
    let blake3 = call.digest();
    let mut world = shared.world();
    let import = world.stripe.imports.iter_mut().find(|import| import.id == id);
    if let Some(import) = import {
        import.uploads += 1;
        // The same address may be written again; what was read already is not read again.
        if !import.is_over() {
            import.upload = Some(Upload { file: Arc::clone(file), delimiter, judgement, blake3 });
        }
    }
    Answer::empty(200)
}

/// The format of a media type, and its separator.
pub(super) fn format(media: &str) -> Option<(&'static str, u8)> {
    match media {
        "text/csv" => Some(("csv", b',')),
        "text/tab-separated-values" | "text/tsv" => Some(("tsv", b'\t')),
        _ => None,
    }
}
