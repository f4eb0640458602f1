//! Project file and flags made into the settings of a run. Flags win; the file counts next.
//! The only I/O here is finding and reading the project file.

use super::model::{BodyFile, Project};
use super::source::{shown, sources};
use crate::cancel::Cancel;
use crate::catalog::locate::{Located, Wanted};
use crate::finding::Severity;
use crate::finding::sink::Override;
use crate::mapping::compile::Wishes;
use crate::mapping::model::MapStep;
use crate::mapping::preset::Rows;
use crate::product::attribute::Attributes;
use crate::product::money::Currency;
use crate::product::text_distance::nearest;
use crate::spec;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use validator::Validate;

/// The project file's name.
pub const FILE: &str = "feedmill.toml";

/// Settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The project file cannot be read.
    #[error("{path}: {source}", path = path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// Something is wrong with a setting.
    #[error("{place}: {message}")]
    Setting {
        /// Where it stands: `feedmill.toml:3`, or the flag.
        place: String,
        /// What is wrong, and what would be right.
        message: String,
    },
    /// A pattern names no file.
    #[error("{0}: no file matches")]
    NoFile(String),
    /// A spec folder cannot be read.
    #[error(transparent)]
    Spec(#[from] spec::SpecError),
}

pub(super) fn setting(place: impl Into<String>, message: impl Into<String>) -> ConfigError {
    ConfigError::Setting { place: place.into(), message: message.into() }
}

/// What was typed.
#[derive(Clone, Debug, Default)]
pub struct Flags {
    /// Files, globs, or `-`.
    pub inputs: Vec<String>,
    /// `--config`: a file, or `none`.
    pub config: Option<String>,
    /// `--target`.
    pub targets: Vec<String>,
    /// `--format`.
    pub formats: Vec<String>,
    /// `--preset`.
    pub preset: Option<String>,
    /// `--encoding`.
    pub encoding: Option<String>,
    /// `--delimiter`.
    pub delimiter: Option<String>,
    /// `--from`.
    pub from: Option<String>,
    /// `--record`.
    pub record: Option<String>,
    /// `--sheet`.
    pub sheet: Option<String>,
    /// `--query`.
    pub query: Option<String>,
    /// `--table`.
    pub table: Option<String>,
    /// `--allow-private`.
    pub allow_private: bool,
    /// `--state`.
    pub state: Option<PathBuf>,
    /// `--header`.
    pub header: Vec<String>,
    /// `--view`.
    pub view: Option<String>,
    /// `--currency`.
    pub currency: Option<String>,
    /// `--decimal`.
    pub decimal: Option<String>,
    /// `--base-url`.
    pub base_url: Option<String>,
    /// `--image-base-url`
    pub image_base_url: Option<String>,
    /// `--seller-name`.
    pub seller_name: Option<String>,
    /// `--set`.
    pub set: Vec<String>,
    /// `--fail-on`.
    pub fail_on: Option<String>,
    /// Where the one input was found, if somebody has looked at it before.
    pub found: Option<Located>,
    /// `--fix-suggested`.
    pub fix_suggested: bool,
    /// `--baseline`, a file or `none`.
    pub baseline: Option<PathBuf>,
    /// The catalog is not read: a delivery needs none.
    pub without_sources: bool,
    /// Nobody watches: what goes as usual is not worth a word.
    pub unattended: bool,
}

/// One source to read.
#[derive(Clone, Debug)]
pub struct SourceSetting {
    /// Where it was found, if somebody has looked at it before: a pipe gives its bytes once.
    pub found: Option<Located>,
    /// The path, `-`, an address, or what a database or a command is called.
    pub path: String,
    /// The preset asked for.
    pub preset: Option<String>,
    /// What else was said of it.
    pub wanted: Wanted,
    /// How rows make items, where the project file says it.
    pub rows: Option<Rows>,
    /// The store view or language whose values count.
    pub view: Option<String>,
    /// Supplemental sources.
    pub joins: Vec<JoinSetting>,
}

/// A supplemental source.
#[derive(Clone, Debug)]
pub struct JoinSetting {
    /// The path.
    pub path: String,
    /// What was said of it.
    pub wanted: Wanted,
    /// The column of the catalog.
    pub on: Option<String>,
    /// Its own column, where that is called otherwise.
    pub key: Option<String>,
    /// What its columns go by.
    pub name: Option<String>,
    /// Whether several rows may have one key.
    pub many: Option<bool>,
}

