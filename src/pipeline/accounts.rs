//! One feed for each account of a platform, where each item says whose it is.
//!
//! Rows of an account stand anywhere in a catalog, and there may be more accounts than files can
//! be open, so rows wait in a temporary file (16 bytes a row are kept) and the feeds are written
//! at the end, one account after the other. An account that an earlier build had and this
//! catalog has not gets a feed without items: what becomes of what it holds is for the guards of
//! the delivery to say.

use super::{TargetPlan, Written, WrittenFeed};
use crate::finding::{Finding, Place, Severity};
use crate::product::text;
use crate::render::feed::{Feed, FileLimits};
use crate::render::file::WriteError;
use crate::render::index;
use crate::render::manifest::{Manifest, folder_of, is_account};
use crate::render::spool::{Piece, Reread, Spool, take_back};
use crate::spec::terms::Consequence;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// The feed of one account.
#[derive(Debug)]
pub struct AccountFeed {
    /// The account.
    pub account: String,
    /// Items in it.
    pub items: u64,
    /// Groups in it.
    pub groups: u64,
    /// What was written for it.
    pub written: WrittenFeed,
}

/// Why an item without an account stays behind: code, why, what to do.
pub const MISSING: (&str, &str, &str) =
    ("account_id/missing", "an item that belongs to no account is in no feed", "fill the column that `accounts` of the target names");
/// The same of an item whose account cannot be one.
pub const NO_ACCOUNT: (&str, &str, &str) = (
    "account_id/not-an-account",
    "the account is sent with every request and names a folder",
    "give the account's id, such as `acct_1`, or translate names with `lookup`",
);

/// What is wrong with the account of an item; `None` where nothing is.
pub(super) fn fault(account: &str, target: &TargetPlan, place: Place, item: &str) -> Option<Finding> {
    let (message, (code, why, hint)) = match account {
        "" => ("the item says of no account that it is its".to_owned(), MISSING),
        sound if is_account(sound) => return None,
        other => (format!("`{}` is no account", text::excerpt(&text::one_line(other), 60)), NO_ACCOUNT),
    };
    Some(Finding {
        consequence: Consequence::RowRejected,
        item: text::excerpt(item, 120),
        attribute: Some("account_id".into()),
        value: (!account.is_empty()).then(|| text::excerpt(account, 200)),
        why: Some(why.into()),
        hint: Some(hint.into()),
        target: Some(Arc::clone(&target.name)),
        ..Finding::own(code.into(), Severity::Error, message, place)
    })
}

/// Most accounts of one target; a column with more values is another one than was meant.
const MOST: usize = 100_000;

/// Feeds by account in the making.
pub(super) struct Accounts<'a> {
    target: &'a TargetPlan,
    limits: FileLimits,
    spool: Spool,
    rows: Vec<Piece>,
    names: Vec<String>,
    known: HashMap<String, u32>,
    buffer: Vec<u8>,
}

/// A row on its way.
pub(super) struct Row<'a> {
    /// Whose it is.
    pub(super) account: &'a str,
    /// What decides its shard.
    pub(super) shard: u64,
    /// Whether it is of a group.
    pub(super) grouped: bool,
    /// Its entry of the index, where there is one.
    pub(super) entry: &'a [u8],
}

impl<'a> Accounts<'a> {
    pub(super) fn new(target: &'a TargetPlan, limits: FileLimits) -> Result<Self, WriteError> {
        let names = Manifest::read(&target.folder).map_or_else(Vec::new, |manifest| manifest.accounts);
        let names: Vec<String> = names.into_iter().filter(|name| is_account(name)).collect();
        Ok(Self {
            target,
            limits,
            spool: Spool::create(&target.folder)?,
            rows: Vec::new(),
            known: names.iter().enumerate().map(|(place, name)| (name.clone(), place as u32)).collect(),
            names,
            buffer: Vec::new(),
        })
    }

