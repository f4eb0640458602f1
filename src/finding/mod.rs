//! Findings: what is wrong with a catalog or feed, as plain data.
//!
//! Reporters make text of them; nothing here prints.

pub mod baseline;
pub mod recorded;
pub mod sink;

use crate::spec::terms::{Certainty, Consequence};
use std::sync::Arc;

/// How much a finding weighs; it follows from the consequence unless the settings say otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Quality, and repairs that lose nothing.
    Advice,
    /// The target ignores or alters a value, or asks for it without saying what it does.
    Warning,
    /// The target refuses the row, the group or the file.
    Error,
}

impl Severity {
    /// The severity that a consequence has.
    pub fn of(consequence: Consequence) -> Self {
        match consequence {
            Consequence::RowRejected | Consequence::GroupNotFormed | Consequence::FileRefused => Self::Error,
            Consequence::ValueIgnored | Consequence::CheckoutOff | Consequence::SearchOff | Consequence::Unspecified => Self::Warning,
            Consequence::Advice => Self::Advice,
        }
    }

    /// The word used in reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Advice => "advice",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// How much a fix can be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applicability {
    /// Done by default in a build, and listed.
    Safe,
    /// Done only when asked for.
    Suggested,
    /// Words only.
    Manual,
}

impl Applicability {
    /// The word used in reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Safe => "safe",
            Self::Suggested => "suggested",
            Self::Manual => "manual",
        }
    }
}

/// What can be, or was, done about a finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fix {
    /// How much it can be trusted.
    pub applicability: Applicability,
    /// The value put in place; `None` where the value is left out.
    pub value: Option<String>,
    /// Whether this run did it.
    pub applied: bool,
}

/// Where in a source something stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Which of the run's sources, from 0.
    pub source: u16,
    /// The record, from 1, the header not counted; 0 where the finding is about the whole file.
    pub record: u64,
    /// The physical line on which the record starts, from 1; 0 where lines mean nothing.
    pub line: u64,
    /// The column of the cell, from 1; 0 where none is meant.
    pub column: u32,
    /// The column's own name.
    pub column_name: Option<Arc<str>>,
}

/// How far a finding goes that is about every value of a column from its place on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// How many values have the defect.
    pub values: u64,
    /// The last record that has it.
    pub last: u64,
}

/// One thing found.
#[derive(Clone, Debug)]
pub struct Finding {
    /// `attribute/defect`.
    pub code: Arc<str>,
    /// How much it weighs.
    pub severity: Severity,
    /// What the target does.
    pub consequence: Consequence,
    /// How well that is known.
    pub certainty: Certainty,
    /// The item's id; empty where none is known.
    pub item: String,
    /// The group's id, for findings about a group.
    pub group: Option<String>,
    /// The catalog attribute.
    pub attribute: Option<Arc<str>>,
    /// What is wrong, in one line.
    pub message: String,
    /// Why it matters.
    pub why: Option<Arc<str>>,
    /// What to do.
    pub hint: Option<Arc<str>>,
    /// The offending value.
    pub value: Option<String>,
    /// Where it stands.
    pub place: Place,
    /// Where the other row stands, for findings about two.
    pub related: Option<Place>,
    /// The target whose rule it is; `None` for findings about reading and normalizing.
    pub target: Option<Arc<str>>,
    /// The clause.
    pub spec_source: Option<Arc<str>>,
    /// What was or can be done.
    pub fix: Option<Fix>,
    /// How far it goes, where every value of the column has the defect.
    pub extent: Option<Extent>,
}

impl Finding {
    /// How many values it is about.
    pub fn times(&self) -> u64 {
        self.extent.map_or(1, |extent| extent.values)
    }

    /// A finding of feedmill's own, about a file, a column, a record, or a repair; it is advice
    /// to the merchant and no target's rule.
    pub fn own(code: Arc<str>, severity: Severity, message: String, place: Place) -> Self {
        Self {
            code,
            severity,
            consequence: Consequence::Advice,
            certainty: Certainty::Own,
            item: String::new(),
            group: None,
            attribute: None,
            message,
            why: None,
            hint: None,
            value: None,
            place,
            related: None,
            target: None,
            spec_source: None,
            fix: None,
            extent: None,
        }
    }

    /// Whether a build set the fault right without losing anything.
    pub fn is_repaired(&self) -> bool {
        self.fix.as_ref().is_some_and(|fix| fix.applied)
    }

    /// A name for the finding that survives edits elsewhere in the file: a hash of code,
    /// target, item and attribute, not of the line.
    pub fn fingerprint(&self) -> u64 {
        fingerprint([Some(&*self.code), self.target.as_deref(), Some(&*self.item), self.group.as_deref(), self.attribute.as_deref()])
    }

    /// The fingerprint that the finding would have if it were about the column as a whole.
    pub fn column_fingerprint(&self) -> u64 {
        fingerprint([Some(&*self.code), self.target.as_deref(), None, None, self.attribute.as_deref()])
    }
}

/// The hash of code, target, item, group and attribute.
fn fingerprint(parts: [Option<&str>; 5]) -> u64 {
    let mut words = String::with_capacity(96);
    for part in parts {
        words.push_str(part.unwrap_or(""));
        words.push('\u{1f}');
    }
    xxhash_rust::xxh3::xxh3_64(words.as_bytes())
}

/// Findings about records as such: the second half of the code, why it matters, what to do.
pub static RECORD_DEFECTS: &[(&str, &str, &str)] = &[
    (
        "too-few-cells",
        "cells are missing, so it is not known which value belongs to which column",
        "quote values that hold separators or line breaks, and export the file again",
    ),
    ("too-many-cells", "there are more cells than columns, so values have moved out of place", "quote values that hold the separator"),
    ("stray-quote", "a quoted value goes on after its closing quote; where it ends is a guess", "double the quotes inside quoted values"),
    ("not-utf8", "bytes that are no text cannot be shown to anybody", "export as UTF-8, or name the encoding with `--encoding`"),
    ("not-json", "the record cannot be read", "write one sound JSON object a record"),
    ("not-xml", "the record cannot be read", "write sound XML: `&amp;` for `&`, each attribute once, no entities of your own"),
    ("repeated-key", "a key that occurs twice has two values, and which counts is a guess", "keep one of them"),
    ("no-line-end", "a file that was cut in transfer ends like this too", "end the file with a line feed, or fetch it again"),
    ("late-key", "keys that no attribute stands for are not read", "map the key in `[map]` if it should be"),
];

/// Why a finding about a record matters, and what to do.
pub fn record_words(defect: &str) -> (&'static str, &'static str) {
    RECORD_DEFECTS.iter().find(|(name, _, _)| *name == defect).map_or(("", ""), |(_, why, fix)| (why, fix))
}
