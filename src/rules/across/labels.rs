//! What findings call the rows that memory does not know by name: on disk, and read again for
//! the few rows that a finding names.

use super::Called;
use super::texts::Texts;
use std::io;

/// Bytes that are gathered before they are kept.
const GATHERED: usize = 64 << 10;

/// Labels of rows: some of those before a certain row, and all from there on.
#[derive(Debug)]
pub(super) struct Labels {
    /// The rows before that have one, in their order.
    before: Vec<u32>,
    /// The first row from which on each has one.
    since: u32,
    kept: Texts,
    /// Labels that were gathered, and where each ends.
    bytes: Vec<u8>,
    ends: Vec<u32>,
}

/// What a row is called.
#[derive(Debug, Default)]
pub(super) struct Label {
    /// By rule: the column to blame.
    blamed: Vec<u16>,
    item: String,
    group: String,
}

impl Label {
    /// Its names.
    pub(super) fn called(&self) -> Called<'_> {
        Called { item: &self.item, group: &self.group }
    }

    /// The column to blame when the row breaks a rule.
    pub(super) fn blamed(&self, rule: usize) -> u16 {
        self.blamed.get(rule).copied().unwrap_or(crate::cell::NO_COLUMN)
    }
}

impl Labels {
    /// No labels yet; [`Self::push`] takes those of `before`, and then one for each row from `since` on.
    pub(super) fn new(before: Vec<u32>, since: u32) -> Self {
        Self { before, since, kept: Texts::new(1), bytes: Vec::new(), ends: Vec::new() }
    }

    /// Keeps the next label.
    pub(super) fn push(&mut self, blamed: &[u16], called: Called<'_>) -> io::Result<()> {
        let bytes = &mut self.bytes;
        bytes.push(blamed.len() as u8);
        bytes.extend(blamed.iter().flat_map(|column| column.to_le_bytes()));
        let item = called.item.get(..called.item.floor_char_boundary(usize::from(u16::MAX))).unwrap_or("");
        bytes.extend((item.len() as u16).to_le_bytes());
        bytes.extend(item.as_bytes());
        bytes.extend(called.group.as_bytes());
        self.ends.push(bytes.len() as u32);
        if self.bytes.len() > GATHERED { self.flush() } else { Ok(()) }
    }

    /// Keeps what was gathered, so that it can be read.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.kept.put(&self.ends, &self.bytes)?;
        self.ends.clear();
        self.bytes.clear();
        Ok(())
    }

    /// The label of a row; empty where it has none.
    pub(super) fn of(&self, row: u32) -> io::Result<Label> {
        let place = match row.checked_sub(self.since) {
            Some(after) => self.before.len() as u32 + after,
            None => match self.before.binary_search(&row) {
                Ok(place) => place as u32,
                Err(_) => return Ok(Label::default()),
            },
        };
        let mut room = Vec::new();
        let bytes = self.kept.text(0, place, &mut room)?;
        let parts = bytes.split_first().and_then(|(count, rest)| {
            let (blamed, rest) = rest.split_at_checked(2 * usize::from(*count))?;
            let (length, rest) = rest.split_first_chunk()?;
            let (item, group) = rest.split_at_checked(usize::from(u16::from_le_bytes(*length)))?;
            Some((blamed.as_chunks::<2>().0, std::str::from_utf8(item).ok()?, std::str::from_utf8(group).ok()?))
        });
        let (blamed, item, group) = parts.ok_or_else(|| io::Error::other(format!("what row {row} is called cannot be read again")))?;
        let blamed = blamed.iter().map(|column| u16::from_le_bytes(*column)).collect();
        Ok(Label { blamed, item: item.to_owned(), group: group.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::Labels;
    use crate::cell::NO_COLUMN;
    use crate::rules::across::Called;

    #[test]
    fn labels_are_read_again() {
        let mut labels = Labels::new(vec![3, 7], 10);
        let name = |row: u32| (format!("i{row}é"), if row.is_multiple_of(3) { String::new() } else { format!("g{}", row / 4) });
        for row in [3, 7].into_iter().chain(10..9_000) {
            let (item, group) = name(row);
            let blamed: &[u16] = if row < 10 { &[] } else { &[row as u16, 9] };
            labels.push(blamed, Called { item: &item, group: &group }).expect("a disk");
        }
        labels.flush().expect("a disk");
        for row in [3, 7, 10, 11, 4_321, 8_999] {
            let label = labels.of(row).expect("kept");
            let (item, group) = name(row);
            assert_eq!((label.called().item, label.called().group), (item.as_str(), group.as_str()));
            let expected = if row < 10 { [NO_COLUMN; 2] } else { [row as u16, 9] };
            assert_eq!([label.blamed(0), label.blamed(1)], expected);
        }
        assert_eq!(labels.of(4).expect("none").called().item, "");
        assert!(labels.of(9_000).is_err());
    }
}
