//! SFTP: a server on loopback with a host key of its own, made anew at each start.
//!
//! Whoever is let in sees a folder of their own. A file counts once it stands there under a name
//! that does not begin with a dot; then its rows are judged by the spec of that login, and the
//! verdict shows in the transcript alone: the documents know no way by which a merchant would
//! hear of it, except for uploads to a feed of the Ads API. That a receiver leaves hidden names
//! alone is not documented; it is how a file can be written in more than one piece.
//!
//! Without keys in the options, anybody is let in with anything; a name that is that of a spec
//! is judged by it, one of a feed of the Ads API is its upload, any other is the current feed.

mod arrival;
mod door;
mod session;
mod tree;

use super::fault::Refusal;
use super::wire::{Switch, Wire};
use super::{Sandbox, SandboxError, Shared};
use door::Door;
pub(super) use door::Proof;
use russh::keys::ssh_key::private::Ed25519Keypair;
use russh::keys::{HashAlg, PrivateKey};
use russh::{Disconnect, MethodKind, MethodSet, server};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tree::Tree;

/// The spec of whoever names none.
const SPEC: &str = "openai";
/// The spec of what is uploaded to a feed of the Ads API.
const ADS: &str = "openai-ads";

/// Somebody who is let in, and what is theirs.
#[derive(Debug)]
pub(super) struct Account {
    /// What they must know; `None` where that is not settled here.
    password: Option<String>,
    /// What their files are judged by.
    spec: String,
    /// The feed of the Ads API that their files are uploads of.
    feed: Option<String>,
    tree: Tree,
}

/// Who is let in by SFTP, and what becomes of their files.
#[derive(Clone, Debug)]
pub struct Login {
    /// The user's name.
    pub user: String,
    /// The password, and nothing else will do.
    pub password: String,
    /// The spec that files are judged by.
    pub spec: String,
    /// The feed of the Ads API that files are uploads of.
    pub feed: Option<String>,
    /// A folder that is there already.
    pub folder: String,
}

/// The server.
pub(super) struct Server {
    address: SocketAddr,
    host_key: String,
    /// Everybody is sent away when this goes.
    _open: watch::Sender<()>,
}

impl Server {
    /// A listener, and a key of its own.
    pub(super) async fn bind(listen: SocketAddr) -> Result<(Self, Bound), SandboxError> {
        let refuse = |source| SandboxError::Listen { address: listen, source };
        if !listen.ip().is_loopback() {
            return Err(SandboxError::NotLoopback(listen));
        }
        let listener = TcpListener::bind(listen).await.map_err(refuse)?;
        let address = listener.local_addr().map_err(refuse)?;
        let mut seed = [0; 32];
        let random = rustls::crypto::ring::default_provider().secure_random.fill(&mut seed);
        random.map_err(|_| refuse(std::io::Error::other("the system gives no random numbers")))?;
        let key = PrivateKey::from(Ed25519Keypair::from_seed(&seed));
        let host_key = key.public_key().fingerprint(HashAlg::Sha256).to_string();
        let (open, closed) = watch::channel(());
        Ok((Self { address, host_key, _open: open }, Bound { listener, key, closed }))
    }

    /// Host and port.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }
}

/// A listener that is not served yet.
pub(super) struct Bound {
    listener: TcpListener,
    key: PrivateKey,
    closed: watch::Receiver<()>,
}

impl Bound {
    /// Serves until the server goes.
    pub(super) fn serve(self, shared: Arc<Shared>) {
        let config = Arc::new(server::Config {
            keys: vec![self.key],
            methods: MethodSet::from(&[MethodKind::Password, MethodKind::PublicKey][..]),
            // Nobody is kept waiting: there is nothing here to be guessed.
            auth_rejection_time: Duration::ZERO,
            inactivity_timeout: None,
            nodelay: true,
            ..server::Config::default()
        });
        let (listener, mut closed) = (self.listener, self.closed);
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    _ = closed.changed() => return,
                    // What cannot be accepted is the client's to try again.
                    Ok((stream, _)) = listener.accept() => {
                        tokio::spawn(connection(Arc::clone(&config), Arc::clone(&shared), stream, closed.clone()));
                    }
                }
            }
        });
    }
}

/// One connection to its end.
async fn connection(config: Arc<server::Config>, shared: Arc<Shared>, stream: TcpStream, mut closed: watch::Receiver<()>) {
    let (switch, (gone, ended)) = (Switch::default(), watch::channel(()));
    stream.set_nodelay(true).unwrap_or_default();
    let door = Door::new(shared, switch.clone(), ended);
    let Ok(session) = server::run_stream(config, Wire { stream, switch }, door).await else { return };
    let handle = session.handle();
    tokio::select! {
        // How a client leaves is its own affair.
        _ = session => {}
        _ = closed.changed() => drop(handle.disconnect(Disconnect::ByApplication, String::new(), String::new()).await),
    }
    drop(gone);
}

impl Shared {
    /// Does something with the account of a user, which is made at the first visit.
    fn account<T>(&self, user: &str, act: impl FnOnce(&mut Account) -> T) -> T {
        let world = &mut *self.world();
        let feed = world.ads_feed(user).map(|_| user.to_owned());
        let account = world.accounts.entry(user.to_owned()).or_insert_with(|| {
            let spec = match &feed {
                Some(_) => ADS,
                None if crate::spec::load::spec(user).is_ok() => user,
                None => SPEC,
            };
            Account { password: None, spec: spec.to_owned(), feed, tree: Tree::default() }
        });
        act(account)
    }
}

impl Sandbox {
    /// Host and port of the SFTP server.
    pub fn sftp_address(&self) -> SocketAddr {
        self.sftp.address
    }

    /// The fingerprint of the SFTP server's host key.
    pub fn host_key(&self) -> &str {
        &self.sftp.host_key
    }

    /// Lets somebody in by SFTP, with this password only.
    pub fn let_in(&self, login: Login) {
        self.shared.account(&login.user, |account| {
            account.password = Some(login.password);
            account.spec = login.spec;
            account.feed = login.feed;
            // Where it cannot be made, the delivery is told.
            tree::resolve(&login.folder).and_then(|folder| account.tree.make_folders(&folder)).unwrap_or_default();
        });
    }

    /// The files of a user of SFTP, by path.
    pub fn files(&self, user: &str) -> BTreeMap<String, Vec<u8>> {
        self.shared.account(user, |account| {
            let bytes = |file| tree::read(file, 0, u32::MAX).unwrap_or_default();
            account.tree.files().map(|(path, file)| (path.clone(), bytes(file))).collect()
        })
    }

    /// Puts a file into a user's folder as if it had always been there; whether it could be.
    pub fn leave(&self, user: &str, path: &str, bytes: &[u8]) -> bool {
        let put = |account: &mut Account| {
            let file = account.tree.make(&tree::resolve(path)?)?;
            file.as_file().set_len(0).map_err(|_| Refusal::Failure)?;
            tree::write(&file, 0, bytes)
        };
        self.shared.account(user, put).is_ok()
    }
}
