//! SFTP: a snapshot under stable names. Each file is written beside its name, flushed, its size
//! read back, and renamed over the old one; shards that are no longer part of the feed go last.
//!
//! The host's key is pinned or known, and is checked before any credential is sent. A transfer
//! that was cut is gone on with where it stopped.

mod host_key;
mod login;
mod rsa;
mod session;
mod stale;
mod trouble;

use super::difference::Difference;
use super::error::PushError;
use super::feed::Built;
use super::folder::whole;
use super::http::Http;
use super::names::{check_prefix, delivered, unfinished};
use super::retry::{Decision, Failure, Policy};
use super::shared::Shared;
use super::stripe::Way;
use super::{Desk, Destination, FileState, Part, Verdict, Work};
use crate::product::link::decoded;
use crate::secret::SecretRef;
use crate::state::Intent;
use host_key::Trust;
use login::Login;
use serde::Deserialize;
use session::Session;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use trouble::Trouble;

/// The keys of `deliver = { sftp = ... }`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Settings {
    /// `sftp://user@host:port/folder/`
    sftp: String,
    /// The private key, as a file that nobody else can read.
    key_file: Option<PathBuf>,
    /// The passphrase of the private key.
    passphrase: Option<SecretRef>,
    /// The password.
    password: Option<SecretRef>,
    /// The host's key, as `SHA256:...`.
    host_key: Option<String>,
    /// A file of known hosts; the user's own unless given.
    known_hosts: Option<PathBuf>,
    /// What file names begin with, so that several feeds can lie together.
    #[serde(default)]
    prefix: String,
    /// Whether to write in place where the server cannot rename over a file; readers may then
    /// see half of one.
    #[serde(default)]
    in_place: bool,
}

/// Unchanged snapshots are sent again before a day is over.
const MAX_AGE: u64 = 23 * 3600;

pub(super) struct Sftp {
    prefix: String,
    in_place: bool,
    host: String,
    port: u16,
    user: String,
    folder: String,
    login: Login,
    trust: Trust,
    shared: Shared,
    policy: Policy,
    idle: Duration,
    connect: Duration,
    rehearsal: bool,
    planned: Mutex<Vec<String>>,
    /// A session in which nothing was sent yet.
    entered: Mutex<Option<Session>>,
    /// Files that were written, renamed and removed.
    changes: Arc<AtomicU64>,
}

impl Sftp {
    pub(super) fn new(settings: &Settings, way: &Way<'_>, rehearsal: bool) -> Result<Self, PushError> {
        let wrong = |message: String| PushError::Settings(format!("target `{}`: deliver: {message}", way.target));
        // What stands in the address is not repeated: it may be a password after all.
        let url = url::Url::parse(&settings.sftp).map_err(|error| wrong(format!("sftp: this is no address: {error}")))?;
        let (Some(host), "sftp") = (url.host_str(), url.scheme()) else {
            return Err(wrong("sftp: an address such as sftp://user@host/folder/ is needed".to_owned()));
        };
        if url.password().is_some() {
            return Err(wrong("sftp: a password does not belong into the address; give `password = { file = ... }`".to_owned()));
        }
        if url.username().is_empty() {
            return Err(wrong("sftp: the address names no user: sftp://user@host/".to_owned()));
        }
        check_prefix(&settings.prefix).map_err(|message| wrong(message.to_owned()))?;
        let path = decoded(url.path());
        let path = path.trim_start_matches('/').trim_end_matches('/');
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let port = url.port().unwrap_or(22);
        Ok(Self {
            prefix: settings.prefix.clone(),
            in_place: settings.in_place,
            user: decoded(url.username()),
            folder: if path.is_empty() { String::new() } else { format!("{path}/") },
            login: Login::read(settings, way.home).map_err(wrong)?,
            trust: Trust::read(settings, way.home, &host, port).map_err(wrong)?,
            host,
            port,
            shared: way.shared.clone(),
            policy: way.policy,
            idle: Duration::from_secs(way.limits.idle_s),
            connect: Duration::from_secs(way.limits.connect_s),
            rehearsal,
            planned: Mutex::default(),
            entered: Mutex::default(),
            changes: Arc::default(),
        })
    }

    /// Where we talk to, in words.
    fn place(&self) -> String {
        format!("SFTP to {}:{}", self.host, self.port)
    }

