//! The run: blocks read, judged and rendered by several threads in turn, put in order and
//! written on the first. No formats and no targets are known here.

mod accounts;
mod amend;
mod aside;
mod conversion;
mod direct;
mod done;
mod late;
mod look;
mod nested;
mod noted;
mod ordered;
mod passes;
mod prints;
mod project_rules;
mod said;
mod target;
mod whole;
mod witness;
mod worker;

pub use accounts::{AccountFeed, MISSING, NO_ACCOUNT};
pub(crate) use amend::{Amender, Changes};
pub use conversion::Conversion;
pub use direct::{ColumnFate, Direct};
pub use nested::{NestedFeed, is_feed_of};
pub use ordered::{Written, WrittenFeed};
pub(crate) use passes::{Pace, survey};
pub use prints::Prints;
pub(crate) use prints::{PRICES, STOCK};
pub(crate) use project_rules::apply_rules;
pub(crate) use witness::{Judged, Witness, witnessed};

use crate::account::Account;
use crate::cancel::Cancel;
use crate::catalog::block::{Align, Blocks};
use crate::catalog::open::{Parser, Source};
use crate::catalog::{Header, ReadError, SourceFacts};
use crate::finding::Finding;
use crate::finding::sink::Sink;
use crate::mapping::Mapping;
use crate::mapping::rows::Assembler;
use crate::mapping::survey::Survey;
use crate::normalize::Normalizer;
use crate::progress::Progress;
use crate::project::Projection;
use crate::render::file::WriteError;
use crate::render::nested::{Nested, Part};
use crate::render::products::{BodyLimits, PlannedOutput};
use crate::render::{FeedFormat, RowWriter};
use crate::rules::RuleTable;
use crate::sample::{Looks, View};
use crate::spec::{FieldId, Spec};
use crate::summary::{Counts, InputSummary};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

