//! HTML as plain text: what shops store in descriptions, as feeds ask for it.

use super::html_plain;
use super::text::collapse_lines;
use html2text::render::TextDecorator;
use std::borrow::Cow;

/// How deep HTML may be nested before it is read as words only; deeper input is hostile.
const MAX_DEPTH: usize = 200;

/// Whether a text holds HTML tags or entities.
pub fn looks_like_html(text: &str) -> bool {
    let bytes = text.as_bytes();
    memchr::memchr2_iter(b'<', b'&', bytes).any(|at| {
        let rest = bytes.get(at + 1..).unwrap_or_default();
        if bytes[at] == b'<' {
            let name = rest.strip_prefix(b"/").unwrap_or(rest);
            let letter = name.first().is_some_and(|b| b.is_ascii_alphabetic() || *b == b'!');
            letter && memchr::memchr(b'>', rest).is_some_and(|end| rest[..end].iter().all(|&b| b != b'<'))
        } else {
            let end = rest.iter().take(10).position(|&b| b == b';');
            end.is_some_and(|end| end > 1 && rest[..end].iter().all(|b| b.is_ascii_alphanumeric() || *b == b'#'))
        }
    })
}

/// The words of an HTML text: blocks become lines, list entries begin with `- `, scripts and
/// styles go, entities are decoded, blank runs collapse.
pub fn from_html(html: &str) -> String {
    let text = words_of(html);
    // Some platforms store escaped HTML: one more round shows its words.
    collapse_lines(&if looks_like_html(&text) { words_of(&text) } else { text })
}

fn words_of(html: &str) -> String {
    html_plain::words(html).unwrap_or_else(|| parsed_words_of(html))
}

fn parsed_words_of(html: &str) -> String {
    let html = if nesting(html) > MAX_DEPTH { Cow::Owned(strip_tags(html)) } else { Cow::Borrowed(html) };
    let config = html2text::config::with_decorator(Words)
        .raw_mode(true)
        .no_link_wrapping()
        .unicode_strikeout(false)
        .allow_width_overflow()
        .no_table_borders();
    config.string_from_read(html.as_bytes(), 1_000_000).unwrap_or_else(|_| strip_tags(&html))
}

