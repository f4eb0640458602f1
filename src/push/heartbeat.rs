//! Heartbeats: a monitor is told when a run of a target begins and how it ends, so that a run that
//! never comes is noticed too. The form is that of Healthchecks, which others have taken over:
//! the address with `/start`, the address itself, the address with `/fail`.

use super::address::Address;
use super::error::PushError;
use super::http::{Body, Call, Http, Limits};
use super::retry::Policy;
use super::shared::Shared;
use crate::clock::System;
use crate::secret::Secret;
use reqwest::Method;
use std::sync::Arc;
use std::time::Duration;

/// How long a beat may take, tries and all: what watches the run must not hold it up.
const PATIENCE: Duration = Duration::from_secs(10);

/// Bytes of words that go with a beat.
const MOST_WORDS: usize = 10_000;

/// What a monitor is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beat {
    /// A run begins.
    Start,
    /// The target has the feed as it is.
    Success,
    /// It has not.
    Fail,
}

/// Where the beats of one target go.
#[derive(Clone, Debug)]
pub struct Heartbeat {
    address: Address,
    secret: Secret,
}

impl Heartbeat {
    /// A heartbeat at an address, which is a secret: whoever knows it can say that all is well.
    ///
    /// # Errors
    /// What is wrong with it, without the address.
    pub fn new(secret: Secret) -> Result<Self, String> {
        Ok(Self { address: Address::parse(secret.expose())?, secret })
    }

    /// Whether both go to the same place, where one of them would hide that the other is silent.
    pub fn is_same(&self, other: &Self) -> bool {
        self.address == other.address
    }

    /// Sends a beat; `run` ties the start to the end, `words` go with it.
    ///
    /// # Errors
    /// Why nobody heard it, in words that do not hold the address.
    pub async fn send(&self, beat: Beat, run: &str, words: &str) -> Result<(), PushError> {
        let shared = Shared::new(Arc::new(System::default()), PATIENCE);
        let path = self.address.path().to_owned();
        let secrets = vec![self.secret.clone(), Secret::new(path, self.secret.origin())];
        let policy = Policy { attempts: 3, base_ms: 200, cap_ms: 1_000, ..Policy::default() };
        let http = Http::new(&shared, policy, Limits { connect_s: 5, idle_s: 5, answer_bytes: 1 << 20, report_bytes: 0 }, secrets)?;
        let address = match beat {
            Beat::Start => self.address.join("start"),
            Beat::Success => self.address.clone(),
            Beat::Fail => self.address.join("fail"),
        };
        let mut call = Call::new("the heartbeat was not heard", Method::POST, address.query(&[("rid", run)]));
        let end = words.floor_char_boundary(MOST_WORDS);
        call.body = Body::Text(words.get(..end).unwrap_or_default().to_owned());
        http.send(&call).await.map(|_| ())
    }
}
