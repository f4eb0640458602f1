//! SFTP against OpenSSH's own server: a real export, and who is let in and who is trusted.

use super::sshd::{Server, Serves, sound_catalog};
use crate::support::fixture;

#[test]
fn a_real_export_takes_its_name_whole() {
    for serves in [Serves::Itself(""), Serves::Relay] {
        let Some(server) = Server::start(serves) else { return };
        server.project(&server.keys());
        let folder = &server.folder;
        let shop = "[source]\npath = \"catalog.csv\"\n[defaults]\ncurrency = \"USD\"\nbase_url = \"https://shop.example\"\n\
                    seller_name = \"Northline\"\n";
        let settings = folder.read("feedmill.toml").replace("[source]\npath = \"catalog.csv\"\n", shop);
        folder.write("feedmill.toml", settings.replace("\"jsonl\"", "\"jsonl.gz\""));
        folder.write("catalog.csv", std::fs::read(fixture("catalogs/shopify-gatsby-starter.csv")).expect("a fixture"));
        // What an earlier, larger feed and a cut transfer left, and what is none of ours.
        folder.write("incoming/feed-0001-of-0002.jsonl.gz", "old shard");
        folder.write("incoming/.feed.jsonl.gz.0123456789ab.feedmill-part", "cut");
        folder.write("incoming/status.json", "theirs");
        folder.write("incoming/.acme-feed.jsonl.gz.0123456789ab.feedmill-part", "another brand's");
        folder.write("incoming/feed.jsonl.gz", "old");
        let first = server.run(&["run"]);
        assert_eq!(first.code, 0, "{}{}\n{}", first.out, first.err, folder.read("sshd.log"));
        assert!(first.out.contains("299 items (+299 ~0 -0)"), "{}", first.out);
        let names = [".acme-feed.jsonl.gz.0123456789ab.feedmill-part", "feed.jsonl.gz", "status.json"];
        assert_eq!(folder.files("incoming"), names);
        let bytes = |name: &str| std::fs::read(folder.path(name)).expect("there");
        assert_eq!(bytes("incoming/feed.jsonl.gz"), bytes("out/chat/feed.jsonl.gz"));
        println!("{}", first.out.trim_end());
        println!("{}", server.relay.take().join("\n"));
        let second = server.run(&["run"]);
        assert_eq!((second.code, second.out.as_str(), second.err.as_str()), (0, "", ""), "unchanged");
        assert!(server.relay.take().is_empty(), "nothing is asked when nothing changed");
    }
}

/// Bytes of the right number that are not the feed's: a crash of the server leaves zeros, and other
/// people may write there.
#[test]
fn what_a_cut_transfer_left_is_gone_on_with_only_where_it_is_ours() {
    let Some(server) = Server::start(Serves::Relay) else { return };
    server.project(&server.keys());
    let folder = &server.folder;
    folder.write("catalog.csv", sound_catalog(300, 4000));
    assert_eq!(server.run(&["build"]).code, 0);
    let feed = std::fs::read(folder.path("out/chat/feed.jsonl")).expect("a feed");
    let planned = server.run(&["push", "--dry-run"]);
    let part = planned.out.split_whitespace().map(|word| word.trim_matches([',', '`'])).find(|word| word.ends_with(".feedmill-part"));
    let part = part.unwrap_or_else(|| panic!("{}", planned.out)).rsplit('/').next().expect("a name").to_owned();
    assert!(feed.len() > 1 << 20, "more than what is sent again whatever is there");
    let half = feed.len() / 2;
    let mut other = feed.clone();
    other[100_000] ^= 1;
    for (left, sends_all) in [(vec![0; feed.len()], true), (other, true), (feed[..half].to_vec(), false), (feed.clone(), false)] {
        folder.write(&format!("incoming/{part}"), left);
        server.relay.take();
        let run = server.run(&["push", "--full"]);
        assert_eq!(run.code, 0, "{}{}", run.out, run.err);
        assert!(std::fs::read(folder.path("incoming/feed.jsonl")).expect("there") == feed, "the feed that stands there is ours");
        let writes = server.relay.take().iter().filter(|request| request.starts_with("WRITE")).count();
        assert_eq!(writes == feed.len().div_ceil(32 << 10), sends_all, "{writes} writes");
    }
}

