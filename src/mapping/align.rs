//! Where a stream may be cut so that the rows of a product stay together.

use super::compile::Mapping;
use super::step::{KeyPlan, RowPlan};
use super::survey::{Survey, is_word, key_of};
use crate::catalog::block::{Align, Block, Mark};
use crate::catalog::open::Parser;
use crate::catalog::{Format, Header};
use std::sync::Arc;

impl Mapping {
    /// How blocks of the source must be cut so that the rows of a product stay together. Products
    /// that `survey` holds apart may be cut anywhere.
    pub fn align(&self, header: &Arc<Header>, format: &Format, survey: &Survey) -> Option<Align> {
        let RowPlan::Run(plan) = &self.rows else { return None };
        let key = plan.key.or_else(|| plan.role.map(|column| KeyPlan { column, other: None }))?;
        let (by_key, product) = (plan.key.is_some(), plan.product.clone());
        let (parser, apart) = (Parser::of(format, header), survey.apart());
        Some(Box::new(move |bytes: &[u8], marks: &[Mark]| {
            let word_of = |mark: &Mark| {
                let range = mark.start as usize..mark.end as usize;
                let bytes = bytes.get(range).unwrap_or_default().to_vec();
                let end = bytes.len() as u32;
                let mark = Mark { start: 0, end, line: 1 };
                let batch = parser.parse(Block::of(bytes, vec![mark]));
                Some(key.text(&batch.text, batch.row(0)).to_owned())
            };
            // The last run may go on in the next block: everything before it is complete.
            let mut last: Option<String> = None;
            for (place, mark) in marks.iter().enumerate().rev() {
                // A record that cannot be read, or that leaves the key blank, ends no run.
                let Some(found) = word_of(mark).filter(|found| !found.is_empty()) else { continue };
                if !by_key {
                    if is_word(&found, &product) {
                        return place;
                    }
                    continue;
                }
                match &last {
                    Some(known) if *known != found => return place + 1,
                    Some(_) => {}
                    None if apart.has(key_of(&found)) => return marks.len(),
                    None => last = Some(found),
                }
            }
            0
        }))
    }
}
