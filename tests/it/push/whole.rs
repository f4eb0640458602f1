//! A whole project rehearsed: every way in at once, without an account, over the real transport.

use super::stand::{CANARY, PROMOTIONS, Stand, Way, items};
use crate::support::Run;

/// A project whose every address is out of reach and whose every credential is out of sight.
const PROJECT: &str = r#"
[[target]]
name = "imports"
spec = "stripe"
deliver = { stripe = "v2", mode = "live", key = { file = "/not/there" } }

[[target]]
name = "sets"
spec = "stripe"
deliver = { stripe = "v1", mode = "live", key = { env = "NOT_THERE" } }

[[target]]
name = "endpoint"
spec = "openai"
format = "csv"
deliver = { https = "https://ingest.invalid/{file}?shop=7", method = "PUT", token = { file = "/not/there" }, headers = { x-shop = "7", x-key = { env = "NOT_THERE" } }, accepted = "/fine" }

[[target]]
name = "agent"
spec = "acp"
deliver = { acp = "https://agent.invalid/v1", key = { file = "/not/there" }, target_country = "US" }

[[target]]
name = "commerce"
spec = "openai-api"
deliver = { product_feeds = "https://commerce.invalid", key = { file = "/not/there" }, target_country = "US" }

[[target]]
name = "promotions"
spec = "openai-api-promotions"
deliver = { product_feeds = "https://commerce.invalid", key = { file = "/not/there" }, feed = "feed_8f3K2x" }

[[target]]
name = "ads"
spec = "openai-ads"
format = "jsonl.gz"
deliver = { sftp = "sftp://advertiser@sftp.invalid:443/", password = { file = "/not/there" }, host_key = "SHA256:theirs", uploads = { ads = "https://api.ads.invalid/v1", feed = "feed_123", key = { file = "/not/there" } } }

[[target]]
name = "ads-prices"
spec = "openai-ads-delta"
deliver = { ads = "https://api.ads.invalid/v1", feed = "feed_123", key = { file = "/not/there" } }

[[target]]
name = "chatgpt"
spec = "openai"
format = "jsonl.gz"
deliver = { sftp = "sftp://merchant@sftp.invalid/shop feeds/", key_file = "/not/there", known_hosts = "/not/there", prefix = "acme-" }

[[target]]
name = "carried"
spec = "openai-ads"
format = "csv"
deliver = { folder = "/not/there/either", uploads = { ads = "https://api.ads.invalid/v1", feed = "feed_456", key = { file = "/not/there" } } }

[[target]]
name = "web"
spec = "openai"
format = "csv.gz"
deliver = { folder = "/not/there/at/all", prefix = "northline-" }

[[target]]
name = "bucket"
spec = "openai"
format = "jsonl.gz"
deliver = { object = "s3://bucket/feeds", secrets = { secret_access_key = { file = "/not/there" } } }
"#;

fn stand() -> Stand {
    let stand = Stand::new(&[], |_| {});
    stand.catalog(&items(12));
    stand.folder.write("feedmill.toml", format!("[source]\npath = \"catalog.csv\"\n{}{PROJECT}", PROMOTIONS.map));
    stand.build();
    stand
}

fn calls(run: &Run) -> Vec<&str> {
    run.err.lines().filter(|line| line.starts_with('#')).collect()
}

/// A call without its number.
fn words(call: &str) -> &str {
    call.split_once(' ').map_or("", |(_, words)| words)
}

#[test]
fn every_way_in_at_once() {
    let stand = stand();
    let run = stand.run(&["push", "--sandbox", "--transcript", "calls.log"]);
    println!("{}{}", run.err, run.out);
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
    let mut targets = 0;
    for name in PROJECT.lines().filter_map(|line| line.strip_prefix("name = ")) {
        let name = name.trim_matches('"');
        assert!(run.out.contains(&format!("pushed: {name}, 12 items (+12 ~0 -0), 12 sent, ")), "{name}: {}", run.out);
        targets += 1;
    }
    assert_eq!(targets, 12);
    let calls = calls(&run);
    for call in [
        "POST /stripe/v2/commerce/product_catalog/imports -> 20",
        "PUT /stripe-uploads/",
        "POST /stripe-files/v1/files -> 20",
        "GET /stripe/v1/data_management/import_sets/",
        "PUT /https/openai@2026-09 -> 200",
        "POST /acp/feeds -> 201",
        "PATCH /acp/feeds/",
        "POST /openai/product_feeds -> 200",
        "PATCH /openai/product_feeds/feed_8f3K2x/promotions -> 200",
        "PATCH /openai-ads/v1/feeds/feed_123/products -> 200",
        "GET /openai-ads/v1/feeds/uploads -> 200",
        "HEAD /s3/bucket/feeds/feed.jsonl.gz -> 404",
        "PUT /s3/bucket/feeds/feed.jsonl.gz -> 200 = openai@2026-09: 12 rows, 12 accepted, 0 rejected",
        "GET /s3/bucket/feeds/feed.jsonl.gz -> 200",
        "GET /s3/bucket -> 200",
        "SFTP rename advertiser@sftp.invalid:443:/.feed.jsonl.gz.",
        "SFTP rename merchant@sftp.invalid:/shop feeds/.acme-feed.jsonl.gz.",
    ] {
        assert!(calls.iter().any(|line| words(line).starts_with(call)), "{call}\n{}", calls.join("\n"));
    }
    // The snapshot, request by request.
    let sftp: Vec<&str> = calls.iter().map(|call| words(call)).filter(|call| call.contains("merchant@sftp.invalid:")).collect();
    let heads = [
        "SFTP login merchant@sftp.invalid:/ by password -> ok",
        "SFTP readdir merchant@sftp.invalid:/shop feeds -> ok",
        "SFTP readdir merchant@sftp.invalid:/shop feeds -> ok",
        "SFTP stat merchant@sftp.invalid:/shop feeds/.acme-feed.jsonl.gz.",
        "SFTP open merchant@sftp.invalid:/shop feeds/.acme-feed.jsonl.gz.",
        "SFTP write merchant@sftp.invalid:/shop feeds/.acme-feed.jsonl.gz.",
        "SFTP fsync merchant@sftp.invalid:/shop feeds/.acme-feed.jsonl.gz.",
        "SFTP close merchant@sftp.invalid:/shop feeds/.acme-feed.jsonl.gz.",
        "SFTP stat merchant@sftp.invalid:/shop feeds/.acme-feed.jsonl.gz.",
        "SFTP rename merchant@sftp.invalid:/shop feeds/.acme-feed.jsonl.gz.",
    ];
    assert_eq!(sftp.len(), heads.len(), "{sftp:#?}");
    assert!(sftp.iter().zip(heads).all(|(call, head)| call.starts_with(head)), "{sftp:#?}");
    let end = " to /shop feeds/acme-feed.jsonl.gz -> ok = openai@2026-09: 12 rows, 12 accepted, 0 rejected";
    assert!(sftp.last().is_some_and(|call| call.ends_with(end)), "{sftp:#?}");
    let log = stand.folder.read("calls.log");
    assert!(log.contains("\n  < ok\n  = openai@2026-09: 12 rows") && !log.contains("not/there"), "{log}");
    assert!(!stand.folder.exists("state"), "a rehearsal remembers nothing");
}

