//! Prism as a judge from outside: started by `tests/prism`, where that has installed it; tests
//! that want it say nothing without it.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A running Prism.
pub(crate) struct Prism {
    child: Child,
    port: u16,
}

impl Prism {
    /// One that answers by the Stripe excerpt, and 4xx to what departs from it.
    pub(crate) fn mock() -> Option<Self> {
        Self::start("mock", None)
    }

    /// One in front of a server, which refuses requests and answers that depart from a document:
    /// `proxy` for the Stripe excerpt, `acp` for the ACP feed API.
    pub(crate) fn proxy(document: &str, url: &str) -> Option<Self> {
        Self::start(document, Some(url))
    }

    /// The address it answers at.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    fn start(mode: &str, url: Option<&str>) -> Option<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        if !root.join("target/prism/node_modules/.bin/prism").exists() {
            return None;
        }
        let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port");
        let mut child = Command::new(root.join("tests/prism"))
            .args([mode, &free.port().to_string()])
            .args(url)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("Prism starts");
        let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let listening = lines.any(|line| line.is_ok_and(|line| line.contains("Prism is listening")));
        // What it says later must be read, or it would stop.
        std::thread::spawn(move || lines.for_each(drop));
        assert!(listening, "Prism ended before it listened");
        Some(Self { child, port: free.port() })
    }
}

impl Drop for Prism {
    fn drop(&mut self) {
        // It may have ended by itself.
        self.child.kill().unwrap_or_default();
        let _ended = self.child.wait();
    }
}
