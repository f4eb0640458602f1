//! Rows that a target refused. The snapshot says that they are held as they were sent, and they
//! are not: they are sent again, at growing intervals, until they are taken or leave the feed.

use super::{State, StateError};
use sqlx::Row;
use sqlx::sqlite::SqliteConnection;

/// A row that a target refused.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outstanding {
    /// The item's id.
    pub item: String,
    /// The id of its group; empty where it has none.
    pub group: String,
    /// How often it was refused.
    pub times: u32,
    /// From when on an unattended run sends it again, in seconds of the epoch.
    pub due: i64,
}

/// The first wait, in seconds: shorter than the usual interval of cron, so that the next run sends
/// what only came too early, such as stock of a product that is not there yet.
const FIRST: i64 = 10 * 60;
/// The longest wait: a day.
const LONGEST: i64 = 24 * 3600;

impl Outstanding {
    /// A row that was refused for the n-th time.
    pub fn new(item: String, group: String, times: u32, now: i64) -> Self {
        let wait = FIRST.checked_shl(times.saturating_sub(1).min(16)).map_or(LONGEST, |wait| wait.min(LONGEST));
        Self { item, group, times, due: now.saturating_add(wait) }
    }
}

impl State {
    /// The rows that an account refused and does not hold as they were sent.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub async fn outstanding(&self, target: &str, account: &str) -> Result<Vec<Outstanding>, StateError> {
        let fail = |error| self.fail(error);
        let rows = sqlx::query("select item, grp, times, due from outstanding where target = ? and account = ?")
            .bind(target)
            .bind(account)
            .fetch_all(&mut *self.connection().await)
            .await
            .map_err(fail)?;
        let row = |row: sqlx::sqlite::SqliteRow| -> Result<Outstanding, sqlx::Error> {
            Ok(Outstanding { item: row.try_get(0)?, group: row.try_get(1)?, times: row.try_get::<u32, _>(2)?, due: row.try_get(3)? })
        };
        rows.into_iter().map(row).collect::<Result<_, _>>().map_err(fail)
    }

    /// Writes down which rows are outstanding from now on.
    pub(super) async fn keep_outstanding(
        &self,
        connection: &mut SqliteConnection,
        target: &str,
        account: &str,
        rows: &[Outstanding],
    ) -> Result<(), StateError> {
        let fail = |error| self.fail(error);
        sqlx::query("delete from outstanding where target = ? and account = ?")
            .bind(target)
            .bind(account)
            .execute(&mut *connection)
            .await
            .map_err(fail)?;
        for row in rows {
            sqlx::query("insert or replace into outstanding (target, account, item, grp, times, due) values (?, ?, ?, ?, ?, ?)")
                .bind(target)
                .bind(account)
                .bind(&row.item)
                .bind(&row.group)
                .bind(row.times)
                .bind(row.due)
                .execute(&mut *connection)
                .await
                .map_err(fail)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Outstanding;

    #[test]
    fn waits_double_up_to_a_day() {
        let wait = |times| Outstanding::new("A".to_owned(), String::new(), times, 1_000).due - 1_000;
        assert_eq!([wait(0), wait(1), wait(2), wait(3)], [600, 600, 1_200, 2_400]);
        assert_eq!([wait(8), wait(9), wait(40), wait(u32::MAX)], [76_800, 86_400, 86_400, 86_400]);
    }
}
