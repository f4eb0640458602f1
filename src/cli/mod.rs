//! The command line: one file a verb, arguments recorded first and used after.

mod again;
mod args;
mod convert;
mod diff;
mod diff_json;
mod diff_text;
mod doctor;
mod error;
mod explain;
mod fix;
mod history;
mod init;
mod inspect;
mod leftovers;
mod mill;
mod next;
mod preview;
mod publish;
mod push;
mod rehearsal;
mod reports;
mod run;
mod sandbox;
mod schema;
mod shell;
mod signal;
mod spec;
mod spec_diff;
mod trace;
mod trace_text;
mod turn;
mod ui;
mod watch;

use clap::Parser;
use std::ffi::OsString;
use std::io::{ErrorKind, Write};
use std::process::ExitCode;

pub use args::Cli;
pub use error::{EXITS, Exit};

/// Runs the program with these arguments.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version go to standard output and are no failure.
            let exit = if error.use_stderr() { Exit::Usage } else { Exit::Done };
            return match error.print().and_then(|()| std::io::stdout().flush()) {
                Err(failed) if !error.use_stderr() && failed.kind() != ErrorKind::BrokenPipe => Exit::Output.into(),
                _ => exit.into(),
            };
        }
    };
    let ui = ui::Ui::new(&cli.terminal);
    let outcome = match &cli.command {
        args::Command::Build(command) => mill::build(command, &ui),
        args::Command::Check(command) => mill::check(command, &ui),
        args::Command::Convert(command) => convert::run(command, &ui),
        args::Command::Fix(command) => fix::run(command, &ui),
        args::Command::Diff(command) => diff::run(command, &ui),
        args::Command::Trace(command) => trace::run(command, &ui),
        args::Command::Preview(command) => preview::run(command, &ui),
        args::Command::Init(command) => init::run(command, &ui),
        args::Command::Inspect(command) => inspect::run(command, &ui),
        args::Command::Explain(command) => explain::run(command, &ui),
        args::Command::Spec(command) => spec::run(command, &ui),
        args::Command::Schema(command) => schema::run(command, &ui),
        args::Command::Completions(command) => shell::completions(command, &ui),
        args::Command::Man(command) => shell::man(command, &ui),
        args::Command::Sandbox(command) => sandbox::run(command, &ui),
        args::Command::Push(command) => push::run(command, &ui),
        args::Command::Run(command) => run::run(command, &ui),
        args::Command::Status(command) => history::status(command, &ui),
        args::Command::Errors(command) => history::errors(command, &ui),
        args::Command::History(command) => history::history(command, &ui),
        args::Command::Doctor(command) => doctor::run(command, &ui),
        args::Command::Verify(command) => history::verify(command, &ui),
    };
    match outcome {
        Ok(exit) => exit.into(),
        Err(error) => {
            ui.error(&error);
            error.exit().into()
        }
    }
}
