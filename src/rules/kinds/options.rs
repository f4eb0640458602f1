//! The kind `options`: an object from text to text.

use super::{Applies, Defect, DefectDoc, RowFacts, ValueCheck, ValueKind, never};
use crate::cell::Shape;
use crate::product::options::{self, OptionsDefect, OptionsDigest};
use crate::product::text;
use crate::spec::model::FieldFile;

pub(crate) const OPTIONS: ValueKind = ValueKind {
    name: "options",
    applies: Applies::Type,
    advice: never,
    own: false,
    reads: &[],
    defects: &[
        DefectDoc {
            name: "not-an-object",
            what: "the value is not a JSON object",
            why: "options are read as names with values; other notations are not",
            fix: "write `{\"color\":\"Black\",\"size\":\"10\"}`, quoted as one cell in a delimited file",
            bad: |_| Some("color=Black".to_owned()),
        },
        DefectDoc {
            name: "value-not-text",
            what: "a value of the object is not text",
            why: "values are text, numbers in quotes too",
            fix: "write `{\"size\":\"10\"}` instead of `{\"size\":10}`",
            bad: |_| Some(r#"{"size":10}"#.to_owned()),
        },
        DefectDoc {
            name: "empty-entry",
            what: "a name or value of the object is empty",
            why: "both must say something",
            fix: "remove the entry, or fill it",
            bad: |_| Some(r#"{"color":""}"#.to_owned()),
        },
        DefectDoc {
            name: "repeated-name",
            what: "a name occurs twice in the object",
            why: "which of the two values counts is anybody's guess",
            fix: "keep one",
            bad: |_| Some(r#"{"color":"Black","color":"White"}"#.to_owned()),
        },
    ],
    compile: |field, _| Ok(Some(Box::new(Options { of_variant: is_variant(field) }))),
};

/// Options of a variant are kept for the rules of its group; other objects are only checked.
fn is_variant(field: &FieldFile) -> bool {
    field.write.as_ref().and_then(toml::Value::as_str) == Some("options")
}

#[derive(Debug)]
struct Options {
    of_variant: bool,
}

impl ValueCheck for Options {
    fn check(&self, value: &str, _: Shape, field: usize, facts: &mut RowFacts) -> Result<(), Defect> {
        // Without a pair it says nothing, as if it were not there.
        if self.of_variant && options::is_empty_object(value) {
            facts.present.set(field, false);
            return Ok(());
        }
        if self.of_variant
            && let Some(digest) = OptionsDigest::at_a_glance(value)
        {
            facts.options = Some(digest);
            return Ok(());
        }
        let pairs = options::parse(value).map_err(|defect| match defect {
            OptionsDefect::NotAnObject => facts.defect("not-an-object", || format!("`{}` is not a JSON object", text::excerpt(value, 60))),
            OptionsDefect::NotText(name) => {
                facts.defect("value-not-text", || format!("the value of `{}` is not text", text::excerpt(&name, 30)))
            }
            OptionsDefect::Empty => facts.defect("empty-entry", || "a name or value is empty".to_owned()),
            OptionsDefect::Repeated(name) => facts.defect("repeated-name", || format!("`{}` occurs twice", text::excerpt(&name, 30))),
        })?;
        if self.of_variant {
            facts.options = Some(OptionsDigest::of(&pairs));
        }
        Ok(())
    }

    fn is_repeatable(&self) -> bool {
        !self.of_variant
    }
}
