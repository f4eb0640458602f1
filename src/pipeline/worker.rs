//! One batch on one thread: rows become items, items are judged for each target and rendered
//! where they are accepted. What the rules over the whole feed need leaves as digests.

use super::conversion::Original;
use super::done::{Accepted, Done, Rooms};
use super::look::{Seen, look};
use super::nested::NestedFeed;
use super::noted::{self, Noted, When};
use super::said::{broken_finding, finding_of};
use super::whole::{self, Found};
use super::witness::{Judged, NO_PATH, Nobody, Witness};
use super::{Plan, SourcePlan, TargetPlan, accounts, apply_rules};
use crate::catalog::{Batch, RecordHead};
use crate::cell::{NO_COLUMN, Slot};
use crate::finding::{Applicability, Finding, Fix, Place, Severity};
use crate::mapping::apply::Draft;
use crate::mapping::rows::{Assembler, MadeOf, Receive};
use crate::normalize::{Memo, Note};
use crate::product::attribute::{AttributeId, Attributes, known};
use crate::product::text;
use crate::render::{Before, RowWriter};
use crate::rules::structure::Broken;
use crate::rules::{Facts, Fault, Mode};
use crate::spec::FieldId;
use std::sync::Arc;
use xxhash_rust::xxh3::xxh3_64;

/// What one thread works with.
pub(super) struct Worker<'a> {
    plan: &'a Plan,
    source: &'a SourcePlan,
    index: u16,
    memo: Memo,
    notes: Vec<Note>,
    faults: Vec<Fault>,
    /// By target.
    facts: Vec<Facts>,
    row: Vec<Slot>,
    /// By target and format, with the row before.
    writers: Vec<Vec<(Box<dyn RowWriter>, Before)>>,
    item_id: AttributeId,
    account: AttributeId,
    /// By target: what was found about the items of the batch.
    held: Vec<Held>,
    /// What was noted of them.
    noted: Vec<Noted>,
    /// How many times something was held back.
    step: u64,
    /// The batch as it was read, where a feed is converted.
    original: Original,
    rooms: &'a Rooms,
}

impl<'a> Worker<'a> {
    pub(super) fn new(plan: &'a Plan, index: usize, rooms: &'a Rooms) -> Self {
        let source = &plan.sources[index];
        Self {
            plan,
            source,
            index: index as u16,
            memo: Memo::default(),
            notes: Vec::new(),
            faults: Vec::new(),
            facts: plan.targets.iter().map(|_| Facts::default()).collect(),
            row: Vec::new(),
            writers: plan
                .targets
                .iter()
                .map(|target| target.writers().into_iter().map(|writer| (writer, Before::default())).collect())
                .collect(),
            item_id: known("item_id"),
            account: known("account_id"),
            held: plan.targets.iter().map(|_| Held::default()).collect(),
            noted: Vec::new(),
            step: 0,
            original: Original::default(),
            rooms,
        }
    }

    /// Works a batch off; `assembler` makes the items that this worker takes.
    pub(super) fn run(&mut self, assembler: &mut Assembler<'a>, batch: &mut Batch) -> Done {
        self.watched(assembler, batch, &mut Nobody)
    }

    /// The same, under the eyes of a witness.
    pub(super) fn watched<W: Witness>(&mut self, assembler: &mut Assembler<'a>, batch: &mut Batch, witness: &mut W) -> Done {
        let mut done = Done {
            index: batch.index,
            position: batch.position,
            rows: batch.heads.len() as u64,
            bad: std::mem::take(&mut batch.bad),
            late: std::mem::take(&mut batch.late),
            targets: self.rooms.take(self.writers.iter().map(|writers| (self.source.mapping.reasons.len(), writers.len()))),
            ..Done::default()
        };
        done.tallies = self.source.conversions.iter().map(|conversion| conversion.tally(batch)).collect();
        if !done.tallies.is_empty() {
            self.original.keep(batch);
        }
        self.memo.clear();
        self.writers.iter_mut().flatten().for_each(|(_, before)| before.clear());
        let is_free_of_controls = !text::has_controls(&batch.text);
        for facts in &mut self.facts {
            facts.begin(batch.text.len(), is_free_of_controls);
        }
        for place in 0..self.plan.targets.len() {
            if self.source.direct[place].is_some() {
                self.as_it_is(batch, place, &mut done, witness);
            }
        }
        if self.source.direct.iter().any(Option::is_none) {
            assembler.run(batch, &mut Mill { worker: self, done: &mut done, witness });
            self.tell(batch, &mut done);
        }
        done.findings.sort_by_key(|(_, finding)| finding.place.record);
        done
    }

