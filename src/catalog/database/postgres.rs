//! PostgreSQL. Values arrive as text, so that a numeric keeps every digit.

use super::{Fault, Job, fetch, is_loopback, query, unsaid};
use crate::catalog::rows::RowWriter;
use sqlx::postgres::{PgConnectOptions, PgRow, PgSslMode, Postgres};
use sqlx::{AssertSqlSafe, Column, ConnectOptions, Connection, Row, TypeInfo, ValueRef};

pub(super) async fn read(job: &Job<'_>, out: &mut RowWriter<'_>) -> Result<(), Fault> {
    let options = job.url.parse::<PgConnectOptions>().map_err(|_| "the address is no PostgreSQL address".to_owned())?;
    let mut options = options.application_name("feedmill").disable_statement_logging();
    let is_local = options.get_socket().is_some() || is_loopback(options.get_host());
    if !is_local && matches!(options.get_ssl_mode(), PgSslMode::Prefer | PgSslMode::Allow) && !job.url.contains("sslmode=") {
        options = options.ssl_mode(PgSslMode::VerifyFull);
    }
    let mut connection = options.connect().await.map_err(|error| format!("no connection to the database: {error}"))?;
    let timeout = job.time.as_millis();
    let begin = format!("set statement_timeout = {timeout}; begin transaction isolation level repeatable read read only");
    let begun = sqlx::raw_sql(AssertSqlSafe(begin)).execute(&mut connection).await;
    begun.map_err(|error| format!("no snapshot can be read: {error}"))?;
    let Some(query) = query(job.asked, '"') else {
        let listed = "select table_schema || '.' || table_name from information_schema.tables \
            where table_schema not in ('pg_catalog', 'information_schema') order by 1";
        let rows = sqlx::raw_sql(listed).fetch_all(&mut connection).await.map_err(|error| error.to_string())?;
        let tables: Vec<String> = rows.iter().filter_map(|row| row.try_get(0).ok()).collect();
        return Err(unsaid(tables));
    };
    fetch::<Postgres>(&mut connection, query, cell, out).await?;
    // Nothing was changed, so nothing depends on how it is closed.
    connection.close().await.unwrap_or_default();
    Ok(())
}

fn is_number(kind: &str) -> bool {
    matches!(kind, "INT2" | "INT4" | "INT8" | "FLOAT4" | "FLOAT8" | "NUMERIC" | "OID")
}

fn cell(row: &PgRow, place: usize, out: &mut RowWriter<'_>) -> Result<(), sqlx::Error> {
    let value = row.try_get_raw(place)?;
    if value.is_null() {
        out.absent();
        return Ok(());
    }
    let text = value.as_str().map_err(sqlx::Error::Decode)?;
    match row.column(place).type_info().name() {
        "BOOL" => out.boolean(text == "t"),
        "JSON" | "JSONB" => out.json(text),
        kind if is_number(kind) => out.number(text),
        kind => match kind.strip_suffix("[]") {
            Some(inner) => out.json(&list(text, is_number(inner))),
            None => out.text(text),
        },
    }
    Ok(())
}

/// An array literal such as `{a,"b c",NULL}` as JSON.
fn list(text: &str, numbers: bool) -> String {
    let mut json = String::with_capacity(text.len() + 8);
    let mut letters = text.chars().peekable();
    // Bounds that do not begin at 1 stand in front: `[0:1]={a,b}`.
    while letters.next_if(|letter| *letter != '{').is_some() {}
    while let Some(letter) = letters.next() {
        match letter {
            '{' => json.push('['),
            '}' => json.push(']'),
            ',' => json.push(','),
            '"' => {
                let mut word = String::new();
                while let Some(letter) = letters.next() {
                    match letter {
                        '"' => break,
                        '\\' => word.extend(letters.next()),
                        other => word.push(other),
                    }
                }
                json.push_str(&serde_json::Value::String(word).to_string());
            }
            first => {
                let mut word = String::from(first);
                while let Some(letter) = letters.next_if(|letter| !matches!(letter, ',' | '}')) {
                    word.push(letter);
                }
                match word.as_str() {
                    "NULL" => json.push_str("null"),
                    number if numbers && serde_json::from_str::<serde_json::Number>(number).is_ok() => json.push_str(number),
                    word => json.push_str(&serde_json::Value::String(word.to_owned()).to_string()),
                }
            }
        }
    }
    json
}

#[cfg(test)]
mod tests {
    use super::list;

    #[test]
    fn arrays_are_lists() {
        assert_eq!(list("{a,\"b \\\"c\\\", d\",NULL,\"NULL\"}", false), "[\"a\",\"b \\\"c\\\", d\",null,\"NULL\"]");
        assert_eq!(list("{1.50,-2,NaN}", true), "[1.50,-2,\"NaN\"]");
        assert_eq!(list("[0:1]={{1,2},{3,4}}", true), "[[1,2],[3,4]]");
        assert_eq!(list("{}", false), "[]");
    }
}
