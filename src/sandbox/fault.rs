//! Faults on request: which call they strike, what happens to it, and how often.
//!
//! `METHOD PATH: WHAT [OPTION..]`, for example `PATCH /feeds/*: 429 x3 retry-after=1`. The path
//! may be written with the prefix that stands for a target's host or without it, and `*` stands
//! for any characters. For SFTP the method is two words, such as `SFTP rename /feed.*: failure`.

use std::fmt;
use std::str::FromStr;

/// What the method of a request of SFTP begins with.
pub(super) const SFTP: &str = "SFTP ";
/// Not a request: what becomes of a file once it has its name.
const UPLOAD: &str = "upload";
/// The requests of SFTP that can be struck.
const REQUESTS: [&str; 14] =
    ["login", "open", "read", "write", "fsync", "close", "stat", "setstat", "readdir", "rename", "remove", "mkdir", "rmdir", UPLOAD];

/// One fault, as asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    text: String,
    method: String,
    path: String,
    strike: Strike,
    /// Calls that pass before the first strike.
    after: u32,
    /// Strikes; `None` for all calls.
    times: Option<u32>,
}

/// What happens to a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Strike {
    /// It is answered with this status, and nothing is done.
    Status { status: u16, headers: Vec<(&'static str, String)>, code: Option<String> },
    /// It is answered with this status of SFTP, and nothing is done.
    Refused(Refusal),
    /// The size that is told is another one.
    Size(u64),
    /// The connection is reset in the middle of the request, and nothing is done.
    Reset,
    /// Nothing is done, and nobody answers.
    Silent,
    /// It is done, and the connection closes without an answer.
    Lost,
    /// It is done, and the answer breaks off in the middle.
    Cut,
    /// It is done in another way.
    Twist(Twist),
}

/// What SFTP says of a request that is not done; it has no numbers for more than this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    NoSuchFile,
    PermissionDenied,
    Failure,
    Unsupported,
}

impl Refusal {
    const ALL: [Self; 4] = [Self::NoSuchFile, Self::PermissionDenied, Self::Failure, Self::Unsupported];

    /// Its word, in faults and in the transcript.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::NoSuchFile => "no-such-file",
            Self::PermissionDenied => "permission-denied",
            Self::Failure => "failure",
            Self::Unsupported => "unsupported",
        }
    }
}

/// How a call that succeeds comes out differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Twist {
    /// The status says success and the body failure.
    BodyFailed,
    /// What was begun never comes to an end.
    NeverDone,
}

/// A fault that cannot be understood.
#[derive(Debug, thiserror::Error)]
#[error("fault `{text}`: {message}; write for example `PATCH /feeds/*: 429 x3 retry-after=1` or `SFTP rename *: failure x2`")]
pub struct FaultError {
    text: String,
    message: String,
}

impl FromStr for Fault {
    type Err = FaultError;

    fn from_str(text: &str) -> Result<Self, FaultError> {
        let refuse = |message: String| FaultError { text: text.to_owned(), message };
        let (head, tail) = text.split_once(": ").ok_or_else(|| refuse("a colon and a blank part the call from what happens".to_owned()))?;
        let head: Vec<&str> = head.split_whitespace().collect();
        let (method, path) = match head[..] {
            [method, path] if method.eq_ignore_ascii_case("sftp") => (format!("{SFTP}*"), path),
            [method, path] => (method.to_ascii_uppercase(), path),
            [sftp, request, path] if sftp.eq_ignore_ascii_case("sftp") => (format!("{SFTP}{}", request.to_ascii_lowercase()), path),
            _ => return Err(refuse("in front of the colon stand a method and a path".to_owned())),
        };
        match method.strip_prefix(SFTP) {
            Some(request) if request != "*" && !REQUESTS.contains(&request) => {
                return Err(refuse(format!("`{request}` is no request of SFTP; there are {}", REQUESTS.join(", "))));
            }
            None if !matches!(method.as_str(), "*" | "GET" | "POST" | "PUT" | "PATCH" | "DELETE" | "HEAD") => {
                return Err(refuse(format!("`{method}` is no method; `*` stands for all")));
            }
            _ => {}
        }
        if !path.starts_with(['/', '*']) {
            return Err(refuse(format!("the path `{path}` does not begin with `/` or `*`")));
        }
        let mut words = tail.split_whitespace();
        let what = words.next().unwrap_or_default();
        let mut fault =
            Self { text: text.to_owned(), method, path: path.to_owned(), strike: strike(what).map_err(refuse)?, after: 0, times: None };
        for word in words {
            fault.option(word).map_err(refuse)?;
        }
        if fault.method != "*" && !fault.can_strike(&fault.method) {
            return Err(refuse(format!("`{what}` does not happen to `{}`", fault.method)));
        }
        Ok(fault)
    }
}

