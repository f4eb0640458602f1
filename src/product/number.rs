//! Plain decimal numbers, kept as text and compared exactly.

use rust_decimal::Decimal;
use std::cmp::Ordering;

/// Digits with an optional point, no sign, no exponent; at most 28 digits.
pub fn parse(text: &str) -> Option<Decimal> {
    let bytes = text.as_bytes();
    let (mut value, mut point) = (0i64, None);
    for (place, &byte) in bytes.iter().enumerate() {
        match byte {
            b'0'..=b'9' => value = value.wrapping_mul(10).wrapping_add(i64::from(byte - b'0')),
            b'.' if point.is_none() && place > 0 && place + 1 < bytes.len() => point = Some(place),
            _ => return None,
        }
    }
    match bytes.len() {
        0 => None,
        1..=18 => Some(Decimal::new(value, point.map_or(0, |point| (bytes.len() - point - 1) as u32))),
        // Too many digits for the sum above.
        _ => Decimal::from_str_exact(text).ok(),
    }
}

/// Powers of ten that times any 64 bits fit 128.
const POWERS: [i128; 19] = {
    let (mut powers, mut scale) = ([1; 19], 1);
    while scale < powers.len() {
        powers[scale] = powers[scale - 1] * 10;
        scale += 1;
    }
    powers
};

/// Compares a number with a whole one.
pub fn compare_with_whole(number: &Decimal, whole: i64) -> Ordering {
    match POWERS.get(number.scale() as usize) {
        Some(power) => number.mantissa().cmp(&(power * i128::from(whole))),
        None => number.cmp(&Decimal::from(whole)),
    }
}

/// A whole number of zero or more.
pub fn parse_whole(text: &str) -> Option<u64> {
    (!text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok()).flatten()
}

/// The plain form of a number with blanks, thousands separators or needless fraction zeros,
/// such as ` 1,250 ` or `12.0`. `None` where nothing changes or no single reading exists.
pub fn repair_whole(text: &str) -> Option<String> {
    let trimmed = text.trim();
    let (whole, fraction) = trimmed.split_once('.').unwrap_or((trimmed, ""));
    let grouped = whole.split(',').skip(1).all(|group| group.len() == 3);
    let plain: String = whole.chars().filter(|c| *c != ',').collect();
    let sound = grouped && !plain.is_empty() && plain.bytes().all(|b| b.is_ascii_digit()) && fraction.bytes().all(|b| b == b'0');
    (sound && plain != text).then_some(plain)
}

#[cfg(test)]
mod tests {
    use super::{Decimal, compare_with_whole, parse, parse_whole, repair_whole};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn compared_as_decimals_are(digits in 0i64..2_000, scale in 0u32..28, whole in prop::sample::select(vec![0, 1, 5, 100, 1999, -3, i64::MAX, i64::MIN])) {
            let number = Decimal::new(digits, scale);
            prop_assert_eq!(compare_with_whole(&number, whole), number.cmp(&Decimal::from(whole)));
        }
    }

    #[test]
    fn decimals_are_exact() {
        assert_eq!(parse("4.50").expect("number").to_string(), "4.50");
        assert_eq!(parse("12345678901234567890123.45").expect("number").to_string(), "12345678901234567890123.45");
        for bad in ["", "-1", "+1", "1e3", ".5", "5.", "1,5", "about 2", "1.2.3", "٣"] {
            assert_eq!(parse(bad), None, "{bad}");
        }
        assert_eq!(parse_whole("007"), Some(7));
        assert_eq!(parse_whole("12.5"), None);
    }

    #[test]
    fn whole_numbers_made_plain() {
        assert_eq!(repair_whole("12.0").as_deref(), Some("12"));
        assert_eq!(repair_whole(" 1,250 ").as_deref(), Some("1250"));
        assert_eq!(repair_whole("12.5"), None);
        assert_eq!(repair_whole("12"), None);
        assert_eq!(repair_whole("1,25"), None);
    }
}
