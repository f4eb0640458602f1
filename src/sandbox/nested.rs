//! Feeds made by API: nested products, upserted by id. Two APIs share them and differ in paths,
//! versions and statuses, which their own modules know.

use super::Api;
use super::call::Answer;
use super::shape::{Flaw, Shape, optional, required};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

static DESCRIPTION: Shape =
    Shape::Object(&[optional("plain", &Shape::Text), optional("html", &Shape::Text), optional("markdown", &Shape::Text)], 1);
static PRICE: Shape = Shape::Object(&[required("amount", &Shape::Integer(0)), required("currency", &Shape::Letters(3))], 0);
static AVAILABILITY: Shape = Shape::Object(&[optional("available", &Shape::Flag), optional("status", &Shape::Text)], 0);
static BARCODE: Shape = Shape::Object(&[required("type", &Shape::Text), required("value", &Shape::Text)], 0);
static MEDIA: Shape = Shape::Object(
    &[
        required("type", &Shape::Text),
        required("url", &Shape::Address),
        optional("alt_text", &Shape::Text),
        optional("width", &Shape::Integer(i64::MIN)),
        optional("height", &Shape::Integer(i64::MIN)),
    ],
    0,
);
static OPTION: Shape = Shape::Object(&[required("name", &Shape::Text), required("value", &Shape::Text)], 0);
static CATEGORY: Shape = Shape::Object(&[required("value", &Shape::Text), optional("taxonomy", &Shape::Text)], 0);
static LINK: Shape = Shape::Object(&[required("type", &Shape::Text), optional("title", &Shape::Text), required("url", &Shape::Address)], 0);
static SELLER: Shape = Shape::Object(&[optional("name", &Shape::Text), optional("links", &Shape::List(&LINK, 0))], 0);
static MEASURE: Shape = Shape::Object(&[required("value", &Shape::Number), required("unit", &Shape::Text)], 0);
static REFERENCE: Shape = Shape::Object(&[required("value", &Shape::Integer(i64::MIN)), required("unit", &Shape::Text)], 0);
static UNIT_PRICE: Shape = Shape::Object(
    &[
        required("amount", &Shape::Integer(0)),
        required("currency", &Shape::Letters(3)),
        required("measure", &MEASURE),
        required("reference", &REFERENCE),
    ],
    0,
);

macro_rules! variant {
    ($($more:expr),*) => {
        Shape::Object(
            &[
                required("id", &Shape::Id),
                required("title", &Shape::Text),
                optional("description", &DESCRIPTION),
                optional("url", &Shape::Address),
                optional("barcodes", &Shape::List(&BARCODE, 0)),
                optional("price", &PRICE),
                optional("list_price", &PRICE),
                optional("unit_price", &UNIT_PRICE),
                optional("availability", &AVAILABILITY),
                optional("categories", &Shape::List(&CATEGORY, 0)),
                optional("condition", &Shape::List(&Shape::Text, 0)),
                optional("variant_options", &Shape::List(&OPTION, 0)),
                optional("media", &Shape::List(&MEDIA, 0)),
                optional("seller", &SELLER),
                $($more),*
            ],
            0,
        )
    };
}

macro_rules! product {
    ($variant:ident) => {
        Shape::Object(
            &[
                required("id", &Shape::Id),
                optional("title", &Shape::Text),
                optional("description", &DESCRIPTION),
                optional("url", &Shape::Address),
                optional("media", &Shape::List(&MEDIA, 0)),
                required("variants", &Shape::List(&$variant, 0)),
            ],
            0,
        )
    };
}

static VARIANT: Shape = variant!();
static MARKETPLACE_VARIANT: Shape = variant!(optional("marketplace", &SELLER));
static PRODUCT: Shape = product!(VARIANT);
static MARKETPLACE_PRODUCT: Shape = product!(MARKETPLACE_VARIANT);

/// A body that creates a feed.
pub(super) static CREATE: Shape = Shape::Object(&[optional("target_country", &Shape::Letters(2))], 0);
/// A body that upserts products, as the standard draws it.
pub(super) static STANDARD_UPSERT: Shape = Shape::Object(&[required("products", &Shape::List(&MARKETPLACE_PRODUCT, 1))], 0);
/// A body that upserts products, as OpenAI draws it.
pub(super) static UPSERT: Shape =
    Shape::Object(&[optional("target_country", &Shape::Letters(2)), required("products", &Shape::List(&PRODUCT, 1))], 0);

static PERIOD: Shape = Shape::Object(&[required("start_time", &Shape::Moment), required("end_time", &Shape::Moment)], 0);
static BENEFIT: Shape = Shape::Object(
    &[
        required("type", &Shape::OneOf(&["amount_off", "percent_off", "free_shipping"])),
        optional("amount_off", &PRICE),
        optional("percent_off", &Shape::Number),
    ],
    0,
);
static APPLIES: Shape = Shape::Object(&[required("product_id", &Shape::Id), optional("variant_ids", &Shape::List(&Shape::Id, 0))], 0);
/// A body that upserts promotions: a bare list.
pub(super) static PROMOTIONS: Shape = Shape::List(
    &Shape::Object(
        &[
            required("id", &Shape::Id),
            required("title", &Shape::Text),
            optional("description", &DESCRIPTION),
            optional("status", &Shape::Text),
            required("active_period", &PERIOD),
            required("benefits", &Shape::List(&BENEFIT, 1)),
            optional("applies_to", &Shape::List(&APPLIES, 0)),
            optional("url", &Shape::Address),
        ],
        0,
    ),
    1,
);