#[test]
fn a_host_that_is_not_known_gets_no_credential() {
    let Some(server) = Server::start(Serves::Itself("")) else { return };
    let folder = &server.folder;
    let known = "key_file = \"client\", known_hosts = \"known_hosts\"";
    server.project(known);
    folder.run(&["build"]);
    let run = server.push();
    assert!(run.code == 2 && run.out.contains("known_hosts: "), "a file that is not there: {} {}", run.code, run.out);
    folder.write("known_hosts", "");
    let run = server.push();
    assert!(run.code == 6 && run.out.contains(&server.fingerprint()) && run.out.contains("host_key"), "{} {}", run.code, run.out);
    // Another host's key under this name.
    folder.write("known_hosts", server.known("client.pub"));
    let run = server.push();
    assert!(run.code == 6 && run.out.contains("not the one that is known"), "{} {}", run.code, run.out);
    // The right key, which was stolen.
    folder.write("known_hosts", format!("{}@revoked * {}", server.known("host.pub"), folder.read("host.pub")));
    let run = server.push();
    assert!(run.code == 6 && run.out.contains("revoked"), "{} {}", run.code, run.out);
    server.project("key_file = \"client\", host_key = \"SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"");
    let run = server.push();
    assert!(run.code == 6 && run.out.contains("is pinned"), "{} {}", run.code, run.out);
    let log = folder.read("sshd.log");
    assert!(!log.contains("Accepted") && !log.contains("publickey"), "{log}");
    assert!(folder.files("incoming").is_empty());
    // One of several keys of the host is enough, as it is for ssh.
    folder.write("known_hosts", format!("{}{}", server.known("client.pub"), server.known("host.pub")));
    server.project(known);
    let run = server.push();
    assert_eq!(run.code, 0, "{}", run.out);
}

#[test]
fn eight_runs_of_cron_by_sftp() {
    let Some(mut server) = Server::start(Serves::Relay) else { return };
    server.project(&server.keys());
    server.catalog(30, 16);
    let mut told = Vec::new();
    let mut run = |server: &Server, name: &str, code: i32| {
        let run = server.run(&["run"]);
        assert_eq!(run.code, code, "{name}: {}{}", run.out, run.err);
        told.push(format!("{name}: exit {code}, {} requests {}", server.relay.take().len(), run.out.trim_end()));
        run
    };
    let rows = |server: &Server| server.folder.read("incoming/feed.jsonl").lines().count();
    run(&server, "first", 0);
    run(&server, "unchanged", 0);
    let change = |server: &Server, from: &str, to: &str| {
        let catalog = server.folder.read("catalog.csv");
        server.folder.write("catalog.csv", catalog.replace(from, to));
    };
    change(&server, "11.00 USD", "11.50 USD");
    run(&server, "one price", 0);
    assert!(server.folder.read("incoming/feed.jsonl").contains("11.50 USD"));
    let cut = |server: &Server, rows: usize| {
        let catalog = server.folder.read("catalog.csv");
        server.folder.write("catalog.csv", catalog.lines().take(rows + 1).map(|line| line.to_owned() + "\n").collect::<String>());
    };
    cut(&server, 29);
    run(&server, "one removal", 0);
    assert_eq!(rows(&server), 29);
    cut(&server, 14);
    let held = run(&server, "cut in half", 4);
    assert_eq!(rows(&server), 29, "the last good feed stays");
    let digest = held.out.split("--approve ").nth(1).and_then(|rest| rest.split('`').next()).expect("a digest").to_owned();
    assert_eq!(server.run(&["push", "--approve", &digest]).code, 0);
    assert_eq!(rows(&server), 14);
    server.relay.take();
    let lock = std::fs::OpenOptions::new().write(true).open(server.folder.path("state/state.lock")).expect("the lock file");
    lock.lock().expect("held");
    run(&server, "two at once", 10);
    drop(lock);
    change(&server, "12.00 USD", "12.50 USD");
    server.end();
    run(&server, "target down", 5);
    server.begin();
    run(&server, "target back", 0);
    assert!(server.folder.read("incoming/feed.jsonl").contains("12.50 USD"));
    assert_eq!(server.folder.files("incoming"), ["feed.jsonl"]);
    println!("{}", told.join("\n"));
}

#[test]
fn the_example_of_the_readme_works_when_copied() {
    let Some(server) = Server::start(Serves::Itself("")) else { return };
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).expect("there");
    let mut blocks = readme.split("```toml\n").filter_map(|rest| rest.split("```").next());
    let settings = blocks.find(|block| block.starts_with("[source]") && block.contains("sftp =")).expect("an example");
    let folder = crate::support::Folder::new();
    folder.write("feedmill.toml", settings);
    folder.write("exports/products.csv", server.folder.read("catalog.csv"));
    folder.secret("merchant.key", &server.folder.read("client"));
    assert_eq!(folder.run(&["build"]).code, 0);
    let run = folder.run(&["push", "--dry-run", "--state", "state.sqlite"]);
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
    assert!(run.out.contains("SFTP connect merchant@sftp.example:22") && run.out.contains("northline-feed.csv.gz"), "{}", run.out);
    assert_eq!(folder.run(&["push", "web", "--state", "state.sqlite"]).code, 0);
    assert_eq!(folder.files("public/feeds"), [".feedmill-filesnorthline-", "northline-feed.csv.gz"]);
    // The address and the fingerprint are those of whoever copies it.
    let own = settings.replace("sftp://merchant@sftp.example/", &server.address());
    let pinned = own.lines().find(|line| line.starts_with("host_key")).expect("a fingerprint").to_owned();
    folder.write("feedmill.toml", own.replace(&pinned, &format!("host_key = \"{}\"", server.fingerprint())));
    let run = folder.run(&["push", "chatgpt", "--state", "state.sqlite"]);
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
    assert_eq!(server.folder.files("incoming"), ["feed.jsonl.gz"]);
}
