//! Delimited text: where records end, and what their cells are.
//!
//! Quoting follows RFC 4180: a quote opens a cell only as its first character, two quotes
//! inside stand for one, and a quoted cell may hold line breaks. What the format leaves
//! open is refused rather than guessed: text after a closing quote, too few or too many cells.

use super::block::{Block, Mark, Splitter};
use super::places::{Places, Walk};
use super::{BadRecord, Batch, RecordHead};
use crate::cell::{Cell, Shape};

/// Finds the ends of records in delimited text.
#[derive(Clone, Debug)]
pub struct Records {
    delimiter: u8,
    /// Line ends and quotes.
    places: Places,
}

impl Splitter for Records {
    fn split(&mut self, bytes: &[u8], mut line: u64, at_end: bool, marks: &mut Vec<Mark>) -> Result<usize, (u64, String)> {
        let mut start = 0;
        self.places.find([b'\n', b'"'], bytes);
        while start < bytes.len() {
            match self.record_end(bytes, start) {
                End::At { end, next, lines } => {
                    mark(bytes, start, end, line, marks);
                    line += lines;
                    start = next;
                }
                End::Open => {
                    if at_end {
                        mark(bytes, start, bytes.len(), line, marks);
                        start = bytes.len();
                    }
                    break;
                }
                End::Unclosed { quote_line } => {
                    if at_end {
                        let line = line + quote_line;
                        return Err((
                            line,
                            "a quote opens here and is never closed: the file is cut, or a quote inside a value is not doubled".to_owned(),
                        ));
                    }
                    break;
                }
            }
        }
        Ok(start)
    }
}

fn mark(bytes: &[u8], start: usize, mut end: usize, line: u64, marks: &mut Vec<Mark>) {
    if end > start && bytes[end - 1] == b'\r' {
        end -= 1;
    }
    if end > start {
        marks.push(Mark { start: start as u32, end: end as u32, line });
    }
}

/// How far a record goes.
enum End {
    /// It ends before a line feed at `end`; the next one starts at `next`.
    At { end: usize, next: usize, lines: u64 },
    /// No line feed follows.
    Open,
    /// A quoted cell is not closed; it opens this many lines after the record's first.
    Unclosed { quote_line: u64 },
}

impl Records {
    /// For text with this separator of cells.
    pub fn new(delimiter: u8) -> Self {
        Self { delimiter, places: Places::default() }
    }

    fn record_end(&self, bytes: &[u8], start: usize) -> End {
        let mut at = start;
        let mut lines = 0;
        loop {
            let found = self.places.next(at, bytes.len());
            match bytes.get(found) {
                None => return End::Open,
                Some(b'\n') => return End::At { end: found, next: found + 1, lines: lines + 1 },
                Some(_) => at = found + 1,
            }
            let opens = found == start || bytes[found - 1] == self.delimiter;
            if !opens {
                continue;
            }
            let quote_line = lines;
            loop {
                let next = self.places.next(at, bytes.len());
                at = next + 1;
                match bytes.get(next) {
                    None => return End::Unclosed { quote_line },
                    Some(b'\n') => lines += 1,
                    Some(_) if bytes.get(at) == Some(&b'"') => at += 1,
                    Some(_) => break,
                }
            }
        }
    }
}

/// Turns blocks of delimited text into batches.
#[derive(Clone, Debug)]
pub struct Cells {
    /// The separator of cells.
    pub delimiter: u8,
    /// How many cells a record has.
    pub width: usize,
}

