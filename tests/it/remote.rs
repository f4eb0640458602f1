//! Addresses and commands: whole or not at all, read once while nothing changes, and never a
//! way into the network that the catalog is read in.

use crate::support::{Folder, Run, SOUND, fixture};
use crate::web::{Asked, Web, answer};

fn build(folder: &Folder, url: &str, more: &[&str]) -> Run {
    let arguments = ["build", url, "--config", "none", "--format", "csv", "--state", "state", "--seller-name", "S"];
    folder.run(&[arguments.as_slice(), more].concat())
}

#[track_caller]
fn refused(web: &Web, path: &str, words: &str) {
    let folder = Folder::new();
    let run = build(&folder, &web.url(path), &["--allow-private"]);
    assert_eq!(run.code, 3, "{}{}", run.out, run.err);
    assert!(run.err.contains(words), "{}", run.err);
    assert!(!folder.exists("out/openai"));
}

#[test]
fn a_feed_that_has_not_changed_is_not_read_again() {
    let feed = std::fs::read(fixture("catalogs/conformance/google.rss.xml")).expect("a fixture");
    // Two records without a gtin and mpn are no errors here.
    let web = Web::new(move |asked| {
        if asked.header("if-none-match") == Some("\"v1\"") {
            return b"HTTP/1.1 304 Not Modified\r\nconnection: close\r\netag: \"v1\"\r\n\r\n".to_vec();
        }
        answer("200 OK", &["content-type: application/xml", "etag: \"v1\"", "last-modified: Sun, 01 Mar 2026 10:00:00 GMT"], &feed)
    });
    let folder = Folder::new();
    let url = web.url("/feed.xml?key=s3cret");
    let first = build(&folder, &url, &["--allow-private"]);
    assert_eq!(first.code, 0, "{}{}", first.out, first.err);
    assert!(
        !first.out.contains("s3cret") && !first.err.contains("s3cret") && !folder.read("out/openai/feed.manifest.json").contains("s3cret")
    );
    let before = folder.read("out/openai/feed.csv");
    let second = build(&folder, &url, &["--allow-private"]);
    assert_eq!(second.code, 0, "{}", second.err);
    assert!(second.out.contains("unchanged since Sun, 01 Mar 2026 10:00:00 GMT; nothing to do"), "{}", second.out);
    assert_eq!(web.asked().len(), 2);
    assert_eq!(folder.read("out/openai/feed.csv"), before);
    // Another setting, or a feed that is gone, and the catalog is read.
    let other = build(&folder, &url, &["--allow-private", "--set", "condition=new"]);
    assert!(other.code == 0 && !other.out.contains("unchanged"), "{}", other.out);
    std::fs::remove_file(folder.path("out/openai/feed.csv")).expect("there");
    let again = build(&folder, &url, &["--allow-private"]);
    assert!(again.code == 0 && folder.exists("out/openai/feed.csv"), "{}{}", again.out, again.err);
    assert_eq!(web.asked().iter().filter(|asked| asked.header("if-none-match").is_some()).count(), 1);
}

#[test]
fn a_body_that_is_cut_is_no_catalog() {
    let cut = |asked: &Asked| {
        let head = if asked.line.contains("chunked") {
            format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{:x}\r\n", SOUND.len() + 5)
        } else if asked.line.contains("billion") {
            "HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\n".to_owned()
        } else {
            // Neither a length nor chunks: only a plausible end would do.
            "HTTP/1.0 200 OK\r\n\r\n".to_owned()
        };
        [head.as_bytes(), SOUND.trim_end().as_bytes()].concat()
    };
    let web = Web::new(cut);
    refused(&web, "/chunked.csv", "the body was cut");
    refused(&web, "/billion.csv", "the body was cut");
    refused(&web, "/open.csv", "no line end");
}

#[test]
fn what_is_no_catalog() {
    let web = Web::new(|asked| match asked.line.split(' ').nth(1) {
        Some("/login") => answer("200 OK", &["content-type: text/html; charset=utf-8"], b"<html>Log in</html>"),
        Some("/page") => answer("200 OK", &["content-type: text/csv"], b"<!doctype html><html>Log in</html>"),
        Some("/huge") => b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999999\r\n\r\nid".to_vec(),
        Some("/loop") => answer("302 Found", &["location: /loop"], b""),
        Some("/file") => answer("302 Found", &["location: file:///etc/passwd"], b""),
        Some("/secret") => answer("401 Unauthorized", &[], b""),
        _ => answer("404 Not Found", &[], b""),
    });
    refused(&web, "/login", "a web page (`text/html; charset=utf-8`)");
    refused(&web, "/page", "an HTML page");
    refused(&web, "/huge", "raise `max_bytes`");
    refused(&web, "/loop", "redirects more than 5 times");
    refused(&web, "/file", "no scheme that is fetched");
    refused(&web, "/secret", "401 Unauthorized; it wants another login");
    refused(&web, "/gone", "404 Not Found; check the address");
}

