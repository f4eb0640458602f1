//! Named transforms: what `clean = [...]` may say.

use super::shipping;
use crate::product::money::{Currency, Money};
use crate::product::{html, shortcode, text};
use rust_decimal::Decimal;

/// A named transform.
#[derive(Debug)]
pub struct Transform {
    /// Its name.
    pub name: &'static str,
    /// The byte without which a value stays as it is.
    pub sign: Option<u8>,
    /// What it does.
    pub doc: &'static str,
    /// Does it.
    pub apply: fn(&str) -> String,
}

/// The table of transforms.
pub static TRANSFORMS: &[Transform] = &[
    Transform { name: "html", sign: None, doc: "turns HTML into plain text", apply: html::from_html },
    Transform {
        name: "whitespace",
        sign: None,
        doc: "folds blanks and line breaks to single blanks",
        apply: |text| text::one_line(text).into_owned(),
    },
    Transform { name: "trim", sign: None, doc: "removes blanks around the value", apply: |value| text::trim(value).to_owned() },
    Transform { name: "lower", sign: None, doc: "writes everything in lower case", apply: str::to_lowercase },
    Transform { name: "upper", sign: None, doc: "writes everything in capitals", apply: str::to_uppercase },
    Transform { name: "digits", sign: None, doc: "keeps digits only", apply: |value| value.chars().filter(char::is_ascii_digit).collect() },
    Transform { name: "first-line", sign: None, doc: "keeps the first line", apply: |value| value.lines().next().unwrap_or("").to_owned() },
    Transform {
        name: "literal-newlines",
        sign: Some(b'\\'),
        doc: "turns a backslash and an `n` into a line break",
        apply: |value| value.replace("\\r\\n", "\n").replace("\\n", "\n"),
    },
    Transform {
        name: "first",
        sign: None,
        doc: "keeps the first entry of a JSON list",
        apply: |value| entries(value).into_iter().next().unwrap_or_default(),
    },
    Transform {
        name: "last",
        sign: None,
        doc: "keeps the last entry of a JSON list",
        apply: |value| entries(value).pop().unwrap_or_default(),
    },
    Transform { name: "sum", sign: None, doc: "adds up the numbers of a JSON list", apply: sum },
    Transform {
        name: "lines",
        sign: None,
        doc: "joins lines with commas",
        apply: |value| value.lines().map(text::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(", "),
    },
    Transform {
        name: "bars",
        sign: None,
        doc: "joins with commas what bars separate",
        apply: |value| value.split('|').map(text::trim).filter(|entry| !entry.is_empty()).collect::<Vec<_>>().join(", "),
    },
    Transform {
        name: "semicolons",
        sign: None,
        doc: "joins with commas what semicolons separate",
        apply: |value| value.split(';').map(text::trim).filter(|entry| !entry.is_empty()).collect::<Vec<_>>().join(","),
    },
    Transform {
        name: "colons-to-blanks",
        sign: None,
        doc: "writes blanks for colons, as in `1.5:kg`",
        apply: |value| value.replace(':', " "),
    },
    Transform {
        name: "before-colon",
        sign: None,
        doc: "keeps what stands in front of the first colon",
        apply: |value| value.split(':').next().unwrap_or("").to_owned(),
    },
    Transform {
        name: "last-number",
        sign: None,
        doc: "keeps the digits at the end, such as the number of an address-like id",
        apply: last_number,
    },
    Transform { name: "no-trailing-zeros", sign: None, doc: "drops zeros at the end of a decimal number", apply: short_decimal },
    Transform { name: "no-directives", sign: Some(b'{'), doc: "drops what stands in double braces", apply: without_directives },
    Transform {
        name: "tokens-to-bars",
        sign: Some(b'('),
        doc: "writes bars for ids in brackets and the commas behind them, as in `Home > Mugs (T2B3QXYZ4KV6LZRY6SQ), Sale (...)`",
        apply: without_tokens,
    },
    Transform {
        name: "shipping-charges",
        sign: None,
        doc: "writes shipping charges as `country:region:service:price`, without the days that may follow",
        apply: shipping::charges,
    },
    Transform {
        name: "shipping-services",
        sign: None,
        doc: "writes shipping charges as `country:area:service:days:price`",
        apply: shipping::services,
    },
    Transform {
        name: "no-shortcodes",
        sign: Some(b'['),
        doc: "drops the tags of shortcodes, as in `[caption]text[/caption]`",
        apply: shortcode::without,
    },
    Transform {
        name: "units-nanos",
        sign: None,
        doc: "makes an amount of an object with `units`, `nanos` and `currencyCode`",
        apply: units_nanos,
    },
    Transform {
        name: "minor-units",
        sign: None,
        doc: "makes an amount of an object with `amount` in minor units and `currency`",
        apply: minor_units,
    },
    Transform { name: "slug", sign: None, doc: "lower case, anything but letters and digits as single hyphens", apply: slug },
];

/// The transform of a name.
pub fn find(name: &str) -> Option<&'static Transform> {
    TRANSFORMS.iter().find(|transform| transform.name == name)
}

