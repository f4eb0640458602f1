//! From an address to a session: connect, check the host's key, and only then show who we are.

use super::host_key::HostKey;
use super::rsa::{RsaKey, Signs};
use super::session::Session;
use super::trouble::Trouble;
use super::{Settings, Sftp};
use crate::push::error::PushError;
use crate::secret::{Secret, SecretRef};
use russh::client::{self, AuthResult, Handle, KeyboardInteractiveAuthResponse};
use russh::keys::{HashAlg, PrivateKey, PrivateKeyWithHashAlg};
use russh::{Channel, ChannelMsg, MethodKind};
use russh_sftp::client::RawSftpSession;
use std::path::Path;
use std::sync::{Arc, Mutex};

/// Most rounds of questions; the last is often empty.
const QUESTIONS: u32 = 3;

/// Who we are.
pub(super) enum Login {
    /// Whoever holds this key; where it came from, in words.
    Key(Arc<PrivateKey>, String),
    /// The same with a key of RSA.
    Rsa(Box<RsaKey>, String),
    /// Whoever knows this word.
    Password(Secret),
}

impl Login {
    pub(super) fn read(settings: &Settings, home: &Path) -> Result<Self, String> {
        let read = |secret: &SecretRef, name: &str| secret.read(home).map_err(|message| format!("{name}: {message}"));
        match (&settings.key_file, &settings.password) {
            (Some(file), None) => {
                let path = home.join(file);
                let text = Secret::of_file(&path).map_err(|message| format!("key_file: {message}"))?;
                let passphrase = settings.passphrase.as_ref().map(|secret| read(secret, "passphrase")).transpose()?;
                let key = russh::keys::decode_secret_key(text.expose(), passphrase.as_ref().map(Secret::expose));
                let unusable = |why: &str| format!("key_file: {}: this private key cannot be used: {why}", path.display());
                // The library's own words might hold what they are about.
                let key = key.map_err(|error| {
                    let why = match error {
                        russh::keys::Error::KeyIsEncrypted => "it has a passphrase, and none is given",
                        _ if passphrase.is_some() => "it is no Ed25519, ECDSA or RSA key, or has another passphrase",
                        _ => "it is no Ed25519, ECDSA or RSA key, or has a passphrase",
                    };
                    unusable(why)
                })?;
                let origin = text.origin().to_owned();
                Ok(match RsaKey::of(&key).map_err(|why| unusable(&why))? {
                    Some(key) => Self::Rsa(Box::new(key), origin),
                    None => Self::Key(Arc::new(key), origin),
                })
            }
            (None, Some(password)) => Ok(Self::Password(read(password, "password")?)),
            _ => Err("give either `key_file` or `password`".to_owned()),
        }
    }

    fn origin(&self) -> &str {
        match self {
            Self::Key(_, origin) | Self::Rsa(_, origin) => origin,
            Self::Password(secret) => secret.origin(),
        }
    }
}

impl Sftp {
    /// Connects, checks the host's key, and only then shows who we are.
    pub(super) async fn login(&self) -> Result<Session, Trouble> {
        let refusal: Arc<Mutex<Option<String>>> = Arc::default();
        let guard = HostKey { trust: self.trust.clone(), refusal: Arc::clone(&refusal) };
        let config = client::Config {
            inactivity_timeout: Some(self.idle),
            keepalive_interval: Some(self.idle / 3),
            nodelay: true,
            preferred: self.trust.preferred(),
            ..client::Config::default()
        };
        let access = |message: String, credential: &str| {
            Trouble::Final(PushError::Access { what: self.place(), message, credential: credential.to_owned() })
        };
        let connected = client::connect(Arc::new(config), (self.host.as_str(), self.port), guard).await;
        let refused = refusal.lock().ok().and_then(|mut refusal| refusal.take());
        if let Some(message) = refused {
            return Err(access(message, "nowhere, because none was sent"));
        }
        let mut handle = connected?;
        let accepted = match &self.login {
            Login::Password(password) => self.answer(&mut handle, password).await?,
            Login::Key(key, _) => {
                let key = PrivateKeyWithHashAlg::new(Arc::clone(key), None);
                handle.authenticate_publickey(self.user.as_str(), key).await?.success()
            }
            Login::Rsa(key, _) => self.sign(&mut handle, key).await?,
        };
        if !accepted {
            let more = match self.login {
                Login::Rsa(..) => {
                    " with this RSA key, which signs with SHA-2 and never with SHA-1; an old server may take a key made with \
                                   `ssh-keygen -t ed25519`"
                }
                _ => "",
            };
            return Err(access(format!("the server does not let `{}` in{more}", self.user), self.login.origin()));
        }
        let sftp = RawSftpSession::new(open(&handle).await?.into_stream());
        sftp.set_timeout(self.idle.as_secs().max(1));
        let version = sftp.init().await.map_err(|error| Trouble::of("opening", "SFTP", &error))?;
        let offers = |name: &str| version.extensions.contains_key(name);
        let (renames, flushes) = (offers("posix-rename@openssh.com"), offers("fsync@openssh.com"));
        Ok(Session::new(sftp, renames, flushes, Arc::clone(&self.changes), handle))
    }

