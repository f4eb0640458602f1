//! The run: blocks read on one thread, judged and rendered on others, put in order and
//! written on the first. No formats and no targets are known here.

mod direct;
mod ordered;
mod worker;

pub use direct::{ColumnFate, Direct};
pub use ordered::Written;

use crate::catalog::block::Align;
use crate::catalog::open::{Parser, Source};
use crate::catalog::{Header, ReadError, SourceFacts};
use crate::finding::Finding;
use crate::finding::sink::Sink;
use crate::mapping::Mapping;
use crate::mapping::survey::Survey;
use crate::normalize::Normalizer;
use crate::progress::Progress;
use crate::project::Projection;
use crate::render::file::WriteError;
use crate::render::{FeedFormat, RowWriter};
use crate::rules::RuleTable;
use crate::spec::{FieldId, Spec};
use crate::summary::{Counts, InputSummary};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::sync_channel;

/// A run cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// A source cannot be read to its end.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// Output cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
}

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
    /// Opens the source again, for a second pass.
    pub reopen: Box<dyn Fn() -> Result<Source, ReadError> + Send + Sync>,
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
    /// Where its files go.
    pub folder: PathBuf,
}

impl TargetPlan {
    fn writers(&self) -> Vec<Box<dyn RowWriter>> {
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
    pub written: Vec<Vec<Written>>,
}

/// Set to stop a run at the next batch, from a signal for example.
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// Asks the run to stop.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether it was asked to.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Batches on their way; small, so that memory stays flat and a slow writer slows the reader.
const QUEUE: usize = 4;

/// Reads every source, judges every row for every target, and writes what is accepted.
///
/// # Errors
/// When a source cannot be read to its end or output cannot be written. Nothing stands under
/// its final name then.
pub fn run(plan: &Plan, sink: &mut Sink<'_>, progress: &dyn Progress, cancel: &Cancel) -> Result<Report, RunError> {
    let mut ordered = ordered::Ordered::new(plan)?;
    ordered.notices(sink);
    let mut inputs = Vec::new();
    for (index, source) in plan.sources.iter().enumerate() {
        let survey = survey(source, progress)?;
        let summary = read(plan, index, source, &survey, &mut ordered, sink, progress, cancel)?;
        inputs.push(summary);
    }
    let (counts, written) = ordered.finish(sink)?;
    Ok(Report { inputs, counts, written })
}

/// The first pass, where the rows of a platform need one.
fn survey(source: &SourcePlan, progress: &dyn Progress) -> Result<Survey, RunError> {
    let mut survey = Survey::default();
    if !source.mapping.needs_survey() {
        return Ok(survey);
    }
    let pass = |stage: &str, see: &mut dyn FnMut(&crate::catalog::Batch)| -> Result<(), RunError> {
        let opened = (source.reopen)()?;
        progress.begin(stage, source.facts.size);
        let parser = parser(source);
        let mut blocks = opened.blocks(0, None);
        while let Some(block) = blocks.next_block()? {
            let batch = parser.parse(block);
            progress.advance(batch.position, batch.heads.len() as u64);
            see(&batch);
        }
        progress.end();
        Ok(())
    };
    pass("looking for parents and ids", &mut |batch| survey.observe(&source.mapping, batch))?;
    if survey.is_scattered() {
        pass("collecting scattered products", &mut |batch| survey.collect(&source.mapping, batch))?;
    }
    survey.finish();
    Ok(survey)
}

fn parser(source: &SourcePlan) -> Parser {
    Parser::of(source.facts.format, &source.header)
}

#[expect(clippy::too_many_arguments, reason = "one call site; the parts of a run are borrowed apart")]
fn read(
    plan: &Plan,
    index: usize,
    source: &SourcePlan,
    survey: &Survey,
    ordered: &mut ordered::Ordered<'_>,
    sink: &mut Sink<'_>,
    progress: &dyn Progress,
    cancel: &Cancel,
) -> Result<InputSummary, RunError> {
    let opened = (source.reopen)()?;
    progress.begin("milling", source.facts.size);
    let align: Option<Align> = source.mapping.align(&source.header, source.facts.format);
    let mut blocks = opened.blocks(index as u16, align);
    let parser = parser(source);
    let stop = AtomicBool::new(false);
    let outcome = std::thread::scope(|scope| -> Result<(String, u64, bool), RunError> {
        let (to_workers, from_reader) = sync_channel(QUEUE);
        let (to_writer, from_workers) = sync_channel(QUEUE);
        let from_reader = Arc::new(std::sync::Mutex::new(from_reader));
        let stop = &stop;
        let reader = scope.spawn(move || -> Result<(String, u64, bool), ReadError> {
            while let Some(block) = blocks.next_block()? {
                if stop.load(Ordering::Relaxed) || cancel.is_cancelled() || to_workers.send(block).is_err() {
                    break;
                }
            }
            let open_end = blocks.open_end;
            let (hash, bytes) = blocks.digest();
            Ok((hash, bytes, open_end))
        });
        for _ in 0..plan.threads.max(1) {
            let (from_reader, to_writer, parser) = (Arc::clone(&from_reader), to_writer.clone(), parser.clone());
            scope.spawn(move || {
                let mut worker = worker::Worker::new(plan, index, survey);
                loop {
                    let block = from_reader.lock().map(|queue| queue.recv());
                    let Ok(Ok(block)) = block else { break };
                    if to_writer.send(worker.run(parser.parse(block))).is_err() {
                        break;
                    }
                }
            });
        }
        drop(to_writer);
        drop(from_reader);
        let mut waiting = BTreeMap::new();
        let mut next = 0;
        let mut written = Ok(());
        for done in from_workers {
            waiting.insert(done.index, done);
            while let Some(done) = waiting.remove(&next) {
                next += 1;
                progress.advance(done.position, done.records());
                if written.is_ok() {
                    written = ordered.take(index, done, sink);
                    if written.is_err() {
                        stop.store(true, Ordering::Relaxed);
                    }
                }
            }
        }
        let read = reader
            .join()
            .map_err(|panic| std::panic::resume_unwind(panic))
            .unwrap_or_else(|never: std::convert::Infallible| match never {});
        written?;
        Ok(read?)
    });
    progress.end();
    let (blake3, bytes, open_end) = outcome?;
    ordered.source_ends(index, source, open_end, plan.strict_end, sink)?;
    if ordered.records_of(index) == 0 && !cancel.is_cancelled() {
        let message = "there are columns but no records; an empty catalog is taken for a failed export".to_owned();
        return Err(ReadError::NotACatalog { file: source.facts.file.to_string(), message }.into());
    }
    Ok(InputSummary {
        file: source.facts.file.to_string(),
        format: source
            .facts
            .compression
            .map_or_else(|| source.facts.format.word().to_owned(), |packing| format!("{}+{packing}", source.facts.format.word())),
        encoding: source.facts.encoding.to_owned(),
        preset: source.preset.clone(),
        records: ordered.records_of(index),
        bytes,
        blake3,
    })
}
