//! Free text: what may stand in it, and how stray characters and blanks are put in order.

use std::borrow::Cow;
use unicode_segmentation::UnicodeSegmentation;
use wide::u8x16;

/// White space as shops write it, the no-break space included.
pub fn is_blank(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{a0}' | '\u{feff}' | '\u{200b}')
}

/// The text without blanks around it.
#[inline]
pub fn trim(text: &str) -> &str {
    // Most values begin and end with a letter or digit, which needs no look at characters.
    match text.as_bytes() {
        [first, .., last] if first.is_ascii_graphic() && last.is_ascii_graphic() => text,
        _ => text.trim_matches(is_blank),
    }
}

/// Whether any byte satisfies a test. Pieces of one size are judged without a branch in
/// between, which lets the compiler judge many bytes at once.
pub(crate) fn any_byte(bytes: &[u8], test: impl Fn(u8) -> bool) -> bool {
    let (long, rest) = bytes.as_chunks::<64>();
    if long.iter().any(|piece| any_of(piece, &test)) {
        return true;
    }
    let (pieces, _) = rest.as_chunks::<16>();
    pieces.iter().any(|piece| any_of(piece, &test)) || any_at_end(bytes, &test)
}

/// Where the first byte stands that satisfies a test.
pub(crate) fn first_byte(bytes: &[u8], test: impl Fn(u8) -> bool) -> Option<usize> {
    let (pieces, _) = bytes.as_chunks::<16>();
    let before = pieces.iter().take_while(|piece| !any_of(piece, &test)).count() * 16;
    let rest = bytes.get(before..)?;
    if rest.len() < 16 && !any_at_end(bytes, &test) {
        return None;
    }
    rest.iter().position(|&byte| test(byte)).map(|at| before + at)
}

fn any_of<const N: usize>(piece: &[u8; N], test: &impl Fn(u8) -> bool) -> bool {
    piece.iter().fold(false, |any, &byte| any | test(byte))
}

/// Whether any byte behind the last whole piece satisfies a test, with some before it where
/// there are any: pieces may overlap.
fn any_at_end(bytes: &[u8], test: &impl Fn(u8) -> bool) -> bool {
    if let Some(last) = bytes.last_chunk::<16>() {
        return any_of(last, test);
    }
    match (bytes.first_chunk::<8>(), bytes.last_chunk::<8>()) {
        (Some(first), Some(last)) => any_of(first, test) | any_of(last, test),
        _ => bytes.iter().any(|&byte| test(byte)),
    }
}

/// The bytes of a piece that satisfy a test, a bit each; the test marks them by all bits.
#[inline]
pub(crate) fn bits(piece: &[u8; 64], test: impl Fn(u8x16) -> u8x16) -> u64 {
    let (parts, _) = piece.as_chunks::<16>();
    let bits = |part: &[u8; 16]| u64::from(test(u8x16::new(*part)).to_bitmask());
    parts.iter().enumerate().fold(0, |word, (number, part)| word | bits(part) << (number * 16))
}

/// Whether two blanks stand side by side.
pub(crate) fn has_wide_blank(bytes: &[u8]) -> bool {
    let after = bytes.get(1..).unwrap_or_default();
    bytes.iter().zip(after).fold(false, |any, (a, b)| any | ((*a == b' ') & (*b == b' ')))
}

/// A byte of a text that may need a closer look: a control character, what may begin a hidden
/// one, or what may begin a tag or an entity.
fn is_odd(b: u8) -> bool {
    (b < b' ') | (b == 0x7f) | (b == b'<') | (b == b'&') | (b == 0xc2) | (b == 0xe2)
}

/// Whether a text begins and ends with a visible character of ASCII.
fn has_plain_ends(bytes: &[u8]) -> bool {
    bytes.first().is_some_and(u8::is_ascii_graphic) && bytes.last().is_some_and(u8::is_ascii_graphic)
}

/// Whether a text is in order at a glance, as one line: no controls, no markup, one blank
/// between words, none around them. What is not may still be in order.
pub fn is_plain_line(text: &str) -> bool {
    is_line_without(text, is_odd)
}

/// Whether a line has no such bytes, one blank between words, and none around them.
pub(crate) fn is_line_without(text: &str, is_odd: impl Fn(u8) -> bool) -> bool {
    let bytes = text.as_bytes();
    has_plain_ends(bytes) && !any_byte(bytes, is_odd) && !has_wide_blank(bytes)
}

/// The same of a text that may have several lines, and blanks as it likes between its words.
pub fn is_plain_prose(text: &str) -> bool {
    let bytes = text.as_bytes();
    let is_break = |b: u8| (b == b'\n') | (b == b'\r') | (b == b'\t');
    has_plain_ends(bytes) && !any_byte(bytes, |b| is_odd(b) & !is_break(b))
}

