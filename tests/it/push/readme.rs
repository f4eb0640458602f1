//! The blocks that the README shows for Stripe, copied as they stand.

use crate::support::Folder;
use std::path::Path;

/// The TOML blocks below a heading.
fn blocks(heading: &str) -> Vec<String> {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).expect("the README");
    let (_, below) = text.split_once(&format!("\n### {heading}\n")).expect("the heading");
    let section = below.split("\n### ").next().expect("a section");
    section.split("```toml\n").skip(1).map(|block| block.split("```").next().expect("an end").to_owned()).collect()
}

#[test]
fn every_form_of_delivery_works_as_it_is_shown() {
    let blocks = blocks("Stripe");
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
