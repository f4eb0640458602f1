//! JSON documents: where the array of records stands, alone or inside objects, and where its
//! elements begin and end. What is in them is read by `json`.

use super::block::{Mark, Splitter};
use super::json::{Counter, skip_blank, string_end, value_end};
use std::sync::Arc;

/// Where a document splitter is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Phase {
    /// Before everything.
    #[default]
    Before,
    /// On the way to the array of records.
    Seeking,
    /// Inside it.
    Inside,
    /// After it, while containers around it are open.
    After,
    /// Everything is closed.
    Done,
}

/// Most lists that are named among those that are not read.
const MOST_LEFT: usize = 5;

/// Finds the elements of an array of objects in a JSON document: of the first one, or of the
/// first at a path.
#[derive(Clone, Debug, Default)]
pub(super) struct Elements {
    phase: Phase,
    wanted: Option<Arc<str>>,
    walk: Walk,
    /// Lists that are not read, where nobody said which is.
    left: Vec<String>,
    /// Lists that were passed over on the way to the one that is asked for.
    passed: Vec<String>,
}

impl Elements {
    /// A splitter for the array at a path, or at one that ends so.
    pub(super) fn at(wanted: Option<Arc<str>>) -> Self {
        Self { wanted, ..Self::default() }
    }

    /// Looks for the array of records; the byte it got to.
    fn seek(&mut self, bytes: &[u8], mut at: usize) -> usize {
        loop {
            match self.walk.next(bytes, at) {
                Stop::List(start) if self.wanted.as_ref().is_none_or(|wanted| is_at(&self.walk.path(), wanted)) => {
                    self.phase = Phase::Inside;
                    return start;
                }
                Stop::List(start) => {
                    self.passed.push(self.walk.path());
                    self.walk.enter();
                    at = start;
                }
                Stop::End(at) | Stop::More(at) => return at,
            }
        }
    }

    /// Why no array of records was found.
    fn nowhere(&self) -> String {
        match &self.wanted {
            None => "no array of objects is in the document, or it is cut before one begins".to_owned(),
            Some(wanted) if self.passed.is_empty() => format!("no array of objects is called `{wanted}`, and there is no other"),
            Some(wanted) => format!("no array of objects is called `{wanted}`; there is `{}`", self.passed.join("`, `")),
        }
    }

    /// What follows the records, up to the end of the document; the byte it got to.
    fn rest(&mut self, bytes: &[u8], mut at: usize) -> usize {
        loop {
            match self.walk.next(bytes, at) {
                Stop::End(end) => {
                    self.phase = Phase::Done;
                    return end;
                }
                Stop::More(from) => return from,
                Stop::List(start) => {
                    if self.wanted.is_none() && self.left.len() < MOST_LEFT {
                        self.left.push(self.walk.path());
                    }
                    self.walk.enter();
                    at = start;
                }
            }
        }
    }
}

