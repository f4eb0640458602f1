//! A folder: files under stable names, each put in place whole, and stale ones of ours removed.

use super::difference::Difference;
use super::error::PushError;
use super::feed::Built;
use super::http::Http;
use super::rows::whole_digest;
use super::stripe::Way;
use super::{Desk, Destination, FileState, Part, Verdict, Work, feed, names};
use crate::progress::Meter;
use crate::render::Compression;
use crate::render::file::{Finished, Output, WriteError, unfinished, write_text};
use crate::render::manifest::ManifestFile;
use crate::state::Intent;
use serde::Deserialize;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

/// The keys of `deliver = { folder = ... }`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Settings {
    /// The folder.
    folder: PathBuf,
    /// What file names begin with, so that several feeds can lie together.
    #[serde(default)]
    prefix: String,
}

pub(super) struct Folder {
    folder: PathBuf,
    prefix: String,
    rehearsal: bool,
    meter: Arc<Meter>,
    planned: Mutex<Vec<String>>,
    /// Files that took their names, and that were removed.
    changes: AtomicU64,
}

/// Lists the files of the last delivery, so that those which are no longer part of it go.
const LIST: &str = ".feedmill-files";

impl Folder {
    pub(super) fn new(settings: &Settings, way: &Way<'_>, rehearsal: bool) -> Result<Self, PushError> {
        let wrong = |message| PushError::Settings(format!("target `{}`: deliver: {message}", way.target));
        names::check_prefix(&settings.prefix).map_err(wrong)?;
        let meter = Arc::clone(&way.shared.meter);
        let folder = way.home.join(&settings.folder);
        Ok(Self { folder, prefix: settings.prefix.clone(), rehearsal, meter, planned: Mutex::default(), changes: AtomicU64::new(0) })
    }

    async fn put(&self, desk: &Desk<'_>, part: &Part, intent: &mut Intent) -> Result<Verdict, PushError> {
        let mut verdict = Verdict::default();
        let names: Vec<String> = part.files.iter().map(|file| names::delivered(file, &self.prefix)).collect();
        if self.rehearsal {
            if let Ok(mut planned) = self.planned.lock() {
                planned.extend(names.iter().map(|name| format!("write {}", self.folder.join(name).display())));
            }
            return Ok(verdict);
        }
        let list = self.folder.join(self.list());
        let earlier = std::fs::read_to_string(&list).unwrap_or_default();
        let stale = |name: &&str| !names.iter().any(|known| known == name) && !name.contains(['/', '\\']);
        let stale: Vec<&str> = earlier.lines().filter(stale).collect();
        let mut finished = Vec::new();
        for (file, name) in part.files.iter().zip(&names) {
            finished.extend(self.copy(file, name)?);
        }
        if !finished.is_empty() {
            // Whatever happens from here on, the folder may hold something of this feed, and the
            // next run knows which files are ours.
            desk.remember(intent, "placing", true).await?;
            write_text(&list, &listed(names.iter().map(String::as_str).chain(stale.iter().copied()))).map_err(written)?;
        }
        // Only when every shard is there whole do they take their names.
        for file in finished {
            file.publish().map_err(written)?;
            self.changes.fetch_add(1, Ordering::Relaxed);
        }
        for stale in &stale {
            let path = self.folder.join(stale);
            match std::fs::remove_file(&path) {
                Ok(()) => {
                    self.changes.fetch_add(1, Ordering::Relaxed);
                    verdict.notes.push(format!("removed {stale}, which is no longer part of the feed"));
                }
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => return Err(PushError::io(path)(error)),
            }
        }
        write_text(&list, &listed(names.iter().map(String::as_str))).map_err(written)?;
        self.sweep()?;
        verdict.taken = Some(part.items);
        Ok(verdict)
    }

    /// A copy of a file that only lacks its name; nothing where it has that already.
    fn copy(&self, file: &Path, name: &str) -> Result<Option<Finished>, PushError> {
        let to = self.folder.join(name);
        let digest = feed::digest(file)?;
        // An earlier run may have got this far.
        if to.is_file() && feed::digest(&to)? == digest {
            return Ok(None);
        }
        let mut input = std::fs::File::open(file).map_err(PushError::io(file))?;
        let mut output = Output::create(&to, Compression::None).map_err(written)?;
        self.meter.expect(input.metadata().map_err(PushError::io(file))?.len());
        let mut buffer = vec![0; 256 << 10];
        loop {
            match input.read(&mut buffer).map_err(PushError::io(file))? {
                0 => break,
                read => {
                    output.write(buffer.get(..read).unwrap_or_default()).map_err(written)?;
                    self.meter.sent(read as u64);
                }
            }
        }
        let finished = output.finish().map_err(written)?;
        if finished.blake3 != digest {
            return Err(PushError::Feed(format!("{} changed while it was copied", file.display())));
        }
        Ok(Some(finished))
    }

