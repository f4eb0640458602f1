//! The project file's mapping, feature by feature, through the program.

use crate::shops::{conserved, item, items};
use crate::support::{Folder, Run};
use serde_json::{Value, json};

const CATALOG: &str = "sku,name,text,page,img,maker,house,stock,price,list,kind,tags,was\n\
    A,Cup,A cup.,https://shop.example/a,https://shop.example/a.jpg,Acme,,yes,5,,mug/tall,red;blue,\n\
    B,Hat,A hat.,https://shop.example/b,https://shop.example/b.jpg,,House,no,7,9,hat,green,n/a\n\
    C,Old,Gone.,https://shop.example/c,https://shop.example/c.jpg,Acme,,yes,1,,other,,\n";

const HEAD: &str = "[source]\npath = \"shop.csv\"\n[defaults]\ncurrency = \"USD\"\nseller_name = \"N\"\n[[target]]\nname = \"openai\"\nspec = \"openai\"\nformat = [\"csv\", \"jsonl\"]\n";
const MAP: &str = "[map]\nitem_id = \"sku\"\ntitle = \"name\"\ndescription = \"text\"\nurl = \"page\"\nimage_url = \"img\"\nbrand = { from = [\"maker\", \"house\"] }\n\
    availability = { from = \"stock\", lookup = { yes = \"in_stock\" }, otherwise = \"out_of_stock\" }\n";

fn run(folder: &Folder, more: &str) -> Run {
    folder.write("shop.csv", CATALOG);
    folder.write("feedmill.toml", format!("{HEAD}{MAP}{more}"));
    let run = folder.run(&["build", "--output-format", "json"]);
    assert!(run.code < 2, "{}", run.err);
    conserved(folder, &run.json());
    run
}

#[test]
fn columns_constants_and_tables() {
    let folder = Folder::new();
    folder.write("kinds.csv", "mug,Mugs\nmug/t,Tall mugs\nhat,Hats\n");
    run(
        &folder,
        "price = [{ from = \"list\", when = \"list != ''\" }, \"price\"]\nproduct_category = { from = \"kind\", lookup = \"kinds.csv\", by = \"prefix\", otherwise = \"Other\" }\n\
         color = { from = \"tags\", split = \";\", take = -1 }\nmaterial = { constant = \"Felt\" }\nmpn = { template = \"{{ sku }}-{{ name | lower }}\" }\n",
    );
    let cup = item(&folder, "openai", "A");
    for (field, value) in [
        ("brand", "Acme"),
        ("availability", "in_stock"),
        ("price", "5.00 USD"),
        ("product_category", "Tall mugs"),
        ("color", "blue"),
        ("material", "Felt"),
        ("mpn", "A-cup"),
    ] {
        assert_eq!(cup[field], value, "{field}");
    }
    let hat = item(&folder, "openai", "B");
    for (field, value) in
        [("brand", "House"), ("availability", "out_of_stock"), ("price", "9.00 USD"), ("product_category", "Hats"), ("color", "green")]
    {
        assert_eq!(hat[field], value, "{field}");
    }
    assert_eq!(item(&folder, "openai", "C")["product_category"], "Other");
}

#[test]
fn a_target_may_have_values_of_its_own() {
    let folder = Folder::new();
    run(
        &folder,
        "[[target]]\nname = \"other\"\nspec = \"openai\"\nformat = \"jsonl\"\n[target.map]\ntitle = { template = \"{{ name }} by {{ maker or house }}\" }\n",
    );
    assert_eq!((&item(&folder, "openai", "A")["title"], &item(&folder, "other", "A")["title"]), (&"Cup".into(), &"Cup by Acme".into()));
}

#[test]
fn rules_are_counted_and_one_that_meets_nothing_is_said() {
    let folder = Folder::new();
    let report = run(
        &folder,
        "[[rule]]\nwhen = \"title == 'Old'\"\ndrop = true\n[[rule]]\nwhen = \"brand == 'Acme'\"\nset = { material = \"Clay\" }\n[[rule]]\nwhen = \"brand == 'Nobody'\"\ndrop = true\n",
    )
    .json();
    assert_eq!(items(&folder, "openai").len(), 2);
    assert_eq!(item(&folder, "openai", "A")["material"], "Clay");
    assert_eq!(
        report["rules"],
        json!([{"when": "title == 'Old'", "items": 1}, {"when": "brand == 'Acme'", "items": 1}, {"when": "brand == 'Nobody'", "items": 0}])
    );
    assert_eq!(report["summary"]["by_code"]["rule/no-match"], 1);
    assert_eq!(report["summary"]["skipped_by"]["dropped by rule: title == 'Old'"], 1);
}

