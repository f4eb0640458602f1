//! Which addresses may be fetched: what leads into a private network is refused, so that a
//! redirect or a name cannot turn a catalog's address against the network it is read in.
//!
//! The check is made where names are resolved, and the connection goes to what was checked:
//! a name that changes its mind between two look-ups gains nothing.

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use url::{Host, Url};

const REFUSED: &str = "the address leads into a private network or to this machine, which is refused; if that is meant, \
    name it yourself with `--allow-private` (or `allow_private = true` under [source]): no server may lead there";

/// Looks names up, and keeps what may be connected to.
#[derive(Debug)]
pub(super) struct Checked {
    /// The one host that may be private: the one that was named, where that is allowed.
    pub(super) allowed: Option<String>,
}

impl Resolve for Checked {
    fn resolve(&self, name: Name) -> Resolving {
        let allow_private = self.allowed.as_deref() == Some(name.as_str());
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let any = !found.is_empty();
            let kept: Vec<SocketAddr> = found.into_iter().filter(|address| allow_private || !is_private(address.ip())).collect();
            if any && kept.is_empty() {
                return Err(REFUSED.into());
            }
            Ok(Box::new(kept.into_iter()) as Addrs)
        })
    }
}

/// Checks an address before it is asked; one that names a number is never looked up. `allowed`
/// is the one host that may be private.
pub(super) fn check(url: &Url, allowed: Option<&str>) -> Result<(), String> {
    if !matches!(url.scheme(), "http" | "https") {
        return Err(format!("`{}` is no scheme that is fetched; use https", url.scheme()));
    }
    let number = number(url);
    let allow_private = allowed.is_some() && allowed == url.host_str();
    if !allow_private && (number.is_some_and(is_private) || url.host_str().is_some_and(is_local_name)) {
        return Err(REFUSED.to_owned());
    }
    Ok(())
}

/// Whether the address is one of this machine, so that nobody can listen on the way.
pub(super) fn is_this_machine(url: &Url) -> bool {
    number(url).is_some_and(|number| number.is_loopback()) || url.host_str().is_some_and(is_local_name)
}

fn is_local_name(host: &str) -> bool {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    host == "localhost" || host.ends_with(".localhost")
}

fn number(url: &Url) -> Option<IpAddr> {
    match url.host()? {
        Host::Ipv4(number) => Some(number.into()),
        Host::Ipv6(number) => Some(number.into()),
        Host::Domain(_) => None,
    }
}

/// Whether a number is not one of the public internet.
fn is_private(number: IpAddr) -> bool {
    match number {
        IpAddr::V4(number) => is_private_v4(number),
        IpAddr::V6(number) => is_private_v6(number),
    }
}

fn is_private_v4(number: Ipv4Addr) -> bool {
    let [a, b, c, _] = number.octets();
    number.is_private()
        || number.is_loopback()
        || number.is_link_local()
        || number.is_multicast()
        || number.is_documentation()
        || a == 0
        || a >= 240
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 198 && (18..20).contains(&b))
}

fn is_private_v6(number: Ipv6Addr) -> bool {
    let parts = number.segments();
    let embedded = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    match parts {
        // IPv4 in IPv6 clothes: mapped, compatible, NAT64, 6to4.
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => is_private_v4(embedded(high, low)),
        [0x2002, high, low, ..] => is_private_v4(embedded(high, low)),
        // Only this eighth of all addresses is handed out to the public.
        [first, ..] => first & 0xe000 != 0x2000 || (first == 0x2001 && parts[1] == 0xdb8),
    }
}

#[cfg(test)]
mod tests {
    use super::{check, is_private};
    use url::Url;

    #[test]
    fn numbers_of_private_networks() {
        for number in [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "224.0.0.1",
            "255.255.255.255",
            "198.18.0.1",
            "::1",
            "::",
            "fc00::1",
            "fd12::1",
            "fe80::1",
            "ff02::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "64:ff9b:1::1",
        ] {
            assert!(is_private(number.parse().expect("a number")), "{number}");
        }
        for number in ["8.8.8.8", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "64:ff9b::808:808", "::ffff:8.8.8.8"] {
            assert!(!is_private(number.parse().expect("a number")), "{number}");
        }
    }

    #[test]
    fn every_spelling_is_seen_through() {
        for address in [
            "http://127.0.0.1/",
            "http://2130706433/",
            "http://0x7f.1/",
            "http://[::1]/",
            "http://localhost/",
            "http://LOCALHOST./x",
            "http://a.localhost/",
            "file:///etc/passwd",
            "ftp://shop.example/x",
            "http://0177.0.0.1/",
        ] {
            assert!(check(&Url::parse(address).expect("an address"), None).is_err(), "{address}");
        }
        assert!(check(&Url::parse("https://shop.example/feed.xml").expect("an address"), None).is_ok());
        let inner = Url::parse("http://127.0.0.1/").expect("an address");
        assert!(check(&inner, Some("127.0.0.1")).is_ok() && check(&inner, Some("shop.example")).is_err());
    }
}
