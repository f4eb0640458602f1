//! What an account holds: products by id, and what the rows of an uploaded feed do to them.
//!
//! Two things are not documented and done the plain way: a blank cell of a column in the file
//! clears the value, a column that is not in the file leaves it; and of two rows with one id the
//! later one counts.

use crate::sandbox::judge::{Judgement, Refusal};
use csv::StringRecord;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

/// A product or promotion: values by column, blank ones left out.
pub type Row = BTreeMap<String, String>;

/// An account's catalog.
#[derive(Debug, Default)]
pub(super) struct Catalog {
    /// Products by id.
    pub(super) products: BTreeMap<String, Row>,
    /// Promotions by id.
    pub(super) promotions: BTreeMap<String, Row>,
}

/// What a feed did.
#[derive(Clone, Debug, Default)]
pub(super) struct Taken {
    /// Rows taken.
    pub(super) taken: u64,
    /// Products that were not there before.
    pub(super) created: u64,
    /// Refused rows with their numbers, in order.
    pub(super) refused: Vec<(u64, Refusal)>,
    /// The refused rows as a file.
    pub(super) report: Arc<[u8]>,
}

/// A feed that was uploaded.
#[derive(Clone, Copy, Debug)]
pub(super) struct Uploaded<'a> {
    /// The file.
    pub(super) path: &'a Path,
    /// Its separator.
    pub(super) delimiter: u8,
    /// `product`, `inventory`, `pricing` or `promotion`.
    pub(super) feed_type: &'a str,
    /// Whether what is absent goes.
    pub(super) replace: bool,
}

impl Catalog {
    /// Applies the rows of a feed that were not refused.
    pub(super) fn take(&mut self, feed: Uploaded<'_>, judgement: &Judgement) -> Result<Taken, csv::Error> {
        let mut reader = csv::ReaderBuilder::new().delimiter(feed.delimiter).flexible(true).from_path(feed.path)?;
        let header = reader.headers()?.clone();
        let mut report = csv::WriterBuilder::new().flexible(true).from_writer(Vec::new());
        report.write_record(std::iter::once("stripe_error_message").chain(&header))?;
        let mut taken = Taken::default();
        let mut kept = BTreeSet::new();
        let is_promotion = feed.feed_type == "promotion";
        let key = if is_promotion { "promotion_id" } else { "id" };
        let place = header.iter().position(|name| name.trim() == key);
        for (number, record) in (1..).zip(reader.records()) {
            // What is no text was refused already, and its bytes cannot be shown.
            let record = record.unwrap_or_default();
            let id = place.and_then(|place| record.get(place)).unwrap_or_default().to_owned();
            let known = if is_promotion { self.promotions.contains_key(&id) } else { self.products.contains_key(&id) };
            let mut refusal = judgement.refused.get(&number).cloned();
            if refusal.is_none() && matches!(feed.feed_type, "inventory" | "pricing") && !known {
                let message = format!("no product has the id `{id}`; this feed changes products that are there");
                refusal = Some(Refusal { item: id.clone(), field: key.to_owned(), message });
            }
            if let Some(refusal) = refusal {
                report.write_record(std::iter::once(refusal.message.as_str()).chain(&record))?;
                taken.refused.push((number, refusal));
                continue;
            }
            taken.taken += 1;
            let rows = if is_promotion { &mut self.promotions } else { &mut self.products };
            if is_delete(&header, &record) && !feed.replace {
                rows.remove(&id);
                continue;
            }
            taken.created += u64::from(!known);
            fill(rows.entry(id.clone()).or_default(), &header, &record);
            kept.insert(id);
        }
        if feed.replace {
            self.products.retain(|id, _| kept.contains(id));
        }
        taken.report = report.into_inner().map_err(|error| csv::Error::from(error.into_error()))?.into();
        Ok(taken)
    }
}

fn is_delete(header: &StringRecord, record: &StringRecord) -> bool {
    header.iter().zip(record).any(|(name, value)| name.trim() == "delete" && value.trim() == "true")
}

fn fill(row: &mut Row, header: &StringRecord, record: &StringRecord) {
    for (name, value) in header.iter().zip(record) {
        if value.is_empty() {
            row.remove(name);
        } else {
            row.insert(name.to_owned(), value.to_owned());
        }
    }
}
