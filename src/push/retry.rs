//! When to try again: (what failed, which attempt, how much time is left) to a decision. Pure;
//! nobody sleeps here.
//!
//! The numbers are proposals with an anchor each: five attempts, half a second doubling to
//! thirty, any part of that by chance ("full jitter"), twenty retries a run over all calls.

use serde::Deserialize;
use std::time::Duration;

/// How often and how fast.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Policy {
    /// Attempts of one call, the first included.
    pub attempts: u32,
    /// The longest first wait, in milliseconds.
    pub base_ms: u64,
    /// The longest wait, in milliseconds.
    pub cap_ms: u64,
    /// Retries of a run over all calls.
    pub budget: u32,
}

impl Default for Policy {
    fn default() -> Self {
        Self { attempts: 5, base_ms: 500, cap_ms: 30_000, budget: 20 }
    }
}

/// Why a call failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// No connection, or one that broke, or no answer in time.
    Connection,
    /// The other side could not show who it is.
    Certificate,
    /// The answer was no success.
    Status {
        /// The status.
        code: u16,
        /// How long to wait, as the answer says.
        retry_after: Option<Duration>,
        /// What the answer says about trying again, which overrides everything else.
        should_retry: Option<bool>,
        /// Whether the answer says that something else holds a lock.
        locked: bool,
    },
}

/// What to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Wait this long and try again.
    Retry(Duration),
    /// Trying again would change nothing.
    Final,
    /// It may work later, but not in this run.
    Later {
        /// Why not now.
        reason: &'static str,
        /// How long the target asked to be left alone.
        wait: Option<Duration>,
    },
}

/// What a decision depends on besides the failure.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// The attempt that failed, from 1.
    pub attempt: u32,
    /// Retries left of the run's budget.
    pub budget: u32,
    /// Time left to the run.
    pub left: Duration,
    /// Sixty-four random bits.
    pub random: u64,
}

/// Decides.
pub fn decide(policy: &Policy, failure: &Failure, moment: Moment) -> Decision {
    let mut asked = None;
    let again = match failure {
        Failure::Connection => true,
        Failure::Certificate => false,
        Failure::Status { code, retry_after, should_retry, locked } => {
            asked = *retry_after;
            should_retry.unwrap_or(match code {
                408 | 424 | 429 => true,
                409 => *locked,
                code => *code >= 500,
            })
        }
    };
    if !again {
        // A throttled call that must not be repeated now is still one for later.
        return match failure {
            Failure::Status { code: 429, .. } => Decision::Later { reason: "the target asks for patience", wait: asked },
            _ => Decision::Final,
        };
    }
    let doubled = policy.base_ms.saturating_mul(1 << moment.attempt.saturating_sub(1).min(20));
    let longest = Duration::from_millis(doubled.min(policy.cap_ms));
    let own = longest.mul_f64((moment.random >> 11) as f64 / (1u64 << 53) as f64);
    // What the target asks for is the least; the own part keeps many clients from coming back at once.
    let wait = asked.map_or(own, |asked| asked.max(own));
    if moment.attempt >= policy.attempts {
        return Decision::Later { reason: "every attempt failed", wait: asked };
    }
    if moment.budget == 0 {
        return Decision::Later { reason: "the retries of this run are used up", wait: asked };
    }
    if wait >= moment.left {
        return Decision::Later { reason: "the wait would pass the end of this run", wait: asked };
    }
    Decision::Retry(wait)
}

/// Reads `Retry-After`: seconds, or a date of HTTP.
pub fn retry_after(value: &str, now: jiff::Timestamp) -> Option<Duration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let at = jiff::fmt::rfc2822::parse(value).ok()?.timestamp();
    Duration::try_from(at.duration_since(now)).ok()
}

#[cfg(test)]
mod tests {
    use super::{Decision, Failure, Moment, Policy, decide, retry_after};
    use std::time::Duration;

    const MOMENT: Moment = Moment { attempt: 1, budget: 20, left: Duration::from_secs(600), random: u64::MAX };

    fn status(code: u16) -> Failure {
        Failure::Status { code, retry_after: None, should_retry: None, locked: false }
    }

    #[test]
    fn what_is_tried_again() {
        let policy = Policy::default();
        let again = |failure: &Failure| matches!(decide(&policy, failure, MOMENT), Decision::Retry(_));
        for code in [408, 424, 429, 500, 502, 503, 504] {
            assert!(again(&status(code)), "{code}");
        }
        for code in [301, 307, 400, 401, 402, 403, 404, 409, 413, 422] {
            assert_eq!(decide(&policy, &status(code), MOMENT), Decision::Final, "{code}");
        }
        assert!(again(&Failure::Connection));
        assert_eq!(decide(&policy, &Failure::Certificate, MOMENT), Decision::Final);
        let said = |code, should_retry| Failure::Status { code, retry_after: None, should_retry: Some(should_retry), locked: false };
        assert!(again(&said(400, true)) && !again(&said(500, false)));
        assert!(matches!(decide(&policy, &said(429, false), MOMENT), Decision::Later { .. }));
        assert!(again(&Failure::Status { code: 409, retry_after: None, should_retry: None, locked: true }));
    }

    #[test]
    fn waits_double_up_to_the_cap_and_chance_shortens_them() {
        let policy = Policy { attempts: 99, ..Policy::default() };
        let wait = |attempt, random| match decide(&policy, &status(503), Moment { attempt, random, ..MOMENT }) {
            Decision::Retry(wait) => wait.as_millis(),
            other => panic!("{other:?}"),
        };
        assert_eq!(
            (1..=9).map(|attempt| wait(attempt, u64::MAX)).collect::<Vec<_>>(),
            [500, 1000, 2000, 4000, 8000, 16000, 30000, 30000, 30000]
        );
        assert_eq!(wait(5, 0), 0);
        assert_eq!(wait(2, 1 << 63), 500);
    }

    #[test]
    fn it_ends() {
        let policy = Policy::default();
        let later = |failure: &Failure, moment| matches!(decide(&policy, failure, moment), Decision::Later { .. });
        assert!(later(&status(503), Moment { attempt: 5, ..MOMENT }));
        assert!(later(&status(503), Moment { budget: 0, ..MOMENT }));
        let asked = Failure::Status { code: 429, retry_after: Some(Duration::from_secs(700)), should_retry: None, locked: false };
        assert_eq!(
            decide(&policy, &asked, MOMENT),
            Decision::Later { reason: "the wait would pass the end of this run", wait: Some(Duration::from_secs(700)) }
        );
        assert!(later(&Failure::Connection, Moment { left: Duration::ZERO, ..MOMENT }));
    }

    #[test]
    fn waits_asked_for_come_as_seconds_or_as_a_date() {
        let now = "2026-11-22T10:00:00Z".parse().expect("a time");
        assert_eq!(retry_after("7", now), Some(Duration::from_secs(7)));
        assert_eq!(retry_after("Sun, 22 Nov 2026 10:00:30 GMT", now), Some(Duration::from_secs(30)));
        assert_eq!(retry_after("Sun, 22 Nov 2026 09:00:00 GMT", now), None);
        assert_eq!(retry_after("soon", now), None);
    }
}
