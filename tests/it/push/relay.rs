//! A relay between OpenSSH's server and its own `sftp-server`, which reads every request in the
//! clear: it counts them, lets one go wrong, or kills who sent it.

use std::collections::HashMap;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard};

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// The connection ends before the server hears of it.
    Cut,
    /// The server does it, and the connection ends before the answer.
    Lost,
    /// Nobody answers.
    Silence,
    /// The answer is another size.
    Size(u64),
    /// The answer is this status.
    Status(u32),
    /// The whole server dies.
    Death,
}

/// Something that goes wrong.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fault {
    /// The request that it strikes, such as `WRITE`, or the beginning of its words.
    pub(crate) request: &'static str,
    /// How many such requests pass before.
    pub(crate) after: usize,
    /// How many it strikes.
    pub(crate) times: usize,
    pub(crate) what: What,
}

#[derive(Default)]
struct Inner {
    seen: Vec<String>,
    fault: Option<Fault>,
    sessions: usize,
    written: u64,
    /// The program, which dies at this request: before the server hears of it, or once it is done.
    victim: Option<Child>,
    at: Option<(usize, bool)>,
    server: Option<u32>,
}

/// The relay, on a port of its own.
#[derive(Clone)]
pub(crate) struct Relay {
    inner: Arc<Mutex<Inner>>,
    pub(crate) port: u16,
}

/// What is done with an answer.
#[derive(Clone, Copy)]
enum Answer {
    Lose,
    Kill,
    Size(u64),
}

impl Relay {
    /// A relay to servers that begin in this folder.
    pub(crate) fn start(server: PathBuf, folder: PathBuf) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let relay = Self { inner: Arc::default(), port: listener.local_addr().expect("an address").port() };
        let own = relay.clone();
        // It ends with the tests: nobody else holds the port.
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                own.serve(stream, &server, &folder);
            }
        });
        relay
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().expect("sound")
    }

    /// Lets something go wrong from now on, or nothing.
    pub(crate) fn fault(&self, fault: Option<Fault>) {
        self.inner().fault = fault;
    }

    /// Which process dies with `What::Death`.
    pub(crate) fn watch(&self, server: u32) {
        self.inner().server = Some(server);
    }

    /// The requests since the last time, in words.
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.inner().seen)
    }

    /// Sessions so far, and bytes written in them.
    pub(crate) fn figures(&self) -> (usize, u64) {
        let inner = self.inner();
        (inner.sessions, inner.written)
    }

    /// Runs the program and kills it at a request, from 1; `is_done` says whether the server has
    /// done it by then. `false` when it ended before.
    pub(crate) fn killed_at(&self, request: usize, is_done: bool, command: &mut Command) -> bool {
        {
            let mut inner = self.inner();
            inner.seen.clear();
            inner.at = Some((request, is_done));
            let command = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            inner.victim = Some(command.spawn().expect("the program starts"));
        }
        let status = loop {
            let mut inner = self.inner();
            if let Some(status) = inner.victim.as_mut().expect("running").try_wait().expect("a child") {
                inner.victim = None;
                inner.at = None;
                break status;
            }
            drop(inner);
            std::thread::yield_now();
        };
        status.code().is_none()
    }

    fn serve(&self, client: TcpStream, server: &Path, folder: &Path) {
        let mut child = Command::new(server)
            .arg("-d")
            .arg(folder)
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the server starts");
        let (mut into, mut out) = (child.stdin.take().expect("piped"), child.stdout.take().expect("piped"));
        self.inner().sessions += 1;
        let answers: Arc<Mutex<HashMap<u32, Answer>>> = Arc::default();
        let (up, down) = (self.clone(), self.clone());
        let (mut from_client, mut to_client) = (client.try_clone().expect("a stream"), client);
        let upward = Arc::clone(&answers);
        let mut back = to_client.try_clone().expect("a stream");
        std::thread::spawn(move || {
            while let Some(packet) = packet(&mut from_client) {
                match up.request(&packet) {
                    Some(What::Cut) => break,
                    Some(What::Silence) => continue,
                    Some(What::Lost) => drop(upward.lock().expect("sound").insert(number(&packet), Answer::Lose)),
                    Some(What::Size(size)) => drop(upward.lock().expect("sound").insert(number(&packet), Answer::Size(size))),
                    Some(What::Status(code)) => {
                        if send(&mut back, &status(number(&packet), code)).is_err() {
                            break;
                        }
                        continue;
                    }
                    Some(What::Death) => {
                        up.kill_server();
                        break;
                    }
                    None => {}
                }
                if up.dies(true) {
                    upward.lock().expect("sound").insert(number(&packet), Answer::Kill);
                } else if up.dies(false) {
                    up.kill_victim();
                    break;
                }
                if send(&mut into, &packet).is_err() {
                    break;
                }
            }
            from_client.shutdown(Shutdown::Both).unwrap_or_default();
        });
        std::thread::spawn(move || {
            while let Some(mut packet) = packet(&mut out) {
                let is_version = packet.first() == Some(&2);
                let answer = if is_version { None } else { answers.lock().expect("sound").remove(&number(&packet)) };
                match answer {
                    Some(Answer::Lose) => break,
                    Some(Answer::Kill) => {
                        down.kill_victim();
                        break;
                    }
                    Some(Answer::Size(size)) => packet = attributes(number(&packet), size),
                    None => {}
                }
                if send(&mut to_client, &packet).is_err() {
                    break;
                }
            }
            to_client.shutdown(Shutdown::Both).unwrap_or_default();
            child.kill().unwrap_or_default();
            child.wait().expect("ended");
        });
    }

    /// Notes a request, and says what becomes of it.
    fn request(&self, packet: &[u8]) -> Option<What> {
        let words = words(packet);
        let mut inner = self.inner();
        if packet.first() == Some(&6) {
            inner.written += u64::try_from(packet.len()).expect("small");
        }
        let fault = inner.fault.as_mut().filter(|fault| words.starts_with(fault.request));
        let what = fault.and_then(|fault| match (fault.after, fault.times) {
            (0, 0) => None,
            (0, _) => {
                fault.times -= 1;
                Some(fault.what)
            }
            _ => {
                fault.after -= 1;
                None
            }
        });
        inner.seen.push(words);
        what
    }

    fn dies(&self, is_done: bool) -> bool {
        let inner = self.inner();
        // An opening has no number to be told by; its answer is the version.
        let at = inner.seen.len();
        inner.at == Some((at, is_done)) && (!is_done || inner.seen.last().is_some_and(|words| words != "INIT"))
    }

    fn kill_victim(&self) {
        if let Some(victim) = self.inner().victim.as_mut() {
            victim.kill().expect("killed");
        }
    }

    fn kill_server(&self) {
        let server = self.inner().server.expect("a server");
        let sessions = children(server);
        // The listener first, so that nobody comes back in between; who is gone already is as good.
        for process in [server].into_iter().chain(sessions) {
            Command::new("kill").args(["-9", &process.to_string()]).stderr(Stdio::null()).status().expect("kill runs");
        }
    }
}

