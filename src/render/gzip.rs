//! gzip on several threads: one stream, cut into blocks that are packed side by side.
//!
//! Each block is packed with the end of the one before as its dictionary and ends on a byte, so
//! that what is made of them, one behind the other, is one stream as any reader expects. Blocks
//! follow from the bytes alone: the file is the same whatever the number of threads.

use flate2::{Compress, Compression, Crc, FlushCompress, Status};
use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex};

/// How hard gzip tries; 6 is the usual balance.
pub(super) const LEVEL: u32 = 6;
/// Bytes of a block: enough that its ends cost little, little enough for short waits.
const BLOCK: usize = 128 << 10;
/// How far back what was written before is referred to.
const WINDOW: usize = 32 << 10;
/// No name and no time: the same rows give the same bytes.
const HEAD: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];

/// A block on its way to be packed.
struct Job {
    /// What the block may refer to, and the block.
    bytes: Vec<u8>,
    /// Where the block begins.
    start: usize,
    is_last: bool,
    reply: Sender<io::Result<Packed>>,
}

/// A packed block.
struct Packed {
    bytes: Vec<u8>,
    crc: Crc,
}

/// Threads that pack blocks, shared by the files of a feed; they end with the last file.
#[derive(Clone)]
pub(super) struct Packers {
    jobs: Option<SyncSender<Job>>,
    threads: usize,
}

impl Packers {
    /// So many threads; with one, blocks are packed where they are written.
    pub(super) fn new(threads: usize) -> Self {
        if threads <= 1 {
            return Self { jobs: None, threads };
        }
        let (jobs, queue) = sync_channel::<Job>(threads);
        let queue = Arc::new(Mutex::new(queue));
        for _ in 0..threads {
            let queue = Arc::clone(&queue);
            std::thread::spawn(move || {
                loop {
                    let job = queue.lock().map(|queue| queue.recv());
                    let Ok(Ok(Job { bytes, start, is_last, reply })) = job else { break };
                    // A file that failed waits for no more blocks.
                    reply.send(pack(&bytes, start, is_last)).unwrap_or_default();
                }
            });
        }
        Self { jobs: Some(jobs), threads }
    }
}

fn pack(bytes: &[u8], start: usize, is_last: bool) -> io::Result<Packed> {
    let (before, block) = bytes.split_at_checked(start).unwrap_or((&[], bytes));
    // A new one each time: one that is used again does not forget all, and what it makes would
    // follow from the blocks it had before.
    let mut compress = Compress::new(Compression::new(LEVEL), false);
    if !before.is_empty() {
        compress.set_dictionary(before)?;
    }
    let flush = if is_last { FlushCompress::Finish } else { FlushCompress::Sync };
    // Room for what does not shrink, too.
    let mut packed = Vec::with_capacity(block.len() + block.len() / 8 + 256);
    loop {
        let rest = block.get(compress.total_in() as usize..).unwrap_or_default();
        let status = compress.compress_vec(rest, &mut packed, flush)?;
        let is_read = compress.total_in() as usize == block.len();
        if status == Status::StreamEnd || is_read && !is_last && packed.len() < packed.capacity() {
            break;
        }
        packed.reserve(BLOCK);
    }
    let mut crc = Crc::new();
    crc.update(block);
    Ok(Packed { bytes: packed, crc })
}

/// A gzip stream in the making.
pub(super) struct Gzip<W> {
    inner: W,
    packers: Packers,
    /// What the next block may refer to, and the block.
    bytes: Vec<u8>,
    start: usize,
    waiting: VecDeque<Receiver<io::Result<Packed>>>,
    crc: Crc,
    length: u64,
}

impl<W: Write> Gzip<W> {
    pub(super) fn new(mut inner: W, packers: &Packers) -> io::Result<Self> {
        inner.write_all(&HEAD)?;
        Ok(Self {
            inner,
            packers: packers.clone(),
            bytes: Vec::with_capacity(WINDOW + BLOCK),
            start: 0,
            waiting: VecDeque::new(),
            crc: Crc::new(),
            length: 0,
        })
    }

