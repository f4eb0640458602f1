//! The delivery suite for targets that take files: a folder, and SFTP against OpenSSH's server
//! and against the sandbox's.

use super::relay::{Fault, What};
use super::sshd::{Server, Serves, sound_catalog};
use super::stand::Stand;
use crate::support::{Folder, Run, shards};
use feedmill::sandbox::Login;
use std::fmt::Write;
use std::process::Command;

/// What stood there before: an earlier feed, what an earlier run left unfinished, and what is
/// none of ours.
const OLD: &str = "old";
const THEIRS: [&str; 3] = [".acme-feed.jsonl.0123456789ab.feedmill-part", "feeds.jsonl", "status.json"];

/// A push and what is left of it.
struct Row {
    code: i32,
    word: String,
    requests: usize,
    /// What it says itself.
    told: u64,
    out: String,
    files: Vec<String>,
    whole: bool,
}

impl Row {
    fn of(run: &Run, folder: &Folder, incoming: &str, requests: usize) -> Self {
        let word = run.json()["targets"][0]["outcome"].as_str().unwrap_or("").to_owned();
        let theirs: Vec<&str> = THEIRS.into_iter().filter(|name| !folder.exists(&format!("{incoming}/{name}"))).collect();
        assert!(theirs.is_empty(), "gone although not ours: {theirs:?}");
        let mut files = folder.files(incoming);
        files.retain(|name| !THEIRS.contains(&name.as_str()));
        let built = |name: &String| std::fs::read(folder.path(&format!("out/chat/{name}"))).ok();
        let whole =
            files.iter().all(|name| name.starts_with('.') || built(name).is_some_and(|bytes| read(folder, incoming, name) == bytes));
        let told = run.json()["targets"][0]["requests"].as_u64().unwrap_or(0);
        Self { code: run.code, word, requests, told, out: format!("{}{}", run.out, run.err), files, whole }
    }

    /// The old feed stands as it was.
    fn keeps(&self, folder: &Folder, incoming: &str) -> bool {
        read(folder, incoming, "feed.jsonl") == OLD.as_bytes()
    }

    fn has_left_overs(&self) -> bool {
        self.files.iter().any(|name| name.ends_with("part"))
    }
}

fn read(folder: &Folder, incoming: &str, name: &str) -> Vec<u8> {
    std::fs::read(folder.path(&format!("{incoming}/{name}"))).unwrap_or_default()
}

fn earlier(folder: &Folder, incoming: &str) {
    for name in THEIRS {
        folder.write(&format!("{incoming}/{name}"), "theirs");
    }
    folder.write(&format!("{incoming}/feed.jsonl"), OLD);
}

/// The cases as they come, and those that went wrong.
#[derive(Default)]
struct Table {
    text: String,
    wrong: String,
}

impl Table {
    fn row(&mut self, way: &str, case: &str, row: &Row, end: (i32, &str), sound: bool) {
        writeln!(self.text, "{way:<7} {case:<44} {:>3} {:<9} {:>3} requests", row.code, row.word, row.requests).expect("text");
        let swept = row.code != 0 || !row.has_left_overs();
        if (row.code, row.word.as_str()) != end || !sound || !swept || (row.code == 0 && !row.whole) {
            writeln!(self.wrong, "{way} / {case}: {} {}, {:?}\n{}", row.code, row.word, row.files, row.out).expect("text");
        }
    }

    fn impossible(&mut self, way: &str, case: &str, why: &str) {
        writeln!(self.text, "{way:<7} {case:<44}   - {why}").expect("text");
    }
}

/// A server and a project, built, with the earlier feed in place.
fn stand(serves: Serves, more: &str) -> Option<Server> {
    let server = Server::start(serves)?;
    server.project(&format!("{}{more}", server.keys()));
    earlier(&server.folder, "incoming");
    server.folder.run(&["build"]);
    Some(server)
}

fn pushed(server: &Server) -> Row {
    server.relay.take();
    let run = server.push();
    Row::of(&run, &server.folder, "incoming", server.relay.take().len())
}

/// A server that feeds are pushed to, what lies in it, and what goes wrong there.
trait Peer {
    fn folder(&self) -> &Folder;
    fn fault(&self, fault: Option<Fault>);
    fn pushed(&self, more: &[&str]) -> Row;
}

