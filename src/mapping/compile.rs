//! Names resolved against a header: which column fills which attribute, and every mistake in
//! a mapping found before the first row is read.

use super::columns::Columns;
use super::expr::Expression;
use super::join::JoinPlan;
use super::model::{MapStep, RuleStep};
use super::preset::{Preset, PriceKind, Rows, Word};
use super::step::{DiscountPlan, From, Marked, OptionPlan, RowPlan, SkipPlan, Step, StockPlan, ViewPlan};
use super::transform;
use super::variant::IDS;
use super::wide::{Child, JoinColumns, Wide};
use crate::catalog::Header;
use crate::product::attribute::{AttributeId, Attributes, Kind, known};
use crate::product::money::Currency;
use crate::product::text_distance::nearest;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, LazyLock};

/// Mistakes in a mapping; all of them at once.
#[derive(Debug, thiserror::Error)]
#[error("{}", problems.join("\n"))]
pub struct MapError {
    /// One line each.
    pub problems: Vec<String>,
}

/// What people ask of a mapping, flags and project file taken together.
#[derive(Clone, Debug, Default)]
pub struct Wishes {
    /// `[map]`, in order.
    pub map: Vec<(String, MapStep)>,
    /// Of one target only: its place, the attribute, and how it is filled.
    pub map_of: Vec<(usize, String, MapStep)>,
    /// One value for all items, whatever the catalog says.
    pub set: Vec<(String, String)>,
    /// Values for items that have none.
    pub defaults: Vec<(String, String)>,
    /// `[[rule]]`, in order.
    pub rules: Vec<RuleStep>,
    /// The currency of amounts that name none.
    pub currency: Option<Currency>,
    /// The decimal mark where one amount alone cannot tell.
    pub decimal: Option<char>,
    /// The shop's address.
    pub base_url: Option<url::Url>,
    /// Where images are that the catalog gives no whole address of.
    pub image_base_url: Option<url::Url>,
    /// Where relative file names in the mapping start.
    pub folder: PathBuf,
}

/// A table that is joined to a catalog, with its columns known.
#[derive(Clone, Debug)]
pub struct SideInput {
    /// What its columns go by.
    pub name: String,
    /// Its file, where it is another one.
    pub file: Option<String>,
    /// Its columns.
    pub header: Arc<Header>,
    /// The catalog's column.
    pub on: Vec<String>,
    /// Its own column.
    pub key: Vec<String>,
    /// Which of its rows count.
    pub only: Vec<Word>,
    /// Whether several rows may have one key.
    pub many: bool,
    /// The column by which rows of one key are ordered.
    pub order: Vec<String>,
}

/// What the mapping of one source is made from.
#[derive(Clone, Copy, Debug)]
pub struct Given<'a> {
    /// What is known of the platform.
    pub preset: &'a Preset,
    /// How rows make items, where the project file says it.
    pub rows: Option<&'a Rows>,
    /// The source's columns.
    pub header: &'a Header,
    /// How many of them its records were seen to have; the others may never come.
    pub seen: usize,
    /// The day of the run.
    pub today: jiff::civil::Date,
    /// Joined tables.
    pub sides: &'a [SideInput],
    /// The store view or language whose values count.
    pub view: Option<&'a str>,
    /// What people ask for.
    pub wishes: &'a Wishes,
}

/// A compiled rule over attributes.
#[derive(Debug)]
pub struct RulePlan {
    /// When it applies.
    pub when: Expression,
    /// Its text, for the report.
    pub source: String,
    /// What it sets.
    pub set: Vec<(AttributeId, String)>,
    /// Whether the item leaves the feed; the reason's number.
    pub drop: Option<u16>,
    /// How many items it applied to.
    pub met: AtomicU64,
}

/// A mapping resolved against one header.
#[derive(Debug)]
pub struct Mapping {
    /// The steps, at most one an attribute.
    pub steps: Vec<Step>,
    /// By step: the column whose cell it takes as it stands, where it does no more.
    pub(super) bare: Vec<Option<u16>>,
    /// Steps of one target only.
    pub only_for: Vec<Step>,
    /// By target: attributes and the places of their values in [`Mapping::only_for`].
    pub overrides: Vec<Vec<(AttributeId, usize)>>,
    /// Joined tables, in the order of their indexes.
    pub joins: Vec<JoinPlan>,
    pub(super) wide: Wide,
    pub(super) rows: RowPlan,
    pub(super) options: Vec<OptionPlan>,
    pub(super) skip: Vec<SkipPlan>,
    pub(super) stock: Option<StockPlan>,
    pub(super) discounts: Vec<DiscountPlan>,
    pub(super) views: Option<ViewPlan>,
    pub(super) variant_query: Option<String>,
    pub(super) defaults: Vec<(AttributeId, String)>,
    pub(super) base_url: Option<url::Url>,
    /// The currency of amounts that name none.
    pub(super) currency: Option<Currency>,
    /// Rules over attributes.
    pub rules: Vec<RulePlan>,
    /// Why records are skipped, by number.
    pub reasons: Vec<String>,
    /// Whether `price` holds what is paid now and `sale_price` the struck-through price.
    pub price_is_current: bool,
}

