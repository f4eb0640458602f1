//! `completions` and `man`: made of the same description of the command line that parses it.

use super::args::{Cli, Completions, Manual};
use super::error::{CliError, Exit};
use super::ui::Ui;
use crate::product::text_distance::nearest;
use clap::CommandFactory;

/// The program's name on the command line.
const NAME: &str = "feedmill";

pub(super) fn completions(command: &Completions, ui: &Ui) -> Result<Exit, CliError> {
    let mut script = Vec::new();
    clap_complete::generate(command.shell, &mut Cli::command(), NAME, &mut script);
    ui.print(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Done)
}

pub(super) fn man(command: &Manual, ui: &Ui) -> Result<Exit, CliError> {
    let mut program = Cli::command();
    program.build();
    let page = match &command.command {
        None => program,
        Some(name) => match program.find_subcommand(name) {
            Some(found) => found.clone(),
            None => {
                let known: Vec<&str> = program.get_subcommands().map(clap::Command::get_name).collect();
                let near = nearest(name, known.iter().copied()).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
                return Err(CliError::Usage(format!("no command is called `{name}`{near}")));
            }
        },
    };
    let mut text = Vec::new();
    clap_mangen::Man::new(page).render(&mut text).map_err(CliError::Report)?;
    ui.print(&String::from_utf8_lossy(&text))?;
    Ok(Exit::Done)
}
