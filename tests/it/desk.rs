//! What a person asks about a spec: `spec`, `spec --diff`, `explain`.

use crate::support::Folder;
use std::process::Command;

/// A run in a pipe whose page is so wide.
fn at_width(arguments: &[&str], width: &str) -> String {
    let program = Command::new(env!("CARGO_BIN_EXE_feedmill")).args(arguments).env("COLUMNS", width).env_remove("FORCE_COLOR").output();
    let output = program.expect("the program runs");
    assert!(output.status.success(), "{arguments:?}");
    String::from_utf8(output.stdout).expect("text")
}

const CODES: [&str; 5] =
    ["gtin/check-digit", "mpn/missing", "variant_dict/duplicate-in-group", "availability/unknown-value", "record/stray-quote"];

/// No line is longer than the page, unless a single word is; nothing is coloured in a pipe.
#[test]
fn pages_fit_their_width() {
    let mut pages: Vec<Vec<&str>> = CODES.iter().map(|code| vec!["explain", *code]).collect();
    pages.push(vec!["spec", "--diff", "openai@2026-07", "openai@2026-09"]);
    pages.push(vec!["spec", "--diff", "openai@2025-09", "stripe"]);
    for arguments in pages {
        for width in ["80", "120"] {
            let text = at_width(&arguments, width);
            let most: usize = width.parse().expect("a number");
            for line in text.lines() {
                // An address is not cut.
                let longest = line.split(' ').map(|word| word.chars().count()).max().unwrap_or(0);
                assert!(line.chars().count() <= most || longest + 12 > most, "{arguments:?} at {width}: {line}");
                assert_eq!(line, line.trim_end(), "{arguments:?}");
            }
            assert!(!text.contains('\u{1b}') && !text.contains("\n\n\n"), "{arguments:?}: {text}");
        }
    }
}

#[test]
fn a_diff_tells_every_field_that_changed() {
    let folder = Folder::new();
    let diff = folder.run(&["spec", "--diff", "openai@2026-07", "openai@2026-09", "--json"]).json();
    assert_eq!(diff["schema"], "feedmill.spec-diff/1");
    let names = |part: &serde_json::Value, key: &str| -> Vec<String> {
        part.as_array().expect("a list").iter().map(|entry| entry[key].as_str().expect("a name").to_owned()).collect()
    };
    let (old, new) = ["openai@2026-07", "openai@2026-09"].map(|name| feedmill::spec::load::spec(name).expect("built in")).into();
    let has = |spec: &feedmill::spec::Spec, name: &String| spec.fields.iter().any(|field| field.name == *name);
    for name in names(&diff["fields"]["added"], "name") {
        assert!(has(&new, &name) && !has(&old, &name), "{name}");
    }
    let removed = names(&diff["fields"]["removed"], "name");
    assert!(removed.iter().all(|name| has(&old, name) && !has(&new, name)));
    // What is neither added nor removed, renamed nor changed is the same in both.
    assert_eq!(old.fields.len() - removed.len(), new.fields.len() - names(&diff["fields"]["added"], "name").len());
    let seller =
        diff["fields"]["changed"].as_array().expect("a list").iter().find(|field| field["new"] == "seller_url").expect("changed").clone();
    assert!(
        seller["changes"]
            .as_array()
            .expect("a list")
            .contains(&serde_json::json!({ "about": "requirement", "old": "required", "new": "optional" }))
    );
    let text = at_width(&["spec", "--diff", "openai@2026-07", "openai@2026-09"], "80");
    for name in removed {
        assert!(text.contains(&name), "{name}");
    }
    assert!(at_width(&["spec", "--diff", "stripe", "stripe"], "80").contains("nothing differs"));
    assert_eq!(folder.run(&["spec", "--diff", "openai@2026-07"]).code, 2);
    assert!(folder.run(&["spec", "--diff", "openai@2026-7", "openai"]).err.contains("did you mean `openai@2026-07`?"));
}

/// Every code there is can be explained, with what each target does and how to switch it off.
#[test]
fn every_code_is_explained() {
    let folder = Folder::new();
    let all = folder.run(&["explain", "--json"]).json();
    let codes = all["codes"].as_array().expect("a list");
    assert!(codes.len() > 200, "{}", codes.len());
    for code in CODES {
        assert!(codes.iter().any(|known| known["code"] == code), "{code}");
        let text = at_width(&["explain", code], "80");
        for word in ["  why  ", "  do  ", "  then  ", "[check.severity]"] {
            assert!(text.contains(word), "{code}: {word}");
        }
        let value = folder.run(&["explain", code, "--json"]).json();
        for target in value["targets"].as_array().expect("a list") {
            assert!(
                ["what", "why", "fix", "consequence", "certainty"].iter().all(|key| !target[key].as_str().expect("text").is_empty()),
                "{code}"
            );
        }
    }
    let run = folder.run(&["explain", "gtin/chek-digit"]);
    assert_eq!(run.code, 2);
    assert!(run.err.contains("did you mean `gtin/check-digit`?"), "{}", run.err);
    let half = folder.run(&["explain", "gtin"]).out;
    assert!(half.lines().count() > 3 && half.lines().all(|line| line.starts_with("gtin/")), "{half}");
}

#[test]
fn every_command_completes_and_has_a_page() {
    let folder = Folder::new();
    let help = folder.run(&["--help"]).out;
    let commands: Vec<&str> = help
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert!(commands.contains(&"convert") && commands.contains(&"schema"), "{commands:?}");
    for shell in ["bash", "zsh", "fish"] {
        let script = folder.run(&["completions", shell]);
        assert_eq!(script.code, 0);
        assert!(commands.iter().all(|command| script.out.contains(command)), "{shell}");
    }
    assert!(folder.run(&["man"]).out.contains("Exit codes"));
    for command in commands.iter().filter(|command| **command != "help") {
        let page = folder.run(&["man", command]);
        assert!(page.code == 0 && page.out.starts_with(".ie"), "{command}: {}", page.out);
    }
    assert!(folder.run(&["man", "biuld"]).err.contains("did you mean `build`?"));
    assert_eq!(folder.run(&["completions", "tcsh"]).code, 2);
}
