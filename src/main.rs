//! The `feedmill` program: calls the command line and passes its exit code on.

use std::process::ExitCode;

fn main() -> ExitCode {
    feedmill::cli::run(std::env::args_os())
}
