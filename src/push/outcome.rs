//! What became of a delivery, in words that scripts rely on.

use super::error::PushError;
use crate::finding::Finding;
use serde_json::{Map, Value};

/// How a delivery ended; the words are an interface and only ever added to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The target took it all.
    Pushed,
    /// The target took it, and refused some rows.
    Partial,
    /// Nothing to send.
    Unchanged,
    /// Nothing was sent because it would have been.
    Planned,
    /// A guard held it; the target keeps what it has.
    Held,
    /// Another run is at it.
    Locked,
    /// It did not work and may work later.
    Temporary,
    /// The target does not let us in.
    Access,
    /// The target refuses it for good.
    Refused,
    /// It was sent; what became of it is not known.
    Unknown,
    /// The settings or what was built cannot be used.
    Unusable,
    /// The state or a file could not be written.
    Unwritten,
}

impl Ending {
    /// How a delivery ends that could not go on.
    pub fn of(error: &PushError) -> Self {
        match error {
            PushError::Settings(_) | PushError::Feed(_) => Self::Unusable,
            PushError::Io { .. } | PushError::State(_) => Self::Unwritten,
            PushError::Temporary { .. } => Self::Temporary,
            PushError::Access { .. } => Self::Access,
            PushError::Refused { .. } => Self::Refused,
            PushError::Unknown(_) | PushError::Unanswered { .. } => Self::Unknown,
        }
    }

    /// The outcome's word; how it failed shows in the exit code.
    pub fn word(self) -> &'static str {
        match self {
            Self::Pushed | Self::Partial => "pushed",
            Self::Unchanged => "unchanged",
            Self::Planned => "planned",
            Self::Held => "held",
            Self::Locked => "locked",
            Self::Temporary | Self::Access | Self::Refused | Self::Unusable | Self::Unwritten => "failed",
            Self::Unknown => "unknown",
        }
    }
}

/// What is outstanding and from when on, as the end of a sentence; nothing where it is nothing.
pub fn outstanding(rows: u64, from: Option<&str>) -> String {
    let Some(from) = from.filter(|_| rows > 0) else { return String::new() };
    let plural = if rows == 1 { "row that was refused is" } else { "rows that were refused are" };
    format!("; {rows} {plural} sent again by `run` from {from} on, by `push` at once")
}

/// What became of one account of one target.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The target's name.
    pub target: String,
    /// The account; empty where there is none.
    pub account: String,
    /// How the feed travels, in words.
    pub way: String,
    /// How it ended.
    pub ending: Ending,
    /// Why, in words.
    pub message: Option<String>,
    /// Items of the feed.
    pub items: u64,
    /// Items that are new.
    pub added: u64,
    /// Items that changed.
    pub changed: u64,
    /// Items that left.
    pub removed: u64,
    /// Rows sent.
    pub sent: u64,
    /// Bytes sent.
    pub bytes: u64,
    /// Requests made; by SFTP and into folders, files written, renamed and removed.
    pub requests: u64,
    /// The digest of the feed, by which it is approved.
    pub digest: String,
    /// Ids the target gave, by part.
    pub remote: Map<String, Value>,
    /// Why a guard held it.
    pub guards: Vec<String>,
    /// What the target refused, at the merchant's own rows.
    pub findings: Vec<Finding>,
    /// Rows refused; more than the findings where the target names only some.
    pub refused: u64,
    /// Rows that were refused, now or before, and are not sent yet again; and from when on they are,
    /// in seconds of the epoch.
    pub outstanding: (u64, Option<i64>),
    /// Until when the target asked to be left alone, in seconds of the epoch.
    pub not_before: Option<i64>,
    /// What could not be learnt.
    pub notes: Vec<String>,
    /// The requests of a rehearsal.
    pub planned: Vec<String>,
    /// When it began and ended, in seconds of the epoch.
    pub time: (i64, i64),
}

impl Outcome {
    /// An outcome that has nothing to tell yet.
    pub fn new(target: &str, account: &str, way: String, ending: Ending) -> Self {
        Self {
            target: target.to_owned(),
            account: account.to_owned(),
            way,
            ending,
            message: None,
            items: 0,
            added: 0,
            changed: 0,
            removed: 0,
            sent: 0,
            bytes: 0,
            requests: 0,
            digest: String::new(),
            remote: Map::new(),
            guards: Vec::new(),
            findings: Vec::new(),
            refused: 0,
            outstanding: (0, None),
            not_before: None,
            notes: Vec::new(),
            planned: Vec::new(),
            time: (0, 0),
        }
    }

    /// The name with the account.
    pub fn name(&self) -> String {
        if self.account.is_empty() { self.target.clone() } else { format!("{} {}", self.target, self.account) }
    }

    /// The outcome as scripts get it.
    pub fn json(&self) -> Value {
        let time = |seconds| jiff::Timestamp::from_second(seconds).map_or_else(|_| Value::Null, |at| Value::String(at.to_string()));
        serde_json::json!({
            "name": self.target, "account": if self.account.is_empty() { Value::Null } else { self.account.clone().into() },
            "way": self.way, "outcome": self.ending.word(), "message": self.message,
            "items": self.items, "added": self.added, "changed": self.changed, "removed": self.removed,
            "sent": self.sent, "bytes": self.bytes, "requests": self.requests, "digest": self.digest, "remote": self.remote,
            "refused": self.refused, "outstanding": self.outstanding.0, "outstanding_from": self.outstanding.1.map(time), "guards": self.guards, "notes": self.notes,
            "not_before": self.not_before.map(time), "started": time(self.time.0), "ended": time(self.time.1),
        })
    }

    /// Why it ended so, as the end of a sentence.
    pub fn why(&self) -> String {
        self.message.as_deref().map(|message| format!(": {message}")).unwrap_or_default()
    }

    /// What is outstanding, as the end of a sentence.
    fn rest(&self) -> String {
        let (rows, from) = self.outstanding;
        let from = from.and_then(|from| jiff::Timestamp::from_second(from).ok());
        outstanding(rows, from.map(|from| from.to_string()).as_deref())
    }

    /// The last line about it for people.
    pub fn line(&self) -> String {
        let name = self.name();
        let why = self.why();
        let seconds = (self.time.1 - self.time.0).max(0);
        let moved = format!("+{} ~{} -{}", self.added, self.changed, self.removed);
        match self.ending {
            Ending::Pushed => {
                format!("pushed: {name}, {} items ({moved}), {} sent, {} requests, {seconds} s", self.items, self.sent, self.requests)
            }
            Ending::Partial => {
                let rest = self.rest();
                format!("pushed: {name}, {} items ({moved}), {} sent, {} refused, {seconds} s{rest}", self.items, self.sent, self.refused)
            }
            Ending::Unchanged => format!("unchanged: {name}, {} items{}", self.items, self.rest()),
            Ending::Planned => format!("planned: {name}, {} items ({moved}), {} rows would be sent", self.items, self.sent),
            // Nothing was built that a person could let through.
            Ending::Held if self.digest.is_empty() => format!(
                "held: {name}: {}; the last good feed stays. `feedmill check` says what is wrong; where nothing is to be sold, `feedmill build --allow-empty` and `feedmill push {} --allow-empty` say so",
                self.guards.join("; "),
                self.target
            ),
            Ending::Held => format!(
                "held: {name}: {}; the last good feed stays. `feedmill push {} --approve {}` lets this one through",
                self.guards.join("; "),
                self.target,
                self.digest
            ),
            Ending::Locked => format!("locked: {name}{why}"),
            Ending::Unknown => format!("unknown: {name}{why}"),
            _ => format!("failed: {name}{why}"),
        }
    }
}