/// One target to render or judge for.
#[derive(Clone, Debug)]
pub struct TargetSetting {
    /// The name for folders and reports.
    pub name: String,
    /// The spec's name.
    pub spec: String,
    /// Formats, empty for the spec's own.
    pub formats: Vec<String>,
    /// How the feed is delivered, as written.
    pub deliver: Option<toml::Table>,
    /// Where a monitor is told of its runs.
    pub heartbeat: Option<crate::secret::SecretRef>,
    /// The accounts that get it, as written: a list, a file, or how each item says its own.
    pub accounts: Option<toml::Value>,
    /// How large one request of a nested target may become.
    pub body: BodyFile,
}

/// From which severity on a run fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailOn {
    /// Errors.
    Error,
    /// Warnings and errors.
    Warning,
    /// Nothing.
    Never,
}

impl FailOn {
    /// The least severity that fails a run; nothing where none does.
    pub fn severity(self) -> Option<Severity> {
        match self {
            Self::Error => Some(Severity::Error),
            Self::Warning => Some(Severity::Warning),
            Self::Never => None,
        }
    }
}

/// The settings of a run.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The project file in use.
    pub config: Option<PathBuf>,
    /// The folder at which relative paths in settings start.
    pub home: PathBuf,
    /// The sources.
    pub sources: Vec<SourceSetting>,
    /// The spec whose finished feed the sources are, where a feed is converted.
    pub feed_of: Option<String>,
    /// The targets.
    pub targets: Vec<TargetSetting>,
    /// What the mapping is asked for.
    pub wishes: Wishes,
    /// When a run fails.
    pub fail_on: FailOn,
    /// Whether values are written as they were probably meant.
    pub fix_suggested: bool,
    /// The findings that are known.
    pub baseline: Option<PathBuf>,
    /// Where things are remembered between runs.
    pub state: Option<PathBuf>,
    /// Severity by code.
    pub overrides: BTreeMap<String, Override>,
}

impl Settings {
    /// Ends waiting for sources once somebody asks to stop.
    pub fn stop_with(&mut self, cancel: &Cancel) {
        for source in &mut self.sources {
            source.wanted.cancel = cancel.clone();
            for join in &mut source.joins {
                join.wanted.cancel = cancel.clone();
            }
        }
    }
}

/// Where the state of a project lies unless something else is said: in the user's state folder,
/// by the place of the project.
///
/// # Errors
/// When the environment names no such folder.
pub fn state_file(settings: &Settings) -> Result<PathBuf, ConfigError> {
    let base = super::environment::state_folder()
        .ok_or_else(|| setting("--state", "neither XDG_STATE_HOME nor HOME is set; say where the state file is"))?;
    let home = std::path::absolute(&settings.home).unwrap_or_else(|_| settings.home.clone());
    let name = home.file_name().map_or_else(|| "project".to_owned(), |name| name.to_string_lossy().into_owned());
    let sound: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let place = xxhash_rust::xxh3::xxh3_64(home.to_string_lossy().as_bytes());
    Ok(base.join(format!("{sound}-{place:016x}")).join("state.sqlite"))
}

/// Brings flags and project file together; `folder` is the working folder.
///
/// # Errors
/// The first setting that cannot be used, with its place.
pub fn resolve(flags: &Flags, folder: &Path) -> Result<Settings, ConfigError> {
    let config = find(flags, folder)?;
    let (project, home, name) = match &config {
        Some(path) => {
            let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Io { path: path.clone(), source })?;
            let home = path.parent().unwrap_or(Path::new(".")).to_owned();
            (read(&text, &shown(path, folder))?, home, shown(path, folder))
        }
        None => (Project::default(), folder.to_owned(), FILE.to_owned()),
    };
    let sources = if flags.without_sources { Vec::new() } else { sources(flags, &project, &home, folder)? };
    let targets = targets(flags, &project)?;
    for (place, target) in targets.iter().enumerate() {
        if targets.iter().take(place).any(|earlier| earlier.name == target.name) {
            // Both would write to one folder, and the second would clear the first away.
            return Err(setting("target", format!("`{}` is named twice; give each target a name of its own", target.name)));
        }
    }
    let (fail_on, overrides) = check(flags, &project, &name)?;
    let mut wishes = wishes(flags, &project, &home, &name)?;
    for (place, target) in targets.iter().enumerate() {
        let Some(written) = project.target.iter().find(|known| known.name == target.name) else { continue };
        for (key, value) in &written.map {
            let at = format!("{name}: [target.map] {key} of {}", target.name);
            let step = MapStep::read(value.clone()).map_err(|message| setting(at, with_nearest(&message)))?;
            wishes.map_of.push((place, key.clone(), step));
        }
        if let Some(account) = written.accounts.as_ref().filter(|written| written.is_table()) {
            let step = MapStep::read(account.clone())
                .map_err(|message| setting(format!("{name}: accounts of {}", target.name), with_nearest(&message)))?;
            wishes.map_of.push((place, "account_id".to_owned(), step));
        }
    }
    let written = project.check.baseline.as_ref().map(|path| home.join(path));
    let baseline = flags.baseline.clone().or(written).filter(|path| path.as_os_str() != "none");
    let state = flags.state.clone().or_else(super::environment::state_folder);
    let fix_suggested = flags.fix_suggested || project.check.fix_suggested;
    Ok(Settings { config, home, sources, feed_of: None, targets, wishes, fail_on, fix_suggested, baseline, state, overrides })
}

