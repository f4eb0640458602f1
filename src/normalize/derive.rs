//! What follows from several values together: which of two prices counts, what cannot be
//! bought, what the options are. Nothing is made up: every result stands in the catalog.

use super::{Normalizer, Note, Words};
use crate::cell::{Cell, NO_COLUMN, Shape, Slot};
use crate::mapping::apply::Draft;
use crate::product::attribute::{AttributeId, known};
use crate::product::money::{Money, MoneyDefect};
use crate::product::{date, number, options, text};
use std::sync::LazyLock;

struct Ids {
    price: AttributeId,
    sale_price: AttributeId,
    start: AttributeId,
    end: AttributeId,
    availability: AttributeId,
    quantity: AttributeId,
    not_tracked: AttributeId,
    checkout: AttributeId,
    image_url: AttributeId,
    images: AttributeId,
    variant_dict: AttributeId,
}

static IDS: LazyLock<Ids> = LazyLock::new(|| Ids {
    price: known("price"),
    sale_price: known("sale_price"),
    start: known("sale_price_start_date"),
    end: known("sale_price_end_date"),
    availability: known("availability"),
    quantity: known("inventory_quantity"),
    not_tracked: known("inventory_not_tracked"),
    checkout: known("is_eligible_checkout"),
    image_url: known("image_url"),
    images: known("additional_image_urls"),
    variant_dict: known("variant_dict"),
});

pub(super) fn run(with: &Normalizer, buffer: &mut String, draft: &mut Draft, notes: &mut Vec<Note>) {
    sale_window(buffer, draft);
    prices(with, buffer, draft, notes);
    stock(buffer, draft, notes);
    images(buffer, draft);
    if with.reads_options {
        read_options(buffer, draft);
    }
}

fn note(attribute: AttributeId, defect: &'static str, message: String, old: &str, new: Option<&str>, column: u16) -> Note {
    let own = |text: &str| Words::Own(text.to_owned());
    Note { attribute, defect, message: message.into(), old: own(old), new: new.map(own), column }
}

/// Where one of an item's two prices names a currency and the other does not, both are meant in it.
pub(super) fn one_currency(with: &Normalizer, buffer: &mut String, draft: &mut Draft, notes: &mut Vec<Note>) {
    let (price, sale) = (draft.get(IDS.price), draft.get(IDS.sale_price));
    if !price.is_present() || !sale.is_present() {
        return;
    }
    // Both name one, mostly, and in the strict form.
    if Money::parse(price.text(buffer)).is_ok() && Money::parse(sale.text(buffer)).is_ok() {
        return;
    }
    let named = |slot: Slot| Money::parse_loose(slot.text(buffer), None, with.decimal);
    let (attribute, bare, currency) = match (named(price), named(sale)) {
        (Ok(known), Err(MoneyDefect::CurrencyMissing)) => (IDS.sale_price, sale, known.currency),
        (Err(MoneyDefect::CurrencyMissing), Ok(known)) => (IDS.price, price, known.currency),
        _ => return,
    };
    if with.currency == Some(currency) {
        return;
    }
    let Ok(money) = Money::parse_loose(bare.text(buffer), Some(currency), with.decimal) else { return };
    let mut made = String::new();
    money.write(&mut made);
    let message = format!("the amount names no currency and takes {} from the item's other one", currency.code());
    notes.push(note(attribute, "other-amount", message, bare.text(buffer), Some(&made), bare.column));
    draft.write(buffer, attribute, &made);
}

/// Two dates in one cell, `start/end`, become two values.
fn sale_window(buffer: &mut String, draft: &mut Draft) {
    let start = draft.get(IDS.start);
    let range = start.text(buffer).split_once('/').map(|(from, to)| (text::trim(from).to_owned(), text::trim(to).to_owned()));
    let Some((from, to)) = range.filter(|(from, to)| date::parse(from).is_ok() && date::parse(to).is_ok()) else { return };
    let (from, to) = (Slot::store(buffer, &from, start.column), Slot::store(buffer, &to, start.column));
    draft.set(IDS.start, from);
    if !draft.get(IDS.end).is_present() {
        draft.set(IDS.end, to);
    }
}

