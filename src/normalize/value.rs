//! One value at a time: what each kind of attribute accepts, and the one repair it has.

use super::Normalizer;
use super::units::{AXES, UNIT};
use crate::cell::Shape;
use crate::mapping::compile::unit_of;
use crate::product::attribute::{AttributeId, Attributes, Kind};
use crate::product::link::KnownHost;
use crate::product::money::Money;
use crate::product::{date, gtin, html, link, measure, number, synonyms, text};
use std::borrow::Cow;

/// A value that changes.
pub(super) struct Change {
    /// What it becomes; empty where it is left out.
    pub(super) value: String,
    /// What else stood in the same cell: a unit, the axes of a box.
    pub(super) others: Vec<(AttributeId, String)>,
    /// Whether the change is only one of form that nobody needs to hear of.
    pub(super) quiet: bool,
    /// The second half of the note's code.
    pub(super) defect: &'static str,
    /// What was done.
    pub(super) message: Cow<'static, str>,
}

fn noted(value: String, defect: &'static str, message: impl Into<Cow<'static, str>>) -> Option<Change> {
    Some(Change { value, others: Vec::new(), quiet: false, defect, message: message.into() })
}

fn quiet(value: String) -> Option<Change> {
    Some(Change { value, others: Vec::new(), quiet: true, defect: "", message: Cow::Borrowed("") })
}

/// The change a value needs; `None` where it is fine as it is, or where nothing can be done.
pub(super) fn change(with: &Normalizer, attribute: AttributeId, value: &str, shape: Shape, host: &mut KnownHost) -> Option<Change> {
    match Attributes::shared().kind(attribute) {
        Kind::Id | Kind::Code if text::is_plain_prose(value) && !value.starts_with('\'') => None,
        Kind::Id | Kind::Code => id(value),
        Kind::Line if text::is_plain_line(value) => None,
        Kind::Line => line(value),
        Kind::Prose if text::is_plain_prose(value) => None,
        Kind::Prose => prose(value),
        Kind::Word => word(Attributes::shared().name(attribute), value),
        Kind::Money => money(with, value),
        Kind::Flag => flag(value),
        Kind::Whole => whole(value),
        Kind::Number => decimal(value),
        Kind::Gtin => gtin_of(value),
        Kind::Link => link_of(with, value, host),
        Kind::Links => links(with, value, shape, host),
        Kind::Category if is_plain_path(value) => None,
        Kind::Category => category(value),
        Kind::Options | Kind::Taxonomy => trimmed(value),
        Kind::Packed => packed(value, shape),
        Kind::Box => boxed(value, shape),
        Kind::Axis | Kind::Weight => measured(attribute, value),
        Kind::Date => day(value),
        Kind::List if shape != Shape::List && is_plain_list(value) => None,
        Kind::List => list(value, shape),
    }
}

fn is_padded(value: &str) -> bool {
    let edge = |byte: Option<&u8>| byte.is_none_or(|b| *b <= b' ' || *b >= 0x80);
    (edge(value.as_bytes().first()) || edge(value.as_bytes().last())) && text::trim(value).len() != value.len()
}

fn trimmed(value: &str) -> Option<Change> {
    if is_padded(value) { quiet(text::trim(value).to_owned()) } else { None }
}

fn id(value: &str) -> Option<Change> {
    if value.starts_with('\'') || text::trim(value).starts_with('\'') {
        let bare = text::trim(text::trim(value).trim_start_matches('\''));
        return noted(bare.to_owned(), "spreadsheet-guard", "the apostrophe of a spreadsheet is dropped");
    }
    if text::has_controls(value) {
        return noted(text::trim(&text::without_controls(value)).to_owned(), "control-character", "control characters are removed");
    }
    trimmed(value)
}

fn line(value: &str) -> Option<Change> {
    if text::has_controls(value) {
        return noted(text::one_line(&text::without_controls(value)).into_owned(), "control-character", "control characters are removed");
    }
    if memchr::memchr2(b'<', b'&', value.as_bytes()).is_some() && html::looks_like_html(value) {
        return noted(text::one_line(&html::from_html(value)).into_owned(), "html", "HTML becomes plain text");
    }
    let bytes = value.as_bytes();
    let broken = memchr::memchr3(b'\n', b'\r', b'\t', bytes).is_some() || text::has_wide_blank(bytes);
    if broken {
        return quiet(text::one_line(value).into_owned());
    }
    trimmed(value)
}

