//! The plan of a run: everything found, opened, resolved and compiled before the first record
//! is read, so that a mistake in the settings costs no time and writes nothing.

mod header;
mod sides;

use crate::catalog::locate::locate;
use crate::catalog::open::{self, Source};
use crate::catalog::{Format, Header, ReadError};
use crate::config::resolve::{Settings, SourceSetting};
use crate::finding::{Finding, Place, Severity};
use crate::mapping::columns::{Folded, base_of, folded};
use crate::mapping::compile::Given;
use crate::mapping::detect::{self, Detected};
use crate::mapping::model::MapStep;
use crate::mapping::preset::Preset;
use crate::mapping::{MapError, Mapping};
use crate::normalize::Normalizer;
use crate::pipeline::{self, Amender, ColumnFate, Conversion, Direct, NestedFeed, Plan, Prints, SourcePlan, TargetPlan};
use crate::product::attribute::{AttributeId, Attributes, Kind, known};
use crate::product::text_distance::nearest;
use crate::project::Projection;
use crate::render::FeedFormat;
use crate::render::products::BodyLimits;
use crate::rules::RuleTable;
use crate::rules::structure::Structure;
use crate::spec::terms::Consequence;
use crate::spec::{self, Spec, SpecError};
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A run cannot be planned.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// A source cannot be opened.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A spec cannot be used.
    #[error(transparent)]
    Spec(#[from] SpecError),
    /// The mapping does not fit the catalog.
    #[error("{file}: {source}")]
    Map {
        /// The catalog.
        file: String,
        /// What is wrong.
        source: MapError,
    },
    /// A format or preset is not known.
    #[error("{0}")]
    Unknown(String),
}

/// What a run may take of the machine.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// Threads that judge and render.
    pub threads: usize,
    /// Most bytes that may be kept of rows until the end.
    pub memory: usize,
}

/// What is kept of rows until the end where nothing is said: enough for some two million.
pub const MEMORY: usize = 160 << 20;

/// What is to be done with the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose<'a> {
    /// Only judge; a finished feed is judged as it is.
    Check,
    /// Repair a finished feed in its own format.
    Amend {
        /// The file to write.
        out: &'a Path,
    },
    /// Render into a folder.
    Build {
        /// The folder.
        out: &'a Path,
    },
}

/// Opens sources, loads specs and compiles everything.
///
/// # Errors
/// The first thing that cannot be used; mistakes in a mapping all at once.
pub fn plan(settings: &Settings, purpose: Purpose<'_>, effort: Effort, today: jiff::civil::Date) -> Result<Plan, PlanError> {
    let specs: Vec<Spec> = settings.targets.iter().map(|target| spec::load::spec(&target.spec)).collect::<Result<_, _>>()?;
    let mut notices = Vec::new();
    let mut sources = Vec::new();
    let mut available = HashSet::new();
    for (index, setting) in settings.sources.iter().enumerate() {
        let plan = source(setting, settings, purpose, &specs, today, index as u16, &mut notices)?;
        available.extend(attributes(&plan.mapping, &settings.wishes.defaults));
        sources.push(plan);
    }
    let mut targets = Vec::new();
    for (place, (setting, spec)) in settings.targets.iter().zip(specs).enumerate() {
        let mut formats = Vec::new();
        let mut folder = PathBuf::new();
        if let Purpose::Build { out } = purpose {
            let default: Vec<String> = spec.identity.default_format.split(',').map(str::to_owned).collect();
            let words = if setting.formats.is_empty() { default.as_slice() } else { setting.formats.as_slice() };
            for word in words {
                if spec.shape.is_some() && !spec.identity.formats.contains(word) {
                    return Err(PlanError::Unknown(format!(
                        "{}: `{word}` cannot hold products with variants; it is written as {}",
                        setting.name,
                        spec.identity.formats.join(" or ")
                    )));
                }
                let format = FeedFormat::parse(word).map_err(PlanError::Unknown)?;
                if !spec.identity.formats.contains(word) {
                    notices.push((Some(place), not_taken(word, &spec)));
                }
                if !formats.contains(&format) {
                    formats.push(format);
                }
            }
            folder = out.join(&setting.name);
        }
        let (outputs, missing) = header::outputs(&spec, &formats, &settings.wishes, today)?;
        notices.extend(missing.into_iter().map(|finding| (Some(place), finding)));
        let shape = spec.shape.as_ref().map(|shape| &shape.file);
        let limits = BodyLimits {
            groups: setting.body.products.or(shape.and_then(|shape| shape.groups_per_body)),
            bytes: setting.body.bytes.or(shape.and_then(|shape| shape.bytes_per_body)),
        };
        let by_account = setting.accounts.as_ref().is_some_and(toml::Value::is_table);
        if by_account && spec.shape.is_some() {
            let message = format!("{}: accounts: products with variants are not told apart by account", setting.name);
            return Err(PlanError::Unknown(message));
        }
        let columns = Projection::columns(&spec, &available);
        let delivered = setting.deliver.is_some() && !formats.is_empty();
        targets.push(TargetPlan {
            name: setting.name.as_str().into(),
            source: spec.identity.source.as_str().into(),
            rules: {
                let mut rules = RuleTable::compile(&spec, today)?;
                rules.suggesting(settings.fix_suggested);
                rules
            },
            projection: Projection::new(&spec, today),
            prints: delivered.then(|| Prints::new(&spec, &columns)),
            columns,
            formats,
            outputs,
            limits,
            folder,
            by_account,
            looks: None,
            spec,
        });
    }
    let Effort { threads, memory } = effort;
    Ok(Plan { sources, targets, notices, threads, memory, strict_end: matches!(purpose, Purpose::Build { .. }) })
}

