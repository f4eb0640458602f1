//! A round: every target and every account of it, some at once, each with an outcome of its own,
//! written down as it comes.

use super::difference;
use super::engine::{Delivery, Wish};
use super::error::PushError;
use super::feed::{self, Built};
use super::home;
use super::outcome::{Ending, Outcome};
use super::settings::{Deliver, accounts};
use super::shared::Shared;
use super::stand_in::StandIn;
use super::{FileState, Poll};
use crate::render::manifest::folder_of;
use crate::state::{Lock, State, Visit, key_of};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// A target to deliver to.
#[derive(Clone, Debug)]
pub struct Order {
    /// Its name.
    pub target: String,
    /// The folder it was built in.
    pub folder: PathBuf,
    /// How it is delivered, as written.
    pub deliver: toml::Table,
    /// Its accounts, as written.
    pub accounts: Option<toml::Value>,
}

/// What all orders of a round share.
#[derive(Clone)]
pub struct Round {
    /// The run's name.
    pub run: String,
    /// The folder at which relative paths of the settings start.
    pub home: PathBuf,
    /// What is remembered.
    pub state: Arc<State>,
    /// Clock, retries and deadline.
    pub shared: Shared,
    /// What is asked for.
    pub wish: Wish,
    /// Where deliveries go instead.
    pub stand_in: Option<StandIn>,
}

/// Accounts worked at once, unless the target says otherwise.
const AT_ONCE: usize = 4;

/// An order whose settings, feed and credentials are sound.
struct Ready {
    order: Order,
    deliver: Deliver,
    accounts: Vec<String>,
    feed: Feed,
    /// The catalog's files, by which refusals are led home.
    files: Vec<Arc<str>>,
}

/// What the accounts of an order get.
enum Feed {
    /// All the same.
    Shared(Arc<Built>),
    /// Each its own, in a folder of its name.
    Own,
}

impl Ready {
    fn built(&self, account: &str) -> Result<Arc<Built>, PushError> {
        match &self.feed {
            Feed::Shared(built) => Ok(Arc::clone(built)),
            Feed::Own => Built::open(&self.order.folder.join(folder_of(account)), self.deliver.common.format.as_deref()).map(Arc::new),
        }
    }
}

/// What is done with each account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// Send what changed.
    Push,
    /// Ask after what was begun.
    Ask,
}

impl Round {
    fn ready(&self, order: &Order) -> Result<Ready, PushError> {
        let mut deliver = Deliver::read(&order.target, &order.deliver)?;
        if let Some(to) = &self.stand_in {
            let built = feed::manifest(&order.folder)?;
            deliver.divert(&order.target, &built.feed(), to);
        }
        let found = || match feed::manifest(&order.folder)?.accounts {
            none if none.is_empty() => {
                Err(PushError::Feed(format!("{} was built without accounts: run `feedmill build` again", order.folder.display())))
            }
            accounts => Ok(accounts),
        };
        let accounts = accounts(&order.target, order.accounts.as_ref(), &self.home, found)?;
        let feed = if order.accounts.as_ref().is_some_and(toml::Value::is_table) {
            Feed::Own
        } else {
            Feed::Shared(Arc::new(Built::open(&order.folder, deliver.common.format.as_deref())?))
        };
        let files = feed::sources(&order.folder).unwrap_or_default();
        Ok(Ready { order: order.clone(), deliver, accounts, feed, files })
    }

