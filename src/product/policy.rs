//! Words of goods that policies exclude, found whole and whatever their case.
//!
//! The list is data; it is made into one automaton before the first value is looked at.

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use serde::Deserialize;
use std::sync::LazyLock;

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

struct Words {
    groups: Vec<Group>,
    /// The group of each pattern.
    of: Vec<usize>,
    automaton: AhoCorasick,
}

static WORDS: LazyLock<Words> = LazyLock::new(|| {
    #[expect(clippy::expect_used, reason = "the list is part of the program; a test loads it")]
    let Groups { group: groups } =
        toml::from_str(include_str!("../../schemas/shared/policy-words.toml")).expect("the built-in word list is valid");
    let of = groups.iter().enumerate().flat_map(|(place, group)| group.words.iter().map(move |_| place)).collect();
    let words = groups.iter().flat_map(|group| &group.words);
    #[expect(clippy::expect_used, reason = "a few hundred short words; a test builds it")]
    let automaton = AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .kind(Some(AhoCorasickKind::DFA))
        .match_kind(MatchKind::Standard)
        .build(words)
        .expect("the built-in word list is small");
    Words { groups, of, automaton }
});

/// The first excluded word of a text, as it stands there, and the goods it may mean.
pub fn find(text: &str) -> Option<(&str, &'static str)> {
    let words: &'static Words = &WORDS;
    if !words.automaton.is_match(text) {
        return None;
    }
    // All of them, one inside the other too: what is no whole word may hold one, as `e-cigarettes` does.
    let all = words.automaton.find_overlapping_iter(text).filter(|found| is_whole(text, found.start(), found.end()));
    let found = all.min_by_key(|found| (found.start(), std::cmp::Reverse(found.end())))?;
    let group = words.of.get(found.pattern().as_usize()).and_then(|place| words.groups.get(*place))?;
    Some((text.get(found.range())?, &group.goods))
}

fn is_whole(text: &str, start: usize, end: usize) -> bool {
    let edge = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric());
    edge(text.get(..start).and_then(|head| head.chars().next_back())) && edge(text.get(end..).and_then(|tail| tail.chars().next()))
}

#[cfg(test)]
mod tests {
    use super::find;

    #[test]
    fn whole_words_only() {
        assert_eq!(find("Flavoured VAPE, 20 mL").map(|(word, _)| word), Some("VAPE"));
        assert_eq!(find("Vapemaster 3000 vaper\u{fc}"), None);
        assert_eq!(find("Steel bottle"), None);
        assert!(find("Hand-rolled cigars").is_some_and(|(_, goods)| goods.contains("tobacco")));
    }
}
