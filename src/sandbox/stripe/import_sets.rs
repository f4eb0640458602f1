//! Import sets (v1): a stored file is taken into the catalog; preview versions only.
//!
//! A list of import sets is shown nowhere in the documents, so there is none here.

use super::catalog::{Taken, Uploaded};
use super::files::Contents;
use super::{Caller, Generation, ImportState, Stripe, StripeFault, storage};
use crate::sandbox::Shared;
use crate::sandbox::call::{Answer, Call};
use crate::sandbox::fault::Twist;
use crate::sandbox::judge::{self, Judgement};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use tempfile::NamedTempFile;

/// The formats that were seen, and the feeds they are.
const FORMATS: [(&str, &str); 2] = [("product_catalog_feed", "product"), ("inventory_feed", "inventory")];

/// An import set.
#[derive(Debug)]
pub(super) struct ImportSet {
    id: String,
    account: String,
    live: bool,
    created: Timestamp,
    format: &'static str,
    feed_type: &'static str,
    file: Arc<NamedTempFile>,
    delimiter: u8,
    blake3: String,
    judgement: Judgement,
    polls: u32,
    twist: Option<Twist>,
    end: Option<Result<(Taken, Option<String>), String>>,
}

impl ImportSet {
    fn status(&self) -> &'static str {
        match &self.end {
            None => "pending",
            Some(Ok((taken, _))) if taken.refused.is_empty() => "succeeded",
            Some(Ok(_)) => "succeeded_with_errors",
            Some(Err(_)) => "failed",
        }
    }

    fn object(&self) -> Value {
        let (failed_reason, result) = match &self.end {
            None => (Value::Null, Value::Null),
            Some(Err(reason)) => (json!(reason), Value::Null),
            Some(Ok((taken, report))) => {
                let refused = taken.refused.len() as u64;
                let result = json!({
                    "rows_processed": taken.taken + refused,
                    "objects_created": taken.created,
                    "successes": {"row_count": taken.taken},
                    "errors": {"file": report, "row_count": refused},
                    "skipped_by_filter": 0,
                    "skipped_duplicates": 0,
                });
                (Value::Null, result)
            }
        };
        json!({
            "id": self.id,
            "object": "data_management.import_set",
            "created": self.created.as_second(),
            "status": self.status(),
            "failed_reason": failed_reason,
            "result": result,
        })
    }

    /// Tests see it like this.
    pub(super) fn state(&self) -> ImportState {
        let (taken, refused) = match &self.end {
            Some(Ok((taken, _))) => (taken.taken, taken.refused.len() as u64),
            _ => (0, 0),
        };
        ImportState {
            id: self.id.clone(),
            account: self.account.clone(),
            live: self.live,
            feed_type: self.format.to_owned(),
            mode: "upsert".to_owned(),
            metadata: BTreeMap::new(),
            status: self.status().to_owned(),
            taken,
            refused,
            uploads: 1,
            blake3: Some(self.blake3.clone()),
        }
    }
}

/// Answers a call.
pub(super) fn dispatch(shared: &Shared, call: &Call, caller: &Caller, method: &str, rest: &[&str]) -> Result<Answer, StripeFault> {
    if !caller.version.has_import_sets() {
        let message = "import sets need a preview version, such as 2025-12-15.preview or 2025-09-30.clover;udap_beta=v1";
        return Err(StripeFault::new(400, "unsupported_version", message));
    }
    match (method, rest) {
        ("POST", []) => Generation::V1.once(shared, call, caller, || create(shared, call, caller)),
        ("GET", [id]) => {
            let stripe = &mut shared.world().stripe;
            let own = |set: &ImportSet| set.id == *id && set.account == caller.account && set.live == caller.live;
            let place = stripe.sets.iter().position(own);
            let place = place.ok_or_else(|| StripeFault::new(404, "resource_missing", format!("no such import set: `{id}`")))?;
            stripe.advance_set(place, call.twist, caller, shared);
            Ok(Answer::json(200, stripe.sets[place].object()))
        }
        (_, [] | [_]) => Err(StripeFault::method(call)),
        _ => Err(StripeFault::new(404, "not_found", format!("there is no `{}`", call.path))),
    }
}

