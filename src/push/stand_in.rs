//! Where a delivery goes that is only rehearsed: every way in keeps its own words and is pointed
//! at a sandbox on this machine, with credentials made for the rehearsal. What lets us in at the
//! real place is not even read.

use super::Poll;
use super::retry::Policy;
use super::settings::Deliver;
use crate::product::link::decoded;
use crate::secret::SecretRef;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Where a rehearsal against a local stand-in goes.
#[derive(Clone, Debug)]
pub struct StandIn {
    /// The sandbox, for ways in that it speaks.
    pub address: SocketAddr,
    /// Its SFTP server.
    pub sftp: Option<Door>,
    /// A folder, for files that go elsewhere.
    pub folder: PathBuf,
}

/// An SFTP server of a rehearsal.
#[derive(Clone, Debug)]
pub struct Door {
    /// Where it is.
    pub address: SocketAddr,
    /// The fingerprint of its key.
    pub host_key: String,
    /// The password of this rehearsal.
    pub password: String,
}

impl Deliver {
    /// Points the delivery of a feed of `spec` at a stand-in on this machine, with a made-up credential.
    pub fn divert(&mut self, target: &str, spec: &str, to: &StandIn) {
        let (login, bucket) = (self.login(), self.bucket());
        let base = |path: &str| toml::Value::String(format!("http://{}{path}", to.address));
        let made_up = |value: &str| {
            toml::Value::Table(toml::Table::from_iter([("command".to_owned(), toml::Value::Array(vec!["echo".into(), value.into()]))]))
        };
        let own = &mut self.own;
        if let Some(uploads) = &mut self.common.uploads {
            uploads.divert(format!("http://{}/openai-ads/v1", to.address), SecretRef::command(["echo", "sandbox"]));
        }
        match self.way {
            "sftp" if to.sftp.is_some() => {
                for key in ["key_file", "passphrase", "known_hosts"] {
                    drop(own.remove(key));
                }
                // An address that is none is left for the way in to complain about.
                if let (Some((user, folder)), Some(door)) = (login, &to.sftp) {
                    own.insert("sftp".to_owned(), sftp_address(door.address, &user, &folder).into());
                    own.insert("password".to_owned(), made_up(&door.password));
                    own.insert("host_key".to_owned(), door.host_key.as_str().into());
                }
            }
            "https" => {
                let uploads = self.common.uploads.as_ref().map(|uploads| format!("?uploads={}", uploads.feed())).unwrap_or_default();
                own.insert("https".to_owned(), base(&format!("/https/{spec}{uploads}")));
                own.insert("accepted".to_owned(), "/status=accepted".into());
                if own.contains_key("token") {
                    own.insert("token".to_owned(), made_up("sandbox"));
                }
                let headers = own.get_mut("headers").and_then(toml::Value::as_table_mut);
                for (_, header) in headers.into_iter().flatten().filter(|(_, header)| header.is_table()) {
                    *header = made_up("sandbox");
                }
            }
            "stripe" => {
                own.insert("api_base".to_owned(), base("/stripe"));
                own.insert("files_base".to_owned(), base("/stripe-files"));
                own.insert("mode".to_owned(), "test".into());
                own.insert("key".to_owned(), made_up("sk_test_sandbox"));
            }
            "acp" => {
                own.insert("acp".to_owned(), base("/acp"));
                own.insert("key".to_owned(), made_up("sandbox"));
            }
            "product_feeds" => {
                own.insert("product_feeds".to_owned(), base("/openai"));
                own.insert("key".to_owned(), made_up("sandbox"));
            }
            "ads" => {
                own.insert("ads".to_owned(), base("/openai-ads/v1"));
                own.insert("key".to_owned(), made_up("sandbox"));
            }
            "object" if cfg!(feature = "object-store") => {
                let place = bucket.unwrap_or_default();
                let endpoint = base("/s3");
                let options = [("region", "sandbox".into()), ("endpoint", endpoint), ("access_key_id", "sandbox".into())];
                own.insert("object".to_owned(), format!("s3://{place}").into());
                own.insert(
                    "options".to_owned(),
                    options.map(|(name, value)| (name.to_owned(), value)).into_iter().collect::<toml::Table>().into(),
                );
                own.insert("secrets".to_owned(), toml::Table::from_iter([("secret_access_key".to_owned(), made_up("sandbox"))]).into());
            }
            // A folder of the rehearsal; so it is for files that the sandbox has no door for.
            _ => {
                self.way = "folder";
                let folder = to.folder.join(target).to_string_lossy().into_owned();
                let prefix = own.remove("prefix").map(|prefix| ("prefix".to_owned(), prefix));
                self.own = [("folder".to_owned(), folder.into())].into_iter().chain(prefix).collect();
            }
        }
        self.common.poll = Poll { first_ms: 20, most_ms: 200, total_s: 60 };
        self.common.retry = Policy { base_ms: 20, cap_ms: 200, ..self.common.retry };
    }

