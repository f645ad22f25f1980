//! Real database, S3, OpenID Connect and mail servers for tests: started in a folder of their own, gone with it.

use std::ffi::OsString;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use tempfile::TempDir;

use crate::report;

mod oidc;
pub(crate) mod python;
mod s3;
mod smtp;

pub(crate) const POSTGRES: &str = "TUTELA_TEST_POSTGRES";
const MYSQL: &str = "TUTELA_TEST_MYSQL";
const S3: &str = "TUTELA_TEST_S3";
const OIDC: &str = "TUTELA_TEST_OIDC";
const SMTP: &str = "TUTELA_TEST_SMTP";
const DATABASES: &[&str] = &["postgresql", "mariadb-server"];
const NODE: &[&str] = &["nodejs", "npm"];
const PYTHON: &[&str] = &["openssl", "python3-venv"];
const MUSL: &[&str] = &["musl-tools"];
const START_LIMIT: Duration = Duration::from_mins(1);

/// Servers that run until this is dropped, and how tests find them.
#[derive(Debug, Default)]
pub(crate) struct Services {
    servers: Vec<Server>,
    environment: Vec<(&'static str, String)>,
}

/// One server process and its folder; the process ends before the folder goes.
#[derive(Debug)]
struct Server {
    process: Child,
    /// How it is told to end at once.
    signal: &'static str,
    folder: TempDir,
}

/// What PostgreSQL takes care of. Tests kill programs, never the machine, and each has a database of its
/// own; what is measured waits for the disk as a real server does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Power {
    MayFail,
    NeverFails,
}

/// The account a server runs under: both refuse to run as root.
#[derive(Debug, Clone, Copy)]
struct Account {
    uid: u32,
    gid: u32,
}

impl Services {
    /// Starts what the environment does not name already.
    pub(crate) fn start() -> Result<Self> {
        Self::start_some(&[POSTGRES, MYSQL, S3, OIDC, SMTP], Power::NeverFails)
    }

