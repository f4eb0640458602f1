//! Only what changed is sent, and a snapshot that looks like an accident is held.

use super::stand::{IMPORTS, SETS, Stand, items};
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

#[test]
fn nothing_one_price_one_stock_one_title_one_removal() {
    let stand = Stand::built(&IMPORTS, 30, &[]);
    assert_eq!(stand.push().code, 0);
    let sent = |stand: &Stand| stand.imports().last().map(|import| (import.feed_type.clone(), import.taken)).expect("an import");
    assert_eq!(sent(&stand), ("product".to_owned(), 30));
    let run = stand.run(&["run"]);
    assert_eq!((run.code, run.out.as_str(), run.err.as_str(), stand.imports().len()), (0, "", "", 1));

    let mut now = items(30);
    now[2].1 = "14.50 USD".to_owned();
    stand.catalog(&now);
    assert_eq!(stand.run(&["run"]).code, 0);
    assert_eq!((sent(&stand), stand.imports().len()), (("pricing".to_owned(), 1), 2));
    assert_eq!(stand.held("acct_sandbox", "SKU-3", "price").as_deref(), Some("14.50 USD"));

    now[4].2 = 4;
    stand.catalog(&now);
    assert_eq!(stand.run(&["run"]).code, 0);
    assert_eq!((sent(&stand), stand.imports().len()), (("inventory".to_owned(), 1), 3));
    assert_eq!(stand.held("acct_sandbox", "SKU-5", "inventory_quantity").as_deref(), Some("4"));

    let gone = now.remove(6);
    stand.catalog(&now);
    let run = stand.run(&["run", "--output-format", "json"]);
    assert_eq!((run.code, run.json()["targets"][0]["removed"].as_u64()), (0, Some(1)), "{}", run.out);
    assert_eq!((sent(&stand), stand.imports().len()), (("product".to_owned(), 1), 4));
    assert_eq!(stand.held("acct_sandbox", &gone.0, "id"), None);
    assert_eq!(stand.sandbox().products("acct_sandbox").len(), 29);

    // What is sold out is not for sale: another column moves with the stock, so the row goes.
    now[5].2 = 0;
    stand.catalog(&now);
    assert_eq!(stand.run(&["run"]).code, 0);
    assert_eq!((sent(&stand), stand.imports().len()), (("product".to_owned(), 1), 5));
    assert_eq!(stand.held("acct_sandbox", "SKU-6", "availability").as_deref(), Some("out_of_stock"));
    assert_eq!(stand.run(&["run", "--error-on-unchanged"]).code, 9);
}

#[test]
fn files_are_split_at_the_limit() {
    for (way, limit) in [(IMPORTS, 2_000), (SETS, 1_500)] {
        let stand = Stand::new(&[], |_| {});
        stand.project(&way, &format!("limit_bytes = {limit}"));
        stand.catalog(&items(40));
        stand.build();
        let whole = stand.folder.read("out/shop/feed.csv").len();
        let run = stand.push();
        assert_eq!(run.code, 0, "{}{}", run.out, run.err);
        let imports = stand.imports();
        assert!(imports.len() >= whole / limit && imports.iter().all(|import| import.status == "succeeded"), "{imports:?}");
        assert_eq!(stand.sandbox().products("acct_sandbox").len(), 40);
    }
}

#[test]
fn eight_runs_of_cron() {
    let stand = Stand::built(&IMPORTS, 30, &[]);
    let mut told = Vec::new();
    let mut run = |stand: &Stand, name: &str, code: i32| {
        let run = stand.run(&["run"]);
        assert_eq!(run.code, code, "{name}: {}{}", run.out, run.err);
        told.push(format!("{name}: exit {code} {}", run.out.trim_end()));
        run
    };
    run(&stand, "first", 0);
    run(&stand, "unchanged", 0);
    let mut now = items(30);
    now[0].1 = "11.50 USD".to_owned();
    stand.catalog(&now);
    run(&stand, "one price", 0);
    now.pop();
    stand.catalog(&now);
    run(&stand, "one removal", 0);
    let half = &now[..14];
    stand.catalog(half);
    let held = run(&stand, "cut in half", 4);
    assert_eq!(stand.sandbox().products("acct_sandbox").len(), 29, "the last good feed stays");
    let digest = held.out.split("--approve ").nth(1).and_then(|rest| rest.split('`').next()).expect("a digest").to_owned();
    assert_eq!(stand.run(&["push", "--approve", "0000000000000000"]).code, 4, "another digest approves nothing");
    // A rehearsal goes on as if the feed were approved, says so, and writes nothing down.
    let planned = stand.run(&["push", "--dry-run", "--approve", &digest]);
    assert_eq!(planned.code, 0, "{}{}", planned.out, planned.err);
    assert!(planned.out.contains("planned:") && planned.out.contains("without `--approve` it would be held"), "{}", planned.out);
    assert_eq!(stand.run(&["push"]).code, 4, "what a rehearsal was told is not remembered");
    assert_eq!(stand.run(&["push", "--approve", &digest]).code, 0);
    assert_eq!(stand.sandbox().products("acct_sandbox").len(), 14);
    // Two at once: the lock is the system's, whoever holds it.
    let lock = std::fs::OpenOptions::new().write(true).open(stand.folder.path("state/state.lock")).expect("the lock file");
    lock.lock().expect("held");
    run(&stand, "two at once", 10);
    drop(lock);
    now[1].1 = "99.50 USD".to_owned();
    stand.catalog(&now[..14]);
    stand.fault("* *: 503 x5");
    run(&stand, "target down", 5);
    stand.sandbox().heal();
    run(&stand, "target back", 0);
    assert_eq!(stand.held("acct_sandbox", "SKU-2", "price").as_deref(), Some("99.50 USD"));
    println!("{}", told.join("\n"));
}

