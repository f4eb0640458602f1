//! Feed resources that take products by PATCH: the open protocol's `/feeds`, OpenAI's
//! `/product_feeds`, which takes promotions too, and the Ads API, which changes items that an
//! upload brought. They differ in path, headers and whether feeds can be created.
//!
//! Products are upserted in batches, each with a key of its content. A batch that is refused is
//! sent again without the product that is named, or in halves, until the refused products stand
//! alone. Nothing can be deleted by PATCH: variants that are gone are read back and marked.

use super::address::Address;
use super::difference::{Difference, Gone};
use super::error::PushError;
use super::feed::Built;
use super::http::{Answer, Body, Call, Http};
use super::rows::Places;
use super::secret::{Secret, SecretRef};
use super::stripe::Way;
use super::{Desk, Destination, Part, ReadBack, Refused, Verdict, Work, digest, folder};
use crate::render::Compression;
use crate::render::file::{Output, WriteError};
use crate::state::{Intent, key_of};
use reqwest::Method;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

/// Which of them it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The Agentic Commerce Protocol, hosted by an agent.
    Acp,
    /// OpenAI's product feeds.
    Commerce,
    /// OpenAI's Ads API: changes of price, availability and title.
    Ads,
}

/// The keys of `deliver = { acp = ... }`, `{ product_feeds = ... }` and `{ ads = ... }` besides
/// the address.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Settings {
    /// The bearer.
    key: SecretRef,
    /// The feed; created at the first push unless given.
    feed: Option<String>,
    /// The country of a feed that is created, and of the products.
    target_country: Option<String>,
    /// The `API-Version` header.
    api_version: Option<String>,
    /// Most products of a request.
    #[serde(default = "batch_items")]
    batch_items: usize,
    /// Most bytes of a request, where one product does not pass it alone.
    #[serde(default = "batch_bytes")]
    batch_bytes: usize,
}

// No limit is published; these are ours, small enough for any gateway.
fn batch_items() -> usize {
    500
}

fn batch_bytes() -> usize {
    4_000_000
}

pub(super) struct Feeds {
    http: Http,
    feeds: Address,
    key: Secret,
    settings: Settings,
    api_version: String,
    kind: Kind,
    /// Whether the feed holds promotions instead of products.
    promotions: bool,
}

/// Halvings of refused batches in one delivery; a feed that is wrong throughout is not taken
/// apart product by product.
const MOST_SPLITS: u32 = 200;

/// A product, ready to be sent.
struct Line {
    id: String,
    json: String,
}

/// What only the id is read of.
#[derive(Deserialize)]
struct Head<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
}

impl Feeds {
    pub(super) fn new(base: &str, kind: Kind, settings: &Settings, way: &Way<'_>, rehearsal: bool) -> Result<Self, PushError> {
        let wrong = |message: String| PushError::Settings(format!("target `{}`: {message}", way.target));
        let base = Address::parse(base).map_err(|message| wrong(format!("deliver: {message}")))?;
        let key = settings.key.read(way.home).map_err(|message| wrong(format!("key: {message}")))?;
        let sound = |country: &String| country.len() == 2 && country.bytes().all(|b| b.is_ascii_uppercase());
        if settings.target_country.as_ref().is_some_and(|country| !sound(country)) {
            return Err(wrong("target_country: two capital letters (ISO 3166-1) are needed".to_owned()));
        }
        if settings.batch_items == 0 || settings.batch_bytes == 0 {
            return Err(wrong("batch_items and batch_bytes: at least 1 is needed".to_owned()));
        }
        let promotions = way.feed.ends_with("-promotions");
        if promotions && kind != Kind::Commerce {
            return Err(wrong("promotions are taken by `product_feeds` only".to_owned()));
        }
        if kind == Kind::Ads && settings.feed.is_none() {
            return Err(wrong("feed: the Ads API changes a feed that is there; name it".to_owned()));
        }
        let mut http = Http::new(way.shared, way.policy, way.limits, vec![key.clone()])?;
        if rehearsal {
            http = http.rehearsing(Box::new(|call| match call.method {
                Method::POST => json!({ "id": "(feed)" }),
                Method::GET => json!({ "products": [] }),
                _ => json!({ "id": "(feed)", "accepted": true }),
            }));
        }
        let version = if kind == Kind::Acp { "2026-04-17" } else { "2025-09-12" };
        Ok(Self {
            http,
            feeds: base.join(if kind == Kind::Commerce { "product_feeds" } else { "feeds" }),
            key,
            settings: settings.clone(),
            api_version: settings.api_version.clone().unwrap_or_else(|| version.to_owned()),
            kind,
            promotions,
        })
    }

