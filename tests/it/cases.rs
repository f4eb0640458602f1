//! The cases of `fixtures/rules`: what a rule finds, as prose with small tables, run through the
//! program.
//!
//! A table gives some fields of a sound row other values: `(blank)` takes a value away, an empty
//! cell leaves it as it is. A block of JSON is a whole file. What is found is listed with its
//! row, the attribute it is at, and what the target does; nothing else may be found.

use crate::judge::{Row, sound, with};
use crate::support::Folder;
use feedmill::rules::registry;
use feedmill::spec::load;
use std::collections::BTreeSet;
use std::path::Path;

/// One heading of a file.
#[derive(Debug, Default)]
struct Case {
    place: String,
    target: String,
    rows: Vec<Row>,
    /// The ending of a whole file, and its text.
    file: Option<(String, String)>,
    finds: Vec<Found>,
    is_closed: bool,
}

/// The row (0 for the file as a whole), the code, the attribute, the consequence.
type Found = (u64, String, String, String);

fn ticked(text: &str) -> Vec<String> {
    text.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// The cells of a table line; `\|` stands for a bar and `\u0007` for the character.
fn cells(line: &str) -> Vec<String> {
    let inner = line.trim().trim_matches('|').replace("\\|", "\u{1}");
    let cell = |cell: &str| match cell.trim() {
        "(blank)" => "(blank)".to_owned(),
        cell => cell.trim_matches('`').replace('\u{1}', "|").replace("\\u0007", "\u{7}").replace("\\\\", "\\"),
    };
    inner.split('|').map(cell).collect()
}

fn found(line: &str) -> Found {
    let (row, rest) = match line.split_once(": `") {
        Some(("file", rest)) => (0, rest),
        Some((row, rest)) if row.starts_with("row ") => (row.trim_start_matches("row ").parse().expect("a number"), rest),
        _ => (1, line.trim_start_matches('`')),
    };
    let (code, rest) = rest.split_once('`').expect("a code");
    let attribute = ticked(rest).first().cloned().unwrap_or_default();
    let consequence = rest.rsplit(": ").next().expect("a consequence").trim();
    (row, code.to_owned(), attribute, consequence.to_owned())
}

/// The cases of one file.
fn parse(name: &str, text: &str) -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    let mut columns: Vec<String> = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if let Some(title) = line.strip_prefix("## ") {
            cases.push(Case { place: format!("{name}: {title}"), ..Case::default() });
            columns.clear();
            continue;
        }
        let Some(case) = cases.last_mut() else { continue };
        if line.starts_with("Target: ") {
            case.target = ticked(line).remove(0);
        } else if let Some(ending) = line.strip_prefix("```") {
            let inside: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            case.file = Some((ending.to_owned(), inside.join("\n")));
        } else if line.starts_with("| ---") || line == "Finds:" {
            case.is_closed |= line == "Finds:";
        } else if line == "A sound row." {
            case.rows.push(Row::new());
        } else if line == "Finds nothing." {
            case.is_closed = true;
        } else if line.starts_with('|') && columns.is_empty() {
            columns = cells(line);
        } else if line.starts_with('|') {
            let given = columns.iter().cloned().zip(cells(line)).filter(|(_, value)| !value.is_empty());
            case.rows.push(given.map(|(name, value)| (name, if value == "(blank)" { String::new() } else { value })).collect());
        } else if let Some(finding) = line.strip_prefix("- ") {
            case.finds.push(found(finding));
        }
    }
    cases
}

fn all() -> Vec<(String, Vec<Case>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/rules");
    let mut files: Vec<_> = std::fs::read_dir(folder).expect("the folder of cases").map(|entry| entry.expect("readable").path()).collect();
    files.sort();
    let read = |path: &Path| {
        let name = path.file_stem().and_then(|name| name.to_str()).expect("a name").to_owned();
        let cases = parse(&name, &std::fs::read_to_string(path).expect("readable"));
        (name, cases)
    };
    files.iter().filter(|path| path.extension().is_some_and(|ending| ending == "md")).map(|path| read(path)).collect()
}

/// What the program finds in the input of a case.
fn run(case: &Case) -> Vec<Found> {
    let folder = Folder::new();
    let input = match &case.file {
        Some((ending, text)) => {
            folder.write(&format!("feed.{ending}"), text);
            format!("feed.{ending}")
        }
        None => {
            let spec = load::spec(&case.target).expect("built in");
            let base = sound(&spec);
            let mut names: Vec<&str> = spec.fields.iter().map(|field| field.name.as_str()).collect();
            names.extend(case.rows.iter().flat_map(|row| row.keys()).map(String::as_str).filter(|name| spec.field(name).is_none()));
            // Another name of a field stands beside it.
            names.extend(
                case.rows
                    .iter()
                    .flat_map(|row| row.keys())
                    .map(String::as_str)
                    .filter(|name| spec.field(name).is_some_and(|field| spec.get(field).name != **name)),
            );
            let mut writer = csv::Writer::from_writer(Vec::new());
            writer.write_record(&names).expect("memory");
            for row in &case.rows {
                let row = with(&base, row);
                writer.write_record(names.iter().map(|name| row.get(*name).map_or("", String::as_str))).expect("memory");
            }
            folder.write("feed.csv", writer.into_inner().expect("memory"));
            "feed.csv".to_owned()
        }
    };
    let run = folder.run(&["check", &input, "--config", "none", "--target", &case.target, "--output-format", "jsonl"]);
    assert!(run.code < 2, "{}: {}", case.place, run.err);
    let text = |value: &serde_json::Value| value.as_str().unwrap_or("").to_owned();
    let findings = run.out.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON"));
    // The last line is the summary.
    let mut found: Vec<Found> = findings
        .filter(|line| line["code"].is_string())
        .map(|found| (found["record"].as_u64().unwrap_or(0), text(&found["code"]), text(&found["attribute"]), text(&found["consequence"])))
        .collect();
    found.sort();
    found
}

#[test]
fn every_case_finds_what_it_says() {
    let mut wrong = Vec::new();
    for case in all().into_iter().flat_map(|(_, cases)| cases) {
        assert!(case.is_closed && !case.target.is_empty(), "{}: no target, or nothing is said to be found", case.place);
        let found = run(&case);
        let mut wanted = case.finds.clone();
        wanted.sort();
        if found != wanted {
            wrong.push(format!("{}\n  wanted {wanted:?}\n  found  {found:?}", case.place));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Every kind of rule has a file that shows every defect it finds, and a case where it finds nothing.
#[test]
fn every_kind_and_defect_has_a_case() {
    let files = all();
    let kinds = registry::VALUE_KINDS.iter().map(|kind| (kind.name, kind.defects.iter().map(|doc| doc.name).collect::<Vec<_>>()));
    let rules = registry::ROW_KINDS.iter().map(|kind| kind.name).chain(registry::ACROSS_KINDS.iter().map(|kind| kind.name));
    for (kind, defects) in kinds.chain(rules.map(|name| (name, Vec::new()))) {
        let (_, cases) = files.iter().find(|(name, _)| name == kind).unwrap_or_else(|| panic!("fixtures/rules/{kind}.md is missing"));
        let shown: BTreeSet<&str> =
            cases.iter().flat_map(|case| &case.finds).filter_map(|found| found.1.split_once('/')).map(|code| code.1).collect();
        for defect in defects {
            assert!(shown.contains(defect), "fixtures/rules/{kind}.md shows no `{defect}`");
        }
        assert!(
            !shown.is_empty() && cases.iter().any(|case| case.finds.is_empty()),
            "fixtures/rules/{kind}.md needs a bad and a good case"
        );
    }
}
