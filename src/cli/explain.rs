//! `explain`: what a code means, why it matters, what each target does, and how to fix it.
//! Everything comes from the rule registry and the spec folders, offline.

use super::args::Explain;
use super::error::{CliError, Exit};
use super::ui::Ui;
use crate::finding::RECORD_DEFECTS;
use crate::pipeline;
use crate::product::attribute::Attributes;
use crate::product::text_distance::nearest;
use crate::report::page;
use crate::rules::registry::Outcome;
use crate::rules::structure;
use crate::spec::terms::Certainty;
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
    certainty: Certainty,
    bad: Option<String>,
    good: Option<String>,
}

/// Codes about files and columns, which no spec holds: what, why, what to do.
const FILE_CODES: &[(&str, &str, &str, &str)] = &[
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
    (
        "join/duplicate-key",
        "rows of a joined table have a key that an earlier row has",
        "only the first row of a key counts",
        "make the key unique, or set `many = true` where several rows belong to one record",
    ),
    (
        "join/no-match",
        "records find no row in a joined table",
        "what the table would have added stays empty for them",
        "check that both columns hold the same keys, spelled alike",
    ),
    (
        "join/unused",
        "rows of a joined table belong to no record",
        "they are not read; perhaps a product is missing from the catalog",
        "check that both columns hold the same keys, spelled alike",
    ),
    (
        "rule/no-match",
        "a rule of the project file applied to no item",
        "it changes nothing; perhaps a value is spelled otherwise",
        "compare its condition with the values that `inspect` shows, or remove it",
    ),
    (
        "file/no-header",
        "the first row of a delimited file looks like a record",
        "without a header the first record is taken for one, and no column has a name",
        "name the columns with `--header`, or with `header = [...]` under [source]",
    ),
    (
        "file/more-lists",
        "a JSON document holds several lists of objects",
        "only the first is read, or the one that `--record` names; products in the others are not in the feed",
        "name the list with `--record PATH`, or `record = ...` under [source]; several lists are several sources",
    ),
    ("file/encoding", "the file is not UTF-8", "the encoding was inferred from its bytes", "export as UTF-8, or confirm with `--encoding`"),
    (
        "feed/no-item",
        "every record is skipped, so that no item is left",
        "a feed without items says nothing, or takes every product off the target",
        "compare the reasons with the catalog; perhaps all of it is unpublished, or another platform's export",
    ),
    (
        "feed/format-not-accepted",
        "the rendered format is not one the target takes",
        "the target would refuse the file",
        "render an accepted format before you deliver",
    ),
    (pipeline::MISSING.0, "an item says of no account that it is its", pipeline::MISSING.1, pipeline::MISSING.2),
    (pipeline::NO_ACCOUNT.0, "what an item gives as its account cannot be one", pipeline::NO_ACCOUNT.1, pipeline::NO_ACCOUNT.2),
    (
        crate::push::home::ROW_REFUSED,
        "the target refused a row that was delivered",
        crate::push::home::ROW_REFUSED_WORDS.0,
        crate::push::home::ROW_REFUSED_WORDS.1,
    ),
    (
        crate::push::home::FIELD_AT_FAULT,
        "the target found faults in a field of what was delivered",
        crate::push::home::FIELD_AT_FAULT_WORDS.0,
        crate::push::home::FIELD_AT_FAULT_WORDS.1,
    ),
];

/// Whether a finding can have this code.
pub(super) fn is_code(code: &str) -> Result<bool, CliError> {
    Ok(entries(&specs()?).contains_key(code))
}

