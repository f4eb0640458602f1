//! The ordered side: batches in the order of the catalog, the rules over the whole feed, and
//! the files. Only hashes and small numbers are kept of rows.

use super::accounts::AccountFeed;
use super::amend::Changes;
use super::conversion::Tally;
use super::done::Done;
use super::late::Late;
use super::target::TargetState;
use super::whole::Runs;
use super::{Plan, RunError, SourcePlan};
use crate::account::Account;
use crate::catalog::{Format, ReadError, RecordHead};
use crate::finding::sink::Sink;
use crate::finding::{Finding, Place, Severity};
use crate::render::feed::FeedFile;
use crate::render::file::Finished;
use crate::sample::View;
use crate::spec::terms::Consequence;
use crate::summary::Counts;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

/// A file of a feed, complete and waiting for its name.
pub struct Written {
    /// Where it will stand.
    pub path: PathBuf,
    /// The format's word.
    pub format: String,
    /// The file.
    pub file: FeedFile,
}

impl std::fmt::Debug for Written {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Written").field("path", &self.path).field("format", &self.format).finish_non_exhaustive()
    }
}

/// What was written for one target.
#[derive(Debug, Default)]
pub struct WrittenFeed {
    /// The files.
    pub files: Vec<Written>,
    /// The index of the items, where the feed is to be delivered.
    pub index: Option<Finished>,
    /// The feeds of accounts that have their own, instead of files here.
    pub accounts: Vec<AccountFeed>,
}

/// What a run comes to on its ordered side, by target.
pub(super) struct End {
    pub(super) counts: Vec<Counts>,
    pub(super) written: Vec<WrittenFeed>,
    pub(super) views: Vec<Option<View>>,
}

/// The state of a run on its ordered side.
pub(super) struct Ordered<'a> {
    pub(super) plan: &'a Plan,
    targets: Vec<TargetState<'a>>,
    records: Vec<u64>,
    /// How many bytes of the sources were read, and how many there are, where that is known.
    read: u64,
    total: Option<u64>,
    /// Keys without a column, by source.
    late: BTreeMap<usize, Late>,
    /// Repairs that all values of a column need, as far as is known.
    runs: Runs,
    last_bad: Option<RecordHead>,
    /// By source and target: what became of the columns of a feed that is converted.
    tallies: Vec<Vec<Tally>>,
    /// What changes in the feed's own file, where it is repaired.
    pub(super) changes: Option<Changes>,
}

impl<'a> Ordered<'a> {
    pub(super) fn new(plan: &'a Plan) -> Result<Self, RunError> {
        let amends = plan.sources.iter().any(|source| source.amender.is_some());
        Ok(Self {
            changes: amends.then(Changes::new).transpose().map_err(RunError::aside)?,
            plan,
            targets: plan.targets.iter().map(|target| TargetState::new(plan, target)).collect::<Result<_, _>>()?,
            records: vec![0; plan.sources.len()],
            read: 0,
            total: plan.sources.iter().map(|source| source.facts.length()).sum(),
            late: BTreeMap::new(),
            runs: Runs::default(),
            last_bad: None,
            tallies: plan.sources.iter().map(|source| source.conversions.iter().map(|_| Tally::default()).collect()).collect(),
        })
    }

    /// Reports what was found before the first record.
    pub(super) fn notices(&mut self, sink: &mut Sink<'_>) {
        for (target, finding) in self.plan.notices.clone() {
            match target {
                Some(target) => self.only(target, finding, sink),
                None => self.everywhere(finding, sink),
            }
        }
    }

    /// Records read of a source.
    pub(super) fn records_of(&self, source: usize) -> u64 {
        self.records.get(source).copied().unwrap_or(0)
    }

    /// By target: what became of the columns of the feeds that were converted.
    pub(super) fn accounts(&self) -> Vec<Account> {
        let accounts = self.plan.targets.iter().enumerate().filter_map(|(target, _)| {
            let of_source = self
                .plan
                .sources
                .iter()
                .zip(&self.tallies)
                .filter_map(|(source, tallies)| Some(source.conversions.get(target)?.account(tallies.get(target)?)));
            of_source.reduce(Account::with)
        });
        accounts.collect()
    }

