//! Whole feeds that arrive as files, in whatever format the target takes: judged, with their
//! accepted rows and what there is to say of each field.

use super::judge::{self, Judgement};
use super::stripe::Row;
use crate::finding::{Finding, Severity};
use std::collections::BTreeMap;
use std::path::Path;

/// A feed that arrived.
#[derive(Clone, Debug, Default)]
pub(super) struct Snapshot {
    /// What it came to.
    pub(super) judgement: Judgement,
    /// The accepted rows, by the names of the spec.
    pub(super) rows: Vec<Row>,
    /// What is wrong, by field.
    pub(super) diagnostics: Vec<Diagnostic>,
}

/// What is wrong with a field over all rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Diagnostic {
    /// The documented code.
    pub(super) code: &'static str,
    /// `error` or `warning`.
    pub(super) severity: &'static str,
    /// The field, where there is one.
    pub(super) field: Option<String>,
    /// Rows it is wrong in.
    pub(super) rows: u64,
}

impl Diagnostic {
    /// One about the file as such.
    pub(super) fn of_file(code: &'static str) -> Self {
        Self { code, severity: "error", field: None, rows: 0 }
    }
}

/// Judges a feed of `spec`, whatever its format.
pub(super) fn read(path: &Path, spec: &str, today: jiff::civil::Date) -> Snapshot {
    // Errors first.
    let mut fields: BTreeMap<(&'static str, String, &'static str), u64> = BTreeMap::new();
    let mut hear = |finding: &Finding| {
        let severity = match finding.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Advice => return,
        };
        let Some(field) = finding.attribute.as_ref().filter(|_| finding.place.record > 0) else { return };
        // A value missing from a column that is not there is the column's fault.
        let is_column = finding.place.column == 0 && finding.code.ends_with("/missing");
        let code = if is_column { "missing_required_column" } else { "invalid_value" };
        let field = finding.place.column_name.as_ref().unwrap_or(field).to_string();
        *fields.entry((severity, field, code)).or_default() += 1;
    };
    match judge::with_rows(path, spec, today, &mut hear) {
        Ok((judgement, rows)) => {
            let diagnostic = |((severity, field, code), rows)| Diagnostic { code, severity, field: Some(field), rows };
            Snapshot { judgement, rows, diagnostics: fields.into_iter().map(diagnostic).collect() }
        }
        Err(failure) => Snapshot {
            judgement: Judgement { failure: Some(failure), ..Judgement::default() },
            diagnostics: vec![Diagnostic::of_file("unsupported_file_type")],
            ..Snapshot::default()
        },
    }
}
