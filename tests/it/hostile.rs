//! Bad input: one clear message, the right exit code, nothing written, nothing lost.

use crate::support::{Folder, Run, SOUND};
use std::io::Write;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).expect("memory");
    encoder.finish().expect("memory")
}

fn build(folder: &Folder, input: &str) -> Run {
    folder.run(&["build", input, "--config", "none", "--target", "openai", "--format", "csv", "--out", "out"])
}

/// Builds from these bytes and expects the run to stop with exit code 3, these words, and no file.
#[track_caller]
fn refused(name: &str, bytes: &[u8], words: &str) {
    let folder = Folder::new();
    folder.write(name, bytes);
    let run = build(&folder, name);
    assert_eq!(run.code, 3, "{name}: {}{}", run.out, run.err);
    assert!(run.err.contains(words) && run.err.contains(name), "{name}: {}", run.err);
    assert!(!folder.exists("out/openai"), "{name}");
}

#[test]
fn what_is_no_catalog() {
    refused("empty.csv", b"", "the file is empty");
    refused("head.csv", SOUND.lines().next().expect("a header").as_bytes(), "no records");
    refused("doc.pdf", b"%PDF-1.7\nstream", "a PDF document");
    refused("junk.bin", &(0..=255).cycle().take(5000).collect::<Vec<u8>>(), "binary data");
    refused("page.csv", b"<!DOCTYPE html><html><body>Log in</body></html>", "an HTML page");
    refused("book.csv", b"PK\x03\x04rest", "the archive is cut or damaged");
    refused("old.xls", b"\xd0\xcf\x11\xe0rest", "an Office document");
    refused("feed.xml", b"<?xml version=\"1.0\"?><rss/>", "looks like a record");
    refused("shop.sql", b"create table products (id int);\n", "an SQL dump");
    refused("none.json", b"{\"a\": [1, 2]}", "no array of objects");
    let folder = Folder::new();
    let run = build(&folder, "missing.csv");
    assert_eq!(run.code, 3);
    assert!(run.err.contains("missing.csv: No such file"), "{}", run.err);
    folder.write("sub/x", b"");
    assert!(build(&folder, "sub").err.contains("a folder"));
}

#[test]
fn what_is_cut() {
    let quoted = format!("{SOUND}A3,\"Never closed,x\n");
    refused("quote.csv", quoted.as_bytes(), "quote.csv:4: a quote opens here");
    refused("row.csv", SOUND.get(..SOUND.len() - 60).expect("ASCII").as_bytes(), "the file is cut");
    let packed = gzip(SOUND.repeat(50).as_bytes());
    refused("cut.csv.gz", &packed[..packed.len() - 20], "ends in the middle");
    refused("tail.csv.gz", &[packed.as_slice(), b"something else follows here"].concat(), "damaged");
    let zipped = zstd::encode_all(SOUND.repeat(50).as_bytes(), 3).expect("memory");
    refused("cut.csv.zst", &zipped[..zipped.len() - 10], "cut");
    refused("cut.json", b"[{\"item_id\":\"A\"},{\"item_id\":\"B\"", "the file is cut");
    refused("tail.json", b"{\"products\":[{\"item_id\":\"A\"}],\"note\":\"never closed", "the file is cut");
    refused("brace.json", b"[{\"item_id\":\"A\"}},{\"item_id\":\"B\"}]", "the JSON is broken here");
    refused("cut.jsonl", b"{\"item_id\":\"A\"}\n{\"item_id\":\"B", "the file is cut");
}

/// RELIABILITY, fault 2: wherever the last rows are cut, either the run stops, or every item
/// that is left is one of the whole file, or a warning names the record that may be cut.
#[test]
fn cut_at_every_byte_of_the_last_row() {
    let last = SOUND.trim_end().rfind('\n').expect("two rows") + 1;
    for end in (last + 1..SOUND.len()).step_by(3) {
        let folder = Folder::new();
        folder.write("c.csv", SOUND.get(..end).expect("ASCII"));
        let run = folder.run(&["check", "c.csv", "--config", "none", "--output-format", "json"]);
        if run.code == 3 {
            continue;
        }
        let codes = &run.json()["summary"]["by_code"];
        assert!(codes["record/no-line-end"] == 1, "cut at {end}: {codes}");
    }
}

