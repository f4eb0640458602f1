//! The way home: what a target refused, as findings at the merchant's own rows.
//!
//! The index beside the feed knows of each item the record it was made of, and the manifest of
//! each field the column. What a target says is foreign text; it is shown, never obeyed.

use super::Refused;
use super::error::PushError;
use super::feed::Built;
use crate::finding::{Finding, Place, Severity};
use crate::product::text;
use crate::render::index::{self, Entry};
use crate::render::manifest::ManifestField;
use crate::spec::terms::{Certainty, Consequence};
use crate::state::key_of;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::Arc;

/// The code of a row that a target refused.
pub const ROW_REFUSED: &str = "delivery/row-refused";
/// Why it matters, and what to do.
pub const ROW_REFUSED_WORDS: (&str, &str) = (
    "the target took the delivery but not this row; it keeps what it held of the item before, if anything",
    "correct the row in the catalog; the next run sends it again",
);

/// The code of a field in which a target found faults, without saying in which rows.
pub const FIELD_AT_FAULT: &str = "delivery/field-at-fault";
/// Why it matters, and what to do.
pub const FIELD_AT_FAULT_WORDS: (&str, &str) = (
    "the target names the field and how many rows are affected, and not which rows",
    "look through the column in the catalog; `feedmill check` finds what the target's documents name",
);

fn words(code: &str) -> (&'static str, &'static str) {
    if code == FIELD_AT_FAULT { FIELD_AT_FAULT_WORDS } else { ROW_REFUSED_WORDS }
}

/// Leads refusals home.
///
/// # Errors
/// When the index cannot be read.
pub fn lead(refusals: &[Refused], built: &Built, target: &str) -> Result<Vec<Finding>, PushError> {
    let mut wanted: HashMap<u128, Vec<usize>> = HashMap::new();
    for (place, refused) in refusals.iter().enumerate() {
        if let Some(item) = &refused.item {
            wanted.entry(key_of(item)).or_default().push(place);
        }
    }
    let mut places: Vec<Option<(u16, u32, u32)>> = vec![None; refusals.len()];
    if !wanted.is_empty() {
        let mut reader = built.index()?;
        let mut entry = Entry::default();
        while reader.next(&mut entry).map_err(PushError::io(built.folder.join(index::NAME)))? {
            for place in wanted.get(&key_of(&entry.item)).into_iter().flatten() {
                if let Some(place) = places.get_mut(*place) {
                    *place = Some((entry.source, entry.record, entry.line));
                }
            }
        }
    }
    Ok(refusals.iter().zip(places).map(|(refused, at)| finding(refused, at, built, target)).collect())
}

fn finding(refused: &Refused, at: Option<(u16, u32, u32)>, built: &Built, target: &str) -> Finding {
    let fields = built.manifest.index.as_ref().map_or(&[][..], |index| index.fields.as_slice());
    let field = refused.field.as_ref().and_then(|name| field_of(fields, name));
    let code = if refused.rows.is_some() { FIELD_AT_FAULT } else { ROW_REFUSED };
    let mut place = Place { source: u16::MAX, ..Place::default() };
    if let Some((source, record, line)) = at {
        place = Place { source, record: u64::from(record), line: u64::from(line), ..Place::default() };
    } else if let Some(source) = field.filter(|_| code == FIELD_AT_FAULT).and_then(|field| field.columns.iter().position(Option::is_some)) {
        // No row is named: the first source that has the column.
        place.source = source as u16;
    }
    if let Some((column, name)) = field.and_then(|field| field.columns.get(usize::from(place.source))).and_then(Option::as_ref) {
        place.column = *column;
        place.column_name = Some(name.as_str().into());
    }
    let named = refused.field.as_ref().map(|name| format!(" (`{}`)", text::excerpt(name, 80))).unwrap_or_default();
    let coded = refused.code.as_ref().map(|code| format!(" [{}]", text::excerpt(code, 80))).unwrap_or_default();
    let said = if refused.message.is_empty() { "no reason given" } else { &refused.message };
    let severity = if refused.warning { Severity::Warning } else { Severity::Error };
    let message = match refused.rows {
        None => format!("the target refused it: {said}{named}{coded}"),
        Some(0) => format!("the target found a fault in what was delivered{named}{coded}"),
        Some(rows) => format!("the target found a fault in {rows} {}{named}{coded}", if rows == 1 { "row" } else { "rows" }),
    };
    let (why, hint) = words(code);
    Finding {
        consequence: if refused.warning { Consequence::Unspecified } else { Consequence::RowRejected },
        certainty: Certainty::Stated,
        item: text::excerpt(refused.item.as_deref().unwrap_or(""), 120),
        attribute: field.map(|field| field.attribute.as_str().into()),
        why: Some(Arc::from(why)),
        hint: Some(Arc::from(hint)),
        target: Some(target.into()),
        ..Finding::own(code.into(), severity, message, place)
    }
}

