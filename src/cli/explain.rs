use super::args::{Explain}; use super::error::*; use super::ui::Ui; pub(super) fn run(_: &Explain, _: &Ui) -> Result<Exit, CliError> { Ok(Exit::Done) }
