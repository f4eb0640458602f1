//! What a person sees: progress on a terminal, and a watch that ends with the verdict.

#[cfg(feature = "sftp")]
use super::relay::{Fault, What};
#[cfg(feature = "sftp")]
use super::sshd::{Server, Serves};
use super::stand::{IMPORTS, Stand, items};
use std::process::{Command, Stdio};

#[cfg(feature = "sftp")]
#[test]
fn bytes_and_their_rate_are_drawn_on_a_terminal_alone() {
    let Some(server) = Server::start(Serves::Relay) else { return };
    let folder = &server.folder;
    server.project(&format!("{}, limits = {{ idle_s = 1 }}, retry = {{ attempts = 1 }}", server.keys()));
    server.catalog(400, 4000);
    folder.run(&["build"]);
    // The server falls silent in the middle, long enough to be looked at.
    let silent = Fault { request: "WRITE", after: 30, times: usize::MAX, what: What::Silence };
    server.relay.fault(Some(silent));
    let program = format!("{} push --state state/state.sqlite", env!("CARGO_BIN_EXE_feedmill"));
    let mut terminal = Command::new("script");
    terminal.args(["-qec", &program, "/dev/null"]).current_dir(folder.path("")).stdin(Stdio::null()).env("TERM", "xterm");
    let Ok(seen) = terminal.output() else { return };
    let seen = String::from_utf8_lossy(&seen.stdout).into_owned();
    assert!(seen.contains("sending [") && seen.contains("MiB") && seen.contains("/s"), "{seen}");
    let run = server.run(&["push"]);
    assert_eq!(run.code, 5);
    assert!(!run.err.contains("sending") && !run.err.contains('\u{1b}'), "{}", run.err);
}

#[test]
fn a_watch_asks_until_the_last_word() {
    let stand = Stand::new(&["GET /v2/commerce/*: never-done"], |_| {});
    stand.project(&IMPORTS, "poll = { first_ms = 1, most_ms = 1, total_s = 0 }");
    stand.catalog(&items(12));
    stand.build();
    assert_eq!(stand.push().code, 11);
    assert_eq!(stand.run(&["status"]).code, 11, "asked once, and still open");
    let before = stand.exchanges().len();
    let mut watch = Command::new(env!("CARGO_BIN_EXE_feedmill"))
        .args(["status", "--watch", "5m", "--state", "state/state.sqlite"])
        .current_dir(stand.folder.path(""))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts");
    while stand.exchanges().len() < before + 5 {
        assert!(watch.try_wait().expect("a child").is_none(), "it ended before the last word");
        std::thread::yield_now();
    }
    stand.sandbox().heal();
    let ended = watch.wait_with_output().expect("ended");
    let text = String::from_utf8_lossy(&ended.stdout).into_owned();
    assert!(ended.status.success() && text.contains("pushed"), "{text}");
    assert_eq!(stand.imports().len(), 1, "a watch sends nothing");
    // What was asked in vain is no part of the history.
    assert_eq!(stand.run(&["history"]).out.lines().count(), 2, "{}", stand.run(&["history"]).out);
    // And its time ends.
    let stand = Stand::new(&["GET /v2/commerce/*: never-done"], |_| {});
    stand.project(&IMPORTS, "poll = { first_ms = 1, most_ms = 900, total_s = 0 }");
    stand.catalog(&items(12));
    stand.build();
    assert_eq!(stand.push().code, 11);
    assert_eq!(stand.run(&["status", "--watch", "1"]).code, 11);
}