#[test]
fn joins_add_columns_and_say_what_found_no_partner() {
    let folder = Folder::new();
    folder.write("stock.jsonl", "{\"code\":\"A\",\"qty\":4,\"prices\":{\"USD\":\"6.50\"}}\n{\"code\":\"A\",\"qty\":9}\n{\"code\":\"C\",\"qty\":0}\n{\"code\":\"Z\",\"qty\":1}\n");
    folder.write("shop.csv", CATALOG);
    folder.write(
        "feedmill.toml",
        format!(
            "{}{MAP}mpn = \"stock.qty\"\nprice = {{ from = [\"stock.prices.USD\", \"price\"] }}\n",
            HEAD.replace("[defaults]", "[[source.join]]\npath = \"stock.jsonl\"\non = \"sku\"\nkey = \"code\"\n[defaults]")
        ),
    );
    let run = folder.run(&["build", "--output-format", "json"]);
    assert!(run.code < 2, "{}", run.err);
    let report = run.json();
    conserved(&folder, &report);
    let cup = item(&folder, "openai", "A");
    // The first row of a key counts.
    assert_eq!((&cup["mpn"], &cup["price"]), (&"4".into(), &"6.50 USD".into()));
    let hat = item(&folder, "openai", "B");
    assert_eq!((&hat["mpn"], &hat["price"]), (&Value::Null, &"7.00 USD".into()));
    let codes = &report["summary"]["by_code"];
    for code in ["join/no-match", "join/unused", "join/duplicate-key"] {
        assert_eq!(codes[code], 1, "{code}: {codes}");
    }
    let message = |code: &str| {
        let findings = report["findings"].as_array().expect("a list");
        findings.iter().find(|finding| finding["code"] == code).expect("found")["message"].as_str().expect("text").to_owned()
    };
    assert!(
        message("join/no-match").starts_with("1 of the records find no row") && message("join/no-match").contains("`B`"),
        "{}",
        message("join/no-match")
    );
    assert!(message("join/unused").starts_with("1 of the 4 rows"), "{}", message("join/unused"));
}

#[test]
fn a_joined_column_that_is_not_there_is_found_before_any_row() {
    let folder = Folder::new();
    folder.write("stock.csv", "code,qty\nA,1\n");
    folder.write("shop.csv", CATALOG);
    folder.write(
        "feedmill.toml",
        format!("{}{MAP}", HEAD.replace("[defaults]", "[[source.join]]\npath = \"stock.csv\"\non = \"sku\"\nkey = \"cod\"\n[defaults]")),
    );
    let run = folder.run(&["build"]);
    assert_eq!(run.code, 2, "{}", run.err);
    assert!(run.err.contains("no column is called `cod`; did you mean `code`?"), "{}", run.err);
}

#[test]
fn one_record_becomes_many_items_where_the_project_file_says_so() {
    let folder = Folder::new();
    folder.write("shop.csv", CATALOG);
    let rows = "rows = { kind = \"nested\", list = \"tags\", separator = \";\", group = [\"sku\"], prefix = \"g-\" }\n[defaults]";
    folder.write("feedmill.toml", format!("{}{MAP}color = \"tags[]\"\n", HEAD.replace("[defaults]", rows)));
    let run = folder.run(&["build", "--output-format", "json"]);
    assert!(run.code < 2, "{}", run.err);
    let report = run.json();
    conserved(&folder, &report);
    assert_eq!(
        (&report["input"][0]["records"], &report["summary"]["records"], &report["summary"]["items"]),
        (&3.into(), &4.into(), &4.into())
    );
    // An id that all entries of a record share cannot name an item; a single one keeps it.
    let blue = item(&folder, "openai", "A-blue");
    assert_eq!((&blue["color"], &blue["group_id"], &blue["variant_dict"]), (&"blue".into(), &"g-A".into(), &json!({"tags": "blue"})));
    assert_eq!((&item(&folder, "openai", "A-red")["color"], &item(&folder, "openai", "B")["color"]), (&"red".into(), &"green".into()));
}

#[test]
fn a_file_without_a_header_is_told_what_to_do() {
    let folder = Folder::new();
    folder.write("bare.csv", "A,Cup,5.00\nB,Hat,7.00\n");
    let report = folder.run(&["check", "bare.csv", "--config", "none", "--output-format", "json"]).json();
    assert_eq!(report["summary"]["by_code"]["file/no-header"], 1);
    let named = folder.run(&["check", "bare.csv", "--config", "none", "--header", "sku,name,price", "--output-format", "json"]).json();
    assert_eq!((&named["summary"]["records"], &named["summary"]["by_code"]["file/no-header"]), (&2.into(), &Value::Null));
    assert_eq!(named["summary"]["by_code"]["title/missing"], Value::Null);
}

#[test]
fn transforms_are_listed() {
    let run = Folder::new().run(&["spec", "--transforms"]);
    assert_eq!(run.code, 0, "{}", run.err);
    for name in ["html", "units-nanos", "minor-units", "slug"] {
        assert!(run.out.contains(name), "{}", run.out);
    }
}

