//! Stripe's product catalog imports (v2): create, upload to the address that is handed out, ask
//! until it is final, fetch the report of rejected rows.

use super::address::Address;
use super::difference::Difference;
use super::error::PushError;
use super::feed::Built;
use super::http::{Body, Call, Http};
use super::stripe::{Api, MOST_REFUSALS, Settings, Way, read_report, text, upload_of};
use super::{Desk, Destination, Part, Refused, Verdict, Work, rows};
use crate::state::Intent;
use reqwest::Method;
use serde_json::{Value, json};
use std::path::Path;

pub(super) struct Imports {
    api: Api,
}

const PATH: &str = "/v2/commerce/product_catalog/imports";

/// Seconds after which a key may have been forgotten; then the list of imports is asked.
const KEY_AGE: i64 = 24 * 3600;

/// A fresh import for an address that ran out, at most so often.
const FRESH: u32 = 3;

impl Imports {
    pub(super) fn new(settings: &Settings, way: &Way<'_>, rehearsal: bool) -> Result<Self, PushError> {
        let mut api = Api::new(settings, way)?;
        if rehearsal {
            api.http = api.http.rehearsing(Box::new(imagined));
        }
        Ok(Self { api })
    }

    async fn get(&self, import: &str) -> Result<Value, PushError> {
        let call = self.api.call("asking for the import", Method::GET, self.api.base.join(PATH).join(import));
        Ok(self.api.http.send(&call).await?.json())
    }

    /// The import of an intent: the one remembered, one found in the list, or a new one.
    async fn import(&self, desk: &Desk<'_>, part: &Part, intent: &mut Intent) -> Result<Value, PushError> {
        if let Some(id) = intent.word("import") {
            return self.get(id).await;
        }
        let begun = intent.word("key").is_some();
        if begun
            && self.now() - intent.created > KEY_AGE
            && let Some(found) = self.find(intent).await?
        {
            return Ok(found);
        }
        let key = desk.key(intent, "key").await?;
        let mut call = self.api.call("creating the import", Method::POST, self.api.base.join(PATH));
        call.header("Idempotency-Key", key);
        let name = part.files.first().and_then(|file| file.file_name()).map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let mode = if self.api.replace { "replace" } else { "upsert" };
        // Everything that the list is searched by later.
        let metadata = json!({ "file_name": name, "content": part.content.get(..32).unwrap_or(&part.content), "made_by": "feedmill" });
        call.body = Body::Json(json!({ "feed_type": part.kind, "mode": mode, "metadata": metadata }).to_string());
        let made = self.api.http.send(&call).await?.json();
        let Some(id) = made.get("id").and_then(Value::as_str) else {
            return Err(PushError::Unknown("creating the import: the answer has no `id`, so the import cannot be found again".to_owned()));
        };
        desk.remember(intent, "import", id).await?;
        Ok(made)
    }

    /// Looks for an import of the same content that an earlier run created.
    async fn find(&self, intent: &Intent) -> Result<Option<Value>, PushError> {
        let since = jiff::Timestamp::from_second(intent.created - 60).map_or_else(|_| String::new(), |at| at.to_string());
        let mut address = self.api.base.join(PATH).query(&[("created_gte", &since), ("limit", "100")]);
        // Pages of a hundred; a list without end is not followed.
        for _ in 0..20 {
            let list = self.api.http.send(&self.api.call("looking for the import", Method::GET, address)).await?.json();
            let found = list.get("data").and_then(Value::as_array).into_iter().flatten().find(|import| {
                let content = import.pointer("/metadata/content").and_then(Value::as_str);
                content.is_some_and(|content| !content.is_empty() && intent.content.starts_with(content))
            });
            if let Some(found) = found {
                return Ok(Some(found.clone()));
            }
            match list.get("next_page_url").and_then(Value::as_str).and_then(|next| self.same_host(next)) {
                Some(next) => address = next,
                None => break,
            }
        }
        Ok(None)
    }

    /// The next page of a list, if it leads to where the key may go.
    fn same_host(&self, next: &str) -> Option<Address> {
        let base = self.api.base.expose();
        let url = base.join(next).ok()?;
        (url.origin() == base.origin()).then(|| Address::parse(url.as_str()).ok()).flatten()
    }

    fn now(&self) -> i64 {
        self.api.http.clock().timestamp().as_second()
    }

    /// Uploads, if the import still waits for it; the key stays at home.
    async fn upload(&self, desk: &Desk<'_>, part: &Part, intent: &mut Intent) -> Result<String, PushError> {
        for _ in 0..FRESH {
            let import = self.import(desk, part, intent).await?;
            let id = text(&import, "/id").to_owned();
            if text(&import, "/status") != "awaiting_upload" {
                return Ok(id);
            }
            let expires = text(&import, "/status_details/awaiting_upload/upload_url/expires_at").parse::<jiff::Timestamp>();
            let is_over = expires.is_ok_and(|at| at.as_second() <= self.now());
            let url = text(&import, "/status_details/awaiting_upload/upload_url/url");
            let sent = match Address::parse(url) {
                _ if is_over => Err(PushError::Unknown("uploading the file: the address ran out".to_owned())),
                Err(message) => return Err(PushError::Unknown(format!("uploading the file: the address that was handed out: {message}"))),
                Ok(address) => {
                    let mut call = Call::new("uploading the file", Method::PUT, address);
                    let (path, kind) = upload_of(part);
                    call.body = Body::File { path, kind: kind.to_owned() };
                    self.api.http.send(&call).await.map(drop)
                }
            };
            match sent {
                Ok(()) => return Ok(id),
                // The address is no longer good: a new import, not the old address again.
                Err(PushError::Unknown(_) | PushError::Access { .. } | PushError::Refused { status: 400 | 404 | 410, .. }) => {
                    desk.forget(intent, &["key", "import"]).await?;
                }
                Err(error) => return Err(error),
            }
        }
        Err(PushError::Temporary {
            what: "uploading the file".to_owned(),
            message: "no address that was handed out could be used".to_owned(),
            wait: None,
        })
    }

