//! Where the records of a document begin and end.

use super::token::{Token, token};
use super::{MAX_DEPTH, Shape};
use crate::catalog::block::{Mark, Splitter};
use crate::catalog::json::Counter;
use std::sync::Arc;

/// Finds the elements at the path of a shape.
#[derive(Clone, Debug)]
pub struct Records {
    shape: Arc<Shape>,
    /// Open elements, from the root; records are handed on whole and never among them.
    open: Vec<Vec<u8>>,
    /// How many of them lie on the path.
    on_path: usize,
    ended: bool,
}

/// How a record goes on.
enum Whole {
    To(usize),
    Cut,
    Broken(usize, String),
}

impl Records {
    /// A splitter for documents of this shape.
    pub fn new(shape: &Arc<Shape>) -> Self {
        Self { shape: Arc::clone(shape), open: Vec::new(), on_path: 0, ended: false }
    }

    fn is_record(&self, name: &[u8]) -> bool {
        let path = &self.shape.path;
        self.on_path == self.open.len() && self.open.len() + 1 == path.len() && path.last().is_some_and(|last| last.as_bytes() == name)
    }

    fn enter(&mut self, name: &[u8]) {
        if self.on_path == self.open.len() && self.shape.path.get(self.on_path).is_some_and(|step| step.as_bytes() == name) {
            self.on_path += 1;
        }
        self.open.push(name.to_vec());
    }

    fn leave(&mut self, name: &[u8]) -> Result<(), String> {
        match self.open.pop() {
            Some(open) if open == name => {
                self.on_path = self.on_path.min(self.open.len());
                self.ended = self.open.is_empty();
                Ok(())
            }
            open => Err(crossed(open.as_deref(), name)),
        }
    }
}

fn crossed(open: Option<&[u8]>, name: &[u8]) -> String {
    let name = crate::product::text::excerpt(&String::from_utf8_lossy(name), 60);
    match open {
        Some(open) => {
            let open = crate::product::text::excerpt(&String::from_utf8_lossy(open), 60);
            format!("`</{name}>` stands where `</{open}>` should: the XML is broken here")
        }
        None => format!("`</{name}>` closes nothing: the XML is broken here"),
    }
}

fn too_deep() -> String {
    format!("elements are nested more than {MAX_DEPTH} deep, which no catalog does")
}

/// The end of a record whose first tag ends at `at`.
fn whole(bytes: &[u8], name: &[u8], mut at: usize, above: usize) -> Whole {
    let mut open = vec![name];
    while let Some(found) = memchr::memchr(b'<', bytes.get(at..).unwrap_or_default()).map(|found| at + found) {
        match token(bytes, found) {
            Token::Open { name, end, empty } => {
                if !empty {
                    open.push(name);
                    if open.len() + above > MAX_DEPTH {
                        return Whole::Broken(found, too_deep());
                    }
                }
                at = end;
            }
            Token::Close { name, end } => {
                let last = open.pop();
                if last != Some(name) {
                    return Whole::Broken(found, crossed(last, name));
                }
                if open.is_empty() {
                    return Whole::To(end);
                }
                at = end;
            }
            Token::Other { end } => at = end,
            Token::Cut => return Whole::Cut,
            Token::Broken(what) => return Whole::Broken(found, what.to_owned()),
        }
    }
    Whole::Cut
}

