//! `doctor`: what it finds, how it ends, and that it changes and tells nothing it should not.

use crate::support::{Folder, Run, SOUND};
use serde_json::Value;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::time::{Duration, SystemTime};

/// A project that is well, with these further lines in its file.
fn project(more: &str) -> Folder {
    let folder = Folder::new();
    folder.write("catalog.csv", SOUND);
    folder.write("feedmill.toml", format!("[source]\npath = \"catalog.csv\"\n\n{more}"));
    folder
}

const TO_A_FOLDER: &str = "[[target]]\nname = \"shop\"\nspec = \"openai\"\ndeliver = { folder = \"web\" }\n";

fn ask(folder: &Folder, variables: &[(&str, &str)], more: &[&str]) -> Run {
    let clean = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy"].map(|name| (name, ""));
    let variables = [&clean[..], variables].concat();
    folder.run_in(&variables, &[&["doctor", "--state", "state", "--output-format", "json"], more].concat(), b"")
}

/// How something is, and what is said of it.
fn found(told: &Value, area: &str, name: &str) -> (String, String) {
    let checks = told["checks"].as_array().expect("a list");
    let of = |check: &&Value| check["area"] == area && check["name"] == name;
    // The last word on a target counts.
    let check = checks.iter().rfind(of).unwrap_or_else(|| panic!("no {area} {name}: {told}"));
    let text = |key: &str| check[key].as_str().unwrap_or("").to_owned();
    (text("status"), format!("{} {}", text("message"), text("hint")))
}

fn status(told: &Value, area: &str, name: &str) -> String {
    found(told, area, name).0
}

#[test]
fn a_project_that_is_well_is_told_so_and_left_as_it_is() {
    let folder = project(TO_A_FOLDER);
    let before = folder.files("");
    let run = ask(&folder, &[], &[]);
    assert_eq!((run.code, run.err.as_str()), (0, ""));
    let told = run.json();
    assert_eq!(told["schema"], "feedmill.doctor/1");
    assert_eq!(told["exit"], serde_json::json!({ "code": 0, "name": "done" }));
    let (state, said) = found(&told, "program", "feedmill");
    assert!(state == "ok" && said.starts_with(env!("CARGO_PKG_VERSION")) && said.contains("parquet"), "{said}");
    for (area, name, wanted) in [
        ("project", "feedmill.toml", "1 target"),
        ("sources", "catalog.csv", "written"),
        ("mapping", "catalog.csv", "csv, UTF-8, read as openai-feed, 9 columns"),
        ("state", "folder", "which will be made in"),
        ("state", "lock", "free"),
        ("targets", "shop", "can be written"),
        ("machine", "clock", "Z"),
        ("machine", "feeds", "can be written"),
        ("machine", "temporary files", "can be written"),
        ("machine", "proxy", "none"),
    ] {
        let (state, said) = found(&told, area, name);
        assert!(state == "ok" && said.contains(wanted), "{area} {name}: {state}: {said}");
    }
    // Before the first push there is nothing to remember.
    assert_eq!(status(&told, "state", "file"), "warn");
    assert_eq!((told["summary"]["warn"].as_u64(), told["summary"]["fail"].as_u64()), (Some(1), Some(0)));
    assert_eq!(folder.files(""), before, "nothing is made");
    // A push leaves a state, which is sound.
    assert_eq!(folder.run(&["build", "--quiet"]).code, 0);
    assert_eq!(folder.run(&["push", "--state", "state", "--quiet"]).code, 0);
    let told = ask(&folder, &[], &[]).json();
    let (state, said) = found(&told, "state", "file");
    assert!(state == "ok" && said.contains("sound"), "{said}");
    assert_eq!(told["summary"]["warn"], 0);
    for (area, name) in [("state", "folder"), ("machine", "feeds"), ("targets", "shop")] {
        assert!(!found(&told, area, name).1.contains("will be made"), "{area} {name} is there now");
    }
    let run = folder.run(&["doctor", "--state", "state"]);
    assert!(run.code == 0 && run.out.contains("\n  ok    lock") && run.out.ends_with("0 warnings, 0 failures\n"), "{}", run.out);
}

