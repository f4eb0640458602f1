//! The JSON Schema of a nested target's objects, made of the published fields.

use super::{Content, Kind, OutputKind, Published, Shape};
use crate::spec::model::Requirement;
use serde_json::{Map, Value, json};

/// What a schema describes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Root {
    /// One object of the feed: a line of a whole feed, or an entry of a body's list.
    Group,
    /// The body of a request that carries several.
    Body,
}

impl Shape {
    /// The JSON Schema (2020-12) of what the feed's files hold: a line where there are lines,
    /// else a body; `title` names the target.
    pub fn json_schema(&self, title: &str) -> Value {
        let has_lines = self.file.output.iter().any(|output| output.kind == OutputKind::Lines);
        self.json_schema_of(title, if has_lines { Root::Group } else { Root::Body })
    }

    /// The JSON Schema of one object of the feed, or of a body.
    pub fn json_schema_of(&self, title: &str, root: Root) -> Value {
        let mut defs = Map::new();
        for object in self.objects.keys().filter(|name| self.is_sent(name)) {
            defs.insert(def(object), self.object(object));
        }
        let group = json!({ "$ref": format!("#/$defs/{}", def(&self.file.group_object)) });
        let mut schema = json!({ "$schema": "https://json-schema.org/draft/2020-12/schema", "title": title });
        if let Some(top) = schema.as_object_mut() {
            let body = match root {
                Root::Group => group,
                Root::Body if self.objects.contains_key("") => self.object(""),
                Root::Body => json!({ "type": "array", "items": group, "minItems": 1 }),
            };
            top.extend(body.as_object().cloned().unwrap_or_default());
            top.insert("$defs".to_owned(), Value::Object(defs));
        }
        schema
    }

    /// Whether an object is part of what is sent, and not only of what is answered.
    fn is_sent(&self, object: &str) -> bool {
        self.members(object).any(|field| !field.written.read_only) && !object.is_empty()
    }

    fn object(&self, object: &str) -> Value {
        let mut properties = Map::new();
        let mut required = Vec::new();
        for field in self.members(object).filter(|field| !field.written.read_only) {
            properties.insert(field.member().to_owned(), self.field(field));
            if field.written.requirement == Requirement::Required || self.is_needed_inside(field) {
                required.push(Value::from(field.member()));
            }
        }
        let mut schema = json!({ "type": "object", "properties": properties });
        if let Some(table) = schema.as_object_mut() {
            if !required.is_empty() {
                table.insert("required".to_owned(), Value::Array(required));
            }
            if self.file.closed {
                table.insert("additionalProperties".to_owned(), Value::Bool(false));
            }
            if self.file.not_empty.iter().any(|name| name == object) {
                table.insert("minProperties".to_owned(), Value::from(1));
            }
        }
        schema
    }

    /// A member that its object needs although the object itself may be left out.
    pub fn is_needed_inside(&self, field: &Published) -> bool {
        field.written.requirement == Requirement::Conditional && field.written.needed_inside
    }

    fn field(&self, field: &Published) -> Value {
        let Content { list, kind } = &field.content;
        let one = match kind {
            Kind::Object(object) => json!({ "$ref": format!("#/$defs/{}", def(object)) }),
            Kind::Leaf(kind) => leaf(kind, field),
        };
        let mut schema = if *list {
            let mut schema = json!({ "type": "array", "items": one });
            if let Some(table) = schema.as_object_mut().filter(|_| self.file.not_empty.contains(&field.name)) {
                table.insert("minItems".to_owned(), Value::from(1));
            }
            schema
        } else {
            one
        };
        let about = field.written.notes.join("; ");
        if let Some(table) = schema.as_object_mut().filter(|_| !about.is_empty()) {
            table.insert("description".to_owned(), Value::String(about));
        }
        schema
    }
}

fn leaf(kind: &str, field: &Published) -> Value {
    let written = &field.written;
    let mut schema = match kind {
        "integer" => json!({ "type": "integer", "minimum": written.min.unwrap_or(0) }),
        "decimal" => json!({ "type": "number" }),
        "boolean" => json!({ "type": "boolean" }),
        "url" => json!({ "type": "string", "format": "uri" }),
        "date" => json!({ "type": "string", "format": "date-time" }),
        "country" => json!({ "type": "string", "pattern": "^[A-Z]{2}$" }),
        "currency" => json!({ "type": "string", "pattern": "^[A-Z]{3}$" }),
        _ => json!({ "type": "string" }),
    };
    if let Some(table) = schema.as_object_mut() {
        if let Some(pattern) = &written.pattern {
            table.insert("pattern".to_owned(), Value::String(pattern.clone()));
        }
        if !written.values.is_empty() {
            let word = if written.open { "examples" } else { "enum" };
            table.insert(word.to_owned(), Value::from(written.values.clone()));
        }
        if field.written.kind == "id" {
            table.insert("minLength".to_owned(), Value::from(1));
        }
    }
    schema
}

/// An object's name as a name in `$defs`.
fn def(object: &str) -> String {
    let mut name = String::new();
    for part in object.split('.') {
        let part = part.trim_end_matches("[]");
        let mut letters = part.chars();
        name.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        name.push_str(letters.as_str());
    }
    name
}
