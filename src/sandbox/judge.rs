//! Uploaded feeds judged by the same specs and rules as `check`: a row that breaks a rule for
//! which the target refuses it is refused here too.

use crate::cancel::Cancel;
use crate::config::resolve::{Flags, resolve};
use crate::finding::sink::{Listen, Sink};
use crate::finding::{Finding, Severity};
use crate::mapping::detect;
use crate::pipeline;
use crate::plan::{self, Effort, Purpose};
use crate::product::text;
use crate::progress::Silent;
use crate::render::FeedFormat;
use crate::sandbox::stripe::Row;
use crate::spec::terms::{Certainty, Consequence};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

/// What a feed came to.
#[derive(Clone, Debug, Default)]
pub(super) struct Judgement {
    /// Rows in the file.
    pub(super) rows: u64,
    /// Rows that are refused, by their number from 1, the header not counted.
    pub(super) refused: BTreeMap<u64, Refusal>,
    /// Why the file as a whole cannot be used.
    pub(super) failure: Option<String>,
}

/// Refusals that a verdict names.
const NAMED: usize = 3;

impl Judgement {
    /// What the feed came to by this spec, in words, for ways on which nobody is told.
    pub(super) fn verdict(&self, spec: &str) -> String {
        let mut words = match &self.failure {
            Some(failure) => format!("{spec}: the whole file is refused: {failure}"),
            None => {
                let refused = self.refused.len() as u64;
                format!("{spec}: {} rows, {} accepted, {refused} rejected", self.rows, self.rows.saturating_sub(refused))
            }
        };
        for (row, refusal) in self.refused.iter().take(NAMED) {
            // A string is written without fail.
            write!(words, "; row {row} `{}`: {}", refusal.item, refusal.message).unwrap_or_default();
        }
        if self.refused.len() > NAMED {
            write!(words, "; {} more", self.refused.len() - NAMED).unwrap_or_default();
        }
        text::one_line(&text::without_controls(&words)).into_owned()
    }
}

/// Why a row is refused.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Refusal {
    /// The row's id; empty where it has none.
    pub(super) item: String,
    /// The field of the first fault.
    pub(super) field: String,
    /// Every fault of the row.
    pub(super) message: String,
}

/// Hears what is wrong, keeps what refuses rows or the file, and passes everything on.
struct Refusals<'a> {
    judgement: Judgement,
    hear: &'a mut dyn FnMut(&Finding),
}

impl Listen for Refusals<'_> {
    fn finding(&mut self, finding: &Finding) {
        (self.hear)(finding);
        if finding.severity != Severity::Error {
            return;
        }
        match finding.consequence {
            Consequence::FileRefused => drop(self.judgement.failure.get_or_insert_with(|| finding.message.clone())),
            // feedmill's own reasons to hold a row back are no target's.
            Consequence::RowRejected => {
                let refusal = self.judgement.refused.entry(finding.place.record).or_default();
                if refusal.message.is_empty() {
                    refusal.item.clone_from(&finding.item);
                    let column = finding.place.column_name.as_ref().or(finding.attribute.as_ref());
                    refusal.field = column.map_or_else(String::new, ToString::to_string);
                    refusal.message.clone_from(&finding.message);
                } else {
                    refusal.message = format!("{}; {}", refusal.message, finding.message);
                }
            }
            _ => {}
        }
    }
}

/// Judges a finished feed of `spec` as it is; `format` is what it was said to be.
pub(super) fn judge(path: &Path, spec: &str, format: Option<&str>, today: jiff::civil::Date) -> Judgement {
    match run(path, spec, format, today, &mut |_| {}, None) {
        Ok((judgement, _)) => judgement,
        Err(failure) => Judgement { failure: Some(failure), ..Judgement::default() },
    }
}

/// Hears the first fault for which the documents refuse a request.
#[derive(Default)]
struct First(Option<Fault>);

/// A fault of an object in a request.
pub(super) struct Fault {
    /// The object's place in its list.
    pub(super) object: u64,
    /// The path below the object.
    pub(super) path: String,
    /// What is wrong.
    pub(super) message: String,
}

