//! The differences for people: by attribute, prices and stock first, then what came and went, and
//! the counts last.

use super::diff::{Opening, Report};
use super::error::Exit;
use crate::compare::{Change, Comparison, Counts, Found, Notice, Spot, Tell, Which};
use crate::product::attribute::known;
use crate::product::text::excerpt;
use crate::report::page::{hang, length, plural, thousands};
use anstyle::{AnsiColor, Style};
use rust_decimal::Decimal;
use std::collections::BTreeMap;
use std::io::{self, Read, Seek, SeekFrom, Write};
use tempfile::SpooledTempFile;

/// Bytes of differences that stay in memory.
const HELD: usize = 4 << 20;
/// Characters of an id that are shown.
const ID: usize = 40;
/// Characters of a longer text that are shown around what differs.
const AROUND: usize = 70;

/// Differences of one kind: how many there are, and where the first of them wait.
#[derive(Default)]
struct Kind {
    count: u64,
    kept: Vec<(u64, usize)>,
}

pub(super) struct TextDiff {
    opening: Opening,
    out: Box<dyn Write>,
    /// What waits to be told, as JSON.
    file: SpooledTempFile,
    end: u64,
    changes: BTreeMap<usize, Kind>,
    alone: [Kind; 2],
    notices: BTreeMap<(&'static str, usize), Kind>,
    failed: Option<io::Error>,
}

impl TextDiff {
    pub(super) fn new(opening: Opening, out: Box<dyn Write>) -> Self {
        let (changes, alone, notices) = Default::default();
        Self { opening, out, file: tempfile::spooled_tempfile(HELD), end: 0, changes, alone, notices, failed: None }
    }

    /// Keeps what is to be told of a difference, where fewer of its kind are kept than are shown.
    fn keep(&mut self, pick: impl FnOnce(&mut Self) -> &mut Kind, words: &[&str]) {
        let (cap, end) = (self.opening.cap, self.end);
        let kind = pick(self);
        kind.count += 1;
        if kind.kept.len() >= cap {
            return;
        }
        let text = serde_json::to_vec(words).unwrap_or_default();
        kind.kept.push((end, text.len()));
        self.end += text.len() as u64;
        if self.failed.is_none() {
            self.failed = self.file.write_all(&text).err();
        }
    }

    fn read(&mut self, (at, length): (u64, usize)) -> io::Result<Vec<String>> {
        let mut bytes = vec![0; length];
        self.file.seek(SeekFrom::Start(at))?;
        self.file.read_exact(&mut bytes)?;
        Ok(serde_json::from_slice(&bytes).unwrap_or_default())
    }

