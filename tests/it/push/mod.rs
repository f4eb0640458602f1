//! Delivery from outside: the program against a sandbox that keeps state and breaks on request,
//! and against OpenSSH's server.

mod accounts;
mod again;
mod changes;
#[cfg(all(unix, feature = "sftp"))]
mod doors;
mod feeds;
#[cfg(all(unix, feature = "sftp"))]
mod files;
mod judged;
#[cfg(all(unix, feature = "sftp"))]
mod keys;
mod kills;
#[cfg(feature = "object-store")]
mod objects;
mod points;
mod proxy;
mod published;
mod readme;
#[cfg(all(unix, feature = "sftp"))]
mod relay;
mod secrets;
#[cfg(all(unix, feature = "sftp"))]
mod ssh;
#[cfg(all(unix, feature = "sftp"))]
pub(crate) mod sshd;
mod stand;
mod suite;
#[cfg(unix)]
mod terminal;
mod uploads;
mod watched;
mod way_home;
#[cfg(feature = "sftp")]
mod whole;
