//! Detection: which preset fits the columns of a catalog, why, and how sure that is.

use super::columns::{Folded, base_of};
use super::preset::{Detect, Preset};
use crate::catalog::Header;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::HashSet;
use std::sync::OnceLock;

/// The built-in presets, most specific first: the order in which they are tried.
const BUILT_IN: &[(&str, &str)] = &include!("../../schemas/presets.rs");

/// Those read so far: each is read once, and only when it is asked for.
static READ: [OnceLock<Preset>; BUILT_IN.len()] = [const { OnceLock::new() }; BUILT_IN.len()];

/// What detection knows of those it came to.
static SIGNS: [OnceLock<Signs>; BUILT_IN.len()] = [const { OnceLock::new() }; BUILT_IN.len()];

/// The first table of a preset: what it is recognized by. Reading that of all presets costs less
/// than reading two of them whole.
#[derive(Debug, Deserialize)]
struct Signs {
    detect: Detect,
}

/// All presets, most specific first.
///
/// # Panics
/// When a built-in preset is not valid, which a test would show.
pub fn all() -> impl Iterator<Item = &'static Preset> {
    (0..BUILT_IN.len()).map(at)
}

/// The preset of a name.
///
/// # Panics
/// When it is not valid, which a test would show.
pub fn named(name: &str) -> Option<&'static Preset> {
    BUILT_IN.iter().position(|(known, _)| *known == name).map(at)
}

fn at(place: usize) -> &'static Preset {
    let (name, text) = BUILT_IN[place];
    READ[place].get_or_init(|| part(name, text))
}

fn signs(place: usize) -> &'static Signs {
    let (name, text) = BUILT_IN[place];
    let mut tables = text.match_indices("\n[").map(|(at, _)| at);
    let (start, end) = (tables.next().unwrap_or_default(), tables.next().unwrap_or(text.len()));
    SIGNS[place].get_or_init(|| part(name, text.get(start..end).unwrap_or(text)))
}

fn part<T: DeserializeOwned>(name: &str, text: &str) -> T {
    #[expect(clippy::panic, reason = "presets are part of the program; a test loads them all")]
    toml::from_str(text).unwrap_or_else(|error| panic!("schemas/presets/{name}.toml: {error}"))
}

/// The names of all presets.
pub fn names() -> impl Iterator<Item = &'static str> {
    BUILT_IN.iter().map(|(name, _)| *name)
}

/// A preset, and why it was taken.
#[derive(Clone, Debug)]
pub struct Detected {
    /// The preset.
    pub preset: Preset,
    /// Columns that gave it away; none where it was asked for, or where nothing fits.
    pub signs: Vec<String>,
    /// How sure that is.
    pub confidence: Confidence,
    /// Columns of the catalog that the preset reads.
    pub read: usize,
}

/// How sure a detection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Confidence {
    /// Somebody asked for it.
    Asked,
    /// Its signs are there, and it reads a good part of the columns.
    Sure,
    /// Its signs are there, but it reads few of the columns.
    Likely,
    /// Nothing else fits.
    Guess,
}

impl Confidence {
    /// The word for reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Asked => "asked for",
            Self::Sure => "sure",
            Self::Likely => "likely",
            Self::Guess => "a guess",
        }
    }
}

impl Detected {
    /// Judges how well a preset fits a header.
    pub fn new(preset: Preset, signs: Vec<String>, header: &Header, asked: bool) -> Self {
        let known = Folded::new(header);
        let mut read: HashSet<u16> = HashSet::new();
        for name in preset.names() {
            if name.contains("{n}") {
                for n in 1..=9 {
                    read.extend(known.find(&name.replace("{n}", &n.to_string())).map(|(column, _)| column));
                }
            }
            read.extend(known.find(name).or_else(|| known.find(base_of(name))).map(|(column, _)| column));
        }
        if preset.own_names {
            let own = crate::product::attribute::Attributes::shared().iter().filter_map(|(_, name, _)| known.find(name));
            read.extend(own.map(|(column, _)| column));
        }
        let read = read.len();
        let confidence = if asked {
            Confidence::Asked
        } else if signs.is_empty() {
            Confidence::Guess
        } else if read >= 8 || read * 2 >= header.names().len() {
            Confidence::Sure
        } else {
            Confidence::Likely
        };
        Self { preset, signs, confidence, read }
    }
}

