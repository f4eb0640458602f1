//! Kinds for listed words: `one_of`, `country`, `list`, and category paths.

use super::{Applies, Defect, DefectDoc, RowFacts, ValueCheck, ValueKind, never};
use crate::cell::Shape;
use crate::product::{codes, text, text_distance::slip};
use crate::spec::model::FieldFile;

pub(crate) const ONE_OF: ValueKind = ValueKind {
    name: "one_of",
    applies: Applies::Type,
    // Words beyond an open list are allowed; that they are not known is still worth saying.
    advice: |field| field.open,
    own: false,
    reads: &["values", "open"],
    defects: &[DefectDoc {
        name: "unknown-value",
        what: "the value is not one of those the spec lists",
        why: "other words are not understood, whatever they mean to people",
        fix: "use a listed value, spelled exactly so",
        bad: |_| Some("maybe".to_owned()),
    }],
    compile: |field, _| {
        if field.values.is_empty() {
            return Err("`one_of` needs `values`".to_owned());
        }
        Ok(Some(Box::new(OneOf { values: field.values.clone() })))
    },
};

#[derive(Debug)]
struct OneOf {
    values: Vec<String>,
}

/// The words that a field's check tells apart for the rules over several fields; none where it
/// is no such field.
pub(crate) fn listed(field: &FieldFile) -> Vec<&str> {
    match field.kind.as_str() {
        "one_of" => field.values.iter().map(String::as_str).collect(),
        "boolean" => super::number::BOOLEANS.to_vec(),
        _ => Vec::new(),
    }
}

impl ValueCheck for OneOf {
    fn check(&self, value: &str, _: Shape, field: usize, facts: &mut RowFacts) -> Result<(), Defect> {
        if let Some(place) = self.values.iter().position(|known| known == value) {
            facts.is_word(field, place);
            return Ok(());
        }
        Err(facts.defect("unknown-value", || {
            // No word that only looks alike: `no_stock` is not `in_stock`.
            let near = slip(value, self.values.iter().map(String::as_str)).map(|near| format!("; did you mean `{near}`?"));
            let shown = text::excerpt(value, 40);
            format!("`{shown}` is not one of {}{}", self.values.join(", "), near.unwrap_or_default())
        }))
    }

    fn suggested(&self, value: &str) -> Option<String> {
        slip(value, self.values.iter().map(String::as_str)).map(str::to_owned)
    }
}

pub(crate) const COUNTRY: ValueKind = ValueKind {
    name: "country",
    applies: Applies::Type,
    advice: never,
    own: false,
    reads: &[],
    defects: &[DefectDoc {
        name: "unknown-country",
        what: "the value is no ISO 3166-1 alpha-2 code in capitals",
        why: "only assigned two-letter codes are read",
        fix: "use the two-letter code, such as `US` or `GB`",
        bad: |_| Some("XX".to_owned()),
    }],
    compile: |_, _| Ok(Some(Box::new(Country))),
};

#[derive(Debug)]
struct Country;

impl ValueCheck for Country {
    fn check(&self, value: &str, _: Shape, _: usize, facts: &mut RowFacts) -> Result<(), Defect> {
        if codes::is_country(value) {
            return Ok(());
        }
        Err(facts.defect("unknown-country", || format!("`{}` is no ISO 3166-1 alpha-2 code", text::excerpt(value, 20))))
    }
}

pub(crate) const LIST: ValueKind = ValueKind {
    name: "list",
    applies: Applies::Type,
    advice: never,
    own: false,
    reads: &["values", "of"],
    defects: &[DefectDoc {
        name: "unknown-entry",
        what: "an entry of the list is empty, or not one the spec names",
        why: "such entries are not understood",
        fix: "use listed entries, separated by a comma",
        bad: |field| Some(if field.values.is_empty() && field.of.is_none() { "SKU123,,SKU456" } else { "US,Narnia" }.to_owned()),
    }],
    compile: |field, _| {
        let countries = match field.of.as_deref() {
            None => false,
            Some("country") => true,
            Some(word) => return Err(format!("`of` is `country` or left out, not `{word}`")),
        };
        Ok(Some(Box::new(List { values: field.values.clone(), countries })))
    },
};