    /// Takes a row, rendered in every format.
    pub(super) fn push<'r>(&mut self, row: &Row<'r>, rendered: impl Iterator<Item = &'r [u8]>) -> Result<(), WriteError> {
        let number = match self.known.get(row.account) {
            Some(number) => *number,
            None => self.add(row.account)?,
        };
        let out = &mut self.buffer;
        out.clear();
        out.extend_from_slice(&row.shard.to_le_bytes());
        out.push(u8::from(row.grouped));
        for piece in std::iter::once(row.entry).chain(rendered) {
            out.extend_from_slice(&(piece.len() as u32).to_le_bytes());
            out.extend_from_slice(piece);
        }
        self.rows.push(self.spool.push(number, out)?);
        Ok(())
    }

    fn add(&mut self, account: &str) -> Result<u32, WriteError> {
        if self.names.len() >= MOST {
            let message = format!("items name more than {MOST} accounts: another column may be meant");
            return Err(WriteError { path: self.target.folder.clone(), source: std::io::Error::other(message) });
        }
        let number = self.names.len() as u32;
        self.known.insert(account.to_owned(), number);
        self.names.push(account.to_owned());
        Ok(number)
    }

    /// Writes the feeds without the rows of these numbers; the files are complete, but not yet
    /// under their names.
    pub(super) fn finish(mut self, refused: &[usize]) -> Result<Vec<AccountFeed>, WriteError> {
        take_back(&mut self.rows, refused);
        let mut spool = self.spool.reread()?;
        let mut feeds = Vec::new();
        let mut rows = self.rows.as_slice();
        for (number, account) in self.names.into_iter().enumerate() {
            let own = rows.partition_point(|row| row.part as usize <= number);
            let (of_account, rest) = rows.split_at(own);
            rows = rest;
            feeds.push(write(self.target, self.limits, account, of_account, &mut spool)?);
        }
        Ok(feeds)
    }
}

fn write(target: &TargetPlan, limits: FileLimits, account: String, rows: &[Piece], spool: &mut Reread) -> Result<AccountFeed, WriteError> {
    let folder = target.folder.join(folder_of(&account));
    let create =
        |format: &crate::render::FeedFormat| Feed::create(&folder, *format, format.container(&target.spec, &target.columns, 1), limits);
    let mut feeds = target.formats.iter().map(create).collect::<Result<Vec<_>, _>>()?;
    let mut index = target.prints.as_ref().map(|_| index::Writer::create(&folder)).transpose()?;
    let mut groups = HashSet::new();
    let mut text = Vec::new();
    for row in rows {
        text.clear();
        spool.read(*row, &mut text)?;
        let mut pieces = Pieces(&text);
        let (shard, grouped) = (u64::from_le_bytes(pieces.fixed()), pieces.fixed() == [1]);
        if grouped {
            groups.insert(shard);
        }
        let entry = pieces.piece();
        if let Some(index) = &mut index {
            index.append(entry)?;
        }
        for feed in &mut feeds {
            feed.push(pieces.piece(), shard)?;
        }
    }
    let mut files = Vec::new();
    for (feed, format) in feeds.into_iter().zip(&target.formats) {
        let done = feed.finish(&[])?;
        files.extend(done.into_iter().map(|file| Written { path: file.file.path().to_owned(), format: format.word(), file }));
    }
    let index = index.map(|index| index.finish(&[])).transpose()?;
    let written = WrittenFeed { files, index, accounts: Vec::new() };
    Ok(AccountFeed { account, items: rows.len() as u64, groups: groups.len() as u64, written })
}

/// Takes a row apart as it was put together.
struct Pieces<'a>(&'a [u8]);

impl<'a> Pieces<'a> {
    fn fixed<const N: usize>(&mut self) -> [u8; N] {
        let (head, rest) = self.0.split_first_chunk::<N>().map_or(([0; N], &[][..]), |(head, rest)| (*head, rest));
        self.0 = rest;
        head
    }

    fn piece(&mut self) -> &'a [u8] {
        let length = u32::from_le_bytes(self.fixed()) as usize;
        let (piece, rest) = self.0.split_at_checked(length).unwrap_or_default();
        self.0 = rest;
        piece
    }
}
