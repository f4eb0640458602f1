//! From the records of a block to cells.
//!
//! A child element is a column of its name. Text alone stays text; children of one name
//! become a list, an element with elements inside an object, both as JSON. Attributes of a
//! text element stand in a column of their own, `name@attribute`; those of the record are
//! `@attribute`, and inside an object they are keys of it.

use super::tree::{Span, Texts, Tree};
use super::{Records, Shape};
use crate::catalog::block::{Block, Splitter};
use crate::catalog::json::text_of;
use crate::catalog::{BadRecord, Batch, Header, LateKeys, RecordHead};
use crate::cell::{Cell, Shape as CellShape};
use std::collections::HashSet;
use std::sync::Arc;

/// Turns blocks of elements into batches.
#[derive(Clone, Debug)]
pub struct Elements {
    /// The columns.
    pub header: Arc<Header>,
    /// The shape of the document.
    pub shape: Arc<Shape>,
}

impl Elements {
    /// Parses a block. Elements that are no sound XML are listed, the others become rows.
    pub fn parse(&self, block: Block) -> Batch {
        let width = self.header.names().len();
        let (mut batch, bytes, marks, first) = block.begin(width);
        let (text, odd) = text_of(bytes, &marks);
        let mut extra = String::new();
        let mut tree = Tree::default();
        let mut scratch = Scratch::default();
        for (place, mark) in marks.iter().enumerate() {
            let head = RecordHead { number: first + place as u64, line: mark.line };
            if odd.contains(&place) {
                batch.bad.push(BadRecord { head, column: 0, defect: "not-utf8", message: "the text is not UTF-8".to_owned() });
                continue;
            }
            let element = text.get(mark.start as usize..mark.end as usize).unwrap_or("");
            let mut texts = Texts { text: &text, extra: &mut extra };
            if let Err(message) = tree.read(element, &self.shape, &mut texts) {
                let message = format!("the record is not sound XML: {message}");
                batch.bad.push(BadRecord { head, column: 0, defect: "not-xml", message });
                continue;
            }
            let kept = batch.cells.len();
            batch.cells.resize(kept + width, Cell::ABSENT);
            let cells = batch.cells.get_mut(kept..).unwrap_or_default();
            Row { header: &self.header, tree: &tree, texts, cells, late: &mut batch.late, head, scratch: &mut scratch, last: None }.fill();
            batch.heads.push(head);
        }
        batch.text = text;
        batch.text.push_str(&extra);
        batch
    }
}

/// The columns of the first records of a sample, in the order they appear.
pub(in crate::catalog) fn columns(sample: &[u8], shape: &Arc<Shape>) -> Vec<String> {
    let mut marks = Vec::new();
    // A cut sample is no fault here; whatever was marked before the cut is enough.
    let _cut = Records::new(shape).split(sample, 1, false, &mut marks);
    let mut found = Vec::new();
    let mut known = HashSet::new();
    let mut tree = Tree::default();
    for mark in marks.iter().take(1000) {
        let element = std::str::from_utf8(sample.get(mark.start as usize..mark.end as usize).unwrap_or_default()).unwrap_or("");
        let mut extra = String::new();
        let mut texts = Texts { text: element, extra: &mut extra };
        if tree.read(element, shape, &mut texts).is_err() {
            continue;
        }
        let mut add = |name: String| {
            if known.insert(name.clone()) {
                found.push(name);
            }
        };
        for (name, _) in tree.attributes(Tree::ROOT) {
            add(format!("@{}", texts.get(*name)));
        }
        for child in tree.names(Tree::ROOT) {
            let name = texts.get(tree.name(child)).to_owned();
            for one in tree.same(child).filter(|one| tree.is_leaf(*one)) {
                for (attribute, _) in tree.attributes(one) {
                    add(format!("{name}@{}", texts.get(*attribute)));
                }
            }
            add(name);
        }
        if tree.is_leaf(Tree::ROOT) && !texts.trimmed(tree.text_of(Tree::ROOT)).0.is_empty() {
            add("#text".to_owned());
        }
    }
    found
}

#[derive(Default)]
struct Scratch {
    json: Vec<u8>,
    key: String,
}

/// The row that an element fills.
struct Row<'a, 't> {
    header: &'a Header,
    tree: &'a Tree,
    texts: Texts<'t>,
    cells: &'a mut [Cell],
    late: &'a mut LateKeys,
    head: RecordHead,
    scratch: &'a mut Scratch,
    /// The column of the last value.
    last: Option<u16>,
}

