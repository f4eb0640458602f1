//! The first pass over a source whose rows need others to become items.
//!
//! Keys are gathered as hashes and rows that others need are kept, both in memory as far as there
//! is room for them, and in temporary files beyond.

use super::apply::slot;
use super::compile::Mapping;
use super::family::{Role, link_grammar};
use super::index::Gathered;
use super::join::JoinTable;
use super::kept::Kept;
use super::step::{From, ParentPlan, RowPlan, RunPlan, ViewPlan};
use super::survey::{ByKey, Survey, key_of, named_key};
use super::variant::IDS;
use super::wide::pairs;
use crate::catalog::{Batch, RecordHead};
use crate::cell::Cell;
use crate::product::text;
use std::io;
use std::sync::Arc;

/// A run of more rows than this is treated as a scattered one, so that no block must hold it.
const LONG_RUN: u64 = 10_000;

/// How many names of views are listed where the wanted one is not among them.
const MOST_VIEWS: usize = 20;

/// What the first pass gathers.
#[derive(Debug)]
pub struct Surveyor {
    survey: Survey,
    /// The ids of all rows.
    ids: Gathered,
    parents: Gathered,
    named: Gathered,
    links: Gathered,
    /// The keys of runs of rows, those of long ones twice.
    runs: Gathered,
    last: Option<u128>,
    run: u64,
    /// By code of a row: the view that its first row is of.
    bases: ByKey<u128>,
}

impl Surveyor {
    /// A surveyor for a source with these tables joined. About so many bytes stay in memory.
    pub fn new(tables: Vec<JoinTable>, memory: usize) -> Self {
        let share = |part: usize| Gathered::within(memory / part);
        Self {
            survey: Survey { tables, kept: Kept::within(memory / 4), listed: Kept::within(memory / 16), ..Survey::default() },
            ids: share(4),
            parents: share(8),
            named: share(8),
            links: share(8),
            runs: share(8),
            last: None,
            run: 0,
            bases: ByKey::default(),
        }
    }

    /// Looks at the rows of a batch.
    pub fn observe(&mut self, mapping: &Mapping, batch: &mut Batch) {
        mapping.wide.widen(&self.survey.tables, batch, false);
        for row in 0..batch.heads.len() {
            if let RowPlan::Nested(_) = &mapping.rows {
                self.children(mapping, row, batch);
                continue;
            }
            let cells = batch.row(row);
            if let Some(views) = &mapping.views
                && self.is_view_row(views, batch.heads[row], cells, &batch.text)
            {
                continue;
            }
            match &mapping.rows {
                RowPlan::Flat { .. } | RowPlan::Nested(_) => {}
                // A row that changes a variant calls it by the same code.
                RowPlan::Run(plan) if plan.adjust.as_ref().is_some_and(|adjust| adjust.is_one(&batch.text, cells)) => {}
                RowPlan::Run(plan) => {
                    self.id(mapping, cells, &batch.text);
                    self.run(plan, cells, &batch.text);
                }
                RowPlan::Parents(plan) => self.member(mapping, plan, batch.heads[row], cells, &batch.text),
            }
        }
    }

    /// The ids of a record's variants, where a joined table holds them: what people write there
    /// may occur twice, unlike what a platform counts inside its own records.
    fn children(&mut self, mapping: &Mapping, row: usize, batch: &mut Batch) {
        if !mapping.wide.joins_children() {
            return;
        }
        let mut cells = batch.row(row).to_vec();
        let children = mapping.wide.children(&self.survey.tables, &batch.text, &cells);
        let mark = batch.text.len();
        for place in 0..children.count() {
            if let Some(child) = children.at(place) {
                mapping.wide.put_child(&self.survey.tables, &mut batch.text, &mut cells, child);
                self.id(mapping, &cells, &batch.text);
                batch.text.truncate(mark);
            }
        }
    }

    fn run(&mut self, plan: &RunPlan, cells: &[Cell], text: &str) {
        let Some(key) = plan.key.map(|key| key.text(text, cells)) else { return };
        self.run += 1;
        let key = if key.is_empty() { self.last } else { Some(key_of(key)) };
        if self.last != key {
            self.last = key;
            self.run = 1;
        }
        if let Some(key) = key.filter(|_| self.run == 1 || self.run == LONG_RUN + 1) {
            self.runs.put(key, 0);
        }
    }

