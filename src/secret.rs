//! Secrets: read from a file, the environment or a command, never from the command line, and
//! kept in a type that does not print. Sources, databases and destinations use this one.

use serde::Deserialize;
use std::fmt;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// Bytes of a file that may be a secret.
const MOST: u64 = 64 << 10;
/// How long a command may take to write a secret.
const PATIENCE: Duration = Duration::from_secs(30);

/// Where a secret is: exactly one of these.
#[derive(Clone, Debug, Default, schemars::JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct SecretRef {
    /// A file that nobody else can read; relative to the project file.
    file: Option<PathBuf>,
    /// A variable of the environment; second best, because children and logs see it.
    env: Option<String>,
    /// A program and its arguments, whose output it is.
    command: Option<Vec<String>>,
}

impl<'de> Deserialize<'de> for SecretRef {
    /// What stands here instead of a table may be the secret itself, so no error shows it.
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error;
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Written {
            file: Option<PathBuf>,
            env: Option<String>,
            command: Option<Vec<String>>,
        }
        let read = toml::Value::deserialize(deserializer).ok().filter(toml::Value::is_table).map(toml::Value::try_into::<Written>);
        match read {
            Some(Ok(Written { file, env, command })) => Ok(Self { file, env, command }),
            Some(Err(error)) if error.message().starts_with("unknown field") => Err(D::Error::custom(error.message())),
            _ => Err(D::Error::custom(ELSEWHERE)),
        }
    }
}

/// What is said where a secret stands, or may stand, in the settings.
const ELSEWHERE: &str =
    "a secret is not written here, only where it is: `{ file = \"...\" }`, `{ command = [\"...\"] }` or `{ env = \"...\" }`";

/// A password, a token, a key, or an address that may hold one. It has no text for people.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret {
    value: String,
    origin: String,
}

impl fmt::Debug for Secret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Secret({})", self.origin)
    }
}

impl Secret {
    /// Keeps a word from being shown.
    pub fn new(value: impl Into<String>, origin: impl Into<String>) -> Self {
        Self { value: value.into(), origin: origin.into() }
    }

    /// The secret itself, for whoever must be told.
    pub fn expose(&self) -> &str {
        &self.value
    }

    /// Where it came from, in words.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// A private key: a file of several lines that nobody else can read.
    ///
    /// # Errors
    /// Why it is not there, without what it is.
    pub fn of_file(path: &Path) -> Result<Self, String> {
        let value = read_file(path)?;
        if value.trim().is_empty() {
            return Err(format!("{} holds nothing", path.display()));
        }
        Ok(Self { value, origin: format!("the file {}", path.display()) })
    }
}

impl SecretRef {
    /// The output of a command.
    pub fn command<const N: usize>(words: [&str; N]) -> Self {
        Self { command: Some(words.map(str::to_owned).to_vec()), ..Self::default() }
    }

    /// Reads the secret; a relative file starts at `home`.
    ///
    /// # Errors
    /// What is wrong, in words that do not hold the secret.
    pub fn read(&self, home: &Path) -> Result<Secret, String> {
        let (raw, origin) = match (&self.file, &self.env, &self.command) {
            (Some(file), None, None) => {
                let path = home.join(file);
                (read_file(&path)?, format!("the file {}", path.display()))
            }
            (None, Some(name), None) => {
                #[expect(clippy::disallowed_methods, reason = "the settings say that the secret is in the environment")]
                let value = std::env::var(name).map_err(|_| format!("the variable `{name}` is not set, or is no text"))?;
                (value, format!("the variable `{name}`"))
            }
            (None, None, Some(words)) => {
                let program = words.first().map_or("", String::as_str);
                (run(words, home, PATIENCE)?, format!("the command `{program}`"))
            }
            _ => return Err("give exactly one of `file`, `env` and `command`".to_owned()),
        };
        let value = raw.trim_end_matches(['\n', '\r']).trim().to_owned();
        if value.is_empty() {
            return Err(format!("{origin} holds nothing"));
        }
        if value.chars().any(char::is_control) {
            return Err(format!("{origin} holds more than one line"));
        }
        Ok(Secret { value, origin })
    }
}

fn read_file(path: &Path) -> Result<String, String> {
    let fail = |error: std::io::Error| format!("{}: {error}", path.display());
    let found = std::fs::metadata(path).map_err(fail)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = found.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(format!("{}: others can read it (mode {mode:03o}); `chmod 600` it", path.display()));
        }
    }
    if found.len() > MOST {
        return Err(format!("{}: it is too large for a secret", path.display()));
    }
    std::fs::read_to_string(path).map_err(fail)
}

