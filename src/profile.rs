//! What is in a catalog, before anything is judged: its columns, what each is taken for, the
//! items and variants its rows make, and what a target would still miss.
//!
//! Memory does not grow with the catalog: distinct values are estimated from the smallest hashes,
//! and groups beyond a number are no longer counted, which the profile says.

mod inside;

use crate::cancel::Cancel;
use crate::catalog::{Header, ReadError, RecordHead, SourceFacts};
use crate::mapping::apply::Draft;
use crate::mapping::columns::folded;
use crate::mapping::detect::{self, Detected};
use crate::mapping::rows::{Assembler, Receive};
use crate::pipeline::{Pace, RunError, SourcePlan, survey};
use crate::product::attribute::{AttributeId, Attributes, known};
use crate::product::text::{self, excerpt};
use crate::product::{date, money::Money, number};
use crate::progress::Progress;
use crate::spec::Spec;
use crate::spec::model::Requirement;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;
use xxhash_rust::xxh3::xxh3_64;

/// How many of the smallest hashes are kept of a column; up to here the count is exact.
const SKETCH: usize = 1024;
/// How many groups are told apart.
const MOST_GROUPS: usize = 4_000_000;

/// What a column holds.
#[derive(Clone, Debug, Default)]
pub struct ColumnProfile {
    /// Its name.
    pub name: String,
    /// Records in which it is filled.
    pub filled: u64,
    /// Some values.
    pub examples: Vec<String>,
    /// The longest value, in characters.
    pub longest: usize,
    /// The attribute it fills, if any.
    pub attribute: Option<String>,
    /// What it is taken for, in words.
    pub taken_for: String,
    values: u64,
    smallest: BTreeSet<u64>,
    beyond: bool,
    addresses: u64,
    numbers: u64,
    money: u64,
    dates: u64,
    nested: u64,
}

impl ColumnProfile {
    fn see(&mut self, value: &str, is_nested: bool) {
        let value = text::trim(value);
        if value.is_empty() {
            return;
        }
        self.filled += 1;
        self.values += 1;
        let hash = xxh3_64(value.as_bytes());
        let is_new = self.smallest.len() < SKETCH || self.smallest.last().is_some_and(|last| hash < *last);
        if is_new && self.smallest.insert(hash) {
            if self.examples.len() < 3 {
                self.examples.push(excerpt(value, 40));
            }
            if self.smallest.len() > SKETCH {
                self.smallest.pop_last();
                self.beyond = true;
            }
        } else if is_new {
            // The value is known.
        } else {
            self.beyond = true;
        }
        self.longest = self.longest.max(text::length(value));
        self.nested += u64::from(is_nested);
        self.addresses += u64::from(value.starts_with("http://") || value.starts_with("https://"));
        self.numbers += u64::from(number::parse(value).is_some());
        self.money += u64::from(Money::parse(value).is_ok());
        self.dates += u64::from(date::parse(value).is_ok());
    }

    /// How many distinct values there are, and whether that is an estimate.
    pub fn distinct(&self) -> (u64, bool) {
        let kept = self.smallest.len() as u64;
        match self.smallest.last() {
            Some(last) if self.beyond && *last > 0 => {
                let estimate = u128::from(kept - 1) * u128::from(u64::MAX) / u128::from(*last);
                (u64::try_from(estimate).unwrap_or(u64::MAX).min(self.values), true)
            }
            _ => (kept, false),
        }
    }

    /// What kind of values it holds, in a word.
    pub fn kind(&self) -> &'static str {
        let most = |count: u64| self.values > 0 && count * 10 >= self.values * 9;
        match () {
            () if self.filled == 0 => "empty",
            () if most(self.nested) => "nested",
            () if most(self.addresses) => "address",
            () if most(self.money) => "money",
            () if most(self.dates) => "date",
            () if most(self.numbers) => "number",
            () => "text",
        }
    }
}

