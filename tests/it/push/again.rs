//! What a target refused is not held, whatever the snapshot says: it is sent again. And what is
//! remembered of a target may be lost: then nothing takes the place of a much larger feed.

use super::stand::{ACP, ADS, CANARY, IMPORTS, PRODUCT_FEEDS, PROMOTIONS, QUICK, SETS, Stand, items};
use crate::support::{Folder, Run};
use serde_json::Value;

fn told(run: &Run) -> Value {
    run.json()["targets"][0].clone()
}

/// The number of rows of an outcome that are called so.
fn count(outcome: &Value, name: &str) -> u64 {
    outcome[name].as_u64().unwrap_or_else(|| panic!("`{name}` is a number: {outcome}"))
}

#[test]
fn stock_of_products_that_come_later_arrives() {
    for way in [IMPORTS, SETS] {
        let stand = Stand::new(&[], |_| {});
        let deliver = way.deliver.replace("{base}", &format!("http://{}", stand.sandbox().address()));
        let target =
            |name: &str, spec: &str| format!("[[target]]\nname = \"{name}\"\nspec = \"{spec}\"\ndeliver = {{ {deliver}, {QUICK} }}\n");
        let project = format!("[source]\npath = \"catalog.csv\"\n{}{}", target("stock", "stripe-inventory"), target("products", "stripe"));
        stand.folder.write("feedmill.toml", project);
        stand.catalog(&items(5));
        let run = |arguments: &[&str], code: i32| {
            let run = stand.run(&[arguments, &["--output-format", "json"]].concat());
            assert_eq!(run.code, code, "{}: {arguments:?}: {}{}", way.name, run.out, run.err);
            told(&run)
        };
        let first = run(&["run", "stock"], 8);
        assert_eq!((count(&first, "refused"), count(&first, "outstanding")), (5, 5), "{}: no product is there yet", way.name);
        assert!(first["outstanding_from"].is_string());

        // Not every quarter of an hour the same refusal; but nobody is told that all is well.
        let second = run(&["run", "stock"], 0);
        assert_eq!((&second["outcome"], count(&second, "outstanding"), count(&second, "requests")), (&"unchanged".into(), 5, 0));
        let status = stand.run(&["status"]).out;
        assert!(
            status.contains("stock: 5 items") && status.contains("; 5 rows that were refused are sent again by `run` from "),
            "{status}"
        );

        stand.folder.run(&["build"]);
        run(&["push", "products"], 0);
        stand.hurry_outstanding();
        let third = run(&["run", "stock"], 0);
        assert_eq!((&third["outcome"], count(&third, "sent"), count(&third, "outstanding")), (&"pushed".into(), 5, 0), "{}", way.name);
        assert_eq!(stand.held("acct_sandbox", "SKU-3", "inventory_quantity").as_deref(), Some("5"));
        assert_eq!(run(&["run", "stock", "--error-on-unchanged"], 9)["outcome"], "unchanged");
    }
}

#[test]
fn a_refused_row_alone_is_sent_again_until_it_is_taken() {
    for way in [IMPORTS, SETS, ACP, PRODUCT_FEEDS, PROMOTIONS, ADS] {
        let stand = Stand::built(&way, 20, &[]);
        stand.break_rows(&way, 2);
        let push = |code: i32| {
            let run = stand.push();
            assert_eq!(run.code, code, "{}: {}{}", way.name, run.out, run.err);
            told(&run)
        };
        let first = push(8);
        assert_eq!((count(&first, "sent"), count(&first, "outstanding")), (20, 2), "{}", way.name);
        let before = stand.ids(&way);
        // A person who pushes waits for it: at once, and these rows only.
        let second = push(8);
        let sent = [count(&second, "sent"), count(&second, "refused"), count(&second, "outstanding"), count(&second, "changed")];
        assert_eq!(sent, [2, 2, 2, 2], "{}", way.name);
        let again = |run: &Value| run["outstanding_from"].as_str().expect("a time").parse::<jiff::Timestamp>().expect("a time");
        let wait = |run: &Value| {
            again(run).as_second() - run["ended"].as_str().expect("a time").parse::<jiff::Timestamp>().expect("a time").as_second()
        };
        assert!((590..=600).contains(&wait(&first)) && (1190..=1200).contains(&wait(&second)), "{} {}", wait(&first), wait(&second));
        assert_eq!(stand.ids(&way), before);

        // The same items, as they should have been.
        stand.build();
        let third = push(0);
        assert_eq!((count(&third, "sent"), count(&third, "outstanding")), (2, 0), "{}", way.name);
        assert_eq!(stand.ids(&way).len(), 20, "{}", way.name);
        assert_eq!(push(0)["outcome"], "unchanged", "{}", way.name);
    }
}

#[test]
fn a_refused_row_that_leaves_the_feed_is_no_longer_outstanding() {
    let stand = Stand::built(&IMPORTS, 12, &[]);
    stand.break_rows(&IMPORTS, 1);
    assert_eq!(stand.push().code, 8);
    stand.catalog(&items(12)[1..]);
    stand.build();
    let run = stand.push();
    assert_eq!((run.code, count(&told(&run), "outstanding"), count(&told(&run), "removed")), (0, 0, 1), "{}{}", run.out, run.err);
    assert_eq!(stand.ids(&IMPORTS).len(), 11);
    assert_eq!(told(&stand.push())["outcome"], "unchanged");
}

