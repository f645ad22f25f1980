//! The configuration file of a connector process (baton C-3).

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use spec::{Diagnostic, FlatSetting, SourceFile, read_flat};
use thiserror::Error;

/// Name of the file that is read if it is there.
const USUAL: &str = ".baton.yaml";
/// Largest file that is read, in bytes; the parser takes no larger one.
const MAX_BYTES: u64 = 1 << 20;

/// A configuration file that was read.
#[derive(Debug)]
pub struct ConfigFile {
    /// Where it is.
    pub path: PathBuf,
    /// What it says.
    pub settings: Vec<FlatSetting>,
}

impl ConfigFile {
    /// Reads the file that `named` (the value of `BATON_CONFIG_PATH`) names, else `.baton.yaml` in `folder`,
    /// which need not be there.
    ///
    /// Other runtimes pass over a file that they cannot read. Here it is an error: somebody wrote it so that
    /// it counts.
    ///
    /// # Errors
    /// [`ConfigFileError`] with file, line and column, and without values.
    pub fn find(named: Option<&str>, folder: &Path) -> Result<Option<Self>, ConfigFileError> {
        let Some(named) = named.filter(|named| !named.is_empty()) else {
            let path = folder.join(USUAL);
            return match read(&path) {
                Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
                read => Self::of(path, read).map(Some),
            };
        };
        let path = folder.join(named);
        if !path.extension().is_some_and(|ending| ending == "yaml" || ending == "yml") {
            return Err(ConfigFileError::Ending { path });
        }
        let read = read(&path);
        Self::of(path, read).map(Some)
    }

    fn of(path: PathBuf, read: std::io::Result<String>) -> Result<Self, ConfigFileError> {
        let text = read.map_err(|source| ConfigFileError::Unreadable { path: path.clone(), source })?;
        let checked = read_flat(&SourceFile::new(path.display().to_string(), text));
        match checked.value {
            Some(settings) => Ok(Self { path, settings }),
            None => Err(ConfigFileError::Broken { findings: checked.diagnostics.into_iter().collect() }),
        }
    }
}

fn read(path: &Path) -> std::io::Result<String> {
    let length = std::fs::metadata(path)?.len();
    if length > MAX_BYTES {
        return Err(std::io::Error::new(ErrorKind::FileTooLarge, "it is larger than 1 MiB"));
    }
    std::fs::read_to_string(path)
}

/// A configuration file that cannot be used.
#[derive(Debug, Error)]
pub enum ConfigFileError {
    /// Another kind of file.
    #[error("BATON_CONFIG_PATH names `{}`; a configuration file ends with `.yaml` or `.yml`", path.display())]
    Ending {
        /// Where it is.
        path: PathBuf,
    },
    /// Not there, or not to be read.
    #[error("the configuration file `{}` cannot be read: {source}; correct BATON_CONFIG_PATH or the file's rights", path.display())]
    Unreadable {
        /// Where it is.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// Not what a configuration file is.
    #[error("{}", list(findings))]
    Broken {
        /// What is wrong, at least one thing.
        findings: Vec<Diagnostic>,
    },
}

fn list(findings: &[Diagnostic]) -> String {
    let line = |found: &Diagnostic| {
        let help = found.help.as_deref().map(|help| format!("; {help}")).unwrap_or_default();
        format!("{}:{}:{}: {}{help}", found.file, found.line, found.column, found.message)
    };
    findings.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use std::fs;

    use rstest::rstest;
    use testkit::Canary;

    use super::*;

    // rule: baton C-3
    #[test]
    fn named_file_wins_and_the_usual_one_need_not_be_there() {
        let folder = tempfile::tempdir().unwrap();
        assert!(ConfigFile::find(None, folder.path()).unwrap().is_none());
        assert!(ConfigFile::find(Some(""), folder.path()).unwrap().is_none());
        fs::write(folder.path().join(".baton.yaml"), "file: usual.c1z\n").unwrap();
        fs::write(folder.path().join("other.yml"), "file: other.c1z\nworkers: 2\n").unwrap();

        let usual = ConfigFile::find(None, folder.path()).unwrap().unwrap();
        let named = ConfigFile::find(Some("other.yml"), folder.path()).unwrap().unwrap();

        assert_eq!((usual.settings.len(), named.settings.len()), (1, 2));
        assert!(named.path.ends_with("other.yml"));
    }

    // rule: baton C-3
    #[rstest]
    #[case("broken.yaml", "file: [a\nworkers: 2\n", "broken.yaml:")]
    #[case("levels.yaml", "file: a\nlog:\n  level: info\n", "levels.yaml:2:1: `log` is neither")]
    #[case("twice.yml", "file: a\nfile: b\n", "twice.yml:2:1: key `file` stands here for the second time")]
    fn broken_file_is_an_error_with_line_and_column(
        #[case] name: &str,
        #[case] text: &str,
        #[case] says: &str,
    ) {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(name), text).unwrap();
        fs::write(folder.path().join(".baton.yaml"), text).unwrap();

        let named = ConfigFile::find(Some(name), folder.path()).unwrap_err().to_string();

        assert!(named.contains(says), "{named}");
        assert!(ConfigFile::find(None, folder.path()).is_err());
    }

    // rule: baton C-3
    #[test]
    fn missing_large_and_foreign_files_are_named() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("large.yaml"), "#".repeat(2 << 20)).unwrap();

        for (name, says) in [
            ("none.yaml", "cannot be read"),
            ("baton.json", "ends with `.yaml` or `.yml`"),
            ("large.yaml", "larger than 1 MiB"),
        ] {
            let error = ConfigFile::find(Some(name), folder.path()).unwrap_err().to_string();
            assert!(error.contains(says) && error.contains(name), "{error}");
        }
    }

    // rule: architecture law 8
    #[test]
    fn no_error_shows_a_value() {
        let canary = Canary::new("config");
        let folder = tempfile::tempdir().unwrap();
        let secret = &canary.secret;
        for text in [
            format!("client-secret: {{a: {secret}}}\n"),
            format!("client-secret: \"{secret}\n"),
            format!("client-secret: {secret}\nclient-secret: {secret}\n"),
            format!("client-secret: [{secret}\n"),
            format!("client-secret: a: {secret}\n"),
            format!("client-secret: !x {secret}\n"),
            format!("client-secret: *{secret}\n"),
        ] {
            fs::write(folder.path().join(".baton.yaml"), &text).unwrap();
            let error = ConfigFile::find(None, folder.path()).unwrap_err();
            canary.assert_absent([error.to_string(), format!("{error:?}")]);
        }
    }
}
