//! What others need for the least: one thread that only iterates a file. All figures are
//! ratios to this, taken in the same run.
//!
//! `calibrate csv FILE` iterates records with the csv crate, `calibrate jsonl FILE` parses
//! each line with serde_json.

use std::io::BufRead;

fn main() {
    let arguments: Vec<String> = std::env::args().filter(|argument| argument != "--bench").collect();
    let [_, kind, path] = arguments.as_slice() else { return };
    let file = std::fs::File::open(path).expect("a file");
    let mut records = 0u64;
    match kind.as_str() {
        "csv" => {
            let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(file);
            let mut record = csv::ByteRecord::new();
            while reader.read_byte_record(&mut record).expect("CSV") {
                records += 1;
            }
        }
        _ => {
            for line in std::io::BufReader::new(file).split(b'\n') {
                let sound = serde_json::from_slice::<serde_json::Value>(&line.expect("readable")).is_ok();
                records += u64::from(sound);
            }
        }
    }
    #[expect(clippy::print_stdout, reason = "the count is what it is for, and keeps the loop from being left out")]
    {
        println!("{records}");
    }
}
