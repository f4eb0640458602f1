//! The requests of one session: each meets its fault, is done in the user's folder, and is
//! written down. Writes are written down together, where a flush or the end of the file sums
//! them up.

use super::Account;
use super::arrival::Arrival;
use super::tree::{self, Node, Stored, name, resolve};
use crate::sandbox::Shared;
use crate::sandbox::fault::{Refusal, Strike};
use crate::sandbox::transcript::Exchange;
use crate::sandbox::wire::Switch;
use russh_sftp::protocol::{Attrs, Data, File, FileAttributes, Handle, Name, OpenFlags, Packet, Status, StatusCode, Version};
use std::collections::HashMap;
use std::sync::Arc;
use tokio::sync::watch;

/// A file or a folder that is open.
struct Open {
    path: String,
    /// The file, or what of a folder is still to be told.
    what: What,
    /// Whether it may be written; always at the end where that was asked for.
    writes: Option<Place>,
    /// Writes that are not written down yet, their bytes, and where they began.
    written: (u64, u64, u64),
}

enum What {
    File(Stored),
    Folder(Option<Vec<File>>),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Given,
    End,
}

/// A request as the transcript has it.
struct Request<'a> {
    name: &'static str,
    path: &'a str,
    /// The other path of a request that has two.
    into: Option<&'a str>,
    /// What is open, where something is.
    handle: &'a str,
    /// More about it.
    more: String,
    /// Whether it is written down where all is well.
    shown: bool,
}

impl<'a> Request<'a> {
    fn new(name: &'static str, path: &'a str) -> Self {
        Self { name, path, into: None, handle: "", more: String::new(), shown: true }
    }
}

/// A session.
pub(super) struct Session {
    shared: Arc<Shared>,
    switch: Switch,
    ended: watch::Receiver<()>,
    user: String,
    open: HashMap<String, Open>,
    /// Files opened so far.
    opened: u64,
    /// A file that the request at hand has given its name.
    arrival: Option<Arrival>,
    /// The size to tell instead of the true one.
    lie: Option<u64>,
    /// Whether the connection has been ended; what was on its way already is not done any more.
    over: bool,
}

impl Session {
    pub(super) fn new(shared: Arc<Shared>, switch: Switch, ended: watch::Receiver<()>, user: &str) -> Self {
        Self { shared, switch, ended, user: user.to_owned(), open: HashMap::new(), opened: 0, arrival: None, lie: None, over: false }
    }

    /// A request from its fault to its line in the transcript.
    async fn run<T: Send>(
        &mut self,
        request: Request<'_>,
        act: impl FnOnce(&mut Self) -> Result<T, Refusal> + Send,
    ) -> Result<T, StatusCode> {
        if self.over {
            return Err(StatusCode::Failure);
        }
        let method = format!("SFTP {}", request.name);
        let named = format!("{}:{}", self.user, request.path);
        let struck = self.shared.world().faults.strike(&method, &[request.path, &named, request.into.unwrap_or(request.path)]);
        if struck.is_some() {
            self.sum_up(request.handle);
        }
        let mut exchange = Exchange::sftp(request.name, &self.user, request.path, &request.more);
        exchange.fault = struck.as_ref().map(|(_, text)| text.clone());
        let strike = struck.map(|(strike, _)| strike);
        let outcome = match &strike {
            Some(Strike::Reset | Strike::Silent) => Err(Refusal::Failure),
            Some(Strike::Refused(refusal)) => Err(*refusal),
            Some(Strike::Size(size)) => {
                self.lie = Some(*size);
                act(self)
            }
            _ => act(self),
        };
        exchange.word = Some(outcome.as_ref().err().map_or("ok", |refusal| refusal.word()));
        if let Some(arrival) = self.arrival.take() {
            let shared = Arc::clone(&self.shared);
            let judged = tokio::task::spawn_blocking(move || arrival.judge(&shared)).await;
            exchange.verdict = Some(judged.unwrap_or_else(|panic| format!("the sandbox failed: {panic}")));
        }
        match &strike {
            Some(Strike::Reset) => self.switch.reset(),
            Some(Strike::Lost) => self.switch.close(),
            Some(Strike::Cut) => self.switch.half(),
            _ => {}
        }
        if matches!(strike, Some(Strike::Reset | Strike::Silent | Strike::Lost | Strike::Cut)) {
            exchange.word = None;
            self.over = true;
        }
        if request.shown || strike.is_some() || outcome.is_err() {
            self.shared.write_down(exchange);
        }
        if strike == Some(Strike::Silent) {
            // Until the other side has had enough.
            self.ended.changed().await.unwrap_or_default();
        }
        outcome.map_err(status)
    }

