//! Object stores: the program against a small server that speaks like S3, written for this from
//! the requests that such stores document; it knows nothing of feeds.

use super::points::{DONE, Mortal, Point};
use super::stand::{QUICK, Stand, Victim, items};
use crate::support::Run;
use axum::Router;
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use feedmill::sandbox::{Api, Exchange};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// The canary of these tests.
const SECRET: &str = "canary4711/secret+key";

#[derive(Clone, Default)]
struct Stored {
    bytes: Vec<u8>,
    digest: String,
}

#[derive(Default)]
struct Bucket {
    objects: BTreeMap<String, Stored>,
    /// Uploads in pieces, by number.
    uploads: Vec<(Stored, BTreeMap<u32, Vec<u8>>)>,
    calls: Vec<String>,
    /// What the next calls are answered instead.
    faults: Vec<StatusCode>,
    /// Whether what is put is damaged on its way.
    damages: bool,
    /// Whether nothing may be removed.
    keeps: bool,
    /// The program, which dies at one of the calls, and whether that is done by then.
    victim: Arc<Mutex<Victim>>,
    is_done: bool,
}

type Shared = Arc<Mutex<Bucket>>;

fn text(headers: &HeaderMap, name: &str) -> String {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("").to_owned()
}

async fn serve(State(shared): State<Shared>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    // Who died over it sends no more of it.
    let Ok(body) = axum::body::to_bytes(body, 64 << 20).await else { return StatusCode::BAD_REQUEST.into_response() };
    let (victim, is_done) = {
        let bucket = shared.lock().expect("sound");
        (Arc::clone(&bucket.victim), bucket.is_done)
    };
    let dies = victim.lock().expect("sound").comes();
    if dies && !is_done {
        victim.lock().expect("sound").kill();
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let response = answer(&shared, &parts, &body);
    if dies {
        victim.lock().expect("sound").kill();
    }
    response
}

fn answer(shared: &Shared, parts: &Parts, body: &[u8]) -> Response {
    let mut bucket = shared.lock().expect("sound");
    let key = parts.uri.path().trim_start_matches("/bucket").trim_start_matches('/').to_owned();
    let query: BTreeMap<String, String> = url::form_urlencoded::parse(parts.uri.query().unwrap_or("").as_bytes()).into_owned().collect();
    bucket.calls.push(format!(
        "{} {}{}",
        parts.method,
        parts.uri.path(),
        parts.uri.query().map(|query| format!("?{query}")).unwrap_or_default()
    ));
    if let Some(status) = bucket.faults.pop() {
        return status.into_response();
    }
    if !text(&parts.headers, "authorization").starts_with("AWS4-HMAC-SHA256 Credential=AKIDTEST/") {
        return StatusCode::FORBIDDEN.into_response();
    }
    let stored = Stored { bytes: body.to_vec(), digest: text(&parts.headers, "x-amz-meta-blake3") };
    let tag = [(HeaderName::from_static("etag"), "\"tag\"")];
    match (&parts.method, query.get("uploadId").and_then(|id| id.parse::<usize>().ok())) {
        (&Method::POST, None) if query.contains_key("uploads") => {
            bucket.uploads.push((Stored { bytes: Vec::new(), ..stored }, BTreeMap::new()));
            let id = bucket.uploads.len() - 1;
            format!("<InitiateMultipartUploadResult><UploadId>{id}</UploadId></InitiateMultipartUploadResult>").into_response()
        }
        (&Method::PUT, Some(id)) => {
            let number = query["partNumber"].parse().expect("a number");
            bucket.uploads[id].1.insert(number, body.to_vec());
            tag.into_response()
        }
        (&Method::POST, Some(id)) => {
            let (mut whole, pieces) = bucket.uploads[id].clone();
            whole.bytes = pieces.into_values().flatten().collect();
            bucket.objects.insert(key, whole);
            "<CompleteMultipartUploadResult><ETag>\"tag\"</ETag></CompleteMultipartUploadResult>".into_response()
        }
        (&Method::PUT, None) => {
            let mut stored = stored;
            if bucket.damages {
                stored.bytes.pop();
            }
            bucket.objects.insert(key, stored);
            tag.into_response()
        }
        (&Method::DELETE, _) if bucket.keeps => StatusCode::FORBIDDEN.into_response(),
        (&Method::DELETE, _) => {
            bucket.objects.remove(&key);
            StatusCode::NO_CONTENT.into_response()
        }
        (&Method::GET, _) if query.contains_key("list-type") => {
            let prefix = query.get("prefix").cloned().unwrap_or_default();
            let entries: String = bucket
                .objects
                .iter()
                .filter(|(key, _)| key.starts_with(&prefix))
                .map(|(key, stored)| {
                    format!(
                        "<Contents><Key>{key}</Key><Size>{}</Size><LastModified>2026-11-22T00:00:00.000Z</LastModified></Contents>",
                        stored.bytes.len()
                    )
                })
                .collect();
            format!("<ListBucketResult>{entries}</ListBucketResult>").into_response()
        }
        (&Method::GET | &Method::HEAD, _) => {
            let Some(stored) = bucket.objects.get(&key).cloned() else { return StatusCode::NOT_FOUND.into_response() };
            let headers = [
                (HeaderName::from_static("x-amz-meta-blake3"), stored.digest.clone()),
                (HeaderName::from_static("last-modified"), "Sun, 22 Nov 2026 00:00:00 GMT".to_owned()),
                (HeaderName::from_static("content-length"), stored.bytes.len().to_string()),
            ];
            if parts.method == Method::HEAD { headers.into_response() } else { (headers, stored.bytes).into_response() }
        }
        _ => StatusCode::BAD_REQUEST.into_response(),
    }
}

/// A project that is pushed to a store.
pub(crate) struct Store {
    pub(crate) stand: Stand,
    bucket: Shared,
    address: String,
}

impl Store {
    pub(crate) fn new() -> Self {
        let stand = Stand::new(&[], |_| {});
        let bucket = Shared::default();
        bucket.lock().expect("sound").victim = Arc::clone(&stand.victim);
        let router = Router::new().fallback(serve).with_state(Arc::clone(&bucket));
        let address = stand.serve(router);
        let store = Self { stand, bucket, address };
        let secret = store.stand.folder.write("secret", SECRET);
        #[cfg(unix)]
        std::fs::set_permissions(secret, std::os::unix::fs::PermissionsExt::from_mode(0o600)).expect("private");
        store.project("AKIDTEST", &store.address);
        store
    }

    /// Says once more what the project is, with something else in it.
    pub(crate) fn change(&self, from: &str, to: &str) {
        let settings = self.stand.folder.read("feedmill.toml");
        assert!(settings.contains(from), "{settings}");
        self.stand.folder.write("feedmill.toml", settings.replace(from, to));
    }

    fn project(&self, key: &str, endpoint: &str) {
        let deliver = format!(
            "object = \"s3://bucket/feeds\", options = {{ region = \"eu-west-1\", endpoint = \"{endpoint}\", access_key_id = \"{key}\" }}, \
             secrets = {{ secret_access_key = {{ file = \"secret\" }} }}, {QUICK}"
        );
        let format = "format = \"csv.gz\"";
        self.stand.folder.write(
            "feedmill.toml",
            format!(
                "[source]\npath = \"catalog.csv\"\n[[target]]\nname = \"shop\"\nspec = \"openai\"\n{format}\ndeliver = {{ {deliver} }}\n"
            ),
        );
    }

    /// Noise that does not pack, in place of the feed, behind the back of the build.
    pub(crate) fn noise(&self) -> Vec<u8> {
        let noise: Vec<u8> = (0..40_000_000u64).map(|n| (n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8).collect();
        let folder = &self.stand.folder;
        let feed = std::fs::read(folder.path("out/shop/feed.csv.gz")).expect("built");
        let digest = |bytes: &[u8]| blake3::hash(bytes).to_hex().to_string();
        let manifest = folder.read("out/shop/feed.manifest.json");
        folder.write("out/shop/feed.manifest.json", manifest.replace(&digest(&feed), &digest(&noise)));
        folder.write("out/shop/feed.csv.gz", &noise);
        noise
    }

    pub(crate) fn names(&self) -> Vec<String> {
        self.bucket.lock().expect("sound").objects.keys().cloned().collect()
    }

    pub(crate) fn bytes(&self, name: &str) -> Vec<u8> {
        self.bucket.lock().expect("sound").objects[name].bytes.clone()
    }
}

impl Mortal for Store {
    fn dies(&self, point: Point) -> bool {
        self.bucket.lock().expect("sound").is_done = point.kind == DONE;
        self.stand.killed_at(point.at, &["push"])
    }

    fn push(&self) -> Run {
        self.stand.push()
    }

    fn asked(&self) -> usize {
        self.bucket.lock().expect("sound").calls.len()
    }
}

#[test]
fn a_feed_is_put_whole_read_back_and_stale_shards_go() {
    let store = Store::new();
    store.stand.catalog(&items(12));
    store.stand.build();
    {
        let mut bucket = store.bucket.lock().expect("sound");
        for name in ["feeds/feed-0000-of-0002.csv.gz", "feeds/feed.jsonl.gz", "feeds/robots.txt", "other/feed.csv.gz"] {
            bucket.objects.insert(name.to_owned(), Stored::default());
        }
        bucket.faults = vec![StatusCode::SERVICE_UNAVAILABLE];
    }
    let run = store.stand.push();
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
    assert_eq!(store.names(), ["feeds/feed.csv.gz", "feeds/robots.txt", "other/feed.csv.gz"], "only what is ours goes");
    let built = std::fs::read(store.stand.folder.path("out/shop/feed.csv.gz")).expect("built");
    assert_eq!(store.bytes("feeds/feed.csv.gz"), built);
    let calls = store.bucket.lock().expect("sound").calls.clone();
    assert!(calls.iter().any(|call| call == "GET /bucket/feeds/feed.csv.gz"), "it is read back: {calls:?}");
    // Unchanged: not a request. Forced: what is there already is not sent again.
    assert_eq!(store.stand.run(&["run", "--error-on-unchanged"]).code, 9);
    assert_eq!(store.bucket.lock().expect("sound").calls.len(), calls.len());
    assert_eq!(store.stand.run(&["push", "--full"]).code, 0);
    let later = store.bucket.lock().expect("sound").calls.clone();
    assert!(!later[calls.len()..].iter().any(|call| call.starts_with("PUT")), "{later:?}");
    let run = store.stand.run(&["push", "--dry-run", "--full"]);
    assert!(run.code == 0 && run.out.contains("put s3://bucket/feeds/feed.csv.gz"), "{}{}", run.out, run.err);
}

#[test]
fn stale_shards_are_emptied_where_nothing_may_be_removed() {
    let store = Store::new();
    store.stand.catalog(&items(12));
    store.stand.build();
    let stale = "feeds/feed-0000-of-0002.csv.gz";
    {
        let mut bucket = store.bucket.lock().expect("sound");
        bucket.keeps = true;
        bucket.objects.insert(stale.to_owned(), Stored { bytes: b"stale".to_vec(), ..Stored::default() });
    }
    let run = store.stand.push();
    assert!(run.code == 0 && run.out.contains("emptied feed-0000-of-0002.csv.gz"), "{} {}{}", run.code, run.out, run.err);
    let unpacked = std::io::read_to_string(flate2::read::MultiGzDecoder::new(&store.bytes(stale)[..])).expect("gzip");
    assert!(unpacked.starts_with("item_id,") && unpacked.lines().count() == 1, "a header and no row: {unpacked}");
    let run = store.stand.run(&["push", "--full"]);
    assert!(run.code == 0 && !run.out.contains("emptied"), "{}", run.out);
}

#[test]
fn the_sandboxs_store_takes_the_same() {
    let store = Store::new();
    let sandbox = store.stand.sandbox();
    store.project("AKIDTEST", &sandbox.base(Api::Objects));
    store.stand.catalog(&items(12));
    store.stand.build();
    for fault in ["HEAD /s3/*: 503 x1", "PUT /bucket/feeds/*: reset x1", "PUT /bucket/feeds/*: lost x1", "GET /bucket: 500 x1"] {
        store.stand.fault(fault);
    }
    let run = store.stand.push();
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
    assert_eq!(run.json()["targets"][0]["requests"], store.stand.exchanges().len(), "what leaves is counted");
    assert_eq!(sandbox.objects(), ["bucket/feeds/feed.csv.gz"]);
    let delivered = sandbox.deliveries().pop().expect("delivered");
    assert_eq!((delivered.way, delivered.path.as_str(), delivered.accepted), ("object", "bucket/feeds/feed.csv.gz", 12));
    store.noise();
    let run = store.stand.run(&["push", "--full", "--output-format", "json"]);
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
    assert_eq!(sandbox.deliveries().pop().expect("delivered").bytes, 40_000_000, "three pieces are one object");
    let told: Vec<String> = store.stand.exchanges().iter().map(Exchange::line).collect();
    assert!(told.iter().any(|line| line.contains(" = openai: the whole file is refused: ")), "{told:#?}");
    assert!(!told.join("\n").contains("canary"));
}

#[test]
fn a_large_file_goes_in_pieces() {
    let store = Store::new();
    store.stand.catalog(&items(12));
    store.stand.build();
    let noise = store.noise();
    let run = store.stand.push();
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
    assert!(store.bytes("feeds/feed.csv.gz") == noise);
    let pieces = store.bucket.lock().expect("sound").calls.iter().filter(|call| call.contains("partNumber")).count();
    assert_eq!(pieces, 3);
}

#[test]
fn what_fails_is_said_and_tells_no_secret() {
    let store = Store::new();
    store.stand.catalog(&items(12));
    store.stand.build();
    let mut told = String::new();
    let mut push = |code: i32, part: &str| {
        let run = store.stand.push();
        assert!(run.code == code && run.out.contains(part), "{code} {part}: {} {}{}", run.code, run.out, run.err);
        told.push_str(&run.out);
        told.push_str(&run.err);
    };
    store.project("AKIDOTHER", &store.address);
    push(6, "secret");
    store.project("AKIDTEST", "http://203.0.113.9/");
    push(2, "plain http");
    store.project("AKIDTEST", &store.address);
    store.bucket.lock().expect("sound").damages = true;
    push(5, "what is there now is not what was sent");
    store.bucket.lock().expect("sound").damages = false;
    store.bucket.lock().expect("sound").faults = vec![StatusCode::SERVICE_UNAVAILABLE; 9];
    push(5, "asking for what is there");
    store.bucket.lock().expect("sound").faults.clear();
    let settings = store.stand.folder.read("feedmill.toml");
    store.stand.folder.write("feedmill.toml", settings.replace("region =", "secret_access_key = \"x\", region ="));
    push(2, "belongs under `secrets`");
    store.stand.folder.write("feedmill.toml", settings.replace("region =", "regoin ="));
    push(2, "knows no option `regoin`");
    store.stand.folder.write("feedmill.toml", settings);
    push(0, "pushed");
    assert!(!told.contains("canary"), "{told}");
}

/// The same way in passes the delivery suite's first case for the other stores by settings alone.
#[test]
fn other_stores_are_opened_by_their_own_words() {
    let store = Store::new();
    store.stand.catalog(&items(3));
    store.stand.build();
    let settings = store.stand.folder.read("feedmill.toml");
    let deliver = settings.lines().find(|line| line.starts_with("deliver")).expect("a delivery").to_owned();
    for (object, options, secrets) in [
        ("az://container/feeds", "account_name = \"shop\"", "access_key = { file = \"secret\" }"),
        ("gs://bucket/feeds", "", "bearer_token = { file = \"secret\" }"),
    ] {
        store.stand.folder.write("secret", "Y2FuYXJ5");
        let own = format!("deliver = {{ object = \"{object}\", options = {{ {options} }}, secrets = {{ {secrets} }} }}");
        store.stand.folder.write("feedmill.toml", settings.replace(&deliver, &own));
        let run = store.stand.run(&["push", "--dry-run"]);
        assert!(run.code == 0 && run.out.contains(&format!("put {object}/feed.csv.gz")), "{}{}", run.out, run.err);
    }
}