    /// Judges the rows of a finished feed.
    fn as_it_is<W: Witness>(&mut self, batch: &mut Batch, place: usize, done: &mut Done, witness: &mut W) {
        let Some(direct) = &self.source.direct[place] else { return };
        let target = &self.plan.targets[place];
        if let Some(nested) = &direct.nested {
            return self.groups_as_they_are(nested, batch, place, done, witness);
        }
        let mut found: Vec<Found> = Vec::new();
        for row in 0..batch.heads.len() {
            direct.fill(batch.row(row), &mut self.row);
            done.targets[place].items += 1;
            self.faults.clear();
            let accepted = target.rules.judge(&mut batch.text, &mut self.row, &mut self.facts[place], Mode::AsIs, &mut self.faults);
            let judged = Judged { target: place, head: batch.heads[row], buffer: &batch.text, row: &self.row, path: NO_PATH };
            witness.judged(&judged, accepted);
            look(&self.seen(place, &batch.text, batch.heads[row]), accepted, &mut done.targets[place]);
            let mut faults = std::mem::take(&mut self.faults);
            found.extend(faults.drain(..).map(|fault| Found { row, column: self.blamed(target, place, &fault), fault }));
            self.faults = faults;
            if accepted {
                accept(self, target, place, &batch.text, (batch.heads[row], Slot::EMPTY), done);
            } else {
                done.targets[place].rejected += 1;
            }
        }
        let values = |field| (0..batch.heads.len()).filter(|&row| direct.slot(batch.row(row), field).is_present()).count();
        // The first block of a source is said row by row.
        let (whole, others) = if batch.index == 0 { (Vec::new(), found) } else { whole::part(found, &batch.heads, values) };
        let mut filled = None;
        let mut finding = |mut one: Found, item: &str| {
            if filled.replace(one.row) != Some(one.row) {
                direct.fill(batch.row(one.row), &mut self.row);
            }
            target.rules.tell(&mut one.fault, &batch.text, &self.row);
            finding_of(one.fault, target, self.place(batch.heads[one.row], one.column), item)
        };
        done.targets[place].whole = whole.into_iter().map(|(one, extent)| Finding { extent: Some(extent), ..finding(one, "") }).collect();
        let item = |row| target.rules.item_field().map_or("", |field| direct.slot(batch.row(row), field).text(&batch.text));
        done.findings.extend(others.into_iter().map(|one| {
            let id = item(one.row);
            (Some(place), finding(one, id))
        }));
    }

    /// The row that was judged last; its faults are still there.
    fn seen<'r>(&'r self, place: usize, buffer: &'r str, head: RecordHead) -> Seen<'r> {
        Seen { target: &self.plan.targets[place], buffer, row: &self.row, faults: &self.faults, source: self.index, head }
    }

    /// When something is held back.
    fn now(&mut self, done: &Done) -> When {
        self.step += 1;
        (done.findings.len(), self.step)
    }

    /// Makes findings of the faults of items and of what was noted. What all items of the batch
    /// share is said once, but for those of the first block of a source.
    fn tell(&mut self, batch: &Batch, done: &mut Done) {
        let is_first = batch.index == 0;
        let notes = std::mem::take(&mut self.noted);
        let (whole, others) = if is_first { (Vec::new(), notes) } else { noted::part(notes, |attribute| self.memo.values(attribute)) };
        let whole = whole.into_iter().map(|(one, extent)| Finding { extent: Some(extent), ..self.note_finding(one, false, &batch.text) });
        done.whole.extend(whole);
        let mut told: Vec<(When, Option<usize>, Finding)> =
            others.into_iter().map(|one| (one.when, one.target, self.note_finding(one, true, &batch.text))).collect();
        for place in 0..self.held.len() {
            let Held { found, heads, items } = std::mem::take(&mut self.held[place]);
            let target = &self.plan.targets[place];
            let judged = done.targets[place].items as usize;
            let (whole, others) = if is_first { (Vec::new(), found) } else { whole::part(found, &heads, |_| judged) };
            let finding = |mut one: Found, item: &str| {
                target.rules.tell(&mut one.fault, &batch.text, &[]);
                finding_of(one.fault, target, self.place(heads[one.row], one.column), item)
            };
            let whole = whole.into_iter().map(|(one, extent)| Finding { extent: Some(extent), ..finding(one, "") });
            done.targets[place].whole.extend(whole);
            told.extend(others.into_iter().map(|one| {
                let (id, when) = items[one.row];
                (when, Some(place), finding(one, id.text(&batch.text)))
            }));
        }
        if told.is_empty() {
            return;
        }
        // As if each had been said when its item was judged.
        told.sort_by_key(|(when, ..)| *when);
        let mut told = told.into_iter().peekable();
        let mut all = Vec::with_capacity(done.findings.len() + told.len());
        for (at, finding) in std::mem::take(&mut done.findings).into_iter().enumerate() {
            while let Some((_, target, earlier)) = told.next_if(|((before, _), ..)| *before <= at) {
                all.push((target, earlier));
            }
            all.push(finding);
        }
        all.extend(told.map(|(_, target, finding)| (target, finding)));
        done.findings = all;
    }

