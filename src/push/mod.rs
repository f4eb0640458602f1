//! Delivery: finished feeds to their targets, the verdict awaited, every refusal led home to
//! the merchant's own row.
//!
//! A [`Destination`] knows one way in: what it sends for a change ([`Part`]), how it sends a
//! part and waits for the [`Verdict`], and how it takes up what an earlier run began. It does
//! not sleep, retry or remember by itself: `http` and `retry` do the former, `state` the
//! latter. [`engine`] brings them together for one target. Only files and the index are seen
//! here, never products; targets may be named here, and nowhere else.

pub mod address;
pub mod again;
pub mod difference;
pub mod drift;
#[cfg(any(feature = "object-store", feature = "sftp"))]
mod empty;
pub mod engine;
mod error;
pub mod feed;
mod feeds;
pub mod filled;
mod folder;
pub mod gone;
pub mod guard;
pub mod heartbeat;
pub mod home;
pub mod http;
mod https;
mod names;
#[cfg(feature = "object-store")]
mod object;
pub mod outcome;
pub mod places;
pub mod reminder;
pub mod retry;
pub mod round;
mod rows;
pub mod settings;
#[cfg(feature = "sftp")]
mod sftp;
pub mod shared;
pub mod stand_in;
mod stripe;
mod stripe_imports;
mod stripe_sets;
mod uploads;

pub use error::PushError;
pub use outcome::{Ending, Outcome};

use crate::state::{Intent, State};
use difference::Difference;
use feed::Built;
use http::Http;
use serde_json::{Map, Value};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Work that a destination does.
pub type Work<'a, T> = Pin<Box<dyn Future<Output = Result<T, PushError>> + Send + 'a>>;

/// A part of a delivery that a target takes as one.
#[derive(Clone, Debug)]
pub struct Part {
    /// Its name within the delivery.
    pub name: String,
    /// What kind of feed it is.
    pub kind: &'static str,
    /// Its files.
    pub files: Vec<PathBuf>,
    /// The digest of its bytes.
    pub content: String,
    /// Rows in it.
    pub items: u64,
    /// Bytes in it.
    pub bytes: u64,
}

/// A row that a target refused, as the target says it.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
pub struct Refused {
    /// The item's id.
    pub item: Option<String>,
    /// The field's name at the target.
    pub field: Option<String>,
    /// What the target says.
    pub message: String,
    /// What the target calls the fault.
    pub code: Option<String>,
    /// In how many rows it found the fault, where it tells of a field and names no row.
    #[serde(default)]
    pub rows: Option<u64>,
    /// Whether it only warns, and has refused nothing.
    #[serde(default)]
    pub warning: bool,
}

/// What a target said in the end.
#[derive(Clone, Debug, Default)]
pub struct Verdict {
    /// Rows it took, where it says so.
    pub taken: Option<u64>,
    /// Rows it refused, where it says so.
    pub refused: Option<u64>,
    /// The refusals it names.
    pub refusals: Vec<Refused>,
    /// Ids it gave.
    pub remote: Map<String, Value>,
    /// What could not be learnt, such as a report that was gone.
    pub notes: Vec<String>,
    /// Why nothing was taken at all, where that comes with refusals that say more.
    pub failure: Option<String>,
}

/// What a target holds, as it says itself.
#[derive(Clone, Debug, Default)]
pub struct ReadBack {
    /// The ids of the items.
    pub items: Vec<String>,
}

/// A file of a feed against what was built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileState {
    /// Byte for byte as it was built.
    AsBuilt,
    /// Something else stands under its name.
    Differs,
    /// Nothing stands under its name.
    Missing,
    /// It is one of ours, and no part of what was built.
    Besides,
}

impl FileState {
    /// Its word in reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::AsBuilt => "as-built",
            Self::Differs => "differs",
            Self::Missing => "missing",
            Self::Besides => "besides",
        }
    }
}

/// One way in to a target, for one account.
pub trait Destination: Send + Sync {
    /// What it is, in words for people.
    fn describe(&self) -> String;

    /// Where requests leave; `None` where it makes none.
    fn http(&self) -> Option<&Http>;

    /// Requests made so far; where there are no such things, what was changed: files written,
    /// renamed and removed.
    fn requests(&self) -> u64 {
        self.http().map_or(0, |http| http.requests.load(Ordering::Relaxed))
    }

    /// What a rehearsal would have done, in words.
    fn rehearsed(&self) -> Vec<String> {
        self.http().map(Http::rehearsed).unwrap_or_default()
    }