    fn member(&mut self, mapping: &Mapping, plan: &ParentPlan, head: RecordHead, cells: &[Cell], text: &str) {
        let role = plan.role(text, cells);
        if role == Role::Child {
            // Where a word tells the parents, nobody asks who is named.
            if let Some(parent) = plan.parent.filter(|_| plan.parents.is_empty()).map(|column| slot(cells, column).text(text)) {
                self.named.put(named_key(parent), 0);
            }
            return self.id(mapping, cells, text);
        }
        // Where no word tells a parent, any row may turn out to be one.
        let lends = role == Role::Parent || plan.parents.is_empty() && plan.links.is_none();
        if lends {
            let place = self.survey.kept.keep(head, cells, text);
            for name in plan.names(text, cells) {
                self.parents.put(key_of(name), place);
            }
            self.list(plan, place, cells, text);
        }
        if role != Role::Parent {
            self.id(mapping, cells, text);
        }
    }

    /// The children that a parent lists. A child of two parents belongs to the first.
    fn list(&mut self, plan: &ParentPlan, parent: u64, cells: &[Cell], text: &str) {
        let Some(links) = plan.links.map(|column| slot(cells, column).text(text)) else { return };
        let grammar = link_grammar();
        for entry in links.split('|') {
            let code = pairs(entry, &grammar).into_iter().find(|(key, ..)| key.eq_ignore_ascii_case(&plan.link_key));
            let Some(code) = code.and_then(|(_, start, end)| entry.get(start..end)) else { continue };
            let place = self.survey.listed.put(|out| {
                out.extend(parent.to_le_bytes());
                out.extend((entry.len() as u32).to_le_bytes());
                out.extend(entry.as_bytes());
            });
            self.links.put(key_of(code), place);
        }
    }

    /// Whether a row only says what another says, in another language or for another store.
    fn is_view_row(&mut self, views: &ViewPlan, head: RecordHead, cells: &[Cell], text: &str) -> bool {
        let key = key_of(slot(cells, views.key).text(text));
        let view = text::trim(slot(cells, views.view).text(text));
        let is_wanted = views.wanted.as_deref().is_some_and(|wanted| wanted.eq_ignore_ascii_case(view));
        self.survey.has_view |= is_wanted;
        if self.survey.view_names.len() < MOST_VIEWS && !self.survey.view_names.contains(view) {
            self.survey.view_names.insert(view.to_owned());
        }
        // The first row of a code is the base; another row of the same view repeats it, and is no view.
        let base = *self.bases.entry(key).or_insert_with(|| key_of(view));
        if base == key_of(view) {
            return false;
        }
        self.survey.views.add(head.number);
        if is_wanted {
            let place = self.survey.kept.keep(head, cells, text);
            self.survey.overlays.entry(key).or_insert(place);
        }
        true
    }

    fn id(&mut self, mapping: &Mapping, cells: &[Cell], text: &str) {
        let Some(step) = mapping.steps.iter().find(|step| step.attribute == IDS.item_id) else { return };
        let value = match &step.from {
            From::Column(column) => slot(cells, *column).text(text),
            From::FirstOf(columns) => {
                columns.iter().map(|&column| slot(cells, column).text(text)).find(|value| !text::trim(value).is_empty()).unwrap_or("")
            }
            From::Constant(_) | From::Template(_) | From::Sum(_) | From::Total(_) | From::All(_) => return,
        };
        if !text::trim(value).is_empty() {
            self.ids.put(key_of(value), 0);
        }
    }

    /// Ends the pass.
    ///
    /// # Errors
    /// When a temporary file could not be written or read.
    pub fn finish(self) -> io::Result<Survey> {
        let Self { survey, ids, parents, named, links, runs, .. } = self;
        Ok(Survey {
            repeated: ids.repeated()?,
            parents: parents.least()?,
            named: named.least()?,
            links: links.least()?,
            apart: Arc::new(runs.repeated()?),
            ..survey
        })
    }
}