#[test]
fn what_looks_like_an_accident_is_held_whatever_moved() {
    let stand = Stand::built(&IMPORTS, 60, &[]);
    let catalog: String = stand.folder.read("catalog.csv").lines().map(|line| format!("{line},Steel\n")).collect();
    let catalog = catalog.replacen(",Steel\n", ",material\n", 1);
    stand.folder.write("catalog.csv", &catalog);
    assert_eq!(stand.run(&["run"]).code, 0);
    let run = |text: &str, code: i32| {
        stand.folder.write("catalog.csv", text);
        let run = stand.run(&["run", "--output-format", "json"]);
        assert_eq!(run.code, code, "{}{}", run.out, run.err);
        let told = run.json()["targets"][0].clone();
        (told["guards"].to_string(), told["notes"].to_string())
    };
    let (why, _) = run(&catalog.replace(",in_stock,", ",out_of_stock,").replace(",5,Home", ",0,Home"), 4);
    assert_eq!(why, r#"["0 of 60 items are in stock instead of 60 of 60"]"#);
    let (why, _) = run(&catalog.replace(" USD,", " EUR,"), 4);
    assert_eq!(why, r#"["the prices of 60 of 60 items are in another currency"]"#);
    let (why, _) = run(&catalog.replace("https://shop.example/p/", "https://staging.shop.example/p/"), 4);
    assert_eq!(why, r#"["the links of 60 of 60 items lead to another host"]"#);
    let (why, _) = run(&catalog.replace(",Steel", ","), 4);
    assert_eq!(why, r#"["`material` has a value in 0 of 60 items instead of 60 of 60"]"#);
    // Nine of sixty cost more than half as much again: rows 2 to 10, from 12 to 20 up to 41 to 49.
    let dearer: String =
        (12..21).fold(catalog.clone(), |text, price| text.replace(&format!(",{price}.00 USD"), &format!(",{}.00 USD", price + 29)));
    let (why, _) = run(&dearer, 0);
    assert_eq!(why, "[]", "nine items are fewer than ten");
    // One link is worth a look, and holds nothing.
    let (why, notes) = run(&dearer.replace("https://shop.example/p/SKU-7,", "https://other.example/p/SKU-7,"), 0);
    assert_eq!((why.as_str(), notes.as_str()), ("[]", r#"["worth a look: the links of 1 of 60 items lead to another host"]"#));
}

#[test]
fn a_feed_that_leaks_from_run_to_run_is_held_at_a_quarter() {
    let stand = Stand::built(&IMPORTS, 200, &[]);
    assert_eq!(stand.push().code, 0);
    let run = |count: usize| {
        stand.catalog(&items(count));
        let run = stand.run(&["run"]);
        (run.code, run.out)
    };
    // Each less than a tenth below the one before.
    for count in [181, 164, 151] {
        let (code, out) = run(count);
        assert_eq!(code, 0, "{count}: {out}");
    }
    let (code, out) = run(140);
    assert!(code == 4 && out.contains("140 items instead of the 200 of some day this week (60 fewer)"), "{code} {out}");
    let digest = out.split("--approve ").nth(1).and_then(|rest| rest.split('`').next()).expect("a digest").to_owned();
    assert_eq!(stand.run(&["push", "--approve", &digest]).code, 0);
    // What a person let through is what later runs are measured by.
    assert_eq!(run(130).0, 0);
}

#[test]
fn a_run_waits_for_its_turn_when_asked_to() {
    let stand = Stand::built(&IMPORTS, 12, &[]);
    assert_eq!(stand.push().code, 0);
    let lock = std::fs::OpenOptions::new().write(true).open(stand.folder.path("state/state.lock")).expect("the lock file");
    lock.lock().expect("held");
    let run = stand.run(&["run", "--if-locked", "ok"]);
    assert!(run.code == 0 && run.err.contains("another run holds"), "{} {}", run.code, run.err);
    let mut waiting = Command::new(env!("CARGO_BIN_EXE_feedmill"))
        .args(["run", "--lock-wait", "5m", "--state", "state"])
        .current_dir(stand.folder.path(""))
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut line = String::new();
    BufReader::new(waiting.stderr.take().expect("piped")).read_line(&mut line).expect("a line");
    assert!(line.starts_with("waiting: another run holds"), "{line}");
    assert!(waiting.try_wait().expect("a child").is_none());
    drop(lock);
    assert_eq!(waiting.wait().expect("ended").code(), Some(0));
}

#[test]
fn a_target_that_fails_for_long_does_not_fill_the_state() {
    let stand = Stand::built(&IMPORTS, 30, &[]);
    assert_eq!(stand.push().code, 0);
    stand.fault("PUT *: 503");
    let mut now = items(30);
    let gone = now.remove(6);
    for round in 0..12 {
        now[round].1 = format!("{}.75 USD", 11 + round);
        stand.catalog(&now);
        assert_eq!(stand.run(&["run"]).code, 5);
    }
    assert!(
        stand.count("holding") <= 6 && stand.count("snapshot") <= 6,
        "{} holdings, {} snapshots",
        stand.count("holding"),
        stand.count("snapshot")
    );
    // What it holds is as uncertain as can be: still everything that is not as it was comes out right.
    stand.sandbox().heal();
    let back = now[0].1.clone();
    now[0].1 = "11.00 USD".to_owned();
    stand.catalog(&now);
    let run = stand.run(&["run"]);
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
    assert_eq!(stand.held("acct_sandbox", "SKU-1", "price").as_deref(), Some("11.00 USD"), "and not {back}");
    assert_eq!(stand.held("acct_sandbox", "SKU-13", "price").as_deref(), Some("22.75 USD"));
    assert_eq!(stand.held("acct_sandbox", &gone.0, "id"), None);
    assert_eq!((stand.count("holding"), stand.count("snapshot")), (1, 1));
    assert_eq!(stand.run(&["run", "--error-on-unchanged"]).code, 9);
}

#[test]
fn prices_in_the_wrong_unit_and_an_empty_catalog_are_held() {
    let stand = Stand::built(&IMPORTS, 12, &[]);
    assert_eq!(stand.push().code, 0);
    let cents: Vec<_> = items(12).into_iter().map(|(id, price, stock)| (id, price.replace(".00 USD", "00.00 USD"), stock)).collect();
    stand.catalog(&cents);
    let run = stand.run(&["run"]);
    assert!(run.code == 4 && run.out.contains("factor of a hundred"), "{}{}", run.out, run.err);
    let free: Vec<_> = items(12).into_iter().map(|(id, _, stock)| (id, String::new(), stock)).collect();
    stand.catalog(&free);
    let run = stand.run(&["run"]);
    assert!(run.code == 4 && run.out.contains("no item of the catalog is sound"), "{}{}", run.out, run.err);
    assert!(run.out.contains("--allow-empty") && !run.out.contains("--approve"), "there is nothing to approve: {}", run.out);
    assert_eq!(stand.imports().len(), 1);
    // A last value that may be cut is sent, and said.
    let cut = stand.folder.read("catalog.csv").replace(",,", ",1.00 USD,");
    stand.folder.write("catalog.csv", cut.trim_end());
    let run = stand.run(&["run"]);
    assert!(run.err.contains("has no line end"), "{}{}", run.out, run.err);
}

#[test]
fn a_folder_holds_the_feed_and_no_stale_shard_of_ours() {
    let stand = Stand::new(&[], |_| {});
    let way = super::stand::Way { name: "folder", spec: "openai", deliver: r#"folder = "web""#, ..IMPORTS };
    stand.project(&way, "");
    stand.catalog(&items(12));
    stand.build();
    stand.folder.write("web/robots.txt", "theirs");
    assert_eq!(stand.push().code, 0);
    assert_eq!(stand.folder.files("web"), [".feedmill-files", "feed.jsonl.gz", "robots.txt"]);
    // The format changes, and so does the name; the old file goes.
    let settings = stand.folder.read("feedmill.toml").replace("spec = \"openai\"", "spec = \"openai\"\nformat = \"csv.gz\"");
    stand.folder.write("feedmill.toml", settings);
    stand.build();
    let run = stand.run(&["push", "--full"]);
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
    assert_eq!(stand.folder.files("web"), [".feedmill-files", "feed.csv.gz", "robots.txt"]);
    assert_eq!(stand.run(&["push", "--sandbox"]).code, 0);
    assert_eq!(stand.run(&["push", "--dry-run"]).code, 0);
}

#[test]
fn a_rehearsal_inside_the_program_needs_no_account_and_leaves_nothing() {
    let stand = Stand::built(&IMPORTS, 12, &[]);
    let run = stand.run(&["push", "--sandbox"]);
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
    assert!(run.err.contains("PUT /stripe-uploads/") && run.out.contains("12 sent"), "{}{}", run.out, run.err);
    assert!(stand.exchanges().is_empty() && !stand.folder.exists("state"));
}