/// Runs a command that writes a secret. What it complains about is not repeated: it may be the secret.
fn run(words: &[String], home: &Path, patience: Duration) -> Result<String, String> {
    let (program, arguments) = words.split_first().ok_or("`command` is empty; give a program and its arguments")?;
    let mut child = Command::new(program)
        .args(arguments)
        .current_dir(if home.as_os_str().is_empty() { Path::new(".") } else { home })
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| format!("the command `{program}` cannot be run: {error}"))?;
    let (told, heard) = std::sync::mpsc::channel();
    if let Some(output) = child.stdout.take() {
        std::thread::spawn(move || {
            let mut text = String::new();
            let read = output.take(MOST + 1).read_to_string(&mut text);
            // Nobody listens any more when the patience is over.
            told.send(read.map(|_| text)).unwrap_or_default();
        });
    }
    let text = heard.recv_timeout(patience);
    if text.is_err() {
        child.kill().unwrap_or_default();
    }
    let status = child.wait().map_err(|error| format!("the command `{program}` was lost: {error}"))?;
    match text {
        Err(_) => Err(format!("the command `{program}` said nothing in {} s; is it waiting for somebody?", patience.as_secs())),
        Ok(_) if !status.success() => Err(format!("the command `{program}` failed ({status})")),
        Ok(Err(_)) => Err(format!("the command `{program}` wrote what is no text")),
        Ok(Ok(text)) => Ok(text),
    }
}

#[cfg(test)]
mod tests {
    use super::SecretRef;

    #[test]
    fn a_secret_that_stands_in_the_settings_is_not_said_again() {
        for written in [r#"key = "canary""#, r#"key = ["canary"]"#, r#"key = { command = "canary" }"#, "key = { file = 81727 }"] {
            let read = toml::from_str::<std::collections::BTreeMap<String, SecretRef>>(written);
            let said = read.expect_err(written).to_string();
            let message = said.lines().last().unwrap_or_default();
            assert!(message.contains("only where it is: `{ file =") && !message.contains("canary") && !message.contains("81727"), "{said}");
        }
        let read = toml::from_str::<std::collections::BTreeMap<String, SecretRef>>("key = { fil = \"x\" }");
        assert!(read.expect_err("a slip").message().contains("unknown field `fil`, expected one of `file`"));
    }

    #[cfg(unix)]
    fn file(folder: &std::path::Path, text: &str, mode: u32) -> SecretRef {
        use std::io::Write;
        use std::os::unix::fs::PermissionsExt;
        let mut file = tempfile::Builder::new().permissions(std::fs::Permissions::from_mode(mode)).tempfile_in(folder).expect("a file");
        file.write_all(text.as_bytes()).expect("written");
        file.as_file().set_permissions(std::fs::Permissions::from_mode(mode)).expect("mode");
        SecretRef { file: Some(file.keep().expect("kept").1), ..SecretRef::default() }
    }

    #[cfg(unix)]
    #[test]
    fn files_are_private_trimmed_and_not_empty() {
        let folder = tempfile::tempdir().expect("a folder");
        let home = folder.path();
        let secret = file(home, "canary\r\n", 0o600).read(home).expect("sound");
        assert_eq!(secret.expose(), "canary");
        assert!(!format!("{secret:?}").contains("canary"));
        assert!(file(home, "canary", 0o640).read(home).is_err_and(|error| error.contains("chmod 600") && !error.contains("canary")));
        assert!(file(home, " \n", 0o600).read(home).is_err_and(|error| error.contains("nothing")));
        assert!(file(home, "canary\nmore", 0o600).read(home).is_err_and(|error| !error.contains("canary")));
    }

    #[cfg(unix)]
    #[test]
    fn commands_speak_on_standard_output() {
        let command =
            |words: &[&str]| SecretRef { command: Some(words.iter().map(|&word| word.to_owned()).collect()), ..SecretRef::default() };
        let home = std::path::Path::new("");
        assert_eq!(command(&["echo", "canary"]).read(home).expect("sound").expose(), "canary");
        assert!(command(&["sh", "-c", "echo canary; exit 3"]).read(home).is_err_and(|error| !error.contains("canary")));
        let waits: Vec<String> = ["sleep", "600"].map(str::to_owned).to_vec();
        assert!(super::run(&waits, home, std::time::Duration::ZERO).is_err_and(|error| error.contains("waiting for somebody")));
        assert!(command(&[]).read(home).is_err() && SecretRef::default().read(home).is_err());
    }
}