/// The preset for a header: the one asked for, else the one that fits.
///
/// # Errors
/// When no preset has the name.
pub fn preset_for(header: &Header, asked: Option<&str>) -> Result<Detected, PlanError> {
    let Some(asked) = asked else { return Ok(detect::detect(header)) };
    detect::named(asked).map(|preset| Detected::new(preset.clone(), Vec::new(), header, true)).ok_or_else(|| {
        let near = nearest(asked, detect::names()).map(|near| format!(" (did you mean `{near}`?)"));
        let known: Vec<&str> = detect::names().collect();
        PlanError::Unknown(format!("no preset is called `{asked}`{}; known: {}", near.unwrap_or_default(), known.join(", ")))
    })
}

/// Makes the header of a source final: keys that first appear late in a JSON source must still
/// find the column that the preset or the settings read.
pub fn expect_keys(source: &mut Source, preset: &Preset, map: &[(String, MapStep)]) {
    if source.is_final() {
        return;
    }
    let own = Attributes::shared().iter().map(|(_, name, _)| name).filter(|_| preset.own_names);
    let mapped = map.iter().flat_map(|(_, step)| &step.from).map(String::as_str);
    let seen = Folded::new(&source.header);
    let (mut more, mut taken) = (Vec::new(), HashSet::new());
    let is_side = |name: &str| preset.side.iter().any(|side| side.name == name);
    for name in preset.names().into_iter().chain(own).chain(mapped).map(base_of) {
        if !name.is_empty() && !is_side(name) && !name.contains(['(', '{', ' ']) && !seen.has(name) && taken.insert(folded(name)) {
            more.push(name);
        }
    }
    source.expect_keys(more);
}