impl Cells {
    /// Parses a block. Records that cannot be read are listed, the others become rows.
    pub fn parse(&self, mut block: Block) -> Batch {
        let mut cells = std::mem::take(&mut block.cells);
        let (mut batch, mut bytes, marks, first) = block.begin(self.width);
        let heads = |place: usize, mark: &Mark| RecordHead { number: first + place as u64, line: mark.line };
        let mut undecodable = Vec::new();
        let text = match String::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => {
                bytes = error.into_bytes();
                for (place, mark) in marks.iter().enumerate() {
                    let range = mark.start as usize..mark.end as usize;
                    let Some(record) = bytes.get(range.clone()) else { continue };
                    if let Err(error) = std::str::from_utf8(record) {
                        let odd = record.get(error.valid_up_to()).copied().unwrap_or_default();
                        let column = memchr::memchr_iter(self.delimiter, &record[..error.valid_up_to()]).count() as u32 + 1;
                        undecodable.push(place);
                        batch.bad.push(BadRecord {
                            head: heads(place, mark),
                            column,
                            defect: "not-utf8",
                            message: format!("byte 0x{odd:02X} is not UTF-8; if the whole file is in another encoding, give `--encoding`"),
                        });
                        // Blanked out, so that the other records of the block can be text.
                        bytes[range].fill(b'?');
                    }
                }
                // Only bytes between records are left, which are line ends.
                String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
            }
        };
        // Every place is written before it is read, so room that was used before needs no clearing.
        cells.resize(marks.len() * self.width, Cell::ABSENT);
        batch.heads.reserve(marks.len());
        let (mut delimiters, mut quotes) = (Places::default(), Places::default());
        delimiters.find([self.delimiter], text.as_bytes());
        quotes.find([b'"'], text.as_bytes());
        let mut record =
            Record { text: &text, delimiter: self.delimiter, delimiters: delimiters.walk(), quotes: &quotes, extra: String::new() };
        let mut skip = undecodable.iter().copied().peekable();
        for (place, mark) in marks.iter().enumerate() {
            if skip.next_if_eq(&place).is_some() {
                continue;
            }
            let head = heads(place, mark);
            let kept = batch.heads.len() * self.width;
            match record.split(mark, &mut cells[kept..kept + self.width]) {
                Ok(()) => batch.heads.push(head),
                Err((column, defect, message)) => batch.bad.push(BadRecord { head, column, defect, message }),
            }
        }
        cells.truncate(batch.heads.len() * self.width);
        let extra = record.extra;
        batch.cells = cells;
        batch.text = text;
        batch.text.push_str(&extra);
        batch.bad.sort_by_key(|bad| bad.head.number);
        batch
    }
}

/// Splits the records of one block.
struct Record<'t> {
    text: &'t str,
    delimiter: u8,
    delimiters: Walk<'t>,
    quotes: &'t Places,
    /// Cells with doubled quotes, written anew to stand behind the block.
    extra: String,
}

impl Record<'_> {
    /// Fills a row from a record; what is wrong with it names the column, from 1.
    fn split(&mut self, mark: &Mark, row: &mut [Cell]) -> Result<(), (u32, &'static str, String)> {
        let bytes = self.text.as_bytes();
        let (mut at, end, width) = (mark.start as usize, mark.end as usize, row.len());
        // How many cells there are, and whether one behind the last column holds anything.
        let (mut count, mut overflows) = (0, false);
        let mut delimiters = self.delimiters;
        delimiters.skip_to(at);
        let mut places = row.iter_mut();
        loop {
            // No record ends before a quote.
            let cell = if bytes.get(at) == Some(&b'"') {
                let (cell, after) = self.quoted(at, end).map_err(|message| (count as u32 + 1, "stray-quote", message))?;
                delimiters.skip_to(after);
                at = after;
                cell
            } else {
                let start = at;
                at = delimiters.next().min(end);
                Cell::new(start, at, Shape::Text)
            };
            match places.next() {
                Some(place) => *place = cell,
                None => overflows |= cell.is_present(),
            }
            count += 1;
            if at >= end {
                break;
            }
            delimiters.pass();
            at += 1;
        }
        self.delimiters = delimiters;
        // Separators left at the end of a line hold nothing.
        if overflows {
            return Err((width as u32 + 1, "too-many-cells", format!("the record has {count} cells, the header has {width}")));
        }
        if count < width {
            return Err((count as u32, "too-few-cells", format!("the record has {count} cells, the header has {width}")));
        }
        Ok(())
    }

    /// Reads a quoted cell that opens at `at`; returns it, and where its separator stands.
    fn quoted(&mut self, at: usize, end: usize) -> Result<(Cell, usize), String> {
        let bytes = self.text.as_bytes();
        let base = self.text.len() + self.extra.len();
        let start = at + 1;
        // Where what was not yet written anew begins: the first quote of each pair is kept.
        let (mut from, mut kept) = (start, start);
        let close = loop {
            let quote = self.quotes.next(from, end);
            if quote >= end {
                return Err("a quote opens and is not closed inside the record".to_owned());
            }
            if quote + 1 == end || bytes[quote + 1] != b'"' {
                break quote;
            }
            self.extra.push_str(self.text.get(kept..=quote).unwrap_or(""));
            from = quote + 2;
            kept = from;
        };
        let cell = if kept == start {
            Cell::new(start, close, Shape::Text)
        } else {
            self.extra.push_str(self.text.get(kept..close).unwrap_or(""));
            Cell::new(base, self.text.len() + self.extra.len(), Shape::Text)
        };
        let mut after = close + 1;
        // Blanks that pad a quoted cell are no part of it.
        while after < end && bytes[after] == b' ' && self.delimiter != b' ' {
            after += 1;
        }
        if after < end && bytes[after] != self.delimiter {
            return Err("text follows a closing quote; quotes inside a value must be doubled".to_owned());
        }
        Ok((cell, after))
    }
}

