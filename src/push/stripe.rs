//! What both of Stripe's ways in share: keys, versions, accounts, error reports.

use super::address::Address;
use super::error::PushError;
use super::http::{Call, Http, Limits};
use super::retry::Policy;
use super::rows::Manner;
use super::shared::Shared;
use super::{Desk, Part, Refused, Verdict};
use crate::secret::{Secret, SecretRef};
use reqwest::Method;
use serde::Deserialize;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// The keys of `deliver = { stripe = ... }`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Settings {
    /// The interface: `v2` (product catalog imports) or `v1` (files and import sets).
    pub(super) stripe: String,
    /// `live` or `test`; compared with the key before the first request.
    pub(super) mode: String,
    /// The secret key, or a restricted one.
    pub(super) key: SecretRef,
    /// `upsert`, or `replace`, by which products that are not in the file are deleted for good.
    #[serde(default = "upsert")]
    pub(super) import: String,
    /// The `Stripe-Version` header.
    pub(super) version: Option<String>,
    /// The header that names a connected account.
    pub(super) account_header: Option<String>,
    /// Where the interface is.
    #[serde(default = "api_base")]
    pub(super) api_base: String,
    /// Where files are uploaded to and read from, with `v1`.
    #[serde(default = "files_base")]
    pub(super) files_base: String,
    /// Most bytes of a file.
    pub(super) limit_bytes: Option<u64>,
    /// Whether prices and stock go alone where nothing else changed.
    #[serde(default = "yes")]
    pub(super) split: bool,
}

fn upsert() -> String {
    "upsert".to_owned()
}

pub(super) fn api_base() -> String {
    "https://api.stripe.com".to_owned()
}

pub(super) fn files_base() -> String {
    "https://files.stripe.com".to_owned()
}

fn yes() -> bool {
    true
}

/// The columns of the price and the stock feed, and what they are sent as.
const PRICES: (&str, &[&str]) = ("pricing", &["id", "price", "sale_price", "sale_price_effective_date"]);
const STOCK: (&str, &[&str]) = ("inventory", &["id", "availability", "availability_date", "inventory_quantity"]);

/// An interface, ready to be asked.
pub(super) struct Api {
    pub(super) http: Http,
    pub(super) base: Address,
    pub(super) files: Address,
    key: Secret,
    version: String,
    account_header: &'static str,
    account: String,
    pub(super) replace: bool,
    pub(super) manner: Manner,
}

impl Api {
    /// Checks settings and key; nothing is asked yet.
    pub(super) fn new(settings: &Settings, way: &Way<'_>) -> Result<Self, PushError> {
        let wrong = |message: String| PushError::Settings(format!("target `{}`: {message}", way.target));
        let is_v1 = settings.stripe == "v1";
        let key = settings.key.read(way.home).map_err(|message| wrong(format!("key: {message}")))?;
        check_mode(&key, &settings.mode).map_err(&wrong)?;
        let replace = match settings.import.as_str() {
            "upsert" => false,
            "replace" if is_v1 => return Err(wrong("import: `replace` is known for `stripe = \"v2\"` only".to_owned())),
            "replace" => true,
            other => return Err(wrong(format!("import: `{other}` is neither `upsert` nor `replace`"))),
        };
        let account_header = match settings.account_header.as_deref() {
            None if is_v1 => "Stripe-Account",
            None | Some("Stripe-Context") => "Stripe-Context",
            Some("Stripe-Account") => "Stripe-Account",
            Some(other) => return Err(wrong(format!("account_header: `{other}` is neither Stripe-Account nor Stripe-Context"))),
        };
        let kind = match way.feed.strip_prefix("stripe") {
            Some("") => "product",
            Some("-inventory") => "inventory",
            Some("-pricing") => "pricing",
            Some("-promotion") => "promotion",
            _ => return Err(wrong(format!("a feed for `{}` cannot be delivered to Stripe", way.feed))),
        };
        if replace && kind != "product" {
            return Err(wrong(format!("import: `replace` is for the product feed only, and this is the {kind} feed")));
        }
        let default_version = match (is_v1, kind) {
            (true, _) => "2025-12-15.preview",
            (false, _) => "2026-06-24.dahlia",
        };
        let is_product = kind == "product";
        let alone = settings.split && is_product;
        let manner = Manner {
            whole: kind,
            // No import set for prices is documented.
            prices: (alone && !is_v1).then_some(PRICES),
            stock: alone.then_some(STOCK),
            delete_by: match kind {
                "product" => Some("id"),
                "promotion" => Some("promotion_id"),
                _ => None,
            },
            limit: settings.limit_bytes.unwrap_or(if is_v1 { 200_000_000 } else { 4_000_000_000 }),
            always_whole: replace,
        };
        let address = |text: &str, name: &str| Address::parse(text).map_err(|message| wrong(format!("{name}: {message}")));
        Ok(Self {
            http: Http::new(way.shared, way.policy, way.limits, vec![key.clone()])?,
            base: address(&settings.api_base, "api_base")?,
            files: address(&settings.files_base, "files_base")?,
            key,
            version: settings.version.clone().unwrap_or_else(|| default_version.to_owned()),
            account_header,
            account: way.account.to_owned(),
            replace,
            manner,
        })
    }

