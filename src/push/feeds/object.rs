//! The objects of a feed, one at a time: products or promotions out of files that were built.

use super::super::error::PushError;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;

/// An object, ready to be sent.
#[derive(Clone, Debug)]
pub(super) struct Line {
    /// Its id.
    pub(super) id: String,
    /// The object as it goes.
    pub(super) json: String,
    /// Rows of the feed in it.
    pub(super) rows: u64,
    /// Whether it is an object of the feed, and not one that left it.
    pub(super) is_built: bool,
}

/// What is read of an object before it is sent.
#[derive(Deserialize)]
pub(super) struct Head<'a> {
    #[serde(borrow)]
    pub(super) id: Cow<'a, str>,
    #[serde(default)]
    variants: Vec<IgnoredAny>,
}

impl<'a> Head<'a> {
    pub(super) fn read(text: &'a str) -> Result<Self, PushError> {
        serde_json::from_str(text).map_err(|error| broken(&error))
    }
}

/// What was built is not what a build writes.
pub(super) fn broken(error: &serde_json::Error) -> PushError {
    PushError::Feed(format!("an object that was built cannot be read: {error}"))
}

impl Line {
    /// One object of the feed; its variants that are gone come with it.
    pub(super) fn read(text: &str, gone: &mut BTreeMap<String, Value>) -> Result<Self, PushError> {
        let head = Head::read(text)?;
        let (id, rows) = (head.id.into_owned(), (head.variants.len() as u64).max(1));
        let Some(mut held) = gone.remove(&id) else { return Ok(Self { id, json: text.to_owned(), rows, is_built: true }) };
        let mut object: Value = serde_json::from_str(text).map_err(|error| broken(&error))?;
        if let (Some(own), Some(Value::Array(held))) =
            (object.get_mut("variants").and_then(Value::as_array_mut), held.get_mut("variants").map(Value::take))
        {
            // What the feed has is as the feed has it; of what is held only the marked comes along.
            let known: Vec<Value> = own.iter().filter_map(|variant| variant.get("id").cloned()).collect();
            own.extend(held.into_iter().filter(|variant| super::held::is_discontinued(variant) && !known.contains(&variant["id"])));
        }
        Ok(Self { id, json: object.to_string(), rows, is_built: true })
    }

    /// An object of which the feed has nothing left, as it is held, with its marks.
    pub(super) fn gone(held: &Value) -> Self {
        let id = held.get("id").and_then(Value::as_str).unwrap_or("").to_owned();
        Self { id, json: held.to_string(), rows: 0, is_built: false }
    }

    /// The same without one of its variants; `None` when none is left.
    pub(super) fn without(&self, variant: usize) -> Option<Self> {
        let mut object: Value = serde_json::from_str(&self.json).ok()?;
        let variants = object.get_mut("variants")?.as_array_mut().filter(|variants| variants.len() > 1 && variant < variants.len())?;
        variants.remove(variant);
        Some(Self { json: object.to_string(), rows: self.rows.saturating_sub(1), ..self.clone() })
    }
}

/// The objects of files, one after the other: lines of JSON, or bodies that list them.
pub(super) struct Objects {
    files: std::vec::IntoIter<PathBuf>,
    path: PathBuf,
    lines: Option<BufReader<File>>,
    listed: std::vec::IntoIter<Box<RawValue>>,
    text: String,
}

/// A body that lists products.
#[derive(Deserialize)]
struct Listed {
    products: Vec<Box<RawValue>>,
}

impl Objects {
    pub(super) fn of(files: Vec<PathBuf>) -> Self {
        Self { files: files.into_iter(), path: PathBuf::new(), lines: None, listed: Vec::new().into_iter(), text: String::new() }
    }

    /// The next object's text.
    pub(super) fn next(&mut self) -> Result<Option<&str>, PushError> {
        loop {
            if let Some(raw) = self.listed.next() {
                self.text.clear();
                self.text.push_str(raw.get());
                return Ok(Some(&self.text));
            }
            if let Some(lines) = &mut self.lines {
                self.text.clear();
                if lines.read_line(&mut self.text).map_err(PushError::io(&self.path))? > 0 {
                    break;
                }
                self.lines = None;
            }
            let Some(path) = self.files.next() else { return Ok(None) };
            if path.extension().is_some_and(|ending| ending == "jsonl") {
                self.lines = Some(BufReader::with_capacity(1 << 20, File::open(&path).map_err(PushError::io(&path))?));
            } else {
                let text = std::fs::read_to_string(&path).map_err(PushError::io(&path))?;
                // Products stand in an object, promotions in a bare list.
                let list: Result<Vec<Box<RawValue>>, _> = if text.trim_start().starts_with('[') {
                    serde_json::from_str(&text)
                } else {
                    serde_json::from_str::<Listed>(&text).map(|body| body.products)
                };
                self.listed = list.map_err(|error| PushError::Feed(format!("{}: {error}", path.display())))?.into_iter();
            }
            self.path = path;
        }
        Ok(Some(self.text.trim_end()))
    }
}
