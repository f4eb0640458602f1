//! The objects of nested targets: as published, each fault shown alone, schemas that others can
//! check them with, and finished feeds judged at their places.

use crate::facts::{fields, profiles, words};
use crate::judge::specs;
use crate::support::{Folder, fixture};
use feedmill::product::json::{self, Json};
use feedmill::rules::registry;
use feedmill::rules::structure::{At, Broken, Structure};
use feedmill::spec::model::Requirement;
use feedmill::spec::shape::{Kind, Published, Root, Shape};
use feedmill::spec::{Spec, load};
use serde_json::{Value, json};

fn nested() -> Vec<Spec> {
    specs().into_iter().filter(|spec| spec.shape.is_some()).collect()
}

fn shape(spec: &Spec) -> &Shape {
    spec.shape.as_ref().expect("nested")
}

fn structure(spec: &Spec) -> Structure {
    Structure::compile(spec, jiff::civil::Date::constant(2026, 1, 1)).expect("built in").expect("nested")
}

/// What is wrong with an object.
fn broken(spec: &Spec, object: &str, value: &Value) -> Vec<Broken> {
    let text = value.to_string();
    let members = json::members(&text).expect("an object");
    let mut found = Vec::new();
    structure(spec).judge(shape(spec), object, &members, &At::root(String::new(), "item_id"), None, &mut found);
    found
}

/// A sound value of a published field: its example, or one made of its members' examples.
fn sound(shape: &Shape, field: &Published) -> Value {
    let example = field.written.example.as_ref().map(|example| serde_json::to_value(example).expect("JSON"));
    example.unwrap_or_else(|| {
        let one = match &field.content.kind {
            Kind::Object(object) => sound_object(shape, object),
            Kind::Leaf(kind) if kind == "url" => "https://example.com/spring".into(),
            Kind::Leaf(kind) if kind == "date" => "2026-05-01T00:00:00Z".into(),
            Kind::Leaf(_) => "SKU12345".into(),
        };
        if field.content.list { json!([one]) } else { one }
    })
}

/// An object with all it needs; one that needs nothing and must not be empty gets its first member.
fn sound_object(shape: &Shape, object: &str) -> Value {
    let mut members = serde_json::Map::new();
    for field in shape.members(object).filter(|field| !field.written.read_only) {
        if field.written.requirement == Requirement::Required || shape.is_needed_inside(field) {
            members.insert(field.member().to_owned(), sound(shape, field));
        }
    }
    if members.is_empty()
        && let Some(first) = shape.members(object).find(|field| !field.written.read_only)
    {
        members.insert(first.member().to_owned(), sound(shape, first));
    }
    Value::Object(members)
}

/// The objects that are sent, with their sent members.
fn sent(shape: &Shape) -> impl Iterator<Item = (&str, &Published)> {
    shape.published.iter().filter(|field| !field.written.read_only).map(|field| (field.object(), field))
}

#[test]
fn published_fields_are_those_of_the_tables() {
    for (name, profile) in profiles() {
        let ours: Vec<Spec> = match name.as_str() {
            "acp-feed-2026-04-17" => vec![load::spec("acp").expect("built in")],
            "openai-structured-2026-03" => vec![load::spec("openai-structured").expect("built in")],
            "openai-ads-delta-2026" => vec![load::spec("openai-ads-delta").expect("built in")],
            // One page for products, one for promotions: two targets.
            "openai-api-2026-03" => {
                vec![load::spec("openai-api").expect("built in"), load::spec("openai-api-promotions").expect("built in")]
            }
            _ => continue,
        };
        let mut published: Vec<&Published> = Vec::new();
        for field in ours.iter().flat_map(|spec| &shape(spec).published) {
            if !published.iter().any(|known| known.name == field.name) {
                published.push(field);
            }
        }
        let theirs = fields(&profile);
        assert_eq!(published.len() as u64, profile["field_count"].as_u64().expect("a count"), "{name}");
        for (ours, theirs) in published.iter().zip(theirs) {
            let place = format!("{name} {}", ours.name);
            let written = &ours.written;
            assert_eq!(ours.name, theirs["name"].as_str().expect("a name"), "{place}");
            assert_eq!(written.group, theirs["group"].as_str().expect("a group"), "{place}");
            assert_eq!(written.requirement.word(), theirs["requirement"].as_str().expect("a word"), "{place}");
            assert_eq!(written.condition.as_deref(), theirs["condition"].as_str(), "{place}");
            assert_eq!(written.values, words(&theirs["enum"]), "{place}");
            assert_eq!(written.open, theirs["enum_open"].as_bool().unwrap_or(false), "{place}");
            assert_eq!(written.read_only, theirs["read_only"].as_bool().unwrap_or(false), "{place}");
            assert_eq!(written.unreleased, theirs["release"] == "unreleased", "{place}");
            let example = written.example.as_ref().map(|example| serde_json::to_value(example).expect("JSON"));
            assert_eq!(example.unwrap_or(Value::Null), theirs["example"], "{place}");
            assert!(words(&theirs["rules"]).iter().all(|rule| written.notes.contains(rule)), "{place}");
        }
    }
}

