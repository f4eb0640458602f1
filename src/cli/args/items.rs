//! The arguments of what looks at items one by one.

use super::{Catalog, Reading, size};
use clap::Args;

/// `feedmill diff`
#[derive(Debug, Args)]
#[command(after_help = "Items are compared by id, as a build reads them: the order and the names of columns, the format, and\n\
    notations such as `in stock` for `in_stock` do not count. What is said of the inputs is said of both. A project\n\
    file is read only where --config names it; its rules apply to both.\n\n\
    Exit code 0: the same items with the same values. 1: something differs, or a record could not be read.\n\n\
    Examples:\n  \
    feedmill diff yesterday.csv today.csv\n  \
    feedmill diff last/feed.jsonl.gz out/openai/feed.jsonl.gz --max-per-code 20\n  \
    feedmill diff exports/products.csv out/openai/feed.jsonl.gz --currency USD --base-url https://shop.example\n  \
    feedmill diff old.csv new.csv --output-format jsonl")]
pub(in crate::cli) struct Diff {
    /// What was: a file, a glob, an address, or `-` for standard input
    pub(in crate::cli) old: String,
    /// What is
    pub(in crate::cli) new: String,
    #[command(flatten)]
    pub(in crate::cli) reading: Reading,
    /// Format of the report: human, json, jsonl; FORMAT=FILE writes it to a file; may be repeated
    #[arg(long, value_name = "FORMAT[=FILE]")]
    pub(in crate::cli) output_format: Vec<String>,
    /// Differences of one attribute that text shows, and items that came or went; 0 for all [default: 5]
    #[arg(long, value_name = "N")]
    pub(in crate::cli) max_per_code: Option<usize>,
    /// Memory for what is compared; more goes to disk: 64M, 2G
    #[arg(long, value_name = "SIZE", default_value = "160M", value_parser = size)]
    pub(in crate::cli) memory: usize,
}

/// `feedmill trace`
#[derive(Debug, Args)]
#[command(after_help = "ITEM is the id as it is published; where ids are made of others, a SKU, a row's own id or a GTIN that one item\n\
    alone has will do. A finished feed of the target is judged as it is, anything else as a build would make it.\n\n\
    Exit code 0: the item was found, accepted or not. 2: no single item is meant; the nearest ids are named.\n\n\
    Examples:\n  \
    feedmill trace SKU-42 exports/products.csv --currency USD --base-url https://shop.example\n  \
    feedmill trace SKU-42 --target openai --target stripe\n  \
    feedmill trace SKU-42 out/openai/feed.jsonl.gz --target openai --output-format json")]
pub(in crate::cli) struct Trace {
    /// The item's id
    pub(in crate::cli) item: String,
    #[command(flatten)]
    pub(in crate::cli) catalog: Catalog,
    /// Target, such as openai or openai@2025-09; may be repeated [default: the targets of feedmill.toml, else openai]
    #[arg(short, long, value_name = "TARGET")]
    pub(in crate::cli) target: Vec<String>,
    /// Format of the report: human, json; FORMAT=FILE writes it to a file; may be repeated
    #[arg(long, value_name = "FORMAT[=FILE]")]
    pub(in crate::cli) output_format: Vec<String>,
    /// Memory for what must be kept of rows until the end, such as ids; more goes to disk: 64M, 2G
    #[arg(long, value_name = "SIZE", default_value = "160M", value_parser = size)]
    pub(in crate::cli) memory: usize,
}
