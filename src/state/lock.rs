//! One run at a time: an advisory lock of the operating system, which frees it when its holder
//! dies. What is written into the file is only for the message.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

/// The lock cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another run holds it.
    #[error("another run holds {}{}", path.display(), if holder.is_empty() { String::new() } else { format!(" ({holder})") })]
    Held {
        /// The lock file.
        path: PathBuf,
        /// What the holder wrote about itself.
        holder: String,
    },
    /// The file cannot be opened or locked.
    #[error("{}: {source}", path.display())]
    Io {
        /// The lock file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

/// A lock that is held until it is dropped.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock, or says at once who holds it.
    ///
    /// # Errors
    /// When another run holds it, or the file cannot be locked.
    pub fn take(path: &Path, started: jiff::Timestamp) -> Result<Self, LockError> {
        let fail = |source| LockError::Io { path: path.to_owned(), source };
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder).map_err(fail)?;
        }
        let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path).map_err(fail)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                (&mut file).take(200).read_to_string(&mut holder).unwrap_or_default();
                return Err(LockError::Held { path: path.to_owned(), holder: holder.trim().to_owned() });
            }
            Err(TryLockError::Error(source)) => return Err(fail(source)),
        }
        let about = format!("process {}, since {started:.0}\n", std::process::id());
        file.set_len(0).and_then(|()| file.rewind()).and_then(|()| file.write_all(about.as_bytes())).map_err(fail)?;
        Ok(Self { _file: file })
    }
}

/// What the run that holds the lock wrote about itself; `None` where nobody holds it. Nothing is
/// changed, and the lock is not taken.
///
/// # Errors
/// When the file cannot be opened or asked.
pub fn holder(path: &Path) -> Result<Option<String>, LockError> {
    let fail = |source| LockError::Io { path: path.to_owned(), source };
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(fail(error)),
    };
    // Held together with whoever else only asks, and given back at once.
    match file.try_lock_shared() {
        Ok(()) => Ok(None),
        Err(TryLockError::WouldBlock) => {
            let mut holder = String::new();
            (&mut file).take(200).read_to_string(&mut holder).unwrap_or_default();
            Ok(Some(holder.trim().to_owned()))
        }
        Err(TryLockError::Error(source)) => Err(fail(source)),
    }
}

#[cfg(test)]
mod tests {
    use super::{Lock, LockError};

    #[test]
    fn the_second_holder_is_told_who_the_first_is() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("state.lock");
        assert_eq!(super::holder(&path).expect("nothing is there"), None);
        assert!(!path.exists(), "asking makes no lock");
        let held = Lock::take(&path, jiff::Timestamp::UNIX_EPOCH).expect("free");
        assert!(super::holder(&path).expect("there").is_some_and(|holder| holder.ends_with("since 1970-01-01T00:00:00Z")));
        let Err(LockError::Held { holder, .. }) = Lock::take(&path, jiff::Timestamp::UNIX_EPOCH) else { panic!("two holders") };
        assert!(holder.starts_with(&format!("process {}", std::process::id())), "{holder}");
        drop(held);
        assert_eq!(super::holder(&path).expect("there"), None);
        Lock::take(&path, jiff::Timestamp::UNIX_EPOCH).expect("free again");
    }
}
