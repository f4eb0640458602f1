//! Text formats as files: one stream of rows between a head and a tail, packed or not.

use super::feed::{Body, Container, Rows};
use super::file::{Finished, Output, WriteError};
use super::gzip::Packers;
use super::{Compression, RowWriter};
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How a text format fills files.
pub struct Stream {
    writer: Arc<dyn RowWriter>,
    compression: Compression,
    packers: Packers,
}

impl Stream {
    /// Files of these rows, which so many threads may pack.
    pub fn new(writer: Box<dyn RowWriter>, compression: Compression, threads: usize) -> Self {
        let threads = if compression == Compression::Gzip { threads } else { 1 };
        Self { writer: writer.into(), compression, packers: Packers::new(threads) }
    }
}

/// A file in the making.
struct File {
    writer: Arc<dyn RowWriter>,
    output: Output,
    is_empty: bool,
}

impl Container for Stream {
    fn begin(&self, path: &Path) -> Result<Box<dyn Body>, WriteError> {
        let mut output = Output::create_with(path, self.compression, &self.packers)?;
        output.write(self.writer.head().as_bytes())?;
        Ok(Box::new(File { writer: Arc::clone(&self.writer), output, is_empty: true }))
    }

    fn reread(&self, whole: &Finished) -> Result<Box<dyn Rows>, WriteError> {
        let fail = |source| WriteError { path: whole.path().to_owned(), source };
        let file = BufReader::with_capacity(128 << 10, std::fs::File::open(whole.temporary()).map_err(fail)?);
        let mut reader: Box<dyn Read> = match self.compression {
            Compression::None => Box::new(file),
            Compression::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(file)),
            Compression::Zstd => Box::new(zstd::stream::read::Decoder::with_buffer(file).map_err(fail)?),
        };
        reader.read_exact(&mut vec![0; self.writer.head().len()]).map_err(fail)?;
        Ok(Box::new(Written { path: whole.path().to_owned(), reader, between: vec![0; self.writer.between().len()], is_first: true }))
    }

    /// A stream keeps little in memory.
    fn at_once(&self) -> usize {
        usize::MAX
    }

    fn packed(&self, rows: &[u8]) -> usize {
        self.compression.packed(rows)
    }
}

/// The rows of a complete file.
struct Written {
    path: PathBuf,
    reader: Box<dyn Read>,
    /// Room for what stands between two rows.
    between: Vec<u8>,
    is_first: bool,
}

impl Rows for Written {
    fn next(&mut self, length: usize, row: &mut Vec<u8>) -> Result<(), WriteError> {
        if !std::mem::take(&mut self.is_first) {
            self.reader.read_exact(&mut self.between).map_err(|source| WriteError { path: self.path.clone(), source })?;
        }
        row.resize(length, 0);
        self.reader.read_exact(row).map_err(|source| WriteError { path: self.path.clone(), source })
    }
}

impl Body for File {
    fn push(&mut self, row: &[u8]) -> Result<(), WriteError> {
        if !self.is_empty {
            self.output.write(self.writer.between().as_bytes())?;
        }
        self.is_empty = false;
        self.output.write(row)
    }

    fn finish(mut self: Box<Self>) -> Result<Finished, WriteError> {
        self.output.write(self.writer.tail().as_bytes())?;
        self.output.finish()
    }
}
