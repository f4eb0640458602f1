//! HTTPS to an endpoint that was given at onboarding: method, headers and types as agreed.

use super::address::Address;
use super::difference::Difference;
use super::error::PushError;
use super::feed::Built;
use super::folder::whole;
use super::http::{Body, Call, Http};
use super::stripe::Way;
use super::{Desk, Destination, Part, Verdict, Work};
use crate::secret::{Secret, SecretRef};
use crate::state::Intent;
use reqwest::Method;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;

/// The keys of `deliver = { https = ... }`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Settings {
    /// The endpoint; `{file}` in it is the file's name.
    https: String,
    /// The method.
    #[serde(default = "post")]
    method: String,
    /// Headers besides the usual: a word, or where a secret is.
    #[serde(default)]
    headers: BTreeMap<String, Header>,
    /// The secret that goes as a bearer.
    token: Option<SecretRef>,
    /// The `Content-Type`; from the format unless given.
    content_type: Option<String>,
    /// The `Content-Encoding`; none unless given.
    content_encoding: Option<String>,
    /// What the answer's JSON must say, such as `/accepted`, which must be true, or
    /// `/status=accepted`.
    accepted: Option<String>,
}

/// What a header says.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged, expecting = "a word, or where a secret is: { file = ... }, { env = ... } or { command = [...] }")]
enum Header {
    /// A word that everybody may see.
    Word(String),
    /// A secret.
    Secret(SecretRef),
}

fn post() -> String {
    "POST".to_owned()
}

pub(super) struct Https {
    http: Http,
    settings: Settings,
    method: Method,
    token: Option<Secret>,
    secrets: Vec<(String, Secret)>,
}

impl Https {
    pub(super) fn new(settings: &Settings, way: &Way<'_>, rehearsal: bool) -> Result<Self, PushError> {
        let wrong = |message: String| PushError::Settings(format!("target `{}`: {message}", way.target));
        let method = match settings.method.as_str() {
            "POST" => Method::POST,
            "PUT" => Method::PUT,
            other => return Err(wrong(format!("method: `{other}` is neither POST nor PUT"))),
        };
        Address::parse(&settings.https).map_err(|message| wrong(format!("https: {message}")))?;
        for name in settings.headers.keys() {
            let sound = name.parse::<reqwest::header::HeaderName>().is_ok();
            if !sound || matches!(name.to_ascii_lowercase().as_str(), "authorization" | "host" | "content-length" | "transfer-encoding") {
                return Err(wrong(format!("headers: `{name}` cannot be set here")));
            }
        }
        let token =
            settings.token.as_ref().map(|token| token.read(way.home)).transpose().map_err(|message| wrong(format!("token: {message}")))?;
        let mut secrets = Vec::new();
        for (name, header) in &settings.headers {
            if let Header::Secret(secret) = header {
                let secret = secret.read(way.home).map_err(|message| wrong(format!("headers: `{name}`: {message}")))?;
                secrets.push((name.clone(), secret));
            }
        }
        let all = token.iter().chain(secrets.iter().map(|(_, secret)| secret)).cloned().collect();
        let mut http = Http::new(way.shared, way.policy, way.limits, all)?;
        if rehearsal {
            http = http.rehearsing(Box::new(|_| Value::Null));
        }
        Ok(Self { http, settings: settings.clone(), method, token, secrets })
    }

    async fn send(&self, desk: &Desk<'_>, part: &Part, intent: &mut Intent) -> Result<Verdict, PushError> {
        let mut verdict = Verdict::default();
        for (place, file) in part.files.iter().enumerate() {
            let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            if intent.remote.get(&format!("sent {name}")).is_some() {
                continue;
            }
            let key = desk.key(intent, &format!("key {place}")).await?;
            let address = Address::parse(&self.settings.https.replace("{file}", &name)).map_err(PushError::Settings)?;
            let mut call = Call::new("sending the feed", self.method.clone(), address);
            call.bearer = self.token.as_ref();
            call.header("Idempotency-Key", key);
            if let Some(encoding) = &self.settings.content_encoding {
                call.header("Content-Encoding", encoding.clone());
            }
            let kind = self.settings.content_type.clone().unwrap_or_else(|| content_type(&name).to_owned());
            call.body = Body::File { path: file.clone(), kind };
            for (name, header) in &self.settings.headers {
                if let Header::Word(value) = header {
                    call.header(name, value.clone());
                }
            }
            call.secrets = self.secrets.iter().map(|(name, secret)| (name.as_str(), secret)).collect();
            let answer = self.http.send(&call).await?;
            let wanted = self.settings.accepted.as_ref().filter(|_| !self.http.is_rehearsal());
            if let Some(wanted) = wanted.filter(|wanted| !says(&answer.json(), wanted)) {
                return Err(PushError::Refused {
                    what: "sending the feed".to_owned(),
                    status: answer.status,
                    message: format!("the answer is a success, but does not say `{wanted}`"),
                    path: None,
                });
            }
            desk.remember(intent, &format!("sent {name}"), true).await?;
        }
        verdict.taken = Some(part.items);
        Ok(verdict)
    }
}

/// Whether an answer says what it must: true at a place, or a word.
fn says(answer: &Value, wanted: &str) -> bool {
    match wanted.split_once('=') {
        None => answer.pointer(wanted) == Some(&Value::Bool(true)),
        Some((pointer, word)) => answer.pointer(pointer).and_then(Value::as_str) == Some(word),
    }
}

/// The type of a file by its ending.
fn content_type(name: &str) -> &'static str {
    let ending = |ending: &str| name.ends_with(ending);
    match () {
        () if ending(".gz") => "application/gzip",
        () if ending(".zst") => "application/zstd",
        () if ending(".csv") => "text/csv",
        () if ending(".tsv") => "text/tab-separated-values",
        () if ending(".jsonl") => "application/x-ndjson",
        () if ending(".json") => "application/json",
        () if ending(".xml") => "application/xml",
        () => "application/octet-stream",
    }
}

impl Destination for Https {
    fn describe(&self) -> String {
        format!("HTTPS {}", Address::parse(&self.settings.https).map(|address| address.to_string()).unwrap_or_default())
    }

    fn http(&self) -> Option<&Http> {
        Some(&self.http)
    }

    fn takes_snapshots(&self) -> bool {
        true
    }

    fn parts(&self, built: &Built, _: &Difference, _: &Path) -> Result<Vec<Part>, PushError> {
        Ok(vec![whole(built)])
    }

    fn deliver<'a>(&'a self, desk: &'a Desk<'a>, part: &'a Part, intent: &'a mut Intent) -> Work<'a, Verdict> {
        Box::pin(self.send(desk, part, intent))
    }
}

#[cfg(test)]
mod tests {
    use super::says;
    use serde_json::json;

    #[test]
    fn an_answer_says_so_or_it_does_not() {
        assert!(says(&json!({ "accepted": true }), "/accepted") && says(&json!({ "status": "accepted" }), "/status=accepted"));
        for answer in [json!({}), json!({ "accepted": "true", "status": "failed" }), json!(null)] {
            assert!(!says(&answer, "/accepted") && !says(&answer, "/status=accepted"), "{answer}");
        }
    }
}
