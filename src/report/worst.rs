//! The worst findings of a run, for formats of which readers take only so many.

use crate::finding::{Finding, Severity};
use std::collections::HashMap;

/// The first findings of each severity, up to a number, and how many there were.
pub(super) struct Worst {
    most: usize,
    kept: [Vec<Finding>; 3],
    counts: [u64; 3],
}

impl Worst {
    pub(super) fn new(most: usize) -> Self {
        Self { most, kept: Default::default(), counts: [0; 3] }
    }

    pub(super) fn add(&mut self, finding: &Finding) {
        let place = finding.severity as usize;
        self.counts[place] += finding.times();
        if self.kept[place].len() < self.most {
            self.kept[place].push(finding.clone());
        }
    }

    /// What was kept of a severity, in the order found.
    pub(super) fn of(&self, severity: Severity) -> &[Finding] {
        &self.kept[severity as usize]
    }

    /// How many of a severity were not kept.
    pub(super) fn hidden(&self, severity: Severity) -> u64 {
        let kept: u64 = self.of(severity).iter().map(Finding::times).sum();
        self.counts[severity as usize] - kept
    }

    /// The worst, as many as are kept of one severity, worst first.
    pub(super) fn all(&self) -> impl Iterator<Item = &Finding> {
        [Severity::Error, Severity::Warning, Severity::Advice].into_iter().flat_map(|severity| self.of(severity)).take(self.most)
    }

    /// How many are beyond [`Self::all`].
    pub(super) fn beyond(&self) -> u64 {
        self.counts.iter().sum::<u64>() - self.all().map(Finding::times).sum::<u64>()
    }
}

/// Numbers the findings that have one fingerprint, because readers take only the first of equal ones.
#[derive(Default)]
pub(super) struct Fingerprints {
    seen: HashMap<u64, u32>,
}

impl Fingerprints {
    /// The fingerprint of the next finding.
    pub(super) fn of(&mut self, finding: &Finding) -> String {
        let hash = finding.fingerprint();
        let number = self.seen.entry(hash).and_modify(|number| *number += 1).or_insert(1);
        format!("{hash:016x}:{number}")
    }
}

#[cfg(test)]
mod tests {
    use super::{Fingerprints, Worst};
    use crate::finding::{Finding, Place, Severity};

    fn finding(severity: Severity, item: &str, line: u64) -> Finding {
        let place = Place { line, ..Place::default() };
        Finding { item: item.to_owned(), ..Finding::own("price/missing".into(), severity, "no price".to_owned(), place) }
    }

    #[test]
    fn the_worst_come_first_and_the_rest_is_counted() {
        let mut worst = Worst::new(3);
        for (place, severity) in
            [Severity::Advice, Severity::Warning, Severity::Error, Severity::Warning, Severity::Error].into_iter().enumerate()
        {
            worst.add(&finding(severity, "A", place as u64));
        }
        assert_eq!(worst.all().map(|finding| finding.place.line).collect::<Vec<_>>(), [2, 4, 1]);
        assert_eq!((worst.beyond(), worst.hidden(Severity::Warning)), (2, 0));
    }

    #[test]
    fn rows_may_move_and_items_may_not() {
        let of = |findings: &[Finding]| {
            let mut fingerprints = Fingerprints::default();
            findings.iter().map(|finding| fingerprints.of(finding)).collect::<Vec<_>>()
        };
        let one = |item, line| finding(Severity::Error, item, line);
        assert_eq!(of(&[one("A", 2), one("B", 3)]), of(&[one("A", 7), one("B", 8)]));
        let twice = of(&[one("A", 2), one("A", 3)]);
        assert!(twice[0] != twice[1] && twice[0].ends_with(":1") && twice[1].ends_with(":2"));
    }
}
