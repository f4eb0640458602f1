//! `sandbox`: serves the targets' APIs until it is told to stop.

use super::args;
use super::error::{CliError, Exit};
use super::signal::Listener;
use super::ui::Ui;
use crate::render::file::WriteError;
use crate::sandbox::{Exchange, Options, serve};
use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use tokio::sync::mpsc;

pub(super) fn run(command: &args::Sandbox, ui: &Ui) -> Result<Exit, CliError> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.map_err(|error| CliError::Usage(format!("the sandbox cannot be started: {error}")))?.block_on(until_stopped(command, ui))
}

async fn until_stopped(command: &args::Sandbox, ui: &Ui) -> Result<Exit, CliError> {
    if let Some(path) = &command.transcript {
        // Whether it can be written shows at once, and not at the first exchange.
        append(path, [])?;
    }
    let (tell, mut told) = mpsc::unbounded_channel::<String>();
    // When nobody listens any more, the sandbox is ending.
    let witness = move |exchange: &Exchange| tell.send(exchange.to_string()).unwrap_or_default();
    let options = Options {
        listen: command.listen,
        #[cfg(feature = "sftp")]
        listen_sftp: command.listen_sftp,
        faults: command.fault.clone(),
        witness: Some(Arc::new(witness)),
        remember: false,
        ..Options::default()
    };
    let mut listener = Listener::new().map_err(CliError::Report)?;
    let sandbox = serve(options).await?;
    ui.print(&sandbox.introduction())?;
    ui.say("the sandbox serves until it is interrupted; any key or token is taken, so give it none that is real");
    let stop = loop {
        tokio::select! {
            stop = listener.next() => break stop,
            Some(exchange) = told.recv() => {
                ui.say(exchange.trim_end());
                if let Some(path) = &command.transcript {
                    append(path, [exchange])?;
                }
            }
        }
    };
    sandbox.stop().await;
    Ok(stop.exit())
}

/// Writes exchanges behind what a transcript holds.
pub(super) fn append(path: &Path, exchanges: impl IntoIterator<Item = String>) -> Result<(), CliError> {
    let fail = |source| CliError::from(WriteError { path: path.to_owned(), source });
    let mut file = OpenOptions::new().create(true).append(true).open(path).map_err(fail)?;
    exchanges.into_iter().try_for_each(|exchange| file.write_all(exchange.as_bytes())).map_err(fail)
}
