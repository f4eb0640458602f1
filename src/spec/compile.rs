//! Names turned into indexes: fields, aliases, and how each field is written.

use super::load::SpecError;
use super::model::{DocumentedFile, FieldFile, FormatsFile, RuleFile, SpecFile};
use super::shape::Shape;
use super::terms::Certainty;
use crate::product::attribute::{AttributeId, Attributes, known};
use crate::product::text_distance::nearest;
use std::collections::{HashMap, HashSet};

/// A field of one spec, as a small number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FieldId(pub u16);

impl FieldId {
    /// The position of the field in tables.
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}

/// Options of an item that a row may have places for, one by one.
pub const MOST_OPTIONS: usize = 8;

/// How a field's value is made from catalog attributes.
#[derive(Clone, Debug, PartialEq)]
pub enum Write {
    /// The attribute as it is.
    Same,
    /// The catalog cannot fill it, or another field carries it.
    None,
    /// The attribute, some of its words spelled otherwise.
    Values(Vec<(String, String)>),
    /// Two attributes joined by a slash.
    Range(AttributeId, AttributeId),
    /// A number and a unit joined by a blank.
    Measure(AttributeId, AttributeId),
    /// The attribute, but only from the day another attribute names.
    Since(AttributeId),
    /// The opposite of a flag.
    Not(AttributeId),
    /// The attribute, or another one where it has no value.
    Else(AttributeId),
    /// Another attribute where that has a value and, from the day a third one names, is in
    /// effect; else the attribute.
    Instead(AttributeId, AttributeId),
    /// A second attribute, but only where a third one has a value and is in effect from the day
    /// a fourth one names: what the other two leave over.
    Beside(AttributeId, AttributeId, AttributeId),
    /// The variant options as an object.
    Options,
    /// The name of the n-th option that has no field of its own, from 1 to [`MOST_OPTIONS`].
    OptionName(usize),
    /// The value of that option.
    OptionValue(usize),
    /// `LxWxH unit` from the axes.
    DimensionsText,
}

impl Write {
    /// The attributes a field's value is made of, where `own` is the one it holds.
    pub fn reads(&self, own: AttributeId) -> Vec<AttributeId> {
        match self {
            Self::None => Vec::new(),
            Self::Same | Self::Values(_) | Self::Since(_) => vec![own],
            Self::Range(first, second) | Self::Measure(first, second) => vec![*first, *second],
            Self::Not(flag) => vec![*flag],
            Self::Else(other) | Self::Instead(other, _) => vec![own, *other],
            Self::Beside(beside, other, _) => vec![*beside, *other],
            Self::Options => vec![known("variant_dict")],
            Self::OptionName(_) | Self::OptionValue(_) => vec![own, known("variant_dict")],
            Self::DimensionsText => ["length", "width", "height", "dimensions_unit"].map(known).to_vec(),
        }
    }
}

/// A field of a feed.
#[derive(Clone, Debug)]
pub struct Field {
    /// Its name in the feed.
    pub name: String,
    /// The catalog attribute it holds.
    pub attribute: AttributeId,
    /// How its value is made.
    pub write: Write,
    /// Everything the spec folder says of it.
    pub written: FieldFile,
}

/// One version of a target's contract.
#[derive(Debug)]
pub struct Spec {
    /// Identity, limits and file rules.
    pub identity: SpecFile,
    /// The fields, in column order.
    pub fields: Vec<Field>,
    /// The rules over several fields or rows, as written.
    pub rules: Vec<RuleFile>,
    /// Documented rules that other codes find, or that no file can show.
    pub documented: Vec<DocumentedFile>,
    /// Names the formats need.
    pub formats: FormatsFile,
    /// How rows stand inside each other, for a nested target.
    pub shape: Option<Shape>,
    by_name: HashMap<String, FieldId>,
}

/// Compiles a folder.
pub(super) fn compile(
    identity: SpecFile,
    written: Vec<(String, FieldFile)>,
    rules: Vec<RuleFile>,
    documented: Vec<DocumentedFile>,
    formats: FormatsFile,
) -> Result<Spec, SpecError> {
    let mut fields = Vec::with_capacity(written.len());
    let mut by_name = HashMap::new();
    for (name, file) in written {
        let fault = |message: String| SpecError::of(&file.clause, &format!("field `{name}`: {message}"));
        let attribute = attribute(file.attribute.as_deref().unwrap_or(&name)).map_err(fault)?;
        let write = file.write.as_ref().map_or(Ok(Write::Same), write).map_err(fault)?;
        let id = FieldId(fields.len() as u16);
        for known in [&name].into_iter().chain(&file.aliases) {
            if by_name.insert(known.clone(), id).is_some() {
                return Err(fault(format!("the name `{known}` is used twice")));
            }
        }
        if let Some(known) = file.alias_wins.iter().find(|winner| !file.aliases.contains(winner)) {
            return Err(fault(format!("`alias_wins` names `{known}`, which is no alias")));
        }
        if file.certainty == Certainty::Disputed {
            return Err(fault("what is disputed stands under `defects`, with the sentence on who says what".to_owned()));
        }
        for (name, known) in &file.defects {
            dispute(known.certainty.unwrap_or(file.certainty), known.dispute.as_ref())
                .map_err(|message| fault(format!("`{name}`: {message}")))?;
        }
        fields.push(Field { name, attribute, write, written: file });
    }
    let mut codes = HashSet::new();
    let mut covered = HashSet::new();
    for rule in &rules {
        let fault = |message: &str| SpecError::of(&rule.clause, &format!("`{}`: {message}", rule.code));
        if !codes.insert(rule.code.as_str()) {
            return Err(fault("the code is used twice"));
        }
        dispute(rule.certainty, rule.dispute.as_ref()).map_err(|message| fault(&message))?;
        covered.extend(rule.covers.iter().map(String::as_str));
    }
    for known in &documented {
        let fault = |message: &str| SpecError::of(&known.clause, &format!("`{}`: {message}", known.id));
        if !covered.insert(&known.id) {
            return Err(fault("a rule covers this, or it is documented twice"));
        }
        if known.by.is_empty() == known.unseen.is_none() {
            return Err(fault("either `by` names the codes that find it, or `unseen` says why no file shows it"));
        }
    }
    Ok(Spec { identity, fields, rules, documented, formats, shape: None, by_name })
}

