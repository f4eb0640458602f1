//! Answers kept by idempotency key, so that a repeated request does nothing twice.

use super::call::{Answer, Call};
use jiff::{SignedDuration, Timestamp};
use std::collections::HashMap;

/// Characters of the longest key.
const KEY_LENGTH: usize = 255;

/// What is known of a request with a key.
#[derive(Debug)]
pub(super) enum Known {
    /// Nothing: it is to be done.
    New,
    /// It was done; this was the answer.
    Done(Box<Answer>),
    /// The key was used for another request.
    Other,
    /// The key is longer than allowed, or empty.
    Unusable,
}

#[derive(Debug)]
struct Entry {
    fingerprint: [u8; 32],
    at: Timestamp,
    answer: Answer,
}

/// The answers of all APIs, each under its own scope.
#[derive(Debug, Default)]
pub(super) struct Ledger(HashMap<(String, String), Entry>);

impl Ledger {
    /// Looks a call's key up; answers older than `keep` are forgotten.
    pub(super) fn look(&mut self, scope: &str, call: &Call, keep: SignedDuration, now: Timestamp) -> Known {
        let Some(key) = call.header("idempotency-key") else { return Known::New };
        if key.is_empty() || key.chars().count() > KEY_LENGTH {
            return Known::Unusable;
        }
        let place = (scope.to_owned(), key.to_owned());
        match self.0.get(&place) {
            None => Known::New,
            Some(entry) if now.duration_since(entry.at) > keep => {
                self.0.remove(&place);
                Known::New
            }
            Some(entry) if entry.fingerprint != call.fingerprint() => Known::Other,
            Some(entry) => Known::Done(Box::new(entry.answer.clone())),
        }
    }

    /// Keeps the answer of a call that has a key.
    pub(super) fn keep(&mut self, scope: &str, call: &Call, answer: &Answer, now: Timestamp) {
        if let Some(key) = call.header("idempotency-key") {
            let entry = Entry { fingerprint: call.fingerprint(), at: now, answer: answer.clone() };
            self.0.insert((scope.to_owned(), key.to_owned()), entry);
        }
    }
}