/// A required attribute that items lack.
#[derive(Clone, Debug)]
pub struct Missing {
    /// The attribute.
    pub attribute: String,
    /// Items without it.
    pub items: u64,
    /// Columns that it might come from.
    pub columns: Vec<String>,
}

/// What is in a source.
#[derive(Debug)]
pub struct Profile {
    /// What is known of the file.
    pub facts: SourceFacts,
    /// The preset, why, and how sure.
    pub detected: Detected,
    /// How rows make items.
    pub shape: &'static str,
    /// Whether the first row looks like a record.
    pub no_header: Option<String>,
    /// Records.
    pub records: u64,
    /// Records that cannot be read.
    pub unreadable: u64,
    /// By column.
    pub columns: Vec<ColumnProfile>,
    /// By key inside nested cells, under its path.
    pub inside: Vec<ColumnProfile>,
    /// Items that the rows make.
    pub items: u64,
    /// Records that are no items, by reason.
    pub skipped: BTreeMap<String, u64>,
    /// Groups of variants, and whether there are more than could be told apart.
    pub groups: (u64, bool),
    /// Items that are variants of a group.
    pub variants: u64,
    /// Names of options, with the number of items that have them.
    pub options: BTreeMap<String, u64>,
    /// Required attributes that some items lack.
    pub missing: Vec<Missing>,
    /// Items with a price, and those of them whose price names a currency.
    pub priced: (u64, u64),
    /// Whether the platform implies pages, for which only the shop's address is missing.
    pub implies_page: bool,
}

/// Groups told apart by their hashes, up to a number.
#[derive(Default)]
struct Groups {
    seen: HashSet<u64>,
    beyond: bool,
}

impl Groups {
    fn see(&mut self, name: &str, most: usize) {
        let hash = xxh3_64(name.as_bytes());
        if self.seen.len() < most {
            self.seen.insert(hash);
        } else {
            self.beyond |= !self.seen.contains(&hash);
        }
    }
}

/// Counts items and what they hold.
struct Tally {
    items: u64,
    more: u64,
    skipped: Vec<u64>,
    filled: Vec<u64>,
    groups: Groups,
    variants: u64,
    options: BTreeMap<String, u64>,
    priced: (u64, u64),
    price: AttributeId,
    group: AttributeId,
}

impl Receive for Tally {
    fn item(&mut self, buffer: &mut String, draft: &mut Draft) {
        self.items += 1;
        for (filled, slot) in self.filled.iter_mut().zip(&draft.slots) {
            *filled += u64::from(!text::trim(slot.text(buffer)).is_empty());
        }
        let group = draft.get(self.group);
        if group.is_present() {
            self.variants += 1;
            self.groups.see(group.text(buffer), MOST_GROUPS);
        }
        for (name, _) in &draft.options {
            let name = excerpt(text::trim(name.text(buffer)), 40);
            if self.options.len() < 50 || self.options.contains_key(&name) {
                *self.options.entry(name).or_default() += 1;
            }
        }
        let price = draft.get(self.price).text(buffer);
        if !text::trim(price).is_empty() {
            self.priced.0 += 1;
            self.priced.1 += u64::from(Money::parse_loose(price, None, None).is_ok());
        }
    }

    fn skipped(&mut self, _: RecordHead, reason: u16) {
        if let Some(count) = self.skipped.get_mut(usize::from(reason)) {
            *count += 1;
        }
    }

    fn more(&mut self, records: u64) {
        self.more += records;
    }
}

