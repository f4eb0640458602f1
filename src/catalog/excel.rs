//! Workbooks: `.xlsx`, `.xlsb`, `.xls` and `.ods`, through calamine.
//!
//! A workbook promises more than it holds, and packs more than it weighs: what its archive
//! unpacks to is measured before anything is read, and of the formats that allow it only the
//! cells that are there are read, row by row, never the rectangle around them.

use super::chunks;
use super::decode::{MAX_RATIO, RATIO_FREE};
use super::rows::RowWriter;
use calamine::{CellErrorType, Data, DataRef, ExcelDateTime, Ods, Reader, Sheet, SheetType, Sheets, Xls, Xlsb, Xlsx};
use std::fs::File;
use std::io::{BufReader, Read, Seek};

/// Most bytes of an old workbook, which is read whole.
const MAX_COMPOUND: u64 = 256 << 20;
/// Most rows of a sheet.
const MAX_ROWS: u32 = 1 << 20;

type Book = Sheets<BufReader<File>>;

/// A sheet that was found.
pub(super) struct Found {
    /// The format's word.
    pub(super) word: &'static str,
    /// The sheet's name.
    pub(super) sheet: String,
    /// Its rows.
    pub(super) rows: Box<dyn Read + Send>,
}

/// The rows of a sheet: the one asked for, else the first that has any.
///
/// # Errors
/// Why this is no workbook that can be read.
pub(super) fn rows(file: File, compound: bool, wanted: Option<&str>) -> Result<Found, String> {
    let (mut book, word) = if compound { compound_book(file)? } else { zipped_book(&file)? };
    let sheets: Vec<Sheet> = book.sheets_metadata().to_vec();
    let names: Vec<&str> = sheets.iter().filter(|sheet| sheet.typ == SheetType::WorkSheet).map(|sheet| sheet.name.as_str()).collect();
    let sheet = match wanted {
        Some(wanted) => {
            let exact = names.iter().find(|name| **name == wanted);
            let found = exact.or_else(|| names.iter().find(|name| name.to_lowercase() == wanted.to_lowercase()));
            found.ok_or_else(|| format!("the workbook has no sheet `{wanted}`; it has {}", names.join(", ")))?
        }
        None => {
            let mut found = None;
            for name in &names {
                if has_cells(&mut book, name)? {
                    found = Some(name);
                    break;
                }
            }
            found.ok_or("no sheet of the workbook has a cell with a value")?
        }
    };
    let sheet = (*sheet).to_owned();
    let name = sheet.clone();
    Ok(Found { word, sheet, rows: chunks::stream(move |out| write(book, &name, out)) })
}

fn zipped_book(file: &File) -> Result<(Book, &'static str), String> {
    let reader = || file.try_clone().map(BufReader::new).map_err(|error| error.to_string());
    let broken = |error: zip::result::ZipError| format!("the archive is cut or damaged: {error}");
    let mut archive = zip::ZipArchive::new(reader()?).map_err(broken)?;
    let has = |name: &str| archive.file_names().any(|known| known.is_ok_and(|known| known.eq_ignore_ascii_case(name)));
    let word = if has("xl/workbook.xml") {
        "xlsx"
    } else if has("xl/workbook.bin") {
        "xlsb"
    } else if has("content.xml") && has("mimetype") {
        "ods"
    } else {
        return Err("this is a ZIP archive that holds no workbook; unpack it, and give the catalog that is in it".to_owned());
    };
    measure(&mut archive)?;
    drop(archive);
    let mut reader = reader()?;
    reader.rewind().map_err(|error| error.to_string())?;
    Ok(match word {
        "xlsx" => (Sheets::Xlsx(Xlsx::new(reader).map_err(damaged)?), word),
        "xlsb" => (Sheets::Xlsb(Xlsb::new(reader).map_err(damaged)?), word),
        _ => (Sheets::Ods(Ods::new(reader).map_err(damaged)?), word),
    })
}