    fn rehearse(&self, part: &Part) -> Result<Verdict, PushError> {
        let mut lines = vec![format!("SFTP connect {}@{}:{}", self.user, self.host, self.port)];
        for file in &part.files {
            let name = delivered(file, &self.prefix);
            let beside = unfinished(&name, &super::feed::digest(file)?);
            lines.push(format!("SFTP put {0}{beside}, flush, compare sizes, rename to {0}{name}", self.folder));
        }
        if let Ok(mut planned) = self.planned.lock() {
            planned.extend(lines);
        }
        Ok(Verdict::default())
    }

    async fn put(&self, desk: &Desk<'_>, part: &Part, intent: &mut Intent) -> Result<Verdict, PushError> {
        let mut attempt = 1;
        loop {
            let session = async { self.enter().await?.deliver(self, desk, part, intent).await };
            let done = self.in_time(session).await;
            match done {
                Ok(verdict) => return Ok(verdict),
                Err(trouble) => self.hesitate(trouble, &mut attempt).await?,
            }
        }
    }

    /// Bytes of the files of ours that are there.
    async fn size(&self) -> Result<u64, PushError> {
        let mut attempt = 1;
        loop {
            let session = async {
                let session = self.enter().await?;
                let bytes = session.standing(self).await?;
                if let Ok(mut entered) = self.entered.lock() {
                    *entered = Some(session);
                }
                Ok(bytes)
            };
            match self.in_time(session).await {
                Ok(bytes) => return Ok(bytes),
                Err(trouble) => self.hesitate(trouble, &mut attempt).await?,
            }
        }
    }

    /// The files that stand there, against those that were built.
    async fn compare(&self, built: &Built) -> Result<Option<Vec<(String, FileState)>>, PushError> {
        let mut attempt = 1;
        loop {
            let session = async { self.enter().await?.compare(self, built).await };
            match self.in_time(session).await {
                Ok(found) => return Ok(found),
                Err(trouble) => self.hesitate(trouble, &mut attempt).await?,
            }
        }
    }

    async fn enter(&self) -> Result<Session, Trouble> {
        if let Some(session) = self.entered.lock().ok().and_then(|mut entered| entered.take()) {
            return Ok(session);
        }
        let session = tokio::time::timeout(self.connect, self.login()).await;
        session.unwrap_or_else(|_| Err(Trouble::Broken("no answer in time".to_owned())))
    }

    async fn in_time<T>(&self, work: impl Future<Output = Result<T, Trouble>>) -> Result<T, Trouble> {
        let left = self.shared.left().max(Duration::from_secs(1));
        tokio::time::timeout(left, work).await.unwrap_or_else(|_| Err(Trouble::Broken("the run's time was up".to_owned())))
    }

    /// Waits before another attempt, where one may help.
    async fn hesitate(&self, trouble: Trouble, attempt: &mut u32) -> Result<(), PushError> {
        let message = match trouble {
            Trouble::Final(error) => return Err(error),
            Trouble::Broken(message) => message,
        };
        if let Decision::Retry(_) = self.shared.pause(&self.policy, &Failure::Connection, *attempt).await {
            *attempt += 1;
            return Ok(());
        }
        let message = format!("{message} ({attempt} {})", if *attempt == 1 { "attempt" } else { "attempts" });
        Err(PushError::Temporary { what: self.place(), message, wait: None })
    }
}

impl Destination for Sftp {
    fn describe(&self) -> String {
        format!("SFTP {}:{}", self.host, self.port)
    }

    fn http(&self) -> Option<&Http> {
        None
    }

    fn requests(&self) -> u64 {
        self.changes.load(Ordering::Relaxed)
    }

    fn rehearsed(&self) -> Vec<String> {
        self.planned.lock().map(|planned| planned.clone()).unwrap_or_default()
    }

    fn max_age(&self) -> Option<u64> {
        Some(MAX_AGE)
    }

    fn takes_snapshots(&self) -> bool {
        true
    }

    fn files<'a>(&'a self, built: &'a Built) -> Work<'a, Option<Vec<(String, FileState)>>> {
        Box::pin(self.compare(built))
    }

    fn standing(&self) -> Work<'_, Option<u64>> {
        Box::pin(async { self.size().await.map(Some) })
    }

    fn parts(&self, built: &Built, _: &Difference, _: &Path) -> Result<Vec<Part>, PushError> {
        Ok(vec![whole(built)])
    }

    fn deliver<'a>(&'a self, desk: &'a Desk<'a>, part: &'a Part, intent: &'a mut Intent) -> Work<'a, Verdict> {
        Box::pin(async move { if self.rehearsal { self.rehearse(part) } else { self.put(desk, part, intent).await } })
    }
}
