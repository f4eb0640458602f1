//! What was said, in order, without secrets: for people as text, for tests as data.

use super::call::{Answer, Call, Content, Payload};
use super::fault::SFTP;
use axum::http::HeaderMap;
use serde_json::Value;
use std::fmt;

/// A body in memory longer than this is shown cut.
const SHOWN: usize = 600;

/// Request headers that are shown; any other might carry a secret under its own name.
const REQUEST: [&str; 12] = [
    "authorization",
    "api-version",
    "stripe-version",
    "stripe-account",
    "stripe-context",
    "idempotency-key",
    "request-id",
    "timestamp",
    "content-type",
    "content-encoding",
    "content-length",
    "accept",
];

/// One request and what was answered.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// Its place in the transcript, from 1.
    pub number: usize,
    /// The method.
    pub method: String,
    /// The path with the prefix that stands for the target's host.
    pub path: String,
    /// The query as it came, signatures replaced.
    pub query: Option<String>,
    /// The headers that matter, secrets replaced.
    pub headers: Vec<(String, String)>,
    /// The request's body in short.
    pub sent: String,
    /// The request's body, where it is JSON.
    pub sent_json: Option<Value>,
    /// The fault that struck.
    pub fault: Option<String>,
    /// The status that was answered; `None` where the answer was lost on purpose, or is a word.
    pub status: Option<u16>,
    /// What was answered by SFTP, as a word: `ok`, or why not.
    pub word: Option<&'static str>,
    /// What the sandbox makes of a feed that came a way on which nobody is told.
    pub verdict: Option<String>,
    /// Headers of the answer.
    pub answer_headers: Vec<(String, String)>,
    /// The answer's body in short.
    pub answer: String,
    /// The answer's body, where it is JSON.
    pub answer_json: Option<Value>,
}

impl Exchange {
    pub(super) fn new(method: &str, path: &str, query: Option<&str>, headers: &HeaderMap) -> Self {
        let shown = REQUEST.iter().filter_map(|name| {
            let value = headers.get(*name)?.to_str().unwrap_or("(no text)");
            let value = if *name == "authorization" { without_secret(value) } else { value.to_owned() };
            Some(((*name).to_owned(), value))
        });
        Self {
            number: 0,
            method: method.to_owned(),
            path: path.to_owned(),
            query: query.map(without_signature),
            headers: shown.collect(),
            sent: String::new(),
            sent_json: None,
            fault: None,
            status: None,
            word: None,
            verdict: None,
            answer_headers: Vec::new(),
            answer: String::new(),
            answer_json: None,
        }
    }

    /// A request of SFTP by somebody, for a path of theirs.
    #[cfg(feature = "sftp")]
    pub(super) fn sftp(request: &str, user: &str, path: &str, sent: &str) -> Self {
        let method = format!("{SFTP}{request}");
        Self { sent: excerpt(sent), ..Self::new(&method, &excerpt(&format!("{user}:{path}")), None, &HeaderMap::new()) }
    }

    /// The exchange in one line: what was asked, for which account, and what was answered.
    pub fn line(&self) -> String {
        let account = self.headers.iter().find(|(name, _)| matches!(name.as_str(), "stripe-account" | "stripe-context"));
        let account = account.map(|(_, account)| format!(" ({account})")).unwrap_or_default();
        let fault = self.fault.as_ref().map(|fault| format!(" ! {fault}")).unwrap_or_default();
        let sent = if self.method.starts_with(SFTP) && !self.sent.is_empty() { format!(" {}", self.sent) } else { String::new() };
        let verdict = self.verdict.as_ref().map(|verdict| format!(" = {verdict}")).unwrap_or_default();
        format!("#{} {} {}{sent}{account}{fault} -> {}{verdict}", self.number, self.method, self.path, self.answered())
    }

    fn answered(&self) -> String {
        match (self.status, self.word) {
            (Some(status), _) => status.to_string(),
            (None, Some(word)) => word.to_owned(),
            (None, None) => "no answer".to_owned(),
        }
    }

    pub(super) fn request(&mut self, call: &Call) {
        self.sent = match &call.body {
            Payload::Bytes(bytes) if bytes.is_empty() => String::new(),
            Payload::Bytes(bytes) => {
                self.sent_json = serde_json::from_slice(bytes).ok();
                excerpt(&String::from_utf8_lossy(bytes))
            }
            Payload::File(_, size) => format!("({size} bytes)"),
            Payload::Form(parts) => {
                let shown = parts.iter().map(|part| match (&part.file_name, part.text()) {
                    (Some(name), _) => {
                        format!("{}={name} ({}, {} bytes)", part.name, part.media.as_deref().unwrap_or("no type"), part.size)
                    }
                    (None, text) => format!("{}={}", part.name, excerpt(&text.unwrap_or_default())),
                });
                format!("form: {}", shown.collect::<Vec<_>>().join("; "))
            }
            Payload::Broken(why) => format!("(not read: {why})"),
        };
    }

