//! Code lists: countries of ISO 3166-1.

use std::sync::LazyLock;

/// One bit for each of the 26² two-letter words.
static COUNTRIES: LazyLock<Box<[bool]>> = LazyLock::new(|| {
    let mut table = vec![false; 26 * 26].into_boxed_slice();
    for code in include_str!("../../schemas/shared/countries.txt").split_ascii_whitespace() {
        if let Some(slot) = place(code).and_then(|place| table.get_mut(place)) {
            *slot = true;
        }
    }
    table
});

fn place(code: &str) -> Option<usize> {
    match code.as_bytes() {
        &[a @ b'A'..=b'Z', b @ b'A'..=b'Z'] => Some(usize::from(a - b'A') * 26 + usize::from(b - b'A')),
        _ => None,
    }
}

/// Whether a text is an ISO 3166-1 alpha-2 code in capitals.
pub fn is_country(code: &str) -> bool {
    place(code).is_some_and(|place| COUNTRIES.get(place).copied().unwrap_or(false))
}

#[cfg(test)]
mod tests {
    use super::is_country;

    #[test]
    fn assigned_codes_only() {
        assert!(is_country("US") && is_country("DE") && is_country("GB"));
        assert!(!is_country("XX") && !is_country("UK") && !is_country("us") && !is_country("USA") && !is_country(""));
    }
}
