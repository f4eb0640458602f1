//! What is sent for a change: the objects of which something changed, and a list of what is gone.

use super::super::difference::{BODY, Difference, NEW, PRICE, STOCK};
use super::super::error::PushError;
use super::super::feed::Built;
use super::super::gone::Gone;
use super::super::rows::Places;
use super::super::{Part, digest};
use super::object::{self, Head, Objects};
use crate::render::Compression;
use crate::render::file::{Output, WriteError, write_text};
use crate::state::key_of;
use serde_json::Value;
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

/// How a target takes changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    /// Objects whole; what is gone is marked.
    Objects,
    /// The fields that changed of variants that are there; nothing is new and nothing goes.
    Fields,
}

/// The file of a delta that lists what is gone.
const GONE: &str = "gone.txt";

/// The files of a part that hold objects.
pub(super) fn objects(part: &Part) -> Vec<PathBuf> {
    part.files.iter().filter(|file| !file.ends_with(GONE)).cloned().collect()
}

/// The ids of what is gone.
pub(super) fn gone(part: &Part) -> Result<HashSet<String>, PushError> {
    let Some(path) = part.files.iter().find(|file| file.ends_with(GONE)) else { return Ok(HashSet::new()) };
    let text = std::fs::read_to_string(path).map_err(PushError::io(path))?;
    serde_json::from_str(&text).map_err(|error| PushError::Feed(format!("{}: {error}", path.display())))
}

/// Writes what is to be sent into `folder`; `None` where that is nothing.
pub(super) fn part(
    built: &Built,
    difference: &Difference,
    manner: Manner,
    list: &'static str,
    folder: &Path,
) -> Result<Option<Part>, PushError> {
    let written = |error: WriteError| PushError::Io { path: error.path, source: error.source };
    let change = Change::find(built, difference, manner)?;
    let gone = if manner == Manner::Objects { left(difference)? } else { Vec::new() };
    if change.items == 0 && gone.is_empty() {
        return Ok(None);
    }
    let mut output = Output::create(&folder.join(format!("{list}.jsonl")), Compression::None).map_err(written)?;
    let mut whole = Objects::of(built.files.iter().map(|file| built.path(file)).collect());
    while let Some(text) = whole.next()? {
        if !change.objects.contains(&key_of(&Head::read(text)?.id)) {
            continue;
        }
        let fields = if manner == Manner::Fields { change.fields(text)? } else { None };
        let text = fields.as_deref().unwrap_or(text);
        output.write(text.as_bytes()).and_then(|()| output.write(b"\n")).map_err(written)?;
    }
    let output = output.finish().map_err(written)?;
    let mut part = Part {
        name: list.to_owned(),
        kind: list,
        files: vec![output.path().to_owned()],
        content: output.blake3.clone(),
        items: change.items,
        bytes: output.bytes,
    };
    output.publish().map_err(written)?;
    if !gone.is_empty() {
        let path = folder.join(GONE);
        let ids: Vec<&str> = gone.iter().map(|gone| gone.item.as_str()).collect();
        let text = serde_json::json!(ids).to_string();
        write_text(&path, &text).map_err(written)?;
        part.content = digest([part.content.as_str(), &text]);
        part.items += gone.len() as u64;
        part.files.push(path);
    }
    Ok(Some(part))
}

/// What left; it is looked for in what the target holds, so its ids are all needed at once.
fn left(difference: &Difference) -> Result<Vec<Gone>, PushError> {
    let gone = difference.gone.iter().and_then(Iterator::collect);
    gone.map_err(PushError::io("a temporary file"))
}

/// What changed, by the digests of ids.
struct Change {
    /// Objects in which something changed.
    objects: HashSet<u128>,
    /// What changed of the rows in them, where fields go alone.
    rows: HashMap<u128, u8>,
    /// Rows that changed.
    items: u64,
}

impl Change {
    fn find(built: &Built, difference: &Difference, manner: Manner) -> Result<Self, PushError> {
        let mut change = Self { objects: HashSet::new(), rows: HashMap::new(), items: 0 };
        let mut places = Places::open(built, 0, 1)?;
        while let Some(place) = places.next()? {
            let mark = if difference.first { BODY } else { difference.marks.get(place).copied().unwrap_or(BODY) };
            // What is new is not there yet: an upload brings it, as it is by then.
            if mark == 0 || manner == Manner::Fields && mark & NEW != 0 {
                continue;
            }
            change.objects.insert(key_of(places.product()));
            change.items += 1;
            if manner == Manner::Fields {
                change.rows.insert(key_of(places.item()), mark);
            }
        }
        if manner == Manner::Objects {
            let left = left(difference)?.into_iter().filter(|gone| !gone.group.is_empty());
            change.objects.extend(left.map(|gone| key_of(&gone.group)));
        }
        Ok(change)
    }

    /// An object with the rows that changed, and of these the fields that did.
    fn fields(&self, text: &str) -> Result<Option<String>, PushError> {
        let mut object: Value = serde_json::from_str(text).map_err(|error| object::broken(&error))?;
        let Some(variants) = object.get_mut("variants").and_then(Value::as_array_mut) else { return Ok(None) };
        variants.retain_mut(|variant| {
            let id = variant.get("id").and_then(Value::as_str).map(key_of);
            let Some(mark) = id.and_then(|id| self.rows.get(&id)).copied() else { return false };
            if mark & BODY == 0
                && let Some(fields) = variant.as_object_mut()
            {
                fields.retain(|name, _| match name.as_str() {
                    "id" => true,
                    "price" => mark & PRICE != 0,
                    "availability" => mark & STOCK != 0,
                    _ => false,
                });
            }
            true
        });
        Ok(Some(object.to_string()))
    }
}
