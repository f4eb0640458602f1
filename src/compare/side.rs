//! One side, read as often as needed: its records as the items that a build makes of them.

use super::{Effort, Found, Names, Notice, Tell, Which};
use crate::catalog::{Batch, Format, ReadError, RecordHead};
use crate::cell::{Cell, Slot};
use crate::mapping::apply::Draft;
use crate::mapping::rows::{Assembler, Receive};
use crate::mapping::survey::Survey;
use crate::normalize::{Memo, Normalizer, Note};
use crate::pipeline::{self, Pace, Plan, RunError, SourcePlan, apply_rules, survey};
use crate::product::attribute::{AttributeId, known};
use crate::product::money::Money;
use crate::summary::InputSummary;
use std::collections::{BTreeMap, HashSet};
use std::sync::LazyLock;
use xxhash_rust::xxh3::xxh3_64;

/// Where an item stands on its side.
#[derive(Clone, Copy, Debug, Default)]
pub struct Spot {
    /// Which of the side's sources, from 0.
    pub source: u16,
    /// The record, from 1.
    pub record: u64,
    /// The line, from 1; 0 where lines mean nothing.
    pub line: u64,
}

/// What was read of a side.
#[derive(Clone, Debug, Default)]
pub struct Counts {
    /// By source.
    pub inputs: Vec<InputSummary>,
    /// Items that the records make.
    pub items: u64,
    /// Records that are no items, by reason.
    pub skipped: BTreeMap<String, u64>,
    /// Records that could not be read.
    pub unreadable: u64,
    /// By name: items that have a value.
    pub filled: Vec<u64>,
}

/// An item with everything that is compared.
#[derive(Clone, Copy, Debug)]
pub(super) struct Item<'a> {
    pub(super) buffer: &'a str,
    /// By name.
    pub(super) cells: &'a [Cell],
    /// Its number on its side, from 0.
    pub(super) number: u64,
    pub(super) spot: Spot,
}

impl<'a> Item<'a> {
    pub(super) fn value(&self, name: usize) -> &'a str {
        self.cells.get(name).map_or("", |cell| cell.text(self.buffer))
    }

    pub(super) fn id(&self) -> &'a str {
        self.value(known("item_id").index())
    }

    pub(super) fn found(self) -> Found<'a> {
        Found { id: self.id(), spot: self.spot, item: self }
    }
}

/// Sees items one after the other.
pub(super) type See<'a> = &'a mut dyn FnMut(Item<'_>) -> Result<(), RunError>;

/// One side.
pub(super) struct Side<'a> {
    pub(super) which: Which,
    plan: &'a Plan,
    /// How many values an item may have.
    width: usize,
    sources: Vec<Prepared>,
}

/// What a source is read with.
struct Prepared {
    /// What a first pass found.
    survey: Survey,
    /// By name behind the attributes: the column.
    columns: Vec<Option<u16>>,
    /// Columns that are called as an attribute is, and not mapped to it.
    by_name: Vec<(AttributeId, u16)>,
    normalizer: Normalizer,
}

impl<'a> Side<'a> {
    pub(super) fn new(which: Which, plan: &'a Plan, names: &Names, effort: &Effort<'_>) -> Result<Self, RunError> {
        let mut sources = Vec::new();
        for source in &plan.sources {
            let pace = Pace { progress: effort.progress, cancel: effort.cancel, threads: 1, memory: effort.memory };
            // A sale that is over was part of the feed all the same.
            let normalizer = Normalizer { today: jiff::civil::Date::MIN, ..source.normalizer.clone() };
            let (survey, columns) = (survey(source, &pace)?, names.columns_of(source));
            sources.push(Prepared { survey, columns, by_name: Names::by_name(source), normalizer });
        }
        Ok(Self { which, plan, width: names.count(), sources })
    }

