//! The Ads API for feeds: feeds, SFTP access, uploads with diagnostics, deltas.
//!
//! Documents leave open how lists are wrapped (`data` for feeds, `uploads` for uploads here), how a
//! filter is written (`field`, `operator`, `values`), and what a delta for an unknown item does: one
//! client reports 422, which is done here. A file arrives over SFTP, where the user is the feed's id.

use super::acp::Refused;
use super::call::{Answer, Call};
use super::fault::Twist;
#[cfg(feature = "sftp")]
use super::sftp::Proof;
use super::shape::{Flaw, Shape, optional, required};
use super::snapshot::{self, Diagnostic, Snapshot};
use super::stripe::Row;
use super::{AdsFeedState, Shared, World, judge};
use crate::product::money::Currency;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

static CREATE: Shape = Shape::Object(&[required("name", &Shape::Id), required("countries", &Shape::List(&Shape::Letters(2), 1))], 0);
static ACCESS: Shape =
    Shape::Object(&[required("authentication_method", &Shape::OneOf(&["password", "ssh_key"])), optional("ssh_public_key", &Shape::Id)], 0);
static PRICE: Shape = Shape::Object(&[required("amount", &Shape::Integer(0)), required("currency", &Shape::Letters(3))], 0);
static AVAILABILITY: Shape = Shape::Object(&[optional("available", &Shape::Flag), optional("status", &Shape::Text)], 0);
static VARIANT: Shape = Shape::Object(
    &[required("id", &Shape::Id), optional("title", &Shape::Text), optional("price", &PRICE), optional("availability", &AVAILABILITY)],
    0,
);
static PRODUCT: Shape = Shape::Object(&[required("id", &Shape::Id), required("variants", &Shape::List(&VARIANT, 1))], 0);
static DELTA: Shape = Shape::Object(&[required("products", &Shape::List(&PRODUCT, 1))], 0);
static FILTER: Shape = Shape::Object(
    &[
        required("field", &Shape::Id),
        required("operator", &Shape::OneOf(&["in", "gt", "gte", "lt", "lte"])),
        required("values", &Shape::List(&Shape::Text, 1)),
    ],
    0,
);
static QUERY: Shape = Shape::Object(&[optional("filters", &Shape::List(&FILTER, 0)), optional("limit", &Shape::Integer(1))], 0);

/// A feed of an advertiser.
#[derive(Debug)]
pub(super) struct AdsFeed {
    id: String,
    name: String,
    countries: Vec<String>,
    created: Timestamp,
    archived: bool,
    access: Option<Access>,
    items: BTreeMap<String, Row>,
    uploads: Vec<Upload>,
    /// A folder from which somebody carries files here, and what has come from there.
    watched: Option<(PathBuf, Vec<(String, String)>)>,
}

#[derive(Debug)]
struct Access {
    method: String,
    /// The public key that was given with it.
    #[cfg(feature = "sftp")]
    key: Option<String>,
    enabled: bool,
}

#[derive(Debug)]
struct Upload {
    id: String,
    looks: u32,
    twist: Option<Twist>,
    snapshot: Snapshot,
}

impl Upload {
    fn eligible(&self) -> usize {
        self.snapshot.rows.iter().filter(|row| row.get("is_ads_eligible").is_some_and(|flag| flag == "true")).count()
    }

    fn status(&self) -> &'static str {
        match (self.looks, self.twist) {
            (0 | 1, _) => "received",
            (2, _) | (_, Some(Twist::NeverDone)) => "processing",
            (_, Some(Twist::BodyFailed)) => "failed",
            _ if self.snapshot.judgement.failure.is_some() => "failed",
            _ if self.snapshot.diagnostics.iter().any(|found| found.severity == "error") => "completed_with_errors",
            _ => "completed",
        }
    }

    fn record(&self, feed: &str) -> Value {
        let status = self.status();
        let over = !matches!(status, "received" | "processing");
        let (rows, accepted) = (self.snapshot.judgement.rows, self.snapshot.rows.len() as u64);
        let count = |number: u64| if over { number } else { 0 };
        let found = self
            .snapshot
            .diagnostics
            .iter()
            .filter(|_| over)
            .map(|found| json!({"code": found.code, "severity": found.severity, "field": found.field, "rows_affected": found.rows}));
        json!({
            "feed_id": feed,
            "upload_id": self.id,
            "status": status,
            "rows_accepted": count(accepted),
            "rows_rejected": count(rows.saturating_sub(accepted)),
            "rows_ads_eligible": count(self.eligible() as u64),
            "diagnostics": found.collect::<Vec<_>>(),
        })
    }
}