/// The preset of a name, judged against a header; with its signs, unless somebody asked for it.
pub fn of(name: &str, header: &Header, asked: bool) -> Detected {
    let found = detect(header);
    if !asked && found.preset.name == name {
        return found;
    }
    let preset = named(name).cloned().unwrap_or(found.preset);
    Detected::new(preset, Vec::new(), header, asked)
}

/// The preset that fits a header, and the column names that gave it away.
pub fn detect(header: &Header) -> Detected {
    let known = Folded::new(header);
    let has = |name: &String| known.find(name).and_then(|(column, _)| header.names().get(usize::from(column)));
    let mut fallback = None;
    for place in 0..BUILT_IN.len() {
        let Detect { all, any, none } = &signs(place).detect;
        if all.is_empty() {
            fallback = Some(place);
            continue;
        }
        let found: Option<Vec<_>> = all.iter().map(|names| names.iter().find_map(has)).collect();
        let Some(found) = found else { continue };
        let one = any.iter().find_map(has);
        if (any.is_empty() || one.is_some()) && !none.iter().any(|name| has(name).is_some()) {
            let mut signs: Vec<String> = found.into_iter().map(ToString::to_string).collect();
            signs.extend(one.map(ToString::to_string).filter(|one| !signs.contains(one)));
            return Detected::new(at(place).clone(), signs, header, false);
        }
    }
    #[expect(clippy::expect_used, reason = "the last built-in preset fits anything")]
    Detected::new(at(fallback.expect("a preset without conditions is built in")).clone(), Vec::new(), header, false)
}

#[cfg(test)]
mod tests {
    use super::{BUILT_IN, all, at, detect, names, signs};
    use crate::catalog::Header;
    use crate::product::attribute::Attributes;

    #[test]
    fn every_preset_file_is_listed() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/schemas/presets");
        let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
        let mut files: Vec<String> = files.map(|file| file.file_stem().unwrap().to_string_lossy().into_owned()).collect();
        let mut listed: Vec<&str> = names().collect();
        files.sort();
        listed.sort_unstable();
        assert_eq!(files, listed);
    }

    #[test]
    fn every_preset_loads_and_names_known_attributes() {
        for (preset, name) in all().zip(names()) {
            assert_eq!(preset.name, name);
            for (attribute, names) in &preset.columns {
                assert!(Attributes::shared().id(attribute).is_some(), "{}: {attribute}", preset.name);
                assert!(names.as_array().is_some(), "{}: {attribute}", preset.name);
            }
        }
    }

    #[test]
    fn the_head_of_a_preset_says_how_it_is_recognized() {
        for place in 0..BUILT_IN.len() {
            assert_eq!(signs(place).detect, at(place).detect, "{}", at(place).name);
        }
    }

    #[test]
    fn platforms_are_told_apart() {
        let name = |columns: &str| detect(&Header::new(columns.split(','))).preset.name;
        assert_eq!(name("Handle,Title,Body (HTML),Vendor,Variant SKU,Variant Price"), "shopify");
        assert_eq!(name("Title,URL handle,Description,Price,Compare-at price"), "shopify");
        assert_eq!(name("ID,Type,SKU,Name,Published,Regular price"), "woocommerce");
        assert_eq!(name("id,title,description,link,image_link,availability,price,brand"), "google");
        assert_eq!(name("g:id,g:title,g:link,g:image_link,g:availability,g:price"), "google");
        // The flags of today's flat format make no such feed of Google's names; those of the first, which used them, do.
        assert_eq!(name("id,title,link,image_link,availability,price,is_eligible_search,is_eligible_checkout"), "google");
        assert_eq!(name("id,title,link,image_link,availability,price,enable_search"), "openai-feed");
        assert_eq!(name("item_id,title,url,image_url,availability,price"), "openai-feed");
        assert_eq!(name("id,title,link,image_link,availability,price,inventory_not_tracked"), "stripe-feed");
        assert_eq!(name("sku,name,price"), "generic");
    }
}