impl Peer for Server {
    fn folder(&self) -> &Folder {
        &self.folder
    }

    fn fault(&self, fault: Option<Fault>) {
        self.relay.fault(fault);
    }

    fn pushed(&self, more: &[&str]) -> Row {
        self.relay.take();
        let run = self.run(&[&["push", "--output-format", "json"], more].concat());
        Row::of(&run, &self.folder, "incoming", self.relay.take().len())
    }
}

/// Who pushes to the sandbox.
const USER: &str = "shop";

impl Peer for Stand {
    fn folder(&self) -> &Folder {
        &self.folder
    }

    fn fault(&self, fault: Option<Fault>) {
        self.sandbox().heal();
        let Some(Fault { request, after, times, what }) = fault else { return };
        let request = match request {
            "OPENDIR" => "readdir",
            "POSIX-RENAME" => "rename",
            other => &other.trim_end().to_lowercase(),
        };
        let what = match what {
            What::Cut => "reset".to_owned(),
            What::Lost => "lost".to_owned(),
            What::Silence => "silent".to_owned(),
            What::Size(size) => format!("size={size}"),
            DENIED => "permission-denied".to_owned(),
            FAILURE => "failure".to_owned(),
            other => panic!("the sandbox knows no {other:?}"),
        };
        let times = if times == usize::MAX { String::new() } else { format!(" x{times}") };
        Stand::fault(self, &format!("SFTP {request} *: {what}{times} after={after}"));
    }

    fn pushed(&self, more: &[&str]) -> Row {
        let before = self.exchanges().len();
        let run = self.run(&[&["push", "--output-format", "json"], more].concat());
        // What lies there now lies in a folder, as it does with the other server.
        let incoming = self.folder.path("incoming");
        std::fs::remove_dir_all(&incoming).unwrap_or_default();
        for (path, bytes) in self.sandbox().files(USER) {
            self.folder.write(&format!("incoming{path}"), bytes);
        }
        Row::of(&run, &self.folder, "incoming", self.exchanges().len() - before)
    }
}

/// The sandbox and a project, built, with the earlier feed in place.
fn sandbox(more: &str) -> Stand {
    let stand = Stand::new(&[], |_| {});
    let (address, host_key) = (stand.sandbox().sftp_address(), stand.sandbox().host_key());
    let retry = if more.contains("retry =") { "" } else { ", retry = { base_ms = 0, attempts = 2 }" };
    stand.folder.write(
        "feedmill.toml",
        format!(
            "[source]\npath = \"catalog.csv\"\n[[target]]\nname = \"chat\"\nspec = \"openai\"\nformat = \"jsonl\"\n\
             deliver = {{ sftp = \"sftp://{USER}@{address}/\", password = {{ file = \"key\" }}, host_key = \"{host_key}\"{more}{retry} }}\n"
        ),
    );
    stand.folder.write("catalog.csv", sound_catalog(20, 30));
    for name in THEIRS {
        assert!(stand.sandbox().leave(USER, name, b"theirs"));
    }
    assert!(stand.sandbox().leave(USER, "feed.jsonl", OLD.as_bytes()));
    stand.folder.run(&["build"]);
    stand
}

const fn once(request: &'static str, what: What) -> Fault {
    Fault { request, after: 0, times: 1, what }
}

const fn always(request: &'static str, what: What) -> Fault {
    Fault { request, after: 0, times: usize::MAX, what }
}

/// A status that says no, and one that says nothing more than that it failed.
const DENIED: What = What::Status(3);
const FAILURE: What = What::Status(4);

#[test]
fn sftp_by_every_case() {
    let mut table = Table::default();
    by_every_fault(&mut table, "sandbox", |more| Some(sandbox(more)));
    sandboxed(&mut table);
    by_every_fault(&mut table, "sftp", |more| stand(Serves::Relay, more));
    doors(&mut table);
    limits(&mut table);
    println!("{}", table.text);
    assert!(table.wrong.is_empty(), "{}", table.wrong);
}

