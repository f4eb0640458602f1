//! Product cards: items as an agent may show them, the variants of a group together.

use super::charts::class_of_availability;
use super::markup::{Markup, image, web};
use crate::report::page::{plural, thousands};
use crate::report::{Opening, TargetEnd, relative};
use crate::sample::{Group, Item, View};

/// Reasons for which the items of a card are left out.
const REASONS: usize = 4;

/// The cards of a target: of items in its feed, and of those that are left out.
pub(super) fn cards(page: &mut Markup, opening: &Opening, target: &TargetEnd, view: &View) {
    let counts = &target.counts;
    if !view.shown.is_empty() {
        page.say("h3", &[], "Products");
        let said = stated(&view.shown, counts.accepted, "accepted item");
        page.with("p", &[("class", "soft")], |page| {
            page.text(&said);
            page.text(" Text, prices and images are those of the feed; how a shopping agent lays them out is its own affair.");
        });
        list(page, opening, &view.shown, view.images);
    }
    if !view.left_out.is_empty() {
        page.say("h3", &[], "Left out of the feed");
        page.say("p", &[("class", "soft")], &stated(&view.left_out, counts.rejected, "rejected item"));
        list(page, opening, &view.left_out, view.images);
    }
}

/// How many are shown of how many, and which.
fn stated(groups: &[Group], all: u64, word: &str) -> String {
    let shown = groups.iter().map(|group| group.items.len() as u64).sum::<u64>();
    if shown >= all {
        let all = plural(all, word);
        return if shown == 1 { format!("The one {word}.") } else { format!("All {all}.") };
    }
    format!("{} of {}, drawn by a hash of their ids: the same catalog shows the same ones.", thousands(shown), plural(all, word))
}

fn list(page: &mut Markup, opening: &Opening, groups: &[Group], images: bool) {
    page.with("ul", &[("class", "cards")], |page| {
        for group in groups {
            page.with("li", &[], |page| card(page, opening, group, images));
        }
    });
}

fn card(page: &mut Markup, opening: &Opening, group: &Group, images: bool) {
    let Some(first) = group.items.first() else { return };
    let is_several = group.items.len() > 1 || group.more > 0;
    page.with("article", &[], |page| {
        let shared = if is_several { shared_title(&group.items) } else { "" };
        let titles = [if is_several { &first.group_title } else { "" }, shared, &first.title, &first.id];
        let title = titles.into_iter().find(|text| !text.is_empty()).unwrap_or("(without title and id)");
        if first.is_bare {
            page.say("h4", &[("dir", "auto")], title);
            return why(page, opening, group, first);
        }
        picture(page, &first.image, title, images);
        page.with("h4", &[("dir", "auto")], |page| match web(&first.link) {
            Some(address) => page.say("a", &[("href", &address), ("rel", "noopener noreferrer nofollow")], title),
            None => page.text(title),
        });
        if !first.brand.is_empty() {
            page.say("p", &[("class", "soft"), ("dir", "auto")], &first.brand);
        }
        if is_several {
            variants(page, group);
        } else {
            page.with("p", &[("class", "price")], |page| price(page, first));
            page.with("p", &[], |page| availability(page, first));
            for (name, value) in &first.options {
                page.with("p", &[("class", "soft")], |page| {
                    page.say("bdi", &[], name);
                    page.text(": ");
                    page.say("bdi", &[], value);
                });
            }
        }
        if !first.description.is_empty() {
            page.say("p", &[("dir", "auto")], &first.description);
        }
        why(page, opening, group, first);
    });
}

/// Why the items of a card are left out, where they are, and where the first one stands.
fn why(page: &mut Markup, opening: &Opening, group: &Group, first: &Item) {
    let mut reasons: Vec<&str> = Vec::new();
    for reason in group.items.iter().flat_map(|item| &item.reasons).filter(|reason| !reason.is_empty()) {
        if reasons.len() < REASONS && !reasons.contains(&reason.as_str()) {
            reasons.push(reason);
        }
    }
    if !reasons.is_empty() {
        page.with("ul", &[("class", "reasons")], |page| {
            for reason in reasons {
                page.with("li", &[], |page| page.prose(reason));
            }
        });
    }
    page.with("p", &[("class", "soft")], |page| {
        page.say("code", &[], if first.id.is_empty() { "(no id)" } else { &first.id });
        page.text(" ");
        page.text(&place(opening, first));
    });
}

