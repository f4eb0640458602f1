//! The seeded generator's faults are all found, and no clean row is accused.

use crate::support::{Folder, shared};
use std::process::Command;

#[test]
fn every_seeded_fault_is_found() {
    let (Some(generator), Some(scorer)) = (shared("bench/gen_catalog.py"), shared("bench/score.py")) else { return };
    for (format, names, seed) in
        [("csv", "current", "101"), ("tsv", "legacy", "102"), ("jsonl", "current", "103"), ("jsonl", "legacy", "104")]
    {
        let folder = Folder::new();
        let made = Command::new("python3")
            .arg(&generator)
            .args(["--rows", "3000", "--errors", "0.08", "--seed", seed, "--format", format, "--names", names, "--out"])
            .arg(folder.path("g"))
            .status();
        assert!(made.expect("python3 runs").success());
        let run = folder.run(&["check", "g", "--config", "none", "--output-format", "jsonl"]);
        assert_eq!(run.code, 1, "{}", run.err);
        folder.write("findings.jsonl", &run.out);
        let scored = Command::new("python3")
            .arg(&scorer)
            .arg("--faults")
            .arg(folder.path("g.faults.json"))
            .arg("--findings")
            .arg(folder.path("findings.jsonl"))
            .output()
            .expect("python3 runs");
        assert!(scored.status.success(), "{format} {names} {seed}\n{}", String::from_utf8_lossy(&scored.stdout));
    }
}
