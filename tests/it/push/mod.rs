//! Delivery from outside: the program against a sandbox that keeps state and breaks on request.

mod accounts;
mod changes;
mod export;
mod exports;
mod feeds;
mod judged;
mod kills;
mod secrets;
#[cfg(all(unix, feature = "sftp"))]
mod ssh;
mod stand;
mod suite;
