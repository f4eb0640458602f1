//! Synonyms: what shops call the listed values of an attribute.

use super::attribute::{AttributeId, Attributes};
use std::collections::HashMap;
use std::sync::LazyLock;

type Table = HashMap<String, HashMap<String, String>>;

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let written: std::collections::BTreeMap<String, std::collections::BTreeMap<String, Vec<String>>> =
        toml::from_str(include_str!("../../schemas/shared/synonyms.toml")).unwrap_or_default();
    let mut table = Table::new();
    for (attribute, values) in written {
        let words = table.entry(attribute).or_default();
        for (value, synonyms) in values {
            for word in synonyms.iter().chain([&value]) {
                words.insert(fold(word), value.clone());
            }
        }
        // Listed values as they stand, too, which are found without folding.
        let listed = words.values().map(|value| (value.clone(), words[&fold(value)].clone())).collect::<Vec<_>>();
        words.extend(listed);
    }
    table
});

/// The listed value a word stands for, if it is one or a known synonym of one.
pub fn value_of(attribute: &str, word: &str) -> Option<&'static str> {
    let words = TABLE.get(attribute)?;
    words.get(word).or_else(|| folded(word, |word| words.get(word))).map(String::as_str)
}

/// Whether synonyms are known for an attribute.
pub fn is_known(attribute: &str) -> bool {
    TABLE.contains_key(attribute)
}

/// Option names that have an attribute of their own.
static OPTION_NAMES: LazyLock<HashMap<String, AttributeId>> = LazyLock::new(|| {
    let table: toml::Table = toml::from_str(include_str!("../../schemas/shared/option-names.toml")).unwrap_or_default();
    let mut names = HashMap::new();
    for (attribute, words) in &table {
        let Some(id) = Attributes::shared().id(attribute) else { continue };
        for word in words.as_array().into_iter().flatten().filter_map(toml::Value::as_str) {
            names.insert(fold(word), id);
        }
    }
    names
});

/// The attribute that a variant option of this name fills, such as `color` for `Farbe`.
pub fn option_attribute(name: &str) -> Option<AttributeId> {
    folded(name, |name| OPTION_NAMES.get(name)).copied()
}

/// Looks a word up as [`fold`] writes it. Most words are short and plain, and are folded in place.
fn folded<T>(word: &str, find: impl FnOnce(&str) -> Option<T>) -> Option<T> {
    let mut plain = [0; 32];
    let (bytes, mut before) = (word.as_bytes(), b' ');
    for (place, &byte) in plain.iter_mut().zip(bytes) {
        // A blank is plain between two words only; hyphens and underscores are blanks to `fold`.
        if !(byte.is_ascii_alphanumeric() || byte == b' ' && before != b' ') {
            return find(&fold(word));
        }
        (*place, before) = (byte.to_ascii_lowercase(), byte);
    }
    match plain.get(..bytes.len()).and_then(|plain| std::str::from_utf8(plain).ok()) {
        Some(plain) if before != b' ' => find(plain),
        _ => find(&fold(word)),
    }
}

/// Lower case; runs of blanks, hyphens and underscores as one blank.
pub fn fold(word: &str) -> String {
    let mut out = String::with_capacity(word.len());
    if word.is_ascii() {
        for byte in word.bytes() {
            match byte {
                b' ' | b'\t'..=b'\r' | b'-' | b'_' if out.is_empty() || out.ends_with(' ') => {}
                b' ' | b'\t'..=b'\r' | b'-' | b'_' => out.push(' '),
                _ => out.push(char::from(byte.to_ascii_lowercase())),
            }
        }
        if out.ends_with(' ') {
            out.pop();
        }
        return out;
    }
    for c in word.chars() {
        let blank = super::text::is_blank(c) || matches!(c, '-' | '_');
        if blank && !out.ends_with(' ') {
            out.push(' ');
        } else if !blank {
            out.extend(c.to_lowercase());
        }
    }
    out.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::{fold, folded, value_of};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn folding_in_place_is_folding(word in "[a-zA-Z0-9 _\u{df}-]{0,40}") {
            prop_assert_eq!(folded(&word, |word| Some(word.to_owned())), Some(fold(&word)));
        }
    }

    #[test]
    fn one_meaning_each() {
        assert_eq!(value_of("availability", "In Stock"), Some("in_stock"));
        assert_eq!(value_of("availability", "preorder"), Some("pre_order"));
        assert_eq!(value_of("availability", "limited availability"), None);
        assert_eq!(value_of("gender", "Men"), Some("male"));
        assert_eq!(value_of("age_group", "Adult (13+ years old)"), Some("adult"));
        assert_eq!(value_of("title", "in stock"), None);
        assert_eq!(super::option_attribute("Größe"), super::Attributes::shared().id("size"));
        assert_eq!(super::option_attribute("Logo"), None);
    }
}
