//! Building again what a server says has not changed: nothing needs to be read then.
//!
//! The answer counts only for the same settings, program, day and output, and only while the
//! feeds of that build still stand where it put them.

use crate::catalog::remote::memory::{Known, Memory};
use crate::catalog::remote::{Validators, is_address};
use crate::config::Settings;
use crate::pipeline::Plan;
use crate::render::manifest::{self, Manifest};
use crate::summary::InputSummary;
use std::path::Path;

/// A build whose one source is an address.
pub(super) struct Again {
    memory: Memory,
    key: String,
}

impl Again {
    /// What decides the build; `None` where more than the server's answer does.
    pub(super) fn of(settings: &Settings, out: &Path) -> Option<Self> {
        let [source] = settings.sources.as_slice() else { return None };
        // Tables beside the catalog, looked up or joined, may change while it does not.
        let of_target = settings.wishes.map_of.iter().map(|(_, _, step)| step);
        let mut steps = settings.wishes.map.iter().map(|(_, step)| step).chain(of_target);
        let is_alone = source.joins.is_empty() && steps.all(|step| step.lookup.is_none());
        if !is_address(&source.path) || !is_alone || settings.feed_of.is_some() {
            return None;
        }
        let memory = Memory::of(settings.state.as_deref()?);
        let out = std::path::absolute(out).ok()?;
        let words = format!("{} {} {} {settings:?}", env!("CARGO_PKG_VERSION"), crate::clock::today(), out.display());
        Some(Self { memory, key: blake3::hash(words.as_bytes()).to_hex().to_string() })
    }

    /// What the server said last time, if the feeds of that time are still there.
    pub(super) fn known(&self, settings: &Settings, out: &Path) -> Option<Validators> {
        let known = self.memory.recall(&self.key)?;
        let is_there = |name: &str| {
            let folder = out.join(name);
            let text = std::fs::read_to_string(folder.join(manifest::NAME)).unwrap_or_default();
            let manifest: Option<Manifest> = serde_json::from_str(&text).ok();
            manifest.is_some_and(|manifest| {
                let of_it = manifest.sources.iter().all(|source| source.blake3 == known.blake3);
                let whole =
                    |file: &manifest::ManifestFile| std::fs::metadata(folder.join(&file.name)).is_ok_and(|meta| meta.len() == file.bytes);
                of_it && manifest.files.iter().all(whole)
            })
        };
        settings.targets.iter().all(|target| is_there(&target.name)).then_some(known.validators)
    }

    /// Remembers what the server said of the version that was built.
    pub(super) fn remember(&self, plan: &Plan, inputs: &[InputSummary]) -> std::io::Result<()> {
        let validators = plan.sources.first().and_then(|source| source.facts.validators.clone());
        let (Some(validators), Some(input)) = (validators, inputs.first()) else { return Ok(()) };
        if validators == Validators::default() {
            return Ok(());
        }
        self.memory.remember(&self.key, Known { validators, blake3: input.blake3.clone() })
    }
}
