//! A marked secret in every place where a secret can stand is found nowhere else.

#[cfg(all(unix, feature = "sftp"))]
use super::sshd::{Server, Serves};
use super::stand::{ACP, ADS, CANARY, HTTPS, IMPORTS, PRODUCT_FEEDS, PROMOTIONS, SETS, Stand};
use crate::support::Folder;
use std::io::{Read, Write};
use std::path::Path;
use std::sync::{Arc, Mutex};

fn search(folder: &Path, needle: &[u8], found: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).expect("readable") {
        let path = entry.expect("readable").path();
        if path.is_dir() {
            search(&path, needle, found);
        } else if path.file_name().is_some_and(|name| !PLACES.iter().any(|place| name == *place)) {
            let bytes = std::fs::read(&path).expect("readable");
            if bytes.windows(needle.len()).any(|window| window == needle) {
                found.push(path.display().to_string());
            }
        }
    }
}

/// Files in which a test puts secrets: a key, a password, the key of a client, and the project
/// file, whose addresses may hold a login.
const PLACES: [&str; 4] = ["key", "password", "client", "feedmill.toml"];

/// Every command that could say something of a delivery.
const COMMANDS: [&[&str]; 9] = [
    &["push"],
    &["push", "--dry-run"],
    &["push", "--full", "--output-format", "json"],
    &["run"],
    &["status", "--json"],
    &["errors"],
    &["history", "--json"],
    &["verify"],
    &["push", "--sandbox"],
];

/// Runs every command and looks for the needle in everything said and left.
fn is_found_nowhere(folder: &Folder, variables: &[(&str, &str)], needle: &str, place: &str) -> usize {
    for command in COMMANDS {
        let mut arguments = command.to_vec();
        arguments.extend(["--state", "state/state.sqlite"]);
        let run = folder.run_in(variables, &arguments, b"");
        assert_ne!(run.code, 101, "{place} {command:?}: {}{}", run.out, run.err);
        assert!(!run.out.contains(needle) && !run.err.contains(needle), "{place} {command:?}: {}{}", run.out, run.err);
    }
    let mut found = Vec::new();
    search(&folder.path(""), needle.as_bytes(), &mut found);
    assert!(found.is_empty(), "{place}: {found:?}");
    COMMANDS.len()
}

#[test]
fn the_canary_is_found_nowhere() {
    let mut runs = 0;
    for way in [IMPORTS, SETS, HTTPS, ACP, PRODUCT_FEEDS, PROMOTIONS, ADS] {
        for fault in ["", "* *: 400", "* *: 403", "* *: 503", "* *: reset", "GET *: body-failed", "* *: cut"] {
            let faults: Vec<&str> = if fault.is_empty() { Vec::new() } else { vec![fault] };
            let stand = Stand::built(&way, 3, &faults);
            runs += is_found_nowhere(&stand.folder, &[], CANARY, &format!("{} {fault}", way.name));
        }
    }
    // Wherever else a secret can stand.
    let places = [
        ("key = { file = \"key\" }", "key = { env = \"SHOP_KEY\" }"),
        ("key = { file = \"key\" }", "key = { command = [\"cat\", \"key\"] }"),
        ("key = { file = \"key\" }", "key = { command = [\"sh\", \"-c\", \"cat key; cat key >&2; exit 1\"] }"),
        ("token = { file = \"key\" }", "headers = { x-api-key = { file = \"key\" } }"),
        ("token = { file = \"key\" }", "headers = { x-api-key = { env = \"SHOP_KEY\" } }"),
        ("http://127.0.0.1", "http://me:sk_test_canary4711@127.0.0.1"),
        ("/https/openai", "/https/openai?token=sk_test_canary4711"),
    ];
    for way in [IMPORTS, HTTPS, ACP] {
        for (from, to) in places {
            for fault in ["", "POST *: 400"] {
                let faults: Vec<&str> = if fault.is_empty() { Vec::new() } else { vec![fault] };
                let stand = Stand::built(&way, 3, &faults);
                let settings = stand.folder.read("feedmill.toml");
                let changed = settings.replace(from, to);
                if changed != settings {
                    stand.folder.write("feedmill.toml", changed);
                    runs += is_found_nowhere(&stand.folder, &[("SHOP_KEY", CANARY)], CANARY, &format!("{} {to} {fault}", way.name));
                }
            }
        }
    }
    println!("the canary was found nowhere in {runs} runs and what they left");
}

