//! The HTML that most descriptions are made of, read without a parser: paragraphs, line breaks
//! and marked words. Everything else is left to the library; a test shows that both agree.

use super::text::any_byte;
use memchr::memchr2;

/// Elements that mark words and change nothing else.
const MARKS: [&str; 7] = ["b", "strong", "i", "em", "u", "span", "small"];
/// Entities that descriptions hold; others are left to the library.
const ENTITIES: [(&str, &str); 7] =
    [("amp;", "&"), ("lt;", "<"), ("gt;", ">"), ("quot;", "\""), ("#39;", "'"), ("apos;", "'"), ("nbsp;", "\u{a0}")];

/// Beyond ASCII: letters and signs that have a width and are no more than they seem. Those of
/// Europe, punctuation, currencies, arrows and signs; then those of China, Japan and Korea.
const PLAIN: [(char, char); 14] = [
    ('\u{a1}', '\u{ac}'),
    ('\u{ae}', '\u{24f}'),
    ('\u{391}', '\u{3c9}'),
    ('\u{410}', '\u{44f}'),
    ('\u{2010}', '\u{2027}'),
    ('\u{20a0}', '\u{20bf}'),
    ('\u{2122}', '\u{2122}'),
    ('\u{2190}', '\u{27bf}'),
    ('\u{3001}', '\u{3011}'),
    ('\u{3041}', '\u{3096}'),
    ('\u{30a1}', '\u{30ff}'),
    ('\u{4e00}', '\u{9fff}'),
    ('\u{ac00}', '\u{d7a3}'),
    ('\u{ff01}', '\u{ff5e}'),
];

/// The words of such a text, or `None` where it holds anything else.
pub(super) fn words(html: &str) -> Option<String> {
    let mut out = String::with_capacity(html.len());
    let (mut open, mut paragraphs, mut inside): (Vec<&str>, usize, bool) = (Vec::new(), 0, false);
    let mut rest = html;
    loop {
        let at = memchr2(b'<', b'&', rest.as_bytes()).unwrap_or(rest.len());
        let (text, special) = rest.split_at_checked(at)?;
        // Words beside paragraphs are paragraphs of their own kind.
        if paragraphs > 0 && !inside && !text.bytes().all(|b| b.is_ascii_whitespace()) {
            return None;
        }
        words_into(text, &mut out)?;
        let Some(mark) = special.chars().next() else { break };
        let special = special.get(1..)?;
        if mark == '&' {
            if paragraphs > 0 && !inside {
                return None;
            }
            rest = entity_into(special, &mut out)?;
            continue;
        }
        let (tag, after) = special.split_once('>')?;
        rest = after;
        match tag {
            "p" if !inside && open.is_empty() && (paragraphs > 0 || out.trim_ascii().is_empty()) => {
                (inside, paragraphs) = (true, paragraphs + 1);
                out.push_str("\n\n");
            }
            "/p" if inside && open.is_empty() => {
                inside = false;
                out.push_str("\n\n");
            }
            "br" | "br/" | "br /" if inside || paragraphs == 0 => out.push('\n'),
            _ if paragraphs > 0 && !inside => return None,
            _ => match tag.strip_prefix('/') {
                Some(name) => drop(open.pop().filter(|last| *last == name)?),
                None => open.push(MARKS.iter().find(|name| **name == tag)?),
            },
        }
    }
    (open.is_empty() && !inside).then_some(out)
}

/// Line breaks of the source are blanks; characters that have no width, or another than they
/// seem, are the library's.
fn words_into(text: &str, out: &mut String) -> Option<()> {
    if !any_byte(text.as_bytes(), |b| !(b' '..=b'~').contains(&b)) {
        out.push_str(text);
        return Some(());
    }
    let is_plain = |c: char| matches!(c, ' '..='~' | '\n' | '\r' | '\t') || PLAIN.iter().any(|(first, last)| (*first..=*last).contains(&c));
    if !text.chars().all(is_plain) {
        return None;
    }
    for (number, line) in text.split(['\n', '\r', '\t']).enumerate() {
        if number > 0 {
            out.push(' ');
        }
        out.push_str(line);
    }
    Some(())
}

fn entity_into<'h>(text: &'h str, out: &mut String) -> Option<&'h str> {
    if text.starts_with(' ') {
        out.push('&');
        return Some(text);
    }
    let (name, meant) = ENTITIES.iter().find(|(name, _)| text.starts_with(name))?;
    out.push_str(meant);
    text.get(name.len()..)
}
