//! Kinds for addresses: `url` and `url_list`.

use super::{Applies, Defect, DefectDoc, RowFacts, ValueCheck, ValueKind, never};
use crate::cell::Shape;
use crate::product::link::{self, LinkDefect};
use crate::product::text;

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
    DefectDoc {
        name: "not-public",
        what: "the host is this machine or one of a private network",
        why: "pages and images must be publicly reachable; the target cannot fetch this one",
        fix: "export from the published shop, or map or replace the host of the test system",
        bad: |_| Some("http://localhost:8000/trail".to_owned()),
    },
    DefectDoc {
        name: "several",
        what: "several addresses stand in a field for one",
        why: "together they are one address that leads nowhere",
        fix: "keep the first; further images have a field of their own",
        bad: |_| Some("https://example.com/a.jpg;https://example.com/b.jpg".to_owned()),
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
    fn check(&self, value: &str, _: Shape, field: usize, facts: &mut RowFacts) -> Result<(), Defect> {
        facts.address(field, value).map_err(|defect| describe(defect, value, facts))
    }

    fn suggested(&self, value: &str) -> Option<String> {
        link::meant(value)
    }
}

fn describe(defect: LinkDefect, value: &str, facts: &mut RowFacts) -> Defect {
    let shown = || text::excerpt(value, 60);
    match defect {
        LinkDefect::Relative => facts.defect("not-absolute", || format!("`{}` is not an absolute address", shown())),
        LinkDefect::Scheme => facts.defect("wrong-scheme", || format!("`{}` is neither http nor https", shown())),
        LinkDefect::HostMissing => facts.defect("host-missing", || format!("`{}` has no host", shown())),
        LinkDefect::Host => facts.defect("host-invalid", || format!("`{}` has no valid host", shown())),
        LinkDefect::Characters => facts.defect("bad-characters", || format!("`{}` holds characters that must be encoded", shown())),
        LinkDefect::Private => facts.defect("not-public", || format!("`{}` can only be reached from its own network", shown())),
        LinkDefect::Several => facts.defect("several", || format!("`{}` is more than one address", shown())),
        LinkDefect::Credentials => facts.defect("credentials", || "the address holds a user name or password".to_owned()),
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
            name: "not-public",
            what: "the host of an address of the list is this machine or one of a private network",
            why: "images must be publicly reachable; the target cannot fetch this one",
            fix: "export from the published shop, or replace the host of the test system",
            bad: |_| Some("https://example.com/a.jpg,http://localhost:8000/b.jpg".to_owned()),
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
    fn check(&self, value: &str, shape: Shape, field: usize, facts: &mut RowFacts) -> Result<(), Defect> {
        let mut count = 0;
        let mut judge = |entry: &str, facts: &mut RowFacts| {
            count += 1;
            facts.address(field, entry).map_err(|defect| match defect {
                LinkDefect::Credentials => facts.defect("credentials", || format!("entry {count} holds a user name or password")),
                LinkDefect::Private => facts.defect("not-public", || {
                    format!("entry {count}, `{}`, can only be reached from its own network", text::excerpt(entry, 60))
                }),
                LinkDefect::Several => facts.defect("bad-entry", || {
                    format!("entry {count}, `{}`, is more than one address: a comma separates them", text::excerpt(entry, 60))
                }),
                _ => facts.defect("bad-entry", || format!("entry {count}, `{}`, is not an absolute address", text::excerpt(entry, 60))),
            })
        };
        // An empty list, which is none in a delimited file too.
        if value == "[]" {
            return Ok(());
        }
        if shape == Shape::List {
            let entries = serde_json::from_str::<Vec<String>>(value);
            let entries = entries.map_err(|_| facts.defect("bad-entry", || "the list holds something other than text".to_owned()))?;
            entries.iter().try_for_each(|entry| judge(entry, facts))?;
        } else {
            value.split(',').try_for_each(|entry| judge(entry.trim(), facts))?;
        }
        if count > self.most {
            return Err(facts.defect("too-many", || format!("{count} entries, {} are the most", self.most)));
        }
        Ok(())
    }
}