fn nesting(html: &str) -> usize {
    let bytes = html.as_bytes();
    let (mut depth, mut deepest) = (0usize, 0usize);
    for at in memchr::memchr_iter(b'<', bytes) {
        match bytes.get(at + 1) {
            Some(b'/') => depth = depth.saturating_sub(1),
            Some(b) if b.is_ascii_alphabetic() => depth += 1,
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

fn strip_tags(html: &str) -> String {
    let mut out = String::with_capacity(html.len());
    let mut rest = html;
    while let Some((before, tag)) = rest.split_once('<') {
        out.push_str(before);
        match tag.split_once('>') {
            Some((_, after)) if tag.starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '/' | '!')) => {
                out.push(' ');
                rest = after;
            }
            _ => {
                out.push('<');
                rest = tag;
            }
        }
    }
    out.push_str(rest);
    out
}

/// Words only: no marks for links, emphasis or headings, a hyphen before list entries.
struct Words;

impl TextDecorator for Words {
    type Annotation = ();

    fn decorate_link_start(&mut self, _: &str) -> (String, ()) {
        (String::new(), ())
    }
    fn decorate_link_end(&mut self) -> String {
        String::new()
    }
    fn decorate_em_start(&self) -> (String, ()) {
        (String::new(), ())
    }
    fn decorate_em_end(&self) -> String {
        String::new()
    }
    fn decorate_strong_start(&self) -> (String, ()) {
        (String::new(), ())
    }
    fn decorate_strong_end(&self) -> String {
        String::new()
    }
    fn decorate_strikeout_start(&self) -> (String, ()) {
        (String::new(), ())
    }
    fn decorate_strikeout_end(&self) -> String {
        String::new()
    }
    fn decorate_code_start(&self) -> (String, ()) {
        (String::new(), ())
    }
    fn decorate_code_end(&self) -> String {
        String::new()
    }
    fn decorate_preformat_first(&self) {}
    fn decorate_preformat_cont(&self) {}
    fn decorate_image(&mut self, _: &str, _: &str) -> (String, ()) {
        (String::new(), ())
    }
    fn decorate_superscript_start(&self) -> (String, ()) {
        (String::new(), ())
    }
    fn decorate_superscript_end(&self) -> String {
        String::new()
    }
    fn header_prefix(&self, _: usize) -> String {
        String::new()
    }
    fn quote_prefix(&self) -> String {
        String::new()
    }
    fn unordered_item_prefix(&self) -> String {
        "- ".to_owned()
    }
    fn ordered_item_prefix(&self, place: i64) -> String {
        format!("{place}. ")
    }
    fn make_subblock_decorator(&self) -> Self {
        Self
    }
}

#[cfg(test)]
mod tests {
    use super::{collapse_lines, from_html, html_plain, looks_like_html, parsed_words_of};
    use proptest::prelude::*;

    #[test]
    fn html_becomes_words() {
        let html = "<style>p{color:red}</style><p>Waterproof&nbsp;trail <b>shoes</b>.</p><!-- no --><ul><li>Light</li><li>Dry &amp; warm</li></ul><script>x()</script>";
        assert_eq!(from_html(html), "Waterproof trail shoes.\n- Light\n- Dry & warm");
        assert_eq!(from_html("one<br>two<br/>three"), "one\ntwo\nthree");
        assert_eq!(from_html("&lt;p&gt;Escaped &amp;amp; stored&lt;/p&gt;"), "Escaped & stored");
        assert_eq!(from_html("<p></p><div> </div>"), "");
        assert_eq!(from_html("<a href=\"https://x.example\">Link</a> text"), "Link text");
    }

    #[test]
    fn nested_without_end() {
        let deep = format!("{}word{}", "<div>".repeat(100_000), "</div>".repeat(100_000));
        assert_eq!(from_html(&deep), "word");
    }

    #[test]
    fn what_looks_like_html() {
        for yes in ["<p>x", "a <br/> b", "Tom &amp; Jerry", "x &#39; y", "</div>"] {
            assert!(looks_like_html(yes), "{yes}");
        }
        for no in ["a < b and c > d", "R&D; more", "Tom & Jerry", "1/2\" x <3", "5 <"] {
            assert!(!looks_like_html(no), "{no}");
        }
    }

    #[test]
    fn common_descriptions_need_no_parser() {
        for html in ["<p>Light &amp; dry.</p>\n<p>Made of <strong>wool</strong>.<br>Washable</p>", "one<br/>two", "a  b\nc"] {
            assert!(html_plain::words(html).is_some(), "{html}");
        }
    }

    proptest! {
        // The library is the reference for all that is read without it.
        #[test]
        fn plain_html_reads_like_parsed_html(parts in prop::collection::vec(prop::sample::select(vec![
            "<p>", "</p>", "<br>", "<br />", "<b>", "</b>", "<em>", "</em>", "<span>", "</span>", "<u>", "</u>", "<ul>", "<p class=x>",
            "a", "word", "\u{e9}t\u{e9}", "\u{2019}s", "\u{65e5}\u{672c}\u{3001}\u{30fc}", "\u{d55c}\u{ff21}", "\u{2713} \u{416}\u{3a9}", " ", "  ", "\n", "\r\n", "\t", "\u{a0}", "\u{200b}", "&amp;", "&nbsp;", "&lt;b&gt;", "& ", "&", "<", ">", ".",
        ]), 0..14)) {
            let html = parts.concat();
            if let Some(words) = html_plain::words(&html) {
                prop_assert_eq!(collapse_lines(&words), collapse_lines(&parsed_words_of(&html)), "{}", html);
            }
        }

        #[test]
        fn paragraphs_read_like_parsed_ones(blocks in prop::collection::vec((prop::collection::vec(prop::sample::select(vec![
            "a", "word", "\u{e9}t\u{e9}", "\u{2019}s", "\u{65e5}\u{672c}\u{3001}\u{30fc}", "\u{d55c}\u{ff21}", "\u{2713} \u{416}\u{3a9}", " ", "  ", "\n", "\u{a0}", "<br>", "<br/>", "<b>x</b>", "<em> y</em>", "<span>z </span>", "<b><i>w</i></b>",
            "<u></u>", "&amp;", "&nbsp;", "&quot;", "& ", ".",
        ]), 0..7), prop::bool::ANY), 0..5), between in prop::sample::select(vec!["", " ", "\n", "\r\n  "])) {
            let block = |(parts, is_paragraph): &(Vec<&str>, bool)| if *is_paragraph { format!("<p>{}</p>", parts.concat()) } else { parts.concat() };
            let html = blocks.iter().map(block).collect::<Vec<_>>().join(between);
            if let Some(words) = html_plain::words(&html) {
                prop_assert_eq!(collapse_lines(&words), collapse_lines(&parsed_words_of(&html)), "{}", html);
            }
        }

        #[test]
        fn no_html_panics(text in "[<>a-z&;/ \"=!#-]{0,60}") {
            let words = from_html(&text);
            prop_assert!(!words.contains('\u{7}'), "{words}");
        }
    }
}
