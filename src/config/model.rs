//! `feedmill.toml` as written. Unknown keys are refused.

use super::schema;
use crate::mapping::model::RuleStep;
use crate::mapping::preset::Rows;
use crate::secret::SecretRef;
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;
use validator::Validate;

/// The project file.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct Project {
    /// Where the catalog is: one table, or several read as one.
    #[serde(default, deserialize_with = "one_or_many")]
    #[validate(nested)]
    #[schemars(schema_with = "schema::one_or_many::<SourceFile>")]
    pub source: Vec<SourceFile>,
    /// Values for items that have none, and how amounts and addresses are read.
    #[serde(default)]
    #[schemars(schema_with = "schema::defaults")]
    pub defaults: BTreeMap<String, toml::Value>,
    /// How attributes are filled.
    #[serde(default)]
    #[schemars(schema_with = "schema::map")]
    pub map: toml::Table,
    /// Rules over attributes, in order.
    #[serde(default)]
    pub rule: Vec<RuleStep>,
    /// How findings are weighed.
    #[serde(default)]
    #[validate(nested)]
    pub check: CheckFile,
    /// What is rendered: one table, or several.
    #[serde(default, deserialize_with = "one_or_many")]
    #[validate(nested)]
    #[schemars(schema_with = "schema::one_or_many::<TargetFile>")]
    pub target: Vec<TargetFile>,
}

/// One source.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct SourceFile {
    /// A file, a glob, `-`, or an http(s) address; relative to the project file.
    #[validate(length(min = 1, message = "a path is needed"))]
    pub path: Option<String>,
    /// A database, and what is read of it.
    pub database: Option<DatabaseFile>,
    /// A program and its arguments; what it writes is the catalog.
    #[serde(default)]
    pub command: Vec<String>,
    /// The path of the element that is a record, in XML.
    pub record: Option<String>,
    /// The sheet of a workbook.
    pub sheet: Option<String>,
    /// Whether an address may lead into a private network.
    #[serde(default)]
    pub allow_private: bool,
    /// Most bytes that an address or a command may give.
    pub max_bytes: Option<u64>,
    /// Most seconds that an address, a command or a database may take.
    #[validate(range(min = 1, message = "at least one second is needed"))]
    pub timeout: Option<u64>,
    /// What a server is told, so that it lets us in.
    pub auth: Option<LoginFile>,
    /// The preset; detected where it is left out.
    pub preset: Option<String>,
    /// The encoding; detected where it is left out.
    pub encoding: Option<String>,
    /// The separator of a delimited file.
    #[validate(length(min = 1, max = 3, message = "one character, or `tab`"))]
    pub delimiter: Option<String>,
    /// The format: csv, tsv, json, jsonl, xml.
    pub format: Option<String>,
    /// Column names of a delimited file that has no header.
    #[serde(default)]
    pub header: Vec<String>,
    /// The store view or language whose values count, where rows of several stand in the file.
    pub view: Option<String>,
    /// How rows make items, where the preset does not know.
    pub rows: Option<Rows>,
    /// Supplemental sources, by key.
    #[serde(default)]
    #[validate(nested)]
    pub join: Vec<JoinFile>,
}

/// A supplemental source.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct JoinFile {
    /// A file; relative to the project file.
    #[validate(length(min = 1, message = "a path is needed"))]
    pub path: String,
    /// The column that both have; what a preset knows of the file, it says itself.
    pub on: Option<String>,
    /// The column of the supplemental source, where it is called otherwise.
    pub key: Option<String>,
    /// What its columns go by: `name.column`; the file's name unless given.
    pub name: Option<String>,
    /// Whether several rows may have one key: its columns are lists then, `name[].column`.
    pub many: Option<bool>,
    /// The encoding; detected where it is left out.
    pub encoding: Option<String>,
    /// The separator of a delimited file.
    #[validate(length(min = 1, max = 3, message = "one character, or `tab`"))]
    pub delimiter: Option<String>,
    /// The format; detected where it is left out.
    pub format: Option<String>,
    /// Column names of a delimited file that has no header.
    #[serde(default)]
    pub header: Vec<String>,
}

/// A database, and what is read of it.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DatabaseFile {
    /// Its address.
    #[schemars(schema_with = "schema::address")]
    pub url: Address,
    /// The query.
    pub query: Option<String>,
    /// The table, instead of a query.
    pub table: Option<String>,
}

