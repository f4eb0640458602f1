//! Real exports of further platforms: which rows become items, what they inherit, and which
//! belong together. Expected values were read off the exports by hand.

use crate::shops::{build, checks_clean, conserved, item, items};
use crate::support::{Folder, fixture, shared};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const BRAND: [&str; 2] = ["--set", "brand=Northline"];

/// Builds a fixture and checks what holds for every catalog; returns the report.
pub(crate) fn built(folder: &Folder, input: &str, more: &[&str]) -> Value {
    let arguments: Vec<&str> = BRAND.iter().chain(more).copied().collect();
    let report = build(folder, input, &arguments).json();
    conserved(folder, &report);
    checks_clean(folder, "openai");
    report
}

/// Ids of the feed's items by the group they are in.
pub(crate) fn groups(folder: &Folder) -> BTreeMap<String, usize> {
    let mut groups = BTreeMap::new();
    for item in items(folder, "openai") {
        *groups.entry(item["group_id"].as_str().unwrap_or("").to_owned()).or_default() += 1;
    }
    groups
}

#[track_caller]
pub(crate) fn has(item: &Value, fields: &[(&str, Value)]) {
    for (field, value) in fields {
        assert_eq!(&item[*field], value, "{field} of {}", item["item_id"]);
    }
}

#[test]
fn bigcommerce_rows_follow_their_product() {
    let folder = Folder::new();
    let report = built(&folder, &fixture("catalogs/bigcommerce-v3.csv"), &["--set", "item_weight_unit=kg", "--set", "dimensions_unit=cm"]);
    let skipped = &report["summary"]["skipped_by"];
    // 13 products with 48 images; two of them have variants and are no items themselves.
    assert_eq!((&skipped["row that only brings an image"], &skipped["product row, its variants are the items"]), (&48.into(), &2.into()));
    assert_eq!(report["summary"]["items"], 68);
    let towel = item(&folder, "openai", "SLCTBS-A9615491");
    has(
        &towel,
        &[
            ("title", json!("[Sample] Fog Linen Chambray Towel - Beige Stripe - XS / Silver")),
            ("price", json!("49.00 USD")),
            ("availability", json!("in_stock")),
            ("group_id", json!("p-77")),
            ("variant_dict", json!({"Size": "XS", "Color": "Silver"})),
            ("url", json!("https://shop.example/fog-linen-chambray-towel-beige-stripe/")),
            ("condition", json!("new")),
        ],
    );
    // Sort order 0, although it stands second.
    assert!(towel["image_url"].as_str().expect("an image").contains("stripetowel1b"));
    has(&item(&folder, "openai", "CLC"), &[("price", json!("249.00 USD")), ("sale_price", json!("200.00 USD")), ("group_id", Value::Null)]);
}

#[test]
fn wix_products_with_variants_are_no_items() {
    let folder = Folder::new();
    built(&folder, &fixture("catalogs/wix.csv"), &["--set", "url=https://shop.example/p", "--set", "item_weight_unit=kg"]);
    assert_eq!(groups(&folder), BTreeMap::from([(String::new(), 2), ("p-Product_1".to_owned(), 6)]));
    has(
        &item(&folder, "openai", "364215375135192"),
        &[
            ("title", json!("Minimalist Tote Bag - purple / Medium")),
            // The struck-through price is the regular one.
            ("price", json!("25.00 USD")),
            ("sale_price", json!("20.00 USD")),
            ("color", json!("purple")),
            ("size", json!("Medium")),
            ("availability", json!("in_stock")),
        ],
    );
    has(
        &item(&folder, "openai", "632835642834572"),
        &[("title", json!("Baseball Cap")), ("price", json!("129.00 USD")), ("sale_price", json!("68.00 USD"))],
    );
}

