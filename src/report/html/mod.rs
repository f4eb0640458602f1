//! A page for people: the verdict, charts, product cards where items were looked at, and the
//! findings with their places. One file, nothing in it runs, and nothing is loaded but images
//! that the catalog names, where that is asked for.

mod cards;
mod charts;
mod findings;
mod markup;

use super::page::{plural, thousands};
use super::{Ending, Group, Grouped, Opening, Out, Reporter, TargetEnd, known_line, relative};
use crate::finding::sink::Listen;
use crate::finding::{Finding, Severity};
use crate::product::text::excerpt;
use markup::Markup;
use std::io;

/// Findings of a code that are shown unless asked otherwise.
const CAP: usize = 20;
/// The most, so that the page stays one that can be opened, and its making within bounds.
const MOST: usize = 1000;

/// How the page looks.
const STYLE: &str = include_str!("style.css");
/// The digest by which a browser knows that style from any other; a test compares the two.
const STYLE_DIGEST: &str = "sha256-fkif5epRLQFUPi39NfHUBFbw14baaO+L8B0fzPdxCfw=";

pub(super) struct Html {
    opening: Opening,
    out: Out,
    groups: Grouped,
}

impl Html {
    pub(super) fn new(opening: Opening, out: Out) -> Self {
        Self { opening, out, groups: Grouped::default() }
    }

    fn cap(&self) -> usize {
        match self.opening.max_per_code {
            None => CAP,
            Some(0) => MOST,
            Some(cap) => cap.min(MOST),
        }
    }

    fn page(&self, ending: &Ending) -> String {
        let names: Vec<String> = self.opening.files.iter().map(|file| excerpt(relative(file), 80)).collect();
        let of = match names.as_slice() {
            [] => String::new(),
            [one] => format!(" of {one}"),
            [first, others @ ..] => format!(" of {first} and {} more", others.len()),
        };
        let title = format!("feedmill {}{of}", self.opening.command);
        let mut page = Markup::default();
        page.own("<!DOCTYPE html>\n<html lang=\"en\">\n");
        page.with("head", &[], |page| head(page, &title, ending));
        page.with("body", &[], |page| {
            page.with("a", &[("class", "skip"), ("href", "#main")], |page| page.text("Skip to the verdict"));
            page.with("header", &[], |page| {
                page.say("h1", &[], &title);
                navigation(page, ending);
            });
            page.with("main", &[("id", "main")], |page| self.main(page, ending));
            page.with("footer", &[], |page| footer(page, ending));
        });
        page.own("</html>\n");
        page.into_text()
    }

    fn main(&self, page: &mut Markup, ending: &Ending) {
        for said in ending.error.iter().chain(&ending.unchanged) {
            let head = if ending.error.is_some() { "The run could not be finished: " } else { "Nothing to do: " };
            page.with("p", &[], |page| {
                page.say("b", &[("class", if ending.error.is_some() { "bad" } else { "good" })], head);
                page.prose(&excerpt(said, 1000));
            });
        }
        let groups = self.groups.sorted();
        let several = ending.targets.len() > 1;
        for (place, target) in ending.targets.iter().enumerate() {
            self.target(page, target, place, &groups, several);
        }
        if !ending.outcomes.is_empty() {
            page.say("h2", &[], "Deliveries");
            page.with("ul", &[], |page| {
                for line in ending.outcomes.iter().flat_map(|(_, lines)| lines.lines()) {
                    page.with("li", &[], |page| page.prose(&excerpt(line, 600)));
                }
            });
        }
        findings::findings(page, &self.opening, &groups, several);
        if !ending.next.is_empty() {
            page.say("h2", &[], "What to do next");
            page.with("ul", &[], |page| {
                for next in &ending.next {
                    page.with("li", &[], |page| page.prose(&excerpt(next, 400)));
                }
            });
        }
    }

    fn target(&self, page: &mut Markup, target: &TargetEnd, place: usize, groups: &[(&str, &Group)], several: bool) {
        let id = anchor(place);
        page.with("section", &[("id", &id), ("aria-labelledby", &format!("{id}-head"))], |page| {
            page.say("h2", &[("id", &format!("{id}-head"))], &target.full_name());
            verdict(page, target);
            let is_its = |group: &Group| {
                let whose = group.first.first().and_then(|first| first.target.as_deref());
                !several || whose.is_none_or(|whose| whose == target.name || whose == target.full_name())
            };
            let codes: Vec<(&str, Severity, u64)> =
                groups.iter().filter(|(_, group)| is_its(group)).map(|(code, group)| (*code, group.severity, group.count)).collect();
            charts::charts(page, target, &codes);
            if let Some(view) = &target.view {
                cards::cards(page, &self.opening, target, view);
            }
        });
    }
}

