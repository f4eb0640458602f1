//! A run's turn: a start drawn by chance, and the lock beside the state, waited for if asked.

use super::args::{IfLocked, Limits};
use super::error::CliError;
use super::push::wait;
use super::ui::Ui;
use crate::clock::{Clock, System};
use crate::state::{Lock, LockError};
use std::path::Path;
use std::time::Duration;

/// How often the lock is tried while another run holds it.
const TRY: Duration = Duration::from_millis(200);

/// Waits for a part of this time that is drawn by chance.
pub(super) fn hesitate(most: Duration) -> Result<(), CliError> {
    let clock = System::default();
    let share = part(most, clock.random());
    if share.is_zero() {
        return Ok(());
    }
    wait(async {
        clock.sleep(share).await;
        Ok(())
    })
}

/// A part of a time.
fn part(most: Duration, random: u64) -> Duration {
    most.mul_f64((random >> 11) as f64 / (1u64 << 53) as f64)
}

/// Takes the lock; `None` where another run holds it and that is fine.
pub(super) fn take(state: &Path, limits: &Limits, ui: &Ui) -> Result<Option<Lock>, CliError> {
    let clock = System::default();
    let path = state.with_extension("lock");
    let mut told = false;
    let lock = wait(async {
        loop {
            match Lock::take(&path, clock.timestamp()) {
                Err(error @ LockError::Held { .. }) if clock.elapsed() < limits.lock_wait => {
                    if !told {
                        ui.say(&format!("waiting: {error}"));
                        told = true;
                    }
                    clock.sleep(TRY).await;
                }
                done => return Ok(done),
            }
        }
    })?;
    match lock {
        Err(error @ LockError::Held { .. }) if limits.if_locked == IfLocked::Ok => {
            ui.say(&error.to_string());
            Ok(None)
        }
        done => Ok(Some(done?)),
    }
}

#[cfg(test)]
mod tests {
    use super::part;
    use std::time::Duration;

    #[test]
    fn a_part_is_never_more_than_the_whole() {
        let minute = Duration::from_secs(60);
        assert_eq!(part(minute, 0), Duration::ZERO);
        assert_eq!(part(minute, 1 << 63), minute / 2);
        assert!(part(minute, u64::MAX) <= minute && part(Duration::ZERO, u64::MAX).is_zero());
    }
}
