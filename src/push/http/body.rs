//! What a request carries, made of a call; files are streamed and counted on their way.

use super::Http;
use super::call::{Body, Call, form};
use super::trouble::Trouble;
use crate::progress::Meter;
use crate::push::retry::Failure;
use futures_util::stream;
use reqwest::RequestBuilder;
use reqwest::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use std::path::Path;
use std::sync::Arc;
use tokio::io::AsyncReadExt;

/// Bytes of one piece of a file on its way.
const PIECE: usize = 64 << 10;

impl Http {
    /// The request of a call.
    pub(super) async fn request(&self, call: &Call<'_>) -> Result<RequestBuilder, Trouble> {
        let mut headers = HeaderMap::new();
        for (name, value) in &call.headers {
            let value = HeaderValue::from_str(value).map_err(|_| Trouble::connection("a header holds what no header can"))?;
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| Trouble::connection("a header has no name for one"))?;
            headers.insert(name, value);
        }
        let bearer = call.bearer.map(|secret| ("authorization", format!("Bearer {}", secret.expose())));
        let named = call.secrets.iter().map(|(name, secret)| (*name, secret.expose().to_owned()));
        for (name, value) in bearer.into_iter().chain(named) {
            let mut value = HeaderValue::from_str(&value).map_err(|_| Trouble::connection("the credential holds what no header can"))?;
            value.set_sensitive(true);
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| Trouble::connection("a header has no name for one"))?;
            headers.insert(name, value);
        }
        let builder = self.client.request(call.method.clone(), call.address.expose().clone());
        let builder = match &call.body {
            Body::None => builder,
            Body::Text(text) => builder.header(CONTENT_TYPE, "text/plain; charset=utf-8").body(text.clone()),
            Body::Json(text) => {
                self.shared.meter.expect(text.len() as u64);
                self.shared.meter.sent(text.len() as u64);
                builder.header(CONTENT_TYPE, "application/json").body(text.clone())
            }
            Body::Form(fields) => builder.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(form(fields)),
            Body::File { path, kind } => {
                let (file, length) = counted(path, &self.shared.meter).await?;
                builder.header(CONTENT_TYPE, kind.as_str()).header(CONTENT_LENGTH, length).body(file)
            }
            Body::Multipart { fields, path, kind } => {
                let (file, length) = counted(path, &self.shared.meter).await?;
                let name = path.file_name().and_then(|name| name.to_str()).unwrap_or("feed").to_owned();
                let part = reqwest::multipart::Part::stream_with_length(file, length).file_name(name);
                let part = part.mime_str(kind).map_err(|error| Trouble::of(&error))?;
                let form = fields.iter().fold(reqwest::multipart::Form::new(), |form, (name, value)| form.text(*name, value.clone()));
                builder.multipart(form.part("file", part))
            }
        };
        Ok(builder.headers(headers))
    }
}

/// A file as a body, and its length.
async fn counted(path: &Path, meter: &Arc<Meter>) -> Result<(reqwest::Body, u64), Trouble> {
    let fail =
        |error: std::io::Error| Trouble { failure: Failure::Certificate, answer: None, message: format!("{}: {error}", path.display()) };
    let file = tokio::fs::File::open(path).await.map_err(fail)?;
    let length = file.metadata().await.map_err(fail)?.len();
    meter.expect(length);
    let pieces = stream::try_unfold((file, Arc::clone(meter)), |(mut file, meter)| async move {
        let mut piece = vec![0; PIECE];
        let read = file.read(&mut piece).await?;
        piece.truncate(read);
        meter.sent(read as u64);
        Ok::<_, std::io::Error>((read > 0).then_some((piece, (file, meter))))
    });
    Ok((reqwest::Body::wrap_stream(pieces), length))
}
