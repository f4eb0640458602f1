//! The one way requests leave: no redirects, time limits, retries by decision, secrets out of
//! every text. A rehearsal takes the same way and is answered from the documents.

mod body;
mod call;
pub mod reach;
mod rehearsal;
mod trouble;

pub use call::{Answer, Body, Call};

use super::error::PushError;
use super::retry::{Decision, Failure, Policy};
use super::shared::Shared;
use crate::clock::Clock;
use crate::config::environment::{Proxies, proxies};
use crate::secret::Secret;
use rehearsal::{Imagined, Rehearsal};
use reqwest::header::{DATE, HeaderMap};
use reqwest::{Client, NoProxy, Proxy, StatusCode};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;
use trouble::Trouble;

/// Time limits of requests.
#[derive(Clone, Copy, Debug, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Seconds until a connection stands.
    pub connect_s: u64,
    /// Seconds without a byte.
    pub idle_s: u64,
    /// Bytes of an answer that is read whole.
    pub answer_bytes: usize,
    /// Bytes of a report that is fetched.
    pub report_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { connect_s: 10, idle_s: 60, answer_bytes: 64 << 20, report_bytes: 256 << 20 }
    }
}

/// The clients of a run: all accounts and targets with the same limits share one, and with it
/// the connections that stand.
#[derive(Default)]
pub struct Clients(Mutex<Vec<(Limits, Client)>>);

/// What requests leave through: no redirects, nothing below TLS 1.2, and the proxy that the
/// environment names, whose address is a secret.
///
/// # Errors
/// When it cannot be made.
pub(super) fn client(shared: &Shared, limits: Limits) -> Result<(Client, Option<Secret>), PushError> {
    let proxies = proxies();
    let proxy = proxies.https.as_ref().map(|(_, address)| address.clone());
    let Ok(mut known) = shared.clients.0.lock() else { return Ok((make(limits, &proxies)?, proxy)) };
    let same = |known: &Limits| (known.connect_s, known.idle_s) == (limits.connect_s, limits.idle_s);
    if let Some((_, client)) = known.iter().find(|(limits, _)| same(limits)) {
        return Ok((client.clone(), proxy));
    }
    let client = make(limits, &proxies)?;
    known.push((limits, client.clone()));
    Ok((client, proxy))
}

