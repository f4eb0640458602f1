//! Input made to hurt: a message, the right exit code, nothing written, and little memory.

use crate::support::{Folder, SOUND, fixture};
use std::io::Write;
use std::process::Command;

/// What a run came to, and the most memory it held, in MiB.
struct Weighed {
    code: i32,
    err: String,
    peak: u64,
}

/// Runs the program below a small one that asks the system what it took.
fn weigh(folder: &Folder, input: &str, more: &[&str]) -> Weighed {
    let script = "import resource, subprocess, sys\n\
        done = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)\n\
        sys.stderr.buffer.write(done.stderr)\n\
        print(done.returncode, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024)";
    let output = Command::new("python3")
        .args([
            "-c",
            script,
            env!("CARGO_BIN_EXE_feedmill"),
            "build",
            input,
            "--config",
            "none",
            "--out",
            "out",
            "--output-format",
            "concise",
        ])
        .args(more)
        .current_dir(folder.path(""))
        .output()
        .expect("python3 runs");
    let numbers = String::from_utf8(output.stdout).expect("numbers");
    let (code, peak) = numbers.trim().split_once(' ').expect("two numbers");
    Weighed {
        code: code.parse().expect("a number"),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
        peak: peak.parse().expect("a number"),
    }
}

fn gzip(pieces: impl Iterator<Item = Vec<u8>>) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    for piece in pieces {
        encoder.write_all(&piece).expect("memory");
    }
    encoder.finish().expect("memory")
}

/// A workbook whose only sheet is written piece by piece.
fn workbook(sheet: impl FnOnce(&mut dyn FnMut(&str))) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Deflated);
    let mut part = |name: &str, text: &str| {
        archive.start_file(name, options).expect("memory");
        archive.write_all(text.as_bytes()).expect("memory");
    };
    part("[Content_Types].xml", "<Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\"/>");
    part(
        "_rels/.rels",
        "<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\"><Relationship Id=\"rId1\" \
         Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>",
    );
    part(
        "xl/workbook.xml",
        "<workbook xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\" \
         xmlns:r=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships\"><sheets><sheet name=\"S\" sheetId=\"1\" r:id=\"rId1\"/></sheets></workbook>",
    );
    part(
        "xl/_rels/workbook.xml.rels",
        "<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\"><Relationship Id=\"rId1\" \
         Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet\" Target=\"worksheets/sheet1.xml\"/></Relationships>",
    );
    archive.start_file("xl/worksheets/sheet1.xml", options).expect("memory");
    let mut write = |text: &str| archive.write_all(text.as_bytes()).expect("memory");
    write("<worksheet xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\"><dimension ref=\"A1:XFD1048576\"/><sheetData>");
    sheet(&mut write);
    write("</sheetData></worksheet>");
    archive.finish().expect("memory").into_inner()
}

fn row(number: usize, cells: &str) -> String {
    let cells: String = cells
        .split(',')
        .enumerate()
        .map(|(place, cell)| {
            let letter = char::from(b'A' + u8::try_from(place).expect("few"));
            format!("<c r=\"{letter}{number}\" t=\"inlineStr\"><is><t>{cell}</t></is></c>")
        })
        .collect();
    format!("<row r=\"{number}\">{cells}</row>")
}

/// A Parquet file that promises a billion rows and holds three.
fn promise() -> Vec<u8> {
    let mut bytes = std::fs::read(fixture("catalogs/conformance/shop.parquet")).expect("a fixture");
    // In the footer: the number of rows as a zigzag varint, then the list of row groups.
    let at = bytes.windows(3).rposition(|window| window == [0x16, 0x06, 0x19]).expect("the row count");
    let billion = [0x80, 0xa8, 0xd6, 0xb9, 0x07];
    bytes.splice(at + 1..at + 2, billion);
    let end = bytes.len() - 8;
    let length = u32::from_le_bytes(bytes[end..end + 4].try_into().expect("four bytes")) + 4;
    bytes[end..end + 4].copy_from_slice(&length.to_le_bytes());
    bytes
}

fn header_and(text: &str) -> String {
    format!("<?xml version=\"1.0\"?>\n{text}")
}

