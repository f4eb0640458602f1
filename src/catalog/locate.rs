//! Finding a source: what is no file on disk becomes one, once, so that it can be read as
//! often as a platform's rows need it and always says the same.

use super::remote::Validators;
use super::spool::{self, Kept};
use super::{ReadError, command, database, remote};
use crate::cancel::Cancel;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// What a person may say about a source instead of leaving it to detection.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// The encoding's label, as in the WHATWG standard.
    pub encoding: Option<String>,
    /// The separator of a delimited file.
    pub delimiter: Option<u8>,
    /// The format's word.
    pub format: Option<String>,
    /// Column names of a delimited file that has no header.
    pub header: Vec<String>,
    /// The path of the element that is a record, in XML.
    pub record: Option<String>,
    /// The sheet of a workbook.
    pub sheet: Option<String>,
    /// What is read of a database.
    pub database: database::Asked,
    /// A program and its arguments, whose output is the catalog.
    pub command: Vec<String>,
    /// The folder the program runs in.
    pub folder: PathBuf,
    /// How an address is fetched.
    pub remote: remote::Asked,
    /// What a source that is no file may take.
    pub limits: Limits,
    /// Ends waiting for a source that is no file.
    pub cancel: Cancel,
}

/// What a source that is no file may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes.
    pub bytes: u64,
    /// Time, from the first word to the last byte.
    pub time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { bytes: 16 << 30, time: Duration::from_secs(1800) }
    }
}

/// What a source is on disk.
#[derive(Clone, Debug)]
pub(super) enum Local {
    /// The merchant's own file.
    File(PathBuf),
    /// Bytes that were fetched.
    Kept(Kept),
    /// Rows that were fetched, one a line, from what the word says.
    Rows(Kept, &'static str),
}

/// A source that can be opened as often as needed.
#[derive(Clone, Debug)]
pub struct Located {
    /// The name for messages.
    pub(super) file: Arc<str>,
    /// The name that may say what the format is.
    pub(super) name: String,
    pub(super) local: Local,
    /// Whether nothing but its last byte shows that it is whole.
    pub(super) may_be_cut: bool,
    /// What the server said of the version.
    pub(super) validators: Option<Validators>,
}

impl Located {
    pub(super) fn kept(file: &str, name: &str, local: Local) -> Self {
        Self { file: file.into(), name: name.to_ascii_lowercase(), local, may_be_cut: false, validators: None }
    }
}

/// Does what may take long for a source, within its time and until somebody asks to stop.
pub(super) async fn within<T>(
    file: &str,
    wanted: &Wanted,
    late: impl FnOnce(u64) -> ReadError,
    work: impl Future<Output = Result<T, ReadError>>,
) -> Result<T, ReadError> {
    tokio::select! {
        done = tokio::time::timeout(wanted.limits.time, work) => done.unwrap_or_else(|_| Err(late(wanted.limits.time.as_secs()))),
        () = wanted.cancel.cancelled() => Err(ReadError::Stopped { file: file.to_owned() }),
    }
}

/// Finds the source at `path`: a file, `-`, an address, a database, or a command's name.
///
/// # Errors
/// When it is not there, cannot be fetched whole, or is refused.
pub fn locate(path: &str, wanted: &Wanted) -> Result<Located, ReadError> {
    if !wanted.command.is_empty() {
        return command::run(path, wanted);
    }
    if wanted.database.url.is_some() {
        return database::read(path, wanted);
    }
    if path == "-" {
        let kept = spool::keep_pipe("<stdin>", &wanted.cancel, || Ok(Box::new(std::io::stdin())))?;
        return Ok(Located { may_be_cut: true, ..Located::kept("<stdin>", "", Local::Kept(kept)) });
    }
    if remote::is_address(path) {
        return remote::fetch(path, wanted);
    }
    let io = |source: std::io::Error| ReadError::Io { file: path.to_owned(), source };
    let meta = std::fs::metadata(path).map_err(io)?;
    if meta.is_dir() {
        let message = "a folder; give a file, or a glob such as `exports/*.csv`".to_owned();
        return Err(ReadError::NotACatalog { file: path.to_owned(), message });
    }
    if meta.is_file() && database::is_file_of_one(Path::new(path)).map_err(io)? {
        return database::read(path, wanted);
    }
    let name = Path::new(path).file_name().and_then(|name| name.to_str()).unwrap_or("");
    if !meta.is_file() {
        // A named pipe gives its bytes once.
        let pipe = PathBuf::from(path);
        let kept = spool::keep_pipe(path, &wanted.cancel, move || Ok(Box::new(std::fs::File::open(pipe)?)))?;
        return Ok(Located { may_be_cut: true, ..Located::kept(path, name, Local::Kept(kept)) });
    }
    Ok(Located::kept(path, name, Local::File(path.into())))
}
