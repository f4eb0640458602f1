//! The door: who is let in, and that they came for files.

use super::session::Session;
use crate::sandbox::Shared;
use crate::sandbox::fault::Strike;
use crate::sandbox::transcript::Exchange;
use crate::sandbox::wire::Switch;
use russh::keys::PublicKey;
use russh::server::{self, Auth, ChannelOpenHandle, Msg, PublicKeyOffer, VerifiedPublicKey};
use russh::{Channel, ChannelId};
use std::collections::HashMap;
use std::sync::Arc;
use tokio::sync::watch;

/// What somebody shows.
#[derive(Clone, Copy)]
pub(in crate::sandbox) enum Proof<'a> {
    Password(&'a str),
    Key(&'a PublicKey),
}

impl Proof<'_> {
    fn name(self) -> &'static str {
        match self {
            Self::Password(_) => "by password",
            Self::Key(_) => "by key",
        }
    }
}

/// A client at the door.
pub(super) struct Door {
    shared: Arc<Shared>,
    switch: Switch,
    /// Told when the connection has ended.
    ended: watch::Receiver<()>,
    user: String,
    channels: HashMap<ChannelId, Channel<Msg>>,
}

impl Door {
    pub(super) fn new(shared: Arc<Shared>, switch: Switch, ended: watch::Receiver<()>) -> Self {
        Self { shared, switch, ended, user: String::new(), channels: HashMap::new() }
    }

    /// Whether the proof will do: for those who were announced their password, for a feed of the
    /// Ads API what its access was made for, for others one of the keys, if there are any.
    fn is_sound(&self, user: &str, proof: Proof<'_>) -> bool {
        let mut world = self.shared.world();
        if let Some(password) = world.accounts.get(user).and_then(|account| account.password.as_deref()) {
            return matches!(proof, Proof::Password(shown) if shown == password);
        }
        if let Some(feed) = world.ads_feed(user) {
            return feed.lets_in(proof);
        }
        let keys = &self.shared.options.keys;
        keys.is_empty() || matches!(proof, Proof::Password(shown) if keys.iter().any(|key| key.secret == shown))
    }

    fn login(&mut self, user: &str, proof: Proof<'_>) -> Auth {
        let mut exchange = Exchange::sftp("login", user, "/", proof.name());
        let struck = self.shared.world().faults.strike("SFTP login", &["/", user]);
        let sound = self.is_sound(user, proof);
        exchange.fault = struck.as_ref().map(|(_, text)| text.clone());
        let strike = struck.map(|(strike, _)| strike);
        let sound = sound && strike.is_none();
        exchange.word = Some(if sound { "ok" } else { "permission-denied" });
        match strike {
            Some(Strike::Reset) => self.switch.reset(),
            Some(Strike::Lost | Strike::Cut) => self.switch.close(),
            _ => {}
        }
        if matches!(strike, Some(Strike::Reset | Strike::Lost | Strike::Cut)) {
            exchange.word = None;
        }
        self.shared.write_down(exchange);
        if !sound {
            return Auth::reject();
        }
        user.clone_into(&mut self.user);
        Auth::Accept
    }
}

impl server::Handler for Door {
    type Error = russh::Error;

    async fn auth_password(&mut self, user: &str, password: &str) -> Result<Auth, russh::Error> {
        Ok(self.login(user, Proof::Password(password)))
    }

    async fn auth_publickey_offered(&mut self, user: &str, offer: PublicKeyOffer<'_>) -> Result<Auth, russh::Error> {
        // A key that would not do need not be shown to be theirs.
        Ok(if self.is_sound(user, Proof::Key(offer.public_key)) { Auth::Accept } else { Auth::reject() })
    }

    async fn auth_publickey(&mut self, user: &str, key: VerifiedPublicKey<'_>) -> Result<Auth, russh::Error> {
        Ok(self.login(user, Proof::Key(key.public_key)))
    }

    async fn channel_open_session(
        &mut self,
        channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _: &mut server::Session,
    ) -> Result<(), russh::Error> {
        self.channels.insert(channel.id(), channel);
        reply.accept().await;
        Ok(())
    }

    async fn channel_eof(&mut self, channel: ChannelId, session: &mut server::Session) -> Result<(), russh::Error> {
        session.close(channel)
    }

    async fn subsystem_request(&mut self, channel: ChannelId, name: &str, session: &mut server::Session) -> Result<(), russh::Error> {
        match self.channels.remove(&channel).filter(|_| name == "sftp") {
            Some(opened) => {
                session.channel_success(channel)?;
                let files = Session::new(Arc::clone(&self.shared), self.switch.clone(), self.ended.clone(), &self.user);
                russh_sftp::server::run(opened.into_stream(), files).await;
                Ok(())
            }
            None => session.channel_failure(channel),
        }
    }
}
