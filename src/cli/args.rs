//! What may be typed. Nothing here opens a file.

mod before;
mod delivery;
mod items;

pub(super) use before::{Doctor, Preview, Told};
pub(super) use delivery::{Errors, History, IfLocked, Limits, Project, Push, Run, Shown, Status, Verify};
pub(super) use items::{Diff, Trace};

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Mills a merchant's catalog into the product feeds that shopping agents take.
#[derive(Debug, Parser)]
#[command(
    name = "feedmill",
    version,
    about,
    arg_required_else_help = true,
    infer_subcommands = false,
    after_help = "Examples:\n  \
        feedmill inspect exports/products.csv\n  \
        feedmill init exports/products.csv --currency USD --base-url https://shop.example --seller-name Northline\n  \
        feedmill build exports/products.csv --target openai --target stripe --currency USD --base-url https://shop.example --seller-name Northline --out out\n  \
        feedmill check out/openai/feed.jsonl.gz --target openai\n  \
        feedmill explain gtin/check-digit\n\n\
        Exit codes: 0 done, 1 findings, 2 usage or settings, 3 input missing or incomplete, 4 held by a guard, 5 temporary failure, 6 access refused, \
        7 feed refused, 8 some items refused, 9 unchanged (on request), 10 another run, 11 sent, end unknown, 12 output not written, \
        101 internal error, 130 interrupted, 143 terminated"
)]
pub struct Cli {
    #[command(flatten)]
    pub(super) terminal: Terminal,
    #[command(subcommand)]
    pub(super) command: Command,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Render feeds for one or more targets from a catalog
    Build(Build),
    /// Judge a catalog or a finished feed; nothing is written
    Check(Check),
    /// Render a finished feed of one spec for another, with an account of every column
    Convert(Convert),
    /// Check a finished feed and write it with the safe repairs made, in the same format
    Fix(Fix),
    /// Say what differs between two catalogs or feeds, item by item
    Diff(Diff),
    /// Follow one item from its cells in the catalog to those of each target
    Trace(Trace),
    /// Show on one page how a catalog's items will look, and what is left out
    Preview(Preview),
    /// Show what is in a catalog: format, platform, columns, what is missing
    Inspect(Inspect),
    /// Write a commented feedmill.toml for a catalog; never overwrites one
    Init(Init),
    /// Explain a code of a finding: what, why, what to do, an example
    Explain(Explain),
    /// List the targets, or the fields of one; or say what changed between two
    Spec(SpecArgs),
    /// Print the JSON Schema of a target's rows as JSON, or of feedmill.toml
    Schema(SchemaArgs),
    /// Print a script that completes commands and flags in a shell
    Completions(Completions),
    /// Print the manual page
    Man(Manual),
    /// Serve a local stand-in for every target's API, to rehearse without an account
    Sandbox(Sandbox),
    /// Deliver what was built, wait for the verdict, show every refusal at its source row
    Push(Push),
    /// Build and push what changed, for cron: lock, read, build, guard, push, report
    Run(Run),
    /// Show what each target said last; ask again where something is open
    Status(Status),
    /// Show the rows that targets refused last, at their source lines
    Errors(Errors),
    /// Show past runs
    History(History),
    /// Read back what targets hold and compare it with what was built
    Verify(Verify),
    /// Look at what a run needs, and say what to do; changes nothing
    Doctor(Doctor),
}

/// How the program talks.
#[derive(Debug, Args)]
pub(super) struct Terminal {
    /// When to colour text
    #[arg(long, value_enum, default_value_t = Color::Auto, global = true)]
    pub(super) color: Color,
    /// Never colour text
    #[arg(long, global = true)]
    pub(super) no_color: bool,
    /// No progress and no talk on standard error
    #[arg(short, long, global = true)]
    pub(super) quiet: bool,
}

/// When to colour text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Color {
    /// In a terminal, unless NO_COLOR or TERM=dumb say otherwise.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// What is read and how.
#[derive(Debug, Args)]
pub(super) struct Catalog {
    /// Catalogs or feeds: files, globs, http(s) addresses, databases (`sqlite:shop.db`, `postgres://user@host/db`), or `-` for standard input; left out: the sources of feedmill.toml
    #[arg(value_name = "INPUT")]
    pub(super) inputs: Vec<String>,
    #[command(flatten)]
    pub(super) reading: Reading,
}