fn source(
    setting: &SourceSetting,
    settings: &Settings,
    purpose: Purpose<'_>,
    specs: &[Spec],
    today: jiff::civil::Date,
    index: u16,
    notices: &mut Vec<(Option<usize>, Finding)>,
) -> Result<SourcePlan, PlanError> {
    let setting = setting.clone();
    let found = match setting.found.clone() {
        Some(found) => found,
        None => locate(&setting.path, &setting.wanted)?,
    };
    // What was seen decides the preset; columns that may still come do not.
    let mut opened = open::located(&found, &setting.wanted)?;
    let feed_of = settings.feed_of.as_deref().map(spec::load::spec).transpose()?;
    let preset = match &feed_of {
        Some(spec) => Preset::of_spec(spec),
        None => preset_for(&opened.header, setting.preset.as_deref())?.preset,
    };
    let map = settings.wishes.map.clone();
    expect_keys(&mut opened, &preset, &map);
    let header = Arc::new(opened.header.clone());
    let facts = opened.facts.clone();
    for name in &header.repeated {
        let place = Place { source: index, line: facts.skipped_lines + 1, column_name: Some(Arc::clone(name)), ..Place::default() };
        let column = header.names().iter().rposition(|known| known == name).map_or(0, |place| place as u32 + 1);
        notices.push((
            None,
            notice(
                "column/repeated",
                Severity::Warning,
                format!("the column `{name}` occurs more than once; the first one counts"),
                "give each column its own name",
                Place { column, ..place },
            ),
        ));
    }
    if let (Some(odd), Format::Delimited { .. }) = (open::looks_like_a_record(&header), &facts.format) {
        let message = format!("the first row looks like a record: no column is called `{}`", crate::product::text::excerpt(odd, 40));
        let hint = "name the columns with `--header id,title,...`, or with `header = [\"id\", \"title\", ...]` under [source]";
        notices.push((
            None,
            notice(
                "file/no-header",
                Severity::Warning,
                message,
                hint,
                Place { source: index, line: facts.skipped_lines + 1, ..Place::default() },
            ),
        ));
    }
    if let Some(odd) = facts.first_odd_byte {
        let message = format!("byte {odd} is not UTF-8; the file is read as {}", facts.encoding);
        notices.push((
            None,
            notice(
                "file/encoding",
                Severity::Warning,
                message,
                "export as UTF-8, or confirm the encoding with `--encoding`",
                Place { source: index, ..Place::default() },
            ),
        ));
    }
    let (sides, side_sources) = sides::sides(&preset, &header, &setting)?;
    let given = Given {
        preset: &preset,
        rows: setting.rows.as_ref(),
        header: &header,
        seen: opened.seen(),
        today,
        sides: &sides,
        view: setting.view.as_deref(),
        wishes: &settings.wishes,
    };
    let mapping = Mapping::compile(&given).map_err(|source| PlanError::Map { file: blamed(settings, &facts.file), source })?;
    if let Some(view) = setting.view.as_ref().filter(|_| !mapping.holds_views()) {
        return Err(PlanError::Unknown(format!(
            "{}: no column of a catalog read as {} names store views or languages, so none is the view `{view}`; leave `--view` out",
            facts.file, preset.name
        )));
    }
    let is_feed_of =
        |spec: &Spec| purpose == Purpose::Check && spec.shape.is_none() && preset.feed_of.as_deref() == Some(&spec.identity.family);
    let mut direct = Vec::new();
    for (target, spec) in specs.iter().enumerate() {
        let nested = purpose == Purpose::Check && pipeline::is_feed_of(spec, &opened.header, opened.seen(), &facts.format);
        let nested = Structure::compile(spec, today)?.filter(|_| nested).and_then(|rules| NestedFeed::new(spec, &opened.header, rules));
        let flat = || is_feed_of(spec).then(|| Direct::new(spec, &opened.header, opened.seen(), &mapping));
        let found = nested.map(Direct::of_groups).or_else(flat);
        if let Some(found) = &found {
            notices.extend(
                found
                    .fates
                    .iter()
                    .map(|(column, fate)| (Some(target), fate_notice(spec, &header, index, *column, fate, facts.skipped_lines + 1))),
            );
        }
        direct.push(found);
    }
    let conversions = match &feed_of {
        Some(from) => specs.iter().map(|to| Conversion::new(from, to, &mapping, &header, opened.seen())).collect(),
        None => Vec::new(),
    };
    let amender = match (&feed_of, purpose) {
        (Some(spec), Purpose::Amend { .. }) => Some(Amender::new(spec, header.names(), &facts.format).ok_or_else(|| {
            PlanError::Unknown(format!(
                "{}: {} is not repaired in its own format, only delimited text and JSON Lines are; `feedmill convert {} --from {} --to {}` renders it anew",
                facts.file,
                facts.format.word(),
                facts.file,
                spec.name(),
                spec.name()
            ))
        })?),
        _ => None,
    };
    let normalizer = Normalizer {
        currency: settings.wishes.currency,
        decimal: settings.wishes.decimal,
        base_url: settings.wishes.base_url.clone(),
        price_is_current: mapping.price_is_current,
        reads_options: specs.iter().any(Projection::numbers_options),
        today,
    };
    let seen = opened.seen();
    drop(opened);
    let name = preset.name.clone();
    let reopen = move || {
        let mut opened = open::located(&found, &setting.wanted)?;
        expect_keys(&mut opened, &preset, &map);
        Ok(opened)
    };
    Ok(SourcePlan {
        facts,
        header,
        seen,
        preset: name,
        mapping,
        normalizer,
        direct,
        conversions,
        amender,
        sides: side_sources,
        reopen: Box::new(reopen),
    })
}

/// Where the mistakes of a mapping stand: in the project file, or in what was typed.
fn blamed(settings: &Settings, catalog: &str) -> String {
    settings.config.as_ref().map_or_else(
        || catalog.to_owned(),
        |path| {
            format!("{} (for {catalog})", path.file_name().map_or(path.display().to_string(), |name| name.to_string_lossy().into_owned()))
        },
    )
}

