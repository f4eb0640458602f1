//! Where catalogs are: what was typed, or the sources of the project file.

use super::model::{JoinFile, Project, SourceFile};
use super::resolve::{ConfigError, Flags, JoinSetting, SourceSetting, setting};
use crate::catalog::locate::{Limits, Wanted};
use crate::catalog::remote::Login;
use crate::catalog::{database, remote};
use crate::secret::{Secret, SecretRef};
use std::path::Path;
use std::time::Duration;

/// The words for formats that are read.
const FORMATS: [&str; 10] = ["csv", "tsv", "json", "jsonl", "xml", "parquet", "xlsx", "xls", "ods", "sqlite"];

/// Sources that one run can tell apart.
const MOST: usize = u16::MAX as usize;

/// The sources of a run.
pub(super) fn sources(flags: &Flags, project: &Project, home: &Path, folder: &Path) -> Result<Vec<SourceSetting>, ConfigError> {
    let found = listed(flags, project, home, folder)?;
    if found.len() > MOST {
        return Err(setting("input", format!("{} files are named, {MOST} are the most; put several into one", found.len())));
    }
    Ok(found)
}

/// What is named, one after the other.
fn listed(flags: &Flags, project: &Project, home: &Path, folder: &Path) -> Result<Vec<SourceSetting>, ConfigError> {
    let typed = typed(flags)?;
    let mut found = Vec::new();
    if !flags.inputs.is_empty() {
        for input in &flags.inputs {
            if input.is_empty() {
                return Err(setting("input", "an empty word names no catalog; perhaps a variable is not set"));
            }
            let (mut path, mut wanted) = (input.clone(), typed.clone());
            if database::is_address(input) {
                no_password(input, "the command line")?;
                wanted.database.url = Some(Secret::new(input.as_str(), "the command line"));
                path = database::shown(input);
            } else if remote::is_address(input) {
                no_password(input, "the command line")?;
            }
            found.extend(expand(&path)?.into_iter().map(|path| SourceSetting {
                found: flags.found.clone(),
                path,
                preset: flags.preset.clone(),
                wanted: wanted.clone(),
                rows: None,
                view: flags.view.clone(),
                joins: Vec::new(),
            }));
        }
        return Ok(found);
    }
    for source in &project.source {
        let (path, wanted) = of_file(source, &typed, home, folder)?;
        let preset = flags.preset.clone().or_else(|| source.preset.clone());
        let view = flags.view.clone().or_else(|| source.view.clone());
        let joins: Vec<JoinSetting> = source.join.iter().map(|join| joined(join, home, folder)).collect::<Result<_, _>>()?;
        found.extend(expand(&path)?.into_iter().map(|path| SourceSetting {
            found: None,
            path,
            preset: preset.clone(),
            wanted: wanted.clone(),
            rows: source.rows.clone(),
            view: view.clone(),
            joins: joins.clone(),
        }));
    }
    if found.is_empty() {
        return Err(setting("input", "no catalog is named: give a file or an address, or `path` under [source] in feedmill.toml"));
    }
    Ok(found)
}

/// What the flags say of every source.
fn typed(flags: &Flags) -> Result<Wanted, ConfigError> {
    let mut wanted = Wanted {
        encoding: encoding(flags.encoding.as_deref(), "--encoding")?,
        delimiter: delimiter(flags.delimiter.as_deref(), "--delimiter")?,
        format: format(flags.from.as_deref(), "--from")?,
        header: flags.header.clone(),
        record: flags.record.clone(),
        sheet: flags.sheet.clone(),
        ..Wanted::default()
    };
    if flags.query.is_some() && flags.table.is_some() {
        return Err(setting("--query", "give either `--query` or `--table`"));
    }
    wanted.database = database::Asked { url: None, query: flags.query.clone(), table: flags.table.clone() };
    wanted.remote.allow_private = flags.allow_private;
    Ok(wanted)
}

