//! Programs from PyPI, each with an environment of its own below the folder of builds.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use super::{program, quiet};
use crate::{cargo, report};

/// The environment called `name`, with exactly what the list of requirements at `wanted` (below the
/// top of the repository) names; made unless it is there. Gives its folder of programs.
pub(crate) fn environment(name: &str, wanted: &str) -> Result<PathBuf> {
    let wanted = cargo::top().join(wanted);
    let to = cargo::target()?.join("services").join(name);
    std::fs::create_dir_all(&to)?;
    // Two at once would take each other's files away; the lock ends with this function.
    let lock = std::fs::File::create(to.join("lock"))?;
    lock.lock()?;
    let (programs, installed) = (to.join("environment/bin"), to.join("installed.txt"));
    let list = std::fs::read_to_string(&wanted)?;
    if programs.join("python").is_file() && std::fs::read_to_string(&installed).ok().as_ref() == Some(&list) {
        return Ok(programs);
    }
    report(&format!("== installing {name} from PyPI"));
    quiet(Command::new(program("python3")?).args(["-m", "venv", "--clear"]).arg(to.join("environment")))?;
    install(&programs, &wanted, &list).with_context(|| format!("{name} cannot be installed"))?;
    // Last, so that half an installation does not count.
    std::fs::copy(&wanted, &installed)?;
    Ok(programs)
}

fn install(programs: &Path, wanted: &Path, list: &str) -> Result<()> {
    let mut pip = Command::new(programs.join("python"));
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]);
    pip.args(["--only-binary", ":all:"]);
    if list.contains("--hash=") {
        pip.arg("--require-hashes");
    }
    quiet(pip.arg("--requirement").arg(wanted))
}
