//! Killed at every request of a delivery, once before and once after the target has done what
//! it asks: the next run brings the right end, with one import for each content.

#[cfg(feature = "object-store")]
use super::objects::Store;
use super::points::every_request;
#[cfg(all(target_os = "linux", feature = "sftp"))]
use super::points::{DONE, Mortal, NOT_DONE, Point, every_point};
#[cfg(all(target_os = "linux", feature = "sftp"))]
use super::sshd::{Server, Serves, sound_catalog};
use super::stand::{HTTPS, IMPORTS, SETS, Stand, items};
use crate::support::shards;
#[cfg(all(target_os = "linux", feature = "sftp"))]
use crate::support::{Folder, Run, copy};
use std::collections::{BTreeMap, BTreeSet};
#[cfg(all(target_os = "linux", feature = "sftp"))]
use std::process::{Command, Stdio};

#[test]
fn one_import_for_each_content_wherever_it_dies() {
    for way in [IMPORTS, SETS] {
        let told = every_request(
            way.name,
            4,
            || Stand::built(&way, 12, &[]),
            |stand, place| {
                let mut by_content: BTreeMap<String, u32> = BTreeMap::new();
                for import in stand.imports().iter().filter(|import| import.blake3.is_some()) {
                    *by_content.entry(import.blake3.clone().expect("checked")).or_default() += 1;
                }
                assert!(by_content.len() == 1 && by_content.values().all(|count| *count == 1), "{place}: {by_content:?}");
                assert_eq!(stand.sandbox().products("acct_sandbox").len(), 12, "{place}");
            },
        );
        println!("{told}");
    }
}

/// An endpoint promises nothing of keys: a file of which it is not known whether it arrived comes
/// again under the key that it had, by which who keeps keys tells it from another.
#[test]
fn one_key_for_each_file_of_an_endpoint_wherever_it_dies() {
    let begin = || {
        let stand = Stand::new(&[], |_| {});
        stand.project(&HTTPS, "");
        let settings = stand.folder.read("feedmill.toml");
        stand.folder.write("feedmill.toml", settings.replace("spec = \"openai\"\n", "spec = \"openai\"\nformat = \"jsonl\"\n"));
        stand.catalog(&items(12));
        stand.build();
        shards(&stand.folder, "out/shop", 3);
        stand
    };
    let told = every_request("https, three files", 3, begin, |stand, place| {
        let key = |headers: Vec<(String, String)>| headers.into_iter().find(|(name, _)| name == "idempotency-key").expect("a key").1;
        let keys: BTreeSet<String> = stand.exchanges().into_iter().map(|exchange| key(exchange.headers)).collect();
        let held: BTreeMap<String, Vec<String>> = stand
            .sandbox()
            .deliveries()
            .into_iter()
            .map(|delivery| (delivery.blake3, delivery.rows.into_iter().map(|row| row["item_id"].clone()).collect()))
            .collect();
        assert_eq!((keys.len(), held.len()), (3, 3), "{place}: {keys:?}");
        assert_eq!(held.values().flatten().collect::<BTreeSet<_>>().len(), 12, "{place}");
    });
    println!("{told}");
}

/// A delivery of three shards, in place and accepted; then a changed feed of two is built.
#[cfg(feature = "object-store")]
fn bucket() -> Store {
    let store = Store::new();
    store.change("\"csv.gz\"", "\"jsonl\"");
    let mut now = items(12);
    for count in [3, 2] {
        store.stand.catalog(&now);
        store.stand.build();
        shards(&store.stand.folder, "out/shop", count);
        if count == 3 {
            assert_eq!(store.stand.push().code, 0);
            now[0].1 = "55.00 USD".to_owned();
        }
    }
    store
}

#[cfg(feature = "object-store")]
#[test]
fn an_object_store_holds_one_whole_feed_wherever_it_dies() {
    let names = ["feed-0001-of-0002.jsonl", "feed-0002-of-0002.jsonl"];
    let told = every_request("object store, three shards to two", 8, bucket, |store, place| {
        assert_eq!(store.names(), names.map(|name| format!("feeds/{name}")), "{place}");
        for name in names {
            let built = store.stand.folder.read(&format!("out/shop/{name}"));
            assert!(store.bytes(&format!("feeds/{name}")) == built.into_bytes(), "{place}: {name}");
        }
    });
    println!("{told}");
}

#[cfg(feature = "object-store")]
#[test]
fn a_large_object_is_there_whole_or_not_at_all_wherever_it_dies() {
    let begin = || {
        let store = Store::new();
        store.stand.catalog(&items(12));
        store.stand.build();
        store.noise();
        store
    };
    let told = every_request("object store, one file in pieces", 6, begin, |store, place| {
        assert_eq!(store.names(), ["feeds/feed.csv.gz"], "{place}");
        let built = std::fs::read(store.stand.folder.path("out/shop/feed.csv.gz")).expect("built");
        assert!(store.bytes("feeds/feed.csv.gz") == built, "{place}");
    });
    println!("{told}");
}

#[test]
fn a_change_after_a_kill_reverts_what_the_dead_run_may_have_brought() {
    for exchange in 1..=4 {
        let stand = Stand::built(&IMPORTS, 12, &[]);
        assert_eq!(stand.push().code, 0);
        let mut now = items(12);
        now[0].1 = "55.00 USD".to_owned();
        stand.catalog(&now);
        stand.build();
        stand.killed_at(exchange, &["push"]);
        // Back to what the target accepted last: no digest differs from the accepted snapshot.
        stand.catalog(&items(12));
        stand.build();
        let run = stand.push();
        assert_eq!(run.code, 0, "{exchange}: {}{}", run.out, run.err);
        assert_eq!(stand.held("acct_sandbox", "SKU-1", "price").as_deref(), Some("11.00 USD"), "killed at {exchange}");
    }
}

