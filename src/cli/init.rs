//! `init`: a commented project file, from what is in a catalog. It never overwrites one.

use super::args::Init;
use super::error::{CliError, Exit};
use super::inspect::profiles;
use super::mill;
use super::ui::Ui;
use crate::catalog::remote;
use crate::config::Settings;
use crate::config::resolve::{FILE, SourceSetting};
use crate::mapping::detect::Confidence;
use crate::product::text::{excerpt, write_json_string};
use crate::profile::{Profile, advice};
use crate::render::file::write_text;
use crate::report::page::{plural, thousands};
use std::path::Path;

pub(super) fn run(command: &Init, ui: &Ui) -> Result<Exit, CliError> {
    let path = command.output.clone().unwrap_or_else(|| FILE.into());
    if path.exists() {
        return Err(CliError::Usage(format!(
            "{}: it is there already, and is not overwritten; give another name with `--output`",
            path.display()
        )));
    }
    let mut flags = mill::flags(&command.catalog);
    flags.config = Some("none".to_owned());
    let targets = if command.target.is_empty() { vec![crate::spec::load::default_target()?] } else { command.target.clone() };
    flags.targets.clone_from(&targets);
    let text = if flags.inputs.is_empty() {
        blank(&targets)
    } else {
        let mut settings = mill::settings(&flags, ui)?;
        let profiles = profiles(&mut settings, ui)?;
        project(&profiles, &settings, &targets, &path)
    };
    write_text(&path, &text)?;
    ui.say(&format!("written: {}", path.display()));
    ui.say("next: read its comments, then `feedmill build`");
    Ok(Exit::Done)
}

/// A text as a TOML string on one line, which a comment can hold too.
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    // The escapes of JSON are among those of TOML.
    write_json_string(text, &mut out);
    out
}

/// The address of a database as the project file names it: that of a file from its own folder.
fn database_from_project(address: &str, project: &Path) -> String {
    match address.strip_prefix("sqlite:") {
        Some(path) => format!("sqlite:{}", from_project(path.strip_prefix("//").unwrap_or(path), project)),
        None => address.to_owned(),
    }
}

/// A catalog's path as the project file names it: from its own folder.
fn from_project(catalog: &str, project: &Path) -> String {
    if catalog == "-" || remote::is_address(catalog) {
        return catalog.to_owned();
    }
    let folder = project.parent().filter(|folder| !folder.as_os_str().is_empty());
    let catalog = Path::new(catalog);
    let inside = folder.map_or(Some(catalog), |folder| catalog.strip_prefix(folder).ok());
    match inside {
        Some(inside) => inside.display().to_string(),
        None => std::path::absolute(catalog).unwrap_or_else(|_| catalog.to_owned()).display().to_string(),
    }
}

fn targets(names: &[String], lines: &mut Vec<String>) {
    lines.push("# What is rendered; `feedmill spec` lists the targets.".to_owned());
    for name in names {
        let short: String = name.chars().map(|c| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '-' }).collect();
        lines.push("[[target]]".to_owned());
        lines.push(format!("name = {}", quoted(&short)));
        lines.push(format!("spec = {}", quoted(name)));
        lines.push(String::new());
    }
}

/// A project file without a catalog.
fn blank(names: &[String]) -> String {
    let mut lines: Vec<String> = [
        "# Settings of feedmill. Paths start at the folder of this file.",
        "",
        "[source]",
        "path = \"exports/products.csv\"                # a file, a glob, or `-`; `feedmill inspect FILE` shows what is in it",
        "",
        "[defaults]",
        "# currency = \"USD\"                           # of amounts that name none",
        "# base_url = \"https://shop.example\"          # completes relative addresses",
        "# seller_name = \"Northline\"",
        "",
    ]
    .map(str::to_owned)
    .to_vec();
    targets(names, &mut lines);
    lines.join("\n")
}

