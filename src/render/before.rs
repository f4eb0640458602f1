//! What a row has in common with the row before it, which is copied instead of rendered again.
//!
//! Variants share brand, description, images and policies, and normalization lets equal values of
//! neighbours stand in one place of the buffer: where a cell is the very same, so is what was
//! written of it, and neighbours that are the same are copied in one piece.

use crate::cell::{Cell, Slot};

/// Where the parts of the last row stand in what was rendered.
#[derive(Debug, Default)]
pub struct Before {
    start: usize,
    parts: Vec<Part>,
}

/// What was written of a cell: all from the end of the part before it.
#[derive(Clone, Copy, Debug, Default)]
struct Part {
    /// Nothing where the part may not be copied.
    cell: Option<Cell>,
    end: usize,
}

impl Before {
    /// Forgets the last row: cells point into another buffer from now on, or rows go elsewhere.
    pub fn clear(&mut self) {
        self.parts.clear();
    }

    /// Appends a row to those that it appended before; `write` renders the cell of a place.
    pub(super) fn row<'s>(
        &mut self,
        slots: impl ExactSizeIterator<Item = &'s Slot>,
        out: &mut String,
        mut write: impl FnMut(usize, &Slot, &mut String),
    ) {
        self.parts.resize(slots.len(), Part::default());
        let start = out.len();
        let (mut begin, mut same) = (self.start, 0..0);
        for (place, (part, slot)) in self.parts.iter_mut().zip(slots).enumerate() {
            let end = part.end;
            if part.cell == Some(slot.cell) {
                same = if same.is_empty() { begin..end } else { same.start..end };
                part.end = out.len() + same.len();
            } else {
                if !same.is_empty() {
                    out.extend_from_within(std::mem::take(&mut same));
                }
                write(place, slot, out);
                *part = Part { cell: Some(slot.cell), end: out.len() };
            }
            begin = end;
        }
        out.extend_from_within(same);
        self.start = start;
    }

    /// Puts another character of one byte in place of the first that was written of the last row;
    /// says whether there is any. The part it begins is not copied.
    pub(super) fn begin_with(&mut self, mark: &str, out: &mut String) -> bool {
        let first = self.parts.iter_mut().find(|part| part.end > self.start);
        if let Some(first) = first {
            first.cell = None;
            out.replace_range(self.start..=self.start, mark);
            return true;
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::Before;
    use crate::cell::{Cell, Shape, Slot};
    use crate::render::{FeedFormat, ROW_FORMATS};
    use crate::spec::FieldId;
    use proptest::prelude::*;

    proptest! {
        /// Rows that follow one another against the same rows each by itself.
        #[test]
        fn copied_parts_are_what_would_be_rendered(rows in prop::collection::vec(prop::collection::vec(0usize..8, 5), 1..12)) {
            let mut buffer = String::new();
            let mut cells = vec![Cell::ABSENT; 2];
            cells.extend(["a", "b, \"c\"", "true", "3", "two\nlines"].map(|text| Cell::store(&mut buffer, text, Shape::Text)));
            cells.push(Cell::store(&mut buffer, "[\"x\",\"y\"]", Shape::List));
            let spec = crate::spec::load::spec("openai").expect("built in");
            let columns = ["item_id", "title", "is_eligible_search", "review_count", "additional_image_urls"];
            let columns: Vec<FieldId> = columns.iter().map(|name| spec.field(name).expect("a field")).collect();
            for word in ROW_FORMATS {
                let writer = FeedFormat::parse(word).expect("known").writer(&spec, &columns);
                let (mut copied, mut rendered, mut before) = (String::new(), String::new(), Before::default());
                for values in &rows {
                    let mut row = vec![Slot::EMPTY; spec.fields.len()];
                    for (column, value) in columns.iter().zip(values) {
                        row[column.index()] = Slot { cell: cells[*value], column: 0 };
                    }
                    writer.row(&buffer, &row, &mut before, &mut copied);
                    writer.row(&buffer, &row, &mut Before::default(), &mut rendered);
                }
                prop_assert_eq!(copied, rendered, "{}", word);
            }
        }
    }
}
