//! Square's item library: which rows are one item, and what its category is.

use crate::platforms::{built, groups, has};
use crate::shops::item;
use crate::support::Folder;
use serde_json::{Value, json};
use std::collections::BTreeMap;

const SHOP: [&str; 4] = ["--set", "image_url=https://shop.example/i.jpg", "--set", "url=https://shop.example/p"];

const HEAD: &str = "Reference Handle,Token,Item Name,Variation Name,SKU,Description,Categories,Reporting Category,Price,Stockable,Current Quantity Main Street\n";

#[test]
fn the_reference_handle_tells_items_of_one_name_apart() {
    let folder = Folder::new();
    let rows = [
        "#tee-men,V1,Tee,S,M-S,A tee.,,,20.00,Y,4\n",
        "#tee-men,V2,Tee,M,M-M,A tee.,,,20.00,Y,4\n",
        "#tee-women,V3,Tee,S,W-S,A tee.,,,20.00,Y,4\n",
        "#tee-women,V4,Tee,M,W-M,A tee.,,,20.00,Y,0\n",
        // Rows that were never given a handle go by their names.
        ",V5,Mug,Regular,MUG,A mug.,,,9.00,Y,1\n",
        ",V6,Cap,Red,CAP-R,A cap.,,,12.00,Y,1\n",
        ",V7,Cap,Blue,CAP-B,A cap.,,,12.00,Y,1\n",
    ];
    folder.write("square.csv", format!("{HEAD}{}", rows.concat()));
    built(&folder, "square.csv", &SHOP);
    let expected = [("", 1), ("p-#tee-men", 2), ("p-#tee-women", 2), ("p-Cap", 2)];
    assert_eq!(groups(&folder), BTreeMap::from(expected.map(|(group, items)| (group.to_owned(), items))));
    has(&item(&folder, "openai", "MUG"), &[("title", json!("Mug")), ("variant_dict", Value::Null)]);
    has(&item(&folder, "openai", "W-M"), &[("availability", json!("out_of_stock"))]);
}

#[test]
fn ids_behind_categories_are_not_published() {
    let folder = Folder::new();
    let rows = [
        "#a,V1,Mug,Regular,A,A mug.,\"Sale (T2B3QXYZ4KV6LZRY6SQLBTYB), Home > Mugs (LBTYBVXKPIV6X4KV6LZRY6SQ)\",,9.00,Y,1\n",
        "#b,V2,Soap,Regular,B,A soap.,Gifts (LBTYBVXKPIV6X4KV6LZRY6SQ),\"Bath, Body (T2B3QXYZ4KV6LZRY6SQLBTYB)\",9.00,Y,1\n",
        // What stands in brackets otherwise is part of the name.
        "#c,V3,Pan,Regular,C,A pan.,Kitchen (NEW),,9.00,Y,1\n",
        "#d,V4,Cup,Regular,D,A cup.,Home (bf2d1f2c-7a3e-4b8f-9a51-0c1d2e3f4a5b),,9.00,Y,1\n",
    ];
    folder.write("square.csv", format!("{HEAD}{}", rows.concat()));
    built(&folder, "square.csv", &SHOP);
    for (id, category) in [("A", "Home > Mugs"), ("B", "Bath, Body"), ("C", "Kitchen (NEW)"), ("D", "Home")] {
        has(&item(&folder, "openai", id), &[("product_category", json!(category))]);
    }
}