#[test]
fn gzip_members_are_all_read() {
    let folder = Folder::new();
    let more = SOUND.lines().skip(1).map(|line| format!("B{line}\n")).collect::<String>();
    folder.write("two.csv.gz", [gzip(SOUND.as_bytes()), gzip(more.as_bytes())].concat());
    let run = folder.run(&["check", "two.csv.gz", "--config", "none", "--output-format", "json"]);
    assert_eq!(run.json()["summary"]["accepted"], 4, "{}", run.err);
}

#[test]
fn a_bomb_is_refused_in_little_memory() {
    let folder = Folder::new();
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(SOUND.as_bytes()).expect("memory");
    let row = [b"X1,", vec![b'0'; 1 << 20].as_slice(), b",d,u,b,s,i,in_stock,1.00 USD\n"].concat();
    for _ in 0..400 {
        encoder.write_all(&row).expect("memory");
    }
    folder.write("bomb.csv.gz", encoder.finish().expect("memory"));
    let run = build(&folder, "bomb.csv.gz");
    assert_eq!(run.code, 3, "{}", run.err);
    assert!(run.err.contains("times its size"), "{}", run.err);
}

#[test]
fn encodings_and_separators_are_found() {
    let folder = Folder::new();
    let german = SOUND.replace("Steel bottle", "Stählerne Flasche");
    let latin: Vec<u8> = german.chars().map(|c| c as u8).collect();
    let wide: Vec<u8> = [0xfffe_u16].iter().flat_map(|_| [0xff, 0xfe]).chain(german.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    let big: Vec<u8> = german.encode_utf16().flat_map(u16::to_be_bytes).collect();
    for (name, bytes) in [
        ("latin.csv", latin),
        ("utf16le.csv", wide),
        ("utf16be.csv", big),
        ("bom.csv", [b"\xef\xbb\xbf", german.as_bytes()].concat()),
        ("semicolon.csv", german.replace(',', ";").into_bytes()),
        ("bar.csv", german.replace(',', "|").into_bytes()),
        ("plain.tsv", german.replace(',', "\t").into_bytes()),
        ("crlf.csv", german.replace('\n', "\r\n").into_bytes()),
    ] {
        folder.write(name, bytes);
        let run = build(&folder, name);
        assert_eq!(run.code, 0, "{name}: {}{}", run.out, run.err);
        let feed = folder.read("out/openai/feed.csv");
        assert!(feed.contains("A1,Stählerne Flasche,"), "{name}: {feed}");
    }
}

#[test]
fn bad_records_are_named_and_the_others_kept() {
    let folder = Folder::new();
    let mut bytes = format!("{SOUND}A3,two cells\n").into_bytes();
    bytes.extend_from_slice(b"A4,caf\xe9,d,u,b,s,i,in_stock,1.00 USD\n");
    bytes.extend_from_slice(
        "A5,Größe,Text.,https://shop.example/a5,Acme,Acme Store,https://shop.example/a5.jpg,in_stock,1.00 USD\n".as_bytes(),
    );
    folder.write("mixed.csv", bytes);
    let run = folder.run(&["build", "mixed.csv", "--config", "none", "--format", "csv", "--output-format", "json"]);
    assert_eq!(run.code, 1, "{}", run.err);
    let report = run.json();
    let bad: Vec<(u64, u64, &str)> = report["findings"]
        .as_array()
        .expect("a list")
        .iter()
        .filter(|finding| finding["code"].as_str().is_some_and(|code| code.starts_with("record/")))
        .map(|finding| {
            (
                finding["record"].as_u64().expect("a number"),
                finding["line"].as_u64().expect("a number"),
                finding["code"].as_str().expect("text"),
            )
        })
        .collect();
    assert_eq!(bad, [(3, 4, "record/too-few-cells"), (4, 5, "record/not-utf8")]);
    let summary = &report["summary"];
    assert_eq!(
        (&summary["records"], &summary["items"], &summary["skipped"], &summary["accepted"]),
        (&5.into(), &3.into(), &2.into(), &3.into())
    );
}

#[test]
fn odd_content_does_no_harm() {
    let folder = Folder::new();
    folder.write("nul.csv", SOUND.replace("Steel bottle", "Ste\0el"));
    let run = build(&folder, "nul.csv");
    assert!(run.code == 0 && folder.read("out/openai/feed.csv").contains("A1,Steel,"), "{}{}", run.out, run.err);

    folder.write("cell.csv", SOUND.replace("Insulated steel bottle.", &"x".repeat(10_000_000)));
    let run = build(&folder, "cell.csv");
    assert!(run.code == 0 && run.out.contains("description/too-long"), "{}{}", run.out, run.err);

    folder.write("twice.csv", SOUND.replace(",brand,", ",title,"));
    let run = build(&folder, "twice.csv");
    assert!(run.code == 1 && run.out.contains("column/repeated") && run.out.contains("twice.csv:1:5"), "{}", run.out);

    let columns: Vec<String> = (0..1_000_000).map(|n| format!("c{n}")).collect();
    folder.write("wide.csv", format!("{}\n", columns.join(",")));
    assert_eq!(build(&folder, "wide.csv").code, 3);
    folder.write("wider.csv", format!("{}\n1\n", columns[..20_000].join(",")));
    let run = build(&folder, "wider.csv");
    assert!(run.code == 3 && run.err.contains("20000 columns"), "{}", run.err);
    folder.write("fine.csv", format!("{}\n{}\n", columns[..2_000].join(","), "1,".repeat(1_999) + "1"));
    assert_eq!(folder.run(&["inspect", "fine.csv", "--config", "none"]).code, 0);

    // A title that tries to forge a report line, an annotation, or a terminal command.
    folder.write("forged.csv", SOUND.replace("Steel bottle", "\"x\u{1b}[31m\n::error::forged\"").replace("in_stock", "maybe"));
    for format in ["full", "concise", "github"] {
        let run = folder.run(&["check", "forged.csv", "--config", "none", "--output-format", format]);
        assert!(!run.out.contains('\u{1b}') && !run.out.lines().any(|line| line.starts_with("::error::forged")), "{format}: {}", run.out);
    }
}

#[test]
fn output_that_cannot_be_written() {
    let folder = Folder::new();
    folder.write("good.csv", SOUND);
    folder.write("blocked", b"a file where a folder should be");
    let run = folder.run(&["build", "good.csv", "--config", "none", "--out", "blocked/out"]);
    assert_eq!(run.code, 12, "{}", run.err);
    let report = folder.run(&["check", "good.csv", "--config", "none", "--output-format", "json=blocked/x.json"]);
    assert_eq!(report.code, 12, "{}", report.err);
}

#[test]
fn an_earlier_feed_survives_a_failed_build() {
    let folder = Folder::new();
    folder.write("good.csv", SOUND);
    assert_eq!(build(&folder, "good.csv").code, 0);
    let before = folder.read("out/openai/feed.csv");
    folder.write("good.csv", format!("{SOUND}A3,\"cut"));
    assert_eq!(build(&folder, "good.csv").code, 3);
    assert_eq!(folder.read("out/openai/feed.csv"), before);
    assert_eq!(folder.files("out/openai"), ["feed.csv", "feed.manifest.json"]);
}

/// RELIABILITY, fault 11: a catalog that is written to while it is read is neither old nor new.
#[cfg(unix)]
#[test]
fn a_file_that_changes_while_it_is_read() {
    let folder = Folder::new();
    let rows: String =
        (0..200_000).map(|n| format!("R{n},T,D,https://shop.example/{n},B,S,https://shop.example/i.jpg,in_stock,{n}.00 USD\n")).collect();
    let path = folder.write("growing.csv", format!("{}\n{rows}", SOUND.lines().next().expect("a header")));
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_feedmill"))
        .args(["build", "growing.csv", "--config", "none", "--format", "csv", "--quiet"])
        .current_dir(folder.path(""))
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("the program starts");
    // The output folder appears when the records begin to be read.
    while !folder.exists("out/openai") && child.try_wait().expect("a child").is_none() {
        std::thread::yield_now();
    }
    std::fs::OpenOptions::new().append(true).open(path).and_then(|mut file| file.write_all(b"R,T,D\n")).expect("appended");
    let output = child.wait_with_output().expect("the program ends");
    assert_eq!(output.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&output.stderr).contains("changed while it was read"));
    assert!(!folder.exists("out/openai"));
}

