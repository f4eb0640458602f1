//! `push`: lock, deliver what was built, tell what became of it.

use super::args::{Project, Push, Shown};
use super::error::{CliError, Exit};
use super::mill;
use super::rehearsal;
use super::reports::{reported, reports};
use super::signal::Listener;
use super::turn;
use super::ui::Ui;
use super::watch::Watch;
use crate::clock::{Clock, System};
use crate::config::resolve::{Flags, Settings, state_file};
use crate::finding::Severity;
use crate::finding::sink::Listen;
use crate::progress::Progress;
use crate::push::engine::Wish;
use crate::push::outcome::{Ending as End, Outcome};
use crate::push::round::{Order, Round, Task};
use crate::push::shared::Shared;
use crate::report::{self, Opening};
use crate::sandbox;
use crate::state::State;
use serde_json::json;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// A project, ready to be delivered.
pub(super) struct Ready {
    pub(super) settings: Settings,
    pub(super) orders: Vec<Order>,
    pub(super) state: PathBuf,
}

/// Settings and targets; the catalog is not needed.
pub(super) fn ready(project: &Project, unattended: bool, ui: &Ui) -> Result<Ready, CliError> {
    let flags = Flags { config: project.config.clone(), without_sources: true, unattended, ..Flags::default() };
    let settings = mill::settings(&flags, ui)?;
    let orders = orders(project, &settings)?;
    let state = state_of(project, &settings)?;
    Ok(Ready { settings, orders, state })
}

/// Where the state of a project is.
pub(super) fn state_of(project: &Project, settings: &Settings) -> Result<PathBuf, CliError> {
    Ok(match &project.state {
        // A folder is what a build calls by this flag.
        Some(path) if path.is_dir() || path.extension().is_none() && !path.exists() => path.join("state.sqlite"),
        Some(path) => path.clone(),
        None => state_file(settings)?,
    })
}

fn orders(project: &Project, settings: &Settings) -> Result<Vec<Order>, CliError> {
    let known: Vec<&str> = settings.targets.iter().filter(|target| target.deliver.is_some()).map(|target| target.name.as_str()).collect();
    for name in &project.targets {
        if !known.contains(&name.as_str()) {
            let known = if known.is_empty() { "none is".to_owned() } else { known.join(", ") };
            return Err(CliError::Usage(format!("`{name}` is no target with `deliver` in feedmill.toml; delivered: {known}")));
        }
    }
    let wanted = settings.targets.iter().filter(|target| project.targets.is_empty() || project.targets.contains(&target.name));
    let orders: Vec<Order> = wanted
        .filter_map(|target| {
            Some(Order {
                target: target.name.clone(),
                folder: project.out.join(&target.name),
                deliver: target.deliver.clone()?,
                accounts: target.accounts.clone(),
            })
        })
        .collect();
    if orders.is_empty() {
        return Err(CliError::Usage("no target of feedmill.toml says how it is delivered: give one a `deliver = { ... }`".to_owned()));
    }
    Ok(orders)
}

/// Runs asynchronous work until it is done, or a signal ends it. What a signal cuts off is taken
/// up by the next run.
pub(super) fn wait<T>(work: impl Future<Output = Result<T, CliError>>) -> Result<T, CliError> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().map_err(CliError::Report)?;
    let ended = runtime.block_on(async {
        let mut listener = Listener::new().map_err(CliError::Report)?;
        tokio::select! {
            done = work => done,
            stop = listener.next() => Err(stop.error("the next run goes on where this one stopped")),
        }
    });
    runtime.shutdown_timeout(Duration::from_secs(1));
    ended
}

/// What a round is made with.
pub(super) fn round(state: Arc<State>, home: &Path, time: Duration, wish: Wish) -> Round {
    let clock: Arc<dyn Clock> = Arc::new(System::default());
    let shared = Shared::new(clock, time);
    Round { run: crate::clock::unique(), home: home.to_owned(), state, shared, wish, stand_in: None }
}

pub(super) fn run(command: &Push, ui: &Ui) -> Result<Exit, CliError> {
    let apart = command.dry_run || command.sandbox;
    // A rehearsal is nothing that anybody should hear of.
    let mut watch = (!apart).then(|| Watch::new(command.watched.metrics_file.as_deref()));
    let done = reported("push", &command.shown, ui, || push(command, watch.as_mut(), ui));
    if let Some(watch) = watch {
        watch.end(&done, ui);
    }
    done
}