#[test]
fn what_fails_has_the_exit_code_of_the_run_that_would() {
    let folder = project("");
    std::fs::remove_file(folder.path("catalog.csv")).expect("removed");
    let run = ask(&folder, &[], &[]);
    assert_eq!((run.code, status(&run.json(), "sources", "catalog.csv").as_str()), (3, "fail"));
    folder.write("catalog.csv", "");
    assert_eq!(ask(&folder, &[], &[]).code, 3);
    folder.write("feedmill.toml", "[source]\npath = \"*.xml\"\n");
    assert_eq!(ask(&folder, &[], &[]).code, 3, "no file matches");

    // What cannot be read of the settings does not keep the machine from being looked at.
    let folder = project("[[targets]]\n");
    let run = ask(&folder, &[], &[]);
    let told = run.json();
    assert_eq!((run.code, status(&told, "machine", "clock").as_str()), (2, "ok"));
    assert!(found(&told, "project", "feedmill.toml").1.contains("did you mean `target`?"));

    let folder = project("[map]\nbrand = \"Marke\"\n");
    let run = ask(&folder, &[], &[]);
    let (state, said) = found(&run.json(), "mapping", "[map]");
    assert!(run.code == 2 && state == "fail" && said.contains("Marke"), "{said}");
    assert_eq!(ask(&project("[check.severity]\n\"gtin/nonsense\" = \"off\"\n"), &[], &[]).code, 2);
    assert_eq!(ask(&project("[[target]]\nname = \"x\"\nspec = \"openay\"\n"), &[], &[]).code, 2);
    assert_eq!(ask(&project(TO_A_FOLDER), &[], &["nobody"]).code, 2);
    assert_eq!(ask(&project(""), &[], &["--config", "none.toml"]).code, 2);

    let folder = project(TO_A_FOLDER);
    folder.write("out", "no folder");
    let run = ask(&folder, &[], &[]);
    assert_eq!((run.code, status(&run.json(), "machine", "feeds").as_str()), (12, "fail"));
    let folder = project(TO_A_FOLDER);
    folder.write("state/state.sqlite", "no database, but long enough to look like one");
    let run = ask(&folder, &[], &[]);
    assert_eq!((run.code, status(&run.json(), "state", "file").as_str()), (12, "fail"));

    // Without a project file there is nothing to fail.
    let folder = Folder::new();
    let run = ask(&folder, &[], &[]);
    assert_eq!((run.code, status(&run.json(), "project", "feedmill.toml").as_str()), (0, "warn"));
}