/// The attributes that may have values: mapped ones, defaults, and what follows from them.
pub fn attributes(mapping: &Mapping, defaults: &[(String, String)]) -> HashSet<AttributeId> {
    let shared = Attributes::shared();
    let mut found: HashSet<AttributeId> = mapping.steps.iter().map(crate::mapping::step::Step::attribute).collect();
    found.extend(defaults.iter().filter_map(|(name, _)| shared.id(name)));
    found.extend(mapping.rules.iter().flat_map(|rule| rule.set.iter().map(|(attribute, _)| *attribute)));
    found.extend(mapping.only_for.iter().map(crate::mapping::step::Step::attribute));
    if mapping.makes_groups() || found.contains(&known("group_id")) {
        found.extend(["group_id", "item_group_title", "listing_has_variations", "variant_dict"].map(known));
    }
    if mapping.implies_page() {
        found.insert(known("url"));
    }
    if mapping.makes_groups() {
        found.extend(
            [
                "item_id",
                "title",
                "image_url",
                "additional_image_urls",
                "availability",
                "inventory_quantity",
                "inventory_not_tracked",
                "color",
                "size",
                "material",
                "gender",
                "age_group",
            ]
            .map(known),
        );
    }
    let listed: Vec<AttributeId> = shared.iter().map(|(id, _, _)| id).filter(|id| found.contains(id)).collect();
    for attribute in listed {
        match shared.kind(attribute) {
            Kind::Weight => drop(found.insert(known("item_weight_unit"))),
            Kind::Axis => drop(found.insert(known("dimensions_unit"))),
            Kind::Box => found.extend(["length", "width", "height", "dimensions_unit"].map(known)),
            _ => {}
        }
    }
    if mapping.takes_off() {
        found.insert(known("sale_price"));
    }
    if found.contains(&known("inventory_quantity")) {
        found.extend(["availability", "inventory_not_tracked"].map(known));
    }
    if found.contains(&known("sale_price_start_date")) {
        found.insert(known("sale_price_end_date"));
    }
    // An item that cannot be bought is written as such.
    found.insert(known("is_eligible_checkout"));
    found
}

fn notice(code: &str, severity: Severity, message: String, hint: &str, place: Place) -> Finding {
    Finding { hint: Some(hint.into()), ..Finding::own(code.into(), severity, message, place) }
}

fn not_taken(word: &str, spec: &Spec) -> Finding {
    let message = format!("`{word}` is no format that {} takes; it takes {}", spec.name(), spec.identity.formats.join(", "));
    let mut finding = notice(
        "feed/format-not-accepted",
        Severity::Warning,
        message,
        "render one of these before you deliver; other formats are for people and tools",
        Place { source: u16::MAX, ..Place::default() },
    );
    finding.consequence = Consequence::FileRefused;
    finding
}

fn fate_notice(spec: &Spec, header: &Header, source: u16, column: u16, fate: &ColumnFate, line: u64) -> Finding {
    let name = header.names().get(usize::from(column)).cloned().unwrap_or_else(|| "".into());
    let place = Place { source, line, column: u32::from(column) + 1, column_name: Some(Arc::clone(&name)), ..Place::default() };
    let target = spec.name();
    let (code, severity, message, hint) = match fate {
        ColumnFate::Loses { to } => {
            let winner = header.names().get(usize::from(*to)).cloned().unwrap_or_else(|| "".into());
            (
                "column/two-names",
                Severity::Warning,
                format!("`{name}` and `{winner}` are one field of {target}; `{winner}` wins"),
                "send one name for a value",
            )
        }
        ColumnFate::Renamed { now } => (
            "column/renamed",
            Severity::Warning,
            format!("{target} does not read `{name}`, it reads `{now}`; the column is judged as that here"),
            "build the feed for this target, which writes its own names",
        ),
        ColumnFate::Removed { note } => {
            ("column/removed", Severity::Advice, format!("{target} does not read `{name}`: {note}"), "leave the column out")
        }
        ColumnFate::Unknown => {
            let near = nearest(&name, spec.column_names()).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
            (
                "column/unknown",
                Severity::of(spec.identity.unknown_columns.consequence),
                format!("{target} has no field `{name}`{near}"),
                "leave the column out, or correct its name",
            )
        }
    };
    let mut finding = notice(code, severity, message, hint, place);
    finding.target = Some(target.into());
    finding.spec_source = Some(spec.identity.source.as_str().into());
    if matches!(fate, ColumnFate::Unknown) {
        finding.consequence = spec.identity.unknown_columns.consequence;
        finding.why = Some(spec.identity.unknown_columns.note.as_str().into());
    }
    finding
}