/// Whether a text holds control characters other than line breaks and tabs, or the
/// bidirectional overrides that can disguise what is shown.
pub fn has_controls(text: &str) -> bool {
    let bytes = text.as_bytes();
    // Controls of one byte, and what hidden ones begin with: U+0080..U+009F, U+202A..U+202E and U+2066..U+2069.
    let is_suspect = |b: u8| (b < b' ') & (b != b'\n') & (b != b'\r') & (b != b'\t') | (b == 0x7f) | (b == 0xc2) | (b == 0xe2);
    let is_control = |at: usize| match bytes.get(at..) {
        Some([0xc2, second, ..]) => *second < 0xa0,
        Some([0xe2, 0x80, third, ..]) => (0xaa..=0xae).contains(third),
        Some([0xe2, 0x81, third, ..]) => (0xa6..=0xa9).contains(third),
        Some([0xe2, ..] | []) | None => false,
        Some([first, ..]) => is_suspect(*first),
    };
    let (pieces, rest) = bytes.as_chunks::<64>();
    let whole = pieces.len() * 64;
    // Most pieces are printable ASCII throughout, which is the quickest to see.
    let is_plain = |piece| !any_of(piece, &|b: u8| b.wrapping_sub(b' ') > b'~' - b' ');
    let in_piece = |(number, piece)| !is_plain(piece) && any_of(piece, &is_suspect) && (number * 64..number * 64 + 64).any(is_control);
    pieces.iter().enumerate().any(in_piece) || any_byte(rest, is_suspect) && (whole..bytes.len()).any(is_control)
}

