//! Product catalog imports (v2): create, upload, retrieve, list.
//!
//! How long an import takes is not documented: here it is seen unfinished as often as the options
//! say, and its rows are applied when it is first seen finished, so of two imports under way the
//! one that ends later wins, whichever was created first.

use super::catalog::{Taken, Uploaded};
use super::{Caller, Generation, ImportState, Stripe, StripeFault, counted, moment, storage};
use crate::sandbox::Shared;
use crate::sandbox::call::{Answer, Call};
use crate::sandbox::fault::Twist;
use crate::sandbox::judge::Judgement;
use crate::sandbox::shape::{self, Shape, required};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use tempfile::NamedTempFile;

/// The statuses, in the order of an import's life.
const STATUSES: [&str; 5] = ["awaiting_upload", "processing", "succeeded", "succeeded_with_errors", "failed"];
const FEED_TYPES: &[&str] = &["inventory", "pricing", "product", "promotion"];
/// Samples of refused rows that an import shows.
const SAMPLES: usize = 10;
/// The most objects on a page.
const MOST: usize = 100;

static CREATE: Shape = Shape::Object(
    &[
        required("feed_type", &Shape::OneOf(FEED_TYPES)),
        required("mode", &Shape::OneOf(&["replace", "upsert"])),
        required("metadata", &Shape::Texts),
    ],
    0,
);

/// An import.
#[derive(Debug)]
pub(super) struct Import {
    pub(super) id: String,
    account: String,
    live: bool,
    created: Timestamp,
    pub(super) feed_type: String,
    mode: String,
    metadata: BTreeMap<String, String>,
    pub(super) expires: Timestamp,
    pub(super) upload: Option<Upload>,
    pub(super) uploads: u32,
    polls: u32,
    twist: Option<Twist>,
    end: Option<End>,
}

/// A file that was put.
#[derive(Debug)]
pub(super) struct Upload {
    pub(super) file: Arc<NamedTempFile>,
    pub(super) delimiter: u8,
    pub(super) judgement: Judgement,
    pub(super) blake3: String,
}

/// How an import ended.
#[derive(Debug)]
pub(super) enum End {
    Taken(Taken),
    Failed { code: &'static str, kind: &'static str, message: String },
}

impl Import {
    fn status(&self) -> &'static str {
        match (&self.end, &self.upload) {
            (None, None) => STATUSES[0],
            (None, Some(_)) => STATUSES[1],
            (Some(End::Taken(taken)), _) if taken.refused.is_empty() => STATUSES[2],
            (Some(End::Taken(_)), _) => STATUSES[3],
            (Some(End::Failed { .. }), _) => STATUSES[4],
        }
    }

    /// Whether its status is final.
    pub(super) fn is_over(&self) -> bool {
        self.end.is_some()
    }

    /// The report of refused rows, where there is one.
    pub(super) fn report(&self) -> Option<Arc<[u8]>> {
        match &self.end {
            Some(End::Taken(taken)) if !taken.refused.is_empty() => Some(Arc::clone(&taken.report)),
            _ => None,
        }
    }

    /// Tests see it like this.
    pub(super) fn state(&self) -> ImportState {
        let (taken, refused) = match &self.end {
            Some(End::Taken(taken)) => (taken.taken, taken.refused.len() as u64),
            _ => (0, 0),
        };
        ImportState {
            id: self.id.clone(),
            account: self.account.clone(),
            live: self.live,
            feed_type: self.feed_type.clone(),
            mode: self.mode.clone(),
            metadata: self.metadata.clone(),
            status: self.status().to_owned(),
            taken,
            refused,
            uploads: self.uploads,
            blake3: self.upload.as_ref().map(|upload| upload.blake3.clone()),
        }
    }

    fn is_of(&self, caller: &Caller) -> bool {
        self.account == caller.account && self.live == caller.live
    }

    /// The object as a client of this version sees it, with fresh addresses.
    fn object(&self, shared: &Shared, caller: &Caller) -> Value {
        let status = self.status();
        let details = match (&self.end, &self.upload) {
            (None, None) => {
                let url = storage::address(shared, &self.id, storage::UPLOAD, self.expires);
                json!({"upload_url": {"url": url, "expires_at": moment(self.expires)}})
            }
            (None, Some(_)) => json!({"error_count": "0", "success_count": "0"}),
            (Some(End::Taken(taken)), _) if taken.refused.is_empty() => json!({"success_count": counted(taken.taken)}),
            (Some(End::Taken(taken)), _) => {
                let expires = after(shared.now(), shared.options.report_seconds);
                let url = storage::address(shared, &self.id, storage::REPORT, expires);
                let samples = taken.refused.iter().take(SAMPLES).map(|(row, refusal)| {
                    json!({"row": counted(*row), "id": refusal.item, "field": refusal.field, "error_message": refusal.message})
                });
                json!({
                    "success_count": counted(taken.taken),
                    "error_count": counted(taken.refused.len() as u64),
                    "error_file": {
                        "content_type": "text/csv",
                        "size": counted(taken.report.len() as u64),
                        "download_url": {"url": url, "expires_at": moment(expires)},
                    },
                    "samples": samples.collect::<Vec<_>>(),
                })
            }
            (Some(End::Failed { code, kind, message }), _) => json!({"code": code, "type": kind, "failure_message": message}),
        };
        let mut object = json!({
            "id": self.id,
            "object": "v2.commerce.product_catalog_import",
            "created": moment(self.created),
            "feed_type": self.feed_type,
            "livemode": self.live,
            "metadata": self.metadata,
        });
        if caller.version.has_promotions() {
            object["mode"] = json!(self.mode);
        }
        object["status"] = json!(status);
        object["status_details"] = json!({ status: details });
        object
    }
}

