//! What goes to standard output and what to standard error, and the shapes of reports that scripts rely on.

use crate::support::{Folder, SOUND};
use serde_json::Value;
use std::process::{Command, Stdio};

#[test]
fn results_on_stdout_and_talk_on_stderr() {
    let folder = Folder::new();
    folder.write("good.csv", SOUND);
    let run = folder.run(&["check", "good.csv", "--output-format", "json"]);
    let report = run.json();
    assert_eq!(
        (&report["schema"], &report["exit"]["code"], &report["exit"]["name"]),
        (&"feedmill.check/1".into(), &0.into(), &"done".into())
    );
    assert!(run.err.contains("checked in"), "{}", run.err);
    assert_eq!(folder.run(&["check", "good.csv", "--output-format", "json", "--quiet"]).err, "");
    for word in ["tool", "target", "input", "summary", "findings"] {
        assert!(!report[word].is_null(), "{word}");
    }
    // On failure too, standard output holds one document.
    folder.write("cut.csv", format!("{SOUND}A3,\"x"));
    let run = folder.run(&["check", "cut.csv", "--output-format", "json"]);
    assert_eq!((run.code, &run.json()["exit"]["name"]), (3, &"input".into()));
    assert!(!run.err.contains('\u{1b}') && !run.out.contains('\u{1b}'));
    assert!(folder.run(&["check", "good.csv", "--color", "always"]).out.contains('\u{1b}'));
}

#[test]
fn every_line_of_jsonl_is_an_object() {
    let folder = Folder::new();
    folder.write("bad.csv", SOUND.replace("24.00 USD", "free").replace("in_stock", "maybe"));
    let run = folder.run(&["check", "bad.csv", "--output-format", "jsonl"]);
    let lines: Vec<Value> = run.out.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let (last, findings) = lines.split_last().expect("lines");
    assert_eq!(last["summary"]["errors"], 2);
    let finding = findings.iter().find(|finding| finding["attribute"] == "price").expect("a finding");
    assert_eq!(
        (
            &finding["code"],
            &finding["record"],
            &finding["line"],
            &finding["column"],
            &finding["column_name"],
            &finding["item"],
            &finding["consequence"]
        ),
        (&"price/not-money".into(), &1.into(), &2.into(), &9.into(), &"price".into(), &"A1".into(), &"row-rejected".into())
    );
}

#[test]
fn reports_in_several_formats_at_once() {
    let folder = Folder::new();
    folder.write("bad.csv", SOUND.replace("24.00 USD", "free"));
    let run = folder.run(&[
        "check",
        "bad.csv",
        "--output-format",
        "concise",
        "--output-format",
        "json=report.json",
        "--output-format",
        "github=notes.txt",
    ]);
    assert!(run.out.starts_with("bad.csv:2:9: price/not-money A1: "), "{}", run.out);
    let report: Value = serde_json::from_str(&folder.read("report.json")).expect("JSON");
    assert_eq!(report["findings"].as_array().expect("a list").len(), 1);
    assert!(
        folder
            .read("notes.txt")
            .starts_with("::error title=feedmill (price/not-money),file=bad.csv,line=2,endLine=2,col=9,endColumn=9::A1: ")
    );
    for wrong in [["json", "full"], ["json=a", "jsonl=a"], ["json=", "full"], ["sarif", "full"]] {
        let run = folder.run(&["check", "bad.csv", "--output-format", wrong[0], "--output-format", wrong[1]]);
        assert!(run.code == 2 && run.err.contains("--output-format: "), "{wrong:?}: {}", run.err);
        assert!(!folder.exists("a"), "{wrong:?}");
    }
}

#[test]
fn text_is_capped_and_json_is_not() {
    let folder = Folder::new();
    let rows: String =
        (0..30).map(|n| format!("R{n},T,D,https://shop.example/{n},B,S,https://shop.example/i.jpg,in_stock,free\n")).collect();
    folder.write("many.csv", format!("{}\n{rows}", SOUND.lines().next().expect("a header")));
    let lines = |arguments: &[&str]| {
        let mut all = vec!["check", "many.csv", "--quiet", "--output-format"];
        all.extend(arguments);
        folder.run(&all).out.lines().filter(|line| line.contains("record ") || line.contains("price/not-money R")).count()
    };
    assert_eq!(lines(&["full"]), 3);
    assert_eq!(lines(&["full", "--max-per-code", "5"]), 5);
    assert_eq!(lines(&["full", "--max-per-code", "0"]), 30);
    assert_eq!(lines(&["concise"]), 20);
    assert_eq!(folder.run(&["check", "many.csv", "--output-format", "json"]).json()["findings"].as_array().expect("a list").len(), 30);
}

/// A defect that a whole column has is one finding from the second block on, which says how far it
/// goes and counts for all.
#[test]
fn a_defect_of_a_whole_column_is_told_once() {
    let folder = Folder::new();
    let row = |n| format!("R{n},T,D,https://shop.example/{n},B,S,https://shop.example/i.jpg,in_stock,1.00 USD,maybe\n");
    let header = SOUND.lines().next().expect("a header");
    folder.write("many.csv", format!("{header},is_digital\n{}", (1..=40_000).map(row).collect::<String>()));
    let concise = |cap: &str| folder.run(&["check", "many.csv", "--output-format", "concise", "--max-per-code", cap]).out;
    let all = concise("0");
    let last = all.lines().rfind(|line| line.contains("is_digital/not-boolean")).expect("found");
    assert!(last.contains(" to 40,000, ") && last.contains(" times without exception"), "{last}");
    assert!(all.lines().count() < 40_000);
    assert!(concise("1").contains("\n39999 more of is_digital/not-boolean\n"), "all are counted");
    let github = folder.run(&["check", "many.csv", "--output-format", "github"]).out;
    assert!(github.contains("::notice ::39950 more findings of severity warning"), "{}", github.lines().last().unwrap_or_default());
}

