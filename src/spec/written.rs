//! The tables of a spec folder as written, each key with its place, and laid over the tables
//! of the folder's base.
//!
//! A folder that names a `base` holds differences only. A key given again replaces the base's;
//! a field or rule that is new joins it; `without` names what is dropped. What the keys mean is
//! not known here.

use super::load::SpecError;
use super::terms::Clause;
use std::collections::HashMap;
use toml::de::{DeTable, DeValue};
use toml::{Spanned, Table, Value};

/// A table and the places of its keys.
#[derive(Clone, Debug, Default)]
pub(super) struct Entry {
    /// The keys and values.
    pub(super) table: Table,
    /// Where the table was last changed.
    pub(super) clause: Clause,
    /// Where each key stands.
    keys: HashMap<String, Clause>,
}

/// The four files of a folder.
#[derive(Clone, Debug, Default)]
pub(super) struct Written {
    /// `spec.toml`.
    pub(super) spec: Entry,
    /// `attributes.toml`, in order.
    pub(super) fields: Vec<(String, Entry)>,
    /// `rules.toml`, in order.
    pub(super) rules: Vec<Entry>,
    /// The documented rules that are no rules over fields.
    pub(super) documented: Vec<Entry>,
    /// `formats.toml`.
    pub(super) formats: Entry,
}

/// The keys of `spec.toml` that no version inherits: each says for itself who it is.
const OWN: [&str; 4] = ["current", "default", "title", "status"];

impl Entry {
    /// Reads a file that is one table.
    pub(super) fn read(file: &str, text: &str) -> Result<Self, SpecError> {
        let whole = DeTable::parse(text).map_err(|error| SpecError::at(file, line_at(text, error.span()), error.message()))?;
        Ok(Self::of(file, text, whole.get_ref(), 1))
    }

    fn of(file: &str, text: &str, written: &DeTable<'_>, line: usize) -> Self {
        let clause = |line| Clause { file: file.to_owned(), line };
        let mut entry = Self { clause: clause(line), ..Self::default() };
        for (key, value) in written {
            let name = key.get_ref().as_ref().to_owned();
            entry.keys.insert(name.clone(), clause(line_at(text, Some(key.span()))));
            entry.table.insert(name, plain(value.get_ref()));
        }
        entry
    }

    /// Makes a typed value of the table; an error names the line of the key to blame.
    pub(super) fn typed<T: serde::de::DeserializeOwned>(&self, called: &str) -> Result<T, SpecError> {
        self.table.clone().try_into().map_err(|error: toml::de::Error| {
            let text = error.to_string();
            let named = text.split('`').skip(1).step_by(2).find_map(|word| self.keys.get(word.split('.').next().unwrap_or(word)));
            let place = named.unwrap_or(&self.clause);
            SpecError::at(&place.file, place.line, &format!("{called}{}", error.message()))
        })
    }

    /// The keys the table has.
    pub(super) fn given(&self) -> Vec<String> {
        self.table.keys().cloned().collect()
    }

    fn text(&self, key: &str) -> Option<String> {
        self.table.get(key)?.as_str().map(str::to_owned)
    }

    fn words(&mut self, key: &str) -> Vec<String> {
        let words = self.table.remove(key);
        words.iter().filter_map(Value::as_array).flatten().filter_map(Value::as_str).map(str::to_owned).collect()
    }

    fn fault(&self, message: &str) -> SpecError {
        SpecError::at(&self.clause.file, self.clause.line, message)
    }

    /// Lays a changed table over this one.
    fn lay(&mut self, mut over: Self) -> Result<(), SpecError> {
        for key in over.words("without") {
            if self.table.remove(&key).is_none() {
                return Err(over.fault(&format!("`without` names `{key}`, which the base does not have here")));
            }
        }
        self.clause = over.clause;
        self.keys.extend(over.keys);
        for (key, value) in over.table {
            self.table.insert(key, value);
        }
        Ok(())
    }
}

impl Written {
    /// Reads the four files of a folder, the base not yet laid under them.
    pub(super) fn read(folder: &str, spec: &str, attributes: &str, rules: &str, formats: &str) -> Result<Self, SpecError> {
        let file = |name: &str| format!("{folder}/{name}");
        let (spec, formats) = (Entry::read(&file("spec.toml"), spec)?, Entry::read(&file("formats.toml"), formats)?);
        let mut written = Self { spec, formats, ..Self::default() };
        let name = file("attributes.toml");
        let fields = parse(&name, attributes)?;
        for (key, value) in fields.get_ref() {
            let line = line_at(attributes, Some(key.span()));
            let table = value.get_ref().as_table().ok_or_else(|| SpecError::at(&name, line, "a field is a table"))?;
            written.fields.push((key.get_ref().as_ref().to_owned(), Entry::of(&name, attributes, table, line)));
        }
        let name = file("rules.toml");
        for (key, value) in parse(&name, rules)?.get_ref() {
            let line = line_at(rules, Some(key.span()));
            let tables = value.get_ref().as_array().ok_or_else(|| SpecError::at(&name, line, "rules are written as [[rule]]"))?;
            let into = match key.get_ref().as_ref() {
                "rule" => &mut written.rules,
                "documented" => &mut written.documented,
                other => return Err(SpecError::at(&name, line, &format!("`{other}` is neither `rule` nor `documented`"))),
            };
            for table in tables {
                let line = line_at(rules, Some(table.span()));
                let table = table.get_ref().as_table().ok_or_else(|| SpecError::at(&name, line, "a rule is a table"))?;
                into.push(Entry::of(&name, rules, table, line));
            }
        }
        Ok(written)
    }

