//! Kinds for dates: `date`, `date_range`, and the bounds `zoned`, `times` and `future`.

use super::{Applies, Defect, DefectDoc, RowFacts, ValueCheck, ValueKind, never};
use crate::cell::Shape;
use crate::product::date::{self, DateDefect};
use crate::product::text;
use crate::spec::model::FieldFile;

const NOT_ISO: DefectDoc = DefectDoc {
    name: "not-iso-date",
    what: "the date is not written in ISO 8601",
    why: "other orders of day and month cannot be told apart",
    fix: "write `2026-10-15`",
    bad: |_| Some("15.10.2036".to_owned()),
};
const IMPOSSIBLE: DefectDoc = DefectDoc {
    name: "impossible-date",
    what: "the calendar has no such day",
    why: "the value cannot be read as a date",
    fix: "correct the date",
    bad: |field| match field.kind.as_str() {
        "date" => Some("2036-02-30".to_owned()),
        "date_range" => Some("2036-02-30/2036-03-01".to_owned()),
        _ => None,
    },
};

pub(crate) const DATE: ValueKind = ValueKind {
    name: "date",
    applies: Applies::Type,
    advice: never,
    own: false,
    reads: &[],
    defects: &[NOT_ISO, IMPOSSIBLE],
    compile: |_, _| Ok(Some(Box::new(Day))),
};

fn day(value: &str, facts: &mut RowFacts) -> Result<jiff::civil::Date, Defect> {
    date::parse(value).map_err(|defect| match defect {
        DateDefect::NotIso => facts.defect("not-iso-date", || format!("`{}` is not an ISO 8601 date", text::excerpt(value, 40))),
        DateDefect::Impossible => facts.defect("impossible-date", || format!("`{}` is no day of the calendar", text::excerpt(value, 40))),
    })
}

#[derive(Debug)]
struct Day;

impl ValueCheck for Day {
    fn check(&self, value: &str, _: Shape, _: usize, facts: &mut RowFacts) -> Result<(), Defect> {
        day(value, facts).map(drop)
    }
}

pub(crate) const DATE_RANGE: ValueKind = ValueKind {
    name: "date_range",
    applies: Applies::Type,
    advice: never,
    own: false,
    reads: &[],
    defects: &[
        NOT_ISO,
        IMPOSSIBLE,
        DefectDoc {
            name: "not-a-range",
            what: "the value is not two dates joined by a slash",
            why: "both the first and the last day are needed",
            fix: "write `2026-10-01/2026-10-07`",
            bad: |_| Some("2026-10-01".to_owned()),
        },
    ],
    compile: |_, _| Ok(Some(Box::new(Range))),
};

#[derive(Debug)]
struct Range;

impl ValueCheck for Range {
    fn check(&self, value: &str, _: Shape, _: usize, facts: &mut RowFacts) -> Result<(), Defect> {
        // `15.10.2036` is a bad date before it is half a range.
        let Some((start, end)) = value.split_once('/') else {
            day(value, facts)?;
            return Err(facts.defect("not-a-range", || format!("`{}` is not two dates joined by a slash", text::excerpt(value, 40))));
        };
        day(start.trim(), facts)?;
        day(end.trim(), facts).map(drop)
    }
}

pub(crate) const ZONED: ValueKind = ValueKind {
    name: "zoned",
    applies: Applies::Bound,
    advice: never,
    own: false,
    reads: &["zoned"],
    defects: &[DefectDoc {
        name: "no-time-zone",
        what: "a date stands without its time and time zone",
        why: "the field is an instant; a day alone begins at another time in every zone",
        fix: "write `2026-05-01T00:00:00Z`",
        bad: |field| {
            let day = "2036-05-01";
            Some(if field.kind == "date_range" { format!("{day}/2036-12-15") } else { day.to_owned() })
        },
    }],
    compile: |field, _| Ok(field.zoned.then(|| Box::new(Zoned) as Box<dyn ValueCheck>)),
};

#[derive(Debug)]
struct Zoned;

