//! One target on the ordered side: the rules over its whole feed, its counts, its files.

use super::accounts::{self, Accounts};
use super::done::{DoneTarget, GROUP, ROW};
use super::said::finding_of;
use super::whole::Runs;
use super::{Plan, RunError, TargetPlan, Written, WrittenFeed};
use crate::cell::NO_COLUMN;
use crate::finding::sink::Sink;
use crate::finding::{Finding, Place};
use crate::product::text;
use crate::render::feed::{Feed, FileLimits};
use crate::render::file::WriteError;
use crate::render::index;
use crate::render::products::Products;
use crate::rules::across::{Across, Called, Conflict, Spot};
use crate::sample::{Refused, Sample, View};
use crate::summary::Counts;
use std::ops::Range;
use xxhash_rust::xxh3::xxh3_128;

/// The state of one target.
pub(super) struct TargetState<'a> {
    plan: &'a Plan,
    target: &'a TargetPlan,
    across: Across,
    pub(super) counts: Counts,
    feeds: Vec<Feed>,
    index: Option<index::Writer>,
    products: Option<Products>,
    accounts: Option<Accounts<'a>>,
    entry: Vec<u8>,
    /// The numbers, among the rows that the rules over the feed saw, of those that were
    /// refused at once and so never written.
    refused: Vec<u32>,
    seen: u32,
    conflicts: Vec<Conflict>,
    runs: Runs,
    /// What was looked at.
    sample: Sample,
    /// The rules by which rows of a batch were refused, where these are looked at: a row's place in
    /// the batch, and a rule.
    broken: Vec<(usize, usize)>,
}

impl<'a> TargetState<'a> {
    pub(super) fn new(plan: &'a Plan, target: &'a TargetPlan) -> Result<Self, WriteError> {
        let limits = &target.spec.identity.limits;
        let limits = FileLimits { items: limits.items_per_file, bytes: limits.bytes_per_file };
        let nested = target.spec.shape.as_ref().filter(|_| !target.formats.is_empty());
        let products = nested.map(|shape| Products::create(&target.folder, &shape.file, &target.outputs, target.limits));
        let by_account = target.by_account && !target.formats.is_empty();
        let feeds = target.formats.iter().filter(|_| nested.is_none() && !by_account).map(|format| {
            let container = format.container(&target.spec, &target.columns, plan.threads);
            Feed::create(&target.folder, *format, container, limits)
        });
        Ok(Self {
            plan,
            target,
            across: target.rules.across(plan.memory / plan.targets.len().max(1)),
            counts: Counts::default(),
            feeds: feeds.collect::<Result<_, WriteError>>()?,
            index: target.prints.as_ref().filter(|_| !by_account).map(|_| index::Writer::create(&target.folder)).transpose()?,
            products: products.transpose()?,
            accounts: by_account.then(|| Accounts::new(target, limits)).transpose()?,
            entry: Vec::new(),
            refused: Vec::new(),
            seen: 0,
            conflicts: Vec::new(),
            runs: Runs::default(),
            sample: Sample::default(),
            broken: Vec::new(),
        })
    }

    /// Says how many bytes of the catalog were read, and how many there are.
    pub(super) fn foresee(&mut self, read: u64, total: u64) -> Result<(), WriteError> {
        self.across.foresee(read, total);
        self.feeds.iter_mut().try_for_each(|feed| feed.foresee(read, total))
    }