/// The entries of a JSON list as text; a text that is no list is its only entry.
fn entries(value: &str) -> Vec<String> {
    match serde_json::from_str::<Vec<serde_json::Value>>(value) {
        Ok(entries) => entries
            .into_iter()
            .filter(|entry| !entry.is_null())
            .map(|entry| entry.as_str().map_or_else(|| entry.to_string(), str::to_owned))
            .collect(),
        Err(_) => vec![value.to_owned()],
    }
}

/// The entries of a JSON list in one text; what is said twice in the same words is said once.
pub(super) fn joined(value: &str, separator: &str) -> String {
    let mut entries = entries(value);
    if entries.iter().all(|entry| entries.first() == Some(entry)) {
        entries.truncate(1);
    }
    entries.join(separator)
}

fn sum(value: &str) -> String {
    let entries = entries(value);
    let numbers: Option<Vec<Decimal>> = entries.iter().map(|entry| text::trim(entry).parse().ok()).collect();
    // What is no list of numbers stays, for the rules to judge.
    numbers.map_or_else(|| value.to_owned(), |numbers| numbers.iter().fold(Decimal::ZERO, |sum, n| sum.saturating_add(*n)).to_string())
}

fn short_decimal(value: &str) -> String {
    text::trim(value).parse::<Decimal>().map_or_else(|_| value.to_owned(), |number| number.normalize().to_string())
}

fn last_number(value: &str) -> String {
    let start = value
        .rfind(|c: char| !c.is_ascii_digit())
        .map_or(0, |at| at + value.get(at..).and_then(|rest| rest.chars().next()).map_or(1, char::len_utf8));
    value.get(start..).filter(|digits| !digits.is_empty()).unwrap_or(value).to_owned()
}

fn without_directives(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    let mut rest = value;
    while let Some((before, after)) = rest.split_once("{{") {
        let Some((_, after)) = after.split_once("}}") else { break };
        out.push_str(before);
        rest = after;
    }
    out.push_str(rest);
    out
}