    /// The files that stand there, against those that were built.
    fn compare(&self, built: &Built) -> Result<Vec<(String, FileState)>, PushError> {
        let mut found = Vec::new();
        for file in &built.files {
            let name = names::delivered(Path::new(&file.name), &self.prefix);
            let path = self.folder.join(&name);
            let state = match path.is_file() {
                false => FileState::Missing,
                true if feed::digest(&path)? == file.blake3 => FileState::AsBuilt,
                true => FileState::Differs,
            };
            found.push((name, state));
        }
        let listed = std::fs::read_to_string(self.folder.join(self.list())).unwrap_or_default();
        for name in listed.lines().filter(|name| !name.contains(['/', '\\']) && self.folder.join(name).is_file()) {
            if !found.iter().any(|(known, _)| known == name) {
                found.push((name.to_owned(), FileState::Besides));
            }
        }
        Ok(found)
    }

    /// Clears away what a run that was killed left unfinished.
    fn sweep(&self) -> Result<(), PushError> {
        for entry in std::fs::read_dir(&self.folder).map_err(PushError::io(&self.folder))? {
            let entry = entry.map_err(PushError::io(&self.folder))?;
            let name = entry.file_name();
            let ours = |name: &str| names::is_feed(name, &self.prefix) || name == self.list();
            if name.to_str().and_then(unfinished).is_some_and(ours) {
                std::fs::remove_file(entry.path()).map_err(PushError::io(entry.path()))?;
            }
        }
        Ok(())
    }

    /// The name of the list of our files.
    fn list(&self) -> String {
        format!("{LIST}{}", self.prefix)
    }
}

fn written(error: WriteError) -> PushError {
    PushError::Io { path: error.path, source: error.source }
}

/// The list of files as it is written.
fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.map(|name| format!("{name}\n")).collect()
}

impl Destination for Folder {
    fn describe(&self) -> String {
        format!("the folder {}", self.folder.display())
    }

    fn http(&self) -> Option<&Http> {
        None
    }

    fn requests(&self) -> u64 {
        self.changes.load(Ordering::Relaxed)
    }

    fn rehearsed(&self) -> Vec<String> {
        self.planned.lock().map(|planned| planned.clone()).unwrap_or_default()
    }

    fn takes_snapshots(&self) -> bool {
        true
    }

    fn lacks(&self, built: &Built) -> bool {
        let is_there = |file: &ManifestFile| {
            let found = std::fs::metadata(self.folder.join(names::delivered(Path::new(&file.name), &self.prefix)));
            found.is_ok_and(|found| found.len() == file.bytes)
        };
        !built.files.iter().all(is_there)
    }

    fn files<'a>(&'a self, built: &'a Built) -> Work<'a, Option<Vec<(String, FileState)>>> {
        Box::pin(async { self.compare(built).map(Some) })
    }

    fn standing(&self) -> Work<'_, Option<u64>> {
        // What is listed is ours, whatever else lies there.
        let listed = std::fs::read_to_string(self.folder.join(self.list())).unwrap_or_default();
        let size = |name| std::fs::metadata(self.folder.join(name)).map_or(0, |found| found.len());
        let bytes = listed.lines().map(size).sum();
        Box::pin(async move { Ok(Some(bytes)) })
    }

    fn parts(&self, built: &Built, _: &Difference, _: &Path) -> Result<Vec<Part>, PushError> {
        Ok(vec![whole(built)])
    }

    fn deliver<'a>(&'a self, desk: &'a Desk<'a>, part: &'a Part, intent: &'a mut Intent) -> Work<'a, Verdict> {
        Box::pin(self.put(desk, part, intent))
    }
}

/// The whole feed as one part, for targets that take snapshots.
pub(super) fn whole(built: &Built) -> Part {
    let mut part = Part {
        name: "feed".to_owned(),
        kind: "feed",
        files: built.files.iter().map(|file| built.path(file)).collect(),
        content: String::new(),
        items: built.files.iter().map(|file| file.items).sum(),
        bytes: built.bytes(),
    };
    let single = |file: &ManifestFile| Part { content: format!("{} {}", file.name, file.blake3), ..part.clone() };
    part.content = whole_digest(&built.files.iter().map(single).collect::<Vec<_>>());
    part
}
