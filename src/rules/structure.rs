//! The objects of a finished nested feed against the fields their target publishes: what must
//! be there, what may be, and what each value is. The meaning of values across members is left
//! to the rules over rows.

use super::kinds::{DefectDoc, RowFacts, ValueCheck};
use super::registry;
use crate::cell::Shape as CellShape;
use crate::product::attribute::Attributes;
use crate::product::json::{self, Json};
use crate::product::text;
use crate::product::text_distance::nearest;
use crate::spec::model::Requirement;
use crate::spec::shape::{Kind, Published, Shape};
use crate::spec::terms::{Certainty, Consequence};
use crate::spec::{Spec, SpecError};
use std::borrow::Cow;
use std::sync::Arc;

/// What can be wrong with an object whatever its members are.
pub static DEFECTS: [DefectDoc; 4] = [
    DefectDoc {
        name: "wrong-type",
        what: "a member is another kind of JSON value than the target publishes",
        why: "text is no number and an object no list; a typed reader refuses it",
        fix: "send the documented type: money as an object with whole minor units, lists as lists",
        bad: |_| None,
    },
    DefectDoc {
        name: "unknown-member",
        what: "an object has a member the target does not publish",
        why: "it is not read, and a target whose objects are closed refuses the whole request",
        fix: "leave it out, or correct its name",
        bad: |_| None,
    },
    DefectDoc {
        name: "repeated-member",
        what: "an object has one member twice",
        why: "which of the two counts is anybody's guess",
        fix: "keep one",
        bad: |_| None,
    },
    DefectDoc {
        name: "empty",
        what: "an object or list that must hold something is empty",
        why: "the target's documents ask for at least one entry",
        fix: "fill it, or leave the member out",
        bad: |_| None,
    },
];

/// A broken rule of an object.
#[derive(Clone, Debug)]
pub struct Broken {
    /// `attribute/defect`.
    pub code: String,
    /// The attribute.
    pub attribute: Arc<str>,
    /// What the target does.
    pub consequence: Consequence,
    /// How well that is known.
    pub certainty: Certainty,
    /// What is wrong.
    pub message: String,
    /// Why it matters.
    pub why: &'static str,
    /// What to do.
    pub hint: &'static str,
    /// The offending value.
    pub value: Option<String>,
    /// Where it stands inside the object, such as `variants[2].price.amount`.
    pub path: String,
}

impl Broken {
    /// Whether the object cannot be sent with it.
    pub fn rejects(&self) -> bool {
        matches!(self.consequence, Consequence::RowRejected | Consequence::FileRefused)
    }
}

/// A code that an object can have, and the published field that has it.
pub struct Code<'a> {
    /// `attribute/defect`.
    pub code: String,
    /// What it means.
    pub doc: &'static DefectDoc,
    /// The field.
    pub field: &'a Published,
    /// What the target does.
    pub consequence: Consequence,
}

/// Every code the objects of a nested target can have.
pub fn codes<'a>(spec: &'a Spec, shape: &'a Shape) -> Vec<Code<'a>> {
    let mut found: Vec<Code<'a>> = Vec::new();
    for field in &shape.published {
        if let Some(attribute) = field.attribute.filter(|_| !field.written.read_only) {
            gather(spec, shape, field, Attributes::shared().name(attribute), &mut found);
        }
    }
    found
}

fn gather<'a>(spec: &Spec, shape: &'a Shape, field: &'a Published, attribute: &str, found: &mut Vec<Code<'a>>) {
    let mut add = |doc: &'static DefectDoc, consequence: Consequence| {
        let code = format!("{attribute}/{}", doc.name);
        if !found.iter().any(|known| known.code == code) {
            found.push(Code { code, doc, field, consequence });
        }
    };
    let invalid = field.written.consequence_invalid;
    add(&DEFECTS[0], invalid);
    if field.written.requirement == Requirement::Required || shape.is_needed_inside(field) {
        add(&registry::MISSING, field.written.consequence_missing.unwrap_or(invalid));
    }
    match &field.content.kind {
        Kind::Object(object) => {
            add(&DEFECTS[1], spec.identity.unknown_columns.consequence);
            add(&DEFECTS[2], Consequence::Unspecified);
            if shape.file.not_empty.iter().any(|name| name == object || *name == field.name) {
                add(&DEFECTS[3], invalid);
            }
            let members = shape.members(object).filter(|member| member.attribute.is_none() && !member.written.read_only);
            members.for_each(|member| gather(spec, shape, member, attribute, found));
        }
        Kind::Leaf(word) => {
            let kinds = registry::type_kind(word).into_iter().chain(registry::bounds().filter(|kind| kind.takes_part(&field.written)));
            for kind in kinds {
                let consequence = if (kind.advice)(&field.written) { Consequence::Advice } else { invalid };
                kind.defects.iter().filter(|doc| (doc.bad)(&field.written).is_some()).for_each(|doc| add(doc, consequence));
            }
        }
    }
}

