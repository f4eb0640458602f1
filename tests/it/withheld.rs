//! What a platform's export holds that its shop does not sell: unpublished, not yet or no longer.

use crate::platforms::built;
use crate::shops::items;
use crate::support::Folder;
use serde_json::{Value, json};

/// A day that no test outlives.
const FUTURE: &str = "2099-01-01";

const NOT_ONLINE: &str = "not published on the online store";

/// Ids of the feed's items, in order.
#[track_caller]
fn ids(folder: &Folder) -> Vec<String> {
    items(folder, "openai").iter().filter_map(|item| Some(item["item_id"].as_str()?.to_owned())).collect()
}

fn skipped(report: &Value) -> Value {
    report["summary"]["skipped_by"].clone()
}

/// A day that no test was written before.
const PAST: &str = "2020-01-01";

/// A product of the Admin REST API with one variant, and these fields besides.
fn product(id: u32, more: &Value) -> Value {
    let mut product = json!({
        "id": id, "title": "Mug", "body_html": "A mug.", "vendor": "Acme", "product_type": "Mugs", "handle": format!("mug-{id}"),
        "variants": [{"id": id * 10, "product_id": id, "title": "Default Title", "price": "9.00", "option1": "Default Title", "available": true}],
        "options": [{"name": "Title", "values": ["Default Title"]}],
        "images": [{"src": "https://cdn.example/mug.jpg"}],
    });
    product.as_object_mut().expect("an object").extend(more.as_object().cloned().unwrap_or_default());
    product
}

#[test]
fn shopify_products_that_are_not_on_the_online_store() {
    let folder = Folder::new();
    let products = json!({"products": [
        product(1, &json!({"status": "active", "published_at": "2024-05-01T10:00:00-04:00"})),
        product(2, &json!({"status": "active", "published_at": null})),
        product(3, &json!({"status": "draft", "published_at": null})),
        product(4, &json!({"status": "active", "published_at": format!("{FUTURE}T00:00:00Z")})),
    ]});
    folder.write("products.json", products.to_string());
    let report = built(&folder, "products.json", &[]);
    assert_eq!(ids(&folder), ["10"]);
    assert_eq!(skipped(&report), json!({NOT_ONLINE: 2, "not published (draft, archived or unlisted)": 1}));
}

/// An export of chosen fields says nothing of what it leaves out.
#[test]
fn shopify_products_that_say_nothing_of_publication_are_offers() {
    let folder = Folder::new();
    folder.write("products.json", json!({"products": [product(1, &json!({})), product(2, &json!({}))]}).to_string());
    let report = built(&folder, "products.json", &[]);
    assert_eq!((ids(&folder), skipped(&report)), (vec!["10".to_owned(), "20".to_owned()], json!({})));
}

#[test]
fn shopify_bulk_lines_of_products_that_are_not_on_the_online_store() {
    let folder = Folder::new();
    let product = |id: u32, published: Value| {
        json!({"id": format!("gid://shopify/Product/{id}"), "title": "Tee", "descriptionHtml": "A tee.", "vendor": "Acme", "status": "ACTIVE",
            "publishedAt": published, "onlineStoreUrl": "https://shop.example/products/tee", "featuredImage": {"url": "https://cdn.example/t.jpg"}})
    };
    let variant = |id: u32, of: u32| {
        json!({"id": format!("gid://shopify/ProductVariant/{id}"), "price": "9.00", "availableForSale": true,
            "selectedOptions": [{"name": "Size", "value": id.to_string()}], "__parentId": format!("gid://shopify/Product/{of}")})
    };
    let lines = [product(1, json!("2024-05-01T10:00:00Z")), variant(11, 1), product(2, Value::Null), variant(21, 2), variant(31, 3)];
    folder.write("bulk.jsonl", lines.map(|line| line.to_string() + "\n").concat());
    let report = built(&folder, "bulk.jsonl", &[]);
    assert_eq!(ids(&folder), ["11"]);
    // A variant without its product leaves open whether that is published.
    assert_eq!(skipped(&report), json!({NOT_ONLINE: 1, "parent row, its variations are the items": 2, "variation without its parent": 1}));
}

#[test]
fn spree_products_before_and_after_their_days() {
    let folder = Folder::new();
    let head = "slug,sku,name,price,compare_at_price,currency,status,description,option1_name,option1_value,image1_src,\
        available_on,discontinue_on,inventory_count,inventory_backorderable,track_inventory\n";
    let product = |sku: &str, from: &str, to: &str| {
        format!("{sku},{sku},Mug,9,0,USD,active,A mug.,,,https://cdn.example/m.jpg,{from},{to},5,FALSE,TRUE\n")
    };
    let variant = |of: &str, size: &str, to: &str| format!("{of},{of}-{size},,9,0,USD,,,Size,{size},,,{to},5,FALSE,TRUE\n");
    let (past, future) = (format!("{PAST} 08:30:00"), format!("{FUTURE} 08:30:00"));
    let rows = [
        product("ON", &past, &future),
        product("ALWAYS", "", ""),
        product("PLANNED", &future, ""),
        product("GONE", &past, &past),
        product("TEE", &past, ""),
        variant("TEE", "S", ""),
        variant("TEE", "M", &past),
        product("OLD", &past, &past),
        variant("OLD", "S", ""),
    ];
    folder.write("spree.csv", format!("{head}{}", rows.concat()));
    let report = built(&folder, "spree.csv", &[]);
    assert_eq!(ids(&folder), ["ON", "ALWAYS", "TEE-S"]);
    // A variant may be discontinued alone, and is with its product.
    assert_eq!(skipped(&report), json!({"not available yet": 1, "discontinued": 4, "product row, its variants are the items": 1}));
}
