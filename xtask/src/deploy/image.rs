//! The image file: the paths that it copies, and its build command, run where nothing else is.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tempfile::TempDir;

use crate::services::{program, quiet};
use crate::{cargo, report};

/// What the image is built from and how.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ImageFile {
    /// Paths that the stage that builds copies.
    sources: Vec<String>,
    /// Paths that the image itself copies.
    others: Vec<String>,
    /// The build command's words.
    build: Vec<String>,
    /// What the image takes from the folder of builds: `release/tutela`.
    taken: Vec<String>,
}

/// A folder with nothing but what the image file copies; gone, with what was built, when this is dropped.
#[derive(Debug)]
pub(super) struct Clean {
    folder: TempDir,
}

/// What the image's build command made.
#[derive(Debug)]
pub(super) struct Built {
    /// The program of the image.
    pub(super) program: PathBuf,
    _clean: Clean,
}

impl ImageFile {
    pub(super) fn read(path: &Path) -> Result<Self> {
        let text =
            std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
        Self::parse(&text)
    }

    fn parse(text: &str) -> Result<Self> {
        let (mut sources, mut others, mut build, mut taken) =
            (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let (mut stages, mut place) = (0, String::new());
        for line in text.lines().map(str::trim) {
            let words: Vec<&str> = line.split_whitespace().collect();
            match words.as_slice() {
                ["FROM", ..] => stages += 1,
                ["WORKDIR", folder] if stages < 2 => place = format!("{folder}/target/"),
                ["COPY", flag, from, _] if flag.starts_with("--from=") => {
                    taken.extend(from.strip_prefix(&place).map(str::to_owned));
                }
                ["COPY", from @ .., _] => {
                    let to = if stages < 2 { &mut sources } else { &mut others };
                    to.extend(from.iter().map(|path| (*path).to_owned()));
                }
                ["RUN", "cargo", rest @ ..] => build = rest.iter().map(|word| (*word).to_owned()).collect(),
                _ => {}
            }
        }
        if sources.is_empty() || build.is_empty() || taken.is_empty() {
            bail!("deploy/Containerfile copies nothing, builds nothing, or takes nothing of what was built");
        }
        Ok(Self { sources, others, build, taken })
    }

    /// Copies what the stage that builds copies; fails if anything that the file copies is missing.
    pub(super) fn copied(&self) -> Result<Clean> {
        let missing: Vec<&String> = self
            .sources
            .iter()
            .chain(&self.others)
            .filter(|path| !cargo::top().join(path).exists())
            .collect();
        if !missing.is_empty() {
            bail!("deploy/Containerfile copies what is not there: {missing:?}");
        }
        // Beside other builds: a folder for temporary files may lie in memory.
        let folder = tempfile::Builder::new().prefix("image-").tempdir_in(cargo::target()?)?;
        let clean = Clean { folder };
        std::fs::create_dir(clean.sources())?;
        for path in &self.sources {
            quiet(Command::new("cp").arg("-r").arg(cargo::top().join(path)).arg(clean.sources().join(path)))?;
        }
        Ok(clean)
    }
}

impl Clean {
    fn sources(&self) -> PathBuf {
        self.folder.path().join("src")
    }

    fn cargo(&self) -> Command {
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.current_dir(self.sources()).stdin(Stdio::null());
        cargo.env("CARGO_TARGET_DIR", self.folder.path().join("target"));
        cargo
    }

    /// Has cargo read the workspace; builds nothing.
    pub(super) fn look(&self) -> Result<()> {
        quiet(self.cargo().args(["metadata", "--locked", "--format-version", "1"]))
            .context("what the image file copies is no whole workspace")
    }

    /// Runs the build command as it is written, for a static program as on the image's Alpine where that
    /// can be built here. Without optimizations: what is checked is that nothing is missing.
    pub(super) fn build(self, file: &ImageFile) -> Result<Built> {
        let target = static_target();
        let mut cargo = self.cargo();
        cargo
            .args(&file.build)
            .envs([("CARGO_PROFILE_RELEASE_LTO", "off"), ("CARGO_PROFILE_RELEASE_OPT_LEVEL", "0")])
            .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "256");
        let mut out = self.folder.path().join("target");
        if let Some(target) = &target {
            cargo.args(["--target", target]);
            out.push(target);
        } else {
            report("a static program cannot be built here (rustup, musl-tools); one for this machine is");
        }
        quiet(&mut cargo).context("the image's build does not work where nothing else is")?;
        for path in &file.taken {
            if !out.join(path).is_file() {
                bail!("the image takes `{path}`, which its build does not make");
            }
        }
        let program = out.join(file.taken.first().context("the image takes nothing")?);
        if target.is_some() && !is_static(&std::fs::read(&program)?)? {
            bail!("the program of the image is not static; it would not start there");
        }
        Ok(Built { program, _clean: self })
    }
}

