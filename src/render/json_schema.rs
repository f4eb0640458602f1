//! The JSON Schema (2020-12) of a feed's rows, as the JSON formats write them: what a spec says
//! of each value, as far as a schema can say it. Rules over several fields, check digits,
//! calendars and lists of codes are beyond it; `check` knows them.

use crate::rules::registry::Outcome;
use crate::spec::model::{FieldFile, Requirement};
use crate::spec::terms::{Certainty, Consequence};
use crate::spec::{Field, Spec};
use serde_json::{Map, Value, json};

/// The schema of one row of a flat feed.
pub fn row(spec: &Spec) -> Value {
    if let Some(shape) = &spec.shape {
        return shape.json_schema(&spec.name());
    }
    let identity = &spec.identity;
    let properties: Map<String, Value> = {
        let of_target = spec.fields.iter().filter(|field| !field.written.only_judged);
        of_target.map(|field| (field.name.clone(), property(field))).collect()
    };
    let required: Vec<&str> =
        spec.fields.iter().filter(|field| field.written.requirement == Requirement::Required).map(|field| field.name.as_str()).collect();
    let mut schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": format!("urn:feedmill:spec:{}:{}", identity.target, identity.version),
        "title": format!("{}: {}", spec.name(), identity.title),
        "description": format!("One row of the feed as JSON, from {} (compared {}).", identity.source, identity.checked),
        "type": "object",
        "properties": properties,
    });
    if let Some(object) = schema.as_object_mut() {
        match &identity.row_exempt {
            None => drop(object.insert("required".to_owned(), json!(required))),
            // Of a row such as a removal only a few fields are read.
            Some(exempt) => {
                let value = if exempt.value == "true" { json!(true) } else { json!(exempt.value) };
                object.insert("required".to_owned(), json!(exempt.needs));
                object.insert(
                    "if".to_owned(),
                    json!({ "properties": { &exempt.attribute: { "const": value } }, "required": [&exempt.attribute] }),
                );
                object.insert("else".to_owned(), json!({ "required": required }));
            }
        }
    }
    schema
}

/// What a spec says of one field.
fn property(field: &Field) -> Value {
    let written = &field.written;
    let mut property = value(written);
    let Some(object) = property.as_object_mut() else { return property };
    let condition = written.condition.iter().cloned();
    let words: Vec<String> = condition.chain(written.notes.iter().cloned()).collect();
    if !words.is_empty() {
        object.insert("description".to_owned(), json!(words.join("; ")));
    }
    if written.deprecated {
        object.insert("deprecated".to_owned(), json!(true));
    }
    // Words that validators pass over: what schemas have no word for.
    object.insert("x-requirement".to_owned(), json!(written.requirement.word()));
    object.insert("x-if-bad".to_owned(), json!(written.consequence_invalid.word()));
    if let Some(missing) = written.consequence_missing {
        object.insert("x-if-missing".to_owned(), json!(missing.word()));
    }
    property
}

/// Text that is not blank only.
const NOT_BLANK: &str = r"\S";
/// An absolute http or https address without credentials and blanks, and no second one behind it.
const ADDRESS: &str = r#"^(?!.*[,;|][Hh][Tt][Tt][Pp][Ss]?://)[Hh][Tt][Tt][Pp][Ss]?://[^\s/?#@\\<>"]+([/?#][^\s\\<>"]*)?$"#;
/// A day, perhaps with a time.
const DAY: &str = r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])([Tt ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?([Zz]|[+-]\d{2}(:?\d{2})?)?)?";
/// An instant: a day with its time and time zone.
const INSTANT: &str = r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])[Tt ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?([Zz]|[+-]\d{2}(:?\d{2})?)";
/// A day without its time.
const BARE_DAY: &str = r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])";
/// A plain decimal number.
const NUMBER: &str = r"\d+(\.\d+)?";

/// The schema of a value, by its kind and bounds.
fn value(field: &FieldFile) -> Value {
    match field.kind.as_str() {
        "boolean" => json!({ "type": "boolean" }),
        "integer" => whole(field),
        "one_of" => json!({ "enum": field.values }),
        "url_list" => list(field, &text(ADDRESS)),
        "list" if !field.values.is_empty() => list(field, &json!({ "enum": field.values })),
        "list" if field.of.is_some() => list(field, &text("^[A-Z]{2}$")),
        "list" => list(field, &text(NOT_BLANK)),
        "options" => {
            json!({ "type": "object", "minProperties": 1, "propertyNames": { "pattern": NOT_BLANK }, "additionalProperties": text(NOT_BLANK) })
        }
        "dimensions" => dimensions(field),
        "records" => records(field),
        _ => words(field),
    }
}

fn text(pattern: &str) -> Value {
    json!({ "type": "string", "pattern": pattern })
}

fn list(field: &FieldFile, items: &Value) -> Value {
    let mut list = json!({ "type": "array", "minItems": 1, "items": items });
    if let (Some(most), Some(object)) = (field.max_items, list.as_object_mut()) {
        object.insert("maxItems".to_owned(), json!(most));
    }
    list
}

/// A whole number; one that readers would round, or with zeros in front, is written as text.
fn whole(field: &FieldFile) -> Value {
    let least = field.min.unwrap_or(0).max(i64::from(field.positive));
    match field.max {
        Some(most) => json!({ "type": ["integer", "string"], "minimum": least, "maximum": most, "pattern": r"^0\d{0,14}$" }),
        None => json!({ "type": ["integer", "string"], "minimum": least, "pattern": r"^(0\d*|\d{16,})$" }),
    }
}

