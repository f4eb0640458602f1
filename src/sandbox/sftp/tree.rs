//! The folder that somebody who was let in sees as the root, and nothing besides: names lead to
//! files of ours, never to the machine's own, so no path leads out of it.
//!
//! Contents lie in temporary files without names that anybody knows; there are no links, no
//! permissions and no owners. What is refused is refused with the status that OpenSSH's server
//! has for it.

use crate::sandbox::fault::Refusal;
use std::collections::BTreeMap;
use std::io::{Read, Seek, SeekFrom, Write};
use std::sync::Arc;
use tempfile::NamedTempFile;

/// A file's bytes; they stay while somebody holds them, whatever becomes of the name.
pub(super) type Stored = Arc<NamedTempFile>;

/// What a name stands for.
#[derive(Clone, Debug)]
pub(super) enum Node {
    Folder,
    File(Stored),
}

/// Folders and files by path; the root itself is always there.
#[derive(Debug, Default)]
pub(super) struct Tree(BTreeMap<String, Node>);

/// The whole path of what a client calls it; relative ones start at the root.
pub(super) fn resolve(path: &str) -> Result<String, Refusal> {
    let mut parts = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop().ok_or(Refusal::PermissionDenied)?),
            part if part.contains('\0') || part.len() > 255 => return Err(Refusal::Failure),
            part => parts.push(part),
        }
    }
    Ok(format!("/{}", parts.join("/")))
}

/// The last name of a path.
pub(super) fn name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or_default()
}

fn parent(path: &str) -> &str {
    match path.rsplit_once('/') {
        Some((parent, _)) if !parent.is_empty() => parent,
        _ => "/",
    }
}

impl Tree {
    /// What stands at a path.
    pub(super) fn find(&self, path: &str) -> Result<Node, Refusal> {
        if path == "/" {
            return Ok(Node::Folder);
        }
        self.0.get(path).cloned().ok_or(Refusal::NoSuchFile)
    }

    /// The file at a path.
    pub(super) fn file(&self, path: &str) -> Result<Stored, Refusal> {
        match self.find(path)? {
            Node::File(file) => Ok(file),
            Node::Folder => Err(Refusal::Failure),
        }
    }

    /// The file at a path, made where there is none.
    pub(super) fn make(&mut self, path: &str) -> Result<Stored, Refusal> {
        match self.file(path) {
            Err(Refusal::NoSuchFile) => {}
            found => return found,
        }
        self.is_folder(parent(path))?;
        let file = tempfile::Builder::new().prefix("feedmill-sandbox-").tempfile().map_err(|_| Refusal::Failure)?;
        let file = Arc::new(file);
        self.0.insert(path.to_owned(), Node::File(Arc::clone(&file)));
        Ok(file)
    }

    fn is_folder(&self, path: &str) -> Result<(), Refusal> {
        match self.find(path)? {
            Node::Folder => Ok(()),
            Node::File(_) => Err(Refusal::NoSuchFile),
        }
    }

    /// Makes a folder in one that is there.
    pub(super) fn make_folder(&mut self, path: &str) -> Result<(), Refusal> {
        if self.find(path).is_ok() {
            return Err(Refusal::Failure);
        }
        self.is_folder(parent(path))?;
        self.0.insert(path.to_owned(), Node::Folder);
        Ok(())
    }

    /// Makes a folder and those above it.
    pub(super) fn make_folders(&mut self, path: &str) -> Result<(), Refusal> {
        if path != "/" && self.find(path).is_err() {
            self.make_folders(parent(path))?;
            self.make_folder(path)?;
        }
        self.is_folder(path)
    }

    /// Removes a folder with nothing in it.
    pub(super) fn remove_folder(&mut self, path: &str) -> Result<(), Refusal> {
        self.is_folder(path)?;
        if path == "/" || !self.list(path)?.is_empty() {
            return Err(Refusal::Failure);
        }
        drop(self.0.remove(path));
        Ok(())
    }

    /// Removes a file.
    pub(super) fn remove(&mut self, path: &str) -> Result<(), Refusal> {
        self.file(path)?;
        drop(self.0.remove(path));
        Ok(())
    }

    /// Gives a file another name; `over` says whether that of another file may be taken.
    pub(super) fn rename(&mut self, from: &str, into: &str, over: bool) -> Result<Stored, Refusal> {
        let file = self.file(from)?;
        self.is_folder(parent(into))?;
        match self.find(into) {
            Err(Refusal::NoSuchFile) => {}
            Ok(Node::File(_)) if over || from == into => {}
            _ => return Err(Refusal::Failure),
        }
        drop(self.0.remove(from));
        self.0.insert(into.to_owned(), Node::File(Arc::clone(&file)));
        Ok(file)
    }