    /// The same for some of them.
    pub(crate) fn start_some(names: &[&'static str], power: Power) -> Result<Self> {
        let mut services = Self::default();
        let given = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        for &name in names {
            let url = match given(name) {
                Some(url) => url,
                None => services.server(name, power)?,
            };
            services.environment.push((name, url));
        }
        Ok(services)
    }

    /// Variables for the tests.
    pub(crate) fn environment(&self) -> &[(&'static str, String)] {
        &self.environment
    }

    /// The processes that were started for it.
    pub(crate) fn processes(&self) -> impl Iterator<Item = u32> {
        self.servers.iter().map(|server| server.process.id())
    }

    fn server(&mut self, name: &str, power: Power) -> Result<String> {
        let (server, url) = match name {
            POSTGRES => postgres(power)?,
            MYSQL => mariadb()?,
            OIDC => oidc::start()?,
            SMTP => smtp::start()?,
            _ => s3::start()?,
        };
        self.servers.push(server);
        Ok(url)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let told = Command::new("kill").args([self.signal, &self.process.id().to_string()]).status();
        if !told.is_ok_and(|status| status.success()) {
            // It ended by itself, or cannot be told; a killed process is gone in any case.
            let _ = self.process.kill();
        }
        let _ = self.process.wait();
    }
}

/// Runs `command` while the servers run.
pub(crate) fn run(command: &[OsString]) -> Result<()> {
    let services = Services::start()?;
    let (program, arguments) = command.split_first().context("give a command to run")?;
    let status = Command::new(program)
        .args(arguments)
        .envs(services.environment().iter().cloned())
        .status()
        .with_context(|| format!("`{}` cannot be started", program.display()))?;
    if !status.success() {
        bail!("`{}` failed", program.display());
    }
    Ok(())
}

fn postgres(power: Power) -> Result<(Server, String)> {
    let fsync = match power {
        Power::MayFail => "fsync=on",
        Power::NeverFails => "fsync=off",
    };
    let initdb = program("initdb")?;
    let server = program("postgres")?;
    let (folder, account) = folder("postgres")?;
    let data = folder.path().join("data");
    quiet(
        as_account(&initdb, account)
            .args(["--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-sync"])
            .arg("-D")
            .arg(&data),
    )?;
    let port = free_port()?;
    let process = as_account(&server, account)
        .arg("-D")
        .arg(&data)
        .args(["-p", &port.to_string(), "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="])
        .args(["-c", "max_connections=400", "-c", "max_wal_size=256MB", "-c", fsync])
        .stdout(Stdio::null())
        .stderr(log(folder.path())?)
        .spawn()
        .context("PostgreSQL cannot be started")?;
    let mut server = Server { process, signal: "-QUIT", folder };
    let mut ready = Command::new(program("pg_isready")?);
    ready.args(["-h", "127.0.0.1", "-p", &port.to_string(), "-U", "postgres"]);
    server.wait(&mut ready, "PostgreSQL")?;
    Ok((server, format!("postgres://postgres@127.0.0.1:{port}/postgres")))
}

fn mariadb() -> Result<(Server, String)> {
    let install = program("mariadb-install-db")?;
    let server = program("mariadbd")?;
    let (folder, account) = folder("mysql")?;
    let data = format!("--datadir={}", folder.path().join("data").display());
    quiet(as_account(&install, account).args([
        "--no-defaults",
        &data,
        "--skip-test-db",
        "--auth-root-authentication-method=normal",
    ]))?;
    let init = folder.path().join("init.sql");
    std::fs::write(
        &init,
        "CREATE USER IF NOT EXISTS 'tutela'@'%' IDENTIFIED BY 'tutela';\nGRANT ALL ON *.* TO 'tutela'@'%' WITH GRANT OPTION;\n",
    )?;
    let port = free_port()?.to_string();
    let process = as_account(&server, account)
        .args([
            "--no-defaults",
            &data,
            "--bind-address=127.0.0.1",
            "--max-connections=400",
            "--skip-name-resolve",
        ])
        .args([format!("--port={port}"), format!("--init-file={}", init.display())])
        .arg(format!("--socket={}", folder.path().join("socket").display()))
        .arg(format!("--pid-file={}", folder.path().join("pid").display()))
        .stdout(Stdio::null())
        .stderr(log(folder.path())?)
        .spawn()
        .context("MariaDB cannot be started")?;
    let mut server = Server { process, signal: "-TERM", folder };
    let mut ready = Command::new(program("mariadb-admin")?);
    ready.args(["--no-defaults", "--protocol=tcp", "--host=127.0.0.1", "--user=tutela", "--password=tutela"]);
    ready.args([&format!("--port={port}"), "ping"]);
    server.wait(&mut ready, "MariaDB")?;
    Ok((server, format!("mysql://tutela:tutela@127.0.0.1:{port}")))
}

impl Server {
    /// Waits until `ready` succeeds, the process ends, or the limit is reached.
    fn wait(&mut self, ready: &mut Command, name: &str) -> Result<()> {
        let started = Instant::now();
        ready.stdout(Stdio::null()).stderr(Stdio::null());
        while started.elapsed() < START_LIMIT {
            if let Some(status) = self.process.try_wait()? {
                bail!("{name} ended with {status} instead of starting:\n{}", self.log());
            }
            if ready.status().is_ok_and(|status| status.success()) {
                return Ok(());
            }
            std::thread::park_timeout(Duration::from_millis(100));
        }
        bail!("{name} did not answer within {} s:\n{}", START_LIMIT.as_secs(), self.log())
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

/// A program of Debian's packages; installs those if it is missing and this account may.
pub(crate) fn program(name: &str) -> Result<PathBuf> {
    if let Some(found) = find(name) {
        return Ok(found);
    }
    let packages = match name {
        "node" | "npm" => NODE,
        "openssl" | "python3" => PYTHON,
        "musl-gcc" => MUSL,
        _ => DATABASES,
    };
    report(&format!("== installing {}", packages.join(", ")));
    let apt = |arguments: &[&str]| {
        let mut command = Command::new("apt-get");
        command.args(arguments).env("DEBIAN_FRONTEND", "noninteractive").stdout(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    let installed =
        apt(&["update"]) && apt(&[&["install", "--yes", "--no-install-recommends"], packages].concat());
    find(name).with_context(|| {
        let hint = if installed {
            "they are installed now, but not where they are looked for"
        } else {
            "install them by hand"
        };
        format!(
            "the tests need `{name}` of the Debian packages {}; {hint}, or name a running server \
             (`cargo xtask services --help` lists the variables)",
            packages.join(" and ")
        )
    })
}

/// Looks in the path, in the folders of system programs, and where Debian keeps PostgreSQL's, newest first.
fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    folders.push("/usr/sbin".into());
    let mut versions: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .map(|entries| entries.flatten().map(|entry| entry.path().join("bin")).collect())
        .unwrap_or_default();
    versions.sort();
    folders.extend(versions.into_iter().rev());
    folders.into_iter().map(|folder| folder.join(name)).find(|program| program.is_file())
}

/// A folder for one server, owned by `user` if we are root.
fn folder(user: &str) -> Result<(TempDir, Option<Account>)> {
    use std::os::unix::fs::{MetadataExt as _, chown};
    let folder = tempfile::Builder::new().prefix("tutela-test-").tempdir()?;
    if folder.path().metadata()?.uid() != 0 {
        return Ok((folder, None));
    }
    let account = account(user)?;
    chown(folder.path(), Some(account.uid), Some(account.gid))?;
    Ok((folder, Some(account)))
}

fn account(user: &str) -> Result<Account> {
    let accounts = std::fs::read_to_string("/etc/passwd")?;
    let line = accounts.lines().find(|line| line.split(':').next() == Some(user));
    let mut numbers = line.into_iter().flat_map(|line| line.split(':').skip(2)).map(str::parse);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(uid)), Some(Ok(gid))) => Ok(Account { uid, gid }),
        _ => bail!(
            "there is no account `{user}`, under which the server would run; it comes with its Debian package"
        ),
    }
}

fn as_account(program: &Path, account: Option<Account>) -> Command {
    use std::os::unix::process::CommandExt as _;
    let mut command = Command::new(program);
    command.current_dir("/").stdin(Stdio::null());
    if let Some(account) = account {
        command.uid(account.uid).gid(account.gid);
    }
    command
}

pub(crate) fn quiet(command: &mut Command) -> Result<()> {
    let output =
        command.output().with_context(|| format!("{} cannot be started", command.get_program().display()))?;
    if !output.status.success() {
        bail!("{} failed:\n{}", command.get_program().display(), String::from_utf8_lossy(&output.stderr));
    }
    Ok(())
}

fn log(folder: &Path) -> Result<std::fs::File> {
    Ok(std::fs::File::create(folder.join("log"))?)
}

/// A port that is free now; whoever takes it in between makes the start fail with a clear text.
pub(crate) fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
