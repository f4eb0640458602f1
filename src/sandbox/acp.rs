//! The ACP feed API as its OpenAPI file draws it: `/feeds`, `/feeds/{id}`, and the products of a
//! feed. The released version and the unreleased one, which adds update ids, are told apart by
//! `API-Version`; a request without that header is refused.
//!
//! Documents name three error codes; `unauthorized`, `missing_api_version`, `unsupported_api_version`,
//! `unsupported_media_type`, `method_not_allowed`, `not_found` and `idempotency_conflict` are ours.

use super::call::{Answer, Call};
use super::fault::Twist;
use super::idempotency::Known;
use super::nested::{self, CREATE, STANDARD_UPSERT, error};
use super::shape::{self, Flaw};
use super::{Api, Shared, judge};
use jiff::SignedDuration;
use serde_json::{Value, json};

/// The release, and the word for the working copy that follows it.
const VERSIONS: [&str; 2] = ["2026-04-17", "unreleased"];
/// The spec whose rules products are judged by.
const SPEC: &str = "acp";
/// How long answers are kept for repeated requests; not documented.
const KEEP: SignedDuration = SignedDuration::from_hours(24);

/// Answers a call.
pub(super) fn answer(shared: &Shared, call: &Call) -> Answer {
    if let Some(refusal) = refuse_token(shared, call) {
        return refusal;
    }
    let version = match call.header("api-version") {
        None => return error(400, "missing_api_version", "the header `API-Version` is required", Some("API-Version")),
        Some(version) if !VERSIONS.contains(&version) => {
            let message = format!("`{version}` is no version of this API; known: {}", VERSIONS.join(", "));
            return error(400, "unsupported_api_version", &message, Some("API-Version"));
        }
        Some(version) => version,
    };
    let unreleased = version == VERSIONS[1];
    match (call.method.as_str(), call.segments().as_slice()) {
        ("POST", ["feeds"]) => once(shared, call, |shared, call| {
            let body = match json_body(call, &CREATE) {
                Ok(body) => body,
                Err(refusal) => return create_refused(refusal),
            };
            let country = body["target_country"].as_str().map(str::to_owned);
            Answer::json(201, shared.world().feeds.create(Api::Acp, country, shared.now()).metadata())
        }),
        ("GET", ["feeds", id]) => with_feed(shared, Api::Acp, id, |feed| Answer::json(200, feed.metadata())),
        ("GET", ["feeds", id, "products"]) => {
            with_feed(shared, Api::Acp, id, |feed| Answer::json(200, json!({"products": feed.products(unreleased)})))
        }
        ("PATCH", ["feeds", id, "products"]) => once(shared, call, |shared, call| {
            let now = shared.now();
            with_feed(shared, Api::Acp, id, |feed| {
                let products = match upserted(shared, call, &STANDARD_UPSERT, SPEC, unreleased) {
                    Ok(body) => body,
                    Err(refusal) => return *refusal,
                };
                if call.twist == Some(Twist::BodyFailed) {
                    return Answer::json(200, json!({"id": feed.id(), "accepted": false}));
                }
                let update = feed.upsert(products["products"].as_array().map_or(&[], Vec::as_slice), now);
                let mut answer = json!({"id": feed.id(), "accepted": true});
                if unreleased {
                    answer["feed_update_id"] = json!(update);
                }
                Answer::json(200, answer)
            })
        }),
        (_, ["feeds"] | ["feeds", _] | ["feeds", _, "products"]) => method_not_allowed(call),
        _ => error(404, "not_found", &format!("there is no `{}`", call.path), None),
    }
}

/// Refuses a call without a bearer token that is accepted.
pub(super) fn refuse_token(shared: &Shared, call: &Call) -> Option<Answer> {
    let token = call.header("authorization").and_then(|value| value.strip_prefix("Bearer ")).filter(|token| !token.trim().is_empty());
    let keys = &shared.options.keys;
    match token {
        Some(token) if keys.is_empty() || keys.iter().any(|key| key.secret == token) => None,
        Some(_) => Some(error(401, "unauthorized", "the bearer token is not accepted", Some("Authorization"))),
        None => Some(error(401, "unauthorized", "a bearer token is required", Some("Authorization"))),
    }
}

