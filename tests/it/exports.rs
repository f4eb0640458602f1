//! What was found when real exports were compared with their feeds by eye, value by value: each
//! case is a piece of an export as its platform writes it.

use crate::platforms::{built, groups, has};
use crate::shops::{build, conserved, item, items};
use crate::support::{Folder, fixture};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The last part of each address of an item, its main image first.
fn images(item: &Value) -> Vec<String> {
    let more = item["additional_image_urls"].as_array().cloned().unwrap_or_default();
    let all = std::iter::once(item["image_url"].clone()).chain(more);
    all.filter_map(|url| Some(url.as_str()?.rsplit('/').next()?.split('?').next()?.to_owned())).collect()
}

#[test]
fn a_code_is_no_page_id() {
    let folder = Folder::new();
    folder.write(
        "wc.csv",
        "Type,SKU,Name,Published,Visibility in catalog,Description,In stock?,Regular price,Categories,Images,Parent,Attribute 1 Name,Attribute 1 Value(s)\n\
         \"simple, downloadable, virtual\",ALBUM,Album,1,visible,Songs.,1,5,Music,https://shop.example/a.jpg,,Color,Blue\n\
         simple,MUG,Mug,1,visible,A mug.,1,5,Mugs,https://shop.example/m.jpg,,Color,\"Blue, Red\"\n\
         variable,TEE,Tee,1,visible,A tee.,,,Tees,https://shop.example/t.jpg,,Color,\"Blue, Red\"\n\
         variation,,,1,visible,,1,9,,,TEE,Color,Red\n",
    );
    let report = build(&folder, "wc.csv", &["--set", "brand=B"]).json();
    // `?p=` takes the number of a page; without the column of ids none is known.
    assert_eq!(report["summary"]["by_code"]["url/missing"], 3, "{}", report["summary"]);
    let report = built(&folder, "wc.csv", &["--set", "url=https://shop.example/p"]);
    assert_eq!(report["summary"]["items"], 3);
    // What an item without variants says of its colour is its colour, where it is one.
    has(&item(&folder, "openai", "ALBUM"), &[("color", json!("Blue")), ("is_digital", json!(true)), ("variant_dict", Value::Null)]);
    has(&item(&folder, "openai", "MUG"), &[("color", Value::Null), ("is_digital", Value::Null)]);
    has(&item(&folder, "openai", "wc-TEE-red"), &[("color", json!("Red")), ("variant_dict", json!({"Color": "Red"}))]);
}

#[test]
fn images_of_another_colour_stay_with_the_parent() {
    let folder = Folder::new();
    folder.write(
        "catalog_product.csv",
        "sku,attribute_set_code,product_type,categories,name,description,price,visibility,url_key,base_image,additional_images,additional_attributes,qty,is_in_stock,configurable_variations\n\
         H-B,Top,simple,,Hoodie-B,,52,Not Visible Individually,h-b,/h/black.jpg,,color=Black,9,1,\n\
         H-G,Top,simple,,Hoodie-G,,52,Not Visible Individually,h-g,/h/gray.jpg,\"/h/gray1.jpg,/h/gray2.jpg\",color=Gray,9,1,\n\
         H-O,Top,simple,,Hoodie-O,,52,Not Visible Individually,h-o,,,color=Orange,9,1,\n\
         H,Top,configurable,Default Category/Men,Hoodie,Warm.,52,\"Catalog, Search\",,/h/gray.jpg,\"/h/gray1.jpg,/h/gray2.jpg\",material=Wool|Nylon,0,1,sku=H-B,color=Black|sku=H-G,color=Gray|sku=H-O,color=Orange\n"
            .replace("sku=H-B,color=Black|sku=H-G,color=Gray|sku=H-O,color=Orange", "\"sku=H-B,color=Black|sku=H-G,color=Gray|sku=H-O,color=Orange\""),
    );
    folder.write(
        "feedmill.toml",
        "[source]\npath = \"catalog_product.csv\"\n[defaults]\ncurrency = \"USD\"\nbase_url = \"https://shop.example\"\nseller_name = \"N\"\nbrand = \"B\"\n\
         [map]\nurl = { template = \"{{ base_url }}/{{ name|lower }}.html\" }\n[[target]]\nname = \"openai\"\nspec = \"openai\"\nformat = \"jsonl\"\n",
    );
    conserved(&folder, &folder.run(&["build", "--output-format", "json"]).json());
    assert_eq!(images(&item(&folder, "openai", "H-B")), ["black.jpg"]);
    assert_eq!(images(&item(&folder, "openai", "H-G")), ["gray.jpg", "gray1.jpg", "gray2.jpg"]);
    assert_eq!(images(&item(&folder, "openai", "H-O")), ["gray.jpg", "gray1.jpg", "gray2.jpg"]);
    // A page made of columns is the configurable's: shops show none for its children.
    has(&item(&folder, "openai", "H-B"), &[("url", json!("https://shop.example/hoodie.html")), ("material", json!("Wool, Nylon"))]);
}

