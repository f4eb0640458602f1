//! Nested JSON: the objects of rows and of groups, written straight from a spec's templates.

use super::{Before, RowWriter};
use crate::cell::{Shape, Slot};
use crate::product::json::Strings;
use crate::product::money;
use crate::product::text::write_json_string;
use crate::spec::shape::{Element, Form, Node};
use crate::spec::{FieldId, Spec};

/// Which of the two objects is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// What each row says.
    Row,
    /// What the rows of a group say once.
    Group,
}

/// A writer of one of the objects of a nested target.
pub struct Nested {
    node: Node,
    part: Part,
    separator: char,
}

impl Nested {
    /// A writer of a spec's rows or groups; `None` for a flat spec.
    pub fn new(spec: &Spec, part: Part) -> Option<Self> {
        let shape = spec.shape.as_ref()?;
        let node = match part {
            Part::Row => shape.row.clone(),
            Part::Group => shape.group.clone(),
        };
        let separator = spec.formats.list_separator.chars().next().unwrap_or(',');
        Some(Self { node, part, separator })
    }
}

impl RowWriter for Nested {
    fn head(&self) -> String {
        String::new()
    }

    fn row(&self, buffer: &str, row: &[Slot], _: &mut Before, out: &mut String) {
        let view = View { buffer, row, separator: self.separator, entry: Entry::None };
        if !view.write(&self.node, out) && self.part == Part::Group {
            out.push_str("{}");
        }
    }

    fn of_group(&self) -> bool {
        self.part == Part::Group
    }
}

/// The entry of a list that is being written.
#[derive(Clone, Copy)]
enum Entry<'a> {
    None,
    /// An entry as it stands in the text.
    Plain(&'a str),
    /// An entry that is JSON already.
    Json(&'a str),
    /// A name and a value, both JSON.
    Pair(&'a str, &'a str),
}

#[derive(Clone, Copy)]
struct View<'a> {
    buffer: &'a str,
    row: &'a [Slot],
    separator: char,
    entry: Entry<'a>,
}

impl<'a> View<'a> {
    /// Writes a node; returns whether any field in it has a value. What has none leaves no trace.
    fn write(&self, node: &Node, out: &mut String) -> bool {
        let start = out.len();
        let says = match node {
            Node::Constant(json) => {
                out.push_str(json);
                return false;
            }
            Node::Value(field, form) => self.value(*field, form, out),
            Node::Object(members) => {
                out.push('{');
                let mut says = false;
                for member in members {
                    let before = out.len();
                    if before > start + 1 {
                        out.push(',');
                    }
                    out.push_str(&member.key);
                    let given = self.write(&member.node, out);
                    says |= given;
                    if !given && !matches!(member.node, Node::Constant(_)) {
                        out.truncate(before);
                    }
                }
                out.push('}');
                says
            }
            Node::List(elements) => {
                out.push('[');
                for element in elements {
                    self.element(element, start + 1, out);
                }
                out.push(']');
                out.len() > start + 2
            }
        };
        if !says {
            out.truncate(start);
        }
        says
    }

    /// Writes the entries of one element; `first` is where the list begins.
    fn element(&self, element: &Element, first: usize, out: &mut String) {
        let mut one = |entry: Entry<'a>| {
            let before = out.len();
            if before > first {
                out.push(',');
            }
            if !(View { entry, ..*self }).write(&element.node, out) {
                out.truncate(before);
            }
        };
        let Some(field) = element.each else { return one(self.entry) };
        let slot = self.slot(field);
        let text = slot.text(self.buffer);
        match slot.cell.shape {
            Shape::Absent => {}
            // The rules have let only lists and objects of text through.
            Shape::List => Strings::new(text).for_each(|entry| one(Entry::Json(entry))),
            _ if text.starts_with('{') => {
                let mut strings = Strings::new(text);
                while let (Some(name), Some(value)) = (strings.next(), strings.next()) {
                    one(Entry::Pair(name, value));
                }
            }
            _ => text.split(self.separator).map(str::trim).filter(|entry| !entry.is_empty()).for_each(|entry| one(Entry::Plain(entry))),
        }
    }

    fn slot(&self, field: FieldId) -> Slot {
        self.row.get(field.index()).copied().unwrap_or_default()
    }

    fn value(&self, field: FieldId, form: &Form, out: &mut String) -> bool {
        match (form, self.entry) {
            (Form::Each, Entry::Plain(entry)) => {
                write_json_string(entry, out);
                return true;
            }
            (Form::Each, Entry::Json(json)) | (Form::Name, Entry::Pair(json, _)) | (Form::Selected, Entry::Pair(_, json)) => {
                out.push_str(json);
                return true;
            }
            (Form::Each | Form::Name | Form::Selected, _) => return false,
            _ => {}
        }
        let slot = self.slot(field);
        if !slot.is_present() {
            return false;
        }
        let text = slot.text(self.buffer);
        match form {
            Form::Minor => money::write_minor(text, out),
            Form::Currency => match text.rsplit_once(' ') {
                Some((_, code)) => {
                    write_json_string(code, out);
                    true
                }
                None => false,
            },
            Form::Start | Form::End => {
                let half = text.split_once('/').map(|(start, end)| if *form == Form::Start { start } else { end });
                write_json_string(half.unwrap_or(text).trim(), out);
                true
            }
            Form::Raw => {
                out.push_str(text);
                true
            }
            Form::Map(words) => match words.iter().find(|(word, _)| word == text) {
                Some((_, json)) => {
                    out.push_str(json);
                    true
                }
                None => false,
            },
            Form::Text | Form::Each | Form::Name | Form::Selected => {
                write_json_string(text, out);
                true
            }
        }
    }
}
