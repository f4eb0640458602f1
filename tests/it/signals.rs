//! Signals: the first stops a run at its next batch, the second ends the program, and the exit
//! says which it was.
#![cfg(unix)]

use crate::support::{Folder, SOUND};
use serde_json::Value;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};

fn start(folder: &Folder, arguments: &[&str]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_feedmill"))
        .args(arguments)
        .current_dir(folder.path(""))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts")
}

fn send(signal: &str, child: &Child) {
    assert!(Command::new("kill").args([signal, &child.id().to_string()]).status().expect("kill runs").success());
}

fn rows(count: usize) -> String {
    let header = SOUND.lines().next().expect("a header");
    let row = |n| format!("R{n},T,D,https://shop.example/{n},B,S,https://shop.example/i.jpg,in_stock,{n}.00 USD\n");
    format!("{header}\n{}", (1..=count).map(row).collect::<String>())
}

/// Nothing is published, nothing is left behind.
#[test]
fn a_stopped_build_leaves_nothing() {
    let folder = Folder::new();
    folder.write("many.csv", rows(400_000));
    for (signal, code, name) in [("-INT", 130, "interrupted"), ("-TERM", 143, "terminated")] {
        let mut child = start(&folder, &["build", "many.csv", "--config", "none", "--format", "csv", "--output-format", "json"]);
        // The output folder appears once the run is under way.
        while !folder.exists("out/openai") && child.try_wait().expect("a child").is_none() {
            std::thread::yield_now();
        }
        send(signal, &child);
        let output = child.wait_with_output().expect("the program ends");
        assert_eq!(output.status.code(), Some(code), "{}", String::from_utf8_lossy(&output.stderr));
        let report: Value = serde_json::from_slice(&output.stdout).expect("one document");
        assert_eq!(report["exit"]["name"], name);
        assert!(!folder.exists("out/openai"));
    }
}

/// An input that never says anything again would otherwise keep the program for ever.
#[test]
fn a_second_signal_ends_what_waits_for_its_input() {
    let folder = Folder::new();
    let mut child = start(&folder, &["check", "-", "--config", "none"]);
    let mut input = child.stdin.take().expect("piped");
    input.write_all(rows(200_000).as_bytes()).expect("the run reads");
    send("-INT", &child);
    let mut said = String::new();
    BufReader::new(child.stderr.take().expect("piped")).read_line(&mut said).expect("text");
    if said.contains("a second signal") {
        send("-TERM", &child);
        assert_eq!(child.wait().expect("ended").code(), Some(143));
    } else {
        // It came to a batch first.
        assert_eq!(child.wait().expect("ended").code(), Some(130), "{said}");
    }
    drop(input);
}

#[test]
fn a_sandbox_says_what_ended_it() {
    let folder = Folder::new();
    for (signal, code) in [("-INT", 130), ("-TERM", 143)] {
        let mut child = start(&folder, &["sandbox"]);
        let mut introduction = String::new();
        BufReader::new(child.stdout.as_mut().expect("piped")).read_line(&mut introduction).expect("it serves");
        send(signal, &child);
        assert_eq!(child.wait().expect("ended").code(), Some(code), "{introduction}");
    }
}