    /// A finding about something that was repaired.
    fn note_finding(&self, noted: Noted, names_item: bool, buffer: &str) -> Finding {
        let Noted { note, head, id, .. } = noted;
        let name = Attributes::shared().name(note.attribute);
        let severity = if note.new.is_none() { Severity::Warning } else { Severity::Advice };
        let (code, place) = (format!("{name}/{}", note.defect), self.place(head, note.column));
        let new = note.new.map(|new| new.shown(buffer));
        Finding {
            item: if names_item { text::excerpt(id.text(buffer), 120) } else { String::new() },
            attribute: Some(name.into()),
            value: Some(note.old.shown(buffer)),
            fix: Some(Fix { applicability: Applicability::Safe, value: new, applied: true }),
            ..Finding::own(code.into(), severity, note.message.into_owned(), place)
        }
    }

    /// The column of a field's value, or the one that would hold it.
    fn blamed(&self, target: &TargetPlan, place: usize, fault: &Fault) -> u16 {
        let column = fault.column;
        if self.source.is_seen(column) { column } else { self.column_of(target, place, fault.field) }
    }

    /// Judges the rows inside the groups of a finished nested feed.
    fn groups_as_they_are<W: Witness>(&mut self, nested: &NestedFeed, batch: &mut Batch, place: usize, done: &mut Done, witness: &mut W) {
        let target = &self.plan.targets[place];
        let rules = &target.rules;
        for record in 0..batch.heads.len() {
            let head = batch.heads[record];
            let (broken, rows) = nested.rows(&target.spec, batch, record, rules.group_field());
            let refused = broken.iter().any(Broken::rejects);
            let group = rules.group_field().and_then(|group| rows.first().map(|row| row.slots[group.index()].text(&batch.text).to_owned()));
            for broken in broken {
                let finding = broken_finding(broken, target, &self.place(head, NO_COLUMN), "", group.as_deref());
                done.findings.push((Some(place), finding));
            }
            let out = &mut done.targets[place];
            // A record stands for its rows: what is counted are they.
            match (rows.len() as u64).checked_sub(1) {
                Some(more) => out.more += more,
                None => out.bare += 1,
            }
            for (number, row) in rows.into_iter().enumerate() {
                self.row = row.slots;
                self.faults.clear();
                done.targets[place].items += 1;
                let mut accepted = rules.judge(&mut batch.text, &mut self.row, &mut self.facts[place], Mode::AsIs, &mut self.faults);
                accepted &= !refused && !row.broken.iter().any(Broken::rejects);
                let path = |field| nested.path(&target.spec, number, field);
                let judged = Judged { target: place, head, buffer: &batch.text, row: &self.row, path: &path };
                witness.judged(&judged, accepted);
                look(&self.seen(place, &batch.text, head), accepted, &mut done.targets[place]);
                // One fault is not said twice: the published form of a value says it first.
                self.faults.retain(|fault| !row.broken.iter().any(|broken| *broken.code == *rules.said(fault).code));
                let id = rules.item_field().map_or("", |field| self.row[field.index()].text(&batch.text)).to_owned();
                for broken in row.broken {
                    let finding = broken_finding(broken, target, &self.place(head, NO_COLUMN), &id, group.as_deref());
                    done.findings.push((Some(place), finding));
                }
                for mut fault in std::mem::take(&mut self.faults) {
                    rules.tell(&mut fault, &batch.text, &self.row);
                    let path = nested.path(&target.spec, number, fault.field);
                    let here = Place { column_name: path.map(Into::into), ..self.place(head, NO_COLUMN) };
                    done.findings.push((Some(place), finding_of(fault, target, here, &id)));
                }
                if accepted {
                    accept(self, target, place, &batch.text, (head, Slot::EMPTY), done);
                } else {
                    done.targets[place].rejected += 1;
                }
            }
        }
    }

