//! The names that delivered files have, so that what is ours and no longer part of a feed is
//! told from what is not.

use std::path::Path;

/// What unfinished files end with; a receiver that watches its folder takes neither hidden
/// files nor this ending.
#[cfg(feature = "sftp")]
const UNFINISHED: &str = ".feedmill-part";
/// Digits of the content's digest in the name of an unfinished file.
#[cfg(feature = "sftp")]
const DIGITS: usize = 12;

/// What names begin with, so that several feeds can lie together.
pub(super) fn check_prefix(prefix: &str) -> Result<(), &'static str> {
    if prefix.contains(['/', '\\']) || prefix.starts_with('.') {
        return Err("prefix: it begins a file name, so no path and no leading dot");
    }
    Ok(())
}

/// The name of a delivered file.
pub(super) fn delivered(file: &Path, prefix: &str) -> String {
    format!("{prefix}{}", file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default())
}

/// The name of a file on its way: the same for the same content, so that it is gone on with.
#[cfg(feature = "sftp")]
pub(super) fn unfinished(name: &str, digest: &str) -> String {
    format!(".{name}.{}{UNFINISHED}", digest.get(..DIGITS).unwrap_or(digest))
}

/// Whether a name is one of an unfinished file of ours.
#[cfg(feature = "sftp")]
pub(super) fn is_unfinished(name: &str, prefix: &str) -> bool {
    let named = name.strip_prefix('.').and_then(|rest| rest.strip_suffix(UNFINISHED)).and_then(|rest| rest.rsplit_once('.'));
    named.is_some_and(|(name, digest)| {
        digest.len() == DIGITS && digest.bytes().all(|digit| digit.is_ascii_hexdigit()) && is_feed(name, prefix)
    })
}

/// Whether a name is one that a whole feed or one of its shards has.
pub(super) fn is_feed(name: &str, prefix: &str) -> bool {
    let Some(rest) = name.strip_prefix(prefix).and_then(|rest| rest.strip_prefix("feed")) else { return false };
    let digits = |text: &str| text.len() == 4 && text.bytes().all(|b| b.is_ascii_digit());
    let ending = match rest.strip_prefix('-') {
        None => rest.strip_prefix('.'),
        Some(shard) => shard.split_once('.').and_then(|(shard, ending)| {
            let (place, count) = shard.split_once("-of-")?;
            (digits(place) && digits(count)).then_some(ending)
        }),
    };
    ending.is_some_and(|ending| crate::render::FeedFormat::parse(ending).is_ok())
}

#[cfg(all(test, feature = "sftp"))]
mod tests {
    use super::{is_feed, is_unfinished, unfinished};

    #[test]
    fn only_our_own_names_are_cleared_away() {
        for name in ["feed.jsonl.gz", "feed-0001-of-0004.csv.gz"] {
            assert!(is_feed(name, "") && is_unfinished(&unfinished(name, "0123456789abcdef"), ""), "{name}");
        }
        for name in ["status.json", "catalog.csv", "feed.pdf", "feed-1-of-2.csv", "feed-0001-of-000a.csv", ".hidden", "feeds.csv", ".."] {
            assert!(!is_feed(name, "") && !is_unfinished(name, ""), "{name}");
        }
        assert!(is_feed("acme-feed.csv", "acme-") && !is_feed("feed.csv", "acme-") && !is_feed("other-feed.csv", "acme-"));
        // Another brand's transfer into the same folder goes on.
        let other = unfinished("acme-feed.csv", "0123456789abcdef");
        assert!(is_unfinished(&other, "acme-") && !is_unfinished(&other, "") && !is_unfinished(".feed.csv.x.feedmill-part", ""));
    }
}
