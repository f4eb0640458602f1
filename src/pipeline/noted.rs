//! Notes of repairs, kept until a batch ends, and made findings of.
//!
//! What every value of a column in a block needed is said once with its extent, as faults are
//! (see [`super::whole`]): that all descriptions of a shop are HTML is one thing to know, not one
//! a product.

use super::whole::LEAST;
use crate::catalog::RecordHead;
use crate::cell::Slot;
use crate::finding::Extent;
use crate::normalize::Note;
use crate::product::attribute::AttributeId;

/// When something was found: after how many findings that were said at once, as which of those
/// that are kept until the batch ends.
pub(super) type When = (usize, u64);

/// A note about an item.
#[derive(Debug)]
pub(super) struct Noted {
    pub(super) note: Note,
    /// The item's record.
    pub(super) head: RecordHead,
    /// The item's id.
    pub(super) id: Slot,
    /// The target whose value it is, where only one gets it.
    pub(super) target: Option<usize>,
    pub(super) when: When,
}

impl Noted {
    fn is_like(&self, other: &Self) -> bool {
        let kind = |noted: &Self| (noted.note.attribute, noted.note.defect, noted.note.column, noted.target, noted.note.new.is_none());
        kind(self) == kind(other)
    }
}

/// Parts the notes of a batch: those that all values of their column share, the first of each with
/// how far it goes, and all others. `values` says how many values there were of an attribute.
pub(super) fn part(all: Vec<Noted>, values: impl Fn(AttributeId) -> usize) -> (Vec<(Noted, Extent)>, Vec<Noted>) {
    // There are few kinds; the first of each stands for it.
    let mut kinds: Vec<(usize, Extent)> = Vec::new();
    let mut of = Vec::with_capacity(all.len());
    for (at, noted) in all.iter().enumerate() {
        let known = kinds.iter().position(|(first, _)| all.get(*first).is_some_and(|first| first.is_like(noted)));
        let kind = known.unwrap_or_else(|| {
            kinds.push((at, Extent { values: 0, last: 0 }));
            kinds.len() - 1
        });
        if let Some((_, extent)) = kinds.get_mut(kind) {
            *extent = Extent { values: extent.values + 1, last: noted.head.number };
        }
        of.push(kind);
    }
    let is_whole = |(first, extent): &(usize, Extent)| {
        let noted = all.get(*first).filter(|noted| noted.target.is_none());
        extent.values as usize >= LEAST && noted.is_some_and(|noted| values(noted.note.attribute) == extent.values as usize)
    };
    let are_whole: Vec<bool> = kinds.iter().map(is_whole).collect();
    let (mut whole, mut others) = (Vec::new(), Vec::new());
    for ((at, noted), kind) in all.into_iter().enumerate().zip(of) {
        match kinds.get(kind) {
            Some((first, extent)) if are_whole.get(kind) == Some(&true) => {
                if *first == at {
                    whole.push((noted, *extent));
                }
            }
            _ => others.push(noted),
        }
    }
    (whole, others)
}

#[cfg(test)]
mod tests {
    use super::{Noted, part};
    use crate::catalog::RecordHead;
    use crate::cell::Slot;
    use crate::normalize::{Note, Words};
    use crate::product::attribute::AttributeId;

    fn noted(number: u64, attribute: u16, defect: &'static str) -> Noted {
        let words = || Words::Own(String::new());
        let note =
            Note { attribute: AttributeId(attribute), defect, message: "".into(), old: words(), new: Some(words()), column: attribute };
        Noted { note, head: RecordHead { number, line: number + 1 }, id: Slot::EMPTY, target: None, when: (0, number) }
    }

    #[test]
    fn what_all_values_share_is_told_once_and_everything_else_each_time() {
        let mut all: Vec<Noted> = (1..=100).flat_map(|number| [noted(number, 0, "html"), noted(number, 1, "notation")]).collect();
        all.push(noted(101, 2, "html"));
        // Of the second attribute there was one value more, which needed nothing; the third has too few.
        let (whole, others) = part(all, |attribute| [100, 101, 1][usize::from(attribute.0)]);
        let said: Vec<_> =
            whole.iter().map(|(first, extent)| (first.note.attribute.0, first.head.number, extent.values, extent.last)).collect();
        assert_eq!(said, [(0, 1, 100, 100)]);
        assert_eq!(others.len(), 101);
        assert!(others.iter().all(|noted| noted.note.attribute.0 > 0));
    }
}