impl Listen for First {
    fn finding(&mut self, finding: &Finding) {
        let refuses = matches!(finding.consequence, Consequence::FileRefused | Consequence::RowRejected);
        // What is only feedmill's own opinion refuses nothing.
        if !refuses || finding.severity != Severity::Error || finding.certainty == Certainty::Own || finding.place.record == 0 {
            return;
        }
        let object = finding.place.record - 1;
        if self.0.as_ref().is_none_or(|known| object < known.object) {
            let path = finding.place.column_name.as_deref().unwrap_or_default().to_owned();
            self.0 = Some(Fault { object, path, message: finding.message.clone() });
        }
    }
}

/// Judges the body of a request that lists objects of `spec`; what feedmill cannot read as such
/// is none of its business.
pub(super) fn body(bytes: &[u8], spec: &str, today: jiff::civil::Date) -> Option<Fault> {
    let mut file = tempfile::Builder::new().suffix(".json").tempfile().ok()?;
    std::io::Write::write_all(&mut file, bytes).ok()?;
    let mut first = First::default();
    run(file.path(), spec, Some("json"), today, &mut |finding| first.finding(finding), None).ok()?;
    first.0
}

/// Judges a finished feed in whatever format, and gives the accepted rows by the spec's names.
pub(super) fn with_rows(
    path: &Path,
    spec: &str,
    today: jiff::civil::Date,
    hear: &mut dyn FnMut(&Finding),
) -> Result<(Judgement, Vec<Row>), String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    run(path, spec, None, today, hear, Some(folder.path()))
}

fn run(
    path: &Path,
    spec: &str,
    format: Option<&str>,
    today: jiff::civil::Date,
    hear: &mut dyn FnMut(&Finding),
    folder: Option<&Path>,
) -> Result<(Judgement, Vec<Row>), String> {
    let family = crate::spec::load::spec(spec).map_err(|error| error.to_string())?.identity.family;
    // A feed with missing columns would be taken for something else; here it is what it was sent as.
    let own = detect::all().find(|preset| preset.feed_of.as_ref() == Some(&family));
    let flags = Flags {
        inputs: vec![path.display().to_string()],
        config: Some("none".to_owned()),
        targets: vec![spec.to_owned()],
        preset: own.map(|preset| preset.name.clone()),
        from: format.map(str::to_owned),
        ..Flags::default()
    };
    let shown = |error: &dyn std::fmt::Display| error.to_string().replace(&path.display().to_string(), "the file");
    let settings = resolve(&flags, &std::env::temp_dir()).map_err(|error| shown(&error))?;
    let mut plan =
        plan::plan(&settings, Purpose::Check, Effort { threads: 1, memory: plan::MEMORY }, today).map_err(|error| shown(&error))?;
    if let (Some(folder), Some(target)) = (folder, plan.targets.first_mut()) {
        // What is accepted is rendered as the rows of a table, whatever it came as.
        target.formats = vec![FeedFormat::parse("csv")?];
        target.folder = folder.to_owned();
    }
    let (mut refusals, overrides) = (Refusals { judgement: Judgement::default(), hear }, BTreeMap::new());
    let run = pipeline::run(&plan, &mut Sink::new(&overrides, &mut refusals), &Silent, &Cancel::default());
    let report = run.map_err(|error| shown(&error))?;
    refusals.judgement.rows = report.counts.first().map_or(0, |counts| counts.records);
    let mut rows = Vec::new();
    for written in report.written.iter().flat_map(|feed| &feed.files) {
        let mut reader = csv::Reader::from_path(written.file.file.temporary()).map_err(|error| error.to_string())?;
        for row in reader.deserialize::<Row>() {
            let mut row = row.map_err(|error| error.to_string())?;
            row.retain(|_, value| !value.is_empty());
            rows.push(row);
        }
    }
    Ok((refusals.judgement, rows))
}

/// The day of a moment, in UTC.
pub(super) fn date(at: jiff::Timestamp) -> jiff::civil::Date {
    at.to_zoned(jiff::tz::TimeZone::UTC).date()
}