#[test]
fn a_feed_that_vanished_or_changed_its_format_is_put_there_again() {
    let folder = Folder::new();
    let project = |format: &str| {
        let target = "[[target]]\nname = \"shop\"\nspec = \"openai\"\ndeliver = { folder = \"published\" }\n";
        folder.write("feedmill.toml", format!("[source]\npath = \"catalog.csv\"\n{target}format = \"{format}\"\n"));
    };
    let stand = Stand::new(&[], |_| {});
    stand.catalog(&items(12));
    folder.write("catalog.csv", stand.folder.read("catalog.csv"));
    let run = |code: i32| {
        let run = folder.run(&["run", "--state", "state", "--error-on-unchanged"]);
        assert_eq!(run.code, code, "{}{}", run.out, run.err);
        folder.files("published").into_iter().filter(|name| !name.starts_with('.')).collect::<Vec<_>>()
    };
    project("csv");
    assert_eq!(run(0), ["feed.csv"]);
    assert_eq!(run(9), ["feed.csv"]);
    std::fs::remove_file(folder.path("published/feed.csv")).expect("removed");
    assert_eq!(run(0), ["feed.csv"], "it had vanished");
    folder.write("published/feed.csv", "cut");
    run(0);
    assert_eq!(folder.read("published/feed.csv"), folder.read("out/shop/feed.csv"), "it had been cut");
    project("jsonl");
    assert_eq!(run(0), ["feed.jsonl"], "no item changed, and the format did");
    assert_eq!(run(9), ["feed.jsonl"]);
}

#[test]
fn with_the_state_lost_a_much_smaller_feed_is_held() {
    let project = |stand: &Stand, deliver: &str| {
        let target = "[[target]]\nname = \"shop\"\nspec = \"openai\"\nformat = \"csv\"";
        stand.folder.write("feedmill.toml", format!("[source]\npath = \"catalog.csv\"\n{target}\ndeliver = {{ {deliver} }}\n"));
    };
    for name in ["folder", "sftp"] {
        if name == "sftp" && cfg!(not(feature = "sftp")) {
            continue;
        }
        let stand = Stand::new(&[], |_| {});
        let (address, host_key) = (stand.sandbox().sftp_address(), stand.sandbox().host_key());
        match name {
            "folder" => project(&stand, "folder = \"published\""),
            _ => project(&stand, &format!("sftp = \"sftp://shop@{address}/\", password = {{ file = \"key\" }}, host_key = \"{host_key}\"")),
        }
        let push = |count: usize, more: &[&str], code: i32| {
            stand.catalog(&items(count));
            stand.build();
            let run = stand.run(&[&["push"], more].concat());
            assert_eq!(run.code, code, "{name}: {count} {more:?}: {}{}", run.out, run.err);
            run.out
        };
        assert!(!push(40, &[], 0).contains("worth a look"), "nothing stands there yet");
        let forget = || std::fs::remove_dir_all(stand.folder.path("state")).expect("a state");
        forget();
        let held = push(20, &[], 4);
        assert!(held.contains("nothing is remembered of this target, where a feed of ") && !held.contains(CANARY), "{name}: {held}");
        let digest = held.split("--approve ").nth(1).and_then(|rest| rest.split('`').next()).expect("a digest").to_owned();
        push(20, &["--approve", &digest], 0);
        // As large as what stands there: it goes, and says on what grounds.
        forget();
        assert!(push(20, &[], 0).contains("only its size could be compared"), "{name}");
        assert!(!push(21, &[], 0).contains("worth a look"), "{name}: remembered again");
        verified(&stand, name);
    }
}

/// What stands there is compared byte for byte with what was built.
fn verified(stand: &Stand, name: &str) {
    let leave = |file: &str, bytes: &[u8]| match name {
        "folder" => drop(stand.folder.write(&format!("published/{file}"), bytes)),
        _ => assert!(stand.sandbox().leave("shop", file, bytes)),
    };
    let verify = |code: i32, words: &str, state: &str| {
        let run = stand.run(&["verify"]);
        assert_eq!((run.code, run.out.as_str()), (code, words), "{name}: {}", run.err);
        let files = stand.run(&["verify", "--json"]).json()["targets"][0]["files"].clone();
        assert_eq!((&files[0]["name"], &files[0]["state"]), (&"feed.csv".into(), &state.into()));
    };
    verify(0, "shop: 1 of 1 file as built\n", "as-built");
    let built = std::fs::read(stand.folder.path("out/shop/feed.csv")).expect("built");
    let mut other = built.clone();
    if let Some(last) = other.last_mut() {
        *last = b'!';
    }
    leave("feed.csv", &other);
    verify(1, "shop: 0 of 1 file as built, 1 differing feed.csv\n", "differs");
    leave("feed.csv", &built[1..]);
    verify(1, "shop: 0 of 1 file as built, 1 differing feed.csv\n", "differs");
    leave("feed.csv", &built);
    verify(0, "shop: 1 of 1 file as built\n", "as-built");
}