impl Splitter for Elements {
    fn split(&mut self, bytes: &[u8], line: u64, at_end: bool, marks: &mut Vec<Mark>) -> Result<usize, (u64, String)> {
        let mut at = 0;
        let mut lines = Counter::new(bytes, line);
        if self.phase == Phase::Before {
            match if self.wanted.is_some() { Single::Not } else { single(bytes) } {
                Single::Is { start, end } => {
                    marks.push(Mark { start: start as u32, end: end as u32, line: lines.at(start) });
                    self.phase = Phase::Done;
                    return Ok(bytes.len());
                }
                Single::Open if !at_end && bytes.len() < super::open::SAMPLE => return Ok(0),
                Single::Open | Single::Not => self.phase = Phase::Seeking,
            }
        }
        if self.phase == Phase::Seeking {
            at = self.seek(bytes, at);
            if self.phase == Phase::Seeking {
                return if at_end { Err((line, self.nowhere())) } else { Ok(at) };
            }
        }
        while self.phase == Phase::Inside {
            let next = skip_blank(bytes, at);
            match bytes.get(next) {
                None => return Ok(if at_end { next } else { at }),
                Some(b',') => at = next + 1,
                Some(b']') => {
                    at = next + 1;
                    self.phase = if self.walk.depth() == 0 { Phase::Done } else { Phase::After };
                }
                // What begins like no value would never end, and no record can be told from the next.
                Some(byte) if matches!(byte, b'}' | b':') => {
                    return Err((
                        lines.at(next),
                        format!("a `{}` stands where an element should begin: the JSON is broken here", char::from(*byte)),
                    ));
                }
                Some(_) => match value_end(bytes, next) {
                    Some(end) => {
                        marks.push(Mark { start: next as u32, end: end as u32, line: lines.at(next) });
                        at = end;
                    }
                    None if at_end => {
                        return Err((lines.at(next), "an element begins here and does not end: the file is cut".to_owned()));
                    }
                    None => return Ok(at),
                },
            }
        }
        if self.phase == Phase::After {
            at = self.rest(bytes, at);
            if self.phase == Phase::After {
                return Ok(if at_end { bytes.len() } else { at });
            }
        }
        if self.phase == Phase::Done {
            let next = skip_blank(bytes, at);
            if next < bytes.len() {
                return Err((lines.at(next), "something follows the end of the JSON document".to_owned()));
            }
            at = bytes.len();
        }
        Ok(at)
    }

    fn finish(&mut self, line: u64) -> Result<(), (u64, String)> {
        match self.phase {
            Phase::Done => Ok(()),
            Phase::Before | Phase::Seeking => Err((line, self.nowhere())),
            Phase::Inside | Phase::After => {
                Err((line, "the JSON document ends before its brackets are closed: the file is cut".to_owned()))
            }
        }
    }

    fn left(&self) -> &[String] {
        &self.left
    }
}

/// Whether a document is one record in an envelope: `{"product": {"id": 1, ...}}`.
enum Single {
    Is {
        start: usize,
        end: usize,
    },
    /// It begins so, and goes on.
    Open,
    Not,
}

fn single(bytes: &[u8]) -> Single {
    let skip = |at: usize, byte: u8| {
        let at = skip_blank(bytes, at);
        match bytes.get(at) {
            Some(found) if *found == byte => Ok(at + 1),
            Some(_) => Err(Single::Not),
            None => Err(Single::Open),
        }
    };
    let key = |at: usize| {
        let at = skip_blank(bytes, at);
        match bytes.get(at) {
            Some(b'"') => string_end(bytes, at).ok_or(Single::Open),
            Some(_) => Err(Single::Not),
            None => Err(Single::Open),
        }
    };
    let read = || -> Result<Single, Single> {
        let at = skip(0, b'{')?;
        let at = skip(key(at)?, b':')?;
        let start = skip_blank(bytes, at);
        let inside = skip(start, b'{')?;
        // The first value of a record is a plain one; an envelope of envelopes goes on with a bracket.
        let value = skip(key(inside)?, b':')?;
        if matches!(bytes.get(skip_blank(bytes, value)), Some(b'{' | b'[')) {
            return Err(Single::Not);
        }
        let end = value_end(bytes, start).ok_or(Single::Open)?;
        let after = skip_blank(bytes, skip(end, b'}')?);
        if after == bytes.len() { Ok(Single::Is { start, end }) } else { Err(Single::Not) }
    };
    read().unwrap_or_else(|other| other)
}

/// Where a walk stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// A list of objects, or an empty list that is the whole document, whose elements begin here.
    List(usize),
    /// The document's last bracket ends here.
    End(usize),
    /// More must be read, from here.
    More(usize),
}

/// A container around the place.
#[derive(Clone, Debug)]
struct Around {
    key: Option<String>,
    is_list: bool,
}

/// A way through a document, as far as it was read.
#[derive(Clone, Debug, Default)]
pub(super) struct Walk {
    around: Vec<Around>,
    key: Option<String>,
}

