//! The one place that asks what time it is, so that everything else can be given a time.

/// Today's date in UTC.
pub fn today() -> jiff::civil::Date {
    #[expect(clippy::disallowed_methods, reason = "this is the clock")]
    let now = std::time::SystemTime::now();
    let seconds = now.duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_secs());
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
    #[expect(clippy::disallowed_methods, reason = "this is the clock")]
    let now = std::time::SystemTime::now();
    jiff::Timestamp::try_from(now).unwrap_or(jiff::Timestamp::UNIX_EPOCH)
}