fn create(shared: &Shared, call: &Call, caller: &Caller) -> Result<Answer, StripeFault> {
    if call.media() != "application/x-www-form-urlencoded" {
        return Err(StripeFault::new(400, "invalid_fields", "parameters are sent as `application/x-www-form-urlencoded`"));
    }
    let form: Vec<(String, String)> = url::form_urlencoded::parse(call.bytes()).into_owned().collect();
    if let Some((odd, _)) = form.iter().find(|(name, _)| !matches!(name.as_str(), "file" | "standard_data_format")) {
        return Err(StripeFault::field(odd, "this parameter is not known"));
    }
    let one = |name: &str| -> Result<&str, StripeFault> {
        let value = form.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
        value.filter(|value| !value.is_empty()).ok_or_else(|| StripeFault::field(name, "this parameter is required"))
    };
    let (file, format) = (one("file")?, one("standard_data_format")?);
    let names = FORMATS.map(|(name, _)| name).join(", ");
    let known = FORMATS.iter().find(|(name, _)| *name == format);
    let (format, feed_type) = *known.ok_or_else(|| StripeFault::field("standard_data_format", format!("one of {names} is expected")))?;
    let found = {
        let world = shared.world();
        let file = world.stripe.files.iter().find(|stored| stored.id == file && stored.is_of(caller));
        file.and_then(|stored| match &stored.contents {
            Contents::Uploaded(contents) => Some((Arc::clone(contents), stored.media.clone())),
            Contents::Report(_) => None,
        })
    };
    let (contents, media) = found.ok_or_else(|| StripeFault::field("file", format!("no such file: `{file}`")))?;
    let (word, delimiter) = storage::format(&media).unwrap_or(("csv", b','));
    let judgement = judge::judge(contents.path(), super::spec_of(feed_type), Some(word), judge::date(shared.now()));
    let sets = &mut shared.world().stripe.sets;
    let set = ImportSet {
        id: format!("impset_{:06}", sets.len() + 1),
        account: caller.account.clone(),
        live: caller.live,
        created: shared.now(),
        format,
        feed_type,
        blake3: crate::sandbox::call::digest(&contents),
        file: contents,
        delimiter,
        judgement,
        polls: 0,
        twist: call.twist,
        end: None,
    };
    let object = set.object();
    sets.push(set);
    Ok(Answer::json(200, object))
}

impl Stripe {
    /// An import set is looked at: it may come to its end now.
    fn advance_set(&mut self, place: usize, twist: Option<Twist>, caller: &Caller, shared: &Shared) {
        let Some(set) = self.sets.get_mut(place) else { return };
        let twist = twist.or(set.twist);
        if set.end.is_some() || twist == Some(Twist::NeverDone) {
            return;
        }
        set.polls += 1;
        let failure = match twist {
            Some(Twist::BodyFailed) => Some("the sandbox was asked to let it fail".to_owned()),
            _ if set.polls <= shared.options.polls_until_done => return,
            _ => set.judgement.failure.clone(),
        };
        if let Some(failure) = failure {
            set.end = Some(Err(failure));
            return;
        }
        let (file, judgement) = (Arc::clone(&set.file), set.judgement.clone());
        let feed = Uploaded { path: file.path(), delimiter: set.delimiter, feed_type: set.feed_type, replace: false };
        let end = self.catalog(&caller.account, caller.live).take(feed, &judgement).map_err(|error| error.to_string());
        let end = end.map(|taken| {
            let report = (!taken.refused.is_empty()).then(|| {
                let (bytes, name) = (Arc::clone(&taken.report), "errors.csv".to_owned());
                let size = bytes.len() as u64;
                self.store(caller, name, "text/csv".to_owned(), size, Contents::Report(bytes), shared.now()).id.clone()
            });
            (taken, report)
        });
        if let Some(set) = self.sets.get_mut(place) {
            set.end = Some(end);
        }
    }
}
