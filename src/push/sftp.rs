//! SFTP: a snapshot under stable names. Each file is written beside its name, flushed, its size
//! read back, and renamed over the old one; shards that are no longer part of the feed go last.
//!
//! The host's key is pinned or known, and is checked before any credential is sent. A transfer
//! that was cut is gone on with where it stopped.

use super::difference::Difference;
use super::error::PushError;
use super::feed::Built;
use super::folder::whole;
use super::http::{Http, Shared};
use super::retry::{self, Decision, Failure, Moment, Policy};
use super::secret::{Secret, SecretRef};
use super::stripe::Way;
use super::{Desk, Destination, Part, Verdict, Work};
use crate::product::text;
use crate::state::Intent;
use russh::client::{self, Handle};
use russh::keys::{HashAlg, PrivateKeyWithHashAlg, PublicKeyOrCertificate};
use russh_sftp::client::RawSftpSession;
use russh_sftp::client::error::Error as SftpError;
use russh_sftp::protocol::{FileAttributes, OpenFlags, Packet, StatusCode};
use serde::Deserialize;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::task::JoinSet;

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

/// Bytes of one write; what every server takes.
const CHUNK: usize = 32 << 10;
/// Writes on their way at once.
const AHEAD: usize = 16;
/// What our unfinished files end with.
const UNFINISHED: &str = ".feedmill-part";
/// Unchanged snapshots are sent again before a day is over.
const MAX_AGE: u64 = 23 * 3600;

pub(super) struct Sftp {
    settings: Settings,
    host: String,
    port: u16,
    user: String,
    folder: String,
    login: Login,
    known_hosts: Option<PathBuf>,
    shared: Shared,
    policy: Policy,
    idle: Duration,
    connect: Duration,
    rehearsal: bool,
    planned: Mutex<Vec<String>>,
}

enum Login {
    Key { path: PathBuf, text: Secret, passphrase: Option<Secret> },
    Password(Secret),
}

impl Login {
    fn origin(&self) -> String {
        match self {
            Self::Key { path, .. } => format!("the file {}", path.display()),
            Self::Password(secret) => secret.origin().to_owned(),
        }
    }
}

/// What went wrong in a session, and whether another try may help.
enum Trouble {
    Broken(String),
    Final(PushError),
}

impl From<SftpError> for Trouble {
    fn from(error: SftpError) -> Self {
        let words = text::excerpt(&text::one_line(&text::without_controls(&error.to_string())), 200);
        match &error {
            SftpError::Status(status) if status.status_code == StatusCode::PermissionDenied => {
                Self::Final(PushError::Refused { what: "writing the feed".to_owned(), status: 0, message: words, path: None })
            }
            _ => Self::Broken(words),
        }
    }
}

impl From<russh::Error> for Trouble {
    fn from(error: russh::Error) -> Self {
        Self::Broken(text::excerpt(&error.to_string(), 200))
    }
}

impl Sftp {
    pub(super) fn new(settings: &Settings, way: &Way<'_>, rehearsal: bool) -> Result<Self, PushError> {
        let wrong = |message: String| PushError::Settings(format!("target `{}`: deliver: {message}", way.target));
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
        if settings.prefix.contains(['/', '\\']) || settings.prefix.starts_with('.') {
            return Err(wrong("prefix: it begins a file name, so no path and no leading dot".to_owned()));
        }
        let read = |secret: &SecretRef, name: &str| secret.read(way.home).map_err(|message| wrong(format!("{name}: {message}")));
        let login = match (&settings.key_file, &settings.password) {
            (Some(file), None) => {
                let path = way.home.join(file);
                let text = Secret::of_file(&path).map_err(|message| wrong(format!("key_file: {message}")))?;
                Login::Key { path, text, passphrase: settings.passphrase.as_ref().map(|secret| read(secret, "passphrase")).transpose()? }
            }
            (None, Some(password)) => Login::Password(read(password, "password")?),
            _ => return Err(wrong("give either `key_file` or `password`".to_owned())),
        };
        if let Some(pinned) = settings.host_key.as_ref().filter(|pinned| !pinned.starts_with("SHA256:")) {
            return Err(wrong(format!("host_key: `{}` is no fingerprint; it begins with SHA256:", text::excerpt(pinned, 60))));
        }
        let path = url.path().trim_start_matches('/').trim_end_matches('/');
        Ok(Self {
            host: host.trim_start_matches('[').trim_end_matches(']').to_owned(),
            port: url.port().unwrap_or(22),
            user: url.username().to_owned(),
            folder: if path.is_empty() { String::new() } else { format!("{path}/") },
            login,
            known_hosts: settings.known_hosts.as_ref().map(|file| way.home.join(file)),
            settings: settings.clone(),
            shared: way.shared.clone(),
            policy: way.policy,
            idle: Duration::from_secs(way.limits.idle_s),
            connect: Duration::from_secs(way.limits.connect_s),
            rehearsal,
            planned: Mutex::default(),
        })
    }

