//! Feed resources that take objects by PATCH: the open protocol's `/feeds`, OpenAI's
//! `/product_feeds`, which takes promotions too, and the Ads API, which changes items that an
//! upload brought. They differ in path, headers and whether feeds can be created.
//!
//! [`change`] writes what is to be sent, [`batch`] sends it in requests of limited size and
//! takes a refused one apart, [`refusal`] reads the paths that refusals name, [`held`] reads
//! what the target holds. Nothing can be deleted by PATCH: what is gone is read back, because
//! nothing that is not there is invented, and marked.

mod batch;
mod change;
mod held;
mod object;
mod refusal;

use super::address::Address;
use super::difference::Difference;
use super::error::PushError;
use super::feed::Built;
use super::http::{Call, Http};
use super::stripe::Way;
use super::{Desk, Destination, Part, ReadBack, Verdict, Work, folder};
use crate::secret::{Secret, SecretRef};
use crate::state::Intent;
use batch::Batches;
use object::{Line, Objects};
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;

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
    /// The target whose feed it is, where another target made it.
    feed_of: Option<String>,
    /// The country of a feed that is created, and of the products.
    target_country: Option<String>,
    /// The `API-Version` header.
    api_version: Option<String>,
    /// Most objects of a request.
    #[serde(default = "batch_items")]
    batch_items: usize,
    /// Most bytes of a request, where one object does not pass it alone.
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
    /// What the feed lists: `products` or `promotions`.
    list: &'static str,
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
        if settings.feed.as_ref().is_some_and(|feed| !is_plain(feed)) {
            return Err(wrong("feed: this is no id that an address could hold".to_owned()));
        }
        if settings.feed.is_some() && settings.feed_of.is_some() {
            return Err(wrong("feed and feed_of: give one of them".to_owned()));
        }
        let promotions = way.feed.ends_with("-promotions");
        if promotions && kind != Kind::Commerce {
            return Err(wrong("promotions are taken by `product_feeds` only".to_owned()));
        }
        if promotions && settings.feed.is_none() && settings.feed_of.is_none() {
            let message = "promotions belong to the feed of the products: name it with `feed`, or the target that made it with `feed_of`";
            return Err(wrong(message.to_owned()));
        }
        if kind == Kind::Ads && settings.feed.is_none() {
            return Err(wrong("feed: the Ads API changes a feed that is there; name it".to_owned()));
        }
        let mut http = Http::new(way.shared, way.policy, way.limits, vec![key.clone()])?;
        if rehearsal {
            http = http.rehearsing(Box::new(|call| match call.method {
                Method::POST => json!({ "id": "(feed)" }),
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
            list: if promotions { "promotions" } else { "products" },
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

    /// The list of a feed.
    fn listed(&self, feed: &str) -> Address {
        self.feeds.join(feed).join(self.list)
    }

    /// The feed, where it is set or remembered.
    async fn known(&self, desk: &Desk<'_>) -> Result<Option<String>, PushError> {
        if let Some(feed) = &self.settings.feed {
            return Ok(Some(feed.clone()));
        }
        let Some(other) = &self.settings.feed_of else { return desk.recall("feed").await };
        match desk.memory.recall(other, desk.account, "feed").await? {
            Some(feed) => Ok(Some(feed)),
            None if self.http.is_rehearsal() => Ok(Some("(feed)".to_owned())),
            None => Err(PushError::Settings(format!("target `{}`: feed_of: `{other}` has made no feed yet; push it first", desk.target))),
        }
    }

    /// The feed: as set, as remembered, or a new one.
    async fn feed(&self, desk: &Desk<'_>) -> Result<String, PushError> {
        if let Some(feed) = self.known(desk).await? {
            return Ok(feed);
        }
        // Kept apart from what is sent: whatever is sent first, the feed is created once.
        let key = match desk.recall("feed_key").await? {
            Some(key) => key,
            None => {
                let key = crate::clock::unique();
                desk.keep("feed_key", &key).await?;
                key
            }
        };
        let mut call = self.call("creating the feed", Method::POST, self.feeds.clone());
        call.header("Idempotency-Key", key);
        let body = self.settings.target_country.as_ref().map_or_else(|| json!({}), |country| json!({ "target_country": country }));
        call.body = super::http::Body::Json(body.to_string());
        let made = self.http.send(&call).await?.json();
        let Some(id) = made.get("id").and_then(Value::as_str).filter(|id| is_plain(id)) else {
            return Err(PushError::Unknown("creating the feed: the answer has no `id` that an address could hold".to_owned()));
        };
        desk.keep("feed", id).await?;
        Ok(id.to_owned())
    }

    async fn verdict(&self, desk: &Desk<'_>, part: &Part, intent: &mut Intent) -> Result<Verdict, PushError> {
        let feed = self.feed(desk).await?;
        let mut gone = self.gone(desk, &feed, part).await?;
        let mut batches = Batches::begin(self, desk, &feed, intent).await?;
        let mut objects = Objects::of(change::objects(part));
        let mut place = 0;
        while let Some(text) = objects.next()? {
            let line = Line::read(text, &mut gone)?;
            place += 1;
            // An earlier run may have got this far.
            if place > batches.done() {
                batches.add(line).await?;
            }
        }
        for (_, whole) in std::mem::take(&mut gone) {
            batches.add(Line::gone(&whole)).await?;
        }
        batches.end().await
    }

    /// What holds something that is gone, as the target holds it.
    async fn gone(&self, desk: &Desk<'_>, feed: &str, part: &Part) -> Result<BTreeMap<String, Value>, PushError> {
        let wanted = change::gone(part)?;
        let mut found = BTreeMap::new();
        if wanted.is_empty() {
            return Ok(found);
        }
        held::each(self, desk, feed, &mut |object| {
            if let Some((id, marked)) = held::marked(object, &wanted) {
                found.insert(id, marked);
            }
        })
        .await?;
        Ok(found)
    }
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
        format!("{} by PATCH at {}", self.list, self.feeds)
    }

    fn http(&self) -> Option<&Http> {
        Some(&self.http)
    }

    fn formats(&self) -> &'static [&'static str] {
        &["jsonl", "json"]
    }

    fn parts(&self, built: &Built, difference: &Difference, folder: &Path) -> Result<Vec<Part>, PushError> {
        if difference.first && difference.gone.is_empty() {
            return Ok(vec![Part { name: self.list.to_owned(), kind: self.list, ..folder::whole(built) }]);
        }
        let manner = if self.kind == Kind::Ads { change::Manner::Fields } else { change::Manner::Objects };
        Ok(change::part(built, difference, manner, self.list, folder)?.into_iter().collect())
    }

    fn deliver<'a>(&'a self, desk: &'a Desk<'a>, part: &'a Part, intent: &'a mut Intent) -> Work<'a, Verdict> {
        Box::pin(async move {
            let ended = self.verdict(desk, part, intent).await;
            ended.map_err(|error| match error {
                // It is not made again by itself: what it held, and who reads it, is not known.
                PushError::Refused { what, status: 404, message, path } => {
                    PushError::Refused { what, status: 404, message: format!("{message}; name the feed that is there with `feed`"), path }
                }
                other => other,
            })
        })
    }

    fn read_back<'a>(&'a self, desk: &'a Desk<'a>) -> Work<'a, Option<ReadBack>> {
        Box::pin(async move {
            if self.kind == Kind::Ads {
                return Ok(None);
            }
            let Some(feed) = self.known(desk).await? else { return Ok(None) };
            let mut read = ReadBack::default();
            held::each(self, desk, &feed, &mut |object| held::ids(&object, &mut read.items)).await?;
            Ok(Some(read))
        })
    }
}