    /// Takes a batch of this target; `read` records of it could be read, `bad` could not.
    pub(super) fn take(
        &mut self,
        source: usize,
        done: &mut DoneTarget,
        (read, bad): (u64, u64),
        sink: &mut Sink<'_>,
    ) -> Result<(), RunError> {
        self.counts.records += read + bad + done.more;
        self.counts.items += done.items;
        self.counts.rejected += done.rejected;
        self.counts.skip("could not be read", bad);
        self.counts.skip("product without variants", done.bare);
        for (count, reason) in done.skipped.iter().zip(&self.plan.sources[source].mapping.reasons) {
            self.counts.skip(reason, *count);
        }
        for finding in self.runs.take(std::mem::take(&mut done.whole)) {
            self.say(finding, sink);
        }
        self.across.begin(&done.digests).map_err(RunError::aside)?;
        let first = self.seen;
        let mut from = 0;
        let mut head = 0..0;
        for row in 0..done.accepted.len() {
            let item = &done.accepted[row];
            let name = done.names.get(from..item.item_end as usize).unwrap_or("");
            let group = done.names.get(item.item_end as usize..item.group_end as usize).unwrap_or("");
            let account = done.names.get(item.group_end as usize..item.account_end as usize).unwrap_or("");
            from = item.account_end as usize;
            // What a group says is written once where its rows stand together, also if the row
            // that says it leaves the feed.
            if let Some(range) = done.range(GROUP, row).filter(|range| !range.is_empty()) {
                head = range;
            }
            let spot = Spot {
                source: source as u16,
                record: u32::try_from(item.head.number).unwrap_or(u32::MAX),
                line: u32::try_from(item.head.line).unwrap_or(u32::MAX),
            };
            if self.stays(done, row, spot, Called { item: name, group }, sink)? {
                let key = if group.is_empty() { name } else { group };
                if let Some(accounts) = &mut self.accounts {
                    self.entry.clear();
                    if self.target.prints.is_some() {
                        index::encode(&mut self.entry, name, group, &item.print, (spot.source, spot.record, spot.line));
                    }
                    let whose = accounts::Row { account, shard: item.shard, grouped: !group.is_empty(), entry: &self.entry };
                    accounts.push(&whose, (0..self.target.formats.len()).map(|format| done.bytes(format, done.range(format, row))))?;
                    continue;
                }
                self.write(done, row, key, &head)?;
                if let Some(index) = &mut self.index {
                    index.push(name, group, &item.print, spot.source, spot.record, spot.line)?;
                }
            }
        }
        if let Some(sample) = done.sample.take() {
            self.look(source, done, sample, first);
        }
        Ok(())
    }

    /// Takes what was looked at in a batch whose rows begin at the number `first`.
    fn look(&mut self, source: usize, done: &DoneTarget, mut sample: Sample, first: u32) {
        let Some(looks) = &self.target.looks else { return };
        sample.begin_at(first);
        let numbers = sample.numbers();
        for (row, rule) in std::mem::take(&mut self.broken) {
            let start = row.checked_sub(1).and_then(|before| done.accepted.get(before)).map_or(0, |before| before.account_end as usize);
            let item = &done.accepted[row];
            let refused = Refused {
                number: first + row as u32,
                id: done.names.get(start..item.item_end as usize).unwrap_or(""),
                group: done.names.get(item.item_end as usize..item.group_end as usize).unwrap_or(""),
                source: source as u16,
                record: item.head.number,
                line: item.head.line,
            };
            sample.refuse(looks, &numbers, &refused, || self.target.rules.across_fault(rule).0.message);
        }
        self.sample.add(sample, looks);
    }

    /// Asks the rules over the whole feed about a row.
    fn stays(&mut self, done: &DoneTarget, row: usize, spot: Spot, called: Called<'_>, sink: &mut Sink<'_>) -> Result<bool, RunError> {
        let number = self.seen;
        self.seen += 1;
        self.conflicts.clear();
        let stays = self.across.observe(done.digests.row(row), spot, called, &mut self.conflicts).map_err(RunError::aside)?;
        for conflict in &self.conflicts {
            let place = self.plan.place(spot, conflict.column);
            let finding =
                across_finding(self.plan, self.target, conflict.rule, place, Some(self.plan.place(conflict.first, NO_COLUMN)), called);
            emit(&mut self.counts, finding, sink);
        }
        if stays {
            self.counts.accepted += 1;
        } else {
            self.counts.rejected += 1;
            self.refused.push(number);
            if self.target.looks.is_some() {
                self.broken.extend(self.conflicts.first().map(|conflict| (row, conflict.rule)));
            }
        }
        Ok(stays)
    }

    /// Writes a row; `key` names its group, and `head` is where that says what it says.
    fn write(&mut self, done: &DoneTarget, row: usize, key: &str, head: &Range<usize>) -> Result<(), WriteError> {
        if let Some(products) = &mut self.products {
            let (head, row) = (done.bytes(GROUP, Some(head.clone())), done.bytes(ROW, done.range(ROW, row)));
            return products.push(xxh3_128(key.as_bytes()), head, row);
        }
        for (format, feed) in self.feeds.iter_mut().enumerate() {
            feed.push(done.bytes(format, done.range(format, row)), done.accepted[row].shard)?;
        }
        Ok(())
    }

