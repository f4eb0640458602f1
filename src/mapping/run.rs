//! Products that are runs of rows: the first row carries the product, later ones are variants
//! or only bring images. Where the rows of a product do not stand together, or are very many,
//! the first pass has kept what they share, and each row is made into an item where it stands.

use super::adjust::Row;
use super::apply::slot;
use super::compile::{REASON_ADJUSTS, REASON_IMAGE, REASON_LENDS, REASON_VIEW};
use super::rows::{Assembler, Lender, MadeOf, Receive, Table, With, inherit};
use super::step::{From, RunPlan};
use super::stock::stock;
use super::survey::{Survey, is_word, key_of};
use super::variant::{IDS, put_images};
use crate::catalog::RecordHead;
use crate::cell::{Cell, Slot};
use crate::product::{number, text};

impl RunPlan {
    /// Whether a row begins a product: another key than the row above, or a role that says so.
    pub(super) fn begins(&self, buffer: &str, cells: &[Cell], above: &str) -> bool {
        match self.key {
            Some(key) => {
                let key = key.text(buffer, cells);
                !key.is_empty() && key != above
            }
            None => self.role.is_some_and(|role| is_word(slot(cells, role).text(buffer), &self.product)),
        }
    }

    /// What the product is called by, as its first row says.
    pub(super) fn name(&self, buffer: &str, carrier: &[Cell]) -> Slot {
        let named = self.group.map(|group| slot(carrier, group));
        named.or_else(|| self.key.map(|key| key.of(buffer, carrier))).unwrap_or_default()
    }

    /// Whether a row is a variant, as far as it says itself.
    pub(super) fn is_variant(&self, buffer: &str, cells: &[Cell]) -> bool {
        match self.role.filter(|_| !self.variant_words.is_empty()) {
            Some(role) => is_word(slot(cells, role).text(buffer), &self.variant_words),
            None => self.variant.iter().any(|&column| !text::trim(slot(cells, column).text(buffer)).is_empty()),
        }
    }

    /// A later row's cells, with the blank ones of some columns taken from the first row.
    fn filled(&self, buffer: &str, cells: &[Cell], carrier: &[Cell]) -> Vec<Cell> {
        let mut filled = cells.to_vec();
        for &column in &self.fill {
            if text::trim(slot(cells, column).text(buffer)).is_empty()
                && let (Some(own), Some(first)) = (filled.get_mut(usize::from(column)), carrier.get(usize::from(column)))
            {
                *own = *first;
            }
        }
        filled
    }

    /// The place of a row's image among those of its product.
    pub(super) fn image(&self, buffer: &str, cells: &[Cell], place: u64) -> Option<(u64, Slot)> {
        let image = slot(cells, self.image?);
        let order = self.position.and_then(|position| number::parse_whole(slot(cells, position).text(buffer)));
        let is_main = self.main.as_ref().is_some_and(|(column, words)| is_word(slot(cells, *column).text(buffer), words));
        image.is_present().then(|| (if is_main { 0 } else { order.unwrap_or(place + 1).saturating_add(1) }, image))
    }
}

/// What the rows of a product share.
pub(super) struct Product {
    /// The first row.
    pub(super) carrier: Vec<Cell>,
    /// What the product is called by.
    pub(super) key: Slot,
    /// How many of its rows are items.
    pub(super) count: u32,
    /// Whether the first row is one of them.
    pub(super) first_counts: bool,
    /// Whether an item is called as the product is.
    pub(super) clash: bool,
    /// Its images in their order.
    pub(super) images: Vec<Slot>,
}

impl With<'_> {
    /// Whether a row's item would be called as its product is.
    pub(super) fn clashes(&self, buffer: &mut String, cells: &[Cell], carrier: &[Cell], key: &str) -> bool {
        let step = self.mapping.steps.iter().find(|step| step.attribute == IDS.item_id);
        let own = step.map_or(Slot::EMPTY, |step| match &step.from {
            From::Column(column) => slot(cells, *column),
            From::FirstOf(columns) => columns.iter().map(|&column| slot(cells, column)).find(|slot| slot.is_present()).unwrap_or_default(),
            From::Constant(_) | From::Template(_) | From::Sum(_) | From::Total(_) | From::All(_) => Slot::EMPTY,
        });
        if self.has_own_id(buffer, own) {
            return text::trim(own.text(buffer)).trim_start_matches('\'') == key;
        }
        let mut options = Vec::new();
        self.mapping.options(buffer, cells, carrier, &mut options);
        options.is_empty()
    }
}

