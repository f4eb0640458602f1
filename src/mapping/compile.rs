//! Names resolved against a header: which column fills which attribute, and every mistake in
//! a mapping found before the first row is read.

use super::expr::{Expression, variable};
use super::model::{MapStep, RuleStep};
use super::preset::{self, NoOption, Preset, PriceKind, Rows};
use super::step::{From, OptionFrom, ParentPlan, RowPlan, SkipPlan, Step, StockPlan, TemplateValue};
use super::transform;
use crate::catalog::Header;
use crate::product::attribute::{AttributeId, Attributes, Kind, known};
use crate::product::money::Currency;
use crate::product::text_distance::nearest;
use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;

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
    /// Where relative file names in the mapping start.
    pub folder: PathBuf,
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
}

/// A mapping resolved against one header.
#[derive(Debug)]
pub struct Mapping {
    /// The steps, at most one an attribute.
    pub steps: Vec<Step>,
    pub(super) rows: RowPlan,
    pub(super) options: Vec<(Option<u16>, u16)>,
    pub(super) no_option: Option<NoOption>,
    pub(super) skip: Vec<SkipPlan>,
    pub(super) stock: Option<StockPlan>,
    pub(super) defaults: Vec<(AttributeId, String)>,
    pub(super) base_url: Option<url::Url>,
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

impl Mapping {
    /// Resolves a preset and people's wishes against a header.
    ///
    /// # Errors
    /// Every unknown column, attribute, transform and name at once, with the nearest known one.
    pub fn compile(preset: &Preset, header: &Header, wishes: &Wishes) -> Result<Self, MapError> {
        let mut compiler = Compiler { preset, header, wishes, problems: Vec::new() };
        let mapping = compiler.mapping();
        if compiler.problems.is_empty() { Ok(mapping) } else { Err(MapError { problems: compiler.problems }) }
    }

    /// Whether a first pass over the source is needed to make items of rows.
    pub fn needs_survey(&self) -> bool {
        !matches!(self.rows, RowPlan::Flat { .. })
    }

    /// What a column that fills no attribute is used for, in a word.
    pub fn column_use(&self, column: u16) -> Option<&'static str> {
        if self.options.iter().any(|(name, value)| *name == Some(column) || *value == column) {
            return Some("(variant option)");
        }
        if self.skip.iter().any(|skip| skip.column == column) {
            return Some("(what is skipped)");
        }
        if self.stock.as_ref().is_some_and(|stock| stock.inputs.values().any(|input| *input == Some(column))) {
            return Some("(availability)");
        }
        match &self.rows {
            RowPlan::Continuation { key, image, position, .. } if *key == column || *image == Some(column) || *position == Some(column) => {
                Some("(product and images)")
            }
            RowPlan::Parents(plan) if plan.role == column || plan.parent == column => Some("(parents)"),
            RowPlan::Flat { .. } | RowPlan::Continuation { .. } | RowPlan::Parents(_) => None,
        }
    }

    /// How rows make items, for people.
    pub fn shape(&self) -> &'static str {
        match self.rows {
            RowPlan::Flat { .. } => "one row an item, one pass",
            RowPlan::Continuation { .. } => "rows continue a product, two passes",
            RowPlan::Parents(_) => "parents lend to variations, two passes",
        }
    }
}

struct Compiler<'a> {
    preset: &'a Preset,
    header: &'a Header,
    wishes: &'a Wishes,
    problems: Vec<String>,
}