/// Settles which amount is the regular price and which, if any, the sale price in effect.
fn prices(with: &Normalizer, buffer: &str, draft: &mut Draft, notes: &mut Vec<Note>) {
    let sale_slot = draft.get(IDS.sale_price);
    let Ok(sale) = Money::parse(sale_slot.text(buffer)) else {
        // A struck-through price that cannot be read says nothing about the price paid.
        if with.price_is_current {
            draft.set(IDS.sale_price, Slot::EMPTY);
        }
        return;
    };
    if with.price_is_current {
        let price_slot = draft.get(IDS.price);
        let above = Money::parse(price_slot.text(buffer)).is_ok_and(|price| price.currency == sale.currency && sale.amount > price.amount);
        draft.set(IDS.sale_price, if above { price_slot } else { Slot::EMPTY });
        if above {
            draft.set(IDS.price, sale_slot);
        }
        return;
    }
    if !sale.is_positive() {
        // Platforms write zero where no sale price is set.
        draft.set(IDS.sale_price, Slot::EMPTY);
        return;
    }
    let window = [IDS.start, IDS.end];
    for attribute in window {
        // So databases write that there is no date.
        if draft.get(attribute).text(buffer).starts_with("0000-00-00") {
            draft.set(attribute, Slot::EMPTY);
        }
    }
    let is_unreadable = |slot: &Slot| slot.is_present() && date::parse(slot.text(buffer)).is_err();
    if let Some(day) = window.map(|attribute| draft.get(attribute)).into_iter().find(is_unreadable) {
        let shown = text::excerpt(day.text(buffer), 30);
        let message = format!("whether the sale is on cannot be told from `{shown}`; the sale price is left out");
        notes.push(note(IDS.sale_price, "unreadable-window", message, sale_slot.text(buffer), None, sale_slot.column));
        for attribute in [IDS.sale_price, IDS.start, IDS.end] {
            draft.set(attribute, Slot::EMPTY);
        }
        return;
    }
    let ended = date::parse(draft.get(IDS.end).text(buffer)).is_ok_and(|end| end < with.today);
    if ended {
        let end = draft.get(IDS.end).text(buffer).to_owned();
        notes.push(note(
            IDS.sale_price,
            "sale-over",
            format!("the sale ended on {end}; the sale price is left out"),
            sale_slot.text(buffer),
            None,
            sale_slot.column,
        ));
        for attribute in [IDS.sale_price, IDS.start, IDS.end] {
            draft.set(attribute, Slot::EMPTY);
        }
    }
}

/// Availability from a plain quantity; no item that cannot be bought is ready for checkout.
fn stock(buffer: &mut String, draft: &mut Draft, notes: &mut Vec<Note>) {
    let quantity = draft.get(IDS.quantity);
    let amount = quantity.text(buffer);
    if let Some(below) = amount.strip_prefix('-').filter(|rest| number::parse(rest).is_some()) {
        let old = format!("-{below}");
        notes.push(note(IDS.quantity, "oversold", "stock below zero is written as 0".to_owned(), &old, Some("0"), quantity.column));
        let zero = Slot::store(buffer, "0", quantity.column);
        draft.set(IDS.quantity, zero);
    }
    let quantity = draft.get(IDS.quantity);
    let counted = number::parse(quantity.text(buffer));
    if let Some(counted) = counted {
        if !draft.get(IDS.availability).is_present() {
            let word = if counted.is_zero() { "out_of_stock" } else { "in_stock" };
            let old = quantity.text(buffer).to_owned();
            notes.push(note(
                IDS.availability,
                "from-quantity",
                format!("availability follows from the quantity {old}"),
                &old,
                Some(word),
                quantity.column,
            ));
            let word = Slot::store(buffer, word, quantity.column);
            draft.set(IDS.availability, word);
        }
        if !draft.get(IDS.not_tracked).is_present() {
            let tracked = Slot::store(buffer, "false", quantity.column);
            draft.set(IDS.not_tracked, tracked);
        }
    }
    let availability = draft.get(IDS.availability);
    if availability.is_present() && !matches!(availability.text(buffer), "in_stock" | "pre_order" | "backorder") {
        let checkout = draft.get(IDS.checkout);
        if checkout.text(buffer) == "true" {
            let message = format!("an item that is `{}` is not offered for checkout", text::excerpt(availability.text(buffer), 30));
            notes.push(note(IDS.checkout, "not-purchasable", message, "true", Some("false"), checkout.column));
        }
        let from = if checkout.is_present() { checkout } else { availability };
        let off = Slot::store(buffer, "false", from.column);
        draft.set(IDS.checkout, off);
    }
}

/// The main image is not repeated among the additional ones.
fn images(buffer: &mut String, draft: &mut Draft) {
    let list = draft.get(IDS.images);
    let main = draft.get(IDS.image_url);
    if !list.is_present() || !main.is_present() {
        return;
    }
    let (urls, main) = (list.text(buffer), main.text(buffer));
    if !urls.split(',').any(|url| url == main) {
        return;
    }
    let kept = urls.split(',').filter(|url| *url != main).collect::<Vec<_>>().join(",");
    draft.set(IDS.images, Slot { cell: Cell::store(buffer, &kept, Shape::Text), column: list.column });
}

/// Options given as an object are read once, for targets that want them one by one.
fn read_options(buffer: &mut String, draft: &mut Draft) {
    let slot = draft.get(IDS.variant_dict);
    if !draft.options.is_empty() || !slot.is_present() {
        return;
    }
    let Ok(pairs) = options::parse(slot.text(buffer)) else { return };
    let pairs: Vec<(String, String)> = pairs.into_iter().map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
    for (name, value) in pairs {
        let name = Slot { cell: Cell::store(buffer, &name, Shape::Text), column: NO_COLUMN };
        let value = Slot { cell: Cell::store(buffer, &value, Shape::Text), column: slot.column };
        draft.options.push((name, value));
    }
}