    fn call<'a>(&'a self, what: &'a str, method: Method, address: Address) -> Call<'a> {
        let mut call = Call::new(what, method, address);
        call.bearer = Some(&self.key);
        if self.kind == Kind::Ads {
            return call;
        }
        call.header("API-Version", self.api_version.clone());
        if !self.http.is_rehearsal() {
            call.header("Request-Id", crate::clock::unique());
            call.header("Timestamp", format!("{:.0}", self.http.clock().timestamp()));
        }
        call
    }

    /// The feed: as set, as remembered, or a new one.
    async fn feed(&self, desk: &Desk<'_>, intent: &mut Intent) -> Result<String, PushError> {
        if let Some(feed) = &self.settings.feed {
            return Ok(feed.clone());
        }
        if let Some(feed) = desk.recall("feed").await? {
            return Ok(feed);
        }
        let key = desk.key(intent, "feed_key").await?;
        let mut call = self.call("creating the feed", Method::POST, self.feeds.clone());
        call.header("Idempotency-Key", key);
        let body = self.settings.target_country.as_ref().map_or_else(|| json!({}), |country| json!({ "target_country": country }));
        call.body = Body::Json(body.to_string());
        let made = self.http.send(&call).await?.json();
        let Some(id) = made.get("id").and_then(Value::as_str).filter(|id| is_plain(id)) else {
            return Err(PushError::Unknown("creating the feed: the answer has no `id` that an address could hold".to_owned()));
        };
        desk.keep("feed", id).await?;
        Ok(id.to_owned())
    }

    async fn products(&self, feed: &str) -> Result<Vec<Value>, PushError> {
        let call = self.call("reading the products back", Method::GET, self.feeds.join(feed).join("products"));
        let mut held = self.http.send(&call).await?.json();
        match held.get_mut("products").map(Value::take) {
            Some(Value::Array(products)) => Ok(products),
            _ => Err(PushError::Unknown("reading the products back: the answer has no list `products`".to_owned())),
        }
    }

    async fn verdict(&self, desk: &Desk<'_>, part: &Part, intent: &mut Intent) -> Result<Verdict, PushError> {
        let feed = self.feed(desk, intent).await?;
        if part.kind == "promotions" {
            return self.send_promotions(desk, &feed, part, intent).await;
        }
        let mut delivery = Batches {
            feeds: self,
            feed: feed.clone(),
            base: desk.key(intent, "key").await?,
            updates: Vec::new(),
            refused: Vec::new(),
            splits: 0,
        };
        let mut gone = self.gone(&feed, part).await?;
        let done = intent.remote.get("done").and_then(Value::as_u64).unwrap_or(0);
        let (mut number, mut taken) = (0u64, 0u64);
        let mut batch: Vec<Line> = Vec::new();
        let mut bytes = 0;
        let mut products = Products::of(products_of(part));
        loop {
            let line = match products.next()? {
                Some(text) => Some(product(text, &mut gone)?),
                None => gone.pop_first().map(|(id, product)| whole_gone(id, &product)),
            };
            let full = line
                .as_ref()
                .is_none_or(|line| batch.len() >= self.settings.batch_items || bytes + line.json.len() > self.settings.batch_bytes);
            if full && !batch.is_empty() {
                number += 1;
                let sent = std::mem::take(&mut batch);
                bytes = 0;
                taken += sent.len() as u64;
                if number > done {
                    delivery.send(sent).await?;
                    desk.remember(intent, "done", number).await?;
                }
            }
            let Some(line) = line else { break };
            bytes += line.json.len() + 1;
            batch.push(line);
        }
        let mut verdict = Verdict {
            taken: Some(taken.saturating_sub(delivery.refused.len() as u64)),
            refused: Some(delivery.refused.len() as u64),
            refusals: delivery.refused,
            ..Verdict::default()
        };
        verdict.remote.insert("feed".to_owned(), feed.into());
        if let Some(last) = delivery.updates.last() {
            verdict.remote.insert("feed_update_id".to_owned(), last.clone().into());
        }
        Ok(verdict)
    }