/// Ids in brackets are told from words by their length and by what they are made of.
fn without_tokens(value: &str) -> String {
    const SHORTEST: usize = 16;
    let is_token = |text: &str| {
        let is_sound = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit();
        let is_uuid = text.len() == 36 && text.split('-').map(str::len).eq([8, 4, 4, 4, 12]);
        text.len() >= SHORTEST && text.bytes().all(is_sound) && text.bytes().any(|b| b.is_ascii_digit())
            || is_uuid && text.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-')
    };
    let mut out = String::with_capacity(value.len());
    let mut rest = value;
    while let Some((before, after)) = rest.split_once('(') {
        match after.split_once(')').filter(|(inside, _)| is_token(inside)) {
            Some((_, behind)) => {
                out.push_str(before.trim_end());
                let behind = behind.trim_start();
                rest = behind.strip_prefix(',').unwrap_or(behind);
                out.push_str(if rest.is_empty() { "" } else { "|" });
            }
            None => {
                out.extend([before, "("]);
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}

fn object(value: &str) -> Option<serde_json::Map<String, serde_json::Value>> {
    serde_json::from_str(value).ok()
}

fn whole(object: &serde_json::Map<String, serde_json::Value>, key: &str) -> Option<i64> {
    let value = object.get(key)?;
    value.as_i64().or_else(|| value.as_str()?.parse().ok())
}

fn amount(amount: Decimal, currency: Currency) -> String {
    let mut out = String::new();
    Money { amount, currency }.write(&mut out);
    out
}

fn units_nanos(value: &str) -> String {
    let made = || {
        let object = object(value)?;
        let currency = Currency::parse(object.get("currencyCode")?.as_str()?)?;
        let (units, nanos) = (whole(&object, "units").unwrap_or(0), whole(&object, "nanos").unwrap_or(0));
        let total = Decimal::from(units).checked_add(Decimal::new(nanos, 9))?;
        // More digits than the currency has are not rounded away.
        (total.normalize().scale() <= currency.digits()).then(|| amount(total, currency))
    };
    made().unwrap_or_else(|| value.to_owned())
}

fn minor_units(value: &str) -> String {
    let made = || {
        let object = object(value)?;
        let currency = Currency::parse(object.get("currency")?.as_str()?)?;
        Some(amount(Decimal::new(whole(&object, "amount")?, currency.digits()), currency))
    };
    made().unwrap_or_else(|| value.to_owned())
}

/// Lower case; anything but letters and digits becomes single hyphens, none at the ends.
pub fn slug(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for c in value.chars() {
        if c.is_alphanumeric() {
            out.extend(c.to_lowercase());
        } else if !out.ends_with('-') && !out.is_empty() {
            out.push('-');
        }
    }
    out.trim_end_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::{find, slug};

    #[test]
    fn slugs() {
        assert_eq!(slug("  Black / Size 10! "), "black-size-10");
        assert_eq!(slug("Größe"), "größe");
        assert_eq!((find("digits").expect("listed").apply)("12-34 a"), "1234");
    }

    #[test]
    fn amounts_in_parts() {
        let apply = |name: &str, value: &str| (find(name).expect("listed").apply)(value);
        assert_eq!(apply("units-nanos", r#"{"currencyCode":"USD","units":19,"nanos":990000000}"#), "19.99 USD");
        assert_eq!(
            apply("units-nanos", r#"{"currencyCode":"USD","units":19,"nanos":999000000}"#),
            r#"{"currencyCode":"USD","units":19,"nanos":999000000}"#
        );
        assert_eq!(apply("minor-units", r#"{"amount":1999,"currency":"USD"}"#), "19.99 USD");
        assert_eq!(apply("minor-units", r#"{"amount":1999,"currency":"JPY"}"#), "1999 JPY");
        assert_eq!(apply("minor-units", "19.99"), "19.99");
    }

    #[test]
    fn lists_and_ids() {
        let apply = |name: &str, value: &str| (find(name).expect("listed").apply)(value);
        assert_eq!(
            (apply("first", r#"["a","b"]"#), apply("last", r#"["a","b"]"#), apply("first", "a,b")),
            ("a".into(), "b".into(), "a,b".into())
        );
        assert_eq!((apply("sum", "[3, 4.5]"), apply("sum", "7"), apply("sum", "some")), ("7.5".into(), "7".into(), "some".into()));
        assert_eq!((super::joined(r#"["a","a"]"#, ", "), super::joined(r#"["a","b"]"#, ", ")), ("a".to_owned(), "a, b".to_owned()));
        assert_eq!((apply("bars", "Wool|Nylon | "), apply("colons-to-blanks", "1.5:kg")), ("Wool, Nylon".into(), "1.5 kg".into()));
        assert_eq!((apply("last-number", "gid://shop/Product/456"), apply("last-number", "abc")), ("456".into(), "abc".into()));
        assert_eq!(apply("no-directives", "a {{media url=\"x\"}}b {{"), "a b {{");
        assert_eq!(apply("tokens-to-bars", "A (T2B3QXYZ4KV6LZRY6SQ), B > C (T2B3QXYZ4KV6LZRY6SQ)"), "A| B > C");
        assert_eq!(apply("tokens-to-bars", "Pans (NEW), Pots (2026) (a"), "Pans (NEW), Pots (2026) (a");
        assert_eq!(apply("before-colon", "Blue:0"), "Blue");
        assert_eq!((apply("no-trailing-zeros", "14.0000"), apply("no-trailing-zeros", "a0")), ("14".into(), "a0".into()));
    }
}
