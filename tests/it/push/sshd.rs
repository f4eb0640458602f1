//! OpenSSH's own server, with keys and a port of its own, and a project that is pushed to it.

use super::relay::Relay;
use super::stand::items;
use crate::support::{Folder, Run};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// What serves the files.
#[derive(Clone, Copy, Default)]
pub(crate) enum Serves {
    /// The server itself, with these options, such as requests that it refuses.
    Itself(&'static str),
    /// The same, where no file may become larger than so many blocks of 512 bytes.
    Limited(u32),
    /// A relay to `sftp-server`.
    #[default]
    Relay,
}

pub(crate) struct Server {
    pub(crate) folder: Folder,
    pub(crate) relay: Relay,
    child: Option<Child>,
    serves: Serves,
    port: u16,
}

pub(crate) fn tool(name: &str) -> Option<PathBuf> {
    ["/usr/sbin", "/usr/bin", "/usr/local/sbin", "/usr/local/bin", "/usr/lib/openssh", "/usr/libexec/openssh", "/usr/libexec"]
        .iter()
        .map(|folder| Path::new(folder).join(name))
        .find(|path| path.is_file())
}

fn succeeds(command: &mut Command) -> String {
    let output = command.output().expect("the tool starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

/// Makes a key of a kind, with a passphrase or an empty one.
pub(crate) fn make_key(folder: &Folder, name: &str, kind: &[&str], passphrase: &str) -> Option<()> {
    let path = folder.path(name).display().to_string();
    succeeds(Command::new(tool("ssh-keygen")?).args(["-q", "-N", passphrase, "-f", &path]).args(kind));
    Some(())
}

impl Server {
    /// A server, or nothing where none is installed; `tests/run` installs it.
    pub(crate) fn start(serves: Serves) -> Option<Self> {
        let folder = Folder::new();
        let path = |name: &str| folder.path(name).display().to_string();
        for name in ["host", "client"] {
            make_key(&folder, name, &["-t", "ed25519"], "")?;
        }
        folder.write("authorized_keys", folder.read("client.pub"));
        std::fs::create_dir(folder.path("incoming")).expect("a folder");
        // The server wants this folder, which the system makes at its start.
        std::fs::create_dir_all("/run/sshd").unwrap_or_default();
        let relay = Relay::start(tool("sftp-server")?, folder.path("incoming"));
        let port = std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port").port();
        let command = match serves {
            Serves::Itself(options) => format!("ForceCommand internal-sftp -d {} {options}", path("incoming")),
            Serves::Limited(_) => format!("ForceCommand internal-sftp -d {}", path("incoming")),
            Serves::Relay => format!("ForceCommand /bin/bash {}", path("relay.sh")),
        };
        // Whichever side ends first takes the other with it.
        let script = format!(
            "exec 3<>/dev/tcp/127.0.0.1/{} 4<&0\ncat <&4 >&3 &\ncat <&3 &\nwait -n\nkill $(jobs -p) 2>/dev/null\nexit 0\n",
            relay.port
        );
        folder.write("relay.sh", script);
        folder.write(
            "sshd_config",
            format!(
                "Port {port}\nListenAddress 127.0.0.1\nHostKey {}\nPidFile {}\nAuthorizedKeysFile {}\nStrictModes no\nUsePAM no\n\
                 PasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin prohibit-password\n\
                 Subsystem sftp internal-sftp\n{command}\nLogLevel VERBOSE\n",
                path("host"),
                path("sshd.pid"),
                path("authorized_keys"),
            ),
        );
        folder.write("sshd.log", "");
        let mut server = Self { folder, relay, child: None, serves, port };
        server.begin();
        server.catalog(20, 30);
        Some(server)
    }

    /// Starts it, again if it died.
    pub(crate) fn begin(&mut self) {
        let sshd = tool("sshd").expect("installed beside its tools");
        let log = std::fs::OpenOptions::new().append(true).open(self.folder.path("sshd.log")).expect("a log");
        let config = self.folder.path("sshd_config").display().to_string();
        let mut command = match self.serves {
            Serves::Limited(blocks) => {
                let mut command = Command::new("sh");
                let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$@\"");
                command.args(["-c", &script, "sh"]).arg(sshd);
                command
            }
            _ => Command::new(sshd),
        };
        command.args(["-D", "-e", "-f", &config]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        let mut child = command.spawn().expect("the server starts");
        while std::net::TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(child.try_wait().expect("a child").is_none(), "{}", self.folder.read("sshd.log"));
            std::thread::yield_now();
        }
        self.relay.watch(child.id());
        self.child = Some(child);
    }

    /// Starts it again with something else in its settings.
    pub(crate) fn change(&mut self, from: &str, to: &str) {
        self.end();
        let settings = self.folder.read("sshd_config");
        assert!(settings.contains(from), "{settings}");
        self.folder.write("sshd_config", settings.replace(from, to));
        self.begin();
    }

    /// Ends it.
    pub(crate) fn end(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap_or_default();
            child.wait().expect("ended");
        }
    }

    /// A catalog of so many items, whose descriptions have so many letters.
    pub(crate) fn catalog(&self, count: usize, letters: usize) {
        self.folder.write("catalog.csv", sound_catalog(count, letters));
    }

    /// Its address for who we are.
    pub(crate) fn address(&self) -> String {
        let user = succeeds(Command::new("id").arg("-un"));
        format!("sftp://{}@127.0.0.1:{}/", user.trim(), self.port)
    }

    /// The project, with these keys of `deliver` besides the address.
    pub(crate) fn project(&self, keys: &str) {
        let retry = if keys.contains("retry =") { "" } else { ", retry = { base_ms = 0, attempts = 2 }" };
        let text = format!(
            "[source]\npath = \"catalog.csv\"\n[[target]]\nname = \"chat\"\nspec = \"openai\"\nformat = \"jsonl\"\n\
             deliver = {{ sftp = \"{}\", {keys}{retry} }}\n",
            self.address()
        );
        self.folder.write("feedmill.toml", text);
    }

    /// The keys by which the server lets us in, and we it.
    pub(crate) fn keys(&self) -> String {
        format!("key_file = \"client\", host_key = \"{}\"", self.fingerprint())
    }

    pub(crate) fn fingerprint(&self) -> String {
        self.fingerprint_of("host.pub")
    }

    pub(crate) fn fingerprint_of(&self, key: &str) -> String {
        let line =
            succeeds(Command::new(tool("ssh-keygen").expect("installed")).args(["-lf", &self.folder.path(key).display().to_string()]));
        line.split_whitespace().nth(1).expect("a fingerprint").to_owned()
    }

    /// A line of known hosts with a key from a file.
    pub(crate) fn known(&self, key: &str) -> String {
        let text = self.folder.read(key);
        let key: Vec<&str> = text.split_whitespace().take(2).collect();
        format!("[127.0.0.1]:{} {}\n", self.port, key.join(" "))
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Run {
        let mut all = arguments.to_vec();
        all.extend(["--state", "state/state.sqlite"]);
        self.folder.run(&all)
    }

    pub(crate) fn push(&self) -> Run {
        self.run(&["push", "--output-format", "json"])
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end();
    }
}

/// A catalog of so many sound items, whose descriptions have so many letters.
pub(crate) fn sound_catalog(count: usize, letters: usize) -> String {
    let mut catalog = String::from("item_id,title,description,url,brand,seller_name,image_url,availability,price\n");
    for (place, (id, price, _)) in items(count).iter().enumerate() {
        // No two are the same, so that nothing packs them away.
        let text: String = (0..letters / 16).map(|word| format!("{:016x}", (place * 7919 + word) * 0x9e37_79b9)).collect();
        let image = format!("https://shop.example/{id}.jpg");
        let row =
            format!("{id},Bottle {id},Insulated bottle {text} {id}.,https://shop.example/{id},Acme,Acme Store,{image},in_stock,{price}\n");
        catalog.push_str(&row);
    }
    catalog
}