const SFTP: Way = Way {
    name: "sftp",
    spec: "openai",
    deliver: r#"sftp = "sftp://merchant@sftp.invalid/", password = { file = "key" }, host_key = "SHA256:theirs""#,
    feed: None,
    map: "",
    flaw: Some((" USD", " dollars")),
    ..PROMOTIONS
};

fn sftp() -> Stand {
    let stand = Stand::new(&[], |_| {});
    stand.project(&SFTP, "");
    let settings = stand.folder.read("feedmill.toml").replace("spec = \"openai\"", "spec = \"openai\"\nformat = \"csv\"");
    stand.folder.write("feedmill.toml", settings);
    stand.catalog(&items(12));
    stand.build();
    stand
}

#[test]
fn what_a_snapshot_comes_to_shows_in_the_transcript_and_nowhere_else() {
    let stand = sftp();
    stand.break_rows(&SFTP, 5);
    let run = stand.run(&["push", "--sandbox", "--output-format", "json"]);
    // Nobody would be told, so a rehearsal invents nothing.
    let outcome = &run.json()["targets"][0];
    assert_eq!((run.code, &outcome["outcome"], &outcome["refused"]), (0, &"pushed".into(), &0.into()), "{}", run.out);
    let renamed = calls(&run).into_iter().find(|call| call.contains("SFTP rename")).expect("a rename");
    assert!(
        renamed.contains("= openai@2026-09: 12 rows, 7 accepted, 5 rejected; row 1 `SKU-1`: ") && renamed.ends_with("; 2 more"),
        "{renamed}"
    );
    assert!(!run.out.contains(CANARY) && !run.err.contains(CANARY));
}

#[test]
fn faults_of_sftp_are_rehearsed() {
    let stand = sftp();
    let push = |fault: &str| stand.run(&["push", "--sandbox", "--fault", fault, "--output-format", "json"]);
    for (fault, code, requests) in [
        ("SFTP rename *: failure x2", 0, 6),
        ("SFTP write *: reset x1", 0, 3),
        ("SFTP login *: permission-denied", 6, 0),
        ("SFTP open *: permission-denied", 7, 1),
        ("SFTP *: failure", 6, 0),
    ] {
        let run = push(fault);
        let outcome = run.json()["targets"][0].clone();
        assert_eq!((run.code, outcome["requests"].as_u64()), (code, Some(requests)), "{fault}: {}{}", run.out, run.err);
        assert!(calls(&run).iter().any(|call| call.contains(&format!(" ! {fault} -> "))), "{fault}: {}", run.err);
    }
    let run = stand.run(&["push", "--sandbox", "--fault", "SFTP rename *: 503"]);
    assert!(run.code == 2 && run.err.contains("does not happen to `SFTP rename`"), "{}{}", run.out, run.err);
}

#[test]
fn an_upload_that_fails_is_rehearsed() {
    let stand = stand();
    let push = |fault: &str| stand.run(&["push", "ads", "--sandbox", "--fault", fault, "--output-format", "json"]);
    let run = push("SFTP upload /*: body-failed");
    assert!(run.code == 7 && run.out.contains("upload_feed_123_001 failed"), "{}{}", run.out, run.err);
}

#[test]
fn what_the_sandbox_says_of_itself_works_when_copied() {
    let stand = Stand::new(&[], |_| {});
    stand.catalog(&items(12));
    stand.folder.secret("sandbox.key", "sk_test_anything\n");
    stand.folder.write("feedmill.toml", format!("[source]\npath = \"catalog.csv\"\n{}", stand.sandbox().introduction()));
    stand.build();
    let run = stand.push();
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
    assert_eq!(stand.sandbox().files("openai").into_keys().collect::<Vec<_>>(), ["/feed.jsonl.gz"]);
    assert_eq!(stand.ids(&super::stand::IMPORTS).len(), 12);
    let history: String = stand.run(&["history", "--json"]).out.split_whitespace().collect();
    assert!(history.contains("\"requests\":2"), "{history}");
}
