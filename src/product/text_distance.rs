//! The nearest known word to a mistyped one.

/// How similar two words are, case aside: 1 where they are the same, 0 where they share nothing.
pub fn similarity(one: &str, other: &str) -> f64 {
    strsim::jaro_winkler(&one.to_lowercase(), &other.to_lowercase())
}

/// The most similar of `known` to `word`, if any is similar enough to be meant.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let folded = word.to_lowercase();
    known
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(&folded, &candidate.to_lowercase()), candidate))
        .filter(|(similarity, _)| *similarity > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}

/// The one word of `known` that `word` is a slip of the fingers away from: the same first letter, and
/// one letter more, less, other or in the wrong place, two in words of more than six. Nothing where
/// two could be meant.
pub fn slip<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let folded = word.to_lowercase();
    let most = if folded.chars().count() > 6 { 2 } else { 1 };
    let is_meant = |candidate: &&str| {
        folded.chars().next() == candidate.chars().next() && strsim::osa_distance(&folded, &candidate.to_lowercase()) <= most
    };
    let mut meant = known.into_iter().filter(is_meant);
    meant.next().filter(|_| meant.next().is_none())
}

#[cfg(test)]
mod tests {
    use super::{nearest, slip};

    #[test]
    fn a_slip_is_no_other_word() {
        let stock = ["in_stock", "out_of_stock", "pre_order", "backorder", "unknown"];
        for (word, meant) in [("in_stok", "in_stock"), ("In_Stokc", "in_stock"), ("backoder", "backorder"), ("unkown", "unknown")] {
            assert_eq!(slip(word, stock), Some(meant), "{word}");
        }
        for word in ["no_stock", "on_stock", "out_stock", "available", "instockable", "", "order"] {
            assert_eq!(slip(word, stock), None, "{word}");
        }
        assert_eq!(slip("nwe", ["new", "used"]), Some("new"));
        assert_eq!(slip("cat", ["cut", "cot"]), None, "two could be meant");
    }

    #[test]
    fn only_what_could_be_meant() {
        assert_eq!(nearest("descripton", ["title", "description"]), Some("description"));
        assert_eq!(nearest("opanai", ["openai", "stripe"]), Some("openai"));
        assert_eq!(nearest("xyzzy", ["title", "description"]), None);
    }
}
