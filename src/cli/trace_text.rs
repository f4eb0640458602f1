//! An item's way for people: attribute by attribute, from the cell of the catalog over what was done
//! to the cells of the targets, with what was found beside it.

use crate::finding::{Finding, Severity};
use crate::pipeline::Plan;
use crate::product::text::excerpt;
use crate::report::Opening;
use crate::report::page::{columns, hang, plural};
use crate::trace::{SourceCell, Stage, Trace, Value};
use anstyle::{AnsiColor, Style};
use std::collections::BTreeSet;

/// Characters of a value that a finding shows.
const SHOWN: usize = 56;

pub(super) fn text(trace: &Trace, plan: &Plan, opening: &Opening) -> String {
    let page = Page { trace, plan, opening };
    let mut lines = page.head();
    let mut told: BTreeSet<usize> = BTreeSet::new();
    for value in &trace.values {
        lines.push(String::new());
        lines.push(page.paint(Style::new().bold(), &value.attribute));
        lines.extend(columns(&page.rows(value), opening.width));
        for (place, finding) in page.about(&value.attribute) {
            told.insert(place);
            lines.extend(page.finding(finding));
        }
    }
    let others: Vec<&Finding> =
        trace.findings.iter().enumerate().filter(|(place, _)| !told.contains(place)).map(|(_, found)| found).collect();
    let others: Vec<&Finding> = others.into_iter().filter(|finding| !is_step(finding)).collect();
    if !others.is_empty() {
        lines.push(String::new());
        lines.push(page.paint(Style::new().bold(), "what else was found"));
        lines.extend(others.into_iter().flat_map(|finding| page.finding(finding)));
    }
    lines.join("\n") + "\n"
}

/// A repair that stands among the steps already.
fn is_step(finding: &Finding) -> bool {
    finding.target.is_none() && finding.is_repaired() && finding.attribute.is_some()
}

struct Page<'a> {
    trace: &'a Trace,
    plan: &'a Plan,
    opening: &'a Opening,
}

