//! A compiled mapping in parts: where values come from, what is skipped, how rows make items.

use super::expr::Expression;
use super::preset::StockCondition;
use super::transform::Transform;
use crate::product::attribute::AttributeId;
use crate::product::money::Currency;
use std::collections::{BTreeMap, HashMap};

/// Where a value comes from.
#[derive(Debug)]
pub(super) enum From {
    Column(u16),
    FirstOf(Vec<u16>),
    Constant(String),
    Template(Box<Expression>, Vec<(String, TemplateValue)>),
}

/// What a name in a template stands for.
#[derive(Debug)]
pub(super) enum TemplateValue {
    Column(u16),
    Text(String),
}

/// How one attribute is filled.
#[derive(Debug)]
pub struct Step {
    pub(super) attribute: AttributeId,
    pub(super) from: From,
    pub(super) clean: Vec<&'static Transform>,
    pub(super) lookup: Option<(HashMap<String, String>, Option<String>)>,
    pub(super) values: BTreeMap<String, String>,
    pub(super) empty: Vec<String>,
    pub(super) currency: Option<Currency>,
    pub(super) unit: Option<(AttributeId, String)>,
    pub(super) paths: Option<String>,
}

impl Step {
    /// Whether the value is a cell as it stands.
    pub(super) fn is_plain(&self) -> bool {
        self.clean.is_empty()
            && self.lookup.is_none()
            && self.values.is_empty()
            && self.empty.is_empty()
            && self.currency.is_none()
            && self.unit.is_none()
            && self.paths.is_none()
    }

    /// The columns the step reads.
    pub fn columns(&self) -> Vec<u16> {
        match &self.from {
            From::Column(column) => vec![*column],
            From::FirstOf(columns) => columns.clone(),
            From::Constant(_) => Vec::new(),
            From::Template(_, values) => values
                .iter()
                .filter_map(|(_, value)| if let TemplateValue::Column(column) = value { Some(*column) } else { None })
                .collect(),
        }
    }

    /// The attribute it fills.
    pub fn attribute(&self) -> AttributeId {
        self.attribute
    }
}

/// A record that is no offer.
#[derive(Debug)]
pub(super) struct SkipPlan {
    pub(super) column: u16,
    pub(super) words: Vec<String>,
    pub(super) reason: u16,
}

/// Columns that decide availability.
#[derive(Debug)]
pub(super) struct StockPlan {
    /// By input: the column, and whether the preset names the input at all.
    pub(super) inputs: BTreeMap<String, Option<u16>>,
    pub(super) rules: Vec<(BTreeMap<String, StockCondition>, String, bool)>,
}

/// How rows make items, by column.
#[derive(Debug)]
pub(super) enum RowPlan {
    Flat { options: Vec<(OptionFrom, String)> },
    Continuation { key: u16, variant: Vec<u16>, image: Option<u16>, position: Option<u16>, carry: Vec<AttributeId>, page: String },
    Parents(Box<ParentPlan>),
}

/// Where an option of a flat row comes from.
#[derive(Debug)]
pub(super) enum OptionFrom {
    Attribute(AttributeId),
    Column(u16),
}

#[derive(Debug)]
pub(super) struct ParentPlan {
    pub(super) role: u16,
    pub(super) parents: Vec<String>,
    pub(super) children: Vec<String>,
    pub(super) id: Option<u16>,
    pub(super) code: Option<u16>,
    pub(super) parent: u16,
    pub(super) prefix: String,
    pub(super) carry: Vec<AttributeId>,
    pub(super) page: String,
}
