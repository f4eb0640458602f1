//! Column names resolved: a header's own columns, those of joined tables, and values inside
//! nested cells, which become columns of their own.

use super::path::{self, PathStep, Tree};
use super::preset::Packed;
use crate::catalog::Header;
use crate::product::synonyms::fold;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// A header name as presets compare it.
pub fn folded(name: &str) -> String {
    let folded = fold(name);
    match folded.strip_prefix("g:") {
        Some(rest) => rest.to_owned(),
        None => folded,
    }
}

/// The column that a path begins in.
pub fn base_of(name: &str) -> &str {
    name.split(['.', '[']).next().unwrap_or(name)
}

/// A header whose names were folded once.
#[derive(Clone, Debug, Default)]
pub struct Folded {
    names: Vec<String>,
    first: HashMap<String, u16>,
}

impl Folded {
    /// Folds the names of a header.
    pub fn new(header: &Header) -> Self {
        let names: Vec<String> = header.names().iter().map(|name| folded(name)).collect();
        let mut first = HashMap::new();
        for (place, name) in names.iter().enumerate() {
            first.entry(name.clone()).or_insert(place as u16);
        }
        Self { names, first }
    }

    /// The column that a preset calls `wanted`, with the unit that its brackets name.
    pub fn find(&self, wanted: &str) -> Option<(u16, Option<String>)> {
        let wanted = folded(wanted);
        if let Some(start) = wanted.strip_suffix("(*)") {
            return self.names.iter().enumerate().find_map(|(place, name)| {
                let unit = name.strip_prefix(start)?.strip_prefix('(')?.strip_suffix(')')?;
                Some((place as u16, Some(unit.to_owned())))
            });
        }
        if wanted.starts_with('(') {
            return self.names.iter().position(|name| name.ends_with(&wanted)).map(|place| (place as u16, None));
        }
        self.first.get(&wanted).map(|place| (*place, None))
    }

    /// Whether the header has a column that a preset calls so.
    pub fn has(&self, wanted: &str) -> bool {
        self.find(wanted).is_some()
    }
}

/// The columns of a joined table.
#[derive(Clone, Debug)]
pub(super) struct SideColumns {
    pub(super) name: String,
    pub(super) header: Header,
    pub(super) folded: Folded,
    /// Where its columns begin in a wide row.
    pub(super) offset: u16,
    pub(super) many: bool,
}

/// A column that is made: its name, and the column it is made of.
#[derive(Clone, Debug)]
pub(super) struct View {
    pub(super) name: Arc<str>,
    pub(super) base: u16,
}

/// A column of `key=value` pairs: where it stands, how it is packed, and where each key's value goes.
#[derive(Clone, Debug)]
pub(super) struct Pack {
    pub(super) column: u16,
    pub(super) packed: Packed,
    pub(super) keys: Vec<(String, u16)>,
}

/// Resolves names against a header, and collects what must be made for them.
pub(super) struct Columns<'a> {
    pub(super) header: &'a Header,
    folded: Folded,
    pub(super) sides: Vec<SideColumns>,
    packed: &'a BTreeMap<String, Packed>,
    currency: Option<String>,
    /// The list whose elements are variants, as written.
    list: Option<String>,
    pub(super) views: Vec<View>,
    /// Paths by the column they begin in.
    pub(super) trees: Vec<(u16, Tree)>,
    /// Packed columns.
    pub(super) packs: Vec<Pack>,
    /// Paths inside an element of the list.
    pub(super) child: Tree,
}

impl<'a> Columns<'a> {
    pub(super) fn new(header: &'a Header, packed: &'a BTreeMap<String, Packed>, currency: Option<String>) -> Self {
        Self {
            header,
            folded: Folded::new(header),
            sides: Vec::new(),
            packed,
            currency,
            list: None,
            views: Vec::new(),
            trees: Vec::new(),
            packs: Vec::new(),
            child: Tree::default(),
        }
    }

    /// Names the list whose elements are variants.
    pub(super) fn set_list(&mut self, list: &str) {
        self.list = Some(list.to_owned());
    }

    /// Adds a joined table.
    pub(super) fn add_side(&mut self, name: &str, header: &Header, many: bool) {
        let offset = self.made_from();
        self.sides.push(SideColumns { name: name.to_owned(), header: header.clone(), folded: Folded::new(header), offset, many });
    }

