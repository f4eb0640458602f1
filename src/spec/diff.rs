//! What changed from one spec to another: fields that came, went, got another name or ask for
//! something else, and rules likewise. Fields are the same where they hold the same attribute.

use super::model::{FieldFile, RuleFile};
use super::terms::Consequence;
use super::{Field, Spec};
use std::collections::BTreeMap;

/// Something that is said of a field or rule, before and after; empty where it was not said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// What it is about.
    pub about: &'static str,
    /// Before.
    pub old: String,
    /// After.
    pub new: String,
}

/// A field that both specs have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// Its name before.
    pub old: String,
    /// Its name after.
    pub new: String,
    /// What else changed.
    pub changes: Vec<Change>,
}

/// A field or rule that only one of the specs has, and what is to be said of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Only {
    /// The field's name, or the rule's code.
    pub name: String,
    /// In short: requirement and type of a field, consequence of a rule.
    pub is: String,
    /// What became of it, or what it is for.
    pub note: String,
}

/// All differences between two specs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diff {
    /// What is said of the feed as a whole.
    pub feed: Vec<Change>,
    /// Fields that came.
    pub added: Vec<Only>,
    /// Fields that went.
    pub removed: Vec<Only>,
    /// Fields with another name.
    pub renamed: Vec<Changed>,
    /// Fields that ask for something else.
    pub changed: Vec<Changed>,
    /// Rules that came.
    pub rules_added: Vec<Only>,
    /// Rules that went.
    pub rules_removed: Vec<Only>,
    /// Rules that say something else.
    pub rules_changed: Vec<Changed>,
}

impl Diff {
    /// The differences from `old` to `new`.
    pub fn new(old: &Spec, new: &Spec) -> Self {
        let mut diff = Self { feed: changes(&of_feed(old), &of_feed(new)), ..Self::default() };
        for field in &new.fields {
            match counterpart(field, old) {
                None => diff.added.push(only(field, field.written.condition.clone())),
                Some(before) => {
                    let changes = changes(&of_field(&before.written), &of_field(&field.written));
                    let changed = Changed { old: before.name.clone(), new: field.name.clone(), changes };
                    if before.name != field.name {
                        diff.renamed.push(changed);
                    } else if !changed.changes.is_empty() {
                        diff.changed.push(changed);
                    }
                }
            }
        }
        let gone = old.fields.iter().filter(|field| counterpart(field, new).is_none());
        diff.removed.extend(gone.map(|field| only(field, new.identity.removed.get(&field.name).cloned())));
        // One code may stand for several rules; they are compared in their order.
        let (before, after) = (by_code(old), by_code(new));
        for (key, rule) in &after {
            match before.get(key) {
                None => diff.rules_added.push(rule_only(rule)),
                Some(earlier) => {
                    let changes = changes(&of_rule(earlier), &of_rule(rule));
                    if !changes.is_empty() {
                        diff.rules_changed.push(Changed { old: earlier.code.clone(), new: rule.code.clone(), changes });
                    }
                }
            }
        }
        diff.rules_removed.extend(before.iter().filter(|(key, _)| !after.contains_key(*key)).map(|(_, rule)| rule_only(rule)));
        diff
    }

    /// Whether the specs ask for the same.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// The field of another spec that holds the same attribute: by its own name where several do.
fn counterpart<'a>(field: &Field, spec: &'a Spec) -> Option<&'a Field> {
    let same = || spec.fields.iter().filter(|other| other.attribute == field.attribute);
    same().find(|other| other.name == field.name).or_else(|| same().next())
}

fn only(field: &Field, note: Option<String>) -> Only {
    let mut note = note.unwrap_or_default();
    if note.is_empty() {
        note = field.written.notes.first().cloned().unwrap_or_default();
    }
    Only { name: field.name.clone(), is: format!("{} {}", field.written.requirement.word(), field.written.kind), note }
}

fn rule_only(rule: &RuleFile) -> Only {
    Only { name: rule.code.clone(), is: rule.consequence.word().to_owned(), note: rule.what.clone() }
}

fn by_code(spec: &Spec) -> BTreeMap<(&str, usize), &RuleFile> {
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    let keyed = spec.rules.iter().map(|rule| {
        let count = seen.entry(&rule.code).or_default();
        *count += 1;
        ((rule.code.as_str(), *count), rule)
    });
    keyed.collect()
}

