//! One record as a tree, in memory that the next record uses again.
//!
//! Names and texts are spans: places in the block's text, or, counted on behind it, in what
//! had to be written anew (texts with entities, names whose prefix changes).

use super::Shape;
use crate::catalog::MAX_COLUMNS;
use crate::product::text::trim;
use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};
use std::borrow::Cow;

/// No node.
const NONE: u32 = u32::MAX;

/// A stretch of the text, or of what was written anew behind it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) start: u32,
    pub(super) end: u32,
}

#[derive(Debug)]
struct Node {
    name: Span,
    /// A few bits that tell most names apart.
    mark: u32,
    text: Span,
    attributes: (u32, u32),
    /// The first child of each name, chained by `next_name`.
    first_name: u32,
    last_name: u32,
    next_name: u32,
    /// The name met last: children of one name mostly stand together.
    hit: u32,
    names: u32,
    /// Some of the bits of the marks of those names.
    marks: u128,
    /// Siblings of one name, chained from the first.
    next_same: u32,
    last_same: u32,
    count: u32,
}

/// The buffers that spans point into.
pub(super) struct Texts<'t> {
    /// The block.
    pub(super) text: &'t str,
    /// What was written anew.
    pub(super) extra: &'t mut String,
}

impl Texts<'_> {
    /// What a span holds.
    pub(super) fn get(&self, span: Span) -> &str {
        let (start, end) = (span.start as usize, span.end as usize);
        let base = self.text.len();
        if start >= base { self.extra.get(start - base..end - base) } else { self.text.get(start..end) }.unwrap_or("")
    }

    /// What a span holds, without blanks around it.
    pub(super) fn trimmed(&self, span: Span) -> (&str, Span) {
        let text = self.get(span);
        let inner = trim(text);
        let start = span.start + (inner.as_ptr() as usize).saturating_sub(text.as_ptr() as usize) as u32;
        (inner, Span { start, end: start + inner.len() as u32 })
    }

    /// The span of a piece: where it stands, if it is part of the block, else written anew.
    fn keep(&mut self, piece: &str) -> Span {
        let start = (piece.as_ptr() as usize).wrapping_sub(self.text.as_ptr() as usize);
        // Nothing else lies in the memory of the block.
        if start <= self.text.len() && start + piece.len() <= self.text.len() {
            return Span { start: start as u32, end: (start + piece.len()) as u32 };
        }
        self.write(piece)
    }

    fn write(&mut self, piece: &str) -> Span {
        let start = self.text.len() + self.extra.len();
        self.extra.push_str(piece);
        Span { start: start as u32, end: (start + piece.len()) as u32 }
    }

    /// A span with another piece behind it.
    fn join(&mut self, span: Span, piece: &str) -> Span {
        if span.start == span.end {
            return self.keep(piece);
        }
        let end = self.text.len() + self.extra.len();
        let start = if span.end as usize == end && span.start as usize >= self.text.len() {
            span.start
        } else {
            let old = self.get(span).to_owned();
            self.write(&old).start
        };
        Span { start, end: self.write(piece).end }
    }
}

/// A record.
#[derive(Debug, Default)]
pub(super) struct Tree {
    nodes: Vec<Node>,
    attributes: Vec<(Span, Span)>,
    open: Vec<u32>,
}