#[test]
fn private_networks_are_closed() {
    let web = Web::new(|asked| match asked.line.split(' ').nth(1) {
        Some("/number") => answer("302 Found", &["location: http://10.0.0.1/inner"], b""),
        Some("/name") => answer("302 Found", &["location: http://localhost:1/inner"], b""),
        Some("/cloud") => answer("307 Temporary Redirect", &["location: http://169.254.169.254/latest/meta-data"], b""),
        _ => answer("200 OK", &[], SOUND.as_bytes()),
    });
    let folder = Folder::new();
    for url in [
        web.url("/feed.csv"),
        format!("http://localhost:{}/feed.csv", web.port),
        "http://169.254.169.254/latest".to_owned(),
        "http://[::ffff:10.0.0.1]/".to_owned(),
    ] {
        let run = build(&folder, &url, &[]);
        assert_eq!(run.code, 3, "{url}");
        assert!(run.err.contains("private network") && run.err.contains("--allow-private"), "{url}: {}", run.err);
    }
    assert!(web.asked().is_empty(), "nothing was asked");
    // The host that was named may be private; what it leads to may not.
    for path in ["/number", "/name", "/cloud"] {
        refused(&web, path, "private network");
    }
    assert_eq!(build(&folder, &web.url("/feed.csv"), &["--allow-private"]).code, 0);
}

#[test]
fn a_login_goes_to_the_server_that_was_named_alone() {
    let other = Web::new(|_| answer("200 OK", &[], SOUND.as_bytes()));
    let to = format!("location: {}", other.url("/moved.csv"));
    let web = Web::new(move |_| answer("307 Temporary Redirect", &[&to], b""));
    let folder = Folder::new();
    // What others can read is no secret, and is not sent.
    folder.write("token", "s3cret\n");
    folder.write(
        "feedmill.toml",
        format!("[source]\npath = \"{}\"\nallow_private = true\nauth = {{ token = {{ file = \"token\" }} }}\n", web.url("/feed.csv")),
    );
    let build = || folder.run(&["build", "--format", "csv", "--state", "state"]);
    let run = build();
    assert!(run.code == 2 && run.err.contains("chmod 600") && web.asked().is_empty(), "{} {}", run.code, run.err);
    folder.secret("token", "s3cret\n");
    let run = build();
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
    assert_eq!(web.asked()[0].header("authorization"), Some("Bearer s3cret"));
    let asked = other.asked();
    assert_eq!(asked.len(), 1);
    assert!(asked[0].headers.iter().all(|line| !line.contains("s3cret") && !line.starts_with("referer")), "{asked:?}");
    let typed = folder.run(&["check", "https://me:s3cret@shop.example/feed.csv", "--config", "none"]);
    assert!(typed.code == 2 && !typed.err.contains("s3cret"), "{}", typed.err);
}

#[test]
fn packed_bodies_and_platforms_with_two_passes() {
    let shop = std::fs::read(fixture("catalogs/shopify-theme-course.csv")).expect("a fixture");
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut encoder, &shop).expect("memory");
    let packed = encoder.finish().expect("memory");
    let web = Web::new(move |_| answer("200 OK", &["content-encoding: gzip"], &packed));
    let folder = Folder::new();
    let run = build(
        &folder,
        &web.url("/products"),
        &["--allow-private", "--currency", "USD", "--base-url", "https://shop.example", "--output-format", "json"],
    );
    assert_eq!(run.json()["input"][0]["preset"], "shopify", "{}", run.err);
    assert_eq!(web.asked().len(), 1, "fetched once, read twice");
}

fn command(folder: &Folder, source: &str) -> Run {
    folder.write("feedmill.toml", format!("[source]\n{source}\n"));
    folder.run(&["build", "--format", "csv"])
}

#[test]
fn a_command_counts_when_it_ends_well() {
    let folder = Folder::new();
    folder.write("shop.csv", SOUND);
    let run = command(&folder, "command = [\"cat\", \"shop.csv\"]");
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
    assert!(run.out.contains("command `cat`: csv"), "{}", run.out);
    std::fs::remove_dir_all(folder.path("out")).expect("there");
    for (source, words) in [
        ("command = [\"sh\", \"-c\", \"cat shop.csv; echo no more >&2; exit 4\"]", "exit status: 4; it says: no more"),
        ("command = [\"no-such-program-here\"]", "cannot be started"),
        ("command = [\"sh\", \"-c\", \"kill -9 $$\"]", "signal: 9"),
        ("command = [\"true\"]", "the file is empty"),
        ("command = [\"yes\"]\nmax_bytes = 100000", "raise `max_bytes`"),
    ] {
        let run = command(&folder, source);
        assert_eq!(run.code, 3, "{source}: {}", run.out);
        assert!(run.err.contains(words), "{source}: {}", run.err);
        assert!(!folder.exists("out/openai"), "{source}");
    }
    let begun = feedmill::clock::now();
    let run = command(&folder, "command = [\"sleep\", \"600\"]\ntimeout = 1");
    assert!(run.code == 3 && run.err.contains("stopped after 1 s"), "{}", run.err);
    assert!(begun.elapsed().as_secs() < 60);
    let both = command(&folder, "command = [\"true\"]\npath = \"shop.csv\"");
    assert!(both.code == 2 && both.err.contains("exactly one of"), "{}", both.err);
}
