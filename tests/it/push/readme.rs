//! The targets that the README shows, copied as they stand, rehearsed without an account.

use super::stand::{PROMOTIONS, Stand, items};
use crate::support::Folder;

/// The text below a heading, up to the next of its rank.
fn section(heading: &str) -> String {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).expect("a README");
    let (_, below) = text.split_once(&format!("\n{heading}\n")).expect("the heading");
    let rank = heading.split(' ').next().expect("its signs");
    below.split(&format!("\n{rank} ")).next().expect("a section").to_owned()
}

/// The `[[target]]` blocks of the page on delivery that stand indented, one by one.
fn targets() -> Vec<String> {
    let page = section("## Delivery");
    let lines = |block: &str| block.lines().map_while(|line| line.strip_prefix("    ")).collect::<Vec<_>>().join("\n");
    page.split("    [[target]]\n").skip(1).map(|block| format!("[[target]]\n{}\n", lines(block))).collect()
}

#[test]
fn every_target_of_the_readme_works_when_copied() {
    let mut told = Vec::new();
    let blocks = targets();
    for way in ["acp = ", "product_feeds = ", "ads = ", "sftp = ", "uploads = ", "stripe = "] {
        assert!(blocks.iter().any(|block| block.contains(way)), "the README shows `{way}`");
    }
    for block in blocks {
        let stand = Stand::new(&[], |_| {});
        stand.catalog(&items(12));
        let name = block.lines().find_map(|line| line.strip_prefix("name = ")).expect("a name").trim_matches('"').to_owned();
        stand.folder.write("feedmill.toml", format!("[source]\npath = \"catalog.csv\"\n{}{block}", PROMOTIONS.map));
        stand.build();
        let run = stand.run(&["push", "--sandbox"]);
        assert_eq!(run.code, 0, "{block}{}{}", run.out, run.err);
        assert!(run.out.contains(&format!("pushed: {name}, 12 items (+12 ~0 -0), 12 sent")), "{block}{}", run.out);
        let calls: Vec<&str> = run.err.lines().filter(|line| line.starts_with('#')).collect();
        // A part that is not there yet is looked for, in case a transfer was cut.
        let well = |call: &&str| call.contains(" -> 20") || call.contains(" -> ok") || call.contains("SFTP stat");
        assert!(calls.iter().all(well), "{calls:?}");
        told.push(format!("{name}: {}", calls.join(", ")));
    }
    println!("{}", told.join("\n"));
}

/// The forms that Stripe has, which stand as blocks of TOML, all in one project.
#[test]
fn every_form_of_delivery_to_stripe_works_as_it_is_shown() {
    let section = section("### Stripe");
    let blocks: Vec<&str> = section.split("```toml\n").skip(1).map(|block| block.split("```").next().expect("an end")).collect();
    assert_eq!(blocks.len(), 5);
    let folder = Folder::new();
    let mut catalog = String::from(
        "item_id,title,description,url,brand,mpn,image_url,availability,price,inventory_quantity,product_category,Vendor account\n",
    );
    for n in 1..=12 {
        let vendor = n % 3 + 1;
        catalog.push_str(&format!(
            "SKU-{n},Bottle {n},A bottle.,https://shop.example/{n},Acme,M-{n},https://shop.example/{n}.jpg,in_stock,{n}.50 USD,{n},Home > Kitchen,acct_{vendor}\n"
        ));
    }
    folder.write("catalog.csv", catalog);
    folder.write("feedmill.toml", format!("[source]\npath = \"catalog.csv\"\n\n{}", blocks.join("\n")));
    let run = folder.run(&["build"]);
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
    // Stock and prices by themselves, too: the products are there already.
    let run = folder.run(&["push", "--sandbox", "stripe-stock", "stripe-prices"]);
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
    let run = folder.run(&["push", "--sandbox", "--transcript", "said.log", "--fault", "PUT *: 503 x1", "--output-format", "json"]);
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
    let found = run.json();
    let sent: Vec<(&str, Option<&str>, u64)> = found["targets"]
        .as_array()
        .expect("targets")
        .iter()
        .map(|one| (one["name"].as_str().expect("a name"), one["account"].as_str(), one["sent"].as_u64().expect("a count")))
        .collect();
    let own = |name, count| (name, None, count);
    let of = |name, count| ["acct_1", "acct_2", "acct_3"].map(|account| (name, Some(account), count));
    let mut expected = vec![own("stripe-us", 12), own("stripe-sets", 12)];
    expected.extend(of("stripe-shops", 12));
    expected.extend(["acct_2", "acct_3", "acct_1"].map(|account| ("stripe-vendors", Some(account), 4)));
    expected.extend([own("stripe-stock", 12), own("stripe-prices", 12)]);
    assert_eq!(sent, expected, "{}", run.out);
    let said = folder.read("said.log");
    assert!(said.contains("> stripe-account: acct_3") && said.contains("> stripe-context: acct_2") && said.contains("! "), "{said}");
    assert!(run.err.contains("(acct_1) -> 200") && run.err.contains("PUT /stripe-uploads/"), "{}", run.err);
}
