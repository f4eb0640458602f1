//! For people: findings by code, worst first, then what was read, what became of it, where
//! the feed lies and what to do next.

use super::page::{plural, size, thousands};
use super::{Ending, Group, Grouped, Opening, Out, Reporter, TargetEnd, known_line, reach};
use crate::finding::sink::Listen;
use crate::finding::{Applicability, Finding, Severity};
use crate::product::text::excerpt;
use crate::spec::terms::Certainty;
use anstyle::{AnsiColor, Style};
use std::io;

/// How many findings of a code are shown unless asked otherwise.
const DEFAULT_CAP: usize = 3;

pub(super) struct Human {
    opening: Opening,
    out: Out,
    groups: Grouped,
}

impl Human {
    pub(super) fn new(opening: Opening, out: Out) -> Self {
        Self { opening, out, groups: Grouped::default() }
    }

    fn cap(&self) -> usize {
        match self.opening.max_per_code {
            None => DEFAULT_CAP,
            Some(0) => usize::MAX,
            Some(cap) => cap,
        }
    }

    fn paint(&self, style: Style, text: &str) -> String {
        if self.opening.colour { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }

    fn group(&self, code: &str, group: &Group, several: bool, lines: &mut Vec<String>) {
        let Some(first) = group.first.first() else { return };
        let head = self.paint(style_of(group.severity), &format!("{}[{code}]", group.severity.word()));
        let count = if group.count > 1 { format!("  ({} times)", thousands(group.count)) } else { String::new() };
        let target = first.target.as_ref().filter(|_| several).map_or(String::new(), |target| format!("{target}: "));
        lines.push(format!("{head} {target}{}{count}", excerpt(&first.message, 200)));
        for (place, finding) in group.first.iter().enumerate() {
            let shown = self.place(finding);
            if !shown.is_empty() {
                lines.push(format!("  {shown}"));
            }
            if place > 0 && finding.message != first.message {
                lines.push(format!("      {}", excerpt(&finding.message, 200)));
            }
        }
        let hidden = group.count - group.first.iter().map(Finding::times).sum::<u64>();
        if hidden > 0 {
            lines.push(format!("  ... {} more like this; `--max-per-code 0` shows all", thousands(hidden)));
        }
        if let Some(fix) = first.fix.as_ref().filter(|fix| fix.applied) {
            let done = fix.value.as_ref().map_or_else(|| "left out".to_owned(), |value| format!("`{}`", excerpt(value, 80)));
            lines.push(format!("  {}: {done}", if self.opening.repairs() { "now" } else { "a build makes it" }));
        } else if first.certainty != Certainty::Own {
            let target = first.target.as_deref().unwrap_or("the target");
            lines.push(format!("  then: {} ({target}, {})", first.consequence.sentence(), first.certainty.word()));
        }
        if let Some(value) = first
            .fix
            .as_ref()
            .filter(|fix| !fix.applied && fix.applicability == Applicability::Suggested)
            .and_then(|fix| fix.value.as_ref())
        {
            lines.push(format!("  meant: `{}`, probably; `--fix-suggested` writes it", excerpt(value, 80)));
        }
        if let Some(why) = &first.why {
            lines.push(format!("  why:  {why}"));
        }
        if let Some(hint) = first.hint.as_ref().filter(|_| !first.is_repaired()) {
            lines.push(format!("  do:   {hint}"));
        }
        lines.push(String::new());
    }

    fn place(&self, finding: &Finding) -> String {
        let place = &finding.place;
        let mut text = self.opening.position(place);
        match finding.extent {
            Some(extent) => text.push_str(&format!("  {}", reach(place, extent))),
            None if place.record > 0 => text.push_str(&format!("  record {}", place.record)),
            None => {}
        }
        if let Some(name) = &place.column_name {
            text.push_str(&format!(", column `{}`", excerpt(name, 40)));
        }
        if !finding.item.is_empty() {
            text.push_str(&format!(", item `{}`", excerpt(&finding.item, 60)));
        }
        text
    }

    fn target(&self, target: &TargetEnd, lines: &mut Vec<String>) {
        let counts = &target.counts;
        lines.push(self.paint(Style::new().bold(), &target.full_name()));
        let count = |number: u64, word: &str| format!("{} {word}", thousands(number));
        lines.push(format!(
            "  {} = {} + {}",
            plural(counts.records, "record"),
            plural(counts.items, "item"),
            count(counts.skipped, "skipped")
        ));
        for (reason, skipped) in &counts.skipped_by {
            lines.push(format!("      {}: {reason}", thousands(*skipped)));
        }
        lines.push(format!(
            "  {} = {} + {}; {}",
            plural(counts.items, "item"),
            count(counts.accepted, "accepted"),
            count(counts.rejected, "rejected"),
            plural(counts.groups, "group")
        ));
        let [advice, warnings, errors] = counts.by_severity;
        lines.push(format!("  {}, {}, {} advice", plural(errors, "error"), plural(warnings, "warning"), thousands(advice)));
        for (path, items, bytes) in &target.files {
            lines.push(format!("  {path}  {}, {}", plural(*items, "item"), size(*bytes)));
        }
    }
}

impl Listen for Human {
    fn finding(&mut self, finding: &Finding) {
        let cap = self.cap();
        self.groups.add(finding, cap);
    }
}

impl Reporter for Human {
    fn end(&mut self, ending: &Ending) -> io::Result<()> {
        let mut lines = Vec::new();
        // Whoever interrupts a run does not wait for its report.
        let shown = if ending.interrupted { Vec::new() } else { self.groups.sorted() };
        for (code, group) in shown {
            self.group(code, group, ending.targets.len() > 1, &mut lines);
        }
        if let Some(account) = &ending.account {
            lines.extend(super::account::lines(account, self.opening.width, &|text| self.paint(Style::new().bold(), text)));
        }
        if ending.error.is_none() {
            for input in &ending.inputs {
                let kind = format!("{}, {}, read as {}", input.format, input.encoding, input.preset);
                lines.push(format!("{}: {kind}; {}, {}", input.file, plural(input.records, "record"), size(input.bytes)));
            }
            for target in &ending.targets {
                self.target(target, &mut lines);
            }
            let repaired = ending.repaired.iter();
            lines.extend(
                repaired.map(|repaired| {
                    format!("{} of {} records changed, {} cells in all", repaired.changed, repaired.records, repaired.cells)
                }),
            );
            lines.extend(ending.baseline.iter().map(known_line));
            lines.extend(ending.unchanged.iter().map(|unchanged| format!("{unchanged}; nothing to do")));
            lines.extend(ending.outcomes.iter().map(|(_, line)| line.clone()));
            lines.extend(ending.next.iter().map(|next| format!("next: {next}")));
        }
        for line in lines {
            self.out.line(&line);
        }
        self.out.end()
    }
}

fn style_of(severity: Severity) -> Style {
    let colour = match severity {
        Severity::Error => AnsiColor::Red,
        Severity::Warning => AnsiColor::Yellow,
        Severity::Advice => AnsiColor::Cyan,
    };
    colour.on_default().bold()
}
