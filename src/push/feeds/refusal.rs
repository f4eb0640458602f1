//! The way from a path that a refusal names to the rows that it strikes.

use super::super::Refused;
use super::object::Line;
use serde_json::Value;

/// A place in a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Spot {
    /// The object's place in its list.
    pub(super) object: usize,
    /// The variant's place in the object.
    pub(super) variant: Option<usize>,
    /// The field's path below the object; empty where none is named.
    pub(super) field: String,
}

/// The steps of a path, however it is written: `$.products[3].id`, `products.3.id`, `/products/3/id`.
fn steps(path: &str) -> impl Iterator<Item = &str> {
    path.split(['.', '[', ']', '/']).filter(|step| !step.is_empty() && *step != "$")
}

impl Spot {
    /// The object that a path names; `None` where it names none. The list's own name may be
    /// missing, because promotions stand in a bare list.
    pub(super) fn read(path: &str, list: &str) -> Option<Self> {
        let mut steps = steps(path).peekable();
        steps.next_if_eq(&list);
        let object = steps.next()?.parse().ok()?;
        let (mut variant, mut field) = (None, String::new());
        while let Some(step) = steps.next() {
            if let Ok(place) = step.parse::<usize>() {
                field.push_str(&format!("[{place}]"));
                continue;
            }
            if field.is_empty() && step == "variants" {
                variant = steps.peek().and_then(|place| place.parse().ok());
            }
            if !field.is_empty() {
                field.push('.');
            }
            field.push_str(step);
        }
        Some(Self { object, variant, field })
    }
}

/// Whether a path names something that is not of an object: a header, the country, the feed.
pub(super) fn is_about_the_request(path: &str, list: &str) -> bool {
    steps(path).next().is_some_and(|first| first != list && first.parse::<usize>().is_err())
}

/// The rows that are refused with an object, and why: the one that the path names for what is
/// said, the others of the same object because of it, unless these go without it.
pub(super) fn of(line: &Line, spot: &Spot, said: &str, alone: bool) -> Vec<Refused> {
    let object: Value = serde_json::from_str(&line.json).unwrap_or_default();
    let id = |value: &Value| value.get("id").and_then(Value::as_str).map(str::to_owned);
    let refused = |item: String, field: Option<String>, message: String| Refused { item: Some(item), field, message, ..Refused::default() };
    let field = Some(spot.field.clone()).filter(|field| !field.is_empty());
    let variants: Vec<String> = object.get("variants").and_then(Value::as_array).into_iter().flatten().filter_map(id).collect();
    let named = spot.variant.or((!variants.is_empty()).then_some(0)).and_then(|place| variants.get(place));
    let Some(named) = named else { return vec![refused(line.id.clone(), field, said.to_owned())] };
    let mut all = vec![refused(named.clone(), field, said.to_owned())];
    let because = if spot.variant.is_some() { format!("its product was refused because of `{named}`") } else { said.to_owned() };
    let others = variants.iter().filter(|other| !alone && *other != named);
    all.extend(others.map(|other| refused(other.clone(), None, because.clone())));
    all
}

#[cfg(test)]
mod tests {
    use super::{Line, Spot, is_about_the_request, of};

    fn line() -> Line {
        let json = r#"{"id":"P","variants":[{"id":"A"},{"id":"B"}]}"#.to_owned();
        Line { id: "P".to_owned(), json, rows: 2, is_built: true }
    }

    #[test]
    fn paths_lead_to_the_variant_and_its_field() {
        for path in [
            "$.products[3].variants[1].price.amount",
            "products[3].variants[1].price.amount",
            "/products/3/variants/1/price/amount",
            "products.3.variants.1.price.amount",
        ] {
            let spot = Spot::read(path, "products").expect("a product");
            assert_eq!((spot.object, spot.variant, spot.field.as_str()), (3, Some(1), "variants[1].price.amount"), "{path}");
            let rows: Vec<_> = of(&line(), &spot, "no", false).into_iter().map(|row| (row.item, row.message)).collect();
            let because = "its product was refused because of `B`".to_owned();
            assert_eq!(rows, [(Some("B".to_owned()), "no".to_owned()), (Some("A".to_owned()), because)], "{path}");
            assert_eq!(of(&line(), &spot, "no", true).len(), 1);
        }
        let spot = Spot::read("[2].benefits[0].type", "promotions").expect("a promotion");
        assert_eq!((spot.object, spot.variant, spot.field.as_str()), (2, None, "benefits[0].type"));
        let spot = Spot::read("products[0].title", "products").expect("a product");
        let rows = of(&line(), &spot, "no", false);
        assert!(rows.len() == 2 && rows.iter().all(|row| row.message == "no"), "a product's own fault is that of all its rows");
    }

    #[test]
    fn what_names_no_product_is_known() {
        for (path, is_request) in [("", false), ("products", false), ("target_country", true), ("API-Version", true), ("id", true)] {
            assert_eq!((Spot::read(path, "products"), is_about_the_request(path, "products")), (None, is_request), "{path}");
        }
    }
}