    async fn verdict(&self, desk: &Desk<'_>, part: &Part, intent: &mut Intent) -> Result<Verdict, PushError> {
        let id = self.upload(desk, part, intent).await?;
        self.finish(desk, id, intent).await
    }

    /// Waits for the end of an import that has its file, and reads what became of it.
    async fn finish(&self, desk: &Desk<'_>, id: String, intent: &mut Intent) -> Result<Verdict, PushError> {
        let address = self.api.base.join(PATH).join(&id);
        let import = self.api.wait(desk, &address, ("import", &id), &["succeeded", "succeeded_with_errors", "failed"]).await?;
        let status = text(&import, "/status").to_owned();
        let details = import.pointer(&format!("/status_details/{status}")).cloned().unwrap_or_default();
        if status == "failed" {
            // Nothing of it was done: the next attempt is a new import.
            desk.forget(intent, &["key", "import"]).await?;
            let http = &self.api.http;
            let message = format!("{} ({})", http.clean(text(&details, "/failure_message")), http.clean(text(&details, "/code")));
            let what = format!("the import {id} failed");
            return Err(match text(&details, "/type") {
                "transient_failure" => PushError::Temporary { what, message, wait: None },
                _ => PushError::Refused { what, status: 0, message, path: None },
            });
        }
        let mut verdict =
            Verdict { taken: count(&details, "success_count"), refused: count(&details, "error_count"), ..Verdict::default() };
        verdict.remote.insert("import".to_owned(), id.clone().into());
        let clean = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).map(|text| self.api.http.clean(text));
        let samples = details.get("samples").and_then(Value::as_array).into_iter().flatten().take(MOST_REFUSALS);
        verdict.refusals = samples
            .map(|sample| Refused {
                item: clean(sample, "id"),
                field: clean(sample, "field"),
                message: clean(sample, "error_message").unwrap_or_default(),
                ..Refused::default()
            })
            .collect();
        if status == "succeeded_with_errors" {
            self.report(desk, &id, &mut verdict).await;
        }
        Ok(verdict)
    }

    /// Fetches the report over a fresh address. The push has happened; a report that cannot be
    /// had is only noted.
    async fn report(&self, desk: &Desk<'_>, id: &str, verdict: &mut Verdict) {
        let fetched = async {
            let import = self.get(id).await?;
            let url = text(&import, "/status_details/succeeded_with_errors/error_file/download_url/url");
            let address = Address::parse(url).map_err(PushError::Unknown)?;
            let into = desk.folder.join("report.csv");
            self.api.http.fetch(&Call::new("fetching the error report", Method::GET, address), &into).await?;
            Ok::<_, PushError>(into)
        };
        match fetched.await {
            Ok(path) => read_report(&path, &self.api.http, verdict),
            Err(error) => verdict.notes.push(format!("the error report could not be fetched ({error}); only the samples are shown")),
        }
    }
}

impl Destination for Imports {
    fn describe(&self) -> String {
        format!("Stripe product catalog imports, {}", if self.api.replace { "replace" } else { "upsert" })
    }

    fn http(&self) -> Option<&Http> {
        Some(&self.api.http)
    }

    fn formats(&self) -> &'static [&'static str] {
        &["csv", "tsv"]
    }

    fn parts(&self, built: &Built, difference: &Difference, folder: &Path) -> Result<Vec<Part>, PushError> {
        rows::parts(built, difference, &self.api.manner, folder)
    }

    fn deliver<'a>(&'a self, desk: &'a Desk<'a>, part: &'a Part, intent: &'a mut Intent) -> Work<'a, Verdict> {
        Box::pin(self.verdict(desk, part, intent))
    }

    /// An import without a file never comes to pass; one with a file is awaited.
    fn resume<'a>(&'a self, desk: &'a Desk<'a>, intent: &'a mut Intent) -> Work<'a, Option<Verdict>> {
        Box::pin(async move {
            let Some(id) = intent.word("import").map(str::to_owned) else { return Ok(None) };
            if text(&self.get(&id).await?, "/status") == "awaiting_upload" {
                return Ok(None);
            }
            self.finish(desk, id, intent).await.map(Some)
        })
    }

    /// An import that was created waits for its file, and does nothing without.
    fn may_have_changed(&self, intent: &Intent) -> bool {
        intent.remote.contains_key("import")
    }
}

/// A count, which travels as text.
fn count(details: &Value, name: &str) -> Option<u64> {
    let value = details.get(name)?;
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

/// What the documents say a request is answered.
fn imagined(call: &Call<'_>) -> Value {
    let waiting = json!({ "awaiting_upload": { "upload_url": { "url": "https://address.handed.out.invalid/", "expires_at": "9999-12-31T00:00:00Z" } } });
    match call.method {
        Method::POST => json!({ "id": "(import)", "status": "awaiting_upload", "status_details": waiting }),
        _ => json!({ "id": "(import)", "status": "succeeded", "status_details": { "succeeded": {} } }),
    }
}
