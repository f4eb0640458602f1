//! Global Trade Item Numbers: GTIN-8, -12 (UPC), -13 (EAN, ISBN-13) and -14.

/// Why a text is not a GTIN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GtinDefect {
    /// Something other than a digit occurs.
    NotDigits,
    /// The number of digits is not 8, 12, 13 or 14.
    Length(usize),
    /// The check digit is not the one that belongs to the others.
    CheckDigit {
        /// The digit that would be right.
        expected: char,
    },
}

/// Checks a GTIN as written: digits only, 8, 12, 13 or 14 of them, a valid check digit.
pub fn check(text: &str) -> Result<(), GtinDefect> {
    if !text.bytes().all(|b| b.is_ascii_digit()) {
        return Err(GtinDefect::NotDigits);
    }
    if !matches!(text.len(), 8 | 12 | 13 | 14) {
        return Err(GtinDefect::Length(text.len()));
    }
    check_digit(text)
}

/// Checks only the last digit against the others.
pub fn check_digit(digits: &str) -> Result<(), GtinDefect> {
    let bytes = digits.as_bytes();
    let Some((&last, body)) = bytes.split_last() else {
        return Err(GtinDefect::Length(0));
    };
    // GS1 General Specifications 7.9: weights 3, 1, 3, ... from the digit left of the check digit.
    let sum: u32 = body.iter().rev().enumerate().map(|(place, &digit)| u32::from(digit - b'0') * if place % 2 == 0 { 3 } else { 1 }).sum();
    let expected = b'0' + ((10 - sum % 10) % 10) as u8;
    if last == expected { Ok(()) } else { Err(GtinDefect::CheckDigit { expected: char::from(expected) }) }
}

/// The digits of a loosely written code: blanks, hyphens and a spreadsheet's leading
/// apostrophe are dropped. `None` where anything else stands among them.
pub fn clean(text: &str) -> Option<String> {
    let digits: String = text.trim().trim_start_matches('\'').chars().filter(|c| !matches!(c, ' ' | '-' | '\u{a0}')).collect();
    (!digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())).then_some(digits)
}

/// The GTIN-12 that ten or eleven digits are if a spreadsheet took their leading zeros. One
/// number in ten passes by chance, so this is a question to the merchant and never a repair.
pub fn with_lost_zeros(digits: &str) -> Option<String> {
    let padded = format!("{digits:0>12}");
    let plausible = matches!(digits.len(), 10 | 11) && digits.bytes().all(|b| b.is_ascii_digit());
    (plausible && check_digit(&padded).is_ok()).then_some(padded)
}

#[cfg(test)]
mod tests {
    use super::{GtinDefect, check, clean, with_lost_zeros};
    use proptest::prelude::*;

    #[test]
    fn known_numbers() {
        for good in ["96385074", "036000291452", "4006381333931", "09506000134352", "9780306406157"] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        assert_eq!(check("4006381333932"), Err(GtinDefect::CheckDigit { expected: '1' }));
        // 3 x (9+3+1+3+0+4) + (3+3+8+6+0) = 60 + 20, so 0 completes it.
        assert_eq!(check("400638133393"), Err(GtinDefect::CheckDigit { expected: '0' }));
        assert_eq!(check("0306406152"), Err(GtinDefect::Length(10)));
        assert_eq!(check("N/A6381333931"), Err(GtinDefect::NotDigits));
        assert_eq!(check(""), Err(GtinDefect::Length(0)));
    }

    #[test]
    fn loose_spellings() {
        assert_eq!(clean("'4006381333931").as_deref(), Some("4006381333931"));
        assert_eq!(clean("978-0-306-40615-7").as_deref(), Some("9780306406157"));
        assert_eq!(clean("36000291452").as_deref(), Some("36000291452"));
        assert_eq!(with_lost_zeros("36000291452").as_deref(), Some("036000291452"));
        assert_eq!(with_lost_zeros("36000291453"), None);
        assert_eq!(clean("8.80609E+12"), None);
    }

    proptest! {
        #[test]
        fn one_wrong_digit_is_always_found(body in "[0-9]{12}", place in 0usize..13, step in 1u8..10) {
            let good = (b'0'..=b'9').map(|d| format!("{body}{}", char::from(d))).find(|g| check(g).is_ok());
            let good = good.expect("one of the ten digits completes any body");
            let mut bytes = good.into_bytes();
            bytes[place] = b'0' + (bytes[place] - b'0' + step) % 10;
            prop_assert!(check(std::str::from_utf8(&bytes).expect("digits")).is_err());
        }
    }
}
