//! Signals that ask the program to end. The first ends every wait for a source, such as a pipe
//! that nobody writes to, and lets a run come to a clean end; the second ends the program at once.

use super::error::{CliError, Exit};
use super::ui::Ui;
use crate::cancel::Cancel;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::runtime::Runtime;

/// How long a run has for its end before somebody is told what it still waits for.
const PATIENCE: Duration = Duration::from_secs(1);

/// What asked the program to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// Somebody at the terminal.
    Interrupt,
    /// The system, or whoever started the program.
    Terminate,
}

impl Stop {
    /// The exit that says so.
    pub(super) fn exit(self) -> Exit {
        match self {
            Self::Interrupt => Exit::Interrupted,
            Self::Terminate => Exit::Terminated,
        }
    }

    /// The error that says so, and what is true of what was begun.
    pub(super) fn error(self, then: &'static str) -> CliError {
        match self {
            Self::Interrupt => CliError::Interrupted(then),
            Self::Terminate => CliError::Terminated(then),
        }
    }
}

/// Hears signals from the moment it is made.
pub(super) struct Listener {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
}

impl Listener {
    /// Listens; inside a runtime.
    pub(super) fn new() -> io::Result<Self> {
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
        }
        #[cfg(not(unix))]
        Ok(Self {})
    }

    /// Waits for a signal.
    pub(super) async fn next(&mut self) -> Stop {
        #[cfg(unix)]
        tokio::select! {
            Some(()) = self.terminate.recv() => return Stop::Terminate,
            Some(()) = self.interrupt.recv() => return Stop::Interrupt,
            else => {}
        }
        #[cfg(not(unix))]
        if tokio::signal::ctrl_c().await.is_ok() {
            return Stop::Interrupt;
        }
        // Nothing can be heard any more.
        std::future::pending().await
    }
}

/// Signals and what they stop.
#[derive(Default)]
struct Heard {
    first: OnceLock<Stop>,
    cancel: Cancel,
    /// Whether a run is under way, which has its own end to come to.
    runs: AtomicBool,
}

/// Asks the program to end at a signal.
pub(super) struct Watch(Arc<Heard>);

impl Watch {
    /// Listens from now on.
    pub(super) fn new() -> Self {
        let watch = Self(Arc::default());
        // Where nothing can be heard, the system ends the program, as it ends any other.
        if let Ok((runtime, listener)) = listening() {
            let heard = Arc::clone(&watch.0);
            std::thread::spawn(move || runtime.block_on(obey(listener, &heard)));
        }
        watch
    }

    /// What a signal asks to stop.
    pub(super) fn cancel(&self) -> &Cancel {
        &self.0.cancel
    }

    /// From now on a run is given the time it needs for its end.
    pub(super) fn gently(&self) {
        self.0.runs.store(true, Ordering::Relaxed);
    }

    /// What asked the run to stop.
    pub(super) fn stopped(&self) -> Option<Stop> {
        self.0.first.get().copied()
    }

    /// What came of something, unless it was stopped; `then` is what is true then.
    pub(super) fn settle<T>(&self, then: &'static str, done: Result<T, CliError>) -> Result<T, CliError> {
        self.stopped().map_or(done, |stop| Err(stop.error(then)))
    }
}

fn listening() -> io::Result<(Runtime, Listener)> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let listener = runtime.block_on(async { Listener::new() })?;
    Ok((runtime, listener))
}

async fn obey(mut listener: Listener, heard: &Heard) {
    let mut stop = listener.next().await;
    heard.first.get_or_init(|| stop);
    heard.cancel.cancel();
    if let Ok(again) = tokio::time::timeout(PATIENCE, listener.next()).await {
        stop = again;
    } else if heard.runs.load(Ordering::Relaxed) {
        Ui::err("stopping at the next batch; a second signal ends the program at once");
        stop = listener.next().await;
    }
    #[expect(clippy::exit, reason = "nothing is under way, or whoever asks twice does not want to wait for what may never come")]
    std::process::exit(i32::from(stop.exit().code()));
}
