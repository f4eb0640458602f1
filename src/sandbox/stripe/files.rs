//! The Files API (v1), as far as feeds need it: upload, retrieve, contents.

use super::{Caller, Generation, StripeFault, storage};
use crate::sandbox::call::{Answer, Call, Content, Part, Payload, plain_media};
use crate::sandbox::{Api, Shared};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::sync::Arc;
use tempfile::NamedTempFile;

/// The one purpose that feeds have.
const PURPOSE: &str = "data_management_manual_upload";

/// A stored file.
#[derive(Debug)]
pub(super) struct StoredFile {
    pub(super) id: String,
    account: String,
    live: bool,
    created: Timestamp,
    name: String,
    pub(super) media: String,
    size: u64,
    pub(super) contents: Contents,
}

/// Where its bytes are.
#[derive(Clone, Debug)]
pub(super) enum Contents {
    /// They came from a client.
    Uploaded(Arc<NamedTempFile>),
    /// They are a report of ours.
    Report(Arc<[u8]>),
}

impl StoredFile {
    /// Whether this caller may see it.
    pub(super) fn is_of(&self, caller: &Caller) -> bool {
        self.account == caller.account && self.live == caller.live
    }

    fn object(&self, shared: &Shared) -> Value {
        let url = format!("{}/v1/files/{}/contents", shared.base(Api::StripeFiles), self.id);
        json!({
            "id": self.id,
            "object": "file",
            "created": self.created.as_second(),
            "expires_at": null,
            "filename": self.name,
            "links": {"object": "list", "data": [], "has_more": false, "url": format!("/v1/file_links?file={}", self.id)},
            "purpose": PURPOSE,
            "size": self.size,
            "title": null,
            "type": if self.media == "text/csv" { "csv" } else { "tsv" },
            "url": url,
        })
    }
}

/// Answers a call.
pub(super) fn dispatch(shared: &Shared, call: &Call, caller: &Caller, method: &str, rest: &[&str]) -> Result<Answer, StripeFault> {
    match (call.api, method, rest) {
        (Api::StripeFiles, "POST", []) => Generation::V1.once(shared, call, caller, || upload(shared, call, caller)),
        (Api::Stripe, "POST", []) => Err(StripeFault::new(404, "not_found", "files are uploaded to the host for files")),
        (_, "GET", [id]) => with(shared, caller, id, |file| Answer::json(200, file.object(shared))),
        (Api::StripeFiles, "GET", [id, "contents"]) => with(shared, caller, id, |file| {
            let content = match &file.contents {
                Contents::Uploaded(stored) => Content::Stored(Arc::clone(stored), file.media.clone()),
                Contents::Report(bytes) => Content::Csv(Arc::clone(bytes)),
            };
            Answer { content, ..Answer::empty(200) }
        }),
        (_, _, [] | [_] | [_, "contents"]) => Err(StripeFault::method(call)),
        _ => Err(StripeFault::new(404, "not_found", format!("there is no `{}`", call.path))),
    }
}

fn with(shared: &Shared, caller: &Caller, id: &str, act: impl FnOnce(&StoredFile) -> Answer) -> Result<Answer, StripeFault> {
    let world = shared.world();
    let file = world.stripe.files.iter().find(|file| file.id == id && file.is_of(caller));
    file.map(act).ok_or_else(|| StripeFault {
        param: Some("id".to_owned()),
        ..StripeFault::new(404, "resource_missing", format!("no such file: `{id}`"))
    })
}

fn upload(shared: &Shared, call: &Call, caller: &Caller) -> Result<Answer, StripeFault> {
    let Payload::Form(parts) = &call.body else {
        return Err(StripeFault::new(400, "invalid_fields", "a file is sent as `multipart/form-data`"));
    };
    if let Some(odd) = parts.iter().find(|part| !matches!(part.name.as_str(), "purpose" | "file")) {
        return Err(StripeFault::field(&odd.name, "this parameter is not known"));
    }
    let one = |name: &str| -> Result<&Part, StripeFault> {
        let mut found = parts.iter().filter(|part| part.name == name);
        match (found.next(), found.next()) {
            (Some(part), None) => Ok(part),
            (None, _) => Err(StripeFault::field(name, "this parameter is required")),
            (Some(_), Some(_)) => Err(StripeFault::field(name, "this parameter is given twice")),
        }
    };
    if one("purpose")?.text().as_deref() != Some(PURPOSE) {
        return Err(StripeFault::field("purpose", format!("`{PURPOSE}` is expected")));
    }
    let part = one("file")?;
    let name =
        part.file_name.clone().filter(|name| !name.is_empty()).ok_or_else(|| StripeFault::field("file", "a file name is required"))?;
    let media = plain_media(part.media.as_deref().unwrap_or_default());
    if storage::format(&media).is_none() {
        return Err(StripeFault::field("file", format!("the type `{media}` is neither text/csv nor text/tab-separated-values")));
    }
    if part.size == 0 {
        return Err(StripeFault::field("file", "the file is empty"));
    }
    if part.size > shared.options.file_bytes {
        let most = shared.options.file_bytes;
        return Err(StripeFault {
            status: 413,
            ..StripeFault::field("file", format!("{} bytes are more than the {most} allowed", part.size))
        });
    }
    let mut world = shared.world();
    let contents = Contents::Uploaded(Arc::clone(&part.file));
    let object = world.stripe.store(caller, name, media, part.size, contents, shared.now()).object(shared);
    Ok(Answer::json(200, object))
}

impl super::Stripe {
    /// Stores a file and gives it an id.
    pub(super) fn store(
        &mut self,
        caller: &Caller,
        name: String,
        media: String,
        size: u64,
        contents: Contents,
        now: Timestamp,
    ) -> &StoredFile {
        let id = format!("file_{:06}", self.files.len() + 1);
        let (account, live) = (caller.account.clone(), caller.live);
        self.files.push(StoredFile { id, account, live, created: now, name, media, size, contents });
        let last = self.files.len() - 1;
        &self.files[last]
    }
}
