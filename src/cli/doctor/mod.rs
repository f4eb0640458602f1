//! `doctor`: what a person asks before the first run, and whoever keeps runs going when one
//! stopped. Nothing is changed, no catalog is read to its end, and only `--online` asks others.

mod chart;
mod disk;
mod machine;
mod online;
mod project;
mod sources;
mod state;
mod targets;

use super::args::{Doctor, Told};
use super::error::{CliError, Exit};
use super::ui::Ui;
use chart::Chart;

pub(super) fn run(command: &Doctor, ui: &Ui) -> Result<Exit, CliError> {
    let mut chart = Chart::default();
    machine::program(&mut chart);
    // What depends on settings that cannot be read is not looked at, everything else is.
    let mut settings = project::look(&mut chart, command);
    if let Some(settings) = &mut settings {
        sources::look(&mut chart, command, settings);
        state::look(&mut chart, command, settings);
        targets::look(&mut chart, command, settings, ui)?;
    }
    machine::look(&mut chart, command, settings.as_ref());
    let exit = chart.exit();
    let text = match command.output_format {
        Told::Human => chart.text(ui),
        Told::Json => format!("{}\n", chart.json(exit)),
    };
    ui.print(&text)?;
    Ok(exit)
}
