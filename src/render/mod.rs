//! Rendering: accepted rows as bytes of a feed, in the format asked for.

mod before;
pub mod delimited;
pub mod feed;
pub mod file;
mod gzip;
pub mod index;
pub mod json;
pub mod json_schema;
pub mod manifest;
pub mod nested;
#[cfg(feature = "parquet")]
pub mod parquet;
pub mod products;
pub mod spool;
pub mod stream;
pub mod xml;

use crate::cell::Slot;
use crate::spec::{FieldId, Spec};
use std::io::Write;

pub use before::Before;
pub use feed::{Body, Container};

/// Writes rows of one feed in one format; shared by all threads. What it writes goes, row by
/// row, to the format's [`Container`].
pub trait RowWriter: Send + Sync {
    /// What stands before the first row.
    fn head(&self) -> String;
    /// Appends one row; `before` knows the last one that was appended to `out`.
    fn row(&self, buffer: &str, row: &[Slot], before: &mut Before, out: &mut String);
    /// What stands between two rows.
    fn between(&self) -> &'static str {
        ""
    }
    /// What stands after the last row.
    fn tail(&self) -> String {
        String::new()
    }
    /// Whether it writes what the rows of a group say once, and rows that stand together need
    /// be written only once.
    fn of_group(&self) -> bool {
        false
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

impl Compression {
    /// How many bytes these come to.
    fn packed(self, bytes: &[u8]) -> usize {
        match self {
            Self::None => bytes.len(),
            Self::Gzip => {
                let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(gzip::LEVEL));
                packed.write_all(bytes).and_then(|()| packed.finish()).map_or(bytes.len(), |packed| packed.len())
            }
            Self::Zstd => zstd::stream::encode_all(bytes, file::ZSTD_LEVEL).map_or(bytes.len(), |packed| packed.len()),
        }
    }
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
pub const ROW_FORMATS: [&str; 6] = ["csv", "tsv", "json", "jsonl", "xml", "parquet"];

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
        let rows = known
            .ok_or_else(|| format!("`{rows}` is no format; known: {}; all but parquet also with .gz or .zst", ROW_FORMATS.join(", ")))?;
        if *rows == "parquet" && !cfg!(feature = "parquet") {
            return Err("this feedmill was built without Parquet; build it with the feature `parquet`, or choose another format".to_owned());
        }
        if *rows == "parquet" && packing.is_some() {
            return Err(format!("`{word}`: Parquet is compressed inside, with Zstandard; write `parquet`"));
        }
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
            #[cfg(feature = "parquet")]
            "parquet" => Box::new(parquet::Cells::new(spec, columns)),
            _ => Box::new(delimited::Delimited::new(spec, columns, b',')),
        }
    }

    /// How those rows fill files, which so many threads may pack.
    pub fn container(self, spec: &Spec, columns: &[FieldId], threads: usize) -> Box<dyn Container> {
        match self.rows {
            #[cfg(feature = "parquet")]
            "parquet" => Box::new(parquet::Table::new(spec, columns)),
            _ => Box::new(stream::Stream::new(self.writer(spec, columns), self.compression, threads)),
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
        assert!(FeedFormat::parse("parquet.gz").is_err_and(|message| message.contains("Parquet")));
    }
}