fn project(profiles: &[Profile], settings: &Settings, names: &[String], path: &Path) -> String {
    let mut lines = vec![
        "# Settings of feedmill. Paths start at the folder of this file; a line that begins with `#` sets nothing.".to_owned(),
        String::new(),
    ];
    for (profile, setting) in profiles.iter().zip(&settings.sources) {
        source(profile, setting, path, profiles.len() > 1, &mut lines);
    }
    defaults(profiles, settings, &mut lines);
    map(profiles, settings, &mut lines);
    lines.push("# A rule sees attributes and says in the report what it did.".to_owned());
    lines.push("# [[rule]]".to_owned());
    lines.push("# when = \"availability == 'out_of_stock'\"".to_owned());
    lines.push("# drop = true".to_owned());
    lines.push(String::new());
    targets(names, &mut lines);
    lines.join("\n")
}

fn source(profile: &Profile, setting: &SourceSetting, path: &Path, several: bool, lines: &mut Vec<String>) {
    let (facts, detected) = (&profile.facts, &profile.detected);
    let why = match detected.confidence {
        Confidence::Guess => "no platform's columns were found".to_owned(),
        Confidence::Asked => "asked for".to_owned(),
        sure => format!("{}, because of {}", sure.word(), detected.signs.join(", ")),
    };
    lines.push(format!(
        "# {}, {}; {} make {}, {} of them variants in {}.",
        facts.format.word(),
        facts.encoding,
        plural(profile.records, "record"),
        plural(profile.items, "item"),
        thousands(profile.variants),
        plural(profile.groups.0, "group")
    ));
    lines.push(format!("# {}: {why}.", excerpt(&detected.preset.title, 80)));
    for (reason, count) in &profile.skipped {
        lines.push(format!("# {count} skipped: {}.", excerpt(reason, 80)));
    }
    lines.push(if several { "[[source]]" } else { "[source]" }.to_owned());
    lines.push(place(setting, path));
    lines.push(format!("preset = {}", quoted(&detected.preset.name)));
    let wanted = &setting.wanted;
    if wanted.remote.allow_private {
        lines.push("allow_private = true".to_owned());
    }
    let delimiter = wanted.delimiter.map(|delimiter| char::from(delimiter).to_string());
    let said = [
        ("format", &wanted.format),
        ("encoding", &wanted.encoding),
        ("delimiter", &delimiter),
        ("record", &wanted.record),
        ("sheet", &wanted.sheet),
    ];
    lines.extend(said.iter().filter_map(|(key, value)| Some(format!("{key} = {}", quoted(value.as_ref()?)))));
    if !setting.wanted.header.is_empty() {
        lines.push(format!("header = [{}]", setting.wanted.header.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(", ")));
    } else if let Some(odd) = &profile.no_header {
        let names: Vec<String> = (1..=profile.columns.len()).map(|n| quoted(&format!("column {n}"))).collect();
        lines.push(format!("# The first row looks like a record ({}). Is there no header? Then name the columns:", excerpt(odd, 40)));
        lines.push(format!("# header = [{}]", names.join(", ")));
    }
    if let Some(view) = &setting.view {
        lines.push(format!("view = {}", quoted(view)));
    }
    lines.push(String::new());
}

/// Where a source is: a path, an address, or a database and what is read of it.
fn place(setting: &SourceSetting, project: &Path) -> String {
    let asked = &setting.wanted.database;
    let address = match &asked.url {
        Some(url) => database_from_project(url.expose(), project),
        None if asked.query.is_some() || asked.table.is_some() => format!("sqlite:{}", from_project(&setting.path, project)),
        None => return format!("path = {}", quoted(&from_project(&setting.path, project))),
    };
    let said = [("url", Some(&address)), ("query", asked.query.as_ref()), ("table", asked.table.as_ref())];
    let keys: Vec<String> = said.iter().filter_map(|(key, value)| Some(format!("{key} = {}", quoted(value.as_ref()?)))).collect();
    format!("database = {{ {} }}", keys.join(", "))
}