/// A run cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// A source cannot be read to its end.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// Output cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// What must be kept of rows until the end cannot be put aside.
    #[error("{}: what is kept of rows until the end cannot be put aside there: {source}", folder.display())]
    Aside {
        /// The folder for temporary files.
        folder: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

impl RunError {
    /// What must be kept of rows until the end cannot be put aside.
    pub(crate) fn aside(source: std::io::Error) -> Self {
        Self::Aside { folder: std::env::temp_dir(), source }
    }
}

/// Opens a source, as often as it must be read.
pub type Open = Box<dyn Fn() -> Result<Source, ReadError> + Send + Sync>;

/// One source with everything resolved against its header.
pub struct SourcePlan {
    /// What is known of it.
    pub facts: SourceFacts,
    /// Its columns.
    pub header: Arc<Header>,
    /// How many columns were seen; later ones are keys that may still come.
    pub seen: usize,
    /// The preset's name.
    pub preset: String,
    /// How rows become items.
    pub mapping: Mapping,
    /// How values are read.
    pub normalizer: Normalizer,
    /// By target: how the source's columns are the target's fields, where it is a finished
    /// feed of that target and is judged as it is.
    pub direct: Vec<Option<Direct>>,
    /// By target, where a finished feed is converted: what is kept account of. Else empty.
    pub conversions: Vec<Conversion>,
    /// Where a finished feed is repaired in its own file: how.
    pub(crate) amender: Option<Amender>,
    /// What opens each joined table; `None` where its rows are other records of this source.
    pub sides: Vec<Option<Open>>,
    /// Opens the source again, for a second pass.
    pub reopen: Open,
}

impl SourcePlan {
    /// The number of a column from 1, or 0 where there is none, and its name. A column that is
    /// made of others stands where the one it begins in does.
    pub(crate) fn column(&self, column: u16) -> (u32, Option<Arc<str>>) {
        if let Some(name) = self.header.names().get(usize::from(column)) {
            return (u32::from(column) + 1, Some(Arc::clone(name)));
        }
        match self.mapping.origin(column) {
            Some((base, name)) => (base.map_or(0, |base| u32::from(base) + 1), Some(name)),
            None => (0, None),
        }
    }

    /// What was read of it.
    pub(crate) fn summary(&self, records: u64, bytes: u64, blake3: String) -> InputSummary {
        let SourceFacts { file, format, compression, encoding, .. } = &self.facts;
        let format = format.word();
        InputSummary {
            file: file.to_string(),
            format: compression.map_or_else(|| format.to_owned(), |packing| format!("{format}+{packing}")),
            encoding: (*encoding).to_owned(),
            preset: self.preset.clone(),
            records,
            bytes,
            blake3,
        }
    }

    /// Whether a column is there for sure, and not only expected.
    pub(crate) fn is_seen(&self, column: u16) -> bool {
        usize::from(column) < self.seen
            || self.mapping.origin(column).is_some_and(|(base, _)| base.is_none_or(|base| usize::from(base) < self.seen))
    }
}

impl SourcePlan {
    /// Whether a column fills an attribute, or decides how rows make items.
    pub fn reads(&self, column: u16) -> bool {
        let is = |known: &u16| *known == column || self.mapping.origin(*known).is_some_and(|(base, _)| base == Some(column));
        self.mapping.steps.iter().any(|step| step.columns().iter().any(is)) || self.mapping.column_use(column).is_some()
    }

    /// The column that fills a field of the target at `place`, where one does.
    pub fn column_of(&self, target: &TargetPlan, place: usize, field: FieldId) -> Option<u16> {
        let column = match self.direct.get(place).and_then(Option::as_ref) {
            Some(direct) => direct.column(field),
            None => {
                let attribute = target.spec.get(field).attribute;
                let step = self.mapping.steps.iter().find(|step| step.attribute() == attribute);
                step.and_then(|step| step.columns().first().copied())
            }
        };
        column.filter(|column| self.is_seen(*column))
    }
}

/// One target with everything compiled.
pub struct TargetPlan {
    /// The name given on the command line or in the project file.
    pub name: Arc<str>,
    /// The spec.
    pub spec: Spec,
    /// The page its facts come from.
    pub source: Arc<str>,
    /// Its rules.
    pub rules: RuleTable,
    /// How items become rows.
    pub projection: Projection,
    /// The columns of its feed.
    pub columns: Vec<FieldId>,
    /// Formats to render, none for a check.
    pub formats: Vec<FeedFormat>,
    /// The files of a nested target, none for a flat one.
    pub outputs: Vec<PlannedOutput>,
    /// How large the bodies of a nested target may become.
    pub limits: BodyLimits,
    /// Where its files go.
    pub folder: PathBuf,
    /// How items are digested for the index of a feed that is to be delivered.
    pub prints: Option<Prints>,
    /// Whether each item names the account whose feed it is in.
    pub by_account: bool,
    /// What of its rows is looked at, where somebody wants to see them.
    pub looks: Option<Looks>,
}

impl TargetPlan {
    /// One writer a format; of a nested target one for rows and one for groups, whatever files
    /// are made of them.
    fn writers(&self) -> Vec<Box<dyn RowWriter>> {
        if self.spec.shape.is_some() && !self.formats.is_empty() {
            let parts = [Part::Row, Part::Group].into_iter().filter_map(|part| Nested::new(&self.spec, part));
            return parts.map(|part| Box::new(part) as Box<dyn RowWriter>).collect();
        }
        self.formats.iter().map(|format| format.writer(&self.spec, &self.columns)).collect()
    }
}

/// Everything a run needs, checked before the first record is read.
pub struct Plan {
    /// The sources, read one after the other as one catalog.
    pub sources: Vec<SourcePlan>,
    /// The targets, all rendered in one pass.
    pub targets: Vec<TargetPlan>,
    /// What was found before the first record, each for one target or for all.
    pub notices: Vec<(Option<usize>, Finding)>,
    /// Threads that judge and render.
    pub threads: usize,
    /// Most bytes that may be kept of rows until the end; beyond it they go to disk.
    pub memory: usize,
    /// Whether a source that may be cut stops the run.
    pub strict_end: bool,
}

/// What a run came to.
#[derive(Debug)]
pub struct Report {
    /// By source.
    pub inputs: Vec<InputSummary>,
    /// By target.
    pub counts: Vec<Counts>,
    /// By target: what was written.
    pub written: Vec<WrittenFeed>,
    /// By target, where finished feeds were converted: what became of their columns, all
    /// sources together.
    pub accounts: Vec<Account>,
    /// What changes in the feed's own file, where it is repaired.
    pub(crate) changes: Option<Changes>,
    /// By rule of the project file: its condition, and how many items it applied to.
    pub rules: Vec<(String, u64)>,
    /// By target: what was looked at, where anything was.
    pub views: Vec<Option<View>>,
}

/// The rules of the project file with how many items each applied to, over all sources.
fn rules(plan: &Plan) -> Vec<(String, u64)> {
    let mut all: Vec<(String, u64)> = Vec::new();
    for source in &plan.sources {
        for (place, (rule, met)) in source.mapping.rule_counts().into_iter().enumerate() {
            match all.get_mut(place) {
                Some((_, total)) => *total += met,
                None => all.push((rule, met)),
            }
        }
    }
    all
}

/// Batches on their way; few, so that memory stays flat and a slow writer slows the others, and
/// enough for a writer that stops for a moment not to stop them.
const QUEUE: usize = 8;

/// How many bytes one thread reads.
const SMALL: u64 = 64 << 10;

/// Reads every source, judges every row for every target, and writes what is accepted.
///
/// # Errors
/// When a source cannot be read to its end or output cannot be written. Nothing stands under
/// its final name then.
pub fn run(plan: &Plan, sink: &mut Sink<'_>, progress: &dyn Progress, cancel: &Cancel) -> Result<Report, RunError> {
    let mut ordered = ordered::Ordered::new(plan)?;
    ordered.notices(sink);
    let mut inputs = Vec::new();
    for index in 0..plan.sources.len() {
        let mut run = Run { plan, ordered: &mut ordered, sink, progress, cancel };
        inputs.push(run.source(index)?);
        if cancel.is_cancelled() {
            break;
        }
    }
    if !cancel.is_cancelled() {
        ordered.rules(sink);
    }
    let accounts = ordered.accounts();
    let changes = ordered.changes.take();
    let ordered::End { counts, written, views } = ordered.finish(sink)?;
    Ok(Report { inputs, counts, written, accounts, changes, rules: rules(plan), views })
}

/// What turns blocks of a source into batches.
pub(crate) fn parser(source: &SourcePlan) -> Parser {
    Parser::of(&source.facts.format, &source.header)
}

/// What a source came to when it was read.
struct Reading {
    blake3: String,
    bytes: u64,
    /// Whether the last record had no line end.
    open_end: bool,
    /// What else could be records, and was not read.
    left: Vec<String>,
}

impl Reading {
    fn of(blocks: Blocks) -> Self {
        let (open_end, left) = (blocks.open_end, blocks.left());
        let (blake3, bytes) = blocks.digest();
        Self { blake3, bytes, open_end, left }
    }
}

/// One run over the sources: what every stage is lent.
struct Run<'a, 'p, 's> {
    plan: &'p Plan,
    ordered: &'a mut ordered::Ordered<'p>,
    sink: &'a mut Sink<'s>,
    progress: &'a dyn Progress,
    cancel: &'a Cancel,
}

