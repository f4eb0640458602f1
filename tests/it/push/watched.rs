//! What watches over runs: the file of metrics and the heartbeats, told of every end.

use super::stand::{HTTPS, Stand, items};
use crate::support::Run;
use crate::web::{Web, answer};

const WORD: &str = "canary5d2";

/// A monitor that hears everything, and a stand whose target has a heartbeat there.
fn monitored() -> (Web, Stand) {
    monitored_of(3)
}

fn monitored_of(count: usize) -> (Web, Stand) {
    let web = Web::new(|_| answer("200 OK", &[], b"OK"));
    let stand = Stand::new(&[], |_| {});
    stand.project(&HTTPS, "");
    stand.catalog(&items(count));
    stand.folder.secret("beat", &web.url(&format!("/ping/{WORD}")));
    let settings = stand.folder.read("feedmill.toml");
    stand.folder.write("feedmill.toml", format!("{settings}heartbeat = {{ file = \"beat\" }}\n"));
    (web, stand)
}

fn run(stand: &Stand) -> Run {
    let run = stand.run(&["run", "--metrics-file", "feedmill.prom"]);
    assert!(!run.out.contains(WORD) && !run.err.contains(WORD), "{}{}", run.out, run.err);
    run
}

/// The path of each beat without its query, and its words; both beats of a run have one number.
fn beats(web: &Web) -> Vec<(String, String)> {
    let asked = web.asked();
    let parts = |asked: &crate::web::Asked| {
        let target = asked.line.strip_prefix("POST ").and_then(|rest| rest.strip_suffix(" HTTP/1.1")).expect("a POST").to_owned();
        let (path, run) = target.split_once("?rid=").expect("a number of the run");
        (path.to_owned(), run.to_owned(), asked.body.clone())
    };
    let parts: Vec<_> = asked.iter().map(parts).collect();
    for pair in parts.chunks(2) {
        assert!(pair.iter().all(|(_, run, _)| *run == pair[0].1 && run.len() == 36), "{pair:?}");
    }
    parts.into_iter().map(|(path, _, words)| (path.replace(&format!("/ping/{WORD}"), ""), words)).collect()
}

/// A gauge of the file.
fn gauge(stand: &Stand, series: &str) -> Option<f64> {
    let text = stand.folder.read("feedmill.prom");
    assert!(text.ends_with('\n'), "{text}");
    text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' ')?.parse().ok())
}

#[test]
fn every_end_of_a_run_is_told() {
    let (web, stand) = monitored();
    assert_eq!(run(&stand).code, 0);
    assert_eq!(run(&stand).code, 0, "unchanged, which is well too");
    std::fs::remove_file(stand.folder.path("catalog.csv")).expect("there");
    assert_eq!(run(&stand).code, 3);
    let told = beats(&web);
    let paths: Vec<&str> = told.iter().map(|(path, _)| path.as_str()).collect();
    assert_eq!(paths, ["/start", "", "/start", "", "/start", "/fail"]);
    assert!(told[1].1.starts_with("pushed: shop, 3 items (+3 ~0 -0)"), "{}", told[1].1);
    assert_eq!(told[3].1, "unchanged: shop, 3 items");
    assert!(told[5].1.contains("catalog.csv"), "{}", told[5].1);
}

