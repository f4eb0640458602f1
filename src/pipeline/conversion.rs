//! What becomes of a finished feed that is rendered for another spec: which fields its columns
//! go to, and for each value whether it arrived.
//!
//! Nothing is converted here. The mapping, the normalizer and the projection do that as in any
//! build; this looks at a cell before and at the row after, and counts.

use super::amend::is_same;
use crate::account::{Account, Added, Column};
use crate::catalog::{Batch, Header, RecordHead};
use crate::cell::{Cell, Slot};
use crate::mapping::Mapping;
use crate::mapping::compile::unit_of;
use crate::product::attribute::{AttributeId, known};
use crate::product::text;
use crate::rules::Fault;
use crate::spec::model::Requirement;
use crate::spec::{Field, FieldId, Spec, Write};

/// How the columns of a feed go to the fields of a spec.
#[derive(Clone, Debug)]
pub struct Conversion {
    from: String,
    to: String,
    /// By column.
    columns: Vec<Way>,
    /// The target's fields: name, whether it is required, whether a column goes there.
    fields: Vec<(String, bool, bool)>,
}

/// Where a column goes.
#[derive(Clone, Debug)]
struct Way {
    name: String,
    to: Vec<FieldId>,
    /// Columns of the same attribute that win where they have a value.
    after: Vec<u16>,
    /// Why it goes nowhere.
    note: Option<String>,
    /// Why a value may not arrive, where no finding says it better.
    if_lost: String,
}

impl Conversion {
    /// Follows the first `seen` columns of a feed of `from` through `mapping` to the fields of `to`.
    pub fn new(from: &Spec, to: &Spec, mapping: &Mapping, header: &Header, seen: usize) -> Self {
        let way = |(place, name): (usize, &std::sync::Arc<str>)| {
            let column = place as u16;
            let mut attributes = Vec::new();
            let mut after = Vec::new();
            for step in &mapping.steps {
                let columns = step.columns();
                let Some(rank) = columns.iter().position(|known| *known == column) else { continue };
                after.extend(columns.into_iter().take(rank));
                attributes.push(step.attribute());
            }
            let field = from.field(name).map(|id| from.get(id));
            // A value given for all items takes the column's place.
            attributes.extend(
                field
                    .map(|field| field.attribute)
                    .filter(|own| attributes.is_empty() && mapping.steps.iter().any(|step| step.attribute() == *own)),
            );
            let unit = attributes.first().and_then(|first| unit_of(*first));
            attributes.extend(field.into_iter().flat_map(|field| more(&field.written.kind)));
            let unit = unit.or_else(|| attributes.iter().find_map(|attribute| unit_of(*attribute)));
            // A unit goes to a field of its own; in a field with another number it says nothing of this one.
            let reads = |field: &Field| {
                field.write.reads(field.attribute).iter().any(|read| attributes.contains(read))
                    || field.write == Write::Same && unit == Some(field.attribute)
            };
            let fields = to.fields.iter().enumerate().filter(|(_, field)| reads(field));
            let fields: Vec<FieldId> = fields.map(|(place, _)| FieldId(place as u16)).collect();
            let note = fields.is_empty().then(|| {
                let is_read = |id: FieldId| to.get(id).write != Write::None;
                match (to.identity.removed.get(&**name), to.field(name)) {
                    (Some(removed), _) => removed.clone(),
                    (None, Some(id)) if field.is_some() && is_read(id) => format!("`{name}` of {} means something else", to.name()),
                    (None, Some(_)) => format!("{} has the field, and nothing is written there", to.name()),
                    (None, None) if field.is_some() => format!("{} has no such field", to.name()),
                    (None, None) => format!("{} has no such field either", from.name()),
                }
            });
            let winner = after.first().and_then(|column: &u16| header.names().get(usize::from(*column)));
            let window = ["sale_price_start_date", "sale_price_end_date"].map(known);
            let if_lost = if let Some(winner) = winner {
                format!("where both have a value, `{winner}` counts")
            } else if fields.iter().any(|field| matches!(to.get(*field).write, Write::Since(_))) {
                "written only from the day the sale begins, because the target schedules nothing".to_owned()
            } else if attributes.iter().any(|attribute| window.contains(attribute)) {
                "the window of a sale that is over, or without a price, is not written".to_owned()
            } else {
                "another column gives the value, or nothing could be made of it".to_owned()
            };
            Way { name: name.to_string(), to: fields, after, note, if_lost }
        };
        let columns: Vec<Way> = header.names().iter().take(seen).enumerate().map(way).collect();
        let is_given = |place: usize| columns.iter().any(|way| way.to.iter().any(|field| field.index() == place));
        let fields = to.fields.iter().enumerate().map(|(place, field)| {
            let required = field.written.requirement == Requirement::Required;
            (field.name.clone(), required, is_given(place))
        });
        Self { from: from.name(), to: to.name(), fields: fields.collect(), columns }
    }

