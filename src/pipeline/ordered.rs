//! The ordered side: batches in the order of the catalog, the rules over the whole feed, and
//! the files. Only hashes and small numbers are kept of rows.

use super::conversion::Tally;
use super::worker::{Done, finding_of};
use super::{Plan, RunError, SourcePlan, TargetPlan};
use crate::account::Account;
use crate::catalog::{Format, ReadError, RecordHead};
use crate::cell::NO_COLUMN;
use crate::finding::sink::Sink;
use crate::finding::{Finding, Place, Severity};
use crate::product::text;
use crate::render::feed::{Feed, FeedFile, FileLimits};
use crate::render::file::WriteError;
use crate::rules::across::{Called, Ledger, Spot};
use crate::spec::model::Consequence;
use crate::summary::Counts;
use std::collections::{HashMap, HashSet};
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

struct TargetState {
    ledgers: Vec<Box<dyn Ledger>>,
    counts: Counts,
    groups: HashSet<u64>,
    feeds: Vec<Feed>,
}

/// The state of a run on its ordered side.
pub(super) struct Ordered<'a> {
    plan: &'a Plan,
    targets: Vec<TargetState>,
    records: Vec<u64>,
    /// Keys without a column, by source, with the first record that has them.
    late: HashMap<(usize, String), RecordHead>,
    last_bad: Option<RecordHead>,
    /// By source and target: what became of the columns of a feed that is converted.
    tallies: Vec<Vec<Tally>>,
}

