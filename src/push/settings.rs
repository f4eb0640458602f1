//! `deliver = { ... }` of a target, read strictly: one key names the way in, the others belong
//! to it or to all ways.

use super::error::PushError;
use super::http::Limits;
use super::retry::Policy;
use super::shared::Shared;
use super::stripe::Way;
use super::{Destination, Poll, feeds, folder, https, stripe, stripe_imports, stripe_sets, uploads};
use crate::product::text_distance::nearest;
use crate::render::manifest::is_account;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::path::Path;

/// The keys that name a way in.
const WAYS: [&str; 8] = ["stripe", "acp", "product_feeds", "ads", "sftp", "https", "folder", "object"];

/// What every way in can be told.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Common {
    /// The format that is delivered, of those that are built.
    pub format: Option<String>,
    /// Hours after which an unchanged feed is sent all the same; 0 for never.
    pub max_age_h: Option<u64>,
    /// Accounts that are worked at once.
    pub at_once: Option<usize>,
    /// How often and how fast a call is tried again.
    pub retry: Policy,
    /// Time and size limits of requests.
    pub limits: Limits,
    /// How waiting for a verdict is paced.
    pub poll: Poll,
    /// Where another API tells what became of files that were delivered.
    pub(super) uploads: Option<uploads::Settings>,
}

/// A target's delivery as written, taken apart.
#[derive(Clone, Debug)]
pub struct Deliver {
    pub(super) way: &'static str,
    pub(super) own: toml::Table,
    /// What every way in can be told.
    pub common: Common,
}

impl Deliver {
    /// Takes a table apart.
    ///
    /// # Errors
    /// When no way in is named, or several are, or a key is not known.
    pub fn read(target: &str, table: &toml::Table) -> Result<Self, PushError> {
        let wrong = |message: String| PushError::Settings(format!("target `{target}`: deliver: {message}"));
        let named: Vec<&'static str> = WAYS.into_iter().filter(|way| table.contains_key(*way)).collect();
        let [way] = named[..] else {
            let given = table.keys().next().map_or("", String::as_str);
            let near = nearest(given, WAYS).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
            return Err(wrong(format!("exactly one of {} says where to{near}", WAYS.join(", "))));
        };
        let mut own = table.clone();
        let mut shared = toml::Table::new();
        for key in ["format", "max_age_h", "at_once", "retry", "limits", "poll", "uploads"] {
            if let Some(value) = own.remove(key) {
                shared.insert(key.to_owned(), value);
            }
        }
        let common = table_of(shared).map_err(wrong)?;
        Ok(Self { way, own, common })
    }

    /// The way in and the feed that is changed, where a feed for this spec changes what must be there:
    /// the feed that the settings name, or the products of an account, whose name is empty.
    pub fn feed(&self, spec: &str) -> Option<(&'static str, &str)> {
        if self.way == "stripe" && matches!(spec, "stripe-inventory" | "stripe-pricing") {
            return Some((self.way, ""));
        }
        let feed = self.own.get("feed").filter(|_| matches!(self.way, "acp" | "product_feeds" | "ads"))?;
        Some((self.way, feed.as_str()?))
    }

    /// Makes the way in for one account. Everything in the settings is checked here, the
    /// credential included; nothing is asked yet.
    ///
    /// # Errors
    /// What cannot be used.
    pub fn destination(
        &self,
        target: &str,
        feed: &str,
        account: &str,
        home: &Path,
        shared: &Shared,
        rehearsal: bool,
    ) -> Result<Box<dyn Destination>, PushError> {
        let way = Way { target, feed, account, home, shared, policy: self.common.retry, limits: self.common.limits };
        let wrong = |message: String| PushError::Settings(format!("target `{target}`: deliver: {message}"));
        if !account.is_empty() && self.way != "stripe" {
            return Err(wrong(format!("accounts: `{}` knows no connected accounts", self.way)));
        }
        let inner: Box<dyn Destination> = match self.way {
            "stripe" => {
                let settings: stripe::Settings = table_of(self.own.clone()).map_err(wrong)?;
                match settings.stripe.as_str() {
                    "v2" => Box::new(stripe_imports::Imports::new(&settings, &way, rehearsal)?),
                    "v1" => Box::new(stripe_sets::Sets::new(&settings, &way, rehearsal)?),
                    other => return Err(wrong(format!("stripe: `{other}` is neither `v2` nor `v1`"))),
                }
            }
            "acp" | "product_feeds" | "ads" => {
                let mut own = self.own.clone();
                let base = own.remove(self.way).and_then(|base| base.as_str().map(str::to_owned)).unwrap_or_default();
                let settings: feeds::Settings = table_of(own).map_err(wrong)?;
                let kind = match self.way {
                    "acp" => feeds::Kind::Acp,
                    "ads" => feeds::Kind::Ads,
                    _ => feeds::Kind::Commerce,
                };
                Box::new(feeds::Feeds::new(&base, kind, &settings, &way, rehearsal)?)
            }
            #[cfg(feature = "sftp")]
            "sftp" => Box::new(super::sftp::Sftp::new(&table_of(self.own.clone()).map_err(wrong)?, &way, rehearsal)?),
            #[cfg(not(feature = "sftp"))]
            "sftp" => return Err(wrong("this feedmill was built without SFTP (feature `sftp`)".to_owned())),
            #[cfg(feature = "object-store")]
            "object" => Box::new(super::object::Objects::new(&table_of(self.own.clone()).map_err(wrong)?, &way, rehearsal)?),
            #[cfg(not(feature = "object-store"))]
            "object" => return Err(wrong("this feedmill was built without object stores (feature `object-store`)".to_owned())),
            "https" => Box::new(https::Https::new(&table_of(self.own.clone()).map_err(wrong)?, &way, rehearsal)?),
            _ => Box::new(folder::Folder::new(&table_of(self.own.clone()).map_err(wrong)?, &way, rehearsal)?),
        };
        match &self.common.uploads {
            None => Ok(inner),
            Some(settings) if matches!(self.way, "sftp" | "https" | "folder") => {
                Ok(Box::new(uploads::Watched::new(inner, settings, &way, rehearsal)?))
            }
            Some(_) => Err(wrong(format!("uploads: `{}` tells itself what became of a delivery", self.way))),
        }
    }
}

