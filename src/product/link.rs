//! Web addresses: the check of an absolute http(s) URL, and the repair of a loose one.

use super::network::{is_private, is_private_host};
use super::text::any_byte;
use std::net::Ipv6Addr;

/// Why a text is not an absolute http or https URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkDefect {
    /// No scheme at all: a path, a host without scheme, or plain words.
    Relative,
    /// A scheme other than http or https.
    Scheme,
    /// Nothing stands between the scheme and the path.
    HostMissing,
    /// The host holds characters no host name has.
    Host,
    /// A blank, control character or backslash inside.
    Characters,
    /// A user name or password stands before the host.
    Credentials,
    /// The host is one of a private network.
    Private,
    /// Another address follows, behind a separator of lists.
    Several,
}

/// Whether a byte may not stand in an address as it is.
fn is_barred(b: u8) -> bool {
    (b <= b' ') | (b == 0x7f) | (b == b'\\') | (b == b'<') | (b == b'>') | (b == b'"')
}

/// What an address was probably meant to be that lacks its scheme, or holds a user name or password;
/// nothing for other addresses.
pub fn meant(value: &str) -> Option<String> {
    if let Some((scheme, rest)) = value.split_once("://") {
        let (host, path) = rest.split_once('/').map_or((rest, None), |(host, path)| (host, Some(path)));
        let (_, host) = host.rsplit_once('@')?;
        return Some(path.map_or_else(|| format!("{scheme}://{host}"), |path| format!("{scheme}://{host}/{path}")));
    }
    let (host, path) = value.split_once('/')?;
    let (name, ending) = host.rsplit_once('.')?;
    let is_name = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let is_host = name.split('.').all(is_name) && ending.len() >= 2 && ending.bytes().all(|b| b.is_ascii_alphabetic());
    (is_host && !path.starts_with('/')).then(|| format!("https://{value}"))
}

/// The host that the addresses of a feed mostly share, which is judged once.
#[derive(Debug, Default)]
pub struct KnownHost {
    /// The scheme and host of the last sound address, with the slash behind.
    start: Vec<u8>,
}

impl KnownHost {
    /// The same as [`check`].
    ///
    /// # Errors
    /// Why it is no absolute http or https URL.
    pub fn check(&mut self, text: &str) -> Result<(), LinkDefect> {
        if let Some(path) = text.as_bytes().strip_prefix(self.start.as_slice()).filter(|_| !self.start.is_empty()) {
            return path_of(path);
        }
        check(text)?;
        let bytes = text.as_bytes();
        let path = strip_scheme(bytes).map(|rest| bytes.len() - rest.len() + authority(rest).len());
        self.start.clear();
        if let Some(path) = path.filter(|&path| bytes.get(path) == Some(&b'/')) {
            self.start.extend_from_slice(&bytes[..=path]);
        }
        Ok(())
    }
}

/// A part of an address with its escapes undone.
pub fn decoded(part: &str) -> String {
    // Forms have the same escapes, and a meaning for two characters that stand for themselves here.
    let form = format!("={}", part.replace('+', "%2B").replace('&', "%26"));
    url::form_urlencoded::parse(form.as_bytes()).next().map(|(_, value)| value.into_owned()).unwrap_or_default()
}

/// Judges what follows the host.
fn path_of(path: &[u8]) -> Result<(), LinkDefect> {
    if any_byte(path, is_barred) {
        return Err(LinkDefect::Characters);
    }
    if is_followed(path) { Err(LinkDefect::Several) } else { Ok(()) }
}

/// Whether another address begins behind a comma, semicolon or bar. One that is a part of this
/// one, as those of resized images are, begins behind something else.
fn is_followed(path: &[u8]) -> bool {
    schemes(path).any(|at| {
        let before = path.get(..at).unwrap_or_default();
        let before = before.strip_suffix(b"https").or_else(|| before.strip_suffix(b"http"));
        before.is_some_and(|before| before.ends_with(b",") || before.ends_with(b";") || before.ends_with(b"|"))
    })
}

/// Where `://` stands.
pub(crate) fn schemes(bytes: &[u8]) -> impl Iterator<Item = usize> {
    memchr::memchr_iter(b':', bytes).filter(|at| bytes.get(at + 1..at + 3) == Some(b"//"))
}

/// What stands in front of the path, once the scheme is gone.
fn authority(rest: &[u8]) -> &[u8] {
    let end = rest.iter().position(|b| matches!(b, b'/' | b'?' | b'#')).unwrap_or(rest.len());
    rest.get(..end).unwrap_or_default()
}

/// The host that an http or https address leads to, with its port; nothing of anything else.
pub fn host_of(text: &str) -> Option<&[u8]> {
    strip_scheme(text.as_bytes()).map(authority).filter(|host| !host.is_empty())
}

