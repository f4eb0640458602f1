//! Rows made into items: each platform's own idea of a product, its variants, and what they
//! inherit. What a row's item is called and which group it belongs to is settled here.

use super::apply::{Draft, slot};
use super::compile::{Mapping, REASON_IMAGE, REASON_ORPHAN, REASON_PARENT, unit_of};
use super::step::{OptionFrom, ParentPlan, RowPlan};
use super::stock::stock;
use super::survey::{Survey, is_word, key_of};
use super::transform::slug;
use super::variant::{IDS, as_variant, first_image, images, put_images, write_options};
use crate::catalog::{Batch, RecordHead};
use crate::cell::{Cell, NO_COLUMN, Shape, Slot};
use crate::product::attribute::AttributeId;
use crate::product::text;

/// Takes the items and the skipped records of a batch, in the order of the records.
pub trait Receive {
    /// An item; `buffer` is what its slots point into.
    fn item(&mut self, buffer: &mut String, draft: &mut Draft);
    /// A record that is no item, with the number of the reason.
    fn skipped(&mut self, head: RecordHead, reason: u16);
}

/// Makes items of batches; reused from batch to batch.
pub struct Assembler<'a> {
    with: With<'a>,
    pool: Vec<Draft>,
}

/// What items are made with.
#[derive(Clone, Copy)]
struct With<'a> {
    mapping: &'a Mapping,
    survey: &'a Survey,
}

impl<'a> Assembler<'a> {
    /// An assembler for one mapping; `survey` is empty where none was needed.
    pub fn new(mapping: &'a Mapping, survey: &'a Survey) -> Self {
        Self { with: With { mapping, survey }, pool: vec![Draft::default(), Draft::default()] }
    }

    /// Makes the items of a batch.
    pub fn run(&mut self, batch: &mut Batch, to: &mut dyn Receive) {
        let Batch { text, cells, heads, width, .. } = batch;
        let rows = Table { cells, heads, width: *width };
        match &self.with.mapping.rows {
            RowPlan::Flat { options } => {
                for place in 0..rows.heads.len() {
                    self.flat(text, &rows, place, options, to);
                }
            }
            RowPlan::Continuation { key, .. } => {
                let mut start = 0;
                while start < rows.heads.len() {
                    let name = slot(rows.row(start), *key).text(text);
                    let belongs = |place: &usize| {
                        let other = slot(rows.row(*place), *key).text(text);
                        other == name || text::trim(other).is_empty()
                    };
                    let end = (start + 1..rows.heads.len()).find(|place| !belongs(place)).unwrap_or(rows.heads.len());
                    self.run_of_rows(text, &rows, start..end, to);
                    start = end;
                }
            }
            RowPlan::Parents(plan) => {
                for place in 0..rows.heads.len() {
                    self.with_parent(text, &rows, place, plan, to);
                }
            }
        }
    }

    fn flat(&mut self, buffer: &mut String, rows: &Table<'_>, place: usize, options: &[(OptionFrom, String)], to: &mut dyn Receive) {
        let with = self.with;
        let cells = rows.row(place);
        let head = rows.heads[place];
        if let Some(reason) = with.skips(buffer, cells, None) {
            return to.skipped(head, reason);
        }
        let draft = &mut self.pool[0];
        draft.reset(head);
        self.with.mapping.fill(buffer, cells, draft);
        self.with.mapping.fill_defaults(buffer, draft);
        if draft.get(IDS.group_id).is_present() && !draft.get(IDS.variant_dict).is_present() {
            with.options(buffer, cells, cells, draft);
            for (from, name) in options {
                let value = match from {
                    OptionFrom::Attribute(attribute) => draft.get(*attribute),
                    OptionFrom::Column(column) => slot(cells, *column),
                };
                let is_named = draft.options.iter().any(|(known, _)| known.text(buffer).eq_ignore_ascii_case(name));
                if value.is_present() && !is_named {
                    let name = Cell::store(buffer, name, Shape::Text);
                    draft.options.push((Slot { cell: name, column: NO_COLUMN }, value));
                }
            }
            write_options(buffer, draft);
        }
        to.item(buffer, draft);
    }

