//! Availability from stock columns, by the decision table of a preset.

use super::apply::{Draft, slot};
use super::compile::Mapping;
use super::variant::IDS;
use crate::cell::{Cell, NO_COLUMN, Shape, Slot};
use crate::product::{number, text};
use serde::Deserialize;
use std::collections::BTreeMap;

/// How availability follows from stock columns.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stock {
    /// Whether stock is counted.
    #[serde(default)]
    pub tracker: Vec<String>,
    /// How much there is.
    #[serde(default)]
    pub quantity: Vec<String>,
    /// Whether more may be sold than there is.
    #[serde(default)]
    pub policy: Vec<String>,
    /// What the shop says itself.
    #[serde(default)]
    pub state: Vec<String>,
    /// Inputs that a blank cell takes from the product.
    #[serde(default)]
    pub inherit: Vec<String>,
    /// The first rule whose conditions hold decides.
    pub rule: Vec<StockRule>,
}

/// One line of the decision table.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StockRule {
    /// Conditions on the inputs: `blank`, `filled`, `positive`, `not-positive`, or words.
    pub when: BTreeMap<String, StockCondition>,
    /// The availability.
    pub then: String,
    /// Whether the quantity counts.
    #[serde(default = "yes")]
    pub tracked: bool,
}

fn yes() -> bool {
    true
}

/// A condition on a stock input.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum StockCondition {
    /// A state.
    State(String),
    /// Words, case aside.
    Words(Vec<String>),
}

/// Decides availability from stock columns, where none is given.
pub(super) fn stock(mapping: &Mapping, buffer: &mut String, cells: &[Cell], parent: Option<&[Cell]>, draft: &mut Draft) {
    let Some(plan) = mapping.stock.as_ref().filter(|_| !draft.get(IDS.availability).is_present()) else { return };
    let all: &str = buffer;
    let input = |name: &str| -> (Option<u16>, &str) {
        let Some(Some(column)) = plan.inputs.get(name) else { return (None, "") };
        let own = text::trim(slot(cells, *column).text(all));
        let asks_parent = own.eq_ignore_ascii_case("parent") || own.is_empty() && plan.inherit.iter().any(|known| known == name);
        let inherited = parent.filter(|_| asks_parent).map(|parent| text::trim(slot(parent, *column).text(all)));
        (Some(*column), inherited.unwrap_or(own))
    };
    let holds = |name: &str, condition: &StockCondition| {
        let (column, value) = input(name);
        let amount = number::parse(value.trim_start_matches('-'));
        let positive = amount.is_some_and(|amount| !amount.is_zero()) && !value.starts_with('-');
        match condition {
            StockCondition::Words(words) => column.is_some() && words.iter().any(|word| word.eq_ignore_ascii_case(value)),
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
    let quantity = input("quantity").1.to_owned();
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
