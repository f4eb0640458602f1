//! SFTP against OpenSSH's own server, with keys and a port of its own.

use super::stand::items;
use crate::support::{Folder, Run};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

struct Server {
    folder: Folder,
    child: Child,
    port: u16,
}

fn tool(name: &str) -> Option<PathBuf> {
    ["/usr/sbin", "/usr/bin", "/usr/local/sbin", "/usr/local/bin"]
        .iter()
        .map(|folder| Path::new(folder).join(name))
        .find(|path| path.is_file())
}

fn succeeds(command: &mut Command) -> String {
    let output = command.output().expect("the tool starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

impl Server {
    /// A server, or nothing where none is installed; `tests/run` installs it.
    fn start() -> Option<Self> {
        let sshd = tool("sshd")?;
        let folder = Folder::new();
        let path = |name: &str| folder.path(name).display().to_string();
        for name in ["host", "client"] {
            succeeds(Command::new(tool("ssh-keygen")?).args(["-q", "-t", "ed25519", "-N", "", "-f", &path(name)]));
        }
        folder.write("authorized_keys", folder.read("client.pub"));
        std::fs::create_dir(folder.path("incoming")).expect("a folder");
        // The server wants this folder, which the system makes at its start.
        std::fs::create_dir_all("/run/sshd").unwrap_or_default();
        let port = std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port").port();
        folder.write(
            "sshd_config",
            format!(
                "Port {port}\nListenAddress 127.0.0.1\nHostKey {}\nPidFile {}\nAuthorizedKeysFile {}\nStrictModes no\nUsePAM no\n\
                 PasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin prohibit-password\n\
                 Subsystem sftp internal-sftp\nForceCommand internal-sftp -d {}\nLogLevel VERBOSE\n",
                path("host"),
                path("sshd.pid"),
                path("authorized_keys"),
                path("incoming")
            ),
        );
        folder.write("sshd.log", "");
        let log = std::fs::OpenOptions::new().append(true).open(folder.path("sshd.log")).expect("a log");
        let child = Command::new(sshd)
            .args(["-D", "-e", "-f", &path("sshd_config")])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("the server starts");
        let mut server = Self { folder, child, port };
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(server.child.try_wait().expect("a child").is_none(), "{}", server.folder.read("sshd.log"));
            std::thread::yield_now();
        }
        let catalog: String = items(20)
            .iter()
            .map(|(id, price, _)| {
                format!("{id},Bottle {id},Insulated bottle {id}.,https://shop.example/{id},Acme,Acme Store,https://shop.example/{id}.jpg,in_stock,{price}\n")
            })
            .collect();
        server
            .folder
            .write("catalog.csv", format!("item_id,title,description,url,brand,seller_name,image_url,availability,price\n{catalog}"));
        Some(server)
    }

    fn settings(&self, more: &str) {
        let user = succeeds(Command::new("id").arg("-un"));
        let text = format!(
            "[source]\npath = \"catalog.csv\"\n[[target]]\nname = \"chat\"\nspec = \"openai\"\nformat = \"jsonl.gz\"\n\
             deliver = {{ sftp = \"sftp://{}@127.0.0.1:{}/\", key_file = \"client\", {more}, retry = {{ base_ms = 0, attempts = 2 }} }}\n",
            user.trim(),
            self.port
        );
        self.folder.write("feedmill.toml", text);
    }

    fn fingerprint(&self) -> String {
        let line = succeeds(
            Command::new(tool("ssh-keygen").expect("installed")).args(["-lf", &self.folder.path("host.pub").display().to_string()]),
        );
        line.split_whitespace().nth(1).expect("a fingerprint").to_owned()
    }

    fn run(&self, command: &str) -> Run {
        self.folder.run(&[command, "--state", "state/state.sqlite"])
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().expect("ours");
        self.child.wait().expect("ended");
    }
}

#[test]
fn a_snapshot_takes_its_name_whole_and_stale_shards_go() {
    let Some(server) = Server::start() else { return };
    server.settings(&format!("host_key = \"{}\"", server.fingerprint()));
    // What an earlier, larger feed and a cut transfer left, and what is none of ours.
    let folder = &server.folder;
    folder.write("incoming/feed-0001-of-0002.jsonl.gz", "old shard");
    folder.write("incoming/.feed.jsonl.gz.0123456789ab.feedmill-part", "cut");
    folder.write("incoming/status.json", "theirs");
    folder.write("incoming/feed.jsonl.gz", "old");
    let run = server.run("run");
    assert_eq!(run.code, 0, "{}{}\n{}", run.out, run.err, folder.read("sshd.log"));
    assert_eq!(folder.files("incoming"), ["feed.jsonl.gz", "status.json"]);
    let same =
        |one: &str, other: &str| std::fs::read(folder.path(one)).expect("there") == std::fs::read(folder.path(other)).expect("there");
    assert!(same("incoming/feed.jsonl.gz", "out/chat/feed.jsonl.gz"));
    let run = server.run("run");
    assert_eq!((run.code, run.out.as_str()), (0, ""), "unchanged");
}

#[test]
fn a_cut_transfer_is_gone_on_with() {
    let Some(server) = Server::start() else { return };
    server.settings(&format!("host_key = \"{}\"", server.fingerprint()));
    let folder = &server.folder;
    folder.run(&["build"]);
    let feed = std::fs::read(folder.path("out/chat/feed.jsonl.gz")).expect("built");
    let digest: String = blake3::hash(&feed).to_hex().chars().take(12).collect();
    let name = format!("incoming/.feed.jsonl.gz.{digest}.feedmill-part");
    folder.write(&name, &feed[..feed.len() / 2]);
    let run = server.run("push");
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
    assert_eq!(folder.files("incoming"), ["feed.jsonl.gz"]);
    assert_eq!(std::fs::read(folder.path("incoming/feed.jsonl.gz")).expect("there"), feed);
}

#[test]
fn a_host_that_is_not_known_gets_no_credential() {
    let Some(server) = Server::start() else { return };
    let folder = &server.folder;
    server.settings("known_hosts = \"known_hosts\"");
    folder.write("known_hosts", "");
    folder.run(&["build"]);
    let run = server.run("push");
    assert!(run.code == 6 && run.out.contains(&server.fingerprint()) && run.out.contains("host_key"), "{} {}", run.code, run.out);
    // Another host's key under this name.
    let other = folder.read("client.pub");
    let key: Vec<&str> = other.split_whitespace().take(2).collect();
    folder.write("known_hosts", format!("[127.0.0.1]:{} {}\n", server.port, key.join(" ")));
    let run = server.run("push");
    assert!(run.code == 6 && run.out.contains("not the one that is known"), "{} {}", run.code, run.out);
    server.settings("host_key = \"SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"");
    let run = server.run("push");
    assert!(run.code == 6 && run.out.contains("is pinned"), "{} {}", run.code, run.out);
    let log = folder.read("sshd.log");
    assert!(!log.contains("Accepted") && !log.contains("publickey"), "{log}");
    assert!(folder.files("incoming").is_empty());
    // The key of the server itself is known.
    let own = folder.read("host.pub");
    let key: Vec<&str> = own.split_whitespace().take(2).collect();
    folder.write("known_hosts", format!("[127.0.0.1]:{} {}\n", server.port, key.join(" ")));
    server.settings("known_hosts = \"known_hosts\"");
    let run = server.run("push");
    assert_eq!(run.code, 0, "{}", run.out);
}

#[test]
fn a_key_that_is_not_authorized_is_not_let_in_and_a_server_that_is_away_is_temporary() {
    let Some(server) = Server::start() else { return };
    server.settings(&format!("host_key = \"{}\"", server.fingerprint()));
    let folder = &server.folder;
    folder.run(&["build"]);
    folder.write("authorized_keys", "");
    let run = server.run("push");
    assert!(run.code == 6 && run.out.contains("does not let"), "{} {}", run.code, run.out);
    let settings = folder.read("feedmill.toml").replace(&format!(":{}/", server.port), ":1/");
    folder.write("feedmill.toml", settings);
    let run = server.run("push");
    assert_eq!(run.code, 5, "{}", run.out);
}
