//! The sink: every finding passes here once, gets its final severity, and goes on to whoever
//! listens.

use super::baseline::Known;
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

/// Decides which findings are known, and so not reported.
pub trait Hide {
    /// Whether a finding is known.
    fn hides(&mut self, finding: &Finding) -> bool;

    /// What became of all.
    fn known(&self) -> Known;
}

/// The one way findings take.
pub struct Sink<'a> {
    overrides: &'a BTreeMap<String, Override>,
    known: Option<&'a mut dyn Hide>,
    listener: &'a mut dyn Listen,
}

impl<'a> Sink<'a> {
    /// A sink in front of a listener.
    pub fn new(overrides: &'a BTreeMap<String, Override>, listener: &'a mut dyn Listen) -> Self {
        Self { overrides, known: None, listener }
    }

    /// The sink, with findings that are known hidden.
    pub fn without(self, known: Option<&'a mut dyn Hide>) -> Self {
        Self { known, ..self }
    }

    /// Gives a finding its final severity; `None` where the settings switch it off, or it is
    /// known. A row that is refused stays refused: settings change what is said, never what the
    /// target does.
    pub fn weigh(&mut self, mut finding: Finding) -> Option<Finding> {
        match self.overrides.get(&*finding.code) {
            Some(Override::Off) => return None,
            Some(Override::Weighs(severity)) => finding.severity = *severity,
            None => {}
        }
        if self.known.as_mut().is_some_and(|known| known.hides(&finding)) {
            return None;
        }
        Some(finding)
    }

    /// Passes a weighed finding on.
    pub fn push(&mut self, finding: &Finding) {
        self.listener.finding(finding);
    }
}