fn compound_book(file: File) -> Result<(Book, &'static str), String> {
    let size = file.metadata().map(|meta| meta.len()).map_err(|error| error.to_string())?;
    if size > MAX_COMPOUND {
        return Err("an old workbook of more than 256 MiB is not read; save it as .xlsx".to_owned());
    }
    let book = Xls::new(BufReader::new(file));
    let book =
        book.map_err(|error| format!("this is an Office document, but no workbook that can be read, or it has a password: {error}"))?;
    Ok((Sheets::Xls(book), "xls"))
}

fn damaged(error: impl std::fmt::Display) -> String {
    format!("the workbook is damaged, or has a password: {error}")
}

/// Unpacks everything to nowhere, and refuses what grows out of all proportion: what the
/// archive itself says of its sizes may be a lie.
fn measure(archive: &mut zip::ZipArchive<BufReader<File>>) -> Result<(), String> {
    let mut buffer = vec![0; 64 << 10];
    let (mut packed, mut unpacked) = (1, 0);
    for place in 0..archive.len() {
        let mut part = archive.by_index(place).map_err(damaged)?;
        packed += part.compressed_size();
        loop {
            let read = part.read(&mut buffer).map_err(|error| format!("the workbook is cut or damaged: {error}"))?;
            if read == 0 {
                break;
            }
            unpacked += read as u64;
            if unpacked > RATIO_FREE && unpacked / packed > MAX_RATIO {
                return Err(format!("the workbook unpacks to more than {MAX_RATIO} times its size, which no catalog does"));
            }
        }
    }
    Ok(())
}

fn has_cells(book: &mut Book, sheet: &str) -> Result<bool, String> {
    let mut any = false;
    cells(book, sheet, &mut |_, _, _| {
        any = true;
        Ok(false)
    })?;
    Ok(any)
}

/// A value as it is shown: whether it is a number, and its text.
enum Shown<'a> {
    Text(&'a str),
    Made(String),
    Number(f64),
    Whole(i64),
    Boolean(bool),
}

/// Calls `see` with row, column and value of each cell that has one, row by row, until it
/// says that it has seen enough.
fn cells(book: &mut Book, sheet: &str, see: &mut dyn FnMut(u32, u32, Shown<'_>) -> Result<bool, String>) -> Result<(), String> {
    macro_rules! each {
        ($reader:expr) => {{
            let mut reader = $reader.map_err(damaged)?;
            while let Some(cell) = reader.next_cell().map_err(damaged)? {
                let (row, column) = cell.get_position();
                let Some(shown) = shown(cell.get_value()) else { continue };
                if !see(row, column, shown)? {
                    break;
                }
            }
        }};
    }
    match book {
        Sheets::Xlsx(book) => each!(book.worksheet_cells_reader(sheet)),
        Sheets::Xlsb(book) => each!(book.worksheet_cells_reader(sheet)),
        Sheets::Xls(_) | Sheets::Ods(_) => {
            let range = book.worksheet_range(sheet).map_err(damaged)?;
            let (top, left) = range.start().unwrap_or_default();
            for (row, column, value) in range.used_cells() {
                let value = borrowed(value);
                let Some(shown) = shown(&value) else { continue };
                if !see(top + row as u32, left + column as u32, shown)? {
                    break;
                }
            }
        }
    }
    Ok(())
}

fn borrowed(value: &Data) -> DataRef<'_> {
    match value {
        Data::Int(value) => DataRef::Int(*value),
        Data::Float(value) => DataRef::Float(*value),
        Data::String(text) => DataRef::SharedString(text),
        Data::Bool(value) => DataRef::Bool(*value),
        Data::DateTime(value) => DataRef::DateTime(*value),
        Data::DateTimeIso(text) => DataRef::DateTimeIso(text.clone()),
        Data::DurationIso(text) => DataRef::DurationIso(text.clone()),
        Data::Error(error) => DataRef::Error(error.clone()),
        Data::Empty => DataRef::Empty,
    }
}