/// The cases that every server must stand.
fn by_every_fault<P: Peer>(table: &mut Table, way: &str, start: impl Fn(&str) -> Option<P>) {
    let Some(server) = start("") else { return };
    let row = server.pushed(&[]);
    // Written, and renamed: what was only asked is not counted.
    table.row(way, "success", &row, (0, "pushed"), row.files == ["feed.jsonl"] && row.told == 2);
    let row = server.pushed(&[]);
    table.row(way, "duplicate: nothing is sent", &row, (0, "unchanged"), row.requests == 0);
    let row = server.pushed(&["--full"]);
    table.row(way, "the same in full", &row, (0, "pushed"), row.files == ["feed.jsonl"]);

    // What goes wrong once is made good in the same run; for ever, and the old feed stays.
    let faults: [(&str, Fault, (i32, &str)); 17] = [
        ("cut before the first answer", once("OPENDIR", What::Cut), (0, "pushed")),
        ("cut in mid-body", once("WRITE", What::Cut), (0, "pushed")),
        ("answer of a write lost", once("WRITE", What::Lost), (0, "pushed")),
        ("answer of the flush lost", once("FSYNC", What::Lost), (0, "pushed")),
        ("cut before the rename", once("POSIX-RENAME", What::Cut), (0, "pushed")),
        ("answer of the rename lost", once("POSIX-RENAME", What::Lost), (0, "pushed")),
        ("size read back differs", Fault { after: 1, ..once("STAT", What::Size(7)) }, (0, "pushed")),
        ("size read back differs for ever", always("STAT", What::Size(7)), (5, "failed")),
        ("cut for ever", always("WRITE", What::Cut), (5, "failed")),
        ("disk full", always("WRITE", FAILURE), (5, "failed")),
        ("flush fails", always("FSYNC", FAILURE), (5, "failed")),
        ("not let write", always("WRITE", DENIED), (7, "failed")),
        ("not let open", always("OPEN ", DENIED), (7, "failed")),
        ("not let rename", always("POSIX-RENAME", DENIED), (7, "failed")),
        ("rename fails", always("POSIX-RENAME", FAILURE), (5, "failed")),
        ("not let list", always("OPENDIR", DENIED), (7, "failed")),
        ("silent for ever", always("WRITE", What::Silence), (5, "failed")),
    ];
    for (case, fault, end) in faults {
        let more = if fault.what == What::Silence { ", limits = { idle_s = 5 }, retry = { base_ms = 0, attempts = 1 }" } else { "" };
        let Some(server) = start(more) else { return };
        server.fault(Some(fault));
        let row = server.pushed(&[]);
        let sound = end.0 == 0 || row.keeps(server.folder(), "incoming");
        table.row(way, case, &row, end, sound);
        // What failed is made good by the next run, which leaves nothing behind.
        server.fault(None);
        let row = server.pushed(&[]);
        let end = if end.0 == 0 { "unchanged" } else { "pushed" };
        if (row.code, row.word.as_str()) != (0, end) || row.files != ["feed.jsonl"] || !row.whole {
            writeln!(table.wrong, "{way} / {case}, the next run: {} {:?}\n{}", row.word, row.files, row.out).expect("text");
        }
    }
    let Some(server) = start("") else { return };
    shards(server.folder(), "out/chat", 3);
    let row = server.pushed(&[]);
    let names = ["feed-0001-of-0003.jsonl", "feed-0002-of-0003.jsonl", "feed-0003-of-0003.jsonl"];
    // Three written, three renamed, and the one that they replace removed.
    table.row(way, "three shards for one file", &row, (0, "pushed"), row.files == names && row.told == 7);
    server.folder().run(&["build"]);
    let row = server.pushed(&["--full"]);
    table.row(way, "the set of shards shrinks", &row, (0, "pushed"), row.files == ["feed.jsonl"]);
}

/// Who is let in by the sandbox, and what it is trusted for.
fn sandboxed(table: &mut Table) {
    let stand = sandbox("");
    let settings = stand.folder.read("feedmill.toml");
    stand.folder.write("feedmill.toml", settings.replace("SHA256:", "SHA256:other"));
    let row = stand.pushed(&[]);
    table.row("sandbox", "host key changed", &row, (6, "failed"), row.requests == 0 && row.out.contains("no credential was sent"));
    stand.folder.write("feedmill.toml", settings.replace("/\", password", "/not/there/\", password"));
    let row = stand.pushed(&[]);
    table.row("sandbox", "folder not there", &row, (7, "failed"), row.out.contains("has no folder"));
    let login =
        Login { user: USER.to_owned(), password: "another".to_owned(), spec: "openai".to_owned(), feed: None, folder: String::new() };
    stand.sandbox().let_in(login);
    stand.folder.write("feedmill.toml", settings);
    let row = stand.pushed(&[]);
    table.row("sandbox", "wrong password", &row, (6, "failed"), row.requests == 1 && row.out.contains("does not let"));
}

