//! Baselines: findings that are known and lived with for now, so that only new ones fail a run.
//!
//! A finding is known by its fingerprint, which has no line in it: rows may move. Where every
//! value of a column had a defect, the defect of that column is known, whatever rows come. What
//! makes a target refuse the whole file, or leaves nothing to publish, is never hidden.

use super::Finding;
use super::sink::Hide;
use crate::spec::terms::Consequence;
use serde::Deserialize;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// What a baseline says it is.
pub const SCHEMA: &str = "feedmill.baseline/1";

/// A baseline that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BaselineError {
    /// It cannot be read.
    #[error("{}: the baseline cannot be read: {source}; `--write-baseline` writes one", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is something else.
    #[error("{}:{line}: {message}; a baseline is written by `--write-baseline`, and a report as jsonl will do", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        message: String,
    },
}

/// A line of a baseline, or of a report as JSON Lines.
#[derive(Deserialize)]
struct Line {
    schema: Option<String>,
    fingerprint: Option<String>,
    code: Option<String>,
    /// The name of the target; in the last line of a report more than that.
    target: Option<serde_json::Value>,
    attribute: Option<String>,
    times: Option<u32>,
    values: Option<u64>,
}

/// What is known of a fingerprint.
#[derive(Clone, Copy, Debug)]
struct Entry {
    /// Findings that may still come.
    left: u32,
}

/// Known findings, each hidden as often as it was known.
#[derive(Debug)]
pub struct Baseline {
    file: String,
    each: HashMap<u64, Entry>,
    /// The columns that were wrong as a whole, and whether that was met again.
    whole: HashMap<u64, bool>,
    hidden: u64,
}

/// What became of a baseline in a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// The file.
    pub file: String,
    /// Findings that were hidden.
    pub hidden: u64,
    /// Entries of which nothing was found any more, or less.
    pub gone: u64,
}

impl Baseline {
    /// Reads a baseline.
    ///
    /// # Errors
    /// When it cannot be read, or a line is neither of a baseline nor of a report.
    pub fn read(path: &Path) -> Result<Self, BaselineError> {
        let text = std::fs::read_to_string(path).map_err(|source| BaselineError::Io { path: path.to_owned(), source })?;
        let mut known = Self { file: path.display().to_string(), each: HashMap::new(), whole: HashMap::new(), hidden: 0 };
        let mut is_told = false;
        for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let wrong = |message: String| BaselineError::Content { path: path.to_owned(), line: number + 1, message };
            let line: Line = serde_json::from_str(line).map_err(|error| wrong(format!("this is no line of a baseline: {error}")))?;
            if let Some(schema) = line.schema.as_deref() {
                if schema.starts_with("feedmill.baseline/") && schema != SCHEMA {
                    return Err(wrong(format!("`{schema}` is not {SCHEMA}, which this version reads")));
                }
                is_told = true;
            }
            known.take(&line).map_err(wrong)?;
        }
        if !is_told && known.each.is_empty() && known.whole.is_empty() {
            return Err(BaselineError::Content { path: path.to_owned(), line: 1, message: "the file names no finding".to_owned() });
        }
        Ok(known)
    }

    fn take(&mut self, line: &Line) -> Result<(), String> {
        let Some(fingerprint) = &line.fingerprint else {
            return if line.schema.is_some() { Ok(()) } else { Err("the line has neither `fingerprint` nor `schema`".to_owned()) };
        };
        if line.values.is_some() {
            let code = line.code.as_deref().ok_or_else(|| "a defect of a whole column has no `code`".to_owned())?;
            let column = super::fingerprint([
                Some(code),
                line.target.as_ref().and_then(serde_json::Value::as_str),
                None,
                None,
                line.attribute.as_deref(),
            ]);
            self.whole.insert(column, false);
            return Ok(());
        }
        let hash = u64::from_str_radix(fingerprint, 16).map_err(|_| format!("`{fingerprint}` is no fingerprint"))?;
        let entry = self.each.entry(hash).or_insert(Entry { left: 0 });
        entry.left = entry.left.saturating_add(line.times.unwrap_or(1));
        Ok(())
    }
}

