//! `trace`: one item on its whole way, from the cells of the catalog to those of each target.

use super::args::Trace as Asked;
use super::error::{CliError, Exit};
use super::mill;
use super::reports::{report_failure, report_out, wishes};
use super::signal;
use super::trace_text;
use super::ui::Ui;
use crate::pipeline::Plan;
use crate::plan::{self, Purpose};
use crate::product::text::{excerpt, trim};
use crate::report::{Opening, finding_value};
use crate::trace::{Missed, Trace, find, trace};
use serde_json::{Value, json};
use std::sync::Arc;

const FORMATS: [&str; 2] = ["human", "json"];

pub(super) fn run(command: &Asked, ui: &Ui) -> Result<Exit, CliError> {
    let wishes = wishes(&command.output_format, &FORMATS)?;
    let outcome = follow(command, &wishes, ui);
    if let Err(error) = &outcome {
        report_failure("trace", &wishes, error)?;
    }
    outcome
}

fn follow(command: &Asked, wishes: &[(&str, Option<&str>)], ui: &Ui) -> Result<Exit, CliError> {
    if trim(&command.item).is_empty() {
        return Err(CliError::Usage("the item's id is empty; `feedmill trace ITEM [INPUT..]` needs one".to_owned()));
    }
    let signals = signal::Watch::new();
    let mut flags = mill::flags(&command.catalog);
    flags.targets.clone_from(&command.target);
    let settings = mill::settings(&flags, ui).map(|mut settings| {
        settings.stop_with(signals.cancel());
        settings
    })?;
    let effort = plan::Effort { threads: 1, memory: command.memory };
    let planned = plan::plan(&settings, Purpose::Check, effort, crate::clock::today()).map_err(CliError::from);
    let plan = signals.settle("nothing was read", planned)?;
    let found = find(&plan, &command.item, ui, signals.cancel()).map_err(CliError::from);
    let wanted = signals.settle("nothing was traced", found)?.map_err(|missed| CliError::Usage(words(&command.item, &missed)))?;
    let traced = trace(&plan, wanted, &settings.overrides, ui, signals.cancel()).map_err(CliError::from);
    let traced = signals.settle("nothing was traced", traced)?;
    for (format, file) in wishes {
        let opening = Opening {
            command: "trace",
            files: plan.sources.iter().map(|source| Arc::clone(&source.facts.file)).collect(),
            colour: ui.colour() && file.is_none(),
            width: ui.width(),
            ..Opening::default()
        };
        let text = match *format {
            "human" => trace_text::text(&traced, &plan, &opening),
            _ => format!("{}\n", value(&traced, &plan, &opening)),
        };
        let mut out = report_out(*file)?;
        out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(CliError::Report)?;
    }
    Ok(Exit::Done)
}

/// Why no item was traced, and what to type.
fn words(asked: &str, missed: &Missed) -> String {
    let asked = excerpt(asked, 60);
    let list = |ids: &[String]| ids.iter().map(|id| format!("`{}`", excerpt(id, 60))).collect::<Vec<_>>().join(", ");
    match missed {
        Missed::Several(by, count, ids) => {
            let more = if *count > ids.len() as u64 { ", ..." } else { "" };
            format!("`{asked}` stands for {count} items, by {by}; name one by its id: {}{more}", list(ids))
        }
        Missed::Dropped(reason) => format!("`{asked}` is no item; {}", excerpt(reason, 300)),
        Missed::None(_, 0) => format!("`{asked}` is not there: the catalog makes no items"),
        Missed::None(near, items) if near.is_empty() => format!("no item is called `{asked}`, and none of the {items} is called alike"),
        Missed::None(near, items) => format!("no item is called `{asked}`; the nearest of the {items}: {}", list(near)),
    }
}

fn value(trace: &Trace, plan: &Plan, opening: &Opening) -> Value {
    let item = &trace.item;
    let file = |source: usize| plan.sources.get(source).map_or("", |source| &source.facts.file);
    let twins: Vec<Value> =
        item.twins.iter().map(|(source, record, line)| json!({ "file": file(*source), "record": record, "line": line })).collect();
    let targets = plan.targets.iter().enumerate().map(|(place, target)| {
        let as_it_is = trace.as_it_is.get(place);
        let written = trace.written.get(place).and_then(Option::as_ref);
        let written = written.map(|written| json!({ "format": written.format, "row": written.row }));
        json!({ "name": &*target.name, "spec": target.spec.name(), "accepted": trace.is_in(place, &target.name), "as_it_is": as_it_is,
                "written": written })
    });
    let values = trace.values.iter().map(|value| {
        let sources: Vec<Value> = value
            .sources
            .iter()
            .map(|cell| {
                json!({ "file": file(item.source), "record": cell.record, "line": cell.line, "column": cell.column,
                        "column_name": cell.column_name, "raw": cell.raw, "lent": cell.lent })
            })
            .collect();
        let steps: Vec<Value> = value
            .steps
            .iter()
            .map(|step| json!({ "stage": step.stage.word(), "what": step.what, "code": step.code, "value": step.value }))
            .collect();
        let name = |target: usize| plan.targets.get(target).map_or("", |target| &target.name);
        let cells: Vec<Value> =
            value.cells.iter().map(|cell| json!({ "target": name(cell.target), "field": cell.field, "value": cell.value })).collect();
        json!({ "attribute": value.attribute, "sources": sources, "steps": steps, "value": value.value, "cells": cells })
    });
    json!({
        "schema": "feedmill.trace/1",
        "tool": { "name": "feedmill", "version": env!("CARGO_PKG_VERSION") },
        "item": { "id": item.id, "file": file(item.source), "record": item.record, "line": item.line, "group": trace.group,
                  "found_by": item.by, "twins": twins },
        "targets": targets.collect::<Vec<_>>(),
        "values": values.collect::<Vec<_>>(),
        "findings": trace.findings.iter().map(|finding| finding_value(finding, opening)).collect::<Vec<_>>(),
        "exit": { "code": Exit::Done.code(), "name": Exit::Done.name() },
    })
}
