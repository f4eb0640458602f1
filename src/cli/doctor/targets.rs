//! The targets of the project file: settings that can be used, credentials that can be read, and
//! with `--online` whether somebody answers where they lead.

use super::chart::Chart;
use super::disk;
use super::online;
use crate::cli::args::Doctor;
use crate::cli::error::{CliError, Exit};
use crate::cli::ui::Ui;
use crate::clock::System;
use crate::config::Settings;
use crate::config::resolve::TargetSetting;
use crate::push::heartbeat::Heartbeat;
use crate::push::places::Place;
use crate::push::settings::{Deliver, accounts};
use crate::push::shared::Shared;
use crate::report::page::plural;
use crate::spec;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

const AREA: &str = "targets";

/// What the settings of deliveries say is to be done about them.
const CORRECT: &str = "correct `deliver` of the target in the project file, or what it leads to";

pub(super) fn look(chart: &mut Chart, command: &Doctor, settings: &Settings, ui: &Ui) -> Result<(), CliError> {
    let names = &command.project.targets;
    let known: Vec<&str> = settings.targets.iter().map(|target| target.name.as_str()).collect();
    if let Some(unknown) = names.iter().find(|name| !known.contains(&name.as_str())) {
        return Err(CliError::Usage(format!("`{unknown}` is no target of the project file; known: {}", known.join(", "))));
    }
    // Nothing waits here for a target; what is asked online has its own patience.
    let shared = Shared::new(Arc::new(System::default()), Duration::from_secs(60));
    for target in settings.targets.iter().filter(|target| names.is_empty() || names.contains(&target.name)) {
        let places = one(chart, target, settings, &shared);
        for place in places {
            match place {
                Place::Folder(folder) => disk::folder(chart, AREA, &target.name, &folder, 0),
                place if command.online => online::place(chart, AREA, &target.name, &place, &shared, ui),
                _ => {}
            }
        }
        heartbeat(chart, target, &settings.home);
    }
    Ok(())
}

/// Looks at one target; what comes are the places that it is delivered to.
fn one(chart: &mut Chart, target: &TargetSetting, settings: &Settings, shared: &Shared) -> Vec<Place> {
    let (name, home) = (target.name.as_str(), settings.home.as_path());
    let Ok(spec) = spec::load::spec(&target.spec) else { return Vec::new() };
    let Some(written) = &target.deliver else {
        if settings.config.is_some() {
            chart.ok(AREA, name, format!("{}: built, and not delivered", spec.name()));
        }
        return Vec::new();
    };
    let fail = |chart: &mut Chart, error: CliError| chart.fail(AREA, name, error.to_string(), CORRECT, error.exit());
    let deliver = match Deliver::read(name, written) {
        Ok(deliver) => deliver,
        Err(error) => {
            fail(chart, error.into());
            return Vec::new();
        }
    };
    // Which accounts the catalog names shows in a build.
    let named = target.accounts.as_ref().filter(|accounts| !accounts.is_table());
    let accounts = match accounts(name, named, home, || Ok(Vec::new())) {
        Ok(accounts) => accounts,
        Err(error) => {
            fail(chart, error.into());
            return Vec::new();
        }
    };
    let account = accounts.first().map_or("", String::as_str);
    let places = deliver.places(home);
    match deliver.destination(name, &spec.identity.target, account, home, shared, true) {
        Ok(destination) => {
            let mode = written.get("mode").and_then(toml::Value::as_str).map(|mode| format!(", mode {mode}")).unwrap_or_default();
            let of = if account.is_empty() { String::new() } else { format!(", {}", plural(accounts.len() as u64, "account")) };
            let is_open = !places.is_empty() && places.iter().all(|place| matches!(place, Place::Folder(_)));
            let usable = if is_open { "its settings can be used" } else { "its settings and credentials can be used" };
            let said = format!("{} to {}{mode}{of}; {usable}", spec.name(), destination.describe());
            chart.ok(AREA, name, said);
        }
        Err(error) => fail(chart, error.into()),
    }
    places
}

/// The address of a heartbeat is a secret, and is not called: that would say that a run went well.
fn heartbeat(chart: &mut Chart, target: &TargetSetting, home: &Path) {
    let Some(written) = &target.heartbeat else { return };
    match written.read(home).and_then(Heartbeat::new) {
        Ok(_) => chart.ok(AREA, target.name.as_str(), "heartbeat: its address can be read"),
        Err(error) => {
            let said = format!("heartbeat: {error}");
            chart.fail(AREA, target.name.as_str(), said, "correct `heartbeat` of the target in the project file", Exit::Usage);
        }
    }
}
