//! Where bytes stand in a block, found for the whole block at once.
//!
//! Cells and quotes are short and many, so searching for each anew costs more than one pass
//! that notes them all as bits, one a byte.

use crate::product::text::bits;
use wide::u8x16;

/// Where some bytes stand in a text.
#[derive(Clone, Debug, Default)]
pub(super) struct Places {
    words: Vec<u64>,
}

impl Places {
    /// Notes where any of the wanted bytes stand.
    pub(super) fn find<const N: usize>(&mut self, wanted: [u8; N], bytes: &[u8]) {
        self.words.clear();
        let (pieces, rest) = bytes.as_chunks::<64>();
        let any = |piece: &[u8; 64]| wanted.iter().fold(0, |word, &wanted| word | bits(piece, |part| part.simd_eq(u8x16::splat(wanted))));
        self.words.extend(pieces.iter().map(any));
        if !rest.is_empty() {
            let mut last = [0; 64];
            last[..rest.len()].copy_from_slice(rest);
            self.words.push(any(&last) & ((1 << rest.len()) - 1));
        }
    }

    /// The first place from `at` on, or `end` where none stands in front of it.
    pub(super) fn next(&self, at: usize, end: usize) -> usize {
        let mut number = at / 64;
        let Some(word) = self.words.get(number) else { return end };
        let mut word = word >> (at % 64) << (at % 64);
        while word == 0 {
            number += 1;
            match self.words.get(number) {
                Some(next) if number * 64 < end => word = *next,
                _ => return end,
            }
        }
        end.min(number * 64 + word.trailing_zeros() as usize)
    }

    /// Goes through the places from the first on.
    pub(super) fn walk(&self) -> Walk<'_> {
        Walk { words: &self.words, number: 0, word: self.words.first().copied().unwrap_or(0) }
    }
}

/// Goes through places in their order; unlike [`Places::next`], it knows where it stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Walk<'p> {
    words: &'p [u64],
    number: usize,
    /// The places of the word it stands in that are still ahead.
    word: u64,
}

impl Walk<'_> {
    /// The next place, or `usize::MAX` behind the last.
    pub(super) fn next(&mut self) -> usize {
        while self.word == 0 {
            let Some(word) = self.words.get(self.number + 1) else { return usize::MAX };
            (self.number, self.word) = (self.number + 1, *word);
        }
        self.number * 64 + self.word.trailing_zeros() as usize
    }

    /// Leaves the next place behind.
    pub(super) fn pass(&mut self) {
        self.word &= self.word.wrapping_sub(1);
    }

    /// Leaves all places in front of `at` behind; it never goes back.
    pub(super) fn skip_to(&mut self, at: usize) {
        if at / 64 < self.number {
            return;
        }
        if at / 64 > self.number {
            (self.number, self.word) = (at / 64, self.words.get(at / 64).copied().unwrap_or(0));
        }
        self.word &= u64::MAX << (at % 64);
    }
}

#[cfg(test)]
mod tests {
    use super::Places;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_place_and_no_other(bytes in prop::collection::vec(prop::sample::select(b",\"\n,a\x2d\xac\x80\xff\x00".to_vec()), 0..300), from in 0usize..300) {
            let mut places = Places::default();
            places.find([b',', b'"'], &bytes);
            let from = from.min(bytes.len());
            let mut at = from;
            let mut found = Vec::new();
            while places.next(at, bytes.len()) < bytes.len() {
                at = places.next(at, bytes.len());
                found.push(at);
                at += 1;
            }
            let expected: Vec<usize> = (from..bytes.len()).filter(|&at| matches!(bytes[at], b',' | b'"')).collect();
            prop_assert_eq!(&found, &expected);
            let mut walk = places.walk();
            walk.skip_to(from);
            let walked: Vec<usize> = std::iter::from_fn(|| {
                let at = walk.next();
                walk.pass();
                (at != usize::MAX).then_some(at)
            }).collect();
            prop_assert_eq!(walked, expected);
        }
    }
}