impl Walk {
    /// Goes on from `at` to the next list of objects that is in no other list.
    pub(super) fn next(&mut self, bytes: &[u8], mut at: usize) -> Stop {
        loop {
            at = skip_blank(bytes, at);
            let Some(byte) = bytes.get(at) else { return Stop::More(at) };
            match byte {
                b'"' => {
                    let Some(end) = string_end(bytes, at) else { return Stop::More(at) };
                    let Some(after) = bytes.get(skip_blank(bytes, end)) else { return Stop::More(at) };
                    if *after == b':' {
                        self.key = Some(String::from_utf8_lossy(bytes.get(at + 1..end - 1).unwrap_or_default()).into_owned());
                    }
                    at = end;
                }
                b'[' => {
                    let Some(first) = bytes.get(skip_blank(bytes, at + 1)) else { return Stop::More(at) };
                    let is_document = *first == b']' && self.around.is_empty();
                    at += 1;
                    if (*first == b'{' || is_document) && !self.around.iter().any(|around| around.is_list) {
                        return Stop::List(at);
                    }
                    self.enter();
                }
                b'{' => {
                    self.around.push(Around { key: self.key.take(), is_list: false });
                    at += 1;
                }
                b'}' | b']' => {
                    at += 1;
                    self.around.pop();
                    if self.around.is_empty() {
                        return Stop::End(at);
                    }
                }
                _ => at += 1,
            }
        }
    }

    /// Goes into the list just found, whose elements are passed over.
    pub(super) fn enter(&mut self) {
        self.around.push(Around { key: self.key.take(), is_list: true });
    }

    /// How many containers are open.
    pub(super) fn depth(&self) -> usize {
        self.around.len()
    }

    /// The keys that lead to the list just found; empty where it is the document.
    pub(super) fn path(&self) -> String {
        let keys: Vec<&str> = self.around.iter().map(|around| &around.key).chain([&self.key]).flatten().map(String::as_str).collect();
        keys.join(".")
    }
}