    /// The base the folder names.
    pub(super) fn base(&self) -> Option<String> {
        self.spec.text("base")
    }

    /// An error at the line that names the base.
    pub(super) fn base_fault(&self, message: &str) -> SpecError {
        let place = self.spec.keys.get("base").unwrap_or(&self.spec.clause);
        SpecError::at(&place.file, place.line, message)
    }

    /// Lays the differences over the tables of their base.
    pub(super) fn over(mut self, mut base: Self) -> Result<Self, SpecError> {
        let without = self.spec.table.remove("without");
        let named = |kind: &str| -> Vec<String> {
            let list = without.as_ref().and_then(|value| value.get(kind)).and_then(Value::as_array);
            list.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
        };
        for name in named("fields") {
            let place = base.fields.iter().position(|(known, _)| *known == name);
            base.fields.remove(place.ok_or_else(|| self.spec.fault(&format!("`without` names the field `{name}`, which the base lacks")))?);
        }
        drop_named(&mut base.rules, "code", &named("rules"), &self.spec)?;
        drop_named(&mut base.documented, "id", &named("documented"), &self.spec)?;
        for key in OWN {
            base.spec.table.remove(key);
        }
        // What became of old names is told once, in the version where it happened.
        if let (Some(Value::Table(known)), Some(Value::Table(more))) =
            (base.spec.table.get_mut("removed"), self.spec.table.get_mut("removed"))
        {
            for name in named("removed") {
                known.remove(&name);
            }
            for (name, note) in std::mem::take(more) {
                known.insert(name, note);
            }
            *more = std::mem::take(known);
        }
        base.spec.lay(self.spec)?;
        base.formats.lay(self.formats)?;
        for (name, mut field) in self.fields {
            let after = field.table.remove("after").and_then(|value| value.as_str().map(str::to_owned));
            match base.fields.iter_mut().find(|(known, _)| *known == name) {
                Some(_) if after.is_some() => return Err(field.fault("`after` places new fields; the base has this one")),
                Some((_, known)) => known.lay(field)?,
                None => {
                    let place = match &after {
                        Some(after) => base.fields.iter().position(|(known, _)| known == after).map(|place| place + 1),
                        None => Some(base.fields.len()),
                    };
                    let place =
                        place.ok_or_else(|| field.fault(&format!("`after` names `{}`, which is no field", after.unwrap_or_default())))?;
                    base.fields.insert(place, (name, field));
                }
            }
        }
        lay_named(&mut base.rules, "code", self.rules)?;
        lay_named(&mut base.documented, "id", self.documented)?;
        Ok(base)
    }
}

fn drop_named(tables: &mut Vec<Entry>, key: &str, names: &[String], spec: &Entry) -> Result<(), SpecError> {
    for name in names {
        let place = tables.iter().position(|known| known.text(key).as_ref() == Some(name));
        tables.remove(place.ok_or_else(|| spec.fault(&format!("`without` names `{name}`, which the base lacks")))?);
    }
    Ok(())
}

fn lay_named(tables: &mut Vec<Entry>, key: &str, over: Vec<Entry>) -> Result<(), SpecError> {
    for table in over {
        let name = table.text(key);
        match tables.iter_mut().find(|known| known.text(key) == name) {
            Some(known) => known.lay(table)?,
            None => tables.push(table),
        }
    }
    Ok(())
}

fn parse<'t>(file: &str, text: &'t str) -> Result<Spanned<DeTable<'t>>, SpecError> {
    DeTable::parse(text).map_err(|error| SpecError::at(file, line_at(text, error.span()), error.message()))
}

/// The line, from 1, on which a span begins.
fn line_at(text: &str, span: Option<std::ops::Range<usize>>) -> usize {
    span.and_then(|span| text.get(..span.start)).map_or(1, |head| memchr::memchr_iter(b'\n', head.as_bytes()).count() + 1)
}

/// The value without its places.
fn plain(value: &DeValue<'_>) -> Value {
    match value {
        DeValue::String(text) => Value::String(text.as_ref().to_owned()),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix()).map_or(Value::Integer(0), Value::Integer),
        DeValue::Float(number) => number.as_str().parse().map_or(Value::Float(0.0), Value::Float),
        DeValue::Boolean(flag) => Value::Boolean(*flag),
        DeValue::Datetime(time) => Value::Datetime(*time),
        DeValue::Array(list) => Value::Array(list.iter().map(|each| plain(each.get_ref())).collect()),
        DeValue::Table(table) => {
            Value::Table(table.iter().map(|(key, value)| (key.get_ref().as_ref().to_owned(), plain(value.get_ref()))).collect())
        }
    }
}
