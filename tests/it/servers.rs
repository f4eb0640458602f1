//! Real servers for tests: started on free ports by an unprivileged user, stopped by their
//! process when the test ends. A test without a server's program says so and passes: the
//! suite's script installs them all.

use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::Duration;

/// How long a server may take to be ready.
const READY: Duration = Duration::from_secs(60);

/// A server that ends with the test.
pub(crate) struct Server {
    child: Mutex<Option<Child>>,
    /// What ends it together with the processes it started.
    signal: &'static str,
    pub(crate) port: u16,
    _folder: tempfile::TempDir,
}

impl Server {
    /// Ends the server at once, as a machine that dies would.
    pub(crate) fn kill(&self) {
        if let Some(mut child) = self.child.lock().expect("one holder").take() {
            let killed = Command::new("kill").args([self.signal, &child.id().to_string()]).status().expect("kill runs");
            assert!(killed.success(), "the server was there");
            child.wait().expect("it was ours");
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("bound").port()
}

/// The program of a name, on the path or in one of the folders of its package.
fn program(name: &str, folders: &[&str]) -> Option<PathBuf> {
    #[expect(clippy::disallowed_methods, reason = "tests look for programs where shells do")]
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut places: Vec<PathBuf> = std::env::split_paths(&path).collect();
    for folder in folders {
        places.extend(glob::glob(folder).expect("a pattern").filter_map(Result::ok));
    }
    places.into_iter().map(|place| place.join(name)).find(|path| path.is_file())
}

/// A command that runs as `user` where the test runs as root, which these servers refuse.
fn as_user(user: &str, program: &Path) -> Command {
    let is_root = Command::new("id").arg("-u").output().is_ok_and(|out| out.stdout.starts_with(b"0\n"));
    if !is_root {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid", user, "--regid", user, "--clear-groups", "--"]).arg(program);
    command
}

fn folder_of(user: &str) -> tempfile::TempDir {
    let folder = tempfile::Builder::new().prefix("feedmill-server-").tempdir_in("/tmp").expect("a folder");
    // Fails where the test is not root, and then nothing needs to change hands.
    let _same = Command::new("chown").arg(user).arg(folder.path()).stderr(Stdio::null()).status();
    folder
}

fn done(command: &mut Command, what: &str) {
    let output = command.stdin(Stdio::null()).output().unwrap_or_else(|error| panic!("{what}: {error}"));
    assert!(output.status.success(), "{what}: {}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
}

fn start(mut command: Command, signal: &'static str, folder: tempfile::TempDir, port: u16, mut ready: impl FnMut() -> bool) -> Server {
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts");
    let server = Server { child: Mutex::new(Some(child)), signal, port, _folder: folder };
    let begun = feedmill::clock::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() || !ready() {
        let mut child = server.child.lock().expect("one holder");
        let ended = child.as_mut().and_then(|child| child.try_wait().expect("ours"));
        assert!(ended.is_none() && begun.elapsed() < READY, "the server is not ready: {ended:?}");
        drop(child);
        std::thread::yield_now();
    }
    server
}

/// A test that is left out says so.
#[expect(clippy::print_stdout, reason = "tests talk on standard output")]
fn absent(name: &str) -> Option<Server> {
    println!("no {name} here; `tests/run` installs it");
    None
}

/// A PostgreSQL server with the database `postgres` and the user `feed`, who needs no password.
pub(crate) fn postgres() -> Option<Server> {
    let folders = ["/usr/lib/postgresql/*/bin"];
    let (Some(initdb), Some(server)) = (program("initdb", &folders), program("postgres", &folders)) else {
        return absent("PostgreSQL");
    };
    let folder = folder_of("postgres");
    let data = folder.path().join("data");
    let mut init = as_user("postgres", &initdb);
    init.arg("-D").arg(&data).args(["-U", "feed", "--auth=trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"]);
    done(init.current_dir(folder.path()), "initdb");
    let port = free_port();
    let mut command = as_user("postgres", &server);
    command.arg("-D").arg(&data).args(["-p", &port.to_string(), "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"]);
    command.arg("-c").arg(format!("unix_socket_directories={}", folder.path().display())).current_dir(folder.path());
    Some(start(command, "-QUIT", folder, port, || psql(port, "postgres", "select 1").is_ok()))
}

/// Runs statements; the error is what psql says.
pub(crate) fn psql(port: u16, database: &str, statements: &str) -> Result<String, String> {
    let port = port.to_string();
    let arguments = ["-h", "127.0.0.1", "-p", &port, "-U", "feed", "-d", database, "-qAt", "-v", "ON_ERROR_STOP=1"];
    talk(Command::new(program("psql", &["/usr/lib/postgresql/*/bin"]).expect("psql")).args(arguments), statements)
}

/// A MariaDB server with the database `shop` and the user `feed`, who needs no password.
pub(crate) fn mariadb() -> Option<Server> {
    let folders = ["/usr/sbin"];
    let (Some(install), Some(server)) = (program("mariadb-install-db", &folders), program("mariadbd", &folders)) else {
        return absent("MariaDB");
    };
    let folder = folder_of("mysql");
    let (data, socket) = (folder.path().join("data"), folder.path().join("s.sock"));
    let mut init = as_user("mysql", &install);
    init.arg("--no-defaults").arg(format!("--datadir={}", data.display()));
    done(init.args(["--auth-root-authentication-method=normal", "--skip-test-db"]).current_dir(folder.path()), "mariadb-install-db");
    let port = free_port();
    let mut command = as_user("mysql", &server);
    command.arg("--no-defaults").arg(format!("--datadir={}", data.display())).arg(format!("--port={port}"));
    command.args(["--bind-address=127.0.0.1", "--skip-log-bin", "--skip-name-resolve", "--character-set-server=utf8mb4"]);
    command.arg(format!("--socket={}", socket.display())).arg(format!("--pid-file={}", folder.path().join("pid").display()));
    command.current_dir(folder.path());
    let make = "create database if not exists shop; create user if not exists 'feed'@'%'; grant all on shop.* to 'feed'@'%';";
    Some(start(command, "-KILL", folder, port, || {
        let socket = format!("--socket={}", socket.display());
        talk(Command::new("mariadb").args(["--no-defaults", &socket, "-u", "root"]), make).is_ok()
    }))
}

/// Runs statements in the database `shop`; the error is what the client says.
pub(crate) fn mysql(port: u16, statements: &str) -> Result<String, String> {
    let port = format!("--port={port}");
    let arguments =
        ["--no-defaults", "--protocol=tcp", "-h", "127.0.0.1", &port, "-u", "feed", "--default-character-set=utf8mb4", "-N", "shop"];
    talk(Command::new("mariadb").args(arguments), statements)
}

fn talk(command: &mut Command, statements: &str) -> Result<String, String> {
    use std::io::Write;
    let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = child.map_err(|error| error.to_string())?;
    let mut input = child.stdin.take().expect("piped");
    let text = statements.to_owned();
    let writer = std::thread::spawn(move || input.write_all(text.as_bytes()));
    let output = child.wait_with_output().map_err(|error| error.to_string())?;
    // A client that ends early says why below.
    let _closed = writer.join().expect("the writer ends");
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    }
}
