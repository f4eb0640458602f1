//! An object store that speaks like S3, as far as files are put, read back, listed and removed;
//! what is put whole is judged, and the verdict shows in the transcript alone.
//!
//! Any signature is taken: there is nothing here that one could guard. Of the words that come
//! with an object, the digest is kept. Pages, versions and checksums are not spoken.

use super::call::{Answer, Call, Content, Payload};
use super::{Delivery, Shared, judge, snapshot};
use crate::product::link::decoded;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write;
use std::sync::Arc;
use tempfile::NamedTempFile;

/// The spec of objects that nobody announced.
const SPEC: &str = "openai";
/// The word about an object that is kept.
const DIGEST: &str = "x-amz-meta-blake3";

/// An object.
#[derive(Clone, Debug)]
struct Object {
    file: Arc<NamedTempFile>,
    bytes: u64,
    digest: Option<String>,
    changed: jiff::Timestamp,
}

/// What is put in pieces: its path, the digest that it came with, and the pieces by number.
type Upload = (String, Option<String>, BTreeMap<u32, Arc<NamedTempFile>>);

/// Buckets with what is in them, by path.
#[derive(Debug, Default)]
pub(super) struct Objects {
    objects: BTreeMap<String, Object>,
    uploads: Vec<Upload>,
    /// The specs of folders that were announced.
    specs: BTreeMap<String, String>,
}

impl Objects {
    /// Judges what is put into a folder of a bucket by this spec.
    pub(super) fn announce(&mut self, folder: &str, spec: &str) {
        self.specs.insert(folder.to_owned(), spec.to_owned());
    }

    /// The spec of an object: that of its folder.
    fn spec(&self, path: &str) -> String {
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        self.specs.get(folder).map_or_else(|| SPEC.to_owned(), Clone::clone)
    }

    /// Names of all objects, for tests.
    pub(super) fn names(&self) -> Vec<String> {
        self.objects.keys().cloned().collect()
    }
}

/// An error in the store's own form.
pub(super) fn error(status: u16, code: &str, message: &str) -> Answer {
    xml(status, &format!("<Error><Code>{code}</Code><Message>{}</Message></Error>", escaped(message)))
}

