//! Why a delivery could not go on. Texts of targets are cleaned before they get here.

use crate::state::StateError;
use std::path::PathBuf;

/// A delivery could not go on.
#[derive(Debug, thiserror::Error)]
pub enum PushError {
    /// Something in the settings cannot be used.
    #[error("{0}")]
    Settings(String),
    /// What was built cannot be delivered.
    #[error("{0}")]
    Feed(String),
    /// A file cannot be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The state cannot be used.
    #[error(transparent)]
    State(#[from] StateError),
    /// It did not work, and may work later.
    #[error("{what}: {message}")]
    Temporary {
        /// What was asked.
        what: String,
        /// What came of it.
        message: String,
        /// How many seconds the target asked to be left alone.
        wait: Option<u64>,
    },
    /// The target does not let us in.
    #[error("{what}: {message}; the credential came from {credential}")]
    Access {
        /// What was asked.
        what: String,
        /// What came of it.
        message: String,
        /// Where the credential came from.
        credential: String,
    },
    /// The target refuses, and would refuse again.
    #[error("{what}: {message}")]
    Refused {
        /// What was asked.
        what: String,
        /// The status of the answer, where there was one.
        status: u16,
        /// What came of it.
        message: String,
        /// The place in the request that the target names.
        path: Option<String>,
    },
    /// It was sent, and what became of it is not known.
    #[error("{0}")]
    Unknown(String),
    /// It was sent, and to ask what became of it did not work and may work later.
    #[error("{what}: {message}; it was sent, and `feedmill status` asks again")]
    Unanswered {
        /// What was asked.
        what: String,
        /// What came of it.
        message: String,
        /// How many seconds the target asked to be left alone.
        wait: Option<u64>,
    },
}

impl PushError {
    /// The same about something that was sent before.
    pub(super) fn after_sending(self) -> Self {
        match self {
            Self::Temporary { what, message, wait } => Self::Unanswered { what, message, wait },
            other => other,
        }
    }

    /// A fault of a file.
    pub(super) fn io(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { path, source }
    }
}
