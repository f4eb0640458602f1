//! What is remembered between runs, in one SQLite file a project: what each target holds, what
//! was begun and perhaps not finished, how long a target asked to be left alone, and what
//! happened.
//!
//! A version stands in the file. An older one is brought up to date; a newer one, or a file that
//! is cut, is refused and left as it is. Next to the file lies a lock that the system frees when its holder dies.

mod account;
mod history;
mod intent;
mod lock;
mod outstanding;
mod peak;
mod snapshot;
mod unite;

pub use history::{Refusal, Visit};
pub use intent::Intent;
pub use lock::{Lock, LockError, holder};
pub use outstanding::Outstanding;
pub use snapshot::{Accepted, Holding, Known, Snapshots, key_of};

use sqlx::Connection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use std::path::{Path, PathBuf};
use tokio::sync::{Mutex, MutexGuard};

/// The version of the file's shape.
const VERSION: i64 = 2;

/// The state cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The file cannot be read or written.
    #[error("the state file {} cannot be used: {source}", path.display())]
    Database {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        source: sqlx::Error,
    },
    /// The folder cannot be made, or a file in it not written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The file was written by a newer feedmill.
    #[error("the state file {} has version {found}; this feedmill knows version {VERSION}", path.display())]
    Version {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: i64,
    },
    /// There is a file, but it is no state of feedmill.
    #[error("{} is no state file of feedmill, or it is damaged: {message}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        message: String,
    },
}

/// The state of a project.
pub struct State {
    path: PathBuf,
    connection: Mutex<SqliteConnection>,
    /// Held while a snapshot is written and nobody holds it yet, so that it is not cleared away.
    staging: Mutex<()>,
}

/// The tables. Every row says whose it is by `target` and `account`, which is empty where a
/// target has no accounts.
const TABLES: &str = "
    create table snapshot (id integer primary key, digest text not null unique, items integer not null, created integer not null);
    create table page (snapshot integer not null, first blob not null, entries blob not null, primary key (snapshot, first)) without rowid;
    create table holding (target text not null, account text not null, snapshot integer not null, accepted integer not null,
        since integer not null, primary key (target, account, snapshot)) without rowid;
    create table intent (id integer primary key, target text not null, account text not null, part text not null, content text not null,
        remote text not null, created integer not null, done integer not null, verdict text);
    create index intent_open on intent (target, account);
    create table wait (target text not null, account text not null, until integer not null, primary key (target, account)) without rowid;
    create table remembered (target text not null, account text not null, name text not null, value text not null,
        primary key (target, account, name)) without rowid;
    create table approval (target text not null, digest text not null, at integer not null, primary key (target, digest)) without rowid;
    create table visit (id integer primary key, run text not null, target text not null, account text not null, started integer not null,
        ended integer not null, outcome text not null, summary text not null);
    create table refusal (visit integer not null, place integer not null, finding text not null, primary key (visit, place)) without rowid;
";

/// What version 2 added; files of version 1 get it when they are opened.
const ADDED: &str = "
    create table outstanding (target text not null, account text not null, item text not null, grp text not null, times integer not null,
        due integer not null, primary key (target, account, item)) without rowid;
    create table peak (target text not null, account text not null, day integer not null, items integer not null,
        primary key (target, account, day)) without rowid;
    pragma user_version = 2;
";

/// Looks at a state without changing it, and tells its version; an older one is brought up to date
/// when it is opened.
///
/// # Errors
/// When it cannot be read, is damaged, or comes from a newer version.
pub async fn examine(path: &Path) -> Result<i64, StateError> {
    is_whole(path)?;
    let damaged = |error: sqlx::Error| StateError::Damaged { path: path.to_owned(), message: error.to_string() };
    let options = SqliteConnectOptions::new().filename(path).read_only(true).optimize_on_close(false, None);
    let mut connection = SqliteConnection::connect_with(&options).await.map_err(damaged)?;
    let found: i64 = sqlx::query_scalar("pragma user_version").fetch_one(&mut connection).await.map_err(damaged)?;
    if !(1..=VERSION).contains(&found) {
        return Err(match found {
            0 => StateError::Damaged { path: path.to_owned(), message: "it has no version".to_owned() },
            found => StateError::Version { path: path.to_owned(), found },
        });
    }
    let _: i64 = sqlx::query_scalar("select count(*) from holding").fetch_one(&mut connection).await.map_err(damaged)?;
    connection.close().await.map_err(damaged)?;
    Ok(found)
}