fn defaults(profiles: &[Profile], settings: &Settings, lines: &mut Vec<String>) {
    let wishes = &settings.wishes;
    let lacks = |attribute: &str| profiles.iter().any(|profile| profile.missing.iter().any(|missing| missing.attribute == attribute));
    lines.push("[defaults]".to_owned());
    let unpriced = profiles.iter().any(|profile| profile.priced.1 < profile.priced.0 || lacks("price"));
    match &wishes.currency {
        Some(currency) => lines.push(format!("currency = {}", quoted(currency.code()))),
        None if unpriced => lines.push("# DECIDE: prices name no currency.\n# currency = \"USD\"".to_owned()),
        None => {}
    }
    if let Some(decimal) = wishes.decimal {
        lines.push(format!("decimal = {}", quoted(&decimal.to_string())));
    }
    match &wishes.base_url {
        Some(url) => lines.push(format!("base_url = {}", quoted(url.as_str().trim_end_matches('/')))),
        None => lines.push("# DECIDE: the address of the shop completes relative links, and the pages that the platform implies.\n# base_url = \"https://shop.example\"".to_owned()),
    }
    if let Some(url) = &wishes.image_base_url {
        lines.push(format!("image_base_url = {}", quoted(url.as_str())));
    }
    for (name, value) in &wishes.defaults {
        lines.push(format!("{name} = {}", quoted(value)));
    }
    if lacks("seller_name") && !wishes.defaults.iter().any(|(name, _)| name == "seller_name") {
        lines.push("# DECIDE: who sells, for targets that ask for it.\n# seller_name = \"Northline\"".to_owned());
    }
    lines.push(String::new());
}

fn map(profiles: &[Profile], settings: &Settings, lines: &mut Vec<String>) {
    lines.push("[map]".to_owned());
    for (name, value) in &settings.wishes.set {
        lines.push(format!("{name} = {{ constant = {} }}", quoted(value)));
    }
    for profile in profiles {
        let set = |name: &str| settings.wishes.set.iter().any(|(known, _)| known == name);
        for missing in profile.missing.iter().filter(|missing| missing.attribute != "seller_name" && !set(&missing.attribute)) {
            lines.push(format!(
                "# DECIDE: {} of {} items lack `{}`: {}",
                missing.items,
                profile.items,
                missing.attribute,
                advice(&missing.attribute, profile.implies_page)
            ));
            for column in &missing.columns {
                lines.push(format!("# {} = {}", missing.attribute, quoted(column)));
            }
        }
        lines.push("# What the columns are taken for; a line without `#` overrides it.".to_owned());
        for column in profile.columns.iter().filter(|column| column.filled > 0) {
            let example = column.examples.first().map_or(String::new(), |example| format!(", such as {}", excerpt(example, 40)));
            let (distinct, _) = column.distinct();
            match &column.attribute {
                Some(attribute) => {
                    lines.push(format!("# {attribute} = {}    # {}{example}", quoted(&column.name), plural(distinct, "value")));
                }
                None if column.taken_for.is_empty() => {
                    lines.push(format!(
                        "# (not used) {}    # {}, {}{example}",
                        quoted(&column.name),
                        column.kind(),
                        plural(distinct, "value")
                    ));
                }
                None => lines.push(format!("# {} {}", column.taken_for, quoted(&column.name))),
            }
        }
    }
    lines.push(String::new());
}

#[cfg(test)]
mod tests {
    use super::{database_from_project, from_project};
    use std::path::Path;

    #[test]
    fn paths_start_at_the_project_file() {
        assert_eq!(from_project("exports/a.csv", Path::new("feedmill.toml")), "exports/a.csv");
        assert_eq!(from_project("shop/exports/a.csv", Path::new("shop/feedmill.toml")), "exports/a.csv");
        assert!(from_project("a.csv", Path::new("shop/feedmill.toml")).ends_with("a.csv"));
        assert!(Path::new(&from_project("a.csv", Path::new("shop/feedmill.toml"))).is_absolute());
        assert_eq!(from_project("https://shop.example/a.csv", Path::new("shop/feedmill.toml")), "https://shop.example/a.csv");
        assert_eq!(database_from_project("sqlite:shop/a.db", Path::new("shop/feedmill.toml")), "sqlite:a.db");
        assert_eq!(database_from_project("mysql://me@db/shop", Path::new("shop/feedmill.toml")), "mysql://me@db/shop");
    }
}