    fn account<T>(&self, act: impl FnOnce(&mut Account) -> T) -> T {
        self.shared.account(&self.user, act)
    }

    /// What is open under a handle.
    fn held(&mut self, handle: &str) -> Result<&mut Open, Refusal> {
        self.open.get_mut(handle).ok_or(Refusal::Failure)
    }

    fn path_of(&self, handle: &str) -> String {
        self.open.get(handle).map_or_else(String::new, |open| open.path.clone())
    }

    fn hold(&mut self, path: &str, what: What, writes: Option<Place>) -> String {
        self.opened += 1;
        let handle = self.opened.to_string();
        self.open.insert(handle.clone(), Open { path: path.to_owned(), what, writes, written: (0, 0, 0) });
        handle
    }

    /// Writes down what was written since the last time.
    fn sum_up(&mut self, handle: &str) {
        let Some(open) = self.open.get_mut(handle) else { return };
        let (writes, bytes, from) = std::mem::take(&mut open.written);
        if writes > 0 {
            let sent = format!("{bytes} bytes from {from} in {writes} {}", if writes == 1 { "write" } else { "writes" });
            let mut exchange = Exchange::sftp("write", &self.user, &open.path, &sent);
            exchange.word = Some("ok");
            self.shared.write_down(exchange);
        }
    }

    /// A file under a name that is none of a part counts from now on.
    fn arrive(&mut self, path: &str, file: Stored) {
        if !name(path).starts_with('.') {
            self.arrival = Some(Arrival { user: self.user.clone(), path: path.to_owned(), file });
        }
    }

    fn begin(&mut self, path: &str, flags: OpenFlags) -> Result<String, Refusal> {
        let wants = |flag| flags.contains(flag);
        let file = self.account(|account| {
            if wants(OpenFlags::CREATE) && wants(OpenFlags::EXCLUDE) && account.tree.find(path).is_ok() {
                return Err(Refusal::Failure);
            }
            if wants(OpenFlags::CREATE) { account.tree.make(path) } else { account.tree.file(path) }
        })?;
        if wants(OpenFlags::TRUNCATE) {
            file.as_file().set_len(0).map_err(|_| Refusal::Failure)?;
        }
        let place = if wants(OpenFlags::APPEND) { Place::End } else { Place::Given };
        let writes = (wants(OpenFlags::WRITE) || wants(OpenFlags::APPEND)).then_some(place);
        Ok(self.hold(path, What::File(file), writes))
    }

    fn attributes(&mut self, node: &Node) -> FileAttributes {
        let mut attributes = attributes(node);
        if let Some(size) = self.lie.take() {
            attributes.size = Some(size);
        }
        attributes
    }

    /// The whole path of what a request calls it; one that leads out is written down.
    fn within(&self, request: &str, path: &str) -> Result<String, StatusCode> {
        resolve(path).map_err(|refusal| {
            let mut exchange = Exchange::sftp(request, &self.user, path, "");
            exchange.word = Some(refusal.word());
            self.shared.write_down(exchange);
            status(refusal)
        })
    }

    async fn rename_to(&mut self, old: &str, new: &str, over: bool) -> Result<(), StatusCode> {
        let (from, into) = (self.within("rename", old)?, self.within("rename", new)?);
        let request = Request { into: Some(&into), more: format!("to {into}"), ..Request::new("rename", &from) };
        self.run(request, |own| {
            let file = own.account(|account| account.tree.rename(&from, &into, over))?;
            own.arrive(&into, file);
            Ok(())
        })
        .await
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // What was cut off shows as far as it came.
        let mut left: Vec<String> = self.open.keys().cloned().collect();
        left.sort();
        left.iter().for_each(|handle| self.sum_up(handle));
    }
}

fn status(refusal: Refusal) -> StatusCode {
    match refusal {
        Refusal::NoSuchFile => StatusCode::NoSuchFile,
        Refusal::PermissionDenied => StatusCode::PermissionDenied,
        Refusal::Failure => StatusCode::Failure,
        Refusal::Unsupported => StatusCode::OpUnsupported,
    }
}

/// That it is done.
fn done(id: u32) -> Status {
    Status { id, status_code: StatusCode::Ok, error_message: "Success".to_owned(), language_tag: "en".to_owned() }
}

fn attributes(node: &Node) -> FileAttributes {
    let (size, mode) = match node {
        Node::Folder => (0, 0o040_755),
        Node::File(file) => (tree::size(file), 0o100_644),
    };
    FileAttributes { size: Some(size), permissions: Some(mode), ..FileAttributes::empty() }
}