    /// Where made columns begin: behind the header and the joined tables.
    pub(super) fn made_from(&self) -> u16 {
        self.sides.last().map_or(self.header.names().len() as u16, |side| side.offset + side.header.names().len() as u16)
    }

    /// The column of a name, with the unit that its brackets give.
    pub(super) fn find(&mut self, name: &str) -> Option<(u16, Option<String>)> {
        let filled;
        let name = if name.contains("{currency}") {
            filled = name.replace("{currency}", self.currency.as_deref()?);
            filled.as_str()
        } else {
            name
        };
        if let Some(column) = self.header.column(name) {
            return Some((column, None));
        }
        if let Some(found) = self.folded.find(name) {
            return Some(found);
        }
        self.side_column(name).or_else(|| self.made(name).map(|column| (column, None)))
    }

    /// The column of a name and, where XML has it with and without the prefix `g:`, its twin;
    /// the one with the prefix first. Items of one feed may have either.
    pub(super) fn find_each(&mut self, name: &str) -> impl Iterator<Item = (u16, Option<String>)> + use<> {
        let found = self.find(name);
        let header = self.header.names();
        let is_prefixed = |place: usize| header.get(place).is_some_and(|name| name.starts_with("g:"));
        let twin = found.as_ref().map(|(column, _)| usize::from(*column)).and_then(|column| {
            let folded = self.folded.names.get(column)?;
            let mut same = self.folded.names.iter().enumerate().filter(|(_, name)| *name == folded).map(|(place, _)| place);
            same.find(|place| is_prefixed(*place) != is_prefixed(column))
        });
        let twin = twin.map(|place| (place as u16, None));
        let goes_first = twin.as_ref().is_some_and(|(place, _)| is_prefixed(usize::from(*place)));
        let pair = if goes_first { [twin, found] } else { [found, twin] };
        pair.into_iter().flatten()
    }

    /// The source's own column of a name.
    pub(super) fn own(&self, name: &str) -> Option<u16> {
        self.folded.find(name).map(|(column, _)| column)
    }

    /// The source's own columns whose names begin so.
    pub(super) fn beginning(&self, start: &str) -> Vec<u16> {
        let start = folded(start);
        let names = self.folded.names.iter().enumerate();
        names.filter(|(_, name)| name.starts_with(&start)).map(|(place, _)| place as u16).collect()
    }

    /// The column of the first of `names` that there is.
    pub(super) fn first(&mut self, names: &[String]) -> Option<u16> {
        names.iter().find_map(|name| self.find(name)).map(|(column, _)| column)
    }

    fn side_column(&self, name: &str) -> Option<(u16, Option<String>)> {
        self.sides.iter().find_map(|side| {
            let inside = self.inside(side, name);
            // A column of a table with one row a key goes by its own name, too.
            let inside = inside.or((!side.many).then_some(name))?;
            let (place, unit) = side.folded.find(inside)?;
            Some((side.offset + place, unit))
        })
    }

