//! The fields as the target publishes them: objects with members, each with its rules.

use super::{Fault, ShapeFile};
use crate::product::attribute::{AttributeId, Attributes};
use crate::spec::model::FieldFile;
use std::collections::BTreeMap;

/// A published field.
#[derive(Clone, Debug)]
pub struct Published {
    /// Its name in the documents, such as `Price.amount`.
    pub name: String,
    /// What its value is.
    pub content: Content,
    /// The attribute that findings about it name, where the file gives one.
    pub attribute: Option<AttributeId>,
    /// Everything the file says of it.
    pub written: FieldFile,
}

/// One value, or a list of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// Whether it is a list.
    pub list: bool,
    /// What it is, or what the entries are.
    pub kind: Kind,
}

/// What a value is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A value of a kind of the rule registry.
    Leaf(String),
    /// The object of this name.
    Object(String),
}

impl Published {
    /// The object it is a member of; empty for the outermost.
    pub fn object(&self) -> &str {
        self.name.rsplit_once('.').map_or("", |(object, _)| object)
    }

    /// Its name inside that object.
    pub fn member(&self) -> &str {
        self.name.rsplit_once('.').map_or(&self.name, |(_, member)| member)
    }
}

type Compiled = (Vec<Published>, BTreeMap<String, Vec<usize>>);

pub(super) fn compile(file: &ShapeFile) -> Result<Compiled, Fault> {
    let mut published: Vec<Published> = Vec::with_capacity(file.field.len());
    let mut objects: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (name, value) in &file.field {
        let fault = |message: String| (format!("[field.\"{name}\"]"), message);
        let written: FieldFile = value.clone().try_into().map_err(|error: toml::de::Error| fault(error.message().to_owned()))?;
        let attribute = written.attribute.as_deref().map(|known| Attributes::shared().id(known).ok_or(known));
        let attribute = attribute.transpose().map_err(|known| fault(format!("no catalog attribute is called `{known}`")))?;
        let field = Published { name: name.clone(), content: content(name, &written.kind), attribute, written };
        objects.entry(field.object().to_owned()).or_default().push(published.len());
        published.push(field);
    }
    for field in &published {
        if let Kind::Object(object) = &field.content.kind
            && !objects.contains_key(object)
        {
            return Err((format!("[field.\"{}\"]", field.name), format!("`{object}` has no published members")));
        }
    }
    Ok((published, objects))
}

/// What a type word means: a kind of the rule registry in small letters, the name of an object
/// in capitals, or `object` for one whose members carry this field's name; `[]` makes a list.
fn content(name: &str, word: &str) -> Content {
    let (word, list) = word.strip_suffix("[]").map_or((word, false), |word| (word, true));
    let kind = if word == "object" {
        Kind::Object(if list { format!("{name}[]") } else { name.to_owned() })
    } else if word.starts_with(|first: char| first.is_ascii_uppercase()) {
        Kind::Object(word.to_owned())
    } else {
        Kind::Leaf(word.to_owned())
    };
    Content { list, kind }
}
