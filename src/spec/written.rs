//! The tables of a spec folder as written, each key with its place, and laid over the tables
//! of the folder's base.
//!
//! A folder that names a `base` holds differences only. A key given again replaces the base's;
//! a field or rule that is new joins it; `without` names what is dropped. What the keys mean is
//! not known here.

use super::load::SpecError;
use super::terms::Clause;
use serde::de::DeserializeOwned;
use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;
use toml::Spanned;
use toml::de::{DeTable, DeValue, ValueDeserializer};

/// A table as it was read: the values borrow the text they were written in.
#[derive(Clone, Debug)]
pub(super) struct Entry<'t> {
    /// The keys and values.
    pub(super) table: DeTable<'t>,
    /// Where the table was last changed.
    pub(super) clause: Clause,
    /// The file the table was first written in, and its text.
    file: Arc<str>,
    text: &'t str,
    /// Where the keys stand that another file changed since.
    changed: HashMap<String, Clause>,
}

/// The four files of a folder.
#[derive(Clone, Debug)]
pub(super) struct Written<'t> {
    /// `spec.toml`.
    pub(super) spec: Entry<'t>,
    /// `attributes.toml`, in order.
    pub(super) fields: Vec<(String, Entry<'t>)>,
    /// `rules.toml`, in order.
    pub(super) rules: Vec<Entry<'t>>,
    /// The documented rules that are no rules over fields.
    pub(super) documented: Vec<Entry<'t>>,
    /// `formats.toml`.
    pub(super) formats: Entry<'t>,
}

/// The keys of `spec.toml` that no version inherits: each says for itself who it is.
const OWN: [&str; 4] = ["current", "default", "title", "status"];

impl<'t> Entry<'t> {
    /// Reads a file that is one table.
    pub(super) fn read(file: &str, text: &'t str) -> Result<Self, SpecError> {
        Ok(Self::of(&file.into(), text, parse(file, text)?, 1))
    }

    fn of(file: &Arc<str>, text: &'t str, table: DeTable<'t>, line: usize) -> Self {
        let clause = Clause { file: Arc::clone(file), line };
        Self { table, clause, file: Arc::clone(file), text, changed: HashMap::new() }
    }

