//! Presets: what is known of each platform's exports, as data, and how one is recognized.

use crate::catalog::Header;
use crate::product::synonyms::fold;
use serde::Deserialize;
use std::collections::BTreeMap;

/// A preset file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preset {
    /// The word for `--preset`.
    pub name: String,
    /// What it is, for people.
    pub title: String,
    /// The family of specs whose finished feeds look like this.
    pub feed_of: Option<String>,
    /// Whether columns may carry the catalog's own attribute names.
    #[serde(default)]
    pub own_names: bool,
    /// How it is recognized.
    pub detect: Detect,
    /// Attribute to column names, the first non-empty one counts. A name that ends in `(*)`
    /// takes the unit from the brackets; one that begins with `(` matches the end of a header.
    pub columns: toml::Table,
    /// Units of attributes whose column names none.
    #[serde(default)]
    pub units: BTreeMap<String, String>,
    /// Words of a column that mean another value of the attribute.
    #[serde(default)]
    pub values: BTreeMap<String, BTreeMap<String, String>>,
    /// Values that mean nothing was set.
    #[serde(default)]
    pub empty: BTreeMap<String, Vec<String>>,
    /// Attributes whose cell may list several paths, with what separates them; the deepest counts.
    #[serde(default)]
    pub paths: BTreeMap<String, String>,
    /// Named transforms for the values of an attribute, where they change anything.
    #[serde(default)]
    pub clean: BTreeMap<String, Vec<String>>,
    /// How rows make items.
    pub rows: Rows,
    /// Where variant options stand.
    pub options: Option<Options>,
    /// What the price columns mean.
    pub prices: Prices,
    /// Records that are no offers.
    #[serde(default)]
    pub skip: Vec<Skip>,
    /// How availability follows from stock columns.
    pub stock: Option<Stock>,
}

/// Column names by which a preset is recognized.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Detect {
    /// One name of each list must be there.
    pub all: Vec<Vec<String>>,
    /// One of these must be there, if any are listed.
    #[serde(default)]
    pub any: Vec<String>,
    /// None of these may be there.
    #[serde(default)]
    pub none: Vec<String>,
}

/// How rows make items.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub enum Rows {
    /// A row is an item.
    Flat {
        /// Attributes that tell the variants of a group apart, and their option names.
        #[serde(default)]
        options: BTreeMap<String, String>,
        /// Columns that are options only.
        #[serde(default)]
        more_options: Vec<String>,
    },
    /// A run of rows with one key is a product; later rows leave the product's cells blank.
    Continuation {
        /// The key's column.
        key: Vec<String>,
        /// A row with one of these filled is a variant.
        variant: Vec<String>,
        /// Images of the product.
        image: Vec<String>,
        /// Their order.
        image_position: Vec<String>,
        /// Attributes taken from the first row.
        carry: Vec<String>,
        /// The product's page below the shop's address.
        page: String,
    },
    /// Rows that only lend their values to others, wherever they stand.
    Parents {
        /// The column that says what a row is.
        role: Vec<String>,
        /// Words for parents.
        parents: Vec<String>,
        /// Words for children.
        children: Vec<String>,
        /// The column of the platform's own id.
        id: Vec<String>,
        /// The column of the merchant's code.
        code: Vec<String>,
        /// The column in which a child names its parent: `id:1` or a code.
        parent: Vec<String>,
        /// What stands in front of group ids, so that none equals an item's id.
        prefix: String,
        /// Attributes taken from the parent.
        carry: Vec<String>,
        /// The product's page below the shop's address.
        page: String,
    },
}

/// Numbered columns that hold option names and values.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Options {
    /// Columns of names; `{n}` stands for the number.
    pub name: Vec<String>,
    /// Columns of values.
    pub value: Vec<String>,
    /// How many there may be.
    pub count: usize,
    /// The option that means there are none.
    pub none: Option<NoOption>,
}

/// The option that means there are none.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoOption {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// What the price columns mean.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prices {
    /// Which of the two a shopper pays.
    pub kind: PriceKind,
}

/// Which of two price columns a shopper pays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PriceKind {
    /// `price` is regular, `sale_price` is lower and counts now.
    Regular,
    /// `price` is what is paid now, `sale_price` is the struck-through one.
    Current,
}

/// Records that are no offers.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Skip {
    /// The column.
    pub column: Vec<String>,
    /// Its words, case aside; a cell with several words separated by commas matches any.
    pub words: Vec<String>,
    /// Why, for people.
    pub reason: String,
}

/// How availability follows from stock columns.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stock {
    /// Whether stock is counted.
    #[serde(default)]
    pub tracker: Vec<String>,
    /// How much there is.
    #[serde(default)]
    pub quantity: Vec<String>,
    /// Whether more may be sold than there is.
    #[serde(default)]
    pub policy: Vec<String>,
    /// What the shop says itself.
    #[serde(default)]
    pub state: Vec<String>,
    /// The first rule whose conditions hold decides.
    pub rule: Vec<StockRule>,
}

/// One line of the decision table.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StockRule {
    /// Conditions on the inputs: `blank`, `filled`, `positive`, `not-positive`, or words.
    pub when: BTreeMap<String, StockCondition>,
    /// The availability.
    pub then: String,
    /// Whether the quantity counts.
    #[serde(default = "yes")]
    pub tracked: bool,
}