#[test]
fn a_run_that_failed_does_not_erase_the_last_success() {
    let (_web, stand) = monitored_of(40);
    assert_eq!(run(&stand).code, 0);
    assert_eq!(gauge(&stand, "feedmill_last_exit_code"), Some(0.0));
    assert_eq!(gauge(&stand, "feedmill_last_exit_code{target=\"shop\"}"), Some(0.0));
    assert_eq!(gauge(&stand, "feedmill_items{target=\"shop\",state=\"valid\"}"), Some(40.0));
    assert_eq!(gauge(&stand, "feedmill_items{target=\"shop\",state=\"invalid\"}"), Some(0.0));
    let success = "feedmill_last_success_timestamp_seconds{target=\"shop\"}";
    let before = gauge(&stand, success).expect("told");
    // As if it had been long ago, and of a target that is gone.
    let old = stand.folder.read("feedmill.prom").replace(&format!("{success} {before}"), &format!("{success} 1700000000"));
    stand.folder.write("feedmill.prom", format!("{old}feedmill_held{{target=\"gone\"}} 1\n"));
    // A tenth of the feed is held by a guard.
    stand.catalog(&items(4));
    let held = run(&stand);
    assert_eq!(held.code, 4, "{}{}", held.out, held.err);
    assert_eq!(gauge(&stand, success), Some(1_700_000_000.0));
    assert_eq!(gauge(&stand, "feedmill_last_exit_code{target=\"shop\"}"), Some(4.0));
    assert_eq!(gauge(&stand, "feedmill_held{target=\"shop\"}"), Some(1.0));
    assert_eq!(gauge(&stand, "feedmill_held{target=\"gone\"}"), None);
    // Nor does one that could not even begin.
    stand.folder.write("feedmill.toml", "surprise = 1\n");
    assert_eq!(run(&stand).code, 2);
    assert_eq!((gauge(&stand, success), gauge(&stand, "feedmill_last_exit_code")), (Some(1_700_000_000.0), Some(2.0)));
}

#[test]
fn a_monitor_that_is_down_changes_nothing() {
    let (_web, stand) = monitored();
    // Nobody listens at the port of a server that is gone.
    let port = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("bound").port();
    stand.folder.secret("beat", &format!("http://127.0.0.1:{port}/ping/{WORD}"));
    let run = stand.run(&["run", "--metrics-file", "state"]);
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
    assert!(run.err.contains("shop: the heartbeat was not heard: "), "{}", run.err);
    assert!(run.err.contains("the metrics were not written: "), "{}", run.err);
    assert!(!run.err.contains(WORD) && !run.out.contains(WORD), "{}{}", run.out, run.err);
    assert_eq!(stand.exchanges().iter().filter(|exchange| exchange.line().contains("POST /https/")).count(), 1);
}

#[test]
fn targets_do_not_share_a_heartbeat() {
    let (web, stand) = monitored();
    let settings = stand.folder.read("feedmill.toml");
    let target = settings.get(settings.find("[[target]]").expect("one")..).expect("whole").replace("\"shop\"", "\"test\"");
    stand.folder.write("feedmill.toml", format!("{settings}{target}"));
    let run = run(&stand);
    assert_eq!(run.code, 2);
    assert!(run.err.contains("test: heartbeat: `shop` has the same"), "{}{}", run.out, run.err);
    assert!(web.asked().is_empty());
}

#[test]
fn a_rehearsal_is_told_to_nobody() {
    let (web, stand) = monitored();
    stand.build();
    for flag in ["--dry-run", "--sandbox"] {
        let run = stand.run(&["push", flag, "--metrics-file", "feedmill.prom"]);
        assert_eq!(run.code, 0, "{}{}", run.out, run.err);
    }
    assert!(web.asked().is_empty() && !stand.folder.exists("feedmill.prom"));
    assert_eq!(stand.run(&["push", "--metrics-file", "feedmill.prom"]).code, 0);
    assert_eq!(beats(&web).len(), 2);
}

/// Cron mails what a run says: the same words every quarter of an hour are soon not read.
#[test]
fn a_hold_is_told_once_and_again_only_with_time() {
    let (_web, stand) = monitored_of(40);
    assert_eq!(run(&stand).code, 0);
    stand.catalog(&items(4));
    let first = run(&stand);
    assert!(first.code == 4 && first.out.contains("held: shop: "), "{}{}", first.out, first.err);
    let second = run(&stand);
    assert_eq!((second.code, second.out.as_str(), second.err.as_str()), (4, "", ""), "held all the same");
    // Whoever asks is told, a script always, and another reason is news.
    let asked = stand.push();
    assert!(asked.code == 4 && asked.out.contains("\"held\""), "{}", asked.out);
    let report = stand.run(&["run", "--output-format", "json"]).json();
    assert!(report["targets"][0]["notes"].to_string().contains("held since "), "{report}");
    let dear: Vec<_> = items(40).into_iter().map(|(id, _, stock)| (id, "9999.00 USD".to_owned(), stock)).collect();
    stand.catalog(&dear);
    let other = run(&stand);
    assert!(other.code == 4 && other.out.contains("held: shop: "), "{} {}{}", other.code, other.out, other.err);
}
