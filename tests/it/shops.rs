//! Real exports through every room: what each platform's rows become. Expected values were
//! read off the exports by hand.

use crate::support::{Folder, Run, fixture, shared};
use serde_json::Value;

const SHOP: [&str; 8] = ["--config", "none", "--currency", "USD", "--base-url", "https://shop.example", "--seller-name", "Northline"];

pub(crate) fn build(folder: &Folder, input: &str, more: &[&str]) -> Run {
    let mut arguments = vec!["build", input, "--format", "csv,jsonl", "--output-format", "json"];
    // A flag given twice is refused, so one that a test gives stands for the usual one.
    arguments.extend(SHOP.chunks(2).filter(|pair| !more.contains(&pair[0])).flatten());
    arguments.extend(more);
    let run = folder.run(&arguments);
    assert!(run.code < 2, "{input}: {}", run.err);
    run
}

pub(crate) fn items(folder: &Folder, target: &str) -> Vec<Value> {
    folder.read(&format!("out/{target}/feed.jsonl")).lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

pub(crate) fn item(folder: &Folder, target: &str, id: &str) -> Value {
    let key = if target == "stripe" { "id" } else { "item_id" };
    items(folder, target).into_iter().find(|item| item[key] == id).unwrap_or_else(|| panic!("no item {id}"))
}

/// `records = items + skipped` and `items = accepted + rejected`, and the feed has what was accepted.
#[track_caller]
pub(crate) fn conserved(folder: &Folder, report: &Value) {
    for target in report["targets"].as_array().expect("a list") {
        let count = |name: &str| target["summary"][name].as_u64().expect("a number");
        assert_eq!(count("records"), count("items") + count("skipped"));
        assert_eq!(count("items"), count("accepted") + count("rejected"));
        let name = target["target"]["name"].as_str().expect("a name");
        if count("accepted") > 0 {
            assert_eq!(items(folder, name).len() as u64, count("accepted"), "{name}");
        }
    }
}

/// A feed that was just built has no error, whatever its catalog was like.
#[track_caller]
pub(crate) fn checks_clean(folder: &Folder, target: &str) {
    let path = format!("out/{target}/feed.csv");
    let run = folder.run(&["check", &path, "--config", "none", "--target", target, "--output-format", "json"]);
    assert_eq!(run.code, 0, "{target}: {}", run.out);
    assert_eq!(run.json()["summary"]["errors"], 0);
}

#[test]
fn the_main_job_needs_no_flags() {
    let folder = Folder::new();
    let run = folder.run(&[
        "build",
        &fixture("catalogs/shopify-gatsby-starter.csv"),
        "--target",
        "openai",
        "--out",
        "out",
        "--output-format",
        "json",
    ]);
    assert_eq!(run.code, 1, "{}", run.err);
    let summary = &run.json()["summary"];
    // One product stands twice in the export, so one variant repeats the id of another.
    assert_eq!(
        (&summary["records"], &summary["items"], &summary["accepted"], &summary["rejected"]),
        (&300.into(), &300.into(), &299.into(), &1.into())
    );
    assert!(folder.exists("out/openai/feed.jsonl.gz") && folder.exists("out/openai/feed.manifest.json"));
}

#[test]
fn shopify_variants_inherit_and_price_the_right_way_round() {
    let folder = Folder::new();
    let run = build(&folder, &fixture("catalogs/shopify-new-columns.csv"), &["--target", "openai", "--target", "stripe"]);
    conserved(&folder, &run.json());
    let shirt = item(&folder, "openai", "TheBandTShirt-SG");
    for (field, value) in [
        ("title", "Physical Product “The Band” T-Shirt - Small / green"),
        ("url", "https://shop.example/products/physical-product-the-band-t-shirt"),
        // The column `Price` is what a shopper pays now; `Compare-at price` is the regular one.
        ("price", "24.99 USD"),
        ("sale_price", "19.99 USD"),
        ("availability", "in_stock"),
        ("group_id", "physical-product-the-band-t-shirt"),
        ("brand", "Harmony Threads"),
        ("color", "green"),
        ("size", "Small"),
        ("weight", "150"),
        ("item_weight_unit", "g"),
        ("age_group", "adult"),
    ] {
        assert_eq!(shirt[field], value, "{field}");
    }
    assert_eq!(shirt["variant_dict"], serde_json::json!({"Size": "Small", "Color": "green"}));
    assert_eq!((&shirt["listing_has_variations"], &shirt["is_digital"]), (&true.into(), &false.into()));
    let other = item(&folder, "openai", "TheBandTShirt-MG");
    assert_eq!((&other["description"], &other["brand"]), (&shirt["description"], &shirt["brand"]));
    // The target wants a window with a sale price and the export has none, so the price paid is the price.
    let paid = item(&folder, "stripe", "TheBandTShirt-SG");
    assert_eq!((&paid["price"], &paid["sale_price"]), (&"19.99 USD".into(), &Value::Null));
    assert_eq!(
        (&paid["weight"], &paid["inventory_quantity"], &paid["inventory_not_tracked"]),
        (&"150 g".into(), &47.into(), &false.into())
    );
    for target in ["openai", "stripe"] {
        checks_clean(&folder, target);
    }
}

#[test]
fn shopify_rows_of_all_kinds() {
    let folder = Folder::new();
    folder.write(
        "products_export.csv",
        "Handle,Title,Body (HTML),Vendor,Type,Published,Option1 Name,Option1 Value,Variant SKU,Variant Grams,Variant Inventory Tracker,Variant Inventory Qty,Variant Inventory Policy,Variant Price,Variant Compare At Price,Variant Barcode,Image Src,Image Position,Gift Card,Variant Image,Status\n\
         cup,Cup,<p>A &amp; B</p>,Acme,Mugs,true,Farbe,Red,,300,shopify,0,deny,5.00,,'4006381333931,https://cdn.example/2.jpg,2,false,,active\n\
         cup,,,,,,,Blue,CUP,300,shopify,0,continue,5.00,4.00,4006381333932,https://cdn.example/1.jpg,1,,https://cdn.example/blue.jpg,\n\
         cup,,,,,,,,,,,,,,,,https://cdn.example/3.jpg,3,,,\n\
         hat,Hat,Warm.,Acme,Hats,true,Title,Default Title,HAT,0,,,deny,7.00,0,,https://cdn.example/h.jpg,1,false,,active\n\
         old,Old,Gone.,Acme,Hats,true,Title,Default Title,OLD,0,,,deny,7.00,,,https://cdn.example/o.jpg,1,false,,draft\n\
         card,Card,Gift.,Acme,Cards,true,Title,Default Title,CARD,0,,,deny,7.00,,,https://cdn.example/c.jpg,1,true,,active\n\
         cup,,,,,,,Green,HAT,300,,,deny,5.00,,,,,,,\n\
         shirt,Shirt Small,Soft.,Acme,Tops,true,Size,S,S1,0,,,deny,7.00,,5784397766,https://cdn.example/s.jpg,1,false,,active\n\
         shirt,,,,,,,Small,S2,0,,,deny,7.00,,,,,,,\n",
    );
    let run = build(&folder, "products_export.csv", &[]);
    let report = run.json();
    conserved(&folder, &report);
    let skipped = &report["summary"]["skipped_by"];
    assert_eq!(skipped["row that only brings an image"], 1);
    assert_eq!(skipped["not published (draft, archived or unlisted)"], 1);
    assert_eq!(skipped["gift card"], 1);
    let ids: Vec<String> = items(&folder, "openai").iter().map(|item| item["item_id"].as_str().expect("text").to_owned()).collect();
    // No SKU, and a SKU that stands on two rows, are replaced by the handle and the options; the
    // green cup belongs to the others although it stands apart, and keeps its place.
    assert_eq!(ids, ["cup-red", "CUP", "hat", "cup-green", "S1", "S2"]);
    assert_eq!(item(&folder, "openai", "cup-green")["group_id"], "cup");
    let red = item(&folder, "openai", "cup-red");
    assert_eq!((&red["availability"], &red["is_eligible_checkout"]), (&"out_of_stock".into(), &false.into()));
    assert_eq!((&red["description"], &red["gtin"], &red["color"]), (&"A & B".into(), &"4006381333931".into(), &"Red".into()));
    // Image cells belong to the product in their own order, not to the row they stand in.
    assert_eq!(red["image_url"], "https://cdn.example/1.jpg");
    assert_eq!(red["additional_image_urls"], serde_json::json!(["https://cdn.example/2.jpg", "https://cdn.example/3.jpg"]));
    let blue = item(&folder, "openai", "CUP");
    assert_eq!((&blue["availability"], &blue["image_url"]), (&"backorder".into(), &"https://cdn.example/blue.jpg".into()));
    // A compare-at price below the price is no sale, and a wrong check digit is no GTIN.
    assert_eq!((&blue["price"], &blue["sale_price"], &blue["gtin"]), (&"5.00 USD".into(), &Value::Null, &Value::Null));
    assert_eq!(item(&folder, "openai", "cup-green")["title"], "Cup - Green");
    // A value is in the title only as a word of its own; ten digits are not padded into a GTIN.
    let shirt = item(&folder, "openai", "S1");
    assert_eq!((&shirt["title"], &shirt["gtin"]), (&"Shirt Small - S".into(), &Value::Null));
    assert_eq!(item(&folder, "openai", "S2")["title"], "Shirt Small");
    let hat = item(&folder, "openai", "hat");
    assert_eq!((&hat["group_id"], &hat["weight"], &hat["availability"]), (&Value::Null, &Value::Null, &"in_stock".into()));
    checks_clean(&folder, "openai");
}

#[test]
fn woocommerce_variations_find_their_parents_anywhere() {
    let folder = Folder::new();
    folder.write(
        "wc-product-export.csv",
        "\u{feff}ID,Type,SKU,Name,Published,Visibility in catalog,Short description,Description,In stock?,Stock,Backorders allowed?,Weight (lbs),Sale price,Regular price,Categories,Images,Parent,Attribute 1 name,Attribute 1 value(s),Brands\n\
         11,variation,,Tee - Red,1,visible,,,1,5,0,,,20,,,id:10,Color,Red,\n\
         10,variable,TEE,Tee,1,visible,Short.,<b>Long</b>,1,,0,0.5,,,\"Sale, Clothing > Tees\",\"https://shop.example/a.jpg, https://shop.example/b,1.jpg\",,Color,\"Red, Blue\",Acme\n\
         12,variation,TEE-B,Tee - Blue,1,visible,,,0,0,notify,,18,20,,https://shop.example/blue.jpg,TEE,Color,Blue,\n\
         13,grouped,,Set,1,visible,,,1,,0,,,,,,,,,\n\
         14,simple,MUG,Mug,1,visible,,A mug.\\nBlue.,1,,0,,0,9.5,Mugs,https://shop.example/m.jpg,,,,Acme\n\
         15,simple,HID,Hidden,1,hidden,,A mug.,1,,0,,,9.5,Mugs,https://shop.example/m.jpg,,,,Acme\n\
         16,variation,LOST,Lost,1,visible,,,1,5,0,,,20,,,id:99,Color,Red,\n",
    );
    let run = build(&folder, "wc-product-export.csv", &[]);
    let report = run.json();
    conserved(&folder, &report);
    assert_eq!(report["input"][0]["preset"], "woocommerce");
    let skipped = &report["summary"]["skipped_by"];
    for reason in [
        "parent row, its variations are the items",
        "variation without its parent",
        "hidden from the catalog",
        "not sold on its own (grouped, external, bundle)",
    ] {
        assert_eq!(skipped[reason], 1, "{reason}: {skipped}");
    }
    let red = item(&folder, "openai", "11");
    for (field, value) in [
        ("title", "Tee - Red"),
        ("description", "Long"),
        ("group_id", "wc-10"),
        ("brand", "Acme"),
        ("product_category", "Clothing > Tees"),
        ("image_url", "https://shop.example/a.jpg"),
        ("weight", "0.5"),
        ("item_weight_unit", "lb"),
        ("url", "https://shop.example/?p=10"),
        ("availability", "in_stock"),
    ] {
        assert_eq!(red[field], value, "{field}");
    }
    assert_eq!(red["additional_image_urls"], serde_json::json!(["https://shop.example/b%2C1.jpg"]));
    let blue = item(&folder, "openai", "12");
    assert_eq!(
        (&blue["availability"], &blue["price"], &blue["sale_price"]),
        (&"backorder".into(), &"20.00 USD".into(), &"18.00 USD".into())
    );
    assert_eq!(blue["image_url"], "https://shop.example/blue.jpg");
    let mug = item(&folder, "openai", "14");
    assert_eq!((&mug["sale_price"], &mug["group_id"], &mug["description"]), (&Value::Null, &Value::Null, &"A mug.\nBlue.".into()));
    checks_clean(&folder, "openai");
}

#[test]
fn google_feeds_become_current() {
    let folder = Folder::new();
    folder.write(
        "google.tsv",
        "id\ttitle\tdescription\tlink\timage link\tavailability\tprice\tsale price\tsale price effective date\tbrand\tgtin\titem group id\tcolor\tsize\n\
         1\tShoe 9\tA shoe.\thttps://shop.example/s?9\thttps://shop.example/s.jpg\tin stock\tUSD 80.00\t60,00 USD\t2020-01-01/2036-01-01\tAcme\t4006381333931\tS\tBlack\t9\n\
         2\tShoe 10\tA shoe.\thttps://shop.example/s?10\thttps://shop.example/s.jpg\tpreorder\t80.00 USD\t\t\tAcme\t\tS\tBlack\t10\n",
    );
    let run = build(
        &folder,
        "google.tsv",
        &[
            "--target",
            "openai",
            "--target",
            "stripe",
            "--set",
            "product_category=Shoes",
            "--set",
            "mpn=S",
            "--set",
            "availability_date=2036-01-01",
        ],
    );
    conserved(&folder, &run.json());
    let first = item(&folder, "openai", "1");
    assert_eq!((&first["price"], &first["sale_price"]), (&"80.00 USD".into(), &"60.00 USD".into()));
    assert_eq!(first["variant_dict"], serde_json::json!({"color": "Black", "size": "9"}));
    assert_eq!(item(&folder, "openai", "2")["availability"], "pre_order");
    let sale = item(&folder, "stripe", "1");
    assert_eq!(
        (&sale["sale_price"], &sale["sale_price_effective_date"], &sale["item_group_id"]),
        (&"60.00 USD".into(), &"2020-01-01/2036-01-01".into(), &"S".into())
    );
    assert_eq!(item(&folder, "stripe", "2")["availability"], "preorder");
    checks_clean(&folder, "openai");
    checks_clean(&folder, "stripe");
}

#[test]
fn a_feed_of_one_target_becomes_one_of_another() {
    let folder = Folder::new();
    folder.write(
        "feed.jsonl",
        "{\"item_id\":\"A\",\"title\":\"Shelf\",\"description\":\"Oak.\",\"url\":\"https://shop.example/a\",\"brand\":\"Acme\",\"seller_name\":\"S\",\"image_url\":\"https://shop.example/a.jpg\",\"availability\":\"pre_order\",\"availability_date\":\"2036-01-01\",\"price\":\"80.00 USD\",\"gtin\":\"4006381333931\",\"product_category\":\"Shelves\",\"group_id\":\"G\",\"listing_has_variations\":true,\"variant_dict\":{\"Color\":\"Oak\",\"Width\":\"80 cm\"},\"is_eligible_checkout\":false,\"weight\":\"2.5\",\"item_weight_unit\":\"lb\"}\n",
    );
    build(&folder, "feed.jsonl", &["--target", "stripe"]);
    let made = item(&folder, "stripe", "A");
    for (field, value) in [
        ("link", "https://shop.example/a"),
        ("availability", "preorder"),
        ("item_group_id", "G"),
        ("custom_variant_option_name_1", "Width"),
        ("custom_variant_option_value_1", "80 cm"),
        ("weight", "2.5 lb"),
    ] {
        assert_eq!(made[field], value, "{field}");
    }
    assert_eq!((&made["disable_checkout"], &made["custom_variant_option_name_2"]), (&true.into(), &Value::Null));
}

#[test]
fn options_that_find_no_column_are_named() {
    let folder = Folder::new();
    folder.write(
        "feed.jsonl",
        "{\"item_id\":\"A\",\"title\":\"Shelf\",\"description\":\"Oak.\",\"url\":\"https://shop.example/a\",\"brand\":\"Acme\",\"image_url\":\"https://shop.example/a.jpg\",\"availability\":\"in_stock\",\"price\":\"80.00 USD\",\"gtin\":\"4006381333931\",\"product_category\":\"Shelves\",\"group_id\":\"G\",\"listing_has_variations\":true,\"variant_dict\":{\"Color\":\"Oak\",\"Width\":\"80\",\"Depth\":\"30\",\"Feet\":\"4\",\"Doors\":\"2\"}}\n",
    );
    let run = build(&folder, "feed.jsonl", &["--target", "stripe"]);
    // Color has a column of its own; three of the other four find one.
    assert_eq!(run.json()["summary"]["by_code"]["variant_dict/too-many-options"], 1, "{}", run.out);
    assert_eq!(item(&folder, "stripe", "A")["custom_variant_option_name_3"], "Feet");
}

#[test]
fn the_shared_exports_of_both_platforms() {
    let Some(folder_of_catalogs) = shared("catalogs") else { return };
    for name in [
        "shopify-new-columns-2026.csv",
        "shopify-old-columns-gatsby-starter.csv",
        "shopify-old-columns-gin-metafields.csv",
        "shopify-old-columns-theme-course.csv",
        "woocommerce-sample-products.csv",
        "woocommerce-importer-odd-headers.csv",
        "woocommerce-bom-bundles-meta.csv",
    ] {
        let folder = Folder::new();
        let path = folder_of_catalogs.join(name).display().to_string();
        let run = build(&folder, &path, &["--target", "openai", "--target", "stripe", "--set", "brand=Northline"]);
        let report = run.json();
        let platform = if name.starts_with("shopify") { "shopify" } else { "woocommerce" };
        assert_eq!(report["input"][0]["preset"], platform, "{name}");
        conserved(&folder, &report);
        for target in ["openai", "stripe"] {
            if folder.exists(&format!("out/{target}/feed.csv")) {
                checks_clean(&folder, target);
            }
        }
    }
}
