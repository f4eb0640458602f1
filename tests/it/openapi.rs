//! An independent judge: exchanges held against an OpenAPI document as published.

use feedmill::sandbox::Exchange;
use serde_json::{Map, Value, json};

/// An OpenAPI document of the fixtures.
pub(crate) struct OpenApi {
    document: Value,
    prefix: &'static str,
}

impl OpenApi {
    /// A document, for paths behind a prefix.
    pub(crate) fn read(name: &str, prefix: &'static str) -> Self {
        let text = std::fs::read_to_string(crate::support::fixture(name)).expect("a fixture");
        Self { document: serde_json::from_str(&text).expect("JSON"), prefix }
    }

    /// The ACP feed API of a version.
    pub(crate) fn acp(version: &str) -> Self {
        Self::read(&format!("servers/acp/{version}.openapi.feed.json"), "/acp")
    }

    /// Everything in which an exchange departs from the document: an unknown path or method, an
    /// undocumented status, a body that is not drawn like this. A refusal is a violation too,
    /// unless `refusals` are expected; then only its own form counts.
    pub(crate) fn violations(&self, exchange: &Exchange, refusals: bool) -> Vec<String> {
        let path = exchange.path.strip_prefix(self.prefix).unwrap_or(&exchange.path);
        let Some(operation) = self.operation(&exchange.method, path) else {
            return vec![format!("{} {path} is not in the document", exchange.method)];
        };
        let mut found = Vec::new();
        let refused = exchange.status.is_some_and(|status| status >= 400);
        if !(refused && refusals) {
            match (&operation["requestBody"]["content"]["application/json"]["schema"], &exchange.sent_json) {
                (Value::Null, None) => {}
                (Value::Null, Some(_)) => found.push("a body where none belongs".to_owned()),
                (_, None) => found.push("no body, or none that is JSON".to_owned()),
                (schema, Some(body)) => found.extend(self.faults(schema, body).into_iter().map(|fault| format!("request {fault}"))),
            }
        }
        if refused && !refusals {
            found.push(format!("refused: {}", exchange.answer));
        }
        let Some(status) = exchange.status.filter(|_| exchange.fault.is_none()) else { return found };
        match (&operation["responses"][status.to_string()], &exchange.answer_json) {
            (Value::Null, _) => found.push(format!("the status {status} is not documented")),
            (response, Some(body)) => {
                let schema = &response["content"]["application/json"]["schema"];
                found.extend(self.faults(schema, body).into_iter().map(|fault| format!("answer {fault}")));
            }
            (_, None) => found.push("an answer without a JSON body".to_owned()),
        }
        found
    }

    /// The schema of a named component's faults in a value.
    pub(crate) fn component_faults(&self, name: &str, value: &Value) -> Vec<String> {
        self.faults(&json!({"$ref": format!("#/components/schemas/{name}")}), value)
    }

    fn operation(&self, method: &str, path: &str) -> Option<&Value> {
        let parts: Vec<&str> = path.split('/').collect();
        let fits = |template: &str| {
            let wanted: Vec<&str> = template.split('/').collect();
            wanted.len() == parts.len() && wanted.iter().zip(&parts).all(|(wanted, part)| wanted.starts_with('{') || wanted == part)
        };
        let (_, item) = self.document["paths"].as_object()?.iter().find(|(template, _)| fits(template))?;
        item.get(method.to_ascii_lowercase())
    }

    fn faults(&self, schema: &Value, value: &Value) -> Vec<String> {
        let mut root = schema.as_object().cloned().unwrap_or_else(Map::new);
        root.insert("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema"));
        root.insert("components".to_owned(), self.document["components"].clone());
        let validator = jsonschema::options().should_validate_formats(true).build(&Value::Object(root)).expect("a schema");
        validator.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect()
    }
}
