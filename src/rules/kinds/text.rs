//! Kinds for text: `text`, `id`, and the bounds on length, words and characters.

use super::{Applies, Defect, DefectDoc, RowFacts, ValueCheck, ValueKind, always, never};
use crate::cell::Shape;
use crate::product::{html, mojibake, text};

pub(crate) const TEXT: ValueKind = ValueKind {
    name: "text",
    applies: Applies::Type,
    advice: never,
    own: false,
    reads: &[],
    defects: &[BLANK, NOT_TEXT],
    compile: |_, _| Ok(Some(Box::new(Text { id: false }))),
};

pub(crate) const ID: ValueKind = ValueKind {
    name: "id",
    applies: Applies::Type,
    advice: never,
    own: false,
    reads: &[],
    defects: &[BLANK, NOT_TEXT, DESTROYED],
    compile: |_, _| Ok(Some(Box::new(Text { id: true }))),
};

const BLANK: DefectDoc = DefectDoc {
    name: "blank",
    what: "the value is blanks only",
    why: "blanks are no value; the field counts as missing",
    fix: "give a value, or leave the field out",
    bad: |_| Some("   ".to_owned()),
};
const NOT_TEXT: DefectDoc = DefectDoc {
    name: "not-text",
    what: "the value is a list, an object or a boolean where text is asked for",
    why: "the field is documented as text",
    fix: "send a string",
    bad: |_| None,
};
const DESTROYED: DefectDoc = DefectDoc {
    name: "destroyed",
    what: "a spreadsheet has turned the identifier into a number in scientific form",
    why: "the digits that were cut are gone; two different items may now share one id",
    fix: "export again with the column formatted as text",
    bad: |_| Some("8.80609E+12".to_owned()),
};

#[derive(Debug)]
struct Text {
    id: bool,
}

impl ValueCheck for Text {
    fn check(&self, value: &str, shape: Shape, _: usize, facts: &mut RowFacts) -> Result<(), Defect> {
        if matches!(shape, Shape::List | Shape::Object | Shape::Boolean) {
            return Err(facts.defect("not-text", || format!("text is asked for, `{}` is not", text::excerpt(value, 40))));
        }
        // Any letter or digit in front settles it without looking at the rest.
        if !value.as_bytes().first().is_some_and(u8::is_ascii_graphic) && text::trim(value).is_empty() {
            return Err(facts.defect("blank", || "the value is blanks only".to_owned()));
        }
        if self.id && is_destroyed(value) {
            return Err(facts.defect("destroyed", || format!("`{value}` is what a spreadsheet makes of a long number")));
        }
        Ok(())
    }
}

fn is_destroyed(value: &str) -> bool {
    // Most ids are settled by their last characters, without a search.
    if !value.as_bytes().last().is_some_and(u8::is_ascii_digit) || !value.contains('+') {
        return false;
    }
    let Some((mantissa, exponent)) = value.split_once("E+") else { return false };
    let digits = |part: &str, others: &[char]| !part.is_empty() && part.chars().all(|c| c.is_ascii_digit() || others.contains(&c));
    digits(mantissa, &['.', ',']) && digits(exponent, &[])
}

pub(crate) const MAX_LENGTH: ValueKind = ValueKind {
    name: "max_length",
    applies: Applies::Bound,
    advice: |field| field.length_is.as_deref() == Some("guidance"),
    own: false,
    reads: &["max_length", "length_is", "truncate"],
    defects: &[DefectDoc {
        name: "too-long",
        what: "the text has more characters than the spec names",
        why: "the spec names a most for the text, as a limit or as advice; what comes of more is said with each target",
        fix: "shorten the text at its source",
        bad: |field| field.max_length.filter(|_| field.kind == "text" || field.kind == "id").map(|limit| "x".repeat(limit + 1)),
    }],
    compile: |field, _| match &field.length_is {
        Some(word) if word != "guidance" => Err(format!("`length_is` is `guidance` or left out, not `{word}`")),
        _ => Ok(field.max_length.map(|limit| Box::new(MaxLength { limit }) as Box<dyn ValueCheck>)),
    },
};

#[derive(Debug)]
struct MaxLength {
    limit: usize,
}

impl ValueCheck for MaxLength {
    fn check(&self, value: &str, _: Shape, _: usize, facts: &mut RowFacts) -> Result<(), Defect> {
        // A text has at most as many characters as bytes.
        if value.len() <= self.limit {
            return Ok(());
        }
        let length = text::length(value);
        if length <= self.limit {
            return Ok(());
        }
        Err(facts.defect("too-long", || format!("{length} characters, {} are named as the most", self.limit)))
    }
}

pub(crate) const PLACEHOLDERS: ValueKind = ValueKind {
    name: "placeholders",
    applies: Applies::Bound,
    advice: never,
    own: false,
    reads: &["placeholders"],
    defects: &[DefectDoc {
        name: "placeholder",
        what: "a word such as `n/a` or `null`, an error of a spreadsheet or an unfilled template stands in place of a value",
        why: "placeholders are shown to shoppers as if they were the value",
        fix: "leave the field out, or give the real value",
        bad: |_| Some("N/A".to_owned()),
    }],
    compile: |field, _| match field.placeholders.as_deref() {
        None => Ok(None),
        Some("refuse") => Ok(Some(Box::new(Placeholders))),
        Some(word) => Err(format!("`placeholders` is `refuse` or left out, not `{word}`")),
    },
};