    fn paint(&self, style: Style, text: &str) -> String {
        if self.opening.colour { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }

    /// Writes what is kept of a kind, below its heading.
    fn section(&mut self, heading: &str, kind: &Kind, told: &dyn Fn(&Self, &[String], usize) -> String) -> io::Result<()> {
        let heading = self.paint(Style::new().bold(), heading);
        writeln!(self.out, "{heading}")?;
        // Few are kept, but where all are asked for.
        let mut longest = 0;
        for kept in kind.kept.iter().take(1000) {
            longest = longest.max(self.read(*kept)?.first().map_or(0, |id| length(id).min(ID)));
        }
        for kept in &kind.kept {
            let words = self.read(*kept)?;
            let line = told(self, &words, longest);
            writeln!(self.out, "{line}")?;
        }
        let more = kind.count - kind.kept.len() as u64;
        if more > 0 {
            writeln!(self.out, "  ... {} more; `--max-per-code 0` shows all", thousands(more))?;
        }
        writeln!(self.out)
    }

    /// One value before and after, in a line where it fits.
    fn change(&self, words: &[String], longest: usize) -> String {
        let [id, old, new] = words else { return String::new() };
        let (red, green) = (AnsiColor::Red.on_default(), AnsiColor::Green.on_default());
        let head = format!("  {id}{}  ", " ".repeat(longest.saturating_sub(length(id))));
        let (before, after) = around(old, new);
        let moved = moved(old, new);
        let width = length(&head) + length(&before) + 4 + length(&after) + length(&moved);
        if width <= self.opening.width {
            return format!("{head}{} -> {}{moved}", self.paint(red, &before), self.paint(green, &after));
        }
        format!("{}\n    - {}\n    + {}", head.trim_end(), self.paint(red, &before), self.paint(green, &after))
    }

    /// An item that one side alone has.
    fn item(&self, words: &[String], longest: usize) -> String {
        let [id, title, price, availability] = words else { return String::new() };
        let said: Vec<&str> = [title, price, availability].into_iter().map(String::as_str).filter(|word| !word.is_empty()).collect();
        format!("  {id}{}  {}", " ".repeat(longest.saturating_sub(length(id))), said.join(", ")).trim_end().to_owned()
    }

    fn odd(&self, kind: &str, which: usize, count: u64) -> String {
        let side = ["old", "new"][which];
        match kind {
            "unreadable" => format!("{side}: {} could not be read, and nobody knows whether they differ", plural(count, "record")),
            "no-id" => format!("{side}: {} without an id, the same only as one that says all the same", plural(count, "item")),
            "repeated-id" => {
                format!("{side}: {} with the id of an earlier one; the second is compared with the second", plural(count, "item"))
            }
            _ => format!("{side}: {} first seen too late to be compared", plural(count, "key")),
        }
    }

    fn all(&mut self, comparison: &Comparison) -> io::Result<()> {
        let names = std::rc::Rc::clone(&self.opening.names);
        let mut changes = std::mem::take(&mut self.changes);
        let mut by_name = Vec::new();
        for name in names.in_order() {
            let Some(kind) = changes.remove(&name) else { continue };
            by_name.push(format!("{} {}", names.name(name), thousands(kind.count)));
            let has_none = |counts: &Counts| counts.filled.get(name) == Some(&0);
            let note = match (has_none(&comparison.old), has_none(&comparison.new)) {
                (true, _) => "; the old side has none",
                (_, true) => "; the new side has none",
                _ => "",
            };
            let heading = format!("{} ({}{note})", names.name(name), thousands(kind.count));
            self.section(&heading, &kind, &Self::change)?;
        }
        let [removed, added] = std::mem::take(&mut self.alone);
        for (heading, kind) in [("added", &added), ("removed", &removed)].into_iter().filter(|(_, kind)| kind.count > 0) {
            self.section(&format!("{heading} ({})", thousands(kind.count)), kind, &Self::item)?;
        }
        for ((kind, which), found) in std::mem::take(&mut self.notices) {
            let heading = self.odd(kind, which, found.count);
            self.section(&heading, &found, &|_, words, _| format!("  {}", words.join("")))?;
        }
        for (side, only) in [("old", &names.only_old), ("new", &names.only_new)] {
            if !only.is_empty() {
                let listed: Vec<&str> = only.iter().map(AsRef::as_ref).collect();
                let heading = self.paint(Style::new().bold(), &format!("columns of the {side} side alone, which no attribute reads"));
                writeln!(self.out, "{heading} ({})\n{}\n", only.len(), hang("  ", &excerpt(&listed.join(", "), 400), self.opening.width))?;
            }
        }
        for (side, counts) in [("old", &comparison.old), ("new", &comparison.new)] {
            for line in read(side, counts) {
                writeln!(self.out, "{line}")?;
            }
        }
        let count = |number: u64, word: &str| format!("{} {word}", thousands(number));
        let Comparison { same, changed, removed, added, .. } = comparison;
        let counts = [count(*changed, "changed"), count(*added, "added"), count(*removed, "removed"), count(*same, "the same")];
        let line = self.paint(Style::new().bold(), &counts.join(", "));
        writeln!(self.out, "{line}")?;
        if !by_name.is_empty() {
            writeln!(self.out, "{}", hang("  ", &by_name.join(", "), self.opening.width))?;
        }
        self.out.flush()
    }
}

impl Tell for TextDiff {
    fn notice(&mut self, which: Which, spot: Spot, notice: &Notice) {
        let file = self.opening.file(which, spot);
        let place = if spot.line > 0 { format!("{file}:{}", spot.line) } else { file.to_owned() };
        let place = format!("{place}  record {}", spot.record);
        let (kind, words) = match notice {
            Notice::Unreadable { message } => ("unreadable", format!(": {}", excerpt(message, 120))),
            Notice::NoId => ("no-id", String::new()),
            Notice::Repeated { item } => ("repeated-id", format!(", item `{}`", excerpt(item, ID))),
            Notice::LateKey { key } => ("late-key", format!(", key `{}`", excerpt(key, ID))),
        };
        self.keep(|told| told.notices.entry((kind, which as usize)).or_default(), &[&place, &words]);
    }

