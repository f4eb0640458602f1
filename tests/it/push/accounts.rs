//! Connected accounts: the same feed for each, or each its own rows of one catalog; every account
//! has an outcome, a difference and a fate of its own.

use super::stand::{IMPORTS, Item, SETS, Stand, Way, items};
use crate::support::Run;

/// Writes a catalog whose rows say whose they are.
fn catalog(stand: &Stand, rows: &[(&str, Item)]) {
    let mut text =
        String::from("item_id,title,description,url,brand,mpn,image_url,availability,price,inventory_quantity,product_category,vendor\n");
    for (vendor, (id, price, stock)) in rows {
        text.push_str(&format!(
            "{id},Bottle {id},A bottle.,https://shop.example/{id},Acme,M-{id},https://shop.example/{id}.jpg,in_stock,{price},{stock},Home > Kitchen,{vendor}\n"
        ));
    }
    stand.folder.write("catalog.csv", text);
}

/// Three vendors whose rows stand among each other, and whose ids are the same.
fn three() -> Vec<(&'static str, Item)> {
    let vendors = [("acct_1", 5), ("acct_2", 4), ("acct_3", 3)];
    (0..5)
        .flat_map(|n| vendors.into_iter().filter(move |(_, count)| n < *count).map(move |(name, _)| (name, items(5)[n].clone())))
        .collect()
}

fn by_column(way: &Way, known: &[&str]) -> Stand {
    let stand = Stand::new(&[], |options| options.accounts = known.iter().map(|&name| name.to_owned()).collect());
    stand.project(way, "at_once = 1");
    let settings = stand.folder.read("feedmill.toml");
    stand.folder.write("feedmill.toml", format!("{settings}accounts = {{ from = \"vendor\" }}\n"));
    catalog(&stand, &three());
    stand
}

/// Account and outcome of each, in the order of the report.
fn outcomes(run: &Run) -> Vec<(String, String)> {
    let found = run.json();
    let word = |value: &serde_json::Value| value.as_str().unwrap_or("").to_owned();
    found["targets"].as_array().expect("targets").iter().map(|one| (word(&one["account"]), word(&one["outcome"]))).collect()
}

fn said(words: [&str; 3]) -> Vec<(String, String)> {
    ["acct_1", "acct_2", "acct_3"].iter().zip(words).map(|(name, word)| ((*name).to_owned(), word.to_owned())).collect()
}

const JSON: [&str; 3] = ["run", "--output-format", "json"];

#[test]
fn each_row_goes_to_the_account_it_names() {
    for way in [IMPORTS, SETS] {
        let stand = by_column(&way, &[]);
        let run = stand.run(&JSON);
        assert_eq!((run.code, outcomes(&run)), (0, said(["pushed"; 3])), "{}: {}{}", way.name, run.out, run.err);
        for (account, count) in [("acct_1", 5), ("acct_2", 4), ("acct_3", 3)] {
            assert_eq!(stand.sandbox().products(account).len(), count, "{}", way.name);
        }
        assert!(stand.sandbox().products("acct_sandbox").is_empty());
        // Each call but the one to a presigned address names the account, and one account after the other.
        let header = if way.name == IMPORTS.name { "stripe-context" } else { "stripe-account" };
        let named: Vec<String> = stand
            .exchanges()
            .iter()
            .filter(|exchange| !exchange.path.starts_with("/stripe-uploads/"))
            .map(|exchange| exchange.headers.iter().find(|(name, _)| name == header).map_or_else(String::new, |(_, value)| value.clone()))
            .collect();
        let mut in_turn = named.clone();
        in_turn.dedup();
        assert_eq!(in_turn.len(), 3, "{named:?}");

        let before = stand.imports().len();
        let run = stand.run(&JSON);
        assert_eq!((run.code, outcomes(&run), stand.imports().len()), (0, said(["unchanged"; 3]), before), "{}", run.out);

        let mut rows = three();
        rows[4].1.1 = "77.00 USD".to_owned();
        assert_eq!(rows[4].0, "acct_2");
        catalog(&stand, &rows);
        let run = stand.run(&JSON);
        assert_eq!((run.code, outcomes(&run)), (0, said(["unchanged", "pushed", "unchanged"])), "{}", run.out);
        let last = stand.imports().pop().expect("an import");
        assert_eq!((last.account.as_str(), last.taken, stand.imports().len()), ("acct_2", 1, before + 1));
        assert_eq!(stand.held("acct_2", "SKU-2", "price").as_deref(), Some("77.00 USD"));
        assert_eq!(stand.held("acct_1", "SKU-2", "price").as_deref(), Some("12.00 USD"));
    }
}

#[test]
fn one_account_that_fails_does_not_stop_the_others() {
    for way in [IMPORTS, SETS] {
        let stand = by_column(&way, &["acct_1", "acct_3"]);
        let run = stand.run(&JSON);
        assert_eq!((run.code, outcomes(&run)), (6, said(["pushed", "failed", "pushed"])), "{}: {}{}", way.name, run.out, run.err);
        let run = stand.run(&JSON);
        assert_eq!((run.code, outcomes(&run)), (6, said(["unchanged", "failed", "unchanged"])), "{}: {}{}", way.name, run.out, run.err);
        // A feed that was changed after the build is that account's trouble alone.
        stand.build();
        stand.folder.write("out/shop/acct_1/feed.csv", "id\n");
        let run = stand.push();
        assert_eq!(outcomes(&run), said(["failed", "failed", "unchanged"]), "{}", run.out);
        assert!(run.out.contains("is not as it was built"), "{}", run.out);
    }
}