fn strike(word: &str) -> Result<Strike, String> {
    Ok(match word {
        "reset" => Strike::Reset,
        "silent" => Strike::Silent,
        "lost" => Strike::Lost,
        "cut" => Strike::Cut,
        "body-failed" => Strike::Twist(Twist::BodyFailed),
        "never-done" => Strike::Twist(Twist::NeverDone),
        _ => {
            if let Some(refusal) = Refusal::ALL.into_iter().find(|refusal| refusal.word() == word) {
                return Ok(Strike::Refused(refusal));
            }
            if let Some(size) = word.strip_prefix("size=").and_then(|size| size.parse().ok()) {
                return Ok(Strike::Size(size));
            }
            let Some(status @ 300..=599) = word.parse().ok() else {
                let sftp = Refusal::ALL.map(Refusal::word).join(", ");
                return Err(format!(
                    "`{word}` is neither a status from 300 to 599 nor reset, silent, lost, cut, body-failed, never-done, \
                     nor for SFTP {sftp}, size=N"
                ));
            };
            Strike::Status { status, headers: Vec::new(), code: None }
        }
    })
}

impl Fault {
    fn option(&mut self, word: &str) -> Result<(), String> {
        let number = |text: &str| text.parse::<u32>().map_err(|_| format!("`{word}`: `{text}` is no number"));
        if let Some(times) = word.strip_prefix('x') {
            self.times = Some(number(times)?);
            return Ok(());
        }
        let (name, value) = word.split_once('=').ok_or_else(|| format!("`{word}` is neither xN nor NAME=VALUE"))?;
        if name == "after" {
            self.after = number(value)?;
            return Ok(());
        }
        let Strike::Status { headers, code, .. } = &mut self.strike else {
            return Err(format!("`{name}` goes with a status only"));
        };
        match name {
            "retry-after" => headers.push(("retry-after", value.to_owned())),
            "should-retry" => headers.push(("stripe-should-retry", value.to_owned())),
            "reason" => headers.push(("stripe-rate-limited-reason", value.to_owned())),
            "location" => headers.push(("location", value.to_owned())),
            "code" => *code = Some(value.to_owned()),
            _ => return Err(format!("`{name}` is none of after, retry-after, should-retry, reason, location, code")),
        }
        Ok(())
    }

    fn is_for(&self, method: &str, paths: &[&str]) -> bool {
        let every_request = self.method.strip_suffix('*').is_some_and(|start| method.starts_with(start));
        (every_request || self.method == method) && self.can_strike(method) && paths.iter().any(|path| is_like(&self.path, path))
    }

    /// Whether this can happen to such a call at all.
    fn can_strike(&self, method: &str) -> bool {
        match (&self.strike, method.strip_prefix(SFTP)) {
            (Strike::Status { .. }, request) => request.is_none(),
            (Strike::Refused(_), request) => request.is_some_and(|request| request != UPLOAD),
            (Strike::Size(_), request) => request.is_some_and(|request| matches!(request, "*" | "stat")),
            (Strike::Twist(_), request) => request.is_none_or(|request| matches!(request, "*" | UPLOAD)),
            // Who waits at the door cannot be left waiting without the others.
            (Strike::Silent, request) => request.is_none_or(|request| !matches!(request, "login" | UPLOAD)),
            (_, request) => request != Some(UPLOAD),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.text)
    }
}

/// Whether a path is like a pattern, in which `*` stands for any characters.
fn is_like(pattern: &str, path: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = path.strip_prefix(first) else { return false };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        let Some((_, after)) = rest.split_once(part) else { return false };
        rest = after;
    }
    false
}

/// The faults of a sandbox with what each has done so far.
#[derive(Debug)]
pub(super) struct Faults(Vec<(Fault, u32)>);

impl Faults {
    pub(super) fn new(faults: Vec<Fault>) -> Self {
        Self(faults.into_iter().map(|fault| (fault, 0)).collect())
    }

