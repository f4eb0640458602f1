//! OpenAI's commerce API: `/product_feeds`, their products and their promotions.
//!
//! Which request headers are mandatory is not said, so only a bearer token and a JSON body are
//! asked for; the error body is not published, so it is that of the standard. Keys and request
//! ids are given back as documented.

use super::acp::{Refused, unsupported_media};
use super::acp::{broken, create_refused, json_body, method_not_allowed, once, refuse_token, upserted, with_feed};
use super::call::{Answer, Call};
use super::fault::Twist;
use super::nested::{self, CREATE, NestedFeed, PROMOTIONS, UPSERT, error};
use super::shape::Flaw;
use super::{Api, Shared};
use serde_json::{Value, json};

/// Answers a call.
pub(super) fn answer(shared: &Shared, call: &Call) -> Answer {
    let mut answer = refuse_token(shared, call).unwrap_or_else(|| dispatch(shared, call));
    if let Some(key) = call.header("idempotency-key") {
        answer = answer.with("idempotency-key", key);
    }
    answer
}

fn dispatch(shared: &Shared, call: &Call) -> Answer {
    let api = Api::Commerce;
    match (call.method.as_str(), call.segments().as_slice()) {
        ("POST", ["product_feeds"]) => once(shared, call, |shared, call| {
            let body = match json_body(call, &CREATE) {
                Ok(body) => body,
                Err(refusal) => return create_refused(refusal),
            };
            let country = body["target_country"].as_str().map(str::to_owned);
            Answer::json(200, shared.world().feeds.create(api, country, shared.now()).metadata())
        }),
        ("GET", ["product_feeds", id]) => with_feed(shared, api, id, |feed| Answer::json(200, feed.metadata())),
        ("GET", ["product_feeds", id, "products"]) => with_feed(shared, api, id, |feed| {
            let mut body = json!({"products": feed.products(false)});
            if let Some(country) = feed.target_country() {
                body["target_country"] = json!(country);
            }
            Answer::json(200, body)
        }),
        ("PATCH", ["product_feeds", id, "products"]) => once(shared, call, |shared, call| {
            let now = shared.now();
            with_feed(shared, api, id, |feed| match upserted(shared, call, &UPSERT, "openai-api", false) {
                Err(refusal) => *refusal,
                Ok(body) => accepted(call, feed, |feed| {
                    if let Some(country) = body["target_country"].as_str() {
                        feed.set_target_country(country);
                    }
                    feed.upsert(list(&body["products"]), now);
                }),
            })
        }),
        ("GET", ["product_feeds", id, "promotions"]) => {
            with_feed(shared, api, id, |feed| Answer::json(200, Value::Array(feed.promotions().to_vec())))
        }
        ("PATCH", ["product_feeds", id, "promotions"]) => once(shared, call, |shared, call| {
            let now = shared.now();
            with_feed(shared, api, id, |feed| match promotions(shared, call) {
                Err(refusal) => *refusal,
                Ok(body) => accepted(call, feed, |feed| feed.upsert_promotions(list(&body), now)),
            })
        }),
        (_, ["product_feeds"] | ["product_feeds", _] | ["product_feeds", _, "products" | "promotions"]) => method_not_allowed(call),
        _ => error(404, "not_found", &format!("there is no `{}`", call.path), None),
    }
}

/// Takes an update, unless a fault says that the body speaks of failure.
fn accepted(call: &Call, feed: &mut NestedFeed, take: impl FnOnce(&mut NestedFeed)) -> Answer {
    let accepted = call.twist != Some(Twist::BodyFailed);
    if accepted {
        take(feed);
    }
    Answer::json(200, json!({"id": feed.id(), "accepted": accepted}))
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// A body of promotions, or why it is none.
fn promotions(shared: &Shared, call: &Call) -> Result<Value, Box<Answer>> {
    let payload = |flaw: Flaw| Box::new(error(400, "invalid_promotion_payload", &flaw.message, Some(&flaw.path)));
    let body = json_body(call, &PROMOTIONS).map_err(|refusal| match refusal {
        Refused::Media => Box::new(unsupported_media()),
        Refused::Shape(flaw) => payload(flaw),
    })?;
    for (place, promotion) in list(&body).iter().enumerate() {
        for (number, benefit) in list(&promotion["benefits"]).iter().enumerate() {
            let kind = benefit["type"].as_str().unwrap_or_default();
            if kind != "free_shipping" && benefit.get(kind).is_none() {
                let path = format!("[{place}].benefits[{number}].{kind}");
                return Err(payload(Flaw { path, message: format!("`{kind}` is required when `type` is `{kind}`") }));
            }
        }
    }
    match nested::twice(list(&body), "").or_else(|| broken(shared, &body, "", "openai-api-promotions")) {
        Some(flaw) => Err(payload(flaw)),
        None => Ok(body),
    }
}