/// A delivery of three shards, in place and accepted; then a changed feed of two is built.
#[cfg(all(target_os = "linux", feature = "sftp"))]
fn three_shards_then_two(folder: &Folder, incoming: &str) {
    let push = ["push", "--state", "state/state.sqlite"];
    folder.run(&["build"]);
    shards(folder, "out/chat", 3);
    folder.write(&format!("{incoming}/status.json"), "theirs");
    let run = folder.run(&push);
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
    for kept in ["state", incoming] {
        copy(&folder.path(kept), &folder.path(&format!("kept/{kept}")));
    }
    copy(&folder.path("out/chat"), &folder.path("kept/old"));
    folder.write("catalog.csv", folder.read("catalog.csv").replace("11.00 USD", "55.00 USD"));
    folder.run(&["build"]);
    shards(folder, "out/chat", 2);
}

/// Shards that are pushed over others; the program dies in one manner or another.
#[cfg(all(target_os = "linux", feature = "sftp"))]
struct Shards<'a> {
    folder: &'a Folder,
    incoming: &'static str,
    /// Names that are there besides shards.
    list: &'static [&'static str],
    server: Option<&'a Server>,
}

#[cfg(all(target_os = "linux", feature = "sftp"))]
impl<'a> Shards<'a> {
    /// Puts back what was there before the push that is killed.
    fn begin(folder: &'a Folder, incoming: &'static str, list: &'static [&'static str], server: Option<&'a Server>) -> Self {
        for kept in ["state", incoming] {
            copy(&folder.path(&format!("kept/{kept}")), &folder.path(kept));
        }
        Self { folder, incoming, list, server }
    }

    fn bytes(&self, folder: &str, name: &str) -> Option<Vec<u8>> {
        std::fs::read(self.folder.path(&format!("{folder}/{name}"))).ok()
    }

    /// The new set of shards stands there, and nothing else.
    fn judge(&self, place: &str) {
        let shards = ["feed-0001-of-0002.jsonl", "feed-0002-of-0002.jsonl"];
        let expected: Vec<&str> = self.list.iter().copied().chain(shards).chain(["status.json"]).collect();
        assert_eq!(self.folder.files(self.incoming), expected, "{place}");
        for name in shards {
            assert_eq!(self.bytes(self.incoming, name), self.bytes("out/chat", name), "{place}: {name}");
        }
    }
}

#[cfg(all(target_os = "linux", feature = "sftp"))]
impl Mortal for Shards<'_> {
    fn dies(&self, point: Point) -> bool {
        let push = [env!("CARGO_BIN_EXE_feedmill"), "push", "--state", "state/state.sqlite"];
        let died = match self.server {
            Some(server) => {
                // The server's first answer has no number to be told by.
                let request = if point.kind == DONE { point.at + 1 } else { point.at };
                let mut command = Command::new(push[0]);
                command.args(&push[1..]).current_dir(self.folder.path(""));
                server.relay.killed_at(request, point.kind == DONE, &mut command)
            }
            None => {
                let inject = format!("inject={}:signal=SIGKILL:when={}", point.kind, point.at);
                let mut command = strace(&["-f", "-qq", "-o", "/dev/null", "-e", &inject]);
                !command.args(push).current_dir(self.folder.path("")).status().expect("strace starts").success()
            }
        };
        for name in self.folder.files(self.incoming).iter().filter(|name| name.starts_with("feed")) {
            let found = self.bytes(self.incoming, name);
            assert!(found == self.bytes("out/chat", name) || found == self.bytes("kept/old", name), "{point:?}: half of {name}");
        }
        died
    }

    fn push(&self) -> Run {
        self.folder.run(&["push", "--output-format", "json", "--state", "state/state.sqlite"])
    }

    fn asked(&self) -> usize {
        self.server.map_or(0, |server| server.relay.figures().0)
    }
}

#[cfg(all(target_os = "linux", feature = "sftp"))]
#[test]
fn sftp_holds_one_whole_feed_wherever_it_dies() {
    let Some(server) = Server::start(Serves::Relay) else { return };
    server.project(&server.keys());
    three_shards_then_two(&server.folder, "incoming");
    let begin = || Shards::begin(&server.folder, "incoming", &[], Some(&server));
    let told = every_point("sftp, three shards to two", &[NOT_DONE, DONE], 20, begin, Shards::judge);
    println!("{told}");
}

#[cfg(all(target_os = "linux", feature = "sftp"))]
fn strace(arguments: &[&str]) -> Command {
    let mut command = Command::new("strace");
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

/// Killed by the system at each call of a kind, as `strace` can have it.
#[cfg(all(target_os = "linux", feature = "sftp"))]
#[test]
fn a_folder_holds_one_whole_feed_wherever_it_dies() {
    if !strace(&["-o", "/dev/null", "true"]).status().is_ok_and(|status| status.success()) {
        println!("there is no strace here, or it may not trace");
        return;
    }
    let folder = Folder::new();
    folder.write(
        "feedmill.toml",
        "[source]\npath = \"catalog.csv\"\n[[target]]\nname = \"chat\"\nspec = \"openai\"\nformat = \"jsonl\"\ndeliver = { folder = \"web\" }\n",
    );
    folder.write("catalog.csv", sound_catalog(20, 16));
    three_shards_then_two(&folder, "web");
    let kinds = ["openat", "write", "fsync", "ftruncate", "rename,renameat,renameat2", "unlink,unlinkat", "mkdir"];
    let begin = || Shards::begin(&folder, "web", &[".feedmill-files"], None);
    let told = every_point("folder, three shards to two", &kinds, 1, begin, Shards::judge);
    println!("{told}");
}
