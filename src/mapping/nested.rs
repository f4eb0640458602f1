//! Records that hold their variants: in a list of their own, or in the rows of a joined table.

use super::rows::{Assembler, MadeOf, Receive, Table};
use super::step::NestedPlan;
use super::variant::IDS;
use super::wide::ChildAt;
use crate::cell::{Cell, Shape, Slot};
use crate::product::text;

impl Assembler<'_> {
    pub(super) fn nested(&mut self, buffer: &mut String, rows: &Table<'_>, place: usize, plan: &NestedPlan, to: &mut dyn Receive) {
        let with = self.with;
        let (record, head) = (rows.row(place), rows.heads[place]);
        if let Some(reason) = with.skips(buffer, head, record, None) {
            return to.skipped(head, reason);
        }
        let tables = &with.survey.tables;
        let variants = with.mapping.wide.children(tables, buffer, record);
        let count = variants.count();
        if count > 1 {
            to.more(count as u64 - 1);
        }
        let key = plan.group.map_or(Slot::EMPTY, |column| super::apply::slot(record, column));
        let base = text::trim(key.text(buffer)).to_owned();
        let group = (count > 1 && !base.is_empty())
            .then(|| Slot { cell: Cell::store(buffer, &format!("{}{base}", plan.prefix), Shape::Text), column: key.column });
        let mut shared = String::new();
        if count > 1 {
            self.product.reset(head);
            with.mapping.fill(buffer, record, &mut self.product);
            self.product.get(IDS.item_id).text(buffer).clone_into(&mut shared);
        }
        // One variant at a time in the record's own row, so that a long list takes no memory.
        let mut row = record.to_vec();
        for number in 0..count.max(1) {
            if let Some(variant) = variants.at(number) {
                row.copy_from_slice(record);
                with.mapping.wide.put_child(tables, buffer, &mut row, variant);
                if let Some(reason) = with.skips(buffer, head, &row, None) {
                    to.skipped(head, reason);
                    continue;
                }
            }
            let draft = &mut self.draft;
            draft.reset(head);
            draft.siblings = count.max(1) as u32;
            with.mapping.fill(buffer, &row, draft);
            with.mapping.options(buffer, &row, record, &mut draft.options);
            if let Some(ChildAt::Element(entry)) =
                variants.at(number).filter(|_| draft.options.is_empty() && with.mapping.wide.is_list_of_words())
            {
                // An entry of a plain list is what tells this item from the others.
                let (column, name) = with.mapping.wide.list_name();
                let entry = entry.text(buffer).to_owned();
                super::option::push(buffer, &mut draft.options, &name, &entry, column);
            }
            super::stock::stock(with.mapping, buffer, &row, None, draft);
            with.mapping.discount(buffer, &row, draft);
            if count > 1 && draft.get(IDS.item_id).text(buffer) == shared {
                // What all of them share names none of them.
                draft.set(IDS.item_id, Slot::EMPTY);
            }
            with.id(buffer, draft, &base);
            if let Some(page) = &plan.page {
                with.page(buffer, page, &row, record, key, draft);
            }
            with.finish(buffer, draft, group, &MadeOf { head, own: &row, lender: None }, to);
        }
    }
}
