//! What can be read only once is kept in a temporary file, for the passes that follow.

use super::ReadError;
use super::decode::Stream;
use crate::cancel::Cancel;
use std::io::{self, Read, Write};
use std::sync::Arc;
use tempfile::NamedTempFile;
use tokio::sync::mpsc;

/// A file that goes when its last user does.
pub(super) type Kept = Arc<NamedTempFile>;

/// A new file in the folder for temporary files.
pub(super) fn create(file: &str) -> Result<NamedTempFile, ReadError> {
    let created = tempfile::Builder::new().prefix("feedmill-").tempfile();
    created.map_err(|source| ReadError::Spool { file: file.to_owned(), source })
}

/// Pieces read of a pipe and not yet kept.
const AHEAD: usize = 4;

/// Copies what a pipe says into a new file, until it ends or somebody asks to stop: a pipe may
/// never say anything again. It is opened and read by a thread of its own, because nothing ends
/// such a wait; the thread ends with the program.
pub(super) fn keep_pipe(
    file: &str,
    cancel: &Cancel,
    open: impl FnOnce() -> io::Result<Box<dyn Read>> + Send + 'static,
) -> Result<Kept, ReadError> {
    let fail = |source| ReadError::Io { file: file.to_owned(), source };
    let mut kept = create(file)?;
    let (to_us, mut pieces) = mpsc::channel(AHEAD);
    std::thread::Builder::new().name("pipe".to_owned()).spawn(move || read_pipe(open, &to_us)).map_err(fail)?;
    tokio::runtime::Builder::new_current_thread().build().map_err(fail)?.block_on(async {
        loop {
            let piece = tokio::select! {
                piece = pieces.recv() => piece,
                () = cancel.cancelled() => return Err(ReadError::Stopped { file: file.to_owned() }),
            };
            let Some(piece) = piece else { return Ok(()) };
            let written = kept.write_all(&piece.map_err(fail)?);
            written.map_err(|source| ReadError::Spool { file: file.to_owned(), source })?;
        }
    })?;
    Ok(Arc::new(kept))
}

/// Sends a pipe on, piece by piece, until it ends, breaks, or nobody listens any more.
fn read_pipe(open: impl FnOnce() -> io::Result<Box<dyn Read>>, to: &mpsc::Sender<io::Result<Vec<u8>>>) {
    let mut pipe = match open() {
        Ok(pipe) => pipe,
        Err(error) => return to.blocking_send(Err(error)).unwrap_or_default(),
    };
    loop {
        let mut buffer = vec![0; 128 << 10];
        let piece = match pipe.read(&mut buffer) {
            Ok(0) => return,
            Ok(read) => {
                buffer.truncate(read);
                Ok(buffer)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => Err(error),
        };
        let is_last = piece.is_err();
        if to.blocking_send(piece).is_err() || is_last {
            return;
        }
    }
}

/// Keeps what a packed stream unpacks to.
pub(super) fn unpack(mut stream: Stream) -> Result<Kept, ReadError> {
    let file = stream.file().to_owned();
    let mut kept = create(&file)?;
    let mut buffer = vec![0; 128 << 10];
    loop {
        let read = stream.read(&mut buffer).map_err(|error| stream.error(error))?;
        if read == 0 {
            return Ok(Arc::new(kept));
        }
        let written = kept.write_all(buffer.get(..read).unwrap_or_default());
        written.map_err(|source| ReadError::Spool { file: file.clone(), source })?;
    }
}

/// A source that gives more than it may.
pub(super) fn too_large(file: &str, most: u64) -> ReadError {
    let message = format!("it gives more than {most} bytes; raise `max_bytes` under [source] if it is meant");
    ReadError::NotACatalog { file: file.to_owned(), message }
}