#[test]
fn squarespace_rows_continue_with_a_blank_key() {
    let folder = Folder::new();
    built(&folder, &fixture("catalogs/squarespace.csv"), &["--set", "item_weight_unit=lb"]);
    assert_eq!(groups(&folder), BTreeMap::from([(String::new(), 7), ("p-69a88691476e59459210ca38".to_owned(), 2)]));
    has(
        &item(&folder, "openai", "SQ1630638"),
        &[
            ("title", json!("Camomile Make-Up Remover - 4 oz")),
            ("price", json!("48.00 USD")),
            // A sale price of 0.00 that is not on sale is none.
            ("sale_price", Value::Null),
            ("url", json!("https://shop.example/shop/p/camomile-make-up-remover-lp7b5")),
            ("size", json!("4 oz")),
        ],
    );
}

#[test]
fn spree_masters_are_not_sold_and_currencies_are_views() {
    let folder = Folder::new();
    let report = built(&folder, &fixture("catalogs/spree-products.csv"), &[]);
    let skipped = &report["summary"]["skipped_by"];
    assert_eq!(
        (&skipped["product row, its variants are the items"], &skipped["row of another store view or language"]),
        (&37.into(), &87.into())
    );
    let machine = [
        ("title", json!("Automatic Espresso Machine - Matte Black")),
        ("price", json!("879.99 USD")),
        ("group_id", json!("p-automatic-espresso-machine")),
        ("weight", json!("19.8")),
        ("item_weight_unit", json!("lb")),
        ("length", json!("11.8")),
        ("product_category", json!("Kitchen > Coffee Machines")),
        ("availability", json!("in_stock")),
    ];
    has(&item(&folder, "openai", "AUTOMATIC-ESPRESSO-MACHINE-MATTE-BLACK"), &machine);
    // The same rows, seen with the other currency.
    let folder = Folder::new();
    built(&folder, &fixture("catalogs/spree-products.csv"), &["--currency", "EUR"]);
    let euro = item(&folder, "openai", "AUTOMATIC-ESPRESSO-MACHINE-MATTE-BLACK");
    assert!(euro["price"].as_str().expect("a price").ends_with(" EUR"), "{euro}");
    assert_eq!(euro["title"], machine[0].1);
}

#[test]
fn bagisto_parents_list_the_options_of_their_children() {
    let folder = Folder::new();
    let report = built(&folder, &fixture("catalogs/bagisto-products.csv"), &["--set", "item_weight_unit=kg"]);
    assert_eq!(report["summary"]["skipped_by"]["not sold on its own (grouped, bundle, booking)"], 17);
    assert_eq!(groups(&folder), BTreeMap::from([(String::new(), 4), ("g-CP-001".to_owned(), 4)]));
    has(
        &item(&folder, "openai", "SP-006"),
        &[
            ("title", json!("OmniHeat Men's Solid Hooded Puffer Jacket - Yellow / L")),
            ("price", json!("17.00 USD")),
            ("variant_dict", json!({"color": "Yellow", "size": "L"})),
            ("availability", json!("in_stock")),
            ("image_url", json!("https://shop.example/9.webp")),
        ],
    );
    // The sale of 2024 is over.
    has(&item(&folder, "openai", "SP-007"), &[("price", json!("21.00 USD")), ("sale_price", Value::Null)]);
}

#[test]
fn medusa_prices_come_from_the_column_of_the_currency() {
    let folder = Folder::new();
    let text = folder.write(
        "medusa.csv",
        std::fs::read_to_string(fixture("catalogs/medusa-v2.csv")).expect("a fixture").replace(",draft,", ",published,"),
    );
    let report = built(&folder, &text.display().to_string(), &["--currency", "EUR"]);
    assert_eq!((&report["input"][0]["preset"], &report["summary"]["items"]), (&"medusa".into(), &2.into()));
    let first = item(&folder, "openai", "variant_01J44RRJZW1T9KQB6XG7Q6K61F");
    has(
        &first,
        &[("price", json!("45.00 EUR")), ("variant_dict", json!({"size": "large", "color": "green"})), ("availability", json!("unknown"))],
    );
}