/// Reasons every mapping knows.
pub(super) const REASON_IMAGE: u16 = 0;
pub(super) const REASON_PARENT: u16 = 1;
pub(super) const REASON_ORPHAN: u16 = 2;
pub(super) const REASON_VIEW: u16 = 3;
pub(super) const REASON_LENDS: u16 = 4;
pub(super) const REASON_ADJUSTS: u16 = 5;

const REASONS: [&str; 6] = [
    "row that only brings an image",
    "parent row, its variations are the items",
    "variation without its parent",
    "row of another store view or language",
    "product row, its variants are the items",
    "row that changes a variant's price",
];

impl Mapping {
    /// Resolves a preset and people's wishes against a header.
    ///
    /// # Errors
    /// Every unknown column, attribute, transform and name at once, with the nearest known one.
    pub fn compile(given: &Given<'_>) -> Result<Self, MapError> {
        let currency = given.wishes.currency.map(|currency| currency.code().to_owned());
        let mut columns = Columns::new(given.header, &given.preset.packed, currency);
        for side in given.sides {
            columns.add_side(&side.name, &side.header, side.many);
        }
        let mut compiler = Compiler { given: *given, columns, problems: Vec::new() };
        let mapping = compiler.mapping();
        if compiler.problems.is_empty() { Ok(mapping) } else { Err(MapError { problems: compiler.problems }) }
    }
}

pub(super) struct Compiler<'a> {
    pub(super) given: Given<'a>,
    pub(super) columns: Columns<'a>,
    pub(super) problems: Vec<String>,
}

