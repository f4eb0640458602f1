//! Folders that a run writes into: whether it may, and whether there is room.

use super::chart::Chart;
use crate::cli::error::Exit;
use crate::report::page::size;
use std::path::{Path, PathBuf};

/// Less than this is too little for any run.
const LEAST: u64 = 16 << 20;
/// Less than this is little for a machine that works by itself.
const LITTLE: u64 = 1 << 30;

/// Looks at a folder, or at the one it would be made in. Nothing of the try to write there stays.
pub(super) fn folder(chart: &mut Chart, area: &'static str, name: &str, path: &Path, needed: u64) {
    let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let there = existing(&whole);
    let made = if there == whole { String::new() } else { format!(", which will be made in {}", there.display()) };
    let shown = format!("{}{made}", path.display());
    if !there.is_dir() {
        let said = format!("{} is no folder", there.display());
        return chart.fail(area, name, said, "move the file away, or name another folder", Exit::Output);
    }
    if let Err(error) = tempfile::tempfile_in(&there) {
        let said = format!("{shown}: nothing can be written there: {}", without_path(&error));
        return chart.fail(area, name, said, "let the user who runs feedmill write there, or name another folder", Exit::Output);
    }
    match free(&there) {
        Some(free) if free < LEAST => {
            chart.fail(
                area,
                name,
                format!("{shown}: {} are free", size(free)),
                "make room, or name a folder of another disk",
                Exit::Output,
            );
        }
        Some(free) if free < LITTLE.max(needed) => {
            let todo =
                if needed > LITTLE { "the sources are larger than that: make room before a run" } else { "make room before it runs out" };
            chart.warn(area, name, format!("{shown}: {} are free", size(free)), todo);
        }
        Some(free) => chart.ok(area, name, format!("{shown}: can be written, {} are free", size(free))),
        None => chart.ok(area, name, format!("{shown}: can be written")),
    }
}

/// The folder itself, or the nearest above it that there is.
fn existing(path: &Path) -> PathBuf {
    path.ancestors().find(|place| place.exists()).unwrap_or(Path::new("/")).to_owned()
}

/// Bytes that somebody without special rights may still write.
fn free(folder: &Path) -> Option<u64> {
    #[cfg(target_os = "linux")]
    return rustix::fs::statvfs(folder).ok().map(|found| found.f_bavail.saturating_mul(found.f_frsize));
    #[cfg(not(target_os = "linux"))]
    return None;
}

/// The error without the name of a file that never was.
fn without_path(error: &std::io::Error) -> String {
    let words = error.to_string();
    words.split(" at path ").next().unwrap_or(&words).to_owned()
}

#[cfg(test)]
mod tests {
    use super::existing;

    #[test]
    fn a_folder_that_is_to_be_made_is_judged_by_the_one_above() {
        let folder = tempfile::tempdir().expect("a folder");
        assert_eq!(existing(&folder.path().join("a/b/c")), folder.path());
        assert_eq!(existing(folder.path()), folder.path());
    }
}
