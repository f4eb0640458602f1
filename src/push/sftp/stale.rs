//! Files of ours that are no longer part of the feed: removed, or emptied where a server lets us
//! write and not remove, so that what they held is not taken for part of the feed.

use super::Sftp;
use super::session::{Session, Shard};
use super::trouble::Trouble;
use crate::product::text;
use crate::push::error::PushError;
use crate::push::names::{is_feed, unfinished};
use crate::push::{Desk, Part, Verdict, empty};

impl Session {
    /// Clears a stale file away, now that the parts of the feed stand under their names.
    pub(super) async fn clear(&self, to: &Sftp, desk: &Desk<'_>, part: &Part, stale: &str, verdict: &mut Verdict) -> Result<(), Trouble> {
        let path = format!("{}{stale}", to.folder);
        let shown = text::excerpt(&text::without_controls(stale), 100);
        let said = match self.remove(&path).await {
            Ok(()) => "removed",
            Err(refused @ Trouble::Final(_)) => {
                if !is_feed(stale, &to.prefix) {
                    verdict.notes.push(format!("{shown}, which a transfer that was cut left there, may not be removed; nobody reads it"));
                    return Ok(());
                }
                let empty = empty::instead_of(desk, part, stale, &to.prefix).map_err(Trouble::Final)?;
                let Some(empty) = empty else { return Err(refused) };
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
