//! A feed on disk: one file, or several shards where one would pass the target's limits.
//!
//! How many rows there are shows only at the end. What comes first is held back, until it says
//! about how large the feed will be, and rows go straight to so many shards; where that turns
//! out wrong, they are dealt anew. A row's shard follows from its group alone: variants stay
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

    /// Reads the rows of a complete file again.
    ///
    /// # Errors
    /// When the file cannot be read.
    fn reread(&self, whole: &Finished) -> Result<Box<dyn Rows>, WriteError>;

    /// How many files may be in the making at a time; each takes memory.
    fn at_once(&self) -> usize;

    /// About how many bytes these rows come to in a file.
    fn packed(&self, rows: &[u8]) -> usize;
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

/// The rows of a complete file, in order.
pub trait Rows {
    /// Puts the next row, which was rendered as so many bytes, in place of what `row` holds.
    ///
    /// # Errors
    /// When the file cannot be read.
    fn next(&mut self, length: usize, row: &mut Vec<u8>) -> Result<(), WriteError>;
}

/// What is kept of a row of a feed: 8 bytes, so that ten million rows take 80 MB.
#[derive(Clone, Copy, Debug)]
struct Row {
    /// 32 bits of the hash of its group.
    group: u32,
    /// Its rendered length, and [`GONE`] where the row was refused after it was written.
    length: u32,
}

/// No row is as long.
const GONE: u32 = 1 << 31;

impl Row {
    fn is_gone(self) -> bool {
        self.length & GONE != 0
    }

    fn length(self) -> usize {
        (self.length & !GONE) as usize
    }

