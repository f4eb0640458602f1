//! `build` and `check`: plan, run, report, publish.

use super::again::Again;
use super::args::{Build, Catalog, Check, Reading, Reporting};
use super::convert::Watch;
use super::error::{CliError, Exit};
use super::leftovers;
use super::next;
use super::preview::Look;
use super::publish;
use super::reports::{report_file, reports};
use super::signal;
use super::ui::Ui;
use crate::catalog::ReadError;
use crate::config::resolve::{self, Flags, Settings};
use crate::finding::baseline::Baseline;
use crate::finding::recorded::Recorded;
use crate::finding::sink::{Hide, Sink};
use crate::finding::{self, Finding, Severity};
use crate::pipeline::{self, Plan, Report};
use crate::plan::{self, PlanError, Purpose};
use crate::report::{self, Ending, Opening, Reports, TargetEnd};
use crate::summary::Counts;
use std::io::IsTerminal;
use std::path::Path;

pub(super) fn flags(catalog: &Catalog) -> Flags {
    read_as(&catalog.reading, catalog.inputs.clone())
}

/// The flags for inputs that are read as somebody says.
pub(super) fn read_as(reading: &Reading, inputs: Vec<String>) -> Flags {
    Flags {
        inputs,
        config: reading.config.clone(),
        preset: reading.preset.clone(),
        from: reading.from.clone(),
        header: reading.header.clone(),
        view: reading.view.clone(),
        encoding: reading.encoding.clone(),
        delimiter: reading.delimiter.clone(),
        record: reading.record.clone(),
        sheet: reading.sheet.clone(),
        query: reading.query.clone(),
        table: reading.table.clone(),
        allow_private: reading.allow_private,
        currency: reading.currency.clone(),
        decimal: reading.decimal.clone(),
        base_url: reading.base_url.clone(),
        image_base_url: reading.image_base_url.clone(),
        seller_name: reading.seller_name.clone(),
        set: reading.set.clone(),
        ..Flags::default()
    }
}

impl Reporting {
    /// What is said of findings goes before what the project file says.
    pub(super) fn settle(&self, flags: &mut Flags) {
        flags.fail_on.clone_from(&self.fail_on);
        flags.fix_suggested = self.fix_suggested;
        flags.baseline = self.baseline.clone().or_else(|| self.write_baseline.as_ref().map(|_| "none".into()));
    }
}

pub(super) fn settings(flags: &Flags, ui: &Ui) -> Result<Settings, CliError> {
    let folder = std::env::current_dir().unwrap_or_default();
    let settings = resolve::resolve(flags, &folder)?;
    if settings.sources.iter().any(|source| source.path == "-") && std::io::stdin().is_terminal() {
        let message =
            "-: standard input is a terminal; pipe a catalog into it, as in `zcat products.csv.gz | feedmill check -`, or name a file";
        return Err(CliError::Usage(message.to_owned()));
    }
    if let Some(path) = settings.config.as_ref().filter(|_| !flags.unattended) {
        let shown = path.strip_prefix(&folder).unwrap_or(path);
        ui.say(&format!("settings: {}", shown.display()));
    }
    Ok(settings)
}

pub(super) fn build(command: &Build, ui: &Ui) -> Result<Exit, CliError> {
    let mut flags = flags(&command.catalog);
    flags.targets.clone_from(&command.target);
    flags.formats.clone_from(&command.format);
    flags.state.clone_from(&command.state);
    command.reporting.settle(&mut flags);
    let job = Job {
        name: "build",
        purpose: Purpose::Build { out: &command.out },
        reporting: &command.reporting,
        allow_empty: command.allow_empty,
        feed_of: None,
        silent: false,
        looks: None,
    };
    job.run(&flags, ui).map(|(exit, _)| exit)
}

pub(super) fn check(command: &Check, ui: &Ui) -> Result<Exit, CliError> {
    let mut flags = flags(&command.catalog);
    flags.targets.clone_from(&command.target);
    command.reporting.settle(&mut flags);
    let job = Job {
        name: "check",
        purpose: Purpose::Check,
        reporting: &command.reporting,
        allow_empty: true,
        feed_of: None,
        silent: false,
        looks: None,
    };
    job.run(&flags, ui).map(|(exit, _)| exit)
}

