//! Who watches over runs is told how each went, whatever came of it: a file of metrics, and the
//! heartbeats of targets. Neither ever changes how a run ends.

use super::error::{CliError, Exit};
use super::push::{Ready, wait};
use super::ui::Ui;
use crate::push::heartbeat::{Beat, Heartbeat};
use crate::push::outcome::{Ending, Outcome};
use crate::render::file::write_text;
use crate::report::TargetEnd;
use crate::report::metrics::{DURATION, HELD, ITEMS, LAST_EXIT, LAST_RUN, LAST_SUCCESS, Metrics, OUTSTANDING};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// What is to be told of one run, and to whom.
pub(super) struct Watch {
    file: Option<PathBuf>,
    run: String,
    began: Instant,
    /// All targets that are delivered, and those of this run with the mode they are in.
    known: Option<Vec<String>>,
    targets: Vec<(String, String)>,
    heartbeats: Vec<(String, Heartbeat)>,
    /// Whether the start was told.
    is_told: bool,
    /// By target: items in the feed and left out.
    built: Vec<(String, u64, u64)>,
    outcomes: Vec<Outcome>,
}

impl Watch {
    /// A run that begins now.
    pub(super) fn new(file: Option<&Path>) -> Self {
        Self {
            file: file.map(Path::to_owned),
            run: crate::clock::unique(),
            began: crate::clock::now(),
            known: None,
            targets: Vec::new(),
            heartbeats: Vec::new(),
            is_told: false,
            built: Vec::new(),
            outcomes: Vec::new(),
        }
    }

    /// Learns which targets there are, and where their heartbeats go.
    ///
    /// # Errors
    /// When a heartbeat cannot be used, before anything was done.
    pub(super) fn look_at(&mut self, ready: &Ready) -> Result<(), CliError> {
        let delivered = ready.settings.targets.iter().filter(|target| target.deliver.is_some());
        self.known = Some(delivered.map(|target| target.name.clone()).collect());
        for order in &ready.orders {
            let mode = order.deliver.get("mode").and_then(toml::Value::as_str).unwrap_or_default();
            self.targets.push((order.target.clone(), mode.to_owned()));
            let setting = ready.settings.targets.iter().find(|target| target.name == order.target);
            let Some(written) = setting.and_then(|target| target.heartbeat.as_ref()) else { continue };
            let fail = |message: String| CliError::Usage(format!("{}: heartbeat: {message}", order.target));
            let heartbeat = Heartbeat::new(written.read(&ready.settings.home).map_err(fail)?).map_err(fail)?;
            if let Some((other, _)) = self.heartbeats.iter().find(|(_, other)| other.is_same(&heartbeat)) {
                return Err(fail(format!("`{other}` has the same: one that still runs would hide that the other does not")));
            }
            self.heartbeats.push((order.target.clone(), heartbeat));
        }
        Ok(())
    }

    /// Tells that the run begins: it is this one's turn.
    pub(super) fn begin(&mut self, ui: &Ui) {
        self.is_told = true;
        self.beat(ui, |_| (Beat::Start, String::new()));
    }

    /// Notes what was built.
    pub(super) fn built(&mut self, targets: &[TargetEnd]) {
        self.built = targets.iter().map(|target| (target.name.clone(), target.counts.accepted, target.counts.rejected)).collect();
    }

    /// Notes what was delivered.
    pub(super) fn delivered(&mut self, outcomes: &[Outcome]) {
        self.outcomes = outcomes.to_vec();
    }

    /// Tells how the run ended.
    pub(super) fn end(self, done: &Result<Exit, CliError>, ui: &Ui) {
        let exit = done.as_ref().map_or_else(CliError::exit, |exit| *exit);
        if self.is_told {
            let why = done.as_ref().err().map(ToString::to_string).unwrap_or_default();
            self.beat(ui, |target| {
                let of_target: Vec<&Outcome> = self.outcomes.iter().filter(|outcome| outcome.target == target).collect();
                let is_well = !of_target.is_empty() && of_target.iter().all(|outcome| is_success(outcome));
                let lines: Vec<String> = of_target.iter().map(|outcome| outcome.line()).chain([why.clone()]).collect();
                (if is_well { Beat::Success } else { Beat::Fail }, lines.join("\n").trim_end().to_owned())
            });
        }
        let Some(file) = &self.file else { return };
        let mut metrics = std::fs::read_to_string(file).map_or_else(|_| Metrics::default(), |text| Metrics::read(&text));
        if let Some(known) = &self.known {
            metrics.keep(&known.iter().map(String::as_str).collect::<Vec<_>>());
        }
        self.measure(&mut metrics, exit);
        if let Err(error) = write_text(file, &metrics.text()) {
            ui.say(&format!("the metrics were not written: {error}"));
        }
    }

    fn measure(&self, metrics: &mut Metrics, exit: Exit) {
        let now = crate::clock::timestamp().as_second();
        metrics.set(LAST_RUN, &[], now);
        metrics.set(LAST_EXIT, &[], exit.code());
        metrics.set(DURATION, &[], format!("{:.3}", self.began.elapsed().as_secs_f64()));
        if matches!(exit, Exit::Done | Exit::Unchanged | Exit::Partial) && !self.outcomes.is_empty() {
            metrics.set(LAST_SUCCESS, &[], now);
        }
        // Without a turn, another run tells of the targets.
        if !self.is_told {
            return;
        }
        for (target, mode) in &self.targets {
            let labels = |account| [("target", target.as_str()), ("account", account), ("mode", mode.as_str())];
            let of_target: Vec<&Outcome> = self.outcomes.iter().filter(|outcome| &outcome.target == target).collect();
            if of_target.is_empty() {
                metrics.set(LAST_RUN, &labels(""), now);
                metrics.set(LAST_EXIT, &labels(""), exit.code());
            }
            let built = self.built.iter().find(|(name, ..)| name == target);
            for outcome in of_target {
                let labels = labels(&outcome.account);
                metrics.set(LAST_RUN, &labels, now);
                metrics.set(LAST_EXIT, &labels, Exit::of(outcome.ending).code());
                metrics.set(HELD, &labels, u8::from(outcome.ending == Ending::Held));
                metrics.set(OUTSTANDING, &labels, outcome.outstanding.0);
                if is_success(outcome) {
                    metrics.set(LAST_SUCCESS, &labels, now);
                }
                let [target, account, mode] = labels;
                let mut items = |state, count: u64| metrics.set(ITEMS, &[target, account, mode, ("state", state)], count);
                items("valid", outcome.items);
                items("removed", outcome.removed);
                if let Some((_, _, rejected)) = built.filter(|_| account.1.is_empty()) {
                    items("invalid", *rejected);
                }
            }
        }
    }

    /// Sends every target's beat at once. One that nobody hears is said, and changes nothing.
    fn beat(&self, ui: &Ui, what: impl Fn(&str) -> (Beat, String)) {
        if self.heartbeats.is_empty() {
            return;
        }
        let beats = self.heartbeats.iter().map(|(target, heartbeat)| {
            let (beat, words) = what(target);
            async move { (target, heartbeat.send(beat, &self.run, &words).await) }
        });
        let sent = wait(async { Ok(futures_util::future::join_all(beats).await) });
        for (target, error) in sent.into_iter().flatten().filter_map(|(target, sent)| Some((target, sent.err()?))) {
            ui.say(&format!("{target}: {error}"));
        }
    }
}

/// Whether the target has the feed as it is.
fn is_success(outcome: &Outcome) -> bool {
    matches!(outcome.ending, Ending::Pushed | Ending::Partial | Ending::Unchanged)
}
