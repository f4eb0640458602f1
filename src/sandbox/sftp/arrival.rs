//! A file that has taken its name: judged, and where it is an upload to a feed of the Ads API,
//! handed to that.

use super::tree::{self, Stored};
use crate::sandbox::fault::Strike;
use crate::sandbox::judge::Judgement;
use crate::sandbox::{Delivery, Shared, call, judge, snapshot};
use std::fmt::Write;

/// Refusals that a verdict names.
const NAMED: usize = 3;

/// A file under its name.
#[derive(Debug)]
pub(super) struct Arrival {
    pub(super) user: String,
    pub(super) path: String,
    pub(super) file: Stored,
}

impl Arrival {
    /// Judges the file, which may take a while; the verdict in words.
    pub(super) fn judge(&self, shared: &Shared) -> String {
        let (spec, feed) = shared.account(&self.user, |account| (account.spec.clone(), account.feed.clone()));
        let found = snapshot::read(self.file.path(), &spec, judge::date(shared.now()));
        let verdict = format!("{spec}: {}", words(&found.judgement));
        let (rows, accepted) = (found.judgement.rows, found.rows.len() as u64);
        let delivery = Delivery {
            way: "sftp",
            path: format!("{}:{}", self.user, self.path),
            bytes: tree::size(&self.file),
            blake3: call::digest(&self.file),
            accepted,
            rejected: rows.saturating_sub(accepted),
            rows: found.rows.clone(),
        };
        let world = &mut *shared.world();
        let twist = match world.faults.strike("SFTP upload", &[&self.path, &delivery.path]) {
            Some((Strike::Twist(twist), _)) => Some(twist),
            _ => None,
        };
        world.deliveries.push(delivery);
        if let Some(feed) = feed.and_then(|feed| world.ads_feed(&feed)) {
            feed.receive(self.path.trim_start_matches('/'), found, twist);
        }
        verdict
    }
}

/// What a feed came to.
fn words(judgement: &Judgement) -> String {
    if let Some(failure) = &judgement.failure {
        return format!("the whole file is refused: {failure}");
    }
    let (rows, refused) = (judgement.rows, judgement.refused.len());
    let mut words = format!("{rows} rows, {} accepted, {refused} rejected", rows.saturating_sub(refused as u64));
    for (row, refusal) in judgement.refused.iter().take(NAMED) {
        // A string is written without fail.
        write!(words, "; row {row} `{}`: {}", refusal.item, refusal.message).unwrap_or_default();
    }
    if refused > NAMED {
        write!(words, "; {} more", refused - NAMED).unwrap_or_default();
    }
    crate::product::text::one_line(&crate::product::text::without_controls(&words))
}