/// A sentence on what the sources say belongs to disputed facts, and to no others.
fn dispute(certainty: Certainty, sentence: Option<&String>) -> Result<(), String> {
    match (certainty == Certainty::Disputed, sentence) {
        (true, None) => Err("what is disputed needs `dispute`: who says what".to_owned()),
        (false, Some(_)) => Err("`dispute` goes with `certainty = \"disputed\"`".to_owned()),
        _ => Ok(()),
    }
}

fn attribute(name: &str) -> Result<AttributeId, String> {
    let shared = Attributes::shared();
    shared.id(name).ok_or_else(|| {
        let near = nearest(name, shared.iter().map(|(_, name, _)| name)).map(|n| format!("; did you mean `{n}`?"));
        format!("no catalog attribute is called `{name}`{}", near.unwrap_or_default())
    })
}

fn write(value: &toml::Value) -> Result<Write, String> {
    let pair = |value: &toml::Value| -> Result<(AttributeId, AttributeId), String> {
        match value.as_array().map(Vec::as_slice) {
            Some([first, second]) => Ok((attribute(first.as_str().unwrap_or_default())?, attribute(second.as_str().unwrap_or_default())?)),
            _ => Err("two attribute names are needed".to_owned()),
        }
    };
    let several = |value: &toml::Value| -> Result<Vec<AttributeId>, String> {
        let names = value.as_array().map_or(&[][..], Vec::as_slice);
        names.iter().map(|name| attribute(name.as_str().unwrap_or_default())).collect()
    };
    let option = |value: &toml::Value| {
        let number = value.as_integer().and_then(|n| usize::try_from(n).ok());
        number.filter(|n| (1..=MOST_OPTIONS).contains(n)).ok_or(format!("a number from 1 to {MOST_OPTIONS} is needed"))
    };
    if let Some(word) = value.as_str() {
        return match word {
            "none" => Ok(Write::None),
            "options" => Ok(Write::Options),
            "dimensions_text" => Ok(Write::DimensionsText),
            _ => Err(format!("`{word}` is no way to write a field; known: none, options, dimensions_text")),
        };
    }
    let table = value.as_table().filter(|table| table.len() == 1);
    let Some((word, value)) = table.and_then(|table| table.iter().next()) else {
        return Err("`write` is a word or a table with one key".to_owned());
    };
    match word.as_str() {
        "values" => {
            let words = value.as_table().ok_or("`values` is a table of words")?;
            let words = words.iter().map(|(from, to)| (from.clone(), to.as_str().unwrap_or_default().to_owned()));
            Ok(Write::Values(words.collect()))
        }
        "range" => pair(value).map(|(start, end)| Write::Range(start, end)),
        "measure" => pair(value).map(|(number, unit)| Write::Measure(number, unit)),
        "since" => attribute(value.as_str().unwrap_or_default()).map(Write::Since),
        "not" => attribute(value.as_str().unwrap_or_default()).map(Write::Not),
        "else" => attribute(value.as_str().unwrap_or_default()).map(Write::Else),
        "instead" => match several(value)?.as_slice() {
            [other, start] => Ok(Write::Instead(*other, *start)),
            _ => Err("`instead` needs an attribute and the one with its first day".to_owned()),
        },
        "beside" => match several(value)?.as_slice() {
            [own, other, start] => Ok(Write::Beside(*own, *other, *start)),
            _ => Err("`beside` needs an attribute, the one beside it, and the one with its first day".to_owned()),
        },
        "option_name" => option(value).map(Write::OptionName),
        "option_value" => option(value).map(Write::OptionValue),
        _ => Err(format!(
            "`{word}` is no way to write a field; known: values, range, measure, since, not, else, instead, beside, option_name, option_value"
        )),
    }
}

impl Spec {
    /// `target@version`.
    pub fn name(&self) -> String {
        format!("{}@{}", self.identity.target, self.identity.version)
    }

    /// The field of a name or alias, exactly as spelled.
    pub fn field(&self, name: &str) -> Option<FieldId> {
        self.by_name.get(name).copied()
    }

    /// The field that holds a catalog attribute.
    pub fn field_of(&self, attribute: AttributeId) -> Option<FieldId> {
        self.fields.iter().position(|field| field.attribute == attribute).map(|place| FieldId(place as u16))
    }

    /// The field of an id.
    ///
    /// # Panics
    /// When the id belongs to another spec.
    pub fn get(&self, id: FieldId) -> &Field {
        &self.fields[id.index()]
    }

    /// The fields as the target publishes them: those of its rows, or of the objects of a
    /// nested target.
    pub fn published(&self) -> Vec<(&str, &FieldFile)> {
        match &self.shape {
            None => {
                let published = self.fields.iter().filter(|field| !field.written.only_judged);
                published.map(|field| (field.name.as_str(), &field.written)).collect()
            }
            Some(shape) => shape.published.iter().map(|field| (field.name.as_str(), &field.written)).collect(),
        }
    }

    /// Every name a column may have, aliases included.
    pub fn column_names(&self) -> impl Iterator<Item = &str> {
        self.fields.iter().flat_map(|field| std::iter::once(&field.name).chain(&field.written.aliases)).map(String::as_str)
    }
}
