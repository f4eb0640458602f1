//! What a build left to be delivered: the manifest, the files of one format, and the index.

use super::error::PushError;
use crate::render::index;
use crate::render::manifest::{self, Manifest, ManifestFile};
use std::io::Read;
use std::path::{Path, PathBuf};

/// A built feed.
#[derive(Debug)]
pub struct Built {
    /// The folder it lies in.
    pub folder: PathBuf,
    /// What the build says of it.
    pub manifest: Manifest,
    /// The files that are delivered, all of one format.
    pub files: Vec<ManifestFile>,
    /// The digest of what is delivered, by which a person lets it past the guards.
    pub digest: String,
}

impl Built {
    /// Finds the feed in a target's folder and checks that its bytes are those that were built.
    ///
    /// # Errors
    /// When there is no feed, or it is not as it was built.
    pub fn open(folder: &Path, format: Option<&str>) -> Result<Self, PushError> {
        let manifest = manifest(folder)?;
        let path = folder.join(manifest::NAME);
        let format = format.map_or_else(|| manifest.files.first().map(|file| file.format.clone()).unwrap_or_default(), str::to_owned);
        let files: Vec<ManifestFile> = manifest.files.iter().filter(|file| file.format == format).cloned().collect();
        if !manifest.accounts.is_empty() {
            let message = "each account has a feed of its own there; `accounts` of the target says whose an item is, or build it again";
            return Err(PushError::Feed(format!("{}: {message}", path.display())));
        }
        if files.is_empty() {
            return Err(PushError::Feed(format!("{}: nothing was built as `{format}`", path.display())));
        }
        let Some(listed) = &manifest.index else {
            return Err(PushError::Feed(format!(
                "{} has no index of its items: build it again with `deliver` set for the target",
                path.display()
            )));
        };
        if listed.name != index::NAME || !files.iter().all(ManifestFile::is_inside) {
            return Err(PushError::Feed(format!("{}: it names files that no build writes", path.display())));
        }
        let named = files.iter().map(|file| (&file.name, &file.blake3)).chain([(&listed.name, &listed.blake3)]);
        let mut whole = blake3::Hasher::new();
        // Feeds of two accounts may be alike, as empty ones are; each is approved for itself.
        whole.update(manifest.account.as_deref().unwrap_or("").as_bytes());
        for (name, expected) in named {
            let file = folder.join(name);
            // What was checked is what is sent.
            if digest(&file)? != *expected {
                return Err(PushError::Feed(format!("{} is not as it was built; build it again", file.display())));
            }
            whole.update(name.as_bytes());
            whole.update(expected.as_bytes());
        }
        let digest = whole.finalize().to_hex().as_str().chars().take(16).collect();
        Ok(Self { folder: folder.to_owned(), manifest, files, digest })
    }

    /// Where a file of the feed lies.
    pub fn path(&self, file: &ManifestFile) -> PathBuf {
        self.folder.join(&file.name)
    }

    /// Reads the index.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn index(&self) -> Result<index::Reader, PushError> {
        index::Reader::open(&self.folder).map_err(PushError::io(self.folder.join(index::NAME)))
    }

    /// Bytes of all files.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }
}

/// The manifest of what was built in a folder.
///
/// # Errors
/// When nothing was, or it cannot be read.
pub(super) fn manifest(folder: &Path) -> Result<Manifest, PushError> {
    let path = folder.join(manifest::NAME);
    let text = std::fs::read_to_string(&path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => PushError::Feed(format!("nothing was built in {}: run `feedmill build` first", folder.display())),
        _ => PushError::io(&path)(error),
    })?;
    serde_json::from_str(&text).map_err(|error| PushError::Feed(format!("{}: this is no manifest: {error}", path.display())))
}

/// The digest of a file.
pub(super) fn digest(path: &Path) -> Result<String, PushError> {
    let mut file = std::fs::File::open(path).map_err(PushError::io(path))?;
    let mut hasher = blake3::Hasher::new();
    let mut buffer = vec![0; 256 << 10];
    loop {
        match file.read(&mut buffer).map_err(PushError::io(path))? {
            0 => return Ok(hasher.finalize().to_hex().to_string()),
            read => drop(hasher.update(buffer.get(..read).unwrap_or_default())),
        }
    }
}

/// The sources of the feed in a folder, by number.
pub fn sources(folder: &Path) -> Option<Vec<std::sync::Arc<str>>> {
    let text = std::fs::read_to_string(folder.join(manifest::NAME)).ok()?;
    let manifest: Manifest = serde_json::from_str(&text).ok()?;
    Some(manifest.sources.iter().map(|source| source.file.as_str().into()).collect())
}