    /// Asks after what was begun until nothing is open, or the time that is left would be over
    /// before the next question. `told` hears each answer as it comes; `turn` gives the lock for
    /// one question, or nothing where another run has it.
    pub async fn watch(
        &self,
        orders: &[Order],
        turn: &mut dyn FnMut() -> Option<Lock>,
        told: &mut (dyn FnMut(&Outcome) + Send),
    ) -> Vec<Outcome> {
        // As patient as the most patient of the targets.
        let pace = |order: &Order| Deliver::read(&order.target, &order.deliver).map(|deliver| deliver.common.poll.most_ms).ok();
        let pace = Duration::from_millis(orders.iter().filter_map(pace).max().unwrap_or_else(|| Poll::default().most_ms));
        let mut latest: Vec<Outcome> = Vec::new();
        loop {
            let turn = turn();
            let is_ours = turn.is_some();
            let asked = if is_ours { self.run(orders, Task::Ask, told).await } else { Vec::new() };
            // Given back for the time of the wait: a run that begins then asks by itself.
            drop(turn);
            latest.retain(|known| !asked.iter().any(|outcome| (&outcome.target, &outcome.account) == (&known.target, &known.account)));
            let open = !is_ours || asked.iter().any(is_open);
            let asked_later = asked.iter().filter_map(|outcome| outcome.not_before).max();
            latest.extend(asked);
            let now = self.shared.clock.timestamp().as_second();
            let asked_for = asked_later.and_then(|until| u64::try_from(until - now).ok()).map_or(Duration::ZERO, Duration::from_secs);
            let wait = pace.max(asked_for);
            if !open || wait >= self.shared.left() {
                return latest;
            }
            self.shared.clock.sleep(wait).await;
        }
    }

    /// Works all orders; `told` hears each outcome as it comes.
    pub async fn run(&self, orders: &[Order], task: Task, told: &mut (dyn FnMut(&Outcome) + Send)) -> Vec<Outcome> {
        let mut all = Vec::new();
        for order in orders {
            match self.ready(order) {
                Ok(ready) => all.extend(self.order(ready, task, told).await),
                Err(error) => {
                    let mut outcome = Outcome::new(&order.target, "", String::new(), Ending::Unusable);
                    outcome.message = Some(error.to_string());
                    let now = self.shared.clock.timestamp().as_second();
                    outcome.time = (now, now);
                    self.write_down(&mut outcome, &[]).await;
                    told(&outcome);
                    all.push(outcome);
                }
            }
        }
        all
    }

    async fn order(&self, ready: Ready, task: Task, told: &mut (dyn FnMut(&Outcome) + Send)) -> Vec<Outcome> {
        let ready = Arc::new(ready);
        let room = Arc::new(Semaphore::new(ready.deliver.common.at_once.unwrap_or(AT_ONCE).max(1)));
        let mut tasks = JoinSet::new();
        for place in 0..ready.accounts.len() {
            let (round, ready, room) = (self.clone(), Arc::clone(&ready), Arc::clone(&room));
            tasks.spawn(async move {
                let _room = room.acquire_owned().await;
                let account = ready.accounts.get(place).map_or("", String::as_str);
                (place, round.account(&ready, account, task).await)
            });
        }
        let mut outcomes: Vec<(usize, Outcome)> = Vec::new();
        while let Some(done) = tasks.join_next().await {
            match done {
                Ok((_, None)) => {}
                Ok((place, Some(mut outcome))) => {
                    // To have asked and learnt nothing is no part of the history.
                    if task == Task::Push || !is_open(&outcome) {
                        self.write_down(&mut outcome, &ready.files).await;
                    }
                    told(&outcome);
                    outcomes.push((place, outcome));
                }
                Err(panic) if panic.is_panic() => std::panic::resume_unwind(panic.into_panic()),
                Err(_) => {}
            }
        }
        outcomes.sort_by_key(|(place, _)| *place);
        outcomes.into_iter().map(|(_, outcome)| outcome).collect()
    }

    async fn account(&self, ready: &Ready, account: &str, task: Task) -> Option<Outcome> {
        let target = ready.order.target.as_str();
        let failed = |error: &PushError, ending: Ending| {
            let mut outcome = Outcome::new(target, account, String::new(), ending);
            outcome.message = Some(error.to_string());
            let now = self.shared.clock.timestamp().as_second();
            outcome.time = (now, now);
            Some(outcome)
        };
        let prepared = ready.built(account).and_then(|built| {
            let feed = &built.manifest.target;
            let destination = ready.deliver.destination(target, feed, account, &self.home, &self.shared, self.wish.rehearsal)?;
            Ok((built, destination))
        });
        let (built, destination) = match prepared {
            Ok(prepared) => prepared,
            Err(error) => return failed(&error, Ending::Unusable),
        };
        let folder = match tempfile::Builder::new().prefix("feedmill-push-").tempdir() {
            Ok(folder) => folder,
            Err(error) => return failed(&PushError::io("a temporary folder")(error), Ending::Unwritten),
        };
        let delivery = Delivery {
            target,
            account,
            destination: &*destination,
            built: &built,
            state: &self.state,
            clock: &*self.shared.clock,
            folder: folder.path(),
            poll: ready.deliver.common.poll,
            wish: Wish { max_age_h: ready.deliver.common.max_age_h, ..self.wish.clone() },
        };
        match task {
            Task::Push => Some(delivery.run().await),
            Task::Ask => match delivery.ask().await {
                Ok(outcome) => outcome,
                Err(error) => failed(&error, Ending::Unwritten),
            },
        }
    }

