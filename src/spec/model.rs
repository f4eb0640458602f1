//! A spec folder as written: `spec.toml`, `attributes.toml`, `rules.toml`, `formats.toml`.
//!
//! Every key is known here; an unknown one is an error when the folder is loaded. A folder that
//! names a `base` may hold differences only; they are laid over the base before they are read
//! into these types.

use super::terms::{Certainty, Clause, Consequence};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// `spec.toml`: identity, limits and file rules.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpecFile {
    /// The target's name on the command line.
    pub target: String,
    /// The version, as in `target@version`.
    pub version: String,
    /// Feeds of one family read each other's names.
    pub family: String,
    /// The spec this one is laid over, as `target@version`.
    pub base: Option<String>,
    /// Whether the bare target name means this version.
    #[serde(default)]
    pub current: bool,
    /// Whether a run is for this target when none is asked for.
    #[serde(default)]
    pub default: bool,
    /// One line for people.
    pub title: String,
    /// `current`, `superseded` or `draft`.
    pub status: String,
    /// Since when it is in force, as year and month.
    pub valid_from: String,
    /// The day the folder was last compared with its source.
    pub checked: String,
    /// The page the facts come from.
    pub source: String,
    /// The formats the target takes.
    pub formats: Vec<String>,
    /// The format rendered when none is asked for.
    pub default_format: String,
    /// Option names that have a field of their own and need no numbered pair.
    #[serde(default)]
    pub own_options: Vec<String>,
    /// Size limits of one file.
    #[serde(default)]
    pub limits: Limits,
    /// What happens to columns the contract does not name.
    pub unknown_columns: UnknownColumns,
    /// Names of earlier versions that are no longer read, and what became of them.
    #[serde(default)]
    pub removed: BTreeMap<String, String>,
    /// Rows of which the target reads only a few fields.
    pub row_exempt: Option<RowExempt>,
    /// The field a row is known by; left out where that is the item's id.
    pub key: Option<String>,
}

/// Size limits of one file.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Most items in one file.
    pub items_per_file: Option<u64>,
    /// Most bytes in one file.
    pub bytes_per_file: Option<u64>,
    /// Whether the limits are stated or recommended.
    pub certainty: Option<String>,
}

/// What happens to columns the contract does not name.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnknownColumns {
    /// The consequence.
    pub consequence: Consequence,
    /// What is known of it.
    pub note: String,
}

/// A row such as a removal, of which only some fields are read.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RowExempt {
    /// The field that marks such a row.
    pub attribute: String,
    /// The value that marks it.
    pub value: String,
    /// The fields it needs all the same.
    pub needs: Vec<String>,
}

/// Whether a field must be filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Requirement {
    /// Always.
    Required,
    /// Under the condition given in words, and in `rules.toml` where a file can show it.
    Conditional,
    /// Asked for, not needed.
    Recommended,
    /// May be left out.
    Optional,
}

impl Requirement {
    /// The word used in files and reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Required => "required",
            Self::Conditional => "conditional",
            Self::Recommended => "recommended",
            Self::Optional => "optional",
        }
    }
}

