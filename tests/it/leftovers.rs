//! What a build that was killed leaves in the folder of its feed, and what the next one clears away.

use crate::support::{Folder, SOUND};
use std::process::{Command, Stdio};

/// Names that look like ours, and are none: another program's, and another feed's.
const THEIRS: [&str; 5] = [".catalog.csv.a1b2c3.part", ".feed.csv.a1.part", ".feed.csv.a1b2c3.tmp", "feed.csv.a1b2c3.part", "notes.part"];

fn project() -> Folder {
    let folder = Folder::new();
    folder.write("catalog.csv", SOUND);
    folder.write(
        "feedmill.toml",
        "[source]\npath = \"catalog.csv\"\n[[target]]\nname = \"web\"\nspec = \"openai\"\nformat = \"csv\"\n\
         [[target]]\nname = \"nested\"\nspec = \"acp\"\n",
    );
    for name in THEIRS {
        folder.write(&format!("out/web/{name}"), "theirs");
    }
    folder
}

/// The files that are unfinished and ours.
fn leftovers(folder: &Folder) -> Vec<String> {
    let all = ["out/web", "out/nested", "out/nested/patches"].into_iter().flat_map(|place| folder.files(place));
    all.filter(|name| name.ends_with(".part") && !THEIRS.contains(&name.as_str())).collect()
}

fn theirs_stay(folder: &Folder) {
    assert!(THEIRS.iter().all(|name| folder.read(&format!("out/web/{name}")) == "theirs"));
}

#[test]
fn the_next_build_clears_them_away() {
    let folder = project();
    // Killed by the system at its first rename, where it may be traced; else as such a build leaves it.
    let traced = Command::new("strace")
        .args(["-f", "-qq", "-o", "/dev/null", "-e", "inject=rename,renameat,renameat2:signal=SIGKILL:when=1"])
        .args([env!("CARGO_BIN_EXE_feedmill"), "build"])
        .current_dir(folder.path(""))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    match traced {
        Ok(status) => assert!(!status.success(), "it was killed"),
        Err(_) => println!("there is no strace here"),
    }
    for name in ["web/.feed-0001-of-0004.csv.gz.Zz09aA.part", "web/.rows.a1b2c3.part", "nested/patches/.0001.json.a1b2c3.part"] {
        folder.write(&format!("out/{name}"), "cut");
    }
    println!("left: {:?}", leftovers(&folder));
    let run = folder.run(&["build"]);
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
    assert_eq!(leftovers(&folder), [""; 0]);
    assert!(folder.exists("out/web/feed.csv") && folder.exists("out/nested/products.jsonl"));
    theirs_stay(&folder);
}

/// As long as another build writes into the folder, nobody knows whose they are.
#[cfg(unix)]
#[test]
fn what_another_build_is_writing_stays() {
    let folder = project();
    let name = "out/web/.feed.csv.a1b2c3.part";
    folder.write(name, "growing");
    let other = std::fs::File::open(folder.path("out/web")).expect("a folder");
    other.lock_shared().expect("held");
    let run = folder.run(&["build"]);
    assert_eq!(run.code, 0, "two may build at once: {}{}", run.out, run.err);
    assert!(folder.exists(name));
    drop(other);
    assert_eq!(folder.run(&["build"]).code, 0);
    assert!(!folder.exists(name));
    theirs_stay(&folder);
}
