//! Variant options: a JSON object from option name to selected value, both text.

use serde::de::{Deserializer, MapAccess, Visitor};
use std::borrow::Cow;
use std::fmt;
use xxhash_rust::xxh3::xxh3_64;

/// Why a text is not an object of options.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OptionsDefect {
    /// Not JSON, or not an object.
    NotAnObject,
    /// A value is not text.
    NotText(String),
    /// A name or value is empty.
    Empty,
    /// A name occurs twice.
    Repeated(String),
}

/// The pairs of an options object, in the order written.
pub type Pairs<'a> = Vec<(Cow<'a, str>, Cow<'a, str>)>;

/// Reads an options object; numbers and booleans as values are [`OptionsDefect::NotText`].
pub fn parse(text: &str) -> Result<Pairs<'_>, OptionsDefect> {
    let pairs = match plain(text) {
        Some(pairs) => pairs,
        None => any(text)?,
    };
    for (place, (name, value)) in pairs.iter().enumerate() {
        if name.trim().is_empty() || value.trim().is_empty() {
            return Err(OptionsDefect::Empty);
        }
        if pairs.iter().take(place).any(|(earlier, _)| earlier == name) {
            return Err(OptionsDefect::Repeated(name.clone().into_owned()));
        }
    }
    Ok(pairs)
}

/// The pairs of any JSON object.
fn any(text: &str) -> Result<Pairs<'_>, OptionsDefect> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let found = deserializer.deserialize_map(PairsVisitor).map_err(|_| OptionsDefect::NotAnObject)?;
    deserializer.end().map_err(|_| OptionsDefect::NotAnObject)?;
    let mut pairs: Pairs<'_> = Vec::with_capacity(found.len());
    for (name, value) in found {
        let Scalar::Text(value) = value else {
            return Err(OptionsDefect::NotText(name.into_owned()));
        };
        pairs.push((name, value));
    }
    Ok(pairs)
}

/// The pairs of an object as feeds write nearly all of them: text without escapes. `None`
/// leaves the judgement to the JSON parser.
fn plain(text: &str) -> Option<Pairs<'_>> {
    let mut pairs = Vec::with_capacity(4);
    plain_pairs(text, |name, value| {
        pairs.push((name.into(), value.into()));
        Some(())
    })?;
    Some(pairs)
}

/// Goes through the pairs of such an object, as long as `see` wants more.
fn plain_pairs<'t>(text: &'t str, mut see: impl FnMut(&'t str, &'t str) -> Option<()>) -> Option<()> {
    let mut rest = text.strip_prefix('{')?.strip_suffix('}')?;
    while !rest.is_empty() {
        let (name, after) = plain_string(rest)?;
        let (value, after) = plain_string(after.strip_prefix(':')?.trim_start_matches(' '))?;
        see(name, value)?;
        rest = match after.strip_prefix(',') {
            Some(next) if !next.is_empty() => next.trim_start_matches(' '),
            None if after.is_empty() => after,
            _ => return None,
        };
    }
    Some(())
}

/// A JSON string without escapes at the start of `text`, and what follows it.
fn plain_string(text: &str) -> Option<(&str, &str)> {
    let inner = text.strip_prefix('"')?;
    let end = inner.bytes().position(|byte| byte == b'"' || byte == b'\\' || byte < b' ')?;
    (inner.as_bytes().get(end) == Some(&b'"')).then_some(())?;
    inner.get(..end).zip(inner.get(end + 1..))
}

/// How many options of a row can be compared with fields of the same name; the digest sums
/// cover all of them.
const KEPT: usize = 6;

/// What two sets of options are compared by, blind to their order: hashes of the names as they
/// are spelled, and of names with values, blind to case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OptionsDigest {
    /// How many options there are.
    pub count: u32,
    /// The names alone, as they are spelled.
    pub names: u64,
    /// Names and values.
    pub pairs: u64,
    kept: [(u64, u64); KEPT],
}

