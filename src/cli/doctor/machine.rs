//! The program and the machine it runs on.

use super::chart::Chart;
use super::disk;
use super::sources;
use crate::cli::args::Doctor;
use crate::cli::error::Exit;
use crate::config::Settings;
use crate::config::environment::proxies;
use crate::config::resolve::state_file;
use jiff::Timestamp;
use std::path::Path;

const PROGRAM: &str = "program";
const MACHINE: &str = "machine";

/// When this program was not there yet: a clock that says so is wrong.
const EARLIEST: i64 = 1_790_812_800;
/// Seconds by which a file may be ahead of the clock, as on a disk of another machine.
pub(super) const AHEAD: i64 = 5 * 60;

/// The version, and what it was built with.
pub(super) fn program(chart: &mut Chart) {
    let parts = [
        ("parquet", cfg!(feature = "parquet")),
        ("excel", cfg!(feature = "excel")),
        ("database", cfg!(feature = "database")),
        ("sftp", cfg!(feature = "sftp")),
        ("object-store", cfg!(feature = "object-store")),
    ];
    let named = |wanted: bool| parts.iter().filter(|(_, is_in)| *is_in == wanted).map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
    let (with, without) = (named(true), named(false));
    let parts = match (with.as_str(), without.as_str()) {
        ("", without) => format!("built without {without}"),
        (with, "") => format!("built with {with}"),
        (with, without) => format!("built with {with}; without {without}"),
    };
    chart.ok(PROGRAM, "feedmill", format!("{}, {parts}", env!("CARGO_PKG_VERSION")));
}

/// Clock, room on disk, proxy.
pub(super) fn look(chart: &mut Chart, command: &Doctor, settings: Option<&Settings>) {
    clock(chart, settings);
    // What is fetched lies in the folder for temporary files until it is read.
    let needed = settings.map_or(0, sources::bytes);
    disk::folder(chart, MACHINE, "feeds", &command.project.out, needed);
    disk::folder(chart, MACHINE, "temporary files", &std::env::temp_dir(), needed);
    proxy(chart);
}

fn clock(chart: &mut Chart, settings: Option<&Settings>) {
    let now = crate::clock::timestamp();
    let said = format!("{now:.0}");
    if now.as_second() < EARLIEST {
        let todo = "set the clock: certificates are judged by it, and so is how old a feed is";
        return chart.fail(MACHINE, "clock", format!("{said}: this program is newer than that"), todo, Exit::Usage);
    }
    let state = settings.and_then(|settings| state_file(settings).ok());
    let files = settings.and_then(|settings| settings.config.as_deref()).into_iter().chain(state.as_deref());
    match files.into_iter().find(|file| age(file, now).is_some_and(|age| age < -AHEAD)) {
        Some(file) => {
            let said = format!("{said}: {} was written later than that", file.display());
            chart.warn(MACHINE, "clock", said, "one of the two is wrong: set the clock, or see who wrote the file");
        }
        None => chart.ok(MACHINE, "clock", said),
    }
}

/// How many seconds ago a file was written.
pub(super) fn age(file: &Path, now: Timestamp) -> Option<i64> {
    let written = Timestamp::try_from(std::fs::metadata(file).ok()?.modified().ok()?).ok()?;
    Some(now.as_second() - written.as_second())
}

/// The proxy is named by its variable and its host; its address may hold a password.
fn proxy(chart: &mut Chart) {
    let proxies = proxies();
    let Some((name, secret)) = proxies.https else { return chart.ok(MACHINE, "proxy", "none: deliveries go straight to their targets") };
    let written = secret.expose();
    // Without a scheme it is taken for plain http.
    let url = url::Url::parse(written).ok().filter(url::Url::has_host).or_else(|| url::Url::parse(&format!("http://{written}")).ok());
    let Some(host) = url.as_ref().and_then(url::Url::host_str) else {
        let said = format!("`{name}` is no address of a proxy");
        return chart.fail(MACHINE, "proxy", said, "write http://host:port, or unset the variable", Exit::Usage);
    };
    let port = url.as_ref().and_then(url::Url::port).map(|port| format!(":{port}")).unwrap_or_default();
    let without = if proxies.without.is_empty() { String::new() } else { format!(", but not to {}", proxies.without) };
    let said = format!("deliveries by https go through {host}{port} (`{name}`){without}; SFTP and sources go straight");
    chart.ok(MACHINE, "proxy", said);
}
