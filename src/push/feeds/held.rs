//! What a feed holds, read as it comes, so that it need not fit into memory; and the marks of
//! what has left the catalog.

use super::super::Desk;
use super::super::error::PushError;
use super::Feeds;
use reqwest::Method;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Value, json};
use std::collections::HashSet;
use std::fmt;
use std::fs::File;
use std::io::BufReader;

/// Asks for what a feed holds and goes through its objects.
pub(super) async fn each(feeds: &Feeds, desk: &Desk<'_>, feed: &str, hear: &mut (dyn FnMut(Value) + Send)) -> Result<(), PushError> {
    let what = format!("reading the {} back", feeds.list);
    let folder = tempfile::Builder::new().prefix("held-").tempdir_in(desk.folder).map_err(PushError::io(desk.folder))?;
    let into = folder.path().join("held.json");
    let bytes = feeds.http.fetch(&feeds.call(&what, Method::GET, feeds.listed(feed)), &into).await?;
    if feeds.http.is_rehearsal() {
        return Ok(());
    }
    if bytes >= feeds.http.most_fetched() {
        return Err(PushError::Settings(format!("{what}: the answer is longer than {bytes} bytes; raise `limits.report_bytes`")));
    }
    let file = BufReader::with_capacity(1 << 18, File::open(&into).map_err(PushError::io(&into))?);
    let mut reader = serde_json::Deserializer::from_reader(file);
    let read = Listing { list: feeds.list, hear }.deserialize(&mut reader).and_then(|()| reader.end());
    read.map_err(|error| PushError::Unknown(format!("{what}: the answer is not as documented: {error}")))
}

/// An answer that is a list, or an object with the list in it.
struct Listing<'a> {
    list: &'static str,
    hear: &'a mut (dyn FnMut(Value) + Send),
}

impl<'de> DeserializeSeed<'de> for Listing<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Listing<'_> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "a list `{}`", self.list)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut objects: A) -> Result<(), A::Error> {
        while let Some(object) = objects.next_element()? {
            (self.hear)(object);
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let mut found = false;
        while let Some(name) = members.next_key::<String>()? {
            if name == self.list && !found {
                found = true;
                members.next_value_seed(Listing { list: self.list, hear: &mut *self.hear })?;
            } else {
                members.next_value::<IgnoredAny>()?;
            }
        }
        if found { Ok(()) } else { Err(A::Error::custom(format!("there is no list `{}`", self.list))) }
    }
}

/// An object that holds something that is gone, with its id and the marks; `None` where nothing
/// of it is.
pub(super) fn marked(mut object: Value, gone: &HashSet<String>) -> Option<(String, Value)> {
    let id = object.get("id")?.as_str()?.to_owned();
    let is_gone = |object: &Value| object.get("id").and_then(Value::as_str).is_some_and(|id| gone.contains(id));
    let fields = object.as_object_mut()?;
    // What a target says besides the object is not sent back to it.
    fields.shift_remove("last_update_id");
    match fields.get_mut("variants").and_then(Value::as_array_mut) {
        Some(variants) => {
            let mut any = false;
            for variant in variants.iter_mut().filter(|variant| is_gone(variant)) {
                variant["availability"] = json!({ "available": false, "status": "discontinued" });
                any = true;
            }
            any.then_some((id, object))
        }
        None if gone.contains(&id) => {
            fields.insert("status".to_owned(), "disabled".into());
            Some((id, object))
        }
        None => None,
    }
}

/// Whether a variant is marked as gone for good.
pub(super) fn is_discontinued(variant: &Value) -> bool {
    variant.pointer("/availability/status").and_then(Value::as_str) == Some("discontinued")
}

/// The ids of what an object holds and what is not marked as gone.
pub(super) fn ids(object: &Value, into: &mut Vec<String>) {
    let id = |object: &Value| object.get("id").and_then(Value::as_str).map(str::to_owned);
    match object.get("variants").and_then(Value::as_array) {
        Some(variants) => into.extend(variants.iter().filter(|variant| !is_discontinued(variant)).filter_map(id)),
        None if object.get("status").and_then(Value::as_str) == Some("disabled") => {}
        None => into.extend(id(object)),
    }
}

#[cfg(test)]
mod tests {
    use super::{Listing, marked};
    use serde::de::DeserializeSeed;
    use serde_json::{Value, json};

    fn read(text: &str) -> Result<Vec<Value>, String> {
        let mut found = Vec::new();
        let mut reader = serde_json::Deserializer::from_str(text);
        let listing = Listing { list: "products", hear: &mut |object| found.push(object) };
        listing.deserialize(&mut reader).and_then(|()| reader.end()).map_err(|error| error.to_string())?;
        Ok(found)
    }

    #[test]
    fn lists_are_read_bare_and_in_an_object() {
        let listed = [json!({"id": "a"}), json!({"id": "b"})];
        assert_eq!(read(r#"{"target_country":"US","products":[{"id":"a"},{"id":"b"}],"more":{"products":[]}}"#).expect("sound"), listed);
        assert_eq!(read(r#"[{"id":"a"},{"id":"b"}]"#).expect("sound"), listed);
        for text in ["{}", "3", r#"{"products":3}"#, r#"{"products":[{"id":"a"}"#, r#"{"products":[]} x"#] {
            assert!(read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_gone_is_marked_and_the_rest_stays() {
        let gone = ["a".to_owned(), "promo".to_owned()].into();
        let product =
            json!({"id": "p", "title": "P", "last_update_id": "u", "variants": [{"id": "a", "title": "A"}, {"id": "b", "title": "B"}]});
        let (id, product) = marked(product, &gone).expect("it holds one");
        let discontinued = json!({"available": false, "status": "discontinued"});
        let variants = json!([{"id": "a", "title": "A", "availability": discontinued}, {"id": "b", "title": "B"}]);
        assert_eq!((id.as_str(), &product), ("p", &json!({"id": "p", "title": "P", "variants": variants})));
        assert_eq!(marked(product.clone(), &gone), Some((id, product)), "a run that is taken up sends the same again");
        assert_eq!(marked(json!({"id": "promo"}), &gone).expect("gone").1, json!({"id": "promo", "status": "disabled"}));
        assert!(marked(json!({"id": "other", "variants": [{"id": "c"}]}), &gone).is_none());
    }
}
