//! A rehearsal: nothing leaves, and each request is answered from the documents.

use super::call::{Answer, Body, Call, form};
use crate::product::text;
use reqwest::header::HeaderMap;
use serde_json::Value;
use std::path::Path;
use std::sync::Mutex;

/// What a request would have been answered.
pub(super) type Imagined = Box<dyn Fn(&Call<'_>) -> Value + Send + Sync>;

/// The requests of a rehearsal, in words.
pub(super) struct Rehearsal {
    pub(super) answers: Imagined,
    pub(super) lines: Mutex<Vec<String>>,
}

impl Rehearsal {
    pub(super) fn answer(&self, call: &Call<'_>) -> Answer {
        let mut lines = vec![format!("{} {}", call.method, call.address)];
        if call.bearer.is_some() {
            lines.push("  Authorization: Bearer ***".to_owned());
        }
        lines.extend(call.secrets.iter().map(|(name, _)| format!("  {name}: ***")));
        lines.extend(call.headers.iter().map(|(name, value)| {
            // A key is drawn anew for each attempt, and would only look like a secret.
            if name == "Idempotency-Key" { format!("  {name}: <one for this content>") } else { format!("  {name}: {value}") }
        }));
        let size = |path: &Path| std::fs::metadata(path).map_or(0, |found| found.len());
        let name = |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        match &call.body {
            Body::None => {}
            Body::Text(text) | Body::Json(text) => lines.push(format!("  {}", text::excerpt(text, 400))),
            Body::Form(fields) => lines.push(format!("  {}", form(fields))),
            Body::File { path, kind } => lines.push(format!("  {kind}, {} bytes of {}", size(path), name(path))),
            Body::Multipart { fields, path, kind } => {
                lines.push(format!("  {} and file {}, {kind}, {} bytes", form(fields), name(path), size(path)));
            }
        }
        if let Ok(mut all) = self.lines.lock() {
            all.push(lines.join("\n"));
        }
        Answer { status: 200, headers: HeaderMap::new(), body: (self.answers)(call).to_string().into_bytes() }
    }
}
