//! BigCommerce's bulk edit export: which image leads, and what the rows below a variant say of it.

use crate::platforms::{built, has};
use crate::shops::{item, items};
use crate::support::Folder;
use serde_json::{Value, json};

const HEAD: &str = "Item Type,Product ID,Product Name,Product Code/SKU,Brand Name,Product Description,Price,Sale Price,Allow Purchases?,\
    Stop Processing Rules,Product Image File - 1,Product Image Is Thumbnail - 1,Product Image File - 2,Product Image Is Thumbnail - 2,Product URL\n";

/// Of a product with these rows below it: its own cells are the price and the price of a sale.
fn export(folder: &Folder, price: &str, sale: &str, rows: &[&str]) -> Value {
    let product = format!("Product,77,Board,BD,Acme,A board.,{price},{sale},Y,,back.jpg,N,front.jpg,Y,/board/\n");
    folder.write("bulk.csv", format!("{HEAD}{product}{}", rows.concat()));
    built(folder, "bulk.csv", &["--set", "availability=in_stock"])
}

fn prices(folder: &Folder) -> Vec<(String, String, Option<String>)> {
    let text = |item: &Value, name: &str| item[name].as_str().map(str::to_owned);
    let of = |item: &Value| Some((text(item, "item_id")?, text(item, "price")?, text(item, "sale_price")));
    items(folder, "openai").iter().filter_map(of).collect()
}

#[test]
fn rules_say_what_a_choice_costs() {
    let folder = Folder::new();
    let report = export(
        &folder,
        "100.00",
        "80.00",
        &[
            "  SKU,,[S]Length=Long,BD-L,,,,,,,,,,,\n",
            // A rule without a code is about whatever has the option.
            "  Rule,,[S]Length=Long,,,,[ADD]10,,,,,,,,\n",
            "  SKU,,[S]Length=Short,BD-S,,,,,,,,,,,\n",
            "  Rule,,,BD-S,,,[FIXED]70.00,,,,,,,,\n",
            "  SKU,,[S]Length=Medium,BD-M,,,,,,,,,,,\n",
            "  Rule,,,BD-M,,,[REMOVE]2.50,,,Y,,,,,\n",
            "  Rule,,,BD-M,,,[ADD]50,,,,,,,,\n",
            // Nobody has this option: what it costs is asked on the product's page.
            "  Rule,,[C]Gift wrap=Yes,,,,[ADD]4,,,,,,,,\n",
        ],
    );
    let expected = [("BD-L", "110.00 USD", Some("90.00 USD")), ("BD-S", "70.00 USD", None), ("BD-M", "97.50 USD", Some("77.50 USD"))];
    assert_eq!(prices(&folder), expected.map(|(id, price, sale)| (id.to_owned(), price.to_owned(), sale.map(str::to_owned))));
    assert_eq!(
        report["summary"]["skipped_by"],
        json!({"product row, its variants are the items": 1, "row that changes a variant's price": 5})
    );
}

#[test]
fn a_rule_that_cannot_be_read_is_no_reason_to_sell_for_less() {
    let folder = Folder::new();
    let rows = [
        "  SKU,,[S]Length=Long,BD-L,,,,,,,,,,,\n",
        "  Rule,,,BD-L,,,[TIMES]2,,,,,,,,\n",
        "  SKU,,[S]Length=Short,BD-S,,,,,,,,,,,\n",
        "  SKU,,[S]Length=None,BD-N,,,,,,,,,,,\n",
        "  Rule,,,BD-N,,,,,N,,,,,,\n",
    ];
    let report = export(&folder, "100.00", "", &rows);
    assert_eq!(prices(&folder), [("BD-S".to_owned(), "100.00 USD".to_owned(), None)]);
    assert_eq!((&report["summary"]["rejected"], &report["summary"]["skipped_by"]["cannot be bought"]), (&json!(1), &json!(1)));
}

#[test]
fn the_thumbnail_is_the_main_image() {
    let folder = Folder::new();
    export(&folder, "100.00", "", &[]);
    let address = |name: &str| format!("https://shop.example/product_images/{name}");
    has(
        &item(&folder, "openai", "BD"),
        &[("image_url", json!(address("front.jpg"))), ("additional_image_urls", json!([address("back.jpg")]))],
    );
}