#[test]
fn sound_objects_and_every_example_pass() {
    for spec in nested() {
        for (object, field) in sent(shape(&spec)).filter(|(_, field)| !field.written.unreleased) {
            let mut value = sound_object(shape(&spec), object);
            value[field.member()] = sound(shape(&spec), field);
            let found = broken(&spec, object, &value);
            assert!(found.is_empty(), "{} {}: {found:?}", spec.name(), field.name);
        }
    }
}

#[test]
fn every_fault_of_an_object_is_found_alone() {
    let mut shown = 0;
    for spec in nested() {
        let of = |field: &Published, value: &Value| -> (Vec<String>, Vec<String>) {
            let found = broken(&spec, field.object(), value);
            let defect = |broken: &Broken| broken.code.split_once('/').expect("a slash").1.to_owned();
            (found.iter().map(defect).collect(), found.into_iter().map(|broken| broken.path).collect())
        };
        for (object, field) in sent(shape(&spec)).filter(|(_, field)| !field.written.unreleased) {
            let place = format!("{} {}", spec.name(), field.name);
            let base = {
                let mut base = sound_object(shape(&spec), object);
                base[field.member()] = sound(shape(&spec), field);
                base
            };
            let with = |value: Value| {
                let mut changed = base.clone();
                changed[field.member()] = value;
                changed
            };
            // Another type: a list of one where none is asked for, else a number, or text for a number.
            let wrong = if field.content.list { json!({}) } else { json!([true]) };
            let (defects, paths) = of(field, &with(wrong));
            assert_eq!((defects, paths), (vec!["wrong-type".to_owned()], vec![field.member().to_owned()]), "{place}");
            shown += 1;
            if let Kind::Leaf(word) = &field.content.kind {
                let kind = registry::type_kind(word).expect("compiled before");
                for doc in std::iter::once(kind)
                    .chain(registry::bounds().filter(|kind| kind.takes_part(&field.written)))
                    .flat_map(|kind| kind.defects)
                {
                    let Some(bad) = (doc.bad)(&field.written) else { continue };
                    let number = matches!(word.as_str(), "integer" | "decimal");
                    let bad: Value = match (word.as_str(), serde_json::from_str::<Value>(&bad)) {
                        (_, Ok(value)) if number && value.is_number() => value,
                        // JSON has no number that is none, and no flag but two.
                        ("integer" | "decimal" | "boolean", _) => continue,
                        _ => bad.into(),
                    };
                    let bad = if field.content.list { json!([bad]) } else { bad };
                    let (defects, _) = of(field, &with(bad.clone()));
                    assert_eq!(defects, [doc.name], "{place} = {bad}");
                    shown += 1;
                }
            }
            if field.written.requirement == Requirement::Required || shape(&spec).is_needed_inside(field) {
                let mut without = base.clone();
                without.as_object_mut().expect("an object").remove(field.member());
                let (defects, paths) = of(field, &without);
                assert_eq!((defects, paths), (vec!["missing".to_owned()], vec![field.member().to_owned()]), "{place}");
                shown += 1;
            }
            if shape(&spec).file.not_empty.contains(&field.name) {
                assert_eq!(of(field, &with(json!([]))).0, ["empty"], "{place}");
                shown += 1;
            }
        }
        for object in shape(&spec).file.not_empty.iter().filter(|name| shape(&spec).objects.contains_key(*name)) {
            let found = broken(&spec, object, &json!({}));
            assert!(found.len() == 1 && found[0].code.ends_with("/empty"), "{object}: {found:?}");
        }
        let group = shape(&spec).file.group_object.clone();
        let mut odd = sound_object(shape(&spec), &group);
        odd["shop_id"] = "1".into();
        let found = broken(&spec, &group, &odd);
        assert_eq!(found.iter().map(|broken| broken.code.as_str()).collect::<Vec<_>>(), ["item_id/unknown-member"], "{}", spec.name());
        assert_eq!(found[0].rejects(), shape(&spec).file.closed, "{}", spec.name());
    }
    assert!(shown > 300, "only {shown} faults were shown");
}