    /// An empty tally for a batch, but for how many cells have a value.
    pub(super) fn tally(&self, batch: &Batch) -> Tally {
        let mut tally =
            Tally { columns: vec![Seen::default(); self.columns.len()], added: vec![Filled::default(); self.fields.len()], items: 0 };
        for row in 0..batch.heads.len() {
            for (seen, cell) in tally.columns.iter_mut().zip(batch.row(row)) {
                seen.values += u64::from(cell.is_present());
            }
        }
        tally
    }

    /// The account of everything that was tallied.
    pub(super) fn account(&self, tally: &Tally) -> Account {
        let mut columns = Vec::with_capacity(self.columns.len());
        for (way, seen) in self.columns.iter().zip(tally.columns.iter().chain(std::iter::repeat(&Seen::NONE))) {
            let to = way.to.iter().filter_map(|field| self.fields.get(field.index())).map(|(name, _, _)| name.clone()).collect();
            let lost = seen.values.saturating_sub(seen.same + seen.reshaped);
            columns.push(Column {
                name: way.name.clone(),
                to,
                values: seen.values,
                same: seen.same,
                reshaped: seen.reshaped,
                lost,
                note: way.note.clone().or_else(|| (lost > 0).then(|| seen.reason.clone().unwrap_or_else(|| way.if_lost.clone()))),
                example: seen.example.clone(),
            });
        }
        let added = self.fields.iter().zip(tally.added.iter().chain(std::iter::repeat(&Filled::NONE)));
        let added = added.filter(|((_, required, is_given), filled)| !is_given && (*required || filled.count > 0));
        let added = added.map(|((name, required, _), filled)| Added {
            name: name.clone(),
            required: *required,
            values: filled.count,
            example: filled.example.clone(),
        });
        Account { from: self.from.clone(), to: self.to.clone(), items: tally.items, columns, added: added.collect() }
    }
}

/// Further attributes that a value of this type gives, besides the one it is read as.
fn more(kind: &str) -> Vec<AttributeId> {
    let names: &[&str] = match kind {
        "date_range" => &["sale_price_end_date"],
        "dimensions" | "dimensions_text" => &["length", "width", "height"],
        _ => &[],
    };
    names.iter().map(|name| known(name)).collect()
}

/// What was seen of a column.
#[derive(Clone, Debug, Default)]
struct Seen {
    values: u64,
    same: u64,
    reshaped: u64,
    example: Option<(String, String)>,
    /// Why a value was lost.
    reason: Option<String>,
}

impl Seen {
    const NONE: Self = Self { values: 0, same: 0, reshaped: 0, example: None, reason: None };
}

/// How often a field that no column gives was filled.
#[derive(Clone, Debug, Default)]
struct Filled {
    count: u64,
    example: Option<String>,
}

impl Filled {
    const NONE: Self = Self { count: 0, example: None };
}

/// What became of the values of a batch, or of all batches together.
#[derive(Debug, Default)]
pub(super) struct Tally {
    items: u64,
    columns: Vec<Seen>,
    /// By field.
    added: Vec<Filled>,
}

