//! Where a delivery goes, as its settings say: what can be asked whether it is there before
//! anything is sent.

use super::address::Address;
use super::settings::Deliver;
use super::stripe::{api_base, files_base};
use std::path::{Path, PathBuf};

/// A place that a delivery leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A server that speaks HTTP.
    Web(Address),
    /// A server that speaks SSH.
    Ssh {
        /// Its name or number.
        host: String,
        /// Its port.
        port: u16,
    },
    /// A folder of this machine.
    Folder(PathBuf),
}

impl std::fmt::Display for Place {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            // The path may be known to the two sides alone.
            Self::Web(address) => out.write_str(&address.expose().origin().ascii_serialization()),
            Self::Ssh { host, port } => write!(out, "{host}, port {port}"),
            Self::Folder(folder) => write!(out, "{}", folder.display()),
        }
    }
}

impl Deliver {
    /// The places that a delivery leads to. What cannot be read is none: making the destination
    /// says what is wrong with it.
    pub fn places(&self, home: &Path) -> Vec<Place> {
        let word = |name: &str| self.own.get(name).and_then(toml::Value::as_str);
        let web = |text: &str| Address::parse(text).ok().map(Place::Web);
        let mut places: Vec<Place> = match self.way {
            "stripe" => {
                let mut places = vec![web(word("api_base").unwrap_or(&api_base()))];
                if word("stripe") == Some("v1") {
                    places.push(web(word("files_base").unwrap_or(&files_base())));
                }
                places.into_iter().flatten().collect()
            }
            "sftp" => word("sftp").and_then(ssh).into_iter().collect(),
            "folder" => word("folder").map(|folder| Place::Folder(home.join(folder))).into_iter().collect(),
            "object" => {
                // Where a store is follows from its kind and region, unless an address is given.
                let options = self.own.get("options").and_then(toml::Value::as_table).into_iter().flatten();
                options.filter_map(|(_, value)| value.as_str()).filter(|value| value.contains("://")).filter_map(web).collect()
            }
            way => word(way).and_then(web).into_iter().collect(),
        };
        places.extend(self.common.uploads.as_ref().and_then(|uploads| web(uploads.address())));
        places
    }
}

fn ssh(text: &str) -> Option<Place> {
    let url = url::Url::parse(text).ok().filter(|url| url.scheme() == "sftp")?;
    let host = url.host_str()?.trim_start_matches('[').trim_end_matches(']').to_owned();
    Some(Place::Ssh { host, port: url.port().unwrap_or(22) })
}

#[cfg(test)]
mod tests {
    use crate::push::settings::Deliver;
    use std::path::Path;

    fn places(text: &str) -> Vec<String> {
        let table: toml::Table = text.parse().expect("TOML");
        let deliver = Deliver::read("t", &table).expect("sound");
        deliver.places(Path::new("/home")).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn every_way_in_leads_somewhere_and_shows_no_secret() {
        assert_eq!(places("stripe = \"v2\"\nmode = \"test\""), ["https://api.stripe.com"]);
        assert_eq!(places("stripe = \"v1\"\napi_base = \"http://127.0.0.1:9\""), ["http://127.0.0.1:9", "https://files.stripe.com"]);
        assert_eq!(places("acp = \"https://agent.example/v1\""), ["https://agent.example"]);
        assert_eq!(places("https = \"https://me:canary@agent.example/in/{file}?key=canary\""), ["https://agent.example"]);
        assert_eq!(places("sftp = \"sftp://me@[::1]:2222/feeds/\""), ["::1, port 2222"]);
        assert_eq!(places("folder = \"web\""), ["/home/web"]);
        assert_eq!(
            places("object = \"s3://bucket\"\noptions = { region = \"eu\", endpoint = \"https://store.example\" }"),
            ["https://store.example"]
        );
        assert!(places("object = \"s3://bucket\"").is_empty() && places("acp = \"http://agent.example\"").is_empty());
    }
}