impl AdsFeed {
    /// A feed without access, items or uploads.
    pub(super) fn new(id: String, name: String, countries: Vec<String>, created: Timestamp) -> Self {
        Self { id, name, countries, created, archived: false, access: None, items: BTreeMap::new(), uploads: Vec::new(), watched: None }
    }

    /// Takes what comes to lie in a folder.
    pub(super) fn watch(&mut self, folder: &Path) {
        self.watched = Some((folder.to_owned(), Vec::new()));
    }

    /// Looks for files that nobody has carried here yet.
    fn look(&mut self, today: jiff::civil::Date) {
        let Some((folder, known)) = &mut self.watched else { return };
        let mut found = Vec::new();
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let Ok(digest) =
                std::fs::File::open(entry.path()).and_then(|file| Ok(*blake3::Hasher::new().update_reader(file)?.finalize().as_bytes()))
            else {
                continue;
            };
            let seen = (name.clone(), blake3::Hash::from(digest).to_hex().to_string());
            if !name.starts_with('.') && !known.contains(&seen) {
                known.push(seen);
                found.push((name, entry.path()));
            }
        }
        found.sort();
        for (name, path) in found {
            self.receive(&name, snapshot::read(&path, "openai-ads", today), None);
        }
    }

    /// Takes rows in, by item.
    pub(super) fn take(&mut self, rows: impl Iterator<Item = (String, Row)>) {
        self.items.extend(rows);
    }

    fn object(&self) -> Value {
        json!({
            "feed_id": self.id,
            "name": self.name,
            "countries": self.countries,
            "created_at": self.created.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            "archived": self.archived,
        })
    }

    fn access(&self, address: &str) -> Value {
        match &self.access {
            None => json!({"enabled": false, "connection_uri": null, "authentication_method": null}),
            Some(access) => json!({
                "enabled": access.enabled,
                "connection_uri": format!("sftp://{}@{address}/", self.id),
                "authentication_method": access.method,
            }),
        }
    }

    /// Whether its access was made for this proof, and is not paused.
    #[cfg(feature = "sftp")]
    pub(super) fn lets_in(&self, proof: Proof<'_>) -> bool {
        let Some(access) = self.access.as_ref().filter(|access| access.enabled) else { return false };
        match proof {
            Proof::Password(shown) => access.method == "password" && shown == password(&self.id),
            Proof::Key(shown) => {
                let known = access.key.as_deref().and_then(|key| russh::keys::PublicKey::from_openssh(key).ok());
                access.method == "ssh_key" && known.is_some_and(|known| known.key_data() == shown.key_data())
            }
        }
    }

    /// Tests see it like this.
    pub(super) fn state(&self) -> AdsFeedState {
        AdsFeedState {
            id: self.id.clone(),
            name: self.name.clone(),
            countries: self.countries.clone(),
            items: self.items.clone(),
            uploads: self.uploads.iter().map(|upload| (upload.id.clone(), upload.status().to_owned())).collect(),
        }
    }

    /// A file has arrived in the feed's folder. Items that are no longer in it stay: they are kept
    /// for up to 14 days.
    pub(super) fn receive(&mut self, name: &str, snapshot: Snapshot, twist: Option<Twist>) {
        let endings = [".parquet", ".jsonl.gz", ".csv.gz", ".tsv.gz", ".csv"];
        let refused = if name.contains('/') {
            Some("invalid_sftp_directory_layout")
        } else if endings.iter().any(|ending| name.ends_with(ending)) {
            None
        } else {
            Some("unsupported_file_type")
        };
        let mut snapshot = snapshot;
        if let Some(code) = refused {
            snapshot = Snapshot { diagnostics: vec![Diagnostic::of_file(code)], ..Snapshot::default() };
            snapshot.judgement.failure = Some(code.to_owned());
        }
        let rows = snapshot.rows.iter().filter_map(|row| Some((row.get("item_id")?.clone(), row.clone())));
        self.items.extend(rows);
        let id = format!("upload_{}_{:03}", self.id, self.uploads.len() + 1);
        self.uploads.push(Upload { id, looks: 0, twist, snapshot });
    }
}

impl World {
    /// The advertiser's feed of an id.
    pub(super) fn ads_feed(&mut self, id: &str) -> Option<&mut AdsFeed> {
        self.ads.iter_mut().find(|feed| feed.id == id)
    }
}

/// An error as it was seen live.
pub(super) fn error(status: u16, code: &str, message: &str, param: Option<&str>) -> Answer {
    let kind = if status >= 500 { "server_error" } else { "invalid_request_error" };
    Answer::json(status, json!({"error": {"message": message, "type": kind, "param": param, "code": code}}))
}

