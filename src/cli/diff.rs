//! `diff`: what differs between two catalogs or feeds, item by item.

use super::args::Diff;
use super::diff_json::JsonDiff;
use super::diff_text::TextDiff;
use super::error::{CliError, Exit};
use super::mill;
use super::reports::{report_failure, report_out, wishes};
use super::signal;
use super::ui::Ui;
use crate::compare::{Change, Comparison, Effort, Found, Names, Notice, Spot, Tell, Which, compare};
use crate::pipeline::Plan;
use crate::plan::{self, Purpose};
use crate::report::page::plural;
use std::io;
use std::rc::Rc;
use std::sync::Arc;

const FORMATS: [&str; 3] = ["human", "json", "jsonl"];

/// What a report is told before the first difference.
#[derive(Clone)]
pub(super) struct Opening {
    pub(super) names: Rc<Names>,
    /// By side: its files.
    pub(super) files: [Vec<Arc<str>>; 2],
    pub(super) colour: bool,
    pub(super) width: usize,
    /// How many differences of a kind text shows.
    pub(super) cap: usize,
}

impl Opening {
    /// The file that something stands in.
    pub(super) fn file(&self, which: Which, spot: Spot) -> &str {
        self.files[which as usize].get(usize::from(spot.source)).map_or("", AsRef::as_ref)
    }
}

/// A report of what differs.
pub(super) trait Report: Tell {
    /// The comparison came to its end.
    fn end(self: Box<Self>, comparison: &Comparison, exit: Exit) -> io::Result<()>;
}

/// Several reports of one comparison.
struct All(Vec<Box<dyn Report>>);

impl Tell for All {
    fn notice(&mut self, which: Which, spot: Spot, notice: &Notice) {
        self.0.iter_mut().for_each(|report| report.notice(which, spot, notice));
    }

    fn alone(&mut self, which: Which, found: &Found<'_>) {
        self.0.iter_mut().for_each(|report| report.alone(which, found));
    }

    fn changed(&mut self, old: Spot, new: &Found<'_>, changes: &[Change]) {
        self.0.iter_mut().for_each(|report| report.changed(old, new, changes));
    }
}

pub(super) fn run(command: &Diff, ui: &Ui) -> Result<Exit, CliError> {
    let wishes = wishes(&command.output_format, &FORMATS)?;
    let outcome = differ(command, &wishes, ui);
    if let Err(error) = &outcome {
        report_failure("diff", &wishes, error)?;
    }
    outcome
}

fn differ(command: &Diff, wishes: &[(&str, Option<&str>)], ui: &Ui) -> Result<Exit, CliError> {
    if command.old == "-" && command.new == "-" {
        return Err(CliError::Usage("standard input can be only one of the two; name a file for the other".to_owned()));
    }
    let started = crate::clock::now();
    let signals = signal::Watch::new();
    let plans = plan_of(&command.old, command, &signals, ui).and_then(|old| Ok((old, plan_of(&command.new, command, &signals, ui)?)));
    let (old, new) = signals.settle("nothing was compared", plans)?;
    let names = Rc::new(Names::of(&old, &new));
    let files = [&old, &new].map(|plan| plan.sources.iter().map(|source| Arc::clone(&source.facts.file)).collect());
    let cap = match command.max_per_code {
        None => 5,
        Some(0) => usize::MAX,
        Some(cap) => cap,
    };
    let opening = Opening { names: Rc::clone(&names), files, colour: ui.colour(), width: ui.width(), cap };
    let mut reports: Vec<Box<dyn Report>> = Vec::new();
    for (format, file) in wishes {
        let (out, opening) = (report_out(*file)?, opening.clone());
        reports.push(match *format {
            "human" => Box::new(TextDiff::new(Opening { colour: opening.colour && file.is_none(), ..opening }, out)),
            format => Box::new(JsonDiff::new(opening, out, format == "jsonl")),
        });
    }
    let mut all = All(reports);
    let effort = Effort { progress: ui, cancel: signals.cancel(), memory: command.memory };
    signals.gently();
    let compared = compare(&old, &new, &names, &effort, &mut all).map_err(CliError::from);
    let comparison = signals.settle("the comparison is not complete", compared)?;
    let exit = if comparison.is_same() { Exit::Done } else { Exit::Findings };
    for report in all.0 {
        report.end(&comparison, exit).map_err(CliError::Report)?;
    }
    let items = comparison.old.items + comparison.new.items;
    ui.say(&format!("compared {} in {:.1?}", plural(items, "item"), started.elapsed()));
    Ok(exit)
}

/// The plan for one side.
fn plan_of(input: &str, command: &Diff, signals: &signal::Watch, ui: &Ui) -> Result<Plan, CliError> {
    let mut flags = mill::read_as(&command.reading, vec![input.to_owned()]);
    // A project file maps the columns of one catalog, and the other side may be a feed.
    flags.config = flags.config.or_else(|| Some("none".to_owned()));
    let mut settings = mill::settings(&flags, ui)?;
    settings.stop_with(signals.cancel());
    let effort = plan::Effort { threads: 1, memory: command.memory };
    Ok(plan::plan(&settings, Purpose::Check, effort, crate::clock::today())?)
}
