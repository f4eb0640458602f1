//! The JSON Schema of the project file, made of the types that read it, for editors that
//! complete and check while one types.

use super::model::Project;
use crate::product::attribute::Attributes;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Value, json};

/// The schema of `feedmill.toml`.
pub fn schema() -> Value {
    let mut value = schemars::schema_for!(Project).to_value();
    if let Some(object) = value.as_object_mut() {
        object.insert("$id".to_owned(), json!("urn:feedmill:config"));
        object.insert("title".to_owned(), json!("feedmill.toml"));
    }
    value
}

/// One table, or several.
pub(super) fn one_or_many<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    let one = generator.subschema_for::<T>();
    json_schema!({ "anyOf": [one, { "type": "array", "items": one }] })
}

/// One word, or a list of words.
pub(super) fn word_or_words(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "anyOf": [{ "type": "string" }, { "type": "array", "items": { "type": "string" } }] })
}

/// The address of a database, or where to find it.
pub(super) fn address(generator: &mut SchemaGenerator) -> Schema {
    let secret = generator.subschema_for::<crate::secret::SecretRef>();
    json_schema!({ "anyOf": [{ "type": "string" }, secret] })
}

/// A table whose keys are known elsewhere.
pub(super) fn table(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "object" })
}

/// Accounts: a list, a file that holds one, or how each item says its own.
pub(super) fn accounts(generator: &mut SchemaGenerator) -> Schema {
    let step = generator.subschema_for::<crate::mapping::model::MapStep>();
    json_schema!({ "anyOf": [{ "type": "array", "items": { "type": "string" } }, { "type": "string" }, step] })
}

/// The names that `[defaults]` knows: attributes, and how amounts and addresses are read.
pub(super) fn defaults(_: &mut SchemaGenerator) -> Schema {
    let mut names = super::resolve::PLAIN.to_vec();
    names.extend(Attributes::shared().iter().map(|(_, name, _)| name));
    json_schema!({ "type": "object", "propertyNames": { "enum": names }, "additionalProperties": { "type": ["string", "number", "boolean"] } })
}

/// A column, what to do with it, or several such of which the first that gives a value counts, by attribute.
pub(super) fn map(generator: &mut SchemaGenerator) -> Schema {
    let names: Vec<&str> = Attributes::shared().iter().map(|(_, name, _)| name).collect();
    let step = generator.subschema_for::<crate::mapping::model::MapStep>();
    json_schema!({ "type": "object", "propertyNames": { "enum": names }, "additionalProperties": { "anyOf": [{ "type": "string" }, step, { "type": "array", "items": step }] } })
}

/// Severities by code.
pub(super) fn severities(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "object", "additionalProperties": { "enum": ["error", "warning", "advice", "off"] } })
}

/// From which severity a run fails.
pub(super) fn fail_on(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "enum": ["error", "warning", "never"] })
}
