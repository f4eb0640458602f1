//! What of a row is looked at: which fields of a spec hold what people want to see.

use super::{Item, Sample};
use crate::catalog::RecordHead;
use crate::cell::Slot;
use crate::product::attribute::{Attributes, known};
use crate::product::text::{excerpt, truncate};
use crate::spec::{FieldId, Spec, Write};
use serde_json::Value;
use xxhash_rust::xxh3::xxh3_64;

/// Characters of a name, a title or an option that are kept.
pub(super) const NAME: usize = 160;
/// Characters of a description.
const PROSE: usize = 280;
/// Bytes of an address; a longer one is not kept, because half of one leads nowhere.
const ADDRESS: usize = 2048;
/// Options of an item.
const OPTIONS: usize = 8;
/// Reasons for which an item is left out.
const REASONS: usize = 4;

/// What of the rows of a target is looked at.
#[derive(Debug)]
pub struct Looks {
    /// Most items that are shown.
    pub(super) most: usize,
    /// Whether their images may be loaded.
    pub(super) images: bool,
    /// The fields that are counted.
    pub(super) listed: Vec<FieldId>,
    id: Option<FieldId>,
    group: Option<FieldId>,
    title: Option<FieldId>,
    group_title: Option<FieldId>,
    description: Option<FieldId>,
    brand: Option<FieldId>,
    price: Option<FieldId>,
    sale_price: Option<FieldId>,
    list_price: Option<FieldId>,
    sale_dates: Option<FieldId>,
    availability: Option<FieldId>,
    image: Option<FieldId>,
    link: Option<FieldId>,
    /// The field with all options in one object.
    options: Option<FieldId>,
    /// Fields with the name of an option and with its value.
    numbered: Vec<(FieldId, FieldId)>,
    /// Options that have fields of their own.
    own: Vec<(String, FieldId)>,
}

/// A row that is looked at.
#[derive(Debug)]
pub struct Glance<'a> {
    /// The text it points into.
    pub buffer: &'a str,
    /// Its values, by field.
    pub row: &'a [Slot],
    /// Its source.
    pub source: u16,
    /// Its record.
    pub head: RecordHead,
    /// The number it gets if it is accepted, among the rows of its batch.
    pub number: u32,
    /// Whether its own values let it into the feed.
    pub accepted: bool,
}

impl Looks {
    /// What is looked at where so many items are to be shown.
    pub fn new(spec: &Spec, columns: &[FieldId], most: usize, images: bool) -> Self {
        let attribute = |name: &'static str| spec.field_of(known(name));
        let made = |wanted: &Write| spec.fields.iter().position(|field| field.write == *wanted).map(|place| FieldId(place as u16));
        let numbered = (1..=OPTIONS).filter_map(|n| Some((made(&Write::OptionName(n))?, made(&Write::OptionValue(n))?)));
        let own = |names: &[String]| -> Vec<(String, FieldId)> {
            let ids = names.iter().filter_map(|name| Some((name.clone(), spec.field_of(Attributes::shared().id(name)?)?)));
            ids.collect()
        };
        Self {
            most,
            images,
            listed: columns.to_vec(),
            id: attribute("item_id").or(spec.shape.as_ref().map(|shape| shape.key)),
            group: attribute("group_id"),
            title: attribute("title"),
            group_title: attribute("item_group_title"),
            description: attribute("description"),
            brand: attribute("brand"),
            price: attribute("price"),
            sale_price: attribute("sale_price"),
            list_price: attribute("list_price"),
            sale_dates: spec.field("sale_price_effective_date"),
            availability: attribute("availability"),
            image: attribute("image_url"),
            link: attribute("url"),
            options: made(&Write::Options).or_else(|| attribute("variant_dict")),
            numbered: numbered.collect(),
            own: own(&spec.identity.own_options),
        }
    }

    /// Items that are kept: the rules over the whole feed may refuse some that are to be shown.
    pub(super) fn kept(&self) -> usize {
        2 * self.most
    }

    /// Fewer items are shown of those that are left out: all of them are listed as findings.
    pub(super) fn most_left_out(&self) -> usize {
        self.most.div_ceil(5)
    }