    /// A request with everything Stripe wants in front.
    pub(super) fn call<'a>(&'a self, what: &'a str, method: Method, address: Address) -> Call<'a> {
        let mut call = Call::new(what, method, address);
        call.bearer = Some(&self.key);
        call.header("Stripe-Version", self.version.clone());
        if !self.account.is_empty() {
            call.header(self.account_header, self.account.clone());
        }
        call
    }

    /// Asks for an object until its status is one of `ends`. A status that is not known is none;
    /// `what` says what it is and its id.
    pub(super) async fn wait(&self, desk: &Desk<'_>, address: &Address, what: (&str, &str), ends: &[&str]) -> Result<Value, PushError> {
        let asking = format!("asking for the {}", what.0);
        let since = self.http.clock().elapsed();
        let mut asked = 0;
        loop {
            let answer = self.http.send(&self.call(&asking, Method::GET, address.clone())).await;
            let object = answer.map_err(PushError::after_sending)?.json();
            let status = text(&object, "/status");
            if ends.contains(&status) || self.http.is_rehearsal() {
                return Ok(object);
            }
            if !desk.poll.wait(&self.http, asked, since).await {
                let ((what, id), status) = (what, self.http.clean(status));
                return Err(PushError::Unknown(format!("the {what} {id} is `{status}` still; `feedmill status` asks again")));
            }
            asked += 1;
        }
    }
}

/// What stands at a place of an answer, where it is text.
pub(super) fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or("")
}

/// The file of a part, and its media type.
pub(super) fn upload_of(part: &Part) -> (PathBuf, &'static str) {
    let path = part.files.first().cloned().unwrap_or_default();
    let is_tab = path.extension().is_some_and(|ending| ending == "tsv");
    (path, if is_tab { "text/tab-separated-values" } else { "text/csv" })
}

/// What every way in is made with.
pub(super) struct Way<'a> {
    pub(super) target: &'a str,
    /// The spec's target name.
    pub(super) feed: &'a str,
    pub(super) account: &'a str,
    pub(super) home: &'a Path,
    pub(super) shared: &'a Shared,
    pub(super) policy: Policy,
    pub(super) limits: Limits,
}

/// Compares the key's prefix with the mode that was declared.
fn check_mode(key: &Secret, mode: &str) -> Result<(), String> {
    let wanted = match mode {
        "live" => "live",
        "test" | "sandbox" => "test",
        other => return Err(format!("mode: `{other}` is neither `live` nor `test`")),
    };
    let mut words = key.expose().split('_');
    let kind = words.next().unwrap_or("");
    let found = words.find(|word| *word != "org").unwrap_or("");
    if !matches!(kind, "sk" | "rk") || !matches!(found, "live" | "test") {
        return Err(format!("key: {} holds no secret or restricted key of Stripe (sk_live_, sk_test_, rk_live_, rk_test_)", key.origin()));
    }
    if found != wanted {
        return Err(format!("key: {} holds a {found} key, but the target's mode is `{mode}`; nothing was sent", key.origin()));
    }
    Ok(())
}

/// Refusals kept of one report; all are counted.
pub(super) const MOST_REFUSALS: usize = 10_000;

