//! What all destinations of a run share: one clock, one end, one budget of retries, one count
//! of bytes on their way, the connections that stand.

use super::http::Clients;
use super::retry::{self, Decision, Failure, Moment, Policy};
use crate::clock::Clock;
use crate::progress::Meter;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// What all destinations of a run share.
#[derive(Clone)]
pub struct Shared {
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Retries left to the run.
    pub budget: Arc<AtomicU32>,
    /// When the run ends, by the clock.
    pub deadline: Duration,
    /// Bytes on their way.
    pub meter: Arc<Meter>,
    /// What requests leave through.
    pub clients: Arc<Clients>,
}

impl Shared {
    /// A run that has so long from now on.
    pub fn new(clock: Arc<dyn Clock>, time: Duration) -> Self {
        let deadline = clock.elapsed() + time;
        Self { clock, budget: Arc::new(AtomicU32::new(Policy::default().budget)), deadline, meter: Arc::default(), clients: Arc::default() }
    }

    /// Time left to the run.
    pub fn left(&self) -> Duration {
        self.deadline.saturating_sub(self.clock.elapsed())
    }

    /// Decides about a failed attempt, from 1; where it is to be repeated, the wait is over and
    /// paid for when this returns.
    pub async fn pause(&self, policy: &Policy, failure: &Failure, attempt: u32) -> Decision {
        let budget = self.budget.load(Ordering::Relaxed);
        let moment = Moment { attempt, budget, left: self.left(), random: self.clock.random() };
        let decision = retry::decide(policy, failure, moment);
        if let Decision::Retry(wait) = decision {
            self.budget.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).unwrap_or_default();
            self.clock.sleep(wait).await;
        }
        decision
    }
}