impl OptionsDigest {
    /// Digests pairs; sums of hashes, so that the order does not matter.
    pub fn of<N: AsRef<str>, V: AsRef<str>>(pairs: &[(N, V)]) -> Self {
        let mut digest = Self::default();
        for (name, value) in pairs {
            digest.add_pair(name.as_ref(), value.as_ref());
        }
        digest
    }

    /// Digests an object that is sound at a glance, without a list of its pairs; what is not may
    /// still be sound.
    pub fn at_a_glance(text: &str) -> Option<Self> {
        let mut digest = Self::default();
        plain_pairs(text, |name, value| {
            let has_text = |text: &str| text.as_bytes().first().is_some_and(u8::is_ascii_graphic);
            let folded = (has_text(name) && has_text(value) && (digest.count as usize) < KEPT).then(|| folded_hash(name))?;
            // Names that differ in their case only are rare enough for a closer look.
            digest.value_of(folded).is_none().then(|| digest.add(folded, spelled_hash(name), folded_hash(value)))
        })?;
        Some(digest)
    }

    /// Adds an option.
    pub fn add_pair(&mut self, name: &str, value: &str) {
        self.add(folded_hash(name), spelled_hash(name), folded_hash(value));
    }

    /// Adds an option by the hashes of its name, folded and as it is spelled, and the folded one
    /// of its value.
    pub fn add(&mut self, name: u64, spelled: u64, value: u64) {
        if let Some(slot) = self.kept.get_mut(self.count as usize) {
            *slot = (name, value);
        }
        self.count += 1;
        self.names = self.names.wrapping_add(spelled);
        self.pairs = self.pairs.wrapping_add(name.rotate_left(23) ^ value.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    }

    /// The folded hash of the value of the option whose name has this folded hash.
    pub fn value_of(&self, name: u64) -> Option<u64> {
        self.kept.iter().take(self.count as usize).find(|(known, _)| *known == name).map(|(_, value)| *value)
    }
}

/// Whether a text is an object without a pair.
pub fn is_empty_object(text: &str) -> bool {
    text.strip_prefix('{').is_some_and(|rest| rest.trim_start() == "}")
}

/// A hash of a text as it is spelled.
pub fn spelled_hash(text: &str) -> u64 {
    xxh3_64(text.as_bytes())
}

/// A hash of a text that is blind to case and to blanks around it.
pub fn folded_hash(text: &str) -> u64 {
    let text = super::text::trim(text);
    folded::<32>(text).or_else(|| folded::<128>(text)).unwrap_or_else(|| xxh3_64(text.to_lowercase().as_bytes()))
}

/// The hash of a text of ASCII that fits so many bytes; their number is fixed so that all can
/// be looked at in a few steps.
fn folded<const MOST: usize>(text: &str) -> Option<u64> {
    let mut folded = [0u8; MOST];
    folded.get_mut(..text.len())?.copy_from_slice(text.as_bytes());
    if folded.iter().fold(0, |any, byte| any | byte) >= 0x80 {
        return None;
    }
    for byte in &mut folded {
        *byte |= u8::from(byte.is_ascii_uppercase()) << 5;
    }
    Some(xxh3_64(folded.get(..text.len())?))
}

enum Scalar<'a> {
    Text(Cow<'a, str>),
    Other,
}

struct PairsVisitor;

impl<'de> Visitor<'de> for PairsVisitor {
    type Value = Vec<(Cow<'de, str>, Scalar<'de>)>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an object of text values")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut pairs = Vec::with_capacity(4);
        while let Some(Text(name)) = map.next_key::<Text<'de>>()? {
            let raw: &'de serde_json::value::RawValue = map.next_value()?;
            let scalar = if raw.get().starts_with('"') {
                let text: Text<'de> = serde_json::from_str(raw.get()).map_err(serde::de::Error::custom)?;
                Scalar::Text(text.0)
            } else {
                Scalar::Other
            };
            pairs.push((name, scalar));
        }
        Ok(pairs)
    }
}

