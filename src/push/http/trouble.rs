//! Requests that brought no success: what it was, in words without secrets.

use super::Http;
use super::call::{Answer, Call};
use crate::product::text;
use crate::push::error::PushError;
use crate::push::retry::{self, Failure};
use reqwest::StatusCode;
use serde_json::Value;

/// A request that brought no success.
pub(super) struct Trouble {
    pub(super) failure: Failure,
    pub(super) answer: Option<Box<Answer>>,
    pub(super) message: String,
}

impl Trouble {
    pub(super) fn connection(message: &str) -> Self {
        Self { failure: Failure::Connection, answer: None, message: message.to_owned() }
    }

    /// Walks down the causes: a certificate that is wrong stays wrong.
    pub(super) fn of(error: &reqwest::Error) -> Self {
        let mut causes = Vec::new();
        let mut certificate = false;
        let mut cause: Option<&dyn std::error::Error> = std::error::Error::source(error);
        while let Some(inner) = cause {
            let words = inner.to_string();
            certificate |= words.contains("invalid peer certificate");
            causes.push(words);
            cause = inner.source();
        }
        let head = if error.is_timeout() {
            "no answer in time"
        } else if error.is_connect() {
            "no connection"
        } else {
            "the connection broke"
        };
        let message = causes.last().map_or_else(|| head.to_owned(), |last| format!("{head}: {}", text::excerpt(last, 200)));
        Self { failure: if certificate { Failure::Certificate } else { Failure::Connection }, answer: None, message }
    }
}

impl Http {
    /// A text of a target made fit for people: one line, no secrets, no controls.
    pub fn clean(&self, foreign: &str) -> String {
        let mut shown = foreign.to_owned();
        for secret in &self.secrets {
            shown = shown.replace(secret.expose(), "***");
        }
        text::excerpt(&text::one_line(&text::without_controls(&shown)), 500)
    }

    pub(super) fn failure(&self, answer: &Answer) -> Failure {
        let code = answer.json().pointer("/error/code").and_then(Value::as_str).unwrap_or("").to_owned();
        Failure::Status {
            code: answer.status,
            retry_after: answer.header("retry-after").and_then(|value| retry::retry_after(value, self.shared.clock.timestamp())),
            should_retry: answer.header("stripe-should-retry").and_then(|value| value.parse().ok()),
            locked: matches!(code.as_str(), "lock_timeout" | "idempotency_key_in_use"),
        }
    }

    /// What an answer says, in words.
    pub(super) fn words(&self, answer: &Answer) -> String {
        let json = answer.json();
        let error = json.get("error").filter(|error| error.is_object()).unwrap_or(&json);
        let said = |name: &str| error.get(name).and_then(Value::as_str);
        let name = StatusCode::from_u16(answer.status).ok().and_then(|status| status.canonical_reason()).unwrap_or("");
        let mut words = format!("{} {name}", answer.status).trim().to_owned();
        for part in [said("message"), said("user_message"), said("code"), said("param")].into_iter().flatten() {
            words.push_str(&format!(", {}", self.clean(part)));
        }
        if json.is_null() && !answer.body.is_empty() {
            let kind = answer.header("content-type").unwrap_or("no type").to_owned();
            words.push_str(&format!(
                ", {}: {}",
                self.clean(&kind),
                text::excerpt(&self.clean(&String::from_utf8_lossy(&answer.body)), 120)
            ));
        }
        if let Some(id) = answer.header("request-id").or_else(|| answer.header("x-request-id")) {
            words.push_str(&format!(" (request {})", self.clean(id)));
        }
        words
    }

    pub(super) fn refusal(&self, call: &Call<'_>, trouble: Trouble) -> PushError {
        let what = call.what.to_owned();
        let Some(answer) = trouble.answer else {
            return match trouble.failure {
                Failure::Certificate => PushError::Refused { what, status: 0, message: trouble.message, path: None },
                _ => PushError::Temporary { what, message: trouble.message, wait: None },
            };
        };
        let message = self.words(&answer);
        match answer.status {
            401 | 403 => PushError::Access {
                what,
                message,
                credential: call.bearer.map_or_else(|| "nowhere".to_owned(), |secret| secret.origin().to_owned()),
            },
            300..=399 => PushError::Refused {
                what,
                status: answer.status,
                message: format!("{message}; redirects are not followed, because the feed would go where nobody said"),
                path: None,
            },
            status => {
                let json = answer.json();
                let path = ["/error/param", "/param"].iter().find_map(|at| json.pointer(at)).and_then(Value::as_str);
                PushError::Refused { what, status, message, path: path.map(|path| self.clean(path)) }
            }
        }
    }
}
