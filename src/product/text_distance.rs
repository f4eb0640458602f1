//! The nearest known word to a mistyped one.

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

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn only_what_could_be_meant() {
        assert_eq!(nearest("descripton", ["title", "description"]), Some("description"));
        assert_eq!(nearest("opanai", ["openai", "stripe"]), Some("openai"));
        assert_eq!(nearest("xyzzy", ["title", "description"]), None);
    }
}
