//! `status`, `errors`, `history`, `verify`: what targets said, and what they hold.

use super::args::{Errors, History, Status, Verify};
use super::error::{CliError, Exit};
use super::push::{ready, round, wait};
use super::reports::{reported, reports};
use super::ui::Ui;
use crate::clock::{Clock, System};
use crate::finding::Severity;
use crate::finding::sink::Listen;
use crate::push::FileState;
use crate::push::engine::Wish;
use crate::push::home;
use crate::push::outcome::{Outcome, outstanding};
use crate::push::round::{Held, HeldItems, Task};
use crate::report::page::plural;
use crate::report::{Ending, Opening};
use crate::state::{Lock, LockError, State, Visit};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Opens the state of a project in which something happened.
async fn open(path: &Path) -> Result<Option<State>, CliError> {
    if path.exists() { Ok(Some(State::open(path).await?)) } else { Ok(None) }
}

/// The last visit of each account of the targets.
async fn latest(state: &State, targets: &[String]) -> Result<Vec<Visit>, CliError> {
    let mut found: Vec<Visit> = Vec::new();
    for target in targets {
        for visit in state.visits(Some(target), 100_000).await? {
            if !found.iter().any(|known| known.target == visit.target && known.account == visit.account) {
                found.push(visit);
            }
        }
    }
    Ok(found)
}

fn line(visit: &Visit) -> String {
    let at = jiff::Timestamp::from_second(visit.ended).map_or_else(|_| String::new(), |at| at.to_string());
    let count = |name: &str| visit.summary.get(name).and_then(Value::as_u64).unwrap_or(0);
    let name = if visit.account.is_empty() { visit.target.clone() } else { format!("{} {}", visit.target, visit.account) };
    let mut line = format!(
        "{at}  {:<9}  {name}: {} items (+{} ~{} -{})",
        visit.outcome,
        count("items"),
        count("added"),
        count("changed"),
        count("removed")
    );
    if count("refused") > 0 {
        line.push_str(&format!(", {} refused", count("refused")));
    }
    let from = visit.summary.get("outstanding_from").and_then(Value::as_str);
    line.push_str(&outstanding(count("outstanding"), from));
    if let Some(message) = visit.summary.get("message").and_then(Value::as_str) {
        line.push_str(&format!("; {message}"));
    }
    for guard in visit.summary.get("guards").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str) {
        line.push_str(&format!("; {guard}"));
    }
    line
}

fn value(visit: &Visit) -> Value {
    json!({ "run": visit.run, "outcome": visit.outcome, "target": visit.target, "account": visit.account, "summary": visit.summary })
}

pub(super) fn status(command: &Status, ui: &Ui) -> Result<Exit, CliError> {
    let ready = ready(&command.project, true, ui)?;
    let mut busy: Option<LockError> = None;
    let (visits, asked) = wait(async {
        let Some(state) = open(&ready.state).await? else { return Ok((Vec::new(), Vec::new())) };
        let state = Arc::new(state);
        let deadline = command.watch.unwrap_or(Duration::from_secs(30));
        let round = round(Arc::clone(&state), &ready.settings.home, deadline, Wish::default());
        let mut said = Vec::new();
        let told = &mut |outcome: &Outcome| {
            // A word that was said before is no news.
            let line = format!("asked: {}: {}{}", outcome.name(), outcome.ending.word(), outcome.why());
            if !said.contains(&line) {
                ui.say(&line);
                said.push(line);
            }
        };
        // What a run has begun it settles itself; two that did would write over each other.
        let clock = System::default();
        let turn = &mut || match Lock::take(&ready.state.with_extension("lock"), clock.timestamp()) {
            Ok(lock) => Some(lock),
            Err(error) => {
                if busy.is_none() {
                    ui.say(&format!("not asked: {error}"));
                }
                busy = Some(error);
                None
            }
        };
        let asked = match command.watch {
            _ if !state.is_waiting().await? => Vec::new(),
            Some(_) => round.watch(&ready.orders, turn, told).await,
            None => match turn() {
                Some(_turn) => round.run(&ready.orders, Task::Ask, told).await,
                None => Vec::new(),
            },
        };
        let targets: Vec<String> = ready.orders.iter().map(|order| order.target.clone()).collect();
        Ok((latest(&state, &targets).await?, asked))
    })?;
    let text = if command.json {
        format!("{}\n", json!({ "schema": "feedmill.status/1", "targets": visits.iter().map(value).collect::<Vec<_>>() }))
    } else if visits.is_empty() {
        "nothing was pushed yet\n".to_owned()
    } else {
        visits.iter().map(|visit| line(visit) + "\n").collect()
    };
    ui.print(&text)?;
    if let Some(error) = busy.filter(|_| asked.is_empty()) {
        return Err(error.into());
    }
    Ok(asked.iter().fold(Exit::Done, |exit, outcome| exit.worse(Exit::of(outcome.ending))))
}

pub(super) fn errors(command: &Errors, ui: &Ui) -> Result<Exit, CliError> {
    reported("errors", &command.shown, ui, || refused(command, ui))
}

