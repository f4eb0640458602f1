//! The arguments of what a person asks before a run.

use super::delivery::Project;
use super::{Catalog, Reporting};
use clap::{Args, ValueEnum};
use std::time::Duration;

/// `feedmill preview`
#[derive(Debug, Args)]
#[command(
    after_help = "The page is one file that runs nothing. Only a browser that opens it loads images, from the https addresses in the catalog.\n\n\
    Examples:\n  \
        feedmill preview exports/products.csv -o report.html --currency USD --base-url https://shop.example --seller-name Northline\n  \
        feedmill preview exports/products.csv --target openai --target stripe --items 200\n  \
        feedmill preview out/openai/feed.jsonl.gz --no-images -o - > report.html"
)]
pub(in crate::cli) struct Preview {
    #[command(flatten)]
    pub(in crate::cli) catalog: Catalog,
    /// Target, such as openai or openai@2025-09; may be repeated [default: the targets of feedmill.toml, else openai]
    #[arg(short, long, value_name = "TARGET")]
    pub(in crate::cli) target: Vec<String>,
    /// The page to write; `-` for standard output
    #[arg(short, long, value_name = "FILE", default_value = "preview.html")]
    pub(in crate::cli) output: String,
    /// Items a target that are shown as cards, and a fifth as many of those it leaves out; 0 for none
    #[arg(long, value_name = "N", default_value_t = 60, value_parser = clap::value_parser!(u16).range(0..=1000))]
    pub(in crate::cli) items: u16,
    /// Load no images
    #[arg(long)]
    pub(in crate::cli) no_images: bool,
    #[command(flatten)]
    pub(in crate::cli) reporting: Reporting,
}

/// `feedmill doctor`
#[derive(Debug, Args)]
#[command(
    after_help = "Each line is ok, warn or fail. The exit code is 0 unless something fails: 2 settings and credentials, 3 sources, 5 nobody answers,\n\
    12 folders and state; the worst counts.\n\n\
    Examples:\n  \
        feedmill doctor\n  \
        feedmill doctor --online stripe-us\n  \
        feedmill doctor --config /srv/shop/feedmill.toml --out /srv/shop/out --output-format json"
)]
pub(in crate::cli) struct Doctor {
    #[command(flatten)]
    pub(in crate::cli) project: Project,
    /// Also ask whether the sources and destinations that the project file names answer; sends no credential to a target
    #[arg(long)]
    pub(in crate::cli) online: bool,
    /// Age from which a source counts as old: 90m, 12h, 2d
    #[arg(long, value_name = "TIME", default_value = "2d", value_parser = age)]
    pub(in crate::cli) max_age: Duration,
    /// Format of what is told
    #[arg(long, value_enum, default_value_t = Told::Human)]
    pub(in crate::cli) output_format: Told,
}

/// How something is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Told {
    /// For people.
    Human,
    /// For scripts.
    Json,
}

/// Reads an age: a number of minutes, hours or days.
fn age(word: &str) -> Result<Duration, String> {
    let wrong = || "an age is a number with m, h or d, such as 90m, 12h or 2d".to_owned();
    let unit = match word.chars().last() {
        Some('m') => 60,
        Some('h') => 3600,
        Some('d') => 86_400,
        _ => return Err(wrong()),
    };
    let number: u64 = word.get(..word.len() - 1).unwrap_or("").parse().map_err(|_| wrong())?;
    number
        .checked_mul(unit)
        .filter(|seconds| *seconds <= 3650 * 86_400)
        .map(Duration::from_secs)
        .ok_or_else(|| "ten years are the most".to_owned())
}

#[cfg(test)]
mod tests {
    use super::age;

    #[test]
    fn ages_have_a_unit() {
        let seconds = |word: &str| age(word).map(|age| age.as_secs());
        assert_eq!([seconds("90m"), seconds("12h"), seconds("2d")], [Ok(5400), Ok(43_200), Ok(172_800)]);
        for wrong in ["", "d", "2", "2w", "2dd", "3651d", "99999999999999999999d"] {
            assert!(age(wrong).is_err(), "{wrong}");
        }
    }
}
