//! Catalogs behind http(s) addresses.
//!
//! The body is kept on disk while it arrives, and is a catalog only when all of it has: its
//! length is checked, a page where a catalog should be is refused, and so is an address inside
//! a private network, at every redirect anew.

mod address;
pub mod memory;

use super::locate::{Local, Located, Wanted, within};
use super::{ReadError, spool};
use crate::product::text::excerpt;
use crate::secret::Secret;
use reqwest::header::{self, HeaderMap, HeaderValue};
use reqwest::{Response, StatusCode, Version};
use serde::{Deserialize, Serialize};
use std::error::Error;
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;
use url::Url;

/// How many redirects are followed.
const REDIRECTS: usize = 5;
/// How long a server may take to be reached.
const CONNECT: Duration = Duration::from_secs(10);
/// How long a server may be silent.
const IDLE: Duration = Duration::from_secs(60);

/// How an address is fetched.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// Whether the host that is named may be inside a private network, or this machine.
    pub allow_private: bool,
    /// What the server is told, so that it lets us in.
    pub login: Option<Login>,
    /// The version that was read before, if a run may end when it is still that.
    pub known: Option<Validators>,
}

/// What a server is told, so that it lets us in; only ever the server that was named.
#[derive(Clone, Debug)]
pub enum Login {
    /// A token.
    Token(Secret),
    /// A user with a password.
    Password(String, Secret),
}

/// What a server says of the version it sends.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Validators {
    /// Its entity tag.
    pub etag: Option<String>,
    /// When it was last changed.
    pub last_modified: Option<String>,
}

/// Whether a word is an address that is fetched.
pub fn is_address(word: &str) -> bool {
    word.starts_with("http://") || word.starts_with("https://")
}

/// An address without what may be secret in it.
pub fn shown(address: &str) -> String {
    let Ok(mut url) = Url::parse(address) else { return "the address".to_owned() };
    url.set_query(None);
    url.set_fragment(None);
    // Neither is possible for addresses without a host, which are none of ours.
    url.set_username("").unwrap_or_default();
    url.set_password(None).unwrap_or_default();
    url.to_string()
}

/// Fetches an address.
pub(super) fn fetch(address: &str, wanted: &Wanted) -> Result<Located, ReadError> {
    let file = shown(address);
    let io = |source| ReadError::Io { file: file.clone(), source };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(io)?;
    runtime.block_on(async {
        let late = |seconds| fail(&file, format!("it was not here after {seconds} s; raise `timeout` under [source] if it needs longer"));
        within(&file, wanted, late, get(address, &file, wanted)).await
    })
}

fn fail(file: &str, message: String) -> ReadError {
    ReadError::Incomplete { file: file.to_owned(), line: 0, message }
}

fn refuse(file: &str, message: String) -> ReadError {
    ReadError::NotACatalog { file: file.to_owned(), message }
}

/// What went wrong, without the address: its query may hold a key.
fn words(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut inner: &dyn Error = &error;
    while let Some(source) = inner.source() {
        inner = source;
    }
    let (whole, root) = (error.to_string(), inner.to_string());
    if whole == root { whole } else { format!("{whole}: {root}") }
}

/// What a server says of a catalog before it sends it.
#[derive(Clone, Debug, Default)]
pub struct Told {
    /// How many bytes it has.
    pub bytes: Option<u64>,
    /// When it was last changed, as the server writes it.
    pub last_modified: Option<String>,
}

/// Asks for a catalog as a run does, and hangs up when the server begins to send it.
///
/// # Errors
/// Why a run could not have it.
pub fn ask(address: &str, wanted: &Wanted) -> Result<Told, ReadError> {
    let file = shown(address);
    let io = |source| ReadError::Io { file: file.clone(), source };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(io)?;
    runtime.block_on(async {
        let late = |seconds| fail(&file, format!("nothing was said in {seconds} s"));
        let asked = async {
            let (answer, _) = request(address, &file, wanted).await?;
            is_a_catalog(&answer, &file, wanted)?;
            let last_modified = answer.headers().get(header::LAST_MODIFIED).and_then(|value| value.to_str().ok());
            Ok(Told { bytes: answer.content_length(), last_modified: last_modified.map(|value| excerpt(value, 60)) })
        };
        within(&file, wanted, late, asked).await
    })
}

async fn get(address: &str, file: &str, wanted: &Wanted) -> Result<Located, ReadError> {
    let (answer, url) = request(address, file, wanted).await?;
    take(answer, &url, file, wanted).await
}

