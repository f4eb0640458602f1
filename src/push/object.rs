//! An object store (S3 and what speaks like it, Google Cloud Storage, Azure Blob Storage): files
//! under stable names, each there whole or not at all, read back, and stale ones of ours removed.
//!
//! A store has no rename, so the shards of a feed change one after the other. Requests leave
//! through a client of ours: no redirects, the usual limits. What a store is told is given by the
//! names that its own tools use, secrets apart from the rest.

use super::address::Address;
use super::difference::Difference;
use super::error::PushError;
use super::feed::{self, Built};
use super::folder::whole;
use super::http::{Http, client};
use super::retry::Policy;
use super::shared::Shared;
use super::stripe::Way;
use super::{Desk, Destination, FileState, Part, Verdict, Work, empty, names};
use crate::product::text;
use crate::secret::{Secret, SecretRef};
use crate::state::Intent;
use futures_util::TryStreamExt;
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::azure::{AzureConfigKey, MicrosoftAzureBuilder};
use object_store::client::{HttpClient, HttpConnector, HttpError, HttpRequest, HttpResponse, HttpService};
use object_store::gcp::{GoogleCloudStorageBuilder, GoogleConfigKey};
use object_store::path::Path as Key;
use object_store::{
    Attribute, Attributes, BackoffConfig, ClientOptions, Error, GetOptions, ObjectMeta, ObjectStore, ObjectStoreExt, ObjectStoreScheme,
    PutMultipartOptions, PutOptions, RetryConfig, WriteMultipart,
};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use url::Url;

/// The keys of `deliver = { object = ... }`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Settings {
    /// `s3://bucket/folder`, `gs://bucket/folder`, `az://container/folder`.
    object: String,
    /// What names begin with, so that several feeds can lie together.
    #[serde(default)]
    prefix: String,
    /// What the store is told, such as `region` and `endpoint`.
    #[serde(default)]
    options: BTreeMap<String, String>,
    /// What it is told and nobody else may know, such as `secret_access_key`.
    #[serde(default)]
    secrets: BTreeMap<String, SecretRef>,
}

pub(super) struct Objects {
    store: Arc<dyn ObjectStore>,
    folder: Key,
    shown: String,
    prefix: String,
    secrets: Vec<Secret>,
    shared: Shared,
    rehearsal: bool,
    planned: Mutex<Vec<String>>,
    requests: Arc<AtomicU64>,
}

/// Bytes of a piece of a file; smaller files go in one.
const PIECE: usize = 16 << 20;
/// Pieces on their way at once.
const AT_ONCE: usize = 2;
/// Under what name the digest of a file stands beside it.
const DIGEST: &str = "blake3";

impl Objects {
    pub(super) fn new(settings: &Settings, way: &Way<'_>, rehearsal: bool) -> Result<Self, PushError> {
        let wrong = |message: String| PushError::Settings(format!("target `{}`: deliver: {message}", way.target));
        names::check_prefix(&settings.prefix).map_err(|message| wrong(message.to_owned()))?;
        let url = Url::parse(&settings.object).map_err(|error| wrong(format!("object: {error}")))?;
        if url.query().is_some() || url.password().is_some() {
            return Err(wrong(
                "object: no query and no password stand in the address; `options` and `secrets` say what else is needed".to_owned(),
            ));
        }
        let mut pairs = Vec::new();
        for (name, value) in &settings.options {
            if is_secret(name) {
                return Err(wrong(format!("options: `{name}` belongs under `secrets`, with `file`, `command` or `env`")));
            }
            if value.contains("://") {
                Address::parse(value).map_err(|message| wrong(format!("options: {name}: {message}")))?;
            }
            pairs.push((name.clone(), value.clone()));
        }
        let mut secrets = Vec::new();
        for (name, secret) in &settings.secrets {
            let secret = secret.read(way.home).map_err(|message| wrong(format!("secrets: {name}: {message}")))?;
            pairs.push((name.clone(), secret.expose().to_owned()));
            secrets.push(secret);
        }
        let (scheme, folder) =
            ObjectStoreScheme::parse(&url).map_err(|_| wrong("object: s3://, gs:// or az:// and a bucket are needed".to_owned()))?;
        let (own, proxy) = client(way.shared, way.limits)?;
        secrets.extend(proxy);
        let retry = retry(&way.policy);
        let requests = Arc::default();
        let store = open(&scheme, &settings.object, pairs, Own(own, Arc::clone(&requests)), retry)
            .map_err(|message| wrong(clean(&message, &secrets)))?;
        Ok(Self {
            store,
            folder,
            shown: settings.object.trim_end_matches('/').to_owned(),
            prefix: settings.prefix.clone(),
            secrets,
            shared: way.shared.clone(),
            rehearsal,
            planned: Mutex::default(),
            requests,
        })
    }