/// A secret header arrives all the same.
#[test]
fn a_secret_header_is_sent_and_not_shown() {
    let stand = Stand::built(&HTTPS, 3, &[]);
    let settings = stand.folder.read("feedmill.toml");
    stand.folder.write(
        "feedmill.toml",
        settings.replace("accepted =", "headers = { x-api-key = { file = \"key\" }, x-shop = \"north\" }, accepted ="),
    );
    let run = stand.run(&["push", "--dry-run"]);
    assert!(run.out.contains("x-api-key: ***") && run.out.contains("x-shop: north") && !run.out.contains("canary"), "{}", run.out);
    let run = stand.push();
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
}

#[cfg(all(unix, feature = "sftp"))]
#[test]
fn the_canary_of_sftp_is_found_nowhere() {
    let Some(mut server) = Server::start(Serves::Itself("")) else { return };
    server.folder.secret("password", CANARY);
    let pinned = server.keys();
    server.project(&pinned);
    server.folder.run(&["build"]);
    // A line in the middle of the private key.
    let key = server.folder.read("client");
    let line = key.lines().nth(2).expect("a line").to_owned();
    let mut runs = 0;
    let password = |how: &str| pinned.replace("key_file = \"client\"", how);
    for keys in [
        pinned.clone(),
        format!("{pinned}, passphrase = {{ file = \"password\" }}"),
        password("password = { file = \"password\" }"),
        password("password = { env = \"SHOP_KEY\" }"),
        password("password = { command = [\"cat\", \"password\"] }"),
        pinned.replace("SHA256:", "SHA256:other"),
    ] {
        server.project(&keys);
        for needle in [CANARY, &line] {
            runs += is_found_nowhere(&server.folder, &[("SHOP_KEY", CANARY)], needle, &keys);
        }
    }
    // A key that is none, and a password where none belongs.
    server.project(&pinned);
    server.folder.secret("client", &key.replace(&line, CANARY));
    runs += is_found_nowhere(&server.folder, &[], CANARY, "a broken key");
    let settings = server.folder.read("feedmill.toml");
    server.folder.write("feedmill.toml", settings.replace("sftp://", &format!("sftp://me:{CANARY}@")));
    runs += is_found_nowhere(&server.folder, &[], CANARY, "a login in the address");
    server.folder.write("feedmill.toml", settings);
    server.end();
    runs += is_found_nowhere(&server.folder, &[], CANARY, "nobody there");
    println!("the canary was found nowhere in {runs} runs and what they left");
}

#[test]
fn a_key_of_the_other_mode_or_that_others_can_read_sends_nothing() {
    let stand = Stand::built(&IMPORTS, 3, &[]);
    let settings = stand.folder.read("feedmill.toml");
    stand.folder.write("feedmill.toml", settings.replace("mode = \"test\"", "mode = \"live\""));
    let run = stand.push();
    assert!(run.code == 2 && run.out.contains("test key") && !run.out.contains("canary"), "{}", run.out);
    stand.folder.write("feedmill.toml", settings);
    #[cfg(unix)]
    {
        std::fs::set_permissions(stand.folder.path("key"), std::os::unix::fs::PermissionsExt::from_mode(0o644)).expect("mode");
        let run = stand.push();
        assert!(run.code == 2 && run.out.contains("chmod 600"), "{}", run.out);
    }
    assert_eq!(stand.exchanges().len(), 0);
}

#[test]
fn a_redirect_to_another_origin_gets_no_body() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let seen: Arc<Mutex<Vec<u8>>> = Arc::default();
    let bytes = Arc::clone(&seen);
    let thread = std::thread::spawn(move || {
        let Ok((mut stream, _)) = listener.accept() else { return };
        let mut buffer = [0; 4096];
        while let Ok(read) = stream.read(&mut buffer) {
            if read == 0 {
                break;
            }
            bytes.lock().expect("sound").extend_from_slice(&buffer[..read]);
        }
    });
    let fault = format!("PUT *: 307 location=http://{address}/elsewhere");
    let stand = Stand::built(&IMPORTS, 3, &[&fault]);
    let run = stand.push();
    assert!(run.code == 7 && run.out.contains("redirects are not followed"), "{} {}", run.code, run.out);
    // Lets the listener go; it has heard nothing before this.
    std::net::TcpStream::connect(address).expect("listening").write_all(b"end").expect("written");
    thread.join().expect("ended");
    assert_eq!(seen.lock().expect("sound").as_slice(), b"end");
}