    /// What stands behind the name of a joined table: `qty` of `stock.qty`.
    fn inside<'n>(&self, side: &SideColumns, name: &'n str) -> Option<&'n str> {
        let rest = name.strip_prefix(side.name.as_str())?;
        if side.many { rest.strip_prefix("[].") } else { rest.strip_prefix('.') }
    }

    /// The column made for a path, if the column it begins in is there.
    fn made(&mut self, name: &str) -> Option<u16> {
        if let Some(known) = self.views.iter().position(|view| *view.name == *name) {
            return Some(self.made_from() + known as u16);
        }
        let place = self.views.len() as u16;
        if let Some(inside) = self.list.as_ref().and_then(|list| name.strip_prefix(list.as_str())?.strip_prefix("[]")) {
            let list = self.list.clone().unwrap_or_default();
            let base = if let Some((base, _)) = self.folded.find(base_of(&list)) {
                base
            } else {
                // A variant of a joined table: its columns stand in the row itself.
                let side = self.sides.iter().find(|side| side.name == list)?;
                let inside = inside.trim_start_matches('.');
                let (base, steps) = split(&side.folded, inside)?;
                let base = side.offset + base;
                self.tree(base).add(&steps, place);
                return Some(self.push(name, base));
            };
            let steps = path::parse(inside.trim_start_matches('.'))?;
            self.child.add(&steps, place);
            return Some(self.push(name, base));
        }
        // A joined table goes before a column of the same name, which its own name reaches.
        let joined = self.sides.iter().find_map(|side| {
            let inside = self.inside(side, name)?;
            let (base, mut steps) = split(&side.folded, inside)?;
            if side.many {
                steps.insert(0, PathStep::Each);
            }
            Some((side.offset + base, steps))
        });
        let (base, steps) = joined.or_else(|| split(&self.folded, name))?;
        let packed = self.header.names().get(usize::from(base)).and_then(|column| {
            let column = folded(column);
            self.packed.iter().find(|(name, _)| folded(name) == column).map(|(_, packed)| packed.clone())
        });
        if let Some(packed) = packed {
            let [PathStep::Key(key)] = steps.as_slice() else { return None };
            let entry = match self.packs.iter().position(|pack| pack.column == base) {
                Some(found) => &mut self.packs[found],
                None => {
                    self.packs.push(Pack { column: base, packed, keys: Vec::new() });
                    let last = self.packs.len() - 1;
                    &mut self.packs[last]
                }
            };
            entry.keys.push((key.to_lowercase(), place));
        } else {
            self.tree(base).add(&steps, place);
        }
        Some(self.push(name, base))
    }

    fn tree(&mut self, base: u16) -> &mut Tree {
        let place = self.trees.iter().position(|(column, _)| *column == base).unwrap_or_else(|| {
            self.trees.push((base, Tree::default()));
            self.trees.len() - 1
        });
        &mut self.trees[place].1
    }

    fn push(&mut self, name: &str, base: u16) -> u16 {
        self.views.push(View { name: name.into(), base });
        self.made_from() + self.views.len() as u16 - 1
    }

    /// Names that a person may have meant.
    pub(super) fn names(&self) -> Vec<String> {
        let own = self.header.names().iter().map(ToString::to_string);
        let joined = self.sides.iter().flat_map(|side| side.header.names().iter().map(|name| format!("{}.{name}", side.name)));
        own.chain(joined).collect()
    }
}

/// Splits a path into the column it begins in and the steps from there; the longest column name
/// wins, because a column may have a point in its name.
fn split(header: &Folded, name: &str) -> Option<(u16, Vec<PathStep>)> {
    let cuts: Vec<usize> = name.char_indices().filter(|(_, c)| matches!(c, '.' | '[')).map(|(at, _)| at).collect();
    cuts.into_iter().rev().find_map(|at| {
        let (head, rest) = name.split_at_checked(at)?;
        let (column, _) = header.find(head)?;
        let steps = path::parse(rest.strip_prefix('.').unwrap_or(rest))?;
        Some((column, steps))
    })
}

#[cfg(test)]
mod tests {
    use super::{Columns, Folded};
    use crate::catalog::Header;
    use std::collections::BTreeMap;

    #[test]
    fn header_spellings() {
        let header =
            Folded::new(&Header::new(["Option1 name", "image_link", "Weight (lbs)", "Farbe (product.metafields.shopify.color-pattern)"]));
        assert_eq!(header.find("Option1 Name"), Some((0, None)));
        assert_eq!(header.find("g:image link"), Some((1, None)));
        assert_eq!(header.find("Weight (*)"), Some((2, Some("lbs".into()))));
        assert_eq!(header.find("(product.metafields.shopify.color-pattern)"), Some((3, None)));
        assert_eq!(header.find("Weight"), None);
    }

    #[test]
    fn paths_become_columns_of_their_own() {
        let header = Header::new(["id", "price.list", "data", "variants"]);
        let packed = BTreeMap::new();
        let mut columns = Columns::new(&header, &packed, Some("EUR".into()));
        columns.set_list("variants");
        let mut stock = Header::new(["sku", "qty"]);
        stock.add("fields");
        columns.add_side("stock", &stock, false);
        let mut find = |name: &str| columns.find(name).map(|(column, _)| column);
        assert_eq!(find("price.list"), Some(1));
        assert_eq!((find("stock.qty"), find("qty"), find("id")), (Some(5), Some(5), Some(0)));
        assert_eq!((find("data.{currency}.amount"), find("data.EUR.amount"), find("variants[].sku")), (Some(7), Some(7), Some(8)));
        assert_eq!((find("stock.fields.x"), find("nothing.there"), find("variants[].price.USD")), (Some(9), None, Some(10)));
        let mut columns = Columns::new(&header, &packed, None);
        assert_eq!(columns.find("data.{currency}.amount"), None);
    }
}