fn prose(value: &str) -> Option<Change> {
    if text::has_controls(value) {
        let cleared = text::without_controls(value);
        let made = if html::looks_like_html(&cleared) { html::from_html(&cleared) } else { text::trim(&cleared).to_owned() };
        return noted(made, "control-character", "control characters are removed");
    }
    if memchr::memchr2(b'<', b'&', value.as_bytes()).is_some() && html::looks_like_html(value) {
        return noted(html::from_html(value), "html", "HTML becomes plain text");
    }
    trimmed(value)
}

fn word(attribute: &str, value: &str) -> Option<Change> {
    match synonyms::value_of(attribute, value) {
        Some(listed) if listed == value => None,
        Some(listed) => noted(listed.to_owned(), "synonym", format!("`{}` is written `{listed}`", text::excerpt(value, 40))),
        None => trimmed(value),
    }
}

fn money(with: &Normalizer, value: &str) -> Option<Change> {
    if let Ok(money) = Money::parse(value) {
        // The number of fraction digits is part of the form: 5 USD and 5.0 USD become 5.00 USD.
        if money.amount.scale() == money.currency.digits() {
            return None;
        }
        let mut out = String::with_capacity(value.len() + 3);
        money.write(&mut out);
        return quiet(out);
    }
    let money = Money::parse_loose(value, with.currency, with.decimal).ok()?;
    if is_plain_amount(value, &money) {
        return quiet([value, " ", money.currency.code()].concat());
    }
    let mut out = String::with_capacity(value.len() + 4);
    money.write(&mut out);
    // A plain amount that only lacked its currency is mapped, not repaired.
    let amount = text::trim(value);
    if amount.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
        return quiet(out);
    }
    noted(out, "notation", "the amount is written as number, blank and currency code")
}

/// Whether the text of money that was read lacks nothing but its currency.
fn is_plain_amount(value: &str, money: &Money) -> bool {
    let has_more_zeros = value.starts_with('0') && !value.starts_with("0.");
    let written = number::parse(value).filter(|written| written.scale() == money.currency.digits() && !has_more_zeros);
    written == Some(money.amount)
}

fn flag(value: &str) -> Option<Change> {
    if matches!(value, "true" | "false") {
        return None;
    }
    let listed = match text::trim(value).to_ascii_lowercase().as_str() {
        "true" | "yes" | "y" | "1" | "on" => "true",
        "false" | "no" | "n" | "0" | "off" => "false",
        _ => return trimmed(value),
    };
    noted(listed.to_owned(), "synonym", format!("`{}` is written `{listed}`", text::excerpt(value, 20)))
}

fn whole(value: &str) -> Option<Change> {
    if value.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    number::repair_whole(value).and_then(quiet).or_else(|| trimmed(value))
}

fn decimal(value: &str) -> Option<Change> {
    if number::parse(value).is_some() {
        return None;
    }
    let point = text::trim(value).replace(',', ".");
    if number::parse(&point).is_some() { noted(point, "decimal-comma", "the decimal comma becomes a point") } else { trimmed(value) }
}

fn gtin_of(value: &str) -> Option<Change> {
    if gtin::check(value).is_ok() {
        return None;
    }
    let cleaned = gtin::clean(value).filter(|cleaned| cleaned != value)?;
    noted(cleaned, "separators", "blanks, hyphens and apostrophes are removed")
}

fn link_of(with: &Normalizer, value: &str, host: &mut KnownHost) -> Option<Change> {
    if host.check(value).is_ok() {
        return None;
    }
    let made = link::repair(value, with.base_url.as_ref())?;
    if made == text::trim(value) {
        return quiet(made);
    }
    noted(made, "address", "the address is made absolute and its characters are encoded")
}

