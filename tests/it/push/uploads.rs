//! Files that go one way while another API tells what became of them: the upload is followed to
//! its end over several runs, and its diagnostics lead to the columns of the catalog.

use super::stand::{CANARY, HTTPS, Stand, Way, items};
use serde_json::{Value, json};

const WATCHED: Way = Way {
    name: "watched folder",
    spec: "openai-ads",
    deliver: r#"folder = "incoming", uploads = { ads = "{base}/openai-ads/v1", feed = "feed_shop", key = { file = "key" } }"#,
    feed: Some(("ads", "feed_shop")),
    flaw: Some((" USD", " dollars")),
    ..HTTPS
};

fn stand(flawed: usize) -> Stand {
    let stand = Stand::new(&[], |_| {});
    stand.project(&WATCHED, "poll = { first_ms = 1, most_ms = 1, total_s = 0 }");
    let settings = stand.folder.read("feedmill.toml").replace("spec = \"openai-ads\"", "spec = \"openai-ads\"\nformat = \"csv\"");
    stand.folder.write("feedmill.toml", settings);
    stand.catalog(&items(12));
    stand.build();
    if flawed > 0 {
        stand.break_rows(&WATCHED, flawed);
    }
    stand
}

/// What the server behind the folder does with the file that came to lie there.
fn receive(stand: &Stand) {
    assert!(stand.sandbox().receive("feed_shop", "feed.csv", &stand.folder.path("incoming/feed.csv")));
}

fn outcome(run: &crate::support::Run) -> (i32, String) {
    (run.code, run.json()["targets"][0]["outcome"].as_str().unwrap_or("").to_owned())
}

#[test]
fn an_upload_is_followed_to_its_diagnostics_and_sent_once() {
    let stand = stand(2);
    let run = stand.push();
    assert_eq!(outcome(&run), (11, "unknown".to_owned()), "{}{}", run.out, run.err);
    assert!(run.out.contains("no upload to `feed_shop` has appeared yet"), "{}", run.out);
    receive(&stand);
    let sent = std::fs::metadata(stand.folder.path("incoming/feed.csv")).and_then(|file| file.modified()).expect("a time");
    let mut words = Vec::new();
    let run = loop {
        let run = stand.push();
        words.push(outcome(&run));
        if run.code != 11 {
            break run;
        }
    };
    assert_eq!(words.last(), Some(&(8, "pushed".to_owned())), "{}", run.out);
    assert!(words.len() >= 2, "received and processing are no verdict: {words:?}");
    let again = std::fs::metadata(stand.folder.path("incoming/feed.csv")).and_then(|file| file.modified()).expect("a time");
    assert_eq!(sent, again, "what was sent is asked after and not sent again");
    let report = run.json();
    assert_eq!(report["targets"][0]["refused"], 2);
    let found =
        report["findings"].as_array().expect("findings").iter().find(|finding| finding["severity"] == "error").expect("one").clone();
    let shown = ["code", "attribute", "file", "column", "column_name"].map(|name| found[name].clone());
    assert_eq!(shown, [json!("delivery/field-at-fault"), json!("price"), json!("catalog.csv"), json!(9), json!("price")], "{found}");
    assert_eq!(found["message"], "the target found a fault in 2 rows (`price`) [invalid_value]");
    let errors = stand.run(&["errors", "--output-format", "concise"]);
    assert!(errors.code == 1 && errors.out.contains("delivery/field-at-fault"), "{}", errors.out);
    assert_eq!(outcome(&stand.push()), (0, "unchanged".to_owned()));
    assert!(!run.out.contains(CANARY));
}

#[test]
fn status_asks_after_an_upload_and_a_push_ends_with_its_word() {
    let stand = stand(0);
    assert_eq!(stand.push().code, 11);
    receive(&stand);
    for _ in 0..3 {
        stand.run(&["status"]);
    }
    let run = stand.push();
    assert_eq!(outcome(&run), (0, "pushed".to_owned()), "{}{}", run.out, run.err);
    assert_eq!(outcome(&stand.push()), (0, "unchanged".to_owned()));
}

#[test]
fn an_upload_that_fails_is_sent_again() {
    let stand = stand(0);
    assert_eq!(stand.push().code, 11);
    stand.fault("SFTP upload /*: body-failed x1");
    receive(&stand);
    let run = (0..5).map(|_| stand.push()).find(|run| run.code != 11).expect("an end");
    assert_eq!(outcome(&run), (7, "failed".to_owned()), "{}", run.out);
    assert!(run.out.contains("upload_feed_shop_001 failed"), "{}", run.out);
    assert_eq!(stand.push().code, 11, "it is sent anew, and the failed upload is not taken for its end");
    receive(&stand);
    let run = (0..5).map(|_| stand.push()).find(|run| run.code != 11).expect("an end");
    assert_eq!(outcome(&run), (0, "pushed".to_owned()), "{}", run.out);
    let uploads: Vec<Value> = stand.sandbox().ads_feeds()[0].uploads.iter().map(|(_, status)| json!(status)).collect();
    assert_eq!(uploads, ["failed", "completed"]);
}

#[test]
fn what_tells_itself_is_not_watched() {
    let stand = Stand::new(&[], |_| {});
    stand.project(&HTTPS, r#"uploads = { ads = "http://127.0.0.1:1/v1", feed = "f", key = { file = "key" } }"#);
    let settings = stand.folder.read("feedmill.toml");
    stand.catalog(&items(3));
    stand.build();
    let planned = stand.run(&["push", "--dry-run"]);
    assert!(planned.code == 0 && planned.out.contains("GET http://127.0.0.1:1/v1/feeds/uploads"), "{}{}", planned.out, planned.err);
    stand.folder.write(
        "feedmill.toml",
        settings.replace("https = ", "acp = ").replace(", token", ", key").replace(", accepted = \"/status=accepted\"", ""),
    );
    let run = stand.push();
    assert!(run.code == 2 && run.out.contains("`acp` tells itself"), "{} {}", run.code, run.out);
}

#[test]
fn one_upload_wherever_it_dies() {
    let mut points = 0;
    for exchange in 1..9 {
        let stand = stand(0);
        let died = stand.killed_at(exchange, &["push"]);
        points += usize::from(died);
        while stand.push().code == 11 {
            if stand.sandbox().ads_feeds()[0].uploads.is_empty() {
                receive(&stand);
            }
        }
        assert_eq!(outcome(&stand.push()), (0, "unchanged".to_owned()), "killed at {exchange}");
        assert_eq!(stand.sandbox().ads_feeds()[0].uploads.len(), 1);
        if !died {
            break;
        }
    }
    assert!(points >= 2, "{points}");
    println!("killed at {points} points");
}
