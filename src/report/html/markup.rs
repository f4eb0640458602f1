//! HTML that cannot carry anything active: names of elements and attributes are part of the
//! program, every other text is escaped on its one way in, and an address leads to the web or is
//! left out.

use url::Url;

/// A page in the making.
#[derive(Default)]
pub(super) struct Markup {
    out: String,
}

/// Names and values of an element's attributes.
type Attributes<'a> = &'a [(&'static str, &'a str)];

impl Markup {
    /// An element around what `inner` writes.
    pub(super) fn with(&mut self, element: &'static str, attributes: Attributes<'_>, inner: impl FnOnce(&mut Self)) {
        self.begin(element, attributes);
        inner(self);
        self.out.extend(["</", element, ">"]);
        if !is_of_a_line(element) {
            self.out.push('\n');
        }
    }

    /// An element around a text.
    pub(super) fn say(&mut self, element: &'static str, attributes: Attributes<'_>, text: &str) {
        self.with(element, attributes, |page| page.text(text));
    }

    /// An element that has no inside.
    pub(super) fn begin(&mut self, element: &'static str, attributes: Attributes<'_>) {
        self.out.extend(["<", element]);
        for (name, value) in attributes {
            let address;
            let value = match *name {
                "href" | "src" if !value.starts_with('#') => match web(value) {
                    Some(sound) => {
                        address = sound;
                        address.as_str()
                    }
                    None => continue,
                },
                _ => value,
            };
            self.out.extend([" ", name]);
            if !value.is_empty() {
                self.out.push_str("=\"");
                self.text(value);
                self.out.push('"');
            }
        }
        self.out.push('>');
    }

    /// A text as it is.
    pub(super) fn text(&mut self, text: &str) {
        for c in text.chars() {
            match c {
                '&' => self.out.push_str("&amp;"),
                '<' => self.out.push_str("&lt;"),
                '>' => self.out.push_str("&gt;"),
                '"' => self.out.push_str("&quot;"),
                '\'' => self.out.push_str("&#39;"),
                '\n' | '\t' => self.out.push(' '),
                c if c.is_control() => self.out.push('\u{fffd}'),
                c => self.out.push(c),
            }
        }
    }

    /// A text whose words in backticks are names and values.
    pub(super) fn prose(&mut self, text: &str) {
        for (place, part) in text.split('`').enumerate() {
            match part {
                "" => {}
                part if place % 2 == 1 => self.say("code", &[], part),
                part => self.text(part),
            }
        }
    }

    /// What is part of the program, and no text of anybody's.
    pub(super) fn own(&mut self, markup: &'static str) {
        self.out.push_str(markup);
    }

    pub(super) fn into_text(self) -> String {
        self.out
    }
}

/// Elements after which a line goes on.
fn is_of_a_line(element: &str) -> bool {
    matches!(element, "a" | "b" | "bdi" | "code" | "del" | "ins" | "span" | "strong" | "title" | "dt")
}

/// An address of the web, written so that no reader takes it for anything else.
pub(super) fn web(address: &str) -> Option<String> {
    let url = Url::parse(address).ok()?;
    let is_sound = matches!(url.scheme(), "https" | "http") && url.has_host() && url.username().is_empty() && url.password().is_none();
    is_sound.then(|| url.into())
}

/// The address of an image that may be loaded: one that nobody on the way can read or change.
pub(super) fn image(address: &str) -> Option<String> {
    web(address).filter(|address| address.starts_with("https:"))
}

#[cfg(test)]
mod tests {
    use super::{Markup, image, web};

    fn page(write: impl FnOnce(&mut Markup)) -> String {
        let mut page = Markup::default();
        write(&mut page);
        page.into_text()
    }

    #[test]
    fn texts_and_attributes_are_escaped() {
        let hostile = "</p><script>alert('1')</script>\u{0}\"";
        let escaped = "&lt;/p&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;\u{fffd}&quot;";
        assert_eq!(page(|page| page.say("p", &[("title", hostile)], hostile)), format!("<p title=\"{escaped}\">{escaped}</p>\n"));
        assert_eq!(page(|page| page.prose("`<b>` is & `x")), "<code>&lt;b&gt;</code> is &amp; <code>x</code>");
    }

    #[test]
    fn an_address_leads_to_the_web_or_nowhere() {
        for wrong in [
            "javascript:alert(1)",
            "JaVaScRiPt:alert(1)",
            "java\nscript:alert(1)",
            " \u{1}javascript:alert(1)",
            "data:text/html,<script>alert(1)</script>",
            "vbscript:x",
            "file:///etc/passwd",
            "//shop.example/a",
            "/a",
            "",
            "https://",
            "https://user:secret@shop.example/",
            "blob:https://shop.example/1",
        ] {
            assert_eq!(web(wrong), None, "{wrong}");
            assert_eq!(page(|page| page.say("a", &[("href", wrong)], "x")), "<a>x</a>", "{wrong}");
        }
        let quoted = page(|page| page.say("a", &[("href", "https://shop.example/\"onclick=x y")], "x"));
        assert_eq!(quoted, "<a href=\"https://shop.example/%22onclick=x%20y\">x</a>");
        assert_eq!(image("http://shop.example/a.jpg"), None);
        assert_eq!(image("https://shop.example/a.jpg?a=1&b=2").as_deref(), Some("https://shop.example/a.jpg?a=1&b=2"));
    }
}
