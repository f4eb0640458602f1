//! Charts: tables whose last cell is a bar, so that the numbers are there for everybody.

use super::markup::Markup;
use crate::finding::Severity;
use crate::report::TargetEnd;
use crate::report::page::{plural, thousands};
use crate::sample::View;
use crate::spec::model::Requirement;

/// Codes that have a bar.
const CODES: usize = 12;

/// What a colour says; the classes are those of the style sheet.
pub(super) fn class_of(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "bad",
        Severity::Warning => "warn",
        Severity::Advice => "note",
    }
}

/// What a word for availability says, whatever the target's spelling.
pub(super) fn class_of_availability(word: &str) -> &'static str {
    let word = word.to_ascii_lowercase().replace(['_', '-'], " ");
    match word.as_str() {
        "in stock" | "instock" | "available" | "limited stock" => "good",
        "out of stock" | "discontinued" | "sold out" | "" => "bad",
        _ => "warn",
    }
}

/// A row of a chart.
pub(super) struct Row<'a> {
    pub(super) name: &'a str,
    /// What is said of it beside its name.
    pub(super) note: &'a str,
    pub(super) number: u64,
    pub(super) class: &'static str,
}

/// A bar for each row, as long as its share of `whole`.
pub(super) fn bars(page: &mut Markup, caption: &str, heads: [&str; 2], rows: &[Row<'_>], whole: u64) {
    page.with("table", &[("class", "bars")], |page| {
        page.say("caption", &[], caption);
        page.with("thead", &[], |page| {
            page.with("tr", &[], |page| {
                heads.iter().for_each(|head| page.say("th", &[("scope", "col")], head));
                page.say("th", &[("scope", "col")], "share");
            });
        });
        page.with("tbody", &[], |page| {
            for row in rows {
                page.with("tr", &[], |page| {
                    page.with("th", &[("scope", "row")], |page| {
                        page.say("bdi", &[], row.name);
                        if !row.note.is_empty() {
                            page.text(" ");
                            page.say("span", &[("class", "soft")], row.note);
                        }
                    });
                    page.say("td", &[("class", "number")], &thousands(row.number));
                    page.with("td", &[], |page| share(page, "bar", &[(row.class, row.number)], whole));
                });
            }
        });
    });
}

/// One bar with a piece for each number, as long as its share of the whole. The numbers stand
/// beside it, so it says nothing to those who do not see it.
pub(super) fn share(page: &mut Markup, class: &str, pieces: &[(&'static str, u64)], whole: u64) {
    let attributes = [("class", class), ("viewBox", "0 0 1000 10"), ("preserveAspectRatio", "none"), ("aria-hidden", "true")];
    page.with("svg", &attributes, |page| {
        page.with("rect", &[("class", "track"), ("width", "1000"), ("height", "10")], |_| {});
        let mut from = 0;
        for (class, number) in pieces.iter().filter(|(_, number)| *number > 0) {
            // What there is at all is seen.
            let width = (number.saturating_mul(1000) / whole.max(1)).clamp(4, 1000);
            let (x, width) = (from.to_string(), width.min(1000_u64.saturating_sub(from)));
            page.with("rect", &[("class", class), ("x", &x), ("width", &width.to_string()), ("height", "10")], |_| {});
            from += width;
        }
    });
}

/// The charts of a target; `codes` are those found, with their severities, worst first.
pub(super) fn charts(page: &mut Markup, target: &TargetEnd, codes: &[(&str, Severity, u64)]) {
    page.with("div", &[("class", "charts")], |page| {
        if !codes.is_empty() {
            let most = codes.iter().map(|(_, _, times)| *times).max().unwrap_or(1);
            let rows: Vec<Row<'_>> = codes
                .iter()
                .take(CODES)
                .map(|(code, severity, times)| Row { name: code, note: severity.word(), number: *times, class: class_of(*severity) })
                .collect();
            let caption = match codes.len() {
                all if all > CODES => format!("Findings by code: the first {CODES} of {all}"),
                _ => "Findings by code".to_owned(),
            };
            page.with("div", &[], |page| bars(page, &caption, ["code", "times"], &rows, most));
        }
        if let Some(view) = &target.view {
            seen(page, view);
        }
    });
}

/// The charts of what was seen of items.
fn seen(page: &mut Markup, view: &View) {
    if !view.availability.is_empty() {
        let rows: Vec<Row<'_>> = view
            .availability
            .iter()
            .map(|(word, items)| Row {
                name: if word.is_empty() { "(nothing is said)" } else { word },
                note: "",
                number: *items,
                class: class_of_availability(word),
            })
            .collect();
        page.with("div", &[], |page| bars(page, "Availability", ["says", "items"], &rows, view.items));
    }
    let (some, none): (Vec<_>, Vec<_>) = view.fills.iter().partition(|fill| fill.filled > 0 || fill.requirement == Requirement::Required);
    let rows: Vec<Row<'_>> = some
        .iter()
        .map(|fill| {
            let lacks = fill.requirement == Requirement::Required && fill.filled < view.items;
            let note = if fill.requirement == Requirement::Optional { "" } else { fill.requirement.word() };
            Row { name: &fill.field, note, number: fill.filled, class: if lacks { "bad" } else { "good" } }
        })
        .collect();
    if rows.is_empty() {
        return;
    }
    page.with("div", &[], |page| {
        let caption = format!("How full the fields are, of {}", plural(view.items, "item"));
        bars(page, &caption, ["field", "items"], &rows, view.items);
        if !none.is_empty() {
            let names: Vec<String> = none.iter().map(|fill| format!("`{}`", fill.field)).collect();
            page.with("p", &[("class", "soft")], |page| page.prose(&format!("No item has {}.", names.join(", "))));
        }
    });
}

#[cfg(test)]
mod tests {
    use super::{Markup, class_of_availability, share};

    #[test]
    fn pieces_stand_side_by_side_and_none_is_lost() {
        let mut page = Markup::default();
        share(&mut page, "bar", &[("good", 750), ("bad", 1), ("warn", 249)], 1000);
        let text = page.into_text();
        for rect in
            ["class=\"good\" x=\"0\" width=\"750\"", "class=\"bad\" x=\"750\" width=\"4\"", "class=\"warn\" x=\"754\" width=\"246\""]
        {
            assert!(text.contains(rect), "{rect}: {text}");
        }
    }

    #[test]
    fn words_for_availability_are_known_in_every_spelling() {
        assert_eq!(["in_stock", "In stock", "in-stock"].map(class_of_availability), ["good"; 3]);
        assert_eq!(["out_of_stock", ""].map(class_of_availability), ["bad"; 2]);
        assert_eq!(class_of_availability("preorder"), "warn");
    }
}
