//! Runs the program in a folder of its own.

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What a run of the program came to.
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Run {
    /// Standard output as one JSON document.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {}\n{}", self.out, self.err))
    }
}

/// A folder that goes with the test.
pub(crate) struct Folder(tempfile::TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder"))
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    #[expect(clippy::disallowed_methods, reason = "test input needs no care")]
    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().expect("inside the folder")).expect("a folder");
        std::fs::write(&path, bytes).expect("a file");
        path
    }

    /// A file that nobody else can read.
    pub(crate) fn secret(&self, name: &str, text: &str) -> PathBuf {
        let path = self.write(name, text);
        #[cfg(unix)]
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).expect("private");
        path
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    pub(crate) fn exists(&self, name: &str) -> bool {
        self.path(name).exists()
    }

    /// Names of all files, sorted.
    pub(crate) fn files(&self, folder: &str) -> Vec<String> {
        let Ok(entries) = std::fs::read_dir(self.path(folder)) else { return Vec::new() };
        let mut names: Vec<String> = entries.map(|entry| entry.expect("readable").file_name().into_string().expect("text")).collect();
        names.sort();
        names
    }

    /// Runs the program here.
    pub(crate) fn run(&self, arguments: &[&str]) -> Run {
        self.run_with(arguments, &[])
    }

    /// Runs the program here with these bytes as standard input.
    pub(crate) fn run_with(&self, arguments: &[&str], input: &[u8]) -> Run {
        self.run_in(&[], arguments, input)
    }

    /// Runs the program here with these variables besides.
    pub(crate) fn run_in(&self, variables: &[(&str, &str)], arguments: &[&str], input: &[u8]) -> Run {
        let mut child = Command::new(env!("CARGO_BIN_EXE_feedmill"))
            .args(arguments)
            .current_dir(self.0.path())
            .env_remove("NO_COLOR")
            .env_remove("FORCE_COLOR")
            .envs(variables.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        {
            use std::io::Write;
            // The program may end without reading; that is its right.
            let _closed = child.stdin.take().expect("piped").write_all(input);
        }
        let output = child.wait_with_output().expect("the program ends");
        Run {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).expect("text"),
            err: String::from_utf8(output.stderr).expect("text"),
        }
    }
}

/// Copies the files of a folder, which is made anew.
pub(crate) fn copy(from: &Path, to: &Path) {
    std::fs::remove_dir_all(to).unwrap_or_default();
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("readable") {
        let entry = entry.expect("readable");
        std::fs::copy(entry.path(), to.join(entry.file_name())).expect("copied");
    }
}

/// Cuts the feed that was built into shards, as a build does with a feed that is too large.
pub(crate) fn shards(folder: &Folder, built: &str, count: usize) {
    let whole = folder.read(&format!("{built}/feed.jsonl"));
    let lines: Vec<&str> = whole.lines().collect();
    let mut manifest: Value = serde_json::from_str(&folder.read(&format!("{built}/feed.manifest.json"))).expect("JSON");
    let first = manifest["files"][0].clone();
    let each = lines.len().div_ceil(count);
    let files = lines.chunks(each).enumerate().map(|(place, lines)| {
        let name = format!("feed-{:04}-of-{count:04}.jsonl", place + 1);
        let text = lines.join("\n") + "\n";
        let mut file = first.clone();
        file["name"] = name.as_str().into();
        file["items"] = lines.len().into();
        file["bytes"] = text.len().into();
        file["blake3"] = blake3::hash(text.as_bytes()).to_hex().as_str().into();
        folder.write(&format!("{built}/{name}"), text);
        file
    });
    manifest["files"] = files.collect();
    folder.write(&format!("{built}/feed.manifest.json"), manifest.to_string());
}

/// A file of the project's fixtures.
pub(crate) fn fixture(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name).display().to_string()
}

/// The folder of shared material, where it stands beside the project; tests that need it say
/// nothing without it.
pub(crate) fn shared(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared").join(name);
    path.exists().then_some(path)
}

/// A small catalog with generic column names whose items are sound for the current target.
pub(crate) const SOUND: &str = "item_id,title,description,url,brand,seller_name,image_url,availability,price\n\
    A1,Steel bottle,Insulated steel bottle.,https://shop.example/a1,Acme,Acme Store,https://shop.example/a1.jpg,in_stock,24.00 USD\n\
    A2,Glass bottle,Clear glass bottle.,https://shop.example/a2,Acme,Acme Store,https://shop.example/a2.jpg,backorder,12.50 USD\n";