/// One check of a leaf, with what is said of its defects.
struct LeafCheck {
    check: Box<dyn ValueCheck>,
    defects: &'static [DefectDoc],
    advice: bool,
}

/// The rules of a nested target's objects.
pub struct Structure {
    leaves: Vec<Vec<LeafCheck>>,
    unknown: Consequence,
}

/// Members of an object.
pub type Members<'a> = [(Cow<'a, str>, Json<'a>)];

impl Structure {
    /// Compiles the published fields of a spec; `None` for a flat one.
    ///
    /// # Errors
    /// When a field has a type no kind is registered for.
    pub fn compile(spec: &Spec, today: jiff::civil::Date) -> Result<Option<Self>, SpecError> {
        let Some(shape) = &spec.shape else { return Ok(None) };
        let leaf = |field: &Published| -> Result<Vec<LeafCheck>, String> {
            let Kind::Leaf(word) = &field.content.kind else { return Ok(Vec::new()) };
            let mut written = field.written.clone();
            written.kind.clone_from(word);
            let kind = registry::type_kind(word).ok_or_else(|| format!("`{word}` is no type"))?;
            let mut checks = Vec::new();
            for kind in [kind].into_iter().chain(registry::bounds()) {
                if let Some(check) = (kind.compile)(&written, today)? {
                    checks.push(LeafCheck { check, defects: kind.defects, advice: (kind.advice)(&written) });
                }
            }
            Ok(checks)
        };
        let fault = |field: &Published, message: String| SpecError::File {
            file: format!("schemas/{}/{}/shape.toml", spec.identity.target, spec.identity.version),
            line: 1,
            message: format!("`{}`: {message}", field.name),
        };
        let leaves = shape.published.iter().map(|field| leaf(field).map_err(|message| fault(field, message)));
        Ok(Some(Self { leaves: leaves.collect::<Result<_, _>>()?, unknown: spec.identity.unknown_columns.consequence }))
    }

    /// The defect of a value that a setting gives for a published field, if it has one.
    pub fn leaf(&self, place: usize, value: &str) -> Option<(&'static str, String)> {
        let mut facts = RowFacts::telling();
        let checks = self.leaves.get(place)?.iter().filter(|leaf| !leaf.advice);
        let mut defects = checks.filter_map(|leaf| leaf.check.check(value, CellShape::Text, 0, &mut facts).err());
        let defect = defects.next()?;
        Some((defect.name, facts.take_words()))
    }

    /// Judges an object; `path` is where it stands, `attribute` what it is about where its own
    /// members do not say. The list named `apart` is judged by the caller, entry by entry.
    pub fn judge(&self, shape: &Shape, object: &str, members: &Members<'_>, at: &At<'_>, apart: Option<&str>, out: &mut Vec<Broken>) {
        for (place, (name, value)) in members.iter().enumerate() {
            let found = shape.objects.get(object).into_iter().flatten().copied();
            let found =
                found.into_iter().find(|&place| shape.published[place].member() == name && !shape.published[place].written.unreleased);
            let inner = at.member(name);
            let Some(field) = found else {
                let known = shape.members(object).map(Published::member);
                let near = nearest(name, known).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
                let message = format!("`{}` is no member the target publishes{near}", inner.path);
                out.push(inner.broken(&DEFECTS[1], message, self.unknown, Certainty::Stated, None));
                continue;
            };
            let inner = inner.about(&shape.published[field]);
            if members.iter().take(place).any(|(earlier, _)| earlier == name) {
                let message = format!("`{}` occurs twice", inner.path);
                out.push(inner.broken(&DEFECTS[2], message, Consequence::Unspecified, Certainty::Own, None));
                continue;
            }
            self.value(shape, field, value, &inner, apart, out);
        }
        for field in shape.members(object).filter(|field| !field.written.read_only) {
            let needed = field.written.requirement == Requirement::Required || shape.is_needed_inside(field);
            if needed && !members.iter().any(|(name, _)| name == field.member()) {
                let inner = at.member(field.member()).about(field);
                let consequence = field.written.consequence_missing.unwrap_or(field.written.consequence_invalid);
                let message = format!("`{}` is missing", inner.path);
                out.push(inner.broken(&registry::MISSING, message, consequence, field.written.certainty, None));
            }
        }
        if members.is_empty() && shape.file.not_empty.iter().any(|name| name == object) {
            let message = format!("`{}` is empty", at.path);
            out.push(at.broken(&DEFECTS[3], message, at.consequence, at.certainty, None));
        }
    }

