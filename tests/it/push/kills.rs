//! Killed at every request of a delivery, once before and once after the target has done what
//! it asks: the next run brings the right end, with one import for each content.

use super::stand::{IMPORTS, SETS, Stand, items};
use std::collections::BTreeMap;

#[test]
fn one_import_for_each_content_wherever_it_dies() {
    let mut points = 0;
    for way in [IMPORTS, SETS] {
        for is_done in [true, false] {
            for exchange in 1..50 {
                let stand = Stand::built(&way, 12, &[]);
                if !is_done {
                    stand.fault(&format!("* *: reset x1 after={}", exchange - 1));
                }
                let died = stand.killed_at(exchange, &["push"]);
                if !died {
                    assert!(exchange > 3, "{}: died nowhere", way.name);
                    break;
                }
                points += 1;
                stand.sandbox().heal();
                let place = format!("{} killed at {exchange}, {}", way.name, if is_done { "done" } else { "not done" });
                let run = stand.push();
                assert_eq!(run.code, 0, "{place}: {}{}", run.out, run.err);
                let mut by_content: BTreeMap<String, u32> = BTreeMap::new();
                for import in stand.imports().iter().filter(|import| import.blake3.is_some()) {
                    *by_content.entry(import.blake3.clone().expect("checked")).or_default() += 1;
                }
                assert!(by_content.len() == 1 && by_content.values().all(|count| *count == 1), "{place}: {by_content:?}");
                assert_eq!(stand.sandbox().products("acct_sandbox").len(), 12, "{place}");
                let before = stand.exchanges().len();
                let third = stand.push();
                assert_eq!(third.json()["targets"][0]["outcome"], "unchanged", "{place}");
                assert_eq!(stand.exchanges().len(), before, "{place}");
            }
        }
    }
    println!("killed at {points} points");
}

#[test]
fn a_change_after_a_kill_reverts_what_the_dead_run_may_have_brought() {
    for exchange in 1..=4 {
        let stand = Stand::built(&IMPORTS, 12, &[]);
        assert_eq!(stand.push().code, 0);
        let mut now = items(12);
        now[0].1 = "55.00 USD".to_owned();
        stand.catalog(&now);
        stand.build();
        stand.killed_at(exchange, &["push"]);
        // Back to what the target accepted last: no digest differs from the accepted snapshot.
        stand.catalog(&items(12));
        stand.build();
        let run = stand.push();
        assert_eq!(run.code, 0, "{exchange}: {}{}", run.out, run.err);
        assert_eq!(stand.held("acct_sandbox", "SKU-1", "price").as_deref(), Some("11.00 USD"), "killed at {exchange}");
    }
}