    /// Adds a fault that strikes from now on.
    pub(super) fn add(&mut self, fault: Fault) {
        self.0.push((fault, 0));
    }

    /// Forgets all faults.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// What happens to a call, with the fault's own words; the first fault that is for it counts.
    pub(super) fn strike(&mut self, method: &str, paths: &[&str]) -> Option<(Strike, String)> {
        for (fault, seen) in &mut self.0 {
            if !fault.is_for(method, paths) {
                continue;
            }
            *seen += 1;
            let past = seen.saturating_sub(fault.after);
            if past > 0 && fault.times.is_none_or(|times| past <= times) {
                return Some((fault.strike.clone(), fault.text.clone()));
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::{Fault, Faults, Refusal, Strike, Twist, is_like};

    #[test]
    fn patterns_match_whole_paths() {
        for (pattern, path, like) in [
            ("*", "/feeds", true),
            ("/feeds", "/feeds", true),
            ("/feeds", "/feeds/1", false),
            ("/feeds/*", "/feeds/1/products", true),
            ("/feeds/*/products", "/feeds/1/products", true),
            ("/feeds/*/products", "/feeds/1/promotions", false),
            ("*/products", "/acp/feeds/1/products", true),
            ("/v2/*imports", "/v2/commerce/product_catalog/imports", true),
            ("/v2/*imports", "/v2/commerce/product_catalog/imports/1", false),
        ] {
            assert_eq!(is_like(pattern, path), like, "{pattern} {path}");
        }
    }

    #[test]
    fn a_fault_strikes_as_often_as_it_says() {
        let mut faults = Faults::new(vec!["PATCH /feeds/*: 429 x2 after=1 retry-after=1".parse().expect("a fault")]);
        let mut struck = |method, path| faults.strike(method, &["/acp", path]).is_some();
        assert!(!struck("GET", "/feeds/1"));
        let patches: Vec<bool> = (0..5).map(|_| struck("PATCH", "/feeds/1/products")).collect();
        assert_eq!(patches, [false, true, true, false, false]);
    }

    #[test]
    fn every_kind_is_understood_and_nonsense_is_not() {
        for (text, strike) in [
            ("* *: reset", Strike::Reset),
            ("POST /v2/*: lost x1", Strike::Lost),
            ("PUT *: cut", Strike::Cut),
            ("post *: body-failed", Strike::Twist(Twist::BodyFailed)),
            ("GET *: never-done", Strike::Twist(Twist::NeverDone)),
            ("GET *: silent", Strike::Silent),
            ("SFTP rename *: failure x2", Strike::Refused(Refusal::Failure)),
            ("sftp OPEN /feed.*: permission-denied", Strike::Refused(Refusal::PermissionDenied)),
            ("SFTP stat *: size=7", Strike::Size(7)),
            ("SFTP *: never-done", Strike::Twist(Twist::NeverDone)),
        ] {
            assert_eq!(text.parse::<Fault>().expect(text).strike, strike);
        }
        for text in [
            "",
            "GET /: ",
            "GET /:503",
            "FETCH /: 503",
            "GET feeds: 503",
            "GET /: 200",
            "GET /: 503 twice",
            "GET /: reset code=a",
            "GET /: failure",
            "SFTP /: 503",
            "SFTP put /: failure",
            "SFTP open /: size=7",
            "SFTP rename /: body-failed",
            "SFTP upload /: reset",
        ] {
            assert!(text.parse::<Fault>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_fault_strikes_only_what_it_can_happen_to() {
        let struck = |fault: &str, method: &str| Faults::new(vec![fault.parse().expect(fault)]).strike(method, &["/a"]).is_some();
        for (fault, method, strikes) in [
            ("* *: 503", "GET", true),
            ("* *: 503", "SFTP open", false),
            ("* *: reset", "SFTP open", true),
            ("* *: failure", "GET", false),
            ("* *: failure", "SFTP open", true),
            ("SFTP *: failure", "SFTP open", true),
            ("SFTP *: failure", "PUT", false),
            ("SFTP rename *: lost", "SFTP open", false),
            ("SFTP *: body-failed", "SFTP rename", false),
            ("SFTP *: body-failed", "SFTP upload", true),
            ("SFTP *: reset", "SFTP upload", false),
        ] {
            assert_eq!(struck(fault, method), strikes, "{fault} {method}");
        }
    }
}