/// A supplemental source of the project file.
fn joined(join: &JoinFile, home: &Path, folder: &Path) -> Result<JoinSetting, ConfigError> {
    let place = |key: &str| format!("[[source.join]] {key}");
    let path = if remote::is_address(&join.path) {
        no_password(&join.path, "the project file")?;
        join.path.clone()
    } else {
        shown(&home.join(&join.path), folder)
    };
    let wanted = Wanted {
        encoding: encoding(join.encoding.as_deref(), &place("encoding"))?,
        delimiter: delimiter(join.delimiter.as_deref(), &place("delimiter"))?,
        format: format(join.format.as_deref(), &place("format"))?,
        header: join.header.clone(),
        ..Wanted::default()
    };
    Ok(JoinSetting { path, wanted, on: join.on.clone(), key: join.key.clone(), name: join.name.clone(), many: join.many })
}

/// The path of a source of the project file, and what the file and the flags say of it.
fn of_file(source: &SourceFile, typed: &Wanted, home: &Path, folder: &Path) -> Result<(String, Wanted), ConfigError> {
    let mut wanted = typed.clone();
    wanted.encoding = typed.encoding.clone().or(encoding(source.encoding.as_deref(), "[source] encoding")?);
    wanted.delimiter = typed.delimiter.or(delimiter(source.delimiter.as_deref(), "[source] delimiter")?);
    wanted.format = typed.format.clone().or(format(source.format.as_deref(), "[source] format")?);
    if typed.header.is_empty() {
        wanted.header.clone_from(&source.header);
    }
    wanted.record = typed.record.clone().or_else(|| source.record.clone());
    wanted.sheet = typed.sheet.clone().or_else(|| source.sheet.clone());
    wanted.remote.allow_private |= source.allow_private;
    wanted.folder = home.to_owned();
    let usual = Limits::default();
    wanted.limits = Limits { bytes: source.max_bytes.unwrap_or(usual.bytes), time: source.timeout.map_or(usual.time, Duration::from_secs) };
    if let Some(login) = &source.auth {
        let secret = |file: &SecretRef| file.read(home).map_err(|message| setting("[source] auth", message));
        wanted.remote.login = Some(match (&login.token, &login.user, &login.password) {
            (Some(token), None, None) => Login::Token(secret(token)?),
            (None, Some(user), Some(password)) => Login::Password(user.clone(), secret(password)?),
            _ => return Err(setting("[source] auth", "give either `token`, or `user` and `password`")),
        });
    }
    let named = [source.path.is_some(), source.database.is_some(), !source.command.is_empty()];
    if named.iter().filter(|named| **named).count() != 1 {
        return Err(setting("[source]", "exactly one of `path`, `database` and `command` is needed"));
    }
    if let Some(database) = &source.database {
        if database.query.is_some() && database.table.is_some() {
            return Err(setting("[source] database", "give either `query` or `table`"));
        }
        let place = "[source] database url";
        let mut url = match &database.url {
            super::model::Address::Plain(url) => {
                no_password(url, "the project file")?;
                Secret::new(url.as_str(), "the project file")
            }
            super::model::Address::Secret(file) => file.read(home).map_err(|message| setting(place, message))?,
        };
        if !database::is_address(url.expose().trim()) {
            return Err(setting(
                place,
                format!("this is no address of a database; it begins with one of {}", database::SCHEMES.join(", ")),
            ));
        }
        if let Some(path) = url.expose().strip_prefix("sqlite:").map(|path| path.strip_prefix("//").unwrap_or(path)) {
            url = Secret::new(format!("sqlite:{}", shown(&home.join(path), folder)), url.origin());
        }
        let path = database::shown(url.expose().trim());
        wanted.database = database::Asked {
            url: Some(url),
            query: typed.database.query.clone().or_else(|| database.query.clone()),
            table: typed.database.table.clone().or_else(|| database.table.clone()),
        };
        return Ok((path, wanted));
    }
    if let Some(program) = source.command.first() {
        wanted.command.clone_from(&source.command);
        return Ok((format!("command `{program}`"), wanted));
    }
    let path = source.path.as_deref().unwrap_or_default();
    if remote::is_address(path) {
        no_password(path, "the project file")?;
        return Ok((path.to_owned(), wanted));
    }
    if database::is_address(path) {
        return Err(setting(
            "[source] path",
            "this is the address of a database; write `database = { url = ..., query = \"select ...\" }`",
        ));
    }
    Ok((if path == "-" { path.to_owned() } else { shown(&home.join(path), folder) }, wanted))
}

