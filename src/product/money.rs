//! Money: a decimal amount in major units and an ISO 4217 currency. Never a float.

pub use super::currency::Currency;
use super::number;
use rust_decimal::Decimal;

/// An amount of a currency, in major units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Money {
    /// The amount, with the fraction digits as written.
    pub amount: Decimal,
    /// The currency.
    pub currency: Currency,
}

/// Why a text is not money in the form feeds ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MoneyDefect {
    /// There is an amount but no currency.
    CurrencyMissing,
    /// The word after the amount is not an ISO 4217 code.
    CurrencyUnknown(String),
    /// The amount is not digits with an optional decimal point.
    NotANumber,
    /// More fraction digits than the currency has.
    TooManyDigits(u32),
    /// Below zero.
    Negative,
    /// A separator followed by exactly three digits: thousands or fraction cannot be told apart.
    Ambiguous,
}

impl Money {
    /// Parses the strict form `79.99 USD`: digits, an optional point and fraction, one space,
    /// an upper-case ISO 4217 code, and no more fraction digits than the currency has.
    pub fn parse(text: &str) -> Result<Self, MoneyDefect> {
        let blank = text.bytes().position(|byte| byte == b' ');
        let Some((amount, code)) = blank.and_then(|blank| text.get(..blank).zip(text.get(blank + 1..))) else {
            return Err(if number::parse(text).is_some() { MoneyDefect::CurrencyMissing } else { strict_defect(text) });
        };
        let Some(amount) = number::parse(amount) else {
            return Err(strict_defect(text));
        };
        let currency = Currency::parse(code).ok_or_else(|| MoneyDefect::CurrencyUnknown(code.to_owned()))?;
        if amount.scale() > currency.digits() {
            return Err(MoneyDefect::TooManyDigits(currency.digits()));
        }
        Ok(Self { amount, currency })
    }

    /// Parses the strict form, but for two decimals that say nothing, which may stand whatever
    /// digits the currency has: `100.00 JPY`.
    pub fn parse_two_decimals(text: &str) -> Result<Self, MoneyDefect> {
        let too_many = match Self::parse(text) {
            Err(MoneyDefect::TooManyDigits(most)) => MoneyDefect::TooManyDigits(most),
            parsed => return parsed,
        };
        let parts = text.split_once(' ').and_then(|(amount, code)| number::parse(amount).zip(Currency::parse(code)));
        let (amount, currency) = parts.filter(|(amount, _)| amount.scale() == 2).ok_or(too_many)?;
        Self::exact(amount, currency)
    }

    /// Parses money as shops write it: `$79.99`, `1.299,00 €`, `USD 15`, `49,00`, `1,299 JPY`.
    ///
    /// `default` is the currency of an amount that names none; `decimal` settles which of
    /// `.` and `,` is the decimal mark where one amount alone cannot say. Digits are never
    /// rounded away: only zeros beyond the currency's digits are dropped.
    pub fn parse_loose(text: &str, default: Option<Currency>, decimal: Option<char>) -> Result<Self, MoneyDefect> {
        // A plain number, as most exports have it, reads in one way only, unless it has three
        // digits behind the point.
        match number::parse(text).filter(|amount| amount.scale() != 3) {
            Some(amount) => Self::exact(amount, default.ok_or(MoneyDefect::CurrencyMissing)?),
            None => Self::parse_notation(text, default, decimal),
        }
    }

    fn parse_notation(text: &str, default: Option<Currency>, decimal: Option<char>) -> Result<Self, MoneyDefect> {
        let (number, word) = split_currency(text);
        if !number.contains(|c: char| c.is_ascii_digit()) {
            return Err(MoneyDefect::NotANumber);
        }
        let currency = match word {
            None => default,
            Some(word) => Some(currency_of(word, default).ok_or_else(|| MoneyDefect::CurrencyUnknown(word.to_owned()))?),
        };
        let negative = number.starts_with(['-', '\u{2212}']) || (number.starts_with('(') && number.ends_with(')'));
        let amount = decimal_of(number, decimal)?;
        let currency = currency.ok_or(MoneyDefect::CurrencyMissing)?;
        if negative && !amount.is_zero() {
            return Err(MoneyDefect::Negative);
        }
        Self::exact(amount, currency)
    }