#[test]
fn variants_inside_records_become_items() {
    let folder = Folder::new();
    let report = built(&folder, &fixture("catalogs/shopify-storefront-product.json"), &["--set", "url=https://shop.example/p"]);
    assert_eq!(report["input"][0]["preset"], "shopify-json");
    assert_eq!(
        (&report["input"][0]["records"], &report["summary"]["records"], &report["summary"]["items"]),
        (&1.into(), &2.into(), &2.into())
    );
    has(
        &item(&folder, "openai", "111"),
        &[
            ("title", json!("Classic Tee - Black / M")),
            ("group_id", json!("p-101")),
            ("price", json!("19.99 USD")),
            ("availability", json!("in_stock")),
            ("description", json!("Soft cotton tee")),
            ("variant_dict", json!({"Color": "Black", "Size": "M"})),
            ("additional_image_urls", json!(["https://cdn.example.com/tee-2.jpg"])),
        ],
    );
    has(&item(&folder, "openai", "112"), &[("availability", json!("out_of_stock")), ("is_eligible_checkout", json!(false))]);
}

#[test]
fn bulk_lines_find_their_product_wherever_it_stands() {
    let folder = Folder::new();
    folder.write(
        "bulk.jsonl",
        concat!(
            r#"{"id":"gid:\/\/shopify\/ProductVariant\/11","sku":"A","price":"9.00","compareAtPrice":"12.00","inventoryQuantity":0,"inventoryPolicy":"CONTINUE","selectedOptions":[{"name":"Farbe","value":"Rot"}],"__parentId":"gid:\/\/shopify\/Product\/1"}"#,
            "\n",
            r#"{"id":"gid:\/\/shopify\/Product\/1","title":"Tasse","descriptionHtml":"<b>Gut</b>","vendor":"Acme","status":"ACTIVE","onlineStoreUrl":"https://shop.example/p/tasse"}"#,
            "\n",
            r#"{"id":"gid:\/\/shopify\/MediaImage\/5","image":{"url":"https://cdn.example/1.jpg"},"__parentId":"gid:\/\/shopify\/Product\/1"}"#,
            "\n",
            r#"{"id":"gid:\/\/shopify\/ProductVariant\/12","sku":"B","price":"9.00","inventoryQuantity":3,"selectedOptions":[{"name":"Farbe","value":"Blau"}],"__parentId":"gid:\/\/shopify\/Product\/1"}"#,
            "\n",
            r#"{"id":"gid:\/\/shopify\/ProductVariant\/13","price":"9.00","__parentId":"gid:\/\/shopify\/Product\/9"}"#,
            "\n",
        ),
    );
    let report = built(&folder, "bulk.jsonl", &[]);
    let skipped = &report["summary"]["skipped_by"];
    for reason in
        ["variation without its parent", "parent row, its variations are the items", "record of another kind (image, metafield, ...)"]
    {
        assert_eq!(skipped[reason], 1, "{reason}: {skipped}");
    }
    has(
        &item(&folder, "openai", "11"),
        &[
            ("title", json!("Tasse - Rot")),
            ("description", json!("Gut")),
            ("price", json!("12.00 USD")),
            ("sale_price", json!("9.00 USD")),
            ("availability", json!("backorder")),
            ("color", json!("Rot")),
            ("group_id", json!("p-gid://shopify/Product/1")),
            ("image_url", json!("https://cdn.example/1.jpg")),
        ],
    );
}