fn xml(status: u16, body: &str) -> Answer {
    Answer { content: Content::Xml(format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{body}")), ..Answer::empty(status) }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Answers a call.
pub(super) fn answer(shared: &Shared, call: &Call) -> Answer {
    let id = call.header("authorization").and_then(|value| value.strip_prefix("AWS4-HMAC-SHA256 Credential=")?.split('/').next());
    let keys = &shared.options.keys;
    if !id.is_some_and(|id| keys.is_empty() || keys.iter().any(|key| key.secret == id)) {
        return error(403, "AccessDenied", "the request is not signed with a key that is accepted");
    }
    let path = decoded(call.path.trim_start_matches('/'));
    let path = path.as_str();
    let query = |name: &str| call.query.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
    let upload = query("uploadId").map(|id| id.parse::<usize>().unwrap_or(usize::MAX));
    match (call.method.as_str(), upload) {
        ("GET", None) if query("list-type") == Some("2") => {
            let world = shared.world();
            let bucket = path.trim_end_matches('/');
            list(&world.objects, bucket, query("prefix").unwrap_or_default(), query("delimiter"))
        }
        ("GET" | "HEAD", None) => found(shared, path, call.method == "HEAD"),
        ("DELETE", None) => {
            drop(shared.world().objects.objects.remove(path));
            Answer::empty(204)
        }
        ("DELETE", Some(_)) => Answer::empty(204),
        ("PUT", None) => {
            let Payload::File(file, bytes) = &call.body else { return error(400, "MissingContentLength", "an object is put as the body") };
            put(shared, path, Arc::clone(file), *bytes, call.header(DIGEST).map(str::to_owned))
        }
        ("POST", None) if query("uploads").is_some() => {
            let mut world = shared.world();
            world.objects.uploads.push((path.to_owned(), call.header(DIGEST).map(str::to_owned), BTreeMap::new()));
            let id = world.objects.uploads.len() - 1;
            xml(200, &format!("<InitiateMultipartUploadResult><UploadId>{id}</UploadId></InitiateMultipartUploadResult>"))
        }
        ("PUT", Some(id)) => {
            let mut world = shared.world();
            let piece = query("partNumber").and_then(|number| number.parse().ok());
            match (world.objects.uploads.get_mut(id).filter(|upload| upload.0 == path), piece, &call.body) {
                (Some((_, _, pieces)), Some(number @ 1..=10_000), Payload::File(file, _)) => {
                    pieces.insert(number, Arc::clone(file));
                    Answer::empty(200).with("etag", format!("\"piece-{number}\""))
                }
                (None, _, _) => error(404, "NoSuchUpload", "no such upload was begun"),
                _ => error(400, "InvalidPart", "a piece has a number from 1 to 10000"),
            }
        }
        ("POST", Some(id)) => {
            let upload = shared.world().objects.uploads.get(id).filter(|upload| upload.0 == path).cloned();
            let Some((_, digest, pieces)) = upload else { return error(404, "NoSuchUpload", "no such upload was begun") };
            match united(&pieces) {
                Ok((file, bytes)) => {
                    let answer = put(shared, path, file, bytes, digest);
                    let done = xml(200, "<CompleteMultipartUploadResult><ETag>\"whole\"</ETag></CompleteMultipartUploadResult>");
                    Answer { verdict: answer.verdict, ..done }
                }
                Err(failure) => error(500, "InternalError", &failure.to_string()),
            }
        }
        _ => error(405, "MethodNotAllowed", &format!("there is no `{} {}`", call.method, call.path)),
    }
}

/// The pieces in their order as one file.
fn united(pieces: &BTreeMap<u32, Arc<NamedTempFile>>) -> std::io::Result<(Arc<NamedTempFile>, u64)> {
    let (mut whole, mut bytes) = (tempfile::Builder::new().prefix("feedmill-sandbox-").tempfile()?, 0);
    for piece in pieces.values() {
        let mut input = std::fs::File::open(piece.path())?;
        bytes += std::io::copy(&mut input, &mut whole)?;
    }
    whole.flush()?;
    Ok((Arc::new(whole), bytes))
}

/// An object takes its name, and is judged.
fn put(shared: &Shared, path: &str, file: Arc<NamedTempFile>, bytes: u64, digest: Option<String>) -> Answer {
    let spec = shared.world().objects.spec(path);
    let found = snapshot::read(file.path(), &spec, judge::date(shared.now()));
    let accepted = found.rows.len() as u64;
    let verdict = found.judgement.verdict(&spec);
    let delivery = Delivery {
        way: "object",
        path: path.to_owned(),
        bytes,
        blake3: super::call::digest(&file),
        accepted,
        rejected: found.judgement.rows.saturating_sub(accepted),
        rows: found.rows,
    };
    let mut world = shared.world();
    world.deliveries.push(delivery);
    world.objects.objects.insert(path.to_owned(), Object { file, bytes, digest, changed: shared.now() });
    Answer { verdict: Some(verdict), ..Answer::empty(200).with("etag", "\"whole\"") }
}

fn found(shared: &Shared, path: &str, head: bool) -> Answer {
    let Some(object) = shared.world().objects.objects.get(path).cloned() else {
        // There is no body to say it in.
        return if head { Answer::empty(404) } else { error(404, "NoSuchKey", "there is no such object") };
    };
    let changed = object.changed.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    let mut answer = Answer::empty(200).with("last-modified", changed).with("etag", "\"whole\"");
    if let Some(digest) = object.digest {
        answer = answer.with(DIGEST, digest);
    }
    if head {
        return answer.with("content-length", object.bytes.to_string());
    }
    Answer { content: Content::Stored(object.file, "application/octet-stream".to_owned()), ..answer }
}

/// The objects of a bucket whose names begin so; what lies deeper is told by its folder.
fn list(objects: &Objects, bucket: &str, prefix: &str, delimiter: Option<&str>) -> Answer {
    let mut entries = String::new();
    let mut folders = Vec::new();
    for (path, object) in &objects.objects {
        let Some(key) = path.strip_prefix(bucket).and_then(|rest| rest.strip_prefix('/')) else { continue };
        let Some(rest) = key.strip_prefix(prefix) else { continue };
        if let Some((folder, _)) = delimiter.and_then(|delimiter| rest.split_once(delimiter)) {
            let folder = format!("{prefix}{folder}{}", delimiter.unwrap_or_default());
            if !folders.contains(&folder) {
                folders.push(folder);
            }
            continue;
        }
        let changed = object.changed.strftime("%Y-%m-%dT%H:%M:%S.000Z");
        // A string is written without fail.
        write!(
            entries,
            "<Contents><Key>{}</Key><LastModified>{changed}</LastModified><ETag>\"whole\"</ETag><Size>{}</Size></Contents>",
            escaped(key),
            object.bytes
        )
        .unwrap_or_default();
    }
    for folder in folders {
        write!(entries, "<CommonPrefixes><Prefix>{}</Prefix></CommonPrefixes>", escaped(&folder)).unwrap_or_default();
    }
    xml(200, &format!("<ListBucketResult><IsTruncated>false</IsTruncated>{entries}</ListBucketResult>"))
}