/// Reads an error report: the rejected rows, with what is wrong in a column in front. `samples`
/// know the fields, which the report does not.
pub(super) fn read_report(path: &Path, http: &Http, verdict: &mut Verdict) {
    let named: Vec<Refused> = std::mem::take(&mut verdict.refusals);
    let Ok(mut reader) = csv::ReaderBuilder::new().flexible(true).from_path(path) else {
        verdict.refusals = named;
        verdict.notes.push("the error report cannot be read; only the samples are shown".to_owned());
        return;
    };
    let header = reader.headers().cloned().unwrap_or_default();
    let column = |names: &[&str]| header.iter().position(|name| names.contains(&name.trim_start_matches('\u{feff}')));
    let (Some(message), Some(id)) = (column(&["stripe_error_message"]), column(&["id", "promotion_id"])) else {
        verdict.refusals = named;
        verdict.notes.push("the error report has no column `stripe_error_message` or no `id`; only the samples are shown".to_owned());
        return;
    };
    let mut found = Vec::new();
    let mut count = 0u64;
    for row in reader.records() {
        let Ok(row) = row else {
            verdict.notes.push(format!("the error report is broken after {count} rows"));
            break;
        };
        count += 1;
        if found.len() < MOST_REFUSALS {
            let item = http.clean(row.get(id).unwrap_or(""));
            let message = http.clean(row.get(message).unwrap_or(""));
            let sample = named.iter().find(|sample| sample.item.as_deref() == Some(item.as_str()));
            let field = sample.and_then(|sample| sample.field.clone()).or_else(|| blamed(&message, &header, &row));
            found.push(Refused { field, item: Some(item), message, ..Refused::default() });
        }
    }
    // A sample the report does not have still happened.
    found.extend(
        named
            .into_iter()
            .filter(|sample| sample.item.is_some())
            .filter(|sample| !header.is_empty() && count == 0 || !contains(path, sample)),
    );
    verdict.refused.get_or_insert(count);
    let mut seen = std::collections::HashSet::new();
    found.retain(|refused| seen.insert((refused.item.clone(), refused.message.clone())));
    verdict.refusals = found;
}

/// The column that a message speaks of: the only one whose whole name is in it, else the only one
/// whose value is quoted in it. Messages are not documented; where it is not one, none is blamed.
fn blamed(message: &str, header: &csv::StringRecord, row: &csv::StringRecord) -> Option<String> {
    let only = |mut named: Box<dyn Iterator<Item = &str> + '_>| {
        let first = named.next()?;
        named.next().is_none().then(|| first.to_owned())
    };
    let words: Vec<&str> = message.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').collect();
    let quoted: Vec<&str> = message.split(['`', '\'', '"']).skip(1).step_by(2).filter(|value| !value.is_empty()).collect();
    let own = header.iter().zip(row).filter(|(name, _)| *name != "stripe_error_message");
    let by_value = own.filter(|(_, value)| quoted.contains(value)).map(|(name, _)| name);
    only(Box::new(header.iter().filter(|name| words.contains(name)))).or_else(|| only(Box::new(by_value)))
}

/// Whether the report has a row for the item of a sample.
fn contains(path: &Path, sample: &Refused) -> bool {
    let Ok(mut reader) = csv::ReaderBuilder::new().flexible(true).from_path(path) else { return false };
    reader.records().flatten().any(|row| row.iter().any(|cell| Some(cell) == sample.item.as_deref()))
}

#[cfg(test)]
mod tests {
    use super::{blamed, check_mode};
    use crate::secret::Secret;

    #[test]
    fn a_column_is_blamed_where_it_alone_is_named_or_quoted() {
        let header = csv::StringRecord::from(vec!["stripe_error_message", "id", "price", "sale_price", "color", "size"]);
        let row = csv::StringRecord::from(vec!["...", "SKU-1", "20.03", "10.00 USD", "M", "M"]);
        for (message, column) in [
            ("`price` is no amount", Some("price")),
            ("Invalid value for sale_price.", Some("sale_price")),
            ("sale_price is above price", None),
            ("the prices of this row are odd", None),
            ("`20.03` has no currency", Some("price")),
            ("\"M\" is not known here", None),
            ("20.03 has no currency", None),
            ("", None),
        ] {
            assert_eq!(blamed(message, &header, &row).as_deref(), column, "{message}");
        }
    }

    #[test]
    fn a_key_of_the_other_mode_is_refused_before_anything_is_sent() {
        for (key, mode, sound) in [
            ("sk_live_x", "live", true),
            ("rk_live_x", "live", true),
            ("sk_test_x", "test", true),
            ("sk_org_live_x", "live", true),
            ("sk_live_x", "test", false),
            ("rk_test_x", "live", false),
            ("pk_live_x", "live", false),
            ("canary", "live", false),
            ("sk_live_x", "production", false),
        ] {
            let checked = check_mode(&Secret::new(key, "a test"), mode);
            assert_eq!(checked.is_ok(), sound, "{key} {mode}");
            assert!(checked.err().is_none_or(|message| !message.contains(key)));
        }
    }
}
