//! Sources that are no text: which they are, and which reader turns them into rows.

use super::decode::Stream;
use super::locate::Wanted;
use super::spool::Kept;
use super::{Format, ReadError, SourceFacts};
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

/// A format that is no text, by its first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A ZIP archive, which workbooks are.
    Zip,
    /// An old Office document.
    Compound,
    /// A Parquet file.
    Parquet,
}

/// What the first bytes are the sign of.
pub(super) fn kind(head: &[u8]) -> Option<Kind> {
    match head {
        [b'P', b'K', 3, 4, ..] => Some(Kind::Zip),
        [0xd0, 0xcf, 0x11, 0xe0, ..] => Some(Kind::Compound),
        [b'P', b'A', b'R', b'1', ..] => Some(Kind::Parquet),
        _ => None,
    }
}

/// The rows of the file at `path`, or of `kept` where it had to be unpacked.
pub(super) fn open(
    kind: Kind,
    path: &Path,
    kept: Option<&Kept>,
    mut facts: SourceFacts,
    wanted: &Wanted,
) -> Result<(Stream, SourceFacts), ReadError> {
    let name = Arc::clone(&facts.file);
    let io = |source: std::io::Error| ReadError::Io { file: name.to_string(), source };
    let refuse = |message: String| ReadError::NotACatalog { file: name.to_string(), message };
    let whole = File::open(path).map_err(io)?;
    let file = File::open(kept.map_or(path, |kept| kept.path())).map_err(io)?;
    let rows = match kind {
        Kind::Parquet => {
            facts.format = Format::Rows { word: "parquet", numbered: false };
            parquet(file)
        }
        Kind::Zip | Kind::Compound => workbook(file, kind, &mut facts, wanted),
    };
    Ok((Stream::raw(rows.map_err(refuse)?, Arc::clone(&name)).of_file(whole), facts))
}

type Rows = Box<dyn std::io::Read + Send>;

#[cfg(feature = "parquet")]
fn parquet(file: File) -> Result<Rows, String> {
    super::parquet::rows(file)
}

#[cfg(not(feature = "parquet"))]
fn parquet(_: File) -> Result<Rows, String> {
    Err("this is a Parquet file, which this build cannot read; build with the feature `parquet`".to_owned())
}

#[cfg(feature = "excel")]
fn workbook(file: File, kind: Kind, facts: &mut SourceFacts, wanted: &Wanted) -> Result<Rows, String> {
    let found = super::excel::rows(file, kind == Kind::Compound, wanted.sheet.as_deref())?;
    facts.format = Format::Rows { word: found.word, numbered: true };
    facts.sheet = Some(found.sheet);
    Ok(found.rows)
}

#[cfg(not(feature = "excel"))]
fn workbook(_: File, _: Kind, _: &mut SourceFacts, _: &Wanted) -> Result<Rows, String> {
    Err("this is a workbook or another archive, which this build cannot read; build with the feature `excel`".to_owned())
}