impl State {
    /// Opens the state, or makes a new one.
    ///
    /// # Errors
    /// When it cannot be read, is damaged, or comes from a newer version.
    pub async fn open(path: &Path) -> Result<Self, StateError> {
        let fail = |source| StateError::Database { path: path.to_owned(), source };
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder).map_err(|source| StateError::Io { path: folder.to_owned(), source })?;
        }
        is_whole(path)?;
        let is_new = !path.exists();
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Truncate)
            .synchronous(SqliteSynchronous::Full)
            .optimize_on_close(false, None);
        let damaged = |error: sqlx::Error| StateError::Damaged { path: path.to_owned(), message: error.to_string() };
        let mut connection = SqliteConnection::connect_with(&options).await.map_err(damaged)?;
        let found: i64 = sqlx::query_scalar("pragma user_version").fetch_one(&mut connection).await.map_err(damaged)?;
        let missing = match found {
            1 | VERSION => {
                // Reads every table's root: a file that is cut shows here and not in mid-run.
                let _: i64 = sqlx::query_scalar("select count(*) from holding").fetch_one(&mut connection).await.map_err(damaged)?;
                if found == VERSION { &[][..] } else { &[ADDED] }
            }
            0 if is_new => &[TABLES, ADDED],
            0 => return Err(StateError::Damaged { path: path.to_owned(), message: "it has no version".to_owned() }),
            found => return Err(StateError::Version { path: path.to_owned(), found }),
        };
        if !missing.is_empty() {
            let mut transaction = connection.begin().await.map_err(fail)?;
            for tables in missing {
                sqlx::raw_sql(*tables).execute(&mut *transaction).await.map_err(fail)?;
            }
            transaction.commit().await.map_err(fail)?;
        }
        Ok(Self { path: path.to_owned(), connection: Mutex::new(connection), staging: Mutex::default() })
    }

    /// Where the state lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Ends the connection, so that everything is on disk.
    ///
    /// # Errors
    /// When SQLite cannot end it.
    pub async fn close(self) -> Result<(), StateError> {
        let path = self.path;
        self.connection.into_inner().close().await.map_err(|source| StateError::Database { path, source })
    }

    /// Keeps others from writing snapshots down, and from clearing away those nobody holds.
    pub async fn staging(&self) -> MutexGuard<'_, ()> {
        self.staging.lock().await
    }

    async fn connection(&self) -> MutexGuard<'_, SqliteConnection> {
        self.connection.lock().await
    }

    fn fail(&self, source: sqlx::Error) -> StateError {
        StateError::Database { path: self.path.clone(), source }
    }
}

/// Refuses a file that shows without being opened that it is not all there.
fn is_whole(path: &Path) -> Result<(), StateError> {
    // A file without a byte is a state whose making was cut, or a mistake: never "no baseline".
    if std::fs::metadata(path).is_ok_and(|found| found.len() == 0) {
        return Err(StateError::Damaged { path: path.to_owned(), message: "it is empty".to_owned() });
    }
    if is_cut(path).map_err(|source| StateError::Io { path: path.to_owned(), source })? {
        return Err(StateError::Damaged { path: path.to_owned(), message: "its end is missing".to_owned() });
    }
    Ok(())
}

/// Whether a database file is shorter than its header says: the engine would take what is
/// missing for never written. The size in pages stands at byte 28, that of a page at byte 16.
fn is_cut(path: &Path) -> std::io::Result<bool> {
    use std::io::Read;
    let mut header = Vec::new();
    let length = match std::fs::File::open(path) {
        Ok(file) => {
            let length = file.metadata()?.len();
            file.take(32).read_to_end(&mut header)?;
            length
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    let (Some(&[high, low]), Some(&[a, b, c, d])) = (header.get(16..18), header.get(28..32)) else { return Ok(false) };
    let page = match u16::from_be_bytes([high, low]) {
        // 65,536 does not fit the two bytes.
        1 => 65_536,
        size => u64::from(size),
    };
    Ok(length < page * u64::from(u32::from_be_bytes([a, b, c, d])))
}

#[cfg(test)]
mod tests {
    use super::{State, StateError};
    use sqlx::Connection;

    /// Runs asynchronous test code.
    pub(super) fn wait<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(future)
    }

    #[test]
    fn a_file_of_the_first_version_keeps_what_it_holds() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("state.sqlite");
        wait(async {
            let options = super::SqliteConnectOptions::new().filename(&path).create_if_missing(true);
            let mut old = super::SqliteConnection::connect_with(&options).await.expect("new");
            sqlx::raw_sql(super::TABLES).execute(&mut old).await.expect("the tables of version 1");
            let kept = "insert into wait values ('t', '', 7); pragma user_version = 1;";
            sqlx::raw_sql(kept).execute(&mut old).await.expect("written");
            old.close().await.expect("closed");
            assert_eq!(super::examine(&path).await.expect("readable"), 1);
            assert_eq!(super::examine(&path).await.expect("left as it was"), 1);
            for _ in 0..2 {
                let state = State::open(&path).await.expect("brought up to date, then as it is");
                assert_eq!(state.not_before("t", "").await.expect("readable"), Some(7));
                assert_eq!(state.outstanding("t", "").await.expect("a table"), []);
                assert_eq!(state.peak("t", "", 0).await.expect("a table"), None);
                state.close().await.expect("closed");
            }
        });
    }

    #[test]
    fn other_versions_and_cut_files_are_refused_and_left_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("state.sqlite");
        wait(async {
            State::open(&path).await.expect("new").close().await.expect("closed");
            State::open(&path).await.expect("again").close().await.expect("closed");
        });
        let whole = std::fs::read(&path).expect("there");
        for length in [0, 1, 99, 100, 512, 4096, whole.len() / 2, whole.len() - 1] {
            let file = std::fs::OpenOptions::new().write(true).truncate(true).open(&path).expect("open");
            std::io::Write::write_all(&mut &file, &whole[..length]).expect("written");
            let opened = wait(State::open(&path));
            assert!(matches!(opened, Err(StateError::Damaged { .. })), "{length} bytes");
            assert!(matches!(wait(super::examine(&path)), Err(StateError::Damaged { .. })), "{length} bytes");
            assert_eq!(std::fs::metadata(&path).expect("there").len(), length as u64, "left as it was");
        }
        let mut newer = whole;
        newer[60..64].copy_from_slice(&7u32.to_be_bytes());
        std::io::Write::write_all(&mut std::fs::OpenOptions::new().write(true).truncate(true).open(&path).expect("open"), &newer)
            .expect("written");
        assert!(matches!(wait(State::open(&path)), Err(StateError::Version { found: 7, .. })));
        assert!(matches!(wait(super::examine(&path)), Err(StateError::Version { found: 7, .. })));
    }
}