fn make(limits: Limits, proxies: &Proxies) -> Result<Client, PushError> {
    // Another part of the program may have chosen one already, which serves as well.
    rustls::crypto::ring::default_provider().install_default().unwrap_or_default();
    let mut builder = Client::builder().no_proxy();
    if let Some((name, address)) = &proxies.https {
        // What is meant for this machine is not carried elsewhere.
        let without = format!("{},localhost,127.0.0.0/8,::1", proxies.without);
        let proxy = Proxy::https(address.expose()).map_err(|_| PushError::Settings(format!("{name} is no address of a proxy")))?;
        builder = builder.proxy(proxy.no_proxy(NoProxy::from_string(&without)));
    }
    builder
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(Duration::from_secs(limits.connect_s))
        .read_timeout(Duration::from_secs(limits.idle_s))
        .tls_version_min(reqwest::tls::Version::TLS_1_2)
        .referer(false)
        .user_agent(concat!("feedmill/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|error| PushError::Settings(format!("no client can be made: {}", error.without_url())))
}

/// Seconds that clocks may be apart.
const LARGEST_SKEW: i64 = 5 * 60;

/// Sends requests of one destination.
pub struct Http {
    client: Client,
    shared: Shared,
    policy: Policy,
    limits: Limits,
    secrets: Vec<Secret>,
    /// Requests that left.
    pub requests: AtomicU64,
    /// By how many seconds the clock of the other side is ahead of ours, in the answer where that is most.
    skew: AtomicI64,
    rehearsal: Option<Rehearsal>,
}

impl Http {
    /// A way out for one destination.
    ///
    /// # Errors
    /// When the client cannot be made.
    pub fn new(shared: &Shared, policy: Policy, limits: Limits, secrets: Vec<Secret>) -> Result<Self, PushError> {
        let (client, proxy) = client(shared, limits)?;
        let secrets = secrets.into_iter().chain(proxy).collect();
        Ok(Self {
            client,
            shared: shared.clone(),
            policy,
            limits,
            secrets,
            requests: AtomicU64::new(0),
            skew: AtomicI64::new(0),
            rehearsal: None,
        })
    }

    /// Makes it a rehearsal: nothing leaves, and each request is answered by `answers`.
    #[must_use]
    pub fn rehearsing(mut self, answers: Imagined) -> Self {
        self.rehearsal = Some(Rehearsal { answers, lines: Mutex::default() });
        self
    }

    /// Whether nothing leaves.
    pub fn is_rehearsal(&self) -> bool {
        self.rehearsal.is_some()
    }

    /// The requests of a rehearsal, in words.
    pub fn rehearsed(&self) -> Vec<String> {
        self.rehearsal.as_ref().and_then(|rehearsal| rehearsal.lines.lock().ok().map(|lines| lines.clone())).unwrap_or_default()
    }

    /// The clock.
    pub fn clock(&self) -> &dyn Clock {
        &*self.shared.clock
    }

    /// Time left to the run.
    pub fn left(&self) -> Duration {
        self.shared.left()
    }

    /// What is to be said of the clocks, where ours and that of the other side are further apart
    /// than a transfer takes: one of them is wrong.
    pub fn skewed(&self) -> Option<String> {
        let seconds = self.skew.load(Ordering::Relaxed);
        let way = if seconds > 0 { "behind" } else { "ahead of" };
        (seconds.abs() > LARGEST_SKEW).then(|| format!("worth a look: the clock of this machine is {} s {way} the target's", seconds.abs()))
    }

    fn compare_clocks(&self, headers: &HeaderMap) {
        let told = headers.get(DATE).and_then(|date| date.to_str().ok()).and_then(|date| jiff::fmt::rfc2822::parse(date).ok());
        let Some(told) = told else { return };
        let seconds = told.timestamp().as_second() - self.clock().timestamp().as_second();
        if seconds.abs() > self.skew.load(Ordering::Relaxed).abs() {
            self.skew.store(seconds, Ordering::Relaxed);
        }
    }

    /// Sends a request until it succeeds or trying again makes no sense.
    ///
    /// # Errors
    /// Why it did not succeed.
    pub async fn send(&self, call: &Call<'_>) -> Result<Answer, PushError> {
        let mut attempt = 1;
        loop {
            let trouble = match self.once(call).await {
                Ok(answer) if (200..300).contains(&answer.status) => return Ok(answer),
                Ok(answer) => Trouble { failure: self.failure(&answer), answer: Some(Box::new(answer)), message: String::new() },
                Err(trouble) => trouble,
            };
            attempt = self.again(call, trouble, attempt).await?;
        }
    }

    /// Waits until the next attempt, and gives its number.
    async fn again(&self, call: &Call<'_>, trouble: Trouble, attempt: u32) -> Result<u32, PushError> {
        match self.shared.pause(&self.policy, &trouble.failure, attempt).await {
            Decision::Retry(_) => Ok(attempt + 1),
            Decision::Final => Err(self.refusal(call, trouble)),
            Decision::Later { reason, wait } => {
                let message = match &trouble.answer {
                    Some(answer) => self.words(answer),
                    None => trouble.message,
                };
                Err(PushError::Temporary {
                    what: call.what.to_owned(),
                    message: format!("{message} ({reason}, {attempt} {})", if attempt == 1 { "attempt" } else { "attempts" }),
                    wait: wait.map(|wait| wait.as_secs()),
                })
            }
        }
    }

    async fn once(&self, call: &Call<'_>) -> Result<Answer, Trouble> {
        if let Some(rehearsal) = &self.rehearsal {
            return Ok(rehearsal.answer(call));
        }
        let left = self.left();
        if left.is_zero() {
            return Err(Trouble::connection("the run has no time left"));
        }
        self.requests.fetch_add(1, Ordering::Relaxed);
        let request = self.request(call).await?;
        let exchange = async {
            let response = request.send().await.map_err(|error| Trouble::of(&error))?;
            self.read(response).await
        };
        // The clock of a test runs ahead of the machine's, which decides here.
        tokio::time::timeout(left.max(Duration::from_secs(1)), exchange)
            .await
            .unwrap_or_else(|_| Err(Trouble::connection("the run's time was up before the answer came")))
    }

    async fn read(&self, mut response: reqwest::Response) -> Result<Answer, Trouble> {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        self.compare_clocks(&headers);
        let mut body = Vec::new();
        while let Some(piece) = response.chunk().await.map_err(|error| Trouble::of(&error))? {
            if body.len() + piece.len() > self.limits.answer_bytes {
                return Err(Trouble { failure: Failure::Certificate, answer: None, message: "the answer is too long".to_owned() });
            }
            body.extend_from_slice(&piece);
        }
        Ok(Answer { status, headers, body })
    }

    /// Fetches a report into a file, at most so many bytes; what is beyond is left.
    ///
    /// # Errors
    /// When it cannot be fetched or written.
    pub async fn fetch(&self, call: &Call<'_>, into: &Path) -> Result<u64, PushError> {
        if let Some(rehearsal) = &self.rehearsal {
            rehearsal.answer(call);
            return Ok(0);
        }
        let mut attempt = 1;
        loop {
            match self.fetch_once(call, into).await {
                Ok(fetched) => return fetched,
                Err(trouble) => attempt = self.again(call, trouble, attempt).await?,
            }
        }
    }

    /// Most bytes that are fetched into a file.
    pub fn most_fetched(&self) -> u64 {
        self.limits.report_bytes
    }

    async fn fetch_once(&self, call: &Call<'_>, into: &Path) -> Result<Result<u64, PushError>, Trouble> {
        self.requests.fetch_add(1, Ordering::Relaxed);
        let mut response = self.request(call).await?.send().await.map_err(|error| Trouble::of(&error))?;
        if response.status() != StatusCode::OK {
            let answer = self.read(response).await?;
            return Err(Trouble { failure: self.failure(&answer), answer: Some(Box::new(answer)), message: String::new() });
        }
        let mut file = match std::fs::OpenOptions::new().write(true).create(true).truncate(true).open(into) {
            Ok(file) => file,
            Err(error) => return Ok(Err(PushError::io(into)(error))),
        };
        let mut length = 0;
        while let Some(piece) = response.chunk().await.map_err(|error| Trouble::of(&error))? {
            let room = self.limits.report_bytes.saturating_sub(length);
            let kept = piece.get(..piece.len().min(usize::try_from(room).unwrap_or(usize::MAX))).unwrap_or_default();
            if let Err(error) = std::io::Write::write_all(&mut file, kept) {
                return Ok(Err(PushError::io(into)(error)));
            }
            length += kept.len() as u64;
            if kept.len() < piece.len() {
                break;
            }
        }
        Ok(Ok(length))
    }
}

#[cfg(test)]
mod tests {
    use super::{Limits, client};
    use crate::clock::System;
    use crate::push::shared::Shared;
    use std::sync::Arc;
    use std::time::Duration;

    #[test]
    fn accounts_share_a_client_and_its_connections() {
        let shared = Shared::new(Arc::new(System::default()), Duration::from_secs(1));
        let other = Limits { idle_s: 5, ..Limits::default() };
        for limits in [Limits::default(), Limits::default(), other, Limits { report_bytes: 1, ..other }] {
            client(&shared, limits).expect("made");
        }
        assert_eq!(shared.clients.0.lock().expect("sound").len(), 2);
    }
}
