//! WordPress shortcodes: tags in square brackets that only the shop's own pages know how to show.
//!
//! Shops write other things in brackets, too. Only known names count, and one that is also a
//! common word counts where attributes or a closing tag show what it is.

use std::sync::LazyLock;

/// The names of tags, with an end that a `*` left open.
static NAMES: LazyLock<Vec<(&str, bool)>> = LazyLock::new(|| {
    let listed = include_str!("../../schemas/shared/shortcodes.txt").lines().filter(|line| !line.starts_with('#'));
    listed.map(|name| name.strip_suffix('*').map_or((name, false), |start| (start, true))).collect()
});

/// A text without the tags of shortcodes; what stands between them stays.
pub fn without(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    let mut rest = value;
    while let Some((before, after)) = rest.split_once('[') {
        out.push_str(before);
        // A doubled bracket is how WordPress writes one that is meant.
        let end = if out.ends_with('[') || after.starts_with('[') { None } else { tag(after, value) };
        match end.and_then(|end| after.get(end..)) {
            Some(behind) => {
                let is_doubled = out.ends_with(' ') && behind.starts_with(' ');
                rest = behind.get(usize::from(is_doubled)..).unwrap_or_default();
            }
            None => {
                out.push('[');
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}

/// Where the tag ends whose bracket was opened just before `text`, if it is one.
fn tag(text: &str, whole: &str) -> Option<usize> {
    let inside = text.strip_prefix('/').unwrap_or(text);
    let is_end = inside.len() != text.len();
    let length = inside.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '-'))?;
    let (name, attributes) = inside.split_at_checked(length)?;
    if !NAMES.iter().any(|(known, open)| name == *known || *open && name.starts_with(known)) {
        return None;
    }
    let mut quote = None;
    let close = attributes.char_indices().find(|(_, c)| match quote {
        Some(open) => {
            quote = quote.filter(|_| *c != open);
            false
        }
        None => {
            quote = Some(*c).filter(|c| matches!(c, '"' | '\''));
            *c == ']'
        }
    });
    let (close, _) = close?;
    let said = attributes.get(..close)?;
    let is_word = !name.contains(['_', '-']) && name != "gallery";
    let is_tag = is_end || said.contains('=') || matches!(said.trim(), "" | "/") && (!is_word || whole.contains(&format!("[/{name}]")));
    is_tag.then_some(text.len() - attributes.len() + close + 1)
}

#[cfg(test)]
mod tests {
    use super::without;

    #[test]
    fn tags_go_and_text_stays() {
        for (written, left) in [
            ("Soft. [gallery ids=\"1,2\"] Warm.", "Soft. Warm."),
            ("[caption id=\"attachment_6\" align='none']<img src=\"a.jpg\"> Front[/caption]", "<img src=\"a.jpg\"> Front"),
            ("[caption]text[/caption]", "text"),
            ("a[gallery]b[vc_row][vc_column_text el=\"]\"]c[/vc_column_text][/vc_row]", "abc"),
            ("[audio mp3=\"a.mp3\"][/audio]x", "x"),
        ] {
            assert_eq!(without(written), left);
        }
    }

    #[test]
    fn other_brackets_stay() {
        for written in [
            "[new] Shirt",
            "Camera [video] and lamp",
            "[[gallery]]",
            "[gallery",
            "[Gallery ids=1] of [products we love]",
            "[/b] [caption is \"open]",
            "a [] [/",
        ] {
            assert_eq!(without(written), written);
        }
    }
}
