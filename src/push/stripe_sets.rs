//! Stripe's Files API and import sets (v1): upload, create the set, ask until it is final, read
//! the report of rejected rows. Files are split at 200 MB.

use super::difference::Difference;
use super::error::PushError;
use super::feed::Built;
use super::http::{Body, Call, Http};
use super::stripe::{Api, Settings, Way, read_report, text, upload_of};
use super::{Desk, Destination, Part, Verdict, Work, rows};
use crate::state::Intent;
use reqwest::Method;
use serde_json::{Value, json};
use std::path::Path;

pub(super) struct Sets {
    api: Api,
}

const SETS: &str = "/v1/data_management/import_sets";
const FILES: &str = "/v1/files";

impl Sets {
    pub(super) fn new(settings: &Settings, way: &Way<'_>, rehearsal: bool) -> Result<Self, PushError> {
        let mut api = Api::new(settings, way)?;
        if matches!(api.manner.whole, "pricing" | "promotion") {
            return Err(PushError::Settings(format!(
                "target `{}`: no import set for the {} feed is documented; use `stripe = \"v2\"`",
                way.target, api.manner.whole
            )));
        }
        if rehearsal {
            api.http = api.http.rehearsing(Box::new(imagined));
        }
        Ok(Self { api })
    }

    /// Uploads the file, unless an earlier run did.
    async fn file(&self, desk: &Desk<'_>, part: &Part, intent: &mut Intent) -> Result<String, PushError> {
        if let Some(file) = intent.word("file") {
            return Ok(file.to_owned());
        }
        let key = desk.key(intent, "file_key").await?;
        let mut call = self.api.call("uploading the file", Method::POST, self.api.files.join(FILES));
        call.header("Idempotency-Key", key);
        let (path, kind) = upload_of(part);
        call.body = Body::Multipart { fields: vec![("purpose", "data_management_manual_upload".to_owned())], path, kind };
        let sent = self.api.http.send(&call).await;
        let made = self.fresh_key(desk, intent, "file_key", sent).await?;
        let id = text(&made, "/id").to_owned();
        if id.is_empty() {
            return Err(PushError::Unknown("uploading the file: the answer has no `id`".to_owned()));
        }
        desk.remember(intent, "file", id.clone()).await?;
        Ok(id)
    }

    /// Creates the import set, unless an earlier run did.
    async fn set(&self, desk: &Desk<'_>, kind: &str, file: &str, intent: &mut Intent) -> Result<String, PushError> {
        if let Some(set) = intent.word("set") {
            return Ok(set.to_owned());
        }
        let key = desk.key(intent, "set_key").await?;
        let mut call = self.api.call("creating the import set", Method::POST, self.api.base.join(SETS));
        call.header("Idempotency-Key", key);
        let format = if kind == "inventory" { "inventory_feed" } else { "product_catalog_feed" };
        call.body = Body::Form(vec![("file", file.to_owned()), ("standard_data_format", format.to_owned())]);
        let sent = self.api.http.send(&call).await;
        let made = self.fresh_key(desk, intent, "set_key", sent).await?;
        let id = text(&made, "/id").to_owned();
        if id.is_empty() {
            return Err(PushError::Unknown("creating the import set: the answer has no `id`".to_owned()));
        }
        desk.remember(intent, "set", id.clone()).await?;
        Ok(id)
    }

    /// A failure that the target has stored comes back for every repetition of its key: the
    /// next run draws a new one. A lost answer keeps the key.
    async fn fresh_key(
        &self,
        desk: &Desk<'_>,
        intent: &mut Intent,
        name: &str,
        sent: Result<super::http::Answer, PushError>,
    ) -> Result<Value, PushError> {
        match sent {
            Ok(answer) => Ok(answer.json()),
            Err(error) => {
                let stored = match &error {
                    PushError::Refused { .. } => true,
                    PushError::Temporary { message, .. } => message.starts_with('5'),
                    _ => false,
                };
                if stored {
                    desk.forget(intent, &[name]).await?;
                }
                Err(error)
            }
        }
    }

    async fn verdict(&self, desk: &Desk<'_>, part: &Part, intent: &mut Intent) -> Result<Verdict, PushError> {
        let file = self.file(desk, part, intent).await?;
        let id = self.set(desk, part.kind, &file, intent).await?;
        self.finish(desk, id, file, intent).await
    }

    /// Waits for the end of a set, and reads what became of it.
    async fn finish(&self, desk: &Desk<'_>, id: String, file: String, intent: &mut Intent) -> Result<Verdict, PushError> {
        let address = self.api.base.join(SETS).join(&id);
        let ends = ["succeeded", "succeeded_with_errors", "failed", "archived"];
        let set = self.api.wait(desk, &address, ("import set", &id), &ends).await?;
        let number = |pointer: &str| set.pointer(pointer).and_then(Value::as_u64);
        let mut verdict =
            Verdict { taken: number("/result/successes/row_count"), refused: number("/result/errors/row_count"), ..Verdict::default() };
        verdict.remote.insert("file".to_owned(), file.into());
        verdict.remote.insert("import_set".to_owned(), id.clone().into());
        let report = text(&set, "/result/errors/file");
        if !report.is_empty() {
            let address = self.api.files.join(FILES).join(report).join("contents");
            let into = desk.folder.join("report.csv");
            match self.api.http.fetch(&self.api.call("fetching the error report", Method::GET, address), &into).await {
                Ok(_) => read_report(&into, &self.api.http, &mut verdict),
                Err(error) => verdict.notes.push(format!("the error report could not be fetched ({error})")),
            }
        }
        if text(&set, "/status") == "failed" {
            desk.forget(intent, &["file_key", "file", "set_key", "set"]).await?;
            let reason = set
                .get("failed_reason")
                .map_or_else(String::new, |reason| reason.as_str().map_or_else(|| reason.to_string(), str::to_owned));
            return Err(PushError::Refused {
                what: format!("the import set {id} failed"),
                status: 0,
                message: self.api.http.clean(&reason),
                path: None,
            });
        }
        Ok(verdict)
    }
}

impl Destination for Sets {
    fn describe(&self) -> String {
        "Stripe files and import sets".to_owned()
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

    /// A file alone does nothing. A set that may have been created is created again under its
    /// key, which gives the same one, and awaited.
    fn resume<'a>(&'a self, desk: &'a Desk<'a>, intent: &'a mut Intent) -> Work<'a, Option<Verdict>> {
        Box::pin(async move {
            let Some(file) = intent.word("file").map(str::to_owned) else { return Ok(None) };
            if !self.may_have_changed(intent) {
                return Ok(None);
            }
            let kind = if intent.part.starts_with("inventory") { "inventory" } else { "product" };
            let set = self.set(desk, kind, &file, intent).await?;
            self.finish(desk, set, file, intent).await.map(Some)
        })
    }

    fn may_have_changed(&self, intent: &Intent) -> bool {
        intent.remote.contains_key("set_key")
    }
}

/// What the documents say a request is answered.
fn imagined(call: &Call<'_>) -> Value {
    match call.body {
        Body::Multipart { .. } => json!({ "id": "(file)", "object": "file" }),
        _ => json!({ "id": "(import-set)", "status": "succeeded", "result": {} }),
    }
}
