//! Parents and children as rows of their own: a parent lends to its children, wherever it
//! stands and however they are tied, and is no item itself.

use super::apply::slot;
use super::compile::{REASON_ORPHAN, REASON_PARENT};
use super::option::push;
use super::preset::Packed;
use super::rows::{Assembler, Lender, MadeOf, Receive, Table, inherit};
use super::step::ParentPlan;
use super::stock::stock;
use super::survey::is_word;
use super::variant::{IDS, as_single, as_variant, first_image};
use super::wide::pairs;
use crate::cell::{Cell, Shape, Slot};
use crate::product::text;

/// What a row is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Parent,
    Child,
    Neither,
}

impl ParentPlan {
    /// What a row is, as far as it says itself.
    pub(super) fn role(&self, buffer: &str, cells: &[Cell]) -> Role {
        let word = self.role.map_or("", |role| slot(cells, role).text(buffer));
        if is_word(word, &self.parents) {
            return Role::Parent;
        }
        // The number of no record stands for none.
        let names_parent = self.parent.is_some_and(|parent| !matches!(text::trim(slot(cells, parent).text(buffer)), "" | "0"));
        let is_child = if self.children.is_empty() { names_parent } else { is_word(word, &self.children) };
        if is_child { Role::Child } else { Role::Neither }
    }

    /// What a row may be named by.
    pub(super) fn names<'a>(&self, buffer: &'a str, cells: &[Cell]) -> impl Iterator<Item = &'a str> {
        let text_of = |column: Option<u16>| column.map_or("", |column| text::trim(slot(cells, column).text(buffer)));
        [text_of(self.id), text_of(self.code)].into_iter().filter(|name| !name.is_empty())
    }
}

/// The grammar of lists of children and of their names.
pub(super) fn link_grammar() -> Packed {
    Packed { separator: ",".to_owned(), equals: "=".to_owned() }
}

impl Assembler<'_> {
    pub(super) fn with_parent(&mut self, buffer: &mut String, rows: &Table<'_>, place: usize, plan: &ParentPlan, to: &mut dyn Receive) {
        let with = self.with;
        let cells = rows.row(place);
        let head = rows.heads[place];
        let survey = with.survey;
        let role = plan.role(buffer, cells);
        let is_named = || plan.names(buffer, cells).any(|name| survey.is_named(name));
        if role == Role::Parent || role == Role::Neither && plan.parents.is_empty() && is_named() {
            return to.skipped(head, REASON_PARENT);
        }
        let link = plan.names(buffer, cells).find_map(|name| survey.link(name));
        let named = plan.parent.filter(|_| role == Role::Child).and_then(|column| survey.parent(slot(cells, column).text(buffer)));
        let parent = named.or(link.as_ref().map(|(parent, _)| *parent));
        if role == Role::Child && parent.is_none() {
            // What the row leaves blank, its parent would have said.
            let reason = with.skips(buffer, head, cells, Some(&[])).unwrap_or(REASON_ORPHAN);
            return to.skipped(head, reason);
        }
        // The parent's cells move behind the buffer, so that one buffer holds the whole item.
        let kept = parent;
        let parent: Option<Vec<Cell>> = parent.map(|place| {
            let mut carried = vec![Cell::ABSENT; cells.len()];
            survey.kept.load(place, buffer, &mut carried);
            if let Some(views) = &with.mapping.views {
                survey.lay_over(views, buffer, &mut carried);
            }
            carried
        });
        if let Some(reason) = with.skips(buffer, head, cells, parent.as_deref()) {
            return to.skipped(head, reason);
        }
        let draft = &mut self.draft;
        draft.reset(head);
        with.mapping.fill(buffer, cells, draft);
        stock(with.mapping, buffer, cells, parent.as_deref(), draft);
        let own_name = |column: Option<u16>, cells: &[Cell]| column.map(|column| slot(cells, column)).filter(|slot| slot.is_present());
        let mut key = own_name(plan.id, cells).or(own_name(plan.code, cells));
        let carrier = parent.as_deref().unwrap_or(cells);
        if let Some(parent) = &parent {
            let product = &mut self.product;
            product.reset(head);
            with.mapping.fill(buffer, parent, product);
            // The parent stands in another row: its columns are right, its record is not this one.
            inherit(draft, product, &plan.carry, &plan.together, &plan.lead);
            draft.siblings = 2;
            key = own_name(plan.id, parent).or(own_name(plan.code, parent));
            with.mapping.options(buffer, cells, parent, &mut draft.options);
            if let Some((_, entry)) = link.as_ref().filter(|_| draft.options.is_empty()) {
                let names = plan.link_names.map_or("", |column| slot(parent, column).text(buffer)).to_owned();
                let grammar = link_grammar();
                let names: Vec<(&str, &str)> = pairs(&names, &grammar)
                    .into_iter()
                    .map(|(key, start, end)| (key, text::trim(names.get(start..end).unwrap_or(""))))
                    .collect();
                for (option, start, end) in pairs(entry, &grammar) {
                    let value = text::trim(entry.get(start..end).unwrap_or(""));
                    if !option.eq_ignore_ascii_case(&plan.link_key) && !value.is_empty() {
                        let name = names.iter().find(|(key, _)| key.eq_ignore_ascii_case(option)).map_or(option, |(_, name)| name);
                        push(buffer, &mut draft.options, name, value, plan.links.unwrap_or(crate::cell::NO_COLUMN));
                    }
                }
            }
            let base = key.map(|slot| text::trim(slot.text(buffer)).to_owned()).unwrap_or_default();
            let group = format!("{}{base}", plan.prefix);
            let column = plan.parent.or(plan.links).unwrap_or(crate::cell::NO_COLUMN);
            draft.set(IDS.group_id, Slot { cell: Cell::store(buffer, &group, Shape::Text), column });
            draft.set(IDS.item_group_title, product.get(IDS.title));
            with.id(buffer, draft, &group);
            as_variant(buffer, draft);
        } else {
            with.mapping.options(buffer, cells, cells, &mut draft.options);
            as_single(buffer, draft);
        }
        with.mapping.discount(buffer, cells, draft);
        if let (Some(page), Some(key)) = (&plan.page, key) {
            // A variant's own row names a page that shops do not show; only the product's counts.
            with.page(buffer, page, carrier, carrier, key, draft);
        }
        with.select(buffer, draft);
        first_image(buffer, draft);
        with.mapping.fill_defaults(buffer, draft);
        let lender = kept.zip(parent.as_deref()).map(|(place, cells)| (Lender::Kept(&survey.kept, place), cells));
        to.rows(buffer, &MadeOf { head, own: cells, lender });
        to.item(buffer, draft);
    }
}
