//! `inspect`: what is in a catalog, before anything is mapped or judged.

use super::args::Inspect;
use super::error::{CliError, Exit};
use super::mill;
use super::spec::table;
use super::ui::Ui;
use crate::config::Settings;
use crate::mapping::Mapping;
use crate::plan::{self, PlanError};
use crate::product::attribute::Attributes;
use crate::product::text::{self, excerpt};
use crate::product::{date, money::Money, number};
use crate::progress::Progress;
use crate::spec::model::Requirement;
use serde_json::{Value, json};
use std::collections::HashSet;
use xxhash_rust::xxh3::xxh3_64;

/// Distinct values are counted exactly up to this many; beyond it is only said that there are more.
const DISTINCT_CAP: usize = 100_000;

#[derive(Default)]
struct ColumnFacts {
    filled: u64,
    distinct: HashSet<u64>,
    examples: Vec<String>,
    urls: u64,
    numbers: u64,
    money: u64,
    dates: u64,
    longest: usize,
}

impl ColumnFacts {
    fn see(&mut self, value: &str) {
        let value = text::trim(value);
        if value.is_empty() {
            return;
        }
        self.filled += 1;
        if self.distinct.len() < DISTINCT_CAP && self.distinct.insert(xxh3_64(value.as_bytes())) && self.examples.len() < 3 {
            self.examples.push(excerpt(value, 40));
        }
        self.longest = self.longest.max(text::length(value));
        self.urls += u64::from(value.starts_with("http://") || value.starts_with("https://"));
        self.numbers += u64::from(number::parse(value).is_some());
        self.money += u64::from(Money::parse(value).is_ok());
        self.dates += u64::from(date::parse(value).is_ok());
    }

    fn kind(&self) -> &'static str {
        let most = |count: u64| self.filled > 0 && count * 10 >= self.filled * 9;
        if self.filled == 0 {
            "empty"
        } else if most(self.urls) {
            "address"
        } else if most(self.money) {
            "money"
        } else if most(self.dates) {
            "date"
        } else if most(self.numbers) {
            "number"
        } else {
            "text"
        }
    }
}

pub(super) fn run(command: &Inspect, ui: &Ui) -> Result<Exit, CliError> {
    let mut flags = mill::flags(&command.catalog);
    flags.targets = command.target.iter().cloned().collect();
    let settings = mill::settings(&flags, ui)?;
    let mut text = String::new();
    let mut values = Vec::new();
    for place in 0..settings.sources.len() {
        let (shown, value) = source(place, &settings, ui)?;
        text.push_str(&shown);
        values.push(value);
    }
    if command.json {
        text = format!("{}\n", json!({ "schema": "feedmill.inspect/1", "sources": values }));
    }
    ui.print(&text)?;
    Ok(Exit::Done)
}

