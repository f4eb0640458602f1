//! Compression and encoding: raw bytes of a file become UTF-8 text.
//!
//! Decompression is always capped, a cut or spoiled archive is an error, and every byte read
//! from disk is digested on the way.

use super::ReadError;
use super::rows::Told;
use encoding_rs::{Decoder, Encoding};
use std::io::{self, Read};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

/// Output beyond this size must keep the ratio below [`MAX_RATIO`].
pub(super) const RATIO_FREE: u64 = 256 << 20;
/// Most bytes that one compressed byte may become; real catalogs stay below 100.
pub(super) const MAX_RATIO: u64 = 400;

/// What digests everything that is read from disk; nothing where nobody asks for the digest.
type Digester = Arc<Mutex<Option<blake3::Hasher>>>;

/// Counts and digests what is read from disk.
struct Tap {
    inner: Box<dyn Read + Send>,
    hasher: Digester,
    position: Arc<AtomicU64>,
}

impl Read for Tap {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        if let (Ok(Some(hasher)), Some(bytes)) = (self.hasher.lock().as_deref_mut().map(Option::as_mut), buffer.get(..read)) {
            hasher.update(bytes);
        }
        self.position.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

/// Refuses output out of all proportion to its input.
struct Capped<R> {
    inner: R,
    position: Arc<AtomicU64>,
    written: u64,
}

impl<R: Read> Read for Capped<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.written += read as u64;
        let taken = self.position.load(Ordering::Relaxed).max(1);
        if self.written > RATIO_FREE && self.written / taken > MAX_RATIO {
            return Err(io::Error::other(format!(
                "the archive unpacks to more than {MAX_RATIO} times its size, which no catalog does; unpack it yourself if it is meant"
            )));
        }
        Ok(read)
    }
}

/// Turns another encoding into UTF-8.
struct Transcoder<R> {
    inner: R,
    decoder: Decoder,
    raw: Vec<u8>,
    held: usize,
    out: Vec<u8>,
    given: usize,
    ended: bool,
}

impl<R: Read> Read for Transcoder<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.given == self.out.len() {
            if self.ended {
                return Ok(0);
            }
            let space = self.raw.get_mut(self.held..).unwrap_or_default();
            let read = self.inner.read(space)?;
            self.ended = read == 0;
            let filled = self.held + read;
            self.out.resize(filled * 3 + 16, 0);
            let raw = self.raw.get(..filled).unwrap_or_default();
            let (_, taken, written, _) = self.decoder.decode_to_utf8(raw, &mut self.out, self.ended);
            self.out.truncate(written);
            self.given = 0;
            self.raw.copy_within(taken..filled, 0);
            self.held = filled - taken;
        }
        let ready = self.out.get(self.given..).unwrap_or_default();
        let count = ready.len().min(buffer.len());
        buffer[..count].copy_from_slice(&ready[..count]);
        self.given += count;
        Ok(count)
    }
}

/// A stream of text bytes, with what is known of the file beneath.
pub struct Stream {
    inner: Box<dyn Read + Send>,
    hasher: Digester,
    position: Arc<AtomicU64>,
    file: Arc<str>,
    /// The file beneath, where its own bytes are read out of order.
    whole: Option<std::fs::File>,
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.inner.read(buffer)
    }
}

impl Stream {
    /// A stream over raw bytes.
    pub fn raw(inner: Box<dyn Read + Send>, file: Arc<str>) -> Self {
        let hasher = Arc::new(Mutex::new(Some(blake3::Hasher::new())));
        let position = Arc::new(AtomicU64::new(0));
        let tap = Tap { inner, hasher: Arc::clone(&hasher), position: Arc::clone(&position) };
        Self { inner: Box::new(tap), hasher, position, file, whole: None }
    }

    /// Digests nothing from now on, for those who do not ask for the digest.
    pub fn undigested(&self) {
        if let Ok(mut hasher) = self.hasher.lock() {
            *hasher = None;
        }
    }

    /// A stream whose digest is that of `whole`, not of the text that is made of it.
    pub fn of_file(mut self, whole: std::fs::File) -> Self {
        self.whole = Some(whole);
        self
    }

    /// The same stream with `head`, which was read from it, in front again.
    pub fn with_head(mut self, head: Vec<u8>) -> Self {
        self.inner = Box::new(io::Cursor::new(head).chain(self.inner));
        self
    }

    /// Undoes gzip; every member of the file is read, and bytes after the last are an error.
    pub fn gzip(mut self) -> Self {
        let inner = flate2::read::MultiGzDecoder::new(io::BufReader::with_capacity(128 << 10, self.inner));
        self.inner = Box::new(Capped { inner, position: Arc::clone(&self.position), written: 0 });
        self
    }

    /// Undoes Zstandard.
    pub fn zstd(mut self) -> Result<Self, ReadError> {
        let inner = zstd::stream::read::Decoder::new(self.inner);
        let inner = inner.map_err(|source| ReadError::Io { file: self.file.to_string(), source })?;
        self.inner = Box::new(Capped { inner, position: Arc::clone(&self.position), written: 0 });
        Ok(self)
    }

    /// Turns `encoding` into UTF-8; a byte order mark is dropped.
    pub fn transcode(mut self, encoding: &'static Encoding) -> Self {
        self.inner = Box::new(Transcoder {
            inner: self.inner,
            decoder: encoding.new_decoder_with_bom_removal(),
            raw: vec![0; 64 << 10],
            held: 0,
            out: Vec::new(),
            given: 0,
            ended: false,
        });
        self
    }

    /// How many bytes were read from disk.
    pub fn position(&self) -> u64 {
        self.position.load(Ordering::Relaxed)
    }

    /// The file's name for messages.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// A read error with the file's name; a spoiled archive is incomplete input.
    pub fn error(&self, source: io::Error) -> ReadError {
        let file = self.file.to_string();
        if let Some(told) = source.get_ref().and_then(|inner| inner.downcast_ref::<Told>()) {
            return ReadError::Incomplete { file, line: 0, message: told.0.clone() };
        }
        match source.kind() {
            io::ErrorKind::UnexpectedEof => ReadError::Incomplete {
                file,
                line: 0,
                message: "the archive ends in the middle, or something that is no archive follows it: the file is cut or damaged"
                    .to_owned(),
            },
            io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData | io::ErrorKind::Other => {
                ReadError::Incomplete { file, line: 0, message: format!("the archive is damaged: {source}") }
            }
            _ => ReadError::Io { file, source },
        }
    }

    /// The BLAKE3 digest, where one was made, and the count of everything read from disk.
    pub fn digest(self) -> (String, u64) {
        if let Some(mut whole) = self.whole {
            let mut hasher = blake3::Hasher::new();
            // A file that cannot be read again has no digest, and its count shows the change.
            let count = io::copy(&mut whole, &mut hasher).unwrap_or(0);
            return (hasher.finalize().to_hex().to_string(), count);
        }
        let hash = self.hasher.lock().ok().and_then(|hasher| Some(hasher.as_ref()?.finalize().to_hex().to_string()));
        (hash.unwrap_or_default(), self.position.load(Ordering::Relaxed))
    }
}
