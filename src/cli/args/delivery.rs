//! The arguments of what delivers, and of what asks after deliveries.

use clap::{Args, ValueEnum};
use std::path::PathBuf;
use std::time::Duration;

/// Where a project and what it remembers are.
#[derive(Debug, Args)]
pub(in crate::cli) struct Project {
    /// Targets of feedmill.toml, by name [default: all that are delivered]
    #[arg(value_name = "TARGET")]
    pub(in crate::cli) targets: Vec<String>,
    /// Project file [default: the nearest feedmill.toml above the working folder]
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) config: Option<String>,
    /// Folder of the built feeds
    #[arg(short, long, value_name = "FOLDER", default_value = "out")]
    pub(in crate::cli) out: PathBuf,
    /// State file, or the folder for it [default: a file for this project in the user's state folder]
    #[arg(long, value_name = "PATH")]
    pub(in crate::cli) state: Option<PathBuf>,
}

/// How a delivery ends.
#[derive(Debug, Args)]
pub(in crate::cli) struct Limits {
    /// Time after which the run ends, whatever is still open: seconds, or 10m, 1h
    #[arg(long, value_name = "TIME", default_value = "10m", value_parser = deadline)]
    pub(in crate::cli) deadline: Duration,
    /// How long to wait for another run that holds the lock: seconds, or 5m
    #[arg(long, value_name = "TIME", default_value = "0", value_parser = time)]
    pub(in crate::cli) lock_wait: Duration,
    /// What to do when another run still holds the lock
    #[arg(long, value_enum, default_value_t = IfLocked::Fail)]
    pub(in crate::cli) if_locked: IfLocked,
    /// Exit 9 when there was nothing to do
    #[arg(long)]
    pub(in crate::cli) error_on_unchanged: bool,
}

/// What to do when another run holds the lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum IfLocked {
    /// Exit 10.
    Fail,
    /// Exit 0.
    Ok,
}

/// `feedmill push`
#[derive(Debug, Args)]
pub(in crate::cli) struct Push {
    #[command(flatten)]
    pub(in crate::cli) project: Project,
    #[command(flatten)]
    pub(in crate::cli) limits: Limits,
    /// Print the exact requests, credentials replaced; send and remember nothing
    #[arg(short = 'n', long)]
    pub(in crate::cli) dry_run: bool,
    /// Rehearse: deliver to a sandbox inside this program, by HTTP and SFTP, with made-up credentials; remember nothing
    #[arg(long, conflicts_with = "dry_run")]
    pub(in crate::cli) sandbox: bool,
    /// With --sandbox: what goes wrong, such as 'GET *: 429 x3' or 'SFTP rename *: failure x2'; may be repeated
    #[arg(long, value_name = "FAULT", requires = "sandbox")]
    pub(in crate::cli) fault: Vec<crate::sandbox::Fault>,
    /// With --sandbox: write every exchange to this file, behind what it holds
    #[arg(long, value_name = "FILE", requires = "sandbox")]
    pub(in crate::cli) transcript: Option<PathBuf>,
    /// Let one held feed past the guards, by the digest that the hold named; with --dry-run, show what that would send
    #[arg(long, value_name = "DIGEST")]
    pub(in crate::cli) approve: Option<String>,
    /// Send everything, changed or not
    #[arg(long)]
    pub(in crate::cli) full: bool,
    /// Let a feed without items through
    #[arg(long)]
    pub(in crate::cli) allow_empty: bool,
    #[command(flatten)]
    pub(in crate::cli) watched: Watched,
    #[command(flatten)]
    pub(in crate::cli) shown: Shown,
}

/// What is reported and how.
#[derive(Debug, Args)]
pub(in crate::cli) struct Shown {
    /// Format of the report: full, concise, json, jsonl, markdown, html, github, sarif, gitlab, junit, rdjson, rdjsonl; FORMAT=FILE writes it to a file; may be repeated
    #[arg(long, value_name = "FORMAT[=FILE]")]
    pub(in crate::cli) output_format: Vec<String>,
    /// Findings of one code that text shows; 0 for all [default: 3, concise 20]
    #[arg(long, value_name = "N")]
    pub(in crate::cli) max_per_code: Option<usize>,
}

