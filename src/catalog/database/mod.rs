//! Databases: one query, read in one consistent snapshot that cannot write.
//!
//! Rows are kept on disk as they arrive: a platform whose rows need two passes sees the same
//! rows twice, the server's snapshot is let go as soon as the last row is here, and a server
//! that dies in the middle stops the run before anything is made of what it sent.

#[cfg(feature = "database")]
mod mysql;
#[cfg(feature = "database")]
mod postgres;
mod sqlite;

use super::locate::{Local, Located, Wanted, within};
use super::rows::RowWriter;
use super::{ReadError, spool};
use crate::secret::Secret;
use futures_util::TryStreamExt;
use sqlx::{AssertSqlSafe, Column, Executor, Row, SqlSafeStr, Statement};
use std::io::{self, BufWriter, Read, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// What is read of a database.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// Its address, which may hold a password.
    pub url: Option<Secret>,
    /// The query.
    pub query: Option<String>,
    /// The table, instead of a query.
    pub table: Option<String>,
}

/// The schemes of addresses that are databases.
pub const SCHEMES: [&str; 5] = ["postgres://", "postgresql://", "mysql://", "mariadb://", "sqlite:"];

/// Whether a word is the address of a database.
pub fn is_address(word: &str) -> bool {
    SCHEMES.iter().any(|scheme| word.starts_with(scheme))
}

/// An address without what is secret in it: no user, password or options.
pub fn shown(address: &str) -> String {
    if address.starts_with("sqlite:") {
        return address.split('?').next().unwrap_or("").to_owned();
    }
    match url::Url::parse(address) {
        Ok(url) => {
            let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
            format!("{}://{}{port}{}", url.scheme(), url.host_str().unwrap_or(""), url.path())
        }
        Err(_) => "the database".to_owned(),
    }
}

/// The file of a SQLite database behind its address; any other path as it is.
pub fn file_of(path: &str) -> &str {
    let file = path.strip_prefix("sqlite:").map(|rest| rest.strip_prefix("//").unwrap_or(rest));
    file.map_or(path, |file| file.split('?').next().unwrap_or(file))
}

/// Whether a file is a SQLite database.
pub(super) fn is_file_of_one(path: &Path) -> io::Result<bool> {
    let mut head = [0; 16];
    let read = std::fs::File::open(path)?.take(16).read(&mut head)?;
    Ok(head.get(..read).is_some_and(|head| head.starts_with(b"SQLite format 3\0")))
}

/// Why nothing was read.
enum Fault {
    /// It is not said what to read of these tables.
    Unsaid(Vec<String>),
    /// Anything else, in words.
    Told(String),
}

impl From<String> for Fault {
    fn from(message: String) -> Self {
        Self::Told(message)
    }
}

/// What a driver is asked for.
struct Job<'a> {
    url: &'a str,
    asked: &'a Asked,
    time: Duration,
}

/// Reads what is asked for.
pub(super) fn read(file: &str, wanted: &Wanted) -> Result<Located, ReadError> {
    let fail = |message: String| ReadError::Incomplete { file: file.to_owned(), line: 0, message };
    let address = wanted.database.url.as_ref().map_or_else(|| format!("sqlite:{file}"), |url| url.expose().trim().to_owned());
    let mut kept = spool::create(file)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|source| ReadError::Io { file: file.to_owned(), source })?;
    let mut out = BufWriter::with_capacity(128 << 10, kept.as_file_mut());
    let job = Job { url: &address, asked: &wanted.database, time: wanted.limits.time };
    let (word, result) = runtime.block_on(async {
        let mut rows = RowWriter::new(&mut out);
        let word = match address.split(':').next() {
            Some("sqlite") => "sqlite",
            Some("postgres" | "postgresql") => "postgres",
            _ => "mysql",
        };
        let work = async {
            let read = match word {
                "sqlite" => sqlite::read(&job, &mut rows).await,
                _ => server(word, &job, &mut rows).await,
            };
            read.map_err(|fault| match fault {
                Fault::Unsaid(tables) => ReadError::Unsaid { file: file.to_owned(), message: nothing_asked(&tables) },
                Fault::Told(message) => fail(without_password(&message, &address)),
            })
        };
        let late = |seconds| fail(format!("the database took longer than {seconds} s; raise `timeout` under [source] if it needs longer"));
        (word, within(file, wanted, late, work).await)
    });
    result?;
    out.flush().map_err(|source| ReadError::Spool { file: file.to_owned(), source })?;
    drop(out);
    Ok(Located::kept(file, "", Local::Rows(Arc::new(kept), word)))
}

