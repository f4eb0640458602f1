//! What README.md shows of the program is what it prints.

use crate::support::{Folder, fixture};

/// The commands of indented blocks, each with the lines that are shown of its output.
fn shown(text: &str) -> Vec<(String, Vec<String>)> {
    let mut commands: Vec<(String, Vec<String>)> = Vec::new();
    let (mut is_open, mut goes_on) = (false, false);
    for line in text.lines() {
        let Some(line) = line.strip_prefix("    ").or(line.is_empty().then_some("")) else {
            is_open = false;
            continue;
        };
        if goes_on && let Some((command, _)) = commands.last_mut() {
            command.push_str(line.trim_end_matches('\\'));
            goes_on = line.ends_with('\\');
        } else if let Some(command) = line.strip_prefix("$ feedmill ") {
            (is_open, goes_on) = (true, command.ends_with('\\'));
            commands.push((command.trim_end_matches('\\').to_owned(), Vec::new()));
        } else if let Some((_, lines)) = commands.last_mut().filter(|_| is_open) {
            lines.push(line.to_owned());
        }
    }
    for (_, lines) in &mut commands {
        while lines.last().is_some_and(String::is_empty) {
            lines.pop();
        }
    }
    commands
}

/// The first shown line that the output does not have where it should.
fn missing<'l>(shown: &'l [String], out: &str) -> Option<&'l str> {
    let mut rest: Vec<&str> = out.lines().map(str::trim_end).collect();
    let mut is_cut = false;
    for line in shown {
        if line == "..." {
            is_cut = true;
            continue;
        }
        // A line may be cut as well.
        let is_it = |found: &&str| line.strip_suffix("...").map_or(*found == line, |head| found.starts_with(head));
        let place = rest.iter().position(is_it).filter(|place| is_cut || *place == 0);
        let Some(place) = place else { return Some(line) };
        rest.drain(..=place);
        is_cut = false;
    }
    None
}

#[test]
fn the_tour_shows_what_the_program_prints() {
    let readme = std::fs::read_to_string(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).expect("a README");
    let (tour, own) = readme.split_once("### A project file").expect("a section");
    let folder = Folder::new();
    for name in [
        "catalogs/shopify-gatsby-starter.csv",
        "catalogs/feedmill.toml",
        "feeds/openai-feed-first-names.csv",
        "feeds/openai-feed-yesterday.csv",
        "feeds/openai-feed-today.jsonl",
    ] {
        folder.write(&format!("fixtures/{name}"), std::fs::read(fixture(name)).expect("a fixture"));
    }
    let project = Folder::new();
    project.write("exports/products.csv", std::fs::read(fixture("catalogs/shopify-gatsby-starter.csv")).expect("a fixture"));
    let settings = own.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).expect("a project file");
    project.write("feedmill.toml", settings);
    let tours = [(&folder, tour), (&project, own.split("## Commands").next().expect("a section"))];
    let mut count = 0;
    for (folder, text) in tours {
        for (command, lines) in shown(text) {
            // One serves until it is ended.
            if command.starts_with("sandbox") {
                continue;
            }
            count += 1;
            let run = folder.run(&command.split_whitespace().collect::<Vec<_>>());
            let missing = missing(&lines, &run.out);
            assert!(missing.is_none(), "`{command}` prints no `{}` there:\n{}{}", missing.unwrap_or_default(), run.out, run.err);
        }
    }
    assert_eq!(count, 13, "all commands are tried");
}

#[test]
fn what_differs_is_seen() {
    let shown: Vec<String> = ["a", "...", "c ...", "d"].map(str::to_owned).to_vec();
    assert_eq!(missing(&shown, "a\nb\nb\nc 1\nd\ne\n"), None);
    assert_eq!(missing(&shown, "a\nc 1\nb\nd\n"), Some("d"));
    assert_eq!(missing(&shown, "b\na\nc 1\nd\n"), Some("a"));
    assert_eq!(missing(&shown, "a\nc\nd\n"), Some("c ..."));
}