    /// Reads the side to its end; `tell` hears what is odd about it, once.
    pub(super) fn pass(&mut self, effort: &Effort<'_>, mut tell: Option<&mut dyn Tell>, see: See<'_>) -> Result<Counts, RunError> {
        let mut counts = Counts { filled: vec![0; self.width], ..Counts::default() };
        for (index, (source, prepared)) in self.plan.sources.iter().zip(&self.sources).enumerate() {
            let opened = (source.reopen)()?;
            effort.progress.begin(if tell.is_some() { "comparing" } else { "telling" }, source.facts.length());
            let parser = pipeline::parser(source);
            let mut blocks = opened.blocks(0, source.mapping.align(&source.header, &source.facts.format, &prepared.survey));
            let spares = blocks.spares();
            let mut assembler = Assembler::new(&source.mapping, &prepared.survey);
            let mut taker = Taker {
                which: self.which,
                source,
                index: index as u16,
                prepared,
                tell: tell.as_mut().map(|tell| &mut **tell as &mut dyn Tell),
                see,
                numbers: Vec::new(),
                rest: Vec::new(),
                cells: Vec::new(),
                late: HashSet::new(),
                memo: Memo::default(),
                notes: Vec::new(),
                items: counts.items,
                filled: &mut counts.filled,
                skipped: vec![0; source.mapping.reasons.len()],
                result: Ok(()),
            };
            let (mut records, mut last_bad) = (0, None);
            while let Some(block) = blocks.next_block()?.filter(|_| !effort.cancel.is_cancelled()) {
                let mut batch = parser.parse(block);
                records += (batch.heads.len() + batch.bad.len()) as u64;
                counts.unreadable += batch.bad.len() as u64;
                last_bad = batch.bad.last().map(|bad| bad.head);
                effort.progress.advance(batch.position, batch.heads.len() as u64);
                taker.begin(&batch);
                assembler.run(&mut batch, &mut taker);
                std::mem::replace(&mut taker.result, Ok(()))?;
                spares.give(&mut batch);
            }
            effort.progress.end();
            counts.items = taker.items;
            for (count, reason) in taker.skipped.iter().zip(&source.mapping.reasons).filter(|(count, _)| **count > 0) {
                *counts.skipped.entry(reason.clone()).or_default() += count;
            }
            if effort.cancel.is_cancelled() {
                break;
            }
            if let Some(bad) = last_bad.filter(|bad| blocks.open_end && bad.number == records) {
                let message = format!("record {records} is the last and broken, and no line end follows: the file is cut");
                return Err(ReadError::Incomplete { file: source.facts.file.to_string(), line: bad.line, message }.into());
            }
            let (blake3, bytes) = blocks.digest();
            source.facts.is_unchanged(bytes)?;
            counts.inputs.push(source.summary(records, bytes, blake3));
        }
        Ok(counts)
    }
}

/// How many keys are told apart, so that each is told of once.
const MOST_LATE: usize = 1 << 20;

/// Takes items from the assembler and brings their values into one form.
struct Taker<'t, 's, 'p> {
    which: Which,
    source: &'p SourcePlan,
    index: u16,
    prepared: &'p Prepared,
    tell: Option<&'t mut dyn Tell>,
    see: &'t mut (dyn FnMut(Item<'_>) -> Result<(), RunError> + 's),
    /// Of the batch: the records' numbers, and of each the cells that are no matter of the mapping.
    numbers: Vec<u64>,
    rest: Vec<Cell>,
    cells: Vec<Cell>,
    /// Keys that were told of, by their hashes.
    late: HashSet<u64>,
    memo: Memo,
    notes: Vec<Note>,
    items: u64,
    filled: &'t mut [u64],
    skipped: Vec<u64>,
    result: Result<(), RunError>,
}

impl Taker<'_, '_, '_> {
    /// A batch as it was read, before rows are widened.
    fn begin(&mut self, batch: &Batch) {
        self.memo.clear();
        self.numbers.clear();
        self.rest.clear();
        let Prepared { columns, by_name, .. } = self.prepared;
        if columns.len() + by_name.len() > 0 {
            for (row, head) in batch.heads.iter().enumerate() {
                let cells = batch.row(row);
                self.numbers.push(head.number);
                let cell = |column: Option<u16>| column.and_then(|column| cells.get(usize::from(column))).copied().unwrap_or_default();
                let by_name = by_name.iter().map(|(_, column)| Some(*column));
                self.rest.extend(columns.iter().copied().chain(by_name).map(cell));
            }
        }
        let Some(tell) = &mut self.tell else { return };
        for bad in &batch.bad {
            let spot = Spot { source: self.index, record: bad.head.number, line: bad.head.line };
            tell.notice(self.which, spot, &Notice::Unreadable { message: bad.message.clone() });
        }
        // A list in JSON Lines may have keys that the first lines did not have.
        if !matches!(self.source.facts.format, Format::Delimited { .. }) {
            for (key, head) in &batch.late.keys {
                if self.late.len() < MOST_LATE && !self.late.insert(xxh3_64(key.as_bytes())) {
                    continue;
                }
                let spot = Spot { source: self.index, record: head.number, line: head.line };
                tell.notice(self.which, spot, &Notice::LateKey { key: key.clone() });
            }
        }
    }
}