/// A build for `run`, which reports by itself.
pub(super) fn quiet_build(flags: &Flags, out: &Path, threads: Option<u16>, ui: &Ui) -> Result<Ending, CliError> {
    let reporting = Reporting {
        output_format: Vec::new(),
        max_per_code: None,
        fail_on: None,
        fix_suggested: false,
        baseline: None,
        write_baseline: None,
        exit_zero: false,
        threads,
        memory: plan::MEMORY,
    };
    let job = Job {
        name: "build",
        purpose: Purpose::Build { out },
        reporting: &reporting,
        allow_empty: false,
        feed_of: None,
        silent: true,
        looks: None,
    };
    job.run(flags, ui).map(|(_, ending)| ending)
}

/// One run of the mill, whatever it is called.
pub(super) struct Job<'a> {
    pub(super) name: &'static str,
    pub(super) purpose: Purpose<'a>,
    pub(super) reporting: &'a Reporting,
    pub(super) allow_empty: bool,
    /// The spec whose finished feed the input is.
    pub(super) feed_of: Option<&'a str>,
    /// No report: the caller tells what is worth telling.
    pub(super) silent: bool,
    /// Items to look at, if any.
    pub(super) looks: Option<Look>,
}

impl Job<'_> {
    pub(super) fn run(&self, flags: &Flags, ui: &Ui) -> Result<(Exit, Ending), CliError> {
        let started = crate::clock::now();
        let signals = signal::Watch::new();
        let prepared = signals.settle("nothing was read", self.prepare(flags, &signals, ui));
        let files = prepared
            .as_ref()
            .map_or_else(|_| Vec::new(), |(_, plan)| plan.sources.iter().map(|source| source.facts.file.clone()).collect());
        let opening = Opening {
            command: self.name,
            files,
            colour: ui.colour(),
            max_per_code: self.reporting.max_per_code,
            width: ui.width(),
            fail_on: prepared.as_ref().map_or(Some(Severity::Error), |(settings, _)| settings.fail_on.severity()),
            rules: prepared.as_ref().map_or_else(|_| Vec::new(), |(_, plan)| self.rules(plan)),
        };
        let mut reports = if self.silent { Reports(Vec::new()) } else { reports(&self.reporting.output_format, &opening)? };
        let outcome = prepared.and_then(|(settings, plan)| self.mill(&settings, &plan, &mut reports, &signals, ui));
        // Whatever happens, every report is one whole document.
        let (ending, outcome) = match outcome {
            Ok((exit, ending)) => (ending, Ok(exit)),
            Err(CliError::Plan(PlanError::Read(unchanged @ ReadError::Unchanged { .. }))) => {
                let exit = Exit::Done;
                (Ending { exit: (exit.code(), exit.name()), unchanged: Some(unchanged.to_string()), ..Ending::default() }, Ok(exit))
            }
            Err(error) => {
                let exit = error.exit();
                let interrupted = matches!(exit, Exit::Interrupted | Exit::Terminated);
                (Ending { exit: (exit.code(), exit.name()), interrupted, error: Some(error.to_string()), ..Ending::default() }, Err(error))
            }
        };
        for report in &mut reports.0 {
            report.end(&ending).map_err(CliError::Report)?;
        }
        if outcome.is_ok() && !self.silent {
            ui.say(&format!("{} in {:.1?}", self.done(), started.elapsed()));
        }
        outcome.map(|exit| (exit, ending))
    }

    /// The codes of the targets' rules, where a report lists those that found nothing.
    fn rules(&self, plan: &Plan) -> Vec<(String, String)> {
        let format = |asked: &String| asked.split('=').next().is_some_and(report::lists_rules);
        if self.silent || !self.reporting.output_format.iter().any(format) {
            return Vec::new();
        }
        let mut rules = Vec::new();
        for target in &plan.targets {
            rules.extend(super::explain::codes_of(&target.spec).into_iter().map(|code| (target.name.to_string(), code)));
        }
        rules
    }

    /// What was done, in one word.
    fn done(&self) -> &'static str {
        match self.purpose {
            Purpose::Check if self.looks.is_some() => "previewed",
            Purpose::Check => "checked",
            Purpose::Amend { .. } => "repaired",
            Purpose::Build { .. } if self.feed_of.is_some() => "converted",
            Purpose::Build { .. } => "built",
        }
    }

    /// Settings and plan: every mistake in them is found here, before the first record.
    fn prepare(&self, flags: &Flags, signals: &signal::Watch, ui: &Ui) -> Result<(Settings, Plan), CliError> {
        let mut settings = settings(flags, ui)?;
        settings.stop_with(signals.cancel());
        settings.feed_of = self.feed_of.map(str::to_owned);
        for code in settings.overrides.keys() {
            if !super::explain::is_code(code)? {
                return Err(CliError::Usage(format!("[check.severity]: no finding has the code `{code}`; `feedmill explain` lists all")));
            }
        }
        let threads = self.reporting.threads.map_or_else(|| std::thread::available_parallelism().map_or(1, Into::into), usize::from);
        let effort = plan::Effort { threads, memory: self.reporting.memory };
        if let Purpose::Build { out } = self.purpose
            && let Some(known) = Again::of(&settings, out).and_then(|again| again.known(&settings, out))
            && let [source] = settings.sources.as_mut_slice()
        {
            source.wanted.remote.known = Some(known);
        }
        let mut plan = plan::plan(&settings, self.purpose, effort, crate::clock::today())?;
        if let Some(look) = self.looks {
            look.at(&mut plan);
        }
        Ok((settings, plan))
    }

    fn mill(
        &self,
        settings: &Settings,
        plan: &Plan,
        reports: &mut Reports,
        signals: &signal::Watch,
        ui: &Ui,
    ) -> Result<(Exit, Ending), CliError> {
        signals.gently();
        let mut recorded = match &self.reporting.write_baseline {
            Some(path) => Some((Recorded::new(path), report_file(path)?)),
            None => None,
        };
        let mut baseline = settings.baseline.as_deref().map(Baseline::read).transpose()?;
        let known: Option<&mut dyn Hide> = match (&mut recorded, &mut baseline) {
            (Some((recorded, _)), _) => Some(recorded),
            (None, Some(baseline)) => Some(baseline),
            (None, None) => None,
        };
        let mut watch = Watch::new(reports);
        let _held = leftovers::clear(plan);
        let mut sink = Sink::new(&settings.overrides, &mut watch).without(known);
        let run = pipeline::run(plan, &mut sink, ui, signals.cancel()).map_err(CliError::from);
        let run = run.and_then(|report| signals.settle("nothing was published", Ok(report)));
        let mut report = run.inspect_err(|_| clear_empty(plan))?;
        report.accounts.iter_mut().for_each(|account| watch.explain(account));
        conserved(&report)?;
        if matches!(self.purpose, Purpose::Check) || !self.allow_empty {
            no_items(plan, &mut report.counts, &mut Sink::new(&settings.overrides, &mut watch));
        }
        let (exit, ending) = self.finish(plan, settings, report, ui)?;
        let mut known = baseline.as_ref().map(Hide::known);
        if let Some((recorded, mut file)) = recorded {
            recorded.write(&mut file).map_err(CliError::Report)?;
            known = Some(recorded.known());
        }
        Ok((exit, Ending { baseline: known, ..ending }))
    }

    /// Publishes what was rendered and settles how the run ends.
    fn finish(&self, plan: &Plan, settings: &Settings, report: Report, ui: &Ui) -> Result<(Exit, Ending), CliError> {
        let Report { inputs, counts, written, mut accounts, changes, rules, views } = report;
        let empty = counts.iter().any(|counts| counts.accepted == 0);
        let severities = [Severity::Advice, Severity::Warning, Severity::Error];
        let failing = settings.fail_on.severity().is_some_and(|least| {
            counts.iter().any(|counts| severities.iter().any(|severity| *severity >= least && counts.of(*severity) > 0))
        });
        let repaired = match (changes, self.purpose, plan.sources.as_slice(), inputs.as_slice()) {
            (Some(changes), Purpose::Amend { out }, [source], [input]) => Some(super::fix::write(changes, source, &input.blake3, out)?),
            _ => None,
        };
        if repaired.is_some() {
            accounts.clear();
        }
        let mut next = next::steps(plan, &counts);
        let mut targets = Vec::new();
        let is_build = matches!(self.purpose, Purpose::Build { .. });
        for (place, (((target, counts), written), view)) in plan.targets.iter().zip(counts).zip(written).zip(views).enumerate() {
            let mut files = Vec::new();
            if counts.accepted > 0 || self.allow_empty {
                files = publish::target(plan, place, &counts, written, &inputs)?;
            } else if is_build {
                drop(written);
                clear_empty(plan);
                next.insert(0, format!("no item was accepted for {}, so no feed was written (`--allow-empty` writes one)", target.name));
            }
            if let Some((path, amount, bytes)) = &repaired {
                files.push((path.clone(), amount.records, *bytes));
            }
            let readable = files.iter().find(|(path, items, _)| *items > 0 && !path.contains(".xml"));
            if let Some((path, _, _)) = readable.filter(|_| counts.accepted > 0) {
                next.push(next::check(path, settings_spec(settings, &target.name)));
            }
            targets.push(TargetEnd { name: target.name.to_string(), spec: target.spec.identity.version.clone(), counts, files, view });
        }
        if let Purpose::Build { out } = self.purpose
            && !empty
            && !failing
            && let Some(again) = Again::of(&forgetful(settings), out)
            && let Err(error) = again.remember(plan, &inputs)
        {
            // Only the next run's time depends on it.
            ui.say(&format!("what the server said cannot be remembered: {error}"));
        }
        // Without an item there is no feed, which no wish makes a success.
        let is_feedless = is_build && empty && !self.allow_empty;
        let exit = if is_feedless || failing && !self.reporting.exit_zero { Exit::Findings } else { Exit::Done };
        let ending = Ending {
            inputs,
            targets,
            exit: (exit.code(), exit.name()),
            next,
            account: accounts.pop(),
            rules,
            repaired: repaired.map(|(_, amount, _)| amount),
            ..Ending::default()
        };
        Ok((exit, ending))
    }
}

