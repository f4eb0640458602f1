//! What makes a row a variant: its options, its title, its images.

use super::apply::Draft;
use crate::cell::{Cell, NO_COLUMN, Shape, Slot};
use crate::product::attribute::{AttributeId, known};
use crate::product::link::schemes;
use crate::product::{options, synonyms, text};
use std::sync::LazyLock;

/// Attributes that rows give to items.
pub(super) struct Ids {
    pub(super) item_id: AttributeId,
    pub(super) title: AttributeId,
    pub(super) url: AttributeId,
    pub(super) price: AttributeId,
    pub(super) sale_price: AttributeId,
    pub(super) image_url: AttributeId,
    pub(super) additional_image_urls: AttributeId,
    pub(super) availability: AttributeId,
    pub(super) inventory_quantity: AttributeId,
    pub(super) inventory_not_tracked: AttributeId,
    pub(super) group_id: AttributeId,
    pub(super) item_group_title: AttributeId,
    pub(super) listing_has_variations: AttributeId,
    pub(super) variant_dict: AttributeId,
}

pub(super) static IDS: LazyLock<Ids> = LazyLock::new(|| Ids {
    item_id: known("item_id"),
    title: known("title"),
    url: known("url"),
    price: known("price"),
    sale_price: known("sale_price"),
    image_url: known("image_url"),
    additional_image_urls: known("additional_image_urls"),
    availability: known("availability"),
    inventory_quantity: known("inventory_quantity"),
    inventory_not_tracked: known("inventory_not_tracked"),
    group_id: known("group_id"),
    item_group_title: known("item_group_title"),
    listing_has_variations: known("listing_has_variations"),
    variant_dict: known("variant_dict"),
});

/// Marks an item as a variant: options, title, and the attributes that options name.
pub(super) fn as_variant(buffer: &mut String, draft: &mut Draft) {
    write_options(buffer, draft);
    if !draft.get(IDS.item_group_title).is_present() {
        draft.set(IDS.item_group_title, draft.get(IDS.title));
    }
    let title = draft.get(IDS.title).text(buffer);
    let values = draft.options.iter().map(|(_, value)| text::trim(value.text(buffer)));
    let mut made = String::new();
    for missing in values.filter(|value| !title.is_empty() && !names_word(title, value)) {
        if made.is_empty() {
            made.reserve(title.len() + 64);
            made.extend([text::trim(title), " - ", missing]);
        } else {
            made.extend([" / ", missing]);
        }
    }
    if !made.is_empty() {
        draft.write(buffer, IDS.title, &made);
    }
    for place in 0..draft.options.len() {
        let (name, value) = draft.options[place];
        if let Some(attribute) = synonyms::option_attribute(name.text(buffer)) {
            draft.set(attribute, value);
        }
    }
}

/// Takes what an item without variants says as options, as attributes of their own. A value
/// that lists several is none of them.
pub(super) fn as_single(buffer: &str, draft: &mut Draft) {
    for place in 0..draft.options.len() {
        let (name, value) = draft.options[place];
        if let Some(attribute) = synonyms::option_attribute(name.text(buffer))
            && !value.text(buffer).contains([',', '|', ';'])
            && !draft.get(attribute).is_present()
        {
            draft.set(attribute, value);
        }
    }
    draft.options.clear();
}

/// Whether a title names a value as whole words: `S` is not named by `Shirt`.
fn names_word(title: &str, value: &str) -> bool {
    // A title rarely holds a value, which this sees sooner.
    if !title.contains(value) {
        return false;
    }
    let edge = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric());
    title.match_indices(value).any(|(at, found)| {
        let (before, after) = (title.get(..at).unwrap_or(""), title.get(at + found.len()..).unwrap_or(""));
        edge(before.chars().next_back()) && edge(after.chars().next())
    })
}

pub(super) fn write_options(buffer: &mut String, draft: &mut Draft) {
    if draft.options.is_empty() {
        return;
    }
    let mut made = String::with_capacity(128);
    let pairs = draft.options.iter().map(|(name, value)| (text::one_line(name.text(buffer)), text::one_line(value.text(buffer))));
    options::write(pairs, &mut made);
    let column = draft.options.first().map_or(NO_COLUMN, |(_, value)| value.column);
    draft.set(IDS.variant_dict, Slot { cell: Cell::store(buffer, &made, Shape::Object), column });
    draft.set(IDS.listing_has_variations, Slot { cell: Cell::store(buffer, "true", Shape::Text), column });
}

/// The variant's own image first, else the product's first; all of the product's are further
/// ones, from which the main one is taken out later.
pub(super) fn put_images(draft: &mut Draft, images: &[Slot], listed: Slot) {
    if !draft.get(IDS.image_url).is_present()
        && let Some(first) = images.first()
    {
        draft.set(IDS.image_url, *first);
    }
    if listed.is_present() {
        draft.set(IDS.additional_image_urls, listed);
    }
}

/// Takes the first of several images that stand in the place of the main one; the others are
/// further ones, in front of those that are given.
pub(super) fn part_images(buffer: &mut String, draft: &mut Draft) {
    let (main, list) = (draft.get(IDS.image_url), draft.get(IDS.additional_image_urls));
    // One address alone has its scheme once, but where it leads on to another.
    if schemes(main.text(buffer).as_bytes()).nth(1).is_none() {
        return;
    }
    let urls = text::split_urls(main.text(buffer));
    let Some((first, rest)) = urls.split_first().filter(|(_, rest)| !rest.is_empty() && list.cell.shape != Shape::List) else { return };
    let mut all = rest.iter().map(|url| url.replace(',', "%2C")).collect::<Vec<_>>().join(",");
    if list.is_present() {
        all.extend([",", list.text(buffer)]);
    }
    draft.set(IDS.image_url, Slot::store(buffer, first, main.column));
    draft.set(IDS.additional_image_urls, Slot::store(buffer, &all, if list.is_present() { list.column } else { main.column }));
}

/// Takes the first of several images as the main one, where only a list is given.
pub(super) fn first_image(buffer: &mut String, draft: &mut Draft) {
    part_images(buffer, draft);
    let list = draft.get(IDS.additional_image_urls);
    if draft.get(IDS.image_url).is_present() || !list.is_present() {
        return;
    }
    // A list of a nested record is JSON.
    let listed = (list.cell.shape == Shape::List).then(|| serde_json::from_str::<Vec<String>>(list.text(buffer)).ok()).flatten();
    let urls = listed.unwrap_or_else(|| text::split_urls(list.text(buffer)));
    let Some((first, rest)) = urls.split_first() else { return };
    let (first, rest) = (first.clone(), rest.iter().map(|url| url.replace(',', "%2C")).collect::<Vec<_>>().join(","));
    draft.set(IDS.image_url, Slot { cell: Cell::store(buffer, &first, Shape::Text), column: list.column });
    draft.set(IDS.additional_image_urls, Slot { cell: Cell::store(buffer, &rest, Shape::Text), column: list.column });
}