    /// The column that would fill a field, for a value that is not there.
    fn column_of(&self, target: &TargetPlan, place: usize, field: FieldId) -> u16 {
        self.source.column_of(target, place, field).unwrap_or(NO_COLUMN)
    }

    fn place(&self, head: RecordHead, column: u16) -> Place {
        let (column, column_name) = self.source.column(column);
        Place { source: self.index, record: head.number, line: head.line, column, column_name }
    }
}

/// Renders an accepted row and keeps what the feed's own rules need of it.
fn accept(worker: &mut Worker<'_>, target: &TargetPlan, place: usize, buffer: &str, (head, account): (RecordHead, Slot), done: &mut Done) {
    let out = &mut done.targets[place];
    let text_of = |field: Option<FieldId>| field.map_or("", |field| worker.row[field.index()].text(buffer));
    let item = target.rules.item_field().or(target.spec.shape.as_ref().map(|shape| shape.key));
    let (item, group) = (text_of(item), text_of(target.rules.group_field()));
    out.names.push_str(item);
    let item_end = out.names.len() as u32;
    out.names.push_str(group);
    let group_end = out.names.len() as u32;
    let account = account.text(buffer);
    out.names.push_str(account);
    let shard = xxh3_64(if group.is_empty() { item } else { group }.as_bytes());
    let print = target.prints.as_ref().map(|prints| prints.of(buffer, &worker.row)).unwrap_or_default();
    out.accepted.push(Accepted { head, item_end, group_end, account_end: out.names.len() as u32, shard, print });
    out.digests.belong_to(account);
    target.rules.digests(buffer, &worker.row, &mut worker.facts[place], &mut out.digests);
    let stays = !group.is_empty() && out.accepted.iter().nth_back(1).is_some_and(|before| before.shard == shard);
    for (format, (writer, before)) in worker.writers[place].iter_mut().enumerate() {
        // The row before has said what the group says; whether that one is the first of its
        // group in the feed shows only where the feed is put together.
        if !(stays && writer.of_group()) {
            writer.row(buffer, &worker.row, before, &mut out.rendered[format]);
        }
        out.ends[format].push(out.rendered[format].len() as u32);
    }
}

/// What was found about the items of a batch, for one target.
#[derive(Default)]
struct Held {
    found: Vec<Found>,
    /// The records of the items that have faults; a row of what was found is a place here.
    heads: Vec<RecordHead>,
    /// Their ids, and when they were judged.
    items: Vec<(Slot, When)>,
}

/// Takes items from the assembler and mills them for every target.
struct Mill<'w, 'a, 'd, W> {
    worker: &'w mut Worker<'a>,
    done: &'d mut Done,
    witness: &'d mut W,
}

impl<W: Witness> Mill<'_, '_, '_, W> {
    /// Keeps what was noted of an item until the batch ends.
    fn keep_notes(&mut self, head: RecordHead, id: Slot, target: Option<usize>) {
        let worker = &mut *self.worker;
        if worker.notes.is_empty() {
            return;
        }
        let when = worker.now(self.done);
        worker.noted.extend(worker.notes.drain(..).map(|note| Noted { note, head, id, target, when }));
    }

    /// Puts the values that only one target gets in place; returns those they stand for.
    fn only_for(&mut self, buffer: &mut String, draft: &mut Draft, target: usize) -> Vec<(AttributeId, Slot)> {
        let worker = &mut *self.worker;
        let Some(overrides) = worker.source.mapping.overrides.get(target) else { return Vec::new() };
        let mut kept = Vec::with_capacity(overrides.len());
        for (attribute, place) in overrides {
            let own = draft.only_for.get(*place).copied().unwrap_or_default();
            kept.push((*attribute, draft.get(*attribute)));
            draft.set(*attribute, own);
            worker.source.normalizer.attribute(buffer, draft, *attribute, &mut worker.memo, &mut worker.notes);
        }
        let id = draft.get(worker.item_id);
        self.keep_notes(draft.head, id, Some(target));
        kept
    }
}