/// Asks for an address, and wherever that leads; what comes is the answer and where it comes from.
async fn request(address: &str, file: &str, wanted: &Wanted) -> Result<(Response, Url), ReadError> {
    // Whoever installs one first decides for the process; all of ours are the same.
    rustls::crypto::ring::default_provider().install_default().unwrap_or_default();
    let first = Url::parse(address).map_err(|error| refuse(file, format!("this is no address: {error}")))?;
    let allowed = first.host_str().filter(|_| wanted.remote.allow_private);
    let client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .dns_resolver(Arc::new(address::Checked { allowed: allowed.map(str::to_owned) }))
        // A proxy would resolve names itself, behind the check.
        .no_proxy()
        .referer(false)
        .connect_timeout(CONNECT)
        .read_timeout(IDLE)
        .user_agent(concat!("feedmill/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|error| fail(file, words(error)))?;
    let (mut url, mut is_home) = (first.clone(), true);
    for _ in 0..=REDIRECTS {
        address::check(&url, allowed).map_err(|message| refuse(file, message))?;
        let mut request = client.get(url.clone()).header(header::ACCEPT_ENCODING, "gzip");
        // Whoever was led away is a stranger when led back.
        is_home &= url.origin() == first.origin();
        if is_home {
            request = request.headers(conditions(wanted.remote.known.as_ref()));
            request = match &wanted.remote.login {
                Some(_) if url.scheme() == "http" && !address::is_this_machine(&url) => {
                    return Err(refuse(file, "a login is not sent over plain http; use https".to_owned()));
                }
                Some(Login::Token(token)) => request.bearer_auth(token.expose()),
                Some(Login::Password(user, password)) => request.basic_auth(user, Some(password.expose())),
                None => request,
            };
        }
        let answer = request.send().await.map_err(|error| fail(file, words(error)))?;
        if !answer.status().is_redirection() || answer.status() == StatusCode::NOT_MODIFIED {
            return Ok((answer, url));
        }
        let next = answer.headers().get(header::LOCATION).and_then(|place| place.to_str().ok());
        let next = next.and_then(|place| url.join(place).ok());
        let next = next.ok_or_else(|| fail(file, format!("the server answers {} and does not say where to go", answer.status())))?;
        if url.scheme() == "https" && next.scheme() != "https" {
            return Err(refuse(file, "the server sends us from https to plain http, which is refused".to_owned()));
        }
        url = next;
    }
    Err(fail(file, format!("the server redirects more than {REDIRECTS} times")))
}

fn conditions(known: Option<&Validators>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let Some(known) = known else { return headers };
    let mut add = |name, value: &Option<String>| {
        if let Some(value) = value.as_deref().and_then(|value| HeaderValue::from_str(value).ok()) {
            headers.insert(name, value);
        }
    };
    add(header::IF_NONE_MATCH, &known.etag);
    add(header::IF_MODIFIED_SINCE, &known.last_modified);
    headers
}

/// Whether an answer is a catalog, as far as its head shows.
fn is_a_catalog(answer: &Response, file: &str, wanted: &Wanted) -> Result<(), ReadError> {
    let status = answer.status();
    if status != StatusCode::OK {
        let what = match status.as_u16() {
            401 | 403 => "; it wants another login: give `auth` under [source]",
            404 | 410 => "; check the address",
            _ => "",
        };
        return Err(fail(file, format!("the server answers {status}{what}")));
    }
    let kind = answer.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if kind.trim_start().to_ascii_lowercase().starts_with("text/html") {
        let shown = excerpt(kind, 60);
        return Err(refuse(file, format!("the server sends a web page (`{shown}`), perhaps a login page, where a catalog should be")));
    }
    let most = wanted.limits.bytes;
    if answer.content_length().is_some_and(|length| length > most) {
        return Err(spool::too_large(file, most));
    }
    Ok(())
}

async fn take(mut answer: Response, url: &Url, file: &str, wanted: &Wanted) -> Result<Located, ReadError> {
    let text = |name: header::HeaderName| answer.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let status = answer.status();
    if status == StatusCode::NOT_MODIFIED && wanted.remote.known.is_some() {
        let known = wanted.remote.known.clone().unwrap_or_default();
        let since = text(header::LAST_MODIFIED).or(known.last_modified).unwrap_or_default();
        return Err(ReadError::Unchanged { file: file.to_owned(), since });
    }
    is_a_catalog(&answer, file, wanted)?;
    let validators = Validators { etag: text(header::ETAG), last_modified: text(header::LAST_MODIFIED) };
    // A body that ends when the connection does looks whole wherever it was cut.
    let is_chunked = text(header::TRANSFER_ENCODING).is_some_and(|coding| coding.to_ascii_lowercase().contains("chunked"));
    let may_be_cut = answer.content_length().is_none() && !is_chunked && answer.version() <= Version::HTTP_11;
    let most = wanted.limits.bytes;
    let mut kept = spool::create(file)?;
    let mut taken = 0;
    while let Some(chunk) = answer.chunk().await.map_err(|error| fail(file, format!("the body was cut: {}", words(error))))? {
        taken += chunk.len() as u64;
        if taken > most {
            return Err(spool::too_large(file, most));
        }
        kept.write_all(&chunk).map_err(|source| ReadError::Spool { file: file.to_owned(), source })?;
    }
    let name = url.path_segments().and_then(|mut parts| parts.next_back()).unwrap_or("");
    let located = Located::kept(file, name, Local::Kept(Arc::new(kept)));
    Ok(Located { may_be_cut, validators: Some(validators), ..located })
}

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn keys_in_addresses_are_not_shown() {
        assert_eq!(shown("https://me:pw@shop.example:8443/feed.xml?key=s3cret#x"), "https://shop.example:8443/feed.xml");
    }
}