    /// Takes the next batch.
    pub(super) fn take(&mut self, source: usize, done: &mut Done, sink: &mut Sink<'_>) -> Result<(), RunError> {
        self.records[source] += done.records();
        self.last_bad = done.bad.last().map(|bad| bad.head);
        let header = &self.plan.sources[source].header;
        for bad in &done.bad {
            let column_name = (bad.column as usize).checked_sub(1).and_then(|place| header.names().get(place)).cloned();
            let place = Place { source: source as u16, record: bad.head.number, line: bad.head.line, column: bad.column, column_name };
            self.everywhere(record_finding(bad.defect, &bad.message, place), sink);
        }
        if !done.late.keys.is_empty() {
            let late = self.late.entry(source).or_default();
            for (name, head) in std::mem::take(&mut done.late.keys) {
                late.add(name, head);
            }
        }
        for finding in self.runs.take(std::mem::take(&mut done.whole)) {
            self.everywhere(finding, sink);
        }
        for (target, finding) in std::mem::take(&mut done.findings) {
            match target {
                Some(target) => self.only(target, finding, sink),
                None => self.everywhere(finding, sink),
            }
        }
        for (sum, tally) in self.tallies[source].iter_mut().zip(std::mem::take(&mut done.tallies)) {
            sum.add(tally);
        }
        if let Some(changes) = &mut self.changes {
            changes.take(std::mem::take(&mut done.amended)).map_err(RunError::aside)?;
        }
        let records = (done.rows, done.bad.len() as u64);
        for (state, target) in self.targets.iter_mut().zip(&mut done.targets) {
            if let Some(total) = self.total {
                state.foresee(self.read, total)?;
            }
            state.take(source, target, records, sink)?;
        }
        let before = self.plan.sources.iter().take(source).filter_map(|source| source.facts.length()).sum::<u64>();
        self.read = before + done.position;
        Ok(())
    }

    /// A document that holds more than one list of objects, of which one was read.
    pub(super) fn left(&mut self, index: usize, left: &[String], sink: &mut Sink<'_>) {
        let Some(first) = left.first() else { return };
        let message = format!("the document holds further lists of objects, which are not read: `{}`", left.join("`, `"));
        let place = Place { source: index as u16, ..Place::default() };
        let hint = format!("`--record {first}` reads that one instead; give each list that holds products as a source of its own");
        let finding = Finding { hint: Some(hint.into()), ..Finding::own("file/more-lists".into(), Severity::Warning, message, place) };
        self.everywhere(finding, sink);
    }

    /// A source has been read; a last record that may be cut is judged here.
    pub(super) fn source_ends(
        &mut self,
        index: usize,
        source: &SourcePlan,
        open_end: bool,
        strict: bool,
        sink: &mut Sink<'_>,
    ) -> Result<(), RunError> {
        if !open_end {
            return Ok(());
        }
        let total = self.records_of(index);
        let file = source.facts.file.to_string();
        if let Some(bad) = self.last_bad.filter(|bad| bad.number == total) {
            let message = format!("record {total} is the last and broken, and no line end follows: the file is cut");
            return Err(ReadError::Incomplete { file, line: bad.line, message }.into());
        }
        // All others show their own end; in delimited text a cut value looks like a short one.
        if !matches!(source.facts.format, Format::Delimited { .. }) {
            return Ok(());
        }
        if source.facts.may_be_cut && strict {
            let message = "the last record has no line end, so the input may be cut; end it with a line feed".to_owned();
            return Err(ReadError::Incomplete { file, line: 0, message }.into());
        }
        let place = Place { source: index as u16, record: total, ..Place::default() };
        self.everywhere(
            record_finding("no-line-end", "the last record has no line end; if the file was cut, its last value may be too short", place),
            sink,
        );
        Ok(())
    }

    /// Ends the run: what shows only at the end, and the files.
    pub(super) fn finish(mut self, sink: &mut Sink<'_>) -> Result<End, RunError> {
        for finding in std::mem::take(&mut self.runs).end() {
            self.everywhere(finding, sink);
        }
        for (source, late) in std::mem::take(&mut self.late) {
            late.tell(source as u16, &mut |finding| self.everywhere(finding, sink));
        }
        let mut end = End { counts: Vec::new(), written: Vec::new(), views: Vec::new() };
        for state in self.targets {
            let (counts, written, view) = state.finish(sink)?;
            end.counts.push(counts);
            end.written.push(written);
            end.views.push(view);
        }
        Ok(end)
    }

    fn only(&mut self, target: usize, finding: Finding, sink: &mut Sink<'_>) {
        self.targets[target].say(finding, sink);
    }

    /// A finding about reading or normalizing: said once, counted for every target.
    pub(super) fn everywhere(&mut self, finding: Finding, sink: &mut Sink<'_>) {
        let Some(finding) = sink.weigh(finding) else { return };
        for target in &mut self.targets {
            target.counts.finding(&finding);
        }
        sink.push(&finding);
    }
}

/// A finding about a record as such.
pub(super) fn record_finding(defect: &str, message: &str, place: Place) -> Finding {
    let (why, hint) = crate::finding::record_words(defect);
    let lost = !matches!(defect, "no-line-end" | "late-key");
    let severity = if lost { Severity::Error } else { Severity::Warning };
    Finding {
        consequence: if lost { Consequence::RowRejected } else { Consequence::Advice },
        why: Some(Arc::from(why)),
        hint: Some(Arc::from(hint)),
        ..Finding::own(format!("record/{defect}").into(), severity, message.to_owned(), place)
    }
}
