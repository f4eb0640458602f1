//! Rendered rows on disk until it shows in which file each belongs: where a row lies is kept (16
//! bytes a row), the row itself is not.

use super::file::WriteError;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// Where a piece of text lies in the temporary file.
#[derive(Clone, Copy, Debug)]
pub struct Piece {
    /// What it is a part of.
    pub part: u32,
    length: u32,
    at: u64,
}

/// What its name has in front of what is drawn by chance.
pub const NAME: &str = "rows";

/// What a row belongs to that was refused after it had come.
const GONE: u32 = u32::MAX;

/// Takes the rows of these places back, and sorts the others by what they are parts of; each
/// part keeps its order.
pub fn take_back(rows: &mut Vec<Piece>, refused: &[usize]) {
    for &row in refused {
        if let Some(row) = rows.get_mut(row) {
            row.part = GONE;
        }
    }
    // Stable, and quick where the rows of a part stood together.
    rows.sort_by_key(|row| row.part);
    rows.truncate(rows.partition_point(|row| row.part != GONE));
}

/// A temporary file of rows; it goes when it is dropped.
pub struct Spool {
    folder: PathBuf,
    file: BufWriter<tempfile::NamedTempFile>,
    at: u64,
}

impl Spool {
    /// Begins one in `folder`.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn create(folder: &Path) -> Result<Self, WriteError> {
        let fail = |source| WriteError { path: folder.to_owned(), source };
        std::fs::create_dir_all(folder).map_err(fail)?;
        let file = tempfile::Builder::new().prefix(&format!(".{NAME}.")).suffix(".part").tempfile_in(folder).map_err(fail)?;
        Ok(Self { folder: folder.to_owned(), file: BufWriter::with_capacity(256 << 10, file), at: 0 })
    }

    /// Appends a piece of `part`.
    ///
    /// # Errors
    /// When the disk takes it not.
    pub fn push(&mut self, part: u32, text: &[u8]) -> Result<Piece, WriteError> {
        self.file.write_all(text).map_err(|source| WriteError { path: self.folder.clone(), source })?;
        let piece = Piece { part, length: text.len() as u32, at: self.at };
        self.at += text.len() as u64;
        Ok(piece)
    }

    /// Ends writing.
    ///
    /// # Errors
    /// When the disk takes it not, or it cannot be opened again.
    pub fn reread(self) -> Result<Reread, WriteError> {
        let folder = self.folder;
        let fail = |source| WriteError { path: folder.clone(), source };
        let file = self.file.into_inner().map_err(|error| fail(error.into_error()))?;
        let reader = BufReader::with_capacity(256 << 10, file.reopen().map_err(fail)?);
        Ok(Reread { folder, _file: file, reader, at: 0 })
    }
}

/// The temporary file, read mostly from front to back.
pub struct Reread {
    folder: PathBuf,
    _file: tempfile::NamedTempFile,
    reader: BufReader<File>,
    at: u64,
}

impl Reread {
    /// Appends a piece to `into`.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read(&mut self, piece: Piece, into: &mut Vec<u8>) -> Result<(), WriteError> {
        self.fetch(piece, into).map_err(|source| WriteError { path: self.folder.clone(), source })
    }

    fn fetch(&mut self, piece: Piece, into: &mut Vec<u8>) -> io::Result<()> {
        match i64::try_from(piece.at).ok().zip(i64::try_from(self.at).ok()) {
            Some((to, from)) if to != from => self.reader.seek_relative(to - from)?,
            Some(_) => {}
            None => drop(self.reader.seek(SeekFrom::Start(piece.at))?),
        }
        let start = into.len();
        into.resize(start + piece.length as usize, 0);
        self.reader.read_exact(into.get_mut(start..).unwrap_or_default())?;
        self.at = piece.at + u64::from(piece.length);
        Ok(())
    }
}
