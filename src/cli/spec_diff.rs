//! `spec --diff`: what changed from one spec to another, for people and for scripts.

use super::error::CliError;
use super::ui::Ui;
use crate::report::page;
use crate::spec::diff::{Change, Changed, Diff, Only};
use crate::spec::model::Requirement;
use crate::spec::terms::Consequence;
use crate::spec::{Spec, load};
use serde_json::{Value, json};

pub(super) fn run(old: &str, new: &str, as_json: bool, ui: &Ui) -> Result<String, CliError> {
    let (old, new) = (load::spec(old)?, load::spec(new)?);
    let diff = Diff::new(&old, &new);
    if as_json {
        return Ok(format!("{}\n", value(&old, &new, &diff)));
    }
    Ok(text(&old, &new, &diff, ui))
}

fn text(old: &Spec, new: &Spec, diff: &Diff, ui: &Ui) -> String {
    let width = ui.width();
    let figures =
        |what: &str, old: usize, new: usize| format!("  {what:10}{}", if old == new { old.to_string() } else { format!("{old} -> {new}") });
    let mut lines = vec![
        ui.bold(&format!("{} to {}", old.name(), new.name())),
        page::hang("  before    ", &old.identity.title, width),
        page::hang("  after     ", &new.identity.title, width),
        figures("fields", old.fields.len(), new.fields.len()),
        figures("required", required(old), required(new)),
        figures("rules", old.rules.len(), new.rules.len()),
        String::new(),
    ];
    let mut part = |heading: &str, count: usize, body: Vec<String>| {
        if count > 0 {
            lines.push(ui.bold(&format!("{heading} ({count})")));
            lines.extend(body);
            lines.push(String::new());
        }
    };
    let feed: Vec<[String; 2]> = diff.feed.iter().map(|change| [format!("  {}", change.about), told(change)]).collect();
    part("The feed", feed.len(), page::columns(&feed, width));
    let added: Vec<[String; 3]> =
        diff.added.iter().map(|field| [format!("  {}", field.name), field.is.clone(), field.note.clone()]).collect();
    part("New fields", added.len(), page::columns(&added, width));
    part("Fields that are gone", diff.removed.len(), by(&diff.removed, |field| field.note.as_str(), width));
    let renamed: Vec<[String; 2]> = diff.renamed.iter().map(|field| [format!("  {}", field.old), format!("-> {}", field.new)]).collect();
    part("Fields with another name", renamed.len(), page::columns(&renamed, width));
    let same: Vec<&Changed> = diff.renamed.iter().chain(&diff.changed).collect();
    for (about, changes) in pivot(&same) {
        part(&heading(about), changes.iter().map(|(_, names)| names.len()).sum(), one_of_many(&changes, width));
    }
    part("New rules", diff.rules_added.len(), rules(&diff.rules_added, width));
    part("Rules that are gone", diff.rules_removed.len(), rules(&diff.rules_removed, width));
    for (about, changes) in pivot(&diff.rules_changed.iter().collect::<Vec<_>>()) {
        part(
            &format!("Rules: {}", heading(about).to_lowercase()),
            changes.iter().map(|(_, names)| names.len()).sum(),
            one_of_many(&changes, width),
        );
    }
    if diff.is_empty() {
        lines.push("nothing differs".to_owned());
    } else {
        lines.push(format!("next: feedmill convert FEED --from {} --to {}", old.name(), new.name()));
    }
    lines.join("\n") + "\n"
}

fn required(spec: &Spec) -> usize {
    spec.fields.iter().filter(|field| field.written.requirement == Requirement::Required).count()
}

/// What a kind of change is called above the fields that have it.
fn heading(about: &str) -> String {
    let known = [
        ("requirement", "Needed or not"),
        ("type", "What kind of value"),
        ("if missing", "What happens if it is missing"),
        ("if bad", "What happens to a bad value"),
        ("then", "What happens if it is broken"),
        ("certainty", "How well that is known"),
        ("what", "What they say"),
    ];
    let mut text = known.iter().find(|(word, _)| *word == about).map_or(about, |(_, heading)| heading).to_owned();
    if let Some(first) = text.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    text
}

/// Names below each other, gathered where the same is to be said of them.
fn by<'a>(entries: &'a [Only], said: impl Fn(&'a Only) -> &'a str, width: usize) -> Vec<String> {
    let mut groups: Vec<(&str, Vec<&str>)> = Vec::new();
    for entry in entries {
        match groups.iter_mut().find(|(known, _)| *known == said(entry)) {
            Some((_, names)) => names.push(&entry.name),
            None => groups.push((said(entry), vec![&entry.name])),
        }
    }
    let line = |(said, names): &(&str, Vec<&str>)| {
        let names = page::hang("  ", &names.join(", "), width);
        if said.is_empty() { vec![names] } else { vec![names, page::hang("      ", said, width)] }
    };
    groups.iter().flat_map(line).collect()
}

/// Rules by what the target does, the worst first.
fn rules(rules: &[Only], width: usize) -> Vec<String> {
    let rank = |rule: &Only| Consequence::ALL.iter().position(|consequence| consequence.word() == rule.is);
    let mut sorted: Vec<&Only> = rules.iter().collect();
    sorted.sort_by_key(|rule| rank(rule));
    let rows: Vec<[String; 2]> = sorted.iter().map(|rule| [format!("    {}", rule.name), rule.note.clone()]).collect();
    let mut lines = Vec::new();
    let mut last = "";
    for (rule, line) in sorted.iter().zip(page::columns(&rows, width)) {
        if rule.is != last {
            last = &rule.is;
            lines.push(format!("  {last}"));
        }
        lines.push(line);
    }
    lines
}

