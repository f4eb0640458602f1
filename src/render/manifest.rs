//! The manifest beside a feed: what it is, what it was made of, and what its bytes are.

use serde::{Deserialize, Serialize};
use std::path::{Component, Path};

/// The name of the manifest file.
pub const NAME: &str = "feed.manifest.json";
/// The version of its shape; fields are only ever added.
pub const SCHEMA: &str = "feedmill.manifest/1";

/// A manifest.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Manifest {
    /// [`SCHEMA`].
    pub schema: String,
    /// The target's name.
    pub target: String,
    /// The spec's version.
    pub spec: String,
    /// Items in the feed.
    pub items: u64,
    /// Groups in the feed.
    pub groups: u64,
    /// The files.
    pub files: Vec<ManifestFile>,
    /// What it was made of.
    pub sources: Vec<ManifestSource>,
    /// The version of feedmill.
    pub feedmill: String,
    /// The index of the items beside the feed, where it is to be delivered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index: Option<ManifestIndex>,
    /// The account whose feed it is, where each has its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// The accounts that have feeds of their own, in folders below this one; there are no files
    /// here then.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accounts: Vec<String>,
}

impl Manifest {
    /// The spec that the feed follows, as specs are named.
    pub fn feed(&self) -> String {
        format!("{}@{}", self.target, self.spec)
    }

    /// The manifest in a folder, where there is one.
    pub fn read(folder: &Path) -> Option<Self> {
        std::fs::read_to_string(folder.join(NAME)).ok().and_then(|text| serde_json::from_str(&text).ok())
    }
}

/// Whether a text can name an account: it goes into a header and names a folder.
pub fn is_account(name: &str) -> bool {
    !name.is_empty() && name.len() <= 200 && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'/' | b'-'))
}

/// The folder of an account's feed, below that of the target: no two accounts have one, and
/// none leads elsewhere.
pub fn folder_of(account: &str) -> String {
    account.replace('/', "+")
}

/// The index of a feed's items, and where their fields come from.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct ManifestIndex {
    /// Its name, in the manifest's folder.
    pub name: String,
    /// Digest of its bytes.
    pub blake3: String,
    /// The fields of the feed.
    pub fields: Vec<ManifestField>,
}

/// A field of a feed.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct ManifestField {
    /// What the target calls it.
    pub name: String,
    /// The catalog attribute.
    pub attribute: String,
    /// By source: the column it comes from, from 1, and the column's name.
    pub columns: Vec<Option<(u32, String)>>,
}

/// A file of a feed.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct ManifestFile {
    /// Its name, in the manifest's folder.
    pub name: String,
    /// Its format.
    pub format: String,
    /// Rows.
    pub items: u64,
    /// What the file is, where a feed has files of several kinds: `feed`, `body` (a request to
    /// be sent), or `header`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// Products, where rows stand inside products.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub products: Option<u64>,
    /// Bytes on disk.
    pub bytes: u64,
    /// Digest of those bytes.
    pub blake3: String,
}

impl ManifestFile {
    /// Whether its name leads into its folder or below, as those that a build writes do.
    pub fn is_inside(&self) -> bool {
        !self.name.contains('\\') && Path::new(&self.name).components().all(|part| matches!(part, Component::Normal(_)))
    }
}

/// A source of a feed.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct ManifestSource {
    /// The file as given.
    pub file: String,
    /// Bytes on disk.
    pub bytes: u64,
    /// Digest of those bytes.
    pub blake3: String,
}
