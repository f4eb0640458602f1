//! Stripe's two ways in: product catalog imports (v2), and the Files API with import sets (v1).
//!
//! Documents name few error codes; `unauthenticated`, `forbidden`, `not_found`,
//! `method_not_allowed`, `unsupported_version` and `unsupported_media_type` are ours.

mod caller;
mod catalog;
mod files;
mod import_sets;
mod imports;
mod storage;
mod version;

pub use catalog::Row;

use super::call::{Answer, Call};
use super::idempotency::Known;
use super::{Api, Shared};
use caller::Caller;
use catalog::Catalog;
use jiff::SignedDuration;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// How long v1 keeps first answers.
const KEEP_V1: SignedDuration = SignedDuration::from_hours(24);
/// How long v2 keeps successes.
const KEEP_V2: SignedDuration = SignedDuration::from_hours(30 * 24);

/// An import or an import set as tests see it.
#[derive(Clone, Debug)]
pub struct ImportState {
    /// Its id.
    pub id: String,
    /// The account whose catalog it changes.
    pub account: String,
    /// Whether it was made with a live key.
    pub live: bool,
    /// `product`, `inventory`, `pricing` or `promotion`; of an import set its `standard_data_format`.
    pub feed_type: String,
    /// `upsert` or `replace`.
    pub mode: String,
    /// What the client wrote on it.
    pub metadata: BTreeMap<String, String>,
    /// The status a client would see now.
    pub status: String,
    /// Rows taken, once it is done.
    pub taken: u64,
    /// Rows refused, once it is done.
    pub refused: u64,
    /// How often a whole file was put.
    pub uploads: u32,
    /// The digest of the file.
    pub blake3: Option<String>,
}

/// What Stripe remembers.
#[derive(Debug, Default)]
pub(super) struct Stripe {
    catalogs: BTreeMap<(String, bool), Catalog>,
    imports: Vec<imports::Import>,
    files: Vec<files::StoredFile>,
    sets: Vec<import_sets::ImportSet>,
}

impl Stripe {
    /// Every import, v2 first.
    pub(super) fn states(&self) -> Vec<ImportState> {
        self.imports.iter().map(imports::Import::state).chain(self.sets.iter().map(import_sets::ImportSet::state)).collect()
    }

    /// An account's products, live and test ones together, by id.
    pub(super) fn products(&self, account: &str) -> Vec<(String, Row)> {
        self.rows(account, |catalog| &catalog.products)
    }

    /// An account's promotions by id.
    pub(super) fn promotions(&self, account: &str) -> Vec<(String, Row)> {
        self.rows(account, |catalog| &catalog.promotions)
    }

    fn rows(&self, account: &str, of: impl Fn(&Catalog) -> &BTreeMap<String, Row>) -> Vec<(String, Row)> {
        let own = self.catalogs.iter().filter(|((name, _), _)| name == account);
        own.flat_map(|(_, catalog)| of(catalog)).map(|(id, row)| (id.clone(), row.clone())).collect()
    }

    /// Takes products for imported before, into the account's test and live catalog.
    pub(super) fn adopt(&mut self, account: &str, ids: impl Iterator<Item = String>) {
        let ids: Vec<String> = ids.collect();
        for live in [false, true] {
            let products = &mut self.catalog(account, live).products;
            for id in &ids {
                products.entry(id.clone()).or_insert_with(|| Row::from([("id".to_owned(), id.clone())]));
            }
        }
    }

    fn catalog(&mut self, account: &str, live: bool) -> &mut Catalog {
        self.catalogs.entry((account.to_owned(), live)).or_default()
    }
}

/// Answers a call.
pub(super) fn answer(shared: &Shared, call: &Call) -> Answer {
    if call.api == Api::StripeUploads {
        return storage::answer(shared, call);
    }
    let generation = Generation::of(&call.path);
    let caller = match caller::caller(shared, call) {
        Ok(caller) => caller,
        Err(fault) => return generation.error(&fault),
    };
    let outcome = match (call.api, call.method.as_str(), call.segments().as_slice()) {
        (Api::Stripe, method, ["v2", "commerce", "product_catalog", "imports", rest @ ..]) => {
            imports::dispatch(shared, call, &caller, method, rest)
        }
        (Api::Stripe, method, ["v1", "data_management", "import_sets", rest @ ..]) => {
            import_sets::dispatch(shared, call, &caller, method, rest)
        }
        (Api::StripeFiles | Api::Stripe, method, ["v1", "files", rest @ ..]) => files::dispatch(shared, call, &caller, method, rest),
        _ => Err(StripeFault::new(404, "not_found", format!("there is no `{} {}` on this host", call.method, call.path))),
    };
    outcome.unwrap_or_else(|fault| generation.error(&fault))
}