impl Compiler<'_> {
    fn mapping(&mut self) -> Mapping {
        let mut reasons: Vec<String> = REASONS.map(str::to_owned).to_vec();
        let rows = self.rows();
        let steps = self.steps();
        let (only_for, overrides) = self.only_for();
        let skip = self.skips(&mut reasons);
        let rules = self.rules(&mut reasons);
        let wishes = self.given.wishes;
        let defaults = self.values("defaults", &wishes.defaults);
        let options = self.options();
        let stock = self.stock();
        let discounts = self.discounts();
        let views = self.views();
        let (joins, wide) = self.wide();
        Mapping {
            bare: steps.iter().map(Step::bare).collect(),
            steps,
            only_for,
            overrides,
            joins,
            wide,
            rows,
            options,
            skip,
            stock,
            discounts,
            views,
            variant_query: self.given.preset.variant_query.clone(),
            defaults,
            base_url: wishes.base_url.clone(),
            currency: wishes.currency,
            rules,
            reasons,
            price_is_current: self.given.preset.prices.kind == PriceKind::Current,
        }
    }

    /// Everything that rows are widened by, now that every name is resolved.
    fn wide(&mut self) -> (Vec<JoinPlan>, Wide) {
        let list = match self.given.rows.unwrap_or(&self.given.preset.rows) {
            Rows::Nested(nested) => Some((nested.list.clone(), nested.separator.clone())),
            Rows::Flat { .. } | Rows::Continuation(_) | Rows::Parents(_) => None,
        };
        let mut joins = Vec::new();
        let mut joined = Vec::new();
        for (place, side) in self.given.sides.iter().enumerate() {
            let at = format!("[[source.join]] {}", side.name);
            let Some(on) = self.columns.first(&side.on) else {
                self.no_column(&side.on.join("`, `"), &format!("{at}: on"), &self.columns.names());
                continue;
            };
            let nothing = BTreeMap::new();
            let mut inner = Columns::new(&side.header, &nothing, self.given.wishes.currency.map(|currency| currency.code().to_owned()));
            let Some(key) = inner.first(&side.key) else {
                self.no_column(&side.key.join("`, `"), &format!("{at}: key"), &inner.names());
                continue;
            };
            let only = side.only.iter().filter_map(|word| {
                let words = word.words.iter().map(|word| self.with_currency(word)).collect();
                Some((inner.first(&word.column)?, words))
            });
            let only = only.collect();
            let order = inner.first(&side.order);
            let wide = Wide {
                header: side.header.names().len(),
                from: usize::from(inner.made_from()),
                early: std::mem::take(&mut inner.trees),
                views: std::mem::take(&mut inner.views),
                ..Wide::default()
            };
            joins.push(JoinPlan {
                name: side.name.clone(),
                file: side.file.clone(),
                on: (side.on.first().cloned().unwrap_or_default(), side.key.first().cloned().unwrap_or_default()),
                key,
                only,
                order,
                many: side.many,
                wide,
                width: side.header.names().len(),
            });
            let offset = self.columns.sides.get(place).map_or(0, |side| usize::from(side.offset));
            joined.push(JoinColumns {
                name: side.name.clone(),
                on,
                offset,
                width: side.header.names().len(),
                many: side.many,
                nested: side.many && list.as_ref().is_some_and(|(list, _)| *list == side.name),
                names: side.header.names().to_vec(),
            });
        }
        let child = list.and_then(|(list, separator)| {
            if let Some(side) = joined.iter().position(|join| join.nested) {
                let range = joined.get(side).map(|join| join.offset..join.offset + join.width).unwrap_or_default();
                let (inside, outside) =
                    std::mem::take(&mut self.columns.trees).into_iter().partition(|(base, _)| range.contains(&usize::from(*base)));
                self.columns.trees = outside;
                return Some(Child::Side(side, inside));
            }
            let (column, _) = self.columns.find(&list)?;
            let tree = std::mem::take(&mut self.columns.child);
            Some(match separator {
                Some(separator) => Child::Text(column, separator, list, tree),
                None => Child::List(column, tree),
            })
        });
        let header = self.given.header.names().len();
        let (early, late) = std::mem::take(&mut self.columns.trees).into_iter().partition(|(base, _)| usize::from(*base) < header);
        let wide = Wide {
            header,
            from: usize::from(self.columns.made_from()),
            views: std::mem::take(&mut self.columns.views),
            early,
            late,
            packs: std::mem::take(&mut self.columns.packs),
            joins: joined,
            child,
        };
        (joins, wide)
    }

    fn with_currency(&self, word: &str) -> String {
        let code = self.given.wishes.currency.map(|currency| currency.code().to_owned());
        code.map_or_else(|| word.to_owned(), |code| word.replace("{currency}", &code))
    }

    pub(super) fn no_column(&mut self, name: &str, place: &str, known: &[String]) {
        let near = nearest(name, known.iter().map(String::as_str)).map(|near| format!("; did you mean `{near}`?"));
        self.problems.push(format!("{place}: no column is called `{name}`{}", near.unwrap_or_default()));
    }

    pub(super) fn attribute(&mut self, name: &str, place: &str) -> Option<AttributeId> {
        let shared = Attributes::shared();
        let found = shared.id(name);
        if found.is_none() {
            let near = nearest(name, shared.iter().map(|(_, name, _)| name)).map(|near| format!("; did you mean `{near}`?"));
            self.problems.push(format!("{place}: no attribute is called `{name}`{}", near.unwrap_or_default()));
        }
        found
    }

    pub(super) fn values(&mut self, place: &str, values: &[(String, String)]) -> Vec<(AttributeId, String)> {
        values.iter().filter_map(|(name, value)| Some((self.attribute(name, place)?, value.clone()))).collect()
    }

    fn steps(&mut self) -> Vec<Step> {
        let shared = Attributes::shared();
        let mut steps: Vec<Step> = shared.iter().filter_map(|(id, name, _)| self.preset_step(id, name)).collect();
        let wishes = self.given.wishes;
        for (name, written) in &wishes.map {
            let place = format!("[map] {name}");
            let Some(attribute) = self.attribute(name, &place) else { continue };
            let Some(step) = self.written_step(attribute, written, &place) else { continue };
            steps.retain(|earlier| earlier.attribute != attribute);
            steps.push(step);
        }
        for (attribute, value) in self.values("--set", &wishes.set) {
            steps.retain(|earlier| earlier.attribute != attribute);
            steps.push(plain(attribute, From::Constant(value)));
        }
        for step in steps.iter_mut().filter(|step| [IDS.image_url, IDS.additional_image_urls].contains(&step.attribute)) {
            self.below_images(step);
        }
        steps
    }

    /// Puts the address of the images in front of file names, instead of what the platform's shops have there.
    pub(super) fn below_images(&self, step: &mut Step) {
        if let Some(base) = &self.given.wishes.image_base_url {
            step.prefix = Some(base.as_str().to_owned());
            step.flattens = true;
            step.or.iter_mut().for_each(|other| self.below_images(other));
        }
    }

    fn preset_step(&mut self, attribute: AttributeId, name: &str) -> Option<Step> {
        let preset = self.given.preset;
        let numbered = preset.gather.get(name).into_iter().flatten();
        let first = preset.gather_first.get(name);
        let numbers = numbered.flat_map(|name| (1..=99).map(move |n| (name, n.to_string())));
        let gathered: Vec<Marked> = numbers
            .filter_map(|(name, n)| {
                let column = self.columns.own(&name.replace("{n}", &n))?;
                let mark = first.and_then(|word| Some((self.columns.own(&word.column.first()?.replace("{n}", &n))?, word.words.clone())));
                Some((column, mark))
            })
            .collect();
        let total: Vec<u16> = match preset.sum.get(name).map(Vec::as_slice) {
            Some([names]) => {
                names.iter().filter_map(|name| name.strip_suffix('*')).flat_map(|start| self.columns.beginning(start)).collect()
            }
            _ => Vec::new(),
        };
        let flag = preset.flags.get(name).and_then(|word| self.word(word));
        let from = if flag.is_some() {
            (From::Constant("true".to_owned()), None)
        } else if !total.is_empty() {
            (From::Total(total), None)
        } else if !gathered.is_empty() {
            (From::All(gathered), None)
        } else if let Some(added) = preset.sum.get(name) {
            let columns: Vec<u16> = added.iter().filter_map(|names| self.columns.first(names)).collect();
            match (columns.as_slice(), added.first().and_then(|names| self.columns.first(names))) {
                ([column], Some(_)) => (From::Column(*column), None),
                (_, Some(_)) => (From::Sum(columns), None),
                (_, None) => return None,
            }
        } else {
            let listed = preset.columns.get(name).and_then(toml::Value::as_array);
            let mut wanted: Vec<&str> = listed.into_iter().flatten().filter_map(toml::Value::as_str).collect();
            if preset.own_names && !wanted.contains(&name) {
                wanted.insert(0, name);
            }
            let (mut unit, mut columns) = (None, Vec::new());
            for name in wanted {
                for (column, found) in self.columns.find_each(name) {
                    if !columns.contains(&column) {
                        columns.push(column);
                        unit = unit.or(found);
                    }
                }
            }
            match columns.as_slice() {
                [] => return None,
                [column] => (From::Column(*column), unit),
                _ => (From::FirstOf(columns), unit),
            }
        };
        let (from, unit) = from;
        let mut step = plain(attribute, from);
        step.values = preset.values.get(name).cloned().unwrap_or_default();
        step.empty = preset.empty.get(name).cloned().unwrap_or_default();
        let shown = step.columns().first().and_then(|&column| self.given.header.names().get(usize::from(column)));
        step.paths = preset.paths.get(name).cloned().map(|paths| paths.shown_by(shown.map_or("", |name| name)));
        step.prefix = preset.prefix.get(name).cloned();
        step.flattens = step.flattens || step.prefix.is_some();
        step.clean = preset.clean.get(name).into_iter().flatten().filter_map(|name| transform::find(name)).collect();
        step.only_if = flag.or_else(|| preset.only_if.get(name).and_then(|word| self.word(word)));
        step.currency_column = preset.currency.get(name).and_then(|names| self.columns.first(names));
        let has_currency = |column: &&str| column.contains("{currency}");
        let listed = preset.columns.get(name).and_then(toml::Value::as_array);
        if listed.into_iter().flatten().filter_map(toml::Value::as_str).any(|column| has_currency(&column)) {
            step.currency = self.given.wishes.currency;
        }
        let unit = unit.or_else(|| preset.units.get(name).cloned());
        step.unit = unit.and_then(|unit| Some((unit_of(attribute)?, crate::product::measure::unit(&unit).map_or(unit, str::to_owned))));
        Some(step)
    }
}

pub(super) fn plain(attribute: AttributeId, from: From) -> Step {
    use Kind::{Box, Links, List, Options, Packed};
    Step {
        attribute,
        from,
        when: None,
        only_if: None,
        split: None,
        clean: Vec::new(),
        lookup: None,
        values: BTreeMap::new(),
        empty: Vec::new(),
        currency: None,
        currency_column: None,
        unit: None,
        paths: None,
        prefix: None,
        flattens: !matches!(Attributes::shared().kind(attribute), Links | List | Options | Packed | Box),
        or: Vec::new(),
    }
}

/// The attribute that holds the unit of a measure.
pub fn unit_of(attribute: AttributeId) -> Option<AttributeId> {
    static UNITS: LazyLock<(AttributeId, AttributeId)> = LazyLock::new(|| (known("item_weight_unit"), known("dimensions_unit")));
    match Attributes::shared().kind(attribute) {
        Kind::Weight => Some(UNITS.0),
        Kind::Axis => Some(UNITS.1),
        _ => None,
    }
}
