//! A feed on disk: one file, or several shards where one would pass the target's limits.
//!
//! How many rows there are shows only at the end, so a feed is first written as one file and
//! split afterwards if need be. A row's shard follows from its group alone: variants stay
//! together, and an item moves only when the number of shards doubles.

use super::FeedFormat;
use super::file::{Finished, WriteError};
use std::path::{Path, PathBuf};

/// How a format fills files with rendered rows.
pub trait Container {
    /// Begins a file that will stand at `path`.
    ///
    /// # Errors
    /// When the file cannot be made.
    fn begin(&self, path: &Path) -> Result<Box<dyn Body>, WriteError>;

    /// Deals the rows of a complete file out to shards, in order.
    ///
    /// # Errors
    /// When the file cannot be read again or a shard cannot be written.
    fn deal(&self, whole: &Finished, shards: &Shards<'_>) -> Result<Vec<Finished>, WriteError>;
}

/// A file of rows in the making.
pub trait Body {
    /// Appends a rendered row.
    ///
    /// # Errors
    /// When the file cannot be written.
    fn push(&mut self, row: &[u8]) -> Result<(), WriteError>;

    /// Completes the file.
    ///
    /// # Errors
    /// When the file cannot be written; a full disk shows here at the latest.
    fn finish(self: Box<Self>) -> Result<Finished, WriteError>;
}

/// How the rows of a feed are dealt out.
pub struct Shards<'a> {
    /// Where each shard will stand.
    pub paths: Vec<PathBuf>,
    rows: &'a [Row],
}

/// What is kept of a row of a feed: 8 bytes, so that ten million rows take 80 MB.
#[derive(Clone, Copy, Debug)]
struct Row {
    /// 32 bits of the hash of its group, or [`GONE`].
    group: u32,
    /// Its rendered length.
    length: u32,
}

/// The row was written, and refused afterwards.
const GONE: u32 = u32::MAX;

impl Shards<'_> {
    /// Shard and rendered length of each row, in order; a shard that is not there takes a row
    /// that is left out.
    pub fn rows(&self) -> impl Iterator<Item = (usize, usize)> {
        let count = self.paths.len().max(1);
        let shard = move |row: &Row| if row.group == GONE { usize::MAX } else { row.group as usize % count };
        self.rows.iter().map(move |row| (shard(row), row.length as usize))
    }

    /// Rows of each shard.
    fn items(&self) -> Vec<u64> {
        let mut items = vec![0; self.paths.len()];
        for (shard, _) in self.rows() {
            if let Some(items) = items.get_mut(shard) {
                *items += 1;
            }
        }
        items
    }
}

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
    container: Box<dyn Container>,
    format: FeedFormat,
    folder: PathBuf,
    limits: FileLimits,
    body: Box<dyn Body>,
    rows: Vec<Row>,
    count: u64,
    plain: u64,
}

/// A finished file of a feed.
pub struct FeedFile {
    /// The file, not yet under its name.
    pub file: Finished,
    /// Rows in it.
    pub items: u64,
    /// Groups in it, where rows stand inside groups.
    pub groups: Option<u64>,
    /// What the file is: `feed`, `body`, or `header`.
    pub role: &'static str,
}

/// Most shards; a feed that needs more is beyond every documented limit.
const MAX_SHARDS: u64 = 4096;

impl Feed {
    /// Begins a feed called `feed.<format>` in `folder`.
    ///
    /// # Errors
    /// When the file cannot be made.
    pub fn create(folder: &Path, format: FeedFormat, container: Box<dyn Container>, limits: FileLimits) -> Result<Self, WriteError> {
        let body = container.begin(&folder.join(format!("feed.{}", format.word())))?;
        Ok(Self { container, format, folder: folder.to_owned(), limits, body, rows: Vec::new(), count: 0, plain: 0 })
    }

    /// Appends a rendered row; `group` decides its shard.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn push(&mut self, row: &[u8], group: u64) -> Result<(), WriteError> {
        self.body.push(row)?;
        self.count += 1;
        self.plain += row.len() as u64;
        self.rows.push(Row { group: (group as u32).min(GONE - 1), length: row.len() as u32 });
        Ok(())
    }

    /// Ends the feed without the rows of these numbers, from 0, which were refused after they
    /// were written; the files are complete, but not yet under their names.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn finish(mut self, refused: &[usize]) -> Result<Vec<FeedFile>, WriteError> {
        let whole = self.body.finish()?;
        for &row in refused {
            if let Some(row) = self.rows.get_mut(row) {
                row.group = GONE;
            }
        }
        let count = shard_count(&self.rows, self.limits, self.plain, whole.bytes);
        if count == 1 && refused.is_empty() {
            return Ok(vec![FeedFile { file: whole, items: self.count, groups: None, role: "feed" }]);
        }
        let word = self.format.word();
        let name = |shard: u64| match count {
            1 => self.folder.join(format!("feed.{word}")),
            _ => self.folder.join(format!("feed-{shard:04}-of-{count:04}.{word}")),
        };
        let shards = Shards { paths: (0..count).map(name).collect(), rows: &self.rows };
        let files = self.container.deal(&whole, &shards)?;
        let items = shards.items();
        Ok(files.into_iter().zip(items).map(|(file, items)| FeedFile { file, items, groups: None, role: "feed" }).collect())
    }
}