#[test]
fn members_given_twice_are_found() {
    let spec = load::spec("acp").expect("built in");
    let members = json::members(r#"{"amount":1,"amount":2,"currency":"USD"}"#).expect("an object");
    let mut found = Vec::new();
    structure(&spec).judge(shape(&spec), "Price", &members, &At::root(String::new(), "price"), None, &mut found);
    assert_eq!(found.iter().map(|broken| broken.code.as_str()).collect::<Vec<_>>(), ["price/repeated-member"]);
    assert_eq!(members[0].1, Json::Number("1"));
}

fn validator(target: &str, root: Root) -> jsonschema::Validator {
    let spec = load::spec(target).expect("built in");
    let schema = shape(&spec).json_schema_of(&spec.name(), root);
    jsonschema::meta::validate(&schema).expect("a sound schema");
    jsonschema::options().should_validate_formats(true).build(&schema).expect("a schema")
}

#[test]
fn the_program_exports_what_a_file_holds() {
    let folder = Folder::new();
    for (target, root) in
        [("acp", Root::Group), ("openai-structured", Root::Group), ("openai-api", Root::Body), ("openai-api-promotions", Root::Body)]
    {
        let spec = load::spec(target).expect("built in");
        assert_eq!(folder.run(&["schema", target]).json(), shape(&spec).json_schema_of(&spec.name(), root), "{target}");
    }
}

#[test]
fn feeds_fit_the_schema_that_is_exported() {
    let folder = Folder::new();
    let mut arguments = vec!["build".to_owned(), fixture("catalogs/shopify-new-columns.csv")];
    for word in [
        "--config",
        "none",
        "--currency",
        "USD",
        "--base-url",
        "https://shop.example",
        "--seller-name",
        "Northline",
        "--set",
        "feed_id=f",
        "--set",
        "account_id=a",
        "--set",
        "target_merchant=m",
        "--set",
        "target_country=US",
        "--target",
        "acp",
        "--target",
        "openai-api",
        "--target",
        "openai-structured",
        "--target",
        "openai-ads-delta",
    ] {
        arguments.push(word.to_owned());
    }
    let run = folder.run(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
    for (target, file, root) in [
        ("acp", "patches/0001.json", Root::Body),
        ("acp", "products.jsonl", Root::Group),
        ("openai-api", "patches/0001.json", Root::Body),
        ("openai-structured", "products.jsonl", Root::Group),
        ("openai-ads-delta", "patches/0001.json", Root::Body),
    ] {
        let text = folder.read(&format!("out/{target}/{file}"));
        let documents: Vec<Value> = if root == Root::Group {
            text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
        } else {
            vec![serde_json::from_str(&text).expect("JSON")]
        };
        let validator = validator(target, root);
        for document in &documents {
            let errors: Vec<String> = validator.iter_errors(document).map(|error| format!("{}: {error}", error.instance_path())).collect();
            assert!(errors.is_empty(), "{target} {file}: {errors:?}");
        }
        // The schema says no where the target would.
        let mut broken = documents[0].clone();
        let product = if root == Root::Group { &mut broken } else { &mut broken["products"][0] };
        product["variants"][0]["price"] = json!({ "amount": 19.99, "currency": "USD" });
        assert!(!validator.is_valid(&broken), "{target} {file}");
    }
}

#[test]
fn the_published_examples_of_acp_are_sound() {
    let text = std::fs::read_to_string(fixture("schemas/acp-2026-04-17.examples.feed.json")).expect("a fixture");
    let examples: Value = serde_json::from_str(&text).expect("JSON");
    let folder = Folder::new();
    folder.write("body.json", examples["upsert_products_request_single_product"].to_string());
    let run = folder.run(&["check", "body.json", "--config", "none", "--target", "acp", "--output-format", "json"]);
    let report = run.json();
    assert_eq!((run.code, &report["summary"]["items"], &report["summary"]["errors"]), (0, &1.into(), &0.into()), "{}", run.out);
    assert_eq!(report["findings"], json!([]));
}

#[test]
fn a_finished_feed_is_judged_at_its_places() {
    let folder = Folder::new();
    let product = |id: &str, variants: Value| json!({ "id": id, "title": "T", "variants": variants }).to_string();
    let lines = [
        product("A", json!([{ "id": "a1", "title": "One", "price": { "amount": 500, "currency": "USD" } }])),
        product(
            "B",
            json!([{ "id": "b1", "title": "One" }, { "id": "b2", "title": "Two", "price": { "amount": 5.5, "currency": "usd" }, "brand": "Acme" }]),
        ),
        product("C", json!([{ "id": "a1", "title": "Again" }, { "title": "No id", "media": [{ "url": "/x.jpg" }] }])),
        product("D", json!([])),
        product(
            "E",
            json!([{ "id": "e1", "title": "E", "price": { "amount": 900, "currency": "USD" }, "list_price": { "amount": 800, "currency": "USD" } }]),
        ),
    ];
    folder.write("products.jsonl", lines.join("\n") + "\n");
    let run = folder.run(&["check", "products.jsonl", "--config", "none", "--target", "acp", "--output-format", "json"]);
    let report = run.json();
    assert_eq!(run.code, 1, "{}", run.out);
    let found: Vec<(u64, &str, &str)> = report["findings"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|finding| {
            let text = |name: &str| finding[name].as_str().unwrap_or("");
            (finding["line"].as_u64().expect("a line"), text("code"), text("column_name"))
        })
        .collect();
    for wanted in [
        (2, "price/not-integer", "variants[1].price.amount"),
        (2, "price/currency-unknown", "variants[1].price.currency"),
        (2, "item_id/unknown-member", "variants[1].brand"),
        (3, "item_id/missing", "variants[1].id"),
        (3, "image_url/missing", "variants[1].media[0].type"),
        (3, "image_url/not-absolute", "variants[1].media[0].url"),
        (5, "price/not-below-list-price", "variants[0].price"),
    ] {
        assert!(found.contains(&wanted), "{wanted:?}: {found:#?}");
    }
    assert!(found.iter().any(|(line, code, _)| (*line, *code) == (3, "item_id/duplicate")), "{found:#?}");
    let summary = &report["summary"];
    let count = |name: &str| summary[name].as_u64().expect("a number");
    assert_eq!((count("records"), count("items"), count("skipped")), (7, 6, 1));
    assert_eq!(count("accepted") + count("rejected"), 6);
    assert_eq!(summary["skipped_by"]["product without variants"], 1);
}

#[test]
fn a_shops_own_json_is_no_finished_feed() {
    let folder = Folder::new();
    folder.write(
        "products.json",
        r#"{"products":[{"id":1,"title":"Mug","body_html":"Blue.","vendor":"Acme","handle":"mug","product_type":"Mugs","variants":[{"id":2,"sku":"MUG","price":"5.00"}]}]}"#,
    );
    let run = folder.run(&["check", "products.json", "--config", "none", "--target", "acp", "--output-format", "json"]);
    let codes = run.json()["summary"]["by_code"].to_string();
    assert!(!codes.contains("unknown-member"), "{codes}");
}

#[test]
fn promotions_are_requests_of_their_own() {
    let folder = Folder::new();
    folder.write(
        "promotions.csv",
        "promotion_id,title,description,active_period,benefit_type,percent_off,amount_off,target_item_group_ids,excluded_ids,url\n\
         spring,Spring Sale,A fifth off.,2026-05-01T00:00:00Z/2026-06-01T00:00:00Z,percent_off,20,,\"TEE,HAT\",,https://shop.example/spring\n\
         ten,Ten off,,2026-05-01T00:00:00Z/2026-06-01T00:00:00Z,amount_off,,10.00 USD,,,\n\
         but,All but one,,2026-05-01T00:00:00Z/2026-06-01T00:00:00Z,free_shipping,,,,MUG,\n\
         bare,No amount,,2026-05-01T00:00:00Z/2026-06-01T00:00:00Z,amount_off,,,,,\n",
    );
    let run = folder.run(&["build", "promotions.csv", "--config", "none", "--target", "openai-api-promotions", "--output-format", "json"]);
    assert_eq!(run.code, 1, "{}{}", run.out, run.err);
    let body: Value = serde_json::from_str(&folder.read("out/openai-api-promotions/promotions/0001.json")).expect("JSON");
    let period = json!({ "start_time": "2026-05-01T00:00:00Z", "end_time": "2026-06-01T00:00:00Z" });
    assert_eq!(
        body,
        json!([
            {
                "id": "spring", "title": "Spring Sale", "description": { "plain": "A fifth off." }, "active_period": period,
                "benefits": [{ "type": "percent_off", "percent_off": 20 }],
                "applies_to": [{ "product_id": "TEE" }, { "product_id": "HAT" }],
                "url": "https://shop.example/spring"
            },
            { "id": "ten", "title": "Ten off", "active_period": period, "benefits": [{ "type": "amount_off", "amount_off": { "amount": 1000, "currency": "USD" } }] }
        ])
    );
    let codes = &run.json()["summary"]["by_code"];
    assert_eq!((&codes["excluded_ids/not-expressible"], &codes["amount_off/missing"]), (&1.into(), &1.into()), "{codes}");
    let validator = validator("openai-api-promotions", Root::Body);
    assert!(validator.is_valid(&body), "{:?}", validator.iter_errors(&body).map(|error| error.to_string()).collect::<Vec<_>>());
    let run = folder.run(&[
        "check",
        "out/openai-api-promotions/promotions/0001.json",
        "--config",
        "none",
        "--target",
        "openai-api-promotions",
        "--output-format",
        "json",
    ]);
    assert_eq!((run.code, &run.json()["summary"]["items"]), (0, &2.into()), "{}", run.out);
}
