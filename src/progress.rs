//! Progress, as plain calls: the library never draws.

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