    /// A finding of this target alone.
    pub(super) fn say(&mut self, finding: Finding, sink: &mut Sink<'_>) {
        emit(&mut self.counts, finding, sink);
    }

    /// Ends the feed: what shows only now, and the files.
    pub(super) fn finish(self, sink: &mut Sink<'_>) -> Result<(Counts, WrittenFeed, Option<View>), RunError> {
        let Self { plan, target, across, mut counts, feeds, products, accounts, index, refused, runs, mut sample, .. } = self;
        for finding in runs.end() {
            emit(&mut counts, finding, sink);
        }
        let mut late_refused: Vec<usize> = Vec::new();
        // Few are looked at, and many may be refused.
        let looked_at = sample.numbers();
        let groups = across.finish(&mut |late, number| {
            let related = late.first.map(|first| plan.place(first, NO_COLUMN));
            emit(&mut counts, across_finding(plan, target, late.rule, plan.place(late.spot, late.column), related, late.called), sink);
            if late.refused {
                // Rows that were refused before were never written.
                late_refused.push(number as usize - refused.partition_point(|before| *before < number));
                if let Some(looks) = &target.looks {
                    let Called { item: id, group } = late.called;
                    let Spot { source, record, line } = late.spot;
                    let refused = Refused { number, id, group, source, record: u64::from(record), line: u64::from(line) };
                    sample.refuse(looks, &looked_at, &refused, || target.rules.across_fault(late.rule).0.message);
                }
            }
        });
        counts.groups = groups.map_err(RunError::aside)?;
        let view = target.looks.as_ref().map(|looks| sample.view(looks, &target.spec));
        counts.accepted -= late_refused.len() as u64;
        counts.rejected += late_refused.len() as u64;
        let mut written = Vec::new();
        for (feed, format) in feeds.into_iter().zip(&target.formats) {
            let files = feed.finish(&late_refused)?;
            written.extend(files.into_iter().map(|file| Written { path: file.file.path().to_owned(), format: format.word(), file }));
        }
        if let Some(products) = products {
            let files = products.finish(&late_refused)?;
            written.extend(files.into_iter().map(|(format, file)| Written { path: file.file.path().to_owned(), format, file }));
        }
        let index = index.map(|index| index.finish(&late_refused)).transpose()?;
        let accounts = accounts.map_or_else(|| Ok(Vec::new()), |accounts| accounts.finish(&late_refused))?;
        Ok((counts, WrittenFeed { files: written, index, accounts }, view))
    }
}

fn emit(counts: &mut Counts, finding: Finding, sink: &mut Sink<'_>) {
    let Some(finding) = sink.weigh(finding) else { return };
    counts.finding(&finding);
    sink.push(&finding);
}

fn across_finding(plan: &Plan, target: &TargetPlan, rule: usize, place: Place, related: Option<Place>, called: Called<'_>) -> Finding {
    let (mut fault, of_group) = target.rules.across_fault(rule);
    if let Some(first) = &related {
        let file = plan.sources.get(usize::from(first.source)).filter(|_| plan.sources.len() > 1);
        let file = file.map_or_else(String::new, |source| format!(" of {}", source.facts.file));
        fault.message = format!("{}; first in record {}{file}", fault.message, first.record);
    }
    let shown = if of_group && !called.group.is_empty() { called.group } else { called.item };
    fault.message = format!("{} (`{}`)", fault.message, text::excerpt(shown, 60));
    fault.value = Some(text::excerpt(shown, 200));
    let mut finding = finding_of(fault, target, place, called.item);
    finding.related = related;
    finding.group = (of_group && !called.group.is_empty()).then(|| text::excerpt(called.group, 120));
    finding
}

impl Plan {
    /// A place from its short form.
    fn place(&self, spot: Spot, column: u16) -> Place {
        let source = self.sources.get(usize::from(spot.source));
        let (column, column_name) = source.map_or((0, None), |source| source.column(column));
        Place { source: spot.source, record: u64::from(spot.record), line: u64::from(spot.line), column, column_name }
    }
}
