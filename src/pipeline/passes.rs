//! Passes over a source before it is milled: what is joined is read, and what the rows of a
//! platform need of others is looked for.

use super::{Cancel, RunError, SourcePlan};
use crate::catalog::open::{Parser, Source};
use crate::catalog::{Batch, ReadError};
use crate::mapping::join::JoinTable;
use crate::mapping::scattered::Collector;
use crate::mapping::survey::Survey;
use crate::mapping::surveyor::Surveyor;
use crate::progress::Progress;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;

/// Batches that are read ahead of the one that is looked at.
const AHEAD: usize = 2;

/// How passes over a source are made.
pub(crate) struct Pace<'a> {
    /// Who watches.
    pub(crate) progress: &'a dyn Progress,
    /// Who may stop them.
    pub(crate) cancel: &'a Cancel,
    /// How many threads may work.
    pub(crate) threads: usize,
    /// Most bytes that may be kept of rows.
    pub(crate) memory: usize,
}

/// Reads what is joined, and makes the first pass where the rows of a platform need one.
pub(crate) fn survey(source: &SourcePlan, pace: &Pace<'_>) -> Result<Survey, RunError> {
    let mapping = &source.mapping;
    let mut tables = Vec::new();
    for (place, plan) in mapping.joins.iter().enumerate() {
        let mut table = JoinTable::default();
        let opened = match source.sides.get(place).and_then(Option::as_ref) {
            Some(open) => open()?,
            None => (source.reopen)()?,
        };
        let file = opened.facts.file.to_string();
        pass(opened, "joining", pace, &mut |batch| {
            table.observe(plan, batch).map_err(|message| ReadError::NotACatalog { file: file.clone(), message })
        })?;
        table.finish();
        tables.push(table);
    }
    if !mapping.needs_survey() {
        let survey = Survey::with_tables(tables);
        set_aside(source, &survey)?;
        return Ok(survey);
    }
    let aside = |error| not_kept(source, error);
    let mut surveyor = Surveyor::new(tables, pace.memory);
    pass((source.reopen)()?, "looking for parents and ids", pace, &mut |batch| {
        surveyor.observe(mapping, batch);
        Ok(())
    })?;
    let mut survey = surveyor.finish().map_err(aside)?;
    if let Some(message) = survey.missing_view(mapping).filter(|_| !pace.cancel.is_cancelled()) {
        return Err(ReadError::NotACatalog { file: source.facts.file.to_string(), message }.into());
    }
    if survey.is_scattered() {
        let mut collector = Collector::new(pace.memory);
        pass((source.reopen)()?, "collecting scattered products", pace, &mut |batch| {
            collector.observe(mapping, &survey, batch).map_err(aside)
        })?;
        let scattered = collector.finish(mapping, &survey).map_err(aside)?;
        survey.take(scattered);
    }
    set_aside(source, &survey)?;
    Ok(survey)
}

/// One pass over a source, or as far as it is not cancelled; where several threads may work, one
/// of them reads.
fn pass(opened: Source, stage: &str, pace: &Pace<'_>, see: &mut dyn FnMut(&mut Batch) -> Result<(), ReadError>) -> Result<(), RunError> {
    pace.progress.begin(stage, opened.facts.length());
    let parser = Parser::of(&opened.facts.format, &Arc::new(opened.header.clone()));
    let mut blocks = opened.undigested().blocks(0, None);
    let spares = blocks.spares();
    let mut see = |mut batch: Batch| {
        pace.progress.advance(batch.position, batch.heads.len() as u64);
        see(&mut batch)?;
        spares.give(&mut batch);
        Ok::<_, ReadError>(())
    };
    let cancel = pace.cancel;
    if pace.threads > 1 {
        std::thread::scope(|scope| {
            let (to_see, from_reader) = sync_channel(AHEAD);
            let reader = scope.spawn(move || -> Result<(), ReadError> {
                while let Some(block) = blocks.next_block()?.filter(|_| !cancel.is_cancelled()) {
                    if to_see.send(parser.parse(block)).is_err() {
                        break;
                    }
                }
                Ok(())
            });
            // The receiving end goes with the loop, so that the reader never waits for nobody.
            let seen = from_reader.into_iter().try_for_each(&mut see);
            let read = reader.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            seen.and(read)
        })?;
    } else {
        while let Some(block) = blocks.next_block()?.filter(|_| !cancel.is_cancelled()) {
            see(parser.parse(block))?;
        }
    }
    pace.progress.end();
    Ok(())
}

/// Rows that were set aside must be there when they are needed.
pub(super) fn set_aside(source: &SourcePlan, survey: &Survey) -> Result<(), RunError> {
    survey.failure().map_or(Ok(()), |error| Err(not_kept(source, error).into()))
}

fn not_kept(source: &SourcePlan, error: io::Error) -> ReadError {
    ReadError::Io { file: format!("{} (rows set aside in a temporary file)", source.facts.file), source: error }
}