#[test]
fn what_a_feed_says_twice_counts_once() {
    let folder = Folder::new();
    folder.write(
        "google.xml",
        "<rss xmlns:g=\"http://base.google.com/ns/1.0\" version=\"2.0\"><channel><item>\
         <g:id>1</g:id><g:title>Boots</g:title><g:description>Good boots.</g:description><g:link>https://shop.example/b</g:link>\
         <g:image_link>https://shop.example/b.jpg</g:image_link><g:brand>Acme</g:brand><g:availability>in stock</g:availability>\
         <g:price>129.99 EUR</g:price><g:sale_price>119.99</g:sale_price><g:availability>in stock</g:availability>\
         <g:sale_price_effective_date>2020-01-01/2036-01-01</g:sale_price_effective_date>\
         <g:sale_price_effective_date>2020-01-01/2036-01-01</g:sale_price_effective_date></item>\
         <item><g:id>2</g:id><g:title>Shoes</g:title><g:description>Good shoes.</g:description><g:link>https://shop.example/s</g:link>\
         <g:image_link>https://shop.example/s.jpg</g:image_link><g:brand>Acme</g:brand><g:availability>in stock</g:availability>\
         <g:price>129.99 EUR</g:price><g:availability>out of stock</g:availability></item></channel></rss>",
    );
    let report = build(&folder, "google.xml", &[]).json();
    conserved(&folder, &report);
    let boots = item(&folder, "openai", "1");
    // The sale price is meant in the currency that the price names, not in the usual one of the run.
    has(&boots, &[("availability", json!("in_stock")), ("price", json!("129.99 EUR")), ("sale_price", json!("119.99 EUR"))]);
    let codes = &report["summary"]["by_code"];
    assert_eq!((&codes["sale_price/other-amount"], &codes["sale_price_start_date/notation"]), (&1.into(), &Value::Null));
    // Two words that contradict each other are not decided on.
    assert_eq!(codes["availability/unknown-value"], 1);
}

#[test]
fn the_thumbnail_is_the_main_image() {
    let folder = Folder::new();
    built(&folder, &fixture("catalogs/bigcommerce-v3.csv"), &["--set", "item_weight_unit=kg", "--set", "dimensions_unit=cm"]);
    let jar = images(&item(&folder, "openai", "SLLPJ-6088C959"));
    let stems: Vec<&str> = jar.iter().filter_map(|name| name.split('.').next()).collect();
    // The thumbnail has sort order 2, the others 0 and 1.
    assert_eq!(stems, ["leparfaitmedium3", "leparfaitmedium1", "leparfaitmedium4"]);
    let detergent = item(&folder, "openai", "CGLD");
    let text = detergent["description"].as_str().expect("a description");
    assert!(text.contains("tested on animals.\n\nLavender Scented."), "{text}");
}