impl ValueCheck for Zoned {
    fn check(&self, value: &str, _: Shape, _: usize, facts: &mut RowFacts) -> Result<(), Defect> {
        match value.split('/').map(str::trim).find(|date| !date::is_instant(date)) {
            None => Ok(()),
            Some(day) => Err(facts.defect("no-time-zone", || format!("`{}` has no time with a time zone", text::excerpt(day, 40)))),
        }
    }
}

pub(crate) const TIMES: ValueKind = ValueKind {
    name: "times",
    applies: Applies::Bound,
    advice: never,
    own: false,
    reads: &["times"],
    defects: &[
        DefectDoc {
            name: "time-without-zone",
            what: "a time of day stands without its time zone",
            why: "it is another instant in every zone; a day alone, or an instant, can be read in one way only",
            fix: "write `2026-10-15`, or `2026-10-15T09:00:00Z`",
            bad: |field| shown(field, "zoned", "2036-05-01T09:00"),
        },
        DefectDoc {
            name: "time-of-day",
            what: "a time of day stands where days are asked for",
            why: "the documented form is days; what is made of a time is not said",
            fix: "write the days alone: `2026-10-01/2026-10-07`",
            bad: |field| shown(field, "none", "2036-05-01T09:00:00Z"),
        },
    ],
    compile: |field, _| {
        let is_any_zoned = match field.times.as_deref() {
            None => return Ok(None),
            Some("zoned") => true,
            Some("none") => false,
            Some(other) => return Err(format!("`times` is `zoned` or `none`, not `{other}`")),
        };
        Ok(Some(Box::new(Times { is_any_zoned })))
    },
};

/// A value with a time as it may not stand where `times` is this word.
fn shown(field: &FieldFile, times: &str, time: &str) -> Option<String> {
    let value = if field.kind == "date_range" { format!("{time}/2036-12-15") } else { time.to_owned() };
    (field.times.as_deref() == Some(times)).then_some(value)
}

#[derive(Debug)]
struct Times {
    /// Whether a time may stand if its zone is named.
    is_any_zoned: bool,
}

/// How long a day is.
const DAY: usize = 10;

impl Times {
    fn is_sound(&self, date: &str) -> bool {
        date.len() <= DAY || self.is_any_zoned && date::is_instant(date)
    }
}

impl ValueCheck for Times {
    fn check(&self, value: &str, _: Shape, _: usize, facts: &mut RowFacts) -> Result<(), Defect> {
        let Some(date) = value.split('/').map(str::trim).find(|date| !self.is_sound(date)) else { return Ok(()) };
        let shown = || text::excerpt(date, 40);
        Err(if self.is_any_zoned {
            facts.defect("time-without-zone", || format!("`{}` names a time but no zone", shown()))
        } else {
            facts.defect("time-of-day", || format!("`{}` names a time, a day is asked for", shown()))
        })
    }

    fn shortened(&self, value: &str) -> Option<String> {
        let days = value.split('/').map(str::trim).map(|date| if self.is_sound(date) { Some(date) } else { date.get(..DAY) });
        Some(days.collect::<Option<Vec<_>>>()?.join("/"))
    }
}

pub(crate) const FUTURE: ValueKind = ValueKind {
    name: "future",
    applies: Applies::Bound,
    advice: never,
    own: false,
    reads: &["future"],
    defects: &[DefectDoc {
        name: "in-the-past",
        what: "the date has passed",
        why: "the spec asks for a date in the future",
        fix: "update the date, or leave it out",
        bad: |field| field.future.then(|| "2020-01-01".to_owned()),
    }],
    compile: |field, today| Ok(field.future.then(|| Box::new(Future { today }) as Box<dyn ValueCheck>)),
};

#[derive(Debug)]
struct Future {
    today: jiff::civil::Date,
}

impl ValueCheck for Future {
    fn check(&self, value: &str, _: Shape, _: usize, facts: &mut RowFacts) -> Result<(), Defect> {
        if date::parse(value).is_ok_and(|date| date < self.today) {
            return Err(facts.defect("in-the-past", || format!("`{}` has passed", text::excerpt(value, 40))));
        }
        Ok(())
    }
}