/// The smallest power of two at which no shard passes a limit; a single group beyond a limit
/// cannot be split and stays whole.
fn shard_count(rows: &[Row], limits: FileLimits, plain: u64, packed: u64) -> u64 {
    let most_items = limits.items.unwrap_or(u64::MAX);
    // Packed size is spread over the rows by their plain size.
    let most_plain =
        limits.bytes.map_or(u64::MAX, |bytes| (u128::from(bytes) * u128::from(plain.max(1)) / u128::from(packed.max(1))) as u64);
    let fits = |shards: u64| {
        let mut sizes = vec![(0u64, 0u64); shards as usize];
        for row in rows.iter().filter(|row| row.group != GONE) {
            let (items, bytes) = &mut sizes[row.group as usize % shards as usize];
            *items += 1;
            *bytes += u64::from(row.length);
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
    use super::{Feed, FileLimits, Row, shard_count};
    use crate::render::FeedFormat;

    fn shards(format: &str, rows: u64) -> Vec<(String, u64, String)> {
        let folder = tempfile::tempdir().expect("a folder");
        let spec = crate::spec::load::spec("openai").expect("built in");
        let format = FeedFormat::parse(format).expect("known");
        let limits = FileLimits { items: Some(10), bytes: None };
        let columns = [crate::spec::FieldId(0)];
        let writer = format.writer(&spec, &columns);
        let mut feed = Feed::create(folder.path(), format, format.container(&spec, &columns), limits).expect("created");
        for group in 0..rows {
            let (mut buffer, mut row) = (String::new(), String::new());
            let cell = crate::cell::Cell::store(&mut buffer, &format!("I{group}"), crate::cell::Shape::Text);
            writer.row(&buffer, &[crate::cell::Slot { cell, column: 0 }], &mut row);
            feed.push(row.as_bytes(), group).expect("written");
        }
        let files = feed.finish(&[]).expect("finished");
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

    /// Several row groups, more shards than are written at a time, and values of every type.
    #[cfg(feature = "parquet")]
    #[test]
    fn shards_of_columns_hold_each_row_once_in_order() {
        use parquet::file::reader::{FileReader, SerializedFileReader};
        let folder = tempfile::tempdir().expect("a folder");
        let spec = crate::spec::load::spec("openai").expect("built in");
        let format = FeedFormat::parse("parquet").expect("known");
        let names = ["item_id", "title", "is_eligible_search", "review_count"];
        let columns = names.map(|name| spec.field(name).expect("a field"));
        let limits = FileLimits { items: Some(400), bytes: None };
        let mut feed = Feed::create(folder.path(), format, format.container(&spec, &columns), limits).expect("created");
        let writer = format.writer(&spec, &columns);
        // Long titles, so that the rows fill more than one row group.
        let title = "x".repeat(6_000);
        for n in 0..5_000u64 {
            let (mut buffer, mut out) = (String::new(), String::new());
            let mut row = vec![crate::cell::Slot::EMPTY; spec.fields.len()];
            let flag = if n % 3 == 0 { "true" } else { "false" };
            for (column, value) in columns.iter().zip([&format!("I{n}"), &format!("{title}{n}"), flag, &n.to_string()]) {
                // Every seventh row leaves a value out.
                if n % 7 != 0 || value.starts_with('I') {
                    row[column.index()] = crate::cell::Slot::store(&mut buffer, value, 0);
                }
            }
            writer.row(&buffer, &row, &mut out);
            feed.push(out.as_bytes(), n).expect("written");
        }
        let files = feed.finish(&[]).expect("finished");
        assert_eq!((files.len(), files.iter().map(|file| file.items).sum::<u64>()), (16, 5_000));
        for (shard, file) in files.iter().enumerate() {
            let reader = std::fs::File::open(file.file.temporary()).expect("readable");
            let reader = SerializedFileReader::new(reader).expect("Parquet");
            let rows = reader.get_row_iter(None).expect("rows").map(|row| row.expect("sound").to_string());
            let expected = (shard as u64..5_000).step_by(16).map(|n| {
                if n % 7 == 0 {
                    return format!("{{item_id: \"I{n}\", title: null, is_eligible_search: null, review_count: null}}");
                }
                format!("{{item_id: \"I{n}\", title: \"{title}{n}\", is_eligible_search: {}, review_count: {n}}}", n % 3 == 0)
            });
            assert!(rows.eq(expected), "shard {shard}");
        }
    }

    #[test]
    fn shards_double_until_each_fits() {
        let rows: Vec<Row> = (0..1000).map(|group| Row { group, length: 10 }).collect();
        let count = |items, bytes| shard_count(&rows, FileLimits { items, bytes }, 10_000, 5_000);
        assert_eq!(count(None, None), 1);
        assert_eq!(count(Some(1000), None), 1);
        assert_eq!(count(Some(999), None), 2);
        assert_eq!(count(Some(200), None), 8);
        assert_eq!(count(None, Some(2_600)), 2);
        assert_eq!(shard_count(&[Row { group: 7, length: 1 }; 5], FileLimits { items: Some(2), bytes: None }, 5, 5), super::MAX_SHARDS);
    }
}