    fn name(&self, file: &Path) -> String {
        format!("{}{}", self.settings.prefix, file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default())
    }

    async fn put(&self, part: &Part) -> Result<Verdict, PushError> {
        if self.rehearsal {
            let lines = part.files.iter().map(|file| {
                let name = self.name(file);
                format!("SFTP put {0}.{name}…{UNFINISHED}, flush, compare sizes, rename to {0}{name}", self.folder)
            });
            if let Ok(mut planned) = self.planned.lock() {
                planned.push(format!("SFTP connect {}@{}:{}", self.user, self.host, self.port));
                planned.extend(lines);
            }
            return Ok(Verdict::default());
        }
        let clock = &self.shared.clock;
        let mut attempt = 1;
        loop {
            let left = self.shared.deadline.saturating_sub(clock.elapsed());
            let session = async {
                let session = tokio::time::timeout(self.connect, self.login()).await;
                let session = session.unwrap_or_else(|_| Err(Trouble::Broken("no answer in time".to_owned())))?;
                session.deliver(self, part).await
            };
            let done = tokio::time::timeout(left.max(Duration::from_secs(1)), session).await;
            let message = match done.unwrap_or_else(|_| Err(Trouble::Broken("the run's time was up".to_owned()))) {
                Ok(verdict) => return Ok(verdict),
                Err(Trouble::Final(error)) => return Err(error),
                Err(Trouble::Broken(message)) => message,
            };
            let left = self.shared.deadline.saturating_sub(clock.elapsed());
            let moment = Moment { attempt, budget: self.shared.budget.load(Ordering::Relaxed), left, random: clock.random() };
            match retry::decide(&self.policy, &Failure::Connection, moment) {
                Decision::Retry(wait) => {
                    attempt += 1;
                    self.shared.budget.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).unwrap_or_default();
                    clock.sleep(wait).await;
                }
                _ => {
                    let what = format!("SFTP to {}:{}", self.host, self.port);
                    return Err(PushError::Temporary { what, message: format!("{message} ({attempt} attempts)"), wait: None });
                }
            }
        }
    }

    /// Connects, checks the host's key, and only then shows who we are.
    async fn login(&self) -> Result<Session, Trouble> {
        let verdict: Arc<Mutex<Option<String>>> = Arc::default();
        let guard = HostKey {
            host: self.host.clone(),
            port: self.port,
            pinned: self.settings.host_key.clone(),
            known_hosts: self.known_hosts.clone(),
            verdict: Arc::clone(&verdict),
        };
        let config = client::Config {
            inactivity_timeout: Some(self.idle),
            keepalive_interval: Some(self.idle / 3),
            nodelay: true,
            ..client::Config::default()
        };
        let connected = client::connect(Arc::new(config), (self.host.as_str(), self.port), guard).await;
        let refused = verdict.lock().ok().and_then(|mut verdict| verdict.take());
        if let Some(message) = refused {
            let what = format!("SFTP to {}:{}", self.host, self.port);
            return Err(Trouble::Final(PushError::Access { what, message, credential: "nowhere, because none was sent".to_owned() }));
        }
        let mut handle = connected?;
        let accepted = match &self.login {
            Login::Password(password) => handle.authenticate_password(self.user.as_str(), password.expose()).await?.success(),
            Login::Key { path, text, passphrase } => {
                let key = russh::keys::decode_secret_key(text.expose(), passphrase.as_ref().map(Secret::expose));
                let key = key.map_err(|_| {
                    Trouble::Final(PushError::Settings(format!(
                        "{}: this private key cannot be used; is its passphrase missing?",
                        path.display()
                    )))
                })?;
                let hash = handle.best_supported_rsa_hash().await?.flatten();
                handle.authenticate_publickey(self.user.as_str(), PrivateKeyWithHashAlg::new(Arc::new(key), hash)).await?.success()
            }
        };
        if !accepted {
            return Err(Trouble::Final(PushError::Access {
                what: format!("SFTP to {}:{}", self.host, self.port),
                message: format!("the server does not let `{}` in", self.user),
                credential: self.login.origin(),
            }));
        }
        let channel = handle.channel_open_session().await?;
        channel.request_subsystem(true, "sftp").await?;
        let sftp = RawSftpSession::new(channel.into_stream());
        sftp.set_timeout(self.idle.as_secs().max(1));
        let version = sftp.init().await?;
        let offers = |name: &str| version.extensions.contains_key(name);
        Ok(Session {
            renames: offers("posix-rename@openssh.com"),
            flushes: offers("fsync@openssh.com"),
            sftp: Arc::new(sftp),
            _handle: handle,
        })
    }
}

