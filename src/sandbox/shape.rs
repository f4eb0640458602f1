//! Shapes of JSON bodies as the documents draw them, checked strictly: nothing undeclared,
//! nothing of another type, and the path of the first flaw.

use serde_json::Value;

/// What a value must be.
#[derive(Debug)]
pub(super) enum Shape {
    /// Text.
    Text,
    /// Text that is not empty.
    Id,
    /// An absolute address.
    Address,
    /// Upper-case ASCII letters, so many.
    Letters(usize),
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// A moment as RFC 3339 writes it.
    Moment,
    /// True or false.
    Flag,
    /// A whole number, not below this.
    Integer(i64),
    /// Any number.
    Number,
    /// A list with at least so many values.
    List(&'static Shape, usize),
    /// Text by name.
    Texts,
    /// An object of these fields, at least so many of them.
    Object(&'static [Field], usize),
}

/// A field of an object.
#[derive(Debug)]
pub(super) struct Field {
    name: &'static str,
    required: bool,
    shape: &'static Shape,
}

/// A field that must be there.
pub(super) const fn required(name: &'static str, shape: &'static Shape) -> Field {
    Field { name, required: true, shape }
}

/// A field that may be there.
pub(super) const fn optional(name: &'static str, shape: &'static Shape) -> Field {
    Field { name, required: false, shape }
}

/// What is wrong with a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Flaw {
    /// Where: `products[0].variants[1].price.amount`; empty for the body itself.
    pub(super) path: String,
    /// What is wrong.
    pub(super) message: String,
}

/// Reads a body and checks its shape.
pub(super) fn read(bytes: &[u8], shape: &Shape) -> Result<Value, Flaw> {
    let value =
        serde_json::from_slice(bytes).map_err(|error| Flaw { path: String::new(), message: format!("the body is no JSON: {error}") })?;
    check(&value, shape, "")?;
    Ok(value)
}

/// Checks a value, which stands at `path`.
pub(super) fn check(value: &Value, shape: &Shape, path: &str) -> Result<(), Flaw> {
    let sound = match (shape, value) {
        (Shape::Text, Value::String(_)) | (Shape::Flag, Value::Bool(_)) | (Shape::Number, Value::Number(_)) => true,
        (Shape::Id, Value::String(text)) => !text.is_empty(),
        (Shape::Address, Value::String(text)) => url::Url::parse(text).is_ok(),
        (Shape::Letters(count), Value::String(text)) => text.len() == *count && text.bytes().all(|byte| byte.is_ascii_uppercase()),
        (Shape::OneOf(words), Value::String(text)) => words.contains(&text.as_str()),
        (Shape::Moment, Value::String(text)) => text.parse::<jiff::Timestamp>().is_ok(),
        (Shape::Integer(least), Value::Number(number)) => number.as_i64().is_some_and(|number| number >= *least),
        (Shape::Texts, Value::Object(fields)) => {
            let odd = fields.iter().find(|(_, value)| !value.is_string());
            return odd.map_or(Ok(()), |(name, _)| Err(flaw(&join(path, name), "a text is expected")));
        }
        (Shape::List(shape, least), Value::Array(items)) => {
            if items.len() < *least {
                return Err(flaw(path, &format!("at least {least} must be given")));
            }
            return items.iter().enumerate().try_for_each(|(place, item)| check(item, shape, &format!("{path}[{place}]")));
        }
        (Shape::Object(fields, least), Value::Object(given)) => {
            for (name, value) in given {
                let Some(field) = fields.iter().find(|field| field.name == name) else {
                    return Err(flaw(&join(path, name), "this field is not known"));
                };
                check(value, field.shape, &join(path, name))?;
            }
            if let Some(missing) = fields.iter().find(|field| field.required && !given.contains_key(field.name)) {
                return Err(flaw(&join(path, missing.name), "this field is required"));
            }
            if given.len() < *least {
                return Err(flaw(path, "at least one field must be given"));
            }
            true
        }
        _ => false,
    };
    if sound { Ok(()) } else { Err(flaw(path, &format!("{} is expected", shape.words()))) }
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

fn flaw(path: &str, message: &str) -> Flaw {
    Flaw { path: path.to_owned(), message: message.to_owned() }
}

impl Shape {
    fn words(&self) -> String {
        match self {
            Self::Text => "a text".to_owned(),
            Self::Id => "a text that is not empty".to_owned(),
            Self::Address => "an absolute address".to_owned(),
            Self::Letters(count) => format!("a code of {count} capital letters"),
            Self::OneOf(words) => format!("one of {}", words.join(", ")),
            Self::Moment => "a moment such as 2026-03-01T00:00:00Z".to_owned(),
            Self::Flag => "true or false".to_owned(),
            Self::Integer(least) if *least == i64::MIN => "a whole number".to_owned(),
            Self::Integer(least) => format!("a whole number not below {least}"),
            Self::Number => "a number".to_owned(),
            Self::List(..) => "a list".to_owned(),
            Self::Texts | Self::Object(..) => "an object".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Flaw, Shape, optional, read, required};

    static PRICE: Shape = Shape::Object(&[required("amount", &Shape::Integer(0)), required("currency", &Shape::Letters(3))], 0);
    static ITEM: Shape = Shape::Object(&[required("id", &Shape::Id), optional("price", &PRICE)], 0);
    static BODY: Shape = Shape::Object(&[required("items", &Shape::List(&ITEM, 1))], 0);

    #[test]
    fn a_flaw_is_named_by_its_path() {
        for (body, path) in [
            (r#"{"items":[{"id":"a"},{"id":"b","price":{"amount":-1,"currency":"USD"}}]}"#, "items[1].price.amount"),
            (r#"{"items":[{"id":"a","price":{"amount":1.5,"currency":"USD"}}]}"#, "items[0].price.amount"),
            (r#"{"items":[{"id":"a","price":{"amount":1,"currency":"usd"}}]}"#, "items[0].price.currency"),
            (r#"{"items":[{"id":"a","price":{"amount":1}}]}"#, "items[0].price.currency"),
            (r#"{"items":[{"id":"a","colour":"red"}]}"#, "items[0].colour"),
            (r#"{"items":[]}"#, "items"),
            (r#"{"items":{}}"#, "items"),
            ("[]", ""),
            ("{", ""),
        ] {
            let Err(Flaw { path: found, .. }) = read(body.as_bytes(), &BODY) else { panic!("{body} passed") };
            assert_eq!(found, path, "{body}");
        }
        assert!(read(br#"{"items":[{"id":"a","price":{"amount":0,"currency":"USD"}}]}"#, &BODY).is_ok());
    }
}
