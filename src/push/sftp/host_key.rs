//! The host's key: pinned, or one of those that are known; judged before anything else is said.

use super::Settings;
use russh::client;
use russh::keys::known_hosts::known_host_keys_path;
use russh::keys::{HashAlg, PublicKey, PublicKeyOrCertificate};
use russh::{Preferred, keys::Algorithm};
use std::borrow::Cow;
use std::path::Path;
use std::sync::{Arc, Mutex};

/// Which keys a host may show.
#[derive(Clone)]
pub(super) enum Trust {
    /// The one with this fingerprint.
    Pinned(String),
    /// One of these.
    Known {
        /// The keys that are written down for the host.
        keys: Vec<PublicKey>,
        /// Keys that are marked as stolen, as they are written.
        revoked: Vec<String>,
    },
}

impl Trust {
    pub(super) fn read(settings: &Settings, home: &Path, host: &str, port: u16) -> Result<Self, String> {
        if let Some(pinned) = &settings.host_key {
            let sound = pinned.strip_prefix("SHA256:").is_some_and(|rest| !rest.is_empty());
            let shown = crate::product::text::excerpt(pinned, 60);
            return if sound {
                Ok(Self::Pinned(pinned.trim_end_matches('=').to_owned()))
            } else {
                Err(format!("host_key: `{shown}` is no fingerprint; it begins with SHA256:"))
            };
        }
        let path = match &settings.known_hosts {
            Some(file) => home.join(file),
            None => match std::env::home_dir() {
                Some(home) => home.join(".ssh/known_hosts"),
                None => return Ok(Self::Known { keys: Vec::new(), revoked: Vec::new() }),
            },
        };
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if settings.known_hosts.is_none() && error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(format!("known_hosts: {}: {error}", path.display())),
        };
        // A key that is marked for one host is trusted for none.
        let revoked = text.lines().filter_map(|line| line.strip_prefix("@revoked")?.split_whitespace().nth(2)).map(str::to_owned).collect();
        let keys = known_host_keys_path(host, port, &path).map_err(|error| format!("known_hosts: {}: {error}", path.display()))?;
        Ok(Self::Known { keys: keys.into_iter().map(|(_, key)| key).collect(), revoked })
    }

    /// Algorithms in the order in which the host is asked for its key: those first of which one is known.
    pub(super) fn preferred(&self) -> Preferred {
        // SHA-1 proves nothing any more.
        let mut order: Vec<Algorithm> = Preferred::DEFAULT.key.to_vec();
        order.retain(|algorithm| *algorithm != Algorithm::Rsa { hash: None });
        if let Self::Known { keys, .. } = self {
            order.sort_by_key(|algorithm| !keys.iter().any(|key| key.algorithm() == *algorithm));
        }
        Preferred { key: Cow::Owned(order), ..Preferred::DEFAULT }
    }

    /// Why a key is not trusted.
    fn refusal(&self, key: &PublicKey) -> Option<String> {
        let seen = key.fingerprint(HashAlg::Sha256).to_string();
        let how = format!("compare it with what you were given, and pin it with `host_key = \"{seen}\"`");
        match self {
            Self::Pinned(pinned) if *pinned == seen => None,
            Self::Pinned(pinned) => {
                Some(format!("the host's {} key is {seen}, and {pinned} is pinned; no credential was sent", key.algorithm().as_str()))
            }
            Self::Known { keys, revoked } => {
                let written = key.to_openssh().unwrap_or_default();
                if revoked.iter().any(|revoked| written.split(' ').any(|word| word == revoked)) {
                    Some(format!("the host's key {seen} is marked as revoked; no credential was sent"))
                } else if keys.iter().any(|known| known.key_data() == key.key_data()) {
                    None
                } else if keys.is_empty() {
                    Some(format!("the host's key {seen} is not known; no credential was sent; {how}"))
                } else {
                    Some(format!("the host's key {seen} is not the one that is known; no credential was sent; {how}"))
                }
            }
        }
    }
}

/// Judges the host's key before anything else is said.
pub(super) struct HostKey {
    pub(super) trust: Trust,
    /// Why the key was refused.
    pub(super) refusal: Arc<Mutex<Option<String>>>,
}

impl client::Handler for HostKey {
    type Error = russh::Error;

    async fn check_server_key(&mut self, key: &PublicKeyOrCertificate) -> Result<bool, russh::Error> {
        let refusal = match key {
            PublicKeyOrCertificate::Certificate(_) => Some("the host shows a certificate, which is not supported; pin its key".to_owned()),
            PublicKeyOrCertificate::PublicKey { key, .. } => self.trust.refusal(key),
        };
        let sound = refusal.is_none();
        if let Ok(mut told) = self.refusal.lock() {
            *told = refusal;
        }
        Ok(sound)
    }
}