fn links(with: &Normalizer, value: &str, shape: Shape, host: &mut KnownHost) -> Option<Change> {
    let entries: Vec<String> = if shape == Shape::List || value.starts_with('[') {
        match serde_json::from_str::<Vec<String>>(value) {
            Ok(entries) => entries,
            Err(_) => return None,
        }
    } else {
        if value.split(',').all(|entry| host.check(entry).is_ok()) {
            return None;
        }
        text::split_urls(value)
    };
    let mut kept: Vec<String> = Vec::new();
    let mut dropped = 0;
    for entry in entries {
        let made = link::repair(&entry, with.base_url.as_ref()).unwrap_or(entry).replace(',', "%2C");
        if link::check(&made).is_err() {
            dropped += 1;
        } else if !kept.contains(&made) {
            kept.push(made);
        }
    }
    let joined = kept.join(",");
    if dropped > 0 {
        return noted(
            joined,
            "bad-entry",
            format!(
                "{dropped} of the addresses {} no absolute http or https address that everybody can reach, and left out",
                if dropped == 1 { "is" } else { "are" }
            ),
        );
    }
    if joined == value { None } else { quiet(joined) }
}

/// Whether a path is in order at a glance: one blank around each `>`, and none else than
/// between words. What is not may still be in order.
fn is_plain_path(value: &str) -> bool {
    let bytes = value.as_bytes();
    let at = |place: Option<usize>| place.and_then(|place| bytes.get(place));
    let stands_free = |sign: usize| {
        at(sign.checked_sub(1)) == Some(&b' ') && at(Some(sign + 1)) == Some(&b' ') && at(Some(sign + 2)).is_some_and(|next| *next != b'>')
    };
    // Of what is not ASCII, letters of two bytes are blanks nowhere.
    let is_odd = |b: u8| (b < b' ') | (b == 0x7f) | (b == b'<') | (b == 0xc2) | (b >= 0xe0);
    text::is_line_without(value, is_odd)
        && !bytes.starts_with(b">")
        && memchr::memchr_iter(b'>', bytes).all(stands_free)
        && !html::looks_like_html(value)
}

/// Whether the entries of a list are in order at a glance: no blanks, one comma between two.
fn is_plain_list(value: &str) -> bool {
    let bytes = value.as_bytes();
    let is_plain = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'/');
    let mut before = b',';
    let sound = bytes.iter().all(|b| {
        let is_sound = is_plain(b) || *b == b',' && before != b',';
        before = *b;
        is_sound
    });
    sound && before != b','
}

fn category(value: &str) -> Option<Change> {
    let value = text::trim(value);
    let decoded = if html::looks_like_html(value) { text::one_line(&html::from_html(value)).into_owned() } else { value.to_owned() };
    let levels: Vec<Cow<'_, str>> = decoded.split('>').map(text::one_line).filter(|level| !level.is_empty()).collect();
    let made = levels.join(" > ");
    if made == value { trimmed(value) } else { quiet(made) }
}

fn boxed(value: &str, shape: Shape) -> Option<Change> {
    let ([length, width, height], unit) = (*AXES, *UNIT);
    let into = |others| Some(Change { value: String::new(), others, quiet: true, defect: "", message: Cow::Borrowed("") });
    if shape == Shape::Object || value.starts_with('{') {
        let object: serde_json::Map<String, serde_json::Value> = serde_json::from_str(value).ok()?;
        let text_of = |key: &str| object.get(key).map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned));
        let axes = [(length, "length"), (width, "width"), (height, "height")];
        let axes = axes.into_iter().filter_map(|(id, key)| Some((id, text_of(key)?)));
        let unit = text_of("unit").map(|word| (unit, measure::unit(&word).map_or(word, str::to_owned)));
        return into(axes.chain(unit).collect());
    }
    let ([first, second, third], word) = measure::split_box(value)?;
    let unit = measure::unit(word).map(|word| (unit, word.to_owned()));
    into([(length, first), (width, second), (height, third)].into_iter().chain(unit).collect())
}