#[derive(Debug)]
struct Placeholders;

impl ValueCheck for Placeholders {
    fn check(&self, value: &str, _: Shape, _: usize, facts: &mut RowFacts) -> Result<(), Defect> {
        if text::is_placeholder(value) {
            return Err(facts.defect("placeholder", || format!("`{value}` stands in place of a value")));
        }
        Ok(())
    }
}

pub(crate) const PLAIN_TEXT: ValueKind = ValueKind {
    name: "plain_text",
    applies: Applies::Bound,
    advice: always,
    own: false,
    reads: &["plain_text"],
    defects: &[
        DefectDoc {
            name: "html",
            what: "the text holds HTML tags or entities",
            why: "the spec asks for plain text; tags are shown as they are",
            fix: "build the feed with feedmill, which turns HTML into text, or strip it at the source",
            bad: |_| Some("<p>Waterproof &amp; warm</p>".to_owned()),
        },
        DefectDoc {
            name: "mojibake",
            what: "letters such as `Ã©` show that UTF-8 was read in another encoding on the way",
            why: "shoppers see them as they are",
            fix: "export the text as UTF-8; if the shop itself shows it so, correct it there",
            bad: |_| Some("CafÃ© au lait".to_owned()),
        },
    ],
    compile: |field, _| Ok(field.plain_text.then(|| Box::new(PlainText) as Box<dyn ValueCheck>)),
};

#[derive(Debug)]
struct PlainText;

impl ValueCheck for PlainText {
    fn check(&self, value: &str, _: Shape, _: usize, facts: &mut RowFacts) -> Result<(), Defect> {
        if html::looks_like_html(value) {
            return Err(facts.defect("html", || "the text holds HTML".to_owned()));
        }
        if let Some(letters) = mojibake::find(value) {
            return Err(facts.defect("mojibake", || format!("`{letters}` was a single letter before it was read in the wrong encoding")));
        }
        Ok(())
    }
}

pub(crate) const ALL_CAPITALS: ValueKind = ValueKind {
    name: "all_capitals",
    applies: Applies::Bound,
    advice: always,
    own: false,
    reads: &["all_capitals"],
    defects: &[DefectDoc {
        name: "all-capitals",
        what: "every letter is a capital",
        why: "the spec advises against all capitals; agents may rank or show such text worse",
        fix: "write it in normal case",
        bad: |_| Some("TRAIL RUNNING SHOES".to_owned()),
    }],
    compile: |field, _| match field.all_capitals.as_deref() {
        None => Ok(None),
        Some("avoid") => Ok(Some(Box::new(AllCapitals))),
        Some(word) => Err(format!("`all_capitals` is `avoid` or left out, not `{word}`")),
    },
};

#[derive(Debug)]
struct AllCapitals;

impl ValueCheck for AllCapitals {
    fn check(&self, value: &str, _: Shape, _: usize, facts: &mut RowFacts) -> Result<(), Defect> {
        if text::is_all_capitals(value) {
            return Err(facts.defect("all-capitals", || "every letter is a capital".to_owned()));
        }
        Ok(())
    }
}

/// Runs on every field of kind `text` and `id`: no spec allows control characters.
pub(crate) const CONTROLS: ValueKind = ValueKind {
    name: "controls",
    applies: Applies::Bound,
    advice: never,
    own: false,
    reads: &[],
    defects: &[DefectDoc {
        name: "control-character",
        what: "the text holds control characters",
        why: "they are invisible, break parsers and terminals, and can disguise what is shown",
        fix: "remove them at the source; `feedmill build` leaves them out",
        bad: |field| matches!(field.kind.as_str(), "text" | "id").then(|| "Trail\u{7}shoe".to_owned()),
    }],
    compile: |field, _| Ok(matches!(field.kind.as_str(), "text" | "id").then(|| Box::new(Controls) as Box<dyn ValueCheck>)),
};

#[derive(Debug)]
struct Controls;

impl ValueCheck for Controls {
    fn check(&self, value: &str, _: Shape, _: usize, facts: &mut RowFacts) -> Result<(), Defect> {
        if text::has_controls(value) {
            return Err(facts.defect("control-character", || "the text holds control characters".to_owned()));
        }
        Ok(())
    }

    fn is_about_controls(&self) -> bool {
        true
    }
}

pub(crate) const PATTERN: ValueKind = ValueKind {
    name: "pattern",
    applies: Applies::Bound,
    advice: never,
    own: false,
    reads: &["pattern"],
    defects: &[DefectDoc {
        name: "wrong-form",
        what: "the value is not written in the documented form",
        why: "the target reads the field in one form only",
        fix: "write it as the example shows",
        bad: |field| field.pattern.is_some().then(|| "something else".to_owned()),
    }],
    compile: |field, _| {
        let Some(pattern) = &field.pattern else { return Ok(None) };
        let regex = regex::Regex::new(pattern).map_err(|error| error.to_string())?;
        Ok(Some(Box::new(Pattern { regex })))
    },
};

#[derive(Debug)]
struct Pattern {
    regex: regex::Regex,
}

impl ValueCheck for Pattern {
    fn check(&self, value: &str, _: Shape, _: usize, facts: &mut RowFacts) -> Result<(), Defect> {
        if self.regex.is_match(value) {
            return Ok(());
        }
        Err(facts.defect("wrong-form", || format!("`{}` is not in the documented form", text::excerpt(value, 40))))
    }
}
