//! Checks of what `deploy/` holds: the image file's paths and build, the manifests and the chart against the
//! schemas of Kubernetes, the settings in them, how they start connectors, and the systemd unit.

mod connectors;
mod image;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

use self::connectors::Started;
use self::image::ImageFile;
use crate::services::{python, quiet};
use crate::{cargo, report};

/// How much of the image is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Image {
    /// Its paths are looked for, and the workspace made of them is read.
    Look,
    /// Its build command runs, as it is written, where nothing else is, and what comes out is tried.
    Build,
}

/// Checks everything.
pub(crate) fn run(image: Image) -> Result<()> {
    let file = ImageFile::read(&cargo::top().join("deploy/Containerfile"))?;
    let clean = file.copied()?;
    unit(&cargo::top().join("deploy/systemd/tutela.service"))?;
    let folder = tempfile::tempdir()?;
    let held = manifests(folder.path())?;
    match image {
        Image::Look => {
            clean.look()?;
            held.check(&cargo::built_as_tests()?.join("tutela"))
        }
        Image::Build => {
            let built = clean.build(&file)?;
            held.check(&built.program)?;
            built.demonstrate()
        }
    }
}

/// What manifests and chart hand to the program.
struct Held {
    settings: Vec<PathBuf>,
    connectors: Vec<Started>,
}

impl Held {
    fn check(&self, tutela: &Path) -> Result<()> {
        check_settings(tutela, &self.settings)?;
        self.connectors.iter().try_for_each(|started| started.check(tutela))
    }
}

/// The unit, as systemd reads it. Where there is no systemd, it is not read.
fn unit(path: &Path) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let draft = folder.path().join("tutela.service");
    // The program is not installed here; any other takes its place.
    let text = std::fs::read_to_string(path)?.replace("/usr/bin/tutela", "/bin/true");
    std::fs::write(&draft, text)?;
    let checked = match Command::new("systemd-analyze").arg("verify").arg(&draft).output() {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            report("systemd is not here; the unit is not checked");
            return Ok(());
        }
        checked => checked?,
    };
    let said = String::from_utf8_lossy(&checked.stderr);
    if !checked.status.success() || said.contains("tutela.service:") {
        bail!("{} is not a right unit:\n{said}", path.display());
    }
    Ok(())
}

/// Checks manifests and chart; puts what they hand to the program into `out` and gives it.
fn manifests(out: &Path) -> Result<Held> {
    let programs = python::environment("deploy", "xtask/deploy/requirements.txt")?;
    let checked = Command::new(programs.join("python"))
        .arg(cargo::top().join("xtask/deploy/check.py"))
        .args([cargo::top().as_path(), out])
        .stdin(Stdio::null())
        .output()
        .context("the check of the manifests cannot be started")?;
    if !checked.status.success() {
        bail!(
            "the manifests are not right:\n{}{}",
            String::from_utf8_lossy(&checked.stdout),
            String::from_utf8_lossy(&checked.stderr)
        );
    }
    let settings = files(&out.join("settings"))?;
    let connectors = files(&out.join("connectors"))?;
    if settings.len() < 4 || connectors.len() < 4 {
        bail!(
            "the manifests hold {} server files and {} connectors; there should be more",
            settings.len(),
            connectors.len()
        );
    }
    let connectors = connectors.iter().map(|file| Started::read(file)).collect::<Result<_>>()?;
    Ok(Held { settings, connectors })
}

fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    std::fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect()
}

/// Has the program read each server file.
fn check_settings(tutela: &Path, files: &[PathBuf]) -> Result<()> {
    for file in files {
        let mut show = Command::new(tutela);
        quiet(show.args(["config", "show", "--config"]).arg(file))
            .with_context(|| format!("{} is not a right server file", file.display()))?;
    }
    Ok(())
}