fn refused(command: &Errors, ui: &Ui) -> Result<Exit, CliError> {
    let ready = ready(&command.project, true, ui)?;
    let kept = wait(async {
        let Some(state) = open(&ready.state).await? else { return Ok(Vec::new()) };
        let targets: Vec<String> = ready.orders.iter().map(|order| order.target.clone()).collect();
        let mut kept = Vec::new();
        for target in &targets {
            // The last delivery that was answered row by row; runs without one change nothing.
            let mut seen: Vec<String> = Vec::new();
            for visit in state.visits(Some(target), 100_000).await?.into_iter().filter(|visit| visit.outcome == "pushed") {
                if !seen.contains(&visit.account) {
                    seen.push(visit.account.clone());
                    kept.extend(state.refusals(visit.id).await?);
                }
            }
        }
        Ok(kept)
    })?;
    let mut files = Vec::new();
    let findings: Vec<_> = kept.iter().map(|kept| home::recall(kept, &mut files)).collect();
    let opening = Opening {
        command: "errors",
        files,
        colour: ui.colour(),
        max_per_code: command.shown.max_per_code,
        width: ui.width(),
        fail_on: Some(Severity::Error),
        ..Opening::default()
    };
    let mut reports = reports(&command.shown.output_format, &opening)?;
    for finding in &findings {
        reports.finding(finding);
    }
    let exit = if findings.is_empty() { Exit::Done } else { Exit::Findings };
    let words = if findings.is_empty() {
        "no row was refused in the last deliveries".to_owned()
    } else {
        format!("{} refused", plural(findings.len() as u64, "row"))
    };
    let outcome = (json!({ "refused": findings.len() }), words);
    let ending = Ending { exit: (exit.code(), exit.name()), outcomes: vec![outcome], ..Ending::default() };
    for report in &mut reports.0 {
        report.end(&ending).map_err(CliError::Report)?;
    }
    Ok(exit)
}

pub(super) fn history(command: &History, ui: &Ui) -> Result<Exit, CliError> {
    let ready = ready(&command.project, true, ui)?;
    let visits = wait(async {
        let Some(state) = open(&ready.state).await? else { return Ok(Vec::new()) };
        let mut visits = Vec::new();
        for order in &ready.orders {
            visits.extend(state.visits(Some(&order.target), command.limit).await?);
        }
        visits.sort_by_key(|visit| std::cmp::Reverse(visit.id));
        visits.truncate(command.limit as usize);
        Ok(visits)
    })?;
    let text = if command.json {
        format!("{}\n", json!({ "schema": "feedmill.history/1", "runs": visits.iter().map(value).collect::<Vec<_>>() }))
    } else {
        visits.iter().map(|visit| line(visit) + "\n").collect()
    };
    ui.print(&text)?;
    Ok(Exit::Done)
}

pub(super) fn verify(command: &Verify, ui: &Ui) -> Result<Exit, CliError> {
    let ready = ready(&command.project, true, ui)?;
    let found = wait(async {
        let state = Arc::new(open(&ready.state).await?.ok_or_else(|| CliError::Usage("nothing was pushed yet".to_owned()))?);
        let round = round(state, &ready.settings.home, Duration::from_secs(600), Wish::default());
        let mut found = Vec::new();
        for order in &ready.orders {
            for (account, held) in round.verify(order).await? {
                found.push((order.target.clone(), account, held));
            }
        }
        Ok(found)
    })?;
    let mut exit = Exit::Done;
    let (mut lines, mut values) = (String::new(), Vec::new());
    for (target, account, held) in found {
        let name = if account.is_empty() { target.clone() } else { format!("{target} {account}") };
        let Some(held) = held else {
            lines.push_str(&format!("{name}: this way in cannot be read back\n"));
            values.push(json!({ "name": target, "account": account, "readable": false }));
            continue;
        };
        let (same, line, value) = match held {
            Held::Items(held) => items(&held),
            Held::Files(files) => compared(&files),
        };
        exit = if same { exit } else { Exit::Findings };
        lines.push_str(&format!("{name}: {line}\n"));
        let mut whole = json!({ "name": target, "account": account, "readable": true });
        if let (Some(whole), Value::Object(value)) = (whole.as_object_mut(), value) {
            whole.extend(value);
        }
        values.push(whole);
    }
    let text = if command.json { format!("{}\n", json!({ "schema": "feedmill.verify/1", "targets": values })) } else { lines };
    ui.print(&text)?;
    Ok(exit)
}

/// Whether a target holds the items that were built, in words and for scripts.
fn items(held: &HeldItems) -> (bool, String, Value) {
    let few = |ids: &[String]| ids.iter().take(5).map(|id| format!(" {id}")).collect::<String>();
    let (missing, besides) = (held.missing.len(), held.besides.len());
    let line = format!("{} items held, {missing} missing{}, {besides} besides{}", held.items, few(&held.missing), few(&held.besides));
    (missing + besides == 0, line, json!({ "items": held.items, "missing": held.missing, "besides": held.besides }))
}

/// Whether the files that were built stand there, in words and for scripts.
fn compared(files: &[(String, FileState)]) -> (bool, String, Value) {
    let with = |wanted: FileState| files.iter().filter(move |(_, state)| *state == wanted).map(|(name, _)| name.as_str());
    let built = files.len() - with(FileState::Besides).count();
    let mut line = format!("{} of {} as built", with(FileState::AsBuilt).count(), plural(built as u64, "file"));
    for (state, words) in [(FileState::Differs, "differing"), (FileState::Missing, "missing"), (FileState::Besides, "besides")] {
        let names: Vec<&str> = with(state).take(5).collect();
        if !names.is_empty() {
            line.push_str(&format!(", {} {words} {}", with(state).count(), names.join(" ")));
        }
    }
    let values: Vec<Value> = files.iter().map(|(name, state)| json!({ "name": name, "state": state.word() })).collect();
    (files.iter().all(|(_, state)| *state == FileState::AsBuilt), line, json!({ "files": values }))
}