/// The words of a request by another name than the usual ones.
fn words(data: &[u8]) -> Option<Vec<String>> {
    let (mut rest, mut words) = (data, Vec::new());
    while !rest.is_empty() {
        let (length, behind) = rest.split_first_chunk::<4>()?;
        let (word, behind) = behind.split_at_checked(u32::from_be_bytes(*length) as usize)?;
        words.push(String::from_utf8(word.to_vec()).ok()?);
        rest = behind;
    }
    Some(words)
}

impl russh_sftp::server::Handler for Session {
    type Error = StatusCode;

    fn unimplemented(&self) -> StatusCode {
        StatusCode::OpUnsupported
    }

    async fn init(&mut self, _: u32, _: HashMap<String, String>) -> Result<Version, StatusCode> {
        let mut version = Version::new();
        for name in ["posix-rename@openssh.com", "fsync@openssh.com"] {
            version.extensions.insert(name.to_owned(), "1".to_owned());
        }
        Ok(version)
    }

    async fn open(&mut self, id: u32, filename: String, flags: OpenFlags, _: FileAttributes) -> Result<Handle, StatusCode> {
        let path = self.within("open", &filename)?;
        let words = [
            (OpenFlags::READ, "read"),
            (OpenFlags::WRITE, "write"),
            (OpenFlags::APPEND, "append"),
            (OpenFlags::CREATE, "create"),
            (OpenFlags::TRUNCATE, "truncate"),
            (OpenFlags::EXCLUDE, "exclude"),
        ];
        let more: Vec<&str> = words.into_iter().filter(|(flag, _)| flags.contains(*flag)).map(|(_, word)| word).collect();
        let request = Request { more: format!("to {}", more.join(", ")), ..Request::new("open", &path) };
        let handle = self.run(request, |own| own.begin(&path, flags)).await?;
        Ok(Handle { id, handle })
    }

    async fn close(&mut self, id: u32, handle: String) -> Result<Status, StatusCode> {
        self.sum_up(&handle);
        let path = self.path_of(&handle);
        let shown = self.open.get(&handle).is_some_and(|open| open.writes.is_some());
        self.run(Request { shown, ..Request::new("close", &path) }, |own| {
            let open = own.open.remove(&handle).ok_or(Refusal::Failure)?;
            if let (What::File(file), Some(_)) = (open.what, open.writes) {
                own.arrive(&open.path, file);
            }
            Ok(())
        })
        .await?;
        Ok(done(id))
    }

    async fn read(&mut self, id: u32, handle: String, offset: u64, length: u32) -> Result<Data, StatusCode> {
        let path = self.path_of(&handle);
        let request = Request { shown: false, ..Request::new("read", &path) };
        let data = self
            .run(request, |own| match &own.held(&handle)?.what {
                // More than this fits into no answer.
                What::File(file) => tree::read(file, offset, length.min(128 << 10)),
                What::Folder(_) => Err(Refusal::Failure),
            })
            .await?;
        if data.is_empty() { Err(StatusCode::Eof) } else { Ok(Data { id, data }) }
    }

    async fn write(&mut self, id: u32, handle: String, offset: u64, data: Vec<u8>) -> Result<Status, StatusCode> {
        let path = self.path_of(&handle);
        let more = format!("{} bytes from {offset}", data.len());
        self.run(Request { more, handle: &handle, shown: false, ..Request::new("write", &path) }, |own| {
            let open = own.held(&handle)?;
            let (What::File(file), Some(place)) = (&open.what, open.writes) else { return Err(Refusal::PermissionDenied) };
            let at = if place == Place::End { tree::size(file) } else { offset };
            tree::write(file, at, &data)?;
            let (writes, bytes, from) = open.written;
            let from = if writes == 0 { at } else { from.min(at) };
            open.written = (writes + 1, bytes + data.len() as u64, from);
            Ok(())
        })
        .await?;
        Ok(done(id))
    }

    async fn lstat(&mut self, id: u32, path: String) -> Result<Attrs, StatusCode> {
        self.stat(id, path).await
    }

    async fn stat(&mut self, id: u32, path: String) -> Result<Attrs, StatusCode> {
        let path = self.within("stat", &path)?;
        let attrs = self.run(Request::new("stat", &path), |own| own.account(|account| account.tree.find(&path))).await;
        let attrs = attrs.map(|node| self.attributes(&node))?;
        Ok(Attrs { id, attrs })
    }

