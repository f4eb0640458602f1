//! A marked secret in every place where a secret can stand is found nowhere else.

use super::stand::{CANARY, HTTPS, IMPORTS, SETS, Stand};
use std::io::{Read, Write};
use std::path::Path;
use std::sync::{Arc, Mutex};

fn search(folder: &Path, needle: &[u8], found: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).expect("readable") {
        let path = entry.expect("readable").path();
        if path.is_dir() {
            search(&path, needle, found);
        } else if path.file_name().is_some_and(|name| name != "key") {
            let bytes = std::fs::read(&path).expect("readable");
            if bytes.windows(needle.len()).any(|window| window == needle) {
                found.push(path.display().to_string());
            }
        }
    }
}

#[test]
fn the_canary_is_found_nowhere() {
    for way in [IMPORTS, SETS, HTTPS] {
        for fault in ["", "POST *: 400", "POST *: 403", "* *: 503", "* *: reset", "GET *: body-failed", "* *: cut"] {
            let faults: Vec<&str> = if fault.is_empty() { Vec::new() } else { vec![fault] };
            let stand = Stand::built(&way, 3, &faults);
            for arguments in
                [&["push"][..], &["push", "--dry-run"], &["push", "--output-format", "json"], &["status", "--json"], &["history"], &["run"]]
            {
                let run = stand.run(arguments);
                assert!(!run.out.contains("canary") && !run.err.contains("canary"), "{fault} {arguments:?}: {}{}", run.out, run.err);
            }
            let mut found = Vec::new();
            search(&stand.folder.path(""), CANARY.as_bytes(), &mut found);
            assert!(found.is_empty(), "{fault}: {found:?}");
        }
    }
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