/// Inputs broken at random, the same ones in every run: each ends with one of three codes and
/// one JSON document. Both endless loops this project has had were found this way.
#[test]
fn whatever_is_broken_comes_to_an_end() {
    let json = "{\"note\":[1,2],\"products\":[{\"item_id\":\"A\",\"title\":\"T\",\"variant_dict\":{\"x\":\"y\"}},{\"item_id\":\"B\",\"price\":1.5}],\"more\":{\"a\":[]}}";
    let shop = std::fs::read_to_string(crate::support::fixture("catalogs/shopify-theme-course.csv")).expect("a fixture");
    let bits: [&[u8]; 14] = [b"\"", b"\n", b",", b"\t", b"\0", b"\xff", b"{", b"}", b"[", b"]", b":", b"\\", b"\xc3", b"<p>"];
    let folder = Folder::new();
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below.max(1)
    };
    for round in 0..90 {
        let mut bytes = [SOUND, json, shop.as_str()][round % 3].as_bytes().to_vec();
        if next(3) == 0 {
            bytes.truncate(1 + next(bytes.len()));
        }
        for _ in 0..=next(6) {
            let at = next(bytes.len() + 1);
            if next(2) == 0 {
                bytes.splice(at..at, bits[next(bits.len())].iter().copied());
            } else {
                let end = (at + next(12)).min(bytes.len());
                bytes.drain(at..end);
            }
        }
        folder.write("broken", &bytes);
        let run =
            folder.run(&["check", "broken", "--config", "none", "--target", "openai", "--target", "stripe", "--output-format", "json"]);
        assert!(matches!(run.code, 0 | 1 | 3), "round {round}: {} {}", run.code, run.err);
        assert_eq!(run.json()["exit"]["code"], run.code, "round {round}");
    }
}