    /// Promotions, whose bodies go as they were built.
    async fn send_promotions(&self, desk: &Desk<'_>, feed: &str, part: &Part, intent: &mut Intent) -> Result<Verdict, PushError> {
        let done = intent.remote.get("done").and_then(Value::as_u64).unwrap_or(0);
        let base = desk.key(intent, "key").await?;
        for (number, path) in (1..).zip(&part.files).skip(usize::try_from(done).unwrap_or(usize::MAX)) {
            let text = std::fs::read_to_string(path).map_err(PushError::io(path))?;
            let mut call = self.call("sending promotions", Method::PATCH, self.feeds.join(feed).join("promotions"));
            call.header("Idempotency-Key", format!("{base}-{number}"));
            call.body = Body::Json(text);
            let answer = self.http.send(&call).await?;
            accepted(&self.http, "sending promotions", &answer)?;
            desk.remember(intent, "done", number).await?;
        }
        Ok(Verdict { taken: Some(part.items), ..Verdict::default() })
    }

    /// The products that hold variants which are gone, as the target holds them, with those
    /// variants marked. They are read back because nothing that is not there is invented.
    async fn gone(&self, feed: &str, part: &Part) -> Result<BTreeMap<String, Vec<Value>>, PushError> {
        let mut found = BTreeMap::new();
        let Some(path) = part.files.iter().find(|file| file.ends_with(GONE)) else { return Ok(found) };
        let text = std::fs::read_to_string(path).map_err(PushError::io(path))?;
        let wanted: HashSet<&str> = text.lines().collect();
        for product in self.products(feed).await? {
            let id = product.get("id").and_then(Value::as_str).unwrap_or("").to_owned();
            let variants = product.get("variants").and_then(Value::as_array).cloned().unwrap_or_default();
            let marked =
                variants.into_iter().filter(|variant| variant.get("id").and_then(Value::as_str).is_some_and(|id| wanted.contains(id)));
            let marked: Vec<Value> = marked
                .map(|mut variant| {
                    if let Some(variant) = variant.as_object_mut() {
                        variant.insert("availability".to_owned(), json!({ "available": false, "status": "discontinued" }));
                    }
                    variant
                })
                .collect();
            if !marked.is_empty() {
                found.insert(id, marked);
            }
        }
        Ok(found)
    }
}

/// The file of a delta that lists what is gone.
const GONE: &str = "gone.txt";

/// The files of a part that hold products.
fn products_of(part: &Part) -> Vec<PathBuf> {
    part.files.iter().filter(|file| !file.ends_with(GONE)).cloned().collect()
}

/// The products of files, one after the other: lines of JSON, or bodies that list them.
struct Products {
    files: std::vec::IntoIter<PathBuf>,
    path: PathBuf,
    lines: Option<BufReader<File>>,
    listed: std::vec::IntoIter<Box<RawValue>>,
    text: String,
}

/// A body that lists products.
#[derive(Deserialize)]
struct Listed {
    products: Vec<Box<RawValue>>,
}

impl Products {
    fn of(files: Vec<PathBuf>) -> Self {
        Self { files: files.into_iter(), path: PathBuf::new(), lines: None, listed: Vec::new().into_iter(), text: String::new() }
    }

