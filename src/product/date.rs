//! Dates: ISO 8601 days and instants, the only two forms feeds ask for.

use jiff::civil::Date;

/// Why a text is not a date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DateDefect {
    /// Not written as `YYYY-MM-DD`, with or without a time.
    NotIso,
    /// Written right, but the calendar has no such day.
    Impossible,
}

/// The day of an ISO 8601 date or date-time, such as `2026-10-15` or `2026-10-15T09:00:00Z`.
pub fn parse(text: &str) -> Result<Date, DateDefect> {
    let Some((day, rest)) = text.split_at_checked(10) else {
        return Err(DateDefect::NotIso);
    };
    let bytes = day.as_bytes();
    let number = |range: std::ops::Range<usize>| -> Option<i16> {
        bytes.get(range)?.iter().try_fold(0i16, |sum, b| b.is_ascii_digit().then(|| sum * 10 + i16::from(b - b'0')))
    };
    let parts = (number(0..4), number(5..7), number(8..10));
    let (Some(year), Some(month), Some(day), true, true) = (parts.0, parts.1, parts.2, bytes[4] == b'-', bytes[7] == b'-') else {
        return Err(DateDefect::NotIso);
    };
    if !rest.is_empty() && !is_time(rest) {
        return Err(DateDefect::NotIso);
    }
    Date::new(year, month as i8, day as i8).map_err(|_| DateDefect::Impossible)
}

/// Whether a text is an instant: a day with its time and time zone.
pub fn is_instant(text: &str) -> bool {
    parse(text).is_ok() && text.get(10..).is_some_and(|rest| rest.contains(['Z', 'z', '+', '-']))
}

/// How two dates or instants follow each other; days where one of them names no time zone.
pub fn compare(first: &str, second: &str) -> Option<std::cmp::Ordering> {
    let days = parse(first).ok()?.cmp(&parse(second).ok()?);
    let instant = |text: &str| is_instant(text).then(|| text.parse::<jiff::Timestamp>().ok()).flatten();
    Some(instant(first).zip(instant(second)).map_or(days, |(first, second)| first.cmp(&second)))
}

/// `Thh:mm`, `Thh:mm:ss`, fractions of seconds, and an optional `Z` or numeric offset.
fn is_time(text: &str) -> bool {
    let Some(time) = text.strip_prefix(['T', 't', ' ']) else { return false };
    let (clock, zone) = time.split_at(time.find(['Z', 'z', '+', '-']).unwrap_or(time.len()));
    let two = |part: &str, below: u8| match part.as_bytes() {
        [tens @ b'0'..=b'9', ones @ b'0'..=b'9'] => (tens - b'0') * 10 + (ones - b'0') < below,
        _ => false,
    };
    let mut parts = clock.split(':');
    let clock_sound = parts.next().is_some_and(|hour| two(hour, 24))
        && parts.next().is_some_and(|minute| two(minute, 60))
        && parts.next().is_none_or(|second| {
            let (whole, fraction) = second.split_once('.').unwrap_or((second, "0"));
            two(whole, 61) && !fraction.is_empty() && fraction.bytes().all(|b| b.is_ascii_digit())
        })
        && parts.next().is_none();
    let zone_sound = zone.is_empty()
        || zone.eq_ignore_ascii_case("z")
        || zone.get(1..).is_some_and(|offset| {
            let (hours, minutes) = offset.split_once(':').unwrap_or_else(|| offset.split_at_checked(2).unwrap_or((offset, "00")));
            two(hours, 24) && (minutes.is_empty() || two(minutes, 60))
        });
    clock_sound && zone_sound
}

