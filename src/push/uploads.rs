//! Uploads that are watched: the way in takes files and gives no verdict, as SFTP does, and
//! OpenAI's Ads API tells what became of each upload.
//!
//! A record of an upload names no file, so the ones that were there before the files are sent
//! are written down first; what appears after is ours. Which shape the list has is not
//! documented: clients read it under several names, and so does this. Diagnostics name a field
//! and how many rows are affected, never the rows.

use super::address::Address;
use super::difference::Difference;
use super::error::PushError;
use super::feed::Built;
use super::http::{Call, Http};
use super::stripe::Way;
use super::{Desk, Destination, FileState, Part, ReadBack, Refused, Verdict, Work};
use crate::secret::{Secret, SecretRef};
use crate::state::Intent;
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use std::path::Path;
use std::sync::atomic::Ordering;

/// The keys of `uploads = { ads = ... }`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Settings {
    /// The Ads API.
    ads: String,
    /// The feed that the files are uploaded to.
    feed: String,
    /// The Advertiser API key.
    key: SecretRef,
}

pub(super) struct Watched {
    inner: Box<dyn Destination>,
    http: Http,
    uploads: Address,
    feed: String,
    key: Secret,
}

impl Settings {
    /// The feed that the files are uploaded to.
    pub(super) fn feed(&self) -> &str {
        &self.feed
    }

    /// Where the API is.
    pub(super) fn address(&self) -> &str {
        &self.ads
    }

    /// Asks elsewhere, and shows something else.
    pub(super) fn divert(&mut self, ads: String, key: SecretRef) {
        (self.ads, self.key) = (ads, key);
    }
}

/// The uploads that were there before, as remembered.
const SEEN: &str = "uploads_seen";
/// That the files are sent, as remembered.
const SENT: &str = "uploads_sent";
/// The names under which the list is found.
const LISTS: [&str; 3] = ["uploads", "latest_uploads", "data"];

impl Watched {
    pub(super) fn new(inner: Box<dyn Destination>, settings: &Settings, way: &Way<'_>, rehearsal: bool) -> Result<Self, PushError> {
        let wrong = |message: String| PushError::Settings(format!("target `{}`: uploads: {message}", way.target));
        let base = Address::parse(&settings.ads).map_err(wrong)?;
        let key = settings.key.read(way.home).map_err(|message| wrong(format!("key: {message}")))?;
        let mut http = Http::new(way.shared, way.policy, way.limits, vec![key.clone()])?;
        if rehearsal {
            http = http.rehearsing(Box::new(|_| json!({ "uploads": [] })));
        }
        Ok(Self { inner, http, uploads: base.join("feeds").join("uploads"), feed: settings.feed.clone(), key })
    }

    /// The records of the feed.
    async fn records(&self) -> Result<Vec<Value>, PushError> {
        let mut call = Call::new("asking for the uploads", Method::GET, self.uploads.clone());
        call.bearer = Some(&self.key);
        let answer = self.http.send(&call).await?.json();
        let Some(list) = LISTS.iter().find_map(|name| answer.get(*name)).and_then(Value::as_array) else {
            return Err(PushError::Unknown("asking for the uploads: the answer has no list of them".to_owned()));
        };
        Ok(list.iter().filter(|record| text(record, "feed_id") == self.feed).cloned().collect())
    }

    async fn verdict(&self, desk: &Desk<'_>, part: &Part, intent: &mut Intent) -> Result<Verdict, PushError> {
        if !intent.remote.contains_key(SEEN) {
            let seen: Vec<String> = self.records().await?.iter().map(|record| text(record, "upload_id").to_owned()).collect();
            desk.remember(intent, SEEN, seen).await?;
        }
        let mut notes = Vec::new();
        if !intent.remote.contains_key(SENT) {
            notes = self.inner.deliver(desk, part, intent).await?.notes;
            desk.remember(intent, SENT, true).await?;
        }
        let mut verdict = self.wait(desk, intent).await?;
        verdict.notes.extend(notes);
        Ok(verdict)
    }

    /// Waits until every upload that was not there before has come to its end.
    async fn wait(&self, desk: &Desk<'_>, intent: &mut Intent) -> Result<Verdict, PushError> {
        let seen = intent.remote.get(SEEN).cloned().unwrap_or_default();
        let is_ours = |record: &Value| !seen.as_array().is_some_and(|seen| seen.iter().any(|id| *id == record["upload_id"]));
        let since = self.http.clock().elapsed();
        let mut asked = 0;
        loop {
            let mut records = self.records().await.map_err(PushError::after_sending)?;
            records.retain(is_ours);
            if self.http.is_rehearsal() {
                return Ok(Verdict::default());
            }
            let open = records.iter().find(|record| !is_final(text(record, "status")));
            if !records.is_empty() && open.is_none() {
                let verdict = verdict(&records, &self.http);
                if verdict.failure.is_some() {
                    // What failed for good is sent anew, once there is something to send.
                    desk.forget(intent, &[SEEN, SENT]).await?;
                }
                return Ok(verdict);
            }
            let state = open.map_or_else(
                || format!("no upload to `{}` has appeared yet", self.feed),
                |open| {
                    format!("the upload {} is `{}` still", self.http.clean(text(open, "upload_id")), self.http.clean(text(open, "status")))
                },
            );
            if !desk.poll.wait(&self.http, asked, since).await {
                return Err(PushError::Unknown(format!("{state}; `feedmill status` asks again")));
            }
            asked += 1;
        }
    }
}