fn table_of<T: DeserializeOwned>(table: toml::Table) -> Result<T, String> {
    toml::Value::Table(table).try_into().map_err(|error| error.message().to_owned())
}

/// Most accounts of one target.
const MOST_ACCOUNTS: usize = 100_000;

/// The accounts of a target: a list, a file with one a row, or those that its build found in the
/// catalog (`found`); none is one without a name.
///
/// # Errors
/// When the file cannot be read, or a name is no account.
pub fn accounts(
    target: &str,
    written: Option<&toml::Value>,
    home: &Path,
    found: impl FnOnce() -> Result<Vec<String>, PushError>,
) -> Result<Vec<String>, PushError> {
    let wrong = |message: String| PushError::Settings(format!("target `{target}`: accounts: {message}"));
    let names: Vec<String> = match written {
        None => return Ok(vec![String::new()]),
        Some(toml::Value::Array(names)) => names
            .iter()
            .map(|name| name.as_str().map(str::to_owned).ok_or_else(|| wrong("a list of names is needed".to_owned())))
            .collect::<Result<_, _>>()?,
        Some(toml::Value::String(file)) => {
            let path = home.join(file);
            let text = std::fs::read_to_string(&path).map_err(PushError::io(&path))?;
            text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')).map(str::to_owned).collect()
        }
        Some(toml::Value::Table(_)) => found()?,
        Some(_) => return Err(wrong("give a list of names, a file with one a row, or `{ from = \"COLUMN\" }`".to_owned())),
    };
    if let Some(bad) = names.iter().find(|name| !is_account(name)) {
        return Err(wrong(format!("`{}` is no account", crate::product::text::excerpt(&crate::product::text::without_controls(bad), 40))));
    }
    let mut seen = std::collections::HashSet::new();
    if let Some(twice) = names.iter().find(|name| !seen.insert(name.as_str())) {
        return Err(wrong(format!("`{twice}` is named twice")));
    }
    if names.is_empty() || names.len() > MOST_ACCOUNTS {
        return Err(wrong(format!("{} accounts are named; 1 to {MOST_ACCOUNTS} can be", names.len())));
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::{Deliver, accounts};
    use std::path::Path;

    fn table(text: &str) -> toml::Table {
        text.parse().expect("TOML")
    }

    #[test]
    fn one_way_in_and_no_unknown_key() {
        let read = |text: &str| Deliver::read("t", &table(text));
        assert!(read("stripe = \"v2\"\nmode = \"test\"").is_ok());
        assert!(read("strype = \"v2\"").is_err_and(|error| error.to_string().contains("did you mean `stripe`?")));
        assert!(read("stripe = \"v2\"\nfolder = \"x\"").is_err());
        assert!(read("folder = \"x\"\nretry = { attempt = 3 }").is_err_and(|error| error.to_string().contains("attempt")));
    }

    #[test]
    fn accounts_come_as_a_list_or_a_file_or_from_the_catalog() {
        let home = Path::new("");
        let listed = |text: &str| accounts("t", table(text).get("accounts"), home, || Ok(vec!["acct_7".to_owned()]));
        assert_eq!(listed("").expect("none"), [""]);
        assert_eq!(listed("accounts = [\"acct_1\", \"acct_2\"]").expect("two"), ["acct_1", "acct_2"]);
        assert_eq!(listed("accounts = { from = \"Account\" }").expect("found by the build"), ["acct_7"]);
        for bad in [
            "accounts = []",
            "accounts = [\"a\", \"a\"]",
            "accounts = [\"a b\"]",
            "accounts = [1]",
            "accounts = 3",
            "accounts = \"not-there\"",
        ] {
            assert!(listed(bad).is_err(), "{bad}");
        }
    }
}