impl Row<'_, '_> {
    fn fill(&mut self) {
        let tree = self.tree;
        for (name, value) in tree.attributes(Tree::ROOT) {
            self.key(&["@"], *name);
            self.put(self.plain(*value));
        }
        for child in tree.names(Tree::ROOT) {
            self.key(&[], tree.name(child));
            let cell = if tree.count(child) == 1 && tree.is_leaf(child) {
                self.plain(tree.text_of(child))
            } else {
                let shape = if tree.count(child) == 1 { CellShape::Object } else { CellShape::List };
                self.json(shape, |out, texts| write_group(tree, child, texts, out))
            };
            self.put(cell);
            if !tree.has_attributes() {
                continue;
            }
            for attribute in leaf_attributes(tree, child, &self.texts) {
                self.key(&[], tree.name(child));
                self.scratch.key.push('@');
                self.scratch.key.push_str(self.texts.get(attribute));
                let cell = match tree.attributes(child) {
                    attributes if tree.count(child) == 1 => {
                        let value = attributes.iter().find(|(name, _)| *name == attribute);
                        value.map_or(Cell::ABSENT, |(_, value)| self.plain(*value))
                    }
                    _ => self.json(CellShape::List, |out, texts| write_attribute(tree, child, attribute, texts, out)),
                };
                self.put(cell);
            }
        }
        if tree.is_leaf(Tree::ROOT) {
            self.key(&["#text"], Span::default());
            let cell = self.plain(tree.text_of(Tree::ROOT));
            if cell.is_present() {
                self.put(cell);
            }
        }
    }

    fn key(&mut self, before: &[&str], name: Span) {
        self.scratch.key.clear();
        before.iter().for_each(|part| self.scratch.key.push_str(part));
        self.scratch.key.push_str(self.texts.get(name));
    }

    fn plain(&self, span: Span) -> Cell {
        let (_, span) = self.texts.trimmed(span);
        Cell::new(span.start as usize, span.end as usize, CellShape::Text)
    }

    fn json(&mut self, shape: CellShape, write: impl FnOnce(&mut Vec<u8>, &Texts<'_>)) -> Cell {
        self.scratch.json.clear();
        write(&mut self.scratch.json, &self.texts);
        let start = self.texts.text.len() + self.texts.extra.len();
        self.texts.extra.push_str(std::str::from_utf8(&self.scratch.json).unwrap_or("null"));
        Cell::new(start, self.texts.text.len() + self.texts.extra.len(), shape)
    }

    fn put(&mut self, cell: Cell) {
        let key = self.scratch.key.as_str();
        // Columns that may still come are known without the prefix of the feed's namespace.
        let column = self.header.column_behind(self.last, key).or_else(|| self.header.column(key.strip_prefix("g:")?));
        self.last = column.or(self.last);
        match column.and_then(|column| self.cells.get_mut(usize::from(column))) {
            Some(slot) => *slot = cell,
            None => self.late.add(key, self.head),
        }
    }
}

/// The attributes of the text elements among siblings of one name, each once.
fn leaf_attributes(tree: &Tree, first: u32, texts: &Texts<'_>) -> Vec<Span> {
    let mut found: Vec<Span> = Vec::new();
    for one in tree.same(first).filter(|one| tree.is_leaf(*one)) {
        for (name, _) in tree.attributes(one) {
            if !found.iter().any(|known| texts.get(*known) == texts.get(*name)) {
                found.push(*name);
            }
        }
    }
    found
}

fn string(text: &str, out: &mut Vec<u8>) {
    // Memory takes whatever is written.
    serde_json::to_writer(out, text).unwrap_or_default();
}

fn write_group(tree: &Tree, first: u32, texts: &Texts<'_>, out: &mut Vec<u8>) {
    if tree.count(first) == 1 {
        return write_value(tree, first, texts, out);
    }
    out.push(b'[');
    for (place, one) in tree.same(first).enumerate() {
        if place > 0 {
            out.push(b',');
        }
        write_value(tree, one, texts, out);
    }
    out.push(b']');
}

fn write_attribute(tree: &Tree, first: u32, attribute: Span, texts: &Texts<'_>, out: &mut Vec<u8>) {
    let value_of = |place: u32| {
        let found = tree.attributes(place).iter().find(|(name, _)| texts.get(*name) == texts.get(attribute));
        found.map(|(_, value)| texts.get(*value))
    };
    let mut write = |value: Option<&str>| match value {
        Some(value) => string(value, out),
        None => out.extend_from_slice(b"null"),
    };
    if tree.count(first) == 1 {
        return write(value_of(first));
    }
    out.push(b'[');
    for (place, one) in tree.same(first).enumerate() {
        if place > 0 {
            out.push(b',');
        }
        match value_of(one).filter(|_| tree.is_leaf(one)) {
            Some(value) => string(value, out),
            None => out.extend_from_slice(b"null"),
        }
    }
    out.push(b']');
}

/// An element as JSON; the splitter has bounded how deep they are nested.
fn write_value(tree: &Tree, place: u32, texts: &Texts<'_>, out: &mut Vec<u8>) {
    let (text, _) = texts.trimmed(tree.text_of(place));
    if tree.is_leaf(place) {
        return if text.is_empty() { out.extend_from_slice(b"null") } else { string(text, out) };
    }
    out.push(b'{');
    let mut comma = false;
    let mut key = |out: &mut Vec<u8>, parts: &[&str]| {
        if std::mem::replace(&mut comma, true) {
            out.push(b',');
        }
        string(&parts.concat(), out);
        out.push(b':');
    };
    for (name, value) in tree.attributes(place) {
        key(out, &["@", texts.get(*name)]);
        string(texts.get(*value), out);
    }
    for child in tree.names(place) {
        let name = texts.get(tree.name(child));
        key(out, &[name]);
        write_group(tree, child, texts, out);
        for attribute in leaf_attributes(tree, child, texts) {
            key(out, &[name, "@", texts.get(attribute)]);
            write_attribute(tree, child, attribute, texts, out);
        }
    }
    if !text.is_empty() {
        key(out, &["#text"]);
        string(text, out);
    }
    out.push(b'}');
}

#[cfg(test)]
mod tests {
    use super::{Elements, columns};
    use crate::catalog::block::{Block, Splitter};
    use crate::catalog::xml::{Records, detect};
    use crate::catalog::{Batch, Header};
    use std::sync::Arc;

