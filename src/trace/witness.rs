//! The witness of one item: keeps, stage by stage, what becomes of its values.

use super::{SourceCell, Stage, Step, TargetCell, Trace, Value, Wanted, Written, name_of};
use crate::catalog::RecordHead;
use crate::cell::{Cell, Slot};
use crate::mapping::apply::Draft;
use crate::mapping::rows::{Lender, MadeOf};
use crate::mapping::told::Origin;
use crate::normalize::Note;
use crate::pipeline::{Judged, Plan, SourcePlan, TargetPlan, Witness};
use crate::product::attribute::{AttributeId, Attributes, known};
use crate::render::nested::{Nested, Part};
use crate::render::{Before, FeedFormat, RowWriter};

/// What is kept of the item's rows until the item itself comes.
#[derive(Default)]
struct Rows {
    own: Vec<Cell>,
    lender: Option<(Lender<'static>, Vec<Cell>)>,
}

pub(super) struct OfOne<'a> {
    plan: &'a Plan,
    wanted: Wanted,
    source: usize,
    rows: Rows,
    /// By attribute.
    values: Vec<Value>,
    /// What the mapping gave, before it is known whether the item is the one.
    mapped: Vec<Value>,
    group: String,
    accepted: Vec<Option<bool>>,
    written: Vec<Option<Written>>,
    /// Whether the item at hand is the one.
    is_it: bool,
    done: bool,
}

impl<'a> OfOne<'a> {
    pub(super) fn new(plan: &'a Plan, wanted: Wanted) -> Self {
        let (accepted, written) = (vec![None; plan.targets.len()], vec![None; plan.targets.len()]);
        let (values, mapped) = (Vec::new(), Vec::new());
        Self {
            plan,
            wanted,
            source: 0,
            rows: Rows::default(),
            values,
            mapped,
            group: String::new(),
            accepted,
            written,
            is_it: false,
            done: false,
        }
    }

    pub(super) fn end(self) -> Trace {
        let Self { plan, wanted, mut values, group, accepted, written, .. } = self;
        values.retain(|value| {
            !value.sources.is_empty()
                || !value.value.is_empty()
                || value.cells.iter().any(|cell| !cell.value.is_empty())
                || !value.steps.is_empty()
        });
        let direct = plan.sources.get(wanted.source).map_or(&[][..], |source| source.direct.as_slice());
        let as_it_is = direct.iter().map(Option::is_some).collect();
        Trace { item: wanted, group, values, accepted, written, as_it_is, findings: Vec::new() }
    }

    fn is_here(&self, head: RecordHead) -> bool {
        !self.done && self.source == self.wanted.source && head.number == self.wanted.record
    }

    fn value(&mut self, attribute: AttributeId) -> Option<&mut Value> {
        self.values.get_mut(attribute.index())
    }
}

/// The row as the target's own writer writes it: in its default format, or as JSON where that is
/// no text.
fn written(target: &TargetPlan, buffer: &str, row: &[Slot]) -> Option<Written> {
    let word = target.spec.identity.default_format.split(',').next().unwrap_or_default();
    let (format, writer): (String, Box<dyn RowWriter>) = match Nested::new(&target.spec, Part::Row) {
        Some(nested) => ("json".to_owned(), Box::new(nested)),
        None => {
            let format = FeedFormat::parse(word).ok().filter(|format| !format.word().starts_with("parquet"));
            let format = format.or_else(|| FeedFormat::parse("jsonl").ok())?;
            (format.word(), format.writer(&target.spec, &target.columns))
        }
    };
    let mut text = String::new();
    writer.row(buffer, row, &mut Before::default(), &mut text);
    Some(Written { format, row: text.trim_end_matches(['\n', '\r']).to_owned() })
}

/// A cell of the catalog with its place.
fn cell_of(source: &SourcePlan, origin: Origin, own: RecordHead) -> SourceCell {
    let head = origin.lender.unwrap_or(own);
    let (column, name) = source.column(origin.column);
    SourceCell {
        record: head.number,
        line: head.line,
        column,
        column_name: name.map(|name| name.to_string()).unwrap_or_default(),
        raw: origin.raw,
        lent: head.number != own.number,
    }
}

fn blank(attribute: AttributeId) -> Value {
    Value { attribute: name_of(attribute), sources: Vec::new(), steps: Vec::new(), value: String::new(), cells: Vec::new() }
}

