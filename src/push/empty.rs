//! A feed without a row, which takes the place of a stale shard where a receiver lets us write
//! and not remove: what the shard held is not taken for part of the feed any more.

use super::error::PushError;
use super::{Desk, Part, feed};
use crate::render::FeedFormat;
use crate::render::file::WriteError;
use crate::spec;
use std::path::{Path, PathBuf};

/// Writes an empty feed in the format that a stale file's name ends with, with the columns of
/// the feed that took its place; nothing where the name is none of a feed.
///
/// # Errors
/// When it cannot be written.
pub(super) fn instead_of(desk: &Desk<'_>, part: &Part, stale: &str, prefix: &str) -> Result<Option<PathBuf>, PushError> {
    let ending = stale.strip_prefix(prefix).and_then(|name| name.split_once('.')).map(|(_, ending)| ending);
    let Some(format) = ending.and_then(|ending| FeedFormat::parse(ending).ok()) else { return Ok(None) };
    let built = part.files.first().and_then(|file| file.parent()).unwrap_or(Path::new("."));
    let manifest = feed::manifest(built)?;
    let name = format!("{}@{}", manifest.target, manifest.spec);
    let spec = spec::load::spec(&name).map_err(|error| PushError::Feed(error.to_string()))?;
    // What is around the products of a nested feed is not known here; lines have nothing around them.
    if spec.shape.is_some() && format.rows != "jsonl" {
        return Ok(None);
    }
    let fields = manifest.index.iter().flat_map(|index| &index.fields);
    let columns: Vec<_> = fields.filter_map(|field| spec.field(&field.name)).collect();
    let written = |error: WriteError| PushError::Io { path: error.path, source: error.source };
    let path = desk.folder.join(format!("empty.{}", format.word()));
    let body = format.container(&spec, &columns, 1).begin(&path).map_err(written)?;
    body.finish().and_then(crate::render::file::Finished::publish).map_err(written)?;
    Ok(Some(path))
}
