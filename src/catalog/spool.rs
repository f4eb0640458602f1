//! What can be read only once is kept in a temporary file, for the passes that follow.

use super::ReadError;
use super::decode::Stream;
use std::io::{Read, Write};
use std::sync::Arc;
use tempfile::NamedTempFile;

/// A file that goes when its last user does.
pub(super) type Kept = Arc<NamedTempFile>;

/// A new file in the folder for temporary files.
pub(super) fn create(file: &str) -> Result<NamedTempFile, ReadError> {
    let created = tempfile::Builder::new().prefix("feedmill-").tempfile();
    created.map_err(|source| ReadError::Spool { file: file.to_owned(), source })
}

/// Copies `from` into a new file; more than `most` bytes are refused.
pub(super) fn keep(file: &str, from: &mut dyn Read, most: u64) -> Result<Kept, ReadError> {
    let mut kept = create(file)?;
    let mut buffer = vec![0; 128 << 10];
    let mut taken = 0;
    loop {
        let read = match from.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(source) => return Err(ReadError::Io { file: file.to_owned(), source }),
        };
        taken += read as u64;
        if taken > most {
            return Err(too_large(file, most));
        }
        let written = kept.write_all(buffer.get(..read).unwrap_or_default());
        written.map_err(|source| ReadError::Spool { file: file.to_owned(), source })?;
    }
    Ok(Arc::new(kept))
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