    /// Writes an outcome down; a state that cannot be written is worse than any other end.
    async fn write_down(&self, outcome: &mut Outcome, files: &[Arc<str>]) {
        if self.wish.rehearsal {
            return;
        }
        let visit = Visit {
            id: 0,
            run: self.run.clone(),
            target: outcome.target.clone(),
            account: outcome.account.clone(),
            started: outcome.time.0,
            ended: outcome.time.1,
            outcome: outcome.ending.word().to_owned(),
            summary: outcome.json(),
        };
        let kept: Vec<_> = outcome.findings.iter().map(|finding| home::keep(finding, files)).collect();
        if let Err(error) = self.state.record(&visit, &kept).await {
            outcome.ending = Ending::Unwritten;
            outcome.message = Some(error.to_string());
        }
    }

    /// Reads back what a target holds and compares it with what was built: the ids that it lacks
    /// and those it has besides, or its files byte for byte. `None` where a target cannot be read.
    ///
    /// # Errors
    /// When the target cannot be asked.
    pub async fn verify(&self, order: &Order) -> Result<Vec<(String, Option<Held>)>, PushError> {
        let ready = self.ready(order)?;
        let folder = tempfile::tempdir().map_err(PushError::io("a temporary folder"))?;
        let folder = folder.path();
        let mut all = Vec::new();
        for account in &ready.accounts {
            let built = ready.built(account)?;
            let feed = &built.manifest.target;
            let destination = ready.deliver.destination(&order.target, feed, account, &self.home, &self.shared, false)?;
            let desk = super::Desk {
                state: Some(&self.state),
                memory: &self.state,
                target: &order.target,
                account,
                folder,
                poll: ready.deliver.common.poll,
            };
            let held = match destination.read_back(&desk).await? {
                None => destination.files(&built).await?.map(Held::Files),
                Some(read) => Some(Held::Items(held(&built, read.items)?)),
            };
            all.push((account.clone(), held));
        }
        Ok(all)
    }
}

/// Whether the last word is still to come.
fn is_open(outcome: &Outcome) -> bool {
    matches!(outcome.ending, Ending::Unknown | Ending::Temporary)
}

/// What a target holds against what was built.
#[derive(Clone, Debug)]
pub enum Held {
    /// Its items.
    Items(HeldItems),
    /// Its files, by name.
    Files(Vec<(String, FileState)>),
}

/// The items that a target holds against those that were built.
#[derive(Clone, Debug, Default)]
pub struct HeldItems {
    /// Items it holds.
    pub items: u64,
    /// Ids that were built and that it lacks.
    pub missing: Vec<String>,
    /// Ids that it holds and that were not built.
    pub besides: Vec<String>,
}

fn held(built: &Built, items: Vec<String>) -> Result<HeldItems, PushError> {
    let mut found = HeldItems { items: items.len() as u64, ..HeldItems::default() };
    let keys: std::collections::HashSet<u128> = items.iter().map(|item| key_of(item)).collect();
    let mut ours = std::collections::HashSet::new();
    for item in difference::items(built)? {
        let (item, _) = item?;
        let key = key_of(&item);
        ours.insert(key);
        if !keys.contains(&key) {
            found.missing.push(item);
        }
    }
    found.besides = items.into_iter().filter(|item| !ours.contains(&key_of(item))).collect();
    Ok(found)
}
