//! The kind `gtin`.

use super::{Applies, Defect, DefectDoc, RowFacts, ValueCheck, ValueKind, never};
use crate::cell::Shape;
use crate::product::gtin::{self, GtinDefect};
use crate::product::text;

pub(crate) const GTIN: ValueKind = ValueKind {
    name: "gtin",
    applies: Applies::Type,
    advice: never,
    own: false,
    reads: &["digits", "refuse_prefixes", "lenient"],
    defects: &[
        DefectDoc {
            name: "not-digits",
            what: "the number holds something other than digits",
            why: "a GTIN is digits only; blanks, hyphens and words are not read",
            fix: "write the digits alone; `feedmill build` drops blanks and hyphens",
            bad: |field| Some(if field.lenient { "4006381_333931" } else { "4006381-333931" }.to_owned()),
        },
        DefectDoc {
            name: "wrong-length",
            what: "the number has a length no GTIN has, or the spec does not allow",
            why: "GTINs have 8, 12, 13 or 14 digits; an ISBN-10 is not one",
            fix: "use the code printed below the barcode, leading zeros included",
            bad: |field| Some("1".repeat(field.digits.map_or(10, |[_, most]| most + 1))),
        },
        DefectDoc {
            name: "check-digit",
            what: "the last digit does not fit the others",
            why: "the number is mistyped, invented or a shop's own: it identifies nothing, or another product",
            fix: "correct the code at its source, or leave `gtin` out and give `brand` and `mpn`",
            bad: |field| field.digits.is_none().then(|| "4006381333932".to_owned()),
        },
        DefectDoc {
            name: "restricted-prefix",
            what: "the number begins with digits that the target does not keep",
            why: "such numbers are given out inside one shop or region, or stand for coupons; they identify no product elsewhere",
            fix: "give the manufacturer's own GTIN, or leave `gtin` out and give `brand` and `mpn`",
            bad: |field| (!field.refuse_prefixes.is_empty()).then(|| "2012345678903".to_owned()),
        },
    ],
    compile: |field, _| Ok(Some(Box::new(Gtin { digits: field.digits, refused: field.refuse_prefixes.clone(), lenient: field.lenient }))),
};

#[derive(Debug)]
struct Gtin {
    digits: Option<[usize; 2]>,
    refused: Vec<String>,
    lenient: bool,
}

impl ValueCheck for Gtin {
    fn check(&self, value: &str, _: Shape, _: usize, facts: &mut RowFacts) -> Result<(), Defect> {
        let shown = || text::excerpt(value, 30);
        let bare = (self.lenient && value.contains([' ', '-'])).then(|| value.replace([' ', '-'], ""));
        let value = bare.as_deref().unwrap_or(value);
        let judged = match self.digits {
            None => gtin::check(value),
            Some(_) if !value.bytes().all(|b| b.is_ascii_digit()) => Err(GtinDefect::NotDigits),
            Some([least, most]) if !(least..=most).contains(&value.len()) => Err(GtinDefect::Length(value.len())),
            Some(_) => Ok(()),
        };
        if let (Ok(()), Some(prefix)) = (&judged, self.refused.iter().find(|prefix| value.starts_with(*prefix))) {
            return Err(facts.defect("restricted-prefix", || format!("`{}` begins with `{prefix}`", shown())));
        }
        judged.map_err(|defect| match defect {
            GtinDefect::NotDigits => facts.defect("not-digits", || format!("`{}` holds something other than digits", shown())),
            GtinDefect::Length(length) => facts.defect("wrong-length", || {
                let zeros = gtin::with_lost_zeros(value).map(|padded| format!("; if leading zeros were lost it is `{padded}`"));
                format!("`{}` has {length} digits{}", shown(), zeros.unwrap_or_default())
            }),
            GtinDefect::CheckDigit { expected } => {
                facts.defect("check-digit", || format!("`{}` ends in the wrong check digit, {expected} would fit", shown()))
            }
        })
    }
}