    fn next(&mut self) -> Result<Option<&str>, PushError> {
        loop {
            if let Some(raw) = self.listed.next() {
                self.text.clear();
                self.text.push_str(raw.get());
                return Ok(Some(&self.text));
            }
            if let Some(lines) = &mut self.lines {
                self.text.clear();
                if lines.read_line(&mut self.text).map_err(PushError::io(&self.path))? > 0 {
                    break;
                }
                self.lines = None;
            }
            let Some(path) = self.files.next() else { return Ok(None) };
            if path.extension().is_some_and(|ending| ending == "jsonl") {
                self.lines = Some(BufReader::with_capacity(1 << 20, File::open(&path).map_err(PushError::io(&path))?));
            } else {
                let text = std::fs::read_to_string(&path).map_err(PushError::io(&path))?;
                let body: Listed = serde_json::from_str(&text).map_err(|error| PushError::Feed(format!("{}: {error}", path.display())))?;
                self.listed = body.products.into_iter();
            }
            self.path = path;
        }
        Ok(Some(self.text.trim_end()))
    }
}

/// One product of the feed; variants of it that are gone come with it.
fn product(text: &str, gone: &mut BTreeMap<String, Vec<Value>>) -> Result<Line, PushError> {
    let broken = |error: serde_json::Error| PushError::Feed(format!("a product that was built cannot be read: {error}"));
    let head: Head<'_> = serde_json::from_str(text).map_err(broken)?;
    let id = head.id.into_owned();
    let Some(marked) = gone.remove(&id) else { return Ok(Line { id, json: text.to_owned() }) };
    let mut product: Value = serde_json::from_str(text).map_err(broken)?;
    if let Some(variants) = product.get_mut("variants").and_then(Value::as_array_mut) {
        variants.extend(marked);
    }
    Ok(Line { id, json: product.to_string() })
}

/// A product of which nothing is left.
fn whole_gone(id: String, variants: &[Value]) -> Line {
    let json = json!({ "id": id, "variants": variants }).to_string();
    Line { id, json }
}

/// Batches on their way.
struct Batches<'a> {
    feeds: &'a Feeds,
    feed: String,
    base: String,
    updates: Vec<String>,
    refused: Vec<Refused>,
    splits: u32,
}

impl Batches<'_> {
    /// Sends a batch, and takes it apart where the target refuses it.
    async fn send(&mut self, batch: Vec<Line>) -> Result<(), PushError> {
        let http = &self.feeds.http;
        let mut waiting = vec![batch];
        while let Some(mut batch) = waiting.pop() {
            if batch.is_empty() {
                continue;
            }
            let error = match self.once(&batch).await {
                Ok(update) => {
                    self.updates.extend(update);
                    continue;
                }
                Err(error) => error,
            };
            let PushError::Refused { status: status @ (200 | 400 | 413 | 422), message, path, .. } = &error else { return Err(error) };
            if let Some((place, rest)) = path.as_deref().and_then(named_product).filter(|(place, _)| *place < batch.len()) {
                let line = batch.remove(place);
                self.refused.push(refused(&line, &rest, http.clean(message)));
                waiting.push(batch);
            } else if batch.len() == 1 {
                self.refused.extend(batch.iter().map(|line| refused(line, path.as_deref().unwrap_or(""), http.clean(message))));
            } else if self.splits < MOST_SPLITS {
                let second = batch.split_off(batch.len() / 2);
                waiting.push(second);
                waiting.push(batch);
            } else {
                let (status, message) = (*status, format!("{message}; too many products are refused to tell them apart"));
                return Err(PushError::Refused { what: "sending products".to_owned(), status, message, path: None });
            }
            self.splits += 1;
        }
        Ok(())
    }

    async fn once(&self, batch: &[Line]) -> Result<Option<String>, PushError> {
        let mut body = String::from("{");
        if let Some(country) = &self.feeds.settings.target_country
            && self.feeds.kind == Kind::Commerce
        {
            body.push_str(&format!("\"target_country\":\"{country}\","));
        }
        body.push_str("\"products\":[");
        for (place, line) in batch.iter().enumerate() {
            if place > 0 {
                body.push(',');
            }
            body.push_str(&line.json);
        }
        body.push_str("]}");
        let mut call = self.feeds.call("sending products", Method::PATCH, self.feeds.feeds.join(&self.feed).join("products"));
        // The same content of the same delivery has the same key, whichever run sends it.
        let content: String = digest([body.as_str()]).chars().take(16).collect();
        call.header("Idempotency-Key", format!("{}-{content}", self.base));
        call.body = Body::Json(body);
        let answer = self.feeds.http.send(&call).await?;
        accepted(&self.feeds.http, "sending products", &answer)?;
        Ok(answer.json().get("feed_update_id").and_then(Value::as_str).map(|id| self.feeds.http.clean(id)))
    }
}

