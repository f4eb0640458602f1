//! Exit codes, and every error turned into one of them with words for people.

use crate::catalog::ReadError;
use crate::config::ConfigError;
use crate::finding::baseline::BaselineError;
use crate::pipeline::RunError;
use crate::plan::PlanError;
use crate::push::{Ending, PushError};
use crate::render::file::WriteError;
use crate::sandbox::SandboxError;
use crate::spec::SpecError;
use crate::state::{LockError, StateError};
use std::io;
use std::process::ExitCode;

/// How the program ends; numbers and words are an interface and only ever added to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Done.
    Done,
    /// Findings at or above `--fail-on`, or no item was accepted.
    Findings,
    /// Usage or settings.
    Usage,
    /// Input missing, unreadable or incomplete.
    Input,
    /// A guard held it; the last good feed stays.
    Held,
    /// Network, throttling, a deadline: it may work next time.
    Temporary,
    /// Authentication or permission refused.
    Access,
    /// The target refused the feed for good.
    Refused,
    /// Accepted, but some items were refused.
    Partial,
    /// Nothing to do, where that was to be an error.
    Unchanged,
    /// Another run holds the lock.
    Locked,
    /// Sent; what became of it is not known.
    Unknown,
    /// Output or state could not be written.
    Output,
    /// An internal error; a panic ends with the same number.
    Internal,
    /// Interrupted.
    Interrupted,
    /// Terminated.
    Terminated,
}

/// All exits with their numbers and words.
pub const EXITS: [(Exit, u8, &str); 16] = [
    (Exit::Done, 0, "done"),
    (Exit::Findings, 1, "findings"),
    (Exit::Usage, 2, "usage"),
    (Exit::Input, 3, "input"),
    (Exit::Held, 4, "held"),
    (Exit::Temporary, 5, "temporary"),
    (Exit::Access, 6, "access"),
    (Exit::Refused, 7, "refused"),
    (Exit::Partial, 8, "partial"),
    (Exit::Unchanged, 9, "unchanged"),
    (Exit::Locked, 10, "locked"),
    (Exit::Unknown, 11, "unknown"),
    (Exit::Output, 12, "output"),
    (Exit::Internal, 101, "internal"),
    (Exit::Interrupted, 130, "interrupted"),
    (Exit::Terminated, 143, "terminated"),
];

impl Exit {
    /// The number.
    pub fn code(self) -> u8 {
        EXITS.iter().find(|(exit, _, _)| *exit == self).map_or(101, |(_, code, _)| *code)
    }

    /// The word.
    pub fn name(self) -> &'static str {
        EXITS.iter().find(|(exit, _, _)| *exit == self).map_or("internal", |(_, _, name)| name)
    }
}

/// Exits of deliveries, the worst last.
const WORSE: [Exit; 12] = [
    Exit::Done,
    Exit::Unchanged,
    Exit::Locked,
    Exit::Partial,
    Exit::Temporary,
    Exit::Unknown,
    Exit::Held,
    Exit::Refused,
    Exit::Access,
    Exit::Usage,
    Exit::Input,
    Exit::Output,
];

impl Exit {
    /// The exit that belongs to the end of a delivery.
    pub fn of(ending: Ending) -> Self {
        match ending {
            Ending::Pushed | Ending::Unchanged | Ending::Planned => Self::Done,
            Ending::Partial => Self::Partial,
            Ending::Held => Self::Held,
            Ending::Locked => Self::Locked,
            Ending::Temporary => Self::Temporary,
            Ending::Access => Self::Access,
            Ending::Refused => Self::Refused,
            Ending::Unknown => Self::Unknown,
            Ending::Unusable => Self::Usage,
            Ending::Unwritten => Self::Output,
        }
    }

    /// The worse of two; several targets end as the worst of them.
    #[must_use]
    pub fn worse(self, other: Self) -> Self {
        let rank = |exit: Self| WORSE.iter().position(|known| *known == exit).unwrap_or(WORSE.len());
        if rank(other) > rank(self) { other } else { self }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// A command could not do its work.
#[derive(Debug, thiserror::Error)]
pub(super) enum CliError {
    #[error("{0}")]
    Usage(String),
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Baseline(#[from] BaselineError),
    #[error(transparent)]
    Plan(#[from] PlanError),
    #[error(transparent)]
    Spec(#[from] SpecError),
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Run(#[from] RunError),
    #[error(transparent)]
    Write(#[from] WriteError),
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
    #[error("the report cannot be written: {0}")]
    Report(io::Error),
    #[error("records were lost on the way: {0}; this is a bug, please report it")]
    NotConserved(String),
    /// What is true of it follows.
    #[error("interrupted; {0}")]
    Interrupted(&'static str),
    #[error("terminated; {0}")]
    Terminated(&'static str),
    #[error(transparent)]
    Push(#[from] PushError),
    #[error(transparent)]
    State(#[from] StateError),
    #[error(transparent)]
    Lock(#[from] LockError),
}

impl CliError {
    /// The exit that belongs to the error.
    pub(super) fn exit(&self) -> Exit {
        match self {
            Self::Config(ConfigError::NoFile(_)) => Exit::Input,
            Self::Usage(_) | Self::Baseline(_) | Self::Config(_) | Self::Spec(_) | Self::Sandbox(_) => Exit::Usage,
            Self::Plan(PlanError::Read(error)) | Self::Read(error) | Self::Run(RunError::Read(error)) => match error {
                ReadError::Unsaid { .. } => Exit::Usage,
                _ => Exit::Input,
            },
            Self::Plan(_) => Exit::Usage,
            Self::Run(RunError::Write(_) | RunError::Aside { .. }) | Self::Write(_) | Self::Report(_) => Exit::Output,
            Self::NotConserved(_) => Exit::Internal,
            Self::Interrupted(_) => Exit::Interrupted,
            Self::Terminated(_) => Exit::Terminated,
            Self::Push(error) => Exit::of(Ending::of(error)),
            Self::State(_) | Self::Lock(LockError::Io { .. }) => Exit::Output,
            Self::Lock(LockError::Held { .. }) => Exit::Locked,
        }
    }

    /// What to do about it.
    pub(super) fn hint(&self) -> Option<String> {
        match self {
            Self::Spec(SpecError::Unknown { known, .. }) | Self::Plan(PlanError::Spec(SpecError::Unknown { known, .. })) => {
                Some(format!("known targets: {}", known.join(", ")))
            }
            Self::Plan(PlanError::Map { .. }) => Some("`feedmill inspect INPUT` lists the columns and what they are taken for".to_owned()),
            Self::Read(ReadError::Incomplete { .. })
            | Self::Plan(PlanError::Read(ReadError::Incomplete { .. }))
            | Self::Run(RunError::Read(ReadError::Incomplete { .. })) => {
                Some("fetch or export the file again; nothing was written".to_owned())
            }
            Self::Run(RunError::Write(_)) | Self::Write(_) => {
                Some("free space or choose another `--out`; an earlier feed there is as it was".to_owned())
            }
            Self::Run(RunError::Aside { .. }) => {
                Some("make room there, or name another folder with the variable `TMPDIR`; nothing was published".to_owned())
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::EXITS;

    #[test]
    fn numbers_and_words_are_unique() {
        for (place, (_, code, name)) in EXITS.iter().enumerate() {
            assert!(EXITS.iter().skip(place + 1).all(|(_, other, word)| other != code && word != name));
        }
    }
}
