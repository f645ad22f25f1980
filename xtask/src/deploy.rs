//! Checks of what `deploy/` holds: the image file's paths and build, the manifests and the chart against the
//! schemas of Kubernetes, the settings in them, and the systemd unit.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

use crate::services::{python, quiet};
use crate::{cargo, report, test};

/// How much of the image is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Image {
    /// Its paths are looked for, and the workspace made of them is read.
    Look,
    /// Its build command runs, as it is written, where nothing else is. Without optimizations: what is
    /// checked is that nothing is missing.
    Build,
}

/// Checks everything.
pub(crate) fn run(image: Image) -> Result<()> {
    let file = ImageFile::read(&cargo::top().join("deploy/Containerfile"))?;
    file.check(image)?;
    unit(&cargo::top().join("deploy/systemd/tutela.service"))?;
    let folder = tempfile::tempdir()?;
    check_settings(&manifests(folder.path())?)
}

/// What the image is built from and how.
#[derive(Debug, PartialEq, Eq)]
struct ImageFile {
    /// Paths that the stage that builds copies.
    sources: Vec<String>,
    /// Paths that the image itself copies.
    others: Vec<String>,
    /// The build command's words.
    build: Vec<String>,
}

impl ImageFile {
    fn read(path: &Path) -> Result<Self> {
        let text =
            std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
        Self::parse(&text)
    }

    fn parse(text: &str) -> Result<Self> {
        let (mut sources, mut others, mut build, mut stages) = (Vec::new(), Vec::new(), Vec::new(), 0);
        for line in text.lines().map(str::trim) {
            let words: Vec<&str> = line.split_whitespace().collect();
            match words.as_slice() {
                ["FROM", ..] => stages += 1,
                ["COPY", flag, ..] if flag.starts_with("--from=") => {}
                ["COPY", from @ .., _] => {
                    let to = if stages < 2 { &mut sources } else { &mut others };
                    to.extend(from.iter().map(|path| (*path).to_owned()));
                }
                ["RUN", "cargo", rest @ ..] => build = rest.iter().map(|word| (*word).to_owned()).collect(),
                _ => {}
            }
        }
        if sources.is_empty() || build.is_empty() {
            bail!("deploy/Containerfile copies nothing or builds nothing");
        }
        Ok(Self { sources, others, build })
    }

    fn check(&self, image: Image) -> Result<()> {
        let missing: Vec<&String> = self
            .sources
            .iter()
            .chain(&self.others)
            .filter(|path| !cargo::top().join(path).exists())
            .collect();
        if !missing.is_empty() {
            bail!("deploy/Containerfile copies what is not there: {missing:?}");
        }
        let clean = cargo::target()?.join("image/src");
        if clean.exists() {
            std::fs::remove_dir_all(&clean)?;
        }
        std::fs::create_dir_all(&clean)?;
        for path in &self.sources {
            copy(&cargo::top().join(path), &clean.join(path))?;
        }
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.current_dir(&clean).env_remove("CARGO_TARGET_DIR").stdin(Stdio::null());
        match image {
            Image::Look => cargo.args(["metadata", "--locked", "--format-version", "1"]),
            Image::Build => cargo
                .args(&self.build)
                .env("CARGO_TARGET_DIR", cargo::target()?.join("image/target"))
                .envs([("CARGO_PROFILE_RELEASE_LTO", "off"), ("CARGO_PROFILE_RELEASE_OPT_LEVEL", "0")])
                .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "256"),
        };
        quiet(&mut cargo).context("the image's build does not work where nothing else is")
    }
}

/// Copies a file or a folder; the times stay, so that what did not change is not built anew.
fn copy(from: &Path, to: &Path) -> Result<()> {
    quiet(Command::new("cp").arg("-rp").arg(from).arg(to))
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

/// Checks manifests and chart; puts the server files that they hold into `out` and gives them.
fn manifests(out: &Path) -> Result<Vec<PathBuf>> {
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
    let files = std::fs::read_dir(out)?.map(|entry| Ok(entry?.path()));
    let files: Vec<PathBuf> = files.collect::<Result<_>>()?;
    if files.len() < 4 {
        bail!("the manifests hold {} server files; there should be more", files.len());
    }
    Ok(files)
}

/// Has the program read each server file.
fn check_settings(files: &[PathBuf]) -> Result<()> {
    cargo::run(&["build", "--quiet", "--workspace", "--bin", "tutela", "--features", test::FEATURES])?;
    let tutela = cargo::target()?.join("debug/tutela");
    for file in files {
        let mut show = Command::new(&tutela);
        quiet(show.args(["config", "show", "--config"]).arg(file))
            .with_context(|| format!("{} is not a right server file", file.display()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_image_file_says_what_is_copied_and_how_it_is_built() {
        let text = "# FROM nothing\nFROM rust AS build\nCOPY Cargo.toml Cargo.lock ./\nCOPY crates crates\n\
                    RUN cargo build --release --locked\nFROM scratch\nCOPY --from=build /image/ /\nCOPY LICENSE /l\n";

        let file = ImageFile::parse(text).unwrap();

        let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(file.sources, words("Cargo.toml Cargo.lock crates"));
        assert_eq!(file.others, words("LICENSE"));
        assert_eq!(file.build, words("build --release --locked"));
    }

    #[test]
    fn a_path_that_is_not_there_is_found() {
        let file = ImageFile {
            sources: vec!["Cargo.toml".to_owned(), "no-such-folder".to_owned()],
            others: Vec::new(),
            build: vec!["build".to_owned()],
        };

        let refused = file.check(Image::Look).unwrap_err();

        assert!(refused.to_string().contains("no-such-folder"), "{refused}");
    }

    #[test]
    fn every_path_of_the_image_file_is_there() {
        let file = ImageFile::read(&cargo::top().join("deploy/Containerfile")).unwrap();

        for path in file.sources.iter().chain(&file.others) {
            assert!(cargo::top().join(path).exists(), "{path}");
        }
        assert!(file.build.iter().any(|word| word == "--locked"), "{file:?}");
    }
}
