//! The delivery suite: every way in by every case, with the requests that were seen.

use super::stand::{HTTPS, IMPORTS, SETS, Stand, Way, items};
use std::fmt::Write;

/// How a case must end: the exit code, and the word in the report.
type End = (i32, &'static str);

struct Case {
    name: &'static str,
    /// What goes wrong; `{begin}`, `{carry}` and `{ask}` stand for the calls of the way in.
    fault: &'static str,
    /// Settings besides the usual.
    more: &'static str,
    end: End,
}

const fn case(name: &'static str, fault: &'static str, end: End) -> Case {
    Case { name, fault, more: "", end }
}

const CASES: [Case; 15] = [
    case("success", "", (0, "pushed")),
    case("throttled, no wait header", "{begin}: 429 x2", (0, "pushed")),
    case("throttled, wait header", "{carry}: 429 x1 retry-after=0", (0, "pushed")),
    case("throttled for long", "{begin}: 429 retry-after=7200", (5, "failed")),
    case("throttled for ever", "{begin}: 429", (5, "failed")),
    case("5xx, then success", "{carry}: 503 x2", (0, "pushed")),
    case("refused", "{begin}: 400", (7, "failed")),
    case("not let in", "{begin}: 403", (6, "failed")),
    case("should not retry", "{begin}: 503 should-retry=false", (7, "failed")),
    case("reset in mid-body", "{carry}: reset x1", (0, "pushed")),
    case("answer lost", "{begin}: lost x1", (0, "pushed")),
    case("answer of the carrying call lost", "{carry}: lost x1", (0, "pushed")),
    case("answer cut", "{carry}: cut x1", (0, "pushed")),
    // What end that is depends on what the body says of it.
    case("accepted, the body says failed", "{ask}: body-failed", (0, "failed")),
    Case {
        name: "never done",
        fault: "{ask}: never-done",
        more: "poll = { first_ms = 1, most_ms = 1, total_s = 0 }",
        end: (11, "unknown"),
    },
];

fn fault(case: &Case, way: &Way) -> String {
    case.fault.replace("{begin}", way.begin).replace("{carry}", way.carry).replace("{ask}", way.ask.unwrap_or(way.carry))
}

#[test]
fn every_way_in_by_every_case() {
    let mut table = String::new();
    let mut wrong = String::new();
    for way in [IMPORTS, SETS, HTTPS] {
        // What is answered at once cannot go on for ever.
        for case in CASES.iter().filter(|case| way.ask.is_some() || case.name != "never done") {
            let fault = fault(case, &way);
            let faults: Vec<&str> = if fault.is_empty() { Vec::new() } else { vec![&fault] };
            let stand = Stand::new(&faults, |_| {});
            stand.project(&way, case.more);
            stand.catalog(&items(12));
            stand.build();
            let run = stand.push();
            let word = run.json()["targets"][0]["outcome"].as_str().unwrap_or("").to_owned();
            let requests = stand.exchanges().len();
            writeln!(table, "{:<10} {:<34} {:>3} {:<8} {requests:>3} requests", way.name, case.name, run.code, word).expect("text");
            let end = match case.end {
                (0, "failed") => (if way.name == IMPORTS.name { 5 } else { 7 }, "failed"),
                end => end,
            };
            if (run.code, word.as_str()) != end {
                writeln!(wrong, "{} / {}: {} {word}\n{}\n{}", way.name, case.name, run.code, run.out, run.err).expect("text");
            }
            let done = stand.imports().iter().filter(|import| import.status == "succeeded").count();
            if way.ask.is_some() && done != usize::from(end.0 == 0) {
                writeln!(wrong, "{} / {}: {done} imports succeeded", way.name, case.name).expect("text");
            }
        }
    }
    println!("{table}");
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn a_target_that_asks_to_be_left_alone_is_not_asked_by_the_next_run() {
    let stand = Stand::built(&IMPORTS, 12, &["POST /v2/*: 429 x1 retry-after=7200"]);
    assert_eq!(stand.push().code, 5);
    let before = stand.exchanges().len();
    let run = stand.push();
    assert_eq!((run.code, stand.exchanges().len()), (5, before), "{}", run.out);
    assert!(run.json()["targets"][0]["not_before"].is_string(), "{}", run.out);
}

#[test]
fn what_was_sent_and_not_finished_is_asked_after_and_not_sent_again() {
    for way in [IMPORTS, SETS] {
        let stand = Stand::new(&[&format!("{}: never-done x1", way.ask.expect("asks"))], |_| {});
        stand.project(&way, "poll = { first_ms = 1, most_ms = 1, total_s = 0 }");
        stand.catalog(&items(12));
        stand.build();
        assert_eq!(stand.push().code, 11, "{}", way.name);
        stand.sandbox().heal();
        stand.project(&way, "");
        let run = stand.push();
        assert_eq!(run.code, 0, "{}: {}{}", way.name, run.out, run.err);
        assert_eq!(stand.imports().len(), 1, "{}", way.name);
        assert_eq!(stand.run(&["status"]).code, 0);
    }
}

#[test]
fn rows_that_the_target_refuses_are_shown_at_their_source_line() {
    for way in [IMPORTS, SETS] {
        let stand = Stand::built(&way, 40, &[]);
        // The catalog is sound by our rules; what the target refuses is broken behind them.
        let feed = stand.folder.read("out/shop/feed.csv");
        let broken: String = feed
            .lines()
            .enumerate()
            .map(|(line, text)| if (1..=10).contains(&line) { text.replace(" USD", " XXX") + "\n" } else { text.to_owned() + "\n" })
            .collect();
        let manifest = stand.folder.read("out/shop/feed.manifest.json");
        let digest = |text: &str| blake3::hash(text.as_bytes()).to_hex().to_string();
        stand.folder.write("out/shop/feed.manifest.json", manifest.replace(&digest(&feed), &digest(&broken)));
        stand.folder.write("out/shop/feed.csv", broken);
        let run = stand.push();
        assert_eq!(run.code, 8, "{}: {}{}", way.name, run.out, run.err);
        let found = run.json();
        let findings = found["findings"].as_array().expect("findings");
        let lines: Vec<u64> = findings.iter().map(|finding| finding["line"].as_u64().expect("a line")).collect();
        assert_eq!(lines, (2..=11).collect::<Vec<_>>(), "{}: {}", way.name, run.out);
        assert!(findings.iter().all(|finding| finding["file"] == "catalog.csv" && finding["code"] == "delivery/row-refused"));
        let again = stand.run(&["errors", "--output-format", "concise"]);
        assert_eq!(again.code, 1);
        assert!(again.out.contains("catalog.csv:2"), "{}", again.out);
        assert_eq!(stand.push().code, 0, "a refused row is not sent again before it changes");
    }
}