    /// Formats it takes, where that is limited.
    fn formats(&self) -> &'static [&'static str] {
        &[]
    }

    /// Seconds after which an unchanged feed is sent all the same, by default.
    fn max_age(&self) -> Option<u64> {
        None
    }

    /// Whether a delivery replaces the feed as a whole, so that files of another name are another feed
    /// even where no item changed.
    fn takes_snapshots(&self) -> bool {
        false
    }

    /// Whether something of a feed that was delivered is not there any more, where that shows
    /// without asking anybody.
    fn lacks(&self, _built: &Built) -> bool {
        false
    }

    /// Bytes of the feed of ours that stands there already; nothing where a delivery replaces no
    /// feed as a whole.
    fn standing(&self) -> Work<'_, Option<u64>> {
        Box::pin(async { Ok(None) })
    }

    /// What is sent for a change; files are written into `folder`.
    fn parts(&self, built: &Built, difference: &Difference, folder: &Path) -> Result<Vec<Part>, PushError>;

    /// Sends a part, or takes up what an earlier run began, and waits for the verdict.
    fn deliver<'a>(&'a self, desk: &'a Desk<'a>, part: &'a Part, intent: &'a mut Intent) -> Work<'a, Verdict>;

    /// Waits for the end of something that an earlier run began, without sending anything of
    /// its own; `None` where nothing can still come of it.
    fn resume<'a>(&'a self, _desk: &'a Desk<'a>, _intent: &'a mut Intent) -> Work<'a, Option<Verdict>> {
        Box::pin(async { Ok(None) })
    }

    /// Whether the target may hold something of what was begun.
    fn may_have_changed(&self, intent: &Intent) -> bool {
        !intent.remote.is_empty()
    }

    /// Reads the files that stand there back and compares them with those that were built; `None`
    /// where none can be read.
    fn files<'a>(&'a self, _built: &'a Built) -> Work<'a, Option<Vec<(String, FileState)>>> {
        Box::pin(async { Ok(None) })
    }

    /// Reads back what the target holds; `None` where it cannot be read.
    fn read_back<'a>(&'a self, _desk: &'a Desk<'a>) -> Work<'a, Option<ReadBack>> {
        Box::pin(async { Ok(None) })
    }
}

/// What a destination works with: the state, and whose work it is.
pub struct Desk<'a> {
    /// The state; `None` in a rehearsal, which remembers nothing.
    pub state: Option<&'a State>,
    /// The state to read, in a rehearsal too.
    pub memory: &'a State,
    /// The target's name.
    pub target: &'a str,
    /// The account; empty where there is none.
    pub account: &'a str,
    /// A folder for files on their way.
    pub folder: &'a Path,
    /// How waiting for a verdict is paced.
    pub poll: Poll,
}

impl Desk<'_> {
    /// Writes something down before anything that depends on it happens.
    ///
    /// # Errors
    /// When the state cannot be written.
    pub async fn remember(&self, intent: &mut Intent, name: &str, value: impl Into<Value>) -> Result<(), PushError> {
        intent.remote.insert(name.to_owned(), value.into());
        self.write(intent).await
    }

    /// Forgets something, so that it is made anew.
    ///
    /// # Errors
    /// When the state cannot be written.
    pub async fn forget(&self, intent: &mut Intent, names: &[&str]) -> Result<(), PushError> {
        for name in names {
            intent.remote.remove(*name);
        }
        self.write(intent).await
    }

    async fn write(&self, intent: &Intent) -> Result<(), PushError> {
        match self.state {
            Some(state) => Ok(state.remember(intent).await?),
            None => Ok(()),
        }
    }

    /// The key by which the target knows a repetition: drawn once and written down first.
    ///
    /// # Errors
    /// When the state cannot be written.
    pub async fn key(&self, intent: &mut Intent, name: &str) -> Result<String, PushError> {
        if let Some(key) = intent.word(name) {
            return Ok(key.to_owned());
        }
        let key = crate::clock::unique();
        self.remember(intent, name, key.clone()).await?;
        Ok(key)
    }

    /// An id that the target gave in an earlier run.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub async fn recall(&self, name: &str) -> Result<Option<String>, PushError> {
        Ok(self.memory.recall(self.target, self.account, name).await?)
    }

    /// Keeps an id that the target gave for all runs to come.
    ///
    /// # Errors
    /// When the state cannot be written.
    pub async fn keep(&self, name: &str, value: &str) -> Result<(), PushError> {
        match self.state {
            Some(state) => Ok(state.keep(self.target, self.account, name, value).await?),
            None => Ok(()),
        }
    }
}

/// How waiting for a verdict is paced.
#[derive(Clone, Copy, Debug, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Poll {
    /// The first wait, in milliseconds.
    pub first_ms: u64,
    /// The longest wait, in milliseconds.
    pub most_ms: u64,
    /// Seconds after which the run gives up waiting; the next one goes on.
    pub total_s: u64,
}

impl Default for Poll {
    fn default() -> Self {
        Self { first_ms: 2_000, most_ms: 30_000, total_s: 300 }
    }
}

impl Poll {
    /// Waits before question number `asked`, from 0; `false` when it is time to give up.
    pub async fn wait(&self, http: &Http, asked: u32, since: Duration) -> bool {
        let wait = Duration::from_millis(self.first_ms.saturating_mul(1 << asked.min(16)).min(self.most_ms));
        let waited = http.clock().elapsed().saturating_sub(since);
        if wait >= http.left() || waited + wait > Duration::from_secs(self.total_s) || asked > 10_000 {
            return false;
        }
        http.clock().sleep(wait).await;
        true
    }
}

/// A digest of words in order.
pub(crate) fn digest<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let mut hasher = blake3::Hasher::new();
    for word in words {
        hasher.update(word.as_bytes());
        hasher.update(b"\n");
    }
    hasher.finalize().to_hex().to_string()
}