/// What is said of inputs instead of leaving it to detection and to the project file.
#[derive(Debug, Args)]
pub(super) struct Reading {
    /// Project file; `none` for none [default: the nearest feedmill.toml above the working folder, else the one beside the input]
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<String>,
    /// Platform of the catalog; detected from its columns
    #[arg(long, value_name = "NAME")]
    pub(super) preset: Option<String>,
    /// Format of the input: csv, tsv, json, jsonl, xml, parquet, xlsx, xls, ods, sqlite; detected
    #[arg(long, value_name = "FORMAT")]
    pub(super) from: Option<String>,
    /// Encoding of the input, such as windows-1252; detected
    #[arg(long, value_name = "LABEL")]
    pub(super) encoding: Option<String>,
    /// Separator of a delimited input: one character, or `tab`; detected
    #[arg(long, value_name = "CHAR")]
    pub(super) delimiter: Option<String>,
    /// Element of an XML input that is a record, or list of a JSON input whose entries are: its path,
    /// such as catalog/product, or the end of one; detected
    #[arg(long, value_name = "PATH")]
    pub(super) record: Option<String>,
    /// Sheet of a workbook; the first that has a value
    #[arg(long, value_name = "NAME")]
    pub(super) sheet: Option<String>,
    /// Query to read from a database, in one snapshot that cannot write
    #[arg(long, value_name = "SELECT", conflicts_with = "table")]
    pub(super) query: Option<String>,
    /// Table to read from a database
    #[arg(long, value_name = "NAME")]
    pub(super) table: Option<String>,
    /// Let the named address lead into a private network or to this machine; no redirect may
    #[arg(long)]
    pub(super) allow_private: bool,
    /// Column names of a delimited input without a header, separated by commas
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub(super) header: Vec<String>,
    /// Store view or language whose values count, where the catalog holds several
    #[arg(long, value_name = "CODE")]
    pub(super) view: Option<String>,
    /// Currency of amounts that name none, such as USD
    #[arg(long, value_name = "CODE")]
    pub(super) currency: Option<String>,
    /// Decimal mark of amounts that leave it open: `.` or `,`
    #[arg(long, value_name = "MARK")]
    pub(super) decimal: Option<String>,
    /// Address of the shop, which completes relative links
    #[arg(long, value_name = "URL")]
    pub(super) base_url: Option<String>,
    /// Address of the folder of images that the catalog names without one [default: that of the shop]
    #[arg(long, value_name = "URL")]
    pub(super) image_base_url: Option<String>,
    /// Seller of items that name none
    #[arg(long, value_name = "NAME")]
    pub(super) seller_name: Option<String>,
    /// One value of an attribute for all items; may be repeated
    #[arg(long, value_name = "ATTRIBUTE=VALUE")]
    pub(super) set: Vec<String>,
}

/// What is reported and how.
#[derive(Clone, Debug, Args)]
pub(super) struct Reporting {
    /// Format of the report: full, concise, json, jsonl, markdown, html, github, sarif, gitlab, junit, rdjson, rdjsonl; FORMAT=FILE writes it to a file; may be repeated
    #[arg(long, value_name = "FORMAT[=FILE]")]
    pub(super) output_format: Vec<String>,
    /// Findings of one code that text shows; 0 for all [default: 3, concise 20]
    #[arg(long, value_name = "N")]
    pub(super) max_per_code: Option<usize>,
    /// Severity from which the run fails: error, warning, never
    #[arg(long, value_name = "SEVERITY")]
    pub(super) fail_on: Option<String>,
    /// Write what bad values were probably meant to be (`in_stok`, an address without https://), which is listed and otherwise only suggested
    #[arg(long)]
    pub(super) fix_suggested: bool,
    /// File of findings that are known: they are not reported and do not fail the run; `none` for none [default: that of feedmill.toml]
    #[arg(long, value_name = "FILE")]
    pub(super) baseline: Option<PathBuf>,
    /// Write all findings to a file, as known from now on: none is reported, and a new one fails a run with `--baseline`
    #[arg(long, value_name = "FILE", conflicts_with = "baseline")]
    pub(super) write_baseline: Option<PathBuf>,
    /// Exit 0 whatever is found; a build without an accepted item still exits 1
    #[arg(long)]
    pub(super) exit_zero: bool,
    /// Threads that judge and render [default: all processors]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(super) threads: Option<u16>,
    /// Memory for what must be kept of rows until the end, such as ids; more goes to disk: 64M, 2G
    #[arg(long, value_name = "SIZE", default_value = "160M", value_parser = size)]
    pub(super) memory: usize,
}

