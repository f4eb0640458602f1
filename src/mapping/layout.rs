//! How rows make items, resolved against a header: what each row is, where variants and their
//! options stand, what is skipped, and what availability follows from.

use super::compile::Compiler;
use super::preset::{NestedRows, Options, ParentRows, Rows, RunRows, Word};
use super::step::{
    AdjustPlan, DiscountPlan, KeyPlan, NestedPlan, OptionFrom, OptionPlan, Page, PagePart, ParentPlan, RowPlan, RunPlan, SkipPlan,
    StockPlan, ViewPlan,
};
use crate::product::attribute::{AttributeId, Attributes};
use std::collections::BTreeMap;

impl Compiler<'_> {
    pub(super) fn rows(&mut self) -> RowPlan {
        match self.given.rows.unwrap_or(&self.given.preset.rows) {
            Rows::Continuation(rows) => self.run(rows),
            Rows::Parents(rows) => self.parents(rows),
            Rows::Nested(rows) => self.nested(rows),
            Rows::Flat { options, more_options, page } => {
                let shared = Attributes::shared();
                let of_attribute =
                    options.iter().filter_map(|(name, option)| Some((OptionFrom::Attribute(shared.id(name)?), option.clone())));
                let mut options: Vec<(OptionFrom, String)> = of_attribute.collect();
                for name in more_options {
                    options.extend(self.columns.find(name).map(|(column, _)| (OptionFrom::Column(column), name.clone())));
                }
                RowPlan::Flat { options, page: self.page(page) }
            }
        }
    }

    fn run(&mut self, rows: &RunRows) -> RowPlan {
        let (key, role) = (self.columns.first(&rows.key), self.columns.first(&rows.role));
        let other = self.columns.first(&rows.or_key);
        let key = key.map(|column| KeyPlan { column, other: other.filter(|other| *other != column) });
        if key.is_none() && (role.is_none() || rows.product.is_empty()) {
            return RowPlan::Flat { options: Vec::new(), page: None };
        }
        RowPlan::Run(Box::new(RunPlan {
            key,
            role,
            product: rows.product.clone(),
            variant: rows.variant.iter().filter_map(|name| self.columns.find(name)).map(|(column, _)| column).collect(),
            variant_words: rows.variant_words.clone(),
            first_lends: rows.first_lends,
            image: self.columns.first(&rows.image),
            position: self.columns.first(&rows.image_position),
            main: rows.image_main.as_ref().and_then(|word| self.word(word)),
            fill: rows.fill.iter().filter_map(|name| self.columns.find(name)).map(|(column, _)| column).collect(),
            carry: attributes(&rows.carry),
            lead: attributes(&rows.lead),
            group: self.columns.first(&rows.group),
            prefix: rows.prefix.clone(),
            page: self.page(&rows.page),
            adjust: rows.adjust.as_ref().zip(role).map(|(adjust, role)| AdjustPlan {
                role,
                words: adjust.words.clone(),
                code: self.columns.first(&adjust.code),
                price: self.columns.first(&adjust.price),
                stop: adjust.stop.as_ref().and_then(|word| self.word(word)),
            }),
        }))
    }

    fn parents(&mut self, rows: &ParentRows) -> RowPlan {
        let (parent, links) = (self.columns.first(&rows.parent), self.columns.first(&rows.links));
        let role = self.columns.first(&rows.role);
        if parent.is_none() && links.is_none() {
            return RowPlan::Flat { options: Vec::new(), page: self.page(&with_id(rows)) };
        }
        RowPlan::Parents(Box::new(ParentPlan {
            role,
            parents: if role.is_some() { rows.parents.clone() } else { Vec::new() },
            children: if role.is_some() { rows.children.clone() } else { Vec::new() },
            id: self.columns.first(&rows.id),
            code: self.columns.first(&rows.code),
            parent,
            links,
            link_key: rows.link_key.clone(),
            link_names: self.columns.first(&rows.link_names),
            prefix: rows.prefix.clone(),
            carry: attributes(&rows.carry),
            together: attributes(&rows.together),
            lead: attributes(&rows.lead),
            page: self.page(&with_id(rows)),
        }))
    }

    fn nested(&mut self, rows: &NestedRows) -> RowPlan {
        self.columns.set_list(&rows.list);
        RowPlan::Nested(Box::new(NestedPlan {
            group: self.columns.first(&rows.group),
            prefix: rows.prefix.clone(),
            page: self.page(&rows.page),
        }))
    }

    /// A page in parts; `None` where it names a column that is not there.
    fn page(&mut self, written: &str) -> Option<Page> {
        if written.is_empty() {
            return None;
        }
        let mut parts = Vec::new();
        let mut rest = written;
        while let Some((before, after)) = rest.split_once('{') {
            let (name, after) = after.split_once('}')?;
            parts.push(PagePart::Text(before.to_owned()));
            parts.push(match name {
                "key" => PagePart::Key,
                name => PagePart::Column(self.columns.find(name)?.0),
            });
            rest = after;
        }
        parts.push(PagePart::Text(rest.to_owned()));
        Some(Page(parts))
    }

    pub(super) fn options(&mut self) -> Vec<OptionPlan> {
        let preset = self.given.preset;
        preset.options.iter().filter_map(|options| self.option_plan(options)).collect()
    }

    fn option_plan(&mut self, options: &Options) -> Option<OptionPlan> {
        let pattern = |text: &str| regex::Regex::new(text).ok();
        Some(match options {
            Options::Numbered { name, value, count, none, tidy } => {
                let mut columns = Vec::new();
                for n in 1..=*count {
                    let numbered = |names: &[String]| -> Vec<String> {
                        names.iter().map(|name| name.replace("{n}", &n.to_string()).replace("{m}", &(n - 1).to_string())).collect()
                    };
                    let found = self.columns.first(&numbered(name)).zip(self.columns.first(&numbered(value)));
                    columns.extend(found);
                }
                OptionPlan::Numbered { columns, none: none.clone(), tidy: tidy.as_deref().and_then(pattern) }
            }
            Options::Pairs { list, name, value, none } => {
                OptionPlan::Pairs { list: self.columns.first(list)?, name: name.clone(), value: value.clone(), none: none.clone() }
            }
            Options::Packed { column, split, entry } => {
                OptionPlan::Packed { column: self.columns.first(column)?, split: split.clone(), entry: pattern(entry)? }
            }
            Options::Zipped { names, values, separator, cut } => OptionPlan::Zipped {
                names: self.columns.first(names)?,
                values: self.columns.first(values)?,
                separators: separator.chars().collect(),
                cut: cut.clone(),
            },
            Options::Single { value, name, none } => {
                OptionPlan::Single { value: self.columns.first(value)?, name: name.clone(), none: none.clone() }
            }
        })
    }

    pub(super) fn skips(&mut self, reasons: &mut Vec<String>) -> Vec<SkipPlan> {
        let mut plans = Vec::new();
        let preset = self.given.preset;
        for skip in &preset.skip {
            let Some(column) = self.columns.first(&skip.column) else { continue };
            // A column that only may come says nothing by being blank.
            let is_seen = !(self.given.seen..self.given.header.names().len()).contains(&usize::from(column));
            let known = reasons.iter().position(|reason| *reason == skip.reason);
            let reason = known.unwrap_or_else(|| {
                reasons.push(skip.reason.clone());
                reasons.len() - 1
            });
            plans.push(SkipPlan {
                column,
                words: skip.words.clone(),
                blank: skip.blank && is_seen,
                day: skip.day.map(|day| (day, self.given.today)),
                unless: skip.unless.clone(),
                alone: skip.alone,
                reason: reason as u16,
            });
        }
        plans
    }

    /// A column with one of some words, where it is there.
    pub(super) fn word(&mut self, word: &Word) -> Option<(u16, Vec<String>)> {
        Some((self.columns.first(&word.column)?, word.words.clone()))
    }

    pub(super) fn discounts(&mut self) -> Vec<DiscountPlan> {
        let preset = self.given.preset;
        let plans = preset.discount.iter().filter_map(|discount| {
            let column = self.columns.first(&discount.column)?;
            let only_if = match &discount.only_if {
                None => None,
                Some(word) => Some(self.word(word)?),
            };
            Some(DiscountPlan { column, percent: discount.percent, only_if })
        });
        plans.collect()
    }

    pub(super) fn stock(&mut self) -> Option<StockPlan> {
        let stock = self.given.preset.stock.as_ref()?;
        let written = [("tracker", &stock.tracker), ("quantity", &stock.quantity), ("policy", &stock.policy), ("state", &stock.state)];
        let mut inputs = BTreeMap::new();
        for (input, names) in written.into_iter().filter(|(_, names)| !names.is_empty()) {
            inputs.insert(input.to_owned(), self.columns.first(names));
        }
        let rules = stock.rule.iter().map(|rule| (rule.when.clone(), rule.then.clone(), rule.tracked)).collect();
        Some(StockPlan { inputs, rules, inherit: stock.inherit.clone() })
    }

    pub(super) fn views(&mut self) -> Option<ViewPlan> {
        let views = self.given.preset.views.as_ref()?;
        let (key, view) = (self.columns.first(&views.key)?, self.columns.first(&views.view)?);
        let currency = self.given.wishes.currency.filter(|_| views.currencies).map(|currency| currency.code().to_owned());
        Some(ViewPlan { key, view, wanted: self.given.view.map(str::to_owned).or(currency), is_named: self.given.view.is_some() })
    }
}

/// The page of a product that is a row of its own. Its platform's id is not its code, and no
/// page is found by the latter.
fn with_id(rows: &ParentRows) -> String {
    let column = rows.id.first().map_or("id", String::as_str);
    rows.page.replace("{id}", &format!("{{{column}}}"))
}

fn attributes(names: &[String]) -> Vec<AttributeId> {
    names.iter().filter_map(|name| Attributes::shared().id(name)).collect()
}
