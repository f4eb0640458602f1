//! A folder: files under stable names, each put in place whole, and stale ones of ours removed.

use super::difference::Difference;
use super::error::PushError;
use super::feed::Built;
use super::http::Http;
use super::rows::whole_digest;
use super::{Desk, Destination, Part, Verdict, Work, feed};
use crate::render::Compression;
use crate::render::file::{Output, write_text};
use crate::state::Intent;
use serde::Deserialize;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

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
    planned: Mutex<Vec<String>>,
}

/// Lists the files of the last delivery, so that those which are no longer part of it go.
const LIST: &str = ".feedmill-files";

impl Folder {
    pub(super) fn new(settings: &Settings, home: &Path, rehearsal: bool) -> Self {
        Self { folder: home.join(&settings.folder), prefix: settings.prefix.clone(), rehearsal, planned: Mutex::default() }
    }

    fn name(&self, file: &Path) -> String {
        format!("{}{}", self.prefix, file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default())
    }

    fn put(&self, part: &Part) -> Result<Verdict, PushError> {
        let written = |error: crate::render::file::WriteError| PushError::Io { path: error.path, source: error.source };
        let mut verdict = Verdict::default();
        let names: Vec<String> = part.files.iter().map(|file| self.name(file)).collect();
        if self.rehearsal {
            if let Ok(mut planned) = self.planned.lock() {
                planned.extend(names.iter().map(|name| format!("write {}", self.folder.join(name).display())));
            }
            return Ok(verdict);
        }
        for (file, name) in part.files.iter().zip(&names) {
            let to = self.folder.join(name);
            // An earlier run may have got this far.
            if to.is_file() && feed::digest(&to)? == feed::digest(file)? {
                continue;
            }
            let mut input = std::fs::File::open(file).map_err(PushError::io(file))?;
            let mut output = Output::create(&to, Compression::None).map_err(written)?;
            let mut buffer = vec![0; 256 << 10];
            loop {
                match input.read(&mut buffer).map_err(PushError::io(file))? {
                    0 => break,
                    read => output.write(buffer.get(..read).unwrap_or_default()).map_err(written)?,
                }
            }
            output.finish().map_err(written)?.publish().map_err(written)?;
        }
        let list = self.folder.join(format!("{LIST}{}", self.prefix.trim_matches(['/', '\\'])));
        let earlier = std::fs::read_to_string(&list).unwrap_or_default();
        for stale in earlier.lines().filter(|old| !names.iter().any(|name| name == old) && !old.contains(['/', '\\'])) {
            let path = self.folder.join(stale);
            match std::fs::remove_file(&path) {
                Ok(()) => verdict.notes.push(format!("removed {stale}, which is no longer part of the feed")),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => return Err(PushError::io(path)(error)),
            }
        }
        write_text(&list, &(names.join("\n") + "\n")).map_err(written)?;
        verdict.taken = Some(part.items);
        Ok(verdict)
    }
}

impl Destination for Folder {
    fn describe(&self) -> String {
        format!("the folder {}", self.folder.display())
    }

    fn http(&self) -> Option<&Http> {
        None
    }

    fn rehearsed(&self) -> Vec<String> {
        self.planned.lock().map(|planned| planned.clone()).unwrap_or_default()
    }

    fn parts(&self, built: &Built, _: &Difference, _: &Path) -> Result<Vec<Part>, PushError> {
        Ok(vec![whole(built)])
    }

    fn deliver<'a>(&'a self, _: &'a Desk<'a>, part: &'a Part, _: &'a mut Intent) -> Work<'a, Verdict> {
        Box::pin(async move { self.put(part) })
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
    let single = |file: &crate::render::manifest::ManifestFile| Part { content: format!("{} {}", file.name, file.blake3), ..part.clone() };
    part.content = whole_digest(&built.files.iter().map(single).collect::<Vec<_>>());
    part
}