/// Who lets us in, and whom we trust.
fn doors(table: &mut Table) {
    let Some(mut server) = stand(Serves::Relay, "") else { return };
    let keys = server.keys();
    server.project(&keys.replace("SHA256:", "SHA256:other"));
    let row = pushed(&server);
    table.row("sftp", "host key changed", &row, (6, "failed"), row.requests == 0 && row.out.contains("no credential was sent"));
    server.project(&keys);
    server.folder.write("authorized_keys", "");
    let row = pushed(&server);
    table.row("sftp", "wrong key", &row, (6, "failed"), row.requests == 0 && row.out.contains("does not let"));
    server.folder.secret("password", "canary4711");
    server.project(&keys.replace("key_file = \"client\"", "password = { file = \"password\" }"));
    let row = pushed(&server);
    table.row("sftp", "wrong password", &row, (6, "failed"), row.requests == 0 && !row.out.contains("canary"));
    server.project(&keys);
    server.folder.write("authorized_keys", server.folder.read("client.pub"));
    server.end();
    let row = pushed(&server);
    table.row("sftp", "connection refused", &row, (5, "failed"), row.keeps(&server.folder, "incoming"));
    let settings = server.folder.read("feedmill.toml");
    server.folder.write("feedmill.toml", settings.replace("/\", key", "/not/there/\", key"));
    server.begin();
    let row = pushed(&server);
    table.row("sftp", "folder not there", &row, (7, "failed"), row.out.contains("has no folder"));

    // The server dies in the middle of a large feed, and comes back.
    server.folder.write("feedmill.toml", settings);
    server.catalog(400, 4000);
    server.folder.run(&["build"]);
    server.relay.fault(Some(Fault { after: 40, ..once("WRITE", What::Death) }));
    let row = pushed(&server);
    table.row("sftp", "server dies in mid-body", &row, (5, "failed"), row.keeps(&server.folder, "incoming"));
    let before = server.relay.figures().1;
    server.end();
    server.begin();
    let row = pushed(&server);
    let (sent, bytes) =
        (server.relay.figures().1 - before, std::fs::metadata(server.folder.path("out/chat/feed.jsonl")).expect("built").len());
    let spared = sent < bytes - 500_000;
    table.row("sftp", "server is back: the rest is sent", &row, (0, "pushed"), row.files == ["feed.jsonl"] && spared);
}

/// Servers that can or allow less.
fn limits(table: &mut Table) {
    let Some(server) = stand(Serves::Limited(4), "") else { return };
    let row = pushed(&server);
    table.row("sftp", "disk full (the system's own limit)", &row, (5, "failed"), row.keeps(&server.folder, "incoming"));
    let Some(server) = stand(Serves::Itself("-P write"), "") else { return };
    let row = pushed(&server);
    table.row("sftp", "permission denied", &row, (7, "failed"), row.keeps(&server.folder, "incoming"));
    let Some(server) = stand(Serves::Itself("-P posix-rename"), "") else { return };
    let row = pushed(&server);
    table.row("sftp", "no posix-rename", &row, (7, "failed"), row.keeps(&server.folder, "incoming") && row.out.contains("in_place"));
    server.project(&format!("{}, in_place = true", server.keys()));
    let row = pushed(&server);
    table.row("sftp", "no posix-rename, in place", &row, (0, "pushed"), row.files == ["feed.jsonl"]);

    let Some(server) = stand(Serves::Itself("-P remove"), "") else { return };
    server.folder.write("incoming/feed-0001-of-0002.jsonl", "stale");
    let run = server.push();
    let emptied = read(&server.folder, "incoming", "feed-0001-of-0002.jsonl").is_empty();
    let row = Row { whole: true, ..Row::of(&run, &server.folder, "incoming", 0) };
    table.row("sftp", "not let remove: stale shards are emptied", &row, (0, "pushed"), emptied && row.out.contains("emptied"));
}