    /// Looks at a row; `reasons` is asked where it is shown although it is not in the feed.
    pub(crate) fn at(&self, sample: &mut Sample, glance: &Glance<'_>, reasons: impl FnOnce() -> Vec<String>) {
        sample.items += 1;
        sample.filled.resize(glance.row.len(), 0);
        for (count, slot) in sample.filled.iter_mut().zip(glance.row) {
            *count += u64::from(slot.is_present());
        }
        let text = |field: Option<FieldId>| text_of(glance, field);
        if self.availability.is_some() {
            sample.says(&excerpt(text(self.availability), 40), 1);
        }
        let group = text(self.group);
        let key = xxh3_64(if group.is_empty() { text(self.id) } else { group }.as_bytes());
        let (pick, most) = if glance.accepted { (&mut sample.shown, self.kept()) } else { (&mut sample.left_out, self.most_left_out()) };
        if pick.wants(key, most) {
            let mut item = self.item(glance);
            if !glance.accepted {
                item.reasons = reasons();
                item.reasons.truncate(REASONS);
            }
            pick.put(key, item, most);
        }
    }

    fn item(&self, glance: &Glance<'_>) -> Item {
        let text = |field: Option<FieldId>| text_of(glance, field);
        let name = |field: Option<FieldId>| excerpt(text(field), NAME);
        let address = |field: Option<FieldId>| Some(text(field)).filter(|text| text.len() <= ADDRESS).unwrap_or("").to_owned();
        // The price of a nested target is the one to pay, and the list price the one without a sale.
        let (price, sale_price) = match name(self.list_price) {
            regular if regular.is_empty() => (name(self.price), name(self.sale_price)),
            regular => (regular, name(self.price)),
        };
        let whole = text(self.description);
        let head = truncate(whole, PROSE);
        let more = if head.len() < whole.len() { "…" } else { "" };
        Item {
            source: glance.source,
            record: glance.head.number,
            line: glance.head.line,
            number: glance.number,
            id: name(self.id),
            title: name(self.title),
            group_title: name(self.group_title),
            description: excerpt(head, PROSE) + more,
            brand: name(self.brand),
            price,
            sale_price,
            sale_dates: name(self.sale_dates),
            availability: name(self.availability),
            image: address(self.image),
            link: address(self.link),
            options: self.options(glance),
            reasons: Vec::new(),
            is_bare: false,
        }
    }

    fn options(&self, glance: &Glance<'_>) -> Vec<(String, String)> {
        let mut options = listed(text_of(glance, self.options));
        if options.is_empty() {
            options.extend(self.own.iter().map(|(name, field)| (name.clone(), text_of(glance, Some(*field)).to_owned())));
            options.extend(self.numbered.iter().map(|(name, value)| {
                let [name, value] = [name, value].map(|field| text_of(glance, Some(*field)).to_owned());
                (name, value)
            }));
        }
        options.retain(|(name, value)| !name.is_empty() && !value.is_empty());
        options.truncate(OPTIONS);
        options.into_iter().map(|(name, value)| (excerpt(&name, 40), excerpt(&value, NAME))).collect()
    }
}

fn text_of<'a>(glance: &Glance<'a>, field: Option<FieldId>) -> &'a str {
    field.and_then(|field| glance.row.get(field.index())).map_or("", |slot| slot.text(glance.buffer))
}

/// Options as they are written: an object of names and values, or a list of objects with a name
/// and a value each.
fn listed(json: &str) -> Vec<(String, String)> {
    let word = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    match serde_json::from_str(json) {
        Ok(Value::Object(options)) => options.iter().map(|(name, value)| (name.clone(), word(value))).collect(),
        Ok(Value::Array(options)) => {
            options.iter().filter_map(|option| Some((word(option.get("name")?), word(option.get("value")?)))).collect()
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::listed;

    #[test]
    fn options_are_read_in_both_forms() {
        let wanted = [("Color".to_owned(), "Red".to_owned()), ("Size".to_owned(), "42".to_owned())];
        assert_eq!(listed(r#"{"Color":"Red","Size":42}"#), wanted);
        assert_eq!(listed(r#"[{"name":"Color","value":"Red"},{"name":"Size","value":"42"},{"name":"bare"}]"#), wanted);
        for none in ["", "Red", "{", "[1]", "null"] {
            assert!(listed(none).is_empty(), "{none}");
        }
    }
}