fn text<'a>(record: &'a Value, name: &str) -> &'a str {
    record.get(name).and_then(Value::as_str).unwrap_or("")
}

/// Whether an upload has come to its end; a status that is not documented has not.
fn is_final(status: &str) -> bool {
    matches!(status, "completed" | "completed_with_errors" | "skipped" | "failed")
}

/// What became of uploads of the same files: the counts of the one that got furthest, and every
/// diagnostic once.
fn verdict(records: &[Value], http: &Http) -> Verdict {
    let most = |name: &str| records.iter().filter_map(|record| record.get(name)?.as_u64()).max();
    let mut verdict = Verdict { taken: most("rows_accepted"), refused: most("rows_rejected"), ..Verdict::default() };
    for diagnostic in records.iter().filter_map(|record| record.get("diagnostics")?.as_array()).flatten() {
        let (code, field) = (text(diagnostic, "code"), text(diagnostic, "field"));
        let refused = Refused {
            field: Some(http.clean(field)).filter(|field| !field.is_empty()),
            rows: Some(diagnostic.get("rows_affected").and_then(Value::as_u64).unwrap_or(0)),
            code: Some(http.clean(code)),
            warning: text(diagnostic, "severity") == "warning",
            ..Refused::default()
        };
        if !verdict.refusals.contains(&refused) {
            verdict.refusals.push(refused);
        }
    }
    let ids: Vec<String> = records.iter().map(|record| http.clean(text(record, "upload_id"))).collect();
    verdict.remote.insert("upload_id".to_owned(), ids.join(" ").into());
    verdict.remote.insert("rows_ads_eligible".to_owned(), most("rows_ads_eligible").into());
    let with = |status: &str| records.iter().any(|record| text(record, "status") == status);
    if with("failed") && !with("completed") && !with("completed_with_errors") {
        let why: Vec<&str> = verdict.refusals.iter().filter_map(|refused| refused.code.as_deref()).collect();
        verdict.failure = Some(format!(
            "the upload {} failed: {}",
            ids.join(" "),
            if why.is_empty() { "no reason given".to_owned() } else { why.join(", ") }
        ));
    } else if with("skipped") && !with("completed") && !with("completed_with_errors") {
        verdict.notes.push(format!("the upload {} was skipped", ids.join(" ")));
    }
    verdict
}

impl Destination for Watched {
    fn describe(&self) -> String {
        format!("{}, watched at {}", self.inner.describe(), self.uploads)
    }

    fn http(&self) -> Option<&Http> {
        Some(&self.http)
    }

    fn requests(&self) -> u64 {
        self.inner.requests() + self.http.requests.load(Ordering::Relaxed)
    }

    fn rehearsed(&self) -> Vec<String> {
        self.inner.rehearsed().into_iter().chain(self.http.rehearsed()).collect()
    }

    fn formats(&self) -> &'static [&'static str] {
        self.inner.formats()
    }

    fn takes_snapshots(&self) -> bool {
        self.inner.takes_snapshots()
    }

    fn files<'a>(&'a self, built: &'a Built) -> Work<'a, Option<Vec<(String, FileState)>>> {
        self.inner.files(built)
    }

    fn standing(&self) -> Work<'_, Option<u64>> {
        self.inner.standing()
    }

    fn max_age(&self) -> Option<u64> {
        self.inner.max_age()
    }

    fn parts(&self, built: &Built, difference: &Difference, folder: &Path) -> Result<Vec<Part>, PushError> {
        self.inner.parts(built, difference, folder)
    }

    fn deliver<'a>(&'a self, desk: &'a Desk<'a>, part: &'a Part, intent: &'a mut Intent) -> Work<'a, Verdict> {
        Box::pin(self.verdict(desk, part, intent))
    }

    fn resume<'a>(&'a self, desk: &'a Desk<'a>, intent: &'a mut Intent) -> Work<'a, Option<Verdict>> {
        Box::pin(async move {
            if intent.remote.contains_key(SENT) {
                return self.wait(desk, intent).await.map(Some);
            }
            self.inner.resume(desk, intent).await
        })
    }

    fn may_have_changed(&self, intent: &Intent) -> bool {
        let mut inner = intent.clone();
        inner.remote.remove(SEEN);
        self.inner.may_have_changed(&inner)
    }

    fn read_back<'a>(&'a self, desk: &'a Desk<'a>) -> Work<'a, Option<ReadBack>> {
        self.inner.read_back(desk)
    }
}