#[cfg(feature = "database")]
async fn server(word: &str, job: &Job<'_>, out: &mut RowWriter<'_>) -> Result<(), Fault> {
    if word == "postgres" { postgres::read(job, out).await } else { mysql::read(job, out).await }
}

#[cfg(not(feature = "database"))]
async fn server(_: &str, _: &Job<'_>, _: &mut RowWriter<'_>) -> Result<(), Fault> {
    Err(Fault::Told("this build reads no database servers; build with the feature `database`".to_owned()))
}

/// No driver tells a password, and none that will is let through.
fn without_password(message: &str, address: &str) -> String {
    let url = url::Url::parse(address).ok();
    match url.as_ref().and_then(url::Url::password).filter(|password| !password.is_empty()) {
        Some(password) => message.replace(password, "***"),
        None => message.to_owned(),
    }
}

/// Whether a server is this machine, so that nobody can listen on the way.
#[cfg(feature = "database")]
fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>();
    host == "localhost" || host.starts_with('/') || address.is_ok_and(|address| address.is_loopback())
}

/// The query: as written, or all of a table, whose name is quoted part by part.
fn query(asked: &Asked, quote: char) -> Option<String> {
    if let Some(query) = &asked.query {
        return Some(query.trim().trim_end_matches(';').to_owned());
    }
    let table = asked.table.as_deref()?;
    let doubled = format!("{quote}{quote}");
    let parts: Vec<String> = table.split('.').map(|part| format!("{quote}{}{quote}", part.replace(quote, &doubled))).collect();
    Some(format!("select * from {}", parts.join(".")))
}

/// That it is not said what to read; where there is nothing, that is what to say.
fn unsaid(tables: Vec<String>) -> Fault {
    if tables.is_empty() { Fault::Told("the database has no tables".to_owned()) } else { Fault::Unsaid(tables) }
}

/// Why nothing can be read yet, with what could be.
fn nothing_asked(tables: &[String]) -> String {
    let shown: Vec<&str> = tables.iter().take(20).map(String::as_str).collect();
    let more = if tables.len() > shown.len() { ", ..." } else { "" };
    format!("it is not said what to read; give `--table NAME` or `--query SELECT`. Its tables: {}{more}", shown.join(", "))
}

/// Sends a query and writes its columns and rows. The server prepares it first: that names the
/// columns even where there are no rows, and refuses more than one statement.
async fn fetch<DB: sqlx::Database>(
    connection: &mut DB::Connection,
    query: String,
    write: fn(&DB::Row, usize, &mut RowWriter<'_>) -> Result<(), sqlx::Error>,
    out: &mut RowWriter<'_>,
) -> Result<(), String>
where
    for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
{
    let fail = |error: sqlx::Error| format!("the query fails: {error}");
    let statement = (&mut *connection).prepare(AssertSqlSafe(query.clone()).into_sql_str()).await.map_err(fail)?;
    let width = statement.columns().len();
    if width == 0 {
        return Err("the query gives no columns; a SELECT is needed".to_owned());
    }
    for column in statement.columns() {
        out.text(column.name());
    }
    out.end().map_err(|error| error.to_string())?;
    drop(statement);
    let mut rows = sqlx::raw_sql(AssertSqlSafe(query)).fetch(connection);
    let mut count = 0u64;
    let lost = |error: sqlx::Error, count| format!("the database stopped after {count} rows: {error}");
    while let Some(row) = rows.try_next().await.map_err(|error| lost(error, count))? {
        for place in 0..row.len().min(width) {
            write(&row, place, out).map_err(|error| format!("row {}, column {}: {error}", count + 1, place + 1))?;
        }
        out.end().map_err(|error| format!("the rows cannot be kept: {error}"))?;
        count += 1;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Asked, query, shown, without_password};

    #[test]
    fn secrets_are_not_shown() {
        assert_eq!(shown("postgres://me:s3cret@db.example:5433/shop?sslmode=require"), "postgres://db.example:5433/shop");
        assert_eq!(shown("sqlite:shop.db?mode=ro"), "sqlite:shop.db");
        assert_eq!(without_password("bad s3cret", "mysql://me:s3cret@h/d"), "bad ***");
    }

    #[test]
    fn tables_are_quoted() {
        let table = |name: &str, quote| query(&Asked { table: Some(name.to_owned()), ..Asked::default() }, quote).expect("a query");
        assert_eq!(table("public.Order \"Details\"", '"'), "select * from \"public\".\"Order \"\"Details\"\"\"");
        assert_eq!(table("a`b", '`'), "select * from `a``b`");
        let asked = Asked { query: Some(" select 1; ".to_owned()), ..Asked::default() };
        assert_eq!(query(&asked, '"').as_deref(), Some("select 1"));
    }
}
