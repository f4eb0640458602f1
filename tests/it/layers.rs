//! Dependencies between modules run one way: down this list.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Modules from the bottom to the top; a module may use those above its line in this list only
/// if they stand before it.
const LAYERS: [&[&str]; 11] = [
    &["cancel", "cell", "clock", "progress", "secret"],
    &["product"],
    &["spec"],
    &["finding", "catalog"],
    &["mapping", "rules"],
    &["account", "normalize", "project", "render", "sample", "summary"],
    &["config", "report", "state"],
    &["pipeline", "push"],
    &["plan"],
    &["compare", "profile", "sandbox", "trace"],
    &["cli"],
];

fn sources(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("src is readable") {
        let path = entry.expect("readable").path();
        if path.is_dir() {
            sources(&path, into);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            into.push(path);
        }
    }
}

fn module_of(root: &Path, path: &Path) -> String {
    let inside = path.strip_prefix(root).expect("below src");
    let first = inside.iter().next().and_then(|part| part.to_str()).expect("a name");
    first.trim_end_matches(".rs").to_owned()
}

#[test]
fn no_dependency_runs_upward() {
    let ranks: BTreeMap<&str, usize> =
        LAYERS.iter().enumerate().flat_map(|(rank, names)| names.iter().map(move |name| (*name, rank))).collect();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    assert!(files.len() > 50, "the sources were not found");
    let mut wrong = Vec::new();
    for file in files {
        let module = module_of(&root, &file);
        if matches!(module.as_str(), "lib" | "main") {
            continue;
        }
        let rank = *ranks.get(module.as_str()).unwrap_or_else(|| panic!("`{module}` has no layer: add it to the list"));
        let text = std::fs::read_to_string(&file).expect("readable");
        for (number, line) in text.lines().enumerate() {
            for used in line.split("crate::").skip(1) {
                let used = used.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or("");
                let Some(other) = ranks.get(used) else { continue };
                if used != module && *other >= rank {
                    wrong.push(format!("{}:{}: {module} uses {used}", file.display(), number + 1));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "dependencies that run upward or sideways:\n{}", wrong.join("\n"));
}

#[test]
fn no_target_is_named_outside_its_folder() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    // A module of tests may stand in a file of its own.
    for file in files.into_iter().filter(|file| !file.ends_with("tests.rs")) {
        // The list of spec folders and presets names them, help texts show examples, and the
        // command line has a default target.
        // So do the rooms that speak a target's API.
        let speaks = file.strip_prefix(&root).is_ok_and(|inside| inside.starts_with("sandbox") || inside.starts_with("push"));
        let listed = speaks
            || ["spec/load.rs", "mapping/detect.rs", "cli/args.rs", "cli/args/items.rs", "args/before.rs", "config/resolve.rs"]
                .iter()
                .any(|known| file.ends_with(known));
        let text = std::fs::read_to_string(&file).expect("readable");
        let code = text.split("#[cfg(test)]").next().unwrap_or("");
        for (number, line) in code.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//")) {
            let lower = line.to_ascii_lowercase();
            let named =
                ["openai", "stripe", "shopify", "woocommerce", "magento", "bigcommerce", "prestashop", "squarespace", "saleor", "vendure"]
                    .iter()
                    .any(|name| lower.contains(name));
            assert!(listed || !named, "{}:{}: {line}", file.display(), number + 1);
        }
    }
}
