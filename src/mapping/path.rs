//! Paths into nested cells: `variants[].prices.USD`, `images[0].src`, `meta[key=_sku].value`.
//!
//! All paths that begin in one cell are read in one pass over its JSON, and what they find
//! points into the same buffer. A single element stands for a list of one, because XML writes
//! a list of one that way.

use crate::catalog::json::value_cell;
use crate::cell::{Cell, Shape};
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum PathStep {
    /// The value of a key.
    Key(String),
    /// The element at a place, from 0.
    At(usize),
    /// Every element.
    Each,
    /// The first element in which a key has a value.
    Having(String, String),
}

/// Reads a path: keys separated by points, each perhaps with brackets. `None` where the brackets
/// make no sense.
pub(super) fn parse(text: &str) -> Option<Vec<PathStep>> {
    let mut steps = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        if let Some(inside) = rest.strip_prefix('[') {
            let (inside, after) = inside.split_once(']')?;
            steps.push(match (inside, inside.split_once('=')) {
                ("", _) => PathStep::Each,
                (_, Some((key, value))) => PathStep::Having(key.trim().to_owned(), value.trim().to_owned()),
                (place, None) => PathStep::At(place.trim().parse().ok()?),
            });
            rest = after.strip_prefix('.').unwrap_or(after);
        } else {
            let end = rest.find(['.', '[']).unwrap_or(rest.len());
            let (key, after) = rest.split_at(end);
            if key.is_empty() {
                return None;
            }
            steps.push(PathStep::Key(key.to_owned()));
            rest = after.strip_prefix('.').unwrap_or(after);
        }
    }
    Some(steps)
}

/// Paths that begin in one value, merged where they run together.
#[derive(Clone, Debug, Default)]
pub(super) struct Tree {
    /// Where the value itself goes.
    leaf: Vec<u16>,
    keys: Vec<(String, Tree)>,
    at: Vec<(usize, Tree)>,
    having: Vec<(String, String, Tree)>,
    each: Option<Box<Tree>>,
}

impl Tree {
    /// Adds a path whose value goes to `place`.
    pub(super) fn add(&mut self, path: &[PathStep], place: u16) {
        let Some((step, rest)) = path.split_first() else {
            self.leaf.push(place);
            return;
        };
        match step {
            PathStep::Key(key) => branch(&mut self.keys, |(known, _)| known == key, || (key.clone(), Tree::default())).1.add(rest, place),
            PathStep::At(at) => branch(&mut self.at, |(known, _)| known == at, || (*at, Tree::default())).1.add(rest, place),
            PathStep::Having(key, value) => {
                let make = || (key.clone(), value.clone(), Tree::default());
                branch(&mut self.having, |(known, word, _)| known == key && word == value, make).2.add(rest, place);
            }
            PathStep::Each => self.each.get_or_insert_default().add(rest, place),
        }
    }

    /// Where the value itself goes.
    pub(super) fn root(&self) -> &[u16] {
        &self.leaf
    }

    fn takes_elements(&self) -> bool {
        self.each.is_some() || !self.at.is_empty() || !self.having.is_empty()
    }

    /// Reads the paths from one value; `raw` lies in the buffer of `found`.
    pub(super) fn read(&self, raw: &str, found: &mut Found<'_>) {
        // What is no JSON has no value at the end of any path; a rule says what is missing then.
        let mut deserializer = serde_json::Deserializer::from_str(raw);
        let take = Take { tree: self, collect: false, found };
        take.deserialize(&mut deserializer).unwrap_or_default();
    }
}

fn branch<T>(list: &mut Vec<T>, is: impl Fn(&T) -> bool, make: impl FnOnce() -> T) -> &mut T {
    let place = list.iter().position(is).unwrap_or_else(|| {
        list.push(make());
        list.len() - 1
    });
    &mut list[place]
}

/// Where found values go.
pub(super) struct Found<'a> {
    /// The buffer that the values lie in.
    pub(super) text: &'a str,
    /// What had to be written anew; it will stand behind the buffer.
    pub(super) extra: &'a mut String,
    /// By place.
    pub(super) cells: &'a mut [Cell],
    /// By place: the values of every element, for paths that ask for all.
    pub(super) lists: &'a mut Vec<(u16, String)>,
}

impl Found<'_> {
    fn put(&mut self, tree: &Tree, raw: &str, collect: bool) {
        for &place in &tree.leaf {
            if collect {
                let list = branch(self.lists, |(known, _)| *known == place, || (place, String::new()));
                if raw != "null" {
                    list.1.push(if list.1.is_empty() { '[' } else { ',' });
                    list.1.push_str(raw);
                }
            } else if let Some(cell) = self.cells.get_mut(usize::from(place)).filter(|cell| !cell.is_present()) {
                *cell = value_cell(raw, self.text, self.extra);
            }
        }
    }

    /// Closes the lists: each becomes one cell.
    pub(super) fn finish(&mut self) {
        for (place, mut list) in self.lists.drain(..) {
            if list.is_empty() {
                continue;
            }
            list.push(']');
            let start = self.text.len() + self.extra.len();
            self.extra.push_str(&list);
            if let Some(cell) = self.cells.get_mut(usize::from(place)) {
                *cell = Cell::new(start, start + list.len(), Shape::List);
            }
        }
    }
}

/// Takes the values a tree asks for.
struct Take<'t, 'f, 'a> {
    tree: &'t Tree,
    collect: bool,
    found: &'f mut Found<'a>,
}

