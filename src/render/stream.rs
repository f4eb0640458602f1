//! Text formats as files: one stream of rows between a head and a tail, packed or not.

use super::feed::{Body, Container, Shards};
use super::file::{Finished, Output, WriteError};
use super::{Compression, RowWriter};
use std::io::{BufReader, Read};
use std::path::Path;
use std::sync::Arc;

/// How a text format fills files.
pub struct Stream {
    writer: Arc<dyn RowWriter>,
    compression: Compression,
}

impl Stream {
    /// Files of these rows.
    pub fn new(writer: Box<dyn RowWriter>, compression: Compression) -> Self {
        Self { writer: writer.into(), compression }
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
        let mut output = Output::create(path, self.compression)?;
        output.write(self.writer.head().as_bytes())?;
        Ok(Box::new(File { writer: Arc::clone(&self.writer), output, is_empty: true }))
    }

    /// All shards are written in one pass: a stream keeps little in memory.
    fn deal(&self, whole: &Finished, shards: &Shards<'_>) -> Result<Vec<Finished>, WriteError> {
        let fail = |source| WriteError { path: whole.path().to_owned(), source };
        let file = std::fs::File::open(whole.temporary()).map_err(fail)?;
        let mut reader: Box<dyn Read> = match self.compression {
            Compression::None => Box::new(BufReader::new(file)),
            Compression::Gzip => Box::new(flate2::read::MultiGzDecoder::new(BufReader::new(file))),
            Compression::Zstd => Box::new(zstd::stream::read::Decoder::new(file).map_err(fail)?),
        };
        let mut skip = |length: usize, into: &mut Vec<u8>| {
            into.resize(length, 0);
            reader.read_exact(into).map_err(fail)
        };
        let mut row = Vec::new();
        skip(self.writer.head().len(), &mut row)?;
        let mut bodies = shards.paths.iter().map(|path| self.begin(path)).collect::<Result<Vec<_>, _>>()?;
        for (place, (shard, length)) in shards.rows().enumerate() {
            if place > 0 {
                skip(self.writer.between().len(), &mut row)?;
            }
            skip(length, &mut row)?;
            if let Some(body) = bodies.get_mut(shard) {
                body.push(&row)?;
            }
        }
        bodies.into_iter().map(Body::finish).collect()
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
