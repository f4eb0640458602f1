//! The sources of the project file: there, readable, and not older than a run's catalog should be.
//! Only the beginning of a file is read; others are asked with `--online` alone.

use super::chart::Chart;
use super::machine::{AHEAD, age};
use super::online;
use crate::catalog::locate::Wanted;
use crate::catalog::{database, remote};
use crate::cli::args::Doctor;
use crate::cli::error::{CliError, Exit};
use crate::clock::timestamp;
use crate::config::Settings;
use crate::config::resolve::{self, ConfigError, Flags};
use crate::plan::{self, Purpose};
use crate::report::page::{plural, size};
use std::io::Read;
use std::path::Path;
use std::time::Duration;

const AREA: &str = "sources";

/// A file of a kind that is read whole when it is opened is not opened when it is larger.
const WHOLE: u64 = 8 << 20;
/// How such files begin: workbooks, Parquet, SQLite.
const KINDS: [&[u8]; 4] = [b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"PAR1", b"SQLite format 3"];

/// Bytes of the sources that are files, for the room that a run may need.
pub(super) fn bytes(settings: &Settings) -> u64 {
    let paths = settings.sources.iter().map(|source| &source.path);
    paths.filter_map(|path| std::fs::metadata(path).ok()).filter(std::fs::Metadata::is_file).map(|found| found.len()).sum()
}

pub(super) fn look(chart: &mut Chart, command: &Doctor, settings: &mut Settings) {
    if settings.config.is_none() {
        return;
    }
    let flags = Flags { config: command.project.config.clone(), unattended: true, ..Flags::default() };
    let folder = std::env::current_dir().unwrap_or_default();
    let read = match resolve::resolve(&flags, &folder) {
        Ok(read) => read,
        Err(ConfigError::Setting { place, .. }) if place == "input" => {
            let todo = "name one with `path` under [source]; `build` and `check` also take files on the command line";
            return chart.warn(AREA, "[source]", "the project file names no catalog, which `feedmill run` needs", todo);
        }
        Err(error) => {
            let error = CliError::from(error);
            let todo = if error.exit() == Exit::Input {
                "export the catalog, or correct `path` under [source]"
            } else {
                "correct it in the project file"
            };
            return chart.fail(AREA, "[source]", error.to_string(), todo, error.exit());
        }
    };
    settings.sources = read.sources;
    let mut is_plain = true;
    for source in &settings.sources {
        is_plain &= one(chart, command, &source.path, &source.wanted);
        for join in &source.joins {
            is_plain &= one(chart, command, &join.path, &join.wanted);
        }
    }
    if is_plain && !chart.fails(AREA) && !chart.fails("project") {
        mapping(chart, settings);
    }
}

/// Looks at one source; whether it is a file whose beginning can be read.
fn one(chart: &mut Chart, command: &Doctor, path: &str, wanted: &Wanted) -> bool {
    if let Some(program) = wanted.command.first() {
        chart.ok(AREA, path, format!("is what the command `{program}` writes; a run starts it"));
    } else if let Some(url) = wanted.database.url.as_ref().filter(|url| !url.expose().starts_with("sqlite:")) {
        if command.online {
            online::database(chart, AREA, path, url);
        } else {
            chart.ok(AREA, path, "a database; `--online` asks whether it answers");
        }
    } else if path == "-" {
        chart.ok(AREA, path, "standard input, which a run reads");
    } else if remote::is_address(path) {
        if command.online {
            fetched(chart, path, wanted);
        } else {
            chart.ok(AREA, remote::shown(path), "an address; `--online` asks whether it answers");
        }
    } else {
        return file(chart, command, database::file_of(path), wanted);
    }
    false
}

/// Asks for a catalog as a run does, and does not wait for it.
fn fetched(chart: &mut Chart, path: &str, wanted: &Wanted) {
    let name = remote::shown(path);
    match remote::ask(path, wanted) {
        Ok(told) => {
            let bytes = told.bytes.map_or_else(|| "of unknown size".to_owned(), size);
            let changed = told.last_modified.map(|changed| format!(", last changed {changed}")).unwrap_or_default();
            chart.ok(AREA, name, format!("answers with a catalog {bytes}{changed}"));
        }
        Err(error) => {
            let error = CliError::from(error);
            chart.fail(AREA, name, error.to_string(), "a run would end the same way", error.exit());
        }
    }
}

