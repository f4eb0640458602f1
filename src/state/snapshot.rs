//! Snapshots: what a target holds, item by item, as digests.
//!
//! Entries are sorted by the digest of the item's id and kept in pages, so that ten million of
//! them are read and written as a stream. Accounts that hold the same snapshot share it. After
//! a run that did not come to its end, it is not known which of two snapshots a target holds;
//! then both are kept as holdings, and an item counts as unchanged only if all agree.

use super::{Outstanding, State, StateError};
use crate::render::index::{Entry, Print};
use sqlx::sqlite::SqliteConnection;
use sqlx::{Connection, Row};

/// The digest of an item's id by which snapshots are sorted.
pub fn key_of(item: &str) -> u128 {
    xxhash_rust::xxh3::xxh3_128(item.as_bytes())
}

/// An item that a target holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// The digest of its id.
    pub key: u128,
    /// Its id.
    pub item: String,
    /// Its group's id.
    pub group: String,
    /// What was written of it; not in which columns.
    pub print: Print,
}

impl Known {
    /// What is kept of an entry of a feed's index.
    pub fn of(entry: &Entry) -> Self {
        Self { key: key_of(&entry.item), item: entry.item.clone(), group: entry.group.clone(), print: entry.print }
    }
}

/// A snapshot that a target may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holding {
    /// The snapshot.
    pub snapshot: i64,
    /// Items in it.
    pub items: u64,
    /// Whether the target accepted it; else a run began to send it and did not see the end.
    pub accepted: bool,
    /// Since when, in seconds of the epoch.
    pub since: i64,
}

/// What a target accepted.
#[derive(Clone, Copy, Debug)]
pub struct Accepted<'a> {
    /// The snapshot.
    pub snapshot: i64,
    /// The rows of it that it refused, of this delivery or of earlier ones.
    pub outstanding: &'a [Outstanding],
    /// Whether a person let it past the guards, so that later ones are measured by it alone.
    pub is_new_norm: bool,
}

/// Entries of a page.
const PAGE: usize = 4096;

/// The flag of an entry that says more than version 1 of the state did: currency and host.
const MORE: u8 = 1 << 7;

fn encode(known: &Known, out: &mut Vec<u8>) {
    out.extend_from_slice(&known.key.to_be_bytes());
    for number in [known.print.body, known.print.price, known.print.stock] {
        out.extend_from_slice(&number.to_le_bytes());
    }
    out.extend_from_slice(&known.print.amount.to_le_bytes());
    out.push(known.print.flags() | MORE);
    for mark in [known.print.currency, known.print.host] {
        out.extend_from_slice(&mark.to_le_bytes());
    }
    for name in [&known.item, &known.group] {
        out.extend_from_slice(&(name.len() as u16).to_le_bytes());
        out.extend_from_slice(name.as_bytes());
    }
}

fn decode(bytes: &mut &[u8]) -> Option<Known> {
    fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
        let (head, rest) = bytes.split_first_chunk::<N>()?;
        *bytes = rest;
        Some(*head)
    }
    let key = u128::from_be_bytes(take(bytes)?);
    let mut print = Print {
        body: u64::from_le_bytes(take(bytes)?),
        price: u64::from_le_bytes(take(bytes)?),
        stock: u64::from_le_bytes(take(bytes)?),
        amount: i64::from_le_bytes(take(bytes)?),
        ..Print::default()
    };
    let flags = u8::from_le_bytes(take(bytes)?);
    print.set_flags(flags);
    if flags & MORE != 0 {
        print.currency = u16::from_le_bytes(take(bytes)?);
        print.host = u16::from_le_bytes(take(bytes)?);
    }
    let mut name = || {
        let length = usize::from(u16::from_le_bytes(take(bytes)?));
        let (head, rest) = bytes.split_at_checked(length)?;
        *bytes = rest;
        String::from_utf8(head.to_vec()).ok()
    };
    Some(Known { key, item: name()?, group: name()?, print })
}

/// Reads a snapshot in the order of its keys.
pub struct Snapshots<'a> {
    state: &'a State,
    snapshot: i64,
    page: std::vec::IntoIter<Known>,
    last: Option<u128>,
    head: Option<Known>,
}

