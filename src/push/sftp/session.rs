//! A session that was let in: files written beside their names, and renamed when all are there.

use super::Sftp;
use super::host_key::HostKey;
use super::trouble::Trouble;
use crate::product::text;
use crate::progress::Meter;
use crate::push::error::PushError;
use crate::push::feed::Built;
use crate::push::names::{delivered, is_feed, is_unfinished, unfinished};
use crate::push::{Desk, FileState, Part, Verdict};
use crate::state::Intent;
use russh::client::Handle;
use russh_sftp::client::RawSftpSession;
use russh_sftp::client::error::Error as SftpError;
use russh_sftp::protocol::{FileAttributes, OpenFlags, Packet, StatusCode};
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::task::JoinSet;

/// Bytes of one write; what every server takes.
const CHUNK: usize = 32 << 10;
/// Writes on their way at once.
const AHEAD: usize = 16;

/// A session that was let in.
pub(super) struct Session {
    sftp: Arc<RawSftpSession>,
    pub(super) renames: bool,
    flushes: bool,
    /// Files that were written, renamed and removed.
    changes: Arc<AtomicU64>,
    _handle: Handle<HostKey>,
}

/// A file of the feed on its way.
pub(super) struct Shard<'a> {
    pub(super) file: &'a Path,
    pub(super) digest: String,
    pub(super) bytes: u64,
    /// Where it is written.
    pub(super) beside: String,
    /// Where it will stand.
    pub(super) path: String,
}

impl Shard<'_> {
    /// Under which word an intent remembers that it stands under its name.
    fn mark(&self) -> String {
        format!("placed {}", self.path)
    }
}

impl Session {
    /// A session that counts what it changes in `changes`, together with what others did.
    pub(super) fn new(sftp: RawSftpSession, renames: bool, flushes: bool, changes: Arc<AtomicU64>, handle: Handle<HostKey>) -> Self {
        Self { sftp: Arc::new(sftp), renames, flushes, changes, _handle: handle }
    }

    /// Counts a change that is asked for now.
    fn count(&self) {
        self.changes.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) async fn deliver(&self, to: &Sftp, desk: &Desk<'_>, part: &Part, intent: &mut Intent) -> Result<Verdict, Trouble> {
        if !self.renames && !to.in_place {
            return Err(Trouble::refused(
                "the server cannot rename over a file (posix-rename@openssh.com); `in_place = true` writes without".to_owned(),
            ));
        }
        let present = self.list(&to.folder).await?;
        let mut shards = Vec::new();
        for file in &part.files {
            let name = delivered(file, &to.prefix);
            let digest = crate::push::feed::digest(file).map_err(Trouble::Final)?;
            let bytes = std::fs::metadata(file).map_err(|error| Trouble::Final(PushError::io(file)(error)))?.len();
            let beside = if self.renames { unfinished(&name, &digest) } else { name.clone() };
            shards.push(Shard { file, digest, bytes, beside: format!("{}{beside}", to.folder), path: format!("{}{name}", to.folder) });
        }
        if !self.renames {
            begin(desk, intent).await?;
        }
        let mut waiting = Vec::new();
        for shard in &shards {
            // An earlier run may have seen it to its name, and died over a later one.
            let is_placed = intent.word(&shard.mark()) == Some(shard.digest.as_str());
            if is_placed && self.size(&shard.path).await? == Some(shard.bytes) {
                continue;
            }
            self.write(shard, self.renames, &to.shared.meter).await?;
            waiting.push(shard);
        }
        // Only when every shard is there whole do they take their names.
        if !waiting.is_empty() && self.renames {
            begin(desk, intent).await?;
        }
        for shard in &waiting {
            if self.renames {
                self.rename(&shard.beside, &shard.path).await?;
            }
            desk.remember(intent, &shard.mark(), shard.digest.clone()).await.map_err(Trouble::Final)?;
        }
        let mut verdict = Verdict { taken: Some(part.items), ..Verdict::default() };
        let inside = |path: &str, name: &str| path.strip_prefix(to.folder.as_str()) == Some(name);
        let is_part =
            |name: &str| shards.iter().any(|shard| inside(&shard.path, name)) || waiting.iter().any(|shard| inside(&shard.beside, name));
        let ours = |name: &str| is_feed(name, &to.prefix) || is_unfinished(name, &to.prefix);
        for stale in present.iter().filter(|name| ours(name) && !is_part(name)) {
            self.clear(to, desk, part, stale, &mut verdict).await?;
        }
        Ok(verdict)
    }