/// On failure too, whoever reads standard output as JSON gets a document that says why.
#[test]
fn commands_that_deliver_report_why_they_could_not() {
    let folder = Folder::new();
    for command in ["push", "run", "errors"] {
        let run = folder.run(&[command, "--config", "none", "--output-format", "json"]);
        let report = run.json();
        assert_eq!((run.code, &report["exit"]["code"], &report["schema"]), (2, &2.into(), &format!("feedmill.{command}/1").into()));
        assert!(run.err.contains(report["error"].as_str().expect("words")), "{report}");
        // What cannot be reported is refused before anything is sent.
        let run = folder.run(&[command, "--output-format", "tap"]);
        assert!(run.code == 2 && run.err.contains("`tap` is no format"), "{}", run.err);
    }
}

#[test]
fn a_next_step_can_be_copied_into_a_shell() {
    let folder = Folder::new();
    folder.write("good.csv", SOUND);
    let run = folder.run(&["build", "good.csv", "--out", "Ausgabe für Käse"]);
    assert!(run.out.contains("next: feedmill check 'Ausgabe für Käse/openai/feed.jsonl.gz' --target openai"), "{}", run.out);
}

/// A file put under the name of a pipe or a device would take its place: `jsonl=/dev/null` as root
/// left a machine without it.
#[cfg(unix)]
#[test]
fn a_report_is_written_into_a_pipe_and_leaves_it_there() {
    use std::os::unix::fs::FileTypeExt;
    let folder = Folder::new();
    folder.write("good.csv", SOUND);
    let pipe = folder.path("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().expect("mkfifo runs").success());
    let reader = {
        let pipe = pipe.clone();
        std::thread::spawn(move || std::fs::read_to_string(pipe).expect("readable"))
    };
    let run = folder.run(&["check", "good.csv", "--output-format", "json=pipe"]);
    let is_pipe = std::fs::metadata(&pipe).expect("there").file_type().is_fifo();
    assert!(is_pipe, "the pipe is gone: {}", run.err);
    let report: Value = serde_json::from_str(&reader.join().expect("read")).expect("JSON");
    assert_eq!(report["schema"], "feedmill.check/1");
}

#[test]
fn a_closed_pipe_ends_quietly() {
    let folder = Folder::new();
    let rows: String = (0..20_000).map(|n| format!("R{n},T,D,u,B,S,i,maybe,free\n")).collect();
    let path = folder.write("many.csv", format!("{}\n{rows}", SOUND.lines().next().expect("a header")));
    let mut child = Command::new(env!("CARGO_BIN_EXE_feedmill"))
        .args(["check", "--quiet", "--config", "none", "--output-format", "jsonl"])
        .arg(path)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("the program ends");
    assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stderr).as_ref()), (Some(1), ""));
}

/// A full disk shows at the flush, and a usage error stays one when nobody can be told.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_no_success() {
    let full = || std::fs::OpenOptions::new().write(true).open("/dev/full").expect("a device");
    let program = || Command::new(env!("CARGO_BIN_EXE_feedmill"));
    for arguments in [&["--help"][..], &["--version"], &["spec"], &["explain", "gtin/check-digit"]] {
        let status = program().args(arguments).stdout(full()).stderr(Stdio::null()).status().expect("the program starts");
        assert_eq!(status.code(), Some(12), "{arguments:?}");
    }
    let status = program().arg("--tagret").stderr(full()).status().expect("the program starts");
    assert_eq!(status.code(), Some(2));
}

/// A file is told of by the name it is to have, not by the one it has until it is whole.
#[cfg(unix)]
#[test]
fn a_file_that_cannot_be_written_goes_by_its_own_name() {
    let folder = Folder::new();
    let header = SOUND.lines().next().expect("a header");
    let row = |n| format!("R{n},T,D,https://shop.example/{n},B,S,https://shop.example/i.jpg,in_stock,{n}.00 USD\n");
    folder.write("shop.csv", format!("{header}\n{}", (1..=5000).map(row).collect::<String>()));
    folder.write("wrong.csv", format!("{header}\n{}", (1..=5000).map(row).collect::<String>().replace(".00 USD", "")));
    // No file may become larger than 50 KB.
    let limited = |arguments: &str| {
        let script = format!("trap '' XFSZ; ulimit -f 100; exec {} {arguments}", env!("CARGO_BIN_EXE_feedmill"));
        let output = Command::new("sh").args(["-c", &script]).current_dir(folder.path("")).output().expect("a shell");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    for (arguments, name) in [
        ("build shop.csv --config none -q --target openai --format csv", "out/openai/feed.csv"),
        ("check wrong.csv --config none -q --target openai --output-format jsonl=found.jsonl", "found.jsonl"),
    ] {
        let (code, said) = limited(arguments);
        assert_eq!(code, Some(12), "{said}");
        assert!(said.contains(&format!("{name}: ")) && !said.contains(".part"), "{said}");
    }
}