    fn read(document: &str) -> (Vec<String>, Batch) {
        let shape = Arc::new(detect(document.as_bytes(), None).expect("records"));
        let names = columns(document.as_bytes(), &shape);
        let header = Arc::new(Header::new(names.iter().map(String::as_str)));
        let mut marks = Vec::new();
        Records::new(&shape).split(document.as_bytes(), 1, true, &mut marks).expect("sound");
        let block = Block::of(document.as_bytes().to_vec(), marks);
        (names, Elements { header, shape }.parse(block))
    }

    fn row(document: &str) -> Vec<(String, String)> {
        let (names, batch) = read(document);
        assert!(batch.bad.is_empty(), "{:?}", batch.bad);
        names.into_iter().zip(batch.row(0)).map(|(name, cell)| (name, cell.text(&batch.text).to_owned())).collect()
    }

    #[track_caller]
    fn holds(document: &str, expected: &[(&str, &str)]) {
        let found = row(document);
        let found: Vec<(&str, &str)> = found.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn text_entities_and_cdata() {
        holds(
            "<c><p><t> A &amp; B&#x21; </t><d><![CDATA[<p>1 < 2</p>]]></d><e/><f>x<!-- no --><![CDATA[y&]]>z</f></p><p/></c>",
            &[("t", "A & B!"), ("d", "<p>1 < 2</p>"), ("e", ""), ("f", "xy&z")],
        );
    }

    #[test]
    fn what_is_nested_is_json() {
        holds(
            "<c><p id='7'><img w='1'>a</img><img>b</img><price cur=\"USD\">1.50</price><v k='x'><n>\"q\"</n><n/><m a='1'>t</m></v></p><p/></c>",
            &[
                ("@id", "7"),
                ("img@w", "[\"1\",null]"),
                ("img", "[\"a\",\"b\"]"),
                ("price@cur", "USD"),
                ("price", "1.50"),
                ("v", "{\"@k\":\"x\",\"n\":[\"\\\"q\\\"\",null],\"m\":\"t\",\"m@a\":\"1\"}"),
            ],
        );
    }

    #[test]
    fn namespaces_are_known_by_their_address() {
        let feed = "<rss xmlns:q='http://base.google.com/ns/1.0'><channel><item><q:id>1</q:id><title>t</title>\
            <q:shipping><q:country>US</q:country></q:shipping></item></channel></rss>";
        holds(feed, &[("g:id", "1"), ("title", "t"), ("g:shipping", "{\"g:country\":\"US\"}")]);
        let atom = "<a:feed xmlns:a='http://www.w3.org/2005/Atom'><a:entry xmlns='http://base.google.com/ns/1.0'><id>1</id>\
            <a:link href='https://x'/></a:entry></a:feed>";
        holds(atom, &[("g:id", "1"), ("link@href", "https://x"), ("link", "https://x")]);
    }

    #[test]
    fn records_that_are_no_xml_are_listed() {
        let (_, batch) = read("<c><p><t>a&nbsp;b</t></p><p><t>x &y</t></p><p a='1' a='2'/><p><t>good</t></p></c>");
        let bad: Vec<_> = batch.bad.iter().map(|bad| (bad.head.number, bad.defect)).collect();
        assert_eq!(bad, [(1, "not-xml"), (2, "not-xml"), (3, "not-xml")]);
        assert_eq!(batch.heads.len(), 1);
        assert!(batch.bad[0].message.contains("`&nbsp;`"), "{}", batch.bad[0].message);
    }
}