/// Reads a size: a number, perhaps with K, M or G.
fn size(word: &str) -> Result<usize, String> {
    let digits = word.trim_end_matches(['K', 'M', 'G', 'k', 'm', 'g']);
    let shift = match word.get(digits.len()..).unwrap_or("").to_ascii_uppercase().as_str() {
        "" => 0,
        "K" => 10,
        "M" => 20,
        "G" => 30,
        _ => return Err("a size is a number with K, M or G, such as 64M".to_owned()),
    };
    let number: usize = digits.parse().map_err(|_| "a size is a number with K, M or G, such as 64M".to_owned())?;
    number.checked_mul(1 << shift).filter(|size| *size > 0).ok_or_else(|| "the size is out of range".to_owned())
}

/// `feedmill build`
#[derive(Debug, Args)]
pub(super) struct Build {
    #[command(flatten)]
    pub(super) catalog: Catalog,
    /// Target, such as openai or openai@2025-09; may be repeated [default: the targets of feedmill.toml, else openai]
    #[arg(short, long, value_name = "TARGET")]
    pub(super) target: Vec<String>,
    /// Format of the feed: csv, tsv, json, jsonl, xml, each also with .gz or .zst, or parquet; may be repeated or separated by commas
    #[arg(short, long, value_name = "FORMAT", value_delimiter = ',')]
    pub(super) format: Vec<String>,
    /// Folder for the feeds; each target gets a folder of its own in it
    #[arg(short, long, value_name = "FOLDER", default_value = "out")]
    pub(super) out: PathBuf,
    /// Write a feed even when no item is accepted
    #[arg(long)]
    pub(super) allow_empty: bool,
    /// Folder for what is remembered between runs [default: feedmill below XDG_STATE_HOME, else ~/.local/state]
    #[arg(long, value_name = "FOLDER")]
    pub(super) state: Option<PathBuf>,
    #[command(flatten)]
    pub(super) reporting: Reporting,
}

/// `feedmill check`
#[derive(Debug, Args)]
pub(super) struct Check {
    #[command(flatten)]
    pub(super) catalog: Catalog,
    /// Target, such as openai or openai@2025-09; may be repeated [default: the targets of feedmill.toml, else openai]
    #[arg(short, long, value_name = "TARGET")]
    pub(super) target: Vec<String>,
    #[command(flatten)]
    pub(super) reporting: Reporting,
}

/// How a finished feed is read.
#[derive(Debug, Args)]
pub(super) struct OfFeed {
    /// Encoding of the feed, such as windows-1252; detected
    #[arg(long, value_name = "LABEL")]
    pub(super) encoding: Option<String>,
    /// Currency of amounts that name none, such as USD
    #[arg(long, value_name = "CODE")]
    pub(super) currency: Option<String>,
    /// Address of the shop, which completes relative links
    #[arg(long, value_name = "URL")]
    pub(super) base_url: Option<String>,
}

/// `feedmill convert`
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    feedmill convert feed.csv --from openai@2025-09 --to openai\n  \
    feedmill convert out/openai/feed.jsonl.gz --from openai --to stripe --format csv --output-format json")]
pub(super) struct Convert {
    /// The feed: a file, or `-` for standard input
    pub(super) feed: String,
    /// The spec it follows, such as openai@2025-09
    #[arg(long, value_name = "TARGET")]
    pub(super) from: String,
    /// The spec it is to follow, such as openai or stripe
    #[arg(long, value_name = "TARGET")]
    pub(super) to: String,
    /// Format of the new feed, as for `build`; may be repeated or separated by commas [default: the target's own]
    #[arg(short, long, value_name = "FORMAT", value_delimiter = ',')]
    pub(super) format: Vec<String>,
    /// Folder for the new feed, which gets a folder of its own in it
    #[arg(short, long, value_name = "FOLDER", default_value = "out")]
    pub(super) out: PathBuf,
    #[command(flatten)]
    pub(super) of_feed: OfFeed,
    /// Seller of items that name none
    #[arg(long, value_name = "NAME")]
    pub(super) seller_name: Option<String>,
    /// One value of an attribute for all items, such as one that the new spec asks for; may be repeated
    #[arg(long, value_name = "ATTRIBUTE=VALUE")]
    pub(super) set: Vec<String>,
    /// Write a feed even when no item is accepted
    #[arg(long)]
    pub(super) allow_empty: bool,
    #[command(flatten)]
    pub(super) reporting: Reporting,
}

/// `feedmill fix`
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    feedmill fix feed.csv -o fixed.csv\n  \
    feedmill fix feed.jsonl.gz -o fixed.jsonl.gz --target openai@2026-07 --output-format json=report.json\n  \
    zcat feed.csv.gz | feedmill fix - -o - | gzip > fixed.csv.gz\n\n\
    What is not repaired keeps its bytes: other cells, columns and records, and those that could not be read.")]
