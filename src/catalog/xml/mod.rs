//! XML: Google and Atom feeds, and any document in which one element repeats.
//!
//! The splitter finds where records begin and end, keeps every limit, and refuses document
//! types, so that nothing is ever declared or fetched. quick-xml reads what stands in a record.
//! What is nested becomes JSON text of the shapes that the JSON reader gives, so that one way
//! of addressing nested values serves both.

mod detect;
mod parse;
mod split;
mod token;
mod tree;

pub use detect::detect;
pub use parse::Elements;
pub(in crate::catalog) use parse::columns;
pub use split::Records;

use std::borrow::Cow;

/// How deep elements may be nested.
pub const MAX_DEPTH: usize = 128;
/// Most attributes of one element.
pub const MAX_ATTRIBUTES: usize = 1000;

/// Namespaces that are known by one prefix, whatever a document calls them.
const NAMESPACES: [(&str, &str); 4] = [
    ("http://base.google.com/ns/1.0", "g"),
    ("http://base.google.com/cns/1.0", "c"),
    ("http://www.w3.org/2005/Atom", ""),
    ("http://purl.org/rss/1.0/", ""),
];

/// What a document looks like around its records.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shape {
    /// The elements from the root down to the record, as the document writes them.
    pub path: Vec<String>,
    /// Prefixes that are written otherwise than they are known, with the known one; the
    /// default namespace is the empty prefix.
    pub prefixes: Vec<(String, String)>,
}

impl Shape {
    /// The path for people, such as `rss/channel/item`.
    pub fn shown(&self) -> String {
        self.path.join("/")
    }

    /// A name as it is known: with the prefix of its namespace, not the document's own.
    pub(super) fn known<'a>(&self, name: &'a str) -> Cow<'a, str> {
        if self.prefixes.is_empty() {
            return Cow::Borrowed(name);
        }
        let (prefix, local) = name.split_once(':').unwrap_or(("", name));
        match self.prefixes.iter().find(|(written, _)| written == prefix) {
            Some((_, known)) if known.is_empty() => Cow::Borrowed(local),
            Some((_, known)) => Cow::Owned(format!("{known}:{local}")),
            None => Cow::Borrowed(name),
        }
    }

    /// Takes note of a declaration such as `xmlns:x="uri"`.
    fn declare(&mut self, attribute: &str, uri: &str) {
        let Some(prefix) = attribute.strip_prefix("xmlns") else { return };
        let prefix = prefix.strip_prefix(':').unwrap_or(prefix);
        self.prefixes.retain(|(written, _)| written != prefix);
        let known = NAMESPACES.iter().find(|(name, _)| *name == uri.trim()).map(|(_, known)| *known);
        if let Some(known) = known.filter(|known| *known != prefix) {
            self.prefixes.push((prefix.to_owned(), known.to_owned()));
        }
    }
}
