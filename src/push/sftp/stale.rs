//! Files of ours that are no longer part of the feed: removed, or emptied where a server lets us
//! write and not remove, so that what they held is not taken for part of the feed.

use super::session::{Session, Shard};
use super::{Sftp, Trouble};
use crate::product::text;
use crate::push::error::PushError;
use crate::push::names::{is_feed, unfinished};
use crate::push::{Desk, Verdict};
use crate::render::Compression;
use crate::render::file::Output;
use std::path::Path;

impl Session {
    /// Clears a stale file away.
    pub(super) async fn clear(&self, to: &Sftp, desk: &Desk<'_>, stale: &str, verdict: &mut Verdict) -> Result<(), Trouble> {
        let path = format!("{}{stale}", to.folder);
        let shown = text::excerpt(&text::without_controls(stale), 100);
        let said = match self.remove(&path).await {
            Ok(()) => "removed",
            Err(refused @ Trouble::Final(_)) => {
                let Some(empty) = empty(desk.folder, stale, &to.prefix).map_err(Trouble::Final)? else { return Err(refused) };
                let bytes = std::fs::metadata(&empty).map_err(|error| Trouble::Final(PushError::io(&empty)(error)))?.len();
                if self.size(&path).await? == Some(bytes) {
                    return Ok(());
                }
                let digest = crate::push::feed::digest(&empty).map_err(Trouble::Final)?;
                let beside = if self.renames { format!("{}{}", to.folder, unfinished(stale, &digest)) } else { path.clone() };
                self.write(&Shard { file: &empty, digest, bytes, beside: beside.clone(), path: path.clone() }, false, &to.shared.meter)
                    .await?;
                if self.renames {
                    self.rename(&beside, &path).await?;
                }
                "emptied"
            }
            Err(broken) => return Err(broken),
        };
        if is_feed(stale, &to.prefix) {
            verdict.notes.push(format!("{said} {shown}, which is no longer part of the feed"));
        }
        Ok(())
    }
}

/// An empty feed in the format of a stale file, where lines without any make one.
fn empty(folder: &Path, stale: &str, prefix: &str) -> Result<Option<std::path::PathBuf>, PushError> {
    let format = stale.strip_prefix(prefix).and_then(|name| name.split_once('.')).map(|(_, ending)| ending);
    let compression = match format {
        Some("jsonl") => Compression::None,
        Some("jsonl.gz") => Compression::Gzip,
        Some("jsonl.zst") => Compression::Zstd,
        _ => return Ok(None),
    };
    let written = |error: crate::render::file::WriteError| PushError::Io { path: error.path, source: error.source };
    let path = folder.join("empty");
    Output::create(&path, compression).and_then(|output| output.finish()?.publish()).map_err(written)?;
    Ok(Some(path))
}