fn yes() -> bool {
    true
}

/// A condition on a stock input.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum StockCondition {
    /// A state.
    State(String),
    /// Words, case aside.
    Words(Vec<String>),
}

macro_rules! presets {
    ($($name:literal),*) => {
        &[$(($name, include_str!(concat!("../../schemas/presets/", $name, ".toml")))),*]
    };
}

/// The built-in presets, most specific first: the order in which they are tried.
static BUILT_IN: &[(&str, &str)] = presets![
    "shopify",
    "woocommerce",
    "stripe-promotion-feed",
    "stripe-feed",
    "google",
    "openai-feed",
    "stripe-inventory-feed",
    "stripe-pricing-feed",
    "generic"
];

/// All presets, most specific first.
///
/// # Panics
/// When a built-in preset is not valid, which a test would show.
pub fn all() -> Vec<Preset> {
    BUILT_IN
        .iter()
        .map(|(name, text)| {
            #[expect(clippy::panic, reason = "presets are part of the program; a test loads them all")]
            toml::from_str(text).unwrap_or_else(|error| panic!("schemas/presets/{name}.toml: {error}"))
        })
        .collect()
}

/// A header name as presets compare it.
pub fn folded(name: &str) -> String {
    let folded = fold(name);
    folded.strip_prefix("g:").map_or(folded.clone(), str::to_owned)
}

/// How a column name of a preset meets a header: `Some(unit)` where it does.
pub fn meets(wanted: &str, header: &str) -> Option<Option<String>> {
    let (wanted, header) = (folded(wanted), folded(header));
    if let Some(start) = wanted.strip_suffix("(*)") {
        let unit = header.strip_prefix(start)?.strip_prefix('(')?.strip_suffix(')')?;
        return Some(Some(unit.to_owned()));
    }
    if wanted.starts_with('(') {
        return header.ends_with(&wanted).then_some(None);
    }
    (wanted == header).then_some(None)
}

/// The column of the first of `names` that the header has.
pub fn column(header: &Header, names: &[String]) -> Option<u16> {
    names.iter().find_map(|name| header.names().iter().position(|known| meets(name, known).is_some())).map(|place| place as u16)
}

/// The preset that fits a header, and the column names that gave it away.
pub fn detect(header: &Header) -> (Preset, Vec<String>) {
    let has = |name: &String| header.names().iter().find(|known| meets(name, known).is_some());
    let mut presets = all();
    let mut fallback = None;
    for preset in presets.drain(..) {
        if preset.detect.all.is_empty() {
            fallback = Some(preset);
            continue;
        }
        let found: Option<Vec<_>> = preset.detect.all.iter().map(|names| names.iter().find_map(has)).collect();
        let any = preset.detect.any.iter().find_map(has);
        let fits = (preset.detect.any.is_empty() || any.is_some()) && !preset.detect.none.iter().any(|name| has(name).is_some());
        if let Some(found) = found.filter(|_| fits) {
            let mut signs: Vec<String> = found.into_iter().map(ToString::to_string).collect();
            signs.extend(any.map(ToString::to_string).filter(|any| !signs.contains(any)));
            return (preset, signs);
        }
    }
    #[expect(clippy::expect_used, reason = "the last built-in preset fits anything")]
    (fallback.expect("a preset without conditions is built in"), Vec::new())
}

#[cfg(test)]
mod tests {
    use super::{all, detect, meets};
    use crate::catalog::Header;
    use crate::product::attribute::Attributes;

    #[test]
    fn every_preset_loads_and_names_known_attributes() {
        for preset in all() {
            for (attribute, names) in &preset.columns {
                assert!(Attributes::shared().id(attribute).is_some(), "{}: {attribute}", preset.name);
                assert!(names.as_array().is_some(), "{}: {attribute}", preset.name);
            }
        }
    }

    #[test]
    fn platforms_are_told_apart() {
        let name = |columns: &str| detect(&Header::new(columns.split(','))).0.name;
        assert_eq!(name("Handle,Title,Body (HTML),Vendor,Variant SKU,Variant Price"), "shopify");
        assert_eq!(name("Title,URL handle,Description,Price,Compare-at price"), "shopify");
        assert_eq!(name("ID,Type,SKU,Name,Published,Regular price"), "woocommerce");
        assert_eq!(name("id,title,description,link,image_link,availability,price,brand"), "google");
        assert_eq!(name("g:id,g:title,g:link,g:image_link,g:availability,g:price"), "google");
        assert_eq!(name("id,title,link,image_link,availability,price,enable_search"), "openai-feed");
        assert_eq!(name("item_id,title,url,image_url,availability,price"), "openai-feed");
        assert_eq!(name("id,title,link,image_link,availability,price,inventory_not_tracked"), "stripe-feed");
        assert_eq!(name("sku,name,price"), "generic");
    }

    #[test]
    fn header_spellings() {
        assert_eq!(meets("Option1 Name", "Option1 name"), Some(None));
        assert_eq!(meets("image link", "image_link"), Some(None));
        assert_eq!(meets("Weight (*)", "Weight (lbs)"), Some(Some("lbs".into())));
        assert_eq!(meets("(product.metafields.shopify.color-pattern)", "Farbe (product.metafields.shopify.color-pattern)"), Some(None));
        assert_eq!(meets("Weight (*)", "Weight"), None);
    }
}
