//! The `Stripe-Version` header: which versions are written how, and what each can do.

/// A version: a date, a release name or `preview`, and what was asked for beside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Version {
    date: String,
    preview: bool,
    beta: bool,
}

impl Version {
    /// Reads a header such as `2026-06-24.dahlia` or `2025-09-30.clover;udap_beta=v1`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (version, beta) = text.split_once(';').map_or((text, None), |(version, beta)| (version, Some(beta.trim())));
        let (date, name) = version.trim().split_once('.')?;
        date.parse::<jiff::civil::Date>().ok()?;
        let sound = date.len() == 10 && !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase());
        sound.then(|| Self { date: date.to_owned(), preview: name == "preview", beta: beta == Some("udap_beta=v1") })
    }

    /// Whether product catalog imports are there.
    pub(super) fn has_imports(&self) -> bool {
        self.date.as_str() >= "2026-04-22"
    }

    /// Whether an import says its mode and promotions can be imported.
    pub(super) fn has_promotions(&self) -> bool {
        self.date.as_str() >= "2026-06-24"
    }

    /// Whether import sets are there: as a preview, private or public.
    pub(super) fn has_import_sets(&self) -> bool {
        self.beta && self.date.as_str() >= "2025-09-30" || self.preview && self.date.as_str() >= "2025-12-15"
    }
}

#[cfg(test)]
mod tests {
    use super::Version;

    #[test]
    fn versions_can_what_the_documents_say() {
        for (text, imports, promotions, sets) in [
            ("2025-09-30.clover;udap_beta=v1", false, false, true),
            ("2025-09-30.clover", false, false, false),
            ("2025-12-15.preview", false, false, true),
            ("2026-04-22.preview", true, false, true),
            ("2026-04-22.dahlia", true, false, false),
            ("2026-05-27.dahlia", true, false, false),
            ("2026-06-24.dahlia", true, true, false),
            ("2026-09-30.preview", true, true, true),
        ] {
            let version = Version::parse(text).expect(text);
            assert_eq!((version.has_imports(), version.has_promotions(), version.has_import_sets()), (imports, promotions, sets), "{text}");
        }
        for text in ["", "2026-06-24", "2026-13-01.dahlia", "26-6-24.dahlia", "latest"] {
            assert_eq!(Version::parse(text), None, "{text}");
        }
    }
}