    /// Bytes of the files of ours that are there.
    pub(super) async fn standing(&self, to: &Sftp) -> Result<u64, Trouble> {
        let mut bytes = 0;
        for name in self.list(&to.folder).await?.iter().filter(|name| is_feed(name, &to.prefix)) {
            bytes += self.size(&format!("{}{name}", to.folder)).await?.unwrap_or(0);
        }
        Ok(bytes)
    }

    /// The files that stand there, against those that were built; `None` where they may not be read.
    pub(super) async fn compare(&self, to: &Sftp, built: &Built) -> Result<Option<Vec<(String, FileState)>>, Trouble> {
        let present = self.list(&to.folder).await?;
        let mut found = Vec::new();
        for file in &built.files {
            let (name, ours) = (delivered(Path::new(&file.name), &to.prefix), built.path(file));
            let path = format!("{}{name}", to.folder);
            let mut input = std::fs::File::open(&ours).map_err(|error| Trouble::Final(PushError::io(&ours)(error)))?;
            let state = match self.size(&path).await? {
                None => FileState::Missing,
                Some(size) if size != file.bytes => FileState::Differs,
                Some(size) => match self.holds(&path, &mut input, size).await? {
                    None => return Ok(None),
                    Some(true) => FileState::AsBuilt,
                    Some(false) => FileState::Differs,
                },
            };
            found.push((name, state));
        }
        for name in present.into_iter().filter(|name| is_feed(name, &to.prefix)) {
            if !found.iter().any(|(known, _)| *known == name) {
                found.push((text::excerpt(&text::without_controls(&name), 100), FileState::Besides));
            }
        }
        Ok(Some(found))
    }

    async fn list(&self, folder: &str) -> Result<Vec<String>, Trouble> {
        let handle = match self.sftp.opendir(if folder.is_empty() { "." } else { folder }).await {
            Ok(handle) => handle.handle,
            Err(SftpError::Status(status)) if status.status_code == StatusCode::NoSuchFile => {
                let folder = text::excerpt(&text::without_controls(folder), 100);
                return Err(Trouble::refused(format!("the server has no folder `{folder}`; make it there, or correct the address")));
            }
            Err(error) => return Err(Trouble::of("listing", folder, &error)),
        };
        let mut names = Vec::new();
        // A folder of a hundred thousand files is not one that feeds are put into.
        while names.len() < 100_000 {
            match self.sftp.readdir(handle.as_str()).await {
                Ok(page) => names.extend(page.files.into_iter().map(|file| file.filename)),
                Err(SftpError::Status(status)) if status.status_code == StatusCode::Eof => break,
                Err(error) => return Err(Trouble::of("listing", folder, &error)),
            }
        }
        self.sftp.close(handle).await.map_err(|error| Trouble::of("listing", folder, &error))?;
        Ok(names)
    }

    /// Writes a file, going on where an earlier transfer of the same bytes stopped.
    pub(super) async fn write(&self, shard: &Shard<'_>, resumes: bool, meter: &Meter) -> Result<(), Trouble> {
        let (path, length) = (shard.beside.as_str(), shard.bytes);
        let unreadable = |error| Trouble::Final(PushError::io(shard.file)(error));
        let mut input = std::fs::File::open(shard.file).map_err(unreadable)?;
        let there = if resumes { self.size(path).await?.filter(|size| *size <= length) } else { None };
        // Writes that were on their way may have left holes behind the end.
        let window = (CHUNK * AHEAD) as u64;
        let mut start = there.map_or(0, |size| size.saturating_sub(window) / CHUNK as u64 * CHUNK as u64);
        if start > 0 && self.holds(path, &mut input, start).await? != Some(true) {
            start = 0;
        }
        meter.expect(length);
        meter.sent(start);
        let mut flags = OpenFlags::WRITE | OpenFlags::CREATE;
        if start == 0 {
            flags |= OpenFlags::TRUNCATE;
        }
        self.count();
        let failed = |error| Trouble::of("writing", path, &error);
        let handle = self.sftp.open(path, flags, FileAttributes::empty()).await.map_err(failed)?.handle;
        input.seek(SeekFrom::Start(start)).map_err(unreadable)?;
        let mut offset = start;
        let mut writes: JoinSet<Result<u64, SftpError>> = JoinSet::new();
        loop {
            let mut piece = Vec::with_capacity(CHUNK);
            (&mut input).take(CHUNK as u64).read_to_end(&mut piece).map_err(unreadable)?;
            if piece.is_empty() {
                break;
            }
            if writes.len() >= AHEAD
                && let Some(done) = writes.join_next().await
            {
                meter.sent(done.unwrap_or(Err(SftpError::UnexpectedPacket)).map_err(failed)?);
            }
            let (sftp, handle, at, bytes) = (Arc::clone(&self.sftp), handle.clone(), offset, piece.len() as u64);
            offset += bytes;
            writes.spawn(async move { sftp.write(handle, at, piece).await.map(|_| bytes) });
        }
        while let Some(done) = writes.join_next().await {
            meter.sent(done.unwrap_or(Err(SftpError::UnexpectedPacket)).map_err(failed)?);
        }
        if self.flushes {
            self.sftp.fsync(handle.as_str()).await.map_err(failed)?;
        }
        self.sftp.close(handle).await.map_err(failed)?;
        match self.size(path).await? {
            Some(size) if size == length => Ok(()),
            found => {
                // Not to be gone on with: nobody knows what it holds.
                self.remove(path).await?;
                let found = found.map_or_else(|| "no".to_owned(), |size| size.to_string());
                Err(Trouble::Broken(format!("{length} bytes were written, and {found} are there")))
            }
        }
    }