impl<'a> Ordered<'a> {
    pub(super) fn new(plan: &'a Plan) -> Result<Self, WriteError> {
        let targets = plan.targets.iter().map(|target| {
            let limits = &target.spec.identity.limits;
            let limits = FileLimits { items: limits.items_per_file, bytes: limits.bytes_per_file };
            let feeds = target.formats.iter().map(|format| {
                let container = format.container(&target.spec, &target.columns);
                Feed::create(&target.folder, *format, container, limits)
            });
            Ok(TargetState {
                ledgers: target.rules.ledgers(),
                counts: Counts::default(),
                groups: HashSet::new(),
                feeds: feeds.collect::<Result<_, WriteError>>()?,
            })
        });
        Ok(Self {
            plan,
            targets: targets.collect::<Result<_, WriteError>>()?,
            records: vec![0; plan.sources.len()],
            late: HashMap::new(),
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
    pub(super) fn take(&mut self, source: usize, done: Done, sink: &mut Sink<'_>) -> Result<(), RunError> {
        self.records[source] += done.records();
        self.last_bad = done.bad.last().map(|bad| bad.head);
        let header = &self.plan.sources[source].header;
        for bad in &done.bad {
            let column_name = (bad.column as usize).checked_sub(1).and_then(|place| header.names().get(place)).cloned();
            let place = Place { source: source as u16, record: bad.head.number, line: bad.head.line, column: bad.column, column_name };
            self.everywhere(record_finding(bad.defect, &bad.message, place), sink);
        }
        for (name, head) in done.late {
            self.late.entry((source, name)).or_insert(head);
        }
        for (target, finding) in done.findings {
            match target {
                Some(target) => self.only(target, finding, sink),
                None => self.everywhere(finding, sink),
            }
        }
        for (sum, tally) in self.tallies[source].iter_mut().zip(done.tallies) {
            sum.add(tally);
        }
        let bad = done.bad.len() as u64;
        let rows = done.rows;
        for (place, target) in done.targets.into_iter().enumerate() {
            let plan = &self.plan.targets[place];
            let state = &mut self.targets[place];
            let counts = &mut state.counts;
            counts.records += rows + bad;
            counts.items += target.items;
            counts.rejected += target.rejected;
            if bad > 0 {
                counts.skipped += bad;
                *counts.skipped_by.entry("could not be read".to_owned()).or_default() += bad;
            }
            for (count, reason) in target.skipped.iter().zip(&self.plan.sources[source].mapping.reasons) {
                if *count > 0 {
                    counts.skipped += count;
                    *counts.skipped_by.entry(reason.clone()).or_default() += count;
                }
            }
            let rules = plan.rules.across_count();
            let mut from_name = 0;
            for (row, item) in target.accepted.iter().enumerate() {
                let name = target.names.get(from_name..item.item_end as usize).unwrap_or("");
                let group = target.names.get(item.item_end as usize..item.group_end as usize).unwrap_or("");
                from_name = item.group_end as usize;
                let called = Called { item: name, group };
                let spot = Spot {
                    source: source as u16,
                    record: u32::try_from(item.head.number).unwrap_or(u32::MAX),
                    line: u32::try_from(item.head.line).unwrap_or(u32::MAX),
                };
                let mut refused = false;
                for rule in 0..rules {
                    let Some(digest) = target.digests.get(row * rules + rule).copied().flatten() else { continue };
                    let Some(first) = state.ledgers[rule].observe(digest, spot, called) else { continue };
                    let column = target.blamed.get(row * rules + rule).copied().unwrap_or(NO_COLUMN);
                    let here = self.plan.place(spot, column);
                    let (finding, rejects) = across_finding(plan, rule, here, Some(self.plan.place(first, NO_COLUMN)), called);
                    refused |= rejects;
                    emit(&mut state.counts, finding, sink);
                    if refused {
                        break;
                    }
                }
                if refused {
                    state.counts.rejected += 1;
                    continue;
                }
                state.counts.accepted += 1;
                if !group.is_empty() {
                    state.groups.insert(item.shard);
                }
                for (format, feed) in state.feeds.iter_mut().enumerate() {
                    let ends = &target.ends[format];
                    let start = row.checked_sub(1).and_then(|before| ends.get(before)).map_or(0, |end| *end as usize);
                    let end = ends.get(row).map_or(start, |end| *end as usize);
                    feed.push(target.rendered[format].as_bytes().get(start..end).unwrap_or_default(), item.shard)?;
                }
            }
        }
        Ok(())
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
        // JSON shows its own end; in delimited text a cut value looks like a short one.
        if matches!(source.facts.format, Format::Json | Format::JsonLines) {
            return Ok(());
        }
        if source.facts.path.is_none() && strict {
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
    pub(super) fn finish(mut self, sink: &mut Sink<'_>) -> Result<(Vec<Counts>, Vec<Vec<Written>>), RunError> {
        let mut late: Vec<_> = std::mem::take(&mut self.late).into_iter().collect();
        late.sort_unstable_by(|((source, name), head), ((other, next), after)| {
            (source, head.number, name).cmp(&(other, after.number, next))
        });
        for ((source, name), head) in late {
            let place =
                Place { source: source as u16, record: head.number, line: head.line, column: 0, column_name: Some(name.as_str().into()) };
            let message = format!("the key `{}` first appears here and is no known attribute; it is not read", text::excerpt(&name, 60));
            self.everywhere(Finding { severity: Severity::Advice, ..record_finding("late-key", &message, place) }, sink);
        }
        let mut all_counts = Vec::new();
        let mut all_written = Vec::new();
        for (place, mut state) in self.targets.into_iter().enumerate() {
            let plan = &self.plan.targets[place];
            for rule in 0..state.ledgers.len() {
                // Out of the list while it asks the others.
                let mut ledger = state.ledgers.remove(rule);
                let ids = |key| state.ledgers.iter().find_map(|other| other.find(key));
                for late in ledger.finish(&ids) {
                    let called = Called { item: &late.item, group: &late.group };
                    let (finding, _) = across_finding(plan, rule, self.plan.place(late.spot, NO_COLUMN), None, called);
                    emit(&mut state.counts, finding, sink);
                }
                state.ledgers.insert(rule, ledger);
            }
            state.counts.groups = state.groups.len() as u64;
            let mut written = Vec::new();
            for (feed, format) in state.feeds.into_iter().zip(&plan.formats) {
                let files = feed.finish()?;
                written.extend(files.into_iter().map(|file| Written { path: file.file.path().to_owned(), format: format.word(), file }));
            }
            all_counts.push(state.counts);
            all_written.push(written);
        }
        Ok((all_counts, all_written))
    }

    fn only(&mut self, target: usize, finding: Finding, sink: &mut Sink<'_>) {
        emit(&mut self.targets[target].counts, finding, sink);
    }

    /// A finding about reading or normalizing: said once, counted for every target.
    fn everywhere(&mut self, finding: Finding, sink: &mut Sink<'_>) {
        let Some(finding) = sink.weigh(finding) else { return };
        for target in &mut self.targets {
            target.counts.finding(&finding.code, finding.severity);
        }
        sink.push(&finding);
    }
}

fn emit(counts: &mut Counts, finding: Finding, sink: &mut Sink<'_>) {
    let Some(finding) = sink.weigh(finding) else { return };
    counts.finding(&finding.code, finding.severity);
    sink.push(&finding);
}

fn across_finding(target: &TargetPlan, rule: usize, place: Place, related: Option<Place>, called: Called<'_>) -> (Finding, bool) {
    let (mut fault, of_group) = target.rules.across_fault(rule);
    if let Some(first) = &related {
        fault.message = format!("{}; first in record {}", fault.message, first.record);
    }
    let shown = if of_group && !called.group.is_empty() { called.group } else { called.item };
    fault.message = format!("{} (`{}`)", fault.message, text::excerpt(shown, 60));
    fault.value = Some(text::excerpt(shown, 200));
    let rejects = fault.rejects;
    let mut finding = finding_of(fault, target, place, called.item);
    finding.related = related;
    finding.group = (of_group && !called.group.is_empty()).then(|| text::excerpt(called.group, 120));
    (finding, rejects)
}

/// A finding about a record as such.
fn record_finding(defect: &str, message: &str, place: Place) -> Finding {
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

impl Plan {
    /// A place from its short form.
    fn place(&self, spot: Spot, column: u16) -> Place {
        let names = self.sources.get(usize::from(spot.source)).map(|source| &source.header);
        let column_name = names.and_then(|header| header.names().get(usize::from(column))).cloned();
        let column = if column == NO_COLUMN { 0 } else { u32::from(column) + 1 };
        Place { source: spot.source, record: u64::from(spot.record), line: u64::from(spot.line), column, column_name }
    }
}
