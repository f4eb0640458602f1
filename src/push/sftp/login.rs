//! From an address to a session: connect, check the host's key, and only then show who we are.

use super::host_key::HostKey;
use super::session::Session;
use super::{Settings, Sftp, Trouble};
use crate::push::error::PushError;
use crate::secret::{Secret, SecretRef};
use russh::MethodKind;
use russh::client::{self, AuthResult, Handle, KeyboardInteractiveAuthResponse};
use russh::keys::{PrivateKey, PrivateKeyWithHashAlg};
use russh_sftp::client::RawSftpSession;
use std::path::Path;
use std::sync::{Arc, Mutex};

/// Most rounds of questions; the last is often empty.
const QUESTIONS: u32 = 3;

/// Who we are.
pub(super) enum Login {
    /// Whoever holds this key; where it came from, in words.
    Key(Arc<PrivateKey>, String),
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
                // The library's own words might hold what they are about.
                let key = key.map_err(|error| {
                    let why = match error {
                        russh::keys::Error::KeyIsEncrypted => "it has a passphrase, and none is given",
                        _ if passphrase.is_some() => "it is no Ed25519 or ECDSA key, or has another passphrase",
                        _ => "it is no Ed25519 or ECDSA key, or has a passphrase",
                    };
                    format!("key_file: {}: this private key cannot be used: {why}", path.display())
                })?;
                Ok(Self::Key(Arc::new(key), text.origin().to_owned()))
            }
            (None, Some(password)) => Ok(Self::Password(read(password, "password")?)),
            _ => Err("give either `key_file` or `password`".to_owned()),
        }
    }

    fn origin(&self) -> &str {
        match self {
            Self::Key(_, origin) => origin,
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
                let hash = handle.best_supported_rsa_hash().await?.flatten();
                handle.authenticate_publickey(self.user.as_str(), PrivateKeyWithHashAlg::new(Arc::clone(key), hash)).await?.success()
            }
        };
        if !accepted {
            return Err(access(format!("the server does not let `{}` in", self.user), self.login.origin()));
        }
        let channel = handle.channel_open_session().await?;
        channel.request_subsystem(true, "sftp").await?;
        let sftp = RawSftpSession::new(channel.into_stream());
        sftp.set_timeout(self.idle.as_secs().max(1));
        let version = sftp.init().await?;
        let offers = |name: &str| version.extensions.contains_key(name);
        Ok(Session::new(sftp, offers("posix-rename@openssh.com"), offers("fsync@openssh.com"), handle))
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
