//! A baseline in the making: every finding that may be known, in an order that does not depend on
//! where rows stand, so that a repository shows what came and went.

use super::Finding;
use super::baseline::{Known, SCHEMA, can_be_known};
use super::sink::Hide;
use serde_json::json;
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

/// As many entries as memory is spent on; a catalog with more has faults that are no exceptions.
const MOST: usize = 1_000_000;

/// Code, target, attribute, group and item, and whether it is about the column as a whole.
type Key = (Arc<str>, Option<Arc<str>>, Option<Arc<str>>, Option<String>, String, bool);

/// The findings of a run, which are known from now on.
#[derive(Debug)]
pub struct Recorded {
    file: String,
    /// The fingerprint, and how often it was found.
    entries: BTreeMap<Key, (u64, u64)>,
    hidden: u64,
}

impl Recorded {
    /// Nothing found yet, to be written to `path`.
    pub fn new(path: &Path) -> Self {
        Self { file: path.display().to_string(), entries: BTreeMap::new(), hidden: 0 }
    }

    /// Writes the baseline: what it is, then an entry a line.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "{}", json!({ "schema": SCHEMA, "entries": self.entries.len() }))?;
        for ((code, target, attribute, group, item, is_whole), (fingerprint, times)) in &self.entries {
            let mut line = json!({ "fingerprint": format!("{fingerprint:016x}"), "code": &**code });
            let mut put = |key: &str, value: Option<&str>| {
                if let Some(value) = value.filter(|value| !value.is_empty()) {
                    line[key] = json!(value);
                }
            };
            put("target", target.as_deref());
            put("attribute", attribute.as_deref());
            put("group", group.as_deref());
            put("item", Some(item));
            if *is_whole {
                line["values"] = json!(times);
            } else if *times > 1 {
                line["times"] = json!(times);
            }
            writeln!(out, "{line}")?;
        }
        out.flush()
    }
}

impl Hide for Recorded {
    fn hides(&mut self, finding: &Finding) -> bool {
        if !can_be_known(finding) {
            return false;
        }
        let Finding { code, target, attribute, group, item, extent, .. } = finding;
        let key = (Arc::clone(code), target.clone(), attribute.clone(), group.clone(), item.clone(), extent.is_some());
        // What has no room is reported, and so fails the run like any other finding.
        if self.entries.len() >= MOST && !self.entries.contains_key(&key) {
            return false;
        }
        self.entries.entry(key).or_insert((finding.fingerprint(), 0)).1 += finding.times();
        self.hidden += finding.times();
        true
    }

    fn known(&self) -> Known {
        Known { file: self.file.clone(), hidden: self.hidden, gone: 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::Recorded;
    use crate::finding::baseline::Baseline;
    use crate::finding::sink::Hide;
    use crate::finding::{Extent, Finding, Place, Severity};

    #[test]
    fn what_was_recorded_is_known() {
        let finding = |item: &str, line| {
            let place = Place { line, ..Place::default() };
            Finding { item: item.to_owned(), ..Finding::own("price/missing".into(), Severity::Error, String::new(), place) }
        };
        let whole = Finding { extent: Some(Extent { values: 400, last: 500 }), ..finding("", 101) };
        let found = [finding("B", 3), finding("A|\"\u{202e}", 2), finding("B", 9), whole];
        let write = |found: &[Finding]| {
            let mut file = tempfile::NamedTempFile::new().expect("a file");
            let mut recorded = Recorded::new(file.path());
            assert!(found.iter().all(|one| recorded.hides(one)));
            recorded.write(file.as_file_mut()).expect("written");
            file
        };
        let text = |file: &tempfile::NamedTempFile| std::fs::read_to_string(file.path()).expect("text");
        let file = write(&found);
        let written = text(&file);
        assert_eq!(written.lines().count(), 4, "the two of B are one entry: {written}");
        let mut known = Baseline::read(file.path()).expect("sound");
        assert!(found.iter().all(|one| known.hides(one)));
        assert_eq!((known.known().hidden, known.known().gone), (403, 0));
        assert!(!known.hides(&Finding { code: "price/format".into(), ..finding("B", 3) }), "another fault of the same item");

        let moved: Vec<Finding> = found.iter().rev().cloned().collect();
        assert_eq!(text(&write(&moved)), written, "rows may move");
    }
}
