//! The sandbox, spoken to with plain requests written from the targets' documents.

mod acp;
mod ads;
mod commerce;
mod faults;
mod https;
mod judged;
mod outside;
#[cfg(all(unix, feature = "sftp"))]
mod sftp;
mod stripe_files;
mod stripe_imports;

use feedmill::sandbox::{Api, Options, Sandbox, serve};
use reqwest::{Method, RequestBuilder, Response};
use serde_json::Value;
use std::sync::{Arc, Mutex};

/// A sandbox and a client for it.
struct Peer {
    sandbox: Sandbox,
    client: reqwest::Client,
    now: Arc<Mutex<jiff::Timestamp>>,
}

/// What came back.
struct Reply {
    status: u16,
    headers: reqwest::header::HeaderMap,
    body: Vec<u8>,
}

impl Reply {
    async fn of(response: Response) -> Self {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Self { status, headers, body: response.bytes().await.expect("a whole body").to_vec() }
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    fn text(&self) -> String {
        String::from_utf8(self.body.clone()).expect("text")
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

impl Peer {
    async fn new() -> Self {
        Self::with(Options::default()).await
    }

    async fn with(options: Options) -> Self {
        // A second one in the same program is refused, and the first serves.
        let _second = rustls::crypto::ring::default_provider().install_default();
        let now = Arc::new(Mutex::new("2026-08-01T00:00:00Z".parse().expect("a moment")));
        let shown = Arc::clone(&now);
        let clock = Arc::new(move || *shown.lock().expect("not poisoned"));
        let sandbox = serve(Options { clock, ..options }).await.expect("a sandbox");
        let client = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().expect("a client");
        Self { sandbox, client, now }
    }

    /// Moves the sandbox's clock on.
    fn wait(&self, seconds: i64) {
        let mut now = self.now.lock().expect("not poisoned");
        *now = now.checked_add(jiff::SignedDuration::from_secs(seconds)).expect("a moment");
    }

    fn url(&self, api: Api, path: &str) -> String {
        format!("{}{path}", self.sandbox.base(api))
    }

    /// A request without credentials.
    fn bare(&self, method: Method, api: Api, path: &str) -> RequestBuilder {
        self.client.request(method, self.url(api, path))
    }
}

/// Bodies as v1 APIs take them.
trait WithForm {
    fn with_form(self, fields: &[(&str, &str)]) -> Self;
}

impl WithForm for RequestBuilder {
    fn with_form(self, fields: &[(&str, &str)]) -> Self {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.header("content-type", "application/x-www-form-urlencoded").body(body)
    }
}

async fn send(request: RequestBuilder) -> Reply {
    Reply::of(request.send().await.expect("an answer")).await
}

/// A product feed of two sound rows.
const PRODUCTS: &str = "id,title,description,link,brand,gtin,image_link,condition,google_product_category,availability,inventory_not_tracked,price\n\
    A1,Steel bottle,Insulated steel bottle.,https://shop.example/a1,Acme,4006381333931,https://shop.example/a1.jpg,new,2271,in_stock,true,24.00 USD\n\
    A2,Glass bottle,Clear glass bottle.,https://shop.example/a2,Acme,036000291452,https://shop.example/a2.jpg,new,2271,in_stock,true,12.50 USD\n";

#[tokio::test]
async fn it_listens_on_loopback_only() {
    let refused = serve(Options { listen: "0.0.0.0:0".parse().expect("an address"), ..Options::default() }).await;
    assert!(refused.err().expect("refused").to_string().contains("no loopback address"));
    #[cfg(feature = "sftp")]
    {
        let refused = serve(Options { listen_sftp: "0.0.0.0:0".parse().expect("an address"), ..Options::default() }).await;
        assert!(refused.err().expect("refused").to_string().contains("no loopback address"));
    }
}
