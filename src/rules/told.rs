//! What is wrong with a row, in words, and what a bad value was probably meant to be.

use super::kinds;
use super::{By, Checked, Fault, RuleTable};
use crate::cell::{Shape, Slot};
use crate::finding::{Applicability, Fix};
use crate::product::text;

impl RuleTable {
    /// What a bad value was probably meant to be, where that is sound.
    pub(super) fn suggestion(&self, fault: &Fault, buffer: &str) -> Option<String> {
        let By::Check(number) = fault.by else { return None };
        let field = &self.fields[fault.field.index()];
        let meant = field.checks[usize::from(number)].check.suggested(fault.cell.text(buffer))?;
        let mut facts = kinds::RowFacts::default();
        let is_sound = |checked: &Checked| checked.check.check(&meant, Shape::Text, fault.field.index(), &mut facts).is_ok();
        field.checks.iter().all(is_sound).then_some(meant)
    }

    /// Says what is wrong, where that was not said yet. `slots` are those of the row when the
    /// fault was found.
    pub fn tell(&self, fault: &mut Fault, buffer: &str, slots: &[Slot]) {
        if !fault.message.is_empty() {
            return;
        }
        let value = fault.cell.text(buffer);
        match fault.by {
            By::Check(number) => {
                // The check that found it is asked again, and listened to this time.
                let mut facts = kinds::RowFacts::telling();
                let checked = &self.fields[fault.field.index()].checks[usize::from(number)];
                let _defect = checked.check.check(value, fault.cell.shape, fault.field.index(), &mut facts);
                fault.message = facts.take_words();
                fault.value = Some(text::excerpt(value, 200));
                if fault.fix.is_none() {
                    let suggested = self.suggestion(fault, buffer);
                    fault.fix = suggested.map(|meant| Fix { applicability: Applicability::Suggested, value: Some(meant), applied: false });
                }
            }
            By::Missing => fault.message = format!("`{}` is missing", self.names[fault.field.index()]),
            By::Row(number) => {
                let rule = &self.row[usize::from(number)];
                let mut shown = rule.mentioned.iter().filter(|field| slots[field.index()].is_present()).take(3).peekable();
                fault.message.clone_from(&rule.what);
                let mut before = " (";
                while let Some(field) = shown.next() {
                    let after = if shown.peek().is_none() { ")" } else { "" };
                    let value = text::excerpt(slots[field.index()].text(buffer), 40);
                    fault.message.extend([before, &self.names[field.index()], " = `", &value, "`", after]);
                    before = ", ";
                }
                fault.value = Some(value).filter(|value| !value.is_empty()).map(|value| text::excerpt(value, 200));
            }
            By::Across(number) => fault.message.clone_from(&self.across[usize::from(number)].what),
        }
    }
}