/// The field that a target means by a name, or by a path below an object of its list, such as
/// `variants[1].price.amount`; of a path it is the longest part that is published.
fn field_of<'a>(fields: &'a [ManifestField], name: &str) -> Option<&'a ManifestField> {
    let mut path = String::with_capacity(name.len());
    for (place, step) in name.split('[').enumerate() {
        path.push_str(if place == 0 { step } else { step.trim_start_matches(|c: char| c.is_ascii_digit()) }.replace(']', "[]").as_str());
    }
    let below = |field: &ManifestField| field.name.split_once("[].").map(|(_, path)| path.to_owned());
    let mut rest = path.as_str();
    loop {
        if let Some(found) = fields.iter().find(|field| below(field).is_some_and(|path| path == rest)) {
            return Some(found);
        }
        rest = match rest.strip_suffix("[]") {
            Some(shorter) => shorter,
            None => match rest.rsplit_once('.') {
                Some((shorter, _)) => shorter,
                None => break,
            },
        };
    }
    fields.iter().find(|field| field.name == name || field.attribute == name)
}

/// A finding as the state keeps it, with the name of its file.
pub fn keep(finding: &Finding, files: &[Arc<str>]) -> Value {
    json!({
        "code": &*finding.code, "severity": finding.severity.word(), "item": finding.item, "attribute": finding.attribute.as_deref(), "message": finding.message,
        "file": files.get(usize::from(finding.place.source)).map(|file| &**file),
        "record": finding.place.record, "line": finding.place.line, "column": finding.place.column,
        "column_name": finding.place.column_name.as_deref(), "target": finding.target.as_deref(),
    })
}

/// A kept finding; its file is looked up in `files`, or added.
pub fn recall(kept: &Value, files: &mut Vec<Arc<str>>) -> Finding {
    let text = |name: &str| kept.get(name).and_then(Value::as_str);
    let number = |name: &str| kept.get(name).and_then(Value::as_u64).unwrap_or(0);
    let source = text("file").map(|file| {
        files.iter().position(|known| **known == *file).unwrap_or_else(|| {
            files.push(file.into());
            files.len() - 1
        })
    });
    let place = Place {
        source: source.and_then(|source| u16::try_from(source).ok()).unwrap_or(u16::MAX),
        record: number("record"),
        line: number("line"),
        column: u32::try_from(number("column")).unwrap_or(0),
        column_name: text("column_name").map(Arc::from),
    };
    let code = text("code").unwrap_or(ROW_REFUSED);
    let is_warning = text("severity") == Some(Severity::Warning.word());
    let (why, hint) = words(code);
    let severity = if is_warning { Severity::Warning } else { Severity::Error };
    Finding {
        consequence: if is_warning { Consequence::Unspecified } else { Consequence::RowRejected },
        certainty: Certainty::Stated,
        item: text("item").unwrap_or("").to_owned(),
        attribute: text("attribute").map(Arc::from),
        why: Some(Arc::from(why)),
        hint: Some(Arc::from(hint)),
        target: text("target").map(Arc::from),
        ..Finding::own(code.into(), severity, text("message").unwrap_or("").to_owned(), place)
    }
}

#[cfg(test)]
mod tests {
    use super::{ManifestField, field_of};

    #[test]
    fn names_and_paths_lead_to_a_field() {
        let names =
            ["title", "price", "products[].title", "products[].variants[].price", "products[].variants[].media", "products[].variants"];
        let fields = names.map(|name| ManifestField { name: name.to_owned(), attribute: format!("of {name}"), columns: Vec::new() });
        for (name, found) in [
            ("price", Some("price")),
            ("of price", Some("price")),
            ("title", Some("products[].title")),
            ("variants[11].price.amount", Some("products[].variants[].price")),
            ("variants[0].media[2].url", Some("products[].variants[].media")),
            ("variants[0].colour", Some("products[].variants")),
            ("colour", None),
            ("", None),
        ] {
            assert_eq!(field_of(&fields, name).map(|field| field.name.as_str()), found, "{name}");
        }
    }
}