/// A feed as tests see it.
#[derive(Clone, Debug)]
pub struct FeedState {
    /// The API it was made by.
    pub api: Api,
    /// Its id.
    pub id: String,
    /// Its market.
    pub target_country: Option<String>,
    /// Its products, in the order they first came.
    pub products: Vec<Value>,
    /// Its promotions.
    pub promotions: Vec<Value>,
    /// The ids of the updates it took, oldest first.
    pub updates: Vec<String>,
}

/// A feed.
#[derive(Debug)]
pub(super) struct NestedFeed {
    state: FeedState,
    updated_at: Timestamp,
    /// By product: the update that last touched it.
    touched: Map<String, Value>,
}

/// All feeds made by API.
#[derive(Debug, Default)]
pub(super) struct Feeds(Vec<NestedFeed>);

impl Feeds {
    /// Makes a feed.
    pub(super) fn create(&mut self, api: Api, target_country: Option<String>, now: Timestamp) -> &mut NestedFeed {
        let id = format!("feed_{:06}", self.0.len() + 1);
        self.take(api, id, target_country, now)
    }

    /// Takes a feed of this id for made.
    pub(super) fn take(&mut self, api: Api, id: String, target_country: Option<String>, now: Timestamp) -> &mut NestedFeed {
        let state = FeedState { api, id, target_country, products: Vec::new(), promotions: Vec::new(), updates: Vec::new() };
        self.0.push(NestedFeed { state, updated_at: now, touched: Map::new() });
        let last = self.0.len() - 1;
        &mut self.0[last]
    }

    /// The feed of an id, if this API made it.
    pub(super) fn find(&mut self, api: Api, id: &str) -> Option<&mut NestedFeed> {
        self.0.iter_mut().find(|feed| feed.state.api == api && feed.state.id == id)
    }

    /// All feeds as tests see them.
    pub(super) fn states(&self) -> Vec<FeedState> {
        self.0.iter().map(|feed| feed.state.clone()).collect()
    }
}

impl NestedFeed {
    /// What the feed says of itself.
    pub(super) fn metadata(&self) -> Value {
        let mut metadata = json!({"id": self.state.id, "updated_at": self.updated_at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()});
        if let Some(country) = &self.state.target_country {
            metadata["target_country"] = json!(country);
        }
        metadata
    }

    /// The id.
    pub(super) fn id(&self) -> &str {
        &self.state.id
    }

    /// The market.
    pub(super) fn target_country(&self) -> Option<&str> {
        self.state.target_country.as_deref()
    }

    /// Sets the market.
    pub(super) fn set_target_country(&mut self, country: &str) {
        self.state.target_country = Some(country.to_owned());
    }

    /// The products; with the update that last touched each, where the client's version knows it.
    pub(super) fn products(&self, with_updates: bool) -> Vec<Value> {
        let mut products = self.state.products.clone();
        for product in products.iter_mut().filter(|_| with_updates) {
            let touched = product["id"].as_str().and_then(|id| self.touched.get(id)).cloned();
            if let Some(update) = touched {
                product["last_update_id"] = update;
            }
        }
        products
    }

    /// The promotions.
    pub(super) fn promotions(&self) -> &[Value] {
        &self.state.promotions
    }

    /// Takes products, each whole, by id; gives the update's own id.
    pub(super) fn upsert(&mut self, products: &[Value], now: Timestamp) -> String {
        let update = format!("upd_{}_{:04}", self.state.id, self.state.updates.len() + 1);
        for product in products {
            if let Some(id) = product["id"].as_str() {
                self.touched.insert(id.to_owned(), json!(update));
            }
            // What the server sets is ignored on input.
            let mut product = product.clone();
            if let Some(fields) = product.as_object_mut() {
                fields.shift_remove("last_update_id");
            }
            put(&mut self.state.products, product);
        }
        self.updated_at = now;
        self.state.updates.push(update.clone());
        update
    }

    /// Takes promotions by id.
    pub(super) fn upsert_promotions(&mut self, promotions: &[Value], now: Timestamp) {
        for promotion in promotions {
            put(&mut self.state.promotions, promotion.clone());
        }
        self.updated_at = now;
    }
}

/// Puts an object in the place of the one with its id, or at the end.
fn put(into: &mut Vec<Value>, object: Value) {
    match into.iter_mut().find(|known| known["id"] == object["id"]) {
        Some(known) => *known = object,
        None => into.push(object),
    }
}

/// An id that occurs twice in one request: which of the two would count is not said.
pub(super) fn twice(objects: &[Value], path: &str) -> Option<Flaw> {
    let place = (1..objects.len()).find(|place| objects[..*place].iter().any(|before| before["id"] == objects[*place]["id"]))?;
    let message = format!("{} occurs twice in the request", objects[place]["id"]);
    Some(Flaw { path: format!("{path}[{place}].id"), message })
}

/// An error: flat, as the standard draws it.
pub(super) fn error(status: u16, code: &str, message: &str, param: Option<&str>) -> Answer {
    let kind = if status >= 500 { "service_unavailable" } else { "invalid_request" };
    let mut body = json!({"type": kind, "code": code, "message": message});
    if let Some(param) = param.filter(|param| !param.is_empty()) {
        body["param"] = json!(param);
    }
    Answer::json(status, body)
}
