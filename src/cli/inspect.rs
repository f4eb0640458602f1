use super::args::{Inspect}; use super::error::*; use super::ui::Ui; pub(super) fn run(_: &Inspect, _: &Ui) -> Result<Exit, CliError> { Ok(Exit::Done) }
