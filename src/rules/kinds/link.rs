//! Kinds for addresses: `url` and `url_list`.

use super::{Applies, Defect, DefectDoc, RowFacts, ValueCheck, ValueKind, never};
use crate::cell::Shape;
use crate::product::{link, link::LinkDefect, text};

const DEFECTS: &[DefectDoc] = &[
    DefectDoc {
        name: "not-absolute",
        what: "the address has no `http://` or `https://` in front",
        why: "the target cannot know which site a relative address belongs to",
        fix: "send the whole address; in a build `--base-url` completes relative ones",
        bad: |_| Some("/products/trail".to_owned()),
    },
    DefectDoc {
        name: "wrong-scheme",
        what: "the address is neither http nor https",
        why: "only pages and images on the web can be shown",
        fix: "use an https address",
        bad: |_| Some("ftp://example.com/trail".to_owned()),
    },
    DefectDoc {
        name: "host-missing",
        what: "no host stands after the scheme",
        why: "the address leads nowhere",
        fix: "correct the template or column the address is made from",
        bad: |_| Some("https:///trail.jpg".to_owned()),
    },
    DefectDoc {
        name: "host-invalid",
        what: "the host name holds characters no host has",
        why: "the address cannot be resolved",
        fix: "correct the address",
        bad: |_| Some("https://exa$mple.com/trail".to_owned()),
    },
    DefectDoc {
        name: "bad-characters",
        what: "a blank or another character that may not stand in an address",
        why: "most readers cut the address at that point",
        fix: "percent-encode it (a blank is `%20`); `feedmill build` does",
        bad: |_| Some("https://example.com/our products/trail".to_owned()),
    },
    DefectDoc {
        name: "credentials",
        what: "a user name or password stands in the address",
        why: "feeds are read by others; rows with credentials are refused on some paths",
        fix: "remove it",
        bad: |_| Some("https://user:secret@example.com/trail".to_owned()),
    },
];

pub(crate) const URL: ValueKind = ValueKind {
    name: "url",
    applies: Applies::Type,
    advice: never,
    own: false,
    reads: &[],
    defects: DEFECTS,
    compile: |_, _| Ok(Some(Box::new(Url))),
};

#[derive(Debug)]
struct Url;

impl ValueCheck for Url {
    fn check(&self, value: &str, _: Shape, _: usize, _: &mut RowFacts) -> Result<(), Box<Defect>> {
        link::check(value).map_err(|defect| describe(defect, value))
    }
}

fn describe(defect: LinkDefect, value: &str) -> Box<Defect> {
    let shown = text::excerpt(value, 60);
    match defect {
        LinkDefect::Relative => Defect::new("not-absolute", format!("`{shown}` is not an absolute address")),
        LinkDefect::Scheme => Defect::new("wrong-scheme", format!("`{shown}` is neither http nor https")),
        LinkDefect::HostMissing => Defect::new("host-missing", format!("`{shown}` has no host")),
        LinkDefect::Host => Defect::new("host-invalid", format!("`{shown}` has no valid host")),
        LinkDefect::Characters => Defect::new("bad-characters", format!("`{shown}` holds characters that must be encoded")),
        LinkDefect::Credentials => Defect::new("credentials", "the address holds a user name or password"),
    }
}

pub(crate) const URL_LIST: ValueKind = ValueKind {
    name: "url_list",
    applies: Applies::Type,
    advice: never,
    own: false,
    reads: &["max_items"],
    defects: &[
        DefectDoc {
            name: "bad-entry",
            what: "an entry of the list is not an absolute http or https address",
            why: "that entry is dropped or the row refused, as the field's consequence says",
            fix: "separate addresses by a comma only, and send each in full; write a comma inside one as `%2C`",
            bad: |_| Some("https://example.com/a.jpg,/b.jpg".to_owned()),
        },
        DefectDoc {
            name: "credentials",
            what: "a user name or password stands in an address of the list",
            why: "feeds are read by others; rows with credentials are refused on some paths",
            fix: "remove it",
            bad: |_| Some("https://example.com/a.jpg,https://user:secret@example.com/b.jpg".to_owned()),
        },
        DefectDoc {
            name: "too-many",
            what: "the list is longer than the target takes",
            why: "more entries than documented",
            fix: "keep the most telling ones",
            bad: |field| field.max_items.map(|most| vec!["https://example.com/a.jpg"; most + 1].join(",")),
        },
    ],
    compile: |field, _| Ok(Some(Box::new(UrlList { most: field.max_items.unwrap_or(usize::MAX) }))),
};

#[derive(Debug)]
struct UrlList {
    most: usize,
}

impl ValueCheck for UrlList {
    fn check(&self, value: &str, shape: Shape, _: usize, _: &mut RowFacts) -> Result<(), Box<Defect>> {
        let mut count = 0;
        let mut judge = |entry: &str| {
            count += 1;
            link::check(entry).map_err(|defect| match defect {
                LinkDefect::Credentials => Defect::new("credentials", format!("entry {count} holds a user name or password")),
                _ => Defect::new("bad-entry", format!("entry {count}, `{}`, is not an absolute address", text::excerpt(entry, 60))),
            })
        };
        if shape == Shape::List {
            let entries: Vec<String> =
                serde_json::from_str(value).map_err(|_| Defect::new("bad-entry", "the list holds something other than text"))?;
            entries.iter().try_for_each(|entry| judge(entry))?;
        } else {
            value.split(',').try_for_each(|entry| judge(entry.trim()))?;
        }
        if count > self.most {
            return Err(Defect::new("too-many", format!("{count} entries, {} are the most", self.most)));
        }
        Ok(())
    }
}
