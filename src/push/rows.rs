//! Delta files of delimited feeds: the rows that changed, rows that delete, and the price and
//! stock columns alone where nothing else moved.

use super::difference::{BODY, Difference, PRICE, STOCK};
use super::error::PushError;
use super::feed::Built;
use super::{Part, digest};
use crate::render::Compression;
use crate::render::file::{Finished, Output};
use crate::render::index::{self, Entry};
use csv::{ByteRecord, ReaderBuilder, WriterBuilder};
use std::path::Path;
use xxhash_rust::xxh3::xxh3_64;

/// How a target takes changes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Manner {
    /// What whole rows are sent as.
    pub(super) whole: &'static str,
    /// The columns of prices and what they are sent as, where they can go alone.
    pub(super) prices: Option<(&'static str, &'static [&'static str])>,
    /// The columns of stock and what they are sent as, where they can go alone.
    pub(super) stock: Option<(&'static str, &'static [&'static str])>,
    /// The column of the id, where rows can be deleted by it and a column `delete`.
    pub(super) delete_by: Option<&'static str>,
    /// Most bytes of a file.
    pub(super) limit: u64,
    /// Whether everything is sent whenever anything changed.
    pub(super) always_whole: bool,
}

/// Columns that tell an item without stock keeping, which no stock feed takes.
const QUANTITY: &str = "inventory_quantity";

/// Writes what is to be sent into `folder`, each file within the limit.
///
/// # Errors
/// When a file cannot be read or written.
pub(super) fn parts(built: &Built, difference: &Difference, manner: &Manner, folder: &Path) -> Result<Vec<Part>, PushError> {
    let all = difference.first || manner.always_whole;
    let deletes = manner.delete_by.is_some() && !manner.always_whole && !difference.gone.is_empty();
    if all && !deletes && built.files.iter().all(|file| file.bytes <= manner.limit) {
        let whole = |(place, file): (usize, &crate::render::manifest::ManifestFile)| {
            let name = if built.files.len() == 1 { manner.whole.to_owned() } else { format!("{}-{place}", manner.whole) };
            Part {
                name,
                kind: manner.whole,
                files: vec![built.path(file)],
                content: file.blake3.clone(),
                items: file.items,
                bytes: file.bytes,
            }
        };
        return Ok(built.files.iter().enumerate().map(whole).collect());
    }
    let tab = built.files.first().is_some_and(|file| file.format.starts_with("tsv"));
    let mut writers = Writers {
        whole: Pieces::new(folder, manner.whole, tab, manner.limit),
        prices: manner.prices.map(|(kind, _)| Pieces::new(folder, kind, tab, manner.limit)),
        stock: manner.stock.map(|(kind, _)| Pieces::new(folder, kind, tab, manner.limit)),
    };
    let mut header_of_whole = ByteRecord::new();
    let shards = built.files.len() as u64;
    for (shard, file) in built.files.iter().enumerate() {
        let path = built.path(file);
        let unreadable = |error: csv::Error| PushError::Feed(format!("{}: {error}", path.display()));
        let mut reader = ReaderBuilder::new().delimiter(if tab { b'\t' } else { b',' }).from_path(&path).map_err(unreadable)?;
        let columns = Columns::find(reader.byte_headers().map_err(unreadable)?, manner);
        header_of_whole.clone_from(&columns.header);
        writers.begin(&columns, manner)?;
        let mut places = Places::open(built, shard as u64, shards)?;
        let mut row = ByteRecord::new();
        while reader.read_byte_record(&mut row).map_err(unreadable)? {
            let place = places.next()?.ok_or_else(|| PushError::Feed(format!("{} has more rows than the index", path.display())))?;
            let mark = if all { BODY } else { difference.marks.get(place).copied().unwrap_or(BODY) };
            if mark != 0 {
                writers.row(&columns, &row, mark)?;
            }
        }
    }
    if let Some(key) = manner.delete_by.filter(|_| deletes) {
        writers.delete(&header_of_whole, key, difference)?;
    }
    writers.finish()
}

/// Where the columns of a feed stand.
struct Columns {
    header: ByteRecord,
    prices: Vec<usize>,
    stock: Vec<usize>,
    quantity: Option<usize>,
}

impl Columns {
    fn find(header: &ByteRecord, manner: &Manner) -> Self {
        let place = |name: &str| header.iter().position(|column| column == name.as_bytes());
        let places = |columns: Option<(&str, &[&str])>| {
            columns.map_or_else(Vec::new, |(_, names)| names.iter().filter_map(|name| place(name)).collect())
        };
        Self { header: header.clone(), prices: places(manner.prices), stock: places(manner.stock), quantity: place(QUANTITY) }
    }
}

fn chosen(row: &ByteRecord, places: &[usize]) -> ByteRecord {
    places.iter().map(|place| row.get(*place).unwrap_or_default()).collect()
}

/// The files in the making.
struct Writers<'a> {
    whole: Pieces<'a>,
    prices: Option<Pieces<'a>>,
    stock: Option<Pieces<'a>>,
}

impl Writers<'_> {
    fn begin(&mut self, columns: &Columns, manner: &Manner) -> Result<(), PushError> {
        let mut header = columns.header.clone();
        if manner.delete_by.is_some() && !header.iter().any(|column| column == b"delete") {
            header.push_field(b"delete");
        }
        self.whole.header(&header)?;
        for (pieces, places) in [(&mut self.prices, &columns.prices), (&mut self.stock, &columns.stock)] {
            if let Some(pieces) = pieces {
                pieces.header(&chosen(&columns.header, places))?;
            }
        }
        Ok(())
    }

    fn row(&mut self, columns: &Columns, row: &ByteRecord, mark: u8) -> Result<(), PushError> {
        let counted = columns.quantity.and_then(|place| row.get(place)).is_some_and(|quantity| !quantity.is_empty());
        let alone =
            mark & BODY == 0 && (mark & PRICE == 0 || self.prices.is_some()) && (mark & STOCK == 0 || self.stock.is_some() && counted);
        if !alone {
            return self.whole.row(row.clone());
        }
        if let Some(prices) = self.prices.as_mut().filter(|_| mark & PRICE != 0) {
            prices.row(chosen(row, &columns.prices))?;
        }
        if let Some(stock) = self.stock.as_mut().filter(|_| mark & STOCK != 0) {
            stock.row(chosen(row, &columns.stock))?;
        }
        Ok(())
    }

    fn delete(&mut self, header: &ByteRecord, key: &str, difference: &Difference) -> Result<(), PushError> {
        let id = header.iter().position(|column| column == key.as_bytes()).unwrap_or(0);
        let flag = header.iter().position(|column| column == b"delete").unwrap_or(header.len());
        let unreadable = || PushError::io("a temporary file");
        for gone in difference.gone.iter().map_err(unreadable())? {
            let gone = gone.map_err(unreadable())?;
            let cell = |place| {
                if place == id {
                    gone.item.as_bytes()
                } else if place == flag {
                    b"true"
                } else {
                    &b""[..]
                }
            };
            self.whole.row((0..=flag.max(header.len().saturating_sub(1))).map(cell).collect())?;
        }
        Ok(())
    }

    fn finish(self) -> Result<Vec<Part>, PushError> {
        let mut parts = self.whole.finish()?;
        for pieces in [self.prices, self.stock].into_iter().flatten() {
            parts.extend(pieces.finish()?);
        }
        Ok(parts)
    }
}

/// One kind of file, begun anew where it would pass the limit.
struct Pieces<'a> {
    folder: &'a Path,
    kind: &'static str,
    tab: bool,
    limit: u64,
    header: ByteRecord,
    head: Vec<u8>,
    open: Option<(Output, u64, u64)>,
    done: Vec<(Finished, u64)>,
}