/// The processes that a process started, and theirs.
fn children(parent: u32) -> Vec<u32> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").expect("proc").flatten() {
        let Some(process) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        let stat = std::fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        // What follows the name in brackets: state, parent.
        let of = stat.rsplit_once(") ").and_then(|(_, rest)| rest.split(' ').nth(1)?.parse::<u32>().ok());
        if of == Some(parent) {
            found.extend(children(process));
            found.push(process);
        }
    }
    found
}

fn packet(from: &mut impl Read) -> Option<Vec<u8>> {
    let mut length = [0; 4];
    from.read_exact(&mut length).ok()?;
    let mut packet = vec![0; u32::from_be_bytes(length) as usize];
    from.read_exact(&mut packet).ok()?;
    Some(packet)
}

fn send(into: &mut impl Write, packet: &[u8]) -> Result<(), ErrorKind> {
    let length = u32::try_from(packet.len()).expect("small").to_be_bytes();
    into.write_all(&length).and_then(|()| into.write_all(packet)).and_then(|()| into.flush()).map_err(|error| error.kind())
}

fn number(packet: &[u8]) -> u32 {
    packet.get(1..5).map_or(0, |bytes| u32::from_be_bytes(bytes.try_into().expect("four")))
}

fn status(number: u32, code: u32) -> Vec<u8> {
    let mut packet = vec![101];
    for word in [number, code, 0, 0] {
        packet.extend_from_slice(&word.to_be_bytes());
    }
    packet
}

fn attributes(number: u32, size: u64) -> Vec<u8> {
    let mut packet = vec![105];
    packet.extend_from_slice(&number.to_be_bytes());
    packet.extend_from_slice(&1u32.to_be_bytes());
    packet.extend_from_slice(&size.to_be_bytes());
    packet
}

/// A request in words.
fn words(packet: &[u8]) -> String {
    let mut rest = packet.get(5..).unwrap_or_default();
    let mut text = || {
        let length = rest.get(..4).map_or(0, |bytes| u32::from_be_bytes(bytes.try_into().expect("four")) as usize);
        let text = String::from_utf8_lossy(rest.get(4..4 + length).unwrap_or_default()).into_owned();
        rest = rest.get(4 + length..).unwrap_or_default();
        text
    };
    match packet.first() {
        Some(1) => "INIT".to_owned(),
        Some(3) => format!("OPEN {}", text()),
        Some(4) => "CLOSE".to_owned(),
        Some(6) => {
            text();
            let at = rest.get(..8).map_or(0, |bytes| u64::from_be_bytes(bytes.try_into().expect("eight")));
            format!("WRITE {} bytes at {at}", rest.len().saturating_sub(12))
        }
        Some(11) => format!("OPENDIR {}", text()),
        Some(12) => "READDIR".to_owned(),
        Some(13) => format!("REMOVE {}", text()),
        Some(17) => format!("STAT {}", text()),
        Some(200) => {
            let name = text();
            match name.as_str() {
                "posix-rename@openssh.com" => format!("POSIX-RENAME {} to {}", text(), text()),
                "fsync@openssh.com" => "FSYNC".to_owned(),
                _ => name,
            }
        }
        other => format!("REQUEST {other:?}"),
    }
}
