//! What others need for the least: one thread that only iterates a file. All figures are
//! ratios to this, taken in the same run.
//!
//! `calibrate csv FILE` iterates records with the csv crate, `jsonl` parses each line with
//! serde_json, `xml` reads events with quick-xml, `parquet` rows with the parquet crate, and
//! `sqlite` the rows of the table `products` with sqlx.

use parquet::file::reader::{FileReader, SerializedFileReader};
use std::fs::File;
use std::io::{BufRead, BufReader};

fn main() {
    let arguments: Vec<String> = std::env::args().filter(|argument| argument != "--bench").collect();
    let [_, kind, path] = arguments.as_slice() else { return };
    let records = match kind.as_str() {
        "csv" => csv_records(path),
        "jsonl" => json_lines(path),
        "xml" => xml_events(path),
        "parquet" => parquet_rows(path),
        _ => tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(sqlite_rows(path)),
    };
    #[expect(clippy::print_stdout, reason = "the count is what it is for, and keeps the loop from being left out")]
    {
        println!("{records}");
    }
}

fn open(path: &str) -> File {
    File::open(path).expect("a file")
}

fn csv_records(path: &str) -> u64 {
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(open(path));
    let (mut record, mut records) = (csv::ByteRecord::new(), 0);
    while reader.read_byte_record(&mut record).expect("CSV") {
        records += 1;
    }
    records
}

fn json_lines(path: &str) -> u64 {
    let lines = BufReader::new(open(path)).split(b'\n');
    lines.map(|line| u64::from(serde_json::from_slice::<serde_json::Value>(&line.expect("readable")).is_ok())).sum()
}

fn xml_events(path: &str) -> u64 {
    let mut reader = quick_xml::Reader::from_reader(BufReader::new(open(path)));
    let (mut buffer, mut events) = (Vec::new(), 0);
    while !matches!(reader.read_event_into(&mut buffer).expect("XML"), quick_xml::events::Event::Eof) {
        buffer.clear();
        events += 1;
    }
    events
}

fn parquet_rows(path: &str) -> u64 {
    let reader = SerializedFileReader::new(open(path)).expect("Parquet");
    reader.get_row_iter(None).expect("rows").map(|row| u64::from(row.expect("a row").len() > 0)).sum()
}

async fn sqlite_rows(path: &str) -> u64 {
    use futures_util::TryStreamExt;
    use sqlx::{Connection, Row};
    let mut connection = sqlx::SqliteConnection::connect(&format!("sqlite://{path}")).await.expect("a database");
    let (mut rows, mut count) = (sqlx::raw_sql("select * from products").fetch(&mut connection), 0);
    while let Some(row) = rows.try_next().await.expect("a row") {
        for column in 0..row.len() {
            std::hint::black_box(row.try_get_unchecked::<Option<&str>, _>(column).expect("text"));
        }
        count += 1;
    }
    count
}