impl<'a> Pieces<'a> {
    fn new(folder: &'a Path, kind: &'static str, tab: bool, limit: u64) -> Self {
        Self { folder, kind, tab, limit, header: ByteRecord::new(), head: Vec::new(), open: None, done: Vec::new() }
    }

    fn bytes(&self, row: &ByteRecord) -> Result<Vec<u8>, PushError> {
        let mut writer = WriterBuilder::new().delimiter(if self.tab { b'\t' } else { b',' }).from_writer(Vec::new());
        let broken = |error: String| PushError::Feed(format!("a row cannot be written: {error}"));
        writer.write_byte_record(row).map_err(|error| broken(error.to_string()))?;
        writer.into_inner().map_err(|error| broken(error.to_string()))
    }

    fn header(&mut self, header: &ByteRecord) -> Result<(), PushError> {
        self.head = self.bytes(header)?;
        self.header.clone_from(header);
        Ok(())
    }

    fn row(&mut self, mut row: ByteRecord) -> Result<(), PushError> {
        while row.len() < self.header.len() {
            row.push_field(b"");
        }
        let bytes = self.bytes(&row)?;
        let room = self.open.as_ref().is_some_and(|(_, written, _)| written + bytes.len() as u64 <= self.limit);
        if !room {
            self.turn()?;
            let path = self.folder.join(format!("{}-{}.{}", self.kind, self.done.len(), if self.tab { "tsv" } else { "csv" }));
            let mut output = Output::create(&path, Compression::None).map_err(wrong)?;
            output.write(&self.head).map_err(wrong)?;
            self.open = Some((output, self.head.len() as u64, 0));
        }
        if let Some((output, written, rows)) = &mut self.open {
            output.write(&bytes).map_err(wrong)?;
            *written += bytes.len() as u64;
            *rows += 1;
        }
        Ok(())
    }

