//! Batches: objects in requests of limited size, each with a key of its content.
//!
//! A request that is refused is sent again without the object that the refusal names, or in
//! halves, until the refused objects stand alone; the others are taken. How far it got and what
//! was refused is on disk after each batch, so that a run that dies loses no refusal.

use super::super::error::PushError;
use super::super::http::{Answer, Body, Http};
use super::super::{Desk, Refused, Verdict, digest};
use super::object::Line;
use super::refusal::{self, Spot};
use super::{Feeds, Kind};
use crate::state::Intent;
use reqwest::Method;
use serde_json::Value;

/// Requests by which refused batches are taken apart in one delivery; a feed that is wrong
/// throughout is not taken apart object by object.
const MOST_SPLITS: u32 = 200;

/// How many objects of the feed are sent, as remembered.
const DONE: &str = "done";
/// What was refused, as remembered.
const REFUSED: &str = "refused";
/// The last update's id, as remembered.
const UPDATE: &str = "feed_update_id";

/// Batches on their way.
pub(super) struct Batches<'a> {
    feeds: &'a Feeds,
    desk: &'a Desk<'a>,
    intent: &'a mut Intent,
    feed: &'a str,
    /// What keys begin with: the delivery's own.
    base: String,
    /// What stands around the objects of a request.
    frame: (String, &'static str),
    waiting: Vec<Line>,
    /// Bytes of the request in the making.
    bytes: usize,
    done: u64,
    rows: u64,
    refused: Vec<Refused>,
    update: Option<String>,
    splits: u32,
}

impl<'a> Batches<'a> {
    /// Takes up what an earlier run remembered.
    pub(super) async fn begin(feeds: &'a Feeds, desk: &'a Desk<'a>, feed: &'a str, intent: &'a mut Intent) -> Result<Self, PushError> {
        let base = desk.key(intent, "key").await?;
        let country = feeds.settings.target_country.as_ref().filter(|_| feeds.kind == Kind::Commerce);
        let frame = match (feeds.list, country) {
            ("promotions", _) => ("[".to_owned(), "]"),
            (_, Some(country)) => (format!("{{\"target_country\":\"{country}\",\"products\":["), "]}"),
            (_, None) => ("{\"products\":[".to_owned(), "]}"),
        };
        let recalled = intent.remote.get(REFUSED).cloned().unwrap_or_default();
        Ok(Self {
            done: intent.remote.get(DONE).and_then(Value::as_u64).unwrap_or(0),
            refused: serde_json::from_value(recalled).unwrap_or_default(),
            update: intent.word(UPDATE).map(str::to_owned),
            feeds,
            desk,
            intent,
            feed,
            base,
            frame,
            waiting: Vec::new(),
            bytes: 0,
            rows: 0,
            splits: 0,
        })
    }

    /// Objects of the feed that an earlier run has sent.
    pub(super) fn done(&self) -> u64 {
        self.done
    }

    /// Sends an object with the next batch.
    pub(super) async fn add(&mut self, line: Line) -> Result<(), PushError> {
        let settings = &self.feeds.settings;
        let room = self.waiting.len() < settings.batch_items && self.bytes + 1 + line.json.len() <= settings.batch_bytes;
        if !room {
            self.flush().await?;
        }
        self.bytes += if self.waiting.is_empty() { self.frame.0.len() + self.frame.1.len() } else { 1 } + line.json.len();
        self.waiting.push(line);
        Ok(())
    }

    /// Sends what waits, and says what became of everything.
    pub(super) async fn end(mut self) -> Result<Verdict, PushError> {
        self.flush().await?;
        let refused = self.refused.len() as u64;
        let mut verdict = Verdict {
            taken: Some(self.rows.saturating_sub(refused)),
            refused: Some(refused),
            refusals: self.refused,
            ..Verdict::default()
        };
        verdict.remote.insert("feed".to_owned(), self.feed.into());
        if let Some(update) = self.update {
            verdict.remote.insert(UPDATE.to_owned(), update.into());
        }
        Ok(verdict)
    }

