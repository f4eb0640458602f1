//! One target for one account, from what was built to the last word of the target.
//!
//! In this order, because each step must be on disk before the next can do harm: take up what
//! an earlier run began, compare, guard, note what the target may hold from now on, note what
//! is about to be sent, send, wait, note what it holds.

use super::again::Again;
use super::difference::{self, Difference};
use super::error::PushError;
use super::feed::Built;
use super::guard::{self, Judgement};
use super::home;
use super::http::Http;
use super::outcome::{Ending, Outcome};
use super::{Desk, Destination, Part, Poll, Refused, Verdict};
use crate::clock::Clock;
use crate::state::{Accepted, Holding, Intent, State};
use std::path::Path;

/// Snapshots that an account may hold, kept each for itself.
const MOST_POSSIBLE: usize = 4;

/// What a delivery is asked for.
#[derive(Clone, Debug, Default)]
pub struct Wish {
    /// Only say what would be sent.
    pub rehearsal: bool,
    /// Send everything, changed or not.
    pub whole: bool,
    /// Send what was refused again at once, because somebody waits for it.
    pub again: bool,
    /// Let an empty feed through.
    pub allow_empty: bool,
    /// Hours after which an unchanged feed is sent all the same.
    pub max_age_h: Option<u64>,
    /// The digest of a feed that is to be let through, where that is not to be remembered.
    pub approved: Option<String>,
}

/// A delivery to one account.
pub struct Delivery<'a> {
    /// The target's name.
    pub target: &'a str,
    /// The account; empty where there is none.
    pub account: &'a str,
    /// The way in.
    pub destination: &'a dyn Destination,
    /// What was built.
    pub built: &'a Built,
    /// What is remembered.
    pub state: &'a State,
    /// The clock.
    pub clock: &'a dyn Clock,
    /// A folder for files on their way, this delivery's own.
    pub folder: &'a Path,
    /// How waiting is paced.
    pub poll: Poll,
    /// What is asked for.
    pub wish: Wish,
}