#[test]
fn saleor_channels_say_what_is_paid_and_published() {
    let record = |model: &str, pk: u32, fields: Value| json!({"model": format!("product.{model}"), "pk": pk, "fields": fields});
    let media = |pk: u32, order: u32| {
        record("productmedia", pk, json!({"product": 1, "sort_order": order, "image": format!("products/{order}.png")}))
    };
    let listing = |variant: u32, currency: &str, price: &str, paid: &str| {
        record(
            "productvariantchannellisting",
            variant,
            json!({"variant": variant, "currency": currency, "price_amount": price, "discounted_price_amount": paid}),
        )
    };
    let published = |product: u32, yes: bool| {
        record("productchannellisting", product, json!({"product": product, "currency": "USD", "is_published": yes}))
    };
    let folder = Folder::new();
    let records = json!([
        record("product", 1, json!({"name": "Shoe", "slug": "shoe", "description_plaintext": "A shoe.", "weight": "1000.0:g"})),
        record("product", 2, json!({"name": "Hat", "slug": "hat", "description_plaintext": "A hat."})),
        record("productvariant", 11, json!({"sku": "S-41", "name": "41", "product": 1, "track_inventory": false, "weight": null})),
        record("productvariant", 12, json!({"sku": "S-42", "name": "42", "product": 1, "track_inventory": false, "weight": "1.5:kg"})),
        record("productvariant", 21, json!({"sku": "H", "name": "M", "product": 2, "track_inventory": false})),
        listing(11, "USD", "80.000", "72.500"),
        listing(11, "PLN", "320.000", "320.000"),
        listing(12, "USD", "80.000", "80.000"),
        listing(21, "USD", "20.000", "20.000"),
        published(1, true),
        published(2, false),
        media(7, 2),
        media(8, 0),
        media(9, 1),
    ]);
    folder.write("saleor.json", records.to_string());
    let report = built(&folder, "saleor.json", &["--set", "url=https://shop.example/p"]);
    assert_eq!(report["summary"]["skipped_by"]["not published in the channel"], 1, "{}", report["summary"]);
    let first = item(&folder, "openai", "S-41");
    has(
        &first,
        &[("price", json!("80.00 USD")), ("sale_price", json!("72.50 USD")), ("weight", json!("1000.0")), ("item_weight_unit", json!("g"))],
    );
    assert_eq!(images(&first), ["0.png", "1.png", "2.png"]);
    has(
        &item(&folder, "openai", "S-42"),
        &[("price", json!("80.00 USD")), ("sale_price", Value::Null), ("weight", json!("1.5")), ("item_weight_unit", json!("kg"))],
    );
}

#[test]
fn the_first_wix_layout_adds_surcharges_and_takes_discounts_off() {
    let folder = Folder::new();
    folder.write(
        "catalog_products.csv",
        "\u{feff}handleId,fieldType,name,description,productImageUrl,sku,price,surcharge,visible,discountMode,discountValue,inventory,weight,productOptionName1,productOptionType1,productOptionDescription1\n\
         product_1,Product,Ring,<p>A ring.</p>,20_a~mv2.jpg;20_b~mv2.jpg,,0,,true,PERCENT,10.0,,0.5,Metal,DROP_DOWN,Gold;Silver\n\
         product_1,Variant,,,,R-G,,99.95,true,,,3,,,,Gold\n\
         product_1,Variant,,,,R-S,,20,true,,,0,,,,Silver\n\
         product_2,Product,Box,<p>A box.</p>,https://static.wixstatic.com/media/20_c~mv2.jpg,BOX,30,,true,AMOUNT,5.5,InStock,,,,\n\
         product_3,Product,Bag,<p>A bag.</p>,20_d~mv2.jpg,BAG,30,,true,PERCENT,0.0,InStock,,,,\n",
    );
    built(&folder, "catalog_products.csv", &["--set", "url=https://shop.example/p", "--set", "item_weight_unit=kg"]);
    assert_eq!(groups(&folder), BTreeMap::from([(String::new(), 2), ("p-product_1".to_owned(), 2)]));
    let gold = item(&folder, "openai", "R-G");
    has(
        &gold,
        &[
            // Ten percent off 99.95 leaves 89.955.
            ("price", json!("99.95 USD")),
            ("sale_price", json!("89.96 USD")),
            ("variant_dict", json!({"Metal": "Gold"})),
            ("image_url", json!("https://static.wixstatic.com/media/20_a~mv2.jpg")),
            ("additional_image_urls", json!(["https://static.wixstatic.com/media/20_b~mv2.jpg"])),
            ("weight", json!("0.5")),
        ],
    );
    has(
        &item(&folder, "openai", "R-S"),
        &[("price", json!("20.00 USD")), ("sale_price", json!("18.00 USD")), ("availability", json!("out_of_stock"))],
    );
    has(&item(&folder, "openai", "BOX"), &[("price", json!("30.00 USD")), ("sale_price", json!("24.50 USD")), ("group_id", Value::Null)]);
    has(&item(&folder, "openai", "BAG"), &[("price", json!("30.00 USD")), ("sale_price", Value::Null)]);
}

