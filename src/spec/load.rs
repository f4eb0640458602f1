//! Finding and reading spec folders.

use super::compile::{self, Spec};
use super::model::{DocumentedFile, FieldFile, RuleFile, SpecFile};
use super::shape;
use super::terms::Clause;
use super::written::{Entry, Written};
use toml::de::DeValue;

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

impl SpecError {
    /// A fault at a line of a file.
    pub(crate) fn at(file: &str, line: usize, message: &str) -> Self {
        Self::File { file: file.to_owned(), line, message: message.to_owned() }
    }

    /// A fault of a clause.
    pub(crate) fn of(clause: &Clause, message: &str) -> Self {
        Self::at(&clause.file, clause.line, message)
    }
}

/// One built-in spec folder.
struct Folder {
    path: &'static str,
    /// `spec.toml`, `attributes.toml`, `rules.toml`, `formats.toml`.
    texts: [&'static str; 4],
    shape: Option<&'static str>,
}

macro_rules! folder {
    ($path:literal) => {
        Folder {
            path: concat!("schemas/", $path),
            texts: [
                include_str!(concat!("../../schemas/", $path, "/spec.toml")),
                include_str!(concat!("../../schemas/", $path, "/attributes.toml")),
                include_str!(concat!("../../schemas/", $path, "/rules.toml")),
                include_str!(concat!("../../schemas/", $path, "/formats.toml")),
            ],
            shape: None,
        }
    };
    (nested $path:literal) => {
        Folder { shape: Some(include_str!(concat!("../../schemas/", $path, "/shape.toml"))), ..folder!($path) }
    };
}

/// The list of built-in folders: the one place to extend for a new spec.
static FOLDERS: &[Folder] = &[
    folder!("openai/2026-09"),
    folder!("openai/2026-07"),
    folder!("openai/2026-04"),
    folder!("openai/2026-02"),
    folder!("openai/2025-09"),
    folder!("openai-ads/2026-09"),
    folder!("openai-google/2026-08"),
    folder!(nested "openai-structured/2026-03"),
    folder!(nested "openai-api/2026-03"),
    folder!(nested "openai-api-promotions/2026-03"),
    folder!(nested "openai-ads-delta/2026"),
    folder!(nested "acp/2026-04-17"),
    folder!("stripe/product"),
    folder!("stripe-inventory/inventory"),
    folder!("stripe-pricing/pricing"),
    folder!("stripe-promotion/promotion"),
];

/// The identities of all built-in specs, in the order of the list.
pub fn identities() -> Result<Vec<SpecFile>, SpecError> {
    FOLDERS.iter().map(|folder| read(folder, 0)?.spec.typed("")).collect()
}

/// The name of the target a run is for when none is asked for.
pub fn default_target() -> Result<String, SpecError> {
    for folder in FOLDERS {
        let label = Label::of(folder)?;
        if label.default {
            return Ok(label.target);
        }
    }
    Ok(String::new())
}

/// Loads the spec of `name` or `name@version`; a bare name means the current version.
pub fn spec(name: &str) -> Result<Spec, SpecError> {
    let (target, version) = name.split_once('@').map_or((name, None), |(target, version)| (target, Some(version)));
    for folder in FOLDERS {
        let label = Label::of(folder)?;
        if label.target == target && version.map_or(label.current, |version| label.version == version) {
            let mut spec = typed(read(folder, 0)?)?;
            if let Some(text) = folder.shape {
                spec.shape = Some(shape::load(folder.path, text, &spec.fields)?);
            }
            return Ok(spec);
        }
    }
    let known: Vec<String> = identities()?.iter().flat_map(names).collect();
    let nearest = crate::product::text_distance::nearest(name, known.iter().map(String::as_str)).map(str::to_owned);
    Err(SpecError::Unknown { name: name.to_owned(), nearest, known })
}

/// What a folder says of itself that no version inherits, read without the rest of it.
struct Label {
    target: String,
    version: String,
    current: bool,
    default: bool,
}

impl Label {
    fn of(folder: &Folder) -> Result<Self, SpecError> {
        let [spec, ..] = folder.texts;
        // It stands in front of the tables.
        let head = spec.split("\n[").next().unwrap_or(spec);
        let spec = Entry::read(&format!("{}/spec.toml", folder.path), head)?.table;
        let key = |key: &str| spec.get(key).map(toml::Spanned::get_ref);
        let text = |name: &str| key(name).and_then(DeValue::as_str).unwrap_or_default().to_owned();
        let flag = |name: &str| key(name).and_then(DeValue::as_bool).unwrap_or_default();
        Ok(Self { target: text("target"), version: text("version"), current: flag("current"), default: flag("default") })
    }
}

/// Loads a folder that is not built in from the text of its four files, in the order `spec.toml`,
/// `attributes.toml`, `rules.toml`, `formats.toml`; its base, if it names one, is a built-in spec.
pub fn folder(path: &str, texts: [&str; 4]) -> Result<Spec, SpecError> {
    typed(laid(Written::read(path, texts)?, 0)?)
}

/// Most folders that may stand on one another.
const MOST_BASES: usize = 8;

fn read(folder: &Folder, depth: usize) -> Result<Written<'static>, SpecError> {
    laid(Written::read(folder.path, folder.texts)?, depth)
}

/// The tables of a folder, laid over those of its base.
fn laid(written: Written<'_>, depth: usize) -> Result<Written<'_>, SpecError> {
    let Some(base) = written.base() else { return Ok(written) };
    if depth == MOST_BASES {
        return Err(written.base_fault("the bases of this folder stand on one another without end"));
    }
    let path = format!("schemas/{}", base.replace('@', "/"));
    match FOLDERS.iter().find(|folder| folder.path == path) {
        Some(folder) => written.over(read(folder, depth + 1)?),
        None => Err(written.base_fault(&format!("`{base}` is no spec; a base is written `target@version`"))),
    }
}

fn typed(written: Written<'_>) -> Result<Spec, SpecError> {
    let identity: SpecFile = written.spec.typed("")?;
    let mut fields = Vec::with_capacity(written.fields.len());
    for (name, entry) in written.fields {
        let (clause, given) = (entry.clause.clone(), entry.given());
        let mut field: FieldFile = entry.typed(&format!("field `{name}`: "))?;
        (field.clause, field.given) = (clause, given);
        fields.push((name, field));
    }
    let mut rules = Vec::with_capacity(written.rules.len());
    for entry in written.rules {
        let (clause, given) = (entry.clause.clone(), entry.given());
        let mut rule: RuleFile = entry.typed("")?;
        (rule.clause, rule.given) = (clause, given);
        rules.push(rule);
    }
    let mut documented = Vec::with_capacity(written.documented.len());
    for entry in written.documented {
        let clause = entry.clause.clone();
        let mut known: DocumentedFile = entry.typed("")?;
        known.clause = clause;
        documented.push(known);
    }
    compile::compile(identity, fields, rules, documented, written.formats.typed("")?)
}

/// The names a spec answers to.
pub fn names(identity: &SpecFile) -> Vec<String> {
    let long = format!("{}@{}", identity.target, identity.version);
    if identity.current { vec![identity.target.clone(), long] } else { vec![long] }
}
