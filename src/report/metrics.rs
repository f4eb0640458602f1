//! What runs came to, as a text file that Prometheus' node exporter reads: gauges by target.
//!
//! The file is written anew by each run and keeps what the run says nothing of, above all when a
//! target was last served: a run that failed does not erase it. It holds no time stamps of its own.

use std::collections::BTreeMap;

/// A gauge: its name, and what it says.
type Gauge = (&'static str, &'static str);

/// When a run last ended.
pub const LAST_RUN: &str = "feedmill_last_run_timestamp_seconds";
/// When a run last ended that left the target with the feed as it is.
pub const LAST_SUCCESS: &str = "feedmill_last_success_timestamp_seconds";
/// How the last run ended.
pub const LAST_EXIT: &str = "feedmill_last_exit_code";
/// How long it took.
pub const DURATION: &str = "feedmill_run_duration_seconds";
/// Items, by what became of them.
pub const ITEMS: &str = "feedmill_items";
/// Whether a guard holds the feed.
pub const HELD: &str = "feedmill_held";
/// Rows that the target refused and still does not have.
pub const OUTSTANDING: &str = "feedmill_outstanding_rows";

/// All gauges, in the order of the file.
const GAUGES: [Gauge; 7] = [
    (LAST_RUN, "When a run last ended, whatever came of it."),
    (LAST_SUCCESS, "When a run last ended with the target up to date: pushed, or nothing to do."),
    (LAST_EXIT, "The exit code of the last run; without a target, that of the whole run."),
    (DURATION, "How long the last run took."),
    (ITEMS, "Items of the last run: valid ones in the feed, invalid ones left out, those removed since the feed before."),
    (HELD, "1 where a guard holds the feed back."),
    (OUTSTANDING, "Rows that the target refused and that are to be sent again."),
];

/// The gauges of all targets.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Metrics(BTreeMap<(usize, String), String>);

impl Metrics {
    /// Reads the file of the run before; lines of others, and what cannot be read, are left out.
    pub fn read(text: &str) -> Self {
        let line = |line: &str| {
            let (series, value) = line.rsplit_once(' ')?;
            let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
            let place = GAUGES.iter().position(|(known, _)| *known == name)?;
            value.parse::<f64>().ok()?;
            Some(((place, labels.strip_suffix('}')?.to_owned()), value.to_owned()))
        };
        Self(text.lines().filter_map(line).collect())
    }

    /// Keeps only the series of the whole run and of these targets.
    pub fn keep(&mut self, targets: &[&str]) {
        let known: Vec<String> = targets.iter().map(|target| label("target", target)).collect();
        let is_of =
            |labels: &str, target: &String| labels.strip_prefix(target).is_some_and(|rest| rest.is_empty() || rest.starts_with(','));
        let is_known = |labels: &str| labels.is_empty() || known.iter().any(|target| is_of(labels, target));
        self.0.retain(|(_, labels), _| is_known(labels));
    }

    /// Sets a gauge; the first label is the target, and one without a value is left out.
    pub fn set(&mut self, gauge: &str, labels: &[(&str, &str)], value: impl std::fmt::Display) {
        let Some(place) = GAUGES.iter().position(|(known, _)| *known == gauge) else { return };
        let labels: Vec<String> = labels.iter().filter(|(_, value)| !value.is_empty()).map(|(name, value)| label(name, value)).collect();
        self.0.insert((place, labels.join(",")), value.to_string());
    }

    /// The text of the file.
    pub fn text(&self) -> String {
        let mut out = String::new();
        for (place, (name, help)) in GAUGES.iter().enumerate() {
            let mut series = self.0.range((place, String::new())..(place + 1, String::new())).peekable();
            if series.peek().is_some() {
                out.push_str(&format!("# HELP {name} {help}\n# TYPE {name} gauge\n"));
            }
            for ((_, labels), value) in series {
                let braces = if labels.is_empty() { String::new() } else { format!("{{{labels}}}") };
                out.push_str(&format!("{name}{braces} {value}\n"));
            }
        }
        out
    }
}

/// A label, its value escaped.
fn label(name: &str, value: &str) -> String {
    format!("{name}=\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
}

#[cfg(test)]
mod tests {
    use super::{HELD, ITEMS, LAST_EXIT, LAST_SUCCESS, Metrics};

    #[test]
    fn what_a_run_says_nothing_of_is_kept() {
        let mut metrics = Metrics::default();
        metrics.set(LAST_SUCCESS, &[("target", "chatgpt"), ("account", "")], 1_700_000_000);
        metrics.set(LAST_EXIT, &[("target", "chatgpt")], 0);
        let mut next = Metrics::read(&metrics.text());
        assert_eq!(next, metrics);
        next.set(LAST_EXIT, &[("target", "chatgpt")], 5);
        assert_eq!(
            next.text(),
            "# HELP feedmill_last_success_timestamp_seconds When a run last ended with the target up to date: pushed, or nothing to do.\n\
             # TYPE feedmill_last_success_timestamp_seconds gauge\n\
             feedmill_last_success_timestamp_seconds{target=\"chatgpt\"} 1700000000\n\
             # HELP feedmill_last_exit_code The exit code of the last run; without a target, that of the whole run.\n\
             # TYPE feedmill_last_exit_code gauge\n\
             feedmill_last_exit_code{target=\"chatgpt\"} 5\n"
        );
    }

    #[test]
    fn targets_that_are_gone_leave_nothing_behind() {
        let mut metrics = Metrics::default();
        metrics.set(LAST_EXIT, &[], 0);
        for target in ["a", "ab", "b\",\\"] {
            metrics.set(HELD, &[("target", target)], 0);
            metrics.set(ITEMS, &[("target", target), ("state", "valid")], 7);
        }
        metrics.keep(&["a", "b\",\\"]);
        let text = metrics.text();
        assert!(text.contains("{target=\"a\",state=\"valid\"} 7\n") && text.contains("feedmill_last_exit_code 0\n"), "{text}");
        assert!(!text.contains("\"ab\"") && text.contains("{target=\"b\\\",\\\\\"} 0\n"), "{text}");
    }

    #[test]
    fn lines_that_are_not_ours_are_left_out() {
        let metrics =
            Metrics::read("node_load1 0.5\nfeedmill_held{target=\"a\"} many\nfeedmill_held{target=\"a\"\nfeedmill_held{target=\"a\"} 1\n");
        assert_eq!(metrics.text().lines().last(), Some("feedmill_held{target=\"a\"} 1"));
        assert_eq!(metrics.text().lines().count(), 3);
    }
}
