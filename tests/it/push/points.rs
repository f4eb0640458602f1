//! Kills a delivery at every point of it, each time from the same beginning, and has the next run
//! make it good. `cargo test --test it push:: -- --nocapture | grep killed` prints how many points
//! each destination has.

use super::stand::Stand;
use crate::support::Run;
use std::fmt::Write;

/// The target has not done what it is asked.
pub(crate) const NOT_DONE: &str = "not done";
/// The target has done it, and its answer does not arrive.
pub(crate) const DONE: &str = "done";

/// Where a delivery dies.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Point {
    /// What happens there.
    pub(crate) kind: &'static str,
    /// How many of that kind there are until then, itself included.
    pub(crate) at: usize,
}

/// A project, a target, and a push from one to the other that may be killed.
pub(crate) trait Mortal {
    /// Pushes and dies at a point; `false` when the push came to its end before.
    fn dies(&self, point: Point) -> bool;
    /// Pushes, and reports as JSON.
    fn push(&self) -> Run;
    /// How often the target was asked for anything so far.
    fn asked(&self) -> usize;
}

impl Mortal for Stand {
    fn dies(&self, point: Point) -> bool {
        if point.kind == NOT_DONE {
            self.fault(&format!("* *: reset x1 after={}", point.at - 1));
        }
        let died = self.killed_at(point.at, &["push"]);
        self.sandbox().heal();
        died
    }

    fn push(&self) -> Run {
        Stand::push(self)
    }

    fn asked(&self) -> usize {
        self.exchanges().len()
    }
}

/// Kills a delivery once before and once after the target has done what it asks, at every request.
/// How many there were, in a line of the table.
pub(crate) fn every_request<M: Mortal>(name: &str, least: usize, begin: impl Fn() -> M, judge: impl Fn(&M, &str)) -> String {
    every_point(name, &[NOT_DONE, DONE], least, begin, judge)
}

/// Kills a delivery at every point of these kinds, of which each has so many at least. The run
/// after that succeeds, its end is judged, and the one after has nothing to do and asks nothing.
/// How many points there were, in a line of the table.
pub(crate) fn every_point<M: Mortal>(
    name: &str,
    kinds: &[&'static str],
    least: usize,
    begin: impl Fn() -> M,
    judge: impl Fn(&M, &str),
) -> String {
    let mut told = String::new();
    let mut points = 0;
    for &kind in kinds {
        let mut count = 0;
        loop {
            let scene = begin();
            if !scene.dies(Point { kind, at: count + 1 }) {
                break;
            }
            count += 1;
            assert!(count < 1000, "{name}: no end of {kind}");
            let place = format!("{name} killed at {count}, {kind}");
            let run = scene.push();
            assert_eq!(run.code, 0, "{place}: {}{}", run.out, run.err);
            judge(&scene, &place);
            let asked = scene.asked();
            let again = scene.push();
            assert_eq!(again.json()["targets"][0]["outcome"], "unchanged", "{place}: {}", again.out);
            assert_eq!(scene.asked(), asked, "{place}: nothing is left to ask");
        }
        assert!(count >= least, "{name}: {count} points of {kind}");
        points += count;
        write!(told, ", {count} {kind}").expect("written");
    }
    format!("killed: {name:<40} {points:>4} points{}", told.replacen(',', ":", 1))
}
