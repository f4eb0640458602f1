//! Text that was read in the wrong encoding before it came here.

/// The letters that give it away, where UTF-8 was read as Windows-1252 and written as UTF-8 again:
/// `Ã©` for `é`, `Â°` for `°`, `â€™` for `’`.
///
/// Only what no language writes: a word may end with `Ã` or `Â`, and a blank or a closing
/// quotation mark may follow it.
pub fn find(text: &str) -> Option<&str> {
    memchr::memchr_iter(0xc3, text.as_bytes()).find_map(|at| {
        let mut letters = text.get(at..)?.chars();
        let is_broken = match (letters.next()?, letters.next()?) {
            ('Ã' | 'Â', second) => matches!(second, '\u{a1}'..='\u{bf}' if second != '»'),
            ('â', second) => second == '€',
            _ => false,
        };
        is_broken.then(|| text.get(at..text.len() - letters.as_str().len())).flatten()
    })
}

#[cfg(test)]
mod tests {
    use super::find;

    #[test]
    fn what_no_language_writes() {
        for (text, broken) in [("CafÃ© au lait", "Ã©"), ("20 Â°C", "Â°"), ("the shopâ€™s own", "â€"), ("Größe, then GrÃ¶ÃŸe", "Ã¶")]
        {
            assert_eq!(find(text), Some(broken), "{text}");
        }
        for text in ["Café", "MAÇÃ», «SÃO»", "MAÇÃ\u{a0}", "Âge, ROMÂNIA", "château 5 €", "Ångström", "", "Ã"] {
            assert_eq!(find(text), None, "{text}");
        }
    }

    /// As such texts come about.
    #[test]
    fn letters_of_utf_8_read_as_windows_1252_are_found() {
        for text in ["é", "ü", "ñ", "ß und ö", "°", "©", "½", "’", "“", "–", "€ 5, für"] {
            let (broken, ..) = encoding_rs::WINDOWS_1252.decode(text.as_bytes());
            assert!(find(&broken).is_some(), "{text}: {broken}");
        }
    }
}
