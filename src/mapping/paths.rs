//! Several paths of categories in one cell: what stands between them.

use serde::Deserialize;

/// Paths in one cell.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Paths {
    /// Between paths.
    pub separator: String,
    /// Between the levels of a path, where that is not `>`.
    pub level: Option<String>,
    /// A first level that says nothing.
    pub root: Option<String>,
    /// Whether the column's own name shows what stands between paths, as `Categories (x,y,z...)` does.
    #[serde(default)]
    pub shown: bool,
}

impl Paths {
    /// The same, with what stands between paths as a column's name shows it.
    pub fn shown_by(mut self, column: &str) -> Self {
        let shown = column.rsplit_once("(x").and_then(|(_, rest)| rest.split_once("y")).map(|(between, _)| between.trim());
        if let Some(between) = shown.filter(|between| self.shown && !between.is_empty()) {
            between.clone_into(&mut self.separator);
        }
        self
    }
}
