//! A local stand-in for every target: one loopback listener for their APIs and one for SFTP,
//! stateful, as strict as the targets' documents are written, with faults on request.
//!
//! Targets are told apart by a prefix of the path that stands for their host (see [`Api`]).
//! Uploaded feeds are judged by the specs and rules that `check` uses, so a rehearsal refuses
//! what the documents say is refused. Where documents are silent (codes of most errors, page
//! sizes, how long an import takes) the sandbox takes the plainest choice and says so in the
//! module that makes it; clients must not depend on those.
//!
//! Nothing here is used by the modules that push: both are written from the documents.

mod acp;
mod adopt;
mod ads;
mod call;
mod commerce;
mod example;
mod fault;
mod gate;
mod https;
mod idempotency;
mod judge;
mod nested;
mod objects;
#[cfg(feature = "sftp")]
mod sftp;
mod shape;
mod snapshot;
mod stripe;
mod transcript;
mod wire;
mod world;

pub use fault::{Fault, FaultError};
pub use nested::FeedState;
#[cfg(feature = "sftp")]
pub use sftp::Login;
pub use stripe::{ImportState, Row};
pub use transcript::Exchange;

use fault::Strike;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use world::World;

/// What time it is in the sandbox.
pub type Clock = Arc<dyn Fn() -> jiff::Timestamp + Send + Sync>;

/// Told of every exchange when it ends.
pub type Witness = Arc<dyn Fn(&Exchange) + Send + Sync>;

/// The APIs and the prefixes that stand for their hosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Api {
    /// `api.stripe.com`.
    Stripe,
    /// `files.stripe.com`.
    StripeFiles,
    /// The storage behind presigned addresses.
    StripeUploads,
    /// An agent's ACP feed API.
    Acp,
    /// OpenAI's commerce API.
    Commerce,
    /// OpenAI's Ads API.
    Ads,
    /// An endpoint for whole feeds, given at onboarding.
    Https,
    /// An object store that speaks like S3.
    Objects,
}

impl Api {
    /// Every API with its prefix.
    pub const ALL: [(Self, &'static str); 8] = [
        (Self::StripeUploads, "/stripe-uploads"),
        (Self::StripeFiles, "/stripe-files"),
        (Self::Stripe, "/stripe"),
        (Self::Acp, "/acp"),
        (Self::Ads, "/openai-ads/v1"),
        (Self::Commerce, "/openai"),
        (Self::Https, "/https"),
        (Self::Objects, "/s3"),
    ];

    /// The prefix.
    pub fn prefix(self) -> &'static str {
        Self::ALL.iter().find(|(api, _)| *api == self).map_or("", |(_, prefix)| prefix)
    }
}

/// What a key may do beside what every key may.
#[derive(Clone, Debug)]
pub struct Key {
    /// The key itself.
    pub secret: String,
    /// Whether it may read product catalog imports.
    pub reads_imports: bool,
    /// Whether it may write product catalog imports.
    pub writes_imports: bool,
}

impl Key {
    /// A key that may do everything.
    pub fn full(secret: &str) -> Self {
        Self { secret: secret.to_owned(), reads_imports: true, writes_imports: true }
    }
}

/// A whole feed that was delivered.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// How it came: `https`, `sftp` or `object`.
    pub way: &'static str,
    /// The path behind the prefix; the user and the path of SFTP; the bucket and the name of an object.
    pub path: String,
    /// Its size as sent.
    pub bytes: u64,
    /// Its digest as sent.
    pub blake3: String,
    /// Rows accepted.
    pub accepted: u64,
    /// Rows rejected.
    pub rejected: u64,
    /// The accepted rows, by the names of the spec.
    pub rows: Vec<Row>,
}

/// An advertiser's feed as tests see it.
#[derive(Clone, Debug)]
pub struct AdsFeedState {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its markets.
    pub countries: Vec<String>,
    /// Its items by id.
    pub items: std::collections::BTreeMap<String, Row>,
    /// Its uploads with their status, oldest first.
    pub uploads: Vec<(String, String)>,
}