/// Children before their parent, options in a cell of the parent, a row of another store view.
const CONFIGURABLE: &str = "sku,store_view_code,attribute_set_code,product_type,categories,name,description,price,visibility,url_key,base_image,additional_attributes,qty,is_in_stock,product_online,configurable_variations,configurable_variation_labels\n\
    T-S,,Top,simple,,Tee-S,,20,Not Visible Individually,tee-s,/t/s.jpg,\"size=S,material=Wool, soft\",5,1,1,,\n\
    T-M,,Top,simple,,Tee-M,,22,Not Visible Individually,tee-m,no_selection,size=M,0,0,1,,\n\
    T-S,de,Top,simple,,Hemd-S,,,,,,,,,,,\n\
    T,,Top,configurable,\"Default Category/Men/Tops,Default Category\",Tee,<p>Long {{widget x}}tee</p>,20,\"Catalog, Search\",tee,/t/t.jpg,brand=Acme,0,1,1,\"size=S,sku=T-S|sku=T-M,size=M\",size=Size\n\
    X,,Top,simple,,Lost,Alone.,9,Not Visible Individually,lost,/x.jpg,,1,1,1,,\n\
    B,,Top,bundle,,Set,Many.,9,\"Catalog, Search\",set,/x.jpg,,1,1,1,,\n\
    S,,Top,simple,Default Category/Gear,Strap,A strap.,14,\"Catalog, Search\",strap,/s.jpg,brand=Acme,100,1,1,,\n";

#[test]
fn magento_children_take_what_their_configurable_says() {
    let folder = Folder::new();
    folder.write("catalog_product.csv", CONFIGURABLE);
    let report = build(&folder, "catalog_product.csv", &[]).json();
    conserved(&folder, &report);
    checks_clean(&folder, "openai");
    assert_eq!(report["input"][0]["preset"], "magento");
    let skipped = &report["summary"]["skipped_by"];
    for reason in [
        "parent row, its variations are the items",
        "row of another store view or language",
        "not visible, and no configurable lists it",
        "not sold on its own (grouped, bundle, gift card)",
    ] {
        assert_eq!(skipped[reason], 1, "{reason}: {skipped}");
    }
    has(
        &item(&folder, "openai", "T-S"),
        &[
            ("title", json!("Tee - S")),
            ("description", json!("Long tee")),
            ("brand", json!("Acme")),
            ("group_id", json!("g-T")),
            ("variant_dict", json!({"Size": "S"})),
            ("product_category", json!("Men > Tops")),
            ("url", json!("https://shop.example/tee.html")),
            ("image_url", json!("https://shop.example/media/catalog/product/t/s.jpg")),
            ("material", json!("Wool, soft")),
            ("availability", json!("in_stock")),
        ],
    );
    let medium = item(&folder, "openai", "T-M");
    has(&medium, &[("availability", json!("out_of_stock")), ("image_url", json!("https://shop.example/media/catalog/product/t/t.jpg"))]);
    has(&item(&folder, "openai", "S"), &[("group_id", Value::Null), ("url", json!("https://shop.example/strap.html"))]);
    let folder = Folder::new();
    folder.write("catalog_product.csv", CONFIGURABLE);
    build(&folder, "catalog_product.csv", &["--view", "de"]);
    // The title of a variant is its parent's, which has no German row.
    assert_eq!(item(&folder, "openai", "T-S")["title"], "Tee - S");
    // Where the product names no page, its variants have none: their own rows name pages nobody can open.
    let folder = Folder::new();
    folder.write("catalog_product.csv", CONFIGURABLE.replace(",tee,/t/t.jpg", ",,/t/t.jpg"));
    let report = build(&folder, "catalog_product.csv", &[]).json();
    assert_eq!(report["summary"]["by_code"]["url/missing"], 2, "{}", report["summary"]);
}

