//! `explain`: what a code means, why it matters, what each target does, and how to fix it.
//! Everything comes from the rule registry and the spec folders, offline.

use super::args::Explain;
use super::error::{CliError, Exit};
use super::ui::Ui;
use crate::finding::RECORD_DEFECTS;
use crate::product::attribute::Attributes;
use crate::product::text_distance::nearest;
use crate::rules::registry::Outcome;
use crate::spec::{self, Spec};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A code as one spec knows it.
struct Entry {
    target: String,
    source: String,
    checked: String,
    what: String,
    why: String,
    fix: String,
    consequence: &'static str,
    sentence: &'static str,
    certainty: &'static str,
    bad: Option<String>,
    good: Option<String>,
}

/// Codes about files and columns, which no spec holds: what, why, what to do.
const FILE_CODES: [(&str, &str, &str, &str); 8] = [
    ("column/repeated", "a column name occurs more than once", "only the first such column is read", "give each column its own name"),
    (
        "column/unknown",
        "a finished feed has a column its target does not know",
        "the target may ignore it, or it is a misspelt field",
        "leave it out, or correct its name",
    ),
    (
        "column/removed",
        "a finished feed has a column its target no longer reads",
        "the value has no effect any more",
        "leave the column out",
    ),
    (
        "column/renamed",
        "a finished feed uses the name of an earlier version",
        "the target does not read the old name",
        "build the feed anew, which writes current names",
    ),
    ("column/two-names", "one field is given under two names", "only the winner's value counts", "send one name for a value"),
    ("file/encoding", "the file is not UTF-8", "the encoding was inferred from its bytes", "export as UTF-8, or confirm with `--encoding`"),
    (
        "feed/format-not-accepted",
        "the rendered format is not one the target takes",
        "the target would refuse the file",
        "render an accepted format before you deliver",
    ),
    (
        crate::push::home::ROW_REFUSED,
        "the target refused a row that was delivered",
        crate::push::home::ROW_REFUSED_WORDS.0,
        crate::push::home::ROW_REFUSED_WORDS.1,
    ),
];

/// Whether a finding can have this code.
pub(super) fn is_code(code: &str) -> Result<bool, CliError> {
    Ok(entries(&specs()?).contains_key(code))
}

fn specs() -> Result<Vec<Spec>, CliError> {
    let identities = spec::load::identities()?;
    let load = |identity: &spec::model::SpecFile| spec::load::spec(&format!("{}@{}", identity.target, identity.version));
    Ok(identities.iter().map(load).collect::<Result<_, _>>()?)
}

pub(super) fn run(command: &Explain, ui: &Ui) -> Result<Exit, CliError> {
    let specs = specs()?;
    let entries = entries(&specs);
    let text = match &command.code {
        None => list(&entries, command.json),
        Some(code) => one(code, &entries, command.json, ui)?,
    };
    ui.print(&text)?;
    Ok(Exit::Done)
}