/// A JSON string, borrowed where it holds no escapes.
#[derive(serde::Deserialize)]
#[serde(transparent)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// Writes pairs as a JSON object.
pub fn write<N: AsRef<str>, V: AsRef<str>>(pairs: impl IntoIterator<Item = (N, V)>, out: &mut String) {
    out.push('{');
    for (place, (name, value)) in pairs.into_iter().enumerate() {
        if place > 0 {
            out.push(',');
        }
        super::text::write_json_string(name.as_ref(), out);
        out.push(':');
        super::text::write_json_string(value.as_ref(), out);
    }
    out.push('}');
}

#[cfg(test)]
mod tests {
    use super::{OptionsDefect, OptionsDigest, parse, write};
    use proptest::prelude::*;

    #[test]
    fn objects_of_text_only() {
        assert_eq!(parse(r#"{"color":"Black","size":"10"}"#).expect("sound").len(), 2);
        assert!(parse("{}").expect("sound").is_empty());
        assert_eq!(parse("color=Black"), Err(OptionsDefect::NotAnObject));
        assert_eq!(parse(r#"{"color":"Black"} x"#), Err(OptionsDefect::NotAnObject));
        assert_eq!(parse(r#"["Black"]"#), Err(OptionsDefect::NotAnObject));
        assert_eq!(parse(r#"{"size":10}"#), Err(OptionsDefect::NotText("size".into())));
        assert_eq!(parse(r#"{"size":" "}"#), Err(OptionsDefect::Empty));
        assert_eq!(parse(r#"{"size":"1","size":"2"}"#), Err(OptionsDefect::Repeated("size".into())));
    }

    #[test]
    fn digests_ignore_order_and_case_but_not_how_a_name_is_spelled() {
        let digest = |text: &str| OptionsDigest::of(&parse(text).expect("sound"));
        let compared = |text: &str| (digest(text).count, digest(text).names, digest(text).pairs);
        assert_eq!(compared(r#"{"color":"black","size":"10"}"#), compared(r#"{"size":"10","color":"Black"}"#));
        assert_eq!(digest(r#"{"Color":"black"}"#).pairs, digest(r#"{"color":"Black"}"#).pairs);
        assert_eq!(digest(r#"{"color":"Black"}"#).names, digest(r#"{"color":"White"}"#).names);
        assert_ne!(digest(r#"{"color":"Black"}"#).pairs, digest(r#"{"color":"White"}"#).pairs);
        assert_ne!(digest(r#"{"color":"10"}"#).names, digest(r#"{"size":"10"}"#).names);
        for spelled in [r#"{"Color":"10"}"#, r#"{"color ":"10"}"#] {
            assert_ne!(digest(r#"{"color":"10"}"#).names, digest(spelled).names);
        }
    }

    proptest! {
        /// The quick reader against the JSON parser, on texts that are nearly objects.
        #[test]
        fn plain_objects_are_what_the_parser_reads(text in r#"\{(\s?"[a-b\\"\t]{0,2}"\s?:\s?("[x" ,:é\\]{0,3}"|1),?){0,3}\}?"#) {
            if let Some(pairs) = super::plain(&text) {
                prop_assert_eq!(super::any(&text), Ok(pairs));
            }
            if let Some(digest) = OptionsDigest::at_a_glance(&text) {
                prop_assert_eq!(parse(&text).map(|pairs| OptionsDigest::of(&pairs)), Ok(digest));
            }
        }

        #[test]
        fn what_is_written_is_read_back(names in prop::collection::hash_set("[^ ]\\PC{0,6}", 1..4), value in "\\PC{0,5}[^ \t]") {
            let pairs: Vec<(String, String)> = names.into_iter().map(|name| (name, value.clone())).collect();
            let sound = pairs.iter().all(|(name, value)| !name.trim().is_empty() && !value.trim().is_empty());
            let mut out = String::new();
            write(pairs.clone(), &mut out);
            if sound {
                let read = parse(&out).expect("sound");
                prop_assert!(read.iter().zip(&pairs).all(|(a, b)| a.0 == b.0 && a.1 == b.1));
            }
        }
    }
}
