//! Files: written beside, checked, and renamed, so that no reader ever sees half of one.

use super::Compression;
use super::gzip::{Gzip, Packers};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// Output cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("{}: {source}", path.display())]
pub struct WriteError {
    /// The file.
    pub path: PathBuf,
    /// What the system says.
    pub source: io::Error,
}

/// Counts and digests what is written to a file.
struct Tap {
    file: std::fs::File,
    hasher: blake3::Hasher,
    bytes: u64,
    /// How many of them were sent on their way to the disk.
    sent: u64,
}

/// How many bytes are sent on their way to the disk at a time.
const STRETCH: u64 = 8 << 20;

impl Tap {
    /// Has the system bring a stretch to the disk while more is being made, so that little is left
    /// to wait for at the end. Not waited for, and nothing depends on it: what goes wrong on the
    /// way is told when the file is synced.
    fn send(&mut self) {
        // The system writes what it is advised to forget, and forgets only what is on the disk.
        #[cfg(target_os = "linux")]
        if let Some(stretch) = std::num::NonZeroU64::new(self.bytes - self.sent) {
            rustix::fs::fadvise(&self.file, self.sent, Some(stretch), rustix::fs::Advice::DontNeed).unwrap_or_default();
        }
        self.sent = self.bytes;
    }
}

impl Write for Tap {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let written = self.file.write(buffer)?;
        self.hasher.update(buffer.get(..written).unwrap_or_default());
        self.bytes += written as u64;
        if self.bytes - self.sent >= STRETCH {
            self.send();
        }
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

// The buffer stands in front of the digest, which is several times faster on long pieces.
type Disk = BufWriter<Tap>;

enum Packed {
    Plain(Disk),
    Gzip(Gzip<Disk>),
    Zstd(zstd::stream::write::Encoder<'static, Disk>),
}

/// A file in the making; dropped, it leaves nothing behind.
pub struct Output {
    path: PathBuf,
    temporary: tempfile::TempPath,
    packed: Packed,
}

/// A file that is complete but does not stand under its name yet. It is closed: a feed may
/// have more files than a process may hold open.
#[derive(Debug)]
pub struct Finished {
    path: PathBuf,
    file: tempfile::TempPath,
    /// Bytes on disk.
    pub bytes: u64,
    /// Digest of those bytes.
    pub blake3: String,
}

/// What the names of unfinished files end with.
const UNFINISHED: &str = ".part";
/// Letters drawn by chance in such a name.
const CHANCE: usize = 6;
/// How hard Zstandard tries; 3 is its default.
pub(super) const ZSTD_LEVEL: i32 = 3;

impl Output {
    /// Begins a file that will stand at `path`; its folder is made if need be.
    pub fn create(path: &Path, compression: Compression) -> Result<Self, WriteError> {
        Self::create_with(path, compression, &Packers::new(1))
    }

    /// The same, with threads that pack it.
    pub(super) fn create_with(path: &Path, compression: Compression, packers: &Packers) -> Result<Self, WriteError> {
        let fail = |source| WriteError { path: path.to_owned(), source };
        let folder = folder(path);
        std::fs::create_dir_all(folder).map_err(fail)?;
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or("feed");
        let mut builder = tempfile::Builder::new();
        let prefix = format!(".{name}.");
        builder.prefix(&prefix).rand_bytes(CHANCE).suffix(UNFINISHED);
        // A published file is read by others: the usual mode, not the private one of temporary files.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644));
        // Apart from its name, so that what goes wrong is told of the name the file is to have.
        let (file, temporary) = builder.tempfile_in(folder).map_err(|error| fail(without_path(&error)))?.into_parts();
        let tap = BufWriter::with_capacity(256 << 10, Tap { file, hasher: blake3::Hasher::new(), bytes: 0, sent: 0 });
        let packed = match compression {
            Compression::None => Packed::Plain(tap),
            Compression::Gzip => Packed::Gzip(Gzip::new(tap, packers).map_err(fail)?),
            Compression::Zstd => Packed::Zstd(zstd::stream::write::Encoder::new(tap, ZSTD_LEVEL).map_err(fail)?),
        };
        Ok(Self { path: path.to_owned(), temporary, packed })
    }

    /// Appends bytes.
    ///
    /// # Errors
    /// When the disk takes them not.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), WriteError> {
        self.stream().write_all(bytes).map_err(|source| WriteError { path: self.path.clone(), source })
    }

    fn stream(&mut self) -> &mut dyn Write {
        match &mut self.packed {
            Packed::Plain(out) => out,
            Packed::Gzip(out) => out,
            Packed::Zstd(out) => out,
        }
    }

    /// Flushes everything to disk; a full disk shows here at the latest.
    pub fn finish(self) -> Result<Finished, WriteError> {
        let fail = |source| WriteError { path: self.path.clone(), source };
        let tap = match self.packed {
            Packed::Plain(tap) => tap,
            Packed::Gzip(out) => out.finish().map_err(fail)?,
            Packed::Zstd(out) => out.finish().map_err(fail)?,
        };
        let Tap { file, hasher, bytes, .. } = tap.into_inner().map_err(|error| fail(error.into_error()))?;
        file.sync_all().map_err(fail)?;
        Ok(Finished { path: self.path, file: self.temporary, bytes, blake3: hasher.finalize().to_hex().to_string() })
    }
}

/// For formats whose own library writes the file.
impl Write for Output {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.stream().write(buffer)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream().flush()
    }
}

impl Finished {
    /// Puts the file under its name.
    pub fn publish(self) -> Result<(), WriteError> {
        let path = self.path;
        self.file.persist(&path).map_err(|error| WriteError { path: path.clone(), source: error.error })?;
        // The rename is only safe once the folder itself is on disk; not every system can do this.
        if let Ok(folder) = std::fs::File::open(folder(&path)) {
            folder.sync_all().unwrap_or_default();
        }
        Ok(())
    }

    /// Where the bytes stand for now.
    pub fn temporary(&self) -> &Path {
        &self.file
    }

    /// Where the file will stand.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// The error without the name of the temporary file, which says nothing to anybody.
fn without_path(error: &io::Error) -> io::Error {
    let words = error.to_string();
    io::Error::new(error.kind(), words.split(" at path ").next().unwrap_or(&words))
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The name that a file was to have which a run left unfinished, where a name is one of such.
pub fn unfinished(name: &str) -> Option<&str> {
    let (name, chance) = name.strip_prefix('.')?.strip_suffix(UNFINISHED)?.rsplit_once('.')?;
    (chance.len() == CHANCE && chance.bytes().all(|letter| letter.is_ascii_alphanumeric())).then_some(name)
}

/// Writes a small text file whole.
pub fn write_text(path: &Path, text: &str) -> Result<(), WriteError> {
    let mut output = Output::create(path, Compression::None)?;
    output.write(text.as_bytes())?;
    output.finish()?.publish()
}