/// A success whose body says that it is none is none.
fn accepted(http: &Http, what: &str, answer: &Answer) -> Result<(), PushError> {
    let json = answer.json();
    if json.get("accepted") == Some(&Value::Bool(true)) {
        return Ok(());
    }
    let said = if json.is_object() { json.to_string() } else { String::from_utf8_lossy(&answer.body).into_owned() };
    let message = format!("the answer is {}, but does not say `accepted`: {}", answer.status, http.clean(&said));
    Err(PushError::Refused { what: what.to_owned(), status: answer.status, message, path: None })
}

/// The place of a product that a path names, and the rest of the path.
fn named_product(path: &str) -> Option<(usize, String)> {
    let path = path.trim_start_matches("$.").trim_start_matches('/');
    let rest = path.strip_prefix("products")?;
    let rest = rest.strip_prefix('[').or_else(|| rest.strip_prefix('.')).or_else(|| rest.strip_prefix('/'))?;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    let rest = rest.get(digits.len()..)?.trim_start_matches([']', '.', '/']);
    Some((digits.parse().ok()?, rest.to_owned()))
}

/// A refusal at the variant that the path names, else at the product.
fn refused(line: &Line, path: &str, message: String) -> Refused {
    let names: Vec<&str> = path.split(['.', '[', ']', '/']).filter(|name| !name.is_empty()).collect();
    let place = names.iter().position(|name| *name == "variants").and_then(|at| names.get(at + 1)?.parse::<usize>().ok());
    let product: Value = serde_json::from_str(&line.json).unwrap_or_default();
    let variants = product.get("variants").and_then(Value::as_array);
    let only = variants.filter(|variants| variants.len() == 1).and_then(|variants| variants.first());
    let variant = place.and_then(|place| variants?.get(place)).or(only);
    let item = variant.and_then(|variant| variant.get("id")).and_then(Value::as_str).unwrap_or(&line.id).to_owned();
    let is_name = |name: &&&str| name.parse::<usize>().is_err() && !matches!(**name, "products" | "variants" | "$");
    let field = names.iter().find(is_name).map(|name| (*name).to_owned());
    Refused { item: Some(item), field, message, code: None }
}

/// Whether an id can stand in an address as it is.
fn is_plain(id: &str) -> bool {
    !id.is_empty()
        && id.len() <= 200
        && id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | b'(' | b')'))
        && id != ".."
        && id != "."
}

impl Destination for Feeds {
    fn describe(&self) -> String {
        format!("products by PATCH at {}", self.feeds)
    }

    fn http(&self) -> Option<&Http> {
        Some(&self.http)
    }

