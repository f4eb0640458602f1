//! A request and its answer, as plain values.

use crate::push::address::Address;
use crate::secret::Secret;
use reqwest::Method;
use reqwest::header::HeaderMap;
use serde_json::Value;
use std::path::PathBuf;

/// What a request carries.
#[derive(Clone, Debug)]
pub enum Body {
    /// Nothing.
    None,
    /// Words for people.
    Text(String),
    /// JSON text.
    Json(String),
    /// A form.
    Form(Vec<(&'static str, String)>),
    /// A file as it is.
    File {
        /// The file.
        path: PathBuf,
        /// Its type.
        kind: String,
    },
    /// A form with a file.
    Multipart {
        /// The plain fields.
        fields: Vec<(&'static str, String)>,
        /// The file.
        path: PathBuf,
        /// Its type.
        kind: &'static str,
    },
}

/// A request.
#[derive(Debug)]
pub struct Call<'a> {
    /// What it is for, in words.
    pub what: &'a str,
    /// The method.
    pub method: Method,
    /// Where to.
    pub address: Address,
    /// Headers besides the usual.
    pub headers: Vec<(String, String)>,
    /// Who we are.
    pub bearer: Option<&'a Secret>,
    /// Headers whose values are secret.
    pub secrets: Vec<(&'a str, &'a Secret)>,
    /// What it carries.
    pub body: Body,
}

impl<'a> Call<'a> {
    /// A request that carries nothing.
    pub fn new(what: &'a str, method: Method, address: Address) -> Self {
        Self { what, method, address, headers: Vec::new(), bearer: None, secrets: Vec::new(), body: Body::None }
    }

    /// Adds a header.
    pub fn header(&mut self, name: &str, value: String) {
        self.headers.push((name.to_owned(), value));
    }
}

/// An answer, whatever its status.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Vec<u8>,
}

impl Answer {
    /// The body as JSON; null where it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// The fields of a form as text.
pub(super) fn form(fields: &[(&'static str, String)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields.iter().map(|(name, value)| (*name, value.as_str()))).finish()
}