    async fn flush(&mut self) -> Result<(), PushError> {
        let batch = std::mem::take(&mut self.waiting);
        self.bytes = 0;
        if batch.is_empty() {
            return Ok(());
        }
        let built = batch.iter().filter(|line| line.is_built).count() as u64;
        self.rows += batch.iter().map(|line| line.rows).sum::<u64>();
        self.send(batch).await?;
        self.done += built;
        if !self.refused.is_empty() {
            self.intent.remote.insert(REFUSED.to_owned(), serde_json::to_value(&self.refused).unwrap_or_default());
        }
        if let Some(update) = &self.update {
            self.intent.remote.insert(UPDATE.to_owned(), update.as_str().into());
        }
        self.desk.remember(self.intent, DONE, self.done).await
    }

    /// Sends a batch, and takes it apart where the target refuses it.
    async fn send(&mut self, batch: Vec<Line>) -> Result<(), PushError> {
        let http = &self.feeds.http;
        let (all, mut unplaced) = (batch.len(), 0);
        let mut waiting = vec![batch];
        while let Some(mut batch) = waiting.pop() {
            let error = match self.once(&batch).await {
                Ok(update) => {
                    self.update = update.or(self.update.take());
                    continue;
                }
                Err(error) => error,
            };
            let PushError::Refused { status: 200 | 400 | 413 | 422, message, path, .. } = &error else { return Err(error) };
            let path = path.as_deref().unwrap_or("");
            let said = http.clean(message);
            let spot = Spot::read(path, self.feeds.list).filter(|spot| spot.object < batch.len());
            if self.splits >= MOST_SPLITS {
                return Err(self.too_many(&error, &said));
            }
            self.splits += 1;
            if let Some(spot) = spot {
                let line = batch.remove(spot.object);
                // Where a change names rows, the others of the object can go without this one.
                let rest = spot.variant.filter(|_| self.feeds.kind == Kind::Ads).and_then(|variant| line.without(variant));
                self.refused.extend(refusal::of(&line, &spot, &said, rest.is_some()));
                batch.extend(rest);
                if !batch.is_empty() {
                    waiting.push(batch);
                }
            } else if refusal::is_about_the_request(path, self.feeds.list) {
                return Err(error);
            } else if batch.len() == 1 {
                unplaced += 1;
                if all > 1 && unplaced == all {
                    // What strikes every object, and names none, is not theirs.
                    self.refused.truncate(self.refused.len().saturating_sub(unplaced - 1));
                    return Err(error);
                }
                self.refused.extend(batch.iter().flat_map(|line| refusal::of(line, &Spot::default(), &said, false)));
            } else {
                let second = batch.split_off(batch.len() / 2);
                waiting.push(second);
                waiting.push(batch);
            }
        }
        Ok(())
    }

    fn too_many(&self, error: &PushError, said: &str) -> PushError {
        let status = if let PushError::Refused { status, .. } = error { *status } else { 0 };
        let message = format!("{said}; too many {} are refused to tell them apart", self.feeds.list);
        PushError::Refused { what: format!("sending {}", self.feeds.list), status, message, path: None }
    }

    async fn once(&self, batch: &[Line]) -> Result<Option<String>, PushError> {
        let mut body = self.frame.0.clone();
        for (place, line) in batch.iter().enumerate() {
            if place > 0 {
                body.push(',');
            }
            body.push_str(&line.json);
        }
        body.push_str(self.frame.1);
        let what = format!("sending {}", self.feeds.list);
        let mut call = self.feeds.call(&what, Method::PATCH, self.feeds.listed(self.feed));
        // The same content of the same delivery has the same key, whichever run sends it.
        let content: String = digest([body.as_str()]).chars().take(16).collect();
        call.header("Idempotency-Key", format!("{}-{content}", self.base));
        call.body = Body::Json(body);
        let answer = self.feeds.http.send(&call).await?;
        accepted(&self.feeds.http, &what, &answer)?;
        Ok(answer.json().get(UPDATE).and_then(Value::as_str).map(|id| self.feeds.http.clean(id)))
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