/// The project file: as asked for, else the closest above the working folder up to the root of
/// a repository, else the one beside the first input.
fn find(flags: &Flags, folder: &Path) -> Result<Option<PathBuf>, ConfigError> {
    match flags.config.as_deref() {
        Some("none") => return Ok(None),
        Some(path) => return Ok(Some(folder.join(path))),
        None => {}
    }
    for place in folder.ancestors() {
        let candidate = place.join(FILE);
        if candidate.is_file() {
            return Ok(Some(candidate));
        }
        if place.join(".git").exists() {
            break;
        }
    }
    let beside =
        flags.inputs.first().filter(|input| *input != "-").and_then(|input| Path::new(input).parent()).map(|parent| parent.join(FILE));
    Ok(beside.filter(|candidate| candidate.is_file()))
}

fn read(text: &str, name: &str) -> Result<Project, ConfigError> {
    let project: Project = toml::from_str(text).map_err(|error| {
        let line = error.span().and_then(|span| text.get(..span.start)).map_or(1, |head| head.matches('\n').count() + 1);
        setting(format!("{name}:{line}"), with_nearest(error.message()))
    })?;
    project.validate().map_err(|errors| {
        let mut lines: Vec<String> = errors.to_string().lines().map(str::to_owned).collect();
        lines.sort();
        setting(name, lines.join("; "))
    })?;
    Ok(project)
}

/// Adds the nearest known key to serde's message about an unknown one.
fn with_nearest(message: &str) -> String {
    let mut words = message.split('`');
    let (Some(head), Some(unknown)) = (words.next(), words.next()) else { return message.to_owned() };
    if !head.contains("unknown field") {
        return message.to_owned();
    }
    let known: Vec<&str> = words.skip(1).step_by(2).collect();
    match nearest(unknown, known) {
        Some(near) => format!("unknown key `{unknown}`; did you mean `{near}`?"),
        None => message.replace("unknown field", "unknown key"),
    }
}

fn targets(flags: &Flags, project: &Project) -> Result<Vec<TargetSetting>, ConfigError> {
    let from_project = |target: &super::model::TargetFile| TargetSetting {
        name: target.name.clone(),
        spec: target.spec.clone(),
        formats: if flags.formats.is_empty() { target.format.clone() } else { flags.formats.clone() },
        deliver: target.deliver.clone(),
        heartbeat: target.heartbeat.clone(),
        accounts: target.accounts.clone(),
        body: target.body,
    };
    if flags.targets.is_empty() && !project.target.is_empty() {
        return Ok(project.target.iter().map(from_project).collect());
    }
    let names = if flags.targets.is_empty() { vec![spec::load::default_target()?] } else { flags.targets.clone() };
    let targets = names
        .into_iter()
        .map(|name| match project.target.iter().find(|target| target.name == name) {
            Some(target) => from_project(target),
            None => TargetSetting {
                spec: name.clone(),
                name,
                formats: flags.formats.clone(),
                deliver: None,
                heartbeat: None,
                accounts: None,
                body: BodyFile::default(),
            },
        })
        .collect();
    Ok(targets)
}

fn check(flags: &Flags, project: &Project, name: &str) -> Result<(FailOn, BTreeMap<String, Override>), ConfigError> {
    let (word, place) = match (&flags.fail_on, &project.check.fail_on) {
        (Some(word), _) => (Some(word), "--fail-on".to_owned()),
        (None, word) => (word.as_ref(), format!("{name}: [check] fail_on")),
    };
    let fail_on = match word.map(String::as_str) {
        None | Some("error") => FailOn::Error,
        Some("warning") => FailOn::Warning,
        Some("never") => FailOn::Never,
        Some(word) => return Err(setting(place, format!("`{word}` is none of error, warning, never"))),
    };
    let mut overrides = BTreeMap::new();
    for (code, word) in &project.check.severity {
        let weight = match word.as_str() {
            "off" => Override::Off,
            "error" => Override::Weighs(Severity::Error),
            "warning" => Override::Weighs(Severity::Warning),
            "advice" => Override::Weighs(Severity::Advice),
            _ => {
                return Err(setting(
                    format!("{name}: [check.severity] {code}"),
                    format!("`{word}` is none of error, warning, advice, off"),
                ));
            }
        };
        if !code.contains('/') {
            return Err(setting(
                format!("{name}: [check.severity] {code}"),
                "a code is written `attribute/defect`; `feedmill explain` lists them",
            ));
        }
        overrides.insert(code.clone(), weight);
    }
    Ok((fail_on, overrides))
}