impl Receive for Taker<'_, '_, '_> {
    fn item(&mut self, buffer: &mut String, draft: &mut Draft) {
        if self.result.is_err() {
            return;
        }
        self.notes.clear();
        let Prepared { columns, by_name, normalizer, .. } = self.prepared;
        let row = self.numbers.binary_search(&draft.head.number).ok();
        let width = columns.len() + by_name.len();
        let rest = row.and_then(|row| self.rest.get(row * width..(row + 1) * width)).unwrap_or_default();
        let (rest, named) = rest.split_at_checked(columns.len()).unwrap_or_default();
        for ((attribute, column), cell) in by_name.iter().zip(named) {
            if !draft.get(*attribute).is_present() {
                draft.set(*attribute, Slot { cell: *cell, column: *column });
            }
        }
        let checkout = draft.get(*CHECKOUT);
        let before = SALE.map(|attribute| draft.get(attribute));
        normalizer.run(buffer, draft, &mut self.memo, &mut self.notes);
        keep_sale(normalizer, buffer, draft, before);
        // That what cannot be bought has no checkout follows from its availability, which is told.
        if !checkout.is_present() {
            draft.set(*CHECKOUT, Slot::EMPTY);
        }
        if let Some(reason) = apply_rules(self.source, buffer, draft, &mut self.memo, &mut self.notes) {
            return self.skipped(draft.head, reason);
        }
        self.cells.clear();
        self.cells.extend(draft.slots.iter().map(|slot| slot.cell));
        self.cells.extend(rest);
        self.cells.resize(draft.slots.len() + columns.len(), Cell::ABSENT);
        let spot = Spot { source: self.index, record: draft.head.number, line: draft.head.line };
        let item = Item { buffer, cells: &self.cells, number: self.items, spot };
        self.items += 1;
        for (filled, cell) in self.filled.iter_mut().zip(item.cells) {
            *filled += u64::from(cell.is_present());
        }
        if let Some(tell) = self.tell.as_mut().filter(|_| item.id().is_empty()) {
            tell.notice(self.which, spot, &Notice::NoId);
        }
        self.result = (self.see)(item);
    }

    fn skipped(&mut self, _: RecordHead, reason: u16) {
        if let Some(count) = self.skipped.get_mut(usize::from(reason)) {
            *count += 1;
        }
    }

    fn more(&mut self, _: u64) {}
}

static CHECKOUT: LazyLock<AttributeId> = LazyLock::new(|| known("is_eligible_checkout"));
static SALE: LazyLock<[AttributeId; 3]> = LazyLock::new(|| ["sale_price", "sale_price_start_date", "sale_price_end_date"].map(known));

/// A build leaves a sale out that it cannot read; that it is there, and what it says, is still
/// a difference.
fn keep_sale(with: &Normalizer, buffer: &str, draft: &mut Draft, before: [Slot; 3]) {
    let is_lost = before[0].is_present() && SALE.iter().all(|attribute| !draft.get(*attribute).is_present());
    if !is_lost {
        return;
    }
    let is_none = match Money::parse_loose(before[0].text(buffer), with.currency, with.decimal) {
        // A struck-through price that is not above the one that is paid is no sale, and zero is none.
        Ok(sale) => with.price_is_current || !sale.is_positive(),
        Err(_) => false,
    };
    if !is_none {
        for (attribute, slot) in SALE.iter().zip(before) {
            draft.set(*attribute, slot);
        }
    }
}
