//! What was looked at, a line each: how it is, and what to do where it is not well.

use crate::cli::error::Exit;
use crate::cli::ui::Ui;
use crate::product::text::excerpt;
use crate::report::page::{hang, length, plural};
use serde_json::{Value, json};

/// Characters of what is said that are shown.
const SHOWN: usize = 600;

/// How something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    /// As it should be.
    Ok,
    /// A run goes, and somebody should look.
    Warn,
    /// A run would not go.
    Fail,
}

impl Mark {
    fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }
}

/// One thing that was looked at.
struct Check {
    area: &'static str,
    name: String,
    mark: Mark,
    said: String,
    todo: String,
    exit: Exit,
}

/// All that was looked at.
#[derive(Default)]
pub(super) struct Chart {
    checks: Vec<Check>,
}

impl Chart {
    /// It is as it should be.
    pub(super) fn ok(&mut self, area: &'static str, name: impl Into<String>, said: impl Into<String>) {
        self.add(area, &name.into(), Mark::Ok, &said.into(), String::new(), Exit::Done);
    }

    /// A run goes, and somebody should look.
    pub(super) fn warn(&mut self, area: &'static str, name: impl Into<String>, said: impl Into<String>, todo: impl Into<String>) {
        self.add(area, &name.into(), Mark::Warn, &said.into(), todo.into(), Exit::Done);
    }

    /// A run would end with this exit.
    pub(super) fn fail(
        &mut self,
        area: &'static str,
        name: impl Into<String>,
        said: impl Into<String>,
        todo: impl Into<String>,
        exit: Exit,
    ) {
        self.add(area, &name.into(), Mark::Fail, &said.into(), todo.into(), exit);
    }

    fn add(&mut self, area: &'static str, name: &str, mark: Mark, said: &str, todo: String, exit: Exit) {
        self.checks.push(Check { area, name: excerpt(name, 120), mark, said: excerpt(said, SHOWN), todo, exit });
    }

    /// Whether something of an area would stop a run.
    pub(super) fn fails(&self, area: &str) -> bool {
        self.checks.iter().any(|check| check.area == area && check.mark == Mark::Fail)
    }

    /// How the program ends: as the worst of what fails.
    pub(super) fn exit(&self) -> Exit {
        self.checks.iter().fold(Exit::Done, |exit, check| exit.worse(check.exit))
    }

    fn count(&self, mark: Mark) -> u64 {
        self.checks.iter().filter(|check| check.mark == mark).count() as u64
    }

    /// For people: the areas in order, what to do below what is not well.
    pub(super) fn text(&self, ui: &Ui) -> String {
        let mut out = String::new();
        let mut area = "";
        let width = self.checks.iter().map(|check| length(&check.name)).max().unwrap_or(0).min(24);
        for check in &self.checks {
            if check.area != area {
                area = check.area;
                out.push_str(&format!("{}\n", ui.bold(area)));
            }
            // A mark is four letters wide, and what is said stands in a column of its own.
            let mark = match check.mark {
                Mark::Ok => "ok  ".to_owned(),
                mark => ui.bold(mark.word()),
            };
            let head = format!("        {:width$}  ", check.name);
            let line = hang(&head, &check.said, ui.width());
            out.push_str(&format!("  {mark}  {}\n", line.get(8..).unwrap_or("").trim_end()));
            if !check.todo.is_empty() {
                out.push_str(&format!("{}\n", hang("        do: ", &check.todo, ui.width())));
            }
        }
        let [ok, warned, failed] = [Mark::Ok, Mark::Warn, Mark::Fail].map(|mark| self.count(mark));
        out.push_str(&format!("\n{ok} ok, {}, {}\n", plural(warned, "warning"), plural(failed, "failure")));
        out
    }

    /// For scripts.
    pub(super) fn json(&self, exit: Exit) -> Value {
        let checks = self.checks.iter().map(|check| {
            let mut value = json!({ "area": check.area, "name": check.name, "status": check.mark.word(), "message": check.said });
            if !check.todo.is_empty() {
                value["hint"] = check.todo.as_str().into();
            }
            value
        });
        json!({
            "schema": "feedmill.doctor/1",
            "tool": { "name": "feedmill", "version": env!("CARGO_PKG_VERSION") },
            "checks": checks.collect::<Vec<_>>(),
            "summary": { "ok": self.count(Mark::Ok), "warn": self.count(Mark::Warn), "fail": self.count(Mark::Fail) },
            "exit": { "code": exit.code(), "name": exit.name() },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Chart;
    use crate::cli::error::Exit;

    #[test]
    fn the_worst_failure_decides_and_a_warning_does_not() {
        let mut chart = Chart::default();
        chart.ok("a", "one", "well");
        chart.warn("a", "two", "so so", "look");
        assert_eq!(chart.exit(), Exit::Done);
        chart.fail("b", "three", "down", "wait", Exit::Temporary);
        chart.fail("b", "four", "gone", "find it", Exit::Input);
        chart.fail("b", "five", "wrong", "correct it", Exit::Usage);
        assert_eq!(chart.exit(), Exit::Input);
        assert!(chart.fails("b") && !chart.fails("a"));
        assert_eq!(chart.json(Exit::Input)["summary"], serde_json::json!({ "ok": 1, "warn": 1, "fail": 3 }));
    }
}