    async fn put(&self, desk: &Desk<'_>, part: &Part, intent: &mut Intent) -> Result<Verdict, PushError> {
        let mut verdict = Verdict::default();
        let names: Vec<String> = part.files.iter().map(|file| names::delivered(file, &self.prefix)).collect();
        if self.rehearsal {
            if let Ok(mut planned) = self.planned.lock() {
                planned.extend(names.iter().map(|name| format!("put {}/{name}", self.shown)));
            }
            return Ok(verdict);
        }
        desk.remember(intent, "placing", true).await?;
        for (file, name) in part.files.iter().zip(&names) {
            let digest = feed::digest(file)?;
            let key = self.folder.clone().join(name.as_str());
            // An earlier run may have got this far.
            if self.holds(&key, &digest).await? {
                continue;
            }
            self.upload(file, &key, &digest).await?;
            if self.read_back(&key).await? != digest {
                let what = format!("putting {name}");
                return Err(PushError::Temporary { what, message: "what is there now is not what was sent".to_owned(), wait: None });
            }
        }
        for stale in self.stale(&names).await? {
            let name = stale.filename().unwrap_or("");
            let said = match self.store.delete(&stale).await {
                Ok(()) | Err(Error::NotFound { .. }) => "removed",
                Err(refused @ Error::PermissionDenied { .. }) => {
                    let empty = empty::instead_of(desk, part, name, &self.prefix)?;
                    let empty = empty.ok_or_else(|| self.failed("removing a stale shard", &refused))?;
                    let digest = feed::digest(&empty)?;
                    if self.holds(&stale, &digest).await? {
                        continue;
                    }
                    self.upload(&empty, &stale, &digest).await?;
                    "emptied"
                }
                Err(error) => return Err(self.failed("removing a stale shard", &error)),
            };
            verdict.notes.push(format!("{said} {name}, which is no longer part of the feed"));
        }
        verdict.taken = Some(part.items);
        Ok(verdict)
    }