impl Page<'_> {
    fn paint(&self, style: Style, text: &str) -> String {
        if self.opening.colour { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }

    /// Who it is, where it stands, and what each target does with it.
    fn head(&self) -> Vec<String> {
        let item = &self.trace.item;
        let source = self.plan.sources.get(item.source);
        let (file, preset) = source.map_or(("", ""), |source| (&*source.facts.file, source.preset.as_str()));
        let line = if item.line > 0 { format!(":{}", item.line) } else { String::new() };
        let group = if self.trace.group.is_empty() { String::new() } else { format!(", in group `{}`", excerpt(&self.trace.group, 60)) };
        let mut lines = vec![
            self.paint(Style::new().bold(), &excerpt(&item.id, 120)),
            hang("  ", &format!("{file}{line}, record {}, read as {preset}{group}", item.record), self.opening.width),
        ];
        if let Some(by) = &item.by {
            lines.push(format!("  found by {by}"));
        }
        for (source, record, line) in &item.twins {
            let file = self.plan.sources.get(*source).map_or("", |source| &source.facts.file);
            lines.push(format!("  record {record} ({file}:{line}) has the same id; this is the first"));
        }
        for (place, target) in self.plan.targets.iter().enumerate() {
            let of_target = |finding: &&Finding| finding.target.as_deref() == Some(&*target.name);
            let count = |severity: Severity| {
                self.trace.findings.iter().filter(of_target).filter(|finding| finding.severity == severity).count() as u64
            };
            let verdict = match self.trace.is_in(place, &target.name) {
                Some(true) => self.paint(AnsiColor::Green.on_default(), "accepted"),
                Some(false) => self.paint(AnsiColor::Red.on_default(), "rejected"),
                None => "judged as part of its product".to_owned(),
            };
            let as_it_is = if self.trace.as_it_is.get(place) == Some(&true) { ", judged as it is" } else { "" };
            let (errors, warnings) = (plural(count(Severity::Error), "error"), plural(count(Severity::Warning), "warning"));
            lines.push(format!("  {}: {verdict}{as_it_is}; {errors}, {warnings}", target.name));
        }
        lines
    }

    /// The way of one value: where it was, what it was there, and how it came about.
    fn rows(&self, value: &Value) -> Vec<[String; 3]> {
        // What is said of a value stands beside it.
        let room = self.opening.width * 9 / 20;
        let row = |stage: &str, text: &str, remark: String| [format!("  {stage}"), excerpt(text, room), remark];
        let mut rows: Vec<[String; 3]> = value.sources.iter().map(|cell| row("catalog", &cell.raw, place(cell))).collect();
        let mut last = value.sources.last().map(|cell| cell.raw.as_str());
        for step in &value.steps {
            let what = step.code.as_ref().map_or_else(|| step.what.clone(), |code| format!("{} [{code}]", step.what));
            rows.push(row(step.stage.word(), step.value.as_deref().unwrap_or("(nothing)"), what));
            last = step.value.as_deref();
        }
        if value.value.is_empty() && last.is_some_and(|last| !last.is_empty()) {
            let stage = value.steps.last().map_or(Stage::Map, |step| step.stage);
            rows.push(row(stage.word(), "(nothing)", "is no value, or not used".to_owned()));
        }
        // Targets that write the same are told of together.
        let mut cells: Vec<(Vec<&str>, String, String)> = Vec::new();
        for (place, target) in self.plan.targets.iter().enumerate() {
            let own: Vec<_> = value.cells.iter().filter(|cell| cell.target == place).collect();
            let mut add = |text: String, remark: String| match cells.iter_mut().find(|(_, known, note)| *known == text && *note == remark) {
                Some((names, ..)) => names.push(&target.name),
                None => cells.push((vec![&target.name], text, remark)),
            };
            for cell in &own {
                let text = if cell.value.is_empty() { "(left empty)" } else { &cell.value };
                add(text.to_owned(), format!("field `{}`", cell.field));
            }
            if own.is_empty() && !value.value.is_empty() && self.trace.accepted.get(place).is_some_and(Option::is_some) {
                add("(nothing)".to_owned(), "no field for it".to_owned());
            }
        }
        rows.extend(cells.into_iter().map(|(names, text, remark)| row(&names.join(", "), &text, remark)));
        rows
    }

    /// Findings about an attribute that no step tells of.
    fn about(&self, attribute: &str) -> impl Iterator<Item = (usize, &Finding)> {
        let is_about = move |finding: &Finding| finding.attribute.as_deref() == Some(attribute) && !is_step(finding);
        self.trace.findings.iter().enumerate().filter(move |(_, finding)| is_about(finding))
    }

    fn finding(&self, finding: &Finding) -> Vec<String> {
        let colour = match finding.severity {
            Severity::Error => AnsiColor::Red,
            Severity::Warning => AnsiColor::Yellow,
            Severity::Advice => AnsiColor::Cyan,
        };
        let head = self.paint(colour.on_default().bold(), &format!("{}[{}]", finding.severity.word(), finding.code));
        let target = finding.target.as_ref().map_or_else(String::new, |target| format!("{target}: "));
        let elsewhere = finding.place.record > 0 && finding.place.record != self.trace.item.record;
        let there = if elsewhere { format!(", said of record {}", finding.place.record) } else { String::new() };
        let mut lines = vec![format!("  {head} {target}{}{there}", excerpt(&finding.message, 160))];
        if let Some(fix) = finding.fix.as_ref().filter(|fix| fix.applied) {
            let now = fix.value.as_ref().map_or_else(|| "left out".to_owned(), |value| format!("`{}`", excerpt(value, SHOWN)));
            lines.push(format!("    a build makes it: {now}"));
        } else if let Some(hint) = &finding.hint {
            lines.push(hang("    do: ", hint, self.opening.width));
        }
        lines
    }
}

/// Where a cell stands.
fn place(cell: &SourceCell) -> String {
    let line = if cell.line > 0 { format!("line {}", cell.line) } else { format!("record {}", cell.record) };
    let column = if cell.column > 0 { format!(", column {}", cell.column) } else { String::new() };
    let name = if cell.column_name.is_empty() { String::new() } else { format!(" `{}`", excerpt(&cell.column_name, 40)) };
    let lent = if cell.lent { ", of its product" } else { "" };
    format!("{line}{column}{name}{lent}")
}