    fn alone(&mut self, which: Which, found: &Found<'_>) {
        let value = |name: &'static str, most: usize| excerpt(found.value(known(name).index()), most);
        let (title, price, availability) = (value("title", 60), value("price", 30), value("availability", 30));
        self.keep(|told| &mut told.alone[which as usize], &[&shown(found.id), &title, &price, &availability]);
    }

    fn changed(&mut self, _: Spot, new: &Found<'_>, changes: &[Change]) {
        for change in changes {
            let [old, now] = [&change.old, &change.new].map(|value| value.as_deref().unwrap_or_default());
            self.keep(|told| told.changes.entry(change.name).or_default(), &[&shown(new.id), old, now]);
        }
    }
}

impl Report for TextDiff {
    fn end(mut self: Box<Self>, comparison: &Comparison, _: Exit) -> io::Result<()> {
        self.failed.take().map_or(Ok(()), Err)?;
        self.all(comparison)
    }
}

fn shown(id: &str) -> String {
    if id.is_empty() { "(no id)".to_owned() } else { excerpt(id, ID) }
}

/// What was read of a side.
fn read(side: &str, counts: &Counts) -> Vec<String> {
    let mut lines: Vec<String> = counts
        .inputs
        .iter()
        .map(|input| format!("{side}  {}: {}, read as {}; {}", input.file, input.format, input.preset, plural(input.records, "record")))
        .collect();
    let skipped = counts.skipped.iter().map(|(reason, count)| format!("{} skipped: {reason}", thousands(*count)));
    let unreadable = (counts.unreadable > 0).then(|| format!("{} unreadable", thousands(counts.unreadable)));
    let parts: Vec<String> = std::iter::once(plural(counts.items, "item")).chain(unreadable).chain(skipped).collect();
    lines.push(format!("     {}", parts.join(", ")));
    lines
}

/// Both values, long ones cut to where they differ.
fn around(old: &str, new: &str) -> (String, String) {
    let word = |text: &str| if text.is_empty() { "(nothing)".to_owned() } else { excerpt(text, AROUND) };
    if length(old).max(length(new)) <= AROUND {
        return (word(old), word(new));
    }
    let shared = old.chars().zip(new.chars()).take_while(|(one, other)| one == other).count();
    let skip = shared.saturating_sub(AROUND / 3);
    let cut = |text: &str| match text {
        "" => word(""),
        text if skip == 0 => word(text),
        text => format!("…{}", word(&text.chars().skip(skip).collect::<String>())),
    };
    (cut(old), cut(new))
}

/// By how much an amount moved, where both are in one currency.
fn moved(old: &str, new: &str) -> String {
    let amount = |text: &str| {
        let (amount, currency) = text.split_once(' ')?;
        Some((amount.parse::<Decimal>().ok()?, currency.to_owned()))
    };
    let (Some((before, was)), Some((after, is))) = (amount(old), amount(new)) else { return String::new() };
    let is_currency = was == is && is.len() == 3 && is.bytes().all(|b| b.is_ascii_uppercase());
    let moved = after.checked_sub(before).and_then(|moved| moved.checked_mul(Decimal::ONE_HUNDRED));
    match moved.and_then(|moved| moved.checked_div(before)).filter(|_| is_currency) {
        Some(percent) => format!("  ({}{} %)", if percent.is_sign_positive() { "+" } else { "" }, percent.round_dp(1).normalize()),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::{around, moved};

    #[test]
    fn long_texts_are_cut_to_where_they_differ() {
        assert_eq!(around("a", ""), ("a".to_owned(), "(nothing)".to_owned()));
        let start = "word ".repeat(30);
        let (old, new) = around(&format!("{start}steel"), &format!("{start}glass"));
        assert!(old.starts_with('…') && old.ends_with("word steel"), "{old}");
        assert!(new.starts_with('…') && new.ends_with("word glass"), "{new}");
    }

    #[test]
    fn how_far_a_price_moved() {
        assert_eq!(moved("24.00 USD", "22.00 USD"), "  (-8.3 %)");
        assert_eq!(moved("20.00 USD", "30.00 USD"), "  (+50 %)");
        assert_eq!(
            [moved("20.00 USD", "30.00 EUR"), moved("0.00 USD", "1.00 USD"), moved("2 red", "1 red")].map(|text| text.len()),
            [0, 0, 0]
        );
    }
}