impl Delivery<'_> {
    /// Delivers; whatever happens is told in the outcome.
    pub async fn run(&self) -> Outcome {
        let mut outcome = Outcome::new(self.target, self.account, self.destination.describe(), Ending::Pushed);
        outcome.time.0 = self.now();
        outcome.items = self.built.manifest.items;
        outcome.digest.clone_from(&self.built.digest);
        if let Err(error) = self.work(&mut outcome).await {
            self.fail(&error, &mut outcome).await;
        }
        outcome.notes.extend(self.destination.http().and_then(Http::skewed));
        outcome.requests = self.destination.requests();
        outcome.planned = self.destination.rehearsed();
        outcome.time.1 = self.now();
        outcome
    }

    fn now(&self) -> i64 {
        self.clock.timestamp().as_second()
    }

    fn desk(&self) -> Desk<'_> {
        Desk {
            state: (!self.wish.rehearsal).then_some(self.state),
            memory: self.state,
            target: self.target,
            account: self.account,
            folder: self.folder,
            poll: self.poll,
        }
    }

    async fn work(&self, outcome: &mut Outcome) -> Result<(), PushError> {
        self.format()?;
        let until = self.state.not_before(self.target, self.account).await?.unwrap_or_default();
        // Further ahead than any target asks for, it was counted from a clock that was wrong.
        if (1..=LONGEST_WAIT).contains(&(until - self.now())) {
            outcome.not_before = Some(until);
            let asked = jiff::Timestamp::from_second(until).map_or_else(|_| "for a while".to_owned(), |until| format!("until {until}"));
            return Err(PushError::Temporary {
                what: "nothing was asked".to_owned(),
                message: format!("the target asked to be left alone {asked}; run again after that"),
                wait: None,
            });
        }
        let holdings = self.state.holdings(self.target, self.account).await?;
        let outstanding = self.state.outstanding(self.target, self.account).await?;
        let mut again = Again::new(outstanding, self.now(), self.wish.again || self.wish.whole);
        let mut difference = difference::compare(self.built, self.state, &holdings, &mut again).await?;
        difference.drift.most = self.state.peak(self.target, self.account, self.now()).await?.unwrap_or_default();
        (outcome.added, outcome.changed, outcome.removed) = (difference.added, difference.changed, difference.gone.len());
        let resend = self.wish.whole || self.is_too_old(&holdings) || self.is_missed(outcome).await?;
        if difference.is_empty() && !resend && holdings.len() == 1 {
            outcome.ending = Ending::Unchanged;
            outcome.outstanding = again.waiting();
            return Ok(());
        }
        let Some(is_new_norm) = self.passes(&difference, &holdings, outcome).await? else { return Ok(()) };
        difference.first |= resend;
        let parts = self.destination.parts(self.built, &difference, self.folder)?;
        if self.wish.rehearsal {
            return self.rehearse(&parts, outcome).await;
        }
        let mut intents = self.take_up(&parts).await?;
        let snapshot = self.stage(&holdings).await?;
        let mut refused = Vec::new();
        for part in &parts {
            let verdict = match self.part(part, &mut intents).await {
                Ok(verdict) => verdict,
                Err(error) => return Err(self.without_effect(snapshot, error).await?),
            };
            outcome.sent += part.items;
            outcome.bytes += part.bytes;
            outcome.refused += verdict.refused.unwrap_or(verdict.refusals.len() as u64);
            outcome.notes.extend(verdict.notes.iter().map(|note| format!("{}: {note}", part.name)));
            if !verdict.remote.is_empty() {
                outcome.remote.insert(part.name.clone(), verdict.remote.into());
            }
            refused.extend(verdict.refusals);
            if let Some(failure) = verdict.failure {
                outcome.findings = home::lead(&refused, self.built, self.target)?;
                return Err(self.without_effect(snapshot, failed(&part.name, failure)).await?);
            }
        }
        let outstanding = again.settle(&refused, &difference, self.built, self.now())?;
        outcome.outstanding = (outstanding.len() as u64, outstanding.iter().map(|row| row.due).min());
        self.note_unnamed(&refused, outcome);
        let accepted = Accepted { snapshot, outstanding: &outstanding, is_new_norm };
        self.state.holds(self.target, self.account, &accepted, self.now()).await?;
        let filled = serde_json::to_string(&difference.counts.named(self.built)).unwrap_or_default();
        self.state.keep(self.target, self.account, FILLED, &filled).await?;
        if self.destination.takes_snapshots() {
            self.state.keep(self.target, self.account, FILES, &self.names()).await?;
        }
        outcome.findings = home::lead(&refused, self.built, &outcome.name())?;
        outcome.ending = match (parts.is_empty(), outcome.refused) {
            (true, _) => Ending::Unchanged,
            (false, 0) => Ending::Pushed,
            (false, _) => Ending::Partial,
        };
        Ok(())
    }

    /// After a failure: where nothing can have reached the target, it holds what it held. The
    /// error is handed back.
    async fn without_effect(&self, snapshot: i64, error: PushError) -> Result<PushError, PushError> {
        let begun = self.state.intents(self.target, self.account).await?;
        if !begun.iter().any(|intent| intent.verdict.is_some() || self.destination.may_have_changed(intent)) {
            self.state.cannot_hold(self.target, self.account, snapshot).await?;
        }
        Ok(error)
    }

    /// Asks after what an earlier run began; `None` where nothing is open. Nothing is sent.
    ///
    /// # Errors
    /// When the state cannot be used.
    pub async fn ask(&self) -> Result<Option<Outcome>, PushError> {
        let mut outcome = Outcome::new(self.target, self.account, self.destination.describe(), Ending::Pushed);
        outcome.time.0 = self.now();
        let mut asked = false;
        for mut intent in self.state.intents(self.target, self.account).await?.into_iter().filter(|intent| intent.verdict.is_none()) {
            match self.destination.resume(&self.desk(), &mut intent).await {
                Ok(None) => {}
                Ok(Some(verdict)) => {
                    asked = true;
                    if let Some(failure) = verdict.failure {
                        self.fail(&failed(&intent.part, failure), &mut outcome).await;
                        outcome.findings.extend(home::lead(&verdict.refusals, self.built, self.target)?);
                        continue;
                    }
                    intent.verdict = Some(kept(&verdict));
                    self.state.remember(&intent).await?;
                    outcome.refused += verdict.refused.unwrap_or(verdict.refusals.len() as u64);
                    outcome.remote.insert(intent.part.clone(), verdict.remote.into());
                    outcome.findings.extend(home::lead(&verdict.refusals, self.built, &outcome.name())?);
                    outcome.ending = if outcome.refused > 0 { Ending::Partial } else { outcome.ending };
                }
                Err(error) => {
                    asked = true;
                    self.fail(&error, &mut outcome).await;
                }
            }
        }
        outcome.time.1 = self.now();
        Ok(asked.then_some(outcome))
    }

    fn format(&self) -> Result<(), PushError> {
        let taken = self.destination.formats();
        let format = self.built.files.first().map_or("", |file| file.format.as_str());
        if taken.is_empty() || taken.contains(&format) {
            return Ok(());
        }
        Err(PushError::Feed(format!(
            "feed/format-not-accepted: `{format}` was built, and {} takes {}",
            self.destination.describe(),
            taken.join(", ")
        )))
    }

    /// Whether what the target holds is so old that it is sent again unchanged.
    fn is_too_old(&self, holdings: &[Holding]) -> bool {
        let limit = self.wish.max_age_h.map(|hours| hours * 3600).or_else(|| self.destination.max_age()).filter(|seconds| *seconds > 0);
        let since = holdings.iter().find(|holding| holding.accepted).map(|holding| holding.since);
        limit.zip(since).is_some_and(|(limit, since)| self.now() - since >= limit as i64)
    }

    /// The names of the files that are delivered.
    fn names(&self) -> String {
        self.built.files.iter().map(|file| file.name.as_str()).collect::<Vec<_>>().join("\n")
    }

    /// Whether the target has not got these files, although it has their items: they have other
    /// names, because their format changed, or they have vanished.
    async fn is_missed(&self, outcome: &mut Outcome) -> Result<bool, PushError> {
        if !self.destination.takes_snapshots() {
            return Ok(false);
        }
        let delivered = self.state.recall(self.target, self.account, FILES).await?;
        let Some(delivered) = delivered else { return Ok(false) };
        let is_gone = delivered == self.names() && self.destination.lacks(self.built);
        if is_gone {
            outcome.notes.push("the feed that was delivered is not there any more, or was cut; it is put there again".to_owned());
        }
        Ok(is_gone || delivered != self.names())
    }

    /// Of the rows that were refused the ones that nobody named can only be sent again by hand.
    fn note_unnamed(&self, refused: &[Refused], outcome: &mut Outcome) {
        let named = refused.iter().filter(|refused| !refused.warning && refused.item.is_some()).count() as u64;
        if named > 0 && named < outcome.refused {
            let unnamed = outcome.refused - named;
            outcome.notes.push(format!(
                "{unnamed} refused rows are not named by the target: they are sent again when they change, or by `feedmill push {} --full`",
                self.target
            ));
        }
    }

    /// Asks the guards: nothing where they hold the feed, else whether a person let it past them.
    async fn passes(&self, difference: &Difference, holdings: &[Holding], outcome: &mut Outcome) -> Result<Option<bool>, PushError> {
        let mut judgement = guard::judge(&difference.drift);
        let before = self.state.recall(self.target, self.account, FILLED).await?;
        if let Some(before) = before.and_then(|kept| serde_json::from_str(&kept).ok()) {
            guard::columns(&mut judgement, &before, &difference.counts.named(self.built));
        }
        let Judgement { mut held, noticed } = judgement;
        outcome.notes.extend(noticed.into_iter().map(|noticed| format!("worth a look: {noticed}")));
        if self.wish.allow_empty && difference.drift.now == 0 {
            return Ok(Some(true));
        }
        held.extend(self.stands_apart(holdings, outcome).await?);
        if held.is_empty() {
            return Ok(Some(false));
        }
        if self.state.is_approved(self.target, &self.built.digest).await? {
            return Ok(Some(true));
        }
        if self.wish.approved.as_ref() == Some(&self.built.digest) {
            outcome.notes.push(format!("without `--approve` it would be held: {}", held.join("; ")));
            return Ok(Some(true));
        }
        outcome.ending = Ending::Held;
        outcome.guards = held;
        Ok(None)
    }

    /// Where nothing is remembered of a target that has a feed of this name already, the state was
    /// lost, or somebody else delivered: all there is to compare is how large the two are.
    async fn stands_apart(&self, holdings: &[Holding], outcome: &mut Outcome) -> Result<Option<String>, PushError> {
        if !holdings.is_empty() || self.wish.rehearsal {
            return Ok(None);
        }
        let Some(standing) = self.destination.standing().await?.filter(|standing| *standing > 0) else { return Ok(None) };
        let bytes = self.built.bytes();
        if bytes.saturating_mul(10) <= standing.saturating_mul(9) {
            return Ok(Some(format!(
                "nothing is remembered of this target, where a feed of {standing} bytes stands already, and this one has {bytes}"
            )));
        }
        outcome.notes.push(
            "worth a look: nothing is remembered of this target, where a feed stands already; only its size could be compared".to_owned(),
        );
        Ok(None)
    }

    /// Writes the snapshot down and notes that the account may hold it from now on.
    async fn stage(&self, holdings: &[Holding]) -> Result<i64, PushError> {
        // Accounts share snapshots; until one of them holds it, another must not clear it away.
        let _staging = self.state.staging().await;
        let possible: Vec<i64> = holdings.iter().filter(|holding| !holding.accepted).map(|holding| holding.snapshot).collect();
        if possible.len() >= MOST_POSSIBLE {
            self.state.unite(self.target, self.account, &possible, self.now()).await?;
        }
        let snapshot = difference::stage(self.built, self.state, self.now()).await?;
        self.state.may_hold(self.target, self.account, snapshot, self.now()).await?;
        Ok(snapshot)
    }

    async fn rehearse(&self, parts: &[Part], outcome: &mut Outcome) -> Result<(), PushError> {
        let desk = self.desk();
        for part in parts {
            let mut intent = Intent {
                id: 0,
                part: part.name.clone(),
                content: part.content.clone(),
                remote: serde_json::Map::new(),
                created: self.now(),
                verdict: None,
            };
            self.destination.deliver(&desk, part, &mut intent).await?;
            outcome.sent += part.items;
            outcome.bytes += part.bytes;
        }
        outcome.ending = Ending::Planned;
        Ok(())
    }

    /// What an earlier run began: parts of this very content are gone on with; anything else is
    /// waited for, so that nothing older arrives after what is sent now.
    async fn take_up(&self, parts: &[Part]) -> Result<Vec<Intent>, PushError> {
        let mut kept = Vec::new();
        for mut intent in self.state.intents(self.target, self.account).await? {
            if parts.iter().any(|part| part.name == intent.part && part.content == intent.content) {
                kept.push(intent);
                continue;
            }
            if intent.verdict.is_none() {
                match self.destination.resume(&self.desk(), &mut intent).await {
                    // Refused for good is final too.
                    Ok(_) | Err(PushError::Refused { .. }) => {}
                    Err(error) => return Err(error),
                }
            }
            self.state.settle(&intent).await?;
        }
        Ok(kept)
    }

    async fn part(&self, part: &Part, intents: &mut Vec<Intent>) -> Result<Verdict, PushError> {
        let found = intents.iter().position(|intent| intent.part == part.name);
        let mut intent = match found.map(|place| intents.swap_remove(place)) {
            Some(intent) => intent,
            None => self.state.begin(self.target, self.account, &part.name, &part.content, self.now()).await?,
        };
        if let Some(verdict) = &intent.verdict {
            // The earlier run saw this part to its end, and died before all was told.
            let count = |name: &str| verdict.get(name).and_then(serde_json::Value::as_u64);
            let refusals = verdict.get("refusals").cloned().unwrap_or_default();
            let refusals = serde_json::from_value(refusals).unwrap_or_default();
            return Ok(Verdict { taken: count("taken"), refused: count("refused"), refusals, ..Verdict::default() });
        }
        let is_open = found.is_some() && !intent.remote.is_empty();
        let mut delivered = self.destination.deliver(&self.desk(), part, &mut intent).await;
        if is_open && matches!(delivered, Err(PushError::Refused { status: 404 | 410, .. })) {
            // What an earlier run began is not known there any more, so nothing of it can come to pass.
            self.state.settle(&intent).await?;
            intent = self.state.begin(self.target, self.account, &part.name, &part.content, self.now()).await?;
            delivered = self.destination.deliver(&self.desk(), part, &mut intent).await;
        }
        let verdict = delivered?;
        if verdict.failure.is_none() {
            intent.verdict = Some(kept(&verdict));
            self.state.remember(&intent).await?;
        }
        Ok(verdict)
    }

    async fn fail(&self, error: &PushError, outcome: &mut Outcome) {
        outcome.ending = Ending::of(error);
        outcome.message = Some(error.to_string());
        if let PushError::Temporary { wait: Some(wait), .. } | PushError::Unanswered { wait: Some(wait), .. } = error {
            let until = self.now() + i64::try_from(*wait).unwrap_or(i64::MAX / 2);
            outcome.not_before = Some(until);
            // Another process runs next time; it must not ask earlier either.
            if !self.wish.rehearsal
                && let Err(error) = self.state.wait_until(self.target, self.account, until).await
            {
                outcome.notes.push(error.to_string());
            }
        }
    }
}

/// Under which name is remembered how full the columns of the last delivery were.
const FILLED: &str = "filled";

/// Under which name the files of the last delivery are remembered.
const FILES: &str = "files";

/// The longest that a target is left alone because it asked for it, in seconds: a day.
const LONGEST_WAIT: i64 = 24 * 3600;

/// A part that was not taken at all.
fn failed(part: &str, message: String) -> PushError {
    PushError::Refused { what: part.to_owned(), status: 0, message, path: None }
}

/// A verdict as an intent remembers it.
fn kept(verdict: &Verdict) -> serde_json::Value {
    serde_json::json!({ "taken": verdict.taken, "refused": verdict.refused, "refusals": verdict.refusals })
}
