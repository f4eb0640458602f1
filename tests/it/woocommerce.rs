//! WooCommerce as its REST API lists it, and what its pages make of descriptions.

use crate::platforms::{built, groups, has};
use crate::shops::item;
use crate::support::Folder;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A product as `GET /wc/v3/products` lists it, with these fields besides.
fn product(id: u32, kind: &str, more: &Value) -> Value {
    let mut product = json!({
        "id": id, "name": format!("Product {id}"), "slug": format!("product-{id}"), "permalink": format!("https://shop.example/product/{id}/"),
        "date_created": "2024-03-01T10:00:00", "type": kind, "status": "publish", "featured": false, "catalog_visibility": "visible",
        "description": "<p>Good [gallery ids=\"1,2\"] thing.</p>", "short_description": "", "sku": format!("S{id}"), "price": "9.00",
        "regular_price": "12.00", "sale_price": "", "date_on_sale_from": null, "date_on_sale_to": null, "on_sale": false, "virtual": false,
        "downloadable": false, "manage_stock": false, "stock_quantity": null, "stock_status": "instock", "backorders": "no",
        "weight": "", "dimensions": {"length": "", "width": "", "height": ""}, "parent_id": 0,
        "categories": [{"id": 9, "name": "Mugs", "slug": "mugs"}], "brands": [{"id": 3, "name": "Acme", "slug": "acme"}],
        "images": [{"id": 1, "src": "https://shop.example/a.jpg"}, {"id": 2, "src": "https://shop.example/b.jpg"}],
        "attributes": [], "variations": [], "meta_data": [{"id": 5, "key": "_global_unique_id", "value": "4006381333931"}],
    });
    product.as_object_mut().expect("an object").extend(more.as_object().cloned().unwrap_or_default());
    product
}

/// A variation as `GET /wc/v3/products/<id>/variations` lists it.
fn variation(id: u32, parent: u32, option: &str, more: &Value) -> Value {
    let mut variation = json!({
        "id": id, "type": "variation", "name": option, "permalink": format!("https://shop.example/product/{parent}/?attribute_size={option}"),
        "status": "publish", "description": "", "sku": format!("S{id}"), "regular_price": "20.00", "sale_price": "15.00",
        "date_on_sale_from": null, "date_on_sale_to": null, "downloadable": false, "manage_stock": "parent", "stock_quantity": 4,
        "stock_status": "instock", "backorders": "no", "weight": "", "dimensions": {"length": "", "width": "", "height": ""},
        "image": {"id": 7, "src": format!("https://shop.example/{option}.jpg")}, "parent_id": parent,
        "attributes": [{"id": 1, "name": "Size", "slug": "pa_size", "option": option}],
    });
    variation.as_object_mut().expect("an object").extend(more.as_object().cloned().unwrap_or_default());
    variation
}

#[test]
fn products_of_the_rest_api_and_their_variations() {
    let folder = Folder::new();
    let mut old = variation(23, 2, "L", &json!({"stock_status": "onbackorder", "image": null}));
    // Before version 8 a variation did not say what it is.
    old.as_object_mut().expect("an object").remove("type");
    let records = json!([
        product(
            1,
            "simple",
            &json!({"attributes": [{"id": 4, "name": "Color", "options": ["Blue"]}, {"id": 0, "name": "Size", "options": ["S", "M"]}]})
        ),
        product(2, "variable", &json!({"regular_price": "", "variations": [21, 22, 23]})),
        variation(21, 2, "S", &json!({})),
        variation(22, 2, "M", &json!({"stock_status": "outofstock", "stock_quantity": 0})),
        old,
        variation(31, 3, "S", &json!({})),
        product(4, "simple", &json!({"status": "draft"})),
        product(5, "simple", &json!({"catalog_visibility": "hidden"})),
        product(6, "external", &json!({})),
        product(7, "simple", &json!({"manage_stock": true, "stock_quantity": 5, "downloadable": true})),
    ]);
    folder.write("products.json", records.to_string());
    let report = built(&folder, "products.json", &[]);
    assert_eq!(report["input"][0]["preset"], "woocommerce-rest");
    assert_eq!(groups(&folder), BTreeMap::from([(String::new(), 2), ("wc-2".to_owned(), 3)]));
    let skipped = json!({"hidden from the catalog": 1, "not published (private or draft)": 1, "not sold on its own (grouped, external, bundle)": 1,
        "parent row, its variations are the items": 1, "variation without its parent": 1});
    assert_eq!(report["summary"]["skipped_by"], skipped);
    has(
        &item(&folder, "openai", "1"),
        &[
            ("title", json!("Product 1")),
            ("description", json!("Good thing.")),
            ("url", json!("https://shop.example/product/1/")),
            ("price", json!("12.00 USD")),
            ("sale_price", Value::Null),
            ("availability", json!("in_stock")),
            ("image_url", json!("https://shop.example/a.jpg")),
            ("additional_image_urls", json!(["https://shop.example/b.jpg"])),
            ("product_category", json!("Mugs")),
            ("gtin", json!("4006381333931")),
            // One value is the product's, several are what others choose from.
            ("color", json!("Blue")),
            ("size", Value::Null),
        ],
    );
    has(
        &item(&folder, "openai", "21"),
        &[
            ("title", json!("Product 2 - S")),
            ("description", json!("Good thing.")),
            ("url", json!("https://shop.example/product/2/?attribute_size=S")),
            ("price", json!("20.00 USD")),
            ("sale_price", json!("15.00 USD")),
            ("image_url", json!("https://shop.example/S.jpg")),
            ("additional_image_urls", Value::Null),
            ("variant_dict", json!({"Size": "S"})),
        ],
    );
    has(&item(&folder, "openai", "22"), &[("availability", json!("out_of_stock"))]);
    has(&item(&folder, "openai", "23"), &[("availability", json!("backorder")), ("image_url", json!("https://shop.example/a.jpg"))]);
    has(&item(&folder, "openai", "7"), &[("is_digital", json!(true)), ("availability", json!("in_stock"))]);
}

#[test]
fn shortcodes_in_an_export_are_not_published() {
    let folder = Folder::new();
    folder.write(
        "wc.csv",
        "ID,Type,SKU,Name,Published,Description,In stock?,Regular price,Images,Parent\n\
         1,simple,A,Mug,1,\"[caption id=\"\"c1\"\"]Blue[/caption] mug, [new] glaze.\\n[gallery ids=\"\"1,2\"\"]\",1,5,https://shop.example/a.jpg,\n",
    );
    built(&folder, "wc.csv", &[]);
    has(&item(&folder, "openai", "1"), &[("description", json!("Blue mug, [new] glaze."))]);
}
