//! What a file is, from its name and its first bytes.

use super::Format;
use encoding_rs::Encoding;

/// How much of a sample shows what kind of bytes it holds.
const START: usize = 64 << 10;

/// How many records show what separates their cells.
const LOOKED_AT: usize = 20;

/// Byte order marks of the encodings that have one.
pub fn bom(head: &[u8]) -> Option<(&'static Encoding, usize)> {
    Encoding::for_bom(head)
}

/// The encoding of a text without byte order mark: UTF-16 shows by its zero bytes, and a text in
/// which more bytes are no UTF-8 than characters are is Windows-1252. The number is the place of
/// the first byte that is not UTF-8, where that decided.
pub fn encoding(sample: &[u8]) -> (&'static Encoding, Option<u64>) {
    let start = sample.get(..START).unwrap_or(sample);
    let zeros = |from: usize| start.iter().skip(from).step_by(2).filter(|b| **b == 0).count();
    let half = start.len() / 2;
    if half >= 8 {
        if zeros(1) * 10 > half * 8 && zeros(0) * 10 < half {
            return (encoding_rs::UTF_16LE, None);
        }
        if zeros(0) * 10 > half * 8 && zeros(1) * 10 < half {
            return (encoding_rs::UTF_16BE, None);
        }
    }
    // A sequence cut by the end of the sample is no fault.
    if std::str::from_utf8(sample).map_or_else(|error| error.error_len().is_none(), |_| true) {
        return (encoding_rs::UTF_8, None);
    }
    let (mut rest, mut offset, mut first_odd) = (sample, 0usize, None);
    let (mut odd_bytes, mut characters) = (0usize, 0usize);
    loop {
        let (valid, odd) = match std::str::from_utf8(rest) {
            Ok(text) => (text, None),
            Err(error) if error.error_len().is_none() => (std::str::from_utf8(&rest[..error.valid_up_to()]).unwrap_or(""), None),
            Err(error) => (std::str::from_utf8(&rest[..error.valid_up_to()]).unwrap_or(""), Some(error.valid_up_to())),
        };
        let text = if valid.is_ascii() { "" } else { valid };
        characters += text.chars().filter(|c| !c.is_ascii() && !is_unlikely(*c)).count();
        let Some(at) = odd else { break };
        first_odd.get_or_insert((offset + at) as u64);
        rest = rest.get(at + 1..).unwrap_or_default();
        offset += at + 1;
        odd_bytes += 1;
    }
    if odd_bytes > characters { (encoding_rs::WINDOWS_1252, first_odd) } else { (encoding_rs::UTF_8, None) }
}

/// Whether a character is rather two of Windows-1252 that happen to be UTF-8, as `É®` and `ß“` are:
/// signs of phonetics, accents by themselves, and scripts of which few shops write.
fn is_unlikely(c: char) -> bool {
    matches!(c, '\u{180}'..='\u{217}' | '\u{21c}'..='\u{385}' | '\u{530}'..='\u{58f}' | '\u{700}'..='\u{7ff}')
}

/// What a file is when it is plainly no catalog of a kind that is read.
pub fn foreign(head: &[u8]) -> Option<&'static str> {
    let known: [(&[u8], &str); 10] = [
        (b"%PDF", "a PDF document; export the catalog as CSV, TSV, JSON or XML instead"),
        (b"\x89PNG", "a PNG image"),
        (b"\xff\xd8\xff", "a JPEG image"),
        (b"GIF8", "a GIF image"),
        (b"\x7fELF", "a program"),
        (b"BZh", "a bzip2 archive; use gzip or zstd"),
        (b"\xfd7zXZ", "an xz archive; use gzip or zstd"),
        (b"Rar!", "a RAR archive; use gzip or zstd"),
        (b"7z\xbc\xaf", "a 7z archive; use gzip or zstd"),
        (b"SQLite format 3", "a packed SQLite database; unpack it first"),
    ];
    let text = head.trim_ascii_start();
    let opens = |tag: &[u8]| text.get(..tag.len()).is_some_and(|head| head.eq_ignore_ascii_case(tag));
    if opens(b"<html") || opens(b"<!doctype html") {
        return Some("an HTML page, perhaps a login or error page; check where the file comes from");
    }
    known.iter().find(|(magic, _)| head.starts_with(magic) || text.starts_with(magic)).map(|(_, words)| *words)
}

/// The compression that the first bytes are the sign of.
pub fn compression(head: &[u8]) -> Option<&'static str> {
    match head {
        [0x1f, 0x8b, ..] => Some("gzip"),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Some("zstd"),
        _ => None,
    }
}

/// Whether a text is XML: nothing else that is read begins with a tag.
pub fn is_xml(sample: &[u8]) -> bool {
    sample.trim_ascii_start().first() == Some(&b'<')
}

/// The encoding that an XML document declares. One that is not known, or that could not have
/// been read this far, is left to the bytes.
pub fn declared(head: &[u8]) -> Option<&'static Encoding> {
    let end = memchr::memmem::find(head.get(..head.len().min(512))?, b"?>")?;
    let declaration = std::str::from_utf8(head.get(..end)?.trim_ascii_start()).ok()?.strip_prefix("<?xml")?;
    let (_, value) = declaration.split_once("encoding")?;
    let label = value.split(['"', '\'']).nth(1)?;
    let found = Encoding::for_label(label.as_bytes())?;
    found.is_ascii_compatible().then_some(found)
}