#[test]
fn prestashop_combinations_are_joined_to_their_product() {
    let folder = Folder::new();
    folder.write(
        "products.csv",
        "Product ID;Active (0/1);Name *;Categories (x,y,z...);Price tax excluded or Price tax included;Manufacturer;Quantity;Description;URL rewritten;Image URLs (x,y,z...);Condition\n\
         1;1;Player;Audio;100;Acme;0;Plays.;player;http://cdn.example/1.jpg;new\n\
         2;1;Case;Audio;9.5;Acme;3;Holds.;case;http://cdn.example/2.jpg;new\n\
         3;0;Gone;Audio;1;Acme;3;Off.;gone;http://cdn.example/3.jpg;new\n",
    );
    folder.write(
        "combinations.csv",
        "Product ID*;Attribute (Name:Type:Position)*;Value (Value:Position)*;Reference;EAN13;Impact on price;Quantity\n\
         1;Color:color:0; Disk:select:1\n",
    );
    folder.write(
        "combinations.csv",
        "Product ID*;Attribute (Name:Type:Position)*;Value (Value:Position)*;Reference;EAN13;Impact on price;Quantity\n\
         1;\"Color:color:0, Disk:select:1\";\"Blue:0, 16GB:1\";P-B16;;40;10\n\
         1;\"Color:color:0, Disk:select:1\";\"Red:0, 8GB:1\";P-R8;;0;0\n\
         7;Color:color:0;Red:0;LOST;;0;1\n",
    );
    folder.write(
        "feedmill.toml",
        "[source]\npath = \"products.csv\"\n[[source.join]]\npath = \"combinations.csv\"\n[defaults]\ncurrency = \"EUR\"\nbase_url = \"https://shop.example\"\nseller_name = \"N\"\n[[target]]\nname = \"openai\"\nspec = \"openai\"\nformat = [\"csv\", \"jsonl\"]\n",
    );
    let report = folder.run(&["build", "--output-format", "json"]).json();
    conserved(&folder, &report);
    checks_clean(&folder, "openai");
    assert_eq!(groups(&folder), BTreeMap::from([(String::new(), 1), ("p-1".to_owned(), 2)]));
    has(
        &item(&folder, "openai", "P-B16"),
        &[
            ("title", json!("Player - Blue / 16GB")),
            ("price", json!("140.00 EUR")),
            ("variant_dict", json!({"Color": "Blue", "Disk": "16GB"})),
            ("url", json!("https://shop.example/1-player.html")),
            ("availability", json!("in_stock")),
        ],
    );
    has(&item(&folder, "openai", "P-R8"), &[("price", json!("100.00 EUR")), ("availability", json!("out_of_stock"))]);
    let codes = &report["summary"]["by_code"];
    // Two products have no combination, one combination no product.
    assert_eq!((&codes["join/no-match"], &codes["join/unused"]), (&1.into(), &1.into()), "{codes}");
}

#[test]
fn cells_that_only_pad_take_what_the_product_says() {
    let folder = Folder::new();
    folder.write(
        "vendure.csv",
        "name   ,slug  ,description ,assets                     ,facets                    ,optionGroups,optionValues,sku,price,stockOnHand\n\
         Laptop ,laptop,\"A laptop.\" ,https://cdn.example/l.jpg  ,category:PCs|brand:Apple  ,\"size|RAM\"  ,\"13|8GB\"     ,L1 ,1299 ,100\n\
         \u{20}      ,      ,            ,                           ,                          ,            ,15|16GB     ,L2 ,1899 ,0\n",
    );
    build(&folder, "vendure.csv", &["--set", "url=https://shop.example/p"]);
    has(
        &item(&folder, "openai", "L2"),
        &[
            ("title", json!("Laptop - 15 / 16GB")),
            ("description", json!("A laptop.")),
            ("brand", json!("Apple")),
            ("group_id", json!("p-laptop")),
            ("availability", json!("out_of_stock")),
            ("variant_dict", json!({"size": "15", "RAM": "16GB"})),
        ],
    );
}