impl Tally {
    /// Adds a later batch.
    pub(super) fn add(&mut self, later: Self) {
        self.items += later.items;
        self.columns.resize(self.columns.len().max(later.columns.len()), Seen::default());
        self.added.resize(self.added.len().max(later.added.len()), Filled::default());
        for (sum, seen) in self.columns.iter_mut().zip(later.columns) {
            sum.values += seen.values;
            sum.same += seen.same;
            sum.reshaped += seen.reshaped;
            sum.example = sum.example.take().or(seen.example);
            sum.reason = sum.reason.take().or(seen.reason);
        }
        for (sum, filled) in self.added.iter_mut().zip(later.added) {
            sum.count += filled.count;
            sum.example = sum.example.take().or(filled.example);
        }
    }

    /// Looks at an item: its cells as they were, and its row as it was judged.
    pub(super) fn item(&mut self, conversion: &Conversion, buffer: &str, cells: &[Cell], row: &[Slot], faults: &[Fault]) {
        self.items += 1;
        let slot = |field: &FieldId| row.get(field.index()).copied().unwrap_or_default();
        let is_refused = |field: &FieldId| {
            faults.iter().any(|fault| fault.rejects && fault.field == *field && !fault.fix.as_ref().is_some_and(|fix| fix.applied))
        };
        for ((way, seen), cell) in conversion.columns.iter().zip(&mut self.columns).zip(cells) {
            let is_beaten = way.after.iter().any(|other| cells.get(usize::from(*other)).is_some_and(|cell| cell.is_present()));
            if !cell.is_present() || is_beaten {
                continue;
            }
            let mut arrived = way.to.iter().filter(|field| slot(field).is_present() && !is_refused(field)).peekable();
            if arrived.peek().is_none() {
                if seen.reason.is_none() {
                    seen.reason = reason(conversion, way, faults);
                }
                continue;
            }
            if arrived.clone().any(|field| is_same(*cell, slot(field), buffer)) {
                seen.same += 1;
                continue;
            }
            seen.reshaped += 1;
            if seen.example.is_none() {
                let several = way.to.len() > 1;
                let part = |field: &FieldId| {
                    let value = text::excerpt(slot(field).text(buffer), 200);
                    match conversion.fields.get(field.index()).filter(|_| several) {
                        Some((name, _, _)) => format!("{name}={value}"),
                        None => value,
                    }
                };
                seen.example = Some((text::excerpt(cell.text(buffer), 200), arrived.map(part).collect::<Vec<_>>().join(" ")));
            }
        }
        for ((filled, slot), (_, _, is_given)) in self.added.iter_mut().zip(row).zip(&conversion.fields) {
            if slot.is_present() && !is_given {
                filled.count += 1;
                filled.example.get_or_insert_with(|| text::excerpt(slot.text(buffer), 60));
            }
        }
    }
}

/// What was found about the fields that a lost value would have gone to; a rule over several
/// fields names them in its message.
fn reason(conversion: &Conversion, way: &Way, faults: &[Fault]) -> Option<String> {
    let is_about = |fault: &&Fault| {
        let names = way.to.iter().filter_map(|field| conversion.fields.get(field.index()));
        way.to.contains(&fault.field) || names.into_iter().any(|(name, _, _)| fault.message.contains(&format!("`{name}`")))
    };
    faults.iter().find(is_about).map(|fault| fault.message.clone())
}

/// The cells of a batch as they were read; the buffer only grows, so they stay good.
#[derive(Debug, Default)]
pub(super) struct Original {
    cells: Vec<Cell>,
    heads: Vec<RecordHead>,
    width: usize,
}

impl Original {
    pub(super) fn keep(&mut self, batch: &Batch) {
        self.cells.clone_from(&batch.cells);
        self.heads.clone_from(&batch.heads);
        self.width = batch.width;
    }

    /// The cells of a record.
    pub(super) fn row(&self, head: RecordHead) -> &[Cell] {
        let place = self.heads.binary_search_by_key(&head.number, |known| known.number);
        place.ok().and_then(|place| self.cells.get(place * self.width..(place + 1) * self.width)).unwrap_or_default()
    }
}
