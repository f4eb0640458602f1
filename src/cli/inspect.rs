//! `inspect`: what is in a catalog, before anything is mapped or judged.

use super::args::Inspect;
use super::error::{CliError, Exit};
use super::mill;
use super::signal;
use super::spec::table;
use super::ui::Ui;
use crate::cancel::Cancel;
use crate::config::Settings;
use crate::plan::{self, Purpose};
use crate::product::text::excerpt;
use crate::profile::{ColumnProfile, Profile, advice, profile};
use serde_json::{Value, json};

pub(super) fn run(command: &Inspect, ui: &Ui) -> Result<Exit, CliError> {
    let mut flags = mill::flags(&command.catalog);
    flags.targets = command.target.iter().cloned().collect();
    let mut settings = mill::settings(&flags, ui)?;
    let profiles = profiles(&mut settings, ui)?;
    let text = if command.json {
        let sources: Vec<Value> = profiles.iter().map(|profile| value(profile, &settings)).collect();
        format!("{}\n", json!({ "schema": "feedmill.inspect/1", "sources": sources }))
    } else {
        profiles.iter().map(|profile| shown(profile, &settings, ui)).collect()
    };
    ui.print(&text)?;
    Ok(Exit::Done)
}

/// What is in every source of the settings, unless a signal ends the reading.
pub(super) fn profiles(settings: &mut Settings, ui: &Ui) -> Result<Vec<Profile>, CliError> {
    let signals = signal::Watch::new();
    settings.stop_with(signals.cancel());
    signals.settle("nothing was written", read(settings, signals.cancel(), ui))
}

fn read(settings: &Settings, cancel: &Cancel, ui: &Ui) -> Result<Vec<Profile>, CliError> {
    let effort = plan::Effort { threads: 1, memory: plan::MEMORY };
    let plan = plan::plan(settings, Purpose::Check, effort, crate::clock::today())?;
    let mut profiles = Vec::new();
    let Some(target) = plan.targets.first() else { return Ok(profiles) };
    for (source, setting) in plan.sources.iter().zip(&settings.sources) {
        profiles.push(profile(source, setting.preset.is_some(), &target.spec, ui, cancel)?);
    }
    Ok(profiles)
}