#[test]
fn an_account_without_items_is_held_until_a_person_lets_it_go() {
    let stand = by_column(&IMPORTS, &[]);
    assert_eq!(stand.run(&JSON).code, 0);
    let left: Vec<_> = three().into_iter().filter(|(vendor, _)| *vendor != "acct_3").collect();
    catalog(&stand, &left);
    let run = stand.run(&JSON);
    assert_eq!((run.code, outcomes(&run)), (4, said(["unchanged", "unchanged", "held"])), "{}{}", run.out, run.err);
    assert_eq!(stand.sandbox().products("acct_3").len(), 3, "what it holds stays");
    let digest = run.json()["targets"][2]["digest"].as_str().expect("a digest").to_owned();
    let run = stand.run(&["push", "--approve", &digest, "--output-format", "json"]);
    assert_eq!((run.code, outcomes(&run)), (0, said(["unchanged", "unchanged", "pushed"])), "{}{}", run.out, run.err);
    assert!(stand.sandbox().products("acct_3").is_empty());
    assert_eq!(outcomes(&stand.run(&JSON)), said(["unchanged"; 3]));
}

#[test]
fn a_row_that_names_no_account_is_in_no_feed_and_shown_at_its_cell() {
    let stand = by_column(&IMPORTS, &[]);
    let mut rows = three();
    rows[1].0 = "";
    rows[2].0 = "Northline Ltd.";
    catalog(&stand, &rows);
    let run = stand.folder.run(&["build", "--output-format", "json"]);
    let found = run.json();
    let shown: Vec<(&str, u64, &str)> = found["findings"]
        .as_array()
        .expect("findings")
        .iter()
        .filter(|finding| finding["attribute"] == "account_id")
        .map(|one| (one["code"].as_str().unwrap_or(""), one["line"].as_u64().unwrap_or(0), one["column_name"].as_str().unwrap_or("")))
        .collect();
    assert_eq!(shown, [("account_id/missing", 3, "vendor"), ("account_id/not-an-account", 4, "vendor")], "{}", run.out);
    let count = |name: &str| found["summary"][name].as_u64();
    assert_eq!((run.code, count("items"), count("accepted"), count("rejected")), (1, Some(12), Some(10), Some(2)));
    assert_eq!(stand.folder.files("out/shop"), ["acct_1", "acct_2", "acct_3", "feed.manifest.json"]);
    let lines = stand.folder.read("out/shop/acct_2/feed.csv").lines().count();
    assert_eq!(lines, 1 + 3);
    // Names can be translated, and a feed that is no longer divided leaves nothing behind.
    let settings = stand.folder.read("feedmill.toml");
    let lookup = r#"{ from = "vendor", lookup = { "Northline Ltd." = "acct_9" }, otherwise = "acct_1" }"#;
    stand.folder.write("feedmill.toml", settings.replace(r#"{ from = "vendor" }"#, lookup));
    catalog(
        &stand,
        &rows
            .iter()
            .enumerate()
            .map(|(n, (_, item))| {
                let vendor = if n % 2 == 0 { "Northline Ltd." } else { "else" };
                (vendor, (format!("N-{n}"), item.1.clone(), item.2))
            })
            .collect::<Vec<_>>(),
    );
    assert_eq!(stand.folder.run(&["build"]).code, 0);
    assert_eq!(stand.folder.read("out/shop/acct_9/feed.csv").lines().count(), 1 + 6);
    stand.folder.write("feedmill.toml", settings.replace(r#"accounts = { from = "vendor" }"#, ""));
    assert_eq!(stand.folder.run(&["build"]).code, 0);
    assert_eq!(stand.folder.files("out/shop"), ["feed.csv", "feed.items", "feed.manifest.json"]);
}

#[test]
fn every_account_of_a_list_gets_the_whole_feed() {
    for way in [IMPORTS, SETS] {
        let stand = Stand::new(&[], |options| options.accounts = vec!["acct_1".to_owned(), "acct_3".to_owned()]);
        stand.project(&way, "at_once = 2");
        let settings = stand.folder.read("feedmill.toml");
        stand.folder.write("accounts.txt", "acct_1\n# closed\nacct_2\nacct_3\n");
        stand.folder.write("feedmill.toml", format!("{settings}accounts = \"accounts.txt\"\n"));
        stand.catalog(&items(12));
        stand.build();
        let run = stand.push();
        assert_eq!((run.code, outcomes(&run)), (6, said(["pushed", "failed", "pushed"])), "{}: {}{}", way.name, run.out, run.err);
        assert_eq!(stand.sandbox().products("acct_1").len(), 12);
        assert_eq!(stand.sandbox().products("acct_3").len(), 12);
        // The account that was not there is let in later, and gets all of it; the others get nothing.
        let rehearsed = stand.run(&["push", "--sandbox", "--output-format", "json"]);
        assert_eq!((rehearsed.code, outcomes(&rehearsed)), (0, said(["pushed"; 3])), "{}{}", rehearsed.out, rehearsed.err);
    }
}
