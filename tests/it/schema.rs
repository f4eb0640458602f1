//! `schema`: what feedmill renders validates, and what the documents call bad does not, by a
//! validator that is not ours.

use crate::support::{Folder, fixture};
use feedmill::product::attribute::Attributes;
use feedmill::rules::registry::Outcome;
use feedmill::spec::terms::{Certainty, Consequence};
use feedmill::spec::{Field, Spec, load};
use jsonschema::Validator;
use serde_json::{Value, json};
use std::path::Path;

/// The flat ones; the objects of nested targets are shown in `objects`.
fn specs() -> Vec<Spec> {
    let identities = load::identities().expect("built in");
    let all = identities.iter().map(|identity| load::spec(&format!("{}@{}", identity.target, identity.version)).expect("built in"));
    all.filter(|spec| spec.shape.is_none()).collect()
}

fn schema(folder: &Folder, of: &str) -> Validator {
    let run = folder.run(&["schema", of]);
    assert_eq!(run.code, 0, "{of}: {}", run.err);
    let schema = run.json();
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    assert!(jsonschema::meta::is_valid(&schema), "{of}");
    jsonschema::validator_for(&schema).unwrap_or_else(|error| panic!("{of}: {error}"))
}

fn faults(validator: &Validator, row: &Value) -> Vec<String> {
    validator.iter_errors(row).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

/// Every accepted row of real exports, for every flat target.
#[test]
fn every_rendered_row_validates() {
    let folder = Folder::new();
    let mut rows = 0;
    for spec in specs() {
        let name = spec.name();
        let validator = schema(&folder, &name);
        for catalog in ["shopify-gatsby-starter.csv", "shopify-theme-course.csv", "shopify-new-columns.csv", "woocommerce-small.csv"] {
            let source = fixture(&format!("catalogs/{catalog}"));
            let shop = [
                "--currency",
                "USD",
                "--base-url",
                "https://shop.example",
                "--seller-name",
                "Northline",
                "--set",
                "product_category=Home > Things",
            ];
            let more = ["--set", "mpn=0012", "--set", "review_count=007", "--set", "delivery_options=US:ALL:Standard:3-5:5.00 USD"];
            let mut arguments = vec!["build", &source, "--config", "none", "--target", &name, "--format", "jsonl", "--out", "out"];
            arguments.extend(shop);
            arguments.extend(more);
            assert!(folder.run(&arguments).code <= 1, "{name} {catalog}");
            let feed = folder.path(&format!("out/{name}/feed.jsonl"));
            let Ok(text) = std::fs::read_to_string(&feed) else { continue };
            for line in text.lines() {
                let row: Value = serde_json::from_str(line).expect("JSON");
                assert_eq!(faults(&validator, &row), [""; 0], "{name} {catalog}: {row}");
                rows += 1;
            }
            std::fs::remove_file(feed).expect("it was there");
        }
    }
    assert!(rows > 1_000, "only {rows} rows");
}

/// A value of a field as the JSON formats write it.
fn as_json(field: &Field, value: &str) -> Value {
    let parsed = || serde_json::from_str::<Value>(value).ok();
    match field.written.kind.as_str() {
        "boolean" | "integer" => parsed().filter(|value| value.is_boolean() || value.is_u64()).unwrap_or_else(|| json!(value)),
        "url_list" | "list" => parsed().unwrap_or_else(|| value.split(',').map(|entry| json!(entry.trim())).collect()),
        "options" | "dimensions" | "records" => parsed().unwrap_or_else(|| json!(value)),
        _ => json!(value),
    }
}

fn example(value: &toml::Value) -> String {
    value.as_str().map_or_else(|| serde_json::to_string(value).expect("JSON"), str::to_owned)
}

/// Defects that no schema can tell: they need a calendar, a check digit, a list of codes, a
/// currency's digits, another language's words, or today's date.
const BEYOND: [&str; 21] = [
    "check-digit",
    "restricted-prefix",
    "currency-unknown",
    "too-many-digits",
    "unknown-country",
    "impossible-date",
    "in-the-past",
    "not-a-range",
    "html",
    "all-capitals",
    "placeholder",
    "policy-word",
    "control-character",
    "repeated-name",
    "host-invalid",
    "not-public",
    "destroyed",
    "out-of-range",
    "too-many-decimals",
    "not-text",
    "mixed",
];

/// Each field by itself: its examples pass, and each documented bad value is refused.
#[test]
fn examples_pass_and_bad_values_are_refused() {
    let folder = Folder::new();
    let (mut good, mut bad, mut wrong) = (0, 0, Vec::new());
    for spec in specs() {
        let schema: Value = folder.run(&["schema", &spec.name()]).json();
        for field in spec.fields.iter().filter(|field| !field.written.only_judged) {
            let validator = jsonschema::validator_for(&schema["properties"][&field.name]).expect("a schema");
            for value in field.written.example.iter().chain(&field.written.more_examples) {
                let value = as_json(field, &example(value));
                if !validator.is_valid(&value) {
                    wrong.push(format!("{} {}: {value} is refused", spec.name(), field.name));
                }
                good += 1;
            }
            for outcome in Outcome::all(&field.written) {
                let doc = outcome.doc;
                // What is only advised, or disputed, is no fault of the value.
                if BEYOND.contains(&doc.name) || outcome.consequence == Consequence::Advice || outcome.certainty == Certainty::Disputed {
                    continue;
                }
                let Some(value) = (doc.bad)(&field.written).filter(|value| !value.is_empty()) else { continue };
                let value = as_json(field, &value);
                let place = format!("{} {}/{}: {value}", spec.name(), Attributes::shared().name(field.attribute), doc.name);
                if validator.is_valid(&value) {
                    wrong.push(format!("{place} passes"));
                }
                bad += 1;
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(good > 300 && bad > 300, "{good} good, {bad} bad");
}

#[test]
fn a_required_field_is_required_unless_the_row_is_exempt() {
    let folder = Folder::new();
    let openai = schema(&folder, "openai");
    let faults = faults(&openai, &json!({ "item_id": "A1" }));
    assert!(faults.iter().any(|fault| fault.contains("availability")), "{faults:?}");
    // Of a removal Stripe reads the id alone.
    let stripe = schema(&folder, "stripe");
    assert!(!stripe.is_valid(&json!({ "id": "A1" })));
    assert!(stripe.is_valid(&json!({ "id": "A1", "delete": true })));
    assert_eq!(folder.run(&["schema", "opanai"]).code, 2);
    assert_eq!(folder.run(&["schema"]).code, 2);
}

/// A project file as the schema of the config sees it.
fn config(text: &str) -> Value {
    serde_json::to_value(text.parse::<toml::Table>().expect("TOML")).expect("JSON")
}

#[test]
fn project_files_validate_and_unknown_keys_do_not() {
    let folder = Folder::new();
    let validator = schema(&folder, "config");
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let fixture = std::fs::read_to_string(root.join("fixtures/catalogs/feedmill.toml")).expect("a fixture");
    assert_eq!(faults(&validator, &config(&fixture)), [""; 0]);
    // The project file of the README.
    let readme = std::fs::read_to_string(root.join("README.md")).expect("a README");
    let whole = readme.split("```toml\n").nth(1).and_then(|text| text.split("```").next()).expect("a project file");
    assert!(whole.contains("[[target]]"), "{whole}");
    assert_eq!(faults(&validator, &config(whole)), [""; 0], "{whole}");
    let sound = [
        "[source]\npath = \"a.csv\"\n",
        "[[source]]\npath = \"a.csv\"\n[[source]]\npath = \"b.csv\"\ndelimiter = \"tab\"\n",
        "[map]\ntitle = \"Title\"\nurl = { template = \"{{ base_url }}/{{ Handle }}\" }\nbrand = { from = [\"A\", \"B\"], clean = [\"trim\"] }\n",
        "[[rule]]\nwhen = \"brand == 'X'\"\nset = { is_eligible_checkout = false }\n",
        "[check]\nfail_on = \"never\"\n[check.severity]\n\"title/all-capitals\" = \"off\"\n",
        "[[target]]\nname = \"a\"\nspec = \"openai\"\nformat = [\"csv\", \"jsonl.gz\"]\n",
    ];
    for text in sound {
        assert_eq!(faults(&validator, &config(text)), [""; 0], "{text}");
    }
    let wrong = [
        "[sources]\npath = \"a.csv\"\n",
        "[source]\npath = \"a.csv\"\npaht = \"b\"\n",
        "[source]\npath = 3\n",
        "[map]\ntitel = \"Title\"\n",
        "[map]\ntitle = { form = \"Title\" }\n",
        "[defaults]\ncurency = \"USD\"\n",
        "[[rule]]\nset = { brand = \"X\" }\n",
        "[check]\nfail_on = \"sometimes\"\n",
        "[check.severity]\n\"a/b\" = \"loud\"\n",
        "[[target]]\nname = \"a\"\nspec = \"openai\"\nformats = \"csv\"\n",
    ];
    for text in wrong {
        assert!(!validator.is_valid(&config(text)), "{text}");
    }
}