/// Whether a text is an SQL dump.
pub fn is_dump(name: &str, head: &[u8]) -> bool {
    let starts = |line: &[u8], word: &[u8]| line.get(..word.len()).is_some_and(|head| head.eq_ignore_ascii_case(word));
    let lines = || head.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty() && !line.starts_with(b"--"));
    let is_statement = |line: &[u8]| {
        let words: [&[u8]; 6] =
            [b"create table", b"insert into", b"drop table", b"pragma foreign_keys", b"begin transaction", b"set statement_timeout"];
        words.iter().any(|word| starts(line, word))
    };
    name.ends_with(".sql") || name.contains(".sql.") || lines().next().is_some_and(is_statement)
}

/// Whether a sample is binary: control bytes that no text has stand all over it.
pub fn is_binary(sample: &[u8]) -> bool {
    let sample = sample.get(..START).unwrap_or(sample);
    let odd = sample.iter().filter(|&&b| b < b' ' && !matches!(b, b'\t' | b'\n' | b'\r' | 0x0c)).count();
    !sample.is_empty() && odd * 50 > sample.len()
}

/// The format of a text, from its first characters, and from its name where those could be
/// either. `None` means that no rule applies, and delimited text is assumed.
pub fn format(name: &str, sample: &[u8]) -> Option<Format> {
    let text = sample.trim_ascii_start();
    match text.first() {
        Some(b'[') => Some(Format::Json(None)),
        Some(b'{') => {
            let first = text.split(|b| *b == b'\n').next().unwrap_or_default().trim_ascii();
            let whole = serde_json::from_slice::<&serde_json::value::RawValue>(first).is_ok();
            let rest = text.get(first.len()..).unwrap_or_default().trim_ascii_start();
            let more = rest.first() == Some(&b'{') || rest.is_empty() && is_record(first);
            let lines = name.contains(".jsonl") || name.contains(".ndjson");
            Some(if lines || whole && more { Format::JsonLines } else { Format::Json(None) })
        }
        _ => None,
    }
}

/// Fewer members than this has what a server says that went wrong, and no item.
const LEAST_MEMBERS: usize = 6;

/// Whether one object by itself is a record, rather than a document that holds a list of them.
fn is_record(object: &[u8]) -> bool {
    fn holds_list(value: &serde_json::Value) -> bool {
        match value {
            serde_json::Value::Array(entries) => entries.iter().any(|entry| entry.is_object() || holds_list(entry)),
            serde_json::Value::Object(members) => members.values().any(holds_list),
            _ => false,
        }
    }
    let parsed: Option<serde_json::Map<_, _>> = serde_json::from_slice(object).ok();
    parsed.is_some_and(|members| members.len() >= LEAST_MEMBERS && !members.values().any(holds_list))
}

/// The separator that cuts the first lines of a text into the most columns, the same number in
/// each; a name that ends in `.tsv` settles it.
pub fn delimiter(name: &str, sample: &[u8]) -> u8 {
    if name.contains(".tsv") || name.contains(".tab") {
        return b'\t';
    }
    let agreement = |delimiter: u8| -> (usize, usize) {
        let widths = widths(delimiter, sample);
        // The last record of a long sample may be cut.
        let cut = sample.len() >= super::open::SAMPLE && widths.len() > 1;
        let whole = widths.get(..widths.len() - usize::from(cut)).unwrap_or_default();
        let widest = whole.iter().copied().max().unwrap_or(1);
        (whole.iter().filter(|width| **width == widest).count() * 100 / whole.len().max(1), widest)
    };
    [b',', b';', b'\t', b'|']
        .into_iter()
        .map(|delimiter| (agreement(delimiter), delimiter))
        .filter(|((_, width), _)| *width > 1)
        .max_by_key(|((agreement, width), delimiter)| (*agreement >= 80, *width, *agreement, *delimiter == b','))
        .map_or(b',', |(_, delimiter)| delimiter)
}

/// How many cells the first records of a text have, if this is what separates them. Nothing is
/// refused: a text that is cut by something else makes odd records.
pub(super) fn widths(delimiter: u8, sample: &[u8]) -> Vec<usize> {
    let (mut widths, mut at) = (Vec::new(), 0);
    while at < sample.len() && widths.len() < LOOKED_AT {
        if matches!(sample[at], b'\n' | b'\r') {
            at += 1;
            continue;
        }
        let mut width = 1;
        // At the beginning of a cell each time round.
        loop {
            if sample.get(at) == Some(&b'"') {
                at = after_quotes(sample, at);
            }
            let rest = sample.get(at..).unwrap_or_default();
            at += memchr::memchr3(delimiter, b'\n', b'\r', rest).unwrap_or(rest.len()) + 1;
            if sample.get(at - 1) != Some(&delimiter) {
                break;
            }
            width += 1;
        }
        widths.push(width);
    }
    widths
}