impl Assembler<'_> {
    pub(super) fn runs(&mut self, buffer: &mut String, rows: &Table<'_>, plan: &RunPlan, to: &mut dyn Receive) {
        let mut start = 0;
        while start < rows.heads.len() {
            let above = plan.key.map(|key| key.text(buffer, rows.row(start)).to_owned()).unwrap_or_default();
            let end = (start + 1..rows.heads.len()).find(|place| plan.begins(buffer, rows.row(*place), &above)).unwrap_or(rows.heads.len());
            let run: Vec<(RecordHead, &[Cell])> = (start..end).map(|place| (rows.heads[place], rows.row(place))).collect();
            start = end;
            let (views, run): (Vec<_>, Vec<_>) = run.into_iter().partition(|(head, _)| self.with.survey.is_view(head.number));
            views.iter().for_each(|(head, _)| to.skipped(*head, REASON_VIEW));
            let (changes, run): (Vec<_>, Vec<_>) = match &plan.adjust {
                None => (Vec::new(), run),
                Some(adjust) => run.into_iter().partition(|(_, cells)| adjust.is_one(buffer, cells)),
            };
            changes.iter().for_each(|(head, _)| to.skipped(*head, REASON_ADJUSTS));
            if run.is_empty() {
                continue;
            }
            let kept = self.with.survey.scattered(key_of(&above)).filter(|_| plan.key.is_some());
            let product = match &kept {
                Some(kept) => self.with.survey.product(kept, plan, buffer, run.first().map_or(0, |(_, cells)| cells.len())),
                None => self.product(buffer, &run, plan),
            };
            let first = kept.and_then(|kept| self.with.survey.first_of(&kept)).or(run.first().map(|(head, _)| *head));
            let shared = self.share(buffer, product, plan, first.unwrap_or(RecordHead { number: 0, line: 0 }));
            for (head, cells) in run {
                self.row(buffer, (head, cells), &changes, &shared, plan, to);
            }
        }
    }

    /// What the rows of a run share.
    fn product(&self, buffer: &mut String, run: &[(RecordHead, &[Cell])], plan: &RunPlan) -> Product {
        let carrier = run.first().map_or_else(Vec::new, |(_, cells)| cells.to_vec());
        let key = plan.name(buffer, &carrier);
        let counted = |place: usize, cells: &[Cell], buffer: &str| (place > 0 || !plan.first_lends) && plan.is_variant(buffer, cells);
        let mut images = Vec::new();
        let mut count = 0;
        let mut clash = false;
        let name = text::trim(key.text(buffer)).to_owned();
        for (place, (_, cells)) in run.iter().enumerate() {
            images.extend(plan.image(buffer, cells, place as u64));
            if counted(place, cells, buffer) {
                count += 1;
                clash = clash || self.with.clashes(buffer, cells, &carrier, &name);
            }
        }
        images.sort_by_key(|(order, _)| *order);
        let images = images.into_iter().map(|(_, image)| image).collect();
        let first_counts = !plan.first_lends || count == 0;
        Product { carrier, key, count: count.max(u32::from(first_counts && plan.first_lends)), first_counts, clash, images }
    }

    /// Makes what is the same for every item of a product once.
    fn share(&mut self, buffer: &mut String, product: Product, plan: &RunPlan, first: RecordHead) -> Shared {
        let with = self.with;
        let skip = with.skips(buffer, first, &product.carrier, None);
        self.product.reset(first);
        with.mapping.fill(buffer, &product.carrier, &mut self.product);
        let base = text::trim(product.key.text(buffer)).to_owned();
        let group = if product.clash && plan.prefix.is_empty() { format!("g-{base}") } else { format!("{}{base}", plan.prefix) };
        let group = (product.count > 1 && !base.is_empty()).then(|| Slot::store(buffer, &group, product.key.column));
        let listed: Vec<String> = product.images.iter().map(|image| text::trim(image.text(buffer)).replace(',', "%2C")).collect();
        let column = product.images.first().map_or(crate::cell::NO_COLUMN, |image| image.column);
        let images = if listed.is_empty() { Slot::EMPTY } else { Slot::store(buffer, &listed.join(","), column) };
        Shared { product, base, group, skip, images, first }
    }

    fn row(
        &mut self,
        buffer: &mut String,
        (head, cells): Row<'_>,
        changes: &[Row<'_>],
        shared: &Shared,
        plan: &RunPlan,
        to: &mut dyn Receive,
    ) {
        let with = self.with;
        let Product { carrier, key, count, first_counts, images, .. } = &shared.product;
        let is_first = head.number == shared.first.number;
        let is_item = if is_first && plan.first_lends { *first_counts } else { plan.is_variant(buffer, cells) };
        let skip = shared.skip.or_else(|| with.skips(buffer, head, cells, Some(carrier)).filter(|_| is_item));
        if let Some(reason) = skip {
            return to.skipped(head, reason);
        }
        if !is_item {
            return to.skipped(head, if is_first && plan.first_lends { REASON_LENDS } else { REASON_IMAGE });
        }
        let draft = &mut self.draft;
        draft.reset(head);
        draft.siblings = *count;
        let filled = (!is_first && !plan.fill.is_empty()).then(|| plan.filled(buffer, cells, carrier));
        let cells = filled.as_deref().unwrap_or(cells);
        with.mapping.fill(buffer, cells, draft);
        if !is_first {
            inherit(draft, &self.product, &plan.carry, &[], &plan.lead);
        }
        with.mapping.discount(buffer, cells, draft);
        with.mapping.options(buffer, cells, carrier, &mut draft.options);
        if let Some(reason) = plan.adjust.as_ref().and_then(|adjust| with.adjust(buffer, adjust, changes, cells, draft)) {
            return to.skipped(head, reason);
        }
        stock(with.mapping, buffer, cells, (!is_first).then_some(carrier.as_slice()), draft);
        put_images(draft, images, shared.images);
        with.id(buffer, draft, &shared.base);
        if let Some(page) = &plan.page {
            with.page(buffer, page, cells, carrier, *key, draft);
        }
        let lender = (!is_first).then_some((Lender::Row(shared.first), carrier.as_slice()));
        with.finish(buffer, draft, shared.group, &MadeOf { head, own: cells, lender }, to);
    }
}

