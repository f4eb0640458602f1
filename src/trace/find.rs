//! Which item is meant: the one of an id, else the one that is known by a SKU, a row's own id, a
//! GTIN or the like; else the ids that are nearest.

use crate::cancel::Cancel;
use crate::catalog::{Batch, RecordHead};
use crate::cell::Cell;
use crate::mapping::apply::Draft;
use crate::mapping::columns::folded;
use crate::mapping::rows::{Assembler, MadeOf, Receive};
use crate::normalize::{Memo, Note};
use crate::pipeline::{Pace, Plan, RunError, SourcePlan, apply_rules, parser, survey};
use crate::product::attribute::{AttributeId, Attributes, Kind, known};
use crate::product::text;
use crate::product::text_distance::similarity;
use crate::progress::Progress;

/// An item that was found.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Its id, as it is published.
    pub id: String,
    /// The source it stands in, from 0.
    pub source: usize,
    /// Its record.
    pub record: u64,
    /// The line of that.
    pub line: u64,
    /// What it was found by, where that is not its id.
    pub by: Option<String>,
    /// Other records whose items have the same id.
    pub twins: Vec<(usize, u64, u64)>,
}

/// No single item is meant.
#[derive(Clone, Debug)]
pub enum Missed {
    /// Several are known by it: what it is of them, how many there are, and the ids of the first.
    Several(String, u64, Vec<String>),
    /// Its record is no item, or a rule of the project file drops it: where it stands, and why.
    Dropped(String),
    /// None is; the ids that are nearest, and how many items there are.
    None(Vec<String>, u64),
}

/// How many ids are named.
const NAMED: usize = 5;

/// How alike an id must be to be the one that was meant.
const NEAR: f64 = 0.8;

/// Finds the item that `asked` means.
///
/// # Errors
/// When a source cannot be read to its end.
pub fn find(plan: &Plan, asked: &str, progress: &dyn Progress, cancel: &Cancel) -> Result<Result<Wanted, Missed>, RunError> {
    let mut search =
        Search { asked: text::trim(asked), exact: None, known_by: Vec::new(), others: 0, dropped: None, near: Vec::new(), items: 0 };
    for (index, source) in plan.sources.iter().enumerate() {
        let survey = survey(source, &Pace { progress, cancel, threads: 1, memory: plan.memory })?;
        progress.begin("looking for the item", source.facts.length());
        let mut blocks = (source.reopen)()?.undigested().blocks(0, source.mapping.align(&source.header, &source.facts.format, &survey));
        let (parser, spares) = (parser(source), blocks.spares());
        let mut assembler = Assembler::new(&source.mapping, &survey);
        let mut taker = Taker::new(source, index, &mut search);
        while let Some(block) = blocks.next_block()?.filter(|_| !cancel.is_cancelled()) {
            let mut batch = parser.parse(block);
            progress.advance(batch.position, batch.heads.len() as u64);
            taker.begin(&batch);
            assembler.run(&mut batch, &mut taker);
            spares.give(&mut batch);
        }
        progress.end();
    }
    Ok(search.end())
}

/// What is known so far.
struct Search<'a> {
    asked: &'a str,
    exact: Option<Wanted>,
    /// Items that are known by it in another way.
    known_by: Vec<Wanted>,
    others: u64,
    dropped: Option<String>,
    /// The nearest ids, the nearest first.
    near: Vec<(f64, String)>,
    items: u64,
}

impl Search<'_> {
    fn end(self) -> Result<Wanted, Missed> {
        let Self { exact, mut known_by, others, dropped, near, items, .. } = self;
        if let Some(exact) = exact {
            return Ok(exact);
        }
        match (known_by.len(), dropped) {
            (1, _) => Ok(known_by.remove(0)),
            (0, Some(reason)) => Err(Missed::Dropped(reason)),
            (0, None) => Err(Missed::None(near.into_iter().map(|(_, id)| id).collect(), items)),
            _ => {
                let by = known_by[0].by.clone().unwrap_or_default();
                let count = known_by.len() as u64 + others;
                Err(Missed::Several(by, count, known_by.into_iter().map(|item| item.id).collect()))
            }
        }
    }

    /// Keeps the id if it is among the nearest.
    fn near(&mut self, id: &str) {
        let how = similarity(self.asked, id);
        if how <= NEAR || self.near.len() == NAMED && self.near.last().is_some_and(|(least, _)| how <= *least) {
            return;
        }
        let place = self.near.partition_point(|(known, _)| *known >= how);
        self.near.insert(place, (how, id.to_owned()));
        self.near.truncate(NAMED);
    }
}

