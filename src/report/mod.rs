//! Reports: findings and the summary of a run, in the format asked for. Sees nothing else.

mod account;
mod concise;
mod github;
mod gitlab;
mod html;
mod human;
mod json;
mod junit;
mod markdown;
pub mod metrics;
pub mod page;
mod rdjson;
mod sarif;
mod worst;

use crate::account::Account;
use crate::finding::baseline::Known;
use crate::finding::sink::Listen;
use crate::finding::{Extent, Finding, Place, Severity};
use crate::sample::View;
use crate::summary::{Counts, InputSummary, Repaired};
use std::io::{self, Write};
use std::sync::Arc;

pub use json::finding_value;

/// The words for `--output-format`.
pub const FORMATS: [&str; 12] =
    ["full", "concise", "json", "jsonl", "markdown", "html", "github", "sarif", "gitlab", "junit", "rdjson", "rdjsonl"];

/// What a report is told before the first finding.
#[derive(Clone, Debug, Default)]
pub struct Opening {
    /// The command.
    pub command: &'static str,
    /// The sources, by number.
    pub files: Vec<Arc<str>>,
    /// Whether text may be coloured.
    pub colour: bool,
    /// How many findings of a code text shows; `None` for as many as the format usually does, 0 for all.
    pub max_per_code: Option<usize>,
    /// How many characters a line of text may have.
    pub width: usize,
    /// The severity from which on findings fail the run; `None` where none do.
    pub fail_on: Option<Severity>,
    /// The codes that may be found: whose, and which. Only for formats that list what passed.
    pub rules: Vec<(String, String)>,
}

/// Whether a format lists the rules that found nothing.
pub fn lists_rules(format: &str) -> bool {
    format == "junit"
}

/// What a report is told of one target at the end.
#[derive(Clone, Debug)]
pub struct TargetEnd {
    /// Its name.
    pub name: String,
    /// The spec's version.
    pub spec: String,
    /// What became of the records.
    pub counts: Counts,
    /// The files written: path, items, bytes.
    pub files: Vec<(String, u64, u64)>,
    /// What was looked at, where anything was.
    pub view: Option<View>,
}

impl TargetEnd {
    /// Its name with the version of the spec.
    pub fn full_name(&self) -> String {
        if self.name.contains('@') { self.name.clone() } else { format!("{}@{}", self.name, self.spec) }
    }
}

/// What a report is told at the end.
#[derive(Clone, Debug, Default)]
pub struct Ending {
    /// The sources.
    pub inputs: Vec<InputSummary>,
    /// The targets.
    pub targets: Vec<TargetEnd>,
    /// The exit code and its word.
    pub exit: (u8, &'static str),
    /// Whether somebody stopped the run.
    pub interrupted: bool,
    /// Why the run could not go on, if it could not.
    pub error: Option<String>,
    /// The source and since when it is unchanged, where nothing needed to be done.
    pub unchanged: Option<String>,
    /// The rules of the project file, with how many items each applied to.
    pub rules: Vec<(String, u64)>,
    /// What to do next.
    pub next: Vec<String>,
    /// What became of the columns, where a finished feed was converted.
    pub account: Option<Account>,
    /// What was repaired, where a feed was in its own file.
    pub repaired: Option<Repaired>,
    /// What became of the baseline, where there is one.
    pub baseline: Option<Known>,
    /// What became of deliveries: for scripts, and a line each for people.
    pub outcomes: Vec<(serde_json::Value, String)>,
}

/// A report in one format.
pub trait Reporter: Listen {
    /// Ends the report.
    ///
    /// # Errors
    /// The first error that any write met.
    fn end(&mut self, ending: &Ending) -> io::Result<()>;
}

/// A report of a format; `None` for a word that is none of [`FORMATS`].
pub fn reporter(format: &str, opening: &Opening, out: Box<dyn Write>) -> Option<Box<dyn Reporter>> {
    let out = Out { inner: out, error: None };
    Some(match format {
        "full" => Box::new(human::Human::new(opening.clone(), out)),
        "concise" => Box::new(concise::Concise::new(opening.clone(), out)),
        "json" => Box::new(json::Json::new(opening.clone(), out)),
        "jsonl" => Box::new(json::JsonLines::new(opening.clone(), out)),
        "markdown" => Box::new(markdown::Markdown::new(opening.clone(), out)),
        "html" => Box::new(html::Html::new(opening.clone(), out)),
        "github" => Box::new(github::Github::new(opening.clone(), out)),
        "sarif" => Box::new(sarif::Sarif::new(opening.clone(), out)),
        "gitlab" => Box::new(gitlab::Gitlab::new(opening.clone(), out)),
        "junit" => Box::new(junit::Junit::new(opening.clone(), out)),
        "rdjson" => Box::new(rdjson::Rdjson::new(opening.clone(), out)),
        "rdjsonl" => Box::new(rdjson::RdjsonLines::new(opening.clone(), out)),
        _ => return None,
    })
}

/// Several reports of one run.
pub struct Reports(pub Vec<Box<dyn Reporter>>);

impl Listen for Reports {
    fn finding(&mut self, finding: &Finding) {
        for report in &mut self.0 {
            report.finding(finding);
        }
    }
}

/// A writer that remembers its first error, so that findings can be written without asking.
struct Out {
    inner: Box<dyn Write>,
    error: Option<io::Error>,
}

impl Out {
    fn write(&mut self, bytes: &[u8]) {
        if self.error.is_none()
            && let Err(error) = self.inner.write_all(bytes)
        {
            self.error = Some(error);
        }
    }

