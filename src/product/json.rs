//! Pieces of JSON text taken apart without a tree: members, entries, strings.

use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;

/// The strings of a flat list or object of JSON, quotes included, one after the other.
#[derive(Clone, Copy, Debug)]
pub struct Strings<'a> {
    rest: &'a str,
}

impl<'a> Strings<'a> {
    /// The strings of a sound piece of JSON.
    pub fn new(json: &'a str) -> Self {
        Self { rest: json }
    }
}

impl<'a> Iterator for Strings<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let start = memchr::memchr(b'"', self.rest.as_bytes())?;
        let bytes = self.rest.as_bytes();
        let mut from = start + 1;
        let end = loop {
            let found = from + memchr::memchr2(b'"', b'\\', bytes.get(from..)?)?;
            if bytes.get(found) == Some(&b'"') {
                break found + 1;
            }
            from = found + 2;
        };
        let string = self.rest.get(start..end)?;
        self.rest = self.rest.get(end..)?;
        Some(string)
    }
}

/// A value of JSON, looked at from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Json<'a> {
    /// A string, its escapes resolved.
    Text(Cow<'a, str>),
    /// A number, exactly as written.
    Number(&'a str),
    /// `true` or `false`.
    Boolean(&'a str),
    /// `null`.
    Null,
    /// A list; the text is its JSON.
    List(&'a str),
    /// An object; the text is its JSON.
    Object(&'a str),
}

impl<'a> Json<'a> {
    /// Looks at one sound value.
    pub fn of(raw: &'a str) -> Self {
        match raw.as_bytes().first() {
            Some(b'"') => Self::Text(serde_json::from_str::<Text<'a>>(raw).map(|text| text.0).unwrap_or_default()),
            Some(b'{') => Self::Object(raw),
            Some(b'[') => Self::List(raw),
            Some(b't' | b'f') => Self::Boolean(raw),
            Some(b'n') | None => Self::Null,
            Some(_) => Self::Number(raw),
        }
    }

    /// What it is, in a word with its article.
    pub fn what(&self) -> &'static str {
        match self {
            Self::Text(_) => "text",
            Self::Number(_) => "a number",
            Self::Boolean(_) => "true or false",
            Self::Null => "null",
            Self::List(_) => "a list",
            Self::Object(_) => "an object",
        }
    }

    /// The value as text: a string without quotes, anything else as its JSON.
    pub fn text(&self) -> &str {
        match self {
            Self::Text(text) => text,
            Self::Number(raw) | Self::Boolean(raw) | Self::List(raw) | Self::Object(raw) => raw,
            Self::Null => "null",
        }
    }
}

/// The members of an object, in their order; `None` where the text is no object.
pub fn members(json: &str) -> Option<Vec<(Cow<'_, str>, Json<'_>)>> {
    serde_json::Deserializer::from_str(json).deserialize_map(Members).ok()
}

/// The entries of a list; `None` where the text is no list.
pub fn entries(json: &str) -> Option<Vec<Json<'_>>> {
    serde_json::Deserializer::from_str(json).deserialize_seq(Entries).ok()
}

/// A JSON string, borrowed where it holds no escapes.
#[derive(serde::Deserialize)]
#[serde(transparent)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Vec<(Cow<'de, str>, Json<'de>)>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::with_capacity(8);
        while let Some(Text(name)) = map.next_key::<Text<'de>>()? {
            let raw: &'de RawValue = map.next_value()?;
            members.push((name, Json::of(raw.get())));
        }
        Ok(members)
    }
}

struct Entries;

impl<'de> Visitor<'de> for Entries {
    type Value = Vec<Json<'de>>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut entries = Vec::new();
        while let Some(raw) = list.next_element::<&'de RawValue>()? {
            entries.push(Json::of(raw.get()));
        }
        Ok(entries)
    }
}

#[cfg(test)]
mod tests {
    use super::{Json, Strings, entries, members};

    #[test]
    fn strings_one_after_the_other() {
        let found: Vec<&str> = Strings::new(r#"{"a \"b\"":"c\\","d":"{}[],:"}"#).collect();
        assert_eq!(found, [r#""a \"b\"""#, r#""c\\""#, r#""d""#, r#""{}[],:""#]);
        assert_eq!(Strings::new("[]").count(), 0);
        assert_eq!(Strings::new("[\"cut").count(), 0);
    }

    #[test]
    fn values_seen_from_outside() {
        let found = members(r#"{"id":"a\u00e9","n":79.990,"o":{"x":[1]},"l":["]"],"t":true,"z":null}"#).expect("an object");
        assert_eq!(found[0], ("id".into(), Json::Text("aé".into())));
        assert_eq!(found[1].1, Json::Number("79.990"));
        assert_eq!(found[2].1, Json::Object(r#"{"x":[1]}"#));
        assert_eq!(entries(r#"["]", 2]"#).expect("a list").len(), 2);
        assert!(members("[1]").is_none() && entries("{}").is_none() && members("{").is_none());
    }
}