/// However many keys nobody knows, each is named or counted.
#[test]
fn every_unknown_key_is_named_or_counted() {
    let folder = Folder::new();
    let lines: String = (0..100_000).map(|n| format!("{{\"item_id\":\"A{n}\",\"own{n}\":1}}\n")).collect();
    folder.write("keys.jsonl", lines);
    let run = folder.run(&["check", "keys.jsonl", "--config", "none", "--exit-zero", "--output-format", "jsonl"]);
    assert_eq!(run.code, 0, "{}", run.err);
    let late: Vec<serde_json::Value> = run
        .out
        .lines()
        .filter(|line| line.contains("record/late-key"))
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .filter(|finding: &serde_json::Value| finding["code"] == "record/late-key")
        .collect();
    let (rest, named) = late.split_last().expect("findings");
    assert_eq!(named.len(), 1000);
    let first = named[0]["record"].as_u64().expect("a number");
    assert!(first > 1 && named.iter().zip(first..).all(|(finding, record)| finding["record"] == record), "the first ones, in order");
    // What stands in the sample are columns; all others are late.
    let more = 100_000 - (first - 1) - 1000;
    let message = rest["message"].as_str().expect("text");
    assert!(message.starts_with(&format!("{more} more keys are no known attribute")), "{message}");
    assert_eq!(rest["record"], first + 1000);
}
