//! JSON: one object a row, in lines or as one array. Flags and counts are typed, lists are
//! arrays, objects stay objects; an absent value is left out.

use super::{Before, RowWriter};
use crate::cell::{Shape, Slot};
use crate::product::text::write_json_string;
use crate::spec::{Field, FieldId, Spec};

/// How the objects stand together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// One a line.
    Lines,
    /// One array.
    Array,
}

#[derive(Clone, Copy, Debug)]
enum Type {
    Text,
    Boolean,
    Integer,
    List,
    Object,
}

impl Type {
    fn of(field: &Field) -> Self {
        match field.written.kind.as_str() {
            "boolean" => Self::Boolean,
            "integer" => Self::Integer,
            "url_list" | "list" => Self::List,
            "options" | "dimensions" | "records" => Self::Object,
            _ => Self::Text,
        }
    }
}

/// One value as it stands in a row.
pub(crate) fn value_of(spec: &Spec, field: FieldId, slot: Slot, buffer: &str) -> String {
    let mut out = String::new();
    Json::new(spec, &[], Layout::Lines).value(slot.text(buffer), slot.cell.shape, Type::of(spec.get(field)), &mut out);
    out
}

/// A writer of JSON or JSON Lines.
pub struct Json {
    /// Field, its name as JSON between comma and colon, and its type.
    columns: Vec<(FieldId, String, Type)>,
    separator: char,
    layout: Layout,
}

impl Json {
    /// A writer with these keys.
    pub fn new(spec: &Spec, columns: &[FieldId], layout: Layout) -> Self {
        let column = |&column: &FieldId| {
            let field = spec.get(column);
            let mut name = ",".to_owned();
            write_json_string(&field.name, &mut name);
            name.push(':');
            (column, name, Type::of(field))
        };
        let separator = spec.formats.list_separator.chars().next().unwrap_or(',');
        Self { columns: columns.iter().map(column).collect(), separator, layout }
    }
}

impl RowWriter for Json {
    fn head(&self) -> String {
        if self.layout == Layout::Array { "[\n".to_owned() } else { String::new() }
    }

    fn row(&self, buffer: &str, row: &[Slot], before: &mut Before, out: &mut String) {
        let slots = self.columns.iter().map(|(column, ..)| row.get(column.index()).unwrap_or(&Slot::EMPTY));
        before.row(slots, out, |place, slot, out| {
            if let Some((_, name, kind)) = self.columns.get(place).filter(|_| slot.is_present()) {
                out.push_str(name);
                self.value(slot.text(buffer), slot.cell.shape, *kind, out);
            }
        });
        // Each key has a comma in front, which the first of a row has no use for.
        if !before.begin_with("{", out) {
            out.push('{');
        }
        out.push('}');
        if self.layout == Layout::Lines {
            out.push('\n');
        }
    }

    fn between(&self) -> &'static str {
        if self.layout == Layout::Array { ",\n" } else { "" }
    }

    fn tail(&self) -> String {
        if self.layout == Layout::Array { "\n]\n".to_owned() } else { String::new() }
    }
}

impl Json {
    fn value(&self, value: &str, shape: Shape, kind: Type, out: &mut String) {
        match kind {
            Type::Boolean if matches!(value, "true" | "false") => out.push_str(value),
            // Longer numbers lose digits in readers that use floats, and leading zeros are no JSON.
            Type::Integer
                if value.len() <= 15 && value.bytes().all(|b| b.is_ascii_digit()) && (value == "0" || !value.starts_with('0')) =>
            {
                out.push_str(value);
            }
            Type::List if shape == Shape::List => out.push_str(value),
            Type::List => {
                out.push('[');
                for (place, entry) in value.split(self.separator).enumerate() {
                    if place > 0 {
                        out.push(',');
                    }
                    write_json_string(entry.trim(), out);
                }
                out.push(']');
            }
            // The rules have let only sound objects through; a line break inside would break JSON Lines.
            Type::Object if value.starts_with(['{', '[']) && !value.contains(['\n', '\r']) => out.push_str(value),
            Type::Object if value.starts_with(['{', '[']) => match serde_json::from_str::<serde_json::Value>(value) {
                Ok(object) => out.push_str(&object.to_string()),
                Err(_) => write_json_string(value, out),
            },
            _ => write_json_string(value, out),
        }
    }
}
