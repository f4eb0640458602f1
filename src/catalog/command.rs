//! A program whose output is the catalog. What it wrote counts only when it ended well.

use super::locate::{Local, Located, Wanted, within};
use super::{ReadError, spool};
use crate::product::text::excerpt;
use std::io::Write;
use std::process::Stdio;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncReadExt};

/// How much of what a program complains about is shown.
const COMPLAINT: usize = 2000;

/// Runs the program and keeps its output.
pub(super) fn run(file: &str, wanted: &Wanted) -> Result<Located, ReadError> {
    let Some((program, arguments)) = wanted.command.split_first() else {
        return Err(ReadError::NotACatalog { file: file.to_owned(), message: "no program is named".to_owned() });
    };
    let fail = |message: String| ReadError::Incomplete { file: file.to_owned(), line: 0, message };
    let mut kept = spool::create(file)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|source| ReadError::Io { file: file.to_owned(), source })?;
    runtime.block_on(async {
        let mut command = tokio::process::Command::new(program);
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        if wanted.folder.is_dir() {
            command.current_dir(&wanted.folder);
        }
        let mut child = command.spawn().map_err(|error| fail(format!("`{program}` cannot be started: {error}")))?;
        let (output, complaint) = (child.stdout.take(), child.stderr.take());
        let work = async {
            let copied = async { copy(file, output, &mut kept, wanted.limits.bytes).await };
            let (copied, complaint) = tokio::join!(copied, tail(complaint));
            copied?;
            let status = child.wait().await.map_err(|error| fail(format!("`{program}` was lost: {error}")))?;
            if status.success() {
                return Ok(());
            }
            let complaint = if complaint.is_empty() { String::new() } else { format!("; it says: {complaint}") };
            Err(fail(format!("the program ended with {status}{complaint}")))
        };
        let late = |seconds| fail(format!("the program was stopped after {seconds} s; raise `timeout` under [source] if it needs longer"));
        let done = within(file, wanted, late, work).await;
        if done.is_err() {
            // It may have given too much, or too late: it is gone before anything is said.
            child.kill().await.unwrap_or_default();
        }
        done
    })?;
    Ok(Located::kept(file, "", Local::Kept(Arc::new(kept))))
}

async fn copy(file: &str, from: Option<impl AsyncRead + Unpin>, kept: &mut tempfile::NamedTempFile, most: u64) -> Result<(), ReadError> {
    let Some(mut from) = from else { return Ok(()) };
    let mut buffer = vec![0; 64 << 10];
    let mut taken = 0;
    loop {
        let read = from.read(&mut buffer).await.map_err(|source| ReadError::Io { file: file.to_owned(), source })?;
        if read == 0 {
            return Ok(());
        }
        taken += read as u64;
        if taken > most {
            return Err(spool::too_large(file, most));
        }
        let written = kept.write_all(buffer.get(..read).unwrap_or_default());
        written.map_err(|source| ReadError::Spool { file: file.to_owned(), source })?;
    }
}

/// The end of what is complained about, on one line.
async fn tail(from: Option<impl AsyncRead + Unpin>) -> String {
    let Some(mut from) = from else { return String::new() };
    let mut kept: Vec<u8> = Vec::new();
    let mut buffer = vec![0; 8 << 10];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        kept.extend_from_slice(buffer.get(..read).unwrap_or_default());
        let over = kept.len().saturating_sub(COMPLAINT);
        kept.drain(..over);
    }
    excerpt(&String::from_utf8_lossy(&kept), COMPLAINT)
}
