//! A finished nested feed read as it is: each record is a group, its rows are taken out of it by
//! the same templates that would write them.

use crate::catalog::{Batch, Format, Header};
use crate::cell::{Cell, Shape, Slot};
use crate::product::json::{self, Json};
use crate::product::money;
use crate::product::text::write_json_string;
use crate::rules::structure::{At, Broken, Structure};
use crate::spec::shape::{Element, Form, Node};
use crate::spec::{FieldId, Spec};
use std::borrow::Cow;

/// How the records of a source are the groups of a nested target.
pub struct NestedFeed {
    structure: Structure,
    /// By field: its place inside a row or group, for people.
    paths: Vec<Option<String>>,
    names: Vec<String>,
}

impl std::fmt::Debug for NestedFeed {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("NestedFeed").field("names", &self.names).finish_non_exhaustive()
    }
}

/// Whether a source is a feed of a nested target: what names a group and lists its rows is
/// there, and most other keys are the target's.
pub fn is_feed_of(spec: &Spec, header: &Header, seen: usize, format: &Format) -> bool {
    let Some(shape) = spec.shape.as_ref().filter(|_| matches!(format, Format::Json(_) | Format::JsonLines)) else { return false };
    let names = header.names().get(..seen).unwrap_or_default();
    let known = names.iter().filter(|name| shape.member(&shape.file.group_object, name).is_some()).count();
    let listed = shape.file.rows.is_empty() || names.iter().any(|name| **name == *shape.file.rows);
    listed && known >= 2 && known * 2 > names.len()
}

/// A row of a group.
pub(super) struct Row {
    /// One slot a field.
    pub(super) slots: Vec<Slot>,
    /// What is wrong with its object.
    pub(super) broken: Vec<Broken>,
}

impl NestedFeed {
    /// Compiles what is needed; `None` for a flat spec.
    pub fn new(spec: &Spec, header: &Header, structure: Structure) -> Option<Self> {
        let shape = spec.shape.as_ref()?;
        let mut paths = vec![None; spec.fields.len()];
        let rows = if shape.file.rows.is_empty() { &shape.group } else { &shape.row };
        find_paths(rows, "", &mut paths);
        Some(Self { structure, paths, names: header.names().iter().map(|name| (**name).to_owned()).collect() })
    }

    /// Where a field of the n-th row stands.
    pub(super) fn path(&self, spec: &Spec, row: usize, field: FieldId) -> Option<String> {
        let shape = spec.shape.as_ref()?;
        let path = self.paths.get(field.index())?.as_deref()?;
        Some(if shape.file.rows.is_empty() { path.to_owned() } else { format!("{}[{row}].{path}", shape.file.rows) })
    }