    /// Whether an object is there and was written with this digest.
    async fn holds(&self, key: &Key, digest: &str) -> Result<bool, PushError> {
        match self.store.get_opts(key, GetOptions { head: true, ..GetOptions::default() }).await {
            Ok(found) => Ok(found.attributes.get(&Attribute::Metadata(DIGEST.into())).is_some_and(|known| known.as_ref() == digest)),
            Err(Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(self.failed("asking for what is there", &error)),
        }
    }

    /// Puts a file whole; nobody sees a part of it.
    async fn upload(&self, file: &Path, key: &Key, digest: &str) -> Result<(), PushError> {
        let what = "putting the file";
        let unreadable = || PushError::io(file);
        let mut input = std::fs::File::open(file).map_err(unreadable())?;
        let size = input.metadata().map_err(unreadable())?.len();
        self.shared.meter.expect(size);
        let mut attributes = Attributes::new();
        attributes.insert(Attribute::Metadata(DIGEST.into()), digest.to_owned().into());
        if size <= PIECE as u64 {
            let mut whole = Vec::new();
            input.read_to_end(&mut whole).map_err(unreadable())?;
            let options = PutOptions { attributes, ..PutOptions::default() };
            self.store.put_opts(key, whole.into(), options).await.map_err(|error| self.failed(what, &error))?;
            self.shared.meter.sent(size);
            return Ok(());
        }
        let options = PutMultipartOptions { attributes, ..PutMultipartOptions::default() };
        let upload = self.store.put_multipart_opts(key, options).await.map_err(|error| self.failed(what, &error))?;
        let mut pieces = WriteMultipart::new_with_chunk_size(upload, PIECE);
        let mut buffer = vec![0; 1 << 20];
        loop {
            let read = input.read(&mut buffer).map_err(unreadable())?;
            if read == 0 {
                break;
            }
            pieces.wait_for_capacity(AT_ONCE).await.map_err(|error| self.failed(what, &error))?;
            pieces.write(buffer.get(..read).unwrap_or_default());
            self.shared.meter.sent(read as u64);
        }
        pieces.finish().await.map(drop).map_err(|error| self.failed(what, &error))
    }

    /// The digest of what is there now.
    async fn read_back(&self, key: &Key) -> Result<String, PushError> {
        let what = "reading the file back";
        let found = self.store.get(key).await.map_err(|error| self.failed(what, &error))?;
        let mut pieces = found.into_stream();
        let mut hasher = blake3::Hasher::new();
        while let Some(piece) = pieces.try_next().await.map_err(|error| self.failed(what, &error))? {
            hasher.update(&piece);
        }
        Ok(hasher.finalize().to_hex().to_string())
    }

    /// The files that stand there, against those that were built.
    async fn compare(&self, built: &Built) -> Result<Vec<(String, FileState)>, PushError> {
        let ours: Vec<Key> = self.ours().await?.map(|object| object.location).collect();
        let mut found = Vec::new();
        for file in &built.files {
            let name = names::delivered(Path::new(&file.name), &self.prefix);
            let state = match ours.iter().find(|key| key.filename() == Some(name.as_str())) {
                None => FileState::Missing,
                Some(key) if self.read_back(key).await? == file.blake3 => FileState::AsBuilt,
                Some(_) => FileState::Differs,
            };
            found.push((name, state));
        }
        let names: Vec<String> = found.iter().map(|(name, _)| name.clone()).collect();
        let besides = ours.iter().filter_map(Key::filename).filter(|name| !names.iter().any(|known| known == name));
        found.extend(besides.map(|name| (name.to_owned(), FileState::Besides)));
        Ok(found)
    }

    /// The files of ours that are there.
    async fn ours(&self) -> Result<impl Iterator<Item = ObjectMeta>, PushError> {
        let listed = self.store.list_with_delimiter(Some(&self.folder)).await;
        let listed = listed.map_err(|error| self.failed("listing what is there", &error))?;
        let is_ours = |object: &ObjectMeta| object.location.filename().is_some_and(|name| names::is_feed(name, &self.prefix));
        Ok(listed.objects.into_iter().filter(is_ours))
    }

    /// Files of ours that are no longer part of the feed.
    async fn stale(&self, names: &[String]) -> Result<Vec<Key>, PushError> {
        let is_part = |key: &Key| names.iter().any(|name| key.filename() == Some(name));
        Ok(self.ours().await?.map(|object| object.location).filter(|key| !is_part(key)).collect())
    }

    fn access(&self, what: String, message: String) -> PushError {
        PushError::Access { what, message, credential: self.secrets.iter().map(Secret::origin).collect::<Vec<_>>().join(", ") }
    }

    fn failed(&self, what: &str, error: &Error) -> PushError {
        let message = clean(&error.to_string(), &self.secrets);
        let what = what.to_owned();
        match error {
            Error::Unauthenticated { .. } | Error::PermissionDenied { .. } => self.access(what, message),
            // A list that is refused has no error of its own there.
            Error::Generic { .. } if ["401 Unauthorized", "403 Forbidden"].iter().any(|status| message.contains(status)) => {
                self.access(what, message)
            }
            Error::NotFound { .. } | Error::InvalidPath { .. } | Error::NotSupported { .. } | Error::NotImplemented { .. } => {
                PushError::Refused { what, status: 0, message, path: None }
            }
            _ => PushError::Temporary { what, message, wait: None },
        }
    }
}

/// Whether an option of a store is one that nobody else may know.
fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let is_place = name.ends_with("_file") || name.ends_with("_uri");
    !is_place && (["secret", "token", "password", "sas"].iter().any(|word| name.contains(word)) || name.ends_with("key"))
}