    /// An amount without the zeros beyond the currency's digits.
    fn exact(mut amount: Decimal, currency: Currency) -> Result<Self, MoneyDefect> {
        if amount.scale() > currency.digits() {
            let shorter = amount.round_dp(currency.digits());
            if shorter != amount {
                return Err(MoneyDefect::TooManyDigits(currency.digits()));
            }
            amount = shorter;
        }
        Ok(Self { amount, currency })
    }

    /// Writes the strict form with exactly the currency's fraction digits.
    pub fn write(&self, out: &mut String) {
        use std::fmt::Write;
        let mut amount = self.amount;
        amount.rescale(self.currency.digits());
        write!(out, "{amount} {}", self.currency.code()).unwrap_or_default();
    }

    /// Whether the amount is above zero.
    pub fn is_positive(&self) -> bool {
        self.amount > Decimal::ZERO
    }
}

/// Appends the amount of money in the strict form as a whole number of minor units; digits are
/// moved, not computed, so that no amount is too large. `false` where the text is not money.
pub fn write_minor(text: &str, out: &mut String) -> bool {
    let Some((amount, code)) = text.split_once(' ') else { return false };
    let Some(currency) = Currency::parse(code) else { return false };
    let (whole, fraction) = amount.split_once('.').unwrap_or((amount, ""));
    let Some(missing) = (currency.digits() as usize).checked_sub(fraction.len()) else { return false };
    let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(fraction) {
        return false;
    }
    let start = out.len();
    out.push_str(whole.trim_start_matches('0'));
    out.push_str(if out.len() == start { fraction.trim_start_matches('0') } else { fraction });
    if out.len() == start {
        out.push('0');
    } else {
        out.extend(std::iter::repeat_n('0', missing));
    }
    true
}

/// Writes a whole number of minor units of a currency in the strict form, the way back.
pub fn of_minor(units: &str, code: &str) -> Option<String> {
    let currency = Currency::parse(code)?;
    let digits = currency.digits() as usize;
    if units.is_empty() || !units.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let padded = format!("{units:0>width$}", width = digits + 1);
    let (whole, fraction) = padded.split_at(padded.len() - digits);
    let whole = whole.trim_start_matches('0');
    let whole = if whole.is_empty() { "0" } else { whole };
    Some(if digits == 0 { format!("{whole} {code}") } else { format!("{whole}.{fraction} {code}") })
}

/// Names what keeps a text from the strict form, as precisely as can be said.
fn strict_defect(text: &str) -> MoneyDefect {
    let (number, word) = split_currency(text);
    if !number.contains(|c: char| c.is_ascii_digit()) {
        return MoneyDefect::NotANumber;
    }
    if number.starts_with(['-', '\u{2212}']) {
        return MoneyDefect::Negative;
    }
    match word {
        Some(word) if Currency::parse(word).is_none() && word.chars().all(char::is_alphabetic) => {
            MoneyDefect::CurrencyUnknown(word.to_owned())
        }
        _ => MoneyDefect::NotANumber,
    }
}

/// Splits an amount from the currency word or sign before or after it.
fn split_currency(text: &str) -> (&str, Option<&str>) {
    let blank = |c: char| c.is_whitespace() || c == '\u{a0}';
    let in_number = |c: char| c.is_ascii_digit() || blank(c) || matches!(c, '-' | '\u{2212}' | '(' | ')' | '.' | ',' | '\'');
    let text = text.trim_matches(blank);
    let (head, rest) = text.split_at(number_start(text).unwrap_or(text.len()));
    let (number, tail) = rest.split_at(rest.find(|c| !in_number(c)).unwrap_or(rest.len()));
    let (head, number, tail) = (head.trim_matches(blank), number.trim_matches(blank), tail.trim_matches(blank));
    match (head, tail) {
        ("", "") => (number, None),
        (word, "") | ("", word) => (number, Some(word)),
        // A sign in front and a code behind, as in `$5.00 USD`, must mean the same. What else
        // stands in front, as in `from 5.00 USD`, may say that this is not the price.
        (sign, code) => match currency_of(code, None).map(|currency| (currency, currency_of(sign, Some(currency)))) {
            Some((currency, Some(named))) if named == currency => (number, Some(code)),
            Some((_, None)) => (number, Some(sign)),
            _ => ("", Some(text)),
        },
    }
}