/// The codes that the rules of a spec can lead to.
pub(super) fn codes_of(spec: &Spec) -> Vec<String> {
    let entries = entries(std::slice::from_ref(spec));
    let name = spec.name();
    entries.into_iter().filter(|(_, known)| known.iter().any(|entry| entry.target == name)).map(|(code, _)| code).collect()
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
        None => list(&entries, command.json, ui),
        // A word without a slash is the half of a code.
        Some(half) if !half.contains('/') && entries.keys().any(|code| code.split('/').any(|part| part == half)) => {
            let found = entries.into_iter().filter(|(code, _)| code.split('/').any(|part| part == half));
            list(&found.collect(), command.json, ui)
        }
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
                let bad = bad.map(|bad| if bad.is_empty() { "(blank)".to_owned() } else { crate::product::text::excerpt(&bad, 90) });
                let bad = bad.map(|bad| format!("{} = {bad}", field.name));
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
                    certainty: outcome.certainty,
                    bad,
                    good: example,
                });
            }
        }
        for known in spec.shape.iter().flat_map(|shape| structure::codes(spec, shape)) {
            let said = entries.entry(known.code).or_default();
            if !said.iter().any(|entry| entry.target == spec.name()) {
                said.push(Entry {
                    target: spec.name(),
                    source: spec.identity.source.clone(),
                    checked: spec.identity.checked.clone(),
                    what: known.doc.what.to_owned(),
                    why: known.doc.why.to_owned(),
                    fix: known.doc.fix.to_owned(),
                    consequence: known.consequence.word(),
                    sentence: known.consequence.sentence(),
                    certainty: known.field.written.certainty,
                    bad: None,
                    good: known.field.written.example.as_ref().map(|example| format!("{} = {}", known.field.name, plain(example))),
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
                (!rows.is_empty()).then(|| rows.join("\n"))
            };
            entries.entry(rule.code.clone()).or_default().push(Entry {
                target: spec.name(),
                source: spec.identity.source.clone(),
                checked: spec.identity.checked.clone(),
                what: rule.what.clone(),
                why: spec::terms::with_dispute(&rule.why, rule.dispute.as_deref()),
                fix: rule.fix.clone(),
                consequence: rule.consequence.word(),
                sentence: rule.consequence.sentence(),
                certainty: rule.certainty,
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
        certainty: Certainty::Own,
        bad: None,
        good: None,
    };
    for (name, why, fix) in RECORD_DEFECTS {
        entries.entry(format!("record/{name}")).or_default().push(own("a record cannot be taken as it stands", why, fix));
    }
    for &(code, what, why, fix) in FILE_CODES {
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

fn list(entries: &BTreeMap<String, Vec<Entry>>, as_json: bool, ui: &Ui) -> String {
    if as_json {
        let codes: Vec<Value> = entries.iter().map(|(code, known)| json!({ "code": code, "what": known[0].what, "targets": known.iter().map(|entry| &entry.target).collect::<Vec<_>>() })).collect();
        return format!("{}\n", json!({ "schema": "feedmill.explain/1", "codes": codes }));
    }
    let rows: Vec<[String; 2]> = entries.iter().map(|(code, known)| [code.clone(), known[0].what.clone()]).collect();
    page::columns(&rows, ui.width()).into_iter().map(|line| line + "\n").collect()
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
                json!({ "target": entry.target, "what": entry.what, "why": entry.why, "fix": entry.fix, "consequence": entry.consequence, "certainty": entry.certainty.word(),
                        "bad": entry.bad, "good": entry.good, "source": entry.source, "checked": entry.checked })
            })
            .collect();
        return Ok(format!("{}\n", json!({ "schema": "feedmill.explain/1", "code": code, "targets": targets })));
    }
    Ok(explained(code, known, ui))
}

/// One code for people: what all targets share once, then what each of them does.
fn explained(code: &str, known: &[Entry], ui: &Ui) -> String {
    let width = ui.width();
    let mut lines = vec![ui.bold(code), page::hang("  ", &known[0].what, width)];
    let same_why = known.iter().all(|entry| entry.why == known[0].why);
    let same_fix = known.iter().all(|entry| entry.fix == known[0].fix);
    let said = |head: &str, text: &str, wanted: bool, lines: &mut Vec<String>| {
        if wanted && !text.is_empty() {
            lines.push(page::hang(&format!("  {head:8}"), text, width));
        }
    };
    if same_why || same_fix {
        lines.push(String::new());
    }
    said("why", &known[0].why, same_why, &mut lines);
    said("do", &known[0].fix, same_fix, &mut lines);
    // Versions that say the same are told of together.
    let mut groups: Vec<Vec<&Entry>> = Vec::new();
    for entry in known {
        match groups.iter_mut().find(|group| group[0].says(entry)) {
            Some(group) => group.push(entry),
            None => groups.push(vec![entry]),
        }
    }
    for group in groups {
        let first = group[0];
        let targets: Vec<&str> = group.iter().map(|entry| entry.target.as_str()).collect();
        lines.push(String::new());
        lines.extend(page::wrap(&targets.join(", "), width).iter().map(|line| ui.bold(line)));
        lines.push(page::hang("  then    ", &format!("{} ({}; {})", first.sentence, first.consequence, first.certainty.sentence()), width));
        said("why", &first.why, !same_why, &mut lines);
        said("do", &first.fix, !same_fix, &mut lines);
        for (word, example) in [("bad", &first.bad), ("good", &first.good)] {
            for (row, text) in example.iter().flat_map(|example| example.lines()).enumerate() {
                said(if row == 0 { word } else { "" }, text, true, &mut lines);
            }
        }
        let mut clauses: Vec<String> = Vec::new();
        for entry in group.iter().filter(|entry| !entry.source.is_empty()) {
            let clause = format!("{} (compared {})", entry.source, entry.checked);
            if !clauses.contains(&clause) {
                clauses.push(clause);
            }
        }
        for (row, clause) in clauses.iter().enumerate() {
            said(if row == 0 { "clause" } else { "" }, clause, true, &mut lines);
        }
    }
    lines.push(String::new());
    lines.push("To switch it off or weigh it otherwise, in feedmill.toml:".to_owned());
    lines.push("  [check.severity]".to_owned());
    lines.push(format!("  \"{code}\" = \"off\"    # or \"error\", \"warning\", \"advice\""));
    lines.join("\n") + "\n"
}

impl Entry {
    /// Whether another target says the same of the code.
    fn says(&self, other: &Self) -> bool {
        let words = |entry: &Self| [&entry.why, &entry.fix, entry.sentence].map(str::to_owned);
        words(self) == words(other) && self.certainty == other.certainty && self.bad == other.bad && self.good == other.good
    }
}
