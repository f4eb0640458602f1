//! Words of goods that policies exclude, found whole and whatever their case.
//!
//! The list is data. A word can only begin where a word of the text does, so only the first
//! three letters there are looked at, in a table of all that excluded words begin with.

use super::text::bits;
use serde::Deserialize;
use std::sync::LazyLock;
use wide::u8x16;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Group {
    goods: String,
    words: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Groups {
    group: Vec<Group>,
}

/// How many letters are looked at first.
const HEAD: usize = 3;

/// The letters a word begins with, five bits each, which tell letters apart whatever their case.
fn head(letters: [u8; HEAD]) -> usize {
    letters.iter().fold(0, |head, letter| head << 5 | usize::from(letter & 31))
}

struct Words {
    /// What words begin with, a bit each.
    heads: Vec<u64>,
    /// The words with what they begin with and their goods, in that order, longest first.
    words: Vec<(usize, String, String)>,
}

/// The words as they are listed, with their goods.
fn listed() -> impl Iterator<Item = (String, String)> {
    #[expect(clippy::expect_used, reason = "the list is part of the program; a test loads it")]
    let Groups { group: groups } =
        toml::from_str(include_str!("../../schemas/shared/policy-words.toml")).expect("the built-in word list is valid");
    groups.into_iter().flat_map(|group| group.words.into_iter().map(move |word| (word, group.goods.clone())))
}

static WORDS: LazyLock<Words> = LazyLock::new(|| {
    // A test shows that no word is too short.
    let headed = |(word, goods): (String, String)| Some((head(*word.as_bytes().first_chunk()?), word, goods));
    let mut words: Vec<_> = listed().filter_map(headed).collect();
    words.sort_by_key(|(head, word, _)| (*head, std::cmp::Reverse(word.len())));
    let mut heads = vec![0; 1 << (5 * HEAD - 6)];
    for (head, ..) in &words {
        heads[head / 64] |= 1 << (head % 64);
    }
    Words { heads, words }
});

/// The first excluded word of a text, as it stands there, and the goods it may mean.
pub fn find(text: &str) -> Option<(&str, &'static str)> {
    let words: &'static Words = &WORDS;
    let bytes = text.as_bytes();
    // Whether the byte in front of a piece belongs to a word.
    let mut follows = 0;
    for (number, piece) in bytes.chunks(64).enumerate() {
        let inner = letters_and_digits(piece);
        let mut starts = inner & !(inner << 1 | follows);
        follows = inner >> 63;
        while starts != 0 {
            let start = number * 64 + starts.trailing_zeros() as usize;
            starts &= starts - 1;
            let Some(letters) = bytes.get(start..).and_then(|rest| rest.first_chunk()) else { continue };
            let head = head(*letters);
            if words.heads[head / 64] >> (head % 64) & 1 == 1
                && let Some(found) = words.at(text, start, head)
            {
                return Some(found);
            }
        }
    }
    None
}

impl Words {
    /// The longest word that stands at `start`, where this is what it begins with.
    fn at<'t>(&'static self, text: &'t str, start: usize, head: usize) -> Option<(&'t str, &'static str)> {
        let stands = |word: &str| {
            let found = text.get(start..start + word.len())?;
            (found.eq_ignore_ascii_case(word) && is_whole(text, start, start + word.len())).then_some(found)
        };
        let from = self.words.partition_point(|(before, ..)| *before < head);
        let alike = self.words.get(from..)?.iter().take_while(|(other, ..)| *other == head);
        alike.into_iter().find_map(|(_, word, goods)| Some((stands(word)?, goods.as_str())))
    }
}

/// Where ASCII letters and digits stand in at most 64 bytes, a bit each.
fn letters_and_digits(piece: &[u8]) -> u64 {
    let mut padded = [0; 64];
    padded[..piece.len()].copy_from_slice(piece);
    bits(&padded, |part| {
        // A number below another is the lesser of it and the greatest that may be.
        let within = |moved: u8x16, count: u8| moved.min(u8x16::splat(count - 1)).simd_eq(moved);
        let letter = within((part | u8x16::splat(0x20)) - u8x16::splat(b'a'), 26);
        letter | within(part - u8x16::splat(b'0'), 10)
    })
}

fn is_whole(text: &str, start: usize, end: usize) -> bool {
    let edge = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric());
    edge(text.get(..start).and_then(|head| head.chars().next_back())) && edge(text.get(end..).and_then(|tail| tail.chars().next()))
}

#[cfg(test)]
mod tests {
    use super::{HEAD, WORDS, find, is_whole, listed};
    use proptest::prelude::*;

    /// The first of all places where a word stands whole, the longest there.
    fn slowly(text: &str) -> Option<&str> {
        let places =
            (0..text.len()).flat_map(|start| WORDS.words.iter().map(move |(_, word, _)| (start, start + word.len())).zip(&WORDS.words));
        let found = places.filter(|((start, end), (_, word, _))| {
            text.get(*start..*end).is_some_and(|found| found.eq_ignore_ascii_case(word)) && is_whole(text, *start, *end)
        });
        let first = found.min_by_key(|((start, end), _)| (*start, std::cmp::Reverse(*end)))?;
        text.get(first.0.0..first.0.1)
    }

    proptest! {
        #[test]
        fn what_a_slow_search_finds(parts in prop::collection::vec((0..WORDS.words.len(), 0usize..9, 0usize..3), 0..6)) {
            let between = [" ", "", "-", "\u{fc}", "1", ", a plain steel bottle for the road, ", "x", "\u{2019}s ", "."];
            let text: String = parts.iter().map(|(word, gap, case)| {
                let word = &WORDS.words[*word].1;
                let word = match case { 0 => word.clone(), 1 => word.to_uppercase(), _ => word.chars().skip(1).collect() };
                word + between[*gap]
            }).collect();
            prop_assert_eq!(find(&text).map(|(word, _)| word), slowly(&text));
        }
    }

    #[test]
    fn words_begin_as_they_are_looked_for() {
        for (word, _) in listed() {
            let first = word.as_bytes().first().is_some_and(u8::is_ascii_alphanumeric);
            assert!(first && word.len() >= HEAD && word.is_ascii(), "{word}");
        }
    }

    #[test]
    fn whole_words_only() {
        assert_eq!(find("Flavoured VAPE, 20 mL").map(|(word, _)| word), Some("VAPE"));
        assert_eq!(find("Vapemaster 3000 vaper\u{fc}"), None);
        assert_eq!(find("Steel bottle"), None);
        assert!(find("Hand-rolled cigars").is_some_and(|(_, goods)| goods.contains("tobacco")));
    }
}