impl Built {
    /// Has the program show the whole way of a request of a person.
    pub(super) fn demonstrate(&self) -> Result<()> {
        let folder = tempfile::tempdir()?;
        let mut demo = Command::new(&self.program);
        demo.current_dir(folder.path()).args(["demo", "--once"]).stdin(Stdio::null());
        // The image has no account with a home, so its key is given to it.
        demo.env_clear().env("TUTELA_KEY", STANDARD.encode([7; 32]));
        quiet(&mut demo).context("the program of the image does not work")
    }
}

/// The target whose programs are static, if it can be built for.
fn static_target() -> Option<String> {
    let target = format!("{}-unknown-linux-musl", std::env::consts::ARCH);
    let sysroot = Command::new("rustc").args(["--print", "sysroot"]).output().ok()?;
    let installed =
        Path::new(String::from_utf8_lossy(&sysroot.stdout).trim()).join("lib/rustlib").join(&target);
    if !installed.is_dir() {
        quiet(Command::new("rustup").args(["target", "add", &target])).ok()?;
    }
    // For the C code of SQLite, zstd, the TLS library and the allocator.
    program("musl-gcc").ok()?;
    Some(target)
}

/// Whether a program of Linux (ELF, 64 bit, little end first) needs no loader.
fn is_static(program: &[u8]) -> Result<bool> {
    const INTERPRETER: u64 = 3;
    let number = |at: usize, bytes: usize| {
        let bytes = program.get(at..at + bytes)?;
        Some(bytes.iter().rev().fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte)))
    };
    let headers = || {
        let (start, size, count) = (number(0x20, 8)?, number(0x36, 2)?, number(0x38, 2)?);
        let kind = |index| number(usize::try_from(start + index * size).ok()?, 4);
        (0..count).map(kind).collect::<Option<Vec<u64>>>()
    };
    if !program.starts_with(b"\x7fELF\x02\x01") {
        bail!("what was built is not a program of Linux");
    }
    Ok(!headers().context("what was built is cut off")?.contains(&INTERPRETER))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    fn own_file() -> ImageFile {
        ImageFile::read(&cargo::top().join("deploy/Containerfile")).unwrap()
    }

    #[test]
    fn the_image_file_says_what_is_copied_and_how_it_is_built() {
        let text = "# FROM nothing\nFROM rust AS build\nWORKDIR /src\nCOPY Cargo.toml Cargo.lock ./\nCOPY crates crates\n\
                    RUN cargo build --release --locked\nFROM scratch\nCOPY --from=build /image/ /\n\
                    COPY --from=build /src/target/release/tutela /tutela\nCOPY LICENSE /l\n";

        let file = ImageFile::parse(text).unwrap();

        assert_eq!(file.sources, words("Cargo.toml Cargo.lock crates"));
        assert_eq!(file.others, words("LICENSE"));
        assert_eq!(file.build, words("build --release --locked"));
        assert_eq!(file.taken, words("release/tutela"));
    }

    #[test]
    fn every_path_of_the_image_file_is_there_and_makes_a_workspace() {
        let file = own_file();

        file.copied().unwrap().look().unwrap();

        assert!(file.build.iter().any(|word| word == "--locked"), "{file:?}");
    }

    // twin: a path too much
    #[test]
    fn a_path_that_is_not_there_is_found() {
        let mut file = own_file();
        file.others.push("no-such-folder".to_owned());

        let refused = file.copied().unwrap_err();

        assert!(refused.to_string().contains("no-such-folder"), "{refused}");
    }

    // twin: a path too few
    #[test]
    fn a_path_that_the_build_needs_and_the_file_does_not_copy_is_found() {
        let mut file = own_file();
        file.sources.retain(|path| path != "xtask");

        let refused = file.copied().unwrap().look().unwrap_err();

        assert!(format!("{refused:#}").contains("xtask"), "{refused:#}");
    }

    #[test]
    fn what_was_built_goes_with_the_check() {
        let clean = own_file().copied().unwrap();
        let folder = clean.folder.path().to_owned();

        drop(clean);

        assert!(!folder.exists());
    }

    // twin: a program that is not static
    #[cfg(all(target_env = "gnu", target_pointer_width = "64", target_endian = "little"))]
    #[test]
    fn program_that_needs_a_loader_is_not_static() {
        let own = std::fs::read(std::env::current_exe().unwrap()).unwrap();

        assert!(!is_static(&own).unwrap());
    }

    #[test]
    fn what_is_no_program_is_told() {
        let mut head = b"\x7fELF\x02\x01".to_vec();
        head.resize(64, 0);

        assert!(is_static(&head).unwrap());
        assert!(is_static(&head[..40]).is_err());
        assert!(is_static(b"#!/bin/sh\n").is_err());
    }
}
