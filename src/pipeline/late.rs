//! Keys of a source that no column stands for: named while they are few, then counted, so that
//! none goes unsaid and memory stays bounded.

use super::ordered::record_finding;
use crate::catalog::RecordHead;
use crate::finding::{Finding, Place, Severity};
use crate::product::text;
use std::collections::{HashMap, HashSet};
use xxhash_rust::xxh3::xxh3_64;

/// How many keys of a source that no column stands for are named one by one.
const LATE_NAMED: usize = 1000;
/// How many more are told apart, by their hashes.
const LATE_COUNTED: usize = 1 << 20;

/// Keys of a source that no column stands for: the first ones by name, the others by number.
#[derive(Default)]
pub(super) struct Late {
    named: HashMap<String, RecordHead>,
    more: HashSet<u64>,
    /// The first key that is not named.
    next: Option<(String, RecordHead)>,
}

impl Late {
    /// Takes a key and the first record of its batch that has it.
    pub(super) fn add(&mut self, name: String, head: RecordHead) {
        if self.named.contains_key(&name) {
            return;
        }
        if self.named.len() < LATE_NAMED {
            self.named.insert(name, head);
        } else if self.more.len() < LATE_COUNTED && self.more.insert(xxh3_64(name.as_bytes())) && self.next.is_none() {
            self.next = Some((name, head));
        }
    }

    /// Tells of every key: the first ones each, the others together.
    pub(super) fn tell(self, source: u16, say: &mut dyn FnMut(Finding)) {
        let place = |name: &str, head: RecordHead| Place {
            source,
            record: head.number,
            line: head.line,
            column: 0,
            column_name: Some(name.into()),
        };
        let mut tell = |message: &str, place: Place| {
            say(Finding { severity: Severity::Advice, ..record_finding("late-key", message, place) });
        };
        let mut named: Vec<_> = self.named.into_iter().collect();
        named.sort_unstable_by(|(name, head), (other, after)| (head.number, name).cmp(&(after.number, other)));
        for (name, head) in named {
            let message = format!("the key `{}` first appears here and is no known attribute; it is not read", text::excerpt(&name, 60));
            tell(&message, place(&name, head));
        }
        if let Some((name, head)) = self.next {
            let most = if self.more.len() == LATE_COUNTED { "at least " } else { "" };
            let (count, keys) = (self.more.len(), if self.more.len() == 1 { "key is" } else { "keys are" });
            let message = format!(
                "{most}{count} more {keys} no known attribute and not read; the first of them, `{}`, stands here",
                text::excerpt(&name, 60)
            );
            tell(&message, place(&name, head));
        }
    }
}