fn is_hidden_control(c: char) -> bool {
    matches!(c, '\u{80}'..='\u{9f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The text without control characters.
pub fn without_controls(text: &str) -> String {
    let kept = |c: &char| (!c.is_control() || matches!(c, '\n' | '\r' | '\t')) && !is_hidden_control(*c);
    text.chars().filter(kept).collect()
}

/// Whether a word stands for nothing, such as `n/a` or `null`.
pub fn is_placeholder(text: &str) -> bool {
    /// As people, programs and spreadsheets write them.
    const WORDS: [&str; 20] = [
        "null",
        "none",
        "nil",
        "n/a",
        "na",
        "n.a.",
        "unknown",
        "undefined",
        "nan",
        "-",
        "--",
        "tbd",
        "[object object]",
        "#n/a",
        "#ref!",
        "#value!",
        "#name?",
        "#div/0!",
        "#null!",
        "#num!",
    ];
    // A template that nobody filled in.
    if text.starts_with("{{") && text.ends_with("}}") {
        return true;
    }
    // With the blanks around it.
    if text.len() > 20 {
        return false;
    }
    let text = trim(text);
    // Most values begin with none of their first letters.
    text.as_bytes().first().is_some_and(|first| matches!(first, b'n' | b'N' | b'u' | b'U' | b't' | b'T' | b'-' | b'[' | b'#'))
        && WORDS.iter().any(|word| word.eq_ignore_ascii_case(text))
}

/// Whether every letter is a capital, and there are enough of them to be shouting.
pub fn is_all_capitals(text: &str) -> bool {
    if text.bytes().any(|b| b.is_ascii_lowercase()) {
        return false;
    }
    let letters = text.chars().filter(|c| c.is_alphabetic()).count();
    letters >= 8 && text.chars().filter(|c| c.is_alphabetic()).all(char::is_uppercase)
}

/// Blanks inside lines folded to one, at most one empty line in a row, none at the ends.
pub fn collapse_lines(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut empty = 0;
    for line in text.lines() {
        let line = trim(line);
        if line.is_empty() {
            empty += 1;
            continue;
        }
        if !out.is_empty() {
            out.push_str(if empty > 0 { "\n\n" } else { "\n" });
        }
        empty = 0;
        collapse_into(line, &mut out);
    }
    out
}

fn collapse_into(line: &str, out: &mut String) {
    // Most lines are plain words with one blank between them, and stay as they are.
    let is_odd = |b: u8| !(b' '..0x7f).contains(&b);
    if !any_byte(line.as_bytes(), is_odd) && memchr::memmem::find(line.as_bytes(), b"  ").is_none() {
        return out.push_str(line);
    }
    let mut blank = false;
    for c in line.chars() {
        if is_blank(c) {
            blank = true;
        } else {
            if blank {
                out.push(' ');
            }
            blank = false;
            out.push(c);
        }
    }
}

/// One line of text: every run of blanks and line breaks folded to one blank.
pub fn one_line(text: &str) -> Cow<'_, str> {
    let line = trim(text);
    if is_line_without(line, |b| !(b' '..0x7f).contains(&b)) {
        return line.into();
    }
    let mut out = String::with_capacity(text.len());
    collapse_into(line, &mut out);
    out.into()
}

/// The addresses of a cell that lists several: a comma, semicolon, bar or blank separates them
/// only where another address begins, because addresses hold such characters too.
pub fn split_urls(list: &str) -> Vec<String> {
    // Where each begins and ends.
    let mut urls: Vec<(usize, usize)> = Vec::new();
    let absolute = list.contains("://") || list.contains("//");
    let separators: &[char] = if absolute { &[',', ';', '|', ' ', '\n', '\t', '\r'] } else { &[',', ';', '|', '\n'] };
    let mut start = 0;
    for (end, separator) in list.match_indices(separators).chain([(list.len(), "")]) {
        let part = list.get(start..end).unwrap_or_default();
        let from = start + part.len() - part.trim_start_matches(is_blank).len();
        start = end + separator.len();
        let part = trim(part);
        let begins = part.starts_with("http://") || part.starts_with("https://") || part.starts_with("//") || !absolute;
        match urls.last_mut() {
            _ if part.is_empty() => {}
            // What separates here belongs to the address.
            Some((_, last)) if !begins => *last = from + part.len(),
            _ => urls.push((from, from + part.len())),
        }
    }
    urls.into_iter().filter_map(|(from, to)| list.get(from..to).map(str::to_owned)).collect()
}

/// Counts characters as people see them no more precisely than needed: Unicode scalar values.
pub fn length(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { text.chars().count() }
}

/// The longest start of `text` with at most `limit` characters that ends after a whole word
/// (or, failing that, after a whole grapheme).
pub fn truncate(text: &str, limit: usize) -> &str {
    let mut used = 0;
    let mut end = 0;
    for grapheme in text.graphemes(true) {
        used += length(grapheme);
        if used > limit {
            break;
        }
        end += grapheme.len();
    }
    let head = text.get(..end).unwrap_or("");
    if end == text.len() {
        return head;
    }
    match head.rfind(is_blank) {
        Some(at) if at * 2 > end => trim(head.get(..at).unwrap_or(head)),
        _ => head,
    }
}

/// A text made safe and short for a terminal or a message: controls shown as `�`, the middle cut.
pub fn excerpt(text: &str, limit: usize) -> String {
    if length(text) <= limit {
        let mut out = String::with_capacity(text.len());
        push_visible(text, &mut out);
        return out;
    }
    let head = limit.saturating_sub(1) * 2 / 3;
    let (start, end) = (first_characters(text, head), last_characters(text, limit.saturating_sub(1) - head));
    let mut out = String::with_capacity(start.len() + '…'.len_utf8() + end.len());
    push_visible(start, &mut out);
    out.push('…');
    push_visible(end, &mut out);
    out
}

fn first_characters(text: &str, count: usize) -> &str {
    match text.as_bytes().get(..count) {
        Some(start) if start.is_ascii() => text.get(..count).unwrap_or(text),
        _ => text.char_indices().nth(count).and_then(|(end, _)| text.get(..end)).unwrap_or(text),
    }
}

fn last_characters(text: &str, count: usize) -> &str {
    let start = text.len().saturating_sub(count);
    match text.as_bytes().get(start..) {
        Some(end) if end.is_ascii() => text.get(start..).unwrap_or(text),
        _ => text.char_indices().rev().take(count).last().map_or("", |(start, _)| text.get(start..).unwrap_or(text)),
    }
}

/// Appends a text with its control characters made visible.
fn push_visible(text: &str, out: &mut String) {
    // All that are controls, or hidden ones, are these bytes or begin with them.
    let is_odd = |b: u8| (b < b' ') | (b == 0x7f) | (b == 0xc2) | (b == 0xe2);
    let mut rest = text;
    while let Some((plain, odd)) = first_byte(rest.as_bytes(), is_odd).and_then(|at| rest.split_at_checked(at)) {
        out.push_str(plain);
        let mut odd = odd.chars();
        out.extend(odd.next().map(visible));
        rest = odd.as_str();
    }
    out.push_str(rest);
}

fn visible(c: char) -> char {
    match c {
        '\n' | '\r' | '\t' => ' ',
        _ if c.is_control() || is_hidden_control(c) => '\u{fffd}',
        _ => c,
    }
}

/// Appends `text` as a JSON string, quotes included.
pub fn write_json_string(text: &str, out: &mut String) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let is_special = |b: u8| (b < b' ') | (b == b'"') | (b == b'\\') | (b == 0x7f);
    out.reserve(text.len() + 2);
    out.push('"');
    if !any_byte(text.as_bytes(), is_special) {
        out.push_str(text);
        return out.push('"');
    }
    let mut rest = text;
    while let Some(at) = first_byte(rest.as_bytes(), is_special) {
        let (plain, special) = rest.split_at(at);
        out.push_str(plain);
        let byte = special.as_bytes()[0];
        match byte {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            _ => {
                out.push_str("\\u00");
                out.push(char::from(HEX[usize::from(byte >> 4)]));
                out.push(char::from(HEX[usize::from(byte & 15)]));
            }
        }
        rest = special.split_at(1).1;
    }
    out.push_str(rest);
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::{excerpt, has_controls, is_all_capitals, is_placeholder, length, one_line, truncate, write_json_string};
    use proptest::prelude::*;

    #[test]
    fn lists_of_addresses() {
        let urls = super::split_urls("https://a.example/1.jpg, https://a.example/2,3.jpg;https://b.example/x");
        assert_eq!(urls, ["https://a.example/1.jpg", "https://a.example/2,3.jpg", "https://b.example/x"]);
        assert_eq!(super::split_urls("a.jpg|b.jpg"), ["a.jpg", "b.jpg"]);
        let urls = super::split_urls(" https://a.example/my photo 1.jpg ,https://a.example/2;v=1.jpg; ");
        assert_eq!(urls, ["https://a.example/my photo 1.jpg", "https://a.example/2;v=1.jpg"]);
    }

    #[test]
    fn words_and_lines() {
        assert!(is_placeholder(" N/A ") && is_placeholder("unknown") && !is_placeholder("Nano"));
        assert!(is_placeholder("#VALUE!") && is_placeholder("[object Object]") && is_placeholder("{{ product.title }}"));
        assert!(!is_placeholder("{{ Braces }} Belt") && !is_placeholder("#1 Dad Mug"));
        assert!(is_all_capitals("TRAIL RUNNING SHOES") && !is_all_capitals("USB-C HUB x") && !is_all_capitals("TV 4K"));
        assert!(has_controls("x\u{7}") && has_controls("a\u{202e}b") && !has_controls("line\nbreak é €"));
        assert_eq!(one_line("  a\u{a0}\u{a0}b\n c "), "a b c");
        assert_eq!(truncate("Waterproof trail shoes", 18), "Waterproof trail");
        assert_eq!(truncate("Supercalifragilistic", 5), "Super");
        assert_eq!(truncate("ne\u{301}e", 2), "n");
        assert_eq!(excerpt("abcdefghij", 7), "abcd…ij");
        assert_eq!(excerpt("a\u{1b}[31mb", 20), "a\u{fffd}[31mb");
    }

    proptest! {
        #[test]
        fn bytes_are_found_in_texts_of_any_length(bytes in prop::collection::vec(0u8..4, 0..200), wanted in 0u8..5) {
            let least = [b'x'; 80].into_iter().chain(bytes.iter().copied()).collect::<Vec<u8>>();
            for bytes in [&bytes, &least] {
                let place = bytes.iter().position(|byte| *byte == wanted);
                prop_assert_eq!(super::any_byte(bytes, |byte| byte == wanted), place.is_some());
                prop_assert_eq!(super::first_byte(bytes, |byte| byte == wanted), place);
            }
        }

        #[test]
        fn excerpts_are_made_of_characters(text in "[a-e]{0,20}(\\PC|[\\x00-\\x1f\u{85}\u{202e}é]){0,12}[a-e]{0,20}", limit in 0usize..40) {
            let seen: Vec<char> = text.chars().map(super::visible).collect();
            let head = limit.saturating_sub(1) * 2 / 3;
            let tail = limit.saturating_sub(1) - head;
            let expected: String = match seen.len() <= limit {
                true => seen.into_iter().collect(),
                false => seen[..head].iter().chain(['…'].iter()).chain(&seen[seen.len() - tail..]).collect(),
            };
            prop_assert_eq!(excerpt(&text, limit), expected);
        }

        #[test]
        fn json_strings_read_back(text in "\\PC{0,20}[\\x00-\\x1f\"\\\\]{0,3}\\PC{0,5}") {
            let mut out = String::new();
            write_json_string(&text, &mut out);
            prop_assert_eq!(serde_json::from_str::<String>(&out).expect("valid JSON"), text);
        }

        #[test]
        fn truncation_keeps_the_limit(text in "\\PC{0,40}", limit in 0usize..30) {
            let cut = truncate(&text, limit);
            prop_assert!(length(cut) <= limit && text.starts_with(cut) || text.trim_start() != text);
        }
    }
}
