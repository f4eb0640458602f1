//! Counters of a run, and the check that nothing was lost: `records = items + skipped` and
//! `items = accepted + rejected`.

use crate::finding::{Finding, Severity};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What was read of one source.
#[derive(Clone, Debug, Default)]
pub struct InputSummary {
    /// The file as given.
    pub file: String,
    /// The format's word, with the compression.
    pub format: String,
    /// The encoding's name.
    pub encoding: String,
    /// The preset.
    pub preset: String,
    /// Records read, the header not counted.
    pub records: u64,
    /// Bytes on disk.
    pub bytes: u64,
    /// Digest of those bytes.
    pub blake3: String,
}

impl InputSummary {
    /// The same for scripts.
    pub fn json(&self) -> Value {
        json!({ "file": self.file, "format": self.format, "encoding": self.encoding, "preset": self.preset, "records": self.records,
                "bytes": self.bytes, "blake3": self.blake3 })
    }
}

/// What became of the records for one target.
#[derive(Clone, Debug, Default)]
pub struct Counts {
    /// Records read.
    pub records: u64,
    /// Records that are no items, or could not be read.
    pub skipped: u64,
    /// Items made of the others.
    pub items: u64,
    /// Groups with at least one accepted item.
    pub groups: u64,
    /// Items in the feed.
    pub accepted: u64,
    /// Items left out.
    pub rejected: u64,
    /// Why records were skipped.
    pub skipped_by: BTreeMap<String, u64>,
    /// Findings by code.
    pub by_code: BTreeMap<String, u64>,
    /// Findings by severity: advice, warnings, errors.
    pub by_severity: [u64; 3],
}

impl Counts {
    /// Counts a finding, once for each value it is about.
    pub fn finding(&mut self, finding: &Finding) {
        let times = finding.times();
        self.by_severity[finding.severity as usize] += times;
        match self.by_code.get_mut(&*finding.code) {
            Some(count) => *count += times,
            None => {
                self.by_code.insert(finding.code.to_string(), times);
            }
        }
    }

    /// Counts records that make no item, and why.
    pub fn skip(&mut self, reason: &str, records: u64) {
        if records == 0 {
            return;
        }
        self.skipped += records;
        match self.skipped_by.get_mut(reason) {
            Some(count) => *count += records,
            None => {
                self.skipped_by.insert(reason.to_owned(), records);
            }
        }
    }

    /// Findings of a severity.
    pub fn of(&self, severity: Severity) -> u64 {
        self.by_severity[severity as usize]
    }

    /// Whether every record is accounted for.
    pub fn is_conserved(&self) -> bool {
        self.records == self.items + self.skipped
            && self.items == self.accepted + self.rejected
            && self.skipped == self.skipped_by.values().sum::<u64>()
    }
}

/// What was repaired of a feed in its own file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Repaired {
    /// Records in the file.
    pub records: u64,
    /// Records of which cells changed.
    pub changed: u64,
    /// Cells that changed.
    pub cells: u64,
}

#[cfg(test)]
mod tests {
    use super::Counts;

    #[test]
    fn a_lost_record_shows() {
        let mut counts = Counts { records: 3, items: 2, skipped: 1, accepted: 1, rejected: 1, ..Counts::default() };
        counts.skipped_by.insert("image".into(), 1);
        assert!(counts.is_conserved());
        counts.records = 4;
        assert!(!counts.is_conserved());
    }
}
