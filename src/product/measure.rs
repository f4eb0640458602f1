//! Measures: a number and a unit, such as `1.5 lb`, and boxes such as `12x8x5 in`.

use super::number;

/// Splits a measure into its number and its unit; the unit is empty where none is given.
///
/// A decimal comma is read as a point. `None` where no number leads.
pub fn split(text: &str) -> Option<(String, &str)> {
    let text = text.trim();
    let end = text.find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | ','))).unwrap_or(text.len());
    let (amount, unit) = text.split_at(end);
    let amount = amount.replace(',', ".");
    number::parse(&amount)?;
    Some((amount, unit.trim()))
}

/// The axes and the unit of a box written `LxWxH unit` (also with `×`, `*` or blanks).
pub fn split_box(text: &str) -> Option<([String; 3], &str)> {
    let text = text.trim();
    let unit_start = text.bytes().rposition(|byte| byte.is_ascii_digit()).map_or(0, |last| last + 1);
    let (numbers, unit) = text.split_at_checked(unit_start)?;
    let mut axes = numbers.split(['x', 'X', '×', '*']).map(str::trim);
    let (axes, rest) = ([axes.next()?, axes.next()?, axes.next()?], axes.next());
    let axes = axes.map(|axis| if axis.contains(',') { axis.replace(',', ".") } else { axis.to_owned() });
    (axes.iter().all(|axis| number::parse(axis).is_some()) && rest.is_none()).then(|| (axes, unit.trim()))
}

/// The short name of a unit of weight or length, or `None` for a word that is neither.
pub fn unit(word: &str) -> Option<&'static str> {
    Some(match word.trim().trim_end_matches('.').to_ascii_lowercase().as_str() {
        "g" | "gr" | "gram" | "grams" | "gramm" => "g",
        "kg" | "kgs" | "kilo" | "kilogram" | "kilograms" | "kilogramm" => "kg",
        "oz" | "ounce" | "ounces" => "oz",
        "lb" | "lbs" | "pound" | "pounds" => "lb",
        "in" | "inch" | "inches" | "\"" | "″" => "in",
        "cm" | "centimeter" | "centimeters" | "centimetre" | "centimetres" => "cm",
        "mm" | "millimeter" | "millimeters" | "millimetre" | "millimetres" => "mm",
        "m" | "meter" | "meters" | "metre" | "metres" => "m",
        "ft" | "foot" | "feet" => "ft",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::{split, split_box, unit};

    #[test]
    fn numbers_with_units() {
        assert_eq!(split("1.5 lb"), Some(("1.5".into(), "lb")));
        assert_eq!(split("0,75kg"), Some(("0.75".into(), "kg")));
        assert_eq!(split("12"), Some(("12".into(), "")));
        assert_eq!(split("about 2 lb"), None);
        assert_eq!(split("1.000,5 kg"), None);
    }

    #[test]
    fn boxes() {
        assert_eq!(split_box("12x8x5 in"), Some((["12".into(), "8".into(), "5".into()], "in")));
        assert_eq!(split_box("12 × 8,5 × 5cm"), Some((["12".into(), "8.5".into(), "5".into()], "cm")));
        assert_eq!(split_box("12x8 in"), None);
        assert_eq!(split_box("large"), None);
    }

    #[test]
    fn unit_words() {
        assert_eq!(unit("Lbs"), Some("lb"));
        assert_eq!(unit("GRAMS"), Some("g"));
        assert_eq!(unit("stone"), None);
    }
}