/// Where the quotes end that open at `at`.
fn after_quotes(sample: &[u8], mut at: usize) -> usize {
    loop {
        at += 1;
        let rest = sample.get(at..).unwrap_or_default();
        let Some(close) = memchr::memchr(b'"', rest) else { return sample.len() };
        at += close + 1;
        if sample.get(at) != Some(&b'"') {
            return at;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{LOOKED_AT, declared, delimiter, encoding, foreign, format, is_binary, is_dump, is_xml, widths};
    use crate::catalog::Format;
    use proptest::prelude::*;

    proptest! {
        // The csv crate is the reference.
        #[test]
        fn widths_are_those_of_the_csv_crate(text in "[a\"\n\r,; ]{0,60}") {
            for delimiter in [b',', b';'] {
                let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).has_headers(false).flexible(true).from_reader(text.as_bytes());
                let expected: Vec<usize> = reader.byte_records().take(LOOKED_AT).map(|record| record.unwrap().len()).collect();
                prop_assert_eq!(widths(delimiter, text.as_bytes()), expected);
            }
        }
    }

    #[test]
    fn encodings() {
        assert_eq!(encoding(b"plain").0.name(), "UTF-8");
        assert_eq!(encoding("größe é".as_bytes()).0.name(), "UTF-8");
        assert_eq!(encoding(b"gr\xf6\xdfe; M\xfcnchen"), (encoding_rs::WINDOWS_1252, Some(2)));
        // One stray byte in a text that is UTF-8 elsewhere is a bad record, not another encoding.
        assert_eq!(encoding("größe".as_bytes().iter().copied().chain(*b" caf\xe9 x").collect::<Vec<_>>().as_slice()).0.name(), "UTF-8");
        // Signs of Windows-1252 that stand side by side may be one of UTF-8, which does not outvote the others.
        assert_eq!(encoding(b"NESCAF\xc9\xae Gold; M\xfcsli").0.name(), "windows-1252");
        assert_eq!(encoding(b"\x84gro\xdf\x93; \x84klein\x93").0.name(), "windows-1252");
        assert_eq!(encoding("Ștefan; Łódź; Ёлка; 商品; “a”".as_bytes()).0.name(), "UTF-8");
        assert_eq!(encoding("Ёл".as_bytes().iter().copied().chain(*b" \xe9").collect::<Vec<_>>().as_slice()).0.name(), "UTF-8");
        let wide: Vec<u8> = "id,title\n1,x\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(encoding(&wide).0.name(), "UTF-16LE");
        assert_eq!(encoding(&"é".as_bytes()[..1]).0.name(), "UTF-8");
    }

    #[test]
    fn formats() {
        assert_eq!(format("x", b" [ {\"a\":1}]"), Some(Format::Json(None)));
        assert_eq!(format("x", b"{\"a\":1}\n{\"a\":2}\n"), Some(Format::JsonLines));
        assert_eq!(format("x", b"{\n \"products\": []}"), Some(Format::Json(None)));
        let item = r#"{"a":1,"b":"x","c":[1],"d":{"n":1},"e":true,"f":null}"#;
        assert_eq!(format("x", format!("{item}\n").as_bytes()), Some(Format::JsonLines), "a feed of one item");
        assert_eq!(format("x", item.replace("[1]", "[{}]").as_bytes()), Some(Format::Json(None)), "a list of records");
        assert_eq!(format("x", br#"{"error":"expired","code":401}"#), Some(Format::Json(None)), "no item has so little to say");
        assert_eq!(format("x.jsonl", b"{\"a\":1}\n"), Some(Format::JsonLines));
        assert_eq!(format("x", b"id,title"), None);
        assert!(is_xml(b" <?xml version='1.0'?>") && !is_xml(b"id,<b>"));
        assert_eq!(declared(b"<?xml version='1.0' encoding=\"ISO-8859-1\"?><a/>"), Some(encoding_rs::WINDOWS_1252));
        assert_eq!(declared(b"<?xml version='1.0'?><a encoding='x'/>"), None);
        assert!(is_dump("shop.sql", b"") && is_dump("x", b"-- dump\n\ncreate table a(") && !is_dump("x.csv", b"id,create table\n"));
        assert!(foreign(b"%PDF-1.7").is_some() && foreign(b"id,title").is_none() && foreign(b" <!DOCTYPE html>").is_some());
        assert!(is_binary(&[0, 1, 2, 3, 200, 201]) && !is_binary(b"a,b\x00\n1,2\n3,4 and quite some more text that follows here"));
    }

    #[test]
    fn delimiters() {
        assert_eq!(delimiter("x", b"id;title\n1;a,b\n2;c\n"), b';');
        assert_eq!(delimiter("x", b"id\ttitle, long\n1\tx\n"), b'\t');
        assert_eq!(delimiter("x", b"id,\"a;b;c;d\"\n1,x\n"), b',');
        assert_eq!(delimiter("x", b"id\n1\n"), b',');
        assert_eq!(delimiter("x", b"id|title|price\n1|x|2\n"), b'|');
    }
}