/// Where a number begins. A point belongs to it where no letter stands in front: `$.5` is half a
/// dollar, and `Fr.5` five francs.
fn number_start(text: &str) -> Option<usize> {
    let begins = |(at, c): (usize, char)| match c {
        '.' | ',' => {
            let (before, after) = (text.get(..at)?.chars().next_back(), text.get(at + 1..)?.chars().next());
            let stands_free = before.is_none_or(|before| !before.is_alphabetic() && before != '/');
            (stands_free && after.is_some_and(|after| after.is_ascii_digit())).then_some(at)
        }
        '-' | '\u{2212}' | '(' => Some(at),
        c => c.is_ascii_digit().then_some(at),
    };
    text.char_indices().find_map(begins)
}

/// The currency a word or sign names. A sign that several currencies share means the default
/// when the default is one of them.
fn currency_of(word: &str, default: Option<Currency>) -> Option<Currency> {
    let candidates: &[&str] = match word {
        "$" => &["USD", "CAD", "AUD", "NZD", "MXN", "SGD", "HKD", "CLP", "COP", "ARS"],
        "US$" | "USD$" => &["USD"],
        "C$" | "CA$" => &["CAD"],
        "A$" | "AU$" => &["AUD"],
        "€" | "EURO" | "Euro" | "euro" => &["EUR"],
        "£" => &["GBP"],
        "¥" | "￥" => &["JPY", "CNY"],
        "₹" => &["INR"],
        "₩" => &["KRW"],
        "zł" | "zł." => &["PLN"],
        "S/" | "S/." => &["PEN"],
        "Kč" => &["CZK"],
        "kr" | "kr." => &["SEK", "NOK", "DKK"],
        "R$" => &["BRL"],
        "Fr" | "Fr." => &["CHF"],
        _ => return Currency::parse(&word.to_ascii_uppercase()),
    };
    let named = default.filter(|default| candidates.contains(&default.code()));
    // `$`, `¥` and `kr` alone do not say which country's; only the setting does.
    named.or_else(|| (candidates.len() == 1).then(|| Currency::parse(candidates[0])).flatten())
}

/// The number in a shop's notation, its sign left aside.
fn decimal_of(number: &str, decimal: Option<char>) -> Result<Decimal, MoneyDefect> {
    let body = number.trim_start_matches(['-', '\u{2212}', '(']).trim_end_matches(')').trim_matches(SPACES);
    let (points, commas) = (body.matches('.').count(), body.matches(',').count());
    let mark = match (points, commas) {
        (0, 0) => None,
        (_, 0) | (0, _) => {
            let mark = if points > 0 { '.' } else { ',' };
            let after = body.rsplit(mark).next().map_or(0, str::len);
            if points + commas > 1 {
                None
            } else if after == 3 && !body.starts_with('0') {
                match decimal {
                    Some(decimal) => (decimal == mark).then_some(mark),
                    None => return Err(MoneyDefect::Ambiguous),
                }
            } else {
                Some(mark)
            }
        }
        // Both occur: the last one is the decimal mark, and it occurs once.
        _ => {
            let mark = if body.rfind('.') > body.rfind(',') { '.' } else { ',' };
            if body.matches(mark).count() > 1 {
                return Err(MoneyDefect::NotANumber);
            }
            Some(mark)
        }
    };
    let (whole, fraction) = match mark {
        Some(mark) => body.rsplit_once(mark).unwrap_or((body, "")),
        None => (body, ""),
    };
    if !grouped_by_three(whole) {
        return Err(MoneyDefect::NotANumber);
    }
    let mut plain: String = whole.chars().filter(char::is_ascii_digit).collect();
    if plain.is_empty() && fraction.is_empty() {
        return Err(MoneyDefect::NotANumber);
    }
    if plain.is_empty() {
        plain.push('0');
    }
    if !fraction.is_empty() {
        plain.push('.');
        plain.push_str(fraction);
    }
    number::parse(&plain).ok_or(MoneyDefect::NotANumber)
}

/// Blanks that may separate thousands.
const SPACES: [char; 3] = [' ', '\u{a0}', '\u{202f}'];

/// Whether thousands separators, if any, stand before groups of three digits.
fn grouped_by_three(whole: &str) -> bool {
    let mut parts = whole.split(|c| matches!(c, '.' | ',' | '\'') || SPACES.contains(&c));
    let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    let first = parts.next().unwrap_or("");
    digits(first) && parts.all(|part| part.len() == 3 && digits(part) && !first.is_empty())
}

#[cfg(test)]
mod tests {
    use super::{Currency, Money, MoneyDefect};
    use proptest::prelude::*;

    fn loose(text: &str, default: &str) -> Result<String, MoneyDefect> {
        Money::parse_loose(text, Currency::parse(default), None).map(|money| {
            let mut out = String::new();
            money.write(&mut out);
            out
        })
    }

