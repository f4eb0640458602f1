//! The usual variables name a proxy: what leaves this machine takes it, what stays does not.

use super::stand::{HTTPS, Stand};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

/// A proxy that carries nothing, and notes what it was asked.
fn proxy() -> (u16, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let asked: Arc<Mutex<Vec<String>>> = Arc::default();
    let heard = Arc::clone(&asked);
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut head = Vec::new();
            let mut byte = [0];
            while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|read| read == 1) {
                head.push(byte[0]);
            }
            heard.lock().expect("sound").push(String::from_utf8_lossy(&head).into_owned());
            stream.write_all(b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n").unwrap_or_default();
        }
    });
    (port, asked)
}

#[test]
fn the_usual_variables_are_honoured() {
    let (port, asked) = proxy();
    let address = format!("http://me:canary4711@127.0.0.1:{port}");
    let stand = Stand::built(&HTTPS, 3, &[]);
    let push = |variables: &[(&str, &str)]| {
        let run = stand.folder.run_in(variables, &["push", "--full", "--state", "state/state.sqlite"], b"");
        assert!(!run.out.contains("canary") && !run.err.contains("canary"), "{}{}", run.out, run.err);
        run
    };
    // The sandbox is on this machine.
    assert_eq!(push(&[("HTTPS_PROXY", &address), ("HTTP_PROXY", &address), ("ALL_PROXY", &address)]).code, 0);
    assert!(asked.lock().expect("sound").is_empty());
    let settings = stand.folder.read("feedmill.toml");
    let base = format!("http://{}/", stand.sandbox().address());
    stand.folder.write("feedmill.toml", settings.replace(&base, "https://shop.invalid/").replace("retry = {", "retry = { attempts = 1,"));
    let run = push(&[("HTTPS_PROXY", &address)]);
    assert_eq!(run.code, 5, "{}{}", run.out, run.err);
    {
        let asked = asked.lock().expect("sound");
        assert_eq!(asked.len(), 1);
        assert!(
            asked[0].starts_with("CONNECT shop.invalid:443 ") && asked[0].to_lowercase().contains("proxy-authorization: basic"),
            "{}",
            asked[0]
        );
    }
    // Nobody has that name, so nothing is reached, and nobody is asked.
    assert_eq!(push(&[("HTTPS_PROXY", &address), ("NO_PROXY", "other.invalid, .invalid")]).code, 5);
    assert_eq!(asked.lock().expect("sound").len(), 1);
    let run = push(&[("HTTPS_PROXY", "http://canary4711:80:80/")]);
    assert!(run.code == 2 && run.out.contains("HTTPS_PROXY is no address"), "{} {}", run.code, run.out);
}