    /// Signs with a key of RSA, by the stronger hash first: servers name hashes that they do not take.
    async fn sign(&self, handle: &mut Handle<HostKey>, key: &RsaKey) -> Result<bool, Trouble> {
        let hashes: &[HashAlg] = match handle.best_supported_rsa_hash().await? {
            Some(Some(HashAlg::Sha512)) => &[HashAlg::Sha512, HashAlg::Sha256],
            Some(None) => &[],
            // The one that every server must take (RFC 8332).
            _ => &[HashAlg::Sha256],
        };
        for hash in hashes {
            let (user, public) = (self.user.as_str(), key.public.clone());
            if handle.authenticate_publickey_with(user, public, Some(*hash), &mut Signs(key)).await?.success() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Gives the password; where a server only takes it as the answer to a question, as that. A
    /// wrong one is given once, because some servers count.
    async fn answer(&self, handle: &mut Handle<HostKey>, password: &Secret) -> Result<bool, Trouble> {
        let user = self.user.as_str();
        let methods = match handle.authenticate_password(user, password.expose()).await? {
            AuthResult::Success => return Ok(true),
            AuthResult::Failure { remaining_methods, .. } => remaining_methods,
        };
        if methods.contains(&MethodKind::Password) || !methods.contains(&MethodKind::KeyboardInteractive) {
            return Ok(false);
        }
        let mut asked = handle.authenticate_keyboard_interactive_start(user, None).await?;
        for _ in 0..QUESTIONS {
            let answers = match asked {
                KeyboardInteractiveAuthResponse::Success => return Ok(true),
                KeyboardInteractiveAuthResponse::Failure { .. } => return Ok(false),
                KeyboardInteractiveAuthResponse::InfoRequest { prompts, .. } => match &prompts[..] {
                    [] => Vec::new(),
                    [prompt] if !prompt.echo => vec![password.expose().to_owned()],
                    // Anything else is a question for a person.
                    _ => return Ok(false),
                },
            };
            asked = handle.authenticate_keyboard_interactive_respond(answers).await?;
        }
        Ok(matches!(asked, KeyboardInteractiveAuthResponse::Success))
    }
}

/// Opens the way to the server's SFTP; not every server that lets us in has one.
async fn open(handle: &Handle<HostKey>) -> Result<Channel<client::Msg>, Trouble> {
    let mut channel = handle.channel_open_session().await?;
    channel.request_subsystem(true, "sftp").await?;
    loop {
        match channel.wait().await {
            Some(ChannelMsg::Success) => return Ok(channel),
            Some(ChannelMsg::Failure) => {
                let message = "the server lets us in, but has no SFTP (subsystem `sftp`); ask whoever runs it to switch that on, \
                               or correct the address: SFTP may have a port of its own";
                let what = "opening SFTP".to_owned();
                return Err(Trouble::Final(PushError::Refused { what, status: 0, message: message.to_owned(), path: None }));
            }
            Some(ChannelMsg::Close | ChannelMsg::Eof) | None => {
                return Err(Trouble::Broken("the server ended the session before it opened SFTP".to_owned()));
            }
            Some(_) => {}
        }
    }
}