    /// Makes a typed value of the table; an error names the line of the key to blame.
    pub(super) fn typed<T: DeserializeOwned>(self, called: &str) -> Result<T, SpecError> {
        let Self { table, clause, file, text, changed } = self;
        let keys: Vec<(Cow<'t, str>, Range<usize>)> = table.keys().map(|key| (key.get_ref().clone(), key.span())).collect();
        T::deserialize(ValueDeserializer::from(Spanned::new(0..0, DeValue::Table(table)))).map_err(|error| {
            let place = |name: &str| {
                let own = || keys.iter().find(|(key, _)| key == name).map(|(_, span)| line_at(text, Some(span)));
                changed.get(name).cloned().or_else(|| own().map(|line| Clause { file: Arc::clone(&file), line }))
            };
            let said = error.to_string();
            let named = said.split('`').skip(1).step_by(2).find_map(|word| place(word.split('.').next().unwrap_or(word)));
            let place = named.unwrap_or(clause);
            SpecError::at(&place.file, place.line, &format!("{called}{}", error.message()))
        })
    }

    /// Where a key stands, or else the table.
    fn place(&self, key: &str) -> Clause {
        let own = || self.table.get_key_value(key).map(|(key, _)| line_at(self.text, Some(&key.span())));
        let own = || own().map(|line| Clause { file: Arc::clone(&self.file), line });
        self.changed.get(key).cloned().or_else(own).unwrap_or_else(|| self.clause.clone())
    }

    /// The keys the table has.
    pub(super) fn given(&self) -> Vec<String> {
        self.table.keys().map(|key| key.get_ref().as_ref().to_owned()).collect()
    }

    fn text(&self, key: &str) -> Option<&str> {
        self.table.get(key)?.get_ref().as_str()
    }

    /// Takes a text out of the table.
    fn take(&mut self, key: &str) -> Option<String> {
        self.table.remove(key)?.get_ref().as_str().map(str::to_owned)
    }

    fn fault(&self, message: &str) -> SpecError {
        SpecError::at(&self.clause.file, self.clause.line, message)
    }

    /// Lays a changed table over this one.
    fn lay(&mut self, mut over: Self) -> Result<(), SpecError> {
        for key in words(over.table.remove("without").as_ref()) {
            if self.table.remove(key.as_str()).is_none() {
                return Err(over.fault(&format!("`without` names `{key}`, which the base does not have here")));
            }
        }
        let places: Vec<(String, Clause)> = over.given().into_iter().map(|key| (key.clone(), over.place(&key))).collect();
        self.changed.extend(places);
        self.clause = over.clause;
        for (key, value) in over.table {
            self.table.insert(key, value);
        }
        Ok(())
    }
}

/// The texts of a list.
fn words(list: Option<&Spanned<DeValue<'_>>>) -> Vec<String> {
    let list = list.and_then(|value| value.get_ref().as_array());
    list.into_iter().flat_map(|list| list.iter()).filter_map(|word| word.get_ref().as_str()).map(str::to_owned).collect()
}

impl<'t> Written<'t> {
    /// Reads the four files of a folder, the base not yet laid under them.
    pub(super) fn read(folder: &str, [spec, attributes, rules, formats]: [&'t str; 4]) -> Result<Self, SpecError> {
        let file = |name: &str| format!("{folder}/{name}");
        let (spec, formats) = (Entry::read(&file("spec.toml"), spec)?, Entry::read(&file("formats.toml"), formats)?);
        let mut written = Self { spec, formats, fields: Vec::new(), rules: Vec::new(), documented: Vec::new() };
        let name: Arc<str> = file("attributes.toml").into();
        for (key, value) in parse(&name, attributes)? {
            let line = line_at(attributes, Some(&key.span()));
            let DeValue::Table(table) = value.into_inner() else { return Err(SpecError::at(&name, line, "a field is a table")) };
            written.fields.push((key.into_inner().into_owned(), Entry::of(&name, attributes, table, line)));
        }
        let name: Arc<str> = file("rules.toml").into();
        for (key, value) in parse(&name, rules)? {
            let line = line_at(rules, Some(&key.span()));
            let DeValue::Array(tables) = value.into_inner() else {
                return Err(SpecError::at(&name, line, "rules are written as [[rule]]"));
            };
            let into = match key.get_ref().as_ref() {
                "rule" => &mut written.rules,
                "documented" => &mut written.documented,
                other => return Err(SpecError::at(&name, line, &format!("`{other}` is neither `rule` nor `documented`"))),
            };
            for table in tables {
                let line = line_at(rules, Some(&table.span()));
                let DeValue::Table(table) = table.into_inner() else { return Err(SpecError::at(&name, line, "a rule is a table")) };
                into.push(Entry::of(&name, rules, table, line));
            }
        }
        Ok(written)
    }

    /// The base the folder names.
    pub(super) fn base(&self) -> Option<&str> {
        self.spec.text("base")
    }

    /// An error at the line that names the base.
    pub(super) fn base_fault(&self, message: &str) -> SpecError {
        let place = self.spec.place("base");
        SpecError::at(&place.file, place.line, message)
    }

    /// Lays the differences over the tables of their base.
    pub(super) fn over(mut self, mut base: Self) -> Result<Self, SpecError> {
        let without = self.spec.table.remove("without");
        let named = |kind: &str| words(without.as_ref().and_then(|value| value.get_ref().get(kind)));
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
        if let (Some(DeValue::Table(known)), Some(DeValue::Table(more))) =
            (base.spec.table.get_mut("removed").map(Spanned::get_mut), self.spec.table.get_mut("removed").map(Spanned::get_mut))
        {
            for name in named("removed") {
                known.remove(name.as_str());
            }
            for (name, note) in std::mem::take(more) {
                known.insert(name, note);
            }
            *more = std::mem::take(known);
        }
        base.spec.lay(self.spec)?;
        base.formats.lay(self.formats)?;
        for (name, mut field) in self.fields {
            let after = field.take("after");
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

fn drop_named(tables: &mut Vec<Entry<'_>>, key: &str, names: &[String], spec: &Entry<'_>) -> Result<(), SpecError> {
    for name in names {
        let place = tables.iter().position(|known| known.text(key) == Some(name));
        tables.remove(place.ok_or_else(|| spec.fault(&format!("`without` names `{name}`, which the base lacks")))?);
    }
    Ok(())
}

fn lay_named<'t>(tables: &mut Vec<Entry<'t>>, key: &str, over: Vec<Entry<'t>>) -> Result<(), SpecError> {
    for table in over {
        let name = table.text(key);
        match tables.iter_mut().find(|known| known.text(key) == name) {
            Some(known) => known.lay(table)?,
            None => tables.push(table),
        }
    }
    Ok(())
}

fn parse<'t>(file: &str, text: &'t str) -> Result<DeTable<'t>, SpecError> {
    let parsed = DeTable::parse(text).map_err(|error| SpecError::at(file, line_at(text, error.span().as_ref()), error.message()))?;
    Ok(parsed.into_inner())
}

/// The line, from 1, on which a span begins.
fn line_at(text: &str, span: Option<&Range<usize>>) -> usize {
    span.and_then(|span| text.get(..span.start)).map_or(1, |head| memchr::memchr_iter(b'\n', head.as_bytes()).count() + 1)
}