    fn line(&mut self, text: &str) {
        self.write(text.as_bytes());
        self.write(b"\n");
    }

    fn end(&mut self) -> io::Result<()> {
        match self.error.take() {
            Some(error) => Err(error),
            None => self.inner.flush(),
        }
    }
}

impl Opening {
    /// Whether repairs were made, not only found to be needed.
    fn repairs(&self) -> bool {
        !matches!(self.command, "check" | "preview")
    }

    fn file(&self, place: &Place) -> &str {
        self.files.get(usize::from(place.source)).map_or("", |file| file)
    }

    /// `file:line:column`, as far as they are known.
    fn position(&self, place: &Place) -> String {
        let mut text = self.file(place).to_owned();
        if place.line > 0 {
            text.push_str(&format!(":{}", place.line));
            if place.column > 0 {
                text.push_str(&format!(":{}", place.column));
            }
        }
        text
    }
}

/// What became of a baseline, in a line.
fn known_line(known: &Known) -> String {
    let gone = match known.gone {
        0 => String::new(),
        gone => format!("; {} of it found no more: `--write-baseline` writes it anew", page::plural_of(gone, "entry", "entries")),
    };
    format!("{}: {} known, and not shown{gone}", known.file, page::plural(known.hidden, "finding"))
}

/// A file below the working folder without what leads there, as tools look it up in a repository.
fn relative(file: &str) -> &str {
    let below = std::env::current_dir().ok().and_then(|folder| Some(format!("{}/", folder.to_str()?)));
    let file = below.and_then(|below| file.strip_prefix(&below)).unwrap_or(file);
    file.strip_prefix("./").unwrap_or(file)
}

/// What a finding says in one line, where nothing beside it names the item.
fn sentence(finding: &Finding) -> String {
    let item = if finding.item.is_empty() { String::new() } else { format!("{}: ", finding.item) };
    let reach = finding.extent.map_or_else(String::new, |extent| format!(" ({})", reach(&finding.place, extent)));
    format!("{item}{}{reach}", finding.message)
}

/// How far a finding goes that every value of a column has, or every item.
fn reach(place: &Place, extent: Extent) -> String {
    let [first, last, values] = [place.record, extent.last, extent.values].map(page::thousands);
    format!("records {first} to {last}, {values} times without exception")
}

/// What findings are of one kind by: code, target, and whether they were repaired.
type Kind = (Arc<str>, Option<Arc<str>>, bool);

/// Findings by severity and by kind, the first few of each kept.
#[derive(Default)]
struct Grouped {
    codes: std::collections::HashMap<Kind, Group>,
}

struct Group {
    severity: Severity,
    count: u64,
    first: Vec<Finding>,
    order: usize,
}

impl Grouped {
    fn add(&mut self, finding: &Finding, keep: usize) {
        let order = self.codes.len();
        let group = self.codes.entry((Arc::clone(&finding.code), finding.target.clone(), finding.is_repaired())).or_insert(Group {
            severity: finding.severity,
            count: 0,
            first: Vec::new(),
            order,
        });
        group.count += finding.times();
        group.severity = group.severity.max(finding.severity);
        if group.first.len() < keep {
            group.first.push(finding.clone());
        }
    }

    /// Worst first, then most frequent, then first found.
    fn sorted(&self) -> Vec<(&str, &Group)> {
        #[expect(clippy::iter_over_hash_type, reason = "sorted below")]
        let mut groups: Vec<(&str, &Group)> = {
            let mut groups = Vec::with_capacity(self.codes.len());
            for ((code, ..), group) in &self.codes {
                groups.push((&**code, group));
            }
            groups
        };
        groups.sort_by_key(|(_, group)| (std::cmp::Reverse(group.severity), std::cmp::Reverse(group.count), group.order));
        groups
    }
}
