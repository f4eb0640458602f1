//! A feed on disk: one file, or several shards where one would pass the target's limits.
//!
//! How many rows there are shows only at the end, so a feed is first written as one file and
//! split afterwards if need be. A row's shard follows from its group alone: variants stay
//! together, and an item moves only when the number of shards doubles.

use super::file::{Finished, Output, WriteError};
use super::{Compression, FeedFormat, RowWriter};
use std::io::Read;
use std::path::{Path, PathBuf};

/// Limits of one file.
#[derive(Clone, Copy, Debug, Default)]
pub struct FileLimits {
    /// Most rows.
    pub items: Option<u64>,
    /// Most bytes.
    pub bytes: Option<u64>,
}

/// A feed in the making.
pub struct Feed {
    writer: Box<dyn RowWriter>,
    format: FeedFormat,
    folder: PathBuf,
    limits: FileLimits,
    output: Output,
    head: usize,
    rows: Vec<(u64, u32)>,
    count: u64,
    plain: u64,
}

/// A finished file of a feed.
pub struct FeedFile {
    /// The file, not yet under its name.
    pub file: Finished,
    /// Rows in it.
    pub items: u64,
}

/// Most shards; a feed that needs more is beyond every documented limit.
const MAX_SHARDS: u64 = 4096;

impl Feed {
    /// Begins a feed called `feed.<format>` in `folder`.
    pub fn create(folder: &Path, format: FeedFormat, writer: Box<dyn RowWriter>, limits: FileLimits) -> Result<Self, WriteError> {
        let mut output = Output::create(&folder.join(format!("feed.{}", format.word())), format.compression)?;
        let head = writer.head();
        output.write(head.as_bytes())?;
        Ok(Self { writer, format, folder: folder.to_owned(), limits, output, head: head.len(), rows: Vec::new(), count: 0, plain: 0 })
    }

    /// Renders one row, on any thread.
    pub fn writer(&self) -> &dyn RowWriter {
        &*self.writer
    }

    /// Appends a rendered row; `group` decides its shard.
    pub fn push(&mut self, row: &[u8], group: u64) -> Result<(), WriteError> {
        if self.count > 0 {
            self.output.write(self.writer.between().as_bytes())?;
        }
        self.output.write(row)?;
        self.count += 1;
        self.plain += row.len() as u64;
        if self.limits.items.is_some() || self.limits.bytes.is_some() {
            self.rows.push((group, row.len() as u32));
        }
        Ok(())
    }

    /// Ends the feed; the files are complete, but not yet under their names.
    pub fn finish(mut self) -> Result<Vec<FeedFile>, WriteError> {
        self.output.write(self.writer.tail().as_bytes())?;
        let whole = self.output.finish()?;
        let shards = shard_count(&self.rows, self.limits, self.plain, whole.bytes);
        if shards == 1 {
            return Ok(vec![FeedFile { file: whole, items: self.count }]);
        }
        let fail = |source| WriteError { path: whole.path().to_owned(), source };
        let file = std::fs::File::open(whole.temporary()).map_err(fail)?;
        let mut reader: Box<dyn Read> = match self.format.compression {
            Compression::None => Box::new(std::io::BufReader::new(file)),
            Compression::Gzip => Box::new(flate2::read::MultiGzDecoder::new(std::io::BufReader::new(file))),
            Compression::Zstd => Box::new(zstd::stream::read::Decoder::new(file).map_err(fail)?),
        };
        let skip = |reader: &mut dyn Read, length: usize, into: &mut Vec<u8>| {
            into.resize(length, 0);
            reader.read_exact(into).map_err(fail)
        };
        let mut row = Vec::new();
        skip(&mut reader, self.head, &mut row)?;
        let mut outputs = Vec::with_capacity(shards as usize);
        for shard in 0..shards {
            let name = format!("feed-{shard:04}-of-{shards:04}.{}", self.format.word());
            let mut output = Output::create(&self.folder.join(name), self.format.compression)?;
            output.write(self.writer.head().as_bytes())?;
            outputs.push((output, 0u64));
        }
        for (place, (group, length)) in self.rows.iter().enumerate() {
            if place > 0 {
                skip(&mut reader, self.writer.between().len(), &mut row)?;
            }
            skip(&mut reader, *length as usize, &mut row)?;
            if let Some((output, count)) = outputs.get_mut((group % shards) as usize) {
                if *count > 0 {
                    output.write(self.writer.between().as_bytes())?;
                }
                output.write(&row)?;
                *count += 1;
            }
        }
        let finish = |(mut output, items): (Output, u64)| {
            output.write(self.writer.tail().as_bytes())?;
            Ok(FeedFile { file: output.finish()?, items })
        };
        outputs.into_iter().map(finish).collect()
    }
}