/// Takes items and compares what they are known by.
struct Taker<'a, 's, 't> {
    source: &'a SourcePlan,
    index: usize,
    search: &'s mut Search<'t>,
    /// Columns that tell rows apart.
    columns: Vec<u16>,
    /// Attributes that tell items apart.
    attributes: Vec<AttributeId>,
    /// The column by which the row of the next item is known by what was asked for.
    by: Option<String>,
    /// The records of the batch that are known by it, whether they are items or not.
    hits: Vec<u64>,
    memo: Memo,
    notes: Vec<Note>,
}

/// Parts of names of columns that tell rows apart.
const TELLING: [&str; 9] = ["sku", "id", "code", "ean", "gtin", "upc", "barcode", "mpn", "handle"];

impl<'a, 's, 't> Taker<'a, 's, 't> {
    fn new(source: &'a SourcePlan, index: usize, search: &'s mut Search<'t>) -> Self {
        let attributes = Attributes::shared();
        let tells = |id: &AttributeId| matches!(attributes.kind(*id), Kind::Id | Kind::Code | Kind::Gtin);
        let mut columns: Vec<u16> = Vec::new();
        for step in source.mapping.steps.iter().filter(|step| tells(&step.attribute())) {
            columns.extend(step.columns());
        }
        for (name, column) in source.header.names().iter().zip(0u16..) {
            let name = folded(name);
            if TELLING.iter().any(|part| name.ends_with(part)) && !columns.contains(&column) {
                columns.push(column);
            }
        }
        let attributes = attributes.iter().map(|(id, _, _)| id).filter(tells).collect();
        Self { source, index, search, columns, attributes, by: None, hits: Vec::new(), memo: Memo::default(), notes: Vec::new() }
    }

    /// A batch as it was read.
    fn begin(&mut self, batch: &Batch) {
        self.memo.clear();
        self.hits.clear();
        for (row, head) in batch.heads.iter().enumerate() {
            let cells = batch.row(row);
            if self.columns.iter().any(|column| cells.get(usize::from(*column)).is_some_and(|cell| self.is_it(&batch.text, *cell))) {
                self.hits.push(head.number);
            }
        }
    }

    fn is_it(&self, buffer: &str, cell: Cell) -> bool {
        text::trim(cell.text(buffer)).trim_start_matches('\'') == self.search.asked
    }

    /// What was asked for is no item.
    fn dropped(&mut self, head: RecordHead, reason: u16) {
        let reason = self.source.mapping.reasons.get(usize::from(reason)).map_or("", String::as_str);
        let line = if head.line > 0 { format!(":{}", head.line) } else { String::new() };
        let place = format!("{}{line}, record {}", self.source.facts.file, head.number);
        self.search.dropped.get_or_insert_with(|| format!("{place}: {reason}"));
    }

    fn wanted(&self, id: &str, head: RecordHead, by: Option<String>) -> Wanted {
        Wanted { id: id.to_owned(), source: self.index, record: head.number, line: head.line, by, twins: Vec::new() }
    }
}

impl Receive for Taker<'_, '_, '_> {
    fn rows(&mut self, buffer: &str, made: &MadeOf<'_>) {
        let is_it = |column: &&u16| made.own.get(usize::from(**column)).is_some_and(|cell| self.is_it(buffer, *cell));
        let column = self.columns.iter().find(is_it);
        self.by = column.and_then(|column| self.source.column(*column).1).map(|name| format!("column `{name}`"));
    }

    fn item(&mut self, buffer: &mut String, draft: &mut Draft) {
        self.search.items += 1;
        self.notes.clear();
        self.source.normalizer.run(buffer, draft, &mut self.memo, &mut self.notes);
        let dropped = apply_rules(self.source, buffer, draft, &mut self.memo, &mut self.notes);
        let id = draft.get(known("item_id")).text(buffer);
        let is_exact = id == self.search.asked;
        let by = self.by.take().or_else(|| {
            let attribute = self.attributes.iter().find(|attribute| draft.get(**attribute).text(buffer) == self.search.asked)?;
            Some(format!("`{}`", Attributes::shared().name(*attribute)))
        });
        if let Some(reason) = dropped {
            if is_exact || by.is_some() {
                self.dropped(draft.head, reason);
            }
            return;
        }
        if is_exact {
            let wanted = self.wanted(id, draft.head, None);
            match &mut self.search.exact {
                None => self.search.exact = Some(wanted),
                Some(first) if first.twins.len() < NAMED => first.twins.push((wanted.source, wanted.record, wanted.line)),
                Some(_) => {}
            }
        } else if by.is_some() {
            if self.search.known_by.len() < NAMED {
                let wanted = self.wanted(id, draft.head, by);
                self.search.known_by.push(wanted);
            } else {
                self.search.others += 1;
            }
        } else if self.search.exact.is_none() {
            self.search.near(id);
        }
    }

    fn skipped(&mut self, head: RecordHead, reason: u16) {
        if self.hits.binary_search(&head.number).is_ok() {
            self.dropped(head, reason);
        }
    }

    fn more(&mut self, _: u64) {}
}