/// The settings as they were before what is known of the source was added.
fn forgetful(settings: &Settings) -> Settings {
    let mut settings = settings.clone();
    for source in &mut settings.sources {
        source.wanted.remote.known = None;
    }
    settings
}

fn settings_spec<'a>(settings: &'a Settings, name: &'a str) -> &'a str {
    settings.targets.iter().find(|target| target.name == name).map_or(name, |target| &target.spec)
}

/// Removes the folders this run made and left empty; one with an earlier feed stays.
fn clear_empty(plan: &Plan) {
    for target in plan.targets.iter().filter(|target| !target.formats.is_empty()) {
        let folders = target.outputs.iter().filter_map(|output| Path::new(&output.written.file).parent());
        for inner in folders.filter(|inner| !inner.as_os_str().is_empty()) {
            std::fs::remove_dir(target.folder.join(inner)).unwrap_or_default();
        }
        for inner in std::fs::read_dir(&target.folder).into_iter().flatten().flatten().filter(|_| target.by_account) {
            std::fs::remove_dir(inner.path()).unwrap_or_default();
        }
        std::fs::remove_dir(&target.folder).unwrap_or_default();
    }
}

/// A catalog of which every record is skipped is no success, whatever else was found.
fn no_items(plan: &Plan, counts: &mut [Counts], sink: &mut Sink<'_>) {
    for (target, counts) in plan.targets.iter().zip(counts).filter(|(_, counts)| counts.items == 0 && counts.records > 0) {
        let reasons: Vec<String> = counts.skipped_by.iter().map(|(reason, records)| format!("{records} {reason}")).collect();
        let message = format!("no record makes an item of {}: {}", target.name, reasons.join(", "));
        let place = finding::Place { source: u16::MAX, ..finding::Place::default() };
        let hint = "compare the reasons with the catalog; perhaps all of it is unpublished, or another platform's export";
        let finding = Finding {
            hint: Some(hint.into()),
            target: Some(target.spec.name().into()),
            ..Finding::own("feed/no-item".into(), Severity::Error, message, place)
        };
        if let Some(finding) = sink.weigh(finding) {
            counts.finding(&finding);
            sink.push(&finding);
        }
    }
}

/// Every record is an item or skipped, and every item accepted or rejected.
fn conserved(report: &Report) -> Result<(), CliError> {
    match report.counts.iter().find(|counts| !counts.is_conserved()) {
        None => Ok(()),
        Some(counts) => Err(CliError::NotConserved(format!(
            "{} records, {} skipped, {} items, {} accepted, {} rejected",
            counts.records, counts.skipped, counts.items, counts.accepted, counts.rejected
        ))),
    }
}
