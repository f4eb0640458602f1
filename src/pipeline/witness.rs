//! A witness of what becomes of items: the same code runs with one and without, and where nobody
//! looks nothing of it is left.

use super::{Cancel, Plan, RunError, done, ordered, parser, worker};
use crate::catalog::RecordHead;
use crate::cell::Slot;
use crate::finding::sink::Sink;
use crate::mapping::apply::Draft;
use crate::mapping::rows::{Assembler, MadeOf};
use crate::normalize::Note;
use crate::pipeline::{Pace, survey};
use crate::progress::Progress;
use crate::spec::FieldId;

/// Sees each item at every stage. What it is shown is valid for the moment only.
pub(crate) trait Witness {
    /// Another source begins.
    fn source(&mut self, _source: usize) {}
    /// The rows that the next item is made of.
    fn rows(&mut self, _buffer: &str, _made: &MadeOf<'_>) {}
    /// An item as the mapping made it; answers whether all of its notes are wanted.
    fn mapped(&mut self, _buffer: &str, _draft: &Draft) -> bool {
        false
    }
    /// The same item with its values in the form of feeds, after the rules of the project file, and all
    /// that was noted of it.
    fn ruled(&mut self, _buffer: &str, _draft: &Draft, _notes: &[Note]) {}
    /// A row of a target as it would be written, and whether it is.
    fn judged(&mut self, _row: &Judged<'_>, _accepted: bool) {}
}

/// A row of a target.
pub(crate) struct Judged<'a> {
    /// The target, by number.
    pub(crate) target: usize,
    /// Where the record stands that it is made of.
    pub(crate) head: RecordHead,
    /// What its slots point into.
    pub(crate) buffer: &'a str,
    /// One slot a field.
    pub(crate) row: &'a [Slot],
    /// Where a field stands inside the record of a finished nested feed.
    pub(crate) path: &'a dyn Fn(FieldId) -> Option<String>,
}

/// The fields of flat rows have columns.
pub(super) const NO_PATH: &dyn Fn(FieldId) -> Option<String> = &|_| None;

/// Sees nothing.
pub(super) struct Nobody;

impl Witness for Nobody {}

/// Runs a plan that writes nothing, one batch after the other, under the eyes of a witness. All
/// findings are said item by item.
///
/// # Errors
/// When a source cannot be read to its end.
pub(crate) fn witnessed<W: Witness>(
    plan: &Plan,
    witness: &mut W,
    sink: &mut Sink<'_>,
    progress: &dyn Progress,
    cancel: &Cancel,
) -> Result<(), RunError> {
    let mut ordered = ordered::Ordered::new(plan)?;
    for (index, source) in plan.sources.iter().enumerate() {
        witness.source(index);
        let survey = survey(source, &Pace { progress, cancel, threads: 1, memory: plan.memory })?;
        progress.begin("tracing", source.facts.length());
        let mut blocks = (source.reopen)()?.blocks(index as u16, source.mapping.align(&source.header, &source.facts.format, &survey));
        let (parser, spares) = (parser(source), blocks.spares());
        let mut assembler = Assembler::new(&source.mapping, &survey);
        let rooms = done::Rooms::default();
        let mut worker = worker::Worker::new(plan, index, &rooms);
        while let Some(block) = blocks.next_block()?.filter(|_| !cancel.is_cancelled()) {
            let mut batch = parser.parse(block);
            // What the first batch of a source shows is said row by row, and not by the column.
            batch.index = 0;
            let mut done = worker.watched(&mut assembler, &mut batch, witness);
            spares.give(&mut batch);
            progress.advance(done.position, done.records());
            ordered.take(index, &mut done, sink)?;
            rooms.give(done.targets);
        }
        progress.end();
        if cancel.is_cancelled() {
            return Ok(());
        }
        source.facts.is_unchanged(blocks.digest().1)?;
    }
    ordered.finish(sink)?;
    Ok(())
}
