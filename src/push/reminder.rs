//! When a feed that stays held is told again: at once, then after an hour, two, four, eight, and every
//! day from then on. A run every quarter of an hour that says the same each time is soon not read.

use super::outcome::Outcome;
use crate::state::Visit;
use serde_json::Value;

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

/// Since when a feed is held for the same reasons, and whether that is to be told now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reminder {
    /// When the first of these runs ended, in seconds of the epoch.
    pub since: i64,
    /// How many runs there were, with this one.
    pub runs: usize,
    /// Whether this one tells it.
    pub is_due: bool,
}

impl Reminder {
    /// Looks at the visits of a target, newest first, of which the newest ended as `outcome` says; `None` where
    /// it was not held before.
    pub fn of(outcome: &Outcome, visits: &[Visit]) -> Option<Self> {
        let kind = kind(&outcome.guards.join("; "));
        let is_same = |visit: &&Visit| visit.outcome == "held" && self::kind(&guards(&visit.summary)) == kind;
        let same: Vec<&Visit> = visits.iter().filter(|visit| visit.account == outcome.account).take_while(is_same).collect();
        let (last, before, first) = (same.first()?, same.get(1)?, same.last()?);
        let age = |visit: &Visit| visit.ended - first.ended;
        // The oldest visits are cleared away some day, so days are those of the calendar.
        let is_another_day = age(last) >= DAY && last.ended / DAY > before.ended / DAY;
        Some(Self { since: first.ended, runs: same.len(), is_due: is_another_day || steps(age(last)) > steps(age(before)) })
    }
}

/// What a visit was held for.
fn guards(summary: &Value) -> String {
    let guards = summary["guards"].as_array();
    guards.into_iter().flatten().filter_map(Value::as_str).collect::<Vec<_>>().join("; ")
}

/// The words without their figures, which move with the catalog.
fn kind(words: &str) -> String {
    words.chars().filter(|c| !c.is_ascii_digit() && !matches!(c, '.' | ',')).collect()
}

/// How many reminders of the first day are due after so many seconds.
fn steps(seconds: i64) -> usize {
    [1, 2, 4, 8].iter().filter(|hours| seconds >= **hours * HOUR).count()
}

#[cfg(test)]
mod tests {
    use super::{DAY, HOUR, Reminder};
    use crate::push::outcome::{Ending, Outcome};
    use crate::state::Visit;
    use serde_json::json;

    fn visit(ended: i64, outcome: &str, guard: &str) -> Visit {
        let text = |text: &str| text.to_owned();
        let summary = json!({ "guards": [guard] });
        Visit { id: 0, run: text(""), target: text("shop"), account: text(""), started: ended, ended, outcome: text(outcome), summary }
    }

    /// Whether each run of a feed that is held at these times tells it, and how often it was held by then.
    fn told(times: &[i64]) -> Vec<(bool, usize)> {
        let mut outcome = Outcome::new("shop", "", String::new(), Ending::Held);
        outcome.guards = vec!["12.5 % fewer items".to_owned()];
        let runs = (1..=times.len()).map(|count| {
            let mut visits: Vec<Visit> = times[..count].iter().map(|time| visit(*time, "held", "9 % fewer items")).collect();
            visits.reverse();
            visits.push(visit(0, "pushed", ""));
            Reminder::of(&outcome, &visits).map_or((true, 1), |reminder| (reminder.is_due, reminder.runs))
        });
        runs.collect()
    }

    #[test]
    fn what_stays_held_is_told_less_and_less() {
        let quarter = HOUR / 4;
        let times: Vec<i64> = (0..=3 * 96).map(|run| 9 * DAY + run * quarter).collect();
        let due: Vec<i64> = told(&times).iter().zip(&times).filter(|((is_due, _), _)| *is_due).map(|(_, time)| time - 9 * DAY).collect();
        assert_eq!(due, [0, HOUR, 2 * HOUR, 4 * HOUR, 8 * HOUR, DAY, 2 * DAY, 3 * DAY]);
        // Runs that come late do not skip a reminder.
        assert_eq!(told(&[0, 9 * HOUR, 9 * HOUR + 60]), [(true, 1), (true, 2), (false, 3)]);
    }

    #[test]
    fn another_reason_is_news() {
        let mut outcome = Outcome::new("shop", "", String::new(), Ending::Held);
        outcome.guards = vec!["most prices moved".to_owned()];
        let visits = [visit(60, "held", "most prices moved"), visit(0, "held", "9 % fewer items")];
        assert_eq!(Reminder::of(&outcome, &visits), None);
        let visits = [visit(60, "held", "most prices moved"), visit(30, "failed", ""), visit(0, "held", "most prices moved")];
        assert_eq!(Reminder::of(&outcome, &visits), None);
    }
}