/// A session that was let in.
struct Session {
    sftp: Arc<RawSftpSession>,
    renames: bool,
    flushes: bool,
    _handle: Handle<HostKey>,
}

impl Session {
    async fn deliver(&self, to: &Sftp, part: &Part) -> Result<Verdict, Trouble> {
        let mut verdict = Verdict::default();
        let present = self.list(&to.folder).await?;
        let mut renames = Vec::new();
        let mut names = Vec::new();
        for file in &part.files {
            let name = to.name(file);
            let content = super::feed::digest(file).map_err(Trouble::Final)?;
            let place = if self.renames || !to.settings.in_place {
                // A receiver that watches its folder takes neither hidden files nor this ending.
                format!(".{name}.{}{UNFINISHED}", content.get(..12).unwrap_or(""))
            } else {
                name.clone()
            };
            if !self.renames && !to.settings.in_place {
                let message =
                    "the server cannot rename over a file (posix-rename@openssh.com); `in_place = true` writes without".to_owned();
                return Err(Trouble::Final(PushError::Refused { what: "writing the feed".to_owned(), status: 0, message, path: None }));
            }
            self.write(&format!("{}{place}", to.folder), file, place != name).await?;
            if place != name {
                renames.push((format!("{}{place}", to.folder), format!("{}{name}", to.folder)));
            }
            names.push(name);
        }
        // Only when every shard is there whole do they take their names.
        for (from, into) in &renames {
            self.rename(from, into).await?;
        }
        for old in present.iter().filter(|old| !names.contains(old) && is_ours(old, &to.settings.prefix)) {
            if renames.iter().any(|(from, _)| from.ends_with(old.as_str())) {
                continue;
            }
            self.sftp.remove(format!("{}{old}", to.folder)).await?;
            verdict
                .notes
                .push(format!("removed {}, which is no longer part of the feed", text::excerpt(&text::without_controls(old), 100)));
        }
        verdict.taken = Some(part.items);
        Ok(verdict)
    }

