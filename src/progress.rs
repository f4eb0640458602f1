//! Progress, as plain calls and counts: the library never draws.

use std::sync::atomic::{AtomicU64, Ordering};

/// Someone who wants to know how far a run is.
pub trait Progress: Sync {
    /// A stage begins; `bytes` is how much there is to read, where that is known.
    fn begin(&self, stage: &str, bytes: Option<u64>);
    /// The stage has come this far: bytes on disk and records.
    fn advance(&self, bytes: u64, records: u64);
    /// The stage has ended.
    fn end(&self);
}

/// Nobody wants to know.
#[derive(Clone, Copy, Debug)]
pub struct Silent;

impl Progress for Silent {
    fn begin(&self, _: &str, _: Option<u64>) {}
    fn advance(&self, _: u64, _: u64) {}
    fn end(&self) {}
}

/// Bytes that go out, from several places at once: counted by who sends, read by who draws.
#[derive(Debug, Default)]
pub struct Meter {
    expected: AtomicU64,
    sent: AtomicU64,
}

impl Meter {
    /// So many bytes are about to be sent, be it again.
    pub fn expect(&self, bytes: u64) {
        self.expected.fetch_add(bytes, Ordering::Relaxed);
    }

    /// So many of them are gone, or need not go because they are there.
    pub fn sent(&self, bytes: u64) {
        self.sent.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Bytes that are gone, of how many.
    pub fn read(&self) -> (u64, u64) {
        (self.sent.load(Ordering::Relaxed), self.expected.load(Ordering::Relaxed))
    }
}
