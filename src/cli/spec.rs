//! `spec`: the targets, and the fields of one.

use super::args::SpecArgs;
use super::error::{CliError, Exit};
use super::spec_diff;
use super::ui::Ui;
use crate::mapping::transform::TRANSFORMS;
use crate::product::attribute::Attributes;
use crate::product::text::excerpt;
use crate::spec::model::Requirement;
use crate::spec::{self, Spec};
use serde_json::{Value, json};

pub(super) fn run(command: &SpecArgs, ui: &Ui) -> Result<Exit, CliError> {
    let text = match (&command.target, command.diff.as_slice()) {
        (_, [old, new]) => spec_diff::run(old, new, command.json, ui)?,
        (None, _) if command.transforms => transforms(command.json, ui),
        (None, _) => targets(command.json, ui)?,
        (Some(name), _) => fields(&spec::load::spec(name)?, command, ui),
    };
    ui.print(&text)?;
    Ok(Exit::Done)
}

fn transforms(as_json: bool, ui: &Ui) -> String {
    if as_json {
        let listed: Vec<Value> = TRANSFORMS.iter().map(|transform| json!({ "name": transform.name, "what": transform.doc })).collect();
        return format!("{}\n", json!({ "schema": "feedmill.transforms/1", "transforms": listed }));
    }
    let rows: Vec<[String; 2]> = TRANSFORMS.iter().map(|transform| [transform.name.to_owned(), transform.doc.to_owned()]).collect();
    table(&["transform", "what it does"], &rows, ui)
}

fn targets(as_json: bool, ui: &Ui) -> Result<String, CliError> {
    let mut rows = Vec::new();
    let mut values = Vec::new();
    for identity in spec::load::identities()? {
        let name = spec::load::names(&identity).join(", ");
        let full = spec::load::spec(&format!("{}@{}", identity.target, identity.version))?;
        let published = full.published();
        let required = published.iter().filter(|(_, field)| field.requirement == Requirement::Required).count();
        values.push(json!({
            "target": identity.target, "version": identity.version, "current": identity.current, "title": identity.title, "status": identity.status, "valid_from": identity.valid_from,
            "fields": published.len(), "required": required, "rules": full.rules.len(), "formats": identity.formats, "source": identity.source, "checked": identity.checked,
        }));
        rows.push([
            name,
            identity.status.clone(),
            published.len().to_string(),
            required.to_string(),
            full.rules.len().to_string(),
            identity.formats.join(" "),
            identity.title.clone(),
        ]);
    }
    if as_json {
        return Ok(format!("{}\n", json!({ "schema": "feedmill.spec/1", "targets": values })));
    }
    Ok(table(&["target", "status", "fields", "required", "rules", "formats", "what it is"], &rows, ui))
}

fn fields(spec: &Spec, command: &SpecArgs, ui: &Ui) -> String {
    let shown = spec.fields.iter().filter(|field| !command.required || field.written.requirement == Requirement::Required);
    let attributes = Attributes::shared();
    if command.json {
        let fields: Vec<Value> = shown
            .map(|field| {
                let written = &field.written;
                json!({
                    "name": field.name, "attribute": attributes.name(field.attribute), "group": written.group, "requirement": written.requirement.word(),
                    "condition": written.condition, "type": written.kind, "values": written.values, "max_length": written.max_length, "aliases": written.aliases,
                    "default": written.default, "example": written.example, "more_examples": written.more_examples, "deprecated": written.deprecated, "setup_required": written.setup_required,
                    "consequence_missing": written.consequence_missing.map(spec::terms::Consequence::word), "consequence_invalid": written.consequence_invalid.word(),
                    "certainty": written.certainty.word(), "notes": written.notes,
                })
            })
            .collect();
        let documented: Vec<Value> = spec
            .documented
            .iter()
            .map(|known| json!({ "id": known.id, "asks": known.asks, "codes": known.by, "unseen": known.unseen }))
            .collect();
        let value = json!({ "schema": "feedmill.spec/1", "target": spec.identity.target, "version": spec.identity.version, "source": spec.identity.source, "checked": spec.identity.checked, "fields": fields, "documented": documented });
        return format!("{value}\n");
    }
    let rows: Vec<[String; 5]> = shown
        .map(|field| {
            let written = &field.written;
            let mut limits = Vec::new();
            if !written.values.is_empty() {
                limits.push(written.values.join(" "));
            }
            if let Some(most) = written.max_length {
                limits.push(format!("{most} characters{}", if written.length_is.is_some() { " (guidance)" } else { "" }));
            }
            if !written.aliases.is_empty() {
                limits.push(format!("also {}", written.aliases.join(", ")));
            }
            if written.deprecated {
                limits.push("deprecated".to_owned());
            }
            if written.setup_required {
                limits.push("needs setup by the target".to_owned());
            }
            let bad = if written.requirement == Requirement::Required {
                written.consequence_missing.unwrap_or(written.consequence_invalid)
            } else {
                written.consequence_invalid
            };
            [
                field.name.clone(),
                written.requirement.word().to_owned(),
                written.kind.clone(),
                bad.word().to_owned(),
                excerpt(&limits.join("; "), 70),
            ]
        })
        .collect();
    let identity = &spec.identity;
    let mut text = format!(
        "{}: {}\n{}, in force since {}\n{} (compared {})\n\n",
        ui.bold(&spec.name()),
        identity.title,
        identity.status,
        identity.valid_from,
        identity.source,
        identity.checked
    );
    text.push_str(&table(&["field", "requirement", "type", "if bad or missing", "values and limits"], &rows, ui));
    let unseen = spec.documented.iter().filter_map(|known| Some((&known.asks, known.unseen.as_ref()?)));
    let unseen: Vec<String> = unseen.map(|(asks, why)| format!("  {asks}\n    not judged: {why}\n")).collect();
    if !command.required && !unseen.is_empty() {
        text.push_str(&format!("\nThe target also asks:\n{}", unseen.concat()));
    }
    text
}

/// A table with columns as wide as their longest cell.
pub(super) fn table<const N: usize>(head: &[&str; N], rows: &[[String; N]], ui: &Ui) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).chain([head[column].chars().count()]).max().unwrap_or(0);
    let widths: Vec<usize> = (0..N).map(width).collect();
    let line = |cells: &[&str]| {
        let mut text = String::new();
        for (column, cell) in cells.iter().enumerate() {
            text.push_str(cell);
            if column + 1 < N {
                text.push_str(&" ".repeat(widths[column] - cell.chars().count() + 2));
            }
        }
        text.trim_end().to_owned()
    };
    let mut text = format!("{}\n", ui.bold(&line(head)));
    for row in rows {
        let cells: Vec<&str> = row.iter().map(String::as_str).collect();
        text.push_str(&line(&cells));
        text.push('\n');
    }
    text
}