    /// What is in a folder, by name.
    pub(super) fn list(&self, folder: &str) -> Result<Vec<(String, Node)>, Refusal> {
        self.is_folder(folder)?;
        let inside = self.0.iter().filter(|(path, _)| parent(path) == folder);
        Ok(inside.map(|(path, node)| (name(path).to_owned(), node.clone())).collect())
    }

    /// Every file by path, for tests.
    pub(super) fn files(&self) -> impl Iterator<Item = (&String, &Stored)> {
        self.0.iter().filter_map(|(path, node)| match node {
            Node::File(file) => Some((path, file)),
            Node::Folder => None,
        })
    }
}

/// Bytes in a file.
pub(super) fn size(file: &Stored) -> u64 {
    file.as_file().metadata().map_or(0, |found| found.len())
}

/// Writes at a place of a file.
pub(super) fn write(file: &Stored, at: u64, bytes: &[u8]) -> Result<(), Refusal> {
    let mut file = file.as_file();
    file.seek(SeekFrom::Start(at)).and_then(|_| file.write_all(bytes)).map_err(|_| Refusal::Failure)
}

/// Reads at a place of a file; nothing where it has ended.
pub(super) fn read(file: &Stored, at: u64, most: u32) -> Result<Vec<u8>, Refusal> {
    let (mut file, mut bytes) = (file.as_file(), Vec::new());
    let read = file.seek(SeekFrom::Start(at)).and_then(|_| file.take(u64::from(most)).read_to_end(&mut bytes));
    read.map(|_| bytes).map_err(|_| Refusal::Failure)
}

#[cfg(test)]
mod tests {
    use super::{Tree, read, resolve, size, write};
    use crate::sandbox::fault::Refusal;

    #[test]
    fn no_path_leads_out() {
        for (path, inside) in [("", "/"), (".", "/"), ("a", "/a"), ("/a//b/", "/a/b"), ("a/../b", "/b"), ("./a/./..", "/")] {
            assert_eq!(resolve(path), Ok(inside.to_owned()), "{path}");
        }
        for path in ["..", "/..", "a/../..", "../etc/passwd"] {
            assert_eq!(resolve(path), Err(Refusal::PermissionDenied), "{path}");
        }
        assert_eq!(resolve("a\0b"), Err(Refusal::Failure));
    }

    #[test]
    fn files_take_names_and_give_them_up() {
        let mut tree = Tree::default();
        let part = tree.make("/.part").expect("made");
        write(&part, 3, b"def").and_then(|()| write(&part, 0, b"abc")).expect("written");
        assert_eq!((size(&part), read(&part, 2, 3), read(&part, 6, 3)), (6, Ok(b"cde".to_vec()), Ok(Vec::new())));
        tree.make("/feed").expect("made");
        assert_eq!(tree.rename("/.part", "/feed", false).map(drop), Err(Refusal::Failure));
        tree.rename("/.part", "/feed", true).expect("renamed");
        assert_eq!(tree.list("/").expect("a folder").len(), 1);
        assert_eq!(size(&tree.file("/feed").expect("there")), 6);
        assert_eq!(tree.rename("/.part", "/feed", true).map(drop), Err(Refusal::NoSuchFile));
        assert_eq!((tree.remove("/feed"), tree.remove("/feed")), (Ok(()), Err(Refusal::NoSuchFile)));
    }

    #[test]
    fn folders_hold_files_and_are_none() {
        let mut tree = Tree::default();
        assert_eq!(tree.make("/a/feed").map(drop), Err(Refusal::NoSuchFile));
        tree.make_folders("/a/b").expect("made");
        tree.make_folders("/a/b").expect("there");
        tree.make("/a/b/feed").expect("made");
        assert_eq!(tree.make_folder("/a"), Err(Refusal::Failure));
        assert_eq!(tree.remove_folder("/a/b"), Err(Refusal::Failure));
        assert_eq!((tree.remove("/a"), tree.make("/a").map(drop)), (Err(Refusal::Failure), Err(Refusal::Failure)));
        assert_eq!(tree.make("/a/b/feed/x").map(drop), Err(Refusal::NoSuchFile));
        assert_eq!(tree.rename("/a/b/feed", "/c/feed", true).map(drop), Err(Refusal::NoSuchFile));
        tree.remove("/a/b/feed").and_then(|()| tree.remove_folder("/a/b")).expect("removed");
        assert_eq!(tree.list("/a").expect("a folder").len(), 0);
        assert_eq!(tree.list("/a/b").map(|_| ()), Err(Refusal::NoSuchFile));
    }
}
