//! Shipping charges as shopping feeds write them: `country:region:service:price`, perhaps with four
//! numbers of days behind, or objects with these parts, as XML has them.
//!
//! What cannot be said in the wanted form is not bent: a charge for a few postal codes is none
//! for the whole country.

use crate::product::codes;
use crate::product::money::Money;
use crate::product::text;
use serde_json::{Map, Value};
use std::borrow::Cow;

/// One charge.
#[derive(Default)]
struct Charge<'a> {
    country: Cow<'a, str>,
    region: Cow<'a, str>,
    /// Postal codes, where the charge is for these only.
    postal: Cow<'a, str>,
    /// Whether it is for another kind of area that only the shop knows.
    elsewhere: bool,
    service: Cow<'a, str>,
    price: Cow<'a, str>,
    /// Least and most days of handling, then of transit.
    days: [Cow<'a, str>; 4],
}

/// `country:region:service:price`, one entry a charge.
pub(super) fn charges(value: &str) -> String {
    let entry = |charge: &Charge<'_>| {
        (!charge.elsewhere && charge.postal.is_empty())
            .then(|| [&*charge.country, &*charge.region, &*charge.service, &*charge.price].join(":"))
    };
    // What stays as it is, the rules judge.
    written(value, entry).unwrap_or_else(|| value.to_owned())
}

/// `country:area:service:days:price`, one entry a charge; nothing where one of them cannot be said so.
pub(super) fn services(value: &str) -> String {
    let entry = |charge: &Charge<'_>| {
        let is_plain = |area: &str| !area.is_empty() && area.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
        let area = match (&*charge.region, &*charge.postal) {
            ("", "") => "ALL",
            (region, "") if region.len() <= 3 && is_plain(region) => region,
            ("", postal) if charge.country == "US" => postal,
            _ => return None,
        };
        let is_sound = !charge.elsewhere && codes::is_country(&charge.country) && Money::parse(&charge.price).is_ok();
        let days = charge.days().map(|(least, most)| format!("{least}-{most}")).unwrap_or_default();
        (is_sound && !charge.service.is_empty()).then(|| [&*charge.country, area, &*charge.service, &*days, &*charge.price].join(":"))
    };
    written(value, entry).unwrap_or_default()
}

/// All charges of a value, each written by `entry`; none where one of them cannot be.
fn written(value: &str, entry: impl Fn(&Charge<'_>) -> Option<String>) -> Option<String> {
    let entries: Option<Vec<String>> = if value.starts_with(['[', '{']) {
        let listed = match serde_json::from_str(value).ok()? {
            Value::Array(listed) => listed,
            one => vec![one],
        };
        listed
            .iter()
            .map(|charge| match charge {
                Value::Object(parts) => entry(&Charge::of_parts(parts)),
                Value::String(text) => entry(&Charge::of_text(text)?),
                _ => None,
            })
            .collect()
    } else {
        value.split(',').map(|text| entry(&Charge::of_text(text)?)).collect()
    };
    Some(entries?.join(","))
}

impl<'a> Charge<'a> {
    fn of_text(value: &'a str) -> Option<Self> {
        let mut parts = value.split(':').map(|part| Cow::Borrowed(text::trim(part)));
        let mut charge =
            Self { country: parts.next()?, region: parts.next()?, service: parts.next()?, price: parts.next()?, ..Self::default() };
        charge.days.iter_mut().for_each(|days| *days = parts.next().unwrap_or_default());
        parts.next().is_none().then_some(charge)
    }

    fn of_parts(parts: &'a Map<String, Value>) -> Self {
        let part = |name: &str| {
            let named = parts.iter().find(|(key, _)| key.rsplit(':').next() == Some(name));
            named.map_or(Cow::Borrowed(""), |(_, value)| match value {
                Value::String(text) => Cow::Borrowed(text::trim(text)),
                Value::Null => Cow::Borrowed(""),
                other => Cow::Owned(other.to_string()),
            })
        };
        Self {
            country: part("country"),
            region: part("region"),
            postal: part("postal_code"),
            elsewhere: !part("location_id").is_empty() || !part("location_group_name").is_empty(),
            service: part("service"),
            price: part("price"),
            days: ["min_handling_time", "max_handling_time", "min_transit_time", "max_transit_time"].map(part),
        }
    }

    /// Days until it arrives, where all of them are given.
    fn days(&self) -> Option<(u32, u32)> {
        let [handling, most_handling, transit, most_transit] = &self.days;
        let sum = |one: &str, other: &str| one.parse::<u16>().ok().zip(other.parse::<u16>().ok()).map(|(a, b)| u32::from(a) + u32::from(b));
        sum(handling, transit).zip(sum(most_handling, most_transit))
    }
}

#[cfg(test)]
mod tests {
    use super::{charges, services};

    #[test]
    fn entries_of_text() {
        let entry = "US:CA:Overnight:16.00 USD:1:1:2:3";
        assert_eq!((charges(entry), services(entry)), ("US:CA:Overnight:16.00 USD".into(), "US:CA:Overnight:3-4:16.00 USD".into()));
        let two = "US::Ground:5.00 USD, DE::Paket:4 EUR";
        assert_eq!(
            (charges(two), services(two)),
            ("US::Ground:5.00 USD,DE::Paket:4 EUR".into(), "US:ALL:Ground::5.00 USD,DE:ALL:Paket::4 EUR".into())
        );
        // A charge without a service has no name to show; one that is no entry is left to the rules.
        assert_eq!((charges("US:::5.99 USD"), services("US:::5.99 USD")), ("US:::5.99 USD".into(), String::new()));
        assert_eq!((charges("5.99 USD"), services("5.99 USD")), ("5.99 USD".into(), String::new()));
    }

    #[test]
    fn entries_of_elements() {
        let one = r#"{"g:country":"US","g:service":"Ground","g:price":"5 USD","g:min_handling_time":"0","g:max_handling_time":1,"g:min_transit_time":"2","g:max_transit_time":"4"}"#;
        assert_eq!((charges(one), services(one)), ("US::Ground:5 USD".into(), "US:ALL:Ground:2-5:5 USD".into()));
        let list = format!(r#"[{one},{{"country":"US","region":"HI","service":"Air","price":"9 USD"}}]"#);
        assert_eq!(charges(&list), "US::Ground:5 USD,US:HI:Air:9 USD");
        let near = r#"{"g:country":"US","g:postal_code":"94*","g:service":"Van","g:price":"0 USD"}"#;
        assert_eq!((charges(near), services(near)), (near.into(), "US:94*:Van::0 USD".into()));
        let shop = r#"{"g:country":"US","g:location_id":"21137","g:service":"Van","g:price":"0 USD"}"#;
        assert_eq!((charges(shop), services(shop)), (shop.into(), String::new()));
    }
}
