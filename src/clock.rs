//! The one place that asks what time it is, waits and draws random numbers, so that everything
//! else can be given a time: tests own it, and wait for nothing.

use std::future::Future;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::pin::Pin;
use std::sync::Mutex;
use std::time::Duration;

/// A wait that ends when the clock says so.
pub type Wait<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// A word that no other run draws, in the form of a random UUID.
pub fn unique() -> String {
    let bits = |at: u32| u128::from(RandomState::new().build_hasher().finish()) << (64 * at);
    // Version 4, the variant of RFC 9562.
    let bits = (bits(0) | bits(1)) & !(0xf << 76) & !(0x3 << 62) | (4 << 76) | (2 << 62);
    let hex = format!("{bits:032x}");
    let mut out = String::with_capacity(36);
    for (place, digit) in hex.chars().enumerate() {
        if matches!(place, 8 | 12 | 16 | 20) {
            out.push('-');
        }
        out.push(digit);
    }
    out
}

/// Time, waiting and chance.
pub trait Clock: Send + Sync {
    /// The time of day.
    fn timestamp(&self) -> jiff::Timestamp;
    /// Time since some fixed point, which never runs backwards.
    fn elapsed(&self) -> Duration;
    /// Waits.
    fn sleep(&self, time: Duration) -> Wait<'_>;
    /// Sixty-four random bits.
    fn random(&self) -> u64;
}

/// The clock of the machine.
#[derive(Debug)]
pub struct System {
    started: std::time::Instant,
}

impl Default for System {
    fn default() -> Self {
        Self { started: now() }
    }
}

impl Clock for System {
    fn timestamp(&self) -> jiff::Timestamp {
        timestamp()
    }

    fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    fn sleep(&self, time: Duration) -> Wait<'_> {
        Box::pin(tokio::time::sleep(time))
    }

    fn random(&self) -> u64 {
        // The standard library seeds each of these from the system.
        RandomState::new().build_hasher().finish()
    }
}

/// A clock that jumps: each wait is over at once and moves the time on. For tests and rehearsals.
#[derive(Debug)]
pub struct Jumping {
    elapsed: Mutex<Duration>,
    start: jiff::Timestamp,
    waits: Mutex<Vec<Duration>>,
}

impl Jumping {
    /// A clock that starts at this time.
    pub fn new(start: jiff::Timestamp) -> Self {
        Self { elapsed: Mutex::default(), start, waits: Mutex::default() }
    }

    /// Every wait so far.
    pub fn waits(&self) -> Vec<Duration> {
        self.waits.lock().map(|waits| waits.clone()).unwrap_or_default()
    }

    /// Moves the time on.
    pub fn jump(&self, time: Duration) {
        if let Ok(mut elapsed) = self.elapsed.lock() {
            *elapsed += time;
        }
    }
}

impl Clock for Jumping {
    fn timestamp(&self) -> jiff::Timestamp {
        self.start.checked_add(self.elapsed()).unwrap_or(self.start)
    }

    fn elapsed(&self) -> Duration {
        self.elapsed.lock().map(|elapsed| *elapsed).unwrap_or_default()
    }

    fn sleep(&self, time: Duration) -> Wait<'_> {
        self.jump(time);
        if let Ok(mut waits) = self.waits.lock() {
            waits.push(time);
        }
        Box::pin(std::future::ready(()))
    }

    fn random(&self) -> u64 {
        u64::MAX
    }
}

/// Today's date in UTC.
pub fn today() -> jiff::civil::Date {
    let seconds = system().duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let days = i32::try_from(seconds / 86_400).unwrap_or(0);
    jiff::civil::Date::constant(1970, 1, 1).saturating_add(jiff::Span::new().days(days))
}

/// A point of monotonic time, for durations.
pub fn now() -> std::time::Instant {
    #[expect(clippy::disallowed_methods, reason = "this is the clock")]
    std::time::Instant::now()
}

/// The time of day.
pub fn timestamp() -> jiff::Timestamp {
    jiff::Timestamp::try_from(system()).unwrap_or(jiff::Timestamp::UNIX_EPOCH)
}

fn system() -> std::time::SystemTime {
    #[expect(clippy::disallowed_methods, reason = "this is the clock")]
    std::time::SystemTime::now()
}