/// Does a mutation once for each idempotency key; a key is advised, not required.
pub(super) fn once(shared: &Shared, call: &Call, act: impl FnOnce(&Shared, &Call) -> Answer) -> Answer {
    let scope = format!("{:?} {}", call.api, call.header("authorization").unwrap_or_default());
    let known = shared.world().ledger.look(&scope, call, KEEP, shared.now());
    match known {
        Known::Done(answer) => *answer,
        Known::Other => error(409, "idempotency_conflict", "the idempotency key was used with another request", Some("Idempotency-Key")),
        Known::Unusable => error(400, "invalid_idempotency_key", "an idempotency key has 1 to 255 characters", Some("Idempotency-Key")),
        Known::New => {
            let answer = act(shared, call);
            if answer.status < 300 {
                shared.world().ledger.keep(&scope, call, &answer, shared.now());
            }
            answer
        }
    }
}

/// Does something with a feed, or says that there is none.
pub(super) fn with_feed(shared: &Shared, api: Api, id: &str, act: impl FnOnce(&mut nested::NestedFeed) -> Answer) -> Answer {
    match shared.world().feeds.find(api, id) {
        Some(feed) => act(feed),
        None => error(404, "feed_not_found", "Feed not found", Some("id")),
    }
}

/// A JSON body of this shape.
pub(super) fn json_body(call: &Call, shape: &shape::Shape) -> Result<Value, Refused> {
    if call.media() != "application/json" {
        return Err(Refused::Media);
    }
    shape::read(call.bytes(), shape).map_err(Refused::Shape)
}

/// Why a body is refused.
#[derive(Debug)]
pub(super) enum Refused {
    /// It is not declared as JSON.
    Media,
    /// It is not drawn like this.
    Shape(Flaw),
}

/// The answer to a body that creates no feed.
pub(super) fn create_refused(refusal: Refused) -> Answer {
    match refusal {
        Refused::Shape(flaw) if flaw.path == "target_country" => {
            error(400, "invalid_target_country", "target_country must be an ISO 3166-1 alpha-2 code", Some(&flaw.path))
        }
        Refused::Shape(flaw) => error(400, "invalid_request", &flaw.message, Some(&flaw.path)),
        Refused::Media => unsupported_media(),
    }
}

/// A body of products, or why it is none.
///
/// First as the documents draw it, then by the rules of the spec, as `check` judges it.
pub(super) fn upserted(shared: &Shared, call: &Call, shape: &shape::Shape, spec: &str, unreleased: bool) -> Result<Value, Box<Answer>> {
    let payload = |flaw: Flaw| error(400, "invalid_product_payload", &flaw.message, Some(&flaw.path));
    if call.media() != "application/json" {
        return Err(Box::new(unsupported_media()));
    }
    let mut body: Value = serde_json::from_slice(call.bytes())
        .map_err(|why| Box::new(payload(Flaw { path: String::new(), message: format!("the body is no JSON: {why}") })))?;
    if unreleased {
        // Response only, and ignored on input.
        for product in body["products"].as_array_mut().into_iter().flatten() {
            if let Some(fields) = product.as_object_mut() {
                fields.shift_remove("last_update_id");
            }
        }
    }
    shape::check(&body, shape, "").map_err(|flaw| Box::new(payload(flaw)))?;
    let products = body["products"].as_array().map_or(&[][..], Vec::as_slice);
    let twice = nested::twice(products, "products").or_else(|| {
        let variants = |(place, product): (usize, &Value)| {
            nested::twice(product["variants"].as_array().map_or(&[], Vec::as_slice), &format!("products[{place}].variants"))
        };
        products.iter().enumerate().find_map(variants)
    });
    match twice.or_else(|| broken(shared, &body, "products", spec)) {
        Some(flaw) => Err(Box::new(payload(flaw))),
        None => Ok(body),
    }
}

/// The first flaw of a body that a rule of the spec finds.
pub(super) fn broken(shared: &Shared, body: &Value, list: &str, spec: &str) -> Option<Flaw> {
    let fault = judge::body(body.to_string().as_bytes(), spec, judge::date(shared.now()))?;
    let dot = if fault.path.is_empty() { "" } else { "." };
    Some(Flaw { path: format!("{list}[{}]{dot}{}", fault.object, fault.path), message: fault.message })
}

/// The answer to a body that is not declared as JSON.
pub(super) fn unsupported_media() -> Answer {
    error(415, "unsupported_media_type", "the body must be declared as `application/json`", Some("Content-Type"))
}

/// The answer to a method that a path does not have.
pub(super) fn method_not_allowed(call: &Call) -> Answer {
    error(405, "method_not_allowed", &format!("`{}` has no {}", call.path, call.method), None)
}