/// One change and all that have it.
type Shared<'a> = (&'a Change, Vec<&'a str>);

/// Changes by what they are about, in the order in which fields say it, each with all names that have it.
fn pivot<'a>(entries: &[&'a Changed]) -> Vec<(&'static str, Vec<Shared<'a>>)> {
    let mut parts: Vec<(&'static str, Vec<Shared<'a>>)> = Vec::new();
    for entry in entries {
        for change in &entry.changes {
            let place = parts.iter().position(|(about, _)| *about == change.about).unwrap_or_else(|| {
                parts.push((change.about, Vec::new()));
                parts.len() - 1
            });
            let Some((_, changes)) = parts.get_mut(place) else { continue };
            match changes.iter_mut().find(|(known, _)| *known == change) {
                Some((_, names)) => names.push(&entry.new),
                None => changes.push((change, vec![&entry.new])),
            }
        }
    }
    parts.sort_by_key(|(about, _)| ORDER.iter().position(|known| known == about).unwrap_or(ORDER.len() / 2));
    parts
}

/// What is told first and last; everything else stands between, as it comes.
const ORDER: [&str; 8] = ["requirement", "needed when", "needs setup by the target", "deprecated", "", "if missing", "if bad", "certainty"];

/// Most names that a line of text lists; JSON has them all.
const MOST_NAMES: usize = 24;

/// What changed on the left and who has it on the right, where several have the same; else
/// the other way round.
fn one_of_many(changes: &[Shared<'_>], width: usize) -> Vec<String> {
    let mut told_of: Vec<(String, Vec<&str>)> = Vec::new();
    for (change, names) in changes {
        // Two patterns differ, but what is told of them does not.
        match told_of.iter_mut().find(|(text, _)| *text == told(change)) {
            Some((_, known)) => known.extend(names),
            None => told_of.push((told(change), names.clone())),
        }
    }
    let told = told_of;
    let is_short = told.iter().all(|(text, _)| page::length(text) <= 32);
    if is_short && told.iter().any(|(_, names)| names.len() > 1) {
        let names = |names: &Vec<&str>| if names.len() > MOST_NAMES { format!("{} of them", names.len()) } else { names.join(", ") };
        let rows: Vec<[String; 2]> = told.iter().map(|(text, list)| [format!("  {text}"), names(list)]).collect();
        return page::columns(&rows, width);
    }
    let rows: Vec<[String; 2]> = told
        .into_iter()
        .flat_map(|(text, names)| names.iter().map(move |name| [format!("  {name}"), text.clone()]).collect::<Vec<_>>())
        .collect();
    page::columns(&rows, width)
}

/// A list is told by what came and what went, anything else by before and after.
fn told(change: &Change) -> String {
    let list = |text: &str| text.split(", ").map(str::to_owned).collect::<Vec<_>>();
    let (old, new) = (list(&change.old), list(&change.new));
    if old.len() > 1 && new.len() > 1 {
        let came = new.iter().filter(|word| !old.contains(word)).map(|word| format!("+{word}"));
        let went = old.iter().filter(|word| !new.contains(word)).map(|word| format!("-{word}"));
        let parts: Vec<String> = came.chain(went).collect();
        return if parts.is_empty() { "another order".to_owned() } else { parts.join(" ") };
    }
    let nothing = match change.about {
        "length, at most" | "entries, at most" | "range" | "digits" | "fraction digits, at most" => "no limit",
        "values" | "units" => "any",
        _ => "none",
    };
    let shown = |text: &str| match text {
        "" => nothing.to_owned(),
        // A regular expression tells a reader little; JSON has it.
        _ if change.about == "pattern" => "a pattern".to_owned(),
        text => text.to_owned(),
    };
    match (change.old.as_str(), change.new.as_str()) {
        ("", "yes") => "now".to_owned(),
        ("yes", "") => "no more".to_owned(),
        ("", new) if change.about == "also read as" => new.to_owned(),
        (old, new) => format!("{} -> {}", shown(old), shown(new)),
    }
}

fn value(old: &Spec, new: &Spec, diff: &Diff) -> Value {
    let changes = |changes: &[Change]| {
        changes.iter().map(|change| json!({ "about": change.about, "old": change.old, "new": change.new })).collect::<Vec<_>>()
    };
    let changed = |entries: &[Changed]| {
        entries.iter().map(|entry| json!({ "old": entry.old, "new": entry.new, "changes": changes(&entry.changes) })).collect::<Vec<_>>()
    };
    let only = |entries: &[Only]| {
        entries.iter().map(|entry| json!({ "name": entry.name, "is": entry.is, "note": entry.note })).collect::<Vec<_>>()
    };
    json!({
        "schema": "feedmill.spec-diff/1", "from": old.name(), "to": new.name(), "feed": changes(&diff.feed),
        "fields": { "added": only(&diff.added), "removed": only(&diff.removed), "renamed": changed(&diff.renamed), "changed": changed(&diff.changed) },
        "rules": { "added": only(&diff.rules_added), "removed": only(&diff.rules_removed), "changed": changed(&diff.rules_changed) },
    })
}