impl<W: Witness> Receive for Mill<'_, '_, '_, W> {
    fn rows(&mut self, buffer: &str, made: &MadeOf<'_>) {
        self.witness.rows(buffer, made);
    }

    fn item(&mut self, buffer: &mut String, draft: &mut Draft) {
        let worker = &mut *self.worker;
        worker.notes.clear();
        if self.witness.mapped(buffer, draft) {
            // What was noted of values that this item shares with others is noted again.
            worker.memo.clear();
        }
        worker.source.normalizer.run(buffer, draft, &mut worker.memo, &mut worker.notes);
        if let Some(reason) = apply_rules(worker.source, buffer, draft, &mut worker.memo, &mut worker.notes) {
            return self.skipped(draft.head, reason);
        }
        self.witness.ruled(buffer, draft, &self.worker.notes);
        let id = draft.get(self.worker.item_id);
        self.keep_notes(draft.head, id, None);
        let plan = self.worker.plan;
        for (place, target) in plan.targets.iter().enumerate() {
            let worker = &mut *self.worker;
            if worker.source.direct[place].is_some() {
                continue;
            }
            let kept = self.only_for(buffer, draft, place);
            let worker = &mut *self.worker;
            target.projection.run(buffer, draft, &mut worker.row);
            let account = target.by_account.then(|| draft.get(worker.account));
            for (attribute, slot) in kept {
                draft.set(attribute, slot);
            }
            let lost = target.projection.lost_options(buffer, draft);
            if lost > 0 {
                let dict = draft.get(known("variant_dict"));
                let here = worker.place(draft.head, dict.column);
                let message = format!("{lost} of the item's options {} no column at this target", if lost == 1 { "finds" } else { "find" });
                let finding = Finding {
                    item: text::excerpt(id.text(buffer), 120),
                    attribute: Some("variant_dict".into()),
                    value: Some(text::excerpt(dict.text(buffer), 200)),
                    target: Some(Arc::clone(&target.name)),
                    ..Finding::own("variant_dict/too-many-options".into(), Severity::Warning, message, here)
                };
                self.done.findings.push((Some(place), finding));
            }
            self.done.targets[place].items += 1;
            worker.faults.clear();
            let mut accepted = target.rules.judge(buffer, &mut worker.row, &mut worker.facts[place], Mode::Build, &mut worker.faults);
            if let (Some(conversion), Some(tally)) = (worker.source.conversions.get(place), self.done.tallies.get_mut(place)) {
                worker.faults.iter_mut().for_each(|fault| target.rules.tell(fault, buffer, &[]));
                tally.item(conversion, buffer, worker.original.row(draft.head), &worker.row, &worker.faults);
            }
            if let Some(amender) = &worker.source.amender {
                let cells = worker.original.row(draft.head);
                let amended = amender.amended(&target.spec, buffer, draft.head, (cells, &worker.row), &worker.faults, &worker.noted);
                self.done.amended.extend(amended);
            }
            let foreign = account.and_then(|account| {
                let here = worker.place(draft.head, account.column);
                accounts::fault(account.text(buffer), target, here, id.text(buffer))
            });
            look(&worker.seen(place, buffer, draft.head), accepted && foreign.is_none(), &mut self.done.targets[place]);
            if !worker.faults.is_empty() {
                let mut faults = std::mem::take(&mut worker.faults);
                let row = worker.held[place].heads.len();
                for fault in faults.drain(..) {
                    let column = worker.blamed(target, place, &fault);
                    worker.held[place].found.push(Found { row, column, fault });
                }
                let when = worker.now(self.done);
                worker.held[place].heads.push(draft.head);
                worker.held[place].items.push((id, when));
                worker.faults = faults;
            }
            if let Some(finding) = foreign {
                self.done.findings.push((Some(place), finding));
                accepted = false;
            }
            let judged = Judged { target: place, head: draft.head, buffer, row: &worker.row, path: NO_PATH };
            self.witness.judged(&judged, accepted);
            if accepted {
                accept(worker, target, place, buffer, (draft.head, account.unwrap_or_default()), self.done);
            } else {
                self.done.targets[place].rejected += 1;
            }
        }
    }

    fn more(&mut self, records: u64) {
        for (place, target) in self.done.targets.iter_mut().enumerate() {
            if self.worker.source.direct[place].is_none() {
                target.more += records;
            }
        }
    }

    fn skipped(&mut self, _: RecordHead, reason: u16) {
        for (place, target) in self.done.targets.iter_mut().enumerate() {
            if self.worker.source.direct[place].is_none()
                && let Some(count) = target.skipped.get_mut(usize::from(reason))
            {
                *count += 1;
            }
        }
    }
}