#[cfg(unix)]
#[test]
fn credentials_are_tried_and_never_told() {
    use std::os::unix::fs::PermissionsExt;
    let stripe = |key: &str| {
        format!("[[target]]\nname = \"pay\"\nspec = \"stripe\"\ndeliver = {{ stripe = \"v2\", mode = \"test\", key = {key} }}\n")
    };
    let canary = "sk_test_canary81727";
    let variables =
        [("THE_KEY", canary), ("HTTPS_PROXY", "http://me:canary81727@127.0.0.1:9"), ("THE_BEAT", "http://127.0.0.1:9/canary81727")];
    let check = |folder: &Folder, more: &[&str]| {
        let run = ask(folder, &variables, more);
        let human = folder.run_in(&variables, &[&["doctor", "--state", "state"], more].concat(), b"");
        for text in [&run.out, &run.err, &human.out, &human.err] {
            assert!(!text.contains("canary81727"), "{text}");
        }
        assert_eq!(run.code, human.code);
        (run.code, found(&run.json(), "targets", "pay"))
    };
    let folder = project(&stripe("{ env = \"THE_KEY\" }"));
    let (code, (state, said)) = check(&folder, &[]);
    assert!(code == 0 && state == "ok" && said.contains("mode test"), "{said}");
    assert!(found(&ask(&folder, &variables, &[]).json(), "machine", "proxy").1.contains("go through 127.0.0.1:9 (`HTTPS_PROXY`)"));
    let (code, (state, said)) = check(&project(&stripe("{ env = \"NO_KEY\" }")), &[]);
    assert!(code == 2 && state == "fail" && said.contains("`NO_KEY` is not set"), "{said}");
    // A key for another mode, a key that others can read, one that is not there.
    assert_eq!(check(&project(&stripe("{ env = \"THE_KEY\" }").replace("\"test\"", "\"live\"")), &[]).0, 2);
    let folder = project(&stripe("{ file = \"key\" }"));
    assert_eq!(check(&folder, &[]).0, 2);
    folder.secret("key", canary);
    assert_eq!(check(&folder, &[]).0, 0);
    std::fs::set_permissions(folder.path("key"), PermissionsExt::from_mode(0o644)).expect("mode");
    let (code, (_, said)) = check(&folder, &[]);
    assert!(code == 2 && said.contains("chmod 600"), "{said}");
    // The proxy is asked for what is not on this machine, and its password is not told.
    let away = stripe("{ env = \"THE_KEY\" }").replace("stripe = \"v2\"", "stripe = \"v2\", api_base = \"https://api.example.invalid\"");
    let (code, (state, _)) = check(&project(&away), &["--online"]);
    assert_eq!((code, state.as_str()), (5, "fail"));
    let beat = stripe("{ env = \"THE_KEY\" }") + "heartbeat = { env = \"THE_BEAT\" }\n";
    let (code, (state, said)) = check(&project(&beat), &[]);
    assert!(code == 0 && state == "ok" && said.contains("heartbeat"), "{said}");
}

/// Somebody who answers each caller the same, and tells what was asked.
fn answering(answer: &'static str) -> (u16, std::sync::mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("bound").port();
    let (told, heard) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for connection in listener.incoming() {
            let Ok(mut connection) = connection else { return };
            let mut asked = [0; 2048];
            // An SSH server speaks first.
            let length = if answer.starts_with("HTTP") { connection.read(&mut asked).unwrap_or(0) } else { 0 };
            let _gone = connection.write_all(answer.as_bytes());
            if told.send(String::from_utf8_lossy(&asked[..length]).into_owned()).is_err() {
                return;
            }
        }
    });
    (port, heard)
}

