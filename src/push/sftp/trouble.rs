//! What goes wrong in a session, in words that say what it was for, and whether another try may help.

use crate::product::text;
use crate::push::error::PushError;
use russh_sftp::client::error::Error as SftpError;
use russh_sftp::protocol::StatusCode;

/// What went wrong in a session.
pub(super) enum Trouble {
    /// Another try may help.
    Broken(String),
    /// None will.
    Final(PushError),
}

impl Trouble {
    /// The server refuses something, and would again.
    pub(super) fn refused(message: String) -> Self {
        Self::Final(PushError::Refused { what: "writing the feed".to_owned(), status: 0, message, path: None })
    }

    /// A request that failed: what it was for, and the path that it was about.
    pub(super) fn of(doing: &str, path: &str, error: &SftpError) -> Self {
        let clean = |words: &str, most| text::excerpt(&text::one_line(&text::without_controls(words)), most);
        let (words, is_final) = match error {
            SftpError::Status(status) => (said(status.status_code, &clean(&status.error_message, 200)), is_final(status.status_code)),
            SftpError::Timeout => ("no answer in time".to_owned(), false),
            SftpError::UnexpectedPacket => ("the answer is none to what was asked".to_owned(), false),
            other => (clean(&other.to_string(), 200), false),
        };
        let message = format!("{doing} `{}`: {words}", clean(path, 200));
        if is_final { Self::refused(message) } else { Self::Broken(message) }
    }
}

/// What a status says, with what the server adds, where that is more than the name of the status.
fn said(status: StatusCode, added: &str) -> String {
    let words = match status {
        StatusCode::Failure => "the server says no more than that it failed, as one does whose disk is full".to_owned(),
        StatusCode::PermissionDenied => "permission denied".to_owned(),
        StatusCode::NoSuchFile => "no such file or folder".to_owned(),
        StatusCode::OpUnsupported => "the server cannot do that".to_owned(),
        other => other.to_string(),
    };
    if added.is_empty() || added.eq_ignore_ascii_case(&status.to_string()) { words } else { format!("{words} ({added})") }
}

/// Whether a status would be the same at another try. `Failure` stands for whatever has no
/// status of its own, a full disk included.
fn is_final(status: StatusCode) -> bool {
    matches!(status, StatusCode::PermissionDenied | StatusCode::NoSuchFile | StatusCode::OpUnsupported)
}

impl From<russh::Error> for Trouble {
    fn from(error: russh::Error) -> Self {
        if let russh::Error::NoCommonAlgo { kind, theirs, .. } = &error {
            let theirs = text::excerpt(&text::without_controls(&theirs.join(", ")), 200);
            let message =
                format!("the server offers nothing that is taken here ({kind:?}: {theirs}); ask whoever runs it for something newer");
            let what = "opening SFTP".to_owned();
            return Self::Final(PushError::Refused { what, status: 0, message, path: None });
        }
        Self::Broken(text::excerpt(&error.to_string(), 200))
    }
}

impl From<russh::SendError> for Trouble {
    fn from(error: russh::SendError) -> Self {
        Self::Broken(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::{SftpError, StatusCode, Trouble};
    use crate::push::error::PushError;
    use russh_sftp::protocol::Status;

    #[test]
    fn it_says_what_was_tried_and_whether_another_try_may_help() {
        let said = |status_code, message: &str| {
            let status = Status { id: 1, status_code, error_message: message.to_owned(), language_tag: String::new() };
            match Trouble::of("renaming", "in/.feed.part", &SftpError::Status(status)) {
                Trouble::Broken(message) => (true, message),
                Trouble::Final(PushError::Refused { message, .. }) => (false, message),
                Trouble::Final(other) => panic!("{other}"),
            }
        };
        let failed = "renaming `in/.feed.part`: the server says no more than that it failed, as one does whose disk is full";
        assert_eq!(said(StatusCode::Failure, "Failure"), (true, failed.to_owned()));
        assert_eq!(said(StatusCode::Failure, "quota\u{1b}[2J\nexceeded"), (true, format!("{failed} (quota[2J exceeded)")));
        assert_eq!(
            said(StatusCode::PermissionDenied, "Permission denied"),
            (false, "renaming `in/.feed.part`: permission denied".to_owned())
        );
        assert!(
            matches!(Trouble::of("writing", "x", &SftpError::Timeout), Trouble::Broken(words) if words == "writing `x`: no answer in time")
        );
    }
}
