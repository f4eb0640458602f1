//! What large feeds are treated differently for: columns that are wrong as a whole, ids that
//! do not fit into the memory allowed, and any number of threads.

use crate::support::Folder;
use serde_json::Value;
use std::fmt::Write;

/// A sound feed of some blocks, but for `dimensions` as earlier specs wrote them in every row
/// that `is_old` picks, and the id of row 10 again in rows 5000 and 5001.
fn feed(rows: usize, is_old: impl Fn(usize) -> bool) -> String {
    let mut text = "item_id,title,description,url,brand,seller_name,image_url,availability,price,group_id,dimensions\n".to_owned();
    for row in 1..=rows {
        let id = if matches!(row, 5000 | 5001) { 10 } else { row };
        let dimensions = if is_old(row) { "35x49x40 cm" } else { r#""{""length"":""35"",""width"":""49"",""unit"":""cm""}""# };
        let group = row / 3;
        writeln!(
            text,
            "A{id},Bottle {row},\"{}\",https://shop.example/a{row},Acme,Acme Store,https://shop.example/a{row}.jpg,in_stock,24.00 USD,G{group},{dimensions}",
            "Insulated steel bottle. ".repeat(8)
        )
        .expect("memory");
    }
    text
}

fn findings(out: &str, code: &str) -> Vec<Value> {
    let lines = out.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    lines.filter(|line| line["code"] == code).collect()
}

fn last(out: &str) -> Value {
    serde_json::from_str(out.lines().last().expect("an ending")).expect("JSON")
}

#[test]
fn a_column_wrong_as_a_whole_is_said_once_a_stretch() {
    let code = "dimensions/not-an-object";
    let folder = Folder::new();
    // One good value far inside: the stretches before and after it are two.
    folder.write("f.csv", feed(9000, |row| row != 6000));
    let run = folder.run(&["check", "f.csv", "--config", "none", "--output-format", "jsonl"]);
    let found = findings(&run.out, code);
    let values: u64 = found.iter().map(|finding| finding["values"].as_u64().unwrap_or(1)).sum();
    assert_eq!(values, 8999);
    assert_eq!(last(&run.out)["summary"]["by_code"][code], 8999);
    // No record is in two of them, and the good one in none.
    let mut said: Vec<(u64, u64)> = found
        .iter()
        .map(|finding| {
            let record = finding["record"].as_u64().expect("a record");
            (record, finding["last_record"].as_u64().unwrap_or(record))
        })
        .collect();
    said.sort_unstable();
    assert_eq!(said.first().map(|(from, _)| *from), Some(1));
    assert_eq!(said.last().map(|(_, to)| *to), Some(9000));
    assert!(said.windows(2).all(|pair| pair[0].1 < pair[1].0));
    assert!(said.iter().all(|(from, to)| !(*from..=*to).contains(&6000)));
    let stretches = found.iter().filter(|finding| finding["values"].is_u64()).count();
    assert_eq!(stretches, 2, "{found:#?}");
    let text = folder.run(&["check", "f.csv", "--config", "none", "--max-per-code", "0"]);
    assert!(text.out.contains("(8,999 times)") && text.out.contains(" times without exception"), "{}", text.out);
}

#[test]
fn what_all_items_of_a_build_share_is_said_once_a_stretch() {
    let code = "gtin/wrong-length";
    let folder = Folder::new();
    folder.write("f.csv", feed(9000, |_| false));
    let build = |threads: &str| {
        let arguments = ["build", "f.csv", "--config", "none", "--set", "gtin=12345", "--out", "out", "-f", "csv", "--threads", threads];
        folder.run(&[&arguments[..], &["--output-format", "jsonl"]].concat())
    };
    let run = build("2");
    let found = findings(&run.out, code);
    assert_eq!(last(&run.out)["summary"]["by_code"][code], 9000, "{}", run.err);
    assert_eq!(found.iter().map(|finding| finding["values"].as_u64().unwrap_or(1)).sum::<u64>(), 9000);
    let stretches: Vec<&Value> = found.iter().filter(|finding| finding["values"].is_u64()).collect();
    assert!(matches!(stretches.as_slice(), [one] if one["last_record"] == 9000 && one["value"] == "12345"), "{stretches:#?}");
    // The first block is said row by row, in order, and the value is written nowhere.
    let records: Vec<u64> = found.iter().filter_map(|finding| finding["record"].as_u64()).collect();
    assert!(records.len() > 100 && records.is_sorted());
    assert!(!std::fs::read_to_string(folder.path("out/openai/feed.csv")).expect("a feed").contains("12345"));
    assert_eq!(findings(&build("1").out, code), found);
}

#[test]
fn small_feeds_say_every_value() {
    let folder = Folder::new();
    folder.write("f.csv", feed(900, |_| true));
    let run = folder.run(&["check", "f.csv", "--config", "none", "--output-format", "jsonl"]);
    assert_eq!(findings(&run.out, "dimensions/not-an-object").len(), 900);
}

#[test]
fn ids_beyond_the_memory_are_still_unique() {
    let folder = Folder::new();
    folder.write("f.csv", feed(9000, |row| row % 2 == 0));
    let build = |memory: &str, threads: &str, out: &str| {
        let arguments =
            ["build", "f.csv", "--config", "none", "--memory", memory, "--threads", threads, "--out", out, "-f", "csv,jsonl.gz,json"];
        let run = folder.run(&[&arguments[..], &["--output-format", "jsonl"]].concat());
        assert_eq!(run.code, 1, "{}", run.err);
        let mut duplicates: Vec<u64> =
            findings(&run.out, "item_id/duplicate").iter().filter_map(|finding| finding["record"].as_u64()).collect();
        duplicates.sort_unstable();
        (duplicates, last(&run.out)["summary"].clone())
    };
    let (duplicates, summary) = build("1G", "1", "at-once");
    assert_eq!(duplicates, [5000, 5001]);
    assert_eq!((&summary["accepted"], &summary["rejected"], &summary["groups"]), (&8998.into(), &2.into(), &3001.into()));
    assert_eq!(build("1K", "3", "spilled"), (duplicates, summary));
    for name in ["feed.csv", "feed.jsonl.gz", "feed.json"] {
        let bytes = |out: &str| std::fs::read(folder.path(&format!("{out}/openai/{name}"))).expect("a feed");
        assert!(bytes("at-once") == bytes("spilled"), "{name} differs");
    }
}

/// Two ids that the table of ids cannot tell apart, found by trying millions: 40 bits of their
/// hashes agree.
const ALIKE: [&str; 2] = ["SKU-201098", "SKU-2113995"];

#[test]
fn ids_whose_hashes_agree_are_told_apart() {
    let folder = Folder::new();
    let [one, other] = ALIKE;
    // The first one is in rows 20 and 8000, the second in 4500 and 8500 and a group of three rows.
    let mut text = feed(9000, |_| false);
    for (row, id) in [(20, one), (4500, other), (8000, one), (8500, other)] {
        text = text.replace(&format!("\nA{row},"), &format!("\n{id},"));
    }
    folder.write("both.csv", text.replace(",G100,", &format!(",{other},")));
    folder.write("one.csv", text.replace(",G100,", &format!(",{other},")).replace(&format!("\n{other},"), "\nB,"));
    for memory in ["1G", "1K"] {
        let found = |file: &str, code: &str| {
            let run = folder.run(&["check", file, "--config", "none", "--memory", memory, "--output-format", "jsonl"]);
            let found = findings(&run.out, code);
            let mut found: Vec<_> =
                found.iter().map(|finding| (finding["record"].as_u64(), finding["related"]["record"].as_u64())).collect();
            found.sort_unstable();
            found
        };
        let repeated = |record, first| (Some(record), Some(first));
        let expected = [repeated(5000, 10), repeated(5001, 10), repeated(8000, 20), repeated(8500, 4500)];
        assert_eq!(found("both.csv", "item_id/duplicate"), expected, "{memory}");
        assert_eq!(found("both.csv", "group_id/equals-other-item-id"), [(Some(300), None)], "{memory}");
        assert_eq!(found("one.csv", "group_id/equals-other-item-id"), [], "{memory}");
    }
}

#[test]
fn what_cannot_be_put_aside_says_where_and_what_to_do() {
    let folder = Folder::new();
    folder.write("feed.csv", feed(9000, |_| false));
    let nowhere = folder.path("nowhere");
    let arguments = ["build", "feed.csv", "--config", "none", "--target", "openai", "--out", "out", "--memory", "1K"];
    let run = folder.run_in(&[("TMPDIR", &nowhere.to_string_lossy())], &arguments, b"");
    assert_eq!(run.code, 12, "{}", run.err);
    assert!(run.err.contains(&*nowhere.to_string_lossy()) && run.err.contains("`TMPDIR`"), "{}", run.err);
    assert_eq!(folder.files("out"), [""; 0]);
}

#[test]
fn what_all_values_of_a_column_needed_is_noted_once_a_stretch() {
    const ROWS: u32 = 14_000;
    let folder = Folder::new();
    let row = |row: u32, body: &str| format!("p{row},Bottle {row},<p>{body} bottle {row} {}</p>,12.00 USD\n", "of plain steel ".repeat(12));
    let shop = |odd: u32| {
        let rows = (1..=ROWS)
            .map(|number| if number == odd { row(number, "Plain").replace("<p>", "").replace("</p>", "") } else { row(number, "Steel") });
        rows.fold("item_id,title,description,price\n".to_owned(), |all, row| all + &row)
    };
    let build = |odd: u32, threads: &str| {
        folder.write("shop.csv", shop(odd));
        let arguments = ["build", "shop.csv", "--config", "none", "--target", "openai", "--target", "stripe", "--out", "out", "-f", "csv"];
        let run = folder.run(&[&arguments[..], &["--threads", threads, "--output-format", "jsonl"]].concat());
        for target in last(&run.out)["targets"].as_array().expect("targets") {
            assert_eq!(target["summary"]["by_code"]["description/html"], if odd > 0 { ROWS - 1 } else { ROWS }, "{}", run.err);
        }
        findings(&run.out, "description/html")
    };
    let found = build(0, "2");
    let stretches: Vec<&Value> = found.iter().filter(|finding| finding["values"].is_u64()).collect();
    assert!(matches!(stretches.as_slice(), [one] if one["fix"]["applied"] == true), "{stretches:#?}");
    assert_eq!(found.iter().map(|finding| finding["values"].as_u64().unwrap_or(1)).sum::<u64>(), u64::from(ROWS));
    let shown = stretches[0]["value"].as_str().expect("the first value");
    assert!(shown.starts_with("<p>Steel bottle ") && !stretches[0]["fix"]["value"].as_str().expect("what became of it").contains('<'));
    // The first block, and the few rows of the last, are said row by row, in order.
    let records: Vec<u64> = found.iter().filter_map(|finding| finding["record"].as_u64()).collect();
    assert!(records.len() > 100 && records.len() < 9000 && records.is_sorted());
    assert_eq!(build(0, "1"), found);
    // A block in which one value needed nothing says the others one by one.
    let found = build(9000, "2");
    assert_eq!(found.iter().filter(|finding| finding["values"].is_u64()).count(), 2, "{} findings", found.len());
}

/// A shop whose products have their rows far apart, but for one that has more of them than a block
/// should hold; every fifth id is there twice.
fn scattered_shop(products: usize, long: usize) -> String {
    let mut text =
        "Handle,Title,Body (HTML),Vendor,Option1 Name,Option1 Value,Variant SKU,Variant Price,Image Src,Image Position\n".to_owned();
    for size in 0..3 {
        for product in 0..products {
            let first = if size == 0 { format!("Bottle {product},<p>Steel</p>,Acme,Size") } else { ",,,".to_owned() };
            let sku = if product % 5 == 0 { product / 5 * 5 } else { product * 3 + size };
            writeln!(text, "b{product},{first},{size},S{sku},12.00,https://shop.example/{product}-{size}.jpg,{}", 3 - size)
                .expect("memory");
        }
    }
    for size in 0..long {
        let first = if size == 0 { "Rope,Hemp,Acme,Length" } else { ",,," };
        let image = if size == 0 { "https://shop.example/rope.jpg,1" } else { "," };
        writeln!(text, "rope,{first},{size} m,R{size},{}.00,{image}", size + 1).expect("memory");
    }
    text
}

/// A shop whose parents come behind their children, some of which nobody can find.
fn parents_behind(products: usize) -> String {
    let mut text =
        "ID,Type,SKU,Name,Published,Description,In stock?,Regular price,Images,Parent,Attribute 1 name,Attribute 1 value(s)\n".to_owned();
    for child in 0..products * 3 {
        let (parent, size) = (child % (products + 1), child / (products + 1));
        writeln!(text, "{},variation,V{child},,1,,1,12.00,,id:{parent},Size,{size}", 100_000 + child).expect("memory");
    }
    for parent in 0..products {
        writeln!(text, "{parent},variable,P{parent},Bottle {parent},1,Steel,1,,https://shop.example/{parent}.jpg,,Size,\"0, 1, 2\"")
            .expect("memory");
    }
    text
}

/// A shop whose parents list their children, which stand in front of them; a child of two parents
/// belongs to the first.
fn children_listed_behind(products: usize) -> String {
    let mut text =
        "sku,store_view_code,attribute_set_code,product_type,name,description,price,qty,is_in_stock,visibility,url_key,base_image,configurable_variations\n"
            .to_owned();
    for product in 0..products {
        for size in ["S", "M"] {
            writeln!(text, "b{product}-{size},,Default,simple,Bottle {product} {size},Steel,12.00,4,1,Not Visible Individually,b{product},{product}.jpg,")
                .expect("memory");
        }
    }
    for product in 0..products {
        let listed = |product: usize| format!("sku=b{product}-S,size=S|sku=b{product}-M,size=M");
        let also = if product > 0 { format!("|{}", listed(product - 1)) } else { String::new() };
        writeln!(
            text,
            "b{product},,Default,configurable,Bottle {product},Steel,,,1,\"Catalog, Search\",b{product},{product}.jpg,\"{}{also}\"",
            listed(product)
        )
        .expect("memory");
    }
    text
}

#[test]
fn what_rows_need_of_others_is_found_whatever_fits_into_memory() {
    let folder = Folder::new();
    folder.write("scattered.csv", scattered_shop(2000, 10_100));
    folder.write("behind.csv", parents_behind(2000));
    folder.write("listed.csv", children_listed_behind(1500));
    let real = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/catalogs");
    let real = std::fs::read_dir(real).expect("real catalogs").map(|entry| entry.expect("a file").path());
    let mut sources: Vec<String> =
        real.filter(|path| path.extension().is_some_and(|end| end == "csv")).map(|path| path.to_string_lossy().into_owned()).collect();
    sources.extend(["scattered.csv", "behind.csv", "listed.csv"].map(str::to_owned));
    for source in &sources {
        let build = |memory: &str, threads: &str| {
            let shop = ["--currency", "USD", "--base-url", "https://shop.example", "--seller-name", "Acme", "--set", "brand=Acme"];
            let shop = [&shop[..], &["--image-base-url", "https://shop.example/media/"]].concat();
            let arguments = ["build", source, "--config", "none", "--memory", memory, "--threads", threads, "--out", memory, "-f", "csv"];
            let run = folder.run(&[&arguments[..], &shop, &["--output-format", "jsonl"]].concat());
            let mut lines: Vec<String> = run.out.lines().map(str::to_owned).collect();
            let summary = last(&run.out)["summary"].clone();
            lines.pop();
            lines.sort();
            (lines, summary, std::fs::read_to_string(folder.path(&format!("{memory}/openai/feed.csv"))).expect("a feed"))
        };
        let at_once = build("1G", "1");
        assert!(at_once == build("1K", "3"), "{source} differs");
        let (_, summary, feed) = at_once;
        if source == "scattered.csv" {
            assert_eq!((&summary["items"], &summary["groups"]), (&16_100.into(), &2001.into()));
            // The first row of a product says what it is, its images come in the order they are given.
            let row = feed.lines().find(|line| line.contains(",b7,")).expect("a variant");
            assert!(row.contains("Bottle 7 - 0") && row.contains("7-1.jpg,https://shop.example/7-0.jpg"), "{row}");
        }
        if source == "behind.csv" {
            assert_eq!(
                (&summary["items"], &summary["skipped"]),
                (&5_998.into(), &2_002.into()),
                "two children name a parent that is not there"
            );
        }
        if source == "listed.csv" {
            assert_eq!((&summary["items"], &summary["groups"]), (&3_000.into(), &1_500.into()));
            let row = feed.lines().find(|line| line.starts_with("b7-M,")).expect("a variant");
            assert!(row.contains(",g-b7,") && row.contains(r#""{""size"":""M""}""#), "{row}");
        }
    }
}
