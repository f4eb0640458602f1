//! Where bytes stand in a block, found for the whole block at once.
//!
//! Cells and quotes are short and many, so searching for each anew costs more than one pass
//! that notes them all as bits, one a byte.

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
        let any = |piece: &[u8; 64]| wanted.iter().fold(0, |word, &wanted| word | equal(piece, wanted));
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
}

/// The bytes of a piece that equal the wanted one, a bit each.
fn equal(piece: &[u8; 64], wanted: u8) -> u64 {
    let (parts, _) = piece.as_chunks::<16>();
    let bits = |part: &[u8; 16]| u64::from(u8x16::new(*part).simd_eq(u8x16::splat(wanted)).to_bitmask());
    parts.iter().enumerate().fold(0, |word, (number, part)| word | bits(part) << (number * 16))
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
            prop_assert_eq!(found, expected);
        }
    }
}