/// The name of the column shows what stands between its entries; the other sign is part of a name.
#[test]
fn prestashop_lists_are_parted_as_their_header_shows() {
    for (between, category) in [(",", "Sale; Offers"), (";", "Garden, Patio")] {
        let folder = Folder::new();
        let head = format!(
            "Product ID|Active (0/1)|Name *|Description|Categories (x{between}y{between}z...)|Price tax included|Quantity|Image URLs (x{between}y{between}z...)"
        );
        let images = ["1", "2"].map(|n| format!("https://cdn.example/{n}.jpg")).join(between);
        folder.write("products.csv", format!("{head}\n1|1|Chair|A chair.|{category}{between}Home|30.00|4|{images}\n"));
        built(&folder, "products.csv", &["--set", "url=https://shop.example/chair"]);
        let expected = [
            ("product_category", json!(category)),
            ("image_url", json!("https://cdn.example/1.jpg")),
            ("additional_image_urls", json!(["https://cdn.example/2.jpg"])),
        ];
        has(&item(&folder, "openai", "1"), &expected);
    }
}

#[test]
fn prestashop_discounts_count_within_their_dates() {
    let folder = Folder::new();
    folder.write(
        "products.csv",
        "Product ID;Active (0/1);Name *;Price tax excluded or Price tax included;Discount amount;Discount percent;Discount from (yyyy-mm-dd);Discount to (yyyy-mm-dd);Manufacturer;Quantity;Description;URL rewritten;Image URLs (x,y,z...)\n\
         1;1;Player;100;;5.5;2020-01-01;2036-01-01;Acme;0;Plays.;player;https://cdn.example/1.jpg\n\
         2;1;Case;80;100;;2020-01-01;2036-01-01;Acme;3;Holds.;case;https://cdn.example/2.jpg\n\
         3;1;Laptop;1500;100;;2013-06-01;2018-12-31;Acme;3;Computes.;laptop;https://cdn.example/3.jpg\n",
    );
    folder.write(
        "combinations.csv",
        "Product ID*;Attribute (Name:Type:Position)*;Value (Value:Position)*;Reference;EAN13;Impact on price;Quantity\n\
         1;Color:color:0;Blue:0;P;;40;10\n\
         1;Color:color:0;Red:0;P;;0;1\n\
         1;Color:color:0;Green:0;P-G;;0;1\n",
    );
    folder.write(
        "feedmill.toml",
        "[source]\npath = \"products.csv\"\n[[source.join]]\npath = \"combinations.csv\"\n[defaults]\ncurrency = \"EUR\"\nbase_url = \"https://shop.example\"\nseller_name = \"N\"\n[[target]]\nname = \"openai\"\nspec = \"openai\"\nformat = [\"csv\", \"jsonl\"]\n",
    );
    let report = folder.run(&["build", "--output-format", "json"]).json();
    conserved(&folder, &report);
    let ids: Vec<String> = items(&folder, "openai").iter().map(|item| item["item_id"].as_str().expect("text").to_owned()).collect();
    // A reference that two combinations share names neither.
    assert_eq!(ids, ["1-blue", "1-red", "P-G", "2", "3"]);
    has(&item(&folder, "openai", "1-blue"), &[("price", json!("140.00 EUR")), ("sale_price", json!("132.30 EUR"))]);
    has(&item(&folder, "openai", "1-red"), &[("price", json!("100.00 EUR")), ("sale_price", json!("94.50 EUR"))]);
    // More than the price cannot be taken off it, and the laptop's sale is over.
    for id in ["2", "3"] {
        has(&item(&folder, "openai", id), &[("sale_price", Value::Null)]);
    }
    assert_eq!(report["summary"]["by_code"]["sale_price/sale-over"], 1, "{}", report["summary"]);
}

#[test]
fn placeholders_and_lists_of_names_say_nothing() {
    let folder = Folder::new();
    folder.write(
        "products_export.csv",
        "Handle,Title,Body (HTML),Vendor,Variant SKU,Variant Price,Image Src\ngin,Gin,Dry.,My Store,GIN,52,https://cdn.example/g.jpg\n",
    );
    let report = build(&folder, "products_export.csv", &[]).json();
    assert_eq!(report["summary"]["by_code"]["brand/missing"], 1);
    folder.write(
        "bags.csv",
        "category,name,sku,price,qty,description,attribute_set\n\"Gear\nBags\nCollections\nNew\",Bag,B,9,1,A bag.,Bag\n",
    );
    built(&folder, "bags.csv", &["--set", "url=https://shop.example/p", "--set", "image_url=https://shop.example/b.jpg"]);
    assert_eq!(item(&folder, "openai", "B")["product_category"], "Gear");
}