/// Answers a call.
pub(super) fn answer(shared: &Shared, call: &Call) -> Answer {
    let token = call.header("authorization").and_then(|value| value.strip_prefix("Bearer ")).filter(|token| !token.trim().is_empty());
    let keys = &shared.options.keys;
    if !token.is_some_and(|token| keys.is_empty() || keys.iter().any(|key| key.secret == token)) {
        return error(401, "invalid_api_key", "an Advertiser API key is required as bearer token", None);
    }
    dispatch(shared, call).unwrap_or_else(|refusal| *refusal)
}

fn dispatch(shared: &Shared, call: &Call) -> Result<Answer, Box<Answer>> {
    let address = shared.sftp.clone();
    let with = |id: &str, act: &dyn Fn(&mut AdsFeed) -> Result<Answer, Box<Answer>>| {
        let mut world = shared.world();
        let unknown = || Box::new(error(404, "feed_not_found", "the account has no such feed", Some("feed_id")));
        act(world.ads_feed(id).ok_or_else(unknown)?)
    };
    match (call.method.as_str(), call.segments().as_slice()) {
        ("POST", ["feeds"]) => {
            let body = body(call, &CREATE)?;
            let name = body["name"].as_str().unwrap_or_default().to_owned();
            if name.chars().count() > 255 {
                return Err(Box::new(error(400, "invalid_value", "a name has at most 255 characters", Some("name"))));
            }
            let countries =
                body["countries"].as_array().into_iter().flatten().filter_map(|code| code.as_str().map(str::to_owned)).collect();
            let mut world = shared.world();
            let id = format!("adsfeed_{:06}", world.ads.len() + 1);
            let feed = AdsFeed::new(id, name, countries, shared.now());
            let object = feed.object();
            world.ads.push(feed);
            Ok(Answer::json(200, object))
        }
        ("GET", ["feeds"]) => {
            let counted = call.query.iter().any(|(name, value)| name.starts_with("include") && value == "product_count");
            let world = shared.world();
            let feeds = world.ads.iter().map(|feed| {
                let mut object = feed.object();
                if counted {
                    object["product_count"] = json!(feed.items.len());
                }
                object
            });
            Ok(Answer::json(200, json!({"data": feeds.collect::<Vec<_>>()})))
        }
        ("GET", ["feeds", "uploads"]) => {
            let mut records = Vec::new();
            let today = judge::date(shared.now());
            for feed in &mut shared.world().ads {
                feed.look(today);
                for upload in &mut feed.uploads {
                    upload.looks += 1;
                    upload.twist = call.twist.or(upload.twist);
                    records.push(upload.record(&feed.id));
                }
            }
            Ok(Answer::json(200, json!({"uploads": records})))
        }
        ("POST", ["feeds", id, "sftp_access"]) => {
            let body = body(call, &ACCESS)?;
            let method = body["authentication_method"].as_str().unwrap_or_default().to_owned();
            if method == "ssh_key" && body.get("ssh_public_key").is_none() {
                return Err(Box::new(error(400, "missing_field", "`ssh_key` needs `ssh_public_key`", Some("ssh_public_key"))));
            }
            with(id, &|feed| {
                feed.access = Some(Access {
                    method: method.clone(),
                    #[cfg(feature = "sftp")]
                    key: body["ssh_public_key"].as_str().map(str::to_owned),
                    enabled: true,
                });
                let mut access = feed.access(&address);
                if method == "password" {
                    access["password"] = json!(password(&feed.id));
                }
                Ok(Answer::json(200, access))
            })
        }
        ("GET", ["feeds", id, "sftp_access"]) => with(id, &|feed| Ok(Answer::json(200, feed.access(&address)))),
        ("POST", ["feeds", id, "sftp_access", word @ ("pause" | "activate")]) => with(id, &|feed| {
            let Some(access) = &mut feed.access else {
                return Err(Box::new(error(400, "no_sftp_access", "the feed has no SFTP access yet", None)));
            };
            access.enabled = *word == "activate";
            Ok(Answer::json(200, feed.access(&address)))
        }),
        ("POST", ["feeds", id, "archive"]) => with(id, &|feed| {
            feed.archived = true;
            Ok(Answer::json(200, feed.object()))
        }),
        ("POST", ["feeds", id, "products", "query"]) => {
            let query = body(call, &QUERY)?;
            with(id, &|feed| Ok(Answer::json(200, matching(feed, &query))))
        }
        ("PATCH", ["feeds", id, "products"]) => {
            let delta = body(call, &DELTA)?;
            if let Some(Flaw { path, message }) = super::acp::broken(shared, &delta, "products", "openai-ads-delta") {
                return Err(Box::new(error(400, "invalid_value", &message, Some(&path))));
            }
            with(id, &|feed| {
                if call.twist == Some(Twist::BodyFailed) {
                    return Ok(Answer::json(200, json!({"id": feed.id, "accepted": false})));
                }
                change(feed, &delta)?;
                Ok(Answer::json(200, json!({"id": feed.id, "accepted": true})))
            })
        }
        _ => Err(Box::new(error(404, "not_found", &format!("there is no `{} {}`", call.method, call.path), None))),
    }
}