/// A text of a store made fit for people: one line, no secrets, no controls.
fn clean(foreign: &str, secrets: &[Secret]) -> String {
    let shown = secrets.iter().fold(foreign.to_owned(), |shown, secret| shown.replace(secret.expose(), "***"));
    text::excerpt(&text::one_line(&text::without_controls(&shown)), 500)
}

/// The numbers of the settings, in the words of the library that repeats.
fn retry(policy: &Policy) -> RetryConfig {
    RetryConfig {
        backoff: BackoffConfig {
            init_backoff: Duration::from_millis(policy.base_ms.max(1)),
            max_backoff: Duration::from_millis(policy.cap_ms.max(1)),
            base: 2.0,
        },
        max_retries: policy.attempts.saturating_sub(1) as usize,
        retry_timeout: Duration::from_secs(120),
    }
}

/// Opens a store; an option that it does not know is refused.
fn open(
    scheme: &ObjectStoreScheme,
    address: &str,
    pairs: Vec<(String, String)>,
    own: Own,
    retry: RetryConfig,
) -> Result<Arc<dyn ObjectStore>, String> {
    macro_rules! opened {
        ($builder:expr, $key:ty) => {{
            let mut builder = $builder.with_url(address).with_http_connector(own).with_retry(retry);
            for (name, value) in pairs {
                let key: $key = name.parse().map_err(|_| format!("the store knows no option `{name}`"))?;
                builder = builder.with_config(key, value);
            }
            Arc::new(builder.build().map_err(|error| error.to_string())?) as Arc<dyn ObjectStore>
        }};
    }
    Ok(match scheme {
        // Not every store that speaks like S3 deletes several objects at once.
        ObjectStoreScheme::AmazonS3 => {
            opened!(AmazonS3Builder::new().with_config(AmazonS3ConfigKey::DisableBulkDelete, "true"), AmazonS3ConfigKey)
        }
        ObjectStoreScheme::GoogleCloudStorage => opened!(GoogleCloudStorageBuilder::new(), GoogleConfigKey),
        ObjectStoreScheme::MicrosoftAzure => opened!(MicrosoftAzureBuilder::new(), AzureConfigKey),
        _ => return Err("object: s3://, gs:// or az:// is needed".to_owned()),
    })
}

/// Our own client: what the library would set up follows redirects. It counts what leaves.
#[derive(Clone, Debug)]
struct Own(reqwest::Client, Arc<AtomicU64>);

impl HttpConnector for Own {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(self.clone()))
    }
}

impl HttpService for Own {
    fn call<'a, 'b>(&'a self, request: HttpRequest) -> Pin<Box<dyn Future<Output = Result<HttpResponse, HttpError>> + Send + 'b>>
    where
        'a: 'b,
        Self: 'b,
    {
        self.1.fetch_add(1, Ordering::Relaxed);
        HttpService::call(&self.0, request)
    }
}

impl Destination for Objects {
    fn describe(&self) -> String {
        format!("the object store {}", self.shown)
    }

    fn http(&self) -> Option<&Http> {
        None
    }

    fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    fn rehearsed(&self) -> Vec<String> {
        self.planned.lock().map(|planned| planned.clone()).unwrap_or_default()
    }

    fn takes_snapshots(&self) -> bool {
        true
    }

    fn files<'a>(&'a self, built: &'a Built) -> Work<'a, Option<Vec<(String, FileState)>>> {
        Box::pin(async { self.compare(built).await.map(Some) })
    }

    fn standing(&self) -> Work<'_, Option<u64>> {
        Box::pin(async { Ok(Some(self.ours().await?.map(|object| object.size).sum())) })
    }

    fn parts(&self, built: &Built, _: &Difference, _: &Path) -> Result<Vec<Part>, PushError> {
        Ok(vec![whole(built)])
    }

    fn deliver<'a>(&'a self, desk: &'a Desk<'a>, part: &'a Part, intent: &'a mut Intent) -> Work<'a, Verdict> {
        Box::pin(async move {
            let left = self.shared.left();
            tokio::time::timeout(left, self.put(desk, part, intent)).await.unwrap_or_else(|_| {
                let (what, message) = ("putting the files".to_owned(), "the run's time was up".to_owned());
                Err(PushError::Temporary { what, message, wait: None })
            })
        })
    }
}
