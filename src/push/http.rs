//! The one way requests leave: no redirects, time limits, retries by decision, secrets out of
//! every text. A rehearsal takes the same way and is answered from the documents.

use super::address::Address;
use super::error::PushError;
use super::retry::{self, Decision, Failure, Moment, Policy};
use super::secret::Secret;
use crate::clock::Clock;
use crate::product::text;
use reqwest::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Method, StatusCode};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

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

/// What a request carries.
#[derive(Clone, Debug)]
pub enum Body {
    /// Nothing.
    None,
    /// JSON text.
    Json(String),
    /// A form.
    Form(Vec<(&'static str, String)>),
    /// A file as it is.
    File {
        /// The file.
        path: PathBuf,
        /// Its type.
        kind: String,
    },
    /// A form with a file.
    Multipart {
        /// The plain fields.
        fields: Vec<(&'static str, String)>,
        /// The file.
        path: PathBuf,
        /// Its type.
        kind: &'static str,
    },
}

/// A request.
#[derive(Debug)]
pub struct Call<'a> {
    /// What it is for, in words.
    pub what: &'a str,
    /// The method.
    pub method: Method,
    /// Where to.
    pub address: Address,
    /// Headers besides the usual.
    pub headers: Vec<(String, String)>,
    /// Who we are.
    pub bearer: Option<&'a Secret>,
    /// What it carries.
    pub body: Body,
}

impl<'a> Call<'a> {
    /// A request that carries nothing.
    pub fn new(what: &'a str, method: Method, address: Address) -> Self {
        Self { what, method, address, headers: Vec::new(), bearer: None, body: Body::None }
    }

    /// Adds a header.
    pub fn header(&mut self, name: &str, value: String) {
        self.headers.push((name.to_owned(), value));
    }
}

/// An answer, whatever its status.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Vec<u8>,
}

impl Answer {
    /// The body as JSON; null where it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// Sends requests of one destination.
pub struct Http {
    client: Client,
    clock: Arc<dyn Clock>,
    policy: Policy,
    limits: Limits,
    budget: Arc<AtomicU32>,
    deadline: Duration,
    secrets: Vec<Secret>,
    /// Requests that left.
    pub requests: AtomicU64,
    rehearsal: Option<Rehearsal>,
}

/// What a request would have been answered.
type Imagined = Box<dyn Fn(&Call<'_>) -> Value + Send + Sync>;

/// The requests of a rehearsal, in words.
struct Rehearsal {
    answers: Imagined,
    lines: Mutex<Vec<String>>,
}

/// What all destinations of a run share.
#[derive(Clone)]
pub struct Shared {
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Retries left to the run.
    pub budget: Arc<AtomicU32>,
    /// When the run ends, by the clock.
    pub deadline: Duration,
}

impl Http {
    /// A way out for one destination.
    ///
    /// # Errors
    /// When the client cannot be made.
    pub fn new(shared: &Shared, policy: Policy, limits: Limits, secrets: Vec<Secret>) -> Result<Self, PushError> {
        // Another part of the program may have chosen one already, which serves as well.
        rustls::crypto::ring::default_provider().install_default().unwrap_or_default();
        let client = Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(Duration::from_secs(limits.connect_s))
            .read_timeout(Duration::from_secs(limits.idle_s))
            .tls_version_min(reqwest::tls::Version::TLS_1_2)
            .referer(false)
            .user_agent(concat!("feedmill/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| PushError::Settings(format!("no client can be made: {}", error.without_url())))?;
        Ok(Self {
            client,
            clock: Arc::clone(&shared.clock),
            policy,
            limits,
            budget: Arc::clone(&shared.budget),
            deadline: shared.deadline,
            secrets,
            requests: AtomicU64::new(0),
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
        &*self.clock
    }

    /// Time left to the run.
    pub fn left(&self) -> Duration {
        self.deadline.saturating_sub(self.clock.elapsed())
    }

    /// A text of a target made fit for people: one line, no secrets, no controls.
    pub fn clean(&self, foreign: &str) -> String {
        let mut shown = foreign.to_owned();
        for secret in &self.secrets {
            shown = shown.replace(secret.expose(), "***");
        }
        text::excerpt(&text::one_line(&text::without_controls(&shown)), 500)
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
        let moment = Moment { attempt, budget: self.budget.load(Ordering::Relaxed), left: self.left(), random: self.clock.random() };
        match retry::decide(&self.policy, &trouble.failure, moment) {
            Decision::Retry(wait) => {
                self.budget.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).unwrap_or_default();
                self.clock.sleep(wait).await;
                Ok(attempt + 1)
            }
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

    async fn request(&self, call: &Call<'_>) -> Result<reqwest::RequestBuilder, Trouble> {
        let mut headers = HeaderMap::new();
        for (name, value) in &call.headers {
            let value = HeaderValue::from_str(value).map_err(|_| Trouble::connection("a header holds what no header can"))?;
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| Trouble::connection("a header has no name for one"))?;
            headers.insert(name, value);
        }
        if let Some(secret) = call.bearer {
            let mut value = HeaderValue::from_str(&format!("Bearer {}", secret.expose()))
                .map_err(|_| Trouble::connection("the credential holds what no header can"))?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        let builder = self.client.request(call.method.clone(), call.address.expose().clone());
        let builder = match &call.body {
            Body::None => builder,
            Body::Json(text) => builder.header(CONTENT_TYPE, "application/json").body(text.clone()),
            Body::Form(fields) => builder.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(form(fields)),
            Body::File { path, kind } => {
                let (file, length) = open(path).await?;
                builder.header(CONTENT_TYPE, kind.as_str()).header(CONTENT_LENGTH, length).body(file)
            }
            Body::Multipart { fields, path, kind } => {
                let (file, length) = open(path).await?;
                let name = path.file_name().and_then(|name| name.to_str()).unwrap_or("feed").to_owned();
                let part = reqwest::multipart::Part::stream_with_length(file, length).file_name(name);
                let part = part.mime_str(kind).map_err(|error| Trouble::of(&error))?;
                let form = fields.iter().fold(reqwest::multipart::Form::new(), |form, (name, value)| form.text(*name, value.clone()));
                builder.multipart(form.part("file", part))
            }
        };
        Ok(builder.headers(headers))
    }

    async fn read(&self, mut response: reqwest::Response) -> Result<Answer, Trouble> {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
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

    fn failure(&self, answer: &Answer) -> Failure {
        let code = answer.json().pointer("/error/code").and_then(Value::as_str).unwrap_or("").to_owned();
        Failure::Status {
            code: answer.status,
            retry_after: answer.header("retry-after").and_then(|value| retry::retry_after(value, self.clock.timestamp())),
            should_retry: answer.header("stripe-should-retry").and_then(|value| value.parse().ok()),
            locked: matches!(code.as_str(), "lock_timeout" | "idempotency_key_in_use"),
        }
    }

    /// What an answer says, in words.
    fn words(&self, answer: &Answer) -> String {
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

    fn refusal(&self, call: &Call<'_>, trouble: Trouble) -> PushError {
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

/// A request that brought no success.
struct Trouble {
    failure: Failure,
    answer: Option<Box<Answer>>,
    message: String,
}

impl Trouble {
    fn connection(message: &str) -> Self {
        Self { failure: Failure::Connection, answer: None, message: message.to_owned() }
    }

    /// Walks down the causes: a certificate that is wrong stays wrong.
    fn of(error: &reqwest::Error) -> Self {
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

async fn open(path: &Path) -> Result<(tokio::fs::File, u64), Trouble> {
    let fail =
        |error: std::io::Error| Trouble { failure: Failure::Certificate, answer: None, message: format!("{}: {error}", path.display()) };
    let file = tokio::fs::File::open(path).await.map_err(fail)?;
    let length = file.metadata().await.map_err(fail)?.len();
    Ok((file, length))
}

fn form(fields: &[(&'static str, String)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields.iter().map(|(name, value)| (*name, value.as_str()))).finish()
}

impl Rehearsal {
    fn answer(&self, call: &Call<'_>) -> Answer {
        let mut lines = vec![format!("{} {}", call.method, call.address)];
        if call.bearer.is_some() {
            lines.push("  Authorization: Bearer ***".to_owned());
        }
        lines.extend(call.headers.iter().map(|(name, value)| {
            // A key is drawn anew for each attempt, and would only look like a secret.
            if name == "Idempotency-Key" { format!("  {name}: <one for this content>") } else { format!("  {name}: {value}") }
        }));
        let size = |path: &Path| std::fs::metadata(path).map_or(0, |found| found.len());
        let name = |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        match &call.body {
            Body::None => {}
            Body::Json(text) => lines.push(format!("  {}", text::excerpt(text, 400))),
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