    async fn list(&self, folder: &str) -> Result<Vec<String>, Trouble> {
        let handle = self.sftp.opendir(if folder.is_empty() { "." } else { folder }).await?.handle;
        let mut names = Vec::new();
        // A folder of a hundred thousand files is not one that feeds are put into.
        while names.len() < 100_000 {
            match self.sftp.readdir(handle.as_str()).await {
                Ok(page) => names.extend(page.files.into_iter().map(|file| file.filename)),
                Err(SftpError::Status(status)) if status.status_code == StatusCode::Eof => break,
                Err(error) => return Err(error.into()),
            }
        }
        self.sftp.close(handle).await?;
        Ok(names)
    }

    /// Writes a file, going on where an earlier transfer of the same bytes stopped.
    async fn write(&self, path: &str, file: &Path, resumes: bool) -> Result<(), Trouble> {
        let unreadable = |error| Trouble::Final(PushError::io(file)(error));
        let mut input = std::fs::File::open(file).map_err(unreadable)?;
        let length = input.metadata().map_err(unreadable)?.len();
        let there = if resumes { self.size(path).await?.filter(|size| *size <= length) } else { None };
        // Writes that were on their way may have left holes behind the end.
        let window = (CHUNK * AHEAD) as u64;
        let start = there.map_or(0, |size| size.saturating_sub(window) / CHUNK as u64 * CHUNK as u64);
        let mut flags = OpenFlags::WRITE | OpenFlags::CREATE;
        if start == 0 {
            flags |= OpenFlags::TRUNCATE;
        }
        let handle = self.sftp.open(path, flags, FileAttributes::empty()).await?.handle;
        input.seek(SeekFrom::Start(start)).map_err(unreadable)?;
        let mut offset = start;
        let mut writes: JoinSet<Result<(), SftpError>> = JoinSet::new();
        loop {
            let mut piece = Vec::with_capacity(CHUNK);
            (&mut input).take(CHUNK as u64).read_to_end(&mut piece).map_err(unreadable)?;
            if piece.is_empty() {
                break;
            }
            if writes.len() >= AHEAD
                && let Some(done) = writes.join_next().await
            {
                done.unwrap_or(Err(SftpError::UnexpectedPacket))?;
            }
            let (sftp, handle, at) = (Arc::clone(&self.sftp), handle.clone(), offset);
            offset += piece.len() as u64;
            writes.spawn(async move { sftp.write(handle, at, piece).await.map(drop) });
        }
        while let Some(done) = writes.join_next().await {
            done.unwrap_or(Err(SftpError::UnexpectedPacket))?;
        }
        if self.flushes {
            self.sftp.fsync(handle.as_str()).await?;
        }
        self.sftp.close(handle).await?;
        match self.size(path).await? {
            Some(size) if size == length => Ok(()),
            found => {
                // Not to be gone on with: nobody knows what it holds.
                self.sftp.remove(path).await?;
                let found = found.map_or_else(|| "no".to_owned(), |size| size.to_string());
                Err(Trouble::Broken(format!("{length} bytes were written, and {found} are there")))
            }
        }
    }

