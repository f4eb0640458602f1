//! The project file: found, read, and sound as far as it shows without the catalog.

use super::chart::Chart;
use super::machine::AHEAD;
use crate::cli::args::Doctor;
use crate::cli::error::{CliError, Exit};
use crate::cli::explain;
use crate::config::Settings;
use crate::config::resolve::{self, FILE, Flags};
use crate::report::page::plural;
use crate::spec;

const AREA: &str = "project";

/// The settings, where they can be read.
pub(super) fn look(chart: &mut Chart, command: &Doctor) -> Option<Settings> {
    let flags = Flags { config: command.project.config.clone(), without_sources: true, unattended: true, ..Flags::default() };
    let folder = std::env::current_dir().unwrap_or_default();
    let settings = match resolve::resolve(&flags, &folder) {
        Ok(settings) => settings,
        Err(error) => {
            let error = CliError::from(error);
            let todo = "correct it; `feedmill schema config` prints what may stand there";
            chart.fail(AREA, FILE, error.to_string(), todo, error.exit());
            return None;
        }
    };
    let Some(path) = &settings.config else {
        let todo = "`feedmill init CATALOG` writes one; `build` and `check` do without";
        chart.warn(AREA, FILE, "there is none here or above, up to the root of the repository", todo);
        return Some(settings);
    };
    let shown = path.strip_prefix(&folder).unwrap_or(path).display().to_string();
    if others_can_write(path) {
        let todo = format!("whoever writes it decides what is run and sent: `chmod go-w {shown}`");
        chart.warn(AREA, FILE, format!("{shown}: others can write it"), todo);
    } else {
        chart.ok(AREA, FILE, format!("{shown}, {}", plural(settings.targets.len() as u64, "target")));
    }
    specs(chart, &settings);
    for code in settings.overrides.keys() {
        if !explain::is_code(code).unwrap_or(true) {
            chart.fail(AREA, "[check.severity]", format!("no finding has the code `{code}`"), "`feedmill explain` lists all", Exit::Usage);
        }
    }
    if let Some(baseline) = settings.baseline.as_deref() {
        match std::fs::File::open(baseline) {
            Ok(_) => {
                let age = super::machine::age(baseline, crate::clock::timestamp()).unwrap_or(0);
                let said = if age < -AHEAD { "written later than now" } else { "there" };
                chart.ok(AREA, "baseline", format!("{}: {said}", baseline.display()));
            }
            Err(error) => {
                let todo = "`feedmill check --write-baseline FILE` writes it";
                chart.fail(AREA, "baseline", format!("{}: {error}", baseline.display()), todo, Exit::Usage);
            }
        }
    }
    Some(settings)
}

/// Every target follows a spec that there is.
fn specs(chart: &mut Chart, settings: &Settings) {
    for target in &settings.targets {
        if let Err(error) = spec::load::spec(&target.spec) {
            let error = CliError::from(error);
            let todo = error.hint().unwrap_or_else(|| "`feedmill spec` lists the targets".to_owned());
            chart.fail(AREA, target.name.as_str(), error.to_string(), todo, error.exit());
        }
    }
}

pub(super) fn others_can_write(path: &std::path::Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::metadata(path).is_ok_and(|found| found.permissions().mode() & 0o022 != 0)
    }
    #[cfg(not(unix))]
    {
        let _ = path;
        false
    }
}
