//! Presets as written: what is known of each platform's exports, as data.
//!
//! Wherever a column is named, a list of names may stand, of which the first that the catalog
//! has counts. A name is compared case aside; one that ends in `(*)` takes the unit from the
//! brackets, one that begins with `(` matches the end of a header, `{currency}` stands for the
//! currency of the run, and a path such as `variants[].price` reaches into a nested cell.

use super::paths::Paths;
use super::stock::Stock;
use schemars::JsonSchema;
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
    /// Attributes whose cell may list several paths; the deepest counts.
    #[serde(default)]
    pub paths: BTreeMap<String, Paths>,
    /// What stands in front of addresses that are not absolute, below the shop's address.
    #[serde(default)]
    pub prefix: BTreeMap<String, String>,
    /// Attributes that only count where another column says so.
    #[serde(default)]
    pub only_if: BTreeMap<String, Word>,
    /// Attributes that are a sum of columns; the first one must be filled. A single name that ends
    /// in `*` stands for all columns that begin so, of which any may be filled.
    #[serde(default)]
    pub sum: BTreeMap<String, Vec<Vec<String>>>,
    /// Attributes that are a list of columns; `{n}` stands for a number.
    #[serde(default)]
    pub gather: BTreeMap<String, Vec<String>>,
    /// By such an attribute: which of its columns comes first, as another with the same number says.
    #[serde(default)]
    pub gather_first: BTreeMap<String, Word>,
    /// Columns that name the currency of an attribute's amounts.
    #[serde(default)]
    pub currency: BTreeMap<String, Vec<String>>,
    /// Columns that hold `key=value` pairs, which paths reach like the keys of an object.
    #[serde(default)]
    pub packed: BTreeMap<String, Packed>,
    /// Named transforms for the values of an attribute, where they change anything.
    #[serde(default)]
    pub clean: BTreeMap<String, Vec<String>>,
    /// Attributes that are `true` where another column says so.
    #[serde(default)]
    pub flags: BTreeMap<String, Word>,
    /// What is taken off the price; the first that is filled and not zero makes the sale price.
    #[serde(default)]
    pub discount: Vec<Discount>,
    /// How rows make items.
    pub rows: Rows,
    /// Where variant options stand; the first place that holds any counts.
    #[serde(default)]
    pub options: Vec<Options>,
    /// Rows that say the same in another language, or for another store.
    pub views: Option<ViewRows>,
    /// Other tables that belong to the catalog: other records of the same file, or a file joined to it.
    #[serde(default)]
    pub side: Vec<Side>,
    /// The part of a page's address that selects the variant whose id it holds.
    pub variant_query: Option<String>,
    /// What the price columns mean.
    pub prices: Prices,
    /// Records that are no offers.
    #[serde(default)]
    pub skip: Vec<Skip>,
    /// How availability follows from stock columns.
    pub stock: Option<Stock>,
}

/// Column names by which a preset is recognized.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
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

/// A column of amounts or percents that are taken off the price.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Discount {
    /// The column.
    pub column: Vec<String>,
    /// Whether it holds percents.
    #[serde(default)]
    pub percent: bool,
    /// Where it counts, if not everywhere.
    pub only_if: Option<Word>,
}

/// A column with one of some words; one that ends in `*` stands for all that begin so.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Word {
    /// The column.
    pub column: Vec<String>,
    /// The words, case aside.
    pub words: Vec<String>,
}

/// How pairs are packed into a cell.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Packed {
    /// Between pairs.
    pub separator: String,
    /// Between key and value.
    pub equals: String,
}

/// How rows make items.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
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
        /// The item's page below the shop's address.
        #[serde(default)]
        page: String,
    },
    /// A run of rows is a product, told by a key or by what each row is.
    Continuation(Box<RunRows>),
    /// Rows that only lend their values to others, wherever they stand.
    Parents(Box<ParentRows>),
    /// A record that holds its variants in a list.
    Nested(Box<NestedRows>),
}

