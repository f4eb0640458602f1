//! The pieces of markup, found without reading what stands in them.

use super::MAX_ATTRIBUTES;

/// A piece of markup that begins with `<`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// `<name ...>`, or `<name .../>`.
    Open {
        /// The name as written.
        name: &'a [u8],
        /// The byte after the tag.
        end: usize,
        /// Whether the tag closes itself.
        empty: bool,
    },
    /// `</name>`.
    Close {
        /// The name as written.
        name: &'a [u8],
        /// The byte after the tag.
        end: usize,
    },
    /// A comment, a CDATA section or a processing instruction.
    Other {
        /// The byte after it.
        end: usize,
    },
    /// The bytes end before the markup does.
    Cut,
    /// No XML, or XML that is refused.
    Broken(&'static str),
}

/// The markup that begins at `at`, where a `<` stands.
pub(super) fn token(bytes: &[u8], at: usize) -> Token<'_> {
    let rest = bytes.get(at..).unwrap_or_default();
    let until = |open: usize, close: &[u8]| match memchr::memmem::find(rest.get(open..).unwrap_or_default(), close) {
        Some(found) => Token::Other { end: at + open + found + close.len() },
        None => Token::Cut,
    };
    match rest.get(1) {
        None => Token::Cut,
        Some(b'?') => until(2, b"?>"),
        Some(b'!') if rest.starts_with(b"<!--") => until(4, b"-->"),
        Some(b'!') if rest.starts_with(b"<![CDATA[") => until(9, b"]]>"),
        Some(b'!') if rest.len() < 9 => Token::Cut,
        Some(b'!') if rest.get(..9).is_some_and(|head| head.eq_ignore_ascii_case(b"<!DOCTYPE")) => {
            Token::Broken("a document type is declared here; documents with DTDs and entities of their own are refused, export without")
        }
        Some(b'!') => Token::Broken("this declaration has no place in a document"),
        Some(b'/') => match memchr::memchr(b'>', rest) {
            Some(close) => {
                let name = rest.get(2..close).unwrap_or_default().trim_ascii_end();
                Token::Close { name, end: at + close + 1 }
            }
            None => Token::Cut,
        },
        Some(byte) if byte.is_ascii_alphabetic() || *byte == b'_' || *byte == b':' || *byte >= 0x80 => tag(bytes, at),
        Some(_) => Token::Broken("a `<` stands here that begins no element; write it as `&lt;`"),
    }
}

fn tag(bytes: &[u8], at: usize) -> Token<'_> {
    let is_end = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b'>' | b'/' | b'<');
    let Some(length) = bytes.get(at + 1..).and_then(|rest| rest.iter().position(is_end)) else { return Token::Cut };
    let name = bytes.get(at + 1..at + 1 + length).unwrap_or_default();
    let mut from = at + 1 + length;
    let mut attributes = 0;
    loop {
        let rest = bytes.get(from..).unwrap_or_default();
        let close = memchr::memchr3(b'>', b'"', b'\'', rest);
        let stretch = rest.get(..close.unwrap_or(rest.len())).unwrap_or_default();
        if memchr::memchr(b'<', stretch).is_some() {
            return Token::Broken("a tag opens inside another tag: a `>` is missing");
        }
        let Some(close) = close else { return Token::Cut };
        match rest.get(close) {
            Some(b'>') => {
                let empty = bytes.get(from + close - 1) == Some(&b'/');
                return Token::Open { name, end: from + close + 1, empty };
            }
            Some(quote) => {
                attributes += 1;
                if attributes > MAX_ATTRIBUTES {
                    return Token::Broken("the element has more than 1000 attributes, which no catalog has");
                }
                let Some(value) = memchr::memchr(*quote, rest.get(close + 1..).unwrap_or_default()) else { return Token::Cut };
                from += close + 1 + value + 1;
            }
            None => return Token::Cut,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Token, token};

    #[test]
    fn markup() {
        let open = |text: &'static str, empty| Token::Open { name: b"a", end: text.len(), empty };
        for (text, empty) in [("<a>", false), ("<a/>", true), ("<a b='>' c=\"/>\">", false), ("<a\n b='1' />", true)] {
            assert_eq!(token(text.as_bytes(), 0), open(text, empty), "{text}");
        }
        assert_eq!(token(b"</a >", 0), Token::Close { name: b"a", end: 5 });
        for text in ["<!-- <a> -->", "<![CDATA[ </a> ]]>", "<?pi > ?>"] {
            assert_eq!(token(text.as_bytes(), 0), Token::Other { end: text.len() }, "{text}");
        }
        for text in ["<", "<a", "<a b='", "<!-- --", "<![CDATA[ ]]", "</a", "<!DOCTY"] {
            assert_eq!(token(text.as_bytes(), 0), Token::Cut, "{text}");
        }
        for text in ["<!DOCTYPE rss [", "<a <b>", "< a>", "<1>", "<!ELEMENT x>"] {
            assert!(matches!(token(text.as_bytes(), 0), Token::Broken(_)), "{text}");
        }
    }
}
