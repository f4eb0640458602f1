//! Kinds for numbers and flags: `boolean`, `integer`, `decimal`.

use super::{Applies, Defect, DefectDoc, Parsed, RowFacts, ValueCheck, ValueKind, never};
use crate::cell::Shape;
use crate::product::{number, text};
use crate::spec::model::FieldFile;

pub(crate) const BOOLEAN: ValueKind = ValueKind {
    name: "boolean",
    applies: Applies::Type,
    advice: never,
    own: false,
    reads: &[],
    defects: &[DefectDoc {
        name: "not-boolean",
        what: "the value is neither `true` nor `false`",
        why: "only these two words in lower case are read",
        fix: "write `true` or `false`; `feedmill build` turns yes/no and 1/0 into them",
        bad: |_| Some("yes".to_owned()),
    }],
    compile: |_, _| Ok(Some(Box::new(Boolean))),
};

#[derive(Debug)]
struct Boolean;

/// The two words, in the order in which they are told apart.
pub(super) const BOOLEANS: [&str; 2] = ["false", "true"];

impl ValueCheck for Boolean {
    fn check(&self, value: &str, _: Shape, field: usize, facts: &mut RowFacts) -> Result<(), Defect> {
        if let Some(place) = BOOLEANS.iter().position(|known| *known == value) {
            facts.is_word(field, place);
            return Ok(());
        }
        Err(facts.defect("not-boolean", || format!("`{}` is neither `true` nor `false`", text::excerpt(value, 20))))
    }
}

const BOUNDS: [DefectDoc; 2] = [
    DefectDoc {
        name: "out-of-range",
        what: "the number is outside the range the spec names",
        why: "values outside the scale cannot be compared with others",
        fix: "convert it to the documented scale",
        bad: |field| field.max.map(|most| (most + 1).to_string()),
    },
    DefectDoc {
        name: "not-positive",
        what: "the number is zero",
        why: "the spec asks for a number above zero",
        fix: "leave the field out where there is nothing to say",
        bad: |field| field.positive.then(|| "0".to_owned()),
    },
];

pub(crate) const INTEGER: ValueKind = ValueKind {
    name: "integer",
    applies: Applies::Type,
    advice: never,
    own: false,
    reads: &["min", "max", "decimals", "positive", "percent"],
    defects: &[
        DefectDoc {
            name: "not-integer",
            what: "the value is not a whole number of zero or more",
            why: "counts and days are whole numbers without sign, separators or words",
            fix: "write digits only",
            bad: |_| Some("12.5".to_owned()),
        },
        BOUNDS[0],
        BOUNDS[1],
    ],
    compile: |field, _| Ok(Some(Box::new(Number::of(field, true)))),
};

pub(crate) const DECIMAL: ValueKind = ValueKind {
    name: "decimal",
    applies: Applies::Type,
    advice: never,
    own: false,
    reads: &["min", "max", "decimals", "positive", "percent"],
    defects: &[
        DefectDoc {
            name: "not-a-number",
            what: "the value is not digits with an optional decimal point",
            why: "signs, exponents, separators and words are not read",
            fix: "write digits with a point, such as `4.5`",
            bad: |_| Some("about 2".to_owned()),
        },
        DefectDoc {
            name: "too-many-decimals",
            what: "the number has more fraction digits than the spec names",
            why: "the documented form ends after that many digits",
            fix: "round it at the source",
            bad: |field| field.decimals.map(|most| format!("1.{}", "1".repeat(most as usize + 1))),
        },
        BOUNDS[0],
        BOUNDS[1],
    ],
    compile: |field, _| Ok(Some(Box::new(Number::of(field, false)))),
};

#[derive(Debug)]
struct Number {
    whole: bool,
    min: Option<i64>,
    max: Option<i64>,
    positive: bool,
    percent: bool,
    decimals: u32,
}

impl Number {
    fn of(field: &FieldFile, whole: bool) -> Self {
        Self {
            whole,
            min: field.min,
            // A whole number that no 64 bits hold is no count of anything, and no column could take it.
            max: field.max.or(whole.then_some(i64::MAX)),
            positive: field.positive,
            percent: field.percent,
            decimals: field.decimals.unwrap_or(u32::MAX),
        }
    }
}

impl ValueCheck for Number {
    fn check(&self, value: &str, shape: Shape, field: usize, facts: &mut RowFacts) -> Result<(), Defect> {
        let digits = if self.percent { value.strip_suffix('%').unwrap_or(value) } else { value };
        let shown = || text::excerpt(value, 40);
        let Some(parsed) = number::parse(digits).filter(|number| !self.whole || number.scale() == 0) else {
            let (name, wanted) =
                if self.whole { ("not-integer", "a whole number of zero or more") } else { ("not-a-number", "a plain decimal number") };
            return Err(facts.defect(name, || format!("`{}` is not {wanted}", shown())));
        };
        let against = |bound: i64| number::compare_with_whole(&parsed, bound);
        if self.min.is_some_and(|min| against(min).is_lt()) || self.max.is_some_and(|max| against(max).is_gt()) {
            let bound = |bound: Option<i64>| bound.map_or("any".to_owned(), |bound| bound.to_string());
            return Err(facts.defect("out-of-range", || format!("`{}` is outside {} to {}", shown(), bound(self.min), bound(self.max))));
        }
        if self.positive && parsed.is_zero() {
            return Err(facts.defect("not-positive", || format!("`{}` is not above zero", shown())));
        }
        // A JSON number has no fixed form: 4.5 and 4.500 are one number.
        if shape != Shape::Number && parsed.scale() > self.decimals {
            return Err(facts.defect("too-many-decimals", || format!("`{}` has more than {} fraction digits", shown(), self.decimals)));
        }
        if let Some(slot) = facts.parsed.get_mut(field) {
            *slot = Parsed::Number(parsed);
        }
        Ok(())
    }
}
