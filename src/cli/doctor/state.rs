//! What is remembered between runs: the file, the folder it is in, the lock beside it.

use super::chart::Chart;
use super::disk;
use super::project::others_can_write;
use crate::cli::args::Doctor;
use crate::cli::error::{CliError, Exit};
use crate::cli::push::{state_of, wait};
use crate::config::Settings;
use crate::state::{examine, holder};
use std::path::Path;

const AREA: &str = "state";

pub(super) fn look(chart: &mut Chart, command: &Doctor, settings: &Settings) {
    let path = match state_of(&command.project, settings) {
        Ok(path) => path,
        Err(error) => return chart.fail(AREA, "file", error.to_string(), "set HOME, or give `--state`", error.exit()),
    };
    disk::folder(chart, AREA, "folder", path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new(".")), 0);
    let lock = path.with_extension("lock");
    let held = match holder(&lock) {
        Ok(None) => {
            chart.ok(AREA, "lock", "free");
            false
        }
        Ok(Some(holder)) => {
            let who = if holder.is_empty() { "another run".to_owned() } else { holder };
            let todo = "wait for it; if it hangs, end that process, and the system frees the lock";
            chart.warn(AREA, "lock", format!("{}: held by {who}", lock.display()), todo);
            true
        }
        Err(error) => {
            let error = CliError::from(error);
            chart.fail(AREA, "lock", error.to_string(), "let the user who runs feedmill read and write it", error.exit());
            false
        }
    };
    let is_delivered = settings.targets.iter().any(|target| target.deliver.is_some());
    file(chart, &path, held, is_delivered);
}

fn file(chart: &mut Chart, path: &Path, held: bool, is_delivered: bool) {
    let shown = path.display();
    if !path.exists() {
        if !is_delivered {
            return chart.ok(AREA, "file", format!("{shown}: there is none, and nothing is delivered"));
        }
        let todo = "right before the first push; after one, it is lost: put it back, or `feedmill verify` what targets hold first";
        return chart.warn(AREA, "file", format!("{shown}: there is none yet"), todo);
    }
    if held {
        return chart.ok(AREA, "file", format!("{shown}: in use"));
    }
    if others_can_write(path) {
        chart.warn(AREA, "file", format!("{shown}: others can write it"), format!("it decides what is sent: `chmod go-w {shown}`"));
        return;
    }
    let journal = path.with_file_name(format!("{}-journal", path.file_name().unwrap_or_default().to_string_lossy()));
    if std::fs::metadata(&journal).is_ok_and(|found| found.len() > 0) {
        let said = format!("{shown}: a run was cut while it wrote there");
        return chart.warn(AREA, "file", said, "nothing: the next run sets it right");
    }
    if std::fs::OpenOptions::new().write(true).open(path).is_err() {
        return chart.fail(AREA, "file", format!("{shown}: it cannot be written"), "let the user who runs feedmill write it", Exit::Output);
    }
    match wait(async { examine(path).await.map_err(CliError::from) }) {
        Ok(version) => chart.ok(AREA, "file", format!("{shown}: sound, version {version}")),
        Err(error) => {
            let todo = "put the last copy of it back; without one, move it away and see what `feedmill verify` says before the next push";
            chart.fail(AREA, "file", error.to_string(), todo, error.exit());
        }
    }
}
