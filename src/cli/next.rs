//! What to do next: after a run, the settings that would have helped, and the next command.

use crate::pipeline::Plan;
use crate::summary::Counts;
use std::borrow::Cow;

/// Attributes that no two items share, so that one value for all is no way out.
const ONE_EACH: [&str; 9] = ["item_id", "title", "description", "url", "image_url", "price", "gtin", "mpn", "inventory_quantity"];

/// After a run, looks at the numbers and names the setting that would have helped.
pub(super) fn steps(plan: &Plan, counts: &[Counts]) -> Vec<String> {
    let mut next: Vec<String> = Vec::new();
    let mut add = |text: String| {
        if !next.contains(&text) {
            next.push(text);
        }
    };
    let is_feed = |place: usize| plan.sources.iter().any(|source| source.direct.get(place).is_some_and(Option::is_some));
    // Settings change what is built of a catalog, not a feed that is finished.
    for (_, (target, counts)) in
        plan.targets.iter().zip(counts).enumerate().filter(|(place, (_, counts))| counts.items > 0 && !is_feed(*place))
    {
        for field in &target.spec.fields {
            let attribute = crate::product::attribute::Attributes::shared().name(field.attribute);
            let all = |defect: &str| counts.by_code.get(&format!("{attribute}/{defect}")).is_some_and(|count| *count == counts.items);
            if all("currency-missing") {
                add("no amount names a currency: give `--currency USD` (or yours)".to_owned());
            }
            if all("not-absolute") {
                add("the addresses are relative: give `--base-url https://your.shop`".to_owned());
            }
            if all("missing") {
                add(match attribute {
                    "url" => "no column gives the page of an item: give `--base-url https://your.shop`, or map `url`".to_owned(),
                    "seller_name" => "no column names the seller: give `--seller-name NAME`".to_owned(),
                    _ if ONE_EACH.contains(&attribute) => {
                        format!(
                            "no item has `{attribute}`{}: map its column in feedmill.toml",
                            called(&field.name, attribute, &target.name)
                        )
                    }
                    _ => format!(
                        "no item has `{attribute}`{}: map its column in feedmill.toml, or give `--set {attribute}=VALUE` where one value fits all",
                        called(&field.name, attribute, &target.name)
                    ),
                });
            }
        }
    }
    next
}

/// What a target calls an attribute, where that is another name.
fn called(field: &str, attribute: &str, target: &str) -> String {
    if field == attribute { String::new() } else { format!(" (`{field}` at {target})") }
}

/// The command that judges a feed which was just written.
pub(super) fn check(path: &str, spec: &str) -> String {
    format!("feedmill check {} --target {}", word(path), word(spec))
}

/// A word as a shell takes it.
fn word(text: &str) -> Cow<'_, str> {
    let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '/' | '.' | '-' | '_' | '@' | ':' | ',' | '+' | '=' | '%');
    if !text.is_empty() && text.chars().all(is_plain) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(format!("'{}'", text.replace('\'', r"'\''")))
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn a_command_can_be_copied_into_a_shell() {
        assert_eq!(check("out/openai/feed.csv", "openai@2026-09"), "feedmill check out/openai/feed.csv --target openai@2026-09");
        assert_eq!(check("Käse/it's new/feed.csv", "openai"), r"feedmill check 'Käse/it'\''s new/feed.csv' --target openai");
    }
}