    fn shard(self, count: usize) -> usize {
        self.group as usize % count.max(1)
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
    /// The files that rows go to.
    parts: Vec<Box<dyn Body>>,
    /// The first rows, until it shows to how many files rows go.
    held: Option<Vec<u8>>,
    rows: Vec<Row>,
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
/// How many shards are written at once where so many are foreseen.
const MOST_FORESEEN: u64 = 16;
/// How many bytes of the first rows say how large a feed will be.
const SAMPLE: usize = 4 << 20;
/// How many of them are packed to see what packing comes to.
const PACKED_SAMPLE: usize = 256 << 10;

impl Feed {
    /// Begins a feed called `feed.<format>` in `folder`.
    ///
    /// # Errors
    /// When the file cannot be made.
    pub fn create(folder: &Path, format: FeedFormat, container: Box<dyn Container>, limits: FileLimits) -> Result<Self, WriteError> {
        let whole = container.begin(&path(folder, format, 0, 1))?;
        Ok(Self { container, format, folder: folder.to_owned(), limits, parts: vec![whole], held: None, rows: Vec::new(), plain: 0 })
    }

    /// Says how many bytes of the catalog the rows so far were made of, and how many there are.
    ///
    /// # Errors
    /// When a file cannot be made or written.
    pub fn foresee(&mut self, read: u64, total: u64) -> Result<(), WriteError> {
        let has_limits = self.limits.items.is_some() || self.limits.bytes.is_some();
        if self.rows.is_empty() && has_limits {
            self.held = Some(Vec::new());
        } else if self.held.as_ref().is_some_and(|held| held.len() >= SAMPLE) {
            self.settle(total as f64 / read.max(1) as f64)?;
        }
        Ok(())
    }

    /// Settles how many files rows go to, where the feed will be so many times as large, and
    /// writes what was held back.
    fn settle(&mut self, times: f64) -> Result<(), WriteError> {
        let Some(held) = self.held.take() else { return Ok(()) };
        let count = self.foreseen(&held, times.max(1.0));
        if count > 1 {
            // The file that was begun goes as if it had never been.
            let begun = (0..count).map(|shard| self.container.begin(&path(&self.folder, self.format, shard, count)));
            self.parts = begun.collect::<Result<_, _>>()?;
        }
        let mut rest = held.as_slice();
        for row in &self.rows {
            let (text, after) = rest.split_at_checked(row.length()).unwrap_or_default();
            rest = after;
            let part = row.shard(self.parts.len());
            self.parts[part].push(text)?;
        }
        Ok(())
    }

    /// How many shards will be needed: fewer where it is close, because a shard that is too
    /// large is split more easily than two are put together.
    fn foreseen(&self, held: &[u8], times: f64) -> u64 {
        let sample = held.get(..PACKED_SAMPLE).unwrap_or(held);
        let packed = self.container.packed(sample) as f64 / sample.len().max(1) as f64;
        let over = |expected: f64, most: Option<u64>| most.map_or(0.0, |most| expected * times / (1.03 * most.max(1) as f64));
        let over = over(self.rows.len() as f64, self.limits.items).max(over(self.plain as f64 * packed, self.limits.bytes));
        let most = MOST_FORESEEN.min(self.container.at_once() as u64);
        let mut count = 1;
        while count < most && over > count as f64 {
            count *= 2;
        }
        count
    }

    /// Appends a rendered row; `group` decides its shard.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn push(&mut self, row: &[u8], group: u64) -> Result<(), WriteError> {
        if self.rows.len() == self.rows.capacity() {
            // Not twice as many: there may be tens of millions.
            self.rows.reserve_exact((self.rows.len() / 4).max(1024));
        }
        let kept = Row { group: group as u32, length: row.len() as u32 };
        self.plain += row.len() as u64;
        self.rows.push(kept);
        match &mut self.held {
            Some(held) => held.extend_from_slice(row),
            None => {
                let part = kept.shard(self.parts.len());
                self.parts[part].push(row)?;
            }
        }
        Ok(())
    }

    /// Ends the feed without the rows of these numbers, from 0, which were refused after they
    /// were written; the files are complete, but not yet under their names.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn finish(mut self, refused: &[usize]) -> Result<Vec<FeedFile>, WriteError> {
        self.settle(1.0)?;
        let parts = std::mem::take(&mut self.parts).into_iter().map(Body::finish).collect::<Result<Vec<_>, _>>()?;
        let mut is_changed = vec![false; parts.len()];
        for &row in refused {
            if let Some(row) = self.rows.get_mut(row) {
                row.length |= GONE;
                is_changed[row.shard(parts.len())] = true;
            }
        }
        let packed = parts.iter().map(|part| part.bytes).sum();
        let count = shard_count(&self.rows, self.limits, self.plain, packed) as usize;
        let mut items = vec![0; count];
        for row in self.rows.iter().filter(|row| !row.is_gone()) {
            items[row.shard(count)] += 1;
        }
        let files = if count == parts.len() {
            let anew = (0..count).filter(|shard| is_changed[*shard]).collect::<Vec<_>>();
            let mut files: Vec<Option<Finished>> = self.deal(&parts, &anew, count)?;
            parts.into_iter().enumerate().map(|(shard, part)| files[shard].take().unwrap_or(part)).collect()
        } else {
            let files = self.deal(&parts, &(0..count).collect::<Vec<_>>(), count)?;
            files.into_iter().flatten().collect::<Vec<_>>()
        };
        Ok(files.into_iter().zip(items).map(|(file, items)| FeedFile { file, items, groups: None, role: "feed" }).collect())
    }