    async fn fstat(&mut self, id: u32, handle: String) -> Result<Attrs, StatusCode> {
        let path = self.path_of(&handle);
        let find = |own: &mut Self| match &own.held(&handle)?.what {
            What::File(file) => Ok(Node::File(Arc::clone(file))),
            What::Folder(_) => Ok(Node::Folder),
        };
        let node = self.run(Request::new("stat", &path), find).await?;
        let attrs = self.attributes(&node);
        Ok(Attrs { id, attrs })
    }

    async fn setstat(&mut self, id: u32, path: String, attrs: FileAttributes) -> Result<Status, StatusCode> {
        let path = self.within("setstat", &path)?;
        self.run(Request::new("setstat", &path), |own| {
            let node = own.account(|account| account.tree.find(&path))?;
            resize(&node, &attrs)
        })
        .await?;
        Ok(done(id))
    }

    async fn fsetstat(&mut self, id: u32, handle: String, attrs: FileAttributes) -> Result<Status, StatusCode> {
        let path = self.path_of(&handle);
        self.run(Request::new("setstat", &path), |own| match &own.held(&handle)?.what {
            What::File(file) => resize(&Node::File(Arc::clone(file)), &attrs),
            What::Folder(_) => Ok(()),
        })
        .await?;
        Ok(done(id))
    }

    async fn opendir(&mut self, id: u32, path: String) -> Result<Handle, StatusCode> {
        let path = self.within("readdir", &path)?;
        let handle = self
            .run(Request::new("readdir", &path), |own| {
                let listed = own.account(|account| account.tree.list(&path))?;
                let files = listed.iter().map(|(name, node)| File::new(name.as_str(), attributes(node))).collect();
                Ok(own.hold(&path, What::Folder(Some(files)), None))
            })
            .await?;
        Ok(Handle { id, handle })
    }

    async fn readdir(&mut self, id: u32, handle: String) -> Result<Name, StatusCode> {
        let open = self.held(&handle).map_err(status)?;
        let What::Folder(left) = &mut open.what else { return Err(StatusCode::Failure) };
        let mut files = left.take().filter(|files| !files.is_empty()).ok_or(StatusCode::Eof)?;
        // An answer is bounded; the rest follows.
        let rest = files.split_off(files.len().min(100));
        *left = Some(rest);
        Ok(Name { id, files })
    }

    async fn remove(&mut self, id: u32, filename: String) -> Result<Status, StatusCode> {
        let path = self.within("remove", &filename)?;
        self.run(Request::new("remove", &path), |own| own.account(|account| account.tree.remove(&path))).await?;
        Ok(done(id))
    }

    async fn mkdir(&mut self, id: u32, path: String, _: FileAttributes) -> Result<Status, StatusCode> {
        let path = self.within("mkdir", &path)?;
        self.run(Request::new("mkdir", &path), |own| own.account(|account| account.tree.make_folder(&path))).await?;
        Ok(done(id))
    }

    async fn rmdir(&mut self, id: u32, path: String) -> Result<Status, StatusCode> {
        let path = self.within("rmdir", &path)?;
        self.run(Request::new("rmdir", &path), |own| own.account(|account| account.tree.remove_folder(&path))).await?;
        Ok(done(id))
    }

    async fn realpath(&mut self, id: u32, path: String) -> Result<Name, StatusCode> {
        Ok(Name { id, files: vec![File::dummy(self.within("realpath", &path)?)] })
    }

    async fn rename(&mut self, id: u32, old: String, new: String) -> Result<Status, StatusCode> {
        self.rename_to(&old, &new, false).await?;
        Ok(done(id))
    }

    async fn extended(&mut self, id: u32, request: String, data: Vec<u8>) -> Result<Packet, StatusCode> {
        let words = words(&data).ok_or(StatusCode::BadMessage)?;
        match (request.as_str(), &words[..]) {
            ("posix-rename@openssh.com", [old, new]) => self.rename_to(old, new, true).await?,
            ("fsync@openssh.com", [handle]) => {
                self.sum_up(handle);
                let path = self.path_of(handle);
                // Nothing outlives this server, so there is nothing to bring to the disk.
                self.run(Request::new("fsync", &path), |own| own.held(handle).map(drop)).await?;
            }
            _ => return Err(StatusCode::OpUnsupported),
        }
        Ok(Packet::Status(done(id)))
    }
}

/// Gives a file the size that is asked for; what else a client may wish to set, nobody reads.
fn resize(node: &Node, attributes: &FileAttributes) -> Result<(), Refusal> {
    match (node, attributes.size) {
        (Node::File(file), Some(size)) => file.as_file().set_len(size).map_err(|_| Refusal::Failure),
        _ => Ok(()),
    }
}