    #[test]
    fn strict_form() {
        assert!(Money::parse("79.99 USD").is_ok());
        assert!(Money::parse("1500 JPY").is_ok());
        assert_eq!(Money::parse("79.99"), Err(MoneyDefect::CurrencyMissing));
        assert_eq!(Money::parse("79.99 usd"), Err(MoneyDefect::CurrencyUnknown("usd".into())));
        assert_eq!(Money::parse("79.99 ZZZ"), Err(MoneyDefect::CurrencyUnknown("ZZZ".into())));
        assert_eq!(Money::parse("79.99 XXX"), Err(MoneyDefect::CurrencyUnknown("XXX".into())));
        assert_eq!(Money::parse("15.5 JPY"), Err(MoneyDefect::TooManyDigits(0)));
        assert_eq!(Money::parse("-5.00 USD"), Err(MoneyDefect::Negative));
        for bad in ["79,99 USD", "$79.99", "79.99  USD", "1e3 USD", ".5 USD", "5. USD", "", " USD", "1,000.00 USD"] {
            assert!(Money::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn two_zeros_may_stand_where_a_currency_has_no_decimals() {
        let read = |text: &str| Money::parse_two_decimals(text).map(|money| (money.amount.to_string(), money.currency.code().to_owned()));
        assert_eq!(read("100.00 JPY"), Ok(("100".to_owned(), "JPY".to_owned())));
        assert_eq!(read("79.99 USD"), Ok(("79.99".to_owned(), "USD".to_owned())));
        for (bad, digits) in [("100.50 JPY", 0), ("100.0 JPY", 0), ("100.000 JPY", 0), ("79.990 USD", 2), ("1.0000 KWD", 3)] {
            assert_eq!(read(bad), Err(MoneyDefect::TooManyDigits(digits)), "{bad}");
        }
        assert_eq!(read("100.00 ZZZ"), Err(MoneyDefect::CurrencyUnknown("ZZZ".into())));
    }

    #[test]
    fn as_shops_write_it() {
        for (text, default, wanted) in [
            ("79.99", "USD", "79.99 USD"),
            ("1299", "EUR", "1299.00 EUR"),
            ("1299.5", "EUR", "1299.50 EUR"),
            ("1,299.00", "USD", "1299.00 USD"),
            ("1.299,00", "EUR", "1299.00 EUR"),
            ("49,00", "TND", "49.000 TND"),
            ("$2,030.00", "USD", "2030.00 USD"),
            ("1299 JPY", "USD", "1299 JPY"),
            ("USD 15.00", "EUR", "15.00 USD"),
            ("15100.0000 PHP", "USD", "15100.00 PHP"),
            ("€ 5", "USD", "5.00 EUR"),
            ("5 €", "USD", "5.00 EUR"),
            ("1 299,00 kr", "SEK", "1299.00 SEK"),
            ("CHF 1'299.00", "CHF", "1299.00 CHF"),
            ("0.500", "USD", "0.50 USD"),
            ("$5.00 USD", "EUR", "5.00 USD"),
            ("1,299,000", "USD", "1299000.00 USD"),
            ("79.99 usd", "EUR", "79.99 USD"),
            ("Fr. 10 CHF", "USD", "10.00 CHF"),
            ("Fr.10", "CHF", "10.00 CHF"),
            ("S/. 50 PEN", "USD", "50.00 PEN"),
            ("zł. 5 PLN", "USD", "5.00 PLN"),
            ("$.50", "USD", "0.50 USD"),
            ("CA$ 5.00 CAD", "USD", "5.00 CAD"),
        ] {
            assert_eq!(loose(text, default).as_deref(), Ok(wanted), "{text}");
        }
    }

    #[test]
    fn never_a_guess() {
        assert_eq!(loose("1.299", "EUR"), Err(MoneyDefect::Ambiguous));
        assert_eq!(loose("19.999", "EUR"), Err(MoneyDefect::Ambiguous));
        assert_eq!(loose("19.9999", "EUR"), Err(MoneyDefect::TooManyDigits(2)));
        assert_eq!(loose("79.99", ""), Err(MoneyDefect::CurrencyMissing));
        assert_eq!(loose("$79.99", "EUR"), Err(MoneyDefect::CurrencyUnknown("$".into())));
        assert_eq!(loose("-5", "EUR"), Err(MoneyDefect::Negative));
        assert_eq!(loose("1,29,00", "EUR"), Err(MoneyDefect::NotANumber));
        for text in ["£10 USD", "€10.00 USD", "USD 10 EUR", "AU$10.00 USD"] {
            assert_eq!(loose(text, "USD"), Err(MoneyDefect::NotANumber), "{text}");
        }
        assert_eq!(loose("2 10 USD", "USD"), Err(MoneyDefect::NotANumber));
        assert_eq!(loose("12 34", "USD"), Err(MoneyDefect::NotANumber));
        assert_eq!(loose("10,50 0", "USD"), Err(MoneyDefect::NotANumber));
        for (text, word) in [
            ("from 10 USD", "from"),
            ("was 20 USD", "was"),
            ("ca. 10 USD", "ca."),
            ("v2 10 USD", "v"),
            ("2 for 10 USD", "for 10 USD"),
            ("USD.50", "USD."),
        ] {
            assert_eq!(loose(text, "USD"), Err(MoneyDefect::CurrencyUnknown(word.into())), "{text}");
        }
        assert_eq!(loose("call us", "EUR"), Err(MoneyDefect::NotANumber));
        assert_eq!(Money::parse("free"), Err(MoneyDefect::NotANumber));
        let german = Money::parse_loose("1.299", Currency::parse("EUR"), Some(',')).expect("settled by the setting");
        assert_eq!(german.amount.to_string(), "1299");
    }

    #[test]
    fn minor_units_follow_the_currency() {
        for (text, wanted) in [
            ("79.99 USD", "7999"),
            ("5 USD", "500"),
            ("0.05 USD", "5"),
            ("0.50 USD", "50"),
            ("0.00 USD", "0"),
            ("1500 JPY", "1500"),
            ("0 JPY", "0"),
            ("12.345 KWD", "12345"),
            ("12.3 KWD", "12300"),
            ("123456789012345678901234567890.12 USD", "12345678901234567890123456789012"),
        ] {
            let mut out = String::new();
            assert!(super::write_minor(text, &mut out), "{text}");
            assert_eq!(out, wanted, "{text}");
        }
        for bad in ["79.99", "79.999 USD", "1.5 JPY", "-5 USD", "5. ZZZ", ".5 USD", ""] {
            assert!(!super::write_minor(bad, &mut String::new()), "{bad}");
        }
        assert_eq!(super::of_minor("7999", "USD").as_deref(), Some("79.99 USD"));
        assert_eq!(super::of_minor("5", "KWD").as_deref(), Some("0.005 KWD"));
        assert_eq!(super::of_minor("1500", "JPY").as_deref(), Some("1500 JPY"));
        assert_eq!(super::of_minor("79.99", "USD"), None);
    }

    proptest! {
        /// A plain number is read as by the way that reads every notation.
        #[test]
        fn plain_numbers_read_in_one_way(text in "0{0,2}[0-9]{0,4}[.,]?[0-9]{0,5}( USD)?", known in any::<bool>(), decimal in prop::option::of(prop::sample::select(vec!['.', ',']))) {
            let default = Currency::parse("USD").filter(|_| known);
            let seen = |money: Result<Money, MoneyDefect>| money.map(|money| (money, money.amount.scale()));
            prop_assert_eq!(seen(Money::parse_loose(&text, default, decimal)), seen(Money::parse_notation(&text, default, decimal)));
        }

        #[test]
        fn minor_units_and_back(units in 0u64..u64::MAX, code in prop::sample::select(vec!["USD", "JPY", "KWD"])) {
            let text = super::of_minor(&units.to_string(), code).expect("sound");
            let mut out = String::new();
            prop_assert!(super::write_minor(&text, &mut out));
            prop_assert_eq!(out, units.to_string());
        }

        #[test]
        fn what_is_written_is_read_back(cents in 0i64..1_000_000_000_000, code in prop::sample::select(vec!["USD", "JPY", "KWD", "EUR"])) {
            let currency = Currency::parse(code).expect("listed");
            let money = Money { amount: rust_decimal::Decimal::new(cents, currency.digits()), currency };
            let mut out = String::new();
            money.write(&mut out);
            prop_assert_eq!(Money::parse(&out), Ok(money));
            prop_assert_eq!(Money::parse_loose(&out, None, Some('.')), Ok(money));
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,24}") {
            let strict = Money::parse(&text);
            prop_assert!(strict.is_err() || Money::parse_loose(&text, None, Some('.')) == strict, "{text}");
        }
    }
}
