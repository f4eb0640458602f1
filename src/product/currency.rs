//! Currencies: the codes of ISO 4217 that are in use, and how many decimals each has.

use iso_currency::IntoEnumIterator;
use std::sync::LazyLock;

/// An ISO 4217 alphabetic code in capitals that is in use for payments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Currency([u8; 3]);

const UNKNOWN: u8 = u8::MAX;

/// Minor-unit digits by code: one byte for each of the 26³ three-letter words.
static DIGITS: LazyLock<Box<[u8]>> = LazyLock::new(|| {
    let mut table = vec![UNKNOWN; 26 * 26 * 26].into_boxed_slice();
    for currency in iso_currency::Currency::iter() {
        let Ok(letters) = <[u8; 3]>::try_from(currency.code().as_bytes()) else { continue };
        if WITHDRAWN.iter().any(|(code, _)| code.as_bytes() == letters) {
            continue;
        }
        // Codes that begin with X are funds, metals and tests, but for these shared currencies.
        let payable = letters[0] != b'X' || matches!(&letters, b"XAF" | b"XCD" | b"XCG" | b"XOF" | b"XPF");
        if let Some(slot) = table.get_mut(Currency(letters).place()).filter(|_| payable) {
            *slot = currency.exponent().map_or(2, |digits| digits as u8);
        }
    }
    table
});

/// Codes that were withdrawn, each with the one that took its place.
static WITHDRAWN: LazyLock<Vec<(&str, &str)>> = LazyLock::new(|| {
    let lines = include_str!("../../schemas/shared/withdrawn-currencies.txt").lines();
    lines.filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once(' ')).collect()
});

impl Currency {
    /// The currency of a three-letter code in capitals, if ISO 4217 lists it.
    pub fn parse(code: &str) -> Option<Self> {
        let letters: [u8; 3] = code.as_bytes().try_into().ok()?;
        if !letters.iter().all(u8::is_ascii_uppercase) {
            return None;
        }
        let currency = Self(letters);
        (DIGITS.get(currency.place()).copied()? != UNKNOWN).then_some(currency)
    }

    /// The code that took the place of one that was withdrawn.
    pub fn successor(code: &str) -> Option<&'static str> {
        WITHDRAWN.iter().find(|(known, _)| *known == code).map(|(_, successor)| *successor)
    }

    fn place(self) -> usize {
        self.0.iter().fold(0, |place, letter| place * 26 + usize::from(letter - b'A'))
    }

    /// How many fraction digits the currency's minor unit has.
    pub fn digits(self) -> u32 {
        DIGITS.get(self.place()).map_or(2, |&digits| u32::from(digits))
    }

    /// The three letters.
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("")
    }
}

#[cfg(test)]
mod tests {
    use super::{Currency, WITHDRAWN};

    #[test]
    fn codes_in_use_have_their_digits() {
        for (code, digits) in [("USD", 2), ("EUR", 2), ("JPY", 0), ("KWD", 3), ("XOF", 0), ("XCG", 2), ("ZWG", 2), ("VES", 2)] {
            assert_eq!(Currency::parse(code).map(Currency::digits), Some(digits), "{code}");
        }
        for code in ["usd", "US", "XXX", "XAU", "ZZZ", "US1", ""] {
            assert_eq!(Currency::parse(code), None, "{code}");
        }
    }

    #[test]
    fn a_withdrawn_code_is_none_and_names_one_that_is() {
        for (code, successor) in [("HRK", "EUR"), ("BGN", "EUR"), ("LTL", "EUR"), ("ANG", "XCG"), ("SLL", "SLE"), ("ZWL", "ZWG")] {
            assert_eq!((Currency::parse(code), Currency::successor(code)), (None, Some(successor)), "{code}");
        }
        assert_eq!(Currency::successor("EUR"), None);
        for (code, successor) in WITHDRAWN.iter() {
            assert!(Currency::parse(code).is_none() && Currency::parse(successor).is_some(), "{code} {successor}");
        }
    }
}
