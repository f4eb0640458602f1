//! A call as the endpoints see it, and what they answer.

use super::Api;
use super::fault::Twist;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{FromRequest, Multipart, Request};
use axum::http::HeaderMap;
use serde_json::Value;
use std::io::{Seek, Write};
use std::pin::Pin;
use std::sync::Arc;
use tempfile::NamedTempFile;

/// Bodies other than files are held in memory up to this size.
const BODY_LIMIT: usize = 256 << 20;

/// One call to one API.
#[derive(Debug)]
pub(super) struct Call {
    /// Whose API.
    pub(super) api: Api,
    /// The method.
    pub(super) method: String,
    /// The path behind the prefix.
    pub(super) path: String,
    /// The query, decoded, in order.
    pub(super) query: Vec<(String, String)>,
    /// The headers.
    pub(super) headers: HeaderMap,
    /// The body.
    pub(super) body: Payload,
    /// A fault that changes how it comes out.
    pub(super) twist: Option<Twist>,
}

/// A body.
#[derive(Debug)]
pub(super) enum Payload {
    /// In memory.
    Bytes(Bytes),
    /// A file, kept on disk.
    File(Arc<NamedTempFile>, u64),
    /// A form with files.
    Form(Vec<Part>),
    /// It could not be read.
    Broken(String),
}

/// A part of a form.
#[derive(Debug)]
pub(super) struct Part {
    /// Its name.
    pub(super) name: String,
    /// The file's name, for files.
    pub(super) file_name: Option<String>,
    /// What the client says it is.
    pub(super) media: Option<String>,
    /// The value.
    pub(super) file: Arc<NamedTempFile>,
    /// Its size.
    pub(super) size: u64,
}

impl Part {
    /// The value as text, where it is short.
    pub(super) fn text(&self) -> Option<String> {
        if self.size > 4096 { None } else { std::fs::read_to_string(self.file.path()).ok() }
    }
}

impl Payload {
    /// Reads the body of a request; files go to disk whatever their size.
    pub(super) async fn read(request: Request, is_file: bool) -> Self {
        let media = request.headers().get("content-type").and_then(|value| value.to_str().ok()).unwrap_or_default();
        let outcome = if media.starts_with("multipart/form-data") {
            form(request).await
        } else if is_file {
            file(request.into_body()).await
        } else {
            axum::body::to_bytes(request.into_body(), BODY_LIMIT).await.map(Self::Bytes).map_err(|error| error.to_string())
        };
        outcome.unwrap_or_else(Self::Broken)
    }
}

async fn file(mut body: Body) -> Result<Payload, String> {
    let mut spool = Spool::new()?;
    while let Some(frame) = std::future::poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
        if let Ok(bytes) = frame.map_err(|error| error.to_string())?.into_data() {
            spool.take(&bytes)?;
        }
    }
    let (file, size) = spool.finish()?;
    Ok(Payload::File(file, size))
}

async fn form(request: Request) -> Result<Payload, String> {
    let mut form = Multipart::from_request(request, &()).await.map_err(|error| error.body_text())?;
    let mut parts = Vec::new();
    while let Some(mut field) = form.next_field().await.map_err(|error| error.body_text())? {
        let mut spool = Spool::new()?;
        let name = field.name().unwrap_or_default().to_owned();
        let (file_name, media) = (field.file_name().map(str::to_owned), field.content_type().map(str::to_owned));
        while let Some(bytes) = field.chunk().await.map_err(|error| error.body_text())? {
            spool.take(&bytes)?;
        }
        let (file, size) = spool.finish()?;
        parts.push(Part { name, file_name, media, file, size });
    }
    Ok(Payload::Form(parts))
}

/// Bytes on their way to disk.
struct Spool {
    file: NamedTempFile,
    size: u64,
}

impl Spool {
    fn new() -> Result<Self, String> {
        let file = tempfile::Builder::new().prefix("feedmill-sandbox-").tempfile().map_err(|error| error.to_string())?;
        Ok(Self { file, size: 0 })
    }

    fn take(&mut self, bytes: &[u8]) -> Result<(), String> {
        self.size += bytes.len() as u64;
        self.file.write_all(bytes).map_err(|error| error.to_string())
    }

    fn finish(mut self) -> Result<(Arc<NamedTempFile>, u64), String> {
        self.file.flush().and_then(|()| self.file.rewind()).map_err(|error| error.to_string())?;
        Ok((Arc::new(self.file), self.size))
    }
}

impl Call {
    /// A header's text; `None` where it is not there or no text.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The media type without parameters, in lower case.
    pub(super) fn media(&self) -> String {
        self.header("content-type").map_or_else(String::new, plain_media)
    }

    /// The parts of the path.
    pub(super) fn segments(&self) -> Vec<&str> {
        self.path.split('/').filter(|part| !part.is_empty()).collect()
    }

    /// The body's bytes where it is held in memory.
    pub(super) fn bytes(&self) -> &[u8] {
        match &self.body {
            Payload::Bytes(bytes) => bytes,
            Payload::File(..) | Payload::Form(_) | Payload::Broken(_) => &[],
        }
    }

    /// The digest of a file that was sent.
    pub(super) fn digest(&self) -> String {
        match &self.body {
            Payload::File(file, _) => digest(file),
            Payload::Bytes(_) | Payload::Form(_) | Payload::Broken(_) => String::new(),
        }
    }

    /// What makes this request another one than an earlier with the same key.
    pub(super) fn fingerprint(&self) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new();
        hasher.update(format!("{} {:?} {}\n", self.method, self.api, self.path).as_bytes());
        match &self.body {
            Payload::Bytes(bytes) => drop(hasher.update(bytes)),
            Payload::File(file, _) => hash_file(&mut hasher, file),
            Payload::Form(parts) => {
                for part in parts {
                    hasher.update(part.name.as_bytes());
                    hash_file(&mut hasher, &part.file);
                }
            }
            Payload::Broken(_) => {}
        }
        *hasher.finalize().as_bytes()
    }
}

/// The digest of a file.
pub(super) fn digest(file: &NamedTempFile) -> String {
    let mut hasher = blake3::Hasher::new();
    hash_file(&mut hasher, file);
    hasher.finalize().to_hex().to_string()
}

/// Adds a file's bytes; one that is gone adds nothing and so differs from any other.
fn hash_file(hasher: &mut blake3::Hasher, file: &NamedTempFile) {
    if let Ok(file) = std::fs::File::open(file.path()) {
        hasher.update_reader(file).map(drop).unwrap_or_default();
    }
}

/// A media type without its parameters.
pub(super) fn plain_media(text: &str) -> String {
    text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// What is answered.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    /// The status.
    pub(super) status: u16,
    /// Headers beside those of the body.
    pub(super) headers: Vec<(&'static str, String)>,
    /// The body.
    pub(super) content: Content,
    /// What is found out and not answered.
    pub(super) verdict: Option<String>,
}

/// The body of an answer.
#[derive(Clone, Debug)]
pub(super) enum Content {
    /// None.
    Empty,
    /// A JSON document.
    Json(Value),
    /// An XML document.
    Xml(String),
    /// A CSV file.
    Csv(Arc<[u8]>),
    /// A stored file as it came.
    Stored(Arc<NamedTempFile>, String),
}

impl Answer {
    /// A JSON answer.
    pub(super) fn json(status: u16, body: Value) -> Self {
        Self { content: Content::Json(body), ..Self::empty(status) }
    }

    /// An answer without a body.
    pub(super) fn empty(status: u16) -> Self {
        Self { status, headers: Vec::new(), content: Content::Empty, verdict: None }
    }

    /// Adds a header.
    pub(super) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}