#[test]
fn one_of_several_lists_is_read_and_the_others_are_named() {
    let folder = Folder::new();
    let product = |id: &str| {
        json!({"id": "p", "title": "Tee", "variants": [{"id": id, "title": "Tee", "description": {"plain": "A tee."}, "url": "https://shop.example/t",
            "media": [{"type": "image", "url": "https://shop.example/t.jpg"}], "price": {"amount": 1999, "currency": "USD"},
            "availability": {"available": true, "status": "in_stock"}, "seller": {"name": "Northline"}}]})
    };
    let mut reduced = product("C");
    reduced["variants"][0]["list_price"] = json!({"amount": 2499, "currency": "USD"});
    let document = json!({"answer": {"products": [product("A")]}, "request": {"products": [product("B"), reduced]}});
    folder.write("examples.json", serde_json::to_string_pretty(&document).expect("JSON"));
    let report = built(&folder, "examples.json", &[]);
    assert_eq!((&report["summary"]["records"], &report["summary"]["by_code"]["file/more-lists"]), (&1.into(), &1.into()));
    let said = report["findings"].as_array().expect("a list").iter().find(|finding| finding["code"] == "file/more-lists").expect("listed");
    assert!(said["message"].as_str().expect("text").contains("`request.products`"), "{said}");
    let report = built(&folder, "examples.json", &["--record", "request.products"]);
    assert_eq!((&report["summary"]["records"], &report["summary"]["by_code"]["file/more-lists"]), (&2.into(), &Value::Null));
    // One amount alone is the price, and no sale.
    has(&item(&folder, "openai", "B"), &[("price", json!("19.99 USD")), ("sale_price", Value::Null), ("description", json!("A tee."))]);
    assert_eq!(report["summary"]["by_code"]["sale_price/not-below-price"], Value::Null);
    has(&item(&folder, "openai", "C"), &[("price", json!("24.99 USD")), ("sale_price", json!("19.99 USD"))]);
    let run = folder.run(&["check", "examples.json", "--record", "items", "--config", "none"]);
    assert_eq!(run.code, 3);
    assert!(run.err.contains("no array of objects is called `items`; there is `answer.products`, `request.products`"), "{}", run.err);
}

#[test]
fn a_catalog_without_items_is_no_success() {
    let folder = Folder::new();
    let run =
        folder.run(&["check", &fixture("catalogs/medusa-v2.csv"), "--config", "none", "--currency", "EUR", "--output-format", "json"]);
    let report = run.json();
    assert_eq!((run.code, &report["summary"]["items"], &report["summary"]["by_code"]["feed/no-item"]), (1, &0.into(), &1.into()));
    let message = report["findings"].as_array().expect("a list").iter().find(|finding| finding["code"] == "feed/no-item").expect("listed");
    assert_eq!(message["message"], "no record makes an item of openai: 3 not published (draft, proposed or rejected)");
    // Whoever asks for an empty feed gets one.
    let run = folder.run(&["build", &fixture("catalogs/medusa-v2.csv"), "--config", "none", "--allow-empty", "--format", "jsonl"]);
    assert_eq!(run.code, 0, "{}", run.err);
}

#[test]
fn images_may_be_elsewhere() {
    let folder = Folder::new();
    let more = ["--set", "item_weight_unit=kg", "--image-base-url", "https://cdn.example/storage/product"];
    built(&folder, &fixture("catalogs/bagisto-products.csv"), &more);
    let jacket = item(&folder, "openai", "SP-005");
    has(
        &jacket,
        &[
            ("image_url", json!("https://cdn.example/storage/product/9.webp")),
            ("additional_image_urls", json!(["https://cdn.example/storage/product/10.webp"])),
        ],
    );
    let run = folder.run(&["check", &fixture("catalogs/bagisto-products.csv"), "--config", "none", "--image-base-url", "cdn"]);
    assert_eq!((run.code, run.err.contains("--image-base-url: `cdn` is no address")), (2, true), "{}", run.err);
}

#[test]
fn a_page_selects_the_variant_where_the_platform_says_how() {
    let folder = Folder::new();
    let line = |id: u32, color: &str| {
        json!({"id": format!("gid://shopify/ProductVariant/{id}"), "title": "Tee", "descriptionHtml": "A tee.", "vendor": "Acme", "price": "29.99",
            "onlineStoreUrl": "https://shop.example/products/tee", "image": "https://cdn.example/t.jpg", "color": color, "size": "M",
            "availableForSale": true, "__parentProductId": "gid://shopify/Product/4", "__parentTitle": "Tee"})
    };
    folder.write("bulk.jsonl", format!("{}\n{}\n", line(1, "Black"), line(2, "White")));
    built(&folder, "bulk.jsonl", &[]);
    has(&item(&folder, "openai", "1"), &[("url", json!("https://shop.example/products/tee?variant=1")), ("group_id", json!("4"))]);
}