/// Reads a source to its end and says what is in it, and what `spec` would still miss.
///
/// # Errors
/// When it cannot be read to its end.
pub fn profile(source: &SourcePlan, asked: bool, spec: &Spec, progress: &dyn Progress, cancel: &Cancel) -> Result<Profile, RunError> {
    let names: Vec<Arc<str>> = source.header.names().iter().take(source.seen).cloned().collect();
    let seen = Header::new(names.iter().map(AsRef::as_ref));
    let detected = detect::of(&source.preset, &seen, asked);
    let mut columns: Vec<ColumnProfile> =
        names.iter().map(|name| ColumnProfile { name: name.to_string(), ..ColumnProfile::default() }).collect();
    let mapping = &source.mapping;
    let survey = survey(source, &Pace { progress, cancel, threads: 1, memory: crate::plan::MEMORY })?;
    let mut tally = Tally {
        items: 0,
        more: 0,
        skipped: vec![0; mapping.reasons.len()],
        filled: vec![0; Attributes::shared().count()],
        groups: Groups::default(),
        variants: 0,
        options: BTreeMap::new(),
        priced: (0, 0),
        price: known("price"),
        group: known("group_id"),
    };
    let (mut records, mut unreadable) = (0u64, 0u64);
    let mut inside = inside::Inside::default();
    let opened = (source.reopen)()?;
    progress.begin("reading", source.facts.length());
    let parser = crate::pipeline::parser(source);
    let mut blocks = opened.blocks(0, mapping.align(&source.header, &source.facts.format, &survey));
    let spares = blocks.spares();
    let mut assembler = Assembler::new(mapping, &survey);
    while let Some(block) = blocks.next_block()?.filter(|_| !cancel.is_cancelled()) {
        let mut batch = parser.parse(block);
        records += batch.heads.len() as u64 + batch.bad.len() as u64;
        unreadable += batch.bad.len() as u64;
        for (row, head) in batch.heads.iter().enumerate() {
            for (name, cell) in names.iter().zip(batch.row(row)) {
                inside.see(name, *cell, &batch.text, head.number);
            }
            for (column, cell) in columns.iter_mut().zip(batch.row(row)) {
                let is_nested = matches!(cell.shape, crate::cell::Shape::List | crate::cell::Shape::Object);
                column.see(cell.text(&batch.text), is_nested);
            }
        }
        progress.advance(batch.position, batch.heads.len() as u64);
        assembler.run(&mut batch, &mut tally);
        spares.give(&mut batch);
    }
    progress.end();
    if records == 0 {
        let message = "there are columns but no records; an empty catalog is taken for a failed export".to_owned();
        return Err(ReadError::NotACatalog { file: source.facts.file.to_string(), message }.into());
    }
    for (place, column) in columns.iter_mut().enumerate() {
        (column.attribute, column.taken_for) = taken_for(source, place as u16);
    }
    let mut inside = inside.columns();
    for column in &mut inside {
        if let Some(place) = mapping.made(&column.name) {
            (column.attribute, column.taken_for) = taken_for(source, place);
        }
    }
    let skipped = tally.skipped.iter().zip(&mapping.reasons).filter(|(count, _)| **count > 0);
    let skipped = skipped.map(|(count, reason)| (reason.clone(), *count)).collect();
    Ok(Profile {
        no_header: matches!(source.facts.format, crate::catalog::Format::Delimited { .. })
            .then(|| crate::catalog::open::looks_like_a_record(&seen).map(str::to_owned))
            .flatten(),
        facts: source.facts.clone(),
        shape: mapping.shape(),
        missing: missing(spec, &tally, &columns),
        detected,
        records,
        unreadable,
        columns,
        inside,
        items: tally.items,
        skipped,
        groups: (tally.groups.seen.len() as u64, tally.groups.beyond),
        variants: tally.variants,
        options: tally.options,
        priced: tally.priced,
        implies_page: mapping.implies_page(),
    })
}

