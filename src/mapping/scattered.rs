//! Products whose rows do not stand together, or are too many to be held at a time: what their
//! rows share is collected in a pass of its own.

use super::compile::Mapping;
use super::heaps::{HEAPS, Heaps};
use super::index::{Gathered, Index};
use super::kept::{Kept, load, row, write_row};
use super::rows::With;
use super::run::KeptProduct;
use super::step::RowPlan;
use super::survey::{Survey, key_of};
use crate::catalog::Batch;
use crate::cell::Cell;
use crate::product::text;
use std::collections::BTreeMap;
use std::io;

/// What the rows of each such product share.
#[derive(Debug, Default)]
pub struct Scattered {
    /// Where a product stands, by its key.
    places: Index,
    products: Kept,
    /// Their first rows.
    pub(super) carriers: Kept,
}

impl Scattered {
    /// What the rows of a product share.
    pub(super) fn product(&self, key: u128) -> Option<KeptProduct> {
        self.products.bytes(self.places.get(key)?, KeptProduct::read)
    }

    /// What went wrong with temporary files.
    pub(super) fn failure(&self) -> Option<io::Error> {
        self.places.failure().or_else(|| self.products.failure()).or_else(|| self.carriers.failure())
    }
}

/// Collects the rows of scattered products.
#[derive(Debug)]
pub struct Collector {
    heaps: Heaps,
    memory: usize,
    last: Option<u128>,
    width: usize,
}

impl Collector {
    /// Nothing collected yet. About so many bytes stay in memory.
    pub fn new(memory: usize) -> Self {
        Self { heaps: Heaps::within(memory / 4), memory, last: None, width: 0 }
    }

    /// Takes the rows of a batch that belong to scattered products.
    ///
    /// # Errors
    /// When a temporary file cannot be written.
    pub fn observe(&mut self, mapping: &Mapping, survey: &Survey, batch: &mut Batch) -> io::Result<()> {
        mapping.wide.widen(&survey.tables, batch, false);
        let RowPlan::Run(plan) = &mapping.rows else { return Ok(()) };
        let Some(key) = plan.key else { return Ok(()) };
        self.width = batch.width;
        for (place, head) in batch.heads.iter().enumerate() {
            let cells = batch.row(place);
            // A blank key continues the product above, whichever that is.
            let name = key.text(&batch.text, cells);
            if !name.is_empty() {
                self.last = Some(key_of(name));
            }
            let Some(key) = self.last.filter(|key| survey.apart.has(*key)) else { continue };
            self.heaps.put(key, |out| {
                out.extend(key.to_le_bytes());
                write_row(*head, cells, &batch.text, out);
            })?;
        }
        Ok(())
    }

    /// Ends the pass: what the rows of each product share.
    ///
    /// # Errors
    /// When a temporary file could not be written or read.
    pub fn finish(mut self, mapping: &Mapping, survey: &Survey) -> io::Result<Scattered> {
        let RowPlan::Run(plan) = &mapping.rows else { return Ok(Scattered::default()) };
        let mut places = Gathered::within(self.memory / 8);
        let (mut products, mut carriers) = (Kept::within(self.memory / 8), Kept::within(self.memory / 4));
        let with = With { mapping, survey };
        let mut buffer = String::new();
        let (mut cells, mut first) = (vec![Cell::ABSENT; self.width], vec![Cell::ABSENT; self.width]);
        for heap in 0..HEAPS {
            let mut open: BTreeMap<u128, KeptProduct> = BTreeMap::new();
            self.heaps.take(heap, |mut records| {
                while let Some((key, rest)) = records.split_first_chunk() {
                    let Some((head, values, rest)) = row(rest) else { break };
                    records = rest;
                    buffer.clear();
                    cells.fill(Cell::ABSENT);
                    first.fill(Cell::ABSENT);
                    load(values, &mut buffer, &mut cells);
                    let product = open.entry(u128::from_le_bytes(*key)).or_default();
                    let carrier = *product.carrier.get_or_insert_with(|| carriers.keep(head, &cells, &buffer));
                    carriers.load(carrier, &mut buffer, &mut first);
                    let name = text::trim(plan.name(&buffer, &first).text(&buffer)).to_owned();
                    product.observe(with, plan, &mut buffer, &cells, &first, &name);
                }
                Ok(())
            })?;
            for (key, product) in open {
                places.put(key, products.put(|out| product.write(out)));
            }
        }
        Ok(Scattered { places: places.least()?, products, carriers })
    }
}

impl KeptProduct {
    fn write(&self, out: &mut Vec<u8>) {
        let Self { carrier, count, clash, images, rows: _ } = self;
        out.extend(carrier.unwrap_or_default().to_le_bytes());
        out.extend(count.to_le_bytes());
        out.push(u8::from(*clash));
        out.extend((images.len() as u32).to_le_bytes());
        for (order, image) in images {
            out.extend(order.to_le_bytes());
            out.extend((image.len() as u32).to_le_bytes());
            out.extend(image.as_bytes());
        }
    }

    /// What was written here; nothing where it is cut off.
    fn read(bytes: &[u8]) -> Option<Self> {
        let (carrier, rest) = bytes.split_first_chunk()?;
        let (count, rest) = rest.split_first_chunk()?;
        let (clash, rest) = rest.split_first()?;
        let (listed, mut rest) = rest.split_first_chunk()?;
        let mut images = Vec::new();
        for _ in 0..u32::from_le_bytes(*listed) {
            let (order, after) = rest.split_first_chunk()?;
            let (length, after) = after.split_first_chunk()?;
            let (image, after) = after.split_at_checked(u32::from_le_bytes(*length) as usize)?;
            images.push((u64::from_le_bytes(*order), String::from_utf8_lossy(image).into_owned()));
            rest = after;
        }
        let (carrier, count) = (Some(u64::from_le_bytes(*carrier)), u32::from_le_bytes(*count));
        Some(Self { carrier, count, clash: *clash == 1, images, rows: 0 })
    }
}
