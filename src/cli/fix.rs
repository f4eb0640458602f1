//! `fix`: a finished feed checked, with the safe repairs made in a copy of the file itself.

use super::args::Fix;
use super::error::{CliError, Exit};
use super::mill::Job;
use super::ui::Ui;
use crate::catalog::locate::{Located, locate};
use crate::catalog::open;
use crate::config::resolve::Flags;
use crate::pipeline::{Changes, SourcePlan};
use crate::plan::{self, Purpose};
use crate::render::Compression;
use crate::render::file::{Output, WriteError};
use crate::spec;
use crate::summary::Repaired;
use std::io::Write;
use std::path::Path;

pub(super) fn run(command: &Fix, ui: &Ui) -> Result<Exit, CliError> {
    let to_stdout = command.output == Path::new("-");
    if to_stdout && command.reporting.output_format.iter().any(|wish| !wish.contains('=')) {
        let message = "standard output holds the feed; give the report a file, as in `--output-format full=report.txt`";
        return Err(CliError::Usage(message.to_owned()));
    }
    let mut flags = Flags {
        inputs: vec![command.feed.clone()],
        // A project file maps a shop's own columns; those of a feed are known.
        config: Some("none".to_owned()),
        encoding: command.of_feed.encoding.clone(),
        currency: command.of_feed.currency.clone(),
        base_url: command.of_feed.base_url.clone(),
        ..Flags::default()
    };
    command.reporting.settle(&mut flags);
    let (target, found) = target(command, &flags, ui)?;
    flags.found = Some(found);
    if spec::load::spec(&target)?.shape.is_some() {
        return Err(CliError::Usage(format!(
            "{target}: products with variants are not repaired in their own file; `feedmill convert` renders them anew"
        )));
    }
    flags.targets = vec![target.clone()];
    let job = Job {
        name: "fix",
        purpose: Purpose::Amend { out: &command.output },
        reporting: &command.reporting,
        allow_empty: true,
        feed_of: Some(&target),
        silent: to_stdout && command.reporting.output_format.is_empty(),
        looks: None,
    };
    let (exit, ending) = job.run(&flags, ui)?;
    if let (true, Some(Repaired { records, changed, cells })) = (to_stdout, ending.repaired) {
        ui.say(&format!("{records} records, {changed} changed, {cells} cells in all; `feedmill check` lists what is left"));
    }
    Ok(exit)
}

/// Whose feed it is: what was said, else what its columns are; and where it was found.
fn target(command: &Fix, flags: &Flags, ui: &Ui) -> Result<(String, Located), CliError> {
    let settings = super::mill::settings(flags, ui)?;
    let [source] = settings.sources.as_slice() else {
        return Err(CliError::Usage(format!("{}: these are {} feeds; repair one at a time", command.feed, settings.sources.len())));
    };
    let found = locate(&source.path, &source.wanted).map_err(plan::PlanError::from)?;
    let opened = open::located(&found, &source.wanted).map_err(plan::PlanError::from)?;
    let preset = plan::preset_for(&opened.header, None)?.preset;
    match (&command.target, preset.feed_of) {
        (Some(asked), Some(_)) => Ok((asked.clone(), found)),
        (Some(asked), None) if preset.name == "generic" => Ok((asked.clone(), found)),
        (None, Some(family)) => Ok((family, found)),
        (None, None) if preset.name == "generic" => Err(CliError::Usage(format!(
            "{}: its columns do not say whose feed it is; `--target` does, such as `--target {}`",
            opened.facts.file,
            spec::load::default_target()?
        ))),
        _ => Err(CliError::Usage(format!(
            "{}: this is read as {}, a catalog and no finished feed; `feedmill build` makes one, with the same repairs",
            opened.facts.file, preset.name
        ))),
    }
}

/// Writes the copy; returns its name, what changed, and its bytes.
pub(super) fn write(changes: Changes, source: &SourcePlan, blake3: &str, out: &Path) -> Result<(String, Repaired, u64), CliError> {
    let mut bytes = 0;
    let amount = if out == Path::new("-") {
        let mut stdout = Ui::stdout();
        let fail = |source| WriteError { path: "-".into(), source };
        let amount = changes.write(source, blake3, &mut |piece| {
            bytes += piece.len() as u64;
            stdout.write_all(piece).map_err(fail)
        })?;
        stdout.flush().map_err(|error| CliError::Write(fail(error)))?;
        amount
    } else {
        let name = out.to_string_lossy();
        let compression = if name.ends_with(".gz") {
            Compression::Gzip
        } else if name.ends_with(".zst") {
            Compression::Zstd
        } else {
            Compression::None
        };
        let mut output = Output::create(out, compression).map_err(CliError::Write)?;
        let amount = changes.write(source, blake3, &mut |piece| output.write(piece))?;
        let finished = output.finish().map_err(CliError::Write)?;
        bytes = finished.bytes;
        finished.publish().map_err(CliError::Write)?;
        amount
    };
    Ok((out.display().to_string(), amount, bytes))
}