/// How a sandbox is set up.
#[derive(Clone)]
pub struct Options {
    /// Where it listens; a loopback address.
    pub listen: SocketAddr,
    /// Where its SFTP server listens; a loopback address.
    #[cfg(feature = "sftp")]
    pub listen_sftp: SocketAddr,
    /// What goes wrong.
    pub faults: Vec<Fault>,
    /// Keys and tokens that are accepted; none listed: any, and for Stripe any of a documented form.
    pub keys: Vec<Key>,
    /// The account a Stripe key belongs to.
    pub account: String,
    /// Connected accounts that are known; none listed: any `acct_...`.
    pub accounts: Vec<String>,
    /// The version an account has that sends no `Stripe-Version`.
    pub account_version: String,
    /// How often an import is seen unfinished before it is done.
    pub polls_until_done: u32,
    /// Objects on a page of a list that names no `limit`.
    pub page_size: usize,
    /// Seconds that an upload address lives.
    pub upload_seconds: i64,
    /// Seconds that the address of an error report lives.
    pub report_seconds: i64,
    /// Bytes of the largest v2 upload.
    pub import_bytes: u64,
    /// Bytes of the largest file of the Files API.
    pub file_bytes: u64,
    /// What time it is.
    pub clock: Clock,
    /// Who is told of every exchange.
    pub witness: Option<Witness>,
    /// Whether the transcript is kept in memory.
    pub remember: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            #[cfg(feature = "sftp")]
            listen_sftp: SocketAddr::from(([127, 0, 0, 1], 0)),
            faults: Vec::new(),
            keys: Vec::new(),
            account: "acct_sandbox".to_owned(),
            accounts: Vec::new(),
            account_version: "2026-06-24.dahlia".to_owned(),
            polls_until_done: 1,
            page_size: 10,
            upload_seconds: 300,
            report_seconds: 300,
            import_bytes: 4_000_000_000,
            file_bytes: 200_000_000,
            clock: Arc::new(crate::clock::timestamp),
            witness: None,
            remember: true,
        }
    }
}

impl std::fmt::Debug for Options {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Options").field("listen", &self.listen).field("faults", &self.faults).finish_non_exhaustive()
    }
}

/// A sandbox cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// It would be open to others.
    #[error("{0} is no loopback address; the sandbox takes any key, so it listens on this machine only, such as on 127.0.0.1:0")]
    NotLoopback(SocketAddr),
    /// The address cannot be had.
    #[error("{address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        source: std::io::Error,
    },
}

/// What all calls share.
pub(crate) struct Shared {
    options: Options,
    address: SocketAddr,
    /// Host and port of the server that advertisers' feeds are sent to.
    sftp: String,
    world: Mutex<World>,
}

impl Shared {
    fn world(&self) -> MutexGuard<'_, World> {
        // A call that panicked has answered nothing; what it did stands as it is.
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> jiff::Timestamp {
        (self.options.clock)()
    }

    /// Numbers an exchange that has ended, and tells of it.
    fn write_down(&self, mut exchange: Exchange) {
        let mut world = self.world();
        world.exchanges += 1;
        exchange.number = world.exchanges;
        if let Some(witness) = &self.options.witness {
            witness(&exchange);
        }
        if self.options.remember {
            world.transcript.push(exchange);
        }
    }

    /// The address that stands for an API's host.
    fn base(&self, api: Api) -> String {
        format!("http://{}{}", self.address, api.prefix())
    }
}

/// A running sandbox; it ends when it is stopped or dropped.
pub struct Sandbox {
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
    #[cfg(feature = "sftp")]
    sftp: sftp::Server,
}

