//! An OpenID Connect provider for tests: npm's `oidc-provider`, in the version that its lock file names.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

use super::{Server, log, program, quiet};
use crate::{cargo, report};

/// What it is made of; all lies in `xtask/services/oidc`.
const FILES: [&str; 3] = ["package.json", "package-lock.json", "server.js"];

/// Starts it and gives its issuer, `http://HOST`.
pub(super) fn start() -> Result<(Server, String)> {
    let node = program("node")?;
    let installed = install()?;
    let folder = tempfile::Builder::new().prefix("tutela-test-").tempdir()?;
    let mut process = Command::new(node)
        .arg(installed.join("server.js"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(log(folder.path())?)
        .spawn()
        .context("the OpenID Connect provider cannot be started")?;
    let out = process.stdout.take().context("the OpenID Connect provider has no output")?;
    // It listens before it says where, and ends its output when it fails.
    let mut issuer = String::new();
    BufReader::new(out).read_line(&mut issuer)?;
    let server = Server { process, signal: "-TERM", folder };
    let issuer = issuer.trim();
    if issuer.is_empty() {
        bail!("the OpenID Connect provider ended instead of starting:\n{}", server.log());
    }
    Ok((server, issuer.to_owned()))
}

/// Puts it below the folder of builds, unless it is there as the lock file says.
fn install() -> Result<PathBuf> {
    let from = cargo::top().join("xtask/services/oidc");
    let to = cargo::target()?.join("services/oidc");
    std::fs::create_dir_all(&to)?;
    // Two at once would take each other's files away; the lock ends with this function.
    let lock = std::fs::File::create(to.join("lock"))?;
    lock.lock()?;
    let there = is_installed(&from, &to);
    for file in FILES {
        std::fs::copy(from.join(file), to.join(file))
            .with_context(|| format!("`{file}` cannot be copied"))?;
    }
    if !there {
        report("== installing oidc-provider");
        let mut npm = Command::new(program("npm")?);
        npm.current_dir(&to).args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]);
        quiet(&mut npm).context(
            "the OpenID Connect provider cannot be installed; set TUTELA_TEST_OIDC to use another",
        )?;
    }
    Ok(to)
}

fn is_installed(from: &Path, to: &Path) -> bool {
    // npm writes its own list last, so that half an installation does not count.
    let lock = |folder: &Path| std::fs::read(folder.join("package-lock.json")).ok();
    to.join("node_modules/.package-lock.json").is_file() && lock(from) == lock(to)
}