impl Hide for Baseline {
    /// Each entry hides as many as it names.
    fn hides(&mut self, finding: &Finding) -> bool {
        if !can_be_known(finding) {
            return false;
        }
        let each = self.each.get_mut(&finding.fingerprint()).filter(|entry| finding.extent.is_none() && entry.left > 0);
        let is_known = match each {
            Some(entry) => {
                entry.left -= 1;
                true
            }
            None => self.whole.get_mut(&finding.column_fingerprint()).map(|met| *met = true).is_some(),
        };
        if is_known {
            self.hidden += finding.times();
        }
        is_known
    }

    fn known(&self) -> Known {
        let each = self.each.values().filter(|entry| entry.left > 0).count();
        let whole = self.whole.values().filter(|met| !**met).count();
        Known { file: self.file.clone(), hidden: self.hidden, gone: (each + whole) as u64 }
    }
}

/// Whether a baseline may hide a finding.
pub fn can_be_known(finding: &Finding) -> bool {
    finding.consequence != Consequence::FileRefused && !finding.code.starts_with("feed/")
}

#[cfg(test)]
mod tests {
    use super::Baseline;
    use crate::finding::sink::Hide;
    use crate::finding::{Extent, Finding, Place, Severity};
    use crate::spec::terms::Consequence;
    use std::io::Write as _;

    fn finding(item: &str, extent: Option<u64>) -> Finding {
        let extent = extent.map(|values| Extent { values, last: 9 });
        let place = Place { line: 7, ..Place::default() };
        Finding { item: item.to_owned(), extent, ..Finding::own("gtin/check-digit".into(), Severity::Error, String::new(), place) }
    }

    fn baseline(lines: &[String]) -> Result<Baseline, String> {
        let mut file = tempfile::NamedTempFile::new().expect("a file");
        file.write_all(lines.join("\n").as_bytes()).expect("written");
        Baseline::read(file.path()).map_err(|error| error.to_string())
    }

    fn line(finding: &Finding, rest: &str) -> String {
        format!("{{\"fingerprint\":\"{:016x}\",\"code\":\"{}\"{rest}}}", finding.fingerprint(), finding.code)
    }

    #[test]
    fn a_finding_is_hidden_as_often_as_it_was_known() {
        let mut known = baseline(&[line(&finding("A", None), ",\"times\":2"), line(&finding("B", None), "")]).expect("sound");
        let hidden: Vec<bool> = ["A", "A", "A", "C"].iter().map(|item| known.hides(&finding(item, None))).collect();
        assert_eq!(hidden, [true, true, false, false]);
        assert_eq!((known.known().hidden, known.known().gone), (2, 1), "B was not found again");
    }

    #[test]
    fn a_column_that_was_wrong_is_known_whatever_rows_come() {
        let mut known = baseline(&[line(&finding("", Some(400)), ",\"values\":400")]).expect("sound");
        assert!(known.hides(&finding("", Some(3_000))) && known.hides(&finding("NEW", None)));
        assert_eq!(known.known().hidden, 3_001);
        let mut known = baseline(&[line(&finding("A", None), "")]).expect("sound");
        assert!(!known.hides(&finding("", Some(2))), "one bad row is not the column");
    }

    #[test]
    fn what_stops_a_whole_feed_is_never_hidden() {
        let refused = Finding { consequence: Consequence::FileRefused, ..finding("A", None) };
        let empty = Finding { code: "feed/no-item".into(), ..finding("", None) };
        let mut known = baseline(&[line(&refused, ""), line(&empty, "")]).expect("sound");
        assert!(!known.hides(&refused) && !known.hides(&empty));
    }

    #[test]
    fn other_files_are_no_baselines() {
        let told = |lines: &[&str]| baseline(&lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>()).expect_err("refused");
        assert!(told(&["id,title"]).contains(":1: this is no line of a baseline"));
        assert!(told(&["{\"schema\":\"feedmill.baseline/1\"}", "{\"code\":\"a/b\"}"]).contains(":2: the line has neither"));
        assert!(told(&["{\"schema\":\"feedmill.baseline/2\"}"]).contains("`feedmill.baseline/2` is not"));
        assert!(told(&["{\"fingerprint\":\"xyz\"}"]).contains("`xyz` is no fingerprint"));
        assert!(told(&[""]).contains("names no finding"));
    }
}