#[test]
fn saleor_records_are_joined_across_models() {
    let folder = Folder::new();
    let report = built(
        &folder,
        &fixture("catalogs/saleor.json"),
        &["--set", "url=https://shop.example/p", "--set", "description=D", "--set", "item_weight_unit=kg"],
    );
    assert_eq!((&report["input"][0]["preset"], &report["summary"]["items"]), (&"saleor".into(), &73.into()));
    // Variant 324 of product 126: 616 records are of other models, 32 are products.
    let mp3 = item(&folder, "openai", "headless-omnichannel-mp3");
    has(&mp3, &[("title", json!("Headless + Omnichannel in a pill - MP3")), ("group_id", json!("p-126"))]);
    assert!(mp3["price"].as_str().expect("a price").ends_with(" USD"), "{mp3}");
}

#[test]
fn every_shared_catalog_is_read_as_what_it_is() {
    let Some(folder_of_catalogs) = shared("catalogs") else { return };
    let expected = [
        ("acp-feed-api-examples.json", "nested-feed", 1, 1),
        ("bagisto-products.csv", "bagisto", 26, 8),
        ("bigcommerce-v2-legacy.csv", "bigcommerce-v2", 1, 1),
        ("bigcommerce-v3-modern.csv", "bigcommerce", 118, 68),
        ("generic-dummyjson-products.json", "generic", 194, 194),
        ("generic-headerless.csv", "generic", 99, 99),
        ("generic-money-units-nanos.json", "units-nanos", 9, 9),
        ("magento2-configurable-apparel.csv", "magento", 1994, 1847),
        ("magento2-configurable-native.csv", "magento", 10, 9),
        ("magento2-default-import-template.csv", "magento", 6, 3),
        ("magento2-sample-data-bags-fixture.csv", "magento-fixture", 14, 14),
        ("medusa-v2-export-comma.csv", "medusa", 3, 0),
        ("meta-catalog-comment-row.csv", "meta", 1, 1),
        ("openai-feed-first-names.csv", "openai-feed", 1, 1),
        ("openai-feed-first-names.json", "openai-feed", 1, 1),
        ("openai-feed-validator-lines.jsonl", "openai-feed", 5, 5),
        ("prestashop-combinations-import.csv", "prestashop-combinations", 27, 27),
        ("prestashop-products-import.csv", "prestashop", 7, 6),
        ("saleor-populatedb.json", "saleor", 721, 73),
        ("shopify-admin-rest-products.json", "shopify-json", 4, 4),
        ("shopify-bulk-flattened-variants.jsonl", "shopify-variants", 3, 3),
        ("shopify-new-columns-2026.csv", "shopify", 16, 15),
        ("shopify-old-columns-gatsby-starter.csv", "shopify", 300, 300),
        ("shopify-old-columns-gin-metafields.csv", "shopify", 3, 2),
        ("shopify-old-columns-theme-course.csv", "shopify", 21, 21),
        ("shopify-storefront-single-product.json", "shopify-json", 2, 2),
        ("spree-products.csv", "spree", 211, 87),
        ("squarespace.csv", "squarespace", 9, 9),
        ("vendure-products.csv", "vendure", 88, 88),
        ("wix-2026.csv", "wix", 16, 8),
        ("woocommerce-bom-bundles-meta.csv", "woocommerce", 3, 3),
        ("woocommerce-importer-odd-headers.csv", "woocommerce", 7, 4),
        ("woocommerce-sample-products.csv", "woocommerce", 24, 19),
    ];
    let folder = Folder::new();
    for (name, preset, records, items) in expected {
        let path = folder_of_catalogs.join(name).display().to_string();
        let arguments = [
            "check",
            &path,
            "--config",
            "none",
            "--target",
            "openai",
            "--currency",
            "USD",
            "--base-url",
            "https://shop.example",
            "--output-format",
            "json",
        ];
        let run = folder.run(&arguments);
        let report = run.json();
        let summary = &report["summary"];
        assert!(run.code < 2, "{name}: {}", run.err);
        assert_eq!(
            (&report["input"][0]["preset"], &summary["records"], &summary["items"]),
            (&preset.into(), &records.into(), &items.into()),
            "{name}"
        );
    }
}
