//! The kind `entries`: packed cells, whose entries are separated by commas and whose parts
//! by colons, such as `US:ALL:Standard:3-5:5.00 USD`.

use super::money::{Parse, parser};
use super::{Applies, Defect, DefectDoc, Parsed, RowFacts, ValueCheck, ValueKind, never};
use crate::cell::Shape;
use crate::product::{codes, text};
use crate::spec::model::FieldFile;
use std::fmt;

/// Most characters of a `message` part.
const MESSAGE_LIMIT: usize = 1000;

pub(crate) const ENTRIES: ValueKind = ValueKind {
    name: "entries",
    applies: Applies::Type,
    advice: never,
    own: false,
    reads: &["parts", "first", "max_items", "two_decimals"],
    defects: &[
        DefectDoc {
            name: "bad-entry",
            what: "an entry does not have the documented parts",
            why: "entries are read by position; a part too few or too many shifts the others",
            fix: "write every part in its place, as the example of the field shows; keep colons and commas out of names",
            bad: |_| Some("US".to_owned()),
        },
        DefectDoc {
            name: "too-many",
            what: "there are more entries than the target takes",
            why: "further entries are not read, or the value is refused",
            fix: "keep the documented number",
            bad: |field| {
                let example = field.example.as_ref()?.as_str()?;
                let entry = example.split(',').next()?;
                field.max_items.map(|most| vec![entry; most + 1].join(","))
            },
        },
    ],
    compile: |field, _| compile(field).map(|entries| Some(Box::new(entries) as Box<dyn ValueCheck>)),
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Country,
    Area,
    Region,
    Label,
    Days,
    Number,
    Count,
    Money,
    Price,
    Word,
    Id,
    Message,
    First,
}

#[derive(Debug)]
struct Entries {
    parts: Vec<(Part, bool)>,
    first: Vec<String>,
    most: usize,
    money: Parse,
}

fn compile(field: &FieldFile) -> Result<Entries, String> {
    let part = |word: &String| {
        let (name, optional) = word.strip_suffix('?').map_or((word.as_str(), false), |name| (name, true));
        let part = match name {
            "country" => Part::Country,
            "area" => Part::Area,
            "region" => Part::Region,
            "label" => Part::Label,
            "days" => Part::Days,
            "number" => Part::Number,
            "count" => Part::Count,
            "money" => Part::Money,
            "price" => Part::Price,
            "word" => Part::Word,
            "id" => Part::Id,
            "message" => Part::Message,
            "first" => Part::First,
            _ => {
                return Err(format!(
                    "`{name}` is no part; known: country, area, region, label, days, number, count, money, price, word, id, message, first"
                ));
            }
        };
        Ok((part, optional))
    };
    let parts: Vec<_> = field.parts.iter().map(part).collect::<Result<_, String>>()?;
    if parts.is_empty() {
        return Err("`entries` needs `parts`".to_owned());
    }
    Ok(Entries { parts, first: field.first.clone(), most: field.max_items.unwrap_or(usize::MAX), money: parser(field) })
}

impl ValueCheck for Entries {
    fn check(&self, value: &str, _: Shape, field: usize, facts: &mut RowFacts) -> Result<(), Defect> {
        let mut count = 0;
        for entry in value.split(',') {
            count += 1;
            let entry = entry.trim();
            if let Err(wrong) = self.entry(entry) {
                return Err(facts.defect("bad-entry", || format!("entry {count}, `{}`: {wrong}", text::excerpt(entry, 60))));
            }
        }
        if count > self.most {
            return Err(facts.defect("too-many", || match self.most {
                1 => format!("{count} entries separated by commas; the field holds a single one and is no list"),
                most => format!("{count} entries separated by commas, {most} are the most"),
            }));
        }
        // The amount of a single entry can be set beside other amounts of the row.
        let amount = self.parts.iter().position(|(part, _)| matches!(part, Part::Money | Part::Price)).filter(|_| count == 1);
        if let (Some(Ok(money)), Some(slot)) =
            (amount.and_then(|place| value.split(':').nth(place)).map(self.money), facts.parsed.get_mut(field))
        {
            *slot = Parsed::Money(money);
        }
        Ok(())
    }
}