    async fn size(&self, path: &str) -> Result<Option<u64>, Trouble> {
        match self.sftp.stat(path).await {
            Ok(found) => Ok(found.attrs.size),
            Err(SftpError::Status(status)) if status.status_code == StatusCode::NoSuchFile => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    async fn rename(&self, from: &str, into: &str) -> Result<(), Trouble> {
        let mut names = Vec::new();
        for name in [from, into] {
            names.extend_from_slice(&u32::try_from(name.len()).unwrap_or(0).to_be_bytes());
            names.extend_from_slice(name.as_bytes());
        }
        match self.sftp.extended("posix-rename@openssh.com", names).await? {
            Packet::Status(status) if status.status_code == StatusCode::Ok => Ok(()),
            Packet::Status(status) => Err(SftpError::Status(status).into()),
            _ => Err(SftpError::UnexpectedPacket.into()),
        }
    }
}

/// Whether a name is one that we give: a whole feed, one of its shards, or an unfinished one.
fn is_ours(name: &str, prefix: &str) -> bool {
    if let Some(hidden) = name.strip_prefix('.') {
        return hidden.ends_with(UNFINISHED) && hidden.starts_with(prefix);
    }
    let Some(rest) = name.strip_prefix(prefix).and_then(|rest| rest.strip_prefix("feed")) else { return false };
    let digits = |text: &str| text.len() == 4 && text.bytes().all(|b| b.is_ascii_digit());
    let ending = match rest.strip_prefix('-') {
        None => rest.strip_prefix('.'),
        Some(shard) => shard.split_once('.').and_then(|(shard, ending)| {
            let (place, count) = shard.split_once("-of-")?;
            (digits(place) && digits(count)).then_some(ending)
        }),
    };
    ending.is_some_and(|ending| crate::render::FeedFormat::parse(ending).is_ok())
}

/// Judges the host's key before anything else is said.
struct HostKey {
    host: String,
    port: u16,
    pinned: Option<String>,
    known_hosts: Option<PathBuf>,
    verdict: Arc<Mutex<Option<String>>>,
}

impl client::Handler for HostKey {
    type Error = russh::Error;

    async fn check_server_key(&mut self, key: &PublicKeyOrCertificate) -> Result<bool, russh::Error> {
        let refusal = match key {
            PublicKeyOrCertificate::Certificate(_) => Some("the host shows a certificate, which is not supported; pin its key".to_owned()),
            PublicKeyOrCertificate::PublicKey { key, .. } => {
                let seen = key.fingerprint(HashAlg::Sha256).to_string();
                let how = format!("compare it with what you were given, and pin it with `host_key = \"{seen}\"`");
                match &self.pinned {
                    Some(pinned) if *pinned == seen => None,
                    Some(pinned) => Some(format!("the host's key is {seen}, and {pinned} is pinned; no credential was sent")),
                    None => {
                        let known = match &self.known_hosts {
                            Some(path) => russh::keys::known_hosts::check_known_hosts_path(&self.host, self.port, key, path),
                            None => russh::keys::known_hosts::check_known_hosts(&self.host, self.port, key),
                        };
                        match known {
                            Ok(true) => None,
                            Ok(false) => Some(format!("the host's key {seen} is not known; no credential was sent; {how}")),
                            Err(_) => Some(format!("the host's key {seen} is not the one that is known; no credential was sent; {how}")),
                        }
                    }
                }
            }
        };
        let sound = refusal.is_none();
        if let Ok(mut verdict) = self.verdict.lock() {
            *verdict = refusal;
        }
        Ok(sound)
    }
}

impl Destination for Sftp {
    fn describe(&self) -> String {
        format!("SFTP {}:{}", self.host, self.port)
    }

    fn http(&self) -> Option<&Http> {
        None
    }

    fn rehearsed(&self) -> Vec<String> {
        self.planned.lock().map(|planned| planned.clone()).unwrap_or_default()
    }

    fn max_age(&self) -> Option<u64> {
        Some(MAX_AGE)
    }

    fn parts(&self, built: &Built, _: &Difference, _: &Path) -> Result<Vec<Part>, PushError> {
        Ok(vec![whole(built)])
    }

    fn deliver<'a>(&'a self, _: &'a Desk<'a>, part: &'a Part, _: &'a mut Intent) -> Work<'a, Verdict> {
        Box::pin(self.put(part))
    }
}

#[cfg(test)]
mod tests {
    use super::is_ours;

    #[test]
    fn only_our_own_names_are_cleared_away() {
        for name in ["feed.jsonl.gz", "feed-0001-of-0004.csv.gz", ".feed.csv.0123456789ab.feedmill-part"] {
            assert!(is_ours(name, ""), "{name}");
        }
        for name in ["status.json", "catalog.csv", "feed.pdf", "feed-1-of-2.csv", "feed-0001-of-000a.csv", ".hidden", "feeds.csv", ".."] {
            assert!(!is_ours(name, ""), "{name}");
        }
        assert!(is_ours("acme-feed.csv", "acme-") && !is_ours("feed.csv", "acme-") && !is_ours("other-feed.csv", "acme-"));
    }
}
