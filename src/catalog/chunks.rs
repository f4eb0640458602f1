//! Rows from a reader that runs by itself: lines that another thread writes, a few chunks ahead
//! of whoever reads them, so that neither holds all of them.

use super::rows::{RowWriter, Told};
use std::io::{self, Read, Write};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

/// How many bytes are handed over at a time.
const CHUNK: usize = 128 << 10;

/// Lines that another thread writes, a few chunks ahead of the reader.
struct Lines {
    chunks: Receiver<Result<Vec<u8>, String>>,
    chunk: Vec<u8>,
    given: usize,
    ended: bool,
}

impl Read for Lines {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.given == self.chunk.len() && !self.ended {
            self.given = 0;
            self.chunk = match self.chunks.recv() {
                Ok(Ok(chunk)) => chunk,
                Ok(Err(message)) => return Err(io::Error::other(Told(message))),
                // Nobody said that this is the end, so something broke inside the reader.
                Err(_) => return Err(io::Error::other(Told("its content makes no sense to its reader: the file is damaged".to_owned()))),
            };
            self.ended = self.chunk.is_empty();
        }
        let ready = self.chunk.get(self.given..).unwrap_or_default();
        let count = ready.len().min(buffer.len());
        buffer[..count].copy_from_slice(&ready[..count]);
        self.given += count;
        Ok(count)
    }
}

/// The side that writes.
struct Chunks {
    to: SyncSender<Result<Vec<u8>, String>>,
    chunk: Vec<u8>,
}

impl Write for Chunks {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.chunk.extend_from_slice(bytes);
        if self.chunk.len() >= CHUNK {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.chunk.is_empty() {
            return Ok(());
        }
        let chunk = std::mem::replace(&mut self.chunk, Vec::with_capacity(CHUNK + CHUNK / 4));
        self.to.send(Ok(chunk)).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

/// The lines that `produce` writes, on a thread of its own; `produce` ends with what stopped it.
pub(super) fn stream(produce: impl FnOnce(&mut RowWriter<'_>) -> Result<(), String> + Send + 'static) -> Box<dyn Read + Send> {
    let (to, chunks) = sync_channel(4);
    std::thread::spawn(move || {
        let mut out = Chunks { to, chunk: Vec::new() };
        let result = produce(&mut RowWriter::new(&mut out)).and_then(|()| out.flush().map_err(|error| error.to_string()));
        // Whoever reads may have stopped, and then nobody needs to know.
        let _gone = out.to.send(result.map(|()| Vec::new()));
    });
    Box::new(Lines { chunks, chunk: Vec::new(), given: 0, ended: false })
}

#[cfg(test)]
mod tests {
    use super::stream;
    use std::io::Read;

    #[test]
    fn lines_come_from_another_thread() {
        let mut reader = stream(|rows| {
            rows.text("a");
            rows.end().map_err(|error| error.to_string())
        });
        let mut text = String::new();
        reader.read_to_string(&mut text).expect("written");
        assert_eq!(text, "[\"a\"]\n");
    }

    #[test]
    fn a_reader_that_breaks_is_no_end() {
        let mut bytes = Vec::new();
        let mut told = stream(|_| Err("it is cut".to_owned()));
        assert_eq!(told.read_to_end(&mut bytes).expect_err("broken").to_string(), "it is cut");
    }
}
