//! The gate: every request passes here, is written down, meets its fault, and goes on to the
//! API its prefix names.

use super::call::{Answer, Call, Content, Payload};
use super::fault::Strike;
use super::transcript::Exchange;
use super::wire::{Doors, Switch};
use super::{Api, Shared, acp, ads, commerce, https, objects, stripe};
use axum::Router;
use axum::body::Body;
use axum::extract::connect_info::IntoMakeServiceWithConnectInfo;
use axum::extract::{ConnectInfo, DefaultBodyLimit, Request, State};
use axum::response::Response;
use serde_json::json;
use std::sync::Arc;

/// The service behind the listener.
pub(super) fn service(shared: Arc<Shared>) -> IntoMakeServiceWithConnectInfo<Router, Switch> {
    let _: fn(Doors) = drop;
    Router::new().fallback(exchange).layer(DefaultBodyLimit::disable()).with_state(shared).into_make_service_with_connect_info()
}

/// One exchange from the first byte to the last.
async fn exchange(State(shared): State<Arc<Shared>>, ConnectInfo(switch): ConnectInfo<Switch>, request: Request) -> Response {
    let (method, uri) = (request.method().as_str().to_owned(), request.uri().clone());
    let mut exchange = Exchange::new(&method, uri.path(), uri.query(), request.headers());
    let routed = route(uri.path());
    let inside = routed.map_or(uri.path(), |(_, path)| path);
    let strike = shared.world().faults.strike(&method, &[uri.path(), inside]);
    exchange.fault = strike.as_ref().map(|(_, text)| text.clone());
    let strike = strike.map(|(strike, _)| strike);
    if strike == Some(Strike::Reset) {
        // The first bytes of the body are on their way; what becomes of them does not matter.
        drop(axum::body::to_bytes(request.into_body(), 1).await);
        switch.reset();
        shared.write_down(exchange);
        return Response::new(Body::empty());
    }
    if strike == Some(Strike::Silent) {
        shared.write_down(exchange);
        // Until the other side has had enough.
        return std::future::pending().await;
    }
    let Some((api, path)) = routed else {
        let answer = nowhere(uri.path());
        exchange.response(&answer);
        shared.write_down(exchange);
        return respond(answer).await;
    };
    let query = url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()).into_owned().collect();
    let headers = request.headers().clone();
    let body = Payload::read(request, matches!(api, Api::StripeUploads | Api::Https | Api::Objects)).await;
    let twist = match &strike {
        Some(Strike::Twist(twist)) => Some(*twist),
        _ => None,
    };
    let call = Call { api, method, path: path.to_owned(), query, headers, body, twist };
    exchange.request(&call);
    let answer = answer(&shared, call, strike.as_ref()).await;
    let answer = answer.with(if api == Api::Ads { "x-request-id" } else { "request-id" }, format!("req_{}", shared.world().exchanges + 1));
    exchange.response(&answer);
    match strike {
        Some(Strike::Lost) => {
            exchange.status = None;
            switch.close();
        }
        Some(Strike::Cut) => switch.cut(),
        _ => {}
    }
    shared.write_down(exchange);
    respond(answer).await
}

/// Does what is asked, on a thread that may be busy for a while.
async fn answer(shared: &Arc<Shared>, call: Call, strike: Option<&Strike>) -> Answer {
    if let Payload::Broken(why) = &call.body {
        return error(call.api, 400, None, &format!("the body cannot be read: {why}"));
    }
    if let Some(Strike::Status { status, headers, code }) = strike {
        let answer = error(call.api, *status, code.as_deref(), &format!("the sandbox was asked to answer {status}"));
        let answer = Answer { headers: headers.clone(), ..answer };
        stripe::struck(shared, &call, &answer);
        return answer;
    }
    let shared = Arc::clone(shared);
    let done = tokio::task::spawn_blocking(move || match call.api {
        Api::Stripe | Api::StripeFiles | Api::StripeUploads => stripe::answer(&shared, &call),
        Api::Acp => acp::answer(&shared, &call),
        Api::Commerce => commerce::answer(&shared, &call),
        Api::Ads => ads::answer(&shared, &call),
        Api::Https => https::answer(&shared, &call),
        Api::Objects => objects::answer(&shared, &call),
    });
    done.await.unwrap_or_else(|panic| Answer::json(500, json!({"error": {"message": format!("the sandbox failed: {panic}")}})))
}

/// An error in the form that an API's documents give it.
fn error(api: Api, status: u16, code: Option<&str>, message: &str) -> Answer {
    match api {
        Api::Stripe | Api::StripeFiles => stripe::plain_error(status, code, message),
        Api::StripeUploads | Api::Https => Answer::empty(status),
        Api::Objects => objects::error(status, code.unwrap_or("ServiceUnavailable"), message),
        Api::Ads => ads::error(status, code.unwrap_or("unavailable"), message, None),
        Api::Acp | Api::Commerce => super::nested::error(status, code.unwrap_or("unavailable"), message, None),
    }
}

/// The API of a path and the path behind its prefix. Addresses that an API itself hands out are
/// paths from its host's root, so `/v1` and `/v2` are the first one's too.
fn route(path: &str) -> Option<(Api, &str)> {
    if path.starts_with("/v1/") || path.starts_with("/v2/") {
        return Some((Api::Stripe, path));
    }
    Api::ALL.iter().find_map(|(api, prefix)| {
        let rest = path.strip_prefix(prefix)?;
        (rest.is_empty() || rest.starts_with('/')).then_some((*api, rest))
    })
}

fn nowhere(path: &str) -> Answer {
    let known: Vec<&str> = Api::ALL.iter().map(|(_, prefix)| *prefix).collect();
    let message = format!("no target answers at `{path}`; the sandbox serves {}", known.join(", "));
    Answer::json(404, json!({"error": {"message": message}}))
}

async fn respond(answer: Answer) -> Response {
    let mut response = Response::builder().status(answer.status);
    for (name, value) in &answer.headers {
        response = response.header(*name, value);
    }
    let (media, body) = match answer.content {
        Content::Empty => (None, Vec::new()),
        Content::Json(body) => (Some("application/json".to_owned()), body.to_string().into_bytes()),
        Content::Xml(text) => (Some("application/xml".to_owned()), text.into_bytes()),
        Content::Csv(bytes) => (Some("text/csv".to_owned()), bytes.to_vec()),
        Content::Stored(file, media) => (Some(media), tokio::fs::read(file.path()).await.unwrap_or_default()),
    };
    if let Some(media) = media {
        response = response.header("content-type", media);
    }
    // A fault's own header may be no header at all.
    response.body(Body::from(body)).unwrap_or_else(|_| {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = axum::http::StatusCode::INTERNAL_SERVER_ERROR;
        response
    })
}
