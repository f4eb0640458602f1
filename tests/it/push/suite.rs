//! The delivery suite: every way in by every case, with the requests that were seen.

use super::stand::{ACP, ADS, HTTPS, IMPORTS, PRODUCT_FEEDS, PROMOTIONS, SETS, Stand, Way, items};
use std::fmt::Write;

/// How a case must end: the exit code, and the word in the report.
type End = (i32, &'static str);

/// Items of a case.
const ITEMS: usize = 12;
/// Rows that are broken where a case breaks some.
const BROKEN: usize = 2;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Act {
    /// One push.
    Once,
    /// The same again in full.
    Twice,
    /// Rows that the target must refuse.
    Broken,
}

struct Case {
    name: &'static str,
    /// What goes wrong; `{begin}`, `{carry}` and `{ask}` stand for the calls of the way in.
    fault: &'static str,
    /// Settings besides the usual.
    more: &'static str,
    /// How often the target is seen at work before it is done.
    polls: u32,
    act: Act,
    end: End,
}

const fn case(name: &'static str, fault: &'static str, end: End) -> Case {
    Case { name, fault, more: "", polls: 1, act: Act::Once, end }
}

const CASES: [Case; 18] = [
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
    Case { act: Act::Twice, ..case("duplicate", "", (0, "pushed")) },
    Case { polls: 5, ..case("pending, then done", "", (0, "pushed")) },
    Case { act: Act::Broken, ..case("partial rejection", "", (8, "pushed")) },
    Case { more: "poll = { first_ms = 1, most_ms = 1, total_s = 0 }", ..case("never done", "{ask}: never-done", (11, "unknown")) },
];

/// Why a case cannot be with a way in.
fn impossible(case: &Case, way: &Way) -> Option<&'static str> {
    if way.ask.is_none() && (case.polls > 1 || case.end.0 == 11) {
        return Some("the answer to the request is the verdict");
    }
    (case.act == Act::Broken && way.flaw.is_none()).then_some("the endpoint tells of files, not of rows")
}

fn fault(case: &Case, way: &Way) -> String {
    case.fault.replace("{begin}", way.begin).replace("{carry}", way.carry).replace("{ask}", way.ask.unwrap_or(way.carry))
}