/// What the titles of all variants begin with, where that ends with a word: they name their options behind it.
fn shared_title(items: &[Item]) -> &str {
    let Some((first, others)) = items.split_first() else { return "" };
    let mut shared = first.title.as_str();
    for other in others {
        let same = shared.char_indices().zip(other.title.chars()).take_while(|((_, one), two)| one == two);
        let end = same.last().map_or(0, |((at, c), _)| at + c.len_utf8());
        shared = shared.get(..end).unwrap_or("");
    }
    let goes_on = |item: &Item| item.title.get(shared.len()..).and_then(|rest| rest.chars().next()).is_some_and(char::is_alphanumeric);
    if items.iter().any(goes_on) && shared.ends_with(char::is_alphanumeric) {
        // The titles part in the middle of a word.
        shared = shared.rfind(|c: char| !c.is_alphanumeric()).and_then(|at| shared.get(..at)).unwrap_or("");
    }
    shared.trim_end_matches(|c: char| c.is_whitespace() || matches!(c, '-' | '–' | '—' | '/' | '|' | ',' | ':' | '('))
}

/// The image as the feed names it, in a frame that keeps its size while it loads.
fn picture(page: &mut Markup, address: &str, title: &str, images: bool) {
    page.with("div", &[("class", "picture")], |page| match image(address) {
        Some(address) if images => page.begin(
            "img",
            &[("src", &address), ("alt", title), ("loading", "lazy"), ("decoding", "async"), ("referrerpolicy", "no-referrer")],
        ),
        Some(_) => page.text("image not loaded"),
        None if address.is_empty() => page.text("no image"),
        None => page.text("the image has no https address"),
    });
}

fn price(page: &mut Markup, item: &Item) {
    match (item.price.as_str(), item.sale_price.as_str()) {
        ("", "") => page.say("span", &[("class", "soft")], "no price"),
        (price, "") => page.text(price),
        ("", sale) => page.text(sale),
        (price, sale) if price == sale => page.text(price),
        (price, sale) => {
            page.say("ins", &[], sale);
            page.text(" ");
            page.say("del", &[], price);
        }
    }
    if !item.sale_price.is_empty() && !item.sale_dates.is_empty() {
        page.say("span", &[("class", "soft")], &format!(" ({})", item.sale_dates));
    }
}

fn availability(page: &mut Markup, item: &Item) {
    let word = if item.availability.is_empty() { "availability unknown".to_owned() } else { item.availability.replace('_', " ") };
    page.say("span", &[("class", &format!("badge {}", class_of_availability(&item.availability)))], &word);
}

/// The variants of a group, a row each.
fn variants(page: &mut Markup, group: &Group) {
    let all = group.items.len() as u64 + group.more;
    page.with("details", &[("open", "")], |page| {
        page.say("summary", &[], &plural(all, "variant"));
        page.with("div", &[("class", "wide")], |page| {
            page.with("table", &[], |page| {
                page.with("thead", &[], |page| {
                    page.with("tr", &[], |page| {
                        ["variant", "price", "availability"].iter().for_each(|head| page.say("th", &[("scope", "col")], head));
                    });
                });
                page.with("tbody", &[], |page| {
                    for item in &group.items {
                        page.with("tr", &[], |page| {
                            page.with("th", &[("scope", "row")], |page| options(page, item));
                            page.with("td", &[], |page| price(page, item));
                            page.with("td", &[], |page| availability(page, item));
                        });
                    }
                });
            });
        });
        if group.more > 0 {
            page.say("p", &[("class", "soft")], &format!("and {} more", thousands(group.more)));
        }
    });
}

/// What tells a variant from the others; its id where nothing does.
fn options(page: &mut Markup, item: &Item) {
    if item.options.is_empty() {
        return page.say("code", &[], &item.id);
    }
    for (place, (name, value)) in item.options.iter().enumerate() {
        page.text(if place > 0 { ", " } else { "" });
        page.say("span", &[("class", "soft")], name);
        page.text(" ");
        page.say("bdi", &[], value);
    }
}

/// Where an item stands in its source.
fn place(opening: &Opening, item: &Item) -> String {
    let file = opening.files.get(usize::from(item.source)).map_or("", |file| relative(file));
    if item.line > 0 { format!("{file}:{}", item.line) } else { format!("{file} record {}", item.record) }
}

#[cfg(test)]
mod tests {
    use super::shared_title;
    use crate::sample::Item;

    #[test]
    fn variants_share_the_words_before_their_options() {
        let shared = |titles: &[&str]| {
            let items: Vec<Item> = titles.iter().map(|title| Item { title: (*title).to_owned(), ..Item::default() }).collect();
            shared_title(&items).to_owned()
        };
        assert_eq!(shared(&["Linen Pants - teal", "Linen Pants - turquoise"]), "Linen Pants");
        assert_eq!(shared(&["Linen Pants", "Linen Pants"]), "Linen Pants");
        assert_eq!(shared(&["Mug (red)", "Mug (blue)"]), "Mug");
        assert_eq!(shared(&["Käse jung", "Käse jünger"]), "Käse");
        assert_eq!(shared(&["Mug", "Muggle"]), "");
        assert_eq!(shared(&["Cup", "Plate"]), "");
    }
}
