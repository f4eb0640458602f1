//! `run`: the whole of it for cron. Lock, read, build, guard, push what changed, poll, tell; one
//! line at the end, and none when nothing changed or a feed is held that was told of before.

use super::args::Run;
use super::error::{CliError, Exit};
use super::push::{deliver, ready, round, tell, wait};
use super::reports::reported;
use super::turn;
use super::ui::Ui;
use super::watch::Watch;
use crate::config::resolve::Flags;
use crate::push::engine::Wish;
use crate::push::outcome::{Ending as End, Outcome};
use crate::push::reminder::Reminder;
use crate::state::State;
use std::sync::Arc;
use std::time::Duration;

/// How far back is looked for the run since which a feed is held: a day or so of every account.
const MOST_VISITS: u32 = 5_000;

pub(super) fn run(command: &Run, ui: &Ui) -> Result<Exit, CliError> {
    let mut watch = Watch::new(command.watched.metrics_file.as_deref());
    let done = reported("run", &command.shown, ui, || mill_and_push(command, &mut watch, ui));
    watch.end(&done, ui);
    done
}

fn mill_and_push(command: &Run, watch: &mut Watch, ui: &Ui) -> Result<Exit, CliError> {
    let mut ready = ready(&command.project, true, ui)?;
    watch.look_at(&ready)?;
    turn::hesitate(command.jitter)?;
    let started = crate::clock::now();
    let Some(_held) = turn::take(&ready.state, &command.limits, ui)? else { return Ok(Exit::Done) };
    watch.begin(ui);
    let names: Vec<String> = ready.orders.iter().map(|order| order.target.clone()).collect();
    let flags = Flags { config: command.project.config.clone(), targets: names, unattended: true, ..Flags::default() };
    let built = super::mill::quiet_build(&flags, &command.project.out, command.threads, ui)?;
    watch.built(&built.targets);
    // A target without a sound item gets nothing: what stands in its folder is of an earlier run.
    let empty: Vec<String> = built.targets.iter().filter(|target| target.counts.accepted == 0).map(|target| target.name.clone()).collect();
    let mut outcomes: Vec<Outcome> = Vec::new();
    for name in &empty {
        let mut outcome = Outcome::new(name, "", String::new(), End::Held);
        outcome.guards = vec!["no item of the catalog is sound".to_owned()];
        outcomes.push(outcome);
    }
    let mut said_before: Vec<String> = Vec::new();
    let orders: Vec<_> = ready.orders.iter().filter(|order| !empty.contains(&order.target)).cloned().collect();
    let left = command.limits.deadline.saturating_sub(started.elapsed()).max(Duration::from_secs(1));
    outcomes.extend(wait(async {
        let state = Arc::new(State::open(&ready.state).await?);
        let round = round(Arc::clone(&state), &ready.settings.home, left, Wish::default());
        let mut outcomes = deliver(&round, &orders, &mut |_| {}, ui).await;
        for outcome in outcomes.iter_mut().filter(|outcome| outcome.ending == End::Held) {
            let visits = state.visits(Some(&outcome.target), MOST_VISITS).await?;
            let Some(reminder) = Reminder::of(outcome, &visits) else { continue };
            let since = jiff::Timestamp::from_second(reminder.since).unwrap_or_default();
            outcome.notes.push(format!("held since {since}, in {} runs", reminder.runs));
            if !reminder.is_due {
                said_before.push(outcome.name());
            }
        }
        Ok(outcomes)
    })?);
    ready.orders = orders;
    watch.delivered(&outcomes);
    let is_news = |outcome: &Outcome| outcome.ending != End::Unchanged && !said_before.contains(&outcome.name());
    if command.shown.output_format.is_empty() && !outcomes.iter().any(is_news) {
        let exit = outcomes.iter().fold(Exit::Done, |exit, outcome| exit.worse(Exit::of(outcome.ending)));
        return Ok(if command.limits.error_on_unchanged && exit == Exit::Done { Exit::Unchanged } else { exit });
    }
    for target in built.targets.iter().filter(|target| target.counts.rejected > 0) {
        ui.say(&format!(
            "{}: {} of {} items were left out; `feedmill check` lists them",
            target.name, target.counts.rejected, target.counts.items
        ));
    }
    if built.targets.iter().any(|target| target.counts.by_code.contains_key("record/no-line-end")) {
        ui.say("the last record of the catalog has no line end: if the file was cut, its last value may be too short");
    }
    tell("run", &command.shown, &ready, &outcomes, command.limits.error_on_unchanged, ui)
}