#[test]
fn every_way_in_by_every_case() {
    let mut table = String::new();
    let mut wrong = String::new();
    for way in [IMPORTS, SETS, HTTPS, ACP, PRODUCT_FEEDS, PROMOTIONS, ADS] {
        for case in &CASES {
            let head = format!("{:<13} {:<33}", way.name, case.name);
            if let Some(why) = impossible(case, &way) {
                writeln!(table, "{head}   - {why}").expect("text");
                continue;
            }
            let fault = fault(case, &way);
            let faults: Vec<&str> = if fault.is_empty() { Vec::new() } else { vec![&fault] };
            let stand = Stand::new(&faults, |options| options.polls_until_done = case.polls);
            stand.project(&way, case.more);
            stand.catalog(&items(ITEMS));
            stand.build();
            if case.act == Act::Broken {
                stand.break_rows(&way, BROKEN);
            }
            let mut run = stand.push();
            if case.act == Act::Twice {
                assert_eq!(run.code, 0, "{head}: {}{}", run.out, run.err);
                run = stand.run(&["push", "--full", "--output-format", "json"]);
            }
            let word = run.json()["targets"][0]["outcome"].as_str().unwrap_or("").to_owned();
            let requests = stand.exchanges().len();
            writeln!(table, "{head} {:>3} {word:<8} {requests:>3} requests", run.code).expect("text");
            let end = match case.end {
                (0, "failed") => (if way.name == IMPORTS.name { 5 } else { 7 }, "failed"),
                end => end,
            };
            if (run.code, word.as_str()) != end {
                writeln!(wrong, "{head}: {} {word}\n{}\n{}", run.code, run.out, run.err).expect("text");
            }
            let mut held = stand.ids(&way);
            let all = held.len();
            held.dedup();
            let expected = match end.0 {
                0 => ITEMS,
                8 => ITEMS - BROKEN,
                _ => 0,
            };
            if (held.len(), all) != (expected, expected) {
                writeln!(wrong, "{head}: {} items and {all} rows are held instead of {expected}", held.len()).expect("text");
            }
            let done = stand.imports().iter().filter(|import| import.status == "succeeded").count();
            if way.ask.is_some() && case.act == Act::Once && done != usize::from(end.0 == 0) {
                writeln!(wrong, "{head}: {done} imports succeeded").expect("text");
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
    assert!(run.out.contains("asked to be left alone until 20"), "{}", run.out);
    // So long nobody asks for: a clock was wrong when it was written down.
    let stand = Stand::built(&IMPORTS, 12, &["POST /v2/*: 429 x1 retry-after=90000000"]);
    assert_eq!(stand.push().code, 5);
    let run = stand.push();
    assert_eq!(run.code, 0, "{}", run.out);
}

/// A project whose first delivery was sent, and not seen to its end.
fn unfinished(way: &Way) -> Stand {
    let stand = Stand::new(&[&format!("{}: never-done x1", way.ask.expect("asks"))], |_| {});
    stand.project(way, "poll = { first_ms = 1, most_ms = 1, total_s = 0 }");
    stand.catalog(&items(12));
    stand.build();
    assert_eq!(stand.push().code, 11, "{}", way.name);
    stand.sandbox().heal();
    stand.project(way, "");
    stand
}

#[test]
fn what_was_sent_and_not_finished_is_asked_after_and_not_sent_again() {
    for way in [IMPORTS, SETS] {
        let stand = unfinished(&way);
        let run = stand.push();
        assert_eq!(run.code, 0, "{}: {}{}", way.name, run.out, run.err);
        assert_eq!(stand.imports().len(), 1, "{}", way.name);
        assert_eq!(stand.run(&["status"]).code, 0);
    }
}

/// A sandbox that was begun anew, or a target that keeps what it was told for some days only.
#[test]
fn what_was_begun_and_is_not_known_there_any_more_is_sent_anew() {
    for way in [IMPORTS, SETS] {
        let stand = unfinished(&way);
        stand.fault(&format!("{}: 404 x1", way.ask.expect("asks")));
        let run = stand.push();
        assert_eq!(run.code, 0, "{}: {}{}", way.name, run.out, run.err);
        assert_eq!(stand.imports().len(), 2, "{}", way.name);
        assert_eq!(stand.run(&["run", "--error-on-unchanged"]).code, 9);
    }
}

/// What a run has under way it asks after by itself; a second that settled it as well would write
/// over what the first has learnt since.
#[test]
fn status_asks_nothing_while_a_run_holds_the_lock() {
    let stand = Stand::new(&["GET /v2/commerce/*: never-done x1"], |_| {});
    stand.project(&IMPORTS, "poll = { first_ms = 1, most_ms = 1, total_s = 0 }");
    stand.catalog(&items(12));
    stand.build();
    assert_eq!(stand.push().code, 11);
    stand.sandbox().heal();
    let before = stand.exchanges().len();
    while_locked(&stand, |stand| {
        for more in [&["status"][..], &["status", "--watch=1s"]] {
            let run = stand.run(more);
            assert_eq!((run.code, stand.exchanges().len()), (10, before), "{more:?}: {}{}", run.out, run.err);
            assert!(run.out.contains("unknown") && run.err.contains("another run holds"), "it shows what is known: {}{}", run.out, run.err);
        }
    });
    let run = stand.run(&["status"]);
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
    assert!(stand.exchanges().len() > before);
    // Nothing is open any more: the lock is of no concern.
    while_locked(&stand, |stand| assert_eq!(stand.run(&["status"]).code, 0));
    assert_eq!(stand.push().code, 0);
    assert_eq!(stand.imports().len(), 1);
}

/// Does something while another run holds the lock.
fn while_locked(stand: &Stand, meanwhile: impl Fn(&Stand)) {
    let lock = std::fs::OpenOptions::new().write(true).open(stand.folder.path("state/state.lock")).expect("the lock file");
    lock.lock().expect("held");
    meanwhile(stand);
}

#[test]
fn rows_that_the_target_refuses_are_shown_at_their_source_line() {
    for way in [IMPORTS, SETS, ACP, PRODUCT_FEEDS, PROMOTIONS, ADS] {
        let stand = Stand::built(&way, 40, &[]);
        // The catalog is sound by our rules; what the target refuses is broken behind them.
        stand.break_rows(&way, 10);
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
        let outcome = |run: &crate::support::Run| run.json()["targets"][0]["outcome"].as_str().map(str::to_owned);
        let run = stand.run(&["run", "--output-format", "json"]);
        assert_eq!((run.code, outcome(&run).as_deref()), (0, Some("unchanged")), "not at once, unless somebody pushes");
    }
}

#[test]
fn a_clock_that_is_wrong_is_pointed_out() {
    let now = jiff::Timestamp::now().as_second();
    for (apart, expected) in [(0, None), (200, None), (-900, Some("s ahead of the target's")), (86_400, Some("s behind the target's"))] {
        let stand = Stand::new(&[], |_| {});
        let date = jiff::Timestamp::from_second(now + apart).expect("a time");
        let date = jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&date).expect("a date");
        let answer = move || async move { ([("date", date)], r#"{"status":"accepted"}"#) };
        let address = stand.serve(axum::Router::new().fallback(answer));
        let deliver = HTTPS.deliver.replace("{base}", &address);
        stand.project(&Way { deliver: Box::leak(deliver.into_boxed_str()), ..HTTPS }, "");
        stand.catalog(&items(3));
        stand.build();
        let run = stand.push();
        assert_eq!(run.code, 0, "{}{}", run.out, run.err);
        let notes = run.json()["targets"][0]["notes"].to_string();
        assert_eq!(notes.contains("the clock of this machine is "), expected.is_some(), "{apart}: {notes}");
        assert!(expected.is_none_or(|words| notes.contains(words)), "{apart}: {notes}");
    }
}
