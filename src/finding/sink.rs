//! The sink: every finding passes here once, gets its final severity, and goes on to whoever
//! listens.

use super::{Finding, Severity};
use std::collections::BTreeMap;

/// What the settings say of a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Override {
    /// It is not reported.
    Off,
    /// It weighs this much.
    Weighs(Severity),
}

/// Takes findings in order.
pub trait Listen {
    /// A finding.
    fn finding(&mut self, finding: &Finding);
}

/// The one way findings take.
pub struct Sink<'a> {
    overrides: &'a BTreeMap<String, Override>,
    listener: &'a mut dyn Listen,
}

impl<'a> Sink<'a> {
    /// A sink in front of a listener.
    pub fn new(overrides: &'a BTreeMap<String, Override>, listener: &'a mut dyn Listen) -> Self {
        Self { overrides, listener }
    }

    /// Gives a finding its final severity; `None` where the settings switch it off. A row that
    /// is refused stays refused: settings change what is said, never what the target does.
    pub fn weigh(&self, mut finding: Finding) -> Option<Finding> {
        match self.overrides.get(&*finding.code) {
            Some(Override::Off) => return None,
            Some(Override::Weighs(severity)) => finding.severity = *severity,
            None => {}
        }
        Some(finding)
    }

    /// Passes a weighed finding on.
    pub fn push(&mut self, finding: &Finding) {
        self.listener.finding(finding);
    }
}
