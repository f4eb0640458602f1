//! A finished feed of one spec as a source: the spec's own names, turned round.
//!
//! What a field is made of when it is written is what it gives when it is read, so nothing but
//! the spec folder is needed to read any generation of any flat target.

use super::preset::{Detect, Options, Preset, PriceKind, Prices, Rows};
use crate::product::attribute::{AttributeId, Attributes, OptionPart, numbered_option};
use crate::spec::{Field, Spec, Write};
use std::collections::BTreeMap;

impl Preset {
    /// The preset that reads a feed of `spec`.
    pub fn of_spec(spec: &Spec) -> Self {
        let mut columns: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        let mut values: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
        let (mut option_names, mut option_values, mut count) = (Vec::new(), Vec::new(), 0);
        let name_of = |attribute: AttributeId| Attributes::shared().name(attribute);
        for field in &spec.fields {
            let attribute = match &field.write {
                // One cell holds start and end; they are told apart when values are normalized.
                Write::Range(start, _) => name_of(*start),
                Write::Not(flag) => name_of(*flag),
                _ => name_of(field.attribute),
            };
            columns.entry(attribute).or_default().extend(names(field));
            match &field.write {
                Write::Values(words) => {
                    values.insert(attribute.to_owned(), words.iter().map(|(ours, theirs)| (theirs.clone(), ours.clone())).collect());
                }
                Write::Not(_) => {
                    let turned = [("true", "false"), ("false", "true")].map(|(from, to)| (from.to_owned(), to.to_owned()));
                    values.insert(attribute.to_owned(), turned.into());
                }
                _ => {}
            }
            if let Some((n, part)) = numbered_option(attribute) {
                count = count.max(n);
                // Names are listed by number below; a spec that spells them otherwise is known by its fields.
                let list = if part == OptionPart::Name { &mut option_names } else { &mut option_values };
                list.extend(names(field).map(|name| name.replace(&n.to_string(), "{n}")));
            }
        }
        let options = Options::Numbered { name: option_names, value: option_values, count, none: None, tidy: None };
        let own = spec.identity.own_options.iter().map(|name| (name.clone(), name.clone())).collect();
        let mut table = toml::Table::new();
        for (attribute, names) in columns {
            table.insert(attribute.to_owned(), toml::Value::Array(names.into_iter().map(toml::Value::String).collect()));
        }
        Self {
            name: spec.name(),
            title: spec.identity.title.clone(),
            feed_of: Some(spec.identity.family.clone()),
            own_names: false,
            detect: Detect { all: Vec::new(), any: Vec::new(), none: Vec::new() },
            columns: table,
            units: BTreeMap::new(),
            values,
            empty: BTreeMap::new(),
            paths: BTreeMap::new(),
            prefix: BTreeMap::new(),
            only_if: BTreeMap::new(),
            sum: BTreeMap::new(),
            gather: BTreeMap::new(),
            gather_first: BTreeMap::new(),
            currency: BTreeMap::new(),
            packed: BTreeMap::new(),
            clean: BTreeMap::new(),
            flags: BTreeMap::new(),
            discount: Vec::new(),
            rows: Rows::Flat { options: own, more_options: Vec::new(), page: String::new() },
            options: if count > 0 { vec![options] } else { Vec::new() },
            variant_query: None,
            views: None,
            side: Vec::new(),
            prices: Prices { kind: PriceKind::Regular },
            skip: Vec::new(),
            stock: None,
        }
    }
}

/// The names of a field, the one that counts first.
fn names(field: &Field) -> impl Iterator<Item = String> {
    let wins = field.written.alias_wins.iter();
    let others = field.written.aliases.iter().filter(|alias| !field.written.alias_wins.contains(alias));
    wins.chain(std::iter::once(&field.name)).chain(others).cloned()
}

#[cfg(test)]
mod tests {
    use super::Preset;
    use crate::catalog::Header;
    use crate::mapping::Mapping;
    use crate::mapping::compile::{Given, Wishes};
    use crate::spec::load;

    /// Every column of every spec is read, and by names alone: no preset is needed.
    #[test]
    fn every_field_of_every_spec_is_read() {
        for identity in load::identities().expect("built in") {
            let spec = load::spec(&format!("{}@{}", identity.target, identity.version)).expect("built in");
            let header = Header::new(spec.fields.iter().map(|field| field.name.as_str()));
            let mapping = Mapping::compile(&Given {
                preset: &Preset::of_spec(&spec),
                rows: None,
                header: &header,
                seen: header.names().len(),
                today: jiff::civil::date(2026, 11, 23),
                sides: &[],
                view: None,
                wishes: &Wishes::default(),
            })
            .expect("sound");
            for (place, field) in spec.fields.iter().enumerate() {
                let read = mapping.steps.iter().any(|step| step.columns().contains(&(place as u16)));
                assert!(read, "{} {}", spec.name(), field.name);
            }
        }
    }
}