/// What is wrong with an entry.
#[derive(Debug)]
enum Wrong<'e> {
    Count { given: usize, least: usize, most: usize },
    Part(&'e str, Part),
}

impl fmt::Display for Wrong<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count { given, least, most } if least == most => write!(out, "{given} parts, {least} are needed"),
            Self::Count { given, least, most } => write!(out, "{given} parts, {least} to {most} are needed"),
            Self::Part(text, part) => write!(out, "`{text}` is not {}", part.wanted()),
        }
    }
}

impl Entries {
    fn entry<'e>(&self, entry: &'e str) -> Result<(), Wrong<'e>> {
        // A message is the rest of the entry, colons included.
        let most = if self.parts.last().is_some_and(|(part, _)| *part == Part::Message) { self.parts.len() } else { usize::MAX };
        // Optional parts at the end may be left out with their colons, others only by leaving their place blank.
        let least = self.parts.iter().rposition(|(_, optional)| !optional).map_or(1, |last| last + 1);
        let (mut given, mut wrong, mut rest) = (0, None, Some(entry));
        while let Some(left) = rest {
            let colon = left.bytes().position(|byte| byte == b':').filter(|_| given + 1 < most);
            let text = colon.map_or(left, |at| left.get(..at).unwrap_or(""));
            rest = colon.and_then(|at| left.get(at + 1..));
            if let Some((part, optional)) = self.parts.get(given)
                && !(text.is_empty() && *optional || self.part(*part, text))
            {
                wrong = wrong.or(Some(Wrong::Part(text, *part)));
            }
            given += 1;
        }
        if given > self.parts.len() || given < least {
            return Err(Wrong::Count { given, least, most: self.parts.len() });
        }
        wrong.map_or(Ok(()), Err)
    }

    fn part(&self, part: Part, text: &str) -> bool {
        let digits = |text: &str, most: usize| !text.is_empty() && text.len() <= most && text.bytes().all(|b| b.is_ascii_digit());
        match part {
            Part::Country => codes::is_country(text),
            Part::Region | Part::Label | Part::Id => !text.trim().is_empty(),
            Part::Area => {
                let subdivision = (1..=3).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
                let postal = |text: &str| digits(text, 5) && text.len() == 5 || text.strip_suffix('*').is_some_and(|head| digits(head, 4));
                subdivision || postal(text) || text.split_once('-').is_some_and(|(from, to)| postal(from) && postal(to))
            }
            Part::Days => text.split_once('-').is_some_and(|(least, most)| digits(least, 4) && digits(most, 4)),
            Part::Number => digits(text, 4),
            Part::Count => digits(text, 4) && text.bytes().any(|b| b != b'0'),
            Part::Money => (self.money)(text).is_ok(),
            Part::Price => (self.money)(text).is_ok_and(|money| money.is_positive()),
            Part::Word => text.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'),
            Part::Message => !text.trim().is_empty() && text::length(text) <= MESSAGE_LIMIT,
            Part::First => self.first.iter().any(|known| known == text),
        }
    }
}

impl Part {
    fn wanted(self) -> &'static str {
        match self {
            Self::Country => "a country code such as `US`",
            Self::Area => "an area such as `CA`, `ALL` or a postal code",
            Self::Region => "a region",
            Self::Label => "a name",
            Self::Days => "a range of days such as `3-5`",
            Self::Number => "a whole number",
            Self::Count => "a whole number above zero",
            Self::Money => "money such as `5.00 USD`",
            Self::Price => "an amount above zero such as `5.00 USD`",
            Self::Word => "a word in lower case",
            Self::Id => "an id",
            Self::Message => "a message of at most 1000 characters",
            Self::First => "one of the listed words",
        }
    }
}
