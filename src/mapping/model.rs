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
    /// A table with two columns, from and to, by which values are replaced.
    pub lookup: Option<String>,
    /// What a value becomes that the table does not list.
    pub otherwise: Option<String>,
    /// Named transforms, in order.
    #[serde(default)]
    pub clean: Vec<String>,
    /// The currency of an amount that names none.
    pub currency: Option<String>,
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
    /// Reads an entry of `[map]`: a column name alone, or a table of steps.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub fn read(value: toml::Value) -> Result<Self, String> {
        match value {
            toml::Value::String(column) => Ok(Self { from: vec![column], ..Self::default() }),
            toml::Value::Array(_) => Err("a list is written `{ from = [\"A\", \"B\"] }`".to_owned()),
            toml::Value::Table(table) => {
                let step: Self = table.try_into().map_err(|error: toml::de::Error| error.message().to_owned())?;
                let sources =
                    usize::from(!step.from.is_empty()) + usize::from(step.constant.is_some()) + usize::from(step.template.is_some());
                if sources != 1 {
                    return Err("exactly one of `from`, `constant` and `template` is needed".to_owned());
                }
                Ok(step)
            }
            other => Err(format!("a column name or a table is needed, not `{other}`")),
        }
    }
}