    /// Deals the rows of complete files out anew, to these of `count` shards.
    fn deal(&self, parts: &[Finished], shards: &[usize], count: usize) -> Result<Vec<Option<Finished>>, WriteError> {
        let mut files: Vec<Option<Finished>> = (0..count).map(|_| None).collect();
        let common = count.min(parts.len());
        let mut text = Vec::new();
        for wave in shards.chunks(self.container.at_once()) {
            // Both numbers are powers of two, so that a shard's rows are in few of the files.
            let is_read = |part: usize| wave.iter().any(|shard| shard % common == part % common);
            let open = |(part, file)| if is_read(part) { self.container.reread(file).map(Some) } else { Ok(None) };
            let mut readers = parts.iter().enumerate().map(open).collect::<Result<Vec<_>, _>>()?;
            let mut bodies: Vec<Option<Box<dyn Body>>> = (0..count).map(|_| None).collect();
            for &shard in wave {
                bodies[shard] = Some(self.container.begin(&path(&self.folder, self.format, shard as u64, count as u64))?);
            }
            for row in &self.rows {
                let Some(reader) = &mut readers[row.shard(parts.len())] else { continue };
                reader.next(row.length(), &mut text)?;
                if let Some(body) = bodies[row.shard(count)].as_mut().filter(|_| !row.is_gone()) {
                    body.push(&text)?;
                }
            }
            for (file, body) in files.iter_mut().zip(bodies) {
                if let Some(body) = body {
                    *file = Some(body.finish()?);
                }
            }
        }
        Ok(files)
    }
}

/// Where a shard will stand.
fn path(folder: &Path, format: FeedFormat, shard: u64, count: u64) -> PathBuf {
    let word = format.word();
    match count {
        1 => folder.join(format!("feed.{word}")),
        _ => folder.join(format!("feed-{shard:04}-of-{count:04}.{word}")),
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
        for row in rows.iter().filter(|row| !row.is_gone()) {
            let (items, bytes) = &mut sizes[row.shard(shards as usize)];
            *items += 1;
            *bytes += row.length() as u64;
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
    use crate::render::{Before, FeedFormat};

    fn shards(format: &str, rows: u64) -> Vec<(String, u64, String)> {
        shards_foreseen(format, rows, |_| None, &[])
    }

    /// `outlook` says before each row what is foreseen: how much was read, and of how much.
    fn shards_foreseen(
        format: &str,
        rows: u64,
        outlook: impl Fn(u64) -> Option<(u64, u64)>,
        refused: &[usize],
    ) -> Vec<(String, u64, String)> {
        let folder = tempfile::tempdir().expect("a folder");
        let spec = crate::spec::load::spec("openai").expect("built in");
        let format = FeedFormat::parse(format).expect("known");
        let limits = FileLimits { items: Some(10), bytes: None };
        let columns = [crate::spec::FieldId(0)];
        let writer = format.writer(&spec, &columns);
        let mut feed = Feed::create(folder.path(), format, format.container(&spec, &columns, 2), limits).expect("created");
        for group in 0..rows {
            let (mut buffer, mut row) = (String::new(), String::new());
            let cell = crate::cell::Cell::store(&mut buffer, &format!("I{group}"), crate::cell::Shape::Text);
            writer.row(&buffer, &[crate::cell::Slot { cell, column: 0 }], &mut Before::default(), &mut row);
            if let Some((read, total)) = outlook(group) {
                feed.foresee(read, total).expect("foreseen");
            }
            feed.push(row.as_bytes(), group).expect("written");
            if outlook(group).is_some_and(|(_, total)| total > 0) && group == 4 {
                // As if the sample had been large enough.
                feed.settle(outlook(group).map_or(1.0, |(read, total)| total as f64 / read as f64)).expect("settled");
            }
        }
        let files = feed.finish(refused).expect("finished");
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

    /// Too few shards foreseen, too many, or the right number: the files are the same.
    #[test]
    fn shards_are_the_same_whatever_was_foreseen() {
        for format in ["csv", "csv.gz", "json", "jsonl.zst"] {
            for refused in [&[][..], &[1], &[0, 5, 24]] {
                let expected = shards_foreseen(format, 25, |_| None, refused);
                for total in [1, 20, 25, 30, 60, 200] {
                    assert_eq!(shards_foreseen(format, 25, |_| Some((5, total)), refused), expected, "{format}, {total}, {refused:?}");
                }
            }
        }
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
        let mut feed = Feed::create(folder.path(), format, format.container(&spec, &columns, 2), limits).expect("created");
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
            writer.row(&buffer, &row, &mut Before::default(), &mut out);
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
