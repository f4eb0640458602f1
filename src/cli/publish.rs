//! Puts the files of a finished build under their names: the feed, its index, the manifest last.

use super::error::CliError;
use crate::pipeline::{self, AccountFeed, Plan, TargetPlan};
use crate::render::file::{Finished, WriteError, write_text};
use crate::render::index;
use crate::render::manifest::{self, Manifest, ManifestField, ManifestFile, ManifestIndex, ManifestSource, folder_of};
use crate::spec::FieldId;
use crate::summary::{Counts, InputSummary};
use std::path::Path;

/// A file that was published: path, items, bytes.
type Published = (String, u64, u64);

/// Publishes what was written for a target; nothing where nothing was.
pub(super) fn target(
    plan: &Plan,
    place: usize,
    counts: &Counts,
    written: pipeline::WrittenFeed,
    inputs: &[InputSummary],
) -> Result<Vec<Published>, CliError> {
    let target = &plan.targets[place];
    let by_account = target.by_account && !target.formats.is_empty();
    if written.files.is_empty() && !by_account {
        return Ok(Vec::new());
    }
    let identity = &target.spec.identity;
    let source = |input: &InputSummary| ManifestSource { file: input.file.clone(), bytes: input.bytes, blake3: input.blake3.clone() };
    let mut manifest = Manifest {
        schema: manifest::SCHEMA.to_owned(),
        target: identity.target.clone(),
        spec: identity.version.clone(),
        items: counts.accepted,
        groups: counts.groups,
        files: Vec::new(),
        sources: inputs.iter().map(source).collect(),
        feedmill: env!("CARGO_PKG_VERSION").to_owned(),
        index: None,
        account: None,
        accounts: Vec::new(),
    };
    let mut published = Vec::new();
    let earlier = Manifest::read(&target.folder);
    for AccountFeed { account, items, groups, written } in written.accounts {
        let folder = target.folder.join(folder_of(&account));
        manifest.accounts.push(account.clone());
        let own = Manifest { items, groups, account: Some(account), accounts: Vec::new(), ..manifest.clone() };
        published.extend(feed(plan, target, &folder, own, (written.files, written.index))?);
    }
    // A feed that is no longer divided, or was not before, leaves nothing behind.
    for account in earlier.iter().flat_map(|earlier| &earlier.accounts).filter(|account| !manifest.accounts.contains(account)) {
        withdraw(&target.folder.join(folder_of(account)))?;
    }
    if by_account {
        remove(&target.folder.join(index::NAME))?;
    }
    published.extend(feed(plan, target, &target.folder, manifest, (written.files, written.index))?);
    Ok(published)
}

/// Publishes one feed, manifest last, and clears shards of an earlier build that this one does
/// not have.
fn feed(
    plan: &Plan,
    target: &TargetPlan,
    folder: &Path,
    mut manifest: Manifest,
    (written, index): (Vec<pipeline::Written>, Option<Finished>),
) -> Result<Vec<Published>, CliError> {
    let earlier = Manifest::read(folder);
    for written in written {
        let name = written.path.strip_prefix(folder).unwrap_or(&written.path).to_string_lossy().replace('\\', "/");
        let file = written.file;
        manifest.files.push(ManifestFile {
            name,
            format: written.format,
            items: file.items,
            role: file.groups.map(|_| file.role.to_owned()),
            products: file.groups,
            bytes: file.file.bytes,
            blake3: file.file.blake3.clone(),
        });
        file.file.publish()?;
    }
    let files = &manifest.files;
    let stale = earlier.into_iter().flat_map(|manifest| manifest.files).filter(|old| !files.iter().any(|new| new.name == old.name));
    for old in stale.filter(ManifestFile::is_inside) {
        // Left behind, an old shard would be uploaded together with the new ones.
        remove(&folder.join(&old.name))?;
    }
    manifest.index = index.map(|index| publish_index(plan, target, index)).transpose()?;
    let text = serde_json::to_string_pretty(&manifest).unwrap_or_default();
    write_text(&folder.join(manifest::NAME), &format!("{text}\n"))?;
    Ok(manifest.files.iter().map(|file| (folder.join(&file.name).display().to_string(), file.items, file.bytes)).collect())
}

/// Clears a feed away with everything that its manifest lists.
fn withdraw(folder: &Path) -> Result<(), WriteError> {
    let Some(manifest) = Manifest::read(folder) else { return Ok(()) };
    for file in manifest.files.iter().filter(|file| file.is_inside()) {
        remove(&folder.join(&file.name))?;
    }
    remove(&folder.join(index::NAME))?;
    remove(&folder.join(manifest::NAME))?;
    // What others put there stays.
    std::fs::remove_dir(folder).unwrap_or_default();
    Ok(())
}

fn remove(path: &Path) -> Result<(), WriteError> {
    if path.is_file() {
        std::fs::remove_file(path).map_err(|source| WriteError { path: path.to_owned(), source })?;
    }
    Ok(())
}

/// Puts the index under its name; the manifest tells which column each field comes from.
fn publish_index(plan: &Plan, target: &TargetPlan, index: Finished) -> Result<ManifestIndex, WriteError> {
    let attributes = crate::product::attribute::Attributes::shared();
    let place = plan.targets.iter().position(|known| known.name == target.name).unwrap_or_default();
    let field = |name: &str, id: FieldId| {
        let column = |source: &pipeline::SourcePlan| {
            let column = source.column_of(target, place, id)?;
            let (number, name) = source.column(column);
            Some((number, name?.to_string()))
        };
        ManifestField {
            name: name.to_owned(),
            attribute: attributes.name(target.spec.get(id).attribute).to_owned(),
            columns: plan.sources.iter().map(column).collect(),
        }
    };
    let mut fields: Vec<ManifestField> = target.columns.iter().map(|id| field(&target.spec.get(*id).name, *id)).collect();
    // What a target of nested objects refuses, it names by path.
    for published in target.spec.shape.iter().flat_map(|shape| &shape.published).filter(|published| published.name.contains("[].")) {
        let id = published.attribute.and_then(|attribute| target.spec.field_of(attribute));
        fields.extend(id.map(|id| field(&published.name, id)));
    }
    let entry = ManifestIndex { name: index::NAME.to_owned(), blake3: index.blake3.clone(), fields };
    index.publish()?;
    Ok(entry)
}