impl Witness for OfOne<'_> {
    fn source(&mut self, source: usize) {
        self.source = source;
    }

    fn rows(&mut self, _: &str, made: &MadeOf<'_>) {
        if !self.is_here(made.head) {
            return;
        }
        self.rows.own = made.own.to_vec();
        self.rows.lender = made.lender.map(|(lender, cells)| (lender.head().map_or(Lender::Somewhere, Lender::Row), cells.to_vec()));
    }

    fn mapped(&mut self, buffer: &str, draft: &Draft) -> bool {
        if !self.is_here(draft.head) {
            return false;
        }
        let Some(source) = self.plan.sources.get(self.source) else { return false };
        let lender = self.rows.lender.as_ref().map(|(lender, cells)| (*lender, cells.as_slice()));
        let made = MadeOf { head: draft.head, own: &self.rows.own, lender };
        let mut copy = buffer.to_owned();
        let told = Attributes::shared().iter().map(|(id, _, _)| {
            let mut value = blank(id);
            let told = source.mapping.told(id, draft.get(id), &mut copy, &made);
            value.sources = told.origins.into_iter().map(|origin| cell_of(source, origin, draft.head)).collect();
            let steps = told.did.into_iter().map(|did| {
                let value = Some(did.value).filter(|value| !value.is_empty());
                Step { stage: Stage::Map, what: did.what, code: None, value }
            });
            value.steps = steps.collect();
            draft.get(id).text(buffer).clone_into(&mut value.value);
            value
        });
        self.mapped = told.collect();
        true
    }

    fn ruled(&mut self, buffer: &str, draft: &Draft, notes: &[Note]) {
        self.is_it = self.is_here(draft.head) && draft.get(known("item_id")).text(buffer) == self.wanted.id;
        if !self.is_it {
            return;
        }
        self.done = true;
        // What was judged as it is has shown its cells already.
        let before = std::mem::replace(&mut self.values, std::mem::take(&mut self.mapped));
        for (value, before) in self.values.iter_mut().zip(before) {
            value.cells = before.cells;
        }
        draft.get(known("group_id")).text(buffer).clone_into(&mut self.group);
        for note in notes {
            let Some(value) = self.values.get_mut(note.attribute.index()) else { continue };
            let stage = if note.defect == "set-by-rule" { Stage::Rule } else { Stage::Normalize };
            let code = Some(format!("{}/{}", value.attribute, note.defect));
            let now = note.new.as_ref().map(|new| new.shown(buffer));
            value.steps.push(Step { stage, what: note.message.to_string(), code, value: now });
        }
        let prices = self.plan.sources.get(self.source).is_some_and(|source| source.normalizer.price_is_current);
        let swaps = prices && draft.get(known("sale_price")).is_present();
        for (id, _, _) in Attributes::shared().iter() {
            let now = draft.get(id).text(buffer);
            let Some(value) = self.value(id) else { continue };
            let before = std::mem::replace(&mut value.value, now.to_owned());
            // What nobody needs to hear of in a report is told here all the same.
            if before != now && !value.steps.iter().any(|step| step.stage != Stage::Map) {
                let what = match (before.is_empty(), now.is_empty()) {
                    _ if swaps && id == known("price") => "what is struck through is the regular price",
                    _ if swaps && id == known("sale_price") => "what is paid now is the sale price",
                    (true, _) => "follows from other values of the item",
                    (_, true) => "parted into other attributes, or not used",
                    _ => "written in the form of feeds",
                };
                value.steps.push(Step {
                    stage: Stage::Normalize,
                    what: what.to_owned(),
                    code: None,
                    value: Some(now.to_owned()).filter(|now| !now.is_empty()),
                });
            }
        }
    }

    fn judged(&mut self, judged: &Judged<'_>, accepted: bool) {
        let Judged { target, head, buffer, row, path } = *judged;
        let (Some(plan), Some(source)) = (self.plan.targets.get(target), self.plan.sources.get(self.source)) else { return };
        let is_direct = source.direct.get(target).is_some_and(Option::is_some);
        if is_direct {
            // A finished feed is judged before its rows are made into items for other targets.
            let id = plan.rules.item_field().map_or("", |field| row.get(field.index()).map_or("", |slot| slot.text(buffer)));
            let is_here = self.source == self.wanted.source && head.number == self.wanted.record && id == self.wanted.id;
            if !is_here || self.accepted.get(target).is_some_and(Option::is_some) {
                return;
            }
            if self.values.is_empty() {
                self.values = Attributes::shared().iter().map(|(id, _, _)| blank(id)).collect();
            }
        } else if !self.is_it || head.number != self.wanted.record {
            return;
        }
        if let Some(known) = self.accepted.get_mut(target) {
            *known = Some(accepted);
        }
        if let Some(known) = self.written.get_mut(target) {
            *known = written(plan, buffer, row);
        }
        let columns = if is_direct {
            (0..plan.spec.fields.len()).map(|place| crate::spec::FieldId(place as u16)).collect()
        } else {
            plan.columns.clone()
        };
        for field in columns {
            let slot = row.get(field.index()).copied().unwrap_or_default();
            let (of, text) = (plan.spec.get(field), slot.text(buffer));
            let Some(value) = self.values.get_mut(of.attribute.index()) else { continue };
            if is_direct && slot.is_present() && value.sources.is_empty() {
                let cell = cell_of(source, Origin { column: slot.column, raw: text.to_owned(), lender: None }, head);
                value.sources.push(SourceCell { column_name: path(field).unwrap_or(cell.column_name), ..cell });
                text.clone_into(&mut value.value);
            }
            if !text.is_empty() || !value.value.is_empty() {
                value.cells.push(TargetCell { target, field: of.name.clone(), value: text.to_owned() });
            }
        }
    }
}
