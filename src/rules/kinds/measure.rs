//! Kinds for measures: `measure`, `dimensions` (an object) and `dimensions_text`.

use super::{Applies, Defect, DefectDoc, RowFacts, ValueCheck, ValueKind, never};
use crate::cell::Shape;
use crate::product::{number, text};

pub(crate) const MEASURE: ValueKind = ValueKind {
    name: "measure",
    applies: Applies::Type,
    advice: never,
    own: false,
    reads: &["units", "positive"],
    defects: &[
        DefectDoc {
            name: "not-a-measure",
            what: "the value is not a number, a blank and a unit",
            why: "a number without unit, or words, cannot be compared",
            fix: "write `1.5 lb`",
            bad: |_| Some("about two".to_owned()),
        },
        DefectDoc {
            name: "unknown-unit",
            what: "the unit is not one the spec lists",
            why: "other units are not converted",
            fix: "use a listed unit, spelled exactly so",
            bad: |field| (!field.units.is_empty()).then(|| "2 furlongs".to_owned()),
        },
        DefectDoc {
            name: "not-positive",
            what: "the number is zero",
            why: "a measure of zero means that none is known",
            fix: "leave the field out",
            bad: |field| field.positive.then(|| format!("0 {}", field.units.first().map_or("lb", String::as_str))),
        },
    ],
    compile: |field, _| Ok(Some(Box::new(Measure { units: field.units.clone(), positive: field.positive }))),
};

#[derive(Debug)]
struct Measure {
    units: Vec<String>,
    positive: bool,
}

impl ValueCheck for Measure {
    fn check(&self, value: &str, _: Shape, _: usize, facts: &mut RowFacts) -> Result<(), Defect> {
        let mut bad = || facts.defect("not-a-measure", || format!("`{}` is not a number, a blank and a unit", text::excerpt(value, 40)));
        let end = value.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(value.len());
        let (amount, unit) = value.split_at(end);
        let amount = number::parse(amount).ok_or_else(&mut bad)?;
        let unit = unit.strip_prefix(' ').unwrap_or_default();
        if unit.is_empty() || unit.starts_with(' ') || !unit.chars().all(char::is_alphabetic) {
            return Err(bad());
        }
        if !self.units.is_empty() && !self.units.iter().any(|known| known == unit) {
            return Err(facts.defect("unknown-unit", || format!("`{}` is not one of {}", text::excerpt(unit, 20), self.units.join(", "))));
        }
        if self.positive && amount.is_zero() {
            return Err(facts.defect("not-positive", || format!("`{value}` is not above zero")));
        }
        Ok(())
    }
}

pub(crate) const DIMENSIONS: ValueKind = ValueKind {
    name: "dimensions",
    applies: Applies::Type,
    advice: never,
    own: false,
    reads: &["units"],
    defects: &[
        DefectDoc {
            name: "not-an-object",
            what: "the value is not a JSON object",
            why: "the axes are read by name from an object; the older form `12x8x5 in` is not",
            fix: "write `{\"length\":\"30\",\"width\":\"20\",\"unit\":\"cm\"}`, or send the separate axis fields",
            bad: |_| Some("12x8x5 in".to_owned()),
        },
        DefectDoc {
            name: "bad-axis",
            what: "an axis is not a positive decimal text, or a key is none of length, width, height, unit",
            why: "other keys and forms make the object invalid",
            fix: "keep length, width, height and unit, each as text",
            bad: |_| Some(r#"{"length":"long","width":"20","unit":"cm"}"#.to_owned()),
        },
        DefectDoc {
            name: "too-few-axes",
            what: "fewer than two axes are given",
            why: "at least two of length, width and height are needed",
            fix: "give another axis, or leave the field out",
            bad: |_| Some(r#"{"length":"30","unit":"cm"}"#.to_owned()),
        },
        DefectDoc {
            name: "unknown-unit",
            what: "the unit is missing or not one the spec lists",
            why: "the unit is never inferred",
            fix: "use one of the listed units",
            bad: |_| Some(r#"{"length":"30","width":"20","unit":"yd"}"#.to_owned()),
        },
    ],
    compile: |field, _| Ok(Some(Box::new(Dimensions { units: field.units.clone() }))),
};

#[derive(Debug)]
struct Dimensions {
    units: Vec<String>,
}

impl ValueCheck for Dimensions {
    fn check(&self, value: &str, _: Shape, _: usize, facts: &mut RowFacts) -> Result<(), Defect> {
        // Text is the common mistake; it is told from an object without a parser.
        let object: serde_json::Map<String, serde_json::Value> = match value.starts_with('{').then(|| serde_json::from_str(value)) {
            Some(Ok(object)) => object,
            _ => return Err(facts.defect("not-an-object", || format!("`{}` is not a JSON object", text::excerpt(value, 40)))),
        };
        let mut axes = 0;
        for (key, value) in &object {
            let sound = match key.as_str() {
                "length" | "width" | "height" => {
                    axes += 1;
                    value.as_str().and_then(number::parse).is_some_and(|number| !number.is_zero())
                }
                "unit" => true,
                _ => false,
            };
            if !sound {
                return Err(facts.defect("bad-axis", || format!("`{}` is not a sound entry", text::excerpt(key, 20))));
            }
        }
        if axes < 2 {
            return Err(facts.defect("too-few-axes", || format!("{axes} of length, width and height are given, two are needed")));
        }
        let unit = object.get("unit").and_then(serde_json::Value::as_str).unwrap_or("");
        if !self.units.iter().any(|known| known == unit) {
            return Err(facts.defect("unknown-unit", || format!("`{}` is not one of {}", text::excerpt(unit, 20), self.units.join(", "))));
        }
        Ok(())
    }
}

pub(crate) const DIMENSIONS_TEXT: ValueKind = ValueKind {
    name: "dimensions_text",
    applies: Applies::Type,
    advice: never,
    own: false,
    reads: &[],
    defects: &[DefectDoc {
        name: "not-a-box",
        what: "the value is not `LxWxH unit`",
        why: "three numbers and a unit are needed",
        fix: "write `12x8x5 in`",
        bad: |_| Some("12x8 in".to_owned()),
    }],
    compile: |_, _| Ok(Some(Box::new(DimensionsText))),
};

#[derive(Debug)]
struct DimensionsText;

impl ValueCheck for DimensionsText {
    fn check(&self, value: &str, _: Shape, _: usize, facts: &mut RowFacts) -> Result<(), Defect> {
        let unit_start = value.rfind(|c: char| c.is_ascii_digit()).map_or(0, |last| last + 1);
        let (axes, unit) = value.split_at(unit_start);
        let unit = unit.trim_start_matches(' ');
        let sound = axes.split('x').count() == 3
            && axes.split('x').all(|axis| number::parse(axis).is_some())
            && !unit.is_empty()
            && unit.bytes().all(|b| b.is_ascii_alphabetic());
        if sound { Ok(()) } else { Err(facts.defect("not-a-box", || format!("`{}` is not `LxWxH unit`", text::excerpt(value, 40)))) }
    }
}
