//! Signals: the first stops a run at its next batch, the second ends the program, and the exit
//! says which it was.
#![cfg(unix)]

use crate::support::{Folder, SOUND};
use serde_json::Value;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::os::unix::fs::OpenOptionsExt;
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

/// Waits until the program keeps what its input says, which it does from the moment it waits for it.
fn waits(folder: &Folder, child: &mut Child) {
    while folder.files("tmp").is_empty() {
        assert!(child.try_wait().expect("a child").is_none(), "it ended");
        std::thread::yield_now();
    }
}

/// The first signal ends what waits for an input that may never say anything again.
#[test]
fn a_pipe_that_says_nothing_keeps_nobody_waiting() {
    let folder = Folder::new();
    std::fs::create_dir(folder.path("tmp")).expect("made");
    assert!(Command::new("mkfifo").arg(folder.path("pipe")).status().expect("mkfifo runs").success());
    let temporary = folder.path("tmp").display().to_string();
    let run = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_feedmill"));
        command.args(arguments).args(["--config", "none"]).current_dir(folder.path("")).env("TMPDIR", &temporary);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts")
    };
    let stop = |mut child: Child, (signal, code, name): (&str, i32, &str)| {
        waits(&folder, &mut child);
        send(signal, &child);
        let output = child.wait_with_output().expect("the program ends");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{said}");
        assert!(said.contains(name) && !said.contains("second signal"), "{said}");
        assert!(folder.files("tmp").is_empty() && !folder.exists("out"), "something is left");
        output.stdout
    };
    for how in [("-INT", 130, "interrupted"), ("-TERM", 143, "terminated")] {
        // Nobody opens the pipe for writing.
        let report = stop(run(&["build", "pipe", "--output-format", "json"]), how);
        let report: Value = serde_json::from_slice(&report).expect("one whole document");
        assert_eq!(report["exit"]["name"], how.2);
        // Somebody does, and says half of something.
        let mut child = run(&["check", "-", "--output-format", "json"]);
        let mut input = child.stdin.take().expect("piped");
        input.write_all(rows(3).as_bytes()).expect("the run reads");
        let report = stop(child, how);
        let report: Value = serde_json::from_slice(&report).expect("one whole document");
        assert_eq!((&report["exit"]["name"], &report["findings"]), (&how.2.into(), &Value::Array(Vec::new())));
        drop(input);
        assert!(stop(run(&["inspect", "pipe", "--json"]), how).is_empty());
    }
}

/// Does not wait for a reader.
const O_NONBLOCK: i32 = if cfg!(target_os = "linux") { 0o4000 } else { 4 };

/// So it does for an address, a database and a command that never answer.
#[test]
fn whoever_never_answers_keeps_nobody_waiting() {
    let folder = Folder::new();
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    silent.set_nonblocking(true).expect("it does not wait");
    let port = silent.local_addr().expect("bound").port();
    assert!(Command::new("mkfifo").arg(folder.path("pipe")).status().expect("mkfifo runs").success());
    let project = |source: &str| format!("[source]\n{source}\n[[target]]\nname = \"openai\"\nspec = \"openai\"\n");
    folder.write("address.toml", project(&format!("path = \"http://127.0.0.1:{port}/catalog.csv\"\nallow_private = true")));
    folder.write("command.toml", project("command = [\"sh\", \"-c\", \"touch asked; exec cat pipe\"]"));
    folder.write(
        "database.toml",
        project(&format!("database = {{ url = \"postgres://shop@127.0.0.1:{port}/shop\", table = \"products\" }}")),
    );
    for (signal, code, name) in [("-INT", 130, "interrupted"), ("-TERM", 143, "terminated")] {
        for asks in ["address", "database", "command"].into_iter().filter(|asks| *asks != "database" || cfg!(feature = "database")) {
            let mut child = start(&folder, &["build", "--config", &format!("{asks}.toml"), "--output-format", "json"]);
            // A connection is kept open, and never answered.
            let mut connection = None;
            while connection.is_none() && !folder.exists("asked") {
                assert!(child.try_wait().expect("a child").is_none(), "{asks}: it ended");
                connection = silent.accept().ok();
            }
            send(signal, &child);
            let output = child.wait_with_output().expect("the program ends");
            let said = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(code), "{asks}: {said}");
            let report: Value = serde_json::from_slice(&output.stdout).expect("one whole document");
            assert_eq!(report["exit"]["name"], name, "{asks}");
            assert!(!said.contains("second signal") && !folder.exists("out"), "{asks}: {said}");
            if connection.is_none() {
                std::fs::remove_file(folder.path("asked")).expect("it was asked");
                // Nobody reads the pipe any more: the command ended too.
                let mut writer = std::fs::OpenOptions::new();
                let left = writer.write(true).custom_flags(O_NONBLOCK).open(folder.path("pipe"));
                assert!(left.is_err(), "the command goes on");
            }
        }
    }
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
