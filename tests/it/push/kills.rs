//! Killed at every request of a delivery, once before and once after the target has done what
//! it asks: the next run brings the right end, with one import for each content.

#[cfg(all(target_os = "linux", feature = "sftp"))]
use super::sshd::{Server, Serves, shards, sound_catalog};
use super::stand::{IMPORTS, SETS, Stand, items};
#[cfg(all(target_os = "linux", feature = "sftp"))]
use crate::support::{Folder, copy};
use std::collections::BTreeMap;
#[cfg(all(target_os = "linux", feature = "sftp"))]
use std::process::{Command, Stdio};

#[test]
fn one_import_for_each_content_wherever_it_dies() {
    let mut points = 0;
    for way in [IMPORTS, SETS] {
        for is_done in [true, false] {
            for exchange in 1..50 {
                let stand = Stand::built(&way, 12, &[]);
                if !is_done {
                    stand.fault(&format!("* *: reset x1 after={}", exchange - 1));
                }
                let died = stand.killed_at(exchange, &["push"]);
                if !died {
                    assert!(exchange > 3, "{}: died nowhere", way.name);
                    break;
                }
                points += 1;
                stand.sandbox().heal();
                let place = format!("{} killed at {exchange}, {}", way.name, if is_done { "done" } else { "not done" });
                let run = stand.push();
                assert_eq!(run.code, 0, "{place}: {}{}", run.out, run.err);
                let mut by_content: BTreeMap<String, u32> = BTreeMap::new();
                for import in stand.imports().iter().filter(|import| import.blake3.is_some()) {
                    *by_content.entry(import.blake3.clone().expect("checked")).or_default() += 1;
                }
                assert!(by_content.len() == 1 && by_content.values().all(|count| *count == 1), "{place}: {by_content:?}");
                assert_eq!(stand.sandbox().products("acct_sandbox").len(), 12, "{place}");
                let before = stand.exchanges().len();
                let third = stand.push();
                assert_eq!(third.json()["targets"][0]["outcome"], "unchanged", "{place}");
                assert_eq!(stand.exchanges().len(), before, "{place}");
            }
        }
    }
    println!("killed at {points} points");
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

/// After a kill: every name holds a whole shard, old or new; the next run makes the new set of
/// it and leaves nothing else; the one after that has nothing to do.
#[cfg(all(target_os = "linux", feature = "sftp"))]
fn is_made_good(folder: &Folder, incoming: &str, list: &[&str], place: &str) {
    let bytes = |name: String| std::fs::read(folder.path(&name)).ok();
    for name in folder.files(incoming).iter().filter(|name| name.starts_with("feed")) {
        let found = bytes(format!("{incoming}/{name}"));
        assert!(found == bytes(format!("out/chat/{name}")) || found == bytes(format!("kept/old/{name}")), "{place}: half of {name}");
    }
    let push = ["push", "--output-format", "json", "--state", "state/state.sqlite"];
    let run = folder.run(&push);
    assert_eq!(run.code, 0, "{place}: {}{}", run.out, run.err);
    let expected: Vec<&str> = list.iter().copied().chain(["feed-0001-of-0002.jsonl", "feed-0002-of-0002.jsonl", "status.json"]).collect();
    assert_eq!(folder.files(incoming), expected, "{place}");
    for name in ["feed-0001-of-0002.jsonl", "feed-0002-of-0002.jsonl"] {
        assert_eq!(bytes(format!("{incoming}/{name}")), bytes(format!("out/chat/{name}")), "{place}: {name}");
    }
    assert_eq!(folder.run(&push).json()["targets"][0]["outcome"], "unchanged", "{place}");
}

/// Puts back what was there before the push that is killed.
#[cfg(all(target_os = "linux", feature = "sftp"))]
fn put_back(folder: &Folder, incoming: &str) {
    for kept in ["state", incoming] {
        copy(&folder.path(&format!("kept/{kept}")), &folder.path(kept));
    }
}

#[cfg(all(target_os = "linux", feature = "sftp"))]
#[test]
fn sftp_holds_one_whole_feed_wherever_it_dies() {
    let Some(server) = Server::start(Serves::Relay) else { return };
    server.project(&server.keys());
    let folder = &server.folder;
    three_shards_then_two(folder, "incoming");
    let mut points = 0;
    for is_done in [false, true] {
        // The server's first answer has no number to be told by.
        for request in if is_done { 2 } else { 1 }..200 {
            put_back(folder, "incoming");
            let mut command = Command::new(env!("CARGO_BIN_EXE_feedmill"));
            command.args(["push", "--state", "state/state.sqlite"]).current_dir(folder.path(""));
            let died = server.relay.killed_at(request, is_done, &mut command);
            if !died {
                assert!(request > 20, "died nowhere after {request} requests");
                break;
            }
            points += 1;
            let place = format!("killed at request {request}, {}", if is_done { "done" } else { "not done" });
            is_made_good(folder, "incoming", &[], &place);
        }
    }
    println!("sftp: killed at {points} points");
}

/// Killed by the system at each call of a kind, as `strace` can have it.
#[cfg(all(target_os = "linux", feature = "sftp"))]
#[test]
fn a_folder_holds_one_whole_feed_wherever_it_dies() {
    let strace = |arguments: &[&str]| {
        let mut command = Command::new("strace");
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    };
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
    let mut points = Vec::new();
    for kind in ["openat", "write", "fsync", "ftruncate", "rename,renameat,renameat2", "unlink,unlinkat", "mkdir"] {
        let mut count = 0;
        for call in 1..500 {
            put_back(&folder, "web");
            let inject = format!("inject={kind}:signal=SIGKILL:when={call}");
            let arguments = ["-f", "-qq", "-o", "/dev/null", "-e", &inject, env!("CARGO_BIN_EXE_feedmill")];
            let mut command = strace(&arguments);
            command.args(["push", "--state", "state/state.sqlite"]).current_dir(folder.path(""));
            if command.status().expect("strace starts").success() {
                break;
            }
            count += 1;
            is_made_good(&folder, "web", &[".feedmill-files"], &format!("killed at {kind} number {call}"));
        }
        points.push((kind, count));
    }
    println!("folder: killed at {} points {points:?}", points.iter().map(|(_, count)| count).sum::<u32>());
    assert!(points.iter().all(|(_, count)| *count > 0), "{points:?}");
}
