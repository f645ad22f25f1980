//! A PostgreSQL server of one test's own, which may be ended and started again.

use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const LIMIT: Duration = Duration::from_mins(1);

/// How a server is ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// It tells whoever is connected, and ends their work.
    Fast,
    /// As if the machine had failed; it recovers when it starts.
    Immediate,
}

/// The server. Dropping it ends it.
#[derive(Debug)]
pub(crate) struct Cluster {
    folder: tempfile::TempDir,
    programs: PathBuf,
    /// The account it runs under: it does not run as root.
    account: Option<(u32, u32)>,
    port: u16,
    child: Option<Child>,
}

impl Cluster {
    /// Starts one; `None`, with the reason printed, where PostgreSQL is not installed.
    #[expect(clippy::print_stdout, reason = "a skipped test says so")]
    pub(crate) fn start() -> Option<Self> {
        let Some(programs) = programs() else {
            assert!(std::env::var_os("CI").is_none(), "the programs of PostgreSQL are not installed");
            println!("skipped: the programs of PostgreSQL are not installed");
            return None;
        };
        let folder = tempfile::tempdir().unwrap();
        let account = (folder.path().metadata().unwrap().uid() == 0).then(account);
        if let Some((user, group)) = account {
            chown(folder.path(), Some(user), Some(group)).unwrap();
        }
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut cluster = Self { folder, programs, account, port, child: None };
        let made = cluster
            .command("initdb")
            .args(["--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-sync"])
            .arg("-D")
            .arg(cluster.data())
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        cluster.begin();
        Some(cluster)
    }

    /// How its one database is reached.
    pub(crate) fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    /// Ends it.
    pub(crate) fn end(&mut self, how: End) {
        let Some(mut child) = self.child.take() else { return };
        let signal = match how {
            End::Fast => "-INT",
            End::Immediate => "-QUIT",
        };
        let _ = Command::new("kill").args([signal, &child.id().to_string()]).status();
        let _ = child.wait();
    }

    /// Starts it, and waits until it answers.
    pub(crate) fn begin(&mut self) {
        let port = self.port.to_string();
        let child = self
            .command("postgres")
            .arg("-D")
            .arg(self.data())
            .args(["-p", &port, "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="])
            .args(["-c", "max_connections=200"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        self.child = Some(child);
        let begun = Instant::now();
        while !self.answers() {
            assert!(begun.elapsed() < LIMIT, "PostgreSQL does not start");
            std::thread::park_timeout(Duration::from_millis(50));
        }
    }

    fn answers(&self) -> bool {
        let mut ready = self.command("pg_isready");
        ready.args(["-h", "127.0.0.1", "-p", &self.port.to_string(), "-U", "postgres"]);
        ready.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn command(&self, name: &str) -> Command {
        let mut command = Command::new(self.programs.join(name));
        command.current_dir("/").stdin(Stdio::null());
        if let Some((user, group)) = self.account {
            command.uid(user).gid(group);
        }
        command
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.end(End::Immediate);
    }
}

/// Where Debian keeps them, newest first, or in the path.
fn programs() -> Option<PathBuf> {
    let mut folders: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .map(|entries| entries.flatten().map(|entry| entry.path().join("bin")).collect())
        .unwrap_or_default();
    folders.sort();
    folders.reverse();
    folders.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
    folders.into_iter().find(|folder| ["initdb", "postgres"].iter().all(|name| is_file(folder, name)))
}

fn is_file(folder: &Path, name: &str) -> bool {
    folder.join(name).is_file()
}

/// The account `postgres`, by user and group.
fn account() -> (u32, u32) {
    let accounts = std::fs::read_to_string("/etc/passwd").unwrap();
    let line = accounts.lines().find(|line| line.starts_with("postgres:"));
    let mut fields = line.expect("PostgreSQL comes with an account of its own").split(':').skip(2);
    let mut number = || fields.next().unwrap().parse().unwrap();
    (number(), number())
}