    fn formats(&self) -> &'static [&'static str] {
        &["jsonl", "json"]
    }

    fn parts(&self, built: &Built, difference: &Difference, folder: &Path) -> Result<Vec<Part>, PushError> {
        let whole = folder::whole(built);
        if self.promotions {
            return Ok(vec![Part { name: "promotions".to_owned(), kind: "promotions", ..whole }]);
        }
        // The Ads API knows of what is there only: it is told of changes, never of everything.
        let all = difference.first && self.kind != Kind::Ads;
        if all && difference.gone.is_empty() {
            return Ok(vec![Part { name: "products".to_owned(), kind: "products", ..whole }]);
        }
        let removes = self.kind != Kind::Ads;
        Ok(changed(built, difference, all, removes, folder)?.into_iter().collect())
    }

    fn deliver<'a>(&'a self, desk: &'a Desk<'a>, part: &'a Part, intent: &'a mut Intent) -> Work<'a, Verdict> {
        Box::pin(self.verdict(desk, part, intent))
    }

    fn read_back<'a>(&'a self, desk: &'a Desk<'a>) -> Work<'a, Option<ReadBack>> {
        Box::pin(async move {
            if self.kind == Kind::Ads || self.promotions {
                return Ok(None);
            }
            let feed = match &self.settings.feed {
                Some(feed) => Some(feed.clone()),
                None => desk.recall("feed").await?,
            };
            let Some(feed) = feed else { return Ok(None) };
            let mut held = ReadBack::default();
            for product in self.products(&feed).await? {
                for variant in product.get("variants").and_then(Value::as_array).into_iter().flatten() {
                    let gone = variant.pointer("/availability/status").and_then(Value::as_str) == Some("discontinued");
                    held.items.extend(variant.get("id").and_then(Value::as_str).filter(|_| !gone).map(str::to_owned));
                }
            }
            Ok(Some(held))
        })
    }
}

/// The products of which something changed, and the ids of variants that are gone.
fn changed(built: &Built, difference: &Difference, all: bool, removes: bool, folder: &Path) -> Result<Option<Part>, PushError> {
    let written = |error: WriteError| PushError::Io { path: error.path, source: error.source };
    let mut products: HashSet<u128> = HashSet::new();
    let mut places = Places::open(built, 0, 1)?;
    let mut items = 0;
    while let Some(place) = places.next()? {
        if all || difference.marks.get(place).is_some_and(|mark| *mark != 0) {
            products.insert(key_of(places.product()));
            items += 1;
        }
    }
    let gone: &[Gone] = if removes { &difference.gone } else { &[] };
    products.extend(gone.iter().filter(|gone| !gone.group.is_empty()).map(|gone| key_of(&gone.group)));
    if products.is_empty() && gone.is_empty() {
        return Ok(None);
    }
    let mut output = Output::create(&folder.join("products.jsonl"), Compression::None).map_err(written)?;
    let mut whole = Products::of(built.files.iter().map(|file| built.path(file)).collect());
    while let Some(text) = whole.next()? {
        let head: Head<'_> =
            serde_json::from_str(text).map_err(|error| PushError::Feed(format!("a product that was built cannot be read: {error}")))?;
        if products.contains(&key_of(&head.id)) {
            output.write(text.as_bytes()).and_then(|()| output.write(b"\n")).map_err(written)?;
        }
    }
    let output = output.finish().map_err(written)?;
    let mut part = Part {
        name: "products".to_owned(),
        kind: "products",
        files: vec![output.path().to_owned()],
        content: output.blake3.clone(),
        items,
        bytes: output.bytes,
    };
    output.publish().map_err(written)?;
    if !gone.is_empty() {
        let path = folder.join(GONE);
        let text: String = gone.iter().flat_map(|gone| [gone.item.as_str(), "\n"]).collect();
        crate::render::file::write_text(&path, &text).map_err(written)?;
        part.content = digest([part.content.as_str(), &text]);
        part.items += gone.len() as u64;
        part.files.push(path);
    }
    Ok(Some(part))
}

#[cfg(test)]
mod tests {
    use super::{Line, named_product, refused};

    #[test]
    fn paths_lead_to_the_variant_and_its_field() {
        for path in [
            "$.products[3].variants[1].price.amount",
            "products[3].variants[1].price.amount",
            "/products/3/variants/1/price/amount",
            "products.3.variants.1.price",
        ] {
            let (place, rest) = named_product(path).expect("a product");
            assert_eq!(place, 3, "{path}");
            let line = Line { id: "P".to_owned(), json: r#"{"id":"P","variants":[{"id":"A"},{"id":"B"}]}"#.to_owned() };
            let refused = refused(&line, &rest, "no".to_owned());
            assert_eq!((refused.item.as_deref(), refused.field.as_deref()), (Some("B"), Some("price")), "{path}");
        }
        assert!(named_product("products").is_none() && named_product("target_country").is_none());
    }
}