    pub(super) fn response(&mut self, answer: &Answer) {
        self.status = Some(answer.status);
        self.verdict.clone_from(&answer.verdict);
        self.answer_headers = answer.headers.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        self.answer = match &answer.content {
            Content::Empty => String::new(),
            Content::Json(body) => {
                self.answer_json = Some(body.clone());
                let mut shown = body.clone();
                hide(&mut shown);
                excerpt(&shown.to_string())
            }
            Content::Xml(text) => excerpt(text),
            Content::Csv(bytes) => excerpt(&String::from_utf8_lossy(bytes)),
            Content::Stored(_, media) => format!("({media})"),
        };
    }
}

impl fmt::Display for Exchange {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let query = self.query.as_deref().map(|query| format!("?{query}")).unwrap_or_default();
        writeln!(out, "#{} {} {}{query}", self.number, self.method, self.path)?;
        for (name, value) in &self.headers {
            writeln!(out, "  > {name}: {value}")?;
        }
        if !self.sent.is_empty() {
            writeln!(out, "  > {}", self.sent)?;
        }
        if let Some(fault) = &self.fault {
            writeln!(out, "  ! {fault}")?;
        }
        writeln!(out, "  < {}", self.answered())?;
        for (name, value) in &self.answer_headers {
            writeln!(out, "  < {name}: {value}")?;
        }
        if !self.answer.is_empty() {
            writeln!(out, "  < {}", self.answer)?;
        }
        if let Some(verdict) = &self.verdict {
            writeln!(out, "  = {verdict}")?;
        }
        Ok(())
    }
}

/// The kind of a credential: its scheme and, for keys, the documented prefix.
fn without_secret(value: &str) -> String {
    let (scheme, secret) = value.split_once(' ').unwrap_or(("", value));
    let kind = ["sk_test_", "sk_live_", "rk_test_", "rk_live_"].into_iter().find(|prefix| secret.starts_with(prefix)).unwrap_or_default();
    format!("{scheme} {kind}***").trim_start().to_owned()
}

/// A query whose values may be secrets keeps the names it has.
fn without_signature(query: &str) -> String {
    let pairs = query.split('&').map(|pair| match pair.split_once('=') {
        Some((name, _)) if matches!(name, "signature" | "token" | "key" | "api_key" | "secret" | "password") => format!("{name}=***"),
        _ => pair.to_owned(),
    });
    pairs.collect::<Vec<_>>().join("&")
}

/// Replaces signatures and passwords in an answer.
fn hide(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                match value {
                    Value::String(text) if name == "password" => "***".clone_into(text),
                    Value::String(text) if name == "url" && text.contains("signature=") => {
                        if let Some((address, query)) = text.split_once('?') {
                            *text = format!("{address}?{}", without_signature(query));
                        }
                    }
                    other => hide(other),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(hide),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Text on one line, cut where it is long; control characters are escaped.
fn excerpt(text: &str) -> String {
    let mut shown: String = text
        .chars()
        .take(SHOWN)
        .flat_map(|c| if c.is_control() { c.escape_default().to_string() } else { c.to_string() }.chars().collect::<Vec<_>>())
        .collect();
    let rest = text.chars().count().saturating_sub(SHOWN);
    if rest > 0 {
        shown.push_str(&format!(" ... ({rest} characters more)"));
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::{excerpt, hide, without_secret, without_signature};
    use serde_json::json;

    #[test]
    fn secrets_do_not_show() {
        assert_eq!(without_secret("Bearer sk_test_CANARY"), "Bearer sk_test_***");
        assert_eq!(without_secret("Bearer CANARY"), "Bearer ***");
        assert_eq!(without_secret("CANARY"), "***");
        assert_eq!(without_signature("expires=1&signature=CANARY"), "expires=1&signature=***");
        let mut answer = json!({"a": [{"password": "CANARY"}], "upload_url": {"url": "http://x/y?expires=1&signature=CANARY"}});
        hide(&mut answer);
        assert!(!answer.to_string().contains("CANARY"), "{answer}");
    }

    #[test]
    fn bodies_stay_on_one_line() {
        assert_eq!(excerpt("a\r\nb\u{1b}[0m"), "a\\r\\nb\\u{1b}[0m");
        assert!(excerpt(&"x".repeat(1000)).ends_with("(400 characters more)"));
    }
}