#[test]
fn the_first_generation_tells_variants_by_colour_and_size() {
    let folder = Folder::new();
    build(&folder, &fixture("feeds/openai-feed-first-names.csv"), &[]);
    let shoe = item(&folder, "openai", "SKU-TRAIL-SHOE-BLK-10");
    has(
        &shoe,
        &[
            ("variant_dict", json!({"color": "Black", "size": "10"})),
            ("listing_has_variations", json!(true)),
            ("group_id", json!("SHOE-TRAIL-2025")),
        ],
    );
}

/// A sale that nobody can tell to be on is not published; what only reads one way is read.
#[test]
fn a_sale_whose_days_cannot_be_read_is_no_sale() {
    let folder = Folder::new();
    let row = |id: &str, from: &str, to: &str| {
        format!("{id},T,D,https://shop.example/{id},B,S,https://shop.example/i.jpg,in_stock,50.00 USD,30.00 USD,{from},{to}\n")
    };
    let head = "item_id,title,description,url,brand,seller_name,image_url,availability,price,sale_price,sale_price_start_date,sale_price_end_date\n";
    let rows = [
        row("past", "1/1/20", "12/31/20"),
        row("open", "2026-01-01", "2/1/30"),
        row("words", "soon", ""),
        row("on", "1/13/20", "12/31/40"),
        row("zero", "0000-00-00 00:00:00", "0000-00-00"),
    ];
    folder.write("a.csv", format!("{head}{}", rows.concat()));
    let report = folder.run(&["build", "a.csv", "--config", "none", "--target", "openai", "-f", "jsonl", "--output-format", "json"]).json();
    let sale = |id: &str| item(&folder, "openai", id)["sale_price"].clone();
    for id in ["past", "open", "words"] {
        assert_eq!(sale(id), Value::Null, "{id}");
    }
    for id in ["on", "zero"] {
        assert_eq!(sale(id), "30.00 USD", "{id}");
    }
    let counts = &report["summary"]["by_code"];
    assert_eq!((&counts["sale_price/unreadable-window"], &counts["sale_price/sale-over"]), (&2.into(), &1.into()), "{counts}");
}

/// What a configurable says in another store view is what its variants inherit there.
#[test]
fn a_parent_lends_what_it_says_in_the_wanted_view() {
    let folder = Folder::new();
    folder.write(
        "m.csv",
        "sku,store_view_code,attribute_set_code,product_type,name,description,price,qty,is_in_stock,visibility,url_key,base_image,configurable_variations\n\
         P-S,,Default,simple,Hoodie S,Nice,12.00,4,1,Not Visible Individually,hoodie-s,/h.jpg,\n\
         P,,Default,configurable,Hoodie,Nice,,,1,\"Catalog, Search\",hoodie,/h.jpg,\"sku=P-S,size=S\"\n\
         P,de,,,Kapuze,Warm,,,,,kapuze,,\n",
    );
    let shop =
        ["--currency", "EUR", "--base-url", "https://shop.example", "--image-base-url", "https://shop.example/m/", "--seller-name", "S"];
    let build = |view: &[&str]| {
        let arguments = ["build", "m.csv", "--config", "none", "--target", "openai", "-f", "jsonl", "--set", "brand=B"];
        let run = folder.run(&[&arguments[..], &shop, view].concat());
        assert_eq!(run.code, 0, "{}{}", run.out, run.err);
        item(&folder, "openai", "P-S")
    };
    has(&build(&[]), &[("title", json!("Hoodie - S")), ("url", json!("https://shop.example/hoodie.html"))]);
    let german = build(&["--view", "de"]);
    // Its description is the variant's own.
    has(&german, &[("title", json!("Kapuze - S")), ("description", json!("Nice")), ("url", json!("https://shop.example/kapuze.html"))]);
    // A view that is not there would leave the catalog in another language than was asked for.
    let run = folder.run(&["build", "m.csv", "--config", "none", "--target", "openai", "--view", "dee"]);
    assert!(run.code == 3 && run.err.contains("no row is of the view `dee`; there is the default one, `de`"), "{}", run.err);
    folder.write("flat.csv", "id,title,link\n1,Mug,https://shop.example/m\n");
    let run = folder.run(&["build", "flat.csv", "--config", "none", "--target", "openai", "--view", "de"]);
    assert!(run.code == 2 && run.err.contains("none is the view `de`"), "{}", run.err);
}
