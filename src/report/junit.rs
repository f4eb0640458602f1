//! JUnit XML, as far as its readers agree: a suite for each target and one for the catalog itself,
//! a case for each rule, so that what passed shows too. A case fails at or above `--fail-on`.

use super::page::plural;
use super::{Ending, Opening, Out, Reporter};
use crate::finding::sink::Listen;
use crate::finding::{Finding, Severity};
use quick_xml::escape::escape;
use std::collections::BTreeMap;
use std::io;

/// Findings that a case tells.
const TOLD: usize = 20;
/// The suite of what belongs to no target.
const CATALOG: &str = "catalog";

/// What was found by one rule.
struct Case {
    severity: Severity,
    count: u64,
    told: Vec<String>,
    first: String,
    place: (String, u64),
}

pub(super) struct Junit {
    opening: Opening,
    out: Out,
    /// By suite and code.
    cases: BTreeMap<(String, String), Case>,
}

impl Junit {
    pub(super) fn new(opening: Opening, out: Out) -> Self {
        Self { opening, out, cases: BTreeMap::new() }
    }

    fn fails(&self, severity: Severity) -> bool {
        self.opening.fail_on.is_some_and(|least| severity >= least)
    }

    fn suite(&mut self, name: &str, codes: &[&str]) {
        let cases: Vec<String> = codes.iter().map(|code| self.case(name, code)).collect();
        let failures = cases.iter().filter(|case| case.contains("<failure ")).count();
        self.out.line(&format!(
            "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{failures}\" errors=\"0\" skipped=\"0\">",
            text(name),
            cases.len()
        ));
        for case in cases {
            self.out.line(&case);
        }
        self.out.line("  </testsuite>");
    }

    fn case(&self, suite: &str, code: &str) -> String {
        let head = format!("    <testcase classname=\"{}\" name=\"{}\"", text(suite), text(code));
        let Some(case) = self.cases.get(&(suite.to_owned(), code.to_owned())) else { return format!("{head}/>") };
        let (file, line) = &case.place;
        let place = if file.is_empty() { String::new() } else { format!(" file=\"{}\" line=\"{}\"", text(file), (*line).max(1)) };
        let more = case.count.saturating_sub(case.told.len() as u64);
        let mut told = case.told.join("\n");
        if more > 0 {
            told.push_str(&format!("\n... {more} more"));
        }
        let told = text(&told);
        if self.fails(case.severity) {
            let message = format!("{}: {}", plural(case.count, "finding"), case.first);
            format!("{head}{place}><failure type=\"{}\" message=\"{}\">{told}</failure></testcase>", text(code), text(&message))
        } else {
            format!("{head}{place}><system-out>{told}</system-out></testcase>")
        }
    }
}

impl Listen for Junit {
    fn finding(&mut self, finding: &Finding) {
        let suite = finding.target.as_deref().unwrap_or(CATALOG).to_owned();
        let item = if finding.item.is_empty() { String::new() } else { format!(" {}:", finding.item) };
        let case = self.cases.entry((suite, finding.code.to_string())).or_insert_with(|| Case {
            severity: finding.severity,
            count: 0,
            told: Vec::new(),
            first: finding.message.clone(),
            place: (self.opening.file(&finding.place).to_owned(), finding.place.line),
        });
        case.severity = case.severity.max(finding.severity);
        case.count += finding.times();
        if case.told.len() < TOLD {
            case.told.push(format!("{}:{item} {}", self.opening.position(&finding.place), finding.message));
        }
    }
}

impl Reporter for Junit {
    fn end(&mut self, ending: &Ending) -> io::Result<()> {
        let mut suites: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (suite, code) in &self.opening.rules {
            suites.entry(suite.clone()).or_default().push(code.clone());
        }
        for (suite, code) in self.cases.keys() {
            suites.entry(suite.clone()).or_default().push(code.clone());
        }
        for codes in suites.values_mut() {
            codes.sort();
            codes.dedup();
        }
        let tests = suites.values().map(Vec::len).sum::<usize>() + 1;
        let failures = self.cases.values().filter(|case| self.fails(case.severity)).count();
        let errors = u8::from(ending.error.is_some());
        self.out.line("<?xml version=\"1.0\" encoding=\"UTF-8\"?>");
        self.out
            .line(&format!("<testsuites name=\"feedmill\" tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\" skipped=\"0\">"));
        for (suite, codes) in &suites {
            let codes: Vec<&str> = codes.iter().map(String::as_str).collect();
            self.suite(suite, &codes);
        }
        self.out.line(&format!("  <testsuite name=\"feedmill\" tests=\"1\" failures=\"0\" errors=\"{errors}\" skipped=\"0\">"));
        self.out.line(&match &ending.error {
            Some(error) => format!("    <testcase classname=\"feedmill\" name=\"run\"><error message=\"{}\"/></testcase>", text(error)),
            None => "    <testcase classname=\"feedmill\" name=\"run\"/>".to_owned(),
        });
        self.out.line("  </testsuite>");
        self.out.line("</testsuites>");
        self.out.end()
    }
}

/// Text as XML 1.0 takes it: escaped, and without the characters that it does not allow.
fn text(text: &str) -> String {
    let allowed = |c: char| matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
    let clean: String = text.chars().map(|c| if allowed(c) { c } else { '\u{fffd}' }).collect();
    escape(clean.as_str()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::text;

    #[test]
    fn catalog_text_stays_text() {
        assert_eq!(text("a<b>&\"'\u{0}\u{1b}]]>\u{fffe}"), "a&lt;b&gt;&amp;&quot;&apos;\u{fffd}\u{fffd}]]&gt;\u{fffd}");
        assert_eq!(text("Größe 👍\n"), "Größe 👍\n");
    }
}