    /// The rows of a record; what is wrong with the group itself goes to the first of them.
    pub(super) fn rows(&self, spec: &Spec, batch: &mut Batch, record: usize, group: Option<FieldId>) -> (Vec<Broken>, Vec<Row>) {
        let Some(shape) = &spec.shape else { return (Vec::new(), Vec::new()) };
        let cells = batch.row(record).iter().zip(&self.names);
        // Rows are written behind the buffer, so what they are taken from is moved out of it.
        let owned: Vec<(&str, Shape, String)> = cells
            .filter(|(cell, _)| cell.is_present())
            .map(|(cell, name)| (name.as_str(), cell.shape, cell.text(&batch.text).to_owned()))
            .collect();
        let members: Vec<(Cow<'_, str>, Json<'_>)> =
            owned.iter().map(|(name, shape, text)| (Cow::Borrowed(*name), json_of(*shape, text))).collect();
        let mut broken = Vec::new();
        let attribute = shape.member(&shape.file.group_object, &shape.file.rows).and_then(|field| field.attribute);
        let about = attribute.map_or("item_id", |attribute| crate::product::attribute::Attributes::shared().name(attribute));
        let object = &shape.file.group_object;
        let rows_apart = Some(shape.file.rows.as_str()).filter(|rows| !rows.is_empty());
        self.structure.judge(shape, object, &members, &At::root(String::new(), about), rows_apart, &mut broken);
        let mut base = vec![Slot::EMPTY; spec.fields.len()];
        let mut reader = Reader { buffer: &mut batch.text, slots: &mut base, lists: Vec::new(), halves: Vec::new() };
        reader.object(&shape.group, &members);
        reader.finish();
        if let Some(group) = group.filter(|group| !base[group.index()].is_present()) {
            base[group.index()] = base[shape.key.index()];
        }
        if rows_apart.is_none() {
            return (Vec::new(), vec![Row { slots: base, broken }]);
        }
        let list = members.iter().find(|(name, _)| *name == *shape.file.rows).map(|(_, value)| value);
        let entries = match list {
            Some(Json::List(raw)) => json::entries(raw).unwrap_or_default(),
            _ => Vec::new(),
        };
        let mut rows = Vec::with_capacity(entries.len());
        for (number, entry) in entries.iter().enumerate() {
            let mut row = Row { slots: base.clone(), broken: Vec::new() };
            let at = At::root(format!("{}[{number}]", shape.file.rows), about);
            match entry {
                Json::Object(raw) => {
                    let members = json::members(raw).unwrap_or_default();
                    self.structure.judge(shape, &shape.file.row_object, &members, &at, None, &mut row.broken);
                    let mut reader = Reader { buffer: &mut batch.text, slots: &mut row.slots, lists: Vec::new(), halves: Vec::new() };
                    reader.object(&shape.row, &members);
                    reader.finish();
                }
                other => row.broken.push(at.wrong_type("an object", other)),
            }
            rows.push(row);
        }
        (broken, rows)
    }
}

fn json_of(shape: Shape, text: &str) -> Json<'_> {
    match shape {
        Shape::Absent => Json::Null,
        Shape::Text => Json::Text(Cow::Borrowed(text)),
        Shape::Number => Json::Number(text),
        Shape::Boolean => Json::Boolean(text),
        Shape::List => Json::List(text),
        Shape::Object => Json::Object(text),
    }
}

fn find_paths(node: &Node, path: &str, paths: &mut [Option<String>]) {
    match node {
        Node::Constant(_) => {}
        // Money is one value with two members, an option one with a name and a value.
        Node::Value(field, form) => {
            let path = match form {
                Form::Minor | Form::Currency | Form::Name | Form::Selected | Form::Start | Form::End => {
                    path.rsplit_once('.').map_or(path, |(object, _)| object)
                }
                Form::Text | Form::Raw | Form::Each | Form::Map(_) => path,
            };
            if let Some(slot) = paths.get_mut(field.index()).filter(|slot| slot.is_none()) {
                *slot = Some(path.to_owned());
            }
        }
        Node::Object(members) => members.iter().for_each(|member| {
            let dot = if path.is_empty() { "" } else { "." };
            find_paths(&member.node, &format!("{path}{dot}{}", member.name), paths);
        }),
        Node::List(elements) => elements.iter().for_each(|element| find_paths(&element.node, path, paths)),
    }
}

/// Fills slots from JSON, a template read backwards.
struct Reader<'a> {
    buffer: &'a mut String,
    slots: &'a mut [Slot],
    /// Lists and options collected so far, as JSON without its brackets.
    lists: Vec<(FieldId, String, Shape)>,
    /// Values that stand in two members.
    halves: Vec<Halves>,
}

/// A value of two members: money, or a period.
struct Halves {
    field: FieldId,
    is_money: bool,
    first: Option<String>,
    second: Option<String>,
}

