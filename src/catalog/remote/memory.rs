//! What servers said of the catalogs that were built last, in a small file between runs.
//!
//! It only ever saves work: a file that is missing, damaged or of another version is as good
//! as none, and the catalog is read.

use super::Validators;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

/// The version of the file's form.
const SCHEMA: &str = "feedmill.remote/1";
/// Most catalogs that are remembered.
const MOST: usize = 1000;

/// What is known of one catalog, as it was built with certain settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    /// What the server said.
    pub validators: Validators,
    /// The digest of what was read.
    pub blake3: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct File {
    schema: String,
    catalogs: BTreeMap<String, Known>,
}

/// The memory in a state folder.
#[derive(Clone, Debug)]
pub struct Memory(PathBuf);

impl Memory {
    /// The memory in `folder`, which need not exist.
    pub fn of(folder: &Path) -> Self {
        Self(folder.join("remote.json"))
    }

    fn read(&self) -> BTreeMap<String, Known> {
        let text = std::fs::read_to_string(&self.0).unwrap_or_default();
        let file = serde_json::from_str::<File>(&text).ok().filter(|file| file.schema == SCHEMA);
        file.map(|file| file.catalogs).unwrap_or_default()
    }

    /// What is known under `key`.
    pub fn recall(&self, key: &str) -> Option<Known> {
        self.read().remove(key)
    }

    /// Remembers a catalog under `key`.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn remember(&self, key: &str, known: Known) -> std::io::Result<()> {
        let mut catalogs = self.read();
        while catalogs.len() >= MOST {
            catalogs.pop_first();
        }
        catalogs.insert(key.to_owned(), known);
        let folder = self.0.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder)?;
        let mut file = tempfile::Builder::new().prefix(".remote-").tempfile_in(folder)?;
        let text = serde_json::to_string_pretty(&File { schema: SCHEMA.to_owned(), catalogs })?;
        file.write_all(text.as_bytes())?;
        file.as_file().sync_all()?;
        file.persist(&self.0).map(drop).map_err(|error| error.error)
    }
}

#[cfg(test)]
mod tests {
    use super::{Known, Memory};
    use crate::catalog::remote::Validators;

    #[test]
    fn remembers_and_forgets_what_is_damaged() {
        let folder = tempfile::tempdir().expect("a folder");
        let memory = Memory::of(&folder.path().join("new"));
        assert_eq!(memory.recall("a"), None);
        let known = Known { validators: Validators { etag: Some("\"1\"".into()), last_modified: None }, blake3: "x".into() };
        memory.remember("a", known.clone()).expect("written");
        memory.remember("b", known.clone()).expect("written");
        assert_eq!(memory.recall("a"), Some(known));
        let text = std::fs::read_to_string(&memory.0).expect("there").replace("remote/1", "remote/9");
        let mut file = std::fs::OpenOptions::new().write(true).truncate(true).open(&memory.0).expect("there");
        std::io::Write::write_all(&mut file, text.as_bytes()).expect("written");
        assert_eq!(memory.recall("a"), None);
    }
}