pub(super) struct Fix {
    /// The feed: delimited text or JSON Lines, packed or not, or `-` for standard input
    pub(super) feed: String,
    /// The file to write, packed where its name ends in .gz or .zst; `-` for standard output; it may be the feed itself
    #[arg(short, long, value_name = "FILE")]
    pub(super) output: PathBuf,
    /// Whose feed it is, such as openai or openai@2026-07 [default: what its columns are]
    #[arg(short, long, value_name = "TARGET")]
    pub(super) target: Option<String>,
    #[command(flatten)]
    pub(super) of_feed: OfFeed,
    #[command(flatten)]
    pub(super) reporting: Reporting,
}

/// `feedmill inspect`
#[derive(Debug, Args)]
pub(super) struct Inspect {
    #[command(flatten)]
    pub(super) catalog: Catalog,
    /// Target whose required fields are looked for [default: the first of feedmill.toml, else openai]
    #[arg(short, long, value_name = "TARGET")]
    pub(super) target: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

/// `feedmill init`
#[derive(Debug, Args)]
pub(super) struct Init {
    #[command(flatten)]
    pub(super) catalog: Catalog,
    /// Target to render; may be repeated [default: openai]
    #[arg(short, long, value_name = "TARGET")]
    pub(super) target: Vec<String>,
    /// The file to write [default: feedmill.toml]
    #[arg(short, long, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,
}

/// `feedmill explain`
#[derive(Debug, Args)]
pub(super) struct Explain {
    /// The code, such as gtin/check-digit, or half of one, such as gtin; left out: all codes
    pub(super) code: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

/// `feedmill spec`
#[derive(Debug, Args)]
pub(super) struct SpecArgs {
    /// The target; left out: all targets
    pub(super) target: Option<String>,
    /// The transforms that `clean` in a mapping may name, instead
    #[arg(long)]
    pub(super) transforms: bool,
    /// Only required fields
    #[arg(long)]
    pub(super) required: bool,
    /// What changed from one target or version to another
    #[arg(long, num_args = 2, value_names = ["OLD", "NEW"], conflicts_with_all = ["target", "required", "transforms"])]
    pub(super) diff: Vec<String>,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

/// `feedmill sandbox`
#[derive(Debug, Args)]
#[command(after_help = "A fault is METHOD PATH: WHAT [OPTION..]. `*` stands for any method or characters; the path may leave the\n\
    prefix out. WHAT is a status from 300 to 599, reset (in the middle of the request), lost (done, no answer), cut (done, half an\n\
    answer), silent (nothing is done, no answer ever), body-failed (success, but the body says failed) or never-done (pending for\n\
    ever). Options: xN strikes, after=N calls that pass before; for a status also retry-after=, should-retry=, reason=, location=, code=.\n\n\
    For SFTP the method is `SFTP REQUEST`: login, open, read, write, fsync, close, stat, setstat, readdir, rename, remove, mkdir, rmdir,\n\
    or `*`; and instead of a status WHAT is no-such-file, permission-denied, failure, unsupported, or for stat size=N. What becomes of\n\
    a file under its name is `SFTP upload`.\n\n\
    Examples:\n  \
        feedmill sandbox\n  \
        feedmill sandbox --listen 127.0.0.1:8080 --listen-sftp 127.0.0.1:2222 --fault 'SFTP rename *: failure x2'\n  \
        feedmill sandbox --fault 'PATCH /feeds/*: 429 x3 retry-after=1' --fault 'POST /v2/*: lost x1'")]
pub(super) struct Sandbox {
    /// Where to listen; a loopback address, port 0 for any free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    pub(super) listen: std::net::SocketAddr,
    /// Where its SFTP server listens; a loopback address, port 0 for any free one
    #[cfg(feature = "sftp")]
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    pub(super) listen_sftp: std::net::SocketAddr,
    /// What goes wrong, such as 'PATCH /feeds/*: 429 x3'; may be repeated
    #[arg(long, value_name = "FAULT")]
    pub(super) fault: Vec<crate::sandbox::Fault>,
    /// Also write every exchange to this file, behind what it holds
    #[arg(long, value_name = "FILE")]
    pub(super) transcript: Option<PathBuf>,
}

/// `feedmill schema`
#[derive(Debug, Args)]
pub(super) struct SchemaArgs {
    /// A target, such as openai or stripe, for a row of its feed; or `config` for feedmill.toml
    #[arg(value_name = "TARGET|config")]
    pub(super) of: String,
}

/// `feedmill completions`
#[derive(Debug, Args)]
pub(super) struct Completions {
    /// The shell
    pub(super) shell: clap_complete::Shell,
}

/// `feedmill man`
#[derive(Debug, Args)]
pub(super) struct Manual {
    /// The command; left out: the program as a whole
    pub(super) command: Option<String>,
}