    /// Whether the first bytes of a file there are ours; `None` where it may not be read. A server
    /// that crashed may have left zeros in their place, and whoever may write there others.
    async fn holds(&self, path: &str, ours: &mut std::fs::File, length: u64) -> Result<Option<bool>, Trouble> {
        let failed = |error| Trouble::of("reading", path, &error);
        let handle = match self.sftp.open(path, OpenFlags::READ, FileAttributes::empty()).await {
            Ok(opened) => opened.handle,
            // What may not be read cannot be compared.
            Err(SftpError::Status(_)) => return Ok(None),
            Err(error) => return Err(failed(error)),
        };
        let (mut asked, mut is_same) = (0, true);
        let mut reads = JoinSet::new();
        loop {
            while is_same && asked < length && reads.len() < AHEAD {
                let (sftp, handle, at) = (Arc::clone(&self.sftp), handle.clone(), asked);
                let bytes = (length - at).min(CHUNK as u64);
                reads.spawn(async move { (at, bytes, sftp.read(handle, at, bytes as u32).await) });
                asked += bytes;
            }
            // Answers to what was asked are waited for even where they say nothing any more.
            let Some(read) = reads.join_next().await else { break };
            let Ok((at, bytes, read)) = read else { return Err(failed(SftpError::UnexpectedPacket)) };
            is_same &= match read {
                Ok(found) => {
                    let mut piece = vec![0; bytes as usize];
                    let read = ours.seek(SeekFrom::Start(at)).and_then(|_| ours.read_exact(&mut piece));
                    read.is_ok() && found.data == piece
                }
                Err(SftpError::Status(_)) => false,
                Err(error) => return Err(failed(error)),
            };
        }
        self.sftp.close(handle).await.map_err(failed)?;
        Ok(Some(is_same))
    }

    pub(super) async fn size(&self, path: &str) -> Result<Option<u64>, Trouble> {
        match self.sftp.stat(path).await {
            Ok(found) => Ok(found.attrs.size),
            Err(SftpError::Status(status)) if status.status_code == StatusCode::NoSuchFile => Ok(None),
            Err(error) => Err(Trouble::of("asking for the size of", path, &error)),
        }
    }

    /// Removes a file; one that is gone already was removed by a run whose answer was lost.
    pub(super) async fn remove(&self, path: &str) -> Result<(), Trouble> {
        self.count();
        match self.sftp.remove(path).await {
            Ok(_) => Ok(()),
            Err(SftpError::Status(status)) if status.status_code == StatusCode::NoSuchFile => Ok(()),
            Err(error) => Err(Trouble::of("removing", path, &error)),
        }
    }

    pub(super) async fn rename(&self, from: &str, into: &str) -> Result<(), Trouble> {
        let mut names = Vec::new();
        for name in [from, into] {
            names.extend_from_slice(&u32::try_from(name.len()).unwrap_or(0).to_be_bytes());
            names.extend_from_slice(name.as_bytes());
        }
        self.count();
        let error = match self.sftp.extended("posix-rename@openssh.com", names).await {
            Ok(Packet::Status(status)) if status.status_code == StatusCode::Ok => return Ok(()),
            Ok(Packet::Status(status)) => SftpError::Status(status),
            Ok(_) => SftpError::UnexpectedPacket,
            Err(error) => error,
        };
        Err(Trouble::of("renaming to", into, &error))
    }
}

/// Writes down that the target may hold something of this content from now on.
async fn begin(desk: &Desk<'_>, intent: &mut Intent) -> Result<(), Trouble> {
    desk.remember(intent, "placing", true).await.map_err(Trouble::Final)
}