impl Tree {
    /// Reads a record.
    ///
    /// # Errors
    /// What makes it no XML.
    pub(super) fn read(&mut self, element: &str, shape: &Shape, texts: &mut Texts<'_>) -> Result<(), String> {
        self.nodes.clear();
        self.attributes.clear();
        self.open.clear();
        let mut own: Vec<(usize, Shape)> = Vec::new();
        let mut reader = quick_xml::Reader::from_str(element);
        loop {
            let event = reader.read_event().map_err(|error| error.to_string())?;
            let scope = |own: &[(usize, Shape)]| own.last().map(|(_, shape)| shape).cloned();
            match event {
                Event::Start(tag) | Event::Empty(tag) if tag.attributes_raw().contains("xmlns") => {
                    // A declaration inside a record holds for that element.
                    let mut inner = scope(&own).unwrap_or_else(|| shape.clone());
                    declare(&tag, &mut inner)?;
                    let empty = element.as_bytes().get(reader.buffer_position() as usize - 2) == Some(&b'/');
                    self.start(&tag, &inner, texts)?;
                    if empty {
                        self.open.pop();
                    } else {
                        own.push((self.open.len(), inner));
                    }
                }
                Event::Start(tag) => self.start(&tag, own.last().map_or(shape, |(_, shape)| shape), texts)?,
                Event::Empty(tag) => {
                    self.start(&tag, own.last().map_or(shape, |(_, shape)| shape), texts)?;
                    self.open.pop();
                }
                Event::End(_) => {
                    own.retain(|(depth, _)| *depth < self.open.len());
                    self.open.pop();
                }
                Event::Text(text) => self.text(&text.into_inner(), texts),
                Event::CData(text) => self.text(&text.into_inner(), texts),
                Event::GeneralRef(reference) => {
                    let name: &str = &reference;
                    let letter = match reference.resolve_char_ref().map_err(|error| error.to_string())? {
                        Some(letter) => letter,
                        None => predefined(name).ok_or_else(|| {
                            format!(
                                "the entity `&{}{}` is not one that XML defines; write the character itself",
                                crate::product::text::excerpt(name, 40),
                                ';'
                            )
                        })?,
                    };
                    self.text(letter.encode_utf8(&mut [0; 4]), texts);
                }
                Event::Comment(_) | Event::PI(_) | Event::Decl(_) => {}
                Event::DocType(_) => return Err("a document type stands inside a record".to_owned()),
                Event::Eof => return Ok(()),
            }
        }
    }

    fn start(&mut self, tag: &BytesStart<'_>, shape: &Shape, texts: &mut Texts<'_>) -> Result<(), String> {
        // The tag borrows from the element, but its type does not say so.
        let written = tag.name().0;
        let name = texts.keep(&shape.known(written));
        let first = self.attributes.len() as u32;
        for attribute in tag.attributes() {
            let attribute = attribute.map_err(|error| error.to_string())?;
            let key = attribute.key.0;
            if key == "xmlns" || key.starts_with("xmlns:") {
                continue;
            }
            let value = attribute.normalized_value(XmlVersion::Implicit1_0).map_err(|error| error.to_string())?;
            let known = if key.contains(':') { shape.known(key) } else { Cow::Borrowed(key) };
            self.attributes.push((texts.keep(&known), texts.keep(&value)));
        }
        // The value of a link in an Atom feed is where it leads.
        let leads = if texts.get(name) == "link" { self.attributes.get(first as usize..).unwrap_or_default() } else { &[] };
        let text = leads.iter().find(|(name, _)| texts.get(*name) == "href").map_or(Span::default(), |(_, value)| *value);
        let place = self.nodes.len() as u32;
        self.nodes.push(Node {
            name,
            mark: mark(texts.get(name).as_bytes()),
            text,
            attributes: (first, self.attributes.len() as u32),
            first_name: NONE,
            last_name: NONE,
            next_name: NONE,
            hit: NONE,
            names: 0,
            marks: 0,
            next_same: NONE,
            last_same: place,
            count: 1,
        });
        if let Some(&parent) = self.open.last() {
            self.adopt(parent, place, texts)?;
        }
        self.open.push(place);
        Ok(())
    }

    /// Puts a node among the children of another: behind those of its name, or as a new name.
    fn adopt(&mut self, parent: u32, place: u32, texts: &Texts<'_>) -> Result<(), String> {
        let (name, mark) = (texts.get(self.node(place).name), self.node(place).mark);
        let is_same = |tree: &Self, other: u32| other != NONE && tree.node(other).mark == mark && texts.get(tree.node(other).name) == name;
        let bit = 1 << (mark % u128::BITS);
        let mut first = NONE;
        if self.node(parent).marks & bit != 0 {
            first = self.node(parent).hit;
            if !is_same(self, first) {
                first = self.node(parent).first_name;
                while first != NONE && !is_same(self, first) {
                    first = self.node(first).next_name;
                }
            }
        }
        if first == NONE {
            let last = self.node(parent).last_name;
            let held = self.node_mut(parent);
            held.names += 1;
            held.marks |= bit;
            held.last_name = place;
            held.hit = place;
            if last == NONE {
                held.first_name = place;
            } else {
                self.node_mut(last).next_name = place;
            }
            if self.node(parent).names as usize > MAX_COLUMNS {
                return Err(format!("an element holds more than {MAX_COLUMNS} different elements"));
            }
            return Ok(());
        }
        self.node_mut(parent).hit = first;
        let last = self.node(first).last_same;
        self.node_mut(last).next_same = place;
        let first = self.node_mut(first);
        first.last_same = place;
        first.count += 1;
        Ok(())
    }