/// One table of `attributes.toml`: a field of the feed.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FieldFile {
    /// The catalog attribute it holds; left out where the names are equal.
    pub attribute: Option<String>,
    /// The heading it stands under in the documents.
    pub group: String,
    /// Whether it must be filled.
    pub requirement: Requirement,
    /// When a conditional field is needed, in words.
    pub condition: Option<String>,
    /// The kind of value: a row of the rule registry.
    #[serde(rename = "type")]
    pub kind: String,
    /// The values allowed.
    #[serde(default)]
    pub values: Vec<String>,
    /// The values are those known today; others are allowed.
    #[serde(default)]
    pub open: bool,
    /// The target gives it in answers and takes it in no request.
    #[serde(default)]
    pub read_only: bool,
    /// Not part of the released contract yet.
    #[serde(default)]
    pub unreleased: bool,
    /// A conditional member that its object needs wherever the object stands.
    #[serde(default)]
    pub needed_inside: bool,
    /// The units allowed.
    #[serde(default)]
    pub units: Vec<String>,
    /// The parts of one packed entry.
    #[serde(default)]
    pub parts: Vec<String>,
    /// The words allowed as the first part of a packed entry.
    #[serde(default)]
    pub first: Vec<String>,
    /// What the entries of a list are, where no values are listed: `country`.
    pub of: Option<String>,
    /// The keys every object of a list must have, each `text` or `number`.
    #[serde(default)]
    pub keys: BTreeMap<String, String>,
    /// Beginnings of identifiers that the target does not keep.
    #[serde(default)]
    pub refuse_prefixes: Vec<String>,
    /// Fewest and most digits of an identifier.
    pub digits: Option<[usize; 2]>,
    /// A regular expression the value must match.
    pub pattern: Option<String>,
    /// Most characters.
    pub max_length: Option<usize>,
    /// `guidance` where a longer value is not refused.
    pub length_is: Option<String>,
    /// Most entries of a list.
    pub max_items: Option<usize>,
    /// Smallest number.
    pub min: Option<i64>,
    /// Largest number.
    pub max: Option<i64>,
    /// Most fraction digits.
    pub decimals: Option<u32>,
    /// The number must be above zero.
    #[serde(default)]
    pub positive: bool,
    /// A percent sign may follow the number.
    #[serde(default)]
    pub percent: bool,
    /// The date must lie in the future.
    #[serde(default)]
    pub future: bool,
    /// The target reads looser forms too: a currency in any case, a GTIN with blanks or hyphens.
    #[serde(default)]
    pub lenient: bool,
    /// Two decimals may stand in an amount of any currency, where they are zeros.
    #[serde(default)]
    pub two_decimals: bool,
    /// A date needs its time and time zone.
    #[serde(default)]
    pub zoned: bool,
    /// How a time of day may stand with a day, where it may stand alone: `zoned` only with its
    /// zone, `none` not at all.
    pub times: Option<String>,
    /// Words of goods that the target's policies exclude are pointed out.
    #[serde(default)]
    pub policy_words: bool,
    /// `refuse` where words such as `n/a` are no value.
    pub placeholders: Option<String>,
    /// HTML is not text.
    #[serde(default)]
    pub plain_text: bool,
    /// `avoid` where shouting is discouraged.
    pub all_capitals: Option<String>,
    /// Other names the target reads.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// Aliases that win over the field's own name when both are sent.
    #[serde(default)]
    pub alias_wins: Vec<String>,
    /// What an absent value means, in words.
    pub default: Option<String>,
    /// What is written when the catalog has no value; only for flags whose default is stated.
    pub when_absent: Option<String>,
    /// How the value is made from catalog attributes.
    pub write: Option<toml::Value>,
    /// The value is judged and never written: the target has no place for it, but what it says decides
    /// whether the item may be sent.
    #[serde(default)]
    pub only_judged: bool,
    /// A longer text may be cut after a whole word.
    #[serde(default)]
    pub truncate: bool,
    /// What happens when a required value is missing.
    pub consequence_missing: Option<Consequence>,
    /// What happens to a bad value.
    pub consequence_invalid: Consequence,
    /// How well these are known.
    pub certainty: Certainty,
    /// Where one defect has another consequence or certainty than the field at large.
    #[serde(default)]
    pub defects: BTreeMap<String, DefectFile>,
    /// The field does nothing until the target has set the feed up for it.
    #[serde(default)]
    pub setup_required: bool,
    /// The field is still read but should not be used.
    #[serde(default)]
    pub deprecated: bool,
    /// A value that must pass.
    pub example: Option<toml::Value>,
    /// More values that must pass.
    #[serde(default)]
    pub more_examples: Vec<toml::Value>,
    /// Facts in words.
    #[serde(default)]
    pub notes: Vec<String>,
    /// Where the field stands.
    #[serde(skip)]
    pub clause: Clause,
    /// The keys that were written.
    #[serde(skip)]
    pub given: Vec<String>,
}

/// What is known of one defect of a field, where that differs from the field at large.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DefectFile {
    /// What the target does.
    pub consequence: Option<Consequence>,
    /// How well that is known.
    pub certainty: Option<Certainty>,
    /// Who says what, where sources disagree.
    pub dispute: Option<String>,
}

/// One `[[documented]]` of `rules.toml`: a rule of the target's documents that is no rule over
/// fields here, because other codes find it or because no file shows it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DocumentedFile {
    /// A short name.
    pub id: String,
    /// What the target asks for.
    pub asks: String,
    /// The codes that find it broken.
    #[serde(default)]
    pub by: Vec<String>,
    /// Why no file shows it.
    pub unseen: Option<String>,
    /// Where it stands.
    #[serde(skip)]
    pub clause: Clause,
}

