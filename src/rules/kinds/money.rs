//! The kinds `money` and `currency`.

use super::{Applies, Defect, DefectDoc, Parsed, RowFacts, ValueCheck, ValueKind, never};
use crate::cell::Shape;
use crate::product::money::{Currency, Money, MoneyDefect};
use crate::product::text;
use crate::spec::model::FieldFile;

const UNKNOWN: DefectDoc = DefectDoc {
    name: "currency-unknown",
    what: "the currency is no ISO 4217 code in use, or not in capitals",
    why: "other words are not read as a currency; in most specs the code stands in capitals",
    fix: "use the three-letter code, such as `USD`",
    bad: |field| match field.kind.as_str() {
        "money" => Some(if field.lenient { "79.99 XQQ" } else { "79.99 usd" }.to_owned()),
        _ => Some("XQQ".to_owned()),
    },
};

pub(crate) const CURRENCY: ValueKind = ValueKind {
    name: "currency",
    applies: Applies::Type,
    advice: never,
    own: false,
    reads: &[],
    defects: &[UNKNOWN],
    compile: |_, _| Ok(Some(Box::new(Code))),
};

#[derive(Debug)]
struct Code;

impl ValueCheck for Code {
    fn check(&self, value: &str, _: Shape, _: usize, facts: &mut RowFacts) -> Result<(), Defect> {
        if Currency::parse(value).is_some() { Ok(()) } else { Err(unknown(value, facts)) }
    }
}

fn unknown(word: &str, facts: &mut RowFacts) -> Defect {
    facts.defect("currency-unknown", || match Currency::successor(word) {
        Some(successor) => format!("`{word}` was withdrawn; `{successor}` took its place, and amounts are to be converted"),
        None => format!("`{}` is no ISO 4217 currency code in capitals", text::excerpt(word, 12)),
    })
}

pub(crate) const MONEY: ValueKind = ValueKind {
    name: "money",
    applies: Applies::Type,
    advice: never,
    own: false,
    reads: &["positive", "lenient", "two_decimals"],
    defects: &[
        DefectDoc {
            name: "currency-missing",
            what: "an amount without a currency",
            why: "the currency is part of the value and never inferred",
            fix: "write `79.99 USD`; in a build `--currency` or `[defaults] currency` adds it",
            bad: |_| Some("79.99".to_owned()),
        },
        UNKNOWN,
        DefectDoc {
            name: "not-money",
            what: "the value is not an amount, one blank and a currency code",
            why: "signs, thousands separators, decimal commas and exponents are not read",
            fix: "write `1299.00 USD`",
            bad: |_| Some("1,299.00 USD".to_owned()),
        },
        DefectDoc {
            name: "too-many-digits",
            what: "more fraction digits than the currency has",
            why: "an amount below the smallest unit cannot be charged",
            fix: "round at the source: 2 digits for USD, none for JPY",
            bad: |_| Some("79.999 USD".to_owned()),
        },
        DefectDoc {
            name: "negative",
            what: "the amount is below zero",
            why: "no price or charge is negative",
            fix: "correct the amount",
            bad: |_| Some("-5.00 USD".to_owned()),
        },
        DefectDoc {
            name: "not-positive",
            what: "the amount is zero",
            why: "a price must be above zero; zero usually means that no price was set",
            fix: "set the price, or leave the item out",
            bad: |field| field.positive.then(|| "0.00 USD".to_owned()),
        },
    ],
    compile: |field, _| Ok(Some(Box::new(Amount { positive: field.positive, lenient: field.lenient, parse: parser(field) }))),
};

#[derive(Debug)]
struct Amount {
    positive: bool,
    lenient: bool,
    parse: Parse,
}

/// How the amounts of a field are read.
pub(super) type Parse = fn(&str) -> Result<Money, MoneyDefect>;

/// The reader of amounts that a field asks for.
pub(super) fn parser(field: &FieldFile) -> Parse {
    if field.two_decimals { Money::parse_two_decimals } else { Money::parse }
}

impl ValueCheck for Amount {
    fn check(&self, value: &str, _: Shape, field: usize, facts: &mut RowFacts) -> Result<(), Defect> {
        let money = match (self.parse)(value) {
            Err(MoneyDefect::CurrencyUnknown(_)) if self.lenient => (self.parse)(&value.to_ascii_uppercase()),
            parsed => parsed,
        };
        let money = money.map_err(|defect| describe(&defect, value, facts))?;
        if self.positive && !money.is_positive() {
            return Err(facts.defect("not-positive", || format!("`{value}` is not above zero")));
        }
        if let Some(slot) = facts.parsed.get_mut(field) {
            *slot = Parsed::Money(money);
        }
        Ok(())
    }
}

/// Whether an amount has one separator in front of exactly three digits.
fn is_open(value: &str) -> bool {
    Money::parse_loose(value, Currency::parse("USD"), None) == Err(MoneyDefect::Ambiguous)
}

fn describe(defect: &MoneyDefect, value: &str, facts: &mut RowFacts) -> Defect {
    let shown = || text::excerpt(value, 40);
    match defect {
        // In a build the currency would have been added, had the amount one reading only.
        MoneyDefect::CurrencyMissing if is_open(value) => facts.defect("currency-missing", || {
            format!("`{}` has no currency, and whether it is thousands or a fraction is open; `--decimal` settles it", shown())
        }),
        MoneyDefect::CurrencyMissing => facts.defect("currency-missing", || format!("`{}` has no currency", shown())),
        MoneyDefect::CurrencyUnknown(word) => unknown(word, facts),
        MoneyDefect::NotANumber | MoneyDefect::Ambiguous => {
            facts.defect("not-money", || format!("`{}` is not written as amount, one blank and currency code", shown()))
        }
        MoneyDefect::TooManyDigits(most) => {
            facts.defect("too-many-digits", || format!("`{}` has more fraction digits than the {most} of its currency", shown()))
        }
        MoneyDefect::Negative => facts.defect("negative", || format!("`{}` is below zero", shown())),
    }
}