type Said = Vec<(&'static str, String)>;

fn changes(old: &Said, new: &Said) -> Vec<Change> {
    let pairs = old.iter().zip(new).filter(|((_, before), (_, after))| before != after);
    pairs.map(|((about, before), (_, after))| Change { about, old: before.clone(), new: after.clone() }).collect()
}

fn number<N: ToString>(number: Option<N>) -> String {
    number.map_or(String::new(), |number| number.to_string())
}

fn flag(set: bool) -> String {
    if set { "yes".to_owned() } else { String::new() }
}

fn of_feed(spec: &Spec) -> Said {
    let identity = &spec.identity;
    vec![
        ("formats", identity.formats.join(", ")),
        ("items in a file, at most", number(identity.limits.items_per_file)),
        ("bytes in a file, at most", number(identity.limits.bytes_per_file)),
        ("unknown columns", identity.unknown_columns.consequence.word().to_owned()),
        ("rows that are exempt", identity.row_exempt.as_ref().map_or(String::new(), |row| format!("{}={}", row.attribute, row.value))),
    ]
}

/// Everything that is said of a field, in an order that matters to merchants.
fn of_field(field: &FieldFile) -> Said {
    let length = field.max_length.map_or(String::new(), |most| match &field.length_is {
        Some(word) => format!("{most} characters ({word})"),
        None => format!("{most} characters"),
    });
    let range = match (field.min, field.max) {
        (None, None) => String::new(),
        (min, max) => format!("{} to {}", min.map_or("any".to_owned(), |n| n.to_string()), max.map_or("any".to_owned(), |n| n.to_string())),
    };
    vec![
        ("requirement", field.requirement.word().to_owned()),
        ("needed when", field.condition.clone().unwrap_or_default()),
        ("type", field.kind.clone()),
        ("values", field.values.join(", ")),
        ("units", field.units.join(", ")),
        ("parts", field.parts.join(":")),
        ("first parts", field.first.join(", ")),
        ("length, at most", length),
        ("entries, at most", number(field.max_items)),
        ("digits", field.digits.map_or(String::new(), |[least, most]| format!("{least} to {most}"))),
        ("range", range),
        ("fraction digits, at most", number(field.decimals)),
        ("pattern", field.pattern.clone().unwrap_or_default()),
        ("above zero", flag(field.positive)),
        ("percent sign", flag(field.percent)),
        ("in the future", flag(field.future)),
        ("placeholders", field.placeholders.clone().unwrap_or_default()),
        ("plain text", flag(field.plain_text)),
        ("capitals", field.all_capitals.clone().unwrap_or_default()),
        ("also read as", field.aliases.join(", ")),
        ("names that win", field.alias_wins.join(", ")),
        ("default", field.default.clone().unwrap_or_default()),
        ("if missing", field.consequence_missing.map_or(String::new(), |consequence| consequence.word().to_owned())),
        ("if bad", Consequence::word(field.consequence_invalid).to_owned()),
        ("certainty", field.certainty.word().to_owned()),
        ("needs setup by the target", flag(field.setup_required)),
        ("deprecated", flag(field.deprecated)),
    ]
}

fn of_rule(rule: &RuleFile) -> Said {
    vec![
        ("what", rule.what.clone()),
        ("then", rule.consequence.word().to_owned()),
        ("certainty", rule.certainty.word().to_owned()),
        ("a build's repair", rule.repair.as_ref().map_or(String::new(), |_| "yes".to_owned())),
    ]
}

#[cfg(test)]
mod tests {
    use super::Diff;
    use crate::spec::load;

    fn diff(old: &str, new: &str) -> Diff {
        Diff::new(&load::spec(old).expect("built in"), &load::spec(new).expect("built in"))
    }

    #[test]
    fn a_spec_does_not_differ_from_itself() {
        for identity in load::identities().expect("built in") {
            let name = format!("{}@{}", identity.target, identity.version);
            assert!(diff(&name, &name).is_empty(), "{name}");
        }
    }

    #[test]
    fn names_of_the_first_generation_are_renamed() {
        let diff = diff("openai@2025-09", "openai@2026-02");
        let pairs: Vec<(&str, &str)> = diff.renamed.iter().map(|field| (field.old.as_str(), field.new.as_str())).collect();
        for pair in
            [("id", "item_id"), ("link", "url"), ("enable_search", "is_eligible_search"), ("return_window", "return_deadline_in_days")]
        {
            assert!(pairs.contains(&pair), "{pair:?}: {pairs:?}");
        }
    }

    #[test]
    fn nine_fields_stay_required_and_what_went_says_why() {
        let diff = diff("openai@2026-07", "openai@2026-09");
        let target_countries = diff.changed.iter().find(|field| field.new == "target_countries").expect("changed");
        let requirement = target_countries.changes.iter().find(|change| change.about == "requirement").expect("changed");
        assert_eq!((requirement.old.as_str(), requirement.new == "required"), ("required", false));
        assert!(diff.removed.iter().any(|field| field.name == "availability_date" && field.note.contains("pre-order")));
        // What one direction adds the other removes.
        let back = super::tests::diff("openai@2026-09", "openai@2026-07");
        assert_eq!(diff.added.len(), back.removed.len());
        assert_eq!(diff.rules_added.len(), back.rules_removed.len());
    }
}