/// The smallest power of two at which no shard passes a limit; a single group beyond a limit
/// cannot be split and stays whole.
fn shard_count(rows: &[(u64, u32)], limits: FileLimits, plain: u64, packed: u64) -> u64 {
    let most_items = limits.items.unwrap_or(u64::MAX);
    // Packed size is spread over the rows by their plain size.
    let most_plain =
        limits.bytes.map_or(u64::MAX, |bytes| (u128::from(bytes) * u128::from(plain.max(1)) / u128::from(packed.max(1))) as u64);
    let fits = |shards: u64| {
        let mut sizes = vec![(0u64, 0u64); shards as usize];
        for (group, length) in rows {
            let (items, bytes) = &mut sizes[(group % shards) as usize];
            *items += 1;
            *bytes += u64::from(*length);
        }
        sizes.iter().all(|(items, bytes)| *items <= most_items && *bytes <= most_plain)
    };
    let mut shards = 1;
    while shards < MAX_SHARDS && !fits(shards) {
        shards *= 2;
    }
    shards
}

#[cfg(test)]
mod tests {
    use super::{Feed, FileLimits, shard_count};
    use crate::render::FeedFormat;

    fn shards(format: &str, rows: u64) -> Vec<(String, u64, String)> {
        let folder = tempfile::tempdir().expect("a folder");
        let spec = crate::spec::load::spec("openai").expect("built in");
        let format = FeedFormat::parse(format).expect("known");
        let limits = FileLimits { items: Some(10), bytes: None };
        let columns = [crate::spec::FieldId(0)];
        let mut feed = Feed::create(folder.path(), format, format.writer(&spec, &columns), limits).expect("created");
        for group in 0..rows {
            let (mut buffer, mut row) = (String::new(), String::new());
            let cell = crate::cell::Cell::store(&mut buffer, &format!("I{group}"), crate::cell::Shape::Text);
            feed.writer().row(&buffer, &[crate::cell::Slot { cell, column: 0 }], &mut row);
            feed.push(row.as_bytes(), group).expect("written");
        }
        let files = feed.finish().expect("finished");
        files
            .into_iter()
            .map(|file| {
                let name = file.file.path().file_name().expect("a name").to_str().expect("text").to_owned();
                let bytes = std::fs::read(file.file.temporary()).expect("readable");
                let text = match format.compression {
                    crate::render::Compression::None => String::from_utf8(bytes).expect("text"),
                    crate::render::Compression::Gzip => {
                        std::io::read_to_string(flate2::read::MultiGzDecoder::new(&bytes[..])).expect("gzip")
                    }
                    crate::render::Compression::Zstd => {
                        std::io::read_to_string(zstd::Decoder::new(&bytes[..]).expect("zstd")).expect("zstd")
                    }
                };
                (name, file.items, text)
            })
            .collect()
    }

    #[test]
    fn shards_are_whole_feeds_with_all_rows_once() {
        assert_eq!(shards("csv", 10).len(), 1);
        for format in ["csv", "csv.gz", "jsonl.zst"] {
            let made = shards(format, 25);
            assert_eq!(made.iter().map(|(_, items, _)| items).sum::<u64>(), 25, "{format}");
            assert_eq!(made[1].0, format!("feed-0001-of-0004.{format}"));
            // Every fourth group, from the second on, in the order they came.
            let expected: Vec<String> = (1..25).step_by(4).map(|group| format!("I{group}")).collect();
            let found: Vec<&str> = made[1].2.lines().filter(|line| *line != "item_id").collect();
            assert!(
                found.iter().zip(&expected).all(|(line, id)| line.contains(id.as_str())) && found.len() == expected.len(),
                "{format}: {found:?}"
            );
        }
        let made = shards("json", 25);
        let arrays: Vec<Vec<serde_json::Value>> = made.iter().map(|(_, _, text)| serde_json::from_str(text).expect("JSON")).collect();
        assert_eq!(arrays.iter().map(Vec::len).collect::<Vec<_>>(), [7, 6, 6, 6]);
    }

    #[test]
    fn shards_double_until_each_fits() {
        let rows: Vec<(u64, u32)> = (0..1000).map(|n| (n, 10)).collect();
        let count = |items, bytes| shard_count(&rows, FileLimits { items, bytes }, 10_000, 5_000);
        assert_eq!(count(None, None), 1);
        assert_eq!(count(Some(1000), None), 1);
        assert_eq!(count(Some(999), None), 2);
        assert_eq!(count(Some(200), None), 8);
        assert_eq!(count(None, Some(2_600)), 2);
        assert_eq!(shard_count(&[(7, 1); 5], FileLimits { items: Some(2), bytes: None }, 5, 5), super::MAX_SHARDS);
    }
}