    fn text(&mut self, piece: &str, texts: &mut Texts<'_>) {
        let Some(&place) = self.open.last() else { return };
        let node = self.node(place);
        // Blanks in front of a text and between children only lay out the document.
        if (node.text.start == node.text.end || node.first_name != NONE) && trim(piece).is_empty() {
            return;
        }
        let joined = texts.join(node.text, piece);
        self.node_mut(place).text = joined;
    }

    #[expect(clippy::indexing_slicing, reason = "places come from this tree only")]
    fn node(&self, place: u32) -> &Node {
        &self.nodes[place as usize]
    }

    #[expect(clippy::indexing_slicing, reason = "places come from this tree only")]
    fn node_mut(&mut self, place: u32) -> &mut Node {
        &mut self.nodes[place as usize]
    }

    /// The record itself.
    pub(super) const ROOT: u32 = 0;

    /// The first child of each name.
    pub(super) fn names(&self, parent: u32) -> impl Iterator<Item = u32> + '_ {
        let at = |place: u32| (place != NONE).then_some(place);
        let first = self.nodes.get(parent as usize).and_then(|node| at(node.first_name));
        std::iter::successors(first, move |place| at(self.node(*place).next_name))
    }

    /// A child and its siblings of the same name.
    pub(super) fn same(&self, first: u32) -> impl Iterator<Item = u32> + '_ {
        let at = |place: u32| (place != NONE).then_some(place);
        std::iter::successors(at(first), move |place| at(self.node(*place).next_same))
    }

    /// How many siblings share the name of a first child.
    pub(super) fn count(&self, first: u32) -> u32 {
        self.node(first).count
    }

    /// The name of a node.
    pub(super) fn name(&self, place: u32) -> Span {
        self.node(place).name
    }

    /// The text of a node.
    pub(super) fn text_of(&self, place: u32) -> Span {
        self.node(place).text
    }

    /// Whether a node has no elements in it.
    pub(super) fn is_leaf(&self, place: u32) -> bool {
        self.node(place).first_name == NONE
    }

    /// Whether any node has attributes.
    pub(super) fn has_attributes(&self) -> bool {
        !self.attributes.is_empty()
    }

    /// The attributes of a node.
    pub(super) fn attributes(&self, place: u32) -> &[(Span, Span)] {
        let (first, last) = self.nodes.get(place as usize).map_or((0, 0), |node| node.attributes);
        self.attributes.get(first as usize..last as usize).unwrap_or_default()
    }
}

/// Bits made of the length of a name and its last eight bytes.
fn mark(name: &[u8]) -> u32 {
    let last = match name.last_chunk() {
        Some(last) => u64::from_le_bytes(*last),
        None => name.iter().fold(0, |word, byte| word << 8 | u64::from(*byte)),
    };
    ((last ^ name.len() as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as u32
}

fn declare(tag: &BytesStart<'_>, shape: &mut Shape) -> Result<(), String> {
    for attribute in tag.attributes() {
        let attribute = attribute.map_err(|error| error.to_string())?;
        shape.declare(attribute.key.0, &attribute.value);
    }
    Ok(())
}

/// The namespace declarations of the tag that is all of `text`.
pub(super) fn declarations(text: &str, shape: &mut Shape) {
    if let Ok(Event::Start(tag) | Event::Empty(tag)) = quick_xml::Reader::from_str(text).read_event() {
        // A tag that is broken is met again, and judged, when the document is read.
        declare(&tag, shape).unwrap_or_default();
    }
}

fn predefined(name: &str) -> Option<char> {
    Some(match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        _ => return None,
    })
}