fn measured(attribute: AttributeId, value: &str) -> Option<Change> {
    if number::parse(value).is_some() {
        return None;
    }
    let (amount, word) = measure::split(value)?;
    let unit = measure::unit(word);
    if !word.is_empty() && unit.is_none() {
        return None;
    }
    let others: Vec<_> = unit_of(attribute).zip(unit.map(str::to_owned)).into_iter().collect();
    // The unit in the cell belongs to this very number and wins over one given elsewhere.
    Some(Change {
        value: amount,
        quiet: others.is_empty(),
        others,
        defect: "unit",
        message: Cow::Borrowed("the unit in the cell is kept apart from the number"),
    })
}

fn day(value: &str) -> Option<Change> {
    if date::parse(value).is_ok() || value.contains('/') && value.split('/').all(|half| date::parse(text::trim(half)).is_ok()) {
        return None;
    }
    match date::repair(value) {
        Some(iso) => noted(iso, "notation", "the date is written in ISO 8601"),
        None => trimmed(value),
    }
}

/// Packed entries are separated by commas; other generations of a feed list them as JSON or
/// with bars between them.
fn packed(value: &str, shape: Shape) -> Option<Change> {
    if shape == Shape::List || value.starts_with('[') {
        let entries: Vec<String> = serde_json::from_str(value).ok()?;
        return quiet(entries.join(","));
    }
    let parts = |entry: &str| entry.matches(':').count();
    let is_entry = |entry: &str| parts(entry) > 0 && parts(entry) == parts(value.split('|').next().unwrap_or(""));
    if value.contains('|') && value.split('|').all(is_entry) {
        let made = value.split('|').map(text::trim).collect::<Vec<_>>().join(",");
        return noted(made, "notation", "the entries are separated by commas");
    }
    trimmed(value)
}

fn list(value: &str, shape: Shape) -> Option<Change> {
    if shape == Shape::List || value.starts_with('[') {
        let entries: Vec<String> = serde_json::from_str(value).ok()?;
        return quiet(entries.join(","));
    }
    let made = value.split([',', ';', '|']).map(text::trim).filter(|entry| !entry.is_empty()).collect::<Vec<_>>().join(",");
    if made == value { None } else { quiet(made) }
}

#[cfg(test)]
mod tests {
    use super::{category, id, is_plain_amount, is_plain_list, is_plain_path, line, list, prose};
    use crate::cell::Shape;
    use crate::product::money::{Currency, Money};
    use crate::product::text::{is_plain_line, is_plain_prose};
    use proptest::prelude::*;

    proptest! {
        /// What is in order at a glance is what a close look changes nothing about.
        #[test]
        fn a_glance_sees_no_more_than_a_look(value in "(a|é|>| |  | > |\u{a0}|\u{3000}|\u{7f}|\u{202e}|<b>|&amp;|&|'|,|;|-|\t|\n|\u{1}){0,12}") {
            prop_assert!(!is_plain_line(&value) || line(&value).is_none());
            prop_assert!(!is_plain_prose(&value) || prose(&value).is_none());
            prop_assert!(!is_plain_prose(&value) || value.starts_with('\'') || id(&value).is_none());
            prop_assert!(!is_plain_path(&value) || category(&value).is_none());
            prop_assert!(!is_plain_list(&value) || list(&value, Shape::Text).is_none());
        }
    }

    proptest! {
        #[test]
        fn a_plain_amount_is_written_as_it_stands(value in "0{0,2}[0-9]{0,4}[.,]?[0-9]{0,4}", code in prop::sample::select(vec!["USD", "JPY", "KWD"])) {
            if let Ok(money) = Money::parse_loose(&value, Currency::parse(code), Some('.')) && is_plain_amount(&value, &money) {
                let mut written = String::new();
                money.write(&mut written);
                prop_assert_eq!(format!("{value} {code}"), written);
            }
        }
    }

    #[test]
    fn most_values_are_in_order_at_a_glance() {
        assert!(is_plain_line("Trail Shoes - Black, 10") && is_plain_prose("One.\nTwo, with é.") && is_plain_list("US,CA"));
        assert!(is_plain_path("Apparel & Accessories > Clothing > Shirts & Tops"));
    }
}
