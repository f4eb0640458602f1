//! What others say: whether anybody answers at the places that the project file names, and what
//! time it is there. No credential is sent.

use super::chart::Chart;
use super::machine::AHEAD;
use crate::cli::error::{CliError, Exit};
use crate::cli::push::wait;
use crate::cli::ui::Ui;
use crate::push::http::reach::{self, Answered};
use crate::push::places::Place;
use crate::push::shared::Shared;
use crate::secret::Secret;

/// What to do where nobody answers.
const SILENT: &str = "see whether the address is right and the way there open: name, firewall, proxy; a run tries again the next time";

/// Asks at a place of a target.
pub(super) fn place(chart: &mut Chart, area: &'static str, name: &str, place: &Place, shared: &Shared, ui: &Ui) {
    ui.say(&format!("asking {place}"));
    let asked = wait(async {
        Ok(match place {
            Place::Web(address) => Some(reach::web(address, shared).await.map(Heard::Web)),
            Place::Ssh { host, port } => Some(reach::ssh(host, *port).await.map(Heard::Ssh)),
            Place::Folder(_) => None,
        })
    });
    match asked {
        Ok(None) => {}
        Ok(Some(Ok(Heard::Web(answered)))) => web(chart, area, name, place, answered),
        Ok(Some(Ok(Heard::Ssh(greeting)))) => chart.ok(area, name, format!("{place} answers: {greeting}; its key is checked in a run")),
        Ok(Some(Err(why))) => chart.fail(area, name, format!("{place}: {why}"), SILENT, Exit::Temporary),
        Err(error) => stopped(chart, area, name, &error),
    }
}

enum Heard {
    Web(Answered),
    Ssh(String),
}

fn web(chart: &mut Chart, area: &'static str, name: &str, place: &Place, Answered { status, ahead }: Answered) {
    if status >= 500 {
        let todo = "the other side has trouble of its own; a run tries again the next time";
        return chart.warn(area, name, format!("{place} answers {status}"), todo);
    }
    match ahead.filter(|ahead| ahead.abs() > AHEAD) {
        Some(ahead) => {
            let way = if ahead > 0 { "behind" } else { "ahead of" };
            let said = format!("{place} answers; the clock of this machine is {} s {way} its clock", ahead.abs());
            chart.warn(area, name, said, "set the clock: requests may be refused, and waits end at the wrong time");
        }
        None => chart.ok(area, name, format!("{place} answers")),
    }
}

/// Asks whether anybody listens where a database should be.
pub(super) fn database(chart: &mut Chart, area: &'static str, name: &str, url: &Secret) {
    let parsed = url::Url::parse(url.expose()).ok();
    let host = parsed.as_ref().and_then(url::Url::host_str).filter(|host| !host.is_empty());
    let Some(host) = host else { return chart.ok(area, name, "a database without a host, which a run asks") };
    let usual = if url.expose().starts_with("postgres") { 5432 } else { 3306 };
    let port = parsed.as_ref().and_then(url::Url::port).unwrap_or(usual);
    let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
    match wait(async { Ok(reach::tcp(&host, port).await) }) {
        Ok(Ok(())) => chart.ok(area, name, "somebody listens there; a run logs in"),
        Ok(Err(why)) => chart.fail(area, name, why, SILENT, Exit::Input),
        Err(error) => stopped(chart, area, name, &error),
    }
}

fn stopped(chart: &mut Chart, area: &'static str, name: &str, error: &CliError) {
    chart.fail(area, name, error.to_string(), "", error.exit());
}