/// Rows that share a box share what it is parted into, and each keeps what it says of an axis
/// itself; but numbers in two units never come to stand under one.
#[test]
fn a_box_and_axes_with_units_come_to_one_unit_or_are_left_out() {
    let folder = Folder::new();
    let rows = [
        ("A", "12 × 8 x 5 in,,,,", ["12", "8", "5", "in"]),
        ("B", "12 × 8 x 5 in,14,,,", ["14", "8", "5", "in"]),
        // A single axis is not published.
        ("C", "12 × 8 x 5 in,14,,,cm", ["", "", "", ""]),
        ("D", "12 × 8 x 5 in,14,9,6,cm", ["14", "9", "6", "cm"]),
        ("E", "12 × 8 x 5 in,,,,cm", ["12", "8", "5", "in"]),
        ("F", "12 × 9 x 5 in,,,,", ["12", "9", "5", "in"]),
        ("G", ",14 in,20 in,8 in,cm", ["14", "20", "8", "in"]),
        ("H", ",14 in,20,8,cm", ["", "20", "8", "cm"]),
        ("I", ",14 in,20 cm,,", ["", "", "", ""]),
        ("J", ",14 in,20,8,Inches", ["14", "20", "8", "in"]),
        ("K", "12 × 8 x 5 in,14 in,,,cm", ["14", "8", "5", "in"]),
        ("L", "12 × 8 x 5 in,14,9,6,", ["14", "9", "6", "in"]),
    ];
    let written =
        rows.map(|(id, size, _)| format!("{id},Cup,Acme,A cup.,https://shop.example/{id},https://shop.example/{id}.jpg,5 USD,{size}\n"));
    let header = "sku,title,brand,description,link,image_link,price,dimensions,length,width,height,dimensions_unit\n";
    folder.write("shop.csv", header.to_owned() + &written.concat());
    folder.write("feedmill.toml", format!("{HEAD}[map]\nitem_id = \"sku\"\navailability = {{ constant = \"in_stock\" }}\n"));
    let run = folder.run(&["build", "--output-format", "json"]);
    assert!(run.code < 2, "{}", run.err);
    for (id, _, expected) in rows {
        let item = item(&folder, "openai", id);
        let found = ["length", "width", "height", "dimensions_unit"].map(|field| item[field].as_str().unwrap_or("").to_owned());
        assert_eq!(found, expected, "{id}");
    }
    assert_eq!(run.json()["summary"]["by_code"]["dimensions/other-unit"], 1);
}

/// A catalog with Google's columns is one whatever flags stand beside them, and these are read.
#[test]
fn flags_beside_the_columns_of_google_are_kept() {
    let folder = Folder::new();
    folder.write(
        "google.csv",
        "id,title,description,link,image_link,brand,price,availability,is_eligible_search\n\
         A,Cup,A cup.,https://shop.example/a,https://shop.example/a.jpg,Acme,5.00 USD,preorder,false\n\
         B,Hat,A hat.,https://shop.example/b,https://shop.example/b.jpg,Acme,7.00 USD,in_stock,\n",
    );
    let run = built(&folder, &["--seller-name", "N", "--target", "openai"]);
    assert_eq!(run.json()["input"][0]["preset"], "google");
    let cup = item(&folder, "openai", "A");
    assert_eq!((&cup["availability"], &cup["is_eligible_search"]), (&json!("pre_order"), &json!(false)));
    assert_eq!(item(&folder, "openai", "B").get("is_eligible_search").and_then(Value::as_bool), None);
}

/// Builds the Google feed of a folder as JSON Lines.
fn built(folder: &Folder, more: &[&str]) -> Run {
    let words = ["build", "google.csv", "--config", "none", "--format", "jsonl", "--out", "out", "--output-format", "json"];
    let run = folder.run(&[&words[..], more].concat());
    assert!(run.code < 2, "{}", run.err);
    run
}

/// A time whose zone nobody names is another instant everywhere; the day of it can be sent.
#[test]
fn a_time_without_zone_is_written_as_its_day() {
    let folder = Folder::new();
    folder.write(
        "google.csv",
        "id,title,description,link,image_link,brand,gtin,price,availability,availability_date\n\
         A,Cup,A cup.,https://shop.example/a,https://shop.example/a.jpg,Acme,09506000134352,5.00 USD,preorder,2036-10-15T09:00:00\n\
         B,Hat,A hat.,https://shop.example/b,https://shop.example/b.jpg,Acme,09506000134352,7.00 USD,preorder,2036-10-15T09:00:00Z\n",
    );
    let run = built(&folder, &["--target", "openai-google"]);
    let items = items(&folder, "openai-google");
    let dates: Vec<&Value> = items.iter().map(|item| &item["availability_date"]).collect();
    assert_eq!(dates, [&json!("2036-10-15"), &json!("2036-10-15T09:00:00Z")]);
    let report = run.json();
    let told = report["findings"].as_array().expect("a list").iter().find(|found| found["code"] == "availability_date/time-without-zone");
    assert_eq!(told.expect("told")["fix"]["value"], "2036-10-15");
}