/// The address of a database: as it is, where it holds no password, or where to find it.
#[derive(Clone, Debug)]
pub enum Address {
    /// As it is.
    Plain(String),
    /// Where to find it.
    Secret(SecretRef),
}

impl<'de> Deserialize<'de> for Address {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error;
        match toml::Value::deserialize(deserializer)? {
            toml::Value::String(address) => Ok(Self::Plain(address)),
            value => value.try_into().map(Self::Secret).map_err(|error| D::Error::custom(error.message())),
        }
    }
}

/// What a server is told, so that it lets us in.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LoginFile {
    /// A token.
    pub token: Option<SecretRef>,
    /// A user, who has a password.
    pub user: Option<String>,
    /// The password.
    pub password: Option<SecretRef>,
}

/// How findings are weighed.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct CheckFile {
    /// Whether a build writes what bad values were probably meant to be, such as `in_stock` for `in_stok`.
    #[serde(default)]
    pub fix_suggested: bool,
    /// A file with findings that are known, which are not reported; `--write-baseline` writes it.
    #[serde(default)]
    pub baseline: Option<String>,
    /// The severity from which a run fails: error, warning, or never.
    #[serde(default)]
    #[schemars(schema_with = "schema::fail_on")]
    pub fail_on: Option<String>,
    /// Severity by code: error, warning, advice, or off.
    #[serde(default)]
    #[schemars(schema_with = "schema::severities")]
    pub severity: BTreeMap<String, String>,
}

/// One target.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct TargetFile {
    /// The name of its folder and of its lines in reports.
    #[validate(length(min = 1, max = 64, message = "1 to 64 characters are needed"), custom(function = "plain_name"))]
    pub name: String,
    /// The spec: a target's name, perhaps with a version.
    #[validate(length(min = 1, message = "a spec is needed"))]
    pub spec: String,
    /// The formats to render.
    #[serde(default, deserialize_with = "word_or_words")]
    #[schemars(schema_with = "schema::word_or_words")]
    pub format: Vec<String>,
    /// How the feed is delivered; each destination reads its own keys.
    #[serde(default)]
    #[schemars(schema_with = "schema::table")]
    pub deliver: Option<toml::Table>,
    /// Where a monitor is told that a run of this target begins and how it ends: an address, which is a
    /// secret, in the form of Healthchecks. Every target has its own.
    pub heartbeat: Option<SecretRef>,
    /// The accounts that get the feed: a list, a file with one account a row, or a table that says
    /// where each item names its own, such as `{ from = "Account" }`.
    #[serde(default)]
    #[schemars(schema_with = "schema::accounts")]
    pub accounts: Option<toml::Value>,
    /// How attributes are filled for this target only.
    #[serde(default)]
    #[schemars(schema_with = "schema::map")]
    pub map: toml::Table,
    /// How large one request of a nested target may become; the spec's own limits unless given.
    #[serde(default)]
    #[validate(nested)]
    pub body: BodyFile,
}

/// How large one request may become.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct BodyFile {
    /// Most products.
    #[validate(range(min = 1, message = "at least 1"))]
    pub products: Option<u64>,
    /// Most bytes; a single product beyond it gets a request of its own.
    #[validate(range(min = 1, message = "at least 1"))]
    pub bytes: Option<u64>,
}

/// Names become folders: nothing that could leave the output folder.
fn plain_name(name: &str) -> Result<(), validator::ValidationError> {
    let sound = name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '@' | '.')) && !name.starts_with('.');
    if sound {
        Ok(())
    } else {
        Err(validator::ValidationError::new("name").with_message("letters, digits, `-`, `_`, `.` and `@` only".into()))
    }
}

fn one_or_many<'de, D: serde::Deserializer<'de>, T: serde::de::DeserializeOwned>(deserializer: D) -> Result<Vec<T>, D::Error> {
    use serde::de::Error;
    let read = |value: toml::Value| value.try_into::<T>().map_err(|error| D::Error::custom(error.message()));
    match toml::Value::deserialize(deserializer)? {
        toml::Value::Array(tables) => tables.into_iter().map(read).collect(),
        table => Ok(vec![read(table)?]),
    }
}

fn word_or_words<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    use serde::de::Error;
    match toml::Value::deserialize(deserializer)? {
        toml::Value::String(word) => Ok(vec![word]),
        value => value.try_into().map_err(|_| D::Error::custom("a format or a list of formats is needed")),
    }
}
