//! Google's and Meta's feeds as catalogs: what their attributes become.

use crate::platforms::{built, has};
use crate::shops::{build, item};
use crate::support::Folder;
use serde_json::{Value, json};

const CHARGES: [(&str, &str); 3] =
    [("ONE", "US:CA:Overnight:16.00 USD:1:1:2:3"), ("ANY", "US::Ground:5.00 USD"), ("TWO", "US:CA:Ground:5.00 USD,US:NY:Ground:6.00 USD")];

const BOTH: [&str; 8] = ["--target", "stripe", "--target", "openai", "--set", "mpn=B-1", "--set", "product_category=Shoes"];

fn delimited() -> String {
    let rows = CHARGES.map(|(id, charge)| {
        format!("{id}\tBoots\tGood boots.\thttps://shop.example/b\thttps://shop.example/b.jpg\tin stock\t20.00 USD\tAcme\t{charge}\n")
    });
    format!("id\ttitle\tdescription\tlink\timage link\tavailability\tprice\tbrand\tshipping\n{}", rows.concat())
}

#[test]
fn shipping_charges_are_written_as_each_target_has_them() {
    let folder = Folder::new();
    folder.write("feed.txt", delimited());
    built(&folder, "feed.txt", &[]);
    // The current form ends with the price, and holds one charge.
    for (id, charge) in [("ONE", json!("US:CA:Overnight:16.00 USD")), ("ANY", json!("US::Ground:5.00 USD")), ("TWO", Value::Null)] {
        has(&item(&folder, "openai", id), &[("shipping", charge), ("shipping_price", Value::Null)]);
    }
    built(&folder, "feed.txt", &BOTH);
    let services = ["US:CA:Overnight:3-4:16.00 USD", "US:ALL:Ground::5.00 USD", "US:CA:Ground::5.00 USD,US:NY:Ground::6.00 USD"];
    for ((id, _), services) in CHARGES.iter().zip(services) {
        has(&item(&folder, "stripe", id), &[("shipping", json!(services))]);
    }
}

#[test]
fn an_item_has_whichever_name_its_elements_have() {
    let folder = Folder::new();
    let common = |id: &str| {
        format!(
            "<g:image_link>https://shop.example/{id}.jpg</g:image_link><g:availability>in stock</g:availability><g:price>20.00 EUR</g:price><g:brand>Acme</g:brand>"
        )
    };
    let entry = |id: &str, prefix: &str, more: &str| {
        format!(
            "<item><{prefix}id>{id}</{prefix}id><{prefix}title>Boots {id}</{prefix}title><{prefix}description>Good.</{prefix}description>\
             <{prefix}link>https://shop.example/{id}</{prefix}link>{more}{}</item>",
            common(id)
        )
    };
    let both = "<g:id>C</g:id><g:title>Boots C</g:title>";
    folder.write(
        "feed.xml",
        format!(
            "<rss xmlns:g=\"http://base.google.com/ns/1.0\" version=\"2.0\"><channel>{}{}{}</channel></rss>",
            entry("A", "", ""),
            entry("B", "g:", ""),
            // Where both are there, Google's own name counts.
            entry("tag:shop,2026:C", "", both).replace("//shop.example/tag:shop,2026:C", "//shop.example/C")
        ),
    );
    built(&folder, "feed.xml", &[]);
    for id in ["A", "B", "C"] {
        let page = format!("https://shop.example/{id}");
        has(
            &item(&folder, "openai", id),
            &[("title", json!(format!("Boots {id}"))), ("description", json!("Good.")), ("url", json!(page))],
        );
    }
}

#[test]
fn shipping_elements_say_what_the_text_does() {
    let folder = Folder::new();
    let element = |service: &str, price: &str| {
        format!(
            "<g:shipping><g:country>US</g:country><g:region>CA</g:region><g:service>{service}</g:service><g:price>{price} USD</g:price></g:shipping>"
        )
    };
    let entry = |id: &str, shipping: &str| {
        format!(
            "<item><g:id>{id}</g:id><title>Boots</title><description>Good boots.</description><link>https://shop.example/{id}</link>\
             <g:image_link>https://shop.example/b.jpg</g:image_link><g:availability>in stock</g:availability><g:price>20.00 USD</g:price>\
             <g:brand>Acme</g:brand>{shipping}</item>"
        )
    };
    let (ground, air) = (element("Ground", "5.00"), element("Air", "16.00"));
    folder.write(
        "feed.xml",
        format!(
            "<rss xmlns:g=\"http://base.google.com/ns/1.0\" version=\"2.0\"><channel>{}{}{}</channel></rss>",
            entry("ONE", &ground),
            entry("TWO", &format!("{ground}{air}")),
            entry("BARE", "")
        ),
    );
    built(&folder, "feed.xml", &BOTH);
    has(&item(&folder, "openai", "ONE"), &[("shipping", json!("US:CA:Ground:5.00 USD")), ("price", json!("20.00 USD"))]);
    has(&item(&folder, "openai", "BARE"), &[("shipping", Value::Null)]);
    has(&item(&folder, "stripe", "TWO"), &[("shipping", json!("US:CA:Ground::5.00 USD,US:CA:Air::16.00 USD"))]);
}

/// The target takes no flag of eligibility in this form: whatever is sent may be shown.
#[test]
fn what_is_kept_out_of_search_is_not_sent_where_nothing_says_so() {
    for flag in ["is_eligible_search", "enable_search"] {
        let folder = Folder::new();
        let row = |id: &str, shown: &str| {
            format!("{id},Boots,Good boots.,https://shop.example/b,https://shop.example/b.jpg,in_stock,20.00 USD,Acme,{id}-1,{shown}\n")
        };
        let head = format!("id,title,description,link,image_link,availability,price,brand,mpn,{flag}\n");
        folder.write("feed.csv", format!("{head}{}{}{}", row("HIDDEN", "FALSE"), row("SHOWN", "true"), row("SILENT", "")));
        let report = build(&folder, "feed.csv", &["--target", "openai-google", "--format", "csv"]).json();
        assert_eq!(report["summary"]["by_code"]["is_eligible_search/not-expressible"], 1, "{flag}");
        let feed = folder.read("out/openai-google/feed.csv");
        let lines: Vec<&str> = feed.lines().collect();
        assert_eq!(lines.len(), 3, "{feed}");
        assert!(!lines[0].contains("search") && lines[1].starts_with("SHOWN,") && lines[2].starts_with("SILENT,"), "{feed}");
    }
}
