//! Parquet files: rows of typed values, read page by page.

use super::chunks;
use super::rows::RowWriter;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;
use parquet::record::reader::RowIter;
use std::fs::File;
use std::io::Read;

/// The rows of a file, the names of its columns first.
///
/// # Errors
/// Why this is no Parquet file that can be read.
pub(super) fn rows(file: File) -> Result<Box<dyn Read + Send>, String> {
    let reader = SerializedFileReader::new(file).map_err(damaged)?;
    let meta = reader.metadata().file_metadata();
    let names: Vec<String> = meta.schema().get_fields().iter().map(|field| field.name().to_owned()).collect();
    let promised = meta.num_rows();
    Ok(chunks::stream(move |out| {
        for name in &names {
            out.text(name);
        }
        out.end().map_err(|error| error.to_string())?;
        let mut read = 0;
        for row in RowIter::from_file_into(Box::new(reader)) {
            let row = row.map_err(damaged)?;
            for (_, field) in row.get_column_iter() {
                write(field, out);
            }
            out.end().map_err(|error| error.to_string())?;
            read += 1;
        }
        if read == promised {
            Ok(())
        } else {
            Err(format!("the Parquet file promises {promised} rows and holds {read}: it is cut or damaged"))
        }
    }))
}

fn damaged(error: impl std::fmt::Display) -> String {
    format!("the Parquet file is cut or damaged: {error}")
}

fn write(field: &Field, out: &mut RowWriter<'_>) {
    match field {
        Field::Null => out.absent(),
        Field::Bool(value) => out.boolean(*value),
        Field::Str(text) => out.text(text),
        Field::Group(_) | Field::ListInternal(_) | Field::MapInternal(_) => out.json(&json(field).to_string()),
        other => {
            let (text, is_number) = plain(other);
            if is_number { out.number(&text) } else { out.text(&text) }
        }
    }
}

/// A value that holds no others: its text, and whether that is a number.
fn plain(field: &Field) -> (String, bool) {
    match field {
        Field::Byte(value) => (value.to_string(), true),
        Field::Short(value) => (value.to_string(), true),
        Field::Int(value) => (value.to_string(), true),
        Field::Long(value) => (value.to_string(), true),
        Field::UByte(value) => (value.to_string(), true),
        Field::UShort(value) => (value.to_string(), true),
        Field::UInt(value) => (value.to_string(), true),
        Field::ULong(value) => (value.to_string(), true),
        Field::Float16(value) => (value.to_string(), true),
        Field::Float(value) => (value.to_string(), true),
        Field::Double(value) => (value.to_string(), true),
        // Decimals are shown digit by digit, never through a float.
        Field::Decimal(_) => (field.to_string(), true),
        Field::Date(days) => (date(i64::from(*days)), false),
        Field::TimeMillis(value) => (time(i64::from(*value) * 1000), false),
        Field::TimeMicros(value) => (time(*value), false),
        Field::TimestampMillis(value) => (moment(value.saturating_mul(1000)), false),
        Field::TimestampMicros(value) => (moment(*value), false),
        Field::Bytes(bytes) => {
            let text = std::str::from_utf8(bytes.data()).map_or_else(|_| super::hex(bytes.data()), str::to_owned);
            (text, false)
        }
        Field::Null | Field::Bool(_) | Field::Str(_) | Field::Group(_) | Field::ListInternal(_) | Field::MapInternal(_) => {
            (String::new(), false)
        }
    }
}

fn json(field: &Field) -> serde_json::Value {
    use serde_json::Value;
    match field {
        Field::Null => Value::Null,
        Field::Bool(value) => Value::Bool(*value),
        Field::Str(text) => Value::String(text.clone()),
        Field::Group(row) => Value::Object(row.get_column_iter().map(|(name, field)| (name.clone(), json(field))).collect()),
        Field::ListInternal(list) => Value::Array(list.elements().iter().map(json).collect()),
        Field::MapInternal(map) => {
            let key = |field: &Field| match field {
                Field::Str(text) => text.clone(),
                other => plain(other).0,
            };
            Value::Object(map.entries().iter().map(|(name, value)| (key(name), json(value))).collect())
        }
        other => {
            let (text, is_number) = plain(other);
            let number = is_number.then(|| serde_json::from_str::<serde_json::Number>(&text).ok()).flatten();
            // A number whose digits JSON would change stays text.
            number.filter(|number| number.to_string() == text).map_or(Value::String(text), Value::Number)
        }
    }
}

fn date(days: i64) -> String {
    let days = i32::try_from(days).unwrap_or(0);
    jiff::civil::Date::constant(1970, 1, 1).saturating_add(jiff::Span::new().try_days(days).unwrap_or_default()).to_string()
}

fn time(micros: i64) -> String {
    let (seconds, rest) = (micros.div_euclid(1_000_000), micros.rem_euclid(1_000_000));
    let whole = format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    if rest == 0 { whole } else { format!("{whole}.{rest:06}") }
}

fn moment(micros: i64) -> String {
    const DAY: i64 = 86_400_000_000;
    format!("{}T{}Z", date(micros.div_euclid(DAY)), time(micros.rem_euclid(DAY)))
}

#[cfg(test)]
mod tests {
    use super::{date, moment, time};

    #[test]
    fn dates_and_times() {
        assert_eq!(date(20_431), "2025-12-09");
        assert_eq!(date(-1), "1969-12-31");
        assert_eq!(time(3_723_000_001), "01:02:03.000001");
        assert_eq!(moment(1_765_281_600_000_000), "2025-12-09T12:00:00Z");
        assert_eq!(moment(-1_000_000), "1969-12-31T23:59:59Z");
    }
}