#[test]
fn others_are_asked_on_request_only_and_told_nothing() {
    let target = |port: u16| {
        format!(
            "[[target]]\nname = \"agent\"\nspec = \"acp\"\ndeliver = {{ acp = \"http://127.0.0.1:{port}/secret-path\", key = {{ env = \"THE_KEY\" }} }}\n"
        )
    };
    let key = [("THE_KEY", "canary81727")];
    let (port, heard) = answering("HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    let folder = project(&target(port));
    assert_eq!(ask(&folder, &key, &[]).code, 0);
    assert!(heard.try_recv().is_err(), "nobody was asked");
    let run = ask(&folder, &key, &["--online"]);
    let (state, said) = found(&run.json(), "targets", "agent");
    assert!(run.code == 0 && state == "ok" && said.contains(&format!("http://127.0.0.1:{port} answers")), "{said}");
    let asked = heard.recv_timeout(Duration::from_secs(10)).expect("asked");
    assert!(asked.starts_with("HEAD / HTTP/1.1\r\n") && !asked.contains("canary81727") && !asked.contains("secret-path"), "{asked}");

    let (port, _heard) = answering("HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    let run = ask(&project(&target(port)), &key, &["--online"]);
    assert_eq!((run.code, status(&run.json(), "targets", "agent").as_str()), (0, "warn"));
    let old = "HTTP/1.1 200 OK\r\ndate: Thu, 01 Jan 2015 00:00:00 GMT\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    let (port, _heard) = answering(old);
    let (state, said) = found(&ask(&project(&target(port)), &key, &["--online"]).json(), "targets", "agent");
    assert!(state == "warn" && said.contains("s ahead of its clock"), "{said}");
    let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port").port();
    let run = ask(&project(&target(free)), &key, &["--online"]);
    assert_eq!((run.code, status(&run.json(), "targets", "agent").as_str()), (5, "fail"));
}

#[test]
fn an_ssh_server_greets_and_a_source_is_asked_for_its_head() {
    let sftp = |port: u16| {
        format!(
            "[[target]]\nname = \"drop\"\nspec = \"openai\"\ndeliver = {{ sftp = \"sftp://me@127.0.0.1:{port}/\", password = {{ env = \"THE_KEY\" }}, \
             host_key = \"SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU\" }}\n"
        )
    };
    let key = [("THE_KEY", "canary81727")];
    let (port, _heard) = answering("SSH-2.0-OpenSSH_9.9\r\n");
    let run = ask(&project(&sftp(port)), &key, &["--online"]);
    let (state, said) = found(&run.json(), "targets", "drop");
    assert!(run.code == 0 && state == "ok" && said.contains("SSH-2.0-OpenSSH_9.9"), "{said}");
    let (port, _heard) = answering("220 mail.example ESMTP\r\n");
    assert_eq!(ask(&project(&sftp(port)), &key, &["--online"]).code, 5);

    let (port, heard) =
        answering("HTTP/1.1 200 OK\r\ncontent-type: text/csv\r\ncontent-length: 4000000\r\nconnection: close\r\n\r\nitem_id,title\n");
    let folder = Folder::new();
    folder.write("feedmill.toml", format!("[source]\npath = \"http://127.0.0.1:{port}/feed.csv?key=canary81727\"\nallow_private = true\n"));
    let run = ask(&folder, &[], &[]);
    assert!(run.code == 0 && heard.try_recv().is_err() && !run.out.contains("canary81727"));
    let run = ask(&folder, &[], &["--online"]);
    let (state, said) = found(&run.json(), "sources", &format!("http://127.0.0.1:{port}/feed.csv"));
    assert!(run.code == 0 && state == "ok" && said.contains("4.0 MB") && !run.out.contains("canary81727"), "{said}");
    folder.write("feedmill.toml", format!("[source]\npath = \"http://127.0.0.1:{port}/feed.csv\"\n"));
    assert_eq!(ask(&folder, &[], &["--online"]).code, 3, "a run would not be led into a private network");
}

#[test]
fn an_old_source_and_a_held_lock_are_worth_a_word() {
    let folder = project(TO_A_FOLDER);
    let set = |ago: i64| {
        let file = std::fs::File::options().write(true).open(folder.path("catalog.csv")).expect("there");
        let now = SystemTime::from(feedmill::clock::timestamp());
        let span = Duration::from_secs(ago.unsigned_abs());
        file.set_modified(if ago < 0 { now + span } else { now - span }).expect("set");
    };
    set(3 * 86_400);
    let run = ask(&folder, &[], &[]);
    let (state, said) = found(&run.json(), "sources", "catalog.csv");
    assert!(run.code == 0 && state == "warn" && said.contains("3 days ago"), "{said}");
    assert_eq!(status(&ask(&folder, &[], &["--max-age", "4d"]).json(), "sources", "catalog.csv"), "ok");
    set(-3600);
    assert!(found(&ask(&folder, &[], &[]).json(), "sources", "catalog.csv").1.contains("later than now"));

    folder.write("state/state.lock", "");
    let held = feedmill::state::Lock::take(&folder.path("state/state.lock"), jiff::Timestamp::UNIX_EPOCH).expect("free");
    let run = ask(&folder, &[], &[]);
    let (state, said) = found(&run.json(), "state", "lock");
    assert!(run.code == 0 && state == "warn" && said.contains(&format!("process {}", std::process::id())), "{said}");
    drop(held);
    assert_eq!(status(&ask(&folder, &[], &[]).json(), "state", "lock"), "ok");
}