    fn value(&self, shape: &Shape, place: usize, value: &Json<'_>, at: &At<'_>, apart: Option<&str>, out: &mut Vec<Broken>) {
        let field = &shape.published[place];
        if !field.content.list {
            return self.one(shape, place, value, at, out);
        }
        let Json::List(raw) = value else { return out.push(at.wrong_type("a list", value)) };
        let entries = json::entries(raw).unwrap_or_default();
        if entries.is_empty() && shape.file.not_empty.contains(&field.name) {
            out.push(at.broken(&DEFECTS[3], format!("`{}` is empty", at.path), at.consequence, at.certainty, None));
        }
        if apart == Some(field.member()) {
            return;
        }
        for (number, entry) in entries.iter().enumerate() {
            self.one(shape, place, entry, &at.entry(number), out);
        }
    }

    fn one(&self, shape: &Shape, place: usize, value: &Json<'_>, at: &At<'_>, out: &mut Vec<Broken>) {
        let kind = match &shape.published[place].content.kind {
            Kind::Object(object) => {
                return match value {
                    Json::Object(raw) => {
                        let members = json::members(raw).unwrap_or_default();
                        self.judge(shape, object, &members, at, None, out);
                    }
                    other => out.push(at.wrong_type("an object", other)),
                };
            }
            Kind::Leaf(kind) => kind.as_str(),
        };
        let (text, cell, wanted) = match (kind, value) {
            ("integer" | "decimal", Json::Number(raw)) => (*raw, CellShape::Number, ""),
            ("boolean", Json::Boolean(raw)) => (*raw, CellShape::Boolean, ""),
            ("integer" | "decimal", _) => ("", CellShape::Absent, "a number"),
            ("boolean", _) => ("", CellShape::Absent, "true or false"),
            (_, Json::Text(text)) => (&**text, CellShape::Text, ""),
            _ => ("", CellShape::Absent, "text"),
        };
        if !wanted.is_empty() {
            return out.push(at.wrong_type(wanted, value));
        }
        let mut facts = RowFacts::telling();
        for leaf in &self.leaves[place] {
            if let Err(defect) = leaf.check.check(text, cell, 0, &mut facts) {
                let doc = leaf.defects.iter().find(|doc| doc.name == defect.name).unwrap_or(&DEFECTS[0]);
                let consequence = if leaf.advice { Consequence::Advice } else { at.consequence };
                let message = format!("`{}`: {}", at.path, facts.take_words());
                out.push(at.broken(doc, message, consequence, at.certainty, Some(text::excerpt(text, 200))));
                break;
            }
        }
    }
}

/// Where a value stands and what a finding about it says.
#[derive(Clone, Debug)]
pub struct At<'a> {
    path: String,
    attribute: &'a str,
    consequence: Consequence,
    certainty: Certainty,
}

impl<'a> At<'a> {
    /// The outermost object, about this attribute.
    pub fn root(path: String, attribute: &'a str) -> Self {
        Self { path, attribute, consequence: Consequence::Unspecified, certainty: Certainty::Stated }
    }

    fn member(&self, name: &str) -> Self {
        let dot = if self.path.is_empty() { "" } else { "." };
        Self { path: format!("{}{dot}{}", self.path, text::excerpt(name, 60)), ..self.clone() }
    }

    fn entry(&self, number: usize) -> Self {
        Self { path: format!("{}[{number}]", self.path), ..self.clone() }
    }

    fn about(self, field: &Published) -> Self {
        let attribute = field.attribute.map_or(self.attribute, |attribute| Attributes::shared().name(attribute));
        Self { path: self.path, attribute, consequence: field.written.consequence_invalid, certainty: field.written.certainty }
    }

    /// The finding that a value is of another type.
    pub fn wrong_type(&self, wanted: &str, value: &Json<'_>) -> Broken {
        let message = format!("`{}` is {}, {wanted} is asked for", self.path, value.what());
        self.broken(&DEFECTS[0], message, self.consequence, self.certainty, Some(text::excerpt(value.text(), 200)))
    }

    fn broken(&self, doc: &DefectDoc, message: String, consequence: Consequence, certainty: Certainty, value: Option<String>) -> Broken {
        Broken {
            code: format!("{}/{}", self.attribute, doc.name),
            attribute: self.attribute.into(),
            consequence,
            certainty,
            message,
            why: doc.why,
            hint: doc.fix,
            value,
            path: self.path.clone(),
        }
    }
}