/// What a feed holds between its envelope, after it was unpacked.
fn unpacked(bytes: &[u8], format: &str) -> String {
    let read = |reader: &mut dyn std::io::Read| std::io::read_to_string(reader).expect("whole");
    match format.rsplit_once('.') {
        Some((_, "gz")) => read(&mut flate2::read::MultiGzDecoder::new(bytes)),
        Some((_, "zst")) => read(&mut zstd::Decoder::new(bytes).expect("Zstandard")),
        _ => String::from_utf8(bytes.to_vec()).expect("text"),
    }
}

#[test]
fn a_stale_shard_that_may_not_be_removed_becomes_a_sound_feed_without_a_row() {
    use parquet::file::reader::{FileReader, SerializedFileReader};
    let Some(server) = stand(Serves::Itself("-P remove"), "") else { return };
    // What a transfer that was cut left there is read by nobody, and stops nothing.
    server.folder.write("incoming/.feed.jsonl.0123456789ab.feedmill-part", "cut");
    for format in ["csv", "csv.gz", "tsv.gz", "json", "json.gz", "jsonl.gz", "jsonl.zst", "xml", "xml.gz", "parquet"] {
        let name = format!("feed-0001-of-0002.{format}");
        server.folder.write(&format!("incoming/{name}"), "stale shard of an earlier feed");
        let run = server.run(&["push", "--full"]);
        let told = run.out.contains(&format!("emptied {name}")) && run.out.contains("may not be removed");
        assert!(run.code == 0 && told, "{format}: {} {}{}", run.code, run.out, run.err);
        let bytes = read(&server.folder, "incoming", &name);
        let text = if format == "parquet" { String::new() } else { unpacked(&bytes, format) };
        match format.split('.').next().expect("a format") {
            "csv" => assert!(text.starts_with("item_id,") && text.lines().count() == 1, "{format}: {text}"),
            "tsv" => assert!(text.starts_with("item_id\t") && text.lines().count() == 1, "{format}: {text}"),
            "json" => assert!(serde_json::from_str::<Vec<serde_json::Value>>(&text).expect("a list").is_empty(), "{format}"),
            "jsonl" => assert_eq!(text, "", "{format}"),
            "xml" => {
                let tags: Vec<&str> = text.split('<').filter(|tag| !tag.trim().is_empty() && !tag.starts_with('?')).collect();
                let (open, closed): (Vec<&str>, Vec<&str>) = tags.iter().partition(|tag| !tag.starts_with('/'));
                assert!(open.len() == closed.len() && open.len() == 1, "{format}: {text}");
            }
            _ => {
                let file = std::fs::File::open(server.folder.path(&format!("incoming/{name}"))).expect("there");
                let reader = SerializedFileReader::new(file).expect("Parquet");
                let schema = reader.metadata().file_metadata();
                assert_eq!((schema.num_rows(), schema.schema_descr().column(0).name()), (0, "item_id"), "{format}");
            }
        }
        let again = server.run(&["push", "--full"]);
        assert!(again.code == 0 && !again.out.contains("emptied"), "{format}: {}", again.out);
    }
}

#[test]
fn what_a_failed_push_may_have_brought_is_put_right() {
    let Some(server) = stand(Serves::Relay, ", retry = { attempts = 1 }") else { return };
    assert_eq!(pushed(&server).code, 0);
    let accepted = read(&server.folder, "incoming", "feed.jsonl");
    let catalog = server.folder.read("catalog.csv");
    server.folder.write("catalog.csv", catalog.replace("11.00 USD", "55.00 USD"));
    server.folder.run(&["build"]);
    server.relay.fault(Some(once("POSIX-RENAME", What::Lost)));
    assert_eq!(pushed(&server).code, 5, "nobody knows that the new feed took its name");
    assert_ne!(read(&server.folder, "incoming", "feed.jsonl"), accepted);
    // Back to what the target accepted last: nothing differs from the accepted snapshot.
    server.folder.write("catalog.csv", catalog);
    server.folder.run(&["build"]);
    let row = pushed(&server);
    assert_eq!((row.code, row.word.as_str()), (0, "pushed"), "{}", row.out);
    assert_eq!(read(&server.folder, "incoming", "feed.jsonl"), accepted);
}

