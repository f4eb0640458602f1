//! The attributes of a catalog: their names, interned, and how each is normalized.

use serde::Deserialize;
use std::collections::HashMap;
use std::sync::LazyLock;
use toml::de::{DeTable, ValueDeserializer};

/// An attribute as a small number; only meaningful together with [`Attributes::shared`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AttributeId(pub u16);

impl AttributeId {
    /// The position of the attribute in tables.
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}

/// How an attribute's values are normalized.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// An identifier: trimmed, a spreadsheet's apostrophe dropped.
    Id,
    /// A code such as a part number: like an identifier.
    Code,
    /// One line of text.
    Line,
    /// Text with line breaks; HTML becomes plain text.
    Prose,
    /// A web address.
    Link,
    /// Web addresses, separated.
    Links,
    /// A listed word, with synonyms.
    Word,
    /// Money.
    Money,
    /// True or false.
    Flag,
    /// A whole number.
    Whole,
    /// A decimal number.
    Number,
    /// A GTIN.
    Gtin,
    /// A category path.
    Category,
    /// A taxonomy id or path.
    Taxonomy,
    /// An object of texts.
    Options,
    /// Length, width and height in one cell.
    Box,
    /// One axis, perhaps with its unit.
    Axis,
    /// A weight, perhaps with its unit.
    Weight,
    /// A day or instant.
    Date,
    /// A list of codes.
    List,
    /// A packed cell in a target's own grammar: only trimmed.
    Packed,
}

/// What is known of one attribute.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attribute {
    /// How its values are normalized.
    pub kind: Kind,
    /// What it holds, in a few words.
    pub means: String,
}

/// All attributes, in a fixed order.
#[derive(Debug)]
pub struct Attributes {
    names: Vec<String>,
    known: Vec<Attribute>,
    by_name: HashMap<String, AttributeId>,
}

static SHARED: LazyLock<Attributes> = LazyLock::new(|| {
    #[expect(clippy::expect_used, reason = "the table is part of the program; a test loads it")]
    let table = DeTable::parse(include_str!("../../schemas/shared/attributes.toml")).expect("the built-in attribute table is valid");
    let table = table.into_inner();
    let mut attributes =
        Attributes { names: Vec::with_capacity(table.len()), known: Vec::with_capacity(table.len()), by_name: HashMap::new() };
    for (name, value) in table {
        #[expect(clippy::expect_used, reason = "the table is part of the program; a test loads it")]
        let known = Attribute::deserialize(ValueDeserializer::from(value)).expect("the built-in attribute table is valid");
        let name = name.into_inner().into_owned();
        attributes.by_name.insert(name.clone(), AttributeId(attributes.names.len() as u16));
        attributes.names.push(name);
        attributes.known.push(known);
    }
    attributes
});

impl Attributes {
    /// The built-in attributes.
    pub fn shared() -> &'static Attributes {
        &SHARED
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.names.len()
    }

    /// The attribute of a name.
    pub fn id(&self, name: &str) -> Option<AttributeId> {
        self.by_name.get(name).copied()
    }

    /// The name of an attribute.
    pub fn name(&self, id: AttributeId) -> &str {
        self.names.get(id.index()).map_or("", String::as_str)
    }

    /// How an attribute's values are normalized.
    pub fn kind(&self, id: AttributeId) -> Kind {
        self.known.get(id.index()).map_or(Kind::Line, |known| known.kind)
    }

    /// All attributes with their names, in table order.
    pub fn iter(&self) -> impl Iterator<Item = (AttributeId, &str, &Attribute)> {
        self.names.iter().zip(&self.known).enumerate().map(|(place, (name, known))| (AttributeId(place as u16), name.as_str(), known))
    }
}

/// Finds an attribute that the program itself relies on.
///
/// # Panics
/// When the built-in table lacks the name, which a test of every call site would show.
pub fn known(name: &'static str) -> AttributeId {
    #[expect(clippy::expect_used, reason = "names are literals in the program and the table is built in")]
    Attributes::shared().id(name).expect("the attribute is in the built-in table")
}

/// What an attribute holds of a numbered option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OptionPart {
    /// Its name.
    Name,
    /// Its value.
    Value,
}

/// The number of the option that an attribute is half of, and which half.
pub fn numbered_option(attribute: &str) -> Option<(usize, OptionPart)> {
    let (number, part) = attribute.strip_prefix("custom_variant")?.split_once('_')?;
    let part = if part == "category" { OptionPart::Name } else { OptionPart::Value };
    Some((number.parse().ok()?, part))
}

#[cfg(test)]
mod tests {
    use super::{Attributes, Kind};

    #[test]
    fn the_table_loads() {
        let attributes = Attributes::shared();
        let price = attributes.id("price").expect("listed");
        assert_eq!(attributes.kind(price), Kind::Money);
        assert_eq!(attributes.name(price), "price");
        assert!(attributes.iter().all(|(_, name, known)| !known.means.is_empty() && !name.is_empty()));
    }
}
