//! Rows made into items: each platform's own idea of a product, its variants, and what they
//! inherit. What a row's item is called and which group it belongs to is settled here.

use super::apply::{Draft, slot};
use super::compile::{Mapping, OptionFrom, ParentPlan, REASON_IMAGE, REASON_ORPHAN, REASON_PARENT, RowPlan, unit_of};
use super::preset::StockCondition;
use super::survey::{Survey, is_word, key_of};
use super::transform::slug;
use crate::catalog::block::{Align, Block, Mark};
use crate::catalog::open::Parser;
use crate::catalog::{Batch, Format, Header, RecordHead};
use crate::cell::{Cell, NO_COLUMN, Shape, Slot};
use crate::product::attribute::{AttributeId, known};
use crate::product::{number, options, synonyms, text};
use std::sync::{Arc, LazyLock};

/// Takes the items and the skipped records of a batch, in the order of the records.
pub trait Receive {
    /// An item; `buffer` is what its slots point into.
    fn item(&mut self, buffer: &mut String, draft: &mut Draft);
    /// A record that is no item, with the number of the reason.
    fn skipped(&mut self, head: RecordHead, reason: u16);
}

/// Attributes this module writes.
struct Ids {
    item_id: AttributeId,
    title: AttributeId,
    url: AttributeId,
    image_url: AttributeId,
    additional_image_urls: AttributeId,
    availability: AttributeId,
    inventory_quantity: AttributeId,
    inventory_not_tracked: AttributeId,
    group_id: AttributeId,
    item_group_title: AttributeId,
    listing_has_variations: AttributeId,
    variant_dict: AttributeId,
}

