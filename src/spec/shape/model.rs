//! `shape.toml` as written. Every key is known here; an unknown one is an error.

use serde::Deserialize;
use std::collections::BTreeMap;

/// `shape.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShapeFile {
    /// The field whose value the rows of a group share; it names the group in the feed.
    pub key: String,
    /// What one object of the feed is called in the published names, such as `products[]`.
    pub group_object: String,
    /// What the object of one row is called; not given where a row is a group of its own.
    #[serde(default)]
    pub row_object: String,
    /// The member of the group's object that lists its rows.
    #[serde(default)]
    pub rows: String,
    /// Whether objects may hold only what is published.
    pub closed: bool,
    /// Objects and lists that must hold something.
    #[serde(default)]
    pub not_empty: Vec<String>,
    /// Words turned into others where a template asks for it.
    #[serde(default)]
    pub map: BTreeMap<String, toml::Table>,
    /// What the rows of a group say once.
    pub group: toml::Table,
    /// What each row says.
    #[serde(default)]
    pub row: toml::Table,
    /// Most groups in one body.
    pub groups_per_body: Option<u64>,
    /// Most bytes of one body.
    pub bytes_per_body: Option<u64>,
    /// The files of a feed.
    pub output: Vec<FeedOutput>,
    /// The published fields, by name.
    pub field: toml::Table,
}

/// A file, or a series of files, of a feed.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeedOutput {
    /// The word of `--format` that asks for it.
    pub format: String,
    /// How the groups stand in it.
    pub kind: OutputKind,
    /// Its name below the target's folder; `{n}` counts bodies from 0001.
    pub file: String,
    /// The member of a body that lists the groups; without it a body is a bare list.
    pub list: Option<String>,
    /// Further members of the object, each a published field about the whole feed with the
    /// setting that gives it.
    #[serde(default)]
    pub members: toml::Table,
    /// What the published names of those members begin with.
    pub object: Option<String>,
}

/// How groups stand in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OutputKind {
    /// One object a line, the whole feed.
    Lines,
    /// Requests of limited size, each with whole groups.
    Bodies,
    /// One object about the whole feed, without groups.
    Header,
}