/// Whether a list stands at a path, or at one that ends so.
pub(super) fn is_at(path: &str, wanted: &str) -> bool {
    let wanted = wanted.replace('/', ".");
    path.strip_suffix(wanted.as_str()).is_some_and(|before| before.is_empty() || before.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use super::{Elements, Stop, Walk, is_at};
    use crate::catalog::block::Splitter;
    use proptest::prelude::*;

    fn split(splitter: &mut dyn Splitter, bytes: &[u8]) -> Result<Vec<(String, u64)>, String> {
        let mut marks = Vec::new();
        let say = |(line, message): (u64, String)| format!("{line}: {message}");
        splitter.split(bytes, 1, true, &mut marks).map_err(say)?;
        splitter.finish(9).map_err(say)?;
        Ok(marks
            .iter()
            .map(|mark| (String::from_utf8_lossy(&bytes[mark.start as usize..mark.end as usize]).into_owned(), mark.line))
            .collect())
    }

    #[test]
    fn arrays_wherever_they_stand() {
        let text = b"{\"n\":[1,2],\"data\":{\"products\":\n[{\"a\":\"]}\"},\n{\"a\":[{}]}] }, \"x\":{\"y\":[\"}\"]}}\n";
        let found = split(&mut Elements::default(), text).expect("sound");
        assert_eq!(found, [("{\"a\":\"]}\"}".to_owned(), 2), ("{\"a\":[{}]}".to_owned(), 3)]);
        assert_eq!(split(&mut Elements::default(), b"[]").expect("sound").len(), 0);
    }

    #[test]
    fn a_list_by_its_path() {
        let text = b"{\"answer\":{\"products\":[{\"a\":1}]},\"request\":{\"products\":[{\"a\":2},{\"a\":3}]},\"x\":[{}]}";
        let at = |path: &str| split(&mut Elements::at(Some(path.into())), text);
        assert_eq!(at("request.products").expect("sound").len(), 2);
        assert_eq!(at("products").expect("sound"), [("{\"a\":1}".to_owned(), 1)]);
        assert_eq!(
            at("items").expect_err("none"),
            "1: no array of objects is called `items`; there is `answer.products`, `request.products`, `x`"
        );
        let mut first = Elements::default();
        split(&mut first, text).expect("sound");
        assert_eq!(first.left(), ["request.products", "x"]);
    }

    #[test]
    fn one_record_in_an_envelope() {
        let found = split(&mut Elements::default(), b"{\n \"product\": {\"id\": 1, \"images\": [{\"src\": \"x\"}]}\n}\n").expect("sound");
        assert_eq!(found, [("{\"id\": 1, \"images\": [{\"src\": \"x\"}]}".to_owned(), 2)]);
        // More than one key, or a list first, is an envelope of something else.
        for text in ["{\"meta\":{\"n\":1},\"list\":[{\"a\":1}]}", "{\"data\":{\"list\":[{\"a\":1}],\"n\":1}}"] {
            assert_eq!(split(&mut Elements::default(), text.as_bytes()).expect("sound"), [("{\"a\":1}".to_owned(), 1)]);
        }
        assert!(split(&mut Elements::default(), b"{\"product\": {\"id\": 1").is_err());
    }

    #[test]
    fn cut_at_every_byte_is_never_whole() {
        let text = b"{\"products\":[{\"a\":1},{\"a\":\"x\"}]}";
        for end in 1..text.len() {
            assert!(split(&mut Elements::default(), &text[..end]).is_err(), "{}", String::from_utf8_lossy(&text[..end]));
        }
        assert!(split(&mut Elements::default(), text).is_ok());
        assert!(split(&mut Elements::default(), b"[{}] x").is_err());
        for broken in ["[{}}", "[{},}]", "[{}:1]", "[{}:", "[{}]}", "{\"a\":[{}}]"] {
            let error = split(&mut Elements::default(), broken.as_bytes()).expect_err(broken);
            assert!(error.starts_with("1: ") || error.starts_with("9: "), "{broken}: {error}");
        }
    }

    proptest! {
        // Whatever stands in a document, each mark is a piece of it behind the one before.
        #[test]
        fn any_bytes_are_split_to_an_end(text in "[\\[\\]{}:,\"a1 \\\\]{0,40}") {
            let mut marks = Vec::new();
            let bytes = format!("[{{{text}");
            let _broken = Elements::default().split(bytes.as_bytes(), 1, true, &mut marks);
            prop_assert!(marks.windows(2).all(|pair| pair[0].end <= pair[1].start && pair[0].start < pair[0].end));
            prop_assert!(marks.len() <= bytes.len());
        }
    }

    #[test]
    fn lists_by_their_keys() {
        let text = br#"{"n": [1, [{}]], "a": {"x": "[{", "products": [{"id": 1}], "more": [ {} ]}, "b": [{}]}"#;
        let (mut walk, mut at, mut found) = (Walk::default(), 0, Vec::new());
        loop {
            match walk.next(text, at) {
                Stop::List(start) => {
                    found.push(walk.path());
                    walk.enter();
                    at = start;
                }
                Stop::End(end) => break assert_eq!(end, text.len()),
                Stop::More(_) => panic!("whole"),
            }
        }
        assert_eq!(found, ["a.products", "a.more", "b"]);
        assert!(is_at("a.products", "products") && is_at("a.products", "a/products") && !is_at("a.products", "ducts"));
    }

    #[test]
    fn a_walk_goes_on_where_it_was_cut() {
        let text = br#"{"first": {"k": "v"}, "list": [{"a": 1}]}"#;
        for cut in 1..text.len() {
            let mut walk = Walk::default();
            match walk.next(&text[..cut], 0) {
                Stop::More(at) => assert_eq!((walk.next(text, at), walk.path()), (Stop::List(31), "list".to_owned()), "cut at {cut}"),
                Stop::List(at) => assert!(at == 31 && cut > 31),
                Stop::End(_) => panic!("not yet"),
            }
        }
    }
}