/// The attribute that a column fills, and what it is taken for in words.
fn taken_for(source: &SourcePlan, column: u16) -> (Option<String>, String) {
    let (attributes, mapping) = (Attributes::shared(), &source.mapping);
    let mut first = None;
    let mut uses: Vec<String> = Vec::new();
    for step in &mapping.steps {
        let of = |known: &u16| *known == column || mapping.origin(*known).is_some_and(|(base, _)| base == Some(column));
        let Some(place) = step.columns().iter().position(of) else { continue };
        let name = attributes.name(step.attribute());
        first.get_or_insert_with(|| name.to_owned());
        let name = match name {
            "price" if mapping.price_is_current => "price (paid now)",
            "sale_price" if mapping.price_is_current => "price (struck through)",
            name => name,
        };
        uses.push(if place > 0 { format!("{name} (if no better)") } else { name.to_owned() });
    }
    if uses.is_empty() {
        return (None, mapping.column_use(column).unwrap_or("").to_owned());
    }
    (first, uses.join(", "))
}

/// Required attributes that items lack, with columns that they might come from.
fn missing(spec: &Spec, tally: &Tally, columns: &[ColumnProfile]) -> Vec<Missing> {
    let generic = detect::all().find(|preset| preset.detect.all.is_empty());
    let required =
        spec.fields.iter().filter(|field| field.written.requirement == Requirement::Required && field.written.when_absent.is_none());
    let lacking = required.filter_map(|field| {
        let filled = tally.filled.get(field.attribute.index()).copied().unwrap_or(0);
        let attribute = Attributes::shared().name(field.attribute);
        (filled < tally.items).then(|| {
            let words: Vec<String> = generic
                .iter()
                .filter_map(|preset| preset.columns.get(attribute).and_then(toml::Value::as_array))
                .flatten()
                .filter_map(toml::Value::as_str)
                .map(folded)
                .filter(|word| word.len() > 3)
                .collect();
            let fits = |column: &&ColumnProfile| {
                let name = folded(&column.name);
                column.filled > 0 && column.taken_for.is_empty() && words.iter().any(|word| name.contains(word.as_str()))
            };
            let columns = columns.iter().filter(fits).take(3).map(|column| column.name.clone()).collect();
            Missing { attribute: attribute.to_owned(), items: tally.items - filled, columns }
        })
    });
    lacking.collect()
}

/// What gives a required attribute that no column gives, in words.
pub fn advice(attribute: &str, implies_page: bool) -> &'static str {
    match attribute {
        "url" if implies_page => "`--base-url https://your.shop` completes what the platform implies",
        "url" => "map its column, or a template such as `url = { template = \"{{ base_url }}/p/{{ SKU }}\" }`",
        "seller_name" => "`--seller-name NAME`",
        "item_id" => "map the column that identifies an item",
        "title" => "map the column with the product's name",
        "description" => "map the column that describes the product",
        "brand" => "map its column, or `--set brand=NAME` where all items share one",
        "image_url" => "map the column with the main image; relative ones need `--base-url`",
        "availability" => "map its column, or `--set availability=in_stock` where that is true of all",
        "price" => "map the column with the price; `--currency CODE` where it names no currency",
        _ => "map its column, or `--set ATTRIBUTE=VALUE`",
    }
}

#[cfg(test)]
mod tests {
    use super::{ColumnProfile, Groups};

    #[test]
    fn groups_are_exact_until_there_are_too_many_and_that_is_said() {
        let mut groups = Groups::default();
        for number in 0..30 {
            groups.see(&format!("g{}", number % 3), 3);
        }
        assert_eq!((groups.seen.len(), groups.beyond), (3, false));
        groups.see("one more", 3);
        assert_eq!((groups.seen.len(), groups.beyond), (3, true));
    }

    #[test]
    fn distinct_values_are_exact_where_few_and_close_where_many() {
        let mut few = ColumnProfile::default();
        for number in 0..5000 {
            few.see(&format!("v{}", number % 700), false);
        }
        assert_eq!(few.distinct(), (700, false));
        let mut many = ColumnProfile::default();
        for number in 0..100_000 {
            many.see(&format!("v{number}"), false);
        }
        let (estimate, is_estimate) = many.distinct();
        assert!(is_estimate && (90_000..=110_000).contains(&estimate), "{estimate}");
        assert_eq!((few.kind(), few.examples.len(), few.filled), ("text", 3, 5000));
    }
}