impl Run<'_, '_, '_> {
    /// Reads one source to its end and judges how it ended.
    fn source(&mut self, index: usize) -> Result<InputSummary, RunError> {
        let source = &self.plan.sources[index];
        // Threads take longer to begin than a small source takes to be read.
        let is_small = source.facts.length().is_some_and(|length| length <= SMALL);
        let threads = if is_small { 1 } else { self.plan.threads };
        let pace = Pace { progress: self.progress, cancel: self.cancel, threads, memory: self.plan.memory };
        let survey = survey(source, &pace)?;
        let opened = (source.reopen)()?;
        self.progress.begin("milling", source.facts.length());
        let align: Option<Align> = source.mapping.align(&source.header, &source.facts.format, &survey);
        let blocks = opened.blocks(index as u16, align);
        let reading = if threads > 1 { self.threads(index, blocks, &survey) } else { self.alone(index, blocks, &survey) };
        self.progress.end();
        let Reading { blake3, bytes, open_end, left } = reading?;
        passes::set_aside(source, &survey)?;
        for (plan, table) in source.mapping.joins.iter().zip(&survey.tables) {
            self.ordered.joined(index, plan, &table.counts(), self.sink);
        }
        if !self.cancel.is_cancelled() {
            source.facts.is_unchanged(bytes)?;
            self.ordered.left(index, &left, self.sink);
            self.ordered.source_ends(index, source, open_end, self.plan.strict_end, self.sink)?;
            if self.ordered.records_of(index) == 0 {
                let message = "there are columns but no records; an empty catalog is taken for a failed export".to_owned();
                return Err(ReadError::NotACatalog { file: source.facts.file.to_string(), message }.into());
            }
        }
        Ok(source.summary(self.ordered.records_of(index), bytes, blake3))
    }

    /// One thread does it all.
    fn alone(&mut self, index: usize, mut blocks: Blocks, survey: &Survey) -> Result<Reading, RunError> {
        let source = &self.plan.sources[index];
        let (parser, spares) = (parser(source), blocks.spares());
        let mut assembler = Assembler::new(&source.mapping, survey);
        let rooms = done::Rooms::default();
        let mut worker = worker::Worker::new(self.plan, index, &rooms);
        while let Some(block) = blocks.next_block()?.filter(|_| !self.cancel.is_cancelled()) {
            let mut batch = parser.parse(block);
            let mut done = worker.run(&mut assembler, &mut batch);
            spares.give(&mut batch);
            self.progress.advance(done.position, done.records());
            self.ordered.take(index, &mut done, self.sink)?;
            rooms.give(done.targets);
        }
        Ok(Reading::of(blocks))
    }

    /// Several threads take blocks in turn and work them off, and this one takes what they made in
    /// the order of the catalog. Each reads its blocks itself, so that they stay in the caches of
    /// its processor; there is one more of them than may work, because one mostly reads.
    fn threads(&mut self, index: usize, blocks: Blocks, survey: &Survey) -> Result<Reading, RunError> {
        let (plan, cancel) = (self.plan, self.cancel);
        let parser = &parser(&plan.sources[index]);
        let spares = &blocks.spares();
        let (stop, rooms) = (&AtomicBool::new(false), &done::Rooms::default());
        let blocks = Mutex::new(blocks);
        let next_block = || match blocks.lock() {
            Ok(mut blocks) if !stop.load(Ordering::Relaxed) && !cancel.is_cancelled() => {
                blocks.next_block().inspect_err(|_| stop.store(true, Ordering::Relaxed))
            }
            _ => Ok(None),
        };
        let work = |to_writer: SyncSender<done::Done>| {
            let mut assembler = Assembler::new(&plan.sources[index].mapping, survey);
            let mut worker = worker::Worker::new(plan, index, rooms);
            while let Some(block) = next_block()? {
                let mut batch = parser.parse(block);
                let done = worker.run(&mut assembler, &mut batch);
                spares.give(&mut batch);
                if to_writer.send(done).is_err() {
                    break;
                }
            }
            Ok::<(), ReadError>(())
        };
        let (read, written) = std::thread::scope(|scope| {
            let (to_writer, from_workers) = sync_channel(QUEUE);
            let work = &work;
            let workers: Vec<_> = (0..=plan.threads).map(|_| to_writer.clone()).map(|to| scope.spawn(move || work(to))).collect();
            // Only the threads hold this end now, so the loop below ends when they do.
            drop(to_writer);
            let written = self.take_in_order(index, from_workers, stop, rooms);
            let mut read = Ok(());
            for worker in workers {
                read = read.and(worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
            }
            (read, written)
        });
        written?;
        read?;
        Ok(Reading::of(blocks.into_inner().unwrap_or_else(PoisonError::into_inner)))
    }

    /// Takes batches as they are done and passes them on as they stood.
    fn take_in_order(
        &mut self,
        index: usize,
        from_workers: Receiver<done::Done>,
        stop: &AtomicBool,
        rooms: &done::Rooms,
    ) -> Result<(), RunError> {
        let mut waiting = BTreeMap::new();
        let mut next = 0;
        let mut written = Ok(());
        for done in from_workers {
            waiting.insert(done.index, done);
            while let Some(mut done) = waiting.remove(&next) {
                next += 1;
                self.progress.advance(done.position, done.records());
                if written.is_ok() {
                    written = self.ordered.take(index, &mut done, self.sink);
                    rooms.give(done.targets);
                    // The queues are still emptied, or the threads would wait for ever.
                    stop.fetch_or(written.is_err(), Ordering::Relaxed);
                }
            }
        }
        written
    }
}
