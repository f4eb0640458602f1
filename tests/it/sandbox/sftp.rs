//! The SFTP server, judged by somebody else: OpenSSH's own client puts, renames, lists, goes on
//! and removes, and is refused what it must not do.

use super::{Peer, send};
use crate::push::sshd::tool;
use crate::support::Folder;
use feedmill::sandbox::{Exchange, Fault, Key, Options};
use reqwest::Method;
use serde_json::json;
use std::path::Path;
use std::process::{Output, Stdio};
use tokio::process::Command;

const FEED: &str = "item_id,title,description,url,brand,seller_name,image_url,availability,price\n\
    A1,Steel bottle,Insulated steel bottle.,https://shop.example/a1,Acme,Acme Store,https://shop.example/a1.jpg,in_stock,24.00 USD\n\
    A2,Glass bottle,Clear glass bottle.,https://shop.example/a2,Acme,Acme Store,https://shop.example/a2.jpg,in_stock,12.50 USD\n";

/// OpenSSH's client with a key of its own, and the sandbox's host key.
struct Client {
    folder: Folder,
    port: u16,
}

async fn output(command: &mut Command) -> Output {
    command.stdin(Stdio::null()).output().await.expect("the tool starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

impl Client {
    /// A client, or nothing where none is installed; `tests/run` installs it.
    async fn new(peer: &Peer) -> Option<Self> {
        tool("sftp")?;
        let client = Self { folder: Folder::new(), port: peer.sandbox.sftp_address().port() };
        let key = client.folder.path("client").display().to_string();
        let keygen = tool("ssh-keygen").expect("installed beside its tools");
        assert!(output(Command::new(&keygen).args(["-q", "-t", "ed25519", "-N", "", "-f", &key])).await.status.success());
        // What the host shows is what the sandbox says it shows.
        let scan = tool("ssh-keyscan").expect("installed beside its tools");
        let shown = output(Command::new(scan).args(["-p", &client.port.to_string(), "127.0.0.1"])).await;
        let known = client.folder.write("known_hosts", &shown.stdout);
        let told = text(&output(Command::new(&keygen).arg("-lf").arg(&known)).await.stdout);
        assert!(told.contains(peer.sandbox.host_key()), "{told}{}", text(&shown.stderr));
        Some(client)
    }

    fn command(&self, user: &str, batch: &Path) -> Command {
        let mut command = Command::new(tool("sftp").expect("installed"));
        let known = format!("UserKnownHostsFile={}", self.folder.path("known_hosts").display());
        command.args(["-q", "-F", "/dev/null", "-o", &known, "-o", "StrictHostKeyChecking=yes", "-o", "IdentitiesOnly=yes"]);
        // The first word counts, and commands from a file bring one of their own.
        command.args(["-o", &format!("User={user}"), "-o", "NumberOfPasswordPrompts=1", "-o", "BatchMode=no"]);
        command.arg("-P").arg(self.port.to_string()).arg("-b").arg(batch).current_dir(self.folder.path(""));
        command
    }

    /// Runs commands, one a line; the code, and all that was said.
    async fn run(&self, user: &str, commands: &str) -> (i32, String) {
        let batch = self.folder.write("batch", commands);
        let mut command = self.command(user, &batch);
        command.arg("-i").arg(self.folder.path("client")).args(["-o", "PasswordAuthentication=no", "127.0.0.1"]);
        let output = output(&mut command).await;
        (output.status.code().unwrap_or(-1), text(&output.stdout) + &text(&output.stderr))
    }

    /// The same, let in by a password.
    async fn with_password(&self, user: &str, password: &str, commands: &str) -> (i32, String) {
        let batch = self.folder.write("batch", commands);
        let ask = self.folder.write("ask", format!("#!/bin/sh\necho {password}\n"));
        std::fs::set_permissions(&ask, std::os::unix::fs::PermissionsExt::from_mode(0o700)).expect("a program");
        let mut command = self.command(user, &batch);
        command.args(["-o", "PubkeyAuthentication=no", "127.0.0.1"]);
        command.env("SSH_ASKPASS", ask).env("SSH_ASKPASS_REQUIRE", "force").env("DISPLAY", "none");
        let output = output(&mut command).await;
        (output.status.code().unwrap_or(-1), text(&output.stdout) + &text(&output.stderr))
    }
}

fn lines(peer: &Peer) -> Vec<String> {
    let transcript = peer.sandbox.transcript();
    transcript.iter().filter(|exchange| exchange.method.starts_with("SFTP")).map(Exchange::line).collect()
}

#[tokio::test]
async fn openssh_puts_renames_lists_and_removes() {
    let peer = Peer::new().await;
    let Some(client) = Client::new(&peer).await else { return };
    client.folder.write("feed.csv", FEED.replace("12.50 USD", "cheap"));
    let (code, said) = client
        .run(
            "openai",
            "put -f feed.csv .feed.csv.part\nls -la\nrename .feed.csv.part feed.csv\nls -1\nget feed.csv back.csv\n\
             put -f feed.csv .feed.csv.part\nrename .feed.csv.part feed.csv\n",
        )
        .await;
    assert_eq!(code, 0, "{said}\n{}", lines(&peer).join("\n"));
    assert!(said.contains(".feed.csv.part") && said.contains("\nfeed.csv"), "{said}");
    assert_eq!(client.folder.read("back.csv"), client.folder.read("feed.csv"));
    assert_eq!(peer.sandbox.files("openai").into_keys().collect::<Vec<_>>(), ["/feed.csv"]);
    let delivered = peer.sandbox.deliveries();
    let seen: Vec<_> = delivered.iter().map(|one| (one.way, one.path.as_str(), one.accepted, one.rejected)).collect();
    assert_eq!(seen, [("sftp", "openai:/feed.csv", 1, 1); 2], "hidden names are no feeds, and a rename over a file is one");
    let told = lines(&peer);
    let bytes = client.folder.read("feed.csv").len();
    for line in [
        "SFTP login openai:/ by key -> ok".to_owned(),
        "SFTP open openai:/.feed.csv.part to write, create, truncate -> ok".to_owned(),
        format!("SFTP write openai:/.feed.csv.part {bytes} bytes from 0 in 1 write -> ok"),
        "SFTP fsync openai:/.feed.csv.part -> ok".to_owned(),
        "SFTP readdir openai:/ -> ok".to_owned(),
    ] {
        assert!(told.iter().any(|told| told.ends_with(&line)), "{line}\n{}", told.join("\n"));
    }
    let renamed = told.iter().find(|line| line.contains("SFTP rename")).expect("a rename");
    assert!(
        renamed.contains("openai:/.feed.csv.part to /feed.csv -> ok = openai: 2 rows, 1 accepted, 1 rejected; row 2 `A2`: "),
        "{renamed}"
    );
    let (code, said) = client.run("openai", "rm feed.csv\nmkdir new\nput feed.csv new/feed.csv\nrm new/feed.csv\nrmdir new\nls -1\n").await;
    assert_eq!((code, peer.sandbox.files("openai").len()), (0, 0), "{said}");
    println!("{}", lines(&peer).join("\n"));
}

#[tokio::test]
async fn openssh_goes_on_with_what_was_cut() {
    let peer = Peer::new().await;
    let Some(client) = Client::new(&peer).await else { return };
    let whole: Vec<u8> = (0..700_000u32).flat_map(|n| (n ^ (n >> 7)).to_be_bytes()).collect();
    client.folder.write("big", &whole);
    client.folder.write("half", &whole[..1_000_001]);
    let (code, said) = client.run("shop", "put half .big.part\nreput big .big.part\nget .big.part back\n").await;
    assert_eq!(code, 0, "{said}");
    assert!(std::fs::read(client.folder.path("back")).expect("there") == whole);
    assert!(peer.sandbox.files("shop")["/.big.part"] == whole);
    let told = lines(&peer);
    let rest = format!("{} bytes from 1000001 in ", whole.len() - 1_000_001);
    assert!(told.iter().any(|line| line.contains(&rest)), "{}", told.join("\n"));
    // Cut off by the server: what had come stays, and the next one goes on with it.
    peer.sandbox.fault("SFTP write *: reset after=20 x1".parse::<Fault>().expect("a fault"));
    let (code, _) = client.run("shop", "put big .other.part\n").await;
    assert_ne!(code, 0);
    let came = peer.sandbox.files("shop")["/.other.part"].len();
    assert!(came > 0 && came < whole.len(), "{came}");
    let (code, said) = client.run("shop", "reput big .other.part\n").await;
    assert_eq!(code, 0, "{said}");
    assert!(peer.sandbox.files("shop")["/.other.part"] == whole);
}

#[tokio::test]
async fn openssh_is_refused_what_it_must_not_do() {
    let peer = Peer::new().await;
    let Some(client) = Client::new(&peer).await else { return };
    client.folder.write("a", "a");
    for (commands, status) in [
        ("put a one\nput a two\nrename -l one two", "Failure"),
        ("rename -l three two", "No such file"),
        ("rm three", "No such file"),
        ("get three", "not found"),
        ("put a new/a", "No such file"),
        ("cd ..", "Permission denied"),
        ("put a ../a", "Permission denied"),
        ("get ../../etc/passwd", "not found"),
        ("get /etc/passwd", "not found"),
        ("rmdir one", "No such file"),
        ("ln -s one link", "Operation unsupported"),
        ("mkdir sub\nmkdir sub", "Failure"),
        ("put a sub/a\nrmdir sub", "Failure"),
    ] {
        let (code, said) = client.run("shop", &format!("{commands}\n")).await;
        assert!(code == 1 && said.to_lowercase().contains(&status.to_lowercase()), "{commands}: {code} {said}");
    }
    assert!(lines(&peer).iter().any(|line| line.ends_with("-> permission-denied")), "a way out is written down");
    for (fault, status) in [
        ("SFTP open /*: permission-denied x1", "Permission denied"),
        ("SFTP write *: failure x1", "Failure"),
        ("SFTP close /four: failure x1", "Failure"),
    ] {
        peer.sandbox.heal();
        peer.sandbox.fault(fault.parse::<Fault>().expect("a fault"));
        let (code, said) = client.run("shop", "put a four\n").await;
        assert!(code == 1 && said.contains(status), "{fault}: {code} {said}");
        assert!(lines(&peer).iter().any(|line| line.contains(&format!(" ! {fault} -> "))), "{fault}");
        assert_eq!(client.run("shop", "put a four\n").await.0, 0, "{fault}, the next time");
    }
}

#[tokio::test]
async fn only_those_who_may_are_let_in() {
    let peer = Peer::with(Options { keys: vec![Key::full("word-1")], ..Options::default() }).await;
    let Some(client) = Client::new(&peer).await else { return };
    assert_eq!(client.run("shop", "ls\n").await.0, 255, "any key is let in only where none is asked for");
    assert_eq!(client.with_password("shop", "word-2", "ls\n").await.0, 255);
    let (code, said) = client.with_password("shop", "word-1", "ls\n").await;
    assert_eq!(code, 0, "{said}");
    let told = lines(&peer).join("\n");
    assert!(told.contains("SFTP login shop:/ by password -> permission-denied") && !told.contains("word-"), "{told}");
}

#[tokio::test]
async fn a_feed_of_the_ads_api_takes_files_by_the_access_that_was_made() {
    let peer = Peer::new().await;
    let Some(client) = Client::new(&peer).await else { return };
    let feed = peer.ads_feed().await;
    let access = format!("/feeds/{feed}/sftp_access");
    client.folder.write("catalog.csv", FEED);
    assert_eq!(client.run(&feed, "ls\n").await.0, 255, "no access was made");
    let made = send(peer.ads(Method::POST, &access).json(&json!({"authentication_method": "password"}))).await.json();
    assert_eq!(made["connection_uri"], format!("sftp://{feed}@{}/", peer.sandbox.sftp_address()));
    let password = made["password"].as_str().expect("a password");
    let (code, said) = client.with_password(&feed, password, "put catalog.csv\nmkdir new\nput catalog.csv new/catalog.csv\n").await;
    assert_eq!(code, 0, "{said}");
    let mut seen = Vec::new();
    for _ in 0..3 {
        seen = send(peer.ads(Method::GET, "/feeds/uploads")).await.json()["uploads"].as_array().expect("a list").clone();
    }
    let word = |place: usize| (seen[place]["status"].clone(), seen[place]["rows_accepted"].clone());
    assert_eq!((seen.len(), word(0), word(1).0), (2, (json!("completed"), json!(2)), json!("failed")), "{seen:?}");
    assert_eq!(seen[1]["diagnostics"][0]["code"], "invalid_sftp_directory_layout");
    // Paused, and then by key instead: what was made before does no longer.
    send(peer.ads(Method::POST, &format!("{access}/pause"))).await;
    assert_eq!(client.with_password(&feed, password, "ls\n").await.0, 255);
    let key = client.folder.read("client.pub");
    send(peer.ads(Method::POST, &access).json(&json!({"authentication_method": "ssh_key", "ssh_public_key": key.trim()}))).await;
    assert_eq!(client.with_password(&feed, password, "ls\n").await.0, 255);
    let (code, said) = client.run(&feed, "ls -1\n").await;
    assert!(code == 0 && said.contains("catalog.csv"), "{said}");
}
