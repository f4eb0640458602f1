//! Whether somebody answers at an address. The question carries no credential and changes nothing:
//! any answer says that the way there is open.

use super::trouble::Trouble;
use super::{Limits, client};
use crate::push::address::Address;
use crate::push::shared::Shared;
use crate::secret::Secret;
use reqwest::Method;
use reqwest::header::DATE;
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(10);
/// Bytes of a server's greeting.
const GREETING: u64 = 255;

/// What an HTTP server answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answered {
    /// Its status.
    pub status: u16,
    /// By how many seconds its clock is ahead of ours, where it tells the time.
    pub ahead: Option<i64>,
}

/// Asks the server of an address for nothing.
///
/// # Errors
/// Why there is no answer, without what is secret in the way there.
pub async fn web(address: &Address, shared: &Shared) -> Result<Answered, String> {
    let (client, proxy) = client(shared, Limits::default()).map_err(|error| error.to_string())?;
    // What stands behind the host may be meant for deliveries alone.
    let mut url = address.expose().clone();
    url.set_path("/");
    url.set_query(None);
    url.set_fragment(None);
    let request = client.request(Method::HEAD, url).send();
    let answer = match tokio::time::timeout(PATIENCE, request).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(error)) => return Err(clean(&Trouble::of(&error).message, proxy.as_ref())),
        Err(_) => return Err(late()),
    };
    let told = answer.headers().get(DATE).and_then(|date| date.to_str().ok()).and_then(|date| jiff::fmt::rfc2822::parse(date).ok());
    let ahead = told.map(|told| told.timestamp().as_second() - shared.clock.timestamp().as_second());
    Ok(Answered { status: answer.status().as_u16(), ahead })
}

/// Waits for the first line that an SSH server says by itself.
///
/// # Errors
/// Why there is none.
pub async fn ssh(host: &str, port: u16) -> Result<String, String> {
    let greeting = async {
        let connection = connect(host, port).await?;
        let mut greeting = Vec::new();
        let mut connection = connection.take(GREETING);
        while !greeting.contains(&b'\n') {
            if connection.read_buf(&mut greeting).await.map_err(|error| error.to_string())? == 0 {
                break;
            }
        }
        let line = String::from_utf8_lossy(&greeting).lines().next().unwrap_or_default().to_owned();
        if line.starts_with("SSH-") { Ok(line) } else { Err("whoever answers there does not speak SSH".to_owned()) }
    };
    tokio::time::timeout(PATIENCE, greeting).await.unwrap_or_else(|_| Err(late()))
}

/// Connects, and hangs up.
///
/// # Errors
/// Why there is no connection.
pub async fn tcp(host: &str, port: u16) -> Result<(), String> {
    let connected = async { connect(host, port).await.map(|_| ()) };
    tokio::time::timeout(PATIENCE, connected).await.unwrap_or_else(|_| Err(late()))
}

async fn connect(host: &str, port: u16) -> Result<TcpStream, String> {
    TcpStream::connect((host, port)).await.map_err(|error| format!("no connection: {error}"))
}

fn late() -> String {
    format!("no answer in {} s", PATIENCE.as_secs())
}

fn clean(message: &str, proxy: Option<&Secret>) -> String {
    proxy.map_or_else(|| message.to_owned(), |proxy| message.replace(proxy.expose(), "***"))
}