impl Snapshots<'_> {
    /// The next entry, still to be taken.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub async fn peek(&mut self) -> Result<Option<&Known>, StateError> {
        if self.head.is_none() {
            self.head = self.page.next();
        }
        if self.head.is_none() {
            self.load().await?;
            self.head = self.page.next();
        }
        Ok(self.head.as_ref())
    }

    /// Takes the entry seen by `peek`.
    pub fn take(&mut self) -> Option<Known> {
        self.head.take()
    }

    async fn load(&mut self) -> Result<(), StateError> {
        let after = self.last.map_or_else(Vec::new, |key| key.to_be_bytes().to_vec());
        let row = sqlx::query("select first, entries from page where snapshot = ? and first > ? order by first limit 1")
            .bind(self.snapshot)
            .bind(after)
            .fetch_optional(&mut *self.state.connection().await)
            .await
            .map_err(|error| self.state.fail(error))?;
        let Some(row) = row else { return Ok(()) };
        let first: Vec<u8> = row.try_get("first").map_err(|error| self.state.fail(error))?;
        let entries: Vec<u8> = row.try_get("entries").map_err(|error| self.state.fail(error))?;
        self.last = first.try_into().ok().map(u128::from_be_bytes);
        let damaged = || StateError::Damaged { path: self.state.path.clone(), message: "a page of a snapshot is cut".to_owned() };
        let mut bytes = entries.as_slice();
        let mut page = Vec::with_capacity(PAGE);
        while !bytes.is_empty() {
            page.push(decode(&mut bytes).ok_or_else(damaged)?);
        }
        self.page = page.into_iter();
        Ok(())
    }
}

/// A snapshot in the making: entries come sorted, and stand in the file when it is finished.
pub struct Draft<'a> {
    state: &'a State,
    id: i64,
    pages: Vec<(Vec<u8>, Vec<u8>)>,
    open: Vec<u8>,
    first: Option<u128>,
    count: usize,
    items: u64,
}

/// Pages that are written in one transaction.
const BATCH: usize = 64;

impl Draft<'_> {
    /// Appends an entry; its key is above all before it.
    ///
    /// # Errors
    /// When the state cannot be written.
    pub async fn push(&mut self, known: &Known) -> Result<(), StateError> {
        self.first.get_or_insert(known.key);
        encode(known, &mut self.open);
        self.count += 1;
        self.items += 1;
        if self.count == PAGE {
            self.turn();
            if self.pages.len() == BATCH {
                self.write().await?;
            }
        }
        Ok(())
    }

    fn turn(&mut self) {
        if let Some(first) = self.first.take() {
            self.pages.push((first.to_be_bytes().to_vec(), std::mem::take(&mut self.open)));
            self.count = 0;
        }
    }

    async fn write(&mut self) -> Result<(), StateError> {
        let mut connection = self.state.connection().await;
        let fail = |error| self.state.fail(error);
        let mut transaction = connection.begin().await.map_err(fail)?;
        for (first, entries) in self.pages.drain(..) {
            sqlx::query("insert into page (snapshot, first, entries) values (?, ?, ?)")
                .bind(self.id)
                .bind(first)
                .bind(entries)
                .execute(&mut *transaction)
                .await
                .map_err(fail)?;
        }
        transaction.commit().await.map_err(fail)
    }

    /// Ends the snapshot under its digest.
    ///
    /// # Errors
    /// When the state cannot be written.
    pub async fn finish(mut self, digest: &str) -> Result<i64, StateError> {
        self.turn();
        self.write().await?;
        sqlx::query("update snapshot set digest = ?, items = ? where id = ?")
            .bind(digest)
            .bind(self.items as i64)
            .bind(self.id)
            .execute(&mut *self.state.connection().await)
            .await
            .map_err(|error| self.state.fail(error))?;
        Ok(self.id)
    }
}

