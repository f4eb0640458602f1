//! The tables joined to a source, found and opened.

use super::PlanError;
use crate::catalog::locate::locate;
use crate::catalog::{Header, open};
use crate::config::resolve::SourceSetting;
use crate::mapping::columns::{Folded, base_of};
use crate::mapping::compile::SideInput;
use crate::mapping::preset::Preset;
use crate::pipeline::Open;
use std::path::Path;
use std::sync::Arc;

/// The tables joined to a source: those that the preset finds in the source itself, and those
/// that the settings name. With each comes what opens it, where it is another file.
pub(super) fn sides(
    preset: &Preset,
    header: &Arc<Header>,
    setting: &SourceSetting,
) -> Result<(Vec<SideInput>, Vec<Option<Open>>), PlanError> {
    let (mut sides, mut open): (Vec<SideInput>, Vec<Option<Open>>) = (Vec::new(), Vec::new());
    let known = Folded::new(header);
    for side in preset.side.iter().filter(|side| side.same_file) {
        let has = |names: &[String]| names.iter().any(|name| known.has(name) || known.has(base_of(name)));
        if has(&side.on) && has(&side.key) {
            sides.push(SideInput {
                name: side.name.clone(),
                file: None,
                header: Arc::clone(header),
                on: side.on.clone(),
                key: side.key.clone(),
                only: side.only.clone(),
                many: side.many,
                order: side.order.clone(),
            });
            open.push(None);
        }
    }
    for join in &setting.joins {
        let found = locate(&join.path, &join.wanted)?;
        let opened = open::located(&found, &join.wanted)?;
        let columns = Folded::new(&opened.header);
        let fits = |names: &Vec<String>| names.iter().any(|name| columns.has(name));
        let meant = preset.side.iter().find(|side| !side.same_file && !side.detect.is_empty() && side.detect.iter().all(fits));
        let stem = Path::new(&join.path).file_stem().map_or_else(|| "join".to_owned(), |stem| stem.to_string_lossy().into_owned());
        let on =
            join.on.clone().map(|on| vec![on]).or_else(|| meant.map(|side| side.on.clone())).ok_or_else(|| {
                PlanError::Unknown(format!("[[source.join]] {}: give `on`, the column that both tables share", join.path))
            })?;
        let key = join.key.clone().map(|key| vec![key]).or_else(|| meant.filter(|_| join.on.is_none()).map(|side| side.key.clone()));
        sides.push(SideInput {
            name: join.name.clone().unwrap_or_else(|| meant.map_or(stem, |side| side.name.clone())),
            file: Some(join.path.clone()),
            header: Arc::new(opened.header.clone()),
            key: key.unwrap_or_else(|| on.clone()),
            on,
            only: Vec::new(),
            many: join.many.unwrap_or_else(|| meant.is_some_and(|side| side.many)),
            order: meant.map_or_else(Vec::new, |side| side.order.clone()),
        });
        let wanted = join.wanted.clone();
        open.push(Some(Box::new(move || open::located(&found, &wanted))));
    }
    Ok((sides, open))
}
