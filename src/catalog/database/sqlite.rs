//! SQLite files. The file is opened for reading only, within one read transaction.

use super::{Fault, Job, fetch, query, unsaid};
use crate::catalog::hex;
use crate::catalog::rows::RowWriter;
use sqlx::sqlite::{Sqlite, SqliteConnectOptions, SqliteConnection, SqliteRow};
use sqlx::{ConnectOptions, Connection, Decode, Row, TypeInfo, ValueRef};
use std::path::PathBuf;

pub(super) async fn read(job: &Job<'_>, out: &mut RowWriter<'_>) -> Result<(), Fault> {
    let path = job.url.strip_prefix("sqlite:").unwrap_or(job.url);
    let path: PathBuf = path.strip_prefix("//").unwrap_or(path).split('?').next().unwrap_or("").into();
    if !path.is_file() {
        return Err(format!("no database file stands at {}", path.display()).into());
    }
    let options = SqliteConnectOptions::new().filename(&path).read_only(true).create_if_missing(false).busy_timeout(job.time);
    let mut connection = options.connect().await.map_err(|error| format!("the database cannot be opened: {error}"))?;
    sqlx::raw_sql("begin").execute(&mut connection).await.map_err(|error| format!("the database cannot be read: {error}"))?;
    let query = match query(job.asked, '"') {
        Some(query) => query,
        None => only_table(&mut connection).await?,
    };
    fetch::<Sqlite>(&mut connection, query, cell, out).await?;
    // Nothing was changed, so nothing depends on how it is closed.
    connection.close().await.unwrap_or_default();
    Ok(())
}

/// A database of one table leaves nothing to ask.
async fn only_table(connection: &mut SqliteConnection) -> Result<String, Fault> {
    let listed = "select name from sqlite_master where type in ('table', 'view') and name not like 'sqlite\\_%' escape '\\' order by name";
    let rows = sqlx::raw_sql(listed).fetch_all(connection).await.map_err(|error| format!("the database cannot be read: {error}"))?;
    let tables: Vec<String> = rows.iter().filter_map(|row| row.try_get(0).ok()).collect();
    match tables.as_slice() {
        [table] => Ok(format!("select * from \"{}\"", table.replace('"', "\"\""))),
        _ => Err(unsaid(tables)),
    }
}

fn cell(row: &SqliteRow, place: usize, out: &mut RowWriter<'_>) -> Result<(), sqlx::Error> {
    let value = row.try_get_raw(place)?;
    if value.is_null() {
        out.absent();
        return Ok(());
    }
    let fail = sqlx::Error::Decode;
    // Any cell may hold any type, whatever its column says.
    let kind = value.type_info().name().to_owned();
    match kind.as_str() {
        "REAL" => out.number(&<f64 as Decode<Sqlite>>::decode(value).map_err(fail)?.to_string()),
        "BLOB" => out.text(&hex(<&[u8] as Decode<Sqlite>>::decode(value).map_err(fail)?)),
        "TEXT" => out.text(<&str as Decode<Sqlite>>::decode(value).map_err(fail)?),
        _ => out.number(&<i64 as Decode<Sqlite>>::decode(value).map_err(fail)?.to_string()),
    }
    Ok(())
}
