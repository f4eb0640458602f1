//! The mapping part of a project file, as written.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use std::collections::BTreeMap;

/// How one attribute is filled.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MapStep {
    /// One column, or several of which the first non-empty one counts.
    #[serde(default, deserialize_with = "one_or_many")]
    #[schemars(schema_with = "names")]
    pub from: Vec<String>,
    /// One value for all items.
    pub constant: Option<String>,
    /// A template over columns and defaults.
    pub template: Option<String>,
    /// Columns that are added up; the first one must be filled.
    #[serde(default)]
    pub sum: Vec<String>,
    /// A condition over columns; where it does not hold, the attribute stays empty.
    pub when: Option<String>,
    /// What separates the entries of a list column.
    pub split: Option<String>,
    /// Which entry counts, from 1, or from the end where it is negative; all of them without it.
    pub take: Option<i32>,
    /// A table by which values are replaced: a file of two columns, or the pairs themselves.
    pub lookup: Option<LookupTable>,
    /// Whether a key of the table must be the whole value, or what it begins with.
    #[serde(default)]
    pub by: LookupBy,
    /// What a value becomes that the table does not list.
    pub otherwise: Option<String>,
    /// Values that mean nothing was set.
    #[serde(default)]
    pub empty: Vec<String>,
    /// Named transforms, in order.
    #[serde(default)]
    pub clean: Vec<String>,
    /// The currency of an amount that names none.
    pub currency: Option<String>,
    /// What is tried where this step leaves the attribute empty.
    #[serde(skip)]
    pub or: Vec<MapStep>,
}

/// A table by which values are replaced.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum LookupTable {
    /// A file of two columns without a header, from and to.
    File(String),
    /// The pairs themselves.
    Pairs(BTreeMap<String, String>),
}

/// How a value meets the keys of a table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LookupBy {
    /// The whole value.
    #[default]
    Exact,
    /// The longest key that the value begins with.
    Prefix,
}

/// A rule over attributes.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RuleStep {
    /// An expression over attributes; the rule applies where it is true.
    pub when: String,
    /// Values to set.
    #[serde(default)]
    #[schemars(schema_with = "values")]
    pub set: BTreeMap<String, toml::Value>,
    /// Whether the item leaves the feed.
    #[serde(default)]
    pub drop: bool,
}

fn one_or_many<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    struct Names;
    impl<'de> serde::de::Visitor<'de> for Names {
        type Value = Vec<String>;
        fn expecting(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            out.write_str("a column name or a list of column names")
        }
        fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
            Ok(vec![name.to_owned()])
        }
        fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut names: A) -> Result<Self::Value, A::Error> {
            let mut out = Vec::new();
            while let Some(name) = names.next_element()? {
                out.push(name);
            }
            Ok(out)
        }
    }
    deserializer.deserialize_any(Names)
}

/// A column name, or several.
fn names(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "anyOf": [{ "type": "string" }, { "type": "array", "items": { "type": "string" } }] })
}

/// Values by attribute.
fn values(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "object", "additionalProperties": { "type": ["string", "number", "boolean"] } })
}

impl MapStep {
    /// Reads an entry of `[map]`: a column name alone, a table of steps, or a list of such
    /// tables of which the first that gives a value counts.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub fn read(value: toml::Value) -> Result<Self, String> {
        match value {
            toml::Value::String(column) => Ok(Self { from: vec![column], ..Self::default() }),
            toml::Value::Array(tables) => {
                if !tables.iter().any(toml::Value::is_table) {
                    return Err("a list of columns is written `{ from = [\"A\", \"B\"] }`, a list of choices has a table each".to_owned());
                }
                let mut steps = tables.into_iter().map(Self::read).collect::<Result<Vec<_>, _>>()?.into_iter();
                let mut first = steps.next().ok_or("the list is empty")?;
                first.or = steps.collect();
                Ok(first)
            }
            toml::Value::Table(table) => {
                let step: Self = table.try_into().map_err(|error: toml::de::Error| error.message().to_owned())?;
                let sources = [!step.from.is_empty(), step.constant.is_some(), step.template.is_some(), !step.sum.is_empty()];
                if sources.into_iter().filter(|given| *given).count() != 1 {
                    return Err("exactly one of `from`, `constant`, `template` and `sum` is needed".to_owned());
                }
                if step.take.is_some() && step.split.is_none() {
                    return Err("`take` needs `split`: what separates the entries".to_owned());
                }
                if step.lookup.is_none() && (step.otherwise.is_some() || step.by != LookupBy::Exact) {
                    return Err("`otherwise` and `by` need a `lookup`".to_owned());
                }
                Ok(step)
            }
            other => Err(format!("a column name or a table is needed, not `{other}`")),
        }
    }
}
