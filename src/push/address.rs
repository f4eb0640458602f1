//! Addresses that can be shown: user, password and query stay hidden.

use std::fmt;
use url::Url;

/// An address whose text for people has no secrets in it.
#[derive(Clone, PartialEq, Eq)]
pub struct Address(Url);

impl Address {
    /// Reads an address of a destination: https, or plain http to this machine.
    ///
    /// # Errors
    /// What is wrong, without the address itself, which may hold a password.
    pub fn parse(text: &str) -> Result<Self, String> {
        let url = Url::parse(text).map_err(|error| format!("this is no address: {error}"))?;
        let own = match url.host() {
            Some(url::Host::Domain(name)) => name == "localhost",
            Some(url::Host::Ipv4(address)) => address.is_loopback(),
            Some(url::Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        };
        match url.scheme() {
            "https" => Ok(Self(url)),
            "http" if own => Ok(Self(url)),
            "http" => Err("plain http is only for this machine; use https".to_owned()),
            other => Err(format!("`{other}` is no scheme that is delivered to; use https")),
        }
    }

    /// This address with more path behind it.
    #[must_use]
    pub fn join(&self, path: &str) -> Self {
        let mut url = self.0.clone();
        let joined = format!("{}/{}", url.path().trim_end_matches('/'), path.trim_start_matches('/'));
        url.set_path(&joined);
        Self(url)
    }

    /// This address with a query.
    #[must_use]
    pub fn query(&self, pairs: &[(&str, &str)]) -> Self {
        let mut url = self.0.clone();
        url.query_pairs_mut().extend_pairs(pairs);
        Self(url)
    }

    /// Its path.
    pub(super) fn path(&self) -> &str {
        self.0.path()
    }

    /// The whole address, for the request alone.
    pub(super) fn expose(&self) -> &Url {
        &self.0
    }
}

impl fmt::Display for Address {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}://{}", self.0.scheme(), self.0.host_str().unwrap_or(""))?;
        if let Some(port) = self.0.port() {
            write!(out, ":{port}")?;
        }
        out.write_str(self.0.path())
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::Address;

    #[test]
    fn what_is_shown_has_no_secrets() {
        let address = Address::parse("https://user:canary@host.example:8443/a/b?signature=canary#canary").expect("sound");
        assert_eq!(address.to_string(), "https://host.example:8443/a/b");
        assert_eq!(format!("{:?}", address.join("c")), "https://host.example:8443/a/b/c");
    }

    #[test]
    fn plain_http_is_for_this_machine() {
        assert!(Address::parse("http://127.0.0.1:9/x").is_ok() && Address::parse("http://[::1]/").is_ok());
        for refused in ["http://shop.example/", "http://10.0.0.1/", "ftp://shop.example/", "no address", "http://127.0.0.1.example/"] {
            assert!(Address::parse(refused).is_err(), "{refused}");
        }
    }
}
