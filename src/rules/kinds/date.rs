//! Kinds for dates: `date`, `date_range`, and the bounds `zoned` and `future`.

use super::{Applies, Defect, DefectDoc, RowFacts, ValueCheck, ValueKind, never};
use crate::cell::Shape;
use crate::product::date::{self, DateDefect};
use crate::product::text;

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