#[test]
fn hostile_input_costs_a_message_and_little_memory() {
    let bomb: String = (1..10).map(|n| format!("<!ENTITY e{n} \"{}\">", format!("&e{};", n - 1).repeat(10))).collect();
    let shop = "<c><p><item_id>A</item_id><title>&e9;</title></p><p><item_id>B</item_id></p></c>";
    let attributes: String = (0..100_000).map(|n| format!(" a{n}='1'")).collect();
    let blank = vec![b' '; 1 << 20];
    let zero = "0".repeat(1 << 20);
    let cases: Vec<(&str, &str, Vec<u8>, i32, &str)> = vec![
        (
            "entity bomb",
            "bomb.xml",
            header_and(&format!("<!DOCTYPE c [<!ENTITY e0 \"x\">{bomb}]>{shop}")).into_bytes(),
            3,
            "a document type is declared here",
        ),
        (
            "outside entity",
            "out.xml",
            header_and(&format!("<!DOCTYPE c SYSTEM \"file:///etc/passwd\">{shop}")).into_bytes(),
            3,
            "a document type is declared here",
        ),
        (
            "200k deep, XML",
            "deep.xml",
            format!("<c><p><i>1</i></p><p>{}", "<x>".repeat(200_000)).into_bytes(),
            3,
            "nested more than 128 deep",
        ),
        ("200k deep, JSON", "deep.json", format!("[{{\"item_id\":\"A\",\"x\":{}", "[".repeat(200_000)).into_bytes(), 3, "the file is cut"),
        (
            "100k attributes",
            "wide.xml",
            format!("<c><p><i>1</i></p><p><x{attributes}/></p></c>").into_bytes(),
            3,
            "more than 1000 attributes",
        ),
        (
            "gzip bomb, CSV",
            "bomb.csv.gz",
            gzip(
                [SOUND.as_bytes().to_vec()]
                    .into_iter()
                    .chain((0..300).map(|_| [b"X,", zero.as_bytes(), b",d,u,b,s,i,in_stock,1.00 USD\n"].concat())),
            ),
            3,
            "times its size",
        ),
        (
            "gzip bomb, XML",
            "bomb.xml.gz",
            gzip([b"<c><p><i>1</i><t>x</t></p><p><i>2</i><t>x</t></p>".to_vec()].into_iter().chain((0..300).map(|_| blank.clone()))),
            3,
            "times its size",
        ),
        (
            "gzip bomb, cell",
            "cell.jsonl.gz",
            gzip([b"{\"item_id\":\"".to_vec()].into_iter().chain((0..300).map(|_| zero.clone().into_bytes()))),
            3,
            "times its size",
        ),
        (
            "zip bomb, xlsx",
            "bomb.xlsx",
            workbook(|write| {
                write(&row(1, "item_id,title"));
                (0..300).for_each(|_| write(&" ".repeat(1 << 20)));
            }),
            3,
            "unpacks to more than 400 times",
        ),
        ("a billion rows promised, Parquet", "promise.parquet", promise(), 3, "promises 1000000000 rows and holds 3"),
        (
            "17 billion cells promised, xlsx",
            "promise.xlsx",
            workbook(|write| {
                write(&row(1, "item_id,title"));
                write(&row(2, "A1,Bottle"));
            }),
            1,
            "",
        ),
        (
            "a million empty rows, xlsx",
            "empty.xlsx",
            workbook(|write| {
                write(&row(1, "item_id,title"));
                (2..1_000_000).for_each(|n| write(&format!("<row r=\"{n}\"><c r=\"A{n}\"/></row>")));
                write(&row(1_000_000, "A1,Bottle"));
            }),
            1,
            "",
        ),
        (
            "two cells far apart, xlsx",
            "far.xlsx",
            workbook(|write| {
                write(&row(1, "item_id,title"));
                write("<row r=\"1048576\"><c r=\"XFD1048576\"><v>1</v></c></row>");
            }),
            1,
            "",
        ),
        (
            "a ZIP archive",
            "shop.zip",
            {
                let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
                archive.start_file("a.csv", zip::write::SimpleFileOptions::default()).expect("memory");
                archive.write_all(SOUND.as_bytes()).expect("memory");
                archive.finish().expect("memory").into_inner()
            },
            3,
            "a ZIP archive that holds no workbook",
        ),
    ];
    let mut table = format!("{:<36}{:>5}{:>10}  message\n", "input", "exit", "peak MiB");
    let mut wrong = Vec::new();
    for (name, file, bytes, code, words) in cases {
        let folder = Folder::new();
        folder.write(file, bytes);
        let run = weigh(&folder, file, &[]);
        let message = run.err.lines().find(|line| line.contains("error")).unwrap_or("").to_owned();
        table.push_str(&format!("{name:<36}{:>5}{:>10}  {message}\n", run.code, run.peak));
        // What an archive may unpack to before its ratio counts is 256 MiB, and a record may be as long.
        let most = if name == "gzip bomb, cell" { 600 } else { 150 };
        if run.code != code || !run.err.contains(words) || run.peak > most || folder.exists("out/openai") {
            wrong.push(format!("{name}: exit {}, {} MiB: {}", run.code, run.peak, run.err));
        }
    }
    println!("{table}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