impl Compiler<'_> {
    fn mapping(&mut self) -> Mapping {
        let mut reasons = vec![
            "row that only brings an image".to_owned(),
            "parent row, its variations are the items".to_owned(),
            "variation without its parent".to_owned(),
        ];
        let steps = self.steps();
        let skip = self.preset.skip.iter().filter_map(|skip| {
            let column = preset::column(self.header, &skip.column)?;
            reasons.push(skip.reason.clone());
            Some(SkipPlan { column, words: skip.words.clone(), reason: reasons.len() as u16 - 1 })
        });
        let skip: Vec<SkipPlan> = skip.collect();
        let rules = self.rules(&mut reasons);
        let defaults = self.values("defaults", &self.wishes.defaults.clone());
        Mapping {
            steps,
            rows: self.rows(),
            options: self.options(),
            no_option: self.preset.options.as_ref().and_then(|options| options.none.clone()),
            skip,
            stock: self.stock(),
            defaults,
            base_url: self.wishes.base_url.clone(),
            rules,
            reasons,
            price_is_current: self.preset.prices.kind == PriceKind::Current,
        }
    }

    fn attribute(&mut self, name: &str, place: &str) -> Option<AttributeId> {
        let shared = Attributes::shared();
        let found = shared.id(name);
        if found.is_none() {
            let near = nearest(name, shared.iter().map(|(_, name, _)| name)).map(|near| format!("; did you mean `{near}`?"));
            self.problems.push(format!("{place}: no attribute is called `{name}`{}", near.unwrap_or_default()));
        }
        found
    }

    fn values(&mut self, place: &str, values: &[(String, String)]) -> Vec<(AttributeId, String)> {
        values.iter().filter_map(|(name, value)| Some((self.attribute(name, place)?, value.clone()))).collect()
    }

    fn steps(&mut self) -> Vec<Step> {
        let shared = Attributes::shared();
        let mut steps: Vec<Step> = shared.iter().filter_map(|(id, name, _)| self.preset_step(id, name)).collect();
        for (name, written) in &self.wishes.map {
            let place = format!("[map] {name}");
            let Some(attribute) = self.attribute(name, &place) else { continue };
            let Some(step) = self.written_step(attribute, written, &place) else { continue };
            steps.retain(|earlier| earlier.attribute != attribute);
            steps.push(step);
        }
        let fixed = self.values("--set", &self.wishes.set.clone());
        for (attribute, value) in fixed {
            steps.retain(|earlier| earlier.attribute != attribute);
            steps.push(plain(attribute, From::Constant(value)));
        }
        steps
    }

    fn preset_step(&self, attribute: AttributeId, name: &str) -> Option<Step> {
        let listed = self.preset.columns.get(name).and_then(toml::Value::as_array);
        let mut wanted: Vec<&str> = listed.into_iter().flatten().filter_map(toml::Value::as_str).collect();
        if self.preset.own_names && !wanted.contains(&name) {
            wanted.insert(0, name);
        }
        let mut unit = None;
        let mut columns: Vec<u16> = Vec::new();
        for name in wanted {
            for (place, header) in self.header.names().iter().enumerate() {
                let Some(found) = preset::meets(name, header) else { continue };
                if !columns.contains(&(place as u16)) {
                    columns.push(place as u16);
                    unit = unit.or(found);
                }
                break;
            }
        }
        let from = match columns.as_slice() {
            [] => return None,
            [column] => From::Column(*column),
            _ => From::FirstOf(columns),
        };
        let mut step = plain(attribute, from);
        step.values = self.preset.values.get(name).cloned().unwrap_or_default();
        step.empty = self.preset.empty.get(name).cloned().unwrap_or_default();
        step.paths = self.preset.paths.get(name).cloned();
        step.clean = self.preset.clean.get(name).into_iter().flatten().filter_map(|name| transform::find(name)).collect();
        let unit = unit.or_else(|| self.preset.units.get(name).cloned());
        step.unit = unit.and_then(|unit| Some((unit_of(attribute)?, crate::product::measure::unit(&unit).map_or(unit, str::to_owned))));
        Some(step)
    }

    fn column(&mut self, name: &str, place: &str) -> Option<u16> {
        let found = self.header.column(name).or_else(|| preset::column(self.header, &[name.to_owned()]));
        if found.is_none() {
            let near = nearest(name, self.header.names().iter().map(AsRef::as_ref)).map(|near| format!("; did you mean `{near}`?"));
            self.problems.push(format!("{place}: no column is called `{name}`{}", near.unwrap_or_default()));
        }
        found
    }

    fn written_step(&mut self, attribute: AttributeId, written: &MapStep, place: &str) -> Option<Step> {
        let from = if let Some(constant) = &written.constant {
            From::Constant(constant.clone())
        } else if let Some(template) = &written.template {
            self.template(template, place)?
        } else {
            let columns: Option<Vec<u16>> = written.from.iter().map(|name| self.column(name, place)).collect();
            match columns?.as_slice() {
                [column] => From::Column(*column),
                columns => From::FirstOf(columns.to_vec()),
            }
        };
        let mut step = plain(attribute, from);
        for name in &written.clean {
            match transform::find(name) {
                Some(transform) => step.clean.push(transform),
                None => {
                    let near = nearest(name, transform::TRANSFORMS.iter().map(|transform| transform.name))
                        .map(|near| format!("; did you mean `{near}`?"));
                    self.problems.push(format!("{place}: no transform is called `{name}`{}", near.unwrap_or_default()));
                }
            }
        }
        if let Some(file) = &written.lookup {
            match lookup(&self.wishes.folder.join(file)) {
                Ok(table) => step.lookup = Some((table, written.otherwise.clone())),
                Err(message) => self.problems.push(format!("{place}: {file}: {message}")),
            }
        }
        if let Some(code) = &written.currency {
            step.currency = Currency::parse(code);
            if step.currency.is_none() {
                self.problems.push(format!("{place}: `{code}` is no ISO 4217 currency code"));
            }
        }
        Some(step)
    }

    fn template(&mut self, template: &str, place: &str) -> Option<From> {
        let mut known: Vec<(String, TemplateValue)> = Vec::new();
        for (column, name) in self.header.names().iter().enumerate() {
            known.push((variable(name), TemplateValue::Column(column as u16)));
        }
        let base = self.wishes.base_url.as_ref().map(|url| url.as_str().trim_end_matches('/').to_owned());
        known.extend(base.map(|base| ("base_url".to_owned(), TemplateValue::Text(base))));
        known.extend(self.wishes.currency.map(|currency| ("currency".to_owned(), TemplateValue::Text(currency.code().to_owned()))));
        known.extend(self.wishes.defaults.iter().map(|(name, value)| (name.clone(), TemplateValue::Text(value.clone()))));
        let names: Vec<String> = known.iter().map(|(name, _)| name.clone()).collect();
        match Expression::template(template, &names) {
            Ok(expression) => {
                known.retain(|(name, _)| expression.names().contains(name));
                Some(From::Template(Box::new(expression), known))
            }
            Err(message) => {
                self.problems.push(format!("{place}: {message}"));
                None
            }
        }
    }

    fn options(&mut self) -> Vec<(Option<u16>, u16)> {
        let Some(options) = &self.preset.options else { return Vec::new() };
        let numbered = |names: &[String], n: usize| -> Option<u16> {
            let names: Vec<String> = names.iter().map(|name| name.replace("{n}", &n.to_string())).collect();
            preset::column(self.header, &names)
        };
        (1..=options.count).filter_map(|n| Some((numbered(&options.name, n), numbered(&options.value, n)?))).collect()
    }

    fn stock(&self) -> Option<StockPlan> {
        let stock = self.preset.stock.as_ref()?;
        let inputs: BTreeMap<String, Option<u16>> =
            [("tracker", &stock.tracker), ("quantity", &stock.quantity), ("policy", &stock.policy), ("state", &stock.state)]
                .into_iter()
                .filter(|(_, names)| !names.is_empty())
                .map(|(input, names)| (input.to_owned(), preset::column(self.header, names)))
                .collect();
        let rules = stock.rule.iter().map(|rule| (rule.when.clone(), rule.then.clone(), rule.tracked)).collect();
        Some(StockPlan { inputs, rules })
    }

    fn rows(&self) -> RowPlan {
        let column = |names: &[String]| preset::column(self.header, names);
        let attributes = |names: &[String]| names.iter().filter_map(|name| Attributes::shared().id(name)).collect::<Vec<_>>();
        match &self.preset.rows {
            Rows::Continuation { key, variant, image, image_position, carry, page } => {
                let Some(key) = column(key) else { return RowPlan::Flat { options: Vec::new() } };
                let variant = variant.iter().filter_map(|name| column(std::slice::from_ref(name))).collect();
                RowPlan::Continuation {
                    key,
                    variant,
                    image: column(image),
                    position: column(image_position),
                    carry: attributes(carry),
                    page: page.clone(),
                }
            }
            Rows::Parents { role, parents, children, id, code, parent, prefix, carry, page } => match (column(role), column(parent)) {
                (Some(role), Some(parent)) => RowPlan::Parents(Box::new(ParentPlan {
                    role,
                    parents: parents.clone(),
                    children: children.clone(),
                    id: column(id),
                    code: column(code),
                    parent,
                    prefix: prefix.clone(),
                    carry: attributes(carry),
                    page: page.clone(),
                })),
                _ => RowPlan::Flat { options: Vec::new() },
            },
            Rows::Flat { options, more_options } => {
                let of_attribute = options
                    .iter()
                    .filter_map(|(name, option)| Some((OptionFrom::Attribute(Attributes::shared().id(name)?), option.clone())));
                let of_column =
                    more_options.iter().filter_map(|name| Some((OptionFrom::Column(column(std::slice::from_ref(name))?), name.clone())));
                RowPlan::Flat { options: of_attribute.chain(of_column).collect() }
            }
        }
    }

    fn rules(&mut self, reasons: &mut Vec<String>) -> Vec<RulePlan> {
        let names: Vec<String> = Attributes::shared().iter().map(|(_, name, _)| name.to_owned()).collect();
        let mut plans = Vec::new();
        for (place, rule) in self.wishes.rules.iter().enumerate() {
            let place = format!("[[rule]] {}", place + 1);
            let when = match Expression::condition(&rule.when, &names) {
                Ok(when) => when,
                Err(message) => {
                    self.problems.push(format!("{place}: {message}"));
                    continue;
                }
            };
            let written: Vec<(String, String)> = rule
                .set
                .iter()
                .map(|(name, value)| (name.clone(), value.as_str().map_or_else(|| value.to_string(), str::to_owned)))
                .collect();
            let set = self.values(&place, &written);
            if set.is_empty() && !rule.drop {
                self.problems.push(format!("{place}: neither `set` nor `drop` says what to do"));
            }
            let drop = rule.drop.then(|| {
                reasons.push(format!("dropped by rule: {}", rule.when));
                reasons.len() as u16 - 1
            });
            plans.push(RulePlan { when, source: rule.when.clone(), set, drop });
        }
        plans
    }
}

fn plain(attribute: AttributeId, from: From) -> Step {
    Step {
        attribute,
        from,
        clean: Vec::new(),
        lookup: None,
        values: BTreeMap::new(),
        empty: Vec::new(),
        currency: None,
        unit: None,
        paths: None,
    }
}

/// The attribute that holds the unit of a measure.
pub fn unit_of(attribute: AttributeId) -> Option<AttributeId> {
    match Attributes::shared().kind(attribute) {
        Kind::Weight => Some(known("item_weight_unit")),
        Kind::Axis => Some(known("dimensions_unit")),
        _ => None,
    }
}

/// Reads a table of two columns; the keys are compared as they are.
fn lookup(path: &std::path::Path) -> Result<HashMap<String, String>, String> {
    let file = std::fs::File::open(path).map_err(|error| error.to_string())?;
    let mut table = HashMap::new();
    for (place, record) in csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(file).records().enumerate() {
        let record = record.map_err(|error| error.to_string())?;
        let (Some(from), Some(to)) = (record.get(0), record.get(1)) else {
            return Err(format!("line {}: two columns are needed, from and to", place + 1));
        };
        table.insert(from.trim().to_owned(), to.trim().to_owned());
    }
    Ok(table)
}