/// Checks that a text is an absolute http or https URL, at byte speed.
///
/// Everything a feed's consumer would stumble over is judged: scheme, host, port, blanks,
/// control characters, and whether anybody outside can reach the host. Paths and queries are
/// taken as they are (RFC 3986 allows nearly anything there, and shops write it).
pub fn check(text: &str) -> Result<(), LinkDefect> {
    let bytes = text.as_bytes();
    let Some(rest) = strip_scheme(bytes) else {
        let scheme = bytes.iter().position(|b| !(b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.')));
        let other = scheme.is_some_and(|end| end > 0 && bytes.get(end..end + 3) == Some(b"://"));
        return Err(if other { LinkDefect::Scheme } else { LinkDefect::Relative });
    };
    path_of(rest)?;
    let authority = authority(rest);
    if authority.contains(&b'@') {
        return Err(LinkDefect::Credentials);
    }
    host(authority)
}

fn strip_scheme(bytes: &[u8]) -> Option<&[u8]> {
    let is = |scheme: &[u8]| bytes.get(..scheme.len()).is_some_and(|head| head.eq_ignore_ascii_case(scheme));
    let length = if is(b"https://") {
        8
    } else if is(b"http://") {
        7
    } else {
        return None;
    };
    bytes.get(length..)
}

fn host(authority: &[u8]) -> Result<(), LinkDefect> {
    if let Some(number) = authority.strip_prefix(b"[") {
        let number = number.iter().position(|b| *b == b']').and_then(|end| std::str::from_utf8(&number[..end]).ok());
        let number: Ipv6Addr = number.and_then(|number| number.parse().ok()).ok_or(LinkDefect::Host)?;
        return if is_private(number.into()) { Err(LinkDefect::Private) } else { Ok(()) };
    }
    let (name, port) = match authority.iter().rposition(|&b| b == b':') {
        Some(colon) => (&authority[..colon], Some(&authority[colon + 1..])),
        None => (authority, None),
    };
    if name.is_empty() {
        return Err(LinkDefect::HostMissing);
    }
    let sound = name.iter().all(|&b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_') || b >= 0x80)
        && name[0] != b'.'
        && !name.windows(2).any(|pair| pair == b"..")
        && port.is_none_or(is_port);
    match std::str::from_utf8(name) {
        Ok(name) if sound && is_private_host(name) => Err(LinkDefect::Private),
        Ok(_) if sound => Ok(()),
        _ => Err(LinkDefect::Host),
    }
}

/// Whether a port can be one; none need be named behind the colon.
fn is_port(port: &[u8]) -> bool {
    let number = std::str::from_utf8(port).ok().and_then(|port| port.parse::<u16>().ok());
    port.len() <= 5 && port.iter().all(u8::is_ascii_digit) && (port.is_empty() || number.is_some())
}

/// A loose address made absolute, where that needs no guess.
///
/// `//cdn.example/x` becomes https; a path is joined to `base` where one is known, and so is an
/// address that only lacks the scheme in front of the base's host; blanks and other characters
/// that may not stand in a URL are percent-encoded. `None` means that nothing had to be changed or
/// nothing could be.
pub fn repair(text: &str, base: Option<&url::Url>) -> Option<String> {
    let trimmed = text.trim_matches(|c: char| c.is_whitespace() || c == '\u{a0}');
    if trimmed.is_empty() {
        return None;
    }
    let mut out = if let Some(rest) = trimmed.strip_prefix("//") {
        format!("https://{rest}")
    } else if strip_scheme(trimmed.as_bytes()).is_none() {
        let head = trimmed.split(['/', '?', '#']).next().unwrap_or_default();
        match base {
            Some(base) if base.host_str().is_some_and(|host| same_site(host, head)) => format!("{}://{trimmed}", base.scheme()),
            Some(base) if !head.contains(':') && !is_host(head, trimmed) => base.join(trimmed).ok()?.into(),
            _ => trimmed.to_owned(),
        }
    } else {
        trimmed.to_owned()
    };
    if out.bytes().any(|b| b >= 0x80 || is_barred(b)) {
        out = encode(&out);
    }
    (out != text).then_some(out)
}

/// Whether an address without a scheme begins with a host, so that it is no path of another one:
/// `www.shop.example`, `cdn.example/x`; but not `main.jpg` or `v1.2/main.jpg`.
fn is_host(head: &str, address: &str) -> bool {
    let is_name = head
        .rsplit_once('.')
        .is_some_and(|(front, last)| !front.is_empty() && last.len() > 1 && last.bytes().all(|byte| byte.is_ascii_alphabetic()));
    is_name && (head.len() < address.len() || head.get(..4).is_some_and(|www| www.eq_ignore_ascii_case("www.")))
}

/// Whether both are the same host, `www.` aside.
fn same_site(host: &str, head: &str) -> bool {
    let bare = |host: &str| host.to_ascii_lowercase().trim_start_matches("www.").to_owned();
    head.contains('.') && bare(host) == bare(head)
}

/// Percent-encodes what may not stand in a URL; the host is left alone.
fn encode(text: &str) -> String {
    use std::fmt::Write;
    let path = text.find("://").map_or(0, |scheme| scheme + 3);
    let path = text.bytes().skip(path).position(|b| matches!(b, b'/' | b'?' | b'#')).map_or(text.len(), |at| path + at);
    let mut out = String::with_capacity(text.len() + 16);
    for (place, byte) in text.bytes().enumerate() {
        if place >= path && (byte >= 0x80 || is_barred(byte)) {
            write!(out, "%{byte:02X}").unwrap_or_default();
        } else if byte < 0x80 {
            out.push(char::from(byte));
        } else {
            // A host outside ASCII cannot be written bytewise; leave the whole address as it came.
            return text.to_owned();
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{LinkDefect, check, meant, repair};
    use proptest::prelude::*;

    #[test]
    fn addresses_that_lack_a_scheme_or_say_too_much() {
        assert_eq!(meant("www.shop.example/p?a=1").as_deref(), Some("https://www.shop.example/p?a=1"));
        assert_eq!(meant("https://me:secret@shop.example/p/@x").as_deref(), Some("https://shop.example/p/@x"));
        assert_eq!(meant("http://me@shop.example").as_deref(), Some("http://shop.example"));
        for other in [
            "https://shop.example/@x",
            "/p",
            "image.jpg",
            "images/a.jpg",
            "shop.example",
            "a b.example/p",
            "..example/p",
            "10.0.0.1/p",
            "ask us",
        ] {
            assert_eq!(meant(other), None, "{other}");
        }
    }

    #[test]
    fn what_is_absolute() {
        for good in [
            "https://example.com",
            "http://a.b/c?d=e#f",
            "HTTPS://Example.com:8443/",
            "https://bücher.example/ü",
            "https://[2606:4700::1111]:8443/x",
            "https://images.example/w_100,h_50/https://a.example/1.jpg",
            "https://a.example/go?to=https://b.example/;x",
        ] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        for (bad, defect) in [
            ("/i/main.jpg", LinkDefect::Relative),
            ("www.example.com/x", LinkDefect::Relative),
            ("", LinkDefect::Relative),
            ("//cdn.example/x", LinkDefect::Relative),
            ("ftp://example.com/x", LinkDefect::Scheme),
            ("https:///main.jpg", LinkDefect::HostMissing),
            ("https://exa mple.com/", LinkDefect::Characters),
            ("https://example.com/our products/", LinkDefect::Characters),
            ("https://u:p@example.com/", LinkDefect::Credentials),
            ("https://exa$mple.com/", LinkDefect::Host),
            ("https://example.com:80x/", LinkDefect::Host),
            ("https://example.com:65536/", LinkDefect::Host),
            ("http://localhost:8000/media/a.jpg", LinkDefect::Private),
            ("http://192.168.0.10/a.jpg", LinkDefect::Private),
            ("https://[::1]/x", LinkDefect::Private),
            ("https://[fd00::1]:8443/x", LinkDefect::Private),
            ("https://[cafe]/x", LinkDefect::Host),
            ("https://[2606:4700::1111/x", LinkDefect::Host),
            ("https://a.example/1.jpg,https://a.example/2.jpg", LinkDefect::Several),
            ("https://a.example/1.jpg;http://a.example/2.jpg", LinkDefect::Several),
            ("https://a.example/1.jpg|https://a.example/2.jpg", LinkDefect::Several),
        ] {
            assert_eq!(check(bad), Err(defect), "{bad}");
        }
    }

    #[test]
    fn repairs_without_guessing() {
        let base = url::Url::parse("https://shop.example/de/").expect("valid");
        assert_eq!(repair("//cdn.example/a b.jpg", None).as_deref(), Some("https://cdn.example/a%20b.jpg"));
        assert_eq!(repair("/products/x", Some(&base)).as_deref(), Some("https://shop.example/products/x"));
        assert_eq!(repair("/products/x", None), None);
        assert_eq!(repair("main.jpg", Some(&base)).as_deref(), Some("https://shop.example/de/main.jpg"));
        assert_eq!(repair("v1.2/main.jpg", Some(&base)).as_deref(), Some("https://shop.example/de/v1.2/main.jpg"));
        // The shop's own host, only without its scheme; another one is no path of the shop's.
        assert_eq!(repair("www.shop.example/products/x", Some(&base)).as_deref(), Some("https://www.shop.example/products/x"));
        assert_eq!(repair("Shop.example", Some(&base)).as_deref(), Some("https://Shop.example"));
        assert_eq!(repair("www.other.example/x", Some(&base)), None);
        assert_eq!(repair("cdn.other.example/x.jpg", Some(&base)), None);
        assert_eq!(repair("www.other.example", Some(&base)), None);
        assert_eq!(repair("https://a.example/ü", None).as_deref(), Some("https://a.example/%C3%BC"));
        assert_eq!(repair("https://a.example/x?y=1,2", None), None);
        assert_eq!(repair("mailto:x@y.example", Some(&base)), None);
        assert_eq!(repair(" https://a.example/ ", None).as_deref(), Some("https://a.example/"));
    }

    proptest! {
        #[test]
        fn repairing_twice_changes_nothing(text in "(https?:)?//?[a-z. é/?%]{0,20}") {
            if let Some(once) = repair(&text, None) {
                prop_assert_eq!(repair(&once, None), None);
            }
        }
    }
}
