//! Rows that change a variant of their product: what a choice adds to the price, or that it cannot
//! be bought.

use super::apply::{Draft, slot};
use super::rows::With;
use super::step::AdjustPlan;
use super::survey::is_word;
use super::variant::IDS;
use crate::catalog::RecordHead;
use crate::cell::{Cell, Slot};
use crate::product::attribute::AttributeId;
use crate::product::text;
use rust_decimal::Decimal;

/// A row of a product, and where it stands.
pub(super) type Row<'a> = (RecordHead, &'a [Cell]);

/// What a row does to an amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    /// It is this much, whatever the product costs.
    Fixed(Decimal),
    /// It is so much more, or less.
    By(Decimal),
}

impl AdjustPlan {
    /// Whether a row only changes another one.
    pub(super) fn is_one(&self, buffer: &str, cells: &[Cell]) -> bool {
        is_word(slot(cells, self.role).text(buffer), &self.words)
    }

    /// Whether a row changes the variant of these cells and options: it has the same code, or without
    /// a code names some of its options and no other.
    fn is_about(&self, with: With<'_>, buffer: &mut String, row: &[Cell], cells: &[Cell], draft: &Draft) -> bool {
        let code = |buffer: &str, cells: &[Cell]| self.code.map(|code| text::trim(slot(cells, code).text(buffer)).to_owned());
        if let Some(wanted) = code(buffer, row).filter(|code| !code.is_empty()) {
            return code(buffer, cells).is_some_and(|own| own == wanted);
        }
        let mut named = Vec::new();
        with.mapping.options(buffer, row, &[], &mut named);
        let has = |(name, value): &(Slot, Slot)| {
            let same = |one: Slot, other: Slot| text::trim(one.text(buffer)).eq_ignore_ascii_case(text::trim(other.text(buffer)));
            draft.options.iter().any(|(own, own_value)| same(*own, *name) && same(*own_value, *value))
        };
        !named.is_empty() && named.iter().all(has)
    }
}

impl With<'_> {
    /// Changes a variant as the rows of its product say that are about it, in their order; returns
    /// the reason where one says that it is no offer.
    pub(super) fn adjust(
        &self,
        buffer: &mut String,
        plan: &AdjustPlan,
        rows: &[Row<'_>],
        cells: &[Cell],
        draft: &mut Draft,
    ) -> Option<u16> {
        for (head, row) in rows {
            if !plan.is_about(*self, buffer, row, cells, draft) {
                continue;
            }
            if let Some(reason) = self.skips(buffer, *head, row, None) {
                return Some(reason);
            }
            if let Some(price) = plan.price.map(|column| slot(row, column)).filter(|price| price.is_present()) {
                reprice(buffer, price, draft);
            }
            if plan.stop.as_ref().is_some_and(|(column, words)| is_word(slot(row, *column).text(buffer), words)) {
                break;
            }
        }
        None
    }
}

/// Changes what an item costs. A change that cannot be read takes the price's place, so that the item
/// is refused for it rather than offered for too little.
fn reprice(buffer: &mut String, said: Slot, draft: &mut Draft) {
    match change(said.text(buffer)) {
        Some(Change::Fixed(amount)) => {
            let unit = amount_of(buffer, draft, IDS.price).map(|(_, unit)| unit).unwrap_or_default();
            draft.set(IDS.price, Slot::store(buffer, &format!("{amount}{unit}"), said.column));
            draft.set(IDS.sale_price, Slot::EMPTY);
        }
        Some(Change::By(amount)) => {
            for attribute in [IDS.price, IDS.sale_price] {
                let Some((own, unit)) = amount_of(buffer, draft, attribute) else { continue };
                let changed = format!("{}{unit}", own.saturating_add(amount));
                draft.set(attribute, Slot::store(buffer, &changed, said.column));
            }
        }
        None => {
            draft.set(IDS.price, said);
            draft.set(IDS.sale_price, Slot::EMPTY);
        }
    }
}

/// An item's amount, and what stands behind the number.
fn amount_of(buffer: &str, draft: &Draft, attribute: AttributeId) -> Option<(Decimal, String)> {
    let text = text::trim(draft.get(attribute).text(buffer));
    let end = text.find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | '-'))).unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(end)?;
    Some((number.parse().ok()?, unit.to_owned()))
}

/// What `[FIXED]9.50`, `[ADD]5` or `[REMOVE]2` says; a number alone is the amount itself.
fn change(said: &str) -> Option<Change> {
    let said = text::trim(said);
    let (word, number) = match said.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?,
        None => ("fixed", said),
    };
    let amount: Decimal = text::trim(number).parse().ok()?;
    match word.to_ascii_lowercase().as_str() {
        "fixed" => Some(Change::Fixed(amount)),
        "add" => Some(Change::By(amount)),
        "remove" => Some(Change::By(-amount)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{Change, change};
    use rust_decimal::Decimal;

    #[test]
    fn what_a_row_does_to_an_amount() {
        assert_eq!(change(" [FIXED]25.00 "), Some(Change::Fixed(Decimal::new(2500, 2))));
        assert_eq!(change("[ADD]5"), Some(Change::By(Decimal::from(5))));
        assert_eq!(change("[REMOVE] 2.50"), Some(Change::By(Decimal::new(-250, 2))));
        assert_eq!(change("25"), Some(Change::Fixed(Decimal::from(25))));
        for unknown in ["[ADD]5%", "[TIMES]2", "[ADD", "", "five"] {
            assert_eq!(change(unknown), None, "{unknown}");
        }
    }
}
