//! The bound `policy_words`: words of goods that the target's policies exclude.
//!
//! The policies have no form a program could apply, so a word can only be pointed out: the
//! finding is advice and never more unless the project's own settings make it so.

use super::{Applies, Defect, DefectDoc, RowFacts, ValueCheck, ValueKind, always};
use crate::cell::Shape;
use crate::product::policy;

pub(crate) const POLICY_WORDS: ValueKind = ValueKind {
    name: "policy_words",
    applies: Applies::Bound,
    advice: always,
    own: true,
    reads: &["policy_words"],
    defects: &[DefectDoc {
        name: "policy-word",
        what: "a word names goods that the target's commerce policies exclude",
        why: "excluded goods may be dropped from the catalog; a word alone does not show that the item is such goods",
        fix: "read the policy; leave excluded goods out of the feed, or switch the code off where the word means something else",
        bad: |_| Some("Flavoured vape, 20 mL".to_owned()),
    }],
    compile: |field, _| Ok(field.policy_words.then(|| Box::new(PolicyWords) as Box<dyn ValueCheck>)),
};

#[derive(Debug)]
struct PolicyWords;

impl ValueCheck for PolicyWords {
    fn check(&self, value: &str, _: Shape, _: usize, facts: &mut RowFacts) -> Result<(), Defect> {
        match policy::find(value) {
            None => Ok(()),
            Some((word, excluded)) => {
                Err(facts.defect("policy-word", || format!("`{word}` may mean {excluded}, which the policies exclude")))
            }
        }
    }
}
