//! What a value says, apart from how it is written: as far as that is certain at a glance.
//!
//! Normalizing has done most of it; what is left are numbers and objects. Both the digests and
//! the second look use this one reading, so that they never disagree.

use super::side::Item;
use crate::product::attribute::{AttributeId, Attributes, Kind};
use crate::product::text;
use rust_decimal::Decimal;
use std::borrow::Cow;
use std::collections::BTreeMap;
use xxhash_rust::xxh3::{Xxh3Default, xxh3_128};

/// The value of a name in the form in which it is compared. A column that no attribute reads may
/// hold a code in which every zero counts, so there only blanks around the value do not.
pub(super) fn of(name: usize, value: &str) -> Cow<'_, str> {
    if name >= Attributes::shared().count() {
        return Cow::Borrowed(text::trim(value));
    }
    match Attributes::shared().kind(AttributeId(name as u16)) {
        Kind::Money => money(value),
        Kind::Whole | Kind::Number | Kind::Axis | Kind::Weight => number(value).map_or(Cow::Borrowed(value), Cow::Owned),
        Kind::Options => options(value),
        _ => Cow::Borrowed(value),
    }
}

/// `5.0` and `5.00` are one amount, be its currency named or not.
fn money(value: &str) -> Cow<'_, str> {
    let (amount, currency) = value.split_once(' ').unwrap_or((value, ""));
    match number(amount) {
        Some(amount) if currency.is_empty() => Cow::Owned(amount),
        Some(amount) => Cow::Owned(format!("{amount} {currency}")),
        None => Cow::Borrowed(value),
    }
}

fn number(value: &str) -> Option<String> {
    let is_plain = value.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'-'));
    value.parse::<Decimal>().ok().filter(|_| is_plain).map(|number| number.normalize().to_string())
}

/// The order of an object's members says nothing.
fn options(value: &str) -> Cow<'_, str> {
    let sorted: Option<BTreeMap<String, serde_json::Value>> = serde_json::from_str(value).ok();
    sorted.and_then(|sorted| serde_json::to_string(&sorted).ok()).map_or(Cow::Borrowed(value), Cow::Owned)
}

/// A digest of all values of an item.
pub(super) fn print(item: &Item<'_>, room: &mut String) -> u128 {
    room.clear();
    let mut hasher = Xxh3Default::new();
    for name in 0..item.cells.len() {
        let value = of(name, item.value(name));
        if !value.is_empty() {
            hasher.update(&(name as u32).to_le_bytes());
            hasher.update(&(value.len() as u32).to_le_bytes());
            hasher.update(value.as_bytes());
        }
    }
    hasher.digest128()
}

/// What an item is found by: its id, or, where it has none, everything that it says.
pub(super) fn key(id: &str, print: u128) -> u128 {
    if id.is_empty() { xxh3_128(&print.to_le_bytes()) } else { xxh3_128(id.as_bytes()) }
}

#[cfg(test)]
mod tests {
    use super::of;
    use crate::product::attribute::{Attributes, known};

    #[test]
    fn what_is_written_otherwise_says_the_same_where_that_is_certain() {
        let of = |name: &'static str, value: &str| of(known(name).index(), value).into_owned();
        assert_eq!(of("price", "24.00 USD"), of("price", "24 USD"));
        assert_eq!(of("price", "24.0"), of("price", "24"));
        assert_ne!(of("price", "24.00 USD"), of("price", "24.00 EUR"));
        assert_ne!(of("price", "24.00 USD"), of("price", "24.00"));
        assert_eq!(of("price", "from 24"), "from 24");
        assert_eq!(of("inventory_quantity", "007"), of("inventory_quantity", "7"));
        assert_eq!(of("inventory_quantity", "1e3"), "1e3");
        assert_eq!(of("variant_dict", r#"{"Size":"M","Color":"Red"}"#), of("variant_dict", r#"{"Color": "Red", "Size": "M"}"#));
        assert_ne!(of("item_id", "007"), of("item_id", "7"), "an id is no number");
        let column = Attributes::shared().count();
        assert_eq!((super::of(column, " 007 ").as_ref(), super::of(column, "7").as_ref()), ("007", "7"));
    }
}
