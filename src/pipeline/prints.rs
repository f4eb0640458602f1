//! Digests of what is written of an item, in three parts: prices, stock, and the rest. A change
//! of one part alone can be delivered alone.

use crate::cell::Slot;
use crate::product::attribute::{Attributes, known};
use crate::product::link;
use crate::render::index::Print;
use crate::spec::{FieldId, Spec};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use xxhash_rust::xxh3::{Xxh3Default, xxh3_64};

/// Attributes that say what an item costs.
pub(crate) const PRICES: [&str; 4] = ["price", "sale_price", "sale_price_start_date", "sale_price_end_date"];
/// Attributes that say whether it can be had.
pub(crate) const STOCK: [&str; 4] = ["availability", "availability_date", "inventory_quantity", "inventory_not_tracked"];

/// Which fields of a target belong to which part.
#[derive(Debug)]
pub struct Prints {
    /// With their places among the columns.
    body: Vec<(FieldId, u8)>,
    price: Vec<FieldId>,
    stock: Vec<FieldId>,
    amount: Option<FieldId>,
    availability: Option<FieldId>,
    sale: Option<FieldId>,
    link: Option<FieldId>,
}

impl Prints {
    /// Sorts the columns of a feed.
    pub fn new(spec: &Spec, columns: &[FieldId]) -> Self {
        let attributes = Attributes::shared();
        let mut prints = Self {
            body: Vec::new(),
            price: Vec::new(),
            stock: Vec::new(),
            amount: spec.field_of(known("price")),
            availability: spec.field_of(known("availability")),
            sale: spec.field_of(known("sale_price")),
            link: spec.field_of(known("url")),
        };
        for (field, place) in columns.iter().zip(0..) {
            let name = attributes.name(spec.get(*field).attribute);
            if PRICES.contains(&name) {
                prints.price.push(*field);
            } else if STOCK.contains(&name) {
                prints.stock.push(*field);
            } else {
                prints.body.push((*field, place));
            }
        }
        prints
    }

    /// Digests a row.
    pub fn of(&self, buffer: &str, row: &[Slot]) -> Print {
        let text = |field: &FieldId| row.get(field.index()).map_or("", |slot| slot.text(buffer));
        let few = |fields: &[FieldId]| {
            fields
                .iter()
                .fold(0u64, |digest, field| digest.rotate_left(9).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ xxh3_64(text(field).as_bytes()))
        };
        let mut hasher = Xxh3Default::new();
        let mut filled = 0;
        for (field, place) in &self.body {
            let text = text(field);
            // Empty fields by their place, so that a value that moves to another field shows.
            if !text.is_empty() {
                hasher.update(&(field.index() as u16).to_le_bytes());
                hasher.update(&(text.len() as u32).to_le_bytes());
                hasher.update(text.as_bytes());
                filled |= 1u128.checked_shl(u32::from(*place)).unwrap_or(0);
            }
        }
        let price = self.amount.as_ref().map_or("", text);
        Print {
            body: hasher.digest(),
            price: few(&self.price),
            stock: few(&self.stock),
            amount: amount(price),
            in_stock: self.availability.as_ref().is_some_and(|field| text(field) == "in_stock"),
            on_sale: self.sale.as_ref().is_some_and(|field| !text(field).is_empty()),
            currency: price.split_whitespace().nth(1).map_or(0, |currency| mark(currency.as_bytes())),
            host: self.link.as_ref().and_then(|field| link::host_of(text(field))).map_or(0, mark),
            filled,
        }
    }
}

/// A digest by which guards see that something is another; never 0, which is nothing. A few in a
/// million differences go unseen, of which a guard needs hundreds.
fn mark(bytes: &[u8]) -> u16 {
    (xxh3_64(bytes) as u16).max(1)
}

/// An amount such as `79.99 USD` in ten-thousandths; -1 for what is none.
fn amount(text: &str) -> i64 {
    let number = text.split_whitespace().next().and_then(|number| number.parse::<Decimal>().ok());
    number.and_then(|number| number.checked_mul(Decimal::from(10_000))).and_then(|number| number.to_i64()).unwrap_or(-1)
}

#[cfg(test)]
mod tests {
    use super::Prints;
    use crate::cell::{Cell, Shape, Slot};
    use crate::product::attribute::known;

    #[test]
    fn each_part_shows_its_own_change() {
        let spec = crate::spec::load::spec("stripe").expect("built in");
        let columns: Vec<_> = (0..spec.fields.len()).map(|place| crate::spec::FieldId(place as u16)).collect();
        let prints = Prints::new(&spec, &columns);
        let linked = |title: &str, price: &str, availability: &str, url: &str| {
            let mut buffer = String::new();
            let mut row = vec![Slot::default(); spec.fields.len()];
            for (name, text) in [("title", title), ("price", price), ("availability", availability), ("url", url)] {
                let field = spec.field_of(known(name)).expect("a field");
                row[field.index()].cell = Cell::store(&mut buffer, text, Shape::Text);
            }
            prints.of(&buffer, &row)
        };
        let print = |title: &str, price: &str, availability: &str| linked(title, price, availability, "");
        let first = print("Bottle", "79.99 USD", "in_stock");
        assert_eq!((first.amount, first.in_stock), (799_900, true));
        let title = spec.field_of(known("title")).expect("a field");
        assert_eq!(first.filled, 1 << title.index(), "prices and stock do not count");
        let dearer = print("Bottle", "89.99 USD", "in_stock");
        assert!(dearer.price != first.price && dearer.stock == first.stock && dearer.body == first.body);
        let gone = print("Bottle", "79.99 USD", "out_of_stock");
        assert!(gone.price == first.price && gone.stock != first.stock && gone.body == first.body && !gone.in_stock);
        let renamed = print("Flask", "79.99 USD", "in_stock");
        assert!(renamed.price == first.price && renamed.stock == first.stock && renamed.body != first.body);
        let euros = print("Bottle", "79.99 EUR", "in_stock");
        assert!(euros.amount == first.amount && euros.currency != first.currency && euros.price != first.price);
        assert!([first.currency, euros.currency].iter().all(|currency| *currency != 0) && print("Bottle", "", "in_stock").currency == 0);
        let host = |url: &str| linked("Bottle", "79.99 USD", "in_stock", url).host;
        assert_eq!(host("https://shop.example/p/1"), host("http://shop.example?p=2"));
        assert_ne!(host("https://shop.example/p/1"), host("https://staging.shop.example/p/1"));
        assert_eq!([host(""), host("shop.example/p/1")], [0, 0]);
    }
}