/// A moment so many seconds later.
pub(super) fn after(at: Timestamp, seconds: i64) -> Timestamp {
    at.checked_add(SignedDuration::from_secs(seconds)).unwrap_or(at)
}

/// Answers a call on the collection or on one import.
pub(super) fn dispatch(shared: &Shared, call: &Call, caller: &Caller, method: &str, rest: &[&str]) -> Result<Answer, StripeFault> {
    if !caller.version.has_imports() {
        return Err(StripeFault::new(400, "unsupported_version", "product catalog imports are there from 2026-04-22 on"));
    }
    let may = |allowed: bool, what: &str| {
        let message = format!("the key lacks the permission to {what} Product Catalog Imports");
        if allowed { Ok(()) } else { Err(StripeFault::new(403, "forbidden", message)) }
    };
    match (method, rest) {
        ("POST", []) => {
            may(caller.writes_imports, "write")?;
            Generation::V2.once(shared, call, caller, || create(shared, call, caller))
        }
        ("GET", []) => {
            may(caller.reads_imports, "read")?;
            list(shared, call, caller)
        }
        ("GET", [id]) => {
            may(caller.reads_imports, "read")?;
            retrieve(shared, call, caller, id)
        }
        (_, [] | [_]) => Err(StripeFault::method(call)),
        _ => Err(StripeFault::new(404, "not_found", format!("there is no `{}`", call.path))),
    }
}

fn create(shared: &Shared, call: &Call, caller: &Caller) -> Result<Answer, StripeFault> {
    if call.media() != "application/json" {
        return Err(StripeFault::new(415, "unsupported_media_type", "the body must be declared as `application/json`"));
    }
    let body = shape::read(call.bytes(), &CREATE).map_err(|flaw| StripeFault::field(&flaw.path, flaw.message))?;
    let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
    let (feed_type, mode) = (text("feed_type"), text("mode"));
    if mode == "replace" && feed_type != "product" {
        return Err(StripeFault::field("mode", "`replace` is for the product feed only"));
    }
    if feed_type == "promotion" && !caller.version.has_promotions() {
        return Err(StripeFault::field("feed_type", "promotions can be imported from 2026-06-24.dahlia on"));
    }
    let metadata = body["metadata"].as_object().into_iter().flatten();
    let metadata = metadata.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect();
    let now = shared.now();
    let mut world = shared.world();
    let imports = &mut world.stripe.imports;
    let test = if caller.live { "" } else { "test_" };
    let import = Import {
        id: format!("pcimprt_{test}{:06}", imports.len() + 1),
        account: caller.account.clone(),
        live: caller.live,
        created: now,
        feed_type,
        mode,
        metadata,
        expires: after(now, shared.options.upload_seconds),
        upload: None,
        uploads: 0,
        polls: 0,
        twist: call.twist,
        end: None,
    };
    let object = import.object(shared, caller);
    imports.push(import);
    Ok(Answer::json(200, object))
}

fn retrieve(shared: &Shared, call: &Call, caller: &Caller, id: &str) -> Result<Answer, StripeFault> {
    let stripe = &mut shared.world().stripe;
    let place = stripe.imports.iter().position(|import| import.id == id && import.is_of(caller));
    let place = place.ok_or_else(|| StripeFault::new(404, "not_found", format!("no product catalog import has the id `{id}`")))?;
    stripe.advance(place, call.twist, shared);
    Ok(Answer::json(200, stripe.imports[place].object(shared, caller)))
}

