//! What a build that was killed left in the folders of its feeds: files that never got their
//! names. The next build clears them away.
//!
//! Every build holds its folders for as long as it writes there, together with others that do; it
//! clears a folder only while it has it alone, so that no build loses what it is writing. The
//! system frees what a dead build held.

use crate::pipeline::Plan;
use crate::render::file::unfinished;
use crate::render::{FeedFormat, index, manifest, spool};
use std::fs::File;
use std::path::Path;
use std::time::Duration;

/// How often a folder is tried that another build is clearing.
const TRIES: u32 = 20;

/// Folders that are held until this is dropped.
pub(super) struct Held {
    _folders: Vec<File>,
}

/// Holds the folders that a plan writes into, and clears away what was left in them. Where the
/// system does not let a folder be held, nothing is cleared away; nothing depends on it.
pub(super) fn clear(plan: &Plan) -> Held {
    let mut folders = Vec::new();
    for target in plan.targets.iter().filter(|target| !target.formats.is_empty()) {
        let Ok(folder) = std::fs::create_dir_all(&target.folder).and_then(|()| File::open(&target.folder)) else { continue };
        if folder.try_lock().is_ok() {
            let outputs = target.outputs.iter().map(|output| Path::new(&output.written.file));
            let names: Vec<&str> = outputs.filter_map(|file| file.file_name()?.to_str()).collect();
            sweep(&target.folder, &names);
            for inner in std::fs::read_dir(&target.folder).into_iter().flatten().flatten() {
                if inner.file_type().is_ok_and(|kind| kind.is_dir()) {
                    sweep(&inner.path(), &names);
                }
            }
        }
        // Others may write there from now on, and nobody clears.
        if shares(&folder) {
            folders.push(folder);
        }
    }
    Held { _folders: folders }
}

/// Holds a folder together with others. Another build may be clearing it, which takes no time; who
/// else has it alone, such as a script around us, is not waited for.
fn shares(folder: &File) -> bool {
    (0..TRIES).any(|_| {
        let held = folder.try_lock_shared().is_ok();
        if !held {
            std::thread::sleep(Duration::from_millis(5));
        }
        held
    })
}

fn sweep(folder: &Path, names: &[&str]) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let is_ours = |name: &str| is_of_a_feed(name) || names.iter().any(|written| is_written(name, written));
        if entry.file_type().is_ok_and(|kind| kind.is_file()) && name.to_str().and_then(unfinished).is_some_and(is_ours) {
            // Another build sees to what cannot be removed today.
            std::fs::remove_file(entry.path()).unwrap_or_default();
        }
    }
}

/// Whether a build gives a file this name, or one that goes before it ends.
fn is_of_a_feed(name: &str) -> bool {
    let ending = || name.strip_prefix("feed").and_then(|rest| rest.split_once('.')).map(|(_, ending)| ending);
    [index::NAME, manifest::NAME, spool::NAME].contains(&name) || ending().is_some_and(|ending| FeedFormat::parse(ending).is_ok())
}

/// Whether a name is the one that a nested target's file has, in which `{n}` is a number.
fn is_written(name: &str, written: &str) -> bool {
    let Some((before, after)) = written.split_once("{n}") else { return name == written };
    let number = name.strip_prefix(before).and_then(|rest| rest.strip_suffix(after));
    number.is_some_and(|number| !number.is_empty() && number.bytes().all(|digit| digit.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::{is_of_a_feed, is_written};

    #[test]
    fn only_names_that_a_build_gives_are_ours() {
        for name in ["feed.jsonl.gz", "feed-0001-of-0004.csv", "feed.items", "feed.manifest.json", "rows"] {
            assert!(is_of_a_feed(name), "{name}");
        }
        for name in ["catalog.csv", "feed", "feed.pdf", "prices.csv", ""] {
            assert!(!is_of_a_feed(name), "{name}");
        }
        assert!(is_written("0012.json", "{n}.json") && is_written("metadata.json", "metadata.json"));
        assert!(!is_written(".json", "{n}.json") && !is_written("a.json", "{n}.json") && !is_written("12.json.gz", "{n}.json"));
    }
}