    /// A product whose rows stand together: the first carries the product, all may be variants.
    fn run_of_rows(&mut self, buffer: &mut String, rows: &Table<'_>, range: std::ops::Range<usize>, to: &mut dyn Receive) {
        let RowPlan::Continuation { key, .. } = &self.with.mapping.rows else { return };
        let name = slot(rows.row(range.start), *key).text(buffer);
        let scattered = self.with.survey.rows_of.get(&key_of(name));
        let Some(places) = scattered else {
            let run: Vec<(RecordHead, &[Cell])> = range.map(|place| (rows.heads[place], rows.row(place))).collect();
            return self.product(buffer, &run, to);
        };
        // The rows were collected beforehand; the run with the first of them makes all items.
        let first = places.first().and_then(|place| self.with.survey.kept.rows.get(*place)).map(|(head, _)| head.number);
        if first != Some(rows.heads[range.start].number) {
            return;
        }
        let moved: Vec<(RecordHead, Vec<Cell>)> = places
            .iter()
            .filter_map(|place| self.with.survey.kept.rows.get(*place))
            .map(|(head, cells)| {
                let copy = |cell: &Cell| Cell::store(buffer, cell.text(&self.with.survey.kept.text), cell.shape);
                (*head, cells.iter().map(copy).collect())
            })
            .collect();
        let run: Vec<(RecordHead, &[Cell])> = moved.iter().map(|(head, cells)| (*head, cells.as_slice())).collect();
        self.product(buffer, &run, to);
    }

    fn product(&mut self, buffer: &mut String, run: &[(RecordHead, &[Cell])], to: &mut dyn Receive) {
        let with = self.with;
        let RowPlan::Continuation { key, variant, image, position, carry, page } = &self.with.mapping.rows else { return };
        let Some((first, first_cells)) = run.first().copied() else { return };
        if let Some(reason) = with.skips(buffer, first_cells, None) {
            return run.iter().for_each(|(head, _)| to.skipped(*head, reason));
        }
        let is_variant = |cells: &[Cell]| variant.iter().any(|&column| slot(cells, column).is_present());
        let count = run.iter().filter(|(_, cells)| is_variant(cells)).count();
        while self.pool.len() < count + 1 {
            self.pool.push(Draft::default());
        }
        let images = images(buffer, run, *image, *position);
        let (product, variants) = self.pool.split_at_mut(1);
        let product = &mut product[0];
        product.reset(first);
        self.with.mapping.fill(buffer, first_cells, product);
        let name = slot(first_cells, *key);
        let mut used = 0;
        for (head, cells) in run {
            if !is_variant(cells) {
                continue;
            }
            let draft = &mut variants[used];
            used += 1;
            draft.reset(*head);
            draft.siblings = count as u32;
            self.with.mapping.fill(buffer, cells, draft);
            inherit(draft, product, carry);
            with.options(buffer, cells, first_cells, draft);
            stock(self.with.mapping, buffer, cells, None, draft);
            put_images(buffer, draft, &images);
            let base = name.text(buffer).to_owned();
            with.id(buffer, draft, &base);
            if !draft.get(IDS.url).is_present()
                && let Some(url) = with.page(&page.replace("{key}", &base))
            {
                draft.set(IDS.url, Slot { cell: Cell::store(buffer, &url, Shape::Text), column: name.column });
            }
        }
        let drafts = &mut variants[..used];
        if count > 1 {
            let key = name.text(buffer).to_owned();
            let clash = drafts.iter().any(|draft| draft.get(IDS.item_id).text(buffer) == key);
            let group = if clash { format!("g-{key}") } else { key };
            let group = Slot { cell: Cell::store(buffer, &group, Shape::Text), column: name.column };
            for draft in drafts.iter_mut() {
                draft.set(IDS.group_id, group);
                as_variant(buffer, draft);
            }
        }
        let mut made = drafts.iter_mut();
        for (head, cells) in run {
            if !is_variant(cells) {
                to.skipped(*head, REASON_IMAGE);
            } else if let Some(draft) = made.next() {
                self.with.mapping.fill_defaults(buffer, draft);
                to.item(buffer, draft);
            }
        }
    }

