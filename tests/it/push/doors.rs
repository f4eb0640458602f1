//! Servers that let in who knows a password: one takes it as such, one asks for it as a question.
//! Files are served by OpenSSH's own `sftp-server` behind them.

use super::relay::Relay;
use super::sshd::{sound_catalog, tool};
use crate::support::Folder;
use russh::keys::{HashAlg, decode_secret_key};
use russh::server::{Auth, ChannelOpenHandle, Config, Handler, Msg, Response, Session, run_stream};
use russh::{Channel, ChannelId, MethodKind, MethodSet};
use std::collections::HashMap;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};

/// What is known at the door.
const PASSWORD: &str = "canary open sesame";

struct Door {
    method: MethodKind,
    relay: u16,
    channels: HashMap<ChannelId, Channel<Msg>>,
    tries: Arc<AtomicUsize>,
}

impl Door {
    fn judge(&self, is_right: bool) -> Auth {
        self.tries.fetch_add(1, Ordering::Relaxed);
        if is_right { Auth::Accept } else { Auth::reject() }
    }
}

impl Handler for Door {
    type Error = russh::Error;

    async fn auth_password(&mut self, _: &str, password: &str) -> Result<Auth, russh::Error> {
        // As a server does that only asks: it says no without looking.
        Ok(if self.method == MethodKind::Password { self.judge(password == PASSWORD) } else { Auth::reject() })
    }

    async fn auth_keyboard_interactive<'a>(&'a mut self, _: &str, _: &str, response: Option<Response<'a>>) -> Result<Auth, russh::Error> {
        let Some(mut response) = response else {
            let prompts = vec![("Password: ".into(), false)].into();
            return Ok(Auth::Partial { name: "".into(), instructions: "".into(), prompts });
        };
        let is_right = response.next().is_some_and(|answer| answer.as_ref() == PASSWORD.as_bytes());
        Ok(self.judge(is_right))
    }

    async fn channel_open_session(&mut self, channel: Channel<Msg>, reply: ChannelOpenHandle, _: &mut Session) -> Result<(), russh::Error> {
        self.channels.insert(channel.id(), channel);
        reply.accept().await;
        Ok(())
    }

    async fn subsystem_request(&mut self, id: ChannelId, _: &str, session: &mut Session) -> Result<(), russh::Error> {
        let (Some(channel), Ok(mut relay)) = (self.channels.remove(&id), TcpStream::connect(("127.0.0.1", self.relay)).await) else {
            return session.channel_failure(id);
        };
        session.channel_success(id)?;
        tokio::spawn(async move { copy_bidirectional(&mut channel.into_stream(), &mut relay).await.map(drop).unwrap_or_default() });
        Ok(())
    }
}

#[test]
fn a_password_is_taken_as_such_or_as_the_answer_to_a_question() {
    let (Some(server), Some(keygen)) = (tool("sftp-server"), tool("ssh-keygen")) else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    for method in [MethodKind::Password, MethodKind::KeyboardInteractive] {
        let folder = Folder::new();
        std::fs::create_dir(folder.path("incoming")).expect("a folder");
        let host = folder.path("host").display().to_string();
        assert!(Command::new(&keygen).args(["-q", "-t", "ed25519", "-N", "", "-f", &host]).status().expect("it starts").success());
        let key = decode_secret_key(&folder.read("host"), None).expect("a key");
        let fingerprint = key.public_key().fingerprint(HashAlg::Sha256).to_string();
        let relay = Relay::start(server.clone(), folder.path("incoming"));
        let tries: Arc<AtomicUsize> = Arc::default();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let config = Arc::new(Config {
            keys: vec![key],
            methods: MethodSet::from(&[method][..]),
            auth_rejection_time: std::time::Duration::ZERO,
            ..Config::default()
        });
        let seen = Arc::clone(&tries);
        let doors = runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let door = Door { method, relay: relay.port, channels: HashMap::new(), tries: Arc::clone(&seen) };
                let config = Arc::clone(&config);
                tokio::spawn(async move {
                    if let Ok(session) = run_stream(config, stream, door).await {
                        session.await.unwrap_or_default();
                    }
                });
            }
        });
        folder.write("catalog.csv", sound_catalog(12, 16));
        folder.write(
            "feedmill.toml",
            format!(
                "[source]\npath = \"catalog.csv\"\n[[target]]\nname = \"chat\"\nspec = \"openai\"\nformat = \"jsonl\"\n\
                 deliver = {{ sftp = \"sftp://merchant@127.0.0.1:{port}/\", password = {{ file = \"password\" }}, host_key = \"{fingerprint}\" }}\n"
            ),
        );
        folder.run(&["build"]);
        folder.secret("password", "canary of another door");
        let run = folder.run(&["push", "--state", "state.sqlite"]);
        assert!(run.code == 6 && run.out.contains("does not let `merchant` in"), "{method:?}: {} {}{}", run.code, run.out, run.err);
        assert_eq!(tries.load(Ordering::Relaxed), 1, "{method:?}: a wrong password is tried once");
        folder.secret("password", &format!("{PASSWORD}\n"));
        let right = folder.run(&["push", "--state", "state.sqlite"]);
        assert_eq!(right.code, 0, "{method:?}: {}{}", right.out, right.err);
        assert_eq!(folder.files("incoming"), ["feed.jsonl"]);
        assert!([run.out, run.err, right.out, right.err].iter().all(|text| !text.contains("canary")));
        doors.abort();
    }
}
