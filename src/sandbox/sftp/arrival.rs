//! A file that has taken its name: judged, and where it is an upload to a feed of the Ads API,
//! handed to that.

use super::tree::{self, Stored};
use crate::sandbox::fault::Strike;
use crate::sandbox::{Delivery, Shared, call, judge, snapshot};

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
        let verdict = found.judgement.verdict(&spec);
        let (rows, accepted) = (found.judgement.rows, found.rows.len() as u64);
        let mut delivery = Delivery {
            way: "sftp",
            path: format!("{}:{}", self.user, self.path),
            bytes: tree::size(&self.file),
            blake3: call::digest(&self.file),
            accepted,
            rejected: rows.saturating_sub(accepted),
            rows: Vec::new(),
        };
        let world = &mut *shared.world();
        let twist = match world.faults.strike("SFTP upload", &[&self.path, &delivery.path]) {
            Some((Strike::Twist(twist), _)) => Some(twist),
            _ => None,
        };
        if let Some(feed) = feed.and_then(|feed| world.ads_feed(&feed)) {
            feed.receive(self.path.trim_start_matches('/'), found.clone(), twist);
        }
        delivery.rows = found.rows;
        world.deliveries.push(delivery);
        verdict
    }
}