static IDS: LazyLock<Ids> = LazyLock::new(|| Ids {
    item_id: known("item_id"),
    title: known("title"),
    url: known("url"),
    image_url: known("image_url"),
    additional_image_urls: known("additional_image_urls"),
    availability: known("availability"),
    inventory_quantity: known("inventory_quantity"),
    inventory_not_tracked: known("inventory_not_tracked"),
    group_id: known("group_id"),
    item_group_title: known("item_group_title"),
    listing_has_variations: known("listing_has_variations"),
    variant_dict: known("variant_dict"),
});

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
            for (from, name) in options {
                let value = match from {
                    OptionFrom::Attribute(attribute) => draft.get(*attribute),
                    OptionFrom::Column(column) => slot(cells, *column),
                };
                if value.is_present() {
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

impl Mapping {
    /// How blocks of the source must be cut so that the rows of a product stay together.
    pub fn align(&self, header: &Arc<Header>, format: Format) -> Option<Align> {
        let RowPlan::Continuation { key, .. } = &self.rows else { return None };
        let (key, parser) = (usize::from(*key), Parser::of(format, header));
        Some(Box::new(move |bytes: &[u8], marks: &[Mark]| {
            let key_of = |mark: &Mark| {
                let range = mark.start as usize..mark.end as usize;
                let bytes = bytes.get(range).unwrap_or_default().to_vec();
                let end = bytes.len() as u32;
                let mark = Mark { start: 0, end, line: 1 };
                let batch = parser.parse(Block { index: 0, source: 0, bytes, marks: vec![mark], first: 1, position: 0 });
                batch.row(0).get(key).map(|cell| text::trim(cell.text(&batch.text)).to_owned())
            };
            // The last run may go on in the next block: everything before it is complete.
            let mut last: Option<String> = None;
            for (place, mark) in marks.iter().enumerate().rev() {
                // A record that cannot be read, or that leaves the key blank, ends no run.
                let Some(found) = key_of(mark).filter(|found| !found.is_empty()) else { continue };
                match &last {
                    Some(known) if *known != found => return place + 1,
                    Some(_) => {}
                    None => last = Some(found),
                }
            }
            0
        }))
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

/// Marks an item as a variant: options, title, and the attributes that options name.
fn as_variant(buffer: &mut String, draft: &mut Draft) {
    write_options(buffer, draft);
    if !draft.get(IDS.item_group_title).is_present() {
        draft.set(IDS.item_group_title, draft.get(IDS.title));
    }
    let title = draft.get(IDS.title).text(buffer).to_owned();
    let values: Vec<&str> = draft.options.iter().map(|(_, value)| text::trim(value.text(buffer))).collect();
    let missing: Vec<&str> = values.into_iter().filter(|value| !names_word(&title, value)).collect();
    if !title.is_empty() && !missing.is_empty() {
        let title = format!("{} - {}", text::trim(&title), missing.join(" / "));
        draft.write(buffer, IDS.title, &title);
    }
    for (name, value) in draft.options.clone() {
        if let Some(attribute) = synonyms::option_attribute(name.text(buffer)) {
            draft.set(attribute, value);
        }
    }
}

/// Whether a title names a value as whole words: `S` is not named by `Shirt`.
fn names_word(title: &str, value: &str) -> bool {
    let edge = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric());
    title.match_indices(value).any(|(at, found)| {
        let (before, after) = (title.get(..at).unwrap_or(""), title.get(at + found.len()..).unwrap_or(""));
        edge(before.chars().next_back()) && edge(after.chars().next())
    })
}

fn write_options(buffer: &mut String, draft: &mut Draft) {
    if draft.options.is_empty() {
        return;
    }
    let pairs: Vec<(String, String)> =
        draft.options.iter().map(|(name, value)| (text::one_line(name.text(buffer)), text::one_line(value.text(buffer)))).collect();
    let mut made = String::new();
    options::write(&pairs, &mut made);
    let column = draft.options.first().map_or(NO_COLUMN, |(_, value)| value.column);
    draft.set(IDS.variant_dict, Slot { cell: Cell::store(buffer, &made, Shape::Object), column });
    draft.set(IDS.listing_has_variations, Slot { cell: Cell::store(buffer, "true", Shape::Text), column });
}

/// The images of a product in their order.
fn images(buffer: &str, run: &[(RecordHead, &[Cell])], image: Option<u16>, position: Option<u16>) -> Vec<Slot> {
    let Some(image) = image else { return Vec::new() };
    let mut found: Vec<(u64, Slot)> = run
        .iter()
        .enumerate()
        .filter_map(|(place, (_, cells))| {
            let slot_of = slot(cells, image);
            let order = position.and_then(|position| number::parse_whole(slot(cells, position).text(buffer)));
            slot_of.is_present().then(|| (order.unwrap_or(place as u64 + 1), slot_of))
        })
        .collect();
    found.sort_by_key(|(order, _)| *order);
    found.into_iter().map(|(_, slot)| slot).collect()
}

/// The variant's own image first, then the product's; the others become additional ones.
fn put_images(buffer: &mut String, draft: &mut Draft, images: &[Slot]) {
    if !draft.get(IDS.image_url).is_present()
        && let Some(first) = images.first()
    {
        draft.set(IDS.image_url, *first);
    }
    let main = draft.get(IDS.image_url).text(buffer).to_owned();
    let others: Vec<String> = images
        .iter()
        .map(|slot| text::trim(slot.text(buffer)))
        .filter(|url| *url != text::trim(&main))
        .map(|url| url.replace(',', "%2C"))
        .collect();
    if let (false, Some(first)) = (others.is_empty(), images.first()) {
        let list = Slot { cell: Cell::store(buffer, &others.join(","), Shape::Text), column: first.column };
        draft.set(IDS.additional_image_urls, list);
    }
}

/// Takes the first of several images as the main one, where only a list is given.
fn first_image(buffer: &mut String, draft: &mut Draft) {
    let list = draft.get(IDS.additional_image_urls);
    if draft.get(IDS.image_url).is_present() || !list.is_present() {
        return;
    }
    let urls = text::split_urls(list.text(buffer));
    let Some((first, rest)) = urls.split_first() else { return };
    let (first, rest) = (first.clone(), rest.iter().map(|url| url.replace(',', "%2C")).collect::<Vec<_>>().join(","));
    draft.set(IDS.image_url, Slot { cell: Cell::store(buffer, &first, Shape::Text), column: list.column });
    draft.set(IDS.additional_image_urls, Slot { cell: Cell::store(buffer, &rest, Shape::Text), column: list.column });
}

/// Decides availability from stock columns, where none is given.
fn stock(mapping: &Mapping, buffer: &mut String, cells: &[Cell], parent: Option<&[Cell]>, draft: &mut Draft) {
    let Some(plan) = mapping.stock.as_ref().filter(|_| !draft.get(IDS.availability).is_present()) else { return };
    let input = |name: &str| -> (Option<u16>, String) {
        let Some(Some(column)) = plan.inputs.get(name) else { return (None, String::new()) };
        let own = text::trim(slot(cells, *column).text(buffer));
        let inherited = parent.filter(|_| own.eq_ignore_ascii_case("parent")).map(|parent| text::trim(slot(parent, *column).text(buffer)));
        (Some(*column), inherited.unwrap_or(own).to_owned())
    };
    let holds = |name: &str, condition: &StockCondition| {
        let (column, value) = input(name);
        let amount = number::parse(value.trim_start_matches('-'));
        let positive = amount.is_some_and(|amount| !amount.is_zero()) && !value.starts_with('-');
        match condition {
            StockCondition::Words(words) => column.is_some() && words.iter().any(|word| word.eq_ignore_ascii_case(&value)),
            StockCondition::State(state) => match state.as_str() {
                "blank" => value.is_empty() && column.is_some(),
                "filled" => !value.is_empty(),
                "positive" => positive,
                "not-positive" => amount.is_some() && !positive,
                _ => false,
            },
        }
    };
    let Some((_, availability, tracked)) =
        plan.rules.iter().find(|(when, _, _)| when.iter().all(|(name, condition)| holds(name, condition)))
    else {
        return;
    };
    // Where the platform cannot tell, a setting may.
    if availability == "unknown" && mapping.defaults.iter().any(|(attribute, _)| *attribute == IDS.availability) {
        return;
    }
    let column = ["state", "quantity", "tracker"].iter().find_map(|name| input(name).0).unwrap_or(NO_COLUMN);
    let (_, quantity) = input("quantity");
    draft.set(IDS.availability, Slot { cell: Cell::store(buffer, availability, Shape::Text), column });
    if *tracked {
        if draft.get(IDS.inventory_quantity).text(buffer) != quantity {
            draft.write(buffer, IDS.inventory_quantity, &quantity);
        }
    } else {
        draft.set(IDS.inventory_quantity, Slot::EMPTY);
        draft.set(IDS.inventory_not_tracked, Slot { cell: Cell::store(buffer, "true", Shape::Text), column });
    }
}
