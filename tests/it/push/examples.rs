//! The targets that the README shows, copied as they stand, rehearsed without an account.

use super::stand::{PROMOTIONS, Stand, items};

/// The `[[target]]` blocks of the README's page on delivery.
fn blocks() -> Vec<String> {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).expect("a README");
    let (_, page) = text.split_once("\n## Delivery\n").expect("a page on delivery");
    let page = page.split("\n## ").next().expect("an end");
    page.split("    [[target]]\n").skip(1).map(shown).collect()
}

/// The lines of a block that stand under its head.
fn shown(text: &str) -> String {
    let lines = text.lines().map_while(|line| line.strip_prefix("    "));
    format!("[[target]]\n{}\n", lines.collect::<Vec<_>>().join("\n"))
}

#[test]
fn every_target_of_the_readme_works_when_copied() {
    let mut told = Vec::new();
    let blocks = blocks();
    for way in ["acp = ", "product_feeds = ", "ads = ", "sftp = ", "uploads = ", "stripe = "] {
        assert!(blocks.iter().any(|block| block.contains(way)), "the README shows `{way}`");
    }
    for block in blocks {
        let stand = Stand::new(&[], |_| {});
        stand.catalog(&items(12));
        let name = block.lines().find_map(|line| line.strip_prefix("name = ")).expect("a name").trim_matches('"').to_owned();
        stand.folder.write("feedmill.toml", format!("[source]\npath = \"catalog.csv\"\n{}{block}", PROMOTIONS.map));
        stand.build();
        let run = stand.run(&["push", "--sandbox"]);
        assert_eq!(run.code, 0, "{block}{}{}", run.out, run.err);
        assert!(run.out.contains(&format!("pushed: {name}, 12 items (+12 ~0 -0), 12 sent")), "{block}{}", run.out);
        let calls: Vec<&str> = run.err.lines().filter(|line| line.starts_with('#')).collect();
        // A part that is not there yet is looked for, in case a transfer was cut.
        let well = |call: &&str| call.contains(" -> 20") || call.contains(" -> ok") || call.contains("SFTP stat");
        assert!(calls.iter().all(well), "{calls:?}");
        told.push(format!("{name}: {}", calls.join(", ")));
    }
    println!("{}", told.join("\n"));
}