/// A condition on one field: a word (`present`, `absent`, `positive`, `zero`) or the values meant.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum ConditionFile {
    /// A state.
    State(String),
    /// One of these values; the empty text means absent.
    Values(Vec<String>),
}

/// One rule over several fields, rows, or the whole feed.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleFile {
    /// `attribute/defect`.
    pub code: String,
    /// The kind: a row of the rule registry.
    pub kind: String,
    /// The fields the rule is about.
    #[serde(default)]
    pub attributes: Vec<String>,
    /// The field a finding names, where that is not the first.
    pub attribute: Option<String>,
    /// When the rule applies: all of these.
    #[serde(default)]
    pub when: BTreeMap<String, ConditionFile>,
    /// When the rule applies: any of these is present.
    #[serde(default)]
    pub when_any: Vec<String>,
    /// What must then hold.
    #[serde(default)]
    pub then: BTreeMap<String, ConditionFile>,
    /// Fields that must all be present.
    #[serde(default)]
    pub all: Vec<String>,
    /// Fields of which one must be present.
    #[serde(default)]
    pub any: Vec<String>,
    /// How many.
    pub count: Option<usize>,
    /// The field that holds variant options.
    pub options: Option<String>,
    /// The field that names the group.
    pub group: Option<String>,
    /// Which part of a packed entry, from 1.
    pub part: Option<usize>,
    /// Equality passes too.
    #[serde(default)]
    pub or_equal: bool,
    /// What the target does.
    pub consequence: Consequence,
    /// How well that is known.
    pub certainty: Certainty,
    /// Who says what, where sources disagree on the rule.
    pub dispute: Option<String>,
    /// The documented rules it finds broken, by their short names.
    #[serde(default)]
    pub covers: Vec<String>,
    /// What a build does about it.
    pub repair: Option<RepairFile>,
    /// Why feedmill itself refuses the row although the target's reaction is unknown.
    pub refuse: Option<String>,
    /// What is wrong.
    pub what: String,
    /// Why it matters.
    pub why: String,
    /// What to do.
    pub fix: String,
    /// A partial row that breaks this rule.
    #[serde(default)]
    pub bad: BTreeMap<String, String>,
    /// Codes that unavoidably come with the bad row.
    #[serde(default)]
    pub bad_also: Vec<String>,
    /// A partial row that keeps it.
    #[serde(default)]
    pub good: BTreeMap<String, String>,
    /// Partial rows that break it together.
    #[serde(default)]
    pub bad_rows: Vec<BTreeMap<String, String>>,
    /// Partial rows that keep it together.
    #[serde(default)]
    pub good_rows: Vec<BTreeMap<String, String>>,
    /// Where the rule stands.
    #[serde(skip)]
    pub clause: Clause,
    /// The keys that were written.
    #[serde(skip)]
    pub given: Vec<String>,
}

impl RuleFile {
    /// The names of all fields it is about in any way.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let lists = self.attributes.iter().chain(&self.when_any).chain(&self.all).chain(&self.any);
        let others = [&self.attribute, &self.options, &self.group].into_iter().flatten();
        lists.chain(others).chain(self.when.keys()).chain(self.then.keys()).map(String::as_str)
    }
}

/// What a build does about a broken rule.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RepairFile {
    /// Leaves these fields out.
    #[serde(default)]
    pub omit: Vec<String>,
    /// Writes these values.
    #[serde(default)]
    pub set: BTreeMap<String, String>,
    /// Writes the sale price as the price and leaves the sale price out, so that the price
    /// a shopper pays stays right.
    #[serde(default)]
    pub fold_sale: bool,
    /// Writes the value of the first of two fields as the second and leaves the first out.
    pub fold: Option<[String; 2]>,
}

/// `formats.toml`: names where a format needs any.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FormatsFile {
    /// What stands between the entries of a list in a delimited cell.
    pub list_separator: String,
    /// Element names.
    #[serde(default)]
    pub xml: XmlNames,
}

/// Element names of the XML form.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct XmlNames {
    /// The root element.
    pub root: String,
    /// The element of one item.
    pub item: String,
}

impl Default for XmlNames {
    fn default() -> Self {
        Self { root: "products".to_owned(), item: "product".to_owned() }
    }
}