/// Starts a sandbox.
///
/// # Errors
/// When the address is not loopback or cannot be had.
pub async fn serve(options: Options) -> Result<Sandbox, SandboxError> {
    let asked = options.listen;
    if !asked.ip().is_loopback() {
        return Err(SandboxError::NotLoopback(asked));
    }
    let refuse = |source| SandboxError::Listen { address: asked, source };
    let listener = TcpListener::bind(asked).await.map_err(refuse)?;
    let address = listener.local_addr().map_err(refuse)?;
    let world = Mutex::new(World::new(options.faults.clone()));
    #[cfg(feature = "sftp")]
    let (sftp, door) = sftp::Server::bind(options.listen_sftp).await?;
    #[cfg(feature = "sftp")]
    let host = sftp.address().to_string();
    #[cfg(not(feature = "sftp"))]
    let host = "sftp.sandbox.invalid".to_owned();
    let shared = Arc::new(Shared { options, address, sftp: host, world });
    #[cfg(feature = "sftp")]
    door.serve(Arc::clone(&shared));
    let (stop, stopped) = oneshot::channel::<()>();
    let service = gate::service(Arc::clone(&shared));
    let task = tokio::spawn(async move {
        let ended = async move { drop(stopped.await) };
        // The listener retries by itself; there is no error that ends it.
        axum::serve(wire::Doors(listener), service).with_graceful_shutdown(ended).await.unwrap_or_default();
    });
    Ok(Sandbox {
        shared,
        stop: Some(stop),
        task,
        #[cfg(feature = "sftp")]
        sftp,
    })
}

impl Sandbox {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.shared.address
    }

    /// The address that stands for an API's host.
    pub fn base(&self, api: Api) -> String {
        self.shared.base(api)
    }

    /// Everything that was said so far.
    pub fn transcript(&self) -> Vec<Exchange> {
        self.shared.world().transcript.clone()
    }

    /// Adds a fault that strikes from now on.
    pub fn fault(&self, fault: Fault) {
        self.shared.world().faults.add(fault);
    }

    /// Lets everything go well from now on.
    pub fn heal(&self) {
        self.shared.world().faults.clear();
    }

    /// The imports of every account, v2 and import sets, oldest first.
    pub fn imports(&self) -> Vec<ImportState> {
        self.shared.world().stripe.states()
    }

    /// The products of an account's catalog, by id.
    pub fn products(&self, account: &str) -> Vec<(String, Row)> {
        self.shared.world().stripe.products(account)
    }

    /// The promotions of an account's catalog, by id.
    pub fn promotions(&self, account: &str) -> Vec<(String, Row)> {
        self.shared.world().stripe.promotions(account)
    }

    /// The feeds made by API, oldest first.
    pub fn feeds(&self) -> Vec<FeedState> {
        self.shared.world().feeds.states()
    }

    /// The whole feeds that were delivered as files, oldest first.
    pub fn deliveries(&self) -> Vec<Delivery> {
        self.shared.world().deliveries.clone()
    }

    /// Every object, by bucket and name.
    pub fn objects(&self) -> Vec<String> {
        self.shared.world().objects.names()
    }

    /// The advertiser's feeds, oldest first.
    pub fn ads_feeds(&self) -> Vec<AdsFeedState> {
        self.shared.world().ads.iter().map(ads::AdsFeed::state).collect()
    }

    /// Hands a file to an advertiser's feed as if it had come over SFTP under this name; whether
    /// there is such a feed. A fault for `SFTP upload /NAME` changes how it comes out.
    pub fn receive(&self, feed: &str, name: &str, file: &Path) -> bool {
        let snapshot = snapshot::read(file, "openai-ads", judge::date(self.shared.now()));
        let world = &mut *self.shared.world();
        let path = format!("/{name}");
        let twist = match world.faults.strike("SFTP upload", &[&path]) {
            Some((Strike::Twist(twist), _)) => Some(twist),
            _ => None,
        };
        world.ads_feed(feed).map(|feed| feed.receive(name, snapshot, twist)).is_some()
    }

    /// Ends it; calls under way are given two seconds.
    pub async fn stop(mut self) {
        drop(self.stop.take());
        if tokio::time::timeout(Duration::from_secs(2), &mut self.task).await.is_err() {
            self.task.abort();
        }
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.task.abort();
    }
}