fn file(chart: &mut Chart, command: &Doctor, path: &str, wanted: &Wanted) -> bool {
    let fail = |chart: &mut Chart, said: String, todo: &str| {
        chart.fail(AREA, path, said, todo, Exit::Input);
        false
    };
    let found = match std::fs::metadata(path) {
        Ok(found) => found,
        Err(error) => return fail(chart, error.to_string(), "export the catalog there, or correct `path`"),
    };
    if found.is_dir() {
        return fail(chart, "a folder".to_owned(), "name a file, or a glob such as `exports/*.csv`");
    }
    if !found.is_file() {
        chart.ok(AREA, path, "a pipe, which a run reads");
        return false;
    }
    let mut head = Vec::new();
    if let Err(error) = std::fs::File::open(path).and_then(|file| file.take(16).read_to_end(&mut head)) {
        return fail(chart, error.to_string(), "let the user who runs feedmill read it");
    }
    if found.len() == 0 {
        return fail(chart, "it is empty".to_owned(), "see why the export wrote nothing");
    }
    let length = size(found.len());
    let seconds = age(Path::new(path), timestamp()).unwrap_or(0);
    let old = format!("{length}, written {}", ago(seconds));
    let limit = i64::try_from(command.max_age.as_secs()).unwrap_or(i64::MAX);
    if seconds < -AHEAD {
        chart.warn(
            AREA,
            path,
            format!("{length}, written later than now"),
            "one of two clocks is wrong: that of this machine, or of whoever wrote it",
        );
    } else if seconds > limit {
        let todo = format!("see whether the export still runs; more than {} counts as old (`--max-age`)", span(command.max_age));
        chart.warn(AREA, path, old, todo);
    } else {
        chart.ok(AREA, path, old);
    }
    let is_whole = KINDS.iter().any(|kind| head.starts_with(kind)) || wanted.database.url.is_some();
    !is_whole || found.len() <= WHOLE
}

/// What the catalogs are taken for, and whether the mapping fits them.
fn mapping(chart: &mut Chart, settings: &Settings) {
    let effort = plan::Effort { threads: 1, memory: plan::MEMORY };
    match plan::plan(settings, Purpose::Check, effort, crate::clock::today()) {
        Ok(plan) => {
            for (source, setting) in plan.sources.iter().zip(&settings.sources) {
                let columns = plural(source.header.names().len() as u64, "column");
                let joined = match setting.joins.len() {
                    0 => String::new(),
                    joins => format!(", {} joined", plural(joins as u64, "table")),
                };
                let facts = &source.facts;
                let said = format!("{}, {}, read as {}, {columns}{joined}", facts.format.word(), facts.encoding, source.preset);
                chart.ok("mapping", &*facts.file, said);
            }
        }
        Err(error) => {
            let error = CliError::from(error);
            let todo = error.hint().unwrap_or_else(|| "`feedmill inspect INPUT` shows what is in it".to_owned());
            chart.fail("mapping", "[map]", error.to_string(), todo, error.exit());
        }
    }
}

/// A time in the past for people.
fn ago(seconds: i64) -> String {
    match u64::try_from(seconds) {
        Ok(seconds @ 60..) => format!("{} ago", span(Duration::from_secs(seconds))),
        _ => "just now".to_owned(),
    }
}

/// A time for people, cut to what matters.
fn span(time: Duration) -> String {
    match time.as_secs() {
        seconds @ ..120 => format!("{seconds} s"),
        seconds @ ..7200 => format!("{} min", seconds / 60),
        seconds @ ..172_800 => format!("{} h", seconds / 3600),
        seconds => format!("{} days", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::{ago, span};
    use std::time::Duration;

    #[test]
    fn times_for_people() {
        assert_eq!([-3, 59, 60, 7200].map(ago), ["just now", "just now", "60 s ago", "2 h ago"]);
        let spans = [119, 120, 7199, 7200, 172_799, 172_800].map(|seconds| span(Duration::from_secs(seconds)));
        assert_eq!(spans, ["119 s", "2 min", "119 min", "2 h", "47 h", "2 days"]);
    }
}