impl State {
    /// The snapshot with this digest, if it is there.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub async fn snapshot(&self, digest: &str) -> Result<Option<i64>, StateError> {
        sqlx::query_scalar("select id from snapshot where digest = ?")
            .bind(digest)
            .fetch_optional(&mut *self.connection().await)
            .await
            .map_err(|error| self.fail(error))
    }

    /// Begins a snapshot. What an earlier run began and did not finish is cleared away.
    ///
    /// # Errors
    /// When the state cannot be written.
    pub async fn draft(&self, now: i64) -> Result<Draft<'_>, StateError> {
        let mut connection = self.connection().await;
        let fail = |error| self.fail(error);
        let mut transaction = connection.begin().await.map_err(fail)?;
        sqlx::query("delete from page where snapshot in (select id from snapshot where digest like 'draft-%')")
            .execute(&mut *transaction)
            .await
            .map_err(fail)?;
        sqlx::query("delete from snapshot where digest like 'draft-%'").execute(&mut *transaction).await.map_err(fail)?;
        let id = sqlx::query("insert into snapshot (digest, items, created) values ('draft-' || hex(randomblob(8)), 0, ?)")
            .bind(now)
            .execute(&mut *transaction)
            .await
            .map_err(fail)?
            .last_insert_rowid();
        transaction.commit().await.map_err(fail)?;
        Ok(Draft { state: self, id, pages: Vec::new(), open: Vec::new(), first: None, count: 0, items: 0 })
    }

    /// Reads a snapshot.
    pub fn read(&self, snapshot: i64) -> Snapshots<'_> {
        Snapshots { state: self, snapshot, page: Vec::new().into_iter(), last: None, head: None }
    }

    /// What an account may hold, the accepted snapshot first.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub async fn holdings(&self, target: &str, account: &str) -> Result<Vec<Holding>, StateError> {
        let fail = |error| self.fail(error);
        let rows = sqlx::query(
            "select h.snapshot, s.items, h.accepted, h.since from holding h join snapshot s on s.id = h.snapshot
             where h.target = ? and h.account = ? order by h.accepted desc, h.since, h.snapshot",
        )
        .bind(target)
        .bind(account)
        .fetch_all(&mut *self.connection().await)
        .await
        .map_err(fail)?;
        let holding = |row: sqlx::sqlite::SqliteRow| -> Result<Holding, sqlx::Error> {
            Ok(Holding {
                snapshot: row.try_get(0)?,
                items: row.try_get::<i64, _>(1)?.max(0) as u64,
                accepted: row.try_get::<i64, _>(2)? != 0,
                since: row.try_get(3)?,
            })
        };
        rows.into_iter().map(holding).collect::<Result<_, _>>().map_err(fail)
    }

    /// Notes that an account may hold a snapshot from now on, whatever becomes of the run.
    ///
    /// # Errors
    /// When the state cannot be written.
    pub async fn may_hold(&self, target: &str, account: &str, snapshot: i64, now: i64) -> Result<(), StateError> {
        sqlx::query("insert or ignore into holding (target, account, snapshot, accepted, since) values (?, ?, ?, 0, ?)")
            .bind(target)
            .bind(account)
            .bind(snapshot)
            .bind(now)
            .execute(&mut *self.connection().await)
            .await
            .map(drop)
            .map_err(|error| self.fail(error))
    }

    /// Notes that an account does not hold a snapshot that it might have come to hold.
    ///
    /// # Errors
    /// When the state cannot be written.
    pub async fn cannot_hold(&self, target: &str, account: &str, snapshot: i64) -> Result<(), StateError> {
        sqlx::query("delete from holding where target = ? and account = ? and snapshot = ? and accepted = 0")
            .bind(target)
            .bind(account)
            .bind(snapshot)
            .execute(&mut *self.connection().await)
            .await
            .map(drop)
            .map_err(|error| self.fail(error))
    }

    /// Notes that an account holds this snapshot and no other, and clears away what no account
    /// holds any more.
    ///
    /// # Errors
    /// When the state cannot be written.
    pub async fn holds(&self, target: &str, account: &str, accepted: &Accepted<'_>, now: i64) -> Result<(), StateError> {
        let _staging = self.staging().await;
        let mut connection = self.connection().await;
        let fail = |error| self.fail(error);
        let mut transaction = connection.begin().await.map_err(fail)?;
        sqlx::query("delete from holding where target = ? and account = ?")
            .bind(target)
            .bind(account)
            .execute(&mut *transaction)
            .await
            .map_err(fail)?;
        sqlx::query("insert into holding (target, account, snapshot, accepted, since) values (?, ?, ?, 1, ?)")
            .bind(target)
            .bind(account)
            .bind(accepted.snapshot)
            .bind(now)
            .execute(&mut *transaction)
            .await
            .map_err(fail)?;
        sqlx::query("update intent set done = 1 where target = ? and account = ?")
            .bind(target)
            .bind(account)
            .execute(&mut *transaction)
            .await
            .map_err(fail)?;
        self.keep_outstanding(&mut transaction, target, account, accepted.outstanding).await?;
        self.count_peak(&mut transaction, (target, account), accepted.snapshot, accepted.is_new_norm, now).await?;
        self.clear(&mut transaction).await?;
        transaction.commit().await.map_err(fail)
    }

    /// Clears away what no account holds any more.
    pub(super) async fn clear(&self, connection: &mut SqliteConnection) -> Result<(), StateError> {
        for query in [
            "delete from snapshot where id not in (select snapshot from holding)",
            "delete from page where snapshot not in (select id from snapshot)",
        ] {
            sqlx::query(query).execute(&mut *connection).await.map_err(|error| self.fail(error))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::super::tests::wait;
    use super::{Accepted, Known, Outstanding, decode, encode, key_of};
    use crate::render::index::Print;

    fn accepted(snapshot: i64) -> Accepted<'static> {
        Accepted { snapshot, outstanding: &[], is_new_norm: false }
    }

    #[test]
    fn entries_of_the_first_version_are_read_still() {
        let print = Print { body: 1, amount: 5, in_stock: true, currency: 7, host: 9, ..Print::default() };
        let known = Known { key: 3, item: "A".to_owned(), group: "G".to_owned(), print };
        let mut bytes = Vec::new();
        encode(&known, &mut bytes);
        assert_eq!(decode(&mut bytes.as_slice()), Some(known.clone()));
        // Before it there were no currency and no host, and no flag that says so.
        let flags = 16 + 4 * 8;
        bytes[flags] &= !super::MORE;
        bytes.drain(flags + 1..flags + 5);
        let before = Known { print: Print { currency: 0, host: 0, ..print }, ..known };
        assert_eq!(decode(&mut bytes.as_slice()), Some(before));
    }

    #[test]
    fn what_is_outstanding_and_the_most_items_are_an_accounts_own() {
        let folder = tempfile::tempdir().expect("a folder");
        const DAY: i64 = 24 * 3600;
        wait(async {
            let state = State::open(&folder.path().join("state.sqlite")).await.expect("new");
            let mut made = Vec::new();
            for count in [10, 4] {
                let mut draft = state.draft(1).await.expect("draft");
                for n in 0..count {
                    draft.push(&Known { key: n, item: n.to_string(), ..Known::default() }).await.expect("pushed");
                }
                made.push(draft.finish(&format!("of {count}")).await.expect("finished"));
                state.may_hold("t", "keeps", made[made.len() - 1], 1).await.expect("noted");
            }
            let rows = [Outstanding::new("A".to_owned(), "G".to_owned(), 2, 50)];
            state.holds("t", "a", &Accepted { outstanding: &rows, ..accepted(made[0]) }, 0).await.expect("held");
            state.holds("t", "b", &accepted(made[1]), DAY).await.expect("held");
            assert_eq!(state.outstanding("t", "a").await.expect("readable"), rows);
            assert_eq!(state.outstanding("t", "b").await.expect("readable"), []);
            state.holds("t", "a", &accepted(made[1]), 6 * DAY).await.expect("held");
            assert_eq!(state.outstanding("t", "a").await.expect("readable"), [], "taken by now");
            let peak = async |account: &'static str, day: i64| state.peak("t", account, day * DAY).await.expect("readable");
            assert_eq!([peak("a", 6).await, peak("a", 7).await, peak("b", 6).await], [Some(10), Some(4), Some(4)]);
            assert_eq!([peak("a", 13).await, peak("c", 6).await], [None, None]);
            state.holds("t", "a", &Accepted { is_new_norm: true, ..accepted(made[1]) }, 6 * DAY).await.expect("held");
            assert_eq!(peak("a", 6).await, Some(4), "a person said that this is how it is now");
        });
    }

    #[test]
    fn snapshots_come_back_sorted_and_are_shared_and_cleared() {
        let folder = tempfile::tempdir().expect("a folder");
        wait(async {
            let state = State::open(&folder.path().join("state.sqlite")).await.expect("new");
            let mut known: Vec<Known> = (0..10_000)
                .map(|n| Known {
                    key: key_of(&n.to_string()),
                    item: n.to_string(),
                    group: String::new(),
                    print: Print { body: n, ..Print::default() },
                })
                .collect();
            known.sort_unstable_by_key(|known| known.key);
            let mut draft = state.draft(1).await.expect("draft");
            for known in &known {
                draft.push(known).await.expect("pushed");
            }
            let first = draft.finish("d1").await.expect("finished");
            let mut reader = state.read(first);
            for expected in &known {
                assert_eq!(reader.peek().await.expect("readable"), Some(expected));
                reader.take();
            }
            assert_eq!(reader.peek().await.expect("readable"), None);
            state.holds("t", "a", &accepted(first), 2).await.expect("held");
            state.holds("t", "b", &accepted(first), 2).await.expect("held");
            let second = state.draft(3).await.expect("draft").finish("d2").await.expect("finished");
            state.may_hold("t", "a", second, 3).await.expect("noted");
            let holdings = state.holdings("t", "a").await.expect("readable");
            assert_eq!(
                holdings.iter().map(|held| (held.snapshot, held.items, held.accepted)).collect::<Vec<_>>(),
                [(first, 10_000, true), (second, 0, false)]
            );
            state.holds("t", "a", &accepted(second), 4).await.expect("held");
            assert_eq!(state.snapshot("d1").await.expect("readable"), Some(first), "the other account holds it still");
            state.holds("t", "b", &accepted(second), 4).await.expect("held");
            assert_eq!(state.snapshot("d1").await.expect("readable"), None);
        });
    }
}
