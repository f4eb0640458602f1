//! Small things remembered of an account: how long it asked to be left alone, ids of its own,
//! and snapshots that a person let through.

use super::{State, StateError};

impl State {
    /// Until when the target asked to be left alone, in seconds of the epoch.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub async fn not_before(&self, target: &str, account: &str) -> Result<Option<i64>, StateError> {
        sqlx::query_scalar("select until from wait where target = ? and account = ?")
            .bind(target)
            .bind(account)
            .fetch_optional(&mut *self.connection().await)
            .await
            .map_err(|error| self.fail(error))
    }

    /// Notes until when the target asked to be left alone.
    ///
    /// # Errors
    /// When the state cannot be written.
    pub async fn wait_until(&self, target: &str, account: &str, until: i64) -> Result<(), StateError> {
        sqlx::query("insert or replace into wait (target, account, until) values (?, ?, ?)")
            .bind(target)
            .bind(account)
            .bind(until)
            .execute(&mut *self.connection().await)
            .await
            .map(drop)
            .map_err(|error| self.fail(error))
    }

    /// An id that the target gave, such as that of a feed.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub async fn recall(&self, target: &str, account: &str, name: &str) -> Result<Option<String>, StateError> {
        sqlx::query_scalar("select value from remembered where target = ? and account = ? and name = ?")
            .bind(target)
            .bind(account)
            .bind(name)
            .fetch_optional(&mut *self.connection().await)
            .await
            .map_err(|error| self.fail(error))
    }

    /// Keeps an id that the target gave.
    ///
    /// # Errors
    /// When the state cannot be written.
    pub async fn keep(&self, target: &str, account: &str, name: &str, value: &str) -> Result<(), StateError> {
        sqlx::query("insert or replace into remembered (target, account, name, value) values (?, ?, ?, ?)")
            .bind(target)
            .bind(account)
            .bind(name)
            .bind(value)
            .execute(&mut *self.connection().await)
            .await
            .map(drop)
            .map_err(|error| self.fail(error))
    }

    /// Lets one snapshot past the guards.
    ///
    /// # Errors
    /// When the state cannot be written.
    pub async fn approve(&self, target: &str, digest: &str, now: i64) -> Result<(), StateError> {
        sqlx::query("insert or replace into approval (target, digest, at) values (?, ?, ?)")
            .bind(target)
            .bind(digest)
            .bind(now)
            .execute(&mut *self.connection().await)
            .await
            .map(drop)
            .map_err(|error| self.fail(error))
    }

    /// Whether a snapshot was let past the guards.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub async fn is_approved(&self, target: &str, digest: &str) -> Result<bool, StateError> {
        let found: Option<i64> = sqlx::query_scalar("select at from approval where target = ? and digest = ?")
            .bind(target)
            .bind(digest)
            .fetch_optional(&mut *self.connection().await)
            .await
            .map_err(|error| self.fail(error))?;
        Ok(found.is_some())
    }
}
