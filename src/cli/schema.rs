//! `schema`: the JSON Schema of a feed's rows, or of the project file.

use super::args::SchemaArgs;
use super::error::{CliError, Exit};
use super::ui::Ui;
use crate::render::json_schema;
use crate::{config, spec};

/// The word for the project file, which no target may have.
const CONFIG: &str = "config";

pub(super) fn run(command: &SchemaArgs, ui: &Ui) -> Result<Exit, CliError> {
    let schema = if command.of == CONFIG { config::schema::schema() } else { json_schema::row(&spec::load::spec(&command.of)?) };
    let text = serde_json::to_string_pretty(&schema).unwrap_or_default();
    ui.print(&format!("{text}\n"))?;
    Ok(Exit::Done)
}