fn dimensions(field: &FieldFile) -> Value {
    let axis = text(&format!("^(?=.*[1-9]){NUMBER}$"));
    json!({
        "type": "object",
        "properties": { "length": axis, "width": axis, "height": axis, "unit": { "enum": field.units } },
        "required": ["unit"],
        "minProperties": 3,
        "additionalProperties": false,
    })
}

fn records(field: &FieldFile) -> Value {
    let key = |word: &String| if word == "number" { json!({ "type": "number" }) } else { json!({ "type": "string", "minLength": 1 }) };
    let properties: Map<String, Value> = field.keys.iter().map(|(name, word)| (name.clone(), key(word))).collect();
    let required: Vec<&String> = field.keys.keys().collect();
    json!({ "type": "array", "items": { "type": "object", "properties": properties, "required": required } })
}

/// A day, and a time with it as the field allows.
fn day(field: &FieldFile) -> String {
    match field.times.as_deref() {
        Some("none") => BARE_DAY.to_owned(),
        Some(_) => format!("({INSTANT}|{BARE_DAY})"),
        None => DAY.to_owned(),
    }
}

/// A value that is written as text: the pattern of its kind, and the bounds of its field.
fn words(field: &FieldFile) -> Value {
    let positive = if field.positive { "(?=.*[1-9])" } else { "" };
    let percent = if field.percent { "%?" } else { "" };
    let form = match field.kind.as_str() {
        "url" => ADDRESS.to_owned(),
        "money" if field.lenient => format!(r"^\s*{positive}{NUMBER} ?[A-Za-z]{{3}}\s*$"),
        "money" => format!("^{positive}{NUMBER} [A-Z]{{3}}$"),
        "decimal" => match field.decimals {
            Some(0) => format!(r"^{positive}\d+{percent}$"),
            Some(most) => format!(r"^{positive}\d+(\.\d{{1,{most}}})?{percent}$"),
            None => format!("^{positive}{NUMBER}{percent}$"),
        },
        "country" => "^[A-Z]{2}$".to_owned(),
        "date" if field.zoned => format!("^{INSTANT}$"),
        "date" => format!("^{}$", day(field)),
        "date_range" if field.zoned => format!(r"^{INSTANT}\s*/\s*{INSTANT}$"),
        "date_range" => format!(r"^{day}\s*/\s*{day}$", day = day(field)),
        "measure" if field.units.is_empty() => format!(r"^{positive}{NUMBER} ?[^\W\d_]+$"),
        "measure" => format!("^{positive}{NUMBER} ?({})$", field.units.join("|")),
        "dimensions_text" => format!(r"^{NUMBER}\s*[xX×]\s*{NUMBER}\s*[xX×]\s*{NUMBER}\s*\S+$"),
        "gtin" if field.lenient => r"^([\s-]*\d){8}(([\s-]*\d){4,6})?[\s-]*$".to_owned(),
        "gtin" => field.digits.map_or_else(|| r"^(\d{8}|\d{12,14})$".to_owned(), |[least, most]| format!(r"^\d{{{least},{most}}}$")),
        "category" => r"^[^>]*[^>\s][^>]*(>[^>]*[^>\s][^>]*)*$".to_owned(),
        "taxonomy" => r"^(\d+|\D.*)$".to_owned(),
        _ => NOT_BLANK.to_owned(),
    };
    let mut schema = text(&form);
    let Some(object) = schema.as_object_mut() else { return schema };
    if field.kind == "url" {
        object.insert("format".to_owned(), json!("uri"));
    }
    // What is only advised, or disputed, refuses nothing.
    let binds = |defect: &str| {
        Outcome::all(field)
            .find(|outcome| outcome.doc.name == defect)
            .is_none_or(|outcome| outcome.consequence != Consequence::Advice && outcome.certainty != Certainty::Disputed)
    };
    if let Some(most) = field.max_length.filter(|_| field.length_is.is_none() && binds("too-long")) {
        object.insert("maxLength".to_owned(), json!(most));
    }
    let mut further = Vec::new();
    if let Some(pattern) = field.pattern.as_ref().filter(|_| binds("wrong-form")) {
        further.push(json!({ "pattern": pattern }));
    }
    if field.kind == "entries" {
        further.push(json!({ "pattern": entries(field) }));
    }
    if !further.is_empty() {
        object.insert("allOf".to_owned(), Value::Array(further));
    }
    schema
}

/// Entries with so many parts; optional ones at the end may be left out with their colons.
fn entries(field: &FieldFile) -> String {
    let least = field.parts.iter().rposition(|part| !part.ends_with('?')).unwrap_or(0);
    let most = field.parts.len().saturating_sub(1);
    // The text of a message may hold anything.
    if field.parts.last().is_some_and(|part| part == "message") {
        return format!("^[^:,]*(:.*){{{least},}}$");
    }
    let entry = format!(r"[^:,]*(:[^:,]*){{{least},{most}}}");
    match field.max_items {
        Some(1) => format!("^{entry}$"),
        Some(count) => format!("^{entry}(,{entry}){{0,{}}}$", count - 1),
        None => format!("^{entry}(,{entry})*$"),
    }
}
