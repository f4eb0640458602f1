//! MySQL and MariaDB. Values arrive as text, so that a decimal keeps every digit.

use super::{Fault, Job, fetch, is_loopback, query, unsaid};
use crate::catalog::hex;
use crate::catalog::rows::RowWriter;
use sqlx::mysql::{MySql, MySqlConnectOptions, MySqlRow, MySqlSslMode};
use sqlx::{AssertSqlSafe, Column, ConnectOptions, Connection, Decode, Row, TypeInfo, ValueRef};

pub(super) async fn read(job: &Job<'_>, out: &mut RowWriter<'_>) -> Result<(), Fault> {
    let options = job.url.parse::<MySqlConnectOptions>().map_err(|_| "the address is no MySQL or MariaDB address".to_owned())?;
    let mut options = options.disable_statement_logging();
    let is_local = options.get_socket().is_some() || is_loopback(options.get_host());
    let said = job.url.contains("ssl-mode=") || job.url.contains("sslmode=");
    if !is_local && matches!(options.get_ssl_mode(), MySqlSslMode::Preferred) && !said {
        options = options.ssl_mode(MySqlSslMode::VerifyIdentity);
    }
    let mut connection = options.connect().await.map_err(|error| format!("no connection to the database: {error}"))?;
    let fail = |error: sqlx::Error| format!("no snapshot can be read: {error}");
    let version = sqlx::raw_sql("select version()").fetch_one(&mut connection).await.map_err(fail)?;
    let version: String = version.try_get(0).map_err(fail)?;
    let timeout = if version.contains("MariaDB") {
        format!("set session max_statement_time = {}", job.time.as_secs())
    } else {
        format!("set session max_execution_time = {}", job.time.as_millis())
    };
    let begin = "set session transaction isolation level repeatable read";
    for statement in [timeout.as_str(), begin, "start transaction with consistent snapshot, read only"] {
        sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut connection).await.map_err(fail)?;
    }
    let Some(query) = query(job.asked, '`') else {
        let rows = sqlx::raw_sql("show tables").fetch_all(&mut connection).await.map_err(|error| error.to_string())?;
        let tables: Vec<String> = rows.iter().filter_map(|row| row.try_get(0).ok()).collect();
        return Err(unsaid(tables));
    };
    fetch::<MySql>(&mut connection, query, cell, out).await?;
    // Nothing was changed, so nothing depends on how it is closed.
    connection.close().await.unwrap_or_default();
    Ok(())
}

fn cell(row: &MySqlRow, place: usize, out: &mut RowWriter<'_>) -> Result<(), sqlx::Error> {
    let value = row.try_get_raw(place)?;
    if value.is_null() {
        out.absent();
        return Ok(());
    }
    let kind = row.column(place).type_info().name();
    if matches!(kind, "BINARY" | "VARBINARY" | "TINYBLOB" | "BLOB" | "MEDIUMBLOB" | "LONGBLOB" | "BIT" | "GEOMETRY") {
        let bytes = <&[u8] as Decode<MySql>>::decode(value).map_err(sqlx::Error::Decode)?;
        // A text whose order is that of its bytes is called binary too; MariaDB keeps JSON so.
        match std::str::from_utf8(bytes).ok().filter(|text| !text.contains(|letter: char| letter.is_control() && !letter.is_whitespace())) {
            Some(text) if kind == "LONGBLOB" && text.starts_with(['{', '[']) => out.json(text),
            Some(text) => out.text(text),
            None => out.text(&hex(bytes)),
        }
        return Ok(());
    }
    let text = <&str as Decode<MySql>>::decode(value).map_err(sqlx::Error::Decode)?;
    match kind {
        // TINYINT(1) is how these servers spell a yes or no, and some keep counts in it.
        "BOOLEAN" if matches!(text, "0" | "1") => out.boolean(text == "1"),
        "JSON" => out.json(text),
        "DECIMAL" | "FLOAT" | "DOUBLE" | "YEAR" | "BOOLEAN" => out.number(text),
        kind if kind.contains("INT") => out.number(text),
        _ => out.text(text),
    }
    Ok(())
}