/// A project that is pushed into the folder `web`, built, with the earlier feed in place.
fn folder(keys: &str) -> Folder {
    let folder = Folder::new();
    let text = format!(
        "[source]\npath = \"catalog.csv\"\n[[target]]\nname = \"chat\"\nspec = \"openai\"\nformat = \"jsonl\"\n\
         deliver = {{ folder = \"web\"{keys} }}\n"
    );
    folder.write("feedmill.toml", text);
    folder.write("catalog.csv", sound_catalog(20, 16));
    folder.run(&["build"]);
    folder
}

fn put(folder: &Folder, more: &[&str]) -> Row {
    let mut arguments = vec!["push", "--output-format", "json", "--state", "state/state.sqlite"];
    arguments.extend(more);
    Row::of(&folder.run(&arguments), folder, "web", 0)
}

/// What lies in a folder that we fill besides our feed.
const LIST: &str = ".feedmill-files";

#[test]
fn a_folder_by_every_case() {
    let mut table = Table::default();
    let stand = folder("");
    earlier(&stand, "web");
    // What a run that was killed left unfinished, of ours and of another program.
    stand.write("web/.feed.jsonl.Ab12Cd.part", "half");
    let row = put(&stand, &[]);
    table.row("folder", "success", &row, (0, "pushed"), row.files == [LIST, "feed.jsonl"]);
    let row = put(&stand, &[]);
    table.row("folder", "duplicate: nothing is sent", &row, (0, "unchanged"), true);
    let row = put(&stand, &["--full"]);
    table.row("folder", "the same in full", &row, (0, "pushed"), row.files == [LIST, "feed.jsonl"]);
    shards(&stand, "out/chat", 3);
    let row = put(&stand, &["--full"]);
    let names = [LIST, "feed-0001-of-0003.jsonl", "feed-0002-of-0003.jsonl", "feed-0003-of-0003.jsonl"];
    table.row("folder", "three shards for one file", &row, (0, "pushed"), row.files == names);
    stand.run(&["build"]);
    let row = put(&stand, &["--full"]);
    table.row("folder", "the set of shards shrinks", &row, (0, "pushed"), row.files == [LIST, "feed.jsonl"]);
    // What was built is not what lies there any more.
    stand.write("out/chat/feed.jsonl", "tampered with");
    let run = stand.run(&["push", "--full", "--output-format", "json", "--state", "state/state.sqlite"]);
    let row = Row { whole: true, ..Row::of(&run, &stand, "web", 0) };
    table.row("folder", "what was built has changed", &row, (2, "failed"), row.out.contains("not as it was built"));

    let stand = folder("");
    earlier(&stand, "elsewhere");
    let run = stand.run(&["push", "--output-format", "json", "--state", "state/state.sqlite"]);
    let made = stand.files("web") == [LIST, "feed.jsonl"];
    let row = Row::of(&run, &stand, "elsewhere", 0);
    table.row("folder", "folder not there: it is made", &Row { whole: true, ..row }, (0, "pushed"), made);

    let stand = folder("");
    stand.write("web", "a file");
    let run = stand.run(&["push", "--output-format", "json", "--state", "state/state.sqlite"]);
    earlier(&stand, "elsewhere");
    let row = Row::of(&run, &stand, "elsewhere", 0);
    table.row("folder", "a file stands where the folder should", &row, (12, "failed"), stand.read("web") == "a file");

    let stand = folder("");
    earlier(&stand, "web");
    // The state is written as well, so the limit lies above it and below the feed.
    stand.write("catalog.csv", sound_catalog(900, 4000));
    stand.run(&["build"]);
    let limited = Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 4000; exec \"$@\"", "sh", env!("CARGO_BIN_EXE_feedmill")])
        .args(["push", "--output-format", "json", "--state", "state/state.sqlite"])
        .current_dir(stand.path(""))
        .output()
        .expect("the program starts");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    let run = Run { code: limited.status.code().unwrap_or(-1), out: text(limited.stdout), err: text(limited.stderr) };
    let row = Row::of(&run, &stand, "web", 0);
    table.row("folder", "disk full (the system's own limit)", &row, (12, "failed"), row.keeps(&stand, "web") && !row.has_left_overs());
    let row = put(&stand, &[]);
    table.row("folder", "room again", &row, (0, "pushed"), row.files == [LIST, "feed.jsonl"]);
    for case in ["throttled", "answer lost", "host key changed", "wrong key"] {
        table.impossible("folder", case, "there is nobody to say so");
    }
    println!("{}", table.text);
    assert!(table.wrong.is_empty(), "{}", table.wrong);
}