/// Passwords that stand where others can read them are refused, before they are used.
fn no_password(address: &str, place: &str) -> Result<(), ConfigError> {
    let Ok(url) = url::Url::parse(address) else { return Ok(()) };
    let in_query = url.query_pairs().any(|(key, _)| key.eq_ignore_ascii_case("password"));
    let is_login = remote::is_address(address) && !url.username().is_empty();
    if url.password().is_none() && !in_query && !is_login {
        return Ok(());
    }
    let what = if remote::is_address(address) {
        "put the address alone under [source] as `path`, and the login as `auth = { user = \"...\", password = { env = \"NAME\" } }`"
    } else {
        "put the whole address into an environment variable or a file, and name that in feedmill.toml: \
        `[source] database = { url = { env = \"DATABASE_URL\" }, query = \"select ...\" }`"
    };
    Err(setting("input", format!("the address holds a login, which everybody who sees {place} can read; {what}")))
}

fn delimiter(word: Option<&str>, place: &str) -> Result<Option<u8>, ConfigError> {
    match word {
        None => Ok(None),
        Some("tab" | "\\t") => Ok(Some(b'\t')),
        Some(word) if word.len() == 1 && word != "\"" => Ok(word.bytes().next()),
        Some(word) => Err(setting(place, format!("`{word}` is no delimiter; give one ASCII character, or `tab`"))),
    }
}

fn format(word: Option<&str>, place: &str) -> Result<Option<String>, ConfigError> {
    match word {
        // What is no text is told by its bytes, and by them alone.
        Some(word) if FORMATS.contains(&word) => Ok(FORMATS.iter().take(5).find(|known| **known == word).map(|word| (*word).to_owned())),
        None => Ok(None),
        Some(word) => Err(setting(place, format!("`{word}` is no format that is read; known: {}", FORMATS.join(", ")))),
    }
}

fn encoding(label: Option<&str>, place: &str) -> Result<Option<String>, ConfigError> {
    match label {
        Some(label) if encoding_rs::Encoding::for_label(label.as_bytes()).is_none() => {
            Err(setting(place, format!("`{label}` is no encoding; try utf-8, windows-1252 or utf-16le")))
        }
        label => Ok(label.map(str::to_owned)),
    }
}

/// A path as short as it can be said from the working folder, so that reports and manifests do
/// not depend on where the project lies.
pub(super) fn shown(path: &Path, folder: &Path) -> String {
    path.strip_prefix(folder).unwrap_or(path).display().to_string()
}

/// The files of a glob in the order of their names; anything else stands for itself.
fn expand(pattern: &str) -> Result<Vec<String>, ConfigError> {
    let is_file = !remote::is_address(pattern) && !database::is_address(pattern) && !pattern.starts_with("command `");
    if !is_file || !pattern.contains(['*', '?', '[']) || Path::new(pattern).exists() {
        return Ok(vec![pattern.to_owned()]);
    }
    let paths = glob::glob(pattern).map_err(|error| setting(pattern, format!("this is no valid pattern: {error}")))?;
    let mut files: Vec<String> =
        paths.filter_map(Result::ok).filter(|path| path.is_file()).map(|path| path.display().to_string()).collect();
    files.sort();
    if files.is_empty() { Err(ConfigError::NoFile(pattern.to_owned())) } else { Ok(files) }
}

#[cfg(test)]
mod tests {
    use super::no_password;

    #[test]
    fn passwords_are_refused_where_others_read_them() {
        for address in [
            "postgres://me:pw@db/shop",
            "postgres://db/shop?user=me&password=pw",
            "https://me:pw@shop.example/feed.xml",
            "https://token@shop.example/feed.xml",
        ] {
            let error = no_password(address, "the command line").expect_err(address).to_string();
            assert!(!error.contains("pw"), "{error}");
        }
        for address in ["postgres://me@db/shop", "https://shop.example/feed.xml?a=b", "sqlite:shop.db", "catalog.csv"] {
            assert!(no_password(address, "the command line").is_ok(), "{address}");
        }
    }
}
