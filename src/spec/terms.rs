//! The words every spec, rule and finding shares: what a target does, and how well that is known.

use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What a target does with a row, value, group or file that breaks a rule, as its own
/// documents say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Consequence {
    /// The row does not enter the target's catalog.
    RowRejected,
    /// The value is treated as not given.
    ValueIgnored,
    /// The variants stay separate items.
    GroupNotFormed,
    /// The item cannot be bought inside the agent.
    CheckoutOff,
    /// The item is not shown in search.
    SearchOff,
    /// The whole file is refused.
    FileRefused,
    /// The rule is documented, the reaction is not.
    Unspecified,
    /// Nothing is refused or lost; quality only.
    Advice,
}

impl Consequence {
    /// All of them, the worst first.
    pub const ALL: [Self; 8] = [
        Self::FileRefused,
        Self::RowRejected,
        Self::GroupNotFormed,
        Self::CheckoutOff,
        Self::SearchOff,
        Self::ValueIgnored,
        Self::Unspecified,
        Self::Advice,
    ];

    /// The word used in files and reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::RowRejected => "row-rejected",
            Self::ValueIgnored => "value-ignored",
            Self::GroupNotFormed => "group-not-formed",
            Self::CheckoutOff => "checkout-off",
            Self::SearchOff => "search-off",
            Self::FileRefused => "file-refused",
            Self::Unspecified => "unspecified",
            Self::Advice => "advice",
        }
    }

    /// What happens, in words for people.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::RowRejected => "the target rejects the row",
            Self::ValueIgnored => "the target ignores the value",
            Self::GroupNotFormed => "the target does not form the group",
            Self::CheckoutOff => "checkout stays off for the item",
            Self::SearchOff => "the item stays out of search",
            Self::FileRefused => "the target refuses the file",
            Self::Unspecified => "the target asks for it and does not say what it does otherwise",
            Self::Advice => "nothing is refused; this is about quality",
        }
    }
}

/// How well a consequence is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Certainty {
    /// The target's documents say so.
    Stated,
    /// An independent integration reports it.
    Reported,
    /// It follows from what the documents say, but they do not spell it out.
    Inferred,
    /// Sources disagree.
    Disputed,
    /// A rule of feedmill's own, not the target's.
    Own,
}

impl Certainty {
    /// The word used in files and reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Stated => "stated",
            Self::Reported => "reported",
            Self::Inferred => "inferred",
            Self::Disputed => "disputed",
            Self::Own => "own",
        }
    }

    /// How well it is known, in words for people.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::Stated => "stated in its documents",
            Self::Reported => "reported by an integration",
            Self::Inferred => "inferred from its documents",
            Self::Disputed => "sources disagree",
            Self::Own => "a rule of feedmill's own",
        }
    }
}

/// Where something stands in the spec folders.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Clause {
    /// The file.
    pub file: Arc<str>,
    /// The line, from 1.
    pub line: usize,
}

/// Why a rule matters, followed by what the sources say where they disagree.
pub fn with_dispute(why: &str, dispute: Option<&str>) -> String {
    dispute.map_or_else(|| why.to_owned(), |dispute| format!("{why}; sources disagree: {dispute}"))
}
