//! Cells and slots: how a value is pointed at without being copied.
//!
//! A batch of records owns one text buffer; everything read from the catalog or made on
//! the way is a range of that buffer. This module knows nothing of formats or attributes.

/// What shape a value had where it was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Shape {
    /// Nothing was given: no cell, an empty cell, or JSON `null`.
    #[default]
    Absent,
    /// Text, or a cell of a delimited file, which is always text.
    Text,
    /// A JSON number; the text is the number exactly as written.
    Number,
    /// A JSON `true` or `false`.
    Boolean,
    /// A JSON array; the text is its JSON.
    List,
    /// A JSON object; the text is its JSON.
    Object,
}

/// A range of a batch's buffer, and the shape of the value that stood there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cell {
    start: u32,
    end: u32,
    /// The shape of the value.
    pub shape: Shape,
}

impl Cell {
    /// A cell without a value.
    pub const ABSENT: Cell = Cell { start: 0, end: 0, shape: Shape::Absent };

    /// The cell for `start..end` of the buffer; an empty range is an absent value.
    ///
    /// Buffers are capped far below 4 GiB when they are read, so positions fit 32 bits.
    pub fn new(start: usize, end: usize, shape: Shape) -> Self {
        if start >= end {
            return Self::ABSENT;
        }
        Self { start: start as u32, end: end as u32, shape }
    }

    /// The value's text; empty where it is absent.
    pub fn text(self, buffer: &str) -> &str {
        buffer.get(self.start as usize..self.end as usize).unwrap_or("")
    }

    /// Whether a value is present.
    pub fn is_present(self) -> bool {
        self.shape != Shape::Absent
    }

    /// How many bytes its text has.
    #[expect(clippy::len_without_is_empty, reason = "an empty cell is an absent one: `is_present` tells")]
    pub fn len(self) -> usize {
        (self.end - self.start) as usize
    }

    /// Whether another cell of the same buffer has the same shape and text.
    #[inline]
    pub fn equals(self, other: Self, buffer: &str) -> bool {
        let length = self.end - self.start;
        self.shape == other.shape && length == other.end - other.start && same(buffer.as_bytes(), self.start(), other.start(), length)
    }

    /// Where the cell begins in its buffer.
    pub fn start(self) -> usize {
        self.start as usize
    }

    /// Where the cell ends in its buffer.
    pub fn end(self) -> usize {
        self.end as usize
    }

    /// Appends `text` to the buffer and returns the cell that points at it.
    pub fn store(buffer: &mut String, text: &str, shape: Shape) -> Self {
        let start = buffer.len();
        buffer.push_str(text);
        Self::new(start, buffer.len(), shape)
    }
}

/// Bytes that are compared in one go.
const WORD: usize = size_of::<u128>();

/// By length: the bits of a word that so many bytes take.
const FIRST: [u128; WORD + 1] = {
    let (mut masks, mut length) = ([0; WORD + 1], 1);
    while length <= WORD {
        masks[length] = u128::MAX >> (8 * (WORD - length));
        length += 1;
    }
    masks
};

/// Whether two ranges of one length hold the same bytes. Most are short, and compared together
/// with what stands behind them, where that is not the end of the buffer.
#[inline]
fn same(buffer: &[u8], one: usize, other: usize, length: u32) -> bool {
    let word = |start: usize| {
        let bytes = buffer.get(start..start + WORD).and_then(|bytes| bytes.first_chunk::<WORD>());
        bytes.map(|bytes| u128::from_le_bytes(*bytes))
    };
    let length = length as usize;
    match (FIRST.get(length), word(one), word(other)) {
        (Some(mask), Some(first), Some(second)) => (first ^ second) & mask == 0,
        _ => one == other || buffer.get(one..one + length) == buffer.get(other..other + length),
    }
}

/// The column of a value that no single column gave.
pub const NO_COLUMN: u16 = u16::MAX;

/// A value and the source column it came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot {
    /// The value.
    pub cell: Cell,
    /// The position of its column in the header, from 0; [`NO_COLUMN`] where there is none.
    pub column: u16,
}

impl Default for Slot {
    fn default() -> Self {
        Self::EMPTY
    }
}

impl Slot {
    /// A slot without a value.
    pub const EMPTY: Slot = Slot { cell: Cell::ABSENT, column: NO_COLUMN };

    /// A slot for text that was made, not read, from the value of `column`.
    pub fn store(buffer: &mut String, text: &str, column: u16) -> Self {
        Self { cell: Cell::store(buffer, text, Shape::Text), column }
    }

    /// Whether a value is present.
    pub fn is_present(self) -> bool {
        self.cell.is_present()
    }

    /// The value's text; empty where it is absent.
    pub fn text(self, buffer: &str) -> &str {
        self.cell.text(buffer)
    }
}

#[cfg(test)]
mod tests {
    use super::{Cell, Shape};
    use proptest::prelude::*;

    proptest! {
        /// Short and long, apart and at the end of the buffer.
        #[test]
        fn cells_are_equal_as_their_texts_are(one in "[ab]{0,40}", other in "[ab]{0,40}", share in 0usize..40, between in "[ab]{0,20}") {
            let other = if share % 2 == 0 { one.clone() } else { other };
            let mut buffer = String::new();
            let first = Cell::store(&mut buffer, &one, Shape::Text);
            buffer.push_str(&between);
            let second = Cell::store(&mut buffer, &other, Shape::Text);
            prop_assert_eq!(first.equals(second, &buffer), one == other);
        }
    }
}
