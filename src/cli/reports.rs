//! Reports on their way out: to standard output, or to a file put under its name when it is whole.

use super::args::Shown;
use super::error::{CliError, Exit};
use super::ui::{Ui, WhileRead};
use crate::config::environment;
use crate::finding::Severity;
use crate::render::Compression;
use crate::render::file::{Finished, Output, WriteError};
use crate::report::{self, Ending, Opening, Reporter, Reports};
use serde_json::json;
use std::io::Write;
use std::path::Path;

/// The reports asked for; one without a file goes to standard output.
pub(super) fn reports(asked: &[String], opening: &Opening) -> Result<Reports, CliError> {
    let mut reports: Vec<Box<dyn Reporter>> = Vec::new();
    for (format, file) in wishes(asked, &report::FORMATS)? {
        let (opening, out): (Opening, Box<dyn Write>) = match file {
            Some(file) => (Opening { colour: false, ..opening.clone() }, report_file(Path::new(file))?),
            None => (opening.clone(), Ui::stdout()),
        };
        reports.extend(report::reporter(format, &opening, out));
        if format == "github"
            && let Some(page) = step_summary()?
        {
            reports.extend(report::reporter("markdown", &Opening { colour: false, ..opening }, Box::new(page)));
        }
    }
    Ok(Reports(reports))
}

/// The page that GitHub shows of a step, where there is one; every program of the step adds to it.
fn step_summary() -> Result<Option<std::fs::File>, CliError> {
    let Some(path) = environment::step_summary() else { return Ok(None) };
    let opened = std::fs::OpenOptions::new().append(true).create(true).open(&path);
    opened.map(Some).map_err(|source| CliError::Write(WriteError { path, source }))
}

/// The formats asked for, each with the file it is to go to; the first of those known where none is.
pub(super) fn wishes<'a>(asked: &'a [String], known: &[&'a str]) -> Result<Vec<(&'a str, Option<&'a str>)>, CliError> {
    let wrong = |message: String| Err(CliError::Usage(format!("--output-format: {message}")));
    let mut wishes: Vec<(&str, Option<&str>)> = Vec::new();
    for word in asked {
        let (format, file) = word.split_once('=').map_or((word.as_str(), None), |(format, file)| (format, Some(file)));
        if !known.contains(&format) {
            return wrong(format!("`{format}` is no format; known: {}", known.join(", ")));
        }
        if file == Some("") {
            return wrong(format!("`{word}` names no file; write FORMAT=FILE"));
        }
        if wishes.iter().any(|(_, earlier)| *earlier == file) {
            return wrong(match file {
                Some(file) => format!("`{file}` is named twice; give each report a file of its own"),
                None => "only one format can go to standard output; write the others as FORMAT=FILE".to_owned(),
            });
        }
        wishes.push((format, file));
    }
    if wishes.is_empty() {
        wishes.extend(known.first().map(|first| (*first, None)));
    }
    Ok(wishes)
}

/// Does the work of a command that reports at its end. Where it ends before that, every report
/// asked for is one whole document all the same, and says why.
pub(super) fn reported(
    command: &'static str,
    shown: &Shown,
    ui: &Ui,
    work: impl FnOnce() -> Result<Exit, CliError>,
) -> Result<Exit, CliError> {
    // What cannot be reported is said before anything is sent.
    wishes(&shown.output_format, &report::FORMATS)?;
    let error = match work() {
        Err(error) if !matches!(error, CliError::Report(_) | CliError::Write(_)) => error,
        done => return done,
    };
    let opening = Opening {
        command,
        files: Vec::new(),
        colour: ui.colour(),
        max_per_code: shown.max_per_code,
        width: ui.width(),
        fail_on: Some(Severity::Error),
        ..Opening::default()
    };
    let exit = error.exit();
    let ending = Ending { exit: (exit.code(), exit.name()), error: Some(error.to_string()), ..Ending::default() };
    for report in &mut reports(&shown.output_format, &opening)?.0 {
        report.end(&ending).map_err(CliError::Report)?;
    }
    Err(error)
}

/// Where a report goes: a file, else standard output.
pub(super) fn report_out(file: Option<&str>) -> Result<Box<dyn Write>, CliError> {
    file.map_or_else(|| Ok(Ui::stdout()), |file| report_file(Path::new(file)))
}

/// Writes the document of a command that failed to every report that programs read, so that
/// each is one whole document all the same.
pub(super) fn report_failure(command: &str, asked: &[(&str, Option<&str>)], error: &CliError) -> Result<(), CliError> {
    if matches!(error, CliError::Report(_) | CliError::Write(_)) {
        return Ok(());
    }
    let exit = error.exit();
    let exit = json!({ "code": exit.code(), "name": exit.name() });
    let text = json!({ "schema": format!("feedmill.{command}/1"), "error": error.to_string(), "exit": exit });
    for (_, file) in asked.iter().filter(|(format, _)| *format != "human") {
        let mut out = report_out(*file)?;
        writeln!(out, "{text}").and_then(|()| out.flush()).map_err(CliError::Report)?;
    }
    Ok(())
}

/// A file for a report, put under its name when the report is complete.
pub(super) fn report_file(path: &Path) -> Result<Box<dyn Write>, CliError> {
    Ok(Box::new(ReportFile::create(path)?))
}

struct ReportFile {
    output: Place,
}

/// Where a report goes.
enum Place {
    /// A file beside its name, until it is complete.
    Beside(Box<Output>),
    /// A device or a pipe, which is written as it is: a file put under its name would take its place.
    Into(WhileRead<std::fs::File>),
    /// The report is complete.
    Done,
}

impl ReportFile {
    fn create(path: &Path) -> Result<Self, WriteError> {
        let is_special = std::fs::metadata(path).is_ok_and(|found| !found.is_file() && !found.is_dir());
        let output = if is_special {
            let opened = std::fs::OpenOptions::new().write(true).open(path);
            Place::Into(WhileRead::new(opened.map_err(|source| WriteError { path: path.to_owned(), source })?))
        } else {
            Place::Beside(Box::new(Output::create(path, Compression::None)?))
        };
        Ok(Self { output })
    }
}

/// What went wrong, with the report's name.
fn named(error: &WriteError) -> std::io::Error {
    std::io::Error::new(error.source.kind(), error.to_string())
}

impl Write for ReportFile {
    fn write(&mut self, buffer: &[u8]) -> std::io::Result<usize> {
        match &mut self.output {
            Place::Beside(output) => Output::write(output, buffer).map_err(|error| named(&error))?,
            Place::Into(file) => file.write_all(buffer)?,
            Place::Done => {}
        }
        Ok(buffer.len())
    }

    /// Reports flush once, at their end.
    fn flush(&mut self) -> std::io::Result<()> {
        match std::mem::replace(&mut self.output, Place::Done) {
            Place::Beside(output) => output.finish().and_then(Finished::publish).map_err(|error| named(&error)),
            Place::Into(mut file) => file.flush(),
            Place::Done => Ok(()),
        }
    }
}
