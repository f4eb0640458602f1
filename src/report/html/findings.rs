//! The findings, a code after the other, each with its places in the source.

use super::charts::class_of;
use super::markup::Markup;
use crate::finding::{Finding, Severity};
use crate::product::text::excerpt;
use crate::report::page::thousands;
use crate::report::{Group, Opening, reach};
use crate::spec::terms::Certainty;

/// Characters of a message or a value that are shown.
const SHOWN: usize = 240;

/// All that was found.
pub(super) fn findings(page: &mut Markup, opening: &Opening, groups: &[(&str, &Group)], several: bool) {
    page.with("section", &[("id", "findings"), ("aria-labelledby", "findings-head")], |page| {
        page.say("h2", &[("id", "findings-head")], "Findings");
        if groups.is_empty() {
            page.say("p", &[], "Nothing was found.");
        }
        for (code, group) in groups {
            // What keeps items out is read first; the rest is there to be opened.
            let attributes: &[(&str, &str)] =
                if group.severity == Severity::Error { &[("class", "code"), ("open", "")] } else { &[("class", "code")] };
            page.with("details", attributes, |page| one(page, opening, code, group, several));
        }
    });
}

/// One code.
fn one(page: &mut Markup, opening: &Opening, code: &str, group: &Group, several: bool) {
    let Some(first) = group.first.first() else { return };
    page.with("summary", &[], |page| {
        page.say("b", &[("class", class_of(group.severity))], group.severity.word());
        page.text(" ");
        page.say("code", &[], code);
        if let Some(target) = first.target.as_deref().filter(|_| several) {
            page.text(&format!(" {target}:"));
        }
        page.text(" ");
        page.prose(&excerpt(&first.message, SHOWN));
        if group.count > 1 {
            page.say("span", &[("class", "soft")], &format!(" ({} times)", thousands(group.count)));
        }
    });
    page.with("div", &[], |page| {
        if let Some(fix) = first.fix.as_ref().filter(|fix| fix.applied) {
            let done = fix.value.as_ref().map_or_else(|| "left out".to_owned(), |value| format!("`{}`", excerpt(value, 80)));
            let of = if group.count > 1 { " (the first of them)" } else { "" };
            said(page, if opening.repairs() { "Now" } else { "In a build" }, &format!("{done}{of}"));
        } else if first.certainty != Certainty::Own {
            said(page, "Then", &format!("{} ({})", first.consequence.sentence(), first.certainty.word()));
        }
        if let Some(why) = first.why.as_deref().filter(|why| !why.is_empty()) {
            said(page, "Why", why);
        }
        if let Some(hint) = first.hint.as_deref().filter(|hint| !hint.is_empty() && !first.is_repaired()) {
            said(page, "Do", hint);
        }
        table(page, opening, code, group);
        if let Some(clause) = first.spec_source.as_deref().filter(|clause| !clause.is_empty()) {
            page.with("p", &[("class", "soft")], |page| {
                page.text("Asked for by ");
                page.say("a", &[("href", clause), ("rel", "noopener noreferrer")], clause);
            });
        }
    });
}

fn said(page: &mut Markup, head: &str, text: &str) {
    page.with("p", &[], |page| {
        page.say("strong", &[], head);
        page.text(": ");
        page.prose(text);
    });
}

/// Where a code was found.
fn table(page: &mut Markup, opening: &Opening, code: &str, group: &Group) {
    let differs = group.first.iter().any(|finding| Some(&finding.message) != group.first.first().map(|first| &first.message));
    // What is wider than the page is moved with the keyboard as well.
    let label = format!("Where {code} was found");
    page.with("div", &[("class", "wide"), ("role", "region"), ("aria-label", &label), ("tabindex", "0")], |page| {
        page.with("table", &[("class", "rows")], |page| {
            page.with("thead", &[], |page| {
                page.with("tr", &[], |page| {
                    let heads = ["where", "item", "column", "value", "what"];
                    heads.iter().take(if differs { 5 } else { 4 }).for_each(|head| page.say("th", &[("scope", "col")], head));
                });
            });
            page.with("tbody", &[], |page| {
                for finding in &group.first {
                    page.with("tr", &[], |page| row(page, opening, finding, differs));
                }
            });
        });
    });
    let hidden = group.count.saturating_sub(group.first.iter().map(Finding::times).sum::<u64>());
    if hidden > 0 {
        let more =
            format!("{} more like this; `--max-per-code` shows more, and `--output-format jsonl=FILE` writes all.", thousands(hidden));
        page.with("p", &[("class", "soft")], |page| page.prose(&more));
    }
}

fn row(page: &mut Markup, opening: &Opening, finding: &Finding, differs: bool) {
    let place = &finding.place;
    page.with("td", &[], |page| {
        page.text(&opening.position(place));
        let record = match finding.extent {
            Some(extent) => format!(" {}", reach(place, extent)),
            None if place.record > 0 => format!(" record {}", place.record),
            None => String::new(),
        };
        page.say("span", &[("class", "soft")], &record);
    });
    let name = if finding.item.is_empty() { finding.group.as_deref().unwrap_or("") } else { &finding.item };
    page.with("td", &[], |page| page.say("bdi", &[], &excerpt(name, 80)));
    page.with("td", &[], |page| page.say("bdi", &[], &excerpt(place.column_name.as_deref().unwrap_or(""), 80)));
    page.with("td", &[], |page| page.say("bdi", &[], &excerpt(finding.value.as_deref().unwrap_or(""), SHOWN)));
    if differs {
        page.with("td", &[], |page| page.prose(&excerpt(&finding.message, SHOWN)));
    }
}