    fn turn(&mut self) -> Result<(), PushError> {
        if let Some((output, _, rows)) = self.open.take() {
            self.done.push((output.finish().map_err(wrong)?, rows));
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Vec<Part>, PushError> {
        self.turn()?;
        let several = self.done.len() > 1;
        let part = |(place, (file, rows)): (usize, (Finished, u64))| {
            let (path, bytes, content) = (file.path().to_owned(), file.bytes, file.blake3.clone());
            file.publish().map_err(wrong)?;
            let name = if several { format!("{}-{place}", self.kind) } else { self.kind.to_owned() };
            Ok(Part { name, kind: self.kind, files: vec![path], content, items: rows, bytes })
        };
        self.done.into_iter().enumerate().map(part).collect()
    }
}

fn wrong(error: crate::render::file::WriteError) -> PushError {
    PushError::Io { path: error.path, source: error.source }
}

/// The places in the index of the rows of one shard, in order.
pub(super) struct Places<'a> {
    reader: index::Reader,
    entry: Entry,
    built: &'a Built,
    shard: u64,
    shards: u64,
    place: usize,
}

impl<'a> Places<'a> {
    pub(super) fn open(built: &'a Built, shard: u64, shards: u64) -> Result<Self, PushError> {
        Ok(Self { reader: built.index()?, entry: Entry::default(), built, shard, shards, place: 0 })
    }

    /// The last item.
    pub(super) fn item(&self) -> &str {
        &self.entry.item
    }

    /// What the last item's product is called: its group, else itself.
    pub(super) fn product(&self) -> &str {
        if self.entry.group.is_empty() { &self.entry.item } else { &self.entry.group }
    }

    /// The place of the shard's next row.
    pub(super) fn next(&mut self) -> Result<Option<usize>, PushError> {
        loop {
            if !self.reader.next(&mut self.entry).map_err(PushError::io(self.built.folder.join(index::NAME)))? {
                return Ok(None);
            }
            self.place += 1;
            if self.shards == 1 || xxh3_64(self.product().as_bytes()) % self.shards == self.shard {
                return Ok(Some(self.place - 1));
            }
        }
    }
}

/// The digest of several parts, by which a delivery is told from another.
pub(super) fn whole_digest(parts: &[Part]) -> String {
    digest(parts.iter().map(|part| part.content.as_str()))
}
