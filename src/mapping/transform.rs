//! Named transforms: what `clean = [...]` may say.

use crate::product::{html, text};

/// A named transform.
#[derive(Debug)]
pub struct Transform {
    /// Its name.
    pub name: &'static str,
    /// What it does.
    pub doc: &'static str,
    /// Does it.
    pub apply: fn(&str) -> String,
}

/// The table of transforms.
pub static TRANSFORMS: &[Transform] = &[
    Transform { name: "html", doc: "turns HTML into plain text", apply: html::from_html },
    Transform { name: "whitespace", doc: "folds blanks and line breaks to single blanks", apply: text::one_line },
    Transform { name: "trim", doc: "removes blanks around the value", apply: |value| text::trim(value).to_owned() },
    Transform { name: "lower", doc: "writes everything in lower case", apply: str::to_lowercase },
    Transform { name: "upper", doc: "writes everything in capitals", apply: str::to_uppercase },
    Transform { name: "digits", doc: "keeps digits only", apply: |value| value.chars().filter(char::is_ascii_digit).collect() },
    Transform { name: "first-line", doc: "keeps the first line", apply: |value| value.lines().next().unwrap_or("").to_owned() },
    Transform {
        name: "literal-newlines",
        doc: "turns a backslash and an `n` into a line break",
        apply: |value| value.replace("\\r\\n", "\n").replace("\\n", "\n"),
    },
    Transform { name: "slug", doc: "lower case, anything but letters and digits as single hyphens", apply: slug },
];

/// The transform of a name.
pub fn find(name: &str) -> Option<&'static Transform> {
    TRANSFORMS.iter().find(|transform| transform.name == name)
}

/// Lower case; anything but letters and digits becomes single hyphens, none at the ends.
pub fn slug(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for c in value.chars() {
        if c.is_alphanumeric() {
            out.extend(c.to_lowercase());
        } else if !out.ends_with('-') && !out.is_empty() {
            out.push('-');
        }
    }
    out.trim_end_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::{find, slug};

    #[test]
    fn slugs() {
        assert_eq!(slug("  Black / Size 10! "), "black-size-10");
        assert_eq!(slug("Größe"), "größe");
        assert_eq!((find("digits").expect("listed").apply)("12-34 a"), "1234");
    }
}