fn entries(specs: &[Spec]) -> BTreeMap<String, Vec<Entry>> {
    let mut entries: BTreeMap<String, Vec<Entry>> = BTreeMap::new();
    for spec in specs {
        for field in &spec.fields {
            let attribute = Attributes::shared().name(field.attribute);
            let written = &field.written;
            for outcome in Outcome::all(written) {
                let doc = outcome.doc;
                let bad = (doc.bad)(written);
                // A field that cannot show a defect does not have it; wrong JSON types are shown in JSON only.
                if bad.is_none() && doc.name != "not-text" {
                    continue;
                }
                let bad =
                    bad.filter(|bad| !bad.is_empty()).map(|bad| format!("{} = {}", field.name, crate::product::text::excerpt(&bad, 90)));
                let example = written.example.as_ref().map(|example| format!("{} = {}", field.name, plain(example)));
                entries.entry(format!("{attribute}/{}", doc.name)).or_default().push(Entry {
                    target: spec.name(),
                    source: spec.identity.source.clone(),
                    checked: spec.identity.checked.clone(),
                    what: doc.what.to_owned(),
                    why: outcome.why(),
                    fix: doc.fix.to_owned(),
                    consequence: outcome.consequence.word(),
                    sentence: outcome.consequence.sentence(),
                    certainty: outcome.certainty.word(),
                    bad,
                    good: example,
                });
            }
        }
        for rule in &spec.rules {
            let row = |row: &BTreeMap<String, String>| {
                (!row.is_empty()).then(|| {
                    row.iter()
                        .map(|(name, value)| format!("{name} = {}", if value.is_empty() { "(blank)" } else { value }))
                        .collect::<Vec<_>>()
                        .join(", ")
                })
            };
            let rows = |rows: &[BTreeMap<String, String>]| {
                let rows: Vec<String> = rows.iter().map(|each| row(each).unwrap_or_else(|| "(a sound row)".to_owned())).collect();
                (!rows.is_empty()).then(|| rows.join("\n          "))
            };
            entries.entry(rule.code.clone()).or_default().push(Entry {
                target: spec.name(),
                source: spec.identity.source.clone(),
                checked: spec.identity.checked.clone(),
                what: rule.what.clone(),
                why: spec::model::with_dispute(&rule.why, rule.dispute.as_deref()),
                fix: rule.fix.clone(),
                consequence: rule.consequence.word(),
                sentence: rule.consequence.sentence(),
                certainty: rule.certainty.word(),
                bad: row(&rule.bad).or_else(|| rows(&rule.bad_rows)),
                good: row(&rule.good).or_else(|| rows(&rule.good_rows)),
            });
        }
    }
    let own = |what: &str, why: &str, fix: &str| Entry {
        target: "every target".to_owned(),
        source: String::new(),
        checked: String::new(),
        what: what.to_owned(),
        why: why.to_owned(),
        fix: fix.to_owned(),
        consequence: "advice",
        sentence: "the record or column is reported by feedmill itself",
        certainty: "own",
        bad: None,
        good: None,
    };
    for (name, why, fix) in RECORD_DEFECTS {
        entries.entry(format!("record/{name}")).or_default().push(own("a record cannot be taken as it stands", why, fix));
    }
    for (code, what, why, fix) in FILE_CODES {
        entries.entry(code.to_owned()).or_default().push(own(what, why, fix));
    }
    let kept = "a value is brought into the form that feeds ask for; nothing is lost";
    let leave = "nothing; to change it at the source saves the repair";
    for (_, name, attribute) in Attributes::shared().iter() {
        for (defect, what, _) in crate::normalize::REPAIRS.iter().filter(|(_, _, kinds)| kinds.contains(&attribute.kind)) {
            entries.entry(format!("{name}/{defect}")).or_default().push(own(what, kept, leave));
        }
        let by_rule = own(
            "a rule of the project file set the value",
            "the rule's condition held for the item",
            "change the rule in feedmill.toml if it should not",
        );
        entries.entry(format!("{name}/set-by-rule")).or_default().push(by_rule);
    }
    for (code, what) in crate::normalize::REPAIRS_BY_NAME {
        entries.entry((*code).to_owned()).or_default().push(own(what, "it follows from other values of the item", leave));
    }
    entries
}

fn plain(value: &toml::Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn list(entries: &BTreeMap<String, Vec<Entry>>, as_json: bool) -> String {
    if as_json {
        let codes: Vec<Value> = entries.iter().map(|(code, known)| json!({ "code": code, "what": known[0].what, "targets": known.iter().map(|entry| &entry.target).collect::<Vec<_>>() })).collect();
        return format!("{}\n", json!({ "schema": "feedmill.explain/1", "codes": codes }));
    }
    entries.iter().map(|(code, known)| format!("{code:44} {}\n", known[0].what)).collect()
}

fn one(code: &str, entries: &BTreeMap<String, Vec<Entry>>, as_json: bool, ui: &Ui) -> Result<String, CliError> {
    let Some(known) = entries.get(code) else {
        let near = nearest(code, entries.keys().map(String::as_str)).map(|near| format!("; did you mean `{near}`?"));
        return Err(CliError::Usage(format!("no finding has the code `{code}`{}; `feedmill explain` lists all", near.unwrap_or_default())));
    };
    if as_json {
        let targets: Vec<Value> = known
            .iter()
            .map(|entry| {
                json!({ "target": entry.target, "what": entry.what, "why": entry.why, "fix": entry.fix, "consequence": entry.consequence, "certainty": entry.certainty,
                        "bad": entry.bad, "good": entry.good, "source": entry.source, "checked": entry.checked })
            })
            .collect();
        return Ok(format!("{}\n", json!({ "schema": "feedmill.explain/1", "code": code, "targets": targets })));
    }
    let mut text = format!("{}: {}\n\n", ui.bold(code), known[0].what);
    for entry in known {
        text.push_str(&format!("{}\n", ui.bold(&entry.target)));
        text.push_str(&format!("  then:   {} ({}, {})\n", entry.sentence, entry.consequence, entry.certainty));
        text.push_str(&format!("  why:    {}\n", entry.why));
        text.push_str(&format!("  do:     {}\n", entry.fix));
        for (word, example) in [("bad", &entry.bad), ("good", &entry.good)] {
            if let Some(example) = example {
                text.push_str(&format!("  {:7} {example}\n", format!("{word}:")));
            }
        }
        if !entry.source.is_empty() {
            text.push_str(&format!("  source: {} (compared {})\n", entry.source, entry.checked));
        }
        text.push('\n');
    }
    text.push_str(&format!("To switch it off or weigh it differently, in feedmill.toml:\n  [check.severity]\n  \"{code}\" = \"off\"\n"));
    Ok(text)
}