#[cfg(test)]
mod tests {
    use super::{Cells, Records};
    use crate::catalog::Batch;
    use crate::catalog::block::{Block, Splitter};
    use proptest::prelude::*;

    fn parse(bytes: &[u8], width: usize) -> Result<Batch, String> {
        let mut marks = Vec::new();
        let taken = Records::new(b',').split(bytes, 1, true, &mut marks).map_err(|(line, message)| format!("{line}: {message}"))?;
        assert_eq!(taken, bytes.len());
        Ok(Cells { delimiter: b',', width }.parse(Block::of(bytes.to_vec(), marks)))
    }

    fn rows(batch: &Batch) -> Vec<Vec<String>> {
        (0..batch.heads.len()).map(|row| batch.row(row).iter().map(|cell| cell.text(&batch.text).to_owned()).collect()).collect()
    }

    #[test]
    fn quotes_lines_and_positions() {
        let padded = parse(b"\"a\"  ,\"b\" \n", 2).expect("sound");
        assert_eq!(rows(&padded), [["a", "b"]]);
        let batch = parse(b"a,\"b \"\"x\"\"\nc\",d\r\n\r\n1,2\",3\n\"\",,\"\"\n", 3).expect("sound");
        assert_eq!(rows(&batch), [["a", "b \"x\"\nc", "d"], ["1", "2\"", "3"], ["", "", ""]]);
        assert_eq!(batch.heads.iter().map(|head| head.line).collect::<Vec<_>>(), [1, 4, 5]);
    }

    #[test]
    fn bad_records_are_named_and_the_others_kept() {
        let batch = parse(b"1,2\n1,2,3\n1\n\"a\"b,2\nx\xe9y,2\n3,4\n5,6,,\n", 2).expect("sound");
        assert_eq!(rows(&batch), [["1", "2"], ["3", "4"], ["5", "6"]]);
        let bad: Vec<_> = batch.bad.iter().map(|bad| (bad.head.number, bad.defect)).collect();
        assert_eq!(bad, [(2, "too-many-cells"), (3, "too-few-cells"), (4, "stray-quote"), (5, "not-utf8")]);
    }

    #[test]
    fn an_open_quote_names_its_line() {
        let error = parse(b"1,2\n3,\"4\n5,6\n", 2).expect_err("cut");
        assert!(error.starts_with("2: a quote opens here"), "{error}");
    }

    proptest! {
        // The csv crate is the reference for everything it and RFC 4180 agree on.
        #[test]
        fn same_cells_as_the_csv_crate(rows_in in prop::collection::vec(prop::collection::vec("[a\"\\n\\r,é ]{0,6}", 3), 1..6)) {
            let mut writer = csv::WriterBuilder::new().quote_style(csv::QuoteStyle::Necessary).from_writer(Vec::new());
            for row in &rows_in {
                writer.write_record(row).expect("memory");
            }
            let bytes = writer.into_inner().expect("memory");
            let batch = parse(&bytes, 3).expect("sound");
            prop_assert!(batch.bad.is_empty(), "{:?}", batch.bad);
            prop_assert_eq!(rows(&batch), rows_in);
        }

        #[test]
        fn blocks_may_be_cut_anywhere(rows_in in prop::collection::vec(prop::collection::vec("[a\"\\n,]{0,6}", 2), 1..6), cut in 0usize..80) {
            let mut writer = csv::WriterBuilder::new().from_writer(Vec::new());
            for row in &rows_in {
                writer.write_record(row).expect("memory");
            }
            let bytes = writer.into_inner().expect("memory");
            let mut whole = Vec::new();
            let mut records = Records::new(b',');
            records.split(&bytes, 1, true, &mut whole).expect("sound");
            let mut parts = Vec::new();
            let taken = records.split(&bytes[..cut.min(bytes.len())], 1, false, &mut parts).expect("sound");
            let mut rest = Vec::new();
            let line = 1 + bytes[..taken].iter().filter(|b| **b == b'\n').count() as u64;
            records.split(&bytes[taken..], line, true, &mut rest).expect("sound");
            parts.extend(rest.into_iter().map(|mut mark| { mark.start += taken as u32; mark.end += taken as u32; mark }));
            prop_assert_eq!(parts, whole);
        }
    }
}