/// The ISO form of a date as shops write it, where only one reading is possible.
///
/// `2026/10/15`, `20261015`, `15.10.2026` and `10/25/2026` have one reading; `10/11/2026`
/// has two and is refused.
pub fn repair(text: &str) -> Option<String> {
    let text = text.trim();
    let (day, rest) = text.split_once([' ', 'T']).unwrap_or((text, ""));
    let day = day.trim_end_matches(',');
    let parts: Vec<&str> = day.split(['/', '.', '-']).collect();
    let numbers: Vec<i16> = parts.iter().map_while(|part| part.parse().ok()).collect();
    let full = |year: i16| if year < 100 { 2000 + year } else { year };
    let (year, month, day) = match (parts.as_slice(), numbers.as_slice()) {
        ([year, ..], &[y, m, d]) if year.len() == 4 => (y, m, d),
        // Years of two digits are those of this century, as in spreadsheets.
        ([.., year], &[a, b, y]) if year.len() == 4 || year.len() == 2 && !day.contains('-') => match (a, b) {
            _ if day.contains('.') => (full(y), b, a),
            (13..=31, 1..=12) => (full(y), b, a),
            (1..=12, 13..=31) => (full(y), a, b),
            (a, b) if a == b => (full(y), a, b),
            _ => return None,
        },
        ([packed], _) if packed.len() == 8 && packed.is_ascii() => {
            (packed.get(..4)?.parse().ok()?, packed.get(4..6)?.parse().ok()?, packed.get(6..)?.parse().ok()?)
        }
        _ => return None,
    };
    let date = Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()?;
    let time = format!("T{rest}");
    Some(if rest.is_empty() || rest.starts_with("00:00") || !is_time(&time) { date.to_string() } else { format!("{date}{time}") })
}

#[cfg(test)]
mod tests {
    use super::{DateDefect, compare, is_instant, parse, repair};
    use std::cmp::Ordering;

    #[test]
    fn iso_only() {
        for good in ["2026-10-15", "2026-10-15T09:00:00Z", "2026-10-15T09:00+02:00", "2024-02-29", "2026-10-15T09:00:00.250Z"] {
            assert!(parse(good).is_ok(), "{good}");
        }
        assert_eq!(parse("2036-02-30"), Err(DateDefect::Impossible));
        for bad in ["11/30/2036", "2026-10-15 nine", "2026-1-5", "", "2026-10-15T25:00Z", "2026-10-15T09:00+02:+5", "ééééé"] {
            assert_eq!(parse(bad), Err(DateDefect::NotIso), "{bad}");
        }
    }

    #[test]
    fn instants_are_compared_across_zones() {
        assert!(is_instant("2026-05-01T00:00:00Z") && is_instant("2026-05-01T00:00+0200") && !is_instant("2026-05-01T00:00:00"));
        assert_eq!(compare("2026-05-01T00:30:00+02:00", "2026-04-30T23:00:00Z"), Some(Ordering::Less));
        assert_eq!(compare("2026-05-01T02:00+02:00", "2026-05-01T00:00Z"), Some(Ordering::Equal));
        assert_eq!(compare("2026-05-02", "2026-05-01T23:00:00Z"), Some(Ordering::Greater));
        assert_eq!(compare("soon", "2026-05-01"), None);
    }

    #[test]
    fn one_reading_or_none() {
        assert_eq!(repair("11/30/2036").as_deref(), Some("2036-11-30"));
        assert_eq!(repair("30.11.2036").as_deref(), Some("2036-11-30"));
        assert_eq!(repair("2036/1/5").as_deref(), Some("2036-01-05"));
        assert_eq!(repair("20361130").as_deref(), Some("2036-11-30"));
        assert_eq!(repair("2036-11-30 14:05:00").as_deref(), Some("2036-11-30T14:05:00"));
        assert_eq!(repair("12/31/20").as_deref(), Some("2020-12-31"));
        assert_eq!(repair("31.1.20").as_deref(), Some("2020-01-31"));
        assert_eq!(repair("12/31/20, 12:00 AM").as_deref(), Some("2020-12-31"));
        assert_eq!(repair("2/1/20"), None);
        assert_eq!(repair("10/11/2036"), None);
        assert_eq!(repair("soon"), None);
    }
}