/// What is the same for every item of a product.
struct Shared {
    product: Product,
    base: String,
    group: Option<Slot>,
    skip: Option<u16>,
    images: Slot,
    first: RecordHead,
}

/// What the first pass keeps of a product whose rows do not stand together.
#[derive(Debug, Default)]
pub(super) struct KeptProduct {
    pub(super) carrier: Option<u64>,
    pub(super) count: u32,
    pub(super) clash: bool,
    pub(super) images: Vec<(u64, String)>,
    pub(super) rows: u64,
}

/// How many images of one product count.
const MOST_IMAGES: usize = 1000;

impl KeptProduct {
    /// Takes a row into account.
    pub(super) fn observe(&mut self, with: With<'_>, plan: &RunPlan, buffer: &mut String, cells: &[Cell], carrier: &[Cell], key: &str) {
        let is_first = self.rows == 0;
        if let Some((order, image)) = plan.image(buffer, cells, self.rows)
            && self.images.len() < MOST_IMAGES
        {
            self.images.push((order, text::trim(image.text(buffer)).to_owned()));
        }
        if (!is_first || !plan.first_lends) && plan.is_variant(buffer, cells) {
            self.count += 1;
            self.clash = self.clash || with.clashes(buffer, cells, carrier, key);
        }
        self.rows += 1;
    }
}

impl Survey {
    /// What a product's rows share, put behind the buffer.
    fn product(&self, kept: &KeptProduct, plan: &RunPlan, buffer: &mut String, width: usize) -> Product {
        let mut carrier = vec![Cell::ABSENT; width];
        if let Some(place) = kept.carrier {
            self.scattered.carriers.load(place, buffer, &mut carrier);
        }
        let key = plan.name(buffer, &carrier);
        let mut ordered: Vec<&(u64, String)> = kept.images.iter().collect();
        ordered.sort_by_key(|(order, _)| *order);
        let column = plan.image.unwrap_or(crate::cell::NO_COLUMN);
        let images = ordered.into_iter().map(|(_, image)| Slot::store(buffer, image, column)).collect();
        let first_counts = !plan.first_lends || kept.count == 0;
        Product {
            carrier,
            key,
            count: kept.count.max(u32::from(first_counts && plan.first_lends)),
            first_counts,
            clash: kept.clash,
            images,
        }
    }

    fn first_of(&self, kept: &KeptProduct) -> Option<RecordHead> {
        kept.carrier.and_then(|place| self.scattered.carriers.head(place))
    }
}
