//! How many items an account held at most on each of the last days: a feed that shrinks a little
//! in every run is compared with that, and not only with the run before.

use super::{State, StateError};
use sqlx::sqlite::SqliteConnection;

/// Days that are looked back on.
const DAYS: i64 = 7;

fn day(now: i64) -> i64 {
    now.div_euclid(24 * 3600)
}

impl State {
    /// The most items that an account accepted within the last seven days, if it accepted any.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub async fn peak(&self, target: &str, account: &str, now: i64) -> Result<Option<u64>, StateError> {
        let found: Option<i64> = sqlx::query_scalar("select max(items) from peak where target = ? and account = ? and day > ?")
            .bind(target)
            .bind(account)
            .bind(day(now) - DAYS)
            .fetch_one(&mut *self.connection().await)
            .await
            .map_err(|error| self.fail(error))?;
        Ok(found.and_then(|items| u64::try_from(items).ok()))
    }

    /// Counts a snapshot that was accepted; as the only one where a person let it through, because
    /// what was before is no measure any more.
    pub(super) async fn count_peak(
        &self,
        connection: &mut SqliteConnection,
        (target, account): (&str, &str),
        snapshot: i64,
        is_new_norm: bool,
        now: i64,
    ) -> Result<(), StateError> {
        let fail = |error| self.fail(error);
        let before = if is_new_norm { i64::MAX } else { day(now) - DAYS };
        sqlx::query("delete from peak where target = ? and account = ? and day <= ?")
            .bind(target)
            .bind(account)
            .bind(before)
            .execute(&mut *connection)
            .await
            .map_err(fail)?;
        sqlx::query(
            "insert into peak (target, account, day, items) values (?, ?, ?, (select items from snapshot where id = ?))
             on conflict do update set items = max(items, excluded.items)",
        )
        .bind(target)
        .bind(account)
        .bind(day(now))
        .bind(snapshot)
        .execute(&mut *connection)
        .await
        .map(drop)
        .map_err(fail)
    }
}