    fn with_parent(&mut self, buffer: &mut String, rows: &Table<'_>, place: usize, plan: &ParentPlan, to: &mut dyn Receive) {
        let with = self.with;
        let cells = rows.row(place);
        let head = rows.heads[place];
        let role = slot(cells, plan.role).text(buffer).to_owned();
        if is_word(&role, &plan.parents) {
            return to.skipped(head, REASON_PARENT);
        }
        let is_child = is_word(&role, &plan.children);
        // The parent's cells move behind the buffer, so that one buffer holds the whole item.
        let parent: Option<Vec<Cell>> = is_child
            .then(|| slot(cells, plan.parent).text(buffer).to_owned())
            .and_then(|name| self.with.survey.parent(&name))
            .map(|(_, cells)| cells.iter().map(|cell| Cell::store(buffer, cell.text(&self.with.survey.kept.text), cell.shape)).collect());
        if is_child && parent.is_none() {
            return to.skipped(head, REASON_ORPHAN);
        }
        if let Some(reason) = with.skips(buffer, cells, parent.as_deref()) {
            return to.skipped(head, reason);
        }
        let (product, variants) = self.pool.split_at_mut(1);
        let draft = &mut variants[0];
        draft.reset(head);
        self.with.mapping.fill(buffer, cells, draft);
        stock(self.with.mapping, buffer, cells, parent.as_deref(), draft);
        let mut page_id = plan.id.map(|column| slot(cells, column));
        if let Some(parent) = &parent {
            let product = &mut product[0];
            product.reset(head);
            self.with.mapping.fill(buffer, parent, product);
            // The parent stands in another row: its columns are right, its record is not this one.
            inherit(draft, product, &plan.carry);
            draft.siblings = 2;
            with.options(buffer, cells, parent, draft);
            let id = plan.id.map(|column| slot(parent, column)).filter(|slot| slot.is_present());
            let code = plan.code.map(|column| slot(parent, column)).filter(|slot| slot.is_present());
            page_id = id;
            let base = id.or(code).map(|slot| slot.text(buffer).to_owned()).unwrap_or_default();
            let group = format!("{}{base}", plan.prefix);
            draft.set(IDS.group_id, Slot { cell: Cell::store(buffer, &group, Shape::Text), column: plan.parent });
            draft.set(IDS.item_group_title, product.get(IDS.title));
            with.id(buffer, draft, &group);
            as_variant(buffer, draft);
        }
        if let Some(id) = page_id.filter(|slot| slot.is_present() && !draft.get(IDS.url).is_present())
            && let Some(url) = with.page(&plan.page.replace("{id}", text::trim(id.text(buffer))))
        {
            draft.set(IDS.url, Slot { cell: Cell::store(buffer, &url, Shape::Text), column: id.column });
        }
        first_image(buffer, draft);
        self.with.mapping.fill_defaults(buffer, draft);
        to.item(buffer, draft);
    }
}

impl With<'_> {
    /// The reason why a record is no offer, if it is none; a blank cell says what the parent's says.
    fn skips(&self, buffer: &str, cells: &[Cell], parent: Option<&[Cell]>) -> Option<u16> {
        let says = |cells: &[Cell], column: u16, words: &[String]| is_word(slot(cells, column).text(buffer), words);
        let skip = self
            .mapping
            .skip
            .iter()
            .find(|skip| says(cells, skip.column, &skip.words) || parent.is_some_and(|parent| says(parent, skip.column, &skip.words)));
        skip.map(|skip| skip.reason)
    }

    /// The options of a row: values from the row, names from it or from the row that carries them.
    fn options(&self, buffer: &str, cells: &[Cell], carrier: &[Cell], draft: &mut Draft) {
        for (name_column, value_column) in &self.mapping.options {
            let value = slot(cells, *value_column);
            let Some(name_column) = name_column else { continue };
            let own = slot(cells, *name_column);
            let name = if own.is_present() { own } else { slot(carrier, *name_column) };
            if text::trim(value.text(buffer)).is_empty() || text::trim(name.text(buffer)).is_empty() {
                continue;
            }
            let none =
                self.mapping.no_option.as_ref().is_some_and(|none| name.text(buffer) == none.name && value.text(buffer) == none.value);
            if !none {
                draft.options.push((name, value));
            }
        }
    }

    /// Gives the item an id: its own where no other row has the same, else one made of the
    /// product's key and the options.
    fn id(&self, buffer: &mut String, draft: &mut Draft, base: &str) {
        let own = draft.get(IDS.item_id);
        let value = text::trim(own.text(buffer)).trim_start_matches('\'');
        if !value.is_empty() && !self.survey.is_repeated(own.text(buffer)) {
            return;
        }
        let values: Vec<String> = draft.options.iter().map(|(_, value)| slug(value.text(buffer))).collect();
        let id = if values.is_empty() { base.to_owned() } else { format!("{base}-{}", values.join("-")) };
        draft.write(buffer, IDS.item_id, &id);
    }

    fn page(&self, path: &str) -> Option<String> {
        let base = self.mapping.base_url.as_ref()?;
        let mut text = base.as_str().trim_end_matches('/').to_owned();
        text.push('/');
        text.push_str(path);
        Some(text)
    }
}

struct Table<'a> {
    cells: &'a [Cell],
    heads: &'a [RecordHead],
    width: usize,
}

impl<'a> Table<'a> {
    fn row(&self, place: usize) -> &'a [Cell] {
        self.cells.get(place * self.width..(place + 1) * self.width).unwrap_or_default()
    }
}

fn inherit(draft: &mut Draft, from: &Draft, attributes: &[AttributeId]) {
    for &attribute in attributes {
        if draft.get(attribute).is_present() {
            continue;
        }
        draft.set(attribute, from.get(attribute));
        // A number means nothing without the unit it came with.
        if let Some(unit) = unit_of(attribute).filter(|_| from.get(attribute).is_present()) {
            draft.set(unit, from.get(unit));
        }
    }
}