impl Reader<'_> {
    fn object(&mut self, node: &Node, members: &[(Cow<'_, str>, Json<'_>)]) {
        let Node::Object(wanted) = node else { return };
        for member in wanted {
            if let Some((_, value)) = members.iter().find(|(name, _)| *name == *member.name) {
                self.take(&member.node, value);
            }
        }
    }

    fn take(&mut self, node: &Node, value: &Json<'_>) {
        match (node, value) {
            (Node::Value(field, form), value) => self.value(*field, form, value),
            (Node::Object(_), Json::Object(raw)) => {
                let members = json::members(raw).unwrap_or_default();
                self.object(node, &members);
            }
            (Node::List(elements), Json::List(raw)) => {
                let mut used = vec![false; elements.len()];
                for entry in json::entries(raw).unwrap_or_default() {
                    let fits =
                        |(place, element): &(usize, &Element)| (element.each.is_some() || !used[*place]) && agrees(&element.node, &entry);
                    let Some((place, element)) = elements.iter().enumerate().find(fits) else { continue };
                    used[place] = true;
                    self.take(&element.node, &entry);
                }
            }
            (Node::Constant(_) | Node::Object(_) | Node::List(_), _) => {}
        }
    }

    fn value(&mut self, field: FieldId, form: &Form, value: &Json<'_>) {
        let plain = match value {
            Json::Text(text) => text.clone(),
            Json::Number(raw) | Json::Boolean(raw) => Cow::Borrowed(*raw),
            Json::Null | Json::List(_) | Json::Object(_) => return,
        };
        match form {
            Form::Text | Form::Raw => self.set(field, &plain, Shape::Text),
            Form::Map(words) => {
                let mut quoted = String::new();
                write_json_string(&plain, &mut quoted);
                let word = words.iter().find(|(_, json)| *json == quoted || **json == *plain).map(|(word, _)| word);
                // The word itself, where it is given too, says more than what was made of it.
                if let Some(word) = word.filter(|_| !self.slots.get(field.index()).is_some_and(|slot| slot.is_present())) {
                    self.set(field, word, Shape::Text);
                }
            }
            Form::Minor | Form::Currency | Form::Start | Form::End => {
                let place = self.halves.iter().position(|halves| halves.field == field).unwrap_or_else(|| {
                    self.halves.push(Halves { field, is_money: matches!(form, Form::Minor | Form::Currency), first: None, second: None });
                    self.halves.len() - 1
                });
                let halves = &mut self.halves[place];
                let half = if matches!(form, Form::Minor | Form::Start) { &mut halves.first } else { &mut halves.second };
                *half = Some(plain.into_owned());
            }
            Form::Each | Form::Name | Form::Selected => {
                let shape = if *form == Form::Each { Shape::List } else { Shape::Object };
                let place = self.lists.iter().position(|(known, _, _)| *known == field).unwrap_or_else(|| {
                    self.lists.push((field, String::new(), shape));
                    self.lists.len() - 1
                });
                let list = &mut self.lists[place].1;
                if !list.is_empty() {
                    list.push(if *form == Form::Selected { ':' } else { ',' });
                }
                write_json_string(&plain, list);
            }
        }
    }

    fn set(&mut self, field: FieldId, text: &str, shape: Shape) {
        let cell = Cell::store(self.buffer, text, shape);
        if let Some(slot) = self.slots.get_mut(field.index()) {
            slot.cell = cell;
        }
    }

    /// Puts together what came in pieces.
    fn finish(mut self) {
        for halves in std::mem::take(&mut self.halves) {
            let both = halves.first.zip(halves.second);
            let whole = both.and_then(
                |(first, second)| {
                    if halves.is_money { money::of_minor(&first, &second) } else { Some(format!("{first}/{second}")) }
                },
            );
            if let Some(whole) = whole {
                self.set(halves.field, &whole, Shape::Text);
            }
        }
        for (field, list, shape) in std::mem::take(&mut self.lists) {
            let json = if shape == Shape::List { format!("[{list}]") } else { format!("{{{list}}}") };
            self.set(field, &json, shape);
        }
    }
}

/// Whether an entry has the constants of a template's element, case aside.
fn agrees(node: &Node, entry: &Json<'_>) -> bool {
    let (Node::Object(wanted), Json::Object(raw)) = (node, entry) else { return !matches!(node, Node::Object(_)) };
    let members = json::members(raw).unwrap_or_default();
    wanted.iter().all(|member| {
        let Node::Constant(json) = &member.node else { return true };
        let found = members.iter().find(|(name, _)| *name == *member.name).map(|(_, value)| value);
        let mut quoted = String::new();
        write_json_string(found.map_or("", |value| value.text()), &mut quoted);
        quoted.eq_ignore_ascii_case(json)
    })
}