/// What the settings still leave open, one line each.
pub(super) fn asks(profile: &Profile, settings: &Settings) -> Vec<String> {
    let mut asks = Vec::new();
    if let Some(odd) = &profile.no_header {
        asks.push(format!("the first row looks like a record (`{}`): name the columns with `--header id,title,...`", excerpt(odd, 40)));
    }
    for missing in &profile.missing {
        let lacking = if missing.items == profile.items {
            "no item has it".to_owned()
        } else {
            format!("{} of {} items lack it", missing.items, profile.items)
        };
        let from = if missing.columns.is_empty() {
            String::new()
        } else {
            format!("; perhaps from {}", missing.columns.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "))
        };
        asks.push(format!("{}: {lacking}; {}{from}", missing.attribute, advice(&missing.attribute, profile.implies_page)));
    }
    let (priced, named) = profile.priced;
    if settings.wishes.currency.is_none() && named < priced {
        asks.push("prices name no currency: give `--currency CODE`".to_owned());
    }
    asks
}

fn value(profile: &Profile, settings: &Settings) -> Value {
    let (facts, preset) = (&profile.facts, &profile.detected.preset);
    let listed = |columns: &[ColumnProfile]| -> Vec<Value> {
        let shown = columns.iter().map(|column| {
            let (distinct, is_estimate) = column.distinct();
            json!({ "name": column.name, "filled": column.filled, "distinct": distinct, "distinct_estimated": is_estimate, "type": column.kind(),
                    "longest": column.longest, "examples": column.examples, "attribute": column.attribute, "taken_for": column.taken_for })
        });
        shown.collect()
    };
    let missing: Vec<Value> = profile
        .missing
        .iter()
        .map(|missing| {
            json!({ "attribute": missing.attribute, "items": missing.items, "columns": missing.columns,
                    "advice": advice(&missing.attribute, profile.implies_page) })
        })
        .collect();
    json!({
        "file": &*facts.file, "format": facts.format.word(), "compression": facts.compression, "encoding": facts.encoding, "byte_order_mark": facts.bom,
        "delimiter": delimiter(profile), "preset": preset.name, "platform": preset.title, "signs": profile.detected.signs,
        "confidence": profile.detected.confidence.word(), "columns_known": profile.detected.read, "shape": profile.shape,
        "records": profile.records, "unreadable": profile.unreadable, "items": profile.items, "skipped_by": profile.skipped,
        "variants": { "groups": profile.groups.0, "groups_are_more": profile.groups.1, "items": profile.variants, "options": profile.options },
        "columns": listed(&profile.columns), "inside": listed(&profile.inside), "missing": missing, "asks": asks(profile, settings),
    })
}

fn delimiter(profile: &Profile) -> Option<String> {
    match profile.facts.format {
        crate::catalog::Format::Delimited { delimiter } => Some(char::from(delimiter).escape_default().to_string()),
        _ => None,
    }
}

fn shown(profile: &Profile, settings: &Settings, ui: &Ui) -> String {
    let (facts, detected) = (&profile.facts, &profile.detected);
    let mut shown = format!("{}\n", ui.bold(&facts.file));
    let packing = facts.compression.map(|packing| format!(" in {packing}")).unwrap_or_default();
    let separated = delimiter(profile).map(|delimiter| format!(", cells separated by {delimiter}")).unwrap_or_default();
    let mark = if facts.bom { " with byte order mark" } else { "" };
    shown.push_str(&format!("  {}{packing}, {}{mark}{separated}\n", facts.format.word(), facts.encoding));
    let why = if detected.signs.is_empty() {
        "no platform's columns were found".to_owned()
    } else {
        format!("because of {}", detected.signs.iter().map(|sign| format!("`{sign}`")).collect::<Vec<_>>().join(", "))
    };
    let preset = &detected.preset;
    shown.push_str(&format!("  read as {} ({}), {why}; {}\n", preset.name, preset.title, profile.shape));
    shown.push_str(&format!("  {}: it reads {} of {} columns\n", detected.confidence.word(), detected.read, profile.columns.len()));
    let unreadable = if profile.unreadable > 0 { format!(", {} records unreadable", profile.unreadable) } else { String::new() };
    shown.push_str(&format!("  {} records, {} columns{unreadable}\n", profile.records, profile.columns.len()));
    let options: Vec<&str> = profile.options.keys().take(8).map(String::as_str).collect();
    let options = if options.is_empty() { String::new() } else { format!(", by {}", options.join(", ")) };
    shown.push_str(&format!(
        "  {} items; {} of them are variants, in {}{} groups{options}\n",
        profile.items,
        profile.variants,
        if profile.groups.1 { "more than " } else { "" },
        profile.groups.0
    ));
    for (reason, count) in &profile.skipped {
        shown.push_str(&format!("  {count} skipped: {reason}\n"));
    }
    shown.push('\n');
    let read = profile.records - profile.unreadable;
    let rows: Vec<[String; 6]> = profile
        .columns
        .iter()
        .chain(&profile.inside)
        .map(|column| {
            let (distinct, is_estimate) = column.distinct();
            [
                excerpt(&column.name, 36),
                column.taken_for.clone(),
                format!("{} %", (column.filled * 100).checked_div(read).unwrap_or(0)),
                format!("{}{distinct}", if is_estimate { "~" } else { "" }),
                column.kind().to_owned(),
                excerpt(&column.examples.join(" | "), 60),
            ]
        })
        .collect();
    shown.push_str(&table(&["column", "taken for", "filled", "distinct", "type", "examples"], &rows, ui));
    let asks = asks(profile, settings);
    if !asks.is_empty() {
        let target = settings.targets.first().map_or("the target", |target| target.spec.as_str());
        shown.push_str(&format!("\n{target} still needs:\n"));
        for ask in &asks {
            shown.push_str(&format!("  {ask}\n"));
        }
    }
    shown.push('\n');
    shown
}
