//! `preview`: a page that shows how the items of a catalog will look, before anything is sent.

use super::args::{Preview, Reporting};
use super::error::{CliError, Exit};
use super::mill::{self, Job};
use super::ui::Ui;
use crate::config::resolve::{self, Flags};
use crate::pipeline::Plan;
use crate::plan::Purpose;
use crate::report::page::{plural, thousands};
use crate::report::{Ending, TargetEnd};
use crate::sample::{Group, Looks};

/// What somebody wants to see of items.
#[derive(Clone, Copy, Debug)]
pub(super) struct Look {
    /// How many of a target.
    pub(super) items: usize,
    /// Whether their images may be loaded.
    pub(super) images: bool,
}

impl Look {
    /// Has a run look at the items of every target.
    pub(super) fn at(self, plan: &mut Plan) {
        for target in &mut plan.targets {
            target.looks = Some(Looks::new(&target.spec, &target.columns, self.items, self.images));
        }
    }
}

pub(super) fn run(command: &Preview, ui: &Ui) -> Result<Exit, CliError> {
    let mut flags = mill::flags(&command.catalog);
    flags.targets.clone_from(&command.target);
    command.reporting.settle(&mut flags);
    let page = match command.output.as_str() {
        "" => return Err(CliError::Usage("--output: name a file, or `-` for standard output".to_owned())),
        "-" => "html".to_owned(),
        file => {
            replaces_no_input(file, &flags)?;
            format!("html={file}")
        }
    };
    let mut reporting = Reporting { output_format: vec![page], ..command.reporting.clone() };
    reporting.output_format.extend(command.reporting.output_format.iter().cloned());
    let job = Job {
        name: "preview",
        purpose: Purpose::Check,
        reporting: &reporting,
        allow_empty: true,
        feed_of: None,
        silent: false,
        looks: Some(Look { items: usize::from(command.items), images: !command.no_images }),
    };
    let (exit, ending) = job.run(&flags, ui)?;
    let is_taken = command.output == "-" || command.reporting.output_format.iter().any(|format| !format.contains('='));
    let told = told(&command.output, &ending);
    if is_taken {
        told.iter().for_each(|line| ui.say(line));
    } else {
        ui.print(&told.iter().map(|line| format!("{line}\n")).collect::<String>())?;
    }
    Ok(exit)
}

/// A page that was put in the place of the catalog would be the end of both.
fn replaces_no_input(file: &str, flags: &Flags) -> Result<(), CliError> {
    let Ok(page) = std::fs::canonicalize(file) else { return Ok(()) };
    let settings = resolve::resolve(flags, &std::env::current_dir().unwrap_or_default())?;
    let joined = settings.sources.iter().flat_map(|source| source.joins.iter().map(|join| &join.path));
    let mut read = settings.sources.iter().map(|source| &source.path).chain(joined);
    if read.any(|path| std::fs::canonicalize(path).is_ok_and(|path| path == page)) {
        return Err(CliError::Usage(format!("--output: `{file}` is read as the catalog; name another file for the page")));
    }
    Ok(())
}

/// What came of it, a line a target, and where the page is.
fn told(output: &str, ending: &Ending) -> Vec<String> {
    let count = |groups: &[Group]| thousands(groups.iter().map(|group| group.items.len() as u64).sum());
    let of_target = |target: &TargetEnd| {
        let (counts, view) = (&target.counts, target.view.as_ref());
        let of = plural(counts.items, "item");
        let (shown, left_out) = view.map_or_else(Default::default, |view| (count(&view.shown), count(&view.left_out)));
        let name = target.full_name();
        format!("{name}: {} of {of} accepted; {shown} shown, and {left_out} of those left out", thousands(counts.accepted))
    };
    let mut lines: Vec<String> = ending.targets.iter().map(of_target).collect();
    if output != "-" {
        lines.push(format!("{output}: open it in a browser"));
    }
    lines
}
