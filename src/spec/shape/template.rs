//! Templates: objects in which some values come from fields of a row.
//!
//! `"$price:minor"` is the field `price` in the form `minor`; any other value stands as it is.
//! An object whose fields all have no value is left out, and so is a list without entries.

use crate::product::text::write_json_string;
use crate::spec::FieldId;
use std::collections::BTreeMap;

/// A piece of a template.
#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    /// An object.
    Object(Vec<Member>),
    /// A list.
    List(Vec<Element>),
    /// The same JSON in every row.
    Constant(String),
    /// A value of the row.
    Value(FieldId, Form),
}

/// A member of an object.
#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    /// Its name.
    pub name: String,
    /// Its name as JSON, with the colon.
    pub key: String,
    /// Its value.
    pub node: Node,
}

/// An entry of a list.
#[derive(Clone, Debug, PartialEq)]
pub struct Element {
    /// The entry.
    pub node: Node,
    /// The field of which it is written once an entry.
    pub each: Option<FieldId>,
}

/// How a field's value is written.
#[derive(Clone, Debug, PartialEq)]
pub enum Form {
    /// As text.
    Text,
    /// As a number, `true` or `false`, as it stands.
    Raw,
    /// The amount of money in minor units.
    Minor,
    /// The currency of money.
    Currency,
    /// What stands before the slash of a period.
    Start,
    /// What stands behind it.
    End,
    /// One entry of a list.
    Each,
    /// The name of one option.
    Name,
    /// The value of one option.
    Selected,
    /// Another value for each word; words that are not listed have none.
    Map(Vec<(String, String)>),
}

pub(super) struct Compiler<'a> {
    pub(super) fields: &'a dyn Fn(&str) -> Option<FieldId>,
    pub(super) maps: &'a BTreeMap<String, toml::Table>,
}

impl Compiler<'_> {
    pub(super) fn node(&self, value: &toml::Value) -> Result<Node, String> {
        Ok(match value {
            toml::Value::Table(table) => {
                let member = |(name, value): (&String, &toml::Value)| {
                    let mut key = String::new();
                    write_json_string(name, &mut key);
                    key.push(':');
                    Ok(Member { name: name.clone(), key, node: self.node(value)? })
                };
                Node::Object(table.iter().map(member).collect::<Result<_, String>>()?)
            }
            toml::Value::Array(entries) => {
                let element = |value: &toml::Value| {
                    let node = self.node(value)?;
                    Ok(Element { each: each_of(&node), node })
                };
                Node::List(entries.iter().map(element).collect::<Result<_, String>>()?)
            }
            toml::Value::String(text) => match text.strip_prefix('$') {
                Some(reference) => self.reference(reference)?,
                None => Node::Constant(constant(value)),
            },
            other => Node::Constant(constant(other)),
        })
    }

    fn reference(&self, reference: &str) -> Result<Node, String> {
        let (name, form) = reference.split_once(':').unwrap_or((reference, "text"));
        let field = (self.fields)(name).ok_or_else(|| format!("no field is called `{name}`"))?;
        let form = match form {
            "text" => Form::Text,
            "raw" => Form::Raw,
            "minor" => Form::Minor,
            "currency" => Form::Currency,
            "start" => Form::Start,
            "end" => Form::End,
            "each" => Form::Each,
            "name" => Form::Name,
            "value" => Form::Selected,
            map => {
                let words = self.maps.get(map).ok_or_else(|| {
                    format!(
                        "`{map}` is no form and no map; known: text, raw, minor, currency, start, end, each, name, value, and the tables under [map]"
                    )
                })?;
                Form::Map(words.iter().map(|(word, value)| (word.clone(), constant(value))).collect())
            }
        };
        Ok(Node::Value(field, form))
    }
}

fn constant(value: &toml::Value) -> String {
    match value {
        toml::Value::String(text) => {
            let mut json = String::new();
            write_json_string(text, &mut json);
            json
        }
        other => other.to_string(),
    }
}

fn each_of(node: &Node) -> Option<FieldId> {
    match node {
        Node::Value(field, Form::Each | Form::Name | Form::Selected) => Some(*field),
        Node::Object(members) => members.iter().find_map(|member| each_of(&member.node)),
        Node::Value(..) | Node::Constant(_) | Node::List(_) => None,
    }
}