/// What `[defaults]` knows beside attributes.
pub(super) const PLAIN: [&str; 4] = ["currency", "base_url", "image_base_url", "decimal"];

fn wishes(flags: &Flags, project: &Project, home: &Path, name: &str) -> Result<Wishes, ConfigError> {
    let mut wishes = Wishes { folder: home.to_owned(), rules: project.rule.clone(), ..Wishes::default() };
    let mut plain: BTreeMap<&str, (String, String)> = BTreeMap::new();
    let attributes = Attributes::shared();
    for (key, value) in &project.defaults {
        let place = format!("{name}: [defaults] {key}");
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        if PLAIN.contains(&key.as_str()) {
            plain.insert(key, (text, place));
        } else if attributes.id(key).is_some() {
            wishes.defaults.push((key.clone(), text));
        } else {
            let known = attributes.iter().map(|(_, name, _)| name).chain(PLAIN);
            let near = nearest(key, known).map(|near| format!("; did you mean `{near}`?"));
            return Err(setting(
                place,
                format!("this is neither an attribute nor one of {}{}", PLAIN.join(", "), near.unwrap_or_default()),
            ));
        }
    }
    let typed = [
        ("currency", "--currency", &flags.currency),
        ("base_url", "--base-url", &flags.base_url),
        ("image_base_url", "--image-base-url", &flags.image_base_url),
        ("decimal", "--decimal", &flags.decimal),
    ];
    for (key, flag, given) in typed {
        if let Some(text) = given {
            plain.insert(key, (text.clone(), flag.to_owned()));
        }
    }
    if let Some((code, place)) = plain.get("currency") {
        let currency = Currency::parse(code).ok_or_else(|| setting(place, format!("`{code}` is no ISO 4217 currency code such as USD")))?;
        wishes.currency = Some(currency);
    }
    let address = |key: &str| -> Result<Option<url::Url>, ConfigError> {
        let Some((text, place)) = plain.get(key) else { return Ok(None) };
        let url = url::Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        url.map(Some).ok_or_else(|| setting(place, format!("`{text}` is no address such as https://shop.example")))
    };
    (wishes.base_url, wishes.image_base_url) = (address("base_url")?, address("image_base_url")?);
    if let Some((mark, place)) = plain.get("decimal") {
        let sound = mark.chars().next().filter(|c| mark.len() == 1 && matches!(c, '.' | ','));
        wishes.decimal = Some(sound.ok_or_else(|| setting(place, format!("`{mark}` is neither `.` nor `,`")))?);
    }
    for (key, value) in &project.map {
        let step = MapStep::read(value.clone()).map_err(|message| setting(format!("{name}: [map] {key}"), with_nearest(&message)))?;
        wishes.map.push((key.clone(), step));
    }
    if let Some(seller) = &flags.seller_name {
        wishes.defaults.retain(|(key, _)| key != "seller_name");
        wishes.defaults.push(("seller_name".to_owned(), seller.clone()));
    }
    for pair in &flags.set {
        let Some((key, value)) = pair.split_once('=') else {
            return Err(setting("--set", format!("`{pair}` is not ATTRIBUTE=VALUE")));
        };
        wishes.set.push((key.trim().to_owned(), value.to_owned()));
    }
    Ok(wishes)
}

#[cfg(test)]
mod tests {
    use super::{read, with_nearest};

    #[test]
    fn unknown_keys_name_the_nearest_known_one() {
        let error = read("[check]\nfail_onn = \"error\"\n", "feedmill.toml").expect_err("unknown key");
        assert_eq!(error.to_string(), "feedmill.toml:2: unknown key `fail_onn`; did you mean `fail_on`?");
        assert_eq!(with_nearest("something else"), "something else");
    }

    #[test]
    fn names_stay_inside_the_output_folder() {
        let error = read("[[target]]\nname = \"../x\"\nspec = \"openai\"\n", "feedmill.toml").expect_err("path");
        assert!(error.to_string().contains("letters, digits"), "{error}");
    }
}
