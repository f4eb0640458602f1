//! Where the rows stand that were taken, in little more than a byte a row.
//!
//! Most rows are the next record, a few lines below the one before. So only that step is
//! kept, and the whole place every so often and where the step does not fit.

use super::Spot;

/// How many steps are added up at most.
const STRETCH: usize = 64;
/// The bits of a step that hold its lines; the others hold its records.
const LINES: u32 = 6;

/// Where rows stand, by number.
#[derive(Debug, Default)]
pub(super) struct Spots {
    /// By row: the step from the one before.
    steps: Vec<u8>,
    /// Rows whose whole place is kept, in their order.
    whole: Vec<(u32, Spot)>,
    last: Spot,
}

impl Spots {
    /// Takes the place of the next row.
    pub(super) fn push(&mut self, spot: Spot) {
        let row = self.steps.len();
        let step = step(self.last, spot).filter(|_| !row.is_multiple_of(STRETCH));
        if step.is_none() {
            self.whole.push((row as u32, spot));
        }
        self.steps.push(step.unwrap_or(0));
        self.last = spot;
    }

    /// The place of a row.
    pub(super) fn at(&self, row: u32) -> Spot {
        let after = self.whole.partition_point(|(first, _)| *first <= row);
        let Some((first, mut spot)) = after.checked_sub(1).and_then(|place| self.whole.get(place)).copied() else {
            return Spot::default();
        };
        for step in self.steps.get(first as usize + 1..=row as usize).unwrap_or_default() {
            spot.record += u32::from(step >> LINES);
            spot.line += u32::from(step & ((1 << LINES) - 1));
        }
        spot
    }

    /// How much memory the places take.
    pub(super) fn bytes(&self) -> usize {
        self.steps.capacity() + self.whole.capacity() * size_of::<(u32, Spot)>()
    }
}

/// The step from one place to the next, where it fits a byte.
fn step(from: Spot, to: Spot) -> Option<u8> {
    let (records, lines) = (to.record.checked_sub(from.record)?, to.line.checked_sub(from.line)?);
    (from.source == to.source && records < 1 << (8 - LINES) && lines < 1 << LINES).then_some((records << LINES | lines) as u8)
}

#[cfg(test)]
mod tests {
    use super::{Spot, Spots};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn places_are_found_again(rows in prop::collection::vec((0u16..40, 0u32..6, 0u32..90), 0..400)) {
            let (mut spots, mut known) = (Spots::default(), Vec::new());
            let mut spot = Spot::default();
            for (source, records, lines) in rows {
                // Another source begins with its first record; numbers at their end stay there.
                spot = match source {
                    0 => Spot { source: spot.source + 1, record: 1, line: 2 },
                    1 => Spot { record: u32::MAX, ..spot },
                    _ => Spot { record: spot.record.saturating_add(records), line: spot.line.saturating_add(lines), ..spot },
                };
                spots.push(spot);
                known.push(spot);
            }
            let found: Vec<Spot> = (0..known.len()).map(|row| spots.at(row as u32)).collect();
            prop_assert_eq!(found, known);
        }
    }

    #[test]
    fn a_row_takes_little_more_than_a_byte() {
        let mut spots = Spots::default();
        for row in 0..10_000u32 {
            spots.push(Spot { source: 0, record: row + 1, line: 3 * row });
        }
        assert!(spots.steps.len() == 10_000 && spots.whole.len() < 200);
    }
}
