//! Markdown, as pages of merge requests, issues and runs show it: what became of the items, then
//! what was found, a row of a table a code, worst first.

use super::page::{plural, thousands};
use super::{Ending, Group, Grouped, Opening, Out, Reporter, known_line, relative};
use crate::finding::sink::Listen;
use crate::finding::{Finding, Severity};
use crate::product::text::excerpt;
use std::io;

/// Of each code the first finding is shown.
const KEPT: usize = 1;

/// How many characters of a message or a value are shown.
const SHOWN: usize = 200;

pub(super) struct Markdown {
    opening: Opening,
    out: Out,
    groups: Grouped,
}

impl Markdown {
    pub(super) fn new(opening: Opening, out: Out) -> Self {
        Self { opening, out, groups: Grouped::default() }
    }

    /// The row of a code.
    fn row(&self, code: &str, group: &Group, first: &Finding, several: bool) -> String {
        let target = first.target.as_deref().filter(|_| several).map_or_else(String::new, |target| format!("{}: ", plain(target)));
        let hint = first.hint.as_deref().filter(|_| !first.is_repaired()).map_or_else(String::new, |hint| plain(&excerpt(hint, SHOWN)));
        let place = &first.place;
        let mut at = plain(relative(self.opening.file(place)));
        if place.line > 0 {
            at.push_str(&format!(":{}", place.line));
        } else if place.record > 0 {
            at.push_str(&format!(" record {}", place.record));
        }
        if !first.item.is_empty() {
            at.push_str(&format!(", {}", plain(&excerpt(&first.item, 60))));
        }
        let (severity, code, message) = (group.severity.word(), plain(code), plain(&excerpt(&first.message, SHOWN)));
        format!("| {severity} | {code} | {} | {target}{message} | {hint} | {at} |", thousands(group.count))
    }

    /// What it all comes to, in a few words.
    fn verdict(ending: &Ending) -> String {
        let sum = |severity: Severity| ending.targets.iter().map(|target| target.counts.of(severity)).sum::<u64>();
        if ending.error.is_some() {
            return "the run could not be finished".to_owned();
        }
        if ending.unchanged.is_some() {
            return "nothing to do".to_owned();
        }
        format!("{}, {}", plural(sum(Severity::Error), "error"), plural(sum(Severity::Warning), "warning"))
    }
}

impl Listen for Markdown {
    fn finding(&mut self, finding: &Finding) {
        self.groups.add(finding, KEPT);
    }
}

impl Reporter for Markdown {
    fn end(&mut self, ending: &Ending) -> io::Result<()> {
        let mut lines = vec![format!("## feedmill {}: {}", self.opening.command, Self::verdict(ending)), String::new()];
        lines.extend(ending.error.iter().chain(&ending.unchanged).flat_map(|said| [plain(said), String::new()]));
        if !ending.targets.is_empty() {
            lines.push("| target | records | skipped | items | accepted | rejected | groups | errors | warnings | advice |".to_owned());
            lines.push(format!("|---|{}", "---:|".repeat(9)));
        }
        for target in &ending.targets {
            let counts = &target.counts;
            let [advice, warnings, errors] = counts.by_severity;
            let numbers =
                [counts.records, counts.skipped, counts.items, counts.accepted, counts.rejected, counts.groups, errors, warnings, advice];
            let numbers = numbers.map(thousands).join(" | ");
            lines.push(format!("| {} ({}) | {numbers} |", plain(&target.name), plain(&target.spec)));
        }
        let groups = self.groups.sorted();
        if !groups.is_empty() {
            lines.extend([String::new(), "| | code | times | what | do | first |".to_owned(), "|---|---|---:|---|---|---|".to_owned()]);
        }
        for (code, group) in groups {
            lines.extend(group.first.first().map(|first| self.row(code, group, first, ending.targets.len() > 1)));
        }
        if !ending.next.is_empty() || ending.baseline.is_some() {
            lines.push(String::new());
        }
        lines.extend(ending.baseline.iter().map(|known| format!("- {}", plain(&known_line(known)))));
        lines.extend(ending.outcomes.iter().map(|(_, line)| format!("- {}", plain(line))));
        lines.extend(ending.next.iter().map(|next| format!("- next: {}", plain(next))));
        for line in lines {
            self.out.line(&line);
        }
        self.out.end()
    }
}

/// Text that Markdown shows as it is: no markup, no HTML, no cell of its own, nobody mentioned.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            // Neither an escape nor an entity keeps a name from being mentioned.
            '@' => out.push_str("@\u{2060}"),
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '(' | ')' | '#' | '!' | '|' | '~' | '$' => out.extend(['\\', c]),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn catalog_text_is_no_markup() {
        assert_eq!(plain("a|b\n<img src=x>`c`"), "a\\|b &lt;img src=x&gt;\\`c\\`");
        assert_eq!(plain("[x](http://y) ![z] @team"), "\\[x\\]\\(http://y\\) \\!\\[z\\] @\u{2060}team");
    }
}
