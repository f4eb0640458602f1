//! Everything a sandbox remembers.

use super::Delivery;
use super::ads::AdsFeed;
use super::fault::{Fault, Faults};
use super::idempotency::Ledger;
use super::nested::Feeds;
use super::objects::Objects;
use super::stripe::Stripe;
use super::transcript::Exchange;

/// The state behind all APIs.
#[derive(Debug)]
pub(super) struct World {
    /// What goes wrong.
    pub(super) faults: Faults,
    /// What was said.
    pub(super) transcript: Vec<Exchange>,
    /// Exchanges so far.
    pub(super) exchanges: usize,
    /// Answers kept for repeated requests.
    pub(super) ledger: Ledger,
    /// Imports, files and catalogs.
    pub(super) stripe: Stripe,
    /// Feeds made by API.
    pub(super) feeds: Feeds,
    /// Feeds of the advertiser.
    pub(super) ads: Vec<AdsFeed>,
    /// Whole feeds that were delivered.
    pub(super) deliveries: Vec<Delivery>,
    /// The object store.
    pub(super) objects: Objects,
    /// Who was let in by SFTP, by name.
    #[cfg(feature = "sftp")]
    pub(super) accounts: std::collections::BTreeMap<String, super::sftp::Account>,
}

impl World {
    pub(super) fn new(faults: Vec<Fault>) -> Self {
        Self {
            faults: Faults::new(faults),
            transcript: Vec::new(),
            exchanges: 0,
            ledger: Ledger::default(),
            stripe: Stripe::default(),
            feeds: Feeds::default(),
            ads: Vec::new(),
            deliveries: Vec::new(),
            objects: Objects::default(),
            #[cfg(feature = "sftp")]
            accounts: std::collections::BTreeMap::new(),
        }
    }
}
