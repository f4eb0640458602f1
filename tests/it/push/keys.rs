//! Keys of every kind, of ours and of the host, against OpenSSH's own server; and a server that has
//! keys, and no SFTP.

use super::sshd::{Server, Serves, make_key};

const PASSPHRASE: &str = "canary of a passphrase";

/// Pushes with a key of ours.
fn push(server: &Server, key: &str, more: &str) -> crate::support::Run {
    server.project(&format!("key_file = \"{key}\", host_key = \"{}\"{more}", server.fingerprint()));
    server.run(&["push", "--full"])
}

#[test]
fn keys_of_every_kind_let_us_in_and_sign_with_sha_2() {
    let Some(mut server) = Server::start(Serves::Itself("")) else { return };
    let kinds: [(&str, &[&str], &str); 8] = [
        ("ecdsa", &["-t", "ecdsa", "-b", "384"], ""),
        ("ed25519-locked", &["-t", "ed25519"], PASSPHRASE),
        ("rsa", &["-t", "rsa", "-b", "2048"], ""),
        ("rsa-large", &["-t", "rsa", "-b", "4096"], ""),
        ("rsa-pem", &["-t", "rsa", "-b", "3072", "-m", "PEM"], ""),
        ("rsa-pkcs8", &["-t", "rsa", "-b", "2048", "-m", "PKCS8"], ""),
        ("rsa-locked", &["-t", "rsa", "-b", "2048"], PASSPHRASE),
        ("rsa-pkcs8-locked", &["-t", "rsa", "-b", "2048", "-m", "PKCS8"], PASSPHRASE),
    ];
    let mut known = String::new();
    for (name, kind, passphrase) in kinds {
        make_key(&server.folder, name, kind, passphrase).expect("installed");
        known.push_str(&server.folder.read(&format!("{name}.pub")));
    }
    server.folder.write("authorized_keys", known);
    server.folder.secret("passphrase", PASSPHRASE);
    server.folder.secret("other", "canary of another");
    server.project(&server.keys());
    server.folder.run(&["build"]);
    for (name, _, passphrase) in kinds {
        let words = |file: &str| format!(", passphrase = {{ file = \"{file}\" }}");
        let more = if passphrase.is_empty() { String::new() } else { words("passphrase") };
        let run = push(&server, name, &more);
        assert_eq!(run.code, 0, "{name}: {}{}\n{}", run.out, run.err, server.folder.read("sshd.log"));
        if !passphrase.is_empty() {
            let without = push(&server, name, "");
            assert!(without.code == 2 && without.out.contains("passphrase"), "{name}: {} {}", without.code, without.out);
            let wrong = push(&server, name, &words("other"));
            assert!(wrong.code == 2 && wrong.out.contains("another passphrase"), "{name}: {} {}", wrong.code, wrong.out);
            assert!([run, without, wrong].iter().all(|run| !format!("{}{}", run.out, run.err).contains("canary")));
        }
    }
    // What a server takes is what it is given, and SHA-1 is given to nobody.
    let mut algorithms = "LogLevel".to_owned();
    for (taken, code) in [("rsa-sha2-512", 0), ("rsa-sha2-256", 0), ("ssh-rsa", 6)] {
        let now = format!("PubkeyAcceptedAlgorithms {taken}\nLogLevel");
        server.change(&algorithms, &now);
        algorithms = now;
        let run = push(&server, "rsa", "");
        assert_eq!(run.code, code, "{taken}: {}{}", run.out, run.err);
        assert!(code == 0 || run.out.contains("never with SHA-1") && run.out.contains("ssh-keygen -t ed25519"), "{}", run.out);
    }
    make_key(&server.folder, "short", &["-t", "rsa", "-b", "1024"], "").expect("installed");
    let run = push(&server, "short", "");
    assert!(run.code == 2 && run.out.contains("1024 bits") && run.out.contains("ssh-keygen -t ed25519"), "{} {}", run.code, run.out);
}

#[test]
fn a_host_may_have_a_key_of_rsa_and_proves_it_with_sha_2() {
    let Some(mut server) = Server::start(Serves::Itself("")) else { return };
    make_key(&server.folder, "host-rsa", &["-t", "rsa", "-b", "3072"], "").expect("installed");
    let (own, rsa) = (server.folder.path("host").display().to_string(), server.folder.path("host-rsa").display().to_string());
    server.change(&format!("HostKey {own}\n"), &format!("HostKey {rsa}\n"));
    server.folder.write("known_hosts", server.known("host-rsa.pub"));
    server.project("key_file = \"client\", known_hosts = \"known_hosts\"");
    server.folder.run(&["build"]);
    let run = server.push();
    assert_eq!(run.code, 0, "{}{}\n{}", run.out, run.err, server.folder.read("sshd.log"));
    server.project(&format!("key_file = \"client\", host_key = \"{}\"", server.fingerprint_of("host-rsa.pub")));
    let pinned = ["push", "--full"];
    assert_eq!(server.run(&pinned).code, 0);
    server.change("LogLevel", "HostKeyAlgorithms ssh-rsa\nLogLevel");
    let run = server.run(&pinned);
    assert!(run.code == 7 && run.out.contains("ssh-rsa"), "a proof that anybody may forge: {} {}", run.code, run.out);
}

#[test]
fn a_server_without_sftp_refuses_for_good() {
    let Some(mut server) = Server::start(Serves::Itself("")) else { return };
    server.project(&server.keys());
    server.folder.run(&["build"]);
    server.change("Subsystem sftp internal-sftp\n", "");
    let run = server.push();
    assert!(run.code == 7 && run.out.contains("has no SFTP (subsystem `sftp`)"), "{} {}", run.code, run.out);
    let log = server.folder.read("sshd.log");
    assert_eq!(log.matches("Accepted publickey").count(), 1, "it is asked once: {log}");
}
