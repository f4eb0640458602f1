//! Rendering: accepted rows as bytes of a feed, in the format asked for.

pub mod delimited;
pub mod feed;
pub mod file;
pub mod json;
pub mod manifest;
pub mod xml;

use crate::cell::Slot;
use crate::spec::{FieldId, Spec};

/// Writes rows of one feed in one format; shared by all threads.
pub trait RowWriter: Send + Sync {
    /// What stands before the first row.
    fn head(&self) -> String;
    /// Appends one row.
    fn row(&self, buffer: &str, row: &[Slot], out: &mut String);
    /// What stands between two rows.
    fn between(&self) -> &'static str {
        ""
    }
    /// What stands after the last row.
    fn tail(&self) -> String {
        String::new()
    }
}

/// How the bytes of a feed are packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    None,
    /// gzip.
    Gzip,
    /// Zstandard.
    Zstd,
}

/// A format of feeds: the rows and the packing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeedFormat {
    /// The rows: one of [`ROW_FORMATS`].
    pub rows: &'static str,
    /// The packing.
    pub compression: Compression,
}

/// The words for rows.
pub const ROW_FORMATS: [&str; 5] = ["csv", "tsv", "json", "jsonl", "xml"];

impl FeedFormat {
    /// Reads a word such as `jsonl.gz`.
    ///
    /// # Errors
    /// What is wrong, with the words that are known.
    pub fn parse(word: &str) -> Result<Self, String> {
        let (rows, packing) = word.split_once('.').map_or((word, None), |(rows, packing)| (rows, Some(packing)));
        let compression = match packing {
            None => Compression::None,
            Some("gz") => Compression::Gzip,
            Some("zst") => Compression::Zstd,
            Some(other) => return Err(format!("`{other}` is no compression; known: gz, zst")),
        };
        let known = ROW_FORMATS.iter().find(|known| **known == rows);
        let rows = known.ok_or_else(|| format!("`{rows}` is no format; known: {}, each also with .gz or .zst", ROW_FORMATS.join(", ")))?;
        Ok(Self { rows, compression })
    }

    /// The word, which is also the ending of files.
    pub fn word(self) -> String {
        match self.compression {
            Compression::None => self.rows.to_owned(),
            Compression::Gzip => format!("{}.gz", self.rows),
            Compression::Zstd => format!("{}.zst", self.rows),
        }
    }

    /// A writer of these rows.
    pub fn writer(self, spec: &Spec, columns: &[FieldId]) -> Box<dyn RowWriter> {
        match self.rows {
            "tsv" => Box::new(delimited::Delimited::new(spec, columns, b'\t')),
            "json" => Box::new(json::Json::new(spec, columns, json::Layout::Array)),
            "jsonl" => Box::new(json::Json::new(spec, columns, json::Layout::Lines)),
            "xml" => Box::new(xml::Xml::new(spec, columns)),
            _ => Box::new(delimited::Delimited::new(spec, columns, b',')),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Compression, FeedFormat};

    #[test]
    fn words_of_formats() {
        assert_eq!(FeedFormat::parse("jsonl.gz"), Ok(FeedFormat { rows: "jsonl", compression: Compression::Gzip }));
        assert_eq!(FeedFormat::parse("csv").map(FeedFormat::word).as_deref(), Ok("csv"));
        assert!(FeedFormat::parse("csv.bz2").is_err() && FeedFormat::parse("xls").is_err());
    }
}
