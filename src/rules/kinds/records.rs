//! The kind `records`: a JSON array of objects, such as reviews or questions with answers; in a
//! delimited cell the array stands as JSON text.

use super::{Applies, Defect, DefectDoc, RowFacts, ValueCheck, ValueKind, never};
use crate::cell::Shape;
use crate::product::text;
use serde_json::{Map, Value};

pub(crate) const RECORDS: ValueKind = ValueKind {
    name: "records",
    applies: Applies::Type,
    advice: never,
    own: false,
    reads: &["keys"],
    defects: &[
        DefectDoc {
            name: "not-a-list",
            what: "the value is not a JSON array of objects",
            why: "the entries are read by the names of their keys; plain text has none",
            fix: "write an array of objects, quoted as one cell in a delimited file",
            bad: |_| Some("Is this waterproof? Yes".to_owned()),
        },
        DefectDoc {
            name: "bad-entry",
            what: "an object of the list lacks a documented key, or its value is of another type",
            why: "an entry without its parts cannot be shown",
            fix: "give every object all documented keys, as the example of the field shows",
            bad: |_| Some("[{}]".to_owned()),
        },
    ],
    compile: |field, _| {
        if field.keys.is_empty() {
            return Err("`records` needs `keys`".to_owned());
        }
        let key = |(name, word): (&String, &String)| match word.as_str() {
            "text" => Ok((name.clone(), false)),
            "number" => Ok((name.clone(), true)),
            _ => Err(format!("a key is `text` or `number`, not `{word}`")),
        };
        Ok(Some(Box::new(Records { keys: field.keys.iter().map(key).collect::<Result<_, _>>()? })))
    },
};

#[derive(Debug)]
struct Records {
    /// Name, and whether it is a number.
    keys: Vec<(String, bool)>,
}

impl ValueCheck for Records {
    fn check(&self, value: &str, _: Shape, _: usize, facts: &mut RowFacts) -> Result<(), Defect> {
        let Some(Ok(entries)) = value.starts_with('[').then(|| serde_json::from_str::<Vec<Map<String, Value>>>(value)) else {
            return Err(facts.defect("not-a-list", || format!("`{}` is not a JSON array of objects", text::excerpt(value, 40))));
        };
        for (place, entry) in entries.iter().enumerate() {
            let sound = |(name, number): &&(String, bool)| match entry.get(name) {
                Some(Value::Number(_)) => *number,
                Some(Value::String(text)) => !*number && !text.is_empty(),
                _ => false,
            };
            if let Some((name, number)) = self.keys.iter().find(|key| !sound(key)) {
                let wanted = if *number { "a number" } else { "a text" };
                return Err(facts.defect("bad-entry", || format!("entry {}: `{name}` is not {wanted}", place + 1)));
            }
        }
        Ok(())
    }
}