    /// The feed of the Ads API whose uploads are watched, and whether the files for it go into a folder.
    pub fn uploads(&self) -> Option<(&str, bool)> {
        Some((self.common.uploads.as_ref()?.feed(), self.way == "folder"))
    }

    /// Who a rehearsal is at the stand-in's SFTP server, one for each login that the settings
    /// name, and in which folder it works.
    pub fn login(&self) -> Option<(String, String)> {
        let url = url::Url::parse(self.own.get("sftp").filter(|_| self.way == "sftp")?.as_str()?).ok()?;
        let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
        Some((format!("{}@{}{port}", decoded(url.username()), url.host_str()?), decoded(url.path())))
    }

    /// The bucket and the folder in it that the settings name; every store is rehearsed as one
    /// that speaks like S3.
    pub fn bucket(&self) -> Option<String> {
        let url = url::Url::parse(self.own.get("object").filter(|_| self.way == "object")?.as_str()?).ok()?;
        Some(format!("{}{}", url.host_str()?, url.path().trim_end_matches('/')))
    }
}

/// The address of somebody's folder at an SFTP server.
fn sftp_address(server: SocketAddr, user: &str, folder: &str) -> String {
    let Ok(mut url) = url::Url::parse(&format!("sftp://{server}/")) else { return String::new() };
    url.set_path(folder);
    // It has a host, so it can have a user.
    url.set_username(user).unwrap_or_default();
    url.into()
}

#[cfg(test)]
mod tests {
    use super::{Door, StandIn};
    use crate::push::settings::Deliver;

    fn table(text: &str) -> toml::Table {
        text.parse().expect("TOML")
    }

    #[test]
    fn a_rehearsal_takes_nothing_of_what_lets_us_in() {
        let door = Door { address: ([127, 0, 0, 1], 2222).into(), host_key: "SHA256:sandbox".to_owned(), password: "made-up".to_owned() };
        let to = StandIn { address: ([127, 0, 0, 1], 8080).into(), sftp: Some(door), folder: "rehearsal".into() };
        let diverted = |text: &str| {
            let mut deliver = Deliver::read("t", &table(text)).expect("sound");
            deliver.divert("t", "openai@2026-09", &to);
            (deliver.way, toml::to_string(&deliver.own).expect("TOML"))
        };
        let (way, own) = diverted(
            "sftp = \"sftp://me%40shop@sftp.example:2022/new%20feeds/\"\nkey_file = \"REAL\"\npassphrase = { env = \"REAL\" }\n\
             known_hosts = \"REAL\"\nprefix = \"acme-\"",
        );
        assert!(way == "sftp" && !own.contains("REAL") && own.contains("acme-") && own.contains("SHA256:sandbox"), "{own}");
        assert!(own.contains("sftp://me%40shop%40sftp.example%3A2022@127.0.0.1:2222/new%20feeds/"), "{own}");
        let (way, own) = diverted(
            "https = \"https://REAL.example/{file}?REAL\"\ntoken = { env = \"REAL\" }\nheaders = { x-key = { env = \"REAL\" }, x-shop = \"7\" }",
        );
        assert!(way == "https" && !own.contains("REAL") && own.contains("x-shop = \"7\""), "{own}");
        assert!(own.contains("http://127.0.0.1:8080/https/openai@2026-09"), "{own}");
        let (way, own) = diverted("object = \"gs://shop/feeds\"\nprefix = \"acme-\"\nsecrets = { secret_access_key = { env = \"REAL\" } }");
        assert!(!own.contains("{ env") && own.contains("acme-"), "{own}");
        assert_eq!(way, if cfg!(feature = "object-store") { "object" } else { "folder" });
        assert!(way == "folder" || own.contains("s3://shop/feeds") && own.contains("http://127.0.0.1:8080/s3"), "{own}");
    }
}