impl Stripe {
    /// An import is looked at: it may come to its end now.
    fn advance(&mut self, place: usize, twist: Option<Twist>, shared: &Shared) {
        let Some(import) = self.imports.get_mut(place) else { return };
        let twist = twist.or(import.twist);
        if import.end.is_some() {
            return;
        }
        let Some(upload) = &import.upload else {
            if shared.now() > import.expires {
                let message = "no file was uploaded before the upload address expired".to_owned();
                import.end = Some(End::Failed { code: "file_not_found", kind: "cannot_proceed", message });
            }
            return;
        };
        if twist == Some(Twist::NeverDone) {
            return;
        }
        if twist == Some(Twist::BodyFailed) {
            let message = "the sandbox was asked to let it fail".to_owned();
            import.end = Some(End::Failed { code: "internal_error", kind: "transient_failure", message });
            return;
        }
        import.polls += 1;
        if import.polls <= shared.options.polls_until_done {
            return;
        }
        if let Some(failure) = &upload.judgement.failure {
            import.end = Some(End::Failed { code: "invalid_file", kind: "cannot_proceed", message: failure.clone() });
            return;
        }
        let (file, judgement) = (Arc::clone(&upload.file), upload.judgement.clone());
        let (account, live, feed_type) = (import.account.clone(), import.live, import.feed_type.clone());
        let feed = Uploaded { path: file.path(), delimiter: upload.delimiter, feed_type: &feed_type, replace: import.mode == "replace" };
        let end = match self.catalog(&account, live).take(feed, &judgement) {
            Ok(taken) => End::Taken(taken),
            Err(error) => End::Failed { code: "invalid_file", kind: "cannot_proceed", message: error.to_string() },
        };
        if let Some(import) = self.imports.get_mut(place) {
            import.end = Some(end);
        }
    }
}

/// The filters of a list.
#[derive(Debug, Default)]
struct Filters {
    created: Vec<(&'static str, Timestamp)>,
    feed_type: Option<String>,
    status: Option<String>,
    limit: usize,
    from: usize,
}

fn filters(call: &Call, page_size: usize) -> Result<Filters, StripeFault> {
    let mut filters = Filters { limit: page_size, ..Filters::default() };
    for (name, value) in &call.query {
        match name.as_str() {
            "created" | "created_gt" | "created_gte" | "created_lt" | "created_lte" => {
                let at = value.parse().map_err(|_| StripeFault::field(name, "a moment such as 2026-03-01T00:00:00Z is expected"))?;
                let names = ["created", "created_gt", "created_gte", "created_lt", "created_lte"];
                filters.created.extend(names.into_iter().find(|known| known == name).map(|name| (name, at)));
            }
            "feed_type" if FEED_TYPES.contains(&value.as_str()) => filters.feed_type = Some(value.clone()),
            "status" if STATUSES.contains(&value.as_str()) => filters.status = Some(value.clone()),
            "feed_type" => return Err(StripeFault::field(name, format!("one of {} is expected", FEED_TYPES.join(", ")))),
            "status" => return Err(StripeFault::field(name, format!("one of {} is expected", STATUSES.join(", ")))),
            "limit" => {
                let limit = value.parse().ok().filter(|limit| (1..=MOST).contains(limit));
                filters.limit = limit.ok_or_else(|| StripeFault::field(name, format!("a number from 1 to {MOST} is expected")))?;
            }
            "page" => {
                let from = value.strip_prefix("page_").and_then(|from| from.parse().ok());
                filters.from = from.ok_or_else(|| StripeFault::field(name, "take it from `next_page_url`"))?;
            }
            _ => return Err(StripeFault::field(name, "this parameter is not known")),
        }
    }
    Ok(filters)
}

impl Filters {
    fn take(&self, import: &Import) -> bool {
        // Filters are written to the millisecond, as objects are.
        let created = import.created.as_millisecond();
        let in_time = self.created.iter().all(|(name, at)| {
            let at = at.as_millisecond();
            match *name {
                "created_gt" => created > at,
                "created_gte" => created >= at,
                "created_lt" => created < at,
                "created_lte" => created <= at,
                _ => created == at,
            }
        });
        in_time
            && self.feed_type.as_ref().is_none_or(|feed_type| *feed_type == import.feed_type)
            && self.status.as_ref().is_none_or(|status| status == import.status())
    }

    /// The path of another page of the same list.
    fn page(&self, call: &Call, from: usize) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(call.query.iter().filter(|(name, _)| name != "page"));
        query.append_pair("page", &format!("page_{from}"));
        format!("{}?{}", call.path, query.finish())
    }
}

/// Newest first, as Stripe's lists are.
fn list(shared: &Shared, call: &Call, caller: &Caller) -> Result<Answer, StripeFault> {
    let filters = filters(call, shared.options.page_size)?;
    let stripe = &mut shared.world().stripe;
    for place in 0..stripe.imports.len() {
        if stripe.imports[place].is_of(caller) {
            stripe.advance(place, call.twist, shared);
        }
    }
    let found: Vec<&Import> = stripe.imports.iter().rev().filter(|import| import.is_of(caller) && filters.take(import)).collect();
    let data: Vec<Value> = found.iter().skip(filters.from).take(filters.limit).map(|import| import.object(shared, caller)).collect();
    let end = filters.from + data.len();
    let next = (end < found.len()).then(|| filters.page(call, end));
    let previous = (filters.from > 0).then(|| filters.page(call, filters.from.saturating_sub(filters.limit)));
    Ok(Answer::json(200, json!({"data": data, "next_page_url": next, "previous_page_url": previous})))
}