    /// Hands the block on.
    fn submit(&mut self, is_last: bool) -> io::Result<()> {
        let kept = self.bytes.len().saturating_sub(WINDOW);
        let mut next = Vec::with_capacity(WINDOW + BLOCK);
        next.extend_from_slice(self.bytes.get(kept..).unwrap_or_default());
        self.length += (self.bytes.len() - self.start) as u64;
        let start = std::mem::replace(&mut self.start, next.len());
        let bytes = std::mem::replace(&mut self.bytes, next);
        let Some(jobs) = &self.packers.jobs else { return self.append(&pack(&bytes, start, is_last)?) };
        let (reply, packed) = channel();
        if jobs.send(Job { bytes, start, is_last, reply }).is_err() {
            return Err(io::Error::other("the threads that pack blocks have ended"));
        }
        self.waiting.push_back(packed);
        while self.waiting.len() > if is_last { 0 } else { 2 * self.packers.threads } {
            self.next()?;
        }
        Ok(())
    }

    /// Writes the block that was handed on first.
    fn next(&mut self) -> io::Result<()> {
        let Some(packed) = self.waiting.pop_front() else { return Ok(()) };
        let packed = packed.recv().map_err(|_| io::Error::other("a thread that packs blocks has ended"))??;
        self.append(&packed)
    }

    fn append(&mut self, packed: &Packed) -> io::Result<()> {
        self.crc.combine(&packed.crc);
        self.inner.write_all(&packed.bytes)
    }

    /// Ends the stream.
    pub(super) fn finish(mut self) -> io::Result<W> {
        self.submit(true)?;
        self.inner.write_all(&self.crc.sum().to_le_bytes())?;
        // The length of longer streams is written without its upper bits (RFC 1952).
        self.inner.write_all(&(self.length as u32).to_le_bytes())?;
        Ok(self.inner)
    }
}

impl<W: Write> Write for Gzip<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room = BLOCK - (self.bytes.len() - self.start);
        let (now, _) = bytes.split_at_checked(room).unwrap_or((bytes, &[]));
        self.bytes.extend_from_slice(now);
        if now.len() == room {
            self.submit(false)?;
        }
        Ok(now.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::{BLOCK, Gzip, Packers, WINDOW};
    use std::io::{Read, Write};

    fn packed(bytes: &[u8], piece: usize, threads: usize) -> Vec<u8> {
        let mut gzip = Gzip::new(Vec::new(), &Packers::new(threads)).expect("begun");
        bytes.chunks(piece).for_each(|piece| gzip.write_all(piece).expect("written"));
        gzip.finish().expect("finished")
    }

    #[test]
    fn one_stream_the_same_from_any_number_of_threads() {
        // Rows that repeat with small changes, and a stretch that does not shrink.
        let mut rows: Vec<u8> =
            (0..40_000u32).flat_map(|n| format!("SKU-{n},Trail shoe {},{}.99 USD\n", n % 97, n % 131).into_bytes()).collect();
        let noise = (0..200_000u64).map(|n| (n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 57) as u8);
        rows.extend(noise);
        for length in [0, 1, WINDOW, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK, rows.len()] {
            let plain = &rows[..length];
            let alone = packed(plain, 1000, 1);
            assert!([2, 3].into_iter().all(|threads| packed(plain, 70_001, threads) == alone), "{length} bytes");
            let mut read = Vec::new();
            #[expect(clippy::disallowed_methods, reason = "it must be one stream, and this reader stops at the end of the first")]
            let mut reader = flate2::read::GzDecoder::new(alone.as_slice());
            reader.read_to_end(&mut read).expect("gzip");
            assert!(read == plain, "{length} bytes");
        }
    }

    #[test]
    fn blocks_refer_to_what_stands_before_them() {
        let row = (0..WINDOW / 2).map(|n| (n as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes()[7]).collect::<Vec<u8>>();
        let plain = row.repeat(40);
        let packed = packed(&plain, 4096, 2);
        assert!(packed.len() < 2 * row.len(), "{} of {}", packed.len(), plain.len());
    }
}