fn push(command: &Push, mut watch: Option<&mut Watch>, ui: &Ui) -> Result<Exit, CliError> {
    let ready = ready(&command.project, false, ui)?;
    if let Some(watch) = &mut watch {
        watch.look_at(&ready)?;
    }
    let apart = command.dry_run || command.sandbox;
    let held = if apart { None } else { turn::take(&ready.state, &command.limits, ui)? };
    if !apart && held.is_none() {
        return Ok(Exit::Done);
    }
    if let Some(watch) = &mut watch {
        watch.begin(ui);
    }
    // A rehearsal goes on as if it were approved, and does not write that down.
    let (approved, remembered) = if command.dry_run { (command.approve.clone(), None) } else { (None, command.approve.as_ref()) };
    let wish =
        Wish { rehearsal: command.dry_run, whole: command.full, again: true, allow_empty: command.allow_empty, max_age_h: None, approved };
    let outcomes = wait(async {
        // A rehearsal neither makes a state nor changes one.
        let scratch = tempfile::tempdir().map_err(CliError::Report)?;
        let path = if command.sandbox || command.dry_run && !ready.state.exists() {
            scratch.path().join("state.sqlite")
        } else {
            ready.state.clone()
        };
        let state = Arc::new(State::open(&path).await?);
        let mut round = round(Arc::clone(&state), &ready.settings.home, command.limits.deadline, wish);
        let options = sandbox::Options { faults: command.fault.clone(), ..sandbox::Options::default() };
        let sandbox = if command.sandbox { Some(sandbox::serve(options).await?) } else { None };
        round.stand_in = sandbox.as_ref().map(|sandbox| rehearsal::stand_in(sandbox, &ready.orders, scratch.path()));
        if let Some(digest) = remembered {
            for order in &ready.orders {
                state.approve(&order.target, digest, round.shared.clock.timestamp().as_second()).await?;
            }
        }
        let told = &mut |outcome: &Outcome| ui.say(&format!("{}: {}", outcome.name(), outcome.ending.word()));
        let outcomes = deliver(&round, &ready.orders, told, ui).await;
        let exchanges = sandbox.as_ref().map(sandbox::Sandbox::transcript).unwrap_or_default();
        exchanges.iter().for_each(|exchange| ui.say(&exchange.line()));
        if let Some(path) = &command.transcript {
            super::sandbox::append(path, exchanges.iter().map(ToString::to_string))?;
        }
        Ok(outcomes)
    });
    drop(held);
    let outcomes = outcomes?;
    if let Some(watch) = watch {
        watch.delivered(&outcomes);
    }
    tell("push", &command.shown, &ready, &outcomes, command.limits.error_on_unchanged, ui)
}

/// Delivers, and shows how far it is where somebody looks.
pub(super) async fn deliver(round: &Round, orders: &[Order], told: &mut (dyn FnMut(&Outcome) + Send), ui: &Ui) -> Vec<Outcome> {
    let outcomes = tokio::select! {
        outcomes = round.run(orders, Task::Push, told) => outcomes,
        never = ui.draw(&round.shared.meter) => match never {},
    };
    ui.end();
    outcomes
}

/// Tells what became of deliveries, refusals first, and how the program ends.
pub(super) fn tell(
    name: &'static str,
    shown: &Shown,
    ready: &Ready,
    outcomes: &[Outcome],
    error_on_unchanged: bool,
    ui: &Ui,
) -> Result<Exit, CliError> {
    let mut files = Vec::new();
    let kept: Vec<_> = outcomes.iter().map(|outcome| kept(outcome, ready)).collect();
    let findings: Vec<_> = kept.iter().flatten().map(|kept| crate::push::home::recall(kept, &mut files)).collect();
    let opening = Opening {
        command: name,
        files,
        colour: ui.colour(),
        max_per_code: shown.max_per_code,
        width: ui.width(),
        fail_on: Some(Severity::Error),
        ..Opening::default()
    };
    let mut reports = reports(&shown.output_format, &opening)?;
    for finding in &findings {
        reports.finding(finding);
    }
    let unchanged = outcomes.iter().all(|outcome| outcome.ending == End::Unchanged);
    let mut exit = outcomes.iter().fold(Exit::Done, |exit, outcome| exit.worse(Exit::of(outcome.ending)));
    if unchanged && error_on_unchanged && exit == Exit::Done {
        exit = Exit::Unchanged;
    }
    let mut ending = report::Ending { exit: (exit.code(), exit.name()), ..report::Ending::default() };
    for outcome in outcomes {
        let mut lines = outcome.planned.clone();
        lines.extend(outcome.notes.iter().map(|note| format!("note: {note}")));
        lines.push(outcome.line());
        let mut value = outcome.json();
        if !outcome.planned.is_empty() {
            value["planned"] = json!(outcome.planned);
        }
        ending.outcomes.push((value, lines.join("\n")));
    }
    for report in &mut reports.0 {
        report.end(&ending).map_err(CliError::Report)?;
    }
    Ok(exit)
}

/// The refusals of an outcome with the names of their files.
fn kept(outcome: &Outcome, ready: &Ready) -> Vec<serde_json::Value> {
    let order = ready.orders.iter().find(|order| order.target == outcome.target);
    let built = order.filter(|_| !outcome.findings.is_empty()).and_then(|order| crate::push::feed::sources(&order.folder));
    let files: Vec<Arc<str>> = built.unwrap_or_default();
    outcome.findings.iter().map(|finding| crate::push::home::keep(finding, &files)).collect()
}