/// A run of rows with one key is a product; later rows leave the product's cells blank.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RunRows {
    /// The key's column; a blank one continues the row above. Without it `role` tells where a product begins.
    pub key: Vec<String>,
    /// The column that is the key of rows whose own is blank.
    pub or_key: Vec<String>,
    /// The column that says what a row is.
    pub role: Vec<String>,
    /// Its words for the row that begins a product.
    pub product: Vec<String>,
    /// A row with one of these filled is a variant.
    pub variant: Vec<String>,
    /// Words of `role` for variants, instead.
    pub variant_words: Vec<String>,
    /// Whether the first row is an item only where no other row is a variant.
    pub first_lends: bool,
    /// Images of the product.
    pub image: Vec<String>,
    /// Their order.
    pub image_position: Vec<String>,
    /// Rows whose image is the first, whatever the order says.
    pub image_main: Option<Word>,
    /// Columns whose blank cells say what the first row says.
    pub fill: Vec<String>,
    /// Attributes taken from the first row.
    pub carry: Vec<String>,
    /// Attributes that the first row has the say in.
    pub lead: Vec<String>,
    /// The column of the group's id, where that is not the key.
    pub group: Vec<String>,
    /// What stands in front of group ids.
    pub prefix: String,
    /// The product's page below the shop's address: `{key}`, and names of columns in braces.
    pub page: String,
    /// Rows that change what a variant of the product costs, or whether it is sold.
    pub adjust: Option<Adjust>,
}

/// Rows that only change a variant of the product they stand below.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Adjust {
    /// Words of `role` for such rows.
    pub words: Vec<String>,
    /// The column of the code of the variant that is changed; without one its options are named.
    pub code: Vec<String>,
    /// The column of the price: `[FIXED]9.50`, `[ADD]5` or `[REMOVE]2`.
    pub price: Vec<String>,
    /// Rows behind which no other changes the same variant.
    pub stop: Option<Word>,
}

/// Rows that only lend their values to others, wherever they stand.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ParentRows {
    /// The column that says what a row is.
    pub role: Vec<String>,
    /// Words for parents; without any, a row is a parent where a child names it.
    pub parents: Vec<String>,
    /// Words for children; without any, a row is a child where it names a parent.
    pub children: Vec<String>,
    /// The column of the platform's own id.
    pub id: Vec<String>,
    /// The column of the merchant's code.
    pub code: Vec<String>,
    /// The column in which a child names its parent: `id:1` or a code.
    pub parent: Vec<String>,
    /// The column in which a parent lists its children with their options: `sku=A,size=S|sku=B,size=M`.
    pub links: Vec<String>,
    /// The key of the child's code in such a list.
    pub link_key: String,
    /// The column in which a parent names the options: `size=Size,color=Colour`.
    pub link_names: Vec<String>,
    /// What stands in front of group ids, so that none equals an item's id.
    pub prefix: String,
    /// Attributes taken from the parent.
    pub carry: Vec<String>,
    /// Attributes of which the parent's are only taken where the child has none at all, such as
    /// a main image and the further ones that go with it.
    pub together: Vec<String>,
    /// Attributes that the parent has the say in.
    pub lead: Vec<String>,
    /// The product's page below the shop's address: `{id}`, and names of columns in braces.
    pub page: String,
}

/// A record that holds its variants in a list.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct NestedRows {
    /// The list's column or path, or the name of a joined table; columns of a variant are written `list[].name`.
    pub list: String,
    /// What separates the entries, where the list is plain text.
    pub separator: Option<String>,
    /// The column of the group's id.
    pub group: Vec<String>,
    /// What stands in front of group ids.
    pub prefix: String,
    /// The item's page below the shop's address: `{key}` for the group, and names of columns in braces.
    pub page: String,
}

/// Where variant options stand.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub enum Options {
    /// Numbered columns of names and values; `{n}` stands for the number, `{m}` for one less.
    Numbered {
        /// Columns of names.
        name: Vec<String>,
        /// Columns of values.
        value: Vec<String>,
        /// How many there may be.
        count: usize,
        /// The option that means there are none.
        none: Option<NoOption>,
        /// A pattern for what is taken off values.
        tidy: Option<String>,
    },
    /// A list of objects.
    Pairs {
        /// The list's path.
        list: Vec<String>,
        /// The key of the name.
        name: String,
        /// The key of the value.
        value: String,
        /// The option that means there are none.
        none: Option<NoOption>,
    },
    /// Pairs packed into one cell.
    Packed {
        /// The column.
        column: Vec<String>,
        /// What a pair begins with, or what separates pairs.
        split: String,
        /// A pattern with the groups `name` and `value`.
        entry: String,
    },
    /// Names in one cell, values in another, by their order.
    Zipped {
        /// The column of names.
        names: Vec<String>,
        /// The column of values.
        values: Vec<String>,
        /// Between names, and between values: one of these characters.
        separator: String,
        /// What ends a name or value, with all that follows it.
        cut: Option<String>,
    },
    /// One cell that says how the variant is called.
    Single {
        /// The column.
        value: Vec<String>,
        /// The option's name.
        name: String,
        /// The value that means there are none.
        none: Option<String>,
    },
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

