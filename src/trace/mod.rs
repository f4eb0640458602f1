//! One item on its whole way: the cells that its values come from, what was done to them, what was
//! found, and the cells of each target.
//!
//! The pipeline itself runs with a witness that looks at this one item, so what is told is what a
//! build does. A pass before that finds the item, by its id or by what else it is known by.

mod find;
mod witness;

pub use find::{Missed, Wanted, find};

use crate::cancel::Cancel;
use crate::finding::Finding;
use crate::finding::sink::{Listen, Override, Sink};
use crate::pipeline::{Plan, RunError, witnessed};
use crate::product::attribute::AttributeId;
use crate::product::text::excerpt;
use crate::progress::Progress;
use std::collections::BTreeMap;
use witness::OfOne;

/// A cell of the catalog that a value comes from.
#[derive(Clone, Debug)]
pub struct SourceCell {
    /// The record.
    pub record: u64,
    /// Its line; 0 where lines mean nothing.
    pub line: u64,
    /// The column, from 1; 0 where there is none of its own.
    pub column: u32,
    /// The column's name, or the path inside it.
    pub column_name: String,
    /// What stands there.
    pub raw: String,
    /// Whether another row lends it to the item's own.
    pub lent: bool,
}

/// Something that was done to a value.
#[derive(Clone, Debug)]
pub struct Step {
    /// Which part of the run did it.
    pub stage: Stage,
    /// What was done.
    pub what: String,
    /// The code of the repair, where it is one.
    pub code: Option<String>,
    /// The value then; `None` where it was left out.
    pub value: Option<String>,
}

/// A part of the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// From columns to attributes.
    Map,
    /// Into the form of feeds.
    Normalize,
    /// A rule of the project file.
    Rule,
}

impl Stage {
    /// The word used in reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Map => "map",
            Self::Normalize => "normalize",
            Self::Rule => "rule",
        }
    }
}

/// A cell of a target's feed.
#[derive(Clone, Debug)]
pub struct TargetCell {
    /// The target, by number.
    pub target: usize,
    /// The field.
    pub field: String,
    /// What is written; empty where the field stays so.
    pub value: String,
}

/// The item's row in a feed, as it is written.
#[derive(Clone, Debug)]
pub struct Written {
    /// The format.
    pub format: String,
    /// The row; of a target whose products hold their variants, the variant.
    pub row: String,
}

/// One attribute of the item.
#[derive(Clone, Debug)]
pub struct Value {
    /// The attribute.
    pub attribute: String,
    /// Where it comes from.
    pub sources: Vec<SourceCell>,
    /// What was done, in order.
    pub steps: Vec<Step>,
    /// The value before it is written for targets; empty where there is none.
    pub value: String,
    /// What is written.
    pub cells: Vec<TargetCell>,
}

/// An item on its whole way.
#[derive(Debug)]
pub struct Trace {
    /// What was asked for, and found.
    pub item: Wanted,
    /// The group it belongs to; empty where it is in none.
    pub group: String,
    /// By attribute, in the order in which attributes are listed.
    pub values: Vec<Value>,
    /// By target: whether its row is accepted by the rules on single rows; `None` where the target
    /// judges another row, such as the product of a nested feed.
    pub accepted: Vec<Option<bool>>,
    /// By target: the row, where one is judged.
    pub written: Vec<Option<Written>>,
    /// By target: whether the input is a finished feed of it, judged as it is.
    pub as_it_is: Vec<bool>,
    /// Everything found about the item.
    pub findings: Vec<Finding>,
}

impl Trace {
    /// Whether the item is in the feed of a target: its own row is accepted, and nothing that shows
    /// only among all rows keeps it out.
    pub fn is_in(&self, target: usize, name: &str) -> Option<bool> {
        let is_refused = |finding: &&Finding| {
            finding.consequence == crate::spec::terms::Consequence::RowRejected
                && finding.target.as_deref() == Some(name)
                && finding.place.record == self.item.record
                && !finding.is_repaired()
                && finding.severity == crate::finding::Severity::Error
        };
        let accepted = self.accepted.get(target).copied().flatten()?;
        Some(accepted && self.findings.iter().find(is_refused).is_none())
    }
}

/// Keeps what is found about one item.
struct About {
    item: String,
    source: u16,
    record: u64,
    /// Findings of groups: which one is the item's shows only later.
    of_groups: Vec<Finding>,
    found: Vec<Finding>,
}

/// Findings of groups that are kept until it is known which is the item's.
const MOST_OF_GROUPS: usize = 100_000;

impl Listen for About {
    fn finding(&mut self, finding: &Finding) {
        let stands_here = |record: u64, source: u16| record == self.record && source == self.source;
        let is_here = stands_here(finding.place.record, finding.place.source)
            || finding.related.as_ref().is_some_and(|related| stands_here(related.record, related.source));
        if is_here && (finding.item.is_empty() || finding.item == self.item) {
            self.found.push(finding.clone());
        } else if finding.group.is_some() && self.of_groups.len() < MOST_OF_GROUPS {
            self.of_groups.push(finding.clone());
        }
    }
}

/// Follows an item that was found through a plan that writes nothing.
///
/// # Errors
/// When a source cannot be read to its end.
pub fn trace(
    plan: &Plan,
    wanted: Wanted,
    overrides: &BTreeMap<String, Override>,
    progress: &dyn Progress,
    cancel: &Cancel,
) -> Result<Trace, RunError> {
    let (item, of_groups, found) = (excerpt(&wanted.id, 120), Vec::new(), Vec::new());
    let mut about = About { item, source: wanted.source as u16, record: wanted.record, of_groups, found };
    let mut witness = OfOne::new(plan, wanted);
    witnessed(plan, &mut witness, &mut Sink::new(overrides, &mut about), progress, cancel)?;
    let mut trace = witness.end();
    let group = excerpt(&trace.group, 120);
    about.of_groups.retain(|finding| !group.is_empty() && finding.group.as_deref() == Some(group.as_str()));
    trace.findings = about.found;
    trace.findings.extend(about.of_groups);
    Ok(trace)
}

/// The name of an attribute.
fn name_of(attribute: AttributeId) -> String {
    crate::product::attribute::Attributes::shared().name(attribute).to_owned()
}