/// Keeps what v1 keeps of a call that failed on the server: a 500 of a call that had begun.
pub(super) fn struck(shared: &Shared, call: &Call, answer: &Answer) {
    let begun = answer.status == 500 && call.method == "POST" && Generation::of(&call.path) == Generation::V1;
    if begun && let Ok(caller) = caller::caller(shared, call) {
        let scope = caller.scope();
        let mut world = shared.world();
        if matches!(world.ledger.look(&scope, call, KEEP_V1, shared.now()), Known::New) {
            world.ledger.keep(&scope, call, answer, shared.now());
        }
    }
}

/// An error that no endpoint gives.
pub(super) fn plain_error(status: u16, code: Option<&str>, message: &str) -> Answer {
    let kind = if status == 429 || status < 500 { "invalid_request_error" } else { "api_error" };
    let mut error = json!({"type": kind, "message": message});
    let code = code.or((status == 429).then_some("rate_limit"));
    if let Some(code) = code {
        error["code"] = json!(code);
    }
    Answer::json(status, json!({"error": error}))
}

/// The two generations of the API, which speak of errors in two ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Generation {
    V1,
    V2,
}

impl Generation {
    fn of(path: &str) -> Self {
        if path.starts_with("/v2/") { Self::V2 } else { Self::V1 }
    }

    fn error(self, fault: &StripeFault) -> Answer {
        let mut error = json!({"code": fault.code, "message": fault.message});
        match (self, fault.idempotency) {
            (Self::V1 | Self::V2, true) => error["type"] = json!("idempotency_error"),
            (Self::V1, false) => error["type"] = json!("invalid_request_error"),
            (Self::V2, false) => {}
        }
        if self == Self::V1
            && let Some(param) = &fault.param
        {
            error["param"] = json!(param);
        }
        Answer::json(fault.status, json!({"error": error}))
    }

    /// Does a request once for each idempotency key, the way of its generation.
    fn once(
        self,
        shared: &Shared,
        call: &Call,
        caller: &Caller,
        act: impl FnOnce() -> Result<Answer, StripeFault>,
    ) -> Result<Answer, StripeFault> {
        let keep = if self == Self::V1 { KEEP_V1 } else { KEEP_V2 };
        let known = shared.world().ledger.look(&caller.scope(), call, keep, shared.now());
        match known {
            Known::Done(answer) => Ok(*answer),
            Known::Other => {
                let message = "keys for idempotent requests can only be used with the parameters they were first used with";
                Err(StripeFault { idempotency: true, ..StripeFault::new(400, "idempotency_key_in_use", message) })
            }
            Known::Unusable => Err(StripeFault::new(400, "invalid_fields", "an `Idempotency-Key` has 1 to 255 characters")),
            // A request that does not pass validation was not begun, and is not kept.
            Known::New => {
                let answer = act()?;
                shared.world().ledger.keep(&caller.scope(), call, &answer, shared.now());
                Ok(answer)
            }
        }
    }
}

/// Why a call is refused.
#[derive(Debug)]
struct StripeFault {
    status: u16,
    code: &'static str,
    message: String,
    param: Option<String>,
    idempotency: bool,
}

impl StripeFault {
    fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), param: None, idempotency: false }
    }

    /// A parameter or field that cannot be used.
    fn field(name: &str, message: impl std::fmt::Display) -> Self {
        Self { param: Some(name.to_owned()), ..Self::new(400, "invalid_fields", format!("`{name}`: {message}")) }
    }

    fn method(call: &Call) -> Self {
        Self::new(405, "method_not_allowed", format!("`{}` has no {}", call.path, call.method))
    }
}

/// The spec whose rules judge a feed.
fn spec_of(feed_type: &str) -> &'static str {
    match feed_type {
        "inventory" => "stripe-inventory",
        "pricing" => "stripe-pricing",
        "promotion" => "stripe-promotion",
        _ => "stripe",
    }
}

/// A whole number as v2 writes it: a text.
fn counted(number: u64) -> Value {
    json!(number.to_string())
}

/// A moment as v2 writes it.
fn moment(at: jiff::Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}