/// Rows that say the same in another language, or for another store.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ViewRows {
    /// The column of the code that both rows share.
    pub key: Vec<String>,
    /// The column that names the store view or language; further rows of a code are of a view.
    pub view: Vec<String>,
    /// Whether the views are currencies, so that the currency of the run is the one that counts.
    #[serde(default)]
    pub currencies: bool,
}

/// Another table that belongs to the catalog.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Side {
    /// The name its columns go by: `name.column`, or `name[].column` where there are many.
    pub name: String,
    /// Whether its rows are other records of the same file; otherwise a joined file is one if it has `detect`.
    #[serde(default)]
    pub same_file: bool,
    /// Columns by which a joined file is recognized.
    #[serde(default)]
    pub detect: Vec<Vec<String>>,
    /// Which rows belong to it.
    #[serde(default)]
    pub only: Vec<Word>,
    /// The column of the catalog.
    pub on: Vec<String>,
    /// The column of the table.
    pub key: Vec<String>,
    /// Whether several rows may have one key.
    #[serde(default)]
    pub many: bool,
    /// The column of numbers by which rows of one key are ordered.
    #[serde(default)]
    pub order: Vec<String>,
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
    #[serde(default)]
    pub words: Vec<String>,
    /// Whether a blank cell counts, too, where the catalog has the column.
    #[serde(default)]
    pub blank: bool,
    /// Whether a day counts that has come, or one that has not.
    pub day: Option<Day>,
    /// Words that do not count, where everything else does.
    #[serde(default)]
    pub unless: Vec<String>,
    /// Whether this holds for rows without a parent only.
    #[serde(default)]
    pub alone: bool,
    /// Why, for people.
    pub reason: String,
}

/// Where a day stands to that of the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Day {
    /// It has come: what ends then is over.
    Reached,
    /// It is still to come.
    Ahead,
}

impl Preset {
    /// The names of columns that the preset reads, with `{n}` and the like as they are.
    pub fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> =
            self.columns.values().filter_map(toml::Value::as_array).flatten().filter_map(toml::Value::as_str).collect();
        names.extend(self.sum.values().flatten().flatten().map(String::as_str));
        names.extend(self.gather.values().flatten().map(String::as_str));
        let words = self.only_if.values().chain(self.flags.values()).chain(self.gather_first.values());
        let words = words.chain(self.discount.iter().filter_map(|discount| discount.only_if.as_ref()));
        let mut lists: Vec<&[String]> = words.map(|word| word.column.as_slice()).collect();
        lists.extend(self.discount.iter().map(|discount| discount.column.as_slice()));
        lists.extend(self.currency.values().map(Vec::as_slice));
        lists.extend(self.skip.iter().map(|skip| skip.column.as_slice()));
        if let Some(stock) = &self.stock {
            lists.extend([&stock.tracker, &stock.quantity, &stock.policy, &stock.state].map(Vec::as_slice));
        }
        for options in &self.options {
            match options {
                Options::Numbered { name, value, .. } => lists.extend([name.as_slice(), value]),
                Options::Pairs { list, .. } => lists.push(list),
                Options::Packed { column, .. } => lists.push(column),
                Options::Zipped { names, values, .. } => lists.extend([names.as_slice(), values]),
                Options::Single { value, .. } => lists.push(value),
            }
        }
        lists.extend(self.views.iter().flat_map(|views| [views.key.as_slice(), &views.view]));
        for side in self.side.iter().filter(|side| side.same_file) {
            lists.extend([side.on.as_slice(), &side.key, &side.order]);
            lists.extend(side.only.iter().map(|word| word.column.as_slice()));
        }
        match &self.rows {
            Rows::Flat { .. } => {}
            Rows::Continuation(rows) => {
                lists.extend([rows.key.as_slice(), &rows.or_key, &rows.role, &rows.variant, &rows.image, &rows.image_position]);
                lists.extend([rows.group.as_slice(), &rows.fill]);
                lists.extend(rows.image_main.iter().map(|word| word.column.as_slice()));
            }
            Rows::Parents(rows) => {
                lists.extend([rows.role.as_slice(), &rows.id, &rows.code, &rows.parent, &rows.links, &rows.link_names]);
            }
            Rows::Nested(rows) => {
                names.push(&rows.list);
                lists.push(&rows.group);
            }
        }
        names.extend(lists.into_iter().flatten().map(String::as_str));
        names
    }
}
