//! Finding and reading spec folders.

use super::compile::{self, Spec};
use super::model::{FieldFile, FormatsFile, RulesFile, SpecFile};
use serde::de::DeserializeOwned;

/// A spec folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SpecError {
    /// A file is not valid.
    #[error("{file}:{line}: {message}")]
    File {
        /// The file inside the schemas folder.
        file: String,
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        message: String,
    },
    /// No folder has the name.
    #[error("no target is called `{name}`{}", nearest.as_deref().map(|n| format!("; did you mean `{n}`?")).unwrap_or_default())]
    Unknown {
        /// The name asked for.
        name: String,
        /// The most similar known name.
        nearest: Option<String>,
        /// Every known name.
        known: Vec<String>,
    },
}

/// One built-in spec folder.
struct Folder {
    path: &'static str,
    spec: &'static str,
    attributes: &'static str,
    rules: &'static str,
    formats: &'static str,
}

macro_rules! folder {
    ($path:literal) => {
        Folder {
            path: concat!("schemas/", $path),
            spec: include_str!(concat!("../../schemas/", $path, "/spec.toml")),
            attributes: include_str!(concat!("../../schemas/", $path, "/attributes.toml")),
            rules: include_str!(concat!("../../schemas/", $path, "/rules.toml")),
            formats: include_str!(concat!("../../schemas/", $path, "/formats.toml")),
        }
    };
}

/// The list of built-in folders: the one place to extend for a new spec.
static FOLDERS: &[Folder] = &[
    folder!("openai/2026-09"),
    folder!("openai/2026-07"),
    folder!("openai/2026-04"),
    folder!("openai/2026-02"),
    folder!("openai/2025-09"),
    folder!("openai-google/2026-08"),
    folder!("stripe/product"),
    folder!("stripe-inventory/inventory"),
    folder!("stripe-pricing/pricing"),
];

/// The identities of all built-in specs, in the order of the list.
pub fn identities() -> Result<Vec<SpecFile>, SpecError> {
    FOLDERS.iter().map(|folder| parse(folder.path, "spec.toml", folder.spec)).collect()
}

/// Loads the spec of `name` or `name@version`; a bare name means the current version.
pub fn spec(name: &str) -> Result<Spec, SpecError> {
    let (target, version) = name.split_once('@').map_or((name, None), |(target, version)| (target, Some(version)));
    let identities = identities()?;
    let found = identities
        .iter()
        .zip(FOLDERS)
        .find(|(identity, _)| identity.target == target && version.map_or(identity.current, |version| identity.version == version));
    let Some((identity, folder)) = found else {
        let known: Vec<String> = identities.iter().flat_map(names).collect();
        let nearest = crate::product::text_distance::nearest(name, known.iter().map(String::as_str)).map(str::to_owned);
        return Err(SpecError::Unknown { name: name.to_owned(), nearest, known });
    };
    let attributes: toml::Table = parse(folder.path, "attributes.toml", folder.attributes)?;
    let mut fields = Vec::with_capacity(attributes.len());
    for (name, value) in attributes {
        let line = line_of(folder.attributes, &format!("[{name}]"));
        let field: FieldFile = value.try_into().map_err(|error: toml::de::Error| SpecError::File {
            file: format!("{}/attributes.toml", folder.path),
            line,
            message: format!("field `{name}`: {}", error.message()),
        })?;
        fields.push((name, field));
    }
    let rules: RulesFile = parse(folder.path, "rules.toml", folder.rules)?;
    let formats: FormatsFile = parse(folder.path, "formats.toml", folder.formats)?;
    compile::compile(identity.clone(), fields, rules.rule, formats).map_err(|(file, needle, message)| SpecError::File {
        file: format!("{}/{file}", folder.path),
        line: line_of(if file == "rules.toml" { folder.rules } else { folder.attributes }, &needle),
        message,
    })
}

/// The names a spec answers to.
pub fn names(identity: &SpecFile) -> Vec<String> {
    let long = format!("{}@{}", identity.target, identity.version);
    if identity.current { vec![identity.target.clone(), long] } else { vec![long] }
}

fn parse<T: DeserializeOwned>(folder: &str, file: &str, text: &str) -> Result<T, SpecError> {
    toml::from_str(text).map_err(|error| SpecError::File {
        file: format!("{folder}/{file}"),
        line: error.span().map_or(1, |span| text.get(..span.start).map_or(1, |head| head.matches('\n').count() + 1)),
        message: error.message().to_owned(),
    })
}

fn line_of(text: &str, needle: &str) -> usize {
    text.lines().position(|line| line.contains(needle)).map_or(1, |place| place + 1)
}
