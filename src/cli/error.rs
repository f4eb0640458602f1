//! Exit codes, and every error turned into one of them with words for people.

use crate::catalog::ReadError;
use crate::config::ConfigError;
use crate::pipeline::RunError;
use crate::plan::PlanError;
use crate::render::file::WriteError;
use crate::sandbox::SandboxError;
use crate::spec::SpecError;
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
    /// Output could not be written.
    Output,
    /// An internal error; a panic ends with the same number.
    Internal,
    /// Interrupted.
    Interrupted,
}

/// All exits with their numbers and words.
pub const EXITS: [(Exit, u8, &str); 7] = [
    (Exit::Done, 0, "done"),
    (Exit::Findings, 1, "findings"),
    (Exit::Usage, 2, "usage"),
    (Exit::Input, 3, "input"),
    (Exit::Output, 12, "output"),
    (Exit::Internal, 101, "internal"),
    (Exit::Interrupted, 130, "interrupted"),
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
    #[error("interrupted; nothing was published")]
    Interrupted,
}

impl CliError {
    /// The exit that belongs to the error.
    pub(super) fn exit(&self) -> Exit {
        match self {
            Self::Usage(_) | Self::Config(_) | Self::Spec(_) | Self::Sandbox(_) => Exit::Usage,
            Self::Plan(PlanError::Read(_)) | Self::Read(_) | Self::Run(RunError::Read(_)) => Exit::Input,
            Self::Plan(_) => Exit::Usage,
            Self::Run(RunError::Write(_)) | Self::Write(_) | Self::Report(_) => Exit::Output,
            Self::NotConserved(_) => Exit::Internal,
            Self::Interrupted => Exit::Interrupted,
        }
    }

    /// Whether nobody listens any more, which is no failure.
    pub(super) fn is_broken_pipe(&self) -> bool {
        matches!(self, Self::Report(error) if error.kind() == io::ErrorKind::BrokenPipe)
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