/// The password of a feed's SFTP access; it guards nothing.
pub(super) fn password(feed: &str) -> String {
    blake3::hash(format!("sftp {feed}").as_bytes()).to_hex().chars().take(24).collect()
}

fn body(call: &Call, shape: &Shape) -> Result<Value, Box<Answer>> {
    super::acp::json_body(call, shape).map_err(|refusal| {
        Box::new(match refusal {
            Refused::Media => error(415, "unsupported_media_type", "the body must be declared as `application/json`", None),
            Refused::Shape(Flaw { path, message }) => error(400, "invalid_value", &message, Some(&path)),
        })
    })
}

/// Changes price, stock and title of items that are there; all of the request or nothing.
fn change(feed: &mut AdsFeed, delta: &Value) -> Result<(), Box<Answer>> {
    let variants = || {
        let products = delta["products"].as_array().into_iter().flatten().enumerate();
        products.flat_map(|(place, product)| {
            let variants = product["variants"].as_array().into_iter().flatten().enumerate();
            variants.map(move |(number, variant)| (format!("products[{place}].variants[{number}]"), product, variant))
        })
    };
    let mut seen = Vec::new();
    for (path, product, variant) in variants() {
        let id = variant["id"].as_str().unwrap_or_default();
        if seen.contains(&id) {
            return Err(Box::new(error(400, "duplicate_variant", "an item occurs twice in the request", Some(&format!("{path}.id")))));
        }
        seen.push(id);
        let Some(row) = feed.items.get(id) else {
            return Err(Box::new(error(422, "unknown_variant", &format!("no item has the id `{id}`"), Some(&format!("{path}.id")))));
        };
        let group = row.get("group_id").map_or(id, String::as_str);
        if product["id"] != group {
            let message = format!("`{id}` belongs to `{group}`");
            return Err(Box::new(error(422, "unknown_product", &message, Some(&format!("{path}.id")))));
        }
    }
    for (_, _, variant) in variants() {
        let Some(row) = variant["id"].as_str().and_then(|id| feed.items.get_mut(id)) else { continue };
        if let Some(title) = variant["title"].as_str() {
            row.insert("title".to_owned(), title.to_owned());
        }
        if let (Some(amount), Some(currency)) = (variant["price"]["amount"].as_i64(), variant["price"]["currency"].as_str()) {
            let digits = Currency::parse(currency).map_or(2, Currency::digits);
            let amount = rust_decimal::Decimal::new(amount, digits);
            row.insert("price".to_owned(), format!("{amount} {currency}"));
        }
        let available = variant["availability"]["available"].as_bool().map(|flag| if flag { "in_stock" } else { "out_of_stock" });
        if let Some(status) = variant["availability"]["status"].as_str().or(available) {
            row.insert("availability".to_owned(), status.to_owned());
        }
    }
    Ok(())
}

fn matching(feed: &AdsFeed, query: &Value) -> Value {
    let number = |text: &str| text.split(' ').next().and_then(|text| text.parse::<rust_decimal::Decimal>().ok());
    let fits = |row: &Row, filter: &Value| {
        let value = row.get(filter["field"].as_str().unwrap_or_default()).map(String::as_str).unwrap_or_default();
        let mut wanted = filter["values"].as_array().into_iter().flatten().filter_map(Value::as_str);
        match filter["operator"].as_str().unwrap_or_default() {
            "gt" => wanted.any(|wanted| number(value) > number(wanted)),
            "gte" => wanted.any(|wanted| number(value) >= number(wanted)),
            "lt" => wanted.any(|wanted| number(value) < number(wanted)),
            "lte" => wanted.any(|wanted| number(value) <= number(wanted)),
            _ => wanted.any(|wanted| wanted == value),
        }
    };
    let found = feed.items.values().filter(|row| query["filters"].as_array().into_iter().flatten().all(|filter| fits(row, filter)));
    let found: Vec<&Row> = found.collect();
    let limit = query["limit"].as_u64().and_then(|limit| usize::try_from(limit).ok()).unwrap_or(found.len());
    json!({"products": found.iter().take(limit).collect::<Vec<_>>(), "total_count": feed.items.len(), "matched_count": found.len()})
}
