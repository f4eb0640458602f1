//! Which addresses may be fetched: what leads into a private network is refused, so that a
//! redirect or a name cannot turn a catalog's address against the network it is read in.
//!
//! The check is made where names are resolved, and the connection goes to what was checked:
//! a name that changes its mind between two look-ups gains nothing.

use crate::product::network::{is_local_name, is_private};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::net::{IpAddr, SocketAddr};
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

fn number(url: &Url) -> Option<IpAddr> {
    match url.host()? {
        Host::Ipv4(number) => Some(number.into()),
        Host::Ipv6(number) => Some(number.into()),
        Host::Domain(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::check;
    use url::Url;

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
