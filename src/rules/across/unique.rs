//! `unique`, `unique_options`, `group_id_distinct`: nothing occurs twice that must not.

use super::{AcrossCheck, AcrossKind, Called, Digest, KeyMap, Late, Ledger, Spot, key_of};
use crate::product::options::folded_hash;
use crate::rules::row::View;
use crate::spec::FieldId;

pub(crate) const UNIQUE: AcrossKind = AcrossKind {
    name: "unique",
    doc: "the attribute has no value twice in the whole feed",
    reads: &["attributes", "attribute"],
    compile: |rule, names| {
        let field = names.fields(&rule.attributes)?.first().copied().ok_or("one attribute is needed")?;
        Ok(Box::new(Unique { field }))
    },
};

#[derive(Debug)]
struct Unique {
    field: FieldId,
}

impl AcrossCheck for Unique {
    fn digest(&self, row: &View<'_>) -> Option<Digest> {
        row.is_present(self.field).then(|| Digest { key: key_of(row.text(self.field)), value: 0 })
    }

    fn ledger(&self) -> Box<dyn Ledger> {
        Box::new(Seen::default())
    }
}

/// The keys met so far, each with the first row that had it.
#[derive(Default)]
struct Seen {
    first: KeyMap<u128, Spot>,
}

impl Ledger for Seen {
    fn observe(&mut self, digest: Digest, spot: Spot, _: Called<'_>) -> Option<Spot> {
        match self.first.entry(digest.key) {
            std::collections::hash_map::Entry::Occupied(entry) => Some(*entry.get()),
            std::collections::hash_map::Entry::Vacant(entry) => {
                entry.insert(spot);
                None
            }
        }
    }

    fn find(&self, key: u128) -> Option<Spot> {
        self.first.get(&key).copied()
    }
}

pub(crate) const UNIQUE_OPTIONS: AcrossKind = AcrossKind {
    name: "unique_options",
    doc: "no two rows of a group (the first attribute) have the same values of the other attributes",
    reads: &["attributes", "attribute"],
    compile: |rule, names| {
        let fields = names.fields(&rule.attributes)?;
        let Some((&group, options)) = fields.split_first() else {
            return Err("a group and the attributes that tell variants apart are needed".to_owned());
        };
        let of_object = options.iter().any(|&field| names.spec.get(field).written.kind == "options");
        Ok(Box::new(UniqueOptions { group, options: options.to_vec(), of_object }))
    },
};

#[derive(Debug)]
struct UniqueOptions {
    group: FieldId,
    options: Vec<FieldId>,
    of_object: bool,
}

impl AcrossCheck for UniqueOptions {
    fn digest(&self, row: &View<'_>) -> Option<Digest> {
        if !row.is_present(self.group) {
            return None;
        }
        let values = if self.of_object {
            row.facts.options.as_ref().filter(|options| options.count > 0)?.pairs
        } else {
            let present = self.options.iter().enumerate().filter(|(_, field)| row.is_present(**field));
            let mut any = false;
            let sum = present.fold(0u64, |sum, (place, field)| {
                any = true;
                sum.wrapping_add(folded_hash(row.text(*field)).rotate_left(place as u32))
            });
            any.then_some(sum)?
        };
        Some(Digest { key: key_of(row.text(self.group)) ^ (u128::from(values) << 32), value: 0 })
    }

    fn ledger(&self) -> Box<dyn Ledger> {
        Box::new(Seen::default())
    }
}

pub(crate) const GROUP_ID_DISTINCT: AcrossKind = AcrossKind {
    name: "group_id_distinct",
    doc: "no group id (the first attribute) is the id of an item (the second)",
    reads: &["attributes", "attribute"],
    compile: |rule, names| Ok(Box::new(GroupIdDistinct { fields: names.two(&rule.attributes)? })),
};

#[derive(Debug)]
struct GroupIdDistinct {
    fields: [FieldId; 2],
}

impl AcrossCheck for GroupIdDistinct {
    fn digest(&self, row: &View<'_>) -> Option<Digest> {
        let [group, item] = self.fields;
        // A row whose own id is the group id forms no group by that; another rule says so.
        (row.is_present(group) && row.text(group) != row.text(item)).then(|| Digest { key: key_of(row.text(group)), value: 0 })
    }

    fn ledger(&self) -> Box<dyn Ledger> {
        Box::new(Groups::default())
    }
}

#[derive(Default)]
struct Groups {
    first: KeyMap<u128, (Spot, Box<str>)>,
}

impl Ledger for Groups {
    fn observe(&mut self, digest: Digest, spot: Spot, called: Called<'_>) -> Option<Spot> {
        self.first.entry(digest.key).or_insert_with(|| (spot, called.item.into()));
        None
    }

    fn finish(&mut self, ids: &dyn Fn(u128) -> Option<Spot>) -> Vec<Late> {
        let mut late: Vec<Late> = Vec::new();
        #[expect(clippy::iter_over_hash_type, reason = "sorted below")]
        for (key, (spot, item)) in &self.first {
            if ids(*key).is_some() {
                late.push(Late { spot: *spot, item: item.to_string(), group: String::new() });
            }
        }
        late.sort_by_key(|late| (late.spot.source, late.spot.record));
        late
    }
}