impl Splitter for Records {
    fn split(&mut self, bytes: &[u8], line: u64, at_end: bool, marks: &mut Vec<Mark>) -> Result<usize, (u64, String)> {
        let mut at = 0;
        let mut lines = Counter::new(bytes, line);
        loop {
            let found = memchr::memchr(b'<', bytes.get(at..).unwrap_or_default()).map(|found| at + found);
            let between = bytes.get(at..found.unwrap_or(bytes.len())).unwrap_or_default();
            if self.open.is_empty() && !between.trim_ascii().is_empty() {
                let where_ = if self.ended { "follows the end of" } else { "stands before the root of" };
                return Err((lines.at(at), format!("text {where_} the XML document")));
            }
            let Some(found) = found else { return Ok(bytes.len()) };
            let cut = |lines: &mut Counter<'_>, what: &str| {
                Err((lines.at(found), format!("{what} begins here and does not end: the file is cut")))
            };
            match token(bytes, found) {
                Token::Open { .. } if self.ended => {
                    return Err((lines.at(found), "another element follows the end of the XML document".to_owned()));
                }
                Token::Open { name, end, empty } if self.is_record(name) => {
                    let end = if empty { Whole::To(end) } else { whole(bytes, name, end, self.open.len()) };
                    match end {
                        Whole::To(end) => {
                            marks.push(Mark { start: found as u32, end: end as u32, line: lines.at(found) });
                            at = end;
                        }
                        Whole::Broken(place, message) => return Err((lines.at(place), message)),
                        Whole::Cut if at_end => return cut(&mut lines, "a record"),
                        Whole::Cut => return Ok(found),
                    }
                }
                Token::Open { name, end, empty } => {
                    if self.open.len() >= MAX_DEPTH {
                        return Err((lines.at(found), too_deep()));
                    }
                    self.enter(name);
                    if empty {
                        self.leave(name).map_err(|message| (lines.at(found), message))?;
                    }
                    at = end;
                }
                Token::Close { name, end } => {
                    self.leave(name).map_err(|message| (lines.at(found), message))?;
                    at = end;
                }
                Token::Other { end } => at = end,
                Token::Cut if at_end => return cut(&mut lines, "markup"),
                Token::Cut => return Ok(found),
                Token::Broken(what) => return Err((lines.at(found), what.to_owned())),
            }
        }
    }

    fn finish(&mut self, line: u64) -> Result<(), (u64, String)> {
        match self.open.last() {
            None if self.ended => Ok(()),
            None => Err((line, "the XML document has no element".to_owned())),
            Some(open) => {
                let open = crate::product::text::excerpt(&String::from_utf8_lossy(open), 60);
                Err((line, format!("the XML document ends before `</{open}>`: the file is cut")))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Records;
    use crate::catalog::block::Splitter;
    use crate::catalog::xml::Shape;
    use proptest::prelude::*;
    use std::sync::Arc;

    const FEED: &str = "<?xml version=\"1.0\"?>\n<!-- <item> -->\n<rss><channel>\n<title>x</title>\n<item><a>1</a></item>\n<item/>\n\
        <other><item>no record</item></other><item><b><![CDATA[</item>]]></b>\n<item>inner</item></item>\n</channel></rss>\n";

    fn records() -> Records {
        Records::new(&Arc::new(Shape { path: ["rss", "channel", "item"].map(str::to_owned).to_vec(), prefixes: Vec::new() }))
    }

    fn split(bytes: &[u8]) -> Result<Vec<(String, u64)>, String> {
        let (mut records, mut marks) = (records(), Vec::new());
        let say = |(line, message): (u64, String)| format!("{line}: {message}");
        records.split(bytes, 1, true, &mut marks).map_err(say)?;
        records.finish(99).map_err(say)?;
        let text = |start: u32, end: u32| String::from_utf8_lossy(&bytes[start as usize..end as usize]).into_owned();
        Ok(marks.iter().map(|mark| (text(mark.start, mark.end), mark.line)).collect())
    }

    #[test]
    fn records_stand_at_their_path() {
        let found = split(FEED.as_bytes()).expect("sound");
        let lines: Vec<u64> = found.iter().map(|(_, line)| *line).collect();
        assert_eq!(lines, [5, 6, 7]);
        assert_eq!(found[0].0, "<item><a>1</a></item>");
        assert!(found[2].0.ends_with("inner</item></item>"), "{}", found[2].0);
    }

    #[test]
    fn cut_at_every_byte_is_never_whole() {
        let end = FEED.trim_end().len();
        for cut in 0..end {
            assert!(split(&FEED.as_bytes()[..cut]).is_err(), "{}", &FEED.get(..cut).unwrap_or(""));
        }
        for (broken, line) in [
            ("<rss><channel>\n<item></a></item></channel></rss>", "2: "),
            ("<rss></channel></rss>", "1: "),
            ("<rss/>\n<rss/>", "2: "),
            ("<rss/>x", "1: "),
            ("x<rss/>", "1: "),
            ("<!DOCTYPE rss [<!ENTITY a \"b\">]><rss/>", "1: "),
        ] {
            let error = split(broken.as_bytes()).expect_err(broken);
            assert!(error.starts_with(line), "{broken}: {error}");
        }
    }

    proptest! {
        #[test]
        fn blocks_may_be_cut_anywhere(cut in 0usize..230) {
            let (mut whole, mut parts, mut rest) = (Vec::new(), Vec::new(), Vec::new());
            let bytes = FEED.as_bytes();
            records().split(bytes, 1, true, &mut whole).expect("sound");
            let mut splitter = records();
            let taken = splitter.split(&bytes[..cut.min(bytes.len())], 1, false, &mut parts).expect("sound");
            let line = 1 + bytes[..taken].iter().filter(|b| **b == b'\n').count() as u64;
            splitter.split(&bytes[taken..], line, true, &mut rest).expect("sound");
            parts.extend(rest.into_iter().map(|mut mark| { mark.start += taken as u32; mark.end += taken as u32; mark }));
            prop_assert_eq!(parts, whole);
            prop_assert!(splitter.finish(1).is_ok());
        }

        #[test]
        fn any_markup_is_split_to_an_end(text in "[<>/!a\\-\\[\\]\"'= ]{0,60}") {
            let mut marks = Vec::new();
            let _broken = records().split(format!("<rss><channel><item>{text}").as_bytes(), 1, true, &mut marks);
            prop_assert!(marks.windows(2).all(|pair| pair[0].end <= pair[1].start));
        }
    }
}