impl<'de> DeserializeSeed<'de> for Take<'_, '_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        let Self { tree, collect, found } = self;
        let is_leaf_only = tree.keys.is_empty() && !tree.takes_elements();
        if tree.leaf.is_empty() && !tree.takes_elements() {
            return deserializer.deserialize_any(Take { tree, collect, found });
        }
        let raw: &'de RawValue = serde::Deserialize::deserialize(deserializer)?;
        found.put(tree, raw.get(), collect);
        if is_leaf_only {
            return Ok(());
        }
        let again = &mut serde_json::Deserializer::from_str(raw.get());
        if tree.takes_elements() && !raw.get().starts_with('[') {
            // One element stands for a list of one.
            element(tree, 0, raw.get(), &mut Vec::new(), collect, found);
        }
        again.deserialize_any(Take { tree, collect, found }).map_err(serde::de::Error::custom)
    }
}

/// Reads one element of a list.
fn element<'t>(tree: &'t Tree, place: usize, raw: &str, met: &mut Vec<&'t Tree>, collect: bool, found: &mut Found<'_>) {
    let read = |tree: &Tree, collect: bool, found: &mut Found<'_>| {
        let mut deserializer = serde_json::Deserializer::from_str(raw);
        Take { tree, collect, found }.deserialize(&mut deserializer).unwrap_or_default();
    };
    if let Some((_, tree)) = tree.at.iter().find(|(at, _)| *at == place) {
        read(tree, collect, found);
    }
    if let Some(each) = &tree.each {
        read(each, true, found);
    }
    for (key, value, tree) in &tree.having {
        if !met.iter().any(|known| std::ptr::eq(*known, tree)) && has(raw, key, value) {
            met.push(tree);
            read(tree, collect, found);
        }
    }
}

/// Whether a key of an object has a value.
fn has(raw: &str, key: &str, value: &str) -> bool {
    let mut tree = Tree::default();
    tree.add(&[PathStep::Key(key.to_owned())], 0);
    let (mut extra, mut cells) = (String::new(), [Cell::ABSENT]);
    tree.read(raw, &mut Found { text: raw, extra: &mut extra, cells: &mut cells, lists: &mut Vec::new() });
    let text = cells[0].text(raw);
    let text = if cells[0].start() >= raw.len() { extra.as_str() } else { text };
    text.eq_ignore_ascii_case(value)
}

impl<'de> Visitor<'de> for Take<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(Key(key)) = map.next_key::<Key<'de>>()? {
            match self.tree.keys.iter().find(|(known, _)| *known == key) {
                Some((_, tree)) => map.next_value_seed(Take { tree, collect: self.collect, found: self.found })?,
                None => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let mut met = Vec::new();
        let mut place = 0;
        while let Some(raw) = list.next_element::<&'de RawValue>()? {
            element(self.tree, place, raw.get(), &mut met, self.collect, self.found);
            place += 1;
        }
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

/// A key, borrowed where it holds no escapes.
#[derive(serde::Deserialize)]
#[serde(transparent)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

/// The elements of a list, as cells; a single value is a list of one.
pub(super) fn elements(cell: Cell, text: &str) -> Vec<Cell> {
    let raw = cell.text(text);
    match cell.shape {
        Shape::Absent => Vec::new(),
        Shape::List => {
            let listed: Vec<&RawValue> = serde_json::from_str(raw).unwrap_or_default();
            let start = |raw: &str| (raw.as_ptr() as usize).saturating_sub(text.as_ptr() as usize);
            let shape = |raw: &str| if raw.starts_with('{') { Shape::Object } else { Shape::Text };
            let cells = listed.iter().filter(|raw| raw.get() != "null");
            cells.map(|raw| Cell::new(start(raw.get()), start(raw.get()) + raw.get().len(), shape(raw.get()))).collect()
        }
        Shape::Text | Shape::Number | Shape::Boolean | Shape::Object => vec![cell],
    }
}

#[cfg(test)]
mod tests {
    use super::{Found, PathStep, Tree, parse};
    use crate::cell::Cell;

    fn read(paths: &[&str], text: &str) -> Vec<String> {
        let mut tree = Tree::default();
        for (place, path) in paths.iter().enumerate() {
            tree.add(&parse(path).expect("a path"), place as u16);
        }
        let (mut extra, mut cells) = (String::new(), vec![Cell::ABSENT; paths.len()]);
        let mut found = Found { text, extra: &mut extra, cells: &mut cells, lists: &mut Vec::new() };
        tree.read(text, &mut found);
        found.finish();
        let whole = format!("{text}{extra}");
        cells.iter().map(|cell| cell.text(&whole).to_owned()).collect()
    }

    #[test]
    fn paths_are_read() {
        assert_eq!(
            parse("variants[].prices.USD"),
            Some(vec![PathStep::Key("variants".into()), PathStep::Each, PathStep::Key("prices".into()), PathStep::Key("USD".into())])
        );
        assert_eq!(parse("a[key=_sku].v").map(|steps| steps.len()), Some(3));
        assert_eq!((parse("a[x]"), parse("a[1"), parse("a..b")), (None, None, None));
    }

    #[test]
    fn values_at_the_end_of_paths() {
        let text = r#"{"a":{"b":"x\ny","n":1.50,"none":null},"list":[{"k":"p","v":"1"},{"k":"q","v":"2"}],"one":{"v":"only"}}"#;
        let paths = ["a.b", "a.n", "a.none", "list[1].v", "list[].v", "list[k=q].v", "one[].v", "one[0].v", "a", "x.y", "list[7].v"];
        assert_eq!(
            read(&paths, text),
            ["x\ny", "1.50", "", "2", r#"["1","2"]"#, "2", r#"["only"]"#, "only", r#"{"b":"x\ny","n":1.50,"none":null}"#, "", ""]
        );
        assert_eq!(read(&["a.b", "[0]"], "no JSON at all"), ["", ""]);
    }
}