/// What the page may do, and how it looks.
fn head(page: &mut Markup, title: &str, ending: &Ending) {
    let loads_images = ending.targets.iter().filter_map(|target| target.view.as_ref()).any(|view| view.images);
    let images = if loads_images { " img-src https:;" } else { "" };
    let policy = format!("default-src 'none';{images} style-src '{STYLE_DIGEST}'; base-uri 'none'; form-action 'none'");
    page.begin("meta", &[("charset", "utf-8")]);
    page.begin("meta", &[("http-equiv", "Content-Security-Policy"), ("content", &policy)]);
    page.begin("meta", &[("name", "referrer"), ("content", "no-referrer")]);
    page.begin("meta", &[("name", "viewport"), ("content", "width=device-width, initial-scale=1")]);
    page.begin("meta", &[("name", "color-scheme"), ("content", "light dark")]);
    page.begin("meta", &[("name", "robots"), ("content", "noindex")]);
    page.say("title", &[], title);
    page.with("style", &[], |page| page.own(STYLE));
}

fn navigation(page: &mut Markup, ending: &Ending) {
    page.with("nav", &[("aria-label", "On this page")], |page| {
        page.with("ul", &[], |page| {
            for (place, target) in ending.targets.iter().enumerate() {
                page.with("li", &[], |page| page.say("a", &[("href", &format!("#{}", anchor(place)))], &target.full_name()));
            }
            page.with("li", &[], |page| page.say("a", &[("href", "#findings")], "Findings"));
        });
    });
}

/// What became of the records, in a sentence, in numbers and as a bar.
fn verdict(page: &mut Markup, target: &TargetEnd) {
    let counts = &target.counts;
    let (class, word) = match (counts.items, counts.accepted, counts.rejected) {
        (0, ..) => ("bad", "There is no item."),
        (_, 0, _) => ("bad", "No item is accepted."),
        (_, _, 0) => ("good", "Every item is accepted."),
        _ => ("warn", "Some items are rejected."),
    };
    page.with("p", &[], |page| {
        page.say("b", &[("class", class)], word);
        page.text(&format!(" {} of {} can be in the feed.", thousands(counts.accepted), plural(counts.items, "item")));
    });
    let [advice, warnings, errors] = counts.by_severity;
    let tiles = [
        ("records", counts.records, ""),
        ("accepted", counts.accepted, "good"),
        ("rejected", counts.rejected, "bad"),
        ("skipped", counts.skipped, "note"),
        ("groups", counts.groups, ""),
        ("errors", errors, ""),
        ("warnings", warnings, ""),
        ("advice", advice, ""),
    ];
    page.with("dl", &[("class", "tiles")], |page| {
        for (name, number, class) in tiles {
            page.with("div", &[], |page| {
                page.say("dt", &[], name);
                page.say("dd", &[("class", class)], &thousands(number));
            });
        }
    });
    charts::share(page, "share", &[("good", counts.accepted), ("bad", counts.rejected), ("note", counts.skipped)], counts.records);
    if counts.skipped > 0 {
        let reasons: Vec<String> = counts.skipped_by.iter().map(|(reason, records)| format!("{} {reason}", thousands(*records))).collect();
        page.say("p", &[("class", "soft")], &format!("Skipped: {}.", reasons.join(", ")));
    }
}

/// What was read, and by which program.
fn footer(page: &mut Markup, ending: &Ending) {
    for input in &ending.inputs {
        let read = format!(
            "{}: {}, {}, read as {}; {}, BLAKE3 {}",
            excerpt(relative(&input.file), 120),
            input.format,
            input.encoding,
            input.preset,
            plural(input.records, "record"),
            input.blake3
        );
        page.say("p", &[], &read);
    }
    if let Some(known) = &ending.baseline {
        page.with("p", &[], |page| page.prose(&known_line(known)));
    }
    page.say("p", &[], concat!("Made by feedmill ", env!("CARGO_PKG_VERSION"), "."));
}

fn anchor(place: usize) -> String {
    format!("target-{}", place + 1)
}

impl Listen for Html {
    fn finding(&mut self, finding: &Finding) {
        let cap = self.cap();
        self.groups.add(finding, cap);
    }
}

impl Reporter for Html {
    fn end(&mut self, ending: &Ending) -> io::Result<()> {
        let page = self.page(ending);
        self.out.write(page.as_bytes());
        self.out.end()
    }
}

#[cfg(all(test, feature = "sftp"))]
mod tests {
    use super::{STYLE, STYLE_DIGEST};

    /// Base64, as a browser compares it.
    fn base64(bytes: &[u8]) -> String {
        const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let mut out = String::new();
        for chunk in bytes.chunks(3) {
            let word = chunk.iter().enumerate().fold(0_u32, |word, (place, byte)| word | u32::from(*byte) << (16 - 8 * place));
            for place in 0..4 {
                let letter = LETTERS[(word >> (18 - 6 * place) & 63) as usize];
                out.push(if place <= chunk.len() { char::from(letter) } else { '=' });
            }
        }
        out
    }

    #[test]
    fn the_page_may_have_its_own_style_and_no_other() {
        assert_eq!(base64(b"feedmill"), "ZmVlZG1pbGw=");
        let digest = ring::digest::digest(&ring::digest::SHA256, STYLE.as_bytes());
        assert_eq!(STYLE_DIGEST, format!("sha256-{}", base64(digest.as_ref())));
    }
}
