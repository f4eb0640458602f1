//! What happened: one visit for each account of each target in each run, and the refusals the
//! target named, as findings at the merchant's own rows. Old visits are cleared away.

use super::{State, StateError};
use serde_json::Value;
use sqlx::{Connection, Row};

/// What became of one account of one target in one run.
#[derive(Clone, Debug, PartialEq)]
pub struct Visit {
    /// Its number; 0 before it is written.
    pub id: i64,
    /// The run.
    pub run: String,
    /// The target's name.
    pub target: String,
    /// The account; empty where there is none.
    pub account: String,
    /// When it began, in seconds of the epoch.
    pub started: i64,
    /// When it ended.
    pub ended: i64,
    /// The outcome's word.
    pub outcome: String,
    /// Counts, ids and words.
    pub summary: Value,
}

/// A refusal, as it is written down.
pub type Refusal = Value;

/// Visits kept of each account.
const KEPT: i64 = 500;

impl State {
    /// Writes a visit down with its refusals.
    ///
    /// # Errors
    /// When the state cannot be written.
    pub async fn record(&self, visit: &Visit, refusals: &[Refusal]) -> Result<i64, StateError> {
        let mut connection = self.connection().await;
        let fail = |error| self.fail(error);
        let mut transaction = connection.begin().await.map_err(fail)?;
        let id = sqlx::query("insert into visit (run, target, account, started, ended, outcome, summary) values (?, ?, ?, ?, ?, ?, ?)")
            .bind(&visit.run)
            .bind(&visit.target)
            .bind(&visit.account)
            .bind(visit.started)
            .bind(visit.ended)
            .bind(&visit.outcome)
            .bind(visit.summary.to_string())
            .execute(&mut *transaction)
            .await
            .map_err(fail)?
            .last_insert_rowid();
        for (place, refusal) in refusals.iter().enumerate() {
            sqlx::query("insert into refusal (visit, place, finding) values (?, ?, ?)")
                .bind(id)
                .bind(place as i64)
                .bind(refusal.to_string())
                .execute(&mut *transaction)
                .await
                .map_err(fail)?;
        }
        sqlx::query(
            "delete from visit where target = ?1 and account = ?2 and id not in
             (select id from visit where target = ?1 and account = ?2 order by id desc limit ?3)",
        )
        .bind(&visit.target)
        .bind(&visit.account)
        .bind(KEPT)
        .execute(&mut *transaction)
        .await
        .map_err(fail)?;
        sqlx::query("delete from refusal where visit not in (select id from visit)").execute(&mut *transaction).await.map_err(fail)?;
        transaction.commit().await.map_err(fail)?;
        Ok(id)
    }

    /// The last visits, newest first, of all targets or of one.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub async fn visits(&self, target: Option<&str>, limit: u32) -> Result<Vec<Visit>, StateError> {
        let fail = |error| self.fail(error);
        let rows = sqlx::query(
            "select id, run, target, account, started, ended, outcome, summary from visit
             where ?1 is null or target = ?1 order by id desc limit ?2",
        )
        .bind(target)
        .bind(i64::from(limit))
        .fetch_all(&mut *self.connection().await)
        .await
        .map_err(fail)?;
        let visit = |row: sqlx::sqlite::SqliteRow| -> Result<Visit, sqlx::Error> {
            Ok(Visit {
                id: row.try_get(0)?,
                run: row.try_get(1)?,
                target: row.try_get(2)?,
                account: row.try_get(3)?,
                started: row.try_get(4)?,
                ended: row.try_get(5)?,
                outcome: row.try_get(6)?,
                summary: serde_json::from_str(&row.try_get::<String, _>(7)?).unwrap_or_default(),
            })
        };
        rows.into_iter().map(visit).collect::<Result<_, _>>().map_err(fail)
    }

    /// The refusals of a visit.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub async fn refusals(&self, visit: i64) -> Result<Vec<Refusal>, StateError> {
        let texts: Vec<String> = sqlx::query_scalar("select finding from refusal where visit = ? order by place")
            .bind(visit)
            .fetch_all(&mut *self.connection().await)
            .await
            .map_err(|error| self.fail(error))?;
        Ok(texts.iter().filter_map(|text| serde_json::from_str(text).ok()).collect())
    }
}