fn shown<'a>(value: &'a DataRef<'_>) -> Option<Shown<'a>> {
    Some(match value {
        DataRef::Empty => return None,
        DataRef::String(text) | DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => Shown::Text(text),
        DataRef::SharedString(text) => Shown::Text(text),
        DataRef::Int(value) => Shown::Whole(*value),
        DataRef::Float(value) => Shown::Number(*value),
        DataRef::Bool(value) => Shown::Boolean(*value),
        DataRef::DateTime(value) => Shown::Made(moment(value)),
        DataRef::Error(error) => Shown::Text(match error {
            CellErrorType::Div0 => "#DIV/0!",
            CellErrorType::NA => "#N/A",
            CellErrorType::Name => "#NAME?",
            CellErrorType::Null => "#NULL!",
            CellErrorType::Num => "#NUM!",
            CellErrorType::Ref => "#REF!",
            CellErrorType::Value => "#VALUE!",
            CellErrorType::GettingData => "#GETTING_DATA",
        }),
    })
    .filter(|shown| !matches!(shown, Shown::Text("")))
}

/// A date, a time, or both, as ISO 8601 writes them.
fn moment(value: &ExcelDateTime) -> String {
    let serial = value.as_f64();
    if value.is_duration() {
        let seconds = (serial * 86_400.0).round() as i64;
        return format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    }
    let (year, month, day, hour, minute, second, _) = value.to_ymd_hms_milli();
    let time = format!("{hour:02}:{minute:02}:{second:02}");
    if serial < 1.0 {
        time
    } else if (hour, minute, second) == (0, 0, 0) {
        format!("{year:04}-{month:02}-{day:02}")
    } else {
        format!("{year:04}-{month:02}-{day:02}T{time}")
    }
}

/// A number with the fifteen digits that a workbook shows, so that 0.1 + 0.2 is 0.3 and an
/// article number stays whole.
fn digits(value: f64) -> String {
    let rounded: f64 = format!("{value:.14e}").parse().unwrap_or(value);
    format!("{rounded}")
}

fn write(mut book: Book, sheet: &str, out: &mut RowWriter<'_>) -> Result<(), String> {
    let (mut row, mut column) = (0u32, 0u32);
    cells(&mut book, sheet, &mut |to_row, to_column, shown| {
        if to_row >= MAX_ROWS || to_row < row || to_row == row && to_column < column {
            return Err(format!("the cell in row {}, column {} is out of its order: the workbook is damaged", to_row + 1, to_column + 1));
        }
        while row < to_row {
            out.end().map_err(|error| error.to_string())?;
            (row, column) = (row + 1, 0);
        }
        for _ in column..to_column {
            out.absent();
        }
        column = to_column + 1;
        match shown {
            Shown::Text(text) => out.text(text),
            Shown::Made(text) => out.text(&text),
            Shown::Number(value) => out.number(&digits(value)),
            Shown::Whole(value) => out.number(&value.to_string()),
            Shown::Boolean(value) => out.boolean(value),
        }
        Ok(true)
    })?;
    out.end().map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::{digits, moment};
    use calamine::{ExcelDateTime, ExcelDateTimeType};

    #[test]
    fn numbers_and_dates_as_they_are_shown() {
        for (value, text) in [
            (4_006_381_333_931.0, "4006381333931"),
            (0.1 + 0.2, "0.3"),
            (19.99, "19.99"),
            (24.0, "24"),
            (-1.5, "-1.5"),
            (0.0, "0"),
            (1e15, "1000000000000000"),
        ] {
            assert_eq!(digits(value), text);
        }
        let date = |serial| moment(&ExcelDateTime::new(serial, ExcelDateTimeType::DateTime, false));
        assert_eq!(date(46_000.0), "2025-12-09");
        assert_eq!(date(46_000.5), "2025-12-09T12:00:00");
        assert_eq!(date(0.25), "06:00:00");
        assert_eq!(moment(&ExcelDateTime::new(1.5, ExcelDateTimeType::TimeDelta, false)), "36:00:00");
    }
}