fn source(place: usize, settings: &Settings, ui: &Ui) -> Result<(String, Value), CliError> {
    let setting = &settings.sources[place];
    let opened = crate::catalog::open::open(&setting.path, &setting.wanted)?;
    let facts = opened.facts.clone();
    let header = opened.header.clone();
    let (preset, signs) = plan::preset_for(&header, setting.preset.as_deref())?;
    let mapping =
        Mapping::compile(&preset, &header, &settings.wishes).map_err(|source| PlanError::Map { file: facts.file.to_string(), source })?;
    let mut columns: Vec<ColumnFacts> = header.names().iter().map(|_| ColumnFacts::default()).collect();
    let parser = crate::catalog::open::Parser::of(&facts.format, &std::sync::Arc::new(header.clone()));
    let mut blocks = opened.blocks(0, None);
    let (mut records, mut bad) = (0u64, 0u64);
    ui.begin("reading", facts.length());
    while let Some(block) = blocks.next_block()? {
        let batch = parser.parse(block);
        records += batch.heads.len() as u64 + batch.bad.len() as u64;
        bad += batch.bad.len() as u64;
        for row in 0..batch.heads.len() {
            for (column, cell) in columns.iter_mut().zip(batch.row(row)) {
                column.see(cell.text(&batch.text));
            }
        }
        ui.advance(batch.position, batch.heads.len() as u64);
    }
    ui.end();
    let attributes = Attributes::shared();
    let attribute_of = |column: usize| -> Option<&str> {
        mapping.steps.iter().find(|step| step.columns().contains(&(column as u16))).map(|step| attributes.name(step.attribute()))
    };
    let taken_for = |column: usize| -> String {
        let uses = mapping.steps.iter().filter_map(|step| {
            let place = step.columns().iter().position(|known| *known == column as u16)?;
            let name = match attributes.name(step.attribute()) {
                "price" if mapping.price_is_current => "price (paid now)",
                "sale_price" if mapping.price_is_current => "price (struck through)",
                name => name,
            };
            Some(if place > 0 { format!("{name} (if no better)") } else { name.to_owned() })
        });
        let names: Vec<String> = uses.collect();
        if names.is_empty() { mapping.column_use(column as u16).unwrap_or("").to_owned() } else { names.join(", ") }
    };
    let target = settings.targets.first().ok_or_else(|| CliError::Usage("no target is named".to_owned()))?;
    let spec = crate::spec::load::spec(&target.spec)?;
    let filled = plan::attributes(&mapping, &settings.wishes.defaults);
    let missing: Vec<(&str, &'static str)> = spec
        .fields
        .iter()
        .filter(|field| {
            field.written.requirement == Requirement::Required && field.written.when_absent.is_none() && !filled.contains(&field.attribute)
        })
        .map(|field| (attributes.name(field.attribute), advice(attributes.name(field.attribute))))
        .collect();
    let mut asks: Vec<&str> = missing.iter().map(|(_, advice)| *advice).collect();
    let has_url = filled.contains(&crate::product::attribute::known("url"));
    if mapping.needs_survey()
        && settings.wishes.base_url.is_none()
        && has_url
        && !mapping.steps.iter().any(|step| attributes.name(step.attribute()) == "url")
    {
        asks.push(advice("url"));
    }
    let price =
        mapping.steps.iter().find(|step| attributes.name(step.attribute()) == "price").and_then(|step| step.columns().first().copied());
    if settings.wishes.currency.is_none()
        && price.and_then(|column| columns.get(usize::from(column))).is_some_and(|facts| facts.money * 10 < facts.filled * 9)
    {
        asks.push("prices name no currency: give `--currency CODE`");
    }
    let value = json!({
        "file": &*facts.file, "format": facts.format.word(), "compression": facts.compression, "encoding": facts.encoding, "byte_order_mark": facts.bom,
        "preset": preset.name, "signs": signs, "shape": mapping.shape(), "records": records, "unreadable": bad,
        "columns": header.names().iter().enumerate().map(|(place, name)| {
            let facts = &columns[place];
            json!({ "name": &**name, "filled": facts.filled, "distinct": facts.distinct.len(), "type": facts.kind(), "longest": facts.longest, "examples": facts.examples, "attribute": attribute_of(place), "taken_for": taken_for(place) })
        }).collect::<Vec<_>>(),
        "missing": missing.iter().map(|(name, advice)| json!({ "attribute": name, "advice": advice })).collect::<Vec<_>>(),
        "asks": asks,
    });
    let mut shown = format!("{}\n", ui.bold(&facts.file));
    let packing = facts.compression.map(|packing| format!(" in {packing}")).unwrap_or_default();
    let delimiter = if let crate::catalog::Format::Delimited { delimiter } = facts.format {
        format!(", cells separated by {}", char::from(delimiter).escape_default())
    } else {
        String::new()
    };
    shown.push_str(&format!(
        "  {}{packing}, {}{}{delimiter}\n",
        facts.format.word(),
        facts.encoding,
        if facts.bom { " with byte order mark" } else { "" }
    ));
    let why = if signs.is_empty() {
        "no platform's columns were found".to_owned()
    } else {
        format!("because of {}", signs.iter().map(|sign| format!("`{sign}`")).collect::<Vec<_>>().join(", "))
    };
    shown.push_str(&format!("  read as {} ({}), {why}; {}\n", preset.name, preset.title, mapping.shape()));
    shown.push_str(&format!(
        "  {records} records, {} columns{}\n\n",
        header.names().len(),
        if bad > 0 { format!(", {bad} records unreadable") } else { String::new() }
    ));
    let rows: Vec<[String; 6]> = header
        .names()
        .iter()
        .enumerate()
        .map(|(place, name)| {
            let facts = &columns[place];
            let read = records - bad;
            let fill = (facts.filled * 100).checked_div(read).unwrap_or(0);
            let more = if facts.distinct.len() >= DISTINCT_CAP { ">" } else { "" };
            [
                excerpt(name, 36),
                taken_for(place),
                format!("{fill} %"),
                format!("{more}{}", facts.distinct.len()),
                facts.kind().to_owned(),
                excerpt(&facts.examples.join(" | "), 60),
            ]
        })
        .collect();
    shown.push_str(&table(&["column", "taken for", "filled", "distinct", "type", "examples"], &rows, ui));
    if !asks.is_empty() {
        shown.push_str(&format!("\n{} still needs:\n", spec.name()));
        for ask in &asks {
            shown.push_str(&format!("  {ask}\n"));
        }
    }
    shown.push('\n');
    Ok((shown, value))
}

fn advice(attribute: &str) -> &'static str {
    match attribute {
        "url" => "url: no column gives it; `--base-url https://your.shop` completes what the platform implies",
        "seller_name" => "seller_name: no column gives it; `--seller-name NAME`",
        "item_id" => "item_id: map the column that identifies an item",
        "title" => "title: map the column with the product's name",
        "description" => "description: map the column that describes the product",
        "brand" => "brand: map it, or `--set brand=NAME` where all items share one",
        "image_url" => "image_url: map the column with the main image; relative ones need `--base-url`",
        "availability" => "availability: map a column, or `--set availability=in_stock` where that is true of all",
        "price" => "price: map the column with the price",
        _ => "a required field: map its column, or `--set ATTRIBUTE=VALUE`",
    }
}