/// Who is told how it went.
#[derive(Debug, Args)]
pub(in crate::cli) struct Watched {
    /// Write how it went to this file, as Prometheus' node exporter reads it (`*.prom`); what the run says nothing of stays
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) metrics_file: Option<PathBuf>,
}

/// `feedmill run`
#[derive(Debug, Args)]
pub(in crate::cli) struct Run {
    #[command(flatten)]
    pub(in crate::cli) project: Project,
    #[command(flatten)]
    pub(in crate::cli) limits: Limits,
    #[command(flatten)]
    pub(in crate::cli) watched: Watched,
    #[command(flatten)]
    pub(in crate::cli) shown: Shown,
    /// Threads that judge and render [default: all processors]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(in crate::cli) threads: Option<u16>,
    /// Begin after a time drawn by chance, up to this, so that many machines do not call at once: seconds, or 1m
    #[arg(long, value_name = "TIME", default_value = "0", value_parser = time)]
    pub(in crate::cli) jitter: Duration,
}

/// `feedmill status`
#[derive(Debug, Args)]
pub(in crate::cli) struct Status {
    #[command(flatten)]
    pub(in crate::cli) project: Project,
    /// Ask again and again until nothing is open, or the time is over
    #[arg(long, value_name = "TIME", num_args = 0..=1, default_missing_value = "10m", value_parser = deadline)]
    pub(in crate::cli) watch: Option<Duration>,
    /// Print JSON
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

/// `feedmill errors`
#[derive(Debug, Args)]
pub(in crate::cli) struct Errors {
    #[command(flatten)]
    pub(in crate::cli) project: Project,
    #[command(flatten)]
    pub(in crate::cli) shown: Shown,
}

/// `feedmill history`
#[derive(Debug, Args)]
pub(in crate::cli) struct History {
    #[command(flatten)]
    pub(in crate::cli) project: Project,
    /// How many outcomes are shown
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub(in crate::cli) limit: u32,
    /// Print JSON
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

/// `feedmill verify`
#[derive(Debug, Args)]
pub(in crate::cli) struct Verify {
    #[command(flatten)]
    pub(in crate::cli) project: Project,
    /// Print JSON
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

/// Reads a time: seconds, or a number with s, m or h.
fn time(word: &str) -> Result<Duration, String> {
    let wrong = || "a time is a number of seconds, or one with s, m or h, such as 90, 5m or 1h".to_owned();
    let digits = word.trim_end_matches(['s', 'm', 'h']);
    let unit = match word.get(digits.len()..).unwrap_or("") {
        "" | "s" => 1,
        "m" => 60,
        "h" => 3600,
        _ => return Err(wrong()),
    };
    let number: u64 = digits.parse().map_err(|_| wrong())?;
    number.checked_mul(unit).filter(|seconds| *seconds <= 86_400).map(Duration::from_secs).ok_or_else(|| "a day is the most".to_owned())
}

/// Reads a time that is not over at once.
fn deadline(word: &str) -> Result<Duration, String> {
    time(word).and_then(|time| if time.is_zero() { Err("it must be a second at least".to_owned()) } else { Ok(time) })
}

#[cfg(test)]
mod tests {
    use super::{deadline, time};

    #[test]
    fn times_are_seconds_or_have_a_unit() {
        let seconds = |word: &str| time(word).map(|time| time.as_secs());
        assert_eq!([seconds("90"), seconds("90s"), seconds("5m"), seconds("1h")], [Ok(90), Ok(90), Ok(300), Ok(3600)]);
        for wrong in ["", "m", "1d", "1mm", "-1", "25h", "1.5m"] {
            assert!(time(wrong).is_err(), "{wrong}");
        }
        assert!(time("0").is_ok() && deadline("0").is_err());
    }
}