#[derive(Debug)]
struct List {
    values: Vec<String>,
    countries: bool,
}

impl ValueCheck for List {
    fn check(&self, value: &str, shape: Shape, _: usize, facts: &mut RowFacts) -> Result<(), Defect> {
        // A JSON array may stand in a delimited cell too.
        if shape == Shape::List || value.starts_with('[') {
            let entries = serde_json::from_str::<Vec<String>>(value);
            let entries = entries.map_err(|_| facts.defect("unknown-entry", || "the list holds something other than text".to_owned()))?;
            return entries.iter().try_for_each(|entry| self.entry(entry, facts));
        }
        value.split(',').try_for_each(|entry| self.entry(entry.trim(), facts))
    }
}

impl List {
    fn entry(&self, entry: &str, facts: &mut RowFacts) -> Result<(), Defect> {
        let shown = || text::excerpt(entry, 20);
        let is_listed = || self.values.is_empty() || self.values.iter().any(|known| known == entry);
        Err(match () {
            () if entry.is_empty() => facts.defect("unknown-entry", || "an entry is empty".to_owned()),
            () if self.countries && !codes::is_country(entry) => {
                facts.defect("unknown-entry", || format!("`{}` is no ISO 3166-1 alpha-2 code", shown()))
            }
            () if !is_listed() => facts.defect("unknown-entry", || format!("`{}` is not one of {}", shown(), self.values.join(", "))),
            () => return Ok(()),
        })
    }
}

pub(crate) const CATEGORY: ValueKind = ValueKind {
    name: "category",
    applies: Applies::Type,
    advice: never,
    own: false,
    reads: &[],
    defects: &[DefectDoc {
        name: "empty-level",
        what: "a level of the category path is empty",
        why: "levels stand from broad to specific, separated by `>`",
        fix: "write `Apparel & Accessories > Shoes`",
        bad: |_| Some("Apparel >  > Shoes".to_owned()),
    }],
    compile: |_, _| Ok(Some(Box::new(Category))),
};

#[derive(Debug)]
struct Category;

impl ValueCheck for Category {
    fn check(&self, value: &str, _: Shape, _: usize, facts: &mut RowFacts) -> Result<(), Defect> {
        if value.split('>').any(|level| text::trim(level).is_empty()) {
            return Err(facts.defect("empty-level", || format!("`{}` has an empty level", text::excerpt(value, 60))));
        }
        Ok(())
    }
}

pub(crate) const TAXONOMY: ValueKind = ValueKind {
    name: "taxonomy",
    applies: Applies::Type,
    advice: never,
    own: false,
    reads: &[],
    defects: &[DefectDoc {
        name: "mixed",
        what: "the value is neither a taxonomy id nor a path",
        why: "one form is asked for, never both: `2271` or `Apparel & Accessories > Clothing > Dresses`",
        fix: "send the id alone",
        bad: |_| Some("2271 - Apparel > Dresses".to_owned()),
    }],
    compile: |_, _| Ok(Some(Box::new(Taxonomy))),
};

#[derive(Debug)]
struct Taxonomy;

impl ValueCheck for Taxonomy {
    fn check(&self, value: &str, shape: Shape, field: usize, facts: &mut RowFacts) -> Result<(), Defect> {
        if value.bytes().all(|b| b.is_ascii_digit()) {
            return Ok(());
        }
        if value.as_bytes().first().is_some_and(u8::is_ascii_digit) {
            return Err(facts.defect("mixed", || format!("`{}` is neither an id nor a path", text::excerpt(value, 60))));
        }
        Category
            .check(value, shape, field, facts)
            .map_err(|_| facts.defect("mixed", || format!("`{}` has an empty level", text::excerpt(value, 60))))
    }
}
