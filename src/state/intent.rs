//! Intents: what is about to be asked of a target, on disk before the request leaves.
//!
//! An intent holds the keys by which the target tells a repetition from a second request, and
//! the ids it answered with. A run that finds one of an earlier run asks the target first.

use super::{State, StateError};
use serde_json::{Map, Value};
use sqlx::Row;

/// Something begun.
#[derive(Clone, Debug, PartialEq)]
pub struct Intent {
    /// Its number.
    pub id: i64,
    /// Which part of the delivery it is.
    pub part: String,
    /// The digest of what is sent.
    pub content: String,
    /// Keys sent and ids answered.
    pub remote: Map<String, Value>,
    /// When it was made, in seconds of the epoch.
    pub created: i64,
    /// What the target said in the end.
    pub verdict: Option<Value>,
}

impl Intent {
    /// A word that was remembered.
    pub fn word(&self, name: &str) -> Option<&str> {
        self.remote.get(name).and_then(Value::as_str)
    }
}

impl State {
    /// Everything begun for an account and not settled, oldest first.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub async fn intents(&self, target: &str, account: &str) -> Result<Vec<Intent>, StateError> {
        let fail = |error| self.fail(error);
        let rows = sqlx::query(
            "select id, part, content, remote, created, verdict from intent where target = ? and account = ? and done = 0 order by id",
        )
        .bind(target)
        .bind(account)
        .fetch_all(&mut *self.connection().await)
        .await
        .map_err(fail)?;
        let intent = |row: sqlx::sqlite::SqliteRow| -> Result<Intent, sqlx::Error> {
            let object = |text: String| serde_json::from_str(&text).unwrap_or_default();
            Ok(Intent {
                id: row.try_get(0)?,
                part: row.try_get(1)?,
                content: row.try_get(2)?,
                remote: object(row.try_get(3)?),
                created: row.try_get(4)?,
                verdict: row.try_get::<Option<String>, _>(5)?.and_then(|text| serde_json::from_str(&text).ok()),
            })
        };
        rows.into_iter().map(intent).collect::<Result<_, _>>().map_err(fail)
    }

    /// Whether the last word of anything that was begun is still to come.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub async fn is_waiting(&self) -> Result<bool, StateError> {
        sqlx::query_scalar("select exists (select 1 from intent where done = 0 and verdict is null)")
            .fetch_one(&mut *self.connection().await)
            .await
            .map_err(|error| self.fail(error))
    }

    /// Notes that something is about to be sent.
    ///
    /// # Errors
    /// When the state cannot be written.
    pub async fn begin(&self, target: &str, account: &str, part: &str, content: &str, now: i64) -> Result<Intent, StateError> {
        let done =
            sqlx::query("insert into intent (target, account, part, content, remote, created, done) values (?, ?, ?, ?, '{}', ?, 0)")
                .bind(target)
                .bind(account)
                .bind(part)
                .bind(content)
                .bind(now)
                .execute(&mut *self.connection().await)
                .await
                .map_err(|error| self.fail(error))?;
        Ok(Intent {
            id: done.last_insert_rowid(),
            part: part.to_owned(),
            content: content.to_owned(),
            remote: Map::new(),
            created: now,
            verdict: None,
        })
    }

    /// Writes down what an intent has come to remember.
    ///
    /// # Errors
    /// When the state cannot be written.
    pub async fn remember(&self, intent: &Intent) -> Result<(), StateError> {
        sqlx::query("update intent set remote = ?, verdict = ? where id = ?")
            .bind(Value::Object(intent.remote.clone()).to_string())
            .bind(intent.verdict.as_ref().map(Value::to_string))
            .bind(intent.id)
            .execute(&mut *self.connection().await)
            .await
            .map(drop)
            .map_err(|error| self.fail(error))
    }

    /// Notes that an intent is settled: nothing of it can still come to pass.
    ///
    /// # Errors
    /// When the state cannot be written.
    pub async fn settle(&self, intent: &Intent) -> Result<(), StateError> {
        sqlx::query("update intent set done = 1 where id = ?")
            .bind(intent.id)
            .execute(&mut *self.connection().await)
            .await
            .map(drop)
            .map_err(|error| self.fail(error))
    }
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::super::tests::wait;

    #[test]
    fn an_intent_survives_and_is_settled_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("state.sqlite");
        wait(async {
            let state = State::open(&path).await.expect("new");
            let mut intent = state.begin("t", "", "product", "c1", 5).await.expect("begun");
            intent.remote.insert("key".to_owned(), "k-1".into());
            state.remember(&intent).await.expect("remembered");
            state.close().await.expect("closed");
            let state = State::open(&path).await.expect("again");
            let open = state.intents("t", "").await.expect("readable");
            assert_eq!(open, [intent.clone()]);
            assert_eq!(open[0].word("key"), Some("k-1"));
            assert!(state.is_waiting().await.expect("readable"));
            assert!(state.intents("t", "other").await.expect("readable").is_empty());
            state.settle(&intent).await.expect("settled");
            assert!(!state.is_waiting().await.expect("readable"));
            assert!(state.intents("t", "").await.expect("readable").is_empty());
        });
    }
}
